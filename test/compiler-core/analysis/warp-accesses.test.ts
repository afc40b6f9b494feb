import { describe, expect, it } from 'vitest'
import { warpAccesses } from '../../../compiler-core/analysis/warp-accesses.ts'
import { binary, constant, load, ref, select } from '../../../compiler-core/ir/build.ts'
import {
  threadIdx, type Buffer, type Copy, type Expr, type Kernel, type Stmt, type Variable
} from '../../../compiler-core/ir/ir.ts'

const buffer = (name: string, scope: Buffer['scope'], cells: number): Buffer =>
  ({ name, element: 'f32', scope, shape: [constant(cells)], layout: undefined, origins: [] })
const s = buffer('s', 'shared', 4096), x = buffer('x', 'input', 4096), flags = buffer('flags', 'input', 4096)
const r = buffer('r', 'register', 4)

const t = ref(threadIdx[0])
const n = (value: number): Expr => constant(value)
const plus = (a: Expr, b: Expr): Expr => binary('+', a, b)
const times = (a: Expr, b: number): Expr => binary('*', a, n(b))
const less = (a: Expr, b: Expr): Expr => binary('<', a, b)
const read = (b: Buffer, offset: Expr): Expr => load(b, [offset])
const store = (b: Buffer, offset: Expr, value: Expr = constant(0, 'f32')): Stmt =>
  ({ kind: 'store', buffer: b, indices: [offset], value, guarded: false, origins: [] })
const copy = (to: Buffer, toOffset: Expr, from: Buffer, fromOffset: Expr): Copy => ({
  kind: 'copy', lanes: 4, to: { buffer: to, offset: toOffset }, from: { buffer: from, offset: fromOffset }, origins: []
})
const when = (condition: Expr, then: readonly Stmt[], otherwise: readonly Stmt[] = []): Stmt =>
  ({ kind: 'if', condition, then, otherwise, origins: [] })
const i: Variable = { name: 'i', type: 'index', role: 'loop' }
const loop = (extent: Expr, body: readonly Stmt[]): Stmt =>
  ({ kind: 'for', variable: i, extent, unroll: 'never', vector: false, body, origins: [] })
const jump = (to: 'break' | 'continue' | 'return'): Stmt => ({ kind: 'jump', to, origins: [] })

function kernel(body: readonly Stmt[], threads: number): Kernel {
  return { name: 'k', grid: [n(1), n(1), n(1)], block: [threads, 1, 1], minBlocks: undefined, body, origins: [] }
}

/** `NAME reads|writes BYTES x REQUESTS: WAVEFRONTS of IDEAL` or `... SECTORS sectors`, one for each access. */
function check(what: string, body: readonly Stmt[], expected: readonly string[], threads = 32): void {
  it(what, () => {
    const counts = warpAccesses(kernel(body, threads), { block: [0, 0, 0], extents: new Map() })
    expect(counts.map(c => `${c.buffer.name} ${c.write ? 'writes' : 'reads'} ${c.bytes} x ${c.requests}: `
      + (c.buffer.scope === 'shared' ? `${c.wavefronts} of ${c.ideal}` : `${c.sectors} sectors`))).toEqual(expected)
  })
}

describe('accesses of the warps of a block', () => {
  check('each thread its word', [store(s, t)], ['s writes 4 x 1: 1 of 1'])
  check('two warps', [store(s, t)], ['s writes 4 x 2: 2 of 2'], 64)
  check('a column', [store(s, times(t, 32))], ['s writes 4 x 1: 32 of 1'])
  check('a read in a value, of global memory', [store(s, t, read(x, times(t, 8)))], ['x reads 4 x 1: 32 sectors', 's writes 4 x 1: 1 of 1'])
  check('registers do not count', [store(r, n(0), read(s, t))], ['s reads 4 x 1: 1 of 1'])
  check('four cells at once', [copy(s, times(t, 4), x, times(t, 4))], ['x reads 16 x 1: 16 sectors', 's writes 16 x 1: 4 of 4'])
  check('zeros in place of what is not read', [{ ...copy(s, times(t, 4), x, times(t, 4)), async: { condition: less(t, n(8)) } }],
    ['x reads 16 x 1: 4 sectors', 's writes 16 x 1: 4 of 4'])
  check('the lanes of a branch', [when(less(t, n(8)), [store(s, times(t, 32))], [store(s, times(t, 2))])],
    ['s writes 4 x 1: 8 of 1', 's writes 4 x 1: 2 of 1'])
  check('a branch that no lane takes', [when(less(t, n(0)), [store(s, t)])], [])
  check('only the chosen side is read', [store(r, n(0), select(less(t, n(16)), read(s, t), read(x, t)))],
    ['s reads 4 x 1: 1 of 1', 'x reads 4 x 1: 2 sectors'])
  check('a condition on elements goes both ways', [when(less(read(flags, t), constant(1, 'f32')), [store(s, t)], [store(s, t)])],
    ['flags reads 4 x 1: 4 sectors', 's writes 4 x 1: 1 of 1', 's writes 4 x 1: 1 of 1'])
  check('a loop', [loop(n(3), [store(s, times(t, 2), read(s, plus(t, times(ref(i), 32))))])],
    ['s reads 4 x 3: 3 of 3', 's writes 4 x 3: 6 of 3'])
  check('as many iterations as the lane has', [loop(t, [store(s, t)])], ['s writes 4 x 31: 31 of 31'])
  check('the first iterations of a long loop', [loop(n(1000), [store(s, t)])], ['s writes 4 x 32: 32 of 32'])
  check('`continue` skips an iteration', [loop(n(4), [when(less(ref(i), n(1)), [jump('continue')]), store(s, t)]), store(s, t)],
    ['s writes 4 x 3: 3 of 3', 's writes 4 x 1: 1 of 1'])
  check('`break` ends the loop', [loop(n(4), [when(less(n(1), ref(i)), [jump('break')]), store(s, t)]), store(s, t)],
    ['s writes 4 x 2: 2 of 2', 's writes 4 x 1: 1 of 1'])
  check('`return` ends the thread', [loop(n(4), [when(less(n(1), ref(i)), [jump('return')]), store(s, t)]), store(s, t)],
    ['s writes 4 x 2: 2 of 2'])
  check('less than a warp', [store(s, times(t, 32))], ['s writes 4 x 1: 20 of 1'], 20)
})
