/**
 * Rewrites an expression into what an expert would write in its place, of the same value wherever the facts hold.
 *
 *     (bi * 64 + warp * 32 + k) / 32 % 2          0 <= warp < 2, 0 <= k < 32      ->  warp
 *     threadIdx.x / 8 * 8 + threadIdx.x % 8 + 0                                   ->  threadIdx.x
 *     i + 3 < 7 && (i < n || true)                                                ->  i < 4
 *
 * Whole-number arithmetic has a normal form (normal.ts). It is written out where that takes fewer operations than the
 * source; otherwise the source's own order and grouping stay. Floats are left alone but for exact folding, and `let`
 * variables keep their names unless their value makes a subexpression shorter. A division by zero has no value, so it
 * need not be kept.
 */
import { binary, cast, constant, isWhole, not, ref, select, unary, withOrigins } from './build.ts'
import { assuming, rooted } from './facts.ts'
import type { Binary, Expr, Variable } from './ir.ts'
import { memoOf, type Facts } from './knowledge.ts'
import { normalOf, tidy } from './normal.ts'
import { joinOrigins, type Origins } from './origin.ts'
import {
  divideExactly, floorQuotient, greatestDivisor, isBroken, polynomialKey, samePolynomial, scale, subtract, valueOf,
  whole,
  type Atom, type Piece, type Polynomial, type Recipe, type Term
} from './polynomial.ts'
import { truthOf } from './prove.ts'
import { childrenOf, mapChildren, someExpr } from './visit.ts'

export function simplify(facts: Facts, e: Expr): Expr {
  return visit(rooted(facts), e)
}

function visit(facts: Facts, e: Expr): Expr {
  if (e.kind === 'constant') return e
  const { simplified } = memoOf(facts)
  const known = simplified.get(e)
  if (known) return known
  const result = rewritten(facts, e)
  simplified.set(e, result)
  return result
}

function rewritten(facts: Facts, e: Expr): Expr {
  if (e.type === 'bool') return ofCondition(facts, e)
  if (e.kind === 'select') return ofSelect(facts, e)
  const plain = rebuilt(mapChildren(e, child => visit(facts, child)), e)
  return isWhole(e.type) ? shortest(facts, e, plain) : plain
}

/** The node with what needs no facts folded. */
function rebuilt(e: Expr, before: Expr): Expr {
  switch (e.kind) {
    case 'binary': return same(binary(e.operator, e.left, e.right, e.origins), before)
    case 'unary': return same(unary(e.operator, e.operand, e.origins), before)
    case 'cast': return same(cast(e.value, e.type, e.origins), before)
    default: return e
  }
}

/** `before`, where the node says the same with the same children. */
function same(e: Expr, before: Expr): Expr {
  if (e.kind !== before.kind || e.type !== before.type || e.origins !== before.origins) return e
  if (e.kind === 'binary' && before.kind === 'binary' && e.operator !== before.operator) return e
  if (e.kind === 'constant' || e.kind === 'variable') return e
  const now = childrenOf(e), then = childrenOf(before)
  return now.length === then.length && now.every((child, i) => child === then[i]) ? before : e
}

function ofSelect(facts: Facts, e: Expr & { kind: 'select' }): Expr {
  const condition = visit(facts, e.condition)
  if (condition.kind === 'constant') {
    return select(condition, visit(facts, e.then), visit(facts, e.otherwise), e.origins)
  }
  const then = visit(assuming(facts, e.condition), e.then)
  const otherwise = visit(assuming(facts, e.condition, false), e.otherwise)
  if (condition === e.condition && then === e.then && otherwise === e.otherwise) return e
  const plain = select(condition, then, otherwise, e.origins)
  return e.type === 'index' ? shortest(facts, e, plain) : plain
}

// ---------------------------------------------------------------- whole numbers

