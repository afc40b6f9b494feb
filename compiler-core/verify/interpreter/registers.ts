/**
 * Register tensors that are spread over threads: which cell of its own a thread accesses, and whether every cell has
 * one element only.
 *
 *     register acc: f32[16, 16] in local(4, 8) * row_major(4, 2)
 *     thread 5, step 3 of tile.on(threadIdx.x)    ->    element (1, 11), cell 3
 *
 * A layout is a concatenation of parts. In a part without `local` dimensions every element has a cell of its own. In
 * any other part several elements share a cell, each of another thread. The accesses of all threads are enumerated from
 * the tables of their indices: where each thread uses each cell for one element alone, nothing has to be checked while
 * the kernel runs; else the tensor is `tagged`, and every cell carries the number of its element.
 */
import type { Layout } from '../../mapping/layout.ts'
import { constantOf, domainsOf, keyOf, plus, times, valueAt, absent, type Domain, type Linear, type Term } from './linear.ts'
import { cellTable, isOneToOne } from './memory.ts'

export interface Spread {
  readonly layout: Layout
  /** In the order of the layout's dimensions. */
  readonly parts: readonly Part[]
}

interface Part {
  readonly shape: readonly number[]
  /** Of one element of this part, in cells. */
  readonly scale: number
  readonly cellOf: Int32Array
  readonly cells: number
  readonly isOneToOne: boolean
  /** For each thread and cell the element that it is used for; -1: none yet. */
  readonly elementOf: Int32Array
  readonly known: Map<string, Cell>
}

/** Of one part: a number, one number for each turn of a loop, or to be looked up by the element. */
export type Cell =
  | { readonly kind: 'same'; readonly cell: number }
  | { readonly kind: 'table'; readonly domain: Domain; readonly values: Int32Array; readonly cells: number }
  | { readonly kind: 'lookup'; readonly table: Int32Array; readonly cells: number; readonly element: Linear }

/** The most accesses of one place that are enumerated. */
const enumeratedAtMost = 2 ** 20

export function spreadOf(layout: Layout, threads: number): Spread {
  const parts: Part[] = []
  let scale = layout.size
  for (const part of partsOf(layout)) {
    scale /= part.size
    const cellOf = cellTable(part), oneToOne = isOneToOne(part)
    parts.push({
      shape: part.shape, scale, cellOf, cells: part.size, isOneToOne: oneToOne,
      elementOf: new Int32Array(oneToOne ? 0 : threads * part.size).fill(-1), known: new Map()
    })
  }
  return { layout, parts }
}

function partsOf(layout: Layout): readonly Layout[] {
  return layout.kind === 'concatenation' ? [...partsOf(layout.first), ...partsOf(layout.second)] : [layout]
}

/**
 * The cells of the parts of an access, with what each is worth; undefined: a thread uses a cell for several
 * elements.
 */
export function cellsOfAccess(
  { parts }: Spread, indices: readonly Linear[], threads: Domain
): ReadonlyArray<{ readonly cell: Cell; readonly scale: number }> | undefined {
  let axis = 0
  const cells: Array<{ cell: Cell; scale: number }> = []
  for (const part of parts) {
    const own = indices.slice(axis, axis + part.shape.length)
    axis += part.shape.length
    const cell = cellOfPart(part, own, threads)
    if (!cell) return undefined
    cells.push({ cell, scale: part.scale })
  }
  return cells
}

/** Row-major. */
export function elementSum(indices: readonly Linear[], shape: readonly number[]): Linear {
  return indices.reduce((sum, e, axis) => plus(times(sum, shape[axis] ?? 1), e), constantOf(0))
}

function cellOfPart(part: Part, indices: readonly Linear[], threads: Domain): Cell | undefined {
  const key = indices.map(keyOf).join(' ')
  const known = part.known.get(key)
  if (known) return known
  const cell = foundCell(part, indices, threads)
  if (cell) part.known.set(key, cell)
  return cell
}

function foundCell(part: Part, indices: readonly Linear[], threads: Domain): Cell | undefined {
  const element = elementSum(indices, part.shape)
  const lookup: Cell = { kind: 'lookup', table: part.cellOf, cells: part.cells, element }
  const domains = new Set<Domain>([threads])
  for (const e of indices) {
    const own = domainsOf(e)
    if (!own) return part.isOneToOne ? lookup : undefined
    for (const d of own) domains.add(d)
  }
  const others = [...domains].filter(d => d !== threads)
  const turns = others.reduce((n, d) => n * d.size, 1)
  if (turns * threads.size > enumeratedAtMost) return part.isOneToOne ? lookup : undefined
  const cells = new Int32Array(turns).fill(-1), items = new Map<Domain, number>()
  const byThread = indices.map(e => e.terms.filter(t => t.local.table?.domain === threads))
  const byTurn = indices.map((e, axis) => ({ ...e, terms: e.terms.filter(t => !byThread[axis]?.includes(t)) }))
  let isSame = true
  for (let turn = 0; turn < turns; turn++) {
    let rest = turn
    for (const d of others) {
      items.set(d, rest % d.size)
      rest = Math.floor(rest / d.size)
    }
    const starts = byTurn.map(e => valueAt(e, items))
    for (let thread = 0; thread < threads.size; thread++) {
      const number = elementOf(part.shape, starts, byThread, thread)
      if (number < 0) continue
      const cell = part.cellOf[number]!
      if (cells[turn] === -1) cells[turn] = cell
      else if (cells[turn] !== cell) isSame = false
      if (part.isOneToOne) continue
      const at = thread * part.cells + cell
      if (part.elementOf[at] === -1) part.elementOf[at] = number
      else if (part.elementOf[at] !== number) return undefined
    }
  }
  if (!isSame || others.length > 1) return lookup
  const [domain] = others
  return domain ? { kind: 'table', domain, values: cells.map(c => Math.max(c, 0)), cells: part.cells } : { kind: 'same', cell: Math.max(cells[0]!, 0) }
}

/** -1 where the thread does not come, or the element lies outside, which is checked elsewhere. */
function elementOf(
  shape: readonly number[], starts: readonly number[], terms: ReadonlyArray<readonly Term[]>, thread: number
): number {
  let element = 0
  for (let axis = 0; axis < shape.length; axis++) {
    let index = starts[axis]!
    for (const { local, factor } of terms[axis]!) {
      const value = local.table!.values[thread]!
      if (value === absent) return -1
      index += value * factor
    }
    const extent = shape[axis]!
    if (index < 0 || index >= extent) return -1
    element = element * extent + index
  }
  return element
}
