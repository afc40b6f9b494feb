// The truth against the slow oracle (test/harness/reference.ts), and its bound against computing in the declared types
// (sloppy.ts): what a right kernel may find lies within it, and it is not absurd.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binary, call, cast, constant, load, ref, select } from '../../../compiler-core/ir/build.ts'
import type { ElementName, Expr, Reduce, ReducerName } from '../../../compiler-core/ir/ir.ts'
import { evaluateOperator, outputElements, truthOf, type Truth } from '../../../compiler-core/operators/evaluate.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { inputKinds, inputsFor } from '../../../compiler-core/verify/inputs.ts'
import { referenceOf } from '../../harness/reference.ts'
import { meaningOf, randomNumbers } from '../verify/support.ts'
import { randomExpr } from './random.ts'
import { sloppily } from './sloppy.ts'
import { add, at, axis, batchMatmul, extentVariable, f, mul, n, operator as define, sum, tensor } from './support.ts'

const none = new Map<never, never>()

function operatorOf(instance: string): OperatorInstance {
  const meaning = meaningOf(instance)
  if (meaning.kind === 'graph') throw new Error(`${instance} is a graph`)
  return meaning.operator
}

function truthsOf(operator: OperatorInstance, inputs: readonly Float64Array[]): readonly Truth[] {
  return evaluateOperator(operator, inputs.map(values => ({ values, errors: undefined })), none)
}

/** The first element that lies outside of its bound. */
function firstOutside(truth: Truth, found: readonly number[]): string | undefined {
  const at = found.findIndex((x, i) => {
    const { value, bound } = truth.at(i)
    return !(x === value || bound === Infinity || Math.abs(x - value) <= bound
      || (Number.isNaN(x) && Number.isNaN(value)))
  })
  const { value, bound } = truth.at(Math.max(at, 0))
  return at < 0 ? undefined : `element ${at} is ${found[at]}, expected ${value} within ${bound}`
}

/** The greatest bound as a share of the values. */
function worstBound(truth: Truth): number {
  const all = Array.from({ length: truth.shape.reduce((n, d) => n * d, 1) }, (_, i) => truth.at(i))
  const greatest = all.reduce((most, { value }) => Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most, 0)
  return all.reduce((most, { bound }) => Math.max(most, bound), 0) / (greatest || 1)
}

/**
 * Instances of every operator of the library; then the greatest bound of reals as a share of the greatest value. On
 * whole numbers an operator that computes with nothing but these is exact: `exact`.
 */
