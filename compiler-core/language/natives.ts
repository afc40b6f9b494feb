/**
 * What the compiler provides: the values and functions that std/builtin.heddle declares, and the members of
 * std/members.heddle.
 *
 * A declaration in the library gives the names, types and documentation; this file gives the meaning. Arguments arrive
 * bound to the declared parameters and converted to their types; a function that is not in the tables has no
 * compile-time value (`threadIdx`, `exp` of a tensor).
 *
 *     fn auto_map(extents: shape, workers: int, ranks: shape = none) -> mapping
 *     natives.auto_map.call(c): the extents are c.arguments('extents')
 */
import { constant, indexArithmetic, ref } from '../ir/build.ts'
import { dimensions, type Expr as DeviceExpr } from '../ir/ir.ts'
import { equalExpr } from '../ir/visit.ts'
import { numbers, symbols, type Expr } from '../mapping/arithmetic.ts'
import { autoMap, cover } from '../mapping/auto-map.ts'
import {
  columnMajor, localLayout, offset, permute, reshape, rowMajor, strided, stridesLayout, swizzle, type Layout
} from '../mapping/layout.ts'
import {
  mappingText, projectOnto, projectZero, registerLayout, repeat, spatial, stepsOf, taskAt, tasksOf, tasksPerWorker,
  type Factor, type Loop, type Mapping
} from '../mapping/mapping.ts'
import type { Problem, Result } from '../mapping/result.ts'
import { counted, shapeText } from '../mapping/shape.ts'
import { architectureNamed, type Architecture } from '../target/architectures.ts'
import { deviceBinary, exprOf, isLaunch, laterThan, originsAt } from './device.ts'
import { familyNatives } from './families.ts'
import { composeLaunchMappings, launchShape, launchTasks, launchWorkers } from './launch-mappings.ts'
import type { Bound, Native, NativeCall } from './native-call.ts'
import { extentValue, extentsOf } from './tensors.ts'
import { binaryValue, composeMappings, exact, layoutValue } from './operations.ts'
import { limits, problem, type Frame, type Run } from './run.ts'
import type { Call, Expr as ExprNode, Node } from './syntax/tree.ts'
import {
  asSymbolic, bool, describe, elementType, equalValues, float, int, itemsOf, layoutFactors, layoutWeight, list,
  numbersValue, symbolicSelect, symbolicValue, tuple, unknown, valueText, type LaunchMapping, type LayoutValue,
  type MappingValue, type Origin,
  type Reducer, type Value
} from './values.ts'

// ---------------------------------------------------------------- values

/** The value of `let NAME = builtin`. */
export function builtinValue(name: string, architecture: Architecture): Value {
  const dtype = elementType(name)
  if (dtype) return { kind: 'dtype', dtype }
  const loop = loopWords.get(name)
  if (loop) return { kind: 'loop', loop }
  const sm = architectureNamed(name)
  if (sm) return { kind: 'target', architecture: { ...sm, name } }
  if (isReducer(name)) return { kind: 'reducer', name }
  if (kinds.has(name)) return { kind: 'type', name }
  if (name === 'target') return { kind: 'target', architecture }
  if (name === 'threadIdx' || name === 'blockIdx' || name === 'blockDim' || name === 'gridDim') return { kind: 'position', name }
  return name === 'inf' ? float(Infinity) : unknown
}

const loopWords: ReadonlyMap<string, Loop> = new Map([
  ['vector', { kind: 'vector' }], ['unrolled', { kind: 'unrolled' }], ['rolled', { kind: 'rolled' }], ['parallel', { kind: 'parallel' }],
])
const kinds: ReadonlySet<string> = new Set([
  'int', 'float', 'number', 'shape', 'tensor', 'position', 'pointwise', 'reduction', 'tuple', 'list', 'string', 'mapping', 'layout', 'dtype', 'reducer', 'loop', 'architecture',
])
const reducers: readonly Reducer[] = ['sum', 'prod', 'max', 'min', 'avg', 'any', 'all', 'argmax', 'argmin']
function isReducer(name: string): name is Reducer { return (reducers as readonly string[]).includes(name) }

/** `max` and `min` are declared as functions and are reducers. */
export function functionValue(name: string): Value | undefined {
  return name === 'max' || name === 'min' ? { kind: 'reducer', name } : undefined
}

// ---------------------------------------------------------------- functions

