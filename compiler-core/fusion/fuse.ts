/**
 * Fusion after scheduling: rewrites an anchor's program so that it computes a whole group. Every load of a fused input
 * becomes the expression of its producers, every store of a fused output becomes the store of the last consumer.
 *
 *     ga[i, p] = if row < 196 && q < 64 then a[r, row, q] else 0      a = cast(x)
 *     if row < 196 && col < 256 { c[r, row, col] = acc[i, j] }        y = relu(transpose(reshape(c)) + bias)
 * ->
 *     ga[i, p] = if row < 196 && q < 64 then f32(x[r, row, q]) else 0
 *     if row < 196 && col < 256 { y[0, col, row / 14, row % 14] = max(acc[i, j] + bias[col], 0) }
 *
 * The program comes in with explicit bounds (no `??`, no `=?`). The predicates are those of the anchor's own tensors
 * and stay as they are; what fusion puts in their place gets none, since it is only evaluated inside of them
 * (reference 4.4). What the fused expression uses more than once is named by a `let` in front.
 */
import { not, ref, withOrigins } from '../ir/build.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr, Kernel, Let, Program, Stmt, Store, Variable } from '../ir/ir.ts'
import { joinOrigins, originsThrough, type Origin, type Origins } from '../ir/origin.ts'
import {
  equalExpr, exprsOf, forEachExpr, forEachExprIn, forEachStmt, freeVariables, mapChildren, mapOwnExprs, mapStmts,
  someExpr, substitute
} from '../ir/visit.ts'
import type { Group } from '../graph/flow.ts'
import { compositionOf, equalAll, isFree, rounded, usesOf, when, type Composed, type Epilogue } from './compose.ts'

/**
 * `anchor`'s parameters are the inputs and outputs of the group's anchor, in order. No program where the schedule does
 * something else with a fused tensor than to load elements of an input or to store each element of an output once;
 * the findings say what.
 */
export function fuse(anchor: Program, group: Group, name: string): {
  readonly program: Program | undefined
  readonly findings: readonly Finding[]
} {
  const { inputs, outputs, application } = group.anchor
  const composition = compositionOf(group)
  const loads = new Map(inputs.map((tensor, i) => [anchor.parameters[i]!, composition.inputs[i] ?? tensor]))
  const stores = new Map(outputs.map((tensor, i) =>
    [anchor.parameters[inputs.length + i]!, composition.outputs[i] ?? tensor]))
  const findings = anchor.kernels.flatMap(kernel => obstacles(kernel, stores))
  if (findings.length > 0) return { program: undefined, findings }
  const rewriting = { loads, stores, through: throughApplication(application) }
  const kernels = anchor.kernels.map(kernel => ({
    ...kernel, body: rewriteBody(kernel.body, rewriting), origins: rewriting.through(kernel.origins)
  }))
  const parameters = [...group.inputs, ...group.outputs], origins = rewriting.through(anchor.origins)
  const extents = [...new Set(parameters.flatMap(p => p.shape.flatMap(e => [...freeVariables(e)])))]
  return { program: { ...anchor, name, kernels, parameters, extents, origins }, findings }
}

/** By the anchor's parameter: the expression that is fused, or the tensor of the graph that it is. */
type Loads = ReadonlyMap<Buffer, Composed | Buffer>
type Stores = ReadonlyMap<Buffer, Epilogue | Buffer>

interface Rewriting {
  readonly loads: Loads
  readonly stores: Stores
  /** The anchor's origins as seen from the graph. */
  readonly through: (origins: Origins) => Origins
}

/** Accesses of fused outputs that cannot be rewritten. */
function obstacles(kernel: Kernel, stores: Stores): readonly Finding[] {
  const findings: Finding[] = []
  const check = (buffer: Buffer, origins: Origins, how: string) => {
    const to = stores.get(buffer)
    if (!to || !isFused(to)) return
    const message = `\`${buffer.name}\` ${how}, so nothing can be fused behind it.`
    findings.push({ code: 'not-fused', severity: 'error', message, origins, related: [] })
  }
  forEachExprIn(kernel.body, e => {
    if (e.kind === 'load') check(e.buffer, e.origins, 'is read by the kernel that stores it')
  })
  forEachStmt(kernel.body, s => {
    if (s.kind === 'effect' && s.effect === 'atomic_add') check(s.buffer, s.origins, 'is summed up by `atomic_add`')
  })
  return findings
}

function rewriteBody(body: readonly Stmt[], rewriting: Rewriting): readonly Stmt[] {
  return mapStmts(body, s => {
    const names: Let[] = []
    // the condition of a `while` is evaluated anew each time
    const place = { names: s.kind === 'while' ? undefined : names, elements: [], repeated: loadedAgain(s) }
    const own = mapOwnExprs(s, e => rewriteExpr(e, rewriting, place, []))
    const last = rewriteStmt({ ...own, origins: rewriting.through(own.origins) }, rewriting, names)
    return [...names, last]
  })
}

function rewriteStmt(s: Stmt, { stores, through }: Rewriting, names: Let[]): Stmt {
  switch (s.kind) {
    case 'store': {
      const to = stores.get(s.buffer)
      if (!to) return s
      if (s.guarded) throw new Error('Fusion needs explicit bounds')
      return isFused(to) ? storeThrough(to, s, names) : { ...s, buffer: to }
    }
    case 'effect': {
      const to = s.effect === 'atomic_add' ? stores.get(s.buffer) : undefined
      return s.effect === 'atomic_add' && to && !isFused(to) ? { ...s, buffer: to } : s
    }
    case 'tasks': return { ...s, factorOrigins: s.factorOrigins.map(through) }
    default: return s
  }
}

