/**
 * Statements of kernels and device functions as intermediate representation.
 *
 *     for (i, j) in tile.on(threadIdx.x) { acc[i, j] += sa[i, p] * sb[p, j] }
 *     tasks [i, j] of tile by threadIdx.x { acc[i, j] = acc[i, j] + sa[i, p] * sb[p, j] }
 *
 * Elaboration is partial evaluation: what is known at compile time is computed (branches are chosen, lists are walked,
 * functions are applied, device functions inlined), the rest becomes statements in the order of execution. Loops over
 * ranges and over tasks stay loops; `unroll for` is expanded only where a compile-time value depends on its variable.
 * Types are checked on the way, every node gets the place that it was written at, with the calls around it.
 */
import { cast, constant, binary, call as callNode, ref } from '../ir/build.ts'
import {
  blockIdx, dimensions, threadIdx, type Buffer, type Expr as DeviceExpr, type For as ForNode,
  type Stmt, type Three, type Type, type Variable
} from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { someExpr } from '../ir/visit.ts'
import type { Loop } from '../mapping/mapping.ts'
import { counted, sameNumbers } from '../mapping/shape.ts'
import { bindArguments } from './arguments.ts'
import { conditionExpr, deviceBinary, exprOf, laterThan, originsAt } from './device.ts'
import { bind, bindName, evaluate, rangeOf } from './evaluate.ts'
import { launchTasks, launchWorkers } from './launch-mappings.ts'
import type { Definition } from './resolve.ts'
import { problem, type DeviceContext, type Frame, type GivenArgument, type Run } from './run.ts'
import type {
  Allocation, Assignment, Block, Call, Device, For, If, Let, Name, Node, Pattern, Statement, Type as TypeNode
} from './syntax/tree.ts'
import { textOf } from './syntax/walk.ts'
import { extentsOf, loadedElement, tensorValue } from './tensors.ts'
import {
  describe, elementType, int, itemsOf, tuple, unknown, type PositionName, type Value
} from './values.ts'

/** A kernel's launch, known before its body. */
export interface Launch { readonly grid: Three<DeviceExpr>; readonly block: Three<number> }

/** The statements of a kernel's body. Problems are reported in `run`, whose device context is set for the call. */
export function elaborateKernel(
  run: Run, frame: Frame, body: Block, launch: Launch, isFused: (b: Buffer) => boolean
): readonly Stmt[] {
  return withDevice(run, 'kernel', { launch, isFused }, e => {
    const end = block(e, frame, body)
    if (end.kind === 'value') problem(run, frame.module, end.node, 'misplaced-statement', 'A kernel returns no value.')
  })
}

/** Evaluates with device values; gives the statements that were made. */
export function withDevice(
  run: Run, defines: DeviceContext['defines'],
  kernel: { readonly launch: Launch | undefined; readonly isFused: (b: Buffer) => boolean },
  f: (e: Elaboration) => void
): readonly Stmt[] {
  const e: Elaboration = { run, launch: kernel.launch, sink: [], isDeviceFunction: false, inlining: [], expanding: 0 }
  const before = run.device
  run.device = {
    defines, through: before?.through, accumulates: false, isFused: kernel.isFused,
    emit: s => { e.sink.push(s) },
    call: (frame, node, definition, args) => callDevice(e, frame, node, definition, args),
    position: (name, dimension) => position(e, name, dimensions.indexOf(dimension)),
  }
  f(e)
  run.device = before
  return e.sink
}

interface Elaboration {
  readonly run: Run
  readonly launch: Launch | undefined
  /** Where statements go. */
  sink: Stmt[]
  isDeviceFunction: boolean
  /** Device functions that are being inlined. */
  readonly inlining: Definition[]
  /** Loops around that are written out, in which nothing jumps. */
  expanding: number
}

/** How a block ended: at its end, or by a `return` with a value. */
type End = { readonly kind: 'next' } | { readonly kind: 'stop' } | { readonly kind: 'value'; readonly value: Value; readonly node: Node }
const next: End = { kind: 'next' }
const stop: End = { kind: 'stop' }

function collect(e: Elaboration, f: () => void): Stmt[] {
  const before = e.sink
  const inner: Stmt[] = []
  e.sink = inner
  f()
  e.sink = before
  return inner
}

function block(e: Elaboration, frame: Frame, b: Block): End {
  for (const s of b.statements) {
    if (e.run.stopped) return stop
    const end = statement(e, frame, s)
    if (end.kind !== 'next') return end
  }
  return next
}

