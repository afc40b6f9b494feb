/** Reductions, positions of extremes, and cumulations. */
import type { Buffer, ElementName, ReducerName } from '../../../ir/ir.ts'
import { countOf } from '../../tensor-data.ts'
import type { Conversion, NodeContext, OperatorTable } from '../conversion.ts'
import { add, each, product, reduce, subtract } from './arithmetic.ts'

export const reduction: OperatorTable = {
  ArgMax: { opsets: [1, 26], convert: position('arg_max') },
  ArgMin: { opsets: [1, 26], convert: position('arg_min') },
  CumProd: { opsets: [26, 26], convert: cumulation('prod') },
  CumSum: { opsets: [11, 26], convert: cumulation('sum') },
  ReduceL1: { opsets: [1, 26], convert: reduces('sum', 0, (node, x) => each(node, 'absolute', x)) },
  ReduceL2: { opsets: [1, 26], convert: reduces('sum', 0, square, root) },
  ReduceLogSum: {
    opsets: [1, 26], convert: reduces('sum', -Infinity, (_, x) => x, (node, sum) => each(node, 'logarithm', sum))
  },
  ReduceLogSumExp: { opsets: [1, 26], convert: logSumExp },
  ReduceMax: { opsets: [1, 26], convert: reduces('max', -Infinity) },
  ReduceMean: { opsets: [1, 26], convert: reduces('avg', Number.NaN) },
  ReduceMin: { opsets: [1, 26], convert: reduces('min', Infinity) },
  ReduceProd: { opsets: [1, 26], convert: reduces('prod', 1) },
  ReduceSum: { opsets: [1, 26], convert: reduces('sum', 0) },
  ReduceSumSquare: { opsets: [1, 26], convert: reduces('sum', 0, square) }
}

type Step = (node: NodeContext, x: Buffer) => Buffer

/** `after(op of before(x))`; `nothing`: what it is of no elements. */
function reduces(op: ReducerName, nothing: number, before: Step = (_, x) => x, after: Step = (_, x) => x): Conversion {
  return node => {
    const x = node.input(0), axes = axesOf(node), keep = node.flag('keepdims', true)
    if (countOf(node.shape(x)) === 0) return [ofNothing(node, x, axes, keep, nothing)]
    if (x.element === 'bool') return [reduce(node, x, axes, op === 'max' ? 'any' : op === 'min' ? 'all' : op, keep)]
    if (op === 'avg' && /^[iu]/.test(x.element)) return [wholeMean(node, x, axes, keep)]
    return [after(node, reduce(node, before(node, x), axes, op, keep))]
  }
}

/** Rounded towards 0. */
function wholeMean(node: NodeContext, x: Buffer, axes: readonly number[], keep: boolean): Buffer {
  const count = product(axes.map(axis => node.shape(x)[axis]!))
  return node.apply('truncated_divide', { a: reduce(node, x, axes, 'sum', keep), b: count })
}

/** The largest exponent is subtracted first, against overflow; not an infinite one, as -inf - -inf is NaN. */
function logSumExp(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), axes = axesOf(node), keep = node.flag('keepdims', true)
  if (countOf(node.shape(x)) === 0) return [ofNothing(node, x, axes, keep, -Infinity)]
  const most = x.element === 'f16' ? 65504 : 3e38
  const top = each(node, 'clip', reduce(node, x, axes, 'max', true), { low: -most, high: most })
  const sum = reduce(node, each(node, 'exponential', subtract(node, x, top)), axes, 'sum', true)
  return [node.reshape(add(node, each(node, 'logarithm', sum), top), reducedShape(node.shape(x), axes, keep))]
}

function square(node: NodeContext, x: Buffer): Buffer {
  return each(node, 'square', x)
}

/** Of whole numbers rounded down. */
function root(node: NodeContext, x: Buffer): Buffer {
  if (!/^[iu]/.test(x.element)) return each(node, 'square_root', x)
  return node.cast(each(node, 'square_root', node.cast(x, 'f64')), x.element)
}

/** The dimensions to reduce: an attribute, since opset 18 (ReduceSum: 13) an input; without any all of them. */
function axesOf(node: NodeContext): readonly number[] {
  const { length } = node.shape(node.input(0))
  const isInput = node.opset >= (node.type === 'ReduceSum' ? 13 : 18)
  const axes = isInput ? node.knownIfGiven(1, 'the axes') : node.ints('axes')
  const all = Array.from({ length }, (_, d) => d)
  if (!axes || axes.length === 0) return isInput && node.flag('noop_with_empty_axes', false) ? [] : all
  const chosen = new Set(axes.map(axis => node.axis(axis, length, 'axes')))
  return all.filter(d => chosen.has(d))
}

function reducedShape(shape: readonly number[], axes: readonly number[], keep: boolean): readonly number[] {
  return shape.flatMap((n, d) => axes.includes(d) ? (keep ? [1] : []) : [n])
}

/** A reduction of a tensor without elements; its result may have some. */
function ofNothing(node: NodeContext, x: Buffer, axes: readonly number[], keep: boolean, value: number): Buffer {
  const shape = reducedShape(node.shape(x), axes, keep)
  const filled = Array.from({ length: product(shape) }, () => inType(x.element, value))
  return node.constantOf(x.element, shape, filled)
}

/** The least and the largest number of a whole type stand for the infinities. */
function inType(element: ElementName, value: number): number {
  if (element === 'bool') return value === Infinity || value === 1 ? 1 : 0
  if (!/^[iu]/.test(element) || Number.isFinite(value)) return value
  if (Number.isNaN(value)) return 0
  const bits = Number(element.slice(1)), isSigned = element.startsWith('i')
  const largest = 2 ** (isSigned ? bits - 1 : bits) - 1
  return value > 0 ? largest : isSigned ? -largest - 1 : 0
}

function position(operator: 'arg_max' | 'arg_min'): Conversion {
  return node => {
    const x = node.input(0), axis = node.axis(node.int('axis', 0), node.shape(x).length)
    const keep = node.flag('keepdims', true), last = node.flag('select_last_index', false)
    return [node.apply(operator, { x, axis, keep, last })]
  }
}

function cumulation(op: 'sum' | 'prod'): Conversion {
  return node => {
    const x = node.input(0), [axis] = node.known(1, 'the axis')
    return [node.apply('cumulate', {
      x, axis: node.axis(axis ?? 0, node.shape(x).length), op: { reducer: op },
      exclusive: node.flag('exclusive', false), reverse: node.flag('reverse', false)
    })]
  }
}
