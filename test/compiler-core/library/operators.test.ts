/** Each operator of the library, by the schedules that serve it, against a plain computation of each element. */
import { describe, it } from 'vitest'
import { checkComputes, type Expected, type Tensor } from './support.ts'

type Case = readonly [instance: string, expected: Expected, error?: number]

function cases(list: readonly Case[]): void {
  for (const [instance, expected, error] of list) {
    it(instance, () => { checkComputes(instance, expected, { error: error ?? 0 }) })
  }
}

const f32 = Math.fround

/** Of one tensor, element by element. */
const each = (f: (x: number) => number): Expected => ([x], i) => f(x!.at(...i))
/** The index of a broadcast operand. */
const aligned = (t: Tensor, i: readonly number[]): readonly number[] =>
  t.shape.map((extent, d) => extent === 1 ? 0 : i[i.length - t.shape.length + d] ?? 0)
/** Of two tensors, with broadcasting. */
const both = (f: (a: number, b: number) => number): Expected => ([a, b], i) =>
  f(a!.at(...aligned(a!, i)), b!.at(...aligned(b!, i)))

const rough = 1e-5

describe('element by element', () => {
  cases([
    ['relu.flat(s: (8, 1024))', each(x => Math.max(x, 0))],
    ['relu.flat(s: (7, 13))', each(x => Math.max(x, 0))],
    ['relu.flat(s: (5,), threads: 128)', each(x => Math.max(x, 0))],
    ['relu.flat(T: i32, s: (4, 4))', each(x => Math.max(x, 0))],
    ['negate.flat(s: (3, 4))', each(x => -x)],
    ['absolute.flat(s: (3, 4))', each(Math.abs)],
    ['exponential.flat(s: (6,))', each(Math.exp), rough],
    ['reciprocal.flat(s: (2, 3), T: f64)', each(x => 1 / x)],
    ['leaky_relu.flat(s: (16,), alpha: 0.5)', each(x => x >= 0 ? x : 0.5 * x)],
    ['sigmoid.flat(s: (16,))', each(x => 1 / (1 + Math.exp(-x))), rough],
    ['silu.flat(s: (16,))', each(x => x / (1 + Math.exp(-x))), rough],
    ['hyperbolic_tangent.flat(s: (16,))', each(Math.tanh), rough],
    ['sine.flat(s: (16,))', each(Math.sin), rough],
    ['cosine.flat(s: (16,))', each(Math.cos), rough],
    ['floor_of.flat(s: (16,))', each(Math.floor)],
    ['ceiling_of.flat(s: (16,))', each(Math.ceil)],
    ['rounded.flat(s: (16,))', each(Math.round)],
    ['hard_sigmoid.flat(s: (16,))', each(x => Math.max(Math.min(0.2 * x + 0.5, 1), 0)), rough],
    ['hard_swish.flat(s: (16,))', each(x => x * Math.max(Math.min(x / 6 + 0.5, 1), 0)), rough],
    ['elu.flat(s: (16,))', each(x => x >= 0 ? x : Math.exp(x) - 1), rough],
    ['softplus.flat(s: (16,))', each(x => Math.log(1 + Math.exp(x))), rough],
    ['clip.flat(s: (16,), low: -2, high: 3)', each(x => Math.min(Math.max(x, -2), 3))],
    ['clip.flat(s: (16,))', each(x => x)],
    ['cast.flat(T: f32, U: f16, s: (4, 8))', each(x => x)],
    ['cast.flat(T: f32, U: i32, s: (9,))', each(x => x)],
    ['logical_not.flat(s: (4, 4))', each(x => 1 - x)],
    ['bitwise_not.flat(T: i32, s: (4, 4))', each(x => ~x)],
    ['sign_of.flat(s: (16,))', each(Math.sign)],
    ['square.flat(s: (16,))', each(x => x * x)],
    ['cube.flat(T: i32, s: (16,))', each(x => x * x * x)],
    ['is_nan.flat(s: (16,))', each(() => 0)],
    ['is_infinite.flat(s: (16,))', each(() => 0)],
    ['gelu_tanh.flat(s: (16,))', each(x => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))), 1e-3],
    ['thresholded_relu.flat(s: (16,), alpha: 2)', each(x => x > 2 ? x : 0)],
    ['selu.flat(s: (16,))', each(x => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.exp(x) - 1))), rough],
    ['celu.flat(s: (16,), alpha: 2)', each(x => x > 0 ? x : 2 * (Math.exp(x / 2) - 1)), rough],
    ['softsign.flat(s: (16,))', each(x => x / (1 + Math.abs(x))), rough],
    ['mish.flat(s: (16,))', each(x => x * Math.tanh(Math.log(1 + Math.exp(x)))), rough],
    ['swish.flat(s: (16,), alpha: 0.5)', each(x => x / (1 + Math.exp(-0.5 * x))), rough],
    ['shrink.flat(s: (16,), bias: 0.5, limit: 2)', each(x => x < -2 ? x + 0.5 : x > 2 ? x - 0.5 : 0)],
    ['shrink.flat(T: i32, s: (16,), bias: 1, limit: 2)', each(x => x < -2 ? x + 1 : x > 2 ? x - 1 : 0)],
    ['tangent.flat(s: (16,))', each(Math.tan), rough],
    ['arc_tangent.flat(s: (16,))', each(Math.atan), rough],
    ['hyperbolic_sine.flat(s: (16,))', each(Math.sinh), rough],
    ['hyperbolic_cosine.flat(s: (16,))', each(Math.cosh), rough],
    ['inverse_hyperbolic_sine.flat(s: (16,))', each(Math.asinh), rough]
  ])
})

