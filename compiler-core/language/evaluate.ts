/**
 * Compile-time evaluation of expressions, and of the functions that they call.
 *
 *     spatial(4, 2) * repeat(2, 2)      a mapping: 8 workers, shape (8, 4)
 *     tile.project(onto: 2)             unknown, and `bad-axis` at the 2: the mapping has 2 dimensions
 *
 * Bodies of functions run when they are called. What depends on shapes, types and threads is `unknown`, without a
 * message, and so is what has been reported. Nothing here throws, and fuel (run.ts) bounds everything.
 */
import { builtinUri, membersUri } from '../library/library.ts'
import { counted } from '../mapping/shape.ts'
import { bindArguments, convert, type Given } from './arguments.ts'
import {
  conditionExpr, deviceCall, deviceCast, deviceSelect, isIntrinsic, laterThan, reading
} from './device.ts'
import { guardedElement, reductionOver, tensorAt, type Part } from './tensors.ts'
import type { Bound, NativeCall } from './native-call.ts'
import { combine, memberKind, memberNatives, natives, offsetOf } from './natives.ts'
import { binaryValue, exact, unaryValue } from './operations.ts'
import type { Definition, DefinitionKind } from './resolve.ts'
import { limits, problem, spend, type Frame, type Module, type Run } from './run.ts'
import { nearest } from './suggestions.ts'
import type {
  Argument, Block, Call, Comprehension, Conditional, Element, Expr, Fn, Generator, Member, NameRef, Node, NumberLiteral,
  Pattern, Range, Reduction, Statement, Subscript, Type
} from './syntax/tree.ts'
import { forEachChild, spanOf, textOf } from './syntax/walk.ts'
import {
  asSymbolic, bool, containsUnknown, describe, float, int, itemsOf, list, symbolicSelect, through, tuple, unknown,
  valueWeight, type Reducer, type SourceRange, type TensorValue, type Value
} from './values.ts'

// ---------------------------------------------------------------- names

export function bindName(frame: Frame, name: Pattern, value: Value): void {
  if (name.kind !== 'Name') return
  const definition = frame.module.definitionOf.get(name)
  if (definition) frame.locals.set(definition, value)
  if (value !== unknown) frame.values?.set(name, value)
}

/** Takes a value apart by a pattern; reports at the pattern when it does not fit. */
export function bind(run: Run, frame: Frame, p: Pattern, value: Value, from: Node): void {
  if (p.kind === 'Name') {
    bindName(frame, p, value)
    return
  }
  const items = value.kind === 'unknown' ? undefined : itemsOf(value)
  if (value.kind !== 'unknown' && items?.length !== p.items.length) {
    const shown = items === undefined ? describe(value) : value.kind === 'int' ? describe(value) : `${describe(value)} of ${counted(items.length, 'item')}`
    problem(run, frame.module, p, 'wrong-type', `These are ${counted(p.items.length, 'name')}, but the value is ${shown}.`,
      { related: [{ uri: frame.module.uri, span: spanOf(frame.module.source, from), message: 'the value' }] })
  }
  const fitting = items?.length === p.items.length ? items : []
  p.items.forEach((item, i) => { bind(run, frame, item, fitting[i] ?? unknown, from) })
}

function nameValue(run: Run, frame: Frame, e: NameRef): Value {
  const definition = frame.module.definitionOf.get(e)
  if (!definition || !(frame.values ? once : run.device ? always : often).has(definition.kind)) return unknown
  const value = frame.locals.get(definition) ?? run.module(definition.uri)?.globals.get(definition)
  if (run.device) {
    if (definition.kind === 'device') return { kind: 'device-function', definition }
    if (value?.kind === 'device') return reading(run, frame, e, value)
    if (value?.kind === 'target' && definition.name === 'target') return { kind: 'target', architecture: run.architecture }
  }
  if (value) return value.kind === 'mapping' || value.kind === 'layout' ? through(value, rangeOf(frame, e)) : value
  const late = (definition.kind === 'let' || definition.kind === 'mapping') && run.calls.length > 0 && definition.uri === run.calls[0]?.module.uri && isTopLevel(definition)
  if (late) {
    problem(run, frame.module, e, 'use-before-declaration', `\`${e.text}\` has no value yet: this call stands above its declaration.`,
      { related: [{ uri: definition.uri, span: spanOf(definition.parsed, definition.nameNode), message: `\`${e.text}\` is declared here` }] })
  }
  return unknown
}

/** The kinds of definitions that may have a value: where expressions are evaluated once, and where they run often. */
const once: ReadonlySet<DefinitionKind> = new Set(['let', 'function', 'mapping', 'tune'])
const often: ReadonlySet<DefinitionKind> = new Set([...once, 'parameter', 'index', 'variable'])
/** While a program is elaborated. */
const always: ReadonlySet<DefinitionKind> = new Set([
  ...often, 'device', 'result', 'type-parameter', 'shape-variable', 'stage', 'workspace', 'tensor', 'family',
])

