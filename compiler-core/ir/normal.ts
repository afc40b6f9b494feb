/**
 * The polynomial of an expression under the facts of its place, with quotients and remainders reduced.
 *
 * Digits are what this is about: where the low part of a sum stays inside of one block of the divisor, division takes
 * the high part and remainder the low one, at every scale that the divisor has.
 *
 *     (warp * 64 + row * 8 + k) / 8 % 4,  0 <= row < 4, 0 <= k < 8      ->  row
 *     x / 8 * 8 + x % 8                                                 ->  x
 */
import { isWhole, typeRange } from './build.ts'
import { isNonNegative, thoroughLow, type Effort } from './elimination.ts'
import type { Binary, Expr } from './ir.ts'
import { anything, intervalOf, lowOf, memoOf, multipleOf, type Facts, type Interval } from './knowledge.ts'
import type { Origins } from './origin.ts'
import {
  add, addConstant, addScaled, atomPolynomial, broken, divideExactly, floorQuotient, floorRest, greatestDivisor,
  isBroken, longDivision, madeOnce, multiply, onlyAtom, polynomialKey, productPolynomial, productWithout,
  samePolynomial, scale, subtract, valueOf, variableAtom, whole, zero,
  type Atom, type Polynomial, type Recipe, type Term
} from './polynomial.ts'

/** `kept`: `let` variables as they are. `open`: their values in their place. */
type Mode = 'kept' | 'open'

/** Of an expression of a whole type or `bool`. Never broken. */
export function normalOf(facts: Facts, e: Expr, mode: Mode): Polynomial {
  const memo = memoOf(facts)[mode]
  const known = memo.get(e)
  if (known) return known
  const found = find(facts, e, mode)
  const sure = isBroken(found) || !fitsType(facts, e, found) ? opaque(facts, e, mode) : found
  memo.set(e, sure)
  return sure
}

/** Arithmetic of a type with a size is that of whole numbers where nothing overflows. */
function fitsType(facts: Facts, e: Expr, p: Polynomial): boolean {
  if (e.type === 'index' || e.kind === 'variable') return true
  const range = typeRange(e.type) ?? anything, { low, high } = intervalOf(facts, p)
  return low >= range.low && high <= range.high
}

function find(facts: Facts, e: Expr, mode: Mode): Polynomial {
  switch (e.kind) {
    case 'constant': return typeof e.value === 'number' ? whole(e.value) : broken
    case 'variable': {
      const sum = mode === 'open' ? facts.variables.get(e.variable)?.sum : undefined
      return sum ?? fromAtom(facts, variableAtom(facts.table, e.variable), e)
    }
    case 'binary': return isWhole(e.left.type) ? ofBinary(facts, e, mode) : broken
    case 'unary': {
      if (e.operator === '!') return broken
      const operand = scale(normalOf(facts, e.operand, mode), -1)
      return e.operator === '-' ? operand : addConstant(operand, -1)
    }
    case 'cast': {
      if (!isWhole(e.value.type) || e.type === 'bool') return broken
      return normalOf(facts, e.value, mode)
    }
    case 'select': return ofSelect(facts, e.condition, e, mode)
    case 'load':
    case 'call':
    case 'reduce': return broken
  }
}

function ofBinary(facts: Facts, e: Binary, mode: Mode): Polynomial {
  if (e.type === 'bool') return broken
  const left = normalOf(facts, e.left, mode), right = normalOf(facts, e.right, mode)
  switch (e.operator) {
    case '+': return tidy(facts, add(left, right))
    case '-': return tidy(facts, subtract(left, right))
    case '*': {
      const product = multiply(facts.table, left, right)
      const [term] = product.terms
      return product.terms.length === 1 && product.constant === 0 && term!.node === undefined
        ? { constant: 0, terms: [{ ...term!, node: e }] }
        : product
    }
    case '/': return quotient(facts, left, right, e.origins) ?? broken
    case '%': return remainder(facts, left, right, e.origins) ?? broken
    case 'min':
    case 'max': return extreme(facts, e.operator, left, right, e.origins)
    case '&': case '|': case '^': return bits(facts, e.operator, left, right, e.origins)
    case '<<': {
      const by = valueOf(right)
      return by !== undefined && by >= 0 && by < 53 ? scale(left, 2 ** by) : broken
    }
    case '>>': {
      const by = valueOf(right)
      if (by === undefined || by < 0 || by >= 53) return broken
      return quotient(facts, left, whole(2 ** by), e.origins) ?? broken
    }
    case '<': case '<=': case '==': case '!=': case '&&': case '||': return broken
  }
}

