/**
 * Where the tensors between kernels lie in one arena, so that memory is used again.
 *
 *     t0: steps 0..2, 1000 bytes      offset 0
 *     t1: steps 1..3, 500 bytes       offset 1024
 *     t2: steps 3..4, 900 bytes       offset 0, as t0 is not needed any more
 *
 * Large tensors are placed first, each into the smallest gap that is left between those that live at the same time
 * (best fit); without such a gap behind all of them. If the arena is larger than what lives at any one step, the tensor
 * that ends last is placed first instead, and all others anew: after some rounds of that most models waste nothing.
 */

export interface Block {
  readonly bytes: number
  /** The first step that needs it, and the last; both inclusive. */
  readonly first: number
  readonly last: number
}

export interface MemoryPlan {
  /** One for each block, multiples of `alignment`. */
  readonly offsets: readonly number[]
  /** Of the arena. */
  readonly bytes: number
  /** Of an arena in which every block has bytes of its own. */
  readonly bytesWithoutReuse: number
}

/** Bytes: CUDA's own allocations have it, and it is enough for every access. */
export const alignment = 256

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

/** At most so many comparisons of two blocks in all rounds; a round compares each with each. */
const patience = 1e7
/** More blocks are placed one step after the other, without a second round. */
const mostCompared = 10_000

export function planMemory(blocks: readonly Block[]): MemoryPlan {
  const sizes = blocks.map(b => aligned(b.bytes)), bytesWithoutReuse = sizes.reduce((n, size) => n + size, 0)
  if (blocks.length > mostCompared) return { ...placedInTime(blocks, sizes), bytesWithoutReuse }
  const least = mostAlive(blocks, sizes)
  let order = blocks.map((_, i) => i)
    .sort((a, b) => sizes[b]! - sizes[a]! || blocks[a]!.first - blocks[b]!.first || a - b)
  let best = placed(blocks, sizes, order), last = best.last
  for (let left = Math.floor(patience / blocks.length ** 2); left > 0 && best.bytes > least; left--) {
    order = [last, ...order.filter(i => i !== last)]
    const next = placed(blocks, sizes, order)
    if (next.bytes < best.bytes) best = next
    last = next.last
  }
  return { offsets: best.offsets, bytes: best.bytes, bytesWithoutReuse }
}

/** The bytes that live together at the fullest step: no arena is smaller. */
function mostAlive(blocks: readonly Block[], sizes: readonly number[]): number {
  const changes = new Map<number, number>()
  const change = (step: number, by: number) => changes.set(step, (changes.get(step) ?? 0) + by)
  for (const [i, { first, last }] of blocks.entries()) {
    change(first, sizes[i]!)
    change(last + 1, -sizes[i]!)
  }
  let alive = 0, most = 0
  for (const [, by] of [...changes].sort(([a], [b]) => a - b)) most = Math.max(most, alive += by)
  return most
}

interface Placed {
  readonly offsets: readonly number[]
  readonly bytes: number
  /** The block that ends last. */
  readonly last: number
}

function placed(blocks: readonly Block[], sizes: readonly number[], order: readonly number[]): Placed {
  const offsets = blocks.map(() => 0)
  /** By their start. */
  const before: Span[] = []
  let bytes = 0, last = order[0] ?? 0
  for (const i of order) {
    const block = blocks[i]!, size = sizes[i]!
    const start = bestStart(before.filter(p => p.block.first <= block.last && block.first <= p.block.last), size)
    const at = before.findIndex(p => p.start > start)
    before.splice(at < 0 ? before.length : at, 0, { block, start, end: start + size })
    offsets[i] = start
    if (start + size > bytes) {
      bytes = start + size
      last = i
    }
  }
  return { offsets, bytes, last }
}

interface Span { readonly block: Block; readonly start: number; readonly end: number }

/** `taken`: by their start; they may overlap each other. */
function bestStart(taken: readonly Span[], size: number): number {
  let end = 0, best: number | undefined, smallest = Infinity
  for (const t of taken) {
    const gap = t.start - end
    if (gap >= size && gap < smallest) {
      best = end
      smallest = gap
    }
    end = Math.max(end, t.end)
  }
  return best ?? end
}

/** As an allocator does while the steps run: from a list of gaps, by their start. */
function placedInTime(blocks: readonly Block[], sizes: readonly number[]): Pick<MemoryPlan, 'offsets' | 'bytes'> {
  const offsets = blocks.map(() => 0), all = blocks.map((_, i) => i), gaps: Gap[] = []
  const ends = all.toSorted((a, b) => blocks[a]!.last - blocks[b]!.last)
  let bytes = 0, ended = 0
  for (const i of all.toSorted((a, b) => blocks[a]!.first - blocks[b]!.first)) {
    for (; blocks[ends[ended]!]!.last < blocks[i]!.first; ended++) {
      giveBack(gaps, offsets[ends[ended]!]!, sizes[ends[ended]!]!)
    }
    const size = sizes[i]!
    let gap: Gap | undefined
    for (const g of gaps) if (sizeOf(g) >= size && (!gap || sizeOf(g) < sizeOf(gap))) gap = g
    offsets[i] = gap?.start ?? bytes
    if (!gap) bytes += size
    else if (sizeOf(gap) > size) gap.start += size
    else gaps.splice(gaps.indexOf(gap), 1)
  }
  return { offsets, bytes }
}

interface Gap { start: number; end: number }

function sizeOf({ start, end }: Gap): number {
  return end - start
}

/** A new gap, joined with those beside it. */
function giveBack(gaps: Gap[], start: number, size: number): void {
  if (size === 0) return
  const found = gaps.findIndex(g => g.start > start), at = found < 0 ? gaps.length : found
  const before = gaps[at - 1], after = gaps[at], end = start + size
  if (before?.end === start) {
    before.end = after?.start === end ? after.end : end
    if (after?.start === end) gaps.splice(at, 1)
  } else if (after?.start === end) after.start = start
  else gaps.splice(at, 0, { start, end })
}
