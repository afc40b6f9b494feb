import { cases, signed, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 1e-6, types = ['Softmax', 'LogSoftmax', 'Hardmax']

cases('over one dimension', types.flatMap(type => [-1, 0, 1, 2].map((axis): Case =>
  [type, [signed([3, 4, 5])], { attributes: { axis }, opset: 13, error }])))

cases('before opset 13 over all dimensions from the axis on', types.flatMap(type => [
  ...[0, 1, 2, -1].map((axis): Case => [type, [signed([3, 4, 5])], { attributes: { axis }, opset: 11, error }]),
  [type, [signed([3, 4, 5])], { opset: 7, error }] satisfies Case
]))

cases('of rows that are hard', types.flatMap((type): readonly Case[] => [
  [type, [numbers([1e4, 9999, -1e4, 1, 1, 1], 'f32', [2, 3])], { error }],
  [type, [some('f32', [4, 1])], { error }]
]).concat([
  ['Softmax', [some('f64', [2, 7])], { error }],
  ['Softmax', [numbers([-Infinity, -Infinity, -Infinity, 0], 'f32', [2, 2])]],
  ['LogSoftmax', [numbers([-Infinity, 5, 5, 5], 'f32', [2, 2])]],
  ['Hardmax', [numbers([3, 3, 1, 2, 2, 2], 'f32', [2, 3])]]
]))
