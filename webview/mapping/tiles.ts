/**
 * The tiles of the picture: asked for as they come into view, kept while they are near, painted one canvas pixel a
 * texel.
 *
 * A look (colours, selected worker, step) changes often and only repaints; the values stay.
 */
import { ownersOf } from '../../compiler-core/mapping/mapping.ts'
import type { CellTile, Evaluated, SummaryTile, Tile, TileAsk, Values } from './evaluate.ts'
import { shares, type Conditions, type Picked } from './match.ts'
import { bankOf, mix, mixed, pack, unpack, type Colouring, type Palette, type Rgb } from '../../compiler-core/view/palette.ts'
import { planeKey, tileTexels, type Level, type Plane } from './plane.ts'

/** What is emphasised; all else is dimmed. */
export type Emphasis =
  | { readonly kind: 'none' }
  /** Cells of a worker, of a step, or of both; `trail` keeps the steps before it half visible. */
  | { readonly kind: 'picked'; readonly picked: Picked; readonly trail: boolean }
  /** Cells stored at the offset, or in its bank. */
  | { readonly kind: 'stored'; readonly offset: number; readonly bank: Extract<Colouring, { by: 'bank' }> | null }

export interface Look {
  /** Changes whenever anything else here does. */
  readonly key: string
  readonly palette: Palette
  readonly tables: Tables
  readonly background: Rgb
  readonly emphasis: Emphasis
  /** The conditions of the emphasised worker and of the step; undefined where cells are looked at one by one. */
  readonly worker: Conditions | undefined
  readonly step: Conditions | undefined
}

/** The palette's table, and the same for cells that are not emphasised. */
export interface Tables { readonly full: Uint32Array; readonly past: Uint32Array; readonly dim: Uint32Array }

export function tablesOf(palette: Palette, background: Rgb): Tables {
  return { full: palette.table, past: mixed(palette.table, background, pastShare),
    dim: mixed(palette.table, background, dimShare) }
}

export interface PlacedTile {
  readonly tile: Tile
  readonly level: Level
  readonly tileRow: number
  readonly tileColumn: number
  /** How each cell is drawn (see `shade`), row-major; empty for a summary. */
  shades: Uint8Array
  /** The group of each cell in a palette, row-major. */
  groups: Uint16Array
  palette: Palette | null
  canvas: HTMLCanvasElement | null
  paintedFor: string
}

/** How far a cell that is not emphasised is mixed with the background. */
const dimShare = 0.86, pastShare = 0.55

/** How a cell is drawn. */
const shade = { dim: 0, past: 1, full: 2 } as const

/** Tiles beyond this number are dropped, the longest unused first; a tile is about 330 KB. */
const keptTiles = 160

export interface TileStore {
  get(plane: Plane, level: Level, tileRow: number, tileColumn: number, colouring: Colouring): PlacedTile | undefined
  /** Asks for the tile unless it has been asked for already. */
  want(plane: Plane, level: Level, tileRow: number, tileColumn: number, colouring: Colouring): void
}

/**
 * `arrived` is called when a tile can be drawn. At most `together` are asked for at a time: what comes into view later
 * must not wait long.
 */
export function createTileStore(ask: (argument: TileAsk) => Promise<Tile>, arrived: () => void,
  together = 8): TileStore {
  const tiles = new Map<string, PlacedTile>(), asked = new Set<string>()
  return {
    get(plane, level, tileRow, tileColumn, colouring) {
      const key = keyOf(plane, level, tileRow, tileColumn, colouring), tile = tiles.get(key)
      if (tile !== undefined) {
        tiles.delete(key)
        tiles.set(key, tile) // the latest used comes last
      }
      return tile
    },
    want(plane, level, tileRow, tileColumn, colouring) {
      const key = keyOf(plane, level, tileRow, tileColumn, colouring)
      if (asked.has(key) || asked.size >= together) return
      asked.add(key)
      void ask({ plane, level, tileRow, tileColumn, colouring }).then(tile => {
        tiles.set(key, { tile, level, tileRow, tileColumn, shades: new Uint8Array(0), groups: new Uint16Array(0),
          palette: null, canvas: null, paintedFor: '' })
        for (const old of tiles.keys()) {
          if (tiles.size <= keptTiles) break
          tiles.delete(old)
        }
      }).finally(() => {
        asked.delete(key)
        arrived()
      })
    }
  }
}

