import { cases, signed, type Case, type More } from '../oracle.ts'
import { some } from '../support.ts'

const error = 1e-6

type Attributes = NonNullable<More['attributes']>

/** Windows that leave something over, begin ahead of the image, or end behind it. */
const windows: readonly (readonly [image: readonly number[], attributes: Attributes])[] = [
  [[1, 2, 9], { kernel_shape: [3] }],
  [[2, 1, 7, 8], { kernel_shape: [3, 2], strides: [2, 3] }],
  [[1, 1, 7, 8], { kernel_shape: [3, 2], strides: [2, 3], ceil_mode: 1 }],
  [[1, 2, 7, 7], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  [[1, 1, 6, 7], { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 1, 1, 0], ceil_mode: 1 }],
  [[1, 1, 8, 9], { kernel_shape: [2, 3], dilations: [2, 3], pads: [1, 2, 0, 2] }],
  [[1, 1, 5, 6, 4], { kernel_shape: [2, 3, 2], strides: [2, 2, 1] }],
  [[1, 1, 8, 9], { kernel_shape: [3, 4], strides: [2, 3], auto_pad: 'SAME_UPPER' }],
  [[1, 1, 8, 9], { kernel_shape: [2, 3], strides: [1, 2], auto_pad: 'SAME_LOWER' }],
  [[1, 1, 8, 9], { kernel_shape: [3, 3], auto_pad: 'VALID' }]
]

cases('pools', windows.flatMap(([image, attributes]): readonly Case[] => [
  ['MaxPool', [signed(image)], { attributes, opset: 22, results: 2 }],
  ['AveragePool', [signed(image)], { attributes, opset: 22, error }],
  ['AveragePool', [signed(image)], { attributes: { ...attributes, count_include_pad: 1 }, opset: 22, error }],
  ['LpPool', [signed(image)], { attributes: { ...attributes, p: 1 }, opset: 22, error }],
  ['LpPool', [signed(image)], { attributes: { ...attributes, p: 3 }, opset: 22, error }]
]))

cases('of other types, orders and extents', [
  ['MaxPool', [some('u8', [1, 1, 5, 5])], { attributes: { kernel_shape: [2, 2], pads: [1, 1, 1, 1] } }],
  ['MaxPool', [some('i8', [1, 1, 5, 5], -1)], { attributes: { kernel_shape: [2, 2], pads: [1, 1, 1, 1] } }],
  ['MaxPool', [some('f32', [2, 2, 4, 5])], { attributes: { kernel_shape: [2, 2], storage_order: 1 }, results: 2 }],
  ['LpPool', [signed([1, 1, 4, 5])], { attributes: { kernel_shape: [2, 2] }, error }],
  ...['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool'].flatMap(type =>
    [[2, 3, 4], [1, 3, 4, 5], [1, 2, 1, 1, 3]].map((shape): Case => [type, [signed(shape)], { error }]))
])
