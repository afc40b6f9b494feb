import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findToolkit } from '../../../compiler-core/toolchain/toolkit.ts'

/** Answers `--version`; its plan names no folder, as where there is no host compiler. */
const nvcc = 'test "$1" = --version && echo "release 12.4, V12.4.131"'

describe.skipIf(process.platform === 'win32')('the CUDA toolkit', () => {
  let root = ''
  beforeEach(() => { root = mkdtempSync(path.join(os.tmpdir(), 'heddle-toolkit-')) })
  afterEach(() => { rmSync(root, { recursive: true }) })
  const install = (file: string, script: string) => {
    const full = path.join(root, file)
    mkdirSync(path.dirname(full), { recursive: true })
    writeFileSync(full, `#!/bin/sh\n${script}\n`)
    chmodSync(full, 0o755)
  }
  const installed = () => { for (const file of ['cuda/bin/ptxas', 'cuda/nvvm/bin/cicc']) install(file, '') }
  const find = (environment: NodeJS.ProcessEnv) => findToolkit(environment)
  const expected = () => ({
    kind: 'found', toolkit: {
      release: '12.4', version: '12.4.131', nvcc: path.join(root, 'cuda/bin/nvcc'),
      cicc: path.join(root, 'cuda/nvvm/bin/cicc'), ptxas: path.join(root, 'cuda/bin/ptxas')
    }
  })

  it('is found on PATH', async () => {
    installed()
    install('cuda/bin/nvcc', nvcc)
    expect(await find({ PATH: path.join(root, 'cuda/bin') })).toEqual(expected())
  })
  it('is found below CUDA_PATH', async () => {
    installed()
    install('cuda/bin/nvcc', nvcc)
    expect(await find({ PATH: '', CUDA_PATH: path.join(root, 'cuda') })).toEqual(expected())
  })
  it('is found behind a script, by what nvcc says of its folder', async () => {
    installed()
    install('bin/nvcc', `${nvcc} || echo "#$ TOP=${root}/cuda"`)
    expect(await find({ PATH: path.join(root, 'bin') }))
      .toEqual({ kind: 'found', toolkit: { ...expected().toolkit, nvcc: path.join(root, 'bin/nvcc') } })
  })

  const missing: [string, () => void, string][] = [
    ['there is none', () => undefined, 'There is no nvcc on PATH, and none below CUDA_PATH'],
    ['nvcc does not answer', () => { install('cuda/bin/nvcc', 'exit 1') }, 'does not tell its version'],
    ['there is no ptxas', () => { install('cuda/bin/nvcc', nvcc) }, 'no ptxas beside it or on PATH']
  ]
  it.each(missing)('is missing where %s', async (_, prepare, message) => {
    prepare()
    expect(await find({ PATH: path.join(root, 'cuda/bin') })).toEqual({ kind: 'missing', message: expect.stringContaining(message) })
  })
})
