/** The picture as a file: an SVG of rectangles and text, or a PNG at twice the size. */
import { cssOf, isLight, mix, unpack } from '../../compiler-core/view/palette.ts'
import { tileTexels, type Cell } from './plane.ts'
import { cornerOf, rowLabel, seenCells, type Geometry, type Scene } from './scene.ts'
import { paintPicture, tickEvery, tilesInView, type Style } from './painter.ts'
import { levelOf } from './viewport.ts'

export interface Caption {
  readonly title: string
  readonly lines: readonly string[]
  readonly legend: ReadonlyArray<{ readonly text: string; readonly colour: string }>
}

/** Above this number of cells in view an SVG holds the cells as one image: its size stays below some megabytes. */
const vectorCells = 16_384

const captionLine = 18

export function svgOf(scene: Scene, geometry: Geometry, style: Style, caption: Caption): string {
  const { theme } = style, top = captionLine * (caption.lines.length + 1) + 16, bottom = 34
  const { width } = geometry.size, height = top + geometry.size.height + bottom
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escapeText(theme.font)}">`,
    `<title>${escapeText(caption.title)}</title>`, `<desc>${escapeText(caption.lines.join('; '))}</desc>`,
    `<rect width="100%" height="100%" fill="${cssOf(theme.background)}"/>`,
    `<g fill="${cssOf(theme.foreground)}"><text x="16" y="26" font-size="15" font-weight="600">${escapeText(caption.title)}</text>`,
    ...caption.lines.map((line, i) =>
      `<text x="16" y="${26 + captionLine * (i + 1)}" font-size="12">${escapeText(line)}</text>`), '</g>',
    `<g transform="translate(0 ${top})">`, ...rulers(scene, geometry, style), ...cells(scene, geometry, style), '</g>',
    `<g font-size="11" fill="${cssOf(theme.foreground)}" transform="translate(16 ${top + geometry.size.height + 6})">`,
    ...legend(caption), '</g>', '</svg>'
  ]
  return parts.join('\n')
}

/** The base64 of a PNG of the picture with its caption and legend. */
export async function pngOf(scene: Scene, geometry: Geometry, style: Style, caption: Caption): Promise<string> {
  const { theme } = style, scale = 2, top = captionLine * (caption.lines.length + 1) + 16, bottom = 34
  const canvas = document.createElement('canvas'), context = canvas.getContext('2d')
  if (context === null) throw new Error('no canvas')
  canvas.width = geometry.size.width * scale
  canvas.height = (top + geometry.size.height + bottom) * scale
  context.scale(scale, scale)
  context.fillStyle = cssOf(theme.background)
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = cssOf(theme.foreground)
  context.font = `600 15px ${theme.font}`
  context.fillText(caption.title, 16, 26)
  context.font = `12px ${theme.font}`
  caption.lines.forEach((line, i) => { context.fillText(line, 16, 26 + captionLine * (i + 1)) })
  context.save()
  context.translate(0, top)
  paintPicture(context, scene, geometry, { ...style, ratio: scale })
  context.restore()
  context.font = `11px ${theme.font}`
  context.textAlign = 'left'
  context.textBaseline = 'middle'
  let x = 16
  for (const { text, colour } of caption.legend) {
    const y = top + geometry.size.height + 14
    context.fillStyle = colour
    context.fillRect(x, y - 6, 12, 12)
    context.fillStyle = cssOf(theme.foreground)
    context.fillText(text, x + 17, y)
    x += 33 + context.measureText(text).width
  }
  const url = canvas.toDataURL('image/png')
  return Promise.resolve(url.slice(url.indexOf(',') + 1))
}

function cells(scene: Scene, geometry: Geometry, style: Style): string[] {
  const { plane, facts } = scene, { from, to } = seenCells(plane, geometry), { cell } = geometry.frame
  const { seen } = geometry
  const level = levelOf(cell)
  const count = (to.row - from.row + 1) * (to.column - from.column + 1)
  if (level.rows > 0 || level.columns > 0 || count > vectorCells) return raster(scene, geometry, style)
  const gap = Math.min(cell.width, cell.height) >= 8 ? 1 : 0
  const parts = [
    '<defs><pattern id="uncovered" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M-8 8 0 0M0 8 8 0M8 8 16 0" '
      + `stroke="${cssOf(mix(style.theme.background, style.theme.foreground, 0.4))}"/></pattern>`,
    `<clipPath id="seen"><rect x="${round(seen.x)}" y="${round(seen.y)}" width="${round(seen.width)}" height="${round(seen.height)}"/></clipPath></defs>`,
    `<g clip-path="url(#seen)" shape-rendering="crispEdges" text-anchor="middle" font-size="${round(Math.min(12, cell.height * 0.34))}">`
  ]
  const labelled = cell.height >= 12
    && cell.width >= 7 * String(facts.kind === 'mapping' ? facts.workers - 1 : facts.size - 1).length + 3
  forEachCell(scene, geometry, style, (place, first, step, count, shaded) => {
    const { x, y } = cornerOf(geometry, place)
    const rect = `<rect x="${round(x)}" y="${round(y)}" width="${round(cell.width - gap)}" height="${round(cell.height - gap)}"`
    if (first < 0) {
      parts.push(`${rect} fill="url(#uncovered)"/>`)
      return
    }
    const plain = unpack(style.look.palette.table[style.look.palette.group(first, step)] ?? 0)
    const colour = mix(plain, style.look.background, shaded === 2 ? 0 : shaded === 1 ? 0.55 : 0.86)
    parts.push(`${rect} fill="${cssOf(colour)}"/>`)
    if (!labelled) return
    const ink = shaded === 2 ? (isLight(colour) ? '#000' : '#fff') : cssOf(style.theme.foreground)
    const minor = facts.kind === 'mapping' ? `k${step}`
      : `b${Math.floor(first * style.storage.elementBytes / style.storage.bankBytes) % style.storage.banks}`
    const centre = round(x + cell.width / 2), two = cell.height >= 26
    parts.push(`<text x="${centre}" y="${round(y + cell.height * (two ? 0.44 : 0.66))}" fill="${ink}">${first}</text>`)
    if (two) parts.push(`<text x="${centre}" y="${round(y + cell.height * 0.78)}" font-size="${round(Math.min(10, cell.height * 0.28))}" fill="${ink}">${minor}</text>`)
    if (count > 1) parts.push(`<text x="${round(x + cell.width - 8)}" y="${round(y + 9)}" font-size="8" fill="${ink}">\u00d7${count}</text>`)
  })
  return [...parts, '</g>']
}

