import { cases, constant, signed, type Case } from '../oracle.ts'
import { numbers } from '../support.ts'

const error = 2e-6
const variance = (n: number) => numbers(Array.from({ length: n }, (_, i) => 0.5 + i))

cases('of each channel', [
  ...([[2, 3], [2, 3, 4], [1, 3, 4, 5], [1, 3, 2, 2, 2]] as const).flatMap((shape): readonly Case[] => [
    ['BatchNormalization', [signed(shape), ...[signed([3]), signed([3]), signed([3]), variance(3)].map(constant)], { error }],
    ['BatchNormalization', [signed(shape), signed([3]), signed([3]), signed([3]), variance(3)], { attributes: { epsilon: { float: 0.1 } }, error }]
  ]),
  ['BatchNormalization', [signed([3, 2, 4]), signed([2]), signed([2]), signed([2]), variance(2)],
    { attributes: { training_mode: 1, momentum: { float: 0.7 } }, opset: 15, results: 3, error }],
  ['InstanceNormalization', [signed([2, 3, 4]), signed([3]), signed([3])], { error }],
  ['InstanceNormalization', [signed([1, 2, 4, 5]), signed([2]), signed([2])], { attributes: { epsilon: { float: 0.1 } }, error }],
  ['GroupNormalization', [signed([2, 6, 4, 5]), signed([6]), signed([6])], { attributes: { num_groups: 3 }, opset: 21, error }],
  ['LRN', [signed([1, 5, 3, 4])], { attributes: { size: 3, alpha: { float: 0.1 }, beta: { float: 0.5 }, bias: { float: 2 } }, error }],
  ['LRN', [signed([2, 4, 3, 2])], { attributes: { size: 5 }, error }]
])

cases('of rows', [
  ...[-1, 0, 1, 2].flatMap((axis): readonly Case[] => {
    const shape = [3, 4, 5], row = shape.slice(axis)
    return [
      ['LayerNormalization', [signed(shape), signed(row), signed(row)], { attributes: { axis }, results: 3, error }],
      ['LayerNormalization', [signed(shape), signed(row)], { attributes: { axis, epsilon: { float: 0.1 } }, error }],
      ['RMSNormalization', [signed(shape), signed(row)], { attributes: { axis }, opset: 23, error }]
    ]
  }),
  ['LayerNormalization', [signed([2, 3, 4]), signed([1, 4]), signed([4])], { attributes: { axis: 1 }, error }],
  ...[1, 2].flatMap(p => [-1, 0].map((axis): Case => ['LpNormalization', [signed([3, 4])], { attributes: { axis, p }, error }])),
  ['MeanVarianceNormalization', [signed([2, 3, 4, 2])], { error }],
  ['MeanVarianceNormalization', [signed([2, 3, 4, 2])], { attributes: { axes: [1, -1] }, error }]
])
