import { cases, constant, scalar, signed, type Case, type More } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 1e-6

type Attributes = NonNullable<More['attributes']>

/** A convolution of an image by filters. */
function conv(image: readonly number[], filters: readonly number[], attributes: Attributes = {}, bias = false): Case {
  return ['Conv', [signed(image), constant(signed(filters)), bias ? signed([filters[0]!]) : undefined], { attributes, error }]
}

cases('convolutions', [
  conv([1, 3, 9], [4, 3, 3]),
  conv([2, 3, 9, 8], [4, 3, 3, 2], {}, true),
  conv([1, 2, 5, 6, 4], [3, 2, 2, 3, 2], { strides: [2, 1, 1] }),
  conv([1, 3, 9, 8], [4, 3, 3, 2], { strides: [2, 3], pads: [1, 0, 2, 1] }),
  conv([1, 3, 9, 8], [4, 3, 3, 2], { dilations: [2, 3], pads: [0, 1, 1, 2] }, true),
  conv([2, 6, 7, 7], [4, 3, 3, 3], { group: 2 }, true),
  conv([1, 4, 7, 7], [4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  conv([1, 4, 7, 7], [8, 1, 5, 3], { group: 4, pads: [2, 1, 2, 1], strides: [2, 2] }),
  conv([1, 8, 5, 5], [3, 8, 1, 1]),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].flatMap(auto_pad => [
    conv([1, 2, 8, 9], [3, 2, 2, 4], { auto_pad }),
    conv([1, 2, 8, 9], [3, 2, 3, 4], { auto_pad, strides: [2, 3] })
  ])
])

const transposed: readonly (readonly [image: readonly number[], filters: readonly number[], Attributes])[] = [
  [[1, 3, 5], [3, 2, 3], {}],
  [[2, 3, 4, 5], [3, 2, 3, 2], { strides: [2, 3] }],
  [[1, 4, 4, 5], [4, 2, 3, 3], { strides: [2, 2], pads: [1, 0, 1, 2], output_padding: [1, 0], group: 2 }],
  [[1, 2, 4, 4], [2, 3, 3, 3], { strides: [3, 2], dilations: [2, 3] }],
  [[1, 2, 4, 4], [2, 3, 2, 2], { strides: [2, 2] }],
  [[1, 2, 3, 3, 2], [2, 1, 2, 2, 2], { strides: [1, 2, 1] }],
  [[1, 1, 3], [1, 1, 4], { strides: [2], auto_pad: 'SAME_UPPER' }],
  [[1, 1, 3], [1, 1, 3], { strides: [2], auto_pad: 'SAME_LOWER' }],
  [[1, 1, 3], [1, 1, 4], { strides: [2], output_shape: [7] }],
  [[1, 1, 3], [1, 1, 4], { strides: [2], output_shape: [7], auto_pad: 'SAME_UPPER' }],
  [[1, 1, 3, 3], [1, 1, 3, 3], { strides: [3, 2], output_shape: [10, 8] }]
]

cases('transposed convolutions', transposed.flatMap(([image, filters, attributes]): readonly Case[] => {
  const given = [signed(image), constant(signed(filters))], channels = filters[1]! * (attributes['group'] === 2 ? 2 : 1)
  return [['ConvTranspose', given, { attributes, error }], ['ConvTranspose', [...given, signed([channels])], { attributes, error }]]
}))

cases('convolutions of whole numbers', [
  ['ConvInteger', [some('u8', [1, 2, 6, 6]), constant(some('u8', [3, 2, 3, 3])), scalar(4, 'u8')], { attributes: { pads: [1, 1, 1, 1] } }],
  ['ConvInteger', [some('u8', [1, 2, 6]), constant(some('u8', [3, 2, 3])), scalar(4, 'u8'), scalar(2, 'u8')]],
  ['QLinearConv', [
    some('u8', [1, 2, 6, 6]), constant(scalar(0.1)), constant(scalar(4, 'u8')), constant(some('i8', [3, 2, 3, 3])),
    constant(numbers([0.2, 0.1, 0.4])), constant(numbers([0, 0, 0], 'i8')), constant(scalar(0.25)), constant(scalar(9, 'u8')),
    constant(numbers([5, -300, 80], 'i32'))
  ]]
])
