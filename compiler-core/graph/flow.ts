/**
 * Flow graphs, and their partition into fused groups: the operators of one group become one kernel.
 *
 *     a1 = cast(a); c = batch_matmul(a1, b); d = add(c, bias); y = relu(d)
 *     one group: anchor batch_matmul, prologues [cast], epilogues [add, relu]
 *
 * A group has one anchor, whose schedule it uses: an operator that is not injective, or, where only injective ones are
 * left, the last of them. An epilogue is applied to the only use of an anchor's output, so it needs an inverse map; a
 * prologue computes an input that nobody else reads. Epilogues are looked for first: what could be either is applied
 * once where it is stored rather than at each load. (Steps and order: reference 4.3.)
 */
import type { Buffer, ElementName, ReducerName, Variable } from '../ir/ir.ts'
import type { Origin, Origins } from '../ir/origin.ts'
import { injectivityOf, inversionOf } from '../operators/classify.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import type { TensorData } from './tensor-data.ts'

/** One operator applied to tensors. */
export interface Node {
  readonly operator: OperatorInstance
  /** One for each input and output of the operator, with its element type and shape. */
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
  /** What the operator's attributes and type parameters were bound to, by name; those with default values may be absent. */
  readonly attributes: Attributes
  /** Where it was applied. */
  readonly application: Origin
  /** Names of the nodes of an imported model that it stands for; empty in a graph of a file. */
  readonly sources: readonly string[]
}

export type Attributes = Readonly<Record<string, AttributeValue>>
/** A shape is a list of numbers. A number stands for an `int` as well as for a `float`. */
export type AttributeValue =
  | number | boolean | readonly number[] | { readonly dtype: ElementName } | { readonly reducer: ReducerName }

/** A tensor that is known while compiling. */
export type Constant =
  | { readonly kind: 'data'; readonly data: TensorData }
  /** What an operator makes of other constants of the graph; computed when somebody needs the elements. */
  | { readonly kind: 'folded'; readonly node: Node }

/** Its tensors are buffers: of scope `input`, `output`, or `workspace` between operators. */
export interface FlowGraph {
  readonly name: string
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
  /** Scope `input`; each after those that it is folded from. */
  readonly constants: ReadonlyMap<Buffer, Constant>
  /** Each after those that compute its inputs. */
  readonly nodes: readonly Node[]
  /** Shape variables that are known only at launch, in the order of their declaration. */
  readonly extents: readonly Variable[]
  readonly origins: Origins
}

/** What a program computes, whatever its schedule. */
export type Meaning =
  | { readonly kind: 'operator'; readonly operator: OperatorInstance }
  | { readonly kind: 'graph'; readonly graph: FlowGraph }

export interface Group {
  readonly anchor: Node
  /** Each after those whose results it reads. */
  readonly prologues: readonly Node[]
  /** Each after the one whose output it is applied to. */
  readonly epilogues: readonly Node[]
  /** What the group reads: the graph's inputs in their order, then constants, then results of other groups. */
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
}

/** A use of one operator's result by another, and what became of it. */
export interface Edge {
  readonly tensor: Buffer
  readonly from: Node
  readonly to: Node
  readonly fused: 'prologue' | 'epilogue' | undefined
  /** Why it is not fused; empty if it is. */
  readonly reason: string
}

export interface Partition {
  /** Each after those whose results it reads. */
  readonly groups: readonly Group[]
  readonly edges: readonly Edge[]
}