function isTopLevel(d: Definition): boolean { return d.node.parent?.kind === 'File' }
export function rangeOf(frame: Frame, n: Node): SourceRange {
  return { uri: frame.module.uri, span: spanOf(frame.module.source, n) }
}
export function isLibrary(frame: Frame): boolean {
  return frame.module.uri === builtinUri || frame.module.uri === membersUri
}

// ---------------------------------------------------------------- expressions

/** Runs `f` without reporting anything. */
export function quietly<T>(run: Run, f: () => T): T {
  run.quiet++
  const result = f()
  run.quiet--
  return result
}

const expressionKinds: ReadonlySet<string> = new Set<Expr['kind']>([
  'Conditional', 'Binary', 'Reduction', 'Unary', 'GuardedRead', 'Member', 'Call', 'Element', 'NameRef', 'NumberLiteral', 'StringLiteral',
  'BooleanLiteral', 'Parenthesized', 'Tuple', 'List', 'Comprehension', 'Missing',
])
export function isExpression(n: Node): n is Expr { return expressionKinds.has(n.kind) }

export function evaluate(run: Run, frame: Frame, e: Expr): Value {
  if (++run.steps > run.limit && !spend(run, frame.module, e, 0)) return unknown
  if (run.depth >= limits.depth) return tooDeep(run, frame, e)
  run.depth++
  const value = expressionValue(run, frame, e)
  run.depth--
  if (value !== unknown) frame.values?.set(e, value)
  return value
}

function tooDeep(run: Run, frame: Frame, e: Expr): Value {
  const site = run.calls.at(-1)
  if (site) endlessRecursion(run, frame, e)
  else problem(run, frame.module, e, 'too-large', 'This is nested too deeply to be evaluated.')
  return unknown
}

function endlessRecursion(run: Run, frame: Frame, e: Node): void {
  problem(run, frame.module, e, 'endless-recursion', `These calls are nested ${run.calls.length} deep, which is beyond what is evaluated. A recursive function needs a case that does not call itself`)
  run.stopped = true
  run.limit = run.steps
}

function expressionValue(run: Run, frame: Frame, e: Expr): Value {
  switch (e.kind) {
    case 'NumberLiteral': {
      const known = literals.get(e) ?? literal(run, frame, e, 1n)
      if (known.kind !== 'unknown') literals.set(e, known)
      return known
    }
    case 'StringLiteral': return { kind: 'string', value: e.value }
    case 'BooleanLiteral': return bool(e.value)
    case 'NameRef': return nameValue(run, frame, e)
    case 'Parenthesized': return evaluate(run, frame, e.value)
    case 'Tuple': return bounded(run, frame, e, tuple(e.items.map(item => evaluate(run, frame, item))))
    case 'List': return bounded(run, frame, e, list(e.items.map(item => evaluate(run, frame, item))))
    case 'Unary': {
      if (e.operator === '-' && e.operand.kind === 'NumberLiteral') return literal(run, frame, e.operand, -1n)
      return unaryValue(run, frame, e, evaluate(run, frame, e.operand))
    }
    case 'Binary': return e.operator === '&&' || e.operator === '||' ? shortCircuit(run, frame, e)
      : binaryValue(run, frame, e, e.operator, evaluate(run, frame, e.left), evaluate(run, frame, e.right), e)
    case 'Conditional': return conditional(run, frame, e)
    case 'Member': return memberValue(run, frame, e)
    case 'Call': return callValue(run, frame, e)
    case 'Element': return elementValue(run, frame, e)
    case 'GuardedRead': return guardedRead(run, frame, e)
    case 'Comprehension': return comprehension(run, frame, e)
    case 'Reduction': return reduction(run, frame, e)
    case 'Missing': return unknown
  }
}

/**
 * A list or tuple that is not larger than evaluation handles; values that share parts may grow without taking steps.
 */
function bounded(run: Run, frame: Frame, e: Expr, v: Value): Value {
  if (valueWeight(v) <= limits.weight) return v
  problem(run, frame.module, e, 'too-large', `A list or tuple has at most ${limits.weight} values inside.`)
  return unknown
}

/** The values of numbers, read once. */
const literals = new WeakMap<NumberLiteral, Value>()

/** Longer digits than any 64-bit number has. */
const longestDigits = 70

function literal(run: Run, frame: Frame, e: NumberLiteral, sign: bigint): Value {
  const digits = e.text.replaceAll('_', '')
  if (e.float) return float(Number(sign) * Number(digits))
  const text = /^0[xX]/.test(digits) ? digits : digits.replace(/^0+(?=\d)/, '')
  if (/^\d{1,15}$/.test(text)) return int(Number(sign) * Number(text))
  if (text.length > longestDigits) return exact(run, frame, e, 1n << 64n)
  return /^(0[xX][0-9a-fA-F]+|\d+)$/.test(text) ? exact(run, frame, e, sign * BigInt(text)) : unknown
}

