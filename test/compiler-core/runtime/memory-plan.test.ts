import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { alignment, planMemory, type Block } from '../../../compiler-core/runtime/memory-plan.ts'

const block = (bytes: number, first: number, last: number): Block => ({ bytes, first, last })

describe('the memory plan', () => {
  const check = (name: string, blocks: readonly Block[], offsets: readonly number[], bytes: number) => {
    it(name, () => {
      const plan = planMemory(blocks)
      expect([plan.offsets, plan.bytes]).toEqual([offsets, bytes])
    })
  }
  check('of nothing takes nothing', [], [], 0)
  check('gives blocks that live together bytes of their own', [block(256, 0, 1), block(256, 1, 2)], [0, 256], 512)
  check('gives a block the bytes of one that is not needed any more', [block(256, 0, 1), block(256, 2, 3)], [0, 0], 256)
  check('counts the last step as needed', [block(256, 0, 1), block(256, 1, 1)], [0, 256], 512)
  check('aligns every block', [block(1, 0, 1), block(300, 0, 1), block(1, 0, 1)], [512, 0, 768], 1024)
  check('places a block of no bytes', [block(0, 0, 3), block(256, 0, 3)], [0, 0], 256)
  check('takes the smallest gap that is large enough', [
    block(4096, 0, 1), block(3072, 0, 9), block(2048, 0, 1), block(1536, 0, 9), block(512, 3, 4)
  ], [0, 4096, 7168, 9216, 7168], 10752)
  check('places another one first where that takes less', [
    block(512, 0, 1), block(768, 1, 3), block(768, 1, 1), block(1024, 2, 2)
  ], [768, 1280, 0, 0], 2048)
  it('has a sum without reuse of aligned sizes', () => {
    expect(planMemory([block(1, 0, 0), block(257, 1, 1)]).bytesWithoutReuse).toBe(256 + 512)
  })

  it('takes a moment for very many blocks, and uses memory again then, too', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => block(256 * (1 + i % 3), i, i + 1 + i % 2))
    const { bytes } = planMemory(many)
    expect(bytes).toBeLessThanOrEqual(256 * 12)
    // none overlaps one of the three before it that still lives
    const { offsets } = planMemory(many)
    const overlaps = many.filter((b, i) => [1, 2, 3].some(d => {
      const other = many[i - d], from = offsets[i]!, to = offsets[i - d]!
      return other !== undefined && other.last >= b.first && from < to + other.bytes && to < from + b.bytes
    }))
    expect(overlaps).toEqual([])
  })

  const blocks = fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.nat(30), fc.nat(10))
    .map(([bytes, first, length]) => block(bytes, first, first + length)), { maxLength: 60 })

  it('never lets two blocks overlap that live at the same time', () => {
    fc.assert(fc.property(blocks, all => {
      const { offsets, bytes } = planMemory(all)
      all.forEach((a, i) => {
        expect(offsets[i]! % alignment).toBe(0)
        expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes)
        all.slice(0, i).forEach((b, j) => {
          const together = a.first <= b.last && b.first <= a.last
          const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!
          expect(!together || apart).toBe(true)
        })
      })
    }))
  })

  it('is no larger than without reuse, and no smaller than what lives at one time', () => {
    fc.assert(fc.property(blocks, all => {
      const { bytes, bytesWithoutReuse } = planMemory(all)
      const needed = Math.max(0, ...Array.from({ length: 41 }, (_, step) =>
        all.filter(b => b.first <= step && step <= b.last).reduce((n, b) => n + b.bytes, 0)))
      expect(bytes).toBeLessThanOrEqual(bytesWithoutReuse)
      expect(bytes).toBeGreaterThanOrEqual(needed)
    }))
  })
})
