/**
 * What a program needs to be launched: memory, kernels with their grids and arguments, in numbers.
 *
 *     c: f32[batch, m, n] with batch = 1, m = 37, n = 45     an output of 6660 bytes
 *     kernel simt                                            grid (1, 1, 1), block (256, 1, 1), arguments a, b, c
 */
import { isDynamic, kernelArguments, kernelName } from '../../codegen/cuda.ts'
import { cType } from '../../codegen/wrappers.ts'
import { foldWhole } from '../../ir/build.ts'
import type { Allocate, Buffer, Expr, Kernel, Program, Three, Variable } from '../../ir/ir.ts'
import { bytesOf, cellsOf, sharedMemory } from '../../ir/memory.ts'
import { forEachStmt } from '../../ir/visit.ts'
import type { Architecture } from '../../target/architectures.ts'
import { storageOf, type Storage } from './elements.ts'

export interface Launch {
  /** Parameters, then workspaces. */
  readonly tensors: readonly Tensor[]
  /** In the order of the text. */
  readonly arrays: readonly SharedArray[]
  readonly kernels: readonly KernelLaunch[]
}

export interface Tensor {
  readonly buffer: Buffer
  readonly storage: Storage
  /** Of every cell before the first kernel; 0 in outputs that kernels add to: whoever launches them sets those. */
  readonly value: number | undefined
  /** The last kernel adds to it: before all of its blocks have run, what it holds says nothing. */
  readonly isSum: boolean
}

/** What the text declares as one: a tensor, or the memory that several have parts of. */
export interface SharedArray {
  readonly bytes: number
  /** Of the smallest element in it. */
  readonly cellBytes: number
  readonly parts: ReadonlyArray<{ readonly buffer: Buffer; readonly start: number }>
}

export interface KernelLaunch {
  readonly kernel: Kernel
  readonly grid: Three<number>
  /** In `Launch.arrays`. */
  readonly firstArray: number
  readonly arrays: number
  readonly arguments: ReadonlyArray<Buffer | Variable>
}

export function launchOf(
  program: Program, architecture: Architecture, extents: ReadonlyMap<Variable, number>
): Launch {
  const value = (e: Expr) => valueOf(e, extents)
  const added = addedBuffers(program.kernels), sums = addedBuffers(program.kernels.slice(-1))
  const tensor = (buffer: Buffer, start: number | undefined): Tensor => ({
    buffer, storage: storageOf(buffer, buffer.shape.map(value)), value: start, isSum: sums.has(buffer)
  })
  const arrays: SharedArray[] = []
  const kernels = program.kernels.map((kernel): KernelLaunch => {
    const own = sharedArrays(kernel, architecture), firstArray = arrays.length
    arrays.push(...own)
    const [x, y, z] = kernel.grid
    return {
      kernel, grid: [value(x), value(y), value(z)], firstArray, arrays: own.length,
      arguments: kernelArguments(program, kernel)
    }
  })
  return {
    tensors: [
      ...program.parameters.map(b => tensor(b, b.scope === 'output' && added.has(b) ? 0 : undefined)),
      ...program.workspaces.map(w => tensor(w.buffer, w.value && value(w.value)))
    ],
    arrays, kernels
  }
}

/** By `atomic_add`. */
function addedBuffers(kernels: readonly Kernel[]): ReadonlySet<Buffer> {
  const added = new Set<Buffer>()
  for (const { body } of kernels) {
    forEachStmt(body, s => {
      if (s.kind === 'effect' && s.effect === 'atomic_add') added.add(s.buffer)
    })
  }
  return added
}

/** C++ behind the kernels' text: one function each that takes the addresses of the arguments. */
export function entryText(program: Program): string {
  return program.kernels.map((kernel, i) => {
    const values = kernelArguments(program, kernel).map((argument, a) =>
      `*(${'scope' in argument ? `${cType(argument.element)} *` : 'unsigned'} const *)arguments[${a}]`)
    return `extern "C" void heddle_entry_${i}(void *const *arguments) {\n  ${kernelName(program, kernel)}(${values.join(', ')});\n}\n`
  }).join('')
}

function sharedArrays(kernel: Kernel, architecture: Architecture): readonly SharedArray[] {
  const allocations: Allocate[] = []
  forEachStmt(kernel.body, s => {
    if (s.kind === 'allocate' && s.buffer.scope === 'shared') allocations.push(s)
  })
  const shared = sharedMemory(kernel)
  if (allocations.length > 0 && (isDynamic(shared, architecture) || allocations.some(a => a.reuses.length > 0))) {
    const parts = allocations.map(({ buffer }) => ({ buffer, start: shared.offsets.get(buffer) ?? 0 }))
    return [{ bytes: shared.bytes, cellBytes: Math.min(...parts.map(p => bytesOf(p.buffer.element))), parts }]
  }
  return allocations.map(({ buffer }) => {
    const cellBytes = bytesOf(buffer.element)
    return { bytes: (cellsOf(buffer) ?? 0) * cellBytes, cellBytes, parts: [{ buffer, start: 0 }] }
  })
}

/** Of what is known at launch. */
function valueOf(e: Expr, extents: ReadonlyMap<Variable, number>): number {
  const value = (inner: Expr) => valueOf(inner, extents)
  switch (e.kind) {
    case 'constant': return Number(e.value)
    case 'variable': return extents.get(e.variable) ?? unknown(e)
    case 'binary': return Number(foldWhole(e.operator, value(e.left), value(e.right)) ?? unknown(e))
    case 'select': return value(e.condition) !== 0 ? value(e.then) : value(e.otherwise)
    case 'cast': return value(e.value)
    case 'unary':
      if (e.operator === '-') return -value(e.operand)
      return unknown(e)
    case 'load': case 'call': case 'reduce': return unknown(e)
  }
}

function unknown(e: Expr): never {
  throw new Error(`a ${e.kind} is not known at launch`)
}