const library: ReadonlyArray<readonly [instance: string, bound: number, exact?: 'exact']> = [
  ['negate.flat(s: (3, 40))', 0, 'exact'],
  ['absolute.flat(s: (3, 40))', 0, 'exact'],
  ['exponential.flat(s: 100)', 2e-6],
  ['exponential.flat(s: 100, T: f64)', 1e-14],
  ['exponential.flat(s: 100, T: f16)', 1e-3],
  ['logarithm.flat(s: 100)', 2e-6],
  ['square_root.flat(s: 100)', 3e-7],
  ['inverse_square_root.flat(s: 100)', 2e-6],
  ['reciprocal.flat(s: 100)', 5e-7],
  ['error_function.flat(s: 100)', 2e-6],
  ['hyperbolic_tangent.flat(s: 100)', 2e-6],
  ['sine.flat(s: 100)', 2e-6],
  ['cosine.flat(s: 100)', 2e-6],
  ['floor_of.flat(s: 100)', 0, 'exact'],
  ['ceiling_of.flat(s: 100)', 0, 'exact'],
  ['rounded.flat(s: 100)', 0, 'exact'],
  ['relu.flat(s: (5, 20))', 0, 'exact'],
  ['relu.flat(s: (5, 20), T: i32)', 0, 'exact'],
  ['leaky_relu.flat(s: 100)', 1e-7],
  ['sigmoid.flat(s: 100)', 2e-6],
  ['silu.flat(s: 100)', 2e-6],
  ['silu.flat(s: 100, T: bf16)', 7e-2],
  ['gelu.flat(s: 100)', 2e-6],
  ['gelu.flat(s: 100, T: f16)', 7e-3],
  ['hard_sigmoid.flat(s: 100)', 5e-7],
  ['hard_swish.flat(s: 100)', 5e-7],
  ['elu.flat(s: 100)', 2e-6],
  ['softplus.flat(s: 100)', 2e-6],
  ['clip.flat(s: 100, low: -1, high: 0.75)', 0, 'exact'],
  ['cast.flat(s: 100, U: f16)', 5e-4, 'exact'],
  ['cast.flat(s: 100, U: bf16)', 4e-3, 'exact'],
  ['cast.flat(s: 100, U: i32)', 0, 'exact'],
  ['cast.flat(s: 100, T: i32, U: i8)', 0, 'exact'],
  ['cast.flat(s: 100, T: i32, U: bool)', 0, 'exact'],
  ['logical_not.flat(s: 100)', 0, 'exact'],
  ['add.flat(s: (4, 10, 7), t: 7)', 3e-7, 'exact'],
  ['add.flat(s: 100, t: 100, T: u8)', 0, 'exact'],
  ['add.flat(s: 100, t: 100, T: f16)', 3e-3, 'exact'],
  ['subtract.flat(s: (4, 1, 8), t: (3, 8))', 4e-7, 'exact'],
  ['multiply.flat(s: 100, t: 100)', 3e-7, 'exact'],
  ['multiply.flat(s: 100, t: 100, T: i16)', 0, 'exact'],
  ['multiply.flat(s: 100, t: 100, T: tf32)', 2e-3, 'exact'],
  ['divide.flat(s: 100, t: 100)', 5e-7],
  ['divide.flat(s: 100, t: 100, T: i32)', 0, 'exact'],
  ['power.flat(s: 100, t: 100)', 5e-6],
  ['maximum.flat(s: 100, t: 100)', 0, 'exact'],
  ['minimum.flat(s: 100, t: 100)', 0, 'exact'],
  ['equal.flat(s: 100, t: 100)', 0, 'exact'],
  ['less.flat(s: 100, t: 100)', 0, 'exact'],
  ['greater.flat(s: 100, t: 100)', 0, 'exact'],
  ['logical_and.flat(s: 100, t: 100)', 0, 'exact'],
  ['logical_or.flat(s: 100, t: 100)', 0, 'exact'],
  ['select.flat(r: (3, 1), s: (3, 20), t: 20)', 0, 'exact'],
  ['batch_norm.flat(n: 2, c: 3, s: 5)', 1e-5],
  ['batch_matmul.simt(batch: 2, m: 7, n: 9, k: 11)', 1e-5, 'exact'],
  ['batch_matmul.simt(batch: 1, m: 5, n: 6, k: 40, T: f16)', 6e-4, 'exact'],
  ['batch_matmul.simt(batch: 1, m: 5, n: 6, k: 40, T: f64)', 1e-13, 'exact'],
  ['layer_norm.block_per_row(s: 3, n: 40)', 1e-4],
  ['softmax.warp_per_row(s: (2, 3), n: 33)', 3e-5],
  ['softmax.online(s: 2, n: 40, T: f16)', 0.1],
  ['reduce.warp_per_result(s: (5, 100), axes: 1, op: sum)', 1e-4, 'exact'],
  ['reduce.warp_per_result(s: (5, 33), axes: 1, op: max)', 0, 'exact'],
  ['reduce.thread_per_result(s: (7, 6, 5), axes: 1, op: min, keep: true)', 0, 'exact'],
  ['reduce.warp_per_result(s: (4, 3, 8), axes: (1, 2), op: avg)', 3e-5],
  ['reduce.thread_per_result(s: (8, 5), axes: 0, op: prod)', 1e-5, 'exact'],
  ['reduce.warp_per_result(s: (3, 50), axes: 1, op: sum, T: i8)', 0, 'exact'],
  ['reduce.warp_per_result(s: (3, 50), axes: 1, op: avg, T: i32)', 0, 'exact'],
  ['reduce.warp_per_result(s: (3, 50), axes: 1, op: sum, T: i64)', 0, 'exact'],
  ['arg_max.warp_per_result(s: (5, 70), axis: 1)', 0, 'exact'],
  ['arg_min.thread_per_result(s: (20, 6), axis: 0)', 0, 'exact'],
  ['transpose.flat(s: (4, 6, 5), perm: (2, 0, 1))', 0, 'exact'],
  ['reshape.flat(s: (4, 6), to: (3, 8))', 0, 'exact'],
  ['expand.flat(s: (4, 1), to: (3, 4, 6))', 0, 'exact'],
  ['pad.flat(s: (3, 5), before: (1, 2), after: (0, 1), value: 0.5)', 0, 'exact'],
  ['pad2d.flat(n: 1, c: 2, h: 3, w: 5, p: 1)', 0, 'exact'],
  ['concat.flat(s: (2, 3), t: (4, 3), axis: 0)', 0, 'exact'],
  ['slice.flat(s: (9, 8), begin: (1, 2), size: (3, 4), step: (2, 1))', 0, 'exact'],
  ['gather.flat(s: (9, 8), t: (2, 3))', 0, 'exact'],
  ['gather.flat(s: (9, 8), t: 5, axis: 1)', 0, 'exact']
]

