/**
 * The partition of a graph into groups that become one kernel each.
 *
 *     a1 = cast(a); c = batch_matmul(a1, b); d = add(c, bias); y = relu(d)
 *     one group: anchor batch_matmul, prologues [cast], epilogues [add, relu]
 *
 * A group has one anchor, whose schedule it uses: an operator that is not injective, or, where only injective ones are
 * left, a transposition or the last of them. An epilogue is applied to the only use of an anchor's output, so it needs
 * an inverse map; a prologue computes an input that nobody else reads. Epilogues are looked for first: what could be
 * either is applied once where it is stored rather than at each load. (Steps and order: reference 4.3.)
 *
 * A prologue is evaluated wherever its element is loaded, by a matmul once for each tile of the result. It stays a
 * kernel of its own where that costs more time than the kernel and the memory traffic that fusion saves (reference
 * 4.5), and where its expression would be written out at too many places.
 */
import type { Buffer } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { injectivityOf, inversionOf, isTransposition } from '../operators/classify.ts'
import { loadsOf, operationsOf, placesOf, readsOf, volumeOf } from '../operators/work.ts'
import type { Edge, FlowGraph, Group, Node, Partition } from './flow.ts'

export interface PartitionOptions {
  /** Tensors that are not to be fused over, with the reason in words. */
  readonly forbidden?: ReadonlyMap<Buffer, string> | undefined
}

/** Operators of one kernel: its expressions are walked recursively, and CUDA compilers take their time. */
const mostNodes = 96
/** Places of a kernel at which one element's expression may stand. */
const mostPlaces = 24
/** How often an element would stand in another one's expression if nothing had a name: lowering looks through names. */
const mostCopies = 4096
/**
 * What a GPU computes while it moves a byte, and while it starts a kernel (some 2 microseconds): about those of an A100
 * (19.5 T operations and 1.6 TB a second, NVIDIA A100 data sheet), of which half is reached.
 */
const operationsPerByte = 6, operationsPerLaunch = 2e7

