import { describe, expect, it } from 'vitest'
import { numbers } from '../../../compiler-core/mapping/arithmetic.ts'
import { offset, type Layout } from '../../../compiler-core/mapping/layout.ts'
import { ownersOf, type Mapping } from '../../../compiler-core/mapping/mapping.ts'
import { findBoundaries } from '../../../webview/mapping/boundaries.ts'
import { answers, comb, type CellTile, type Evaluated, type SummaryTile } from '../../../webview/mapping/evaluate.ts'
import { paletteOf, unpack, type Colouring } from '../../../compiler-core/view/palette.ts'
import { indexOf, planeOf, tileTexels } from '../../../webview/mapping/plane.ts'
import { layouts, mappings, settings } from '../subjects.ts'

const colouring: Colouring = { by: 'thread', workers: 1024, threads: 1024, warpSize: 32 }
const mappingOf = (mapping: Mapping): Evaluated => ({ kind: 'mapping', mapping })
const layoutOf = (layout: Layout): Evaluated => ({ kind: 'layout', layout })

function cells(subject: Evaluated, shape: readonly number[], tileRow = 0, tileColumn = 0): CellTile {
  const tile = answers.tile(subject,
    { plane: planeOf(shape), level: { rows: 0, columns: 0 }, tileRow, tileColumn, colouring })
  if (tile.kind !== 'cells') throw new Error('not cells')
  return tile
}

function summary(subject: Evaluated, shape: readonly number[], level: number): SummaryTile {
  const tile = answers.tile(subject,
    { plane: planeOf(shape), level: { rows: level, columns: level }, tileRow: 0, tileColumn: 0, colouring })
  if (tile.kind !== 'summary') throw new Error('not a summary')
  return tile
}

describe('a tile holds the first owner of each cell', () => {
  const check = (name: keyof typeof mappings, tileRow = 0, tileColumn = 0) => {
    it(`${name}, tile (${tileRow}, ${tileColumn})`, () => {
      const m = mappings[name], plane = planeOf(m.shape), tile = cells(mappingOf(m), m.shape, tileRow, tileColumn)
      for (let r = tileRow > 0 ? -1 : 0; r < tile.rows; r++) {
        for (let c = tileColumn > 0 ? -1 : 0; c < tile.columns; c++) {
          const at = tile.origin + r * tile.stride + c
          const index = indexOf(plane, { row: tileRow * tileTexels + r, column: tileColumn * tileTexels + c })
          const found = [tile.counts[at], tile.firsts[at], tile.steps[at]]
          if (index === undefined) expect(found[1]).toBe(-2)
          else {
            const owners = ownersOf(m, index), [first] = owners.owners()
            expect(found).toEqual([owners.count, first?.worker ?? -1, first?.step ?? -1])
          }
        }
      }
    })
  }
  check('load')
  check('block')
  check('atom')
  check('rank3')
  check('rank1')
  check('projected')
  check('diagonal')
  check('uneven')
  check('million', 3, 5)
  check('long', 976_562, 0)
})

it('a tile of a layout holds offsets', () => {
  const tile = cells(layoutOf(layouts.shared), layouts.shared.shape)
  for (let i = 0; i < 64; i++) for (let j = 0; j < 16; j++) {
    expect(tile.firsts[i * tile.stride + j]).toBe(offset(layouts.shared, [i, j], numbers))
  }
})

describe('a texel of many cells', () => {
  it('is as opaque as its cells are covered', () => {
    const alpha = [...summary(mappingOf(mappings.diagonal), [16, 16], 4).pixels].map(pixel => pixel >>> 24)
    expect(alpha).toEqual([48]) // 3 of 16 samples; 32 of 256 cells are covered
    expect([...summary(mappingOf(mappings.block), [128, 128], 2).pixels].every(pixel =>
      pixel >>> 24 === 255)).toBe(true)
  })
  it('has the mean of four cells, of light rather than of numbers', () => {
    const { table, group } = paletteOf(colouring)
    const found = unpack(summary(mappingOf(mappings.atom), [4, 8], 1).pixels[0] ?? 0)
    const red = [0, 1, 2, 3].map(worker => unpack(table[group(worker, 0)] ?? 0)[0])
    expect(found[0]).toBeCloseTo(Math.sqrt(red.reduce((n, v) => n + v * v, 0) / 4), -0.5)
  })
  it('keeps what it was made of where matches do not follow from digits', () => {
    expect(summary(mappingOf(mappings.block), [128, 128], 2).samples).toHaveLength(0)
    expect(summary(mappingOf(mappings.diagonal), [16, 16], 2).samples).toHaveLength(4)
  })
})

