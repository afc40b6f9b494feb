/**
 * Known factors behind convolutions and matrix products go into the weights (reference 5.2): a batch normalisation
 * behind a convolution costs nothing then. w and c are constants.
 *
 *     conv(x, w) * c                  ->  conv(x, w * c)                 c: a number, or one of each channel
 *     conv_transpose(x, w) * c        ->  conv_transpose(x, w * c)
 *     batch_matmul(x, w) * c          ->  batch_matmul(x, w * c)         c: one of each column
 *     batch_matmul(w, x) * c          ->  batch_matmul(w * c, x)         c: one of each row
 */
import type { Buffer } from '../../ir/ir.ts'
import { extentsOf } from '../builder.ts'
import type { Node } from '../flow.ts'
import type { Editing } from './editing.ts'
import {
  alignedShape, applied, combined, constantOf, innerProducer, isWide, knownOperand, reshaped, sameShape, sourcesOf,
  type Known, type Rule
} from './rules.ts'

export const weightRules: readonly Rule[] = [scaledConvolution, scaledProduct]

function scaledConvolution(editing: Editing, node: Node): Buffer | undefined {
  const outer = knownOperand(editing, node, 'multiply'), conv = outer && innerProducer(editing, outer.x)
  if (!outer || !conv || !isWide(outer.x.element)) return undefined
  const isTransposed = conv.operator.name === 'conv_transpose'
  if (conv.operator.name !== 'conv' && !isTransposed) return undefined
  const [x, w] = conv.inputs as readonly [Buffer, Buffer], rank = extentsOf(x).length
  const channels = channelsOf(outer.c, rank), filters = extentsOf(w)
  if (!editing.constants.has(w) || channels === undefined) return undefined
  if (isTransposed && conv.attributes['groups'] !== 1) return undefined
  const shape = filters.map((_, d) => (d === (isTransposed ? 1 : 0) ? channels : 1))
  return withFactor(editing, conv, node, w, reshaped(editing, outer.c, shape))
}

/** How many numbers for channels a factor of shape [1, c, 1, ...] has; undefined if it has another shape. */
function channelsOf(c: Known, rank: number): number | undefined {
  const shape = alignedShape(c, rank)
  return shape.length === rank && shape.every((n, d) => d === 1 || n === 1) ? shape[1] : undefined
}

function scaledProduct(editing: Editing, node: Node): Buffer | undefined {
  const outer = knownOperand(editing, node, 'multiply')
  const matmul = outer && innerProducer(editing, outer.x, 'batch_matmul')
  if (!outer || !matmul || !isWide(outer.x.element)) return undefined
  const [a, b] = matmul.inputs as readonly [Buffer, Buffer], shape = alignedShape(outer.c, 3)
  if (shape.length > 3) return undefined
  if (editing.constants.has(b) && shape[1] === 1) return withFactor(editing, matmul, node, b, outer.c)
  return editing.constants.has(a) && shape[2] === 1 ? withFactor(editing, matmul, node, a, outer.c) : undefined
}

/** The node with a constant input multiplied. */
function withFactor(editing: Editing, node: Node, multiply: Node, w: Buffer, c: Known | undefined): Buffer | undefined {
  const product = c === undefined ? undefined : combined(editing, 'multiply', w, c, w.element)
  const weights = typeof product === 'number' ? undefined : constantOf(editing, product)
  if (!weights || !sameShape(extentsOf(weights), extentsOf(w))) return undefined
  const names = node.operator.inputs.map(input => input.name)
  const args = Object.fromEntries(names.map((name, i) => [name, node.inputs[i] === w ? weights : node.inputs[i]]))
  return applied(editing, node.operator.name, { ...node.attributes, ...args }, sourcesOf(node, multiply))
}
