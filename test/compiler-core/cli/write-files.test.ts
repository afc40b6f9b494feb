import {
  mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFiles, type FileContent } from '../../../compiler-core/cli/write-files.ts'

let root = ''
beforeEach(() => { root = mkdtempSync(path.join(os.tmpdir(), 'heddle-write-')) })
afterEach(() => { rmSync(root, { recursive: true }) })
const out = (name = '') => path.join(root, 'out', name)
const write = (files: Record<string, FileContent>) => writeFiles(out(), new Map(Object.entries(files)))

describe('writing files', () => {
  it('makes the folder and leaves nothing else in it', () => {
    expect(write({ 'a.cu': 'text', 'a.cubin': new Uint8Array([1, 2]) })).toBeUndefined()
    expect(readdirSync(out()).sort()).toEqual(['a.cu', 'a.cubin'])
    expect([readFileSync(out('a.cu'), 'utf8'), [...readFileSync(out('a.cubin'))]]).toEqual(['text', [1, 2]])
  })
  it('replaces files, and removes those that no longer belong there', () => {
    write({ 'a.cu': 'old', 'a.ptx': 'old', 'b.cu': 'another' })
    expect(write({ 'a.cu': 'new', 'a.ptx': undefined, 'a.cubin': undefined })).toBeUndefined()
    expect(readdirSync(out()).sort()).toEqual(['a.cu', 'b.cu'])
    expect(readFileSync(out('a.cu'), 'utf8')).toBe('new')
  })
  it.each(['../a.cu', '/a.cu', 'b//a.cu', 'b/../a.cu', 'b\\a.cu', '..', '.hidden', 'c:a', ''])('refuses the name %j', name => {
    expect(write({ 'good.cu': '', [name]: 'text' })).toContain('cannot be the name of a file')
    expect(readdirSync(root)).toEqual([])
  })
  it.skipIf(process.platform === 'win32')('replaces a link and not what it leads to', () => {
    mkdirSync(out())
    writeFileSync(path.join(root, 'outside'), 'kept')
    symlinkSync('../outside', out('a.cu'))
    expect(write({ 'a.cu': 'text' })).toBeUndefined()
    expect([readFileSync(path.join(root, 'outside'), 'utf8'), readFileSync(out('a.cu'), 'utf8')]).toEqual(['kept', 'text'])
  })
  it('makes folders inside, but follows no link to another one', () => {
    expect(write({ 'kernels/a.cu': 'text', 'b.cu': '' })).toBeUndefined()
    expect(readFileSync(out('kernels/a.cu'), 'utf8')).toBe('text')
    expect(write({ 'kernels/a.cu': undefined })).toBeUndefined()
    expect(readdirSync(out('kernels'))).toEqual([])
    mkdirSync(path.join(root, 'elsewhere'))
    symlinkSync('../elsewhere', out('linked'))
    expect(write({ 'linked/a.cu': 'text' })).toContain('is a link')
    expect(readdirSync(path.join(root, 'elsewhere'))).toEqual([])
  })
  it('copies the first bytes of a large file', () => {
    writeFileSync(path.join(root, 'large'), 'content, digest')
    expect(write({ 'a.bin': { file: path.join(root, 'large'), bytes: 7 } })).toBeUndefined()
    expect(readFileSync(out('a.bin'), 'utf8')).toBe('content')
  })
  it('says where it cannot write', () => {
    writeFileSync(path.join(root, 'out'), 'a file')
    expect(write({ 'a.cu': 'text' })).toMatch(/out cannot be written: E/)
  })
  it('leaves nothing behind where one file cannot be written', () => {
    write({ 'a.cu': 'old' })
    const long = 'b'.repeat(300)
    expect(write({ 'a.cu': 'new', [long]: 'text' })).toMatch(/cannot be written: E/)
    expect([readFileSync(out('a.cu'), 'utf8'), readdirSync(out())]).toEqual(['old', ['a.cu']])
  })
})
