/**
 * Walks a kernel and says at each place what is known there: ranges of loops and threads, values of names, conditions
 * that hold. Every pass that proves or simplifies something stands on this walk.
 *
 *     let i = threadIdx.x % 8
 *     if i < n { y[i] = 0 }            at the store: 0 <= i <= 7, i < n
 *
 * What depends on a variable that changes is known until the variable changes; what depends on memory is not used.
 */
import { binary, conjuncts, constant, not } from '../ir/build.ts'
import { assuming, kernelFacts, rangeOf, withLet, withRange, type Facts } from '../ir/facts.ts'
import { dimensions, blockIdx, type Expr, type Kernel, type Program, type Stmt, type Variable } from '../ir/ir.ts'
import { bodiesOf, changedIn, freeVariables, mapBodies, mapChildren, mapOwnExprs, someExpr } from '../ir/visit.ts'

export interface Scope {
  readonly facts: Facts
  /** What the facts were made of since the kernel's beginning, in order. */
  readonly steps: readonly Step[]
  readonly start: Facts
  /** Only assumed, to see whether an invariant holds: no others are looked for. */
  readonly trying: boolean
}

interface Step {
  readonly learn: (facts: Facts) => Facts
  /** The changing variables that it speaks of. */
  readonly mutable: readonly Variable[]
}

/** What a pass does at each place; the scope is that in front of the statement. */
export interface Rewrite {
  /** A whole expression of a statement. */
  readonly expr?: (e: Expr, scope: Scope) => Expr
  /** A statement whose expressions and bodies are rewritten already. */
  readonly stmt?: (s: Stmt, scope: Scope) => Stmt | readonly Stmt[]
}

export function rewriteProgram(program: Program, rewrite: Rewrite): Program {
  const kernels = program.kernels.map(k => {
    const body = rewriteBody(k.body, kernelScope(k, program), rewrite)
    return body === k.body ? k : { ...k, body }
  })
  return kernels.every((k, i) => k === program.kernels[i]) ? program : { ...program, kernels }
}

export function rewriteBody(body: readonly Stmt[], scope: Scope, rewrite: Rewrite): readonly Stmt[] {
  const { expr, stmt } = rewrite
  let here = scope
  const results: Array<Stmt | readonly Stmt[]> = []
  body.forEach((s, n) => {
    const place = ownScope(s, here)
    const own = expr ? mapOwnExprs(s, e => expr(e, place)) : s
    const bodies = enteredScopes(own, here)
    let next = 0
    const whole = mapBodies(own, b => rewriteBody(b, bodies[next++] ?? here, rewrite))
    results.push(stmt ? stmt(whole, here) : whole)
    here = scopeAfter(whole, here, body.slice(n + 1))
  })
  return results.every((result, n) => result === body[n]) ? body : results.flat()
}

/** The scope in front of each statement, for passes that only look. */
export function visitBody(body: readonly Stmt[], scope: Scope, visit: (s: Stmt, scope: Scope) => void): void {
  let here = scope
  body.forEach((s, n) => {
    visit(s, ownScope(s, here))
    const inner = enteredScopes(s, here)
    bodiesOf(s).forEach((b, i) => { visitBody(b, inner[i] ?? here, visit) })
    here = scopeAfter(s, here, body.slice(n + 1))
  })
}

/**
 * From the leaves to the root, with what is known where the node is evaluated: a side of a `select` under its
 * condition, the right of `&&` under its left.
 */
export function mapInScope(e: Expr, scope: Scope, f: (e: Expr, scope: Scope) => Expr): Expr {
  if (e.kind === 'select') {
    const condition = mapInScope(e.condition, scope, f)
    const then = mapInScope(e.then, holding(scope, condition, true), f)
    const otherwise = mapInScope(e.otherwise, holding(scope, condition, false), f)
    const same = condition === e.condition && then === e.then && otherwise === e.otherwise
    return f(same ? e : { ...e, condition, then, otherwise }, scope)
  }
  if (e.kind === 'binary' && (e.operator === '&&' || e.operator === '||')) {
    const left = mapInScope(e.left, scope, f)
    const right = mapInScope(e.right, holding(scope, left, e.operator === '&&'), f)
    return f(left === e.left && right === e.right ? e : { ...e, left, right }, scope)
  }
  return f(mapChildren(e, child => mapInScope(child, scope, f)), scope)
}

// ---------------------------------------------------------------- scopes

/** No launch has more (CUDA programming guide, "Technical specifications per compute capability"). */
const mostBlocks = [2 ** 31 - 1, 65535, 65535]
/** The launch refuses longer tensors, so that one index always has 32 bits. */
const greatestExtent = 2 ** 31 - 1

export function kernelScope(kernel: Kernel, program: Program): Scope {
  let facts = kernelFacts(kernel)
  for (const extent of program.extents) facts = withRange(facts, extent, constant(1), constant(greatestExtent))
  dimensions.forEach((_, d) => {
    const block = blockIdx[d]
    if (block && kernel.grid[d]?.kind !== 'constant') {
      facts = withRange(facts, block, constant(0), constant((mostBlocks[d] ?? 1) - 1))
    }
  })
  return { facts, steps: [], start: facts, trying: false }
}

export function holding(scope: Scope, condition: Expr, truth: boolean): Scope {
  if (condition.kind === 'constant') return scope
  const parts = truth ? conjuncts(condition) : disjuncts(condition)
  const known = parts.filter(isPure)
  const all = !truth && known.length < parts.length ? [] : known
  return all.reduce((s, part) => learning(s, [part], facts => assuming(facts, part, truth)), scope)
}

function disjuncts(condition: Expr): readonly Expr[] {
  return condition.kind === 'binary' && condition.operator === '||'
    ? [...disjuncts(condition.left), ...disjuncts(condition.right)]
    : [condition]
}

