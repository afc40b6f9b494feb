/**
 * Which cells of its task shape a mapping covers, and how often; counted, not enumerated.
 *
 * A cell is a choice of one own cell of each factor, independently, and its owners are the products of theirs. So the
 * cells
 * with a given number of owners follow from each factor's own numbers; only a custom factor is looked at cell by cell.
 */
import { customOwners, factorShape, type Factor, type Mapping } from './mapping.ts'
import { volume } from './shape.ts'

export interface Coverage {
  /** Cells of the task shape. */
  readonly cells: number
  readonly uncovered: number
  /** Covered by exactly one worker at exactly one step. */
  readonly once: number
  /** Covered more than once. */
  readonly replicated: number
  /** The most often that any cell is covered. */
  readonly most: number
}

export function coverage(m: Mapping): Coverage {
  let covered = 1,
    once = 1,
    most = 1
  for (const f of m.factors) {
    const own = factorCoverage(f, m.rank)
    covered *= own.covered
    once *= own.once
    most *= own.most
  }
  const cells = volume(m.shape)
  return { cells, uncovered: cells - covered, once, replicated: covered - once, most }
}

function factorCoverage(f: Factor, rank: number): { covered: number; once: number; most: number } {
  const cells = volume(factorShape(f, rank))
  if (f.kind !== 'custom') {
    const copies = f.axes.reduce<number>((n, axis, i) => (axis === null ? n * (f.extents[i] ?? 1) : n), 1)
    return { covered: cells, once: copies === 1 ? cells : 0, most: copies }
  }
  let once = 0,
    most = 0
  const owners = customOwners(f)
  for (const list of owners.values()) {
    if (list.length === 1) once++
    most = Math.max(most, list.length)
  }
  return { covered: owners.size, once, most }
}
