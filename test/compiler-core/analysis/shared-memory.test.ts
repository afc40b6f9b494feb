import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idealWavefronts, sectors, wavefronts, type WarpAccess } from '../../../compiler-core/analysis/shared-memory.ts'

/** The addresses of 32 lanes by their formula, of so many bytes each. */
function access(bytes: number, address: (lane: number) => number | undefined): WarpAccess {
  return { bytes, addresses: Array.from({ length: 32 }, (_, lane) => address(lane)) }
}

type Expected = readonly [wavefronts: number, ideal: number, sectors: number]

function check(what: string, a: WarpAccess, expected: Expected): void {
  it(what, () => { expect([wavefronts(a), idealWavefronts(a), sectors(a)]).toEqual(expected) })
}

describe('wavefronts of shared memory and sectors of global memory', () => {
  check('neighbouring words', access(4, l => 4 * l), [1, 1, 4])
  check('neighbouring words, from the middle of a sector', access(4, l => 16 + 4 * l), [1, 1, 5])
  check('one word for all lanes', access(4, () => 64), [1, 1, 1])
  check('a column of 32 words', access(4, l => 128 * l), [32, 1, 32])
  check('a column of a padded tile', access(4, l => 132 * l), [1, 1, 32])
  check('every second word', access(4, l => 8 * l), [2, 1, 8])
  check('eight lanes of a column: 8 ways', access(4, l => 512 * (l % 8) + 4 * Math.floor(l / 8)), [8, 1, 8])
  check('no lane', access(4, () => undefined), [0, 0, 0])
  check('one lane', access(4, l => l === 5 ? 20 : undefined), [1, 1, 1])
  check('halves: two lanes share a word', access(2, l => 2 * l), [1, 1, 2])
  check('halves, a word apart', access(2, l => 4 * l), [1, 1, 4])
  check('bytes', access(1, l => l), [1, 1, 1])
  check('pairs of words', access(8, l => 8 * l), [2, 2, 8])
  check('pairs of words in two columns', access(8, l => 128 * (l % 2) + 8 * Math.floor(l / 2)), [4, 2, 8])
  check('four words each', access(16, l => 16 * l), [4, 4, 16])
  check('four words each, every second', access(16, l => 32 * l), [8, 4, 32])
  check('four words each, one place a quarter', access(16, l => 512 * Math.floor(l / 8)), [4, 4, 4])
  check('half a warp, four words each', access(16, l => l < 16 ? 16 * l : undefined), [2, 2, 8])
})

const accesses = fc.record({
  bytes: fc.constantFrom(1, 2, 4, 8, 16),
  cells: fc.array(fc.option(fc.nat(512), { nil: undefined }), { minLength: 32, maxLength: 32 })
}).map(({ bytes, cells }): WarpAccess => ({ bytes, addresses: cells.map(c => c === undefined ? c : c * bytes) }))

describe('for any access', () => {
  it('there are at least the ideal wavefronts, and at most one for each lane', () => {
    fc.assert(fc.property(accesses, a => {
      const lanes = a.addresses.filter(x => x !== undefined).length
      expect(wavefronts(a)).toBeGreaterThanOrEqual(idealWavefronts(a))
      expect(wavefronts(a)).toBeLessThanOrEqual(lanes)
    }))
  })
  it('the whole tile may move by 128 bytes', () => {
    fc.assert(fc.property(accesses, a => {
      const moved = { ...a, addresses: a.addresses.map(x => x === undefined ? x : x + 128) }
      expect([wavefronts(moved), sectors(moved)]).toEqual([wavefronts(a), sectors(a)])
    }))
  })
})
