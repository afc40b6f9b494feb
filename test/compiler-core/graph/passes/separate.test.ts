/** Operators that become several: which, into what, and that the parts compute the same. */
import { describe, expect, it } from 'vitest'
import { elaborateGraph } from '../../../../compiler-core/graph/elaborate.ts'
import { evaluateGraph } from '../../../../compiler-core/graph/evaluate.ts'
import type { FlowGraph, Node } from '../../../../compiler-core/graph/flow.ts'
import { separateOperators } from '../../../../compiler-core/graph/passes/separate.ts'
import { createProgram } from '../../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../../compiler-core/library/library.ts'
import { isPointwise, reductionOf } from '../../../../compiler-core/operators/inline.ts'

const uri = 'file:///project/main.heddle'

/** The graph `g` of a text. */
function graphOf(text: string): FlowGraph {
  const source = `${libraryImports.map(i => `import "${i}"\n`).join('')}${text}\n`
  const program = createProgram({ read: asked => (asked === uri ? source : undefined), roots: ['file:///project/'] })
  const analysis = program.analyse(uri)!, { run, frame } = program.elaboration(uri)!
  const made = elaborateGraph(run, frame, analysis.exports.get('g')!, analysis.parsed.file, new Map())
  if (!made) throw new Error(run.diagnostics.map(d => d.message).join(' '))
  return made.graph
}

const separated = (graph: FlowGraph, isServed = false): FlowGraph =>
  separateOperators(graph, { definePart: () => undefined }, () => isServed)

function nodeText({ operator, inputs, outputs }: Node): string {
  return `${operator.name}(${inputs.map(b => b.name).join(', ')}) -> ${outputs.map(b => b.name).join(', ')}`
}

const values = (graph: FlowGraph): readonly (readonly number[])[] => {
  const inputs = graph.inputs.map((b, seed) => {
    const size = b.shape.reduce((n, e) => n * (e.kind === 'constant' ? Number(e.value) : NaN), 1)
    return { values: Float64Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + seed) * 3), errors: undefined }
  })
  return evaluateGraph(graph, inputs, new Map()).map(({ shape, at }) =>
    Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => at(i).value))
}

/** The parts are simple, and the results are those of the whole. */
function check(text: string, parts: readonly string[]): void {
  const graph = graphOf(text), after = separated(graph)
  expect(after.nodes.map(nodeText)).toEqual(parts)
  expect(after.nodes.every(({ operator: o }) => isPointwise(o) || reductionOf(o) !== undefined)).toBe(true)
  expect(values(after)).toEqual(values(graph))
}

describe('an operator becomes several', () => {
  it('of a reduction in a stage', () => {
    check('graph g(x: f32[3, 7]) { return softmax(x) }', [
      'softmax_top(x) -> top', 'softmax_total(x, top) -> total', 'softmax(x, top, total) -> y'
    ])
  })
  it('of stages that build on each other', () => {
    check('graph g(x: f32[3, 7], gain: f32[7], shift: f32[7]) { return layer_norm(x, gain, shift) }', [
      'layer_norm_mean(x) -> mean', 'layer_norm_variance(x, mean) -> variance',
      'layer_norm(x, gain, shift, mean, variance) -> y'
    ])
  })
  it('of a position', () => {
    check('graph g(x: f32[3, 7]) { return hardmax(x) }', ['hardmax_largest(x) -> largest', 'hardmax(largest) -> y'])
  })
  it('of several reductions in one definition', () => {
    check(`operator ratio(x: f32[m, n]) -> y: f32[m] { y[i] = (sum[j < n] x[i, j] * x[i, j]) / (max[j < n] x[i, j]) }
graph g(x: f32[3, 7]) { return ratio(x) }`, ['ratio_y_sum(x) -> y_sum', 'ratio_y_max2(x) -> y_max2', 'ratio(y_sum, y_max2) -> y'])
  })
  it('of one reduction that is the same for many elements', () => {
    check(`operator share(x: f32[m, n]) -> y: f32[m, n] { y[i, j] = x[i, j] / (sum[p < n] abs(x[i, p])) }
graph g(x: f32[3, 7]) { return share(x) }`, ['share_y_sum(x) -> y_sum', 'share(x, y_sum) -> y'])
  })
  it('of the same reduction twice, which is computed once', () => {
    check(`operator apart(x: f32[n]) -> y: f32[n] { y[i] = (x[i] - (avg[p < n] x[p])) * (x[i] - (avg[p < n] x[p])) }
graph g(x: f32[7]) { return apart(x) }`, ['apart_y_avg(x) -> y_avg', 'apart(x, y_avg) -> y'])
  })
  it('of a reduction inside of another', () => {
    check(`operator least(x: f32[m, n, k]) -> y: f32[m] { y[i] = max[j < n] (sum[p < k] x[i, j, p]) }
graph g(x: f32[3, 5, 7]) { return least(x) }`, ['least_y_sum(x) -> y_sum', 'least_y_max2(y_sum) -> y_max2', 'least(y_max2) -> y'])
  })
  it('of a reduction that is computed only where a condition holds', () => {
    check(`operator tail(x: f32[n]) -> y: f32[n, 2] { y[i, c] = if i > 0 then (sum[p < 3] x[i - 1] * f32(p)) + f32(c) else 0 }
graph g(x: f32[7]) { return tail(x) }`, ['tail_y_sum(x) -> y_sum', 'tail(y_sum) -> y'])
  })
  it('of several results', () => {
    check('graph g(x: f32[6, 5]) { let (a, b) = split(x, 2)  return a, relu(b) }',
      ['split_head(x) -> head', 'split_tail(x) -> tail', 'relu(tail) -> y'])
  })
  it('of several results of which one is used', () => {
    check('graph g(x: f32[6, 5]) { let (a, b) = split(x, 2)  return b }', ['split_tail(x) -> tail'])
  })
})

describe('an operator stays as it is', () => {
  const cases: readonly (readonly [why: string, text: string])[] = [
    ['pointwise', 'graph g(x: f32[3, 7]) { return gelu(x) }'],
    ['one reduction', 'graph g(a: f32[2, 3, 4], b: f32[2, 4, 5]) { return batch_matmul(a, b) }'],
    ['one reduction, and what is done with its value', 'graph g(x: f32[2, 8, 4, 4]) { return local_response(x, 3) }'],
    ['stages without a reduction', `operator twice(x: f32[n]) -> y: f32[n] { let d[i < n] = x[i] * 2  y[i] = d[i] + 1 }
graph g(x: f32[7]) { return twice(x) }`]
  ]
  it.each(cases)('%s', (_, text) => {
    const graph = graphOf(text)
    expect(separated(graph).nodes).toEqual(graph.nodes)
  })
  it('that a schedule serves as a whole', () => {
    const graph = graphOf('graph g(x: f32[3, 7]) { return softmax(x) }')
    expect(separated(graph, true).nodes).toEqual(graph.nodes)
  })
})