function ofSelect(facts: Facts, condition: Expr, e: Expr & { kind: 'select' }, mode: Mode): Polynomial {
  const then = normalOf(facts, e.then, mode), otherwise = normalOf(facts, e.otherwise, mode)
  if (samePolynomial(then, otherwise)) return then
  if (condition.kind === 'binary' && isWhole(condition.left.type)) {
    const left = normalOf(facts, condition.left, mode), right = normalOf(facts, condition.right, mode)
    if (condition.operator === '<' || condition.operator === '<=') {
      const { low, high } = intervalOf(facts, subtract(right, left))
      const least = condition.operator === '<' ? 1 : 0
      if (low >= least) return then
      if (high < least) return otherwise
      if (samePolynomial(then, left) && samePolynomial(otherwise, right)) {
        return extreme(facts, 'min', left, right, e.origins)
      }
      if (samePolynomial(then, right) && samePolynomial(otherwise, left)) {
        return extreme(facts, 'max', left, right, e.origins)
      }
    }
  }
  const key = `s${keyOf(facts, condition, mode)}?${polynomialKey(then)}:${polynomialKey(otherwise)}`
  return fromAtom(facts, madeOnce(facts.table, key, { kind: 'select', then, otherwise }), e)
}

function opaque(facts: Facts, e: Expr, mode: Mode): Polynomial {
  const { low, high } = typeRange(e.type) ?? anything
  return fromAtom(facts, madeOnce(facts.table, `o${structuralKey(facts, e, mode)}`, { kind: 'opaque', low, high }), e)
}

function fromAtom(facts: Facts, atom: Atom, from: Expr | Recipe): Polynomial {
  const p = atomPolynomial(facts.table, atom, from)
  const { low, high } = intervalOf(facts, p)
  return low === high ? whole(low) : p
}

// ---------------------------------------------------------------- keys

/** Equal keys: equal values. For expressions of any type. */
export function keyOf(facts: Facts, e: Expr, mode: Mode): string {
  return isWhole(e.type) && e.type !== 'bool'
    ? `${e.type}(${polynomialKey(normalOf(facts, e, mode))})`
    : structuralKey(facts, e, mode)
}

function structuralKey(facts: Facts, e: Expr, mode: Mode): string {
  const all = (children: readonly Expr[]) => children.map(c => keyOf(facts, c, mode)).join(',')
  switch (e.kind) {
    case 'constant': return `${e.type}:${Object.is(e.value, -0) ? '-0' : e.value}`
    case 'variable': {
      const value = mode === 'open' ? facts.variables.get(e.variable)?.value : undefined
      return value ? keyOf(facts, value, mode) : `v${variableAtom(facts.table, e.variable).id}`
    }
    case 'binary': return `(${e.operator} ${all([e.left, e.right])})`
    case 'unary': return `(${e.operator} ${all([e.operand])})`
    case 'select': return `(if ${all([e.condition, e.then, e.otherwise])})`
    case 'cast': return `(${e.type} ${all([e.value])})`
    case 'load': {
      const { buffers } = facts.table
      const number = buffers.get(e.buffer) ?? buffers.size
      buffers.set(e.buffer, number)
      return `b${number}[${all(e.indices)}${e.outside ? `;${all([e.outside])}` : ''}]`
    }
    case 'call': return `${e.intrinsic}(${all(e.args)})`
    case 'reduce': {
      const axes = e.axes.map(a => `${variableAtom(facts.table, a.variable).id}<${keyOf(facts, a.extent, mode)}`)
      return `${e.reducer}[${axes.join(',')}](${e.type} ${all([e.body])})`
    }
  }
}

