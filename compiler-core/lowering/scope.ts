/**
 * Walks a kernel and says at each place what is known there: ranges of loops and threads, values of names, conditions
 * that hold. Every pass that proves or simplifies something stands on this walk.
 *
 *     let i = threadIdx.x % 8
 *     if i < n { y[i] = 0 }            at the store: 0 <= i <= 7, i < n
 *
 * What depends on a variable that changes is known until the variable changes; what depends on memory is not used.
 * Facts cost time, so they are made where a pass asks for them, and remembered for the passes behind it; ranges and
 * values of single variables are there at once.
 */
import { binary, conjuncts, constant, not, ref } from '../ir/build.ts'
import { assuming, kernelFacts, noFacts, rangeOf, withLet, withRange, type Facts } from '../ir/facts.ts'
import {
  blockIdx, threadIdx,
  type Constant, type Expr, type Kernel, type Program, type Stmt, type Variable
} from '../ir/ir.ts'
import {
  bodiesOf, changedIn, forEachExpr, forEachStmt, freeVariables, mapBodies, mapChildren, mapExpr, mapOwnExprs,
  someExpr
} from '../ir/visit.ts'
import { linears, multipleOf, type Linears } from './linear.ts'
import { anyNumber, intervalOf, union, type Interval } from './intervals.ts'

export interface Scope {
  readonly facts: () => Facts
  readonly names: Names
  /** What the facts are made of: this step behind those of the scope around. */
  readonly around: Scope | undefined
  readonly mutable: readonly Variable[]
  readonly learn: (facts: Facts) => Facts
  /** Conditions that hold here. */
  readonly guards: readonly Expr[]
  /** Variables whose value they say. */
  readonly fixed: ReadonlyMap<Variable, Constant>
  /** Only assumed, to see whether an invariant holds: no others are looked for. */
  readonly trying: boolean
}

/** Of variables that were met on the walk; each is defined once. */
export interface Names {
  readonly ranges: Map<Variable, Interval>
  /** Of names whose value follows from variables that never change. */
  readonly values: Map<Variable, Expr>
  /** Of names that lowering made for an index that moves with loops. */
  readonly sums: Map<Variable, Expr>
  /** Of names that stand for a quotient or a rest. */
  readonly digitValues: Map<Variable, Expr>
  /** Indices as sums of digits: with names looked through, and with names as digits. */
  readonly open: Linears
  readonly kept: Linears
  /** With those names looked through that stand for a digit of something. */
  readonly digits: Linears
  /** Has the kernel variables that change? */
  readonly anyMutable: boolean
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
    const body = rewriteBody(k.body, kernelScope(k), rewrite)
    return body === k.body ? k : { ...k, body }
  })
  return kernels.every((k, i) => k === program.kernels[i]) ? program : { ...program, kernels }
}

function rewriteBody(body: readonly Stmt[], scope: Scope, rewrite: Rewrite): readonly Stmt[] {
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
    here = scopeAfter(whole, here, body, n)
  })
  return results.every((result, n) => result === body[n]) ? body : results.flat()
}

/** The scope in front of each statement, for passes that only look. */
function visitBody(body: readonly Stmt[], scope: Scope, visit: (s: Stmt, scope: Scope) => void): void {
  let here = scope
  body.forEach((s, n) => {
    visit(s, ownScope(s, here))
    const inner = enteredScopes(s, here)
    bodiesOf(s).forEach((b, i) => { visitBody(b, inner[i] ?? here, visit) })
    here = scopeAfter(s, here, body, n)
  })
}

/**
 * From the leaves to the root, with what is known where the node is evaluated: a side of a `select` under its
 * condition, the right of `&&` under its left.
 */
export function mapInScope(e: Expr, scope: Scope, f: (e: Expr, scope: Scope) => Expr): Expr {
  if (e.kind === 'select') {
    const condition = mapInScope(e.condition, scope, f)
    const then = mapInScope(e.then, holding(scope, condition, true, 'expression'), f)
    const otherwise = mapInScope(e.otherwise, holding(scope, condition, false, 'expression'), f)
    const same = condition === e.condition && then === e.then && otherwise === e.otherwise
    return f(same ? e : { ...e, condition, then, otherwise }, scope)
  }
  if (e.kind === 'binary' && (e.operator === '&&' || e.operator === '||')) {
    const left = mapInScope(e.left, scope, f)
    const right = mapInScope(e.right, holding(scope, left, e.operator === '&&', 'expression'), f)
    return f(left === e.left && right === e.right ? e : { ...e, left, right }, scope)
  }
  return f(mapChildren(e, child => mapInScope(child, scope, f)), scope)
}

