/**
 * An operator computed at once, for tensors that are known while compiling: each definition becomes a JavaScript loop
 * nest over typed arrays, in the declared element types.
 *
 *     y[i < 64, j < 3] = x[j, i] * s[i]
 *     for (let t0 = 0; t0 < 64; t0++) {
 *       const t2 = V1[t0]
 *       for (let t1 = 0; t1 < 3; t1++) { ...; R[at++] = Math.fround(V0[t1 * 64 + t0] * t2) }
 *     }
 *
 * Whole numbers are exact in all 64 bits (BigInt), each operation on f32, f16, bf16 and tf32 is rounded to its type;
 * sums are added up in the order of the definition. Nothing of a program's text gets into the code but numbers. What
 * only passes the elements on in their order gives the array that it was given.
 */
import { binary, cast, constant, isFloat, ref, typeRange } from '../ir/build.ts'
import type { Facts } from '../ir/facts.ts'
import type {
  Axis, BinaryOperator, Buffer, Cast, ElementName, Expr, IntrinsicCall, Load, Reduce, Select, Type, Unary, Variable
} from '../ir/ir.ts'
import { sameValue } from '../ir/prove.ts'
import { simplify } from '../ir/simplify.ts'
import { forEachExpr, mapChildren } from '../ir/visit.ts'
import type { Definition, OperatorInstance } from './definition.ts'
import { bf16Bits, bf16Number, f16Bits, f16Number, functions, roundTo } from './floats.ts'
import { axisFacts, inlinedDefinition } from './inline.ts'
import {
  greatest, least, quotient, quotientBig, remainder, remainderBig, whole32, wholeBig, wholeU32
} from './numbers.ts'

/** Elements in row-major order; f16 and bf16 as their bits, a bool as 0 or 1. */
export type Cells =
  | Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array
  | BigInt64Array | BigUint64Array

/** The outputs in order; some of them may be inputs themselves. `inputs`: one for each of the operator's, in order. */
export function foldOperator(operator: OperatorInstance, inputs: readonly Cells[]): readonly Cells[] {
  const tensors = new Map<Buffer, Cells>(operator.inputs.map((b, i) => [b, inputs[i]!]))
  for (const { definition, read, passes, compute } of compiledOperator(operator)) {
    const { buffer, axes } = definition
    if (passes) tensors.set(buffer, tensors.get(passes)!)
    else {
      const result = emptyCells(buffer.element, volumeOf(axes))
      compute(read.map(b => tensors.get(b)!), result)
      tensors.set(buffer, result)
    }
  }
  return operator.outputs.map(({ buffer }) => tensors.get(buffer)!)
}

/** How many element operations folding takes, about: elements of the outputs times what each of them reduces. */
export function stepsOf(operator: OperatorInstance): number {
  return neededDefinitions(operator).reduce((steps, { axes, value }) => {
    let each = 1
    forEachExpr(value, e => {
      if (e.kind === 'reduce') each += volumeOf(e.axes)
    })
    return steps + each * volumeOf(axes)
  }, 0)
}

function emptyCells(element: ElementName, count: number): Cells {
  switch (element) {
    case 'f64': return new Float64Array(count)
    case 'f32': case 'tf32': return new Float32Array(count)
    case 'i64': return new BigInt64Array(count)
    case 'u64': return new BigUint64Array(count)
    case 'i32': return new Int32Array(count)
    case 'u32': return new Uint32Array(count)
    case 'i16': return new Int16Array(count)
    case 'f16': case 'bf16': case 'u16': return new Uint16Array(count)
    case 'i8': return new Int8Array(count)
    case 'u8': case 'bool': return new Uint8Array(count)
  }
}