// ---------------------------------------------------------------- quotients and remainders

/** Rounded down; undefined where the divisor may be 0 or its sign is not known. */
function quotient(
  facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins
): Polynomial | undefined {
  const by = valueOf(divisor)
  if (by !== undefined) {
    return by > 0 ? quotientByNumber(facts, base, by, origins)
      : by < 0 ? quotientByNumber(facts, scale(base, -1), -by, origins) : undefined
  }
  const { low, high } = intervalOf(facts, divisor)
  if (low >= 1) return quotientBySum(facts, base, divisor, origins)
  return high <= -1 ? quotientBySum(facts, scale(base, -1), scale(divisor, -1), origins) : undefined
}

/** With the sign of the divisor; undefined where that may be 0 or its sign is not known. */
function remainder(
  facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins
): Polynomial | undefined {
  const by = valueOf(divisor)
  if (by !== undefined) {
    return by > 0 ? remainderByNumber(facts, base, by, origins)
      : by < 0 ? scale(remainderByNumber(facts, scale(base, -1), -by, origins), -1) : undefined
  }
  const { low, high } = intervalOf(facts, divisor)
  if (low >= 1) return remainderBySum(facts, base, divisor, origins)
  return high <= -1 ? scale(remainderBySum(facts, scale(base, -1), scale(divisor, -1), origins), -1) : undefined
}

function quotientByNumber(facts: Facts, base: Polynomial, by: number, origins: Origins): Polynomial {
  if (by === 1 || isBroken(base)) return base
  const { multiples, rest } = parted(base, by)
  const high = divideExactly({ constant: 0, terms: multiples }, by)
  if (rest.terms.length === 0) return addConstant(high, floorQuotient(rest.constant, by))
  const block = blockOf(facts, rest, by)
  if (block !== undefined) return addConstant(high, block)
  for (const step of commonSteps(rest, by)) {
    const digits = parted(rest, step)
    const low = blockOf(facts, digits.rest, step)
    if (low !== undefined) {
      const upper = addConstant(divideExactly({ constant: 0, terms: digits.multiples }, step), low)
      return tidy(facts, add(high, quotientByNumber(facts, upper, by / step, origins)))
    }
  }
  const { pulled, left } = reduced(rest, by)
  if (pulled) return add(add(high, pulled), quotientByNumber(facts, left, by, origins))
  const plain = roundedDown(facts, rest, whole(by), origins)
  const opened = withoutRemainders(facts, rest)
  if (opened === rest) return add(high, plain)
  const other = quotientByNumber(facts, opened, by, origins)
  return add(high, divisionsIn(other) < divisionsIn(plain) ? other : plain)
}

/** `p = pulled * by + left`, where the numbers in `left` are less than `by`; undefined where they are in `p`. */
function reduced(p: Polynomial, by: number): { pulled: Polynomial | undefined; left: Polynomial } {
  const shift = floorQuotient(p.constant, by)
  if (shift === 0 && p.terms.every(t => Math.abs(t.coefficient) < by)) return { pulled: undefined, left: p }
  const great = p.terms.filter(t => Math.abs(t.coefficient) > by)
  const pulled = great.map(t => ({ ...t, coefficient: Math.trunc(t.coefficient / by), node: undefined }))
  return {
    pulled: { constant: shift, terms: pulled },
    left: {
      constant: p.constant - shift * by,
      terms: p.terms.map(t => (great.includes(t) ? { ...t, coefficient: t.coefficient % by, node: undefined } : t))
    }
  }
}

