/**
 * The tiles of `batch_matmul.simt` in shared memory: every access of every candidate takes as few wavefronts as its
 * bytes need. Counted from the library's layout functions and the schedule's mappings, before any lowering.
 */
import { describe, expect, it } from 'vitest'
import { idealWavefronts, wavefronts, type WarpAccess } from '../../../compiler-core/analysis/shared-memory.ts'
import { numbers } from '../../../compiler-core/mapping/arithmetic.ts'
import { columnMajor, offset, type Layout } from '../../../compiler-core/mapping/layout.ts'
import {
  compose, projectOnto, repeat, spatial, stepsOf, taskAt, type Mapping
} from '../../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../../compiler-core/mapping/result.ts'
import { analysis } from '../language/support.ts'

type Pair = readonly [number, number]

interface Candidate {
  readonly inner: Pair
  readonly outer: Pair
  readonly blockK: number
  readonly blockWarps: Pair
  readonly atom: 'row_4x8' | 'custom_4x8' | 'row_2x16'
}

const defaults: Candidate = { inner: [4, 4], outer: [2, 2], blockK: 8, blockWarps: [4, 2], atom: 'row_4x8' }

// ---------------------------------------------------------------- the rules of the schedule, once more

const spaces: ReadonlyArray<{ readonly [K in keyof Candidate]: ReadonlyArray<Candidate[K]> }> = [
  { inner: [[4, 4]], outer: [[2, 2]], blockK: [8], blockWarps: [[4, 2]], atom: ['row_4x8'] },
  {
    inner: [[4, 4], [4, 8], [8, 4]], outer: [[1, 1], [1, 2], [2, 1], [2, 2]], blockK: [8],
    blockWarps: [[1, 1], [1, 2], [2, 2], [2, 4]], atom: ['row_4x8']
  },
  {
    inner: [[4, 4]], outer: [[1, 1], [1, 2], [2, 1], [2, 2], [1, 3], [3, 1], [2, 3], [3, 2], [3, 3]], blockK: [4, 8],
    blockWarps: [[1, 1], [1, 2], [2, 1], [2, 2], [2, 4], [4, 2]], atom: ['row_4x8', 'custom_4x8', 'row_2x16']
  }
]

function candidates(level: number): readonly Candidate[] {
  const space = spaces[level] ?? spaces[0]!
  return space.inner.flatMap(inner => space.outer.flatMap(outer => space.blockK.flatMap(blockK =>
    space.blockWarps.flatMap(blockWarps => space.atom.map(atom => ({ inner, outer, blockK, blockWarps, atom })))
  ))).filter(isLegal)
}

function isLegal(c: Candidate): boolean {
  const [m, n] = tileOf(c).shape as Pair, threads = tileOf(c).workers, lines = threads / c.blockK
  if (m % lines !== 0 || n % lines !== 0) return false
  const [rows, cols] = [c.outer[0] * c.inner[0], c.outer[1] * c.inner[1]]
  const registers = Math.ceil((rows + cols + rows * cols + m / lines + n / lines + 48) / 8) * 8
  const resident = Math.floor(65536 / (registers * threads))
  return registers <= 255 && resident >= 1
    && (m + n) * c.blockK * 8 <= Math.floor(Math.floor(49152 / resident) / 128) * 128
}

// ---------------------------------------------------------------- mappings and layouts

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}

const atoms: Readonly<Record<Candidate['atom'], Mapping>> = {
  row_4x8: valueOf(spatial([4, 8])),
  custom_4x8: valueOf(compose(valueOf(spatial([2, 1])), valueOf(spatial([1, 8])), valueOf(spatial([2, 1])))),
  row_2x16: valueOf(spatial([2, 16]))
}

function tileOf(c: Candidate): Mapping {
  return valueOf(compose(
    valueOf(spatial(c.blockWarps)), valueOf(repeat(c.outer)), atoms[c.atom], valueOf(repeat(c.inner))
  ))
}

interface Tiles { readonly sa: Layout; readonly sb: Layout }

/** What the library's functions give for each candidate. */
function tilesOf(list: readonly Candidate[]): readonly Tiles[] {
  const text = list.map((c, at) => {
    const { shape: [m, n], workers } = tileOf(c)
    return `let a${at} = a_tile_layout(${m}, ${c.blockK})\n`
      + `let b${at} = b_tile_layout(${c.blockK}, ${n}, ${workers / c.blockK}, ${c.inner[1]})\n`
  })
  const { diagnostics, resolved, values } = analysis(`import "std/matmul"\n${text.join('')}`)
  expect(diagnostics).toEqual([])
  const layout = (name: string): Layout => {
    const definition = resolved.exports.get(name), value = definition && values.get(definition.nameNode)
    if (value?.kind !== 'layout') throw new Error(`${name} is a layout`)
    return value.layout
  }
  return list.map((_, at) => ({ sa: layout(`a${at}`), sb: layout(`b${at}`) }))
}

// ---------------------------------------------------------------- accesses

/** A mapping's task as an index of the tile in shared memory, for one step of the inner loop. */
interface Walk { readonly what: string; readonly mapping: Mapping; index(task: readonly number[]): readonly number[] }

