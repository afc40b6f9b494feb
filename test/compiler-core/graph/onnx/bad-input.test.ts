// Wrong and adversarial ONNX files: one clear problem each, which names the node and the attribute.
import { toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataLocation, type ModelProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import type { ModelProblemCode } from '../../../../compiler-core/graph/onnx/problem.ts'
import { dataOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import { modelProto, onnxModel, type OnnxAttribute, type OnnxGraph, type OnnxNode, type OnnxType } from '../../../harness/onnx.ts'
import { imported } from './support.ts'

interface Expected {
  readonly code: ModelProblemCode
  readonly message: string
  readonly node?: string
  readonly attribute?: string
}

const x = { x: ['f32', 2, 6] } satisfies Record<string, OnnxType>, y = { y: ['f32', 2, 6] } satisfies Record<string, OnnxType>
function of(
  type: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {},
  constants: Readonly<Record<string, TensorData>> = {}
): OnnxGraph {
  return { inputs: x, outputs: y, constants, nodes: [[type, inputs, ['y'], attributes]] }
}
const wholes = (...numbers: readonly (number | bigint)[]): TensorData => dataOf('i64', [numbers.length], numbers)
const relu = of('Relu', ['x'])

function check(bytes: Uint8Array, expected: Expected): void {
  const { model, problems } = imported(bytes)
  expect(problems).toEqual([expected])
  expect(model).toBeUndefined()
}
const changed = (change: (model: ModelProto) => void, graph: OnnxGraph = relu): Uint8Array => {
  const model = modelProto(graph)
  change(model)
  return toBinary(ModelProtoSchema, model)
}

describe('a file', () => {
  it.each<[string, Uint8Array, Expected]>([
    ['is empty', new Uint8Array(), { code: 'invalid-file', message: 'This is no ONNX model: It has no graph.' }],
    ['is text', new TextEncoder().encode('# a model\n'), { code: 'invalid-file', message: 'This is no ONNX model: premature EOF.' }],
    ['is cut off', onnxModel(relu).slice(0, -9), { code: 'invalid-file', message: 'This is no ONNX model: premature EOF.' }],
    ['has no graph', changed(model => { delete model.graph }), { code: 'invalid-file', message: 'This is no ONNX model: It has no graph.' }],
    ['has no opset', changed(model => { model.opsetImport[0]!.version = 0n }), { code: 'unsupported-opset', message: 'The model uses opset 0; supported are 1 and 6 to 26.' }],
    ['has an opset of the future', changed(model => { model.opsetImport[0]!.version = 27n }), { code: 'unsupported-opset', message: 'The model uses opset 27; supported are 1 and 6 to 26.' }]
  ])('that %s', (_, bytes, expected) => { check(bytes, expected) })
})

describe('a graph', () => {
  const chain: readonly OnnxNode[] = [['Relu', ['x'], ['a']], ['Neg', ['a'], ['b']], ['Abs', ['b'], ['y']]]
  it.each<[string, Uint8Array, Expected]>([
    ['whose nodes form a circle', onnxModel({ inputs: x, outputs: y, nodes: [['Add', ['x', 'b'], ['a']], ['Neg', ['a'], ['b']], ['Abs', ['b'], ['y']]] }), { code: 'invalid-graph', message: 'Add `Add_0` needs its own result: there is a cycle of 2 nodes, `Neg_1`, `Add_0`.', node: 'Add_0' }],
    ['whose node reads itself', onnxModel(of('Add', ['x', 'y'])), { code: 'invalid-graph', message: 'Add `Add_0` needs its own result: there is a cycle of 1 node, `Add_0`.', node: 'Add_0' }],
    ['whose node reads what nobody computes', onnxModel(of('Add', ['x', 'z'])), { code: 'invalid-graph', message: 'Add `Add_0` reads `z`, which nothing in the file computes or defines.', node: 'Add_0' }],
    ['whose result nobody computes', onnxModel({ inputs: x, outputs: { z: ['f32', 1] }, nodes: chain }), { code: 'invalid-graph', message: 'No node computes the result `z` of the graph `model`.' }],
    ['two of whose nodes compute the same', onnxModel({ inputs: x, outputs: y, nodes: [...chain, ['Exp', ['x'], ['y']]] }), { code: 'invalid-graph', message: 'Exp `Exp_3` also computes `y`, as `Abs_2` does.', node: 'Exp_3' }],
    ['without results', onnxModel({ inputs: x, outputs: {}, nodes: chain }), { code: 'invalid-graph', message: 'The graph has no results.' }],
    ['whose input has a negative extent', onnxModel({ ...relu, inputs: { x: ['f32', 2, -6] } }), { code: 'invalid-graph', message: 'The input `x` has the negative extent -6.' }],
    ['whose input is absurdly large', onnxModel({ ...relu, inputs: { x: ['f32', 2 ** 31 - 1, 2 ** 31 - 1] } }), { code: 'too-large', message: 'The input `x` has 4611686014132420600 elements.' }],
    ['whose input has a free extent', onnxModel({ ...relu, inputs: { x: ['f32', 'batch', 6] } }), { code: 'unbound-extent', message: 'The input `x` has free extents; bind them: --bind batch=1.' }],
    ['whose input has no type', changed(model => { delete model.graph!.input[0]!.type }), { code: 'invalid-graph', message: 'The input `x` has no type.' }],
    ['whose input has strings', changed(model => { (model.graph!.input[0]!.type!.value.value as { elemType: number }).elemType = 8 }), { code: 'unsupported-type', message: 'The input `x` has elements of type STRING, which are not supported.' }]
  ])('%s', (_, bytes, expected) => { check(bytes, expected) })
})

describe('a constant', () => {
  const graph = of('Add', ['x', 'w'], {}, { w: dataOf('f32', [6], [1, 2, 3, 4, 5, 6]) })
  const constant = (change: (tensor: NonNullable<ModelProto['graph']>['initializer'][number]) => void): Uint8Array =>
    changed(model => { change(model.graph!.initializer[0]!) }, graph)
  const external = (location: string, more: Readonly<Record<string, string>> = {}): Uint8Array => constant(tensor => {
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL
    tensor.rawData = new Uint8Array()
    tensor.externalData = Object.entries({ location, ...more }).map(([key, value]) => ({ $typeName: 'onnx.StringStringEntryProto', key, value }))
  })
  it.each<[string, Uint8Array, Expected]>([
    ['claims 2^60 elements', constant(tensor => { tensor.dims = [2n ** 30n, 2n ** 30n] }), { code: 'invalid-tensor', message: 'The initialiser `w` claims 1152921504606846976 elements, more than any file has.' }],
    ['claims more than it has', constant(tensor => { tensor.dims = [7n] }), { code: 'invalid-tensor', message: 'The initialiser `w` claims 7 elements of 4 bytes, but holds 24 bytes.' }],
    ['has a negative extent', constant(tensor => { tensor.dims = [-6n] }), { code: 'invalid-tensor', message: 'The initialiser `w` has the negative extent -6.' }],
    ['has data of another type', constant(tensor => { [tensor.rawData, tensor.int64Data] = [new Uint8Array(), [1n, 2n]] }), { code: 'invalid-tensor', message: 'The initialiser `w` claims 6 elements, but holds none of its type (it has int64Data).' }],
    ['has no type', constant(tensor => { tensor.dataType = 0 }), { code: 'unsupported-type', message: 'The initialiser `w` has elements of type UNDEFINED, which Heddle does not have.' }],
    ['has a type of 4 bits', constant(tensor => { tensor.dataType = 22 }), { code: 'unsupported-type', message: 'The initialiser `w` has elements of type INT4, which Heddle does not have.' }],
    ['has data in a file that is not given', external('weights.bin'), { code: 'external-data', message: 'The initialiser `w` has its data in `weights.bin`, which is not read here.' }],
    ['has external data without a place', external(''), { code: 'external-data', message: 'The initialiser `w` has external data without a location.' }],
    ['has a wrong offset', external('weights.bin', { offset: '-4' }), { code: 'external-data', message: 'The initialiser `w` has the offset `-4` in `weights.bin`, which is no whole number.' }],
    ['has a wrong length', external('weights.bin', { length: '23' }), { code: 'external-data', message: 'The initialiser `w` needs 24 bytes, but has the length `23` in `weights.bin`.' }]
  ])('that %s', (_, bytes, expected) => { check(bytes, expected) })
})

describe('a node', () => {
  const conv = (attributes: Readonly<Record<string, OnnxAttribute>>, wShape = [4, 3, 3, 3]): OnnxGraph => ({
    inputs: { x: ['f32', 1, 3, 8, 8] }, outputs: { y: ['f32', 1, 4, 6, 6] }, nodes: [['Conv', ['x', 'w'], ['y'], attributes]],
    constants: { w: dataOf('f32', wShape, new Float32Array(wShape.reduce((a, b) => a * b, 1))) }
  })
  it.each<[string, OnnxGraph, Expected]>([
    ['of an operator that nobody knows', of('Frobnicate', ['x']), { code: 'unsupported-operator', message: 'The operator Frobnicate is not supported: `Frobnicate_0`.', node: 'Frobnicate_0' }],
    ['named like a property of objects', of('constructor', ['x']), { code: 'unsupported-operator', message: 'The operator constructor is not supported: `constructor_0`.', node: 'constructor_0' }],
    ['of a later opset', of('Gelu', ['x']), { code: 'unsupported-operator', message: 'The operator Gelu is supported in opsets 20 to 26, not in opset 17: `Gelu_0`.', node: 'Gelu_0' }],
    ['without an input', of('Relu', []), { code: 'invalid-node', message: 'Relu `Relu_0`: Its input 0 is absent.', node: 'Relu_0' }],
    ['with shapes that do not fit', of('Add', ['x', 'w'], {}, { w: dataOf('f32', [5], [1, 2, 3, 4, 5]) }), { code: 'invalid-node', message: 'Add `Add_0`: Shapes that do not go together: (2, 6) and (5).', node: 'Add_0' }],
    ['with types that do not fit', of('Add', ['x', 'w'], {}, { w: wholes(1) }), { code: 'invalid-node', message: 'Add `Add_0`: Its inputs have different types: f32, i64.', node: 'Add_0' }],
    ['with an axis outside', of('Softmax', ['x'], { axis: 2 }), { code: 'invalid-node', message: 'Softmax `Softmax_0`: The axis 2 is outside of a tensor with 2 dimensions.', node: 'Softmax_0', attribute: 'axis' }],
    ['with an absurd axis', of('Concat', ['x', 'x'], { axis: -(2 ** 52) }), { code: 'invalid-node', message: 'Concat `Concat_0`: The axis -4503599627370496 is outside of a tensor with 2 dimensions.', node: 'Concat_0', attribute: 'axis' }],
    ['with an attribute of another kind', of('Softmax', ['x'], { axis: 'last' }), { code: 'invalid-node', message: 'Softmax `Softmax_0`: The attribute `axis` is no whole number.', node: 'Softmax_0', attribute: 'axis' }],
    ['without an attribute that it needs', of('Cast', ['x']), { code: 'invalid-node', message: 'Cast `Cast_0`: The attribute `to` is absent.', node: 'Cast_0', attribute: 'to' }],
    ['with no permutation', of('Transpose', ['x'], { perm: [0, 0] }), { code: 'invalid-node', message: 'Transpose `Transpose_0`: (0, 0) is no order of 2 dimensions.', node: 'Transpose_0', attribute: 'perm' }],
    ['with an unknown mode', of('Pad', ['x', 'p'], { mode: 'wild' }, { p: wholes(0, 1, 0, 0) }), { code: 'invalid-node', message: 'Pad `Pad_0`: The mode is not `wild`.', node: 'Pad_0', attribute: 'mode' }],
    ['that makes another number of elements', of('Reshape', ['x', 's'], {}, { s: wholes(5, 5) }), { code: 'invalid-node', message: 'Reshape `Reshape_0`: A tensor of the shape (2, 6) cannot have the shape (5, 5).', node: 'Reshape_0' }],
    ['that makes too many elements', of('Expand', ['x', 's'], {}, { s: wholes(2n ** 40n, 2n, 6n) }), { code: 'invalid-node', message: 'Expand `Expand_0`: The shape (1099511627776, 2, 6) has the extent 1099511627776.', node: 'Expand_0' }],
    ['that makes a negative extent', of('Expand', ['x', 's'], {}, { s: wholes(-5, 6) }), { code: 'invalid-node', message: 'Expand `Expand_0`: The shape (-5, 6) has the extent -5.', node: 'Expand_0' }],
    ['that repeats without end', of('Tile', ['x', 's'], {}, { s: wholes(2n ** 62n, 2n ** 62n) }), { code: 'invalid-node', message: 'Tile `Tile_0`: The shape (4611686018427388000, 4611686018427388000) has the extent 4611686018427388000.', node: 'Tile_0' }],
    ['that has no step', of('Slice', ['x', 's', 'e', 'a', 't'], {}, { s: wholes(0), e: wholes(1), a: wholes(0), t: wholes(0) }), { code: 'invalid-node', message: 'Slice `Slice_0`: A step is 0.', node: 'Slice_0', attribute: 'steps' }],
    ['that splits unevenly', of('Split', ['x', 's'], { axis: 1 }, { s: wholes(1, 2) }), { code: 'invalid-node', message: 'Split `Split_0`: 6 elements along axis 1 cannot be split into 1 + 2.', node: 'Split_0', attribute: 'split' }],
    ['that convolves with strides of 0', conv({ strides: [0, 1] }), { code: 'invalid-node', message: 'Conv `Conv_0`: `strides` is (0, 1); it has a positive number for each of 2 dimensions.', node: 'Conv_0', attribute: 'strides' }],
    ['that convolves with negative strides', conv({ strides: [-1, 1] }), { code: 'invalid-node', message: 'Conv `Conv_0`: `strides` is (-1, 1); it has a positive number for each of 2 dimensions.', node: 'Conv_0', attribute: 'strides' }],
    ['that convolves with too few strides', conv({ strides: [1] }), { code: 'invalid-node', message: 'Conv `Conv_0`: `strides` is (1); it has a positive number for each of 2 dimensions.', node: 'Conv_0', attribute: 'strides' }],
    ['that convolves with a huge dilation', conv({ dilations: [2 ** 40, 1] }), { code: 'invalid-node', message: 'Conv `Conv_0`: A window of 2199023255553 elements does not fit into 8.', node: 'Conv_0' }],
    ['that convolves with huge pads', conv({ pads: [2 ** 40, 0, 0, 0] }), { code: 'unsupported-attribute', message: 'Conv `Conv_0`: A tensor of the shape (1, 4, 1099511627782, 6) is too large.', node: 'Conv_0' }],
    ['that convolves in 5 groups', conv({ group: 5 }), { code: 'invalid-node', message: 'Conv `Conv_0`: The image has 3 channels; 5 groups of filters need 15.', node: 'Conv_0' }],
    ['that convolves other channels', conv({}, [4, 2, 3, 3]), { code: 'invalid-node', message: 'Conv `Conv_0`: The image has 3 channels; 1 group of filters needs 2.', node: 'Conv_0' }],
    ['whose kernel is larger than the image', conv({}, [4, 3, 9, 9]), { code: 'invalid-node', message: 'Conv `Conv_0`: A window of 9 elements does not fit into 8.', node: 'Conv_0' }],
    ['that pools with a kernel of 0', { ...conv({}), nodes: [['MaxPool', ['x'], ['y'], { kernel_shape: [0, 2] }]] }, { code: 'invalid-node', message: 'MaxPool `MaxPool_0`: `kernel_shape` is (0, 2); it has a positive number for each of 2 dimensions.', node: 'MaxPool_0', attribute: 'kernel_shape' }],
    ['that needs a shape known only later', { ...of('Reshape', ['x', 's']), inputs: { ...x, s: ['i64', 2] } }, { code: 'unsupported-attribute', message: 'Reshape `Reshape_0`: The shape must be known while compiling; here it depends on inputs of the model.', node: 'Reshape_0' }],
    ['that has too many dimensions', of('Reshape', ['x', 's'], {}, { s: wholes(...new Array<number>(300).fill(1), 12) }), { code: 'unsupported-attribute', message: 'Reshape `Reshape_0`: A tensor of 301 dimensions is not supported; 32 are.', node: 'Reshape_0' }]
  ])('%s', (_, graph, expected) => { check(onnxModel(graph), expected) })
})

describe('what is not supported', () => {
  it('is listed at once, before any work', () => {
    const nodes: readonly OnnxNode[] = [
      ['Loop', ['x'], ['a']], ['Relu', ['a'], ['b']], ['Loop', ['b'], ['c']], ['NonZero', ['c'], ['d']], ['Reshape', ['d', 'nowhere'], ['y']]
    ]
    const { problems } = imported(onnxModel({ inputs: { ...x, nowhere: ['i64', 1] }, outputs: y, nodes }))
    expect(problems.map(p => p.message)).toEqual([
      'The operator Loop is not supported: `Loop_0`, `Loop_2`.', 'The operator NonZero is not supported: `NonZero_3`.'
    ])
  })
})

describe('large files of little content', () => {
  it('100,000 nodes, one behind the other', () => {
    const nodes = Array.from({ length: 100_000 }, (_, i): OnnxNode => ['Relu', [i === 0 ? 'x' : `t${i - 1}`], [`t${i}`]])
    const { model, problems } = imported(onnxModel({ inputs: x, outputs: { t99999: ['f32', 2, 6] }, nodes }))
    expect([model?.graph.nodes.length, problems]).toEqual([100_000, []])
  })
})
