import { cases, constant, signed, wholes, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 2e-6, floats = (...list: readonly number[]) => constant(numbers(list))
const coordinates = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric']
const roundings = ['floor', 'ceil', 'round_prefer_floor', 'round_prefer_ceil']
const image = signed([1, 2, 4, 5])

cases('nearest', coordinates.flatMap(coordinate_transformation_mode => roundings.flatMap((nearest_mode): readonly Case[] => {
  const attributes = { mode: 'nearest', coordinate_transformation_mode, nearest_mode }
  return [
    ['Resize', [image, undefined, floats(1, 1, 2, 1.5)], { attributes, opset: 19 }],
    ['Resize', [image, undefined, floats(1, 1, 0.6, 0.8)], { attributes, opset: 19 }],
    ['Resize', [image, undefined, undefined, wholes(1, 2, 7, 8)], { attributes, opset: 19 }]
  ]
})))

cases('weighted', ['linear', 'cubic'].flatMap(mode => coordinates.flatMap((coordinate_transformation_mode): readonly Case[] => {
  const attributes = { mode, coordinate_transformation_mode }
  return [
    ['Resize', [image, undefined, floats(1, 1, 2, 1.5)], { attributes, opset: 19, error }],
    ['Resize', [image, undefined, floats(1, 1, 0.6, 0.8)], { attributes, opset: 19, error }],
    ['Resize', [image, undefined, undefined, wholes(1, 2, 7, 3)], { attributes, opset: 19, error }],
    ['Resize', [image, undefined, undefined, wholes(1, 2, 1, 9)], { attributes, opset: 19, error }]
  ]
})))

cases('with further attributes', [
  ...['linear', 'cubic'].map((mode): Case =>
    ['Resize', [signed([1, 1, 9, 8]), undefined, undefined, wholes(1, 1, 4, 3)], { attributes: { mode, antialias: 1 }, opset: 19, error }]),
  ['Resize', [image, undefined, floats(1, 1, 0.8, 2)], { attributes: { mode: 'cubic', exclude_outside: 1, cubic_coeff_a: { float: -0.5 } }, error }],
  ['Resize', [image, floats(0, 0, 0.2, -0.3, 1, 1, 0.7, 1.4), undefined, wholes(1, 2, 3, 4)],
    { attributes: { mode: 'linear', coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: { float: 7 } }, error }],
  ['Resize', [image, undefined, floats(2, 1.5)], { attributes: { axes: [2, 3] }, opset: 19 }],
  ['Resize', [image, undefined, undefined, wholes(8, 8)], { attributes: { axes: [3, 2], keep_aspect_ratio_policy: 'not_larger' }, opset: 19 }],
  ['Resize', [image, undefined, undefined, wholes(8, 8)], { attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller' }, opset: 19 }],
  ['Resize', [some('u8', [1, 1, 2, 3]), undefined, floats(1, 1, 2, 2)], { opset: 19 }],
  ['Resize', [image, floats(1, 1, 2, 1.5)], { opset: 10 }],
  ['Upsample', [image, floats(1, 1, 2, 3)], { opset: 9 }],
  ['Upsample', [image, floats(1, 1, 2, 1.5)], { attributes: { mode: 'linear' }, opset: 9, error }],
  ['Upsample', [image], { attributes: { scales: { floats: [1, 1, 2, 3] } }, opset: 7 }]
])
