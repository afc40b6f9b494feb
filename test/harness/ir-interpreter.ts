/**
 * Executes a program of any stage, all threads, as slowly and as strictly as can be: an oracle for passes.
 *
 * `logical`: indices are those of the declared shapes; a register tensor is kept by its logical elements, so reading an
 * element that the thread never wrote is found. `cells`: after flattening, one offset into the buffer's cells.
 * What a program must not do throws: leaving a buffer, reading what was never written, a barrier that some threads
 * miss, a misaligned wide access, index arithmetic that leaves the exact numbers. Threads run to their next barrier one
 * after the other, forwards or backwards: a race between them shows as a difference. Asynchronous copies arrive as late
 * as they may, at the `wait_group` of their thread that covers them; until then nobody may touch where they go.
 */
import {
  blockIdx, dimensions, threadIdx,
  type BinaryOperator, type Buffer, type Expr, type Intrinsic, type IntrinsicCall, type Kernel, type Program, type Stmt,
  type Type, type Variable
} from '../../compiler-core/ir/ir.ts'
import { cellsOf } from '../../compiler-core/ir/memory.ts'
import { numbers } from '../../compiler-core/mapping/arithmetic.ts'
import { offset } from '../../compiler-core/mapping/layout.ts'
import { stepsOf, taskAt } from '../../compiler-core/mapping/mapping.ts'

export interface Execution {
  readonly stage: 'logical' | 'cells'
  readonly extents?: ReadonlyMap<Variable, number>
  readonly order?: 'forwards' | 'backwards'
}

/** Elements in row-major order; undefined: never written. */
export type Elements = ReadonlyArray<number | undefined>

/** The outputs' elements, from the inputs'. */
export function execute(
  program: Program, inputs: ReadonlyMap<Buffer, readonly number[]>, how: Execution
): ReadonlyMap<Buffer, Elements> {
  const machine: Machine = {
    stage: how.stage, backwards: how.order === 'backwards', slots: new Map(), memory: new Map(), shapes: new Map(),
    awaited: new Map()
  }
  const host = emptyThread()
  for (const v of program.extents) host.values[slotOf(machine, v)] = how.extents?.get(v) ?? fail(`no extent ${v.name}`)
  const global = [...program.parameters, ...program.workspaces.map(w => w.buffer)]
  for (const b of global) {
    const shape = b.shape.map(e => evaluator(machine, e)(host))
    machine.shapes.set(b, shape)
    const size = cellsOf(b) ?? shape.reduce((n, d) => n * d, 1)
    machine.memory.set(b, new Array<number | undefined>(size))
  }
  for (const [b, elements] of inputs) {
    const cells = machine.memory.get(b) ?? fail(`${b.name} is no parameter`)
    elements.forEach((x, i) => { cells[cellOfElement(machine, b, i)] = rounded(b.element, x) })
  }
  for (const { buffer, value } of program.workspaces) {
    if (value) machine.memory.get(buffer)?.fill(evaluator(machine, value)(host))
  }
  for (const k of program.kernels) executeKernel(machine, k, host)
  return new Map(program.parameters.filter(b => b.scope === 'output').map(b => {
    const cells = machine.memory.get(b) ?? []
    const count = (machine.shapes.get(b) ?? []).reduce((n, d) => n * d, 1)
    return [b, Array.from({ length: count }, (_, i) => cells[cellOfElement(machine, b, i)])]
  }))
}

/** The value of an expression that loads nothing. */
export function evaluate(e: Expr, variables: ReadonlyMap<Variable, number>): number {
  const machine: Machine = {
    stage: 'cells', backwards: false, slots: new Map(), memory: new Map(), shapes: new Map(), awaited: new Map()
  }
  const thread = emptyThread()
  for (const [v, x] of variables) thread.values[slotOf(machine, v)] = x
  return evaluator(machine, e)(thread)
}

/** As many elements as the buffer has, small whole numbers that differ from their neighbours. */
export function someElements(count: number, seed = 1): number[] {
  return Array.from({ length: count }, (_, i) => ((i * 7 + seed * 13) * 31 % 17) - 8)
}

// ---------------------------------------------------------------- the machine

