/**
 * How far the result of an operation may be off, from how far its operands may be: a running error analysis. A number
 * comes as its value and an error: what a kernel finds lies at most so far from the value.
 *
 *     product of 3 (off by 0.1) and 2 (off by 0)         off by 0.2, before the result is rounded
 *     is 1 (off by 0.5) less than 1.25 (off by 0)?       not certain: off by 1
 *     floor(2.9) off by 0.2                              off by 1
 *
 * An infinite error says that anything may be found. A value that is infinite or NaN with the error 0 is found as such.
 *
 * Of a floating-point number an error below 0 says that the value itself is exact, for a reason that holds in whatever
 * order it is computed: it comes from whole numbers that are small enough. What is made of it and is not exact may have
 * been computed another way, without it: then the error's size counts. 1 + 2 + 4 is exactly 7; a third of it may be
 * found as the sum of three thirds, which is not that of an exact 7.
 */
import type { ElementName, Type } from '../ir/ir.ts'
import { typeRange } from '../ir/build.ts'

/** Of a product or quotient's sign: it stays the same over the whole range. */
function signIsCertain(a: number, ea: number): boolean {
  return ea <= 0 || Math.abs(a) > ea
}

/** Never below 0. */
export function productError(a: number, ea: number, b: number, eb: number): number {
  if (ea === 0 && eb === 0) return 0
  if (ea === Infinity || eb === Infinity) return Infinity
  return Number.isFinite(a) && Number.isFinite(b)
    ? Math.abs(a * eb) + Math.abs(b * ea) + Math.abs(ea * eb)
    : signIsCertain(a, ea) && signIsCertain(b, eb) ? 0 : Infinity
}

/** Of numbers with fractions; never below 0. Nobody says which sign a zero has that was computed. */
export function quotientError(a: number, ea: number, b: number, eb: number): number {
  if (b === 0 || !signIsCertain(b, eb)) return Infinity
  if (ea === 0 && eb === 0) return 0
  if (Number.isFinite(a) && Number.isFinite(b)) {
    // an exact divisor is none that may be 0
    const off = Math.abs(eb) < Math.abs(b) ? Math.abs(eb) : 0
    return (Math.abs(ea) + Math.abs(a / b) * off) / (Math.abs(b) - off)
  }
  return signIsCertain(a, ea) ? 0 : Infinity
}

/** Of the greater of two, `sign` 1, or of the smaller, -1. A NaN gives way. */
export function extremeError(sign: number, a: number, ea: number, b: number, eb: number): number {
  if (ea === Infinity || eb === Infinity) return Infinity
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.isNaN(a) ? eb : ea
  const lead = sign * (a - b), da = Math.abs(ea), db = Math.abs(eb), greater = Math.max(da, db)
  if (a !== b && Math.abs(lead) > da + db) return lead > 0 ? ea : eb
  return ea <= 0 && eb <= 0 ? -greater : greater
}

/** Whether an order of two numbers, or their being equal, is certain: 0, otherwise 1. */
export function orderError(a: number, ea: number, b: number, eb: number): number {
  return (ea <= 0 && eb <= 0) || Math.abs(a - b) > Math.max(ea, 0) + Math.max(eb, 0) ? 0 : 1
}

/** Of a choice between two values whose condition is not certain, where `value` is the one that was chosen. */
export function choiceError(value: number, error: number, other: number, otherError: number): number {
  const distance = value === other ? 0 : Math.abs(value - other)
  const whole = Math.max(Math.abs(error), distance + Math.abs(otherError))
  return Number.isNaN(whole) ? Infinity : distance === 0 && error <= 0 && otherError <= 0 ? -whole : whole
}

/** Of a result that is infinite, NaN, or may become so from `overflow` on. */
export function wildError(value: number, error: number, overflow: number, isCertain: boolean): number {
  if (!Number.isFinite(value)) return isCertain ? 0 : Infinity
  return Math.abs(value) - error >= overflow ? 0 : Infinity
}

/** The value that is found for one that has certainly passed the limit. */
export function beyond(value: number, error: number, overflow: number): number {
  return error === 0 && Math.abs(value) >= overflow ? Math.sign(value) * Infinity : value
}

/** Of a sum of terms that pass the limit together: they do so in any order if all have one sign. */
export function wildSumError(
  sum: number, magnitude: number, termsError: number, error: number, overflow: number
): number {
  if (!Number.isFinite(sum)) return Number.isFinite(termsError) ? 0 : Infinity
  return Math.abs(sum) === magnitude && Math.abs(sum) - error >= overflow ? 0 : Infinity
}

/** Of a whole number that was brought into its type's range. `raw`: before that. */
export function wrapError(type: Type, raw: number, error: number): number {
  if (!Number.isFinite(raw) || ((type === 'i64' || type === 'u64' || type === 'index') && !Number.isSafeInteger(raw))) return Infinity
  if (error === 0) return 0
  const { low, high } = typeRange(type) ?? { low: -Infinity, high: Infinity }
  return raw - error < low || raw + error > high ? Infinity : error
}

/** Of a number with a fraction that becomes a whole one. Outside of the type's range C says nothing. */
export function truncationError(type: ElementName | 'index', x: number, error: number): number {
  const dx = Math.max(error, 0)
  const { low, high } = typeRange(type) ?? { low: -Infinity, high: Infinity }
  const least = Math.trunc(x - dx), greatest = Math.trunc(x + dx), value = Math.trunc(x)
  return least >= low && greatest <= high && Number.isFinite(least) && Number.isFinite(greatest)
    ? Math.max(value - least, greatest - value)
    : Infinity
}

/** Of a floor quotient. */
export function floorQuotientError(a: number, ea: number, b: number, eb: number): number {
  if (b === 0 || !Number.isFinite(a / b) || !Number.isFinite(ea)) return Infinity
  if (ea === 0 && eb === 0) return 0
  if (!signIsCertain(b, eb)) return Infinity
  const value = Math.floor(a / b)
  const corners = [(a - ea) / (b - eb), (a - ea) / (b + eb), (a + ea) / (b - eb), (a + ea) / (b + eb)]
  return Math.max(...corners.map(corner => Math.abs(Math.floor(corner) - value)))
}

/** Of a remainder of floor division: as much as the divisor allows. */
export function remainderError(a: number, ea: number, b: number, eb: number): number {
  if (b === 0 || !Number.isFinite(a / b)) return Infinity
  if (ea === 0 && eb === 0) return 0
  if (eb !== 0) return Infinity
  const r = a - b * Math.floor(a / b), within = Math.floor((a - ea) / b) === Math.floor((a + ea) / b)
  return within ? ea : Math.max(Math.abs(r), Math.abs(b) - Math.abs(r))
}

/** Of what has no meaning but for exact operands: bits, addresses. */
export function exactOnly(ea: number, eb: number): number {
  return ea === 0 && eb === 0 ? 0 : Infinity
}
