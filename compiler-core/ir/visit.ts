/**
 * Walks and rewrites expressions and statements. What a function leaves as it is stays the same object.
 *
 *     mapExpr(e, node => node.kind === 'load' ? other : node)
 *     substitute(i * 4 + j, new Map([[i, blockIdx.x]]))       ->  blockIdx.x * 4 + j
 */
import { joinOrigins } from './origin.ts'
import type { Axis, Buffer, Expr, Stmt, Variable } from './ir.ts'

// ---------------------------------------------------------------- expressions

/** Rewrites from the leaves to the root: `f` sees each node with its children rewritten. */
export function mapExpr(e: Expr, f: (e: Expr) => Expr): Expr {
  return f(mapChildren(e, child => mapExpr(child, f)))
}

/** The node with `f` of each direct child; nothing is folded. */
export function mapChildren(e: Expr, f: (e: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'constant':
    case 'variable':
      return e
    case 'binary': {
      const left = f(e.left), right = f(e.right)
      return left === e.left && right === e.right ? e : { ...e, left, right }
    }
    case 'unary': {
      const operand = f(e.operand)
      return operand === e.operand ? e : { ...e, operand }
    }
    case 'select': {
      const condition = f(e.condition), then = f(e.then), otherwise = f(e.otherwise)
      return condition === e.condition && then === e.then && otherwise === e.otherwise
        ? e
        : { ...e, condition, then, otherwise }
    }
    case 'cast': {
      const value = f(e.value)
      return value === e.value ? e : { ...e, value }
    }
    case 'load': {
      const indices = mapAll(e.indices, f), outside = e.outside && f(e.outside)
      return indices === e.indices && outside === e.outside ? e : { ...e, indices, outside }
    }
    case 'call': {
      const args = mapAll(e.args, f)
      return args === e.args ? e : { ...e, args }
    }
    case 'reduce': {
      const axes = mapAll(e.axes, (axis): Axis => {
        const extent = f(axis.extent)
        return extent === axis.extent ? axis : { ...axis, extent }
      })
      const body = f(e.body)
      return axes === e.axes && body === e.body ? e : { ...e, axes, body }
    }
  }
}

/** From the root to the leaves, children in order. */
export function forEachExpr(e: Expr, f: (e: Expr) => void): void {
  someExpr(e, node => {
    f(node)
    return false
  })
}

/** Does one node, from the root to the leaves, satisfy `f`? */
export function someExpr(e: Expr, f: (e: Expr) => boolean): boolean {
  if (f(e)) return true
  switch (e.kind) {
    case 'constant':
    case 'variable': return false
    case 'binary': return someExpr(e.left, f) || someExpr(e.right, f)
    case 'unary': return someExpr(e.operand, f)
    case 'cast': return someExpr(e.value, f)
    default: {
      for (const child of childrenOf(e)) if (someExpr(child, f)) return true
      return false
    }
  }
}

export function childrenOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'constant':
    case 'variable': return []
    case 'binary': return [e.left, e.right]
    case 'unary': return [e.operand]
    case 'select': return [e.condition, e.then, e.otherwise]
    case 'cast': return [e.value]
    case 'load': return e.outside ? [...e.indices, e.outside] : e.indices
    case 'call': return e.args
    case 'reduce': return [...e.axes.map(axis => axis.extent), e.body]
  }
}

/**
 * Puts values in the place of variables, at once. A value takes the origins of the place where it stands in addition to
 * its own.
 */
export function substitute(e: Expr, values: ReadonlyMap<Variable, Expr>): Expr {
  return values.size === 0 ? e : mapExpr(e, node => {
    if (node.kind !== 'variable') return node
    const value = values.get(node.variable)
    if (value === undefined) return node
    const origins = joinOrigins(value.origins, node.origins)
    return origins === value.origins ? value : { ...value, origins }
  })
}

