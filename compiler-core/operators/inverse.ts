/**
 * Inverse maps: where the element `j` of an input arrives in the output. With one, an operator can be applied where the
 * input's elements are stored.
 *
 *     y[i0, i1] = x[i1, i0]                                        x[j0, j1] -> y[j1, j0]
 *     y[i0 < 14, i1 < 14] = x[i0 * 14 + i1]                        x[j] -> y[j / 14, j % 14]
 *     y[i0 < 4, i1 < 6] = x[(i0 * 6 + i1) / 4, (i0 * 6 + i1) % 4]  x[j0, j1] -> y[(j0 * 4 + j1) / 6, (j0 * 4 + j1) % 6]
 *
 * Each index is read as a number in mixed radix: `j = f(i)` gives the digits of `j`, each digit is an axis or a part of
 * some other such number, and a number whose parts are all known is known. That gives a map g from indices of the input
 * to those of the output. It is used if it is proved that g maps the input's box into the output's, that f(g(j)) = j,
 * and that both boxes have equally many elements. Then g is injective between finite sets of one size, so it is the
 * inverse of f: every element is read by exactly one element of the output.
 *
 * Where each number is exactly the sum of its digits, and each digit was met once, that is the proof already: a number
 * below the product of the radices is the sum of its digits. Otherwise f(g(j)) = j is proved by simplification.
 */
import { binary, cast, constant, ref, select, unary } from '../ir/build.ts'
import { noFacts, type Facts } from '../ir/facts.ts'
import type { Axis, Binary, Buffer, Expr, Variable } from '../ir/ir.ts'
import { prove, sameValue } from '../ir/prove.ts'
import { simplify } from '../ir/simplify.ts'
import { equalExpr, mapExpr, substitute } from '../ir/visit.ts'
import { shapeText, volume } from '../mapping/shape.ts'
import type { DeclaredInverse, Definition } from './definition.ts'
import { axisFacts, bound } from './inline.ts'

export interface InverseMap {
  /** One for each dimension of the input. */
  readonly axes: readonly Axis[]
  /** One for each dimension of the output, over `axes`. */
  readonly indices: readonly Expr[]
}

/** The proved inverse of `input[...read]` in a definition, where one is found. */
export function inferInverse(definition: Definition, input: Buffer, read: readonly Expr[]): InverseMap | undefined {
  const axes = input.shape.map((extent, d): Axis =>
    ({ variable: { name: `j${d}`, type: 'index', role: 'axis' }, extent }))
  const facts = axisFacts(definition.axes)
  for (const indices of [read, read.map(i => simplify(facts, i))]) {
    const solved = solve(definition.axes, indices, axes)
    if (!solved) continue
    const inverse = { axes, indices: solved.values.map(i => simplify(axisFacts(axes), i)) }
    const isProved = solved.isExact && sameSize(definition.axes.map(a => a.extent), input.shape)
    if (isProved || isInverse(definition, read, inverse)) return inverse
  }
  return undefined
}

export type Verdict =
  | { readonly kind: 'proved' }
  | { readonly kind: 'refuted'; readonly message: string }
  | { readonly kind: 'unknown' }

/** Whether an inverse that somebody wrote holds: by the proof above, else by trying indices. */
export function checkInverse(definition: Definition, read: readonly Expr[], inverse: DeclaredInverse): Verdict {
  return isInverse(definition, read, inverse) ? { kind: 'proved' } : tried(definition, read, inverse)
}

/** Whether two shapes have equally many elements. */
export function sameSize(a: readonly Expr[], b: readonly Expr[]): boolean {
  return sameValue(noFacts, product(a), product(b))
}

export function isOne(e: Expr): boolean {
  return e.kind === 'constant' && e.value === 1
}

function isInverse(definition: Definition, read: readonly Expr[], inverse: InverseMap): boolean {
  const facts = axisFacts(inverse.axes)
  const back = bound(definition.axes, inverse.indices)
  return sameSize(definition.axes.map(a => a.extent), inverse.axes.map(a => a.extent))
    && definition.axes.every((a, d) => isIndexOf(facts, inverse.indices[d] ?? constant(0), a.extent))
    && inverse.axes.every((a, d) => sameValue(facts, substitute(read[d] ?? constant(0), back), ref(a.variable)))
}

