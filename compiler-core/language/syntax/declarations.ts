/** Declarations of a file and their members: operators, schedules, graphs, instances, functions, mappings. */
import {
  type Cursor, atWord, braces, bump, eat, eatWord, end, expect, found, isWord, list, misspelled, missingNode, name,
  nameRef, peek, reference, report, reportAbsent, separated, skip, start, tokenText,
} from './cursor.ts'
import type { TokenKind } from './lexer.ts'
import {
  argument, binder, expression, expressionBeforeEquals, pattern, stringLiteral, subscript,
} from './expressions.ts'
import {
  block, device, letDeclaration, parameter, parameters, returnStatement, signature, type, typeParameters,
} from './statements.ts'
import type {
  Axis, CustomMapping, Declaration, Definition, Expr, Family, File, Fn, Graph, Import, Instance, Inverse, Kernel, Let,
  Level, Operator, OperatorMember, Require, Return, Schedule, ScheduleMember, Stage, Tune, Where, Workspace,
} from './tree.ts'

export function file(c: Cursor): File {
  const items: (Import | Declaration)[] = []
  while (c.token.kind !== 'eof') {
    if (eat(c, ';')) continue
    c.height = 0
    c.deep = false
    const item = declaration(c)
    if (item !== undefined) items.push(item)
    else skip(c, `${found(c)} cannot start a declaration`)
  }
  return { kind: 'File', first: 0, last: c.tokens.length, parent: undefined, items }
}
function importDeclaration(c: Cursor): Import {
  const first = start(c)
  bump(c)
  const path = stringLiteral(c, 'the path of a file, as in `import "std/prelude"`')
  return { kind: 'Import', first, last: end(c), parent: undefined, path }
}
const declarations: Readonly<Record<string, (c: Cursor) => Import | Declaration>> = {
  import: importDeclaration, let: letDeclaration, fn, device, mapping: customMapping,
  operator, schedule, graph, instance,
}
function declaration(c: Cursor): Import | Declaration | undefined {
  return declarations[wordAt(c, declarations)]?.(c)
}
/** The word of a table that the current token is or means; else empty. */
function wordAt(c: Cursor, table: object): string {
  const word = tokenText(c)
  return Object.hasOwn(table, word) ? word : misspelled(c, Object.keys(table)) ?? ''
}
function fn(c: Cursor): Fn {
  const first = start(c)
  bump(c)
  const s = signature(c)
  const body = c.token.kind === '{' ? block(c, first) : eat(c, '=') ? expression(c) : undefined
  return {
    kind: 'Fn', first, last: end(c), parent: undefined, name: s.name, typeParams: s.typeParams, params: s.params, result: s.result, body,
  }
}
function customMapping(c: Cursor): CustomMapping {
  const first = start(c)
  bump(c)
  const mappingName = name(c, 'the name of the mapping')
  expect(c, '(', 'before the worker')
  const worker = binder(c)
  expect(c, ')', 'behind the number of workers')
  expect(c, '->', 'before the task shape')
  const shape = expressionBeforeEquals(c)
  expect(c, '=', 'before the tasks')
  const tasks = expression(c)
  return { kind: 'CustomMapping', first, last: end(c), parent: undefined, name: mappingName, worker, shape, tasks }
}

// ---------------------------------------------------------------- operators

