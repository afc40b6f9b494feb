import { describe, expect, it } from 'vitest'
import { load, ref } from '../../../compiler-core/ir/build.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { elementAt, isPointwise, reductionOf } from '../../../compiler-core/operators/inline.ts'
import {
  addition, at, axis, batchMatmul, computed, f, mul, n, operator, relu, sub, sum, tensor
} from './support.ts'

const x = tensor('x', [56]), m = tensor('m', [4, 6])

describe('an element', () => {
  const t = ref({ name: 't', type: 'index', role: 'loop' })
  const padded = (to: number, shift: number) =>
    operator('pad', [x], [to], i => load(x, [sub(i, n(shift))], f(0)))
  const check = (o: ReturnType<typeof operator>, expected: string) =>
    expect(printExpr(elementAt(o, o.outputs[0]!.buffer, [t]))).toBe(expected)

  it('has the index in place of the axes', () => check(relu(x), 'max(x[t], 0)'))
  it('keeps the bounds of a read that are open', () =>
    check(padded(58, 1), 'if 0 <= t - 1 && t - 1 < 56 then x[t - 1] else 0'))
  it('has no bound that the shape implies', () => check(padded(40, 1), 'if 0 <= t - 1 then x[t - 1] else 0'))
  it('has no condition where all bounds hold', () => check(padded(56, 0), 'x[t]'))
  it('has stages in it', () => {
    const stage = tensor('s', [58], 'f32', 'workspace')
    const o = operator('window', [x], [29], i => mul(at(stage, mul(n(2), i)), f(3)), {
      stages: [[stage, i => load(x, [sub(i, n(1))], f(0))]]
    })
    expect(isPointwise(o)).toBe(true)
    check(o, '(if 0 <= 2 * t - 1 && 2 * t - 1 < 56 then x[2 * t - 1] else 0) * 3')
  })
  it('of an input is a load of it', () => expect(printExpr(elementAt(relu(x), x, [t]))).toBe('x[t]'))
})

describe('families', () => {
  const total = (of: Buffer) => operator('total', [of], [4], i => {
    const p = axis('p', 6)
    return mul(sum(at(of, i, ref(p.variable)), p), f(0.5))
  })
  it('tells pointwise operators from reductions', () => {
    expect([relu(x), addition(m, m), total(m), batchMatmul(tensor('a', [1, 2, 3]), tensor('b', [1, 3, 2]))]
      .map(o => [isPointwise(o), reductionOf(o) !== undefined]))
      .toEqual([[true, false], [true, false], [false, true], [false, true]])
  })
  it('takes a reduction apart', () => {
    const reduction = reductionOf(total(m))!, i = ref({ name: 'i', type: 'index', role: 'loop' })
    const p = ref({ name: 'p', type: 'index', role: 'loop' }), acc = ref({ name: 'acc', type: 'f32', role: 'mutable' })
    expect(reduction.reduce.reducer).toBe('sum')
    expect(printExpr(reduction.at([i], [p]))).toBe('m[i, p]')
    expect(printExpr(reduction.finish(acc, [i]))).toBe('acc * 0.5')
  })
  it('has no single reduction in two', () => {
    const stage = tensor('s', [4], 'f32', 'workspace')
    const o = operator('softmaxish', [m], [4, 6], (i, j) => mul(at(m, i, j), at(stage, i)), {
      stages: [[stage, i => {
        const p = axis('p', 6)
        return sum(at(m, i, ref(p.variable)), p)
      }]]
    })
    expect([isPointwise(o), reductionOf(o)]).toEqual([false, undefined])
  })
})

it('computes what the definition says', () => {
  const a = tensor('a', [1, 2, 3]), b = tensor('b', [1, 3, 2])
  expect(computed(batchMatmul(a, b), new Map([[a, [1, 2, 3, 4, 5, 6]], [b, [1, 0, 0, 1, 1, 1]]])))
    .toEqual([4, 5, 10, 11])
})
