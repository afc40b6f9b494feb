/**
 * Operators that no schedule serves as a whole become sequences of operators that the generic schedules do, so that
 * fusion applies to each of them. The last pass: patterns look for whole operators.
 *
 *     softmax(x) -> y, x: [3, 1_000_000]   ->   softmax_top(x) -> top, softmax_total(x, top) -> total,
 *                                               softmax(x, top, total) -> y
 */
import type { Buffer } from '../../ir/ir.ts'
import type { OperatorInstance } from '../../operators/definition.ts'
import { separate, type Part } from '../../operators/separate.ts'
import type { Builder } from '../builder.ts'
import type { FlowGraph, Node } from '../flow.ts'

/** `isServed`: whether a schedule of its own computes an operator that is not one simple part already. */
export function separateOperators(
  graph: FlowGraph, builder: Pick<Builder, 'definePart'>, isServed: (operator: OperatorInstance) => boolean
): FlowGraph {
  const parts = new Map<OperatorInstance, readonly Part[] | undefined>()
  const partsOf = (operator: OperatorInstance): readonly Part[] | undefined => {
    if (parts.has(operator)) return parts.get(operator)
    const separated = separate(operator)
    const made = separated && !isServed(operator) ? separated : undefined
    for (const part of made ?? []) builder.definePart(part.operator, operator)
    parts.set(operator, made)
    return made
  }
  const used = new Set([...graph.outputs, ...graph.nodes.flatMap(node => node.inputs)])
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const separated = partsOf(node.operator)
    return separated ? nodesOf(node, separated, used) : [node]
  })
  return { ...graph, nodes }
}

/** Those whose results somebody reads. */
function nodesOf(node: Node, parts: readonly Part[], used: ReadonlySet<Buffer>): readonly Node[] {
  const tensors = new Map<Buffer, Buffer>()
  for (const [i, input] of node.operator.inputs.entries()) tensors.set(input, node.inputs[i]!)
  for (const [i, { buffer }] of node.operator.outputs.entries()) tensors.set(buffer, node.outputs[i]!)
  for (const { output } of parts) {
    if (!tensors.has(output)) tensors.set(output, { ...output, origins: node.outputs[0]!.origins })
  }
  const now = (tensor: Buffer): Buffer => tensors.get(tensor)!
  const nodes: Node[] = [], wanted = new Set(used)
  for (const { operator, inputs, output } of parts.toReversed()) {
    if (!wanted.has(now(output))) continue
    for (const input of inputs) wanted.add(now(input))
    nodes.unshift({ ...node, operator, inputs: inputs.map(now), outputs: [now(output)] })
  }
  return nodes
}