/** A block whose statements run under a condition or in a loop: nothing can be returned from it. */
function body(e: Elaboration, frame: Frame, b: Block): readonly Stmt[] {
  return collect(e, () => {
    const end = block(e, frame, b)
    if (end.kind === 'value') problem(e.run, frame.module, end.node, 'misplaced-statement', 'A device function returns at its end, or in branches that are chosen at compile time.')
  })
}

function statement(e: Elaboration, frame: Frame, s: Statement): End {
  const { run } = e
  const origins = originsAt(run, frame, s)
  switch (s.kind) {
    case 'Let': letStatement(e, frame, s); return next
    case 'Var': {
      const value = evaluate(run, frame, s.value)
      bindName(frame, s.name, declared(e, frame, s.name.text, value, s.value, typeOf(run, frame, s.type), origins))
      return next
    }
    case 'Allocation': allocation(e, frame, s, origins); return next
    case 'Device': return next // a device function sees the names around it; it is inlined where it is called
    case 'Assignment': assignment(e, frame, s, origins); return next
    case 'For': return loop(e, frame, s)
    case 'If': return branches(e, frame, s, origins)
    case 'While': {
      let inCondition: DeviceExpr | undefined
      const before = collect(e, () =>
      { inCondition = conditionExpr(run, frame, s.condition, evaluate(run, frame, s.condition)) })
      if (before.length > 0) problem(run, frame.module, s.condition, 'misplaced-statement', 'The condition of a `while` calls no device function that makes statements.')
      const inner = body(e, frame, s.body)
      if (inCondition) e.sink.push({ kind: 'while', condition: inCondition, body: inner, origins })
      return next
    }
    case 'Return': {
      const [value] = s.values
      if (value) return { kind: 'value', value: evaluate(run, frame, value), node: s }
      if (e.isDeviceFunction) return stop
      e.sink.push({ kind: 'jump', to: 'return', origins })
      return stop
    }
    case 'Break': case 'Continue':
      if (e.expanding > 0) problem(run, frame.module, s, 'misplaced-statement', `\`${s.kind === 'Break' ? 'break' : 'continue'}\` cannot leave a loop that is written out (over a list, or with \`unroll\`).`)
      e.sink.push({ kind: 'jump', to: s.kind === 'Break' ? 'break' : 'continue', origins })
      return stop
    case 'CallStatement': evaluate(run, frame, s.call); return next
  }
}

// ---------------------------------------------------------------- names

function letStatement(e: Elaboration, frame: Frame, s: Let): void {
  const value = evaluate(e.run, frame, s.value)
  bind(e.run, frame, s.target, named(e, frame, s.target, value, originsAt(e.run, frame, s)), s.value)
}

/** A value whose device parts have names: what is not already a name or a constant gets a `let`. */
function named(e: Elaboration, frame: Frame, target: Pattern, value: Value, origins: Origins): Value {
  if (target.kind === 'TuplePattern') {
    const items = itemsOf(value)
    if (items?.length !== target.items.length) return value
    return tuple(target.items.map((t, i) => named(e, frame, t, items[i] ?? unknown, originsAt(e.run, frame, t))))
  }
  const isPosition = value.kind === 'device' && value.expr.kind === 'variable' && (value.expr.variable.role === 'thread' || value.expr.variable.role === 'block')
  return isPosition ? newName(e, target.text, value.expr, origins) : withName(e, target.text, value, origins)
}

function newName(e: Elaboration, name: string, value: DeviceExpr, origins: Origins): Value {
  const variable: Variable = { name, type: value.type, role: 'let' }
  e.sink.push({ kind: 'let', variable, value, origins })
  return { kind: 'device', expr: ref(variable, origins) }
}

function withName(e: Elaboration, name: string, value: Value, origins: Origins): Value {
  switch (value.kind) {
    case 'device': return isStable(value.expr) ? value : newName(e, name, value.expr, origins)
    case 'tuple': case 'list': {
      if (!value.items.some(item => item.kind === 'device' || item.kind === 'tuple')) return value
      const items = value.items.map((item, i) => withName(e, `${name}${i}`, item, origins))
      return value.kind === 'tuple' ? tuple(items) : { ...value, items }
    }
    case 'tensor': {
      const fixed = (x: DeviceExpr): DeviceExpr => {
        const v = withName(e, `${name}_at`, { kind: 'device', expr: x }, origins)
        return v.kind === 'device' ? v.expr : x
      }
      return { ...value, dims: value.dims.map(d => d.kind === 'index' ? { kind: 'index', at: fixed(d.at) } : d.from === undefined ? d : { ...d, from: fixed(d.from) }) }
    }
    default: return value
  }
}

