/**
 * Which colour a cell has. A colouring sorts cells into groups (the warp of the worker, the bank of the offset, ...)
 * and a table gives each group a colour, packed as ImageData stores it.
 *
 * Kinds that are compared (warps, blocks) take the palette of Okabe and Ito, which people with any colour vision tell
 * apart. Threads take the colour of their warp, lighter or darker by lane; lanes at a distance of 1, 2, 4, 8 or 16,
 * which are the neighbours in most pictures, differ by at least a quarter of the range; a single warp takes the range
 * of viridis, and up to eight workers are kinds themselves. Kinds that are ordered (steps, offsets, banks, lanes) take
 * viridis, whose lightness grows evenly.
 */
import { interpolateRgbBasis, interpolateViridis, lab, rgb } from 'd3'

export type Colouring =
  | { readonly by: 'thread' | 'warp' | 'block' | 'lane'; readonly workers: number; readonly threads: number; readonly warpSize: number }
  /** Steps of the worker that has the most. */
  | { readonly by: 'step'; readonly steps: number }
  /** Storage cells of the layout. */
  | { readonly by: 'offset'; readonly size: number }
  | { readonly by: 'bank'; readonly elementBytes: number; readonly bankBytes: number; readonly banks: number }

export interface Palette {
  /** One colour a group. */
  readonly table: Uint32Array
  /** The group of a cell, by its worker and step, or by its offset. */
  group(first: number, step: number): number
}

/** Red, green, blue of 0 to 255. */
export type Rgb = readonly [number, number, number]

export function paletteOf(c: Colouring): Palette {
  switch (c.by) {
    case 'thread': return c.workers <= okabeIto.length ? { table: kinds, group: worker => worker }
      : c.workers <= c.warpSize ? { table: oneWarp(c.warpSize), group: worker => laneOf(c, worker) }
      : {
        table: Uint32Array.from({ length: families.length * c.warpSize }, (_, i) =>
          parse(families[Math.floor(i / c.warpSize)]?.(lanePosition(i % c.warpSize, c.warpSize)) ?? '')),
        group: worker => warpOf(c, worker) % families.length * c.warpSize + laneOf(c, worker)
      }
    case 'warp': return { table: kinds, group: worker => warpOf(c, worker) % kinds.length }
    case 'block': return { table: kinds, group: worker => blockOf(c, worker) % kinds.length }
    case 'lane': return { table: ramp(c.warpSize), group: worker => laneOf(c, worker) }
    case 'step': return rampOver(c.steps, (_, step) => step)
    case 'offset': return rampOver(c.size, offset => offset)
    case 'bank': return { table: ramp(c.banks), group: offset => bankOf(c, offset) }
  }
}

/** Threads of a block, until somebody says otherwise: all workers, where they fit a block. */
export function usualThreads(workers: number): number {
  return workers <= 1024 ? workers : 256
}

export function blockOf(c: { readonly threads: number }, worker: number): number {
  return Math.floor(worker / c.threads)
}

/** The warp, counted over all blocks. */
export function warpOf(c: { readonly threads: number; readonly warpSize: number }, worker: number): number {
  return blockOf(c, worker) * Math.ceil(c.threads / c.warpSize) + Math.floor(worker % c.threads / c.warpSize)
}

export function laneOf(c: { readonly threads: number; readonly warpSize: number }, worker: number): number {
  return worker % c.threads % c.warpSize
}

/** The bank of the first byte of an element. */
export function bankOf(c: { readonly elementBytes: number; readonly bankBytes: number; readonly banks: number },
  offset: number): number {
  return Math.floor(offset * c.elementBytes / c.bankBytes) % c.banks
}

/** The colour of an element of the table as red, green, blue. */
export function unpack(colour: number): Rgb {
  return [colour & 255, colour >>> 8 & 255, colour >>> 16 & 255]
}

export function pack([red, green, blue]: Rgb, alpha = 255): number {
  return (alpha << 24 | blue << 16 | green << 8 | red) >>> 0
}

export function cssOf([red, green, blue]: Rgb): string {
  return `rgb(${red}, ${green}, ${blue})`
}

/** Mixes each colour of a table with another one; share 1 is all the other. */
export function mixed(table: Uint32Array, other: Rgb, share: number): Uint32Array {
  return table.map(colour => pack(mix(unpack(colour), other, share)))
}

export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const part = (i: 0 | 1 | 2) => Math.round(a[i] + (b[i] - a[i]) * share)
  return [part(0), part(1), part(2)]
}

/** Whether dark text reads better on the colour than light text. */
export function isLight([red, green, blue]: Rgb): boolean {
  return red * 0.299 + green * 0.587 + blue * 0.114 > 135
}

/** Position 0 to 1 of a lane in the range of its warp. */
export function lanePosition(lane: number, warpSize: number): number {
  return warpSize === 1 ? 0.5 : lane * oddStep(warpSize) % warpSize / (warpSize - 1)
}

/** About 11/32 of the warp, and without a common divisor: a third, but never the same lane twice. */
function oddStep(warpSize: number): number {
  let step = Math.max(1, Math.round(warpSize * 11 / 32))
  while (divisor(step, warpSize) !== 1) step++
  return step
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}

/** A single warp has all colours to itself. */
function oneWarp(warpSize: number): Uint32Array {
  return Uint32Array.from({ length: warpSize }, (_, lane) => parse(rampColour(lanePosition(lane, warpSize))))
}

function ramp(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => parse(rampColour(count === 1 ? 0.5 : i / (count - 1))))
}

/** Viridis without its darkest end, which is lost on a dark ground. */
function rampColour(position: number): string {
  return interpolateViridis(0.08 + 0.9 * position)
}

function rampOver(count: number, value: (first: number, step: number) => number): Palette {
  const table = ramp(Math.min(count, 1024))
  const scale = count <= 1024 ? 1 : 1024 / count
  return { table, group: (first, step) => Math.min(table.length - 1, Math.floor(value(first, step) * scale)) }
}

function parse(colour: string): number {
  const { r, g, b } = rgb(colour)
  return pack([Math.round(r), Math.round(g), Math.round(b)])
}

const okabeIto = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#8c8c8c']

/** Dark, plain, light, for each colour of Okabe and Ito. */
const families = [
  ['#0b5589', '#2a8fce', '#a9dbff'], ['#9a5f00', '#e69f00', '#ffe3a8'], ['#00664c', '#12ad82', '#9af0d3'],
  ['#8d3f6c', '#cc79a7', '#ffd6ea'], ['#2f6c9e', '#62bdf0', '#dcf1ff'], ['#933a00', '#d9651a', '#ffc09b'],
  ['#857b10', '#d8cc2a', '#fdf8c4'], ['#555555', '#939393', '#e6e6e6']
].map(ends => interpolateRgbBasis(ends))

/** The eight colours, then the same darker, then lighter: 24 kinds before a colour comes again. */
const kinds = Uint32Array.from([0, -22, 18].flatMap(shift => okabeIto.map(colour => {
  const { l, a, b } = lab(colour)
  return parse(lab(Math.max(12, Math.min(95, l + shift)), a, b).formatRgb())
})))
