/**
 * The numbers of the element types as JavaScript computes with them: what each operator, conversion and function is in
 * generated text, and the functions that the text calls.
 *
 *     f32: a * b + c          Math.fround(Math.fround(_1 * _2) + _3)
 *     i32: a * b              Math.imul(_1, _2)
 *     i64: a + b              BigInt.asIntN(64, _1 + _2)
 *
 * Values of i64 and u64 are BigInt, those of bool are booleans, all others numbers; `index` is exact up to 2^53.
 */
import type { BinaryOperator, ElementName, Intrinsic, Type } from '../../ir/ir.ts'
import {
  greatest, least, quotient, quotientBig, remainder, remainderBig, whole32, wholeBig, wholeU32
} from '../../operators/numbers.ts'
import { numberText } from './linear.ts'

export function isFloat(type: Type): boolean {
  return type === 'f64' || type === 'f32' || type === 'tf32' || type === 'bf16' || type === 'f16'
}

/** 64 bits as BigInt. */
export function isBig(type: Type): boolean {
  return type === 'i64' || type === 'u64'
}

/** The smallest and the largest number of a whole type, where they are exact. */
export function rangeOfType(type: Type): readonly [number, number] {
  switch (type) {
    case 'bool': return [0, 1]
    case 'i8': return [-128, 127]
    case 'u8': return [0, 255]
    case 'i16': return [-32768, 32767]
    case 'u16': return [0, 65535]
    case 'i32': return [-(2 ** 31), 2 ** 31 - 1]
    case 'u32': return [0, 2 ** 32 - 1]
    default: return [-Infinity, Infinity]
  }
}

/** What a fault leaves in the place of a value. */
export function noValue(type: Type): string {
  return isBig(type) ? '0n' : type === 'bool' ? 'false' : isFloat(type) ? 'NaN' : '0'
}

// ---------------------------------------------------------------- as text

export function literal(type: ElementName, value: number | bigint): string {
  if (isBig(type)) return `${BigInt.asIntN(65, typeof value === 'bigint' ? value : BigInt(Math.trunc(value)))}n`
  const x = Number(value)
  switch (type) {
    case 'bool': return String(x !== 0)
    case 'f32': return numberText(Math.fround(x))
    case 'f16': return numberText(f16(x))
    case 'bf16': return numberText(bf16(x))
    case 'tf32': return numberText(tf32(x))
    default: return numberText(x)
  }
}

/** The nearest value of the type, of an exact or wider result. */
function rounded(type: Type, js: string): string {
  switch (type) {
    case 'f64': case 'bool': case 'index': return js
    case 'f32': return `Math.fround(${js})`
    case 'f16': case 'bf16': case 'tf32': return `${type}(${js})`
    case 'i32': return `(${js} | 0)`
    case 'u32': return `(${js} >>> 0)`
    case 'i16': return `(${js} << 16 >> 16)`
    case 'u16': return `(${js} & 65535)`
    case 'i8': return `(${js} << 24 >> 24)`
    case 'u8': return `(${js} & 255)`
    case 'i64': return `BigInt.asIntN(64, ${js})`
    case 'u64': return `BigInt.asUintN(64, ${js})`
  }
}

/** C's conversion of an atom, except that `index` is exact. Numbers beyond a whole type's are brought to its edge. */
export function converted(js: string, from: Type, to: Type): string {
  if (from === to) return js
  if (to === 'bool') return from === 'bool' ? js : `(${js} !== ${isBig(from) ? '0n' : '0'})`
  if (from === 'bool') return isBig(to) ? `(${js} ? 1n : 0n)` : `(${js} ? 1 : 0)`
  if (isBig(to)) {
    if (isBig(from)) return rounded(to, js)
    return rounded(to, isFloat(from) ? `wholeBig(${js})` : `BigInt(${js})`)
  }
  if (isFloat(to)) {
    const number = isBig(from) ? `Number(${js})` : js
    return isFloat(from) && precision(from) <= precision(to) && from !== 'bf16' && from !== 'tf32' ? number : rounded(to, number)
  }
  if (isBig(from)) return to === 'index' ? `Number(${js})` : rounded(to, `Number(BigInt.asIntN(32, ${js}))`)
  if (!isFloat(from)) return rounded(to, js)
  return to === 'index' ? `Math.trunc(${js})` : rounded(to, to.startsWith('u') ? `wholeU32(${js})` : `whole32(${js})`)
}

function precision(type: Type): number {
  return type === 'f64' ? 53 : type === 'f32' ? 24 : type === 'f16' || type === 'tf32' ? 11 : 8
}

/** Of two atoms of one type; not of `index`. Comparisons give booleans. */
export function binaryText(operator: BinaryOperator, a: string, b: string, type: Type): string {
  const big = isBig(type), float = isFloat(type)
  switch (operator) {
    case '+': case '-': return rounded(type, `(${a} ${operator} ${b})`)
    case '*': return type === 'i32' ? `Math.imul(${a}, ${b})` : type === 'u32' ? `(Math.imul(${a}, ${b}) >>> 0)` : rounded(type, `(${a} * ${b})`)
    case '/': return float ? rounded(type, `(${a} / ${b})`) : rounded(type, `${big ? 'quotientBig' : 'quotient'}(${a}, ${b})`)
    case '%': return float ? rounded(type, `(${a} % ${b})`) : rounded(type, `${big ? 'remainderBig' : 'remainder'}(${a}, ${b})`)
    case 'min': return float ? `least(${a}, ${b})` : `(${a} < ${b} ? ${a} : ${b})`
    case 'max': return float ? `greatest(${a}, ${b})` : `(${a} > ${b} ? ${a} : ${b})`
    case '&': case '|': case '^':
      return type === 'bool' ? `((${a} ${operator} ${b}) !== 0)` : rounded(type, `(${a} ${operator} ${b})`)
    case '<<': case '>>':
      if (big) return rounded(type, `(${a} ${operator} (${b} & 63n))`)
      return rounded(type, type === 'u32' && operator === '>>' ? `(${a} >>> ${b})` : `(${a} ${operator} ${b})`)
    case '<': case '<=': return `(${a} ${operator} ${b})`
    case '==': return `(${a} === ${b})`
    case '!=': return `(${a} !== ${b})`
    case '&&': case '||': return `(${a} ${operator} ${b})`
  }
}