/** The variables that are read and not bound inside, in order of appearance. */
export function freeVariables(e: Expr): ReadonlySet<Variable> {
  const free = new Set<Variable>()
  collect(e, new Set())
  return free

  function collect(node: Expr, bound: ReadonlySet<Variable>): void {
    switch (node.kind) {
      case 'constant': break
      case 'variable':
        if (!bound.has(node.variable)) free.add(node.variable)
        break
      case 'binary':
        collect(node.left, bound)
        collect(node.right, bound)
        break
      case 'reduce':
        for (const axis of node.axes) collect(axis.extent, bound)
        collect(node.body, new Set([...bound, ...node.axes.map(axis => axis.variable)]))
        break
      default:
        for (const child of childrenOf(node)) collect(child, bound)
    }
  }
}

/** The same expression, whatever its origins. Variables and buffers are the same objects. */
export function equalExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true
  if (a.type !== b.type) return false
  switch (a.kind) {
    case 'constant': return b.kind === 'constant' && Object.is(a.value, b.value)
    case 'variable': return b.kind === 'variable' && a.variable === b.variable
    case 'binary':
      return b.kind === 'binary' && a.operator === b.operator
        && equalExpr(a.left, b.left) && equalExpr(a.right, b.right)
    case 'unary': return b.kind === 'unary' && a.operator === b.operator && equalExpr(a.operand, b.operand)
    case 'select': return b.kind === 'select' && equalAll(childrenOf(a), childrenOf(b))
    case 'cast': return b.kind === 'cast' && equalExpr(a.value, b.value)
    case 'load':
      return b.kind === 'load' && a.buffer === b.buffer && (a.outside === undefined) === (b.outside === undefined)
        && equalAll(childrenOf(a), childrenOf(b))
    case 'call': return b.kind === 'call' && a.intrinsic === b.intrinsic && equalAll(a.args, b.args)
    case 'reduce':
      return b.kind === 'reduce' && a.reducer === b.reducer && a.axes.length === b.axes.length
        && a.axes.every((axis, i) => axis.variable === b.axes[i]?.variable) && equalAll(childrenOf(a), childrenOf(b))
  }
}

function equalAll(a: readonly Expr[], b: readonly Expr[]): boolean {
  return a.length === b.length && a.every((e, i) => equalExpr(e, b[i]!))
}

// ---------------------------------------------------------------- statements

/** Rewrites from the inside out: `f` sees each statement with its bodies rewritten and says what takes its place. */
export function mapStmts(stmts: readonly Stmt[], f: (s: Stmt) => Stmt | readonly Stmt[]): readonly Stmt[] {
  const results = stmts.map(s => f(mapBodies(s, body => mapStmts(body, f))))
  return results.every((result, i) => result === stmts[i]) ? stmts : results.flat()
}

/** The statement with `f` of each body that it has. */
export function mapBodies(s: Stmt, f: (body: readonly Stmt[]) => readonly Stmt[]): Stmt {
  switch (s.kind) {
    case 'for':
    case 'tasks':
    case 'while': {
      const body = f(s.body)
      return body === s.body ? s : { ...s, body }
    }
    case 'if': {
      const then = f(s.then), otherwise = f(s.otherwise)
      return then === s.then && otherwise === s.otherwise ? s : { ...s, then, otherwise }
    }
    default: return s
  }
}

/** The statement with `f` of each expression that it has itself; its bodies stay. */
export function mapOwnExprs(s: Stmt, f: (e: Expr) => Expr): Stmt {
  switch (s.kind) {
    case 'let':
    case 'declare':
    case 'assign': {
      const value = f(s.value)
      return value === s.value ? s : { ...s, value }
    }
    case 'allocate': {
      const value = s.value && f(s.value)
      return value === s.value ? s : { ...s, value }
    }
    case 'store': {
      const indices = mapAll(s.indices, f), value = f(s.value)
      return indices === s.indices && value === s.value ? s : { ...s, indices, value }
    }
    case 'copy': {
      const to = f(s.to.offset), from = f(s.from.offset), condition = s.async?.condition && f(s.async.condition)
      return to === s.to.offset && from === s.from.offset && condition === s.async?.condition
        ? s
        : {
          ...s, to: { ...s.to, offset: to }, from: { ...s.from, offset: from }, ...s.async && { async: { condition } }
        }
    }
    case 'for': {
      const extent = f(s.extent)
      return extent === s.extent ? s : { ...s, extent }
    }
    case 'tasks': {
      const worker = f(s.worker)
      return worker === s.worker ? s : { ...s, worker }
    }
    case 'if':
    case 'while': {
      const condition = f(s.condition)
      return condition === s.condition ? s : { ...s, condition }
    }
    case 'jump':
    case 'barrier': return s
    case 'effect':
      switch (s.effect) {
        case 'atomic_add': {
          const indices = mapAll(s.indices, f), value = f(s.value)
          return indices === s.indices && value === s.value ? s : { ...s, indices, value }
        }
        case 'assert': {
          const condition = f(s.condition)
          return condition === s.condition ? s : { ...s, condition }
        }
        case 'commit_group':
        case 'wait_group': return s
      }
  }
}