describe('with broadcasting', () => {
  cases([
    ['add.flat(s: (4, 8), t: (4, 8))', both((a, b) => a + b)],
    ['add.flat(s: (2, 3, 4, 4), t: (3, 1, 1))', both((a, b) => a + b)],
    ['subtract.flat(s: (7, 5), t: (5,))', both((a, b) => a - b)],
    ['multiply.flat(s: (4, 1), t: (1, 5))', both((a, b) => a * b)],
    ['divide.flat(T: f64, s: (4,), t: (1,))', both((a, b) => a / b)],
    ['divide.flat(T: i32, s: (40,), t: (1,))', both((a, b) => Math.floor(a / b))],
    ['maximum.flat(s: (4, 8), t: (8,))', both(Math.max)],
    ['minimum.flat(s: (8,), t: (4, 8))', both(Math.min)],
    ['truncated_divide.flat(T: i32, s: (4, 16), t: (4, 1))', both((a, b) => Math.trunc(a / b))],
    ['modulo.flat(T: i32, s: (4, 16), t: (4, 1))', both((a, b) => a - b * Math.floor(a / b))],
    ['remainder.flat(T: i32, s: (4, 16), t: (4, 1))', both((a, b) => a % b)],
    ['float_remainder.flat(s: (4, 16), t: (4, 1))', both((a, b) => a % b)],
    ['prelu.flat(s: (4, 8), t: (8,))', both((x, slope) => x < 0 ? slope * x : x)],
    ['less_equal.flat(s: (16,), t: (16,))', both((a, b) => Number(a <= b))],
    ['greater_equal.flat(s: (16,), t: (16,))', both((a, b) => Number(a >= b))],
    ['logical_xor.flat(s: (16,), t: (16,))', both((a, b) => a ^ b)],
    ['bitwise_and.flat(T: i32, s: (16,), t: (16,))', both((a, b) => a & b)],
    ['bitwise_or.flat(T: i32, s: (16,), t: (16,))', both((a, b) => a | b)],
    ['bitwise_xor.flat(T: i32, s: (16,), t: (16,))', both((a, b) => a ^ b)],
    ['equal.flat(T: i32, s: (16,), t: (16,))', both((a, b) => Number(a === b))],
    ['less.flat(s: (16,), t: (16,))', both((a, b) => Number(a < b))],
    ['greater.flat(s: (16,), t: (16,))', both((a, b) => Number(a > b))],
    ['logical_and.flat(s: (16,), t: (16,))', both((a, b) => a & b)],
    ['logical_or.flat(s: (16,), t: (16,))', both((a, b) => a | b)],
    ['select.flat(r: (4, 4), s: (4, 4), t: (1,))', ([c, a, b], i) => c!.at(...i) ? a!.at(...i) : b!.at(0)],
    ['batch_norm.flat(n: 1, c: 4, s: (3, 5))', ([x, gain, shift, mean, variance], [b = 0, f = 0, ...i]) =>
      (x!.at(b, f, ...i) - mean!.at(f)) / Math.sqrt(variance!.at(f) + 1e-5) * gain!.at(f) + shift!.at(f), rough]
  ])
})

