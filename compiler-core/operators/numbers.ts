/**
 * What the device's operators and conversions do where JavaScript's do something else: called by generated JavaScript
 * (fold.ts, verify/interpreter). Wholes of 64 bits are BigInt.
 */

/** NaN where one is. */
export function least(a: number, b: number): number {
  return a < b || b !== b ? a : b
}

/** NaN where one is. */
export function greatest(a: number, b: number): number {
  return a > b || b !== b ? a : b
}

/** Rounded down; by zero it is 0. */
export function quotient(a: number, b: number): number {
  return b === 0 ? 0 : (a - remainder(a, b)) / b
}

/** Of floor division; by zero it is 0. */
export function remainder(a: number, b: number): number {
  if (b === 0) return 0
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0
}

export function quotientBig(a: bigint, b: bigint): bigint {
  return b === 0n ? 0n : (a - remainderBig(a, b)) / b
}

export function remainderBig(a: bigint, b: bigint): bigint {
  if (b === 0n) return 0n
  const r = a % b
  return r !== 0n && r < 0n !== b < 0n ? r + b : r
}

/** Towards zero, within the range; NaN is 0. */
export function whole32(x: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1))
}

export function wholeU32(x: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, 0), 2 ** 32 - 1))
}

export function wholeBig(x: number): bigint {
  return Number.isNaN(x) ? 0n : BigInt(Math.trunc(Math.min(Math.max(x, -(2 ** 63)), 2 ** 64)))
}
