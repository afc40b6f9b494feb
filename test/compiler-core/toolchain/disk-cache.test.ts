import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCache } from '../../../compiler-core/toolchain/disk-cache.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-cache-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (content: Uint8Array | undefined): string | undefined => content && new TextDecoder().decode(content)
/** In seconds before now. */
const used = (file: string, age: number): void => {
  const then = new Date(Date.now() - age * 1000)
  utimesSync(file, then, then)
}
const digest = 32

describe('the cache', () => {
  it('gives what was put, and nothing else', () => {
    const cache = openCache(folder)
    expect(cache.put('packages', 'a', bytes('one'))).toBe(path.join(folder, 'packages', 'a'))
    expect([text(cache.read('packages', 'a')), cache.read('packages', 'b'), cache.read('weights', 'a')])
      .toEqual(['one', undefined, undefined])
    cache.put('packages', 'a', bytes('two'))
    expect(text(cache.read('packages', 'a'))).toBe('two')
  })
  it('keeps what a function writes', () => {
    const cache = openCache(folder)
    const file = cache.put('weights', 'a', to => { writeFileSync(to, 'large') })!
    expect([cache.find('weights', 'a'), readFileSync(file).subarray(0, 5).toString(), text(cache.read('weights', 'a'))])
      .toEqual([file, 'large', 'large'])
  })
  it('keeps nothing of what is empty but that it is', () => {
    const cache = openCache(folder)
    cache.put('packages', 'a', bytes(''))
    expect(text(cache.read('packages', 'a'))).toBe('')
  })

  const corrupt = (name: string, change: (file: string) => void) => {
    it(`takes ${name} for absent, and removes it`, () => {
      const cache = openCache(folder)
      for (const ask of ['read', 'find'] as const) {
        const file = cache.put('packages', 'a', bytes('content'))!
        change(file)
        expect(cache[ask]('packages', 'a')).toBeUndefined()
        expect(readdirSync(path.dirname(file))).toEqual([])
      }
    })
  }
  corrupt('a file that was cut', file => { truncateSync(file, 20) })
  corrupt('a file of no bytes', file => { truncateSync(file, 0) })
  corrupt('a file with another byte', file => {
    const content = readFileSync(file)
    content[2]! ^= 1
    writeFileSync(file, content)
  })
  corrupt('a file with another digest', file => {
    const content = readFileSync(file)
    content[content.length - 1]! ^= 1
    writeFileSync(file, content)
  })

  it('leaves nothing of what is interrupted', () => {
    const cache = openCache(folder)
    expect(() => cache.put('weights', 'a', to => {
      writeFileSync(to, 'half')
      throw new Error('stop')
    })).toThrow('stop')
    expect([cache.find('weights', 'a'), cache.status().kinds]).toEqual([undefined, []])
  })
  it('removes what killed processes left, when it is old', () => {
    const old = path.join(folder, '.writing-old'), young = path.join(folder, '.writing-young')
    for (const file of [old, young]) writeFileSync(file, 'half')
    used(old, 7200)
    openCache(folder).put('packages', 'a', bytes('one'))
    expect(readdirSync(folder).sort()).toEqual(['.writing-young', 'packages'])
  })
  it('gives up what was used longest ago, when it is too large', () => {
    const cache = openCache(folder, 3 * (100 + digest))
    const put = (key: string): string => cache.put('packages', key, new Uint8Array(100))!
    const [a, b, c] = ['a', 'b', 'c'].map(put)
    used(a!, 30)
    used(b!, 20)
    used(c!, 10)
    cache.find('packages', 'a')
    put('d')
    expect(readdirSync(path.join(folder, 'packages')).sort()).toEqual(['a', 'c', 'd'])
  })
  it('says how much there is, and removes all of it, folders too', () => {
    const cache = openCache(folder, 1000)
    expect(cache.status()).toEqual({ folder, limit: 1000, kinds: [] })
    cache.put('weights', 'w', bytes('1234'))
    cache.put('packages', 'a', bytes('12'))
    mkdirSync(path.join(folder, 'objects', 'work-1', 'deep'), { recursive: true })
    const kinds = [
      { kind: 'objects', entries: 1, bytes: statSync(path.join(folder, 'objects', 'work-1')).size },
      { kind: 'packages', entries: 1, bytes: 2 + digest }, { kind: 'weights', entries: 1, bytes: 4 + digest }
    ]
    expect(cache.status().kinds).toEqual(kinds)
    expect(cache.clear().kinds).toEqual(kinds)
    expect(cache.status().kinds).toEqual([])
  })
  it('keeps nothing where nothing can be written, which is no error', () => {
    writeFileSync(path.join(folder, 'file'), '')
    const cache = openCache(path.join(folder, 'file'))
    expect([cache.put('packages', 'a', bytes('one')), cache.read('packages', 'a'), cache.status().kinds]).toEqual([undefined, undefined, []])
  })
})
