/**
 * A schedule opened for an operator: its tunable values, whether a choice of them is legal, and the program that a
 * choice makes.
 *
 *     openSchedule(run, simt, bound)      tunes: warp_inner, warp_outer, block_k, block_warps, atom
 *     .at(choices)                        legal, facts { block_m: 128, threads: 256, ... }, or the `require` that fails
 *     .program(choices)                   its kernels as intermediate representation
 *
 * Values and requirements are evaluated in the order of the text, so that the first one that fails rejects the choice.
 * A documented whole number (`/// ...` before a `let`) is a fact of the candidate.
 */
import { constant, ref } from '../ir/build.ts'
import type { Buffer, ElementName, Expr as DeviceExpr, Kernel as IrKernel, Program as IrProgram, Stmt, Three, Variable } from '../ir/ir.ts'
import { forEachExpr, forEachExprIn, substitute } from '../ir/visit.ts'
import { isPointwise, reductionOf } from '../operators/inline.ts'
import { elaborateKernel, withDevice, type Launch } from './elaborate.ts'
import { exprOf, laterThan, originsAt } from './device.ts'
import { bind, bindName, conditionOf, evaluate } from './evaluate.ts'
import type { DefinedOperator } from './define.ts'
import type { Definition } from './resolve.ts'
import { problem, refuel, type Frame, type Run } from './run.ts'
import type { Expr, Kernel, Let, Node, Require, Schedule, Tune, Workspace } from './syntax/tree.ts'
import { documentationOf, textOf, visit } from './syntax/walk.ts'
import { tensorValue } from './tensors.ts'
import { describe, itemsOf, unknown, valueText, type Value } from './values.ts'

/** A value of a tunable parameter, with the text that people know it by. */
export interface Choice { readonly text: string; readonly value: Value }

export interface OpenTune {
  readonly name: string
  readonly default: Choice
  /** Level 0 is the default alone; a missing level takes the next lower one. */
  level(n: number): readonly Choice[]
}

/** A documented whole number of a schedule. */
export interface Fact { readonly name: string; readonly value: number; readonly documentation: string }

export type Point =
  | { readonly legal: true; readonly facts: readonly Fact[] }
  /** `rule`: what the requirement says, without the numbers. */
  | { readonly legal: false; readonly rule: string; readonly message: string }

export interface OpenSchedule {
  readonly tunes: readonly OpenTune[]
  /** The highest level that any tune lists. */
  readonly levels: number
  /** Choices in the order of `tunes`. */
  at(point: readonly Choice[]): Point
  /** The program of a choice; undefined after a problem, which is in the run's diagnostics. */
  program(point: readonly Choice[],
    isFused?: (b: Buffer) => boolean): { readonly program: IrProgram; readonly facts: readonly Fact[] } | undefined
}

/** Opens a schedule. Problems of the tunes' lists are reported in the run. */
export function openSchedule(
  run: Run, definition: Definition, operator: DefinedOperator, from: Frame, place: Node
): OpenSchedule | undefined {
  const { node } = definition
  const module = run.module(definition.uri)
  if (node.kind !== 'Schedule' || !module) return undefined
  const base = new Map(operator.bound.frame.locals)
  const o: Opened = { run, module, node, operator, base, from, place, shapeVariables: new Map() }
  if (!serves(o)) return undefined
  let tunes: readonly OpenTune[] = []
  const before = run.problems
  withDevice(run, 'kernel', { launch: undefined, isFused: () => false }, () => { tunes = openTunes(o) })
  if (run.problems > before) return undefined
  const levels = Math.max(0, ...node.members.flatMap(m => m.kind === 'Tune' ? [m.candidates ? 1 : 0, ...m.levels.map(l => l.level.kind === 'NumberLiteral' ? Number(l.level.text) : 0)] : []))
  return { tunes, levels, at: point => legality(o, point),
    program: (point, isFused) => programOf(o, point, isFused ?? (() => false)) }
}

interface Opened {
  readonly run: Run
  readonly module: Frame['module']
  readonly node: Schedule
  readonly operator: DefinedOperator
  /** The operator's names. */
  readonly base: Map<Definition, Value>
  readonly from: Frame
  readonly place: Node
  /** What each `require` depends on although it must not: the same for all points. */
  readonly shapeVariables: Map<Require, string | undefined>
}

