import { cases, constant, scalar, signed, wholes, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 1e-6
const reductions = [
  'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSum',
  'ReduceSumSquare'
]
/** Of which there is a logarithm. */
const positive = numbers(Array.from({ length: 24 }, (_, i) => 0.5 + i % 7), 'f32', [2, 3, 4])

cases('axes as attributes', reductions.flatMap((type): readonly Case[] => [
  [type, [positive], { opset: 11, error }],
  [type, [positive], { attributes: { axes: [1] }, opset: 11, error }],
  [type, [positive], { attributes: { axes: [0, -1], keepdims: 0 }, opset: 11, error }]
]))

cases('axes as an input', reductions.flatMap((type): readonly Case[] => [
  [type, [positive], { opset: 18, error }],
  [type, [positive, wholes(-2)], { attributes: { keepdims: 0 }, opset: 18, error }],
  [type, [positive, wholes(0, 2)], { opset: 18, error }],
  [type, [positive], { attributes: { noop_with_empty_axes: 1 }, opset: 18, error }]
]))

cases('of numbers that are hard', [
  ['ReduceLogSumExp', [numbers([1000, 999, -1000, -1001], 'f32', [2, 2]), wholes(1)], { opset: 18, error }],
  ['ReduceLogSumExp', [numbers([-Infinity, -Infinity, -Infinity, 3], 'f32', [2, 2]), wholes(1)], { opset: 18, error }],
  ['ReduceMax', [numbers([-Infinity, -5, -7, -6], 'f32', [2, 2]), wholes(1)], { opset: 18 }],
  ['ReduceSum', [scalar(3)], { opset: 13 }]
])

cases('of whole numbers and conditions', [
  ...['ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceSum', 'ReduceMean', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare'].map((type): Case =>
    [type, [numbers([-3, 2, 7, -8, 5, 6], 'i32', [2, 3]), wholes(1)], { opset: 18 }]),
  ['ReduceSum', [some('i64', [3, 4]), wholes(0)], { opset: 13 }],
  ['ReduceMax', [some('u8', [3, 4]), wholes(0)], { opset: 18 }],
  ['ReduceMax', [numbers([1, 0, 0, 0], 'bool', [2, 2]), wholes(1)], { opset: 20 }],
  ['ReduceMin', [numbers([1, 0, 1, 1], 'bool', [2, 2]), wholes(1)], { opset: 20 }]
])

cases('of nothing', (['ReduceSum', 'ReduceProd', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare'] as const).map((type): Case =>
  [type, [numbers([], 'f32', [2, 0, 3]), wholes(1)], { opset: 18 }]))

const ties = numbers([1, 5, 5, 2, 7, 7, 0, 7, 3, 3, 3, 3], 'f32', [3, 4])
cases('positions of extremes', ['ArgMax', 'ArgMin'].flatMap(type => [0, 1, -1].flatMap(axis => [0, 1].map((select_last_index): Case =>
  [type, [ties], { attributes: { axis, select_last_index, keepdims: select_last_index }, opset: 13 }]))))

cases('cumulations', [0, 1].flatMap(exclusive => [0, 1].flatMap(reverse => [0, -1].map((axis): Case =>
  ['CumSum', [signed([3, 4]), constant(numbers([axis], 'i64', []))], { attributes: { exclusive, reverse }, opset: 14, error }]))))