/** The elements in these bytes, little-endian like the machines that this runs on; a copy if they are not aligned. */
export function cellsIn(element: ElementName, bytes: Uint8Array): Cells {
  const { BYTES_PER_ELEMENT: size } = emptyCells(element, 0)
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes)
  const count = Math.floor(byteLength / size)
  switch (element) {
    case 'f64': return new Float64Array(buffer, byteOffset, count)
    case 'f32': case 'tf32': return new Float32Array(buffer, byteOffset, count)
    case 'i64': return new BigInt64Array(buffer, byteOffset, count)
    case 'u64': return new BigUint64Array(buffer, byteOffset, count)
    case 'i32': return new Int32Array(buffer, byteOffset, count)
    case 'u32': return new Uint32Array(buffer, byteOffset, count)
    case 'i16': return new Int16Array(buffer, byteOffset, count)
    case 'f16': case 'bf16': case 'u16': return new Uint16Array(buffer, byteOffset, count)
    case 'i8': return new Int8Array(buffer, byteOffset, count)
    case 'u8': case 'bool': return new Uint8Array(buffer, byteOffset, count)
  }
}

function volumeOf(axes: readonly Axis[]): number {
  return axes.reduce((n, a) => n * extentOf(a), 1)
}

function extentOf({ extent }: Axis): number {
  if (extent.kind !== 'constant') throw new Error('Only tensors of known shapes are folded')
  return Number(extent.value)
}

// ---------------------------------------------------------------- operators

interface Compiled {
  readonly definition: Definition
  /** What `compute` takes, in order. */
  readonly read: readonly Buffer[]
  /** The tensor whose elements, in their order, these are. */
  readonly passes: Buffer | undefined
  readonly compute: (read: readonly Cells[], result: Cells) => void
}

const known = new WeakMap<OperatorInstance, readonly Compiled[]>()

function compiledOperator(operator: OperatorInstance): readonly Compiled[] {
  const compiled = known.get(operator) ?? neededDefinitions(operator).map(compiledDefinition)
  known.set(operator, compiled)
  return compiled
}

/** Outputs, and the stages that they read; the others are inlined. */
function neededDefinitions(operator: OperatorInstance): readonly Definition[] {
  const needed: Definition[] = [], read = new Set<Buffer>(operator.outputs.map(o => o.buffer))
  for (const { buffer } of [...operator.stages, ...operator.outputs].toReversed()) {
    const definition = read.has(buffer) ? inlinedDefinition(operator, buffer) : undefined
    if (!definition) continue
    needed.unshift(definition)
    forEachExpr(definition.value, e => {
      if (e.kind === 'load') read.add(e.buffer)
    })
  }
  return needed
}

function compiledDefinition(definition: Definition): Compiled {
  const { axes, buffer } = definition, facts = axisFacts(axes)
  const value = withOffsets(simplify(facts, definition.value), facts)
  const passes = passedOn(buffer.element, axes, value, facts)
  if (passes) return { definition, read: [], passes, compute: () => undefined }
  const code: Code = { read: [], names: 0, scopes: [{ lines: [], known: new Map(), isBranch: false }] }
  const variables = new Map<Variable, Term>()
  for (const axis of axes) openLoop(code, axis, variables)
  line(code, `R[at++] = ${storedText(buffer.element, term(code, value, variables).text)}`)
  for (const axis of axes.toReversed()) closeLoop(code, variables.get(axis.variable)!)
  const names = code.read.map((_, n) => `V${n}`).join(', ')
  // numbers are all that comes from outside
  const make = new Function(
    `{ ${Object.keys(runtime).join(', ')} }`, `return ([${names}], R) => {\nlet at = 0\n${code.scopes[0]!.lines.join('\n')}\n}`
  ) as (library: typeof runtime) => Compiled['compute']
  return { definition, read: code.read, passes: undefined, compute: make(runtime) }
}

/** Each load with one index: the offset of the element. */
function withOffsets(e: Expr, facts: Facts): Expr {
  const own = e.kind === 'reduce' ? axisFacts(e.axes, facts) : facts
  const inner = mapChildren(e, child => withOffsets(child, own))
  if (inner.kind !== 'load') return inner
  const offset = inner.buffer.shape.reduce<Expr>((at, extent, d) =>
    binary('+', binary('*', at, extent), cast(inner.indices[d] ?? constant(0), 'index')), constant(0))
  return { ...inner, indices: [simplify(own, offset)] }
}

