import { describe, expect, it } from 'vitest'
import { partition, type FlowGraph } from '../../../compiler-core/graph/flow.ts'
import { addition, at, batchMatmul, convert, n, operator, relu, reshape, tensor, transpose } from '../operators/support.ts'
import { flowGraph, groupsOf } from './support.ts'

const a = tensor('a', [1, 4, 8]), b = tensor('b', [1, 8, 6]), bias = tensor('bias', [6])

function check(graph: FlowGraph, ...groups: string[]): void {
  expect(groupsOf(partition(graph))).toEqual(groups)
}

/** The reasons of the edges that are not fused. */
function reasons(graph: FlowGraph): readonly string[] {
  return partition(graph).edges.filter(e => !e.fused).map(e => `${e.tensor.name}: ${e.reason}`)
}

describe('groups', () => {
  it('have prologues and epilogues around one anchor', () => {
    const half = tensor('half', [1, 4, 8], 'f16')
    check(flowGraph([half, b, bias], apply => {
      const c = apply('c', batchMatmul(apply('a', convert(half, 'f32')), b))
      return [apply('y', relu(apply('d', addition(c, bias))))]
    }), 'c: a | d y')
  })
  it('have the last operator as the anchor where all are injective', () =>
    check(flowGraph([bias], apply => [apply('z', relu(apply('y', relu(apply('x', relu(bias))))))]), 'z: x y |'.padEnd(9)))
  it('end where a result is used twice', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', relu(c)), apply('z', transpose(c, [0, 2, 1]))]
    })
    check(graph, 'c:  | ', 'z:  | ', 'y:  | ')
    expect(reasons(graph)).toEqual(['c: `c` has 2 uses: `relu`, `transpose`', 'c: `c` has 2 uses: `relu`, `transpose`'])
  })
  it('count a result of the graph as a use', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [c, apply('y', relu(c))]
    })
    check(graph, 'c:  | ', 'y:  | ')
    expect(reasons(graph)).toEqual(['c: `c` has 2 uses: `relu`, the graph, as a result'])
  })
  it('count x + x as two uses: no epilogue', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', addition(c, c))]
    })
    check(graph, 'c:  | ', 'y:  | ')
    expect(reasons(graph)).toEqual(['c: `c` has 2 uses: `add`, `add`'])
  })
  it('take x + x as a prologue', () =>
    check(flowGraph([a, b], apply => [apply('c', batchMatmul(apply('x', addition(apply('r', relu(a)), a)), b))]), 'c: r x | '))
  it('do not apply an operator where its input is broadcast', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', addition(tensor('wide', [3, 4, 6]), c))]
    })
    check(graph, 'c:  | ', 'y:  | ')
    expect(reasons(graph)).toEqual(['c: one element of `c` is used for all `i0` of `y`'])
  })
  it('do not apply an operator that needs only a part', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', operator('slice', [c], [1, 2, 6], (r, i, j) => at(c, r, i, j)))]
    })
    expect(reasons(graph)).toEqual(['c: `c` and `y` differ in their number of elements'])
  })
  it('compute the operands of an epilogue as prologues', () =>
    check(flowGraph([a, b, bias], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', addition(c, apply('shift', relu(bias))))]
    }), 'c: shift | y'))
  it('share the epilogue of two anchors with the first', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b)), d = apply('d', batchMatmul(a, b))
      return [apply('y', addition(c, d))]
    })
    check(graph, 'd:  | ', 'c:  | y')
    expect(reasons(graph)).toEqual(['d: `add` is fused with `batch_matmul` already'])
  })
  it('finish what an operand depends on', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b)), e = apply('e', relu(c))
      const square = tensor('square', [1, 6, 6])
      const d = apply('d', batchMatmul(e, square))
      return [apply('y', addition(d, e))]
    })
    check(graph, 'c:  | e', 'd:  | y')
  })
  it('put layout changes into either side', () =>
    check(flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(apply('t', transpose(tensor('u', [1, 8, 4]), [0, 2, 1])), b))
      return [apply('y', transpose(apply('r', reshape(c, [2, 2, 6])), [2, 0, 1]))]
    }), 'c: t | r y'))
  it('come after those whose results they read', () =>
    check(flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      const d = apply('d', batchMatmul(apply('x', relu(c)), tensor('w', [1, 6, 2])))
      return [apply('z', operator('first', [d], [2], j => at(d, n(0), n(0), j)))]
    }), 'c:  | x', 'd:  | ', 'z:  | '))
})
