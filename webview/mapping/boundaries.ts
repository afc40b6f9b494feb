/** The lines between the cells of a tile: where the worker changes, and where the warp or block does. */
import type { CellTile } from './evaluate.ts'
import { blockOf, warpOf } from '../../compiler-core/view/palette.ts'
import type { Groups } from './words.ts'

/**
 * A line from cell `start` to `end`, above row `at` or left of column `at` of its tile; 0 within a worker, 1 between
 * workers, 2 between warps.
 */
export interface Boundary {
  readonly kind: 0 | 1 | 2
  readonly across: boolean
  readonly at: number
  readonly start: number
  readonly end: number
}

interface Found { readonly key: string; readonly lines: readonly Boundary[] }

const found = new WeakMap<CellTile, Found>()

/** Found once a tile and grouping; null groups: all cells are alike, as those of a layout. */
export function boundariesOf(
  tile: CellTile, above: boolean, before: boolean, groups: Groups | null
): readonly Boundary[] {
  const key = groups === null ? '' : `${groups.threads} ${groups.warpSize}`
  let known = found.get(tile)
  if (known?.key !== key) found.set(tile, known = { key, lines: findBoundaries(tile, above, before, groups) })
  return known.lines
}

export function findBoundaries(tile: CellTile, above: boolean, before: boolean, groups: Groups | null): Boundary[] {
  const lines: Boundary[] = [], { firsts, origin, stride } = tile
  const kindOf = (a: number, b: number): 0 | 1 | 2 => {
    if (a === b || groups === null) return 0
    if (a < 0 || b < 0) return 1
    return blockOf(groups, a) === blockOf(groups, b) && warpOf(groups, a) === warpOf(groups, b) ? 1 : 2
  }
  const run = (across: boolean, at: number, count: number, kindAt: (i: number) => 0 | 1 | 2) => {
    let start = 0, kind = kindAt(0)
    for (let i = 1; i <= count; i++) {
      const next = i === count ? null : kindAt(i)
      if (next === kind) continue
      lines.push({ kind, across, at, start, end: i })
      start = i
      kind = next ?? 0
    }
  }
  for (let c = before ? 0 : 1; c < tile.columns; c++) {
    run(false, c, tile.rows, r =>
      kindOf(firsts[origin + r * stride + c - 1] ?? -2, firsts[origin + r * stride + c] ?? -2))
  }
  for (let r = above ? 0 : 1; r < tile.rows; r++) {
    run(true, r, tile.columns, c =>
      kindOf(firsts[origin + (r - 1) * stride + c] ?? -2, firsts[origin + r * stride + c] ?? -2))
  }
  return lines
}
