/**
 * Makes expressions: infers types, folds constants and the identities of 0 and 1, which need no ranges.
 *
 *     binary('+', binary('*', ref(i), constant(1)), constant(-3))      ->  i - 3
 *     compare('>', ref(i), ref(j))                                     ->  j < i
 *
 * `origins` are those of the new node. Where a fold leaves one operand, they are joined to the operand's, together with
 * those of the operand that went. Folding is exact: whole numbers that a type cannot hold and divisions by zero stay.
 */
import type { Arithmetic, Operation } from '../mapping/arithmetic.ts'
import { joinOrigins, type Origins } from './origin.ts'
import type {
  BinaryOperator, Buffer, Cast, Constant, ElementName, Expr, Intrinsic, Load, Type, Unary, Variable, VariableRef
} from './ir.ts'

const none: Origins = []

export function constant(value: number | bigint, type: Type = 'index', origins: Origins = none): Constant {
  return { kind: 'constant', value: typeof value === 'bigint' ? shortest(value) : value, type, origins }
}

export function truth(value: boolean, origins: Origins = none): Constant {
  return constant(value ? 1 : 0, 'bool', origins)
}

export function ref(variable: Variable, origins: Origins = none): VariableRef {
  return { kind: 'variable', variable, type: variable.type, origins }
}

/** Both operands have one type, except that the right one of a shift may have another whole type. */
export function binary(operator: BinaryOperator, left: Expr, right: Expr, origins: Origins = none): Expr {
  if (right.kind === 'constant') {
    if (left.kind === 'constant') {
      const value = foldBinary(operator, left, right)
      if (value !== undefined) {
        return constant(value, resultType(operator, left), joinOrigins(origins, left.origins, right.origins))
      }
    }
    if (isNeutralRight(operator, right, left)) return joined(left, origins, right.origins)
    if (absorbsRight(operator, right, left)) return absorbed(operator, right, left, origins)
    if ((operator === '+' || operator === '-') && right.value < 0 && isSigned(left.type)) {
      const opposite = constant(-right.value, right.type, right.origins)
      if (fits(opposite.value, right.type)) return node(operator === '+' ? '-' : '+', left, opposite, origins)
    }
  } else if (left.kind === 'constant') {
    if (isNeutralLeft(operator, left)) return joined(right, origins, left.origins)
    if (absorbsLeft(operator, left, right)) return absorbed(operator, left, right, origins)
    if (operator === '-' && left.value === 0 && isSigned(right.type)) return unary('-', right, origins)
  }
  return node(operator, left, right, origins)
}

type Comparison = '<' | '<=' | '==' | '!=' | '>' | '>='

/** `>` and `>=` become `<` and `<=` with the operands exchanged. */
export function compare(operator: Comparison, left: Expr, right: Expr, origins: Origins = none): Expr {
  switch (operator) {
    case '>': return binary('<', right, left, origins)
    case '>=': return binary('<=', right, left, origins)
    default: return binary(operator, left, right, origins)
  }
}

export function unary(operator: Unary['operator'], operand: Expr, origins: Origins = none): Expr {
  if (operand.kind === 'constant') {
    const value = foldUnary(operator, operand)
    if (value !== undefined) return constant(value, operand.type, joinOrigins(origins, operand.origins))
  }
  if (operand.kind === 'unary' && operand.operator === operator) return joined(operand.operand, origins, none)
  return { kind: 'unary', operator, operand, type: operand.type, origins }
}

/** `!condition`, by the opposite comparison where that is the same: not for `<` of floats. */
export function not(condition: Expr, origins: Origins = none): Expr {
  if (condition.kind === 'binary') {
    const { operator, left, right } = condition
    const from = joinOrigins(origins, condition.origins)
    if (operator === '==') return binary('!=', left, right, from)
    if (operator === '!=') return binary('==', left, right, from)
    if (isWhole(left.type)) {
      if (operator === '<') return binary('<=', right, left, from)
      if (operator === '<=') return binary('<', right, left, from)
    }
  }
  return unary('!', condition, origins)
}

/** All conditions; true without any. */
export function and(...conditions: readonly Expr[]): Expr {
  return conditions.length === 0 ? truth(true) : conditions.reduce((left, right) => binary('&&', left, right))
}

/** The operands of nested `&&`, in order. */
export function conjuncts(condition: Expr): readonly Expr[] {
  return condition.kind === 'binary' && condition.operator === '&&'
    ? [...conjuncts(condition.left), ...conjuncts(condition.right)]
    : [condition]
}

