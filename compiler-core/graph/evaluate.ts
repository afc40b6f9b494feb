/**
 * What a graph computes: the truth of its operators, one after the other (operators/evaluate.ts). An element of a
 * result asks for the elements in between that it needs, and no others.
 *
 *     c = batch_matmul(cast(a), b); y = relu(c + bias)      one element of y: one row of a, one column of b, one sum
 */
import type { Buffer, Variable } from '../ir/ir.ts'
import type { Elements } from '../operators/definition-code.ts'
import { evaluateOperator, givenElements, outputElements, truthOf, type Truth, type Values } from '../operators/evaluate.ts'
import type { FlowGraph, Meaning } from './flow.ts'

/** The outputs in order. `inputs`: one for each of the graph's, in order; `extents`: a number for each extent. */
export function evaluateGraph(
  graph: FlowGraph, inputs: readonly Values[], extents: ReadonlyMap<Variable, number>
): readonly Truth[] {
  const tensors = new Map<Buffer, Elements>(graph.inputs.map((b, i) => [b, givenElements(b, inputs[i]!, extents)]))
  for (const { operator, inputs: read, outputs } of graph.nodes) {
    const results = outputElements(operator, read.map(b => tensors.get(b)!), extents)
    outputs.forEach((b, i) => tensors.set(b, results[i]!))
  }
  return graph.outputs.map(b => truthOf(tensors.get(b)!))
}

/** What a program is to compute, from exact inputs: one for each of the operator's or the graph's, in order. */
export function evaluateMeaning(
  meaning: Meaning, inputs: readonly Float64Array[], extents: ReadonlyMap<Variable, number>
): readonly Truth[] {
  const values = inputs.map((all): Values => ({ values: all, errors: undefined }))
  return meaning.kind === 'graph'
    ? evaluateGraph(meaning.graph, values, extents)
    : evaluateOperator(meaning.operator, values, extents)
}
