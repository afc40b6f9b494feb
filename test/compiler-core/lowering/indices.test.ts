/** Sums of digits, intervals and widths of index expressions, against exact evaluation. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { binary, constant, ref, select } from '../../../compiler-core/ir/build.ts'
import { blockIdx, threadIdx, type BinaryOperator, type Expr, type Kernel, type Program, type Variable } from '../../../compiler-core/ir/ir.ts'
import { printExpr, printProgram } from '../../../compiler-core/ir/print.ts'
import { indexValue } from '../../../compiler-core/lowering/index-value.ts'
import { intervalOf, type Interval } from '../../../compiler-core/lowering/intervals.ts'
import {
  isKnown, linearExpr, linears, multipleOf, rangeOfLinear, recombined
} from '../../../compiler-core/lowering/linear.ts'
import { decideWidths } from '../../../compiler-core/lowering/widths.ts'
import { evaluate } from '../../harness/ir-interpreter.ts'

const loop = (name: string): Variable => ({ name, type: 'index', role: 'loop' })
const extent = (name: string): Variable => ({ name, type: 'index', role: 'extent' })
const [tx, bx] = [threadIdx[0], blockIdx[0]]

// ---------------------------------------------------------------- random expressions

function expression(leaves: readonly Expr[], most: number, operators: readonly BinaryOperator[]): fc.Arbitrary<Expr> {
  const { e } = fc.letrec<{ e: Expr }>(tie => ({
    e: fc.oneof(
      { maxDepth: 4, depthSize: 'medium' },
      fc.constantFrom(...leaves),
      fc.integer({ min: -most, max: most }).map(n => constant(n)),
      fc.tuple(fc.constantFrom(...operators), tie('e'), tie('e')).map(([op, a, b]) => binary(op, a, b)),
      fc.tuple(fc.constantFrom('*' as const, '/' as const, '%' as const), tie('e'), fc.integer({ min: 1, max: most }))
        .map(([op, a, n]) => binary(op, a, constant(n))),
      fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]) => select(binary('<', a, b), b, c))
    )
  }))
  return e
}

const small = [loop('i'), loop('j'), tx] as const
const smallRanges = new Map<Variable, Interval>([
  [small[0], { low: 0, high: 7 }], [small[1], { low: 0, high: 2 }], [tx, { low: 0, high: 63 }]
])
const range = (v: Variable): Interval => smallRanges.get(v) ?? { low: -Infinity, high: Infinity }
const smallExpression = expression(small.map(v => ref(v)), 16, ['+', '-', '*', '^', 'min', 'max'])

function* points(): Generator<ReadonlyMap<Variable, number>> {
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 3; j++) {
      for (const t of [0, 1, 7, 8, 31, 62, 63]) yield new Map([[small[0], i], [small[1], j], [tx, t]])
    }
  }
}

describe('intervals', () => {
  it('hold every value', () => {
    fc.assert(fc.property(smallExpression, e => {
      const { low, high } = intervalOf(e, range)
      for (const at of points()) {
        const value = indexValue(e, at)
        if (value !== undefined && (value < low || value > high)) throw new Error(`${printExpr(e)}: ${value} in ${low} .. ${high}`)
      }
    }), { numRuns: Number(process.env.HEDDLE_RUNS ?? 500) })
  })
})

describe('sums of digits', () => {
  const { of } = linears(range, () => undefined, () => 1)

  it('have the value, the range and the divisor of the index', () => {
    fc.assert(fc.property(smallExpression, e => {
      const sum = of(e)
      if (!isKnown(sum)) return
      const text = `${printExpr(e)} as ${printExpr(linearExpr(sum))}`
      const { low, high } = rangeOfLinear(sum), multiple = multipleOf(sum)
      for (const at of points()) {
        const value = indexValue(e, at)
        if (value === undefined) continue
        expect(indexValue(linearExpr(sum), at), text).toBe(value)
        expect(value >= low && value <= high, text).toBe(true)
        if (multiple > 1) expect(Math.abs(value % multiple), text).toBe(0)
      }
    }), { numRuns: Number(process.env.HEDDLE_RUNS ?? 500) })
  })

  function check(e: Expr, expected: string): void {
    it(`${printExpr(e)} -> ${expected}`, () => {
      const sum = of(e)
      expect(printExpr(linearExpr(recombined(sum, { of }) ?? sum))).toBe(expected)
    })
  }
  const [i, j] = small
  const t = ref(tx), n = (value: number) => constant(value)
  const times = (e: Expr, by: number) => binary('*', e, n(by)), over = (e: Expr, by: number) => binary('/', e, n(by))
  const rest = (e: Expr, by: number) => binary('%', e, n(by)), plus = (a: Expr, b: Expr) => binary('+', a, b)
  check(over(plus(times(t, 8), ref(i)), 8), 'threadIdx.x')
  check(rest(plus(times(t, 8), ref(i)), 8), 'i')
  check(over(plus(times(t, 8), ref(i)), 16), 'threadIdx.x / 2')
  check(rest(plus(times(t, 8), ref(i)), 16), 'threadIdx.x % 2 * 8 + i')
  check(over(over(t, 4), 8), 'threadIdx.x / 32')
  check(rest(rest(t, 32), 8), 'threadIdx.x % 8')
  check(over(plus(t, n(32)), 16), 'threadIdx.x / 16 + 2')
  check(over(plus(times(ref(i), 4), ref(j)), 4), 'i')
  check(binary('-', plus(t, ref(i)), ref(i)), 'threadIdx.x')
  check(plus(times(over(t, 13), 13), rest(t, 13)), 'threadIdx.x')
  check(plus(plus(times(over(t, 21), 21), times(rest(over(t, 7), 3), 7)), rest(t, 7)), 'threadIdx.x')
  check(plus(times(over(t, 13), 12), rest(t, 13)), 'threadIdx.x / 13 * 12 + threadIdx.x % 13')
})

// ---------------------------------------------------------------- widths

const m = extent('m'), k = extent('k')

/** A kernel over `m` and `k` that gives the value a name, in 256 threads and as many blocks as `m` says. */
function naming(value: Expr): { program: Program; result: () => Expr } {
  const name: Variable = { name: 'r', type: value.type, role: 'let' }
  const used = { kind: 'declare' as const, variable: { name: 's', type: value.type, role: 'mutable' as const }, value: ref(name), origins: [] }
  const kernel: Kernel = {
    name: 'main', grid: [ref(m), constant(1), constant(1)], block: [256, 1, 1], minBlocks: undefined, origins: [],
    body: [{ kind: 'let', variable: name, value, origins: [] }, used]
  }
  const program: Program = { name: 'p', parameters: [], workspaces: [], extents: [m, k], kernels: [kernel], origins: [] }
  const typed = decideWidths(program)
  return {
    program: typed,
    result: () => {
      const [s] = typed.kernels[0]?.body ?? []
      if (s?.kind !== 'let') throw new Error('no name')
      return s.value
    }
  }
}

