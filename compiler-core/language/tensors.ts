/**
 * Elements and slices of tensors, and reductions over them, as the language writes them.
 *
 *     x[i, ..]            a slice: the tensor with its first index fixed
 *     x[i - 1] ?? 0       a load of one element, with its value outside of the declared shape
 *     sum[p < k] ...      a `reduce` node over one axis, accumulated in f32 for narrower floats
 */
import { binary, cast, constant, load, ref } from '../ir/build.ts'
import type { Axis, Buffer, Expr as DeviceExpr, Type, Variable } from '../ir/ir.ts'
import { counted } from '../mapping/shape.ts'
import { device, exprOf, originsAt } from './device.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { Node, Reduction } from './syntax/tree.ts'
import {
  describe, itemsOf, tuple, unknown, type Reducer, type TensorValue, type Value, type ViewDim
} from './values.ts'

export function tensorValue(buffer: Buffer): TensorValue {
  return { kind: 'tensor', buffer, dims: buffer.shape.map((extent): ViewDim => ({ kind: 'range', from: undefined, extent })) }
}

/** The extents of the dimensions that a tensor or slice has. */
export function extentsOf(t: TensorValue): readonly DeviceExpr[] {
  return t.dims.flatMap(d => d.kind === 'range' ? [d.extent] : [])
}

/** An extent as a value: a number where it is one. */
export function extentValue(e: DeviceExpr): Value {
  return e.kind === 'constant' ? { kind: 'int', value: BigInt(e.value) } : device(e)
}

interface Placed { readonly value: Value; readonly node: Node }
/** One part of an index. The extent of a range is a length, or the end. */
export type Part =
  | ({ readonly kind: 'at' } & Placed)
  | { readonly kind: 'range'; readonly from: Placed | undefined; readonly extent: (Placed & { readonly isEnd: boolean }) | undefined }

/** The element or slice at an index. */
export function tensorAt(run: Run, frame: Frame, node: Node, t: TensorValue, parts: readonly Part[]): Value {
  const rank = extentsOf(t).length
  if (parts.length !== rank) {
    if (parts.some(p => p.kind === 'at' && p.value.kind === 'unknown')) return unknown
    problem(run, frame.module, node, 'rank-mismatch', `\`${t.buffer.name}\` has ${counted(rank, 'dimension')} here, but ${parts.length === 1 ? 'this is 1 index' : `these are ${parts.length} indices`}.`)
    return unknown
  }
  let next = 0
  const before = run.problems
  const index = (p: Placed): DeviceExpr => exprOf(run, frame, p.value, p.node, 'index') ?? constant(0)
  const dims = t.dims.map((d): ViewDim => {
    const part = d.kind === 'range' ? parts[next++] : undefined
    if (d.kind === 'index' || part === undefined) return d
    const based = (e: DeviceExpr): DeviceExpr => d.from === undefined ? e : binary('+', d.from, e, e.origins)
    if (part.kind === 'at') return { kind: 'index', at: based(index(part)) }
    const from = part.from && index(part.from)
    const given = part.extent && index(part.extent)
    const extent = given === undefined ? d.extent : part.extent?.isEnd === true && from ? binary('-', given, from, given.origins) : given
    return { kind: 'range', from: from === undefined ? d.from : based(from), extent }
  })
  if (run.problems > before) return unknown
  const indices = dims.flatMap(d => d.kind === 'index' ? [d.at] : [])
  const slice: TensorValue = { kind: 'tensor', buffer: t.buffer, dims }
  if (indices.length < dims.length) return slice
  const element = load(t.buffer, indices, undefined, originsAt(run, frame, node))
  return device(run.device?.accumulates === true ? widened(element) : element)
}

/** The buffer and indices of the one element that an expression loads. */
export function loadedElement(
  e: DeviceExpr
): { readonly buffer: Buffer; readonly indices: readonly DeviceExpr[] } | undefined {
  const inner = e.kind === 'cast' ? e.value : e
  return inner.kind === 'load' ? inner : undefined
}

/** `x[e] ?? outside` */
export function guardedElement(run: Run, frame: Frame, node: Node, read: Value, outside: Value): Value {
  const element = read.kind === 'device' ? loadedElement(read.expr) : undefined
  if (!element || read.kind !== 'device') {
    problem(run, frame.module, node, 'wrong-type', `\`??\` follows an element of a tensor; this is ${describe(read)}.`)
    return unknown
  }
  const value = exprOf(run, frame, outside, node, element.buffer.element)
  if (!value) return unknown
  const guarded = load(element.buffer, element.indices, value, originsAt(run, frame, node))
  return device(read.expr.kind === 'cast' ? cast(guarded, read.expr.type, guarded.origins) : guarded)
}

// ---------------------------------------------------------------- reductions

/** The type in which sums of elements are kept. */
function accumulatorType(t: Type): Type {
  switch (t) {
    case 'f16': case 'bf16': case 'tf32': return 'f32'
    case 'i8': case 'i16': case 'u8': case 'u16': return 'i32'
    default: return t
  }
}

function widened(e: DeviceExpr): DeviceExpr {
  const type = accumulatorType(e.type)
  return type === e.type ? e : cast(e, type, e.origins)
}

/** A `reduce` node; `body` is evaluated with the values of the axes bound. */
export function reductionOver(
  run: Run, frame: Frame, node: Reduction, reducer: Reducer,
  extents: ReadonlyArray<{ readonly value: Value; readonly node: Node }>, body: (axes: readonly Value[]) => Value
): Value {
  const axes: Axis[] = [], values: Value[] = []
  for (const [i, binder] of node.binders.entries()) {
    const extent = extents[i]
    if (!extent) return unknown
    const items = binder.rest ? itemsOf(extent.value) : [extent.value]
    if (!items) return unknown
    const own = items.map((item, d): Axis | undefined => {
      const e = exprOf(run, frame, item, extent.node, 'index')
      const variable: Variable = { name: binder.rest ? `${binder.name.text}${d}` : binder.name.text, type: 'index', role: 'axis' }
      return e && { variable, extent: e }
    })
    const known = own.filter(a => a !== undefined)
    if (known.length < own.length) return unknown
    axes.push(...known)
    const refs = known.map(a => device(ref(a.variable, originsAt(run, frame, binder.name))))
    values.push(tuple(refs))
  }
  const context = run.device
  if (!context) return unknown
  const { accumulates } = context
  const sums = reducer === 'sum' || reducer === 'prod' || reducer === 'avg'
  context.accumulates = sums
  const element = body(values)
  context.accumulates = accumulates
  const isLogic = reducer === 'any' || reducer === 'all'
  const e = exprOf(run, frame, element, node.body, isLogic ? 'bool' : undefined)
  if (!e) return unknown
  const bodyType = sums ? accumulatorType(e.type) : e.type
  const type = reducer === 'argmax' || reducer === 'argmin' ? 'i64' : bodyType
  const origins = originsAt(run, frame, node)
  return device({ kind: 'reduce', reducer, axes, body: e.type === bodyType ? e : cast(e, bodyType, origins), type, origins })
}
