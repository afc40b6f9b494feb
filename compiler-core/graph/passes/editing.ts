/**
 * A model's graph while a pass rewrites it: who computes a tensor, who reads it, new nodes in the place of old ones.
 *
 *     c = conv(x, w); y = multiply(c, s)
 *     at the multiply: replace(node, apply('conv', { x, w: apply('multiply', { a: w, b: s }) }))
 *     v = w * s, a constant; y = conv(x, v)
 *
 * Results of the model keep their identity. A node whose result nobody reads is gone; what a pass makes of constants
 * alone is folded.
 */
import type { Buffer } from '../../ir/ir.ts'
import { bytesOf } from '../../ir/memory.ts'
import { stepsOf } from '../../operators/fold.ts'
import { extentsOf, type Arguments, type Builder } from '../builder.ts'
import type { Constant, FlowGraph, Node } from '../flow.ts'
import type { Model } from '../model.ts'
import { countOf } from '../tensor-data.ts'

export interface Editing {
  readonly builder: Builder
  readonly constants: FlowGraph['constants']
  producerOf(tensor: Buffer): Node | undefined
  /** Each once, also if it reads the tensor twice. */
  usersOf(tensor: Buffer): readonly Node[]
  isResult(tensor: Buffer): boolean
  /** It is read once, by one node, and is no result: a pattern may let go of it. */
  isInner(tensor: Buffer): boolean
  /** Applies an operator or a graph of the library; undefined where it does not take these arguments. */
  apply(name: string, args: Arguments, sources?: readonly string[]): readonly Buffer[] | undefined
  /** Puts tensors of the same types and shapes in the place of a node's outputs. */
  replace(node: Node, by: readonly Buffer[]): void
  /** The node reads these tensors instead of its own. */
  reread(node: Node, inputs: readonly Buffer[]): void
  /** Makes a constant of a node's output, if all that it reads is constant and the elements are worth the memory. */
  fold(node: Node): boolean
}

/** Visits the nodes in their order; what is in front of a node is as the visits before have left it. */
export function edit(model: Model, visit: (editing: Editing, node: Node) => void): Model {
  const { graph, builder } = model
  const constants = new Map(graph.constants), results = new Set(graph.outputs)
  const producers = new Map<Buffer, Entry>(), entries = new Set<Entry>()
  /** How often each entry reads a tensor. */
  const users = new Map<Buffer, Map<Entry, number>>()
  const aliases = new Map<Buffer, Buffer>()
  let position = 0, isChanged = false
  let made: Entry[] = []
  for (const node of graph.nodes) {
    add(node)
    position++
  }

  function add(node: Node): Entry {
    const entry: Entry = { node, position }
    entries.add(entry)
    for (const tensor of node.outputs) producers.set(tensor, entry)
    for (const tensor of node.inputs) use(tensor, entry)
    return entry
  }

  function use(tensor: Buffer, entry: Entry): void {
    const known = users.get(tensor) ?? new Map<Entry, number>()
    users.set(tensor, known)
    known.set(entry, (known.get(entry) ?? 0) + 1)
  }

  /** Removes a node that nobody needs, and what only it needs. */
  function remove(first: Entry): void {
    const waiting = [first]
    for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
      if (!entries.delete(entry)) continue
      for (const tensor of entry.node.outputs) if (producers.get(tensor) === entry) producers.delete(tensor)
      for (const tensor of new Set(entry.node.inputs)) {
        users.get(tensor)!.delete(entry)
        const producer = producers.get(tensor)
        if (producer && !isNeeded(producer)) waiting.push(producer)
      }
    }
  }

  function isNeeded({ node }: Entry): boolean {
    return node.outputs.some(tensor => results.has(tensor) || (users.get(tensor)?.size ?? 0) > 0)
  }

  /** Whoever reads a tensor reads another one. */
  function redirect(from: Buffer, to: Buffer): void {
    for (const entry of users.get(from)?.keys() ?? []) {
      entry.node = { ...entry.node, inputs: entry.node.inputs.map(tensor => (tensor === from ? to : tensor)) }
      users.get(to)?.delete(entry)
      for (const tensor of entry.node.inputs) if (tensor === to) use(to, entry)
    }
    users.delete(from)
  }

  function fold(node: Node): Buffer | undefined {
    if (!isFoldable(node, constants)) return undefined
    const folded: Buffer = { ...node.outputs[0]!, scope: 'input' }
    constants.set(folded, { kind: 'folded', node: { ...node, outputs: [folded] } })
    return folded
  }

  const editing: Editing = {
    builder, constants,
    producerOf: tensor => producers.get(tensor)?.node,
    usersOf: tensor => [...users.get(tensor)?.keys() ?? []].map(entry => entry.node),
    isResult: tensor => results.has(tensor),
    isInner(tensor) {
      const all = users.get(tensor)
      return all?.size === 1 && all.values().next().value === 1 && !results.has(tensor)
    },
    apply(name, args, sources = []) {
      const applied = builder.apply(name, args, sources)
      if ('problem' in applied) return undefined
      const now = new Map<Buffer, Buffer>()
      const replaced = (tensor: Buffer) => now.get(tensor) ?? tensor
      for (const unplaced of applied.nodes) {
        const node = { ...unplaced, inputs: unplaced.inputs.map(replaced) }, folded = fold(node)
        if (folded) now.set(node.outputs[0]!, folded)
        else made.push(add(node))
      }
      return applied.results.map(replaced)
    },
    replace(node, by) {
      isChanged = true
      const own = producers.get(node.outputs[0]!)!
      for (const [i, old] of node.outputs.entries()) {
        const tensor = by[i]!, entry = producers.get(tensor)
        checkEqual(old, tensor)
        producers.delete(old)
        if (entry && (made.includes(entry) || (results.has(old) && !results.has(tensor)))) {
          entry.node = { ...entry.node, outputs: entry.node.outputs.map(o => (o === tensor ? old : o)) }
          producers.delete(tensor)
          producers.set(old, entry)
          redirect(tensor, old)
        } else {
          redirect(old, tensor)
          if (results.delete(old)) {
            results.add(tensor)
            aliases.set(old, tensor)
          }
        }
      }
      remove(own)
    },
    reread(node, inputs) {
      isChanged = true
      const entry = producers.get(node.outputs[0]!)!
      for (const tensor of node.inputs) users.get(tensor)!.delete(entry)
      for (const tensor of inputs) use(tensor, entry)
      entry.node = { ...entry.node, inputs }
      for (const tensor of node.inputs) {
        const producer = producers.get(tensor)
        if (producer && !isNeeded(producer)) remove(producer)
      }
    },
    fold(node) {
      const folded = fold(node)
      if (folded) editing.replace(node, [folded])
      return folded !== undefined
    }
  }

  const first = [...entries]
  for (const entry of first.toReversed()) {
    if (isNeeded(entry)) continue
    remove(entry)
    isChanged = true
  }
  for (const entry of first) {
    if (!entries.has(entry)) continue
    position = entry.position
    visit(editing, entry.node)
    for (const added of made) if (entries.has(added) && !isNeeded(added)) remove(added)
    made = []
  }
  if (!isChanged) return model
  const outputs = model.outputs.map(o => ({ ...o, tensor: finalTensor(o.tensor) }))
  return { ...model, graph: finished(), outputs }

  function finalTensor(tensor: Buffer): Buffer {
    let now = tensor
    for (let next = aliases.get(now); next; next = aliases.get(now)) now = next
    return now
  }

  function finished(): FlowGraph {
    const nodes = inOrder([...entries], producers)
    const returned = model.outputs.map(o => finalTensor(o.tensor))
    const read = new Set([...nodes.flatMap(node => node.inputs), ...results, ...returned])
    for (const [tensor, constant] of [...constants].toReversed()) {
      if (read.has(tensor) && constant.kind === 'folded') for (const input of constant.node.inputs) read.add(input)
    }
    return {
      ...graph, nodes, inputs: graph.inputs.filter(tensor => read.has(tensor)),
      constants: new Map([...constants].filter(([tensor]) => read.has(tensor))),
      outputs: [...new Set(graph.outputs.map(finalTensor))].filter(tensor => producers.has(tensor))
    }
  }
}

