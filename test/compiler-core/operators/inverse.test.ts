import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binary, constant, select } from '../../../compiler-core/ir/build.ts'
import type { Buffer, Expr } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { substitute } from '../../../compiler-core/ir/visit.ts'
import { indicesOf } from '../../../compiler-core/mapping/shape.ts'
import { checkInverses, inversionOf } from '../../../compiler-core/operators/classify.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { bound, inlinedDefinition } from '../../../compiler-core/operators/inline.ts'
import { evaluate } from '../../harness/ir-interpreter.ts'
import {
  add, addition, align, at, batchMatmul, div, extentVariable, flat, mod, mul, n, numbersOf, operator, relu, reshape,
  sub, tensor, transpose, tuple, unflat, withInverse, type Extent
} from './support.ts'

const x = tensor('x', [4, 6])

/** The inverse map of the first input, as text over j0, j1, ...; or the reason why there is none. */
function inverseText(o: OperatorInstance, input: Buffer = o.inputs[0]!): string {
  const inversion = inversionOf(o, input)
  return inversion.inverse ? inversion.inverse.indices.map(i => printExpr(i)).join(', ') : inversion.reason
}

/** Every element of the input arrives where it is read; every element of the output is reached. */
function checkAll(o: OperatorInstance, input: Buffer = o.inputs[0]!): void {
  const { inverse } = inversionOf(o, input)
  expect(inverse, inverseText(o, input)).toBeDefined()
  const { axes, value, buffer } = inlinedDefinition(o, o.outputs[0]!.buffer)!
  const read = readOf(value, input)
  const shape = numbersOf(buffer), reached = new Set<string>()
  const compute = (e: Expr, values: Map<never, Expr>) => evaluate(substitute(e, values), new Map()) + 0
  for (const j of indicesOf(numbersOf(input))) {
    const i = inverse!.indices.map(e => compute(e, bound(inverse!.axes, j.map(v => constant(v))) as never))
    expect(i.every((v, d) => v >= 0 && v < shape[d]!)).toBe(true)
    expect(read.map(e => compute(e, bound(axes, i.map(v => constant(v))) as never))).toEqual(j)
    reached.add(i.join())
  }
  expect(reached.size).toBe(indicesOf(shape).length)
}

function readOf(value: Expr, input: Buffer): readonly Expr[] {
  let indices: readonly Expr[] = []
  substituteLoads(value)
  return indices

  function substituteLoads(e: Expr): void {
    if (e.kind === 'load' && e.buffer === input) indices = e.indices
    else for (const child of Object.values(e).flat()) {
      if (child && typeof child === 'object' && 'kind' in child && 'type' in child) substituteLoads(child as Expr)
    }
  }
}

