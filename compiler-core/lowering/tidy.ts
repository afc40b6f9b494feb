/**
 * Names are put where a person would put them, so that the text reads as if written by hand: what depends on the thread
 * alone stands once, at the kernel's beginning; what lowering named and is used once disappears into its use; two names
 * for one value, from a device function that is inlined twice, become one.
 *
 *     for t in 0..n {                                          let load_a_i = threadIdx.x / 8 * 4
 *       let load_a_i = threadIdx.x / 8 * 4                     for t in 0..n {
 *       for i_step in 0..4 {                                     for i_step in 0..4 {
 *         let i = load_a_i + i_step                                ga[i_step] = a[t * 8 + (load_a_i + i_step)]
 *         ga[i_step] = a[t * 8 + i]                              }
 *       }                                                 ->     for i_step in 0..4 {
 *       let load_a_i = threadIdx.x / 8 * 4                         sa[load_a_i + i_step] = ga[i_step]
 *       for i_step in 0..4 {                                     }
 *         let i = load_a_i + i_step                            }
 *         sa[i] = ga[i_step]
 *       }
 *     }
 *
 * Names of the source stay, except those that nothing uses any more; so does memory that is used.
 */
import { ref } from '../ir/build.ts'
import type { Buffer, Expr, Let, Program, Stmt, Variable } from '../ir/ir.ts'
import { joinOrigins } from '../ir/origin.ts'
import {
  bodiesOf, equalExpr, exprsOf, forEachExpr, forEachStmt, mapBodies, mapOwnExprs, someExpr, substitute
} from '../ir/visit.ts'
import { rewriteBodies } from './rewrite.ts'

export function tidyNames(program: Program): Program {
  return rewriteBodies(program, body => usedNames(placed(body)))
}

/** Without names that nothing uses. */
export function dropUnusedNames(program: Program): Program {
  return rewriteBodies(program, usedNames)
}

// ---------------------------------------------------------------- placing

/** The most nodes of a value that may stand in the place of its name. */
const shortValue = 9

function placed(body: readonly Stmt[]): readonly Stmt[] {
  const uses = usesIn(body)
  const front: Let[] = [], values = new Map<Variable, Expr>()
  const rest = within(body, [])
  return [...front, ...rest]

  /** `visible`: names of steady values that may be used here. */
  function within(stmts: readonly Stmt[], visible: readonly Let[]): readonly Stmt[] {
    const names = [...visible], kept: Stmt[] = []
    for (const s of stmts) {
      const own = values.size === 0 ? s : mapOwnExprs(s, e => substitute(e, values))
      if (own.kind !== 'let') kept.push(mapBodies(own, b => within(b, names)))
      else if (!settled(own, names)) kept.push(own)
    }
    return kept.length === stmts.length && kept.every((s, i) => s === stmts[i]) ? stmts : kept
  }

  /** Is the name taken care of, so that nothing need stand here? */
  function settled(s: Let, names: Let[]): boolean {
    if (readsMemory(s.value) || someExpr(s.value, mayChange)) return false
    if (s.note !== undefined) {
      if (s.value.kind === 'variable' || s.value.kind === 'constant') return instead(s, s.value)
      if (isSameEverywhere(s.value)) {
        if (!merged(s, front)) front.push(s)
        return true
      }
      if (uses.get(s.variable) === 1 && sizeOf(s.value) <= shortValue) return instead(s, s.value)
    }
    if (merged(s, names)) return true
    names.push(s)
    return false
  }

  /** Of a thread, wherever it is in the kernel. */
  function isSameEverywhere(e: Expr): boolean {
    return !someExpr(e, x => x.kind === 'variable' && !(x.variable.role === 'thread' || x.variable.role === 'block'
      || x.variable.role === 'extent' || front.some(l => l.variable === x.variable)))
  }

  function merged(s: Let, names: Let[]): boolean {
    const n = names.findIndex(l => equalExpr(l.value, s.value)
      && (s.note !== undefined || l.variable.name === s.variable.name))
    const first = names[n]
    if (!first) return false
    if (names === front) front[n] = { ...first, origins: joinOrigins(first.origins, s.origins) }
    return instead(s, ref(first.variable))
  }

  function instead(s: Let, value: Expr): boolean {
    values.set(s.variable, value)
    return true
  }
}

function usesIn(body: readonly Stmt[]): ReadonlyMap<Variable, number> {
  const uses = new Map<Variable, number>()
  forEachStmt(body, s => {
    for (const e of exprsOf(s)) {
      forEachExpr(e, x => { if (x.kind === 'variable') uses.set(x.variable, (uses.get(x.variable) ?? 0) + 1) })
    }
  })
  return uses
}

function sizeOf(e: Expr): number {
  let n = 0
  forEachExpr(e, () => { n++ })
  return n
}

// ---------------------------------------------------------------- dropping

function usedNames(body: readonly Stmt[]): readonly Stmt[] {
  const used = new Set<Variable>(), accessed = new Set<Buffer>()
  collect(body)
  return kept(body)

  /** Backwards: a name counts where something counts that mentions it. */
  function collect(stmts: readonly Stmt[]): void {
    for (let n = stmts.length - 1; n >= 0; n--) {
      const s = stmts[n]
      if (!s) continue
      for (const b of bodiesOf(s)) collect(b)
      if (s.kind === 'let' && !used.has(s.variable)) continue
      for (const b of buffersOf(s)) accessed.add(b)
      for (const e of exprsOf(s)) {
        forEachExpr(e, x => {
          if (x.kind === 'variable') used.add(x.variable)
          if (x.kind === 'load') accessed.add(x.buffer)
        })
      }
    }
  }

  function kept(stmts: readonly Stmt[]): readonly Stmt[] {
    const left = stmts.filter(isUsed).map(s => mapBodies(s, kept))
    return left.length === stmts.length && left.every((s, i) => s === stmts[i]) ? stmts : left
  }

  function isUsed(s: Stmt): boolean {
    return s.kind === 'let' ? used.has(s.variable) : s.kind !== 'allocate' || accessed.has(s.buffer)
  }
}

/** Memory that a statement names beside what its expressions load. */
function buffersOf(s: Stmt): readonly Buffer[] {
  switch (s.kind) {
    case 'store': return [s.buffer]
    case 'copy': return [s.to.buffer, s.from.buffer]
    case 'allocate': return s.reuses
    case 'effect': return s.effect === 'atomic_add' ? [s.buffer] : []
    default: return []
  }
}

function mayChange(e: Expr): boolean {
  return e.kind === 'variable' && e.variable.role === 'mutable'
}

function readsMemory(e: Expr): boolean {
  return someExpr(e, x => x.kind === 'load' || x.kind === 'call')
}
