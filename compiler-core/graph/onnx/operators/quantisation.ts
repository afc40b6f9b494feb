/** Whole numbers that stand for numbers with a fraction. */
import type { Buffer, ElementName } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { divide, expand, multiply, part, product, reduce } from './arithmetic.ts'
import { biased, convolved, withoutZero } from './convolution.ts'
import { matmul } from './matrix.ts'

export const quantisation: OperatorTable = {
  DequantizeLinear: { opsets: [10, 26], convert: node => {
    const x = node.input(0), { scale, zero } = scalesOf(node, x, x.element)
    return [node.apply('dequantise', { x, scale, zero })]
  } },
  DynamicQuantizeLinear: { opsets: [11, 26], convert: node => {
    const x = node.input(0), all = node.shape(x).map((_, d) => d)
    const low = reduce(node, x, all, 'min', false), high = reduce(node, x, all, 'max', false)
    const scale = node.apply('step_size', { low, high, steps: 255 }), none = node.constantOf('u8', [], [0])
    const below = node.apply('negate', { x: node.apply('minimum', { a: low, b: 0 }) })
    const zero = node.apply('quantise', { x: below, scale, zero: none })
    return [node.apply('quantise', { x, scale, zero }), scale, zero]
  } },
  QLinearConv: { opsets: [10, 26], convert: qLinearConv },
  QLinearMatMul: { opsets: [10, 26], convert: qLinearMatMul },
  QuantizeLinear: { opsets: [10, 26], convert: node => {
    const x = node.input(0), type = node.optional(2)?.element ?? node.elementType('output_dtype', 'u8')
    const { scale, zero } = scalesOf(node, x, type)
    return [node.apply('quantise', { x, scale, zero })]
  } }
}

/** Scale and zero point as tensors that broadcast: of the whole, of each part along the axis, or of blocks along it. */
function scalesOf(
  node: NodeContext, x: Buffer, type: ElementName
): { readonly scale: Buffer; readonly zero: Buffer } {
  if (!/^[iu]/.test(type)) node.refuse(`Quantised numbers of type ${type} are not supported.`)
  const shape = node.shape(x), block = node.int('block_size', 0)
  const placed = (t: Buffer): Buffer => {
    const own = node.shape(t)
    if (own.every(n => n === 1)) return node.reshape(t, [])
    const axis = node.axis(node.int('axis', 1), shape.length)
    if (block > 0) return repeated(node, t, axis, block, shape[axis]!)
    if (own.length !== 1 || own[0] !== shape[axis]) {
      node.invalid(`Scales of the shape (${own.join(', ')}) do not fit along dimension ${axis} of (${shape.join(', ')}).`)
    }
    return node.reshape(t, shape.map((n, d) => d === axis ? n : 1))
  }
  return { scale: placed(node.input(1)), zero: placed(node.optional(2) ?? node.constantOf(type, [], [0])) }
}

/** Each element `block` times along a dimension, `extent` elements in all. */
function repeated(node: NodeContext, t: Buffer, axis: number, block: number, extent: number): Buffer {
  const shape = node.shape(t), split = (n: number) => [...shape.slice(0, axis + 1), n, ...shape.slice(axis + 1)]
  const all = expand(node, node.reshape(t, split(1)), split(block))
  return part(node, node.reshape(all, shape.map((n, d) => d === axis ? n * block : n)), axis, 0, extent)
}

function qLinearMatMul(node: NodeContext): readonly Buffer[] {
  const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = operandsOf(node)
  const row = (t: Buffer) => placed(node, t, n => [n, 1]), column = (t: Buffer) => placed(node, t, n => [n])
  const y = matmul(node, withoutZero(node, a, row(aZero)), withoutZero(node, b, column(bZero)))
  return [requantised(node, y, [row(aScale), column(bScale)], yScale, yZero)]
}

function qLinearConv(node: NodeContext): readonly Buffer[] {
  const [x, xScale, xZero, w, wScale, wZero, yScale, yZero] = operandsOf(node)
  const ones = node.shape(w).slice(1).map(() => 1)
  const image = withoutZero(node, x, placed(node, xZero, n => [n]))
  const y = convolved(node, image, withoutZero(node, w, placed(node, wZero, n => [n, ...ones])))
  const scales = [placed(node, xScale, n => [n]), placed(node, wScale, n => [n, ...ones.slice(1)])]
  return [requantised(node, biased(node, y, node.optional(8)), scales, yScale, yZero)]
}

type Eight<T> = readonly [T, T, T, T, T, T, T, T]

/** Tensor, scale and zero point of both operands, scale and zero point of the result. */
function operandsOf(node: NodeContext): Eight<Buffer> {
  const at = (index: number) => node.input(index)
  return [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)]
}

/** A number as a scalar, several of them in the shape that broadcasts as it should. */
function placed(node: NodeContext, t: Buffer, several: (n: number) => readonly number[]): Buffer {
  const shape = node.shape(t)
  return product(shape) === 1 ? node.reshape(t, []) : shape.length === 1 ? node.reshape(t, several(shape[0]!)) : t
}

/** Sums of products as quantised numbers of the scale and the zero point of the result. */
function requantised(
  node: NodeContext, y: Buffer, scales: readonly Buffer[], yScale: Buffer, yZero: Buffer
): Buffer {
  const [a, b] = scales.map(t => node.cast(t, 'f32')) as [Buffer, Buffer]
  const scale = divide(node, multiply(node, a, b), placed(node, node.cast(yScale, 'f32'), n => [n]))
  return node.apply('requantise', { x: y, scale, zero: placed(node, yZero, n => [n]) })
}
