/** What a run works on, and what the text of kernels calls when something is rare or wrong. */
import type { Buffer, Expr, Three } from '../../ir/ir.ts'
import { printExpr } from '../../ir/print.ts'
import type { Access } from '../engine.ts'
import { isFloat } from './arithmetic.ts'
import { accessOf, recordedAccess, report, type EmptyRead, type Recorder, type Site } from './faults.ts'
import { isForgotten, type Storage } from './memory.ts'
import {
  cellAt, intervalOf, intervalStep, isDoubleWrite, lastWrite, siteOf, threadOf, threadStep, touch, unitOf,
  type Clock, type Shadow, type Touch
} from './shadow.ts'

export interface Machine {
  readonly sites: Site[]
  readonly clock: Clock
  /** One element: turns of loops until the next look at the time. */
  readonly fuel: Float64Array
  /** In milliseconds of `performance.now()`. */
  readonly deadline: number
  recorder: Recorder
  /** Which block runs. */
  block: Three<number>
  /** Of the kernel that runs. */
  shadows: ReadonlyMap<Buffer, Shadow>
  /** Of each thread: the copies of the group that is open, and the groups that are under way. */
  readonly open: Copy[][]
  readonly groups: Copy[][][]
  /** Why the run ended by what it did: a sentence. */
  crash: string
}

interface Copy {
  readonly storage: Storage
  readonly shadow: Shadow
  readonly cell: number
  readonly value: number | bigint
  readonly site: number
}

/** What generated text calls when something has happened; by the names that it uses. */
export interface Callbacks {
  readonly missing: (site: number, thread: number, storage: Storage, at: number, element: number) => number | bigint
  readonly notHeld: (site: number, thread: number, storage: Storage, element: number) => number | bigint
  readonly outside: (site: number, thread: number, ...indices: number[]) => void
  readonly race: (site: number, thread: number, cell: number, other: number) => void
  readonly notArrived: (site: number, thread: number, cell: number, other: number) => void
  readonly rewritten: (site: number, thread: number, cell: number, other: number) => void
  readonly touched: (
    storage: Storage, shadow: Shadow, kind: Touch, cell: number, site: number, thread: number
  ) => void
  readonly setAll: (storage: Storage, shadow: Shadow, site: number, thread: number, value: number | bigint) => void
  readonly copyLater: (
    storage: Storage, shadow: Shadow, cell: number, value: number | bigint, site: number, thread: number
  ) => void
  readonly commit: (thread: number) => void
  readonly arrive: (thread: number, pending: number) => void
  readonly failed: (site: number, thread: number) => void
  readonly dividedByZero: (division: Expr, thread: number, site: number) => void
  readonly endless: (site: number, thread: number) => void
  /** `site`, `thread`: of a loop without a known end. */
  readonly refuel: (site?: number, thread?: number) => void
}

/** Thrown by what generated text calls, to end a run, and caught where the block was started. */
export const timeIsUp = new Error('the time limit'), threadStopped = new Error('a thread was stopped'),
  crashed = new Error('a program ended by what it did')

/** Turns of one loop without a known end. */
export const mostTurns = 2 ** 24
/** Turns of loops between two looks at the time. */
const fuelOfSlice = 2 ** 20
/** Reads of what nobody has written yet, until it shows whether somebody races to write it. */
const keptReads = 2 ** 16

export function nextInterval(clock: Clock): void {
  clock.now[0] = (intervalOf(clock.now[0]!) + 1) * intervalStep
}

/** What is still empty at the end of an interval, or of a kernel, was read without being written. */
export function reportEmptyReads({ sites, recorder, shadows }: Machine, reads: EmptyRead[], since: number): void {
  for (const { site, thread, block, element, cell } of reads) {
    const at = sites[site]!, shadow = at.storage && shadows.get(at.storage.buffer)
    const last = shadow ? lastWrite(shadow, cell) : 0
    if (last >= since && threadOf(last) !== thread) continue
    report(recorder, 'uninitialised', site, () => accessOf(at, block, thread, { element }))
  }
  reads.length = 0
}

