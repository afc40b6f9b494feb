/**
 * Expressions of the lowered IR as CUDA C++ with no parenthesis and no conversion that C does not need:
 *
 *     (i * 4) + cast i64(j)  ->  i * 4 + j          min(x, 0)  ->  fminf(x, 0.0f)          x: i32, x / 8  ->  x >> 3
 *
 * Each printed expression has exactly the C type of its IR type, unless it may be `loose`: then whatever surrounds it
 * converts it, so literals need no suffix and widening casts are not written.
 */
import { isFloat } from '../ir/build.ts'
import type { BinaryOperator, Binary, Buffer, Cast, Constant, Expr, IntrinsicCall, Select, Type } from '../ir/ir.ts'
import type { Names } from './names.ts'
import { cType, isSmallFloat, type Wrapper } from './wrappers.ts'
import type { Writer } from './writer.ts'

export interface ExpressionPrinter {
  /** `minimum`: an expression that binds looser is put in parentheses. */
  print(e: Expr, minimum: number, loose: boolean): void
  /** `name[offset]`, or `name` of a register tensor of one cell. */
  element(buffer: Buffer, offset: Expr): void
}

/** How tight C's constructs bind. */
export const precedence = {
  anything: 0, conditional: 3, or: 4, and: 5, bitOr: 6, bitXor: 7, bitAnd: 8, equality: 9, comparison: 10, shift: 11,
  sum: 12, product: 13, operand: 14, unary: 15, primary: 16
} as const