/** A known condition; undefined when it is unknown, symbolic or not a condition (which is reported). */
export function conditionOf(run: Run, frame: Frame, e: Node, v: Value): boolean | undefined {
  if (v.kind === 'bool') return v.value
  if (v.kind === 'symbolic') run.gaveUp = true
  else if (v.kind === 'device') laterThan(run, frame, e, v, 'This condition')
  else if (v.kind !== 'unknown') problem(run, frame.module, e, 'wrong-type', `A condition is true or false; this is ${describe(v)}.`)
  return undefined
}

function shortCircuit(run: Run, frame: Frame, e: Extract<Expr, { kind: 'Binary' }>): Value {
  const left = evaluate(run, frame, e.left)
  const decides = e.operator === '||'
  if (left.kind === 'bool' && left.value === decides) {
    if (frame.values) quietly(run, () => { evaluate(run, frame, e.right) })
    return left
  }
  if (left.kind === 'unknown' && !frame.values) return unknown
  const right = evaluate(run, frame, e.right)
  return binaryValue(run, frame, e, e.operator, left, right, e)
}

function conditional(run: Run, frame: Frame, e: Conditional): Value {
  const condition = evaluate(run, frame, e.condition)
  if (condition.kind === 'device') {
    const known = conditionExpr(run, frame, e.condition, condition)
    const then = evaluate(run, frame, e.then), otherwise = evaluate(run, frame, e.otherwise)
    const places = { left: e.then, right: e.otherwise }
    return known && then.kind !== 'unknown' && otherwise.kind !== 'unknown' ? deviceSelect(run, frame, e, known, then, otherwise, places) : unknown
  }
  if (condition.kind === 'symbolic' && condition.type === 'bool') {
    const a = asSymbolic(evaluate(run, frame, e.then)), b = asSymbolic(evaluate(run, frame, e.otherwise))
    const value = a && b && symbolicSelect(condition, a, b)
    if (!value) run.gaveUp = true
    return value ?? unknown
  }
  const known = conditionOf(run, frame, e.condition, condition)
  if (known === undefined) {
    if (frame.values) {
      evaluate(run, frame, e.then)
      evaluate(run, frame, e.otherwise)
    }
    return unknown
  }
  if (frame.values) quietly(run, () => { evaluate(run, frame, known ? e.otherwise : e.then) })
  return evaluate(run, frame, known ? e.then : e.otherwise)
}

function elementValue(run: Run, frame: Frame, e: Element): Value {
  const receiver = evaluate(run, frame, e.receiver)
  if (receiver.kind === 'tensor') return tensorElement(run, frame, e, receiver)
  const items = receiver.kind === 'unknown' ? undefined : itemsOf(receiver)
  if (!items) {
    for (const index of e.indices) walkSubscript(run, frame, index)
    if (receiver.kind !== 'unknown') {
      const advice = receiver.kind === 'mapping' ? ' The tasks of worker `w` are `.on(w)`.' : receiver.kind === 'layout' ? ' The offset of an element is `.at(i, j)`.' : ''
      problem(run, frame.module, e.receiver, 'wrong-type', `Only tuples, lists and tensors have elements; this is ${describe(receiver)}.${advice}`)
    }
    return unknown
  }
  const index = e.indices[0]
  if (e.indices.length !== 1 || index === undefined) {
    for (const i of e.indices) walkSubscript(run, frame, i)
    problem(run, frame.module, e, 'rank-mismatch', `${receiver.kind === 'list' ? 'A list' : 'A tuple'} takes one index, not ${e.indices.length}.`)
    return unknown
  }
  if (index.kind === 'Whole') return receiver
  if (index.kind === 'Spread') {
    walkSubscript(run, frame, index)
    return unknown
  }
  if (index.kind === 'Slice') {
    const from = position(run, frame, index.from, items.length, true)
    const end = index.to ? position(run, frame, index.to, items.length, true) : undefined
    const length = index.length ? position(run, frame, index.length, items.length, true) : undefined
    if (from === undefined || (end ?? length) === undefined) return unknown
    const slice = items.slice(from, end ?? from + (length ?? 0))
    return receiver.kind === 'list' ? list(slice) : tuple(slice)
  }
  const at = position(run, frame, index, items.length, false)
  return at === undefined ? unknown : items[at] ?? unknown
}

function walkSubscript(run: Run, frame: Frame, s: Subscript): void {
  if (isExpression(s)) evaluate(run, frame, s)
  else forEachChild(s, child => { if (isExpression(child)) evaluate(run, frame, child) })
}

