// Random expressions over six variables, facts that hold of these, and values that the facts allow.
import fc from 'fast-check'
import { binary, cast, constant, ref, select } from '../../../compiler-core/ir/build.ts'
import { assuming, noFacts, withLet, withRange, type Facts } from '../../../compiler-core/ir/facts.ts'
import type { BinaryOperator, Expr, Variable } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { valueOf, variable } from './support.ts'

export interface World {
  readonly facts: Facts
  /** Each a choice of values for which the facts hold. */
  readonly cases: ReadonlyArray<ReadonlyMap<Variable, bigint>>
  /** What is known, for messages. */
  readonly text: string
  readonly [fc.toStringMethod]: () => string
}

/** Two with a range of numbers, two extents, one with a bound of extents, one `let`. */
const x = variable('x'), y = variable('y'), m = variable('m', 'extent'), n = variable('n', 'extent')
const t = variable('t'), l = variable('l', 'let')

/** Nothing folded, so that the simplifier sees what a person could write. */
function node(operator: BinaryOperator, left: Expr, right: Expr): Expr {
  const logical = ['<', '<=', '==', '!=', '&&', '||'].includes(operator)
  return { kind: 'binary', operator, left, right, type: logical ? 'bool' : left.type, origins: [] }
}

const small = fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 12, 16, -1, -2, -3, -4, -8).map(value => constant(value))
const divisor = fc.constantFrom(1, 2, 3, 4, 6, 8, 16, -1, -2, -4).map(value => constant(value))
const shift = fc.constantFrom(0, 1, 2, 3).map(value => constant(value))

/** By depth: whole numbers and conditions. */
const numbers: fc.Arbitrary<Expr>[] = [fc.oneof(
  { weight: 1, arbitrary: small }, { weight: 3, arbitrary: fc.constantFrom(x, y, m, n, t, l).map(v => ref(v)) }
)]
const conditions: fc.Arbitrary<Expr>[] = []

for (let depth = 0; depth < 5; depth++) {
  const below = fc.oneof(...numbers)
  const two = (operators: readonly BinaryOperator[], right: fc.Arbitrary<Expr>) =>
    fc.tuple(fc.constantFrom(...operators), below, right).map(([o, left, r]) => node(o, left, r))
  const comparison = two(['<', '<=', '==', '!='], below)
  const inner = fc.oneof(comparison, ...conditions)
  conditions.push(fc.oneof(
    { weight: 4, arbitrary: comparison },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom<BinaryOperator>('&&', '||'), inner, inner).map(([o, a, b]) => node(o, a, b))
    },
    { weight: 1, arbitrary: inner.map((e): Expr => ({ kind: 'unary', operator: '!', operand: e, type: 'bool', origins: [] })) }
  ))
  numbers.push(fc.oneof(
    { weight: 6, arbitrary: two(['+', '-'], below) },
    { weight: 4, arbitrary: two(['*'], small) },
    { weight: 6, arbitrary: two(['/', '%'], divisor) },
    { weight: 2, arbitrary: two(['/', '%', '*'], below) },
    { weight: 2, arbitrary: two(['min', 'max'], below) },
    { weight: 1, arbitrary: two(['&', '|', '^'], below) },
    { weight: 1, arbitrary: two(['<<', '>>'], shift) },
    { weight: 1, arbitrary: below.map((e): Expr => ({ kind: 'unary', operator: '-', operand: e, type: 'index', origins: [] })) },
    { weight: 1, arbitrary: below.map(e => cast(cast(e, 'i8'), 'index')) },
    { weight: 1, arbitrary: below.map(e => cast(node('+', cast(e, 'u8'), constant(3, 'u8')), 'index')) },
    { weight: 1, arbitrary: fc.tuple(inner, below, below).map(([c, then, other]) => select(c, then, other)) }
  ))
}

export function numberExpr(depth: number): fc.Arbitrary<Expr> {
  return numbers[depth]!
}

