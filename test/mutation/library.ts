/**
 * What `npm run mutants` mutates: all schedules of the library, each choice that sizes make in them, fused graphs, and
 * the asynchronous copies of an example. Of the large ones a sample is taken, by a seed.
 */
import type { SubjectText } from './subjects.ts'

/** One warp, a tile of 16 x 32: every part of the schedule, little of it. */
const small = 'block_warps: (1, 1), warp_outer: (1, 1), block_k: 4'

/** Next to nothing, remainders in every direction, none in any; one tile of k and several, one block and several. */
const products: SubjectText['sizes'] =
  [{ batch: 1, m: 1, n: 1, k: 1 }, { batch: 1, m: 37, n: 45, k: 11 }, { batch: 2, m: 32, n: 64, k: 16 }]
/** The same for tiles of 128. */
const large: SubjectText['sizes'] =
  [{ batch: 1, m: 1, n: 1, k: 1 }, { batch: 2, m: 149, n: 173, k: 19 }, { batch: 1, m: 128, n: 256, k: 16 }]

export const library: readonly SubjectText[] = [
  { name: 'simt', instance: 'batch_matmul.simt()', sizes: large, sample: 120 },
  { name: 'simt, small', instance: `batch_matmul.simt(${small})`, sizes: products },
  // three of level 2, and a sample of their mutants
  ...[23, 98, 151].map(index => ({
    name: `simt, candidate ${index}`, instance: 'batch_matmul.simt()', candidate: { level: 2, index }, sizes: large, sample: 60
  })),
  {
    name: 'pipelined', instance: 'batch_matmul.pipelined(warps: (1, 1), batch: 1, m: 40, n: 72, k: 80)',
    before: 'import "9-copies-that-arrive-later"', sample: 120
  },
  // more tiles than stages
  {
    name: 'pipelined, guarded', instance: 'batch_matmul.pipelined(warps: (1, 1))', sample: 120,
    before: 'import "9-copies-that-arrive-later"',
    sizes: [{ batch: 1, m: 1, n: 1, k: 1 }, { batch: 2, m: 37, n: 71, k: 91 }, { batch: 1, m: 32, n: 64, k: 64 }]
  },
  { name: 'relu flat', instance: 'relu.flat(s: (7, 137))' },
  { name: 'add flat, four at once', instance: 'add.flat(s: (5, 1, 48), t: (7, 1), threads: 128)' },
  { name: 'transpose flat', instance: 'transpose.flat(s: (2, 3, 5, 7), perm: (0, 3, 1, 2), threads: 128)' },
  { name: 'concat flat', instance: 'concat.flat(s: (7, 3), t: (7, 30), axis: 1, threads: 128)' },
  { name: 'gather flat', instance: 'gather.flat(s: (3, 20, 5), t: (2, 9), axis: 1, threads: 128)' },
  { name: 'sum by warps', instance: 'reduce.warp_per_result(s: (6, 200), axes: (1,), op: sum)' },
  // a maximum hides all other elements: as many rows as places, about
  { name: 'max by warps', instance: 'reduce.warp_per_result(s: (64, 2, 33), axes: (1, 2), op: max)' },
  { name: 'arg_max by warps', instance: 'arg_max.warp_per_result(s: (32, 68), axis: 1)' },
  { name: 'avg by threads', instance: 'reduce.thread_per_result(s: (9, 130), axes: (0,), op: avg, threads: 64)' },
  { name: 'softmax by warps', instance: 'softmax.warp_per_row(s: (5,), n: 77, rows: 2)' },
  { name: 'softmax by warps, four at once', instance: 'softmax.warp_per_row(s: (2, 3), n: 200)' },
  { name: 'softmax online', instance: 'softmax.online(s: (8,), threads: 128)', sizes: [{ n: 1 }, { n: 300 }, { n: 256 }] },
  { name: 'layer_norm', instance: 'layer_norm.block_per_row(s: (3,), n: 77, threads: 64)' },
  { name: 'layer_norm, four at once', instance: 'layer_norm.block_per_row(s: (2, 2), n: 300, threads: 64)' },
  {
    name: 'layer, fused', instance: `layer.simt(${small})`, sample: 120,
    before: `graph layer(x: f16[1, 37, 11], w: f32[1, 11, 45], bias: f32[45]) {
  return relu(batch_matmul(cast(x, U: f32), w) + bias)
}`
  },
  {
    name: 'convolution tail, fused', instance: `tail.simt(${small})`, sample: 120,
    before: `graph tail(a: f32[1, 36, 8], b: f32[1, 8, 40], bias: f32[1, 40, 1, 1]) {
  return relu(transpose(reshape(batch_matmul(a, b), (1, 6, 6, 40)), (0, 3, 1, 2)) + bias)
}`
  }
]
