/**
 * Paints the main picture: tiles, hatching, boundaries between workers, labels, rulers. It asks for the tiles that it
 * misses.
 *
 * Everything is in CSS pixels; the context is scaled by the caller. Edges are put on whole device pixels.
 */
import { boundariesOf } from './boundaries.ts'
import { factorTiles } from './factors.ts'
import { cssOf, isLight, mix, unpack, type Colouring } from '../../compiler-core/view/palette.ts'
import { tileTexels, type Level } from './plane.ts'
import { cornerOf, rowLabel, seenCells, type Geometry, type Scene } from './scene.ts'
import type { Theme } from './theme.ts'
import { paintTile, type Look, type PlacedTile } from './tiles.ts'
import { levelOf } from './viewport.ts'

export interface Style {
  readonly theme: Theme
  readonly look: Look
  readonly colouring: Colouring
  /** How threads are grouped, for the boundaries between warps and blocks. */
  readonly groups: { readonly threads: number; readonly warpSize: number }
  /** For the bank of a label. */
  readonly storage: { readonly elementBytes: number; readonly bankBytes: number; readonly banks: number }
  /** The factor whose tiles are outlined. */
  readonly factor: number | null
  /** Device pixels a CSS pixel. */
  readonly ratio: number
}

/** Whether all tiles in view could be drawn. */
export function paintPicture(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry,
  style: Style): boolean {
  const { size, seen } = geometry, { theme } = style
  context.fillStyle = cssOf(theme.background)
  context.fillRect(0, 0, size.width, size.height)
  context.save()
  context.beginPath()
  context.rect(seen.x, seen.y, seen.width, seen.height)
  context.clip()
  const hatched = scene.facts.kind === 'mapping' && scene.facts.coverage.uncovered > 0
  context.fillStyle = hatched ? hatch(context, theme) : cssOf(mix(theme.background, theme.foreground, 0.06))
  context.fillRect(seen.x, seen.y, seen.width, seen.height)
  if (scene.plane.rowAxis === null) clearBeyondEnd(context, scene, geometry, theme)
  const level = levelOf(geometry.frame.cell)
  const { drawn, complete } = paintTiles(context, scene, geometry, style, level)
  if (level.rows === 0 && level.columns === 0) {
    const { width, height } = geometry.frame.cell
    if (Math.min(width, height) >= 4) paintBoundaries(context, scene, geometry, style, drawn)
    paintLabels(context, scene, geometry, style, drawn)
  } else paintCoarseTiles(context, scene, geometry, style)
  if (style.factor !== null) paintFactorTiles(context, scene, geometry, style, style.factor)
  context.restore()
  paintRulers(context, scene, geometry, style)
  return complete
}

/** The tiles of a level that are in view, as rows and columns of tiles. */
export function tilesInView(scene: Scene, geometry: Geometry,
  level: Level): { readonly row: number; readonly column: number }[] {
  const { from, to } = seenCells(scene.plane, geometry)
  const down = tileTexels * 2 ** level.rows, across = tileTexels * 2 ** level.columns
  const found = []
  for (let row = Math.floor(from.row / down); row * down <= to.row; row++) {
    for (let column = Math.floor(from.column / across); column * across <= to.column; column++) {
      found.push({ row, column })
    }
  }
  return found
}

// ---------------------------------------------------------------- tiles

function paintTiles(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style, level: Level): {
  readonly drawn: PlacedTile[]; readonly complete: boolean
} {
  const drawn: PlacedTile[] = []
  let complete = true
  for (const { row, column } of tilesInView(scene, geometry, level)) {
    const placed = scene.tiles.get(scene.plane, level, row, column, style.colouring)
    if (placed !== undefined) {
      drawTile(context, scene, geometry, style, placed)
      drawn.push(placed)
      continue
    }
    complete = false
    scene.tiles.want(scene.plane, level, row, column, style.colouring)
    const stand = standIn(scene, style, level, row, column)
    if (stand !== undefined) drawTile(context, scene, geometry, style, stand)
  }
  return { drawn, complete }
}