/** All statements with `f` of each of their expressions (roots, not their inner nodes), in nested bodies too. */
function mapExprsIn(stmts: readonly Stmt[], f: (e: Expr) => Expr): readonly Stmt[] {
  return mapStmts(stmts, s => mapOwnExprs(s, f))
}

export function substituteIn(stmts: readonly Stmt[], values: ReadonlyMap<Variable, Expr>): readonly Stmt[] {
  return values.size === 0 ? stmts : mapExprsIn(stmts, e => substitute(e, values))
}

/** The expressions of the statement itself, not those of its bodies. */
export function exprsOf(s: Stmt): readonly Expr[] {
  switch (s.kind) {
    case 'let':
    case 'declare':
    case 'assign': return [s.value]
    case 'allocate': return s.value ? [s.value] : []
    case 'store': return [...s.indices, s.value]
    case 'copy': return [s.to.offset, s.from.offset, ...s.async?.condition ? [s.async.condition] : []]
    case 'for': return [s.extent]
    case 'tasks': return [s.worker]
    case 'if':
    case 'while': return [s.condition]
    case 'jump':
    case 'barrier': return []
    case 'effect':
      switch (s.effect) {
        case 'atomic_add': return [...s.indices, s.value]
        case 'assert': return [s.condition]
        case 'commit_group':
        case 'wait_group': return []
      }
  }
}

export function bodiesOf(s: Stmt): ReadonlyArray<readonly Stmt[]> {
  switch (s.kind) {
    case 'for':
    case 'tasks':
    case 'while': return [s.body]
    case 'if': return [s.then, s.otherwise]
    default: return []
  }
}

/** Each statement before those of its bodies. */
export function forEachStmt(stmts: readonly Stmt[], f: (s: Stmt) => void): void {
  for (const s of stmts) {
    f(s)
    if (s.kind === 'if') {
      forEachStmt(s.then, f)
      forEachStmt(s.otherwise, f)
    } else if (s.kind === 'for' || s.kind === 'tasks' || s.kind === 'while') {
      forEachStmt(s.body, f)
    }
  }
}

/** Every node of every expression, in nested bodies too. */
export function forEachExprIn(stmts: readonly Stmt[], f: (e: Expr) => void): void {
  forEachStmt(stmts, s => {
    for (const e of exprsOf(s)) forEachExpr(e, f)
  })
}

/** The `mutable` variables that the statements assign, and the buffers that they write. */
export function changedIn(stmts: readonly Stmt[]): {
  readonly variables: ReadonlySet<Variable>
  readonly buffers: ReadonlySet<Buffer>
} {
  const variables = new Set<Variable>(), buffers = new Set<Buffer>()
  forEachStmt(stmts, s => {
    switch (s.kind) {
      case 'declare':
      case 'assign': variables.add(s.variable); break
      case 'allocate':
      case 'store': buffers.add(s.buffer); break
      case 'copy': buffers.add(s.to.buffer); break
      case 'effect':
        if (s.effect === 'atomic_add') {
          buffers.add(s.buffer)
          if (s.old) variables.add(s.old)
        }
        break
      default:
    }
  })
  return { variables, buffers }
}

function mapAll<T>(all: readonly T[], f: (item: T) => T): readonly T[] {
  const mapped = all.map(f)
  return mapped.every((item, i) => item === all[i]) ? all : mapped
}
