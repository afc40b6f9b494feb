/**
 * Expressions as JavaScript: what is written down in front, and the value that remains.
 *
 *     t * 8 + threadIdx.x % 8 < n      const _4 = tid & 7
 *                                      const _5 = ((_3 << 3) + _4 | 0) < 77         remains `_5`
 *
 * Conditions and indices that follow from known ranges are decided here. Sides that are not chosen are not evaluated.
 */
import type { Binary, BinaryOperator, Expr, IntrinsicCall, Select, Type, Variable } from '../../ir/ir.ts'
import {
  binaryText, converted, functionText as callText, isBig, isFloat, literal, rangeOfType, unaryText
} from './arithmetic.ts'
import {
  bind, branch, fresh, indexAtom, line, local, named, nested, sharedChanges, siteNumber, type Generation, type Value
} from './code.ts'
import {
  absent, constantOf, fits32, keyOf, knownValue, minus, ofLocal, plus, tableOf, times, type Linear, type Table
} from './linear.ts'

export function valueOf(g: Generation, e: Expr): Value {
  switch (e.kind) {
    case 'constant':
      return e.type === 'index' ? { kind: 'index', sum: constantOf(Number(e.value)) } : atom(literal(e.type, e.value), e.type)
    case 'variable': return variable(g, e.variable)
    case 'binary': return binary(g, e)
    case 'unary': {
      const operand = valueOf(g, e.operand)
      if (operand.kind === 'atom') return constant(g, unaryText(e.operator, operand.js, operand.type), operand.type)
      if (e.operator === '-') return { kind: 'index', sum: times(operand.sum, -1) }
      return { kind: 'index', sum: minus(constantOf(-1), operand.sum) }
    }
    case 'select': return select(g, e)
    case 'cast': return convertedTo(g, valueOf(g, e.value), e.type)
    case 'load': return convertedTo(g, g.load(g, e), e.type)
    case 'call': return call(g, e)
    case 'reduce': throw new Error('a reduction stands only in an operator\'s definition')
  }
}

export function indexOf(g: Generation, e: Expr): Linear {
  const value = convertedTo(g, valueOf(g, e), 'index')
  return value.kind === 'index' ? value.sum : constantOf(0)
}

/** A condition: `true`, `false` or a name. */
export function conditionOf(g: Generation, e: Expr): string {
  return atomOf(g, convertedTo(g, valueOf(g, e), 'bool'))
}

/** As an atom of the type. */
export function atomOfType(g: Generation, e: Expr, type: Type): string {
  return atomOf(g, convertedTo(g, valueOf(g, e), type))
}

export function atomOf(g: Generation, value: Value): string {
  return value.kind === 'index' ? indexAtom(g, value.sum) : value.js
}

function typeOf(value: Value): Type {
  return value.kind === 'index' ? 'index' : value.type
}

export function convertedTo(g: Generation, value: Value, to: Type): Value {
  if (to === typeOf(value)) return value
  const from = typeOf(value), js = atomOf(g, value)
  if (to !== 'index') {
    const text = converted(js, from, to)
    return text === js ? atom(js, to) : constant(g, text, to)
  }
  const [low, high] = rangeOfType(from)
  const text = converted(js, from, to)
  return { kind: 'index', sum: local(g, `whole ${js}`, () => text, low, high) }
}

function atom(js: string, type: Exclude<Type, 'index'>): Value {
  return { kind: 'atom', js, type }
}

function constant(g: Generation, text: string, type: Exclude<Type, 'index'>): Value {
  return atom(named(g, `${type} ${text}`, () => text), type)
}

// ---------------------------------------------------------------- variables

function variable(g: Generation, v: Variable): Value {
  const known = g.values.get(v)
  if (known) return known
  const place = g.frame.get(v), own = g.mutables.get(v)
  if (place !== undefined || own !== undefined) {
    // a copy: the variable may change before the value is used
    const name = fresh(g)
    if (own !== undefined) line(g, `const ${name} = ${own}`)
    else if (v.type === 'i64' || v.type === 'u64') line(g, `const ${name} = bigFrame[frame + ${place}]`)
    else line(g, `const ${name} = frames[frame + ${place}]${v.type === 'bool' ? ' !== 0' : ''}`)
    return v.type === 'index'
      ? { kind: 'index', sum: ofLocal({ name, low: -Infinity, high: Infinity, table: undefined }) }
      : atom(name, v.type)
  }
  switch (v.role) {
    case 'extent': return { kind: 'index', sum: constantOf(g.extents.get(v) ?? 1) }
    case 'thread': return { kind: 'index', sum: threadIndex(g, dimensionOf(v)) }
    case 'block': {
      const d = dimensionOf(v), high = g.grid[d] - 1
      return { kind: 'index', sum: ofLocal({ name: ['bx', 'by', 'bz'][d]!, low: 0, high, table: undefined }) }
    }
    default: throw new Error(`${v.name} has no value`)
  }
}