describe('operators of the library', () => {
  for (const [instance, bound, exact] of library) {
    it(instance, () => {
      const operator = operatorOf(instance)
      for (const kind of inputKinds) {
        const inputs = inputsFor({ kind: 'operator', operator }, none, kind, 1)
        const truths = truthsOf(operator, inputs)
        // the reference's error function is a rough one, and its 16-bit floats know no limits
        if (!/gelu|error_function/.test(instance) && !(kind === 'wide' && /f16/.test(instance))) {
          const reference = [...referenceOf(operator,
            new Map(operator.inputs.map((b, i) => [b, [...inputs[i]!]]))).values()]
          truths.forEach((truth, i) => { expect(firstOutside(truth, reference[i]!), `${kind}, reference`).toBeUndefined() })
        }
        for (let seed = 1; seed <= 4; seed++) {
          const found = sloppily(operator, inputs, none, randomNumbers(seed))
          truths.forEach((truth, i) => { expect(firstOutside(truth, found[i]!), `${kind}, seed ${seed}`).toBeUndefined() })
        }
        if (kind === 'wide') continue
        for (const truth of truths) expect(worstBound(truth), `bound of ${kind}`).toBeLessThanOrEqual(exact && kind === 'integers' ? 0 : bound)
      }
    })
  }
})

// ---------------------------------------------------------------- any definition

// ---------------------------------------------------------------- bounds

describe('the bound of a matmul', () => {
  const random = randomNumbers(5), m = 4, k = 200, width = 5
  const operator = batchMatmul(tensor('a', [1, m, k]), tensor('b', [1, k, width]))
  const a = Float64Array.from({ length: m * k }, () => Math.fround(random() * 2 - 1))
  const b = Float64Array.from({ length: k * width }, () => Math.fround((random() < 0.5 ? -1 : 1) * (0.1 + random())))
  const [truth] = truthsOf(operator, [a, b])
  const elements = Array.from({ length: m * width }, (_, at) => at)

  it('is at most 2 * k * 2^-24 * sum |a||b|, and not much less', () => {
    for (const at of elements) {
      const i = Math.floor(at / width), j = at % width
      const magnitude = Array.from({ length: k },
        (_, p) => Math.abs(a[i * k + p]! * b[p * width + j]!)).reduce((x, y) => x + y, 0)
      const limit = 2 * k * 2 ** -24 * magnitude, { bound } = truth!.at(at)
      expect(bound).toBeLessThanOrEqual(limit)
      expect(bound).toBeGreaterThan(limit * 0.99)
    }
  })

  it('lets a change of 1 in any element of an input show in each element that depends on it', () => {
    for (let changed = 0; changed < m * k; changed += 7) {
      const [other] = truthsOf(operator, [a.map((x, i) => i === changed ? x + 1 : x), b])
      for (const at of elements) {
        const before = truth!.at(at), after = other!.at(at)
        const shows = Math.floor(at / width) === Math.floor(changed / k)
        expect(Math.abs(before.value - after.value) > before.bound).toBe(shows)
      }
    }
  })

  const sums: ReadonlyArray<readonly [text: string, element: ElementName, terms: number, x: number, exact: boolean]> = [
    ['whole terms up to 2^24', 'f32', 16, 2 ** 10, true],
    ['whole terms beyond it', 'f32', 17, 2 ** 10, false],
    ['terms with fractions', 'f32', 2, 0.5, false],
    ['whole terms of f64', 'f64', 17, 2 ** 10, true],
    ['f16 terms, added up in f32, of which the sum fits', 'f16', 8, 16, true],
    ['of which it does not: 2049 is no f16', 'f16', 2049, 1, false]
  ]
  for (const [text, element, terms, x, exact] of sums) {
    it(`${exact ? 'is 0' : 'is not 0'}: ${text}`, () => {
      const wide = element === 'f16' ? 'f32' : element
      const row = tensor('x', [terms], element), p = axis('p', terms), own = at(row, ref(p.variable))
      const o = define('dot', [row], [1], () => sum(mul(cast(own, wide), cast(own, wide)), p), { element })
      const [dot] = truthsOf(o, [new Float64Array(terms).fill(x)])
      expect(dot!.at(0).value).toBe(terms * x * x)
      expect(dot!.at(0).bound === 0).toBe(exact)
    })
  }
})

