/**
 * The engine that runs a program before lowering: mapped loops over logical tensors, all blocks and threads, with every
 * rule of the language checked as it goes. It needs no toolchain and knows nothing of offsets, wide accesses or C: what
 * lowering and the CUDA text must not change.
 *
 *     execute(program, { extents, runs: [{ inputs, order: 'forward', ... }], ... })
 *       -> { kind: 'executed', runs: [{ outputs, faults: [race: thread 33 reads sa[0, 4, 1] ...], blocks }] }
 *
 * The program is written as JavaScript (kernel.ts) and compiled. The blocks of a kernel run one after the other, the
 * threads of a block from one barrier to the next. What two threads do without a barrier between them is found from
 * records of their accesses (shadow.ts), so that no order hides a fault; the orders differ all the same, for the values
 * that a racing program computes do.
 */
import type { Buffer, Program, Three } from '../../ir/ir.ts'
import type { Engine, Executed, Outcome, Request, Run, Written } from '../engine.ts'
import { runBlock } from './blocks.ts'
import { createRecorder, faultsOf, recordedAccess } from './faults.ts'
import { globalShadows, prepareKernel, usageOf, valueAtLaunch, type PreparedKernel } from './kernel.ts'
import { callbacksOf, nextInterval, reportEmptyReads, type Machine } from './machine.ts'
import { bytesOfStorage, createStorage, elementsOf, fill, forget, setElements, type Storage } from './memory.ts'
import { generatorOf, permuted, type Random } from './orders.ts'
import { clearShadow, intervalOf, siteBits, type Shadow } from './shadow.ts'

/** Runs in slices, so that the thread can do other things, and can be told to stop. */
export const interpreter: Engine = async ({ elaborated }, request) => {
  const steps = slices(elaborated, request)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await new Promise(resolve => { setImmediate(resolve) })
  }
}

