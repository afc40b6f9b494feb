/**
 * Every index and every condition is simplified with what is known at its place; what is decided then disappears.
 *
 *     if blockIdx.x * 128 + i < 1024 { ... }        grid (8), i < 128       ...
 *     for t in 0..1 { a[t * 8 + p] }                                   ->   a[p]
 *     let r = blockIdx.y                            grid (8, 1)             0, wherever it stands
 */
import { constant, truth } from '../ir/build.ts'
import type { Expr, Program, Stmt } from '../ir/ir.ts'
import { prove } from '../ir/prove.ts'
import { simplify } from '../ir/simplify.ts'
import { someExpr, substituteIn } from '../ir/visit.ts'
import { mapInScope, rewriteProgram, type Scope } from './scope.ts'

export function simplifyProgram(program: Program): Program {
  return rewriteProgram(program, { expr: simplifyExpr, stmt: resolved })
}

export function simplifyExpr(e: Expr, scope: Scope): Expr {
  const inner = mapInScope(e, scope, (node, here) => {
    switch (node.kind) {
      case 'load': {
        const indices = node.indices.map(i => simplify(here.facts, i))
        return indices.every((i, n) => i === node.indices[n]) ? node : { ...node, indices }
      }
      case 'select': {
        const condition = decided(node.condition, here)
        if (condition.kind === 'constant') return condition.value === 0 ? node.otherwise : node.then
        return condition === node.condition ? node : { ...node, condition }
      }
      case 'cast': {
        if (node.value.type !== 'index') return node
        const value = simplify(here.facts, node.value)
        return value === node.value ? node : { ...node, value }
      }
      default:
        return node
    }
  })
  if (inner.type === 'bool') return decided(inner, scope)
  return inner.type === 'index' ? simplify(scope.facts, inner) : inner
}

function decided(condition: Expr, scope: Scope): Expr {
  const known = prove(scope.facts, condition)
  return known === undefined ? simplify(scope.facts, condition) : truth(known, condition.origins)
}

function resolved(s: Stmt): Stmt | readonly Stmt[] {
  switch (s.kind) {
    case 'if':
      if (s.condition.kind === 'constant') return s.condition.value === 0 ? s.otherwise : s.then
      return s.then.length === 0 && s.otherwise.length === 0 && !readsMemory(s.condition) ? [] : s
    case 'while':
      return s.condition.kind === 'constant' && s.condition.value === 0 ? [] : s
    case 'for': {
      if (s.body.length === 0) return []
      if (s.extent.kind !== 'constant' || s.extent.value > 1) return s
      if (s.extent.value <= 0) return []
      return leavesLoop(s.body) ? s : substituteIn(s.body, new Map([[s.variable, constant(0)]]))
    }
    default:
      return s
  }
}

/** Does a `break` or `continue` in the body mean this loop? */
function leavesLoop(body: readonly Stmt[]): boolean {
  return body.some(s => (s.kind === 'jump' && s.to !== 'return')
    || (s.kind === 'if' && (leavesLoop(s.then) || leavesLoop(s.otherwise))))
}

function readsMemory(e: Expr): boolean {
  return someExpr(e, x => x.kind === 'load' || x.kind === 'call')
}
