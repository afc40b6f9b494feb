/** Constants, shapes, and operators that only say where elements go. */
import type { Buffer } from '../../../ir/ir.ts'
import { countOf, dataOf, reshaped, type TensorData } from '../../tensor-data.ts'
import type { Conversion, NodeContext, OperatorTable } from '../conversion.ts'
import { mostDimensions } from '../tensor-proto.ts'
import { emptyData, sameShape, shapeText } from '../work.ts'
import { broadcastShape, sameTypes } from './broadcasting.ts'
import { isFloat } from './elementwise.ts'

export const shapeOperators: OperatorTable = {
  Concat: { opsets: [1, 26], convert: concat },
  Constant: { opsets: [1, 26], convert: constant, limits: 'texts, sparse tensors' },
  ConstantOfShape: { opsets: [9, 26], convert: constantOfShape, limits: 'a shape that depends on inputs' },
  DepthToSpace: { opsets: [1, 26], convert: depthToSpace },
  Expand: { opsets: [8, 26], convert: expand, limits: 'a shape that depends on inputs' },
  EyeLike: { opsets: [9, 26], convert: eyeLike },
  Flatten: { opsets: [1, 26], convert: flatten },
  Pad: { opsets: [1, 26], convert: pad, limits: 'pads that depend on inputs' },
  Range: { opsets: [11, 26], convert: range, limits: 'bounds that depend on inputs' },
  Reshape: { opsets: [1, 26], convert: reshape, limits: 'a shape that depends on inputs' },
  Shape: { opsets: [1, 26], convert: shapeOf },
  Size: { opsets: [1, 26], convert: node => [i64(node, [], [countOf(node.shape(node.input(0)))])] },
  Slice: { opsets: [1, 26], convert: slice, limits: 'bounds that depend on inputs' },
  SpaceToDepth: { opsets: [1, 26], convert: spaceToDepth },
  Split: { opsets: [1, 26], convert: split, limits: 'sizes that depend on inputs' },
  Squeeze: { opsets: [1, 26], convert: squeeze, limits: 'axes that depend on inputs' },
  Tile: { opsets: [6, 26], convert: tile, limits: 'repeats that depend on inputs' },
  Transpose: { opsets: [1, 26], convert: transpose },
  Unsqueeze: { opsets: [1, 26], convert: unsqueeze, limits: 'axes that depend on inputs' }
}

function i64(node: NodeContext, shape: readonly number[], numbers: readonly number[]): Buffer {
  return node.constantOf('i64', shape, numbers)
}

/** From an input since an opset, from an attribute before it. */
function numbers(
  node: NodeContext, index: number, attribute: string, since: number, what: string
): readonly number[] | undefined {
  return node.opset < since ? node.ints(attribute) : node.knownIfGiven(index, what)
}

function requiredInts(node: NodeContext, attribute: string): readonly number[] {
  return node.ints(attribute) ?? node.invalid(`The attribute \`${attribute}\` is absent.`, attribute)
}

// ---------------------------------------------------------------- constants

function constant(node: NodeContext): readonly Buffer[] {
  const tensor = node.tensor('value')
  if (tensor) return [node.constant(tensor)]
  if (node.has('value_float')) return [node.constantOf('f32', [], [node.float('value_float')])]
  if (node.has('value_int')) return [i64(node, [], [node.int('value_int')])]
  const floats = node.floats('value_floats'), ints = node.ints('value_ints')
  if (floats) return [node.constantOf('f32', [floats.length], floats)]
  if (ints) return [i64(node, [ints.length], ints)]
  for (const name of ['value_string', 'value_strings', 'sparse_value']) {
    if (node.has(name)) node.refuse(`A value in the attribute \`${name}\` is not supported.`, name)
  }
  return node.invalid('It has no value.', 'value')
}

function constantOfShape(node: NodeContext): readonly Buffer[] {
  const shape = checkedShape(node, node.known(0, 'the shape'))
  const value = node.tensor('value') ?? dataOf('f32', [1], [0])
  if (countOf(value.shape) !== 1) node.invalid('Its value has not one element.', 'value')
  return [filled(node, value, shape)]
}

