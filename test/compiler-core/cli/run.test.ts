// `heddle run` and `heddle export` on a small ONNX model.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportReport } from '../../../compiler-core/cli/export.ts'
import { runReport, type RunModelOptions } from '../../../compiler-core/cli/run.ts'
import { parseTensor, tensorBytes } from '../../../compiler-core/graph/onnx/tensor-proto.ts'
import { dataOf, numbersOf, type TensorData } from '../../../compiler-core/graph/tensor-data.ts'
import { exportOutput, runOutput } from '../../../compiler-core/view/output.ts'
import { scratch } from '../../../scripts/paths.ts'
import { needs } from '../../harness/needs.ts'
import { onnxModel } from '../../harness/onnx.ts'

const gcc = needs('g++')

let folder = ''
const file = (...parts: readonly string[]) => path.join(folder, ...parts)
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-run-'))
  mkdirSync(file('in'))
})
afterEach(() => { rmSync(folder, { recursive: true }) })

/** y = reshape(relu(x + b)), of any batch; the new shape is an input. */
const model = onnxModel({
  inputs: { x: ['f32', 'n', 4], shape: ['i64', 2] }, outputs: { y: ['f32', 2, 'm'], z: ['f32', 'n', 4] },
  constants: { b: dataOf('f32', [4], [-1, 0, 1, 2]) },
  nodes: [['Add', ['x', 'b'], ['s']], ['Relu', ['s'], ['z']], ['Reshape', ['z', 'shape'], ['y']]]
})

function give(...inputs: readonly TensorData[]): void {
  writeFileSync(file('model.onnx'), model)
  inputs.forEach((data, i) => { writeFileSync(file('in', `input_${i}.pb`), tensorBytes('', data)) })
}

const run = (given: Partial<RunModelOptions> = {}) => runReport(file('model.onnx'), {
  inputs: file('in'), outputs: file('out'), engine: 'reference', cacheFolder: path.join(scratch, 'cpu'), limit: 60, ...given
})

/** Name, shape, elements. */
function output(i: number): { name: string; shape: readonly number[]; values: readonly number[] } {
  const tensor = parseTensor(new Uint8Array(readFileSync(file('out', `output_${i}.pb`))))
  if ('problem' in tensor) throw new Error(tensor.problem)
  return { name: tensor.name, shape: tensor.data.shape, values: numbersOf(tensor.data) }
}

const x = dataOf('f32', [1, 4], [0.5, -3, 0, 4]), shape = dataOf('i64', [2], [2, 2])