describe('that move elements', () => {
  cases([
    ['transpose.flat(s: (2, 3, 4, 5), perm: (0, 3, 1, 2))', ([x], [a = 0, b = 0, c = 0, d = 0]) => x!.at(a, c, d, b)],
    ['reshape.flat(s: (1, 12, 5), to: (3, 4, 5))', ([x], [a = 0, b = 0, c = 0]) => x!.at(0, a * 4 + b, c)],
    ['expand.flat(s: (1, 8, 1), to: (4, 8, 16))', ([x], [, b = 0]) => x!.at(0, b, 0)],
    ['pad.flat(s: (3, 5), before: (1, 0), after: (0, 2), value: 7)', ([x], [i = 0, j = 0]) =>
      i >= 1 && j < 5 ? x!.at(i - 1, j) : 7],
    ['pad2d.flat(n: 1, c: 2, h: 5, w: 6, p: 2)', ([x], [, f = 0, i = 0, j = 0]) =>
      i >= 2 && i < 7 && j >= 2 && j < 8 ? x!.at(0, f, i - 2, j - 2) : 0],
    ['concat.flat(s: (2, 3), t: (2, 5), axis: 1)', ([a, b], [i = 0, j = 0]) => j < 3 ? a!.at(i, j) : b!.at(i, j - 3)],
    ['concat.flat(s: (2, 3), t: (4, 3), axis: 0)', ([a, b], [i = 0, j = 0]) => i < 2 ? a!.at(i, j) : b!.at(i - 2, j)],
    ['slice.flat(s: (10, 12), begin: (1, 11), size: (3, 4), step: (2, -3))', ([x], [i = 0, j = 0]) =>
      x!.at(1 + 2 * i, 11 - 3 * j)],
    ['gather.flat(s: (40, 6), t: (8,), axis: 0)', ([x, at], [i = 0, j = 0]) => x!.at((at!.at(i) + 40) % 40, j)],
    ['gather.flat(s: (3, 20, 5), t: (2, 4), axis: 1)', ([x, at], [a = 0, i = 0, j = 0, b = 0]) =>
      x!.at(a, (at!.at(i, j) + 20) % 20, b)],
    ['tile.flat(s: (2, 3), times: (2, 3))', ([x], [i = 0, j = 0]) => x!.at(i % 2, j % 3)],
    ['pad_edge.flat(s: (3, 5), before: (1, 2), after: (2, -1))', ([x], [i = 0, j = 0]) =>
      x!.at(Math.min(Math.max(i - 1, 0), 2), Math.max(j - 2, 0))],
    ['pad_mirrored.flat(s: (3, 1), before: (2, 1), after: (2, 0))', ([x], [i = 0]) => x!.at([2, 1, 0, 1, 2, 1, 0][i]!, 0)],
    ['pad_wrapped.flat(s: (3, 2), before: (2, 0), after: (2, 0))', ([x], [i = 0, j = 0]) => x!.at((i + 1) % 3, j)],
    ['pad_with.flat(T: i32, s: (3, 2), v: (), before: (1, 0), after: (0, 1))', ([x, value], [i = 0, j = 0]) =>
      i >= 1 && j < 2 ? x!.at(i - 1, j) : value!.at()],
    ['triangle.flat(s: (2,), m: 4, n: 5, k: 1)', ([x], [b = 0, i = 0, j = 0]) => j - i >= 1 ? x!.at(b, i, j) : 0],
    ['triangle.flat(T: bool, s: (2,), m: 4, n: 5, k: -1, upper: false)', ([x], [b = 0, i = 0, j = 0]) =>
      j - i <= -1 ? x!.at(b, i, j) : 0],
    ['identity_matrix.flat(rows: 3, columns: 5, k: 2)', (_, [i = 0, j = 0]) => Number(j - i === 2)],
    ['one_hot.flat(s: (6,), two: 2, depth: 9, axis: 0)', ([at, values], [k = 0, i = 0]) =>
      values!.at(Number(at!.at(i) === k || at!.at(i) + 9 === k))],
    ['gather_elements.flat(s: (40, 6), t: (8, 5), axis: 0)', ([x, at], [i = 0, j = 0]) => x!.at((at!.at(i, j) + 40) % 40, j)],
    ['gather_parts.flat(s: (40, 6, 3), t: (8,), k: 1)', ([x, at], [i = 0, ...rest]) => x!.at((at!.at(i, 0) + 40) % 40, ...rest)],
    ['gather_parts.flat(s: (4, 40, 3), t: (4, 8), k: 1, batch: 1)', ([x, at], [b = 0, i = 0, j = 0]) =>
      x!.at(b, (at!.at(b, i, 0) + 40) % 40, j)]
  ])
})

