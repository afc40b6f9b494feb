/** What single passes make of a kernel, as text. */
import { describe, expect, it } from 'vitest'
import { kernel, stageText, type Around } from './support.ts'

function check(stage: string, body: string, expected: string, around: Around = {}): void {
  it(`${stage}: ${body.trim().replace(/\s+/g, ' ').slice(0, 100)}`, () => {
    expect(stageText(kernel(body, around), stage).trim()).toBe(lines(expected))
  })
}

/** Without the indentation that all lines have. */
function lines(text: string): string {
  const all = text.split('\n').filter(l => l.trim() !== '')
  const indent = Math.min(...all.map(l => l.length - l.trimStart().length))
  return all.map(l => l.slice(indent)).join('\n')
}

describe('bounds', () => {
  check('bounds', 'y[threadIdx.x] = x[threadIdx.x + 1] ?? 7', 'y[threadIdx.x] = if threadIdx.x + 1 < 64 then x[threadIdx.x + 1] else 7')
  check('bounds', 'y[threadIdx.x] = x[threadIdx.x - 1] ?? 7', 'y[threadIdx.x] = if 0 <= threadIdx.x - 1 then x[threadIdx.x - 1] else 7')
  check('bounds', 'y[threadIdx.x] = x[threadIdx.x] ?? 7', 'y[threadIdx.x] = x[threadIdx.x]')
  check('bounds', 'y[threadIdx.x] = x[threadIdx.x + 64] ?? 7', 'y[threadIdx.x] = 7')
  check('bounds', 'y[threadIdx.x + 1] =? 0', `
    if threadIdx.x + 1 < 64 {
      y[threadIdx.x + 1] = 0
    }`)
  check('bounds', 'y[threadIdx.x + 64] =? 0', '')
  check('bounds', 'y[blockIdx.x, threadIdx.x] =? 0', `
    if threadIdx.x < n {
      y[blockIdx.x, threadIdx.x] = 0
    }`, { x: 'f32[m, n]', y: 'f32[m, n]', grid: 'm' })
})

describe('loops', () => {
  const square: Around = { x: 'f32[16, 16]', y: 'f32[16, 16]', block: '32' }
  check('loops', 'for i in spatial(64).on(threadIdx.x) { y[i] = 0 }', 'y[threadIdx.x] = 0')
  check('loops', 'for i in repeat(64).on(threadIdx.x) { y[i] = 0 }', `
    unroll for i in 0..64 {  // repeat(64)
      y[i] = 0
    }`, { block: '1' })
  check('loops', 'for (i, j) in load_a.on(threadIdx.x) { y[i, j] = 0 }', `
    let load_a_i: index = threadIdx.x / 8 * 4  // spatial(4, 8)
    let load_a_j: index = threadIdx.x % 8 * 2  // spatial(4, 8)
    unroll for i_step in 0..4 {  // repeat(4, 2)
      unroll for j_step in 0..2 {  // repeat(4, 2)
        let i: index = load_a_i + i_step  // load_a
        let j: index = load_a_j + j_step  // load_a
        y[i, j] = 0
      }
    }`,
  { ...square, lets: 'let load_a = spatial(4, 8) * repeat(4, 2)' })
  check('loops', 'for (i, j) in (col_repeat(2, 2, rolled) * col_spatial(8, 4) * repeat(1, 2, unrolled)).on(threadIdx.x) { y[i, j] = 0 }', `
    let i_start: index = threadIdx.x % 8  // col_spatial(8, 4)
    let j_start: index = threadIdx.x / 8 * 2  // col_spatial(8, 4)
    rolled for j_outer in 0..2 {  // col_repeat(2, 2, rolled)
      rolled for i_step in 0..2 {  // col_repeat(2, 2, rolled)
        unroll for j_inner in 0..2 {  // repeat(1, 2, unrolled)
          let i: index = i_start + i_step * 8  // col_repeat(2, 2, rolled) * col_spatial(8, 4) * repeat(1, 2, unrolled)
          let j: index = j_start + j_outer * 8 + j_inner  // col_repeat(2, 2, rolled) * col_spatial(8, 4) * repeat(1, 2, unrolled)
          y[i, j] = 0
        }
      }
    }`, square)
  check('loops', 'for i in spatial(16).on(threadIdx.x) { y[i] = 0 }', `
    if threadIdx.x < 16 {
      y[threadIdx.x] = 0
    }`)
  check('loops', 'for i in (repeat(100) * spatial(2)).on(threadIdx.x) { y[i % 64] = 0 }', `
    for i_step in 0..100 {  // repeat(100)
      let i: index = threadIdx.x + i_step * 2  // repeat(100) * spatial(2)
      y[i % 64] = 0
    }`, { block: '2' })
})

