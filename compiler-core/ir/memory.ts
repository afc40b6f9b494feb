/**
 * How much memory buffers take, and where those of a kernel lie in the block's shared memory.
 *
 *     shared sa: f32[2, 128, 8]                    bytes 0 .. 8191
 *     shared sb: f32[2, 8, 128]                    bytes 8192 .. 16383
 *     shared out: f32[64, 64] reuses (sa, sb)      bytes 0 .. 16383
 */
import type { Allocate, Buffer, ElementName, Kernel, Stmt } from './ir.ts'

export function bytesOf(element: ElementName): number {
  switch (element) {
    case 'f64': case 'i64': case 'u64': return 8
    case 'f32': case 'tf32': case 'i32': case 'u32': return 4
    case 'f16': case 'bf16': case 'i16': case 'u16': return 2
    case 'i8': case 'u8': case 'bool': return 1
  }
}

/** Storage cells; undefined where the shape is known only at launch. */
export function cellsOf(buffer: Buffer): number | undefined {
  if (buffer.layout) return buffer.layout.size
  let cells = 1
  for (const extent of buffer.shape) {
    if (extent.kind !== 'constant') return undefined
    cells *= Number(extent.value)
  }
  return cells
}

export interface SharedMemory {
  /** The first byte of each buffer, a multiple of 16: wide accesses need it. */
  readonly offsets: ReadonlyMap<Buffer, number>
  readonly bytes: number
}

/**
 * One after the other in the order of allocation; one that takes over others starts where the first of them did, unless
 * it would reach into a buffer that is still in use.
 */
export function sharedMemory(kernel: Kernel): SharedMemory {
  const offsets = new Map<Buffer, number>(), inUse = new Map<Buffer, { start: number; end: number }>()
  let bytes = 0
  for (const { buffer, reuses } of sharedAllocations(kernel.body)) {
    const size = roundUp((cellsOf(buffer) ?? 0) * bytesOf(buffer.element), 16)
    const starts = reuses.flatMap(b => offsets.get(b) ?? []).sort((a, b) => a - b)
    for (const b of reuses) inUse.delete(b)
    const free = (start: number) => [...inUse.values()].every(u => u.end <= start || start + size <= u.start)
    const start = starts.find(free) ?? bytes
    offsets.set(buffer, start)
    inUse.set(buffer, { start, end: start + size })
    bytes = Math.max(bytes, start + size)
  }
  return { offsets, bytes }
}

function* sharedAllocations(body: readonly Stmt[]): Generator<Allocate> {
  for (const s of body) {
    switch (s.kind) {
      case 'allocate':
        if (s.buffer.scope === 'shared') yield s
        break
      case 'for': case 'tasks': case 'while':
        yield* sharedAllocations(s.body)
        break
      case 'if':
        yield* sharedAllocations(s.then)
        yield* sharedAllocations(s.otherwise)
        break
      default:
    }
  }
}

function roundUp(n: number, step: number): number {
  return Math.ceil(n / step) * step
}