/** Whether the schedule serves this operator with these shapes. */
function serves(o: Opened): boolean {
  const { run, node, operator } = o
  if (node.head.kind === 'Family') {
    const { family, name } = node.head
    const fits = family === 'pointwise' ? isPointwise(operator.operator) : reductionOf(operator.operator) !== undefined
    if (!fits) {
      problem(run, o.from.module, o.place, 'no-schedule', `\`${node.name.text}\` serves ${family === 'pointwise' ? 'operators without a reduction' : 'operators that are one reduction'}; \`${operator.operator.name}\` is none.`)
      return false
    }
    const definition = o.module.definitionOf.get(name)
    if (definition) o.base.set(definition, { kind: 'family', family, operator: operator.operator })
  }
  const frame = frameOf(o)
  for (const g of node.given) {
    const v = evaluateKnown(o, frame, g)
    const late = itemsOf(v)?.find(item => item.kind === 'device') ?? v
    if (late.kind === 'device') {
      problem(run, o.from.module, o.place, 'unbound', `The schedule \`${node.name.text}\` needs \`${g.text}\` as a number: bind it in the instance, \`${g.text}: ...\`.`)
      return false
    }
  }
  if (!node.applies) return true
  const v = evaluateKnown(o, frame, node.applies)
  if (v.kind === 'bool' && v.value) return true
  if (v.kind === 'device') laterThan(run, o.from, o.place, v, `The condition \`${textOf(o.module.source, node.applies)}\` of the schedule \`${node.name.text}\``)
  else if (v.kind === 'bool') problem(run, o.from.module, o.place, 'does-not-apply', `The schedule \`${node.name.text}\` applies when \`${textOf(o.module.source, node.applies)}\`, which does not hold here.`)
  return false
}

function evaluateKnown(o: Opened, frame: Frame, e: Expr): Value {
  let value: Value = unknown
  withDevice(o.run, 'kernel', { launch: undefined, isFused: () => false }, () => { value = evaluate(o.run, frame, e) })
  return value
}

function frameOf(o: Opened): Frame { return { module: o.module, locals: new Map(o.base), values: undefined } }

// ---------------------------------------------------------------- the space

function openTunes(o: Opened): readonly OpenTune[] {
  const frame = frameOf(o), tunes: OpenTune[] = []
  for (const m of o.node.members) {
    if (m.kind === 'Let') bind(o.run, frame, m.target, evaluate(o.run, frame, m.value), m.value)
    if (m.kind !== 'Tune') continue
    const tune = openTune(o, frame, m)
    tunes.push(tune)
    bindName(frame, m.name, tune.default.value)
  }
  return tunes
}

function openTune(o: Opened, frame: Frame, m: Tune): OpenTune {
  const choice = (e: Expr, value: Value): Choice => ({ text: e.kind === 'NameRef' ? e.text : valueText(value), value })
  const first = choice(m.default, evaluate(o.run, frame, m.default))
  const choices = (e: Expr): readonly Choice[] => {
    const v = evaluate(o.run, frame, e)
    if (v.kind === 'unknown') return []
    if (v.kind !== 'list' && v.kind !== 'tuple') {
      problem(o.run, o.module, e, 'wrong-type', `Candidates are a list; this is ${describe(v)}.`)
      return []
    }
    const written = e.kind === 'List' && e.items.length === v.items.length ? e.items : undefined
    return v.items.map((item, i) => choice(written?.[i] ?? e, item))
  }
  const all = m.candidates && choices(m.candidates)
  const levels = new Map(m.levels.flatMap(l => l.level.kind === 'NumberLiteral' ? [[Number(l.level.text), choices(l.candidates)] as const] : []))
  return {
    name: m.name.text, default: first,
    level: n => {
      if (n <= 0) return [first]
      if (all) return all
      const below = [...levels.keys()].filter(l => l <= n)
      return below.length === 0 ? [first] : levels.get(Math.max(...below)) ?? [first]
    },
  }
}

