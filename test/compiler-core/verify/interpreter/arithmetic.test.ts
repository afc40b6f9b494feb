/** The numbers of the element types, and expressions of all of them, against the slow interpreter. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binary, cast, constant, ref, select } from '../../../../compiler-core/ir/build.ts'
import {
  threadIdx, type BinaryOperator, type Buffer, type ElementName, type Expr, type Program, type Stmt, type Type,
  type Variable
} from '../../../../compiler-core/ir/ir.ts'
import { numericFunctions } from '../../../../compiler-core/verify/interpreter/arithmetic.ts'
import { evaluate } from '../../../harness/ir-interpreter.ts'
import { runsOf } from './support.ts'

const round = numericFunctions as Readonly<Record<'f16' | 'bf16' | 'tf32' | 'erf' | 'round', (x: number) => number>>
const numRuns = Number(process.env.HEDDLE_RUNS ?? 100)

// ---------------------------------------------------------------- rounding

/** The positive numbers of a format with an implicit bit, in order; the last one is infinite. */
function numbersOf(digits: number, least: number, most: number): readonly number[] {
  const numbers: number[] = [], places = 2 ** (digits - 1)
  for (let i = 0; i < places; i++) numbers.push(i * 2 ** (least - digits + 1))
  for (let e = least; e <= most; e++) {
    for (let i = 0; i < places; i++) numbers.push((places + i) * 2 ** (e - digits + 1))
  }
  return [...numbers, Infinity]
}

/** Each number stays, the middle of two neighbours goes to the even one, what is nearer goes there. */
function checkRounding(numbers: readonly number[], to: (x: number) => number, limit: number): void {
  const wrong: string[] = []
  const check = (x: number, wanted: number) => {
    for (const sign of [1, -1]) if (!Object.is(to(sign * x), sign * wanted)) wrong.push(`${sign * x}: ${to(sign * x)}, not ${sign * wanted}`)
  }
  numbers.forEach((x, i) => {
    const next = numbers[i + 1]
    check(x, x)
    if (next === undefined) return
    const middle = next === Infinity ? limit : (x + next) / 2
    check(middle, i % 2 === 0 ? x : next)
    check(middle * (1 - 2 ** -50), x)
    check(middle * (1 + 2 ** -50), next)
  })
  expect(wrong.slice(0, 3)).toEqual([])
}

describe('rounding', () => {
  it('to f16, all of them', () => { checkRounding(numbersOf(11, -14, 15), round.f16, 65520) })
  it('to bf16, all of them', () => { checkRounding(numbersOf(8, -126, 127), round.bf16, (2 - 2 ** -8) * 2 ** 127) })
  it('keeps NaN', () => { expect([round.f16(NaN), round.bf16(NaN), round.tf32(NaN)]).toEqual([NaN, NaN, NaN]) })
  it.each([[1 + 2 ** -11, 1 + 2 ** -10], [1 + 2 ** -11 - 2 ** -23, 1], [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [-1 - 2 ** -11, -1 - 2 ** -10]])(
    'to tf32, ties away from zero: %d', (x, wanted) => { expect(round.tf32(x)).toBe(wanted) })
  it.each([[0.5, 0], [1.5, 2], [2.5, 2], [-0.5, -0], [-2.5, -2], [2.4999999, 2],
    [2 ** 51 + 0.5, 2 ** 51]])(
    'to whole numbers, ties to even: %d', (x, wanted) => { expect(round.round(x)).toBe(wanted) })
  it.each([
    [0.1, 0.1124629160182849], [0.5, 0.5204998778130465], [1, 0.8427007929497149], [2.4, 0.9993114861033549],
    [2.6, 0.9997639655834707], [4, 0.9999999845827421], [-1, -0.8427007929497149], [7, 1], [0, 0]
  ])('erf(%d)', (x, wanted) => { expect(Math.abs(round.erf(x) - wanted)).toBeLessThan(1e-14) })
})

/** A double as a whole multiple of 2^-1100. */
function exact(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0), exponent = Number(bits >> 52n & 0x7ffn)
  const digits = (bits & 0xfffffffffffffn) + (exponent > 0 ? 2n ** 52n : 0n)
  return (x < 0 ? -digits : digits) << BigInt(Math.max(exponent, 1) - 1075 + 1100)
}

describe('fused multiply-add', () => {
  const fma = numericFunctions.fma32 as (a: number, b: number, c: number) => number
  const single = fc.tuple(fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
    fc.integer({ min: -40, max: 20 })).map(([m, e]) => m * 2 ** e)
  it('is rounded once: no f32 is nearer', () => {
    fc.assert(fc.property(single, single, single, fc.integer({ min: -3, max: 3 }), (a, b, wide, last) => {
      // near to a tie: the product's last places decide
      const c = Math.fround(wide + last)
      const found = fma(a, b, c), wanted = exact(a) * exact(b) + (exact(c) << 1100n)
      const distance = (x: number) => { const d = (exact(x) << 1100n) - wanted; return d < 0n ? -d : d }
      const step = Math.max(Math.abs(found) * 2 ** -23, 2 ** -149)
      for (const other of [Math.fround(found + step),
        Math.fround(found - step)]) expect(distance(found) <= distance(other)).toBe(true)
    }), { numRuns: numRuns * 10 })
  })
})

