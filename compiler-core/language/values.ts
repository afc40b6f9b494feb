/**
 * Compile-time values: what an expression of a Heddle file stands for before any kernel runs.
 *
 * Values are immutable. `unknown` stands for everything that compile-time evaluation does not have: device values,
 * unbound shape variables, and the result of anything that was wrong (and has been reported), so that one mistake gives
 * one message.
 *
 *     (2, 3).rank        int 2
 *     spatial(4, 8)      mapping, with the source range of the call as the origin of its one factor
 */
import type { Arithmetic, Expr } from '../mapping/arithmetic.ts'
import { symbols } from '../mapping/arithmetic.ts'
import { layoutText, type Layout } from '../mapping/layout.ts'
import type { Buffer, Expr as DeviceExpr } from '../ir/ir.ts'
import type { SourceRange } from '../ir/origin.ts'
import { equalMappings, loopText, mappingText, type Loop, type Mapping } from '../mapping/mapping.ts'
import type { Architecture } from '../target/architectures.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import type { Definition } from './resolve.ts'

export type { SourceRange } from '../ir/origin.ts'

export type Value =
  | Int | Float | { readonly kind: 'bool'; readonly value: boolean } | { readonly kind: 'string'; readonly value: string }
  | Tuple | List | { readonly kind: 'dtype'; readonly dtype: ElementType }
  | MappingValue | LayoutValue
  | { readonly kind: 'reducer'; readonly name: Reducer } | { readonly kind: 'loop'; readonly loop: Loop }
  | { readonly kind: 'target'; readonly architecture: Architecture }
  | { readonly kind: 'function'; readonly definition: Definition }
  /** The name of a kind of values, such as `int` or `shape`. */
  | { readonly kind: 'type'; readonly name: string }
  | Symbolic
  | DeviceValue | TensorValue | LaunchMapping | FamilyValue
  /** `threadIdx` and its kin, whose members are device values. */
  | { readonly kind: 'position'; readonly name: PositionName }
  /** Inlined where it is called; it sees the names around its declaration. */
  | { readonly kind: 'device-function'; readonly definition: Definition }
  | { readonly kind: 'unknown' }

/** A number or a condition that is known when the kernel is launched, or while it runs. Only elaboration has these. */
export interface DeviceValue { readonly kind: 'device'; readonly expr: DeviceExpr }

/** A tensor, or a slice of one: the dimensions of the buffer that have an index are not dimensions of the value. */
export interface TensorValue { readonly kind: 'tensor'; readonly buffer: Buffer; readonly dims: readonly ViewDim[] }
export type ViewDim =
  | { readonly kind: 'index'; readonly at: DeviceExpr }
  | { readonly kind: 'range'; readonly from: DeviceExpr | undefined; readonly extent: DeviceExpr }

/** A mapping of atoms whose extents are known only at launch: it can be walked (`.on`, `.at`), no more. */
export interface LaunchMapping { readonly kind: 'launch-mapping'; readonly atoms: readonly LaunchAtom[] }
export interface LaunchAtom {
  readonly kind: 'spatial' | 'repeat'
  readonly extents: readonly DeviceExpr[]
  readonly ranks: readonly number[]
  readonly loops: readonly Loop[]
  readonly made: SourceRange
}

/** The operator that a generic schedule serves: `f` of `schedule flat for pointwise f`. */
export interface FamilyValue {
  readonly kind: 'family'
  readonly family: 'pointwise' | 'reduction'
  readonly operator: OperatorInstance
}

export type PositionName = 'threadIdx' | 'blockIdx' | 'blockDim' | 'gridDim'

export interface Int { readonly kind: 'int'; readonly value: bigint }
export interface Float { readonly kind: 'float'; readonly value: number }
/** Never of exactly one item: that is the item itself. */
export interface Tuple extends Items { readonly kind: 'tuple' }
export interface List extends Items { readonly kind: 'list' }
interface Items {
  readonly items: readonly Value[]
  /** All values inside, at any depth, this one included: what a walk through it costs. */
  readonly weight: number
}