/** `use` is told of each wrapper that the text calls; `isScalar`: the register tensor is declared as one variable. */
export function createExpressionPrinter(
  writer: Writer, names: Names, use: (wrapper: Wrapper) => void, isScalar: (buffer: Buffer) => boolean
): ExpressionPrinter {
  const { write } = writer
  let depth = 0

  const print = (e: Expr, minimum: number, loose: boolean, rounded = false): void => {
    const parenthesised = binding(e, loose, rounded) < minimum
    if (parenthesised) {
      write('(')
      depth++
    }
    writer.open(e.origins)
    body(e, loose, rounded)
    writer.close()
    if (parenthesised) {
      depth--
      write(')')
    }
  }
  const mayBreak = (tightness: number) => {
    writer.mayBreak(depth * (precedence.primary + 1) + tightness)
  }
  const call = (name: string, args: readonly Expr[]) => {
    write(`${name}(`)
    depth++
    args.forEach((arg, i) => {
      if (i > 0) {
        write(',')
        mayBreak(precedence.anything)
        write(' ')
      }
      print(arg, precedence.conditional, false)
    })
    depth--
    write(')')
  }

  const body = (e: Expr, loose: boolean, rounded: boolean): void => {
    switch (e.kind) {
      case 'constant':
        if (isSmallFloat(e.type)) use({ kind: 'type', type: e.type })
        write(literal(e, loose))
        return
      case 'variable':
        write(e.variable.role === 'thread' || e.variable.role === 'block' ? e.variable.name : names.of(e.variable))
        return
      case 'load':
        element(e.buffer, onlyIndex(e.indices))
        return
      case 'unary': {
        if (isSmallFloat(e.type)) use({ kind: 'arithmetic', type: e.type, operator: 'negate' })
        converted(isNarrow(e.type) ? e.type : undefined, () => {
          write(e.operator)
          print(e.operand, startsWithMinus(e.operand) ? precedence.primary + 1 : precedence.unary, false, rounded)
        })
        return
      }
      case 'binary':
        if (rounded && e.operator === '*' && (e.type === 'f32' || e.type === 'f64')) {
          use({ kind: 'rounded product', type: e.type })
          call('mul_rn', [e.left, e.right])
        } else binary(e)
        return
      case 'select':
        select(e, rounded)
        return
      case 'cast':
        cast(e, loose)
        return
      case 'call':
        intrinsic(e)
        return
      case 'reduce':
        throw new Error('a reduction is lowered to loops')
    }
  }

  const element = (buffer: Buffer, offset: Expr) => {
    write(names.of(buffer))
    if (isScalar(buffer)) return
    write('[')
    depth++
    print(offset, precedence.anything, true)
    depth--
    write(']')
  }

  /** Around arithmetic that C does in `int`. */
  const converted = (to: Type | undefined, inside: () => void) => {
    if (to === undefined) return inside()
    write(conversion(to))
    write('(')
    inside()
    write(')')
  }

  const binary = (e: Binary) => {
    const { operator, left, right } = e
    const operands = left.type
    if (isSmallFloat(operands)) use({ kind: 'arithmetic', type: operands, operator: arithmeticOf(operator) })
    switch (form(e)) {
      case 'minimum':
        call(minimumName(operator, operands), [left, right])
        return
      case 'floor':
        use({ kind: 'floor', type: floorType(e.type), operator: operator as '/' | '%' })
        call(operator === '/' ? 'floor_div' : 'floor_mod', [left, right])
        return
      case 'shift': {
        const log = Math.log2(Number((right as Constant).value))
        infix({ ...e, operator: '>>', right: { ...right as Constant, value: log } })
        return
      }
      case 'mask':
        infix({ ...e, operator: '&', right: { ...right as Constant, value: Number((right as Constant).value) - 1 } })
        return
      case 'wrapped':
        converted(e.type, () => { infix(e) })
        return
      case 'plain':
        infix(e)
    }
  }
  const infix = (e: Binary) => {
    const level = levels[e.operator]
    const { operator, right } = withoutNegativeOperand(e)
    const shifts = operator === '<<' || operator === '>>'
    const leftLoose = !shifts && isWeak(e.left) && !isWeak(right)
    const rightLoose = shifts || isWeak(right)
    print(e.left, leftMinimum(e), leftLoose)
    mayBreak(level)
    write(` ${operator} `)
    print(right, rightMinimum(e), rightLoose)
  }

  const select = (e: Select, rounded: boolean) => {
    print(e.condition, precedence.or, true)
    const thenLoose = isWeak(e.then) && !isWeak(e.otherwise)
    mayBreak(precedence.conditional)
    write(' ? ')
    print(e.then, precedence.or, thenLoose, rounded)
    mayBreak(precedence.conditional)
    write(' : ')
    print(e.otherwise, precedence.conditional, isWeak(e.otherwise), rounded)
  }

  const cast = (e: Cast, loose: boolean) => {
    const from = e.value.type
    if (from === e.type && isFloat(from)) print(e.value, binding(e.value, loose, true), loose, true)
    else if (isInvisible(e, loose)) print(e.value, precedence.anything, loose)
    else {
      for (const type of [from, e.type]) if (isSmallFloat(type)) use({ kind: 'type', type })
      const through = needsFloat(from, e.type)
      if (isFunctional(e.type) || through) {
        write(through ? `${conversion(e.type)}(float(` : `${conversion(e.type)}(`)
        depth++
        print(e.value, precedence.anything, !isFloat(from))
        depth--
        write(through ? '))' : ')')
      } else {
        write(conversion(e.type))
        print(e.value, precedence.unary, !isFloat(from))
      }
    }
  }

  const intrinsic = (e: IntrinsicCall) => {
    const type = e.type
    if (e.intrinsic === 'shfl_xor_sync' || e.intrinsic === 'shfl_down_sync') {
      const [value, distance] = e.args
      if (type === 'index') throw new Error('`index` is lowered to a type of C')
      use({ kind: 'shuffle', type, shuffle: e.intrinsic })
      write(`${e.intrinsic}(`)
      depth++
      print(value!, precedence.conditional, false)
      write(', ')
      print(distance!, precedence.conditional, true)
      depth--
      write(')')
    } else if (isSmallFloat(type)) {
      use({ kind: 'type', type })
      write(`${type}(`)
      const args = e.args.map((arg): Expr => ({ kind: 'cast', type: 'f32', value: arg, origins: [] }))
      intrinsic({ ...e, type: 'f32', args })
      write(')')
    } else if ((e.intrinsic === 'sin' || e.intrinsic === 'cos') && type === 'f32') {
      use({ kind: 'sine', function: e.intrinsic })
      call(`${e.intrinsic}_f32`, e.args)
    } else if (e.intrinsic === 'abs' && isUnsigned(type)) print(e.args[0]!, precedence.anything, false)
    else call(functionName(e.intrinsic, type), e.args)
  }

  return { print, element }
}

// ---------------------------------------------------------------- types

/** The type's name in C; `index` is exact only in the widest. */
export function typeName(type: Type): string {
  return cType(type === 'index' ? 'i64' : type)
}

function isUnsigned(type: Type): boolean {
  return type.startsWith('u') || type === 'bool'
}

/** C computes in `int` with it. */
function isNarrow(type: Type): boolean {
  return type === 'i16' || type === 'i8' || type === 'u16' || type === 'u8'
}

/** Bits of a whole number. */
function widthOf(type: Type): number {
  if (type === 'bool') return 1
  return type === 'index' ? 64 : Number(type.slice(1))
}

/** `float(x)` rather than `(long long)x`. */
function isFunctional(type: Type): boolean {
  return !typeName(type).includes(' ')
}

function conversion(type: Type): string {
  return isFunctional(type) ? typeName(type) : `(${typeName(type)})`
}

/** 16-bit floats and tf32 know only f32. */
function needsFloat(from: Type, to: Type): boolean {
  return isSmallFloat(from) ? to !== 'f32' : isSmallFloat(to) && from !== 'f32'
}