export function select(condition: Expr, then: Expr, otherwise: Expr, origins: Origins = none): Expr {
  if (condition.kind === 'constant') {
    return joined(condition.value === 0 ? otherwise : then, origins, condition.origins)
  }
  if (then === otherwise) return joined(then, origins, none)
  return { kind: 'select', condition, then, otherwise, type: then.type, origins }
}

/**
 * A conversion to the type that a float has already stays: it says that the value is rounded here, so that a product
 * is not contracted with what follows.
 */
export function cast(value: Expr, type: Type, origins: Origins = none): Expr {
  if (value.type === type && isWhole(type)) return joined(value, origins, none)
  if (value.kind === 'constant' && value.type !== type) {
    const folded = foldCast(value, type)
    if (folded !== undefined) return constant(folded, type, joinOrigins(origins, value.origins))
  }
  return castNode(value, type, origins)
}

export function load(
  buffer: Buffer, indices: readonly Expr[], outside?: Expr, origins: Origins = none
): Load {
  return { kind: 'load', buffer, indices, outside, type: buffer.element, origins }
}

/** Its type is that of the first argument. */
export function call(intrinsic: Intrinsic, args: readonly Expr[], origins: Origins = none): Expr {
  return { kind: 'call', intrinsic, args, type: args[0]?.type ?? 'f32', origins }
}

/** The same expression with other origins. */
export function withOrigins<E extends Expr>(e: E, origins: Origins): E {
  return e.origins === origins ? e : { ...e, origins }
}

/** Formulas of mappings and layouts as expressions of the type `index`, all with these origins. */
export function indexArithmetic(origins: Origins = none): Arithmetic<Expr> {
  const number = (value: number) => constant(value, 'index', origins)
  const compute = (operation: Operation, left: Expr, right: Expr): Expr => {
    if ((operation === '/' || operation === '%') && !(right.kind === 'constant' && right.value !== 0)) {
      return select(
        binary('==', right, number(0), origins), number(0), binary(operation, left, right, origins), origins
      )
    }
    return binary(operation, left, right, origins)
  }
  const choose = (index: Expr, count: number, item: (i: number) => Expr): Expr => {
    if (index.kind === 'constant') return item(Number(index.value))
    const items = Array.from({ length: count }, (_, i) => item(i))
    return progression(items) ?? between(0, count)

    function progression(all: readonly Expr[]): Expr | undefined {
      const values = all.map(e => (e.kind === 'constant' ? Number(e.value) : Number.NaN))
      const first = values[0] ?? 0, step = (values[1] ?? first) - first
      return values.every((v, i) => v === first + i * step)
        ? compute('+', compute('*', asIndex(index), number(step)), number(first))
        : undefined
    }

    function between(from: number, to: number): Expr {
      if (to - from <= 1) return asIndex(items[from] ?? number(0))
      const middle = (from + to) >> 1
      return select(
        binary('<', asIndex(index), number(middle), origins), between(from, middle), between(middle, to), origins
      )
    }
  }
  return {
    constant: number,
    binary: (operation, left, right) => compute(operation, asIndex(left), asIndex(right)),
    select: (condition, then, otherwise) =>
      select(asCondition(condition, origins), asIndex(then), asIndex(otherwise), origins),
    choose
  }
}

// ---------------------------------------------------------------- types

export function isWhole(type: Type): boolean {
  return type === 'index' || wholeBits[type] !== undefined
}

export function isFloat(type: Type): boolean {
  return !isWhole(type)
}

/** The least and the greatest value of a whole type; undefined for floats, infinite for `index`. */
export function typeRange(type: Type): { readonly low: number; readonly high: number } | undefined {
  if (type === 'index') return everything
  return wholeRanges[type]
}

const wholeBits: Readonly<Partial<Record<ElementName, number>>> = {
  bool: 1, i8: -8, i16: -16, i32: -32, i64: -64, u8: 8, u16: 16, u32: 32, u64: 64
}

const everything = { low: -Infinity, high: Infinity }
/** The bounds of 64-bit types are rounded outward to doubles. */
const wholeRanges: Readonly<Partial<Record<ElementName, { readonly low: number; readonly high: number }>>> =
  Object.fromEntries(Object.entries(wholeBits).map(([name, bits]) =>
    [name, bits < 0 ? { low: -(2 ** (-bits - 1)), high: 2 ** (-bits - 1) - 1 } : { low: 0, high: 2 ** bits - 1 }]))