/** A value that needs no name and does not change: a constant, or a name other than a variable's. */
function isStable(x: DeviceExpr): boolean {
  return x.kind === 'constant' || (x.kind === 'variable' && x.variable.role !== 'mutable')
}

/** Declares a mutable variable, or one for each item of a tuple; gives the value that stands for it. */
function declared(
  e: Elaboration, frame: Frame, name: string, value: Value, node: Node, type: Type | undefined, origins: Origins
): Value {
  if (value.kind === 'tuple') return tuple(value.items.map((item, i) => declared(e, frame, `${name}${i}`, item, node, type, origins)))
  const expr = exprOf(e.run, frame, value, node, type ?? (value.kind === 'float' ? 'f32' : undefined))
  if (!expr) return unknown
  const variable: Variable = { name, type: expr.type, role: 'mutable' }
  e.sink.push({ kind: 'declare', variable, value: expr, origins })
  return { kind: 'device', expr: ref(variable, origins) }
}

/** The element type that a written type names; undefined where nothing is written. */
function typeOf(run: Run, frame: Frame, t: TypeNode | undefined): Type | undefined {
  if (t === undefined) return undefined
  if (t.kind === 'TupleType' || t.dims.length > 0) {
    problem(run, frame.module, t, 'wrong-type', 'A variable is one number or condition; arrays are `register` tensors.')
    return undefined
  }
  const v = evaluate(run, frame, t.element)
  if (v.kind === 'dtype') return v.dtype.name as Type
  if (v.kind === 'type' && v.name === 'int') return 'index'
  if (v.kind === 'type' && v.name === 'float') return 'f32'
  if (v.kind !== 'unknown') problem(run, frame.module, t, 'wrong-type', `\`${textOf(frame.module.source, t)}\` is ${describe(v)}, not the type of an element.`)
  return undefined
}

function allocation(e: Elaboration, frame: Frame, s: Allocation, origins: Origins): void {
  const { run } = e, t = s.type
  if (t.kind !== 'TensorType') return
  const element = typeOf(run, frame, { ...t, dims: [], layout: undefined })
  const extents = t.dims.flatMap(d => {
    const v = evaluate(run, frame, d.size)
    const items = d.rest ? itemsOf(v) ?? [v] : v.kind === 'tuple' ? v.items : [v]
    return items.map(value => ({ value, node: d }))
  })
  const shape = extents.flatMap(({ value, node }) => {
    if (value.kind === 'int' && value.value > 0n) return [Number(value.value)]
    if (value.kind === 'device') laterThan(run, frame, node, value, `An extent of ${s.scope} memory`)
    else if (value.kind === 'unknown') exprOf(run, frame, value, node)
    else problem(run, frame.module, node, value.kind === 'int' ? 'bad-extent' : 'wrong-type', `An extent is a whole number of at least 1; this is ${describe(value)}.`)
    return []
  })
  const place = t.layout ?? t
  const laid = t.layout && evaluate(run, frame, t.layout)
  if (laid?.kind === 'unknown') exprOf(run, frame, laid, t)
  if (element === undefined || shape.length < extents.length || laid?.kind === 'unknown') return
  if (laid && laid.kind !== 'layout') {
    problem(run, frame.module, place, 'wrong-type', `\`in\` is followed by a layout; this is ${describe(laid)}.`)
    return
  }
  if (laid && !sameNumbers(laid.layout.shape, shape)) {
    problem(run, frame.module, place, 'size-mismatch', `The layout has shape (${laid.layout.shape.join(', ')}), but \`${s.name.text}\` has shape (${shape.join(', ')}).`)
    return
  }
  const buffer: Buffer = {
    name: s.name.text, element: (element === 'index' ? 'i32' : element), scope: s.scope,
    shape: shape.map(x => constant(x)), layout: laid?.layout, origins: originsAt(run, frame, s.name),
  }
  const value = s.value && exprOf(run, frame, evaluate(run, frame, s.value), s.value, buffer.element)
  const reuses = s.reuses.flatMap(r => {
    const v = evaluate(run, frame, r)
    if (v.kind === 'tensor' && v.buffer.scope === 'shared' && s.scope === 'shared') return [v.buffer]
    if (v.kind !== 'unknown') problem(run, frame.module, r, 'wrong-type', '`reuses` names shared memory that is no longer needed.')
    return []
  })
  e.sink.push({ kind: 'allocate', buffer, value, reuses, origins })
  bindName(frame, s.name, tensorValue(buffer))
}