describe('offsets', () => {
  check('offsets', 'y[blockIdx.x, threadIdx.x, 3] = 0', 'y[blockIdx.x * 256 + threadIdx.x * 4 + 3] = 0', { y: 'f32[2, 64, 4]', grid: '2' })
  check('offsets', 'if threadIdx.x < n { y[blockIdx.x, threadIdx.x] = 0 }', `
    if threadIdx.x < n {
      y[blockIdx.x * n + threadIdx.x] = 0
    }`, { x: 'f32[m, n]', y: 'f32[m, n]', grid: 'm' })
  check('offsets', 'shared s: f32[8, 8] in row_major(8, 8).swizzle(1)  s[threadIdx.x / 8, threadIdx.x % 8] = 0', `
    shared s: f32[8, 8] in row_major(8, 8).swizzle(1)
    s[threadIdx.x / 8 * 8 + (threadIdx.x % 8 ^ threadIdx.x / 8)] = 0`)
})

describe('simplified', () => {
  check('simplified', 'for t in 0..1 { y[t * 8 + threadIdx.x] = 0 }', 'y[threadIdx.x] = 0')
  check('simplified', 'if blockIdx.x * 32 + threadIdx.x < 64 { y[blockIdx.x * 32 + threadIdx.x] = 0 }', 'y[blockIdx.x * 32 + threadIdx.x] = 0', { grid: '2', block: '32' })
  check('wide accesses', 'let l = blockIdx.x * 32 + threadIdx.x  let i = l / 8  let j = l % 8  y[i, j] = 0', `
    let l: index = blockIdx.x * 32 + threadIdx.x
    y[l] = 0`, { y: 'f32[8, 8]', grid: '2', block: '32' })
  check('simplified', 'if threadIdx.x == 7 { y[(threadIdx.x + 1) % 2] = 0 }', `
    if threadIdx.x == 7 {
      y[0] = 0
    }`)
  check('simplified', 'y[threadIdx.x] = if x[0] < 3 then (if x[1] < 4 then x[2] else 0) else 0', 'y[threadIdx.x] = if x[0] < 3 && x[1] < 4 then x[2] else 0')
})

