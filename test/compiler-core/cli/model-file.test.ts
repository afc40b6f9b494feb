import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openModelFile } from '../../../compiler-core/cli/model-file.ts'
import type { ModelSource } from '../../../compiler-core/runtime/stored-model.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-model-'))
  mkdirSync(path.join(folder, 'bert', 'data'), { recursive: true })
  writeFileSync(path.join(folder, 'secret.bin'), 'secret')
  writeFileSync(path.join(folder, 'bert', 'model.onnx'), 'onnx')
  writeFileSync(path.join(folder, 'bert', 'small.onnx'), 'onnx')
  writeFileSync(path.join(folder, 'bert', 'w.bin'), '0123456789')
  writeFileSync(path.join(folder, 'bert', 'data', 'v.bin'), 'abcdef')
  symlinkSync('w.bin', path.join(folder, 'bert', 'inside'))
  symlinkSync('../secret.bin', path.join(folder, 'bert', 'outside'))
  symlinkSync('..', path.join(folder, 'bert', 'up'))
  symlinkSync('loop', path.join(folder, 'bert', 'loop'))
})
afterAll(() => { rmSync(folder, { recursive: true }) })

function open(name = 'model.onnx'): ModelSource {
  const source = openModelFile(path.join(folder, 'bert', name))
  if ('problem' in source) throw new Error(source.problem)
  return source
}

describe('a model\'s file', () => {
  it('has a name, which is the folder\'s where the file\'s says nothing', () => {
    expect([open().name, open('small.onnx').name]).toEqual(['bert', 'small'])
  })
  it('is read whole', () => { expect(Buffer.from(open().bytes).toString()).toBe('onnx') })
  it('cannot be a folder, nor be absent', () => {
    expect(openModelFile(folder)).toMatchObject({ problem: expect.stringMatching(/is no file\.$/) as string })
    expect(openModelFile(path.join(folder, 'none.onnx'))).toMatchObject({ problem: expect.stringMatching(/none\.onnx cannot be read: ENOENT/) as string })
  })
})

describe('data beside a model', () => {
  const check = (location: string, offset: number, length: number, expected: string | RegExp) => {
    it(`${JSON.stringify(location)}, ${length} bytes from ${offset}: ${expected}`, () => {
      const data = open().external(location, offset, length)
      if (typeof expected === 'string') expect(typeof data === 'string' ? data : Buffer.from(data()).toString()).toBe(expected)
      else expect(data).toMatch(expected)
    })
  }
  check('w.bin', 0, 10, '0123456789')
  check('w.bin', 3, 4, '3456')
  check('./w.bin', 3, 4, '3456')
  check('data/v.bin', 1, 2, 'bc')
  check('inside', 0, 2, '01')
  check('w.bin', 8, 3, /^the file has 10 bytes, not 11$/)
  check('w.bin', 2 ** 60, 1, /^the file has 10 bytes/)
  check('none.bin', 0, 1, /ENOENT/)
  check('data', 0, 1, 'it is no file')
  check('loop', 0, 1, /ELOOP/)
  const leadsOut = /leads out of the model's folder/
  check('../secret.bin', 0, 1, leadsOut)
  check('data/../../secret.bin', 0, 1, leadsOut)
  check('data\\..\\..\\secret.bin', 0, 1, leadsOut)
  check('/etc/passwd', 0, 1, leadsOut)
  check('C:\\secret.bin', 0, 1, leadsOut)
  check('outside', 0, 1, /symbolic link leads out/)
  check('up/secret.bin', 0, 1, /symbolic link leads out/)
  check('w.bin\0', 0, 1, leadsOut)

  it('is read when it is asked for, into one buffer for each file', () => {
    const source = open(), file = path.join(folder, 'bert', 'late.bin')
    writeFileSync(file, 'before')
    const first = source.external('late.bin', 0, 3), second = source.external('late.bin', 3, 3)
    writeFileSync(file, 'AFTER!')
    if (typeof first === 'string' || typeof second === 'string') throw new Error('both are there')
    expect([Buffer.from(first()).toString(), Buffer.from(second()).toString()]).toEqual(['AFT', 'ER!'])
    expect(first().buffer).toBe(second().buffer)
    expect(first().byteOffset).toBe(0)
  })
  it('is remembered by its location, and has a stamp that changes with it', () => {
    const source = open()
    source.external('w.bin', 0, 1)
    source.external('../secret.bin', 0, 1)
    expect([...source.asked]).toEqual(['w.bin'])
    const before = source.stampOf('w.bin')
    writeFileSync(path.join(folder, 'bert', 'w.bin'), '0123456789+')
    expect(before).not.toBe(source.stampOf('w.bin'))
    expect(source.stampOf('none.bin')).toBeUndefined()
    // as archives unpack them: of the same size and time
    for (const name of ['a.bin', 'b.bin']) {
      writeFileSync(path.join(folder, 'bert', name), '0123')
      utimesSync(path.join(folder, 'bert', name), 0, 0)
    }
    expect(source.stampOf('a.bin')).not.toBe(source.stampOf('b.bin'))
    writeFileSync(path.join(folder, 'bert', 'w.bin'), '0123456789')
  })
})