describe('inferred', () => {
  const check = (o: OperatorInstance, expected: string, input = o.inputs[0]!) => {
    expect(inverseText(o, input)).toBe(expected)
    checkAll(o, input)
  }
  it('element-wise', () => check(relu(x), 'j0, j1'))
  it('both operands of one size', () => {
    const o = addition(x, tensor('z', [4, 6]))
    check(o, 'j0, j1', o.inputs[0])
    check(o, 'j0, j1', o.inputs[1])
  })
  it('an operand of the same size and smaller rank', () => {
    const o = addition(tensor('v', [3]), tensor('w', [1, 3]))
    check(o, '0, j0', o.inputs[0])
    check(o, '0, j1', o.inputs[1])
  })
  it('an operand padded by ones', () => {
    const o = addition(tensor('c', [1, 1, 5]), tensor('b', [5]))
    check(o, '0, 0, j0', o.inputs[1])
  })
  it('transpose', () => check(transpose(x, [1, 0]), 'j1, j0'))
  it('three axes', () => check(transpose(tensor('x', [2, 3, 4]), [2, 0, 1]), 'j2, j0, j1'))
  it('reshape that splits', () => check(reshape(tensor('x', [1, 196, 8]), [1, 14, 14, 8]), '0, j1 / 14, j1 % 14, j2'))
  it('reshape that merges', () => check(reshape(tensor('x', [3, 4, 5]), [12, 5]), 'j0 * 4 + j1, j2'))
  it('reshape without common factors', () => checkAll(reshape(x, [3, 8])))
  it('squeeze', () => check(reshape(tensor('x', [3, 1, 5]), [3, 5]), 'j0, j2'))
  it('unsqueeze', () => check(reshape(tensor('x', [3, 5]), [3, 1, 5]), 'j0, 0, j1'))
  it('flatten', () => check(reshape(tensor('x', [3, 5]), [15]), 'j0 * 5 + j1'))
  it('reversal', () => check(operator('flip', [x], [4, 6], (i, j) => at(x, sub(n(3), i), j)), '3 - j0, j1'))
  it('reversal along an extent of 1', () => {
    const x = tensor('x', [1, 3])
    check(operator('flip', [x], [1, 3], (i, j) => at(x, sub(n(0), i), sub(n(2), j))), '0, 2 - j1')
  })
  it('pixel shuffle', () => {
    const image = tensor('image', [8, 3, 3])
    checkAll(operator('shuffle', [image], [2, 6, 6], (c, i, j) =>
      at(image, add(mul(c, n(4)), mul(mod(i, n(2)), n(2)), mod(j, n(2))), div(i, n(2)), div(j, n(2)))))
  })
  it('windows that do not overlap', () => {
    const image = tensor('image', [6, 6])
    checkAll(operator('patches', [image], [9, 4], (p, q) =>
      at(image, add(mul(div(p, n(3)), n(2)), div(q, n(2))), add(mul(mod(p, n(3)), n(2)), mod(q, n(2))))))
  })
  it('symbolic extents', () => {
    const m = extentVariable('m'), k = extentVariable('k')
    const symbolic = (shape: readonly Extent[]) => tensor('x', shape)
    expect(inverseText(relu(symbolic([m, k])))).toBe('j0, j1')
    expect(inverseText(transpose(symbolic([m, k]), [1, 0]))).toBe('j1, j0')
    const s = symbolic([m, k])
    expect(inverseText(operator('flatten', [s], [mul(...s.shape)], i => at(s, div(i, s.shape[1]!), mod(i, s.shape[1]!)))))
      .toBe('j0 * k + j1')
    const wide = symbolic([mul(...s.shape)])
    expect(inverseText(operator('unflatten', [wide], [m, k], (i, j) => at(wide, flat([i, j], [m, k])))))
      .toBe('j0 / k, j0 % k')
    const blocks = symbolic([m, 196])
    expect(inverseText(operator('blocks', [blocks], [m, 14, 14], (i, p, q) => at(blocks, i, add(mul(p, n(14)), q)))))
      .toBe('j0, j1 / 14, j1 % 14')
  })
})

