/**
 * Low bounds of sums by elimination: a term is exchanged for a bound of it (from facts, from what rounding means, from
 * conditions of the path) until intervals decide.
 *
 *     t <= q - 2,  q = (k + 7) / 8,  p <= 7        8 * q - 9 - 8 * t - p  >=  7 - p  >=  0
 *
 * Every step is an exact implication between whole numbers, so the answer may be weak but is never wrong.
 */
import {
  atomInterval, highest, intervalOf, lowest, lowOf, memoOf, productInterval, termInterval, termsDivisor,
  type Facts, type Known
} from './knowledge.ts'
import { isRefuted } from './models.ts'
import {
  add, addConstant, addScaled, divideExactly, floorQuotient, floorRest, greatestDivisor, isBroken, longDivision,
  multiply, polynomialKey, productPolynomial, productWithout, scale, subtract, whole,
  type Atom, type Polynomial, type Term
} from './polynomial.ts'

/** How many sums a search may look at. */
const steps = { quick: 40, thorough: 240 }

export type Effort = keyof typeof steps

/** Is the polynomial at least 0 wherever the facts hold? `false`: not known. */
export function isNonNegative(facts: Facts, p: Polynomial, effort: Effort = 'thorough'): boolean {
  const { low, high } = intervalOf(facts, p)
  if (low >= 0) return true
  if (high < 0 || isBroken(p) || p.terms.length === 0 || isRefuted(facts, p)) return false
  return bestLow(facts, p, 0, { left: steps[effort] }) >= 0
}

/** The best low bound that elimination finds. */
export function thoroughLow(facts: Facts, p: Polynomial): number {
  if (p.terms.length === 0) return isBroken(p) ? -Infinity : p.constant
  return isBroken(p) ? -Infinity : bestLow(facts, p, Infinity, { left: steps.quick })
}

/** A sum from whose low bound one of the sum in question follows. */
interface Goal {
  readonly p: Polynomial
  readonly lift: (low: number) => number
  readonly depth: number
  /** The smaller, the nearer to an answer. */
  readonly distance: number
}

/**
 * The sum with the fewest obstacles is looked at first. `enough` ends the search: 0, or infinity for the best bound.
 * Every step maps bounds of at least 0 to such.
 */
function bestLow(facts: Facts, start: Polynomial, enough: number, budget: { left: number }): number {
  const seen = new Set<string>()
  const goals: Goal[] = []
  let best = -Infinity
  consider(start, low => low, 0)
  while (best < enough) {
    const goal = nearest(goals)
    if (!goal) break
    for (const term of goal.p.terms) {
      for (const bound of boundsFor(facts, term)) {
        if (budget.left-- <= 0 || best >= enough) return best
        const [p, lift] = eliminated(facts, goal.p, term, bound)
        consider(p, low => goal.lift(lift(low)), goal.depth + 1)
      }
    }
  }
  return best >= enough ? best : Math.max(best, lowOfBranches(facts, start, enough, budget))

  function consider(p: Polynomial, lift: (low: number) => number, depth: number): void {
    if (isBroken(p)) return
    const divisor = termsDivisor(facts, p)
    if (divisor > 1 && p.terms.every(t => t.coefficient % divisor === 0)) {
      const rest = floorRest(p.constant, divisor)
      const part = divideExactly(addConstant(p, -rest), divisor)
      look(part, low => lift(lowest(low * divisor + rest)), depth, 1)
    } else {
      look(p, lift, depth, divisor)
    }
  }

  function look(p: Polynomial, lift: (low: number) => number, depth: number, divisor: number): void {
    const key = polynomialKey(p)
    if (seen.has(key)) return
    seen.add(key)
    let low = p.constant, high = p.constant, obstacles = 0
    for (const term of p.terms) {
      const i = termInterval(facts, term)
      low = lowest(low + i.low)
      high = highest(high + i.high)
      if (i.low < -obstacleSize) obstacles++
    }
    // values are congruent to the constant, so a low bound moves up to the next such number
    if (divisor > 1 && Number.isFinite(low)) low += floorRest(p.constant - low, divisor)
    best = Math.max(best, lift(low))
    if (enough === 0 && high < 0) return
    goals.push({ p, lift, depth, distance: depth / 2 + 2 * obstacles + p.terms.length })
  }
}

/** A term that may be less than minus this stands in the way of a bound. */
const obstacleSize = 2 ** 20

function nearest(goals: Goal[]): Goal | undefined {
  let at = 0
  for (let i = 1; i < goals.length; i++) if (goals[i]!.distance < goals[at]!.distance) at = i
  return goals.splice(at, 1)[0]
}

