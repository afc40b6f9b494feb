import { describe, expect, it } from 'vitest'
import { exprText } from '../../../compiler-core/mapping/arithmetic.ts'
import { analysis, check, unmarked } from './support.ts'

describe('numbers', () => {
  it.each([
    ['1 + 2 * 3', '7'], ['(1 + 2) * 3', '9'], ['7 / 2', '3'], ['-7 / 2', '-4'], ['7 / -2', '-4'], ['-7 / -2', '3'],
    ['-7 % 3', '2'], ['7 % -3', '-2'], ['-6 % 3', '0'], ['0x40', '64'], ['1_024', '1024'], ['1 << 10', '1024'], ['-1 >> 3', '-1'],
    ['6 & 3', '2'], ['6 | 3', '7'], ['6 ^ 3', '5'], ['~0', '-1'], ['9223372036854775807', '9223372036854775807'],
    ['-9223372036854775808', '-9223372036854775808'], ['4611686018427387904 + 4611686018427387903', '9223372036854775807'],
    ['0.5 + 1', '1.5'], ['3 / 2.0', '1.5'], ['1e3', '1000.0'], ['-inf', '-inf'], ['5.5 % 2', '1.5'],
    ['abs(-3)', '3'], ['max(2, 3)', '3'], ['min(2, 3.5)', '2.0'], ['sqrt(16)', '4.0'], ['pow(2, 10)', '1024.0'],
    ['f32(1) / 3', '0.3333333333333333'], ['f32(0.1)', String(Math.fround(0.1))], ['i32(2.9)', '2'], ['int(-2.9)', '-2'], ['float(2)', '2.0'], ['bool(0)', 'false'],
    ['1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2 && 1 == 1.0', 'true'], ['!(1 == 2)', 'true'], ['true || 1 / 0 == 1', 'true'],
    ['false && 1 / 0 == 1', 'false'], ['if 1 < 2 then 3 else 1 / 0', '3'], ['"a" == "a"', 'true'],
  ])('%s = %s', check)
})

describe('tuples and lists', () => {
  it.each([
    ['(1, 2, 3)', '(1, 2, 3)'], ['(5,)', '5'], ['()', '()'], ['(1, 2, 3)[1]', '2'], ['[1, 2, 3][2]', '3'], ['5[0]', '5'],
    ['(1, 2, 3, 4)[1..3]', '(2, 3)'], ['(1, 2, 3, 4)[1 ..+ 3]', '(2, 3, 4)'], ['[1, 2][..]', '[1, 2]'], ['(1, 2)[0..1]', '1'],
    ['(1, 2, 3).rank', '3'], ['7.rank', '1'], ['().rank', '0'], ['(4, 5, 6).drop(1)', '(4, 6)'], ['(4, 5).drop(0)', '5'], ['(4, 5, 6).find(6)', '2'], ['(4, 5).find(9)', '-1'],
    ['[i * i for i in 0..5]', '[0, 1, 4, 9, 16]'], ['[(i, j) for i in 0..2 for j in [7, 8]]', '[(0, 7), (0, 8), (1, 7), (1, 8)]'],
    ['[a + b for (a, b) in [(1, 2), (3, 4)]]', '[3, 7]'], ['[j for i in 0..3 for j in 0..i]', '[0, 0, 1]'], ['[i for i in 5..2]', '[]'],
    ['(1, 2) == (1, 2)', 'true'], ['(1, 2) == (1, 2, 3)', 'false'], ['[1] == [2]', 'false'],
    ['let (a, (b, c)) = (1, (2, 3))\nlet it = a + b * c', '7'], ['let (a, _) = (1, 2)\nlet it = a', '1'],
    ['broadcast((4, 1), (3,))', '(4, 3)'], ['broadcast((2, 3), 3, (2, 1))', '(2, 3)'], ['align((5, 6, 7), (4, 1))', '(6, 0)'],
    ['sum[p < 5] p * p', '30'], ['prod[p < 3, q < 2] (p + q + 1)', '144'], ['(max[p < 4] (7 - p)) + 1', '8'], ['sum(2, 3)', '5'],
  ])('%s = %s', check)
})

describe('the prelude', () => {
  it.each([
    ['ceil_div(100, 32)', '4'], ['round_up(100, 32)', '128'], ['round_down(100, 32)', '96'], ['log2(32)', '5'], ['log2(1)', '0'], ['is_power_of_two(64)', 'true'],
    ['is_power_of_two(0)', 'false'], ['product((2, 3, 4))', '24'], ['product(())', '1'], ['product(5)', '5'], ['flatten((1, 2), (4, 8))', '10'],
    ['unflatten(10, (4, 8))', '(1, 2)'], ['unflatten(3, 8)', '3'], ['permute((7, 8, 9), (2, 0, 1))', '(9, 7, 8)'],
    ['inverse_permutation((2, 0, 1))', '(1, 2, 0)'], ['window(56, 3, 2, 1)', '27'],
  ])('%s = %s', check)
})

