import { describe, expect, it } from 'vitest'
import { inputTensor, type Arguments } from '../../../compiler-core/graph/builder.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { loadsOf, operationsOf, placesOf } from '../../../compiler-core/operators/work.ts'
import { builder } from '../graph/models.ts'

function operator(name: string, args: Arguments): OperatorInstance {
  const applied = builder.apply(name, args)
  if ('problem' in applied) throw new Error(applied.problem)
  return applied.nodes[0]!.operator
}

const x = (...shape: readonly number[]) => inputTensor('x', 'f32', shape)
const window = { strides: [2, 2], dilations: [1, 1], before: [0, 0], after: [0, 0] }

describe('elements that a kernel loads', () => {
  it.each<readonly [string, Arguments, readonly number[]]>([
    ['relu', { x: x(4, 5) }, [20]],
    ['gelu', { x: x(20) }, [20]],
    ['add', { a: x(4, 5), b: x(5) }, [20, 20]],
    ['reduce', { x: x(4, 5), axes: [1], op: { reducer: 'sum' } }, [20]],
    // tiles of 64 x 64
    ['batch_matmul', { a: x(2, 128, 32), b: x(2, 32, 640) }, [2 * 128 * 32 * 10, 2 * 32 * 640 * 2]],
    ['batch_matmul', { a: x(1, 1, 32), b: x(1, 32, 640) }, [32 * 10, 32 * 640]],
    ['batch_matmul', { a: x(1, 5, 32), b: x(1, 32, 7) }, [5 * 32, 32 * 7]],
    // each channel by itself: every place loads its window
    ['depthwise_conv', { x: x(1, 3, 9, 9), filter: x(3, 1, 3, 3), size: [3, 3], ...window }, [3 * 16 * 9, 3 * 16 * 9]],
    // for the maximum, for the sum and for the result
    ['softmax', { x: x(4, 5) }, [3 * 20]]
  ])('of %s', (name, args, expected) => expect(loadsOf(operator(name, args))).toEqual(expected))
})

describe('places at which an element reads', () => {
  const all = (name: string, args: Arguments) => placesOf(operator(name, args)).map(places => places.map(p => (p.isSame ? 'same' : 'other')))
  it.each<readonly [string, Arguments, readonly (readonly string[])[]]>([
    ['gelu', { x: x(20) }, [['same']]],
    ['add', { a: x(4, 5), b: x(5) }, [['same'], ['other']]],
    ['add', { a: x(1, 5), b: x(1, 5) }, [['same'], ['same']]],
    ['reshape', { x: x(4, 5), to: [20] }, [['other']]],
    ['concat', { a: x(4, 5), b: x(4, 5), axis: 0 }, [['same'], ['other']]],
    ['batch_matmul', { a: x(1, 5, 32), b: x(1, 32, 7) }, []]
  ])('%s', (name, args, expected) => expect(all(name, args)).toEqual(expected))
})

describe('operations of an element', () => {
  it.each<readonly [string, Arguments, number]>([
    ['relu', { x: x(20) }, 1], ['negate', { x: x(20) }, 1], ['transpose', { x: x(4, 5), perm: [1, 0] }, 0], ['sigmoid', { x: x(20) }, 18],
    // the second load counts
    ['add', { a: x(20), b: x(20) }, 5],
    ['reduce', { x: x(4, 5), axes: [1], op: { reducer: 'sum' } }, Infinity]
  ])('%s', (name, args, expected) => expect(operationsOf(operator(name, args))).toBe(expected))
})
