/** Normalisations. */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { add, divide, each, multiply, perChannel, product, reduce, subtract } from './arithmetic.ts'

export const normalisation: OperatorTable = {
  BatchNormalization: { opsets: [1, 26], limits: '`spatial` 0', convert: batchNormalization },
  GroupNormalization: { opsets: [18, 26], convert: groupNormalization },
  InstanceNormalization: { opsets: [1, 26], convert: node => {
    const x = node.input(0), shape = node.shape(x)
    const rows = node.reshape(x, [...shape.slice(0, 2), product(shape.slice(2))])
    const standard = node.apply('standardise', { x: rows, epsilon: node.float('epsilon', 1e-5) })
    return [channelwise(node, node.reshape(standard, shape), node.input(1), node.input(2))]
  } },
  LayerNormalization: { opsets: [17, 26], convert: layerNormalization },
  LpNormalization: { opsets: [1, 26], convert: node => {
    const x = node.input(0), axis = node.axis(node.int('axis', -1), node.shape(x).length), p = node.int('p', 2)
    if (p !== 1 && p !== 2) node.invalid(`\`p\` is ${p}; it is 1 or 2.`, 'p')
    const sum = reduce(node, each(node, p === 1 ? 'absolute' : 'square', x), [axis], 'sum', true)
    return [divide(node, x, p === 1 ? sum : each(node, 'square_root', sum))]
  } },
  LRN: { opsets: [1, 26], convert: node => [node.apply('local_response', {
    x: node.input(0), size: node.int('size'),
    alpha: node.float('alpha', 1e-4), beta: node.float('beta', 0.75), bias: node.float('bias', 1)
  })] },
  MeanVarianceNormalization: { opsets: [9, 26], convert: node => {
    const x = node.input(0), { length } = node.shape(x)
    const axes = (node.ints('axes') ?? [0, 2, 3]).map(axis => node.axis(axis, length, 'axes'))
    const centred = subtract(node, x, reduce(node, x, axes, 'avg', true))
    const variance = reduce(node, each(node, 'square', centred), axes, 'avg', true)
    return [divide(node, centred, add(node, each(node, 'square_root', variance), 1e-9))]
  } },
  RMSNormalization: { opsets: [23, 26], convert: rmsNormalization }
}

/** `x * gain + shift` with a number of both for each channel. */
function channelwise(node: NodeContext, x: Buffer, gain: Buffer, shift: Buffer): Buffer {
  const rank = node.shape(x).length
  return add(node, multiply(node, x, perChannel(node, gain, rank)), perChannel(node, shift, rank))
}

/** With known statistics a multiplication and an addition, which passes fold into a convolution in front. */
function batchNormalization(node: NodeContext): readonly (Buffer | undefined)[] {
  if (node.opset < 9 && node.int('spatial', 1) !== 1) {
    node.refuse('Statistics of each element are not supported; only of each channel.', 'spatial')
  }
  const x = node.input(0), epsilon = node.float('epsilon', 1e-5)
  if (node.shape(x).length < 2) node.refuse('Images without channels are not supported.')
  const given = (index: number) => node.cast(node.input(index), x.element)
  const gain = given(1), shift = given(2), mean = given(3), variance = given(4)
  if (node.opset >= 14 && node.flag('training_mode', false)) return trained(node, x, gain, shift, [mean, variance], epsilon)
  if ([1, 2, 3, 4].some(i => node.wants(i))) node.refuse('Further results are supported since opset 14 alone, in training mode.')
  if (![gain, shift, mean, variance].every(t => node.isConstant(t))) {
    return [node.apply('batch_norm', { x, gain, shift, mean, variance, epsilon })]
  }
  return [scaled(node, x, gain, shift, mean, variance, epsilon)]
}

function scaled(
  node: NodeContext, x: Buffer, gain: Buffer, shift: Buffer, mean: Buffer, variance: Buffer, epsilon: number
): Buffer {
  const scale = multiply(node, gain, each(node, 'inverse_square_root', add(node, variance, epsilon)))
  return channelwise(node, x, scale, subtract(node, shift, multiply(node, mean, scale)))
}

