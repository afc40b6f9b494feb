/**
 * Whole-number expressions as sums of products: the form in which the prover compares and the simplifier cancels.
 *
 *     (bi * 64 + i) * k + p      ->      64 * bi * k + i * k + p
 *
 * What no polynomial can say is an atom: a variable, a rounded quotient, a remainder, a minimum ... Atoms and products
 * of atoms are made once for a table and compared by identity. Terms keep the order of the source and remember from
 * which expressions they come (`pieces`), so that text can be made of them again.
 *
 * Coefficients are safe integers; where one would leave them the whole polynomial becomes `broken`, of which nothing
 * can be proved.
 */
import { withOrigins } from './build.ts'
import type { BinaryOperator, Buffer, Expr, Variable } from './ir.ts'
import { joinOrigins, type Origins } from './origin.ts'

export interface Polynomial {
  readonly constant: number
  readonly terms: readonly Term[]
}

export interface Term {
  /** Never 0. */
  readonly coefficient: number
  readonly product: Product
  /** One for each factor, in the order of the source, which need not be that of `product.atoms`. */
  readonly pieces: readonly Piece[]
  /** An expression of the whole term. */
  readonly node: Expr | undefined
}

/** One factor as it stands in the source. */
export interface Piece { readonly atom: Atom; readonly from: Expr | Recipe }

/** How to write an atom that no expression stands for yet. */
export interface Recipe {
  readonly kind: 'recipe'
  readonly operator: BinaryOperator
  readonly left: Polynomial
  readonly right: Polynomial
  readonly origins: Origins
}

/** One or more atoms in ascending order of their numbers. */
export interface Product { readonly id: number; readonly atoms: readonly Atom[] }

export type Atom = { readonly id: number } & (
  | { readonly kind: 'variable'; readonly variable: Variable }
  /** `divisor` is at least 1. */
  | { readonly kind: 'quotient' | 'remainder'; readonly base: Polynomial; readonly divisor: Polynomial }
  | { readonly kind: 'min' | 'max' | '&' | '|' | '^'; readonly left: Polynomial; readonly right: Polynomial }
  | { readonly kind: 'select'; readonly then: Polynomial; readonly otherwise: Polynomial }
  | { readonly kind: 'opaque'; readonly low: number; readonly high: number }
)

type Shape = Atom extends infer A ? A extends { id: number } ? Omit<A, 'id'> : never : never

/** Where atoms and products get their identity. */
export interface Table {
  readonly atoms: Map<string | Variable, Atom>
  readonly products: Map<string, Product>
  readonly single: Map<Atom, Product>
  readonly buffers: Map<Buffer, number>
}

export function newTable(): Table {
  return { atoms: new Map(), products: new Map(), single: new Map(), buffers: new Map() }
}

export function variableAtom(table: Table, variable: Variable): Atom {
  return madeOnce(table, variable, { kind: 'variable', variable })
}

/** The atom of that key: a text that tells it from all others which are no variables. */
export function madeOnce(table: Table, key: string | Variable, shape: Shape): Atom {
  const known = table.atoms.get(key)
  if (known) return known
  const atom: Atom = { id: table.atoms.size, ...shape }
  table.atoms.set(key, atom)
  return atom
}

export function productOf(table: Table, atoms: readonly Atom[]): Product {
  const [first, second] = atoms
  if (first && !second) {
    const known = table.single.get(first)
    if (known) return known
    const product: Product = { id: table.single.size + table.products.size, atoms }
    table.single.set(first, product)
    return product
  }
  const sorted = atoms.toSorted((a, b) => a.id - b.id)
  const key = sorted.map(a => a.id).join('*')
  const known = table.products.get(key)
  if (known) return known
  const product: Product = { id: table.single.size + table.products.size, atoms: sorted }
  table.products.set(key, product)
  return product
}