/** One element everywhere. */
function filled(node: NodeContext, value: TensorData, shape: readonly number[]): Buffer {
  return repeated(node, node.constant(reshaped(value, [])), shape)
}

function repeated(node: NodeContext, tensor: Buffer, shape: readonly number[]): Buffer {
  if (sameShape(node.shape(tensor), shape)) return tensor
  return countOf(shape) === 0
    ? node.constant(emptyData(tensor.element, shape))
    : node.apply('expand', { x: tensor, to: shape })
}

function checkedShape(node: NodeContext, shape: readonly number[], attribute?: string): readonly number[] {
  const wrong = shape.find(n => !Number.isInteger(n) || n < 0 || n >= 2 ** 31)
  if (shape.length > mostDimensions) node.refuse(`A tensor of ${shape.length} dimensions is not supported; ${mostDimensions} are.`)
  return wrong === undefined ? shape : node.invalid(`The shape ${shapeText(shape)} has the extent ${wrong}.`, attribute)
}

function eyeLike(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), [rows, columns, ...more] = node.shape(x)
  if (rows === undefined || columns === undefined || more.length > 0) return node.invalid('Its input is no matrix.')
  const element = node.elementType('dtype', x.element)
  if (rows * columns === 0) return [node.constant(emptyData(element, [rows, columns]))]
  const within = element === 'bool' ? 'u8' : element
  const ones = node.apply('identity_matrix', { rows, columns, k: node.int('k', 0), T: { dtype: within } })
  return [node.cast(ones, element)]
}

function range(node: NodeContext): readonly Buffer[] {
  const [start, limit, delta] = ['its start', 'its limit', 'its step'].map((what, i) => {
    const [number, ...others] = node.known(i, what)
    return number !== undefined && others.length === 0 ? number : node.invalid(`Its input ${i} has not one element.`)
  })
  const { element } = node.input(0)
  sameTypes(node, node.allInputs())
  const count = Math.max(Math.ceil((limit! - start!) / delta!), 0)
  if (!(count <= mostInRange)) node.invalid(`It has ${count} elements: from ${start} to ${limit} in steps of ${delta}.`)
  const rounded = element === 'f32' ? Math.fround : (x: number) => x
  const numbers = Array.from({ length: count }, (_, i) => rounded(start! + rounded(i * delta!)))
  return [node.constantOf(element, [count], numbers)]
}

const mostInRange = 2 ** 24

function shapeOf(node: NodeContext): readonly Buffer[] {
  const shape = node.shape(node.input(0)), rank = shape.length
  const clamped = (n: number) => Math.max(0, Math.min(n < 0 ? n + rank : n, rank))
  const some = shape.slice(clamped(node.int('start', 0)), clamped(node.int('end', rank)))
  return [i64(node, [some.length], some)]
}

// ---------------------------------------------------------------- other shapes of the same elements

function reshape(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), old = node.shape(x)
  const asked = node.opset < 5 ? requiredInts(node, 'shape') : node.known(1, 'the shape')
  const keepZero = node.flag('allowzero', false)
  const copied = asked.map((n, d) => n === 0 && !keepZero
    ? old[d] ?? node.invalid(`The shape ${shapeText(asked)} copies dimension ${d} of a tensor with ${old.length}.`)
    : n)
  const open = copied.indexOf(-1)
  if (copied.some(n => n < -1) || copied.lastIndexOf(-1) !== open) node.invalid(`${shapeText(asked)} is no shape.`)
  const others = countOf(copied.filter(n => n !== -1))
  const rest = others === 0 ? 0 : countOf(old) / others
  const shape = checkedShape(node, copied.map(n => n === -1 ? Math.floor(rest) : n))
  if (countOf(shape) !== countOf(old)) {
    node.invalid(`A tensor of the shape ${shapeText(old)} cannot have the shape ${shapeText(asked)}.`)
  }
  return [node.reshape(x, shape)]
}

