/**
 * Expressions, loosest first: conditional, logic, comparison, bits, shifts, sums (whose operands are products or
 * reductions), products, prefixes, `??`, then calls, indices and members. Indices and extents hold arithmetic only, so
 * that `NAME[NAME <` always starts a reduction.
 */
import {
  type Cursor, bump, descend, eat, end, expect, limits, list, missing, missingNode, name, nameRef, parenthesize,
  missingName, peek, reference, report, reportAbsent, start, startsOnNewLine, startsStatement, tokenText, tooDeep,
  skipBalanced,
} from './cursor.ts'
import { type TokenKind, stringValue } from './lexer.ts'
import type {
  Argument, BinaryOperator, Binder, Comprehension, Conditional, Expr, Generator, List, Missing, Parenthesized, Pattern,
  Range, Reduction, Spread, StringLiteral, Subscript, Tuple,
} from './tree.ts'

const LOGIC = 1, ARITHMETIC = 4, PRODUCT = 9
const precedence: Readonly<Partial<Record<TokenKind, number>>> = {
  '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3,
  '|': 4, '^': 5, '&': 6, '<<': 7, '>>': 7, '+': 8, '-': 8, '*': 9, '/': 9, '%': 9,
} satisfies Record<BinaryOperator, number>

export function expression(c: Cursor): Expr { return nested(c, LOGIC) }
/** Without comparisons, logic and conditionals: what indices, extents and shapes hold. */
export function arithmetic(c: Cursor): Expr { return nested(c, ARITHMETIC) }
/** An expression that `=` may follow, which elsewhere gives a statement away. */
export function expressionBeforeEquals(c: Cursor): Expr {
  const outer = c.beforeEquals
  c.beforeEquals = true
  const e = expression(c)
  c.beforeEquals = outer
  return e
}

function nested(c: Cursor, level: number): Expr {
  const outer = c.height
  c.height = 0
  let e: Expr
  if (!descend(c, 1)) e = missingNode(c)
  else if (c.token.kind === 'if' && level === LOGIC && !(c.token.firstOnLine && startsStatement(c))) e = conditional(c)
  else e = binary(c, level)
  c.nesting--
  c.height++
  if (c.height < outer) c.height = outer
  return e
}

function conditional(c: Cursor): Conditional {
  const first = start(c)
  bump(c)
  const condition = expression(c)
  expect(c, 'then', 'after the condition')
  const then = expression(c)
  expect(c, 'else', 'before the other value')
  const otherwise = expression(c)
  return { kind: 'Conditional', first, last: end(c), parent: undefined, condition, then, otherwise }
}

/** Operators of at least `level`, by precedence climbing. */
function binary(c: Cursor, level: number): Expr {
  const left = atReduction(c) ? reduction(c, level) : unary(c, level)
  return precedence[c.token.kind] === undefined ? left : binaryRest(c, left, level)
}
export function binaryRest(c: Cursor, head: Expr, level: number = LOGIC): Expr {
  let left = head
  for (;;) {
    const operator = c.token.kind as BinaryOperator
    const p = precedence[operator]
    if (p === undefined || p < level) return left
    bump(c)
    const right = binary(c, p + 1)
    left = { kind: 'Binary', first: left.first, last: end(c), parent: undefined, left, operator, right }
    if (grewTooHigh(c)) return missingNode(c)
  }
}
/** Counts one more level above what was just parsed. */
function grewTooHigh(c: Cursor): boolean {
  if (++c.height < limits.height) return false
  tooDeep(c)
  skipBalanced(c)
  c.height = 0
  return true
}

/** `sum[p < k]` or `sum[...p < s]`: brackets that declare an index with its extent. */
function atReduction(c: Cursor): boolean {
  if (c.token.kind !== 'name' || peek(c, 1).kind !== '[') return false
  const n = peek(c, 2).kind === '...' ? 3 : 2
  return peek(c, n).kind === 'name' && peek(c, n + 1).kind === '<'
}
function reduction(c: Cursor, level: number): Expr {
  const first = start(c), from = c.token, at = c.pos
  const reducer = nameRef(c)
  bump(c)
  const binders = list(c, ']', 'the indices of the reduction', binder)
  let body: Expr
  if (!descend(c, 1)) body = missingNode(c)
  else if (atReduction(c)) body = reduction(c, ARITHMETIC)
  else body = binary(c, PRODUCT)
  c.nesting--
  const node: Reduction = { kind: 'Reduction', first, last: end(c), parent: undefined, reducer, binders, body }
  if (level > PRODUCT && c.reportedAt < at) {
    report(c, 'reduction-in-product', 'Put the reduction in parentheses: it takes the whole product on its right',
      parenthesize(c, from), { start: from.start, end: from.end })
  }
  return grewTooHigh(c) ? missingNode(c) : node
}

