/**
 * A kernel made executable: its memory, the JavaScript written and compiled, and what that calls.
 *
 *     prepareKernel(machine, kernel)    ->    { thread: tid => Generator | undefined, ... }
 *
 * The text is compiled with `new Function`: interpreting the tree node by node is more than ten times slower. It is
 * made of the program's structure alone, never of its names or texts.
 */
import type { Allocate, Buffer, Expr, Kernel, Program, Stmt, Three, Variable } from '../../ir/ir.ts'
import { bytesOf, sharedMemory } from '../../ir/memory.ts'
import { exprsOf, forEachExpr, forEachStmt } from '../../ir/visit.ts'
import { loadText } from './accesses.ts'
import { cellTable, createStorage, forget, type Storage } from './memory.ts'
import { binaryText, isBig, numericFunctions } from './arithmetic.ts'
import { emptyScope, functionText, type Generation, type Value } from './code.ts'
import { indexOf } from './expressions.ts'
import { knownValue } from './linear.ts'
import { spreadOf } from './registers.ts'
import { createShadow, threadStep, type Shadow } from './shadow.ts'
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

export interface Surroundings {
  readonly extents: ReadonlyMap<Variable, number>
  /** Parameters and workspaces. */
  readonly storages: ReadonlyMap<Buffer, Storage>
  readonly shadows: ReadonlyMap<Buffer, Shadow>
  readonly callbacks: Callbacks
  readonly machine: Pick<Machine, 'sites' | 'clock' | 'fuel'>
}

/** A sentence where the interpreter cannot run the kernel. */
export function prepareKernel(around: Surroundings, kernel: Kernel): PreparedKernel | string {
  const threads = kernel.block[0] * kernel.block[1] * kernel.block[2]
  const allocations = allocationsOf(kernel)
  const storages = new Map(around.storages), shadows = new Map(around.shadows)
  for (const { buffer } of allocations) {
    storages.set(buffer, createStorage(buffer, constantShape(buffer), buffer.scope === 'register' ? threads : 1))
  }
  addSharedShadows(kernel, allocations, storages, shadows)
  const grid = gridOf(around.extents, kernel)
  const tagged = new Set(allocations.map(a => a.buffer).filter(b => b.scope === 'register' && b.layout && isBig(b.element)))
  const firstSite = around.machine.sites.length
  for (;;) {
    around.machine.sites.length = firstSite
    const g = generation(around, kernel, grid, storages, shadows, tagged)
    const waits = kernel.body.some(waitsIn)
    g.waits = waits
    bodyText(g, kernel.body)
    if (g.refused !== undefined) return g.refused
    if (g.again) continue
    const main = functionText('thread', g.lines, waits).text
    const shuffled = new Array<unknown>(threads).fill(0), distances = new Int32Array(threads), block = new Int32Array(3)
    const environment: Readonly<Record<string, unknown>> = {
      ...numericFunctions, ...additions, ...around.callbacks, ...Object.fromEntries(g.bound),
      forget, clock: around.machine.clock.now, fuel: around.machine.fuel, mostTurns, threadStep, shuffled, distances,
      block,
      frames: new Float64Array(threads * g.frame.size), bigFrame: new Array<bigint>(threads * g.frame.size).fill(0n),
      frameSize: g.frame.size
    }
    const names = Object.keys(environment)

    const make = new Function(...names, `'use strict'\n${[...g.functions, main].join('\n')}\nreturn thread`) as
      (...values: unknown[]) => PreparedKernel['thread']
    return {
      kernel, grid, threads, waits, shadows, shuffled, distances, block,
      thread: make(...names.map(n => environment[n])),
      pending: allocations.flatMap(({ buffer }) => shadows.get(buffer)?.pending ?? []),
      shared: allocations.flatMap(({ buffer }) => buffer.scope === 'shared' ? storages.get(buffer) ?? [] : [])
    }
  }
}

/** The value of an expression over extents. */
export function valueAtLaunch(e: Expr, extents: ReadonlyMap<Variable, number>): number {
  const g = generation({ extents, machine: { sites: [] } }, emptyKernel, [1, 1, 1], new Map(), new Map(), new Set())
  return knownValue(indexOf(g, e)) ?? 0
}

export function gridOf(extents: ReadonlyMap<Variable, number>, { grid: [x, y, z] }: Kernel): Three<number> {
  const of = (e: Expr) => Math.max(valueAtLaunch(e, extents), 0)
  return [of(x), of(y), of(z)]
}

const emptyKernel: Kernel = {
  name: '', grid: [0, 0, 0].map((): Expr => ({ kind: 'constant', type: 'index', value: 1, origins: [] })) as unknown as Three<Expr>,
  block: [1, 1, 1], minBlocks: undefined, body: [], origins: []
}

/** Old value and addend to the new value, by element type. */
const additions: Readonly<Record<string, unknown>> = Object.fromEntries(
  (['f64', 'f32', 'tf32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8'] as const).map(type => {
    const names = Object.keys(numericFunctions)

    const make = new Function(...names, `return (a, b) => ${binaryText('+', 'a', 'b', type)}`) as (...all: unknown[]) => unknown
    return [`add_${type}`, make(...names.map(n => numericFunctions[n]))]
  }))

function generation(
  around: { readonly extents: ReadonlyMap<Variable, number>; readonly machine: Pick<Machine, 'sites'> }, kernel: Kernel, grid: Three<number>, storages: Map<Buffer, Storage>,
  shadows: Map<Buffer, Shadow>, tagged: Set<Buffer>
): Generation {
  const size = kernel.block[0] * kernel.block[1] * kernel.block[2]
  const threads = { size, counter: 'tid' }
  const spreads = new Map([...storages.keys()].flatMap(b =>
    b.scope === 'register' && b.layout ? [[b, spreadOf(b.layout, size)] as const] : []))
  return {
    kernel, extents: around.extents, grid, threads, storages, shadows, spreads, tagged,
    values: new Map<Variable, Value>(), frame: new Map(), mutables: new Map(), sites: around.machine.sites,
    siteNumbers: new Map(), load: loadText, refused: undefined, bound: new Map(), boundNames: new Map(), functions: [], lines: [],
    scopes: [emptyScope()],
    waits: false, asynchronous: false, count: 0, again: false
  }
}

function allocationsOf({ body }: Kernel): readonly Allocate[] {
  const found: Allocate[] = []
  forEachStmt(body, s => { if (s.kind === 'allocate') found.push(s) })
  return found
}

export function constantShape(buffer: Buffer): readonly number[] {
  return buffer.shape.map(e => valueAtLaunch(e, new Map()))
}

// ---------------------------------------------------------------- what is recorded

export interface Usage {
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
    for (const { buffer } of shared) shadows.set(buffer,
      createShadow(storages.get(buffer)?.data.length ?? 0, needs([buffer])))
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