// ---------------------------------------------------------------- assignments

const compound = {
  '=': undefined, '=?': undefined, '+=': '+', '-=': '-', '*=': '*', '/=': '/', '%=': '%', '&=': '&', '|=': '|', '^=': '^',
} as const

function assignment(e: Elaboration, frame: Frame, s: Assignment, origins: Origins): void {
  const { run } = e
  const target = evaluate(run, frame, s.target), value = evaluate(run, frame, s.value)
  if (target.kind === 'unknown') {
    exprOf(run, frame, target, s.target)
    return
  }
  const operator = compound[s.operator]
  const places = { left: s.target, right: s.value }
  const result = (before: Value, given: Value): Value =>
    operator === undefined || given.kind === 'unknown' ? given : deviceBinary(run, frame, s, operator, before, given, places)
  const element = target.kind === 'device' ? loadedElement(target.expr) : undefined
  if (element) {
    const stored = exprOf(run, frame, result(target, value), s.value, element.buffer.element)
    if (element.buffer.scope === 'input') {
      problem(run, frame.module, s.target, 'not-assignable', `\`${element.buffer.name}\` is an input of the operator; only results, workspaces, shared memory and registers are stored to.`)
    }
    if (stored) e.sink.push({ kind: 'store', buffer: element.buffer, indices: element.indices, value: stored, guarded: s.operator === '=?', origins })
    return
  }
  if (s.operator === '=?') {
    problem(run, frame.module, s.target, 'not-assignable', '`=?` stores to an element of a tensor; a variable has no bounds.')
    return
  }
  if (target.kind === 'tensor') {
    problem(run, frame.module, s.target, 'not-assignable', `\`${textOf(frame.module.source, s.target)}\` is ${extentsOf(target).length === 0 ? 'a tensor' : 'a slice'}; elements are assigned one by one, in a loop.`)
    return
  }
  assign(e, frame, target, result(target, value), s, origins)
}

/** Assigns variables; the items of a tuple at once. */
function assign(e: Elaboration, frame: Frame, target: Value, value: Value, s: Assignment, origins: Origins): void {
  const targets = target.kind === 'tuple' ? target.items : [target], values = target.kind === 'tuple' ? itemsOf(value) : [value]
  const variables = targets.flatMap(t => t.kind === 'device' && t.expr.kind === 'variable' && t.expr.variable.role === 'mutable' ? [t.expr.variable] : [])
  if (values?.length !== targets.length || variables.length < targets.length) {
    if (value.kind === 'unknown') exprOf(e.run, frame, value, s.value)
    else problem(e.run, frame.module, s.target, variables.length < targets.length ? 'not-assignable' : 'wrong-type', variables.length < targets.length
      ? 'Only variables (`var`) and elements of tensors are assigned.' : `This has ${counted(targets.length, 'part')}, but the value is ${describe(value)}.`)
    return
  }
  const exprs = values.map((v, i) => exprOf(e.run, frame, v, s.value, variables[i]?.type))
  const readsOther = (x: DeviceExpr, own: Variable): boolean => someExpr(x, n => n.kind === 'variable' && n.variable !== own && variables.includes(n.variable))
  // a part that another one reads is computed before any is assigned
  const together = exprs.some((x, i) => x !== undefined && variables[i] !== undefined && readsOther(x, variables[i]))
  const ready = together ? exprs.map((x, i) => {
    const v = x && withName(e, `${variables[i]?.name ?? ''}_next`, { kind: 'device', expr: x }, origins)
    return v?.kind === 'device' ? v.expr : x
  }) : exprs
  ready.forEach((x, i) => {
    const variable = variables[i]
    if (x && variable) e.sink.push({ kind: 'assign', variable, value: x, origins })
  })
}

// ---------------------------------------------------------------- branches and loops

function branches(e: Elaboration, frame: Frame, s: If, origins: Origins): End {
  const { run } = e
  for (const [i, b] of s.branches.entries()) {
    const condition = evaluate(run, frame, b.condition)
    if (condition.kind === 'bool') {
      if (condition.value) return block(e, frame, b.body)
      continue
    }
    const known = conditionExpr(run, frame, b.condition, condition)
    const then = body(e, frame, b.body)
    const rest: If = { ...s, branches: s.branches.slice(i + 1) }
    const otherwise = collect(e, () => {
      const end = branches(e, frame, rest, origins)
      if (end.kind === 'value') problem(run, frame.module, end.node, 'misplaced-statement', 'A device function returns at its end, or in branches that are chosen at compile time.')
    })
    if (known) e.sink.push({ kind: 'if', condition: known, then, otherwise, origins: originsAt(run, frame, b.condition) })
    return next
  }
  return s.otherwise ? block(e, frame, s.otherwise) : next
}