function flatten(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x), given = node.int('axis', 1)
  const axis = given === shape.length ? given : node.axis(given, shape.length)
  return [node.reshape(x, [countOf(shape.slice(0, axis)), countOf(shape.slice(axis))])]
}

function squeeze(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x)
  const given = numbers(node, 1, 'axes', 13, 'the axes')
  const axes = given ? given.map(a => node.axis(a, shape.length, 'axes')) : shape.flatMap((n, d) => n === 1 ? [d] : [])
  const long = axes.find(d => shape[d] !== 1)
  if (long !== undefined) node.invalid(`Dimension ${long} of the shape ${shapeText(shape)} is not 1.`, 'axes')
  return [node.reshape(x, shape.filter((_, d) => !axes.includes(d)))]
}

function unsqueeze(node: NodeContext): readonly Buffer[] {
  const x = node.input(0)
  const given = numbers(node, 1, 'axes', 13, 'the axes') ?? node.invalid('Its axes are absent.', 'axes')
  const rank = node.shape(x).length + given.length
  const axes = new Set(given.map(a => node.axis(a, rank, 'axes')))
  if (axes.size < given.length) node.invalid(`An axis is named twice: ${given.join(', ')}.`, 'axes')
  const rest = [...node.shape(x)]
  return [node.reshape(x, Array.from({ length: rank }, (_, d) => axes.has(d) ? 1 : rest.shift()!))]
}

function transpose(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x)
  const perm = node.ints('perm') ?? shape.map((_, d) => shape.length - 1 - d)
  if (!sameShape(perm.toSorted((a, b) => a - b), shape.map((_, d) => d))) {
    node.invalid(`${shapeText(perm)} is no order of ${shape.length} dimensions.`, 'perm')
  }
  return [transposed(node, x, perm)]
}

/** The same tensor if nothing moves; a reshape if only dimensions of extent 1 do. */
function transposed(node: NodeContext, x: Buffer, perm: readonly number[]): Buffer {
  const shape = node.shape(x), to = perm.map(d => shape[d]!)
  const moved = perm.filter(d => shape[d] !== 1)
  if (countOf(shape) === 0 || moved.every((d, i) => i === 0 || moved[i - 1]! < d)) return node.reshape(x, to)
  return node.apply('transpose', { x, perm })
}

function depthToSpace(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), size = node.int('blocksize'), mode = node.string('mode', 'DCR'), [n, c, h, w] = imageShape(node, x)
  if (mode !== 'DCR' && mode !== 'CRD') node.invalid(`It is \`DCR\` or \`CRD\`, not \`${mode}\`.`, 'mode')
  if (size < 1 || c % (size * size) !== 0) node.invalid(`${c} channels cannot be made blocks of ${size} x ${size}.`, 'blocksize')
  const d = c / (size * size)
  const [apart, perm] = mode === 'DCR'
    ? [[n, size, size, d, h, w], [0, 3, 4, 1, 5, 2]]
    : [[n, d, size, size, h, w], [0, 1, 4, 2, 5, 3]]
  return [node.reshape(transposed(node, node.reshape(x, apart), perm), [n, d, h * size, w * size])]
}

function imageShape(node: NodeContext, x: Buffer): readonly [number, number, number, number] {
  const [n, c, h, w, ...more] = node.shape(x)
  return n === undefined || c === undefined || h === undefined || w === undefined || more.length > 0
    ? node.invalid('Its input has not 4 dimensions.')
    : [n, c, h, w]
}

function spaceToDepth(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), size = node.int('blocksize'), [n, c, h, w] = imageShape(node, x)
  if (size < 1 || h % size !== 0 || w % size !== 0) {
    node.invalid(`${h} x ${w} elements are no blocks of ${size} x ${size}.`, 'blocksize')
  }
  const apart = node.reshape(x, [n, c, h / size, size, w / size, size])
  return [node.reshape(transposed(node, apart, [0, 3, 5, 1, 2, 4]), [n, c * size * size, h / size, w / size])]
}

