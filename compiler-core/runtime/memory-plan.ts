/**
 * Where the tensors between kernels lie in one arena, so that memory is used again.
 *
 *     t0: steps 0..2, 1000 bytes      offset 0
 *     t1: steps 1..3, 500 bytes       offset 1024
 *     t2: steps 3..4, 900 bytes       offset 0, as t0 is not needed any more
 *
 * Large tensors are placed first, each into the smallest gap that is left between those that live at the same time
 * (best fit); without such a gap behind all of them.
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

export function planMemory(blocks: readonly Block[]): MemoryPlan {
  const offsets = blocks.map(() => 0)
  const order = blocks.map((_, i) => i)
    .sort((a, b) => blocks[b]!.bytes - blocks[a]!.bytes || blocks[a]!.first - blocks[b]!.first || a - b)
  /** By offset. */
  const placed: { readonly block: Block; readonly start: number; readonly end: number }[] = []
  let bytes = 0
  for (const i of order) {
    const block = blocks[i]!, size = aligned(block.bytes)
    const start = bestStart(placed.filter(p => p.block.first <= block.last && block.first <= p.block.last), size)
    offsets[i] = start
    const end = start + size, at = placed.findIndex(p => p.start > start)
    placed.splice(at < 0 ? placed.length : at, 0, { block, start, end })
    bytes = Math.max(bytes, end)
  }
  return { offsets, bytes, bytesWithoutReuse: blocks.reduce((n, b) => n + aligned(b.bytes), 0) }
}

/** `taken`: by their start; they may overlap each other. */
function bestStart(taken: readonly { readonly start: number; readonly end: number }[], size: number): number {
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

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}
