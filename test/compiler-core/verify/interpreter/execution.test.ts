/** Whole runs: kernels in a row, blocks in an order, limits, who wrote what; and the engine as others call it. */
import { describe, expect, it } from 'vitest'
import type { Request } from '../../../../compiler-core/verify/engine.ts'
import { interpreter } from '../../../../compiler-core/verify/interpreter/interpreter.ts'
import { compiled } from '../../lowering/support.ts'
import { accessText, checkAgrees, elaborated, faultText, ofKernel, ofLibrary, outcomeOf, requestOf, runsOf, type How } from './support.ts'

const agrees = (name: string, program: () => ReturnType<typeof ofKernel>, how: How = {}): void => {
  it(name, () => { checkAgrees(program(), how) })
}

const parts = `import "std/prelude"
operator op(x: f32[n]) -> y: f32[1] { y[i] = sum[p < n] x[p] }
schedule s for op {
  workspace partial: f32[ceil_div(n, 64)]
  kernel first(grid: ceil_div(n, 64), block: 64) {
    shared s: f32[64]
    s[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x] ?? 0
    syncthreads()
    if threadIdx.x == 0 {
      var total = 0.0
      for i in 0..64 { total += s[i] }
      partial[blockIdx.x] = total
    }
  }
  kernel second(grid: 1, block: 32) {
    if threadIdx.x == 0 {
      var total = 0.0
      for i in 0..ceil_div(n, 64) { total += partial[i] }
      y[0] = total
    }
  }
}
instance it = op.s()
`

describe('programs', () => {
  agrees('kernels in a row', () => elaborated(parts), { extents: { n: 333 } })
  agrees('blocks and threads in three dimensions', () => ofKernel(`let (i, j, k) = (blockIdx.z * 2 + threadIdx.z, blockIdx.y * 3 + threadIdx.y, blockIdx.x * 4 + threadIdx.x)
    y[i, j, k] =? x[i, j, k] ?? 7`, { x: 'f32[3, 5, 9]', y: 'f32[4, 6, 7]', grid: '(2, 2, 2)', block: '(4, 3, 2)' }))
  agrees('a custom mapping', () => ofKernel('for (i, j) in diagonal.on(threadIdx.x) { y[i, j] = x[j, i] }', {
    x: 'f32[8, 8]', y: 'f32[8, 8]', block: '8', before: 'mapping diagonal(w < 8) -> (8, 8) = [(i, (w + i) % 8) for i in 0..8]'
  }))
  agrees('fewer workers than threads', () => ofKernel('for i in (spatial(8) * repeat(8)).on(threadIdx.x) { y[i] = x[i] + 1 }'))
  agrees('jumps', () => ofKernel(`for i in 0..64 {
      if i == threadIdx.x { continue }
      if i > 40 { break }
      y[i] = x[threadIdx.x % 1]
    }`, { block: '1' }))
  agrees('a loop that waits, with jumps that all threads take', () => ofKernel(`shared s: f32[64]
    var total = 0.0
    for t in 0..9 {
      if t == 2 { continue }
      s[threadIdx.x] = x[(threadIdx.x + t) % 64]
      syncthreads()
      total += s[63 - threadIdx.x]
      syncthreads()
      if t == 6 { break }
    }
    y[threadIdx.x] = total`))
  agrees('variables that live across barriers', () => ofKernel(`shared s: f32[64]
    var n = 0
    var big = i64(0)
    var odd = false
    for t in 0..4 {
      s[threadIdx.x] = f32(n)
      syncthreads()
      for i in 0..threadIdx.x % 3 {
        n += 1
        big += i64(i)
        odd = !odd
      }
      syncthreads()
    }
    y[threadIdx.x] = f32(n) + f32(big) * 100 + (if odd then 0.5 else 0)`))
  agrees('a swizzled tile', () => ofKernel(`shared s: f32[16, 16] in row_major(16, 16).swizzle(1)
    for (i, j) in (repeat(4, 1) * spatial(4, 16)).on(threadIdx.x) { s[i, j] = x[i, j] ?? 0 }
    syncthreads()
    for (i, j) in (repeat(4, 1) * spatial(4, 16)).on(threadIdx.x) { y[i, j] =? s[j, i] }`, { x: 'f32[15, 13]', y: 'f32[14, 16]' }))
})

const square = 'batch_matmul.simt(batch: 1, m: 300, n: 300, k: 8, block_warps: (2, 2), warp_outer: (1, 1))'

