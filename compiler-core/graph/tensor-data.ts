/**
 * The elements of a tensor that is known while compiling: a weight, a constant, an input of a run.
 *
 *     { element: 'f32', shape: [2, 3], bytes: 24 bytes }      row-major, little-endian, as ONNX stores raw data
 *
 * A view of the bytes of a file is never copied here; nobody writes to it.
 */
import type { ElementName } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { bf16Bits, bf16Number, f16Bits, f16Number } from '../operators/floats.ts'

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

/** Whether elements of the type are whole numbers; a bool is none. */
export function holdsWholes(element: ElementName): boolean {
  return element.startsWith('i') || element.startsWith('u')
}

/** The same elements under another shape; bytes that are still to be read stay so. */
export function reshaped(data: TensorData, shape: readonly number[]): TensorData {
  return { element: data.element, shape, get bytes() { return data.bytes } }
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
export function dataOf(
  element: ElementName, shape: readonly number[], numbers: ArrayLike<number | bigint>
): TensorData {
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
