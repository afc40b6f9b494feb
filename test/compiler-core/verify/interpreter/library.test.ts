/**
 * What the library's schedules compute, alone and fused: to the last bit what the slow interpreter does, in all
 * orders.
 */
import { describe, it } from 'vitest'
import { checkAgrees, ofLibrary, type How } from './support.ts'

function check(text: string, how: How & { readonly candidate?: number } = {}): void {
  const { candidate } = how
  it(`${text}${candidate === undefined ? '' : `, candidate ${candidate}`}`, () => {
    checkAgrees(ofLibrary(text, candidate === undefined ? undefined : { level: 2, index: candidate }), how)
  })
}

describe('matrix multiplication', () => {
  check('batch_matmul.simt(batch: 2, m: 37, n: 45, k: 11)')
  check('batch_matmul.simt(batch: 1, m: 17, n: 61, k: 13, atom: custom_4x8, block_warps: (2, 2), warp_outer: (1, 1))')
  check('batch_matmul.simt(batch: 1, m: 23, n: 67, k: 3, atom: row_2x16, block_warps: (2, 1), warp_outer: (1, 1), block_k: 4)')
  check('batch_matmul.simt(T: f16, batch: 1, m: 20, n: 45, k: 9, block_warps: (2, 2), warp_outer: (1, 1))')
  check('batch_matmul.simt(block_warps: (2, 2), warp_outer: (1, 1))', { extents: { batch: 1, m: 33, n: 5, k: 9 } })
  for (const candidate of [0, 88]) check('batch_matmul.simt(batch: 1, m: 33, n: 130, k: 9)', { candidate })
})

describe('element by element', () => {
  check('relu.flat(s: 1001)')
  check('silu.flat(s: (3, 5, 7))')
  check('add.flat(s: (4, 1, 8), t: (3, 8))')
  check('cast.flat(s: 100, U: f16)')
  check('cast.flat(T: f64, s: 10, U: i64)')
  check('rounded.flat(T: f16, s: 33)')
  check('power.flat(s: 9, t: 9)')
  check('transpose.flat(s: (4, 6, 5), perm: (2, 0, 1))')
  check('pad2d.flat(n: 1, c: 2, h: 3, w: 5, p: 1)')
  check('concat.flat(s: (2, 3), t: (4, 3), axis: 0)')
  check('slice.flat(s: (9, 8), begin: (1, 2), size: (3, 4), step: (2, 1))')
})

describe('reductions', () => {
  check('reduce.warp_per_result(s: (5, 100), axes: 1, op: sum)')
  check('reduce.warp_per_result(T: f16, s: (4, 3, 40), axes: (1, 2), op: avg)')
  check('reduce.thread_per_result(T: i8, s: (40, 5), axes: 0, op: sum)')
  check('reduce.thread_per_result(T: i32, s: (7, 6, 5), axes: 1, op: min, keep: true)')
  check('arg_max.warp_per_result(s: (5, 70), axis: 1)')
  check('arg_min.thread_per_result(s: (20, 6), axis: 0)')
  check('softmax.warp_per_row(s: (2, 3), n: 33)')
  check('softmax.online(s: 2, n: 300)')
  check('softmax.online(s: 2)', { extents: { n: 31 } })
  check('layer_norm.block_per_row(s: 3, n: 100)')
})

describe('fused graphs', () => {
  check('graph g(a: f16[1, 40, 12], b: f32[1, 12, 36], bias: f32[36]) { return relu(batch_matmul(cast(a, U: f32), b) + bias) }')
  check(`graph g(a: f32[1, 196, 8], b: f32[1, 8, 20], bias: f32[1, 20, 1, 1]) {
  let c = reshape(batch_matmul(a, b), to: (1, 14, 14, 20))
  return relu(transpose(c, perm: (0, 3, 1, 2)) + bias)
}`)
  check('graph g(x: f32[4, 30]) { return softmax(x * 2.0) }')
  check('graph g(x: f32[5, 40], b: f32[5]) { return exponential(reduce(relu(x), axes: 1, op: sum) + b) }')
})
