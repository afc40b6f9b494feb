/**
 * Exact whole numbers become C's: `u32` where that is proved to be right, else as many bits and signs as are needed.
 *
 *     let row: index = blockIdx.x * 128 + i                   let row: u32 = blockIdx.x * 128 + i
 *     c[(r * m + row) * n + col]        m, n at launch   ->   c[(u64(r * m + row)) * u64(n) + u64(col)]
 *     if 0 <= i - 1 && i - 1 < h                              if 1 <= i && i < h + 1
 *
 * Sums and products are right modulo 2^32 if their value fits; what is divided, compared or used to choose must fit
 * itself. Comparisons are turned so that nothing negative is left on either side. `/` and `%` on unsigned types are
 * C's; a left operand that may be negative is lifted by a multiple of the divisor. Where no bound is known the types
 * are signed, and `/` and `%` stay floor division.
 *
 * Threads, blocks and extents stay the same variables; references to them have the type u32.
 */
import { binary, cast, constant, isWhole, ref, withOrigins } from '../ir/build.ts'
import { rangeOf } from '../ir/facts.ts'
import type { Binary, Constant, Expr, Kernel, Program, Stmt, Type, Variable } from '../ir/ir.ts'
import { joinOrigins } from '../ir/origin.ts'
import { mapBodies, mapChildren, mapOwnExprs } from '../ir/visit.ts'
import { union, type Interval } from './intervals.ts'
import { enteredScopes, holding, kernelScope, ownScope, rangeIn, scopeAfter, type Scope } from './scope.ts'

/** No expression of a body has the type `index`. Grids and shapes, which the host computes, keep it. */
export function decideWidths(program: Program): Program {
  const variables: Variables = new Map()
  return {
    ...program,
    kernels: program.kernels.map((k): Kernel => ({ ...k, body: typedBody(k.body, kernelScope(k), variables) }))
  }
}

type Width = 'u32' | 'u64' | 'i32' | 'i64'
type Variables = Map<Variable, Variable>

// ---------------------------------------------------------------- statements

function typedBody(body: readonly Stmt[], scope: Scope, variables: Variables): readonly Stmt[] {
  let here = scope
  return body.map((s, n) => {
    const place = ownScope(s, here), behind = scopeAfter(s, here, body, n)
    declare(s, here, behind, variables)
    const own = typedExprs(withTypedVariables(s, variables), place, variables)
    const inner = enteredScopes(s, here)
    let next = 0
    const whole = mapBodies(converted(own), b => typedBody(b, inner[next++] ?? here, variables))
    here = behind
    return whole
  })
}

function typedExprs(s: Stmt, scope: Scope, variables: Variables): Stmt {
  if (s.kind !== 'copy' || !s.async?.condition) return mapOwnExprs(s, e => typed(e, scope, variables))
  // nothing is read where the condition does not hold: any address will do
  const { to, from, async: { condition } } = s, inside = holding(scope, condition, true)
  return {
    ...s, to: { ...to, offset: typed(to.offset, scope, variables) },
    from: { ...from, offset: typed(from.offset, inside, variables) },
    async: { condition: typed(condition, scope, variables) }
  }
}

/** The width of a variable that the statement brings: that of all its values. */
function declare(s: Stmt, scope: Scope, behind: Scope, variables: Variables): void {
  switch (s.kind) {
    case 'let':
      if (s.variable.type === 'index') bring(s.variable, range(s.value, scope))
      break
    case 'declare':
      if (s.variable.type === 'index') bring(s.variable, rangeOf(behind.facts(), ref(s.variable)))
      break
    case 'for':
      bring(s.variable, union({ low: 0, high: 0 }, range(s.extent, scope)))
      break
    default:
  }

  function bring(v: Variable, range: Interval): void {
    variables.set(v, { ...v, type: widthOf(range) })
  }
}

function withTypedVariables(s: Stmt, variables: Variables): Stmt {
  switch (s.kind) {
    case 'let': case 'declare': case 'assign': case 'for':
      return { ...s, variable: variables.get(s.variable) ?? s.variable }
    default:
      return s
  }
}

/** Values of the variable's own type. */
function converted(s: Stmt): Stmt {
  switch (s.kind) {
    case 'let': case 'declare': case 'assign':
      return isWhole(s.variable.type) ? { ...s, value: inWidth(s.value, s.variable.type) } : s
    case 'for':
      return { ...s, extent: inWidth(s.extent, s.variable.type) }
    default:
      return s
  }
}