export interface MappingValue {
  readonly kind: 'mapping'
  readonly mapping: Mapping
  /** One for each of `mapping.factors`. */
  readonly origins: readonly Origin[]
}

export interface LayoutValue {
  readonly kind: 'layout'
  readonly layout: Layout
  /** One for each of `layoutFactors(layout)`. */
  readonly origins: readonly Origin[]
}

/**
 * The source ranges that a factor came through, innermost first: the call that made it, then each name or call that
 * passed it on.
 */
export type Origin = readonly SourceRange[]

/**
 * An integer or a truth value (0 or 1) that depends on the worker `w` of a custom mapping. `low` and `high` bound its
 * value, so that no step of the expression leaves the numbers that a double holds exactly; `weight` counts its
 * operations.
 */
export interface Symbolic {
  readonly kind: 'symbolic'
  readonly type: 'int' | 'bool'
  readonly expr: Expr
  readonly low: number
  readonly high: number
  readonly weight: number
}

export type Reducer = 'sum' | 'prod' | 'max' | 'min' | 'avg' | 'any' | 'all' | 'argmax' | 'argmin'

export interface ElementType {
  readonly name: string
  readonly bytes: number
  readonly kind: 'float' | 'int' | 'bool'
  /** The least and greatest finite value. */
  readonly min: bigint | number
  readonly max: bigint | number
}

// ---------------------------------------------------------------- constructors

export const unknown: Value = { kind: 'unknown' }
const truth: Value = { kind: 'bool', value: true }
const falsehood: Value = { kind: 'bool', value: false }
const smallInts: readonly Int[] = Array.from({ length: 1025 }, (_, i): Int => ({ kind: 'int', value: BigInt(i) }))

export function int(value: number | bigint): Int {
  const small = value >= 0 && value <= 1024 ? smallInts[Number(value)] : undefined
  return small ?? { kind: 'int', value: BigInt(value) }
}

export function float(value: number): Float { return { kind: 'float', value } }
export function bool(value: boolean): Value { return value ? truth : falsehood }

/** A tuple; of one item, the item. */
export function tuple(items: readonly Value[]): Value {
  const only = items[0]
  return items.length === 1 && only !== undefined ? only : { kind: 'tuple', items, weight: weightOf(items) }
}

export function list(items: readonly Value[]): Value { return { kind: 'list', items, weight: weightOf(items) } }

function weightOf(items: readonly Value[]): number {
  let weight = 1
  for (const item of items) weight += valueWeight(item)
  return weight
}

/** The number of values in a value. */
export function valueWeight(v: Value): number { return v.kind === 'tuple' || v.kind === 'list' ? v.weight : 1 }

/** A shape, a task or a stride tuple as a value: a single number in one dimension. */
export function numbersValue(numbers: readonly number[]): Value { return tuple(numbers.map(int)) }

const elementTypes: readonly ElementType[] = [
  floating('f64', 8, Number.MAX_VALUE), floating('f32', 4, (2 - 2 ** -23) * 2 ** 127), floating('tf32', 4, (2 - 2 ** -10) * 2 ** 127),
  floating('f16', 2, 65504), floating('bf16', 2, (2 - 2 ** -7) * 2 ** 127),
  ...[64n, 32n, 16n, 8n].map(bits => ({ name: `i${bits}`, bytes: Number(bits) / 8, kind: 'int' as const, min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n })),
  ...[64n, 32n, 16n, 8n].map(bits => ({ name: `u${bits}`, bytes: Number(bits) / 8, kind: 'int' as const, min: 0n, max: 2n ** bits - 1n })),
  { name: 'bool', bytes: 1, kind: 'bool', min: 0n, max: 1n },
]

function floating(name: string, bytes: number, max: number): ElementType {
  return { name, bytes, kind: 'float', min: -max, max }
}

export function elementType(name: string): ElementType | undefined { return elementTypes.find(t => t.name === name) }

// ---------------------------------------------------------------- sequences

