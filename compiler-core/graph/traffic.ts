/**
 * The memory traffic that fusion saves, edge by edge: in bytes of global memory, as kernels ask for them (caches answer
 * some of it).
 *
 *     c = batch_matmul(a, b); y = relu(c)       c: 100 kB written and 100 kB read by separate kernels, none fused
 *     z = x + u; c = batch_matmul(z, b)         z is loaded by 36 tiles: fused, each of them loads x and u instead
 *
 * In the plan without fusion a kernel stores each result once, and each user's kernel loads it, perhaps many times;
 * what only changes a shape is no kernel. Fused, the result is neither stored nor loaded; but where it is computed at
 * each load, what it is computed from is loaded that often: what this reads more counts against it, and may be more
 * than what is saved.
 */
import type { Buffer } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { viewedInput } from '../operators/views.ts'
import { loadsOf, volumeOf } from '../operators/work.ts'
import type { Edge, Node, Partition } from './flow.ts'

/** In bytes; NaN where extents are known only at launch. */
export interface Traffic {
  /** Of the tensor, in the plan without fusion; of one that several operators of the group read, at its first edge. */
  readonly written: number
  /** Of the tensor by the user, in the plan without fusion. */
  readonly read: number
  /** Of what the tensor is computed from, beyond what the plan without fusion reads of it. */
  readonly readMore: number
  /** `written + read - readMore` */
  readonly saved: number
}

/** For each fused edge. Nothing is saved where a view begins: it shares the memory, which counts where it is read. */
export function trafficOf({ groups, edges }: Partition): ReadonlyMap<Edge, Traffic> {
  const owner = new Map(groups.flatMap(g => [g.anchor, ...g.prologues, ...g.epilogues].map(node => [node, g] as const)))
  const producers = new Map(edges.map(edge => [edge.tensor, edge.from]))
  const stored = new Set<Buffer>(), computed = new Set<Buffer>()

  /** The tensor that holds the elements in the plan without fusion. */
  function memoryOf(tensor: Buffer): Buffer {
    let memory = tensor
    for (let from = producers.get(memory); from; from = producers.get(memory)) {
      const input = viewedInput(from.operator)
      if (!input) break
      memory = from.inputs[from.operator.inputs.indexOf(input)]!
    }
    return memory
  }

  function isComputedWith(tensor: Buffer, node: Node): boolean {
    const producer = producers.get(tensor)
    return producer !== undefined && owner.get(producer) === owner.get(node)
  }

  function trafficOver({ tensor, from, to, fused, evaluations }: Edge): Traffic {
    const elements = volumeOf(tensor.shape), memory = memoryOf(tensor)
    const intoView = viewedInput(to.operator) !== undefined
    const isNew = !intoView && !stored.has(memory) && isComputedWith(memory, from)
    if (isNew) stored.add(memory)
    const written = isNew ? volumeOf(memory.shape) * bytesOf(memory.element) : 0
    const read = intoView ? 0 : loadsBy(to, tensor) * bytesOf(tensor.element)
    // without fusion the tensor is computed once, and a view not at all
    const before = computed.has(tensor) || viewedInput(from.operator) ? 0 : elements
    computed.add(tensor)
    const more = fused === 'prologue' ? (evaluations - before) / elements : 0
    const readMore = sum(from.inputs.map((input, i) =>
      isComputedWith(input, from) || more === 0 ? 0 : more * loadsOf(from.operator)[i]! * bytesOf(input.element)))
    return { written, read, readMore, saved: written + read - readMore }
  }

  return new Map(edges.filter(edge => edge.fused).map(edge => [edge, trafficOver(edge)]))
}

/** How many elements of a tensor a node's own kernel loads. */
function loadsBy(node: Node, tensor: Buffer): number {
  return sum(node.inputs.map((input, i) => (input === tensor ? loadsOf(node.operator)[i]! : 0)))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((n, x) => n + x, 0)
}