describe('none, with its reason', () => {
  const check = (o: OperatorInstance, reason: string, input = o.inputs[0]!) =>
    expect(inverseText(o, input)).toBe(reason)
  it('broadcast', () => {
    const o = addition(x, tensor('bias', [6]))
    check(o, 'one element of `bias` is used for all `i0` of `y`', o.inputs[1])
  })
  it('broadcast along an extent of 1', () => {
    const o = addition(x, tensor('bias', [4, 1]))
    check(o, 'one element of `bias` is used for all `i1` of `y`', o.inputs[1])
  })
  it('a reduction', () => check(batchMatmul(tensor('a', [1, 2, 3]), tensor('b', [1, 3, 2])), '`batch_matmul` is a reduction'))
  it('several outputs', () => {
    const o = relu(x)
    check({ ...o, outputs: [...o.outputs, ...o.outputs] }, '`relu` has 2 outputs')
  })
  it('a slice', () => check(operator('slice', [x], [2, 6], (i, j) => at(x, add(i, n(1)), j)), '`x` and `y` differ in their number of elements'))
  it('a part is not enough, whatever its size', () =>
    check(operator('twice', [x], [4, 6], (i, j) => at(x, div(i, n(2)), j)), 'where the elements of `x` arrive in `y` is not found; `inverse` declares it'))
  it('two places', () =>
    check(operator('blur', [x], [4, 6], (i, j) => add(at(x, i, j), at(x, i, sub(n(5), j)))), '`y` reads `x` at several indices'))
  it('an index that is no sum of digits', () =>
    check(operator('square', [x], [4, 6], (i, j) => at(x, binary('min', mul(i, i), n(3)), j)), 'where the elements of `x` arrive in `y` is not found; `inverse` declares it'))
  it('a sum of indices', () => {
    const v = tensor('v', [16])
    check(operator('diagonal', [v], [4, 4], (i, j) => at(v, add(i, j))), 'where the elements of `v` arrive in `y` is not found; `inverse` declares it')
  })
  it('digits that overlap or are cut off', () => {
    const unknown = 'where the elements of `z` arrive in `y` is not found; `inverse` declares it'
    const z = tensor('z', [2, 4])
    check(operator('cut', [z], [8], i => at(z, div(mod(i, n(6)), n(4)), mod(i, n(4)))), unknown)
    check(operator('cut', [z], [8], i => at(z, div(i, n(4)), mod(mod(i, n(6)), n(4)))), unknown)
    check(operator('twice', [z], [8], i => at(z, mod(i, n(2)), mod(i, n(4)))), unknown)
    check(operator('shifted', [z], [2, 4], (i, j) => at(z, i, add(j, n(1)))), unknown)
    check(operator('above', [z], [2, 4], (i, j) => at(z, add(div(sub(n(5), i), n(4)), i), j)), unknown)
    check(operator('stretched', [z], [2, 4], (i, j) => at(z, i, add(div(mul(j, n(4)), n(6)), j))), unknown)
  })
  it('an input that is not read', () => {
    const o = relu(x), z = tensor('z', [4, 6])
    check({ ...o, inputs: [x, z] }, '`y` does not depend on `z`', z)
  })
  it('concatenation', () => {
    const z = tensor('z', [4, 6])
    const o = operator('concat', [x, z], [8, 6], (i, j) =>
      select({ kind: 'binary', operator: '<', left: i, right: n(4), type: 'bool', origins: [] }, at(x, i, j), at(z, sub(i, n(4)), j)))
    check(o, '`x` and `y` differ in their number of elements', x)
  })
})

describe('declared', () => {
  const square = tensor('x', [16])
  /** A bit trick that no rule knows. */
  const odd = operator('odd', [square], [16], i => at(square, mod(add(mul(i, n(5)), n(3)), n(16))))
  const right = withInverse(odd, square, j => mod(mul(add(j, n(13)), n(13)), n(16)))
  it('is used once it is checked', () => {
    expect(inverseText(odd)).toBe('where the elements of `x` arrive in `y` is not found; `inverse` declares it')
    expect(checkInverses(right)).toEqual([])
    checkAll(right)
  })
  const messages = (o: OperatorInstance) => checkInverses(o).map(f => `${f.severity}: ${f.message}`)
  it('is an error where it is wrong', () => {
    expect(messages(withInverse(transpose(x, [1, 0]), x, (i, j) => tuple(i, j))))
      .toEqual(['error: `x[0, 1]` would arrive in `y[0, 1]`, which reads `x[1, 0]`.'])
    expect(messages(withInverse(transpose(x, [1, 0]), x, (i, j) => tuple(add(j, div(j, n(5))), i))))
      .toEqual(['error: `x[0, 5]` would arrive in `y[6, 0]`, which is outside of its shape (6, 4).'])
    expect(messages(withInverse(operator('slice', [x], [2, 6], (i, j) => at(x, i, j)), x, (i, j) => tuple(i, j))))
      .toEqual(['error: `x` has 24 elements, `y` 12: there is no inverse map.'])
    expect(messages(withInverse(batchMatmul(tensor('a', [1, 2, 3]), tensor('b', [1, 3, 2])), x, i => i)))
      .toEqual(['error: `batch_matmul` is a reduction, so it has no inverse map.'])
  })
  it('is not used where nobody can tell', () => {
    const size = 2 ** 20, big = tensor('x', [size])
    const mixed = (i: Expr) => binary('^', i, div(i, n(1024)))
    expect(messages(withInverse(operator('mixed', [big], [size], i => at(big, mixed(i))), big, j => mixed(j))))
      .toEqual(['information: That this inverse map holds could not be proved for all indices; it is not used.'])
  })
})