/** The product without the atoms of `by`; undefined where it lacks one of them, `null` where none is left. */
export function productWithout(table: Table, product: Product, by: Product): Product | null | undefined {
  if (product === by) return null
  const rest = [...product.atoms]
  for (const atom of by.atoms) {
    const at = rest.indexOf(atom)
    if (at < 0) return undefined
    rest.splice(at, 1)
  }
  return rest.length === 0 ? null : productOf(table, rest)
}

// ---------------------------------------------------------------- arithmetic

export const zero: Polynomial = { constant: 0, terms: [] }
export const broken: Polynomial = { constant: Number.NaN, terms: [] }

export function whole(value: number): Polynomial {
  return value === 0 ? zero : Number.isSafeInteger(value) ? { constant: value, terms: [] } : broken
}

export function isBroken(p: Polynomial): boolean {
  return p.constant !== p.constant
}

/** The value of a polynomial that has no terms. */
export function valueOf(p: Polynomial): number | undefined {
  return p.terms.length === 0 && !isBroken(p) ? p.constant : undefined
}

export function atomPolynomial(table: Table, atom: Atom, from: Expr | Recipe): Polynomial {
  return {
    constant: 0,
    terms: [{ coefficient: 1, product: productOf(table, [atom]), pieces: [{ atom, from }], node: undefined }]
  }
}

export function productPolynomial(product: Product): Polynomial {
  return { constant: 0, terms: [{ coefficient: 1, product, pieces: [], node: undefined }] }
}

export function add(a: Polynomial, b: Polynomial): Polynomial {
  return addScaled(a, b, 1)
}

export function subtract(a: Polynomial, b: Polynomial): Polynomial {
  return addScaled(a, b, -1)
}

/** `a + factor * b` */
export function addScaled(a: Polynomial, b: Polynomial, factor: number): Polynomial {
  const constant = a.constant + factor * b.constant
  if (!Number.isSafeInteger(constant)) return broken
  if (b.terms.length === 0 || factor === 0) return withConstant(a, constant)
  if (a.terms.length === 0 && factor === 1) return withConstant(b, constant)
  const terms = [...a.terms]
  let gone = false
  for (const term of b.terms) {
    const at = terms.findIndex(t => t.product === term.product)
    const coefficient = term.coefficient * factor + (at < 0 ? 0 : terms[at]!.coefficient)
    if (!Number.isSafeInteger(coefficient)) return broken
    if (at < 0) {
      terms.push(factor === 1 ? term : { ...term, coefficient, node: undefined })
    } else {
      if (coefficient === 0) gone = true
      terms[at] = { ...terms[at]!, coefficient, pieces: joinedPieces(terms[at]!, term), node: undefined }
    }
  }
  return { constant: constant + 0, terms: gone ? terms.filter(t => t.coefficient !== 0) : terms }
}

export function addConstant(a: Polynomial, value: number): Polynomial {
  const constant = a.constant + value
  return Number.isSafeInteger(constant) ? withConstant(a, constant) : broken
}

function withConstant(a: Polynomial, constant: number): Polynomial {
  return constant === a.constant ? a : { constant: constant + 0, terms: a.terms }
}

export function scale(a: Polynomial, factor: number): Polynomial {
  if (factor === 1) return a
  if (factor === 0) return isBroken(a) ? broken : zero
  const constant = a.constant * factor
  if (!Number.isSafeInteger(constant)) return broken
  const terms = a.terms.map((t): Term => ({ ...t, coefficient: t.coefficient * factor, node: undefined }))
  return terms.every(t => Number.isSafeInteger(t.coefficient)) ? { constant: constant + 0, terms } : broken
}

/** Keeps a sum of few terms: more become `broken`. */
const mostTerms = 64

