import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Choice, Fact } from '../../../compiler-core/language/instantiate.ts'
import { candidateAt, exceeded, spaceOf, type Tunable } from '../../../compiler-core/schedule/space.ts'
import { int } from '../../../compiler-core/language/values.ts'
import { architectureNamed } from '../../../compiler-core/target/architectures.ts'

type Rule = (point: readonly number[]) => boolean
/** Of whole numbers; level 0 is the first of each list. */
function tunable(lists: readonly (readonly number[])[], legal: Rule = () => true): Tunable {
  const choice = (n: number): Choice => ({ text: String(n), value: int(n) })
  return {
    tunes: lists.map((list, i) => ({
      name: `t${i}`, default: choice(list[0] ?? 0),
      level: level => list.slice(0, level === 0 ? 1 : undefined).map(choice)
    })),
    at: point => {
      const numbers = point.map(c => Number(c.text))
      return legal(numbers) ? { legal: true, facts: [] }
        : { legal: false, rule: `never ${numbers[0]}`, message: `never ${numbers[0]}: it is ${numbers.join(' ')}` }
    }
  }
}
const texts = (t: Tunable, level: number) => spaceOf(t, level)?.candidates.map(c => c.point.map(p => p.text).join(' '))

describe('the points of a space', () => {
  const cases: [string, (readonly number[])[], number, string[]][] = [
    ['no tune: one point', [], 1, ['']],
    ['one tune, in order', [[3, 1, 2]], 1, ['3', '1', '2']],
    ['the last tune is the fastest', [[1, 2], [3, 4], [5]], 1, ['1 3 5', '1 4 5', '2 3 5', '2 4 5']],
    ['level 0 is the default', [[1, 2], [3, 4]], 0, ['1 3']],
    ['an empty list leaves nothing', [[1, 2], []], 1, []]
  ]
  it.each(cases)('%s', (_, lists, level, expected) => { expect(texts(tunable(lists), level)).toEqual(expected) })

  it('are all tuples of choices, in lexicographic order', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 5 }), sizes => {
      const lists = sizes.map(n => Array.from({ length: n }, (_, i) => i))
      const found = texts(tunable(lists), 1) ?? []
      expect(found).toEqual([...new Set(found)].sort())
      expect(found.length).toBe(sizes.reduce((a, b) => a * b, 1))
    }))
  })
  it('are not enumerated where they are too many', () => {
    const many = tunable(Array.from({ length: 21 }, () => [1, 2]))
    expect([spaceOf(many, 1), candidateAt(many, 1, 0)]).toEqual([undefined, undefined])
    expect(spaceOf(many, 0)?.raw).toBe(1)
  })
})

describe('legal points', () => {
  const odd = tunable([[1, 2, 3], [1, 2]], ([a, b]) => (a! + b!) % 2 === 1)
  it('are numbered, the others counted by rule', () => {
    expect(spaceOf(odd, 1)).toMatchObject({
      raw: 6, candidates: [{ index: 0 }, { index: 1 }, { index: 2 }],
      rejections: [{ rule: 'never 1', count: 1 }, { rule: 'never 2', count: 1 }, { rule: 'never 3', count: 1 }]
    })
    const none = spaceOf(tunable([[1], [1, 2, 3]], () => false), 1)
    expect(none?.rejections).toEqual([{ rule: 'never 1', count: 3 }])
  })
  it('are found by their number', () => {
    const points = [0, 1, 2, 3].map(n => candidateAt(odd, 1, n)?.point.map(c => c.text))
    expect(points).toEqual([['1', '2'], ['2', '1'], ['3', '2'], undefined])
  })
})

describe('what a target does not have', () => {
  const facts = (of: Record<string, number>): Fact[] =>
    Object.entries(of).map(([name, value]) => ({ name, value, documentation: '' }))
  const cases: [Record<string, number>, string, string | undefined][] = [
    [{}, 'sm_80', undefined],
    [{ threads: 1024, shared_bytes: 166912, registers: 64 }, 'sm_80', undefined],
    [{ threads: 1536 }, 'sm_80', '1,536 threads a block are 512 more than sm_80 allows (1,024)'],
    [{ threads: 128, shared_bytes: 102400 }, 'sm_86', '102,400 bytes of shared memory a block are 1,024 more than sm_86 allows (101,376)'],
    [{ threads: 128, shared_bytes: 102400 }, 'sm_90', undefined],
    [{ threads: 128, registers: 256 }, 'sm_80', '256 registers a thread are 1 more than sm_80 allows (255)'],
    [{ threads: 512, registers: 136 }, 'sm_75', '69,632 registers a block are 4,096 more than sm_75 allows (65,536)']
  ]
  it.each(cases)('%o on %s', (of, target, expected) => { expect(exceeded(facts(of), architectureNamed(target)!)).toBe(expected) })
})
