/**
 * CUDA C++ of a lowered program, with its trace: what a person reads beside the schedule, and what is compiled.
 *
 *     kernel main { let row = blockIdx.x * 4 + threadIdx.x / 32; ... }
 *
 *     extern "C" __global__ void __launch_bounds__(128)
 *     softmax_rows(const float *__restrict__ x, float *__restrict__ y) {
 *       const unsigned row = blockIdx.x * 4 + threadIdx.x / 32;
 *       ...
 *
 * Taken in is what `lowering` gives out: accesses with one offset, no `tasks`, no guards, types of C. The text stands
 * alone: it includes no header, and what needs special instructions is a wrapper at its top (wrappers.ts).
 */
import { bytesOf, cellsOf, sharedMemory, type SharedMemory } from '../ir/memory.ts'
import {
  dimensions, type Allocate, type Binary, type BinaryOperator, type Buffer, type Copy, type Effect, type ElementName,
  type Expr, type For, type If, type Kernel, type Program, type Stmt, type Variable
} from '../ir/ir.ts'
import { equalExpr, exprsOf, forEachExpr, forEachStmt, mapExpr } from '../ir/visit.ts'
import type { Architecture } from '../target/architectures.ts'
import { createExpressionPrinter, isPlain, onlyIndex, precedence, typeName, type ExpressionPrinter } from './expressions.ts'
import { createNames, legalFunctionName, type Names } from './names.ts'
import type { Trace } from './trace.ts'
import { isSmallFloat, wrapperKey, wrapperText, type Wrapper } from './wrappers.ts'
import { createWriter, lineWidth, type Writer } from './writer.ts'

export interface Cuda { readonly text: string; readonly trace: Trace }

/** The whole file: a heading, the wrappers in use, the kernels in order. */
export function printCuda(program: Program, architecture: Architecture): Cuda {
  const writer = createWriter()
  const wrappers = new Map<string, Wrapper>()
  const use = (wrapper: Wrapper) => wrappers.set(wrapperKey(wrapper), wrapper)
  program.kernels.forEach((kernel, i) => {
    if (i > 0) writer.endLine()
    printKernel(program, kernel, architecture, writer, use)
  })
  const heading = `// ${program.name}, for ${architecture.name}\n\n`
  const { text, regions } = writer.finish(heading + wrapperText([...wrappers.values()], architecture))
  return { text, trace: { regions } }
}

/** The symbol by which the kernel is launched. */
export function kernelName(program: Program, kernel: Kernel): string {
  return legalFunctionName(program.kernels.length === 1 ? program.name : `${program.name}_${kernel.name}`)
}

/**
 * What a launch passes, in order: the addresses of the parameters and workspaces, then the values of the extents in
 * 32 bits each (below 2^31); of each only what the kernel uses.
 */
export function kernelArguments(program: Program, kernel: Kernel): readonly (Buffer | Variable)[] {
  return argumentsOf(program, usesOf(kernel))
}

/** `dynamic`: beyond what a kernel may declare, so that the launch asks for the bytes. */
export function isDynamic(shared: SharedMemory, architecture: Architecture): boolean {
  return shared.bytes > architecture.static_shared_memory_per_block
}

/** The second number of `__launch_bounds__` that the architecture takes: more blocks can never be resident. */
export function emittedMinBlocks(kernel: Kernel, architecture: Architecture): number | undefined {
  if (kernel.minBlocks === undefined) return undefined
  const blocks = Math.min(
    kernel.minBlocks, architecture.blocks_per_sm, Math.floor(architecture.threads_per_sm / threadsOf(kernel))
  )
  return blocks >= 1 ? blocks : undefined
}

function threadsOf(kernel: Kernel): number {
  return kernel.block[0] * kernel.block[1] * kernel.block[2]
}

// ---------------------------------------------------------------- what a kernel uses

interface Uses {
  readonly buffers: ReadonlySet<Buffer>
  readonly variables: ReadonlySet<Variable>
  readonly written: ReadonlySet<Buffer>
  /** The bytes of the widest access of a buffer, where it is wider than an element. */
  readonly wide: ReadonlyMap<Buffer, number>
  /** Some shared memory takes over that of another. */
  readonly reuses: boolean
}