export const natives: Readonly<Record<string, Native>> = {
  spatial: { variadic: 'extents', call: c => atLaunch(c, 'spatial', false) ?? made(c, atom(c, 'spatial', false)) },
  repeat: { variadic: 'extents', call: c => atLaunch(c, 'repeat', false) ?? made(c, atom(c, 'repeat', false)) },
  col_spatial: { variadic: 'extents', call: c => atLaunch(c, 'spatial', true) ?? made(c, atom(c, 'spatial', true)) },
  col_repeat: { variadic: 'extents', call: c => atLaunch(c, 'repeat', true) ?? made(c, atom(c, 'repeat', true)) },
  auto_map: { variadic: 'extents', call: c => made(c, distributed(c, autoMap)) },
  cover: { variadic: 'extents', call: c => made(c, distributed(c, cover)) },
  row_major: { variadic: 'extents', call: c => laidOut(c, rowMajor) },
  column_major: { variadic: 'extents', call: c => laidOut(c, columnMajor) },
  local: { variadic: 'extents', call: c => laidOut(c, localLayout) },
  strided: { variadic: 'extents', call: stridedLayout },
  sizeof: { call: c => { const t = dtypeOf(c, 'type'); return t ? int(t.bytes) : unknown } },
  accumulator: { call: accumulator },
  broadcast: { variadic: 'shapes', call: broadcast },
  align: { call: align },
  abs: { call: abs },
  exp: floatFunction(Math.exp),
  log: floatFunction(Math.log),
  sqrt: floatFunction(Math.sqrt),
  tanh: floatFunction(Math.tanh),
  rsqrt: floatFunction(x => 1 / Math.sqrt(x)),
  sin: floatFunction(Math.sin),
  cos: floatFunction(Math.cos),
  floor: floatFunction(Math.floor),
  ceil: floatFunction(Math.ceil),
  divisible: { call: c => { const n = c.arguments('n')[0]?.value, by = c.arguments('by')[0]?.value; return n === undefined || n.kind === 'unknown' ? unknown : bool(n.kind === 'int' && by?.kind === 'int' && by.value > 0n && n.value % by.value === 0n) } },
  fused: { call: c => { const t = c.arguments('tensor')[0]?.value; return t?.kind === 'tensor' && c.run.device ? bool(c.run.device.isFused(t.buffer)) : unknown } },
  pow: { call: c => { const x = floatOf(c, 'x'), y = floatOf(c, 'y'); return x === undefined || y === undefined ? unknown : float(x ** y) } },
}

/** Members by the kind of the value before the dot, as std/members.heddle names it. */
export const memberNatives: Readonly<Record<string, Readonly<Record<string, Native>>>> = {
  mapping: {
    shape: { call: c => ofLaunch(c, m => tuple(launchShape(m).map(extentValue))) ?? withMapping(c,
      m => numbersValue(m.mapping.shape)) },
    workers: { call: c => ofLaunch(c, m => extentValue(launchWorkers(m))) ?? withMapping(c,
      m => int(m.mapping.workers)) },
    rank: { call: c => withMapping(c, m => int(m.mapping.rank)) },
    tasks: { call: c => withMapping(c, m => tasks(c, m.mapping)) },
    layout: { call: c => withMapping(c, m => registers(c, m)) },
    on: { call: c => withMapping(c, m => on(c, m.mapping)) },
    at: { call: c => ofLaunch(c, m => atOfLaunch(c, m)) ?? withMapping(c, m => at(c, m.mapping)) },
    project: { call: c => withMapping(c, m => project(c, m)) },
    ...Object.fromEntries(['spatial', 'repeat', 'col_spatial', 'col_repeat', 'auto_map', 'cover'].map((name): [string, Native] => [name, {
      variadic: 'extents',
      call: c => withMapping(c, m => {
        const next = natives[name]?.call(c)
        const places = { left: receiverOf(c), right: argumentsPlace(c) }
        return next?.kind === 'mapping' ? composeMappings(c.run, c.frame, m, next, places)
          : next?.kind === 'launch-mapping' ? composeLaunchMappings(c.run, c.frame, '*', m, next, places) : unknown
      }),
    }])),
  },
  layout: {
    shape: { call: c => withLayout(c, l => numbersValue(l.layout.shape)) },
    size: { call: c => withLayout(c, l => int(l.layout.size)) },
    rank: { call: c => withLayout(c, l => int(l.layout.shape.length)) },
    at: { variadic: 'index', call: c => withLayout(c, l => offsetOf(c, l.layout, c.arguments('index'))) },
    swizzle: { call: c => withLayout(c, l => swizzled(c, l)) },
    permute: { variadic: 'order', call: c => withLayout(c, l => relaid(c, l, c.arguments('order'), permute)) },
    reshape: { variadic: 'extents', call: c => withLayout(c, l => relaid(c, l, c.arguments('extents'), reshape)) },
  },
  shape: {
    rank: { call: c => int(sequence(c)?.length ?? 0) },
    drop: { call: drop },
    find: { call: find },
  },
  dtype: {
    min: { call: c => bound(c, 'min') },
    max: { call: c => bound(c, 'max') },
  },
  reducer: {
    identity: { call: identity },
    finish: { call: finish },
  },
  position: Object.fromEntries(dimensions.map((d): [string, Native] => [d, { call: c => {
    const p = c.arguments('p')[0]?.value
    return p?.kind === 'position' && c.run.device ? c.run.device.position(p.name, d) : unknown
  } }])),
  tensor: {
    shape: { call: c => { const t = c.arguments('t')[0]?.value; return t?.kind === 'tensor' ? tuple(extentsOf(t).map(extentValue)) : unknown } },
  },
  ...familyNatives,
  architecture: Object.fromEntries(
    ([
      'compute_capability', 'warp_size', 'threads_per_block', 'threads_per_sm', 'warps_per_sm', 'blocks_per_sm', 'registers_per_sm', 'registers_per_block',
      'registers_per_thread', 'register_allocation_unit', 'shared_memory_per_sm', 'shared_memory_per_block', 'static_shared_memory_per_block',
      'reserved_shared_memory_per_block', 'shared_memory_allocation_unit',
    ] as const).map((name): [string, Native] => [name, { call: c => {
      const target = c.arguments('t')[0]?.value
      return target?.kind === 'target' ? int(target.architecture[name]) : unknown
    } }])),
}