describe('functions', () => {
  it.each([
    ['fn f(a: int, b: int = 2) -> int = a * b\nlet it = (f(3), f(3, 4), f(b: 5, a: 6))', '(6, 12, 30)'],
    ['fn f(n: int) -> int = if n == 0 then 0 else n + f(n - 1)\nlet it = f(100)', '5050'],
    ['fn even(n: int) -> bool = n == 0 || odd(n - 1)\nfn odd(n: int) -> bool = n != 0 && even(n - 1)\nlet it = even(10)', 'true'],
    ['fn f(n: int) -> int {\n var p = 1\n while p * 2 <= n { p *= 2 }\n return p\n}\nlet it = f(100)', '64'],
    ['fn f() -> int {\n var s = 0\n for i in 0..10 { if i == 3 { continue } if i == 6 { break } s += i }\n return s\n}\nlet it = f()', '12'],
    ['fn f() -> int { for (i, j) in [(1, 2), (3, 4)] { if i == 3 { return j } } return 0 }\nlet it = f()', '4'],
    ['fn f(n: int) -> int { if n < 0 { return -1 } else if n == 0 { return 0 } else { return 1 } }\nlet it = (f(-5), f(0), f(5))', '(-1, 0, 1)'],
    ['fn pair(a: int) -> (int, int) = (a, a + 1)\nlet (x, y) = pair(3)\nlet it = x * y', '12'],
    ['fn f(x: float) -> float = x\nlet it = f(1)', '1.0'], ['fn f(s: shape) -> shape = s\nlet it = f([1, 2])', '(1, 2)'],
    ['fn tile(m: mapping, n: int) -> mapping = m * repeat(n, n)\nlet it = tile(spatial(2, 2), 3).shape', '(6, 6)'],
    ['fn apply(op: reducer, a: int, b: int) -> int = op(a, b)\nlet it = (apply(max, 1, 2), apply(sum, 1, 2))', '(2, 3)'],
    ['fn f(a: shape) -> int { var t = 0\n for d in a { t += d }\n return t }\nlet it = f((1, 2, 3)) + f(4)', '10'],
    ['fn first<A>(a: A, b: A) -> A = a\nlet it = first((1, 2), (3, 4))', '(1, 2)'],
    ['let n = 4\nfn f() -> int = n\nlet it = f()', '4'],
    ['fn f(a: int) -> int { var x: int = a\n x -= 1\n x *= 6\n x /= 4\n x %= 5\n x |= 8\n x &= 12\n x ^= 1\n return x }\nlet it = f(5)', '9'],
  ])('%s = %s', check)
})

