/**
 * Resize and Upsample. Where an element of the result lies in the source is a fraction `(multiply * i + add) / divide`,
 * so that rounding is exact.
 *
 *     2 times as many, half_pixel     (i + 0.5) / 2 - 0.5 = (2 * i - 1) / 4
 */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { add, subtract } from './arithmetic.ts'

export const resize: OperatorTable = {
  Resize: { opsets: [10, 26], limits: '`nearest` with `tf_crop_and_resize`', convert: node => [resized(node)] },
  Upsample: { opsets: [7, 26], convert: node => [resized(node)] }
}

interface Fraction { readonly numerator: number; readonly denominator: number }

/** One dimension. */
interface Axis {
  readonly from: number
  readonly to: number
  readonly scale: Fraction
  /** The part of the source that is seen; from 0 to 1 the whole. */
  readonly region: readonly [Fraction, Fraction]
}

interface Places { readonly multiply: number; readonly add: number; readonly divide: number }

function resized(node: NodeContext): Buffer {
  const x = node.input(0), axes = axesOf(node)
  const mode = node.string('mode', 'nearest')
  switch (mode) {
    case 'nearest': return nearest(node, x, axes)
    case 'linear': case 'bilinear': return weighted(node, x, axes, false)
    case 'cubic': return weighted(node, x, axes, true)
    default: return node.invalid(`The mode ${mode} is none of nearest, linear and cubic.`, 'mode')
  }
}

// ---------------------------------------------------------------- extents

function axesOf(node: NodeContext): readonly Axis[] {
  const shape = node.shape(node.input(0))
  const isOld = node.type === 'Upsample' || node.opset === 10
  const scales = node.type === 'Upsample' && node.opset < 9
    ? node.floats('scales') : node.knownIfGiven(isOld ? 1 : 2, 'the scales')
  const sizes = isOld ? undefined : node.knownIfGiven(3, 'the sizes')
  const chosen = node.ints('axes')?.map(axis => node.axis(axis, shape.length, 'axes')) ?? shape.map((_, d) => d)
  const given = sizes?.length ? sizes : scales?.length ? scales : node.invalid('Neither scales nor sizes are given.')
  if (given.length !== chosen.length || given.some(n => !(n > 0))) {
    const what = sizes?.length ? 'sizes' : 'scales'
    node.invalid(`The ${what} are (${given.join(', ')}); there is one above 0 for each of ${chosen.length} dimensions.`)
  }
  const corners = cornersOf(node, chosen.length)
  const common = sizes?.length ? sharedScale(node, chosen.map(d => shape[d]!), sizes) : undefined
  return shape.map((from, d): Axis => {
    const i = chosen.indexOf(d), whole = [fraction(0), fraction(1)] as const
    if (i < 0) return { from, to: from, scale: fraction(1), region: whole }
    const region = corners ? [fractionOf(corners[i]!), fractionOf(corners[i + chosen.length]!)] as const : whole
    if (common) return { from, to: Math.max(1, Math.floor(times(from, common) + 0.5)), scale: common, region }
    if (sizes?.length) return { from, to: sizes[i]!, scale: { numerator: sizes[i]!, denominator: from }, region }
    const scale = fractionOf(given[i]!), to = Math.floor(times(from, scale))
    if (to < 1) node.invalid(`Dimension ${d} of ${from} elements would have none.`)
    return { from, to, scale, region }
  })
}

/** The start of the region in each dimension, then its end in each. */
function cornersOf(node: NodeContext, dimensions: number): readonly number[] | undefined {
  if (node.string('coordinate_transformation_mode', 'half_pixel') !== 'tf_crop_and_resize') return undefined
  const corners = node.known(1, 'the region')
  if (corners.length === 2 * dimensions) return corners
  return node.invalid(`The region has ${corners.length} numbers for ${dimensions} dimensions; it has two for each.`)
}

/** One scale for all dimensions, which keeps their ratio; undefined: each has its own. */
function sharedScale(node: NodeContext, extents: readonly number[], sizes: readonly number[]): Fraction | undefined {
  const policy = node.string('keep_aspect_ratio_policy', 'stretch')
  if (policy === 'stretch') return undefined
  const scales = extents.map((n, i): Fraction => ({ numerator: sizes[i]!, denominator: n }))
  return scales.reduce((a, b) => (policy === 'not_larger' ? times(1, b) < times(1, a) : times(1, b) > times(1, a)) ? b : a)
}

// ---------------------------------------------------------------- places

function nearest(node: NodeContext, x: Buffer, axes: readonly Axis[]): Buffer {
  if (axes.some(a => a.region[0].numerator !== 0 || a.region[1].numerator !== a.region[1].denominator)) {
    node.refuse('The nearest elements of a region are not supported.', 'coordinate_transformation_mode')
  }
  const rounding = node.string('nearest_mode', isAsymmetric(node) ? 'floor' : 'round_prefer_floor')
  const places = axes.map(axis => rounded(node, placesOf(node, axis), rounding))
  if (axes.every(({ from, to }, d) => from === to && isIdentity(places[d]!))) return x
  return node.apply('nearest', {
    x, to: axes.map(a => a.to),
    multiply: places.map(p => p.multiply), add: places.map(p => p.add), divide: places.map(p => p.divide)
  })
}

