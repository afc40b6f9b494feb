import { describe, it } from 'vitest'
import { arithmeticRules } from '../../../../compiler-core/graph/passes/arithmetic.ts'
import { rewrite } from '../../../../compiler-core/graph/passes/rules.ts'
import { transformRules } from '../../../../compiler-core/graph/passes/transforms.ts'
import { weightRules } from '../../../../compiler-core/graph/passes/weights.ts'
import type { Buffer } from '../../../../compiler-core/ir/ir.ts'
import type { Making } from '../models.ts'
import { checkPass, type Case } from './support.ts'

const simplified = (cases: readonly Case[]) => it.each(cases.map(c => [`${c[0]}  ->  ${c[0] === c[1] ? 'stays' : c[1]}`, c] as const))(
  '%s', (_, c) => checkPass(m => rewrite(m, [...transformRules, ...arithmeticRules, ...weightRules]), c))

const image = { strides: [1, 1], dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1 }
const conv = (m: Making, x: Buffer, w: Buffer) => m.apply('conv', { x, w, ...image })
const add = (m: Making, a: Buffer | number, b: Buffer | number) => m.apply('add', { a, b })
const multiply = (m: Making, a: Buffer | number, b: Buffer | number) => m.apply('multiply', { a, b })
const reshape = (m: Making, x: Buffer, to: readonly number[]) => m.apply('reshape', { x, to })
const cast = (m: Making, x: Buffer, dtype: 'f16' | 'f32' | 'i32' | 'i64' | 'f64') => m.apply('cast', { x, U: { dtype } })

describe('known summands and factors', () => {
  simplified([
    ['add(a, x)', 'add(x, a)', m => [add(m, m.constant('a', [3]), m.input('x', [2, 3]))]],
    ['add(a, x)', 'add(a, x)', m => [add(m, m.input('a', [3]), m.input('x', [2, 3]))]],
    ['multiply(2, x)', 'multiply(x, 2)', m => [multiply(m, 2, m.input('x', [2, 3]))]],
    ['subtract(x, a)', 'add(x, {negate(a)})', m => [m.apply('subtract', { a: m.input('x', [2, 3]), b: m.constant('a', [3]) })]],
    ['subtract(x, 3)', 'add(x, -3)', m => [m.apply('subtract', { a: m.input('x', [2, 3]), b: 3 })]],
    ['subtract(a, x)', 'subtract(a, x)', m => [m.apply('subtract', { a: m.constant('a', [3]), b: m.input('x', [2, 3]) })]],
    ['add(add(x, a), b)', 'add(x, {add(a, b)})', m => [add(m, add(m, m.input('x', [2, 3]), m.constant('a', [3])), m.constant('b', [2, 1]))]],
    ['add(add(x, 1), 2)', 'add(x, 3)', m => [add(m, add(m, m.input('x', [2, 3]), 1), 2)]],
    ['add(add(x, a), add(y, b))', 'add(add(x, y), {add(a, b)})', m => [
      add(m, add(m, m.input('x', [2, 3]), m.constant('a', [3])), add(m, m.input('y', [2, 3]), m.constant('b', [3])))
    ]]
  ])
  describe('stay where the sum in between is read by somebody else', () => {
    simplified([
      ['add(add(x, a), b); relu(add(x, a))', 'add(add(x, a), b); relu(add(x, a))', m => {
        const s = add(m, m.input('x', [2, 3]), m.constant('a', [3]))
        return [add(m, s, m.constant('b', [3])), m.apply('relu', { x: s })]
      }],
      ['add(x, a); add(add(x, a), b)', 'add(x, a); add(add(x, a), b)', m => {
        const s = add(m, m.input('x', [2, 3]), m.constant('a', [3]))
        return [s, add(m, s, m.constant('b', [3]))]
      }]
    ])
  })
  describe('stay where rounding is coarse', () => {
    simplified([
      ['add(add(x, 1), 2)', 'add(add(x, 1), 2)', m => [add(m, add(m, m.input('x', [2, 3], 'f16'), 1), 2)]]
    ])
  })
})

