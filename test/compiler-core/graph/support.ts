// Flow graphs built by hand.
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import type { FlowGraph, Node, Partition } from '../../../compiler-core/graph/flow.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { execute } from '../../harness/ir-interpreter.ts'
import { originOf, plainProgram } from '../operators/support.ts'

/** `apply` adds a node and gives its result. */
export function flowGraph(
  inputs: readonly Buffer[],
  body: (apply: (name: string, operator: OperatorInstance) => Buffer) => readonly Buffer[]
): FlowGraph {
  const nodes: Node[] = []
  const outputs = body((name, operator) => {
    const { buffer } = operator.outputs[0]!
    const result: Buffer = { ...buffer, name, scope: 'workspace' }
    nodes.push({
      operator, inputs: operator.inputs, outputs: [result], attributes: {}, application: originOf(`graph:${name}`), sources: []
    })
    return result
  })
  const extents = [...new Set(nodes.flatMap(node => node.operator.extents))]
  return { name: 'g', inputs, outputs, constants: new Map(), nodes, extents, origins: [] }
}

/** `anchor: prologues | epilogues`, by the names of the results, one text a group. */
export function groupsOf(p: Partition): readonly string[] {
  const names = (nodes: readonly Node[]) => nodes.map(node => node.outputs[0]!.name).join(' ')
  return p.groups.map(g => `${names([g.anchor])}: ${names(g.prologues)} | ${names(g.epilogues)}`)
}

/** The elements of all tensors of a graph, operator by operator. */
export function computeGraph(
  graph: FlowGraph, inputs: ReadonlyMap<Buffer, readonly number[]>
): ReadonlyMap<Buffer, readonly number[]> {
  const known = new Map(inputs)
  for (const node of graph.nodes) {
    const given = new Map(node.inputs.map((tensor, i) => [node.operator.inputs[i]!, known.get(tensor)!]))
    const results = execute(plainProgram(node.operator), given, { stage: 'logical' })
    for (const [i, tensor] of node.outputs.entries()) {
      known.set(tensor, results.get(node.operator.outputs[i]!.buffer)!.map(Number))
    }
  }
  return known
}