/** A definition of `x`, `z`, `w`, and a kernel that computes the same otherwise, each of its steps in f32. */
describe('the same computed otherwise lies within the bound', () => {
  const size = 400, r = Math.fround
  const inputs = ['x', 'z', 'w'].map(name => tensor(name, [size]))
  const one = f(1), exp = (e: Expr) => call('exp', [e])
  const minus = (a: Expr, b: Expr) => binary('-', a, b), over = (a: Expr, b: Expr) => binary('/', a, b)
  type Otherwise = readonly [text: string, value: (x: Expr, z: Expr, w: Expr) => Expr,
    kernel: (x: number, z: number, w: number) => number]
  const cases: readonly Otherwise[] = [
    ['three terms', (x, z, w) => add(add(x, z), w), (x, z, w) => r(x + r(z + w))],
    ['three terms backwards', (x, z, w) => add(add(x, z), w), (x, z, w) => r(r(w + z) + x)],
    ['a common factor', (x, z, w) => add(add(mul(f(0.1), x), mul(f(0.2), z)), mul(f(0.1), w)),
      (x, z, w) => r(r(r(0.1) * r(x + w)) + r(r(0.2) * z))],
    ['halves and quarters', (x, z, w) => add(add(mul(f(0.25), x), mul(f(0.5), z)), mul(f(0.25), w)),
      (x, z, w) => r(0.25 * r(x + w) + 0.5 * z)],
    ['Horner', x => add(add(one, x), mul(mul(f(0.5), x), x)), x => r(1 + r(x * r(1 + 0.5 * x)))],
    ['a part taken away', x => minus(x, mul(x, f(0.1))), x => r(r(0.9) * x)],
    ['from one to the other', (x, z) => add(mul(x, f(0.3)), mul(z, f(0.7))), (x, z) => r(z + r(r(0.3) * r(x - z)))],
    ['a sigmoid by tanh', x => over(one, add(one, exp(minus(f(0), x)))), x => r(0.5 * r(Math.tanh(0.5 * x)) + 0.5)],
    ['a tanh of half as a sigmoid', x => add(mul(f(0.5), call('tanh', [mul(f(0.5), x)])), f(0.5)),
      x => r(1 / r(1 + r(Math.exp(-x))))],
    ['a third of a sum', (x, z) => over(add(x, z), f(3)), (x, z) => r(r(x / 3) + r(z / 3))],
    ['a third of each term', (x, z) => add(over(x, f(3)), over(z, f(3))), (x, z) => r(r(x + z) * r(1 / 3))],
    ['a difference of squares', (x, z) => minus(mul(x, x), mul(z, z)), (x, z) => r(r(x - z) * r(x + z))]
  ]
  for (const [text, value, kernel] of cases) {
    it(text, () => {
      const o = define('otherwise', inputs, [size], i => {
        const [x, z, w] = inputs.map(b => at(b, i))
        return value(x!, z!, w!)
      })
      for (const kind of ['integers', 'reals'] as const) {
        for (let seed = 1; seed <= 3; seed++) {
          const given = inputsFor({ kind: 'operator', operator: o }, none, kind, seed), [x, z, w] = given
          const found = Array.from(x!, (own, i) => kernel(own, z![i]!, w![i]!)), [truth] = truthsOf(o, given)
          expect(firstOutside(truth!, found), `${kind}, seed ${seed}`).toBeUndefined()
          // a part that is left out shows
          if (kind === 'reals') expect(firstOutside(truth!, found.map(e => e * (1 + 2 ** -14)))).toBeDefined()
        }
      }
    })
  }

  it('an average as a sum of parts, of whole numbers too', () => {
    const row = tensor('x', [100]), p = axis('p', 100)
    const body: Reduce = { kind: 'reduce', reducer: 'avg', axes: [p], body: at(row, ref(p.variable)), type: 'f32', origins: [] }
    const [x] = inputsFor({ kind: 'operator', operator: define('mean', [row], [1], () => body) }, none, 'integers', 1)
    const [truth] = truthsOf(define('mean', [row], [1], () => body), [x!])
    expect(firstOutside(truth!, [x!.reduce((a, e) => r(a + r(e * r(1 / 100))), 0)])).toBeUndefined()
  })
})

