import { cases, signed, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 2e-6
/** (batch, heads, positions, head size) */
const queries = signed([2, 4, 3, 8]), keys = signed([2, 4, 5, 8]), values = signed([2, 4, 5, 6])

cases('attention', [
  ['Attention', [queries, keys, values], { opset: 23, error }],
  ['Attention', [queries, keys, values], { attributes: { scale: { float: 0.1 }, softcap: { float: 0.5 } }, opset: 23, error }],
  ['Attention', [queries, keys, values], { attributes: { is_causal: 1 }, opset: 23, error }],
  ['Attention', [queries, signed([2, 2, 5, 8]), signed([2, 2, 5, 6])], { opset: 23, error }],
  ['Attention', [queries, keys, values, signed([3, 5])], { opset: 23, error }],
  ['Attention', [queries, keys, values, signed([2, 1, 3, 5])], { opset: 23, error }],
  ['Attention', [queries, keys, values, numbers([1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1], 'bool', [3, 5])], { opset: 23, error }],
  ['Attention', [signed([2, 3, 32]), signed([2, 5, 16]), signed([2, 5, 12])],
    { attributes: { q_num_heads: 4, kv_num_heads: 2 }, opset: 23, error }],
  ['Attention', [queries, keys, values, undefined, signed([2, 4, 2, 8]), signed([2, 4, 2, 6])], { opset: 23, results: 3, error }]
])

const angles = some('f32', [6, 4], 0.3)
cases('rotary embedding', [0, 1].flatMap((interleaved): readonly Case[] => [
  ['RotaryEmbedding', [signed([2, 3, 2, 8]), angles, some('f32', [6, 4], 0.2), numbers([1, 5, 0, 2], 'i64', [2, 2])],
    { attributes: { interleaved }, opset: 23, error }],
  ['RotaryEmbedding', [signed([2, 2, 24]), some('f32', [2, 2, 4], 0.3), some('f32', [2, 2, 4], 0.2)],
    { attributes: { interleaved, num_heads: 3 }, opset: 23, error }]
]))
