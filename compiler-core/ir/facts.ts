/**
 * What is known at a place of a program. Walking inward, a pass adds what each statement tells:
 *
 *     kernel (block: 256)            kernelFacts(kernel)                     0 <= threadIdx.x <= 255
 *     for t in 0..n                  withRange(facts, t, 0, n - 1)
 *     let i = t * 4 + lane           withLet(facts, i, t * 4 + lane)
 *     if i < m { ... }               entering(facts, i < m, true, body)
 *     select(i < m, ...)             assuming(facts, i < m)
 *
 * Facts are immutable and forget nothing, so they hold for the scope in which they were told. By themselves are known:
 * an extent is 1 to 2^31 - 1, thread and block numbers are as CUDA allows, elements have the range of their type.
 */
import { and, conjuncts, constant, isWhole } from './build.ts'
import {
  blockIdx, threadIdx,
  type Binary, type Expr, type Kernel, type Stmt, type Variable
} from './ir.ts'
import {
  anything, emptyFacts, extended, intersect, intervalOf, lowOf, termsDivisor, withVariable,
  type Facts, type Interval
} from './knowledge.ts'
import { boundsOf, keyOf, normalOf, tidy, withoutRemainders } from './normal.ts'
import {
  addConstant, divideExactly, floorQuotient, greatestDivisor, isBroken, onlyAtom, scale, subtract, valueOf,
  type Polynomial, type Product
} from './polynomial.ts'
import { changedIn, someExpr } from './visit.ts'

export type { Facts } from './knowledge.ts'

/** The start: what roles and types say. */
export const noFacts: Facts = emptyFacts()

/** Facts with room of their own to remember findings in; `noFacts` itself is shared by all. */
export function rooted(facts: Facts): Facts {
  return facts === noFacts ? emptyFacts() : facts
}

/** `low <= variable <= high`, in addition to what is known of it. */
export function withRange(facts: Facts, variable: Variable, low: Expr, high: Expr): Facts {
  const before = rooted(facts)
  const known = before.variables.get(variable)
  const from = withoutRemainders(before, normalOf(before, low, 'open'))
  const to = withoutRemainders(before, normalOf(before, high, 'open'))
  return withVariable(before, variable, {
    low: Math.max(known?.low ?? -Infinity, lowOf(before, from)),
    high: Math.min(known?.high ?? Infinity, intervalOf(before, to).high),
    lows: from.terms.length > 0 ? [...known?.lows ?? [], from] : known?.lows ?? [],
    highs: to.terms.length > 0 ? [...known?.highs ?? [], to] : known?.highs ?? [],
    value: known?.value, sum: known?.sum
  })
}

/**
 * The variable stands for the value. Of a value that may change later (memory, `mutable` variables) only the range is
 * kept.
 */
export function withLet(facts: Facts, variable: Variable, value: Expr): Facts {
  const before = rooted(facts)
  const lasting = isLasting(value)
  const sum = lasting && isWhole(value.type) && value.type !== 'bool' ? normalOf(before, value, 'open') : undefined
  return withVariable(before, variable, {
    ...plainRange(before, value), lows: [], highs: [], value: lasting ? value : undefined, sum
  })
}

/** The condition is `truth` while the expression that it guards is evaluated. */
export function assuming(facts: Facts, condition: Expr, truth = true): Facts {
  const before = rooted(facts)
  switch (condition.kind) {
    case 'unary':
      if (condition.operator === '!') return assuming(before, condition.operand, !truth)
      break
    case 'variable': {
      const value = before.variables.get(condition.variable)?.value
      if (value) return assuming(before, value, truth)
      break
    }
    case 'binary': {
      const { operator, left, right } = condition
      if (operator === '&&' && truth) return assuming(assuming(before, left), right)
      if (operator === '||' && !truth) return assuming(assuming(before, left, false), right, false)
      if (isWhole(left.type)) return withComparison(before, condition, truth)
      break
    }
    default:
  }
  return withTruth(before, condition, truth)
}

/** `assuming` for the body of an `if` or a `while`: only what the body cannot change. */
export function entering(facts: Facts, condition: Expr, truth: boolean, body: readonly Stmt[]): Facts {
  const { variables, buffers } = changedIn(body)
  const stays = (e: Expr) => !someExpr(e, node =>
    (node.kind === 'variable' && variables.has(node.variable))
    || (node.kind === 'load' && (buffers.has(node.buffer) || !isPrivate(node.buffer.scope)))
    || isExchange(node))
  if (truth) return assuming(facts, and(...conjuncts(condition).filter(stays)))
  const parts = disjuncts(condition).filter(stays)
  return parts.reduce((known, part) => assuming(known, part, false), facts)
}

/** Thread and block numbers by the launch. */
export function kernelFacts(kernel: Kernel): Facts {
  let facts = emptyFacts()
  for (const [i, extent] of kernel.block.entries()) {
    facts = withRange(facts, threadIdx[i]!, constant(0), constant(extent - 1))
  }
  for (const [i, extent] of kernel.grid.entries()) {
    const high: Expr = { kind: 'binary', operator: '-', left: extent, right: constant(1), type: 'index', origins: [] }
    facts = withRange(facts, blockIdx[i]!, constant(0), high)
  }
  return facts
}

/** All values lie between these, which may be infinite; for floats they are. */
export function rangeOf(facts: Facts, e: Expr): Interval {
  const place = rooted(facts)
  const plain = plainRange(place, e)
  if (plain.low === plain.high || !isWhole(e.type)) return plain
  const p = normalOf(place, e, 'open')
  return hasPlainBounds(place, p) ? plain : intersect(plain, boundsOf(place, p))
}

