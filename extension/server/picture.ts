/**
 * A small picture of a task mapping or a data layout, for hovers: one square a cell, its colour and number those of
 * its worker (of a layout: its offset). At most a corner of 8 x 32 cells is looked at, whatever the size.
 */
import { sampleLayout, sampleTile, type TileWindow } from '../../compiler-core/mapping/sample.ts'
import { tasksPerWorker } from '../../compiler-core/mapping/mapping.ts'
import type { Value } from '../../compiler-core/language/values.ts'

const rowLimit = 8, columnLimit = 32

/** Markdown of an inlined SVG; undefined for values that have no picture. */
export function pictureOf(value: Value): string | undefined {
  if (value.kind !== 'mapping' && value.kind !== 'layout') return undefined
  if (value.kind === 'mapping' && tasksPerWorker(value.mapping) === undefined && value.mapping.workers > 4096) return undefined
  const shape = value.kind === 'mapping' ? value.mapping.shape : value.layout.shape
  const window = cornerOf(shape)
  const numbers = value.kind === 'mapping' ? sampleTile(value.mapping, window).workers : sampleLayout(value.layout, window)
  const cut = window.rowCount < (shape.at(-2) ?? 1) || window.columnCount < (shape.at(-1) ?? 1) || shape.length > 2
  const svg = Buffer.from(svgOf(numbers, window.rowCount, window.columnCount)).toString('base64')
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

/** Okabe and Ito's colours, told apart by colour-blind readers; with the text colour that reads on each. */
const colours = [
  ['#56b4e9', '#000'], ['#e69f00', '#000'], ['#009e73', '#fff'], ['#cc79a7', '#000'], ['#0072b2', '#fff'], ['#f0e442', '#000'], ['#d55e00', '#fff'], ['#bbbbbb', '#000'],
] as const

function svgOf(numbers: Float64Array, rows: number, columns: number): string {
  const widest = Math.max(...numbers).toString().length
  const width = Math.max(14, 5 + 6 * widest), height = 14
  const cells: string[] = []
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const n = numbers[row * columns + column] ?? -1
      const x = column * width, y = row * height
      const [fill, ink] = colours[n % colours.length] ?? ['none', 'none']
      cells.push(n < 0 ? `<rect x="${x}" y="${y}" width="${width - 1}" height="${height - 1}" fill="none" stroke="#888"/>`
        : `<rect x="${x}" y="${y}" width="${width - 1}" height="${height - 1}" fill="${fill}"/><text x="${x + (width - 1) / 2}" y="${y + 10}" fill="${ink}">${n}</text>`)
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${columns * width}" height="${rows * height}" font-family="sans-serif" font-size="9" text-anchor="middle">${cells.join('')}</svg>`
}
