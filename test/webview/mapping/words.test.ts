import { describe, expect, it } from 'vitest'
import type { MappingFacts } from '../../../webview/mapping/evaluate.ts'
import { answers } from '../../../webview/mapping/evaluate.ts'
import { commandOf, type Command } from '../../../webview/mapping/keys.ts'
import { legendOf } from '../../../webview/mapping/legend.ts'
import {
  bankOf, isLight, laneOf, lanePosition, paletteOf, unpack, warpOf, type Colouring
} from '../../../compiler-core/view/palette.ts'
import { firstView, viewFor } from '../../../webview/mapping/state.ts'
import { accessWords, cellWords, coverageWords, summaryWords, workerWords } from '../../../webview/mapping/words.ts'
import { mappings } from '../subjects.ts'
import type { Mapping } from '../../../compiler-core/mapping/mapping.ts'

function factsOf(mapping: Mapping): MappingFacts {
  const facts = answers.facts({ kind: 'mapping', mapping })
  if (facts.kind !== 'mapping') throw new Error('not a mapping')
  return facts
}

const groups = { threads: 256, warpSize: 32 }, storage = { elementBytes: 2, bankBytes: 4, banks: 32 }

describe('a cell in words', () => {
  const check = (name: keyof typeof mappings, index: readonly number[], expected: string) => {
    it(`${name} ${index.join()}`, () => {
      const m = mappings[name], reply = answers.owners({ kind: 'mapping', mapping: m }, { task: index, limit: 64 })
      expect(cellWords(factsOf(m), groups, storage, index, reply)).toBe(expected)
    })
  }
  check('load', [17, 3], 'Task (17, 3): worker 11 (warp 0, lane 11), step 1')
  check('million', [40, 1], 'Task (40, 1): worker 257 (block 1, thread 1, warp 8, lane 1), step 32')
  check('atom', [3, 7], 'Task (3, 7): worker 31 (lane 31), step 0')
  check('diagonal', [0, 1], 'Task (0, 1): uncovered, no worker executes it')
  check('uneven', [0, 0], 'Task (0, 0): 2 times, by worker 0 at step 0, worker 2 at step 0')
  check('projected', [5, 0],
    'Task (5, 0): 16 times, by worker 8 at step 1, worker 9 at step 1, worker 10 at step 1, worker 11 at step 1, \u2026')
})

it('an element in words', () => {
  const facts = { kind: 'layout', shape: [8, 8], size: 64, closedForm: '' } as const
  expect(cellWords(facts, groups, storage, [4, 1],
    { count: 1, owners: [{ worker: 33, step: 0 }] })).toBe('Element (4, 1): offset 33, byte 66, bank 16')
})

describe('coverage', () => {
  const check = (name: keyof typeof mappings, ...expected: readonly string[]) => {
    it(name, () => { expect(coverageWords(factsOf(mappings[name])).map(part => part.text)).toEqual(expected) })
  }
  check('load', 'each cell once')
  check('long', 'each cell once')
  check('diagonal', '224 uncovered')
  check('projected', '128 replicated, up to \u00d716')
  check('uneven', '1 uncovered', '1 replicated, up to \u00d72')
})

it('the whole mapping in words', () => {
  expect(summaryWords('load', 'repeat(4, 1) * spatial(16, 8)', factsOf(mappings.load)))
    .toBe('Task mapping load, repeat(4, 1) * spatial(16, 8). 128 workers, task shape 64 by 8, 4 tasks a worker; each cell once.')
  expect(summaryWords('u', 'u',
    factsOf(mappings.uneven))).toBe('Task mapping u. 3 workers, task shape 2 by 2, up to 2 tasks a worker; 1 uncovered, 1 replicated, up to \u00d72.')
})

it('a request of a warp in words', () => {
  expect(accessWords(32, 1, 32)).toBe('32 lanes, 1 bank: 32-way conflict')
  expect(accessWords(32, 32, 1)).toBe('32 lanes, 32 banks: no conflict')
})

describe('threads of blocks that are no whole number of warps', () => {
  const odd = { threads: 48, warpSize: 32 }
  it.each([[0, 0, 0], [31, 0, 31], [32, 1, 0], [47, 1, 15], [48, 2, 0], [95, 3, 15]])('worker %i: warp %i, lane %i',
    (worker, warp, lane) => {
      expect([warpOf(odd, worker), laneOf(odd, worker)]).toEqual([warp, lane])
    })
  it('in words', () => { expect(workerWords(odd, 50, 96)).toBe('block 1, thread 2, warp 2, lane 2') })
})

