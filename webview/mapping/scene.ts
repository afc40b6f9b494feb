/** What is drawn: a subject with its facts, seen on a plane. */
import type { Evaluated, Facts } from './evaluate.ts'
import type { Cell, Plane } from './plane.ts'
import type { TileStore } from './tiles.ts'
import { frameOf, type Frame, type Size, type Viewport } from './viewport.ts'

export interface Scene {
  readonly subject: Evaluated
  readonly facts: Facts
  readonly plane: Plane
  readonly tiles: TileStore
}

export interface Rect { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** Where things lie in a picture, in CSS pixels. */
export interface Geometry {
  readonly size: Size
  /** What the rulers leave for the cells. */
  readonly plot: Rect
  readonly frame: Frame
  /** The part of the plot that the plane covers. */
  readonly seen: Rect
  /** Height and width of the rulers. */
  readonly ruler: { readonly across: number; readonly down: number }
}

const margin = 10, rulerAcross = 36, digitWidth = 6.6

export function geometryOf(plane: Plane, size: Size, view: Viewport): Geometry {
  const down = 30 + digitWidth * String(rowLabel(plane, plane.rows - 1)).length
  const plot = {
    x: down, y: rulerAcross,
    width: Math.max(1, size.width - down - margin), height: Math.max(1, size.height - rulerAcross - margin)
  }
  const frame = frameOf(plane, plot, view)
  const x = plot.x + Math.max(0, frame.left), y = plot.y + Math.max(0, frame.top)
  return {
    size, plot, frame, ruler: { across: rulerAcross, down },
    seen: {
      x, y,
      width: Math.min(plot.x + plot.width, plot.x + frame.left + plane.columns * frame.cell.width) - x,
      height: Math.min(plot.y + plot.height, plot.y + frame.top + plane.rows * frame.cell.height) - y
    }
  }
}

/** The index that the row ruler shows: the first one of a wrapped row. */
export function rowLabel(plane: Plane, row: number): number {
  return plane.rowAxis === null ? row * plane.columns : row
}

/** The cell at a point of the picture; the plane may have ended there. */
export function cellAt(plane: Plane, { plot, frame }: Geometry, x: number, y: number): Cell | undefined {
  if (x < plot.x || y < plot.y || x > plot.x + plot.width || y > plot.y + plot.height) return undefined
  const column = Math.floor((x - plot.x - frame.left) / frame.cell.width)
  const row = Math.floor((y - plot.y - frame.top) / frame.cell.height)
  return row < 0 || column < 0 || row >= plane.rows || column >= plane.columns ? undefined : { row, column }
}

/** The corner of a cell in the picture. */
export function cornerOf({ plot, frame }: Geometry, cell: Cell): { readonly x: number; readonly y: number } {
  return { x: plot.x + frame.left + cell.column * frame.cell.width, y: plot.y + frame.top
    + cell.row * frame.cell.height }
}

/** The cells that are at least partly seen: from the first to the last of both directions. */
export function seenCells(plane: Plane, { plot, frame }: Geometry): { readonly from: Cell; readonly to: Cell } {
  const first = (start: number, extent: number) => Math.max(0, Math.floor(-start / extent))
  const last = (start: number, extent: number, room: number, count: number) =>
    Math.min(count - 1, Math.ceil((room - start) / extent) - 1)
  return {
    from: { row: first(frame.top, frame.cell.height), column: first(frame.left, frame.cell.width) },
    to: {
      row: last(frame.top, frame.cell.height, plot.height, plane.rows),
      column: last(frame.left, frame.cell.width, plot.width, plane.columns)
    }
  }
}
