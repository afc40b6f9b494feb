/**
 * Whether a result is what was expected.
 *
 *     f32[2, 3], an operator:     |found - expected| <= 1e-4 |expected| + 1e-6 max|expected|
 *     f32[1, 1000], a model:      |found - expected| <= 1e-3 max|expected|
 *     i64[4], bool[4]:            the same elements
 *
 * Shape and element type must be the same; NaN is equal to NaN, an infinity only to itself.
 */
import type { ElementName } from '../../ir/ir.ts'
import { countOf, numberAt, type TensorData } from '../../graph/tensor-data.ts'

export type Expected =
  | { readonly kind: 'whole'; readonly data: TensorData }
  /** Of a result in f32. */
  | { readonly kind: 'sample'; readonly sample: Sample }

/** Every `step`-th element of a large result, with the sum of all and the greatest magnitude. */
export interface Sample {
  readonly dims: readonly number[]
  readonly step: number
  readonly sum: number
  readonly absmax: number
  readonly values: readonly number[]
}

/** An error grows with every layer of a model; one operator has to be more exact. */
export type Subject = 'operator' | 'model'

/** In words where it differs most, or undefined. */
export function difference(expected: Expected, found: TensorData, subject: Subject): string | undefined {
  const type = expected.kind === 'whole' ? typeText(expected.data.element, expected.data.shape) : typeText('f32', expected.sample.dims)
  if (typeText(found.element, found.shape) !== type) return `is ${typeText(found.element, found.shape)} instead of ${type}`
  return expected.kind === 'sample'
    ? sampleDifference(expected.sample, found, subject)
    : wholeDifference(expected.data, found, subject)
}

function wholeDifference(expected: TensorData, found: TensorData, subject: Subject): string | undefined {
  const count = countOf(expected.shape)
  if (tolerances[expected.element] === undefined) {
    const size = count === 0 ? 1 : expected.bytes.length / count
    const at = found.bytes.findIndex((byte, i) => byte !== expected.bytes[i])
    return at < 0 ? undefined : differsAt(Math.floor(at / size), expected, found)
  }
  let most = 0
  for (let i = 0; i < count; i++) most = Math.max(most, magnitude(numberAt(expected, i)))
  const worst = worstOf(count, i => excess(numberAt(found, i), numberAt(expected, i), most, expected.element, subject))
  return worst === undefined ? undefined : differsAt(worst, expected, found)
}

function sampleDifference(
  { step, sum, absmax, values }: Sample, found: TensorData, subject: Subject
): string | undefined {
  const worst = worstOf(values.length, i => excess(numberAt(found, i * step), values[i]!, absmax, 'f32', subject))
  if (worst !== undefined) {
    return `is ${numberAt(found, worst * step)} instead of ${values[worst]!} at element ${worst * step}`
  }
  const count = countOf(found.shape), tolerance = tolerances.f32![subject]
  let ownSum = 0, most = 0
  for (let i = 0; i < count; i++) {
    const value = numberAt(found, i)
    ownSum += value
    most = Math.max(most, Math.abs(value))
  }
  const allowed = (tolerance.relative + tolerance.absolute) * absmax
  if (!(Math.abs(most - absmax) <= allowed)) return `has the greatest magnitude ${most} instead of ${absmax}`
  return Math.abs(ownSum - sum) <= allowed * count ? undefined : `has the sum ${ownSum} instead of ${sum}`
}

interface Tolerance {
  /** Times the magnitude of the expected element. */
  readonly relative: number
  /** Times the greatest finite magnitude of the expected tensor. */
  readonly absolute: number
}

/** Absent: exactly. In half precision a unit of the last place is 1e-3 (f16), 8e-3 (bf16). */
const tolerances: Readonly<Partial<Record<ElementName, Readonly<Record<Subject, Tolerance>>>>> = {
  f64: { operator: { relative: 1e-6, absolute: 1e-9 }, model: { relative: 0, absolute: 1e-3 } },
  f32: { operator: { relative: 1e-4, absolute: 1e-6 }, model: { relative: 0, absolute: 1e-3 } },
  f16: { operator: { relative: 1e-2, absolute: 1e-3 }, model: { relative: 0, absolute: 1e-2 } },
  bf16: { operator: { relative: 2e-2, absolute: 4e-3 }, model: { relative: 0, absolute: 3e-2 } }
}

/** A smaller difference is none: what is 0 in one order of arithmetic may be a rounding error in another. */
const tiny = 1e-7

/** How many times the allowed error an element is off; more than 1 is too much. */
function excess(found: number, expected: number, most: number, element: ElementName, subject: Subject): number {
  if (found === expected || Number.isNaN(found) && Number.isNaN(expected)) return 0
  if (!Number.isFinite(found) || !Number.isFinite(expected)) return Infinity
  const { relative, absolute } = tolerances[element]![subject]
  return Math.abs(found - expected) / (relative * Math.abs(expected) + absolute * most + tiny)
}

function worstOf(count: number, excessAt: (i: number) => number): number | undefined {
  let worst: number | undefined, most = 1
  for (let i = 0; i < count; i++) {
    const by = excessAt(i)
    if (by > most) [worst, most] = [i, by]
  }
  return worst
}

function magnitude(value: number): number { return Number.isFinite(value) ? Math.abs(value) : 0 }

function differsAt(element: number, expected: TensorData, found: TensorData): string {
  return `is ${numberAt(found, element)} instead of ${numberAt(expected, element)} at [${indicesOf(element, expected.shape).join(', ')}]`
}

function indicesOf(element: number, shape: readonly number[]): readonly number[] {
  let rest = element
  return shape.toReversed().map(extent => {
    const index = rest % extent
    rest = Math.floor(rest / extent)
    return index
  }).toReversed()
}

function typeText(element: ElementName, shape: readonly number[]): string { return `${element}[${shape.join(', ')}]` }
