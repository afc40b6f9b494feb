// The simplifier and the prover against exact values, for random expressions under random facts. HEDDLE_RUNS=100000
// looks harder.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rangeOf } from '../../../compiler-core/ir/facts.ts'
import type { Expr } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { prove, sameValue } from '../../../compiler-core/ir/prove.ts'
import { simplify } from '../../../compiler-core/ir/simplify.ts'
import { conditionExpr, digits, numberExpr, world, type World } from './random.ts'
import { valueOf } from './support.ts'

const runs = { numRuns: Number(process.env['HEDDLE_RUNS'] ?? 1500) }

function told({ cases, text }: World, e: Expr, wrong: (values: (typeof cases)[number]) => boolean): void {
  const at = cases.find(wrong)
  if (at) {
    const values = [...at].map(([v, x]) => `${v.name} = ${x}`).join(', ')
    expect.fail(`${printExpr(e)} where ${text}, at ${values}`)
  }
}

describe('exactness', () => {
  it('simplified numbers have the same value', () => {
    fc.assert(fc.property(world, numberExpr(4), (w, e) => {
      const simplified = simplify(w.facts, e)
      told(w, e, values => {
        const before = valueOf(e, values)
        return before !== undefined && valueOf(simplified, values) !== before
      })
    }), runs)
  })
  it('simplified sums of digits have the same value', () => {
    fc.assert(fc.property(world, digits, (w, e) => {
      const simplified = simplify(w.facts, e)
      told(w, e, values => valueOf(simplified, values) !== valueOf(e, values))
    }), runs)
  })
  it('simplified conditions have the same value', () => {
    fc.assert(fc.property(world, conditionExpr(3), (w, e) => {
      const simplified = simplify(w.facts, e)
      told(w, e, values => {
        const before = valueOf(e, values)
        return before !== undefined && valueOf(simplified, values) !== before
      })
    }), runs)
  })
  it('what is proved holds', () => {
    fc.assert(fc.property(world, conditionExpr(2), (w, e) => {
      const truth = prove(w.facts, e)
      if (truth === undefined) return
      told(w, e, values => {
        const value = valueOf(e, values)
        return value !== undefined && (value === 1n) !== truth
      })
    }), runs)
  })
  it('ranges hold every value', () => {
    fc.assert(fc.property(world, numberExpr(3), (w, e) => {
      const { low, high } = rangeOf(w.facts, e)
      told(w, e, values => {
        const value = valueOf(e, values)
        return value !== undefined && (Number(value) < low || Number(value) > high)
      })
    }), runs)
  })
  it('the same value is the same', () => {
    fc.assert(fc.property(world, numberExpr(2), numberExpr(2), (w, a, b) => {
      const simplified = simplify(w.facts, a)
      if (sameValue(w.facts, a, b)) told(w, a, values => {
        const x = valueOf(a, values), y = valueOf(b, values)
        return x !== undefined && y !== undefined && x !== y
      })
      if (simplified !== a && sameValue(w.facts, simplified, b)) told(w, simplified, values => {
        const x = valueOf(simplified, values), y = valueOf(b, values)
        return x !== undefined && y !== undefined && x !== y
      })
    }), runs)
  })
})