function remainderByNumber(facts: Facts, base: Polynomial, by: number, origins: Origins): Polynomial {
  if (by === 1) return zero
  if (isBroken(base)) return base
  const terms = base.terms.flatMap(t => {
    const known = t.coefficient * multipleOf(facts, t.product)
    if (Number.isSafeInteger(known) && known % by === 0) return []
    return Math.abs(t.coefficient) < by ? [t] : [{ ...t, coefficient: t.coefficient % by, node: undefined }]
  })
  const rest: Polynomial = { constant: floorRest(base.constant, by), terms }
  const direct = within(facts, rest, by) ?? within(facts, base, by)
  if (direct) return direct
  for (const step of commonSteps(rest, by)) {
    const digits = parted(rest, step)
    const block = blockOf(facts, digits.rest, step)
    if (block !== undefined) {
      const upper = addConstant(divideExactly({ constant: 0, terms: digits.multiples }, step), block)
      const lower = addConstant(digits.rest, -block * step)
      return tidy(facts, add(scale(remainderByNumber(facts, upper, by / step, origins), step), lower))
    }
  }
  const inner = rest.terms.find(t => {
    const atom = t.product.atoms[0]!
    return t.product.atoms.length === 1 && atom.kind === 'remainder'
      && rest.terms.length === 1
      && (t.coefficient * (valueOf(atom.divisor) ?? Number.NaN)) % by === 0
  })
  if (inner) {
    const atom = inner.product.atoms[0] as Atom & { kind: 'remainder' }
    const opened = addScaled({ ...rest, terms: rest.terms.filter(t => t !== inner) }, atom.base, inner.coefficient)
    return remainderByNumber(facts, opened, by, origins)
  }
  return rested(facts, rest, whole(by), origins)
}

/** Where the value lies in one block of the divisor, the remainder is a difference. */
function within(facts: Facts, p: Polynomial, by: number): Polynomial | undefined {
  const block = blockOf(facts, p, by)
  return block === undefined ? undefined : addConstant(p, -block * by)
}

/** The one value that `p / by` has, if it has only one. */
function blockOf(facts: Facts, p: Polynomial, by: number): number | undefined {
  if (p.terms.length === 0) return floorQuotient(p.constant, by)
  const { low, high } = intervalOf(facts, p)
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high)) return undefined
  const block = floorQuotient(low, by)
  return block === floorQuotient(high, by) ? block : undefined
}

/** The terms that `by` divides, and all others with the constant. */
function parted(p: Polynomial, by: number): { multiples: readonly Term[]; rest: Polynomial } {
  const multiples = p.terms.filter(t => t.coefficient % by === 0)
  return multiples.length === 0
    ? { multiples, rest: p }
    : { multiples, rest: { constant: p.constant, terms: p.terms.filter(t => t.coefficient % by !== 0) } }
}

/** Divisors of `by` at which the sum may part into high and low digits, the greatest first. */
function commonSteps(p: Polynomial, by: number): readonly number[] {
  const steps = new Set<number>()
  for (const t of p.terms) {
    const common = greatestDivisor(t.coefficient, by)
    if (common > 1) {
      steps.add(common)
      for (const other of [...steps]) if (greatestDivisor(common, other) > 1) steps.add(greatestDivisor(common, other))
    }
  }
  return [...steps].sort((a, b) => b - a)
}

/** The divisor is at least 1. */
function quotientBySum(facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins): Polynomial {
  if (isBroken(base)) return base
  if (divisor.terms.length === 0) return quotientByNumber(facts, base, divisor.constant, origins)
  const { high, rest } = longDivision(facts.table, base, divisor)
  if (isBetween(facts, rest, divisor)) return high
  if (rest.terms.length === 0 && rest.constant < 0 && lowOf(facts, divisor) >= -rest.constant) {
    return addConstant(high, -1)
  }
  const [main] = divisor.terms
  if (divisor.terms.length === 1 && divisor.constant === 0) {
    if (main!.coefficient > 1) {
      const first = quotientByNumber(facts, rest, main!.coefficient, origins)
      if (!first.terms.some(t => t.product.atoms.some(atom => atom.kind === 'quotient'))) {
        const factors: Polynomial = { constant: 0, terms: [{ ...main!, coefficient: 1, node: undefined }] }
        return add(high, quotientBySum(facts, first, factors, origins))
      }
    }
    for (const part of digitsAt(facts, rest, divisor)) {
      return add(high, quotientBySum(facts, part.high, part.divisor, origins))
    }
  }
  return add(high, roundedDown(facts, rest, divisor, origins))
}

