/** Each stage computes what the elaborated program does: interpreted, all threads, forwards and backwards. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkComputes, kernel, type Around } from './support.ts'

function check(name: string, body: string, around: Around = {}, extents: Readonly<Record<string, number>> = {}): void {
  it(name, () => { checkComputes(kernel(body, around), new Map(Object.entries(extents))) })
}

describe('programs', () => {
  check('element by element, with a predicate', 'for i in (repeat(2) * spatial(64)).on(threadIdx.x) { y[i] =? max(x[i] ?? 7, 0) }', { x: 'f32[77]', y: 'f32[101]' })
  check('wide, with a predicate for all lanes', 'for i in (spatial(32) * repeat(4, vector)).on(threadIdx.x) { y[i] =? x[i] ?? 7 }', { x: 'f32[100]', y: 'f32[60]' })
  check('wide, converted', 'for i in (spatial(8) * repeat(8, vector)).on(threadIdx.x) { y[i] = f16(x[i] * 0.3) }', { y: 'f16[64]' })
  check('wide, two sources and one element for all', 'for i in (spatial(8) * repeat(8)).on(threadIdx.x) { y[i] = x[i] + x[i / 8 * 8 % 16] * x[5] }')
  check('wide, in place', `shared s: f32[64]
    for i in (spatial(16) * repeat(4)).on(threadIdx.x) { s[i] = x[i] }
    syncthreads()
    for i in (spatial(16) * repeat(4)).on(threadIdx.x) { s[i] = s[i] * 2 + s[i] }
    syncthreads()
    y[threadIdx.x] = s[threadIdx.x]`)
  check('not wide where it reads what it writes', `shared s: f32[68] = 1
    if threadIdx.x == 0 { for i in repeat(64).on(0) { s[i + 4] = s[i] + x[i] } }
    syncthreads()
    y[threadIdx.x] = s[threadIdx.x + 4]`)
  check('a sum in lanes', `var total = 0.0
    for i in (spatial(64) * repeat(4, vector)).on(threadIdx.x) { total = total + x[i] }
    y[threadIdx.x] = total`, { x: 'f32[256]' })
  check('a transposed tile through shared memory', `shared s: f32[16, 16] in row_major(16, 16).swizzle(1)
    for (i, j) in (repeat(4, 1) * spatial(4, 16)).on(threadIdx.x) { s[i, j] = x[i, j] ?? 0 }
    syncthreads()
    for (i, j) in (repeat(4, 1) * spatial(4, 16)).on(threadIdx.x) { y[i, j] =? s[j, i] }`, { x: 'f32[15, 13]', y: 'f32[14, 16]' })
  check('registers of a tile', `register acc: f32[16, 16] in tile.layout = 0
    for k in 0..5 { for (i, j) in tile.on(threadIdx.x) { acc[i, j] += x[i, k] * x[j, k] } }
    for (i, j) in tile.on(threadIdx.x) { y[i, j] = acc[i, j] }`,
  { x: 'f32[16, 5]', y: 'f32[16, 16]', lets: 'let tile = spatial(2, 2) * repeat(2, 1) * spatial(2, 4) * repeat(2, 2)', block: '32' })
  check('columns first, and a projected mapping', `for (i, j) in (col_repeat(2, 2) * col_spatial(4, 4)).on(threadIdx.x) { y[i, j] = x[i, j] }
    syncthreads()
    for i in (spatial(2, 4) * repeat(4, 2)).project(onto: 0).on(threadIdx.x % 8) { y[i, 0] = x[i, 1] }`, { x: 'f32[8, 8]', y: 'f32[8, 8]', block: '16' })
  check('a custom mapping', 'for (i, j) in diagonal.on(threadIdx.x) { y[i, j] = x[j, i] }', {
    x: 'f32[8, 8]', y: 'f32[8, 8]', block: '8', before: 'mapping diagonal(w < 8) -> (8, 8) = [(i, (w + i) % 8) for i in 0..8]'
  })
  check('fewer workers than threads', 'for i in (spatial(8) * repeat(3)).on(threadIdx.x) { y[i] = x[i] + 1 }', { x: 'f32[24]', y: 'f32[24]', block: '32' })
  check('lanes of warps', `let warp = threadIdx.x / 32
    for i in (repeat(2) * spatial(32)).on(threadIdx.x % 32) { y[warp * 64 + i] = x[i] }`, { y: 'f32[128]' })
  check('a copy that may arrive later', `shared s: f32[64]
    async for i in (spatial(16) * repeat(4)).on(threadIdx.x) { s[i] = x[i + 1] ?? 3 }
    commit_group()
    wait_group(0)
    syncthreads()
    y[threadIdx.x] = s[63 - threadIdx.x]`)
  check('groups of which one stays under way', `shared s: f32[3, 64]
    device fetch(t: int) {
      if t < 5 { async for i in (spatial(16) * repeat(4)).on(threadIdx.x) { s[t % 3, i] = x[(t * 4 + i) % 64] ?? 3 } }
      commit_group()
    }
    fetch(0)
    fetch(1)
    for t in 0..5 {
      wait_group(1)
      syncthreads()
      fetch(t + 2)
      y[t, threadIdx.x] = s[t % 3, 63 - threadIdx.x]
    }`, { y: 'f32[5, 64]' })
  check('copies beside what is computed, in one group', `shared s: f32[2, 64]
    async for i in spatial(64).on(threadIdx.x) {
      s[0, i] = if x[i] < 3 then x[int(x[i]) * 7 % 64] else 0
      s[1, i] = if x[i] < 3 then x[i] + 1 else x[63 - i]
    }
    commit_group()
    wait_group(0)
    syncthreads()
    y[threadIdx.x] = s[0, 63 - threadIdx.x] - s[1, threadIdx.x]`)
  check('halves, in fours, twos and alone', `shared s: f16[3, 64]
    async for i in (spatial(16) * repeat(4)).on(threadIdx.x) {
      s[0, i] = x[i] ?? 0
      s[1, i] = x[i + 2] ?? 0
      s[2, i] = x[i + 1] ?? 0
    }
    commit_group()
    wait_group(0)
    syncthreads()
    for i in 0..3 { y[i, threadIdx.x] = s[i, 63 - threadIdx.x] }`, { x: 'f16[60]', y: 'f16[3, 64]' })
  check('alternating buffers', `shared s: f32[2, 64]
    var stage: int = 0
    for t in 0..4 {
      s[stage, threadIdx.x] = x[(threadIdx.x + t * 5) % 64]
      syncthreads()
      y[threadIdx.x] = s[stage, 63 - threadIdx.x]
      stage = 1 - stage
    }`)
  check('shuffles', `var v = x[threadIdx.x]
    for d in [16, 8, 4, 2, 1] { v = v + shfl_xor_sync(v, d) }
    y[threadIdx.x] = v`)
  check('loops with jumps', `for i in 0..64 {
      if i == threadIdx.x { continue }
      if i > 40 { break }
      y[i] = x[threadIdx.x % 1]
    }`)
  check('a window with a border', `for i in (spatial(64)).on(threadIdx.x) {
      var total = 0.0
      for r in 0..3 { total = total + (x[i + r - 1] ?? 0) }
      y[i] = total
    }`)
  check('negative indices', 'for i in spatial(64).on(threadIdx.x) { y[i] = x[(i - 7) % 64] + x[(i - 200) / 3 + 70] }', { x: 'f32[100]' })
  check('extents known at launch', `for i in (repeat(2) * spatial(64)).on(threadIdx.x) {
      let e = blockIdx.x * 128 + i
      if e < m * n { y[e / n, e % n] = x[e / n, e % n] * 2 }
    }`, { x: 'f32[m, n]', y: 'f32[m, n]', grid: 'ceil_div(m * n, 128)' }, { m: 13, n: 17 })
  check('halves, bytes and booleans', `for i in (spatial(4) * repeat(16)).on(threadIdx.x) {
      y[i] = if x[i] > 3 then x[i] - 100 else x[i] * 50
    }`, { x: 'i8[64]', y: 'i8[64]', block: '4' })
})

describe('asynchronous copies that are not waited for', () => {
  const fails = (name: string, behind: string, message: string) => {
    it(name, () => {
      const text = kernel(`shared s: f32[64]
        async for i in spatial(64).on(threadIdx.x) { s[i] = x[i] }
        ${behind}`)
      expect(() => { checkComputes(text) }).toThrow(message)
    })
  }
  fails('without a wait', 'commit_group()  syncthreads()  y[threadIdx.x] = s[63 - threadIdx.x]', 'has not arrived')
  fails('without a group', 'wait_group(0)  syncthreads()  y[threadIdx.x] = s[63 - threadIdx.x]', 'has not arrived')
  fails('one group too few', 'commit_group()  wait_group(1)  syncthreads()  y[threadIdx.x] = s[63 - threadIdx.x]', 'has not arrived')
  fails('without a barrier', 'commit_group()  wait_group(0)  y[threadIdx.x] = s[63 - threadIdx.x]', 's[63] was never written')
  fails('overwritten', 's[threadIdx.x] = 0  commit_group()  wait_group(0)  y[threadIdx.x] = 0', 'is written while a copy to it is under way')
  fails('twice', 'async for i in spatial(64).on(threadIdx.x) { s[i] = x[i] }  y[threadIdx.x] = 0', 'two copies')
})

// ---------------------------------------------------------------- random programs

interface RandomMapping { readonly text: string; readonly workers: number }

/** A mapping of a shape whose extents are powers of two, from random factors. */
const mappingOf = (shape: readonly [number, number]): fc.Arbitrary<RandomMapping> =>
  fc.array(fc.record({
    kind: fc.constantFrom('spatial', 'repeat', 'col_spatial', 'col_repeat'),
    share: fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
  }), { minLength: 1, maxLength: 4 }).map(parts => {
    const left = [Math.log2(shape[0]), Math.log2(shape[1])]
    let workers = 1
    const factors = parts.map(({ kind, share }, n) => {
      const extents = left.map((bits, axis) => {
        const taken = n === parts.length - 1 ? bits : Math.min(bits, share[axis] ?? 0)
        left[axis] = bits - taken
        return 2 ** taken
      })
      const volume = (extents[0] ?? 1) * (extents[1] ?? 1)
      const isSpatial = kind.endsWith('spatial') && workers * volume <= 32
      if (isSpatial) workers *= volume
      return `${kind.startsWith('col') ? 'col_' : ''}${isSpatial ? 'spatial' : 'repeat'}(${extents.join(', ')})`
    })
    return { text: factors.join(' * '), workers }
  })

