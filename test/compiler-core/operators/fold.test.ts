import { describe, expect, it } from 'vitest'
import { extentsOf, inputTensor, type Arguments } from '../../../compiler-core/graph/builder.ts'
import { countOf } from '../../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../../compiler-core/ir/ir.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { evaluateOperator } from '../../../compiler-core/operators/evaluate.ts'
import { bf16Bits, bf16Number, f16Bits, f16Number, isFloatName, roundTo } from '../../../compiler-core/operators/floats.ts'
import { cellsIn, foldOperator, stepsOf, type Cells } from '../../../compiler-core/operators/fold.ts'
import { builder } from '../graph/models.ts'

function operator(name: string, args: Arguments): OperatorInstance {
  const applied = builder.apply(name, args)
  if ('problem' in applied) throw new Error(applied.problem)
  return applied.nodes[0]!.operator
}

const tensor = (element: ElementName, ...shape: readonly number[]) => inputTensor('x', element, shape)

function cellsOf(element: ElementName, numbers: readonly number[]): Cells {
  switch (element) {
    case 'f64': return Float64Array.from(numbers)
    case 'f32': case 'tf32': return Float32Array.from(numbers)
    case 'f16': return Uint16Array.from(numbers, f16Bits)
    case 'bf16': return Uint16Array.from(numbers, bf16Bits)
    case 'i64': return BigInt64Array.from(numbers, BigInt)
    case 'u64': return BigUint64Array.from(numbers, BigInt)
    case 'i32': return Int32Array.from(numbers)
    case 'u32': return Uint32Array.from(numbers)
    case 'i16': return Int16Array.from(numbers)
    case 'u16': return Uint16Array.from(numbers)
    case 'i8': return Int8Array.from(numbers)
    case 'u8': case 'bool': return Uint8Array.from(numbers)
  }
}

function numbersOf(element: ElementName, cells: Cells): readonly number[] {
  const number = element === 'f16' ? f16Number : element === 'bf16' ? bf16Number : Number
  return Array.from<number | bigint, number>(cells, x => number(x as number))
}

/** Numbers that the type has, some of them negative where it has such. */
function someNumbers(element: ElementName, count: number, seed: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => {
    const n = ((i + 3) * 7919 + seed * 104729) % 1009
    if (element === 'bool') return n % 2
    if (isFloatName(element)) return roundTo(element, n / 173 - (seed % 2) * 3)
    return element.startsWith('u') ? n % 100 : n % 100 - 50
  })
}

/** Folded, each element lies within the bound that the truth allows any kernel. */
function check(name: string, args: Arguments): void {
  const folded = operator(name, args)
  const inputs = folded.inputs.map((x, i) => someNumbers(x.element, countOf(extentsOf(x)), i))
  const results = foldOperator(folded, inputs.map((numbers, i) => cellsOf(folded.inputs[i]!.element, numbers)))
  const given = inputs.map(numbers => ({ values: Float64Array.from(numbers), errors: undefined }))
  const truths = evaluateOperator(folded, given, new Map())
  for (const [i, { shape, at }] of truths.entries()) {
    const numbers = numbersOf(folded.outputs[i]!.buffer.element, results[i]!)
    expect(numbers).toHaveLength(countOf(shape))
    const wrong = numbers.flatMap((found, element) => {
      const { value, bound } = at(element)
      return Object.is(found, value) || Math.abs(found - value) <= bound ? [] : [`${element}: ${found}, not ${value} within ${bound}`]
    })
    expect(wrong).toEqual([])
  }
}

const window = { strides: [2, 1], dilations: [1, 2], before: [1, 0], after: [1, 1], groups: 2 }

