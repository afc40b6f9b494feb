/** Each fault is found in every order of threads, and told with both sides; what is right is without faults. */
import { describe, expect, it } from 'vitest'
import type { Around } from '../../lowering/support.ts'
import { accessText, faultText, ofKernel, outcomeOf, orders, placesOf, runsOf } from './support.ts'

/** `expected`: the faults of the run forwards; those of the other orders are of the same kinds at the same places. */
function check(name: string, body: string, expected: readonly string[], around: Around = {}): void {
  it(name, () => {
    const [forward = [], ...others] = runsOf(ofKernel(body, around)).map(r => r.faults.map(faultText))
    expect(forward).toEqual(expected)
    for (const [n, other] of others.entries()) expect(placesOf(other), orders[n + 1]).toEqual(placesOf(expected))
  })
}

function right(name: string, body: string, around: Around = {}): void {
  it(name, () => {
    for (const r of runsOf(ofKernel(body, around))) expect(r.faults.map(faultText)).toEqual([])
  })
}

const exchange = (between: string, before = ''): string => `shared s: f32[64]
    ${before}
    s[threadIdx.x] = x[threadIdx.x]
    ${between}
    y[threadIdx.x] = s[63 - threadIdx.x]`

describe('races in shared memory', () => {
  right('a barrier between', exchange('syncthreads()'))
  check('none', exchange(''), ['race: 32 write s[32] | 31 read s[32]'])
  right('each thread its own', 'shared s: f32[64]\ns[threadIdx.x] = x[threadIdx.x]\ny[threadIdx.x] = s[threadIdx.x]')
  check('a write behind the reads', `${exchange('syncthreads()')}
    s[threadIdx.x] = 1`, ['race: 32 read s[31] | 31 write s[31]'])
  check('two writes', 'shared s: f32[64]\ns[threadIdx.x / 2] = x[threadIdx.x]\nsyncthreads()\ny[threadIdx.x] = s[threadIdx.x / 2]',
    ['race: 1 write s[0] | 0 write s[0]'])
  check('the second reader', `shared s: f32[64]
    if threadIdx.x == 0 { s[0] = 1 }
    syncthreads()
    y[threadIdx.x] = s[0]
    if threadIdx.x == 0 { s[0] = 2 }`, ['race: 1 read s[0] | 0 write s[0]'])
  check('in a later turn', `shared s: f32[64]
    for t in 0..3 {
      s[threadIdx.x] = x[threadIdx.x]
      syncthreads()
      y[threadIdx.x] = s[63 - threadIdx.x]
    }`, ['race: 32 read s[31] | 31 write s[31]'])
  check('lanes of a warp need a barrier too', `shared s: f32[64]
    s[threadIdx.x] = x[threadIdx.x]
    let v = shfl_xor_sync(x[threadIdx.x], 1)
    y[threadIdx.x] = s[threadIdx.x / 2 * 2] + v`, ['race: 1 read s[0] | 0 write s[0]'])
  right('two stages take turns', `shared s: f32[2, 64]
    for t in 0..4 {
      s[t % 2, threadIdx.x] = x[threadIdx.x]
      syncthreads()
      y[threadIdx.x] = s[t % 2, 63 - threadIdx.x]
    }`)
  check('set while it is read', `shared s: f32[64]
    s[threadIdx.x] = x[threadIdx.x]
    syncthreads()
    y[threadIdx.x] = s[63 - threadIdx.x]
    s[threadIdx.x] = s[threadIdx.x] * 2`, ['race: 32 read s[31] | 31 write s[31]'])
})

describe('memory that is taken over', () => {
  const reused = (between: string) => `shared a: f32[64]
    a[threadIdx.x] = x[threadIdx.x]
    syncthreads()
    let v = a[63 - threadIdx.x]
    ${between}
    shared b: f16[128] reuses a
    b[threadIdx.x * 2] = f16(v)
    b[threadIdx.x * 2 + 1] = f16(v)
    syncthreads()
    y[threadIdx.x] = f32(b[127 - threadIdx.x])`
  right('behind a barrier', reused('syncthreads()'))
  check('at once', reused(''), ['race: 32 read a[31] | 31 write b[62]', 'race: 32 write b[64] | 31 read a[32]'])
  check('the first tensor is gone', `${reused('syncthreads()')}
    y[threadIdx.x] = a[threadIdx.x]`, ['uninitialised: 0 read a[0]'])
})