/** The kind under which a value's members are declared. */
export function memberKind(v: Value): string | undefined {
  switch (v.kind) {
    case 'mapping': case 'layout': case 'dtype': case 'reducer': return v.kind
    case 'tuple': case 'list': case 'int': case 'symbolic': case 'device': return 'shape'
    case 'launch-mapping': return 'mapping'
    case 'target': return 'architecture'
    case 'position': case 'tensor': return v.kind
    case 'family': return v.family
    default: return undefined
  }
}

// ---------------------------------------------------------------- arguments

interface Numbers { readonly values: readonly number[]; readonly nodes: readonly ExprNode[] }

/** Whole numbers, from numbers, tuples and lists; undefined when that is not what they are, which has been reported. */
function numbersOf(c: NativeCall, args: readonly Bound[], what: string): Numbers | undefined {
  const values: number[] = [], nodes: ExprNode[] = []
  let known = true
  for (const { value, node } of flattened(args)) {
    if (value.kind === 'int' && Number.isSafeInteger(Number(value.value))) {
      values.push(Number(value.value))
      nodes.push(node)
      continue
    }
    known = false
    if (value.kind === 'int') {
      problem(c.run, c.frame.module, node, 'overflow', `${what} stay within 2^53; this is ${value.value}.`)
      continue
    }
    if (value.kind === 'symbolic') c.run.gaveUp = true
    else if (value.kind === 'device') laterThan(c.run, c.frame, node, value, `${what}`)
    else if (value.kind !== 'unknown') problem(c.run, c.frame.module, node, 'wrong-type', `${what} are whole numbers; this is ${describe(value)}.`)
  }
  if (!known) return undefined
  if (values.length > limits.dimensions) {
    problem(c.run, c.frame.module, nodes[limits.dimensions] ?? c.node, 'too-large', `At most ${limits.dimensions} dimensions; these are ${values.length}.`)
    return undefined
  }
  return { values, nodes }
}

/** One level of tuples and lists opened; what is written as a tuple keeps the place of each item. */
function flattened(args: readonly Bound[]): readonly Bound[] {
  return args.flatMap(({ value, node }) => {
    if (value.kind !== 'tuple' && value.kind !== 'list') return [{ value, node }]
    let written = node
    while (written.kind === 'Parenthesized') written = written.value
    const items = written.kind === 'Tuple' || written.kind === 'List' ? written.items : []
    const places = items.length === value.items.length ? items : []
    return value.items.map((item, i) => ({ value: item, node: places[i] ?? node }))
  })
}

/** One whole number; `otherwise` where the argument was not given. */
function numberArgument(c: NativeCall, parameter: string): number | undefined {
  const arg = c.arguments(parameter)[0]
  if (!arg) return undefined
  if (arg.value.kind === 'int') return Number(arg.value.value)
  if (arg.value.kind === 'symbolic') c.run.gaveUp = true
  if (arg.value.kind === 'device') laterThan(c.run, c.frame, arg.node, arg.value, `\`${parameter}\``)
  return undefined
}

/** `ranks: (1, 0)`; `{}` where it is not given, undefined where it is wrong. */
function ranksArgument(c: NativeCall, parameter = 'ranks'): { readonly numbers?: Numbers } | undefined {
  const args = c.arguments(parameter)
  if (args.length === 0) return {}
  const found = numbersOf(c, args, parameter === 'ranks' ? 'Ranks' : 'Strides')
  return found && { numbers: found }
}