function usesOf(kernel: Kernel): Uses {
  const buffers = new Set<Buffer>()
  const variables = new Set<Variable>()
  const written = new Set<Buffer>()
  const wide = new Map<Buffer, number>()
  let reuses = false
  const inExpr = (e: Expr) => {
    if (e.kind === 'variable') variables.add(e.variable)
    else if (e.kind === 'load') buffers.add(e.buffer)
  }
  forEachStmt(kernel.body, s => {
    for (const e of exprsOf(s)) forEachExpr(e, inExpr)
    if (s.kind === 'store' || (s.kind === 'effect' && s.effect === 'atomic_add')) written.add(s.buffer)
    else if (s.kind === 'allocate') reuses ||= s.reuses.length > 0
    else if (s.kind === 'copy') {
      written.add(s.to.buffer)
      buffers.add(s.from.buffer)
      for (const { buffer } of [s.to, s.from]) {
        wide.set(buffer, Math.max(wide.get(buffer) ?? 0, s.lanes * bytesOf(buffer.element)))
      }
    }
  })
  for (const buffer of written) buffers.add(buffer)
  return { buffers, variables, written, wide, reuses }
}

function argumentsOf(program: Program, uses: Uses): readonly (Buffer | Variable)[] {
  return [
    ...[...program.parameters, ...program.workspaces.map(w => w.buffer)].filter(b => uses.buffers.has(b)),
    ...program.extents.filter(v => uses.variables.has(v))
  ]
}

// ---------------------------------------------------------------- kernels

/** What the statements of one kernel are printed with. */
interface KernelPrinter {
  readonly writer: Writer
  readonly names: Names
  readonly use: (wrapper: Wrapper) => void
  readonly expressions: ExpressionPrinter
  readonly kernel: Kernel
  readonly uses: Uses
  readonly shared: SharedMemory
  /** The array that holds all shared memory, where its parts are not arrays of their own. */
  readonly arena: string | undefined
}

function printKernel(
  program: Program, kernel: Kernel, architecture: Architecture, writer: Writer, use: (wrapper: Wrapper) => void
): void {
  const names = createNames()
  const uses = usesOf(kernel)
  const shared = sharedMemory(kernel)
  const dynamic = isDynamic(shared, architecture)
  const expressions = createExpressionPrinter(writer, names, use, isScalar)
  const parameters = argumentsOf(program, uses)
  for (const v of program.extents) names.declare(v, v.name)
  for (const b of parameters) if ('scope' in b) names.declare(b, b.name)

  launchComment(kernel, shared, dynamic, writer, expressions)
  writer.open(kernel.origins)
  const minBlocks = emittedMinBlocks(kernel, architecture)
  const bounds = minBlocks === undefined ? `${threadsOf(kernel)}` : `${threadsOf(kernel)}, ${minBlocks}`
  writer.write(`extern "C" __global__ void __launch_bounds__(${bounds})`)
  writer.endLine()
  signature(kernelName(program, kernel), parameters, uses, names, use, writer)
  writer.indent()
  const arena = dynamic || uses.reuses ? 'shared_memory' : undefined
  if (arena !== undefined) {
    writer.write(dynamic
      ? `extern __shared__ __align__(16) unsigned char ${arena}[];`
      : `__shared__ __align__(16) unsigned char ${arena}[${shared.bytes}];`)
    writer.endLine()
  }
  const printer: KernelPrinter = { writer, names, use, expressions, kernel, uses, shared, arena }
  kernel.body.forEach((s, i) => {
    if (startsParagraph(kernel.body, i)) writer.endLine()
    printStmt(s, printer)
  })
  writer.dedent()
  writer.write('}')
  writer.close()
  writer.endLine()
}

/** In a kernel's own body: what follows the opening declarations, and declarations behind a block or barrier. */
function startsParagraph(body: readonly Stmt[], i: number): boolean {
  const before = body[i - 1]
  if (before === undefined) return false
  return declares(body[i]!) ? 'body' in before || before.kind === 'if' || before.kind === 'barrier'
    : body.slice(0, i).every(declares)
}

function declares(s: Stmt): boolean {
  return s.kind === 'let' || s.kind === 'declare' || s.kind === 'allocate'
}

/** `// 8 * batch blocks of 256 threads, 16384 bytes of shared memory` */
function launchComment(
  kernel: Kernel, shared: SharedMemory, dynamic: boolean, writer: Writer, expressions: ExpressionPrinter
): void {
  const used = (last: number) => dimensions.slice(0, last + 1)
  const lastBlock = Math.max(0, kernel.block.findLastIndex(n => n > 1))
  const lastGrid = Math.max(0, kernel.grid.findLastIndex(e => !(e.kind === 'constant' && Number(e.value) === 1)))
  writer.write('// grid (')
  used(lastGrid).forEach((_, i) => {
    if (i > 0) writer.write(', ')
    expressions.print(mapExpr(kernel.grid[i]!, asUnsigned), precedence.anything, true)
  })
  writer.write(`), block (${used(lastBlock).map((_, i) => kernel.block[i]).join(', ')})`)
  if (shared.bytes > 0) writer.write(`, ${shared.bytes} bytes of ${dynamic ? 'dynamic ' : ''}shared memory`)
  writer.endLine()
}