describe('global memory', () => {
  check('two blocks write one element', 'y[threadIdx.x] = x[threadIdx.x]', ['double-write: 0 of block 1, 0, 0 write y[0] | 0 write y[0]'], { grid: '2' })
  check('two threads, a barrier between them', `if threadIdx.x == 0 { y[1] = 1 }
    syncthreads()
    if threadIdx.x == 1 { y[1] = 2 }`, ['double-write: 1 write y[1] | 0 write y[1]'])
  right('one thread, twice', 'y[threadIdx.x] = 1\ny[threadIdx.x] = x[threadIdx.x]')
  check('an output that another thread reads', `y[threadIdx.x] = x[threadIdx.x]
    y[threadIdx.x] = y[63 - threadIdx.x]`, ['race: 32 write y[32] | 31 read y[32]', 'race: 32 read y[31] | 31 write y[31]'])
  right('an output that a thread reads back', 'y[threadIdx.x] = x[threadIdx.x]\ny[threadIdx.x] = y[threadIdx.x] * 2')
})

describe('bounds, by logical index', () => {
  check('a read', 'y[threadIdx.x] = x[threadIdx.x + 1]', ['out-of-bounds: 63 read x[64]'])
  check('a read below', 'y[threadIdx.x] = x[threadIdx.x - 2]', ['out-of-bounds: 0 read x[-2]'])
  check('a write', 'y[threadIdx.x * 2] = 1', ['out-of-bounds: 32 write y[64]'])
  check('of the row, within the tensor', 'y[threadIdx.x] = x[threadIdx.x / 8, threadIdx.x % 8 + 1]', ['out-of-bounds: 7 read x[0, 8]'], { x: 'f32[8, 8]' })
  check('of shared memory', 'shared s: f32[8, 8]\ns[threadIdx.x % 8, threadIdx.x / 8 + 1] = 1', ['out-of-bounds: 56 write s[0, 8]'])
  check('of a loop', 'for i in 0..9 { if threadIdx.x == 0 { y[i * 8] = 1 } }', ['out-of-bounds: 0 write y[64]'])
  right('with a value outside', 'y[threadIdx.x] = x[threadIdx.x + 1] ?? 0')
  right('with a guard', 'y[threadIdx.x * 2] =? 1')
})

describe('what nobody has written', () => {
  check('shared memory', 'shared s: f32[65]\ns[threadIdx.x] = 1\nsyncthreads()\ny[threadIdx.x] = s[threadIdx.x + 1]', ['uninitialised: 63 read s[64]'])
  check('registers', 'register v: f32[4]\nv[0] = 1\ny[threadIdx.x] = v[threadIdx.x % 2]', ['uninitialised: 1 read v[1]'])
  check('an output', 'y[threadIdx.x] = y[threadIdx.x] + 1', ['uninitialised: 0 read y[0]'])
  check('whole numbers', 'shared s: i32[64]\ny[threadIdx.x] = f32(s[threadIdx.x])', ['uninitialised: 0 read s[0]'])
  check('numbers of 64 bits', 'shared s: i64[64]\ny[threadIdx.x] = f32(s[threadIdx.x])', ['uninitialised: 0 read s[0]'])
  right('a NaN is a value', 'shared s: f32[64]\ns[threadIdx.x] = 0.0 * (1.0 / 0.0) * x[threadIdx.x]\nsyncthreads()\ny[threadIdx.x] = s[63 - threadIdx.x]')
  right('memory with a first value', 'shared s: f32[64] = 3\nregister v: f32[4] = 1\ny[threadIdx.x] = s[63 - threadIdx.x] + v[3]')
  check('memory that is fresh in each block', 'shared s: f32[64]\nif blockIdx.x == 0 { s[threadIdx.x] = 1 }\ny[blockIdx.x * 64 + threadIdx.x] = s[threadIdx.x]',
    ['uninitialised: 0 of block 1, 0, 0 read s[0]'], { grid: '2', y: 'f32[128]' })
  check('registers that are fresh in each turn', `for t in 0..2 {
      register v: f32[1]
      if t == 0 { v[0] = 1 }
      y[threadIdx.x] = v[0]
    }`, ['uninitialised: 0 read v[0]'])
})