/** The normal form where it is shorter. Of types with a size only constants and the operands themselves. */
function shortest(facts: Facts, e: Expr, plain: Expr): Expr {
  if (plain.kind === 'constant') return plain
  const kept = normalOf(facts, e, 'kept')
  const value = valueOf(kept)
  if (value !== undefined) return constant(value, e.type, joinOrigins(e.origins, plain.origins))
  if (e.type !== 'index') return ofSizedType(facts, e, plain, kept)
  const cost = costOf(facts, plain)
  const candidate = isPlain(facts, e, kept) ? undefined : cheaper(facts, e, kept, cost)
  if (candidate) return candidate
  const open = normalOf(facts, e, 'open')
  if (open === kept || (e.kind !== 'binary') || !mentionsLet(facts, e)) return plain
  const divides = e.operator === '/' || e.operator === '%'
  return divides || open.terms.length < kept.terms.length ? cheaper(facts, e, open, cost) ?? plain : plain
}

/** Has the normal form no less to write than those of the operands together? */
function isPlain(facts: Facts, e: Expr, p: Polynomial): boolean {
  if (e.kind !== 'binary' || e.left.kind === 'constant') return false
  const left = normalOf(facts, e.left, 'kept'), right = normalOf(facts, e.right, 'kept')
  const [only] = p.terms
  switch (e.operator) {
    case '+':
    case '-':
      return p.terms.length === left.terms.length + right.terms.length
        && p.terms.every((t, i) => t.product === (left.terms[i] ?? right.terms[i - left.terms.length])!.product)
        && (left.constant === 0 || (right.constant === 0 && right.terms.length === 0))
    case '*':
      return right.terms.length === 0 && left.constant === 0
        && left.terms.every(t => t.coefficient === 1)
    case '/':
    case '%': {
      const isOne = p.terms.length === 1 && p.constant === 0 && only!.coefficient === 1
      const from = isOne ? only!.pieces[0]?.from : undefined
      return from?.kind === 'recipe' && only!.pieces.length === 1 && from.left === left && from.operator === e.operator
        && samePolynomial(from.right, right)
    }
    default: return false
  }
}

function cheaper(facts: Facts, e: Expr, p: Polynomial, cost: number): Expr | undefined {
  const writer: Writer = { facts, root: e, origins: e.origins }
  if (!p.terms.some(t => t.product.atoms.length > 1) && polynomialCost(writer, p) >= cost) return undefined
  const written = write(writer, p)
  return written && costOf(facts, written) < cost ? written : undefined
}

function ofSizedType(facts: Facts, e: Expr, plain: Expr, p: Polynomial): Expr {
  const key = polynomialKey(p)
  const operand = childrenOf(plain).find(child => child.type === e.type && isWhole(child.type)
    && polynomialKey(normalOf(facts, child, 'kept')) === key)
  return operand && plain.kind === 'binary' ? withOrigins(operand, joinOrigins(operand.origins, e.origins)) : plain
}

function mentionsLet(facts: Facts, e: Expr): boolean {
  return someExpr(e, node => node.kind === 'variable' && facts.variables.get(node.variable)?.value !== undefined)
}

// ---------------------------------------------------------------- costs

const costs: Readonly<Record<Binary['operator'], number>> = {
  '+': 1, '-': 1, '*': 1, min: 1, max: 1, '&': 1, '|': 1, '^': 1, '<<': 1, '>>': 1,
  '<': 1, '<=': 1, '==': 1, '!=': 1, '&&': 1, '||': 1, '/': 2, '%': 2
}
/** By what is not a constant. */
const divisionCost = 12

function costOf(facts: Facts, e: Expr): number {
  if (e.kind === 'constant' || e.kind === 'variable') return 0
  const known = memoOf(facts).costs.get(e)
  if (known !== undefined) return known
  const cost = e.kind === 'binary'
    ? binaryCost(e) + costOf(facts, e.left) + costOf(facts, e.right)
    : childrenOf(e).reduce((sum, child) => sum + costOf(facts, child), ownCost[e.kind])
  memoOf(facts).costs.set(e, cost)
  return cost
}

const ownCost = { unary: 1, cast: 1, select: 2, load: 4, call: 8, reduce: 8 }

/** A constant on the left side costs a little: it reads better on the right one. */
function binaryCost({ operator, left, right }: Binary): number {
  const misplaced = left.kind === 'constant' && (operator === '+' || operator === '*') ? 0.5 : 0
  return operatorCost(operator, right.kind === 'constant') + misplaced
}

function operatorCost(operator: Binary['operator'], byConstant: boolean): number {
  return (operator === '/' || operator === '%') && !byConstant ? divisionCost : costs[operator]
}