function isIndexOf(facts: Facts, index: Expr, extent: Expr): boolean {
  return prove(facts, binary('<=', constant(0), index)) === true && prove(facts, binary('<', index, extent)) === true
}

// ---------------------------------------------------------------- trying

const mostTries = 4096

/** Tries all indices of a small tensor, which proves or refutes; of a large one so many, which can only refute. */
function tried(definition: Definition, read: readonly Expr[], inverse: DeclaredInverse): Verdict {
  const from = inverse.axes.map(a => numberOf(a.extent)), to = definition.axes.map(a => numberOf(a.extent))
  if (!from.every(n => n !== undefined) || !to.every(n => n !== undefined)) return { kind: 'unknown' }
  const size = volume(from)
  const name = (buffer: Buffer, index: readonly unknown[]) => `\`${buffer.name}[${index.join(', ')}]\``
  if (size !== volume(to)) {
    const sizes = `\`${inverse.input.name}\` has ${size} elements, \`${inverse.output.name}\` ${volume(to)}`
    return { kind: 'refuted', message: `${sizes}: there is no inverse map.` }
  }
  for (let k = 0; k < Math.min(size, mostTries); k++) {
    const index = unflatten(size <= mostTries ? k : (k * 2654435761) % size, from)
    const arrived = inverse.indices.map(i => valueOf(i, inverse.axes, index))
    const source = name(inverse.input, index), target = name(inverse.output, arrived.map(n => n ?? '?'))
    if (!arrived.every((n, d) => n !== undefined && n >= 0 && n < (to[d] ?? 1))) {
      const message = `${source} would arrive in ${target}, which is outside of its shape ${shapeText(to)}.`
      return { kind: 'refuted', message }
    }
    const back = read.map(i => valueOf(i, definition.axes, arrived.map(Number)))
    if (back.some(n => n === undefined)) return { kind: 'unknown' }
    if (!back.every((n, d) => n === index[d])) {
      const message = `${source} would arrive in ${target}, which reads ${name(inverse.input, back)}.`
      return { kind: 'refuted', message }
    }
  }
  return size <= mostTries ? { kind: 'proved' } : { kind: 'unknown' }
}

function unflatten(position: number, shape: readonly number[]): readonly number[] {
  let rest = position
  return shape.toReversed().map(extent => {
    const digit = rest % extent
    rest = Math.floor(rest / extent)
    return digit
  }).toReversed()
}

/** The value of an index expression where the axes have these values; undefined if it mentions anything else. */
function valueOf(e: Expr, axes: readonly Axis[], index: readonly number[]): number | undefined {
  const known = bound(axes, index.map(n => constant(n)))
  return numberOf(mapExpr(substitute(e, known), part => {
    switch (part.kind) {
      case 'binary': return binary(part.operator, part.left, part.right)
      case 'unary': return unary(part.operator, part.operand)
      case 'select': return select(part.condition, part.then, part.otherwise)
      case 'cast': return cast(part.value, part.type)
      default: return part
    }
  }))
}

function numberOf(e: Expr): number | undefined {
  return e.kind === 'constant' ? Number(e.value) : undefined
}

// ---------------------------------------------------------------- digits

interface Solved {
  readonly values: readonly Expr[]
  /** All numbers are the sums of their digits, and no digit was met twice. */
  readonly isExact: boolean
}