describe('powers', () => {
  simplified([
    ['power(x, 2)', 'square(x)', m => [m.apply('power', { a: m.input('x', [5]), b: 2 })]],
    ['power(x, p)', 'square(x)', m => [m.apply('power', { a: m.input('x', [5]), b: m.constant('p', [1], [2]) })]],
    ['relu(power(x, 1))', 'relu(x)', m => [m.apply('relu', { x: m.apply('power', { a: m.input('x', [5]), b: 1 }) })]],
    ['power(x, -1)', 'reciprocal(x)', m => [m.apply('power', { a: m.input('x', [5]), b: -1 })]],
    ['power(x, 0.5)', 'square_root(x)', m => [m.apply('power', { a: m.input('x', [5]), b: 0.5 })]],
    ['power(x, 2.5)', 'power(x, 2.5)', m => [m.apply('power', { a: m.input('x', [5]), b: 2.5 })]],
    ['power(x, p)', 'power(x, p)', m => [m.apply('power', { a: m.input('x', [5]), b: m.constant('p', [5]) })]],
    ['power(x, p)', 'power(x, p)', m => [m.apply('power', { a: m.input('x', [5]), b: m.constant('p', [2, 1], [2, 2]) })]]
  ])
})

describe('factors behind weights', () => {
  const x = (m: Making) => m.input('x', [1, 2, 4, 4]), w = (m: Making) => m.constant('w', [3, 2, 3, 3])
  simplified([
    ['multiply(conv(x, w), c)', 'conv(x, {multiply(w, reshape[3, 1, 1, 1](c))})', m => [multiply(m, conv(m, x(m), w(m)), m.constant('c', [3, 1, 1]))]],
    ['multiply(conv(x, w), 2)', 'conv(x, {multiply(w, 2)})', m => [multiply(m, conv(m, x(m), w(m)), 2)]],
    // a batch normalisation behind a convolution with a bias: what is left is the convolution and one sum
    ['add(multiply(add(conv(x, w), b), s), t)', 'add(conv(x, {multiply(w, reshape[3, 1, 1, 1](s))}), {add(multiply(b, s), t)})', m => {
      const channel = (name: string) => m.constant(name, [3, 1, 1])
      return [add(m, multiply(m, add(m, conv(m, x(m), w(m)), channel('b')), channel('s')), channel('t'))]
    }],
    ['batch_norm(conv(x, w), g, s, u, v)',
      'add(conv(x, {multiply(w, reshape[3, 1, 1, 1](reshape[3, 1, 1](multiply(g, inverse_square_root(add(v, 0.00001))))))}), '
      + '{reshape[3, 1, 1](subtract(s, multiply(u, multiply(g, inverse_square_root(add(v, 0.00001))))))})', m => {
        const [g, s, u, v] = ['g', 's', 'u', 'v'].map(name => m.constant(name, [3]))
        return [m.apply('batch_norm', { x: conv(m, x(m), w(m)), gain: g, shift: s, mean: u, variance: v, epsilon: 1e-5 })]
      }],
    ['multiply(conv_transpose(x, w), c)', 'conv_transpose(x, {multiply(w, c)})', m => [multiply(m,
      m.apply('conv_transpose', { x: x(m), w: m.constant('w', [2, 3, 2, 2]), ...image, before: [0, 0], after: [0, 0], extra: [0, 0] }),
      m.constant('c', [1, 3, 1, 1]))]],
    ['multiply(batch_matmul(x, w), c)', 'batch_matmul(x, {multiply(w, c)})', m => [
      multiply(m, m.apply('batch_matmul', { a: m.input('x', [2, 3, 4]), b: m.constant('w', [2, 4, 5]) }), m.constant('c', [5]))
    ]],
    ['multiply(batch_matmul(w, x), c)', 'batch_matmul({multiply(w, c)}, x)', m => [
      multiply(m, m.apply('batch_matmul', { a: m.constant('w', [2, 3, 4]), b: m.input('x', [2, 4, 5]) }), m.constant('c', [3, 1]))
    ]]
  ])
  describe('stay', () => {
    simplified([
      // the convolution's own result is read
      ['multiply(conv(x, w), c); relu(conv(x, w))', 'multiply(conv(x, w), c); relu(conv(x, w))', m => {
        const y = conv(m, x(m), w(m))
        return [multiply(m, y, m.constant('c', [3, 1, 1])), m.apply('relu', { x: y })]
      }],
      // a factor for each column of the image
      ['multiply(conv(x, w), c)', 'multiply(conv(x, w), c)', m => [multiply(m, conv(m, x(m), w(m)), m.constant('c', [4]))]],
      // weights that are not known
      ['multiply(conv(x, w), c)', 'multiply(conv(x, w), c)', m => [multiply(m, conv(m, x(m), m.input('w', [3, 2, 3, 3])), m.constant('c', [3, 1, 1]))]],
      // a factor for each row, of a product by known columns
      ['multiply(batch_matmul(x, w), c)', 'multiply(batch_matmul(x, w), c)', m => [
        multiply(m, m.apply('batch_matmul', { a: m.input('x', [2, 3, 4]), b: m.constant('w', [2, 4, 5]) }), m.constant('c', [3, 1]))
      ]],
      ['multiply(add(x, a), b)', 'multiply(add(x, a), b)', m => [multiply(m, add(m, m.input('x', [2, 3]), m.constant('a', [3])), m.constant('b', [3]))]]
    ])
  })
})