/** The cells in view that have been evaluated, in no order. */
function forEachCell(scene: Scene, geometry: Geometry, style: Style,
  visit: (place: Cell, first: number, step: number, count: number, shaded: number) => void): void {
  const { from, to } = seenCells(scene.plane, geometry), level = { rows: 0, columns: 0 }
  for (const { row, column } of tilesInView(scene, geometry, level)) {
    const placed = scene.tiles.get(scene.plane, level, row, column, style.colouring)
    if (placed?.tile.kind !== 'cells') continue
    const { tile } = placed
    for (let r = 0; r < tile.rows; r++) {
      for (let c = 0; c < tile.columns; c++) {
        const place = { row: row * tileTexels + r, column: column * tileTexels + c }
        const at = tile.origin + r * tile.stride + c
        const first = tile.firsts[at] ?? -2
        if (first === -2 || place.row < from.row || place.row > to.row) continue
        if (place.column < from.column || place.column > to.column) continue
        visit(place, first, tile.steps[at] ?? 0, tile.counts[at] ?? 0, placed.shades[r * tile.columns + c] ?? 2)
      }
    }
  }
}

function raster(scene: Scene, geometry: Geometry, style: Style): string[] {
  const canvas = document.createElement('canvas'), context = canvas.getContext('2d'), { seen } = geometry
  if (context === null) return []
  canvas.width = seen.width * 2
  canvas.height = seen.height * 2
  context.scale(2, 2)
  context.translate(-seen.x, -seen.y)
  paintPicture(context, scene, geometry, { ...style, ratio: 2 })
  return [`<image x="${round(seen.x)}" y="${round(seen.y)}" width="${round(seen.width)}" height="${round(seen.height)}" href="${canvas.toDataURL('image/png')}"/>`]
}

function rulers({ plane, facts }: Scene, geometry: Geometry, style: Style): string[] {
  const { seen, frame } = geometry, { from, to } = seenCells(plane, geometry)
  const name = facts.kind === 'mapping' ? 'axis' : 'dimension'
  const parts = [`<g font-size="11" fill="${cssOf(style.theme.quiet)}"><text x="${round(seen.x)}" y="${round(seen.y - 23)}">${name} ${plane.columnAxis} \u2192</text>`]
  if (plane.rowAxis !== null) {
    parts.push(`<text transform="translate(${round(seen.x - geometry.ruler.down + 12)} ${round(seen.y)}) rotate(-90)" text-anchor="end">\u2190 ${name} ${plane.rowAxis}</text>`)
  }
  const every = tickEvery(frame.cell.width, 14 + 7 * String(plane.columns - 1).length)
  for (let column = Math.ceil(from.column / every) * every; column <= to.column; column += every) {
    const x = cornerOf(geometry, { row: from.row, column }).x + Math.min(frame.cell.width, 40) / 2
    if (x < seen.x || x > seen.x + seen.width) continue
    parts.push(`<text x="${round(x)}" y="${round(seen.y - 6)}" text-anchor="middle">${column}</text>`)
  }
  const down = tickEvery(frame.cell.height, 17)
  for (let row = Math.ceil(from.row / down) * down; row <= to.row; row += down) {
    const y = cornerOf(geometry, { row, column: from.column }).y + Math.min(frame.cell.height, 40) / 2
    if (y < seen.y || y > seen.y + seen.height) continue
    parts.push(`<text x="${round(seen.x - 6)}" y="${round(y + 4)}" text-anchor="end">${rowLabel(plane, row)}</text>`)
  }
  return [...parts, '</g>']
}

function legend(caption: Caption): string[] {
  let x = 0
  return caption.legend.map(({ text, colour }) => {
    const part = `<rect x="${x}" y="2" width="12" height="12" fill="${colour}"/><text x="${x + 17}" y="12">${escapeText(text)}</text>`
    x += 34 + text.length * 6.5
    return part
  })
}

function round(n: number): number {
  return Math.round(n * 100) / 100
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