function operator(c: Cursor): Operator {
  const first = start(c)
  bump(c)
  const operatorName = name(c, 'the name of the operator')
  const typeParams = typeParameters(c), params = parameters(c)
  const arrow = expect(c, '->', 'before the result')
  const results = eat(c, '(') ? list(c, ')', 'the results', parameter) : arrow ? [parameter(c)] : []
  const ws = wheres(c)
  const members = braces(c, first, 'the operator', c => operatorMember(c))
  return {
    kind: 'Operator', first, last: end(c), parent: undefined, name: operatorName, typeParams, params, results,
    wheres: ws, members,
  }
}
function operatorMember(c: Cursor, word: TokenKind = c.token.kind): OperatorMember | undefined {
  switch (word) {
    case 'require': return requirement(c)
    case 'let': return peek(c, 1).kind === 'name' && peek(c, 2).kind === '[' ? stage(c) : letDeclaration(c)
    case 'name': {
      if (atWord(c, 'inverse') && peek(c, 1).kind === 'name') return inverse(c)
      const meant = misspelled(c, ['let', 'require', 'inverse'])
      return meant === undefined ? definition(c) : meant === 'inverse' ? inverse(c) : operatorMember(c, meant)
    }
    default: return undefined
  }
}
function stage(c: Cursor): Stage {
  const first = start(c)
  bump(c)
  const stageName = name(c, 'the name of the stage')
  bump(c)
  const axes = list(c, ']', 'the indices', binder)
  expect(c, '=', 'before the value')
  const value = expression(c), ws = wheres(c)
  return { kind: 'Stage', first, last: end(c), parent: undefined, name: stageName, axes, value, wheres: ws }
}
function inverse(c: Cursor): Inverse {
  const first = start(c)
  bump(c)
  const tensor = nameRef(c), axes = axisList(c)
  expect(c, '->', 'before the indices of the result')
  const indices = expect(c, '[', 'before the indices of the result') ? list(c, ']', 'the indices of the result', subscript) : []
  return { kind: 'Inverse', first, last: end(c), parent: undefined, tensor, axes, indices }
}
function definition(c: Cursor): Definition {
  const first = start(c)
  const tensor = nameRef(c), axes = axisList(c)
  expect(c, '=', 'before the value')
  const value = expression(c), ws = wheres(c)
  return { kind: 'Definition', first, last: end(c), parent: undefined, tensor, axes, value, wheres: ws }
}
function axisList(c: Cursor): Axis[] {
  return expect(c, '[', 'before the indices') ? list(c, ']', 'the indices', axis) : []
}
function axis(c: Cursor): Axis {
  const at = start(c), rest = eat(c, '...'), index = name(c, 'the name of an index')
  return { kind: 'Axis', first: rest ? at : index.first, last: end(c), parent: undefined, rest, name: index }
}
function wheres(c: Cursor): Where[] { return eat(c, 'where') ? separated(c, where) : [] }
function where(c: Cursor): Where {
  const target = pattern(c)
  expect(c, '=', 'before the value')
  const value = expression(c)
  return { kind: 'Where', first: target.first, last: end(c), parent: undefined, target, value }
}

// ---------------------------------------------------------------- schedules

