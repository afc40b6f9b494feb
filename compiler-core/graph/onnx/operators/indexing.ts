/** Operators that choose elements by indices in tensors. */
import type { Buffer } from '../../../ir/ir.ts'
import { countOf, holdsWholes, numbersOf } from '../../tensor-data.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { emptyData, sameShape, shapeText } from '../work.ts'
import { sameTypes } from './broadcasting.ts'
import { isFloat } from './elementwise.ts'
import { sliced } from './shape.ts'

export const indexOperators: OperatorTable = {
  Compress: { opsets: [9, 26], convert: compress, limits: 'a condition that depends on inputs' },
  Gather: { opsets: [1, 26], convert: gather },
  GatherElements: { opsets: [11, 26], convert: gatherElements },
  GatherND: { opsets: [11, 26], convert: gatherParts },
  OneHot: { opsets: [9, 26], convert: oneHot, limits: 'a depth that depends on inputs' },
  ReverseSequence: { opsets: [10, 26], convert: reverseSequence },
  Scatter: { opsets: [9, 10], convert: scatterElements },
  ScatterElements: { opsets: [11, 26], convert: scatterElements },
  ScatterND: { opsets: [11, 26], convert: scatterParts },
  TensorScatter: { opsets: [24, 26], convert: tensorScatter },
  TopK: { opsets: [1, 26], convert: topK, limits: 'a number that depends on inputs' },
  Trilu: { opsets: [14, 26], convert: triangle, limits: 'a diagonal that depends on inputs' }
}

/** Indices as the library takes them. */
function indexTensor(node: NodeContext, tensor: Buffer): Buffer {
  if (!holdsWholes(tensor.element)) node.invalid(`Its indices are whole numbers, not ${tensor.element}.`)
  return node.cast(tensor, 'i64')
}

function misfit(node: NodeContext, index: readonly number[], shape: readonly number[]): never {
  return node.invalid(`Indices of the shape ${shapeText(index)} do not fit a tensor of the shape ${shapeText(shape)}.`)
}

function empty(node: NodeContext, like: Buffer, shape: readonly number[]): Buffer {
  return node.constant(emptyData(like.element, shape))
}

// ---------------------------------------------------------------- gathering

function gather(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), asked = node.input(1), shape = node.shape(x)
  const axis = node.axis(node.int('axis', 0), shape.length), extent = shape[axis]!
  const result = [...shape.slice(0, axis), ...node.shape(asked), ...shape.slice(axis + 1)]
  if (countOf(result) === 0) return [empty(node, x, result)]
  const isKnown = node.isConstant(asked) && countOf(node.shape(asked)) <= mostKnownIndices
  const indices = isKnown ? node.data(asked) : undefined
  if (indices) {
    const numbers = numbersOf(indices).map(n => n < 0 ? n + extent : n)
    const outside = numbers.find(n => n < 0 || n >= extent)
    if (outside !== undefined) node.invalid(`An index is outside of the ${extent} elements along axis ${axis}.`)
    const [first = 0, second = first + 1] = numbers, step = second - first
    if (numbers.every((n, i) => n === first + i * step) && step !== 0) {
      const along = (others: readonly number[], own: number) => others.map((n, d) => d === axis ? own : n)
      const [zeros, ones] = [shape.map(() => 0), shape.map(() => 1)]
      const parts = sliced(node, x, along(zeros, first), along(shape, numbers.length), along(ones, step))
      return [node.reshape(parts, result)]
    }
  }
  return [node.apply('gather', { x, index: indexTensor(node, asked), axis })]
}

/** Few enough to look at. */
const mostKnownIndices = 4096

function gatherElements(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), index = node.input(1), shape = node.shape(x), own = node.shape(index)
  const axis = node.axis(node.int('axis', 0), shape.length)
  if (own.length !== shape.length || own.some((n, d) => d !== axis && n > shape[d]!)) {
    misfit(node, own, shape)
  }
  if (countOf(own) === 0) return [empty(node, x, own)]
  return [node.apply('gather_elements', { x, index: indexTensor(node, index), axis })]
}

function gatherParts(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), index = node.input(1), shape = node.shape(x), own = node.shape(index)
  const batch = node.int('batch_dims', 0), k = own.at(-1) ?? node.invalid('Its indices have no dimension.')
  const isWithin = batch >= 0 && batch + k <= shape.length && batch < own.length
  if (!isWithin || own.slice(0, batch).some((n, d) => n !== shape[d])) misfit(node, own, shape)
  const result = [...own.slice(0, -1), ...shape.slice(batch + k)]
  if (countOf(result) === 0) return [empty(node, x, result)]
  return [node.apply('gather_parts', { x, index: indexTensor(node, index), batch })]
}

function reverseSequence(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), rank = node.shape(x).length
  const batch = node.axis(node.int('batch_axis', 1), rank, 'batch_axis')
  const time = node.axis(node.int('time_axis', 0), rank, 'time_axis')
  return [node.apply('reverse_sequence', { x, lengths: indexTensor(node, node.input(1)), time, batch })]
}

function compress(node: NodeContext): readonly Buffer[] {
  const given = node.input(0), x = node.has('axis') ? given : node.reshape(given, [countOf(node.shape(given))])
  const axis = node.has('axis') ? node.axis(node.int('axis'), node.shape(given).length) : 0
  const chosen = node.known(1, 'the condition').flatMap((n, i) => n !== 0 ? [i] : [])
  return node.by('Gather', [x, node.constantOf('i64', [chosen.length], chosen)], { axis: { int: axis } })
}

