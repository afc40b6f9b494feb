// Single operators on awkward data (NaN, infinities, negative whole numbers, ties, indices from the end), as ONNX
// Runtime computes them. What it has no kernel for is left out.
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { cases, constant, scalar, wholes, type Case } from './oracle.ts'
import { numbers, some } from './support.ts'

const range = [-5, -2.5, -1.5, -1, -0.5, -0.1, -0, 0, 0.1, 0.3, 0.5, 0.7, 1, 1.5, 2, 2.5, 3, 10, 100, Number.NaN]
const wide = [...range, 1e10, -1e10, Infinity, -Infinity]
/** Of relu alone NaN becomes 0: it is a maximum, as CUDA's. */
const real = wide.filter(x => !Number.isNaN(x))

cases('functions of one number', [
  ...[
    'Abs', 'Neg', 'Sign', 'Floor', 'Ceil', 'Round', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Erf', 'Asin', 'Acos', 'Atan', 'Sinh', 'Cosh',
    'Tanh', 'Asinh', 'Acosh', 'Atanh', 'Sigmoid', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'Softplus', 'Softsign', 'Gelu', 'HardSigmoid',
    'HardSwish', 'Mish', 'ThresholdedRelu', 'Shrink', 'IsNaN', 'IsInf', 'Identity'
  ].map((type): Case => [type, [numbers(wide)], { opset: 20 }]),
  ['Relu', [numbers(real)]],
  ...['Sin', 'Cos', 'Tan'].map((type): Case => [type, [numbers(range)]]),
  ['Gelu', [numbers(wide)], { opset: 20, attributes: { approximate: 'tanh' } }],
  ['Swish', [numbers(wide)], { opset: 24, attributes: { alpha: { float: 1.5 } } }],
  ['IsInf', [numbers(wide)], { attributes: { detect_negative: 0 } }],
  ['IsInf', [numbers(wide)], { attributes: { detect_positive: 0 } }],
  ...(['i32', 'i64', 'i8'] as const).flatMap(element => ['Abs', 'Neg', 'Sign', 'Relu', 'BitwiseNot'].map(
    (type): Case => [type, [numbers([-5, -1, 0, 1, 7], element)], { opset: 18 }])),
  ['Sign', [numbers([0, 1, 200], 'u8')]],
  ['Not', [numbers([1, 0], 'bool')]],
  ['Dropout', [some('f32', [3, 4])], { results: 2 }]
])

const dividends = [-7, -6, -1, 5, 6, 7, -7, 7], divisors = [2, 3, -4, 3, -4, 7, 7, -2]
const left = [-7.5, -6, -1, 5.3, 6, 1e9, Number.NaN, Infinity, 1, 0, -0]
const right = [2, 3.5, -4, 3, -4.25, 7, 1, 2, Number.NaN, 0, 3]
const comparisons = ['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'], arithmetic = ['Add', 'Sub', 'Mul', 'Div']

cases('whole numbers', [
  ...(['i32', 'i64', 'i8'] as const).flatMap(element => [
    ...[...arithmetic, ...comparisons, 'Max', 'Min', 'Mod'].map((type): Case => [type, [numbers(dividends, element), numbers(divisors, element)]]),
    ['Mod', [numbers(dividends, element), numbers(divisors, element)], { attributes: { fmod: 1 } }] as const,
    ...['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'].map(
      (type): Case => [type, [numbers(dividends, element), numbers(divisors, element)], { opset: 18 }])
  ]),
  ...(['u8', 'u32', 'u64'] as const).flatMap(element => [
    ...[...arithmetic, 'Mod', 'Max', 'Min', 'Less'].map((type): Case => [type, [numbers([200, 3, 0, 250], element), numbers([7, 5, 9, 10], element)]]),
    ...['LEFT', 'RIGHT'].map((direction): Case =>
      ['BitShift', [numbers([200, 3, 1, 250], element), numbers([1, 2, 7, 3], element)], { attributes: { direction } }])
  ]),
  ...(['i32', 'i64'] as const).flatMap((element): readonly Case[] => [
    ['Pow', [numbers([-3, 2, 5, 1], element), numbers([3, 2, 0, 7], element)]],
    ['Pow', [numbers([3, 2, 5, 1], element), numbers([3, 0.5, 0, 7])]]
  ])
])

