/**
 * What is known at a place of a program, and the bounds that follow for a polynomial.
 *
 *     t <= q - 2,  q = (k + 7) / 8,  p <= 7        8 * q - 9 - 8 * t - p  >=  0
 *
 * First by intervals of the atoms; then by elimination: a term is exchanged for a bound of it (from facts, from what
 * rounding means, from conditions of the path) until intervals decide. Every step is an exact implication between whole
 * numbers, so the answer may be weak but is never wrong.
 */
import { typeRange } from './build.ts'
import type { Expr, Variable } from './ir.ts'
import {
  add, addConstant, addScaled, divideExactly, floorQuotient, floorRest, greatestDivisor, isBroken, multiply,
  newTable, polynomialKey, productOf, productPolynomial, productWithout, scale, subtract, whole,
  type Atom, type Polynomial, type Product, type Table, type Term
} from './polynomial.ts'

/** Immutable, but for what has been found out already. */
export interface Facts {
  readonly table: Table
  readonly variables: ReadonlyMap<Variable, Known>
  /** Of products, from conditions. */
  readonly intervals: ReadonlyMap<Product, Interval>
  /** A number by which the product divides without a rest. */
  readonly multiples: ReadonlyMap<Product, number>
  /** Polynomials that are at least 0. */
  readonly inequalities: readonly Polynomial[]
  /** Conditions by their key. */
  readonly truths: ReadonlyMap<string, boolean>
  readonly memo: Memo
}

export interface Known {
  readonly low: number
  readonly high: number
  /** Bounds that no number says, with all `let`s looked through. */
  readonly lows: readonly Polynomial[]
  readonly highs: readonly Polynomial[]
  /** Of a `let` whose value cannot change while it is in scope. */
  readonly value: Expr | undefined
}

export interface Interval { readonly low: number; readonly high: number }

/** `kept`: with `let`s as they are; `open`: with their values in their place. */
interface Memo {
  readonly atoms: Map<Atom, Interval>
  readonly kept: Map<Expr, Polynomial>
  readonly open: Map<Expr, Polynomial>
  readonly simplified: Map<Expr, Expr>
  readonly costs: Map<object, number>
}

export function emptyFacts(): Facts {
  return {
    table: newTable(), variables: new Map(), intervals: new Map(), multiples: new Map(), inequalities: [],
    truths: new Map(), memo: newMemo()
  }
}

/** The same facts and more. */
export function extended(facts: Facts, more: Partial<Omit<Facts, 'memo' | 'table'>>): Facts {
  return { ...facts, ...more, memo: newMemo() }
}

function newMemo(): Memo {
  return { atoms: new Map(), kept: new Map(), open: new Map(), simplified: new Map(), costs: new Map() }
}

// ---------------------------------------------------------------- intervals

export const anything: Interval = { low: -Infinity, high: Infinity }

/** An extent is an `int` when a kernel is launched; the others are CUDA's limits. */
const roleRanges: Readonly<Partial<Record<string, Interval>>> = {
  extent: { low: 1, high: 2 ** 31 - 1 },
  'threadIdx.x': { low: 0, high: 1023 }, 'threadIdx.y': { low: 0, high: 1023 }, 'threadIdx.z': { low: 0, high: 63 },
  'blockIdx.x': { low: 0, high: 2 ** 31 - 2 }, 'blockIdx.y': { low: 0, high: 65534 },
  'blockIdx.z': { low: 0, high: 65534 }
}

export function variableRange(facts: Facts, variable: Variable): Interval {
  const { role, name, type } = variable
  const known = facts.variables.get(variable)
  const byRole = roleRanges[role === 'thread' || role === 'block' ? name : role]
  return intersect(intersect(byRole ?? anything, known ?? anything), typeRange(type) ?? anything)
}

export function intervalOf(facts: Facts, p: Polynomial): Interval {
  if (isBroken(p)) return anything
  let low = p.constant, high = p.constant
  for (const term of p.terms) {
    const i = termInterval(facts, term)
    low = lowest(low + i.low)
    high = highest(high + i.high)
  }
  return { low, high }
}

export function lowOf(facts: Facts, p: Polynomial): number {
  if (isBroken(p)) return -Infinity
  let low = p.constant
  for (const term of p.terms) low = lowest(low + termInterval(facts, term).low)
  return low
}

function termInterval(facts: Facts, { coefficient, product }: Term): Interval {
  const i = productInterval(facts, product)
  return coefficient > 0
    ? { low: lowest(i.low * coefficient), high: highest(i.high * coefficient) }
    : { low: lowest(i.high * coefficient), high: highest(i.low * coefficient) }
}