// ---------------------------------------------------------------- expressions

const index = (name: string): Variable => ({ name, type: 'index', role: 'loop' })
const loop = index('l')

/** What 64 threads store: each for l = 0, 1, 2. */
function checkExpression(e: Expr, element: ElementName): void {
  const y: Buffer = { name: 'y', element, scope: 'output', shape: [constant(192, 'index')], layout: undefined, origins: [] }
  const thread = ref(threadIdx[0]), place = binary('+', binary('*', thread, constant(3, 'index')), ref(loop))
  const store: Stmt = { kind: 'store', buffer: y, indices: [place], value: e, guarded: false, origins: [] }
  const body: Stmt = { kind: 'for', variable: loop, extent: constant(3, 'index'), unroll: 'automatic', vector: false, body: [store], origins: [] }
  const one = constant(1, 'index')
  const program: Program = {
    name: 'p', parameters: [y], workspaces: [], extents: [], origins: [],
    kernels: [{ name: 'main', grid: [one, one, one], block: [64, 1, 1], minBlocks: undefined, body: [body], origins: [] }]
  }
  const wanted: number[] = []
  for (let t = 0; t < 64; t++) for (let l = 0; l < 3; l++) {
    try {
      wanted.push(evaluate(e, new Map([[threadIdx[0], t], [loop, l]])))
    } catch {
      // division by zero and inexact index arithmetic are nobody's to define
      return
    }
  }
  const [run] = runsOf(program, { orders: ['forward'] })
  const found = run?.outputs[0]?.elements ?? new Float64Array(0)
  expect([...found].findIndex((x, i) => !Object.is(x + 0, (wanted[i] ?? NaN) + 0))).toBe(-1)
}

function tree(leaf: fc.Arbitrary<Expr>, operators: readonly BinaryOperator[]): fc.Arbitrary<Expr> {
  const { term } = fc.letrec<{ term: Expr }>(tie => ({
    term: fc.oneof({ maxDepth: 4 }, leaf,
      fc.tuple(fc.constantFrom(...operators), tie('term'), tie('term')).map(([o, a, b]) => binary(o, a, b)),
      fc.tuple(fc.constantFrom<BinaryOperator>('<', '<=', '==', '!='), tie('term'), tie('term'), tie('term'), tie('term'))
        .map(([o, a, b, c, d]) => select(binary(o, a, b), c, d)),
      fc.tuple(tie('term'), tie('term'), tie('term'), fc.boolean()).map(([a, b, c, both]) =>
        select(binary(both ? '&&' : '||', binary('<', a, b), binary('<=', b, c)), a, c)))
  }))
  return term
}

const whole: readonly BinaryOperator[] = ['+', '-', '*', '/', '%', 'min', 'max', '&', '|', '^']
const bits: Readonly<Partial<Record<Type, readonly [number, number]>>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1], i16: [-32768, 32767], u16: [0, 65535], i8: [-128, 127],
  u8: [0, 255]
}

describe('expressions', () => {
  it('of indices', () => {
    const leaf = fc.oneof(fc.constantFrom(ref(threadIdx[0]), ref(loop)), fc.integer({ min: -9, max: 70 }).map(n => constant(n, 'index')))
    fc.assert(fc.property(tree(leaf, whole), e => { checkExpression(cast(e, 'f64'), 'f64') }), { numRuns })
  })
  it('of indices, shifted', () => {
    const leaf = fc.oneof(fc.constantFrom(ref(threadIdx[0]), ref(loop)), fc.integer({ min: 0, max: 5 }).map(n => constant(n, 'index')))
    fc.assert(fc.property(tree(leaf, ['<<', '>>', '+']), e => { checkExpression(cast(e, 'f64'), 'f64') }), { numRuns })
  })
  for (const [type, range] of Object.entries(bits) as [ElementName, readonly [number, number]][]) {
    it(`of ${type}`, () => {
      const leaf = fc.oneof(fc.constantFrom(cast(ref(threadIdx[0]), type), cast(ref(loop), type)),
        fc.integer({ min: range[0], max: range[1] }).map(n => constant(n, type)))
      fc.assert(fc.property(tree(leaf, whole), e => { checkExpression(e, type) }), { numRuns })
    })
  }
  for (const type of ['f64', 'f32', 'f16', 'bf16'] as const) {
    it(`of ${type}`, () => {
      const leaf = fc.oneof(fc.constantFrom(cast(ref(threadIdx[0]), type), cast(ref(loop), type)),
        fc.integer({ min: -256, max: 256 }).map(n => constant(n / 4, type)))
      const operators: readonly BinaryOperator[] = type.endsWith('16') ? ['+', '-', '*', 'min', 'max'] : ['+', '-', '*', '/', 'min', 'max']
      fc.assert(fc.property(tree(leaf, operators), e => { checkExpression(e, type) }), { numRuns })
    })
  }
})
