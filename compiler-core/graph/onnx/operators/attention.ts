/** Attention, taken apart into matrix products and a softmax, and rotary position embedding. */
import type { Buffer, ElementName } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { elementOf } from '../tensor-proto.ts'
import { add, divide, each, multiply, part, product, transpose } from './arithmetic.ts'
import { matmul } from './matrix.ts'

export const attention: OperatorTable = {
  Attention: { opsets: [23, 26], convert: attend },
  RotaryEmbedding: { opsets: [23, 26], convert: rotary }
}

/**
 * Queries (n, heads, m, d), keys and values (n, key heads, k, d): `softmax(q * keys^T * scale) * values`. Several heads
 * of queries share one of keys: they are rows of one matrix.
 */
function attend(node: NodeContext): readonly (Buffer | undefined)[] {
  const queries = headsOf(node, node.input(0), 'q_num_heads'), isFlat = node.shape(node.input(0)).length === 3
  const all = (index: number) => withPast(node, headsOf(node, node.input(index), 'kv_num_heads'), node.optional(index + 3))
  const keys = all(1), values = all(2)
  const [n, heads, m, d] = fourOf(node, queries), [, groups, k] = fourOf(node, keys), width = fourOf(node, values)[3]
  if (heads % groups !== 0) node.invalid(`${heads} heads of queries cannot share ${groups} heads of keys.`)
  const grouped = node.reshape(queries, [n, groups, heads / groups * m, d])
  const products = node.reshape(matmul(node, grouped, transpose(node, keys, [0, 1, 3, 2])), [n, heads, m, k])
  const scores = multiply(node, products, node.float('scale', 1 / Math.sqrt(d)))
  const softcap = node.float('softcap', 0)
  const capped = softcap === 0 ? scores
    : multiply(node, each(node, 'hyperbolic_tangent', divide(node, scores, softcap)), softcap)
  const { masked, isMasked } = maskedScores(node, capped)
  const precision = precisionOf(node) ?? masked.element
  const weights = node.cast(node.apply('softmax', { x: node.cast(masked, precision), masked: isMasked }), masked.element)
  const groupedWeights = node.reshape(weights, [n, groups, heads / groups * m, k])
  const summed = node.reshape(matmul(node, groupedWeights, values), [n, heads, m, width])
  const y = isFlat ? node.reshape(transpose(node, summed, [0, 2, 1, 3]), [n, m, heads * width]) : summed
  const steps = [scores, capped, masked, weights], mode = node.int('qk_matmul_output_mode', 0)
  return [y, keys, values, steps[mode] ?? node.invalid(`The mode ${mode} is none of 0 to 3.`, 'qk_matmul_output_mode')]
}

/** (n, m, heads * d) as (n, heads, m, d). */
function headsOf(node: NodeContext, x: Buffer, attribute: string): Buffer {
  const shape = node.shape(x)
  if (shape.length === 4) return x
  if (shape.length !== 3) node.invalid(`Heads come in 3 or 4 dimensions; these are ${shape.length}.`)
  const [n, m, all] = shape as readonly [number, number, number], heads = node.int(attribute)
  if (heads < 1 || all % heads !== 0) node.invalid(`${all} elements are no ${heads} heads.`, attribute)
  return transpose(node, node.reshape(x, [n, m, heads, all / heads]), [0, 2, 1, 3])
}

function withPast(node: NodeContext, x: Buffer, past: Buffer | undefined): Buffer {
  return past ? node.apply('concat', { a: past, b: x, axis: 2 }) : x
}

function fourOf(node: NodeContext, x: Buffer): readonly [number, number, number, number] {
  const shape = node.shape(x)
  if (shape.length !== 4) node.invalid(`\`${x.name}\` has ${shape.length} dimensions, not 4.`)
  return shape as readonly [number, number, number, number]
}

/** -inf where a query does not see a key. */
function maskedScores(node: NodeContext, scores: Buffer): { readonly masked: Buffer; readonly isMasked: boolean } {
  const mask = node.optional(3), past = node.optional(4), length = node.optional(6)
  const isCausal = node.flag('is_causal', false), given = mask ? withMask(node, scores, mask) : scores
  const masked = length ? node.apply('mask_padding', { x: given, length, causal: isCausal })
    : isCausal ? node.apply('mask_later', { x: given, offset: past ? fourOf(node, past)[2] : 0 }) : given
  return { masked, isMasked: masked !== scores }
}

/** A mask for fewer keys leaves the others out. */
function withMask(node: NodeContext, scores: Buffer, mask: Buffer): Buffer {
  const keys = node.shape(scores).at(-1)!, shape = node.shape(mask), given = shape.at(-1)!
  const seen = given < keys && given > 1 ? part(node, scores, 3, 0, given) : scores
  const some = mask.element === 'bool'
    ? node.apply('mask_scores', { x: seen, mask }) : add(node, seen, node.cast(mask, scores.element))
  if (seen === scores) return some
  return node.apply('pad', { x: some, before: [0, 0, 0, 0], after: [0, 0, 0, keys - given], value: -Infinity })
}

function precisionOf(node: NodeContext): ElementName | undefined {
  if (!node.has('softmax_precision')) return undefined
  const element = elementOf(node.int('softmax_precision'))
  return element ?? node.refuse('A softmax in this type is not supported.', 'softmax_precision')
}

/** The angles are rows of the caches: of each position, or those that the positions name. */
function rotary(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x), isFlat = shape.length === 3
  const heads = headsOf(node, x, 'num_heads'), [n, count, m, d] = fourOf(node, heads)
  const positions = node.optional(3), pairs = (node.int('rotary_embedding_dim', 0) || d) / 2
  const angles = [1, 2].map(i => {
    const cache = node.input(i)
    const rows = positions ? node.apply('gather', { x: cache, index: node.cast(positions, 'i64'), axis: 0 }) : cache
    const all = node.reshape(rows, [n, m, product(node.shape(rows)) / (n * m)])
    return part(node, all, 2, 0, pairs)
  })
  const interleaved = node.flag('interleaved', false)
  const y = node.apply('rotary', { x: heads, cosine: angles[0], sine: angles[1], interleaved })
  return [isFlat ? node.reshape(transpose(node, y, [0, 2, 1, 3]), [n, m, count * d]) : y]
}