describe('properties', () => {
  const shapes = fc.array(fc.constantFrom(1, 2, 3, 4, 6), { minLength: 1, maxLength: 4 })
  const permutation = (rank: number) =>
    fc.shuffledSubarray(Array.from({ length: rank }, (_, d) => d), { minLength: rank })

  it('every permutation is inverted', () => {
    fc.assert(fc.property(shapes.chain(s => fc.tuple(fc.constant(s), permutation(s.length))), ([s, perm]) =>
      checkAll(transpose(tensor('x', s), perm))))
  })
  it('every reshape is inverted', () => {
    fc.assert(fc.property(shapes, fc.nat(), (s, seed) => checkAll(reshape(tensor('x', s), refactored(s, seed)))))
  })
  it('a reshape, a permutation and a reshape in one operator', () => {
    fc.assert(fc.property(
      shapes.chain(s => fc.tuple(fc.constant(s), fc.nat(), fc.nat())).chain(([s, seed, other]) => {
        const middle = refactored(s, seed)
        return fc.tuple(fc.constant(s), fc.constant(middle), permutation(middle.length), fc.constant(other))
      }),
      ([s, middle, perm, seed]) => {
        const from = tensor('x', s), permuted = perm.map(d => middle[d]!), to = refactored(permuted, seed)
        checkAll(operator('view', [from], to, (...i) => {
          const inner = unflat(flat(i, to), permuted)
          return at(from, ...unflat(flat(perm.map((_, d) => inner[perm.indexOf(d)]!), middle), s))
        }))
      }
    ), { numRuns: 200 })
  })
  it('nothing is inverted that has no inverse', () => {
    const shape = fc.constantFrom([8], [2, 4], [4, 2], [2, 2, 2], [12], [3, 4], [2, 6], [6, 2], [2, 2, 3])
    const number = fc.constantFrom(1, 2, 3, 4, 6)
    const expression = fc.letrec<{ e: (i: readonly Expr[]) => Expr }>(tie => ({
      e: fc.oneof({ maxDepth: 3 },
        fc.nat(2).map(d => (i: readonly Expr[]) => i[d % i.length]!),
        fc.tuple(tie('e'), number).map(([e, by]) => (i: readonly Expr[]) => div(e(i), n(by))),
        fc.tuple(tie('e'), number).map(([e, by]) => (i: readonly Expr[]) => mod(e(i), n(by))),
        fc.tuple(tie('e'), tie('e'), number).map(([e, other, by]) =>
          (i: readonly Expr[]) => add(mul(e(i), n(by)), other(i))),
        fc.tuple(tie('e'), number).map(([e, from]) => (i: readonly Expr[]) => sub(n(from), e(i)))
      )
    })).e
    let found = 0
    fc.assert(fc.property(shape, shape, fc.array(expression, { minLength: 3, maxLength: 3 }), (from, to, index) => {
      const z = tensor('z', from)
      const o = operator('any', [z], to, (...i) => at(z, ...from.map((_, d) => index[d]!(i))))
      if (!inversionOf(o, z).inverse) return
      found++
      checkAll(o)
    }), { numRuns: 3000 })
    expect(found).toBeGreaterThan(3)
  })
  it('broadcast operands have no inverse, others do', () => {
    fc.assert(fc.property(shapes, fc.nat(), (s, mask) => {
      const t = s.map((e, d) => ((mask >> d) & 1 ? 1 : e))
      const a = tensor('a', s), b = tensor('b', t)
      const o = operator('add', [a, b], s, (...i) => add(at(a, ...i), at(b, ...align(i, t))))
      const same = t.every((e, d) => e === s[d])
      expect(inversionOf(o, o.inputs[1]!).inverse !== undefined).toBe(same)
    }))
  })
})

/** Another shape with as many elements. */
function refactored(shape: readonly number[], seed: number): number[] {
  const factors = shape.flatMap(e => (e === 4 ? [2, 2] : e === 6 ? [2, 3] : e === 1 ? [] : [e]))
  const result = [1]
  let random = seed
  for (const factor of factors.toSorted((p, q) => ((p * 7 + seed) % 5) - ((q * 7 + seed) % 5))) {
    random = (random * 1103515245 + 12345) % 2 ** 31
    if (random % 3 === 0) result.push(factor)
    else result[result.length - 1]! *= factor
  }
  return result
}
