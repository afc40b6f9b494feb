/**
 * The threads of a block: each to its next barrier or shuffle, one after the other, until all have ended.
 *
 *     thread 0 ... barrier   thread 1 ... barrier   ...   thread 63 ... barrier      all are there: the next interval
 *
 * Where some wait for what others never reach, the block ends there.
 */
import type { Run } from '../engine.ts'
import { accessOf, report } from './faults.ts'
import type { PreparedKernel } from './kernel.ts'
import { crashed, nextInterval, reportEmptyReads, threadStopped, timeIsUp, type Machine } from './machine.ts'
import { forget } from './memory.ts'
import { permuted, type Random } from './orders.ts'
import { intervalOf, mostIntervals } from './shadow.ts'

/** `stopped`: an assertion failed, or a loop did not end. `crash`: the machine says why. */
export function runBlock(
  machine: Machine, k: PreparedKernel, number: number, run: Run, random: Random
): 'done' | 'stopped' | 'time' | 'crash' {
  const { clock, recorder } = machine, [x, y] = k.grid
  machine.block = [number % x, Math.floor(number / x) % y, Math.floor(number / (x * y))]
  k.block.set(machine.block)
  nextInterval(clock)
  if (intervalOf(clock.now[0]!) >= mostIntervals) return 'time'
  clock.blockStart = clock.now[0]!
  recorder.history.starts.push(intervalOf(clock.blockStart))
  recorder.history.blocks.push(machine.block)
  for (const s of k.shared) forget(s)
  for (const p of k.pending) p.fill(0)
  machine.open.length = k.threads
  for (let t = 0; t < k.threads; t++) {
    machine.open[t] = []
    machine.groups[t] = []
  }
  try {
    if (k.waits) runWaiting(machine, k, run, random)
    else for (const t of threadOrder(k.threads, run, random)) k.thread(t)
    reportEmptyReads(machine, recorder.emptyReads.shared, clock.now[0]!)
    return 'done'
  } catch (error) {
    if (error === threadStopped) return 'stopped'
    if (error === timeIsUp) return 'time'
    if (error === crashed) return 'crash'
    throw error
  }
}

function threadOrder(threads: number, { order }: Run, random: Random): Int32Array {
  if (order === 'random') return permuted(threads, random)
  return Int32Array.from({ length: threads }, (_, t) => order === 'reverse' ? threads - 1 - t : t)
}

// ---------------------------------------------------------------- threads that wait for each other

const ended = -1, running = -2

/** Each thread to its next wait, until all have ended or some wait for what never comes. */
function runWaiting(machine: Machine, k: PreparedKernel, run: Run, random: Random): void {
  const { threads } = k
  const iterators = Array.from({ length: threads }, (_, t) => k.thread(t)!)
  const waits = new Int32Array(threads).fill(running)
  let left = threads
  while (left > 0) {
    for (const t of threadOrder(threads, run, random)) {
      if (waits[t] !== running) continue
      const { done, value } = iterators[t]!.next()
      waits[t] = done ? ended : value
      if (done) left--
    }
    if (exchange(machine, k, waits) || left === 0) continue
    const first = waits[0]!
    if (!waits.every(w => w === first) || machine.sites[first]?.kind !== 'barrier') return reportDivergence(machine, waits)
    waits.fill(running)
    reportEmptyReads(machine, machine.recorder.emptyReads.shared, machine.clock.now[0]!)
    nextInterval(machine.clock)
  }
}

/** Shuffles at which all lanes of a warp have come: are there any? */
function exchange({ sites }: Machine, { threads, shuffled, distances }: PreparedKernel, waits: Int32Array): boolean {
  let any = false
  for (let from = 0; from < threads; from += 32) {
    const to = Math.min(from + 32, threads), site = waits[from]!
    if (site < 0 || sites[site]?.kind !== 'shuffle') continue
    let all = true
    for (let t = from; t < to; t++) all &&= waits[t] === site
    if (!all) continue
    const given = shuffled.slice(from, to), { isXor } = sites[site]
    for (let t = from; t < to; t++) {
      const lane = t - from, source = isXor ? lane ^ distances[t]! : lane + distances[t]!
      shuffled[t] = source in given ? given[source] : given[lane]
      waits[t] = running
    }
    any = true
  }
  return any
}

/** The first thread that waits in vain, and the first one of those it waits for that is elsewhere. */
function reportDivergence({ sites, recorder, block }: Machine, waits: Int32Array): void {
  const inVain = (t: number) => waits[t]! >= 0 && partners(t).some(o => waits[o] !== waits[t])
  const partners = (t: number): number[] => {
    const isShuffle = sites[waits[t]!]?.kind === 'shuffle', from = isShuffle ? t - t % 32 : 0
    return Array.from({ length: Math.min(isShuffle ? 32 : waits.length, waits.length - from) }, (_, i) => from + i)
  }
  const threads = Array.from(waits, (_, t) => t)
  const told = threads.find(t => inVain(t) && sites[waits[t]!]?.kind === 'shuffle') ?? threads.find(inVain)
  if (told === undefined) return
  const site = waits[told]!, at = sites[site]!, other = partners(told).find(o => waits[o] !== site)
  const elsewhere = other === undefined ? undefined : sites[waits[other]!]
  report(recorder, at.kind === 'shuffle' ? 'divergent-shuffle' : 'divergent-barrier', site,
    () => accessOf(at, block, told),
    other === undefined ? undefined : {
      site: waits[other]!,
      access: () => accessOf(elsewhere ?? { ...at, kind: 'end', origins: [] }, block, other)
    })
}