export function partition(graph: FlowGraph): Partition {
  const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(tensor => [tensor, node] as const)))
  const uses = usesOf(graph)
  const drafts: Draft[] = []
  const owner = new Map<Node, Draft>()

  for (const node of graph.nodes) {
    if (!injectivityOf(node.operator).injective) start(node)
  }
  for (const draft of drafts) growEpilogues(draft)
  for (const draft of drafts) growPrologues(draft)
  for (const node of graph.nodes.toReversed()) {
    if (!owner.has(node)) growPrologues(start(node))
  }
  const groups = inOrder(graph, drafts.map(finished))
  return { groups, edges: graph.nodes.flatMap(edgesOf) }

  function start(anchor: Node): Draft {
    const draft: Draft = { anchor, prologues: new Set(), epilogues: new Set(), ends: new Set(anchor.outputs) }
    owner.set(anchor, draft)
    drafts.push(draft)
    return draft
  }

  function growEpilogues(draft: Draft): void {
    for (const tensor of draft.ends) {
      const use = uses.get(tensor)?.[0]
      if (!use?.node || epilogueObstacle(draft, tensor) !== undefined) continue
      owner.set(use.node, draft)
      draft.epilogues.add(use.node)
      draft.ends.delete(tensor)
      for (const output of use.node.outputs) draft.ends.add(output)
    }
  }

  function growPrologues(draft: Draft): void {
    for (let grown = true; grown;) {
      grown = false
      for (const tensor of new Set(nodesOf(draft).flatMap(node => node.inputs))) {
        const producer = producers.get(tensor)
        if (!producer || prologueObstacle(draft, tensor, producer) !== undefined) continue
        owner.set(producer, draft)
        draft.prologues.add(producer)
        grown = true
      }
    }
  }

  /** Why the user of an output is not applied where the output is stored. */
  function epilogueObstacle(draft: Draft, tensor: Buffer): string | undefined {
    const [use, ...others] = uses.get(tensor) ?? []
    if (!use?.node || others.length > 0) return severalUses(tensor)
    const { operator, inputs } = use.node
    const injectivity = injectivityOf(operator)
    if (!injectivity.injective) return injectivity.reason
    const inversion = inversionOf(operator, operator.inputs[use.input]!)
    if (!inversion.inverse) return inversion.reason
    const late = inputs.find((input, i) => i !== use.input && dependsOn(input, draft))
    if (!late) return owner.has(use.node) ? takenBy(use.node) : undefined
    return `\`${operator.name}\` also reads \`${late.name}\`, which depends on \`${draft.anchor.operator.name}\``
  }

  /** Why the producer of an input is not computed where the input is loaded. */
  function prologueObstacle(draft: Draft, tensor: Buffer, producer: Node): string | undefined {
    const injectivity = injectivityOf(producer.operator)
    if (!injectivity.injective) return injectivity.reason
    if (owner.has(producer)) return takenBy(producer)
    return (uses.get(tensor) ?? []).every(use => use.node && owner.get(use.node) === draft)
      ? undefined
      : severalUses(tensor)
  }

  function takenBy(node: Node): string {
    return `\`${node.operator.name}\` is fused with \`${owner.get(node)!.anchor.operator.name}\` already`
  }

  function severalUses(tensor: Buffer): string {
    const all = uses.get(tensor) ?? []
    const shown = all.map(use => (use.node ? `\`${use.node.operator.name}\`` : 'the graph, as a result'))
    return `\`${tensor.name}\` has ${all.length} uses: ${shown.join(', ')}`
  }

  /** Whether a tensor is computed, directly or not, from what the group stores. */
  function dependsOn(tensor: Buffer, draft: Draft, seen = new Set<Buffer>()): boolean {
    if (seen.has(tensor)) return false
    seen.add(tensor)
    const producer = producers.get(tensor)
    return producer !== undefined
      && (owner.get(producer) === draft || producer.inputs.some(input => dependsOn(input, draft, seen)))
  }

  function finished(draft: Draft): Group {
    const inside = (tensor: Buffer) => {
      const producer = producers.get(tensor)
      return producer !== undefined && owner.get(producer) === draft
    }
    const read = new Set(nodesOf(draft).flatMap(node => node.inputs.filter(tensor => !inside(tensor))))
    const known = [...graph.inputs, ...graph.constants.keys(), ...graph.nodes.flatMap(node => node.outputs)]
    return {
      anchor: draft.anchor,
      prologues: graph.nodes.filter(node => draft.prologues.has(node)),
      epilogues: graph.nodes.filter(node => draft.epilogues.has(node)),
      inputs: known.filter(tensor => read.has(tensor)),
      outputs: known.filter(tensor => draft.ends.has(tensor))
    }
  }

  function edgesOf(to: Node): readonly Edge[] {
    return [...new Set(to.inputs)].flatMap((tensor): readonly Edge[] => {
      const from = producers.get(tensor)
      if (!from) return []
      const draft = owner.get(from)!
      if (draft === owner.get(to)) {
        return [{ tensor, from, to, fused: draft.prologues.has(from) ? 'prologue' : 'epilogue', reason: '' }]
      }
      const reason = epilogueObstacle(draft, tensor) ?? ''
      return [{ tensor, from, to, fused: undefined, reason }]
    })
  }
}

interface Draft {
  readonly anchor: Node
  readonly prologues: Set<Node>
  readonly epilogues: Set<Node>
  /** The tensors that the group stores. */
  readonly ends: Set<Buffer>
}

/** `node` undefined: a result of the graph. */
interface Use { readonly node: Node | undefined; readonly input: number }

function usesOf(graph: FlowGraph): ReadonlyMap<Buffer, readonly Use[]> {
  const uses = new Map<Buffer, Use[]>()
  const add = (tensor: Buffer, use: Use) => uses.set(tensor, [...uses.get(tensor) ?? [], use])
  for (const node of graph.nodes) for (const [input, tensor] of node.inputs.entries()) add(tensor, { node, input })
  for (const tensor of graph.outputs) add(tensor, { node: undefined, input: 0 })
  return uses
}

function nodesOf(draft: Draft): readonly Node[] {
  return [draft.anchor, ...draft.prologues, ...draft.epilogues]
}

/** Each group after those whose results it reads. */
function inOrder(graph: FlowGraph, groups: readonly Group[]): readonly Group[] {
  const ordered: Group[] = [], available = new Set([...graph.inputs, ...graph.constants.keys()])
  for (let waiting = [...groups]; waiting.length > 0;) {
    const next = waiting.find(group => group.inputs.every(tensor => available.has(tensor)))!
    waiting = waiting.filter(group => group !== next)
    for (const tensor of next.outputs) available.add(tensor)
    ordered.push(next)
  }
  return ordered
}
