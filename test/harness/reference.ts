/**
 * What operators and graphs compute, straight from their definitions: each element by its own expression, each
 * reduction term by term, in double precision. An oracle for compiled programs.
 */
import type { FlowGraph } from '../../compiler-core/graph/flow.ts'
import type { Buffer, Expr, Load, Reduce, ReducerName, Variable } from '../../compiler-core/ir/ir.ts'
import { mapChildren } from '../../compiler-core/ir/visit.ts'
import { constant, isWhole } from '../../compiler-core/ir/build.ts'
import type { Definition, OperatorInstance } from '../../compiler-core/operators/definition.ts'
import { evaluate } from './ir-interpreter.ts'

export type Tensors = ReadonlyMap<Buffer, readonly number[]>

/** The outputs of an operator, from its inputs in row-major order. */
export function referenceOf(
  operator: OperatorInstance, inputs: Tensors, extents: ReadonlyMap<Variable, number> = new Map()
): Tensors {
  const tensors = new Map(inputs)
  for (const d of [...operator.stages, ...operator.outputs]) tensors.set(d.buffer, elementsOf(d, tensors, extents))
  return new Map(operator.outputs.map(d => [d.buffer, tensors.get(d.buffer) ?? []]))
}

/** The outputs of a graph, operator by operator. */
export function referenceOfGraph(
  graph: FlowGraph, inputs: Tensors, extents: ReadonlyMap<Variable, number> = new Map()
): Tensors {
  const tensors = new Map(inputs)
  for (const node of graph.nodes) {
    const own = new Map(node.operator.inputs.map((b, i) => [b, tensors.get(node.inputs[i] ?? b) ?? []]))
    const results = referenceOf(node.operator, own, extents)
    node.operator.outputs.forEach((d, i) => {
      const tensor = node.outputs[i]
      if (tensor) tensors.set(tensor, results.get(d.buffer) ?? [])
    })
  }
  return new Map(graph.outputs.map(b => [b, tensors.get(b) ?? []]))
}

function elementsOf(d: Definition, tensors: Tensors, extents: ReadonlyMap<Variable, number>): number[] {
  const shape = d.axes.map(a => evaluate(a.extent, extents)), elements: number[] = []
  for (const index of indicesOf(shape)) {
    const variables = new Map(extents)
    d.axes.forEach((a, i) => variables.set(a.variable, index[i] ?? 0))
    elements.push(valueOf(d.value, tensors, variables))
  }
  return elements
}

function* indicesOf(shape: readonly number[]): Generator<readonly number[]> {
  const count = shape.reduce((n, d) => n * d, 1), index = shape.map(() => 0)
  for (let i = 0; i < count; i++) {
    yield index
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] ?? 0) + 1
      if (index[d] !== shape[d]) break
      index[d] = 0
    }
  }
}

function valueOf(e: Expr, tensors: Tensors, variables: ReadonlyMap<Variable, number>): number {
  return evaluate(known(e, tensors, variables), variables)
}

/** The expression with the values of its loads and reductions in their places; only the chosen side of a `select`. */
function known(e: Expr, tensors: Tensors, variables: ReadonlyMap<Variable, number>): Expr {
  switch (e.kind) {
    case 'load': return constant(loaded(e, tensors, variables), e.type)
    case 'reduce': return constant(reduced(e, tensors, variables), e.type)
    case 'select': return known(valueOf(e.condition, tensors, variables) !== 0 ? e.then : e.otherwise, tensors, variables)
    default: return mapChildren(e, child => known(child, tensors, variables))
  }
}

function loaded(e: Load, tensors: Tensors, variables: ReadonlyMap<Variable, number>): number {
  const shape = e.buffer.shape.map(d => evaluate(d, variables)),
    index = e.indices.map(i => valueOf(i, tensors, variables))
  if (index.some((i, d) => i < 0 || i >= (shape[d] ?? 0))) {
    if (!e.outside) throw new Error(`${e.buffer.name}[${index.join(', ')}] is outside of (${shape.join(', ')})`)
    return valueOf(e.outside, tensors, variables)
  }
  const x = tensors.get(e.buffer)?.[index.reduce((l, i, d) => l * (shape[d] ?? 1) + i, 0)]
  if (x === undefined) throw new Error(`${e.buffer.name} has no elements`)
  return x
}

function reduced(e: Reduce, tensors: Tensors, variables: ReadonlyMap<Variable, number>): number {
  const shape = e.axes.map(a => evaluate(a.extent, variables)), values: number[] = []
  for (const index of indicesOf(shape)) {
    const inner = new Map(variables)
    e.axes.forEach((a, i) => inner.set(a.variable, index[i] ?? 0))
    values.push(valueOf(e.body, tensors, inner))
  }
  const value = reducers[e.reducer](values)
  return isWhole(e.type) ? Math.floor(value) : value
}

const reducers: Readonly<Record<ReducerName, (values: readonly number[]) => number>> = {
  sum: v => v.reduce((a, b) => a + b, 0),
  prod: v => v.reduce((a, b) => a * b, 1),
  avg: v => v.reduce((a, b) => a + b, 0) / v.length,
  max: v => v.reduce((a, b) => Math.max(a, b), -Infinity),
  min: v => v.reduce((a, b) => Math.min(a, b), Infinity),
  any: v => Number(v.some(x => x !== 0)),
  all: v => Number(v.every(x => x !== 0)),
  argmax: v => v.indexOf(v.reduce((a, b) => Math.max(a, b), -Infinity)),
  argmin: v => v.indexOf(v.reduce((a, b) => Math.min(a, b), Infinity))
}