/** Of writing it as a sum of products. */
function polynomialCost(writer: Writer, p: Polynomial): number {
  if (isBroken(p)) return Infinity
  let cost = Math.max(0, p.terms.length - 1) + (p.constant !== 0 && p.terms.length > 0 ? 1 : 0)
  for (const t of p.terms) {
    cost += t.product.atoms.length - 1 + (t.coefficient === 1 || t.coefficient === -1 ? 0 : 1)
    for (const atom of t.product.atoms) cost += atomCost(writer, pieceOf(t, atom))
  }
  return p.terms.length > 0 && p.terms.every(t => t.coefficient < 0) && p.constant === 0 ? cost + 1 : cost
}

function atomCost(writer: Writer, piece: Piece | undefined): number {
  const { facts } = writer
  if (!piece) return 0
  const { from } = piece
  if (from.kind !== 'recipe') return from === writer.root ? 0 : costOf(facts, visit(facts, from))
  const known = memoOf(facts).costs.get(from)
  if (known !== undefined) return known
  const cost = operatorCost(from.operator, from.right.terms.length === 0)
    + polynomialCost(writer, from.left) + polynomialCost(writer, from.right)
  memoOf(facts).costs.set(from, cost)
  return cost
}

// ---------------------------------------------------------------- writing

interface Writer {
  readonly facts: Facts
  /** What is being rewritten: it cannot stand in its own rewriting. */
  readonly root: Expr
  /** Of new nodes. */
  readonly origins: Origins
}

/** Undefined where that needs the root itself. */
function write(writer: Writer, p: Polynomial): Expr | undefined {
  if (isBroken(p)) return undefined
  const { origins } = writer
  const parts = groups(writer, p.terms)
  if (!parts) return undefined
  const positive = parts.findIndex(part => !part.negative)
  const ordered = positive > 0 ? [parts[positive]!, ...parts.filter((_, i) => i !== positive)] : parts
  const [first, ...others] = ordered
  if (!first) return constant(p.constant, 'index', origins)
  if (first.negative && p.constant > 0) {
    const positiveFirst: Expr = constant(p.constant, 'index', origins)
    return ordered.reduce<Expr>((sum, part) => binary('-', sum, part.e, origins), positiveFirst)
  }
  const start = first.negative ? unary('-', first.e, origins) : first.e
  const sum = others.reduce((left, part) => binary(part.negative ? '-' : '+', left, part.e, origins), start)
  return binary('+', sum, constant(p.constant, 'index', origins), origins)
}

interface Part { readonly e: Expr; readonly negative: boolean }

/** Terms with a common symbol become one part: `r * m * k + i * k` is `(r * m + i) * k`. */
function groups(writer: Writer, terms: readonly Term[]): readonly Part[] | undefined {
  const common = mostCommon(terms)
  const parts: Part[] = []
  let grouped = false
  for (const t of terms) {
    if (common && t.product.atoms.includes(common)) {
      if (grouped) continue
      grouped = true
      const part = group(writer, terms, common)
      if (!part) return undefined
      parts.push(part)
    } else {
      const e = writeTerm(writer, t)
      if (!e) return undefined
      parts.push({ e, negative: t.coefficient < 0 })
    }
  }
  return parts
}

function group(writer: Writer, terms: readonly Term[], common: Atom): Part | undefined {
  const members = terms.filter(t => t.product.atoms.includes(common))
  let inner: Polynomial = whole(0)
  for (const t of members) {
    const left = withoutOne(writer, t, common)
    inner = { constant: inner.constant + left.constant, terms: [...inner.terms, ...left.terms] }
  }
  const negative = inner.terms.length > 0 && inner.terms.every(t => t.coefficient < 0) && inner.constant <= 0
  const factor = write(writer, negative ? scale(inner, -1) : inner)
  const symbol = writePiece(writer, common, pieceOf(members[0]!, common))
  return factor && symbol && { e: binary('*', factor, symbol, writer.origins), negative }
}