function dimensionOf(v: Variable): 0 | 1 | 2 {
  return v.name.endsWith('x') ? 0 : v.name.endsWith('y') ? 1 : 2
}

function threadIndex(g: Generation, d: 0 | 1 | 2): Linear {
  const { block } = g.kernel, [x, y] = block, high = block[d] - 1
  if (high === 0) return constantOf(0)
  const of = (t: number) => d === 0 ? t % x : d === 1 ? Math.floor(t / x) % y : Math.floor(t / (x * y))
  const table: Table = { domain: g.threads, values: Int32Array.from({ length: g.threads.size }, (_, t) => of(t)) }
  if (high === g.threads.size - 1) return ofLocal({ name: 'tid', low: 0, high, table })
  return local(g, `thread ${d}`, () => `${bind(g, 'table', table.values)}[tid]`, 0, high, table)
}

// ---------------------------------------------------------------- operators

function binary(g: Generation, e: Binary): Value {
  const { operator } = e
  if (operator === '&&' || operator === '||') return logic(g, e, operator)
  const left = valueOf(g, e.left), right = convertedTo(g, valueOf(g, e.right), e.left.type)
  if (operator === '/' || operator === '%') refuseZero(g, e, right)
  if (left.kind === 'atom') {
    return constant(g, binaryText(operator, left.js, atomOf(g, right), left.type), e.type === 'bool' ? 'bool' : left.type)
  }
  return right.kind === 'index' ? indexBinary(g, operator, left.sum, right.sum) : left
}

/** Of whole numbers; of an index that is never zero nothing is asked. */
function refuseZero(g: Generation, division: Binary, by: Value): void {
  const type = typeOf(by)
  if (isFloat(type) || (by.kind === 'index' && (by.sum.low > 0 || by.sum.high < 0))) return
  if (/^-?[1-9]\d*n?$/.test(atomOf(g, by))) return
  const site = siteNumber(g, division, 'read', division.origins)
  line(g, `if (${atomOf(g, by)} ${isBig(type) ? '=== 0n' : '=== 0'}) dividedByZero(${bind(g, 'e', division)}, tid, ${site})`)
}

function logic(g: Generation, e: Binary, operator: '&&' | '||'): Value {
  const decided = operator === '&&' ? 'false' : 'true'
  const left = conditionOf(g, e.left)
  if (left === decided) return atom(left, 'bool')
  if (left === 'true' || left === 'false') return atom(conditionOf(g, e.right), 'bool')
  const right = nested(g, () => conditionOf(g, e.right))
  if (right.lines.length === 0) {
    return right.result === decided ? atom(decided, 'bool')
      : right.result === 'true' || right.result === 'false' ? atom(left, 'bool')
      : constant(g, `${left} ${operator} ${right.result}`, 'bool')
  }
  const name = fresh(g)
  line(g, `let ${name} = ${decided}`)
  line(g, `if (${operator === '&&' ? left : `!${left}`}) {`)
  g.lines.push(...right.lines, `${name} = ${right.result}`, '}')
  return atom(name, 'bool')
}

function select(g: Generation, e: Select): Value {
  const condition = conditionOf(g, e.condition)
  if (condition === 'true' || condition === 'false') {
    return convertedTo(g, valueOf(g, condition === 'true' ? e.then : e.otherwise), e.type)
  }
  return chosen(g, condition, e.type,
    () => convertedTo(g, valueOf(g, e.then), e.type), () => convertedTo(g, valueOf(g, e.otherwise), e.type))
}

