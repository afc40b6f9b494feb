import { Ajv2020 } from 'ajv/dist/2020.js'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { spaceReport } from '../../../compiler-core/cli/space.ts'
import { spaceOutput } from '../../../compiler-core/view/output.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-space-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })
const write = (text: string) => {
  const file = path.join(folder, 'a.heddle')
  writeFileSync(file, text)
  return file
}
const options = (level: number, target = 'sm_80') => ({ level, target })

/** Doubles every element; `threads` of a block is a fact. */
const double = (tunes: string, rules = '') => `import "std/prelude"
operator double(x: f32[n]) -> y: f32[n] { y[i] = 2.0 * x[i] }
schedule wide for double {
  ${tunes}
  /// Threads of a block.
  let threads = 32 * warps
  ${rules}
  kernel main(grid: ceil_div(n, threads), block: threads) {
    let i = blockIdx.x * threads + threadIdx.x
    y[i] =? 2.0 * (x[i] ?? 0)
  }
}
`

describe('heddle space --json', () => {
  it('lists the matmul of the library', () => {
    const report = spaceReport(undefined, 'batch_matmul.simt', options(2))
    const { raw, legal, candidates } = spaceOutput.parse(report.json)
    expect([report.status, report.errors, raw, legal, candidates.length]).toEqual([0, '', 324, 177, 177])
    expect(candidates[14]).toEqual({
      parameters: { warp_inner: [4, 4], warp_outer: [1, 1], block_k: 8, block_warps: [2, 2], atom: 'custom_4x8' },
      facts: { min_blocks: 6, block_m: 32, block_n: 64, registers: 80, shared_bytes: 6144, threads: 128 }
    })
  })
  it('lists a schedule of a file, and one that a file imports', () => {
    const own = spaceReport(write(double('tune warps = 4 level 1 [1, 2]')), 'double.wide', options(1))
    const candidates = [1, 2].map(warps => ({ parameters: { warps }, facts: { threads: 32 * warps } }))
    expect(own).toMatchObject({ status: 0, errors: '', json: { raw: 2, legal: 2, candidates } })
    expect(spaceReport(write('import "std/matmul"\n'), 'batch_matmul.simt', options(1)).json).toMatchObject({ raw: 48, legal: 25 })
  })
  it('lists the default alone at level 0', () => {
    expect(spaceReport(write(double('tune warps = 4 level 1 [1, 2]')), 'double.wide', options(0)).json)
      .toMatchObject({ raw: 1, legal: 1, candidates: [{ parameters: { warps: 4 } }] })
  })
  it('says apart what the target cannot run', () => {
    const report = spaceReport(write(double('tune warps = 4 in [4, 48]')), 'double.wide', options(1))
    expect(report.json).toMatchObject({ raw: 2, legal: 2 })
    expect(spaceOutput.parse(report.json).candidates.map(c => c.exceeds))
      .toEqual([undefined, '1,536 threads a block are 512 more than sm_80 allows (1,024)'])
    expect(report.text).toContain('  beyond sm_80  1: 1,536 threads')
  })
  it('writes tuples, names and words as JSON has them', () => {
    const tunes = `tune warps = 4 in [4]
  tune word = "a" in ["a"]
  tune flag = true in [true]
  tune pair = ((1, 2), 3) in [((1, 2), 3)]
  tune part = 0.5 in [0.5]
  tune type = f16 in [f16]`
    expect(spaceReport(write(double(tunes)), 'double.wide', options(1)).json).toMatchObject({
      candidates: [{ parameters: { warps: 4, word: 'a', flag: true, pair: [[1, 2], 3], part: 0.5, type: 'f16' } }]
    })
  })
})

describe('heddle space for people', () => {
  it('counts what each rule rejects', () => {
    const text = double('tune warps = 4 in [1, 2, 3, 4]', 'require warps % 2 == 0, "warps come in pairs"')
    const report = spaceReport(write(text), 'double.wide', options(1))
    expect(report.text).toBe(`double.wide at level 1
  points    4
  rejected  2: warps come in pairs
  legal     2

     warps  threads
  0      2       64
  1      4      128
`)
  })
})

describe('what is wrong', () => {
  const cases: [string, string | undefined, string, 1 | 2, string][] = [
    ['an unknown schedule of the library', undefined, 'nothing.simt', 2, 'The library has no schedule `nothing.simt`.'],
    ['an unknown schedule of an operator', undefined, 'batch_matmul.none', 1, '`batch_matmul.none`'],
    ['too many points', double(`tune warps = 1 in [1, 2, 4, 8]\n${Array.from({ length: 10 }, (_, i) => `  tune t${i} = 1 in [1, 2, 3, 4]`).join('\n')}`),
      'double.wide', 2, 'more than 2^20 points at level 1'],
    ['a list that is none', double('tune warps = 1 level 1 3'), 'double.wide', 1, '']
  ]
  it.each(cases)('%s', (_, text, name, status, message) => {
    const report = spaceReport(text === undefined ? undefined : write(text), name, options(1))
    expect([report.status, report.text, report.json]).toEqual([status, '', undefined])
    expect(report.errors).toContain(message)
    expect(report.errors).toContain('error: ')
  })
  it('a file that cannot be read', () => {
    expect(spaceReport(path.join(folder, 'none.heddle'), 'double.wide', options(1)))
      .toMatchObject({ status: 2, errors: expect.stringContaining('none.heddle cannot be read.') })
  })
})

describe('the JSON Schema of the output', () => {
  const validate = new Ajv2020().compile(z.toJSONSchema(spaceOutput))
  it('takes spaces', () => {
    expect([validate(spaceReport(undefined, 'batch_matmul.simt', options(1)).json), validate.errors]).toEqual([true, null])
  })
  it('refuses what has another form', () => { expect(validate({ raw: 1, legal: 1, candidates: [{}] })).toBe(false) })
})