/** The tensor whose element at the same place each element is. */
function passedOn(element: ElementName, axes: readonly Axis[], value: Expr, facts: Facts): Buffer | undefined {
  if (value.kind !== 'load' || value.buffer.element !== element) return undefined
  const { buffer, indices: [offset] } = value
  const own = axes.reduce<Expr>((at, a) => binary('+', binary('*', at, a.extent), ref(a.variable)), constant(0))
  const count = buffer.shape.reduce((n, x) => n * (x.kind === 'constant' ? Number(x.value) : Number.NaN), 1)
  return count === volumeOf(axes) && offset && sameValue(facts, offset, own) ? buffer : undefined
}

// ---------------------------------------------------------------- code

interface Code {
  /** The tensors that are read: `V0`, `V1`, ... */
  readonly read: Buffer[]
  names: number
  /** The loops and branches that are open, the innermost last. */
  readonly scopes: Scope[]
}

interface Scope {
  readonly lines: string[]
  /** What has a name here, by its text. */
  readonly known: Map<string, string>
  /** Of a condition: what may fail is not computed in front of it. */
  readonly isBranch: boolean
}

/** A name or a literal. A bool is a boolean, i64 and u64 are BigInt, all else numbers. */
interface Term {
  readonly text: string
  /** The scope from which on it is known. */
  readonly depth: number
  /** Between them lies a number of type `index`. */
  readonly low: number
  readonly high: number
}

function line(c: Code, text: string): void {
  c.scopes.at(-1)!.lines.push(text)
}

function fresh(c: Code): string {
  return `t${c.names++}`
}

function openLoop(c: Code, axis: Axis, variables: Map<Variable, Term>): void {
  const name = fresh(c)
  c.scopes.push({ lines: [], known: new Map(), isBranch: false })
  variables.set(axis.variable, { text: name, depth: c.scopes.length - 1, low: 0, high: extentOf(axis) - 1 })
}

function closeLoop(c: Code, { text, high }: Term): void {
  const { lines } = c.scopes.pop()!
  c.scopes.at(-1)!.lines.push(`for (let ${text} = 0; ${text} < ${high + 1}; ${text}++) {`, ...lines, '}')
}

/** The lines that `f` writes, which are not yet part of the code. */
function branch<T>(c: Code, f: () => T): { readonly result: T; readonly lines: readonly string[] } {
  c.scopes.push({ lines: [], known: new Map(), isBranch: true })
  const result = f()
  return { result, lines: c.scopes.pop()!.lines }
}

/**
 * A name for a value that is computed once, in front of the loops that do not change it. `operands`: what it is made
 * of; `isSafe`: it may be computed where nobody asks for it.
 */
function named(c: Code, text: string, operands: readonly Term[], isSafe: boolean): Omit<Term, 'low' | 'high'> {
  for (const [depth, { known }] of c.scopes.entries()) {
    const name = known.get(text)
    if (name !== undefined) return { text: name, depth }
  }
  const branches = isSafe ? 0 : Math.max(0, c.scopes.findLastIndex(s => s.isBranch))
  const depth = operands.reduce((d, t) => Math.max(d, t.depth), branches), name = fresh(c)
  c.scopes[depth]!.lines.push(`const ${name} = ${text}`)
  c.scopes[depth]!.known.set(text, name)
  return { text: name, depth }
}

function index(c: Code, text: string, operands: readonly Term[], low: number, high: number): Term {
  return low === high ? whole(low) : { ...named(c, text, operands, true), low, high }
}

function element(c: Code, text: string, ...operands: readonly Term[]): Term {
  return { ...named(c, text, operands, false), low: -Infinity, high: Infinity }
}

function whole(value: number): Term {
  return { text: numberText(value), depth: 0, low: value, high: value }
}

function anyTerm(text: string, depth: number): Term {
  return { text, depth, low: -Infinity, high: Infinity }
}

function numberText(value: number): string {
  return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0' : value})` : String(value)
}