/** The same place, so that rounding down gives what the mode says. */
function rounded(node: NodeContext, { multiply, add: first, divide }: Places, mode: string): Places {
  switch (mode) {
    case 'floor': return { multiply, add: first, divide }
    case 'ceil': return { multiply, add: first + divide - 1, divide }
    case 'round_prefer_floor': return lowest({ multiply: 2 * multiply, add: 2 * first + divide - 1, divide: 2 * divide })
    case 'round_prefer_ceil': return lowest({ multiply: 2 * multiply, add: 2 * first + divide, divide: 2 * divide })
    default: return node.invalid(`There is no rounding ${mode}.`, 'nearest_mode')
  }
}

/** One dimension after the other. */
function weighted(node: NodeContext, x: Buffer, axes: readonly Axis[], cubic: boolean): Buffer {
  if (!/f/.test(x.element)) node.refuse(`Weighted sums of elements of type ${x.element} are not supported.`, 'mode')
  const crop = node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize'
  // beside the source everything is 0, so another value is taken off first and added in the end
  const beside = crop ? node.float('extrapolation_value', 0) : 0
  const inside = node.flag('exclude_outside', false), a = node.float('cubic_coeff_a', -0.75)
  const antialias = node.flag('antialias', false)
  const source = beside === 0 ? x : subtract(node, x, beside)
  const y = axes.reduce((image, axis, d) => {
    const { from, to, scale } = axis, places = placesOf(node, axis)
    if (from === to && isIdentity(places)) return image
    const shrink = antialias ? Math.min(1, times(1, scale)) : 1
    const back = Math.ceil((cubic ? 2 : 1) / shrink) - 1, taps = 2 * back + 2
    const weight = node.apply('resample_weights', { n: from, to, taps, ...places, back, cubic, a, shrink, inside, crop })
    return node.apply('resample', { x: image, weight, axis: d, ...places, back })
  }, source)
  return beside === 0 ? y : add(node, y, beside)
}

/** Where the elements of the result lie, by `coordinate_transformation_mode`. */
function placesOf(node: NodeContext, { from, to, scale: { numerator: p, denominator: q }, region }: Axis): Places {
  const mode = isAsymmetric(node) ? 'asymmetric' : node.string('coordinate_transformation_mode', 'half_pixel')
  const halfPixel = lowest({ multiply: 2 * q, add: q - p, divide: 2 * p })
  switch (mode) {
    case 'asymmetric': return lowest({ multiply: q, add: 0, divide: p })
    case 'half_pixel': return halfPixel
    case 'pytorch_half_pixel': return to > 1 ? halfPixel : first
    case 'half_pixel_symmetric': return lowest({ multiply: 2 * q, add: p * from - q * to + q - p, divide: 2 * p })
    case 'tf_half_pixel_for_nn': return lowest({ multiply: 2 * q, add: q, divide: 2 * p })
    case 'align_corners': return to > 1 ? lowest({ multiply: from - 1, add: 0, divide: to - 1 }) : first
    case 'tf_crop_and_resize': {
      const [start, end] = region, divide = start.denominator * end.denominator
      const begin = start.numerator * end.denominator, stop = end.numerator * start.denominator
      return lowest(to > 1
        ? { multiply: (stop - begin) * (from - 1), add: begin * (from - 1) * (to - 1), divide: divide * (to - 1) }
        : { multiply: 0, add: (begin + stop) * (from - 1), divide: 2 * divide })
    }
    default: return node.refuse(`The coordinates ${mode} are not supported.`, 'coordinate_transformation_mode')
  }
}

const first: Places = { multiply: 0, add: 0, divide: 1 }

function isIdentity({ multiply, add: offset, divide }: Places): boolean {
  return multiply === divide && offset === 0
}

/** Before opset 11 there was no choice. */
function isAsymmetric(node: NodeContext): boolean {
  return node.type === 'Upsample' || node.opset === 10
}

// ---------------------------------------------------------------- fractions

function fraction(numerator: number): Fraction {
  return { numerator, denominator: 1 }
}

/** The simplest fraction that is this number in f32, by its continued fraction: 0.6000000238418579 is 3 / 5. */
function fractionOf(value: number): Fraction {
  const whole = Math.floor(value)
  let before: Fraction = { numerator: 1, denominator: 0 }, now = fraction(whole), rest = value - whole
  while (rest > 0 && Math.fround(now.numerator / now.denominator) !== Math.fround(value)) {
    const term = Math.floor(1 / rest)
    const next = {
      numerator: term * now.numerator + before.numerator, denominator: term * now.denominator + before.denominator
    }
    rest = 1 / rest - term
    before = now
    now = next
  }
  return now
}

function times(n: number, { numerator, denominator }: Fraction): number {
  return n * numerator / denominator
}

function lowest({ multiply, add: offset, divide }: Places): Places {
  const common = [multiply, offset].reduce((a, b) => greatestDivisor(a, Math.abs(b)), divide)
  return { multiply: multiply / common, add: offset / common, divide: divide / common }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}
