// Commands over models: what they print, and the files that they leave.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cacheReport } from '../../../compiler-core/cli/cache.ts'
import { compileReport } from '../../../compiler-core/cli/compile.ts'
import { fusionReport } from '../../../compiler-core/cli/fusion.ts'
import { modelCache, storedOptions, type ModelOptions } from '../../../compiler-core/cli/model-options.ts'
import type { Report } from '../../../compiler-core/cli/report.ts'
import { dataOf } from '../../../compiler-core/graph/tensor-data.ts'
import { cacheOutput, compileOutput, fusionOutput } from '../../../compiler-core/view/output.ts'
import { onnxModel, type OnnxGraph } from '../../harness/onnx.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-models-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

const weights = (rows: number, columns: number) => dataOf('f32', [rows, columns], Array.from({ length: rows * columns }, (_, i) => i % 7))
const perceptron: OnnxGraph = {
  inputs: { x: ['f32', 'batch', 8] }, outputs: { y: ['f32', 'batch', 4] },
  constants: { w: weights(8, 16), b: weights(1, 16), v: weights(16, 4) },
  nodes: [
    ['MatMul', ['x', 'w'], ['h']], ['Add', ['h', 'b'], ['s']], ['Relu', ['s'], ['r']], ['MatMul', ['r', 'v'], ['p']],
    ['Softmax', ['p'], ['y'], { axis: 1 }]
  ]
}

function write(graph: OnnxGraph = perceptron, name = 'net.onnx'): string {
  const file = path.join(folder, name)
  writeFileSync(file, onnxModel(graph))
  return file
}

const bound: ModelOptions = { bind: ['batch=3'] }

describe('heddle compile', () => {
  const out = (): string => path.join(folder, 'out')
  const compile = (options: ModelOptions = bound, file = write()): Report => compileReport(file, out(), options)

  it('writes kernels, their traces and the plan', () => {
    const { status, errors, json } = compile()
    expect([status, errors]).toEqual([0, ''])
    const output = compileOutput.parse(json)
    expect(output).toMatchObject({
      model: 'net', target: 'sm_80', device: 'A100-SXM4-80GB', launches: 3, kernels: 3, cached: false, weights_bytes: 1024
    })
    const texts = readdirSync(path.join(out(), 'kernels')).map(name => `kernels/${name}`)
    expect([...texts, 'graph.heddle', 'plan.json'].sort()).toEqual(output.files)
    const plan = JSON.parse(readFileSync(path.join(out(), 'plan.json'), 'utf8')) as { readonly arenaBytes: number }
    expect(plan.arenaBytes).toBe(output.peak_bytes)
    const trace = texts.filter(t => t.endsWith('.trace.json')).map(t => JSON.parse(readFileSync(path.join(out(), t), 'utf8')) as object)
    expect(trace.every(t => 'regions' in t)).toBe(true)
  })
  it('sums up in four lines', () => {
    const { text } = compile()
    expect(text).toMatch(/^net, for A100-SXM4-80GB \(sm_80\)\n {2}kernels +3 kernels, launched 3 times\n {2}memory +\d+ bytes between kernels at most.*; 1\.0 kB of weights\n {2}time +\d+\.\d\d s\n {2}written +\S+: plan\.json, graph\.heddle, 6 files in kernels\n$/)
  })
  it('takes what was compiled before from the cache', () => {
    const options = { ...bound, cacheFolder: path.join(folder, 'cache'), version: '1' }, file = write()
    const cached = [1, 2].map(() => compileOutput.parse(compile(options, file).json).cached)
    expect([cached, compile(options, file).text]).toEqual([[false, true], expect.stringMatching(/ s, from the cache\n/)])
  })
  it('compiles for a card, whose architecture it takes', () => {
    expect(compileOutput.parse(compile({ ...bound, device: 'rtx 4090' }).json)).toMatchObject({ target: 'sm_89', device: 'RTX 4090' })
  })

  const wrong = (name: string, options: ModelOptions, status: number, errors: RegExp, graph?: OnnxGraph) => {
    it(`says ${name}`, () => {
      const report = compile(options, write(graph))
      expect([report.status, report.text]).toEqual([status, ''])
      expect(report.errors).toMatch(errors)
      expect(readdirSync(folder)).toEqual(['net.onnx'])
    })
  }
  wrong('which extents are free', {}, 1, /net\.onnx: error: .*`x`.*--bind batch=1/)
  wrong('that a binding has no number', { bind: ['batch'] }, 2, /^error: --bind takes NAME=NUMBER; this is `batch`\.\n$/)
  wrong('that a name is bound twice', { bind: ['batch=1', 'batch=2'] }, 2, /^error: --bind gives `batch` twice\.\n$/)
  wrong('that nothing has a bound name', { bind: ['batch=1', 'length=2'] }, 1, /no free extent `length`/)
  wrong('which cards there are', { ...bound, device: 'GTX 480' }, 2, /^error: There is no device `GTX 480`\. It knows `T4`, .*`A30`.* and `RTX 5090`\.\n$/)
  wrong('which cards are probably meant', { ...bound, device: 'h100' }, 2, /`h100`\. Did you mean `H100 80GB HBM3` or `H100 PCIe`\? It knows `T4`, /)
  wrong('that a card is of another architecture', { ...bound, device: 'A30', target: 'sm_90' }, 2, /The A30 is of sm_80, not of sm_90/)
  wrong('what --parallel-k takes', { ...bound, parallelK: '1' }, 2, /--parallel-k takes default, paper, disabled or a number from 2 to 9999; this is `1`/)
  wrong('the largest number of --parallel-k', { ...bound, parallelK: '999999' }, 2, /from 2 to 9999; this is `999999`/)
  wrong('all operators that are not supported', bound, 1, /net\.onnx: error: The operator Unheard .*`Unheard_5`.*\n.*net\.onnx: error: The operator Unseen/, {
    ...perceptron, outputs: { z: ['f32', 'batch', 4] },
    nodes: [...perceptron.nodes, ['Unheard', ['y'], ['u']], ['Unseen', ['u'], ['z']]]
  })
  it('says that a file cannot be read, or nothing can be written', () => {
    expect(compile(bound, path.join(folder, 'none.onnx'))).toMatchObject({ status: 2, errors: expect.stringMatching(/none\.onnx cannot be read/) as string })
    expect(compile(bound, folder)).toMatchObject({ status: 2, errors: expect.stringMatching(/is no file/) as string })
    writeFileSync(out(), '')
    expect(compile()).toMatchObject({ status: 2, errors: expect.stringMatching(/out cannot be written/) as string })
  })
})