/** A minimum, maximum or choice has one of two values: the worse of both bounds. */
function lowOfBranches(facts: Facts, p: Polynomial, enough: number, budget: { left: number }): number {
  for (const term of p.terms) {
    const split = branches(facts, p, term)
    if (!split || budget.left <= 0) continue
    return Math.min(...split.map(branch => bestLow(facts, branch, enough, budget)))
  }
  return -Infinity
}

/** At least 0; has the term's product with `size` times the sign of its coefficient, times `by` where given. */
interface Bound { readonly bound: Polynomial; readonly size: number; readonly by?: Polynomial }

/** The sum with the bound in place of the term, and what a low bound of it says about the sum before. */
function eliminated(
  facts: Facts, p: Polynomial, term: Term, { bound, size, by }: Bound
): [Polynomial, (low: number) => number] {
  const magnitude = Math.abs(term.coefficient)
  const common = greatestDivisor(magnitude, size)
  const factor = size / common, taken = magnitude / common
  if (by) {
    // p >= 0 follows from by * p + by - 1 >= 0, since by >= 1
    const scaled = addConstant(add(multiply(facts.table, scale(p, factor), by), scale(by, factor)), -1)
    return [addScaled(scaled, bound, -taken), low => (low >= 0 ? 0 : -Infinity)]
  }
  return [
    addScaled(addConstant(scale(p, factor), factor - 1), bound, -taken),
    low => (Number.isFinite(low) ? floorQuotient(low, factor) : low)
  ]
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
        const { lows, highs } = quotientBounds(facts, atom, base, divisor)
        for (const other of upper ? highs : lows) bounds.push({ bound: gap(other), size: 1 })
        const multiple = multiply(table, self, divisor)
        const bound = upper
          ? subtract(subtract(base, multiple), leastRest(facts, base, divisor))
          : subtract(multiple, subtract(base, mostRest(facts, base, divisor)))
        const [main] = divisor.terms
        // a product of the divisor: the rest of it is no less than 0 where the product is
        const without = rest && main && divisor.terms.length === 1 && divisor.constant === 0 && main.coefficient > 0
          ? productWithout(table, rest, main.product)
          : undefined
        if (!main) {
          bounds.push({ bound: times(bound), size: divisor.constant })
        } else if (without !== undefined) {
          const left = without ? multiply(table, bound, productPolynomial(without)) : bound
          bounds.push({ bound: left, size: main.coefficient })
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

/**
 * Bounds of a quotient that its base's bounds give by dividing without a rest worth mentioning: `x <= m * n - 1` gives
 * `x / n <= m - 1`.
 */
function quotientBounds(
  facts: Facts, atom: Atom, base: Polynomial, divisor: Polynomial
): Pick<Known, 'lows' | 'highs'> {
  const { quotients } = memoOf(facts)
  const known = quotients.get(atom)
  if (known) return known
  const lows: Polynomial[] = [], highs: Polynomial[] = []
  for (const term of base.terms) {
    const [only] = term.product.atoms
    if (term.product.atoms.length > 1 || only?.kind !== 'variable') continue
    const told = facts.variables.get(only.variable)
    const others: Polynomial = { constant: base.constant, terms: base.terms.filter(t => t !== term) }
    const put = (bounds: readonly Polynomial[] | undefined, to: Polynomial[]) => {
      for (const bound of bounds ?? []) {
        const rounded = divided(facts, addScaled(others, bound, term.coefficient), divisor)
        if (rounded) to.push(rounded)
      }
    }
    put(told?.highs, term.coefficient > 0 ? highs : lows)
    put(told?.lows, term.coefficient > 0 ? lows : highs)
  }
  const found = { lows, highs }
  quotients.set(atom, found)
  return found
}

/** The quotient where it is a sum. */
function divided(facts: Facts, base: Polynomial, divisor: Polynomial): Polynomial | undefined {
  if (isBroken(base)) return undefined
  const { high, rest } = longDivision(facts.table, base, divisor)
  const { low: from, high: to } = intervalOf(facts, rest)
  const least = Math.max(intervalOf(facts, divisor).low, 1)
  if (from >= 0 && to < least) return high
  return from >= -least && to < 0 ? addConstant(high, -1) : undefined
}

/** The least and the greatest rest that the division may leave. */
function leastRest(facts: Facts, base: Polynomial, divisor: Polynomial): Polynomial {
  if (divisor.terms.length > 0) return whole(0)
  return whole(floorRest(base.constant, greatestDivisor(termsDivisor(facts, base), divisor.constant)))
}

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