/** An index into a sequence; `end`: one behind the last item is allowed. */
function position(run: Run, frame: Frame, e: Expr, length: number, end: boolean): number | undefined {
  const v = evaluate(run, frame, e)
  if (v.kind === 'symbolic') run.gaveUp = true
  if (v.kind === 'unknown' || v.kind === 'symbolic') return undefined
  if (v.kind === 'device') {
    laterThan(run, frame, e, v, 'An index into a tuple or list')
    return undefined
  }
  if (v.kind !== 'int') {
    problem(run, frame.module, e, 'wrong-type', `An index is a whole number; this is ${describe(v)}.`)
    return undefined
  }
  if (v.value >= 0n && v.value < BigInt(length) + (end ? 1n : 0n)) return Number(v.value)
  problem(run, frame.module, e, 'index-outside', `There ${length === 1 ? 'is 1 item' : `are ${length} items`}, counted from 0; this is ${v.value}.`)
  return undefined
}

// ---------------------------------------------------------------- tensors

/** `x[i, ...r, a ..+ n, ..]`: an element, which is a device value, or a slice. */
function tensorElement(run: Run, frame: Frame, e: Element, tensor: TensorValue): Value {
  const parts: Part[] = []
  for (const s of e.indices) {
    switch (s.kind) {
      case 'Whole': parts.push({ kind: 'range', from: undefined, extent: undefined }); break
      case 'Slice': {
        const from = evaluate(run, frame, s.from), end = s.to ?? s.length
        parts.push({ kind: 'range', from: { value: from, node: s.from }, extent: end && { value: evaluate(run, frame, end), node: end, isEnd: s.to !== undefined } })
        break
      }
      case 'Spread': {
        const value = evaluate(run, frame, s.value)
        const items = itemsOf(value)
        if (items) parts.push(...items.map((item): Part => ({ kind: 'at', value: item, node: s.value })))
        else if (value.kind === 'unknown') return unknown
        else problem(run, frame.module, s, 'wrong-type', `\`...\` spreads an index; this is ${describe(value)}.`)
        break
      }
      default: {
        const value = evaluate(run, frame, s)
        // a tuple as an index is one index for each of its items
        const items = value.kind === 'tuple' ? value.items : [value]
        parts.push(...items.map((item): Part => ({ kind: 'at', value: item, node: s })))
      }
    }
  }
  return tensorAt(run, frame, e, tensor, parts)
}

function guardedRead(run: Run, frame: Frame, e: Extract<Expr, { kind: 'GuardedRead' }>): Value {
  const read = evaluate(run, frame, e.read), outside = evaluate(run, frame, e.outside)
  return run.device && read.kind !== 'unknown' ? guardedElement(run, frame, e, read, outside) : unknown
}

/** A reduction inside of an operator's definition. */
function reductionNode(run: Run, frame: Frame, e: Reduction, reducer: Reducer): Value {
  const extents = e.binders.map(b => ({ value: evaluate(run, frame, b.extent), node: b.extent }))
  const inner = repeated(frame)
  return reductionOver(run, frame, e, reducer, extents, axes => {
    axes.forEach((axis, i) => {
      const binder = e.binders[i]
      if (binder) bindName(inner, binder.name, axis)
    })
    return evaluate(run, inner, e.body)
  })
}

// ---------------------------------------------------------------- loops over values

/** Calls `each` for the values that a loop runs over, until it gives false. Gives false where they are not known. */
function iterate(run: Run, frame: Frame, over: Expr | Range, each: (v: Value) => boolean): boolean {
  if (over.kind !== 'Range') {
    const v = evaluate(run, frame, over)
    const items = v.kind === 'list' || v.kind === 'tuple' ? v.items : over.kind === 'NumberLiteral' ? undefined : itemsOf(v)
    if (!items) {
      if (v.kind !== 'unknown') {
        const advice = v.kind === 'int' ? ` Count with a range: \`0..${v.value}\`.` : v.kind === 'mapping' ? ' The tasks of worker `w` are `.on(w)`.' : ''
        problem(run, frame.module, over, 'wrong-type', `A loop runs over a range, a list or a tuple; this is ${describe(v)}.${advice}`)
      }
      return false
    }
    for (const item of items) if (run.stopped || !each(item)) break
    return !run.stopped
  }
  const from = evaluate(run, frame, over.from), to = evaluate(run, frame, over.to)
  for (const [v, e] of [[from, over.from], [to, over.to]] as const) {
    if (v.kind === 'symbolic') run.gaveUp = true
    else if (v.kind === 'device') laterThan(run, frame, e, v, 'The end of this range')
    else if (v.kind !== 'int' && v.kind !== 'unknown') problem(run, frame.module, e, 'wrong-type', `The ends of a range are whole numbers; this is ${describe(v)}.`)
  }
  if (from.kind !== 'int' || to.kind !== 'int') return false
  if (to.value - from.value > BigInt(limits.items)) {
    problem(run, frame.module, over, 'too-large', `This range has ${to.value - from.value} values; at compile time a loop takes at most ${limits.items}.`)
    return false
  }
  for (let i = from.value; i < to.value; i++) if (run.stopped || !each(int(i))) break
  return !run.stopped
}

