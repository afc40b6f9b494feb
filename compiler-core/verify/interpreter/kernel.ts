/**
 * A kernel made executable: its memory, the JavaScript written and compiled, and what that calls.
 *
 *     prepareKernel(machine, kernel)    ->    { thread: tid => Generator | undefined, ... }
 *
 * The text is compiled with `new Function`: interpreting the tree node by node is more than ten times slower. It is
 * made of the program's structure alone, never of its names or texts.
 */
import type { Allocate, Buffer, Expr, Kernel, Program, Stmt, Three, Variable } from '../../ir/ir.ts'
import { constant } from '../../ir/build.ts'
import { bytesOf, sharedMemory } from '../../ir/memory.ts'
import { exprsOf, forEachExpr, forEachStmt } from '../../ir/visit.ts'
import { loadText } from './accesses.ts'
import { cellTable, createStorage, forget, type Storage } from './memory.ts'
import { binaryText, isBig, numericFunctions } from './arithmetic.ts'
import { emptyScope, functionText, type Generation, type Value } from './code.ts'
import { indexOf } from './expressions.ts'
import { knownValue } from './linear.ts'
import { spreadOf } from './registers.ts'
import { createShadow, mostThreads, threadStep, type Shadow } from './shadow.ts'
import { bodyText, waitsIn } from './statements.ts'
import { mostTurns, type Callbacks, type Machine } from './machine.ts'

export interface PreparedKernel {
  readonly kernel: Kernel
  readonly grid: Three<number>
  readonly threads: number
  /** Runs a thread to its end, or makes what runs it from wait to wait, giving the number of the site. */
  readonly thread: (tid: number) => Iterator<number, void, undefined> | undefined
  readonly waits: boolean
  readonly shared: readonly Storage[]
  readonly shadows: ReadonlyMap<Buffer, Shadow>
  /** Records of copies that are under way. */
  readonly pending: readonly Float64Array[]
  /** Values that lanes give and get. */
  readonly shuffled: unknown[]
  readonly distances: Int32Array
  readonly block: Int32Array
}

interface Surroundings {
  readonly extents: ReadonlyMap<Variable, number>
  /** Parameters and workspaces. */
  readonly storages: ReadonlyMap<Buffer, Storage>
  readonly shadows: ReadonlyMap<Buffer, Shadow>
  readonly callbacks: Callbacks
  readonly machine: Pick<Machine, 'sites' | 'clock' | 'fuel'>
}

/** A sentence where the interpreter cannot run the kernel. */
export function prepareKernel(around: Surroundings, kernel: Kernel): PreparedKernel | string {
  const threads = threadsOf(kernel), { machine } = around
  if (threads > mostThreads) return `A block has ${threads} threads; the interpreter knows ${mostThreads}.`
  const allocations = allocationsOf(kernel)
  const storages = new Map(around.storages), shadows = new Map(around.shadows)
  for (const { buffer } of allocations) {
    storages.set(buffer, createStorage(buffer, constantShape(buffer), buffer.scope === 'register' ? threads : 1))
  }
  addSharedShadows(kernel, allocations, storages, shadows)
  const grid = gridOf(around.extents, kernel)
  // of those no number says that nothing was written
  const registers = allocations.map(a => a.buffer).filter(b => b.scope === 'register')
  const tagged = new Set(registers.filter(b => b.layout && isBig(b.element)))
  const firstSite = machine.sites.length
  for (;;) {
    machine.sites.length = firstSite
    const g = generation(around, kernel, grid, storages, shadows, tagged)
    const waits = kernel.body.some(waitsIn)
    g.waits = waits
    bodyText(g, kernel.body)
    if (g.refused !== undefined) return g.refused
    if (g.again) continue
    const main = functionText('thread', g.lines, waits).text
    const shuffled = new Array<unknown>(threads).fill(0), distances = new Int32Array(threads)
    const block = new Int32Array(3), frameSize = g.frame.size
    const thread = compiled([...g.functions, main, 'return thread'].join('\n'), {
      ...numericFunctions, ...additions, ...around.callbacks, ...Object.fromEntries(g.bound),
      forget, clock: machine.clock.now, fuel: machine.fuel, mostTurns, threadStep, shuffled, distances, block,
      frameSize, frames: new Float64Array(threads * frameSize),
      bigFrame: new Array<bigint>(threads * frameSize).fill(0n)
    }) as PreparedKernel['thread']
    return {
      kernel, grid, threads, waits, thread, shadows, shuffled, distances, block,
      pending: allocations.flatMap(({ buffer }) => shadows.get(buffer)?.pending ?? []),
      shared: allocations.flatMap(({ buffer }) => buffer.scope === 'shared' ? storages.get(buffer) ?? [] : [])
    }
  }
}

/** What a text returns, in which the names stand for the values. */
function compiled(text: string, environment: Readonly<Record<string, unknown>>): unknown {
  const make = new Function(...Object.keys(environment), `'use strict'\n${text}`) as (...values: unknown[]) => unknown
  return make(...Object.values(environment))
}

function threadsOf({ block: [x, y, z] }: Kernel): number {
  return x * y * z
}

/** The value of an expression over extents. */
export function valueAtLaunch(e: Expr, extents: ReadonlyMap<Variable, number>): number {
  const g = generation({ extents, machine: { sites: [] } }, emptyKernel, [1, 1, 1], new Map(), new Map(), new Set())
  return knownValue(indexOf(g, e)) ?? 0
}