interface Machine {
  readonly stage: 'logical' | 'cells'
  readonly backwards: boolean
  /** Where a variable, or the result of a shuffle, is kept in a thread. */
  readonly slots: Map<Variable | IntrinsicCall, number>
  /** Global memory, and the shared memory of the running block. */
  readonly memory: Map<Buffer, Array<number | undefined>>
  readonly shapes: Map<Buffer, readonly number[]>
  /** Cells where asynchronous copies have yet to arrive. */
  readonly awaited: Map<Buffer, Set<number>>
}

interface Thread {
  readonly values: number[]
  readonly registers: Map<Buffer, { cells: Map<number, number>; first: number | undefined }>
  /** Groups of asynchronous copies that are under way, the newest last: that one is not yet closed. */
  groups: Arrival[][]
}

type Arrival = () => void

type Evaluate = (t: Thread) => number
/** What a thread waits for. A shuffle gets its own lane's value and is sent the other one's. */
type Wait = { kind: 'barrier' } | { kind: 'shuffle'; call: IntrinsicCall; value: number; distance: number }
type Flow = 'next' | 'break' | 'continue' | 'return'
type Run = Generator<Wait, Flow, number>
type Execute = (t: Thread) => Run

function emptyThread(): Thread {
  return { values: [], registers: new Map(), groups: [[]] }
}

function slotOf(m: Machine, v: Variable | IntrinsicCall): number {
  let slot = m.slots.get(v)
  if (slot === undefined) m.slots.set(v, slot = m.slots.size)
  return slot
}

function fail(message: string): never {
  throw new Error(message)
}

function cellOfElement(m: Machine, b: Buffer, element: number): number {
  const shape = m.shapes.get(b) ?? b.shape.map(e => e.kind === 'constant' ? Number(e.value) : fail('no shape'))
  if (!b.layout) return element
  const index: number[] = []
  let rest = element
  for (let i = shape.length - 1; i >= 0; i--) {
    index[i] = rest % (shape[i] ?? 1)
    rest = Math.floor(rest / (shape[i] ?? 1))
  }
  return offset(b.layout, index, numbers)
}

function executeKernel(m: Machine, k: Kernel, host: Thread): void {
  const grid = k.grid.map(e => evaluator(m, e)(host))
  const body = executor(m, k.body, false)
  forEachIndex(grid, block => {
    const threads: Thread[] = []
    forEachIndex([k.block[2], k.block[1], k.block[0]], ([z = 0, y = 0, x = 0]) => {
      const thread: Thread = { ...emptyThread(), values: [...host.values] }
      const own = [x, y, z]
      dimensions.forEach((_, d) => {
        thread.values[slotOf(m, threadIdx[d] ?? fail('dimension'))] = own[d] ?? 0
        thread.values[slotOf(m, blockIdx[d] ?? fail('dimension'))] = block[d] ?? 0
      })
      threads.push(thread)
    })
    executeBlock(m, threads.map(t => body(t)))
  })
}

function executeBlock(m: Machine, threads: Run[]): void {
  const waits = new Array<Wait | undefined>(threads.length)
  const answers = new Array<number>(threads.length).fill(0)
  const order = threads.map((_, i) => m.backwards ? threads.length - 1 - i : i)
  let ready = new Set(order)
  const done = new Set<number>()
  while (done.size < threads.length) {
    for (const i of order) {
      if (!ready.has(i)) continue
      const result = threads[i]?.next(answers[i] ?? 0) ?? fail('thread')
      waits[i] = result.done ? undefined : result.value
      if (result.done) done.add(i)
    }
    ready = new Set()
    for (let from = 0; from < threads.length; from += 32) exchange(waits, answers, from, ready)
    if (ready.size === 0 && done.size < threads.length) {
      if (waits.some(w => w?.kind !== 'barrier')) fail('a barrier or a shuffle is not reached by all threads')
      ready = new Set(order)
    }
  }
}

/** Where all lanes of a warp wait for the same shuffle. */
function exchange(waits: ReadonlyArray<Wait | undefined>, answers: number[], from: number, ready: Set<number>): void {
  const lanes = waits.slice(from, from + 32), first = lanes[0]
  if (first?.kind !== 'shuffle' || !lanes.every(w => w?.kind === 'shuffle' && w.call === first.call)) return
  lanes.forEach((w, lane) => {
    if (w?.kind !== 'shuffle') return
    const other = w.call.intrinsic === 'shfl_xor_sync' ? lane ^ w.distance : lane + w.distance
    const source = lanes[other] ?? w
    answers[from + lane] = source.kind === 'shuffle' ? source.value : 0
    ready.add(from + lane)
  })
}

