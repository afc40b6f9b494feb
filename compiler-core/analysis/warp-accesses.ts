/**
 * Which addresses the warps of a block access, counted from a lowered kernel without running it: index arithmetic
 * depends on threads and loops alone, so that all lanes of a warp are computed side by side.
 *
 *     sa[threadIdx.x % 8 * 128 + threadIdx.x / 8] = ga[0]
 *     { buffer: sa, write: true, bytes: 4, requests: 8, wavefronts: 64, ideal: 8 }       (256 threads)
 *
 * In: a kernel after lowering (one offset of cells an access), the block and the extents for which to count. Out: one
 * count for each access in the text. Elements have no values here: a condition that depends on one is taken both ways,
 * a lane whose offset depends on one is left out. A loop that runs longer than `walkedIterations`, or as long as a
 * condition holds, is counted for its first iterations, or its first one.
 */
import {
  blockIdx, threadIdx,
  type BinaryOperator, type Buffer, type Expr, type Kernel, type Stmt, type Three, type Variable
} from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import type { Origins } from '../ir/origin.ts'
import { someExpr } from '../ir/visit.ts'
import { idealWavefronts, sectors, wavefronts, type WarpAccess } from './shared-memory.ts'

/** All executions of one access by the warps of a block. */
export interface AccessCount {
  readonly buffer: Buffer
  readonly write: boolean
  /** Of one lane. */
  readonly bytes: number
  readonly origins: Origins
  /** Executions by a warp with at least one active lane. */
  readonly requests: number
  /** Of shared memory; 0 for global memory. */
  readonly wavefronts: number
  readonly ideal: number
  /** Of global memory, 32 bytes each; 0 for shared memory. */
  readonly sectors: number
}

/** A block of a launch: its index, and what the kernel's extents are. */
export interface Launched {
  readonly block: Three<number>
  readonly extents: ReadonlyMap<Variable, number>
}

const lanes = 32
const walkedIterations = 32

/** The accesses to shared and global memory, in the order of the text. */
export function warpAccesses(kernel: Kernel, launched: Launched): readonly AccessCount[] {
  const counts = new Map<object, Mutable<AccessCount>>()
  const silent = new Map<Stmt, boolean>(), threads = kernel.block[0] * kernel.block[1] * kernel.block[2]
  for (let first = 0; first < threads; first += lanes) {
    walkWarp(kernel, launched, first, { values: new Map(), silent, counts, left: new Uint8Array(lanes) })
  }
  return [...counts.values()]
}

// ---------------------------------------------------------------- a warp

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
/** One number a lane; NaN: not known. */
type Lanes = Float64Array
/** 1 for each lane that takes part. */
type Mask = Uint8Array

interface Warp {
  readonly values: Map<Variable, Lanes>
  /** Statements that need not be walked: they access registers alone. */
  readonly silent: Map<Stmt, boolean>
  readonly counts: Map<object, Mutable<AccessCount>>
  /** What a lane has left: nothing, an iteration, a loop, the kernel. */
  readonly left: Uint8Array
}

const leaves = { continue: 1, break: 2, return: 3 } as const

/** Lanes that left no more than this come back. */
function comeBack(w: Warp, most: number): void {
  w.left.forEach((level, l) => { if (level <= most) w.left[l] = 0 })
}

function walkWarp(kernel: Kernel, launched: Launched, first: number, warp: Warp): void {
  const [width, height, depth] = kernel.block, threads = width * height * depth
  const thread = (of: (t: number) => number): Lanes => Float64Array.from({ length: lanes }, (_, l) => of(first + l))
  warp.values.set(threadIdx[0], thread(t => t % width))
  warp.values.set(threadIdx[1], thread(t => Math.floor(t / width) % height))
  warp.values.set(threadIdx[2], thread(t => Math.floor(t / (width * height))))
  blockIdx.forEach((v, d) => { warp.values.set(v, constantLanes(launched.block[d] ?? 0)) })
  for (const [v, n] of launched.extents) warp.values.set(v, constantLanes(n))
  walk(warp, kernel.body, Uint8Array.from({ length: lanes }, (_, l) => first + l < threads ? 1 : 0))
}

