import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluateExpr, numbers, symbols, variable } from '../../../compiler-core/mapping/arithmetic.ts'
import {
  columnMajor,
  concatenateLayouts,
  layoutText,
  localLayout,
  multiplyLayouts,
  offset,
  permute,
  reshape,
  rowMajor,
  strided,
  stridesLayout,
  swizzle,
  type Layout
} from '../../../compiler-core/mapping/layout.ts'
import type { Result } from '../../../compiler-core/mapping/result.ts'
import { sampleLayout } from '../../../compiler-core/mapping/sample.ts'
import { layout, must } from './random.ts'

const row = (...d: number[]) => must(rowMajor(d))
const col = (...d: number[]) => must(columnMajor(d))
const local = (...d: number[]) => must(localLayout(d))
const x = (a: Layout, ...rest: Layout[]) => rest.reduce((l, next) => must(multiplyLayouts(l, next)), a)
const plus = (a: Layout, b: Layout) => must(concatenateLayouts(a, b))
const sw = (l: Layout, dim: number, regards?: number, logStep?: number) => must(swizzle(l, dim, regards, logStep))
const at = (l: Layout, ...index: number[]) => offset(l, index, numbers)
const indicesOf = (shape: readonly number[]) =>
  shape.reduce<number[][]>((list, e) => list.flatMap(t => Array.from({ length: e }, (_, v) => [...t, v])), [[]])
const rows = (l: Layout) =>
  Array.from({ length: l.shape[0] as number }, (_, i) =>
    Array.from({ length: l.shape[1] as number }, (_, j) => at(l, i, j)).join(' ')
  ).join(' / ')

describe('the vectors of the reference (2.1)', () => {
  const pictures: [Layout, number, string][] = [
    [x(row(2, 1), col(2, 2)), 8, '0 2 / 1 3 / 4 6 / 5 7'],
    [x(row(2, 1), row(2, 2)), 8, '0 1 / 2 3 / 4 5 / 6 7'],
    [x(local(2, 1), row(2, 2)), 4, '0 1 / 2 3 / 0 1 / 2 3'],
    [sw(row(4, 4), 1), 16, '0 1 2 3 / 5 4 7 6 / 10 11 8 9 / 15 14 13 12'],
    [
      sw(row(8, 4), 1),
      32,
      '0 1 2 3 / 5 4 7 6 / 10 11 8 9 / 15 14 13 12 / 16 17 18 19 / 21 20 23 22 / 26 27 24 25 / 31 30 29 28'
    ],
    [
      sw(row(8, 4), 1, undefined, 1),
      32,
      '0 1 2 3 / 4 5 6 7 / 9 8 11 10 / 13 12 15 14 / 18 19 16 17 / 22 23 20 21 / 27 26 25 24 / 31 30 29 28'
    ],
    [must(permute(row(2, 3), [1, 0])), 6, '0 3 / 1 4 / 2 5'],
    [must(reshape(row(2, 6), [4, 3])), 12, '0 1 2 / 3 4 5 / 6 7 8 / 9 10 11'],
    [must(reshape(col(2, 6), [4, 3])), 12, '0 2 4 / 6 8 10 / 1 3 5 / 7 9 11'],
    [must(stridesLayout([2, 3], [4, 1])), 7, '0 1 2 / 4 5 6']
  ]
  it.each(pictures)('%#', (l, size, picture) => {
    expect(rows(l)).toBe(picture)
    expect(l.size).toBe(size)
  })

  const smemA = x(sw(row(64, 2), 1), row(1, 8)),
    smemB = x(row(2, 2), sw(row(8, 8), 1), row(1, 8))
  const registers = x(local(4, 2), row(2, 2), local(4, 8), row(4, 4)),
    stages = plus(row(2), smemA)
  const points: [Layout, number[], number][] = [
    [must(strided([2, 2, 2], [0, 2, 1])), [0, 0, 1], 2],
    [must(strided([2, 2, 2], [0, 2, 1])), [0, 1, 0], 1],
    [must(strided([2, 2, 2], [0, 2, 1])), [1, 1, 1], 7],
    [smemA, [0, 0], 0],
    [smemA, [0, 8], 8],
    [smemA, [1, 0], 24],
    [smemA, [1, 8], 16],
    [smemA, [2, 0], 32],
    [smemA, [2, 9], 41],
    [smemA, [63, 15], 1015],
    [smemB, [0, 8], 8],
    [smemB, [1, 0], 72],
    [smemB, [1, 8], 64],
    [smemB, [7, 56], 448],
    [smemB, [0, 64], 512],
    [smemB, [8, 0], 1024],
    [smemB, [15, 127], 1991],
    [stages, [1, 0, 0], 1024],
    [stages, [1, 1, 8], 1040],
    [registers, [0, 1], 1],
    [registers, [1, 0], 4],
    [registers, [3, 3], 15],
    [registers, [0, 4], 0],
    [registers, [0, 32], 16],
    [registers, [16, 0], 32],
    [registers, [16, 48], 48],
    [registers, [17, 33], 53],
    [registers, [127, 127], 63]
  ]
  it.each(points)('%# %j -> %i', (l, index, expected) => expect(at(l, ...index)).toBe(expected))
  it('sizes', () =>
    expect([smemA.size, stages.size, registers.size, registers.shape]).toEqual([1024, 2048, 64, [128, 128]]))
})

