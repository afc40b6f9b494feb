import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyReport, type VerifyOptions } from '../../../compiler-core/cli/verify.ts'
import { createVerifiers } from '../../../compiler-core/verify/workers.ts'
import { verifyOutput } from '../../../compiler-core/view/output.ts'

const verifiers = createVerifiers(2, { cacheFolder: undefined })
let folder = ''
beforeAll(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-verify-')) })
afterAll(async () => {
  await verifiers.close()
  rmSync(folder, { recursive: true })
})

const program = (value: string) => `operator double(x: f32[n]) -> y: f32[n] { y[i] = 2 * x[i] }
schedule wide for double {
  tune warps = 4 level 1 [1, 2, 3]
  require warps != 2, "never two"
  let threads = 32 * warps
  kernel main(grid: ceil_div(n, threads), block: threads) {
    let i = blockIdx.x * threads + threadIdx.x
    y[i] =? ${value}
  }
}
fn ceil_div(a: int, b: int) -> int = (a + b - 1) / b
instance twice = double.wide(n: 100)
`
function verify(value: string, options: Partial<VerifyOptions> = {}) {
  const file = path.join(folder, 'a.heddle')
  writeFileSync(file, program(value))
  const all = { instance: 'twice', target: 'sm_80', candidates: undefined, engine: 'interpreter', exhaustive: false, counts: false } as const
  return verifyReport(file, { ...all, ...options }, verifiers)
}

describe('heddle verify', () => {
  it('says that a program is right, and on what that rests', async () => {
    const { status, text, errors } = await verify('2 * (x[i] ?? 0)')
    expect([status, errors]).toEqual([0, ''])
    expect(text).toMatch(/^twice: right, \d\.\d\d s\n {2}interpreter +right +3 runs, 3 blocks, 300 elements, error at most \d+ % of what rounding allows +\d\.\d\d s\n {2}assembler +not asked/)
  })
  it('says what is wrong and where, and exits with 1', async () => {
    const { status, text } = await verify('3 * (x[i] ?? 0)')
    expect(status).toBe(1)
    expect(text).toMatch(/a\.heddle:8:5: error: y\[\d+\] is -?\d+, but by the definition of double it is -?\d+: \d+ of 100 elements are wrong\. Thread \d+ wrote it in line 8 of a\.heddle\. \[wrong-value\]\n {2}8 \| {5}y\[i\] =\? 3/)
  })
  it('verifies every legal candidate of the largest level, or of one', async () => {
    const all = await verify('2 * (x[i] ?? 0)', { candidates: { kind: 'all', level: undefined } })
    expect([all.status, all.text]).toEqual([0, 'twice: 2 candidates, 2 right, 0 wrong, 0 undecided\n'])
    const one = await verify('2 * (x[i] ?? 0)', { candidates: { kind: 'all', level: 0 } })
    expect(one.text).toMatch(/^twice: right/)
  })
  it('verifies one candidate by its number', async () => {
    const { json } = await verify('2 * (x[i] ?? 0)', { candidates: { kind: 'one', level: 1, index: 1 } })
    expect(verifyOutput.parse(json).results.map(r => [r.candidate, r.verdict])).toEqual([[{ level: 1, index: 1 }, 'right']])
  })
  it('prints JSON of its schema, wrong or right', async () => {
    const { json } = await verify('3 * (x[i] ?? 0)', { candidates: { kind: 'all', level: 1 } })
    const output = verifyOutput.parse(json)
    expect([output.verdict, output.target, output.results.length]).toEqual(['wrong', 'sm_80', 2])
    expect(output.results[0]?.problems).toMatchObject([{ code: 'wrong-value', severity: 'error', range: { start: { line: 7, character: 4 } } }])
    expect(output.results[0]?.engines[0]?.runs).toHaveLength(3)
  })
  it('exits with 2 where an engine that was asked for does not work', async () => {
    const { status, text } = await verify('2 * (x[i] ?? 0)', { engine: 'cpu' })
    expect([status, text]).toEqual([2, expect.stringContaining('undecided')])
  })
  it('takes what works where none was asked for, and says what did not', async () => {
    const { status, errors } = await verify('2 * (x[i] ?? 0)', { engine: undefined })
    expect([status, errors]).toEqual([0, expect.stringMatching(/^note: the CPU engine did not run: /)])
  })
  it('tells what does not compile, and what is not there', async () => {
    expect(await verify('2 * x[i]')).toMatchObject({ status: 1, text: expect.stringContaining('[out-of-bounds]') as unknown })
    expect(await verify('2 * (x[i] ?? 0)', { instance: 'other' })).toMatchObject({ status: 2, errors: expect.stringContaining('It has `double.wide` and `twice`.') as unknown })
    expect(await verifyReport(path.join(folder, 'no.heddle'), {
      instance: 'i', target: 'sm_80', candidates: undefined, engine: undefined, exhaustive: false, counts: false
    }, verifiers)).toMatchObject({ status: 2 })
  })
})