describe('one element', () => {
  /** Of `x`, which may be off; `y` = 2 is exact. */
  type Case = readonly [text: string, value: (x: Expr, y: Expr) => Expr, x: number, error: number, expected: number,
    bound: number]
  const half = f(0.5)
  const cases: readonly Case[] = [
    ['a copy', x => x, 0.1, 0.25, 0.1, 0.25],
    ['maximum, clear', (x, y) => binary('max', x, y), 1, 0.5, 2, 0],
    ['maximum, within the errors', (x, y) => binary('max', x, y), 1.75, 0.5, 2, 0.5],
    ['floor', x => call('floor', [x]), 2.9, 0.2, 2, 1],
    ['floor, clear', x => call('floor', [x]), 2.5, 0.2, 2, 0],
    ['rounding at a half', x => call('round', [x]), 2.5, 0.1, 2, 1],
    ['a choice', (x, y) => select(binary('<', x, y), f(10), f(1)), 1.9, 0.2, 10, 9],
    ['a choice, clear', (x, y) => select(binary('<', x, y), f(10), f(1)), 1.5, 0.2, 10, 0],
    ['both sides off, neither taken', (x, y) => select(binary('<', y, x), x, y), 1, 0.5, 2, 0],
    ['a choice between logic', (x, y) => select(binary('&&', binary('<', x, y), binary('<', half, x)), f(3), f(1)), 0.5, 0.1, 1, 2],
    ['logic that is decided anyway', (x, y) => select(binary('&&', binary('<', x, y), binary('<', y, half)), f(3), f(1)), 2, 1, 1, 0],
    ['as a whole number', x => cast(cast(x, 'i32'), 'f32'), -2.9, 0.2, -2, 1],
    ['as a truth', x => cast(cast(x, 'bool'), 'f32'), 0.1, 0.2, 1, 1],
    ['an index', (x, y) => select(binary('<', y, x), f(0), f(1)), 3, 0.5, 0, 0],
    ['a quotient by what may be 0', (x, y) => binary('/', y, x), 0.1, 0.2, 20, Infinity],
    ['the root of what may be negative', x => call('sqrt', [x]), 0.25, 0.5, 0.5, Infinity],
    ['f16 beyond its greatest number', x => cast(cast(mul(x, f(1000)), 'f16'), 'f32'), 70, 0, Infinity, 0],
    ['f16 near it', x => cast(cast(x, 'f16'), 'f32'), 65519, 2, 65519, Infinity],
    ['infinity less infinity', x => binary('-', binary('/', x, f(1e-30)), binary('/', x, f(1e-30))), 1e30, 0, NaN, 0],
    ['NaN in a maximum', (x, y) => binary('max', call('sqrt', [x]), y), -1, 0, 2, 0]
  ]
  for (const [text, value, x, error, expected, bound] of cases) {
    it(text, () => {
      const inputs = [tensor('x', [1]), tensor('y', [1])]
      const o = define('one', inputs, [1], i => value(at(inputs[0]!, i), at(inputs[1]!, i)))
      const [truth] = evaluateOperator(o, [
        { values: Float64Array.of(x), errors: Float64Array.of(error) },
        { values: Float64Array.of(2), errors: undefined }
      ], none)
      const found = truth!.at(0)
      if (Number.isNaN(expected)) expect(found.value).toBeNaN()
      else expect(found.value).toBeCloseTo(expected, 6)
      if (Number.isFinite(bound) && bound > 0) expect(found.bound).toBeCloseTo(bound, 5)
      else expect(found.bound).toBe(bound)
    })
  }

  const positions: ReadonlyArray<readonly [x: readonly number[], errors: readonly number[], value: number,
    bound: number]> = [
    [[1, 5, 2, 5], [0, 0, 0, 0], 1, 0], [[1, 5, 2, 5], [0, 0.1, 0, 0], 1, 2], [[1, 5, 2, 4], [0, 0.1, 0, 0.1], 1, 0],
    [[4.9, 5, 2, 5], [0.2, 0, 0, 0], 1, 1], [[1, 1, 1, 1], [0, 0, 0, 1], 0, 3]
  ]
  for (const [x, errors, value, bound] of positions) {
    it(`the position of the greatest of ${x.join(', ')}, off by ${errors.join(', ')}`, () => {
      const input = tensor('x', [4]), p = axis('p', 4)
      const body: Reduce = { kind: 'reduce', reducer: 'argmax', axes: [p], body: at(input, ref(p.variable)), type: 'i64', origins: [] }
      const o = define('position', [input], [1], () => body, { element: 'i64' })
      const [truth] = evaluateOperator(o, [{ values: Float64Array.from(x), errors: Float64Array.from(errors) }], none)
      expect(truth!.at(0)).toEqual({ value, bound })
    })
  }
})