export function partition(graph: FlowGraph, { forbidden = new Map() }: PartitionOptions = {}): Partition {
  const producers = new Map<Buffer, Node>(), positions = new Map<Node, number>(), uses = usesOf(graph)
  for (const [position, node] of graph.nodes.entries()) {
    positions.set(node, position)
    for (const tensor of node.outputs) producers.set(tensor, node)
  }
  const drafts: Draft[] = []
  const owner = new Map<Node, Draft>()
  /** Why a tensor is not fused over, found when it was tried: as an epilogue's input, and as a prologue's output. */
  const unfollowed = new Map<Buffer, string>(), refused = new Map<Buffer, string>()
  let placeCount = 0
  const newPlace = () => placeCount++

  for (const node of graph.nodes) {
    if (!injectivityOf(node.operator).injective) start(node)
  }
  for (const draft of drafts) growEpilogues(draft)
  for (const draft of drafts) growPrologues(draft)
  // a transposition goes through shared memory, and takes along what is around it
  for (const node of graph.nodes) {
    if (owner.has(node) || !isTransposition(node.operator)) continue
    const draft = start(node)
    growEpilogues(draft)
    growPrologues(draft)
  }
  for (const node of graph.nodes.toReversed()) {
    if (!owner.has(node)) growPrologues(start(node))
  }
  const known = new Map<Buffer, number>()
  for (const tensor of [...graph.inputs, ...graph.constants.keys(), ...producers.keys()]) known.set(tensor, known.size)
  return { groups: inOrder(drafts).map(finished), edges: graph.nodes.flatMap(edgesOf) }

  function start(anchor: Node): Draft {
    const draft: Draft = {
      anchor, nodes: [], epilogues: new Set(), ends: new Set(anchor.outputs), places: new Map(), inside: new Map(),
      copies: new Map(anchor.outputs.map(tensor => [tensor, 1]))
    }
    drafts.push(draft)
    join(draft, anchor, new Map([[newPlace(), volumeOf(anchor.outputs[0]!.shape)]]))
    return draft
  }

  /** `places`: where the node's elements are computed. */
  function join(draft: Draft, node: Node, places: Places): void {
    owner.set(node, draft)
    draft.nodes.push(node)
    draft.places.set(node, places)
    for (const tensor of node.inputs) draft.inside.set(tensor, (draft.inside.get(tensor) ?? 0) + 1)
  }

  function growEpilogues(draft: Draft): void {
    for (const tensor of draft.ends) {
      const node = uses.get(tensor)?.[0]?.node, obstacle = epilogueObstacle(draft, tensor)
      if (obstacle !== undefined) unfollowed.set(tensor, obstacle)
      else if (node) {
        const copies = copiesBehind(draft, tensor, node)
        draft.epilogues.add(node)
        join(draft, node, new Map([[newPlace(), volumeOf(tensor.shape)]]))
        draft.ends.delete(tensor)
        for (const output of node.outputs) {
          draft.ends.add(output)
          draft.copies.set(output, copies)
        }
      }
    }
  }

  /** What computes an input is all fused, or, where that costs too much, only as far as it moves elements. */
  function growPrologues(draft: Draft): void {
    for (const root of new Set(draft.nodes.flatMap(node => node.inputs))) {
      const before = draft.nodes.length
      growFrom(draft, root, () => true)
      const tooMuch = costObstacle(draft, root, draft.nodes.slice(before))
      if (tooMuch === undefined) continue
      for (const node of draft.nodes.splice(before)) {
        owner.delete(node)
        for (const tensor of node.inputs) draft.inside.set(tensor, draft.inside.get(tensor)! - 1)
      }
      growFrom(draft, root, (producer, tensor) => {
        const isMoving = operationsOf(producer.operator) === 0
        if (!isMoving) refused.set(tensor, tooMuch)
        return isMoving
      })
    }
  }

  function growFrom(draft: Draft, root: Buffer, accepts: (producer: Node, tensor: Buffer) => boolean): void {
    const waiting = [root]
    for (let tensor = waiting.pop(); tensor; tensor = waiting.pop()) {
      const producer = producers.get(tensor)
      if (!producer || owner.has(producer) || prologueObstacle(draft, tensor, producer) !== undefined) continue
      const places = placesIn(draft, tensor), copies = copiesBefore(draft, tensor)
      if (places.size > mostPlaces) refused.set(tensor, placesObstacle(producer, places))
      else if (copies > mostCopies) refused.set(tensor, copiesObstacle(producer))
      else if (accepts(producer, tensor)) {
        draft.copies.set(tensor, copies)
        join(draft, producer, places)
        waiting.push(...producer.inputs)
      }
    }
  }

  /** Why the user of an output is not applied where the output is stored. */
  function epilogueObstacle(draft: Draft, tensor: Buffer): string | undefined {
    const asked = forbidden.get(tensor)
    if (asked !== undefined) return asked
    const [use, ...others] = uses.get(tensor) ?? []
    if (!use?.node || others.length > 0) return severalUses(tensor)
    const { operator, inputs } = use.node
    const injectivity = injectivityOf(operator)
    if (!injectivity.injective) return `${injectivity.reason}, which starts a kernel of its own`
    const inversion = inversionOf(operator, operator.inputs[use.input]!)
    if (!inversion.inverse) return `\`${operator.name}\` has no inverse map: ${inversion.reason}`
    if (draft.nodes.length >= mostNodes) return fullGroup
    if (copiesBehind(draft, tensor, use.node) > mostCopies) return copiesObstacle(use.node)
    if (owner.has(use.node)) return takenBy(use.node)
    const late = draft.ends.size > 1 ? inputs.find((input, i) => i !== use.input && dependsOn(input, draft)) : undefined
    if (late) return `\`${operator.name}\` also reads \`${late.name}\`, which depends on \`${draft.anchor.operator.name}\``
    return undefined
  }

  /** Why the producer of an input is not computed where the input is loaded, whatever that costs. */
  function prologueObstacle(draft: Draft, tensor: Buffer, producer: Node): string | undefined {
    const asked = forbidden.get(tensor)
    if (asked !== undefined) return asked
    const injectivity = injectivityOf(producer.operator)
    if (!injectivity.injective) return injectivity.reason
    if (draft.inside.get(tensor) !== uses.get(tensor)?.length) return severalUses(tensor)
    if (draft.nodes.length >= mostNodes) return fullGroup
    return undefined
  }

  function placesObstacle({ operator }: Node, places: Places): string {
    return `\`${operator.name}\` would be written out at ${places.size} places of the kernel, at most ${mostPlaces} are`
  }

  function copiesObstacle({ operator }: Node): string {
    return `with \`${operator.name}\` the expression of an element would be too long`
  }

  /** How often an element that the anchor stores would stand in an element of an epilogue's output. */
  function copiesBehind(draft: Draft, tensor: Buffer, node: Node): number {
    return (draft.copies.get(tensor) ?? 1) * (readsOf(node.operator)[node.inputs.indexOf(tensor)] ?? 1)
  }

  /** How often a prologue's element would stand in what is loaded, or in what is stored, at most. */
  function copiesBefore(draft: Draft, tensor: Buffer): number {
    return sum((uses.get(tensor) ?? []).map(({ node, input }) => {
      if (!node || (node === draft.anchor && !injectivityOf(node.operator).injective)) return 1
      const stored = draft.epilogues.has(node) ? [...draft.ends] : node.outputs
      return Math.max(...stored.map(t => draft.copies.get(t) ?? 1)) * readsOf(node.operator)[input]!
    }))
  }

  /** Why it costs more to compute an input wherever it is loaded than to store it once, by the operators in `nodes`. */
  function costObstacle(draft: Draft, root: Buffer, nodes: readonly Node[]): string | undefined {
    const more = sum(nodes.map(node => {
      const evaluations = sum(draft.places.get(node)!.values())
      return Math.max(0, evaluations - volumeOf(node.outputs[0]!.shape)) * operationsOf(node.operator)
    }))
    const elements = volumeOf(root.shape), saved = 2 * elements * bytesOf(root.element)
    if (!(more > saved * operationsPerByte + operationsPerLaunch)) return undefined
    const often = roundedCount(sum(placesIn(draft, root).values()) / elements)
    const named = `\`${root.name}\` would be computed anew ${often} times for each element`
    return `${named}, ${nodes.length > 1 ? `by ${nodes.length} operators, ` : ''}which takes longer than to store and load it`
  }

  /** Where a tensor's elements are computed in a group that all of its uses are in. */
  function placesIn(draft: Draft, tensor: Buffer): Places {
    const places = new Map<number, number>()
    for (const { node, input } of uses.get(tensor) ?? []) {
      if (!node) continue
      for (const [place, evaluations] of placesOfUse(draft, node, input)) places.set(place, evaluations)
    }
    return places
  }

  /** The places at which one use needs elements of a tensor, and how many each. */
  function placesOfUse(draft: Draft, node: Node, input: number): Places {
    const places = new Map<number, number>()
    if (node === draft.anchor && !injectivityOf(node.operator).injective) {
      return places.set(newPlace(), loadsOf(node.operator)[input]!)
    }
    // at the index of the result there may be less to read: the first of two tensors that are joined
    const part = volumeOf(node.inputs[input]!.shape) / volumeOf(node.outputs[0]!.shape)
    for (const { isSame } of placesOf(node.operator)[input]!) {
      for (const [place, evaluations] of draft.places.get(node)!) {
        places.set(isSame ? place : newPlace(), isSame ? evaluations * part : evaluations)
      }
    }
    return places
  }

  function takenBy(node: Node): string {
    return `\`${node.operator.name}\` is fused with \`${owner.get(node)!.anchor.operator.name}\` already`
  }

  function severalUses(tensor: Buffer): string {
    const all = uses.get(tensor) ?? []
    const shown = all.slice(0, 4).map(use => (use.node ? `\`${use.node.operator.name}\`` : 'the graph, as a result'))
    return `\`${tensor.name}\` has ${all.length} uses: ${shown.join(', ')}${all.length > 4 ? ', ...' : ''}`
  }

  /**
   * Whether a tensor is computed, directly or not, from what the group stores. A group needs all that its operators
   * read before it starts.
   */
  function dependsOn(tensor: Buffer, draft: Draft): boolean {
    const seen = new Set<Node>(), waiting = [producers.get(tensor)]
    while (waiting.length > 0) {
      const node = waiting.pop()
      if (!node || seen.has(node)) continue
      const group = owner.get(node)
      if (group === draft) return true
      for (const member of group?.nodes ?? [node]) {
        seen.add(member)
        for (const input of member.inputs) waiting.push(producers.get(input))
      }
    }
    return false
  }

  /** Each group after those whose results it reads; else in the order of their last operators. */
  function inOrder(all: readonly Draft[]): readonly Draft[] {
    const last = (draft: Draft) => draft.nodes.reduce((p, node) => Math.max(p, positions.get(node)!), 0)
    const ordered = new Set<Draft>()
    const waiting = all.map(draft => ({ draft, last: last(draft) })).sort((a, b) => b.last - a.last).map(d => d.draft)
    for (let next = waiting.at(-1); next; next = waiting.at(-1)) {
      const missing = ordered.has(next) ? [] : next.nodes.flatMap(node => node.inputs.flatMap(tensor => {
        const producer = producers.get(tensor), group = producer && owner.get(producer)
        return group && group !== next && !ordered.has(group) ? [group] : []
      }))
      if (missing.length > 0) waiting.push(...new Set(missing))
      else {
        ordered.add(next)
        waiting.pop()
      }
    }
    return [...ordered]
  }

  function finished(draft: Draft): Group {
    const members = draft.nodes.toSorted((a, b) => positions.get(a)! - positions.get(b)!)
    const inside = new Set(members.flatMap(node => node.outputs))
    const read = new Set(members.flatMap(node => node.inputs.filter(tensor => !inside.has(tensor))))
    const inOrderOf = (tensors: Iterable<Buffer>) => [...tensors].sort((a, b) => known.get(a)! - known.get(b)!)
    return {
      anchor: draft.anchor,
      prologues: members.filter(node => node !== draft.anchor && !draft.epilogues.has(node)),
      epilogues: members.filter(node => draft.epilogues.has(node)),
      inputs: inOrderOf(read),
      outputs: inOrderOf(draft.ends)
    }
  }

  function edgesOf(to: Node): readonly Edge[] {
    return [...new Set(to.inputs)].flatMap((tensor): readonly Edge[] => {
      const from = producers.get(tensor)
      if (!from) return []
      const draft = owner.get(from)!, elements = volumeOf(tensor.shape)
      if (draft !== owner.get(to)) {
        const reason = unfollowed.get(tensor) ?? prologueObstacle(owner.get(to)!, tensor, from) ?? refused.get(tensor)
          ?? takenBy(from)
        return [{ tensor, from, to, fused: undefined, reason, evaluations: elements }]
      }
      if (from === draft.anchor || draft.epilogues.has(from)) {
        const reason = `\`${to.operator.name}\` is applied where \`${tensor.name}\` is stored`
        return [{ tensor, from, to, fused: 'epilogue', reason, evaluations: elements }]
      }
      const evaluations = evaluationsFor(draft, tensor, to)
      const often = evaluations === elements ? 'once for each element' : `${roundedCount(evaluations / elements)} times for each element`
      const reason = `\`${tensor.name}\` is computed where it is loaded, ${often}`
      return [{ tensor, from, to, fused: 'prologue', reason, evaluations }]
    })
  }

  /** How many elements are computed for a node that nodes before it do not need at the same places. */
  function evaluationsFor(draft: Draft, tensor: Buffer, to: Node): number {
    const all = uses.get(tensor)!, own = new Map<number, number>(), before = new Set<number>()
    for (const { node, input } of all) {
      if (!node) continue
      const isBefore = positions.get(node)! < positions.get(to)!
      if (!isBefore && node !== to) continue
      for (const [place, evaluations] of placesOfUse(draft, node, input)) {
        if (isBefore) before.add(place)
        else own.set(place, evaluations)
      }
    }
    return sum([...own].flatMap(([place, evaluations]) => (before.has(place) ? [] : [evaluations])))
  }
}