// ---------------------------------------------------------------- ranges

/** A range that needs no proof; see `rangeIn`. */
export function plainRange(e: Expr, { names }: Scope): Interval {
  return intervalOf(e, v => rangeOfVariable(v, names))
}

/** The range of an index: a plain one if it is good enough, else what the facts tell. */
export function rangeIn(e: Expr, scope: Scope, isEnough: (range: Interval) => boolean): Interval {
  const plain = plainRange(e, scope)
  return isEnough(plain) ? plain : rangeOf(scope.facts(), e)
}

export function rangeOfVariable(v: Variable, names: Names): Interval {
  let range = names.ranges.get(v)
  if (!range) names.ranges.set(v, range = v.role === 'mutable' ? anyNumber : rangeOf(noFacts, ref(v)))
  return range
}

/** May conditions here say more of the index than its variables do? */
export function isGuarded(e: Expr, { guards, names }: Scope): boolean {
  if (guards.length === 0) return false
  const own = variablesBehind(e, names)
  return guards.some(g => [...variablesBehind(g, names)].some(v => own.has(v)))
}

/** With those that its names stand for. */
function variablesBehind(e: Expr, names: Names, found = new Set<Variable>()): ReadonlySet<Variable> {
  forEachExpr(e, x => {
    if (x.kind !== 'variable' || found.has(x.variable)) return
    found.add(x.variable)
    const value = names.values.get(x.variable)
    if (value) variablesBehind(value, names, found)
  })
  return found
}

/** The expression with the values of all names in their place that have lasting ones. */
export function lookedThrough(e: Expr, names: Names): Expr {
  return mapExpr(e, x => {
    const value = x.kind === 'variable' ? names.values.get(x.variable) : undefined
    return value ? lookedThrough(value, names) : x
  })
}

// ---------------------------------------------------------------- scopes

export function kernelScope(kernel: Kernel): Scope {
  const values = new Map<Variable, Expr>(), sums = new Map<Variable, Expr>(), digits = new Map<Variable, Expr>()
  const names: Names = {
    ranges: new Map(), values, sums, digitValues: digits, anyMutable: hasMutable(kernel.body),
    open: linears(v => rangeOfVariable(v, names), v => values.get(v), () => 1),
    kept: linears(v => rangeOfVariable(v, names), v => sums.get(v), v =>
      values.has(v) ? multipleOf(names.open.of(ref(v))) : 1),
    digits: linears(v => rangeOfVariable(v, names), v => digits.get(v), () => 1)
  }
  threadIdx.forEach((v, d) => { names.ranges.set(v, { low: 0, high: (kernel.block[d] ?? 1) - 1 }) })
  blockIdx.forEach((v, d) => {
    const blocks = kernel.grid[d]
    if (blocks?.kind === 'constant') names.ranges.set(v, { low: 0, high: Number(blocks.value) - 1 })
  })
  const learn = () => remembered(beginning, kernel.grid, kernel.block, () => kernelFacts(kernel))
  return scopeOf({ names, around: undefined, mutable: [], learn, guards: [], fixed: new Map(), trying: false })
}

function hasMutable(body: readonly Stmt[]): boolean {
  let found = false
  forEachStmt(body, s => { found ||= s.kind === 'declare' || s.kind === 'assign' || s.kind === 'effect' })
  return found
}

function scopeOf({ names, around, mutable, learn, guards, fixed, trying }: Omit<Scope, 'facts'>): Scope {
  let facts: Facts | undefined
  return {
    names, around, mutable, learn, guards, fixed, trying,
    facts: () => facts ??= learn(around?.facts() ?? noFacts)
  }
}

/** Facts are not copied: they would have to be made for it. */
function derived(s: Scope, more: Partial<Omit<Scope, 'facts'>>): Scope {
  const { names, around, mutable, learn, guards, fixed, trying } = s
  return scopeOf({ names, around, mutable, learn, guards, fixed, trying, ...more })
}