cases('numbers with a fraction', [
  ...(['f32', 'f64'] as const).flatMap(element => [...arithmetic, ...comparisons, 'Max', 'Min', 'Pow', 'PRelu'].map(
    (type): Case => [type, [numbers(left, element), numbers(right, element)]])),
  ['Mod', [numbers(left.slice(0, 6)), numbers(right.slice(0, 6))], { attributes: { fmod: 1 } }],
  ['Mod', [numbers([5, -5, 3.5, 7]), numbers([Infinity, -Infinity, 1.25, 0.1])], { attributes: { fmod: 1 } }],
  ...[0, 1, 2, 3, -1, 0.5, -2, 1.7].map((e): Case => ['Pow', [numbers(left), constant(scalar(e))]]),
  ...[0, 1, 2, 3, -1].map((e): Case => ['Pow', [numbers([2, 3, -4]), constant(scalar(e, 'i64'))]]),
  ['Max', [numbers(left), numbers(right), scalar(1)]],
  ['Min', [numbers(left)]],
  ['Sum', [numbers(left), numbers(right), numbers([2])]],
  ['Mean', [numbers(left), numbers(right), numbers([2])]],
  ['Clip', [numbers(wide), constant(scalar(-1)), constant(scalar(2))]],
  ['Clip', [numbers(wide), constant(scalar(2)), constant(scalar(-1))]],
  ['Clip', [numbers(wide), scalar(-1), scalar(2)]],
  ['Clip', [numbers(range), undefined, constant(scalar(1))]],
  ['Clip', [numbers([-5, 0, 5], 'i64'), scalar(-1, 'i64'), scalar(2, 'i64')]],
  ['Clip', [numbers(range)], { opset: 9, attributes: { min: { float: -1 }, max: { float: 0.5 } } }]
])

cases('broadcasting, conditions, choices', [
  ['Add', [some('f32', [2, 1, 3]), some('f32', [4, 1])]],
  ['Mul', [some('f32', []), some('f32', [])]],
  ['Add', [constant(some('f32', [1, 1, 1])), some('f32', [3])]],
  ...['And', 'Or', 'Xor', 'Equal'].map((type): Case => [type, [numbers([1, 0, 1, 0], 'bool'), numbers([1, 1, 0, 0], 'bool')]]),
  ['Where', [numbers([1, 0, 1], 'bool'), some('f32', [2, 3]), scalar(9)]],
  ['Where', [numbers([1, 0, 1], 'bool'), some('f32', [2, 3]), constant(scalar(9))]],
  ['Where', [numbers([1, 0], 'bool', [2, 1]), some('i64', [3]), some('i64', [1, 1, 1])]]
])

const types: readonly (readonly [number: number, element: ElementName])[] = [
  [1, 'f32'], [10, 'f16'], [11, 'f64'], [6, 'i32'], [7, 'i64'], [9, 'bool'], [3, 'i8'], [2, 'u8'], [5, 'i16'], [13, 'u64']
]

cases('conversions', types.flatMap(([to, element]): readonly Case[] => [
  ['Cast', [numbers([3.7, 1, 0.5, 0, 0.99, 2.5, 100.7])], { attributes: { to } }],
  ...element.startsWith('u') ? [] : [['Cast', [numbers([-3.7, -1, -0.5, 100.7])], { attributes: { to } }] as const],
  ['Cast', [numbers([-3, -1, 0, 5, 300, 70000], 'i32')], { attributes: { to } }],
  ['Cast', [numbers([-3, -1, 0, 5, 300, 70000], 'i64')], { attributes: { to } }],
  ['Cast', [numbers([0, 5, 255], 'u8')], { attributes: { to } }],
  ['Cast', [numbers([0, 1], 'bool')], { attributes: { to } }],
  ['Cast', [numbers([0, 0.5, 2.75, 100], 'f16')], { attributes: { to } }]
]))

cases('conversions that round', [
  ['Cast', [numbers([Number.NaN, 0, -0, 1e-40, Infinity])], { attributes: { to: 9 } }],
  ['Cast', [numbers([65504, 65519, 65520, 1e-8, 3e-8, 2.98e-8, 6.1e-5, 1.0004883, 1.00146484375, Number.NaN, Infinity])], { attributes: { to: 10 } }],
  ['Cast', [numbers([1.0000001, 1e300, 1e-50, 3.4028235677973366e38], 'f64')], { attributes: { to: 1 } }]
])

