import { describe, expect, it } from 'vitest'
import { binary, call, cast, constant, load, ref, select, unary } from '../../../compiler-core/ir/build.ts'
import { threadIdx, type Buffer, type Expr, type Program, type Stmt, type Variable } from '../../../compiler-core/ir/ir.ts'
import { printExpr, printProgram } from '../../../compiler-core/ir/print.ts'
import { repeat } from '../../../compiler-core/mapping/mapping.ts'

const i: Variable = { name: 'i', type: 'index', role: 'loop' }, j: Variable = { ...i, name: 'j' }
const float: Variable = { name: 'v', type: 'f32', role: 'mutable' }
const x: Buffer = {
  name: 'x', element: 'f32', scope: 'input', shape: [constant(8), constant(4)], layout: undefined, origins: []
}
const [I, J] = [ref(i), ref(j)], n = (value: number) => constant(value)

describe('expressions', () => {
  function check(e: Expr, expected: string): void {
    it(expected, () => { expect(printExpr(e)).toBe(expected) })
  }
  check(binary('*', binary('+', I, J), n(4)), '(i + j) * 4')
  check(binary('+', binary('*', I, n(4)), J), 'i * 4 + j')
  check(binary('-', I, binary('-', J, n(1))), 'i - (j - 1)')
  check(binary('/', I, binary('*', J, n(2))), 'i / (j * 2)')
  check(binary('&&', binary('<', I, J), binary('||', binary('==', I, J), binary('!=', I, n(3)))), 'i < j && (i == j || i != 3)')
  check(binary('min', I, binary('+', J, n(1))), 'min(i, j + 1)')
  check(binary('^', I, binary('&', J, n(7))), 'i ^ j & 7')
  check(unary('-', binary('+', ref(float), ref(float))), '-(v + v)')
  check(load(x, [I, n(0)]), 'x[i, 0]')
  check(load(x, [I, J], constant(0, 'f32')), 'x[i, j] ?? 0')
  check(binary('*', load(x, [I, J], constant(0, 'f32')), ref(float)), 'x[i, j] ?? 0 * v')
  check(select(binary('<', I, J), I, J), 'if i < j then i else j')
  check(binary('+', select(binary('<', I, J), I, J), n(1)), '(if i < j then i else j) + 1')
  check(cast(I, 'u64'), 'u64(i)')
  check(call('exp', [ref(float)]), 'exp(v)')
  check(constant(1, 'bool'), 'true')
  check(constant(-Infinity, 'f32'), '-inf')
  check({ kind: 'reduce', reducer: 'sum', axes: [{ variable: i, extent: n(8) }], body: load(x, [I, n(0)]), type: 'f32', origins: [] }, 'sum[i < 8] x[i, 0]')
})

describe('statements', () => {
  const made = repeat([8])
  const mapping = made.ok ? made.value : undefined
  const at = { origins: [] }, other: Variable = { ...i }
  const shared: Buffer = { ...x, name: 's', scope: 'shared' }

  function check(body: readonly Stmt[], expected: string): void {
    it(expected.trim().split('\n')[0] ?? '', () => {
      const program: Program = {
        name: 'p', parameters: [x], workspaces: [], extents: [], origins: [],
        kernels: [{ name: 'main', grid: [n(2), n(1), n(1)], block: [32, 1, 1], minBlocks: 4, body, origins: [] }]
      }
      expect(printProgram(program)).toBe(`program p
input x: f32[8, 4]

kernel main(grid: (2, 1, 1), block: (32, 1, 1), min_blocks: 4) {
${expected}
}
`)
    })
  }
  check([
    { kind: 'let', variable: { ...i, role: 'let' }, value: J, note: 'repeat(8)', ...at },
    { kind: 'let', variable: { ...other, role: 'let' }, value: J, ...at }
  ], '  let i: index = j  // repeat(8)\n  let i_1: index = j')
  check([
    { kind: 'for', variable: i, extent: n(4), unroll: 'full', vector: true, note: 'repeat(4)', body: [{ kind: 'jump', to: 'break', ...at }], ...at },
    { kind: 'for', variable: i, extent: binary('-', J, n(1)), unroll: 2, vector: false, body: [], ...at }
  ], '  vector unroll for i in 0..4 {  // repeat(4)\n    break\n  }\n  unroll(2) for i in 0..j - 1 {\n  }')
  if (mapping) {
    check([{
      kind: 'tasks', variables: [i], mapping, factorOrigins: [[]], worker: ref(threadIdx[0]), async: true, ...at,
      body: [{ kind: 'store', buffer: shared, indices: [I, n(0)], value: constant(0, 'f32'), guarded: true, ...at }]
    }], '  async for (i) in (repeat(8)).on(threadIdx.x) {\n    s[i, 0] =? 0\n  }')
  }
  check([
    { kind: 'allocate', buffer: shared, value: constant(1, 'f32'), reuses: [x], ...at },
    { kind: 'copy', lanes: 4, to: { buffer: shared, offset: n(8) }, from: { buffer: x, offset: I }, ...at },
    { kind: 'copy', lanes: 4, to: { buffer: shared, offset: n(8) }, from: { buffer: x, offset: I }, async: { condition: undefined }, ...at },
    { kind: 'copy', lanes: 1, to: { buffer: shared, offset: n(8) }, from: { buffer: x, offset: I }, async: { condition: binary('<', I, J) }, ...at },
    { kind: 'store', buffer: shared, indices: [I, n(0)], value: constant(0, 'f32'), guarded: false, async: true, ...at },
    { kind: 'barrier', ...at },
    { kind: 'effect', effect: 'commit_group', ...at },
    { kind: 'effect', effect: 'wait_group', pending: 1, ...at },
    { kind: 'effect', effect: 'atomic_add', buffer: x, indices: [I, J], value: constant(2, 'f32'), old: undefined, ...at }
  ], '  shared s: f32[8, 4] reuses (x) = 1\n  s[8 ..+ 4] = x[i ..+ 4]\n  async s[8 ..+ 4] = x[i ..+ 4]\n  async s[8] = if i < j then x[i] else 0\n  async s[i, 0] = 0\n  syncthreads()\n  commit_group()\n  wait_group(1)\n  atomic_add(x[i, j], 2)')
  check([{
    kind: 'if', condition: binary('<', I, J), ...at,
    then: [{ kind: 'assign', variable: float, value: constant(0, 'f32'), ...at }],
    otherwise: [{ kind: 'while', condition: constant(1, 'bool'), body: [], ...at }]
  }], '  if i < j {\n    v = 0\n  } else {\n    while true {\n    }\n  }')
})