function loop(e: Elaboration, frame: Frame, s: For): End {
  const { run } = e
  if (s.over.kind === 'Range') {
    rangeLoop(e, frame, s, evaluate(run, frame, s.over.from), evaluate(run, frame, s.over.to))
    return next
  }
  const { over } = s
  if (over.kind === 'Call' && over.callee.kind === 'Member' && over.callee.member.text === 'on') {
    const mapping = evaluate(run, frame, over.callee.receiver)
    if (mapping.kind === 'mapping' || mapping.kind === 'launch-mapping') {
      taskLoop(e, frame, s, over, mapping)
      return next
    }
  }
  if (s.mode === 'async') problem(run, frame.module, s, 'misplaced-statement', '`async for` runs over the tasks of a mapping: `async for (i, j) in m.on(threadIdx.x)`.')
  const list = evaluate(run, frame, over), items = list.kind === 'list' || list.kind === 'tuple' ? list.items : undefined
  if (items) return expanded(e, frame, s, items)
  if (list.kind === 'unknown') exprOf(run, frame, list, over)
  else problem(run, frame.module, over, 'wrong-type', `A loop runs over a range, a list, a tuple or the tasks of a mapping; this is ${describe(list)}.${list.kind === 'mapping' ? ' The tasks of worker `w` are `.on(w)`.' : ''}`)
  return next
}

/** The body once for each value. */
function expanded(e: Elaboration, frame: Frame, s: For, values: readonly Value[]): End {
  e.expanding++
  for (const value of values) {
    if (e.run.stopped) break
    bind(e.run, frame, s.target, value, s.over)
    const inner = collect(e, () => { block(e, frame, s.body) })
    e.sink.push(...inner)
  }
  e.expanding--
  return next
}

/** Iterations that are written out at most; beyond that a program would only be slow to read and to compile. */
const mostExpanded = 1024

function rangeLoop(e: Elaboration, frame: Frame, s: For, from: Value, to: Value): void {
  const { run } = e
  const { over } = s
  if (over.kind !== 'Range') return
  const low = exprOf(run, frame, from, over.from, 'index'), high = exprOf(run, frame, to, over.to, 'index')
  if (!low || !high) return
  const factor = unrollFactor(run, frame, s)
  const range = from.kind === 'int' && to.kind === 'int' ? { from: Number(from.value), to: Number(to.value) } : undefined
  if (s.target.kind !== 'Name') {
    problem(run, frame.module, s.target, 'wrong-type', 'A range counts with one name.')
    return
  }
  if (s.mode === 'unroll' && range === undefined && factor === undefined) {
    const late = [from, to].find(v => v.kind === 'device')
    if (late?.kind === 'device') laterThan(run, frame, over, late, 'The range of an `unroll for`')
    return
  }
  const attempt = (): ForNode => {
    const variable: Variable = { name: nameOf(s.target), type: 'index', role: 'loop' }
    const at = ref(variable, originsAt(run, frame, s.target))
    bind(run, frame, s.target, { kind: 'device', expr: binary('+', low, at, at.origins) }, over)
    const inner = body(e, frame, s.body)
    const origins = originsAt(run, frame, s)
    return {
      kind: 'for', variable, extent: binary('-', high, low, originsAt(run, frame, over)), vector: false, body: inner, origins,
      unroll: factor ?? (s.mode === 'unroll' ? 'full' : 'automatic'),
    }
  }
  if (s.mode !== 'unroll' || factor !== undefined || range === undefined || range.to - range.from > mostExpanded) {
    e.sink.push(attempt())
    return
  }
  // a loop reads better; where the variable must be known at compile time, its iterations are written out
  const before = { problems: run.problems, diagnostics: run.diagnostics.length, reported: new Set(run.reported),
    sink: e.sink, steps: run.steps }
  const asLoop = collect(e, () => { e.sink.push(attempt()) })
  if (run.problems === before.problems) {
    e.sink.push(...asLoop)
    return
  }
  run.problems = before.problems
  run.diagnostics.length = before.diagnostics
  run.reported.clear()
  for (const key of before.reported) run.reported.add(key)
  expanded(e, frame, s, Array.from({ length: Math.max(0, range.to - range.from) }, (_, i) => int(range.from + i)))
}

