/**
 * Index arithmetic, written once for numbers and for symbols.
 *
 * Mappings and layouts are formulas over a worker, a step or an index. Each is written once against `Arithmetic<E>`:
 * with `numbers` it computes, with `symbols` it builds the expression that a hover shows and that code is made from.
 *
 *     taskAt(m, 37, 2, numbers)                              -> [16, 5]
 *     taskAt(m, variable('w'), variable('k'), symbols)       -> [w / 8 + 16 * k, w % 8]
 *
 * All values are non-negative, except inside custom mappings; `/` and `%` are floor division there.
 */

export type Operation = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>' | '<' | '<=' | '==' | '!='

export interface Arithmetic<E> {
  constant(value: number): E
  binary(operation: Operation, left: E, right: E): E
  /** `then` where `condition` is not zero. */
  select(condition: E, then: E, otherwise: E): E
  /** One of `count` items by a number; 0 <= index < count. */
  choose(index: E, count: number, item: (i: number) => E): E
}

export type Expr =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'binary'; readonly operation: Operation; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'select'; readonly condition: Expr; readonly then: Expr; readonly otherwise: Expr }
  | { readonly kind: 'lookup'; readonly values: readonly number[]; readonly index: Expr }

/** Exact on safe integers; a quotient by zero is zero, as is a bitwise operation beyond safe integers. */
export const numbers: Arithmetic<number> = {
  constant: value => value,
  binary: compute,
  select: (condition, then, otherwise) => (condition !== 0 ? then : otherwise),
  choose: (index, _, item) => item(index)
}

/** Builds expressions; folds constants and the identities of 0 and 1, nothing that would need ranges. */
export const symbols: Arithmetic<Expr> = {
  constant: constant,
  binary: (operation, left, right) => {
    if (left.kind === 'constant' && right.kind === 'constant') {
      return constant(compute(operation, left.value, right.value))
    }
    if (right.kind === 'constant') {
      if (right.value === 0 && (operation === '+' || operation === '-' || operation === '^' || operation === '|'))
        return left
      if (right.value === 1 && (operation === '*' || operation === '/')) return left
      if (right.value === 0 && (operation === '*' || operation === '&')) return right
      if (right.value === 1 && operation === '%') return constant(0)
    }
    if (left.kind === 'constant') {
      if (left.value === 0 && (operation === '+' || operation === '^' || operation === '|')) return right
      if (left.value === 0 && (operation === '*' || operation === '/' || operation === '%' || operation === '&'))
        return left
      if (left.value === 1 && operation === '*') return right
    }
    return { kind: 'binary', operation, left, right }
  },
  select: (condition, then, otherwise) =>
    condition.kind === 'constant'
      ? condition.value !== 0
        ? then
        : otherwise
      : { kind: 'select', condition, then, otherwise },
  choose: chooseExpr
}

export function constant(value: number): Expr {
  return { kind: 'constant', value }
}

export function variable(name: string): Expr {
  return { kind: 'variable', name }
}

/** The value of an expression in any arithmetic. Every variable of `e` must be given. */
export function evaluateExpr<E>(e: Expr, variables: Readonly<Record<string, E>>, a: Arithmetic<E>): E {
  switch (e.kind) {
    case 'constant':
      return a.constant(e.value)
    case 'variable': {
      const value = variables[e.name]
      if (value === undefined) throw new Error(`The variable ${e.name} has no value`)
      return value
    }
    case 'binary':
      return a.binary(e.operation, evaluateExpr(e.left, variables, a), evaluateExpr(e.right, variables, a))
    case 'select':
      return a.select(
        evaluateExpr(e.condition, variables, a),
        evaluateExpr(e.then, variables, a),
        evaluateExpr(e.otherwise, variables, a)
      )
    case 'lookup':
      return a.choose(evaluateExpr(e.index, variables, a), e.values.length, i => a.constant(e.values[i] ?? 0))
  }
}

/** The expression in Heddle, with no parentheses that its precedence does not need. */
export function exprText(e: Expr, outer = 0): string {
  switch (e.kind) {
    case 'constant':
      return String(e.value)
    case 'variable':
      return e.name
    case 'select': {
      const text = `if ${exprText(e.condition)} then ${exprText(e.then)} else ${exprText(e.otherwise)}`
      return outer > 0 ? `(${text})` : text
    }
    case 'lookup': {
      const shown = e.values.length <= 8 ? e.values.join(', ') : `${e.values.slice(0, 6).join(', ')}, ...`
      return `[${shown}][${exprText(e.index)}]`
    }
    case 'binary': {
      const level = precedence[e.operation]
      const text = `${exprText(e.left, level)} ${e.operation} ${exprText(e.right, level + 1)}`
      return outer > level ? `(${text})` : text
    }
  }
}

/** A table where the items are numbers, else a balanced tree of conditions: no deeper than the logarithm of `count`. */
function chooseExpr(index: Expr, count: number, item: (i: number) => Expr): Expr {
  if (index.kind === 'constant') return item(index.value)
  const items = Array.from({ length: count }, (_, i) => item(i))
  const values = items.flatMap(e => (e.kind === 'constant' ? [e.value] : []))
  if (values.length < count) return between(0, count)
  return values.every(v => v === values[0]) ? constant(values[0] ?? 0) : { kind: 'lookup', values, index }

  function between(from: number, to: number): Expr {
    if (to - from <= 1) return items[from] ?? constant(0)
    const middle = (from + to) >> 1
    const below = symbols.binary('<', index, constant(middle))
    return symbols.select(below, between(from, middle), between(middle, to))
  }
}

/** `a / b` rounded down, exact for safe integers (a quotient of doubles alone may round up). */
export function floorDivide(a: number, b: number): number {
  return b === 0 ? 0 : (a - floorRemainder(a, b)) / b
}

function floorRemainder(a: number, b: number): number {
  if (b === 0) return 0
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r + 0
}

const precedence: Readonly<Record<Operation, number>> = {
  '==': 1,
  '!=': 1,
  '<': 1,
  '<=': 1,
  '|': 2,
  '^': 3,
  '&': 4,
  '<<': 5,
  '>>': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
  '%': 7
}

function compute(operation: Operation, a: number, b: number): number {
  switch (operation) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return floorDivide(a, b)
    case '%':
      return floorRemainder(a, b)
    case '&':
      return bitwise(a, b, (x, y) => x & y)
    case '|':
      return bitwise(a, b, (x, y) => x | y)
    case '^':
      return a >= 0 && b >= 0 && a <= 0x7fffffff && b <= 0x7fffffff ? a ^ b : bitwise(a, b, (x, y) => x ^ y)
    case '<<':
      return a * 2 ** b
    case '>>':
      return floorDivide(a, 2 ** b)
    case '<':
      return Number(a < b)
    case '<=':
      return Number(a <= b)
    case '==':
      return Number(a === b)
    case '!=':
      return Number(a !== b)
  }
}

function bitwise(a: number, b: number, f: (x: bigint, y: bigint) => bigint): number {
  return Number.isSafeInteger(a) && Number.isSafeInteger(b) ? Number(f(BigInt(a), BigInt(b))) : 0
}
