import { describe, expect, it } from 'vitest'
import { roundTo } from '../../../compiler-core/operators/floats.ts'
import { evaluateMeaning } from '../../../compiler-core/graph/evaluate.ts'
import { inputKinds, inputsFor, type InputKind } from '../../../compiler-core/verify/inputs.ts'
import { meaningOf } from './support.ts'

const none = new Map<never, never>()

function inputsOf(text: string, kind: InputKind, seed = 1): readonly Float64Array[] {
  return inputsFor(meaningOf(text), none, kind, seed)
}

const greatest = (x: Float64Array) => x.reduce((most, e) => Math.max(most, Math.abs(e)), 0)
const rowsOf = (x: Float64Array, length: number) =>
  Array.from({ length: x.length / length }, (_, i) => [...x.subarray(i * length, (i + 1) * length)])

describe('inputs', () => {
  it('are small whole numbers, with which sums are exact', () => {
    const text = 'batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)', meaning = meaningOf(text)
    const inputs = inputsFor(meaning, none, 'integers', 1), [truth] = evaluateMeaning(meaning, inputs, none)
    for (const x of inputs) expect([...new Set(x)].toSorted((a, b) => a - b)).toEqual([-4, -3, -2, -1, 0, 1, 2, 3, 4])
    expect(Array.from({ length: 37 * 45 }, (_, i) => truth!.at(i).bound).every(bound => bound === 0)).toBe(true)
  })

  const magnitudes: ReadonlyArray<readonly [text: string, most: number]> = [
    ['reduce.thread_per_result(s: (8, 3), axes: 0, op: prod)', 4],
    ['reduce.thread_per_result(s: (14, 3), axes: 0, op: prod)', 3],
    ['reduce.thread_per_result(s: (60, 3), axes: 0, op: prod)', 1],
    ['graph g(x: f32[4, 700], y: f32[700, 9], z: f32[9, 5]) { return mm(mm(x, y), z) }', 4],
    ['graph g(x: f32[4, 90000], y: f32[90000, 9], z: f32[9, 5]) { return mm(mm(x, y), z) }', 2]
  ]
  const mm = 'operator mm(a: f32[m, k], b: f32[k, n]) -> c: f32[m, n] { c[i, j] = sum[p < k] a[i, p] * b[p, j] }\n'
    + 'schedule plain for mm { kernel main(grid: (m, n), block: 1) { c[blockIdx.x, blockIdx.y] = 0 } }\n'
  for (const [text, most] of magnitudes) {
    it(`at most ${most}: ${text}`, () => {
      expect(Math.max(...inputsOf(text.startsWith('graph') ? mm + text : text, 'integers').map(greatest))).toBe(most)
    })
  }

  it('are numbers of their types', () => {
    for (const type of ['f16', 'bf16', 'tf32', 'f32'] as const) {
      for (const kind of inputKinds) {
        const [x] = inputsOf(`exponential.flat(s: (12, 30), T: ${type})`, kind)
        expect([...x!].filter(e => roundTo(type, e) !== e)).toEqual([])
      }
    }
    expect(inputsOf('add.flat(s: 300, t: 300, T: u8)', 'reals').every(x => x.every(e => Number.isInteger(e) && e >= 0 && e < 256))).toBe(true)
    expect(inputsOf('add.flat(s: 300, t: 300, T: i8)', 'reals').every(x => x.every(e => Number.isInteger(e) && e >= -128 && e < 128))).toBe(true)
    expect(new Set(inputsOf('logical_not.flat(s: 100)', 'reals')[0])).toEqual(new Set([0, 1]))
  })

  it('with fractions lie within -1 and 1, some beyond, some at 0', () => {
    const [x] = inputsOf('relu.flat(s: 4000)', 'reals'), all = [...x!]
    const share = (f: (e: number) => boolean) => all.filter(f).length / all.length
    expect(greatest(x!)).toBeLessThanOrEqual(8)
    expect(share(e => Math.abs(e) > 1)).toBeGreaterThan(0.02)
    expect(share(e => e === 0)).toBeGreaterThan(0.01)
    expect(share(e => e < 0)).toBeGreaterThan(0.4)
    expect(new Set(all).size).toBeGreaterThan(3000)
  })

  it('are the same for a seed, and others for another, for another kind and for the next input', () => {
    const text = 'add.flat(s: 100, t: 100)', [a, b] = inputsOf(text, 'reals')
    expect(inputsOf(text, 'reals')).toEqual([a, b])
    expect(a).not.toEqual(b)
    expect(inputsOf(text, 'reals', 2)[0]).not.toEqual(a)
    expect(inputsOf(text, 'wide')[0]).not.toEqual(a)
  })

  it('have no period up to 200', () => {
    const [x] = inputsOf('relu.flat(s: 4000)', 'integers')
    for (let period = 1; period <= 200; period++) {
      const same = x!.filter((e, i) => e === x![i + period]).length / x!.length
      expect(same).toBeLessThan(0.2)
    }
  })

  it('of few elements are different and not 0', () => {
    for (let seed = 1; seed < 20; seed++) {
      const [, t] = inputsOf('add.flat(s: (5, 4), t: 4)', 'integers', seed)
      expect(new Set(t).size).toBe(4)
      expect(t).not.toContain(0)
    }
  })

  it('that index lie inside, with both ends; where they are brought back inside, outside too', () => {
    const inside = 'operator pick(x: f32[m], at: i64[n]) -> y: f32[n] { y[i] = x[int(at[i])] }\n'
      + 'schedule plain for pick { kernel main(grid: n, block: 1) { y[blockIdx.x] = 0 } }\ninstance i = pick.plain(m: 9, n: 40)'
    for (const kind of inputKinds) {
      expect([...new Set(inputsOf(inside, kind)[1])].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      const [, index] = inputsOf('gather.flat(s: (9, 8), t: 40)', kind)
      for (const i of [0, 8, -1, 9, -9, -12, 14]) expect(index).toContain(i)
    }
  })

  it('of which a root is taken are positive, divisors are not 0', () => {
    for (const kind of inputKinds) {
      expect(inputsOf('batch_norm.flat(n: 2, c: 300, s: 5)', kind)[4]!.every(e => e > 0)).toBe(true)
      expect(inputsOf('divide.flat(s: 300, t: 300, T: i32)', kind)[1]).not.toContain(0)
    }
  })

  it('have the maximum of a row at its first place, its last, in between; some rows are negative', () => {
    const seen = new Set<string>()
    for (const kind of inputKinds) {
      for (const row of rowsOf(inputsOf('arg_max.warp_per_result(s: (12, 50), axis: 1)', kind)[0]!, 50)) {
        const most = Math.max(...row), at = row.indexOf(most), isOnly = row.lastIndexOf(most) === at
        if (isOnly) seen.add(`${kind} ${at === 0 ? 'first' : at === 49 ? 'last' : 'between'}`)
        if (most < 0) seen.add(`${kind} negative`)
      }
    }
    expect(seen.size).toBe(4 * inputKinds.length)
    const [columns] = inputsOf('arg_min.thread_per_result(s: (30, 8), axis: 0)', 'integers')
    const column = (j: number) => Array.from({ length: 30 }, (_, i) => columns![i * 8 + j]!)
    expect([column(0).indexOf(-4), column(1).indexOf(-4), column(1).lastIndexOf(-4)]).toEqual([0, 29, 29])
    expect(Math.min(...column(2))).toBe(1)
  })

  it('lead exponentials to their limits, and means far from 0', () => {
    const rows = rowsOf(inputsOf('softmax.online(s: 9, n: 40)', 'wide')[0]!, 40)
    expect(rows.some(row => row.filter(x => x > 100).length === 1
      && row.filter(x => Math.abs(x) < 10).length === 39)).toBe(true)
    expect(rows[0]!.indexOf(120)).toBe(39)
    expect(rows.some(row => Math.max(...row) < -100)).toBe(true)
    expect(rows.some(row => Math.min(...row) > 100)).toBe(true)
    expect(rows.some(row => Math.max(...row) - Math.min(...row) > 100)).toBe(true)
    const [first] = rowsOf(inputsOf('layer_norm.block_per_row(s: 4, n: 40)', 'wide')[0]!, 40)
    expect(Math.max(...first!.map(x => Math.abs(x - 3)))).toBeLessThan(0.1)
  })

  it('of whole types are large where the declared types hold what is made of them', () => {
    const sums = (type: string) => rowsOf(inputsOf(`reduce.warp_per_result(s: (9, 50), axes: 1, op: sum, T: ${type})`, 'wide')[0]!, 50)
      .map(row => Math.abs(row.reduce((a, b) => a + b, 0)))
    expect(Math.max(...sums('i64'))).toBeGreaterThan(2 ** 31)
    expect(Math.max(...sums('i64'))).toBeLessThan(2 ** 53)
    expect(Math.max(...sums('i32'))).toBeLessThan(2 ** 31)
    expect(greatest(inputsOf('relu.flat(s: 100, T: i32)', 'wide')[0]!)).toBeGreaterThan(2 ** 29)
    expect(greatest(inputsOf('multiply.flat(s: 100, t: 100, T: i64)', 'wide')[0]!)).toBeLessThanOrEqual(2 ** 26)
    expect(greatest(inputsOf('divide.flat(s: 100, t: 100, T: i32)', 'wide')[1]!)).toBeLessThanOrEqual(100)
  })
})
