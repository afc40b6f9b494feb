// Elements as bytes and back: every pattern of the small types, all types at random, layouts, indices.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { columnMajor, rowMajor, swizzle, type Layout } from '../../../../compiler-core/mapping/layout.ts'
import type { Result } from '../../../../compiler-core/mapping/result.ts'
import { bitsOf, indicesOf, readerOf, storageOf, toBytes } from '../../../../compiler-core/verify/cpu/elements.ts'

const plain = (element: ElementName, count: number) => storageOf({ element, layout: undefined }, [count])

function bytes(element: ElementName, values: readonly number[], expected: string): void {
  it(`${element}: ${values.join(', ')}`, () => {
    const found = toBytes(plain(element, values.length), Float64Array.from(values))
    expect(Buffer.from(found).toString('hex')).toBe(expected.replaceAll(' ', ''))
    const read = readerOf(plain(element, values.length), found)
    expect(values.map((_, i) => read(i))).toEqual(values)
  })
}

describe('bytes', () => {
  bytes('f16', [1, -2.5, 65504, 2 ** -24, 2 ** -14, -0, Infinity, NaN], '003c 00c1 ff7b 0100 0004 0080 007c ff7f')
  bytes('bf16', [1, -2.5, 2 ** -133], '803f 20c0 0100')
  bytes('tf32', [1.5], '0000c03f')
  bytes('f32', [0.5, -Infinity], '0000003f 000080ff')
  bytes('f64', [1 / 3], '555555555555d53f')
  bytes('i8', [-1, 127], 'ff 7f')
  bytes('bool', [0, 1], '00 01')
  bytes('i16', [-2], 'feff')
  bytes('u32', [2 ** 32 - 1], 'ffffffff')
  bytes('i64', [-(2 ** 53)], '000000000000e0ff')
  bytes('u64', [2 ** 53], '0000000000002000')
})

it('keeps every pattern of 16 bits that is a number', () => {
  for (const element of ['f16', 'bf16'] as const) {
    const patterns = Uint16Array.from({ length: 65_536 }, (_, i) => i)
    const read = readerOf(plain(element, 65_536), new Uint8Array(patterns.buffer))
    const values = Float64Array.from({ length: 65_536 }, (_, i) => read(i))
    const again = new Uint16Array(toBytes(plain(element, 65_536), values).buffer)
    expect([...again].filter((bits, i) => bits !== i && !Number.isNaN(values[i]))).toEqual([])
    expect(Number(bitsOf(element, values[0x1234]!))).toBe(0x1234)
  }
})

it('reads cells from any place in a file', () => {
  const file = new Uint8Array(12)
  file.set(toBytes(plain('f32', 2), Float64Array.of(3, 4)), 3)
  const read = readerOf(plain('f32', 2), file.subarray(3, 11))
  expect([read(0), read(1)]).toEqual([3, 4])
})

describe('layouts', () => {
  const of = (result: Result<Layout>): Layout => {
    if (!result.ok) throw new Error(result.problem.message)
    return result.value
  }
  const check = (name: string, layout: Layout) => {
    it(name, () => {
      fc.assert(fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 32, maxLength: 32 }), values => {
        const storage = storageOf({ element: 'i8', layout }, [4, 8])
        const read = readerOf(storage, toBytes(storage, Float64Array.from(values)))
        expect(values.map((_, e) => read(storage.cellOf(e)))).toEqual(values)
        expect(new Set(values.map((_, e) => storage.cellOf(e))).size).toBe(32)
      }), { numRuns: 20 })
    })
  }
  check('row-major', of(rowMajor([4, 8])))
  check('column-major', of(columnMajor([4, 8])))
  check('swizzled', of(swizzle(of(rowMajor([4, 8])), 1, 0)))
})

it('tells indices inside and outside of a shape', () => {
  expect(indicesOf([3, 4, 5], 0)).toEqual([0, 0, 0])
  expect(indicesOf([3, 4, 5], 59)).toEqual([2, 3, 4])
  expect(indicesOf([3, 4, 5], 60)).toEqual([3, 0, 0])
  expect(indicesOf([3, 4, 5], -1)).toEqual([-1, 3, 4])
  expect(indicesOf([], 0)).toEqual([])
})
