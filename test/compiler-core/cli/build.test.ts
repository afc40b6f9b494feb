import { Ajv2020 } from 'ajv/dist/2020.js'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { buildReport, type BuildOptions } from '../../../compiler-core/cli/build.ts'
import { buildOutput, factsOutput, traceOutput } from '../../../compiler-core/view/output.ts'
import { needs } from '../../harness/needs.ts'

const cuda = needs('nvcc')
let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-build-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

const program = (block: string) => `import "std/prelude"
operator double(x: f32[n]) -> y: f32[n] { y[i] = 2.0 * x[i] }
schedule wide for double {
  tune warps = 4 level 1 [1, 2, 3]
  require warps != 2, "never two"
  /// Threads of a block.
  let threads = 32 * warps
  kernel main(grid: ceil_div(n, threads), block: ${block}) {
    let i = blockIdx.x * threads + threadIdx.x
    y[i] =? 2.0 * (x[i] ?? 0)
  }
}
instance twice = double.wide(n: 1000)
instance elsewhere = double.wide(n: 1000, target: sm_90)
`
const out = (name = '') => path.join(folder, 'out', name)
const read = (name: string) => readFileSync(out(name), 'utf8')
/** Without a toolkit unless told otherwise. */
function build(options: Partial<BuildOptions> = {}, text = program('threads')) {
  const file = path.join(folder, 'a.heddle')
  writeFileSync(file, text)
  return buildReport(file, { instance: 'twice', target: 'sm_80', out: out(), environment: { PATH: '' }, ...options })
}
const validator = (schema: z.ZodType) => new Ajv2020().compile(z.toJSONSchema(schema))

describe('heddle build', () => {
  it('writes CUDA and its trace, and says once what is missing', async () => {
    const report = await build()
    expect([report.status, readdirSync(out()).sort()]).toEqual([0, ['twice.cu', 'twice.trace.json']])
    expect(report.errors).toMatch(/^note: There is no nvcc on PATH[^\n]*\n$/)
    expect(report.text).toBe(`warps 4\nthreads 128\n${out('twice.cu')}\n${out('twice.trace.json')}\n`)
    expect(read('twice.cu')).toContain('extern "C" __global__')
    expect(buildOutput.parse(report.json))
      .toEqual({
        instance: 'twice', target: 'sm_80', schedule: { parameters: { warps: '4' }, facts: { threads: 128 } },
        files: ['twice.cu', 'twice.trace.json'], facts: null
      })
  })
  it('traces the text to its source', async () => {
    await build()
    const trace: unknown = JSON.parse(read('twice.trace.json'))
    const validate = validator(traceOutput)
    expect([validate(trace), validate.errors]).toEqual([true, null])
    expect(traceOutput.parse(trace)).toMatchObject({ version: 1, target: 'twice.cu', sources: [expect.stringContaining('a.heddle')] })
  })
  it('builds a schedule by its defaults, and a candidate', async () => {
    await build({ instance: 'double.wide' })
    expect(read('double.wide.cu')).toContain('__launch_bounds__(128)')
    await build({ candidate: { level: 1, index: 1 } })
    expect(read('twice.cu')).toContain('__launch_bounds__(96)')
  })
  it('builds for the target that the instance names', async () => {
    expect((await build({ instance: 'elsewhere' })).json).toMatchObject({ target: 'sm_90' })
  })
  it('removes what an earlier build left and this one does not make', async () => {
    await build()
    for (const name of ['twice.ptx', 'twice.cubin', 'twice.facts.json', 'other.ptx']) writeFileSync(out(name), 'old')
    await build()
    expect(readdirSync(out()).sort()).toEqual(['other.ptx', 'twice.cu', 'twice.trace.json'])
  })
  it('shows every stage, and writes nothing without a folder', async () => {
    const report = await build({ stages: true, out: undefined })
    const { stages = [] } = buildOutput.parse(report.json)
    expect(stages.map(s => s.name).slice(0, 2)).toEqual(['elaborated', 'bounds'])
    expect(stages.length).toBeGreaterThan(4)
    for (const s of stages) expect(report.text).toContain(`// ${s.name}\n${s.text}`)
    expect(readdirSync(folder)).toEqual(['a.heddle'])
  })

  const wrong: [string, Partial<BuildOptions>, string, 1 | 2, string][] = [
    ['an instance that is not there', { instance: 'none' }, program('threads'), 2, 'has no `none`. It has `double.wide`, `twice`'],
    ['a file with nothing to build', {}, 'let a = 1\n', 2, 'It has nothing to build.'],
    ['a candidate that is not there', { candidate: { level: 1, index: 2 } }, program('threads'), 1, 'There is no candidate 2 at level 1.'],
    ['a block that is too large', {}, program('2048'), 1, 'sm_80'],
    ['a program with an error', {}, program('nothing'), 1, 'a.heddle:8:']
  ]
  it.each(wrong)('writes nothing for %s', async (_, options, text, status, message) => {
    const report = await build(options, text)
    expect([report.status, report.text, report.json]).toEqual([status, '', undefined])
    expect(report.errors).toContain(message)
    expect(readdirSync(folder)).toEqual(['a.heddle'])
  })
  it('says which file it cannot read, and where it cannot write', async () => {
    const options = { instance: 'twice', target: 'sm_80', out: out(), environment: { PATH: '' } }
    expect(await buildReport(path.join(folder, 'none.heddle'), options))
      .toMatchObject({ status: 2, errors: expect.stringContaining('none.heddle cannot be read') })
    writeFileSync(path.join(folder, 'file'), '')
    expect(await build({ out: path.join(folder, 'file') })).toMatchObject({ status: 2, errors: expect.stringContaining('cannot be written') })
  })
})