function drawTile(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style,
  placed: PlacedTile): void {
  const { tile, level } = placed, down = 2 ** level.rows, across = 2 ** level.columns
  const row = placed.tileRow * tileTexels * down, column = placed.tileColumn * tileTexels * across
  const snap = snapper(style.ratio)
  const from = cornerOf(geometry, { row, column })
  const to = cornerOf(geometry, {
    row: Math.min(scene.plane.rows, row + tile.rows * down),
    column: Math.min(scene.plane.columns, column + tile.columns * across)
  })
  const x = snap(from.x), y = snap(from.y)
  // cells are sharp; mean colours may flow, which spares the eye the pattern of uneven rounding
  context.imageSmoothingEnabled = tile.kind === 'summary'
  context.drawImage(paintTile(placed, scene.subject, scene.plane, style.look), x, y, snap(to.x) - x, snap(to.y) - y)
}

/** A coarser tile over the place of a missing one, while that is on its way. */
function standIn(scene: Scene, style: Style, level: Level, row: number, column: number): PlacedTile | undefined {
  for (let up = 1; up <= 4; up++) {
    const coarser = { rows: level.rows + up, columns: level.columns + up }
    const found = scene.tiles.get(scene.plane, coarser, row >> up, column >> up, style.colouring)
    if (found !== undefined) return found
  }
  return undefined
}

/** Diagonal lines: nothing executes these cells. */
function hatch(context: CanvasRenderingContext2D, theme: Theme): CanvasPattern | string {
  const tile = document.createElement('canvas'), size = 8
  tile.width = tile.height = size
  const pen = tile.getContext('2d')
  if (pen === null) return cssOf(theme.background)
  pen.fillStyle = cssOf(theme.background)
  pen.fillRect(0, 0, size, size)
  pen.strokeStyle = cssOf(mix(theme.background, theme.foreground, theme.highContrast ? 0.9 : 0.4))
  pen.lineWidth = 1.2
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size)
    pen.lineTo(shift + size, 0)
  }
  pen.stroke()
  return context.createPattern(tile, 'repeat') ?? cssOf(theme.background)
}

/** The last row of a wrapped shape may end early. */
function clearBeyondEnd(context: CanvasRenderingContext2D, { plane }: Scene, geometry: Geometry, theme: Theme): void {
  const rest = (plane.shape[0] ?? 1) % plane.columns
  if (rest === 0) return
  const { x, y } = cornerOf(geometry, { row: plane.rows - 1, column: rest }), { cell } = geometry.frame
  context.fillStyle = cssOf(theme.background)
  context.fillRect(x, y, (plane.columns - rest) * cell.width, cell.height)
}

// ---------------------------------------------------------------- boundaries

/**
 * Lines between cells: hardly seen inside a worker's cells, plain between workers, bold between warps and between
 * blocks.
 */
function paintBoundaries(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style,
  drawn: readonly PlacedTile[]): void {
  const { cell } = geometry.frame, { theme, ratio } = style, small = Math.min(cell.width, cell.height)
  const hair = Math.max(1, Math.round(ratio)) / ratio, bold = hair * (small >= 14 ? 3 : small >= 8 ? 2 : 1)
  const mapping = scene.facts.kind === 'mapping', edges = [crisp(ratio), crisp(ratio), crisp(ratio, bold)] as const
  const { from, to } = seenCells(scene.plane, geometry)
  const paths = [new Path2D(), new Path2D(), new Path2D()] as const
  for (const { tile, tileRow, tileColumn } of drawn) {
    if (tile.kind !== 'cells') continue
    const top = tileRow * tileTexels, left = tileColumn * tileTexels
    const corner = cornerOf(geometry, { row: top, column: left })
    const lines = boundariesOf(tile, top > 0, left > 0, mapping ? style.groups : null)
    for (const { kind, across, at, start, end } of lines) {
      const path = paths[kind], edge = edges[kind], line = across ? top + at : left + at
      if (kind === 0 && small < 8) continue
      if (across ? line < from.row || line > to.row : line < from.column || line > to.column) continue
      if (across) {
        const y = edge(corner.y + at * cell.height)
        path.moveTo(corner.x + start * cell.width, y)
        path.lineTo(corner.x + end * cell.width, y)
      } else {
        const x = edge(corner.x + at * cell.width)
        path.moveTo(x, corner.y + start * cell.height)
        path.lineTo(x, corner.y + end * cell.height)
      }
    }
  }
  context.lineCap = 'butt'
  context.strokeStyle = cssOf(theme.highContrast ? theme.foreground : theme.background)
  const stroke = (path: Path2D, width: number, alpha: number) => {
    context.globalAlpha = alpha
    context.lineWidth = width
    context.stroke(path)
  }
  stroke(paths[0], hair, mapping ? 0.22 : small >= 14 ? 1 : 0.6)
  stroke(paths[1], hair, small >= 14 ? 1 : 0.75)
  stroke(paths[2], bold, 1)
  context.globalAlpha = 1
}

