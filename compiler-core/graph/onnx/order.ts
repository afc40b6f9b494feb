/**
 * The nodes of a graph of an ONNX file that its results need, each after those that compute what it reads.
 *
 * No recursion over nodes: a chain of 10^5 nodes is as good as any.
 */
import type { GraphProto, NodeProto } from 'onnx-buf'
import { counted } from '../../mapping/shape.ts'
import { namesText, type ModelProblem } from './problem.ts'

export interface Ordered {
  readonly nodes: readonly NodeProto[]
  /** Names that the nodes, or the results, read. */
  readonly read: ReadonlySet<string>
}

/** Of a node: its name, or that of its first result. */
export function nodeName(node: NodeProto): string {
  return node.name !== '' ? node.name : node.output.find(name => name !== '') ?? node.opType
}

/** `known`: names that have a value without a node of this graph, its inputs and initialisers included. */
export function orderOf(graph: GraphProto, known: (name: string) => boolean): Ordered | readonly ModelProblem[] {
  const problems: ModelProblem[] = []
  const producers = new Map<string, number>()
  for (const [n, node] of graph.node.entries()) {
    for (const name of node.output) {
      if (name === '') continue
      const other = producers.get(name)
      if (other === undefined) producers.set(name, n)
      else problems.push(invalid(node, `also computes \`${name}\`, as \`${nodeName(graph.node[other]!)}\` does`))
    }
  }
  if (problems.length > 0) return problems

  const read = new Set(graph.output.map(o => o.name))
  const state = new Uint8Array(graph.node.length), ordered: number[] = []
  const needs = graph.node.map(namesRead)
  for (const { name } of graph.output) {
    const cycle = visit(name)
    if (cycle) return [cycle]
    if (!producers.has(name) && !known(name)) {
      problems.push({ code: 'invalid-graph', message: `No node computes the result \`${name}\` of the graph \`${graph.name}\`.` })
    }
  }
  if (problems.length > 0) return problems
  // the order of the file, where it is one
  const isOrdered = ordered.every(n => needs[n]!.every(name => (producers.get(name) ?? -1) < n))
  const order = isOrdered ? ordered.toSorted((a, b) => a - b) : ordered
  return { nodes: order.map(n => graph.node[n]!), read }

  /** Depth first, with a stack of its own. */
  function visit(result: string): ModelProblem | undefined {
    const stack: { readonly node: number; next: number }[] = []
    const enter = (name: string) => {
      const node = producers.get(name)
      if (node === undefined || state[node] === done) return true
      if (state[node] === open) return false
      state[node] = open
      stack.push({ node, next: 0 })
      return true
    }
    enter(result)
    while (stack.length > 0) {
      const top = stack.at(-1)!, name = needs[top.node]![top.next++]
      if (name === undefined) {
        state[top.node] = done
        ordered.push(top.node)
        stack.pop()
        continue
      }
      read.add(name)
      if (!producers.has(name) && !known(name)) {
        problems.push(invalid(graph.node[top.node]!, `reads \`${name}\`, which nothing in the file computes or defines`))
      } else if (!enter(name)) {
        const from = stack.findIndex(s => s.node === producers.get(name))
        const names = stack.slice(from).map(s => nodeName(graph.node[s.node]!))
        return invalid(graph.node[top.node]!, `needs its own result: there is a cycle of ${counted(names.length, 'node')}, ${namesText(names)}`)
      }
    }
    return undefined
  }
}

const open = 1, done = 2

function invalid(node: NodeProto, what: string): ModelProblem {
  const name = nodeName(node)
  return { code: 'invalid-graph', message: `${node.opType} \`${name}\` ${what}.`, node: name }
}

/** The names that a node reads, those that its subgraphs take from outside included. */
function namesRead(node: NodeProto): readonly string[] {
  const names = node.input.filter(name => name !== '')
  const graphs = node.attribute.flatMap(a => [...(a.g ? [a.g] : []), ...a.graphs])
  return graphs.length === 0 ? names : [...new Set([...names, ...graphs.flatMap(namesFromOutside)])]
}

/** A file nests graphs at most some fifty deep (read.ts). */
function namesFromOutside(graph: GraphProto): readonly string[] {
  const own = new Set([
    ...graph.input.map(i => i.name), ...graph.initializer.map(i => i.name), ...graph.node.flatMap(n => n.output)
  ])
  return [...graph.node.flatMap(namesRead), ...graph.output.map(o => o.name)].filter(name => name !== '' && !own.has(name))
}
