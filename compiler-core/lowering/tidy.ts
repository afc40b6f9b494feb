/**
 * Names that lowering made are put where a person would put them, so that the text reads as if written by hand: what
 * depends on the thread alone stands once, at the kernel's beginning; what is used once disappears into its use.
 *
 *     for t in 0..n {                                          let load_a_i = threadIdx.x / 8 * 4
 *       let load_a_i = threadIdx.x / 8 * 4                     for t in 0..n {
 *       for i1 in 0..4 { let i = load_a_i + i1  ga[i1] =        for i1 in 0..4 { ga[i1] = a[t * 8 + load_a_i + i1] }
 *                        a[t * 8 + i] }                  ->     for i1 in 0..4 { sa[load_a_i + i1] = ga[i1] }
 *       let load_a_i = threadIdx.x / 8 * 4                     }
 *       for i1 in 0..4 { let i = load_a_i + i1  sa[i] = ga[i1] }
 *     }
 *
 * Names of the source stay, except those that nothing uses any more.
 */
import { ref } from '../ir/build.ts'
import type { Expr, Let, Program, Stmt, Variable } from '../ir/ir.ts'
import { joinOrigins } from '../ir/origin.ts'
import { bodiesOf, equalExpr, exprsOf, forEachExpr, forEachStmt, freeVariables, mapBodies, mapOwnExprs, someExpr, substitute, substituteIn } from '../ir/visit.ts'
import { rewriteBodies } from './rewrite.ts'

export function tidyNames(program: Program): Program {
  return rewriteBodies(program, body => usedNames(inlined(gathered(body))))
}

/** Without names that nothing uses. */
export function dropUnusedNames(program: Program): Program {
  return rewriteBodies(program, usedNames)
}

// ---------------------------------------------------------------- gathering

/** Names of thread numbers alone, once each, in front. */
function gathered(body: readonly Stmt[]): readonly Stmt[] {
  const front: Let[] = [], values = new Map<Variable, Expr>()
  const rest = without(body)
  return front.length === 0 ? body : [...front, ...rest]

  function without(stmts: readonly Stmt[]): readonly Stmt[] {
    return stmts.flatMap((s): readonly Stmt[] => {
      const own = mapBodies(mapOwnExprs(s, e => substitute(e, values)), without)
      if (own.kind !== 'let' || own.note === undefined || !sameInWholeKernel(own.value)) return [own]
      const equal = front.findIndex(l => equalExpr(l.value, own.value))
      const first = front[equal]
      if (first) {
        front[equal] = { ...first, origins: joinOrigins(first.origins, own.origins) }
        values.set(own.variable, ref(first.variable))
      } else {
        front.push(own)
      }
      return []
    })
  }

  function sameInWholeKernel(e: Expr): boolean {
    return !readsMemory(e) && [...freeVariables(e)].every(v => v.role === 'thread' || v.role === 'block'
      || v.role === 'extent' || front.some(l => l.variable === v))
  }
}

// ---------------------------------------------------------------- inlining

/** The most nodes of a value that may stand in the place of its name. */
const shortValue = 9

/** A made name that is used once, beside its definition, gives way to its value. */
function inlined(body: readonly Stmt[]): readonly Stmt[] {
  const uses = usesIn(body)
  return inList(body, true)

  function inList(stmts: readonly Stmt[], front: boolean): readonly Stmt[] {
    let rest = stmts
    const done: Stmt[] = []
    for (let s = rest[0]; s; s = rest[0]) {
      rest = rest.slice(1)
      if (s.kind === 'let' && givesWay(s, front)) {
        rest = substituteIn(rest, new Map([[s.variable, s.value]]))
      } else {
        if (s.kind !== 'let' || s.note === undefined) front = false
        done.push(mapBodies(s, b => inList(b, false)))
      }
    }
    return done.length === stmts.length && done.every((s, i) => s === stmts[i]) ? stmts : done
  }

  function givesWay(s: Let, front: boolean): boolean {
    if (s.note === undefined || readsMemory(s.value) || [...freeVariables(s.value)].some(mayChange)) return false
    if (s.value.kind === 'variable' || s.value.kind === 'constant') return true
    return !front && (uses.get(s.variable) ?? 0) === 1 && sizeOf(s.value) <= shortValue
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
  const used = new Set<Variable>()
  collect(body)
  return kept(body)

  /** Backwards: a name counts where something counts that mentions it. */
  function collect(stmts: readonly Stmt[]): void {
    for (const s of stmts.toReversed()) {
      for (const b of bodiesOf(s)) collect(b)
      if (s.kind === 'let' && !used.has(s.variable)) continue
      for (const e of exprsOf(s)) {
        forEachExpr(e, x => { if (x.kind === 'variable') used.add(x.variable) })
      }
    }
  }

  function kept(stmts: readonly Stmt[]): readonly Stmt[] {
    const left = stmts.filter(s => s.kind !== 'let' || used.has(s.variable)).map(s => mapBodies(s, kept))
    return left.length === stmts.length && left.every((s, i) => s === stmts[i]) ? stmts : left
  }
}

function mayChange(v: Variable): boolean {
  return v.role === 'mutable'
}

function readsMemory(e: Expr): boolean {
  return someExpr(e, x => x.kind === 'load' || x.kind === 'call')
}
