// The simplifier and the prover on what the SIMT matmul asks of them.
import { constant, indexArithmetic, ref } from '../../compiler-core/ir/build.ts'
import { noFacts, withLet, withRange, type Facts } from '../../compiler-core/ir/facts.ts'
import { threadIdx, type Expr, type Variable } from '../../compiler-core/ir/ir.ts'
import { prove } from '../../compiler-core/ir/prove.ts'
import { simplify } from '../../compiler-core/ir/simplify.ts'
import { forEachExpr } from '../../compiler-core/ir/visit.ts'
import { offset } from '../../compiler-core/mapping/layout.ts'
import { compose, registerLayout, repeat, spatial, taskAt, type Mapping } from '../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../compiler-core/mapping/result.ts'
import type { Bench } from '../harness/bench.ts'

function ok<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}

const a = indexArithmetic()
const loop = (name: string): Variable => ({ name, type: 'index', role: 'loop' })
const named = (name: string): Variable => ({ name, type: 'index', role: 'let' })

/** Offsets of registers, half of them for a step that is known: they collapse to the step. */
function registers(m: Mapping, count: number): { facts: () => Facts; exprs: readonly Expr[] } {
  const layout = ok(registerLayout(m)), k = loop('k')
  const exprs = Array.from({ length: count }, (_, i) =>
    offset(layout, taskAt(m, ref(threadIdx[0]), i % 2 === 0 ? ref(k) : constant(i), a), a))
  const facts = () => withRange(
    withRange(noFacts, threadIdx[0], constant(0), constant(m.workers - 1)), k, constant(0), constant(count - 1))
  return { facts, exprs }
}

/** Columns of the partial first tile and of a later one, for a symbolic k. */
function guards(): () => readonly (boolean | undefined)[] {
  const k: Variable = { name: 'k', type: 'index', role: 'extent' }
  const tiles = named('k_tiles'), first = named('first_k'), start = named('k0'), t = loop('t'), p = loop('p')
  const less = (left: Expr, right: Expr) => a.binary('<', left, right)
  const minus = (e: Expr, n: number) => a.binary('-', e, constant(n))
  const times = (e: Expr, n: number) => a.binary('*', e, constant(n))
  return () => {
    let facts = withLet(noFacts, tiles, a.binary('/', a.binary('+', ref(k), constant(7)), constant(8)))
    facts = withLet(facts, first, a.binary('-', ref(k), times(minus(ref(tiles), 1), 8)))
    facts = withRange(facts, t, constant(0), minus(ref(tiles), 2))
    facts = withRange(facts, p, constant(0), constant(7))
    facts = withLet(facts, start, a.binary('+', ref(first), times(ref(t), 8)))
    const column = a.binary('+', ref(start), ref(p))
    const conditions = [less(column, ref(k)), less(constant(-1), column), less(ref(p), ref(first))]
    return conditions.map(condition => prove(facts, condition))
  }
}

export default async function (bench: Bench): Promise<void> {
  const tile = ok(compose(ok(spatial([4, 2])), ok(repeat([2, 2])), ok(spatial([4, 8])), ok(repeat([4, 4]))))
  const { facts, exprs } = registers(tile, 32)
  let nodes = 0
  for (const e of exprs) forEachExpr(e, () => nodes++)
  await bench.time(`simplify ${nodes} nodes of register offsets`, () => {
    const known = facts()
    for (const e of exprs) simplify(known, e)
  }, { budget: 5 })
  const guarded = guards()
  await bench.time('prove two guards, leave one open', guarded, { budget: 1 })
}