/** One of two values of a type, of which only the chosen one is computed. */
export function chosen(g: Generation, condition: string, type: Type, then: () => Value, otherwise: () => Value): Value {
  const name = fresh(g)
  line(g, `let ${name}`)
  let low = Infinity, high = -Infinity
  const assign = (value: Value) => {
    if (value.kind === 'index') {
      low = Math.min(low, value.sum.low)
      high = Math.max(high, value.sum.high)
    }
    line(g, `${name} = ${atomOf(g, value)}`)
  }
  branch(g, condition, () => { assign(then()) }, () => { assign(otherwise()) })
  return type === 'index' ? { kind: 'index', sum: ofLocal({ name, low, high, table: undefined }) } : atom(name, type)
}

function indexBinary(g: Generation, operator: BinaryOperator, a: Linear, b: Linear): Value {
  const x = knownValue(a), y = knownValue(b)
  const index = (sum: Linear): Value => ({ kind: 'index', sum })
  const truth = (known: boolean | undefined, sign: string): Value =>
    known !== undefined ? atom(String(known), 'bool')
    : atom(named(g, `${keyOf(a)} ${sign} ${keyOf(b)}`, () => comparison(g, a, b, sign)), 'bool')
  switch (operator) {
    case '+': return index(plus(a, b))
    case '-': return index(minus(a, b))
    case '*':
      if (y !== undefined) return index(times(a, y))
      if (x !== undefined) return index(times(b, x))
      return index(opaque(g, operator, a, b, productRange(a, b), (p, q) => `${p} * ${q}`, (p, q) => p * q))
    case '/': case '%': return index(divided(g, operator, a, b))
    case 'min':
      if (a.high <= b.low) return index(a)
      if (b.high <= a.low) return index(b)
      return index(opaque(g, operator, a, b, [Math.min(a.low, b.low), Math.min(a.high, b.high)],
        (p, q) => `${p} < ${q} ? ${p} : ${q}`, Math.min))
    case 'max':
      if (a.low >= b.high) return index(a)
      if (b.low >= a.high) return index(b)
      return index(opaque(g, operator, a, b, [Math.max(a.low, b.low), Math.max(a.high, b.high)],
        (p, q) => `${p} > ${q} ? ${p} : ${q}`, Math.max))
    case '&': case '|': case '^': {
      const natural = a.low >= 0 && b.low >= 0 && fits32(a) && fits32(b)
      const top = 2 ** Math.ceil(Math.log2(Math.max(a.high, b.high, 1) + 1)) - 1
      const compute = { '&': (p: number, q: number) => p & q, '|': (p: number, q: number) => p | q, '^': (p: number, q: number) => p ^ q }
      return index(natural
        ? opaque(g, operator, a, b, [0, operator === '&' ? Math.min(a.high, b.high) : top], (p, q) => `${p} ${operator} ${q}`, compute[operator])
        : opaque(g, operator, a, b, [-Infinity, Infinity], (p, q) => `Number(BigInt(${p}) ${operator} BigInt(${q}))`))
    }
    case '<<':
      if (y !== undefined && y >= 0 && y < 53) return index(times(a, 2 ** y))
      return index(opaque(g, operator, a, b, [-Infinity, Infinity], (p, q) => `${p} * 2 ** ${q}`))
    case '>>':
      if (y !== undefined && y >= 0 && y < 53) return index(divided(g, '/', a, constantOf(2 ** y)))
      return index(opaque(g, operator, a, b, [-Infinity, Infinity], (p, q) => `Math.floor(${p} / 2 ** ${q})`))
    case '<': return truth(a.high < b.low ? true : a.low >= b.high ? false : undefined, '<')
    case '<=': return truth(a.high <= b.low ? true : a.low > b.high ? false : undefined, '<=')
    case '==': return truth(x !== undefined && x === y ? true : a.high < b.low || a.low > b.high ? false : undefined, '===')
    case '!=': return truth(x !== undefined && x === y ? false : a.high < b.low || a.low > b.high ? true : undefined, '!==')
    case '&&': case '||': return index(a)
  }
}

function comparison(g: Generation, a: Linear, b: Linear, sign: string): string {
  return `${indexAtom(g, a)} ${sign} ${indexAtom(g, b)}`
}

function productRange(a: Linear, b: Linear): readonly [number, number] {
  const corners = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high].map(x => Number.isNaN(x) ? 0 : x)
  return [Math.min(...corners), Math.max(...corners)]
}