// ---------------------------------------------------------------- expressions

const u32 = 2 ** 32 - 1, i32 = { low: -(2 ** 31), high: 2 ** 31 - 1 }

function widthOf({ low, high }: Interval): Width {
  if (low >= 0) return high <= u32 ? 'u32' : 'u64'
  return low >= i32.low && high <= i32.high ? 'i32' : 'i64'
}

function range(e: Expr, scope: Scope): Interval {
  return rangeIn(e, scope, r => r.low >= 0 && r.high <= u32)
}

/** The expression without the type `index`. */
function typed(e: Expr, scope: Scope, variables: Variables): Expr {
  if (e.type === 'index') return exact(e, scope, variables)
  switch (e.kind) {
    case 'binary':
      if (e.left.type === 'index' && e.operator !== '&&' && e.operator !== '||') return comparison(e, scope, variables)
      if (e.operator === '&&' || e.operator === '||') {
        const left = typed(e.left, scope, variables)
        const right = typed(e.right, holding(scope, e.left, e.operator === '&&'), variables)
        return left === e.left && right === e.right ? e : { ...e, left, right }
      }
      break
    case 'select': {
      const condition = typed(e.condition, scope, variables)
      const then = typed(e.then, holding(scope, e.condition, true), variables)
      const otherwise = typed(e.otherwise, holding(scope, e.condition, false), variables)
      return { ...e, condition, then, otherwise }
    }
    case 'cast':
      if (e.value.type === 'index') return cast(exact(e.value, scope, variables), e.type, e.origins)
      break
    default:
  }
  return mapChildren(e, child => typed(child, scope, variables))
}

/** In the narrowest width that holds the value, and whatever its computation needs exactly. */
function exact(e: Expr, scope: Scope, variables: Variables): Expr {
  const width = naturalWidth(e, scope)
  switch (e.kind) {
    case 'constant': return { ...e, type: width }
    case 'variable': return reference(e, variables)
    case 'binary':
      if (isModular(e)) return inside(e, width, scope, variables)
      if (e.operator === '/' || e.operator === '%') return division(e, scope, variables)
      return inside(e, widthOf(union(range(e.left, scope), range(e.right, scope))), scope, variables)
    case 'unary': return { ...e, type: width, operand: as(e.operand, width, scope, variables) }
    case 'select': {
      const then = holding(scope, e.condition, true), otherwise = holding(scope, e.condition, false)
      return {
        ...e, type: width, condition: typed(e.condition, scope, variables),
        then: as(e.then, width, then, variables), otherwise: as(e.otherwise, width, otherwise, variables)
      }
    }
    case 'cast': return cast(typed(e.value, scope, variables), width, e.origins)
    case 'load': case 'call': case 'reduce': return mapChildren(e, child => typed(child, scope, variables))
  }
}

/** Sums and products: unsigned ones may leave the width on the way, signed ones may not. */
function naturalWidth(e: Expr, scope: Scope): Width {
  const own = widthOf(range(e, scope))
  if (own === 'u32') return own
  const [low, high] = [Math.min, Math.max].map(f => f(...partsOf(e).flatMap(p => {
    const r = range(p, scope)
    return [r.low, r.high]
  })))
  return widthOf({ low: low ?? -Infinity, high: high ?? Infinity })
}

/** The expression with all sums and products that it is computed by. */
function partsOf(e: Expr): readonly Expr[] {
  if (e.kind === 'unary') return [e, ...partsOf(e.operand)]
  return e.kind === 'binary' && isModular(e) ? [e, ...partsOf(e.left), ...partsOf(e.right)] : [e]
}

/** Right modulo a power of two if the operands are. */
function isModular({ operator }: Binary): boolean {
  return operator === '+' || operator === '-' || operator === '*' || operator === '<<'
}

function reference(e: Expr, variables: Variables): Expr {
  if (e.kind !== 'variable') return e
  const { role } = e.variable
  if (role === 'thread' || role === 'block' || role === 'extent') return { ...e, type: 'u32' }
  return ref(variables.get(e.variable) ?? e.variable, e.origins)
}

/** A part of a sum or product of the width: where it fits 32 bits by itself it is computed in them. */
function as(e: Expr, width: Width, scope: Scope, variables: Variables): Expr {
  if (e.kind === 'constant' && (e.value >= 0 || width.startsWith('i'))) return { ...e, type: width }
  if (e.kind === 'binary' && isModular(e)) {
    const own = naturalWidth(e, scope), narrow = own === 'u32' || own === 'i32'
    if (width.endsWith('32') || !narrow) return inside(e, width, scope, variables)
  }
  return inWidth(exact(e, scope, variables), width)
}

