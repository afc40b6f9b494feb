/**
 * The memory of a running program. Every tensor has an array of its own, addressed by logical elements, row-major; by
 * cells where its layout puts several elements into one.
 *
 *     shared s: f32[8, 4] in column_major(8, 4)      32 elements; s[i, j] is number i * 4 + j
 *     register v: f32[64] in row_major(2) * local(32)      2 cells for each thread, 32 elements in each
 *
 * Nothing is written at first: cells hold a NaN that no computation gives, so that generated text sees it for free
 * (`x !== x`). Numbers of at most 32 bits, and f64, are kept as floats; i64 and u64 beside a byte that says "written".
 */
import type { Buffer } from '../../ir/ir.ts'
import { numbers } from '../../mapping/arithmetic.ts'
import { offset, type Layout } from '../../mapping/layout.ts'
import { volume } from '../../mapping/shape.ts'
import { isBig, isFloat } from './arithmetic.ts'

type Cells = Float32Array | Float64Array | BigInt64Array | BigUint64Array

export interface Storage {
  readonly buffer: Buffer
  readonly shape: readonly number[]
  /** Of a register tensor, of one thread. */
  readonly cells: number
  /** From an element to its cell, where several elements share one; registers have a `Spread` instead. */
  readonly cellOf: Int32Array | undefined
  readonly data: Cells
  /** Of i64 and u64. */
  readonly written: Uint8Array | undefined
}

/** `copies`: one for each thread. A register tensor has the cells of its layout, other tensors one for each element. */
export function createStorage(buffer: Buffer, shape: readonly number[], copies = 1): Storage {
  const { layout, element } = buffer
  const isRegister = buffer.scope === 'register'
  const cellOf = layout && !isRegister && !isOneToOne(layout) ? cellTable(layout) : undefined
  const cells = layout && (cellOf || isRegister) ? layout.size : volume(shape)
  const size = cells * copies
  return {
    buffer, shape, cells, cellOf, data: createCells(element, size),
    written: isBig(element) ? new Uint8Array(size) : undefined
  }
}

export function bytesOfStorage(buffer: Buffer, shape: readonly number[]): number {
  return volume(shape) * (isSingle(buffer.element) ? 4 : 8)
}

function createCells(element: Buffer['element'], size: number): Cells {
  if (element === 'i64') return new BigInt64Array(size)
  if (element === 'u64') return new BigUint64Array(size)
  return isSingle(element) ? new Float32Array(size) : new Float64Array(size)
}

function isSingle(element: Buffer['element']): boolean {
  return isFloat(element) && element !== 'f64'
}

// ---------------------------------------------------------------- what nobody has written

const poison32 = 0x7fc5dead, poison64 = 0x7ffc5deadeadbeefn

export function forget({ data, written }: Storage, from = 0, to = data.length): void {
  if (written) written.fill(0, from, to)
  else if (data instanceof Float32Array) words32(data).fill(poison32, from, to)
  else words64(data).fill(poison64, from, to)
}

export function isForgotten({ data, written }: Storage, at: number): boolean {
  if (written) return written[at] === 0
  return data instanceof Float32Array ? words32(data)[at] === poison32 : words64(data)[at] === poison64
}

export function fill({ data, written }: Storage, value: number | bigint, from = 0, to = data.length): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value), from, to)
  else data.fill(Number(value), from, to)
  written?.fill(1, from, to)
}

const views32 = new WeakMap<ArrayBufferLike, Uint32Array>(), views64 = new WeakMap<ArrayBufferLike, BigUint64Array>()

function words32({ buffer }: Cells): Uint32Array {
  let view = views32.get(buffer)
  if (!view) views32.set(buffer, view = new Uint32Array(buffer))
  return view
}

function words64({ buffer }: Cells): BigUint64Array {
  let view = views64.get(buffer)
  if (!view) views64.set(buffer, view = new BigUint64Array(buffer))
  return view
}

// ---------------------------------------------------------------- elements

/** All elements, row-major; NaN where nothing was written. */
export function elementsOf(storage: Storage): Float64Array {
  const { shape, cellOf, data } = storage
  if (!cellOf && (data instanceof Float32Array || data instanceof Float64Array)) return new Float64Array(data)
  return Float64Array.from({ length: volume(shape) }, (_, element) => {
    const at = cellOf?.[element] ?? element
    return isForgotten(storage, at) ? NaN : Number(data[at])
  })
}

export function setElements(storage: Storage, elements: Float64Array): void {
  const { cellOf, data, written } = storage
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    elements.forEach((x, i) => { data[cellOf?.[i] ?? i] = BigInt(x) })
  } else if (cellOf) elements.forEach((x, i) => { data[cellOf[i] ?? 0] = x })
  else data.set(elements)
  written?.fill(1)
}

export function indicesAt(element: number, shape: readonly number[]): readonly number[] {
  const indices: number[] = []
  let rest = element
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 1
    indices[axis] = rest % extent
    rest = Math.floor(rest / extent)
  }
  return indices
}

const tables = new WeakMap<Layout, { readonly cellOf: Int32Array; readonly isOneToOne: boolean }>()

/** The cell of each element, row-major. */
export function cellTable(layout: Layout): Int32Array {
  return tabulated(layout).cellOf
}

/** Has every element a cell of its own? */
export function isOneToOne(layout: Layout): boolean {
  return tabulated(layout).isOneToOne
}

function tabulated(layout: Layout): { readonly cellOf: Int32Array; readonly isOneToOne: boolean } {
  const known = tables.get(layout)
  if (known) return known
  const { shape } = layout, index = shape.map(() => 0), taken = new Uint8Array(layout.size)
  let oneToOne = true
  const cellOf = Int32Array.from({ length: volume(shape) }, () => {
    const cell = offset(layout, index, numbers)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1
      if (index[axis] !== shape[axis]) break
      index[axis] = 0
    }
    oneToOne &&= taken[cell] === 0
    taken[cell] = 1
    return cell
  })
  const table = { cellOf, isOneToOne: oneToOne }
  tables.set(layout, table)
  return table
}
