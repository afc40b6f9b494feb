import { describe, expect, it } from 'vitest'
import {
  and, binary, cast, compare, constant, indexArithmetic, not, ref, select, unary
} from '../../../compiler-core/ir/build.ts'
import type { BinaryOperator, Expr, Type } from '../../../compiler-core/ir/ir.ts'
import type { Origin } from '../../../compiler-core/ir/origin.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { variable } from './support.ts'

const i = ref(variable('i')), x = ref(variable('x', 'let', 'f32')), u = ref(variable('u', 'let', 'u8'))
const n = (value: number | bigint, type: Type = 'index') => constant(value, type)

function check(e: Expr, text: string): void {
  expect(printExpr(e)).toBe(text)
}

/** The value of a fold; undefined where nothing is folded. */
function folded(
  operator: BinaryOperator, left: number | bigint, right: number | bigint, type: Type
): number | bigint | undefined {
  const e = binary(operator, n(left, type), n(right, type))
  return e.kind === 'constant' ? e.value : undefined
}

describe('build', () => {
  it('neutral elements', () => {
    check(binary('+', i, n(0)), 'i')
    check(binary('+', n(0), i), 'i')
    check(binary('*', i, n(1)), 'i')
    check(binary('*', n(0), i), '0')
    check(binary('/', n(0), i), '0')
    check(binary('%', i, n(1)), '0')
    check(binary('<<', i, n(0)), 'i')
    check(binary('+', i, n(-3)), 'i - 3')
    check(binary('-', i, n(-3)), 'i + 3')
    check(binary('-', n(0), i), '-i')
    check(and(), 'true')
    check(and(binary('<', i, n(3)), constant(1, 'bool')), 'i < 3')
    check(select(binary('<', i, n(3)), i, i), 'i')
    check(unary('-', unary('-', i)), 'i')
  })
  it('whole numbers', () => {
    expect(folded('/', -7, 2, 'index')).toBe(-4)
    expect(folded('%', -7, 2, 'index')).toBe(1)
    expect(folded('%', 7, -2, 'index')).toBe(-1)
    expect(folded('/', 1, 0, 'index')).toBe(undefined)
    expect(folded('*', 2 ** 40, 2 ** 40, 'index')).toBe(2n ** 80n)
    expect(folded('-', 2n ** 80n, 2n ** 80n - 5n, 'index')).toBe(5)
    expect(folded('+', 200, 100, 'u8')).toBe(undefined)
    expect(folded('-', 1, 2, 'u32')).toBe(undefined)
    expect(folded('+', 100, 27, 'i8')).toBe(127)
    expect(folded('^', 5, 3, 'i32')).toBe(6)
    expect(folded('min', -5, 3, 'i32')).toBe(-5)
    expect(folded('<', 2n ** 70n, 3, 'index')).toBe(0)
  })
  it('floats', () => {
    expect(folded('+', 0.1, 0.2, 'f64')).toBe(0.1 + 0.2)
    expect(folded('+', Math.fround(0.1), Math.fround(0.2), 'f32')).toBe(Math.fround(Math.fround(0.1) + Math.fround(0.2)))
    expect(folded('*', 1.5, 2, 'f16')).toBe(undefined)
    expect(folded('/', 1, 0, 'f32')).toBe(undefined)
    expect(folded('<', 1, 2, 'f16')).toBe(1)
    check(binary('*', x, n(1, 'f32')), 'x')
    for (const [operator, right] of [['+', 0], ['*', 0], ['-', -0]] as const) {
      expect(binary(operator, x, n(right, 'f32')).kind).toBe('binary')
    }
    expect(binary('-', n(0, 'f32'), x).kind).toBe('binary')
  })
  it('comparisons', () => {
    check(compare('>', i, n(3)), '3 < i')
    check(compare('>=', i, n(3)), '3 <= i')
    check(not(binary('<', i, n(3))), '3 <= i')
    check(not(binary('==', x, n(3, 'f32'))), 'x != 3')
    expect(not(binary('<', x, n(3, 'f32'))).kind).toBe('unary')
  })
  it('conversions', () => {
    check(cast(n(3), 'f32'), '3')
    check(cast(n(300), 'u8'), 'u8(300)')
    check(cast(n(-2.5, 'f32'), 'i32'), '-2')
    check(cast(n(0.1, 'f64'), 'f32'), 'f32(0.1)')
    check(cast(n(2049, 'f32'), 'f16'), 'f16(2049)')
    check(cast(n(2048, 'f32'), 'f16'), '2048')
    check(cast(u, 'u8'), 'u')
    expect(cast(x, 'f32').kind).toBe('cast')
  })
  it('origins of what went stay', () => {
    const origin = (start: number): Origin => ({ range: { uri: 'a', span: { start, end: start + 1 } }, through: undefined })
    const left = ref(variable('i'), [origin(0)])
    const e = binary('*', left, constant(1, 'index', [origin(4)]), [origin(2)])
    expect(e.origins.map(o => o.range.span.start)).toEqual([0, 2, 4])
    expect(binary('+', left, n(0))).toBe(left)
  })
  it('formulas of mappings', () => {
    const a = indexArithmetic()
    check(a.binary('+', a.binary('*', i, a.constant(4)), a.constant(0)), 'i * 4')
    check(a.binary('/', a.constant(8), i), 'if i == 0 then 0 else 8 / i')
    check(a.choose(i, 4, k => a.constant(3 * k + 1)), 'i * 3 + 1')
    check(a.choose(i, 3, k => a.constant([5, 0, 7][k]!)), 'if i < 1 then 5 else if i < 2 then 0 else 7')
    check(a.select(a.binary('<', i, a.constant(3)), i, a.constant(3)), 'if i < 3 then i else 3')
    check(a.binary('+', a.binary('<', i, a.constant(3)), i), 'index(i < 3) + i')
  })
})
