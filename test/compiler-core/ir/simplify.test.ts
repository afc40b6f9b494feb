import { describe, expect, it } from 'vitest'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { simplify } from '../../../compiler-core/ir/simplify.ts'
import { parse, place } from './support.ts'

/** `known`: see `place`. */
function check(known: string, before: string, after: string): void {
  const { facts, names } = place(known)
  expect(printExpr(simplify(facts, parse(before, names))), before).toBe(after)
}

const ij = 'extent m, n, k; 0 <= i < 8; 0 <= j < 4; 0 <= x < 256; 0 <= w < 1024'

describe('simplify', () => {
  it('neutral elements and constants', () => {
    check(ij, 'i + 0', 'i')
    check(ij, '0 + i', 'i')
    check(ij, 'i * 1 - 0', 'i')
    check(ij, 'i * 0', '0')
    check(ij, 'i / 1', 'i')
    check(ij, 'i % 1', '0')
    check(ij, '3 + i + 4', 'i + 7')
    check(ij, 'i - 3 + 3', 'i')
    check(ij, 'i + (3 - 5)', 'i - 2')
    check(ij, '(i + 3) - (j + 3)', 'i - j')
    check(ij, 'i * 2 * 4', 'i * 8')
    check(ij, 'i + i + i', 'i * 3')
    check(ij, 'i - i', '0')
    check(ij, '2 - (3 - i)', 'i - 1')
    check(ij, '0 - i', '-i')
  })
  it('division and remainder', () => {
    check(ij, 'i / 8', '0')
    check(ij, 'i % 8', 'i')
    check(ij, '(i * 4 + j) / 4', 'i')
    check(ij, '(i * 4 + j) % 4', 'j')
    check(ij, '(x * 8 + i) / 8 % 4', 'x % 4')
    check(ij, 'x / 8 / 4', 'x / 32')
    check(ij, 'x % 32 % 8', 'x % 8')
    check(ij, 'x % 32 / 8', 'x % 32 / 8')
    check(ij, 'x / 8 * 8 + x % 8', 'x')
    check(ij, 'x % 8 + x / 8 * 8', 'x')
    check(ij, 'x / 32 * 32 + x / 8 % 4 * 8 + x % 8', 'x')
    check(ij, 'x - x / 8 * 8', 'x % 8')
    check('0 <= l', 'l / 7000 * 7000 + l / 7 % 1000 * 7 + l % 7', 'l')
    check('0 <= j0 < 4; 0 <= j1 < 6', '(j0 * 6 + j1) / 8 * 8 + (j0 * 6 + j1) % 8', 'j0 * 6 + j1')
    check(ij, '(x * 4) / 8', 'x / 2')
    check(ij, '(x * 4 + 3) / 8', 'x / 2')
    check(ij, '(i - 8) / 8', '-1')
    check(ij, '(i - 8) % 8', 'i')
    check(ij, 'x / 32 % 2 * 32 / 32', 'x / 32 % 2')
    check(ij, '(x / 8 * 16 + i) / 16', 'x / 8')
    check(ij, '(x / 32 * 64 + x % 32 / 8 * 4 + j) / 32 % 4', 'x / 32 * 2 % 4')
  })
  it('symbolic extents', () => {
    check('extent m, k; 0 <= i < m; 0 <= p < k', '(i * k + p) / k', 'i')
    check('extent m, k; 0 <= i < m; 0 <= p < k', '(i * k + p) % k', 'p')
    check('extent a, b, c; 0 <= i < a; 0 <= j < b; 0 <= l < c', '((i * b + j) * c + l) / (b * c)', 'i')
    check('extent a, b, c; 0 <= i < a; 0 <= j < b; 0 <= l < c', '((i * b + j) * c + l) / c % b', 'j')
    check('extent a, b, c; 0 <= i < a; 0 <= j < b; 0 <= l < c', '((i * b + j) * c + l) % c', 'l')
    check('extent m, n, k', '(m * k + n) - (n + m * k)', '0')
    check('extent m, n; 0 <= w < m * n', 'w / n * n + w % n', 'w')
  })
  it('keeps what is written well', () => {
    check(ij, '(x * m + i) * k + j', '(x * m + i) * k + j')
    check(ij, 'x * 64 + i * 8 + j', 'x * 64 + i * 8 + j')
    check(ij, '(x * 64 + i) * 8', '(x * 64 + i) * 8')
    check(ij, 'm - 1 - i', 'm - 1 - i')
    check(ij, 'x / 8 % 4', 'x / 8 % 4')
  })
  it('conditions', () => {
    check(ij, 'i < 8', 'true')
    check(ij, 'i < 0', 'false')
    check(ij, 'i + 3 < 7', 'i < 4')
    check(ij, 'x + i < x + m', 'i < m')
    check(ij, 'x * 4 < 14', 'x < 4')
    check(ij, 'i < m && true', 'i < m')
    check(ij, 'i < m && x < 300', 'i < m')
    check(ij, 'x < m && x + 1 <= m', 'x < m')
    check(ij, 'x < 4 && x < 8', 'x < 4')
    check(ij, 'x < 8 && x < 4', 'x < 4')
    check(ij, 'if x < 4 then x % 4 else 1', 'if x < 4 then x else 1')
    check(ij, '!(x < 4)', '4 <= x')
    check(ij, 'x * 2 == 3', 'false')
  })
  it('lets', () => {
    check('0 <= x < 256; i = x / 8', 'i * 8 + 3', 'i * 8 + 3')
    check('0 <= x < 256; i = x / 8', 'i * 8 + x % 8', 'x')
    check('0 <= l; i0 = l / 7000; i1 = l / 7 % 1000; i2 = l % 7', '(i0 * 1000 + i1) * 7 + i2', 'l')
    check('extent m, n; 0 <= l < m * n; i = l / n; j = l % n', 'i * n + j', 'l')
    check('0 <= x < 64; 0 <= r < 4; i = x * 4 + r', 'i % 4', 'r')
    check('0 <= x < 64; 0 <= r < 4; i = x * 4 + r', 'i / 4', 'x')
  })
})
