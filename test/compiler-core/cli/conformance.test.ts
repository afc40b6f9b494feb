import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { conformanceReport, type ConformanceOptions } from '../../../compiler-core/cli/conformance.ts'
import type { Report } from '../../../compiler-core/cli/report.ts'
import { tensorBytes } from '../../../compiler-core/graph/onnx/tensor-proto.ts'
import { dataOf, type TensorData } from '../../../compiler-core/graph/tensor-data.ts'
import { conformanceOutput } from '../../../compiler-core/view/output.ts'
import { needs } from '../../harness/needs.ts'
import { onnxModel, type OnnxGraph } from '../../harness/onnx.ts'

let root = ''
beforeEach(() => { root = mkdtempSync(path.join(os.tmpdir(), 'heddle-conformance-')) })
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

const options = (more: Partial<ConformanceOptions>): ConformanceOptions => ({
  engine: 'reference', target: 'sm_80', jobs: 2, limitSeconds: 60, cacheFolder: path.join(root, 'cache'), ...more
})
function conformance(more: Partial<ConformanceOptions> = {}): Promise<Report> {
  return conformanceReport([root], options(more))
}

interface Data { readonly inputs: readonly TensorData[]; readonly outputs: readonly TensorData[] }

function write(name: string, model: OnnxGraph, ...sets: readonly Data[]): void {
  for (const [i, { inputs, outputs }] of sets.entries()) {
    const folder = path.join(root, name, `test_data_set_${i}`)
    mkdirSync(folder, { recursive: true })
    for (const [n, data] of inputs.entries()) writeFileSync(path.join(folder, `input_${n}.pb`), tensorBytes('', data))
    for (const [n, data] of outputs.entries()) writeFileSync(path.join(folder, `output_${n}.pb`), tensorBytes('', data))
  }
  writeFileSync(path.join(root, name, 'model.onnx'), onnxModel(model))
}

const list = (...numbers: readonly number[]): TensorData => dataOf('f32', [numbers.length], numbers)
const double: OnnxGraph = { inputs: { x: ['f32', 'n'] }, outputs: { y: ['f32', 'n'] }, nodes: [['Add', ['x', 'x'], ['y']]] }
const shaped: OnnxGraph = { inputs: { x: ['f32', 4], s: ['i64', 2] }, outputs: { y: ['f32', 2, 2] }, nodes: [['Reshape', ['x', 's'], ['y']]] }
const loop: OnnxGraph = { inputs: { x: ['f32', 1] }, outputs: { y: ['f32', 1] }, nodes: [['Loop', ['x'], ['y']]] }

