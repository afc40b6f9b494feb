/**
 * The elements of a tensor that is known while compiling: a weight, a constant, an input of a run.
 *
 *     { element: 'f32', shape: [2, 3], bytes: 24 bytes }      row-major, little-endian, as ONNX stores raw data
 *
 * A view of the bytes of a file is never copied here; nobody writes to it.
 */
import type { ElementName } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { roundTo } from '../operators/floats.ts'

export interface TensorData {
  readonly element: ElementName
  readonly shape: readonly number[]
  /** Row-major, little-endian, `bytesOf(element)` each (a bool is one byte, 0 or 1); at any offset of its buffer. */
  readonly bytes: Uint8Array
}

/** The number of elements of a shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((n, extent) => n * extent, 1)
}

/** The element at a row-major position, as a number; beyond 2^53 the nearest one. */
export function numberAt({ element, bytes }: TensorData, position: number): number {
  const view = viewOf(bytes), at = position * bytesOf(element)
  switch (element) {
    case 'f64': return view.getFloat64(at, true)
    case 'f32': case 'tf32': return view.getFloat32(at, true)
    case 'f16': return f16Number(view.getUint16(at, true))
    case 'bf16': return bf16Number(view.getUint16(at, true))
    case 'i64': return Number(view.getBigInt64(at, true))
    case 'u64': return Number(view.getBigUint64(at, true))
    case 'i32': return view.getInt32(at, true)
    case 'u32': return view.getUint32(at, true)
    case 'i16': return view.getInt16(at, true)
    case 'u16': return view.getUint16(at, true)
    case 'i8': return view.getInt8(at)
    case 'u8': case 'bool': return view.getUint8(at)
  }
}

/** All elements in row-major order, as numbers. */
export function numbersOf(data: TensorData): readonly number[] {
  return Array.from({ length: countOf(data.shape) }, (_, i) => numberAt(data, i))
}

/** Numbers as elements of a type, rounded to it; whole types take whole numbers of their range. */
export function dataOf(element: ElementName, shape: readonly number[], numbers: ArrayLike<number | bigint>): TensorData {
  const size = bytesOf(element), bytes = new Uint8Array(numbers.length * size), view = viewOf(bytes)
  for (let i = 0; i < numbers.length; i++) setElement(view, element, i * size, numbers[i]!)
  return { element, shape, bytes }
}

function setElement(view: DataView, element: ElementName, at: number, value: number | bigint): void {
  const number = Number(value)
  switch (element) {
    case 'f64': view.setFloat64(at, number, true); break
    case 'f32': case 'tf32': view.setFloat32(at, number, true); break
    case 'f16': view.setUint16(at, f16Bits(number), true); break
    case 'bf16': view.setUint16(at, bf16Bits(number), true); break
    case 'i64': view.setBigInt64(at, BigInt(value), true); break
    case 'u64': view.setBigUint64(at, BigInt(value), true); break
    case 'i32': view.setInt32(at, number, true); break
    case 'u32': view.setUint32(at, number, true); break
    case 'i16': view.setInt16(at, number, true); break
    case 'u16': view.setUint16(at, number, true); break
    case 'i8': view.setInt8(at, number); break
    case 'u8': view.setUint8(at, number); break
    case 'bool': view.setUint8(at, number === 0 ? 0 : 1)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function f16Number(bits: number): number {
  const exponent = bits >> 10 & 31, mantissa = bits & 1023, sign = bits >> 15 ? -1 : 1
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
}

/** Rounded to nearest, halves to even; NaN stays NaN. */
function f16Bits(value: number): number {
  const rounded = roundTo('f16', value), magnitude = Math.abs(rounded)
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0
  if (Number.isNaN(rounded)) return 0x7e00
  if (magnitude === Infinity) return sign | 0x7c00
  if (magnitude < 2 ** -14) return sign | magnitude * 2 ** 24
  const exponent = Math.floor(Math.log2(magnitude))
  return sign | exponent + 15 << 10 | magnitude * 2 ** (10 - exponent) - 1024
}

const scratch = new DataView(new ArrayBuffer(4))

function bf16Number(bits: number): number {
  scratch.setUint32(0, bits << 16)
  return scratch.getFloat32(0)
}

/** Rounded to nearest, halves to even; NaN stays NaN. */
function bf16Bits(value: number): number {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  return Number.isNaN(value) ? 0x7fc0 : (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16
}