function forEachIndex(extents: readonly number[], f: (index: readonly number[]) => void, index: number[] = []): void {
  if (index.length === extents.length) return f(index)
  for (let i = 0; i < (extents[index.length] ?? 0); i++) forEachIndex(extents, f, [...index, i])
}

// ---------------------------------------------------------------- memory

function cellAt(m: Machine, b: Buffer, indices: readonly number[], lanes = 1): number {
  const say = () => `${b.name}[${indices.join(', ')}]`
  for (const i of indices) if (!Number.isInteger(i)) fail(`${say()}: not a whole number`)
  if (m.stage === 'cells') {
    const [cell = 0] = indices
    const size = b.scope === 'register' ? cellsOf(b) ?? 0 : m.memory.get(b)?.length ?? 0
    if (indices.length !== 1 || cell < 0 || cell + lanes > size) fail(`${say()} leaves ${size} cells`)
    return cell
  }
  const shape = m.shapes.get(b) ?? b.shape.map(e => e.kind === 'constant' ? Number(e.value) : fail('no shape'))
  if (indices.length !== shape.length) fail(`${say()} has ${shape.length} dimensions`)
  indices.forEach((x, i) => { if (x < 0 || x >= (shape[i] ?? 0)) fail(`${say()} leaves [${shape.join(', ')}]`) })
  if (b.layout && b.scope !== 'register') return offset(b.layout, indices, numbers)
  return indices.reduce((n, x, i) => n * (shape[i] ?? 1) + x, 0)
}

function read(m: Machine, t: Thread, b: Buffer, cell: number): number {
  if (m.awaited.get(b)?.has(cell)) fail(`${b.name}[${cell}] has not arrived`)
  if (b.scope !== 'register') return m.memory.get(b)?.[cell] ?? fail(`${b.name}[${cell}] was never written`)
  const own = t.registers.get(b) ?? fail(`${b.name} is not allocated`)
  return own.cells.get(cell) ?? own.first ?? fail(`${b.name}[${cell}] was never written by this thread`)
}

function write(m: Machine, t: Thread, b: Buffer, cell: number, value: number): void {
  if (m.awaited.get(b)?.has(cell)) fail(`${b.name}[${cell}] is written while a copy to it is under way`)
  if (b.scope === 'register') (t.registers.get(b) ?? fail(`${b.name} is not allocated`)).cells.set(cell, value)
  else (m.memory.get(b) ?? fail(`${b.name} is not allocated`))[cell] = value
}

/** The values arrive when the thread's group does. */
function writeLater(m: Machine, t: Thread, b: Buffer, first: number, values: readonly number[]): void {
  const awaited = m.awaited.get(b) ?? new Set()
  m.awaited.set(b, awaited)
  values.forEach((_, lane) => {
    if (awaited.has(first + lane)) fail(`two copies to ${b.name}[${first + lane}] are under way`)
    awaited.add(first + lane)
  })
  t.groups.at(-1)?.push(() => {
    values.forEach((value, lane) => {
      awaited.delete(first + lane)
      write(m, t, b, first + lane, value)
    })
  })
}

/** All groups arrive but the newest `pending` ones that are closed. */
function waitGroup(t: Thread, pending: number): void {
  const arriving = Math.max(t.groups.length - 1 - pending, 0)
  for (const arrive of t.groups.slice(0, arriving).flat()) arrive()
  t.groups = t.groups.slice(arriving)
}

// ---------------------------------------------------------------- statements

/** `async`: inside of an asynchronous `tasks`. */
function executor(m: Machine, body: readonly Stmt[], async: boolean): Execute {
  const steps = body.map(s => withShuffles(m, s, executorOf(m, s, async)))
  return function* (t) {
    for (const step of steps) {
      const flow = yield* step(t)
      if (flow !== 'next') return flow
    }
    return 'next'
  }
}