describe('places of samples', () => {
  const check = (size: number, most: number, expected: readonly number[]) => {
    it(`${most} of ${size}`, () => { expect(comb(size, most)).toEqual(expected) })
  }
  check(1, 4, [0])
  check(2, 4, [0, 1])
  check(4, 4, [0, 1, 2, 3])
  check(16, 4, [0, 5, 10, 15])
  check(8, 2, [0, 5])
})

it('owners: all of them are counted, the first are given', () => {
  const reply = answers.owners(mappingOf(mappings.projected), { task: [0, 0], limit: 5 })
  expect(reply.count).toBe(16)
  expect(reply.owners).toEqual([0, 1, 2, 3, 4].map(worker => ({ worker, step: 0 })))
})

describe('tasks of a worker, from a step on', () => {
  const check = (m: Mapping, worker: number, from: number, expected: readonly (readonly number[])[], total: number) => {
    it(`worker ${worker} from ${from}`, () => {
      expect(answers.tasks(mappingOf(m), { worker, from, count: 3 })).toEqual({ total, tasks: expected })
    })
  }
  check(mappings.load, 8, 0, [[1, 0], [17, 0], [33, 0]], 4)
  check(mappings.load, 8, 3, [[49, 0]], 4)
  check(mappings.load, 128, 0, [], 0)
  check(mappings.uneven, 0, 1, [[0, 1]], 2)
  check(mappings.long, 5, 124_999_999, [[124_999_999, 5]], 125_000_000)
})

describe('facts', () => {
  it('of a mapping', () => {
    expect(answers.facts(mappingOf(mappings.load))).toMatchObject({ workers: 128, tasksPerWorker: 4, steps: 4,
      closedForm: ['k * 16 + w / 8', 'w % 8'] })
  })
  it('of workers with differently many tasks', () => {
    expect(answers.facts(mappingOf(mappings.uneven))).toMatchObject({ tasksPerWorker: null, steps: 2,
      coverage: { uncovered: 1, replicated: 1, most: 2 } })
  })
  it('of a layout', () => {
    expect(answers.facts(layoutOf(layouts.rows))).toEqual({ kind: 'layout', shape: [8, 8], size: 64,
      closedForm: 'i * 8 + j' })
  })
})

describe('what is stored at an offset, and in its bank', () => {
  const check = (name: string, layout: Layout, at: number, bank: boolean, count: number) => {
    it(name, () => {
      const reply = answers.stored(layoutOf(layout),
        { offset: at, bank: bank ? { elementBytes: 4, ...settings } : null, limit: 4 })
      expect([reply.count, reply.cells.length, reply.complete]).toEqual([count, Math.min(4, count), true])
    })
  }
  check('one cell', layouts.banks, 37, false, 1)
  check('a bank', layouts.banks, 37, true, 32)
  check('rows of registers', { kind: 'local', shape: [4, 4], size: 1 }, 0, false, 16)
})

describe('the request of a warp', () => {
  const check = (name: string, layout: Layout, axis: number, elementBytes: number, expected: readonly number[]) => {
    it(name, () => {
      const { lanes, banks, ways } = answers.access(layoutOf(layout),
        { index: [0, 0], axis, lanes: 32, elementBytes, ...settings })
      expect([lanes, banks, ways]).toEqual(expected)
    })
  }
  const plain: Layout = { kind: 'strided', shape: [32, 32], strides: [32, 1], size: 1024 }
  check('along a row', plain, 1, 4, [32, 32, 1])
  check('down a column: all lanes in one bank', plain, 0, 4, [32, 1, 32])
  check('down a swizzled column', layouts.banks, 0, 4, [32, 32, 1])
  check('two halves share a word', plain, 1, 2, [32, 16, 1])
  check('down a column of halves', plain, 0, 2, [32, 2, 16])
  check('fewer elements than lanes', layouts.rows, 1, 4, [8, 8, 1])
})

it('boundaries lie where the worker changes', () => {
  // spatial(2, 2) * repeat(1, 2): workers 0 0 1 1 over 2 2 3 3
  const tile: CellTile = {
    kind: 'cells', rows: 2, columns: 4, stride: 4, origin: 0, counts: new Uint32Array(8).fill(1),
    steps: new Float64Array(8),
    firsts: Float64Array.from([0, 0, 1, 1, 2, 2, 3, 3])
  }
  const line = (kind: 0 | 1 | 2, across: boolean, at: number, end: number) => ({ kind, across, at, start: 0, end })
  expect(findBoundaries(tile, false, false, { threads: 4, warpSize: 2 })).toEqual([
    line(0, false, 1, 2), line(1, false, 2, 2), line(0, false, 3, 2), line(2, true, 1, 4)
  ])
})