function productInterval(facts: Facts, product: Product): Interval {
  let all: Interval | undefined
  for (const atom of product.atoms) {
    const i = atomInterval(facts, atom)
    all = all ? times(all, i) : i
  }
  const told = facts.intervals.size === 0 || product.atoms.length === 1 ? undefined : facts.intervals.get(product)
  return told ? intersect(all ?? anything, told) : all ?? anything
}

export function atomInterval(facts: Facts, atom: Atom): Interval {
  const known = facts.memo.atoms.get(atom)
  if (known) return known
  const found = findInterval(facts, atom)
  const told = facts.intervals.size === 0 ? undefined : facts.intervals.get(productOf(facts.table, [atom]))
  const sure = told ? intersect(found, told) : found
  facts.memo.atoms.set(atom, sure)
  return sure
}

function findInterval(facts: Facts, atom: Atom): Interval {
  switch (atom.kind) {
    case 'variable': return variableRange(facts, atom.variable)
    case 'quotient': {
      const base = intervalOf(facts, atom.base), by = intervalOf(facts, atom.divisor)
      const least = Math.max(by.low, 1), most = Math.max(by.high, least)
      return {
        low: divided(base.low, base.low >= 0 ? most : least), high: divided(base.high, base.high >= 0 ? least : most)
      }
    }
    case 'remainder': {
      const base = intervalOf(facts, atom.base), by = intervalOf(facts, atom.divisor)
      return { low: 0, high: base.low >= 0 ? Math.min(base.high, by.high - 1) : by.high - 1 }
    }
    case 'min': {
      const left = intervalOf(facts, atom.left), right = intervalOf(facts, atom.right)
      return { low: Math.min(left.low, right.low), high: Math.min(left.high, right.high) }
    }
    case 'max': {
      const left = intervalOf(facts, atom.left), right = intervalOf(facts, atom.right)
      return { low: Math.max(left.low, right.low), high: Math.max(left.high, right.high) }
    }
    case '&': {
      const left = intervalOf(facts, atom.left), right = intervalOf(facts, atom.right)
      if (left.low < 0 && right.low < 0) return anything
      return { low: 0, high: Math.min(left.low >= 0 ? left.high : Infinity, right.low >= 0 ? right.high : Infinity) }
    }
    case '|':
    case '^': {
      const left = intervalOf(facts, atom.left), right = intervalOf(facts, atom.right)
      if (left.low < 0 || right.low < 0) return anything
      const high = Math.max(left.high, right.high)
      return {
        low: atom.kind === '|' ? Math.max(left.low, right.low) : 0,
        high: high < 2 ** 52 ? 2 ** bitLength(high) - 1 : Infinity
      }
    }
    case 'select': {
      const then = intervalOf(facts, atom.then), otherwise = intervalOf(facts, atom.otherwise)
      return { low: Math.min(then.low, otherwise.low), high: Math.max(then.high, otherwise.high) }
    }
    case 'opaque': return atom
  }
}

export function intersect(a: Interval, b: Interval): Interval {
  return b === anything ? a : a === anything ? b : { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) }
}

function times(a: Interval, b: Interval): Interval {
  const products = [product(a.low, b.low), product(a.low, b.high), product(a.high, b.low), product(a.high, b.high)]
  return { low: lowest(Math.min(...products)), high: highest(Math.max(...products)) }
}

function product(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b
}

/** Rounded down; `b` is at least 1. */
function divided(a: number, b: number): number {
  return !Number.isFinite(a) ? a : Number.isFinite(b) ? floorQuotient(a, b) : a >= 0 ? 0 : -1
}

/** Beyond the safe integers sums are rounded: a low bound there is weakened. */
function lowest(low: number): number {
  return low > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : low < -Number.MAX_SAFE_INTEGER ? -Infinity : low
}

function highest(high: number): number {
  return high < -Number.MAX_SAFE_INTEGER ? -Number.MAX_SAFE_INTEGER : high > Number.MAX_SAFE_INTEGER ? Infinity : high
}

function bitLength(value: number): number {
  return value <= 0 ? 0 : Math.floor(Math.log2(value)) + 1
}

/** A number that divides every value of the product. */
export function multipleOf(facts: Facts, product: Product): number {
  if (facts.multiples.size === 0) return 1
  const known = facts.multiples.get(product)
  if (known !== undefined || product.atoms.length === 1) return known ?? 1
  let all = 1
  for (const atom of product.atoms) all *= facts.multiples.get(facts.table.single.get(atom)!) ?? 1
  return Number.isSafeInteger(all) ? all : 1
}