function executorOf(m: Machine, s: Stmt, async: boolean): Execute {
  switch (s.kind) {
    case 'let': case 'declare': case 'assign': {
      const slot = slotOf(m, s.variable), value = evaluator(m, s.value), { type } = s.variable
      return plain(t => { t.values[slot] = rounded(type, value(t)) })
    }
    case 'allocate': {
      const first = s.value && evaluator(m, s.value), { buffer } = s
      if (buffer.scope === 'register') {
        return plain(t => {
          t.registers.set(buffer, { cells: new Map(), first: first && rounded(buffer.element, first(t)) })
        })
      }
      const size = cellsOf(buffer) ?? fail('shared memory of unknown size')
      return function* (t) {
        // the first thread to come makes it anew; a barrier before and after keeps the blocks' turns apart
        yield { kind: 'barrier' }
        m.memory.set(buffer, new Array<number | undefined>(size))
        m.awaited.delete(buffer)
        yield { kind: 'barrier' }
        if (first) m.memory.get(buffer)?.fill(rounded(buffer.element, first(t)))
        yield { kind: 'barrier' }
        return 'next'
      }
    }
    case 'store': {
      const indices = s.indices.map(e => evaluator(m, e)), value = evaluator(m, s.value)
      const late = s.buffer.scope === 'shared' && (async || s.async)
      return plain(t => {
        const at = indices.map(f => f(t))
        if (s.guarded && !inside(m, s.buffer, at)) return
        const cell = cellAt(m, s.buffer, at), stored = rounded(s.buffer.element, value(t))
        if (late) writeLater(m, t, s.buffer, cell, [stored])
        else write(m, t, s.buffer, cell, stored)
      })
    }
    case 'copy': {
      const to = evaluator(m, s.to.offset), from = evaluator(m, s.from.offset)
      const condition = s.async?.condition && evaluator(m, s.async.condition)
      return plain(t => {
        const target = cellAt(m, s.to.buffer, [to(t)], s.lanes), offset = from(t)
        const source = condition && !condition(t) ? undefined : cellAt(m, s.from.buffer, [offset], s.lanes)
        if (target % s.lanes !== 0 || (source ?? 0) % s.lanes !== 0) fail(`a copy of ${s.lanes} at ${target} <- ${source}`)
        const values = Array.from({ length: s.lanes }, (_, lane) =>
          source === undefined ? 0 : read(m, t, s.from.buffer, source + lane))
        if (s.async) writeLater(m, t, s.to.buffer, target, values)
        else values.forEach((value, lane) => { write(m, t, s.to.buffer, target + lane, value) })
      })
    }
    case 'for': {
      const slot = slotOf(m, s.variable), extent = evaluator(m, s.extent), body = executor(m, s.body, async)
      return function* (t) {
        const end = extent(t)
        for (let i = 0; i < end; i++) {
          t.values[slot] = i
          const flow = yield* body(t)
          if (flow === 'return') return flow
          if (flow === 'break') break
        }
        return 'next'
      }
    }
    case 'tasks': {
      const slots = s.variables.map(v => slotOf(m, v)), worker = evaluator(m, s.worker)
      const body = executor(m, s.body, async || s.async)
      return function* (t) {
        const w = worker(t)
        if (w < 0) fail(`worker ${w}`)
        if (w >= s.mapping.workers) return 'next'
        const steps = stepsOf(s.mapping, w)
        for (let k = 0; k < steps; k++) {
          taskAt(s.mapping, w, k, numbers).forEach((x, i) => { t.values[slots[i] ?? 0] = x })
          const flow = yield* body(t)
          if (flow === 'return') return flow
          if (flow === 'break') break
        }
        return 'next'
      }
    }
    case 'if': {
      const condition = evaluator(m, s.condition)
      const then = executor(m, s.then, async), otherwise = executor(m, s.otherwise, async)
      return t => condition(t) ? then(t) : otherwise(t)
    }
    case 'while': {
      const condition = evaluator(m, s.condition), body = executor(m, s.body, async)
      return function* (t) {
        for (let turns = 0; condition(t); turns++) {
          if (turns > 10_000) fail('a loop without end')
          const flow = yield* body(t)
          if (flow === 'return') return flow
          if (flow === 'break') break
        }
        return 'next'
      }
    }
    case 'jump':
      return () => ended(s.to)
    case 'barrier':
      return function* () {
        yield { kind: 'barrier' }
        return 'next'
      }
    case 'effect':
      switch (s.effect) {
        case 'atomic_add': {
          const indices = s.indices.map(e => evaluator(m, e)), value = evaluator(m, s.value)
          const slot = s.old && slotOf(m, s.old), { element } = s.buffer
          return plain(t => {
            const cell = cellAt(m, s.buffer, indices.map(f => f(t))), old = read(m, t, s.buffer, cell)
            if (slot !== undefined) t.values[slot] = old
            write(m, t, s.buffer, cell, rounded(element, old + value(t)))
          })
        }
        case 'commit_group':
          return plain(t => { t.groups.push([]) })
        case 'wait_group':
          return plain(t => { waitGroup(t, s.pending) })
        case 'assert': {
          const condition = evaluator(m, s.condition)
          return plain(t => { if (!condition(t)) fail(s.message) })
        }
      }
  }
}

