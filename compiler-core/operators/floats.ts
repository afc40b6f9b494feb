/**
 * The floating-point formats of the language, and functions of real numbers as exactly as f64 gives them.
 *
 *     roundTo('f16', 0.1)          0.0999755859375
 *     fits('bf16', 257)            false: 8 significant bits
 *     functions.exp.value(1, 0)    2.718281828459045, from which CUDA's expf is at most 2 ulps away
 */
import type { ElementName, Intrinsic } from '../ir/ir.ts'

export type FloatName = 'f64' | 'f32' | 'tf32' | 'bf16' | 'f16'

export interface FloatFormat {
  /** Significant bits, the hidden one included. */
  readonly bits: number
  /** Half the distance of neighbours just above 1: the greatest relative error of one rounding. */
  readonly unit: number
  /** The distance of the smallest numbers. */
  readonly quantum: number
  /** From here on a number is rounded to infinity. */
  readonly overflow: number
}

export const floatFormats: Readonly<Record<FloatName, FloatFormat>> = {
  f64: { bits: 53, unit: 2 ** -53, quantum: Number.MIN_VALUE, overflow: Infinity },
  f32: format(24, -126, 127),
  tf32: format(11, -126, 127),
  bf16: format(8, -126, 127),
  f16: format(11, -14, 15)
}

export function isFloatName(type: string): type is FloatName {
  return Object.hasOwn(floatFormats, type)
}

/** The nearest number of a type: of ties the even one, in tf32 the greater one. Whole types are left alone. */
export function roundTo(type: ElementName, x: number): number {
  if (!isFloatName(type) || type === 'f64') return x
  if (type === 'f32') return Math.fround(x)
  const { bits, quantum, overflow } = floatFormats[type]
  const magnitude = Math.abs(x)
  if (!(magnitude < overflow)) return Number.isNaN(x) ? x : Math.sign(x) * Infinity
  const step = Math.max(quantum, 2 ** (exponentOf(magnitude) - bits + 1)), steps = magnitude / step
  const nearest = type === 'tf32' ? Math.floor(steps + 0.5) : steps + toEven - toEven
  return (x < 0 || Object.is(x, -0) ? -nearest : nearest) * step
}

/** Is the number one of the type? */
export function fits(type: FloatName, x: number): boolean {
  return type === 'f64' || Object.is(roundTo(type, x), x)
}

function format(bits: number, least: number, greatest: number): FloatFormat {
  return { bits, unit: 2 ** -bits, quantum: 2 ** (least - bits + 1), overflow: (2 - 2 ** -bits) * 2 ** greatest }
}

/** Its sum with a smaller number has no fraction, so that the machine rounds that one to a whole number. */
const toEven = 1.5 * 2 ** 52

/** Of a normal f64; at most -1023 of others. */
function exponentOf(magnitude: number): number {
  words64[0] = magnitude
  return (words32[1]! >>> 20) - 1023
}

const words64 = new Float64Array(1), words32 = new Uint32Array(words64.buffer)

// ---------------------------------------------------------------- bits

/** The number that these bits stand for. */
export function f16Number(bits: number): number {
  const exponent = bits >> 10 & 31, mantissa = bits & 1023, sign = bits >> 15 ? -1 : 1
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
}

/** Rounded to nearest, halves to even; NaN stays NaN. */
export function f16Bits(value: number): number {
  const rounded = roundTo('f16', value), magnitude = Math.abs(rounded)
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0
  if (Number.isNaN(rounded)) return 0x7e00
  if (magnitude === Infinity) return sign | 0x7c00
  if (magnitude < 2 ** -14) return sign | magnitude * 2 ** 24
  const exponent = exponentOf(magnitude)
  return sign | exponent + 15 << 10 | magnitude * 2 ** (10 - exponent) - 1024
}

/** The number that these bits stand for. */
export function bf16Number(bits: number): number {
  bytes4.setUint32(0, bits << 16)
  return bytes4.getFloat32(0)
}

