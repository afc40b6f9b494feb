/**
 * A barrier is reached by all threads of a block or by none.
 *
 *     if threadIdx.x < 32 { syncthreads() }                 an error
 *     for t in 0..n { if t == n - 1 { syncthreads() } }     right: no thread decides
 *     if threadIdx.x < 32 { return } ... syncthreads()      an error: some threads have left
 *
 * A value varies if it follows from `threadIdx`, from a thread's registers or from a shuffle, or was assigned where not
 * all threads come. What is read from global or shared memory at the same place is the same for all threads.
 */
import type { Finding } from '../ir/finding.ts'
import type { Expr, Kernel, Program, Stmt, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { prove } from '../ir/prove.ts'
import { printExpr } from '../ir/print.ts'
import { binary, constant } from '../ir/build.ts'
import { bodiesOf, childrenOf, forEachStmt } from '../ir/visit.ts'
import { tasksPerWorker } from '../mapping/mapping.ts'
import { findingList, type FindingList } from './finding-list.ts'
import { enteredScopes, kernelScope, ownScope, rangeIn, rangeOfVariable, scopeAfter, type Scope } from './scope.ts'

/** Errors: `divergent-barrier`. */
export function checkBarriers(program: Program): readonly Finding[] {
  const findings = findingList()
  for (const kernel of program.kernels) {
    const varying = varyingVariables(kernel)
    walk(kernel.body, kernelScope(kernel), { varying, findings, reports: true }, undefined)
  }
  return findings.all()
}

/** Why not all threads come here. */
interface Divergence { readonly condition: Expr; readonly origins: Origins }

interface Walk {
  readonly varying: Set<Variable>
  readonly findings: FindingList
  readonly reports: boolean
}

/** Where threads part for longer than a statement: until a turn of the loop ends, the loop, or the kernel. */
interface Exits {
  readonly turn: Divergence | undefined
  readonly loop: Divergence | undefined
  readonly kernel: Divergence | undefined
}

const noExits: Exits = { turn: undefined, loop: undefined, kernel: undefined }

/** Until no more variables vary: an assignment late in a loop is seen early in the next turn. */
function varyingVariables(kernel: Kernel): Set<Variable> {
  const varying = new Set<Variable>(), findings = findingList()
  const scope = kernelScope(kernel)
  for (let known = -1; known < varying.size;) {
    known = scope.names.anyMutable ? varying.size : Infinity
    walk(kernel.body, scope, { varying, findings, reports: false }, undefined)
  }
  return varying
}

function walk(body: readonly Stmt[], scope: Scope, w: Walk, around: Divergence | undefined): Exits {
  let here = scope, exits = noExits
  body.forEach((s, n) => {
    exits = firstOf(exits, step(s, here, w, around ?? exits.kernel ?? exits.loop ?? exits.turn))
    here = scopeAfter(s, here, body, n)
  })
  return exits
}

function step(s: Stmt, scope: Scope, w: Walk, around: Divergence | undefined): Exits {
  const [first, second] = enteredScopes(s, scope)
  switch (s.kind) {
    case 'let':
      if (varies(s.value, scope, w)) w.varying.add(s.variable)
      return noExits
    case 'declare': case 'assign':
      if (around || varies(s.value, scope, w)) w.varying.add(s.variable)
      return noExits
    case 'effect':
      if (s.effect === 'atomic_add' && s.old) w.varying.add(s.old)
      return noExits
    case 'barrier':
      report(s, '`syncthreads()`', w, around)
      return noExits
    case 'allocate':
      if (s.buffer.scope === 'shared' && s.value) report(s, 'setting shared memory, which ends with a barrier,', w, around)
      return noExits
    case 'jump':
      if (!around) return noExits
      return { ...noExits, [s.to === 'return' ? 'kernel' : s.to === 'break' ? 'loop' : 'turn']: around }
    case 'if': {
      const parted = around ?? (matters(s.then) || matters(s.otherwise)
        ? divergence(s.condition, s.origins, scope, w)
        : undefined)
      return firstOf(walk(s.then, first ?? scope, w, parted), walk(s.otherwise, second ?? scope, w, parted))
    }
    case 'while':
      return loop(s.body, first ?? scope, w, around ?? divergence(s.condition, s.origins, ownScope(s, scope), w))
    case 'for':
      return loop(s.body, first ?? scope, w, around ?? (varies(s.extent, scope, w)
        ? { condition: s.extent, origins: s.origins }
        : undefined))
    case 'tasks': {
      if (!varies(s.worker, scope, w)) return loop(s.body, first ?? scope, w, around)
      for (const v of s.variables) w.varying.add(v)
      const all = !matters(s.body) || (tasksPerWorker(s.mapping) !== undefined
        && rangeIn(s.worker, scope, r => r.high < s.mapping.workers).high < s.mapping.workers)
      const limit = binary('<', s.worker, constant(s.mapping.workers))
      return loop(s.body, first ?? scope, w, around ?? (all ? undefined : { condition: limit, origins: s.origins }))
    }
    case 'store': case 'copy':
      return noExits
  }
}

/** Threads that leave the loop miss its next turns. */
function loop(body: readonly Stmt[], scope: Scope, w: Walk, around: Divergence | undefined): Exits {
  const quiet = mayLeave(body) ? walk(body, scope, { ...w, reports: false }, around) : noExits
  walk(body, scope, w, around ?? quiet.loop ?? quiet.kernel)
  return { ...noExits, kernel: quiet.kernel }
}

function mayLeave(body: readonly Stmt[]): boolean {
  return body.some(s => s.kind === 'jump' || bodiesOf(s).some(mayLeave))
}

/** Is there something that all threads must reach, or that makes them part or differ? */
function matters(body: readonly Stmt[]): boolean {
  let found = false
  forEachStmt(body, s => {
    found ||= s.kind === 'barrier' || s.kind === 'jump' || s.kind === 'assign' || s.kind === 'declare'
      || (s.kind === 'allocate' && s.buffer.scope === 'shared')
  })
  return found
}

function divergence(condition: Expr, origins: Origins, scope: Scope, w: Walk): Divergence | undefined {
  if (!varies(condition, scope, w) || prove(scope.facts(), condition) !== undefined) return undefined
  return { condition, origins: condition.origins.length > 0 ? condition.origins : origins }
}

function varies(e: Expr, scope: Scope, w: Walk): boolean {
  switch (e.kind) {
    case 'variable': {
      if (e.variable.role !== 'thread') return w.varying.has(e.variable)
      const { low, high } = rangeOfVariable(e.variable, scope.names)
      return low !== high
    }
    case 'load': return e.buffer.scope === 'register' || childrenOf(e).some(c => varies(c, scope, w))
    case 'call': return e.intrinsic.startsWith('shfl') || e.args.some(c => varies(c, scope, w))
    default: return childrenOf(e).some(c => varies(c, scope, w))
  }
}

function report(s: Stmt, what: string, w: Walk, around: Divergence | undefined): void {
  if (!around || !w.reports) return
  const condition = printExpr(around.condition)
  w.findings.add({
    code: 'divergent-barrier', severity: 'error', origins: s.origins,
    message: `Not all threads of a block reach ${what} here: \`${condition}\` differs between them. Move it out, or let a condition decide that is the same for the whole block.`,
    related: [{ origins: around.origins, message: `\`${condition}\` differs between threads.` }]
  })
}

function firstOf(a: Exits, b: Exits): Exits {
  return { turn: a.turn ?? b.turn, loop: a.loop ?? b.loop, kernel: a.kernel ?? b.kernel }
}
