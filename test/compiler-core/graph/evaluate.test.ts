// Graphs against the slow oracle, operator by operator.
import { describe, expect, it } from 'vitest'
import { evaluateGraph, evaluateMeaning } from '../../../compiler-core/graph/evaluate.ts'
import { inputKinds, inputsFor } from '../../../compiler-core/verify/inputs.ts'
import { referenceOfGraph } from '../../harness/reference.ts'
import { meaningOf } from '../verify/support.ts'

const none = new Map<never, never>()

const graphs: readonly string[] = [
  'graph g(a: f16[1, 9, 12], b: f32[1, 12, 7], bias: f32[7]) { return relu(batch_matmul(cast(a, U: f32), b) + bias) }',
  `graph g(a: f32[1, 16, 8], b: f32[1, 8, 5], bias: f32[1, 5, 1, 1]) {
  let c = reshape(batch_matmul(a, b), to: (1, 4, 4, 5))
  return relu(transpose(c, perm: (0, 3, 1, 2)) + bias)
}`,
  'graph g(x: f32[4, 30]) { return softmax(x * 2.0) }',
  'graph g(x: f32[4, 30]) { return maximum(1 - x, -x / 4) }',
  'graph g(x: f32[5, 40], b: f32[5]) { return reduce(relu(x), axes: 1, op: sum) + b }',
  'graph g(x: f32[2, 3, 4]) { return x * x + x }'
]

describe('the truth of a graph', () => {
  for (const text of graphs) {
    it(text, () => {
      const meaning = meaningOf(text)
      if (meaning.kind === 'operator') throw new Error('it is a graph')
      const { graph } = meaning
      for (const kind of inputKinds) {
        const inputs = inputsFor(meaning, none, kind, 3), truths = evaluateMeaning(meaning, inputs, none)
        const reference = referenceOfGraph(graph, new Map(graph.inputs.map((b, i) => [b, [...inputs[i]!]])))
        graph.outputs.forEach((b, i) => {
          const expected = reference.get(b)!
          expect(truths[i]!.shape.reduce((n, d) => n * d, 1)).toBe(expected.length)
          const outside = expected.filter((x, e) => {
            const { value, bound } = truths[i]!.at(e)
            return !(x === value || Math.abs(x - value) <= bound)
          })
          expect(outside).toEqual([])
        })
      }
    })
  }

  it('takes errors of its inputs, and adds those of its operators', () => {
    const meaning = meaningOf('graph g(x: f32[3]) { return relu(x) + x }')
    if (meaning.kind === 'operator') throw new Error('it is a graph')
    const values = Float64Array.of(-2, 1, 0.5), errors = Float64Array.of(0.25, 0, 0.25)
    const [y] = evaluateGraph(meaning.graph, [{ values, errors }], none)
    expect([0, 1, 2].map(i => y!.at(i).value)).toEqual([-2, 2, 1])
    expect(y!.at(0).bound).toBeCloseTo(0.25, 5)
    expect(y!.at(1).bound).toBe(0)
    expect(y!.at(2).bound).toBeCloseTo(0.5, 5)
  })
})
