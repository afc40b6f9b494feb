/**
 * Who accessed what, and since when nothing orders it: races and double writes, whatever the order of threads.
 *
 * Time is counted in intervals: from one barrier of a block to the next, block after block. A record is one number,
 *
 *     ((interval * 1024 + thread) * 32768 + site)
 *
 * so that comparing it with the first record of the present interval (`now`), of the present block and of the present
 * kernel says what lies between. Of shared memory two accesses conflict if they are of one interval and of different
 * threads; of global memory also if they are of different blocks of one kernel. As blocks run one after the other, each
 * cell needs its last write, the first two threads that read it in this interval, and who read it first in this kernel.
 */
export const siteBits = 15
export const threadStep = 2 ** siteBits
/** Of a block. */
export const mostThreads = 1024
export const intervalStep = threadStep * mostThreads
/** Of the numbers that are exact. */
export const mostIntervals = 2 ** 53 / intervalStep

export interface Clock {
  /** The first record of the present interval; one element, for generated text reads it. */
  readonly now: Float64Array
  blockStart: number
  kernelStart: number
}

export interface Shadow {
  readonly scope: 'global' | 'shared'
  /** The last write; 0: none. */
  readonly writes: Float64Array
  readonly readers: Readers | undefined
  /** Of `atomic_add`, where a kernel does that. */
  readonly adders: Readers | undefined
  /** The last of them, in global memory; 0: none. */
  readonly lastAdders: Float64Array | undefined
  /** Bytes that tensors share are recorded one by one (in units); undefined: cells. */
  readonly bytes: { readonly first: number; readonly each: number; readonly ofCell: Int32Array | undefined } | undefined
  /** Copies that are under way to a cell, by their record; 0: none. */
  readonly pending: Float64Array | undefined
}

interface Readers {
  /** In this interval, two different threads. */
  readonly first: Float64Array
  readonly second: Float64Array
  /** In this kernel, of global memory. */
  readonly earliest: Float64Array | undefined
}

interface ShadowNeeds {
  readonly scope: Shadow['scope']
  readonly reads: boolean
  readonly atomics: boolean
  readonly asynchronous: boolean
}

export function createShadow(cells: number, needs: ShadowNeeds): Shadow {
  const readers = (): Readers => ({
    first: new Float64Array(cells), second: new Float64Array(cells),
    earliest: needs.scope === 'global' ? new Float64Array(cells) : undefined
  })
  return {
    scope: needs.scope, writes: new Float64Array(cells), readers: needs.reads ? readers() : undefined,
    adders: needs.atomics ? readers() : undefined, bytes: undefined,
    lastAdders: needs.atomics && needs.scope === 'global' ? new Float64Array(cells) : undefined,
    pending: needs.asynchronous ? new Float64Array(cells) : undefined
  }
}

export function clearShadow({ writes, readers, adders, lastAdders, pending }: Shadow): void {
  for (const r of [readers, adders]) for (const a of [r?.first, r?.second, r?.earliest]) a?.fill(0)
  writes.fill(0)
  lastAdders?.fill(0)
  pending?.fill(0)
}

export const siteOf = (record: number): number => record % threadStep
export const threadOf = (record: number): number => Math.floor(record / threadStep) % mostThreads
export const intervalOf = (record: number): number => Math.floor(record / intervalStep)

export type Touch = 'read' | 'write' | 'atomic'

/**
 * Records an access and gives the record of one that conflicts with it, 0 where none does. `record` is its own.
 */
export function touch(shadow: Shadow, cell: number, kind: Touch, record: number, clock: Clock): number {
  const { bytes } = shadow
  if (!bytes) return touchUnit(shadow, cell, kind, record, clock)
  const start = unitOf(shadow, cell)
  let conflict = 0
  for (let unit = start; unit < start + bytes.each; unit++) {
    const found = touchUnit(shadow, unit, kind, record, clock)
    if (found !== 0) conflict = found
  }
  return conflict
}

function touchUnit(shadow: Shadow, at: number, kind: Touch, record: number, clock: Clock): number {
  const { writes, readers, adders, lastAdders } = shadow
  const conflict = first(shadow, writes[at]!, record, clock)
    || (kind !== 'read' && readers ? among(shadow, readers, at, record, clock) : 0)
    || (kind !== 'atomic' && adders ? among(shadow, adders, at, record, clock) : 0)
  if (kind === 'write') writes[at] = record
  else note(kind === 'read' ? readers : adders, at, record, clock)
  if (kind === 'atomic' && lastAdders) lastAdders[at] = record
  return conflict
}

function among(
  shadow: Shadow, { first: one, second, earliest }: Readers, at: number, record: number, clock: Clock
): number {
  return first(shadow, one[at]!, record, clock) || first(shadow, second[at]!, record, clock)
    || (earliest ? first(shadow, earliest[at]!, record, clock) : 0)
}

/** The other record where nothing orders the two. */
function first({ scope }: Shadow, other: number, record: number, clock: Clock): number {
  const now = clock.now[0]!
  if (other >= now) return sameThread(other, record) ? 0 : other
  return scope === 'global' && other >= clock.kernelStart && other < clock.blockStart ? other : 0
}

/** Of one interval. */
function sameThread(a: number, b: number): boolean {
  return Math.floor(a / threadStep) === Math.floor(b / threadStep)
}

function note(readers: Readers | undefined, at: number, record: number, clock: Clock): void {
  if (!readers) return
  const now = clock.now[0]!, { first: one, second, earliest } = readers
  if (earliest && earliest[at]! < clock.kernelStart) earliest[at] = record
  if (one[at]! < now) one[at] = record
  else if (second[at]! < now && !sameThread(one[at]!, record)) second[at] = record
}

/** Whether two threads write an element of an output: in one kernel, whatever lies between. */
export function isDoubleWrite(other: number, record: number, clock: Clock): boolean {
  if (other < clock.kernelStart) return false
  return other < clock.blockStart || threadOf(other) !== threadOf(record)
}

/** The record of the last write to a cell, whatever tensor it belonged to then. */
export function lastWrite(shadow: Shadow, cell: number): number {
  return shadow.writes[unitOf(shadow, cell)]!
}

/** Where the records of a cell begin. */
export function unitOf({ bytes }: Shadow, cell: number): number {
  return bytes ? bytes.first + (bytes.ofCell?.[cell] ?? cell) * bytes.each : cell
}

/** The cell of a tensor to which a unit of shared bytes belongs. */
export function cellAt({ bytes }: Shadow, unit: number): number {
  if (!bytes) return unit
  const place = Math.floor((unit - bytes.first) / bytes.each)
  return bytes.ofCell ? bytes.ofCell.indexOf(place) : place
}