describe('colours', () => {
  const lightness = (colour: number) => { const [r, g, b] = unpack(colour); return 0.299 * r + 0.587 * g + 0.114 * b }
  it.each([8, 16, 32, 64])('each lane of a warp of %i has a place of its own, far from its neighbours in a tile',
    warpSize => {
      const places = Array.from({ length: warpSize }, (_, lane) => lanePosition(lane, warpSize))
      expect(new Set(places).size).toBe(warpSize)
      for (const distance of [1, 2, 4, 8].filter(d => d < warpSize / 2)) {
        places.forEach((place, lane) => {
          const other = places[lane + distance]
          if (other !== undefined) expect(Math.abs(place - other)).toBeGreaterThan(0.12)
        })
      }
    })
  it('neighbouring threads differ in lightness, which every eye sees', () => {
    const { table, group } = paletteOf({ by: 'thread', workers: 256, threads: 256, warpSize: 32 })
    for (let worker = 0; worker < 255; worker++) {
      if (worker % 32 === 31) continue
      expect(Math.abs(lightness(table[group(worker, 0)] ?? 0) - lightness(table[group(worker + 1,
        0)] ?? 0))).toBeGreaterThan(20)
    }
  })
  it('steps grow lighter', () => {
    const { table, group } = paletteOf({ by: 'step', steps: 64 })
    const shades = Array.from({ length: 64 }, (_, step) => lightness(table[group(0, step)] ?? 0))
    expect(shades).toEqual([...shades].sort((a, b) => a - b))
  })
  it('24 warps have 24 colours', () => {
    const { table, group } = paletteOf({ by: 'warp', workers: 1024, threads: 1024, warpSize: 32 })
    expect(new Set(Array.from({ length: 24 }, (_, warp) => table[group(warp * 32, 0)])).size).toBe(24)
  })
  it('a million steps have a place each in the table', () => {
    const { table, group } = paletteOf({ by: 'step', steps: 1_000_000 })
    expect(group(0, 0)).toBe(0)
    expect(group(0, 999_999)).toBe(table.length - 1)
  })
  it('dark text on light cells', () => {
    expect(isLight([240, 228, 66])).toBe(true)
    expect(isLight([0, 114, 178])).toBe(false)
  })
  it.each([[0, 4, 0], [31, 4, 31], [32, 4, 0], [3, 2, 1], [1, 16, 4],
    [9, 1, 2]])('offset %i of %i bytes lies in bank %i', (offset, elementBytes, bank) => {
    expect(bankOf({ elementBytes, bankBytes: 4, banks: 32 }, offset)).toBe(bank)
  })
})

describe('legend', () => {
  const check = (name: string, mapping: Mapping, colouring: Colouring, expected: string) => {
    it(name, () => {
      const legend = legendOf(colouring, factsOf(mapping), { threads: 256, warpSize: 32 })
      expect(legend.kind === 'groups' ? [...legend.entries.map(entry => entry.text), legend.more].join(' ')
        : `${legend.from} to ${legend.to}`).toBe(expected)
    })
  }
  const by = (kind: 'thread' | 'warp' | 'block' | 'lane'): Colouring =>
    ({ by: kind, workers: 1024, threads: 256, warpSize: 32 })
  check('threads of several warps', mappings.load, by('thread'), 'warp 0 warp 1 warp 2 warp 3 ')
  check('blocks', mappings.million, by('block'), 'block 0 block 1 block 2 block 3 ')
  check('many warps', mappings.million, by('warp'),
    'warp 0 warp 1 warp 2 warp 3 warp 4 warp 5 warp 6 warp 7 \u2026 warp 31')
  check('steps', mappings.block, { by: 'step', steps: 64 }, 'step 0 to 63')
  check('one step', mappings.atom, { by: 'step', steps: 1 }, 'step 0 ')
})

describe('keys', () => {
  const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false }
  const check = (key: string, expected: Command | undefined, modifiers: Partial<typeof none> = {}) => {
    it(`${JSON.stringify(modifiers)} ${key}`, () => {
      expect(commandOf({ key, ...none, ...modifiers })).toEqual(expected)
    })
  }
  check('ArrowDown', { kind: 'move', rows: 1, columns: 0, by: 'cell' })
  check('ArrowLeft', { kind: 'move', rows: 0, columns: -1, by: 'page' }, { ctrlKey: true })
  check('ArrowUp', { kind: 'pan', rows: -1, columns: 0 }, { shiftKey: true })
  check('+', { kind: 'zoom', factor: 1.5 }, { shiftKey: true })
  check(' ', { kind: 'play' })
  check(']', { kind: 'worker', by: 1 })
  check(',', { kind: 'step', by: -1 })
  check('c', undefined, { ctrlKey: true })
  check('Tab', undefined)
})

describe('choices kept for another mapping', () => {
  const view = { ...firstView, axes: [1, 2] as const, fixed: [3, 0, 0], cursor: [3, 7, 9], worker: 40, step: 5,
    viewport: { zoom: 2, row: 1, column: 1 } }
  it('of the same shape', () => {
    expect(viewFor(view, [4, 8, 16], true, { workers: 64, steps: 8, size: 0 })).toEqual({ ...view, fixed: [3, 0, 0] })
  })
  it('of fewer workers, steps and axes', () => {
    expect(viewFor(view, [2, 8], false, { workers: 16, steps: 4, size: 0 }))
      .toMatchObject({ axes: null, fixed: [1, 0], cursor: null, worker: null, step: null, viewport: null })
  })
})
