/**
 * What is wrong with an operator itself: reads outside of its tensors, declared inverse maps that do not hold. Fusion
 * relies on both.
 *
 *     y[i < 56] = x[i + 1]        out-of-bounds: `x[i + 1]` may lie outside of `x`: ...
 */
import { openBounds, outOfBounds } from '../ir/bounds.ts'
import type { Facts } from '../ir/facts.ts'
import type { Finding } from '../ir/finding.ts'
import type { Expr } from '../ir/ir.ts'
import { childrenOf } from '../ir/visit.ts'
import { checkInverses } from './classify.ts'
import type { OperatorInstance } from './definition.ts'
import { axisFacts, factsWithin } from './inline.ts'

export function checkOperator(instance: OperatorInstance): readonly Finding[] {
  const reads = [...instance.stages, ...instance.outputs].flatMap(d => readsOutside(d.value, axisFacts(d.axes)))
  return [...reads, ...checkInverses(instance)]
}

/** Reads without `??` that are not proved to lie inside. */
function readsOutside(e: Expr, facts: Facts): readonly Finding[] {
  const inner = childrenOf(e).flatMap((child, i) => readsOutside(child, factsWithin(e, i, facts)))
  if (e.kind !== 'load' || e.outside !== undefined) return inner
  const [open] = openBounds(e.buffer, e.indices, e.origins, () => facts)
  return open ? [...inner, outOfBounds(facts, e.buffer, e.indices, open, e.origins, '`??`')] : inner
}