export function conditionExpr(depth: number): fc.Arbitrary<Expr> {
  return conditions[depth]!
}

/** Sums of digits of sums of digits, as mappings and layouts make them. */
export const digits: fc.Arbitrary<Expr> = fc.array(
  fc.tuple(fc.constantFrom(x, y, t, l), fc.constantFrom(1, 2, 3, 4, 6, 8, 12), fc.constantFrom(1, 2, 3, 4, 6, 8)),
  { minLength: 1, maxLength: 3 }
).chain(terms => fc.array(
  fc.tuple(fc.constantFrom(1, 2, 3, 4, 8), fc.constantFrom(1, 2, 3, 4, 6), fc.constantFrom(1, 2, 4, 8), fc.constantFrom('/', '%', '+')),
  { minLength: 1, maxLength: 5 }
).map(steps => {
  const first = terms
    .map(([v, factor, by]) => node('*', node('/', ref(v), constant(by)), constant(factor)))
    .reduce((sum, e) => node('+', sum, e))
  return steps.reduce((e, [by, modulus, factor, operator]) => {
    const digit = node('%', node('/', e, constant(by)), constant(modulus))
    if (operator === '+') return node('+', node('*', digit, constant(factor)), node('%', e, constant(by)))
    return node(operator, node('+', node('*', e, constant(factor)), digit), constant(modulus))
  }, first)
}))

const bounds = fc.constantFrom<(c: Expr) => Expr>(
  () => binary('-', ref(n), constant(1)),
  c => binary('-', binary('/', binary('+', ref(m), binary('-', c, constant(1))), c), constant(1)),
  () => binary('+', ref(m), ref(n)),
  () => binary('-', binary('*', ref(m), ref(n)), constant(1))
)

export const world: fc.Arbitrary<World> = fc.record({
  lows: fc.tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -6, max: 6 })),
  counts: fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })),
  bound: bounds, step: fc.constantFrom(2, 3, 4, 8), value: fc.constantFrom<BinaryOperator>('+', '*', '/', '%'),
  assumed: fc.option(fc.oneof(conditionExpr(0), conditionExpr(1)), { nil: undefined }), seed: fc.nat()
}).map(({ lows, counts, bound, step, value: operator, assumed, seed }): World => {
  const high = bound(constant(step)), value = node(operator, ref(x), operator === '+' ? ref(t) : constant(step))
  const ranged = [x, y].map((v, i) => ({ v, low: lows[i]!, high: lows[i]! + counts[i]! }))
  let facts = noFacts
  for (const r of ranged) facts = withRange(facts, r.v, constant(r.low), constant(r.high))
  facts = withLet(withRange(facts, t, constant(0), high), l, value)
  if (assumed) facts = assuming(facts, assumed)

  const pick = picker(seed)
  const cases = Array.from({ length: 120 }, () => {
    const c = new Map<Variable, bigint>()
    for (const r of ranged) c.set(r.v, BigInt(r.low + pick(r.high - r.low + 1)))
    c.set(m, BigInt([1, 2, 3, 7, 8, 9, 16][pick(7)]!)).set(n, BigInt([1, 2, 4, 5, 12][pick(5)]!))
    const most = Number(valueOf(high, c))
    c.set(t, BigInt(pick(3) === 0 ? most : pick(most + 1)))
    return c.set(l, valueOf(value, c)!)
  }).filter(c => !assumed || valueOf(assumed, c) === 1n)

  const text = [
    ...ranged.map(r => `${r.low} <= ${r.v.name} <= ${r.high}`), `0 <= t <= ${printExpr(high)}`, `l = ${printExpr(value)}`,
    ...assumed ? [printExpr(assumed)] : []
  ].join('; ')
  return { facts, cases, text, [fc.toStringMethod]: () => text }
})

/** Numbers below `count`, the same ones for the same seed. */
function picker(seed: number): (count: number) => number {
  let state = seed
  return count => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 2 ** 32 * count)
  }
}
