/**
 * Whether accesses lie inside of a tensor's declared shape, and what is said where that is not proved.
 *
 *     x[i - 1], x: f32[56], 0 <= i < 58      open: 0 <= i - 1, i - 1 < 56
 *     x[i, j], x: f32[4, 6], 0 <= i < 4      open: 0 <= j, j < 6
 */
import { binary, cast, constant } from './build.ts'
import { rangeOf, type Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import type { Buffer, Expr } from './ir.ts'
import type { Interval } from './knowledge.ts'
import type { Origins } from './origin.ts'
import { printExpr } from './print.ts'
import { prove } from './prove.ts'

export interface OpenBound {
  readonly axis: number
  /** Holds inside. */
  readonly condition: Expr
  /** It is proved that the condition never holds. */
  readonly never: boolean
}

/**
 * The bounds of an access that are not proved. `plain`: a range of an index that is cheap to know; the prover is asked
 * only where it does not decide.
 */
export function openBounds(
  buffer: Buffer, indices: readonly Expr[], origins: Origins, facts: () => Facts,
  plain: (index: Expr) => Interval = index => rangeOf(facts(), index)
): readonly OpenBound[] {
  return buffer.shape.flatMap((extent, axis) => {
    const index = cast(indices[axis] ?? constant(0), 'index')
    const zero = constant(0, 'index', origins)
    const isInside: readonly ((range: Interval) => boolean)[] = [
      ({ low }) => low >= 0, ({ high }) => extent.kind === 'constant' && high < Number(extent.value)
    ]
    const conditions = [binary('<=', zero, index, origins), binary('<', index, extent, origins)]
    const range = plain(index)
    return conditions.flatMap((condition, side): readonly OpenBound[] => {
      if (isInside[side]!(range)) return []
      const proved = prove(facts(), condition)
      // of quotients of what conditions bound, the range knows more than the prover
      if (proved === true || (proved === undefined && isInside[side]!(rangeOf(facts(), index)))) return []
      return [{ axis, condition, never: proved === false }]
    })
  })
}

/** What is wrong with an access one of whose bounds is open. `guard`: what would guard it, as it is written. */
export function outOfBounds(
  facts: Facts, buffer: Buffer, indices: readonly Expr[], bound: OpenBound, origins: Origins, guard: string
): Finding {
  const index = indices[bound.axis] ?? constant(0), extent = buffer.shape[bound.axis] ?? constant(1)
  const which = indices.length > 1 ? `index ${bound.axis}, \`${printExpr(index)}\`,` : `the index \`${printExpr(index)}\``
  const access = `\`${buffer.name}[${indices.map(i => printExpr(i)).join(', ')}]\``
  const { low, high } = rangeOf(facts, index)
  const range = Number.isFinite(low) && Number.isFinite(high) ? `ranges over ${low} to ${high}`
    : Number.isFinite(low) ? `is at least ${low}, with no upper bound that is known`
    : Number.isFinite(high) ? `is at most ${high}, with no lower bound that is known` : 'has no range that is known'
  const lies = bound.never ? 'lies outside' : 'may lie outside'
  const advice = `Guard the access with ${guard}, or narrow the index.`
  return {
    code: 'out-of-bounds', severity: 'error', origins, related: [],
    message: `${access} ${lies} of \`${buffer.name}\`: ${which} ${range}, and the extent is \`${printExpr(extent)}\`. ${advice}`
  }
}