function unrollFactor(run: Run, frame: Frame, s: For): number | undefined {
  if (!s.factor) return undefined
  const v = evaluate(run, frame, s.factor)
  if (v.kind === 'int' && v.value >= 1n && v.value <= 64n) return Number(v.value)
  problem(run, frame.module, s.factor, 'bad-loop', `A loop is unrolled by a factor of 1 to 64; this is ${describe(v)}.`)
  return undefined
}

function nameOf(p: Pattern): string { return p.kind === 'Name' ? p.text : 'task' }

/** The names of a task's index, one for each dimension. */
function taskVariables(e: Elaboration, frame: Frame, s: For, rank: number): readonly Variable[] | undefined {
  const names = s.target.kind === 'Name' ? [s.target] : s.target.items
  if (s.target.kind === 'Name' && rank !== 1) {
    return Array.from({ length: rank }, (_, d): Variable => ({ name: `${nameOf(s.target)}${d}`, type: 'index', role: 'loop' }))
  }
  if (names.length !== rank || names.some(n => n.kind !== 'Name')) {
    problem(e.run, frame.module, s.target, 'rank-mismatch', `The tasks have ${counted(rank, 'index').replace('indexs', 'indices')}, but these are ${counted(names.length, 'name')}.`)
    return undefined
  }
  return names.map((n): Variable => ({ name: nameOf(n), type: 'index', role: 'loop' }))
}

function bindTask(e: Elaboration, frame: Frame, s: For, index: readonly DeviceExpr[]): void {
  bind(e.run, frame, s.target, tuple(index.map((expr): Value => ({ kind: 'device', expr }))), s.over)
}

function taskLoop(
  e: Elaboration, frame: Frame, s: For, call: Call, mapping: Extract<Value, { kind: 'mapping' | 'launch-mapping' }>
): void {
  const { run } = e
  const [argument] = call.args
  if (!argument || argument.value.kind === 'Spread' || call.args.length !== 1) {
    problem(run, frame.module, call, argument ? 'too-many-arguments' : 'missing-argument', '`.on` takes the number of the worker.')
    return
  }
  const worker = exprOf(run, frame, evaluate(run, frame, argument.value), argument.value, 'index')
  if (!worker) return
  const origins = originsAt(run, frame, s)
  const callee = call.callee.kind === 'Member' ? call.callee.receiver : call.callee
  if (mapping.kind === 'launch-mapping') {
    launchLoop(e, frame, s, mapping, worker, call)
    return
  }
  const variables = taskVariables(e, frame, s, mapping.mapping.rank)
  if (!variables) return
  const places = s.target.kind === 'Name' ? [s.target] : s.target.items
  bindTask(e, frame, s, variables.map((v, d) => ref(v, originsAt(run, frame, places[d] ?? s.target))))
  const inner = body(e, frame, s.body)
  const name = callee.kind === 'NameRef' ? { name: callee.text } : {}
  e.sink.push({
    kind: 'tasks', variables, mapping: mapping.mapping, worker, async: s.mode === 'async', body: inner, origins, ...name,
    factorOrigins: mapping.origins.map(o => o[0] === undefined ? [] : [{ range: o[0], through: run.device?.through }]),
  })
}

/** The loops of a mapping whose extents are known only at launch. */
function launchLoop(
  e: Elaboration, frame: Frame, s: For, mapping: Extract<Value, { kind: 'launch-mapping' }>, worker: DeviceExpr, call: Call
): void {
  const { run } = e, origins = originsAt(run, frame, s), at = originsAt(run, frame, call)
  const tasks = launchTasks(mapping, worker, at)
  const names = taskVariables(e, frame, s, mapping.atoms[0]?.extents.length ?? 0)
  if (!names) return
  const steps = tasks.loops.map((_, i): Variable => ({ name: tasks.loops.length === 1 ? 'step' : `step${i}`, type: 'index', role: 'loop' }))
  const index = tasks.index(steps, v => ref(v, at))
  const innermost = collect(e, () => {
    const lets = index.map((x, d): Value => withName(e, names[d]?.name ?? '', { kind: 'device', expr: x }, at))
    bind(run, frame, s.target, tuple(lets), s.over)
    e.sink.push(...body(e, frame, s.body))
  })
  const nest = tasks.loops.reduceRight<readonly Stmt[]>((inner, l, i) => {
    const variable = steps[i]
    return variable ? [{ kind: 'for', variable, extent: l.extent, unroll: unrollOf(l.loop), vector: l.loop.kind === 'vector', body: inner, origins }] : inner
  }, innermost)
  const workers = launchWorkers(mapping), threads = e.launch?.block[0]
  const byThread = worker.kind === 'variable' && worker.variable === threadIdx[0]
  if (byThread && threads !== undefined && workers.kind === 'constant' && Number(workers.value) !== threads) {
    if (Number(workers.value) > threads) {
      problem(run, frame.module, call, 'too-many-workers', `The mapping has ${workers.value} workers, but the block has ${threads} threads.`)
      return
    }
    e.sink.push({ kind: 'if', condition: binary('<', worker, workers, at), then: nest, otherwise: [], origins: at })
  } else e.sink.push(...nest)
}

