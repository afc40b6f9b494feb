/**
 * What lies over the picture and changes with every movement: the cell under the pointer, the cursor, the selected
 * worker's tasks in order.
 */
import { cssOf } from '../../compiler-core/view/palette.ts'
import { cellOf, type Cell } from './plane.ts'
import { cornerOf, type Geometry, type Scene } from './scene.ts'
import type { Theme } from './theme.ts'

export interface Marks {
  readonly hover: Cell | null
  readonly cursor: Cell | null
  /** Whether the keyboard moves the cursor now. */
  readonly focused: boolean
  /** The selected worker's first tasks, in order. */
  readonly tasks: ReadonlyArray<readonly number[]>
}

export function paintOverlay(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, theme: Theme,
  marks: Marks): void {
  const { size, seen } = geometry
  context.clearRect(0, 0, size.width, size.height)
  context.save()
  context.beginPath()
  context.rect(seen.x - 2, seen.y - 2, seen.width + 4, seen.height + 4)
  context.clip()
  paintTasks(context, scene, geometry, theme, marks.tasks)
  if (marks.hover !== null) outline(context, geometry, marks.hover, theme, 1)
  if (marks.cursor !== null) outline(context, geometry, marks.cursor, theme, marks.focused ? 3 : 2)
  context.restore()
}

function paintTasks(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, theme: Theme,
  tasks: Marks['tasks']): void {
  const { cell } = geometry.frame, small = Math.min(cell.width, cell.height)
  const cells = tasks.flatMap(task => {
    const found = cellOf(scene.plane, task)
    return found === undefined ? [] : [found]
  })
  context.strokeStyle = cssOf(theme.accent)
  context.fillStyle = cssOf(theme.accent)
  if (small < 4) {
    for (const found of cells) {
      const { x, y } = cornerOf(geometry, found)
      context.fillRect(x - 0.5, y - 0.5, Math.max(2.5, cell.width), Math.max(2.5, cell.height))
    }
    return
  }
  const owned = new Set(cells.map(found => `${found.row},${found.column}`)), border = new Path2D()
  const side = (row: number, column: number, x1: number, y1: number, x2: number, y2: number) => {
    if (owned.has(`${row},${column}`)) return
    border.moveTo(Math.round(x1), Math.round(y1))
    border.lineTo(Math.round(x2), Math.round(y2))
  }
  for (const { row, column } of cells) {
    const { x, y } = cornerOf(geometry, { row, column }), right = x + cell.width, bottom = y + cell.height
    side(row - 1, column, x, y, right, y)
    side(row + 1, column, x, bottom, right, bottom)
    side(row, column - 1, x, y, x, bottom)
    side(row, column + 1, right, y, right, bottom)
  }
  context.lineCap = 'square'
  context.strokeStyle = cssOf(theme.background)
  context.lineWidth = 4
  context.stroke(border)
  context.strokeStyle = cssOf(theme.accent)
  context.lineWidth = 2
  context.stroke(border)
  paintPath(context, geometry, theme, cells)
}

/** From each task to the next, where they do not touch. */
function paintPath(context: CanvasRenderingContext2D, geometry: Geometry, theme: Theme, cells: readonly Cell[]): void {
  const { cell } = geometry.frame
  if (cells.length < 2 || cells.length > 128) return
  const path = new Path2D()
  cells.forEach((to, i) => {
    const from = cells[i - 1]
    if (from === undefined || (Math.abs(to.row - from.row) <= 1 && Math.abs(to.column - from.column) <= 1)) return
    const a = cornerOf(geometry, from), b = cornerOf(geometry, to)
    const dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy)
    if (length < 24) return
    // from edge to edge, so that the labels stay readable
    const half = (extent: number, d: number) => Math.abs(d) < 1 ? Infinity : extent / 2 * length / Math.abs(d)
    const gap = Math.min(length / 2 - 1, half(cell.width, dx), half(cell.height, dy))
    const x1 = a.x + cell.width / 2 + dx / length * gap, y1 = a.y + cell.height / 2 + dy / length * gap
    const x2 = b.x + cell.width / 2 - dx / length * gap, y2 = b.y + cell.height / 2 - dy / length * gap
    path.moveTo(x1, y1)
    path.lineTo(x2, y2)
    for (const turn of [-0.5, 0.5]) {
      const angle = Math.atan2(dy, dx) + Math.PI + turn
      path.moveTo(x2, y2)
      path.lineTo(x2 + 6 * Math.cos(angle), y2 + 6 * Math.sin(angle))
    }
  })
  context.lineCap = 'round'
  context.strokeStyle = cssOf(theme.background)
  context.lineWidth = 3.5
  context.stroke(path)
  context.strokeStyle = cssOf(theme.accent)
  context.lineWidth = 1.5
  context.stroke(path)
}

function outline(context: CanvasRenderingContext2D, geometry: Geometry, cell: Cell, theme: Theme, width: number): void {
  const { x, y } = cornerOf(geometry, cell), { frame } = geometry
  const left = Math.round(x), top = Math.round(y)
  const right = Math.max(left + 3, Math.round(x + frame.cell.width))
  const bottom = Math.max(top + 3, Math.round(y + frame.cell.height))
  context.strokeStyle = cssOf(theme.background)
  context.lineWidth = width + 2
  context.strokeRect(left, top, right - left, bottom - top)
  context.strokeStyle = cssOf(width > 1 ? theme.focus : theme.foreground)
  context.lineWidth = width
  context.strokeRect(left, top, right - left, bottom - top)
}
