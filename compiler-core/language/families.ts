/**
 * What a generic schedule may ask of the operator that it serves, `f` of `schedule flat for pointwise f`:
 *
 *     f.shape, f.at(i), f.result              the result's shape, its element at an index, the tensor to store to
 *     r.axes, r.at(i, p), r.init, r.combine(a, b), r.finish(a, i)      of `reduction r`
 *
 * The state of a reduction is a value, or for `argmax` and `argmin` a tuple (value, index).
 */
import { binary as binaryNode, cast, constant, ref } from '../ir/build.ts'
import type { ElementName, Expr as DeviceExpr, Type, Variable } from '../ir/ir.ts'
import { someExpr } from '../ir/visit.ts'
import { elementAt, reductionOf } from '../operators/inline.ts'
import { device, deviceBinary, deviceSelect, exprOf, originsAt } from './device.ts'
import type { Native, NativeCall } from './native-call.ts'
import { problem } from './run.ts'
import { extentValue, tensorValue } from './tensors.ts'
import { bool, elementType, float, int, itemsOf, tuple, unknown, type FamilyValue, type Value } from './values.ts'

export const familyNatives: Readonly<Record<'pointwise' | 'reduction', Readonly<Record<string, Native>>>> = {
  pointwise: {
    shape: { call: c => ofFamily(c, resultShape) },
    result: { call: c => ofFamily(c, result) },
    at: { variadic: 'i', call: c => ofFamily(c, f => pointwiseElement(c, f)) },
  },
  reduction: {
    shape: { call: c => ofFamily(c, resultShape) },
    result: { call: c => ofFamily(c, result) },
    axes: { call: c => ofFamily(c,
      f => tuple(reductionOf(f.operator)?.reduce.axes.map(a => extentValue(a.extent)) ?? [])) },
    at: { call: c => ofFamily(c, f => reducedElement(c, f)) },
    contiguous: { call: c => ofFamily(c, f => bool(isContiguous(f))) },
    neighbouring: { call: c => ofFamily(c, f => bool(isNeighbouring(f))) },
    positions: { call: c => ofFamily(c, f => bool(isArg(reductionOf(f.operator)?.reduce.reducer ?? ''))) },
    element: { call: c => ofFamily(c, elementOfState) },
    init: { call: c => ofFamily(c, initial) },
    combine: { call: c => ofFamily(c, f => combined(c, f)) },
    finish: { call: c => ofFamily(c, f => finished(c, f)) },
  },
}

function ofFamily(c: NativeCall, f: (family: FamilyValue) => Value): Value {
  const family = (c.arguments('f')[0] ?? c.arguments('r')[0])?.value
  return family?.kind === 'family' ? f(family) : unknown
}

function output(f: FamilyValue): FamilyValue['operator']['outputs'][number] | undefined { return f.operator.outputs[0] }
function resultShape(f: FamilyValue): Value { return tuple(output(f)?.buffer.shape.map(extentValue) ?? []) }
function result(f: FamilyValue): Value {
  const definition = output(f)
  return definition ? tensorValue(definition.buffer) : unknown
}

/** The numbers of an index argument, which may be one tuple or several numbers. */
function indexOf(c: NativeCall, parameter: string, rank: number): readonly DeviceExpr[] | undefined {
  const args = c.arguments(parameter).flatMap(a =>
    (itemsOf(a.value) ?? [a.value]).map(value => ({ value, node: a.node })))
  if (args.length !== rank) {
    if (!args.some(a => a.value.kind === 'unknown')) problem(c.run, c.frame.module, c.node, 'rank-mismatch', `This index has ${args.length} parts, but ${rank} are needed.`)
    return undefined
  }
  const exprs = args.map(a => exprOf(c.run, c.frame, a.value, a.node, 'index')), known = exprs.filter(e => e !== undefined)
  return known.length === exprs.length ? known : undefined
}

function pointwiseElement(c: NativeCall, f: FamilyValue): Value {
  const definition = output(f)
  const index = definition && indexOf(c, 'i', definition.axes.length)
  return definition && index ? device(elementAt(f.operator, definition.buffer, index)) : unknown
}

function reducedElement(c: NativeCall, f: FamilyValue): Value {
  const reduction = reductionOf(f.operator)
  if (!reduction) return unknown
  const i = indexOf(c, 'i', reduction.axes.length), p = indexOf(c, 'p', reduction.reduce.axes.length)
  if (!i || !p) return unknown
  const element = inState(reduction.at(i, p))
  if (!isArg(reduction.reduce.reducer)) return device(element)
  const origins = originsAt(c.run, c.frame, c.node)
  const position = p.reduce<DeviceExpr>((l, e, d) =>
    binaryNode('+', binaryNode('*', l, reduction.reduce.axes[d]?.extent ?? constant(1), origins), e, origins), constant(0))
  return tuple([device(element), device(position)])
}

const isArg = (reducer: string): boolean => reducer === 'argmax' || reducer === 'argmin'

/**
 * Whether the last reduced axis moves along the last dimension of an input: neighbours in it are neighbours in
 * memory.
 */
function isContiguous(f: FamilyValue): boolean {
  const reduce = reductionOf(f.operator)?.reduce
  const axis = reduce?.axes.at(-1)?.variable
  return reduce !== undefined && axis !== undefined && someExpr(reduce.body, e => {
    const last = e.kind === 'load' ? e.indices.at(-1) : undefined
    return last?.kind === 'variable' && last.variable === axis
  })
}

