/**
 * The answers to all that the page asks about a mapping or a layout. Pure; it runs in a web worker, or on the page
 * where there is none.
 *
 *     answers.tile(subject, ask)     ->  the cells of a tile, or its texels' mean colours
 *     answers.owners(subject, ask)   ->  who executes a task
 *
 * Nothing here grows with the size of the mapping, only with what is asked for.
 */
import { numbers, symbols, variable, exprText } from '../../compiler-core/mapping/arithmetic.ts'
import { coverage, type Coverage } from '../../compiler-core/mapping/coverage.ts'
import { offset, type Layout } from '../../compiler-core/mapping/layout.ts'
import {
  closedForm, mostSteps, ownersOf, stepsOf, taskAt, tasksPerWorker, type Mapping, type Owner
} from '../../compiler-core/mapping/mapping.ts'
import { sampleLayout, sampleTile } from '../../compiler-core/mapping/sample.ts'
import { bankOf, paletteOf, type Colouring } from '../../compiler-core/view/palette.ts'
import { countInside, tileTexels, windowsOf, type CellBlock, type Level, type Plane } from './plane.ts'

export type Evaluated =
  | { readonly kind: 'mapping'; readonly mapping: Mapping }
  | { readonly kind: 'layout'; readonly layout: Layout }

export type Facts = MappingFacts | LayoutFacts

export interface MappingFacts {
  readonly kind: 'mapping'
  readonly shape: readonly number[]
  readonly workers: number
  /** Null where it differs from worker to worker. */
  readonly tasksPerWorker: number | null
  /** Tasks of the worker that has the most: the steps that can be played. */
  readonly steps: number
  readonly coverage: Coverage
  /** An index an axis, over `w` and `k`. */
  /** Undefined where the mapping has none. */
  readonly closedForm: readonly string[] | undefined
}

export interface LayoutFacts {
  readonly kind: 'layout'
  readonly shape: readonly number[]
  readonly size: number
  /** The offset over the index (i, j, ...). */
  readonly closedForm: string
}

export interface TileAsk {
  readonly plane: Plane
  readonly level: Level
  /** In tiles of that level. */
  readonly tileRow: number
  readonly tileColumn: number
  /** How to colour the texels of a level above 0. */
  readonly colouring: Colouring
}

export type Tile = CellTile | SummaryTile

/** A tile cell by cell, with the row above and the column left of it where there are any. */
export interface CellTile extends Values {
  readonly kind: 'cells'
  readonly rows: number
  readonly columns: number
  /** Cell (r, c) is element `origin + r * stride + c`. */
  readonly stride: number
  readonly origin: number
}

export interface Values {
  /** Owners of a cell; 1 for every cell of a layout. */
  readonly counts: Uint32Array
  /** The first owner's worker, or the offset; -1 where there is none, -2 outside the shape. */
  readonly firsts: Float64Array
  /** The first owner's step. */
  readonly steps: Float64Array
}

/** Texels of many cells each. */
export interface SummaryTile {
  readonly kind: 'summary'
  readonly rows: number
  readonly columns: number
  /** Packed mean colours; their alpha is the share of the cells that are covered. */
  readonly pixels: Uint32Array
  /** Some of what the means were made of, sample by sample, for subjects whose matches do not follow from digits. */
  readonly samples: readonly Values[]
}

export interface OwnersAsk { readonly task: readonly number[]; readonly limit: number }
export interface OwnersReply { readonly count: number; readonly owners: readonly Owner[] }

export interface TasksAsk { readonly worker: number; readonly from: number; readonly count: number }
export interface TasksReply { readonly total: number; readonly tasks: ReadonlyArray<readonly number[]> }

/** The cells of an offset or of a bank; those of the first `limit` elements of the layout are looked through. */
export interface StoredAsk {
  readonly offset: number
  readonly bank: { readonly elementBytes: number; readonly bankBytes: number; readonly banks: number } | null
  readonly limit: number
}
export interface StoredReply {
  readonly count: number
  /** Whether all elements were looked at. */
  readonly complete: boolean
  readonly cells: ReadonlyArray<{ readonly index: readonly number[]; readonly offset: number }>
}

/** One request of a warp: lane n reads the element n further along the axis. */
export interface AccessAsk {
  readonly index: readonly number[]
  readonly axis: number
  readonly lanes: number
  readonly elementBytes: number
  readonly bankBytes: number
  readonly banks: number
}
export interface AccessReply {
  /** Lanes that fall inside the shape. */
  readonly lanes: number
  readonly banks: number
  /** The most different words of one bank: so many passes does the request take. */
  readonly ways: number
}