const index = (names: readonly string[]): fc.Arbitrary<string> => {
  const { term } = fc.letrec<{ term: string }>(tie => ({
    term: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...names),
      fc.integer({ min: -3, max: 9 }).map(n => `(${n})`),
      fc.tuple(tie('term'), tie('term')).map(([a, b]) => `(${a} + ${b})`),
      fc.tuple(tie('term'), tie('term')).map(([a, b]) => `(${a} - ${b})`),
      fc.tuple(tie('term'), fc.integer({ min: 2, max: 9 })).map(([a, n]) => `${a} * ${n}`),
      fc.tuple(tie('term'), fc.integer({ min: 2, max: 9 })).map(([a, n]) => `(${a}) / ${n}`),
      fc.tuple(tie('term'), fc.integer({ min: 2, max: 9 })).map(([a, n]) => `(${a}) % ${n}`)
    )
  }))
  return term
}

const layouts = ['', ' in column_major(8, 16)', ' in row_major(8, 16).swizzle(1)', ' in row_major(4, 2) * column_major(2, 8)',
  ' in row_major(8, 16).swizzle(0, log_step: 1)', ' in row_major(16, 8).reshape(8, 16)', ' in strided((8, 16), ranks: (1, 0))']

const parts = fc.record({
  load: mappingOf([8, 16]), own: mappingOf([8, 16]), store: mappingOf([8, 16]),
  i: index(['i', 'j', 'blockIdx.x', 'threadIdx.x']), j: index(['i', 'j', 'blockIdx.x', 'l']),
  row: fc.constantFrom('i', 'blockIdx.x * 4 + i', '7 - i', 'i * 2 + blockIdx.x'),
  column: fc.constantFrom('j', 'j + blockIdx.x', '15 - j', 'j * 2', 'j - 3'),
  layout: fc.constantFrom(...layouts),
  shape: fc.tuple(fc.integer({ min: 1, max: 17 }), fc.integer({ min: 1, max: 20 })),
  element: fc.constantFrom('f32', 'f16', 'f64', 'i32'), block: fc.constantFrom(32, 48),
  async: fc.boolean(), outside: fc.constantFrom(5, 0)
})
type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never

