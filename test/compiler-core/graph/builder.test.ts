// Operators and graphs of the library, applied by a program.
import { describe, expect, it } from 'vitest'
import { createBuilder, extentsOf, inputTensor, type Arguments } from '../../../compiler-core/graph/builder.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { builder, computed, modelOf } from './models.ts'

const f32 = (name: string, ...shape: readonly number[]): Buffer => inputTensor(name, 'f32', shape)

/** `name: type` of each node's results, or the problem. */
function resultsOf(name: string, args: Arguments): string {
  const applied = builder.apply(name, args, ['node'])
  if ('problem' in applied) return applied.problem
  return applied.nodes.map(({ operator, outputs }) =>
    `${operator.name}: ${outputs.map(o => `${o.element}[${extentsOf(o).join(', ')}]`).join(', ')}`).join('; ')
}

const conv = {
  x: f32('x', 2, 4, 9, 8), w: f32('w', 6, 2, 3, 2), strides: [2, 1], dilations: [1, 2], before: [1, 0], after: [0, 2], groups: 2
}

describe('an application', () => {
  it.each<[expected: string, name: string, args: Arguments]>([
    ['relu: f32[2, 3]', 'relu', { x: f32('x', 2, 3) }],
    ['add: f32[2, 3]', 'add', { a: f32('a', 2, 3), b: 1 }],
    ['cast: f16[2, 3]', 'cast', { x: f32('x', 2, 3), U: { dtype: 'f16' } }],
    ['reduce: f32[2, 1]', 'reduce', { x: f32('x', 2, 3), axes: [1], op: { reducer: 'max' }, keep: true }],
    ['split: f32[2, 3], f32[2, 5]', 'split', { x: f32('x', 2, 8), at: 3, axis: 1 }],
    ['conv: f32[2, 6, 4, 8]', 'conv', conv],
    ['image_columns: f32[2, 64, 12]; reshape: f32[2, 3, 12]; transpose: f32[2, 12, 3]; batch_matmul: f32[2, 64, 3]; '
      + 'columns_image: f32[2, 6, 4, 8]', 'conv.implicit_gemm', conv],
    ['reshape: f32[1, 6, 4, 2]; transpose: f32[1, 4, 6, 2]; reshape: f32[4, 6, 2]; reshape: f32[4, 2, 5]; '
      + 'batch_matmul: f32[4, 6, 5]; reshape: f32[1, 4, 6, 5]; reduce: f32[1, 6, 5]',
    'parallel_k', { a: f32('a', 1, 6, 8), b: f32('b', 1, 8, 5), parts: 4 }],
    ['The library has no operator `ad`.', 'ad', { a: f32('a', 2), b: f32('b', 2) }],
    ['`x` of `relu` is a tensor, which is not given.', 'relu', {}],
    ['`conv` requires `c == gc * groups`: the channels of a filter are those of its group.', 'conv', { ...conv, groups: 1 }],
    ['`conv` requires `c == gc * groups`: the channels of a filter are those of its group.', 'conv.implicit_gemm', { ...conv, groups: 1 }],
    ['`b` of `batch_matmul` has shape (1, 8, 5); this tensor has shape (1, 7, 5): they differ in dimension 1.',
      'batch_matmul', { a: f32('a', 1, 6, 8), b: f32('b', 1, 7, 5) }]
  ])('%s', (expected, name, args) => { expect(resultsOf(name, args)).toBe(expected) })

  it('shares its operator with an equal one', () => {
    const own = createBuilder()
    const [a, b, c] = [f32('a', 2, 3), f32('b', 2, 3), f32('c', 3, 2)].map(x => {
      const applied = own.apply('relu', { x }, [])
      return 'problem' in applied ? undefined : applied.nodes[0]?.operator
    })
    expect(a).toBe(b)
    expect(a).not.toBe(c)
  })
})

type Shapes = Readonly<Record<string, readonly number[]>>

it.each<[graph: string, operator: string, tensors: Shapes, attributes: Arguments, more?: Arguments]>([
  ['conv.implicit_gemm', 'conv', { x: [2, 4, 9, 8], w: [6, 2, 3, 2] }, { ...conv, x: undefined, w: undefined }],
  ['conv.implicit_gemm', 'conv', { x: [1, 3, 12], w: [5, 3, 4] }, { strides: [3], dilations: [2], before: [1], after: [2], groups: 1 }],
  ['parallel_k', 'batch_matmul', { a: [2, 3, 12], b: [2, 12, 5] }, {}, { parts: 3 }]
])('%s computes %s', (graph, operator, shapes, attributes, more = {}) => {
  const values = (name: string, all: Arguments) => computed(modelOf(({ input, apply }) => [
    apply(name, { ...all, ...Object.fromEntries(Object.entries(shapes).map(([x, shape]) => [x, input(x, shape)])) })
  ]))[0]!
  const expected = values(operator, attributes)
  values(graph, { ...attributes, ...more }).forEach((value, i) => { expect(value).toBeCloseTo(expected[i]!, 3) })
})
