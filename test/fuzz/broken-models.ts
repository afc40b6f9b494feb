// ONNX files that are wrong: random models with damaged bytes or a damaged structure, and files made to take time or
// memory.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as Kind, GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProto_DataLocation,
  TensorProto_DataType, TensorProtoSchema, type AttributeProto, type GraphProto, type ModelProto, type NodeProto,
  type TensorProto
} from 'onnx-buf'
import { dataOf, type TensorData } from '../../compiler-core/graph/tensor-data.ts'
import { modelProto, type OnnxNode } from '../harness/onnx.ts'
import { randomModel } from '../harness/random-models.ts'
import { createRandom, type Random } from '../compiler-core/language/syntax/random.ts'

export interface BrokenModel {
  readonly bytes: Uint8Array
  /** What was done to it. */
  readonly damage: string
}

export function brokenModel(seed: number): BrokenModel {
  const g = createRandom(seed)
  if (g.chance(0.01)) return { bytes: nested(3000), damage: 'branches in branches' }
  if (g.chance(0.1)) {
    const [damage, make] = g.pick(Object.entries(traps))
    return { bytes: toBinary(ModelProtoSchema, make(g)), damage }
  }
  const { bytes } = randomModel(seed)
  if (g.chance(0.4)) {
    const [damage, change] = g.pick(Object.entries(byteDamages))
    return { bytes: change(g, bytes), damage }
  }
  const model = fromBinary(ModelProtoSchema, bytes), done: string[] = []
  for (let n = 1 + g.below(3); n > 0; n--) {
    const [damage, change] = g.pick(Object.entries(damages))
    if (model.graph) change(g, model.graph, model)
    done.push(damage)
  }
  return { bytes: toBinary(ModelProtoSchema, model), damage: done.join(', ') }
}

// ---------------------------------------------------------------- bytes

const byteDamages: Readonly<Record<string, (g: Random, bytes: Uint8Array) => Uint8Array>> = {
  'cut off': (g, bytes) => bytes.slice(0, g.below(bytes.length)),
  'some bytes changed': (g, bytes) => {
    const copy = bytes.slice()
    for (let n = 1 + g.below(8); n > 0; n--) copy[g.below(copy.length)] = g.below(256)
    return copy
  },
  // where the structure is rather than the weights
  'some bytes changed near the end': (g, bytes) => {
    const copy = bytes.slice()
    for (let n = 1 + g.below(4); n > 0; n--) copy[copy.length - 1 - g.below(Math.min(200, copy.length))] = g.below(256)
    return copy
  },
  'a part missing': (g, bytes) => {
    const at = g.below(bytes.length), length = g.below(64)
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)])
  },
  'a part twice': (g, bytes) => {
    const at = g.below(bytes.length), part = bytes.subarray(at, at + g.below(200))
    return Uint8Array.from([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)])
  },
  noise: g => Uint8Array.from({ length: g.below(300) }, () => g.below(256)),
  'lengths that lie': (g, bytes) => {
    const at = g.below(bytes.length)
    return Uint8Array.from([...bytes.subarray(0, at), 0xff, 0xff, 0xff, 0xff, 0x7f, ...bytes.subarray(at + 5)])
  }
}

// ---------------------------------------------------------------- structure

const names = ['', 'x0', 'w1', 'nobody', '__proto__', 'constructor', 'toString', '../x', '\0', 'a'.repeat(500)]
const types = ['', 'Nothing', '__proto__', 'constructor', 'toString', 'Loop', 'If', 'Constant', 'Relu', 'Reshape', 'Conv', 'Concat', 'Slice', 'Gemm', 'Softmax', 'Split', 'Pad', 'Tile', 'Expand', 'Range', 'ConstantOfShape', 'Resize', 'TopK', 'Einsum', 'OneHot', 'Gather', 'Cast']
const wholes = [
  0n, 1n, -1n, 2n, 3n, 7n, 64n, 1000n, 65_537n, 2n ** 31n - 1n, 2n ** 31n, -(2n ** 31n), 2n ** 40n, 2n ** 53n,
  2n ** 60n, 2n ** 63n - 1n, -(2n ** 63n)
]
const floats = [0, -0, 1, -1, 0.5, 1e-30, 1e30, 3.4e38, -1e38, Number.NaN, Infinity, -Infinity]
const locations = ['', '.', '..', '../weights.bin', '/etc/passwd', 'a/../../b', 'C:\\x', 'x\0y', 'weights.bin', '%2e%2e/x', '/dev/zero']