/** A body that runs many times: its expressions have no one value. */
export function repeated(frame: Frame): Frame {
  return { module: frame.module, locals: frame.locals, values: undefined }
}

function comprehension(run: Run, frame: Frame, e: Comprehension): Value {
  const items: Value[] = []
  const inner = repeated(frame)
  /** Gives false where the list has no value. */
  const generate = (depth: number): boolean => {
    const g: Generator | undefined = e.generators[depth]
    if (!g) {
      if (items.length < limits.items) return items.push(evaluate(run, inner, e.item)) > 0
      problem(run, frame.module, e, 'too-large', `A list has at most ${limits.items} items.`)
      return false
    }
    let complete = true
    const known = iterate(run, depth === 0 ? frame : inner, g.over, v => {
      bind(run, inner, g.target, v, g.over)
      complete = generate(depth + 1)
      return complete
    })
    return known && complete
  }
  if (generate(0)) return bounded(run, frame, e, list(items))
  if (items.length === 0 && frame.values) walkOnce(run, frame, e)
  return unknown
}

/** What a comprehension over unknown values says anyway. */
function walkOnce(run: Run, frame: Frame, e: Comprehension): void {
  for (const { over } of e.generators.slice(1)) {
    if (over.kind === 'Range') {
      evaluate(run, frame, over.from)
      evaluate(run, frame, over.to)
    } else evaluate(run, frame, over)
  }
  evaluate(run, frame, e.item)
}

/** A reduction over known extents; one that reads tensors has no value. */
function reduction(run: Run, frame: Frame, e: Reduction): Value {
  const reducer = evaluate(run, frame, e.reducer)
  if (run.device?.defines === 'operator' && reducer.kind === 'reducer') return reductionNode(run, frame, e, reducer.name)
  const extents = e.binders.map(b => evaluate(run, frame, b.extent))
  if (frame.values && containsUnknown(evaluate(run, frame, e.body)) && readsTensor(frame, e.body)) return unknown
  const known = extents.flatMap((v, i) => v.kind === 'int' && e.binders[i]?.rest === false ? [v.value] : [])
  if (reducer.kind !== 'reducer' || known.length < e.binders.length) return unknown
  const { name } = reducer
  const inner = repeated(frame)
  let total: Value | undefined
  const reduce = (depth: number): boolean => {
    const binder = e.binders[depth], extent = known[depth]
    if (!binder || extent === undefined) {
      const node = e.body, value = evaluate(run, inner, node)
      total = total === undefined ? value : combine(run, inner, e, name, { value: total, node }, { value, node })
      return total.kind !== 'unknown'
    }
    for (let i = 0n; i < extent; i++) {
      bindName(inner, binder.name, int(i))
      if (run.stopped || !reduce(depth + 1)) return false
    }
    return true
  }
  reduce(0)
  return run.stopped || name === 'avg' ? unknown : total ?? unknown
}

function readsTensor(frame: Frame, e: Expr): boolean {
  let found = false
  const look = (n: Node): void => {
    if (n.kind === 'Element' && frame.values?.get(n.receiver) === undefined) found = true
    if (!found) forEachChild(n, look)
  }
  look(e)
  return found
}

// ---------------------------------------------------------------- members and calls

/** The declaration of a member; reports one that the value does not have. Undefined too where the value is unknown. */
export function memberOf(
  run: Run, frame: Frame, e: Member, receiver: Value
): { readonly definition: Definition; readonly kind: string } | undefined {
  if (receiver.kind === 'unknown' || e.member.text === '') return undefined
  const kind = memberKind(receiver)
  const definition = kind === undefined ? undefined : run.member(kind, e.member.text)
  if (kind !== undefined && definition) {
    if (frame.values) run.useMember(e.member, definition)
    return { definition, kind }
  }
  const near = kind === undefined ? undefined : nearest(e.member.text, run.memberNames(kind))
  const what = receiver.kind === 'function' ? 'A function' : describe(receiver).replace(/^(the|a|an) /, (_, article: string) => article === 'the' ? 'The ' : 'A ')
  problem(run, frame.module, e.member, 'unknown-member', `${what} has no member \`${e.member.text}\`.${near === undefined ? '' : ` Did you mean \`${near}\`?`}`,
    near === undefined ? {} : { fix: { title: `Change to \`${near}\``, edits: [{ span: spanOf(frame.module.source, e.member), newText: near }] } })
  return undefined
}

function memberValue(run: Run, frame: Frame, e: Member): Value {
  const receiver = evaluate(run, frame, e.receiver)
  const member = memberOf(run, frame, e, receiver)
  const value = member ? callMember(run, frame, e, member, { value: receiver, node: e.receiver }, []) : unknown
  return value.kind === 'device' ? reading(run, frame, e, value) : value
}

