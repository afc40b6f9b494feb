import { describe, expect, it } from 'vitest'
import { checkLimits } from '../../../compiler-core/lowering/limits.ts'
import { compiled, findings, kernel, type Around } from './support.ts'

/** Each expected text is part of one finding, in order; none: nothing is found. The kernels need not store a result. */
function check(body: string, expected: readonly string[], around: Around = {}): void {
  it(`${body.trim().replace(/\s+/g, ' ').slice(0, 90)} -> ${expected.join(', ').slice(0, 60) || 'fine'}`, () => {
    const found = findings(kernel(body, around)).filter(f => !f.startsWith('never-written'))
    expect(found.length, found.join('\n')).toBe(expected.length)
    expected.forEach((text, i) => { expect(found[i]).toContain(text) })
  })
}

const tile = 'let tile = spatial(4, 8) * repeat(4, 2)'
const square: Around = { x: 'f32[16, 16]', y: 'f32[16, 16]', block: '32', lets: tile }

describe('out-of-bounds', () => {
  check('y[threadIdx.x] = x[threadIdx.x]', [])
  check('y[threadIdx.x] = x[threadIdx.x + 1]', [
    'out-of-bounds: `x[threadIdx.x + 1]` may lie outside of `x`: the index `threadIdx.x + 1` ranges over 1 to 64, and the extent is `64`. Guard the access with `??`'
  ])
  check('y[threadIdx.x - 1] = x[threadIdx.x]', ['ranges over -1 to 62', ])
  check('y[threadIdx.x + 64] = 0', ['lies outside of `y`'])
  check('y[threadIdx.x] = x[threadIdx.x + 1] ?? 0', [])
  check('y[threadIdx.x + 1] =? x[threadIdx.x]', [])
  check('if threadIdx.x < 63 { y[threadIdx.x] = x[threadIdx.x + 1] }', [])
  check('if threadIdx.x >= 63 { return }  y[threadIdx.x] = x[threadIdx.x + 1]', [])
  check('y[threadIdx.x] = if threadIdx.x + 1 < 64 then x[threadIdx.x + 1] else 0', [])
  check('shared s: f32[32]  s[threadIdx.x] = 0', ['`s[threadIdx.x]` may lie outside of `s`'])
  check('register r: f32[4] = 0  unroll for i in 0..5 { r[i] = 1 }', ['`r[i]` may lie outside of `r`'])
  check('y[threadIdx.x, 0] = 0', ['index 0, `threadIdx.x`, ranges over 0 to 63'], { y: 'f32[32, 2]' })
  check('y[threadIdx.x] = 0', [], { x: 'f32[n]', y: 'f32[n]', bind: 'n: 64' })
  check('let i = blockIdx.x * 64 + threadIdx.x  y[i] = 0', ['and the extent is `n`'], { x: 'f32[n]', y: 'f32[n]', grid: 'ceil_div(n, 64)' })
  check('let i = blockIdx.x * 64 + threadIdx.x  if i < n { y[i] = 0 }', [], { x: 'f32[n]', y: 'f32[n]', grid: 'ceil_div(n, 64)' })
  check('for t in 0..ceil_div(n, 8) - 1 { y[t * 8 + threadIdx.x % 8] = 0 }', [], { x: 'f32[n]', y: 'f32[n]' })
  check('for t in 0..ceil_div(n, 8) { y[t * 8 + threadIdx.x % 8] = 0 }', ['may lie outside'], { x: 'f32[n]', y: 'f32[n]' })
  check('var s: int = 0  for t in 0..9 { y[s * 32 + threadIdx.x % 32] = 0  s = 1 - s }', [])
  check('var s: int = 0  for t in 0..9 { y[s * 32 + threadIdx.x % 32] = 0  s = (s + 1) % 3 }', ['may lie outside'])
  check('var p = threadIdx.x  while p < 64 { y[p] = 0  p = p + 32 }', [])
  check('var p = threadIdx.x  while p < 64 { p = p + 32  y[p] = 0 }', ['may lie outside'])
})

