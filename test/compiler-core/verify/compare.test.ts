import { describe, expect, it } from 'vitest'
import type { Truth } from '../../../compiler-core/operators/evaluate.ts'
import { compare, type Comparison } from '../../../compiler-core/verify/compare.ts'
import type { Access } from '../../../compiler-core/verify/engine.ts'

/** Of a result of 2 x 3 elements; undefined: not written. */
type Found = readonly (number | undefined)[]

const writer = (element: number): Access => ({
  kind: 'write', block: [0, 0, 0], thread: [element, 0, 0], buffer: undefined, indices: undefined, cell: element, origins: [],
  span: undefined
})

function compared(values: readonly number[], bounds: readonly number[], found: Found, partial: boolean): Comparison {
  const truth: Truth = { shape: [2, 3], at: i => ({ value: values[i]!, bound: bounds[i]! }) }
  const elements = Float64Array.from(found, x => x ?? NaN)
  return compare(truth, { elements, writerOf: i => found[i] === undefined ? undefined : writer(i) }, { partial })
}

const values = [0, 1, 2, 3, 4, 5], exact = [0, 0, 0, 0, 0, 0], near = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]

describe('compare', () => {
  type Case = readonly [
    text: string, values: readonly number[], bounds: readonly number[], found: Found, expected: Partial<Comparison>
  ]
  const cases: readonly Case[] = [
    ['all equal', values, exact, values, { compared: 6, wrong: 0, worst: 0 }],
    ['within the bound', values, near, [0, 1.25, 2, 3, 3.625, 5], { wrong: 0, worst: 0.75 }],
    ['on the bound', values, near, [0, 1.5, 2, 3, 4, 5], { wrong: 0, worst: 1 }],
    ['beyond it', values, near, [0, 1, 2, 3, 5, 6], { wrong: 2, worst: 2 }],
    ['beyond a bound of 0', values, exact, [0, 1, 2, 3, 4, 5.001], { wrong: 1, worst: Infinity }],
    ['-0 for 0', values, exact, [-0, 1, 2, 3, 4, 5], { wrong: 0, worst: 0 }],
    ['NaN where none is expected', values, near, [0, NaN, 2, 3, 4, 5], { compared: 6, wrong: 1, unwritten: 0 }],
    ['NaN where it is expected', [NaN, 1, 2, 3, 4, 5], near, [NaN, 1, 2, 3, 4, 5], { compared: 6, wrong: 0, worst: 0 }],
    ['a number for NaN', [NaN, 1, 2, 3, 4, 5], near, values, { wrong: 1 }],
    ['infinities', [Infinity, -Infinity, 2, 3, 4, 5], exact, [Infinity, -Infinity, 2, 3, 4, 5], { wrong: 0 }],
    ['the other infinity', [Infinity, 1, 2, 3, 4, 5], exact, [-Infinity, 1, 2, 3, 4, 5], { wrong: 1 }],
    ['a number for infinity', [Infinity, 1, 2, 3, 4, 5], exact, [65504, 1, 2, 3, 4, 5], { wrong: 1 }],
    ['anything where anything may be', values, [Infinity, ...near], [NaN, 1, 2, 3, 4, 5], { wrong: 0, unjudged: 1 }],
    ['not written', values, near, [0, undefined, 2, 3, undefined, 5], { compared: 4, unwritten: 2, wrong: 2, worst: 0 }]
  ]
  for (const [text, all, bounds, found, expected] of cases) {
    it(text, () => { expect(compared(all, bounds, found, false)).toMatchObject(expected) })
  }

  it('tells the first wrong element', () => {
    expect(compared(values, near, [0, 1, 2, 3, 7, 9], false).first)
      .toEqual({ indices: [1, 1], expected: 4, bound: 0.5, found: 7, writer: writer(4) })
  })

  it('tells of one that nobody wrote, unless only some blocks ran', () => {
    const found = [0, undefined, 2, 3, 4, 9]
    expect(compared(values, near, found, false).first).toMatchObject({ indices: [0, 1], found: NaN, writer: undefined })
    expect(compared(values, near, found, true)).toMatchObject({ compared: 5, unwritten: 1, wrong: 1,
      first: { indices: [1, 2] } })
  })
})