function plain(f: (t: Thread) => void): Execute {
  return t => {
    f(t)
    return ended('next')
  }
}

// eslint-disable-next-line require-yield -- it waits for nothing
function* ended(flow: Flow): Run {
  return flow
}

/** Shuffles of a statement's own expressions come first: all lanes reach them. */
function withShuffles(m: Machine, s: Stmt, execute: Execute): Execute {
  const calls = ownExpressions(s).flatMap(shufflesIn)
  if (calls.length === 0) return execute
  const steps = calls.map(call => {
    const [value, distance] = call.args.map(e => evaluator(m, e))
    return { call, slot: slotOf(m, call), value, distance }
  })
  return function* (t) {
    for (const { call, slot, value, distance } of steps) {
      t.values[slot] = yield { kind: 'shuffle', call, value: value?.(t) ?? 0, distance: distance?.(t) ?? 0 }
    }
    return yield* execute(t)
  }
}

function ownExpressions(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case 'let': case 'declare': case 'assign': return [s.value]
    case 'store': return [...s.indices, s.value]
    case 'if': return [s.condition]
    default: return []
  }
}

/** Innermost first. */
function shufflesIn(e: Expr): IntrinsicCall[] {
  switch (e.kind) {
    case 'constant': case 'variable': return []
    case 'binary': return [...shufflesIn(e.left), ...shufflesIn(e.right)]
    case 'unary': return shufflesIn(e.operand)
    case 'select': return [...shufflesIn(e.condition), ...shufflesIn(e.then), ...shufflesIn(e.otherwise)]
    case 'cast': return shufflesIn(e.value)
    case 'load': return [...e.indices.flatMap(shufflesIn), ...(e.outside ? shufflesIn(e.outside) : [])]
    case 'call': return [...e.args.flatMap(shufflesIn), ...(e.intrinsic.startsWith('shfl') ? [e] : [])]
    case 'reduce': return shufflesIn(e.body)
  }
}

function inside(m: Machine, b: Buffer, indices: readonly number[]): boolean {
  const shape = m.shapes.get(b) ?? b.shape.map(e => e.kind === 'constant' ? Number(e.value) : fail('no shape'))
  return indices.every((x, i) => x >= 0 && x < (shape[i] ?? 0))
}

// ---------------------------------------------------------------- expressions

function evaluator(m: Machine, e: Expr): Evaluate {
  const { type } = e
  switch (e.kind) {
    case 'constant': {
      const value = rounded(type, Number(e.value))
      return () => value
    }
    case 'variable': {
      const slot = slotOf(m, e.variable), { name } = e.variable
      return t => rounded(type, t.values[slot] ?? fail(`${name} has no value`))
    }
    case 'binary': {
      const left = evaluator(m, e.left), right = evaluator(m, e.right)
      if (e.operator === '&&') return t => left(t) && right(t)
      if (e.operator === '||') return t => left(t) || right(t)
      if (e.left.type !== e.right.type) fail(`operands of ${e.operator} are ${e.left.type} and ${e.right.type}`)
      const { operator } = e, operands = e.left.type
      return t => rounded(type, compute(operator, left(t), right(t), operands))
    }
    case 'unary': {
      const operand = evaluator(m, e.operand)
      if (e.operator === '!') return t => operand(t) ? 0 : 1
      if (e.operator === '-') return t => rounded(type, -operand(t))
      return t => rounded(type, Number(~BigInt(operand(t))))
    }
    case 'select': {
      const condition = evaluator(m, e.condition), then = evaluator(m, e.then), otherwise = evaluator(m, e.otherwise)
      return t => condition(t) ? then(t) : otherwise(t)
    }
    case 'cast': {
      const value = evaluator(m, e.value), whole = !isFloat(type)
      return t => rounded(type, whole && type !== 'bool' ? Math.trunc(value(t)) : value(t))
    }
    case 'load': {
      const indices = e.indices.map(i => evaluator(m, i)), outside = e.outside && evaluator(m, e.outside)
      return t => {
        const at = indices.map(f => f(t))
        if (outside && !inside(m, e.buffer, at)) return outside(t)
        return read(m, t, e.buffer, cellAt(m, e.buffer, at))
      }
    }
    case 'call': {
      if (e.intrinsic.startsWith('shfl')) {
        const slot = slotOf(m, e)
        return t => t.values[slot] ?? fail('a shuffle without a value')
      }
      const args = e.args.map(a => evaluator(m, a)), f = functions[e.intrinsic] ?? fail(e.intrinsic)
      return t => rounded(type, f(...args.map(a => a(t))))
    }
    case 'reduce':
      return fail('a reduction outside of an operator\'s definition')
  }
}