/** The divisor is at least 1. */
function remainderBySum(facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins): Polynomial {
  if (isBroken(base)) return base
  if (divisor.terms.length === 0) return remainderByNumber(facts, base, divisor.constant, origins)
  const { rest } = longDivision(facts.table, base, divisor)
  if (isBetween(facts, rest, divisor)) return rest
  if (rest.terms.length === 0 && rest.constant < 0 && lowOf(facts, divisor) >= -rest.constant) return add(rest, divisor)
  if (divisor.terms.length === 1 && divisor.constant === 0) {
    for (const part of digitsAt(facts, rest, divisor)) {
      const upper = remainderBySum(facts, part.high, part.divisor, origins)
      return tidy(facts, add(multiply(facts.table, upper, part.step), part.low))
    }
  }
  const inner = onlyAtom(rest)
  if (inner?.kind === 'remainder' && evenQuotient(facts, inner.divisor, divisor)) {
    return remainderBySum(facts, inner.base, divisor, origins)
  }
  return rested(facts, rest, divisor, origins)
}

interface Parted {
  readonly high: Polynomial
  readonly low: Polynomial
  readonly step: Polynomial
  readonly divisor: Polynomial
}

/** `p = high * step + low` with `0 <= low < step`, where `step * divisor` is the divisor. */
function* digitsAt(facts: Facts, p: Polynomial, divisor: Polynomial): Generator<Parted> {
  const [main] = divisor.terms
  if (main!.product.atoms.length === 1 && main!.coefficient === 1) return
  for (const atom of new Set(main!.product.atoms)) {
    const single = facts.table.single.get(atom)!
    const pieces = main!.pieces.filter(piece => piece.atom === atom).slice(0, 1)
    const step: Polynomial = { constant: 0, terms: [{ coefficient: 1, product: single, pieces, node: undefined }] }
    const upper = p.terms.filter(t => t.product.atoms.includes(atom))
    if (upper.length === 0 || lowOf(facts, step) < 1) continue
    const low: Polynomial = { constant: p.constant, terms: p.terms.filter(t => !upper.includes(t)) }
    if (!isBetween(facts, low, step)) continue
    yield {
      high: longDivision(facts.table, { constant: 0, terms: upper }, step).high, low, step,
      divisor: longDivision(facts.table, divisor, step).high
    }
  }
}

function isBetween(facts: Facts, p: Polynomial, divisor: Polynomial): boolean {
  if (p.terms.length === 0 && p.constant === 0) return true
  return isAtLeastZero(facts, p, 'quick') && isAtLeastZero(facts, addConstant(subtract(divisor, p), -1), 'quick')
}

/** Undefined where a rest is left. */
function evenQuotient(facts: Facts, p: Polynomial, divisor: Polynomial): Polynomial | undefined {
  const { high, rest } = longDivision(facts.table, p, divisor)
  return rest.terms.length === 0 && rest.constant === 0 ? high : undefined
}

/** The atom of a quotient, through quotients and remainders of its base. The divisor is at least 1. */
function roundedDown(facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins): Polynomial {
  const { table } = facts
  const part = innerQuotient(base)
  if (part) {
    const { term, atom } = part
    const all = multiply(table, atom.divisor, divisor)
    const others: Polynomial = { constant: base.constant, terms: base.terms.filter(t => t !== term) }
    const numerator = add(multiply(table, others, atom.divisor), atom.base)
    const merged = isBroken(all) || isBroken(numerator) ? undefined : quotient(facts, numerator, all, origins)
    if (merged) return merged
  }
  const inner = onlyAtom(base)
  if (inner?.kind === 'remainder') {
    const by = valueOf(divisor), modulus = valueOf(inner.divisor)
    const left = by !== undefined && modulus !== undefined
      ? modulus % by === 0 ? whole(modulus / by) : undefined
      : evenQuotient(facts, inner.divisor, divisor)
    const upper = left && quotient(facts, inner.base, divisor, origins)
    const digit = upper && remainder(facts, upper, left, origins)
    if (digit) return digit
  }
  if (divisor.terms.length === 0 && leading(base).coefficient < 0) {
    const opposite = addConstant(subtract(divisor, base), -1)
    const rounded = isBroken(opposite) ? undefined : quotient(facts, opposite, divisor, origins)
    if (rounded) return scale(rounded, -1)
  }
  const key = `${polynomialKey(base)}/${polynomialKey(divisor)}`
  const atom = madeOnce(table, key, { kind: 'quotient', base, divisor })
  return fromAtom(facts, atom, { kind: 'recipe', operator: '/', left: base, right: divisor, origins })
}

