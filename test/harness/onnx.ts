// ONNX models written by tests, as data:
//
//   const bytes = onnxModel({
//     inputs: { x: ['f32', 1, 3, 8, 8] }, outputs: { y: ['f32', 1, 4, 6, 6] },
//     constants: { w: dataOf('f32', [4, 3, 3, 3], numbers) },
//     nodes: [['Conv', ['x', 'w'], ['c'], { strides: [1, 1] }], ['Relu', ['c'], ['y']]]
//   })
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as Kind, AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema,
  TypeProtoSchema, ValueInfoProtoSchema, type AttributeProto, type GraphProto, type ModelProto, type NodeProto,
  type ValueInfoProto
} from 'onnx-buf'
import { dataTypeOf, tensorProto } from '../../compiler-core/graph/onnx/tensor-proto.ts'
import type { TensorData } from '../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../compiler-core/ir/ir.ts'

/** `['f32', 1, 'n', 8]`; a name stands for an extent that is bound later. */
export type OnnxType = readonly [element: ElementName, ...shape: (number | string)[]]
/** A number or a list of numbers is whole. */
export type OnnxAttribute =
  | number | string | readonly number[]
  | { readonly float: number } | { readonly floats: readonly number[] } | { readonly strings: readonly string[] }
  | { readonly tensor: TensorData } | { readonly graph: OnnxGraph }
/** The name of a node is its type and its number, as in `Conv_0`. */
export type OnnxNode = readonly [
  type: string, inputs: readonly string[], outputs: readonly string[],
  attributes?: Readonly<Record<string, OnnxAttribute>>
]

export interface OnnxGraph {
  readonly inputs?: Readonly<Record<string, OnnxType>>
  readonly outputs: Readonly<Record<string, OnnxType>>
  readonly constants?: Readonly<Record<string, TensorData>>
  readonly nodes: readonly OnnxNode[]
}

export function onnxModel(graph: OnnxGraph & { readonly opset?: number }): Uint8Array {
  return toBinary(ModelProtoSchema, modelProto(graph))
}

/** To be changed before it is written. */
export function modelProto({ opset = 17, ...graph }: OnnxGraph & { readonly opset?: number }): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: 8n, producerName: 'heddle', opsetImport: [{ domain: '', version: BigInt(opset) }], graph: graphProto(graph)
  })
}

function graphProto({ inputs = {}, outputs, constants = {}, nodes }: OnnxGraph): GraphProto {
  return create(GraphProtoSchema, {
    name: 'model',
    input: Object.entries(inputs).map(valueInfo), output: Object.entries(outputs).map(valueInfo),
    initializer: Object.entries(constants).map(([name, data]) => tensorProto(name, data)), node: nodes.map(nodeProto)
  })
}

function valueInfo([name, [element, ...shape]]: readonly [string, OnnxType]): ValueInfoProto {
  const dim = shape.map(n => ({
    value: typeof n === 'number' ? { case: 'dimValue' as const, value: BigInt(n) } : { case: 'dimParam' as const, value: n }
  }))
  const type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { elemType: dataTypeOf(element), shape: { dim } } } })
  return create(ValueInfoProtoSchema, { name, type })
}

export function nodeProto([opType, input, output, attributes = {}]: OnnxNode, number: number): NodeProto {
  return create(NodeProtoSchema, {
    name: `${opType}_${number}`, opType, input: [...input], output: [...output],
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value))
  })
}

function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  return create(AttributeProtoSchema, { name, ...attributeValue(value) })
}

function attributeValue(value: OnnxAttribute): Omit<MessageInitShape<typeof AttributeProtoSchema>, '$typeName'> {
  if (typeof value === 'number') return { type: Kind.INT, i: BigInt(value) }
  if (typeof value === 'string') return { type: Kind.STRING, s: new TextEncoder().encode(value) }
  if ('float' in value) return { type: Kind.FLOAT, f: value.float }
  if ('floats' in value) return { type: Kind.FLOATS, floats: [...value.floats] }
  if ('strings' in value) return { type: Kind.STRINGS, strings: value.strings.map(s => new TextEncoder().encode(s)) }
  if ('tensor' in value) return { type: Kind.TENSOR, t: tensorProto('', value.tensor) }
  if ('graph' in value) return { type: Kind.GRAPH, g: graphProto(value.graph) }
  return { type: Kind.INTS, ints: value.map(BigInt) }
}
