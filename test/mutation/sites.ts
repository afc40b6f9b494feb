/**
 * Every place of a program, each with what puts something else there: what mutators stand on.
 *
 *     for (const { statement, replace } of statementsOf(program))
 *       if (statement.kind === 'barrier') yield replace([])            the program without this barrier
 *
 * A program is immutable, so that a replacement costs only the way from the place to the root.
 */
import type { Expr, Program, Stmt } from '../../compiler-core/ir/ir.ts'
import { bodiesOf, childrenOf, exprsOf, mapBodies, mapChildren, mapOwnExprs } from '../../compiler-core/ir/visit.ts'

export interface StatementSite {
  readonly statement: Stmt
  /** The statements among which it stands, and where. */
  readonly body: readonly Stmt[]
  readonly at: number
  readonly replace: (by: readonly Stmt[]) => Program
  readonly replaceBody: (by: readonly Stmt[]) => Program
}

export interface ExpressionSite {
  readonly expression: Expr
  readonly replace: (by: Expr) => Program
}

/** In the order of the text, each statement before those of its bodies. */
export function statementsOf(program: Program): readonly StatementSite[] {
  return program.kernels.flatMap((kernel, k) =>
    sitesIn(kernel.body, body => ({ ...program, kernels: program.kernels.with(k, { ...kernel, body }) })))
}

function sitesIn(body: readonly Stmt[], rebuild: (body: readonly Stmt[]) => Program): readonly StatementSite[] {
  return body.flatMap((statement, at) => {
    const replace = (by: readonly Stmt[]): Program => rebuild(body.toSpliced(at, 1, ...by))
    const inner = bodiesOf(statement).flatMap((own, n) =>
      sitesIn(own, by => replace([mapBodies(statement, onlyAt(n, () => by))])))
    return [{ statement, body, at, replace, replaceBody: rebuild }, ...inner]
  })
}

/** The roots of the statement's own expressions, in the order of `exprsOf`: of a store its indices, then its value. */
export function rootsOf({ statement, replace }: StatementSite): readonly ExpressionSite[] {
  return exprsOf(statement).map((expression, n) =>
    ({ expression, replace: by => replace([mapOwnExprs(statement, onlyAt(n, () => by))]) }))
}

/** The node itself and all below it, from the root to the leaves. */
export function nodesOf(site: ExpressionSite): readonly ExpressionSite[] {
  return [site, ...childSites(site).flatMap(nodesOf)]
}

export function childSites({ expression, replace }: ExpressionSite): readonly ExpressionSite[] {
  return childrenOf(expression).map((child, n) =>
    ({ expression: child, replace: by => replace(mapChildren(expression, onlyAt(n, () => by))) }))
}

/** `f` of the n-th item that it is asked for, the others as they are. */
function onlyAt<T>(n: number, f: (item: T) => T): (item: T) => T {
  let next = 0
  return item => next++ === n ? f(item) : item
}