describe('that scatter, and order', () => {
  const row = (t: Tensor, i: number) => Array.from({ length: t.shape[1]! }, (_, p) => t.at(i, p))
  const named = (at: Tensor, i: number, j: number, extent: number) =>
    row(at, i).flatMap((k, p) => k === j || k + extent === j ? [p] : [])
  cases([
    ['last_position.warp_per_result(t: (3, 9), s: (3, 10), axis: 1)', ([at], [i = 0, j = 0]) => named(at!, i, j, 10).at(-1) ?? -1],
    ['last_position.thread_per_result(t: (9, 3), s: (10, 4), axis: 0)', ([at], [i = 0, j = 0]) =>
      j === 3 ? -1 : Array.from({ length: 9 }, (_, p) => p).findLast(p => (at!.at(p, j) + 10) % 10 === i) ?? -1],
    ['scattered.warp_per_result(s: (3, 10), t: (3, 9), axis: 1, op: sum)', ([at, updates], [i = 0, j = 0]) =>
      sum(named(at!, i, j, 10).map(p => updates!.at(i, p)))],
    ['scattered.warp_per_result(T: i32, s: (3, 10), t: (3, 9), axis: 1, op: prod)', ([at, updates], [i = 0, j = 0]) =>
      named(at!, i, j, 10).reduce((product, p) => product * updates!.at(i, p), 1)],
    ['rank_of.warp_per_result(s: (3, 20), axis: 1)', ([x], [i = 0, j = 0]) =>
      row(x!, i).filter((v, p) => v > x!.at(i, j) || v === x!.at(i, j) && p < j).length],
    ['rank_of.warp_per_result(T: i32, s: (3, 20), axis: 1, largest: false)', ([x], [i = 0, j = 0]) =>
      row(x!, i).filter((v, p) => v < x!.at(i, j) || v === x!.at(i, j) && p < j).length],
    ['position_of_rank.warp_per_result(s: (3, 20), axis: 1, count: 4)', ([rank], [i = 0, j = 0]) =>
      Math.max(0, row(rank!, i).lastIndexOf(j))]
  ])
})

