import { describe, expect, it } from 'vitest'
import { compileGroups, type CompiledGroups } from '../../../compiler-core/compile/groups.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { graphModel, target, textModel, type GraphMaker } from '../../harness/graphs.ts'

function groupsOf(body: (g: GraphMaker) => Readonly<Record<string, Buffer>>): CompiledGroups {
  const { graph, builder } = graphModel(body)
  return compileGroups(graph, builder, target)
}

/** The kernel of each group; `view` where there is none. */
function check(
  name: string, body: (g: GraphMaker) => Readonly<Record<string, Buffer>>, names: readonly string[]
): void {
  it(name, () => {
    const { groups, problems } = groupsOf(body)
    expect(problems).toEqual([])
    expect(groups.map(g => (g?.viewOf ? 'view' : g?.code?.name))).toEqual(names)
  })
}

const matmul = (g: GraphMaker, a: Buffer, weights: string): Buffer => {
  const n = Number((a.shape[2] as { value: number }).value)
  return g.apply('batch_matmul', { a, b: g.constant(weights, 'f32', [1, n, n]) })
}

describe('the kernels of a model', () => {
  check('are named after their operators', g => {
    const x = g.input('x', 'f32', [1, 4, 8])
    return { y: g.apply('relu', { x: g.apply('add', { a: matmul(g, x, 'w'), b: g.constant('b', 'f32', [8]) }) }) }
  }, ['batch_matmul_add_relu_1'])
  check('are not named after what only moves elements', g => {
    const x = g.apply('transpose', { x: g.input('x', 'f32', [1, 8, 4]), perm: [0, 2, 1] })
    return { y: g.apply('reshape', { x: matmul(g, x, 'w'), to: [32] }) }
  }, ['batch_matmul_1'])
  check('name an operator once that follows itself, and at most three behind the anchor', g => {
    let y = matmul(g, g.input('x', 'f32', [1, 4, 8]), 'w')
    for (const name of ['relu', 'relu', 'sigmoid', 'exponential', 'negate']) y = g.apply(name, { x: y })
    return { y }
  }, ['batch_matmul_relu_sigmoid_1'])
  check('serve all equal groups', g => {
    const x = g.input('x', 'f32', [1, 4, 8]), first = matmul(g, g.apply('softmax', { x }), 'w')
    return { y: matmul(g, g.apply('softmax', { x: g.apply('softmax', { x: first }) }), 'v') }
  }, ['softmax_1', 'batch_matmul_2', 'softmax_1', 'softmax_1', 'batch_matmul_2'])
  check('differ where a tensor is read twice', g => {
    const x = g.input('x', 'f32', [4]), y = g.input('y', 'f32', [4])
    return { a: g.apply('add', { a: x, b: y }), b: g.apply('add', { a: x, b: x }), c: g.apply('add', { a: y, b: x }) }
  }, ['add_1', 'add_2', 'add_1'])
  check('differ with shapes, types and attributes', g => {
    const clip = (shape: readonly number[], element: 'f32' | 'f16', low: number): Buffer =>
      g.apply('clip', { x: g.input(`x${low} ${element} ${shape}`, element, shape), low })
    return { a: clip([4], 'f32', 0), b: clip([5], 'f32', 0), c: clip([4], 'f16', 0), d: clip([4], 'f32', 1), e: clip([4], 'f32', 0) }
  }, ['clip_1', 'clip_2', 'clip_3', 'clip_4', 'clip_1'])
  check('are none for what only gives elements another shape', g => {
    const x = g.apply('reshape', { x: g.input('x', 'f32', [4, 1, 8]), to: [4, 8] })
    const y = g.apply('transpose', { x: g.apply('reshape', { x, to: [4, 8, 1] }), perm: [0, 2, 1] })
    return { y, z: g.apply('transpose', { x: g.input('w', 'f32', [4, 8]), perm: [1, 0] }) }
  }, ['view', 'transpose_1'])

  it('read their parameters in the order of the tensors, whatever order the graph has', () => {
    const { groups } = groupsOf(g => {
      const b = g.constant('b', 'f32', [8]), x = g.input('x', 'f32', [4, 8])
      return { y: g.apply('subtract', { a: b, b: x }), z: g.apply('subtract', { a: x, b }) }
    })
    expect(groups.map(g => g?.parameters.slice(0, 2).map(t => t.name))).toEqual([['b', 'x'], ['x', 'b']])
    const [first] = groups
    expect(first!.code!.cuda.text).toContain('subtract_1(const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ c)')
  })

  it('say which schedule computes them, and why', () => {
    const { groups } = groupsOf(g => ({ y: matmul(g, g.input('x', 'f32', [1, 64, 64]), 'w') }))
    const { schedule } = groups[0]!.code!
    expect([schedule.name, schedule.reason.includes('tiles'), schedule.parameters.map(p => p.name)])
      .toEqual(['simt', true, ['warp_inner', 'warp_outer', 'block_k', 'block_warps', 'atom']])
  })
})

function compileText(text: string): CompiledGroups {
  const { graph, builder } = textModel(text)
  return compileGroups(graph, builder, target)
}

describe('a group that cannot be one kernel', () => {
  const total = (body: string): string => `
    operator total(x: f32[n, m]) -> y: f32[n] { y[i] = sum[j < m] x[i, j] }
    schedule own for total { kernel main(grid: n, block: 32) { ${body} } }`
  const atomic = total('atomic_add(y[blockIdx.x], x[blockIdx.x, threadIdx.x])')

  const check = (name: string, text: string, groups: readonly string[], reason: string) => {
    it(name, () => {
      const compiled = compileText(text)
      expect(compiled.problems).toEqual([])
      expect(compiled.groups.map(g => g?.code?.name)).toEqual(groups)
      expect(compiled.partition.edges.map(e => e.reason)).toContain(reason)
    })
  }
  check('is divided where the schedule adds to what it stores', `${atomic}
    graph g(x: f32[4, 32]) { return relu(total(negate(x))) * 2.0 }`, ['negate_total_1', 'relu_multiply_2'],
  '`y` is summed up by `atomic_add`, so nothing can be fused behind it.')

  it('says where a kernel adds to its results', () => {
    const { groups } = compileText(`${atomic}\ngraph g(x: f32[4, 32]) { return total(x) }`)
    expect(groups.map(g => g?.code?.added)).toEqual([[1]])
  })
  it('is a problem if it is a single operator', () => {
    const { groups, problems } = compileText(`${total('shared s: f32[100000]')}\ngraph g(x: f32[4, 32]) { return relu(total(x)) }`)
    expect(groups.at(0)).toBeUndefined()
    expect(problems.map(p => `${p.node.operator.name}: ${p.message}`)).toEqual([
      'total: No kernel stores to `y`, a result of `total_1`.'
    ])
  })
  it('is a problem if nothing serves it', () => {
    const { problems } = compileText(`
      operator total(x: f32[n, m]) -> y: f32[n] { y[i] = sum[j < m] x[i, j] }
      graph g(x: f32[4, 32]) { return relu(total(x)) }`)
    expect(problems.map(p => `${p.node.operator.name}: ${p.message}`)).toEqual([
      'total: No schedule for `total` is declared or imported. Add `import "std/reduce"`, which has one.'
    ])
  })
})