/** Reports what a constructor has against its arguments, at the argument that it speaks of. */
function reject(c: NativeCall, p: Problem, extents: Numbers | undefined, ranks?: Numbers): Value {
  const first = (parameter: string): Node | undefined => c.arguments(parameter)[0]?.node
  const axis = (n: Numbers | undefined): Node | undefined => p.axis === undefined ? undefined : n?.nodes[p.axis]
  const place = p.code === 'bad-ranks' ? axis(ranks) ?? first('ranks') ?? first('strides')
    : p.code === 'bad-loop' ? first('loops')
    : p.code === 'not-divisible' ? first('workers')
    : axis(extents) ?? (p.code === 'bad-extent' && extents !== undefined && extents.values.length > 0 ? first('workers') : undefined)
  problem(c.run, c.frame.module, place ?? argumentsPlace(c), p.code, p.message)
  return unknown
}

/** The call without its receiver. */
function argumentsPlace(c: NativeCall): Node {
  return c.node.kind === 'Call' && c.node.callee.kind === 'Member' ? c.node.callee.member : c.node
}
function receiverOf(c: NativeCall): Node {
  const callee = c.node.kind === 'Call' ? c.node.callee : c.node
  return callee.kind === 'Member' ? callee.receiver : c.node
}

// ---------------------------------------------------------------- task mappings

function made(c: NativeCall, mapping: Mapping | undefined): Value {
  if (!mapping) return unknown
  const origin: Origin = [c.made]
  return { kind: 'mapping', mapping, origins: mapping.factors.map(() => origin) }
}

function atom(c: NativeCall, kind: 'spatial' | 'repeat', column: boolean): Mapping | undefined {
  const extents = numbersOf(c, c.arguments('extents'), 'Extents'), given = ranksArgument(c), loops = loopsOf(c)
  if (!extents || !given || !loops) return undefined
  const ranks = column ? extents.values.map((_, i) => extents.values.length - 1 - i) : given.numbers?.values
  const result = kind === 'spatial' ? spatial(extents.values, ranks) : repeat(extents.values, { ...ranks && { ranks }, loops })
  if (result.ok) return result.value
  reject(c, result.problem, extents, given.numbers)
  return undefined
}

function loopsOf(c: NativeCall): readonly Loop[] | undefined {
  const found: Loop[] = []
  for (const { value } of flattened(c.arguments('loops'))) {
    if (value.kind !== 'loop') return undefined
    found.push(value.loop)
  }
  return found
}

function distributed(c: NativeCall, distribute: typeof autoMap): Mapping | undefined {
  const extents = numbersOf(c, c.arguments('extents'), 'Extents'), given = ranksArgument(c), workers = numberArgument(c, 'workers')
  if (!extents || !given || workers === undefined) return undefined
  const result = distribute(extents.values, workers, given.numbers?.values)
  if (result.ok) return result.value
  reject(c, result.problem, extents, given.numbers)
  return undefined
}

function withMapping(c: NativeCall, f: (m: MappingValue) => Value): Value {
  const m = c.arguments('m')[0]?.value
  return m?.kind === 'mapping' ? f(m) : unknown
}

function tasks(c: NativeCall, m: Mapping): Value {
  const each = tasksPerWorker(m)
  if (each !== undefined) return int(each)
  problem(c.run, c.frame.module, c.node, 'not-one-task', `The workers of \`${mappingText(m)}\` have differently many tasks, so that \`.tasks\` has no value.`)
  return unknown
}

function registers(c: NativeCall, m: MappingValue): Value {
  const result = registerLayout(m.mapping)
  if (!result.ok) return reject(c, result.problem, undefined)
  const factors = layoutFactors(result.value)
  return { kind: 'layout', layout: result.value, origins: factors.map((_, i) => m.origins[factors.length === m.origins.length ? i : 0] ?? [c.made]) }
}

/** The number of a worker, when it is one. */
function workerOf(c: NativeCall, m: Mapping): number | undefined {
  const worker = numberArgument(c, 'worker')
  if (worker === undefined || (worker >= 0 && worker < m.workers)) return worker
  problem(c.run, c.frame.module, c.arguments('worker')[0]?.node ?? c.node, 'worker-outside',
    `The mapping has ${counted(m.workers, 'worker')}, 0 to ${m.workers - 1}; this is ${worker}.`)
  return undefined
}

function on(c: NativeCall, m: Mapping): Value {
  const worker = workerOf(c, m)
  if (worker === undefined) return unknown
  const steps = stepsOf(m, worker)
  if (steps > limits.items) {
    problem(c.run, c.frame.module, c.node, 'too-large', `Worker ${worker} has ${steps} tasks; a list has at most ${limits.items} items. Loops of kernels take any number.`)
    return unknown
  }
  c.run.steps += steps
  return list(Array.from(tasksOf(m, worker), numbersValue))
}