const most = 2n ** 63n - 1n, least = -(2n ** 63n)
const moved: readonly ElementName[] = ['f32', 'i64', 'bool', 'f16', 'u8']

cases('shapes', moved.flatMap((element): readonly Case[] => {
  const x = (...shape: readonly number[]) => some(element, shape)
  return [
    ['Transpose', [x(2, 3, 4)]],
    ['Transpose', [x(2, 3, 4)], { attributes: { perm: [1, 2, 0] } }],
    ['Transpose', [x(2, 1, 4)], { attributes: { perm: [1, 0, 2] } }],
    ['Reshape', [x(2, 3, 4), wholes(0, -1)]],
    ['Reshape', [x(2, 3, 4), wholes(-1, 2, 1)]],
    ['Concat', [x(2, 3), x(2, 1), x(2, 4)], { attributes: { axis: -1 } }],
    ['Expand', [x(3, 1), wholes(2, 1, 4)]],
    ['Tile', [x(2, 3), wholes(2, 3)]],
    ...[2, -1, 0].map((axis): Case => ['Flatten', [x(2, 3, 4)], { attributes: { axis } }]),
    ['Slice', [x(5, 6), wholes(4, 1), wholes(least, most), wholes(0, 1), wholes(-2, 2)]],
    ['Slice', [x(5, 6), wholes(-3), wholes(-1), wholes(-1)]],
    ['Slice', [x(5, 6), wholes(3), wholes(-100), wholes(0), wholes(-1)]],
    ['Slice', [x(5), wholes(10), wholes(-10), wholes(0), wholes(-3)]],
    ['Slice', [x(5), wholes(3), wholes(1), wholes(0)]],
    ['Squeeze', [x(1, 3, 1), wholes(-1)]],
    ['Squeeze', [x(1, 3, 1)]],
    ['Unsqueeze', [x(3, 4), wholes(-1, 0)]],
    ['Split', [x(7, 2)], { opset: 18, attributes: { num_outputs: 3 }, results: 3 }],
    ['Split', [x(2, 6), wholes(1, 2, 3)], { attributes: { axis: 1 }, results: 3 }],
    ...element === 'f32' || element === 'u8' ? [
      ['DepthToSpace', [x(1, 8, 2, 3)], { attributes: { blocksize: 2 } }],
      ['DepthToSpace', [x(1, 8, 2, 3)], { attributes: { blocksize: 2, mode: 'CRD' } }],
      ['SpaceToDepth', [x(1, 2, 4, 6)], { attributes: { blocksize: 2 } }]
    ] as const : [],
    ...element === 'bool' || element === 'f16' ? [] : ['constant', 'edge', 'reflect', 'wrap'].flatMap((mode): readonly Case[] => [
      ['Pad', [x(4, 5), wholes(1, 2, 3, 4)], { opset: 19, attributes: { mode } }],
      ['Pad', [x(4, 5), wholes(2, 1), constant(scalar(7, element)), wholes(-1)], { opset: 19, attributes: { mode } }]
    ]),
    ...element === 'u8' ? [] : [[1, 1], [-2, 0], [100, 1]].map(([k, upper]): Case =>
      ['Trilu', [x(2, 4, 5), constant(scalar(k!, 'i64'))], { attributes: { upper: upper! } }])
  ]
}))