function withoutOne({ facts }: Writer, t: Term, atom: Atom): Polynomial {
  const at = t.product.atoms.indexOf(atom)
  const atoms = t.product.atoms.filter((_, i) => i !== at)
  if (atoms.length === 0) return whole(t.coefficient)
  const gone = t.pieces.findIndex(p => p.atom === atom)
  const key = atoms.map(a => a.id).join('*')
  const product = atoms.length === 1 ? facts.table.single.get(atoms[0]!) : facts.table.products.get(key)
  return {
    constant: 0,
    terms: [{
      coefficient: t.coefficient, product: product ?? { id: -1, atoms }, node: undefined,
      pieces: t.pieces.filter((_, i) => i !== gone)
    }]
  }
}

/** An atom of several terms of which at least one has another factor too. */
function mostCommon(terms: readonly Term[]): Atom | undefined {
  if (!terms.some(t => t.product.atoms.length > 1)) return undefined
  const counts = new Map<Atom, number>()
  for (const t of terms) for (const atom of new Set(t.product.atoms)) counts.set(atom, (counts.get(atom) ?? 0) + 1)
  let best: Atom | undefined
  for (const [atom, count] of counts) if (count > 1 && count > (best ? counts.get(best)! : 1)) best = atom
  return best
}

/** Its absolute value. */
function writeTerm(writer: Writer, t: Term): Expr | undefined {
  const { facts, root, origins } = writer
  if (t.node && t.node !== root && t.coefficient > 0) return visit(facts, t.node)
  const atoms = [...t.product.atoms]
  const ordered: Array<[Atom, Piece | undefined]> = []
  for (const piece of t.pieces) {
    const at = atoms.indexOf(piece.atom)
    if (at >= 0) ordered.push([...atoms.splice(at, 1), piece] as [Atom, Piece])
  }
  for (const atom of atoms) ordered.push([atom, undefined])
  let e: Expr | undefined
  for (const [atom, piece] of ordered) {
    const factor = writePiece(writer, atom, piece)
    if (!factor) return undefined
    e = e ? binary('*', e, factor, origins) : factor
  }
  return e && binary('*', e, constant(Math.abs(t.coefficient), 'index', origins), origins)
}

function pieceOf(t: Term, atom: Atom): Piece | undefined {
  return t.pieces.find(p => p.atom === atom)
}

function writePiece(writer: Writer, atom: Atom, piece: Piece | undefined): Expr | undefined {
  const { facts, root } = writer
  const from = piece?.from
  if (from && from.kind !== 'recipe') {
    if (from === root) return undefined
    const e = visit(facts, from)
    return e.type === 'index' ? e : cast(e, 'index', e.origins)
  }
  if (from) return writeRecipe(writer, from)
  switch (atom.kind) {
    case 'variable': return variableAsIndex(atom.variable)
    case 'quotient': case 'remainder': {
      const operator = atom.kind === 'quotient' ? '/' : '%'
      return writeBinary(writer, operator, atom.base, atom.divisor, writer.origins)
    }
    case 'min': case 'max': case '&': case '|': case '^':
      return writeBinary(writer, atom.kind, atom.left, atom.right, writer.origins)
    case 'select': case 'opaque': return undefined
  }
}

function writeRecipe(writer: Writer, { operator, left, right, origins }: Recipe): Expr | undefined {
  return writeBinary(writer, operator, left, right, origins)
}

function writeBinary(
  writer: Writer, operator: Binary['operator'], left: Polynomial, right: Polynomial, origins: Origins
): Expr | undefined {
  const from: Writer = { ...writer, origins }
  const l = write(from, left), r = write(from, right)
  return l && r && binary(operator, l, r, origins)
}

function variableAsIndex(variable: Variable): Expr {
  return cast(ref(variable), 'index')
}

// ---------------------------------------------------------------- conditions

function ofCondition(facts: Facts, e: Expr): Expr {
  switch (e.kind) {
    case 'binary': return ofBinaryCondition(facts, e)
    case 'unary': {
      const operand = visit(facts, e.operand)
      return operand === e.operand && operand.kind !== 'constant' && operand.kind !== 'binary'
        ? e
        : not(operand, e.origins)
    }
    case 'select': return decided(facts, e) ?? ofSelect(facts, e)
    case 'variable': return decided(facts, e) ?? e
    default: {
      const plain = rebuilt(mapChildren(e, child => visit(facts, child)), e)
      return plain.kind === 'constant' ? plain : decided(facts, plain) ?? plain
    }
  }
}

