/**
 * Compile-time evaluation of a file: from a resolved tree to the values of its names and expressions, and what is wrong
 * with them.
 *
 *     let tile = spatial(4, 2) * repeat(2, 2)       values: `tile` and both sides are mappings, 8 workers, shape (8, 4)
 *
 * Declarations are evaluated in the order of the text. Operators, schedules, kernels and graphs are only walked: what
 * is known there (tune defaults, `let`s, mappings in loops) gets its value, what depends on shapes, types and threads
 * is `unknown`, without a message.
 */
import { builtinUri } from '../library/library.ts'
import type { Architecture } from '../target/architectures.ts'
import { customMapping } from './custom-mappings.ts'
import type { Diagnostic } from './diagnostics.ts'
import { bind, bindName, conditionOf, evaluate, isExpression, isLibrary, memberOf, quietly } from './evaluate.ts'
import { builtinValue, functionValue } from './natives.ts'
import type { Definition, Resolved } from './resolve.ts'
import { limits, problem, refuel, type Frame, type Module, type Run } from './run.ts'
import type { Lexed } from './syntax/lexer.ts'
import type { Block, Expr, File, Fn, For, NameRef, Node, Pattern, Require } from './syntax/tree.ts'
import { forEachChild, textOf } from './syntax/walk.ts'
import { unknown, valueText, type Value } from './values.ts'

export interface Evaluated {
  readonly module: Module
  /** Of expressions and declared names that have one value. */
  readonly values: ReadonlyMap<Node, Value>
  /** Of the expression that stands by itself; unknown for a file. */
  readonly value: Value
  readonly diagnostics: readonly Diagnostic[]
}

export interface EvaluationHost {
  readonly architecture: Architecture
  module(uri: string): Module | undefined
  member(kind: string, name: string): Definition | undefined
  memberNames(kind: string): readonly string[]
  useMember(ref: NameRef, member: Definition): void
}

/** Evaluates a file, or one expression that stands by itself. */
export function evaluateTree(
  uri: string, source: Lexed, root: File | Expr, resolved: Resolved, host: EvaluationHost
): Evaluated {
  const values = new Map<Node, Value>()
  const module: Module = { uri, source, definitionOf: resolved.definitionOf, globals: new Map() }
  const run = createRun({ ...host, module: other => other === uri ? module : host.module(other) })
  const frame: Frame = { module, locals: module.globals, values }
  let value = unknown
  if (root.kind === 'File') {
    for (const item of root.items) if (item.kind === 'Fn') declareFunction(frame, item)
    for (const item of root.items) {
      if (run.steps > limits.fileSteps) break
      refuel(run, limits.fileSteps)
      walk(run, frame, item)
    }
  } else {
    refuel(run, limits.fileSteps)
    value = evaluate(run, frame, root)
  }
  return { module, values, value, diagnostics: run.diagnostics }
}

/** The state of an evaluation that has found nothing yet, with the fuel of one declaration. */
export function createRun(host: EvaluationHost): Run {
  return {
    architecture: host.architecture, diagnostics: [], reported: new Set(), calls: [], steps: 0,
    limit: limits.declarationSteps,
    depth: 0, quiet: 0, problems: 0, gaveUp: false, stopped: false, device: undefined, home: undefined,
    module: uri => host.module(uri),
    member: (kind, name) => host.member(kind, name),
    memberNames: kind => host.memberNames(kind),
    useMember: (ref, member) => { host.useMember(ref, member) },
  }
}

function declareFunction(frame: Frame, n: Fn): void {
  const definition = frame.module.definitionOf.get(n.name)
  if (!definition) return
  const value = frame.module.uri === builtinUri ? functionValue(definition.name) : undefined
  frame.locals.set(definition, value ?? { kind: 'function', definition })
}

// ---------------------------------------------------------------- what is walked

/** Evaluates what is known in a declaration, member or statement. */
function walk(run: Run, frame: Frame, n: Node): void {
  switch (n.kind) {
    case 'Import': case 'Name': case 'Missing': return
    case 'Let':
      if (frame.module.uri === builtinUri) provide(run, frame, n.target)
      else bind(run, frame, n.target, evaluate(run, frame, n.value), n.value)
      return
    case 'Where': bind(run, frame, n.target, evaluate(run, frame, n.value), n.value); return
    case 'Tune':
      bind(run, frame, n.name, evaluate(run, frame, n.default), n.default)
      if (n.candidates) evaluate(run, frame, n.candidates)
      for (const level of n.levels) evaluate(run, frame, level.candidates)
      return
    case 'Fn': case 'Operator': case 'Device': case 'Schedule': case 'Graph': case 'Instance': case 'Kernel': walkDeclaration(run, frame, n); return
    case 'CustomMapping': bindName(frame, n.name, customMapping(run, frame, n)); return
    case 'Require': requirement(run, frame, n); return
    case 'For': walkLoop(run, frame, n); return
    case 'If': walkBranches(run, frame, n.branches, n.otherwise); return
    case 'Argument': evaluate(run, frame, n.value.kind === 'Spread' ? n.value.value : n.value); return
    case 'Assignment': evaluate(run, frame, n.target); evaluate(run, frame, n.value); return
    default:
      if (isExpression(n)) evaluate(run, frame, n)
      else forEachChild(n, child => { walk(run, frame, child) })
  }
}