export function execute(program: Program, request: Request): Outcome {
  const steps = slices(program, request)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Bytes of all tensors and their records. */
const mostBytes = 3 * 2 ** 30
/** Milliseconds for which the thread does nothing else. */
const slice = 40

interface Prepared {
  readonly machine: Machine
  readonly kernels: readonly PreparedKernel[]
  /** Parameters and workspaces. */
  readonly storages: ReadonlyMap<Buffer, Storage>
  /** Of those that some kernel writes. */
  readonly shadows: ReadonlyMap<Buffer, Shadow>
}

function* slices(program: Program, request: Request): Generator<undefined, Outcome> {
  const { runs, timeLimit, signal } = request
  const prepared = prepare(program, request)
  if ('kind' in prepared) return prepared
  const executed: Executed[] = []
  for (const run of runs) {
    const result = yield* oneRun(prepared, program, run, request)
    if (result === 'cancelled') return { kind: 'cancelled' }
    if (result === 'crash') {
      const { recorder, crash: message } = prepared.machine
      return { kind: 'ended', why: 'crash', message, fault: faultsOf(recorder)[0] }
    }
    if (result === 'time') {
      const message = `The interpreter was ended after ${timeLimit / 1000} seconds.`
      return { kind: 'ended', why: 'time', message, fault: faultsOf(prepared.machine.recorder)[0] }
    }
    executed.push(result)
  }
  return signal?.aborted ? { kind: 'cancelled' } : { kind: 'executed', runs: executed, counts: [] }
}

function prepare(program: Program, { extents, timeLimit }: Request): Prepared | Outcome {
  const buffers = [...program.parameters, ...program.workspaces.map(w => w.buffer)]
  const shapes = new Map(buffers.map(b => [b, b.shape.map(e => valueAtLaunch(e, extents))]))
  // beside its elements, a tensor that is written has records of the last accesses
  const bytes = buffers.reduce((sum, b) =>
    sum + bytesOfStorage(b, shapes.get(b) ?? []) * (b.scope === 'input' ? 1 : 3), 0)
  if (bytes > mostBytes) {
    const message = `The tensors need ${inMebibytes(bytes)} in the interpreter, which takes ${inMebibytes(mostBytes)}.`
    return { kind: 'ended', why: 'memory', message, fault: undefined }
  }
  const storages = new Map(buffers.map(b => [b, createStorage(b, shapes.get(b) ?? [])]))
  const shadows = globalShadows(program, storages)
  const machine: Machine = {
    sites: [], clock: { now: new Float64Array(1), blockStart: 0, kernelStart: 0 }, fuel: new Float64Array(1),
    deadline: performance.now() + timeLimit, recorder: createRecorder(), block: [0, 0, 0], shadows,
    open: [], groups: [], crash: ''
  }
  const callbacks = callbacksOf(machine), kernels: PreparedKernel[] = []
  for (const k of program.kernels) {
    const kernel = prepareKernel({ extents, storages, shadows, callbacks, machine }, k)
    if (typeof kernel === 'string') return { kind: 'unavailable', message: kernel }
    kernels.push(kernel)
  }
  if (machine.sites.length < 2 ** siteBits) return { machine, kernels, storages, shadows }
  const message = `The program has ${machine.sites.length} places that access memory; the interpreter knows ${2 ** siteBits}.`
  return { kind: 'unavailable', message }
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`
}

// ---------------------------------------------------------------- one run

function* oneRun(
  prepared: Prepared, program: Program, run: Run, { extents, signal }: Request
): Generator<undefined, Executed | 'cancelled' | 'time' | 'crash'> {
  const { machine, kernels } = prepared, { clock } = machine
  const start = performance.now(), random = generatorOf(run.seed)
  machine.recorder = createRecorder()
  setMemory(prepared, program, run, extents)
  nextInterval(clock)
  let blocks = { run: 0, total: 0 }, pause = start + slice
  for (const [n, k] of kernels.entries()) {
    const budget = n === kernels.length - 1 ? run.budget : undefined
    const total = k.grid[0] * k.grid[1] * k.grid[2]
    const order = blockOrder(run, k.grid, budget, random)
    blocks = { run: 0, total }
    nextInterval(clock)
    clock.kernelStart = clock.now[0]!
    machine.shadows = k.shadows
    for (let at = 0; at < total; at++) {
      const now = performance.now()
      if (budget !== undefined && at > 0 && now - start > budget) break
      if (now > machine.deadline) return 'time'
      if (now > pause) {
        yield
        if (signal?.aborted) return 'cancelled'
        pause = performance.now() + slice
      }
      const end = runBlock(machine, k, order(at), run, random)
      if (end === 'time' || end === 'crash') return end
      if (end === 'stopped') return executedRun(prepared, program, { run: at, total })
      blocks = { run: at + 1, total }
    }
    reportEmptyReads(machine, machine.recorder.emptyReads.global, clock.kernelStart)
  }
  return executedRun(prepared, program, blocks)
}

function setMemory(
  { kernels, storages, shadows }: Prepared, program: Program, run: Run, extents: Request['extents']
): void {
  for (const s of shadows.values()) clearShadow(s)
  const added = new Set(kernels.flatMap(k => [...usageOf(k.kernel).added]))
  program.parameters.filter(b => b.scope === 'input').forEach((b, i) => {
    setElements(storages.get(b)!, run.inputs[i] ?? new Float64Array(0))
  })
  for (const b of program.parameters.filter(p => p.scope === 'output')) {
    // whoever launches a kernel that adds to an output sets it first
    if (added.has(b)) fill(storages.get(b)!, 0)
    else forget(storages.get(b)!)
  }
  for (const { buffer, value } of program.workspaces) {
    if (!value) forget(storages.get(buffer)!)
    else fill(storages.get(buffer)!, value.kind === 'constant' ? value.value : valueAtLaunch(value, extents))
  }
}

function executedRun(
  { machine, kernels, storages, shadows }: Prepared, program: Program, blocks: Executed['blocks']
): Executed {
  const { recorder, sites } = machine, last = kernels.at(-1)
  const sums = last && blocks.run < blocks.total ? usageOf(last.kernel).added : new Set<Buffer>()
  const outputs = program.parameters.filter(b => b.scope === 'output').map((b): Written => {
    const storage = storages.get(b)!, shadow = shadows.get(b)
    // before all blocks have added, what it holds says nothing
    if (sums.has(b)) return { elements: elementsOf(storage).fill(NaN), writerOf: () => undefined }
    const writes = shadow?.writes.slice(), adders = shadow?.lastAdders?.slice()
    return {
      elements: elementsOf(storage),
      writerOf: element => {
        const cell = storage.cellOf?.[element] ?? element, write = writes?.[cell] ?? 0, addition = adders?.[cell] ?? 0
        // of one interval both are one thread's, or race
        const record = intervalOf(addition) >= intervalOf(write) && addition > 0 ? addition : write
        return record === 0 ? undefined : recordedAccess(sites, recorder.history, record, element)
      }
    }
  })
  return { outputs, faults: faultsOf(recorder), blocks }
}

/** The block at a place in the order, as a number. With a budget the corners of the grid come first. */
function blockOrder(
  { order }: Run, [x, y, z]: Three<number>, budget: number | undefined, random: Random
): (at: number) => number {
  const total = x * y * z
  if (budget !== undefined) {
    const ends = (extent: number) => [0, extent - 1]
    const corners = ends(z).flatMap(c => ends(y).flatMap(b => ends(x).map(a => (c * y + b) * x + a)))
    return listed([...new Set([...corners, ...permuted(total, random)])])
  }
  if (order === 'random') return listed(permuted(total, random))
  return order === 'reverse' ? at => total - 1 - at : at => at
}

function listed(blocks: ArrayLike<number>): (at: number) => number {
  return at => blocks[at]!
}
