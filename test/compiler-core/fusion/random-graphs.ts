// Random graphs of library operators around a reduction, a product or a pooling.
import fc from 'fast-check'
import { extentsOf } from '../../../compiler-core/graph/builder.ts'
import { countOf } from '../../../compiler-core/graph/tensor-data.ts'
import type { Model } from '../../../compiler-core/graph/model.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { modelOf, type Making } from '../graph/models.ts'

/** `seed`: which of the choices that the shapes allow. */
interface Step { readonly kind: number; readonly seed: number }

const step = fc.record({ kind: fc.nat(40), seed: fc.nat(1000) })
const chain = fc.array(step, { maxLength: 5 })

interface Part { readonly before: readonly Step[]; readonly anchor: Step; readonly after: readonly Step[] }

interface Recipe {
  readonly shape: readonly number[]
  readonly parts: readonly Part[]
  readonly extra: readonly number[]
}

/** Operators in front of an anchor, an anchor, operators behind it, and perhaps all of that again. */
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  shape: fc.constantFrom([4, 6], [2, 3, 5], [1, 4, 3, 4], [2, 2, 4, 4], [12], [1, 5, 7]),
  parts: fc.array(fc.record({ before: chain, anchor: step, after: chain }), { minLength: 1, maxLength: 2 }),
  extra: fc.array(fc.nat(30), { maxLength: 2 })
})

export function modelFrom({ shape, parts, extra }: Recipe): Model {
  return modelOf(m => {
    let x = m.input('x', shape)
    const made: Buffer[] = [x]
    const grown = (tensor: Buffer) => {
      made.push(tensor)
      return tensor
    }
    for (const { before, anchor, after } of parts) {
      for (const s of before) x = grown(injective(m, x, s, made))
      x = grown(anchored(m, x, anchor))
      for (const s of after) x = grown(injective(m, x, s, made))
    }
    // results that are read as well
    return [...new Set([x, ...extra.flatMap(n => made[1 + n] ?? [])])]
  })
}

const unary = ['relu', 'negate', 'sigmoid', 'gelu', 'square', 'absolute', 'hard_swish', 'relu', 'exponential']

function injective(m: Making, x: Buffer, { kind, seed }: Step, made: readonly Buffer[]): Buffer {
  const shape = extentsOf(x), rank = shape.length, pick = <T>(all: readonly T[]): T => all[seed % all.length]!
  const binary = pick(['add', 'multiply', 'subtract', 'maximum', 'add'])
  // tensors that there are already, of the same shape, or that can be repeated
  const peers = made.filter(t => {
    const s = extentsOf(t)
    return s.length <= rank && s.every((n, d) => n === shape[rank - s.length + d] || n === 1)
  })
  switch (kind % 14) {
    case 0: case 1: case 2: return m.apply(pick(unary), { x })
    case 3: return m.apply(binary, { a: x, b: m.input(`b${made.length}`, shape.slice(seed % rank)) })
    case 4: return m.apply(binary, { a: m.input(`b${made.length}`, shape.map((n, d) => (d === seed % rank ? n : 1))), b: x })
    case 5: return m.apply(binary, { a: x, b: pick(peers) })
    case 6: return m.apply(binary, { a: pick([1.5, -0.1, 3]), b: x })
    case 7: return m.apply(binary, { a: x, b: x })
    case 8: return m.apply('transpose', { x, perm: rotated(shape.map((_, d) => d), 1 + seed % rank) })
    case 9: return m.apply('reshape', { x, to: pick(refactored(shape)) })
    case 10: return m.apply('slice', { x, begin: shape.map(n => seed % n), size: shape.map(n => n - seed % n), step: shape.map(() => 1) })
    case 11: return m.apply('pad', { x, before: shape.map((_, d) => (d === seed % rank ? 1 : 0)), after: shape.map(() => 0), value: 0.5 })
    case 12: return m.apply('concat', { a: x, b: m.apply('relu', { x }), axis: seed % rank })
    default: return m.apply('cast', { x: m.apply('cast', { x, U: { dtype: pick(['f16', 'f64', 'i32'] as const) } }), U: { dtype: 'f32' } })
  }
}

function anchored(m: Making, x: Buffer, { kind, seed }: Step): Buffer {
  const shape = extentsOf(x), rank = shape.length, axis = seed % rank
  const reduced = (reducer: 'sum' | 'max' | 'avg' | 'min') =>
    m.apply('reduce', { x, axes: [axis], op: { reducer }, keep: rank === 1 || kind % 2 === 0 })
  switch (kind % 9) {
    case 0: return reduced('sum')
    case 1: return reduced('max')
    case 2: return reduced('avg')
    case 3: return m.apply('softmax', { x })
    case 4: return m.apply('standardise', { x })
    case 5: case 6: {
      // the rows of a matrix, on either side of a product
      const k = shape.at(-1)!, rows = countOf(shape) / k, a = m.apply('reshape', { x, to: [1, rows, k] })
      return seed % 2 === 0
        ? m.apply('batch_matmul', { a, b: m.input('w', [1, k, 5]) })
        : m.apply('batch_matmul', { a: m.input('w', [1, 3, rows]), b: a })
    }
    case 7: {
      const image = m.apply('reshape', { x, to: [1, 1, countOf(shape) / shape.at(-1)!, shape.at(-1)!] }), [, , h = 1, w = 1] = extentsOf(image)
      const size = [Math.min(2, h), Math.min(3, w)], places = [h - size[0]! + 1, w - size[1]! + 1]
      return m.apply('max_pool', { x: image, size, strides: [1, 1], dilations: [1, 1], before: [0, 0], places })
    }
    default: return reduced('min')
  }
}

/** Other shapes with as many elements. */
function refactored(shape: readonly number[]): readonly (readonly number[])[] {
  const count = countOf(shape)
  const pairs = Array.from({ length: count }, (_, i) => i + 1).filter(n => count % n === 0).map(n => [n, count / n])
  return [[count], ...pairs, [1, ...shape], ...pairs.map(([a, b]) => [a!, 1, b!])]
}

function rotated(all: readonly number[], by: number): readonly number[] {
  return [...all.slice(by), ...all.slice(0, by)]
}