describe('heddle conformance', () => {
  it('says what became of each case', async () => {
    write('right', double, { inputs: [list(1, 2)], outputs: [list(2, 4)] }, { inputs: [list(1)], outputs: [list(2)] })
    write('shape', shaped, { inputs: [list(1, 2, 3, 4), dataOf('i64', [2], [2, 2])], outputs: [dataOf('f32', [2, 2], [1, 2, 3, 4])] })
    write('wrong', double, { inputs: [list(1, 2)], outputs: [list(2, 4)] }, { inputs: [list(1)], outputs: [list(3)] })
    write('wrong-type', double, { inputs: [list(1)], outputs: [dataOf('f64', [1], [2])] })
    write('no-input', double, { inputs: [], outputs: [list(2)] })
    write('no-output', double, { inputs: [list(1)], outputs: [] })
    write('unknown', loop, { inputs: [list(1)], outputs: [list(1)] })
    const { status, text, errors, json } = await conformance()
    const { tests } = conformanceOutput.parse(json)
    expect(tests.map(({ name, state, reason, kernels }) => [name, state, reason, kernels])).toEqual([
      ['no-input', 'failed', 'The input `x` has free extents; bind them: --bind n=1.', 0],
      ['no-output', 'failed', 'The model has 1 results, test_data_set_0 has 0.', 0],
      ['right', 'passed', null, 0],
      ['shape', 'passed', null, 0],
      ['unknown', 'unsupported', 'The operator Loop is not supported: `Loop_0`.', 0],
      ['wrong', 'failed', 'The result `y` is 2 instead of 3 at [0].', 0],
      ['wrong-type', 'failed', 'The result `y` is f32[1] instead of f64[1].', 0]
    ])
    expect([status, errors]).toEqual([1, ''])
    expect(text).toBe([
      '  failed       no-input    The input `x` has free extents; bind them: --bind n=1.',
      '  failed       no-output   The model has 1 results, test_data_set_0 has 0.',
      '  unsupported  unknown     The operator Loop is not supported: `Loop_0`.',
      '  failed       wrong       The result `y` is 2 instead of 3 at [0].',
      '  failed       wrong-type  The result `y` is f32[1] instead of f64[1].',
      '2 passed, 4 failed, 1 unsupported', ''
    ].join('\n'))
  })

  it('is fine where nothing fails', async () => {
    write('right', double, { inputs: [list(1)], outputs: [list(2)] })
    write('unknown', loop, { inputs: [list(1)], outputs: [list(1)] })
    expect((await conformance()).status).toBe(0)
  })

  it('needs cases', async () => {
    expect(await conformance()).toMatchObject({ status: 2, text: '' })
    expect((await conformanceReport([path.join(root, 'nowhere')], options({}))).errors).toMatch(/^error: .*nowhere/)
  })

  const gcc = needs('g++')
  it.skipIf(gcc.missing)(`runs compiled kernels, and counts them (${gcc.label})`, async () => {
    const two: OnnxGraph = {
      inputs: { x: ['f32', 2, 3] }, outputs: { y: ['f32', 2], z: ['f32', 6] },
      nodes: [['ReduceMax', ['x'], ['y'], { axes: [1], keepdims: 0 }], ['Neg', ['x'], ['n']], ['Reshape', ['n', 's'], ['z']]],
      constants: { s: dataOf('i64', [1], [-1]) }
    }
    const x = dataOf('f32', [2, 3], [1, 5, 2, 9, 3, 4])
    write('shape', shaped, { inputs: [list(1, 2, 3, 4), dataOf('i64', [2], [2, 2])], outputs: [dataOf('f32', [2, 2], [1, 2, 3, 4])] })
    write('two', two, { inputs: [x], outputs: [list(5, 9), list(-1, -5, -2, -9, -3, -4)] })
    write('two-wrong', two, { inputs: [x], outputs: [list(5, 9), list(-1, -5, -2, -9, -3, 4)] })
    const { json } = await conformance({ engine: 'cpu' })
    expect(conformanceOutput.parse(json).tests.map(({ name, state, kernels }) => [name, state, kernels]))
      .toEqual([['shape', 'passed', 0], ['two', 'passed', 2], ['two-wrong', 'failed', 2]])
  })

  it('fails cases that take too long', async () => {
    write('right', double, { inputs: [list(1)], outputs: [list(2)] })
    expect((await conformance({ limitSeconds: 0.01 })).text).toBe('  failed  right  It took more than 0.01 s.\n0 passed, 1 failed, 0 unsupported\n')
  })

  it('tells of the cases that were finished when it is interrupted', async () => {
    for (const name of ['a', 'b', 'c']) write(name, double, { inputs: [list(1)], outputs: [list(2)] })
    const controller = new AbortController()
    const report = await conformance({ jobs: 1, signal: controller.signal, progress: () => { controller.abort() } })
    expect(report).toMatchObject({
      status: 130, text: '1 passed, 0 failed, 0 unsupported\n', errors: 'error: It was interrupted: 1 of 3 cases were finished.\n'
    })
    expect(conformanceOutput.parse(report.json).tests).toHaveLength(1)
    expect((await conformance({ signal: AbortSignal.abort() })).status).toBe(130)
  })

  it.each([['which take too long', 0.01, 1], ['which are interrupted', 60, 130]] as const)(
    'leaves no temporary files of cases %s', async (_, limitSeconds, status) => {
      const temporary = path.join(root, 'temporary'), controller = new AbortController()
      mkdirSync(temporary)
      vi.stubEnv('TMPDIR', temporary)
      write('right', double, { inputs: [list(1)], outputs: [list(2)] })
      const report = conformance({ engine: 'cpu', limitSeconds, signal: controller.signal })
      expect(readdirSync(temporary)).toHaveLength(1)
      if (status === 130) controller.abort()
      expect((await report).status).toBe(status)
      expect(readdirSync(temporary)).toEqual([])
    })
})