/** Numbers of blocks are computed before the launch, and positive. */
function asUnsigned(e: Expr): Expr {
  return e.type === 'bool' ? e : { ...e, type: 'u32' }
}

/** On one line, or else each parameter on its own. */
function signature(
  name: string, parameters: readonly (Buffer | Variable)[], uses: Uses, names: Names,
  use: (wrapper: Wrapper) => void, writer: Writer
): void {
  const texts = parameters.map(parameter => {
    if (!('scope' in parameter)) return `unsigned ${names.of(parameter)}`
    const qualifier = uses.written.has(parameter) ? '' : 'const '
    return `${qualifier}${elementType(parameter.element, use)} *__restrict__ ${names.of(parameter)}`
  })
  const fits = `${name}(${texts.join(', ')}) {`.length <= lineWidth
  writer.write(`${name}(`)
  writer.indent()
  parameters.forEach((parameter, i) => {
    if (!fits) writer.endLine()
    else if (i > 0) writer.write(' ')
    writer.open('scope' in parameter ? parameter.origins : [])
    writer.write(texts[i]!)
    writer.close()
    if (i < parameters.length - 1) writer.write(',')
  })
  writer.dedent()
  if (!fits) writer.endLine()
  writer.write(') {')
  writer.endLine()
}

function elementType(element: ElementName, use: (wrapper: Wrapper) => void): string {
  if (isSmallFloat(element)) use({ kind: 'type', type: element })
  return typeName(element)
}

/** A thread keeps one cell of it: no array is needed. */
function isScalar(buffer: Buffer): boolean {
  return buffer.scope === 'register' && cellsOf(buffer) === 1
}

// ---------------------------------------------------------------- statements

function printStmt(s: Stmt, p: KernelPrinter): void {
  p.writer.open(s.origins)
  bareStmt(s, p)
  p.writer.close()
  if (s.kind === 'let' && s.note !== undefined) p.writer.comment(s.note)
  p.writer.endLine()
}

/** Up to the end of the statement, which is not that of its line. */
function bareStmt(s: Stmt, p: KernelPrinter): void {
  const { writer, names, expressions } = p
  switch (s.kind) {
    case 'let':
      declaration('const ', s.variable, s.value, p)
      return
    case 'declare':
      declaration('', s.variable, s.value, p)
      return
    case 'assign': {
      const { variable } = s
      const isTarget = (e: Expr) => e.kind === 'variable' && e.variable === variable
      assignment(() => { writer.write(names.of(variable)) }, isTarget, s.value, p)
      return
    }
    case 'store': {
      const { buffer } = s
      const offset = onlyIndex(s.indices)
      const isTarget = (e: Expr) =>
        e.kind === 'load' && e.buffer === buffer && equalExpr(onlyIndex(e.indices), offset)
      assignment(() => { expressions.element(buffer, offset) }, isTarget, s.value, p)
      return
    }
    case 'allocate':
      if (s.buffer.scope === 'shared') sharedTensor(s, p)
      else registerTensor(s, p)
      return
    case 'copy':
      copy(s, p)
      return
    case 'for':
      loop(s, p)
      return
    case 'if':
      branches(s, p)
      return
    case 'while':
      writer.write('while (')
      expressions.print(s.condition, precedence.anything, true)
      writer.write(') ')
      block(s.body, p)
      return
    case 'jump':
      writer.write(`${s.to};`)
      return
    case 'barrier':
      writer.write('__syncthreads();')
      return
    case 'effect':
      effect(s, p)
      return
    case 'tasks':
      throw new Error('`tasks` are lowered to loops')
  }
}

/** In braces, on lines of its own. */
function block(body: readonly Stmt[], p: KernelPrinter, note?: string): void {
  const { writer, names } = p
  writer.write('{')
  if (note !== undefined) writer.comment(note)
  writer.endLine()
  writer.indent()
  names.enter()
  for (const s of body) printStmt(s, p)
  names.leave()
  writer.dedent()
  writer.write('}')
}

function declaration(qualifier: string, variable: Variable, value: Expr, p: KernelPrinter): void {
  const { type } = variable
  if (isSmallFloat(type)) p.use({ kind: 'type', type })
  p.writer.write(`${qualifier}${typeName(type)} ${p.names.declare(variable, variable.name)} =`)
  p.writer.mayBreak('assignment')
  p.writer.write(' ')
  p.expressions.print(value, precedence.conditional, true)
  p.writer.write(';')
}

