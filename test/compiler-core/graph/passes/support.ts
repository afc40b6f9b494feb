// What a pass makes of small models.
import { expect } from 'vitest'
import type { Model } from '../../../../compiler-core/graph/model.ts'
import type { Buffer } from '../../../../compiler-core/ir/ir.ts'
import { computed, modelOf, textOf, type Making } from '../models.ts'

/** A model, its text, and its text behind the pass; the same where nothing may change. */
export type Case = readonly [before: string, after: string, make: (making: Making) => readonly Buffer[]]

/** Both texts, and that both models compute the same. */
export function checkPass(pass: (model: Model) => Model, [before, after, make]: Case, tolerance = 1e-5): void {
  const model = modelOf(make), result = pass(model)
  expect(textOf(model)).toBe(before)
  expect(textOf(result)).toBe(after)
  const expected = computed(model), found = computed(result)
  expect(found.length).toBe(expected.length)
  for (const [i, numbers] of expected.entries()) {
    const scale = numbers.reduce((most, n) => Math.max(most, Math.abs(n)), 1)
    expect(found[i]!.length).toBe(numbers.length)
    const worst = numbers.reduce((most, n, j) => Math.max(most, Math.abs(n - found[i]![j]!)), 0)
    expect(worst / scale).toBeLessThanOrEqual(tolerance)
  }
  checkGraph(result)
}

/** Nodes come after what they read; results are computed, inputs or constants. */
function checkGraph({ graph, outputs }: Model): void {
  const known = new Set<Buffer>([...graph.inputs, ...graph.constants.keys()])
  for (const node of graph.nodes) {
    for (const tensor of node.inputs) expect(known.has(tensor)).toBe(true)
    for (const tensor of node.outputs) known.add(tensor)
  }
  for (const tensor of [...graph.outputs, ...outputs.map(o => o.tensor)]) expect(known.has(tensor)).toBe(true)
}