function oneHot(node: NodeContext): readonly Buffer[] {
  const asked = node.input(0), shape = node.shape(asked), values = node.input(2)
  const [depth, ...others] = node.known(1, 'the depth')
  if (depth === undefined || others.length > 0 || depth < 1) return node.invalid('Its depth is no number above 0.')
  if (countOf(node.shape(values)) !== 2) node.invalid('Its values are not two.')
  const axis = node.axis(node.int('axis', -1), shape.length + 1)
  const result = [...shape.slice(0, axis), Math.floor(depth), ...shape.slice(axis)]
  if (countOf(result) === 0) return [empty(node, values, result)]
  return [node.apply('one_hot', { index: node.cast(asked, 'i64'), values, depth: Math.floor(depth), axis })]
}

function triangle(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), [k = 0] = node.knownIfGiven(1, 'the diagonal') ?? []
  if (countOf(node.shape(x)) === 0) return [x]
  if (node.shape(x).length < 2) node.invalid('Its input is no matrix.')
  // beyond the matrix all diagonals are alike
  const [rows, columns] = node.shape(x).slice(-2)
  return [node.apply('triangle', { x, k: Math.max(-rows!, Math.min(k, columns!)), upper: node.flag('upper', true) })]
}

/** Equal elements stay in their order. */
function topK(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x), axis = node.axis(node.int('axis', -1), shape.length)
  const [count, ...others] = node.opset < 10 ? [node.int('k')] : node.known(1, 'the number')
  if (count === undefined || others.length > 0 || count < 0 || count > shape[axis]!) {
    return node.invalid(`It asks for ${count} of ${shape[axis]} elements.`, 'k')
  }
  const result = shape.map((n, d) => d === axis ? count : n)
  if (countOf(result) === 0) return [empty(node, x, result), node.constant(emptyData('i64', result))]
  const rank = node.apply('rank_of', { x, axis, largest: node.flag('largest', true) })
  const index = node.apply('position_of_rank', { rank, axis, count })
  return [node.apply('gather_elements', { x, index, axis }), index]
}

// ---------------------------------------------------------------- scattering

function scatterElements(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), asked = node.input(1), updates = node.input(2)
  const shape = node.shape(x), own = node.shape(asked)
  const axis = node.axis(node.int('axis', 0), shape.length)
  sameTypes(node, [x, updates])
  if (own.length !== shape.length || own.some((n, d) => d !== axis && n > shape[d]!)) misfit(node, own, shape)
  if (!sameShape(node.shape(updates), own)) misfit(node, own, node.shape(updates))
  return [countOf(own) === 0 ? x : scattered(node, x, indexTensor(node, asked), updates, axis)]
}

/** Parts of `x` are rows of a matrix, which the indices name by their number. */
function scatterParts(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), asked = node.input(1), updates = node.input(2)
  const shape = node.shape(x), own = node.shape(asked)
  const k = own.at(-1) ?? node.invalid('Its indices have no dimension.')
  sameTypes(node, [x, updates])
  const wanted = [...own.slice(0, -1), ...shape.slice(k)], given = node.shape(updates)
  if (k > shape.length || !sameShape(wanted, given)) misfit(node, own, given)
  if (countOf(given) === 0) return [x]
  const count = countOf(own.slice(0, -1)), rows = countOf(shape.slice(0, k)), width = countOf(shape.slice(k))
  const index = k === 0
    ? node.constantOf('i64', [count], Array<number>(count).fill(0))
    : node.apply('positions', { index: node.reshape(indexTensor(node, asked), [count, k]), s: shape.slice(0, k) })
  const columns = node.by('Expand', [node.reshape(index, [count, 1]), node.constantOf('i64', [2], [count, width])])
  const result = scattered(node, node.reshape(x, [rows, width]), columns[0]!, node.reshape(updates, [count, width]), 0)
  return [node.reshape(result, shape)]
}

/** `reduction` says what becomes of the former element. */
function scattered(node: NodeContext, x: Buffer, index: Buffer, updates: Buffer, axis: number): Buffer {
  const reduction = node.string('reduction', 'none'), s = node.shape(x)
  if (reduction === 'none') {
    const position = node.apply('last_position', { index, s, axis })
    return node.apply('updated', { x, updates, position, axis })
  }
  const rule = Object.hasOwn(reductions, reduction) ? reductions[reduction] : undefined
  if (!rule) return node.invalid(`It is not \`${reduction}\`.`, 'reduction')
  if (!isFloat(x.element) && !holdsWholes(x.element)) node.invalid(`Elements of ${x.element} cannot be combined.`, 'reduction')
  const combined = node.apply('scattered', { index, updates, s, axis, op: { reducer: rule[0] } })
  return node.apply(rule[1], { a: x, b: combined })
}

const reductions: Readonly<Record<string, readonly ['sum' | 'prod' | 'max' | 'min', string]>> = {
  add: ['sum', 'add'], mul: ['prod', 'multiply'], max: ['max', 'maximum'], min: ['min', 'minimum']
}

/** A cache, whose elements along `axis` are overwritten from where the third input says. */
function tensorScatter(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), update = node.input(1), shape = node.shape(x), mode = node.string('mode', 'linear')
  const axis = node.axis(node.int('axis', -2), shape.length), [batch = 1] = shape
  sameTypes(node, [x, update])
  if (axis === 0) node.invalid('The axis is not the first one.', 'axis')
  if (mode !== 'linear' && mode !== 'circular') node.invalid(`It is \`linear\` or \`circular\`, not \`${mode}\`.`, 'mode')
  const start = node.optional(2) ?? node.constantOf('i64', [batch], Array<number>(batch).fill(0))
  return [node.apply('overwrite', { x, update, start: indexTensor(node, start), axis, circular: mode === 'circular' })]
}