function at(c: NativeCall, m: Mapping): Value {
  const arg = c.arguments('worker')[0]
  if (arg?.value.kind === 'device') return atDevice(c, m, arg.value.expr)
  if (arg?.value.kind === 'symbolic') return atSymbolic(c, m, arg.value)
  const worker = workerOf(c, m)
  if (worker === undefined) return unknown
  const steps = stepsOf(m, worker)
  if (steps === 1) return numbersValue(taskAt(m, worker, 0, numbers))
  problem(c.run, c.frame.module, c.node, 'not-one-task', `\`.at\` gives the only task of a worker, but worker ${worker} has ${counted(steps, 'task')}. Use \`.on\` for all of them.`)
  return unknown
}

/** The task of a worker that is known while the kernel runs. */
function atDevice(c: NativeCall, m: Mapping, worker: DeviceExpr): Value {
  if (tasksPerWorker(m) !== 1) {
    problem(c.run, c.frame.module, c.node, 'not-one-task', '`.at` gives the only task of a worker, but the workers of this mapping have several. Use `.on` in a loop.')
    return unknown
  }
  const origins = originsAt(c.run, c.frame, c.node)
  return tuple(taskAt<DeviceExpr>(m, worker, constant(0), indexArithmetic(origins)).map(extentValue))
}

function ofLaunch(c: NativeCall, f: (m: LaunchMapping) => Value): Value | undefined {
  const m = c.arguments('m')[0]?.value
  return m?.kind === 'launch-mapping' ? f(m) : undefined
}

function atOfLaunch(c: NativeCall, m: LaunchMapping): Value {
  const arg = c.arguments('worker')[0]
  const worker = arg && exprOf(c.run, c.frame, arg.value, arg.node, 'index')
  if (!worker) return unknown
  const tasks = launchTasks(m, worker, originsAt(c.run, c.frame, c.node))
  if (tasks.loops.length === 0) return tuple(tasks.index([], v => ref(v)).map(extentValue))
  problem(c.run, c.frame.module, c.node, 'not-one-task', '`.at` gives the only task of a worker, but a mapping with `repeat` has several for each. Use `.on` in a loop.')
  return unknown
}

/** An atom whose extents are known only at launch; undefined where all are numbers. */
function atLaunch(c: NativeCall, kind: 'spatial' | 'repeat', column: boolean): Value | undefined {
  const args = flattened(c.arguments('extents'))
  if (!args.some(a => a.value.kind === 'device')) return undefined
  const extents = args.map(a => exprOf(c.run, c.frame, a.value, a.node, 'index'))
  const given = ranksArgument(c), loops = loopsOf(c), known = extents.filter(e => e !== undefined)
  if (!given || !loops || known.length < extents.length) return unknown
  const late = args.find(a => a.value.kind === 'device' && !isLaunch(a.value.expr))
  if (late?.value.kind === 'device') {
    laterThan(c.run, c.frame, late.node, late.value, 'An extent')
    return unknown
  }
  const rank = known.length
  const ranks = column ? known.map((_, i) => rank - 1 - i) : given.numbers?.values ?? known.map((_, i) => i)
  return { kind: 'launch-mapping', atoms: [{ kind, extents: known, ranks, loops: loops.length === 1 && loops[0] ? known.map(() => loops[0] ?? automaticLoop) : loops, made: c.made }] }
}

const automaticLoop: Loop = { kind: 'automatic' }

function atSymbolic(c: NativeCall, m: Mapping, worker: Extract<Value, { kind: 'symbolic' }>): Value {
  const simple = tasksPerWorker(m) === 1 && worker.low >= 0 && worker.high < m.workers && m.factors.every(f => f.kind !== 'custom' || f.tasks.kind === 'expressions')
  const items = simple ? taskAt<Expr>(m, worker.expr, { kind: 'constant', value: 0 }, symbols).map((e, axis) =>
    symbolicValue('int', e, 0, (m.shape[axis] ?? 1) - 1, expressionWeight(e))) : []
  const found = items.filter(item => item !== undefined)
  if (simple && found.length === items.length) return tuple(found)
  c.run.gaveUp = true
  return unknown
}

/** Nodes of an expression, counted up to a bound that symbolic values do not reach. */
function expressionWeight(e: Expr, most = 10_000): number {
  if (most <= 0) return 1
  switch (e.kind) {
    case 'constant': case 'variable': return 1
    case 'lookup': return 1 + expressionWeight(e.index, most - 1)
    case 'binary': {
      const left = expressionWeight(e.left, most - 1)
      return 1 + left + expressionWeight(e.right, most - 1 - left)
    }
    case 'select': {
      const condition = expressionWeight(e.condition, most - 1), then = expressionWeight(e.then, most - 1 - condition)
      return 1 + condition + then + expressionWeight(e.otherwise, most - 1 - condition - then)
    }
  }
}

