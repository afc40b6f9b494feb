/** What mutators make of small kernels: names of mutants, and the text of some. */
import { describe, expect, it } from 'vitest'
import { printProgram } from '../../compiler-core/ir/print.ts'
import { candidatesOf } from './candidates.ts'
import { mutantKinds, type Mutant, type MutantKind } from './mutators.ts'
import { openMutated, placeText, type OpenedSubject } from './subjects.ts'

const before = `
operator turned<T: float>(x: T[4, 32, 8]) -> y: T[4, 8, 32] { y[r, i, j] = x[r, j, i] }
schedule staged for turned {
  let part = spatial(4, 8) * repeat(8, 1)
  kernel main(grid: 1, block: 32) {
    shared tile: T[2, 32, 8]
    for t in 0..4 {
      for (i, j) in part.on(threadIdx.x) { tile[t % 2, i, j] = x[t, i, j] ?? 0 }
      syncthreads()
      for (i, j) in part.on(threadIdx.x) { y[t, j, i] =? tile[t % 2, i, j] }
    }
  }
}
operator total<T: float>(x: T[n]) -> y: T[1] { y[i] = sum[p < n] x[p] }
schedule lanes for total {
  kernel main(grid: 1, block: 32) {
    var v: T = 0
    for t in 0..ceil_div(n, 32) { if t * 32 + threadIdx.x < n && t < 9 { v += x[t * 32 + threadIdx.x] } }
    for distance in [16, 1] { v += shfl_xor_sync(v, distance) }
    if threadIdx.x == 0 { y[0] = v }
  }
}
operator copied<T: float>(x: T[m, 32]) -> y: T[m, 32] { y[i, j] = x[i, j] }
schedule waiting for copied {
  kernel main(grid: m, block: 32) {
    shared row: T[32]
    async for j in spatial(32).on(threadIdx.x) { row[j] = x[blockIdx.x, j] ?? 0 }
    commit_group()
    wait_group(0)
    syncthreads()
    y[blockIdx.x, threadIdx.x] = row[threadIdx.x]
  }
}
`

const opened = new Map<string, OpenedSubject>()
function subject(instance: string): OpenedSubject {
  const known = opened.get(instance) ?? openMutated({ name: 'it', instance, before })
  opened.set(instance, known)
  return known
}

const staged = 'turned.staged()', lanes = 'total.lanes()', waiting = 'copied.waiting()'

function mutants(instance: string, kind: MutantKind): readonly Mutant[] {
  return subject(instance).mutants.filter(m => m.kind === kind)
}

describe('names of mutants', () => {
  const check = (instance: string, kind: MutantKind, expected: readonly string[]): void => {
    expect(mutants(instance, kind).map(m => m.what)).toEqual(expected)
  }
  it('wait at the wrong place', () => { check(staged, 'barrier', ['drop barrier', 'barrier a statement early', 'barrier a statement late']) })
  it('wait for the wrong copies', () => {
    check(waiting, 'barrier', [
      'drop barrier', 'barrier a statement early', 'barrier a statement late',
      'drop commit_group', 'drop wait_group', 'wait_group(1) for wait_group(0)'
    ])
  })
  it('have a wrong condition', () => {
    check(lanes, 'predicate', [
      'without t * 32 + threadIdx.x < n', 't * 32 + threadIdx.x < n + 1 for t * 32 + threadIdx.x < n',
      't * 32 + threadIdx.x < n - 1 for t * 32 + threadIdx.x < n',
      'without t < 9', 't < 10 for t < 9', 't < 8 for t < 9',
      'without threadIdx.x == 0', 'threadIdx.x == 1 for threadIdx.x == 0', 'threadIdx.x == -1 for threadIdx.x == 0'
    ])
  })
  it('take the other stage', () => { check(staged, 'stage', ['(t + 1) % 2 for t % 2', '(t + 1) % 2 for t % 2']) })
  it('lay out a tile otherwise', () => {
    check(staged, 'layout', [
      'readers of x take rows for columns', 'writers of y take rows for columns',
      'readers of tile take rows for columns', 'writers of tile take rows for columns',
      'tile in column_major(2, 32, 8)', 'tile in strided((2, 32, 8), strides: (0, 8, 1))',
      'tile in strided((2, 32, 8), strides: (255, 8, 1))'
    ])
  })
  it('share out a tile otherwise', () => {
    const once = [
      'part: repeat(8, 1) before spatial(4, 8)', 'part: repeat(4, 8) for spatial(4, 8)',
      'part: col_spatial(4, 8) for spatial(4, 8)', 'part: spatial(8, 4) for spatial(4, 8)',
      'part: spatial(8, 1) for repeat(8, 1)', 'part: repeat(1, 8) for repeat(8, 1)'
    ]
    check(staged, 'mapping', [...once, ...once])
  })
  it('run once too often or too rarely', () => {
    check(staged, 'extent', [
      'for t in 0..5, not 0..4', 'for t in 0..3, not 0..4',
      'one block more along x', 'one block more along y', 'one block more along z'
    ])
  })
  it('compute another value', () => {
    check(lanes, 'value', [
      '1 for 0', 'drop v = v + x[t * 32 + threadIdx.x]', 'v = v + x[t * 32 + threadIdx.x]: does not accumulate',
      'v - x[t * 32 + threadIdx.x] for v + x[t * 32 + threadIdx.x]',
      'shfl_xor_sync(v, 8) for shfl_xor_sync(v, 16)', 'only half of a warp: shfl_xor_sync(v, 16)',
      'drop v = v + other', 'v = v + other: does not accumulate', 'v - other for v + other',
      'shfl_xor_sync(v, 2) for shfl_xor_sync(v, 1)', 'only half of a warp: shfl_xor_sync(v, 1)',
      'drop v = v + other', 'v = v + other: does not accumulate', 'v - other for v + other', 'drop y[0] = v'
    ])
  })
  it('are off by one in an index', () => {
    expect(mutants(staged, 'index').map(m => m.what)).toEqual(expect.arrayContaining([
      'worker of part: threadIdx.x + 1 for threadIdx.x', 'tile[t % 2, i, j]: t + 1 for t', 'tile[t % 2, i, j]: 3 for 2',
      'tile[t % 2, i, j]: j - 1 for j', 'y[t, j, i]: last indices exchanged', 'x[t, i, j]: i + 1 for i'
    ]))
  })
  it('slip where the guard follows', () => {
    expect(mutants(waiting, 'slip').map(m => m.what)).toEqual([
      'x[blockIdx.x, j]: blockIdx.x + 1 for blockIdx.x', 'x[blockIdx.x, j]: blockIdx.x - 1 for blockIdx.x',
      'x[blockIdx.x, j]: j + 1 for j', 'x[blockIdx.x, j]: j - 1 for j'
    ])
  })
})