/** Evaluates the schedule's values and requirements for one choice; the diagnostics of a rejection are taken back. */
function legality(o: Opened, point: readonly Choice[]): Point {
  const { run } = o
  refuel(run)
  const before = { diagnostics: run.diagnostics.length, reported: new Set(run.reported), problems: run.problems }
  const frame = frameOf(o)
  let result: Point = { legal: true, facts: [] }
  withDevice(run, 'kernel', { launch: undefined, isFused: () => false }, () => {
    const members = evaluateMembers(o, frame, point)
    result = members.rejected === undefined ? { legal: true, facts: members.facts }
      : { legal: false, ...members.rejected }
  })
  run.diagnostics.length = before.diagnostics
  run.reported.clear()
  for (const key of before.reported) run.reported.add(key)
  run.problems = before.problems
  return result
}

interface Members {
  readonly facts: readonly Fact[]
  readonly rejected: Rejected | undefined
  readonly late: readonly Late[]
}
interface Rejected { readonly rule: string; readonly message: string }
/** A value of the schedule that is known only at launch: each kernel that reads it names it first. */
interface Late { readonly variable: Variable; readonly value: DeviceExpr; readonly node: Let }

function evaluateMembers(o: Opened, frame: Frame, point: readonly Choice[]): Members {
  const { run } = o
  const facts: Fact[] = [], late: Late[] = []
  const start = run.problems
  let next = 0
  for (const m of o.node.members) {
    if (m.kind === 'Tune') bindName(frame, m.name, point[next++]?.value ?? unknown)
    else if (m.kind === 'Let') {
      const value = evaluate(run, frame, m.value)
      bind(run, frame, m.target, namedLate(run, frame, m, value, late), m.value)
      const documentation = m.target.kind === 'Name' && value.kind === 'int' ? documentationOf(o.module.source, m) : undefined
      if (documentation !== undefined && m.target.kind === 'Name' && value.kind === 'int') facts.push({ name: m.target.text, value: Number(value.value), documentation })
    } else if (m.kind === 'Require') {
      const failed = requirement(o, frame, m)
      if (failed !== undefined) return { facts, rejected: failed, late }
    }
    if (run.problems > start) return { facts, rejected: said(run.diagnostics.at(-1)?.message ?? 'it cannot be evaluated'), late }
  }
  return { facts, rejected: undefined, late }
}

function namedLate(run: Run, frame: Frame, m: Let, value: Value, late: Late[]): Value {
  if (m.target.kind !== 'Name' || value.kind !== 'device' || value.expr.kind === 'variable') return value
  const variable: Variable = { name: m.target.text, type: value.expr.type, role: 'let', launch: true }
  late.push({ variable, value: value.expr, node: m })
  return { kind: 'device', expr: ref(variable, originsAt(run, frame, m)) }
}

function said(message: string): Rejected { return { rule: message, message } }

/** What a failing requirement says, with the numbers on both sides. */
function requirement(o: Opened, frame: Frame, m: Require): Rejected | undefined {
  const { run } = o
  if (!o.shapeVariables.has(m)) o.shapeVariables.set(m, shapeVariableIn(o, m.condition))
  const shape = o.shapeVariables.get(m)
  if (shape !== undefined) {
    problem(run, o.module, m.condition, 'require-shape', `A \`require\` mentions no shape variable: a space is the same for all shapes. This one depends on \`${shape}\`; say \`applies when ...\` after the schedule's head instead.`)
    return undefined
  }
  const value = evaluate(run, frame, m.condition)
  if (conditionOf(run, frame, m.condition, value) !== false) return undefined
  const failing = failingPart(run, frame, m.condition)
  const text = m.message?.kind === 'StringLiteral' ? m.message.value : textOf(o.module.source, m.condition)
  const sides = failing.kind === 'Binary' ? [failing.left, failing.right].flatMap(side => {
    const written = textOf(o.module.source, side), v = evaluate(run, frame, side)
    return side.kind === 'NumberLiteral' || v.kind === 'unknown' ? [] : [`\`${written}\` is ${valueText(v, 40)}`]
  }) : []
  return sides.length === 0 ? said(text) : { rule: text, message: `${text}: ${sides.join(', ')}, but \`${textOf(o.module.source, failing)}\` must hold` }
}