function gridOf(extents: ReadonlyMap<Variable, number>, { grid: [x, y, z] }: Kernel): Three<number> {
  const of = (e: Expr) => Math.max(valueAtLaunch(e, extents), 0)
  return [of(x), of(y), of(z)]
}

const one = constant(1, 'index')
const emptyKernel: Kernel = {
  name: '', grid: [one, one, one], block: [1, 1, 1], minBlocks: undefined, body: [], origins: []
}

const elements = ['f64', 'f32', 'tf32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8'] as const

/** Old value and addend to the new value, by element type. */
const additions: Readonly<Record<string, unknown>> = Object.fromEntries(elements.map(type =>
  [`add_${type}`, compiled(`return (a, b) => ${binaryText('+', 'a', 'b', type)}`, numericFunctions)]))

function generation(
  { extents, machine }: { readonly extents: Surroundings['extents']; readonly machine: Pick<Machine, 'sites'> },
  kernel: Kernel, grid: Three<number>, storages: Map<Buffer, Storage>, shadows: Map<Buffer, Shadow>, tagged: Set<Buffer>
): Generation {
  const size = threadsOf(kernel), threads = { size, counter: 'tid' }
  const spreads = new Map([...storages.keys()].flatMap(b =>
    b.scope === 'register' && b.layout ? [[b, spreadOf(b.layout, size)] as const] : []))
  return {
    kernel, extents, grid, threads, storages, shadows, spreads, tagged,
    values: new Map<Variable, Value>(), frame: new Map(), mutables: new Map(), sites: machine.sites,
    siteNumbers: new Map(), load: loadText, refused: undefined, bound: new Map(), boundNames: new Map(), functions: [],
    lines: [], scopes: [emptyScope()], waits: false, asynchronous: false, count: 0, again: false
  }
}

function allocationsOf({ body }: Kernel): readonly Allocate[] {
  const found: Allocate[] = []
  forEachStmt(body, s => { if (s.kind === 'allocate') found.push(s) })
  return found
}

function constantShape(buffer: Buffer): readonly number[] {
  return buffer.shape.map(e => valueAtLaunch(e, new Map()))
}

// ---------------------------------------------------------------- what is recorded

interface Usage {
  readonly read: ReadonlySet<Buffer>
  readonly stored: ReadonlySet<Buffer>
  readonly added: ReadonlySet<Buffer>
  /** By copies that arrive later. */
  readonly copied: ReadonlySet<Buffer>
}

export function usageOf({ body }: Kernel): Usage {
  const read = new Set<Buffer>(), stored = new Set<Buffer>(), added = new Set<Buffer>(), copied = new Set<Buffer>()
  forEachStmt(body, s => {
    for (const e of exprsOf(s)) forEachExpr(e, x => { if (x.kind === 'load') read.add(x.buffer) })
    if (s.kind === 'store') stored.add(s.buffer)
    if (s.kind === 'effect' && s.effect === 'atomic_add') added.add(s.buffer)
    if (s.kind === 'tasks' && s.async) forEachStmt(s.body, (x: Stmt) => { if (x.kind === 'store') copied.add(x.buffer) })
  })
  return { read, stored, added, copied }
}

/** Of the tensors that some kernel writes; those that kernels only read need none. */
export function globalShadows(program: Program, storages: ReadonlyMap<Buffer, Storage>): ReadonlyMap<Buffer, Shadow> {
  const usages = program.kernels.map(usageOf)
  return new Map([...storages].flatMap(([buffer, storage]) => {
    const writing = usages.filter(u => u.stored.has(buffer) || u.added.has(buffer))
    return writing.length === 0 ? [] : [[buffer, createShadow(storage.data.length, {
      scope: 'global', reads: writing.some(u => u.read.has(buffer)), atomics: writing.some(u => u.added.has(buffer)),
      asynchronous: false
    })] as const]
  }))
}

function addSharedShadows(
  kernel: Kernel, allocations: readonly Allocate[], storages: ReadonlyMap<Buffer, Storage>, shadows: Map<Buffer, Shadow>
): void {
  const usage = usageOf(kernel), shared = allocations.filter(a => a.buffer.scope === 'shared')
  const needs = (buffers: readonly Buffer[]) => ({
    scope: 'shared' as const, reads: true, atomics: buffers.some(b => usage.added.has(b)),
    asynchronous: buffers.some(b => usage.copied.has(b))
  })
  if (!shared.some(a => a.reuses.length > 0)) {
    for (const { buffer } of shared) {
      shadows.set(buffer, createShadow(storages.get(buffer)?.data.length ?? 0, needs([buffer])))
    }
    return
  }
  const memory = sharedMemory(kernel), buffers = shared.map(a => a.buffer)
  const unit = Math.min(...buffers.map(b => bytesOf(b.element)))
  const whole = createShadow(memory.bytes / unit, needs(buffers))
  for (const buffer of buffers) {
    const bytes = bytesOf(buffer.element)
    shadows.set(buffer, {
      ...whole, bytes: {
        first: (memory.offsets.get(buffer) ?? 0) / unit, each: bytes / unit,
        ofCell: storages.get(buffer)?.cellOf || !buffer.layout ? undefined : cellTable(buffer.layout)
      }
    })
  }
}
