/** Library operators that many conversions put together. */
import type { Buffer, ReducerName } from '../../../ir/ir.ts'
import type { AttributeValue } from '../../flow.ts'
import type { NodeContext, Operand } from '../conversion.ts'

/** With broadcasting; a known single number is written into the operator. */
export function add(node: NodeContext, a: Buffer, b: Operand): Buffer { return both(node, 'add', a, b) }
export function subtract(node: NodeContext, a: Buffer, b: Operand): Buffer { return both(node, 'subtract', a, b) }
export function multiply(node: NodeContext, a: Buffer, b: Operand): Buffer { return both(node, 'multiply', a, b) }
export function divide(node: NodeContext, a: Buffer, b: Operand): Buffer { return both(node, 'divide', a, b) }

/** Of each element, by the operator's name. */
export function each(
  node: NodeContext, operator: string, x: Buffer, more: Readonly<Record<string, AttributeValue>> = {}
): Buffer {
  return node.apply(operator, { x, ...more })
}

/** The tensor itself where nothing is reduced. */
export function reduce(node: NodeContext, x: Buffer, axes: readonly number[], op: ReducerName, keep: boolean): Buffer {
  return axes.length === 0 ? x : node.apply('reduce', { x, axes, op: { reducer: op }, keep })
}

export function transpose(node: NodeContext, x: Buffer, perm: readonly number[]): Buffer {
  return perm.every((p, d) => p === d) ? x : node.apply('transpose', { x, perm })
}

/** Repeats along dimensions of extent 1, and along new ones in front. */
export function expand(node: NodeContext, x: Buffer, to: readonly number[]): Buffer {
  const shape = node.shape(x)
  return shape.length === to.length && shape.every((n, d) => n === to[d]) ? x : node.apply('expand', { x, to })
}

/** Elements `begin` to `end` along a dimension. */
export function part(node: NodeContext, x: Buffer, axis: number, begin: number, end: number): Buffer {
  const shape = node.shape(x)
  if (begin === 0 && end === shape[axis]) return x
  return node.apply('slice', {
    x, begin: shape.map((_, d) => d === axis ? begin : 0), size: shape.map((n, d) => d === axis ? end - begin : n),
    step: shape.map(() => 1)
  })
}

/** One number for each channel of images of `rank` dimensions (images, channels, ...spatial). */
export function perChannel(node: NodeContext, x: Buffer, rank: number): Buffer {
  return node.reshape(x, [...node.shape(x), ...Array.from({ length: rank - 2 }, () => 1)])
}

export function product(extents: readonly number[]): number {
  return extents.reduce((n, extent) => n * extent, 1)
}

/** The shape of an element-wise operation; undefined where the shapes do not go together. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const padded = (s: readonly number[]) => [...Array.from({ length: rank - s.length }, () => 1), ...s]
  const [x, y] = [padded(a), padded(b)]
  return x.every((n, d) => n === y[d] || n === 1 || y[d] === 1) ? x.map((n, d) => n === 1 ? y[d]! : n) : undefined
}

function both(node: NodeContext, operator: string, a: Buffer, b: Operand): Buffer {
  return node.apply(operator, { a, b: typeof b === 'number' ? b : node.operand(b, a) })
}