/** `(a + x / b) / c` is `(a * b + x) / (b * c)`. */
function innerQuotient(base: Polynomial): { term: Term; atom: Divided } | undefined {
  let found: { term: Term; atom: Divided } | undefined
  for (const term of base.terms) {
    const [atom, more] = term.product.atoms
    if (term.coefficient === 1 && !more && atom!.kind === 'quotient' && !(found && found.atom.id < atom!.id)) {
      found = { term, atom: atom as Divided }
    }
  }
  return found
}

/** One of the terms, whatever their order. */
function leading(p: Polynomial): Term {
  return p.terms.reduce((a, b) => (b.product.id < a.product.id ? b : a))
}

/** The atom of a remainder. The divisor is at least 1. */
function rested(facts: Facts, base: Polynomial, divisor: Polynomial, origins: Origins): Polynomial {
  const key = `${polynomialKey(base)}%${polynomialKey(divisor)}`
  const atom = madeOnce(facts.table, key, { kind: 'remainder', base, divisor })
  return fromAtom(facts, atom, { kind: 'recipe', operator: '%', left: base, right: divisor, origins })
}

/** Puts digits of one value together: `x / 8 * 8 + x % 8` and what else takes fewer terms. */
export function tidy(facts: Facts, p: Polynomial): Polynomial {
  if (p.terms.length < 2) return p
  for (const term of p.terms) {
    for (const atom of term.product.atoms) {
      const better = atom.kind === 'remainder' ? joinRemainder(facts, p, term, atom)
        : atom.kind === 'quotient' ? joinQuotient(facts, p, term, atom) : undefined
      if (better && isLess(better, p)) return tidy(facts, better)
    }
  }
  return p
}

/** Fewer divisions, or as many and fewer terms: what ends the search for something better. */
function isLess(a: Polynomial, b: Polynomial): boolean {
  const gained = divisionsIn(b) - divisionsIn(a)
  return !isBroken(a) && (gained > 0 || (gained === 0 && a.terms.length < b.terms.length))
}

function isDivided(t: Term): boolean {
  return t.product.atoms.some(atom => atom.kind === 'quotient' || atom.kind === 'remainder')
}

/** How many quotients and remainders there are, at any depth. */
function divisionsIn(p: Polynomial): number {
  let count = 0
  for (const { product } of p.terms) {
    for (const atom of product.atoms) {
      if (atom.kind === 'quotient' || atom.kind === 'remainder') {
        count += 1 + divisionsIn(atom.base) + divisionsIn(atom.divisor)
      }
    }
  }
  return count
}

type Divided = Atom & { kind: 'remainder' | 'quotient' }

/** Base and divisor of the atom with the pieces that they have at this place. */
function writtenAs(term: Term, atom: Divided): { base: Polynomial; divisor: Polynomial } {
  const from = term.pieces.find(p => p.atom === atom)?.from
  return from?.kind === 'recipe' ? { base: from.left, divisor: from.right } : atom
}

function originsOf(term: Term, atom: Atom): Origins {
  return term.pieces.find(p => p.atom === atom)?.from.origins ?? []
}