// ---------------------------------------------------------------- expressions

type Variables = ReadonlyMap<Variable, Term>

function term(c: Code, e: Expr, variables: Variables): Term {
  switch (e.kind) {
    case 'constant': return e.type === 'index' ? whole(Number(e.value)) : anyTerm(literal(e.type, e.value), 0)
    case 'variable': return variables.get(e.variable) ?? missing(e.variable)
    case 'binary': {
      if (e.operator === '&&' || e.operator === '||') return logicTerm(c, e.operator, e.left, e.right, variables)
      const a = term(c, e.left, variables), b = term(c, e.right, variables)
      return e.left.type === 'index' ? indexBinary(c, e.operator, a, b) : element(c, binaryText(e.operator, a.text, b.text, e.left.type), a, b)
    }
    case 'unary': return unaryTerm(c, e, variables)
    case 'select': return selectTerm(c, e, variables)
    case 'cast': return castTerm(c, e, variables)
    case 'load': return loadTerm(c, e, variables)
    case 'call': return callTerm(c, e, variables)
    case 'reduce': return reduceTerm(c, e, variables)
  }
}

function missing(v: Variable): never {
  throw new Error(`\`${v.name}\` is known only at launch`)
}

function literal(type: ElementName, value: number | bigint): string {
  if (isBig(type)) return `${BigInt(value)}n`
  return type === 'bool' ? String(Number(value) !== 0) : numberText(roundTo(type, Number(value)))
}

/** The right side is evaluated where it matters. */
function logicTerm(c: Code, operator: '&&' | '||', left: Expr, right: Expr, variables: Variables): Term {
  const a = term(c, left, variables)
  if (a.text === 'true' || a.text === 'false') return (a.text === 'true') === (operator === '&&') ? term(c, right, variables) : a
  const { result: b, lines } = branch(c, () => term(c, right, variables))
  if (lines.length === 0) return element(c, `${a.text} ${operator} ${b.text}`, a, b)
  const name = fresh(c)
  line(c, `let ${name} = ${operator === '||'}`)
  c.scopes.at(-1)!.lines.push(`if (${operator === '&&' ? '' : '!'}${a.text}) {`, ...lines, `${name} = ${b.text}`, '}')
  return anyTerm(name, c.scopes.length - 1)
}

function unaryTerm(c: Code, e: Unary, variables: Variables): Term {
  const a = term(c, e.operand, variables)
  switch (e.operator) {
    case '!': return a.text === 'true' || a.text === 'false' ? anyTerm(String(a.text === 'false'), 0) : element(c, `!${a.text}`, a)
    // a difference, for whole numbers have no -0
    case '-':
      if (e.type === 'index') return index(c, `0 - ${a.text}`, [a], -a.high, -a.low)
      return element(c, isFloat(e.type) ? `-${a.text}` : inType(e.type, `(${isBig(e.type) ? '0n' : '0'} - ${a.text})`), a)
    case '~': return e.type === 'index' ? index(c, `-1 - ${a.text}`, [a], -1 - a.high, -1 - a.low) : element(c, inType(e.type, `~${a.text}`), a)
  }
}

function selectTerm(c: Code, e: Select, variables: Variables): Term {
  const condition = term(c, e.condition, variables)
  if (condition.text === 'true' || condition.text === 'false') {
    return term(c, condition.text === 'true' ? e.then : e.otherwise, variables)
  }
  const then = branch(c, () => term(c, e.then, variables)), otherwise = branch(c, () => term(c, e.otherwise, variables))
  const a = then.result, b = otherwise.result
  const low = Math.min(a.low, b.low), high = Math.max(a.high, b.high)
  if (then.lines.length + otherwise.lines.length === 0) {
    return { ...named(c, `${condition.text} ? ${a.text} : ${b.text}`, [condition, a, b], false), low, high }
  }
  const name = fresh(c)
  c.scopes.at(-1)!.lines.push(
    `let ${name}`, `if (${condition.text}) {`, ...then.lines, `${name} = ${a.text}`, '} else {', ...otherwise.lines,
    `${name} = ${b.text}`, '}')
  return { text: name, depth: c.scopes.length - 1, low, high }
}