// ---------------------------------------------------------------- labels

/** A small number of cells in view is labelled: worker and step, or offset and bank. */
function paintLabels(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style,
  drawn: readonly PlacedTile[]): void {
  const { cell } = geometry.frame, { facts } = scene, { theme, colouring, storage } = style
  const largest = facts.kind === 'mapping' ? facts.workers - 1 : facts.size - 1
  const digits = String(largest).length
  const font = Math.min(13, Math.max(9, Math.floor(cell.height * 0.34)), Math.floor((cell.width - 3) / (digits * 0.62)))
  if (font < 8 || cell.height < 11) return markReplicated(context, scene, geometry, style, drawn)
  const two = cell.height >= font * 2 + 6 && cell.width >= 20
  const stepOnly = !two && (colouring.by === 'step' || colouring.by === 'bank')
  const { from, to } = seenCells(scene.plane, geometry)
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  const small = Math.max(8, font - 2)
  const dimText = mix(theme.background, theme.foreground, 0.45)
  const fonts = { first: `500 ${font}px ${theme.font}`, second: `${small}px ${theme.font}` }
  /** All first lines, then all second lines: setting a font is slow. */
  const second: (() => void)[] = []
  context.font = fonts.first
  for (const placed of drawn) {
    const { tile } = placed
    if (tile.kind !== 'cells') continue
    const top = placed.tileRow * tileTexels, left = placed.tileColumn * tileTexels
    for (let r = Math.max(0, from.row - top); r < tile.rows && top + r <= to.row; r++) {
      for (let c = Math.max(0, from.column - left); c < tile.columns && left + c <= to.column; c++) {
        const at = tile.origin + r * tile.stride + c, first = tile.firsts[at] ?? -2, step = tile.steps[at] ?? 0
        if (first < 0) continue
        const shaded = placed.shades[r * tile.columns + c] ?? 2
        const colour = unpack(style.look.palette.table[style.look.palette.group(first, step)] ?? 0)
        const ink = shaded === 2 ? (isLight(colour) ? '#000000' : '#ffffff')
          : cssOf(shaded === 1 ? theme.foreground : dimText)
        const corner = cornerOf(geometry, { row: top + r, column: left + c })
        const x = corner.x + cell.width / 2, y = corner.y + cell.height / 2
        const bank = facts.kind === 'layout'
          ? Math.floor(first * storage.elementBytes / storage.bankBytes) % storage.banks : 0
        const minor = facts.kind === 'mapping' ? step : bank
        context.fillStyle = ink
        context.fillText(String(stepOnly ? minor : first), x, two ? y - small / 2 - 0.5 : y + 0.5)
        if (two) {
          second.push(() => {
            context.fillStyle = ink
            context.fillText(`${facts.kind === 'mapping' ? 'k' : 'b'}${minor}`, x, y + font / 2 + 1.5)
          })
        }
      }
    }
  }
  context.font = fonts.second
  context.globalAlpha = 0.8
  for (const draw of second) draw()
  context.globalAlpha = 1
  markReplicated(context, scene, geometry, style, drawn)
}