const functions: Readonly<Partial<Record<Intrinsic, (...args: number[]) => number>>> = {
  abs: Math.abs, exp: Math.exp, log: Math.log, sqrt: Math.sqrt, rsqrt: (x = 0) => 1 / Math.sqrt(x), tanh: Math.tanh,
  pow: Math.pow, floor: Math.floor, ceil: Math.ceil, sin: Math.sin, cos: Math.cos,
  round: (x = 0) => Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x),
  fma: (a = 0, b = 0, c = 0) => a * b + c,
  erf: (x = 0) => Math.tanh(1.128379167 * x * (1 + 0.08943 * x * x))
}

function compute(operator: BinaryOperator, a: number, b: number, type: Type): number {
  const whole = !isFloat(type)
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return whole && Math.abs(a * b) > Number.MAX_SAFE_INTEGER ? wrapBig(type, BigInt(a) * BigInt(b)) : a * b
    case '/': return whole ? (b === 0 ? fail('division by zero') : Math.floor(a / b)) : a / b
    case '%': return whole ? (b === 0 ? fail('division by zero') : a - b * Math.floor(a / b)) : a % b
    case 'min': return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b)
    case 'max': return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b)
    case '&': return Number(BigInt(a) & BigInt(b))
    case '|': return Number(BigInt(a) | BigInt(b))
    case '^': return Number(BigInt(a) ^ BigInt(b))
    case '<<': return Number(BigInt(a) << BigInt(b))
    case '>>': return Number(BigInt(a) >> BigInt(b))
    case '<': return Number(a < b)
    case '<=': return Number(a <= b)
    case '==': return Number(a === b)
    case '!=': return Number(a !== b)
    case '&&': return Number(a !== 0 && b !== 0)
    case '||': return Number(a !== 0 || b !== 0)
  }
}

function isFloat(type: Type): boolean {
  return type === 'f64' || type === 'f32' || type === 'tf32' || type === 'bf16' || type === 'f16'
}

function wrapBig(type: Type, x: bigint): number {
  switch (type) {
    case 'i32': return Number(BigInt.asIntN(32, x))
    case 'u32': return Number(BigInt.asUintN(32, x))
    default: return fail(`${x} is beyond 2^53`)
  }
}

/** The least i64, with which a maximum begins. */
const least = -(2 ** 63)

/** The nearest value of the type; whole numbers wrap, except `index` and those of 64 bits, which must stay exact. */
function rounded(type: Type, x: number): number {
  switch (type) {
    case 'f64': return x
    case 'f32': return Math.fround(x)
    case 'tf32': return roundedTo(x, 11)
    case 'bf16': return roundedTo(x, 8)
    case 'f16': return Math.abs(roundedTo(x, 11)) >= 65520 ? Math.sign(x) * Infinity : roundedTo(x, 11)
    case 'i32': return x | 0
    case 'u32': return x >>> 0
    case 'i16': return x << 16 >> 16
    case 'u16': return x & 0xffff
    case 'i8': return x << 24 >> 24
    case 'u8': return x & 0xff
    case 'bool': return Number(x !== 0)
    case 'u64': return Number.isSafeInteger(x) && x >= 0 ? x : fail(`${x} is not a u64 below 2^53`)
    case 'i64': case 'index': return Number.isSafeInteger(x) || x === least ? x + 0 : fail(`${x} is not exact`)
  }
}

/** To so many significant bits, ties to even; subnormal numbers are not modelled. */
function roundedTo(x: number, bits: number): number {
  if (x === 0 || !Number.isFinite(x)) return x
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - bits + 1), scaled = x / unit
  const down = Math.floor(scaled), rest = scaled - down
  const nearest = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down
  return nearest * unit
}
