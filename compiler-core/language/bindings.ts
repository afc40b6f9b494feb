/**
 * An operator's names bound to values: element types, shape variables, attributes and tensors.
 *
 *     operator batch_matmul<T: float>(a: T[batch, m, k], b: T[batch, k, n]) -> c: T[batch, m, n]
 *     bindOperator(..., { T: f16, m: 128 })      T = f16, m = 128; batch, k, n: known at launch; a: f16[batch, 128, k]
 *
 * A type parameter that nothing binds is f32, or the first of the types it allows. A shape variable that nothing binds
 * is known only at launch; `...s` is then one extent.
 */
import { ref } from '../ir/build.ts'
import type { Buffer, ElementName, Expr as DeviceExpr, Variable } from '../ir/ir.ts'
import { equalExpr } from '../ir/visit.ts'
import { builtinUri, libraryUri } from '../library/library.ts'
import { convert } from './arguments.ts'
import { exprOf } from './device.ts'
import { bind, conditionOf, evaluate } from './evaluate.ts'
import type { Definition } from './resolve.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { Dim, Node, Operator, Param, TypeParam } from './syntax/tree.ts'
import { textOf } from './syntax/walk.ts'
import { extentValue, tensorValue } from './tensors.ts'
import { describe, elementType, itemsOf, list, unknown, valueText, type ElementType, type Value } from './values.ts'

export interface BoundOperator {
  readonly node: Operator
  /** Holds the operator's names. */
  readonly frame: Frame
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
  /** Shape variables that are known only at launch. */
  readonly extents: readonly Variable[]
}

/** What an instance or an application binds by name, with its place. */
export type Bindings = ReadonlyMap<string, { readonly value: Value; readonly node: Node }>

/** A tensor that an operator is applied to. */
export interface Actual { readonly buffer: Buffer; readonly node: Node }

/**
 * Binds the names of an operator. `actuals`, by parameter, decide types and shape variables where an operator is
 * applied in a graph. Problems are reported at `place` in the frame `from`.
 */
export function bindOperator(
  run: Run, definition: Definition, from: Frame, place: Node, bindings: Bindings, actuals?: ReadonlyMap<string, Actual>
): BoundOperator | undefined {
  const { node } = definition
  const module = run.module(definition.uri)
  if (node.kind !== 'Operator' || !module) return undefined
  const before = run.problems
  const frame: Frame = { module, locals: new Map(), values: undefined }
  const o: Binding = { run, frame, from, place, bindings, actuals, extents: [], node }
  for (const t of node.typeParams) typeParameter(o, t)
  for (const p of node.params) if (!isTensor(o, p)) attribute(o, p)
  for (const p of node.params) if (isTensor(o, p)) shapeVariables(o, p)
  const inputs = node.params.flatMap(p => isTensor(o, p) ? tensor(o, p, 'input') ?? [] : [])
  for (const w of node.wheres) bind(run, frame, w.target, evaluate(run, frame, w.value), w.value)
  const outputs = node.results.flatMap(p => tensor(o, p, 'output') ?? [])
  for (const m of node.members) if (m.kind === 'Require') requirement(o, m)
  return run.problems === before ? { node, frame, inputs, outputs, extents: o.extents } : undefined
}

export interface BoundGraph {
  /** Holds the graph's names. */
  readonly frame: Frame
  readonly inputs: readonly Buffer[]
  /** Shape variables that are known only at launch. */
  readonly extents: readonly Variable[]
}

/** Binds the names of a graph's parameters, by the rules of operators. */
export function bindGraph(
  run: Run, definition: Definition, from: Frame, place: Node, bindings: Bindings, actuals?: ReadonlyMap<string, Actual>
): BoundGraph | undefined {
  const { node } = definition
  const module = run.module(definition.uri)
  if (node.kind !== 'Graph' || !module) return undefined
  const before = run.problems
  const frame: Frame = { module, locals: new Map(), values: undefined }
  const o: Binding = { run, frame, from, place, bindings, actuals, extents: [], node }
  for (const p of node.params) if (!isTensor(o, p)) attribute(o, p)
  for (const p of node.params) if (isTensor(o, p)) shapeVariables(o, p)
  const inputs = node.params.flatMap(p => isTensor(o, p) ? tensor(o, p, 'input') ?? [] : [])
  return run.problems === before ? { frame, inputs, extents: o.extents } : undefined
}

/** An operator of the library, if the file with it is part of the program. */
export function libraryOperator(run: Run, file: string, name: string): Definition | undefined {
  const uri = libraryUri(file)
  const names = run.module(uri)?.definitionOf.values() ?? []
  return [...names].find(d => d.uri === uri && d.kind === 'operator' && d.name === name)
}

/** Is it declared for every file? */
export function isBuiltin({ uri }: Definition): boolean {
  return uri === builtinUri
}

interface Binding {
  readonly run: Run
  readonly frame: Frame
  readonly from: Frame
  readonly place: Node
  readonly bindings: Bindings
  readonly actuals: ReadonlyMap<string, Actual> | undefined
  readonly extents: Variable[]
  readonly node: Pick<Operator, 'name' | 'params'>
}

