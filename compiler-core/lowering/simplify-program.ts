/**
 * Every index and every condition is simplified with what is known at its place; what is decided then disappears.
 *
 *     if blockIdx.x * 128 + i < 1024 { ... }        grid (8), i < 128       ...
 *     for t in 0..1 { a[t * 8 + p] }                                   ->   a[p]
 *     let i = l / 13, j = l % 13 ... y[i * 13 + j]                          y[l]
 *     if i < m then (if p < k then a else 0) else 0                         if i < m && p < k then a else 0
 */
import { binary, constant, truth } from '../ir/build.ts'
import type { Expr, Program, Stmt } from '../ir/ir.ts'
import { prove } from '../ir/prove.ts'
import { simplify } from '../ir/simplify.ts'
import { equalExpr, freeVariables, someExpr, substitute, substituteIn } from '../ir/visit.ts'
import { intervalOf } from './intervals.ts'
import { folded } from './rewrite.ts'
import { isKnown, linearExpr, recombined } from './linear.ts'
import { mapInScope, plainRange, rangeOfVariable, rewriteProgram, type Names, type Scope } from './scope.ts'

export function simplifyProgram(program: Program): Program {
  return rewriteProgram(program, { expr: simplifyExpr, stmt: resolved })
}

function simplifyExpr(e: Expr, scope: Scope): Expr {
  if (e.type === 'index' && !readsMemory(e)) return simplest(e, scope)
  const inner = mapInScope(e, scope, (node, here) => {
    switch (node.kind) {
      case 'load': {
        const indices = node.indices.map(i => simplest(i, here))
        return indices.every((i, n) => i === node.indices[n]) ? node : { ...node, indices }
      }
      case 'select': {
        const condition = decided(node.condition, here)
        if (condition.kind === 'constant') return condition.value === 0 ? node.otherwise : node.then
        const { then, otherwise } = node
        if (then.kind === 'select' && equalExpr(then.otherwise, otherwise)) {
          return { ...then, condition: binary('&&', condition, then.condition, node.origins), origins: node.origins }
        }
        return condition === node.condition ? node : { ...node, condition }
      }
      case 'cast': {
        if (node.value.type !== 'index') return node
        const value = simplest(node.value, here)
        return value === node.value ? node : { ...node, value }
      }
      default:
        return node
    }
  })
  if (inner.type === 'bool') return decided(inner, scope)
  return inner.type === 'index' ? simplest(inner, scope) : inner
}

function decided(condition: Expr, scope: Scope): Expr {
  const { low, high } = plainRange(condition, scope)
  if (low !== high && comparesSimply(condition, scope)) return condition
  const known = low === high ? low === 1 : prove(scope.facts(), condition)
  return known === undefined ? simplify(scope.facts(), condition) : truth(known, condition.origins)
}

// ---------------------------------------------------------------- indices

function simplest(index: Expr, scope: Scope): Expr {
  const e = scope.fixed.size === 0 ? index : folded(substitute(index, scope.fixed))
  const { names } = scope, sum = hasDigits(e, names) ? names.digits.of(e) : undefined
  const whole = sum && isKnown(sum) ? recombined(sum, names.digits) : undefined
  if (whole) return simplify(scope.facts(), linearExpr(whole, e.origins))
  return isSimple(e, scope) ? e : simplify(scope.facts(), e)
}

/** Are there a quotient and a rest, which may be of one number? */
function hasDigits(e: Expr, { digitValues }: Names): boolean {
  const has = (operator: string) => someExpr(e, x => {
    const digit = x.kind === 'variable' ? digitValues.get(x.variable) : x
    return digit?.kind === 'binary' && digit.operator === operator
  })
  return has('%') && has('/')
}

/** A sum of multiples of digits is as simple as can be; nothing needs to be proved for that. */
function isSimple(e: Expr, { names }: Scope): boolean {
  let constants = 0
  return isSum(e)

  function isSum(x: Expr): boolean {
    if (x.kind === 'constant') return ++constants === 1
    if (x.kind !== 'binary') return isDigit(x)
    if (x.operator === '+') return isSum(x.left) && isSum(x.right)
    if (x.operator !== '*') return isDigit(x)
    if (x.right.kind !== 'constant' || x.left.kind === 'constant') return false
    if (x.left.kind === 'binary' && x.left.operator === '*') return false
    const before = constants
    return isSum(x.left) && constants === before
  }

  function isDigit(x: Expr): boolean {
    if (x.kind === 'variable') {
      const { low, high } = rangeOfVariable(x.variable, names)
      return low !== high
    }
    if (x.kind !== 'binary') return false
    const { left, right } = x
    if (x.operator === '^') return isDigit(left) && isDigit(right)
    if ((x.operator !== '/' && x.operator !== '%') || right.kind !== 'constant') return false
    const { low, high } = intervalOf(left, v => rangeOfVariable(v, names))
    if (low < 0 || high < Number(right.value)) return false
    if (left.kind !== 'binary') return isDigit(left)
    if (left.operator === '+' && left.left.kind === 'variable' && left.right.kind === 'constant') {
      return isDigit(left.left) && Number(left.right.value) % Number(right.value) !== 0
    }
    return x.operator === '%' && left.operator === '/' && isDigit(left)
  }
}

/** A comparison of simple sides whose ranges overlap, with no condition around it on the same variables. */
function comparesSimply(e: Expr, scope: Scope): boolean {
  if (scope.guards.length > 0) {
    const own = freeVariables(e)
    if (scope.guards.some(g => someExpr(g, x => x.kind === 'variable' && own.has(x.variable)))) return false
  }
  return e.kind === 'binary' && ['<', '<=', '==', '!='].includes(e.operator) && e.left.type === 'index'
    && isSimple(e.left, scope) && e.right.kind === 'constant'
}

// ---------------------------------------------------------------- statements

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