export function multiply(table: Table, a: Polynomial, b: Polynomial): Polynomial {
  if (b.terms.length === 0) return isBroken(b) ? broken : scale(a, b.constant)
  if (a.terms.length === 0) return isBroken(a) ? broken : scale(b, a.constant)
  if (a.terms.length * b.terms.length > mostTerms) return broken
  let sum = scale(a, b.constant)
  for (const right of b.terms) {
    const terms: Term[] = a.terms.map(left => ({
      coefficient: left.coefficient * right.coefficient,
      product: productOf(table, [...left.product.atoms, ...right.product.atoms]),
      pieces: [...left.pieces, ...right.pieces],
      node: undefined
    }))
    if (a.constant !== 0) terms.push({ ...right, coefficient: right.coefficient * a.constant, node: undefined })
    if (!terms.every(t => Number.isSafeInteger(t.coefficient))) return broken
    sum = addScaled(sum, { constant: 0, terms }, 1)
  }
  return sum
}

/** All coefficients and the constant are multiples of `by`. */
export function divideExactly(a: Polynomial, by: number): Polynomial {
  return {
    constant: a.constant / by + 0,
    terms: a.terms.map(t => ({ ...t, coefficient: t.coefficient / by, node: undefined }))
  }
}

/** `base = high * divisor + rest`, with as few terms in `rest` as whole steps of the division leave. */
export function longDivision(
  table: Table, base: Polynomial, divisor: Polynomial
): { high: Polynomial; rest: Polynomial } {
  let high = zero, rest = base
  for (let again = true; again;) {
    again = false
    for (const t of rest.terms) {
      for (const main of divisor.terms) {
        if (t.coefficient % main.coefficient !== 0) continue
        const product = productWithout(table, t.product, main.product)
        if (product === undefined) continue
        const factor = t.coefficient / main.coefficient
        const pieces = t.pieces.filter(p => product?.atoms.includes(p.atom))
        const step: Polynomial = product
          ? { constant: 0, terms: [{ coefficient: factor, product, pieces, node: undefined }] }
          : whole(factor)
        const left = subtract(rest, multiply(table, divisor, step))
        if (left.terms.length >= rest.terms.length || isBroken(left)) continue
        high = add(high, step)
        rest = left
        again = true
        break
      }
      if (again) break
    }
  }
  return { high, rest }
}

export function samePolynomial(a: Polynomial, b: Polynomial): boolean {
  return a.constant === b.constant && a.terms.length === b.terms.length
    && a.terms.every(t => b.terms.some(u => u.product === t.product && u.coefficient === t.coefficient))
}

/** Tells it from every other polynomial of the table. */
export function polynomialKey(p: Polynomial): string {
  const [first] = p.terms
  if (!first) return String(p.constant)
  if (p.terms.length === 1) return `${first.coefficient}.${first.product.id}+${p.constant}`
  const parts = p.terms.toSorted((a, b) => a.product.id - b.product.id).map(t => `${t.coefficient}.${t.product.id}`)
  return `${parts.join('+')}+${p.constant}`
}

/** The atom, where the polynomial is just one. */
export function onlyAtom(p: Polynomial): Atom | undefined {
  const [term] = p.terms
  return p.terms.length === 1 && p.constant === 0 && term!.coefficient === 1 && term!.product.atoms.length === 1
    ? term!.product.atoms[0]
    : undefined
}

export function greatestDivisor(a: number, b: number): number {
  let x = Math.abs(a), y = Math.abs(b)
  while (y !== 0) [x, y] = [y, x % y]
  return x
}

export function floorQuotient(a: number, b: number): number {
  const multiple = a - floorRest(a, b)
  return Number.isSafeInteger(multiple) ? multiple / b + 0 : Number((BigInt(a) - BigInt(floorRest(a, b))) / BigInt(b))
}

/** With the sign of `b`. */
export function floorRest(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0
}

/** The pieces of the first, which also come from where those of the second do. */
function joinedPieces(kept: Term, gone: Term): readonly Piece[] {
  return kept.pieces.map(piece => {
    const other = gone.pieces.find(p => p.atom === piece.atom)
    if (!other) return piece
    const { from } = piece
    const origins = joinOrigins(from.origins, other.from.origins)
    if (origins === from.origins) return piece
    return { atom: piece.atom, from: from.kind === 'recipe' ? { ...from, origins } : withOrigins(from, origins) }
  })
}
