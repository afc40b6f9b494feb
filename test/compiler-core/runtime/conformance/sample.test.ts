// A sample of the conformance cases, from a seed; `npm run conformance` runs all of them.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { conformanceReport } from '../../../../compiler-core/cli/conformance.ts'
import { findCases } from '../../../../compiler-core/runtime/conformance/cases.ts'
import { conformanceOutput, type ConformanceOutput } from '../../../../compiler-core/view/output.ts'
import { root, scratch } from '../../../../scripts/paths.ts'
import { needs } from '../../../harness/needs.ts'
import { createRandom } from '../../language/syntax/random.ts'

const data = path.join(root, '../shared/data/onnx')
const shared = needs('../shared'), gcc = needs('g++'), missing = [shared, gcc].find(need => need.missing)
const folders = ['node', 'generated', 'pytorch-converted', 'pytorch-operator'].map(name => path.join(data, name)).filter(folder => existsSync(folder))

/** Of 891: a time below a minute on two cores. */
const size = 60
const sample = sampleOf(size, 5)

describe(`a sample of the conformance cases (${(missing ?? shared).label})`, () => {
  let tests: ReadonlyMap<string, ConformanceOutput['tests'][number]> = new Map()
  beforeAll(async () => {
    if (missing) return
    const { json } = await conformanceReport(sample.map(one => one.folder), {
      engine: 'cpu', target: 'sm_80', jobs: 2, limitSeconds: 300, cacheFolder: path.join(scratch, 'kernels')
    })
    tests = new Map(conformanceOutput.parse(json).tests.map(test => [test.name, test]))
  }, 600_000)

  it.skipIf(missing !== undefined).each(sample.map(one => one.name))('%s', name => {
    const { state, reason } = tests.get(name) ?? { state: 'failed', reason: 'It did not run.' }
    expect(state === 'failed' ? reason : undefined).toBeUndefined()
  })
})

function sampleOf(count: number, seed: number): ReturnType<typeof findCases> {
  const random = createRandom(seed), cases = [...findCases(folders)]
  return Array.from({ length: Math.min(count, cases.length) }, () => cases.splice(random.below(cases.length), 1)[0]!)
}
