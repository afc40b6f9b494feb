/**
 * Random tiles through shared memory and registers: with all barriers they compute what the slow interpreter does; with
 * some of them left out, every order of threads finds faults of the same kinds.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Program } from '../../../../compiler-core/ir/ir.ts'
import { checkAgrees, ofKernel, orders, runsOf } from './support.ts'

const mappings = [
  'repeat(1, 2) * spatial(8, 8)', 'spatial(8, 8) * repeat(1, 2)', 'spatial(4, 16) * repeat(2, 1)', 'auto_map(8, 16, workers: 32)',
  'repeat(8, 1) * spatial(1, 16)', 'col_spatial(8, 8) * repeat(1, 2)', 'spatial(2, 4) * repeat(2, 1) * spatial(2, 4)'
]
const layouts = [
  '', ' in column_major(8, 16)', ' in row_major(8, 16).swizzle(1)', ' in row_major(4, 2) * column_major(2, 8)', ' in row_major(16, 8).reshape(8, 16)'
]
const rows = ['i', '7 - i', '(i + 3) % 8', '(i * 16 + j) / 16'], columns = ['j', '15 - j', '(j + i) % 16', '(i * 16 + j + 5) % 16']

const tiles = fc.record({
  load: fc.constantFrom(...mappings), own: fc.constantFrom(...mappings), store: fc.constantFrom(...mappings),
  row: fc.constantFrom(...rows), column: fc.constantFrom(...columns), back: fc.constantFrom(...columns),
  layout: fc.constantFrom(...layouts), element: fc.constantFrom('f32', 'f16', 'i32', 'i64')
})
type Tile = typeof tiles extends fc.Arbitrary<infer T> ? T : never

/** `barriers`: whether each of the four is there. */
function programOf(t: Tile, barriers: readonly boolean[]): Program {
  const barrier = (n: number): string => barriers[n] ? 'syncthreads()' : ''
  return ofKernel(`
    shared s: ${t.element}[8, 16]${t.layout}
    register r: ${t.element}[8, 16] in own.layout = 1
    for turn in 0..2 {
      for (i, j) in load.on(threadIdx.x) { s[i, j] = ${t.element}(x[i, j] + f32(turn)) }
      ${barrier(0)}
      for (i, j) in own.on(threadIdx.x) { r[i, j] = r[i, j] + s[${t.row}, ${t.column}] }
      ${barrier(1)}
      for (i, j) in own.on(threadIdx.x) { s[i, ${t.back}] = r[i, j] }
      ${barrier(2)}
      for (i, j) in store.on(threadIdx.x) { if turn == 1 { y[i, j] = f32(s[i, j]) } }
      ${barrier(3)}
    }
`, {
    x: 'f32[8, 16]', y: 'f32[8, 16]',
    lets: `let load = ${t.load}\n  let own = ${t.own}\n  let store = ${t.store}`
  })
}

describe('random tiles', () => {
  const numRuns = Number(process.env.HEDDLE_RUNS ?? 25)
  it('compute what they do slowly', () => {
    fc.assert(fc.property(tiles, t => { checkAgrees(programOf(t, [true, true, true, true])) }), { numRuns })
  })
  it('have the same kinds of faults in every order of threads', () => {
    fc.assert(fc.property(tiles, fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()), (t, barriers) => {
      // of all threads that race for an element one pair is told, which depends on the order
      const [first, ...others] = runsOf(programOf(t, barriers)).map(r =>
        [...new Set(r.faults.map(f => `${f.kind} ${f.access.buffer?.name}`))].sort())
      others.forEach((faults, n) => { expect(faults, orders[n + 1]).toEqual(first) })
    }), { numRuns: numRuns * 2 })
  })
})