function given(run: Run, frame: Frame, args: readonly Argument[]): readonly Given[] {
  return args.flatMap((a): Given[] => {
    if (a.value.kind !== 'Spread') return [{ value: evaluate(run, frame, a.value), node: a.value, name: a.name }]
    const { value: node } = a.value
    const value = evaluate(run, frame, node)
    const items = itemsOf(value)
    if (!items) {
      if (value.kind !== 'unknown') problem(run, frame.module, node, 'wrong-type', `\`...\` spreads a tuple or a list; this is ${describe(value)}.`)
      return [{ value: unknown, node, name: undefined }]
    }
    return items.map(item => ({ value: item, node, name: undefined }))
  })
}

function callValue(run: Run, frame: Frame, e: Call): Value {
  if (e.callee.kind === 'Member') {
    const receiver = evaluate(run, frame, e.callee.receiver)
    const member = memberOf(run, frame, e.callee, receiver)
    const node = member?.definition.node
    if (member && node?.kind === 'Fn' && node.params.length > 1) {
      return callMember(run, frame, e, member, { value: receiver, node: e.callee.receiver }, given(run, frame, e.args))
    }
    const self = { value: receiver, node: e.callee.receiver }
    const value = member ? callMember(run, frame, e.callee, member, self, []) : unknown
    if (value !== unknown) frame.values?.set(e.callee, value)
    return applied(run, frame, e, value, given(run, frame, e.args))
  }
  return applied(run, frame, e, evaluate(run, frame, e.callee), given(run, frame, e.args))
}

/** The value of a call, by the kind of value that is called. */
function applied(run: Run, frame: Frame, e: Call, callee: Value, args: readonly Given[]): Value {
  switch (callee.kind) {
    case 'unknown': return unknown
    case 'device-function': return run.device?.call(frame, e, callee.definition, args) ?? unknown
    case 'function': return callee.definition.uri === builtinUri ? callNative(run, frame, e, callee.definition, args) : callFunction(run, frame, e, callee.definition, args)
    case 'reducer': {
      const [a, b] = args
      if (!a || !b || args.length > 2) {
        const extra = args[2]
        problem(run, frame.module, extra?.node ?? e, extra ? 'too-many-arguments' : 'missing-argument', `\`${callee.name}\` combines two values, not ${args.length}.`)
        return unknown
      }
      return combine(run, frame, e, callee.name, a, b)
    }
    case 'dtype': case 'type': return cast(run, frame, e, callee, args)
    case 'loop': {
      const count = args[0]?.value
      if (args.length === 1 && count?.kind === 'int' && count.value >= 1n && count.value <= 65536n) {
        if (callee.loop.kind === 'unrolled') return { kind: 'loop', loop: { kind: 'unrolled', factor: Number(count.value) } }
        if (callee.loop.kind === 'parallel') return { kind: 'loop', loop: { kind: 'parallel', threads: Number(count.value) } }
      }
      if (args.some(a => a.value.kind === 'unknown')) return unknown
      problem(run, frame.module, args[0]?.node ?? e, 'bad-loop', callee.loop.kind === 'unrolled' || callee.loop.kind === 'parallel'
        ? `\`${callee.loop.kind}(n)\` takes one whole number of 1 to 65536.` : `\`${callee.loop.kind}\` takes no number; only \`unrolled(n)\` and \`parallel(n)\` do.`)
      return unknown
    }
    case 'layout': return offsetOf(nativeCall(run, frame, e, 'at', new Map()), callee.layout, args)
    default: {
      const advice = callee.kind === 'mapping' ? ' The tasks of worker `w` are `.on(w)`, its only task `.at(w)`.'
        : e.callee.kind === 'Member' && args.length === 0 ? ` Write \`.${e.callee.member.text}\` without parentheses.` : ''
      problem(run, frame.module, e.callee, 'not-callable', `This is ${describe(callee)} and cannot be called.${advice}`)
      return unknown
    }
  }
}

function nativeCall(
  run: Run, frame: Frame, node: Node, name: string, bound: ReadonlyMap<string, readonly Bound[]>
): NativeCall {
  return { run, frame, node, name, made: madeAt(frame, node), arguments: parameter => bound.get(parameter) ?? [] }
}

/** The range of a call, without what stands before the dot. */
function madeAt(frame: Frame, node: Node): SourceRange {
  const range = rangeOf(frame, node)
  if (node.kind !== 'Call' || node.callee.kind !== 'Member') return range
  return { uri: range.uri, span: { start: spanOf(frame.module.source, node.callee.member).start, end: range.span.end } }
}

