/**
 * Layouts disappear: each access has one index, an offset into the buffer's cells.
 *
 *     c[r, i, j]                c: f32[4, 128, 64]                      c[r * 8192 + i * 64 + j]
 *     c[r, i, j]                c: f32[batch, m, n]                     c[(r * m + i) * n + j]
 *     acc[i, j]                 in local(4, 8) * row_major(4, 4)   ->   acc[i1 * 4 + j1]
 *
 * The offset in a register tensor is simplified until only loops are left; those are unrolled, since registers have no
 * addresses. Whether the thread holds the element is checked beside it (ownership.ts).
 */
import { binary, cast, constant, indexArithmetic, withOrigins } from '../ir/build.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr, Program, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { printExpr } from '../ir/print.ts'
import { simplify } from '../ir/simplify.ts'
import { equalExpr, forEachStmt, freeVariables } from '../ir/visit.ts'
import { offset } from '../mapping/layout.ts'
import { findingList } from './finding-list.ts'
import { isKnown, linearExpr } from './linear.ts'
import { rewriteStatements } from './rewrite.ts'
import { ownership } from './ownership.ts'
import { lookedThrough, mapInScope, rewriteProgram, type Scope } from './scope.ts'

/** Each access has one index. Errors: `not-held`, `dynamic-register`. */
export function flattenAccesses(program: Program): { program: Program; findings: readonly Finding[] } {
  const findings = findingList()
  const unrollable = unrollableLoops(program), needed = new Set<Variable>(), owned = ownership()

  // `acc[i, j] += x` reads and writes one element
  const last = new Map<Buffer, { readonly indices: readonly Expr[]; readonly at: Expr }>()
  const cell = (buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope): Expr => {
    const known = last.get(buffer)
    if (known?.indices.every((e, n) => equalExpr(e, indices[n] ?? e))) return withOrigins(known.at, origins)
    const at = cellOf(buffer, indices, origins, scope)
    last.set(buffer, { indices, at })
    return at
  }

  const cellOf = (buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope): Expr => {
    if (buffer.scope !== 'register') return placedOffset(buffer, indices, origins, scope)
    const problem = owned.check(buffer, indices, origins, scope)
    if (problem) {
      findings.add(problem)
      return cellOffset(buffer, indices, origins)
    }
    const at = digitOffset(buffer, indices, origins, scope, unrollable)
      ?? simplify(scope.facts(), cellOffset(buffer, indices.map(i => lookedThrough(i, scope.names)), origins))
    for (const v of freeVariables(at)) {
      if (unrollable.has(v)) needed.add(v)
      else findings.add(dynamicRegister(buffer, indices, v, origins))
    }
    return at
  }
  const flat = rewriteProgram(program, {
    expr: (e, scope) => mapInScope(e, scope, (node, here) => node.kind === 'load'
      ? { ...node, indices: [cell(node.buffer, node.indices, node.origins, here)] }
      : node),
    stmt: (s, scope) => s.kind === 'store' || (s.kind === 'effect' && s.effect === 'atomic_add')
      ? { ...s, indices: [cell(s.buffer, s.indices, s.origins, scope)] }
      : s
  })
  const unrolled = rewriteStatements(flat, s => s.kind === 'for' && needed.has(s.variable) && s.unroll === 'automatic'
    ? { ...s, unroll: 'full' }
    : s)
  return { program: unrolled, findings: findings.all() }
}

/** Loops that may be unrolled fully: of a known extent, and without a word that says otherwise. */
function unrollableLoops(program: Program): ReadonlySet<Variable> {
  const variables = new Set<Variable>()
  for (const k of program.kernels) {
    forEachStmt(k.body, s => {
      const allowed = s.kind === 'for' && (s.unroll === 'full' || s.unroll === 'automatic')
      if (allowed && s.extent.kind === 'constant') variables.add(s.variable)
    })
  }
  return variables
}

function cellOffset(buffer: Buffer, indices: readonly Expr[], origins: Origins): Expr {
  const whole = indices.map(e => cast(e, 'index'))
  if (buffer.layout) return offset(buffer.layout, whole, indexArithmetic(origins))
  if (buffer.shape.slice(1).every(e => e.kind === 'constant')) {
    let stride = 1
    return buffer.shape.map((extent, axis) => ({ extent, index: whole[axis] ?? constant(0) })).reverse()
      .flatMap(({ extent, index }) => {
        const term = isOne(extent) ? [] : [binary('*', index, constant(stride), origins)]
        stride *= extent.kind === 'constant' ? Number(extent.value) : 1
        return term
      })
      .reverse()
      .reduce<Expr>((sum, term) => binary('+', sum, term, origins), constant(0, 'index', origins))
  }
  return buffer.shape.reduce<Expr>((sum, extent, axis) => {
    const scaled = binary('*', sum, extent, origins)
    return isOne(extent) ? sum : binary('+', scaled, whole[axis] ?? constant(0), origins)
  }, constant(0, 'index', origins))
}

/** By digits; undefined where others than those of unrolled loops are left. */
function digitOffset(
  buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope, unrollable: ReadonlySet<Variable>
): Expr | undefined {
  const { open } = scope.names
  const digits = indices.map(open.of)
  if (!digits.every(isKnown)) return undefined
  const whole = buffer.layout ? offset(buffer.layout, digits, open.arithmetic)
    : open.of(cellOffset(buffer, indices, origins))
  if (!isKnown(whole)) return undefined
  const loops = whole.terms.every(t => [...freeVariables(t.digit)].every(v => unrollable.has(v)))
  return loops ? linearExpr(whole, origins) : undefined
}

/** Layouts of more than strides take an index apart: where it is made of digits, these are sorted out at once. */
function placedOffset(buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope): Expr {
  const { layout } = buffer, { kept } = scope.names
  if (!layout || layout.kind === 'strided') return cellOffset(buffer, indices, origins)
  const digits = indices.map(i => kept.of(cast(i, 'index')))
  const whole = digits.every(isKnown) ? offset(layout, digits, kept.arithmetic) : undefined
  return whole && isKnown(whole) ? linearExpr(whole, origins) : cellOffset(buffer, indices, origins)
}

/** The only index along such an axis is 0. */
function isOne(extent: Expr): boolean {
  return extent.kind === 'constant' && extent.value === 1
}

function dynamicRegister(buffer: Buffer, indices: readonly Expr[], by: Variable, origins: Origins): Finding {
  const advice = by.role === 'loop'
    ? 'Its loop must have an extent that is known, and be unrolled (`unroll for`)'
    : 'Use shared memory, or an index that unrolled loops decide'
  return {
    code: 'dynamic-register', severity: 'error', origins, related: [],
    message: `\`${buffer.name}[${indices.map(printExpr).join(', ')}]\` is a register whose number depends on \`${by.name}\`, and registers have no addresses. ${advice}.`
  }
}