/** The values of cells do not depend on the colouring, the mean colours of texels do. */
function keyOf(plane: Plane, level: Level, tileRow: number, tileColumn: number, colouring: Colouring): string {
  const colours = level.rows === 0 && level.columns === 0 ? '' : JSON.stringify(colouring)
  return [planeKey(plane), level.rows, level.columns, tileRow, tileColumn, colours].join(' ')
}

/** The canvas of a tile in a look, painted again only when the look is another one. */
export function paintTile(placed: PlacedTile, subject: Evaluated, plane: Plane, look: Look): HTMLCanvasElement {
  const { tile } = placed
  if (placed.canvas !== null && placed.paintedFor === look.key) return placed.canvas
  const canvas = placed.canvas ?? Object.assign(document.createElement('canvas'),
    { width: tile.columns, height: tile.rows })
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('no canvas')
  const image = new ImageData(tile.columns, tile.rows), pixels = new Uint32Array(image.data.buffer)
  if (tile.kind === 'cells') paintCells(placed, tile, subject, plane, look, pixels)
  else paintSummary(placed, tile, plane, look, pixels)
  context.putImageData(image, 0, 0)
  placed.canvas = canvas
  placed.paintedFor = look.key
  return canvas
}

function paintCells(placed: PlacedTile, tile: CellTile, subject: Evaluated, plane: Plane, look: Look,
  pixels: Uint32Array): void {
  const groups = groupsOf(placed, tile, look), shades = shadesOf(placed, tile, subject, plane, look)
  const { dim, past, full } = look.tables
  for (let i = 0; i < pixels.length; i++) {
    const group = groups[i] ?? noGroup, shaded = shades[i]
    if (group !== noGroup) pixels[i] = (shaded === shade.full ? full : shaded === shade.past ? past : dim)[group] ?? 0
  }
  placed.shades = shades
}

const noGroup = 0xffff

/** The group of each cell in the palette; stays while the colouring does. */
function groupsOf(placed: PlacedTile, tile: CellTile, { palette }: Look): Uint16Array {
  if (placed.palette === palette) return placed.groups
  const groups = new Uint16Array(tile.rows * tile.columns)
  for (let r = 0, i = 0; r < tile.rows; r++) {
    for (let c = 0, at = tile.origin + r * tile.stride; c < tile.columns; c++, at++, i++) {
      const first = tile.firsts[at] ?? -2
      groups[i] = first < 0 ? noGroup : palette.group(first, tile.steps[at] ?? 0)
    }
  }
  placed.palette = palette
  placed.groups = groups
  return groups
}