function castTerm(c: Code, e: Cast, variables: Variables): Term {
  const a = term(c, e.value, variables), from = e.value.type, to = e.type
  if (from === to && from !== 'tf32') return a
  const text = convertedText(a.text, from, to)
  if (to !== 'index') return text === a.text ? a : element(c, text, a)
  const { low, high } = typeRange(from) ?? { low: -Infinity, high: Infinity }
  return { ...named(c, text, [a], false), low, high }
}

function loadTerm(c: Code, e: Load, variables: Variables): Term {
  const at = c.read.indexOf(e.buffer), number = at < 0 ? c.read.push(e.buffer) - 1 : at
  const offset = term(c, e.indices[0]!, variables), cell = `V${number}[${offset.text}]`
  switch (e.buffer.element) {
    case 'f16': return element(c, `f16Number(${cell})`, offset)
    case 'bf16': return element(c, `bf16Number(${cell})`, offset)
    case 'bool': return element(c, `${cell} !== 0`, offset)
    default: return element(c, cell, offset)
  }
}

function callTerm(c: Code, e: IntrinsicCall, variables: Variables): Term {
  const args = e.args.map(arg => term(c, arg, variables)), [x = '0', y = '0', z = '0'] = args.map(a => a.text)
  switch (e.intrinsic) {
    case 'shfl_xor_sync': case 'shfl_down_sync': throw new Error('A shuffle defines no element')
    case 'fma': {
      const text = isFloat(e.type) ? inType(e.type, `(${x} * ${y} + ${z})`) : binaryText('+', binaryText('*', x, y, e.type), z, e.type)
      return element(c, text, ...args)
    }
    case 'abs': {
      const [a] = args
      if (e.type === 'index' && a) return index(c, `Math.abs(${x})`, args, 0, Math.max(Math.abs(a.low), Math.abs(a.high)))
      return element(c, inType(e.type, `(${x} < 0 ? -${x} : ${x})`), ...args)
    }
    default: return element(c, inType(e.type, `${e.intrinsic}_of(${x}, ${y})`), ...args)
  }
}

// ---------------------------------------------------------------- whole numbers that index

function indexBinary(c: Code, operator: BinaryOperator, a: Term, b: Term): Term {
  const corners = (f: (x: number, y: number) => number): readonly [number, number] => {
    const all = [f(a.low, b.low), f(a.low, b.high), f(a.high, b.low), f(a.high, b.high)]
    return all.some(Number.isNaN) ? [-Infinity, Infinity] : [Math.min(...all) + 0, Math.max(...all) + 0]
  }
  const made = (text: string, [low, high]: readonly [number, number]): Term =>
    index(c, low >= -(2 ** 31) && high < 2 ** 31 ? `${text} | 0` : text, [a, b], low, high)
  const truth = (always: boolean, never: boolean, sign: string): Term =>
    always || never ? anyTerm(String(always), 0) : { ...named(c, `${a.text} ${sign} ${b.text}`, [a, b], true), low: 0, high: 1 }
  switch (operator) {
    case '+': return b.text === '0' ? a : made(`${a.text} + ${b.text}`, corners((x, y) => x + y))
    case '-': return made(`${a.text} - ${b.text}`, corners((x, y) => x - y))
    case '*': {
      const [low, high] = corners((x, y) => x * y)
      if (b.text === '1') return a
      return index(c, low >= -(2 ** 31) && high < 2 ** 31 ? `Math.imul(${a.text}, ${b.text})` : `${a.text} * ${b.text}`, [a, b], low, high)
    }
    case '/': {
      const range = b.low > 0 || b.high < 0 ? corners((x, y) => Math.floor(x / y)) : [-Infinity, Infinity] as const
      const isPlain = a.low >= 0 && a.high < 2 ** 31 && b.low > 0
      return isPlain ? made(`${a.text} / ${b.text}`, range) : index(c, `quotient(${a.text}, ${b.text})`, [a, b], ...range)
    }
    case '%': {
      if (a.low >= 0 && a.high < b.low) return a
      const isPlain = a.low >= 0 && b.low > 0
      return index(c, isPlain ? `${a.text} % ${b.text}` : `remainder(${a.text}, ${b.text})`, [a, b], ...b.low > 0 ? [0, b.high - 1] as const : [-Infinity, Infinity] as const)
    }
    case 'min': return made(`(${a.text} < ${b.text} ? ${a.text} : ${b.text})`, corners(Math.min))
    case 'max': return made(`(${a.text} > ${b.text} ? ${a.text} : ${b.text})`, corners(Math.max))
    case '&': case '|': case '^': case '<<': case '>>':
      return index(c, `Number(BigInt(${a.text}) ${operator} BigInt(${b.text}))`, [a, b], -Infinity, Infinity)
    case '<': return truth(a.high < b.low, a.low >= b.high, '<')
    case '<=': return truth(a.high <= b.low, a.low > b.high, '<=')
    case '==': return truth(a.low === a.high && a.low === b.low && b.low === b.high, a.high < b.low || a.low > b.high, '===')
    case '!=': return truth(a.high < b.low || a.low > b.high, a.low === a.high && a.low === b.low && b.low === b.high, '!==')
    case '&&': case '||': throw new Error('Conditions are no numbers')
  }
}