function project(c: NativeCall, m: MappingValue): Value {
  const onto = c.arguments('onto')[0], zero = c.arguments('zero')
  if ((onto === undefined) === (zero.length === 0)) {
    problem(c.run, c.frame.module, c.node, onto === undefined ? 'missing-argument' : 'too-many-arguments',
      '`.project` takes either `onto:` the dimension that stays, or `zero:` the dimensions whose index becomes 0.')
    return unknown
  }
  const axes = numbersOf(c, onto ? [onto] : zero, 'Dimensions')
  if (!axes) return unknown
  const bad = axes.values.findIndex(axis => axis < 0 || axis >= m.mapping.rank)
  if (bad >= 0) {
    problem(c.run, c.frame.module, axes.nodes[bad] ?? c.node, 'bad-axis',
      `The mapping has ${counted(m.mapping.rank, 'dimension')}, ${m.mapping.rank === 1 ? '0' : `0 to ${m.mapping.rank - 1}`} (task shape ${shapeText(m.mapping.shape)}); this is ${axes.values[bad]}.`)
    return unknown
  }
  const axis = axes.values[0] ?? 0
  const result = onto ? projectOnto(m.mapping, axis) : projectZero(m.mapping, axes.values)
  if (!result.ok) return reject(c, result.problem, undefined)
  const kept = onto ? m.origins.filter((_, i) => survives(m.mapping.factors[i], axis)) : m.origins
  return { kind: 'mapping', mapping: result.value, origins: kept }
}

/** Whether a factor remains when a mapping is projected onto an axis: repeats of the other axes are gone. */
function survives(f: Factor | undefined, axis: number): boolean {
  return f !== undefined && (f.kind !== 'repeat' || f.axes.includes(axis))
}

// ---------------------------------------------------------------- data layouts

function laidOut(c: NativeCall, make: (shape: readonly number[]) => Result<Layout>): Value {
  const extents = numbersOf(c, c.arguments('extents'), 'Extents')
  if (!extents) return unknown
  const result = make(extents.values)
  return result.ok ? layoutValue(result.value, [c.made]) : reject(c, result.problem, extents)
}

function stridedLayout(c: NativeCall): Value {
  const extents = numbersOf(c, c.arguments('extents'), 'Extents'), ranks = ranksArgument(c), strides = ranksArgument(c, 'strides')
  if (!extents || !ranks || !strides) return unknown
  if ((ranks.numbers === undefined) === (strides.numbers === undefined)) {
    problem(c.run, c.frame.module, c.node, ranks.numbers ? 'too-many-arguments' : 'missing-argument', '`strided` takes either `ranks:` or `strides:`, one number for each dimension.')
    return unknown
  }
  const result = ranks.numbers ? strided(extents.values, ranks.numbers.values)
    : stridesLayout(extents.values, strides.numbers?.values ?? [])
  if (result.ok) return layoutValue(result.value, [c.made])
  const { axis } = result.problem
  const strideWrong = strides.numbers && axis !== undefined && (strides.numbers.values[axis] ?? 0) < 0
  return reject(c, result.problem, strideWrong ? strides.numbers : extents, ranks.numbers ?? strides.numbers)
}

function withLayout(c: NativeCall, f: (l: LayoutValue) => Value): Value {
  const l = c.arguments('l')[0]?.value
  return l?.kind === 'layout' ? f(l) : unknown
}

function swizzled(c: NativeCall, l: LayoutValue): Value {
  const dim = numberArgument(c, 'dim'), regards = numberArgument(c, 'regards'), step = numberArgument(c, 'log_step')
  if (dim === undefined || isTooHeavy(c, l)) return unknown
  const result = swizzle(l.layout, dim, regards, step)
  if (result.ok) return layoutValue(result.value, l.origins[0] ?? [c.made])
  const about = result.problem.code === 'bad-axis' ? (dim >= 0 && dim < l.layout.shape.length ? 'regards' : 'dim') : result.problem.axis === undefined ? 'log_step' : 'dim'
  const { code, message } = result.problem
  problem(c.run, c.frame.module, c.arguments(about)[0]?.node ?? argumentsPlace(c), code, message)
  return unknown
}

function relaid(
  c: NativeCall, l: LayoutValue, args: readonly Bound[],
  make: (of: Layout, numbers: readonly number[]) => Result<Layout>
): Value {
  const found = numbersOf(c, args, c.name === 'permute' ? 'Dimensions' : 'Extents')
  if (!found || isTooHeavy(c, l)) return unknown
  const result = make(l.layout, found.values)
  return result.ok ? layoutValue(result.value, l.origins[0] ?? [c.made]) : reject(c, result.problem, found, found)
}

function isTooHeavy(c: NativeCall, l: LayoutValue): boolean {
  if (layoutWeight(l.layout) < limits.factors) return false
  problem(c.run, c.frame.module, argumentsPlace(c), 'too-large', `A layout has at most ${limits.factors} parts.`)
  return true
}