/** Combines what lies in a tensor at the indices that `index` gives, for all reduced indices of a shape. */
function over(axes: readonly number[], combine: (values: readonly number[]) => number,
  index: (i: readonly number[], p: readonly number[]) => readonly number[]): Expected {
  const all = axes.reduce<readonly (readonly number[])[]>((list, extent) =>
    list.flatMap(p => Array.from({ length: extent }, (_, i) => [...p, i])), [[]])
  return ([x], i) => combine(all.map(p => x!.at(...index(i, p))))
}
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const first = (values: readonly number[], best: (...values: number[]) => number): number =>
  values.indexOf(best(...values))

describe('reductions', () => {
  cases([
    ['reduce.warp_per_result(s: (3, 200), axes: (1,), op: sum)', over([200], sum, ([i = 0], p) => [i, ...p])],
    ['reduce.warp_per_result(s: (3, 77), axes: (1,), op: max)', over([77], v => Math.max(...v), ([i = 0], p) => [i, ...p])],
    ['reduce.warp_per_result(s: (2, 4, 3, 5), axes: (2, 3), op: avg, keep: true)',
      over([3, 5], v => f32(sum(v) / 15), ([a = 0, b = 0], p) => [a, b, ...p])],
    ['reduce.warp_per_result(s: (9,), axes: (0,), op: min)', over([9], v => Math.min(...v), (_, p) => p)],
    ['reduce.warp_per_result(s: (2, 256), axes: (1,), op: sum, T: f16)', over([256], sum, ([i = 0], p) => [i, ...p])],
    ['reduce.thread_per_result(s: (4, 10, 8), axes: (1,), op: max)',
      over([10], v => Math.max(...v), ([a = 0, b = 0], [p = 0]) => [a, p, b])],
    ['reduce.thread_per_result(s: (2, 3, 9), axes: (0, 1), op: prod)',
      over([2, 3], v => v.reduce((a, b) => a * b), ([b = 0], [p = 0, q = 0]) => [p, q, b])],
    ['reduce.thread_per_result(T: i32, s: (6, 300), axes: (0,), op: sum, keep: true)',
      over([6], sum, ([, b = 0], [p = 0]) => [p, b])],
    ['arg_max.warp_per_result(s: (3, 100), axis: 1)', over([100], v => first(v, Math.max), ([i = 0], p) => [i, ...p])],
    ['arg_min.thread_per_result(s: (16, 30), axis: 0, keep: true)', over([16], v => first(v, Math.min), ([, j = 0], [p = 0]) => [p, j])]
  ])
})

const softmax: Expected = ([x], i) => {
  const row = i.slice(0, -1), n = x!.shape.at(-1) ?? 0
  const total = Array.from({ length: n }, (_, j) => Math.exp(x!.at(...row, j))).reduce((a, b) => a + b)
  return Math.exp(x!.at(...i)) / total
}
const layerNorm: Expected = ([x, gain, shift], i) => {
  const row = i.slice(0, -1), n = x!.shape.at(-1) ?? 0, j = i.at(-1) ?? 0
  const values = Array.from({ length: n }, (_, p) => x!.at(...row, p)), mean = sum(values) / n
  const variance = sum(values.map(v => (v - mean) ** 2)) / n
  return (x!.at(...i) - mean) / Math.sqrt(variance + 1e-5) * gain!.at(j) + shift!.at(j)
}

describe('rows', () => {
  cases([
    ['softmax.warp_per_row(s: (2, 3), n: 128)', softmax, rough],
    ['softmax.warp_per_row(s: (5,), n: 77)', softmax, rough],
    ['softmax.online(s: (2,), n: 300, threads: 128)', softmax, rough],
    ['layer_norm.block_per_row(s: (2,), n: 300, threads: 64)', layerNorm, 1e-4],
    ['layer_norm.block_per_row(s: (3,), n: 50, threads: 64)', layerNorm, 1e-4]
  ])
})
