/**
 * Indices as sums of scaled digits: the form in which layouts and mappings fit each other.
 *
 *     threadIdx.x / 64 * 32 + i1 * 16 + threadIdx.x / 8 % 4 * 4 + i2          (0 <= i1 < 2, 0 <= i2 < 4)
 *     divided by 16                     threadIdx.x / 64 * 2 + i1
 *     the rest                          threadIdx.x / 8 % 4 * 4 + i2
 *
 * A quotient takes along the terms that the divisor divides if the others make less than the divisor. What does not
 * come apart becomes a digit of its own. All numbers are whole, quotients are rounded down.
 */
import { binary, constant } from '../ir/build.ts'
import type { Expr, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { equalExpr } from '../ir/visit.ts'
import type { Arithmetic } from '../mapping/arithmetic.ts'
import { intervalOf, type Interval, type VariableRange } from './intervals.ts'

export interface Linear { readonly constant: number; readonly terms: readonly Term[] }
export interface Term {
  readonly coefficient: number
  readonly digit: Expr
  readonly range: Interval
  /** A number that divides the digit. */
  readonly multiple: number
}

export interface Linears {
  readonly of: (e: Expr) => Linear
  /** For formulas of layouts. */
  readonly arithmetic: Arithmetic<Linear>
}

/** For what has no such form. */
const unknown: Linear = { constant: Number.NaN, terms: [] }

export function isKnown(l: Linear): boolean {
  return !Number.isNaN(l.constant)
}

/** `value`: what a name stands for, where it is to be looked through. `multiple`: what divides a variable. */
export function linears(
  range: VariableRange, value: (v: Variable) => Expr | undefined, multiple: (v: Variable) => number
): Linears {
  const names = new Map<Variable, Linear>()
  const digit = (e: Expr): Linear =>
    ({
      constant: 0,
      terms: [{
        coefficient: 1, digit: e, range: intervalOf(e, range), multiple: e.kind === 'variable' ? multiple(e.variable) : 1
      }]
    })

  const known = new WeakMap<Expr, Linear>()
  const of = (e: Expr): Linear => {
    if (e.kind !== 'binary') return found(e)
    if (e.type !== 'index') return digit(e)
    let sum = known.get(e)
    if (!sum) known.set(e, sum = found(e))
    return sum
  }

  const found = (e: Expr): Linear => {
    switch (e.kind) {
      case 'constant':
        return typeof e.value === 'number' ? { constant: e.value, terms: [] } : unknown
      case 'variable': {
        const stands = value(e.variable)
        if (!stands) return digit(e)
        let sum = names.get(e.variable)
        if (!sum) names.set(e.variable, sum = of(stands))
        return sum
      }
      case 'binary':
        return compute(e.operator, of(e.left), of(e.right))
      default:
        return digit(e)
    }
  }

  const compute = (operator: string, left: Linear, right: Linear): Linear => {
    if (!isKnown(left) || !isKnown(right)) return unknown
    switch (operator) {
      case '+': return sum(left, right)
      case '-': return sum(left, scaled(right, -1))
      case '*':
        if (right.terms.length === 0) return scaled(left, right.constant)
        if (left.terms.length === 0) return scaled(right, left.constant)
        break
      case '/': case '%': {
        if (right.terms.length > 0 || right.constant < 1) break
        const { quotient, rest } = divided(left, right.constant)
        return operator === '/' ? quotient : rest
      }
    }
    return isOperator(operator) ? digit(binary(operator, linearExpr(left), linearExpr(right))) : unknown
  }

  /** `left = quotient * by + rest`, `0 <= rest < by`. */
  const divided = (left: Linear, by: number): { quotient: Linear; rest: Linear } => {
    const whole = left.terms.filter(t => unitOf(t) % by === 0)
    const parts = left.terms.filter(t => unitOf(t) % by !== 0).sort((a, b) => unitOf(b) - unitOf(a))
    const outside = shrunk({ constant: Math.floor(left.constant / by) * by, terms: whole }, by)
    const offset = left.constant - Math.floor(left.constant / by) * by
    let unit = by
    for (let taken = 0; taken <= parts.length; taken++) {
      const last = parts[taken - 1]
      if (last) unit = greatestDivisor(unit, unitOf(last))
      const small: Linear = { constant: offset % unit, terms: parts.slice(taken) }
      const bounds = rangeOfLinear(small)
      if (bounds.low < 0 || bounds.high >= unit) continue
      const large = shrunk({ constant: offset - offset % unit, terms: parts.slice(0, taken) }, unit)
      if (unit === by) return { quotient: sum(outside, large), rest: small }
      const [quotient, rest] = digitsOf(large, by / unit)
      return { quotient: sum(outside, quotient), rest: sum(scaled(rest, unit), small) }
    }
    const [quotient, rest] = digitsOf({ constant: offset, terms: parts }, by)
    return { quotient: sum(outside, quotient), rest }
  }

  /** Quotient and rest of what does not come apart. */
  const digitsOf = (left: Linear, by: number): [Linear, Linear] => {
    const e = linearExpr(left)
    const inner = e.kind === 'binary' && e.operator === '/' && e.right.kind === 'constant' ? e : undefined
    const quotient = inner
      ? binary('/', inner.left, constant(Number(inner.right.kind === 'constant' ? inner.right.value : 1) * by))
      : binary('/', e, constant(by))
    const coarser = e.kind === 'binary' && e.operator === '%' && e.right.kind === 'constant'
      && Number(e.right.value) % by === 0 ? e.left : e
    return [digit(quotient), digit(binary('%', coarser, constant(by)))]
  }

  const arithmetic: Arithmetic<Linear> = {
    constant: n => ({ constant: n, terms: [] }),
    binary: compute,
    select: () => unknown,
    choose: (index, _, item) => isKnown(index) && index.terms.length === 0 ? item(index.constant) : unknown
  }
  return { of, arithmetic }
}

/** As a person would write it; `origins` are those of the operations. */
export function linearExpr(l: Linear, origins: Origins = []): Expr {
  const number = (n: number) => constant(n, 'index', origins)
  const term = (t: Term, coefficient: number) => binary('*', t.digit, number(coefficient), origins)
  const [first, ...rest] = l.terms.toSorted((a, b) => Number(a.coefficient < 0) - Number(b.coefficient < 0))
  if (!first) return number(l.constant)
  const terms = rest.reduce((e, t) => t.coefficient < 0
    ? binary('-', e, term(t, -t.coefficient), origins)
    : binary('+', e, term(t, t.coefficient), origins), term(first, first.coefficient))
  return l.constant === 0 ? terms : binary('+', terms, number(l.constant), origins)
}

export function sameLinear(a: Linear, b: Linear): boolean {
  return a.constant === b.constant && a.terms.length === b.terms.length
    && a.terms.every(t => b.terms.some(u => u.coefficient === t.coefficient && equalExpr(u.digit, t.digit)))
}

export function rangeOfLinear(l: Linear): Interval {
  let low = l.constant, high = l.constant
  for (const { coefficient: c, range } of l.terms) {
    low += c > 0 ? c * range.low : c * range.high
    high += c > 0 ? c * range.high : c * range.low
  }
  return { low, high }
}

/**
 * With digits of one number put together again, `x / c * c + x % c` to `x`; undefined where there are none such.
 *
 *     l / 7000 * 7000 + l / 7 % 1000 * 7 + l % 7     ->     l
 */
export function recombined(l: Linear, { of }: Pick<Linears, 'of'>): Linear | undefined {
  for (const low of l.terms) {
    const rest = partsOf(low.digit)
    if (rest?.operator !== '%') continue
    for (const high of l.terms) {
      if (high === low || high.coefficient !== low.coefficient * rest.by) continue
      const above = partsOf(high.digit)
      const whole = above && joinedDigits(rest, above)
      if (!whole) continue
      const others: Linear = { constant: l.constant, terms: l.terms.filter(t => t !== low && t !== high) }
      const sumOfAll = sum(others, scaled(of(whole), low.coefficient))
      return recombined(sumOfAll, { of }) ?? sumOfAll
    }
  }
  return undefined
}

/** `base / by` or `base % by`. */
interface Part { readonly operator: '/' | '%'; readonly base: Expr; readonly by: number }

function partsOf(e: Expr): Part | undefined {
  if (e.kind !== 'binary' || (e.operator !== '/' && e.operator !== '%') || e.right.kind !== 'constant') return undefined
  return { operator: e.operator, base: e.left, by: Number(e.right.value) }
}

/** `x % c` with `x / c` is `x`, with `x / c % d` it is `x % (c * d)`; in both `x` may be a quotient. */
function joinedDigits(rest: Part, above: Part): Expr | undefined {
  const quotient = above.operator === '/' ? above : partsOf(above.base)
  if (quotient?.operator !== '/') return undefined
  const inner = partsOf(rest.base), divided = inner?.operator === '/' ? inner : { base: rest.base, by: 1 }
  if (quotient.by !== divided.by * rest.by || !equalExpr(quotient.base, divided.base)) return undefined
  return above.operator === '/' ? rest.base : binary('%', rest.base, constant(rest.by * above.by))
}

/** How much the index grows with the variable; undefined where it does not grow evenly. */
export function strideOf(l: Linear, v: Variable, mentions: (e: Expr) => boolean): number | undefined {
  let stride = 0
  for (const t of l.terms) {
    if (t.digit.kind === 'variable' && t.digit.variable === v) stride += t.coefficient
    else if (mentions(t.digit)) return undefined
  }
  return stride
}

function sum(a: Linear, b: Linear): Linear {
  if (a.terms.length === 0 && a.constant === 0) return b
  if (b.terms.length === 0) return b.constant === 0 ? a : { constant: a.constant + b.constant, terms: a.terms }
  const terms = [...a.terms]
  for (const t of b.terms) {
    const at = terms.findIndex(u => equalExpr(u.digit, t.digit))
    const same = terms[at]
    if (!same) terms.push(t)
    else terms[at] = { ...same, coefficient: same.coefficient + t.coefficient }
  }
  return { constant: a.constant + b.constant, terms: terms.filter(t => t.coefficient !== 0) }
}

function scaled(a: Linear, by: number): Linear {
  if (by === 1) return a
  if (by === 0) return { constant: 0, terms: [] }
  return { constant: a.constant * by + 0, terms: a.terms.map(t => ({ ...t, coefficient: t.coefficient * by })) }
}

/** A number that divides the term. */
function unitOf(t: Term): number {
  return Math.abs(t.coefficient) * t.multiple
}

/** Divided by a number that divides the constant and all terms. */
function shrunk(a: Linear, by: number): Linear {
  return {
    constant: a.constant / by,
    terms: a.terms.map(t => {
      const common = greatestDivisor(t.coefficient, by), own = by / common
      return own === 1 ? { ...t, coefficient: t.coefficient / by } : {
        coefficient: t.coefficient / common, digit: binary('/', t.digit, constant(own)), multiple: t.multiple / own,
        range: { low: t.range.low / own, high: Math.floor(t.range.high / own) }
      }
    })
  }
}

/** The greatest number that is known to divide the index. */
export function multipleOf(l: Linear): number {
  return isKnown(l) ? l.terms.reduce((n, t) => greatestDivisor(n, unitOf(t)), Math.abs(l.constant)) : 1
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : greatestDivisor(b, a % b)
}

function isOperator(operator: string): operator is '*' | '/' | '%' | 'min' | 'max' | '&' | '|' | '^' | '<<' | '>>' {
  return ['*', '/', '%', 'min', 'max', '&', '|', '^', '<<', '>>'].includes(operator)
}