describe('one mistake, and nothing else', () => {
  /** The lines of the program that the mutant has not, and those that only it has. */
  const check = (instance: string, what: string, gone: readonly string[], come: readonly string[]): void => {
    const { job, mutants: all } = subject(instance)
    const lines = printProgram(job.subject.elaborated).split('\n').map(l => l.trim())
    const others = printProgram(all.find(m => m.what === what)!.program).split('\n').map(l => l.trim())
    expect(lines.filter(l => !others.includes(l))).toEqual(gone)
    expect(others.filter(l => !lines.includes(l))).toEqual(come)
  }
  it.each([
    [staged, 'drop barrier', ['syncthreads()'], []],
    [staged, 'tile[t % 2, i, j]: j - 1 for j', ['tile[t % 2, i, j] = x[t, i, j]'], ['tile[t % 2, i, j - 1] = x[t, i, j]']],
    [staged, 'readers of x take rows for columns', ['tile[t % 2, i, j] = x[t, i, j]'],
      ['tile[t % 2, i, j] = x[t, (j * 32 + i) / 8, (j * 32 + i) % 8]']],
    [staged, 'part: repeat(8, 1) before spatial(4, 8)', ['for (i, j) in (spatial(4, 8) * repeat(8, 1)).on(threadIdx.x) {'],
      ['for (i, j) in (repeat(8, 1) * spatial(4, 8)).on(threadIdx.x) {']],
    [lanes, 'without t < 9', ['if t * 32 + threadIdx.x < n && t < 9 {'], ['if t * 32 + threadIdx.x < n {']],
    [lanes, 'v = v + other: does not accumulate', ['v = v + other'], ['v = other']],
    [lanes, 'only half of a warp: shfl_xor_sync(v, 16)', ['let other: f32 = shfl_xor_sync(v, 16)'],
      ['let other: f32 = if threadIdx.x % 32 < 16 then shfl_xor_sync(v, 16) else v']]
  ])('%s: %s', (instance, what, gone, come) => { check(instance, what, gone, come) })
})

it('every kind occurs', () => {
  const kinds = [staged, lanes, waiting].flatMap(i => subject(i).mutants.map(m => m.kind))
  expect([...new Set(kinds)].sort()).toEqual([...mutantKinds].sort())
})

it('a place is the line, with the calls that lead to it', () => {
  const { job, mutants: all } = openMutated({ name: 'it', instance: 'softmax.online(s: (2,))' })
  const barriers = all.filter(m => m.what === 'drop barrier').map(m => placeText(m.origins, job))
  expect(barriers).toHaveLength(4)
  for (const place of barriers) expect(place).toMatch(/^reduce\.heddle:\d+ through softmax\.heddle:\d+$/)
})

describe('on the way to CUDA', () => {
  const check = (instance: string, what: string, expected: string): void => {
    const found = candidatesOf(subject(instance)).filter(c => c.name.startsWith(`it: ${what}, `)).map(c => c.mutant)
    expect(found.map(m => m.kind === 'refused' ? m.by : m.kind)).toContain(expected)
  }
  it.each([
    [staged, 'drop barrier', 'kernel'],
    [staged, 'one block more along z', 'kernel'],
    [staged, 'tile[t % 2, i, j]: t - 1 for t', 'duplicate'],
    [staged, 'part: spatial(8, 1) for repeat(8, 1)', 'too-many-workers'],
    [staged, 'x[t, i, j]: t + 1 for t', 'kernel'],
    [lanes, 'threadIdx.x == -1 for threadIdx.x == 0', 'kernel']
  ])('%s: %s is %s', (instance, what, expected) => { check(instance, what, expected) })
  it('names are unique', () => {
    const names = subject(staged).mutants.map(m => m.name)
    expect(new Set(names).size).toBe(names.length)
  })
})