// ---------------------------------------------------------------- more elements, or fewer

function expand(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), asked = checkedShape(node, node.known(1, 'the shape'))
  const shape = broadcastShape(node.shape(x), asked)
    ?? node.invalid(`A tensor of the shape ${shapeText(node.shape(x))} cannot be expanded to ${shapeText(asked)}.`)
  return [repeated(node, x, shape)]
}

function tile(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x)
  const times = checkedShape(node, node.known(1, 'the repeats'))
  if (times.length !== shape.length) node.invalid(`It has ${times.length} repeats for ${shape.length} dimensions.`)
  if (times.every(n => n === 1)) return [x]
  const result = shape.map((n, d) => n * times[d]!)
  if (countOf(result) === 0) return [node.constant(emptyData(x.element, result))]
  const isExpansion = shape.every((n, d) => n === 1 || times[d] === 1)
  return [isExpansion ? node.apply('expand', { x, to: result }) : node.apply('tile', { x, times })]
}

function concat(node: NodeContext): readonly Buffer[] {
  const all = node.allInputs(), [first] = all
  if (!first) return node.invalid('It has no input.')
  sameTypes(node, all)
  const shape = node.shape(first), axis = node.axis(node.int('axis', node.opset < 4 ? 1 : undefined), shape.length)
  for (const x of all) {
    const other = node.shape(x)
    if (other.length !== shape.length || other.some((n, d) => d !== axis && n !== shape[d])) {
      node.invalid(`Shapes that do not go together along axis ${axis}: ${shapeText(shape)} and ${shapeText(other)}.`, 'axis')
    }
  }
  const some = all.filter(x => countOf(node.shape(x)) > 0)
  if (some.length > 0) return [joined(node, some, axis)]
  const extent = all.reduce((sum, x) => sum + node.shape(x)[axis]!, 0)
  return [node.constant(emptyData(first.element, shape.map((n, d) => d === axis ? extent : n)))]
}

/** Two at a time, as a balanced tree. */
function joined(node: NodeContext, all: readonly Buffer[], axis: number): Buffer {
  if (all.length === 1) return all[0]!
  const half = Math.ceil(all.length / 2)
  const a = joined(node, all.slice(0, half), axis), b = joined(node, all.slice(half), axis)
  return node.apply('concat', { a, b, axis })
}

/** `size` elements of each dimension, from `begin` in steps of `step`. */
export function sliced(
  node: NodeContext, x: Buffer, begin: readonly number[], size: readonly number[], step: readonly number[]
): Buffer {
  if (countOf(size) === 0) return node.constant(emptyData(x.element, size))
  const steps = step.map((n, d) => size[d] === 1 ? 1 : n)
  const isWhole = sameShape(size, node.shape(x)) && steps.every(n => n === 1) && begin.every(n => n === 0)
  return isWhole ? x : node.apply('slice', { x, begin, size, step: steps })
}

function slice(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x), rank = shape.length
  const isOld = node.opset < 10
  const starts = isOld ? requiredInts(node, 'starts') : node.known(1, 'the starts')
  const ends = isOld ? requiredInts(node, 'ends') : node.known(2, 'the ends')
  const axes = (isOld ? node.ints('axes') : node.knownIfGiven(3, 'the axes')) ?? starts.map((_, d) => d)
  const steps = (isOld ? undefined : node.knownIfGiven(4, 'the steps')) ?? starts.map(() => 1)
  if ([ends, axes, steps].some(list => list.length !== starts.length)) {
    node.invalid('Its starts, ends, axes and steps are not equally many.')
  }
  const begin = shape.map(() => 0), size = [...shape], step = shape.map(() => 1)
  for (const [n, given] of axes.entries()) {
    const d = node.axis(given, rank, 'axes'), extent = shape[d]!, by = steps[n]!
    if (by === 0) node.invalid('A step is 0.', 'steps')
    // one before the first element is possible in steps backwards
    const [least, most] = by > 0 ? [0, extent] : [-1, extent - 1]
    const within = (at: number) => Math.max(least, Math.min(at < 0 ? at + extent : at, most))
    const from = within(starts[n]!), to = within(ends[n]!)
    begin[d] = Math.max(0, from)
    size[d] = Math.max(0, Math.ceil((to - from) / by))
    step[d] = by
  }
  return [sliced(node, x, begin, size, step)]
}