/**
 * The accesses of every warp: steps of a thread that access neighbouring elements are joined, four or two at a time,
 * where they are aligned for all threads.
 */
function accesses(walk: Walk, layout: Layout, elementBytes: number): readonly WarpAccess[] {
  const { mapping } = walk, steps = stepsOf(mapping, 0)
  const offsets = Array.from({ length: mapping.workers }, (_, w) =>
    Array.from({ length: steps }, (_, k) => offset(layout, walk.index(taskAt(mapping, w, k, numbers)), numbers)))
  const joined = [4, 2, 1].find(width => steps % width === 0 && offsets.every(list => list.every((o, k) =>
    k % width === 0 ? o % width === 0 : o === (list[k - 1] ?? 0) + 1))) ?? 1
  const warps = Array.from({ length: mapping.workers / 32 }, (_, warp) => offsets.slice(32 * warp, 32 * warp + 32))
  return warps.flatMap(lanes => Array.from({ length: steps / joined }, (_, k) => ({
    bytes: joined * elementBytes, addresses: lanes.map(list => (list[k * joined] ?? 0) * elementBytes)
  })))
}

interface Count { readonly requests: number; readonly wavefronts: number; readonly ideal: number }

function count(list: readonly WarpAccess[]): Count {
  const sum = (f: (a: WarpAccess) => number): number => list.reduce((total, a) => total + f(a), 0)
  return { requests: list.length, wavefronts: sum(wavefronts), ideal: sum(idealWavefronts) }
}

/** Per block and tile: stores of both tiles, and the loads of all steps of the inner loop. */
function counts(c: Candidate, { sa, sb }: Tiles, elementBytes = 4): Readonly<Record<string, Count>> {
  const tile = tileOf(c), [m, n] = tile.shape as Pair, lines = tile.workers / c.blockK
  const steps = Array.from({ length: c.blockK }, (_, p) => p)
  const own = (task: readonly number[]): readonly number[] => task
  const all = (walks: readonly Walk[], layout: Layout): Count =>
    count(walks.flatMap(walk => accesses(walk, layout, elementBytes)))
  const [rows, cols] = [valueOf(projectOnto(tile, 0)), valueOf(projectOnto(tile, 1))]
  const loadA = valueOf(compose(valueOf(spatial([lines, c.blockK])), valueOf(repeat([m / lines, 1]))))
  const loadB = valueOf(compose(valueOf(repeat([1, n / lines])), valueOf(spatial([c.blockK, lines]))))
  return {
    'store a': all([{ what: 'store a', mapping: loadA, index: own }], sa),
    'store b': all([{ what: 'store b', mapping: loadB, index: own }], sb),
    'load a': all(steps.map(p => ({ what: `load a, step ${p}`, mapping: rows, index: ([i]) => [i ?? 0, p] })), sa),
    'load b': all(steps.map(p => ({ what: `load b, step ${p}`, mapping: cols, index: ([j]) => [p, j ?? 0] })), sb)
  }
}

const describeCandidate = (c: Candidate): string =>
  `inner ${c.inner} outer ${c.outer} block_k ${c.blockK} block_warps ${c.blockWarps} ${c.atom}`

describe('the default candidate', () => {
  const [tiles] = tilesOf([defaults])
  it('takes the fewest wavefronts for each access', () => {
    expect(counts(defaults, tiles!)).toEqual({
      'store a': { requests: 8, wavefronts: 32, ideal: 32 },
      'store b': { requests: 32, wavefronts: 32, ideal: 32 },
      'load a': { requests: 128, wavefronts: 512, ideal: 512 },
      'load b': { requests: 128, wavefronts: 512, ideal: 512 }
    })
  })
  it('would take eight times as many for the stores of a tile of A with whole columns one after the other', () => {
    expect(counts(defaults, { ...tiles!, sa: valueOf(columnMajor([128, 8])) })['store a'])
      .toEqual({ requests: 8, wavefronts: 256, ideal: 32 })
  })
})

describe.each([[0, 1], [1, 25], [2, 177]])('level %i', (level, legal) => {
  const list = candidates(level)
  it(`has ${legal} candidates`, () => { expect(list).toHaveLength(legal) })
  it('has layouts without gaps, in which no two elements share a cell', () => {
    for (const { sa, sb } of tilesOf(list)) {
      for (const l of [sa, sb]) {
        const [height = 0, width = 0] = l.shape, cells = new Set<number>()
        for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) cells.add(offset(l, [i, j], numbers))
        expect([cells.size, Math.max(...cells) + 1]).toEqual([height * width, height * width])
      }
    }
  })
  it('takes the fewest wavefronts for every access of every candidate', () => {
    const conflicts = tilesOf(list).flatMap((tiles, at) => {
      const c = list[at] ?? defaults
      return Object.entries(counts(c, tiles)).filter(([, n]) => n.wavefronts !== n.ideal)
        .map(([what, n]) => `${describeCandidate(c)}: ${what} ${n.wavefronts} of ${n.ideal}`)
    })
    expect(conflicts).toEqual([])
  })
})
