/**
 * The elements of an operator's tensors as expressions over its inputs: what a generic schedule computes, and what
 * fusion puts in place of a load.
 *
 *     let padded[i < 58] = x[i - 1] ?? 0        x: f32[56]
 *     y[i < 29] = padded[2 * i] * 3
 *     elementAt(y, [t])      (if 1 <= 2 * t && 2 * t <= 56 then x[2 * t - 1] else 0) * 3
 *
 * Stages without a reduction are inlined, those with one stay loads. `??` becomes a condition with only those bounds
 * that the extents of the axes leave open, so the result holds at indices inside of the tensor's declared shape.
 */
import { and, binary, constant, load, ref, select } from '../ir/build.ts'
import { openBounds } from '../ir/bounds.ts'
import { assuming, noFacts, withRange, type Facts } from '../ir/facts.ts'
import type { Axis, Buffer, Expr, Reduce, Variable } from '../ir/ir.ts'
import { forEachExpr, mapChildren, mapExpr, someExpr, substitute } from '../ir/visit.ts'
import type { Definition, OperatorInstance } from './definition.ts'

/** The element of a stage or an output at `indices`, one for each dimension, which lie inside of its shape. */
export function elementAt(instance: OperatorInstance, tensor: Buffer, indices: readonly Expr[]): Expr {
  const definition = inlinedDefinition(instance, tensor)
  return definition ? substitute(definition.value, bound(definition.axes, indices)) : load(tensor, indices)
}

/** The definition with stages inlined and `??` made explicit; undefined for an input. */
export function inlinedDefinition(instance: OperatorInstance, tensor: Buffer): Definition | undefined {
  const known = inlined.get(instance) ?? inline(instance)
  inlined.set(instance, known)
  return known.get(tensor)
}

/** Every output is an expression of input elements: no reduction in it, nor in what it is made of. */
export function isPointwise(instance: OperatorInstance): boolean {
  return instance.outputs.every(({ buffer }) => {
    const value = inlinedDefinition(instance, buffer)?.value
    return value !== undefined && reductionsIn(value).length === 0 && !readsStage(instance, value)
  })
}

/**
 * An operator whose one output is made of one reduction of input elements, as the generic head `reduction r` sees it.
 * `reduce` tells the reducer and the accumulator's type.
 */
export interface Reduction {
  readonly output: Buffer
  /** Of the result. */
  readonly axes: readonly Axis[]
  readonly reduce: Reduce
  /** The element that is combined, at an index of the result and an index of the reduced axes. */
  readonly at: (result: readonly Expr[], reduced: readonly Expr[]) => Expr
  /** The result at an index, from the reduction's value (for a mean already divided). */
  readonly finish: (reduced: Expr, result: readonly Expr[]) => Expr
}

export function reductionOf(instance: OperatorInstance): Reduction | undefined {
  const [output, ...others] = instance.outputs
  const definition = output && inlinedDefinition(instance, output.buffer)
  if (!definition || others.length > 0 || readsStage(instance, definition.value)) return undefined
  const [reduce, ...more] = reductionsIn(definition.value)
  if (!reduce || more.length > 0) return undefined
  const { axes } = definition
  const hole: Variable = { name: 'reduced', type: reduce.type, role: 'let' }
  const finished = mapExpr(definition.value, e => (e === reduce ? ref(hole, e.origins) : e))
  return {
    output: output.buffer, axes, reduce,
    at: (result, reduced) => substitute(reduce.body, bound([...axes, ...reduce.axes], [...result, ...reduced])),
    finish: (reduced, result) => substitute(finished, new Map([...bound(axes, result), [hole, reduced]]))
  }
}

/** What is known where a definition's value is computed. */
export function axisFacts(axes: readonly Axis[], facts: Facts = noFacts): Facts {
  return axes.reduce((f, a) => withRange(f, a.variable, constant(0), binary('-', a.extent, constant(1))), facts)
}

/** What is known where the n-th child of an expression is evaluated. */
export function factsWithin(e: Expr, child: number, facts: Facts): Facts {
  if (e.kind === 'reduce') return axisFacts(e.axes, facts)
  if (e.kind === 'select' && child > 0) return assuming(facts, e.condition, child === 1)
  const isLogic = e.kind === 'binary' && (e.operator === '&&' || e.operator === '||')
  return isLogic && child === 1 ? assuming(facts, e.left, e.operator === '&&') : facts
}

/** Each axis with its index, for a substitution. */
export function bound(axes: readonly Axis[], indices: readonly Expr[]): Map<Variable, Expr> {
  return new Map(axes.map((a, d) => [a.variable, indices[d] ?? constant(0)]))
}

const inlined = new WeakMap<OperatorInstance, ReadonlyMap<Buffer, Definition>>()

function inline(instance: OperatorInstance): ReadonlyMap<Buffer, Definition> {
  const done = new Map<Buffer, Definition>()
  for (const definition of [...instance.stages, ...instance.outputs]) {
    const value = made(definition.value, axisFacts(definition.axes), done)
    done.set(definition.buffer, { ...definition, value })
  }
  return done
}

/** `e` without `??` and with loads of the stages in `done` replaced, at a place where `facts` hold. */
function made(e: Expr, facts: Facts, done: ReadonlyMap<Buffer, Definition>): Expr {
  let child = 0
  const inner = mapChildren(e, part => made(part, factsWithin(e, child++, facts), done))
  if (inner.kind !== 'load') return inner
  const { buffer, indices, outside, origins } = inner
  const stage = done.get(buffer)
  const element = stage && reductionsIn(stage.value).length === 0
    ? substitute(stage.value, bound(stage.axes, indices))
    : load(buffer, indices, undefined, origins)
  const open = outside ? openBounds(buffer, indices, origins, () => facts).map(b => b.condition) : []
  return outside && open.length > 0 ? select(and(...open), element, outside, origins) : element
}

function reductionsIn(e: Expr): Reduce[] {
  const found: Reduce[] = []
  forEachExpr(e, part => {
    if (part.kind === 'reduce') found.push(part)
  })
  return found
}

function readsStage(instance: OperatorInstance, value: Expr): boolean {
  return someExpr(value, e => e.kind === 'load' && instance.stages.some(s => s.buffer === e.buffer))
}
