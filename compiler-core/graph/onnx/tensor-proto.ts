/**
 * ONNX tensors: initialisers of a model, and the `.pb` files of inputs and results.
 *
 *     dims: 2, 3   data_type: FLOAT   raw_data: 24 bytes  ->  { element: 'f32', shape: [2, 3], bytes: the same bytes }
 *
 * Raw and external data stay views. What a tensor claims is checked before anything is made of it, so that a file of
 * few bytes never takes much memory.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  TensorProtoSchema, TensorProto_DataLocation, TensorProto_DataType as DataType, type TensorProto
} from 'onnx-buf'
import type { ElementName } from '../../ir/ir.ts'
import { bytesOf } from '../../ir/memory.ts'
import { dataOf, type TensorData } from '../tensor-data.ts'

export interface NamedTensor { readonly name: string; readonly data: TensorData }

/** Why a tensor cannot be used. `unsupported-type`: it may be valid, but Heddle has no such elements. */
export interface TensorProblem {
  readonly code: 'unsupported-type' | 'invalid-tensor' | 'external-data'
  /** A sentence without a subject: `claims 7 elements, but holds 6`. */
  readonly problem: string
}

/** Bytes of a file beside the model, which are read when they are asked for; or a sentence why they cannot be had. */
export type ExternalData = (location: string, offset: number, length: number) => (() => Uint8Array) | string

/** Of a tensor. */
export const mostDimensions = 32

/** The type of elements, undefined where Heddle has none: strings, complex numbers, elements below 8 bits. */
export function elementOf(dataType: number): ElementName | undefined {
  switch (dataType as DataType) {
    case DataType.FLOAT: return 'f32'
    case DataType.DOUBLE: return 'f64'
    case DataType.FLOAT16: return 'f16'
    case DataType.BFLOAT16: return 'bf16'
    case DataType.INT8: return 'i8'
    case DataType.INT16: return 'i16'
    case DataType.INT32: return 'i32'
    case DataType.INT64: return 'i64'
    case DataType.UINT8: return 'u8'
    case DataType.UINT16: return 'u16'
    case DataType.UINT32: return 'u32'
    case DataType.UINT64: return 'u64'
    case DataType.BOOL: return 'bool'
    default: return undefined
  }
}

/** As ONNX writes it: `FLOAT8E4M3FN`. */
export function dataTypeName(dataType: number): string {
  return (DataType as Readonly<Record<number, string>>)[dataType] ?? `number ${dataType}`
}

/** External data is read with the first question for `bytes`; where `external` is absent, it is refused. */
export function readTensor(proto: TensorProto, external?: ExternalData): TensorData | TensorProblem {
  const element = elementOf(proto.dataType)
  if (element === undefined) {
    return { code: 'unsupported-type', problem: `has elements of type ${dataTypeName(proto.dataType)}, which Heddle does not have` }
  }
  if (proto.segment) return { code: 'unsupported-type', problem: 'is one segment of a tensor in several pieces' }
  if (proto.dims.length > mostDimensions) return invalid(`has ${proto.dims.length} dimensions; possible are ${mostDimensions}`)
  const negative = proto.dims.find(n => n < 0n)
  if (negative !== undefined) return invalid(`has the negative extent ${negative}`)
  const count = proto.dims.reduce((n, extent) => n * extent, 1n), size = bytesOf(element)
  const most = BigInt(Number.MAX_SAFE_INTEGER)
  if (count * BigInt(size) > most || proto.dims.some(n => n > most)) {
    return invalid(`claims ${count} elements, more than any file has`)
  }
  const shape = proto.dims.map(Number)
  if (proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) {
    const bytes = ownBytes(proto, element, shape, Number(count))
    return bytes instanceof Uint8Array ? { element, shape, bytes: normal(element, bytes) } : bytes
  }
  const read = externalBytes(proto, Number(count) * size, external)
  if (typeof read !== 'function') return read
  let kept: Uint8Array | undefined
  return { element, shape, get bytes() { return kept ??= normal(element, read()) } }
}