function unary(c: Cursor, level: number): Expr {
  const { kind } = c.token, first = start(c)
  if (kind !== '-' && kind !== '!' && kind !== '~') return guarded(c)
  bump(c)
  let operand: Expr
  if (!descend(c, 1)) operand = missingNode(c)
  else operand = atReduction(c) ? reduction(c, level) : unary(c, level)
  c.nesting--
  c.height++
  return { kind: 'Unary', first, last: end(c), parent: undefined, operator: kind, operand }
}
/** `??` belongs to the read on its left. */
function guarded(c: Cursor): Expr {
  const read = postfix(c, primary(c))
  if (!eat(c, '??')) return read
  const outside = descend(c, 1) ? unary(c, PRODUCT + 1) : missingNode(c)
  c.nesting--
  c.height++
  return { kind: 'GuardedRead', first: read.first, last: end(c), parent: undefined, read, outside }
}
/** Calls, indices and members of `head`, which a statement may start with (`target`). */
export function postfix(c: Cursor, head: Expr, target = false): Expr {
  let e = head
  for (;;) {
    const { kind } = c.token
    if (kind === '.') {
      bump(c)
      const member = !target && startsOnNewLine(c) ? missingName(c, 'the name of a member') : reference(c, 'the name of a member')
      e = { kind: 'Member', first: e.first, last: end(c), parent: undefined, receiver: e, member }
    } else if (kind === '(' && e.kind !== 'Missing') {
      bump(c)
      const args = list(c, ')', 'the arguments', argument)
      e = { kind: 'Call', first: e.first, last: end(c), parent: undefined, callee: e, args }
    } else if (kind === '[' && e.kind !== 'Missing') {
      bump(c)
      const indices = list(c, ']', 'the indices', subscript)
      e = { kind: 'Element', first: e.first, last: end(c), parent: undefined, receiver: e, indices }
    } else return e
    if (grewTooHigh(c)) return missingNode(c)
  }
}

function primary(c: Cursor): Expr {
  if (startsOnNewLine(c)) return missing(c, 'an expression')
  const { kind } = c.token
  switch (kind) {
    case 'name': return nameRef(c)
    case 'int': case 'float': {
      const first = start(c), text = tokenText(c)
      bump(c)
      return { kind: 'NumberLiteral', first, last: first + 1, parent: undefined, text, float: kind === 'float' }
    }
    case 'string': return stringLiteral(c, 'a string')
    case 'true': case 'false': {
      const first = start(c)
      bump(c)
      return { kind: 'BooleanLiteral', first, last: first + 1, parent: undefined, value: kind === 'true' }
    }
    case '(': return parentheses(c)
    case '[': return brackets(c)
    case 'if': return startsStatement(c) ? missing(c, 'an expression') : conditionalOperand(c)
    default: return missing(c, 'an expression')
  }
}
function conditionalOperand(c: Cursor): Expr {
  const from = c.token, at = c.pos
  const e = descend(c, 1) ? conditional(c) : missingNode(c)
  c.nesting--
  c.height++
  if (c.reportedAt < at) {
    report(c, 'conditional-operand', 'Put the conditional value in parentheses: it extends to the right as far as it can',
      parenthesize(c, from), { start: from.start, end: from.end })
  }
  return e
}
function parentheses(c: Cursor): Parenthesized | Tuple {
  const first = start(c)
  bump(c)
  const items = list(c, ')', 'the parentheses', expression)
  const last = end(c), [value] = items
  const comma = peek(c, -1).kind === ',' || (peek(c, -1).kind === ')' && peek(c, -2).kind === ',')
  if (items.length === 1 && value !== undefined && !comma) return { kind: 'Parenthesized', first, last, parent: undefined, value }
  return { kind: 'Tuple', first, last, parent: undefined, items }
}
function brackets(c: Cursor): List | Comprehension {
  const first = start(c)
  bump(c)
  const generators: Generator[] = []
  const items = list(c, ']', 'the list', c => {
    const item = expression(c)
    while (c.token.kind === 'for') generators.push(generator(c))
    return item
  })
  const [item] = items
  if (item !== undefined && generators.length > 0) {
    return { kind: 'Comprehension', first, last: end(c), parent: undefined, item, generators }
  }
  return { kind: 'List', first, last: end(c), parent: undefined, items }
}
function generator(c: Cursor): Generator {
  const first = start(c)
  bump(c)
  const target = pattern(c)
  expect(c, 'in', 'before what the comprehension runs over')
  const over = iteration(c)
  return { kind: 'Generator', first, last: end(c), parent: undefined, target, over }
}
/** What a loop runs over: a value, or `from..to`. */
export function iteration(c: Cursor): Expr | Range {
  const from = expression(c)
  if (!eat(c, '..')) return from
  const to = expression(c)
  return { kind: 'Range', first: from.first, last: end(c), parent: undefined, from, to }
}