function unrollOf(l: Loop): ForNode['unroll'] {
  switch (l.kind) {
    case 'rolled': return 'never'
    case 'unrolled': return l.factor ?? 'full'
    case 'automatic': case 'vector': case 'parallel': return 'automatic'
  }
}

// ---------------------------------------------------------------- calls

function callDevice(
  e: Elaboration, frame: Frame, node: Call, definition: Definition, args: readonly GivenArgument[]
): Value {
  const { run } = e
  if (definition.node.kind !== 'Device') return unknown
  const home = run.module(definition.uri)
  if (run.device?.defines === 'operator') {
    problem(run, frame.module, node, 'not-callable', 'Device functions belong to kernels; an operator says what is computed, with `fn`.')
    return unknown
  }
  if (args.some(a => a.value.kind === 'unknown')) {
    for (const a of args) if (a.value.kind === 'unknown') exprOf(run, frame, a.value, a.node)
    return unknown
  }
  const bound = bindArguments(run, frame, node, definition.name, definition.node.params, home, args, undefined)
  if (!bound || !home) return unknown
  const values = definition.node.params.map(p => bound.get(p.name.text)?.[0])
  if (!definition.node.body) return primitive(e, frame, node, definition.name,
    values.map((v, i) => v?.value ?? defaultOf(run, home, definition.node, i)), values.map(v => v?.node ?? node))
  return inlined(e, frame, node, definition, definition.node,
    new Map(definition.node.params.map((p, i) => [p.name, values[i]?.value])))
}

function defaultOf(run: Run, home: Frame['module'], n: Node, i: number): Value {
  const p = n.kind === 'Device' ? n.params[i]?.default : undefined
  return p ? evaluate(run, { module: home, locals: new Map(), values: undefined }, p) : unknown
}

function inlined(
  e: Elaboration, frame: Frame, node: Call, definition: Definition, device: Device, args: ReadonlyMap<Name,
    Value | undefined>
): Value {
  const { run } = e
  const module = run.module(definition.uri), context = run.device
  if (!device.body || !module || !context) return unknown
  if (e.inlining.includes(definition)) {
    problem(run, frame.module, node, 'endless-recursion', `\`${definition.name}\` calls itself; device functions are inlined and cannot.`)
    return unknown
  }
  // the function sees the names around its declaration; definitions are unique, so one map serves all files
  const own: Frame = { module, locals: frame.locals, values: undefined }
  const outer = context.through, isDeviceFunction = e.isDeviceFunction
  const call = originsAt(run, frame, node)
  e.inlining.push(definition)
  run.calls.push({ name: definition.name, module: frame.module, node })
  for (const p of device.params) {
    const given = args.get(p.name) ?? (p.default ? evaluate(run, own, p.default) : unknown)
    bindType(own, p.type, given)
    bindName(own, p.name, withName(e, p.name.text, given, call))
  }
  context.through = { range: rangeOf(frame, node), through: outer }
  e.isDeviceFunction = true
  const expanding = e.expanding
  e.expanding = 0
  const end = block(e, own, device.body)
  e.expanding = expanding
  e.isDeviceFunction = isDeviceFunction
  context.through = outer
  run.calls.pop()
  e.inlining.pop()
  if (end.kind === 'value') return end.value
  if (device.result && end.kind === 'next' && run.problems === 0) problem(run, frame.module, node, 'missing-return', `\`${definition.name}\` ends without \`return\`.`)
  return nothing
}

/** The value of a call that is made for its effect. */
const nothing: Value = tuple([])

