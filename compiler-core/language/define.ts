/**
 * What an operator computes, as data: its definitions in index notation, elaborated.
 *
 *     c[r, i, j] = sum[p < k] a[r, i, p] * b[r, p, j]
 *     definition of c, axes r < batch, i < m, j < n: reduce sum over p < k of a[r, i, p] * b[r, p, j]
 */
import { cast, ref } from '../ir/build.ts'
import type { Axis as IrAxis, Buffer, Expr as DeviceExpr, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import type { DeclaredInverse, Definition, OperatorInstance } from '../operators/definition.ts'
import { bindOperator, type Actual, type Bindings, type BoundOperator } from './bindings.ts'
import { exprOf, originsAt } from './device.ts'
import { withDevice } from './elaborate.ts'
import { bind, evaluate } from './evaluate.ts'
import type { Definition as NameDefinition } from './resolve.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { Axis, Expr, Inverse, Node, Stage, Where } from './syntax/tree.ts'
import { tensorValue } from './tensors.ts'
import { itemsOf, tuple, unknown, type Value } from './values.ts'

export interface DefinedOperator { readonly bound: BoundOperator; readonly operator: OperatorInstance }

/** An operator with its names bound and its definitions elaborated; undefined after a problem. */
export function defineOperator(
  run: Run, definition: NameDefinition, from: Frame, place: Node, bindings: Bindings, actuals?: ReadonlyMap<string,
    Actual>
): DefinedOperator | undefined {
  let defined: DefinedOperator | undefined
  const before = run.problems
  withDevice(run, 'operator', { launch: undefined, isFused: () => false }, () => {
    const bound = bindOperator(run, definition, from, place, bindings, actuals)
    if (bound) defined = { bound, operator: definitions(run, bound) }
  })
  return run.problems === before ? defined : undefined
}

function definitions(run: Run, bound: BoundOperator): OperatorInstance {
  const { frame, node } = bound
  const stages: Definition[] = [], outputs: Definition[] = [], inverses: DeclaredInverse[] = []
  for (const m of node.members) {
    switch (m.kind) {
      case 'Let': bind(run, frame, m.target, evaluate(run, frame, m.value), m.value); break
      case 'Require': break
      case 'Stage': {
        const stage = stageOf(run, frame, m)
        if (stage) stages.push(stage)
        break
      }
      case 'Definition': {
        const buffer = bound.outputs.find(b => b.name === m.tensor.text)
        if (!buffer) {
          problem(run, frame.module, m.tensor, 'wrong-kind', `\`${m.tensor.text}\` is no result of \`${node.name.text}\`. An intermediate tensor is defined with \`let ${m.tensor.text}[i < n] = ...\`.`)
          break
        }
        const axes = axesOf(run, frame, m, m.axes, buffer.shape)
        const value = axes && valueOf(run, frame, m.value, m.wheres, buffer)
        if (axes && value) outputs.push({ buffer, axes, value, origins: originsAt(run, frame, m) })
        break
      }
      case 'Inverse': {
        const inverse = inverseOf(run, frame, bound, m)
        if (inverse) inverses.push(inverse)
      }
    }
  }
  return {
    name: node.name.text, inputs: bound.inputs, stages,
    outputs: bound.outputs.flatMap(b => outputs.find(d => d.buffer === b) ?? []),
    inverses, extents: bound.extents, origins: originsAt(run, frame, node.name),
  }
}

/** The axes of a definition, bound to the names that it declares: `...i` takes what the other names leave. */
function axesOf(
  run: Run, frame: Frame, place: Node, names: readonly Axis[], shape: readonly DeviceExpr[]
): readonly IrAxis[] | undefined {
  const rests = names.filter(n => n.rest).length, rest = shape.length - (names.length - rests)
  if (rests > 1 || rest < 0 || (rests === 0 && rest !== 0)) {
    problem(run, frame.module, place, 'rank-mismatch', `The tensor has ${shape.length} dimensions, but these are ${names.length} names${rests > 1 ? '; only one of them takes several (`...`)' : ''}.`)
    return undefined
  }
  const axes: IrAxis[] = []
  let d = 0
  for (const n of names) {
    const own = shape.slice(d, d + (n.rest ? rest : 1)).map((extent, i): IrAxis =>
      ({ variable: axisVariable(n.name.text, n.rest ? i : undefined), extent }))
    d += own.length
    axes.push(...own)
    bindAxes(run, frame, n, own, n.rest)
  }
  return axes
}

function axisVariable(name: string, i: number | undefined): Variable {
  return { name: i === undefined ? name : `${name}${i}`, type: 'index', role: 'axis' }
}

function bindAxes(run: Run, frame: Frame, n: { readonly name: Axis['name'] }, own: readonly IrAxis[], rest: boolean): void {
  const refs = own.map((a): Value => ({ kind: 'device', expr: ref(a.variable, originsAt(run, frame, n.name)) }))
  bind(run, frame, n.name, rest ? tuple(refs) : refs[0] ?? unknown, n.name)
}

function valueOf(run: Run, frame: Frame, e: Expr, wheres: readonly Where[], buffer: Buffer): DeviceExpr | undefined {
  for (const w of wheres) bind(run, frame, w.target, evaluate(run, frame, w.value), w.value)
  return converted(run, frame, evaluate(run, frame, e), e, buffer.element)
}

/** A definition converts to its declared type. */
function converted(run: Run, frame: Frame, v: Value, node: Expr, type: Buffer['element']): DeviceExpr | undefined {
  if (v.kind === 'int' || v.kind === 'float') {
    const e = exprOf(run, frame, v, node)
    return e && cast(e, type, e.origins)
  }
  const e = exprOf(run, frame, v, node)
  return e && (e.type === type ? e : cast(e, type, e.origins))
}

function stageOf(run: Run, frame: Frame, m: Stage): Definition | undefined {
  const axes: IrAxis[] = []
  for (const b of m.axes) {
    const extent = evaluate(run, frame, b.extent)
    const items = b.rest ? itemsOf(extent) : [extent]
    if (!items) return undefined
    const own = items.flatMap((item, i): IrAxis[] => {
      const e = exprOf(run, frame, item, b.extent, 'index')
      return e ? [{ variable: axisVariable(b.name.text, b.rest ? i : undefined), extent: e }] : []
    })
    if (own.length < items.length) return undefined
    axes.push(...own)
    bindAxes(run, frame, b, own, b.rest)
  }
  for (const w of m.wheres) bind(run, frame, w.target, evaluate(run, frame, w.value), w.value)
  const value = exprOf(run, frame, evaluate(run, frame, m.value), m.value)
  if (!value) return undefined
  const element = value.type === 'index' ? 'i64' : value.type
  const origins: Origins = originsAt(run, frame, m.name)
  const buffer: Buffer = { name: m.name.text, element, scope: 'workspace', shape: axes.map(a => a.extent), layout: undefined, origins }
  bind(run, frame, m.name, tensorValue(buffer), m.name)
  return { buffer, axes, value: value.type === element ? value : cast(value, element, value.origins),
    origins: originsAt(run, frame, m) }
}

function inverseOf(run: Run, frame: Frame, bound: BoundOperator, m: Inverse): DeclaredInverse | undefined {
  const input = bound.inputs.find(b => b.name === m.tensor.text), [output] = bound.outputs
  if (!input || !output) {
    problem(run, frame.module, m.tensor, 'wrong-kind', `\`inverse\` names an input; \`${m.tensor.text}\` is none.`)
    return undefined
  }
  const axes = axesOf(run, frame, m, m.axes, input.shape)
  const indices = m.indices.flatMap((s): readonly (DeviceExpr | undefined)[] => {
    if (s.kind === 'Slice' || s.kind === 'Whole') return [undefined]
    const e = s.kind === 'Spread' ? s.value : s
    const v = evaluate(run, frame, e)
    const items = s.kind === 'Spread' || v.kind === 'tuple' ? itemsOf(v) ?? [v] : [v]
    return items.map(item => exprOf(run, frame, item, e, 'index'))
  })
  const known = indices.filter(e => e !== undefined)
  if (!axes || known.length < indices.length) return undefined
  if (known.length !== output.shape.length) {
    problem(run, frame.module, m, 'rank-mismatch', `\`${output.name}\` has ${output.shape.length} dimensions, but these are ${known.length} indices.`)
    return undefined
  }
  return { input, output, axes, indices: known, origins: originsAt(run, frame, m) }
}
