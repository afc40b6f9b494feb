/**
 * Zoom and pan: which part of a plane is seen, at what size of a cell.
 *
 * Zoom 1 shows the whole plane. A plane that is very long in one direction is not drawn to scale there: the short
 * direction keeps a readable thickness, until zooming in has made the cells square.
 */
import type { Level, Plane } from './plane.ts'

/** The cell coordinates at the middle of the picture, and the zoom; 1 shows the whole plane. */
export interface Viewport { readonly zoom: number; readonly row: number; readonly column: number }

/** CSS pixels. */
export interface Size { readonly width: number; readonly height: number }

/**
 * The picture of a plane on the screen: cell (row, column) has its corner at left + column * width, top + row *
 * height.
 */
export interface Frame { readonly left: number; readonly top: number; readonly cell: Size }

/** A texel is at least this wide and high, in CSS pixels. */
const smallestTexel = 1.5
/** The largest cell of a picture that shows the whole plane, and the largest at all. */
const fitCell = 56, largestCell = 160
/**
 * The thickness that a thin picture is given, of a single cell and of many; a cell beyond the last size is given none.
 */
const singleThickness = 64, thickness = 180, thickCell = 22
/** Cells that are too small for a label may become wider than high, if that makes room for one. */
const labelCell = 28, widest = 3

export function fit(plane: Plane): Viewport {
  return { zoom: 1, row: plane.rows / 2, column: plane.columns / 2 }
}

/** The size of a cell at a zoom. */
export function cellSize(plane: Plane, size: Size, zoom: number): Size {
  const square = Math.min(fitCell, size.width / plane.columns, size.height / plane.rows)
  const width = square >= thickCell ? square : thick(square, plane.columns, size.width)
  const height = square >= thickCell ? square : thick(square, plane.rows, size.height)
  const wide = height < labelCell && height >= smallestTexel
    ? Math.max(width, Math.min(labelCell, height * widest, size.width / plane.columns)) : width
  if (zoom === 1) return { width: whole(wide), height: whole(height) }
  return { width: Math.max(wide, square * zoom), height: Math.max(height, square * zoom) }
}

/**
 * Where the plane is drawn: in the middle where it is smaller than the picture, else so that no edge leaves empty
 * room.
 */
export function frameOf(plane: Plane, size: Size, view: Viewport): Frame {
  const cell = cellSize(plane, size, view.zoom)
  return {
    cell,
    left: place(size.width, plane.columns * cell.width, view.column * cell.width),
    top: place(size.height, plane.rows * cell.height, view.row * cell.height, 0)
  }
}

/** The viewport moved by CSS pixels, as a drag moves it. */
export function pan(plane: Plane, size: Size, view: Viewport, dx: number, dy: number): Viewport {
  const { left, top, cell } = frameOf(plane, size, view)
  return {
    zoom: view.zoom,
    column: clampCentre((size.width / 2 - left - dx) / cell.width, plane.columns, size.width / cell.width),
    row: clampCentre((size.height / 2 - top - dy) / cell.height, plane.rows, size.height / cell.height)
  }
}

/** Zooms by a factor; the cell under (x, y) stays there. */
export function zoomAt(plane: Plane, size: Size, view: Viewport, factor: number, x: number, y: number): Viewport {
  const before = frameOf(plane, size, view)
  const zoom = Math.min(largestZoom(plane, size), Math.max(1, view.zoom * factor))
  const column = (x - before.left) / before.cell.width, row = (y - before.top) / before.cell.height
  const cell = cellSize(plane, size, zoom)
  return {
    zoom,
    column: clampCentre(column + (size.width / 2 - x) / cell.width, plane.columns, size.width / cell.width),
    row: clampCentre(row + (size.height / 2 - y) / cell.height, plane.rows, size.height / cell.height)
  }
}

/** Moves no more than it takes to show a cell with some room around it. */
export function reveal(plane: Plane, size: Size, view: Viewport, row: number, column: number): Viewport {
  const { left, top, cell } = frameOf(plane, size, view)
  const shift = (from: number, extent: number, room: number) => {
    const margin = Math.min(room / 4, extent)
    return from < margin ? margin - from : from + extent > room - margin ? room - margin - from - extent : 0
  }
  const dx = plane.columns * cell.width <= size.width ? 0 : shift(left + column * cell.width, cell.width, size.width)
  const dy = plane.rows * cell.height <= size.height ? 0 : shift(top + row * cell.height, cell.height, size.height)
  return dx === 0 && dy === 0 ? view : pan(plane, size, view, dx, dy)
}

/** The coarsest level whose texels are not too small to see. */
export function levelOf(cell: Size): Level {
  const level = (extent: number) => Math.max(0, Math.ceil(Math.log2(smallestTexel / extent)))
  return { rows: level(cell.height), columns: level(cell.width) }
}

function largestZoom(plane: Plane, size: Size): number {
  const square = Math.min(fitCell, size.width / plane.columns, size.height / plane.rows)
  return Math.max(1, largestCell / square)
}

/** Cells of whole pixels have sharp edges; a cell of few pixels would shrink too much. */
function whole(extent: number): number {
  return extent >= 4 ? Math.floor(extent) : extent
}

function thick(square: number, count: number, room: number): number {
  return Math.max(square, Math.min(room, thickness, Math.max(singleThickness, thickCell * count)) / count)
}

/** `middle` is the pixel of the plane that lies at the middle of the room. */
function place(room: number, extent: number, middle: number, share = 0.5): number {
  if (extent <= room) return Math.floor((room - extent) * share)
  return Math.min(0, Math.max(room - extent, room / 2 - middle))
}

function clampCentre(centre: number, count: number, visible: number): number {
  return visible >= count ? count / 2 : Math.min(count - visible / 2, Math.max(visible / 2, centre))
}