/** `device f<A>(value: A)`: the type parameter is the type of the argument. */
function bindType(frame: Frame, t: TypeNode, v: Value): void {
  if (t.kind !== 'TensorType') return
  const definition = frame.module.definitionOf.get(t.element)
  if (definition?.kind !== 'type-parameter') return
  const first = v.kind === 'tuple' ? v.items[0] ?? v : v
  const name = first.kind === 'device' ? first.expr.type : first.kind === 'tensor' ? first.buffer.element : first.kind === 'float' ? 'f32' : first.kind === 'bool' ? 'bool' : 'i32'
  const dtype = elementType(name === 'index' ? 'i32' : name)
  if (dtype) frame.locals.set(definition, { kind: 'dtype', dtype })
}

/** What the compiler provides to kernels. */
function primitive(
  e: Elaboration, frame: Frame, node: Call, name: string, args: readonly Value[], nodes: readonly Node[]
): Value {
  const { run } = e, origins = originsAt(run, frame, node)
  const at = (i: number): Value => args[i] ?? unknown
  const place = (i: number): Node => nodes[i] ?? node
  switch (name) {
    case 'syncthreads': e.sink.push({ kind: 'barrier', origins }); return nothing
    case 'commit_group': e.sink.push({ kind: 'effect', effect: 'commit_group', origins }); return nothing
    case 'wait_group': {
      const pending = at(0)
      if (pending.kind === 'int') e.sink.push({ kind: 'effect', effect: 'wait_group', pending: Number(pending.value), origins })
      else if (pending.kind === 'device') laterThan(run, frame, place(0), pending, 'The number of pending groups')
      return nothing
    }
    case 'shfl_xor_sync': case 'shfl_down_sync': return shuffled(e, frame, name, at(0), place(0), at(1), place(1), origins)
    case 'atomic_add': {
      const element = at(0).kind === 'device' ? loadedElement((at(0) as Extract<Value, { kind: 'device' }>).expr) : undefined
      const value = element && exprOf(run, frame, at(1), place(1), element.buffer.element)
      if (!element) problem(run, frame.module, place(0), 'wrong-type', `\`atomic_add\` adds to an element of a tensor; this is ${describe(at(0))}.`)
      if (!element || !value) return unknown
      const old: Variable = { name: 'old', type: element.buffer.element, role: 'let' }
      const isTaken = node.parent?.kind !== 'CallStatement'
      e.sink.push({ kind: 'effect', effect: 'atomic_add', buffer: element.buffer, indices: element.indices, value, old: isTaken ? old : undefined, origins })
      return isTaken ? { kind: 'device', expr: ref(old, origins) } : nothing
    }
    case 'assert': {
      const condition = conditionExpr(run, frame, place(0), at(0)), message = at(1)
      if (condition) e.sink.push({ kind: 'effect', effect: 'assert', condition, message: message.kind === 'string' ? message.value : '', origins })
      return nothing
    }
    default:
      problem(run, frame.module, node, 'not-callable', `\`${name}\` cannot be compiled yet.`)
      return unknown
  }
}

function shuffled(
  e: Elaboration, frame: Frame, name: 'shfl_xor_sync' | 'shfl_down_sync', value: Value, place: Node,
  distance: Value, distancePlace: Node, origins: Origins
): Value {
  if (value.kind === 'tuple') return tuple(value.items.map(item => shuffled(e, frame, name, item, place, distance, distancePlace, origins)))
  const v = exprOf(e.run, frame, value, place), d = exprOf(e.run, frame, distance, distancePlace, 'index')
  if (!v || !d) return unknown
  const taken = v.type === 'index' ? cast(v, 'i32', origins) : v
  const shuffle = callNode(name, [taken, d], origins)
  // a lane exchanges once, whatever reads the value
  const exchanged = withName(e, 'other', { kind: 'device', expr: shuffle }, origins)
  return exchanged.kind === 'device' && v.type === 'index' ? { kind: 'device', expr: cast(exchanged.expr, 'index', origins) } : exchanged
}

function position(e: Elaboration, name: PositionName, d: number): Value {
  const { launch } = e
  if (!launch) return unknown
  switch (name) {
    case 'threadIdx': return { kind: 'device', expr: ref(threadIdx[d] ?? threadIdx[0]) }
    case 'blockIdx': return { kind: 'device', expr: ref(blockIdx[d] ?? blockIdx[0]) }
    case 'blockDim': return int(launch.block[d] ?? 1)
    case 'gridDim': {
      const extent = launch.grid[d]
      return extent?.kind === 'constant' ? int(extent.value) : extent ? { kind: 'device', expr: extent } : unknown
    }
  }
}