describe('registers that are spread over threads', () => {
  const tile = 'let tile = spatial(8, 8) * repeat(1, 2)', y = 'f32[8, 16]'
  const spread = (read: string) => `register v: f32[8, 16] in tile.layout
    for (i, j) in tile.on(threadIdx.x) { v[i, j] = x[i * 8] }
    ${read}`
  right('each thread its own elements', spread('for (i, j) in tile.on(threadIdx.x) { y[i, j] = v[i, j] }'), { lets: tile, y })
  check('elements of another thread', spread('for (i, j) in tile.on(threadIdx.x) { y[i, j] = v[7 - i, j] }'), ['uninitialised: 0 read v[7, 0]'], { lets: tile, y })
  check('with a first value', `register v: f32[8, 16] in tile.layout = 0
    for (i, j) in tile.on(threadIdx.x) { v[i, j] = 1 }
    for (i, j) in tile.on(threadIdx.x) { y[i, j] = v[i, 15 - j] }`, ['uninitialised: 0 read v[0, 15]'], { lets: tile, y })
})

describe('copies that arrive later', () => {
  const copied = (wait: string, use = 'y[threadIdx.x] = s[63 - threadIdx.x]') => `shared s: f32[64]
    async for i in spatial(64).on(threadIdx.x) { s[i] = x[i] }
    ${wait}
    ${use}`
  right('a wait and a barrier', copied('commit_group()\nwait_group(0)\nsyncthreads()'))
  right('a wait, for the own element', copied('commit_group()\nwait_group(0)', 'y[threadIdx.x] = s[threadIdx.x]'))
  check('no wait', copied('commit_group()\nsyncthreads()'), ['not-arrived: 0 read s[63] | 63 write s[63]'])
  check('no group', copied('wait_group(0)\nsyncthreads()'), ['not-arrived: 0 read s[63] | 63 write s[63]'])
  check('one group too few', copied('commit_group()\nwait_group(1)\nsyncthreads()'), ['not-arrived: 0 read s[63] | 63 write s[63]'])
  check('no barrier behind the wait', copied('commit_group()\nwait_group(0)'), ['race: 32 write s[32] | 31 read s[32]'])
  check('a write meanwhile', copied('s[threadIdx.x] = 2\ncommit_group()\nwait_group(0)\nsyncthreads()'), ['not-arrived: 0 write s[0] | 0 write s[0]'])
  right('two groups, the older one used', `shared s: f32[2, 64]
    for t in 0..2 {
      async for i in spatial(64).on(threadIdx.x) { s[t, i] = x[i] }
      commit_group()
    }
    wait_group(1)
    syncthreads()
    y[threadIdx.x] = s[0, 63 - threadIdx.x]`)
  check('two groups, the younger one used', `shared s: f32[2, 64]
    for t in 0..2 {
      async for i in spatial(64).on(threadIdx.x) { s[t, i] = x[i] }
      commit_group()
    }
    wait_group(1)
    syncthreads()
    y[threadIdx.x] = s[1, 63 - threadIdx.x]`, ['not-arrived: 0 read s[1, 63] | 63 write s[1, 63]'])
})

describe('waiting for others', () => {
  check('a barrier in a branch', 'if threadIdx.x < 32 { syncthreads() }\ny[threadIdx.x] = 1', ['divergent-barrier: 0 barrier | 32 end'])
  check('threads that have left', 'if threadIdx.x >= 32 { return }\nsyncthreads()\ny[threadIdx.x] = 1', ['divergent-barrier: 0 barrier | 32 end'])
  check('two barriers', 'if threadIdx.x < 32 { syncthreads() } else { syncthreads() }\ny[threadIdx.x] = 1', ['divergent-barrier: 0 barrier | 32 barrier'])
  check('a shuffle in a branch', 'var v = x[threadIdx.x]\nif threadIdx.x % 2 == 0 { v = shfl_xor_sync(v, 2) }\ny[threadIdx.x] = v', ['divergent-shuffle: 0 shuffle | 1 end'])
  right('a shuffle of whole warps', 'var v = x[threadIdx.x]\nif threadIdx.x >= 32 { v = shfl_xor_sync(v, 2) }\ny[threadIdx.x] = v')
  right('a barrier that no thread decides', 'for t in 0..3 { if t == 2 { syncthreads() } }\ny[threadIdx.x] = 1')
})