export const answers = {
  facts(subject: Evaluated): Facts {
    if (subject.kind === 'layout') return layoutFacts(subject.layout)
    const m = subject.mapping, perWorker = tasksPerWorker(m)
    return {
      kind: 'mapping', shape: m.shape, workers: m.workers, tasksPerWorker: perWorker ?? null,
      steps: mostSteps(m),
      coverage: coverage(m), closedForm: closedForm(m)
    }
  },

  tile(subject: Evaluated, ask: TileAsk): Tile {
    return ask.level.rows === 0 && ask.level.columns === 0 ? cellTile(subject, ask) : summaryTile(subject, ask)
  },

  owners(subject: Evaluated, ask: OwnersAsk): OwnersReply {
    if (subject.kind === 'layout') {
      return { count: 1, owners: [{ worker: offset(subject.layout, ask.task, numbers), step: 0 }] }
    }
    const found = ownersOf(subject.mapping, ask.task), owners: Owner[] = []
    for (const owner of found.owners()) {
      if (owners.length === ask.limit) break
      owners.push(owner)
    }
    return { count: found.count, owners }
  },

  tasks(subject: Evaluated, ask: TasksAsk): TasksReply {
    if (subject.kind === 'layout' || ask.worker >= subject.mapping.workers) return { total: 0, tasks: [] }
    const m = subject.mapping, total = stepsOf(m, ask.worker)
    const count = Math.max(0, Math.min(ask.count, total - ask.from))
    return { total, tasks: Array.from({ length: count }, (_, i) => taskAt(m, ask.worker, ask.from + i, numbers)) }
  },

  stored(subject: Evaluated, ask: StoredAsk): StoredReply {
    if (subject.kind === 'mapping') return { count: 0, complete: true, cells: [] }
    const { layout } = subject, elements = volumeOf(layout.shape), looked = Math.min(elements, storedSearch)
    const cells: { index: readonly number[]; offset: number }[] = []
    const index = layout.shape.map(() => 0), wanted = ask.bank === null ? ask.offset : bankOf(ask.bank, ask.offset)
    let count = 0
    for (let n = 0; n < looked; n++) {
      const at = offset(layout, index, numbers)
      if ((ask.bank === null ? at : bankOf(ask.bank, at)) === wanted) {
        if (count++ < ask.limit) cells.push({ index: [...index], offset: at })
      }
      advance(index, layout.shape)
    }
    return { count, complete: looked === elements, cells }
  },

  access(subject: Evaluated, ask: AccessAsk): AccessReply {
    if (subject.kind === 'mapping') return { lanes: 0, banks: 0, ways: 0 }
    const wordsOfBank = new Map<number, Set<number>>()
    const lanes = Math.min(ask.lanes, (subject.layout.shape[ask.axis] ?? 1) - (ask.index[ask.axis] ?? 0))
    for (let lane = 0; lane < lanes; lane++) {
      const index = ask.index.map((value, axis) => axis === ask.axis ? value + lane : value)
      const word = Math.floor(offset(subject.layout, index, numbers) * ask.elementBytes / ask.bankBytes)
      const bank = word % ask.banks, words = wordsOfBank.get(bank) ?? new Set()
      wordsOfBank.set(bank, words.add(word))
    }
    return { lanes, banks: wordsOfBank.size, ways: Math.max(0, ...[...wordsOfBank.values()].map(words => words.size)) }
  }
}

export type Answers = typeof answers
export type Question = keyof Answers
export type Argument<Q extends Question> = Parameters<Answers[Q]>[1]
export type Reply<Q extends Question> = ReturnType<Answers[Q]>

/** Elements that the search for the cells of an offset looks at; about a second. */
const storedSearch = 2 ** 20

function layoutFacts(layout: Layout): LayoutFacts {
  const names = axisNames(layout.shape.length)
  return {
    kind: 'layout', shape: layout.shape, size: layout.size,
    closedForm: exprText(offset(layout, names.map(name => variable(name)), symbols))
  }
}

/** The names of the indices in a formula: i, j, k, ... */
export function axisNames(rank: number): string[] {
  return Array.from({ length: rank }, (_, axis) => rank <= 6 ? 'ijklmn'.charAt(axis) : `i${axis}`)
}

// ---------------------------------------------------------------- tiles

function cellTile(subject: Evaluated, ask: TileAsk): CellTile {
  const { plane } = ask, row = ask.tileRow * tileTexels, column = ask.tileColumn * tileTexels
  const above = row > 0 ? 1 : 0, before = column > 0 ? 1 : 0
  const rows = countInside(row, 1, tileTexels, plane.rows), columns = countInside(column, 1, tileTexels, plane.columns)
  const stride = columns + before
  const values = sampleBlock(subject, plane, {
    row: row - above, column: column - before, rowStep: 1, columnStep: 1, rowCount: rows + above, columnCount: stride
  })
  return { kind: 'cells', rows, columns, stride, origin: above * stride + before, ...values }
}