// ---------------------------------------------------------------- element types

function isBig(type: Type): boolean {
  return type === 'i64' || type === 'u64'
}

/** The nearest value of the type, of an exact or wider result; whole numbers wrap. */
function inType(type: Type, text: string): string {
  switch (type) {
    case 'f64': case 'bool': case 'index': return text
    case 'f32': return `Math.fround(${text})`
    case 'f16': case 'bf16': case 'tf32': return `roundTo('${type}', ${text})`
    case 'i32': return `(${text} | 0)`
    case 'u32': return `(${text} >>> 0)`
    case 'i16': return `(${text} << 16 >> 16)`
    case 'u16': return `(${text} & 65535)`
    case 'i8': return `(${text} << 24 >> 24)`
    case 'u8': return `(${text} & 255)`
    case 'i64': return `BigInt.asIntN(64, ${text})`
    case 'u64': return `BigInt.asUintN(64, ${text})`
  }
}

function storedText(type: ElementName, text: string): string {
  switch (type) {
    case 'f16': return `f16Bits(${text})`
    case 'bf16': return `bf16Bits(${text})`
    case 'bool': return `${text} ? 1 : 0`
    default: return text
  }
}

/** C's conversion, except that \`index\` is exact. Numbers beyond a whole type's are brought to its edge. */
function convertedText(text: string, from: Type, to: Type): string {
  if (to === 'bool') return `${text} !== ${isBig(from) ? '0n' : '0'}`
  if (from === 'bool') return isBig(to) ? `(${text} ? 1n : 0n)` : `(${text} ? 1 : 0)`
  if (isBig(to)) return inType(to, isBig(from) ? text : isFloat(from) ? `wholeBig(${text})` : `BigInt(${text})`)
  if (isFloat(to)) return inType(to, isBig(from) ? `Number(${text})` : text)
  if (isBig(from)) return to === 'index' ? `Number(${text})` : inType(to, `Number(BigInt.asIntN(32, ${text}))`)
  if (!isFloat(from)) return inType(to, text)
  return to === 'index' ? `Math.trunc(${text})` : inType(to, to.startsWith('u') ? `wholeU32(${text})` : `whole32(${text})`)
}

