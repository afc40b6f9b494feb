/**
 * The memory traffic that fusion saves, edge by edge: in bytes of global memory, as kernels ask for them (caches answer
 * some of it).
 *
 *     c = batch_matmul(a, b); y = relu(c)       c: 100 kB written and 100 kB read by separate kernels, none fused
 *     z = x + u; c = batch_matmul(z, b)         z is loaded by 36 tiles: fused, each of them loads x and u instead
 *
 * In the plan without fusion a kernel stores each result once, and each user's kernel loads it, perhaps many times.
 * Fused, the result is neither stored nor loaded; but where it is computed at each load, what it is computed from is
 * loaded that often: what this reads more counts against it, and may be more than what is saved.
 */
import { bytesOf } from '../ir/memory.ts'
import { loadsOf, volumeOf } from '../operators/work.ts'
import type { Buffer } from '../ir/ir.ts'
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

/** For each fused edge. */
export function trafficOf({ groups, edges }: Partition): ReadonlyMap<Edge, Traffic> {
  const owner = new Map(groups.flatMap(g => [g.anchor, ...g.prologues, ...g.epilogues].map(node => [node, g] as const)))
  const producers = new Map(edges.map(edge => [edge.tensor, edge.from]))
  const seen = new Set<Buffer>()
  return new Map(edges.filter(edge => edge.fused).map(edge => {
    const { tensor, from, to } = edge, elements = volumeOf(tensor.shape), size = bytesOf(tensor.element)
    const isFirst = !seen.has(tensor)
    seen.add(tensor)
    const written = isFirst ? elements * size : 0
    const read = loadsBy(to, tensor) * size
    const again = edge.evaluations - (isFirst ? elements : 0)
    const stored = (input: Buffer) => {
      const producer = producers.get(input)
      return !producer || owner.get(producer) !== owner.get(from)
    }
    const readMore = edge.fused === 'epilogue' ? 0 : from.inputs.reduce((bytes, input, i) =>
      bytes + (stored(input) ? again / elements * loadsOf(from.operator)[i]! * bytesOf(input.element) : 0), 0)
    return [edge, { written, read, readMore, saved: written + read - readMore }]
  }))
}

/** How many elements of a tensor a node's own kernel loads. */
function loadsBy(node: Node, tensor: Buffer): number {
  return node.inputs.reduce((n, input, i) => n + (input === tensor ? loadsOf(node.operator)[i]! : 0), 0)
}