function isSigned(type: Type): boolean {
  return type === 'index' || (wholeBits[type] ?? 0) < 0
}

function fits(value: number | bigint, type: Type): boolean {
  if (type === 'index') return true
  const bits = wholeBits[type]
  if (bits === undefined) return false
  const v = BigInt(value)
  return bits < 0
    ? v >= -(2n ** BigInt(-bits - 1)) && v < 2n ** BigInt(-bits - 1)
    : v >= 0n && v < 2n ** BigInt(bits)
}

function resultType(operator: BinaryOperator, left: Expr): Type {
  switch (operator) {
    case '<': case '<=': case '==': case '!=': case '&&': case '||': return 'bool'
    default: return left.type
  }
}

function asIndex(e: Expr): Expr {
  return e.type === 'index' ? e : cast(e, 'index', e.origins)
}

function asCondition(e: Expr, origins: Origins): Expr {
  if (e.type === 'bool') return e
  return e.kind === 'cast' && e.value.type === 'bool' ? e.value : binary('!=', e, constant(0, e.type), origins)
}

// ---------------------------------------------------------------- folding

function node(operator: BinaryOperator, left: Expr, right: Expr, origins: Origins): Expr {
  return { kind: 'binary', operator, left, right, type: resultType(operator, left), origins }
}

function castNode(value: Expr, type: Type, origins: Origins): Cast {
  return { kind: 'cast', value, type, origins }
}

function joined(kept: Expr, origins: Origins, gone: Origins): Expr {
  return origins.length === 0 && gone.length === 0
    ? kept
    : withOrigins(kept, joinOrigins(kept.origins, origins, gone))
}

/** `x op right` is x. A sum with a float's zero is not: -0 + 0 is 0. */
function isNeutralRight(operator: BinaryOperator, right: Constant, left: Expr): boolean {
  const { value } = right
  switch (operator) {
    case '+': return value === 0 && isWhole(left.type)
    case '-': return value === 0 && !Object.is(value, -0)
    case '|': case '^': case '<<': case '>>': return value === 0
    case '*': case '/': return value === 1
    case '&&': return value !== 0
    case '||': return value === 0
    default: return false
  }
}

function isNeutralLeft(operator: BinaryOperator, left: Constant): boolean {
  switch (operator) {
    case '+': case '|': case '^': return left.value === 0 && isWhole(left.type)
    case '*': return left.value === 1
    case '&&': return left.value !== 0
    case '||': return left.value === 0
    default: return false
  }
}

/** `x op right` is 0, or for logic `right`. */
function absorbsRight(operator: BinaryOperator, right: Constant, left: Expr): boolean {
  switch (operator) {
    case '*': case '&': return right.value === 0 && isWhole(left.type)
    case '%': return right.value === 1 && isWhole(left.type)
    case '&&': return right.value === 0
    case '||': return right.value !== 0
    default: return false
  }
}

function absorbsLeft(operator: BinaryOperator, left: Constant, right: Expr): boolean {
  switch (operator) {
    case '*': case '&': case '/': case '%': case '<<': case '>>': return left.value === 0 && isWhole(right.type)
    case '&&': return left.value === 0
    case '||': return left.value !== 0
    default: return false
  }
}

function absorbed(operator: BinaryOperator, by: Constant, gone: Expr, origins: Origins): Expr {
  return constant(
    operator === '||' ? 1 : 0, operator === '&&' || operator === '||' ? 'bool' : by.type,
    joinOrigins(origins, by.origins, gone.origins)
  )
}

function foldBinary(operator: BinaryOperator, left: Constant, right: Constant): number | bigint | undefined {
  if (!isWhole(left.type)) return foldFloats(operator, left, right)
  const value = foldWhole(operator, left.value, right.value)
  return value === undefined || !fits(value, resultType(operator, left)) ? undefined : value
}

/** Floor division; undefined for what has no value. */
export function foldWhole(
  operator: BinaryOperator, left: number | bigint, right: number | bigint
): number | bigint | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const value = foldNumbers(operator, left, right)
    if (value !== undefined && Number.isSafeInteger(value)) return value
  }
  const value = foldBigints(operator, BigInt(left), BigInt(right))
  return value === undefined ? undefined : shortest(value)
}

