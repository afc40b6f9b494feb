/** Conv and its kin. */
import type { Buffer } from '../../../ir/ir.ts'
import { counted } from '../../../mapping/shape.ts'
import type { Conversion, NodeContext, OperatorTable } from '../conversion.ts'
import { add, perChannel, subtract } from './arithmetic.ts'
import { padsOf, perDimension, placesOf, span, windowsOf, type Windows } from './windows.ts'

export const convolution: OperatorTable = {
  Conv: {
    opsets: [1, 26],
    convert: node => [biased(node, convolved(node, node.input(0), node.input(1)), node.optional(2))]
  },
  ConvInteger: { opsets: [10, 26], convert: convInteger },
  ConvTranspose: { opsets: [1, 26], convert: convTranspose }
}

/** `x` (images, channels, ...spatial), `w` (filters, channels of a group, ...kernel). */
export function convolved(node: NodeContext, x: Buffer, w: Buffer): Buffer {
  const { image, kernel } = extentsOf(node, x, w), groups = node.int('group', 1)
  const windows = windowsOf(node, image, kernel)
  placesOf(node, image, kernel, windows) // some for each dimension, or it is no right node
  const channels = node.shape(x)[1], needed = node.shape(w)[1]! * groups
  if (channels !== needed) node.invalid(`The image has ${counted(channels ?? 0, 'channel')}; ${counted(groups, 'group')} of filters need${groups === 1 ? 's' : ''} ${needed}.`)
  return node.apply('conv', { x, w, ...windows, groups })
}

export function biased(node: NodeContext, y: Buffer, bias: Buffer | undefined): Buffer {
  return bias ? add(node, y, perChannel(node, bias, node.shape(y).length)) : y
}

/** With whole numbers, less their zero points. */
function convInteger(node: NodeContext): readonly Buffer[] {
  const x = withoutZero(node, node.input(0), node.optional(2)), w = node.input(1), zero = node.optional(3)
  const perFilter = zero && node.shape(zero).length === 1 && node.shape(zero)[0] !== 1
    ? node.reshape(zero, node.shape(w).map((n, d) => d === 0 ? n : 1)) : zero
  return [convolved(node, x, withoutZero(node, w, perFilter))]
}

/** A quantised tensor as i32, with its zero point at 0. */
export function withoutZero(node: NodeContext, x: Buffer, zero: Buffer | undefined): Buffer {
  const wide = node.cast(x, 'i32')
  return zero ? subtract(node, wide, node.cast(zero, 'i32')) : wide
}

function convTranspose(node: NodeContext): ReturnType<Conversion> {
  const x = node.input(0), w = node.input(1)
  const { image, kernel } = extentsOf(node, x, w), rank = image.length
  const strides = perDimension(node, 'strides', rank) ?? image.map(() => 1)
  const dilations = perDimension(node, 'dilations', rank) ?? image.map(() => 1)
  const adjust = node.ints('output_padding') ?? image.map(() => 0)
  if (adjust.length !== rank) {
    node.invalid(`\`output_padding\` has ${adjust.length} numbers for ${rank} dimensions.`, 'output_padding')
  }
  const whole = image.map((n, d) => (n - 1) * strides[d]! + span(kernel[d]!, dilations[d]!) + adjust[d]!)
  const pads = padsOf(node, rank)
  const given = node.ints('output_shape')?.slice(-rank)
  const wanted = given ?? (typeof pads === 'string' ? image.map((n, d) => n * strides[d]!) : undefined)
  const cut = wanted ? cutTo(whole, wanted, pads !== 'SAME_UPPER') : pads
  if (typeof cut === 'string') throw new Error('A result of given extents was cut')
  const extra = wanted ? wanted.map((n, d) => n - whole[d]! + adjust[d]! + cut.before[d]! + cut.after[d]!) : adjust
  const y = node.apply('conv_transpose', {
    x, w, strides, dilations, before: cut.before, after: cut.after, extra, groups: node.int('group', 1)
  })
  return [biased(node, y, node.optional(2))]
}

/** What is cut off from both ends; of an odd number more at the end for SAME_UPPER, else at the front. */
function cutTo(
  whole: readonly number[], wanted: readonly number[], moreInFront: boolean
): Pick<Windows, 'before' | 'after'> {
  const total = whole.map((n, d) => Math.max(n - wanted[d]!, 0))
  const less = total.map(n => Math.floor(n / 2)), more = total.map(n => Math.ceil(n / 2))
  return moreInFront ? { before: more, after: less } : { before: less, after: more }
}

function extentsOf(
  node: NodeContext, x: Buffer, w: Buffer
): { readonly image: readonly number[]; readonly kernel: readonly number[] } {
  const image = node.shape(x).slice(2), kernel = node.shape(w).slice(2)
  if (image.length === 0 || image.length !== kernel.length) {
    const ranks = `The image has ${node.shape(x).length} dimensions, the filters have ${node.shape(w).length}`
    node.invalid(`${ranks}; both have equally many, at least 3.`)
  }
  const said = node.ints('kernel_shape')
  if (said && (said.length !== kernel.length || said.some((n, d) => n !== kernel[d]))) {
    node.invalid(`\`kernel_shape\` is (${said.join(', ')}), but the filters are (${kernel.join(', ')}).`, 'kernel_shape')
  }
  return { image, kernel }
}