function split(node: NodeContext): readonly (Buffer | undefined)[] {
  const x = node.input(0), shape = node.shape(x), axis = node.axis(node.int('axis', 0), shape.length)
  const extent = shape[axis]!
  const given = numbers(node, 1, 'split', 13, 'the sizes')
  const count = given?.length ?? node.int('num_outputs', node.outputCount)
  if (count < 1) node.invalid('It has no parts.', 'num_outputs')
  const each = Math.ceil(extent / count)
  const sizes = given ?? Array.from({ length: count }, (_, n) => Math.max(0, Math.min(each, extent - n * each)))
  if (sizes.some(n => n < 0) || sizes.reduce((sum, n) => sum + n, 0) !== extent) {
    node.invalid(`${extent} elements along axis ${axis} cannot be split into ${sizes.join(' + ')}.`, 'split')
  }
  if (sizes.length < node.outputCount) node.invalid(`It has ${node.outputCount} results, but ${sizes.length} parts.`)
  let start = 0
  return sizes.map((size, n) => {
    const begin = shape.map((_, d) => d === axis ? start : 0)
    start += size
    if (!node.wants(n)) return undefined
    return sliced(node, x, begin, shape.map((m, d) => d === axis ? size : m), shape.map(() => 1))
  })
}

/** Pads are attributes before opset 11; those of some axes alone since opset 18. */
function pad(node: NodeContext): ReturnType<Conversion> {
  const x = node.input(0), shape = node.shape(x), rank = shape.length, mode = node.string('mode', 'constant')
  const isOld = node.opset < 11
  const pads = isOld ? requiredInts(node, node.opset < 2 ? 'paddings' : 'pads') : node.known(1, 'the pads')
  const some = node.opset < 18 ? undefined : node.knownIfGiven(3, 'the axes')
  const axes = some?.map(a => node.axis(a, rank, 'axes')) ?? shape.map((_, d) => d)
  if (pads.length !== 2 * axes.length) node.invalid(`It has ${pads.length} pads for ${axes.length} axes.`, 'pads')
  const before = shape.map(() => 0), after = shape.map(() => 0)
  for (const [n, d] of axes.entries()) {
    before[d] = pads[n]!
    after[d] = pads[axes.length + n]!
  }
  const result = checkedShape(node, shape.map((n, d) => n + before[d]! + after[d]!))
  if (before.every(n => n === 0) && after.every(n => n === 0)) return [x]
  if (countOf(result) === 0) return [node.constant(emptyData(x.element, result))]
  if (mode === 'constant') {
    const given = isOld ? undefined : node.optional(2)
    const value = given && countOf(node.shape(given)) > 0
      ? node.reshape(given, [])
      : node.constantOf(x.element, [], [isOld ? node.float('value', 0) : 0])
    if (countOf(shape) === 0) return [repeated(node, value, result)]
    if ([...before, ...after].every(n => n <= 0)) {
      return [sliced(node, x, before.map(n => -n), result, shape.map(() => 1))]
    }
    const number = isFloat(x.element) ? node.operand(value, x) : value
    return [typeof number === 'number'
      ? node.apply('pad', { x, before, after, value: number })
      : node.apply('pad_with', { x, value: node.operand(value, x), before, after })]
  }
  const operator = Object.hasOwn(padOperators, mode) ? padOperators[mode] : undefined
  if (!operator) return node.invalid(`The mode is not \`${mode}\`.`, 'mode')
  return [node.apply(operator, { x, before, after })]
}

const padOperators: Readonly<Record<string, string>> = { edge: 'pad_edge', reflect: 'pad_mirrored', wrap: 'pad_wrapped' }
