// An exported project: built by g++ alone it computes what the cpu engine does; nvcc builds it without a warning.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataOf, numbersOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import { compileGraph, packageOfModel, writeModelWeights } from '../../../../compiler-core/runtime/compile-model.ts'
import { runPlan } from '../../../../compiler-core/runtime/cpu/engine.ts'
import { exportProject } from '../../../../compiler-core/runtime/export/project.ts'
import type { Package } from '../../../../compiler-core/runtime/package.ts'
import { evaluateModel } from '../../../../compiler-core/runtime/reference.ts'
import { scratch } from '../../../../scripts/paths.ts'
import { graphModel, target } from '../../../harness/graphs.ts'
import { needs } from '../../../harness/needs.ts'
import { kernel, packageOf } from '../cpu/support.ts'

const gcc = needs('g++'), nvcc = needs('nvcc')

/** Barriers, shuffles, neither; a constant that is a result; a result that a later kernel reads. */
const model = graphModel(g => {
  const x = g.input('x "quoted" \\ \u2192', 'f32', [1, 33, 20]), w = g.constant('w', 'f32', [1, 20, 24]), b = g.constant('b', 'f32', [24])
  const hidden = g.apply('relu', { x: g.apply('add', { a: g.apply('batch_matmul', { a: x, b: w }), b }) })
  const probabilities = g.apply('softmax', { x: hidden })
  const top = g.apply('reduce', { x: probabilities, axes: [2], op: { reducer: 'max' } })
  return { probabilities, top, flipped: g.apply('transpose', { x: probabilities, perm: [0, 2, 1] }), b }
})
const input = dataOf('f32', [1, 33, 20], Array.from({ length: 660 }, (_, i) => Math.sin(i)))

let folder = '', compiled: Package, weights = ''
const file = (...parts: readonly string[]) => path.join(folder, ...parts)

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-export-'))
  const made = compileGraph(model, { ...target, parallelK: 'default' }).compiled!
  compiled = packageOfModel(made, false)
  weights = file('weights.bin')
  writeModelWeights(weights, made)
  write(compiled, readFileSync(weights).length)
  writeFileSync(file('input_0.bin'), input.bytes)
})
afterAll(() => { rmSync(folder, { recursive: true }) })

function write(made: Package, weightBytes: number): void {
  const project = exportProject(made, weightBytes)
  if ('problem' in project) throw new Error(project.problem)
  for (const [name, text] of project) {
    mkdirSync(path.dirname(file(name)), { recursive: true })
    writeFileSync(file(name), text)
  }
}

/** What a program says, warnings included. */
function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The command of the README that begins with a word, in words. */
function readmeCommand(start: string): readonly string[] {
  const line = readFileSync(file('README.md'), 'utf8').split('\n').find(l => l.startsWith(`    ${start}`))!
  return line.trim().split(' ')
}

function buildForCpu(): void {
  const [, , , , , , ...command] = readmeCommand('for f in'), flags = command.slice(command.indexOf('-x'), command.indexOf('-c'))
  for (const name of readdirSync(file('kernels'))) {
    expect(run('g++', [...flags, '-Wall', '-Wextra', '-Werror', '-c', `kernels/${name}`, '-o', `${name}.o`])).toBe('')
  }
  const objects = readdirSync(folder).filter(name => name.endsWith('.o'))
  const [, ...link] = readmeCommand('g++')
  run('g++', ['-Wall', '-Wextra', '-Werror', ...link.flatMap(word => word === 'kernels/*.o' ? objects : [word])])
}