describe('extents and elements', () => {
  it('takes extents that are known only at launch', () => {
    const m = extentVariable('m'), x = tensor('x', [m]), p = axis('p', m)
    const o = { ...define('total', [x], [m], i => add(at(x, i), sum(at(x, ref(p.variable)), p))), extents: [m] }
    const [truth] = evaluateOperator(o, [{ values: Float64Array.of(1, 2, 3), errors: undefined }], new Map([[m, 3]]))
    expect(truth!.shape).toEqual([3])
    expect([0, 1, 2].map(i => truth!.at(i))).toEqual([7, 8, 9].map(value => ({ value, bound: 0 })))
  })

  it('sums as many terms as the element has', () => {
    const x = tensor('x', [4])
    const o = define('prefix', [x], [4], i => {
      const p = axis('p', add(i, n(1)))
      return sum(at(x, ref(p.variable)), p)
    })
    const [truth] = truthsOf(o, [Float64Array.of(1, 2, 3, 0.5)])
    expect([0, 1, 2, 3].map(i => truth!.at(i).value)).toEqual([1, 3, 6, 6.5])
    expect(truth!.at(3).bound).toBeGreaterThan(0)
  })

  it('reads `??` outside of the tensor, and nothing there without it', () => {
    const x = tensor('x', [2])
    const guarded = define('guarded', [x], [4], i => load(x, [binary('-', i, n(1))], f(7)))
    const [truth] = truthsOf(guarded, [Float64Array.of(1, 2)])
    expect([0, 1, 2, 3].map(i => truth!.at(i).value)).toEqual([7, 1, 2, 7])
    const [open] = truthsOf(define('open', [x], [3], i => at(x, i)), [Float64Array.of(1, 2)])
    expect(open!.at(1)).toEqual({ value: 2, bound: 0 })
    expect(open!.at(2).bound).toBe(Infinity)
  })

  it('computes what is asked for, once', () => {
    const x = tensor('x', [8]), computed: number[] = [], values = new Float64Array(8), known = new Uint8Array(8)
    const compute = (i: number) => {
      computed.push(i)
      values[i] = 10 * i
      known[i] = 1
    }
    const mirrored = define('mirrored', [x], [8], i => at(x, binary('-', n(7), i)))
    const [y] = outputElements(mirrored, [{ shape: [8], values, errors: undefined, known, compute }], none)
    const truth = truthOf(y!)
    expect([truth.at(2), truth.at(2), truth.at(7)].map(t => t.value)).toEqual([50, 50, 0])
    expect(computed).toEqual([5, 0])
  })

  it('keeps some elements of very large tensors, and computes others anew', () => {
    const m = 2 ** 14, x = tensor('x', [m]), p = axis('p', m)
    const rows = tensor('rows', [m, m], 'f32', 'workspace')
    const o = define('rows', [x], [m], i => sum(at(rows, i, ref(p.variable)), p), {
      stages: [[rows, (i, j) => mul(at(x, i), at(x, j))]]
    })
    const [truth] = truthsOf(o, [Float64Array.from({ length: m }, (_, i) => i % 3)])
    const total = Math.ceil((m - 1) / 3) + 2 * Math.floor(m / 3)
    for (const i of [1, 1025, 2, 1]) expect(truth!.at(i)).toEqual({ value: i % 3 * total, bound: 0 })
  })

  const wholes: ReadonlyArray<readonly [element: ElementName, value: (x: Expr) => Expr, x: number,
    expected: number]> = [
    ['i32', x => add(x, x), 2 ** 30, -(2 ** 31)], ['i32', x => mul(x, x), 65537, 131073], ['u32', x => mul(x, x), 65537, 131073],
    ['i8', x => mul(x, x), 20, -112], ['u8', x => binary('-', x, constant(3, 'u8')), 2, 255],
    ['i32', x => binary('/', x, constant(4, 'i32')), -7, -2], ['i32', x => binary('%', x, constant(4, 'i32')), -7, 1],
    ['i32', x => binary('^', x, constant(-1, 'i32')), 5, -6], ['u32', x => binary('<<', x, constant(31, 'u32')), 3, 2 ** 31],
    ['i32', x => binary('>>', x, constant(1, 'i32')), -3, -2], ['u16', x => ({ kind: 'unary', operator: '~', operand: x, type: 'u16', origins: [] }), 1, 65534],
    ['i64', x => mul(x, constant(3, 'i64')), 2 ** 40, 3 * 2 ** 40], ['i32', x => call('abs', [x]), -4, 4]
  ]
  for (const [element, value, x, expected] of wholes) {
    it(`whole numbers of ${element}: ${expected}`, () => {
      const input = tensor('x', [1], element)
      const [truth] = truthsOf(define('whole', [input], [1], i => value(at(input, i))), [Float64Array.of(x)])
      expect(truth!.at(0)).toEqual({ value: expected, bound: 0 })
    })
  }

  const reduced: ReadonlyArray<readonly [reducer: ReducerName, x: readonly number[], expected: number]> = [
    ['sum', [3, -1, 2], 4], ['prod', [3, -1, 2], -6], ['max', [-3, -1, -2], -1], ['min', [3, 1, 2], 1], ['avg', [3, 1, 4, 0], 2]
  ]
  for (const [reducer, x, expected] of reduced) {
    it(`${reducer} of ${x.join(', ')}`, () => {
      const input = tensor('x', [x.length]), p = axis('p', x.length)
      const body: Reduce = { kind: 'reduce', reducer, axes: [p], body: at(input, ref(p.variable)), type: 'f32', origins: [] }
      const [truth] = truthsOf(define('reduced', [input], [1], () => body), [Float64Array.from(x)])
      expect(truth!.at(0)).toEqual({ value: expected, bound: 0 })
    })
  }
})

// ---------------------------------------------------------------- any definition

describe('any definition', () => {
  const size = 6
  const inputs = [tensor('x', [size]), tensor('h', [size], 'f16'), tensor('w', [size], 'i32'), tensor('b', [size], 'bool')]
  for (const type of ['f32', 'f16', 'bf16', 'tf32', 'i32', 'bool'] satisfies ElementName[]) {
    it(`of ${type}: what a right kernel finds lies within the bound`, () => {
      let judged = 0
      fc.assert(fc.property(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(...inputKinds), (seed, kind) => {
        const random = randomNumbers(seed)
        const o = define('any', inputs, [size], i => randomExpr(type, 5, i, inputs, random), { element: type })
        const given = inputsFor({ kind: 'operator', operator: o }, none, kind, seed)
        const [truth] = truthsOf(o, given)
        for (let element = 0; element < size; element++) if (truth!.at(element).bound < Infinity) judged++
        for (let turn = 0; turn < 3; turn++) expect(firstOutside(truth!,
          sloppily(o, given, none, random)[0]!)).toBeUndefined()
      }), { numRuns: 300 })
      expect(judged).toBeGreaterThan(300 * size / 2)
    })
  }
})
