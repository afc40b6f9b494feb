/**
 * The data on which a kernel is tried: small whole numbers, on which right results are exact, numbers with fractions,
 * and such as lead exponentials to their limits.
 *
 *     batch_matmul at (37, 45, 11), integers   a = [3, -1, 0, 4, -2, ...]: sums of 11 products of at most 16 are exact
 *     gather                                   index = [2, 0, 5, ...]: positions that the tensor has
 *     batch_norm                               variance = [0.3, 7.1, ...]: above 0, for a root is taken of it
 *     maximum of rows                          at the first place, at the last, at others; of negative numbers
 *
 * The numbers are random: nothing repeats that a tile's extent could hide, and a swapped index shows. The same seed
 * gives the same numbers.
 */
import type { Meaning } from '../graph/flow.ts'
import { isFloat, typeRange } from '../ir/build.ts'
import type { Buffer, Variable } from '../ir/ir.ts'
import { shapeOf, sizeOf } from '../operators/definition-code.ts'
import { roundTo } from '../operators/floats.ts'
import { anyUse, greatestExact, greatestWhole, usesOf, type Search, type Use } from './uses.ts'

export const inputKinds = ['integers', 'reals', 'wide'] as const
export type InputKind = typeof inputKinds[number]

/**
 * One for each input of the operator or graph, in order: its elements, row-major, as numbers of its type.
 *
 * `integers`: |x| <= 4, less where a sum could leave the numbers that its type holds exactly, down to -1, 0, 1.
 * `reals`: within -1 and 1, some up to 8, some exactly 0; of whole types up to 100. `wide`: as reals, but where an
 * exponential is taken of them some rows have one at 120, the first row at its last place, some lie below -100, some
 * reach from -120 to 120, some lie above 100, and where a mean is taken some are far from 0, close together, far apart;
 * i32 and i64 are so large that a sum of them passes 2^31 where that is within the declared type.
 *
 * An input that indexes another tensor holds 0 to its extent - 1, and what lies outside only if that is brought back
 * inside; a divisor and a factor of a product are never 0. Of the rows of which a maximum is looked for, the first has
 * it at its first place, the second at its last one, the third is all negative.
 */
export function inputsFor(
  meaning: Meaning, extents: ReadonlyMap<Variable, number>, kind: InputKind, seed: number
): readonly Float64Array[] {
  const uses = usesOf(meaning, extents)
  const greatest = kind === 'integers' ? greatestExact : kind === 'wide' ? greatestWhole : () => 100
  const most = greatest(meaning, extents)
  const { inputs } = meaning.kind === 'graph' ? meaning.graph : meaning.operator
  const turn = inputKinds.indexOf(kind)
  return inputs.map((buffer, n) => {
    const random = randomNumbers((seed * 64 + n) * inputKinds.length + turn)
    const shape = shapeOf(buffer.shape, extents), size = sizeOf(shape)
    const use = uses.get(buffer) ?? anyUse
    const all = elementsOf(buffer, size, use, kind, most, random)
    if (use.search && buffer.element !== 'bool') {
      placeExtremes(all, use.search, { turn, isUnsigned: isUnsigned(buffer), isWhole: !hasFractions(buffer, kind) })
    }
    if (kind === 'wide' && isFloat(buffer.element)) {
      if (use.isExponent) {
        greatestLast(all.subarray(0, shape.at(-1) ?? 1))
        forRows(all, shape.at(-1) ?? 1, exponents)
      }
      else if (use.isAveraged) forRows(all, shape.at(-1) ?? 1, means)
    }
    return all.map(x => roundTo(buffer.element, x))
  })
}

// ---------------------------------------------------------------- elements

/** 0 <= x < 1 */
type Random = () => number

function elementsOf(
  buffer: Buffer, size: number, use: Use, kind: InputKind, most: number, random: Random
): Float64Array {
  const { element } = buffer
  if (element === 'bool') return filled(size, () => Math.floor(random() * 2))
  if (use.below !== undefined) return indicesOf(size, use.below, use.isClamped && !isUnsigned(buffer), random)
  if (hasFractions(buffer, kind)) return filled(size, () => realOf(size, use, random))
  if (most > 100) {
    const isLarge = (element === 'i32' || element === 'i64') && !use.isNonzero && !use.isFactor
    if (!isLarge) return elementsOf(buffer, size, use, kind, 100, random)
    const limit = element === 'i32' ? Math.min(most, 2 ** 30) : most
    return filled(size, () => largeOf(limit, use, random))
  }
  const least = use.isPositive || isUnsigned(buffer) ? 0 : -most
  const choices = Array.from({ length: most - least + 1 }, (_, i) => least + i)
    .filter(x => x !== 0 || !(use.isPositive || use.isNonzero || size <= most))
  // few elements are all different, and none hides a factor
  if (size <= choices.length) return Float64Array.from(shuffled(choices, random).slice(0, size))
  return filled(size, () => choices[Math.floor(random() * choices.length)]!)
}

