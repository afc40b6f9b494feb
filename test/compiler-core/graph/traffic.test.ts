import { expect, it } from 'vitest'
import { partition } from '../../../compiler-core/graph/partition.ts'
import { trafficOf } from '../../../compiler-core/graph/traffic.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { modelOf, type Making } from './models.ts'

/** For each fused edge, `from -> to`: bytes written and read of the tensor, read more, saved. */
type Rows = Readonly<Record<string, readonly [written: number, read: number, readMore: number, saved: number]>>

function check(make: (m: Making) => readonly Buffer[], expected: Rows): void {
  const rows = [...trafficOf(partition(modelOf(make).graph))].map(([{ from, to }, t]) =>
    [`${from.operator.name} -> ${to.operator.name}`, [t.written, t.read, t.readMore, t.saved]])
  expect(Object.fromEntries(rows)).toEqual(expected)
}

const matmul = (m: Making, a: Buffer, n: number) => m.apply('batch_matmul', { a, b: m.input('b', [1, 64, n]) })

it('behind an anchor is what the tensor takes, twice', () => check(m =>
  [m.apply('add', { a: matmul(m, m.input('a', [1, 128, 64]), 32), b: m.input('bias', [32]) })], {
  'batch_matmul -> add': [128 * 32 * 4, 128 * 32 * 4, 0, 2 * 128 * 32 * 4]
}))
it('in front of an anchor is the same, however often it is loaded, if it is made of one tensor', () => check(m =>
  [matmul(m, m.apply('relu', { x: m.input('a', [1, 128, 64]) }), 256)], {
  'relu -> batch_matmul': [128 * 64 * 4, 4 * 128 * 64 * 4, 3 * 128 * 64 * 4, 2 * 128 * 64 * 4]
}))
it('in front of an anchor may be less than nothing, if it is made of several', () => check(m =>
  [matmul(m, m.apply('add', { a: m.input('x', [1, 128, 64]), b: m.input('y', [1, 128, 64]) }), 512)], {
  'add -> batch_matmul': [128 * 64 * 4, 8 * 128 * 64 * 4, 2 * 7 * 128 * 64 * 4, -5 * 128 * 64 * 4]
}))
it('counts what a conversion reads less', () => check(m =>
  [matmul(m, m.apply('cast', { x: m.input('a', [1, 128, 64], 'f16'), U: { dtype: 'f32' } }), 256)], {
  'cast -> batch_matmul': [128 * 64 * 4, 4 * 128 * 64 * 4, 3 * 128 * 64 * 2, 3.5 * 128 * 64 * 4]
}))
it('of a chain is what all of its tensors take: only the first operator loads from memory', () => check(m =>
  [matmul(m, m.apply('relu', { x: m.apply('negate', { x: m.input('a', [1, 128, 64]) }) }), 256)], {
  'negate -> relu': [128 * 64 * 4, 128 * 64 * 4, 3 * 128 * 64 * 4, -1 * 128 * 64 * 4],
  'relu -> batch_matmul': [128 * 64 * 4, 4 * 128 * 64 * 4, 0, 5 * 128 * 64 * 4]
}))
it('counts a tensor that is read twice in a kernel once, and no evaluation at the same index twice', () => check(m => {
  const y = m.apply('relu', { x: m.input('x', [1000]) })
  return [m.apply('multiply', { a: y, b: m.apply('sigmoid', { x: y }) })]
}, {
  'relu -> sigmoid': [4000, 4000, 0, 8000], 'relu -> multiply': [0, 4000, 0, 4000], 'sigmoid -> multiply': [4000, 4000, 0, 8000]
}))
it('of a window counts each of the elements that it sees', () => check(m =>
  [m.apply('reduce', {
    x: m.apply('image_columns', {
      x: m.input('x', [1, 1, 10, 10]), k: [3, 3], strides: [1, 1], dilations: [1, 1], before: [0, 0], after: [0, 0], groups: 1
    }), axes: [2], op: { reducer: 'max' }
  })], { 'image_columns -> reduce': [64 * 9 * 4, 64 * 9 * 4, 0, 2 * 64 * 9 * 4] }))

it('of a view is that of what it shares the memory with', () => {
  const view = (m: Making, x: Buffer, ...to: readonly number[]) => m.apply('reshape', { x, to })
  // stored by the matmul either way
  check(m => [view(m, matmul(m, m.input('a', [1, 128, 64]), 32), 4096)], { 'batch_matmul -> reshape': [0, 0, 0, 0] })
  check(m => [m.apply('relu', { x: view(m, matmul(m, m.input('a', [1, 128, 64]), 32), 4096) })], {
    'batch_matmul -> reshape': [0, 0, 0, 0], 'reshape -> relu': [128 * 32 * 4, 128 * 32 * 4, 0, 2 * 128 * 32 * 4]
  })
  // an input of the model is read as often
  check(m => [matmul(m, view(m, m.input('a', [128 * 64]), 1, 128, 64), 256)], {
    'reshape -> batch_matmul': [0, 4 * 128 * 64 * 4, 4 * 128 * 64 * 4, 0]
  })
  check(m => [matmul(m, view(m, m.apply('relu', { x: m.input('a', [128 * 64]) }), 1, 128, 64), 256)], {
    'relu -> reshape': [0, 0, 3 * 128 * 64 * 4, -3 * 128 * 64 * 4],
    'reshape -> batch_matmul': [128 * 64 * 4, 4 * 128 * 64 * 4, 0, 5 * 128 * 64 * 4]
  })
})