/** `l(i, j)`: the offset of an element, of concrete or symbolic indices. */
export function offsetOf(c: NativeCall, l: Layout, args: readonly Bound[]): Value {
  const { run, frame } = c
  const indices = flattened(args)
  if (indices.length === l.shape.length && indices.some(i => i.value.kind === 'device')) {
    const exprs = indices.map(i => exprOf(run, frame, i.value, i.node, 'index')), known = exprs.filter(e => e !== undefined)
    return known.length < exprs.length ? unknown
      : extentValue(offset<DeviceExpr>(l, known, indexArithmetic(originsAt(run, frame, c.node))))
  }
  if (indices.length !== l.shape.length) {
    problem(run, frame.module, c.node, 'rank-mismatch', `The layout has shape ${shapeText(l.shape)} and takes ${counted(l.shape.length, 'index').replace('indexs', 'indices')}, not ${indices.length}.`)
    return unknown
  }
  const found: number[] = []
  for (const [d, { value, node }] of indices.entries()) {
    if (value.kind === 'unknown') return unknown
    if (value.kind === 'symbolic') {
      run.gaveUp = true
      return unknown
    }
    if (value.kind !== 'int') {
      problem(run, frame.module, node, 'wrong-type', `Indices are whole numbers; this is ${describe(value)}.`)
      return unknown
    }
    const index = Number(value.value), extent = l.shape[d] ?? 1
    if (index < 0 || index >= extent) {
      problem(run, frame.module, node, 'index-outside', `Index ${d} of a layout of shape ${shapeText(l.shape)} is 0 to ${extent - 1}; this is ${index}.`)
      return unknown
    }
    found.push(index)
  }
  return int(offset(l, found, numbers))
}

// ---------------------------------------------------------------- sequences and shapes

function sequence(c: NativeCall): readonly Value[] | undefined {
  const s = c.arguments('s')[0]
  return s && itemsOf(s.value)
}

function drop(c: NativeCall): Value {
  const items = sequence(c), d = numberArgument(c, 'd')
  if (!items || d === undefined) return unknown
  if (d >= 0 && d < items.length) return tuple(items.filter((_, i) => i !== d))
  problem(c.run, c.frame.module, c.arguments('d')[0]?.node ?? c.node, 'index-outside', `There ${items.length === 1 ? 'is 1 item' : `are ${items.length} items`}, from 0; this is ${d}.`)
  return unknown
}

function find(c: NativeCall): Value {
  const items = sequence(c), x = c.arguments('x')[0]?.value
  if (!items || !x) return unknown
  if (x.kind === 'symbolic' || items.some(item => item.kind === 'symbolic')) {
    c.run.gaveUp = true
    return unknown
  }
  return int(items.findIndex(item => equalValues(item, x) === true))
}

/** Dimensions are matched from the last one; an extent of 1 stretches. */
function broadcast(c: NativeCall): Value {
  const shapes = c.arguments('shapes').map(arg => ({ extents: itemsOf(arg.value), node: arg.node }))
  const rank = Math.max(0, ...shapes.map(s => s.extents?.length ?? 0))
  const result = new Array<Value>(rank).fill(int(1))
  for (const { extents, node } of shapes) {
    if (!extents) return unknown
    for (const [i, extent] of extents.entries()) {
      const d = rank - extents.length + i, before = result[d] ?? int(1)
      if (extent.kind === 'unknown') return unknown
      if (isOne(extent) || sameExtent(before, extent)) continue
      if (!isOne(before)) {
        const late = [extent, before].find(v => v.kind === 'device')
        if (late?.kind === 'device') laterThan(c.run, c.frame, node, late, 'An extent that is broadcast')
        else problem(c.run, c.frame.module, node, 'size-mismatch', `Shape ${valueText(tuple(extents))} does not broadcast: its dimension ${i} has extent ${valueText(extent)}, that of the shapes before it ${valueText(before)}. Extents are equal, or 1.`)
        return unknown
      }
      result[d] = extent
    }
  }
  return tuple(result)
}

const isOne = (v: Value): boolean => v.kind === 'int' && v.value === 1n
function sameExtent(a: Value, b: Value): boolean {
  if (a.kind === 'device' && b.kind === 'device') return equalExpr(a.expr, b.expr)
  return a.kind === 'int' && b.kind === 'int' && a.value === b.value
}

function align(c: NativeCall): Value {
  const i = c.arguments('i')[0], s = c.arguments('s')[0]
  const index = i && itemsOf(i.value), shape = s && itemsOf(s.value)
  if (!index || !shape) return unknown
  if (index.length < shape.length) {
    problem(c.run, c.frame.module, i.node, 'rank-mismatch', `The index has ${index.length} parts, but the shape ${valueText(tuple(shape))} has ${shape.length} dimensions.`)
    return unknown
  }
  return tuple(shape.map((extent, d) => isOne(extent) ? int(0) : index[index.length - shape.length + d] ?? unknown))
}

// ---------------------------------------------------------------- numbers and types

