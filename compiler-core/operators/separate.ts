/**
 * An operator that no schedule serves as a whole, as a sequence of operators that every library can schedule: each is
 * pointwise or one reduction over all of its axes, and has one result (rule-based scheduling, reference 3.12).
 *
 *     softmax      top[i] = max[j] x[i, j];  e[i, j] = exp(x[i, j] - top[i]);  total[i] = sum[j] e[i, j]
 *                  y[i, j] = e[i, j] / total[i]
 *     parts        softmax_top(x) -> top,  softmax_total(x, top) -> total,  softmax(x, top, total) -> y
 *
 * Stages without a reduction are computed where they are read. A stage with one is a part; in a definition a reduction
 * is taken out into a part of its own where there are several of them, where one is inside of another, and where it is
 * the same for many elements, which would all repeat it. What lies between parts has the type in which it is computed,
 * so that the results are the same bit for bit as those of the definition.
 */
import { and, constant, load, not, ref, select } from '../ir/build.ts'
import type { Axis, Buffer, ElementName, Expr, Reduce, Variable } from '../ir/ir.ts'
import { equalExpr, forEachExpr, freeVariables, mapChildren, mapExpr, someExpr, substitute } from '../ir/visit.ts'
import type { Definition, OperatorInstance } from './definition.ts'
import { inlinedDefinition } from './inline.ts'
import { isOne } from './inverse.ts'

export interface Part {
  /** No stages, one output. */
  readonly operator: OperatorInstance
  /** What it reads, one for each of its inputs: inputs of the whole, and results of earlier parts. */
  readonly inputs: readonly Buffer[]
  /** What it computes: an output of the whole, or a tensor between parts, of scope `workspace`. */
  readonly output: Buffer
}

/** Each part after those that it reads; undefined where the operator is one such part already. */
export function separate(whole: OperatorInstance): readonly Part[] | undefined {
  const [output, ...others] = whole.outputs
  const only = output && others.length === 0 ? inlinedDefinition(whole, output.buffer) : undefined
  if (only && isPart(only) && inputsOf(only).every(b => b.scope === 'input')) return undefined
  const all = [...whole.stages, ...whole.outputs]
  const definitions = all.flatMap(({ buffer }) => inlinedDefinition(whole, buffer) ?? [])
  const needed = definitions.filter(d => d.buffer.scope === 'output' || someExpr(d.value, isReduce))
  const simple = needed.flatMap(d => (isPart(d) ? [d] : takenApart(d)))
  return simple.map(definition => partOf(whole, definition))
}

/** Pointwise, or one reduction that differs from element to element. */
function isPart({ value, axes }: Definition): boolean {
  const reductions: Reduce[] = []
  forEachExpr(value, e => { if (e.kind === 'reduce') reductions.push(e) })
  const [reduce, ...more] = reductions
  if (!reduce) return true
  const used = freeVariables(reduce)
  return more.length === 0 && axes.every(a => used.has(a.variable) || isOne(a.extent))
}

function isReduce(e: Expr): e is Reduce { return e.kind === 'reduce' }

/** The definitions of its reductions, innermost first, then its own, which reads them. */
function takenApart(definition: Definition): readonly Definition[] {
  const taken: (Definition & { readonly reduce: Reduce })[] = []
  const value = without(definition.value, definition.axes, [])
  return [...taken, { ...definition, value }]

  /** `e` under conditions `path`, where the axes `scope` are bound. */
  function without(e: Expr, scope: readonly Axis[], path: readonly Expr[]): Expr {
    switch (e.kind) {
      case 'select': {
        const condition = without(e.condition, scope, path)
        const then = without(e.then, scope, [...path, condition])
        return { ...e, condition, then, otherwise: without(e.otherwise, scope, [...path, not(condition)]) }
      }
      case 'reduce': return takenOut({ ...e, body: without(e.body, [...scope, ...e.axes], path) }, scope, path)
      default: return mapChildren(e, child => without(child, scope, path))
    }
  }

  /** A load of the tensor that holds it. Where the conditions do not hold nobody reads it, and it reads nothing. */
  function takenOut(e: Reduce, scope: readonly Axis[], path: readonly Expr[]): Expr {
    const own = new Set(e.axes.map(a => a.variable)), outer = path.filter(c => !someExpr(c, x => isOf(x, own)))
    const body = outer.length === 0 ? e.body : select(and(...outer), e.body, constant(0, e.body.type))
    const reduce: Reduce = { ...e, body }, used = freeVariables(reduce)
    const axes = scope.filter(a => used.has(a.variable)), known = taken.find(t => isSame(t.reduce, reduce))
    const indices = axes.map(a => ref(a.variable, e.origins))
    if (known) return converted(load(known.buffer, indices, undefined, e.origins), e.type)
    const buffer: Buffer = {
      name: `${definition.buffer.name}_${e.reducer}${taken.length === 0 ? '' : taken.length + 1}`, scope: 'workspace',
      element: e.type === 'index' ? 'i64' : e.type, shape: axes.map(a => a.extent), layout: undefined, origins: e.origins
    }
    taken.push({ buffer, axes, value: converted(reduce, buffer.element), origins: definition.origins, reduce })
    return converted(load(buffer, indices, undefined, e.origins), e.type)
  }
}

/** Apart from the names of what they reduce. */
function isSame(a: Reduce, b: Reduce): boolean {
  if (a.reducer !== b.reducer || a.axes.length !== b.axes.length) return false
  const renamed = new Map(a.axes.map((axis, d) => [axis.variable, ref(b.axes[d]!.variable)]))
  return a.axes.every((axis, d) => equalExpr(axis.extent, b.axes[d]!.extent))
    && equalExpr(substitute(a.body, renamed), b.body)
}

function isOf(e: Expr, variables: ReadonlySet<Variable>): boolean {
  return e.kind === 'variable' && variables.has(e.variable)
}

function converted(e: Expr, type: ElementName | 'index'): Expr {
  return e.type === type ? e : { kind: 'cast', type, value: e, origins: e.origins }
}

/** What a definition reads, in order of appearance. */
function inputsOf({ value }: Definition): readonly Buffer[] {
  const read = new Set<Buffer>()
  forEachExpr(value, e => { if (e.kind === 'load') read.add(e.buffer) })
  return [...read]
}

function partOf(whole: OperatorInstance, definition: Definition): Part {
  const read = inputsOf(definition)
  const inputs = [...whole.inputs.filter(b => read.includes(b)), ...read.filter(b => b.scope !== 'input')]
  const formals = new Map(inputs.map(b => [b, b.scope === 'input' ? b : { ...b, scope: 'input' as const }]))
  const buffer: Buffer = { ...definition.buffer, scope: 'output' }
  const value = mapExpr(definition.value, e =>
    (e.kind === 'load' ? { ...e, buffer: formals.get(e.buffer) ?? e.buffer } : e))
  const isLast = definition.buffer.scope === 'output' && whole.outputs.length === 1
  const used = new Set([...definition.axes.flatMap(a => [...freeVariables(a.extent)]),
    ...inputs.flatMap(b => b.shape.flatMap(e => [...freeVariables(e)])), ...freeVariables(value)])
  return {
    operator: {
      name: isLast ? whole.name : `${whole.name}_${definition.buffer.name}`, inputs: [...formals.values()], stages: [],
      outputs: [{ ...definition, buffer, value }],
      inverses: whole.inverses.filter(i => i.output === definition.buffer && inputs.includes(i.input))
        .map(i => ({ ...i, output: buffer })),
      extents: whole.extents.filter(v => used.has(v)), origins: whole.origins
    },
    inputs, output: definition.buffer
  }
}
