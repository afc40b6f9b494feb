/** Lowered programs as the passes make them, for the goldens and the CUDA tools. */
import type { Buffer, ElementName, Expr, Program, Stmt, Variable } from '../../../compiler-core/ir/ir.ts'
import {
  add, allocate, assign, at, barrier, block, buffer, choose, copy, declare, div, expr, fn, less, let_, loop, mod, mul,
  op, program, store, thread, to, variable, when
} from './support.ts'

export const examples: Readonly<Record<string, () => Program>> = {
  relu: () => relu('f32', 4),
  relu_f16: () => relu('f16', 8),
  relu_bf16: () => relu('bf16', 8),
  scale_f16: scaleF16,
  row_sums: rowSums,
  softmax: softmax,
  matmul: () => matmul(false),
  matmul_any: () => matmul(true),
  histogram: histogram,
  staged: staged
}

/** One wide access in, lane by lane, one out. */
function relu(element: ElementName, lanes: number): Program {
  const x = buffer('x', element, 'input', 4096 * lanes)
  const y = buffer('y', element, 'output', 4096 * lanes)
  const v = buffer('v', element, 'register', lanes)
  const i = variable('i')
  const body = [
    let_(i, mul(add(mul(block, 256), thread), lanes)),
    allocate(v),
    copy(lanes, v, 0, x, i),
    loop('j', lanes, j => [store(v, j, op('max', at(v, j), expr(0, element)))]),
    copy(lanes, y, i, v, 0)
  ]
  return program('relu.flat', [x, y], [{ grid: [16], block: [256], body }])
}

/** Arithmetic in f16, a predicate, a shape that is known at launch. */
function scaleF16(): Program {
  const n = variable('n', 'u32', 'extent')
  const x = buffer('x', 'f16', 'input', n)
  const w = buffer('w', 'bf16', 'input', n)
  const y = buffer('y', 'f16', 'output', n)
  const i = variable('i')
  const product = op('*', at(x, i), to('f16', at(w, i)))
  const shifted = op('+', product, expr(0.5, 'f16'))
  const body = [
    let_(i, add(mul(block, 128), thread)),
    when(op('<', i, n), [store(y, i, choose(op('<', at(x, i), expr(0, 'f16')), expr(0, 'f16'), fn('exp', shifted)))])
  ]
  return program('scale', [x, w, y], [{ grid: [div(add(n, 127), 128)], block: [128], body }], { extents: [n] })
}

/** A warp a row, combined by shuffles; the first lane stores. */
function rowSums(): Program {
  const x = buffer('x', 'f32', 'input', 512, 1024)
  const y = buffer('y', 'f32', 'output', 512)
  const row = variable('row')
  const lane = variable('lane')
  const total = variable('total', 'f32', 'mutable')
  const v = buffer('v', 'f32', 'register', 4)
  const body = [
    let_(row, add(mul(block, 4), div(thread, 32)), 'spatial(4, 1)'),
    let_(lane, mod(thread, 32), 'spatial(1, 32)'),
    declare(total, 0),
    loop('i', 8, i => [
      allocate(v),
      copy(4, v, 0, x, add(mul(row, 1024), mul(i, 128), mul(lane, 4))),
      loop('j', 4, j => [assign(total, op('+', total, at(v, j)))])
    ], 'full', 'repeat(1, 8)'),
    ...[16, 8, 4, 2, 1].map(d => assign(total, op('+', total, fn('shfl_xor_sync', expr(total), expr(d))))),
    when(op('==', lane, 0), [store(y, row, total)])
  ]
  return program('reduce_sum.warp', [x, y], [{ grid: [128], block: [128], minBlocks: 40, body }])
}

/** A row in registers: three passes over it, two combinations in a warp. */
function softmax(): Program {
  const x = buffer('x', 'f32', 'input', 512, 1000)
  const y = buffer('y', 'f32', 'output', 512, 1000)
  const held = buffer('held', 'f32', 'register', 32)
  const row = variable('row')
  const lane = variable('lane')
  const most = variable('most', 'f32', 'mutable')
  const total = variable('total', 'f32', 'mutable')
  const column = (i: Variable) => add(mul(i, 32), lane)
  const inside = (i: Variable) => op('<', column(i), 1000)
  const offset = (i: Variable) => add(mul(row, 1000), mul(i, 32), lane)
  const body = [
    let_(row, add(mul(block, 4), div(thread, 32))),
    let_(lane, mod(thread, 32)),
    allocate(held),
    declare(most, -Infinity),
    loop('i', 32, i => [
      store(held, i, choose(inside(i), at(x, offset(i)), expr(-Infinity, 'f32'))),
      assign(most, op('max', most, at(held, i)))
    ]),
    ...[16, 8, 4, 2, 1].map(d => assign(most, op('max', most, fn('shfl_xor_sync', expr(most), expr(d))))),
    declare(total, 0),
    loop('i', 32, i => [
      store(held, i, fn('exp', op('-', at(held, i), most))),
      assign(total, op('+', total, at(held, i)))
    ]),
    ...[16, 8, 4, 2, 1].map(d => assign(total, op('+', total, fn('shfl_xor_sync', expr(total), expr(d))))),
    loop('i', 32, i => [when(inside(i), [store(y, offset(i), op('/', at(held, i), total))])])
  ]
  return program('softmax.rows', [x, y], [{ grid: [128], block: [128], body }])
}