describe('widths', () => {
  const large = expression([m, k, tx, bx].map(v => ref(v)), 5000, ['+', '-', '*', 'min', 'max'])
  const point = fc.record({
    m: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
    k: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
    t: fc.integer({ min: 0, max: 255 }), b: fc.double({ min: 0, max: 1, noNaN: true })
  })

  it('compute the exact value in the machine\'s numbers, for all launches', () => {
    fc.assert(fc.property(large, fc.array(point, { minLength: 20, maxLength: 20 }), (e, launches) => {
      const { program, result } = naming(e)
      for (const l of launches) {
        const block = Math.min(Math.floor(l.b * l.m), l.m - 1)
        const at = new Map<Variable, number>([[m, l.m], [k, l.k], [tx, l.t], [bx, block]])
        let exact: number
        try {
          exact = evaluate(e, at)
        } catch {
          continue
        }
        let machine: number | string
        try {
          machine = evaluate(result(), at)
        } catch (error) {
          // the model of 64 bits knows the exact doubles only
          if (String(error).includes('exact') || String(error).includes('2^53')) continue
          machine = String(error)
        }
        expect(machine, `${printExpr(e)}\n${printProgram(program)}\n${JSON.stringify([...at.values()])}`).toBe(exact)
      }
    }), { numRuns: Number(process.env.HEDDLE_RUNS ?? 600) })
  })

  function check(e: Expr, expected: string): void {
    it(`${printExpr(e)} -> ${expected}`, () => {
      const value = naming(e).result()
      expect(`${value.type === 'bool' ? '' : `${value.type}: `}${printExpr(value)}`).toBe(expected)
    })
  }
  const [t, b, M, K] = [tx, bx, m, k].map(v => ref(v)) as [Expr, Expr, Expr, Expr]
  const n = (value: number) => constant(value)
  check(binary('+', binary('*', t, n(4)), n(3)), 'u32: threadIdx.x * 4 + 3')
  check(binary('*', M, n(2)), 'u32: m * 2')
  check(binary('*', M, n(4)), 'u64: u64(m) * 4')
  check(binary('+', binary('*', t, K), t), 'u64: u64(threadIdx.x) * u64(k) + u64(threadIdx.x)')
  check(binary('-', t, n(3)), 'i32: i32(threadIdx.x) - 3')
  check(binary('-', binary('+', t, n(8)), n(3)), 'u32: threadIdx.x + 8 - 3')
  check(binary('/', binary('-', t, n(3)), n(4)), 'i32: i32((threadIdx.x + 1) / 4) - 1')
  check(binary('%', binary('-', t, n(3)), n(4)), 'u32: (threadIdx.x + 1) % 4')
  check(binary('<', binary('-', t, n(3)), n(9)), 'threadIdx.x < 12')
  check(binary('<=', n(0), binary('-', t, n(3))), '3 <= threadIdx.x')
  check(binary('<', binary('-', t, b), M), 'threadIdx.x < blockIdx.x + m')
  check(binary('/', binary('-', t, M), K), 'i32: (i32(threadIdx.x) - i32(m)) / i32(k)')
})