function summaryTile(subject: Evaluated, ask: TileAsk): SummaryTile {
  const { plane, level } = ask, rowStep = 2 ** level.rows, columnStep = 2 ** level.columns
  const row = ask.tileRow * tileTexels * rowStep, column = ask.tileColumn * tileTexels * columnStep
  const rowCount = countInside(row, rowStep, tileTexels, plane.rows)
  const columnCount = countInside(column, columnStep, tileTexels, plane.columns)
  // what takes long to evaluate is sampled less
  const quick = subject.kind === 'mapping' && tasksPerWorker(subject.mapping) !== undefined, most = quick ? 4 : 2
  const samples = comb(rowStep, most).flatMap((down, i) => comb(columnStep, most).map((across, j) => ({
    kept: !quick || (i % 2 === 0 && j % 2 === 0),
    values: sampleBlock(subject, plane,
      { row: row + down, column: column + across, rowStep, columnStep, rowCount, columnCount })
  })))
  const hasDigits = subject.kind === 'mapping' && subject.mapping.factors.every(f => f.kind !== 'custom')
  return {
    kind: 'summary', rows: rowCount, columns: columnCount,
    pixels: meanColours(samples.map(sample => sample.values), rowCount * columnCount, ask.colouring),
    samples: hasDigits ? [] : samples.filter(sample => sample.kept).map(sample => sample.values)
  }
}

/**
 * Places of samples in a texel of `size` cells: all, or `most` of them, spread evenly and with different remainders of
 * small powers of two.
 */
export function comb(size: number, most: number): number[] {
  if (size <= most) return Array.from({ length: size }, (_, i) => i)
  const part = size / most
  return Array.from({ length: most }, (_, i) => i * part + i % part)
}

function meanColours(samples: readonly Values[], texels: number, colouring: Colouring): Uint32Array {
  const { table, group } = paletteOf(colouring)
  const red = new Float32Array(texels), green = new Float32Array(texels), blue = new Float32Array(texels)
  const covered = new Uint16Array(texels), inside = new Uint16Array(texels)
  for (const { firsts, steps } of samples) {
    for (let i = 0; i < texels; i++) {
      const first = firsts[i] ?? -2
      if (first === -2) continue
      inside[i] = (inside[i] ?? 0) + 1
      if (first < 0) continue
      covered[i] = (covered[i] ?? 0) + 1
      const colour = table[group(first, steps[i] ?? 0)] ?? 0
      // squares stand in for light intensities: a mean of what the eye would mix
      red[i] = (red[i] ?? 0) + (colour & 255) ** 2
      green[i] = (green[i] ?? 0) + (colour >>> 8 & 255) ** 2
      blue[i] = (blue[i] ?? 0) + (colour >>> 16 & 255) ** 2
    }
  }
  return Uint32Array.from({ length: texels }, (_, i) => {
    const n = covered[i] ?? 0
    if (n === 0) return 0
    const mean = (sum: Float32Array) => Math.round(Math.sqrt((sum[i] ?? 0) / n))
    return (Math.round(255 * n / (inside[i] ?? 1)) << 24 | mean(blue) << 16 | mean(green) << 8 | mean(red)) >>> 0
  })
}

/** The values of a block, row-major; -2 outside the shape. */
function sampleBlock(subject: Evaluated, plane: Plane, block: CellBlock): Values {
  const size = block.rowCount * block.columnCount
  const windows = windowsOf(plane, block)
  const [only] = windows
  if (windows.length === 1 && only !== undefined && only.window.rowCount === block.rowCount
    && only.window.columnCount === block.columnCount) {
    return sampleWindow(subject, only.window)
  }
  const firsts = new Float64Array(size).fill(-2)
  const values = { counts: new Uint32Array(size), firsts, steps: new Float64Array(size) }
  for (const { window, at } of windows) {
    const part = sampleWindow(subject, window)
    for (let r = 0; r < window.rowCount; r++) {
      const from = r * window.columnCount, to = from + window.columnCount, place = at + r * block.columnCount
      values.counts.set(part.counts.subarray(from, to), place)
      values.firsts.set(part.firsts.subarray(from, to), place)
      values.steps.set(part.steps.subarray(from, to), place)
    }
  }
  return values
}

function sampleWindow(subject: Evaluated, window: Parameters<typeof sampleTile>[1]): Values {
  if (subject.kind === 'layout') {
    const firsts = sampleLayout(subject.layout, window)
    return { counts: new Uint32Array(firsts.length).fill(1), firsts, steps: new Float64Array(firsts.length) }
  }
  const { counts, workers, steps } = sampleTile(subject.mapping, window)
  return { counts, firsts: workers, steps }
}

function advance(index: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = (index[axis] ?? 0) + 1
    index[axis] = next === shape[axis] ? 0 : next
    if (next !== shape[axis]) return
  }
}

function volumeOf(shape: readonly number[]): number {
  return shape.reduce((n, extent) => n * extent, 1)
}