interface Draft {
  readonly anchor: Node
  /** The anchor and all that was joined to it. */
  readonly nodes: Node[]
  readonly epilogues: Set<Node>
  /** The tensors that the group stores. */
  readonly ends: Set<Buffer>
  /** For each of its nodes. */
  readonly places: Map<Node, Places>
  /** How often its nodes read a tensor. */
  readonly inside: Map<Buffer, number>
  /** How often its element would stand in one that is loaded or stored, without names. */
  readonly copies: Map<Buffer, number>
}

/** The places of a kernel at which a node's elements are computed, by number, and how many at each. */
type Places = ReadonlyMap<number, number>

const fullGroup = `a kernel has at most ${mostNodes} operators`

/** `node` undefined: a result of the graph. */
interface Use { readonly node: Node | undefined; readonly input: number }

function usesOf(graph: FlowGraph): ReadonlyMap<Buffer, readonly Use[]> {
  const uses = new Map<Buffer, Use[]>()
  const add = (tensor: Buffer, use: Use) => {
    const known = uses.get(tensor)
    if (known) known.push(use)
    else uses.set(tensor, [use])
  }
  for (const node of graph.nodes) for (const [input, tensor] of node.inputs.entries()) add(tensor, { node, input })
  for (const tensor of graph.outputs) add(tensor, { node: undefined, input: 0 })
  return uses
}

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const n of numbers) total += n
  return total
}

/** To two digits behind the point. */
function roundedCount(n: number): string {
  return String(Math.round(n * 100) / 100)
}