describe.skipIf(gcc.missing)(`an exported project without CUDA (${gcc.label})`, () => {
  it('is built by g++ as its README says, and computes what the engine does', async () => {
    buildForCpu()
    const said = run('./example', ['weights.bin', 'input_0.bin'])
    expect(said).toContain('probabilities: [1, 33, 24]')
    const ran = await runPlan(compiled, weights, [input], { cacheFolder: path.join(scratch, 'cpu'), timeLimit: 60_000 })
    const reference = evaluateModel(model, [input])
    if (ran.kind !== 'ran' || 'problem' in reference) throw new Error(JSON.stringify([ran, reference]))
    ran.outputs.forEach((output, i) => {
      const own = { ...output, bytes: new Uint8Array(readFileSync(file(`output_${i}.bin`))) }
      expectClose(own, output)
      expectClose(output, reference[i]!)
    })
  })

  it('has the symbols that its README names', () => {
    run('g++', ['-std=c++17', '-fpie', '-I.', '-c', 'model_cpu.cpp', '-o', 'model_cpu.o'])
    const objects = readdirSync(folder).filter(name => name.endsWith('.o'))
    const symbols = [...run('nm', ['-C', '-g', '--defined-only', ...objects]).matchAll(/ [TBDRu] (.*)$/gm)].map(m => m[1]!)
    rmSync(file('model_cpu.o'))
    const named = ['model_', 'run_', 'heddle_', 'shared_memory', ...compiled.plan.kernels.map(k => k.name)]
    expect(symbols.filter(symbol => !named.some(name => symbol.startsWith(name)))).toEqual([])
    expect(symbols).toEqual(expect.arrayContaining(['model_create', 'shared_memory']))
    expect(readmeCommand('build/example').join(' ')).toBe('build/example weights.bin input_0.bin')
  })

  it('says what is wrong with its files', () => {
    const failed = (args: readonly string[]): string => {
      try {
        return run('./example', args)
      } catch (error) {
        return (error as { readonly stderr: string }).stderr
      }
    }
    expect(failed(['missing.bin', 'input_0.bin'])).toBe('missing.bin cannot be opened\n')
    expect(failed(['README.md', 'input_0.bin'])).toMatch(/^README\.md is not of this model: it has less than \d+ bytes\n$/)
    writeFileSync(file('long.bin'), new Uint8Array(readFileSync(weights).length + 1))
    expect(failed(['long.bin', 'input_0.bin'])).toMatch(/^long\.bin is not of this model: it has more than \d+ bytes\n$/)
    expect(failed(['kernels', 'input_0.bin'])).toBe('kernels cannot be read: Is a directory\n')
    expect(failed(['weights.bin', 'weights.bin'])).toBe('weights.bin has not 2640 bytes\n')
    expect(failed([])).toMatch(/^usage: /)
  })

  it('serves fills, and memory that a kernel asks for at its launch', () => {
    const made = kernel('staged', [32, 1, 1], ['f32', '!f32'], `
  extern __shared__ __align__(16) unsigned char shared_memory[];
  float *const s = (float *)shared_memory;
  s[50000 + threadIdx.x] = p0[threadIdx.x];
  __syncthreads();
  p1[threadIdx.x] += s[50000 + 31 - threadIdx.x];`)
    const hand = packageOf({
      inputs: { x: ['f32', 32] }, outputs: { y: ['f32', 32] }, kernels: [made],
      steps: [{ fill: 'y', value: -2 }, { launch: 'staged', grid: [1, 1, 1], on: ['x', 'y'] }]
    })
    for (const name of readdirSync(folder)) if (/\.o$|^kernels$/.test(name)) rmSync(file(name), { recursive: true })
    const kernels = hand.plan.kernels.map(k => ({ ...k, dynamicSharedBytes: 200_128 }))
    write({ ...hand, plan: { ...hand.plan, kernels } }, 0)
    buildForCpu()
    writeFileSync(file('empty.bin'), '')
    writeFileSync(file('input_0.bin'), dataOf('f32', [32], Array.from({ length: 32 }, (_, i) => i)).bytes)
    run('./example', ['empty.bin', 'input_0.bin'])
    const output = { element: 'f32' as const, shape: [32], bytes: new Uint8Array(readFileSync(file('output_0.bin'))) }
    expect(numbersOf(output)).toEqual(Array.from({ length: 32 }, (_, i) => 29 - i))
    if (nvcc.missing) return
    expect(run('nvcc', ['-std=c++17', '-arch=sm_80', '-I.', '-c', 'kernels/staged.cu', '-o', 'staged.o'])).toBe('')
  })
})

it('names a file for each input in its README', () => {
  const hand = packageOf({ inputs: { a: ['f32', 2], b: ['i64', 1] }, outputs: { y: ['f32', 2] }, kernels: [], steps: [{ fill: 'y', value: 0 }] })
  const readme = (exportProject(hand, 0) as ReadonlyMap<string, string>).get('README.md')
  expect(readme).toContain('    build/example weights.bin input_0.bin input_1.bin\n')
  expect(readme).toContain('raw little-endian elements')
})

describe.skipIf(nvcc.missing)(`an exported project with CUDA (${nvcc.label})`, () => {
  it('is built by nvcc as its README says, without a warning', () => {
    for (const name of readdirSync(file('kernels'))) rmSync(file('kernels', name))
    write(compiled, readFileSync(weights).length)
    const kernels = readdirSync(file('kernels')).map(name => `kernels/${name}`)
    const [, ...command] = readmeCommand('nvcc')
    expect(run('nvcc', command.flatMap(word => word === 'kernels/*.cu' ? kernels : [word]))).toBe('')
  }, patience)
})

/** Milliseconds; nvcc compiles one file after the other. */
const patience = 300_000

function expectClose(own: TensorData, other: TensorData): void {
  expect(own.shape).toEqual(other.shape)
  const expected = numbersOf(other)
  numbersOf(own).forEach((value, i) => { expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6) })
}
