import { describe, expect, it } from 'vitest'
import { dataOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { difference, type Subject } from '../../../../compiler-core/runtime/conformance/compare.ts'

const list = (element: ElementName, ...numbers: readonly (number | bigint)[]): TensorData =>
  dataOf(element, [numbers.length], numbers)
const check = (expected: TensorData, found: TensorData, difference_: string | undefined, subject: Subject = 'operator'): void => {
  expect(difference({ kind: 'whole', data: expected }, found, subject)).toBe(difference_)
}

describe('a result is compared with what was expected', () => {
  const { NaN: nan } = Number
  it.each<[string, TensorData, TensorData, string | undefined]>([
    ['type', list('f32', 1), list('f64', 1), 'is f64[1] instead of f32[1]'],
    ['shape', list('f32', 1, 2), dataOf('f32', [2, 1], [1, 2]), 'is f32[2, 1] instead of f32[2]'],
    ['no elements', list('f32'), list('f32'), undefined],
    ['no dimensions', dataOf('f32', [], [1]), dataOf('f32', [], [2]), 'is 2 instead of 1 at []'],
    ['what rounding makes', list('f32', 1, -5), list('f32', 1.00009, -5), undefined],
    ['more than that', list('f32', 1, -5), list('f32', 1.0002, -5), 'is 1.0002000331878662 instead of 1 at [0]'],
    ['nothing for something', list('f32', 1000, 0.1), list('f32', 1000, 0), 'is 0 instead of 0.10000000149011612 at [1]'],
    ['cancellation beside a large one', list('f32', 1000, 0), list('f32', 1000, 0.0009), undefined],
    ['signs of zero', list('f32', 0), list('f32', -0), undefined],
    ['NaN', list('f32', nan), list('f32', nan), undefined],
    ['NaN for a number', list('f32', 0), list('f32', nan), 'is NaN instead of 0 at [0]'],
    ['a number for NaN', list('f32', nan), list('f32', 0), 'is 0 instead of NaN at [0]'],
    ['infinities', list('f32', Infinity, -Infinity), list('f32', Infinity, -Infinity), undefined],
    ['the other infinity', list('f32', Infinity), list('f32', -Infinity), 'is -Infinity instead of Infinity at [0]'],
    ['an infinity beside others', list('f32', Infinity, 1), list('f32', Infinity, 1.001), 'is 1.0010000467300415 instead of 1 at [1]'],
    ['half precision', list('f16', 1, 2), list('f16', 1.008, 2), undefined],
    ['half precision, more', list('f16', 1, 2), list('f16', 1.02, 2), 'is 1.01953125 instead of 1 at [0]'],
    ['double precision', list('f64', 1), list('f64', 1.00001), 'is 1.00001 instead of 1 at [0]'],
    ['whole numbers', list('i32', 1, 70000), list('i32', 1, 70001), 'is 70001 instead of 70000 at [1]'],
    ['large whole numbers', list('i64', 2n ** 62n), list('i64', 2n ** 62n + 1n), 'is 4611686018427388000 instead of 4611686018427388000 at [0]'],
    ['truth values', list('bool', 1, 0), list('bool', 1, 1), 'is 1 instead of 0 at [1]'],
    ['a place', dataOf('u8', [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), dataOf('u8', [2, 2, 2], [1, 2, 3, 4, 5, 0, 7, 8]), 'is 0 instead of 6 at [1, 0, 1]'],
    ['the worst place', list('f32', 1, 1, 1), list('f32', 1.01, 1.1, 1), 'is 1.100000023841858 instead of 1 at [1]']
  ])('%s', (_, expected, found, difference_) => { check(expected, found, difference_) })

  it('less strictly where a model has many layers', () => {
    check(list('f32', 1, -5), list('f32', 1.0049, -5), undefined, 'model')
    check(list('f32', 1, -5), list('f32', 1.0051, -5), 'is 1.0051000118255615 instead of 1 at [0]', 'model')
  })
})

describe('a sample of a large result', () => {
  const sample = { dims: [2, 3], step: 2, sum: 21, absmax: 6, values: [1, 3, 5] }
  const check = (found: TensorData, difference_: string | undefined): void => {
    expect(difference({ kind: 'sample', sample }, found, 'model')).toBe(difference_)
  }
  it.each<[string, TensorData, string | undefined]>([
    ['fits', dataOf('f32', [2, 3], [1, 2, 3, 4, 5, 6]), undefined],
    ['another shape', dataOf('f32', [6], [1, 2, 3, 4, 5, 6]), 'is f32[6] instead of f32[2, 3]'],
    ['another type', dataOf('f64', [2, 3], [1, 2, 3, 4, 5, 6]), 'is f64[2, 3] instead of f32[2, 3]'],
    ['another element', dataOf('f32', [2, 3], [1, 2, 3.1, 4, 5, 6]), 'is 3.0999999046325684 instead of 3 at element 2'],
    ['another magnitude', dataOf('f32', [2, 3], [1, 2, 3, 4, 5, 7]), 'has the greatest magnitude 7 instead of 6'],
    ['another sum', dataOf('f32', [2, 3], [1, 1, 3, 4, 5, 6]), 'has the sum 20 instead of 21'],
    ['NaN', dataOf('f32', [2, 3], [1, 2, 3, 4, 5, Number.NaN]), 'has the greatest magnitude NaN instead of 6']
  ])('%s', (_, found, difference_) => { check(found, difference_) })
})