describe('mappings', () => {
  it.each([
    ['spatial(2, 3).workers', '6'], ['spatial(4, 2) * repeat(2, 2)', 'spatial(4, 2) * repeat(2, 2)'], ['spatial(4, 2).repeat(2, 2).shape', '(8, 4)'],
    ['(spatial(4) * repeat(3)).shape', '12'], ['spatial((4, 2)).workers', '8'], ['spatial(...(4, 2)).rank', '2'], ['spatial([4, 2]).rank', '2'],
    ['col_spatial(2, 3)', 'col_spatial(2, 3)'], ['col_repeat(2, 3).on(0)', '[(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]'],
    ['spatial(2, 3, 4, ranks: (1, 2, 0)).at(6)', '(0, 0, 1)'], ['repeat(2, 2, 2, ranks: (0, 2, 1)).on(0)[1]', '(0, 1, 0)'],
    ['repeat(2, 2).tasks', '4'], ['(repeat(4, 1) * spatial(16, 8)).on(9)', '[(1, 1), (17, 1), (33, 1), (49, 1)]'], ['spatial(3, 3).at(4)', '(1, 1)'], ['spatial(8).at(5)', '5'],
    ['auto_map(8, 96, workers: 64)', 'repeat(4, 3) * spatial(2, 32)'], ['auto_map((8, 96), workers: 64, ranks: (1, 0)).shape', '(8, 96)'],
    ['cover(8, 41, workers: 64).workers', '41'], ['spatial(2, 2).auto_map(4, 4, workers: 4).workers', '16'],
    ['(spatial(4, 2) * repeat(2, 1)).project(onto: 0).on(0)', '[0, 1]'], ['spatial(4, 2).project(zero: 1).shape', '(4, 1)'], ['spatial(4, 2).project(zero: (0, 1)).shape', '(1, 1)'],
    ['repeat(1, 8, vector)', 'repeat(1, 8, vector)'], ['repeat(2, 3, rolled, unrolled(4))', 'repeat(2, 3, rolled, unrolled(4))'], ['repeat(4, parallel(8)).tasks', '4'],
    ['spatial(4, 1) * spatial(1, 8) == spatial(4, 8)', 'true'], ['spatial(2, 2) * repeat(1, 2) == repeat(1, 2) * spatial(2, 2)', 'false'],
    ['(spatial(4, 2) * repeat(2, 2)).layout', 'local(4, 2) * row_major(2, 2)'], ['spatial(2, 2).col_spatial(2, 3).col_repeat(2, 2).shape', '(8, 12)'],
    ['spatial(2, 2).cover(2, 2, workers: 9).workers', '16'],
    ['mapping diagonal(w < 32) -> (32, 32) = [(i, (w + i) % 32) for i in 0..32]\nlet it = diagonal.on(31)[1]', '(1, 0)'],
    ['mapping triangle(w < 4) -> (4, 4) = [(w, j) for j in 0..w + 1]\nlet it = [triangle.on(i).rank for i in 0..4]', '[1, 2, 3, 4]'],
    ['mapping line(w < 4) -> 8 = [2 * w, 2 * w + 1]\nlet it = line.on(3)', '[6, 7]'],
    ['mapping m(w < 8) -> (8, 2) = [(w, if w % 2 == 0 then 0 else 1)]\nlet it = (m * repeat(1, 2)).on(3)', '[(3, 2), (3, 3)]'],
    ['let n = 4\nmapping m(w < n * 2) -> (n, 2) = [unflatten(w, (n, 2))]\nlet it = m == spatial(4, 2)', 'true'],
  ])('%s = %s', check)

  it('that are custom become formulas where the worker need not be known', () => {
    const a = analysis('mapping diagonal(w < 32) -> (32, 32) = [(i, (w + i) % 32) for i in 0..32]\nmapping steps(w < 4) -> (4, 4) = [(w, j) for j in 0..w]')
    const kinds = ['diagonal', 'steps'].map(name => {
      const definition = a.resolved.exports.get(name)
      const value = definition && a.values.get(definition.nameNode)
      const factor = value?.kind === 'mapping' ? value.mapping.factors[0] : undefined
      return factor?.kind === 'custom' ? factor.tasks.kind : undefined
    })
    expect(kinds).toEqual(['expressions', 'table'])
    const value = a.values.get(a.resolved.exports.get('diagonal')?.nameNode ?? a.parsed.file)
    const factor = value?.kind === 'mapping' ? value.mapping.factors[0] : undefined
    const tasks = factor?.kind === 'custom' && factor.tasks.kind === 'expressions' ? factor.tasks.tasks : []
    expect(tasks[3]?.map(e => exprText(e))).toEqual(['3', '(w + 3) % 32'])
  })
})

describe('layouts', () => {
  it.each([
    ['row_major(4, 8)(1, 2)', '10'], ['column_major(4, 8).at(1, 2)', '9'], ['row_major(4, 8).at((1, 2))', '10'], ['strided((2, 2, 2), ranks: (0, 2, 1))(0, 0, 1)', '2'],
    ['strided((2, 3), strides: (10, 1)).size', '13'], ['(local(2, 1) * row_major(2, 2))(3, 1)', '3'], ['local(4, 4).size', '1'],
    ['[row_major(4, 4).swizzle(1)(1, j) for j in 0..4]', '[5, 4, 7, 6]'], ['[row_major(8, 4).swizzle(1, log_step: 1)(2, j) for j in 0..4]', '[9, 8, 11, 10]'],
    ['row_major(4, 4, 4).swizzle(2, regards: 0)(1, 0, 0)', '17'],
    ['([2] + row_major(4, 4)).shape', '(2, 4, 4)'], ['(row_major(2) + row_major(4)).size', '8'], ['(2 + row_major(4))(1, 1)', '5'], ['((2, 3) + row_major(4)).rank', '3'],
    ['row_major(2, 3).permute(1, 0).shape', '(3, 2)'], ['row_major(2, 6).reshape(3, 4).shape', '(3, 4)'], ['row_major(2, 6).reshape((3, 4))(1, 1)', '5'], ['row_major(5).shape', '5'],
  ])('%s = %s', check)
})

