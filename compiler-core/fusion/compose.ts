/**
 * What a fused group computes around its anchor, composed once for all candidates of the anchor's schedule: each fused
 * input as an expression of its index, each fused output as where its elements arrive and what becomes of them.
 *
 *     anchor c = batch_matmul(cast(a), b), then reshape, transpose, add(bias), gelu
 *     first input      (r, i, p)          f32(a[r, i, p])
 *     output           (r, i, j), c       let s = c + bias[j]
 *                                         y[0, j, i / 14, i % 14] = 0.5 * s * (1 + erf(s * 0.70710678))
 *
 * Both hold inside of the anchor's own tensors: simplified with the extents of those, without predicates of their own.
 * Where an element would have been stored in between, it is converted to the tensor's type; a product is rounded there
 * (a cast to its own type), so that it is not contracted with the next operator's sum. An element that is read more
 * than once gets a name, so that a chain of operators stays as long as the sum of its parts.
 */
import { and, cast, constant, load, not, ref, select, withOrigins } from '../ir/build.ts'
import type { Axis, Buffer, Expr, Variable } from '../ir/ir.ts'
import { joinOrigins, originsThrough, type Origins } from '../ir/origin.ts'
import { simplify } from '../ir/simplify.ts'
import { equalExpr, forEachExpr, mapChildren, mapExpr, substitute } from '../ir/visit.ts'
import type { Group, Node } from '../graph/flow.ts'
import { inversionOf } from '../operators/classify.ts'
import { axisFacts, bound, inlinedDefinition } from '../operators/inline.ts'

/** An expression over axes, some of whose parts have names. */
export interface Composed {
  /** One for each dimension of the anchor's tensor. */
  readonly axes: readonly Axis[]
  /** In order; each may mention those before it. */
  readonly parts: readonly Part[]
  readonly value: Expr
}

export interface Part { readonly variable: Variable; readonly value: Expr }

export interface Epilogue extends Composed {
  /** Stands for the value that the anchor stores. */
  readonly stored: Variable
  /** The tensor that is stored instead. */
  readonly tensor: Buffer
  readonly indices: readonly Expr[]
  /** Of the statements that define what the fused operators store. */
  readonly origins: Origins
}

/** What the group computes around its anchor, composed at the first call. */
export function compositionOf(group: Group): Composition {
  const known = compositions.get(group) ?? {
    inputs: group.anchor.inputs.map(tensor => prologueOf(group, tensor)),
    outputs: group.anchor.outputs.map((_, i) => epilogueOf(group, i))
  }
  compositions.set(group, known)
  return known
}

/** One for each of the anchor's inputs and outputs; undefined: the tensor is read and stored as it is. */
export interface Composition {
  readonly inputs: ReadonlyArray<Composed | undefined>
  readonly outputs: ReadonlyArray<Epilogue | undefined>
}

const compositions = new WeakMap<Group, Composition>()

function prologueOf(group: Group, tensor: Buffer): Composed | undefined {
  const producer = producerOf(group, tensor)
  if (!producer) return undefined
  const axes = definitionOf(producer).axes
  const composing: Composing = { group, given: new Map(), elements: [] }
  return composed(composing, axes, tensorAt(composing, tensor, axes.map(a => ref(a.variable)), [], []))
}

function epilogueOf(group: Group, output: number): Epilogue | undefined {
  const { axes, buffer } = group.anchor.operator.outputs[output]!
  const stored: Variable = { name: buffer.name, type: buffer.element, role: 'let' }
  let tensor = group.anchor.outputs[output]!, indices: readonly Expr[] = axes.map(a => ref(a.variable))
  let value: Expr = ref(stored), origins: Origins = []
  const composing: Composing = { group, given: new Map(), elements: [] }
  for (const node of group.epilogues) {
    const input = node.inputs.indexOf(tensor)
    if (input < 0) continue
    const isStored = value.kind === 'variable'
    composing.given.set(tensor, isStored ? value : named(composing, tensor, indices, [], rounded(value, tensor)))
    const { inverse } = inversionOf(node.operator, node.operator.inputs[input]!)
    const own = originsThrough(definitionOf(node).origins, node.application)
    indices = inverse!.indices.map(i => substitute(withOriginsInside(i, own), bound(inverse!.axes, indices)))
    value = elementOf(composing, node, indices, [])
    tensor = node.outputs[0]!
    origins = joinOrigins(origins, own)
  }
  if (tensor === group.anchor.outputs[output]) return undefined
  const facts = axisFacts(axes)
  return {
    ...composed(composing, axes, value), stored, tensor, indices: indices.map(i => simplify(facts, i)), origins
  }
}

/** The value as memory would give it back. */
export function rounded(value: Expr, tensor: Buffer): Expr {
  return value.type !== tensor.element || endsInProduct(value) ? cast(value, tensor.element, value.origins) : value
}

/** A product with which the next operator's sum could be contracted. */
function endsInProduct(e: Expr): boolean {
  switch (e.kind) {
    case 'binary': return e.operator === '*' && e.type !== 'index'
    case 'unary': return endsInProduct(e.operand)
    case 'select': return endsInProduct(e.then) || endsInProduct(e.otherwise)
    default: return false
  }
}

