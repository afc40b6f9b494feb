/**
 * Which cells a worker owns, or all workers execute at a step, without looking at any cell.
 *
 * A worker and a step are numbers of mixed radix whose digits each belong to one axis (see compiler-core/mapping). So
 * "owned by worker w" and "executed at step k" are conditions on the digits of each axis alone: a cell matches where
 * its row and its column both do, and the share of a block of cells that match is the product of two shares. Custom
 * mappings have no such digits; their cells are looked at one by one (tiles.ts).
 */
import { placesOf, type Mapping } from '../../compiler-core/mapping/mapping.ts'
import type { Plane } from './plane.ts'

export interface Picked { readonly worker: number | null; readonly step: number | null }

/** `index / scale % extent === digit` */
interface Condition { readonly scale: number; readonly extent: number; readonly digit: number }

/** For each axis the conditions of a match, the largest scale first; undefined where a custom factor allows none. */
export type Conditions = ReadonlyArray<readonly Condition[]>

export function conditionsOf(m: Mapping, pick: Picked): Conditions | undefined {
  if (m.factors.some(f => f.kind === 'custom')) return undefined
  const conditions: Condition[][] = m.shape.map(() => [])
  const places = placesOf(m)
  let stepStride = 1
  for (const place of [...places].reverse()) {
    const f = place.factor, steps = place.steps ?? 1
    const own = f.kind === 'spatial' ? digit(pick.worker, place.workerStride, place.workers)
      : digit(pick.step, stepStride, steps)
    stepStride *= steps
    if (own === null) continue
    f.axes.forEach((axis, i) => {
      const extent = f.extents[i] ?? 1
      if (axis === null || extent === 1) return
      const digitOf = Math.floor(own / (place.strides[i] ?? 1)) % extent
      conditions[axis]?.unshift({ scale: place.scales[axis] ?? 1, extent, digit: digitOf })
    })
  }
  return conditions
}

/** How many of the indices 0 to n - 1 of an axis match. */
export function countBelow(conditions: readonly Condition[], n: number, from = 0): number {
  const c = conditions[from]
  if (c === undefined) return n
  const period = c.scale * c.extent, whole = Math.floor(n / period)
  const rest = Math.min(c.scale, Math.max(0, n - whole * period - c.digit * c.scale))
  const tail = countBelow(conditions, rest, from + 1)
  return whole === 0 ? tail : whole * countBelow(conditions, c.scale, from + 1) + tail
}

/**
 * The share of matching cells of each texel of a block of `rowCount` x `columnCount` texels, row-major, 0 to 1. A
 * texel is `rowStep` x `columnStep` cells.
 */
export function shares(plane: Plane, conditions: Conditions, block: {
  readonly row: number; readonly column: number; readonly rowStep: number; readonly columnStep: number
  readonly rowCount: number; readonly columnCount: number
}): Float32Array {
  const result = new Float32Array(block.rowCount * block.columnCount)
  const elsewhere = plane.fixed.some((index, axis) => axis !== plane.rowAxis && axis !== plane.columnAxis
    && share(conditions[axis] ?? [], index, 1, plane.shape[axis] ?? 1) === 0)
  if (elsewhere) return result
  const across = conditions[plane.columnAxis] ?? []
  if (plane.rowAxis === null) {
    const extent = plane.shape[0] ?? 1, sampled = Math.min(block.rowStep, 16)
    for (let r = 0, texel = 0; r < block.rowCount; r++) {
      for (let c = 0; c < block.columnCount; c++, texel++) {
        const column = block.column + c * block.columnStep
        for (let i = 0; i < sampled; i++) {
          const row = block.row + r * block.rowStep + Math.floor(i * block.rowStep / sampled)
          result[texel] = (result[texel] ?? 0)
            + share(across, row * plane.columns + column, block.columnStep, extent) / sampled
        }
      }
    }
    return result
  }
  const down = conditions[plane.rowAxis] ?? []
  const columns = Float32Array.from({ length: block.columnCount }, (_, c) =>
    share(across, block.column + c * block.columnStep, block.columnStep, plane.columns))
  for (let r = 0; r < block.rowCount; r++) {
    const row = share(down, block.row + r * block.rowStep, block.rowStep, plane.rows)
    if (row === 0) continue
    for (let c = 0; c < block.columnCount; c++) result[r * block.columnCount + c] = row * (columns[c] ?? 0)
  }
  return result
}

/** The share of the indices from `from`, `count` of them but none beyond the extent, that match. */
function share(conditions: readonly Condition[], from: number, count: number, extent: number): number {
  const to = Math.min(extent, from + count)
  if (to <= from) return 0
  return (countBelow(conditions, to) - countBelow(conditions, from)) / (to - from)
}

function digit(value: number | null, stride: number, radix: number): number | null {
  return value === null ? null : Math.floor(value / stride) % radix
}
