// Each rule against numbers drawn from the ranges of its operands: no result lies farther away than the rule says.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  beyond, choiceError, exactOnly, extremeError, floorQuotientError, orderError, productError, quotientError,
  remainderError,
  truncationError, wildError, wildSumError, wrapError
} from '../../../compiler-core/operators/errors.ts'

const share = fc.double({ min: -1, max: 1, noNaN: true })
const fraction = fc.integer({ min: -5e6, max: 5e6 }).map(n => n / 1e5)
interface Operand { readonly value: number; readonly error: number }
const real: fc.Arbitrary<Operand> = fc.record({ value: fraction, error: fc.constantFrom(0, 0, 0.01, 0.7, 3) })
const whole: fc.Arbitrary<Operand> = fc.record({ value: fc.integer({ min: -50, max: 50 }),
  error: fc.constantFrom(0, 0, 1, 4) })

type Rule = (a: number, ea: number, b: number, eb: number) => number

function property(name: string, operands: typeof real, f: (a: number, b: number) => number, rule: Rule): void {
  it(name, () => {
    const isWhole = operands !== real
    fc.assert(fc.property(operands, operands, share, share, (a, b, s, t) => {
      const at = (x: Operand, by: number) => x.value + (isWhole ? Math.round(by * x.error) : by * x.error)
      const error = rule(a.value, a.error, b.value, b.error),
        distance = Math.abs(f(at(a, s), at(b, t)) - f(a.value, b.value))
      expect(error === Infinity || distance <= error * (1 + 1e-9) + 1e-12).toBe(true)
      // what is exact stays so, unless it has no value
      if (a.error === 0 && b.error === 0) expect(error === 0 || b.value === 0).toBe(true)
    }), { numRuns: 3000 })
  })
}

describe('the error covers every result', () => {
  property('a * b', real, (a, b) => a * b, productError)
  property('a / b', real, (a, b) => a / b, quotientError)
  property('max(a, b)', real, Math.max, (...all) => extremeError(1, ...all))
  property('min(a, b)', real, Math.min, (...all) => extremeError(-1, ...all))
  property('a < b', real, (a, b) => Number(a < b), orderError)
  property('a == b', whole, (a, b) => Number(a === b), orderError)
  property('floor(a / b)', whole, (a, b) => Math.floor(a / b), floorQuotientError)
  property('a - b * floor(a / b)', whole, (a, b) => a - b * Math.floor(a / b), remainderError)
  property('trunc(a)', real, a => Math.trunc(a), (a, ea) => truncationError('i32', a, ea))
  property('one or the other', real, a => a, (a, ea) => choiceError(a, ea, a, ea))
})

describe('what is certain', () => {
  const cases: ReadonlyArray<readonly [text: string, found: number, expected: number]> = [
    ['a clear order', orderError(1, 0.4, 2, 0.5), 0],
    ['an order within the errors', orderError(1, 0.5, 2, 0.5), 1],
    ['the greater by far', extremeError(1, 5, 0.1, 1, 2), 0.1],
    ['a NaN gives way', extremeError(1, NaN, 0, 1, 0.5), 0.5],
    ['two of them do not', extremeError(1, NaN, 0, NaN, 0), 0],
    ['what may be anything does not', extremeError(1, NaN, Infinity, 1, 0), Infinity],
    ['exact ones, however they were computed', orderError(1, -3, 2, -3), 0],
    ['the greater of exact ones', extremeError(1, 1, -3, 2, -4), -4],
    ['an exact one by far', extremeError(1, 8, -1, 2, 1), -1],
    ['a product of an exact number', productError(2, -0.5, 3, 0), 1.5],
    ['a quotient by an exact number', quotientError(2, 0, 1, -3), 0],
    ['a choice of equals that are exact', choiceError(1, -0.5, 1, -0.25), -0.5],
    ['an exact number as a whole one', truncationError('i32', 2, -0.5), 0],
    ['a divisor that may be 0', quotientError(1, 0, 0.5, 0.5), Infinity],
    ['the sign of a zero divisor', quotientError(1, 0, 0, 0), Infinity],
    ['infinity times 2', productError(Infinity, 0, 2, 0.5), 0],
    ['infinity times what may be 0', productError(Infinity, 0, 2, 2), Infinity],
    ['0 times what may be anything', productError(0, 0, 1, Infinity), Infinity],
    ['another value', choiceError(1, 0.5, 4, 0.25), 3.25],
    ['a NaN among the choices', choiceError(1, 0, NaN, 0), Infinity],
    ['a whole number within its type', wrapError('i8', 100, 1), 1],
    ['one that may wrap', wrapError('i8', 127, 1), Infinity],
    ['one that does', wrapError('i32', 2 ** 31, 0), 0],
    ['beyond 2^53', wrapError('i64', 2 ** 60, 0), Infinity],
    ['a float beyond the type', truncationError('u8', -1, 0), Infinity],
    ['NaN as a whole number', truncationError('i32', NaN, 0), Infinity],
    ['bits of what is uncertain', exactOnly(0, 1), Infinity],
    ['beyond the limit for certain', wildError(70000, 10, 65520, true), 0],
    ['perhaps beyond it', wildError(65530, 100, 65520, true), Infinity],
    ['infinite for certain', wildError(Infinity, NaN, 65520, true), 0],
    ['its value', beyond(-70000, 0, 65520), -Infinity],
    ['a value within', beyond(-60000, 0, 65520), -60000],
    ['terms of one sign beyond the limit', wildSumError(-70000, 70000, 0, 1, 65520), 0],
    ['terms that cancel', wildSumError(0, 140000, 0, 1, 65520), Infinity],
    ['an infinite term', wildSumError(Infinity, Infinity, 0, NaN, 65520), 0]
  ]
  for (const [text, found, expected] of cases) it(text, () => { expect(found).toBe(expected) })
})
