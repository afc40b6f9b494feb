/**
 * Types, and the statements of kernels, device functions and `fn` blocks. A statement starts with a keyword or a name.
 */
import {
  type Cursor, assignmentSigns, atAssignment, atMember, atWord, braces, bump, descend, eat, eatWord, end, expect, list,
  misspelled, name, nameRef, peek, reference, reportAbsent, separated, skipBraces, start, startsStatement,
} from './cursor.ts'
import {
  arithmetic, binaryRest, expression, expressionBeforeEquals, iteration, pattern, postfix,
} from './expressions.ts'
import type { TokenKind } from './lexer.ts'
import type {
  Allocation, Assignment, AssignmentOperator, Block, Branch, CallStatement, Device, Dim, For, If, Let, Param, Return,
  Scope, Statement, Type, TypeParam, Var, While,
} from './tree.ts'

// ---------------------------------------------------------------- types and signatures

export function type(c: Cursor): Type {
  const first = start(c)
  if (c.token.kind === '(') {
    bump(c)
    const items = descend(c, 1) ? list(c, ')', 'the tuple of types', type) : []
    c.nesting--
    return { kind: 'TupleType', first, last: end(c), parent: undefined, items }
  }
  const scope = scopeWord(c)
  if (c.token.kind !== 'name') reportAbsent(c, 'expected-type', 'a type')
  const element = reference(c, 'a type')
  const dims = eat(c, '[') ? list(c, ']', 'the shape', dim) : []
  const layout = eat(c, 'in') ? expressionBeforeEquals(c) : undefined
  return {
    kind: 'TensorType', first: scope === undefined ? element.first : first, last: end(c), parent: undefined, scope,
    element, dims, layout,
  }
}
function scopeWord(c: Cursor): Scope | undefined {
  const { kind } = c.token
  const scope = kind === 'shared' || kind === 'register' ? kind : atWord(c, 'global') && peek(c, 1).kind === 'name' ? 'global' : undefined
  if (scope !== undefined) bump(c)
  return scope
}
function dim(c: Cursor): Dim {
  const at = start(c), rest = eat(c, '...')
  const size = arithmetic(c)
  return { kind: 'Dim', first: rest ? at : size.first, last: end(c), parent: undefined, rest, size }
}

/** `NAME<T: float>(a: T[n], ...) -> T`, behind the word that starts the function. */
export function signature(c: Cursor): Pick<Device, 'name' | 'typeParams' | 'params' | 'result'> {
  const functionName = name(c, 'the name of the function')
  const typeParams = typeParameters(c), params = parameters(c)
  const result = eat(c, '->') ? type(c) : undefined
  return { name: functionName, typeParams, params, result }
}
export function typeParameters(c: Cursor): TypeParam[] {
  return eat(c, '<') ? list(c, '>', 'the type parameters', typeParameter) : []
}
function typeParameter(c: Cursor): TypeParam {
  const parameterName = name(c, 'the name of a type parameter')
  const bounds = []
  if (eat(c, ':')) do bounds.push(reference(c, 'a type or a kind of types')); while (eat(c, '|'))
  return { kind: 'TypeParam', first: parameterName.first, last: end(c), parent: undefined, name: parameterName, bounds }
}
export function parameters(c: Cursor): Param[] {
  return expect(c, '(', 'before the parameters') ? list(c, ')', 'the parameters', parameter) : []
}
export function parameter(c: Cursor): Param {
  const parameterName = name(c, 'the name of a parameter')
  expect(c, ':', 'between the parameter and its type')
  const parameterType = type(c)
  const value = eat(c, '=') ? expression(c) : undefined
  return {
    kind: 'Param', first: parameterName.first, last: end(c), parent: undefined, name: parameterName,
    type: parameterType, default: value,
  }
}

// ---------------------------------------------------------------- statements

