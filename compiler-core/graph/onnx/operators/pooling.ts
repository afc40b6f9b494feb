/** Pools: what windows that move over images see. */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { each, multiply, reduce } from './arithmetic.ts'
import { perDimension, placesOf, windowsOf, type Windows } from './windows.ts'

export const pooling: OperatorTable = {
  AveragePool: { opsets: [1, 26], convert: node => {
    const { x, size, windows, places } = poolOf(node)
    return [node.apply('average_pool', { x, size, ...windows, places, padded: node.flag('count_include_pad', false) })]
  } },
  GlobalAveragePool: { opsets: [1, 26], convert: node => [global(node, 'avg')] },
  GlobalLpPool: { opsets: [1, 26], convert: node => {
    const x = node.input(0), p = normOf(node)
    const sum = reduce(node, powers(node, x, p), spatial(node, x), 'sum', true)
    return [p === 1 ? sum : p === 2 ? each(node, 'square_root', sum) : node.apply('power', { a: sum, b: 1 / p })]
  } },
  GlobalMaxPool: { opsets: [1, 26], convert: node => [global(node, 'max')] },
  LpPool: { opsets: [1, 26], convert: node => {
    const { x, size, windows: { strides, dilations, before }, places } = poolOf(node)
    return [node.apply('norm_pool', { x, size, strides, dilations, before, places, p: normOf(node) })]
  } },
  MaxPool: { opsets: [1, 26], convert: maxPool }
}

/** The second result is where in the whole tensor each largest element lies. */
function maxPool(node: NodeContext): readonly (Buffer | undefined)[] {
  const { x, size, windows: { strides, dilations, before }, places } = poolOf(node)
  const seen = { size, strides, dilations, before }
  const largest = node.wants(0) ? node.apply('max_pool', { x, ...seen, places }) : undefined
  if (!node.wants(1)) return [largest]
  const at = node.apply('max_position', { x, ...seen, places })
  const d = node.shape(x).slice(2), column_major = node.flag('storage_order', false)
  return [largest, node.apply('window_index', { at, d, ...seen, column_major })]
}

interface Pool {
  readonly x: Buffer
  readonly size: readonly number[]
  readonly windows: Windows
  readonly places: readonly number[]
}

function poolOf(node: NodeContext): Pool {
  const x = node.input(0), image = node.shape(x).slice(2)
  if (image.length === 0) node.invalid(`The image has ${node.shape(x).length} dimensions; it has at least 3.`)
  const size = perDimension(node, 'kernel_shape', image.length)
    ?? node.invalid('The attribute `kernel_shape` is absent.', 'kernel_shape')
  const windows = windowsOf(node, image, size)
  return { x, size, windows, places: placesOf(node, image, size, windows) }
}

function global(node: NodeContext, op: 'avg' | 'max'): Buffer {
  const x = node.input(0)
  return reduce(node, x, spatial(node, x), op, true)
}

function spatial(node: NodeContext, x: Buffer): readonly number[] {
  return node.shape(x).map((_, d) => d).slice(2)
}

/** The exponent of a norm; a number with a fraction in opset 1. */
function normOf(node: NodeContext): number {
  return node.opset === 1 ? node.float('p', 2) : node.int('p', 2)
}

function powers(node: NodeContext, x: Buffer, p: number): Buffer {
  if (p === 2) return multiply(node, x, x)
  const magnitude = each(node, 'absolute', x)
  return p === 1 ? magnitude : node.apply('power', { a: magnitude, b: p })
}