/** By the statistics of the batch itself; the second and third result are the running ones, moved towards them. */
function trained(
  node: NodeContext, x: Buffer, gain: Buffer, shift: Buffer, running: readonly [Buffer, Buffer], epsilon: number
): readonly (Buffer | undefined)[] {
  const axes = node.shape(x).map((_, d) => d).filter(d => d !== 1), momentum = node.float('momentum', 0.9)
  const mean = reduce(node, x, axes, 'avg', false)
  const centred = subtract(node, x, perChannel(node, mean, node.shape(x).length))
  const variance = reduce(node, each(node, 'square', centred), axes, 'avg', false)
  const moved = (before: Buffer, now: Buffer) =>
    add(node, multiply(node, before, momentum), multiply(node, now, 1 - momentum))
  return [
    node.apply('batch_norm', { x, gain, shift, mean, variance, epsilon }),
    node.wants(1) ? moved(running[0], mean) : undefined, node.wants(2) ? moved(running[1], variance) : undefined
  ]
}

/** Channels in groups; gain and shift belong to a group before opset 21, to a channel since. */
function groupNormalization(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), shape = node.shape(x), [images, channels] = shape as readonly [number, number]
  const groups = node.int('num_groups')
  if (groups < 1 || channels % groups !== 0) {
    node.invalid(`${channels} channels cannot be shared by ${groups} groups.`, 'num_groups')
  }
  const rows = node.reshape(x, [images, groups, product(shape.slice(1)) / groups])
  const standard = node.apply('standardise', { x: rows, epsilon: node.float('epsilon', 1e-5) })
  const gain = node.input(1), shift = node.input(2)
  return node.opset >= 21
    ? [channelwise(node, node.reshape(standard, shape), gain, shift)]
    : [node.reshape(channelwise(node, standard, gain, shift), shape)]
}

/** The dimensions from the axis on are one row. */
function layerNormalization(node: NodeContext): readonly (Buffer | undefined)[] {
  const { x, rows, shape, axis } = rowsOf(node), n = node.shape(rows).at(-1)!, epsilon = node.float('epsilon', 1e-5)
  const gain = node.cast(node.input(1), x.element), bias = node.optional(2), shift = bias && node.cast(bias, x.element)
  const isPerElement = shift && [gain, shift].every(t => isRow(node.shape(t), shape.slice(axis)))
  const standard = isPerElement
    ? node.apply('layer_norm', { x: rows, gain: node.reshape(gain, [n]), shift: node.reshape(shift, [n]), epsilon })
    : node.apply('standardise', { x: rows, epsilon })
  const statistics = node.wants(1) || node.wants(2) ? statisticsOf(node, rows, epsilon) : []
  const kept = shape.map((extent, d) => d < axis ? extent : 1)
  const whole = node.reshape(standard, shape), scaled = isPerElement ? whole : multiply(node, whole, gain)
  return [isPerElement || !shift ? scaled : add(node, scaled, shift), ...statistics.map(t => node.reshape(t, kept))]
}

/** The mean of each row and the inverse of its standard deviation, in f32. */
function statisticsOf(node: NodeContext, rows: Buffer, epsilon: number): readonly [Buffer, Buffer] {
  const wide = rows.element === 'f64' ? rows : node.cast(rows, 'f32'), axes = [node.shape(rows).length - 1]
  const mean = reduce(node, wide, axes, 'avg', true), centred = subtract(node, wide, mean)
  const variance = reduce(node, each(node, 'square', centred), axes, 'avg', true)
  return [mean, each(node, 'inverse_square_root', add(node, variance, epsilon))]
}

function rmsNormalization(node: NodeContext): readonly Buffer[] {
  const { x, rows, shape, axis } = rowsOf(node), n = node.shape(rows).at(-1)!, epsilon = node.float('epsilon', 1e-5)
  const gain = node.cast(node.input(1), x.element), isPerElement = isRow(node.shape(gain), shape.slice(axis))
  const own = isPerElement ? node.reshape(gain, [n]) : node.constantOf(x.element, [n], new Array<number>(n).fill(1))
  const y = node.reshape(node.apply('rms_norm', { x: rows, gain: own, epsilon }), shape)
  return [isPerElement ? y : multiply(node, y, gain)]
}

interface Rows {
  readonly x: Buffer
  readonly shape: readonly number[]
  readonly axis: number
  /** With one dimension in the place of those from the axis on. */
  readonly rows: Buffer
}

function rowsOf(node: NodeContext): Rows {
  const x = node.input(0), shape = node.shape(x), axis = node.axis(node.int('axis', -1), shape.length)
  return { x, shape, axis, rows: node.reshape(x, [...shape.slice(0, axis), product(shape.slice(axis))]) }
}

/** Whether a tensor that broadcasts has one number for each element of a row. */
function isRow(shape: readonly number[], row: readonly number[]): boolean {
  return product(shape) === product(row) && row.every((n, d) => (shape[shape.length - row.length + d] ?? 1) === n)
}
