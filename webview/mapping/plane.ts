/**
 * The plane that is drawn: which two axes of a shape lie down and across the picture, and where the others are fixed.
 *
 * A shape of one axis is drawn as rows of `columns` cells, one below the other, as text is wrapped:
 *
 *     shape (12), columns 8      row 0: cells 0-7      row 1: cells 8-11
 *
 * A large shape is drawn in texels of 2^rows x 2^columns cells (its level of detail); level (0, 0) is cell by cell.
 */
import type { TileWindow } from '../../compiler-core/mapping/sample.ts'

export interface Plane {
  readonly shape: readonly number[]
  /** Null: the shape has one axis, which is wrapped. */
  readonly rowAxis: number | null
  readonly columnAxis: number
  /** An index for each axis; those of the drawn axes are 0. */
  readonly fixed: readonly number[]
  readonly rows: number
  readonly columns: number
}

/** The level of detail of each direction, as the power of two of its cells a texel. */
export interface Level { readonly rows: number; readonly columns: number }

export interface Cell { readonly row: number; readonly column: number }

/** Texels down and across a tile. */
export const tileTexels = 128

/** The drawn axes are the last two that have more than one index, unless others are chosen. */
export function planeOf(shape: readonly number[],
  chosen: { readonly axes?: readonly [number, number]; readonly fixed?: readonly number[] } = {}): Plane {
  if (shape.length === 1) {
    const extent = shape[0] ?? 1, columns = wrapColumns(extent)
    return { shape, rowAxis: null, columnAxis: 0, fixed: [0], rows: Math.ceil(extent / columns), columns }
  }
  const [rowAxis, columnAxis] = chosen.axes ?? usualAxes(shape)
  const fixed = shape.map((extent, axis) => axis === rowAxis || axis === columnAxis ? 0
    : Math.min(extent - 1, Math.max(0, chosen.fixed?.[axis] ?? 0)))
  return { shape, rowAxis, columnAxis, fixed, rows: shape[rowAxis] ?? 1, columns: shape[columnAxis] ?? 1 }
}

export function planeKey(plane: Plane): string {
  return [plane.shape.join(), plane.rowAxis, plane.columnAxis, plane.fixed.join(), plane.columns].join('/')
}

/** The index of a cell, or undefined where a wrapped row has ended. */
export function indexOf(plane: Plane, cell: Cell): number[] | undefined {
  if (cell.row < 0 || cell.column < 0 || cell.row >= plane.rows || cell.column >= plane.columns) return undefined
  const index = [...plane.fixed]
  if (plane.rowAxis === null) {
    const linear = cell.row * plane.columns + cell.column
    if (linear >= (plane.shape[0] ?? 1)) return undefined
    index[0] = linear
  } else {
    index[plane.rowAxis] = cell.row
    index[plane.columnAxis] = cell.column
  }
  return index
}

/** The cell of an index, or undefined where it lies on another plane. */
export function cellOf(plane: Plane, index: readonly number[]): Cell | undefined {
  if (plane.rowAxis === null) {
    const linear = index[0] ?? 0
    return { row: Math.floor(linear / plane.columns), column: linear % plane.columns }
  }
  const inside = index.every((value, axis) => axis === plane.rowAxis || axis === plane.columnAxis
    || value === plane.fixed[axis])
  return inside ? { row: index[plane.rowAxis] ?? 0, column: index[plane.columnAxis] ?? 0 } : undefined
}

/** A block of cells, `step` cells from one to the next. */
export interface CellBlock {
  readonly row: number
  readonly column: number
  readonly rowStep: number
  readonly columnStep: number
  readonly rowCount: number
  readonly columnCount: number
}

/** A window onto a block, and where its values go in an array of the block's values. */
export interface PlacedWindow { readonly window: TileWindow; readonly at: number }

/** The windows that cover a block: one, or one for each wrapped row. Cells outside the shape are in none. */
export function windowsOf(plane: Plane, block: CellBlock): PlacedWindow[] {
  const columnCount = countInside(block.column, block.columnStep, block.columnCount, plane.columns)
  const rowCount = countInside(block.row, block.rowStep, block.rowCount, plane.rows)
  if (columnCount === 0 || rowCount === 0) return []
  const common = { rowAxis: plane.rowAxis, columnAxis: plane.columnAxis, fixed: plane.fixed,
    columnStep: block.columnStep }
  if (plane.rowAxis !== null) {
    return [{ at: 0, window: { ...common, columnFrom: block.column, columnCount, rowFrom: block.row,
      rowStep: block.rowStep, rowCount } }]
  }
  const extent = plane.shape[0] ?? 1
  return Array.from({ length: rowCount }, (_, i) => {
    const columnFrom = (block.row + i * block.rowStep) * plane.columns + block.column
    const count = countInside(columnFrom, block.columnStep, columnCount, extent)
    return { at: i * block.columnCount,
      window: { ...common, columnFrom, columnCount: count, rowFrom: 0, rowStep: 1, rowCount: 1 } }
  }).filter(placed => placed.window.columnCount > 0)
}

/** How many of `count` positions lie below `extent`. */
export function countInside(from: number, step: number, count: number, extent: number): number {
  return Math.max(0, Math.min(count, Math.ceil((extent - from) / step)))
}

function usualAxes(shape: readonly number[]): readonly [number, number] {
  const long = shape.flatMap((extent, axis) => extent > 1 ? [axis] : [])
  const column = long.at(-1) ?? shape.length - 1
  const row = long.at(-2) ?? (column === shape.length - 1 ? shape.length - 2 : shape.length - 1)
  return row < column ? [row, column] : [column, row]
}

/** One row up to 32 cells; else a power of two, near twice as wide as high. */
function wrapColumns(extent: number): number {
  return extent <= 32 ? extent : Math.max(16, 2 ** Math.ceil(Math.log2(Math.sqrt(extent * 2)) - 0.5))
}
