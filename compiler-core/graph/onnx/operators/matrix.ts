/** Matrix products of any rank. */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { add, broadcastShapes, expand, multiply, product, transpose } from './arithmetic.ts'
import { withoutZero } from './convolution.ts'

export const matrix: OperatorTable = {
  Gemm: { opsets: [1, 26], convert: gemm },
  MatMul: { opsets: [1, 26], convert: node => [matmul(node, node.input(0), node.input(1))] },
  MatMulInteger: { opsets: [10, 26], convert: node => {
    const zero = node.optional(2), extents = zero && node.shape(zero)
    const rows = extents?.length === 1 && extents[0] !== 1 ? node.reshape(zero!, [extents[0]!, 1]) : zero
    const a = withoutZero(node, node.input(0), rows), b = withoutZero(node, node.input(1), node.optional(3))
    return [matmul(node, a, b)]
  } }
}

/** As numpy does: the last two dimensions are matrices, those before them broadcast; a vector is a row or a column. */
export function matmul(node: NodeContext, a: Buffer, b: Buffer): Buffer {
  const rows = node.shape(a), columns = node.shape(b)
  if (rows.length === 0 || columns.length === 0) node.invalid('A matrix product takes tensors of at least one dimension.')
  const left = rows.length === 1 ? [1, ...rows] : rows, right = columns.length === 1 ? [...columns, 1] : columns
  const [m, k] = left.slice(-2) as [number, number], [depth, n] = right.slice(-2) as [number, number]
  const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2))
  if (!batch || depth !== k) {
    return node.invalid(`Matrices of the shapes (${rows.join(', ')}) and (${columns.join(', ')}) have no product.`)
  }
  const to = [...batch, ...rows.length === 1 ? [] : [m], ...columns.length === 1 ? [] : [n]]
  // one matrix on the right: all rows are those of one matrix
  const count = product(right.slice(0, -2)) === 1 ? 1 : product(batch)
  const repeated = (x: Buffer, shape: readonly number[], matrix: readonly [number, number]): Buffer => {
    const isWhole = count === 1 || product(shape.slice(0, -2)) === count
    const all = isWhole ? x : expand(node, node.reshape(x, shape), [...batch, ...matrix])
    return node.reshape(all, [count, product(node.shape(all)) / count / matrix[1], matrix[1]])
  }
  const y = node.apply('batch_matmul', { a: repeated(a, left, [m, k]), b: repeated(b, right, [k, n]) })
  return node.reshape(y, to)
}

/** `alpha * a * b + beta * c`, both transposed on request. */
function gemm(node: NodeContext): readonly Buffer[] {
  const turned = (x: Buffer, attribute: string) => node.flag(attribute, false) ? transpose(node, x, [1, 0]) : x
  const a = node.input(0), b = node.input(1), c = node.optional(2)
  if ([a, b].some(x => node.shape(x).length !== 2)) node.invalid('Gemm multiplies two matrices.')
  const alpha = node.float('alpha', 1), beta = node.float('beta', 1)
  const product = matmul(node, turned(a, 'transA'), turned(b, 'transB'))
  const scaled = alpha === 1 ? product : multiply(node, product, alpha)
  if (!c || beta === 0) return [scaled]
  return [add(node, scaled, beta === 1 ? c : multiply(node, c, beta))]
}