describe('types, reducers and the target', () => {
  it.each([
    ['sizeof(f16)', '2'], ['sizeof(f64) + sizeof(u8)', '9'], ['accumulator(f16)', 'f32'], ['accumulator(i8)', 'i32'], ['accumulator(f64)', 'f64'], ['f32 == f32', 'true'], ['f32 != f16', 'true'],
    ['f16.max', '65504.0'], ['i8.min', '-128'], ['i64.max', '9223372036854775807'], ['sum.identity(f32)', '0.0'], ['max.identity(f16)', '-inf'], ['prod.identity(i32)', '1'],
    ['avg.finish(10, 4)', '2.5'], ['sum.finish(10, 4)', '10'],
    ['target.warp_size', '32'], ['target.compute_capability', '80'], ['target.shared_memory_per_block', '166912'], ['sm_90a.compute_capability', '90'], ['target == sm_80', 'true'],
  ])('%s = %s', check)
})

describe('values of a schedule and its kernels', () => {
  const text = `import "std/prelude"
operator mm<T: float>(a: T[m, k], b: T[k, n]) -> c: T[m, n] { c[i, j] = sum[p < k] a[i, p] * b[p, j] }
schedule tiled for mm {
  tune warps = (2, 2) in [(1, 1), (2, 2)]
  let tile = spatial(warps) * repeat(2, 2) * spatial(4, 8)
  let (bm, bn) = tile.shape
  let blocks = ceil_div(m, bm)
  kernel main(grid: blocks, block: tile.workers) {
    let lane = threadIdx.x % 32
    for (i, j) in tile.on(threadIdx.x) { c[i, j] =? 0 }
    for f in repeat(1024, 1024).on(0) { syncthreads() }
  }
}`
  it.each([['bm', '16'], ['bn', '32'], ['blocks', undefined], ['lane', undefined], ['warps', '(2, 2)']])('%s is %s', (name, expected) => {
    const a = analysis(text)
    expect(a.diagnostics).toEqual([])
    const definition = a.resolved.definitions.find(d => d.name === name)
    const value = definition && a.values.get(definition.nameNode)
    expect(value?.kind === 'int' ? String(value.value) : value?.kind === 'tuple' ? '(2, 2)' : undefined).toBe(expected)
  })
  it('reach the mappings that loops walk', () => {
    const { text: plain, spans } = unmarked(text.replace('in tile.on', 'in <|tile|>.on'))
    const a = analysis(plain)
    const value = [...a.values].find(([node]) => a.parsed.tokens[node.first]?.start === spans[0]?.start && node.kind === 'NameRef')?.[1]
    expect(value?.kind === 'mapping' && value.mapping.workers).toBe(128)
  })
})

describe('origins', () => {
  const originsOf = (marks: string): readonly (readonly string[])[] => {
    const a = analysis(marks)
    const value = a.values.get(a.resolved.exports.get('it')?.nameNode ?? a.parsed.file)
    return value?.kind === 'mapping' || value?.kind === 'layout' ? value.origins.map(o => o.map(r => marks.slice(r.span.start, r.span.end))) : []
  }
  it.each([
    ['let it = spatial(4, 8) * repeat(2, 2)', [['spatial(4, 8)'], ['repeat(2, 2)']]],
    ['let it = spatial(4, 8).repeat(2, 2)', [['spatial(4, 8)'], ['repeat(2, 2)']]],
    ['let atom = spatial(4, 8)\nlet it = repeat(2, 2) * atom', [['repeat(2, 2)'], ['spatial(4, 8)', 'atom']]],
    ['let a = spatial(4)\nlet b = a\nlet it = b', [['spatial(4)', 'a', 'b']]],
    ['let it = auto_map(8, 8, workers: 32)', [['auto_map(8, 8, workers: 32)'], ['auto_map(8, 8, workers: 32)']]],
    ['fn f(n: int) -> mapping = spatial(n, n)\nlet it = f(2)', [['spatial(n, n)', 'f(2)']]],
    ['let it = (spatial(4, 1) * repeat(1, 2) * spatial(1, 8)).project(onto: 0)', [['spatial(4, 1)'], ['repeat(1, 2)'], ['spatial(1, 8)']]],
    ['mapping m(w < 4) -> 4 = [w]\nlet it = m * repeat(2)', [['m', 'm'], ['repeat(2)']]],
    ['let it = row_major(2, 2) * local(4, 4)', [['row_major(2, 2)'], ['local(4, 4)']]],
    ['let it = [2] + row_major(4)', [['[2]'], ['row_major(4)']]],
  ])('%s', (text, expected) => { expect(originsOf(text)).toEqual(expected) })
})
