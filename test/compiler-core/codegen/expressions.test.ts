import { describe, expect, it } from 'vitest'
import { printCuda } from '../../../compiler-core/codegen/cuda.ts'
import { cast, constant, unary } from '../../../compiler-core/ir/build.ts'
import type { Expr, Type, Variable } from '../../../compiler-core/ir/ir.ts'
import { at, buffer, choose, declare, expr, fn, let_, op, program, sm_80, to, variable } from './support.ts'

const typed = (type: Type) => (name: string) => variable(name, type, 'mutable')
const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(typed('u32')) as [Variable, Variable, Variable, Variable]
const [i, j] = ['i', 'j'].map(typed('i32')) as [Variable, Variable]
const [l, m] = ['l', 'm'].map(typed('i64')) as [Variable, Variable]
const [x, y, z] = ['x', 'y', 'z'].map(typed('f32')) as [Variable, Variable, Variable]
const [g, h] = ['g', 'h'].map(typed('f16')) as [Variable, Variable]
const [s, u] = [typed('i8')('s'), typed('u16')('u')]
const [p, q] = ['p', 'q'].map(typed('bool')) as [Variable, Variable]
const w = typed('f64')('w')
const k = typed('index')('k')
const t = buffer('t', 'f32', 'input', 64)
const all = [a, b, c, d, i, j, l, m, x, y, z, g, h, s, u, p, q, w, k]

/** As the value of a `let` of its type. */
function check(e: Expr, expected: string): void {
  it(expected, () => {
    const body = [...all.map(v => declare(v, expr(0, v.type))), let_(variable('result', e.type), e)]
    const { text } = printCuda(program('p', [t], [{ body }]), sm_80)
    const line = /const [a-z0-9 ]+ result = ([^;]*);/.exec(text)?.[1]
    expect(line?.replace(/\n +/g, ' ')).toBe(expected)
  })
}

describe('parentheses only where C needs them', () => {
  check(op('+', op('*', a, b), c), 'a * b + c')
  check(op('*', op('+', a, b), c), '(a + b) * c')
  check(op('+', a, op('+', b, c)), 'a + b + c')
  check(op('-', a, op('+', b, c)), 'a - (b + c)')
  check(op('-', op('-', a, b), c), 'a - b - c')
  check(op('+', a, op('-', b, c)), 'a + b - c')
  check(op('/', op('%', a, b), c), 'a % b / c')
  check(op('*', a, op('/', b, c)), 'a * (b / c)')
  check(op('*', a, op('*', b, c)), 'a * b * c')
  check(op('*', a, op('*', op('%', b, 8), c)), 'a * (b % 8 * c)')
  check(op('*', a, op('*', op('*', op('/', b, 8), c), d)), 'a * (b / 8 * c * d)')
  check(op('*', a, op('*', b, op('/', c, 8))), 'a * b * (c / 8)')
  check(op('/', a, op('*', b, c)), 'a / (b * c)')
  check(op('+', x, op('+', y, z)), 'x + (y + z)')
  check(op('*', op('*', x, y), z), 'x * y * z')
  check(op('&&', op('<', a, b), op('&&', op('<', c, d), op('==', a, d))), 'a < b && c < d && a == d')
  check(op('||', op('&&', p, q), p), '(p && q) || p')
  check(op('&&', op('||', p, q), p), '(p || q) && p')
  check(unary('!', op('&&', p, q)), '!(p && q)')
  check(op('==', op('<', a, b), p), '(a < b) == p')
  check(choose(op('<', a, b), op('+', c, d), 0), 'a < b ? c + d : 0')
  check(op('+', choose(p, a, b), c), '(p ? a : b) + c')
  check(choose(p, choose(q, a, b), c), 'p ? (q ? a : b) : c')
  check(choose(choose(p, q, p), a, b), '(p ? q : p) ? a : b')
  check(at(t, op('+', op('*', a, 8), b)), 't[a * 8 + b]')
  check(unary('-', op('+', x, y)), '-(x + y)')
  check(unary('-', unary('-', expr(x), []), []), 'x')
})

describe('shifts, masks and mixed logic say how they bind', () => {
  check(op('^', op('+', a, b), 1), '(a + b) ^ 1')
  check(op('<<', a, op('+', b, 1)), 'a << (b + 1)')
  check(op('&', op('>>', a, 3), 7), '(a >> 3) & 7')
  check(op('^', op('^', a, b), c), 'a ^ b ^ c')
  check(op('*', op('&', a, 7), 4), '(a & 7) * 4')
})

describe('signs', () => {
  check(op('+', i, expr(-3, 'i32')), 'i - 3')
  check(op('-', i, expr(-3, 'i32')), 'i + 3')
  check(op('*', i, expr(-3, 'i32')), 'i * -3')
  check(op('-', i, { kind: 'unary', operator: '-', operand: expr(j), type: 'i32', origins: [] }), 'i - -j')
  check({ kind: 'unary', operator: '-', operand: expr(-3, 'i32'), type: 'i32', origins: [] }, '-(-3)')
  check(op('+', x, expr(-0.5, 'f32')), 'x - 0.5f')
})

