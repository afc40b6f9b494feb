import { create, toBinary } from '@bufbuild/protobuf'
import { TensorProto_DataLocation, TensorProtoSchema, type TensorProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { parseTensor, readTensor, tensorBytes } from '../../../../compiler-core/graph/onnx/tensor-proto.ts'
import { dataOf, numbersOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'

const elements: readonly ElementName[] = ['f64', 'f32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8', 'bool']
const numbersIn = (data: ReturnType<typeof readTensor>): readonly number[] | string => 'problem' in data ? data.problem : numbersOf(data)

describe('a file of one tensor', () => {
  it.each(elements)('of %s comes back as it was', element => {
    const data = dataOf(element, [2, 1, 2], [0, 1, 1, 0])
    expect(parseTensor(tensorBytes('x', data))).toEqual({ name: 'x', data })
  })

  it('may have no elements, and no dimensions', () => {
    for (const data of [dataOf('i64', [0, 3], []), dataOf('f32', [], [5])]) {
      expect(parseTensor(tensorBytes('', data))).toEqual({ name: '', data })
    }
  })

  it('is a view of the bytes, however they are given', () => {
    const bytes = tensorBytes('x', dataOf('f32', [3], [1, 2, 3])), node = Buffer.from(bytes)
    const { data } = parseTensor(node) as { readonly data: TensorData }
    expect(data.bytes.constructor).toBe(Uint8Array)
    expect(data.bytes.buffer).toBe(node.buffer)
  })
})

describe('elements in fields of their own', () => {
  it.each<[string, Partial<TensorProto>, readonly number[]]>([
    ['f32', { dataType: 1, floatData: [1.5, -2] }, [1.5, -2]],
    ['f64', { dataType: 11, doubleData: [1.5, -2] }, [1.5, -2]],
    ['i64', { dataType: 7, int64Data: [2n ** 40n, -1n] }, [2 ** 40, -1]],
    ['u64', { dataType: 13, uint64Data: [2n ** 40n, 1n] }, [2 ** 40, 1]],
    ['u32', { dataType: 12, uint64Data: [2n ** 31n, 1n] }, [2 ** 31, 1]],
    ['i8', { dataType: 3, int32Data: [-3, 127] }, [-3, 127]],
    ['u16', { dataType: 4, int32Data: [3, 65535] }, [3, 65535]],
    ['bool', { dataType: 9, int32Data: [0, 1] }, [0, 1]],
    ['f16, as bits', { dataType: 10, int32Data: [0x3c00, 0xc000] }, [1, -2]],
    ['bf16, as bits', { dataType: 16, int32Data: [0x3f80, 0xc000] }, [1, -2]]
  ])('%s', (_, fields, numbers) => {
    const proto = create(TensorProtoSchema, { dims: [2n], ...fields } as object)
    expect(numbersIn(readTensor(proto))).toEqual(numbers)
  })

  it('are 0 or 1 where they are truth values', () => {
    const proto = create(TensorProtoSchema, { dims: [3n], dataType: 9, rawData: new Uint8Array([0, 255, 1]) })
    expect(numbersIn(readTensor(proto))).toEqual([0, 1, 1])
  })
})

describe('data beside the model', () => {
  const entries = (all: Readonly<Record<string, string>>) => Object.entries(all).map(([key, value]) => ({ key, value }))
  const proto = (all: Readonly<Record<string, string>>): TensorProto => create(TensorProtoSchema, {
    dims: [2n], dataType: 2, dataLocation: TensorProto_DataLocation.EXTERNAL, externalData: entries(all)
  })

  it('is read once, with the first question', () => {
    const asked: unknown[] = []
    const data = readTensor(proto({ location: 'w.bin', offset: '64', length: '2' }), (...range) => {
      asked.push(range)
      return () => {
        asked.push('read')
        return new Uint8Array([7, 8])
      }
    })
    expect(asked).toEqual([['w.bin', 64, 2]])
    expect([numbersIn(data), numbersIn(data)]).toEqual([[7, 8], [7, 8]])
    expect(asked).toEqual([['w.bin', 64, 2], 'read'])
  })

  it('is refused with the reason', () => {
    expect(readTensor(proto({ location: 'w.bin' }), () => 'it is no file')).toEqual({
      code: 'external-data', problem: 'has its data in `w.bin`: it is no file'
    })
  })
})

it('a file that is no tensor says so', () => {
  const cut = toBinary(TensorProtoSchema, create(TensorProtoSchema, { dims: [2n] })).slice(0, -1)
  expect(parseTensor(cut)).toEqual({ code: 'invalid-tensor', problem: 'is not a TensorProto: premature EOF' })
})