function joinRemainder(facts: Facts, p: Polynomial, term: Term, atom: Divided): Polynomial | undefined {
  const { table } = facts
  if (!p.terms.some(t => t !== term && isDivided(t)) && !sharesTerms(atom.base, p)) return undefined
  const { base, divisor } = writtenAs(term, atom)
  const above = quotientOf(facts, atom)
  if (!above) return undefined
  const rest = productWithout(table, term.product, table.single.get(atom)!)
  const times = (q: Polynomial) => scale(rest ? multiply(table, q, productPolynomial(rest)) : q, term.coefficient)
  const others: Polynomial = { constant: p.constant, terms: p.terms.filter(t => t !== term) }
  const multiples = times(multiply(table, divisor, above))
  const joined = subtract(add(others, times(base)), multiples)
  if (joined.terms.length < p.terms.length) return joined
  const isThere = (t: Term) => others.terms.some(u => u.product === t.product && u.coefficient === t.coefficient)
  if (divisionsIn(joined) < divisionsIn(p) && multiples.terms.every(t => !isDivided(t) || isThere(t))) return joined
  const by = valueOf(divisor)
  if (by === undefined || rest) return undefined
  for (const next of others.terms) {
    const [digit, more] = next.product.atoms
    if (more || digit!.kind !== 'remainder' || next.coefficient !== term.coefficient * by) continue
    const modulus = valueOf(digit!.divisor), own = remainder(facts, above, digit!.divisor, [])
    if (modulus === undefined || !own || onlyAtom(own) !== digit) continue
    const both = remainder(facts, base, whole(by * modulus), originsOf(term, atom))
    return both && addScaled({ ...others, terms: others.terms.filter(t => t !== next) }, both, term.coefficient)
  }
  return undefined
}

/** Of the base and the divisor of a remainder. */
function quotientOf(facts: Facts, atom: Divided): Polynomial | undefined {
  const { above } = memoOf(facts)
  const known = above.get(atom)
  if (known) return known
  const found = quotient(facts, atom.base, atom.divisor, [])
  if (found) above.set(atom, found)
  return found
}

function sharesTerms(a: Polynomial, b: Polynomial): boolean {
  return a.terms.some(t => b.terms.some(u => u.product === t.product))
}

function joinQuotient(facts: Facts, p: Polynomial, term: Term, atom: Divided): Polynomial | undefined {
  const { table } = facts
  const by = valueOf(atom.divisor)
  if (by === undefined || term.coefficient % by !== 0) return undefined
  const factor = -term.coefficient / by
  const rest = productWithout(table, term.product, table.single.get(atom)!)
  if (!rest && !sharesTerms(atom.base, p)) return undefined
  const { base, divisor } = writtenAs(term, atom)
  const below = remainder(facts, base, divisor, originsOf(term, atom))
  if (!below) return undefined
  const times = (q: Polynomial) => scale(rest ? multiply(table, q, productPolynomial(rest)) : q, factor)
  const others: Polynomial = { constant: p.constant, terms: p.terms.filter(t => t !== term) }
  const joined = add(subtract(others, times(base)), times(below))
  return joined.terms.length < p.terms.length ? joined : undefined
}

/** Every remainder by its base and quotient: with that, equal sums of digits have one form. */
export function withoutRemainders(facts: Facts, p: Polynomial): Polynomial {
  const { table } = facts
  for (const term of p.terms) {
    const atom = term.product.atoms.find((a): a is Divided => a.kind === 'remainder')
    if (!atom) continue
    const above = quotientOf(facts, atom)
    if (!above) continue
    const rest = productWithout(table, term.product, table.single.get(atom)!)
    const value = scale(subtract(atom.base, multiply(table, atom.divisor, above)), term.coefficient)
    const others: Polynomial = { constant: p.constant, terms: p.terms.filter(t => t !== term) }
    const opened = add(others, rest ? multiply(table, value, productPolynomial(rest)) : value)
    return isBroken(opened) ? p : withoutRemainders(facts, opened)
  }
  return p
}

// ---------------------------------------------------------------- bounds

