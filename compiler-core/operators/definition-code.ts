/**
 * A definition as JavaScript: a function of an element's number that computes its value and how far that may be off.
 *
 *     y[i < 4] = sum[p < 3] a[i, p] * b[p]
 *     function (element) {
 *       const t0 = element
 *       let s = 0, m = 0, e = 0, w = true
 *       for (let t1 = 0; t1 < 3; t1++) { const t2 = V0[t0 * 3 + t1] * V1[t1]; s += t2; m += Math.abs(t2); ... }
 *       values[element] = s; errors[element] = w && m <= 16777216 ? -... : ...
 *     }
 *
 * Extents are numbers by now, so most of what indexes is known within limits: what lies inside of its tensor is not
 * checked. Errors that are 0 whatever the inputs are not computed. The rules for errors are in errors.ts; those of
 * rounding are here, since they are the inner loop.
 */
import { isFloat, isWhole, typeRange } from '../ir/build.ts'
import type {
  Axis, Binary, Buffer, Cast, Expr, IntrinsicCall, Load, Reduce, Select, Type, Unary, Variable
} from '../ir/ir.ts'
import type { Definition } from './definition.ts'
import * as errors from './errors.ts'
import {
  fits, floatFormats, functions, isFloatName, roundTo, type FloatName, type FunctionName
} from './floats.ts'

/**
 * A tensor's elements, row-major, as far as they are known: element `i` is in place `i`, or of a very large tensor in
 * place `i % values.length`.
 */
export interface Elements {
  readonly shape: readonly number[]
  readonly values: Float64Array
  /** Undefined: all are exact. */
  readonly errors: Float64Array | undefined
  /**
   * Undefined: all elements are known. Else 1 + the number of the element in each place, or just 1 if there is a place
   * for every element; `compute` puts an element into its place.
   */
  readonly known: Uint8Array | Float64Array | undefined
  readonly compute: (element: number) => void
}

/** Computes the elements of a definition into `values` and `errors`. `tensors`: what it may read. */
export function compiledDefinition(
  definition: Definition, tensors: ReadonlyMap<Buffer, Elements>, extents: ReadonlyMap<Variable, number>,
  values: Float64Array, errorValues: Float64Array
): (element: number) => void {
  const code: Code = { lines: [], tensors, read: new Map(), names: 0 }
  const known = new Map([...extents].map(([v, x]) => [v, exact(x)]))
  const shape = definition.axes.map(a => pointOf(term(code, a.extent, known)))
  const variables = new Map(known)
  let rest: Term = { value: 'element', error: '0', low: 0, high: sizeOf(shape) - 1 }
  for (const [d, axis] of [...definition.axes.entries()].toReversed()) {
    const extent = exact(shape[d]!)
    variables.set(axis.variable, d === 0 ? rest : named(code, wholeBinary(code, '%', rest, extent, 'index')))
    if (d > 0) rest = named(code, wholeBinary(code, '/', rest, extent, 'index'))
  }
  const result = term(code, definition.value, variables)
  const place = values.length < sizeOf(shape) ? keep(code, `element % ${values.length}`) : 'element'
  code.lines.push(`values[${place}] = ${result.value}`, `errors[${place}] = ${result.error}`)
  const read = [...code.read.keys()].map(buffer => tensors.get(buffer)!)
  const parameters = read.map((_, n) => `V${n}, E${n}, K${n}, F${n}, `).join('')
  const library = Object.keys(runtime).join(', ')
  // see evaluate.ts: numbers are all that comes from outside
  const make = new Function(
    `{ ${library} }`, `[${parameters}]`, 'values', 'errors', `return element => {\n${code.lines.join('\n')}\n}`
  ) as (...parts: unknown[]) => (element: number) => void
  return make(runtime, read.flatMap(t => [t.values, t.errors, t.known, t.compute]), values, errorValues)
}

/** The extents of a tensor as numbers. */
export function shapeOf(shape: readonly Expr[], extents: ReadonlyMap<Variable, number>): readonly number[] {
  const code: Code = { lines: [], tensors: new Map(), read: new Map(), names: 0 }
  const known = new Map([...extents].map(([v, x]) => [v, exact(x)]))
  return shape.map(e => pointOf(term(code, e, known)))
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((n, d) => n * d, 1)
}

/** What the generated code calls. */
const runtime = {
  ...errors, fits, bitsOf, isPowerOfTwo,
  ...Object.fromEntries(Object.entries(functions).flatMap(([name, f]) =>
    [[`${name}_value`, f.value], [`${name}_spread`, f.spread]]))
}

// ---------------------------------------------------------------- the parts of code

interface Code {
  readonly lines: string[]
  readonly tensors: ReadonlyMap<Buffer, Elements>
  /** The tensors that are read, and their numbers in the code. */
  readonly read: Map<Buffer, number>
  names: number
}

/** A number in the code: names or literals. */
interface Term {
  readonly value: string
  /** How far it may be off; `0`: never; below 0, of numbers with a fraction alone: as errors.ts says. */
  readonly error: string
  /** Between them lies the value of a whole type. */
  readonly low: number
  readonly high: number
}

type Variables = ReadonlyMap<Variable, Term>

function exact(value: number): Term {
  return { value: value < 0 || Object.is(value, -0) ? `(${literal(value)})` : literal(value), error: '0', low: value, high: value }
}