function failingPart(run: Run, frame: Frame, e: Expr): Expr {
  if (e.kind === 'Parenthesized') return failingPart(run, frame, e.value)
  if (e.kind !== 'Binary' || e.operator !== '&&') return e
  const left = evaluate(run, frame, e.left)
  return failingPart(run, frame, left.kind === 'bool' && !left.value ? e.left : e.right)
}

/** A shape variable that an expression depends on, itself or through the schedule's values. */
function shapeVariableIn(o: Opened, e: Expr): string | undefined {
  const seen = new Set<Definition>()
  const look = (n: Node): string | undefined => {
    let found: string | undefined
    visit(n, d => {
      if (found !== undefined || d.kind !== 'NameRef') return
      const definition = o.module.definitionOf.get(d)
      if (definition?.kind === 'shape-variable') found = definition.name
      if (definition?.kind !== 'let' || definition.uri !== o.module.uri || seen.has(definition)) return
      seen.add(definition)
      if (definition.node.kind === 'Let') found = look(definition.node.value)
    })
    return found
  }
  return look(e)
}

// ---------------------------------------------------------------- the program

function programOf(
  o: Opened, point: readonly Choice[], isFused: (b: Buffer) => boolean
): { readonly program: IrProgram; readonly facts: readonly Fact[] } | undefined {
  const { run, operator: { operator } } = o
  refuel(run)
  const before = run.problems
  const frame = frameOf(o)
  let members: Members = { facts: [], rejected: undefined, late: [] }
  const workspaces: { buffer: Buffer; value: DeviceExpr | undefined }[] = []
  withDevice(run, 'kernel', { launch: undefined, isFused }, () => {
    members = evaluateMembers(o, frame, point)
    if (members.rejected !== undefined) {
      if (run.problems === before) problem(run, o.from.module, o.place, 'require-failed', `${capital(members.rejected.message)}.`)
      return
    }
    for (const m of o.node.members) if (m.kind === 'Workspace') workspaces.push(...workspaceOf(run, frame, m, members.late))
  })
  if (run.problems > before) return undefined
  const kernels = o.node.members.flatMap(m => m.kind === 'Kernel' ? kernelOf(o, frame, m, members.late, isFused) ?? [] : [])
  if (run.problems > before) return undefined
  return {
    facts: members.facts,
    program: {
      name: operator.name, parameters: [...operator.inputs, ...operator.outputs.map(d => d.buffer)], workspaces,
      extents: operator.extents, kernels, origins: originsAt(run, frame, o.node.name),
    },
  }
}

function capital(text: string): string { return text.slice(0, 1).toUpperCase() + text.slice(1) }

function workspaceOf(
  run: Run, frame: Frame, m: Workspace, late: readonly Late[]
): readonly { readonly buffer: Buffer; readonly value: DeviceExpr | undefined }[] {
  const t = m.type
  if (t.kind !== 'TensorType') return []
  const element = evaluate(run, frame, t.element)
  const shape = t.dims.flatMap(d => {
    const v = evaluate(run, frame, d.size)
    return (d.rest ? itemsOf(v) ?? [v] : [v]).map(item => exprOf(run, frame, item, d.size, 'index'))
  })
  const known = shape.flatMap(e => e === undefined ? [] : [withValues(e, late)])
  if (element.kind !== 'dtype' || known.length < shape.length) return []
  const buffer: Buffer = { name: m.name.text, element: element.dtype.name as ElementName, scope: 'workspace', shape: known, layout: undefined, origins: originsAt(run, frame, m.name) }
  bindName(frame, m.name, tensorValue(buffer))
  const value = m.value && exprOf(run, frame, evaluate(run, frame, m.value), m.value, buffer.element)
  return [{ buffer, value: value && withValues(value, late) }]
}

