// Whole models by compiled kernels, as ONNX Runtime computes them: random ones of the kinds that networks are made of.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storedOptions } from '../../../compiler-core/cli/model-options.ts'
import type { TensorData } from '../../../compiler-core/graph/tensor-data.ts'
import { compileModel, packageOfModel, writeModelWeights } from '../../../compiler-core/runtime/compile-model.ts'
import { difference } from '../../../compiler-core/runtime/conformance/compare.ts'
import { runPlan } from '../../../compiler-core/runtime/cpu/engine.ts'
import { scratch } from '../../../scripts/paths.ts'
import { needs } from '../../harness/needs.ts'
import { openOnnxRuntime, type OnnxRuntime } from '../../harness/onnx-runtime.ts'
import { randomModel, type RandomModel } from '../../harness/random-models.ts'

const gcc = needs('g++')
const options = storedOptions({})
if ('status' in options) throw new Error(options.errors)

let runtime: OnnxRuntime, folder = ''
beforeAll(() => {
  runtime = openOnnxRuntime()
  folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-oracle-'))
})
afterAll(() => {
  runtime.close()
  rmSync(folder, { recursive: true })
})

describe(`random models (${gcc.label})`, () => {
  it.skipIf(gcc.missing).each(Array.from({ length: 16 }, (_, seed) => seed))('from seed %i', async seed => {
    const model = randomModel(seed), expected = await runtime.run(model.bytes, model.inputs)
    for (const [name, data] of Object.entries(await computed(model))) {
      expect(difference({ kind: 'whole', data: expected[name]! }, data, 'model'), `${name} of ${model.text}`).toBeUndefined()
    }
  })
})

async function computed({ bytes, inputs }: RandomModel): Promise<Readonly<Record<string, TensorData>>> {
  const { compiled, problems } = compileModel(bytes, { ...options as Exclude<typeof options, { status: unknown }>, name: 'model' })
  if (!compiled) throw new Error(problems.map(p => p.message).join('\n'))
  const { plan } = compiled.planned, weights = path.join(folder, 'weights.bin')
  writeModelWeights(weights, compiled)
  const given = plan.inputs.map(({ name }) => inputs[name]!)
  const ran = await runPlan(packageOfModel(compiled, false), weights, given, { cacheFolder: path.join(scratch, 'kernels'), timeLimit: 60_000 })
  if (ran.kind !== 'ran') throw new Error(ran.kind === 'cancelled' ? ran.kind : ran.message)
  return Object.fromEntries(plan.outputs.map(({ name }, i) => [name, ran.outputs[i]!]))
}