function shadesOf(placed: PlacedTile, tile: CellTile, subject: Evaluated, plane: Plane, look: Look): Uint8Array {
  const { rows, columns, origin, stride, firsts, steps, counts } = tile, { emphasis } = look
  const shades = new Uint8Array(rows * columns)
  if (emphasis.kind === 'none') return shades.fill(shade.full)
  const block = {
    row: placed.tileRow * tileTexels, column: placed.tileColumn * tileTexels, rowStep: 1, columnStep: 1,
    rowCount: rows, columnCount: columns
  }
  const owned = look.worker && shares(plane, look.worker, block), now = look.step && shares(plane, look.step, block)
  const test = cellTest(emphasis), { worker, step } = emphasis.kind === 'picked' ? emphasis.picked
    : { worker: null, step: null }
  // with a worker selected, its other steps stay half visible
  const past = worker !== null ? Infinity : emphasis.kind === 'picked' && emphasis.trail ? step ?? 0 : 0
  for (let r = 0, i = 0; r < rows; r++) {
    for (let c = 0, at = origin + r * stride; c < columns; c++, at++, i++) {
      const first = firsts[at] ?? -2, own = steps[at] ?? 0
      if (first < 0) continue
      if (emphasis.kind === 'stored') {
        shades[i] = test(first) ? shade.full : shade.dim
      } else if (owned !== undefined || now !== undefined) {
        if (owned === undefined || owned[i] !== 0) shades[i] = now === undefined || now[i] !== 0 ? shade.full
          : own < past ? shade.past : shade.dim
      } else if ((counts[at] ?? 0) <= 1) {
        if (worker === null || first === worker) shades[i] = step === null || own === step ? shade.full : own < past
          ? shade.past : shade.dim
      } else {
        const index = indexAt(plane, block.row + r, block.column + c)
        if (isOwner(subject, index, worker, null)) shades[i] = isOwner(subject, index, worker, step) ? shade.full
          : own < past ? shade.past : shade.dim
      }
    }
  }
  return shades
}

function paintSummary(placed: PlacedTile, tile: SummaryTile, plane: Plane, look: Look, pixels: Uint32Array): void {
  const { emphasis } = look
  if (emphasis.kind === 'none') {
    pixels.set(tile.pixels)
    return
  }
  const rowStep = 2 ** placed.level.rows, columnStep = 2 ** placed.level.columns
  const block = {
    row: placed.tileRow * tileTexels * rowStep, column: placed.tileColumn * tileTexels * columnStep, rowStep,
    columnStep,
    rowCount: tile.rows, columnCount: tile.columns
  }
  const parts = [look.worker, look.step].flatMap(conditions => conditions ? [shares(plane, conditions, block)] : [])
  const test = cellTest(emphasis)
  for (let i = 0; i < pixels.length; i++) {
    const colour = tile.pixels[i] ?? 0
    const matched = parts.length > 0 ? parts.reduce((n, part) => n * (part[i] ?? 0), 1)
      : sampledShare(tile.samples, i, test)
    // a single cell of a thousand must still be seen
    const visible = matched === 0 ? 0 : Math.max(0.3, Math.sqrt(matched))
    pixels[i] = pack(mix(unpack(colour), look.background, dimShare * (1 - visible)), colour >>> 24)
  }
}

function sampledShare(samples: readonly Values[], texel: number, test: (first: number, step: number) =>
boolean): number {
  let matched = 0
  for (const { firsts, steps } of samples) {
    const first = firsts[texel] ?? -2
    if (first >= 0 && test(first, steps[texel] ?? 0)) matched++
  }
  return samples.length === 0 ? 1 : matched / samples.length
}

/** The test of a single owner or offset. */
function cellTest(emphasis: Emphasis): (first: number, step?: number) => boolean {
  switch (emphasis.kind) {
    case 'none': return () => true
    case 'stored': {
      const { bank, offset } = emphasis
      if (bank === null) return first => first === offset
      const wanted = bankOf(bank, offset)
      return first => bankOf(bank, first) === wanted
    }
    case 'picked': {
      const { worker, step } = emphasis.picked
      return (first, own) => (worker === null || first === worker) && (step === null || own === step)
    }
  }
}

function indexAt(plane: Plane, row: number, column: number): number[] {
  const index = [...plane.fixed]
  if (plane.rowAxis === null) index[0] = row * plane.columns + column
  else {
    index[plane.rowAxis] = row
    index[plane.columnAxis] = column
  }
  return index
}

/** Looks through all owners of a replicated cell of a custom mapping. */
function isOwner(subject: Evaluated, index: readonly number[], worker: number | null, step: number | null): boolean {
  if (subject.kind === 'layout') return false
  for (const owner of ownersOf(subject.mapping, index).owners()) {
    if ((worker === null || owner.worker === worker) && (step === null || owner.step === step)) return true
  }
  return false
}