export function callbacksOf(machine: Machine): Callbacks {
  const { sites, clock } = machine
  const own = (site: number, thread: number): number => clock.now[0]! + thread * threadStep + site
  const here = (site: number, thread: number, where?: Parameters<typeof accessOf>[3]) => (): Access =>
    accessOf(sites[site]!, machine.block, thread, where)
  const recorded = (record: number, cell: number, storage: Storage | undefined) => {
    const other = sites[siteOf(record)]?.storage
    const shadow = storage && machine.shadows.get(storage.buffer),
      otherShadow = other && machine.shadows.get(other.buffer)
    const same = other === storage || !shadow || !otherShadow
    return recordedAccess(sites, machine.recorder.history, record,
      same ? cell : cellAt(otherShadow, unitOf(shadow, cell)))
  }
  const conflict = (kind: 'race' | 'double-write' | 'not-arrived', site: number, thread: number, cell: number, other: number) => {
    report(machine.recorder, kind, site, here(site, thread, { element: cell }),
      { site: siteOf(other), access: () => recorded(other, cell, sites[site]?.storage) })
  }
  const touched: Callbacks['touched'] = (storage, shadow, kind, cell, site, thread) => {
    const record = own(site, thread), before = lastWrite(shadow, cell)
    const underWay = shadow.pending?.[unitOf(shadow, cell)] ?? 0
    if (underWay !== 0) conflict('not-arrived', site, thread, cell, underWay)
    const again = kind === 'write' && storage.buffer.scope === 'output' && isDoubleWrite(before, record, clock)
    if (again) conflict('double-write', site, thread, cell, before)
    const other = touch(shadow, cell, kind, record, clock)
    if (other !== 0) {
      if (!again && underWay === 0) conflict('race', site, thread, cell, other)
    } else if (kind !== 'write' && shadow.bytes && before >= clock.blockStart && sites[siteOf(before)]?.storage !== storage) {
      report(machine.recorder, 'uninitialised', site, here(site, thread, { element: cell }))
    }
  }
  const nothing = ({ buffer: { element }, data }: Storage): number | bigint =>
    data instanceof BigInt64Array || data instanceof BigUint64Array ? 0n : isFloat(element) ? NaN : 0
  const write = ({ data, written }: Storage, cell: number, value: number | bigint) => {
    data[cell] = value
    if (written) written[cell] = 1
  }
  return {
    touched,
    missing: (site, thread, storage, at, element) => {
      if (!isForgotten(storage, at)) return storage.data[at]!
      const shadow = machine.shadows.get(storage.buffer)
      if (shadow?.pending && shadow.pending[unitOf(shadow, at)] !== 0) return nothing(storage)
      const { scope } = storage.buffer, { emptyReads } = machine.recorder
      const kept = scope === 'register' ? undefined : scope === 'shared' ? emptyReads.shared : emptyReads.global
      const where = { element: storage.cellOf ? at : element }
      if (kept && kept.length < keptReads) kept.push({ site, thread, block: machine.block, ...where, cell: at })
      else report(machine.recorder, 'uninitialised', site, here(site, thread, where))
      return nothing(storage)
    },
    notHeld: (site, thread, storage, element) => {
      report(machine.recorder, 'uninitialised', site, here(site, thread, { element }))
      return nothing(storage)
    },
    outside: (site, thread, ...indices) => { report(machine.recorder, 'out-of-bounds', site, here(site, thread, { indices })) },
    race: (site, thread, cell, other) => { conflict('race', site, thread, cell, other) },
    notArrived: (site, thread, cell, other) => { conflict('not-arrived', site, thread, cell, other) },
    rewritten: (site, thread, cell, other) => {
      if (isDoubleWrite(other, own(site, thread), clock)) conflict('double-write', site, thread, cell, other)
    },
    setAll: (storage, shadow, site, thread, value) => {
      const threads = machine.open.length
      for (let cell = thread; cell < storage.data.length; cell += threads) {
        touched(storage, shadow, 'write', cell, site, thread)
        write(storage, cell, value)
      }
    },
    copyLater: (storage, shadow, cell, value, site, thread) => {
      touched(storage, shadow, 'write', cell, site, thread)
      if (shadow.pending) shadow.pending[unitOf(shadow, cell)] = own(site, thread)
      machine.open[thread]!.push({ storage, shadow, cell, value, site })
    },
    commit: thread => {
      machine.groups[thread]!.push(machine.open[thread]!)
      machine.open[thread] = []
    },
    arrive: (thread, pending) => {
      const groups = machine.groups[thread]!
      while (groups.length > pending) {
        for (const { storage, shadow, cell, value, site } of groups.shift()!) {
          if (shadow.pending) shadow.pending[unitOf(shadow, cell)] = 0
          touch(shadow, cell, 'write', own(site, thread), clock)
          write(storage, cell, value)
        }
      }
    },
    failed: (site, thread) => {
      report(machine.recorder, 'assertion', site, here(site, thread))
      throw threadStopped
    },
    dividedByZero: (division, thread, site) => {
      const { emptyReads } = machine.recorder
      reportEmptyReads(machine, emptyReads.shared, clock.now[0]!)
      reportEmptyReads(machine, emptyReads.global, clock.kernelStart)
      const [x, y, z] = accessOf(sites[site]!, machine.block, thread).thread
      const who = `Thread (${x}, ${y}, ${z}) of block (${machine.block.join(', ')})`
      machine.crash = `${who} divides a whole number by zero: \`${printExpr(division)}\`.`
      throw crashed
    },
    endless: (site, thread) => {
      report(machine.recorder, 'endless', site, here(site, thread))
      throw threadStopped
    },
    refuel: (site, thread) => {
      if (performance.now() > machine.deadline) {
        if (site !== undefined && thread !== undefined) report(machine.recorder, 'endless', site, here(site, thread))
        throw timeIsUp
      }
      machine.fuel[0] = fuelOfSlice
    }
  }
}
