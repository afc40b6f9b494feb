import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkFiles, formatFiles } from '../../../compiler-core/cli/files.ts'
import { checkOutput } from '../../../compiler-core/view/output.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-cli-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

function write(name: string, text: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('heddle check', () => {
  it('says where, what and which code', () => {
    const file = write('a.heddle', 'let a = 1\nlet m = spatial(4, 0)\n')
    const report = checkFiles([file], 'sm_80')
    expect(checkOutput.parse(report.json)).toMatchObject([{
      file, severity: 'error', code: 'bad-extent',
      range: { start: { line: 1, character: 19 }, end: { line: 1, character: 20 } }
    }])
    expect(report.status).toBe(1)
    expect(report.text).toContain(`${file}:2:20: error: \`spatial\` has extent 0 in dimension 1`)
    expect(report.text).toContain('  2 | let m = spatial(4, 0)\n    |                    ^\n')
  })
  it('is content with a good file, and with what it imports', () => {
    write('sizes.heddle', 'let rows = 4\n')
    const report = checkFiles([write('b.heddle', 'import "sizes"\nlet m = spatial(rows, 2)\n')], 'sm_80')
    expect([report.status, report.json, report.text]).toEqual([0, [], '1 file, 0 errors, 0 other remarks\n'])
  })
  it('says what compiling a declaration finds, once', () => {
    const file = write('d.heddle', `operator copy(x: f32[n]) -> y: f32[n] { y[i] = x[i] }
schedule plain for copy {
  kernel main(grid: n, block: 32) { y[32 * blockIdx.x + threadIdx.x] = x[32 * blockIdx.x + threadIdx.x] ?? 0 }
}
instance one = copy.plain(n: 100)
`)
    const report = checkFiles([file], 'sm_80')
    const lines = checkOutput.parse(report.json).map(d => [d.code, d.severity, d.range.start.line])
    expect([report.status, lines]).toEqual([1, [['out-of-bounds', 'error', 2]]])
  })
  it('names a file that it cannot read', () => {
    const report = checkFiles([path.join(folder, 'none.heddle')], 'sm_80')
    expect([report.status, report.json]).toEqual([2, undefined])
    expect(report.errors).toContain('none.heddle: cannot be read')
  })
})

describe('heddle fmt', () => {
  const untidy = 'let  m=spatial( 2,3 )\n', tidy = 'let m = spatial(2, 3)\n'
  it('formats in place', async () => {
    const file = write('c.heddle', untidy)
    expect((await formatFiles([file], false)).status).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(tidy)
  })
  it('only names files with --check', async () => {
    const files = [write('d.heddle', untidy), write('e.heddle', tidy)] as const
    expect(await formatFiles(files, true)).toMatchObject({ status: 1, text: `${files[0]}: not formatted\n` })
    expect(readFileSync(files[0], 'utf8')).toBe(untidy)
  })
  it('names a file that it cannot read', async () => {
    expect((await formatFiles([folder], false)).status).toBe(2)
  })
})