/** By intervals alone. */
function plainRange(facts: Facts, e: Expr): Interval {
  return isWhole(e.type)
    ? intersect(intervalOf(facts, normalOf(facts, e, 'open')), intervalOf(facts, normalOf(facts, e, 'kept')))
    : anything
}

/** Of such a sum intervals say all there is to say. */
function hasPlainBounds(facts: Facts, p: Polynomial): boolean {
  return facts.inequalities.length === 0 && p.terms.every(({ product }) => {
    const [atom, more] = product.atoms
    if (more || atom!.kind !== 'variable') return false
    const known = facts.variables.get(atom!.variable)
    return !known || (known.lows.length === 0 && known.highs.length === 0)
  })
}

// ---------------------------------------------------------------- conditions

/** A comparison of whole numbers. */
function withComparison(facts: Facts, e: Binary, truth: boolean): Facts {
  const gap = (mode: 'kept' | 'open') => subtract(normalOf(facts, e.right, mode), normalOf(facts, e.left, mode))
  switch (e.operator) {
    case '<':
    case '<=': {
      const least = e.operator === '<' ? 1 : 0
      /** `p >= 0` */
      const asserted = (p: Polynomial) => (truth ? addConstant(p, -least) : addConstant(scale(p, -1), least - 1))
      return withInequality(withInterval(facts, asserted(gap('kept'))), asserted(gap('open')))
    }
    case '==':
    case '!=': {
      const known = withTruth(facts, { ...e, operator: '==' }, (e.operator === '==') === truth)
      return (e.operator === '==') === truth ? withZero(known, gap('open')) : withNonZero(known, gap('open'))
    }
    default: return withTruth(facts, e, truth)
  }
}

function withInequality(facts: Facts, p: Polynomial): Facts {
  if (isBroken(p) || p.terms.length === 0) return facts
  const tidied = tidy(facts, p)
  if (lowOf(facts, tidied) >= 0) return facts
  const known = withInterval(facts, tidied)
  if (p.terms.length === 1) return known
  return extended(known, { inequalities: [...known.inequalities, tightened(facts, withoutRemainders(facts, p))] })
}

/** Of a single product. */
function withInterval(facts: Facts, p: Polynomial): Facts {
  const [term] = p.terms
  if (p.terms.length !== 1 || isBroken(p)) return facts
  const { coefficient, product } = term!
  const bound: Interval = coefficient > 0
    ? { low: -floorQuotient(p.constant, coefficient), high: Infinity }
    : { low: -Infinity, high: floorQuotient(p.constant, -coefficient) }
  return extended(facts, {
    intervals: new Map(facts.intervals).set(product, intersect(facts.intervals.get(product) ?? anything, bound))
  })
}

/** The constant moved to where the divisors of the terms let the sum lie. */
function tightened(facts: Facts, p: Polynomial): Polynomial {
  const divisor = termsDivisor(facts, p)
  if (divisor <= 1) return p
  const moved: Polynomial = { constant: floorQuotient(p.constant, divisor) * divisor, terms: p.terms }
  return p.terms.every(t => t.coefficient % divisor === 0) ? divideExactly(moved, divisor) : moved
}

function withZero(facts: Facts, p: Polynomial): Facts {
  if (isBroken(p)) return facts
  const both = withInequality(withInequality(facts, p), scale(p, -1))
  const tidied = tidy(facts, p)
  const atom = onlyAtom(tidied) ?? onlyAtom(scale(tidied, -1))
  const by = atom?.kind === 'remainder' ? valueOf(atom.divisor) : undefined
  if (atom?.kind !== 'remainder' || by === undefined || atom.base.terms.length !== 1 || atom.base.constant !== 0) {
    return both
  }
  const { coefficient, product } = atom.base.terms[0]!
  return withMultiple(both, product, by / greatestDivisor(coefficient, by))
}

function withMultiple(facts: Facts, product: Product, by: number): Facts {
  const known = facts.multiples.get(product) ?? 1
  const common = known / greatestDivisor(known, by) * by
  return Number.isSafeInteger(common)
    ? extended(facts, { multiples: new Map(facts.multiples).set(product, common) })
    : facts
}

function withNonZero(facts: Facts, p: Polynomial): Facts {
  const { low, high } = intervalOf(facts, p)
  if (low === 0) return withInequality(facts, addConstant(p, -1))
  return high === 0 ? withInequality(facts, addConstant(scale(p, -1), -1)) : facts
}

function withTruth(facts: Facts, e: Expr, truth: boolean): Facts {
  return extended(facts, { truths: new Map(facts.truths).set(keyOf(facts, e, 'open'), truth) })
}

function disjuncts(condition: Expr): readonly Expr[] {
  return condition.kind === 'binary' && condition.operator === '||'
    ? [...disjuncts(condition.left), ...disjuncts(condition.right)]
    : [condition]
}

/** Has the expression the same value wherever its variables are in scope? */
function isLasting(e: Expr): boolean {
  return !someExpr(e, node =>
    (node.kind === 'variable' && node.variable.role === 'mutable')
    || (node.kind === 'load' && node.buffer.scope !== 'input')
    || isExchange(node))
}

/** Memory that no other thread writes. */
function isPrivate(scope: string): boolean {
  return scope === 'input' || scope === 'register'
}

/** Its value depends on what other lanes do. */
function isExchange(e: Expr): boolean {
  return e.kind === 'call' && (e.intrinsic === 'shfl_xor_sync' || e.intrinsic === 'shfl_down_sync')
}