/** The greatest number known to divide all terms, the constant left out. */
export function termsDivisor(facts: Facts, p: Polynomial): number {
  let all = 0
  for (const { coefficient, product } of p.terms) {
    const multiple = coefficient * multipleOf(facts, product)
    all = greatestDivisor(all, Number.isSafeInteger(multiple) ? multiple : coefficient)
  }
  return all
}

// ---------------------------------------------------------------- elimination

const steps = { quick: 24, thorough: 160 }
const deepest = 6

export type Effort = keyof typeof steps

/** Is the polynomial at least 0 wherever the facts hold? `false`: not known. */
export function isNonNegative(facts: Facts, p: Polynomial, effort: Effort = 'thorough'): boolean {
  const { low, high } = intervalOf(facts, p)
  if (low >= 0) return true
  if (high < 0 || isBroken(p) || p.terms.length === 0) return false
  return bestLow({ facts, steps: steps[effort], found: new Map(), enough: 0 }, p, 0) >= 0
}

/** The best low bound that elimination finds. */
export function thoroughLow(facts: Facts, p: Polynomial): number {
  if (isBroken(p)) return -Infinity
  return bestLow({ facts, steps: steps.quick, found: new Map(), enough: Infinity }, p, 0)
}

interface Search {
  readonly facts: Facts
  steps: number
  /** By the polynomial's key; while one is being looked for, what intervals say. */
  readonly found: Map<string, number>
  /** A bound that ends the search: 0, which every step maps to itself, or none. */
  readonly enough: number
}

function bestLow(search: Search, p: Polynomial, depth: number): number {
  const { facts } = search
  const divisor = termsDivisor(facts, p)
  if (divisor > 1) {
    const rest = floorRest(p.constant, divisor)
    if (p.terms.every(t => t.coefficient % divisor === 0)) {
      const low = bestReduced(search, divideExactly(addConstant(p, -rest), divisor), depth)
      return lowest(low * divisor + rest)
    }
    // known multiples: values are congruent to the constant, so a low bound moves up to the next such number
    const low = bestReduced(search, p, depth)
    return Number.isFinite(low) ? low + floorRest(p.constant - low, divisor) : low
  }
  return bestReduced(search, p, depth)
}

function bestReduced(search: Search, p: Polynomial, depth: number): number {
  const { facts } = search
  const { low, high } = intervalOf(facts, p)
  let best = low
  if (best >= search.enough || depth === deepest || (search.enough === 0 && high < 0)) return best
  const key = polynomialKey(p)
  const found = search.found.get(key)
  if (found !== undefined) return found
  search.found.set(key, best)
  best = bestOfSteps(search, p, depth, best)
  search.found.set(key, best)
  return best
}

function bestOfSteps(search: Search, p: Polynomial, depth: number, start: number): number {
  const { facts } = search
  let best = start
  for (const term of inOrder(facts, p)) {
    for (const bound of boundsFor(facts, term)) {
      if (search.steps-- <= 0) return best
      best = Math.max(best, eliminate(search, p, term, bound, depth))
      if (best >= search.enough) return best
    }
  }
  for (const term of p.terms) {
    const split = branches(facts, p, term)
    if (!split || search.steps-- <= 0) continue
    const lows = split.map(branch => bestLow(search, branch, depth + 1))
    best = Math.max(best, Math.min(...lows))
    if (best >= search.enough) return best
  }
  return best
}

/** Those that keep the sum from having a low bound come first. */
function inOrder(facts: Facts, p: Polynomial): readonly Term[] {
  if (p.terms.length === 1) return p.terms
  const lows = new Map(p.terms.map(t => [t, termInterval(facts, t).low]))
  return p.terms.toSorted((a, b) => (lows.get(a)! < lows.get(b)! ? -1 : lows.get(a)! > lows.get(b)! ? 1 : 0))
}

/** At least 0; has the term's product with `size` times the sign of its coefficient, times `by` where given. */
interface Bound { readonly bound: Polynomial; readonly size: number; readonly by?: Polynomial }

/** What `p` is at least, by putting the bound in place of the term. */
function eliminate(search: Search, p: Polynomial, term: Term, { bound, size, by }: Bound, depth: number): number {
  const magnitude = Math.abs(term.coefficient)
  const common = greatestDivisor(magnitude, size)
  const factor = size / common, taken = magnitude / common
  if (by) {
    // p >= 0 follows from by * p + by - 1 >= 0, since by >= 1
    const scaled = addConstant(add(multiply(search.facts.table, scale(p, factor), by), scale(by, factor)), -1)
    const low = bestLow(search, addScaled(scaled, bound, -taken), depth + 1)
    return low >= 0 ? 0 : -Infinity
  }
  const low = bestLow(search, addScaled(addConstant(scale(p, factor), factor - 1), bound, -taken), depth + 1)
  return Number.isFinite(low) ? floorQuotient(low, factor) : low
}