/** A file that holds one tensor. */
export function parseTensor(bytes: Uint8Array): NamedTensor | TensorProblem {
  let proto: TensorProto
  try {
    // views of a Node buffer are Node buffers, whose `slice` does not copy
    proto = fromBinary(TensorProtoSchema, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  } catch (error) {
    return invalid(`is not a TensorProto: ${error instanceof Error ? error.message : String(error)}`)
  }
  const data = readTensor(proto)
  return 'problem' in data ? data : { name: proto.name, data }
}

/** The file that `parseTensor` reads. */
export function tensorBytes(name: string, data: TensorData): Uint8Array {
  return toBinary(TensorProtoSchema, tensorProto(name, data))
}

export function tensorProto(name: string, { element, shape, bytes }: TensorData): TensorProto {
  const rawData = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
  return create(TensorProtoSchema, { name, dataType: dataTypeOf(element), dims: shape.map(BigInt), rawData })
}

export function dataTypeOf(element: ElementName): DataType {
  switch (element) {
    case 'f32': case 'tf32': return DataType.FLOAT
    case 'f64': return DataType.DOUBLE
    case 'f16': return DataType.FLOAT16
    case 'bf16': return DataType.BFLOAT16
    case 'i8': return DataType.INT8
    case 'i16': return DataType.INT16
    case 'i32': return DataType.INT32
    case 'i64': return DataType.INT64
    case 'u8': return DataType.UINT8
    case 'u16': return DataType.UINT16
    case 'u32': return DataType.UINT32
    case 'u64': return DataType.UINT64
    case 'bool': return DataType.BOOL
  }
}

function invalid(problem: string): TensorProblem { return { code: 'invalid-tensor', problem } }

/** The fields in which typed data may lie, besides `raw_data`. */
const fields = ['floatData', 'doubleData', 'int32Data', 'int64Data', 'uint64Data'] as const

function ownBytes(
  proto: TensorProto, element: ElementName, shape: readonly number[], count: number
): Uint8Array | TensorProblem {
  const { rawData } = proto, size = bytesOf(element)
  if (rawData.length > 0) {
    return rawData.length === count * size
      ? rawData
      : invalid(`claims ${count} elements of ${size} bytes, but holds ${rawData.length} bytes`)
  }
  const values = proto[fieldOf(element)]
  if (values.length !== count) {
    const other = fields.find(field => proto[field].length > 0)
    const held = values.length === 0 && other !== undefined ? `none of its type (it has ${other})` : String(values.length)
    return invalid(`claims ${count} elements, but holds ${held}`)
  }
  // 16-bit floats are given as their bits
  const stored = element === 'f16' || element === 'bf16' ? 'u16' : element
  return dataOf(stored, shape, values).bytes
}

function fieldOf(element: ElementName): typeof fields[number] {
  switch (element) {
    case 'f32': case 'tf32': return 'floatData'
    case 'f64': return 'doubleData'
    case 'i64': return 'int64Data'
    case 'u64': case 'u32': return 'uint64Data'
    case 'f16': case 'bf16': case 'i32': case 'i16': case 'u16': case 'i8': case 'u8': case 'bool': return 'int32Data'
  }
}

function externalBytes(
  { externalData }: TensorProto, expected: number, external: ExternalData | undefined
): (() => Uint8Array) | TensorProblem {
  const refuse = (problem: string): TensorProblem => ({ code: 'external-data', problem })
  const entry = (key: string) => externalData.find(e => e.key === key)?.value
  const location = entry('location'), offset = wholeNumber(entry('offset') ?? '0'), given = entry('length')
  if (location === undefined || location === '') return refuse('has external data without a location')
  if (offset === undefined) return refuse(`has the offset \`${entry('offset')}\` in \`${location}\`, which is no whole number`)
  const length = given === undefined ? expected : wholeNumber(given)
  if (length !== expected) {
    return refuse(`needs ${expected} bytes, but has the length \`${given}\` in \`${location}\``)
  }
  if (external === undefined) return refuse(`has its data in \`${location}\`, which is not read here`)
  if (expected === 0) return () => new Uint8Array()
  const read = external(location, offset, length)
  return typeof read === 'string' ? refuse(`has its data in \`${location}\`: ${read}`) : read
}

function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** Every byte of truth values 0 or 1. */
function normal(element: ElementName, bytes: Uint8Array): Uint8Array {
  return element === 'bool' && bytes.some(b => b > 1) ? bytes.map(b => (b === 0 ? 0 : 1)) : bytes
}