function walk(w: Warp, body: readonly Stmt[], entering: Mask): void {
  for (const s of body) {
    if (isSilent(w, s)) continue
    const mask = entering.map((m, l) => m !== 0 && w.left[l] === 0 ? 1 : 0)
    if (!mask.includes(1)) return
    statement(w, s, mask)
  }
}

function isSilent(w: Warp, s: Stmt): boolean {
  let known = w.silent.get(s)
  if (known === undefined) w.silent.set(s, known = accessesRegistersAlone(w, s))
  return known
}

function accessesRegistersAlone(w: Warp, s: Stmt): boolean {
  const all = (body: readonly Stmt[]): boolean =>
    body.every(inner => isSilent(w, inner) || (inner.kind === 'let' && !reads(inner.value)))
  switch (s.kind) {
    case 'store': return s.buffer.scope === 'register' && !reads(s.value) && !s.indices.some(reads)
    case 'for': return !reads(s.extent) && all(s.body)
    case 'while': return !reads(s.condition) && all(s.body)
    case 'if': return !reads(s.condition) && all(s.then) && all(s.otherwise)
    case 'barrier': case 'allocate': return true
    default: return false
  }
}

/** Whether an expression reads shared or global memory. */
function reads(e: Expr): boolean {
  return someExpr(e, inner => inner.kind === 'load' && inner.buffer.scope !== 'register')
}

function statement(w: Warp, s: Stmt, mask: Mask): void {
  switch (s.kind) {
    case 'let': case 'declare': case 'assign':
      assign(w, s.variable, evaluate(w, s.value, mask), mask)
      return
    case 'store': {
      evaluate(w, s.value, mask)
      access(w, s, s.buffer, true, 1, evaluate(w, offsetOf(s.indices), mask), mask, s.origins)
      return
    }
    case 'copy': {
      const condition = s.async?.condition
      const read = condition ? where(evaluate(w, condition, mask), mask, true) : mask
      access(w, s.from, s.from.buffer, false, s.lanes, evaluate(w, s.from.offset, read), read, s.origins)
      access(w, s.to, s.to.buffer, true, s.lanes, evaluate(w, s.to.offset, mask), mask, s.origins)
      return
    }
    case 'for': {
      const extent = evaluate(w, s.extent, mask), most = extent.reduce((n, e, l) => mask[l] && e > n ? e : n, 0)
      for (let i = 0; i < Math.min(most, walkedIterations); i++) {
        w.values.set(s.variable, constantLanes(i))
        walk(w, s.body, mask.map((m, l) => m !== 0 && !(i >= (extent[l] ?? 0)) ? 1 : 0))
        comeBack(w, leaves.continue)
      }
      comeBack(w, leaves.break)
      return
    }
    case 'while':
      walk(w, s.body, where(evaluate(w, s.condition, mask), mask, true))
      comeBack(w, leaves.break)
      return
    case 'if': {
      const condition = evaluate(w, s.condition, mask)
      walk(w, s.then, where(condition, mask, true))
      walk(w, s.otherwise, where(condition, mask, false))
      return
    }
    case 'jump':
      for (let l = 0; l < lanes; l++) if (mask[l]) w.left[l] = leaves[s.to]
      return
    case 'effect':
      if (s.effect === 'atomic_add') {
        evaluate(w, s.value, mask)
        access(w, s, s.buffer, true, 1, evaluate(w, offsetOf(s.indices), mask), mask, s.origins)
      }
      return
    case 'allocate': case 'barrier': return
    case 'tasks': throw new Error('warpAccesses takes a lowered kernel')
  }
}

function assign(w: Warp, v: Variable, value: Lanes, mask: Mask): void {
  const before = w.values.get(v)
  w.values.set(v, before ? value.map((x, l) => mask[l] ? x : before[l] ?? NaN) : value)
}

/** An unknown condition may hold and may not. */
function where(condition: Lanes, mask: Mask, holds: boolean): Mask {
  return mask.map((m, l) => m !== 0 && (Number.isNaN(condition[l]) || (condition[l] !== 0) === holds) ? 1 : 0)
}