type Damage = (g: Random, graph: GraphProto, model: ModelProto) => void

const damages: Readonly<Record<string, Damage>> = {
  'a cycle': onNode((g, node, graph) => { node.input[g.below(node.input.length + 1)] = g.pick(graph.node).output[0] ?? '' }),
  'a node that reads itself': onNode((g, node) => { node.input[g.below(node.input.length + 1)] = node.output[0] ?? '' }),
  'an input of another name': onNode((g, node) => { node.input[g.below(node.input.length + 1)] = g.pick(names) }),
  'a result of another name': onNode((g, node) => { node.output[g.below(node.output.length + 1)] = g.pick(names) }),
  'an input less': onNode((_, node) => { node.input.pop() }),
  'many inputs': onNode((g, node) => { for (let n = g.below(300); n > 0; n--) node.input.push(node.input[0] ?? 'x0') }),
  'no inputs': onNode((_, node) => { node.input = [] }),
  'no results': onNode((_, node) => { node.output = [] }),
  'another operator': onNode((g, node) => { node.opType = g.pick(types) }),
  'another domain': onNode((g, node) => { node.domain = g.pick(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', '__proto__']) }),
  'no such node name': onNode((g, node) => { node.name = g.pick(names) }),
  'a node less': (g, graph) => { graph.node.splice(g.below(graph.node.length), 1) },
  'a node twice': onNode((_, node, graph) => { graph.node.push(node) }),
  'nodes in another order': (_, graph) => { graph.node.reverse() },
  'no nodes': (_, graph) => { graph.node = [] },
  'another attribute': onNode((g, node) => { for (const attribute of node.attribute) if (g.chance(0.5)) changeAttribute(g, attribute) }),
  'an attribute less': onNode((g, node) => { node.attribute.splice(g.below(node.attribute.length), 1) }),
  'an attribute that nobody knows': onNode((g, node) => {
    node.attribute.push({ ...attributeLike(node), name: g.pick([...names, 'axis', 'axes', 'perm', 'pads', 'to', 'value', 'dims']) })
    changeAttribute(g, node.attribute.at(-1)!)
  }),
  'another type of a constant': onTensor((g, tensor) => { tensor.dataType = g.pick([0, 1, 6, 7, 8, 9, 10, 11, 14, 16, 17, 22, 99, -1]) }),
  'another shape of a constant': onTensor((g, tensor) => { tensor.dims[g.below(tensor.dims.length + 1)] = g.pick(wholes) }),
  'many dimensions of a constant': onTensor((g, tensor) => { tensor.dims = Array.from({ length: g.below(200) }, () => g.pick([1n, 1n, 2n])) }),
  'other data of a constant': onTensor((g, tensor) => {
    if (tensor.dataType !== Number(TensorProto_DataType.INT64)) return
    const numbers = Array.from({ length: tensor.rawData.length / 8 }, () => g.pick(wholes))
    tensor.rawData = dataOf('i64', [numbers.length], numbers).bytes as Uint8Array<ArrayBuffer>
  }),
  'less data of a constant': onTensor((g, tensor) => { tensor.rawData = tensor.rawData.slice(0, g.below(tensor.rawData.length + 1)) }),
  'a constant whose data is elsewhere': onTensor((g, tensor) => { makeExternal(tensor, g.pick(locations), String(g.pick(wholes)), String(g.pick(wholes))) }),
  'a constant less': (g, graph) => { graph.initializer.splice(g.below(graph.initializer.length), 1) },
  'a constant twice': onTensor((_, tensor, graph) => { graph.initializer.push(tensor) }),
  'a constant of another name': onTensor((g, tensor) => { tensor.name = g.pick(names) }),
  'another extent of an input': (g, graph) => {
    for (const { type } of graph.input) {
      if (type?.value.case !== 'tensorType' || !type.value.value.shape) continue
      const { dim } = type.value.value.shape
      for (const each of dim) if (g.chance(0.5)) each.value = g.chance(0.8) ? { case: 'dimValue', value: g.pick(wholes) } : { case: 'dimParam', value: g.pick(names) }
    }
  },
  'another type of an input': (g, graph) => {
    for (const { type } of graph.input) if (type?.value.case === 'tensorType') type.value.value.elemType = g.pick([0, 1, 6, 7, 8, 9, 10, 11, 14, 16, 17, 22, 99])
  },
  'an input without a type': (_, graph) => { for (const input of graph.input) delete input.type },
  'an input twice': (_, graph) => { graph.input.push(...graph.input) },
  'no outputs': (_, graph) => { graph.output = [] },
  'an output that nobody computes': (g, graph) => { if (graph.output[0]) graph.output[0].name = g.pick(names) },
  'an output twice': (_, graph) => { graph.output.push(...graph.output) },
  'another opset': (g, _, model) => { for (const each of model.opsetImport) each.version = g.pick([...wholes, 6n, 9n, 11n, 13n, 18n, 21n, 26n, 27n]) },
  'no opset': (_g, _graph, model) => { model.opsetImport = [] },
  'no graph': (_g, _graph, model) => { delete model.graph }
}

function onNode(change: (g: Random, node: NodeProto, graph: GraphProto) => void): Damage {
  return (g, graph) => { if (graph.node.length > 0) change(g, g.pick(graph.node), graph) }
}

function onTensor(change: (g: Random, tensor: TensorProto, graph: GraphProto) => void): Damage {
  return (g, graph) => { if (graph.initializer.length > 0) change(g, g.pick(graph.initializer), graph) }
}

function attributeLike(node: NodeProto): AttributeProto {
  return node.attribute[0] ?? modelProto({ outputs: {}, nodes: [['Any', [], [], { any: 1 }]] }).graph!.node[0]!.attribute[0]!
}

function changeAttribute(g: Random, attribute: AttributeProto): void {
  const { type } = attribute
  const kinds = [Kind.UNDEFINED, Kind.INT, Kind.INTS, Kind.FLOAT, Kind.STRING, Kind.TENSOR, Kind.GRAPH]
  attribute.type = g.pick([type, type, ...kinds])
  attribute.i = g.pick(wholes)
  attribute.f = g.pick(floats)
  attribute.ints = Array.from({ length: g.chance(0.5) ? attribute.ints.length : g.below(9) }, () => g.pick(wholes))
  attribute.floats = Array.from({ length: g.below(5) }, () => g.pick(floats))
  attribute.s = new TextEncoder().encode(g.pick([...names, 'SAME_UPPER', 'linear', 'ij,jk->ik', 'i'.repeat(60) + '->']))
}

function makeExternal(tensor: TensorProto, location: string, offset: string, length: string): void {
  const entries = { location, offset, length }
  tensor.dataLocation = TensorProto_DataLocation.EXTERNAL
  tensor.externalData = Object.entries(entries).map(([key, value]) => ({ $typeName: 'onnx.StringStringEntryProto', key, value }))
  tensor.rawData = new Uint8Array()
}

// ---------------------------------------------------------------- traps

/** Right or wrong: files of few bytes that ask for much. */
const traps: Readonly<Record<string, (g: Random) => ModelProto>> = {
  'a chain of 100,000 nodes': () => chain(100_000),
  'a chain of 100,000 nodes that is a circle': () => {
    const model = chain(100_000)
    model.graph!.node[0]!.input[0] = 't99999'
    return model
  },
  'a tensor that claims 2^60 elements': () => {
    const model = chain(1)
    model.graph!.initializer.push(create(TensorProtoSchema, { name: 'w', dataType: 1, dims: [2n ** 30n, 2n ** 30n] }))
    model.graph!.node[0]!.input[0] = 'w'
    return model
  },
  'a tensor of 10^6 dimensions': () => {
    const model = chain(1)
    model.graph!.initializer.push(create(TensorProtoSchema, { name: 'w', dataType: 1, dims: new Array<bigint>(1e6).fill(1n), rawData: new Uint8Array(4) }))
    model.graph!.node[0]!.input[0] = 'w'
    return model
  },
  'a constant made large': g => only('ConstantOfShape', { s: sizes(g) }, ['s']),
  'a tensor repeated often': g => only('Tile', { x: dataOf('f32', [1], [1]), r: dataOf('i64', [1], [g.pick(wholes)]) }, ['x', 'r']),
  'a tensor expanded': g => only('Expand', { x: dataOf('f32', [1], [1]), s: sizes(g) }, ['x', 's']),
  'a long range': g => only('Range', { a: dataOf('i64', [], [0]), b: dataOf('i64', [], [g.pick(wholes)]), c: dataOf('i64', [], [g.pick([1n, 0n, -1n, ...wholes])]) }, ['a', 'b', 'c']),
  'much padding': g => only('Pad', { x: dataOf('f32', [1], [1]), p: dataOf('i64', [2], [g.pick(wholes), g.pick(wholes)]) }, ['x', 'p']),
  'a deep one-hot': g => only('OneHot', { i: dataOf('i64', [1], [0]), d: dataOf('i64', [], [g.pick(wholes)]), v: dataOf('f32', [2], [0, 1]) }, ['i', 'd', 'v']),
  'doubled again and again': g => {
    const n = 10 + g.below(60), nodes = Array.from({ length: n }, (_, i): OnnxNode => ['Concat', [i === 0 ? 'x' : `t${i - 1}`, i === 0 ? 'x' : `t${i - 1}`], [`t${i}`], { axis: 0 }])
    return modelProto({ ...g.chance(0.5) ? { inputs: { x: ['f32', 2] } } : { constants: { x: dataOf('f32', [2], [1, 2]) } }, outputs: { [`t${n - 1}`]: ['f32', 2] }, nodes })
  },
  'one tensor read by 30,000 nodes': () => modelProto({
    inputs: { x: ['f32', 4] }, outputs: { y: ['f32', 4] },
    nodes: [...Array.from({ length: 30_000 }, (_, i): OnnxNode => ['Neg', ['x'], [`t${i}`]]), ['Sum', Array.from({ length: 30_000 }, (_, i) => `t${i}`), ['y']]]
  }),
  'nothing at all': () => create(ModelProtoSchema, { opsetImport: [{ version: 17n }], graph: create(GraphProtoSchema, { node: [create(NodeProtoSchema, {})] }) })
}

/** A model whose graph has an `If` whose branch has an `If` ...; by hand, since the encoder is recursive, too. */
function nested(levels: number): Uint8Array {
  const field = (number: number, content: Uint8Array): Uint8Array => {
    const length: number[] = []
    let rest = content.length
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push(rest % 128 + 128)
    return Buffer.concat([Uint8Array.from([number * 8 + 2, ...length, rest]), content])
  }
  const text = (number: number, content: string): Uint8Array => field(number, new TextEncoder().encode(content))
  let graph: Uint8Array = new Uint8Array()
  for (let i = 0; i < levels; i++) {
    const attribute = Buffer.concat([text(1, 'then_branch'), field(6, graph)])
    graph = field(1, Buffer.concat([text(1, 'c'), text(2, 'y'), text(4, 'If'), field(5, attribute)]))
  }
  return field(7, graph)
}

function sizes(g: Random): TensorData {
  const extents = Array.from({ length: 1 + g.below(4) }, () => g.pick(wholes))
  return dataOf('i64', [extents.length], extents)
}

function chain(length: number): ModelProto {
  const nodes = Array.from({ length }, (_, i): OnnxNode => ['Relu', [i === 0 ? 'x' : `t${i - 1}`], [`t${i}`]])
  return modelProto({ inputs: { x: ['f32', 4] }, outputs: { [`t${length - 1}`]: ['f32', 4] }, nodes })
}

function only(
  type: string, constants: Readonly<Record<string, TensorData>>, inputs: readonly string[]
): ModelProto {
  return modelProto({ constants, outputs: { y: ['f32', 1] }, nodes: [[type, inputs, ['y']]] })
}