describe('ends', () => {
  it('an assertion', () => {
    const [run] = runsOf(ofKernel('assert(threadIdx.x < 7, "too many")\ny[threadIdx.x] = 1'))
    expect(run?.faults.map(faultText)).toEqual(['assertion: 7 assert'])
  })
  it('a loop without end', () => {
    const [run] = runsOf(ofKernel('var n = 1\nwhile n > 0 { n = n + 1 - 1 }\ny[threadIdx.x] = 1'), { orders: ['forward'] })
    expect(run?.faults.map(faultText)).toEqual(['endless: 0 loop'])
    expect(run?.blocks).toEqual({ run: 0, total: 1 })
  })
})

describe('a whole number divided by zero', () => {
  const ends = (body: string, message: string, fault?: string) => {
    it(body, () => {
      const outcome = outcomeOf(ofKernel(body), { orders: ['forward'] })
      if (outcome.kind !== 'ended') throw new Error(outcome.kind)
      const { why, fault: before } = outcome
      expect([why, outcome.message, before && faultText(before)]).toEqual(['crash', message, fault])
    })
  }
  const told = (expression: string, thread = 3) => `Thread (${thread}, 0, 0) of block (0, 0, 0) divides a whole number by zero: \`${expression}\`.`
  ends('y[threadIdx.x] = x[64 / (threadIdx.x - 3) % 64]', told('64 / (threadIdx.x - 3)'))
  ends('y[threadIdx.x] = x[5 % (threadIdx.x - 3)]', told('5 % (threadIdx.x - 3)'), 'out-of-bounds: 0 read x[-1]')
  ends('y[threadIdx.x] = f32(i64(7) / (i64(threadIdx.x) - 3))', told('7 / (i64(threadIdx.x) - 3)'))
  right('not where it is not taken', 'y[threadIdx.x] = if threadIdx.x != 3 then f32(9 / (threadIdx.x - 3)) else 0')
  right('of numbers with fractions it is infinite', 'y[threadIdx.x] = 1 / (f32(threadIdx.x) - 3)')
})

describe('atomics', () => {
  it('the last thread that added is the writer', () => {
    const [run] = runsOf(ofKernel('atomic_add(y[threadIdx.x / 4], x[threadIdx.x])\nif threadIdx.x == 5 { atomic_add(y[9], 1) }', { grid: '2' }))
    const writers = [1, 9, 63].map(element => run?.outputs[0]?.writerOf(element))
    expect(writers.map(w => w && accessText(w))).toEqual(['7 of block 1, 0, 0 atomic y[1]', '39 of block 1, 0, 0 atomic y[9]', undefined])
  })
  right('many threads', 'atomic_add(y[threadIdx.x / 2], x[threadIdx.x])')
  right('of blocks', 'atomic_add(y[threadIdx.x], x[threadIdx.x])', { grid: '3' })
  right('in shared memory, read behind a barrier', 'shared s: i32[1] = 0\natomic_add(s[0], 1)\nsyncthreads()\ny[threadIdx.x] = f32(s[0])')
  check('beside a plain read', 'shared s: i32[1] = 0\natomic_add(s[0], 1)\ny[threadIdx.x] = f32(s[0])', ['race: 1 atomic s[0] | 0 read s[0]'])
})

it('says nothing of sums that are not complete', () => {
  const [run] = runsOf(ofKernel('atomic_add(y[threadIdx.x], x[threadIdx.x])', { grid: '4000' }), { orders: ['forward'], budget: 0 })
  expect(run!.blocks.run).toBeLessThan(4000)
  expect(run!.outputs[0]!.elements.every(Number.isNaN)).toBe(true)
})

describe('elements that share a cell', () => {
  const layout = 'shared s: f32[8, 8] in strided((8, 8), strides: (4, 1))'
  check('two of them written by two threads', `${layout}
    s[threadIdx.x / 8, threadIdx.x % 8] = 1
    y[threadIdx.x] = 1`, ['race: 8 write s{4} | 4 write s{4}'])
  check('never written', `${layout}\ny[threadIdx.x] = s[1, threadIdx.x % 8]`, ['uninitialised: 0 read s{4}'])
})
