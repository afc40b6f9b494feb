import { describe, it } from 'vitest'
import { arithmeticRules } from '../../../../compiler-core/graph/passes/arithmetic.ts'
import { recognitionRules } from '../../../../compiler-core/graph/passes/recognise.ts'
import { rewrite } from '../../../../compiler-core/graph/passes/rules.ts'
import type { Buffer } from '../../../../compiler-core/ir/ir.ts'
import type { Making } from '../models.ts'
import { checkPass, type Case } from './support.ts'

/** Only what a model computes at the end: what it is spelled out as does not matter here. */
const recognised = (all: readonly (readonly [string, ...Case])[]) => it.each(all)('%s', (_, ...c) =>
  checkPass(m => rewrite(m, [...arithmeticRules, ...recognitionRules]), c))

const add = (m: Making, a: Buffer | number, b: Buffer | number) => m.apply('add', { a, b })
const times = (m: Making, a: Buffer | number, b: Buffer | number) => m.apply('multiply', { a, b })
const over = (m: Making, a: Buffer | number, b: Buffer | number) => m.apply('divide', { a, b })
const of = (m: Making, name: string, x: Buffer) => m.apply(name, { x })
const x = (m: Making) => m.input('x', [2, 3])
const erf = (m: Making, v: Buffer) => add(m, of(m, 'error_function', over(m, v, Math.SQRT2)), 1)

describe('activations', () => {
  recognised([
    ['silu', 'multiply(x, sigmoid(x))', 'silu(x)', m => {
      const v = x(m)
      return [times(m, v, of(m, 'sigmoid', v))]
    }],
    ['silu, the other way round', 'multiply(sigmoid(x), x)', 'silu(x)', m => {
      const v = x(m)
      return [times(m, of(m, 'sigmoid', v), v)]
    }],
    ['hard_swish', 'multiply(x, divide(clip(add(x, 3)), 6))', 'hard_swish(x)', m => {
      const v = x(m)
      return [times(m, v, over(m, m.apply('clip', { x: add(m, v, 3), low: 0, high: 6 }), 6))]
    }],
    ['hard_swish by hard_sigmoid', 'multiply(x, hard_sigmoid(x))', 'hard_swish(x)', m => {
      const v = x(m)
      return [times(m, v, m.apply('hard_sigmoid', { x: v, alpha: 1 / 6, beta: 0.5 }))]
    }],
    ['gelu', 'multiply(multiply(x, add(error_function(divide(x, 1.4142135623730951)), 1)), 0.5)', 'gelu(x)', m => {
      const v = x(m)
      return [times(m, times(m, v, erf(m, v)), 0.5)]
    }],
    ['gelu, halved first', 'multiply(multiply(0.5, x), add(error_function(divide(x, 1.4142135623730951)), 1))', 'gelu(x)', m => {
      const v = x(m)
      return [times(m, times(m, 0.5, v), erf(m, v))]
    }],
    ['gelu_tanh', 'multiply(multiply(0.5, x), add(1, hyperbolic_tangent(multiply(0.7978845608, add(x, multiply(0.044715, power(x, 3)))))))',
      'gelu_tanh(x)', m => {
        const v = x(m), cubic = add(m, v, times(m, 0.044715, m.apply('power', { a: v, b: 3 })))
        return [times(m, times(m, 0.5, v), add(m, 1, of(m, 'hyperbolic_tangent', times(m, 0.7978845608, cubic))))]
      }],
    ['gelu_tanh by products', 'multiply(multiply(0.5, x), add(1, hyperbolic_tangent(multiply(0.7978845608, add(x, multiply(multiply(multiply(x, 0.044715), x), x))))))',
      'gelu_tanh(x)', m => {
        const v = x(m), cubic = add(m, v, times(m, times(m, times(m, v, 0.044715), v), v))
        return [times(m, times(m, 0.5, v), add(m, 1, of(m, 'hyperbolic_tangent', times(m, 0.7978845608, cubic))))]
      }],
    ['not of another tensor', 'multiply(x, sigmoid(y))', 'multiply(x, sigmoid(y))', m => [times(m, x(m), of(m, 'sigmoid', m.input('y', [2, 3])))]],
    ['not with another number', 'multiply(multiply(x, sigmoid(x)), 2)', 'multiply(silu(x), 2)', m => {
      const v = x(m)
      return [times(m, times(m, v, of(m, 'sigmoid', v)), 2)]
    }],
    ['not gelu with another number', 'multiply(multiply(x, add(error_function(divide(x, 1.4142135623730951)), 1)), 0.6)',
      'multiply(multiply(x, add(error_function(divide(x, 1.4142135623730951)), 1)), 0.6)', m => {
        const v = x(m)
        return [times(m, times(m, v, erf(m, v)), 0.6)]
      }],
    ['not where a part is needed', 'multiply(x, sigmoid(x)); negate(sigmoid(x))', 'multiply(x, sigmoid(x)); negate(sigmoid(x))', m => {
      const v = x(m), s = of(m, 'sigmoid', v)
      return [times(m, v, s), of(m, 'negate', s)]
    }]
  ])
})

describe('normalisations', () => {
  const mean = (m: Making, v: Buffer, axes: readonly number[], op: 'avg' | 'sum' = 'avg') => m.apply('reduce', { x: v, axes, op: { reducer: op }, keep: true })
  const norm = (m: Making, v: Buffer, axes: readonly number[], more: { both?: readonly number[]; op?: 'sum' } = {}) => {
    const d = m.apply('subtract', { a: v, b: mean(m, v, axes) })
    const variance = mean(m, m.apply('power', { a: d, b: 2 }), more.both ?? axes, more.op)
    return { d, y: over(m, d, of(m, 'square_root', add(m, variance, 1e-5))) }
  }
  const text = 'divide(subtract(x, reduce(x)), square_root(add(reduce(power(subtract(x, reduce(x)), 2)), 0.00001)))'
  const simplified = text.replace('power(subtract(x, reduce(x)), 2)', 'square(subtract(x, reduce(x)))')
  recognised([
    ['of the last dimension', text, 'standardise(x)', m => [norm(m, m.input('x', [3, 8]), [1]).y]],
    ['of the last two', text, 'reshape[2, 3, 4](standardise(reshape[2, 12](x)))', m => [norm(m, m.input('x', [2, 3, 4]), [1, 2]).y]],
    ['not of another dimension', text, simplified, m => [norm(m, m.input('x', [3, 8]), [0]).y]],
    ['not by two different means', text, simplified, m => [norm(m, m.input('x', [3, 3, 3]), [2], { both: [1] }).y]],
    ['not by a sum', text, simplified, m => [norm(m, m.input('x', [3, 8]), [1], { op: 'sum' }).y]],
    ['not where the difference is needed', `${text}; subtract(x, reduce(x))`, `${simplified}; subtract(x, reduce(x))`, m => {
      const { d, y } = norm(m, m.input('x', [3, 8]), [1])
      return [y, d]
    }]
  ])
})