function floatOf(c: NativeCall, parameter: string): number | undefined {
  const v = c.arguments(parameter)[0]?.value
  if (v?.kind === 'symbolic') c.run.gaveUp = true
  return v?.kind === 'float' ? v.value : v?.kind === 'int' ? Number(v.value) : undefined
}

function floatFunction(f: (x: number) => number): Native {
  return { call: c => { const x = floatOf(c, 'x'); return x === undefined ? unknown : float(f(x)) } }
}

function abs(c: NativeCall): Value {
  const x = c.arguments('x')[0]?.value
  if (x?.kind === 'int') return exact(c.run, c.frame, c.node, x.value < 0n ? -x.value : x.value)
  if (x?.kind === 'float') return float(Math.abs(x.value))
  if (x?.kind === 'symbolic') c.run.gaveUp = true
  return unknown
}

function dtypeOf(c: NativeCall, parameter: string): Extract<Value, { kind: 'dtype' }>['dtype'] | undefined {
  const v = c.arguments(parameter)[0]?.value
  return v?.kind === 'dtype' ? v.dtype : undefined
}

function accumulator(c: NativeCall): Value {
  const t = dtypeOf(c, 'type')
  if (!t) return unknown
  const wide = t.kind === 'float' ? (t.name === 'tf32' || t.bytes < 4 ? 'f32' : t.name) : t.bytes < 4 ? 'i32' : t.name
  return { kind: 'dtype', dtype: elementType(wide) ?? t }
}

function bound(c: NativeCall, which: 'min' | 'max'): Value {
  const t = dtypeOf(c, 'type')
  if (!t) return unknown
  const value = t[which]
  return typeof value === 'bigint' ? exact(c.run, c.frame, c.node, value) : float(value)
}

function identity(c: NativeCall): Value {
  const op = c.arguments('op')[0]?.value, t = dtypeOf(c, 'type')
  if (op?.kind !== 'reducer' || !t) return unknown
  const number = (x: number): Value => t.kind === 'float' ? float(x) : int(x)
  switch (op.name) {
    case 'sum': case 'avg': return number(0)
    case 'prod': return number(1)
    case 'max': case 'argmax': return t.kind === 'float' ? float(-Infinity) : int(t.min)
    case 'min': case 'argmin': return t.kind === 'float' ? float(Infinity) : int(t.max)
    case 'any': return bool(false)
    case 'all': return bool(true)
  }
}

function finish(c: NativeCall): Value {
  const op = c.arguments('op')[0]?.value, value = c.arguments('value')[0]?.value, count = floatOf(c, 'count')
  if (op?.kind !== 'reducer' || !value) return unknown
  if (op.name !== 'avg') return value
  const n = c.arguments('count')[0]
  const places = { left: c.arguments('value')[0]?.node ?? c.node, right: n?.node ?? c.node }
  if (n && (value.kind === 'device' || n.value.kind === 'device')) return deviceBinary(c.run, c.frame, c.node, '/', value, n.value, places)
  const total = floatOf(c, 'value')
  return total === undefined || count === undefined ? unknown : float(total / count)
}

/**
 * `sum(a, b)`, `max(a, b)`: two elements combined. Undefined for reducers whose elements are not numbers or conditions
 * alone.
 */
export function combine(run: Run, frame: Frame, node: Call | Node, name: Reducer, a: Bound, b: Bound): Value {
  const places = { left: a.node, right: b.node }
  switch (name) {
    case 'sum': case 'avg': return binaryValue(run, frame, node, '+', a.value, b.value, places)
    case 'prod': return binaryValue(run, frame, node, '*', a.value, b.value, places)
    case 'any': return binaryValue(run, frame, node, '||', a.value, b.value, places)
    case 'all': return binaryValue(run, frame, node, '&&', a.value, b.value, places)
    case 'argmax': case 'argmin': return unknown
    case 'max': case 'min': {
      if (a.value.kind === 'device' || b.value.kind === 'device') {
        return a.value.kind === 'unknown' || b.value.kind === 'unknown' ? unknown : deviceBinary(run, frame, node, name, a.value, b.value, places)
      }
      const less = binaryValue(run, frame, node, name === 'max' ? '>=' : '<=', a.value, b.value, places)
      if (less.kind === 'bool') return promoted(less.value ? a.value : b.value, a.value, b.value)
      const x = asSymbolic(a.value), y = asSymbolic(b.value)
      const chosen = less.kind === 'symbolic' && x && y ? symbolicSelect(less, x, y) : undefined
      if (less.kind === 'symbolic' && !chosen) run.gaveUp = true
      return chosen ?? unknown
    }
  }
}

/** Of a float and a whole number, the result is a float. */
function promoted(chosen: Value, a: Value, b: Value): Value {
  return chosen.kind === 'int' && (a.kind === 'float' || b.kind === 'float') ? float(Number(chosen.value)) : chosen
}
