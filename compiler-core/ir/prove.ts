/**
 * Decides conditions from facts: never wrongly, and not always.
 *
 *     0 <= i < 64, 0 <= bi < ceil_div(m, 64), m % 64 == 0        bi * 64 + i < m        true
 *     0 <= i < 64, 0 <= bi < ceil_div(m, 64)                     bi * 64 + i < m        undefined
 */
import { isWhole } from './build.ts'
import type { Effort } from './elimination.ts'
import { assuming, rooted, type Facts } from './facts.ts'
import type { Binary, Expr } from './ir.ts'
import { intervalOf, termsDivisor } from './knowledge.ts'
import { isRefuted } from './models.ts'
import { isAtLeastZero, keyOf, normalOf, tidy, withoutRemainders } from './normal.ts'
import {
  addConstant, floorRest, isBroken, scale, subtract, valueOf,
  type Polynomial
} from './polynomial.ts'

/** Is the condition true, or false, wherever the facts hold? undefined: not known, or neither. */
export function prove(facts: Facts, condition: Expr): boolean | undefined {
  return truthOf(rooted(facts), condition, 'thorough')
}

/** Have both expressions, of one type, the same value wherever the facts hold? `false`: not known. */
export function sameValue(facts: Facts, a: Expr, b: Expr): boolean {
  if (a === b) return true
  if (a.type !== b.type) return false
  const place = rooted(facts)
  if (!isWhole(a.type) || a.type === 'bool') return keyOf(place, a, 'open') === keyOf(place, b, 'open')
  const gap = subtract(normalOf(place, b, 'open'), normalOf(place, a, 'open'))
  return valueOf(gap) === 0 || (!mayDiffer(place, gap) && isZero(place, gap, 'quick') === true)
}

/** As `prove`, with a limit on the work. */
export function truthOf(facts: Facts, e: Expr, effort: Effort): boolean | undefined {
  switch (e.kind) {
    case 'constant': return e.value !== 0
    case 'variable': {
      const value = facts.variables.get(e.variable)?.value
      return value ? truthOf(facts, value, effort) : toldTruth(facts, e)
    }
    case 'unary': return e.operator === '!' ? opposite(truthOf(facts, e.operand, effort)) : toldTruth(facts, e)
    case 'binary': return ofBinary(facts, e, effort)
    case 'select': {
      const condition = truthOf(facts, e.condition, effort)
      if (condition !== undefined) return truthOf(facts, condition ? e.then : e.otherwise, effort)
      const then = truthOf(assuming(facts, e.condition), e.then, effort)
      return then !== undefined && then === truthOf(assuming(facts, e.condition, false), e.otherwise, effort)
        ? then
        : toldTruth(facts, e)
    }
    case 'cast':
      return isWhole(e.value.type)
        ? opposite(isZero(facts, normalOf(facts, e.value, 'open'), effort))
        : toldTruth(facts, e)
    case 'load':
    case 'call':
    case 'reduce': return toldTruth(facts, e)
  }
}

function ofBinary(facts: Facts, e: Binary, effort: Effort): boolean | undefined {
  const { operator, left, right } = e
  switch (operator) {
    case '&&': {
      const first = truthOf(facts, left, effort)
      if (first === false) return false
      const second = truthOf(first ? facts : assuming(facts, left), right, effort)
      return second === false ? false : first && second
    }
    case '||': {
      const first = truthOf(facts, left, effort)
      if (first === true) return true
      const second = truthOf(first === false ? facts : assuming(facts, left, false), right, effort)
      return second === true ? true : first === false ? second : undefined
    }
    case '<':
    case '<=': {
      if (!isWhole(left.type)) return toldTruth(facts, e)
      const gap = subtract(normalOf(facts, right, 'open'), normalOf(facts, left, 'open'))
      return signOf(facts, operator === '<' ? addConstant(gap, -1) : gap, effort) ?? toldTruth(facts, e)
    }
    case '==':
    case '!=': {
      const equality: Expr = { ...e, operator: '==' }
      const gap = isWhole(left.type)
        ? subtract(normalOf(facts, right, 'open'), normalOf(facts, left, 'open'))
        : undefined
      const equal = (gap && isZero(facts, gap, effort)) ?? toldTruth(facts, equality)
      return operator === '==' ? equal : opposite(equal)
    }
    default: return toldTruth(facts, e)
  }
}

function mayDiffer(facts: Facts, p: Polynomial): boolean {
  return isRefuted(facts, p) || isRefuted(facts, scale(p, -1))
}

/** Is it at least 0? */
function signOf(facts: Facts, p: Polynomial, effort: Effort): boolean | undefined {
  if (isBroken(p)) return undefined
  const { low, high } = intervalOf(facts, p)
  if (low >= 0) return true
  if (high < 0) return false
  if (isAtLeastZero(facts, p, effort)) return true
  return isAtLeastZero(facts, addConstant(scale(p, -1), -1), effort) ? false : undefined
}

function isZero(facts: Facts, p: Polynomial, effort: Effort): boolean | undefined {
  if (isBroken(p)) return undefined
  const value = valueOf(p)
  if (value !== undefined) return value === 0
  const { low, high } = intervalOf(facts, tidy(facts, p))
  if (low > 0 || high < 0) return false
  if (low === 0 && high === 0) return true
  const divisor = termsDivisor(facts, p)
  if (divisor > 1 && floorRest(p.constant, divisor) !== 0) return false
  if (valueOf(withoutRemainders(facts, p)) === 0) return true
  const atLeast = signOf(facts, p, effort)
  if (atLeast === false || (atLeast && isAtLeastZero(facts, addConstant(p, -1), effort))) return false
  return atLeast && isAtLeastZero(facts, scale(p, -1), effort) ? true : undefined
}

function toldTruth(facts: Facts, e: Expr): boolean | undefined {
  return facts.truths.size === 0 ? undefined : facts.truths.get(keyOf(facts, e, 'open'))
}

function opposite(truth: boolean | undefined): boolean | undefined {
  return truth === undefined ? undefined : !truth
}