function callNative(run: Run, frame: Frame, e: Call, definition: Definition, args: readonly Given[]): Value {
  const { name, node } = definition
  const native = natives[name]
  if (node.kind !== 'Fn' || !(native || isIntrinsic(name))) return unknown
  const bound = bindArguments(run, frame, e, name, node.params, moduleOf(run, definition), args, native?.variadic)
  if (bound && isIntrinsic(name)) {
    const values = node.params.flatMap(p => bound.get(p.name.text)?.[0] ?? [])
    if (values.some(v => v.value.kind === 'device')) return deviceCall(run, frame, e, name, values)
  }
  return bound && native ? native.call(nativeCall(run, frame, e, name, bound)) : unknown
}

function callMember(
  run: Run, frame: Frame, e: Node, member: { readonly definition: Definition; readonly kind: string },
  receiver: Bound, args: readonly Given[]
): Value {
  const { definition: { name, node } } = member
  const native = memberNatives[member.kind]?.[name]
  const self = node.kind === 'Fn' ? node.params[0] : undefined
  if (!native || node.kind !== 'Fn' || !self) return unknown
  if (e.kind !== 'Call' && node.params.length > 1) {
    problem(run, frame.module, e.kind === 'Member' ? e.member : e, 'missing-argument', `\`.${name}\` takes arguments: \`.${name}(${node.params.slice(1).map(p => p.name.text).join(', ')})\`.`)
    return unknown
  }
  const bound = bindArguments(run, frame, e, `.${name}`, node.params.slice(1), moduleOf(run, member.definition), args, native.variadic)
  if (!bound) return unknown
  return native.call(nativeCall(run, frame, e, name, new Map([...bound, [self.name.text, [receiver]]])))
}

function moduleOf(run: Run, d: Definition): Module | undefined { return run.module(d.uri) }

function callFunction(run: Run, frame: Frame, e: Call, definition: Definition, args: readonly Given[]): Value {
  const { node } = definition, module = moduleOf(run, definition)
  if (node.kind !== 'Fn' || !node.body || !module) return unknown
  const bound = bindArguments(run, frame, e, definition.name, node.params, module, args, undefined)
  if (!bound) return unknown
  run.calls.push({ name: definition.name, module: frame.module, node: e })
  const outer = run.device?.through
  if (run.device) run.device.through = { range: rangeOf(frame, e), through: outer }
  let value = unknown
  if (run.calls.length > limits.calls) endlessRecursion(run, frame, e)
  else value = runFunction(run, { module, locals: new Map(), values: undefined }, node, bound)
  run.calls.pop()
  if (run.device) run.device.through = outer
  return through(value, rangeOf(frame, e))
}

function runFunction(run: Run, frame: Frame, n: Fn, bound: ReadonlyMap<string, readonly Bound[]>): Value {
  for (const p of n.params) {
    const arg = bound.get(p.name.text)?.[0]
    bindName(frame, p.name, arg ? arg.value : p.default ? evaluate(run, frame, p.default) : unknown)
  }
  if (!n.body) return unknown
  let value: Value
  let place: Node = n.body
  if (n.body.kind === 'Block') {
    const state: Returning = { problems: run.problems, value: undefined, node: undefined }
    const end = execute(run, frame, n.body, state)
    if (end === 'unknown' || run.stopped) return unknown
    if (end !== 'return' || !state.value) {
      problem(run, frame.module, n.name, 'missing-return', `\`${n.name.text}\` ends without \`return\`.`)
      return unknown
    }
    value = state.value
    place = state.node ?? n.body
  } else value = evaluate(run, frame, n.body)
  if (!n.result || value.kind === 'unknown') return value
  const converted = convert(frame.module, value, n.result)
  if (converted) return converted
  problem(run, frame.module, place, 'wrong-type', `\`${n.name.text}\` gives ${typeText(frame, n.result)}; this is ${describe(value)}.`)
  return unknown
}

function typeText(frame: Frame, t: Type): string { return `\`${textOf(frame.module.source, t)}\`` }