/** The first and the last occur; outside ones where they are brought back inside. */
function indicesOf(size: number, extent: number, isOpen: boolean, random: Random): Float64Array {
  const ends = [0, extent - 1], outside = isOpen ? [-1, extent, -extent, -extent - 3, extent + 5] : []
  const forced = [...ends, ...outside], start = Math.floor(random() * forced.length)
  const all = filled(size, () => Math.floor(random() * extent))
  const places = shuffled(Array.from({ length: Math.min(size, 4096) }, (_, i) => i), random)
  forced.forEach((_, n) => {
    const place = places[n]
    if (place !== undefined && (size > 1 || isOpen)) all[place] = forced[(start + n) % forced.length]!
  })
  return all
}

function hasFractions({ element }: Buffer, kind: InputKind): boolean {
  return kind !== 'integers' && isFloat(element)
}

function isUnsigned({ element }: Buffer): boolean {
  return typeRange(element)?.low === 0
}

/** The first two differ, whatever the chance. */
function filled(size: number, next: () => number): Float64Array {
  const all = new Float64Array(size)
  for (let i = 0; i < size; i++) all[i] = next()
  for (let i = 0; size > 1 && all[0] === all[1] && i < 64; i++) all[1] = next()
  return all
}

function realOf(size: number, use: Use, random: Random): number {
  const sign = use.isPositive || random() < 0.5 ? 1 : -1, chance = random(), x = random()
  if (use.isFactor) return sign * 2 ** (2 * x - 1)
  const isZero = chance < 1 / 32 && size > 16 && !use.isNonzero && !use.isPositive
  return isZero ? 0 : sign * Math.max(x, 2 ** -10) * (chance > 15 / 16 ? 8 : 1)
}

/** Up to the limit; the last digits are random too. */
function largeOf(limit: number, use: Use, random: Random): number {
  const sign = use.isPositive || random() < 0.5 ? 1 : -1
  return sign * (1 + Math.floor(random() * (limit - 1024)) + Math.floor(random() * 1023))
}

function shuffled(items: readonly number[], random: Random): readonly number[] {
  return items.map(item => ({ item, key: random() })).toSorted((a, b) => a.key - b.key).map(({ item }) => item)
}

/** A counter through a mixing function of 32 bits: multiplications and shifts, each of which can be undone. */
function randomNumbers(seed: number): Random {
  let counter = Math.imul(seed, 0x9e3779b1)
  return () => {
    counter = (counter + 0x6d2b79f5) | 0
    let x = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad)
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
  }
}

// ---------------------------------------------------------------- rows

/**
 * One element of a row becomes its only maximum (or minimum): the first, the last, then ones in between, others in each
 * row and run. Every fourth row has but negative (positive) elements; every fourth stays as it is, with its equals.
 */
function placeExtremes(
  all: Float64Array, { sign, length, elements }: Search,
  { turn, isUnsigned, isWhole }: { readonly turn: number; readonly isUnsigned: boolean; readonly isWhole: boolean }
): void {
  const golden = (Math.sqrt(5) - 1) / 2, whole = isWhole ? Math.ceil : (x: number) => x
  for (let row = 0; row * length < elements.length; row++) {
    const own = elements.subarray(row * length, (row + 1) * length).filter(i => i >= 0), mode = (row + turn) % 4
    if (mode === 3 && elements.length > 4 * length) continue
    const between = Math.floor(own.length * ((row * inputKinds.length + turn) * golden % 1))
    const place = row >= 4 || mode > 1 ? between : mode === 0 ? 0 : own.length - 1
    const greatest = own.reduce((most, i) => Math.max(most, Math.abs(all[i]!)), 1), least = whole(greatest / 4)
    const best = sign > 0 ? greatest : isUnsigned ? 0 : -greatest
    own.forEach((i, k) => {
      const x = all[i]!
      if (mode === 2 && !isUnsigned) all[i] = -sign * (k === place ? least : whole(Math.abs(x) / 2) + 1 + least)
      else if (k === place) all[i] = best
      else if (x === best) all[i] = best - sign
    })
  }
}

/** In turn: one far above the others, all far below 0, from -120 to 120, all far above 0. */
const exponents: readonly Row[] = [
  (x, most) => x === most ? 120 : x, x => x - 110, x => Math.min(Math.max(60 * x, -120), 120), x => x + 110
]
/** In turn: all near 3, far below 0, far apart, as they are. */
const means: readonly Row[] = [x => 3 + x / 256, x => x - 100, x => 100 * x, x => x]

/** What becomes of an element of a row, whose greatest is `most`. The order of a row stays. */
type Row = (x: number, most: number) => number

/** The one far above the others comes last: whoever loses the end of a row shows it. */
function greatestLast(row: Float64Array): void {
  const place = row.reduce((best, x, i) => x > row[best]! ? i : best, 0), last = row.length - 1
  const greatest = row[place]!
  if (last < 0) return
  row[place] = row[last]!
  row[last] = greatest
}

function forRows(all: Float64Array, length: number, rows: readonly Row[]): void {
  for (let start = 0; start < all.length; start += length) {
    const own = all.subarray(start, start + length), most = own.reduce((x, y) => Math.max(x, y), -Infinity)
    const change = rows[start / length % rows.length]!
    own.forEach((x, i) => { own[i] = change(x, most) })
  }
}