/** Where the statement's own expressions are evaluated: the condition of a loop again and again. */
export function ownScope(s: Stmt, scope: Scope): Scope {
  return s.kind === 'while' ? forgetting(scope, changedIn(s.body).variables) : scope
}

/** In front of each body of the statement. */
export function enteredScopes(s: Stmt, scope: Scope): readonly Scope[] {
  switch (s.kind) {
    case 'for': {
      const last = binary('-', s.extent, constant(1))
      const inner = forgetting(scope, changedIn(s.body).variables)
      return [isPure(s.extent) ? learning(inner, [s.extent], facts =>
        withRange(facts, s.variable, constant(0), last)) : inner]
    }
    case 'tasks': {
      let inner = forgetting(scope, changedIn(s.body).variables)
      s.variables.forEach((v, axis) => {
        const last = constant((s.mapping.shape[axis] ?? 1) - 1)
        inner = learning(inner, [], facts => withRange(facts, v, constant(0), last))
      })
      return [holding(inner, binary('<', s.worker, constant(s.mapping.workers)), true)]
    }
    case 'while':
      return [holding(ownScope(s, scope), s.condition, true)]
    case 'if':
      return [holding(scope, s.condition, true), holding(scope, s.condition, false)]
    default:
      return []
  }
}

/** Behind the statement; `rest` stands there. */
export function scopeAfter(s: Stmt, scope: Scope, rest: readonly Stmt[]): Scope {
  switch (s.kind) {
    case 'let':
      return isPure(s.value) ? learning(scope, [s.value], facts => withLet(facts, s.variable, s.value)) : scope
    case 'declare':
      return withInvariant(s.variable, s.value, scope, rest)
    case 'assign':
      return forgetting(scope, new Set([s.variable]))
    case 'for': case 'tasks': case 'while':
      return forgetting(scope, changedIn(s.body).variables)
    case 'if': {
      const then = changedIn(s.then).variables, otherwise = changedIn(s.otherwise).variables
      const kept = forgetting(forgetting(scope, then), otherwise)
      const leaves = (body: readonly Stmt[]) => body.at(-1)?.kind === 'jump'
      if (leaves(s.then) && otherwise.size === 0) return holding(kept, not(s.condition), true)
      return leaves(s.otherwise) && then.size === 0 ? holding(kept, s.condition, true) : kept
    }
    default:
      return scope
  }
}

/**
 * A range that an index variable never leaves: assumed for all that follows, it holds for the first value and for all
 * that are assigned. First the ranges of those values are tried, then what a type holds.
 *
 *     var s = 0 ... s = (s + 1) % 3            0 .. 2
 *     var p = 0 ... while p < n { p = p + 32 } 0 .. 2^32 - 1
 */
function withInvariant(variable: Variable, value: Expr, scope: Scope, rest: readonly Stmt[]): Scope {
  if (variable.type !== 'index' || !isPure(value) || scope.trying) return scope
  const first = rangeOf(scope.facts, value)
  const kept = (range: Range): Scope =>
    learning(scope, [], facts => withRange(facts, variable, constant(range.low), constant(range.high)))
  let tight = first
  for (let round = 0; round < 3 && isFinite(tight); round++) {
    const next = [first, ...assignedRanges(variable, rest, kept(tight))].reduce(union, tight)
    if (within(next, tight)) return kept(tight)
    tight = next
  }
  const holds = (range: Range) =>
    within(first, range) && assignedRanges(variable, rest, kept(range)).every(r => within(r, range))
  const typed = typeRanges.find(holds)
  return typed ? kept(typed) : scope
}

type Range = ReturnType<typeof rangeOf>

/** Of `u32` and `i32`: what widths are made for. */
const typeRanges: readonly Range[] = [{ low: 0, high: 2 ** 32 - 1 }, { low: -(2 ** 31), high: 2 ** 31 - 1 }]

function assignedRanges(variable: Variable, rest: readonly Stmt[], scope: Scope): readonly Range[] {
  const ranges: Range[] = []
  visitBody(rest, { ...scope, trying: true }, (s, here) => {
    if (s.kind === 'assign' && s.variable === variable) ranges.push(rangeOf(here.facts, s.value))
    if (s.kind === 'effect' && s.effect === 'atomic_add' && s.old === variable) {
      ranges.push({ low: -Infinity, high: Infinity })
    }
  })
  return ranges
}

function isFinite(r: Range): boolean {
  return Number.isSafeInteger(r.low) && Number.isSafeInteger(r.high)
}

function within(inner: Range, outer: Range): boolean {
  return outer.low <= inner.low && inner.high <= outer.high
}

function union(a: Range, b: Range): Range {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
}

function learning(scope: Scope, from: readonly Expr[], learn: Step['learn']): Scope {
  const mutable = from.flatMap(e => [...freeVariables(e)].filter(v => v.role === 'mutable'))
  return { ...scope, facts: learn(scope.facts), steps: [...scope.steps, { learn, mutable }] }
}

function forgetting(scope: Scope, variables: ReadonlySet<Variable>): Scope {
  const stale = (step: Step) => step.mutable.some(v => variables.has(v))
  if (variables.size === 0 || !scope.steps.some(stale)) return scope
  const steps = scope.steps.filter(step => !stale(step))
  return { ...scope, facts: steps.reduce((facts, step) => step.learn(facts), scope.start), steps }
}

/** Its value follows from variables alone. */
function isPure(e: Expr): boolean {
  return !someExpr(e, x => x.kind === 'load' || x.kind === 'reduce'
    || (x.kind === 'call' && x.intrinsic.startsWith('shfl')))
}