/** `f32(x)`, `i32(x)`, `int(x)`: a number as another kind of number. */
function cast(
  run: Run, frame: Frame, e: Call, type: Extract<Value, { kind: 'dtype' | 'type' }>, args: readonly Given[]
): Value {
  const arg = args[0], name = type.kind === 'dtype' ? type.dtype.name : type.name
  const toFloat = type.kind === 'dtype' ? type.dtype.kind === 'float' : name === 'float'
  const toInt = type.kind === 'dtype' ? type.dtype.kind === 'int' : name === 'int'
  if (!arg || args.length !== 1 || !(toFloat || toInt || name === 'bool')) {
    if (!(toFloat || toInt || name === 'bool')) problem(run, frame.module, e.callee, 'not-callable', `\`${name}\` is a kind of values, and cannot be called.`)
    else problem(run, frame.module, args[1]?.node ?? e, arg ? 'too-many-arguments' : 'missing-argument', `\`${name}(x)\` converts one number.`)
    return unknown
  }
  const v = arg.value
  if (v.kind === 'unknown') return unknown
  if (v.kind === 'device') return deviceCast(run, frame, e, type.kind === 'dtype' ? type.dtype : name === 'int' ? 'int' : 'float', v)
  if (v.kind === 'symbolic') {
    if (toInt && v.type === 'int' && name !== 'int') run.gaveUp = true
    if (toInt && v.type === 'int') return v
    run.gaveUp = true
    return unknown
  }
  const number = v.kind === 'int' ? v.value : v.kind === 'float' ? v.value : v.kind === 'bool' ? (v.value ? 1n : 0n) : undefined
  if (number === undefined) {
    problem(run, frame.module, arg.node, 'wrong-type', `\`${name}(x)\` converts a number; this is ${describe(v)}.`)
    return unknown
  }
  if (name === 'bool') return bool(Number(number) !== 0)
  if (toFloat) return float(name === 'f32' ? Math.fround(Number(number)) : Number(number))
  if (typeof number === 'number' && !Number.isFinite(number)) {
    problem(run, frame.module, arg.node, 'overflow', `${describe(v)} is no whole number.`.replace(/^t/, 'T'))
    return unknown
  }
  const whole = typeof number === 'bigint' ? number : BigInt(Math.trunc(number))
  const { min, max } = type.kind === 'dtype' ? type.dtype : { min: -(2n ** 63n), max: 2n ** 63n - 1n }
  if (whole >= min && whole <= max) return exact(run, frame, e, whole)
  problem(run, frame.module, arg.node, 'overflow', `\`${name}\` holds ${min} to ${max}; this is ${whole}.`)
  return unknown
}

// ---------------------------------------------------------------- statements of functions

interface Returning { readonly problems: number; value: Value | undefined; node: Node | undefined }
/** How a statement ended; `unknown`: what comes next depends on something that is not known. */
type End = 'next' | 'break' | 'continue' | 'return' | 'unknown'

function execute(run: Run, frame: Frame, b: Block, state: Returning): End {
  if (run.depth >= limits.depth) {
    endlessRecursion(run, frame, b)
    return 'unknown'
  }
  run.depth++
  let end: End = 'next'
  for (const s of b.statements) {
    end = executeStatement(run, frame, s, state)
    if (run.problems > state.problems) end = 'unknown'
    if (end !== 'next') break
  }
  run.depth--
  return end
}

function executeStatement(run: Run, frame: Frame, s: Statement, state: Returning): End {
  if (run.stopped) return 'unknown'
  switch (s.kind) {
    case 'Let': bind(run, frame, s.target, evaluate(run, frame, s.value), s.value); return 'next'
    case 'Var': {
      const value = evaluate(run, frame, s.value)
      bindName(frame, s.name, s.type ? convert(frame.module, value, s.type) ?? value : value)
      return 'next'
    }
    case 'Assignment': {
      const value = evaluate(run, frame, s.value)
      const definition = s.target.kind === 'NameRef' ? frame.module.definitionOf.get(s.target) : undefined
      if (!definition || definition.kind !== 'variable' || s.operator === '=?') return 'unknown'
      const operator = assignmentOperators[s.operator]
      const before = operator === undefined ? unknown : evaluate(run, frame, s.target)
      frame.locals.set(definition, operator === undefined ? value
        : binaryValue(run, frame, s, operator, before, value, { left: s.target, right: s.value }))
      return 'next'
    }
    case 'If': {
      for (const b of s.branches) {
        const condition = conditionOf(run, frame, b.condition, evaluate(run, frame, b.condition))
        if (condition === undefined) return 'unknown'
        if (condition) return execute(run, frame, b.body, state)
      }
      return s.otherwise ? execute(run, frame, s.otherwise, state) : 'next'
    }
    case 'While': {
      for (;;) {
        const condition = conditionOf(run, frame, s.condition, evaluate(run, frame, s.condition))
        if (condition === undefined) return 'unknown'
        if (!condition) return 'next'
        const end = execute(run, frame, s.body, state)
        if (end === 'break') return 'next'
        if (end === 'return' || end === 'unknown') return end
      }
    }
    case 'For': {
      let end = 'next' as End
      const known = iterate(run, frame, s.over, v => {
        bind(run, frame, s.target, v, s.over)
        end = execute(run, frame, s.body, state)
        return end === 'next' || end === 'continue'
      })
      return !known ? 'unknown' : end === 'return' || end === 'unknown' ? end : 'next'
    }
    case 'Return':
      state.node = s.values[0] ?? s
      state.value = s.values[0] ? evaluate(run, frame, s.values[0]) : undefined
      return 'return'
    case 'Break': return 'break'
    case 'Continue': return 'continue'
    case 'CallStatement': evaluate(run, frame, s.call); return 'next'
    case 'Allocation': case 'Device': return 'unknown'
  }
}

const assignmentOperators = {
  '=': undefined, '+=': '+', '-=': '-', '*=': '*', '/=': '/', '%=': '%', '&=': '&', '|=': '|', '^=': '^',
} as const
