/** Rewrites that need no facts. */
import { binary } from '../ir/build.ts'
import type { Expr, Program, Stmt } from '../ir/ir.ts'
import { mapExpr, mapStmts } from '../ir/visit.ts'

/** From the inside out, in every kernel. */
export function rewriteStatements(program: Program, f: (s: Stmt) => Stmt | readonly Stmt[]): Program {
  return rewriteBodies(program, body => mapStmts(body, f))
}

export function rewriteBodies(program: Program, f: (body: readonly Stmt[]) => readonly Stmt[]): Program {
  const kernels = program.kernels.map(k => {
    const body = f(k.body)
    return body === k.body ? k : { ...k, body }
  })
  return kernels.every((k, i) => k === program.kernels[i]) ? program : { ...program, kernels }
}

/** With constants computed, and without what disappears beside them. */
export function folded(e: Expr): Expr {
  return mapExpr(e, x => x.kind === 'binary' ? binary(x.operator, x.left, x.right, x.origins) : x)
}
