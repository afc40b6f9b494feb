/**
 * Tensors as the memory that a kernel sees, and back.
 *
 *     f16, row-major, [1, -2.5, ...]   ->   00 3c 00 c1 ...
 *
 * Values are those of the element type already: nothing is rounded here. tf32 lies in memory as f32, `bool` as a byte.
 */
import type { Buffer, ElementName } from '../../ir/ir.ts'
import { bytesOf } from '../../ir/memory.ts'
import { numbers } from '../../mapping/arithmetic.ts'
import { offset } from '../../mapping/layout.ts'

/** How a buffer's elements, row-major in its shape, lie in its cells. */
export interface Storage {
  readonly element: ElementName
  readonly shape: readonly number[]
  readonly elements: number
  readonly cells: number
  /** Whether each element lies in the cell of its number. */
  readonly isPlain: boolean
  readonly cellOf: (element: number) => number
}

export function storageOf({ element, layout }: Pick<Buffer, 'element' | 'layout'>, shape: readonly number[]): Storage {
  const elements = shape.reduce((n, extent) => n * extent, 1)
  if (!layout) return { element, shape, elements, cells: elements, isPlain: true, cellOf: e => e }
  return {
    element, shape, elements, cells: layout.size, isPlain: false,
    cellOf: e => offset(layout, indicesOf(shape, e), numbers)
  }
}

/** Of an element by its number; the first index takes what is outside of the shape. */
export function indicesOf(shape: readonly number[], element: number): number[] {
  const indices = new Array<number>(shape.length)
  let rest = element
  for (let axis = shape.length - 1; axis > 0; axis--) {
    const extent = shape[axis]!, above = Math.floor(rest / extent)
    indices[axis] = rest - above * extent
    rest = above
  }
  if (shape.length > 0) indices[0] = rest
  return indices
}

/** All cells; those that are no element's are 0. */
export function toBytes({ element, elements, cells, isPlain, cellOf }: Storage, values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(cells * bytesOf(element)), together = isPlain ? setters[element] : undefined
  if (together) {
    together(bytes.buffer, values.subarray(0, elements))
    return bytes
  }
  const put = writers[element](bytes.buffer)
  for (let e = 0; e < elements; e++) put(cellOf(e), values[e] ?? 0)
  return bytes
}

/** The element's value in a cell. `bytes`: all cells. */
export function readerOf({ element }: Storage, bytes: Uint8Array): (cell: number) => number {
  const aligned = bytes.byteOffset % bytesOf(element) === 0 ? bytes : bytes.slice()
  return readers[element](aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / bytesOf(element))
}

/** The bits of one value, as the lowest of 64. */
export function bitsOf(element: ElementName, value: number): bigint {
  const bytes = new ArrayBuffer(8)
  writers[element](bytes)(0, value)
  return new DataView(bytes).getBigUint64(0, true)
}

// ---------------------------------------------------------------- types

type Write = (cell: number, value: number) => void
type Read = (cell: number) => number
type Numbers =
  | Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint32Array | Uint16Array | Uint8Array

const plain = (make: new (bytes: ArrayBuffer, start?: number, length?: number) => Numbers) => ({
  set: (bytes: ArrayBuffer, values: Float64Array): void => { new make(bytes).set(values) },
  write: (bytes: ArrayBuffer): Write => {
    const cells = new make(bytes)
    return (cell, value) => { cells[cell] = value }
  },
  read: (bytes: ArrayBuffer, start: number, length: number): Read => {
    const cells = new make(bytes, start, length)
    return cell => cells[cell]!
  }
})
const wide = (make: BigInt64ArrayConstructor | BigUint64ArrayConstructor) => ({
  set: undefined,
  write: (bytes: ArrayBuffer): Write => {
    const cells = new make(bytes)
    return (cell, value) => { cells[cell] = BigInt(value) }
  },
  read: (bytes: ArrayBuffer, start: number, length: number): Read => {
    const cells = new make(bytes, start, length)
    return cell => Number(cells[cell])
  }
})
const small = (bits: (value: number) => number, value: (bits: number) => number) => ({
  set: undefined,
  write: (bytes: ArrayBuffer): Write => {
    const cells = new Uint16Array(bytes)
    return (cell, x) => { cells[cell] = bits(x) }
  },
  read: (bytes: ArrayBuffer, start: number, length: number): Read => {
    const cells = new Uint16Array(bytes, start, length)
    return cell => value(cells[cell]!)
  }
})

const types = {
  f64: plain(Float64Array), f32: plain(Float32Array), tf32: plain(Float32Array), i32: plain(Int32Array),
  i16: plain(Int16Array), i8: plain(Int8Array), u32: plain(Uint32Array), u16: plain(Uint16Array), u8: plain(Uint8Array),
  bool: plain(Uint8Array), i64: wide(BigInt64Array), u64: wide(BigUint64Array),
  f16: small(f16Bits, f16Value), bf16: small(x => f32Bits(x) >>> 16, bits => f32Value(bits << 16))
} satisfies Record<ElementName, unknown>
const writers = Object.fromEntries(Object.entries(types).map(([name, t]) => [name, t.write])) as
  Record<ElementName, (bytes: ArrayBuffer) => Write>
/** Of those that typed arrays convert themselves. */
const setters = Object.fromEntries(Object.entries(types).map(([name, t]) => [name, t.set])) as
  Record<ElementName, ((bytes: ArrayBuffer, values: Float64Array) => void) | undefined>
const readers = Object.fromEntries(Object.entries(types).map(([name, t]) => [name, t.read])) as
  Record<ElementName, (bytes: ArrayBuffer, start: number, length: number) => Read>

// ---------------------------------------------------------------- 16-bit floats

const single = new Float32Array(1), word = new Uint32Array(single.buffer)

function f32Bits(x: number): number {
  single[0] = x
  return word[0]!
}

function f32Value(bits: number): number {
  word[0] = bits
  return single[0]!
}

/** Of a value of the type. */
function f16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7fff
  const bits = f32Bits(x), sign = bits >>> 16 & 0x8000, size = Math.abs(x)
  if (size === Infinity) return sign | 0x7c00
  return sign | (size < 2 ** -14 ? size * 2 ** 24 : (bits >>> 13 & 0x3ffff) - (112 << 10))
}

function f16Value(bits: number): number {
  const exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff
  const size = exponent === 0 ? fraction * 2 ** -24
    : exponent === 31 ? (fraction === 0 ? Infinity : NaN) : (1024 + fraction) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -size : size
}