/** Both operands in the width. */
function inside(e: Binary, width: Width, scope: Scope, variables: Variables): Expr {
  const left = as(e.left, width, scope, variables), right = as(e.right, width, scope, variables)
  return { ...e, type: width, left, right }
}

function inWidth(e: Expr, type: Type): Expr {
  return cast(e, type)
}

// ---------------------------------------------------------------- division and comparison

/** Floor division. A dividend that may be negative is lifted, so that C's division is the same. */
function division(e: Binary, scope: Scope, variables: Variables): Expr {
  const left = range(e.left, scope), right = range(e.right, scope)
  if (left.low < 0 && Number.isSafeInteger(left.low) && e.right.kind === 'constant' && right.low > 0) {
    const divisor = right.low, lift = Math.ceil(-left.low / divisor)
    const lifted = { ...e, left: sum(e.left, lift * divisor) }
    const quotient = e.operator === '/' ? sum(lifted, -lift) : lifted
    if (left.high + lift * divisor <= u32) return exact(quotient, scope, variables)
  }
  const width = widthOf(union(left, right))
  return inside(e, width, scope, variables)
}

/** `e + n`, with what `e` adds already. */
function sum(e: Expr, n: number): Expr {
  if (e.kind === 'binary' && e.right.kind === 'constant' && (e.operator === '+' || e.operator === '-')) {
    const own = Number(e.right.value)
    return binary('+', e.left, constant((e.operator === '+' ? own : -own) + n, 'index', e.right.origins), e.origins)
  }
  return binary('+', e, constant(n, 'index', e.origins), e.origins)
}

function comparison(e: Binary, scope: Scope, variables: Variables): Expr {
  const turned = widthOf(union(range(e.left, scope), range(e.right, scope))).startsWith('i')
    ? withoutNegatives(e, scope) ?? e
    : e
  const width = widthOf(union(range(turned.left, scope), range(turned.right, scope)))
  return {
    ...turned, left: as(turned.left, width, scope, variables), right: as(turned.right, width, scope, variables)
  }
}

/** `a - b < c` as `a < c + b`; undefined where terms themselves may be negative. */
function withoutNegatives(e: Binary, scope: Scope): Binary | undefined {
  const terms = [...termsOf(e.left, 1), ...termsOf(e.right, -1)]
  if (terms.some(t => range(t.term, scope).low < 0)) return undefined
  const side = (sign: 1 | -1): Expr => {
    const own = terms.filter(t => t.sign === sign).map(t => t.term)
    const numbers = own.filter((t): t is Constant => t.kind === 'constant')
    const total = numbers.reduce((n, t) => n + Number(t.value), 0)
    const number = constant(total, 'index', joinOrigins(...numbers.map(t => t.origins)))
    const [first, ...rest] = own.filter(t => t.kind !== 'constant')
    return first ? binary('+', rest.reduce<Expr>((a, b) => binary('+', a, b, e.origins), first), number) : number
  }
  const keeping = (now: Expr, before: Expr) => withOrigins(now, joinOrigins(now.origins, before.origins))
  return { ...e, left: keeping(side(1), e.left), right: keeping(side(-1), e.right) }
}

interface Term { readonly term: Expr; readonly sign: 1 | -1 }

function termsOf(e: Expr, sign: 1 | -1): readonly Term[] {
  const opposite = sign === 1 ? -1 : 1
  if (e.kind === 'constant') {
    return e.value < 0 ? [{ term: { ...e, value: -Number(e.value) }, sign: opposite }] : [{ term: e, sign }]
  }
  if (e.kind === 'unary' && e.operator === '-') return termsOf(e.operand, opposite)
  if (e.kind !== 'binary') return [{ term: e, sign }]
  if (e.operator === '+') return [...termsOf(e.left, sign), ...termsOf(e.right, sign)]
  if (e.operator === '-') return [...termsOf(e.left, sign), ...termsOf(e.right, opposite)]
  if (e.operator === '*' && e.right.kind === 'constant' && e.right.value < 0) {
    return [{ term: binary('*', e.left, { ...e.right, value: -Number(e.right.value) }, e.origins), sign: opposite }]
  }
  return [{ term: e, sign }]
}