cases('indices', moved.flatMap((element): readonly Case[] => {
  const x = (...shape: readonly number[]) => some(element, shape)
  const index = (shape: readonly number[], ...list: readonly number[]) => numbers(list, 'i64', shape)
  return [
    ['Gather', [x(4, 5), index([2, 2], 0, -1, 3, 2)]],
    ['Gather', [x(4, 5), numbers([0, -1, 3, 2], 'i32', [2, 2])], { attributes: { axis: 1 } }],
    ['Gather', [x(4, 5), wholes(0, -1, 3, 2)], { attributes: { axis: 1 } }],
    ['Gather', [x(4, 5), wholes(4, 2, 0)], { attributes: { axis: 1 } }],
    ['Gather', [x(4, 5), constant(scalar(-2, 'i64'))], { attributes: { axis: 1 } }],
    ['GatherElements', [x(3, 4), index([2, 4], 0, -1, 2, 1, 0, 2, 1, -3)]],
    ['GatherElements', [x(3, 4), index([3, 2], 0, -1, 2, 1, 0, 2)], { attributes: { axis: 1 } }],
    ['GatherND', [x(3, 4, 2), index([2, 2], 0, -1, 2, 1)]],
    ['GatherND', [x(3, 4, 2), index([3, 1], 0, -1, 2)], { attributes: { batch_dims: 1 } }],
    ['GatherND', [x(3, 4), index([2], 2, 3)]],
    ['ScatterElements', [x(3, 4), index([2, 4], 0, -1, 2, 1, 1, 2, 0, -3), some(element, [2, 4], 2)]],
    ['ScatterND', [x(4, 3), index([2, 1], 2, -4), x(2, 3)]],
    ['ScatterND', [x(4, 3), index([2, 2], 2, 1, 0, 2), x(2)]],
    ['ReverseSequence', [x(4, 3), index([3], 4, 2, 1)], { attributes: { time_axis: 0, batch_axis: 1 } }],
    ...element === 'f32' || element === 'f16' ? [
      ['OneHot', [index([2, 2], 0, -1, 3, 9), constant(scalar(5, 'i64')), x(2)], { attributes: { axis: 1 } }] as const
    ] : []
  ]
}))

cases('scattering that combines, order, rules', [
  ...(['f32', 'i64', 'f64'] as const).flatMap(element => ['add', 'mul', 'max', 'min'].flatMap((reduction): readonly Case[] => [
    ['ScatterElements', [some(element, [3, 4]), numbers([0, -1, 2, 1, 0, 2, 2, -3], 'i64', [2, 4]), some(element, [2, 4], 2)],
      { opset: 18, attributes: { reduction } }],
    ['ScatterND', [some(element, [4, 3]), numbers([2, 2, -4], 'i64', [3, 1]), some(element, [3, 3])], { opset: 18, attributes: { reduction } }]
  ])),
  ['TopK', [numbers([3, 1, 3, 2, -1, 5, 5]), wholes(4)], { results: 2 }],
  ['TopK', [numbers([3, 1, 3, 2, -1, 5, 5]), wholes(4)], { attributes: { largest: 0 }, results: 2 }],
  ['TopK', [some('i64', [4, 5]), wholes(2)], { attributes: { axis: 0 }, results: 2 }],
  ['Compress', [some('f32', [3, 4]), constant(numbers([1, 0, 1], 'bool'))], { attributes: { axis: 0 } }],
  ['Compress', [some('f32', [3, 4]), constant(numbers([1, 0, 1], 'bool'))]],
  ['Range', [constant(scalar(1)), constant(scalar(4)), constant(scalar(0.3))]],
  ['Range', [constant(scalar(10, 'i64')), constant(scalar(-4, 'i64')), constant(scalar(-3, 'i64'))]],
  ['EyeLike', [some('f32', [3, 5])], { attributes: { k: -1 } }],
  ['EyeLike', [some('i64', [3, 5])], { attributes: { k: 1, dtype: 1 } }],
  ['ConstantOfShape', [wholes(2, 3)], { attributes: { value: { tensor: numbers([5], 'i64') } } }],
  ['Shape', [some('f32', [2, 3, 4])], { attributes: { start: -2 } }],
  ['Size', [some('f32', [2, 3, 4])]]
])

cases('rules of older opsets', [
  ['Squeeze', [some('f32', [1, 3, 1])], { opset: 11, attributes: { axes: [0] } }],
  ['Unsqueeze', [some('f32', [3])], { opset: 11, attributes: { axes: [0, 2] } }],
  ['Pad', [some('f32', [2, 3])], { opset: 9, attributes: { pads: [0, 1, 2, 0], value: { float: 2.5 } } }],
  ['Slice', [some('f32', [4, 5])], { opset: 9, attributes: { starts: [1], ends: [-1], axes: [1] } }],
  ['TopK', [some('f32', [4, 5])], { opset: 9, attributes: { k: 3 }, results: 2 }],
  ['Split', [some('f32', [6, 2])], { opset: 11, attributes: { split: [2, 4] }, results: 2 }],
  ['Reshape', [some('f32', [6, 2]), wholes(3, 4)], { opset: 7 }],
  ['Scatter', [some('f32', [3, 4]), numbers([0, 1, 2, 1], 'i64', [1, 4]), some('f32', [1, 4])], { opset: 10 }]
])