describe('what moves and converts', () => {
  simplified([
    ['relu(reshape[2, 3](x))', 'relu(x)', m => [m.apply('relu', { x: reshape(m, m.input('x', [2, 3]), [2, 3]) })]],
    ['reshape[2, 3](x)', 'x', m => [reshape(m, m.input('x', [2, 3]), [2, 3])]],
    ['reshape[3, 2](reshape[6](x))', 'reshape[3, 2](x)', m => [reshape(m, reshape(m, m.input('x', [2, 3]), [6]), [3, 2])]],
    ['add(reshape[1, 14, 14, 8](x), b)', 'reshape[1, 14, 14, 8](add(x, {reshape[1, 1, 8](b)}))', m => [
      add(m, reshape(m, m.input('x', [1, 196, 8]), [1, 14, 14, 8]), m.constant('b', [8]))
    ]],
    ['multiply(reshape[6, 4](x), b)', 'reshape[6, 4](multiply(x, {reshape[2, 3, 1](b)}))', m => [
      multiply(m, reshape(m, m.input('x', [2, 3, 4]), [6, 4]), m.constant('b', [6, 1]))
    ]],
    // a bias of each row of the reshaped tensor is none of the tensor itself
    ['add(reshape[1, 14, 14, 8](x), b)', 'add(reshape[1, 14, 14, 8](x), b)', m => [
      add(m, reshape(m, m.input('x', [1, 196, 8]), [1, 14, 14, 8]), m.constant('b', [14, 1]))
    ]],
    ['add(reshape[6](x), b); relu(reshape[6](x))', 'add(reshape[6](x), b); relu(reshape[6](x))', m => {
      const y = reshape(m, m.input('x', [2, 3]), [6])
      return [add(m, y, m.constant('b', [6])), m.apply('relu', { x: y })]
    }],
    ['relu(cast[f16](cast[f32](x)))', 'relu(x)', m => [m.apply('relu', { x: cast(m, cast(m, m.input('x', [3], 'f16'), 'f32'), 'f16') })]],
    ['cast[f64](cast[i64](x))', 'cast[f64](x)', m => [cast(m, cast(m, m.input('x', [3], 'i32'), 'i64'), 'f64')]],
    // the type in between cannot hold all values
    ['cast[f32](cast[f16](x))', 'cast[f32](cast[f16](x))', m => [cast(m, cast(m, m.input('x', [3]), 'f16'), 'f32')]],
    ['cast[f32](cast[i32](x))', 'cast[f32](cast[i32](x))', m => [cast(m, cast(m, m.input('x', [3]), 'i32'), 'f32')]]
  ])
})