function boundsFor(facts: Facts, term: Term): readonly Bound[] {
  const bounds: Bound[] = []
  const { product, coefficient } = term
  const { table } = facts
  const upper = coefficient < 0
  for (const [i, atom] of product.atoms.entries()) {
    if (product.atoms.indexOf(atom) !== i) continue
    const rest = product.atoms.length === 1 ? null : productWithout(table, product, table.single.get(atom)!)!
    if (rest && productInterval(facts, rest).low < 0) continue
    const cofactor = rest ? productPolynomial(rest) : undefined
    const times = (p: Polynomial) => (cofactor ? multiply(table, p, cofactor) : p)
    const self = productPolynomial(table.single.get(atom)!)
    /** `other - atom` or `atom - other` */
    const gap = (other: Polynomial) => times(upper ? subtract(other, self) : subtract(self, other))
    if (rest) {
      const { low, high } = atomInterval(facts, atom)
      const limit = upper ? high : low
      if (Number.isSafeInteger(limit) && Math.abs(limit) < 2 ** 31) bounds.push({ bound: gap(whole(limit)), size: 1 })
    }
    switch (atom.kind) {
      case 'variable': {
        const known = facts.variables.get(atom.variable)
        for (const other of (upper ? known?.highs : known?.lows) ?? []) bounds.push({ bound: gap(other), size: 1 })
        break
      }
      case 'quotient': {
        const { base, divisor } = atom
        const multiple = multiply(table, self, divisor)
        const bound = upper
          ? subtract(base, multiple)
          : subtract(multiple, subtract(base, mostRest(facts, base, divisor)))
        const [main] = divisor.terms
        if (!main) {
          bounds.push({ bound: times(bound), size: divisor.constant })
        } else if (divisor.terms.length === 1 && divisor.constant === 0) {
          const without = rest && productWithout(table, rest, main.product)
          if (rest && without !== undefined) {
            const left = without ? multiply(table, bound, productPolynomial(without)) : bound
            bounds.push({ bound: left, size: main.coefficient })
          } else {
            bounds.push({ bound: times(bound), size: 1, by: divisor })
          }
        } else {
          bounds.push({ bound: times(bound), size: 1, by: divisor })
        }
        break
      }
      case 'remainder':
        if (upper) {
          bounds.push({ bound: gap(addConstant(atom.divisor, -1)), size: 1 })
          if (lowOf(facts, atom.base) >= 0) bounds.push({ bound: gap(atom.base), size: 1 })
        }
        break
      case 'min':
        if (upper) bounds.push({ bound: gap(atom.left), size: 1 }, { bound: gap(atom.right), size: 1 })
        break
      case 'max':
        if (!upper) bounds.push({ bound: gap(atom.left), size: 1 }, { bound: gap(atom.right), size: 1 })
        break
      default:
    }
  }
  for (const known of facts.inequalities) {
    for (const other of known.terms) {
      if (other.coefficient > 0 === upper) continue
      const rest = productWithout(table, product, other.product)
      if (rest === undefined || (rest && productInterval(facts, rest).low < 0)) continue
      const bound = rest ? multiply(table, known, productPolynomial(rest)) : known
      bounds.push({ bound, size: Math.abs(other.coefficient) })
    }
  }
  return bounds.filter(b => !isBroken(b.bound))
}

/** The greatest rest of the division. */
function mostRest(facts: Facts, base: Polynomial, divisor: Polynomial): Polynomial {
  if (divisor.terms.length > 0) return addConstant(divisor, -1)
  const common = greatestDivisor(termsDivisor(facts, base), divisor.constant)
  return whole(divisor.constant - common + floorRest(base.constant, common))
}

/** The polynomial with each value that the term's atom may have, where these are two. */
function branches(facts: Facts, p: Polynomial, term: Term): readonly Polynomial[] | undefined {
  const atom = term.product.atoms.find(a => a.kind === 'min' || a.kind === 'max' || a.kind === 'select')
  if (!atom) return undefined
  const values = atom.kind === 'select' ? [atom.then, atom.otherwise]
    : atom.kind === 'min' || atom.kind === 'max' ? [atom.left, atom.right] : []
  const { table } = facts
  const rest = productWithout(table, term.product, table.single.get(atom)!)
  const others = { ...p, terms: p.terms.filter(t => t !== term) }
  return values.map(value => {
    const scaled = scale(value, term.coefficient)
    return add(others, rest ? multiply(table, scaled, productPolynomial(rest)) : scaled)
  })
}
