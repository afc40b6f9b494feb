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
import { outOfBounds, type OpenBound } from '../ir/bounds.ts'
import { and, binary, cast, constant, select, withOrigins } from '../ir/build.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr, Program } from '../ir/ir.ts'
import { joinOrigins, type Origins } from '../ir/origin.ts'
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
        open.forEach(bound => { findings.add(outOfBounds(here.facts(), node.buffer, node.indices, bound, node.origins, '`??`')) })
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
        const { buffer, indices, origins } = s
        open.forEach(bound => { findings.add(outOfBounds(scope.facts(), buffer, indices, bound, origins, advice)) })
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

/** As `openBounds` of `ir/bounds.ts`, but the prover is asked only where plain ranges do not decide. */
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