function foldNumbers(operator: BinaryOperator, a: number, b: number): number | undefined {
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b + 0
    case '/': return b === 0 ? undefined : (a - floorRemainder(a, b)) / b + 0
    case '%': return b === 0 ? undefined : floorRemainder(a, b)
    case 'min': return Math.min(a, b)
    case 'max': return Math.max(a, b)
    case '<': return Number(a < b)
    case '<=': return Number(a <= b)
    case '==': return Number(a === b)
    case '!=': return Number(a !== b)
    case '&&': return Number(a !== 0 && b !== 0)
    case '||': return Number(a !== 0 || b !== 0)
    case '&': case '|': case '^': case '<<': case '>>': return undefined
  }
}

function foldBigints(operator: BinaryOperator, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b
    case '/': return b === 0n ? undefined : (a - bigRemainder(a, b)) / b
    case '%': return b === 0n ? undefined : bigRemainder(a, b)
    case 'min': return a < b ? a : b
    case 'max': return a > b ? a : b
    case '&': return a & b
    case '|': return a | b
    case '^': return a ^ b
    case '<<': return b < 0n || b > 63n ? undefined : a << b
    case '>>': return b < 0n || b > 63n ? undefined : a >> b
    case '<': return a < b ? 1n : 0n
    case '<=': return a <= b ? 1n : 0n
    case '==': return a === b ? 1n : 0n
    case '!=': return a !== b ? 1n : 0n
    case '&&': return a !== 0n && b !== 0n ? 1n : 0n
    case '||': return a !== 0n || b !== 0n ? 1n : 0n
  }
}

/** With the sign of `b`, never -0. */
function floorRemainder(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0
}

function bigRemainder(a: bigint, b: bigint): bigint {
  const r = a % b
  return r !== 0n && r < 0n !== b < 0n ? r + b : r
}

function shortest(value: bigint): number | bigint {
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value
}

/** Only where one rounding of the exact result is what the machine does: f64, and f32 computed in f64. */
function foldFloats(operator: BinaryOperator, left: Constant, right: Constant): number | undefined {
  const a = Number(left.value), b = Number(right.value)
  switch (operator) {
    case '<': case '<=': case '==': case '!=': return foldNumbers(operator, a, b)
    case '+': case '-': case '*': case '/': {
      const exact = operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : a / b
      const value = left.type === 'f64' ? exact : left.type === 'f32' ? Math.fround(exact) : Number.NaN
      return Number.isFinite(value) ? value : undefined
    }
    case 'min': return Number.isFinite(a) && Number.isFinite(b) && a !== b ? Math.min(a, b) : undefined
    case 'max': return Number.isFinite(a) && Number.isFinite(b) && a !== b ? Math.max(a, b) : undefined
    default: return undefined
  }
}

function foldUnary(operator: Unary['operator'], operand: Constant): number | bigint | undefined {
  switch (operator) {
    case '!': return operand.value === 0 ? 1 : 0
    case '-': {
      if (!isWhole(operand.type)) return -operand.value
      const value = operand.value === 0 ? 0 : -operand.value
      return fits(value, operand.type) ? value : undefined
    }
    case '~': {
      const value = shortest(~BigInt(operand.value))
      return fits(value, operand.type) ? value : undefined
    }
  }
}

function foldCast(value: Constant, type: Type): number | bigint | undefined {
  const { value: v } = value
  if (type === 'bool') return v === 0 ? 0 : 1
  if (isWhole(value.type)) {
    if (isWhole(type)) return fits(v, type) ? v : undefined
    const float = Number(v)
    return BigInt(v) === BigInt(float) && isExact(float, type) ? float : undefined
  }
  const float = Number(v)
  if (isWhole(type)) {
    const whole = Math.trunc(float) + 0
    return Number.isSafeInteger(whole) && fits(whole, type) ? whole : undefined
  }
  return isExact(float, type) ? float : undefined
}

/** Is the number a value of the float type, so that a conversion changes nothing? No for some that are very small. */
function isExact(value: number, type: Type): boolean {
  if (type === 'f64') return true
  if (type === 'f32') return Math.fround(value) === value
  const significant = type === 'bf16' ? 8 : 11
  const magnitude = Math.abs(value)
  if (magnitude === 0) return true
  if (!(magnitude >= 2 ** -14 && magnitude < 2 ** 15)) return false
  const scaled = magnitude * 2 ** (significant - 1 - Math.floor(Math.log2(magnitude)))
  return Number.isInteger(scaled)
}