describe('an operator, folded, is within what the truth allows', () => {
  const floats = (['f64', 'f32', 'f16', 'bf16'] as const).flatMap(t => [
    ['gelu', { x: tensor(t, 3, 7) }], ['softmax', { x: tensor(t, 5, 9) }], ['layer_norm', { x: tensor(t, 4, 6), gain: tensor(t, 6), shift: tensor(t, 6) }],
    ['divide', { a: tensor(t, 4, 1, 3), b: tensor(t, 5, 1) }], ['batch_matmul', { a: tensor(t, 2, 3, 9), b: tensor(t, 2, 9, 4) }],
    ['reduce', { x: tensor(t, 3, 4, 5), axes: [0, 2], op: { reducer: 'avg' }, keep: true }], ['clip', { x: tensor(t, 30), low: -1, high: 2 }]
  ] as const)
  const wholes = (['i64', 'u64', 'i32', 'u32', 'i16', 'u16', 'i8', 'u8'] as const).flatMap(t => [
    ['add', { a: tensor(t, 4, 3), b: tensor(t, 3) }], ['multiply', { a: tensor(t, 30), b: 3 }], ['divide', { a: tensor(t, 30), b: 7 }],
    ['maximum', { a: tensor(t, 30), b: tensor(t, 30) }], ['reduce', { x: tensor(t, 3, 7), axes: [1], op: { reducer: 'sum' } }],
    ['reduce', { x: tensor(t, 3, 7), axes: [0], op: { reducer: 'min' } }], ['cast', { x: tensor(t, 30), U: { dtype: 'f32' } }],
    ['less', { a: tensor(t, 30), b: tensor(t, 30) }]
  ] as const)
  const moved: readonly (readonly [string, Arguments])[] = [
    ['transpose', { x: tensor('f32', 3, 4, 5), perm: [2, 0, 1] }], ['slice', { x: tensor('i32', 9, 9), begin: [8, 1], size: [4, 3], step: [-2, 3] }],
    ['pad', { x: tensor('f32', 3, 4), before: [1, 0], after: [0, 2], value: 1.5 }], ['concat', { a: tensor('u8', 2, 3), b: tensor('u8', 2, 5), axis: 1 }],
    ['gather', { x: tensor('f32', 60, 3), index: tensor('i64', 2, 4), axis: 0 }], ['expand', { x: tensor('bool', 3, 1), to: [2, 3, 4] }],
    ['conv', { x: tensor('f32', 2, 4, 7, 6), w: tensor('f32', 6, 2, 3, 2), ...window }],
    ['arg_max', { x: tensor('f32', 4, 9), axis: 1 }], ['arg_min', { x: tensor('i8', 9, 4), axis: 0, keep: true }],
    ['select', { choose: tensor('bool', 4, 1), a: tensor('f32', 4, 5), b: tensor('f32', 5) }], ['split', { x: tensor('f32', 5), at: 2 }],
    ['reduce', { x: tensor('bool', 4, 5), axes: [1], op: { reducer: 'any' } }], ['reduce', { x: tensor('bool', 4, 5), axes: [0], op: { reducer: 'all' } }],
    ['reduce', { x: tensor('f32', 4, 5), axes: [0], op: { reducer: 'prod' } }], ['logical_not', { x: tensor('bool', 9) }],
    ['cast', { x: tensor('f32', 30), U: { dtype: 'i8' } }], ['cast', { x: tensor('f32', 30), U: { dtype: 'bool' } }], ['cast', { x: tensor('bool', 9), U: { dtype: 'f16' } }],
    ['cast', { x: tensor('f32', 30), U: { dtype: 'bf16' } }], ['power', { a: tensor('f32', 30), b: 3 }]
  ]
  it.each([...floats, ...wholes, ...moved])('%s %#', (name, args) => check(name, args))
})