describe('floor division of signed numbers', () => {
  check(op('/', i, expr(8, 'i32')), 'i >> 3')
  check(op('%', i, expr(8, 'i32')), 'i & 7')
  check(op('/', op('+', i, j), expr(8, 'i32')), '(i + j) >> 3')
  check(op('*', op('%', i, expr(4, 'i32')), expr(2, 'i32')), '(i & 3) * 2')
  check(op('/', i, expr(3, 'i32')), 'floor_div(i, 3)')
  check(op('%', op('+', i, j), j), 'floor_mod(i + j, j)')
  check(op('/', l, m), 'floor_div(l, m)')
  check(op('/', a, 3), 'a / 3')
  check(op('/', x, y), 'x / y')
})

describe('conversions only where C does none', () => {
  check(op('+', l, to('i64', a)), 'l + a')
  check(op('*', to('i64', a), to('i64', b)), '(long long)a * b')
  check(op('*', to('i64', op('+', a, b)), l), '(a + b) * l')
  check(op('*', to('i64', op('+', a, b)), expr(4, 'i64')), '(long long)(a + b) * 4')
  check(to('i64', op('*', a, b)), 'a * b')
  check(at(t, to('i64', op('*', a, b))), 't[a * b]')
  check(to('i32', a), 'int(a)')
  check(op('+', to('u32', i), a), 'unsigned(i) + a')
  check(op('+', to('i32', p), i), 'p + i')
  check(to('f32', op('+', a, b)), 'float(a + b)')
  check(to('f32', to('i64', a)), 'float(a)')
  check(to('u64', i), '(unsigned long long)i')
  check(to('i32', x), 'int(x)')
  check(to('bool', i), 'bool(i)')
  check(to('i64', k), 'k')
  check(op('<', to('i64', a), l), 'a < l')
})

describe('arithmetic in narrow types comes back to them', () => {
  check(op('+', s, s), '(signed char)(s + s)')
  check(op('*', op('+', u, u), u), '(unsigned short)((unsigned short)(u + u) * u)')
  check(op('&', u, u), 'u & u')
  check(to('i32', op('+', s, s)), '(signed char)(s + s)')
})

describe('literals', () => {
  check(constant(5, 'u32'), '5')
  check(constant(3_000_000_000, 'u32'), '3000000000u')
  check(op('<<', expr(1), a), '1u << a')
  check(op('min', a, expr(8)), 'min(a, 8u)')
  check(op('max', l, expr(8, 'i64')), 'max(l, 8ll)')
  check(constant(-(2 ** 31), 'i32'), '(-2147483647 - 1)')
  check(constant(-(2n ** 63n), 'i64'), '(-9223372036854775807ll - 1)')
  check(constant(2n ** 64n - 1n, 'u64'), '18446744073709551615ull')
  check(constant(1, 'bool'), 'true')
  check(constant(1, 'f32'), '1.0f')
  check(constant(0.1, 'f32'), '0.1f')
  check(constant(Math.PI, 'f32'), '3.1415927f')
  check(constant(1e-5, 'f32'), '1e-5f')
  check(constant(1e30, 'f32'), '1e30f')
  check(constant(-0, 'f32'), '-0.0f')
  check(constant(Infinity, 'f32'), 'INFINITY')
  check(constant(-Infinity, 'f64'), '-INFINITY')
  check(constant(NaN, 'f32'), 'NAN')
  check(constant(0.1, 'f64'), '0.1')
  check(constant(1e22, 'f64'), '1e22')
  check(constant(0.5, 'f16'), 'f16(0.5f)')
})

describe('functions', () => {
  check(op('max', x, expr(0, 'f32')), 'fmaxf(x, 0.0f)')
  check(op('min', w, expr(1, 'f64')), 'fmin(w, 1.0)')
  check(op('min', i, j), 'min(i, j)')
  check(fn('exp', op('-', x, y)), 'expf(x - y)')
  check(fn('exp', expr(w)), 'exp(w)')
  check(fn('fma', expr(x), expr(y), expr(z)), 'fmaf(x, y, z)')
  check(fn('round', expr(x)), 'rintf(x)')
  check(fn('abs', expr(x)), 'fabsf(x)')
  check(fn('abs', expr(i)), 'abs(i)')
  check(fn('abs', expr(l)), 'llabs(l)')
  check(fn('abs', expr(a)), 'a')
  check(fn('shfl_xor_sync', expr(x), expr(16)), 'shfl_xor_sync(x, 16)')
})

describe('small floats', () => {
  check(op('+', op('*', g, h), g), 'g * h + g')
  check(op('max', g, expr(0, 'f16')), 'max(g, f16(0.0f))')
  check(op('<', g, h), 'g < h')
  check(unary('-', expr(g)), '-g')
  check(to('f32', g), 'float(g)')
  check(to('f16', op('+', x, y)), 'f16(x + y)')
  check(to('bf16', g), 'bf16(float(g))')
  check(to('i32', g), 'int(float(g))')
  check(to('f16', i), 'f16(float(i))')
  check(fn('exp', op('+', g, h)), 'f16(expf(float(g + h)))')
})

describe('a cast to the same type of float is a place of rounding: its product is not contracted', () => {
  const rounded = (e: Expr) => cast(e, e.type)
  check(op('+', rounded(op('*', x, y)), z), 'mul_rn(x, y) + z')
  check(op('+', rounded(op('+', x, y)), z), 'x + y + z')
  check(op('*', rounded(op('+', x, y)), z), '(x + y) * z')
  check(op('+', rounded(choose(p, op('*', x, y), 0)), z), '(p ? mul_rn(x, y) : 0.0f) + z')
  check(op('+', rounded(unary('-', op('*', x, y))), z), '-mul_rn(x, y) + z')
  check(op('+', op('*', x, y), z), 'x * y + z')
})
