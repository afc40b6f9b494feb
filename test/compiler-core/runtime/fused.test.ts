// Whole graphs by compiled kernels: fused groups compute what separate kernels compute, bit for bit.
import path from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { storedOptions } from '../../../compiler-core/cli/model-options.ts'
import { extentsOf } from '../../../compiler-core/graph/builder.ts'
import type { Model } from '../../../compiler-core/graph/model.ts'
import { optimise } from '../../../compiler-core/graph/passes/optimise.ts'
import { countOf, dataOf, numbersOf, type TensorData } from '../../../compiler-core/graph/tensor-data.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { compileGraph, packageOfModel } from '../../../compiler-core/runtime/compile-model.ts'
import { runPlan } from '../../../compiler-core/runtime/cpu/engine.ts'
import { scratch } from '../../../scripts/paths.ts'
import { needs } from '../../harness/needs.ts'
import { modelFrom, recipes } from '../fusion/random-graphs.ts'

const gcc = needs('g++')
const options = storedOptions({})
if ('status' in options) throw new Error(options.errors)
// parts of a sum would be added in another order
const { architecture, device } = options, target = { architecture, device, parallelK: 'disabled' } as const

/** With results between all operators, nothing is fused: each of them is read by the caller. */
function apart(model: Model): Model {
  const all = model.graph.nodes.flatMap(node => node.outputs)
  const outputs = all.map((tensor, i) => ({ name: `t${i}`, tensor }))
  return { ...model, graph: { ...model.graph, outputs: all }, outputs }
}

async function computed(model: Model): Promise<ReadonlyMap<Buffer, readonly number[]>> {
  const { compiled, problems } = compileGraph(model, target)
  if (!compiled) throw new Error(problems.map(p => p.message).join('\n'))
  const inputs = model.inputs.map(({ tensor }, i): TensorData => dataOf(tensor.element, extentsOf(tensor),
    Array.from({ length: countOf(extentsOf(tensor)) }, (_, k) => Math.sin(k * 12.9898 + i * 78.233) * 1.7)))
  const ran = await runPlan(packageOfModel(compiled, false), undefined, inputs,
    { cacheFolder: path.join(scratch, 'kernels'), timeLimit: 60_000, exact: true })
  if (ran.kind !== 'ran') throw new Error(ran.kind === 'cancelled' ? ran.kind : ran.message)
  return new Map(model.outputs.map(({ tensor }, i) => [tensor, numbersOf(ran.outputs[i]!)]))
}

it.skipIf(gcc.missing)(`random groups compute the same as separate kernels (${gcc.label})`, async () => {
  await fc.assert(fc.asyncProperty(recipes, async recipe => {
    const { model } = optimise(modelFrom(recipe), { sms: device.sms, parallelK: 'disabled' })
    const together = await computed(model), separately = await computed(apart(model))
    for (const { tensor } of model.outputs) expect(together.get(tensor)).toEqual(separately.get(tensor))
  }), { numRuns: 6, seed: 11 })
}, 300_000)