function literal(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A value with a fraction, or one that nothing is known of. */
function anyTerm(value: string, error: string): Term {
  return { value, error, low: -Infinity, high: Infinity }
}

function within(value: string, error: string, low: number, high: number): Term {
  return low === high && error === '0' ? exact(low) : { value, error, low, high }
}

/** The one value that the term has. */
function pointOf(t: Term): number {
  return t.low === t.high ? t.low : Number.NaN
}

function fresh(c: Code): string {
  return `t${c.names++}`
}

function keep(c: Code, text: string): string {
  if (/^[\w.]+$/.test(text)) return text
  const name = fresh(c)
  c.lines.push(`const ${name} = ${text}`)
  return name
}

/** The same term with its value computed once. */
function named(c: Code, t: Term): Term {
  return { ...t, value: keep(c, t.value), error: keep(c, t.error) }
}

function added(...terms: readonly string[]): string {
  const some = terms.filter(t => t !== '0')
  return some.length === 0 ? '0' : some.join(' + ')
}

/** `0` where both errors are, else the call. */
function errorCall(name: keyof typeof errors, a: Term, b: Term, ...first: readonly string[]): string {
  return a.error === '0' && b.error === '0'
    ? '0'
    : `${name}(${[...first, a.value, a.error, b.value, b.error].join(', ')})`
}

// ---------------------------------------------------------------- expressions

function term(c: Code, e: Expr, variables: Variables): Term {
  switch (e.kind) {
    case 'constant': return constantTerm(e.type, e.value)
    case 'variable': return variables.get(e.variable) ?? anyTerm('NaN', 'Infinity')
    case 'binary': return binaryTerm(c, e, variables)
    case 'unary': return unaryTerm(c, e, variables)
    case 'select': return selectTerm(c, e, variables)
    case 'cast': return castTerm(c, e, variables)
    case 'load': return loadTerm(c, e, variables)
    case 'call': return callTerm(c, e, variables)
    case 'reduce': return reduceTerm(c, e, variables)
  }
}

function constantTerm(type: Type, value: number | bigint): Term {
  const number = Number(value)
  if (isFloat(type)) return { ...anyTerm('', '0'), value: exact(roundTo(type as FloatName, number)).value }
  return BigInt(value) === BigInt(number) && Number.isSafeInteger(number) ? exact(number) : anyTerm(literal(number), 'Infinity')
}

function binaryTerm(c: Code, e: Binary, variables: Variables): Term {
  const { operator, type } = e
  if (operator === '&&' || operator === '||') return logicTerm(c, e, variables)
  if ((operator === '+' || operator === '-') && isFloatName(type)) return explicitSum(c, type, addends(c, e, variables))
  const a = term(c, e.left, variables), b = term(c, e.right, variables)
  switch (operator) {
    case '<': case '<=': case '==': case '!=': return comparison(c, operator, a, b)
    case 'min': case 'max': return extreme(c, operator, a, b)
    case '*':
      return isFloatName(type) ? floatProduct(c, a, b, type) : wholeBinary(c, operator, a, b, type)
    case '/':
      return isFloatName(type)
        ? floatQuotient(c, a, b, type, isSumOfFunctions(e.right))
        : wholeBinary(c, operator, a, b, type)
    case '+': case '-': case '%': case '&': case '|': case '^': case '<<': case '>>': return wholeBinary(c, operator, a, b, type)
  }
}

function comparison(c: Code, operator: '<' | '<=' | '==' | '!=', a: Term, b: Term): Term {
  const always = operator === '<' ? a.high < b.low : operator === '<=' ? a.high <= b.low : false
  const never = operator === '<' ? b.high <= a.low : operator === '<=' ? b.high < a.low : false
  if (a.error === '0' && b.error === '0' && (always || never)) return exact(Number(always))
  const symbol = operator === '==' || operator === '!=' ? `${operator}=` : operator
  return { value: keep(c, `${a.value} ${symbol} ${b.value} ? 1 : 0`), error: keep(c, errorCall('orderError', a, b)), low: 0, high: 1 }
}

function extreme(c: Code, operator: 'min' | 'max', a: Term, b: Term): Term {
  const [bound, symbol, sign] = operator === 'max' ? [Math.max, '>', '1'] as const : [Math.min, '<', '-1'] as const
  const low = bound(a.low, b.low), high = bound(a.high, b.high)
  if (low === high && a.error === '0' && b.error === '0') return exact(low)
  const value = keep(c, `${b.value} ${symbol} ${a.value} || ${a.value} !== ${a.value} ? ${b.value} : ${a.value}`)
  return { value, error: keep(c, errorCall('extremeError', a, b, sign)), low, high }
}

/** The right side is evaluated where it matters. */
function logicTerm(c: Code, e: Binary, variables: Variables): Term {
  const a = term(c, e.left, variables), decided = e.operator === '&&' ? 0 : 1
  if (a.low === a.high) return a.low === decided ? a : term(c, e.right, variables)
  const value = fresh(c), error = fresh(c)
  c.lines.push(`let ${value} = ${decided}, ${error} = 0`)
  c.lines.push(`if (${a.value} !== ${decided} || ${a.error} !== 0) {`)
  const b = term(c, e.right, variables)
  c.lines.push(
    `if (${a.value} !== ${decided}) ${value} = ${b.value}`,
    `${error} = ${a.value} !== ${decided} && ${a.error} === 0 ? ${b.error}`
    + ` : ${b.value} === ${decided} && ${b.error} === 0 ? 0 : 1`, '}')
  return { value, error: a.error === '0' && b.error === '0' ? '0' : error, low: 0, high: 1 }
}

function unaryTerm(c: Code, e: Unary, variables: Variables): Term {
  const a = term(c, e.operand, variables)
  switch (e.operator) {
    case '!': return within(keep(c, `1 - ${a.value}`), a.error, 1 - a.high, 1 - a.low)
    case '-':
      return isFloat(e.type)
        ? anyTerm(keep(c, `-${a.value}`), a.error)
        : wrapped(c, e.type, within(keep(c, `-${a.value}`), a.error, -a.high, -a.low))
    case '~': {
      const range = typeRange(e.type)!
      return range.low === 0
        ? within(keep(c, `${range.high} - ${a.value}`), a.error, 0, range.high)
        : within(keep(c, `-1 - ${a.value}`), a.error, -1 - a.high, -1 - a.low)
    }
  }
}

/** Where the condition is not certain, both sides are evaluated. */
function selectTerm(c: Code, e: Select, variables: Variables): Term {
  const condition = term(c, e.condition, variables)
  if (condition.low === condition.high && condition.error === '0') {
    return term(c, condition.low !== 0 ? e.then : e.otherwise, variables)
  }
  const isCertain = condition.error === '0'
  const side = (test: string, part: Expr): Term => {
    const value = fresh(c), error = fresh(c)
    c.lines.push(`let ${value} = 0, ${error} = 0`)
    c.lines.push(`if (${condition.value} ${test} 0${isCertain ? '' : ` || ${condition.error} !== 0`}) {`)
    const inner = term(c, part, variables)
    c.lines.push(`${value} = ${inner.value}`, `${error} = ${inner.error}`, '}')
    return { ...inner, value, error: inner.error === '0' ? '0' : error }
  }
  const a = side('!==', e.then), b = side('===', e.otherwise)
  const low = Math.min(a.low, b.low), high = Math.max(a.high, b.high)
  const value = keep(c, `${condition.value} !== 0 ? ${a.value} : ${b.value}`)
  const chosen = a.error === '0' && b.error === '0' ? '0' : `${condition.value} !== 0 ? ${a.error} : ${b.error}`
  if (isCertain) return { value, error: keep(c, chosen), low, high }
  const both = (x: Term, y: Term) => `choiceError(${x.value}, ${x.error}, ${y.value}, ${y.error})`
  const error = `${condition.error} === 0 ? ${chosen === '0' ? '0' : `(${chosen})`}`
    + ` : ${condition.value} !== 0 ? ${both(a, b)} : ${both(b, a)}`
  return { value, error: keep(c, error), low, high }
}

// ---------------------------------------------------------------- whole numbers

type WholeOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'

/** `/` and `%` are floor division. */
function wholeBinary(c: Code, operator: WholeOperator, a: Term, b: Term, type: Type): Term {
  const corners = (f: (x: number, y: number) => number): readonly [number, number] => {
    const all = [f(a.low, b.low), f(a.low, b.high), f(a.high, b.low), f(a.high, b.high)]
    return all.some(Number.isNaN) ? [-Infinity, Infinity] : [Math.min(...all), Math.max(...all)]
  }
  switch (operator) {
    case '+': return wrapped(c, type, sum(`${a.value} + ${b.value}`, corners((x, y) => x + y)))
    case '-': return wrapped(c, type, sum(`${a.value} - ${b.value}`, corners((x, y) => x - y)))
    case '*': {
      const [low, high] = corners((x, y) => x * y)
      const error = keep(c, errorCall('productError', a, b)), isSmall = Math.max(-low, high) <= Number.MAX_SAFE_INTEGER
      if (isSmall || isWide(type) || error !== '0') {
        return wrapped(c, type, within(keep(c, `${a.value} * ${b.value}`), error, low, high))
      }
      return wrapped(c, type, within(`Math.imul(${a.value}, ${b.value})`, '0', low, high))
    }
    case '/': {
      const [low, high] = b.low > 0 || b.high < 0 ? corners((x, y) => Math.floor(x / y)) : [-Infinity, Infinity]
      const error = b.low > 0 || b.high < 0 ? errorCall('floorQuotientError', a, b)
        : `floorQuotientError(${a.value}, ${a.error}, ${b.value}, ${b.error})`
      const isPlain = a.low >= 0 && a.high < 2 ** 31 && b.low > 0 && b.low === b.high
      const value = isPlain ? `(${a.value} / ${b.value} | 0)` : `Math.floor(${a.value} / ${b.value})${b.low > 0 ? '' : ' || 0'}`
      return within(keep(c, value), keep(c, error), low, high)
    }
    case '%': {
      if (a.low >= 0 && a.high < b.low && a.error === '0' && b.error === '0') return a
      const isPositive = b.low > 0
      const error = isPositive ? errorCall('remainderError', a, b)
        : `remainderError(${a.value}, ${a.error}, ${b.value}, ${b.error})`
      const value = a.low >= 0 && isPositive ? `${a.value} % ${b.value}`
        : `${a.value} - ${b.value} * Math.floor(${a.value} / ${b.value})${isPositive ? '' : ' || 0'}`
      return within(keep(c, value), keep(c, error), isPositive ? 0 : -Infinity, isPositive ? b.high - 1 : Infinity)
    }
    case '&': case '|': case '^': case '<<': case '>>': {
      const range = typeRange(type)!, error = a.error === '0' && b.error === '0' ? '0' : `exactOnly(${a.error}, ${b.error})`
      const value = keep(c, `bitsOf('${type}', '${operator}', ${a.value}, ${b.value})`)
      const wide = isWide(type) ? keep(c, `wrapError('${type}', ${value}, ${error})`) : keep(c, error)
      return { value, error: wide, low: range.low, high: range.high }
    }
  }

  function sum(value: string, [low, high]: readonly [number, number]): Term {
    return within(keep(c, value), keep(c, added(a.error, b.error)), low, high)
  }
}

/** Brought into the type's range where it may lie outside of it. */
function wrapped(c: Code, type: Type, raw: Term): Term {
  const range = typeRange(type)
  if (!range || type === 'index' || (raw.low >= range.low && raw.high <= range.high && raw.error === '0')) return raw
  const error = raw.error === '0' && !isWide(type) ? '0' : keep(c, `wrapError('${type}', ${raw.value}, ${raw.error})`)
  const value = isWide(type) ? raw.value : keep(c, wrapText(type, raw.value))
  return { value, error, ...range }
}

/** Not every number of the type is an f64. */
function isWide(type: Type): boolean {
  return type === 'i64' || type === 'u64' || type === 'index'
}

function wrapText(type: Type, x: string): string {
  switch (type) {
    case 'i32': return `(${x} | 0)`
    case 'u32': return `(${x} >>> 0)`
    case 'i16': return `(${x} << 16 >> 16)`
    case 'u16': return `(${x} & 65535)`
    case 'i8': return `(${x} << 24 >> 24)`
    case 'u8': return `(${x} & 255)`
    default: return x
  }
}

function bitsOf(type: Type, operator: '&' | '|' | '^' | '<<' | '>>', a: number, b: number): number {
  if (!Number.isSafeInteger(a) || !Number.isSafeInteger(b) || ((operator === '<<' || operator === '>>') && b < 0)) return NaN
  const x = BigInt(a), y = BigInt(b)
  const raw = operator === '&' ? x & y : operator === '|' ? x | y : operator === '^' ? x ^ y
    : operator === '<<' ? x << y : x >> y
  const bits = type === 'index' ? 64 : Number(type.slice(1))
  return Number(type.startsWith('u') ? BigInt.asUintN(bits, raw) : BigInt.asIntN(bits, raw))
}

// ---------------------------------------------------------------- numbers with fractions

/** What a unit in an error stands for; f64 is no better than the truth itself, which is off as much. */
function unitOf(type: FloatName): number {
  return floatFormats[type].unit * (type === 'f64' ? 2 : 1)
}

/**
 * What a rounding counts for. An expression that is equal to the declared one, but computed otherwise, has roundings in
 * other places, and constants that are rounded otherwise: 0.9 * x for x - 0.1 * x, Horner's scheme for a polynomial,
 * one product for two that share a factor. Each rounding of the declared expression stands for a few of such. Sums and
 * products over axes have no need of it, their bounds hold for any order as they are, nor have conversions.
 */
const slack = 2

/** The terms of `x + z - w`, with their signs. */
function addends(c: Code, e: Expr, variables: Variables, sign: 1 | -1 = 1): readonly Term[] {
  const opposite = sign === 1 ? -1 : 1
  if (e.kind === 'binary' && (e.operator === '+' || e.operator === '-')) {
    return [...addends(c, e.left, variables, sign), ...addends(c, e.right, variables, e.operator === '+' ? sign : opposite)]
  }
  if (e.kind === 'unary' && e.operator === '-') return addends(c, e.operand, variables, opposite)
  const t = term(c, e, variables)
  return [sign === 1 ? t : anyTerm(keep(c, `-${t.value}`), t.error)]
}

/** In any order: what one order cancels early, another adds to something first. */
function explicitSum(c: Code, type: FloatName, terms: readonly Term[]): Term {
  const value = keep(c, terms.map(t => t.value).join(' + ')), units = slack * (terms.length - 1)
  const size = keep(c, terms.map(t => `Math.abs(${t.value})`).join(' + '))
  const error = added(...terms.map(offText)), isExact = wholeText(type, size, terms)
  if (terms.length > 2) return rounded(c, type, value, error, { units, size, isExact, inAnyOrder: true })
  const isCertain = ['true', ...terms.filter(t => t.error !== '0').map(t => `${t.error} < Infinity`)].join(' && ')
  return rounded(c, type, value, error, { units, size, isExact, isCertain })
}

function floatProduct(c: Code, a: Term, b: Term, type: FloatName): Term {
  const value = keep(c, `${a.value} * ${b.value}`), isExact = wholeText(type, `Math.abs(${value})`, [a, b])
  return rounded(c, type, value, errorCall('productError', a, b), { units: slack, isExact })
}

/**
 * Perhaps by the reciprocal: two roundings, and none only where that is exact. `isComplement`: 1 / (1 + exp(x)) may be
 * found as 1 - exp(x) / (1 + exp(x)) or from a tanh, as a difference of numbers like the dividend.
 */
function floatQuotient(c: Code, a: Term, b: Term, type: FloatName, isComplement = false): Term {
  const value = keep(c, `${a.value} / ${b.value}`), own = `Math.abs(${value})`
  const isExact = [`isPowerOfTwo(${b.value})`, `Number.isInteger(${value})`, wholeText(type, own, [a, b])].join(' && ')
  const size = isComplement ? `(${own} + Math.abs(${a.value}) / 2)` : own
  const error = `quotientError(${a.value}, ${a.error}, ${b.value}, ${b.error})`
  return rounded(c, type, value, error, { units: 2 * slack, size, isExact })
}

function isSumOfFunctions(e: Expr): boolean {
  return e.kind === 'binary' && (e.operator === '+' || e.operator === '-')
    && [e.left, e.right].some(part => part.kind === 'call' && part.intrinsic !== 'abs')
}

function isPowerOfTwo(x: number): boolean {
  return 2 ** Math.round(Math.log2(Math.abs(x))) === Math.abs(x)
}

interface Rounding {
  /** Each costs half a unit of the last place. */
  readonly units: number
  /** Of what is rounded; where nothing is said: the value's. */
  readonly size?: string
  /** Whether the result is exact, for a reason that holds in any order. */
  readonly isExact: string
  /** Whether an infinite result or NaN is certain; where nothing is said: where the error before rounding is 0. */
  readonly isCertain?: string
  /** Partial sums that are as great as `size` may come before the result. */
  readonly inAnyOrder?: boolean
}

/** The value, off by `error`, as a number of the type. */
function rounded(c: Code, type: FloatName, value: string, error: string, how: Rounding): Term {
  const before = keep(c, error), after = fresh(c), result = fresh(c)
  const { quantum, overflow } = floatFormats[type], { units, size = `Math.abs(${value})`, isExact } = how
  const own = `${units * unitOf(type)} * ${before === '0' ? size : `(${size} + ${before})`}`
  const all = added(before, own, literal(units * quantum))
  const isCertain = how.isCertain ?? (before === '0' ? 'true' : `${before} === 0`)
  const wild = how.inAnyOrder
    ? `wildSumError(${value}, ${size}, ${before}, ${after}, ${overflow})`
    : `wildError(${value}, ${after}, ${overflow}, ${isCertain})`
  c.lines.push(
    `let ${result} = ${value}, ${after} = ${all}`, ...isExact === 'false' ? [] : [`if (${isExact}) ${after} = -${after}`],
    `if (!(${how.inAnyOrder ? size : `Math.abs(${value})`} + Math.max(${after}, 0) < ${overflow})) {`,
    `${after} = ${wild}`, `${result} = beyond(${value}, ${after}, ${overflow})`, '}')
  return anyTerm(result, after)
}

/** How far it may be off that what is exact as a whole was computed otherwise. */
function offText({ error }: Term): string {
  return error === '0' ? '0' : `Math.abs(${error})`
}

function exactText(terms: readonly Term[]): readonly string[] {
  return terms.filter(t => t.error !== '0').map(t => `${t.error} <= 0`)
}

/** Are all of them exact whole numbers, and those of this size too? */
function wholeText(type: FloatName, size: string, terms: readonly Term[]): string {
  const limit = greatestWhole(type)
  return [...exactText(terms), `${size} <= ${limit}`, ...terms.map(t => `Number.isInteger(${t.value})`)].join(' && ')
}

/** Up to it every whole number is one of the type. */
function greatestWhole(type: FloatName): number {
  return type === 'f64' ? Number.MAX_SAFE_INTEGER : 2 ** floatFormats[type].bits
}

function castTerm(c: Code, e: Cast, variables: Variables): Term {
  const a = term(c, e.value, variables), from = e.value.type, to = e.type
  if (to === 'bool') {
    if (from === 'bool') return a
    return { value: keep(c, `${a.value} !== 0 ? 1 : 0`), error: keep(c, errorCall('orderError', a, exact(0))), low: 0, high: 1 }
  }
  if (isFloatName(to)) {
    const isExact = [...exactText([a]), `fits('${to}', ${a.value})`].join(' && ')
    if (isFloatName(from)) {
      if (isWider(to, from)) return a
      return rounded(c, to, a.value, offText(a), { units: 1, isExact, isCertain: `${a.error} < Infinity` })
    }
    const isSmall = Math.max(-a.low, a.high) <= 2 ** floatFormats[to].bits && floatFormats[to].overflow > 2 ** 32
    return isSmall ? anyTerm(a.value, a.error) : rounded(c, to, a.value, a.error, { units: 1, isExact })
  }
  if (isWhole(from)) return wrapped(c, to, a)
  const { low, high } = typeRange(to)!
  return {
    value: keep(c, `Math.trunc(${a.value}) || 0`), error: keep(c, `truncationError('${to}', ${a.value}, ${a.error})`), low, high
  }
}

/** Every number of `from` is one of `to`. */
function isWider(to: FloatName, from: FloatName): boolean {
  const a = floatFormats[to], b = floatFormats[from]
  return a.bits >= b.bits && a.quantum <= b.quantum && a.overflow >= b.overflow
}

function callTerm(c: Code, e: IntrinsicCall, variables: Variables): Term {
  const args = e.args.map(arg => term(c, arg, variables)), { type } = e
  const [x = exact(0), y = exact(0), z = exact(0)] = args
  switch (e.intrinsic) {
    case 'shfl_xor_sync': case 'shfl_down_sync': return anyTerm('NaN', 'Infinity')
    case 'fma': {
      if (!isFloatName(type)) return wholeBinary(c, '+', wholeBinary(c, '*', x, y, type), z, type)
      return explicitSum(c, type, [plainProduct(c, x, y), z])
    }
    default: return isFloatName(type) ? functionTerm(c, e.intrinsic, x, y, type) : wholeAbsolute(c, x, type)
  }
}

function functionTerm(c: Code, name: FunctionName, x: Term, y: Term, type: FloatName): Term {
  const { ulps } = functions[name]
  const value = keep(c, `${name}_value(${x.value}, ${y.value})`)
  if (name === 'abs') return anyTerm(value, x.error)
  if (ulps === 'exact') return anyTerm(value, spread(`Math.max(${x.error}, 0)`, '0'))
  const off = keep(c, spread(offText(x), offText(y)))
  // an exact argument is where it is, if not even a neighbour has a value
  const before = off === '0' ? off : keep(c, [...exactText([x, y]), `!(${off} < Infinity)`].join(' && ') + ` ? 0 : ${off}`)
  // 16-bit floats and tf32 are computed in f32 and rounded
  const [computed, count] = type === 'f64' ? ['f64', ulps.f64] as const : ['f32', ulps.f32] as const
  const certainly = exactText([x, y]).join(' && ') || 'true'
  if (count === 0) return rounded(c, type, value, before, { units: slack, isExact: 'false', isCertain: certainly })
  // the infinities at 0 have the sign of a zero, which nobody promises
  const isCertain = name === 'rsqrt' || name === 'pow' ? `${x.value} !== 0 && ${certainly}` : certainly
  // ulps are counted from the rounded result
  const units = slack * (2 * count + 1)
  const inType = rounded(c, computed, value, before, { units, isExact: 'false', isCertain })
  return type === computed ? inType : rounded(c, type, inType.value, inType.error, { units: 1, isExact: 'false' })

  function spread(dx: string, dy: string): string {
    return x.error === '0' && y.error === '0' ? '0' : `${name}_spread(${value}, ${x.value}, ${dx}, ${y.value}, ${dy})`
  }
}

function wholeAbsolute(c: Code, x: Term, type: Type): Term {
  const high = Math.max(Math.abs(x.low), Math.abs(x.high))
  return wrapped(c, type, within(keep(c, `Math.abs(${x.value})`), x.error, 0, high))
}

// ---------------------------------------------------------------- elements

function loadTerm(c: Code, e: Load, variables: Variables): Term {
  const tensor = c.tensors.get(e.buffer)
  if (!tensor) return anyTerm('NaN', 'Infinity')
  const number = c.read.get(e.buffer) ?? c.read.size
  c.read.set(e.buffer, number)
  const indices = e.indices.map(i => term(c, i, variables))
  const inside = indices.flatMap((i, d) => [
    ...i.low >= 0 ? [] : [`${i.value} >= 0`], ...i.high < tensor.shape[d]! ? [] : [`${i.value} < ${tensor.shape[d]}`]
  ]).join(' && ')
  const strides = tensor.shape.map((_, d) => tensor.shape.slice(d + 1).reduce((n, x) => n * x, 1))
  const place = added(...indices.map((i, d) => i.value === '0' ? '0' : strides[d] === 1 ? i.value : `${i.value} * ${strides[d]}`))
  const shifted = keep(c, added(...indices.map(i => i.error)))
  const range = typeRange(e.type) ?? { low: -Infinity, high: Infinity }
  if (inside === '') {
    const own = element()
    return uncertain({ ...own, ...range })
  }
  const value = fresh(c), error = fresh(c)
  c.lines.push(`let ${value} = ${isWhole(e.type) ? 0 : 'NaN'}, ${error} = Infinity`, `if (${inside}) {`)
  assign(element())
  if (e.outside) {
    c.lines.push('} else {')
    assign(term(c, e.outside, variables))
  }
  c.lines.push('}')
  return uncertain({ value, error, ...range })

  function element(): Term {
    const { known, values, shape } = tensor!, isPartial = values.length < sizeOf(shape)
    const own = keep(c, place), at = known && isPartial ? keep(c, `${own} % ${values.length}`) : own
    if (known) c.lines.push(`if (K${number}[${at}] !== ${isPartial ? `${own} + 1` : '1'}) F${number}(${own})`)
    return anyTerm(keep(c, `V${number}[${at}]`), tensor!.errors ? keep(c, `E${number}[${at}]`) : '0')
  }

  function assign(t: Term): void {
    c.lines.push(`${value} = ${t.value}`, `${error} = ${t.error}`)
  }

  /** An element at an index that may be another one may be anything. */
  function uncertain(t: Term): Term {
    return shifted === '0' ? t : { ...t, error: keep(c, `${shifted} === 0 ? ${t.error} : Infinity`) }
  }
}

// ---------------------------------------------------------------- reductions

function reduceTerm(c: Code, e: Reduce, variables: Variables): Term {
  switch (e.reducer) {
    case 'sum': return sumTerm(c, e, variables).term
    case 'avg': {
      const { term: total, count } = sumTerm(c, e, variables)
      return isFloatName(e.type) ? floatQuotient(c, total, count, e.type) : wholeBinary(c, '/', total, count, e.type)
    }
    case 'prod': return productTerm(c, e, variables)
    case 'max': case 'min': return extremeTerm(c, e, variables, e.reducer)
    case 'any': case 'all': return anyOrAll(c, e, variables, e.reducer)
    case 'argmax': case 'argmin': return positionTerm(c, e, variables)
  }
}

/** Loops over the axes around what `body` writes for each term; the term, and the number of turns. */
function loop(
  c: Code, axes: readonly Axis[], variables: Variables, body: (inner: Variables) => Term
): { readonly each: Term; readonly count: Term } {
  const extents: Term[] = [], inner = new Map(variables)
  const counted = fresh(c), opening = c.lines.length
  c.lines.push('')
  for (const axis of axes) {
    const extent = term(c, axis.extent, inner), name = fresh(c)
    extents.push(extent)
    c.lines.push(`for (let ${name} = 0; ${name} < ${extent.value}; ${name}++) {`)
    inner.set(axis.variable, { value: name, error: '0', low: 0, high: Math.max(extent.high - 1, 0) })
  }
  const each = body(inner)
  const count = extents.reduce((n, x) => n * pointOf(x), 1)
  if (Number.isNaN(count)) {
    c.lines[opening] = `let ${counted} = 0`
    c.lines.push(`${counted}++`)
  }
  c.lines.push(...axes.map(() => '}'))
  return { each, count: Number.isNaN(count) ? { value: counted, error: '0', low: 0, high: Infinity } : exact(count) }
}

/** Terms in any order and any grouping; products that are summed are rounded, or not. */
function sumTerm(c: Code, e: Reduce, variables: Variables): { readonly term: Term; readonly count: Term } {
  const { type } = e, total = fresh(c), offs = fresh(c)
  if (!isFloatName(type)) {
    const magnitude = fresh(c)
    c.lines.push(`let ${total} = 0, ${offs} = 0, ${magnitude} = 0`)
    const { each, count } = loop(c, e.axes, variables, inner => {
      const t = term(c, e.body, inner)
      c.lines.push(
        `${total} = ${wrapText(type, `${total} + ${t.value}`)}`, `${offs} += ${t.error}`,
        `${magnitude} += Math.abs(${t.value})`)
      return t
    })
    const raw = isWide(type) ? magnitude : total
    const error = each.error === '0' && !isWide(type) ? '0' : keep(c, `wrapError('${type}', ${raw}, ${offs})`)
    return { term: { value: total, error, ...typeRange(type)! }, count }
  }
  const magnitude = fresh(c), whole = fresh(c), { body } = e
  const isProduct = body.kind === 'binary' && body.operator === '*'
  c.lines.push(`let ${total} = 0, ${magnitude} = 0, ${offs} = 0, ${whole} = true`)
  const { each, count } = loop(c, e.axes, variables, inner => {
    const t = isProduct ? plainProduct(c, term(c, body.left, inner), term(c, body.right, inner)) : term(c, body, inner)
    c.lines.push(`${total} += ${t.value}`, `${magnitude} += Math.abs(${t.value})`)
    if (t.error !== '0') c.lines.push(`${offs} += ${offText(t)}`, `if (${t.error} > 0) ${whole} = false`)
    c.lines.push(`if (${t.value} !== Math.floor(${t.value})) ${whole} = false`)
    return t
  })
  const { quantum, overflow, unit } = floatFormats[type]
  const spread = each.error === '0' ? magnitude : `(${magnitude} + ${offs})`
  // twice k - 1 additions, once the product; f64 counts the truth's own roundings
  const steps = `(2 * ${count.value} - ${isProduct ? type === 'f64' ? 0 : 1 : 2})`
  const value = fresh(c), error = fresh(c)
  c.lines.push(
    `let ${value} = ${total}, ${error} = `
    + added(each.error === '0' ? '0' : offs, `${steps} * ${unit} * ${spread}`, `${count.value} * ${quantum}`),
    `if (${whole} && ${magnitude} <= ${greatestWhole(type)}) ${error} = -${error}`,
    `if (!(${magnitude} + Math.max(${error}, 0) < ${overflow})) {`,
    `${error} = wildSumError(${total}, ${magnitude}, ${offs}, ${error}, ${overflow})`,
    `${value} = beyond(${total}, ${error}, ${overflow})`, '}')
  return { term: anyTerm(value, error), count }
}

/** A product before it is rounded, which the sum pays for. */
function plainProduct(c: Code, a: Term, b: Term): Term {
  const value = keep(c, `${a.value} * ${b.value}`), error = keep(c, errorCall('productError', a, b))
  return anyTerm(value, error === '0' ? error : keep(c, `${exactText([a, b]).join(' && ')} ? -${error} : ${error}`))
}

/** In any order: between the factors below 1 and those above it a partial product may leave the type. */
function productTerm(c: Code, e: Reduce, variables: Variables): Term {
  const { type } = e, total = fresh(c), error = fresh(c), great = fresh(c), small = fresh(c), whole = fresh(c)
  const range = typeRange(type) ?? { low: -Infinity, high: Infinity }
  c.lines.push(`let ${total} = 1, ${error} = 0, ${great} = 1, ${small} = 1, ${whole} = true`)
  const { count } = loop(c, e.axes, variables, inner => {
    const t = term(c, e.body, inner)
    const product = type === 'i32' || type === 'u32' ? wrapText(type, `Math.imul(${total}, ${t.value})`) : `${total} * ${t.value}`
    c.lines.push(
      `${error} = productError(${total}, ${error}, ${t.value}, ${t.error})`,
      `${total} = ${product}`, `${great} *= Math.max(1, Math.abs(${t.value}))`, `${small} *= Math.min(1, Math.abs(${t.value}))`,
      `if (${t.value} !== Math.floor(${t.value})) ${whole} = false`)
    if (t.error !== '0') c.lines.push(`if (${t.error} > 0) ${whole} = false`)
    return t
  })
  if (!isFloatName(type)) {
    const raw = isWide(type) ? `Math.max(${great}, ${total})` : total
    return { value: total, error: keep(c, `wrapError('${type}', ${raw}, ${error})`), ...range }
  }
  const { quantum, overflow } = floatFormats[type], last = fresh(c)
  c.lines.push(
    `let ${last} = ${error} + 2 * ${count.value} * ${unitOf(type)} * (Math.abs(${total}) + ${error}) + ${count.value} * ${quantum} * ${great}`,
    `if (${whole} && ${great} <= ${greatestWhole(type)}) ${last} = -${last}`,
    `if (!(${great} + Math.max(${last}, 0) < ${overflow})) ${last} = wildError(${total}, ${last}, ${overflow}, ${error} === 0 && ${small} === 1)`)
  return anyTerm(keep(c, `beyond(${total}, ${last}, ${overflow})`), last)
}

/** NaN gives way, as in C's `fmax`. */
function extremeTerm(c: Code, e: Reduce, variables: Variables, reducer: 'max' | 'min'): Term {
  const value = fresh(c), error = fresh(c), sign = reducer === 'max' ? 1 : -1
  c.lines.push(`let ${value} = ${-sign} * Infinity, ${error} = 0`)
  const { each } = loop(c, e.axes, variables, inner => {
    const t = term(c, e.body, inner)
    if (t.error !== '0') c.lines.push(`${error} = extremeError(${sign}, ${value}, ${error}, ${t.value}, ${t.error})`)
    c.lines.push(`if (${t.value} ${reducer === 'max' ? '>' : '<'} ${value}) ${value} = ${t.value}`)
    return t
  })
  return { value, error: each.error === '0' ? '0' : error, ...typeRange(e.type) ?? { low: -Infinity, high: Infinity } }
}

/** Certain if one term decides for certain, or none may. */
function anyOrAll(c: Code, e: Reduce, variables: Variables, reducer: 'any' | 'all'): Term {
  const decided = fresh(c), maybe = fresh(c), sure = reducer === 'any' ? 1 : 0
  c.lines.push(`let ${decided} = false, ${maybe} = false`)
  loop(c, e.axes, variables, inner => {
    const t = term(c, e.body, inner)
    c.lines.push(`if (${t.error} !== 0) ${maybe} = true`, `else if (${t.value} === ${sure}) ${decided} = true`)
    return t
  })
  const value = keep(c, `${decided} ? ${sure} : ${1 - sure}`)
  return { value, error: keep(c, `${maybe} && !${decided} ? 1 : 0`), low: 0, high: 1 }
}

/** The first of equals. Where errors hide which one is best, every term that may be counts. */
function positionTerm(c: Code, e: Reduce, variables: Variables): Term {
  const sign = e.reducer === 'argmax' ? '' : '-'
  const best = fresh(c), own = fresh(c), at = fresh(c), reached = fresh(c), off = fresh(c)
  c.lines.push(`let ${best} = -Infinity, ${own} = 0, ${at} = 0, ${reached} = -Infinity, ${off} = 0`)
  const { error } = positions((t, position) => {
    c.lines.push(
      `if (${t.value} > ${best}) { ${best} = ${t.value}; ${own} = ${t.error}; ${at} = ${position} }`,
      `if (${t.value} - ${t.error} > ${reached}) ${reached} = ${t.value} - ${t.error}`)
  })
  if (error !== '0') {
    positions((t, position) => {
      const isOpen = `(${t.error} !== 0 || ${own} !== 0 || ${t.value} < ${best})`
      c.lines.push(`if (!(${t.value} + ${t.error} < ${reached}) && ${isOpen})`
        + ` ${off} = Math.max(${off}, Math.abs(${position} - ${at}))`)
    })
  }
  return { value: at, error: error === '0' ? '0' : off, low: 0, high: Infinity }

  function positions(each: (t: Term, position: string) => void): Term {
    const position = fresh(c)
    c.lines.push(`let ${position} = -1`)
    return loop(c, e.axes, variables, inner => {
      const t = term(c, e.body, inner)
      c.lines.push(`${position}++`)
      const error = t.error === '0' ? '0' : keep(c, `Math.max(${t.error}, 0)`)
      each({ ...t, error, value: sign === '' ? t.value : keep(c, `-${t.value}`) }, position)
      return t
    }).each
  }
}
