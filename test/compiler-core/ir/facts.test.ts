import { describe, expect, it } from 'vitest'
import { binary, constant, ref } from '../../../compiler-core/ir/build.ts'
import { assuming, entering, kernelFacts, noFacts, rangeOf, withLet, withRange } from '../../../compiler-core/ir/facts.ts'
import { blockIdx, threadIdx, type Buffer, type Expr, type Kernel, type Stmt } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { prove } from '../../../compiler-core/ir/prove.ts'
import { simplify } from '../../../compiler-core/ir/simplify.ts'
import { parse, place, variable } from './support.ts'

/** `known`: see `place`. */
function check(known: string, e: string, low: number, high: number): void {
  const { facts, names } = place(known)
  expect(rangeOf(facts, parse(e, names)), `${e} where ${known}`).toEqual({ low, high })
}

const most = 2 ** 31 - 1

describe('ranges', () => {
  it('of numbers', () => {
    check('0 <= i < 8; -3 <= j <= 5', 'i * 4 + j', -3, 33)
    check('0 <= i < 8; -3 <= j <= 5', 'i * j', -21, 35)
    check('-7 <= j <= 5', 'j / 2', -4, 2)
    check('-7 <= j <= 5', 'j % 4', 0, 3)
    check('0 <= i < 8', 'i % 100', 0, 7)
    check('0 <= i < 8; 0 <= k < 100', 'min(i, k) + max(i, k)', 0, 106)
    check('0 <= i < 8', 'i ^ 4', 0, 7)
    check('0 <= i < 8', 'if i < 2 then i else 100', 0, 100)
    check('extent m', 'm', 1, most)
    check('0 <= i < 8', 'i - i', 0, 0)
    check('0 <= i < 8; 2 <= i < 20', 'i', 2, 7)
  })
  it('through symbols', () => {
    check('extent m; 0 <= b < ceil_div(m, 128); 0 <= i < 128', 'b * 128 + i', 0, most)
    check('extent m, n; 0 <= w < ceil_div(m, 128) * ceil_div(n, 64); b = w / ceil_div(n, 64)', 'b * 128', 0, most - 127)
    check('extent k; t = ceil_div(k, 8); first = k - (t - 1) * 8', 'first', 1, 8)
    check('extent m; 0 <= i < m', 'm - i', 1, most)
    check('0 <= x < 1000', 'x - x / 8 * 8', 0, 7)
    check('extent m; m <= 100', 'm * 2', 2, 200)
    check('extent m; m % 64 == 0', 'm', 1, most)
  })
  it('of lets, also of values that may change', () => {
    const m = variable('x', 'mutable'), l = variable('l', 'let')
    const facts = withLet(withRange(noFacts, m, constant(0), constant(9)), l, binary('+', ref(m), constant(1)))
    expect(rangeOf(facts, ref(l))).toEqual({ low: 1, high: 10 })
    expect(prove(facts, binary('==', ref(l), binary('+', ref(m), constant(1))))).toBe(undefined)
  })
  it('of elements by their type', () => {
    const b: Buffer = {
      name: 'b', element: 'u8', scope: 'input', shape: [constant(4)], layout: undefined, origins: []
    }
    const { facts, names } = place('0 <= i < 4', [b])
    expect(rangeOf(facts, parse('index(b[i]) + 1', names))).toEqual({ low: 1, high: 256 })
    expect(rangeOf(facts, parse('index(b[i]) - index(b[i + 0])', names))).toEqual({ low: 0, high: 0 })
  })
})

describe('facts', () => {
  it('are not mixed up with those of another place', () => {
    const i = variable('i'), j = variable('j')
    const e = binary('%', binary('+', ref(i), ref(j)), constant(8))
    const outer = withRange(noFacts, j, constant(0), constant(3))
    const few = withRange(outer, i, constant(0), constant(4)), many = withRange(outer, i, constant(0), constant(15))
    expect(printExpr(simplify(few, e))).toBe('i + j')
    expect(simplify(many, e)).toBe(e)
    expect(simplify(outer, e)).toBe(e)
    expect(printExpr(simplify(few, e))).toBe('i + j')
    const less = binary('<', ref(i), constant(4))
    expect(prove(assuming(many, less), less)).toBe(true)
    expect(prove(many, less)).toBe(undefined)
    expect(printExpr(simplify(assuming(many, less), e))).toBe('i + j')
  })
  it('of a launch', () => {
    const m = variable('m', 'extent')
    const kernel: Kernel = {
      name: 'k', grid: [binary('/', binary('+', ref(m), constant(7)), constant(8)), constant(4), constant(1)],
      block: [256, 2, 1], minBlocks: undefined, body: [], origins: []
    }
    const facts = kernelFacts(kernel)
    expect(rangeOf(facts, ref(threadIdx[0]))).toEqual({ low: 0, high: 255 })
    expect(rangeOf(facts, ref(blockIdx[1]))).toEqual({ low: 0, high: 3 })
    expect(simplify(facts, binary('+', ref(threadIdx[2]), ref(blockIdx[2])))).toMatchObject({ kind: 'constant', value: 0 })
    expect(prove(facts, binary('<', binary('*', ref(blockIdx[0]), constant(8)), ref(m)))).toBe(true)
  })
  it('of a condition hold in a body that does not change what it is about', () => {
    const x = variable('x', 'mutable'), i = variable('i')
    const shared: Buffer = {
      name: 's', element: 'i32', scope: 'shared', shape: [constant(4)], layout: undefined, origins: []
    }
    const names = new Map<string, typeof x | Buffer>([['x', x], ['i', i], ['s', shared]])
    const proves = (condition: string, body: readonly Stmt[], truth = true): boolean => {
      const e = parse(condition, names)
      return prove(entering(noFacts, e, truth, body), e) === truth
    }
    const assign: Stmt = { kind: 'assign', variable: x, value: constant(100), origins: [] }
    expect(proves('x < 4', [])).toBe(true)
    expect(proves('x < 4', [assign])).toBe(false)
    expect(proves('i < 4', [assign])).toBe(true)
    expect(proves('x < 4 && i < 4', [assign])).toBe(false)
    expect(proves('i < 4 || i > 9', [assign], false)).toBe(true)
    expect(proves('index(s[i]) < 4', [])).toBe(false)
    const both = entering(noFacts, parse('x < 4 && i < 4', names), true, [assign])
    expect(prove(both, parse('i < 4', names))).toBe(true)
  })
  it('of floats: only what was told', () => {
    const v = ref(variable('v', 'let', 'f32')), c = (value: number) => constant(value, 'f32')
    const conditions: Expr[] = [
      binary('<', binary('*', binary('max', v, c(1001.5)), c(1002.5)), c(1003.5)), binary('==', v, v),
      binary('<', v, v), binary('<=', v, c(Infinity)), binary('==', binary('-', v, v), c(0))
    ]
    for (const e of conditions) {
      expect(prove(noFacts, e)).toBe(undefined)
      expect(simplify(noFacts, e)).toBe(e)
      const other: Expr = { ...e, operator: '<=', left: binary('+', v, c(1)) } as Expr
      expect(prove(entering(noFacts, e, false, []), other)).toBe(undefined)
    }
  })
})
