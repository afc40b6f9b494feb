/**
 * Asynchronous copies. A copy inside of an `async for` may arrive at any time until the `wait_group` that covers it, so
 * that arriving at once is always right; the barrier after the wait, which shows it to other threads, is the schedule's
 * own. What moves an element of global memory as it is becomes a `cp.async`, with zeros where its guard does not hold;
 * whatever computes, or is too narrow, is loaded and stored at its place. So the same schedule serves every fusion and
 * every architecture.
 *
 *     async for (i) in (...).on(threadIdx.x) { sa[i] = x[i] ?? 0 }    for (i) in (...).on(threadIdx.x) {
 *     commit_group()                                                    async sa[i] = if i < n then x[i] else 0
 *     wait_group(0)                                                ->  }
 *     syncthreads()                                                    commit_group()
 *                                                                      wait_group(0)
 *                                                                      syncthreads()
 *
 * That is the first pass; the last one, below the wide accesses, leaves `async sa[i ..+ 4] = ...` where a copy is one,
 * and no groups where none is. Requirements of `cp.async`: PTX ISA, "Data Movement and Conversion Instructions:
 * cp.async": sm_80, 4, 8 or 16 bytes, both addresses aligned to as many.
 */
import { constant, select } from '../ir/build.ts'
import type { Buffer, Copy, Expr, Load, Program, Stmt, Store } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { joinOrigins } from '../ir/origin.ts'
import { bodiesOf, changedIn, forEachExprIn, mapStmts, someExpr } from '../ir/visit.ts'
import { rewriteBodies, rewriteStatements } from './rewrite.ts'

/**
 * No `tasks` is asynchronous: the stores to shared memory inside are, unless they read what the kernel itself writes,
 * since a copy has no order among the accesses of its thread. On older architectures nothing is.
 */
export function asynchronousStores(program: Program, { compute_capability }: { compute_capability: number }): Program {
  if (compute_capability < 80) return rewriteStatements(program, s => isGroup(s) ? [] : immediate(s))
  return rewriteBodies(program, body => {
    const written = changedIn(body).buffers
    return mapStmts(body, s => {
      if (s.kind !== 'tasks' || !s.async) return s
      return { ...s, async: false, body: readsGlobal(s.body, written) ? s.body : mapStmts(s.body, asynchronous) }
    })
  })
}

/** No store is asynchronous: what can be is a copy. */
export function asynchronousCopies(program: Program): Program {
  return rewriteBodies(program, body => {
    const settled = mapStmts(body, s => s.kind === 'store' && s.async ? elementCopy(s) ?? immediate(s) : s)
    return copiesLater(settled) ? settled : mapStmts(settled, s => isGroup(s) ? [] : s)
  })
}

/** An element of global memory that a store moves as it is, and when; elsewhere `otherwise` is stored. */
interface Moved {
  readonly load: Load
  readonly condition: Expr | undefined
  readonly otherwise: Expr | undefined
}

/** What an asynchronous store moves; undefined where it computes. */
export function movedBy(store: Store, value: Expr): Moved | undefined {
  if (!store.async) return undefined
  const guarded = value.kind === 'select' ? value : undefined, load = unrounded(guarded?.then ?? value)
  const fits = load.kind === 'load' && isGlobal(load) && load.buffer.element === store.buffer.element
  return fits ? { load, condition: guarded?.condition, otherwise: guarded?.otherwise } : undefined
}

/** Can an element be moved by itself? */
export function isWideEnough(store: Store): boolean {
  return bytesOf(store.buffer.element) >= 4
}

/** The copies, with zeros or `otherwise` in place of them where the condition does not hold. */
export function guardedCopies(copies: readonly Copy[], moved: Moved, otherwise: readonly Stmt[]): readonly Stmt[] {
  const { condition } = moved
  const filled = condition && moved.otherwise && isZero(moved.otherwise) ? condition : undefined
  const made = copies.map((copy): Copy => ({
    ...copy, async: { condition: filled },
    from: { ...copy.from, offset: filled ? harmless(copy.from.offset, filled) : copy.from.offset }
  }))
  const origins = joinOrigins(...copies.map(c => c.origins))
  return condition && !filled ? [{ kind: 'if', condition, then: made, otherwise, origins }] : made
}

// ---------------------------------------------------------------- single elements

function elementCopy(store: Store): readonly Stmt[] | undefined {
  const moved = movedBy(store, store.value)
  if (!moved || !isWideEnough(store)) return undefined
  const [to = constant(0)] = store.indices, [from = constant(0)] = moved.load.indices
  const copy: Copy = {
    kind: 'copy', lanes: 1, to: { buffer: store.buffer, offset: to },
    from: { buffer: moved.load.buffer, offset: from }, origins: joinOrigins(store.origins, moved.load.origins)
  }
  const other = moved.otherwise && immediate({ ...store, value: moved.otherwise })
  return guardedCopies([copy], moved, other ? [other] : [])
}

/**
 * An address that is computed though nothing is read there: what reads memory on the way, or may divide by zero, does
 * so under the condition alone.
 */
function harmless(offset: Expr, condition: Expr): Expr {
  const reads = someExpr(offset, e => e.kind === 'load' || e.kind === 'call' || (e.kind === 'binary'
    && (e.operator === '/' || e.operator === '%') && !isPositive(e.right)))
  return reads ? select(condition, offset, constant(0, offset.type), offset.origins) : offset
}

function isPositive(e: Expr): boolean {
  return e.kind === 'constant' ? e.value > 0 : e.kind === 'variable' && e.variable.role === 'extent'
}

// ---------------------------------------------------------------- what a statement is

function asynchronous(s: Stmt): Stmt {
  return s.kind === 'store' && s.buffer.scope === 'shared' ? { ...s, async: true } : s
}

function immediate(s: Stmt): Stmt {
  if (s.kind === 'tasks') return s.async ? { ...s, async: false } : s
  if (s.kind !== 'store' || !s.async) return s
  const { async: _, ...store } = s
  return store
}

function copiesLater(body: readonly Stmt[]): boolean {
  return body.some(s => (s.kind === 'copy' && s.async !== undefined) || bodiesOf(s).some(copiesLater))
}

function isGroup(s: Stmt): boolean {
  return s.kind === 'effect' && (s.effect === 'commit_group' || s.effect === 'wait_group')
}

function readsGlobal(body: readonly Stmt[], buffers: ReadonlySet<Buffer>): boolean {
  let reads = false
  forEachExprIn(body, e => { reads ||= e.kind === 'load' && isGlobal(e) && buffers.has(e.buffer) })
  return reads
}

function isGlobal({ buffer }: Load): boolean {
  return buffer.scope !== 'shared' && buffer.scope !== 'register'
}

/** All bits are. */
function isZero(e: Expr): boolean {
  return e.kind === 'constant' && Object.is(Number(e.value), 0)
}

/** Without conversions to the type that the value has. */
function unrounded(e: Expr): Expr {
  return e.kind === 'cast' && e.value.type === e.type ? unrounded(e.value) : e
}
