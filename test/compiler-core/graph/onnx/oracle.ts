// Single operators as ONNX Runtime computes them: tests as data.
//
//   cases('convolutions', [
//     ['Conv', [some('f32', [1, 4, 9]), constant(some('f32', [6, 2, 3]))], { attributes: { group: 2 } }]
//   ])
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countOf, dataOf, numberAt, numbersOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { openOnnxRuntime, type OnnxRuntime } from '../../../harness/onnx-runtime.ts'
import { onnxModel, type OnnxAttribute, type OnnxType } from '../../../harness/onnx.ts'
import { computed, imported, numbers } from './support.ts'

/** A constant of the model; everything else is an input. Undefined: absent. */
export interface Constant { readonly constant: TensorData }
export type Input = TensorData | Constant | undefined
export interface More {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  readonly opset?: number
  /** Results. */
  readonly results?: number
  /** Sums of several numbers, whose order is free: an error of so much of the largest element is allowed. */
  readonly error?: number
}
export type Case = readonly [type: string, inputs: readonly Input[], more?: More]

export const constant = (data: TensorData): Constant => ({ constant: data })
export const wholes = (...list: readonly (number | bigint)[]): Constant => constant(numbers(list, 'i64'))
export const scalar = (value: number, element: ElementName = 'f32'): TensorData => numbers([value], element, [])

/** Small numbers of both signs. */
export function signed(shape: readonly number[], element: ElementName = 'f32'): TensorData {
  return dataOf(element, shape, Array.from({ length: countOf(shape) }, (_, i) => ((i * 37 + 11) % 23 - 11) / 8))
}

let runtime: OnnxRuntime
beforeAll(() => { runtime = openOnnxRuntime() })
afterAll(() => { runtime.close() })

async function check([type, inputs, more = {}]: Case): Promise<void> {
  const { attributes = {}, opset = 17, results = 1, error = 0 } = more
  const names = inputs.map((input, i) => input ? `i${i}` : '')
  const named = inputs.flatMap((input, i) => input ? [[`i${i}`, input] as const] : [])
  const given = Object.fromEntries(named.flatMap(([name, x]) => 'constant' in x ? [] : [[name, x] as const]))
  const constants = Object.fromEntries(
    named.flatMap(([name, x]) => 'constant' in x ? [[name, x.constant] as const] : []))
  const typeOf = ({ element, shape }: TensorData): OnnxType => [element, ...shape]
  const outputs = Array.from({ length: results }, (_, i) => `o${i}`)
  const written = (types: readonly OnnxType[]) => onnxModel({
    inputs: Object.fromEntries(Object.entries(given).map(([name, x]) => [name, typeOf(x)])), constants, opset,
    outputs: Object.fromEntries(outputs.map((name, i) => [name, types[i]!])),
    nodes: [[type, names, outputs, attributes]]
  })
  const { model, problems } = imported(written(outputs.map(() => ['f32'])), { values: new Map(Object.entries(given)) })
  expect(problems.map(p => p.message)).toEqual([])
  const found = computed(model!, given)
  const expected = await runtime.run(written(found.map(typeOf)), given)
  for (const [i, name] of outputs.entries()) {
    expect(typeOf(found[i]!)).toEqual(typeOf(expected[name]!))
    expect(firstApart(found[i]!, expected[name]!, error)).toBeUndefined()
  }
}

/** Whole numbers exactly, others within some units of the last place and `error` of the largest. */
function firstApart(found: TensorData, expected: TensorData, error: number): string | undefined {
  const wanted = numbersOf(expected), tolerance = found.element === 'f16' ? 1e-3 : found.element.startsWith('f') ? 2e-6 : 0
  const free = error * Math.max(0, ...wanted.map(Math.abs).filter(Number.isFinite))
  const at = wanted.findIndex((y, i) => {
    const x = numberAt(found, i)
    const isSame = x === y || Number.isNaN(x) && Number.isNaN(y)
    return !isSame && !(Math.abs(x - y) <= tolerance * Math.abs(y) + 0.05 * tolerance + free)
  })
  return at < 0 ? undefined : `[${at}] ${numberAt(found, at)} instead of ${wanted[at]}`
}

export function cases(title: string, list: readonly Case[]): void {
  describe(title, () => {
    for (const each of list) {
      const [type, inputs, { attributes = {}, opset = 17 } = {}] = each
      const shown = inputs.map(x => x ? textOf('constant' in x ? x.constant : x, 'constant' in x) : '-').join(', ')
      const how = Object.entries(attributes).map(([name, value]) => `, ${name}: ${attributeText(value)}`).join('')
      it(`${type}(${shown}${how}), opset ${opset}`, async () => { await check(each) })
    }
  })
}

function textOf({ element, shape }: TensorData, isConstant: boolean): string {
  return `${isConstant ? 'constant ' : ''}${element}[${shape.join()}]`
}

function attributeText(value: OnnxAttribute): string {
  return typeof value !== 'object' ? String(value) : 'float' in value ? String(value.float) : 'tensor' in value ? 'a tensor' : JSON.stringify(value)
}