/** The value of each axis of the output that makes its read equal to `axes` of the input; undefined: not found. */
function solve(output: readonly Axis[], read: readonly Expr[], axes: readonly Axis[]): Solved | undefined {
  const facts = axisFacts(output)
  let isExact = true
  const known = new Map<Variable, Expr>()
  const numbers: { readonly whole: Expr; readonly parts: Part[]; solved: boolean }[] = []
  for (const [d, axis] of axes.entries()) solveNumber(read[d] ?? constant(0), ref(axis.variable), axis.extent)
  const values = output.map(a => known.get(a.variable) ?? (isOne(a.extent) ? constant(0) : undefined))
  return values.every(v => v !== undefined) ? { values, isExact } : undefined

  /** Learns from `number = value`, which is at least 0 and below `limit`. */
  function solveNumber(number: Expr, value: Expr, limit: Expr): void {
    const radix = digitsOf(number)
    isExact &&= radix !== undefined && same(radix.size, limit) && same(radix.lowest, constant(0))
    if (!radix) return
    const highest = plus(radix.lowest, minus(radix.size, constant(1)))
    const position = radix.isFalling ? minus(highest, value) : minus(value, radix.lowest)
    for (const [d, { atom, place, size }] of radix.digits.entries()) {
      const shifted = over(position, place)
      learn(atom, d + 1 === radix.digits.length ? shifted : modulo(shifted, size))
    }
  }

  /** A sum of scaled digits, the lowest first, each counting what those below it can be. */
  function digitsOf(number: Expr): Radix | undefined {
    const sum = sumOf(number)
    const isFalling = sum.terms.every(t => t.coefficient.kind === 'constant' && t.coefficient.value < 0)
    let terms = (isFalling ? scaled(sum, constant(-1)) : sum).terms.map(t => ({ ...t, size: sizeOf(t.atom) }))
    terms = terms.filter(t => !t.size || !isOne(t.size))
    const digits: Digit[] = []
    let size: Expr = constant(1)
    while (terms.length > 0) {
      const next = terms.find(t => same(t.coefficient, size))
      if (!next?.size) return undefined
      terms = terms.filter(t => t !== next)
      digits.push({ atom: next.atom, place: size, size: next.size })
      size = times(size, next.size)
    }
    const lowest = isFalling ? minus(sum.rest, minus(size, constant(1))) : sum.rest
    return { digits, size, lowest, isFalling }
  }

  /** Learns from the value of one digit: an axis, or a part of another number. */
  function learn(atom: Expr, value: Expr): void {
    if (atom.kind === 'variable') {
      isExact &&= !known.has(atom.variable)
      known.set(atom.variable, value)
      return
    }
    const part = partOf(atom)
    isExact &&= part.isExact
    let number = numbers.find(n => equalExpr(n.whole, part.whole))
    if (!number) numbers.push(number = { whole: part.whole, parts: [], solved: false })
    if (part.size) number.parts.push({ from: part.from, size: part.size, value })
    isExact &&= !number.solved
    const size = sizeOf(number.whole), joined = number.solved || !size ? undefined : join(number.parts, size)
    if (!size || !joined) return
    number.solved = true
    isExact &&= joined.left === 0
    solveNumber(number.whole, joined.sum, size)
  }

  /** The number whose parts cover all of its values, and how many parts are left. */
  function join(parts: readonly Part[], size: Expr): { readonly sum: Expr; readonly left: number } | undefined {
    let place: Expr = constant(1), sum: Expr = constant(0), left = [...parts]
    while (!same(place, size)) {
      const next = left.find(p => same(p.from, place))
      if (!next) return undefined
      left = left.filter(p => p !== next)
      sum = binary('+', times(next.value, place), sum)
      place = times(place, next.size)
    }
    return { sum, left: left.length }
  }

  /** `(L / 4) % 14` is the part of L from 4 on with 14 values. */
  function partOf(e: Expr): PartOf {
    if (!isPart(e)) {
      return { whole: e, from: constant(1), size: sizeOf(e), isLimited: false, isExact: true }
    }
    const inner = partOf(e.left), quotient = inner.size && parts(inner.size, e.right)
    const divides = inner.size && quotient && same(times(quotient, e.right), inner.size)
    const isExact = inner.isExact && (!inner.isLimited || divides === true)
    return e.operator === '/'
      ? { ...inner, from: times(inner.from, e.right), size: quotient, isExact }
      : { ...inner, size: e.right, isLimited: true, isExact }
  }

  /** How many values an expression has, from 0 on; undefined where that is not known. */
  function sizeOf(e: Expr): Expr | undefined {
    if (e.kind === 'variable') return output.find(a => a.variable === e.variable)?.extent
    if (isPart(e)) return partOf(e).size
    const radix = isSum(e) ? digitsOf(e) : undefined
    return radix && same(radix.lowest, constant(0)) ? radix.size : undefined
  }

  function isSum(e: Expr): boolean {
    return !sumOf(e).terms.some(t => t.atom === e)
  }

  function same(a: Expr, b: Expr): boolean {
    return equalExpr(a, b) || sameValue(facts, a, b)
  }

  /** An expression as a sum of scaled digits and what mentions no axis. */
  function sumOf(e: Expr): Sum {
    if (!mentionsAxis(e)) return { rest: e, terms: [] }
    if (e.kind === 'binary' && (e.operator === '+' || e.operator === '-')) {
      const left = sumOf(e.left), right = e.operator === '+' ? sumOf(e.right) : scaled(sumOf(e.right), constant(-1))
      return { rest: plus(left.rest, right.rest), terms: [...left.terms, ...right.terms] }
    }
    if (e.kind === 'unary' && e.operator === '-') return scaled(sumOf(e.operand), constant(-1))
    if (e.kind === 'binary' && e.operator === '*' && !mentionsAxis(e.right)) return scaled(sumOf(e.left), e.right)
    if (e.kind === 'binary' && e.operator === '*' && !mentionsAxis(e.left)) return scaled(sumOf(e.right), e.left)
    return { rest: constant(0), terms: [{ coefficient: constant(1), atom: e }] }
  }

  function isPart(e: Expr): e is Binary {
    return e.kind === 'binary' && (e.operator === '/' || e.operator === '%') && !mentionsAxis(e.right)
  }

  function mentionsAxis(e: Expr): boolean {
    switch (e.kind) {
      case 'constant': return false
      case 'variable': return output.some(a => a.variable === e.variable)
      case 'binary': return mentionsAxis(e.left) || mentionsAxis(e.right)
      default: return true
    }
  }
}