/**
 * Whether neighbouring results read neighbouring elements, or the same: the last index of the result moves along the
 * last dimension of each input that it moves along at all.
 */
function isNeighbouring(f: FamilyValue): boolean {
  const reduction = reductionOf(f.operator)
  const axis = reduction?.axes.findLast(a => !(a.extent.kind === 'constant' && a.extent.value === 1))?.variable
  if (!reduction || !axis) return false
  const reads = (e: DeviceExpr): boolean => someExpr(e, x => x.kind === 'variable' && x.variable === axis)
  return !someExpr(reduction.reduce.body, e => e.kind === 'load' && e.indices.slice(0, -1).some(reads))
}

/** The type of the value that a reduction keeps. */
function elementOfState(f: FamilyValue): Value {
  const reduce = reductionOf(f.operator)?.reduce, dtype = reduce && elementType(stateType(reduce.body.type))
  return dtype ? { kind: 'dtype', dtype } : unknown
}

/** Counts and positions that are combined may be exchanged between threads: they are kept as elements are. */
function stateType(type: Type): ElementName { return type === 'index' ? 'i64' : type }
function inState(e: DeviceExpr): DeviceExpr { return e.type === 'index' ? cast(e, 'i64', e.origins) : e }

function initial(f: FamilyValue): Value {
  const reduce = reductionOf(f.operator)?.reduce
  const name = reduce && stateType(reduce.body.type), type = name && elementType(name)
  if (!reduce || !type) return unknown
  const least = type.kind === 'float' ? float(-Infinity) : int(type.min), greatest = type.kind === 'float' ? float(Infinity) : int(type.max)
  const typed = (v: Value): Value => v.kind === 'int' || v.kind === 'float'
    ? device(constant(typeof v.value === 'bigint' && Number.isSafeInteger(Number(v.value)) ? Number(v.value) : v.value, name)) : v
  switch (reduce.reducer) {
    case 'sum': case 'avg': return typed(int(0))
    case 'prod': return typed(int(1))
    case 'max': return typed(least)
    case 'min': return typed(greatest)
    case 'any': return device(constant(0, 'bool'))
    case 'all': return device(constant(1, 'bool'))
    case 'argmax': return tuple([typed(least), device(constant(0))])
    case 'argmin': return tuple([typed(greatest), device(constant(0))])
  }
}

function combined(c: NativeCall, f: FamilyValue): Value {
  const reducer = reductionOf(f.operator)?.reduce.reducer, a = c.arguments('a')[0], b = c.arguments('b')[0]
  if (!reducer || !a || !b) return unknown
  const { run, frame, node } = c, places = { left: a.node, right: b.node }
  const binary = (operator: Parameters<typeof deviceBinary>[3], l: Value, r: Value): Value =>
    l.kind === 'unknown' || r.kind === 'unknown' ? unknown : deviceBinary(run, frame, node, operator, l, r, places)
  switch (reducer) {
    case 'sum': case 'avg': return binary('+', a.value, b.value)
    case 'prod': return binary('*', a.value, b.value)
    case 'max': case 'min': return binary(reducer, a.value, b.value)
    case 'any': return binary('||', a.value, b.value)
    case 'all': return binary('&&', a.value, b.value)
    case 'argmax': case 'argmin': {
      const [x = unknown, i = unknown] = itemsOf(a.value) ?? [], [y = unknown, j = unknown] = itemsOf(b.value) ?? []
      // of equal elements the first one stays
      const better = binary(reducer === 'argmax' ? '>' : '<', y, x), sameAndFirst = binary('&&', binary('==', y, x), binary('<', j, i))
      const takes = namedCondition(c, binary('||', better, sameAndFirst))
      return takes.kind === 'device' ? deviceSelect(run, frame, node, takes.expr, b.value, a.value, { left: b.node, right: a.node }) : unknown
    }
  }
}

/** A condition that decides several values is computed once. */
function namedCondition(c: NativeCall, v: Value): Value {
  if (v.kind !== 'device' || !c.run.device) return v
  const origins = originsAt(c.run, c.frame, c.node)
  const variable: Variable = { name: 'better', type: 'bool', role: 'let' }
  c.run.device.emit({ kind: 'let', variable, value: v.expr, origins })
  return device(ref(variable, origins))
}

/** The result from the state: a mean is divided, an index taken, and what the definition does with it is done. */
function finished(c: NativeCall, f: FamilyValue): Value {
  const reduction = reductionOf(f.operator), a = c.arguments('a')[0]
  if (!reduction || !a) return unknown
  const { reducer, axes, type } = reduction.reduce
  const state = isArg(reducer) ? itemsOf(a.value)?.[1] ?? unknown : a.value
  const kept = exprOf(c.run, c.frame, state, a.node, isArg(reducer) ? 'index' : stateType(type))
  const accumulated = kept && type === 'index' ? cast(kept, type, kept.origins) : kept
  const index = c.arguments('i').length === 0 ? reduction.axes.map(x => constant(0, x.variable.type)) : indexOf(c, 'i', reduction.axes.length)
  if (!accumulated || !index) return unknown
  const origins = originsAt(c.run, c.frame, c.node)
  if (reducer === 'avg') {
    const count = axes.reduce<DeviceExpr>((n, axis) => binaryNode('*', n, axis.extent, origins), constant(1))
    const mean = binaryNode('/', accumulated, cast(count, type, origins), origins)
    return device(reduction.finish(mean, index))
  }
  return device(reduction.finish(isArg(reducer) ? cast(accumulated, type, origins) : accumulated, index))
}