describe('options of models', () => {
  const check = (text: string, parallelK: unknown) => {
    it(`--parallel-k ${text}`, () => { expect(storedOptions({ parallelK: text })).toMatchObject({ parallelK }) })
  }
  check('default', 'default')
  check('paper', 'paper')
  check('disabled', 'disabled')
  check('12', 12)
  it('bind whole, negative and other numbers', () => {
    const options = storedOptions({ bind: ['a=1', 'b=-2', 'c=0.5', 'd=e=3'] })
    expect('bindings' in options && [...options.bindings ?? []]).toEqual([['a', 1], ['b', -2], ['c', 0.5], ['d=e', 3]])
  })
})

describe('heddle fusion', () => {
  it('gives groups with roles, edges with reasons, and the traffic saved', () => {
    const { status, errors, json } = fusionReport(write(), bound)
    expect([status, errors]).toEqual([0, ''])
    const { groups, edges, ...all } = fusionOutput.parse(json)
    expect(groups.map(g => g.operators.map(o => `${o.role} ${o.operator}`).filter(o => !/ reshape$/.test(o)))).toEqual([
      ['anchor batch_matmul', 'epilogue add', 'epilogue relu'], ['anchor batch_matmul'], ['anchor softmax']
    ])
    expect(groups.map(g => g.operators.flatMap(o => o.nodes).includes('MatMul_0'))).toEqual([true, false, false])
    expect(all.launches).toBe(3)
    expect(all.launches_without_fusion).toBe(5)
    expect(all.saved).toBe(edges.reduce((n, e) => n + (e.traffic?.saved ?? 0), 0))
    // 3 x 16 elements of 4 bytes, written and read
    expect(edges.find(e => e.to.operator === 'relu')).toMatchObject({ fused: 'epilogue', traffic: { written: 192, read: 192, read_more: 0, saved: 384 } })
    const apart = edges.find(e => e.to.operator === 'softmax')!
    expect([apart.fused, apart.traffic]).toEqual([null, null])
    expect(apart.reason).toMatch(/^`softmax` is a reduction/)
  })
  it('lists groups for people, then reasons, then the sum', () => {
    const { text } = fusionReport(write(), bound)
    expect(text).toMatch(/^net, for A100-SXM4-80GB \(sm_80\)\n {2}\S+_add_relu_1 +.*\[batch_matmul\].*, add, .*relu.* saves .*\n/)
    expect(text).toMatch(/\nnot fused:\n(.*\n)* {2}\S+ -> softmax: `softmax` is a reduction/)
    expect(text).toMatch(/\n3 groups; launches: 3, without fusion 5; saves \S+ (bytes|kB) of memory traffic\n$/)
  })
  it('says what is wrong with a model', () => {
    expect(fusionReport(write(), {})).toMatchObject({ status: 1, text: '', errors: expect.stringMatching(/--bind batch=1/) as string })
  })
})

describe('heddle cache', () => {
  it('says what is kept, and removes it', () => {
    const cacheFolder = path.join(folder, 'cache'), cache = modelCache(cacheFolder)
    mkdirSync(cacheFolder)
    expect(cacheReport(cache, 'status')).toMatchObject({ status: 0, text: `${cacheFolder}: 0 files, 0 bytes, at most 8.6 GB\n` })
    compileReport(write(), path.join(folder, 'out'), { ...bound, cacheFolder, version: '1' })
    const before = cacheReport(cache, 'status')
    expect(cacheOutput.parse(before.json).kinds).toMatchObject([{ kind: 'packages', entries: 1 }])
    expect(before.text).toMatch(/: 1 file, \d+\.\d kB, at most 8\.6 GB\n {2}packages +1 file +\d+\.\d kB\n$/)
    expect(cacheReport(cache, 'clear').text).toMatch(/: removed 1 file, \d+\.\d kB\n$/)
    expect(cacheOutput.parse(cacheReport(cache, 'status').json).kinds).toEqual([])
  })
})
