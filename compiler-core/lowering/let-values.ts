/** What names stand for, for passes that must see an index as a whole. */
import type { Expr, Stmt, Variable } from '../ir/ir.ts'
import { forEachStmt, mapExpr, someExpr } from '../ir/visit.ts'

/** Puts values in the place of all names whose value follows from variables that do not change. */
export function letExpander(body: readonly Stmt[]): (e: Expr) => Expr {
  const values = new Map<Variable, Expr>()
  forEachStmt(body, s => {
    if (s.kind !== 'let') return
    const value = expand(s.value)
    if (!someExpr(value, x => x.kind === 'load' || x.kind === 'call' || (x.kind === 'variable' && x.variable.role === 'mutable'))) {
      values.set(s.variable, value)
    }
  })
  return expand

  function expand(e: Expr): Expr {
    return mapExpr(e, x => x.kind === 'variable' ? values.get(x.variable) ?? x : x)
  }
}