describe('numbers', () => {
  const folded = (name: string, args: Arguments, ...inputs: Cells[]) => foldOperator(operator(name, args), inputs)[0]!
  it('of 64 bits are exact', () => {
    const large = BigInt64Array.from([2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n])
    expect(folded('add', { a: tensor('i64', 3), b: 1 }, large)).toEqual(BigInt64Array.from([-(2n ** 63n), -(2n ** 63n) + 1n, 2n ** 53n + 2n]))
    expect(folded('multiply', { a: tensor('i64', 3), b: tensor('i64', 1) }, large, BigInt64Array.from([3n])))
      .toEqual(BigInt64Array.from([large[0]! * 3n, large[1]! * 3n, large[2]! * 3n].map(x => BigInt.asIntN(64, x))))
    expect(folded('transpose', { x: tensor('i64', 1, 3), perm: [1, 0] }, large)).toEqual(large)
  })
  it('wrap as the type does', () => {
    expect(folded('add', { a: tensor('u8', 2), b: 200 }, Uint8Array.from([100, 3]))).toEqual(Uint8Array.from([44, 203]))
    expect(folded('negate', { x: tensor('i8', 2) }, Int8Array.from([-128, 5]))).toEqual(Int8Array.from([-128, -5]))
    expect(folded('multiply', { a: tensor('u32', 1), b: tensor('u32', 1) }, Uint32Array.from([2 ** 31 + 1]), Uint32Array.from([5])))
      .toEqual(Uint32Array.from([2 ** 31 + 5]))
  })
  it('of f32 are rounded after each operation', () => {
    const [a, b, c] = [16777216, 1, -16777216].map(Math.fround)
    const sum = folded('reduce', { x: tensor('f32', 1, 3), axes: [1], op: { reducer: 'sum' } }, Float32Array.from([a!, b!, c!]))
    expect(sum).toEqual(Float32Array.from([0]))
  })
  it('that are none give way to others', () => {
    expect(folded('relu', { x: tensor('f32', 2) }, Float32Array.from([Number.NaN, -1]))).toEqual(Float32Array.from([0, 0]))
    expect(folded('reduce', { x: tensor('f32', 1, 2), axes: [1], op: { reducer: 'max' } }, Float32Array.from([Number.NaN, -1])))
      .toEqual(Float32Array.from([-1]))
  })
})

it('that keeps the order of the elements gives what it was given', () => {
  const cells = new Float32Array(24)
  expect(foldOperator(operator('reshape', { x: tensor('f32', 4, 6), to: [2, 3, 4] }), [cells])[0]).toBe(cells)
  expect(foldOperator(operator('transpose', { x: tensor('f32', 1, 24), perm: [1, 0] }), [cells])[0]).toBe(cells)
  expect(foldOperator(operator('transpose', { x: tensor('f32', 4, 6), perm: [1, 0] }), [cells])[0]).not.toBe(cells)
})

it('takes elements from bytes at any place, also of a Node buffer', () => {
  const bytes = Buffer.from([9, 0, 0, 128, 63, 0, 0, 0, 64])
  expect(cellsIn('f32', bytes.subarray(1))).toEqual(Float32Array.from([1, 2]))
  const aligned = new Uint8Array(Float32Array.from([1, 2]).buffer)
  expect(cellsIn('f32', aligned).buffer).toBe(aligned.buffer)
})

it('tells how much work it is', () => {
  expect(stepsOf(operator('relu', { x: tensor('f32', 100) }))).toBe(100)
  expect(stepsOf(operator('batch_matmul', { a: tensor('f32', 1, 10, 20), b: tensor('f32', 1, 20, 30) }))).toBe(10 * 30 * 21)
})

it('is fast: ten million elements transposed, and multiplied', () => {
  const rows = 2560, columns = 4096, x = new Float32Array(rows * columns).fill(1)
  const steps = [
    ['transpose', operator('transpose', { x: tensor('f32', rows, columns), perm: [1, 0] }), [x]],
    ['multiply', operator('multiply', { a: tensor('f32', rows, columns), b: tensor('f32', rows, 1) }), [x, new Float32Array(rows)]]
  ] as const
  for (const [, folded, inputs] of steps) {
    const start = performance.now()
    foldOperator(folded, inputs)
    // 0.1 s on an idle machine
    expect(performance.now() - start).toBeLessThan(3000)
  }
})