function walkDeclaration(
  run: Run, frame: Frame,
  n: Extract<Node, { kind: 'Fn' | 'Operator' | 'Device' | 'Schedule' | 'Graph' | 'Instance' | 'Kernel' }>
): void {
  switch (n.kind) {
    case 'Fn': for (const p of n.params) if (p.default && !isLibrary(frame)) evaluate(run, frame, p.default); return
    case 'Operator':
      for (const p of [...n.params, ...n.results]) walk(run, frame, p)
      for (const w of n.wheres) walk(run, frame, w)
      for (const m of n.members) walk(run, frame, m)
      return
    case 'Device':
      for (const p of n.params) walk(run, frame, p)
      if (n.body) walk(run, frame, n.body)
      return
    case 'Schedule':
      if (n.applies) evaluate(run, frame, n.applies)
      for (const m of n.members) walk(run, frame, m)
      return
    case 'Graph':
      for (const p of n.params) walk(run, frame, p)
      for (const m of n.members) walk(run, frame, m)
      return
    case 'Instance': for (const b of n.bindings) walk(run, frame, b); return
    case 'Kernel':
      for (const a of n.attributes) walk(run, frame, a)
      walk(run, frame, n.body)
  }
}

/** A loop of a kernel is walked once. Its tasks may be any number, so that `.on` is not made a list. */
function walkLoop(run: Run, frame: Frame, n: For): void {
  if (n.factor) evaluate(run, frame, n.factor)
  if (n.over.kind === 'Range') {
    evaluate(run, frame, n.over.from)
    evaluate(run, frame, n.over.to)
  } else if (n.over.kind === 'Call' && n.over.callee.kind === 'Member' && n.over.callee.member.text === 'on') {
    const receiver = evaluate(run, frame, n.over.callee.receiver)
    memberOf(run, frame, n.over.callee, receiver)
    for (const a of n.over.args) walk(run, frame, a)
  } else evaluate(run, frame, n.over)
  walk(run, frame, n.body)
}

/** Where a condition is known, the other branches are evaluated without messages. */
function walkBranches(
  run: Run, frame: Frame, branches: readonly { readonly condition: Expr; readonly body: Block }[],
  otherwise: Block | undefined
): void {
  const before = run.quiet
  for (const b of branches) {
    const condition = conditionOf(run, frame, b.condition, evaluate(run, frame, b.condition))
    if (condition === false) quietly(run, () => { walk(run, frame, b.body) })
    else walk(run, frame, b.body)
    if (condition === true) run.quiet++
  }
  if (otherwise) walk(run, frame, otherwise)
  run.quiet = before
}

function requirement(run: Run, frame: Frame, n: Require): void {
  const holds = conditionOf(run, frame, n.condition, evaluate(run, frame, n.condition))
  if (holds !== false) return
  const failing = failingPart(frame, n.condition)
  const sides = failing.kind === 'Binary' && failing.operator !== '||' ? sidesText(frame, failing) : ''
  const message = n.message?.kind === 'StringLiteral' ? `: ${n.message.value}` : ''
  problem(run, frame.module, n.condition, 'require-failed', `This does not hold for the default values${message}.${sides}`)
}

/** The first false operand of `a && b && ...`. */
function failingPart(frame: Frame, e: Expr): Expr {
  if (e.kind === 'Parenthesized') return failingPart(frame, e.value)
  if (e.kind !== 'Binary' || e.operator !== '&&') return e
  const left = frame.values?.get(e.left)
  return failingPart(frame, left?.kind === 'bool' && !left.value ? e.left : e.right)
}

function sidesText(frame: Frame, e: Extract<Expr, { kind: 'Binary' }>): string {
  const side = (x: Expr): string | undefined => {
    const v = frame.values?.get(x)
    const text = textOf(frame.module.source, x)
    return v && x.kind !== 'NumberLiteral' && text.length <= 60 ? `\`${text}\` is ${valueText(v, 40)}` : undefined
  }
  const sides = [side(e.left), side(e.right)].filter(s => s !== undefined)
  return sides.length === 0 ? '' : ` ${sides.join(', ')}.`.replace(/^ ./, first => first)
}

function provide(run: Run, frame: Frame, target: Pattern): void {
  if (target.kind === 'Name') bindName(frame, target, builtinValue(target.text, run.architecture))
}