describe('a run', () => {
  it('says who wrote an element', () => {
    const [run] = runsOf(ofKernel('y[blockIdx.x * 32 + threadIdx.x] =? x[threadIdx.x]', { grid: '2', block: '32', y: 'f32[70]' }))
    const writers = [0, 33, 63, 64].map(e => run?.outputs[0]?.writerOf(e)).map(a => a && accessText(a))
    expect(writers).toEqual(['0 write y[0]', '1 of block 1, 0, 0 write y[33]', '31 of block 1, 0, 0 write y[63]', undefined])
    expect(run?.outputs[0]?.elements[64]).toBeNaN()
  })
  it('with a budget begins with the corners of the grid', () => {
    const program = ofLibrary(square)
    const [run] = runsOf(program, { orders: ['forward'], budget: 0 })
    expect(run?.blocks.run).toBe(1)
    expect(run?.blocks.total).toBeGreaterThan(4)
    expect(run?.outputs[0]?.writerOf(0)).toBeDefined()
    expect(run?.outputs[0]?.writerOf(150 * 300 + 150)).toBeUndefined()
  })
  it('is the same again', () => {
    const program = ofKernel('shared s: f32[64]\ns[threadIdx.x % 8] = x[threadIdx.x]\ny[threadIdx.x] = s[0]')
    const once = () => runsOf(program).map(r =>
      [[...r.outputs[0]?.elements ?? []], r.faults.map(faultText), r.faults.map(f => f.times)])
    expect(once()).toEqual(once())
  })
  it('runs one after the other do not see each other', () => {
    const program = ofKernel('shared s: f32[64]\nif x[0] > 0 { s[threadIdx.x] = 1 }\nsyncthreads()\ny[threadIdx.x] = s[threadIdx.x]')
    const request = requestOf(program, { orders: ['forward', 'forward'] })
    const [first, second] = request.runs
    if (!first || !second) throw new Error('two runs')
    const outcome = outcomeOf(program, { request: { runs: [{ ...first, inputs: [new Float64Array(64).fill(1)] },
      { ...second, inputs: [new Float64Array(64)] }] } })
    expect(outcome.kind === 'executed' && outcome.runs.map(r => r.faults.map(faultText))).toEqual([[], ['uninitialised: 0 read s[0]']])
  })
  it('ends by its time limit, without an answer', () => {
    const long = ofKernel('var n = 0\nfor i in 0..1000000 { for j in 0..1000000 { n += 1 } }\ny[threadIdx.x] = f32(n)')
    expect(outcomeOf(long, { request: { timeLimit: 30 } })).toMatchObject({ kind: 'ended', why: 'time' })
    const one = ofKernel('var n = 0\nfor i in 0..1000000000000 { n += 1 }\ny[threadIdx.x] = f32(n)')
    expect(outcomeOf(one, { request: { timeLimit: 30 } })).toMatchObject({ kind: 'ended', why: 'time' })
  })
  it('of a mapping that is too long to tabulate is refused', () => {
    const program = ofKernel('for i in repeat(100000000).on(0) { if i == 5 { y[threadIdx.x] = 1 } }')
    expect(outcomeOf(program)).toMatchObject({ kind: 'unavailable' })
  })
  it('ends where its tensors are larger than memory', () => {
    const program = ofLibrary('batch_matmul.simt(batch: 1, m: 100000, n: 100000, k: 8)')
    const request: Request = { extents: new Map(), runs: [], counts: false, timeLimit: 1000, signal: undefined }
    expect(outcomeOf(program, { request })).toMatchObject({ kind: 'ended', why: 'memory' })
  })
})

describe('the engine', () => {
  const subjectOf = (program: ReturnType<typeof ofKernel>) => {
    const { cuda, architecture } = compiled(`import "std/prelude"
operator op(x: f32[1]) -> y: f32[1] { y[i] = x[i] }
schedule s for op { kernel main(grid: 1, block: 1) { y[0] = x[0] } }
instance it = op.s()`)
    if (!cuda || !architecture) throw new Error('a subject')
    return { elaborated: program, lowered: program, cuda, architecture }
  }
  it('takes a program that crossed to another thread', async () => {
    const program = ofLibrary('softmax.online(s: 3, n: 100)')
    const [sent, request] = structuredClone([program, requestOf(program)] as const)
    const here = runsOf(program), there = await interpreter(subjectOf(sent), request)
    expect(there.kind === 'executed' && there.runs.map(r => r.outputs[0]?.elements)).toEqual(here.map(r => r.outputs[0]?.elements))
  })
  it('stops when it is told to', async () => {
    const program = ofLibrary('batch_matmul.simt(batch: 1, m: 1024, n: 1024, k: 1024, block_warps: (1, 1), warp_outer: (1, 1), block_k: 4)')
    const controller = new AbortController()
    const answer = interpreter(subjectOf(program), { ...requestOf(program), signal: controller.signal })
    setTimeout(() => { controller.abort() }, 1)
    expect(await answer).toEqual({ kind: 'cancelled' })
  })
})