describe('heddle run', () => {
  const checkResults = (): void => {
    expect(output(0)).toEqual({ name: 'y', shape: [2, 2], values: [0, 0, 1, 6] })
    expect(output(1)).toEqual({ name: 'z', shape: [1, 4], values: [0, 0, 1, 6] })
  }
  it.skipIf(gcc.missing)(`runs compiled kernels (${gcc.label})`, async () => {
    give(x, shape)
    const report = await run({ engine: 'cpu' })
    expect(report).toMatchObject({ status: 0, errors: '' })
    expect(runOutput.parse(report.json)).toMatchObject({
      engine: 'cpu', kernels: 1,
      outputs: [{ file: 'output_0.pb', name: 'y', element: 'f32', shape: [2, 2] }, { file: 'output_1.pb', name: 'z' }]
    })
    expect(report.text).toContain('y: f32[2, 2]')
    checkResults()
  })
  it.skipIf(gcc.missing)(`ends with a status of its own when it is interrupted (${gcc.label})`, async () => {
    give(x, shape)
    expect(await run({ engine: 'cpu', signal: AbortSignal.abort() }))
      .toMatchObject({ status: 130, text: '', errors: 'error: It was cancelled.\n' })
    expect(existsSync(file('out'))).toBe(false)
  })
  it('evaluates what operators define', async () => {
    give(x, shape)
    expect(runOutput.parse((await run()).json)).toMatchObject({ engine: 'reference', kernels: 0 })
    checkResults()
  })

  const check = (
    name: string, message: RegExp, status: number, inputs: readonly TensorData[], given: Partial<RunModelOptions> = {}
  ): void => {
    it(name, async () => {
      give(...inputs)
      const report = await run(given)
      expect(report.errors).toMatch(message)
      expect(report).toMatchObject({ status, text: '' })
      expect(existsSync(file('out'))).toBe(false)
    })
  }
  check('says which input has no data', /model\.onnx: error: There is no data for 1 input: `shape`\.\n$/, 1, [x])
  check('refuses more inputs than the model has', /model\.onnx: error: The model has 2 inputs, so that \S+input_2\.pb is of no use\.\n$/, 1, [x, shape, x])
  it('says that a file is no model, whatever its inputs are', async () => {
    give(x)
    writeFileSync(file('model.onnx'), 'text')
    expect(await run()).toMatchObject({ status: 1, errors: expect.stringContaining('This is no ONNX model') as string })
  })
  check('says that an input has another shape', /model\.onnx: error: .*`x`/, 1, [dataOf('f32', [4], [1, 2, 3, 4]), shape])
  check('says that there is no folder', /missing cannot be read: ENOENT/, 2, [], { inputs: '/missing' })
  it('says that a file is no tensor', async () => {
    give(x)
    writeFileSync(file('in', 'input_1.pb'), 'text')
    expect(await run()).toMatchObject({ status: 2, errors: expect.stringContaining(file('in', 'input_1.pb')) as string })
    rmSync(file('in', 'input_0.pb'))
    expect((await run()).errors).toBe(`error: ${file('in', 'input_0.pb')} is missing.\n`)
  })
  it('has no element for a whole number that is divided by zero', async () => {
    writeFileSync(file('model.onnx'), onnxModel({
      inputs: { a: ['i64', 2], b: ['i64', 2] }, outputs: { q: ['i64', 2] }, nodes: [['Div', ['a', 'b'], ['q']]]
    }))
    for (const [i, b] of [[7, 8], [2, 0]].entries()) {
      writeFileSync(file('in', `input_${i}.pb`), tensorBytes('', dataOf('i64', [2], b)))
    }
    expect(await run()).toMatchObject({ status: 1, errors: expect.stringMatching(/`q` has elements without a value/) as string })
  })
})

describe('heddle export', () => {
  it('writes a project, and takes away the kernels of the one before', async () => {
    give()
    mkdirSync(file('project', 'kernels'), { recursive: true })
    for (const name of ['old', 'mine']) writeFileSync(file('project', 'kernels', `${name}.cu`), '')
    writeFileSync(file('project', 'kernels.h'), 'KERNEL(old, plain, 256, 1, 1)\n')
    writeFileSync(file('project', 'mine.txt'), '')
    const report = await exportReport(file('model.onnx'), file('project'), { bind: ['n=1'] })
    expect(report).toMatchObject({ status: 1 }) // the shape is not known
    const bound = onnxModel({
      inputs: { x: ['f32', 'n', 4] }, outputs: { z: ['f32', 'n', 4] }, constants: { b: dataOf('f32', [4], [-1, 0, 1, 2]) },
      nodes: [['Add', ['x', 'b'], ['s']], ['Relu', ['s'], ['z']]]
    })
    writeFileSync(file('model.onnx'), bound)
    const { files, kernels } = exportOutput.parse((await exportReport(file('model.onnx'), file('project'), { bind: ['n=3'] })).json)
    expect(kernels).toBe(1)
    expect(files).toEqual(expect.arrayContaining(['CMakeLists.txt', 'README.md', 'model.cu', 'model.h', 'weights.bin', 'cpu/cuda.h']))
    expect(readdirSync(file('project')).sort()).toEqual([...new Set([...files.map(f => f.split('/')[0]!), 'mine.txt'])].sort())
    expect(readdirSync(file('project', 'kernels')).map(f => `kernels/${f}`).sort())
      .toEqual([...files.filter(f => f.startsWith('kernels/')), 'kernels/mine.cu'].sort())
    expect(statSync(file('project', 'weights.bin')).size % 256).toBe(0)
  })
})
