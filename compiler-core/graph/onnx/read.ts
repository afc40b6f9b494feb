/**
 * ONNX files: bytes to messages, with limits first.
 *
 *     08 07 12 03 ...   ->   ModelProto { irVersion: 7, graph: { node: [...], initializer: [...] } }
 *
 * Raw data of tensors stays a view of the bytes. What a file makes of few bytes (empty messages, numbers of one byte
 * each) is counted before it is decoded: memory is bounded by the size of the file and these limits.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, type ModelProto } from 'onnx-buf'
import type { ModelProblem } from './problem.ts'

export function readModel(bytes: Uint8Array): ModelProto | ModelProblem {
  const excess = excessOf(bytes)
  if (excess !== undefined) return invalid(excess)
  // plain views: those of a Node buffer share its `slice`, which does not copy
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const model = fromBinary(ModelProtoSchema, plain, { readUnknownFields: false })
    if (!model.graph) return invalid('It has no graph.')
    return model
  } catch (error) {
    return invalid(`${error instanceof Error ? error.message : String(error)}.`)
  }
}

/** The inputs that a file gives no value, in order. */
export function inputNames(bytes: Uint8Array): readonly string[] {
  const file = readModel(bytes)
  if ('code' in file) return []
  const { input, initializer } = file.graph!, given = new Set(initializer.map(t => t.name))
  return input.map(i => i.name).filter(name => !given.has(name))
}

function invalid(reason: string): ModelProblem {
  return { code: 'invalid-file', message: `This is no ONNX model: ${reason}` }
}

/** Parts: what a graph of some 10^5 nodes needs. Numbers that are not raw data, in bytes; a whole one may have one. */
const limits = { parts: 2e6, wholes: 2 ** 24, floats: 2 ** 28 }

/** Of a message: what is counted in its fields. A function: a nested message. */
type Fields = Readonly<Record<number, 'wholes' | 'floats' | 'parts' | (() => Fields)>>

const tensor: Fields = {
  1: 'wholes', 4: 'floats', 5: 'wholes', 6: 'parts', 7: 'wholes', 10: 'floats', 11: 'wholes', 13: 'parts', 16: 'parts'
}
const attribute: Fields = {
  5: () => tensor, 6: () => graph, 7: 'floats', 8: 'wholes', 9: 'parts', 10: () => tensor, 11: () => graph,
  14: 'parts', 15: 'parts', 22: 'parts', 23: 'parts'
}
const node: Fields = { 1: 'parts', 2: 'parts', 5: () => attribute, 9: 'parts', 10: 'parts' }
const dimensions: Fields = { 1: 'parts' }
const tensorType: Fields = { 2: () => dimensions }
const type: Fields = { 1: () => tensorType }
const valueInfo: Fields = { 2: () => type, 4: 'parts' }
const graph: Fields = {
  1: () => node, 5: () => tensor, 11: () => valueInfo, 12: () => valueInfo, 13: () => valueInfo, 14: 'parts',
  15: 'parts', 16: 'parts'
}
const definition: Fields = {
  4: 'parts', 5: 'parts', 6: 'parts', 7: () => node, 9: 'parts', 11: () => attribute, 12: () => valueInfo
}
const model: Fields = { 7: () => graph, 8: 'parts', 14: 'parts', 20: 'parts', 25: () => definition, 26: 'parts' }

/** Walks the file without decoding it. What is malformed is left to the decoder. */
function excessOf(bytes: Uint8Array): string | undefined {
  const counts = { parts: 0, wholes: 0, floats: 0 }
  let at = 0
  const levels: { readonly fields: Fields; readonly end: number }[] = [{ fields: model, end: bytes.length }]
  const varint = (): number => {
    let value = 0, scale = 1
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
  const tooMany = () => {
    if (counts.parts > limits.parts) return `It has more than ${limits.parts} parts.`
    return counts.wholes > limits.wholes || counts.floats > limits.floats
      ? 'It holds too many numbers that are not raw data (`raw_data`, or external data).'
      : undefined
  }
  while (levels.length > 0 && tooMany() === undefined) {
    const { fields, end } = levels.at(-1)!
    if (at >= end) {
      levels.pop()
      continue
    }
    const tag = varint(), wire = tag % 8, counted = fields[Math.floor(tag / 8)]
    if (counted !== undefined) counts[typeof counted === 'function' ? 'parts' : counted]++
    if (wire === 0) varint()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else if (wire === 2) {
      const length = varint()
      if (!(length <= end - at)) return undefined
      if (typeof counted === 'function') {
        levels.push({ fields: counted(), end: at + length })
        continue
      }
      if (counted === 'wholes' || counted === 'floats') counts[counted] += length
      at += length
    } else return undefined
    if (levels.length > 100 || Number.isNaN(at)) return undefined
  }
  return tooMany()
}