/** The count of owners in the corner of a replicated cell, or a corner alone where there is no room. */
function markReplicated(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style,
  drawn: readonly PlacedTile[]): void {
  if (scene.facts.kind === 'layout' || scene.facts.coverage.replicated === 0) return
  const { cell } = geometry.frame, { theme } = style, small = Math.min(cell.width, cell.height)
  if (small < 5) return
  const { from, to } = seenCells(scene.plane, geometry)
  const text = cell.width >= 36 && cell.height >= 30
  context.font = `600 9px ${theme.font}`
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  for (const placed of drawn) {
    const { tile } = placed
    if (tile.kind !== 'cells') continue
    const top = placed.tileRow * tileTexels, left = placed.tileColumn * tileTexels
    for (let r = Math.max(0, from.row - top); r < tile.rows && top + r <= to.row; r++) {
      for (let c = Math.max(0, from.column - left); c < tile.columns && left + c <= to.column; c++) {
        const count = tile.counts[tile.origin + r * tile.stride + c] ?? 0
        if (count < 2) continue
        const { x, y } = cornerOf(geometry, { row: top + r, column: left + c })
        const right = x + cell.width - 1, label = `\u00d7${shortCount(count)}`
        context.fillStyle = cssOf(theme.background)
        if (text) {
          const width = context.measureText(label).width + 5
          context.fillRect(right - width, y + 1, width, 12)
          context.fillStyle = cssOf(theme.foreground)
          context.fillText(label, right - 2.5, y + 7.5)
        } else {
          const leg = Math.min(8, small * 0.4)
          context.beginPath()
          context.moveTo(right, y + 1)
          context.lineTo(right - leg, y + 1)
          context.lineTo(right, y + 1 + leg)
          context.fill()
        }
      }
    }
  }
}

function shortCount(count: number): string {
  return count < 1000 ? String(count) : count < 1e6 ? `${Math.floor(count / 1e3)}k` : `${Math.floor(count / 1e6)}M`
}

// ---------------------------------------------------------------- factors

/**
 * Where single cells are too small to be seen, the tiles of the innermost factor that is large enough give the picture
 * its structure.
 */
function paintCoarseTiles(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style): void {
  const { plane, subject } = scene, { frame, seen } = geometry, { rowAxis, columnAxis } = plane
  if (subject.kind !== 'mapping' || rowAxis === null) return
  const sizes = factorTiles(subject.mapping).map(({ whole }) =>
    ({ rows: whole[rowAxis] ?? 1, columns: whole[columnAxis] ?? 1 }))
  const visible = (extent: number, cell: number, count: number) => extent === count || extent * cell >= 12
  const fine = sizes.findLast(size => visible(size.rows, frame.cell.height, plane.rows)
    && visible(size.columns, frame.cell.width, plane.columns))
  if (fine === undefined) return
  context.fillStyle = cssOf(style.theme.background)
  context.globalAlpha = 0.6
  for (const x of gridLines(seen.x - geometry.plot.x - frame.left, seen.width, fine.columns * frame.cell.width)) {
    context.fillRect(Math.round(seen.x + x), seen.y, 1, seen.height)
  }
  for (const y of gridLines(seen.y - geometry.plot.y - frame.top, seen.height, fine.rows * frame.cell.height)) {
    context.fillRect(seen.x, Math.round(seen.y + y), seen.width, 1)
  }
  context.globalAlpha = 1
}

/** The lines of a grid inside a room that begins at `from` of the grid; not its edges. */
function gridLines(from: number, room: number, every: number): number[] {
  const lines: number[] = []
  for (let i = Math.floor(from / every) + 1; i * every < from + room - 0.5; i++) lines.push(i * every - from)
  return lines
}

/** The tiles of one factor: thin lines between its cells, bold ones where the factor begins again. */
function paintFactorTiles(context: CanvasRenderingContext2D, scene: Scene, geometry: Geometry, style: Style,
  factor: number): void {
  if (scene.subject.kind !== 'mapping' || scene.plane.rowAxis === null) return
  const tiles = factorTiles(scene.subject.mapping)[factor]
  if (tiles === undefined) return
  const { seen, plot, frame } = geometry, { rowAxis, columnAxis } = scene.plane
  const { from, to } = seenCells(scene.plane, geometry)
  const draw = (everyRow: number, everyColumn: number, width: number, alpha: number) => {
    const lines = new Path2D()
    if (everyColumn * frame.cell.width >= 4) {
      for (let c = Math.ceil(from.column / everyColumn) * everyColumn; c <= to.column + 1; c += everyColumn) {
        const x = Math.round(plot.x + frame.left + c * frame.cell.width)
        lines.moveTo(x, seen.y)
        lines.lineTo(x, seen.y + seen.height)
      }
    }
    if (everyRow * frame.cell.height >= 4) {
      for (let r = Math.ceil(from.row / everyRow) * everyRow; r <= to.row + 1; r += everyRow) {
        const y = Math.round(plot.y + frame.top + r * frame.cell.height)
        lines.moveTo(seen.x, y)
        lines.lineTo(seen.x + seen.width, y)
      }
    }
    context.globalAlpha = alpha
    context.strokeStyle = cssOf(style.theme.background)
    context.lineWidth = width + 2
    context.stroke(lines)
    context.strokeStyle = cssOf(style.theme.accent)
    context.lineWidth = width
    context.stroke(lines)
    context.globalAlpha = 1
  }
  draw(tiles.cell[rowAxis] ?? 1, tiles.cell[columnAxis] ?? 1, 1, 0.7)
  draw(tiles.whole[rowAxis] ?? 1, tiles.whole[columnAxis] ?? 1, 3, 1)
}