function ofBinaryCondition(facts: Facts, e: Binary): Expr {
  switch (e.operator) {
    case '&&':
    case '||': {
      const and = e.operator === '&&'
      const left = visit(facts, e.left)
      if (left.kind === 'constant') {
        return (left.value !== 0) === and ? visit(facts, e.right) : left
      }
      const right = visit(assuming(facts, e.left, and), e.right)
      if (right.kind !== 'constant' && isTotal(right) && truthOf(assuming(facts, right, and), left, 'quick') === and) {
        return withOrigins(right, joinOrigins(right.origins, e.origins))
      }
      return same(binary(e.operator, left, right, e.origins), e)
    }
    case '<': case '<=': case '==': case '!=': {
      const known = decided(facts, e)
      if (known) return known
      const plain = rebuilt(mapChildren(e, child => visit(facts, child)), e)
      return isWhole(e.left.type) && plain.kind === 'binary' ? shorterComparison(facts, e, plain) : plain
    }
    default: return rebuilt(mapChildren(e, child => visit(facts, child)), e)
  }
}

function decided(facts: Facts, e: Expr): Expr | undefined {
  const truth = truthOf(facts, e, 'quick')
  return truth === undefined ? undefined : constant(truth ? 1 : 0, 'bool', e.origins)
}

/** Without loads and divisions that a condition may have kept from being evaluated. */
function isTotal(e: Expr): boolean {
  return !someExpr(e, node => node.kind === 'load'
    || (node.kind === 'binary' && (node.operator === '/' || node.operator === '%') && node.right.kind !== 'constant'))
}

/** What stands on both sides is taken from both: `i + 3 < n + 3` is `i < n`, and `i * 4 < 14` is `i < 4`. */
function shorterComparison(facts: Facts, e: Binary, plain: Binary): Expr {
  if (e.left.type !== 'index') return plain
  const { operator, origins } = e
  const gap = tidy(facts, subtract(normalOf(facts, e.right, 'kept'), normalOf(facts, e.left, 'kept')))
  if (isBroken(gap) || gap.terms.length === 0) return plain
  const reduced = withoutCommonFactor(gap, operator)
  if (!reduced) return constant(operator === '!=' ? 1 : 0, 'bool', origins)
  const cost = costOf(facts, plain)
  const writer: Writer = { facts, root: e, origins }
  const ordered = reduced.terms
  const right: Polynomial = { constant: Math.max(reduced.constant, 0), terms: ordered.filter(t => t.coefficient > 0) }
  const left = scale({ constant: Math.min(reduced.constant, 0), terms: ordered.filter(t => t.coefficient < 0) }, -1)
  const sides = balanced(left, right)
  if (polynomialCost(writer, sides.left) + polynomialCost(writer, sides.right) + 1 >= cost) return plain
  const l = write(writer, sides.left), r = write(writer, sides.right)
  if (!l || !r) return plain
  const written = binary(operator, l, r, origins)
  return costOf(facts, written) < cost ? written : plain
}

/** A number alone moves to the side on which it is compared: `0 < n - 3` is `3 < n`, `i - 4 < 0` is `i < 4`. */
function balanced(left: Polynomial, right: Polynomial): { left: Polynomial; right: Polynomial } {
  const constantGap = right.constant - left.constant
  if (left.terms.length === 0) return { left: whole(-constantGap), right: { ...right, constant: 0 } }
  if (right.terms.length === 0) return { left: { ...left, constant: 0 }, right: whole(constantGap) }
  return { left, right }
}

/** Undefined where an equality has no solution. */
function withoutCommonFactor(p: Polynomial, operator: Binary['operator']): Polynomial | undefined {
  const common = p.terms.reduce((divisor, t) => greatestDivisor(divisor, t.coefficient), 0)
  if (common <= 1) return p
  const terms: Polynomial = { constant: 0, terms: p.terms }
  const divided = divideExactly(terms, common)
  switch (operator) {
    // p > 0 and p >= 0, rounded to whole multiples
    case '<': return { ...divided, constant: -floorQuotient(-p.constant, common) }
    case '<=': return { ...divided, constant: floorQuotient(p.constant, common) }
    default: return p.constant % common === 0 ? { ...divided, constant: p.constant / common } : undefined
  }
}
