import { describe, expect, it } from 'vitest'
import type { Edge, FlowGraph } from '../../../compiler-core/graph/flow.ts'
import { partition } from '../../../compiler-core/graph/partition.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { addition, at, batchMatmul, convert, n, operator, relu, reshape, tensor, transpose } from '../operators/support.ts'
import { modelOf, type Making } from './models.ts'
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
    check(graph, 'c:  | ', 'y:  | ', 'z:  | ')
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
    expect(reasons(graph)).toEqual(['c: `add` has no inverse map: one element of `c` is used for all `i0` of `y`'])
  })
  it('do not apply an operator that needs only a part', () => {
    const graph = flowGraph([a, b], apply => {
      const c = apply('c', batchMatmul(a, b))
      return [apply('y', operator('slice', [c], [1, 2, 6], (r, i, j) => at(c, r, i, j)))]
    })
    expect(reasons(graph)).toEqual(['c: `slice` has no inverse map: `c` and `y` differ in their number of elements'])
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

/** Graphs of library operators. */
function graphOf(make: (m: Making) => readonly Buffer[]): FlowGraph {
  return modelOf(make).graph
}

/** The edge over a tensor, as `from -> to: reason`. */
function edgeText({ from, to, reason, fused }: Edge): string {
  return `${from.operator.name} -> ${to.operator.name}, ${fused ?? 'apart'}: ${reason}`
}

const matmul = (m: Making, a: Buffer, b: Buffer) => m.apply('batch_matmul', { a, b })
const unary = (m: Making, name: string, x: Buffer) => m.apply(name, { x })

describe('each edge says', () => {
  it('how it is fused', () => {
    const graph = graphOf(m => [unary(m, 'relu', matmul(m, unary(m, 'negate', m.input('a', [1, 128, 64])), m.input('b', [1, 64, 256])))])
    expect(partition(graph).edges.map(edgeText)).toEqual([
      'negate -> batch_matmul, prologue: `y` is computed where it is loaded, 4 times for each element',
      'batch_matmul -> relu, epilogue: `relu` is applied where `c` is stored'
    ])
  })
  it('that two kernels are needed', () => {
    const graph = graphOf(m => [unary(m, 'softmax', matmul(m, m.input('a', [1, 8, 4]), m.input('b', [1, 4, 8])))])
    expect(partition(graph).edges.map(edgeText)).toEqual([
      'batch_matmul -> softmax, apart: `softmax` is a reduction, which starts a kernel of its own'
    ])
  })
  it('who reads a tensor that is stored', () => {
    const graph = graphOf(m => {
      const y = unary(m, 'negate', m.input('x', [8]))
      return ['relu', 'absolute', 'square', 'cube', 'exponential'].map(name => unary(m, name, y))
    })
    expect(partition(graph).edges[0]!.reason).toBe('`y` has 5 uses: `relu`, `absolute`, `square`, `cube`, ...')
  })
  it('why it may not be fused, if somebody said so', () => {
    const graph = graphOf(m => [unary(m, 'relu', matmul(m, unary(m, 'negate', m.input('a', [1, 8, 8])), m.input('b', [1, 8, 8])))])
    const [before, after] = graph.nodes
    const forbidden = new Map([[before!.outputs[0]!, 'the schedule reads it by vectors'], [after!.outputs[0]!, 'it is read back']])
    const { groups, edges } = partition(graph, { forbidden })
    expect(groups).toHaveLength(3)
    expect(edges.map(edgeText)).toEqual([
      'negate -> batch_matmul, apart: the schedule reads it by vectors', 'batch_matmul -> relu, apart: it is read back'
    ])
  })
})

describe('a prologue', () => {
  const product = (n: number, ...operators: readonly string[]) => graphOf(m => [matmul(m,
    operators.reduce((x, name) => unary(m, name, x), m.input('a', [1, 512, 3072])), m.input('b', [1, 3072, n]))])
  const kernels = (graph: FlowGraph) => partition(graph).groups.map(g => [...g.prologues, g.anchor].map(node => node.operator.name).join(' '))

  it('is cheap enough to be computed for each tile', () => expect(kernels(product(3072, 'relu'))).toEqual(['relu batch_matmul']))
  it('is computed once for few tiles', () => expect(kernels(product(64, 'gelu'))).toEqual(['gelu batch_matmul']))
  it('is not computed anew for many of them', () => {
    const graph = product(3072, 'gelu')
    expect(kernels(graph)).toEqual(['gelu', 'batch_matmul'])
    expect(partition(graph).edges.map(edgeText)).toEqual([
      'gelu -> batch_matmul, apart: `y` would be computed anew 48 times for each element, which takes longer than to store and load it'
    ])
  })
  it('moves elements for free, behind what is computed once', () => {
    const graph = graphOf(m => [matmul(m,
      m.apply('transpose', { x: m.apply('gelu', { x: m.input('a', [1, 3072, 512]) }), perm: [0, 2, 1] }), m.input('b', [1, 3072, 3072]))])
    expect(kernels(graph)).toEqual(['gelu', 'transpose batch_matmul'])
    expect(partition(graph).edges[0]!.reason).toMatch(/^`y` would be computed anew 48 times for each element, by 2 operators, which/)
  })
  it('of many operators is cut where a kernel has enough', () => {
    const graph = graphOf(m => [new Array<string>(200).fill('relu').reduce((x, name) => unary(m, name, x), m.input('x', [8]))])
    const { groups, edges } = partition(graph)
    expect(groups.map(g => g.prologues.length + 1)).toEqual([8, 96, 96])
    expect(edges.filter(e => !e.fused).map(e => e.reason)).toEqual(['a kernel has at most 96 operators', 'a kernel has at most 96 operators'])
  })
  it('is not written out again and again', () => {
    // each level reads the one before at two places
    const graph = graphOf(m => {
      let x = m.input('x', [64])
      for (let size = 62; size > 40; size -= 2) {
        const part = (begin: number) => m.apply('slice', { x, begin: [begin], size: [size], step: [1] })
        x = m.apply('add', { a: part(0), b: part(2) })
      }
      return [x]
    })
    const reasons = partition(graph).edges.filter(e => !e.fused).map(e => e.reason)
    expect(new Set(reasons)).toEqual(new Set(['`add` would be written out at 32 places of the kernel, at most 24 are']))
  })
  it('is one expression where it is read twice at the same index', () => {
    const graph = graphOf(m => {
      let x = m.input('x', [64])
      for (let level = 0; level < 12; level++) x = m.apply('multiply', { a: x, b: unary(m, 'sigmoid', x) })
      return [x]
    })
    expect(partition(graph).groups).toHaveLength(1)
  })
})

describe('a chain whose operators each read an element several times', () => {
  it.each([['before', 2], ['behind', 3]] as const)('is cut %s an anchor', (where, groups) => {
    const chain = (m: Making, x: Buffer) => new Array<string>(20).fill('gelu').reduce((y, name) => unary(m, name, y), x)
    const graph = graphOf(m => [where === 'before'
      ? m.apply('reduce', { x: chain(m, m.input('x', [4, 8])), axes: [1], op: { reducer: 'sum' } })
      : chain(m, m.apply('reduce', { x: m.input('x', [4, 8]), axes: [1], op: { reducer: 'sum' } }))])
    const divided = partition(graph)
    expect(divided.groups.length).toBeLessThanOrEqual(groups)
    expect(divided.groups.length).toBeGreaterThan(1)
    expect(new Set(divided.edges.filter(e => !e.fused).map(e => e.reason)))
      .toEqual(new Set(['with `gelu` the expression of an element would be too long']))
  })
})

describe('transpositions', () => {
  const x = (m: Making) => m.input('x', [40, 50])
  it('take along what is around them', () => {
    const graph = graphOf(m => [unary(m, 'relu', m.apply('transpose', { x: unary(m, 'negate', x(m)), perm: [1, 0] }))])
    const [group] = partition(graph).groups
    expect(group!.anchor.operator.name).toBe('transpose')
    expect([group!.prologues.length, group!.epilogues.length]).toEqual([1, 1])
  })
  it('belong to a reduction first', () => {
    const graph = graphOf(m => [m.apply('transpose', { x: unary(m, 'softmax', x(m)), perm: [1, 0] })])
    expect(partition(graph).groups.map(g => g.anchor.operator.name)).toEqual(['softmax'])
  })
})

describe('anchors with several results', () => {
  const halves = (m: Making, x: Buffer) => m.applyAll('split', { x, at: 2 }) as [Buffer, Buffer]
  it('are followed by epilogues of each', () => {
    const graph = graphOf(m => {
      const [head, tail] = halves(m, m.input('x', [4]))
      return [unary(m, 'relu', head), unary(m, 'negate', tail)]
    })
    expect(groupsOf(partition(graph))).toEqual(['head:  | y y'])
  })
  it('do not wait for themselves', () => {
    const graph = graphOf(m => {
      const [head, tail] = halves(m, m.input('x', [4]))
      return [m.apply('add', { a: tail, b: unary(m, 'softmax', head) })]
    })
    expect(groupsOf(partition(graph))).toEqual(['head:  | ', 'y:  | c'])
    expect(partition(graph).edges.map(e => e.reason)).toContain('`add` also reads `y`, which depends on `split`')
  })
  it('do not wait for each other', () => {
    const graph = graphOf(m => {
      // `add` needs both, and so does `multiply`, in which `b` is repeated
      const [a, b] = halves(m, m.input('x', [3])), [c, d] = halves(m, m.input('y', [4]))
      return [m.apply('add', { a, b: c }), m.apply('multiply', { a: d, b })]
    })
    const { groups, edges } = partition(graph)
    expect(groups.map(g => g.epilogues.map(node => node.operator.name))).toEqual([[], ['add'], []])
    expect(edges.map(e => e.reason)).toContain('`multiply` also reads `tail`, which depends on `split`')
  })
})

it('takes time in proportion to the graph', () => {
  const graph = graphOf(m => [new Array<string>(20_000).fill('relu').reduce((x, name) => unary(m, name, x), m.input('x', [8]))])
  const start = performance.now()
  expect(partition(graph).groups).toHaveLength(Math.ceil(20_000 / 96))
  expect(performance.now() - start).toBeLessThan(5_000)
})
