import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compose, ownersOf, projectZero, repeat, spatial, type Mapping
} from '../../../compiler-core/mapping/mapping.ts'
import { conditionsOf, countBelow, shares, type Picked } from '../../../webview/mapping/match.ts'
import { indexOf, planeOf } from '../../../webview/mapping/plane.ts'
import { mappings, value } from '../subjects.ts'

const extents = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 2 })
const atoms = fc.tuple(fc.boolean(), extents, fc.boolean()).map(([parallel, shape, column]) => {
  const ranks = column ? [1, 0] : [0, 1]
  return value(parallel ? spatial(shape, ranks) : repeat(shape, { ranks }))
})
const mapping: fc.Arbitrary<Mapping> = fc.tuple(atoms, fc.array(atoms, { maxLength: 3 }), fc.boolean())
  .map(([first, rest, projected]) => {
    const m = value(compose(first, ...rest))
    return projected ? value(projectZero(m, [1])) : m
  })

function matches(m: Mapping, index: readonly number[], picked: Picked): boolean {
  return [...ownersOf(m, index).owners()].some(o =>
    (picked.worker === null || o.worker === picked.worker) && (picked.step === null || o.step === picked.step))
}

describe('the cells of a worker, of a step, of both', () => {
  const check = (name: string, level: number) => {
    it(name, () => {
      fc.assert(fc.property(mapping, fc.nat(), fc.nat(), fc.constantFrom('worker', 'step', 'both'), (m, w, k, what) => {
        const steps = m.factors.reduce((n, f) => f.kind === 'repeat' ? n * f.extents.reduce((a, b) => a * b, 1) : n, 1)
        const picked = { worker: what === 'step' ? null : w % m.workers, step: what === 'worker' ? null : k % steps }
        const plane = planeOf(m.shape), conditions = conditionsOf(m, picked)
        if (conditions === undefined) throw new Error('atoms have conditions')
        const texel = 2 ** level, rowCount = Math.ceil(plane.rows / texel)
        const columnCount = Math.ceil(plane.columns / texel)
        const expected = new Float32Array(rowCount * columnCount), cells = new Float32Array(rowCount * columnCount)
        for (let row = 0; row < plane.rows; row++) {
          for (let column = 0; column < plane.columns; column++) {
            const index = indexOf(plane, { row, column }), at = Math.floor(row / texel) * columnCount
              + Math.floor(column / texel)
            if (index === undefined) continue
            cells[at] = (cells[at] ?? 0) + 1
            if (matches(m, index, picked)) expected[at] = (expected[at] ?? 0) + 1
          }
        }
        const found = shares(plane, conditions,
          { row: 0, column: 0, rowStep: texel, columnStep: texel, rowCount, columnCount })
        found.forEach((share, i) => { expect(share * (cells[i] ?? 0)).toBeCloseTo(expected[i] ?? 0, 4) })
      }), { numRuns: 400 })
    })
  }
  check('cell by cell', 0)
  check('in texels of 2 x 2', 1)
  check('in texels of 8 x 8', 3)
})

it('nothing matches on a plane that a worker does not reach', () => {
  const conditions = conditionsOf(mappings.rank3, { worker: 0, step: 0 }) ?? []
  const found = (fixed: number) =>
    shares(planeOf(mappings.rank3.shape, { axes: [1, 2], fixed: [fixed, 0, 0] }), conditions,
      { row: 0, column: 0, rowStep: 1, columnStep: 1, rowCount: 16, columnCount: 16 }).reduce((a, b) => a + b, 0)
  expect([0, 1, 2, 3].map(found)).toEqual([1, 0, 0, 0])
})

it('a wrapped axis', () => {
  const m = value(compose(value(repeat([40])), value(spatial([10])))), plane = planeOf(m.shape)
  const found = shares(plane, conditionsOf(m, { worker: 3, step: null }) ?? [],
    { row: 0, column: 0, rowStep: 1, columnStep: 1, rowCount: plane.rows, columnCount: plane.columns })
  const owned = [...found].flatMap((share, i) => share > 0 ? [i] : [])
  expect(owned).toEqual(Array.from({ length: 40 }, (_, k) => k * 10 + 3))
})

it('counts matches of a mapping of 10^9 tasks at once', () => {
  const conditions = conditionsOf(mappings.long, { worker: null, step: 77 }) ?? []
  expect(countBelow(conditions[0] ?? [], 125_000_000)).toBe(1)
  expect(countBelow(conditions[0] ?? [], 77)).toBe(0)
})

it('custom mappings have no conditions',
  () => { expect(conditionsOf(mappings.diagonal, { worker: 0, step: null })).toBeUndefined() })
