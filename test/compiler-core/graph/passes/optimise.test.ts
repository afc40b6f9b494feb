import { describe, expect, it } from 'vitest'
import { elementsOf } from '../../../../compiler-core/graph/constants.ts'
import { numbersOf } from '../../../../compiler-core/graph/tensor-data.ts'
import { foldConstants, optimise } from '../../../../compiler-core/graph/passes/optimise.ts'
import { castWhereRead } from '../../../../compiler-core/graph/passes/transforms.ts'
import { partition } from '../../../../compiler-core/graph/partition.ts'
import { modelOf, textOf, type Making } from '../models.ts'
import { checkPass } from './support.ts'

describe('what is computed of constants alone', () => {
  it('is a constant', () => checkPass(foldConstants, ['multiply(x, add(a, b))', 'multiply(x, {add(a, b)})', m =>
    [m.apply('multiply', { a: m.input('x', [3]), b: m.apply('add', { a: m.constant('a', [3]), b: m.constant('b', [3]) }) })]]))
  it('also where it is a result', () => checkPass(foldConstants, ['add(a, b); relu(x)', '{add(a, b)}; relu(x)', m =>
    [m.apply('add', { a: m.constant('a', [3]), b: m.constant('b', [3]) }), m.apply('relu', { x: m.input('x', [3]) })]]))
  it('is computed when it is repeated, where that takes much memory', () => {
    const text = 'add(x, expand[600000](a))'
    checkPass(foldConstants, [text, text, m =>
      [m.apply('add', { a: m.input('x', [600000]), b: m.apply('expand', { x: m.constant('a', [1]), to: [600000] }) })]])
  })
  it('leaves what depends on an input', () => checkPass(foldConstants, ['add(a, x)', 'add(a, x)', m =>
    [m.apply('add', { a: m.constant('a', [3]), b: m.input('x', [3]) })]]))
})

describe('a conversion to a larger type', () => {
  it('is repeated for whoever reads it', () => {
    const model = modelOf(m => {
      const y = m.apply('cast', { x: m.input('x', [4], 'u8'), U: { dtype: 'f32' } })
      return [m.apply('relu', { x: y }), m.apply('negate', { x: y })]
    })
    expect(model.graph.nodes).toHaveLength(3)
    expect(castWhereRead(model).graph.nodes.map(node => node.operator.name)).toEqual(['cast', 'cast', 'relu', 'negate'])
    expect(textOf(castWhereRead(model))).toBe('relu(cast[f32](x)); negate(cast[f32](x))')
  })
  it.each(['f64', 'f32'] as const)('from %s is not: it is stored once', element => {
    const model = modelOf(m => {
      const y = m.apply('cast', { x: m.input('x', [4], element), U: { dtype: 'i32' } })
      return [m.apply('relu', { x: y }), m.apply('negate', { x: y })]
    })
    expect(castWhereRead(model)).toBe(model)
  })
})

describe('all passes', () => {
  const make = (m: Making) => {
    const x = m.input('x', [1, 3, 6, 6])
    const conv = m.apply('conv', {
      x, w: m.constant('w', [4, 3, 3, 3]), strides: [1, 1], dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1
    })
    const scaled = m.apply('multiply', { a: m.apply('add', { a: conv, b: m.constant('b', [4, 1, 1]) }), b: m.constant('s', [4, 1, 1]) })
    m.apply('negate', { x })
    return [m.apply('relu', { x: m.apply('add', { a: m.constant('t', [4, 1, 1]), b: scaled }) })]
  }
  const model = modelOf(make), { model: optimised, steps } = optimise(model, { sms: 108 })

  it('leave a matrix product and one sum of a convolution with its normalisation', () =>
    expect(textOf(optimised)).toBe('relu(add(columns_image(batch_matmul(image_columns(x), '
      + '{transpose(reshape[1, 4, 27](multiply(w, reshape[4, 1, 1, 1](s))))})), {add(multiply(b, s), t)}))'))
  it('compute the same', () => checkPass(m => optimise(m, { sms: 108 }).model, [textOf(model), textOf(optimised), make]))
  it('keep the graph behind each of them', () => {
    expect(steps.map(s => s.name)).toEqual([
      'import', 'fold constants', 'simplify', 'cast where read', 'merge products', 'convolutions', 'flatten batches', 'split long sums'
    ])
    // what nobody reads is gone with the first pass
    expect(steps.slice(0, 2).map(s => s.graph.nodes.length)).toEqual([6, 5])
    expect(steps.at(-1)!.graph).toBe(optimised.graph)
  })
  it('compute no weights: these come when somebody asks', () => {
    const [tensor] = [...optimised.graph.constants].find(([, c]) => c.kind === 'folded')!
    expect(numbersOf(elementsOf(optimised.graph.constants, tensor)).every(Number.isFinite)).toBe(true)
  })
  it('know which node of the model an operator comes from', () =>
    expect(optimised.graph.nodes.map(node => node.sources)).toEqual([['node 0', 'node 2'], ['node 0', 'node 2'], ['node 0', 'node 2'], ['node 1', 'node 2', 'node 4'], ['node 5']]))
})

describe('a convolution with its normalisation and activation', () => {
  const geometry = { strides: [2, 2], dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1 }
  const kernels = (kernel: number, parallelK: 'default' | 'disabled', residual: boolean) => {
    const model = modelOf(m => {
      const channel = (name: string) => m.constant(name, [64, 1, 1])
      const conv = m.apply('conv', { x: m.input('x', [1, 128, 28, 28]), w: m.constant('w', [64, 128, kernel, kernel]), ...geometry })
      const norm = m.apply('add', { a: m.apply('multiply', { a: conv, b: channel('s') }), b: channel('t') })
      const sum = residual ? m.apply('add', { a: norm, b: m.input('r', [1, 64, ...kernel === 3 ? [14, 14] : [15, 15]]) }) : norm
      return [m.apply('relu', { x: sum })]
    })
    return partition(optimise(model, { sms: 108, parallelK }).model.graph).groups.length
  }
  it.each([[3, false], [3, true], [1, false], [1, true]] as const)('of width %i is one kernel (residual sum: %s)', (kernel, residual) =>
    expect(kernels(kernel, 'disabled', residual)).toBe(1))
  it('whose sum is split is two', () => expect(kernels(3, 'default', true)).toBe(2))
})
