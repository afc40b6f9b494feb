// Operators built by hand, as elaboration makes them of index notation, and a plain way to compute them.
import { binary, call, cast, constant, load, ref } from '../../../compiler-core/ir/build.ts'
import {
  blockIdx, type Axis, type Buffer, type ElementName, type Expr, type Program, type Reduce, type Stmt, type Variable
} from '../../../compiler-core/ir/ir.ts'
import type { Origin } from '../../../compiler-core/ir/origin.ts'
import { mapExpr } from '../../../compiler-core/ir/visit.ts'
import type { DeclaredInverse, Definition, OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { elementAt, isPointwise, reductionOf } from '../../../compiler-core/operators/inline.ts'
import { execute } from '../../harness/ir-interpreter.ts'

export type Extent = number | Variable | Expr

export const add = (...terms: Expr[]) => terms.reduce((l, r) => binary('+', l, r))
export const sub = (l: Expr, r: Expr) => binary('-', l, r)
export const mul = (...factors: Expr[]) => factors.reduce((l, r) => binary('*', l, r))
export const div = (l: Expr, r: Expr) => binary('/', l, r)
export const mod = (l: Expr, r: Expr) => binary('%', l, r)
const max = (l: Expr, r: Expr) => binary('max', l, r)
export const n = (value: number) => constant(value)
export const f = (value: number, type: ElementName = 'f32') => constant(value, type)
export const extentVariable = (name: string): Variable => ({ name, type: 'index', role: 'extent' })
export const at = (tensor: Buffer, ...indices: Expr[]) => load(tensor, indices)

function extent(e: Extent): Expr {
  return typeof e === 'number' ? constant(e) : 'role' in e ? ref(e) : e
}

export function tensor(
  name: string, shape: readonly Extent[], element: ElementName = 'f32', scope: Buffer['scope'] = 'input'
): Buffer {
  return { name, element, scope, shape: shape.map(extent), layout: undefined, origins: [] }
}

/** A range in a file that is named like the operator, so that origins can be told apart. */
export const originOf = (uri: string): Origin => ({ range: { uri, span: { start: 0, end: 1 } }, through: undefined })

type Elements = (...indices: Expr[]) => Expr

function define(name: string, buffer: Buffer, value: Elements): Definition {
  const axes = buffer.shape.map((e, d): Axis => ({ variable: { name: `i${d}`, type: 'index', role: 'axis' }, extent: e }))
  const origins = [originOf(name)]
  const made = value(...axes.map(a => ref(a.variable, origins)))
  const traced = mapExpr(made, e => (e.origins.length > 0 ? e : { ...e, origins }))
  const converted = traced.type === buffer.element ? traced : cast(traced, buffer.element, origins)
  return { buffer, axes, value: converted, origins }
}

export function operator(
  name: string, inputs: readonly Buffer[], shape: readonly Extent[], value: Elements,
  more: { element?: ElementName; stages?: ReadonlyArray<readonly [Buffer, Elements]> } = {}
): OperatorInstance {
  const output = tensor('y', shape, more.element ?? inputs[0]!.element, 'output')
  const stages = (more.stages ?? []).map(([buffer, elements]) => define(name, buffer, elements))
  return {
    name, inputs, stages, outputs: [define(name, output, value)], inverses: [], extents: [],
    origins: [originOf(name)]
  }
}

export function withInverse(
  o: OperatorInstance, input: Buffer, indices: Elements, origins: DeclaredInverse['origins'] = []
): OperatorInstance {
  const axes = input.shape.map((e, d): Axis => ({ variable: { name: `j${d}`, type: 'index', role: 'axis' }, extent: e }))
  const made = indices(...axes.map(a => ref(a.variable)))
  const list = made.kind === 'call' ? made.args : [made]
  return { ...o, inverses: [...o.inverses, { input, output: o.outputs[0]!.buffer, axes, indices: list, origins }] }
}

/** Several expressions as one, for `withInverse`. */
export const tuple = (...indices: Expr[]) => call('fma', indices)

export const flat = (index: readonly Expr[], shape: readonly Extent[]): Expr =>
  index.reduce((l, i, d) => add(mul(l, extent(shape[d]!)), i), n(0))

/** The index of a position, as a mapping's formula: `position / stride % extent`. */
export function unflat(position: Expr, shape: readonly Extent[]): Expr[] {
  return shape.map((e, d) => {
    const stride = shape.slice(d + 1).reduce((s: Expr, x) => mul(s, extent(x)), n(1))
    const digit = div(position, stride)
    return e === 1 ? n(0) : d === 0 ? digit : mod(digit, extent(e))
  })
}

/** Leading indices are dropped, those of extent 1 are at 0. */
export function align(index: readonly Expr[], shape: readonly Extent[]): Expr[] {
  return shape.map((e, d) => (e === 1 ? n(0) : index[index.length - shape.length + d]!))
}

// ---------------------------------------------------------------- operators of the library

export const relu = (x: Buffer) => operator('relu', [x], x.shape, (...i) => max(at(x, ...i), f(0, x.element)))
export const gelu = (x: Buffer) => operator('gelu', [x], x.shape, (...i) =>
  mul(f(0.5, x.element), at(x, ...i), add(f(1, x.element), call('erf', [mul(at(x, ...i), f(0.7071067811865476, x.element))]))))
export const scale = (x: Buffer, by: number) =>
  operator('scale', [x], x.shape, (...i) => mul(at(x, ...i), f(by, x.element)))
export const convert = (x: Buffer, to: ElementName) =>
  operator('cast', [x], x.shape, (...i) => cast(at(x, ...i), to), { element: to })

/** Shapes are numbers here. */
export const numbersOf = (b: Buffer) => b.shape.map(e => Number(e.kind === 'constant' ? e.value : NaN))

export function addition(a: Buffer, b: Buffer): OperatorInstance {
  const s = numbersOf(a), t = numbersOf(b), rank = Math.max(s.length, t.length)
  const from = (shape: number[], d: number) => shape[d - rank + shape.length] ?? 1
  const shape = Array.from({ length: rank }, (_, d) => Math.max(from(s, d), from(t, d)))
  return operator('add', [a, b], shape, (...i) => add(at(a, ...align(i, s)), at(b, ...align(i, t))))
}

export function transpose(x: Buffer, perm: readonly number[]): OperatorInstance {
  return operator('transpose', [x], perm.map(d => x.shape[d]!), (...i) => at(x, ...perm.map((_, d) => i[perm.indexOf(d)]!)))
}

export function reshape(x: Buffer, to: readonly Extent[]): OperatorInstance {
  const s = x.shape.map(e => (e.kind === 'constant' ? Number(e.value) : e))
  return operator('reshape', [x], to, (...i) => at(x, ...unflat(flat(i, to), s)))
}

export const sum = (body: Expr, ...axes: Axis[]): Reduce =>
  ({ kind: 'reduce', reducer: 'sum', axes, body, type: body.type, origins: [] })

export const axis = (name: string, e: Extent): Axis =>
  ({ variable: { name, type: 'index', role: 'axis' }, extent: extent(e) })

export function batchMatmul(a: Buffer, b: Buffer): OperatorInstance {
  const [batch, m, k] = a.shape, width = b.shape[2]!
  const p = axis('p', k!), q = ref(p.variable)
  const wide = (e: Expr) => (e.type === 'f32' ? e : cast(e, 'f32'))
  return operator('batch_matmul', [a, b], [batch!, m!, width], (r, i, j) =>
    sum(mul(wide(at(a, r, i, q)), wide(at(b, r, q, j))), p))
}

// ---------------------------------------------------------------- plain programs

/** One thread for each element of the output: any schedule that fits pointwise operators and sums. */
export function plainProgram(o: OperatorInstance): Program {
  const [output] = o.outputs
  const { buffer } = output!
  const size = buffer.shape.reduce((l, e) => mul(l, e), n(1) as Expr)
  const position = ref(blockIdx[0]), shape = buffer.shape
  const index = shape.map((e, d) => {
    const stride = shape.slice(d + 1).reduce((l, x) => mul(l, x), n(1) as Expr)
    return mod(div(position, stride), e)
  })
  const origins = [originOf('schedule')]
  const store = (value: Expr): Stmt => ({ kind: 'store', buffer, indices: index, value, guarded: false, origins })
  const body: Stmt[] = []
  if (isPointwise(o)) body.push(store(elementAt(o, buffer, index)))
  else {
    const reduction = reductionOf(o)!
    const total: Variable = { name: 'total', type: reduction.reduce.type, role: 'mutable' }
    const loops = reduction.reduce.axes.map((a): Variable => ({ name: a.variable.name, type: 'index', role: 'loop' }))
    let inner: Stmt = {
      kind: 'assign', variable: total, origins,
      value: add(ref(total), reduction.at(index, loops.map(v => ref(v))))
    }
    for (const [d, variable] of [...loops.entries()].toReversed()) {
      const { extent: e } = reduction.reduce.axes[d]!
      inner = { kind: 'for', variable, extent: e, unroll: 'automatic', vector: false, body: [inner], origins }
    }
    const first: Stmt = { kind: 'declare', variable: total, value: constant(0, total.type), origins }
    body.push(first, inner, store(reduction.finish(ref(total), index)))
  }
  return {
    name: o.name, parameters: [...o.inputs, buffer], workspaces: [], extents: o.extents, origins,
    kernels: [{ name: 'main', grid: [size, n(1), n(1)], block: [1, 1, 1], minBlocks: undefined, body, origins }]
  }
}

/** Elements of an operator's output. */
export function computed(o: OperatorInstance, inputs: ReadonlyMap<Buffer, readonly number[]>): readonly number[] {
  const used = new Map([...inputs].filter(([b]) => o.inputs.includes(b)))
  return [...execute(plainProgram(o), used, { stage: 'logical' }).values()][0]!.map(Number)
}