/** `x = x + 1` is `x += 1`. */
function assignment(target: () => void, isTarget: (e: Expr) => boolean, value: Expr, p: KernelPrinter): void {
  const { writer, expressions } = p
  const update = value.kind === 'binary' && isPlain(value) && !isSmallFloat(value.type) ? value : undefined
  const other = update && otherOperand(update, isTarget)
  if (update && other) {
    writer.open(update.origins)
    writer.open((other === update.right ? update.left : update.right).origins)
    target()
    writer.close()
    writer.write(` ${update.operator}=`)
    writer.mayBreak('assignment')
    writer.write(' ')
    expressions.print(other, precedence.conditional, true)
    writer.close()
  } else {
    target()
    writer.write(' =')
    writer.mayBreak('assignment')
    writer.write(' ')
    expressions.print(value, precedence.conditional, true)
  }
  writer.write(';')
}

function otherOperand({ operator, left, right }: Binary, isTarget: (e: Expr) => boolean): Expr | undefined {
  if (!updating.has(operator)) return undefined
  if (isTarget(left)) return right
  return commutative.has(operator) && isTarget(right) ? left : undefined
}

const commutative: ReadonlySet<BinaryOperator> = new Set(['+', '*', '&', '|', '^'])
const updating: ReadonlySet<BinaryOperator> = new Set([...commutative, '-', '/', '%', '<<', '>>'])

// ---------------------------------------------------------------- memory

function sharedTensor(s: Allocate, p: KernelPrinter): void {
  const { writer, names, kernel, shared, arena } = p
  const { buffer, value } = s
  const type = elementType(buffer.element, p.use)
  const cells = cellsOf(buffer)!
  const name = names.declare(buffer, buffer.name)
  if (arena === undefined) writer.write(`__shared__ ${alignment(buffer, p)}${type} ${name}[${cells}];`)
  else {
    // a reference to an array, so that a compiler can tell an index beyond it
    const start = shared.offsets.get(buffer)!
    const from = start === 0 ? arena : `(${arena} + ${start})`
    writer.write(`${type} (&${name})[${cells}] = *(${type} (*)[${cells}])${from};`)
  }
  if (value === undefined) return
  const threads = threadsOf(kernel)
  const i = temporary('i', names)
  writer.endLine()
  writer.write(`for (unsigned ${i} = ${linearThread(kernel)}; ${i} < ${cells}; ${i} += ${threads}) {`)
  fillBody(name, i, value, p)
  writer.endLine()
  writer.write('__syncthreads();')
}

function registerTensor(s: Allocate, p: KernelPrinter): void {
  const { writer, names, expressions } = p
  const { buffer, value } = s
  const type = elementType(buffer.element, p.use)
  const name = names.declare(buffer, buffer.name)
  if (isScalar(buffer)) {
    writer.write(`${type} ${name}`)
    if (value) {
      writer.write(' = ')
      expressions.print(value, precedence.conditional, true)
    }
    writer.write(';')
    return
  }
  const cells = cellsOf(buffer)!
  const zero = value?.kind === 'constant' && Object.is(Number(value.value), 0)
  writer.write(`${alignment(buffer, p)}${type} ${name}[${cells}]`)
  if (zero) {
    writer.write(' = ')
    writer.open(value.origins)
    writer.write('{}')
    writer.close()
  }
  writer.write(';')
  if (value === undefined || zero) return
  const i = temporary('i', names)
  writer.endLine()
  writer.write('#pragma unroll')
  writer.endLine()
  writer.write(`for (unsigned ${i} = 0; ${i} < ${cells}; ${i}++) {`)
  fillBody(name, i, value, p)
}

function fillBody(name: string, i: string, value: Expr, { writer, expressions }: KernelPrinter): void {
  writer.endLine()
  writer.indent()
  writer.write(`${name}[${i}] = `)
  expressions.print(value, precedence.conditional, true)
  writer.write(';')
  writer.endLine()
  writer.dedent()
  writer.write('}')
}

/** A name that is free here, and stays so. */
function temporary(name: string, names: Names): string {
  names.enter()
  const free = names.declare({}, name)
  names.leave()
  return free
}

/** The number of the thread in its block. */
function linearThread({ block: [x, y, z] }: Kernel): string {
  const terms = ['threadIdx.x']
  if (y > 1) terms.push(`${x} * threadIdx.y`)
  if (z > 1) terms.push(`${x * y} * threadIdx.z`)
  return terms.join(' + ')
}