describe.skipIf(cuda.missing)(`heddle build with a toolkit (${cuda.label})`, () => {
  it('writes PTX, machine code and facts', async () => {
    const report = await build({ environment: undefined })
    const files = ['twice.cu', 'twice.cubin', 'twice.facts.json', 'twice.ptx', 'twice.trace.json']
    expect([report.status, report.errors, readdirSync(out()).sort()]).toEqual([0, '', files])
    const facts: unknown = JSON.parse(read('twice.facts.json')), validate = validator(factsOutput)
    expect([validate(facts), validate.errors]).toEqual([true, null])
    expect(facts).toMatchObject({ target: 'sm_80', spills: 0, stack: 0, shared_bytes: 0, dynamic_shared_bytes: 0, warnings: [], kernels: [{ spills: 0 }] })
    expect(buildOutput.parse(report.json).facts).toEqual(facts)
    expect(read('twice.ptx')).toContain('.target sm_80')
    expect(report.text).toMatch(/\d+ registers {2}0 bytes spilled {2}0 bytes of stack/)
  })
  it('adds the shared memory that a launch asks for', async () => {
    const tile = 'shared tile: f32[128, 100]\n    tile[threadIdx.x, 0] = 1.0\n    syncthreads()\n    let i'
    await build({ environment: undefined }, program('threads').replace('let i', tile).replace('2.0 * (', 'tile[0, 0] * ('))
    expect(JSON.parse(read('twice.facts.json'))).toMatchObject({
      shared_bytes: 0, dynamic_shared_bytes: 51200, kernels: [{ shared_bytes: 0, dynamic_shared_bytes: 51200 }]
    })
  })
  it('writes nothing when it is cancelled', async () => {
    const report = await build({ environment: undefined, signal: AbortSignal.abort() })
    expect([report.status, report.errors, readdirSync(folder)]).toEqual([2, 'error: cicc was cancelled.\n', ['a.heddle']])
  })
})

describe('the JSON Schema of the output', () => {
  it('takes builds with and without stages', async () => {
    const validate = validator(buildOutput)
    for (const stages of [true, false]) {
      expect([validate((await build({ stages })).json), validate.errors]).toEqual([true, null])
    }
  })
  it('refuses what has another form', () => { expect(validator(factsOutput)({ registers: '12' })).toBe(false) })
})
