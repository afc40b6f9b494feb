import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { makeFolder } from '../../../compiler-core/toolchain/folders.ts'

const root = mkdtempSync(path.join(os.tmpdir(), 'heddle-folders-'))
afterAll(() => { rmSync(root, { recursive: true }) })

describe('a folder', () => {
  it('is made with those above it, and may be there already', () => {
    const folder = path.join(root, 'a', 'b', 'c')
    makeFolder(folder, 0o700)
    makeFolder(folder)
    expect(readdirSync(path.join(root, 'a', 'b'))).toEqual(['c'])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })
  it('below a file cannot be', () => {
    writeFileSync(path.join(root, 'file'), '')
    expect(() => { makeFolder(path.join(root, 'file', 'x')) }).toThrow(/EEXIST|ENOTDIR/)
  })
  it.skipIf(process.platform !== 'linux')('where none can be made is refused, and does not hang', () => {
    expect(() => { makeFolder('/proc/heddle/x') }).toThrow(/ENOENT|EACCES|EPERM/)
  })
})