/** Floor division and remainder. */
function divided(g: Generation, operator: '/' | '%', a: Linear, b: Linear): Linear {
  const by = knownValue(b), isQuotient = operator === '/'
  const exactly = (p: number, q: number) => isQuotient ? Math.floor(p / q) : p - q * Math.floor(p / q)
  if (by === undefined || by <= 0) {
    return opaque(g, operator, a, b, [-Infinity, Infinity], (p, q) => `${isQuotient ? 'quotient' : 'remainder'}(${p}, ${q})`)
  }
  if (by === 1) return isQuotient ? a : constantOf(0)
  const low = Math.floor(a.low / by), high = Math.floor(a.high / by)
  if (low === high) return isQuotient ? constantOf(low) : minus(a, constantOf(low * by))
  const range: readonly [number, number] = isQuotient ? [low, high] : [0, by - 1]
  const shift = Math.log2(by)
  if (fits32(a) && Number.isInteger(shift)) {
    return opaque(g, operator, a, b, range, p => isQuotient ? `${p} >> ${shift}` : `${p} & ${by - 1}`, exactly)
  }
  if (fits32(a) && a.low >= 0) {
    return opaque(g, operator, a, b, range, p => isQuotient ? `${p} / ${by} | 0` : `${p} % ${by}`, exactly)
  }
  return opaque(g, operator, a, b, range, (p, q) => `${isQuotient ? 'quotient' : 'remainder'}(${p}, ${q})`, exactly)
}

/** A value that is no sum: a local, with its table where both operands have one. */
function opaque(
  g: Generation, operator: string, a: Linear, b: Linear, [low, high]: readonly [number, number],
  text: (p: string, q: string) => string, compute?: (p: number, q: number) => number
): Linear {
  const x = knownValue(a), y = knownValue(b)
  if (x !== undefined && y !== undefined && compute) return constantOf(compute(x, y))
  return local(g, `${keyOf(a)} ${operator} ${keyOf(b)}`, () => {
    const p = indexAtom(g, a), q = indexAtom(g, b)
    return text(p, q)
  }, low, high, compute && tableBy(a, b, compute))
}

function tableBy(a: Linear, b: Linear, compute: (p: number, q: number) => number): Table | undefined {
  const x = knownValue(a), y = knownValue(b), left = tableOf(a), right = tableOf(b)
  const domain = left?.domain ?? right?.domain
  if (!domain || (left && right && left.domain !== right.domain)) return undefined
  if ((!left && x === undefined) || (!right && y === undefined)) return undefined
  const values = Int32Array.from({ length: domain.size }, (_, i) => {
    const p = left ? left.values[i]! : x!, q = right ? right.values[i]! : y!
    return p === absent || q === absent ? absent : compute(p, q)
  })
  return { domain, values }
}

// ---------------------------------------------------------------- calls

function call(g: Generation, e: IntrinsicCall): Value {
  const { intrinsic } = e
  const type = e.type === 'index' ? 'i64' : e.type
  if (intrinsic !== 'shfl_xor_sync' && intrinsic !== 'shfl_down_sync') {
    if (e.type === 'index') {
      const x = indexOf(g, e.args[0]!)
      return { kind: 'index', sum: opaque(g, intrinsic, x, x, [0, Infinity], p => `Math.abs(${p})`) }
    }
    return constant(g, callText(intrinsic, e.args.map(a => atomOfType(g, a, type)), type), type)
  }
  const [value, distance] = e.args
  const js = atomOfType(g, value!, e.type), by = indexAtom(g, indexOf(g, distance!))
  const site = siteNumber(g, e, 'shuffle', e.origins, undefined, intrinsic === 'shfl_xor_sync')
  const name = fresh(g)
  line(g, `shuffled[tid] = ${js}; distances[tid] = ${by}; yield ${site}`)
  sharedChanges(g)
  line(g, `const ${name} = shuffled[tid]`)
  if (e.type === 'index') return { kind: 'index', sum: ofLocal({ name, low: -Infinity, high: Infinity, table: undefined }) }
  return atom(name, type)
}

/** Must a thread wait for others while it evaluates? */
export function isShuffle(e: Expr): boolean {
  return e.kind === 'call' && (e.intrinsic === 'shfl_xor_sync' || e.intrinsic === 'shfl_down_sync')
}