describe('wide accesses', () => {
  check('wide accesses', 'for i in (spatial(16) * repeat(4)).on(threadIdx.x) { y[i] = x[i] }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    y[i_start ..+ 4] = x[i_start ..+ 4]`, { block: '16' })
  check('wide accesses', 'for i in (spatial(16) * repeat(4)).on(threadIdx.x) { y[i] = max(x[i], 0) }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    register x4: f32[4]
    x4[0 ..+ 4] = x[i_start ..+ 4]
    register y4: f32[4]
    unroll for i_step in 0..4 {
      y4[i_step] = max(x4[i_step], 0)
    }
    y[i_start ..+ 4] = y4[0 ..+ 4]`, { block: '16' })
  check('wide accesses', 'for i in (spatial(8) * repeat(8)).on(threadIdx.x) { y[i] = x[i] }', `
    let i_start: index = threadIdx.x * 8  // spatial(8)
    unroll for i_step in 0..2 {  // repeat(8)
      y[i_start + i_step * 4 ..+ 4] = x[i_start + i_step * 4 ..+ 4]
    }`, { block: '8' })
  check('wide accesses', 'for i in (spatial(16) * repeat(4)).on(threadIdx.x) { y[i] = x[i] ?? 0 }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    if i_start < 60 {
      y[i_start ..+ 4] = x[i_start ..+ 4]
    } else {
      unroll for i_step in 0..4 {
        y[i_start + i_step] = 0
      }
    }`, { x: 'f32[60]', block: '16' })
  check('wide accesses', 'for i in (spatial(16) * repeat(4)).on(threadIdx.x) { y[i] = x[i] ?? 0 }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    register y4: f32[4]
    unroll for i_step in 0..4 {
      let i: index = i_start + i_step  // spatial(16) * repeat(4)
      y4[i_step] = if i < 61 then x[i] else 0
    }
    y[i_start ..+ 4] = y4[0 ..+ 4]`, { x: 'f32[61]', block: '16' })
  check('wide accesses', 'for i in (spatial(16) * repeat(4)).on(threadIdx.x) { y[i] = x[i + 1] ?? 0 }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    register y4: f32[4]
    unroll for i_step in 0..4 {
      let i: index = i_start + i_step  // spatial(16) * repeat(4)
      y4[i_step] = if i + 1 < 64 then x[i + 1] else 0
    }
    y[i_start ..+ 4] = y4[0 ..+ 4]`, { block: '16' })
  check('wide accesses', 'for i in (spatial(16) * repeat(4, rolled)).on(threadIdx.x) { y[i] = x[i] }', `
    let i_start: index = threadIdx.x * 4  // spatial(16)
    rolled for i_step in 0..4 {  // repeat(4, rolled)
      let i: index = i_start + i_step  // spatial(16) * repeat(4, rolled)
      y[i] = x[i]
    }`, { block: '16' })
  check('wide accesses', 'for i in (spatial(8) * repeat(8)).on(threadIdx.x) { y[i] = f32(x[i]) }', `
    let i_start: index = threadIdx.x * 8  // spatial(8)
    register x8: f16[8]
    x8[0 ..+ 8] = x[i_start ..+ 8]
    register y8: f32[8]
    unroll for i_step in 0..8 {
      y8[i_step] = f32(x8[i_step])
    }
    y[i_start ..+ 4] = y8[0 ..+ 4]
    y[i_start + 4 ..+ 4] = y8[4 ..+ 4]`, { x: 'f16[64]', block: '8' })
})

describe('asynchronous copies', () => {
  /** What a loop over `s` becomes in 16 threads, and whether there is something to wait for behind it. */
  const into = (kind: 'waited for' | 'immediate', loop: string, expected: string, x = 'f32[64]', s = x, bind = '') => {
    it(`${kind}: ${loop}, x: ${x}, s: ${s} ${bind}`, () => {
      const text = stageText(kernel(`shared s: ${s}  ${loop}  commit_group()  wait_group(0)`, { x, block: '16', bind }), 'asynchronous copies')
      const groups = kind === 'immediate' ? '' : '\ncommit_group()\nwait_group(0)'
      expect(text.replace(/^shared .*\n/m, '').trim()).toBe(lines(expected) + groups)
    })
  }
  const each = 'async for i in spatial(16).on(threadIdx.x)'
  into('waited for', `${each} { s[i] = x[i] }`, 'async s[threadIdx.x] = x[threadIdx.x]')
  into('waited for', `${each} { s[i] = x[i] }`, 'async s[threadIdx.x] = x[threadIdx.x]', 'i64[64]')
  into('waited for', `${each} { s[i] = f32(x[i]) }`, 'async s[threadIdx.x] = x[threadIdx.x]')
  into('waited for', `${each} { s[i] = x[i] ?? 0 }`, 'async s[threadIdx.x] = if threadIdx.x < 9 then x[threadIdx.x] else 0', 'f32[9]', 'f32[16]')
  into('waited for', `${each} { s[i] = x[i] ?? 7 }`, `
    if threadIdx.x < 9 {
      async s[threadIdx.x] = x[threadIdx.x]
    } else {
      s[threadIdx.x] = 7
    }`, 'f32[9]', 'f32[16]')
  into('waited for', `${each} { s[i] = x[i] ?? -0.0 }`, `
    if threadIdx.x < 9 {
      async s[threadIdx.x] = x[threadIdx.x]
    } else {
      s[threadIdx.x] = 0
    }`, 'f32[9]', 'f32[16]')
  into('waited for', `${each} { if x[i] < 3 { s[i] = x[i] } }`, `
    if x[threadIdx.x] < 3 {
      async s[threadIdx.x] = x[threadIdx.x]
    }`)
  into('waited for', `${each} { s[i] = if x[i] < 3 then x[int(x[i]) % 64] else 0 }`,
    'async s[threadIdx.x] = if x[threadIdx.x] < 3 then x[if x[threadIdx.x] < 3 then index(x[threadIdx.x]) % 64 else 0] else 0', 'i32[64]')
  into('immediate', 'for i in spatial(16).on(threadIdx.x) { s[i] = x[i] }', 's[threadIdx.x] = x[threadIdx.x]')
  into('immediate', `${each} { s[i] = x[i] }`, 's[threadIdx.x] = x[threadIdx.x]', 'f32[64]', 'f32[64]', 'target: sm_75')
  into('immediate', `${each} { s[i] = x[i] }`, 's[threadIdx.x] = x[threadIdx.x]', 'f16[64]')
  into('immediate', `${each} { s[i] = x[i] * 2 }`, 's[threadIdx.x] = x[threadIdx.x] * 2')
  into('immediate', `${each} { s[i] = f32(x[i]) }`, 's[threadIdx.x] = f32(x[threadIdx.x])', 'i32[64]', 'f32[64]')
  into('immediate', `${each} { s[i] = 0 }`, 's[threadIdx.x] = 0')
  into('immediate', `${each} { y[i] = x[i] }`, 'y[threadIdx.x] = x[threadIdx.x]')
  into('immediate', `y[threadIdx.x] = 1  ${each} { s[i] = y[i] }`, `
    y[threadIdx.x] = 1
    s[threadIdx.x] = y[threadIdx.x]`)

  const start = 'let i_start: index = threadIdx.x * 4  // spatial(16)'
  const four = 'async for i in (spatial(16) * repeat(4)).on(threadIdx.x)'
  into('waited for', `${four} { s[i] = x[i] }`, `
    ${start}
    async s[i_start ..+ 4] = x[i_start ..+ 4]`)
  into('waited for', `${four} { s[i] = x[i] ?? 0 }`, `
    ${start}
    async s[i_start ..+ 4] = if i_start < 60 then x[i_start ..+ 4] else 0`, 'f32[60]', 'f32[64]')
  into('waited for', `${four} { s[i] = x[i] ?? 7 }`, `
    ${start}
    if i_start < 60 {
      async s[i_start ..+ 4] = x[i_start ..+ 4]
    } else {
      unroll for i_step in 0..4 {
        s[i_start + i_step] = 7
      }
    }`, 'f32[60]', 'f32[64]')
  into('waited for', `${four} { s[i] = x[i] ?? 0 }`, `
    ${start}
    unroll for i_step in 0..4 {  // repeat(4)
      let i: index = i_start + i_step  // spatial(16) * repeat(4)
      async s[i] = if i < 61 then x[i] else 0
    }`, 'f32[61]', 'f32[64]')
  into('waited for', `${four} { s[i] = x[i + 2] ?? 0 }`, `
    ${start}
    unroll for i_step in 0..2 {  // repeat(4)
      async s[i_start + i_step * 2 ..+ 2] = if i_start + i_step * 2 + 2 < 64 then x[i_start + i_step * 2 + 2 ..+ 2] else 0
    }`)
  into('waited for', `${four} { s[i] = x[i] }`, `
    ${start}
    async s[i_start ..+ 4] = x[i_start ..+ 4]`, 'f16[64]')
  into('immediate', `${four} { s[i] = x[i + 1] ?? 0 }`, `
    ${start}
    register s4: f16[4]
    unroll for i_step in 0..4 {
      let i: index = i_start + i_step  // spatial(16) * repeat(4)
      s4[i_step] = if i + 1 < 64 then x[i + 1] else 0
    }
    s[i_start ..+ 4] = s4[0 ..+ 4]`, 'f16[64]')
  into('immediate', `${four} { s[i] = x[i] }`, `
    ${start}
    s[i_start ..+ 4] = x[i_start ..+ 4]`, 'f32[64]', 'f32[64]', 'target: sm_75')
})

describe('widths', () => {
  check('widths', 'shared s: f32[64]  async for i in spatial(64).on(threadIdx.x) { s[i] = x[i - 1] ?? 0 }', `
    shared s: f32[64]
    async s[threadIdx.x] = if 1 <= threadIdx.x then x[threadIdx.x - 1] else 0`)
  check('widths', 'let l = blockIdx.x * 32 + threadIdx.x  y[l] = x[l] + x[63 - l]', `
    let l: u32 = blockIdx.x * 32 + threadIdx.x
    y[l] = x[l] + x[63 - l]`, { grid: '2', block: '32' })
  check('widths', 'let l = threadIdx.x - 3  y[threadIdx.x] = x[l] ?? 0', `
    let l: i32 = i32(threadIdx.x) - 3
    y[threadIdx.x] = if 0 <= l then x[l] else 0`)
  check('widths', 'var p = threadIdx.x  while p < n { y[p] = 0  p = p + 64 }', `
    var p: u32 = threadIdx.x
    while p < n {
      y[p] = 0
      p = p + 64
    }`, { x: 'f32[n]', y: 'f32[n]' })
})