function program(p: Parts, shape: string): string {
  return kernel(`
    shared s: f32[8, 16]${p.layout}
    register r: f32[8, 16] in own.layout = 1
    let l = threadIdx.x * 3 + blockIdx.x
    ${p.async ? 'async ' : ''}for (i, j) in load.on(threadIdx.x) { s[i, j] = f32(x[${p.i}, ${p.j}] ?? ${p.outside}) }
    commit_group()
    wait_group(0)
    syncthreads()
    for (i, j) in own.on(threadIdx.x) { r[i, j] = s[i, j] * 2 + r[i, j] }
    for (i, j) in own.on(threadIdx.x) { r[i, j] += s[7 - i, j] }
    syncthreads()
    for (i, j) in own.on(threadIdx.x) { s[i, 15 - j] = r[i, j] }
    syncthreads()
    for (i, j) in store.on(threadIdx.x) { y[${p.row}, ${p.column}] =? s[i, j] }
`, {
    x: `${p.element}[${shape}]`, y: `f32[${shape}]`, grid: '2', block: String(p.block),
    lets: `let load = ${p.load.text}\n  let own = ${p.own.text}\n  let store = ${p.store.text}`
  })
}

describe('random programs', () => {
  const numRuns = Number(process.env.HEDDLE_RUNS ?? 50)
  it('keep what they compute through every pass', () => {
    fc.assert(fc.property(parts, p => { checkComputes(program(p, p.shape.join(', '))) }), { numRuns })
  })
  it('keep it where extents are known only at launch', () => {
    fc.assert(fc.property(parts, p => {
      checkComputes(program(p, 'm, n'), new Map([['m', p.shape[0]], ['n', p.shape[1]]]))
    }), { numRuns })
  })
})
