/**
 * The cells of a window onto a mapping or a layout, as flat arrays, for drawing at any level of detail.
 *
 * The digits of a task index each belong to one axis, so the worker (and the step) of a cell is a number for its row
 * plus a
 * number for its column: a window of a million cells costs two short tables and a million additions.
 */
import { floorDivide, numbers } from './arithmetic.ts'
import { offset, type Layout } from './layout.ts'
import { customOwners, keptStrides, ownersOf, placesOf, tasksPerWorker, type Mapping, type Place } from './mapping.ts'

/** Rows and columns of a plane through a shape. Every index that it names lies inside the shape. */
export interface TileWindow {
  /** The axis drawn downwards; null draws a single row. */
  readonly rowAxis: number | null
  readonly columnAxis: number
  /** An index for each axis; those of the two drawn axes are ignored. */
  readonly fixed: readonly number[]
  readonly rowFrom: number
  readonly rowStep: number
  readonly rowCount: number
  readonly columnFrom: number
  readonly columnStep: number
  readonly columnCount: number
}

/** Row-major, rowCount x columnCount. */
export interface TileSample {
  /** Owners of the cell: 0 uncovered, more than 1 replicated; at most 2^32 - 1. */
  readonly counts: Uint32Array
  /** The first owner's worker, or -1. */
  readonly workers: Float64Array
  /** The step at which the first owner executes the cell, or -1. */
  readonly steps: Float64Array
}

export function sampleTile(m: Mapping, window: TileWindow): TileSample {
  const size = window.rowCount * window.columnCount
  const sample = { counts: new Uint32Array(size), workers: new Float64Array(size), steps: new Float64Array(size) }
  if (tasksPerWorker(m) === undefined) sampleByCell(m, window, sample)
  else sampleByAxis(m, window, sample)
  return sample
}

/** Offsets, row-major, rowCount x columnCount. */
export function sampleLayout(layout: Layout, window: TileWindow): Float64Array {
  const offsets = new Float64Array(window.rowCount * window.columnCount)
  forEachCell(window, (index, cell) => {
    offsets[cell] = offset(layout, index, numbers)
  })
  return offsets
}

function sampleByCell(m: Mapping, window: TileWindow, sample: TileSample): void {
  forEachCell(window, (task, cell) => {
    const owners = ownersOf(m, task)
    const [first] = owners.owners()
    sample.counts[cell] = Math.min(owners.count, 0xffffffff)
    sample.workers[cell] = first?.worker ?? -1
    sample.steps[cell] = first?.step ?? -1
  })
}

/** `visit` gets one array, changed in place from cell to cell. */
function forEachCell(w: TileWindow, visit: (index: readonly number[], cell: number) => void): void {
  const index = [...w.fixed]
  for (let row = 0, cell = 0; row < w.rowCount; row++) {
    if (w.rowAxis !== null) index[w.rowAxis] = w.rowFrom + row * w.rowStep
    for (let column = 0; column < w.columnCount; column++, cell++) {
      index[w.columnAxis] = w.columnFrom + column * w.columnStep
      visit(index, cell)
    }
  }
}

/**
 * What a row or a column adds to the worker and step of its cells, and to the own cell of each custom factor, in
 * order.
 */
interface AxisTable {
  readonly workers: Float64Array
  readonly steps: Float64Array
  readonly cells: readonly Float64Array[]
}

function sampleByAxis(m: Mapping, window: TileWindow, sample: TileSample): void {
  const places = placesOf(m),
    stepStrides = stepStridesOf(places)
  const customs = places.flatMap((place, i) =>
    place.factor.kind === 'custom' ? [{ place, factor: place.factor, stepStride: stepStrides[i] ?? 1 }] : []
  )
  const copies = places.reduce((n, place) => n * freeVolume(place), 1)
  const table = (axes: readonly number[], at: (i: number) => readonly number[], count: number) =>
    axisTable(places, stepStrides, axes, at, count)
  const drawn = window.rowAxis === null ? [window.columnAxis] : [window.rowAxis, window.columnAxis]
  const others = m.shape.flatMap((_, axis) => (drawn.includes(axis) ? [] : [axis]))
  const base = table(others, () => others.map(axis => window.fixed[axis] ?? 0), 1)
  const rows =
    window.rowAxis === null
      ? table([], () => [], 1)
      : table([window.rowAxis], i => [window.rowFrom + i * window.rowStep], window.rowCount)
  const columns = table([window.columnAxis], i => [window.columnFrom + i * window.columnStep], window.columnCount)
  for (let row = 0, cell = 0; row < window.rowCount; row++) {
    const r = window.rowAxis === null ? 0 : row
    const rowWorker = (base.workers[0] ?? 0) + (rows.workers[r] ?? 0),
      rowStep = (base.steps[0] ?? 0) + (rows.steps[r] ?? 0)
    for (let column = 0; column < window.columnCount; column++, cell++) {
      let worker = rowWorker + (columns.workers[column] ?? 0),
        step = rowStep + (columns.steps[column] ?? 0),
        count = copies
      for (const [c, { place, factor, stepStride }] of customs.entries()) {
        const own = (base.cells[c]?.[0] ?? 0) + (rows.cells[c]?.[r] ?? 0) + (columns.cells[c]?.[column] ?? 0)
        const owners = customOwners(factor).get(own),
          first = owners?.[0]
        count *= owners?.length ?? 0
        worker += (first?.worker ?? 0) * place.workerStride
        step += (first?.step ?? 0) * stepStride
      }
      sample.counts[cell] = Math.min(count, 0xffffffff)
      sample.workers[cell] = count === 0 ? -1 : worker
      sample.steps[cell] = count === 0 ? -1 : step
    }
  }
}

function axisTable(
  places: readonly Place[],
  stepStrides: readonly number[],
  axes: readonly number[],
  at: (i: number) => readonly number[],
  count: number
): AxisTable {
  const workers = new Float64Array(count),
    steps = new Float64Array(count),
    cells: Float64Array[] = []
  places.forEach((place, p) => {
    const f = place.factor
    const into = f.kind === 'spatial' ? workers : f.kind === 'repeat' ? steps : new Float64Array(count)
    if (f.kind === 'custom') cells.push(into)
    const unit = f.kind === 'spatial' ? place.workerStride : f.kind === 'repeat' ? (stepStrides[p] ?? 1) : 1
    const strides = f.kind === 'custom' ? keptStrides(f) : place.strides
    axes.forEach((axis, n) => {
      const dimension = f.axes.indexOf(axis)
      if (dimension < 0) return
      const scale = place.scales[axis] ?? 1,
        extent = place.shape[axis] ?? 1,
        worth = unit * (strides[dimension] ?? 0)
      for (let i = 0; i < count; i++) into[i] = (into[i] ?? 0) + (floorDivide(at(i)[n] ?? 0, scale) % extent) * worth
    })
  })
  return { workers, steps, cells }
}

function stepStridesOf(places: readonly Place[]): number[] {
  const strides: number[] = []
  let stride = 1
  for (const place of [...places].reverse()) {
    strides.unshift(stride)
    stride *= place.steps ?? 1
  }
  return strides
}

function freeVolume(place: Place): number {
  const f = place.factor
  return f.kind === 'custom'
    ? 1
    : f.axes.reduce<number>((n, axis, i) => (axis === null ? n * (f.extents[i] ?? 1) : n), 1)
}