/** The items of a tuple or list; a number counts as a sequence of one. Undefined for anything else. */
export function itemsOf(v: Value): readonly Value[] | undefined {
  switch (v.kind) {
    case 'tuple': case 'list': return v.items
    case 'int': case 'float': case 'symbolic': case 'device': return [v]
    default: return undefined
  }
}

/** Whether a value is, or somewhere contains, something that is not known. */
export function containsUnknown(v: Value): boolean {
  return v.kind === 'unknown' || ((v.kind === 'tuple' || v.kind === 'list') && v.items.some(containsUnknown))
}

// ---------------------------------------------------------------- origins

/** No value came through more places than are kept: the innermost and the latest ones. */
const keptRanges = 16

/** The value as seen through one more name or call; a constructor's own range is `made`. */
export function through(v: Value, range: SourceRange): Value {
  if (v.kind === 'mapping') return { ...v, origins: v.origins.map(o => extended(o, range)) }
  if (v.kind === 'layout') return { ...v, origins: v.origins.map(o => extended(o, range)) }
  return v
}

function extended(origin: Origin, range: SourceRange): Origin {
  const last = origin.at(-1)
  const { start, end } = range.span
  if (last?.uri === range.uri && last.span.start === start && last.span.end === end) return origin
  return origin.length < keptRanges ? [...origin, range] : [...origin.slice(0, 1), ...origin.slice(2), range]
}

/** The layouts whose `*` and `+` make a layout, from left to right. */
export function layoutFactors(l: Layout): readonly Layout[] {
  if (l.kind === 'product') return [...layoutFactors(l.outer), ...layoutFactors(l.inner)]
  if (l.kind === 'concatenation') return [...layoutFactors(l.first), ...layoutFactors(l.second)]
  return [l]
}

/** Nodes of a layout, which bounds what every question about it costs. */
export function layoutWeight(l: Layout): number {
  switch (l.kind) {
    case 'strided': case 'local': return 1
    case 'product': return 1 + layoutWeight(l.outer) + layoutWeight(l.inner)
    case 'concatenation': return 1 + layoutWeight(l.first) + layoutWeight(l.second)
    case 'swizzle': case 'permute': case 'reshape': return 1 + layoutWeight(l.of)
  }
}

// ---------------------------------------------------------------- comparison and text

/** Whether two values are equal; undefined where they cannot be compared. Unequal kinds of numbers compare by value. */
export function equalValues(a: Value, b: Value): boolean | undefined {
  if ((a.kind === 'tuple' || a.kind === 'list') && (b.kind === 'tuple' || b.kind === 'list')) {
    if (a.items.length !== b.items.length) return false
    let equal = true
    for (const [i, item] of a.items.entries()) {
      const other = b.items[i]
      const same = other === undefined ? undefined : equalValues(item, other)
      if (same === undefined) return undefined
      equal &&= same
    }
    return equal
  }
  if (a.kind === 'int' && b.kind === 'int') return a.value === b.value
  if ((a.kind === 'int' || a.kind === 'float') && (b.kind === 'int' || b.kind === 'float')) {
    return a.value <= b.value && a.value >= b.value
  }
  if (isSequence(a) && isSequence(b)) return false
  if (a.kind === 'bool' && b.kind === 'bool') return a.value === b.value
  if (a.kind === 'string' && b.kind === 'string') return a.value === b.value
  if (a.kind === 'mapping' && b.kind === 'mapping') return equalMappings(a.mapping, b.mapping)
  if (a.kind === 'reducer' && b.kind === 'reducer') return a.name === b.name
  if (a.kind === 'target' && b.kind === 'target') return a.architecture.name === b.architecture.name
  if (isType(a) && isType(b)) return typeName(a) === typeName(b)
  return undefined
}

const isSequence = (v: Value): boolean => v.kind === 'tuple' || v.kind === 'list' || v.kind === 'int' || v.kind === 'float'
const isType = (v: Value): v is Extract<Value, { kind: 'dtype' | 'type' }> => v.kind === 'dtype' || v.kind === 'type'
const typeName = (v: Extract<Value, { kind: 'dtype' | 'type' }>): string => v.kind === 'dtype' ? v.dtype.name : v.name

