/** `batch_matmul.simt`: what it computes, its facts, and what its accesses to memory cost. */
import { describe, expect, it } from 'vitest'
import { warpAccesses, type AccessCount } from '../../../compiler-core/analysis/warp-accesses.ts'
import { checkComputes, compiled, type Expected } from './support.ts'

const product: Expected = ([a, b], [r = 0, i = 0, j = 0]) => {
  let total = 0
  for (let p = 0; p < (a?.shape[2] ?? 0); p++) total += (a?.at(r, i, p) ?? NaN) * (b?.at(r, p, j) ?? NaN)
  return total
}

describe('computes every element once, whatever the sizes', () => {
  it.each([
    ['batch: 1, m: 37, n: 45, k: 11, block_warps: (1, 1), warp_outer: (1, 1), block_k: 4'],
    ['batch: 2, m: 17, n: 61, k: 13, block_warps: (1, 2), warp_outer: (1, 1), atom: custom_4x8, block_k: 4'],
    ['batch: 1, m: 33, n: 130, k: 9, block_warps: (2, 2), warp_outer: (1, 1)'],
    ['batch: 1, m: 23, n: 67, k: 3, block_warps: (2, 1), warp_outer: (1, 1), atom: row_2x16, block_k: 4'],
    ['batch: 1, m: 50, n: 65, k: 8, block_warps: (2, 2), warp_outer: (2, 1)'],
    ['batch: 1, m: 20, n: 70, k: 10, block_warps: (1, 2), warp_outer: (2, 1), warp_inner: (8, 4)'],
    ['batch: 1, m: 40, n: 100, k: 17, block_warps: (2, 2), warp_outer: (1, 1), warp_inner: (4, 8)'],
    ['batch: 1, m: 60, n: 129, k: 12'],
    ['batch: 1, m: 128, n: 128, k: 16'],
    ['batch: 1, m: 1, n: 1, k: 1']
  ])('%s', bindings => { checkComputes(`batch_matmul.simt(${bindings})`, product) })
})

describe('for other types', () => {
  const small = 'block_warps: (1, 1), warp_outer: (1, 1), block_k: 4'
  it.each([['f16', small, 0.01], ['bf16', small, 0.01], ['f64', 'warp_outer: (1, 1)', 0]])('%s', (type, choice, error) => {
    checkComputes(`batch_matmul.simt(T: ${type}, batch: 1, m: 20, n: 36, k: 9, ${choice})`, product, { error })
  })
})

it('has the facts of the paper for the default candidate', () => {
  const { facts, parameters } = compiled('batch_matmul.simt()')
  expect(Object.fromEntries(facts.map(f => [f.name, f.value]))).toEqual({
    block_m: 128, block_n: 128, threads: 256, registers: 136, min_blocks: 1, shared_bytes: 16384
  })
  expect(parameters.map(p => `${p.name}: ${p.text}`)).toEqual([
    'warp_inner: (4, 4)', 'warp_outer: (2, 2)', 'block_k: 8', 'block_warps: (4, 2)', 'atom: row_4x8'
  ])
})

/** The accesses to shared memory of the lowered kernel, for three tiles of k. */
function sharedAccesses(level: number, index: number): readonly AccessCount[] {
  const { stages } = compiled('batch_matmul.simt(batch: 1, m: 2048, n: 2048, k: 24)', '', { level, index })
  const launched = { block: [0, 0, 0], extents: new Map() } as const
  return (stages.at(-1)?.program.kernels ?? []).flatMap(kernel => warpAccesses(kernel, launched))
    .filter(a => a.buffer.scope === 'shared')
}

/** `store sa` and so on: the widest access of one lane, requests, wavefronts and ideal wavefronts in all. */
function totals(accesses: readonly AccessCount[]): Readonly<Record<string, readonly [number, number, number, number]>> {
  const all = new Map<string, [number, number, number, number]>()
  for (const a of accesses) {
    const name = `${a.write ? 'store' : 'load'} ${a.buffer.name}`, [bytes, requests, waves, ideal] = all.get(name) ?? [0, 0, 0, 0]
    all.set(name, [Math.max(bytes, a.bytes), requests + a.requests, waves + a.wavefronts, ideal + a.ideal])
  }
  return Object.fromEntries(all)
}

/** Some of the candidates of a level, by their numbers: the first, the last and those between at equal distances. */
const some = (candidates: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Math.round(i * (candidates - 1) / (count - 1)))

describe('shared memory, counted in the lowered kernel', () => {
  it('takes the fewest wavefronts in the default candidate', () => {
    expect(totals(sharedAccesses(0, 0))).toEqual({
      'store sa': [16, 24, 96, 96], 'store sb': [4, 96, 96, 96], 'load sa': [16, 384, 1536, 1536], 'load sb': [16, 384, 1536, 1536]
    })
  })
  it.each([...some(25, 5).map(i => [1, i] as const), ...some(177, 12).map(i => [2, i] as const)])(
    'takes the fewest wavefronts at level %i in candidate %i', (level, index) => {
      const accesses = sharedAccesses(level, index)
      expect(accesses.length).toBeGreaterThan(8)
      expect(accesses.filter(a => a.wavefronts !== a.ideal)).toEqual([])
      expect(accesses.filter(a => !a.write && a.bytes !== 16)).toEqual([])
    }
  )
})
