// What single ONNX nodes become, and what stands in the way. Their values are checked by the files of each kind.
import { describe, expect, it } from 'vitest'
import type { OnnxAttribute, OnnxType } from '../../../../harness/onnx.ts'
import type { TensorData } from '../../../../../compiler-core/graph/tensor-data.ts'
import { textOf } from '../../models.ts'
import { imported, numbers, some } from '../support.ts'

/** Inputs by name; data is a constant. */
type Inputs = Readonly<Record<string, OnnxType | TensorData>>
type Case = readonly [
  expected: string, type: string, inputs: Inputs, attributes?: Readonly<Record<string, OnnxAttribute>>, opset?: number
]

/** The model as an expression, or its problem. */
function check([expected, type, inputs, attributes = {}, opset = 17]: Case): void {
  const all = Object.entries(inputs), isData = (x: OnnxType | TensorData): x is TensorData => 'bytes' in x
  const { model, problems } = imported({
    opset,
    inputs: Object.fromEntries(all.flatMap(([name, x]) => isData(x) ? [] : [[name, x] as const])),
    constants: Object.fromEntries(all.flatMap(([name, x]) => isData(x) ? [[name, x] as const] : [])),
    outputs: { result: ['f32'] }, nodes: [[type, all.map(([name]) => name.startsWith('_') ? '' : name), ['result'], attributes]]
  })
  expect(model ? textOf(model) : problems.map(p => `${p.code}: ${p.message}`).join('\n')).toBe(expected)
}

function cases(title: string, list: readonly Case[]): void {
  describe(title, () => {
    for (const each of list) it(`${each[1]}: ${each[0]}`, () => { check(each) })
  })
}

const image = ['f32', 1, 4, 6, 6] as const, filters = some('f32', [8, 4, 3, 3]), perFilter = some('f32', [8])
const matrix = ['f32', 3, 4] as const, four = some('f32', [4])
const absent = ['f32', 1] as const

cases('are as few operators as they can be', [
  ['conv(x, w)', 'Conv', { x: image, w: filters }],
  ['add(conv(x, w), b)', 'Conv', { x: image, w: filters, b: perFilter }],
  ['add(multiply(x, {reshape[4, 1, 1](multiply(g, inverse_square_root(add(v, 0.000009999999747378752))))}), {reshape[4, 1, 1](subtract(s, '
    + 'multiply(m, multiply(g, inverse_square_root(add(v, 0.000009999999747378752))))))})',
  'BatchNormalization', { x: image, g: four, s: four, m: four, v: four }, { epsilon: { float: 1e-5 } }],
  ['batch_norm(x, g, s, m, v)', 'BatchNormalization', { x: image, g: ['f32', 4], s: ['f32', 4], m: ['f32', 4], v: ['f32', 4] }],
  ['max_pool(x)', 'MaxPool', { x: image }, { kernel_shape: [2, 2] }],
  ['reduce(x)', 'GlobalAveragePool', { x: image }],
  ['softmax(x)', 'Softmax', { x: image }],
  ['softmax(x)', 'Softmax', { x: matrix }, {}, 11],
  ['reshape[1, 4, 6, 6](softmax(reshape[1, 144](x)))', 'Softmax', { x: image }, {}, 11],
  ['transpose(softmax(transpose(x)))', 'Softmax', { x: image }, { axis: 1 }],
  ['batch_matmul(reshape[1, 3, 4](x), b)', 'MatMul', { x: matrix, b: some('f32', [1, 4, 5]) }],
  ['add(reshape[3, 5](batch_matmul(reshape[1, 3, 4](a), {reshape[1, 4, 5](transpose(b))})), c)',
    'Gemm', { a: matrix, b: some('f32', [5, 4]), c: some('f32', [5]) }, { transB: 1 }],
  ['reshape[2, 3, 4, 5](batch_matmul(reshape[6, 4, 6](x), reshape[6, 6, 5](expand[2, 3, 6, 5](y))))',
    'MatMul', { x: ['f32', 2, 3, 4, 6], y: ['f32', 3, 6, 5] }],
  ['layer_norm(x, g, s)', 'LayerNormalization', { x: matrix, g: four, s: four }],
  ['multiply(standardise(x), g)', 'LayerNormalization', { x: matrix, g: four }],
  ['x', 'Resize', { x: image, _: absent, s: numbers([1, 1, 1, 1]) }, { mode: 'linear' }],
  ['nearest(x)', 'Resize', { x: image, _: absent, s: numbers([1, 1, 2, 2]) }],
  ['resample(resample(x, {resample_weights(-0.75)}), {resample_weights(-0.75)})',
    'Resize', { x: image, _: absent, s: numbers([1, 1, 2, 2]) }, { mode: 'linear' }]
])

cases('that are not supported say why', [
  ['unsupported-attribute: BatchNormalization `BatchNormalization_0`: Statistics of each element are not supported; only of each channel.',
    'BatchNormalization', { x: image, g: four, s: four, m: four, v: four }, { spatial: 0 }, 7],
  ['unsupported-attribute: Resize `Resize_0`: The nearest elements of a region are not supported.',
    'Resize', { x: image, r: numbers([0, 0, 0, 0, 1, 1, 0.5, 1]), s: numbers([1, 1, 2, 2]) }, { coordinate_transformation_mode: 'tf_crop_and_resize' }],
  ['unsupported-attribute: CumSum `CumSum_0`: The axis must be known while compiling; here it depends on inputs of the model.',
    'CumSum', { x: matrix, axis: ['i64'] }],
  ['unsupported-attribute: RNN `RNN_0`: 65 steps are too many to write out; the limit is 64.',
    'RNN', { x: ['f32', 65, 1, 2], w: some('f32', [1, 3, 2]), r: some('f32', [1, 3, 3]) }]
])

cases('that are wrong say what', [
  ['invalid-node: Conv `Conv_0`: The image has 4 channels; 2 groups of filters need 8.', 'Conv', { x: image, w: filters }, { group: 2 }],
  ['invalid-node: Conv `Conv_0`: `kernel_shape` is (2, 3), but the filters are (3, 3).', 'Conv', { x: image, w: filters }, { kernel_shape: [2, 3] }],
  ['invalid-node: Conv `Conv_0`: `pads` has 3 numbers for 2 dimensions; it has two for each.', 'Conv', { x: image, w: filters }, { pads: [1, 1, 1] }],
  ['invalid-node: Conv `Conv_0`: `strides` is (0, 1); it has a positive number for each of 2 dimensions.', 'Conv', { x: image, w: filters }, { strides: [0, 1] }],
  ['invalid-node: MaxPool `MaxPool_0`: A window of 7 elements does not fit into 6.', 'MaxPool', { x: image }, { kernel_shape: [7, 1] }],
  ['invalid-node: Softmax `Softmax_0`: The axis 4 is outside of a tensor with 4 dimensions.', 'Softmax', { x: image }, { axis: 4 }],
  ['invalid-node: MatMul `MatMul_0`: Matrices of the shapes (3, 4) and (3, 5) have no product.', 'MatMul', { a: matrix, b: ['f32', 3, 5] }],
  ['invalid-node: Einsum `Einsum_0`: The equation has 1 operands; there are 2.', 'Einsum', { a: matrix, b: matrix }, { equation: 'ij->i' }],
  ['invalid-node: Resize `Resize_0`: The scales are (1, 1, 0, 2); there is one above 0 for each of 4 dimensions.',
    'Resize', { x: image, _: absent, s: numbers([1, 1, 0, 2]) }]
])