/** `header` is the token that the construct starts with. */
export function block(c: Cursor, header: number): Block {
  const first = start(c)
  let statements: Statement[] = []
  c.blocks++
  if (descend(c, 3)) statements = braces(c, header, 'the block', c => statement(c))
  else if (c.token.kind === '{') skipBraces(c)
  c.nesting -= 3
  c.blocks--
  return { kind: 'Block', first: Math.min(first, end(c)), last: end(c), parent: undefined, statements }
}
function statement(c: Cursor, word: TokenKind = c.token.kind): Statement | undefined {
  switch (word) {
    case 'let': return letDeclaration(c)
    case 'device': return device(c)
    case 'var': return variable(c)
    case 'shared': case 'register': return allocation(c, word)
    case 'for': case 'unroll': case 'async': return loop(c)
    case 'while': return whileLoop(c)
    case 'if': return conditional(c)
    case 'return': return returnStatement(c, false)
    case 'break': case 'continue': {
      const first = start(c), kind = word === 'break' ? 'Break' : 'Continue'
      bump(c)
      return { kind, first, last: first + 1, parent: undefined }
    }
    case 'name': {
      if (atMember(c)) return undefined
      const meant = misspelled(c, ['let', 'var', 'shared', 'register', 'device', 'while', 'return'])
      if (meant !== undefined) return statement(c, meant)
      return atWord(c, 'parallel') && peek(c, 1).kind === 'for' ? loop(c) : assignmentOrCall(c)
    }
    default: return undefined
  }
}
export function letDeclaration(c: Cursor): Let {
  const first = start(c)
  bump(c)
  const target = pattern(c)
  expect(c, '=', 'before the value')
  const value = expression(c)
  return { kind: 'Let', first, last: end(c), parent: undefined, target, value }
}
export function device(c: Cursor): Device {
  const first = start(c)
  bump(c)
  const s = signature(c)
  const body = c.token.kind === '{' ? block(c, first) : undefined
  return {
    kind: 'Device', first, last: end(c), parent: undefined, name: s.name, typeParams: s.typeParams, params: s.params, result: s.result, body,
  }
}
function variable(c: Cursor): Var {
  const first = start(c)
  bump(c)
  const variableName = name(c, 'the name of the variable')
  const variableType = eat(c, ':') ? type(c) : undefined
  expect(c, '=', 'before the first value')
  const value = expression(c)
  return { kind: 'Var', first, last: end(c), parent: undefined, name: variableName, type: variableType, value }
}
function allocation(c: Cursor, scope: 'shared' | 'register'): Allocation {
  const first = start(c)
  bump(c)
  const tensor = name(c, 'the name of the tensor')
  expect(c, ':', 'between the tensor and its type')
  const tensorType = type(c)
  const reuses = eat(c, 'reuses') ? separated(c, c => reference(c, 'the name of a tensor')) : []
  const value = eat(c, '=') ? expression(c) : undefined
  return {
    kind: 'Allocation', first, last: end(c), parent: undefined, scope, name: tensor, type: tensorType, reuses, value,
  }
}
function loop(c: Cursor): For {
  const first = start(c)
  let mode: For['mode'] = 'sequential', factor: For['factor']
  if (eat(c, 'unroll')) {
    mode = 'unroll'
    if (c.token.kind !== 'for') factor = arithmetic(c)
  } else if (eat(c, 'async')) mode = 'async'
  else if (eatWord(c, 'parallel')) mode = 'parallel'
  expect(c, 'for', 'to start the loop')
  const target = pattern(c)
  expect(c, 'in', 'before what the loop runs over')
  const over = iteration(c)
  const body = block(c, first)
  return { kind: 'For', first, last: end(c), parent: undefined, mode, factor, target, over, body }
}
function whileLoop(c: Cursor): While {
  const first = start(c)
  bump(c)
  const condition = expression(c), body = block(c, first)
  return { kind: 'While', first, last: end(c), parent: undefined, condition, body }
}
function conditional(c: Cursor): If {
  const first = start(c)
  const branches: Branch[] = [branch(c, first)]
  let otherwise: Block | undefined
  while (otherwise === undefined && eat(c, 'else')) {
    if (c.token.kind === 'if') branches.push(branch(c, first))
    else otherwise = block(c, first)
  }
  return { kind: 'If', first, last: end(c), parent: undefined, branches, otherwise }
}
function branch(c: Cursor, header: number): Branch {
  const first = start(c)
  bump(c)
  const condition = expression(c), body = block(c, header)
  return { kind: 'Branch', first, last: end(c), parent: undefined, condition, body }
}
/** What follows on the same or the next line is the value, unless it can only be another statement. */
export function returnStatement(c: Cursor, several: boolean): Return {
  const first = start(c)
  bump(c)
  const { kind } = c.token
  const bare = kind === '}' || kind === ';' || kind === 'eof' || startsStatement(c) || atAssignment(c, false)
  const values = bare ? [] : several ? separated(c, expression) : [expression(c)]
  return { kind: 'Return', first, last: end(c), parent: undefined, values }
}
function assignmentOrCall(c: Cursor): Assignment | CallStatement {
  const target = postfix(c, nameRef(c), true)
  if (assignmentSigns.has(c.token.kind)) {
    const operator = c.token.kind as AssignmentOperator
    bump(c)
    const value = expression(c)
    return { kind: 'Assignment', first: target.first, last: end(c), parent: undefined, target, operator, value }
  }
  if (target.kind !== 'Call') reportAbsent(c, 'expected-statement', '`=` or a call')
  const call = binaryRest(c, target)
  return { kind: 'CallStatement', first: call.first, last: end(c), parent: undefined, call }
}