function set(o: Binding, name: Node, value: Value): void {
  const definition = name.kind === 'Name' || name.kind === 'NameRef' ? o.frame.module.definitionOf.get(name) : undefined
  if (definition) o.frame.locals.set(definition, value)
}

// ---------------------------------------------------------------- element types

function typeParameter(o: Binding, t: TypeParam): void {
  const name = t.name.text
  const given = o.bindings.get(name)
  const bounds = t.bounds.map(b => evaluate(o.run, o.frame, b))
  const actual = actualType(o, name)
  let type: ElementType | undefined
  if (given) {
    if (given.value.kind === 'dtype') type = given.value.dtype
    else if (given.value.kind !== 'unknown') problem(o.run, o.from.module, given.node, 'wrong-type', `\`${name}\` is an element type, such as f16; this is ${describe(given.value)}.`)
  } else type = actual ?? bounds.flatMap(b => b.kind === 'dtype' ? [b.dtype] : []).find(b => b.name === 'f32') ?? bounds.flatMap(b => b.kind === 'dtype' ? [b.dtype] : [])[0] ?? elementType('f32')
  if (type && bounds.length > 0 && !bounds.some(b => allows(b, type))) {
    problem(o.run, o.from.module, given?.node ?? o.place, 'wrong-type', `\`${name}\` of \`${o.node.name.text}\` is one of ${t.bounds.map(b => textOf(o.frame.module.source, b)).join(', ')}; this is ${type.name}.`)
    return
  }
  if (type) set(o, t.name, { kind: 'dtype', dtype: type })
}

function allows(bound: Value, t: ElementType): boolean {
  if (bound.kind === 'dtype') return bound.dtype.name === t.name
  if (bound.kind !== 'type') return true
  return bound.name === 'float' ? t.kind === 'float' : bound.name === 'int' ? t.kind === 'int' : bound.name !== 'number' || t.kind !== 'bool'
}

/** The type of the first tensor whose element the parameter is. */
function actualType(o: Binding, name: string): ElementType | undefined {
  for (const p of o.node.params) {
    const actual = o.actuals?.get(p.name.text)
    if (actual && p.type.kind === 'TensorType' && p.type.element.text === name) return elementType(actual.buffer.element)
  }
  return undefined
}

// ---------------------------------------------------------------- attributes

/** Whether a parameter is a tensor: it has dimensions, or its type is that of an element. */
function isTensor(o: Binding, p: Param): boolean {
  if (p.type.kind === 'TupleType') return false
  if (p.type.dims.length > 0) return true
  const definition = o.frame.module.definitionOf.get(p.type.element)
  if (definition?.kind === 'type-parameter') return p.default === undefined
  const v = evaluate(o.run, o.frame, p.type.element)
  return v.kind === 'dtype' && v.dtype.name !== 'bool'
}

function attribute(o: Binding, p: Param): void {
  const given = o.bindings.get(p.name.text)
  if (!given && !p.default) {
    problem(o.run, o.from.module, o.place, 'unbound', `\`${o.node.name.text}\` needs \`${p.name.text}\`: \`${p.name.text}: ...\`.`)
    return
  }
  const value = given ? given.value : p.default ? evaluate(o.run, o.frame, p.default) : unknown
  const converted = convert(o.frame.module, value, p.type)
  if (converted) set(o, p.name, converted)
  else problem(o.run, o.from.module, given?.node ?? o.place, 'wrong-type', `\`${p.name.text}\` of \`${o.node.name.text}\` is of type \`${textOf(o.frame.module.source, p.type)}\`; this is ${describe(value)}.`)
}

// ---------------------------------------------------------------- shapes

/** The definition of the shape variable that a dimension declares. */
function declaredBy(o: Binding, d: Dim): Definition | undefined {
  const definition = d.size.kind === 'NameRef' ? o.frame.module.definitionOf.get(d.size) : undefined
  return definition?.kind === 'shape-variable' && definition.nameNode === d.size ? definition : undefined
}

/** Gives the shape variables that a parameter declares their values. */
function shapeVariables(o: Binding, p: Param): void {
  if (p.type.kind !== 'TensorType') return
  const actual = o.actuals?.get(p.name.text)
  const { dims } = p.type
  const fixed = dims.filter(d => !d.rest).length
  dims.forEach((d, i) => {
    const definition = declaredBy(o, d)
    if (!definition) return
    const given = o.bindings.get(definition.name)
    if (given) {
      const value = shapeValue(o, d, definition.name, given)
      if (value) o.frame.locals.set(definition, value)
      return
    }
    if (actual) {
      const shape = actual.buffer.shape
      const rest = shape.length - fixed,
        before = dims.slice(0, i).filter(x => !x.rest).length + (dims.slice(0, i).some(x => x.rest) ? rest : 0)
      const own = shape.slice(before, before + (d.rest ? Math.max(0, rest) : 1)).map(extentValue)
      o.frame.locals.set(definition, d.rest ? list(own) : own[0] ?? unknown)
      return
    }
    const variable: Variable = { name: definition.name, type: 'index', role: 'extent' }
    o.extents.push(variable)
    const value: Value = { kind: 'device', expr: ref(variable) }
    o.frame.locals.set(definition, d.rest ? list([value]) : value)
  })
}