describe('too-many-workers', () => {
  check('for i in spatial(128).on(threadIdx.x) { y[i % 64] = 0 }', [
    'too-many-workers: `spatial(128)` has 128 workers, but `threadIdx.x` is at most 63 here: the tasks of workers 64 to 127 would not be executed.'
  ])
  check('for i in wide.on(threadIdx.x) { y[i % 64] = 0 }', ['`wide` has 128 workers'], { lets: 'let wide = spatial(128)' })
  check('for i in spatial(32).on(threadIdx.x) { y[i] = 0 }', [])
  check('for i in spatial(64).on(threadIdx.x % 32) { y[i] = 0 }', ['at most 31'])
  check('if threadIdx.x < 16 { for i in spatial(64).on(threadIdx.x) { y[i] = 0 } }', ['at most 15'])
})

describe('not-held', () => {
  const init = 'register acc: f32[16, 16] in tile.layout = 0'
  check(`${init} for (i, j) in tile.on(threadIdx.x) { acc[i, j] = 1  y[i, j] = acc[i, j] }`, [], square)
  check(`${init} for (i, j) in tile.on(threadIdx.x) { acc[i, j] = 1 } for (i, j) in tile.on(threadIdx.x) { y[i, j] = acc[j, i] }`, [
    'not-held: `acc` is spread over the threads of the block, and thread 0 accesses `acc[j, i]` at (0, 2), an element that it does not hold.'
  ], square)
  check(`${init} for (i, j) in tile.on(threadIdx.x) { y[i, j] = acc[i, j] } for (i, j) in (repeat(4, 2) * spatial(4, 8)).on(threadIdx.x) { y[i, j] = acc[i, j] }`, ['not-held'], square)
  check(`${init} for (i, j) in tile.on(threadIdx.x) { y[i, j] = acc[i, j] } for (i, j) in (spatial(4, 8) * repeat(2, 2) * repeat(2, 1)).on(threadIdx.x) { y[i, j] = acc[i, j] }`, [], square)
  check(`${init} unroll for i in 0..16 { acc[i, 0] = 1 }`, ['not-held'], square)
  check(`${init} acc[threadIdx.x / 8 * 4, threadIdx.x % 8 * 2 + 1] = 1`, [], square)
})

describe('dynamic-register', () => {
  check('register r: f32[8] = 0  for i in 0..8 { r[i] = x[i]  y[i] = r[i] }', [])
  check('register r: f32[8] = 0  r[threadIdx.x % 8] = 1', ['dynamic-register: `r[threadIdx.x % 8]` is a register whose number depends on `threadIdx.x`'])
  check('register r: f32[8] = 0  for i in 0..n { r[i % 8] = 1 }', ['Its loop must have an extent that is known'], { x: 'f32[n]', y: 'f32[n]' })
  check('register r: f32[8] = 0  for t in 0..9 { unroll for i in 0..8 { r[(i + 1) % 8] = x[t] } }', [])
  check('register r: f32[8] = 0  for i in repeat(8, rolled).on(0) { r[i] = 1 }', ['dynamic-register'])
})

