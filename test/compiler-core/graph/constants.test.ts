import { describe, expect, it } from 'vitest'
import { inputTensor } from '../../../compiler-core/graph/builder.ts'
import { elementsOf } from '../../../compiler-core/graph/constants.ts'
import type { Constant } from '../../../compiler-core/graph/flow.ts'
import { dataOf, numbersOf } from '../../../compiler-core/graph/tensor-data.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { builder } from './models.ts'

const constants = new Map<Buffer, Constant>()

function data(shape: readonly number[], numbers: readonly number[]): Buffer {
  const tensor = inputTensor('w', 'f32', shape)
  constants.set(tensor, { kind: 'data', data: dataOf('f32', shape, numbers) })
  return tensor
}

function folded(name: string, args: Parameters<typeof builder.apply>[1]): readonly Buffer[] {
  const applied = builder.apply(name, args)
  if ('problem' in applied) throw new Error(applied.problem)
  for (const node of applied.nodes) for (const tensor of node.outputs) constants.set(tensor, { kind: 'folded', node })
  return applied.results
}

const small = data([2, 2], [1, 2, 3, 4])

describe('the elements of a constant', () => {
  it('are those of its data', () => {
    const constant = constants.get(small)!
    expect(elementsOf(constants, small)).toBe(constant.kind === 'data' && constant.data)
  })
  it('are computed from others, through several steps', () => {
    const [turned] = folded('transpose', { x: small, perm: [1, 0] }), [sum] = folded('add', { a: turned!, b: small })
    expect(elementsOf(constants, sum!).shape).toEqual([2, 2])
    expect(numbersOf(elementsOf(constants, sum!))).toEqual([2, 5, 5, 8])
  })
  it('of one of several results are that result', () => {
    const [head, tail] = folded('split', { x: small, at: 1 })
    expect([head!, tail!].map(t => numbersOf(elementsOf(constants, t)))).toEqual([[1, 2], [3, 4]])
  })
  it('are kept if they are few', () => {
    const [y] = folded('negate', { x: small })
    expect(elementsOf(constants, y!)).toBe(elementsOf(constants, y!))
  })
  it('are computed anew if they are many', () => {
    const many = data([40000], Array.from({ length: 40000 }, (_, i) => i)), [y] = folded('negate', { x: many })
    expect(elementsOf(constants, y!)).not.toBe(elementsOf(constants, y!))
    expect(elementsOf(constants, y!)).toEqual(elementsOf(constants, y!))
  })
  it('of another shape are the same bytes', () => {
    const many = data([200, 200], new Array<number>(40000).fill(1)), [y] = folded('reshape', { x: many, to: [40000] })
    expect(elementsOf(constants, y!).bytes.buffer).toBe(elementsOf(constants, many).bytes.buffer)
  })
  it('may be at the end of a long chain', () => {
    let x = small
    for (let step = 0; step < 20_000; step++) [x] = folded('add', { a: x, b: 1 }) as [Buffer]
    expect(numbersOf(elementsOf(constants, x))).toEqual([20_001, 20_002, 20_003, 20_004])
  })
  it('of a tensor that is no constant do not exist', () =>
    expect(() => elementsOf(constants, inputTensor('x', 'f32', [1]))).toThrow('x is no constant of the graph'))
})
