/**
 * A small picture of a task mapping or a data layout, for hovers: one square a cell, with the number of its worker (of
 * a layout: its offset), in the colours that the explorer gives it. At most a corner of 8 x 32 cells is looked at,
 * whatever the size.
 */
import type { Value } from '../../compiler-core/language/values.ts'
import type { Layout } from '../../compiler-core/mapping/layout.ts'
import { tasksPerWorker, type Mapping } from '../../compiler-core/mapping/mapping.ts'
import { sampleLayout, sampleTile, type TileWindow } from '../../compiler-core/mapping/sample.ts'
import { cssOf, isLight, paletteOf, unpack, usualThreads, type Palette, type Rgb } from '../../compiler-core/view/palette.ts'

const rowLimit = 8, columnLimit = 32
/** Of every architecture. */
const warpSize = 32

/** Markdown of an inlined SVG; undefined for values that have no picture. */
export function pictureOf(value: Value): string | undefined {
  if (value.kind !== 'mapping' && value.kind !== 'layout') return undefined
  if (value.kind === 'mapping' && tasksPerWorker(value.mapping) === undefined && value.mapping.workers > 4096) return undefined
  const shape = value.kind === 'mapping' ? value.mapping.shape : value.layout.shape
  const window = cornerOf(shape)
  const { firsts, steps, palette } = value.kind === 'mapping' ? drawnMapping(value.mapping, window) : drawnLayout(value.layout, window)
  const cut = window.rowCount < (shape.at(-2) ?? 1) || window.columnCount < (shape.at(-1) ?? 1) || shape.length > 2
  const svg = Buffer.from(svgOf(firsts, (first, i) => unpack(palette.table[palette.group(first, steps[i] ?? 0)] ?? 0), window)).toString('base64')
  const what = value.kind === 'mapping' ? 'Workers of the tasks' : 'Offsets of the elements'
  const caption = cut ? `\n\n*${what}, first ${window.rowCount} x ${window.columnCount}*` : ''
  return `![${what}](data:image/svg+xml;base64,${svg})${caption}`
}

function cornerOf(shape: readonly number[]): TileWindow {
  const rowAxis = shape.length > 1 ? shape.length - 2 : null
  return {
    rowAxis, columnAxis: shape.length - 1, fixed: shape.map(() => 0),
    rowFrom: 0, rowStep: 1, rowCount: Math.min(rowLimit, rowAxis === null ? 1 : shape[rowAxis] ?? 1),
    columnFrom: 0, columnStep: 1, columnCount: Math.min(columnLimit, shape.at(-1) ?? 1),
  }
}

/** What stands in each cell, and the explorer's first colours for it. */
interface Drawn { readonly firsts: Float64Array; readonly steps: Float64Array; readonly palette: Palette }

function drawnMapping(m: Mapping, window: TileWindow): Drawn {
  const { workers, steps } = sampleTile(m, window)
  const threads = usualThreads(m.workers)
  return { firsts: workers, steps, palette: paletteOf({ by: 'thread', workers: m.workers, threads, warpSize }) }
}

function drawnLayout(layout: Layout, window: TileWindow): Drawn {
  const offsets = sampleLayout(layout, window)
  return { firsts: offsets, steps: offsets, palette: paletteOf({ by: 'offset', size: layout.size }) }
}

function svgOf(numbers: Float64Array, colourOf: (n: number, cell: number) => Rgb, window: TileWindow): string {
  const widest = Math.max(...numbers).toString().length
  const width = Math.max(14, 5 + 6 * widest), height = 14
  const cells = [...numbers].map((n, i) => {
    const x = i % window.columnCount * width, y = Math.floor(i / window.columnCount) * height
    const square = `<rect x="${x}" y="${y}" width="${width - 1}" height="${height - 1}"`
    if (n < 0) return `${square} fill="none" stroke="#888"/>`
    const colour = colourOf(n, i), ink = isLight(colour) ? '#000' : '#fff'
    return `${square} fill="${cssOf(colour)}"/><text x="${x + (width - 1) / 2}" y="${y + 10}" fill="${ink}">${n}</text>`
  })
  const size = `width="${window.columnCount * width}" height="${window.rowCount * height}"`
  const font = 'font-family="sans-serif" font-size="9" text-anchor="middle"'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>${cells.join('')}</svg>`
}