export function argument(c: Cursor): Argument {
  const first = start(c)
  if (c.token.kind !== 'name') return positional(c)
  const sign = peek(c, 1)
  if (sign.kind === '=') {
    const span = { start: sign.start, end: sign.end }
    const argumentName = name(c, 'a name')
    report(c, 'expected-token', 'Expected `:` between the name and the value of an argument, found `=`',
      { title: 'Replace `=` by `:`', edits: [{ span: { start: c.tokens[first]!.end, end: sign.end }, newText: ':' }] }, span)
    bump(c)
    const value = argumentValue(c)
    return { kind: 'Argument', first, last: end(c), parent: undefined, name: argumentName, value }
  }
  if (sign.kind !== ':') return positional(c)
  const argumentName = name(c, 'a name')
  bump(c)
  const value = argumentValue(c)
  return { kind: 'Argument', first, last: end(c), parent: undefined, name: argumentName, value }
}
function positional(c: Cursor): Argument {
  const value = argumentValue(c)
  return { kind: 'Argument', first: value.first, last: value.last, parent: undefined, name: undefined, value }
}
function argumentValue(c: Cursor): Expr | Spread {
  return c.token.kind === '...' ? spread(c, expression) : expression(c)
}
function spread(c: Cursor, of: (c: Cursor) => Expr): Spread {
  const first = start(c)
  bump(c)
  const value = of(c)
  return { kind: 'Spread', first, last: end(c), parent: undefined, value }
}
export function subscript(c: Cursor): Subscript {
  if (c.token.kind === '...') return spread(c, arithmetic)
  if (c.token.kind === '..') {
    const first = start(c)
    bump(c)
    return { kind: 'Whole', first, last: first + 1, parent: undefined }
  }
  const from = arithmetic(c)
  if (eat(c, '..')) {
    const to = arithmetic(c)
    return { kind: 'Slice', first: from.first, last: end(c), parent: undefined, from, to, length: undefined }
  }
  if (!eat(c, '..+')) return from
  const length = arithmetic(c)
  return { kind: 'Slice', first: from.first, last: end(c), parent: undefined, from, to: undefined, length }
}
export function binder(c: Cursor): Binder {
  const at = start(c), rest = eat(c, '...')
  const index = name(c, 'the name of an index')
  expect(c, '<', 'between the index and its extent')
  const extent = arithmetic(c)
  return { kind: 'Binder', first: rest ? at : index.first, last: end(c), parent: undefined, rest, name: index, extent }
}

/** `name`, or `(pattern, pattern)` which takes a tuple apart. */
export function pattern(c: Cursor): Pattern {
  if (c.token.kind !== '(') return name(c, 'a name')
  const first = start(c)
  bump(c)
  const items = descend(c, 1) ? list(c, ')', 'the names', pattern) : []
  c.nesting--
  return { kind: 'TuplePattern', first, last: end(c), parent: undefined, items }
}

export function stringLiteral(c: Cursor, what: string): StringLiteral | Missing {
  if (c.token.kind !== 'string') {
    reportAbsent(c, 'expected-string', what)
    return missingNode(c)
  }
  const first = start(c), value = stringValue(tokenText(c))
  bump(c)
  return { kind: 'StringLiteral', first, last: first + 1, parent: undefined, value }
}
