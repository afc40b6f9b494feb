/**
 * What goes wrong in a run, kept once for each kind and place, and who accessed what, for people.
 *
 *     race at (site 4, thread 33) with the record of (site 2, thread 1)    ->    { kind: 'race', access, other, times }
 */
import type { Three } from '../../ir/ir.ts'
import type { Origins } from '../../ir/origin.ts'
import { keptFaults, type Access, type Fault, type FaultKind } from '../engine.ts'
import { indicesAt, type Storage } from './memory.ts'
import { intervalOf, siteOf, threadOf } from './shadow.ts'

/** A place of the program that accesses memory, or where threads wait or stop. Its number stands in records. */
export interface Site {
  readonly kind: Access['kind']
  readonly storage: Storage | undefined
  readonly origins: Origins
  /** Of the kernel that it is part of. */
  readonly block: Three<number>
  /** Of a shuffle: whether lanes are counted apart by bits. */
  readonly isXor?: boolean
}

/** Blocks, by the first interval of each. */
interface History {
  readonly starts: number[]
  readonly blocks: Array<Three<number>>
}

/** A read of what nobody has written yet: a race, if another thread writes it before something orders the two. */
export interface EmptyRead {
  readonly site: number
  readonly thread: number
  readonly block: Three<number>
  readonly element: number
  readonly cell: number
}

export interface Recorder {
  /** Of shared memory until the interval ends, of global memory until the kernel does. */
  readonly emptyReads: { shared: EmptyRead[]; global: EmptyRead[] }
  readonly history: History
  readonly found: Map<string, { fault: Fault; times: number }>
}

export function createRecorder(): Recorder {
  return { emptyReads: { shared: [], global: [] }, history: { starts: [], blocks: [] }, found: new Map() }
}

export function faultsOf({ found }: Recorder): readonly Fault[] {
  return [...found.values()].slice(0, keptFaults).map(({ fault, times }) => ({ ...fault, times }))
}

/** `access` and `other` are made only for the first fault of its kind at its place, or between its two places. */
export function report(
  recorder: Recorder, kind: FaultKind, site: number, access: () => Access,
  other?: { readonly site: number; readonly access: () => Access }
): void {
  const key = other ? `${kind} ${Math.min(site, other.site)} ${Math.max(site, other.site)}` : `${kind} ${site}`
  const known = recorder.found.get(key)
  if (known) known.times++
  else if (recorder.found.size < keptFaults) {
    recorder.found.set(key, { fault: { kind, access: access(), other: other?.access(), times: 1 }, times: 1 })
  }
}

/**
 * Which thread of a block, and which element: its number (that of its cell, where several elements share one), or the
 * indices where they leave the shape.
 */
export function accessOf(
  site: Site, block: Three<number>, thread: number,
  where?: { readonly element: number } | { readonly indices: readonly number[] }
): Access {
  const { kind, storage, origins } = site
  const [x, y] = site.block
  const element = where && 'element' in where ? where.element : undefined
  const isCell = storage?.cellOf !== undefined && element !== undefined
  return {
    kind, block, thread: [thread % x, Math.floor(thread / x) % y, Math.floor(thread / (x * y))], origins,
    buffer: storage?.buffer,
    indices: where && 'indices' in where ? where.indices
    : storage && element !== undefined && !isCell ? indicesAt(element, storage.shape) : undefined,
    cell: isCell ? element : undefined, span: undefined
  }
}

/** What a record says of an access to `cell`. */
export function recordedAccess(sites: readonly Site[], history: History, record: number, cell: number): Access {
  return accessOf(sites[siteOf(record)]!, blockAt(history, intervalOf(record)), threadOf(record), { element: cell })
}

function blockAt({ starts, blocks }: History, interval: number): Three<number> {
  let low = 0, high = starts.length
  while (high - low > 1) {
    const middle = low + high >> 1
    if (starts[middle]! <= interval) low = middle
    else high = middle
  }
  return blocks[low] ?? [0, 0, 0]
}