describe('divergent-barrier', () => {
  check('syncthreads()', [])
  check('if threadIdx.x < 32 { syncthreads() }', ['divergent-barrier: Not all threads of a block reach `syncthreads()` here: `threadIdx.x < 32` differs'])
  check('if threadIdx.x < 64 { syncthreads() }', [])
  check('if blockIdx.x == 0 { syncthreads() }', [], { grid: '4' })
  check('if threadIdx.x < 32 { return }  syncthreads()', ['divergent-barrier'])
  check('for t in 0..threadIdx.x { syncthreads() }', ['divergent-barrier'])
  check('for t in 0..4 { if t == threadIdx.x { break }  syncthreads() }', ['divergent-barrier'])
  check('for t in 0..4 { syncthreads()  if t == threadIdx.x { break } }', ['divergent-barrier'])
  check('for t in 0..4 { if t == threadIdx.x { break } }  syncthreads()', [])
  check('for t in 0..4 { syncthreads()  if t == threadIdx.x { continue } }', [])
  check('let v = x[0]  if v < 3 { syncthreads() }', [])
  check('let v = x[threadIdx.x]  if v < 3 { syncthreads() }', ['divergent-barrier'])
  check('var n = 4  if threadIdx.x < 3 { n = 5 }  for t in 0..n { syncthreads() }', ['divergent-barrier'])
  check('var n = 4  while n > 0 { syncthreads()  n = n - 1 }', [])
  check('for i in spatial(32).on(threadIdx.x) { syncthreads() }', ['divergent-barrier'])
  check('for i in (repeat(2) * spatial(64)).on(threadIdx.x) { syncthreads() }', [])
  check('if threadIdx.x < 32 { shared s: f32[4] = 0 }', ['setting shared memory'])
  check('if threadIdx.x % 2 == 0 { y[threadIdx.x] = 0 }', [])
})

describe('not-vectorised', () => {
  check('for i in (spatial(16) * repeat(4, vector)).on(threadIdx.x) { y[i] = x[i] }', [])
  check('for i in (repeat(4, vector) * spatial(16)).on(threadIdx.x) { y[i] = x[i] }', ['not-vectorised: This loop stays a loop over single elements: no access of memory is contiguous'])
  check('for i in (spatial(16) * repeat(4, vector)).on(threadIdx.x) { y[i] =? x[i + 1] ?? 0 }', [])
  check('for i in (spatial(16) * repeat(4, vector)).on(threadIdx.x) { if i < n { y[i % 64] = x[i % 64] } }', ['condition is not proved'], { x: 'f32[n]', y: 'f32[n]', bind: 'n: 61' })
  check('register r: f32[4] = 0  for i in repeat(4, vector).on(0) { r[i] = 1 }', [])
})

describe('never-written', () => {
  const stored = (body: string, expected: readonly string[], around: Around = {}) => {
    it(`${body} -> ${expected.join() || 'fine'}`, () => { expect(findings(kernel(body, around))).toEqual(expected) })
  }
  stored('let v = x[0]', ['never-written: No kernel stores to `y`, a result of `op`.'])
  stored('y[threadIdx.x + 64] =? x[0]', ['never-written: No kernel stores to `y`, a result of `op`.'])
  stored('y[0] = 1', [])
  stored('atomic_add(y[0], x[threadIdx.x])', [])
})

describe('limits', () => {
  const limits = { target: 'sm_80', threadsPerBlock: 1024, bytesPerBlock: 166912 }
  const limit = (body: string, around: Around, expected: readonly string[]) => {
    it(expected.join() || 'fine', () => {
      const program = compiled(kernel(body, around)).stages.at(-1)?.program
      const found = program ? checkLimits(program, limits).map(f => `${f.code}: ${f.message}`) : []
      expect(found.length).toBe(expected.length)
      expected.forEach((text, i) => { expect(found[i]).toContain(text) })
    })
  }
  limit('y[threadIdx.x % 64] = 0', { block: '1024' }, [])
  limit('y[threadIdx.x % 64] = 0', { block: '1536' }, ['too-many-threads: A block of `main` has 1536 threads; sm_80 allows 1024, which is 512 fewer.'])
  limit('y[threadIdx.x % 64] = 0', { block: '(1, 1, 128)' }, ['128 threads along z; at most 64'])
  limit('shared s: f32[50000]  s[0] = 0', {}, ['too-much-shared-memory: A block of `main` needs 200000 bytes of shared memory; sm_80 allows 166912, which is 33088 fewer.'])
  limit('shared s: f32[30000]  s[0] = 0  syncthreads()  shared t: f32[30000] reuses s  t[0] = 0', {}, [])
  limit('y[threadIdx.x] = 0', { grid: '(1, 70000)' }, ['grid-too-large: `main` is launched with 70000 blocks along y; at most 65535'])
})