describe('what is refused, and why', () => {
  const cases: [string, Result<unknown>, string, RegExp][] = [
    ['zero extent', rowMajor([2, 0]), 'bad-extent', /extent 0 in dimension 1/],
    ['duplicate ranks', strided([2, 2], [0, 0]), 'bad-ranks', /both have rank 0/],
    ['too few strides', stridesLayout([2, 2], [1]), 'bad-ranks', /2 dimensions but 1 stride\b/],
    ['negative stride', stridesLayout([2], [-1]), 'bad-extent', /Stride -1 of dimension 0/],
    [
      'other rank',
      multiplyLayouts(row(2), row(2, 2)),
      'rank-mismatch',
      /`row_major\(2\)` has 1 dimension but `row_major\(2, 2\)` has 2/
    ],
    ['overflow', multiplyLayouts(row(2 ** 30), row(2 ** 30)), 'overflow', /2\^53/],
    ['swizzle of a missing dimension', swizzle(row(4, 4), 2), 'bad-axis', /dimension 2.*0 to 1/],
    ['swizzle by itself', swizzle(row(4, 4), 1, 1), 'bad-axis', /cannot regard dimension 1/],
    ['swizzle in three dimensions', swizzle(row(2, 4, 4), 2), 'bad-axis', /needs `regards`/],
    ['swizzle of 6', swizzle(row(4, 6), 1), 'bad-extent', /power of two in dimension 1, which has extent 6/],
    ['log step', swizzle(row(4, 4), 1, 0, -1), 'bad-extent', /`log_step` is -1/],
    ['permutation', permute(row(2, 2), [0, 0]), 'bad-ranks', /both have rank 0/],
    ['reshape', reshape(row(2, 3), [4]), 'size-mismatch', /\(4\) \(4 elements\).*\(2, 3\) \(6 elements\)/]
  ]
  it.each(cases)('%s', (_, result, code, message) => {
    expect(result.ok ? 'accepted' : result.problem.code).toBe(code)
    if (!result.ok) expect(result.problem.message).toMatch(message)
  })
})

describe('text', () => {
  const cases: [Layout, string][] = [
    [x(row(2, 1), col(2, 2)), 'row_major(2, 1) * column_major(2, 2)'],
    [x(row(2, 1), x(row(2, 2), local(2, 2))), 'row_major(2, 1) * (row_major(2, 2) * local(2, 2))'],
    [x(sw(row(64, 2), 1), row(1, 8)), 'row_major(64, 2).swizzle(1) * row_major(1, 8)'],
    [sw(x(row(8, 4), row(1, 2)), 1, 0, 1), '(row_major(8, 4) * row_major(1, 2)).swizzle(1, log_step: 1)'],
    [sw(row(2, 4, 4), 2, 1), 'row_major(2, 4, 4).swizzle(2, regards: 1)'],
    [plus(row(2), x(row(4, 2), row(1, 8))), 'row_major(2) + (row_major(4, 2) * row_major(1, 8))'],
    [must(strided([2, 2, 2], [0, 2, 1])), 'strided((2, 2, 2), strides: (4, 1, 2))'],
    [must(permute(row(2, 3), [1, 0])), 'row_major(2, 3).permute(1, 0)'],
    [must(reshape(row(2, 3), [6])), 'row_major(2, 3).reshape(6)']
  ]
  it.each(cases)('%#', (l, text) => expect(layoutText(l)).toBe(text))
})

describe('laws', () => {
  const many = { numRuns: 2000 }
  const offsets = (l: Layout) => JSON.stringify(indicesOf(l.shape).map(i => at(l, ...i)))

  it('every offset lies inside the size', () =>
    fc.assert(
      fc.property(layout, l => {
        const found = indicesOf(l.shape).map(index => at(l, ...index))
        const outside = found.filter(o => !(Number.isInteger(o) && o >= 0 && o < l.size))
        expect(outside).toEqual([])
      }),
      many
    ))

  it('a symbolic index gives what numbers give', () =>
    fc.assert(
      fc.property(layout, l => {
        const names = l.shape.map((_, i) => `i${i}`),
          symbolic = offset(l, names.map(variable), symbols)
        expect(
          JSON.stringify(
            indicesOf(l.shape).map(index =>
              evaluateExpr(symbolic, Object.fromEntries(names.map((n, i) => [n, index[i] as number])), numbers)
            )
          )
        ).toBe(offsets(l))
      }),
      many
    ))

  it('composition is associative, and ones are its identity', () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.boolean()), {
          minLength: 3,
          maxLength: 3
        }),
        list => {
          const [a, b, c] = list.map(([m, n, r]) => (r ? row(m, n) : col(m, n))) as [Layout, Layout, Layout]
          expect(offsets(x(x(a, b), c))).toBe(offsets(x(a, x(b, c))))
          expect(offsets(x(row(1, 1), a))).toBe(offsets(a))
          expect(offsets(x(a, local(1, 1)))).toBe(offsets(a))
        }
      ),
      many
    ))

  it('a sample shows the offsets of its cells', () =>
    fc.assert(
      fc.property(layout, l => {
        const columnAxis = l.shape.length - 1,
          rowAxis = l.shape.length > 1 ? 0 : null
        const rowCount = rowAxis === null ? 1 : (l.shape[rowAxis] as number),
          columnCount = l.shape[columnAxis] as number
        const sample = sampleLayout(l, {
          rowAxis,
          columnAxis,
          fixed: l.shape.map(() => 0),
          rowFrom: 0,
          rowStep: 1,
          rowCount,
          columnFrom: 0,
          columnStep: 1,
          columnCount
        })
        const cells = indicesOf([rowCount, columnCount]).map(([i, j]) =>
          at(l, ...l.shape.map((_, axis) => (axis === columnAxis ? j : axis === rowAxis ? i : 0) as number))
        )
        expect([...sample]).toEqual(cells)
      }),
      many
    ))
})