export function unaryText(operator: '-' | '!' | '~', a: string, type: Type): string {
  if (operator === '!') return `!${a}`
  // a difference, for whole numbers have no -0
  if (operator === '-') return isFloat(type) ? `(-${a})` : rounded(type, `(${isBig(type) ? '0n' : '0'} - ${a})`)
  return rounded(type, `(~${a})`)
}

/** A function of values alone, of atoms of the type. */
export function functionText(name: Exclude<Intrinsic, 'shfl_xor_sync' | 'shfl_down_sync'>, args: readonly string[], type: Type): string {
  if (name === 'abs' && !isFloat(type)) {
    const [a = '0'] = args
    return rounded(type, `(${a} < 0 ? -${a} : ${a})`)
  }
  if (name === 'fma') return type === 'f32' ? `fma32(${args.join(', ')})` : rounded(type, `fma64(${args.join(', ')})`)
  return rounded(type, `${name}(${args.join(', ')})`)
}

// ---------------------------------------------------------------- what the text calls

const scratch = new Float64Array(1), words = new Uint32Array(scratch.buffer)
/** The half of a double with its exponent. */
const upper = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

/**
 * To a multiple of the last place of a format, ties to even: adding a number whose own last place that is leaves the
 * rounding to the addition.
 */
function toPlaces(x: number, digits: number, leastExponent: number): number {
  scratch[0] = x
  const exponent = Math.max((words[upper]! >>> 20 & 0x7ff) - 1023, leastExponent)
  const magic = 1.5 * 2 ** (exponent - digits + 53), y = x + magic - magic
  // nothing keeps its sign
  return y === 0 ? x * 0 : y
}

function f16(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x
  const y = toPlaces(x, 11, -14)
  return Math.abs(y) > 65504 ? (x < 0 ? -Infinity : Infinity) : y
}

function bf16(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x
  const y = toPlaces(x, 8, -126)
  return Math.abs(y) >= 2 ** 128 ? (x < 0 ? -Infinity : Infinity) : y
}

const single = new Float32Array(1), bits = new Uint32Array(single.buffer)

/** Ties away from zero, as `cvt.rna`. */
function tf32(x: number): number {
  single[0] = x
  if (!Number.isFinite(single[0])) return single[0]
  bits[0] = bits[0]! + 0x1000 & 0xffffe000
  return single[0]
}

/** `a * b + c`, rounded once: a sum that is rounded to odd can be rounded again. */
function fma32(a: number, b: number, c: number): number {
  const product = a * b, sum = product + c
  const part = sum - product, error = product - (sum - part) + (c - part)
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum)
  scratch[0] = sum
  const lower = 1 - upper
  if ((words[lower]! & 1) === 0) {
    const outwards = (error > 0) === (sum > 0)
    if (outwards) words[lower] = words[lower]! | 1
    else {
      if (words[lower] === 0) words[upper] = words[upper]! - 1
      words[lower] = words[lower]! - 1
    }
  }
  return Math.fround(scratch[0])
}

/** As close as two doubles together come. */
function fma64(a: number, b: number, c: number): number {
  const product = a * b
  if (!Number.isFinite(product) || Math.abs(product) < 1e-200 || Math.abs(a) > 1e150
    || Math.abs(b) > 1e150) return product + c
  const split = (x: number) => {
    const y = x * 134217729, high = y - (y - x)
    return [high, x - high] as const
  }
  const [ah, al] = split(a), [bh, bl] = split(b)
  const low = al * bl - (product - ah * bh - al * bh - ah * bl)
  const sum = product + c, part = sum - product
  return sum + (product - (sum - part) + (c - part) + low)
}

/** To the nearest, ties to even. */
function round(x: number): number {
  if (Math.abs(x) >= 2 ** 52) return x
  const y = Math.abs(x) + 2 ** 52 - 2 ** 52
  return x < 0 || Object.is(x, -0) ? -y : y
}

/**
 * By its Maclaurin series near zero and the continued fraction of `erfc` further out (Abramowitz and Stegun, 7.1.5 and
 * 7.1.14): within some 1e-14.
 */
function erf(x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (a > 6) return Math.sign(x)
  if (a < 2.5) {
    let term = a, sum = a
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= -a * a / n
      sum += term / (2 * n + 1)
    }
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI)
  }
  let fraction = a
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-a * a) / (fraction * Math.sqrt(Math.PI)))
}

/** By name, as generated text uses them. */
export const numericFunctions: Readonly<Record<string, unknown>> = {
  f16, bf16, tf32, fma32, fma64, least, greatest, quotient, remainder, quotientBig, remainderBig, whole32, wholeU32,
  wholeBig, round, erf,
  abs: Math.abs, exp: Math.exp, log: Math.log, sqrt: Math.sqrt, rsqrt: (x: number) => 1 / Math.sqrt(x),
  tanh: Math.tanh, pow: Math.pow, floor: Math.floor, ceil: Math.ceil, sin: Math.sin, cos: Math.cos
}