/** Of two numbers of one type, which is not \`index\`. */
function binaryText(operator: BinaryOperator, a: string, b: string, type: Type): string {
  const big = isBig(type), float = isFloat(type)
  switch (operator) {
    case '+': case '-': return inType(type, `(${a} ${operator} ${b})`)
    case '*': return big || float ? inType(type, `(${a} * ${b})`) : inType(type, `Math.imul(${a}, ${b})`)
    case '/': return inType(type, float ? `(${a} / ${b})` : `${big ? 'quotientBig' : 'quotient'}(${a}, ${b})`)
    case '%': return inType(type, float ? `(${a} % ${b})` : `${big ? 'remainderBig' : 'remainder'}(${a}, ${b})`)
    case 'min': return float ? `least(${a}, ${b})` : `(${a} < ${b} ? ${a} : ${b})`
    case 'max': return float ? `greatest(${a}, ${b})` : `(${a} > ${b} ? ${a} : ${b})`
    case '&': case '|': case '^': return type === 'bool' ? `(${a} ${operator} ${b}) !== 0` : inType(type, `(${a} ${operator} ${b})`)
    case '<<': case '>>':
      if (big) return inType(type, `(${a} ${operator} (${b} & 63n))`)
      return inType(type, type === 'u32' && operator === '>>' ? `(${a} >>> ${b})` : `(${a} ${operator} ${b})`)
    case '<': case '<=': return `${a} ${operator} ${b}`
    case '==': case '!=': return `${a} ${operator}= ${b}`
    case '&&': case '||': return `${a} ${operator} ${b}`
  }
}

// ---------------------------------------------------------------- reductions

function reduceTerm(c: Code, e: Reduce, variables: Variables): Term {
  const { type, reducer } = e, total = fresh(c), here = c.scopes.length - 1
  const zero = isBig(type) ? '0n' : '0', bodyType = e.body.type
  switch (reducer) {
    case 'sum': case 'avg':
      line(c, `let ${total} = ${zero}`)
      loop(x => `${total} = ${binaryText('+', total, x, type)}`)
      if (reducer === 'avg') {
        const count = isBig(type) ? `${volumeOf(e.axes)}n` : String(volumeOf(e.axes))
        return element(c, binaryText('/', total, count, type), anyTerm(total, here))
      }
      break
    case 'prod':
      line(c, `let ${total} = ${isBig(type) ? '1n' : '1'}`)
      loop(x => `${total} = ${binaryText('*', total, x, type)}`)
      break
    case 'max': case 'min': {
      const first = fresh(c), sign = reducer === 'max' ? '>' : '<'
      line(c, `let ${total} = ${isFloat(type) ? `${reducer === 'max' ? '-' : ''}Infinity` : zero}, ${first} = ${!isFloat(type)}`)
      loop(x => isFloat(type) ? `if (${x} ${sign} ${total}) ${total} = ${x}`
        : `if (${first} || ${x} ${sign} ${total}) { ${total} = ${x}; ${first} = false }`)
      break
    }
    case 'any': case 'all':
      line(c, `let ${total} = ${reducer === 'all'}`)
      loop(x => `if (${reducer === 'all' ? '!' : ''}${x}) ${total} = ${reducer === 'any'}`)
      break
    case 'argmax': case 'argmin': {
      const best = fresh(c), position = fresh(c), sign = reducer === 'argmax' ? '>' : '<'
      line(c, `let ${total} = 0, ${position} = 0, ${best} = ${isBig(bodyType) ? '0n' : '0'}`)
      loop(x => `if (${position} === 0 || ${x} ${sign} ${best}) { ${best} = ${x}; ${total} = ${position} }\n${position}++`)
      return element(c, convertedText(total, 'index', type), anyTerm(total, here))
    }
  }
  return anyTerm(total, here)

  function loop(step: (x: string) => string): void {
    const inner = new Map(variables)
    for (const axis of e.axes) openLoop(c, axis, inner)
    line(c, step(term(c, e.body, inner).text))
    for (const axis of e.axes.toReversed()) closeLoop(c, inner.get(axis.variable)!)
  }
}

/** What the code calls. */
const runtime = {
  roundTo, f16Bits, f16Number, bf16Bits, bf16Number,
  least, greatest, quotient, remainder, quotientBig, remainderBig, whole32, wholeU32, wholeBig,
  ...Object.fromEntries(Object.entries(functions).map(([name, f]) => [`${name}_of`, f.value]))
}
