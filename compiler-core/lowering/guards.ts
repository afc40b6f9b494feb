/**
 * Bounds of accesses become explicit, before anything is fused: the predicate is that of the schedule's own tensors and
 * stays with the access whatever it is rewritten to.
 *
 *     sa[i, p] = a[r, bi * 128 + i, p] ?? 0      sa[i, p] = if bi * 128 + i < m then a[r, bi * 128 + i, p] else 0
 *     c[r, i, j] =? acc[i, j]               ->   if i < m && j < n { c[r, i, j] = acc[i, j] }
 *     acc[i, j] = 0                              acc[i, j] = 0, proved; or else an error
 *
 * Only what cannot be proved becomes a condition. An access without a guard must be proved to lie inside.
 */
import { and, binary, cast, constant, select, withOrigins } from '../ir/build.ts'
import { rangeOf } from '../ir/facts.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr, Program } from '../ir/ir.ts'
import { joinOrigins, type Origins } from '../ir/origin.ts'
import { printExpr } from '../ir/print.ts'
import { prove } from '../ir/prove.ts'
import { findingList } from './finding-list.ts'
import { mapInScope, plainRange, rewriteProgram, type Scope } from './scope.ts'

/** No access of the result is guarded. Errors: `out-of-bounds`. */
export function explicitBounds(program: Program): { program: Program; findings: readonly Finding[] } {
  const findings = findingList()
  const rewritten = rewriteProgram(program, {
    expr: (e, scope) => mapInScope(e, scope, (node, here) => {
      if (node.kind !== 'load') return node
      const open = openBounds(node.buffer, node.indices, node.origins, here)
      if (node.outside === undefined) {
        open.forEach(bound => { findings.add(outOfBounds(node.buffer, node.indices, bound, node.origins, here, '`??`')) })
        return node
      }
      const bare = { ...node, outside: undefined }
      if (open.some(b => b.never)) return withOrigins(node.outside, joinOrigins(node.outside.origins, node.origins))
      return open.length === 0 ? bare : select(and(...open.map(b => b.condition)), bare, node.outside, node.origins)
    }),
    stmt: (s, scope) => {
      if (s.kind !== 'store' && !(s.kind === 'effect' && s.effect === 'atomic_add')) return s
      const open = openBounds(s.buffer, s.indices, s.origins, scope)
      if (s.kind === 'effect' || !s.guarded) {
        const advice = s.kind === 'store' ? '`=?`' : '`if`'
        open.forEach(bound => { findings.add(outOfBounds(s.buffer, s.indices, bound, s.origins, scope, advice)) })
        return s
      }
      const bare = { ...s, guarded: false }
      if (open.some(b => b.never)) return []
      if (open.length === 0) return bare
      return { kind: 'if', condition: and(...open.map(b => b.condition)), then: [bare], otherwise: [], origins: s.origins }
    }
  })
  return { program: rewritten, findings: findings.all() }
}

interface OpenBound {
  readonly axis: number
  readonly condition: Expr
  /** It is proved that the condition never holds. */
  readonly never: boolean
}

/** The bounds of an access that are not proved. */
function openBounds(buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope): OpenBound[] {
  return buffer.shape.flatMap((extent, axis) => {
    const index = cast(indices[axis] ?? constant(0), 'index')
    const zero = constant(0, 'index', origins)
    const { low, high } = plainRange(index, scope)
    const open = (condition: Expr): OpenBound[] => {
      const proved = prove(scope.facts(), condition)
      return proved === true ? [] : [{ axis, condition, never: proved === false }]
    }
    return [
      ...low >= 0 ? [] : open(binary('<=', zero, index, origins)),
      ...extent.kind === 'constant' && high < Number(extent.value) ? [] : open(binary('<', index, extent, origins))
    ]
  })
}

function outOfBounds(
  buffer: Buffer, indices: readonly Expr[], bound: OpenBound, origins: Origins, scope: Scope, guard: string
): Finding {
  const index = indices[bound.axis] ?? constant(0), extent = buffer.shape[bound.axis] ?? constant(1)
  const which = indices.length > 1 ? `index ${bound.axis}, \`${printExpr(index)}\`,` : `the index \`${printExpr(index)}\``
  const access = `\`${buffer.name}[${indices.map(printExpr).join(', ')}]\``
  const { low, high } = rangeOf(scope.facts(), index)
  const range = Number.isFinite(low) && Number.isFinite(high) ? `ranges over ${low} to ${high}`
    : Number.isFinite(low) ? `is at least ${low}, with no upper bound that is known`
    : Number.isFinite(high) ? `is at most ${high}, with no lower bound that is known` : 'has no range that is known'
  return {
    code: 'out-of-bounds', severity: 'error', origins, related: [],
    message: `${access} ${bound.never ? 'lies outside' : 'may lie outside'} of \`${buffer.name}\`: ${which} ${range}, and the extent is \`${printExpr(extent)}\`. Guard the access with ${guard}, or narrow the index.`
  }
}