/** A value in Heddle, shortened where it is long; `?` for what is not known. */
export function valueText(v: Value, budget = 200): string {
  switch (v.kind) {
    case 'int': return String(v.value)
    case 'float': return floatText(v.value)
    case 'bool': return String(v.value)
    case 'string': return JSON.stringify(v.value)
    case 'tuple': return `(${itemsText(v.items, budget)})`
    case 'list': return `[${itemsText(v.items, budget)}]`
    case 'dtype': return v.dtype.name
    case 'mapping': return mappingText(v.mapping)
    case 'layout': return layoutText(v.layout)
    case 'reducer': return v.name
    case 'loop': return loopText(v.loop)
    case 'target': return v.architecture.name
    case 'function': return v.definition.name
    case 'type': return v.name
    case 'tensor': return v.buffer.name
    case 'position': return v.name
    case 'device-function': return v.definition.name
    case 'family': return v.operator.name
    case 'symbolic': case 'device': case 'launch-mapping': case 'unknown': return '?'
  }
}

function itemsText(items: readonly Value[], budget: number): string {
  let text = ''
  for (const [i, item] of items.entries()) {
    if (text.length > budget) return `${text}, ... ${items.length - i} more`
    text += (i === 0 ? '' : ', ') + valueText(item, Math.max(0, (budget - text.length) / 2))
  }
  return text
}