/** Is it at least 0 wherever the facts hold? `false`: not known. */
export function isAtLeastZero(facts: Facts, p: Polynomial, effort: Effort): boolean {
  if (lowOf(facts, p) >= 0) return true
  const tidied = tidy(facts, p)
  const { low, high } = intervalOf(facts, tidied)
  return low >= 0 || (high >= 0 && isNonNegative(facts, withoutRemainders(facts, p), effort))
}

/** By intervals and elimination. */
export function boundsOf(facts: Facts, p: Polynomial): Interval {
  const { low, high } = intervalOf(facts, tidy(facts, p))
  const opened = withoutRemainders(facts, p)
  return {
    low: Math.max(low, thoroughLow(facts, opened)), high: Math.min(high, -thoroughLow(facts, scale(opened, -1))) + 0
  }
}

// ---------------------------------------------------------------- minima and bits

function extreme(
  facts: Facts, operator: 'min' | 'max', left: Polynomial, right: Polynomial, origins: Origins
): Polynomial {
  if (samePolynomial(left, right)) return left
  const gap = subtract(right, left)
  if (isAtLeastZero(facts, gap, 'quick')) return operator === 'min' ? left : right
  if (isAtLeastZero(facts, scale(gap, -1), 'quick')) return operator === 'min' ? right : left
  const keys = [polynomialKey(left), polynomialKey(right)].sort()
  const atom = madeOnce(facts.table, `${operator} ${keys.join(',')}`, { kind: operator, left, right })
  return fromAtom(facts, atom, { kind: 'recipe', operator, left, right, origins })
}

function bits(
  facts: Facts, operator: '&' | '|' | '^', left: Polynomial, right: Polynomial, origins: Origins
): Polynomial {
  const a = valueOf(left), b = valueOf(right)
  if (a !== undefined && b !== undefined) return whole(Number(bitsOf(operator, BigInt(a), BigInt(b))))
  if (samePolynomial(left, right)) return operator === '^' ? zero : left
  if (a === 0) return operator === '&' ? zero : right
  if (b === 0) return operator === '&' ? zero : left
  if (operator === '&') {
    if (b !== undefined && isMask(b)) return remainderByNumber(facts, left, b + 1, origins)
    if (a !== undefined && isMask(a)) return remainderByNumber(facts, right, a + 1, origins)
  }
  for (const step of powersIn(left, right)) {
    const x = parted(left, step), y = parted(right, step)
    if (!isDigit(facts, x.rest, step) || !isDigit(facts, y.rest, step)) continue
    const [xHigh, yHigh] = [x, y].map(d => divideExactly({ constant: 0, terms: d.multiples }, step))
    const parts = [xHigh!, yHigh!, x.rest, y.rest]
    if (!parts.some(part => valueOf(part) === 0)) continue
    const high = bits(facts, operator, xHigh!, yHigh!, origins), low = bits(facts, operator, x.rest, y.rest, origins)
    return add(scale(high, step), low)
  }
  const keys = [polynomialKey(left), polynomialKey(right)].sort()
  const atom = madeOnce(facts.table, `${operator} ${keys.join(',')}`, { kind: operator, left, right })
  return fromAtom(facts, atom, { kind: 'recipe', operator, left, right, origins })
}

function bitsOf(operator: '&' | '|' | '^', a: bigint, b: bigint): bigint {
  return operator === '&' ? a & b : operator === '|' ? a | b : a ^ b
}

function isMask(value: number): boolean {
  return value > 0 && value < 2 ** 52 && Number.isInteger(Math.log2(value + 1))
}

function isDigit(facts: Facts, p: Polynomial, step: number): boolean {
  const { low, high } = intervalOf(facts, p)
  return low >= 0 && high < step
}

/** Powers of two that divide a coefficient, the greatest first. */
function powersIn(...sums: readonly Polynomial[]): readonly number[] {
  const powers = sums.flatMap(p => p.terms).map(t => greatestDivisor(t.coefficient, 2 ** 30)).filter(n => n > 1)
  return [...new Set(powers)].sort((a, b) => b - a)
}