// ---------------------------------------------------------------- elements

interface Composing {
  readonly group: Group
  /** Tensors whose element, at the one index at which it is read, is known. */
  readonly given: Map<Buffer, Expr>
  /** The elements in between, each after those that it reads. */
  readonly elements: Element[]
}

interface Element extends Part {
  readonly tensor: Buffer
  readonly indices: readonly Expr[]
  /** The conditions under which it is evaluated. */
  readonly path: readonly Expr[]
}

/** An element of a node's output, from its definition. */
function elementOf(c: Composing, node: Node, indices: readonly Expr[], path: readonly Expr[]): Expr {
  const { axes, value } = definitionOf(node)
  const values = bound(axes, indices)
  const made = (part: Expr, under: readonly Expr[]): Expr => {
    const e = withOrigins(part, originsThrough(part.origins, node.application))
    switch (e.kind) {
      case 'variable': {
        const index = values.get(e.variable)
        return index ? withOrigins(index, joinOrigins(index.origins, e.origins)) : e
      }
      case 'select': {
        const condition = made(e.condition, under)
        const then = made(e.then, [...under, condition]), otherwise = made(e.otherwise, [...under, not(condition)])
        return { ...e, condition, then, otherwise }
      }
      case 'binary': {
        if (e.operator !== '&&' && e.operator !== '||') return mapChildren(e, child => made(child, under))
        const left = made(e.left, under)
        return { ...e, left, right: made(e.right, [...under, e.operator === '&&' ? left : not(left)]) }
      }
      case 'load': {
        const tensor = node.inputs[node.operator.inputs.indexOf(e.buffer)]!
        const element = tensorAt(c, tensor, e.indices.map(i => made(i, under)), under, e.origins)
        return withOrigins(element, joinOrigins(element.origins, e.origins))
      }
      default: return mapChildren(e, child => made(child, under))
    }
  }
  return made(value, path)
}

function tensorAt(
  c: Composing, tensor: Buffer, indices: readonly Expr[], path: readonly Expr[], origins: Origins
): Expr {
  const given = c.given.get(tensor)
  if (given) return given
  const producer = producerOf(c.group, tensor)
  if (!producer) return load(tensor, indices, undefined, origins)
  // what is known under fewer conditions is known under all of them
  const known = c.elements.find(e =>
    e.tensor === tensor && equalAll(e.indices, indices) && equalAll(e.path, path.slice(0, e.path.length)))
  if (known) return ref(known.variable)
  return named(c, tensor, indices, path, rounded(elementOf(c, producer, indices, path), tensor))
}

function named(
  c: Composing, tensor: Buffer, indices: readonly Expr[], path: readonly Expr[], value: Expr
): Expr {
  const variable: Variable = { name: tensor.name, type: tensor.element, role: 'let' }
  c.elements.push({ tensor, indices, path, variable, value })
  return ref(variable, value.origins)
}

/** Puts elements that are used once, or cost nothing, in their place; the others keep their names. */
function composed({ elements }: Composing, axes: readonly Axis[], value: Expr): Composed {
  const facts = axisFacts(axes), all = [...elements.map(e => e.value), value]
  const inPlace = new Map<Variable, Expr>(), parts: Part[] = []
  for (const { variable, path, value: element } of elements) {
    const whole = substitute(element, inPlace)
    if (isFree(whole) || usesOf(variable, all) < 2) inPlace.set(variable, whole)
    else parts.push({ variable, value: simplify(facts, when(path.map(p => substitute(p, inPlace)), whole)) })
  }
  return { axes, parts, value: simplify(facts, substitute(value, inPlace)) }
}

/** The value where the conditions hold, anything elsewhere: what it reads is only there under them. */
export function when(conditions: readonly Expr[], value: Expr): Expr {
  return conditions.length === 0 ? value : select(and(...conditions), value, constant(0, value.type), value.origins)
}

/** How often a variable is read. */
export function usesOf(variable: Variable, all: readonly Expr[]): number {
  let n = 0
  for (const e of all) {
    forEachExpr(e, part => {
      if (part.kind === 'variable' && part.variable === variable) n++
    })
  }
  return n
}

/** Nothing is computed but where to read. */
export function isFree(e: Expr): boolean {
  switch (e.kind) {
    case 'constant': case 'variable': case 'load': return true
    case 'cast': return isFree(e.value)
    default: return false
  }
}

function producerOf(group: Group, tensor: Buffer): Node | undefined {
  return group.prologues.find(node => node.outputs.includes(tensor))
}

/** Of an injective operator's one output, with stages inlined. */
function definitionOf(node: Node) {
  return inlinedDefinition(node.operator, node.operator.outputs[0]!.buffer)!
}

export function equalAll(a: readonly Expr[], b: readonly Expr[]): boolean {
  return a.length === b.length && a.every((e, i) => equalExpr(e, b[i]!))
}

/** Index expressions that inference made have no text: they stand for the operator's definition. */
function withOriginsInside(e: Expr, origins: Origins): Expr {
  return mapExpr(e, part => (part.origins.length > 0 ? part : withOrigins(part, origins)))
}