/** Facts by what they were made of, so that a pass finds those of the pass before: those for `key` are kept once. */
const followers = new WeakMap<object, WeakMap<object, { readonly by: object; readonly facts: Facts }>>()
const beginning = {}

function remembered(from: object, key: object, by: object, make: () => Facts): Facts {
  let known = followers.get(from)
  if (!known) followers.set(from, known = new WeakMap())
  let entry = known.get(key)
  if (entry?.by !== by) known.set(key, entry = { by, facts: make() })
  return entry.facts
}

/** `within`: an expression, in which memory does not change, or statements, which may change it. */
export function holding(
  scope: Scope, condition: Expr, truth: boolean, within: 'expression' | 'statements' = 'statements'
): Scope {
  if (condition.kind === 'constant') return scope
  const parts = truth ? conjuncts(condition) : disjuncts(condition)
  const known = within === 'expression' ? parts : parts.filter(isPure)
  if (known.length === 0 || (!truth && known.length < parts.length)) return scope
  const held = known.reduce((s, part) => learning(s, [part], facts => truth
    ? remembered(facts, part, part, () => assuming(facts, part, true))
    : assuming(facts, part, false)), scope)
  const fixed = truth ? known.flatMap(fixedBy) : []
  return derived(held, {
    guards: [...scope.guards, ...known],
    fixed: fixed.length > 0 ? new Map([...scope.fixed, ...fixed]) : scope.fixed
  })
}

function fixedBy(c: Expr): ReadonlyArray<readonly [Variable, Constant]> {
  return c.kind === 'binary' && c.operator === '==' && c.left.kind === 'variable' && c.left.variable.role !== 'mutable'
    && c.right.kind === 'constant' ? [[c.left.variable, c.right]] : []
}

function disjuncts(condition: Expr): readonly Expr[] {
  return condition.kind === 'binary' && condition.operator === '||'
    ? [...disjuncts(condition.left), ...disjuncts(condition.right)]
    : [condition]
}

/** Where the statement's own expressions are evaluated: the condition of a loop again and again. */
export function ownScope(s: Stmt, scope: Scope): Scope {
  return s.kind === 'while' ? forgettingChanges(scope, s.body) : scope
}

/** In front of each body of the statement. */
export function enteredScopes(s: Stmt, scope: Scope): readonly Scope[] {
  switch (s.kind) {
    case 'for': {
      const { variable, extent } = s
      const inner = forgettingChanges(scope, s.body)
      const { high } = plainRange(extent, scope)
      scope.names.ranges.set(variable, { low: 0, high: Math.max(high - 1, 0) })
      return [isPure(extent) ? learning(inner, [extent], facts => remembered(facts, variable, extent, () =>
        withRange(facts, variable, constant(0), binary('-', extent, constant(1))))) : inner]
    }
    case 'tasks': {
      const { variables, mapping } = s
      variables.forEach((v, axis) => { scope.names.ranges.set(v, { low: 0, high: (mapping.shape[axis] ?? 1) - 1 }) })
      const inner = learning(forgettingChanges(scope, s.body), [], facts => remembered(facts, variables, mapping, () =>
        variables.reduce((known, v, axis) =>
          withRange(known, v, constant(0), constant((mapping.shape[axis] ?? 1) - 1)), facts)))
      const { high } = plainRange(s.worker, scope)
      return [high < mapping.workers ? inner : holding(inner, binary('<', s.worker, constant(mapping.workers)), true)]
    }
    case 'while':
      return [holding(ownScope(s, scope), s.condition, true)]
    case 'if':
      return [holding(scope, s.condition, true), holding(scope, s.condition, false)]
    default:
      return []
  }
}

