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
import { openBounds, outOfBounds, type OpenBound } from '../ir/bounds.ts'
import { and, select, withOrigins } from '../ir/build.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr, Program } from '../ir/ir.ts'
import { joinOrigins, type Origins } from '../ir/origin.ts'
import { findingList } from './finding-list.ts'
import { mapInScope, plainRange, rewriteProgram, type Scope } from './scope.ts'

/** No access of the result is guarded. Errors: `out-of-bounds`. */
export function explicitBounds(program: Program): { program: Program; findings: readonly Finding[] } {
  const findings = findingList()
  const rewritten = rewriteProgram(program, {
    expr: (e, scope) => mapInScope(e, scope, (node, here) => {
      if (node.kind !== 'load') return node
      const open = boundsAt(node, here)
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
      const open = boundsAt(s, scope)
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

interface Access { readonly buffer: Buffer; readonly indices: readonly Expr[]; readonly origins: Origins }

function boundsAt({ buffer, indices, origins }: Access, scope: Scope): readonly OpenBound[] {
  return openBounds(buffer, indices, origins, scope.facts, index => plainRange(index, scope))
}