/** The SIMT matrix product with tiles of 128 x 128 x 8, buffered twice in shared memory and in registers. */
function matmul(symbolic: boolean): Program {
  const [m, n, k] = ['m', 'n', 'k'].map(name => variable(name, 'u32', 'extent')) as [Variable, Variable, Variable]
  const [rows, columns, depth]: readonly [Expr, Expr, Expr] = symbolic
    ? [expr(m), expr(n), expr(k)]
    : [expr(1024), expr(1024), expr(1024)]
  const tiles = (extent: Expr, tile: number): Expr => extent.kind === 'constant'
    ? expr(Number(extent.value) / tile)
    : div(add(extent, tile - 1), tile)
  const a = buffer('a', 'f32', 'input', rows, depth)
  const b = buffer('b', 'f32', 'input', depth, columns)
  const c = buffer('c', 'f32', 'output', rows, columns)
  const sa = buffer('sa', 'f32', 'shared', 2, 8, 128)
  const sb = buffer('sb', 'f32', 'shared', 2, 8, 128)
  const ga = buffer('ga', 'f32', 'register', 4)
  const gb = buffer('gb', 'f32', 'register', 4)
  const ra = buffer('ra', 'f32', 'register', 16)
  const rb = buffer('rb', 'f32', 'register', 16)
  const acc = buffer('acc', 'f32', 'register', 64)
  const [bi, bj, line, p, warpI, warpJ, laneI, laneJ, last, first] = [
    'bi', 'bj', 'line', 'p', 'warp_i', 'warp_j', 'lane_i', 'lane_j', 'last', 'first'
  ].map(name => variable(name)) as [
    Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable
  ]
  const edge = (inside: Expr, value: Expr) => symbolic ? choose(inside, value, expr(0, 'f32')) : value
  const fetch = (k0: Expr, inTile: Expr | undefined): Stmt[] => [
    loop('i', 4, i => [store(ga, i, edge(
      both(less(add(mul(bi, 128), mul(line, 4), i), rows), inTile),
      at(a, add(mul(add(mul(bi, 128), mul(line, 4), i), depth), k0, p))
    ))], 'full', 'repeat(4, 1)'),
    loop('j', 4, j => [store(gb, j, edge(
      both(less(add(mul(bj, 128), mul(j, 32), line), columns), inTile),
      at(b, add(mul(add(k0, p), columns), mul(bj, 128), mul(j, 32), line))
    ))], 'full', 'repeat(1, 4)')
  ]
  const put = (s: Expr): Stmt[] => [
    copy(4, sa, add(mul(s, 1024), mul(p, 128), mul(line, 4)), ga, 0),
    loop('j', 4, j => [store(sb, add(mul(s, 1024), mul(p, 128), mul(j, 32), line), at(gb, j))])
  ]
  const pull = (s: Expr, q: Expr | number, to: Expr | number): Stmt[] => [
    loop('i', 2, i => [copy(4, ra, add(mul(expr(to), 8), mul(i, 4)), sa, add(
      mul(s, 1024), mul(expr(q), 128), mul(warpI, 32), mul(i, 16), mul(laneI, 4)))]),
    loop('j', 2, j => [copy(4, rb, add(mul(expr(to), 8), mul(j, 4)), sb, add(
      mul(s, 1024), mul(expr(q), 128), mul(warpJ, 64), mul(j, 32), mul(laneJ, 4)))])
  ]
  const multiply = (q: Expr): Stmt => loop('i', 8, i => [loop('j', 8, j => [
    store(acc, add(mul(i, 8), j), op('+', at(acc, add(mul(i, 8), j)),
      op('*', at(ra, add(mul(q, 8), i)), at(rb, add(mul(q, 8), j)))))
  ])])
  const row = (i: Variable) => add(mul(bi, 128), mul(warpI, 32), mul(div(i, 4), 16), mul(laneI, 4), mod(i, 4))
  const column = (j: Variable) => add(mul(bj, 128), mul(warpJ, 64), mul(j, 32), mul(laneJ, 4))
  const scattered = (j: Variable) =>
    add(mul(bj, 128), mul(warpJ, 64), mul(div(j, 4), 32), mul(laneJ, 4), mod(j, 4))
  const body: Stmt[] = [
    let_(bi, div(block, tiles(columns, 128)), 'spatial(m_tiles, n_tiles)'),
    let_(bj, mod(block, tiles(columns, 128)), 'spatial(m_tiles, n_tiles)'),
    let_(line, div(thread, 8), 'spatial(32, 8)'),
    let_(p, mod(thread, 8), 'spatial(32, 8)'),
    let_(warpI, div(thread, 64), 'spatial(4, 2)'),
    let_(warpJ, mod(div(thread, 32), 2), 'spatial(4, 2)'),
    let_(laneI, div(mod(thread, 32), 8), 'spatial(4, 8)'),
    let_(laneJ, mod(thread, 8), 'spatial(4, 8)'),
    ...symbolic ? [let_(last, op('-', tiles(depth, 8), 1)), let_(first, op('-', depth, mul(last, 8)))] : [],
    allocate(sa), allocate(sb), allocate(ga), allocate(gb), allocate(ra), allocate(rb), allocate(acc, 0),
    ...fetch(expr(0), symbolic ? less(p, first) : undefined),
    ...put(expr(0)),
    barrier,
    ...pull(expr(0), 0, 0),
    loop('t', symbolic ? last : 127, t => [
      loop('q', 8, q => [
        when(op('==', q, 0), fetch(symbolic ? add(first, mul(t, 8)) : mul(add(t, 1), 8), undefined)),
        when(op('==', q, 7),
          [...put(mod(add(t, 1), 2)), barrier, ...pull(mod(add(t, 1), 2), 0, mod(add(q, 1), 2))],
          pull(mod(t, 2), add(q, 1), mod(add(q, 1), 2))),
        multiply(mod(q, 2))
      ])
    ], 'automatic'),
    loop('q', 8, q => [
      when(less(q, 7), pull(symbolic ? mod(last, 2) : expr(1), add(q, 1), mod(add(q, 1), 2))),
      multiply(mod(q, 2))
    ]),
    symbolic
      ? loop('i', 8, i => [loop('j', 8, j => [when(
        op('&&', less(row(i), rows), less(scattered(j), columns)),
        [store(c, add(mul(row(i), columns), scattered(j)), at(acc, add(mul(i, 8), j)))]
      )])])
      : loop('i', 8, i => [loop('j', 2, j => [
        copy(4, c, add(mul(row(i), columns), column(j)), acc, add(mul(i, 8), mul(j, 4)))
      ])])
  ]
  return program('batch_matmul.simt', [a, b, c], [{
    grid: [mul(tiles(rows, 128), tiles(columns, 128))], block: [256], minBlocks: 1, body
  }], { extents: symbolic ? [m, n, k] : [] })
}