function floatText(x: number): string {
  if (x === Infinity) return 'inf'
  if (x === -Infinity) return '-inf'
  const text = String(x)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

/** A value with its kind, for messages: `the int 5`, `a mapping`. */
export function describe(v: Value): string {
  switch (v.kind) {
    case 'int': return `the int ${v.value}`
    case 'float': return `the float ${floatText(v.value)}`
    case 'bool': return `the bool ${v.value}`
    case 'string': return `the string ${valueText(v).slice(0, 60)}`
    case 'tuple': return `the tuple ${valueText(v, 40)}`
    case 'list': return `the list ${valueText(v, 40)}`
    case 'dtype': return `the element type ${v.dtype.name}`
    case 'mapping': return 'a mapping'
    case 'layout': return 'a layout'
    case 'reducer': return `the reducer ${v.name}`
    case 'loop': return `the loop word ${loopText(v.loop)}`
    case 'target': return `the architecture ${v.architecture.name}`
    case 'function': return `the function ${v.definition.name}`
    case 'type': return `the type ${v.name}`
    case 'symbolic': return v.type === 'int' ? 'an int' : 'a bool'
    case 'device': return v.expr.type === 'index' ? 'a whole number of the running kernel' : `a ${v.expr.type} of the running kernel`
    case 'tensor': return `the tensor ${v.buffer.name}`
    case 'position': return `\`${v.name}\``
    case 'launch-mapping': return 'a mapping whose extents are known only at launch'
    case 'device-function': return `the device function ${v.definition.name}`
    case 'family': return `the operator ${v.operator.name}`
    case 'unknown': return 'an unknown value'
  }
}

// ---------------------------------------------------------------- symbolic integers

/** Bounds above which a symbolic value is given up: the numbers of a double, and the work of an expression. */
const exact = Number.MAX_SAFE_INTEGER
const heaviest = 4096

export function symbolicVariable(name: string, low: number, high: number): Symbolic {
  return { kind: 'symbolic', type: 'int', expr: { kind: 'variable', name }, low, high, weight: 1 }
}

/** A known int or bool as a symbolic value; undefined for other values and for numbers that a double does not hold. */
export function asSymbolic(v: Value): Symbolic | undefined {
  if (v.kind === 'symbolic') return v
  const value = v.kind === 'int' ? Number(v.value) : v.kind === 'bool' ? Number(v.value) : undefined
  if (value === undefined || !Number.isSafeInteger(value)) return undefined
  return { kind: 'symbolic', type: v.kind === 'int' ? 'int' : 'bool', expr: { kind: 'constant', value }, low: value, high: value, weight: 1 }
}

/** An expression of known bounds, as a value; undefined where it left the exact numbers or became too large. */
export function symbolicValue(
  type: 'int' | 'bool', expr: Expr, low: number, high: number, weight: number
): Value | undefined {
  if (!(low >= -exact && high <= exact) || weight > heaviest) return undefined
  if (expr.kind === 'constant') return type === 'int' ? int(expr.value) : bool(expr.value !== 0)
  return { kind: 'symbolic', type, expr, low, high, weight }
}

/** `a op b` on symbolic integers; undefined where it is not certain to be exact, or might divide by zero. */
export function symbolicBinary(op: string, a: Symbolic, b: Symbolic): Value | undefined {
  const weight = a.weight + b.weight + 1
  const made = (type: 'int' | 'bool', expr: Expr, low: number, high: number): Value | undefined => symbolicValue(type, expr, low, high, weight)
  const arithmetic: Arithmetic<Expr> = symbols
  const not = (e: Expr): Expr => arithmetic.binary('==', e, arithmetic.constant(0))
  const order = (o: '<' | '<=', l: Symbolic, r: Symbolic): Value | undefined => made('bool', arithmetic.binary(o, l.expr, r.expr), 0, 1)
  switch (op) {
    case '==': case '!=': return made('bool', arithmetic.binary(op, a.expr, b.expr), 0, 1)
    case '&&': return made('bool', arithmetic.select(a.expr, b.expr, arithmetic.constant(0)), 0, 1)
    case '||': return made('bool', arithmetic.select(a.expr, arithmetic.constant(1), b.expr), 0, 1)
    case '!': return made('bool', not(a.expr), 0, 1)
  }
  if (a.type !== 'int' || b.type !== 'int') return undefined
  const corners = (f: (x: number, y: number) => number): [number, number] => {
    const values = [f(a.low, b.low), f(a.low, b.high), f(a.high, b.low), f(a.high, b.high)]
    return [Math.min(...values), Math.max(...values)]
  }
  const divisor = b.low === b.high && b.low > 0 ? b.low : undefined
  const natural = a.low >= 0 && b.low >= 0
  const bits = 2 ** Math.ceil(Math.log2(Math.max(a.high, b.high) + 1)) - 1
  switch (op) {
    case '<': return order('<', a, b)
    case '<=': return order('<=', a, b)
    case '>': return order('<', b, a)
    case '>=': return order('<=', b, a)
    case '+': return made('int', arithmetic.binary('+', a.expr, b.expr), a.low + b.low, a.high + b.high)
    case '-': return made('int', arithmetic.binary('-', a.expr, b.expr), a.low - b.high, a.high - b.low)
    case '*': return made('int', arithmetic.binary('*', a.expr, b.expr), ...corners((x, y) => x * y))
    case '/': return divisor === undefined ? undefined : made('int', arithmetic.binary('/', a.expr, b.expr), Math.floor(a.low / divisor), Math.floor(a.high / divisor))
    case '%': return divisor === undefined ? undefined : made('int', arithmetic.binary('%', a.expr, b.expr), 0, divisor - 1)
    case '&': case '|': case '^': return natural ? made('int', arithmetic.binary(op, a.expr, b.expr), 0, op === '&' ? Math.min(a.high, b.high) : bits) : undefined
    case '<<': return natural && b.high < 53 ? made('int', arithmetic.binary('<<', a.expr, b.expr), a.low * 2 ** b.low, a.high * 2 ** b.high) : undefined
    case '>>': return natural && b.high < 53 ? made('int', arithmetic.binary('>>', a.expr, b.expr), Math.floor(a.low / 2 ** b.high), Math.floor(a.high / 2 ** b.low)) : undefined
    default: return undefined
  }
}

/** `if c then a else b` where the condition depends on the worker. */
export function symbolicSelect(c: Symbolic, a: Symbolic, b: Symbolic): Value | undefined {
  if (a.type !== b.type) return undefined
  const low = Math.min(a.low, b.low), high = Math.max(a.high, b.high)
  return symbolicValue(a.type, symbols.select(c.expr, a.expr, b.expr), low, high, a.weight + b.weight + c.weight + 1)
}