/** A statement whose expressions are rewritten. */
interface Place {
  /** What is named in front of it; undefined where nothing may be. */
  readonly names: Let[] | undefined
  /** The elements of fused inputs that are there already, each under the conditions of its path. */
  readonly elements: Element[]
  /** The parameters that it loads more than once. */
  readonly repeated: ReadonlySet<Buffer>
}

interface Element {
  readonly buffer: Buffer
  readonly indices: readonly Expr[]
  readonly path: readonly Expr[]
  readonly value: Expr
}

function loadedAgain(s: Stmt): ReadonlySet<Buffer> {
  const once = new Set<Buffer>(), again = new Set<Buffer>()
  for (const e of exprsOf(s)) {
    forEachExpr(e, part => {
      if (part.kind === 'load') (once.has(part.buffer) ? again : once).add(part.buffer)
    })
  }
  return again
}

/**
 * Replaces the loads of the anchor's parameters at a place that is reached under the conditions `path`. What is used
 * more than once gets a name.
 */
function rewriteExpr(e: Expr, r: Rewriting, place: Place, path: readonly Expr[]): Expr {
  const own = withOrigins(e, r.through(e.origins))
  const inner = (child: Expr, ...conditions: readonly Expr[]) => rewriteExpr(child, r, place, [...path, ...conditions])
  switch (own.kind) {
    case 'select': {
      const condition = inner(own.condition)
      const then = inner(own.then, condition), otherwise = inner(own.otherwise, not(condition))
      return { ...own, condition, then, otherwise }
    }
    case 'binary': {
      if (own.operator !== '&&' && own.operator !== '||') return mapChildren(own, child => inner(child))
      const left = inner(own.left)
      return { ...own, left, right: inner(own.right, own.operator === '&&' ? left : not(left)) }
    }
    case 'load': {
      const to = r.loads.get(own.buffer) ?? r.stores.get(own.buffer)
      const read = mapChildren(own, child => inner(child))
      if (!to || read.kind !== 'load') return read
      if (read.outside) throw new Error('Fusion needs explicit bounds')
      if (!isFused(to)) return { ...read, buffer: to }
      const value = fusedElement(to, own.buffer, read.indices, place, path)
      return withOrigins(value, joinOrigins(value.origins, own.origins))
    }
    default: return mapChildren(own, child => inner(child))
  }
}

/** The element of a fused input; the one that is there already, if it is known under these conditions. */
function fusedElement(
  to: Composed, buffer: Buffer, indices: readonly Expr[], { names, elements, repeated }: Place, path: readonly Expr[]
): Expr {
  const known = elements.find(e =>
    e.buffer === buffer && equalAll(e.indices, indices) && equalAll(e.path, path.slice(0, e.path.length)))
  if (known) return known.value
  const value = withParts(to, indexNames(to, indices, [], names), names, path)
  if (!names || !repeated.has(buffer) || isFree(value)) return value
  const name = nameOf({ name: buffer.name, type: value.type, role: 'let' }, when(path, value), names)
  elements.push({ buffer, indices, path, value: name })
  return name
}

function storeThrough(epilogue: Epilogue, s: Store, names: Let[]): Store {
  const { stored, tensor, indices, parts, value } = epilogue
  const values = indexNames(epilogue, s.indices, indices, names)
  const result = rounded(s.value, s.buffer)
  const once = isName(result) || usesOf(stored, [...parts.map(p => p.value), value]) < 2
  values.set(stored, once ? result : nameOf(stored, result, names))
  return {
    ...s, buffer: tensor, indices: indices.map(i => substitute(i, values)),
    value: withParts(epilogue, values, names, []), origins: joinOrigins(s.origins, epilogue.origins)
  }
}

/** What stands for each axis: its index, or a name for it where it would be written more than once. */
function indexNames(
  { axes, parts, value }: Composed, indices: readonly Expr[], others: readonly Expr[], names: Let[] | undefined
): Map<Variable, Expr> {
  const all = [...parts.map(p => p.value), value, ...others]
  return new Map(axes.map(({ variable }, d) => {
    const index = indices[d]!
    const inPlace = !names || isName(index) || usesOf(variable, all) < 2 || someExpr(index, e => e.kind === 'load')
    return [variable, inPlace ? index : nameOf(variable, index, names)]
  }))
}

/** The value at these indices; what it is made of is named in front, as far as it is there under `path`. */
function withParts(
  { parts, value }: Composed, indices: ReadonlyMap<Variable, Expr>, names: Let[] | undefined, path: readonly Expr[]
): Expr {
  const values = new Map(indices)
  for (const part of parts) {
    const whole = substitute(part.value, values)
    values.set(part.variable, names ? nameOf(part.variable, when(path, whole), names) : whole)
  }
  return substitute(value, values)
}

/** A `let` like `variable` with this value. */
function nameOf(variable: Variable, value: Expr, names: Let[]): Expr {
  const same = names.find(n => n.variable.name === variable.name && equalExpr(n.value, value))
  const name = same?.variable ?? { ...variable, role: 'let' }
  if (!same) names.push({ kind: 'let', variable: name, value, origins: value.origins })
  return ref(name, value.origins)
}

function isName(e: Expr): boolean {
  return e.kind === 'variable' || e.kind === 'constant'
}

function isFused<F extends Composed>(to: F | Buffer): to is F {
  return 'axes' in to
}

/** Many nodes share one list of origins. */
function throughApplication(application: Origin): (origins: Origins) => Origins {
  const seen = new Map<Origins, Origins>()
  return origins => {
    const known = seen.get(origins) ?? originsThrough(origins, application)
    seen.set(origins, known)
    return known
  }
}