function kernelOf(
  o: Opened, frame: Frame, m: Kernel, late: readonly Late[], isFused: (b: Buffer) => boolean
): IrKernel | undefined {
  const { run } = o
  let launch: Launch | undefined, minBlocks: number | undefined
  withDevice(run, 'kernel', { launch: undefined, isFused }, () => {
    const grid = launchShape(run, frame, m, 'grid'), block = launchShape(run, frame, m, 'block')
    const threads = block?.map(e => {
      if (e.kind === 'constant') return Number(e.value)
      laterThan(run, frame, attribute(m, 'block') ?? m, { kind: 'device', expr: e }, 'The number of threads')
      return 1
    })
    if (grid && threads) {
      const inlined = grid.map(e => withValues(e, late))
      launch = { grid: inlined as unknown as Three<DeviceExpr>, block: threads as unknown as Three<number> }
    }
    minBlocks = minBlocksOf(run, frame, m)
    for (const a of m.attributes) {
      const name = a.name?.text ?? ''
      if (!['grid', 'block', 'min_blocks'].includes(name)) problem(run, frame.module, a, 'unknown-argument', `A kernel is launched with \`grid\`, \`block\` and \`min_blocks\`${name === '' ? '; write the name' : `, not \`${name}\``}.`)
    }
  })
  if (!launch) return undefined
  const stmts = elaborateKernel(run, frame, m.body, launch, isFused)
  const used = lateUsed(stmts, late)
  const lets = used.map((l): Stmt => ({ kind: 'let', variable: l.variable, value: l.value, origins: originsAt(run, frame, l.node) }))
  return { name: m.name.text, grid: launch.grid, block: launch.block, minBlocks, body: [...lets, ...stmts],
    origins: originsAt(run, frame, m.name) }
}

function attribute(m: Kernel, name: string): Expr | undefined {
  const value = m.attributes.find(a => a.name?.text === name)?.value
  return value?.kind === 'Spread' ? undefined : value
}

/** Extents along x, y, z; a missing one is 1. */
function launchShape(run: Run, frame: Frame, m: Kernel, name: 'grid' | 'block'): Three<DeviceExpr> | undefined {
  const e = attribute(m, name)
  if (!e) {
    problem(run, frame.module, m.name, 'missing-argument', `The kernel \`${m.name.text}\` needs \`${name}: ...\`.`)
    return undefined
  }
  const value = evaluate(run, frame, e)
  const items = value.kind === 'unknown' ? undefined : itemsOf(value)
  if (!items || items.length > 3) {
    if (value.kind === 'unknown') exprOf(run, frame, value, e, 'index')
    else problem(run, frame.module, e, 'wrong-type', `\`${name}\` is one to three whole numbers; this is ${describe(value)}.`)
    return undefined
  }
  const extents = items.map(item => exprOf(run, frame, item, e, 'index')), known = extents.filter(x => x !== undefined)
  if (known.length < extents.length) return undefined
  const one = constant(1)
  return [known[0] ?? one, known[1] ?? one, known[2] ?? one]
}

function minBlocksOf(run: Run, frame: Frame, m: Kernel): number | undefined {
  const e = attribute(m, 'min_blocks')
  if (!e) return undefined
  const v = evaluate(run, frame, e)
  if (v.kind === 'int' && v.value >= 1n) return Number(v.value)
  if (v.kind === 'device') laterThan(run, frame, e, v, '`min_blocks`')
  else problem(run, frame.module, e, 'wrong-type', `\`min_blocks\` is a whole number of at least 1; this is ${describe(v)}.`)
  return undefined
}

/** An expression over extents alone: the schedule's launch values are put in. */
function withValues(e: DeviceExpr, late: readonly Late[]): DeviceExpr {
  const values = new Map<Variable, DeviceExpr>()
  for (const l of late) values.set(l.variable, substitute(l.value, values))
  return substitute(e, values)
}

/** The launch values that statements read, themselves or through others, in order. */
function lateUsed(stmts: readonly Stmt[], late: readonly Late[]): readonly Late[] {
  const read = new Set<Variable>()
  forEachExprIn(stmts, e => { if (e.kind === 'variable') read.add(e.variable) })
  for (const l of late.toReversed()) if (read.has(l.variable)) forEachExpr(l.value, e => { if (e.kind === 'variable') read.add(e.variable) })
  return late.filter(l => read.has(l.variable))
}