/** Rounded to nearest, halves to even; NaN stays NaN. */
export function bf16Bits(value: number): number {
  bytes4.setFloat32(0, value)
  const bits = bytes4.getUint32(0)
  return Number.isNaN(value) ? 0x7fc0 : (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16
}

const bytes4 = new DataView(new ArrayBuffer(4))

// ---------------------------------------------------------------- functions

export type FunctionName = Exclude<Intrinsic, 'fma' | 'shfl_xor_sync' | 'shfl_down_sync'>

export interface RealFunction {
  readonly value: (x: number, y: number) => number
  /**
   * How far the value moves when the arguments do, each by at most so much; infinite: it may become NaN. `value`: at
   * the arguments themselves.
   */
  readonly spread: (value: number, x: number, dx: number, y: number, dy: number) => number
  /**
   * Maximum error in units of the last place of f32 and of f64, from the correctly rounded result; `exact`: the result
   * is a number of the type by itself. CUDA C++ Programming Guide, "Mathematical Functions", tables of the standard
   * functions "with Maximum ULP Error"; where versions of the guide differ, the greater number.
   */
  readonly ulps: 'exact' | { readonly f32: number; readonly f64: number }
}

export const functions: Readonly<Record<FunctionName, RealFunction>> = {
  abs: { value: Math.abs, spread: (_, __, dx) => dx, ulps: 'exact' },
  floor: monotone(Math.floor, 'exact'),
  ceil: monotone(Math.ceil, 'exact'),
  round: monotone(roundToEven, 'exact'),
  sqrt: monotone(Math.sqrt, { f32: 0, f64: 0 }),
  rsqrt: monotone(x => 1 / Math.sqrt(x), { f32: 2, f64: 1 }),
  exp: monotone(Math.exp, { f32: 2, f64: 1 }),
  log: monotone(Math.log, { f32: 1, f64: 1 }),
  tanh: monotone(Math.tanh, { f32: 2, f64: 2 }),
  erf: monotone(erf, { f32: 2, f64: 2 }),
  sin: { value: Math.sin, spread: waveSpread, ulps: { f32: 2, f64: 2 } },
  cos: { value: Math.cos, spread: waveSpread, ulps: { f32: 2, f64: 2 } },
  pow: { value: power, spread: powerSpread, ulps: { f32: 8, f64: 2 } }
}

/** The nearest whole number, of halves the even one. */
export function roundToEven(x: number): number {
  const down = Math.floor(x), rest = x - down
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1
}

/**
 * The error function, to some units of the last place: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6
 * (a series of positive terms) below 2.5, and 7.1.14 (a continued fraction of its complement) from there on.
 */
export function erf(x: number): number {
  const magnitude = Math.abs(x)
  if (!(magnitude < 6)) return Number.isNaN(x) ? x : Math.sign(x)
  const square = x * x
  if (magnitude >= 2.5) {
    let fraction = magnitude
    for (let n = 60; n >= 1; n--) fraction = magnitude + n / 2 / fraction
    return Math.sign(x) * (1 - Math.exp(-square) / (Math.sqrt(Math.PI) * fraction))
  }
  let term = x, sum = x
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 2 ** -56; n++) {
    term *= 2 * square / (2 * n + 1)
    sum += term
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-square) * sum
}

/** As C's: 1 to any power, and anything to the power of 0, is 1. */
function power(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y
}

function monotone(f: (x: number) => number, ulps: RealFunction['ulps']): RealFunction {
  return {
    value: f, ulps,
    spread: (value, x, dx) => dx === 0 ? 0 : dx === Infinity ? dx : farthest(value, [f(x - dx), f(x + dx)])
  }
}

function waveSpread(_: number, __: number, dx: number): number {
  return dx === Infinity ? dx : Math.min(dx, 2)
}

/** A power is monotone in each argument on either side of 0. */
function powerSpread(value: number, x: number, dx: number, y: number, dy: number): number {
  if (dx === 0 && dy === 0) return 0
  if (dx === Infinity || dy === Infinity || (x - dx < 0 && dy !== 0)) return Infinity
  const bases = x - dx < 0 && x + dx > 0 ? [x - dx, 0, x + dx] : [x - dx, x + dx]
  return farthest(value, bases.flatMap(base => [power(base, y - dy), power(base, y + dy)]))
}

function farthest(value: number, others: readonly number[]): number {
  return others.reduce((far, other) => {
    const distance = other === value ? 0 : Math.abs(other - value)
    return Number.isNaN(distance) ? Infinity : Math.max(far, distance)
  }, 0)
}