/** What C does by itself, where the surroundings have the type: widening that keeps every value. */
function widens(from: Type, to: Type): boolean {
  if (isFloat(from) || isFloat(to) || to === 'bool' || isNarrow(to)) return false
  if (isUnsigned(from)) return widthOf(from) < widthOf(to)
  return !isUnsigned(to) && widthOf(from) < widthOf(to)
}

function isInvisible(e: Cast, loose: boolean): boolean {
  const from = e.value.type
  return typeName(from) === typeName(e.type) || (loose && widens(from, e.type))
}

/** Takes the type of the other operand where it may be loose. */
function isWeak(e: Expr): boolean {
  return e.kind === 'constant' || (e.kind === 'cast' && widens(e.value.type, e.type))
}

// ---------------------------------------------------------------- precedence

const levels: Readonly<Record<BinaryOperator, number>> = {
  '||': precedence.or, '&&': precedence.and, '|': precedence.bitOr, '^': precedence.bitXor, '&': precedence.bitAnd,
  '==': precedence.equality, '!=': precedence.equality, '<': precedence.comparison, '<=': precedence.comparison,
  '<<': precedence.shift, '>>': precedence.shift, '+': precedence.sum, '-': precedence.sum,
  '*': precedence.product, '/': precedence.product, '%': precedence.product,
  min: precedence.primary, max: precedence.primary
}

/** How tight the printed expression binds. */
function binding(e: Expr, loose: boolean, rounded: boolean): number {
  switch (e.kind) {
    case 'constant': return literal(e, loose).startsWith('-') ? precedence.unary : precedence.primary
    case 'variable': case 'load': case 'call': case 'reduce': return precedence.primary
    case 'unary': return isNarrow(e.type) && isFunctional(e.type) ? precedence.primary : precedence.unary
    case 'select': return precedence.conditional
    case 'cast':
      if (e.value.type === e.type && isFloat(e.type)) return binding(e.value, loose, true)
      if (isInvisible(e, loose)) return binding(e.value, loose, false)
      return isFunctional(e.type) ? precedence.primary : precedence.unary
    case 'binary':
      if (rounded && e.operator === '*') return precedence.primary
      switch (form(e)) {
        case 'minimum': case 'floor': return precedence.primary
        case 'shift': return precedence.shift
        case 'mask': return precedence.bitAnd
        case 'wrapped': return isFunctional(e.type) ? precedence.primary : precedence.unary
        case 'plain': return levels[e.operator]
      }
  }
}

/**
 * `shift`, `mask`: floor division and remainder of a signed number by a power of two; `floor`: by anything else.
 * `wrapped`: C's result is an `int`, which is brought back to the narrow type.
 */
function form(e: Binary): 'minimum' | 'floor' | 'shift' | 'mask' | 'wrapped' | 'plain' {
  const { operator, right } = e
  if (operator === 'min' || operator === 'max') return 'minimum'
  const divides = operator === '/' || operator === '%'
  if (divides && !isFloat(e.type) && !isUnsigned(e.type)) {
    const power = right.kind === 'constant' && right.value > 0 && Number.isInteger(Math.log2(Number(right.value)))
    if (!power) return 'floor'
    return operator === '/' ? 'shift' : 'mask'
  }
  return isNarrow(e.type) && !divides && levels[operator] >= precedence.shift ? 'wrapped' : 'plain'
}

/** C's operator does what the IR's does. */
export function isPlain(e: Binary): boolean {
  return ['plain', 'wrapped'].includes(form(e))
}

function isBitwise(operator: BinaryOperator): boolean {
  const level = levels[operator]
  return level === precedence.shift || (level >= precedence.bitOr && level <= precedence.bitAnd)
}

/** Readers do not know by heart how shifts, masks and mixed logic bind, so their operands are put in parentheses. */
function leftMinimum(e: Binary): number {
  const level = levels[e.operator]
  if (e.left.kind === 'binary' && e.left.operator === e.operator) return level
  if (isBitwise(e.operator)) return precedence.operand
  if (e.operator === '||') return precedence.bitOr
  return level === precedence.equality ? precedence.shift : level
}

function rightMinimum(e: Binary): number {
  const level = levels[e.operator]
  const { operator, right } = e
  // grouping does not matter to whole numbers, which wrap, nor to conditions
  const regroups = !isFloat(e.type) && right.kind === 'binary' &&
    ((operator === right.operator && ['+', '*', '&', '|', '^', '&&', '||'].includes(operator)) ||
      (operator === '+' && right.operator === '-'))
  if (regroups && !(operator === '*' && startsWithQuotient(right.left))) return level
  if (isBitwise(operator)) return precedence.operand
  if (operator === '||') return precedence.bitOr
  return level === precedence.equality ? precedence.shift : level + 1
}

