import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findTools } from '../../../compiler-core/toolchain/tools.ts'

describe.skipIf(process.platform === 'win32')('tools on PATH', () => {
  let folder = ''
  beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-tools-')) })
  afterEach(() => { rmSync(folder, { recursive: true }) })
  const install = (name: string, script: string, mode = 0o755) => {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(path.join(folder, name), mode)
  }
  const found = async (searchPath = folder) =>
    (await findTools(searchPath)).flatMap(t => t.path === undefined ? [] : [[t.name, t.version]])

  it('finds a tool and its version', async () => {
    install('g++', 'echo "g++ (Debian) 12.2.0"')
    install('nvcc', 'echo "nvcc: a compiler"; echo "release 13.0, V13.0.88"')
    expect(await found()).toEqual([['g++', 'g++ (Debian) 12.2.0'], ['nvcc', 'release 13.0, V13.0.88']])
  })
  it('finds a tool that does not tell its version', async () => {
    install('g++', 'exit 1')
    expect(await found()).toEqual([['g++', undefined]])
  })
  it('does not take what cannot be executed', async () => {
    install('g++', '', 0o644)
    expect(await found()).toEqual([])
  })
  it('does not look below the current folder', async () => expect(await found('')).toEqual([]))
})
