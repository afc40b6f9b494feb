/**
 * What is known at a place of a program, and the intervals that follow from it.
 */
import { typeRange } from './build.ts'
import type { Expr, Variable } from './ir.ts'
import {
  floorQuotient, greatestDivisor, isBroken, newTable, productOf, variableAtom,
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
  /** Read it with `memoOf`. */
  memo: Memo
}

export interface Known {
  readonly low: number
  readonly high: number
  /** Bounds that no number says, with all `let`s looked through. */
  readonly lows: readonly Polynomial[]
  readonly highs: readonly Polynomial[]
  /** Of a `let` whose value cannot change while it is in scope, and its normal form, for whole numbers. */
  readonly value: Expr | undefined
  readonly sum: Polynomial | undefined
}

export interface Interval { readonly low: number; readonly high: number }

/** Values for which the facts hold. */
export interface Model {
  /** Of every extent. */
  readonly size: number
  /** Variables are as great as they may be, or as small; `even`, `odd`: those with such a number are great. */
  readonly choice: 'high' | 'low' | 'middle' | 'even' | 'odd'
  readonly values: Map<Atom, number>
}

/** `kept`: with `let`s as they are; `open`: with their values in their place. */
interface Memo {
  /** How many variables those facts know that it belongs to. */
  variables: number
  models: readonly Model[] | undefined
  readonly atoms: Map<Atom, Interval>
  /** The quotients that belong to remainders. */
  readonly above: Map<Atom, Polynomial>
  readonly quotients: Map<Atom, Required<Pick<Known, 'lows' | 'highs'>>>
  readonly kept: Map<Expr, Polynomial>
  readonly open: Map<Expr, Polynomial>
  readonly simplified: Map<Expr, Expr>
  readonly costs: Map<object, number>
}

export function emptyFacts(): Facts {
  return {
    table: newTable(), variables: new Map(), intervals: new Map(), multiples: new Map(), inequalities: [],
    truths: new Map(), memo: newMemo(0)
  }
}

/** The same facts and more. */
export function extended(facts: Facts, more: Partial<Omit<Facts, 'memo' | 'table'>>): Facts {
  return { ...facts, ...more, memo: newMemo(facts.variables.size) }
}

/** What has been found out goes with the new facts if nobody has spoken of the variable yet. */
export function withVariable(facts: Facts, variable: Variable, known: Known): Facts {
  const variables = new Map(facts.variables).set(variable, known)
  if (facts.table.atoms.has(variable)) return { ...facts, variables, memo: newMemo(variables.size) }
  variableAtom(facts.table, variable)
  const memo = memoOf(facts)
  memo.variables = variables.size
  memo.models = undefined
  return { ...facts, variables, memo }
}

/** What has been found out under these facts. Where it went with others, this starts anew. */
export function memoOf(facts: Facts): Memo {
  if (facts.memo.variables !== facts.variables.size) facts.memo = newMemo(facts.variables.size)
  return facts.memo
}

function newMemo(variables: number): Memo {
  return {
    variables, models: undefined, atoms: new Map(), above: new Map(), quotients: new Map(),
    kept: new Map(), open: new Map(), simplified: new Map(), costs: new Map()
  }
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

function variableRange(facts: Facts, variable: Variable): Interval {
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

export function termInterval(facts: Facts, { coefficient, product }: Term): Interval {
  const i = productInterval(facts, product)
  return coefficient > 0
    ? { low: lowest(i.low * coefficient), high: highest(i.high * coefficient) }
    : { low: lowest(i.high * coefficient), high: highest(i.low * coefficient) }
}

export function productInterval(facts: Facts, product: Product): Interval {
  let all: Interval | undefined
  for (const atom of product.atoms) {
    const i = atomInterval(facts, atom)
    all = all ? times(all, i) : i
  }
  const told = facts.intervals.size === 0 || product.atoms.length === 1 ? undefined : facts.intervals.get(product)
  return told ? intersect(all ?? anything, told) : all ?? anything
}

export function atomInterval(facts: Facts, atom: Atom): Interval {
  const { atoms } = memoOf(facts)
  const known = atoms.get(atom)
  if (known) return known
  const found = findInterval(facts, atom)
  const told = facts.intervals.size === 0 ? undefined : facts.intervals.get(productOf(facts.table, [atom]))
  const sure = told ? intersect(found, told) : found
  atoms.set(atom, sure)
  return sure
}

function findInterval(facts: Facts, atom: Atom): Interval {
  switch (atom.kind) {
    case 'variable': return variableRange(facts, atom.variable)
    case 'quotient': {
      const base = intervalOf(facts, atom.base), by = intervalOf(facts, atom.divisor)
      const least = Math.max(by.low, 1), most = Math.max(by.high, least)
      return {
        low: dividedNumber(base.low, base.low >= 0 ? most : least),
        high: dividedNumber(base.high, base.high >= 0 ? least : most)
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
function dividedNumber(a: number, b: number): number {
  return !Number.isFinite(a) ? a : Number.isFinite(b) ? floorQuotient(a, b) : a >= 0 ? 0 : -1
}

/** Beyond the safe integers sums are rounded: a low bound there is weakened. */
export function lowest(low: number): number {
  return low > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : low < -Number.MAX_SAFE_INTEGER ? -Infinity : low
}

export function highest(high: number): number {
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