function alignment(buffer: Buffer, { uses }: KernelPrinter): string {
  const bytes = uses.wide.get(buffer) ?? 0
  return bytes > bytesOf(buffer.element) ? `__align__(${bytes}) ` : ''
}

/** Through the vector type of as many bytes: CUDA moves it in one access. */
function copy(s: Copy, p: KernelPrinter): void {
  const { writer } = p
  if (s.async) return asynchronousCopy(s, s.async.condition, p)
  const vector = vectorType(s.to.buffer.element, s.lanes)
  writer.write(`*(${vector} *)`)
  address(s.to.buffer, s.to.offset, p)
  writer.write(' =')
  writer.mayBreak('assignment')
  writer.write(` *(const ${vector} *)`)
  address(s.from.buffer, s.from.offset, p)
  writer.write(';')
}

function asynchronousCopy(s: Copy, condition: Expr | undefined, p: KernelPrinter): void {
  const { writer, use, expressions } = p
  const bytes = s.lanes * bytesOf(s.to.buffer.element)
  use({ kind: 'asynchronous copy', bytes, guarded: condition !== undefined })
  writer.write(`copy_async_${bytes}(`)
  address(s.to.buffer, s.to.offset, p)
  writer.write(',')
  writer.mayBreak('assignment')
  writer.write(' ')
  address(s.from.buffer, s.from.offset, p)
  if (condition) {
    writer.write(',')
    writer.mayBreak('assignment')
    writer.write(' ')
    expressions.print(condition, precedence.conditional, true)
  }
  writer.write(');')
}

function address(buffer: Buffer, offset: Expr, { writer, names, expressions }: KernelPrinter): void {
  if (offset.kind === 'constant' && Number(offset.value) === 0 && !isScalar(buffer)) writer.write(names.of(buffer))
  else {
    writer.write('&')
    expressions.element(buffer, offset)
  }
}

function vectorType(element: ElementName, lanes: number): string {
  if (element === 'f64') return 'double2'
  if (element === 'f32') return `float${lanes}`
  switch (lanes * bytesOf(element)) {
    case 2: return 'unsigned short'
    case 4: return 'unsigned'
    case 8: return 'uint2'
    default: return 'uint4'
  }
}

// ---------------------------------------------------------------- control and effects

function loop(s: For, p: KernelPrinter): void {
  const { writer, names, expressions } = p
  if (s.unroll !== 'automatic') {
    writer.write(s.unroll === 'full' ? '#pragma unroll' : `#pragma unroll ${s.unroll === 'never' ? 1 : s.unroll}`)
    writer.endLine()
  }
  names.enter()
  const name = names.declare(s.variable, s.variable.name)
  writer.write(`for (${typeName(s.variable.type)} ${name} = 0; ${name} < `)
  expressions.print(s.extent, precedence.shift, true)
  writer.write(`; ${name}++) `)
  block(s.body, p, s.note)
  names.leave()
}

function branches(s: If, p: KernelPrinter): void {
  const { writer, expressions } = p
  writer.write('if (')
  expressions.print(s.condition, precedence.anything, true)
  writer.write(') ')
  block(s.then, p)
  if (s.otherwise.length === 0) return
  writer.write(' else ')
  const [only, ...more] = s.otherwise
  if (only?.kind === 'if' && more.length === 0) {
    writer.open(only.origins)
    branches(only, p)
    writer.close()
  } else block(s.otherwise, p)
}

function effect(s: Effect, p: KernelPrinter): void {
  const { writer, names, expressions } = p
  switch (s.effect) {
    case 'atomic_add': {
      const { buffer, old } = s
      const scope = buffer.scope === 'shared' ? 'shared' : 'global'
      p.use({ kind: 'atomic', type: buffer.element, scope })
      if (old) writer.write(`const ${elementType(buffer.element, p.use)} ${names.declare(old, old.name)} = `)
      writer.write(`atomic_add_${scope}(`)
      address(buffer, onlyIndex(s.indices), p)
      writer.write(', ')
      expressions.print(s.value, precedence.conditional, false)
      writer.write(');')
      return
    }
    case 'assert':
      p.use({ kind: 'trap' })
      writer.write('if (!')
      expressions.print(s.condition, precedence.unary, true)
      writer.write(') trap();')
      writer.comment(s.message.replace(/\s+/g, ' ').replace(/\\$/, ''))
      return
    case 'commit_group':
      p.use({ kind: 'commit group' })
      writer.write('commit_group();')
      return
    case 'wait_group':
      p.use({ kind: 'wait group' })
      writer.write(`wait_group<${s.pending}>();`)
  }
}