/** `value` is `number / from % size`. */
interface Part { readonly from: Expr; readonly size: Expr; readonly value: Expr }
/** A part before its value is known. */
interface PartOf {
  readonly whole: Expr
  readonly from: Expr
  /** Undefined: not known. */
  readonly size: Expr | undefined
  /** By a remainder: what is above is cut off, which is exact only where sizes divide. */
  readonly isLimited: boolean
  readonly isExact: boolean
}
interface Digit { readonly atom: Expr; readonly place: Expr; readonly size: Expr }
interface Radix {
  /** The lowest first. */
  readonly digits: readonly Digit[]
  /** How many values the number has. */
  readonly size: Expr
  /** The lowest of them. */
  readonly lowest: Expr
  /** The digits are subtracted: all of them 0 make the highest value. */
  readonly isFalling: boolean
}
interface Sum {
  readonly rest: Expr
  readonly terms: ReadonlyArray<{ readonly coefficient: Expr; readonly atom: Expr }>
}

function scaled(sum: Sum, by: Expr): Sum {
  return {
    rest: times(sum.rest, by), terms: sum.terms.map(t => ({ ...t, coefficient: times(t.coefficient, by) }))
  }
}

/** How many parts of size `b` cover `a`; symbolic factors cancel. */
function parts(a: Expr, b: Expr): Expr {
  const left = [...factorsOf(a)]
  let constants = 1
  for (const factor of factorsOf(b)) {
    const at = left.findIndex(f => equalExpr(f, factor))
    if (at >= 0) left.splice(at, 1)
    else if (factor.kind === 'constant') constants *= Number(factor.value)
    else return over(plus(a, minus(b, constant(1))), b)
  }
  const rest = product(left)
  return constants === 1 ? rest : over(plus(rest, constant(constants - 1)), constant(constants))
}

function factorsOf(e: Expr): readonly Expr[] {
  return e.kind === 'binary' && e.operator === '*' ? [...factorsOf(e.left), ...factorsOf(e.right)] : [e]
}

function product(factors: readonly Expr[]): Expr {
  return factors.reduce<Expr>((n, f) => times(n, f), constant(1))
}

function plus(a: Expr, b: Expr): Expr {
  return binary('+', a, b)
}

function minus(a: Expr, b: Expr): Expr {
  return binary('-', a, b)
}

function times(a: Expr, b: Expr): Expr {
  return binary('*', a, b)
}

function over(a: Expr, b: Expr): Expr {
  return binary('/', a, b)
}

function modulo(a: Expr, b: Expr): Expr {
  return binary('%', a, b)
}
