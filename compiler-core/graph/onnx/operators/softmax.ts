/** Softmax and its kin, over any dimension. */
import type { Buffer } from '../../../ir/ir.ts'
import type { Conversion, NodeContext, OperatorTable } from '../conversion.ts'
import { product, transpose } from './arithmetic.ts'

export const softmax: OperatorTable = {
  Hardmax: { opsets: [1, 26], convert: along('hardmax') },
  LogSoftmax: { opsets: [1, 26], convert: along('log_softmax') },
  Softmax: { opsets: [1, 26], convert: along('softmax') }
}

/** Since opset 13 over one dimension, the last one by default; before over all dimensions from the axis on. */
function along(operator: string): Conversion {
  return node => {
    const x = node.input(0), shape = node.shape(x), { length } = shape
    const axis = node.axis(node.int('axis', node.opset >= 13 ? -1 : 1), length)
    if (node.opset >= 13) return [overAxis(node, x, axis, last => node.apply(operator, { x: last }))]
    const flat = axis === length - 1 ? x : node.reshape(x, [product(shape.slice(0, axis)), product(shape.slice(axis))])
    return [node.reshape(node.apply(operator, { x: flat }), shape)]
  }
}

/** `f` of a tensor whose dimension `axis` comes last, with the dimensions of the result in the former order. */
function overAxis(node: NodeContext, x: Buffer, axis: number, f: (last: Buffer) => Buffer): Buffer {
  const rank = node.shape(x).length
  const perm = [...Array.from({ length: rank }, (_, d) => d).filter(d => d !== axis), axis]
  return transpose(node, f(transpose(node, x, perm)), perm.map((_, d) => perm.indexOf(d)))
}