function shapeValue(
  o: Binding, d: Dim, name: string, given: { readonly value: Value; readonly node: Node }
): Value | undefined {
  const { value, node } = given
  const items = itemsOf(value)
  if (value.kind === 'unknown') return undefined
  if (!items?.every(i => i.kind === 'int' && i.value >= 1n) || (!d.rest && items.length !== 1)) {
    problem(o.run, o.from.module, node, 'wrong-type', `\`${name}\` is ${d.rest ? 'a shape of extents of at least 1' : 'an extent, a whole number of at least 1'}; this is ${describe(value)}.`)
    return undefined
  }
  return d.rest ? list(items) : items[0]
}

/** A tensor parameter or result as a buffer, its declared dimensions evaluated. */
function tensor(o: Binding, p: Param, scope: 'input' | 'output'): Buffer | undefined {
  const { run, frame } = o
  const t = p.type
  if (t.kind !== 'TensorType') {
    problem(run, frame.module, t, 'wrong-type', 'An operator takes and gives tensors; results are named one by one: `-> (y: T[n], z: T[n])`.')
    return undefined
  }
  const element = evaluate(run, frame, t.element)
  if (element.kind !== 'dtype') {
    if (element.kind !== 'unknown') problem(run, frame.module, t.element, 'wrong-type', `\`${t.element.text}\` is ${describe(element)}, not the type of an element.`)
    return undefined
  }
  const shape: DeviceExpr[] = []
  for (const d of t.dims) {
    const v = evaluate(run, frame, d.size)
    const items = d.rest ? itemsOf(v) : [v]
    if (v.kind === 'unknown' || !items) {
      exprOf(run, frame, v, d.size, 'index')
      return undefined
    }
    for (const item of items) {
      const e = exprOf(run, frame, item, d.size, 'index')
      if (!e) return undefined
      if (e.kind === 'constant' && e.value < 1) {
        problem(run, o.from.module, o.place, 'shape-mismatch', `\`${p.name.text}\` of \`${o.node.name.text}\` would have the extent ${e.value} (\`${textOf(frame.module.source, d)}\`).`)
        return undefined
      }
      shape.push(e)
    }
  }
  const actual = o.actuals?.get(p.name.text)
  if (actual && !fits(o, p, actual, element.dtype, shape)) return undefined
  const name = p.name.text
  const buffer: Buffer = {
    name, element: element.dtype.name as ElementName, scope, shape, layout: undefined,
    origins: [{ range: { uri: frame.module.uri, span: spanOfName(o, p) }, through: undefined }],
  }
  set(o, p.name, tensorValue(buffer))
  return buffer
}

function spanOfName(o: Binding, p: Param): { readonly start: number; readonly end: number } {
  const token = o.frame.module.source.tokens[p.name.first]
  return token ? { start: token.start, end: token.end } : { start: 0, end: 0 }
}

function fits(o: Binding, p: Param, actual: Actual, element: ElementType, shape: readonly DeviceExpr[]): boolean {
  const { buffer, node } = actual
  const wrong = (message: string): boolean => {
    problem(o.run, o.from.module, node, 'shape-mismatch', message)
    return false
  }
  const text = (s: readonly DeviceExpr[]): string => `(${s.map(e => valueText(extentValue(e))).join(', ')})`
  const what = `\`${p.name.text}\` of \`${o.node.name.text}\``
  if (buffer.element !== element.name) return wrong(`${what} has elements of type ${element.name}; these are ${buffer.element}.`)
  if (buffer.shape.length !== shape.length) return wrong(`${what} has ${shape.length} dimensions; this tensor has shape ${text(buffer.shape)}.`)
  const d = shape.findIndex((e, i) => { const own = buffer.shape[i]; return own !== undefined && !equalExpr(e, own) && !(e.kind === 'constant' && own.kind === 'constant' && e.value === own.value) })
  return d < 0 || wrong(`${what} has shape ${text(shape)}; this tensor has shape ${text(buffer.shape)}: they differ in dimension ${d}.`)
}

function requirement(o: Binding, m: Extract<Operator['members'][number], { kind: 'Require' }>): void {
  const value = evaluate(o.run, o.frame, m.condition)
  if (value.kind === 'device') return // known at launch
  if (conditionOf(o.run, o.frame, m.condition, value) !== false) return
  const message = m.message?.kind === 'StringLiteral' ? `: ${m.message.value}` : ''
  problem(o.run, o.from.module, o.place, 'require-failed', `\`${o.node.name.text}\` requires \`${textOf(o.frame.module.source, m.condition)}\`${message}.`)
}