/**
 * Whether what a node computes is known and worth keeping: not much larger than what it is made of, or small, and not
 * the work of seconds.
 */
function isFoldable(node: Node, constants: ReadonlyMap<Buffer, Constant>): boolean {
  const { inputs, outputs: [output, ...others], operator } = node
  if (!output || others.length > 0 || !inputs.every(tensor => constants.has(tensor))) return false
  const bytes = bytesIn(output)
  return (bytes <= smallBytes || bytes <= 2 * inputs.reduce((n, tensor) => n + bytesIn(tensor), 0))
    && stepsOf(operator) <= mostSteps
}

const smallBytes = 2 ** 20, mostSteps = 2 ** 31

function bytesIn(tensor: Buffer): number {
  return countOf(extentsOf(tensor)) * bytesOf(tensor.element)
}

/** `node`: as it has become. `position`: of the node of the former graph in whose place it is. */
interface Entry { node: Node; readonly position: number }

/** Each after those whose results it reads, else in the order of their positions. */
function inOrder(entries: readonly Entry[], producers: ReadonlyMap<Buffer, Entry>): readonly Node[] {
  const ordered = new Set<Entry>()
  const waiting = entries.toSorted((a, b) => a.position - b.position).toReversed()
  for (let next = waiting.at(-1); next; next = waiting.at(-1)) {
    const missing = ordered.has(next) ? [] : next.node.inputs.flatMap(tensor => {
      const producer = producers.get(tensor)
      return producer && !ordered.has(producer) ? [producer] : []
    })
    if (missing.length > 0) waiting.push(...missing)
    else {
      ordered.add(next)
      waiting.pop()
    }
  }
  return [...ordered].map(entry => entry.node)
}

function checkEqual(old: Buffer, by: Buffer): void {
  const text = (tensor: Buffer) => `${tensor.element}[${extentsOf(tensor).join(', ')}]`
  if (text(old) !== text(by)) throw new Error(`${text(by)} is put in the place of ${old.name}: ${text(old)}`)
}