/** `b / 8 * c` behind `a *` would be `a * b / 8 * c`. */
function startsWithQuotient(e: Expr): boolean {
  if (e.kind === 'cast') return startsWithQuotient(e.value)
  return e.kind === 'binary' && (e.operator === '/' || e.operator === '%' || (e.operator === '*' && startsWithQuotient(e.left)))
}

/** `a + -3` is `a - 3`. */
function withoutNegativeOperand(e: Binary): { operator: string; right: Expr } {
  const { operator, right } = e
  if ((operator === '+' || operator === '-') && right.kind === 'constant' && right.value < 0 && !isSmallFloat(e.type)) {
    return { operator: operator === '+' ? '-' : '+', right: { ...right, value: -right.value } }
  }
  return { operator, right }
}

function startsWithMinus(e: Expr): boolean {
  switch (e.kind) {
    case 'constant': return literal(e, true).startsWith('-')
    case 'unary': return e.operator === '-'
    case 'cast': return e.value.type === e.type && startsWithMinus(e.value)
    default: return false
  }
}

// ---------------------------------------------------------------- literals and functions

/** `loose`: a whole number needs no suffix, for it is converted. */
function literal(e: Constant, loose: boolean): string {
  const { type, value } = e
  switch (type) {
    case 'bool': return value === 0 ? 'false' : 'true'
    case 'f64': return floatLiteral(Number(value), shortest64)
    case 'f32': return floatLiteral(Math.fround(Number(value)), shortest32, 'f')
    case 'f16': case 'bf16': case 'tf32': return `${type}(${floatLiteral(Math.fround(Number(value)), shortest32, 'f')})`
    case 'u32': return `${value}${loose && value < 2 ** 31 ? '' : 'u'}`
    case 'u64': return `${value}${loose && value < 2 ** 31 ? '' : 'ull'}`
    case 'i64': case 'index': {
      if (BigInt(value) === -(2n ** 63n)) return '(-9223372036854775807ll - 1)'
      return `${value}${loose && value < 2 ** 31 && value > -(2 ** 31) ? '' : 'll'}`
    }
    case 'i32': return Number(value) === -(2 ** 31) ? '(-2147483647 - 1)' : `${value}`
    case 'i16': case 'i8': case 'u16': case 'u8': return `${value}`
  }
}

function floatLiteral(value: number, shortest: (value: number) => string, suffix = ''): string {
  if (Number.isNaN(value)) return 'NAN'
  if (!Number.isFinite(value)) return value < 0 ? '-INFINITY' : 'INFINITY'
  const decimal = Object.is(value, -0) ? '-0' : shortest(value)
  const digits = (Math.abs(value) < 1e-4 && value !== 0 ? Number(decimal).toExponential() : decimal).replace('e+', 'e')
  return `${/[.e]/.test(digits) ? digits : `${digits}.0`}${suffix}`
}

function shortest64(value: number): string {
  return String(value)
}

/** The fewest digits that give the same f32, of a value that is one. */
function shortest32(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value)
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)))
    if (Math.fround(Number(text)) === value) return text
  }
  return String(Number(value.toPrecision(9)))
}

function minimumName(operator: BinaryOperator, type: Type): string {
  if (type === 'f32') return `f${operator}f`
  return type === 'f64' ? `f${operator}` : operator
}

function arithmeticOf(operator: BinaryOperator): '+' | '-' | '*' | '/' | '<' | '<=' | '==' | '!=' | 'min' | 'max' {
  switch (operator) {
    case '+': case '-': case '*': case '/': case '<': case '<=': case '==': case '!=': case 'min': case 'max': return operator
    case '%': case '&': case '|': case '^': case '<<': case '>>': case '&&': case '||':
      throw new Error(`\`${operator}\` of floats`)
  }
}

function floorType(type: Type): 'i32' | 'i64' {
  return widthOf(type) === 64 ? 'i64' : 'i32'
}

/** CUDA's name of a function of values, for f32, f64 and whole numbers. */
function functionName(name: Exclude<IntrinsicCall['intrinsic'], 'shfl_xor_sync' | 'shfl_down_sync'>, type: Type): string {
  if (name === 'abs' && !isFloat(type)) return widthOf(type) === 64 ? 'llabs' : 'abs'
  // `round` rounds ties to even, as ONNX's Round
  const base = name === 'abs' ? 'fabs' : name === 'round' ? 'rint' : name
  return type === 'f32' ? `${base}f` : base
}

export function onlyIndex(indices: readonly Expr[]): Expr {
  const [offset, ...more] = indices
  if (offset === undefined || more.length > 0) throw new Error('an access is flattened to one offset')
  return offset
}
