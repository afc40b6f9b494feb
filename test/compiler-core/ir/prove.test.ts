import { describe, expect, it } from 'vitest'
import { prove, sameValue } from '../../../compiler-core/ir/prove.ts'
import { parse, place } from './support.ts'

/** `known`: see `place`. */
function check(known: string, condition: string, truth: boolean | undefined): void {
  const { facts, names } = place(known)
  expect(prove(facts, parse(condition, names)), `${condition} where ${known}`).toBe(truth)
}

const proved = (known: string, ...conditions: readonly string[]) => {
  for (const c of conditions) check(known, c, true)
}
const open = (known: string, ...conditions: readonly string[]) => {
  for (const c of conditions) check(known, c, undefined)
}

describe('prove', () => {
  it('ranges', () => {
    proved('0 <= i < 8; 0 <= j < 4', 'i < 8', '0 <= i', 'i * 4 + j < 32', 'i - j > 0 - 4', 'i / 2 <= 3', 'i % 3 < 3', 'i != 9')
    check('0 <= i < 8', 'i < 0', false)
    check('0 <= i < 8', 'i == 8', false)
    open('0 <= i < 8', 'i < 7', 'i == 3')
    proved('extent m', 'm >= 1', 'm - 1 >= 0')
  })
  it('symbolic bounds', () => {
    proved('extent m, k; 0 <= i < m; 0 <= p < k', 'i * k + p < m * k', '0 <= i * k + p', 'i <= m - 1', 'i < m')
    proved('extent a, b, c; 0 <= i < a; 0 <= j < b; 0 <= l < c', '(i * b + j) * c + l < a * b * c')
    proved('extent m, n; 0 <= w < m * n', 'w / n < m', 'w % n < n', 'w / n * n <= w')
    proved('extent m, n; 0 <= w < ceil_div(m, 128) * ceil_div(n, 64)',
      'w / ceil_div(n, 64) <= ceil_div(m, 128) - 1', 'w % ceil_div(n, 64) < ceil_div(n, 64)',
      'w / ceil_div(n, 64) * 128 < m + 127', 'w / ceil_div(n, 64) * 128 < m')
    proved('extent m', 'ceil_div(m, 128) * 128 <= m + 127', 'ceil_div(m, 128) * 128 >= m', '(ceil_div(m, 128) - 1) * 128 < m')
    open('extent m, k; 0 <= i < m; 0 <= p < k', 'i < k', 'i * k + p < m')
  })
  it('the first tile is the partial one', () => {
    for (const bk of [4, 8, 16, 32]) {
      const tiles = `extent k; k_tiles = ceil_div(k, ${bk}); first_k = k - (k_tiles - 1) * ${bk}; 0 <= p < ${bk}`
      proved(tiles, 'first_k >= 1', `first_k <= ${bk}`, 'k_tiles >= 1')
      proved(`${tiles}; 0 <= t < k_tiles - 1`, `first_k + t * ${bk} + p < k`, `0 <= first_k + t * ${bk} + p`)
      proved(`${tiles}; p < first_k`, 'p < k')
      proved(`${tiles}; width = first_k; k0 = 0; p < width`, 'k0 + p < k', '0 <= k0 + p')
      open(tiles, 'p < k', 'p < first_k')
      open(`${tiles}; 0 <= t < k_tiles`, `first_k + t * ${bk} + p < k`)
    }
  })
  it('extents that divide', () => {
    proved('extent m; m % 64 == 0; 0 <= bi < ceil_div(m, 64); 0 <= i < 64', 'bi * 64 + i < m')
    proved('extent m; m % 64 == 0; 0 <= bi < m / 64; 0 <= i < 64', 'bi * 64 + i < m')
    open('extent m; 0 <= bi < ceil_div(m, 64); 0 <= i < 64', 'bi * 64 + i < m')
    proved('extent m; 0 <= bi < ceil_div(m, 64); 0 <= i < 64; bi * 64 + i < m', 'bi * 64 + i < m', 'bi * 64 < m')
    proved('extent n; n % 4 == 0; 0 <= j', '(j * 4) % 4 == 0', 'n % 2 == 0', '(j * n + 8) % 4 == 0', 'n >= 4')
    open('extent n', 'n % 4 == 0', '(n + 1) % 2 == 0')
  })
  it('lanes', () => {
    const known = 'extent n; n % 4 == 0; 0 <= j; base = j * 4; base < n'
    proved(known, 'base + 3 < n', 'base + 1 < n', 'base % 4 == 0')
    open(known, 'base + 4 < n')
    proved('extent n, r; n % 8 == 0; 0 <= i < r; 0 <= j; j * 8 < n', 'i * n + j * 8 + 7 < r * n', '(i * n + j * 8) % 8 == 0')
    open('extent n; 0 <= j; base = j * 4; base < n', 'base + 3 < n')
  })
  it('conditions', () => {
    proved('extent m; 0 <= i; i < m', 'i < m', 'i + 1 <= m', '!(i >= m)', 'i < m || i > m', 'i < m + 1 && true')
    check('extent m; 0 <= i; i < m', 'm <= i', false)
    check('extent m; 0 <= i; !(i < m && i < 5); i < 5', 'i < m', undefined)
    proved('extent m; 0 <= i; !(i < m || i < 5)', 'i >= m', 'i >= 5')
    proved('0 <= i < 8; i != 0', 'i >= 1')
    proved('0 <= i < 8; i == 3', 'i * 2 == 6')
    proved('extent m, n; m == n; 0 <= i < m', 'i < n')
    proved('extent m; inside = m > 4; inside', 'm >= 5')
    proved('extent m; 0 <= i < 8', 'if i < 4 then i < 5 else i > 3')
    proved('extent m; 0 <= i < m; i / 4 * 4 == i; i < 7', 'i <= 4')
  })
  it('padding and strides of a convolution', () => {
    proved('0 <= i < 28; 0 <= u < 3; 0 <= 2 * i + u - 1; 2 * i + u - 1 < 56', '2 * i + u - 1 < 56', '2 * i + u >= 1')
    open('0 <= i < 28; 0 <= u < 3', '2 * i + u - 1 >= 0')
    proved('0 <= i < 28; 0 <= u < 3', '2 * i + u < 57', '2 * i + u - 1 < 56')
    proved('extent h; 0 <= i < (h + 2 - 3) / 2 + 1; 0 <= u < 3', '2 * i + u < h + 2')
    proved('extent h; 0 <= i < (h - 1) / 2 + 1', '2 * i < h')
    proved('extent c; 0 <= q < c * 9', 'q / 9 < c', 'q % 9 / 3 < 3', 'q % 3 < 3', 'q / 9 * 9 + q % 9 / 3 * 3 + q % 3 == q')
  })
  it('minima and choices', () => {
    proved('extent m; 0 <= i < min(m, 8)', 'i < m', 'i < 8')
    proved('extent m, n', 'min(m, n) <= m', 'max(m, n) >= n', 'min(m, n) >= 1', 'max(m, 8) >= 8')
    proved('extent m; 0 <= i < 4', '(if i < 2 then m else m + 1) >= m')
    proved('extent m; 0 <= i; lines = min(m - i * 8, 8); lines >= 1; 0 <= r < lines', 'i * 8 + r < m')
  })
  it('parts of a split reduction', () => {
    const parts = 'extent k; depth = ceil_div(ceil_div(k, 4), 8) * 8; 0 <= part < 4; 0 <= t < depth / 8; 0 <= p < 8'
    proved(parts, 'part * depth + t * 8 + p < 4 * depth', 't * 8 + p < depth', '4 * depth >= k')
  })
  it('the same value', () => {
    const same = (known: string, a: string, b: string, expected = true) => {
      const { facts, names } = place(known)
      expect(sameValue(facts, parse(a, names), parse(b, names)), `${a}, ${b}`).toBe(expected)
    }
    same('extent m, k; 0 <= i; 0 <= p', '(i + p) * k', 'p * k + k * i')
    same('0 <= x', 'x / 8 * 8 + x % 8', 'x')
    same('0 <= x', 'x % 32 / 8', 'x / 8 % 4')
    same('0 <= x', 'x / 8 % 4 * 8 + x % 8', 'x % 32')
    same('0 <= x', 'x / 4 / 8', 'x / 32')
    same('extent m', 'ceil_div(m, 8)', '(m + 7) / 8')
    same('extent m', '-(-m / 8)', 'ceil_div(m, 8)')
    same('0 <= x < 64; row = x / 8', 'row * 8', 'x - x % 8')
    same('0 <= x < 8; 0 <= y < 8', 'x', 'y', false)
    same('0 <= x < 64', 'i32(x) + i32(1)', 'i32(x + 1)')
    same('0 <= x', 'x % 8', 'x % 4', false)
  })
})