/** Behind statement `n` of a body. */
export function scopeAfter(s: Stmt, scope: Scope, body: readonly Stmt[], n: number): Scope {
  switch (s.kind) {
    case 'let': {
      const { variable, value } = s
      scope.names.ranges.set(variable, plainRange(value, scope))
      if (!isPure(value)) return scope
      if (!scope.names.anyMutable || !mentionsMutable(value)) scope.names.values.set(variable, value)
      if (value.kind === 'binary' && (value.operator === '/' || value.operator === '%')) {
        scope.names.digitValues.set(variable, value)
      }
      if (s.note !== undefined && someExpr(value, x => x.kind === 'variable' && x.variable.role === 'loop')) {
        scope.names.sums.set(variable, value)
      }
      return learning(scope, [value], facts =>
        remembered(facts, variable, value, () => withLet(facts, variable, value)))
    }
    case 'declare': {
      const { variable, value } = s
      if (variable.type !== 'index' || !isPure(value) || scope.trying) return scope
      return learning(scope, [], facts => {
        const range = invariantRange(variable, value, scope, body.slice(n + 1))
        return range ? withRange(facts, variable, constant(range.low), constant(range.high)) : facts
      })
    }
    case 'assign':
      return forgetting(scope, new Set([s.variable]))
    case 'for': case 'tasks': case 'while':
      return forgettingChanges(scope, s.body)
    case 'if': {
      const kept = forgettingChanges(forgettingChanges(scope, s.then), s.otherwise)
      const leaves = (b: readonly Stmt[]) => b.at(-1)?.kind === 'jump'
      if (leaves(s.then) && changedIn(s.otherwise).variables.size === 0) return holding(kept, not(s.condition), true)
      return leaves(s.otherwise) && changedIn(s.then).variables.size === 0 ? holding(kept, s.condition, true) : kept
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
function invariantRange(
  variable: Variable, value: Expr, scope: Scope, rest: readonly Stmt[]
): Interval | undefined {
  const first = rangeOf(scope.facts(), value)
  const assumed = (range: Interval): Scope => learning(derived(scope, { trying: true }), [], facts =>
    withRange(facts, variable, constant(range.low), constant(range.high)))
  let tight: Interval = first
  for (let round = 0; round < 3 && isExact(tight); round++) {
    const next = assignedRanges(variable, rest, assumed(tight)).reduce(union, tight)
    if (within(next, tight)) return tight
    tight = next
  }
  return typeRanges.find(range => within(first, range)
    && assignedRanges(variable, rest, assumed(range)).every(r => within(r, range)))
}

/** Of `u32` and `i32`: what widths are made for. */
const typeRanges: readonly Interval[] = [{ low: 0, high: 2 ** 32 - 1 }, { low: -(2 ** 31), high: 2 ** 31 - 1 }]

function assignedRanges(variable: Variable, rest: readonly Stmt[], scope: Scope): readonly Interval[] {
  const ranges: Interval[] = []
  visitBody(rest, scope, (s, here) => {
    if (s.kind === 'assign' && s.variable === variable) ranges.push(rangeOf(here.facts(), s.value))
    if (s.kind === 'effect' && s.effect === 'atomic_add' && s.old === variable) ranges.push(anyNumber)
  })
  return ranges
}

function isExact(r: Interval): boolean {
  return Number.isSafeInteger(r.low) && Number.isSafeInteger(r.high)
}

function within(inner: Interval, outer: Interval): boolean {
  return outer.low <= inner.low && inner.high <= outer.high
}

function learning(scope: Scope, from: readonly Expr[], learn: Scope['learn']): Scope {
  const mutable = scope.names.anyMutable
    ? from.flatMap(e => [...freeVariables(e)].filter(v => v.role === 'mutable'))
    : []
  return derived(scope, { around: scope, mutable, learn })
}

function forgettingChanges(scope: Scope, body: readonly Stmt[]): Scope {
  return scope.names.anyMutable ? forgetting(scope, changedIn(body).variables) : scope
}

/** The scope without the steps that speak of the variables. */
function forgetting(scope: Scope, variables: ReadonlySet<Variable>): Scope {
  if (variables.size === 0 || !scope.around) return scope
  const around = forgetting(scope.around, variables)
  if (scope.mutable.some(v => variables.has(v))) return around
  return around === scope.around ? scope : derived(scope, { around })
}

function mentionsMutable(e: Expr): boolean {
  return someExpr(e, x => x.kind === 'variable' && x.variable.role === 'mutable')
}

/** Its value follows from variables alone. */
function isPure(e: Expr): boolean {
  return !someExpr(e, x => x.kind === 'load' || x.kind === 'reduce'
    || (x.kind === 'call' && x.intrinsic.startsWith('shfl')))
}