// ---------------------------------------------------------------- rulers

function paintRulers(context: CanvasRenderingContext2D, { plane, facts }: Scene, geometry: Geometry,
  style: Style): void {
  const { plot, frame, seen } = geometry, { theme, ratio } = style, edge = crisp(ratio), ink = cssOf(theme.quiet)
  const { from, to } = seenCells(plane, geometry)
  context.font = `11px ${theme.font}`
  context.fillStyle = ink
  context.strokeStyle = cssOf(mix(theme.background, theme.quiet, theme.highContrast ? 1 : 0.55))
  context.lineWidth = 1
  const lines = new Path2D()
  context.textAlign = 'center'
  context.textBaseline = 'alphabetic'
  const columnEvery = tickEvery(frame.cell.width, 14 + 7 * String(plane.columns - 1).length)
  for (let c = Math.ceil(from.column / columnEvery) * columnEvery; c <= to.column; c += columnEvery) {
    const start = plot.x + frame.left + c * frame.cell.width, x = Math.floor(start + Math.min(frame.cell.width, 40) / 2)
    if (x < seen.x - 1 || x > seen.x + seen.width) continue
    context.fillText(String(c), frame.cell.width >= 14 ? x : start + 0.5, seen.y - 8)
    const tick = edge(frame.cell.width >= 14 ? start + Math.min(frame.cell.width, 40) / 2 : start)
    lines.moveTo(tick, seen.y - 5)
    lines.lineTo(tick, seen.y - 1)
  }
  context.textAlign = 'right'
  context.textBaseline = 'middle'
  const rowEvery = tickEvery(frame.cell.height, 17)
  for (let r = Math.ceil(from.row / rowEvery) * rowEvery; r <= to.row; r += rowEvery) {
    const start = plot.y + frame.top + r * frame.cell.height
    const y = frame.cell.height >= 14 ? start + Math.min(frame.cell.height, 40) / 2 : start
    if (y < seen.y - 1 || y > seen.y + seen.height) continue
    context.fillText(String(rowLabel(plane, r)), seen.x - 8, y + 0.5)
    lines.moveTo(seen.x - 5, edge(y))
    lines.lineTo(seen.x - 1, edge(y))
  }
  context.stroke(lines)
  const name = facts.kind === 'mapping' ? 'axis' : 'dimension'
  context.textAlign = 'left'
  context.textBaseline = 'alphabetic'
  context.fillText(`${name} ${plane.columnAxis}${plane.rowAxis === null ? ', wrapped' : ''} \u2192`, seen.x,
    seen.y - 23)
  if (plane.rowAxis === null) return
  context.save()
  context.translate(seen.x - geometry.ruler.down + 12, seen.y)
  context.rotate(-Math.PI / 2)
  context.textAlign = 'right'
  context.fillText(`\u2190 ${name} ${plane.rowAxis}`, 0, 0)
  context.restore()
}

/** Every how many cells a tick has room: a power of two, as most tiles are. */
export function tickEvery(cell: number, room: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(room / cell)))
}

function snapper(ratio: number): (position: number) => number {
  return position => Math.round(position * ratio) / ratio
}

/** Where the middle of a line lies whose edges are those of device pixels; a hair line if no width is given. */
function crisp(ratio: number, width = Math.max(1, Math.round(ratio)) / ratio): (position: number) => number {
  const odd = Math.round(width * ratio) % 2 === 1
  return position => (Math.round(position * ratio) + (odd ? 0.5 : 0)) / ratio
}