function both(a: Expr, b: Expr | undefined): Expr {
  return b ? op('&&', a, b) : a
}

/** Atomics in both memories, an initial value of shared memory, signed division. */
function histogram(): Program {
  const x = buffer('x', 'i32', 'input', 65536)
  const counts = buffer('counts', 'u32', 'output', 64)
  const bins = buffer('bins', 'u32', 'shared', 64)
  const bin = variable('bin', 'i32')
  const value: Expr = at(x, add(mul(block, 256), thread))
  const body: Stmt[] = [
    allocate(bins, 0),
    let_(bin, op('%', op('/', value, expr(3, 'i32')), expr(64, 'i32'))),
    {
      kind: 'effect', effect: 'atomic_add', buffer: bins, indices: [to('u32', bin)], value: expr(1), old: undefined,
      origins: []
    },
    barrier,
    when(less(thread, 64), [{
      kind: 'effect', effect: 'atomic_add', buffer: counts, indices: [thread], value: at(bins, thread), old: undefined,
      origins: []
    }])
  ]
  return program('histogram', [x, counts], [{ grid: [256], block: [256], body }])
}

/** Shared memory beyond what may be declared, some of it used twice; two kernels with a workspace between. */
function staged(): Program {
  const x = buffer('x', 'f32', 'input', 16384)
  const y = buffer('y', 'f32', 'output', 16384)
  const partial = buffer('partial', 'f32', 'workspace', 16384)
  const tile = buffer('tile', 'f32', 'shared', 128, 128)
  const turned = buffer('turned', 'f32', 'shared', 4096)
  const flip = (b: Buffer, threads: number, body: (i: Expr) => Stmt): Stmt => {
    const cells = b.shape.reduce((count, e) => count * Number(e.kind === 'constant' ? e.value : 1), 1)
    return loop('s', cells / threads, s => [body(add(mul(s, threads), thread))], 'never')
  }
  const first = [
    allocate(tile),
    flip(tile, 256, i => store(tile, i, at(x, i))),
    barrier,
    allocate(turned, undefined, [tile]),
    flip(turned, 256, i => store(turned, i, at(turned, op('^', i, 1)))),
    barrier,
    flip(turned, 256, i => store(partial, i, at(turned, i)))
  ]
  const second = [flip(turned, 128, i => store(y, i, at(partial, i)))]
  return program('transpose.staged', [x, y], [
    { name: 'turn', grid: [1], block: [16, 16], body: first }, { name: 'give', grid: [1], block: [128], body: second }
  ], { workspaces: [{ buffer: partial, value: undefined }] })
}
