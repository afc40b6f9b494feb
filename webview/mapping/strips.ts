/**
 * The factors of a composition, outermost first, each drawn on its own: the workers of a `spatial` in colours, the
 * steps of a `repeat` in shades along the path that they take.
 *
 * A strip is a button: pointing at it shows its text in the editor and its tiles in the picture, pressing it goes to
 * its text.
 */
import { interpolateViridis, rgb } from 'd3'
import { factorText, stepsOf, type Mapping } from '../../compiler-core/mapping/mapping.ts'
import { sampleTile } from '../../compiler-core/mapping/sample.ts'
import type { FactorText } from '../../compiler-core/view/explorer.ts'
import { h } from '../dom.ts'
import { factorMapping, factorTiles } from './factors.ts'
import { cssOf, isLight, mix, type Rgb } from '../../compiler-core/view/palette.ts'
import { planeOf, windowsOf } from './plane.ts'
import type { Theme } from './theme.ts'
import { countText, shapeWords } from './words.ts'

export interface StripEvents {
  hovered(factor: number | null): void
  revealed(factor: number): void
}

/** The largest picture of a strip, in CSS pixels. */
const room = { width: 112, height: 50 }

export function strips(m: Mapping, texts: readonly FactorText[], theme: Theme, events: StripEvents): HTMLElement[] {
  const tiles = factorTiles(m)
  return m.factors.map((factor, i) => {
    const own = factorMapping(m, factor), cell = tiles[i]?.cell ?? []
    const text = texts[i]?.text ?? factorText(factor, m.rank), steps = factor.kind === 'spatial' ? 1 : stepsOf(own, 0)
    const counts = factor.kind === 'spatial' ? countText(own.workers, 'worker') : factor.kind === 'repeat'
      ? countText(steps, 'step')
      : `${countText(own.workers, 'worker')} \u00d7 ${countText(steps, 'step')}`
    const tiling = cell.every(extent => extent === 1) ? 'each cell is a task' : `each cell tiles ${shapeWords(cell)}`
    const button = h('button', {
      class: 'strip', type: 'button', 'data-factor': String(i), title: 'Show the text of this factor'
    }, picture(own, theme), h('span', { class: 'hidden' }, `Factor ${i + 1} of ${m.factors.length}: `),
    h('code', {}, text), h('span', { class: 'counts' }, counts), h('span', { class: 'tiling' }, tiling))
    button.addEventListener('pointerenter', () => { events.hovered(i) })
    button.addEventListener('pointerleave', () => { events.hovered(null) })
    button.addEventListener('focus', () => { events.hovered(i) })
    button.addEventListener('blur', () => { events.hovered(null) })
    button.addEventListener('click', () => { events.revealed(i) })
    return button
  })
}

function picture(m: Mapping, theme: Theme): HTMLCanvasElement {
  const plane = planeOf(m.shape)
  const every = Math.max(1, Math.ceil(plane.columns / room.width), Math.ceil(plane.rows / room.height))
  const columnStep = Math.min(every, Math.max(1, plane.columns >> 1))
  const rowStep = Math.min(every, Math.max(1, plane.rows >> 1))
  const columns = Math.ceil(plane.columns / columnStep), rows = Math.ceil(plane.rows / rowStep)
  const size = Math.max(1, Math.floor(Math.min(18, room.width / columns, room.height / rows)))
  // a short side of few cells stays visible beside a long one
  const cell = { width: columns <= 8 ? Math.max(size, 10) : size, height: rows <= 8
    ? Math.max(size, Math.min(10, Math.floor(room.height / rows))) : size }
  const width = columns * cell.width, height = rows * cell.height, ratio = window.devicePixelRatio || 1
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  canvas.setAttribute('aria-hidden', 'true')
  const context = canvas.getContext('2d')
  if (context === null) return canvas
  context.scale(ratio, ratio)
  const repeats = m.factors[0]?.kind === 'repeat', last = Math.max(1, (repeats ? stepsOf(m, 0) : m.workers) - 1)
  const gap = Math.min(cell.width, cell.height) >= 5 ? 1 : 0
  const centres: { readonly step: number; readonly x: number; readonly y: number }[] = []
  const labelled = cell.width >= 6 * String(last).length + 5 && cell.height >= 12
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.font = `9.5px ${theme.font}`
  for (const { window, at } of windowsOf(plane,
    { row: 0, column: 0, rowStep, columnStep, rowCount: rows, columnCount: columns })) {
    const sample = sampleTile(m, window)
    sample.workers.forEach((worker, i) => {
      if (worker < 0) return
      const place = at + (plane.rowAxis === null ? i : Math.floor(i / window.columnCount) * columns
        + i % window.columnCount)
      const x = place % columns * cell.width, y = Math.floor(place / columns) * cell.height
      const value = (repeats ? sample.steps[i] ?? 0 : worker) / last
      const colour: Rgb = repeats ? mix(theme.background, theme.foreground, 0.14 + 0.3 * value) : viridis(value)
      context.fillStyle = cssOf(colour)
      context.fillRect(x, y, cell.width - gap, cell.height - gap)
      if (labelled) {
        context.fillStyle = isLight(colour) ? '#000000' : '#ffffff'
        context.fillText(String(repeats ? sample.steps[i] : worker), x + (cell.width - gap) / 2, y
          + (cell.height - gap) / 2 + 0.5)
      }
      centres.push({ step: sample.steps[i] ?? 0, x: x + cell.width / 2, y: y + cell.height / 2 })
    })
  }
  if (repeats && !labelled && gap > 0 && centres.length > 1 && centres.length <= 256) {
    context.strokeStyle = cssOf(mix(theme.background, theme.foreground, 0.8))
    context.beginPath()
    for (const { x, y } of centres.sort((a, b) => a.step - b.step)) context.lineTo(x, y)
    context.stroke()
  }
  return canvas
}

function viridis(value: number): Rgb {
  const { r, g, b } = rgb(interpolateViridis(0.1 + 0.85 * value))
  return [Math.round(r), Math.round(g), Math.round(b)]
}