function offsetOf(indices: readonly Expr[]): Expr {
  const [offset] = indices
  if (!offset || indices.length > 1) throw new Error('warpAccesses takes a lowered kernel')
  return offset
}

function access(
  w: Warp, key: object, buffer: Buffer, write: boolean, cells: number, offsets: Lanes, mask: Mask, origins: Origins
): void {
  if (buffer.scope === 'register') return
  const size = bytesOf(buffer.element), shared = buffer.scope === 'shared'
  const one: WarpAccess = {
    bytes: size * cells,
    addresses: Array.from(offsets, (o, l) => mask[l] && !Number.isNaN(o) ? o * size : undefined)
  }
  if (one.addresses.every(a => a === undefined)) return
  let count = w.counts.get(key)
  if (!count) {
    count = { buffer, write, bytes: one.bytes, origins, requests: 0, wavefronts: 0, ideal: 0, sectors: 0 }
    w.counts.set(key, count)
  }
  count.requests++
  if (shared) {
    count.wavefronts += wavefronts(one)
    count.ideal += idealWavefronts(one)
  } else {
    count.sectors += sectors(one)
  }
}

// ---------------------------------------------------------------- expressions

const unknownLanes: Lanes = new Float64Array(lanes).fill(NaN)

function constantLanes(n: number): Lanes { return new Float64Array(lanes).fill(n) }

/** The value in each lane of the mask; loads on the way are counted. */
function evaluate(w: Warp, e: Expr, mask: Mask): Lanes {
  switch (e.kind) {
    case 'constant': return constantLanes(Number(e.value))
    case 'variable': return w.values.get(e.variable) ?? unknownLanes
    case 'binary': {
      const left = evaluate(w, e.left, mask)
      const decides = e.operator === '&&' ? true : e.operator === '||' ? false : undefined
      const right = evaluate(w, e.right, decides === undefined ? mask : where(left, mask, decides))
      return left.map((x, l) => compute(e.operator, x, right[l] ?? NaN))
    }
    case 'unary': {
      const sign = e.operator
      return evaluate(w, e.operand, mask).map(x => sign === '-' ? -x : sign === '~' ? ~x : Number.isNaN(x) ? x : Number(x === 0))
    }
    case 'select': {
      const condition = evaluate(w, e.condition, mask)
      const then = evaluate(w, e.then, where(condition, mask, true))
      const otherwise = evaluate(w, e.otherwise, where(condition, mask, false))
      return condition.map((c, l) => Number.isNaN(c) ? NaN : (c !== 0 ? then : otherwise)[l] ?? NaN)
    }
    case 'cast': return evaluate(w, e.value, mask)
    case 'load':
      access(w, e, e.buffer, false, 1, evaluate(w, offsetOf(e.indices), mask), mask, e.origins)
      return unknownLanes
    case 'call':
      for (const argument of e.args) evaluate(w, argument, mask)
      return unknownLanes
    case 'reduce': throw new Error('warpAccesses takes a lowered kernel')
  }
}

/** On whole numbers; NaN in, NaN out, except where one side decides. */
function compute(operator: BinaryOperator, a: number, b: number): number {
  if (operator === '&&') return a === 0 || b === 0 ? 0 : Number.isNaN(a) || Number.isNaN(b) ? NaN : 1
  if (operator === '||') return a === 1 || b === 1 ? 1 : Number.isNaN(a) || Number.isNaN(b) ? NaN : 0
  if (Number.isNaN(a) || Number.isNaN(b)) return NaN
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b
    case '/': return Math.floor(a / b)
    case '%': return a - Math.floor(a / b) * b
    case 'min': return Math.min(a, b)
    case 'max': return Math.max(a, b)
    case '&': return a & b
    case '|': return a | b
    case '^': return a ^ b
    case '<<': return a * 2 ** b
    case '>>': return Math.floor(a / 2 ** b)
    case '<': return Number(a < b)
    case '<=': return Number(a <= b)
    case '==': return Number(a === b)
    case '!=': return Number(a !== b)
  }
}
