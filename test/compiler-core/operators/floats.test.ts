import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  erf, fits, floatFormats, functions, roundTo, roundToEven, type FloatName
} from '../../../compiler-core/operators/floats.ts'

/** The number that the bits of a 16-bit float stand for. */
function decoded(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits, bias = 2 ** (exponentBits - 1) - 1
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> fractionBits) & (2 ** exponentBits - 1),
    fraction = bits & (2 ** fractionBits - 1)
  if (exponent === 2 ** exponentBits - 1) return fraction ? NaN : sign * Infinity
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias - fractionBits)
    : sign * (1 + fraction * 2 ** -fractionBits) * 2 ** (exponent - bias)
}

describe('rounding to 16 bits', () => {
  for (const [type, exponentBits] of [['f16', 5], ['bf16', 8]] as const) {
    it(`keeps all numbers of ${type}; between neighbours the nearest, halfway the even one`, () => {
      const wrong: number[] = []
      for (let bits = 0; bits < 0x7fff; bits++) {
        const low = decoded(bits, exponentBits), high = decoded(bits + 1, exponentBits)
        if (!Object.is(roundTo(type, low), low) || !Object.is(roundTo(type, -low), -low)) wrong.push(bits)
        if (!Number.isFinite(high)) continue
        const middle = (low + high) / 2, below = middle - (high - low) / 1024, above = middle + (high - low) / 1024
        const even = bits % 2 === 0 ? low : high
        const expected = [[below, low], [middle, even], [above, high], [-below, -low], [-middle, -even],
          [-above, -high]]
        if (expected.some(([x, y]) => roundTo(type, x!) !== y)) wrong.push(bits)
      }
      expect(wrong).toEqual([])
    })
  }

  const cases: ReadonlyArray<readonly [type: FloatName, x: number, rounded: number]> = [
    ['f16', 65504, 65504], ['f16', 65519.99, 65504], ['f16', 65520, Infinity], ['f16', -1e9, -Infinity],
    ['f16', 2 ** -25, 0], ['f16', 2 ** -24, 2 ** -24], ['bf16', 257, 256], ['bf16', 259, 260], ['bf16', 1e39, Infinity],
    ['tf32', 2049, 2050], ['tf32', -2049, -2050], ['tf32', 2 ** -140, 0], ['f32', 0.1, Math.fround(0.1)], ['f64', 0.1, 0.1],
    ['f16', NaN, NaN], ['f16', -0, -0]
  ]
  for (const [type, x, rounded] of cases) it(`${x} in ${type}`, () => { expect(roundTo(type, x)).toBe(rounded) })

  it('is off by at most the unit, or half the quantum, and never in the wrong direction', () => {
    fc.assert(fc.property(fc.constantFrom<FloatName>('f32', 'tf32', 'bf16', 'f16'), fc.double({ noNaN: true, min: -60000, max: 60000 }), (type, x) => {
      const { unit, quantum } = floatFormats[type], rounded = roundTo(type, x)
      expect(Math.abs(rounded - x)).toBeLessThanOrEqual(Math.max(unit * Math.abs(x), quantum / 2))
      expect(fits(type, rounded)).toBe(true)
    }))
  })
})

describe('functions', () => {
  // Abramowitz and Stegun, Handbook of Mathematical Functions, table 7.1; its last digits rounded
  const values: ReadonlyArray<readonly [number, number]> = [
    [0, 0], [0.02, 0.0225645747], [0.5, 0.5204998778], [1, 0.8427007929], [1.5, 0.9661051465], [1.98, 0.9948920004],
    [3, 0.9999779095], [7, 1]
  ]
  for (const [x, y] of values) {
    it(`erf(${x})`, () => {
      expect(erf(x)).toBeCloseTo(y, 10)
      expect(erf(-x)).toBe(-erf(x))
    })
  }
  it('erf goes on where its two formulas meet', () => {
    expect(Math.abs(erf(2.5) - erf(2.4999999999999996))).toBeLessThan(1e-15)
    expect(erf(NaN)).toBeNaN()
  })
  it('rounds halves to the even number', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.6].map(roundToEven)).toEqual([-2, -2, 0, 0, 2, 2, 3])
  })
  it('arguments that move by at most so much move the value by at most the spread', () => {
    const names = Object.keys(functions) as (keyof typeof functions)[]
    const argument = fc.double({ min: -20, max: 20, noNaN: true }).map(x => x + 0),
      error = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true }))
    const share = fc.double({ min: -1, max: 1, noNaN: true })
    fc.assert(fc.property(fc.constantFrom(...names), argument, error, share, fc.integer({ min: -3, max: 3 }),
      (name, x, dx, at, y) => {
        const { value, spread } = functions[name]
        const v = value(x, y), most = spread(v, x, dx, y, 0), moved = value(x + at * dx, y)
        expect(v === moved || most === Infinity || !(Math.abs(moved - v) > most * (1 + 1e-12) + 1e-14)).toBe(true)
        expect(most).not.toBeNaN()
        if (dx === 0) expect(most).toBe(0)
      }), { numRuns: 2000 })
  })
})