function schedule(c: Cursor): Schedule {
  const first = start(c)
  bump(c)
  const scheduleName = name(c, 'the name of the schedule')
  expect(c, 'for', 'before the operator')
  const head = family(c) ?? reference(c, 'the name of an operator')
  const given = eatWord(c, 'given') ? separated(c, c => reference(c, 'the name of a shape variable')) : []
  const applies = appliesWhen(c)
  const members = braces(c, first, 'the schedule', scheduleMember)
  return { kind: 'Schedule', first, last: end(c), parent: undefined, name: scheduleName, head, given, applies, members }
}
/** `pointwise f` and `reduction r`; both words may also be the name of an operator. */
function family(c: Cursor): Family | undefined {
  const word = atWord(c, 'pointwise') ? 'pointwise' : atWord(c, 'reduction') ? 'reduction' : undefined
  const next = peek(c, 1), after = peek(c, 2)
  if (word === undefined || next.kind !== 'name') return undefined
  if (after.kind === 'name' && (isWord(c, next, 'given') || (isWord(c, next, 'applies') && isWord(c, after, 'when')))) return undefined
  const first = start(c)
  bump(c)
  const operatorName = name(c, 'the name of the scheduled operator')
  return { kind: 'Family', first, last: end(c), parent: undefined, family: word, name: operatorName }
}
function appliesWhen(c: Cursor): Expr | undefined {
  if (!eatWord(c, 'applies')) return undefined
  if (!eatWord(c, 'when')) reportAbsent(c, 'expected-token', '`when` and a condition')
  return expression(c)
}
const scheduleMembers: Readonly<Record<string, (c: Cursor) => ScheduleMember>> = {
  tune, let: letDeclaration, require: requirement, workspace, device, kernel,
}
function scheduleMember(c: Cursor): ScheduleMember | undefined {
  return scheduleMembers[wordAt(c, scheduleMembers)]?.(c)
}
function tune(c: Cursor): Tune {
  const first = start(c)
  bump(c)
  const parameterName = name(c, 'the name of the parameter')
  expect(c, '=', 'before the default')
  const value = expression(c)
  const candidates = eat(c, 'in') ? expression(c) : undefined
  const levels: Level[] = []
  if (candidates !== undefined && atWord(c, 'level')) {
    report(c, 'unexpected-token', '`in` lists the candidates of every level already: write either `in` or `level`')
  }
  while (atWord(c, 'level')) levels.push(tuneLevel(c))
  return {
    kind: 'Tune', first, last: end(c), parent: undefined, name: parameterName, default: value, candidates, levels,
  }
}
function tuneLevel(c: Cursor): Level {
  const first = start(c)
  bump(c)
  let level: Level['level'] = missingNode(c)
  if (c.token.kind === 'int') {
    level = { kind: 'NumberLiteral', first: start(c), last: start(c) + 1, parent: undefined, text: tokenText(c), float: false }
    bump(c)
  } else reportAbsent(c, 'expected-token', 'the number of the level')
  const candidates = expression(c)
  return { kind: 'Level', first, last: end(c), parent: undefined, level, candidates }
}
function requirement(c: Cursor): Require {
  const first = start(c)
  bump(c)
  const condition = expression(c)
  const message = eat(c, ',') ? stringLiteral(c, 'a message in quotes') : undefined
  return { kind: 'Require', first, last: end(c), parent: undefined, condition, message }
}
function workspace(c: Cursor): Workspace {
  const first = start(c)
  bump(c)
  const tensor = name(c, 'the name of the tensor')
  expect(c, ':', 'between the tensor and its type')
  const tensorType = type(c)
  const value = eat(c, '=') ? expression(c) : undefined
  return { kind: 'Workspace', first, last: end(c), parent: undefined, name: tensor, type: tensorType, value }
}
function kernel(c: Cursor): Kernel {
  const first = start(c)
  bump(c)
  const kernelName = name(c, 'the name of the kernel')
  const attributes = expect(c, '(', 'before the launch attributes') ? list(c, ')', 'the launch attributes', argument) : []
  const body = block(c, first)
  return { kind: 'Kernel', first, last: end(c), parent: undefined, name: kernelName, attributes, body }
}

// ---------------------------------------------------------------- graphs and instances

function graph(c: Cursor): Graph {
  const first = start(c)
  bump(c)
  const graphName = name(c, 'the name of the graph')
  const implemented = eat(c, 'for') ? reference(c, 'the name of an operator') : undefined
  const params = implemented === undefined ? parameters(c) : []
  const members = braces(c, first, 'the graph', graphMember)
  return {
    kind: 'Graph', first, last: end(c), parent: undefined, name: graphName, params, operator: implemented, members,
  }
}
function graphMember(c: Cursor): Let | Return | undefined {
  return c.token.kind === 'let' ? letDeclaration(c) : c.token.kind === 'return' ? returnStatement(c, true) : undefined
}
function instance(c: Cursor): Instance {
  const first = start(c)
  bump(c)
  const instanceName = name(c, 'the name of the instance')
  expect(c, '=', 'before the operator and its schedule')
  const scheduled = reference(c, 'the name of an operator')
  expect(c, '.', 'between the operator and its schedule')
  const chosen = reference(c, 'the name of a schedule')
  const bindings = expect(c, '(', 'before the bindings') ? list(c, ')', 'the bindings', argument) : []
  return {
    kind: 'Instance', first, last: end(c), parent: undefined, name: instanceName, operator: scheduled,
    schedule: chosen, bindings,
  }
}
