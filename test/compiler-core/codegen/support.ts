/** Lowered programs by hand: short ways to write IR, with or without origins. */
import { architectureNamed, type Architecture } from '../../../compiler-core/target/architectures.ts'
import { binary, call, cast, compare, constant, load, ref } from '../../../compiler-core/ir/build.ts'
import type {
  Allocate, BinaryOperator, Buffer, Copy, ElementName, Expr, For, If, Intrinsic, Kernel, Let, Program, Stmt, Store,
  Type, Variable
} from '../../../compiler-core/ir/ir.ts'
import { blockIdx, threadIdx } from '../../../compiler-core/ir/ir.ts'

export const architecture = (name: string): Architecture => architectureNamed(name)!
export const sm_80 = architecture('sm_80')

// ---------------------------------------------------------------- expressions

export type Operand = Expr | Variable | number

const typeOf = (x: Operand): Type | undefined =>
  typeof x === 'number' ? undefined : 'kind' in x ? x.type : x.role === 'thread' || x.role === 'block' ? 'u32' : x.type

export function expr(x: Operand, type: Type = 'u32'): Expr {
  if (typeof x === 'number') return constant(x, type)
  if ('kind' in x) return x
  return x.role === 'thread' || x.role === 'block' ? { ...ref(x), type: 'u32' } : ref(x)
}

/** A node as it is: nothing is folded. Numbers take the other operand's type. */
export function op(operator: BinaryOperator, left: Operand, right: Operand): Expr {
  const type = typeOf(left) ?? typeOf(right) ?? 'u32'
  const logical = ['<', '<=', '==', '!=', '&&', '||'].includes(operator)
  return {
    kind: 'binary', operator, left: expr(left, type), right: expr(right, type), type: logical ? 'bool' : type, origins: []
  }
}

export const add = (...terms: readonly Operand[]): Expr =>
  terms.slice(1).reduce<Expr>((sum, term) => binary('+', sum, expr(term, sum.type)), expr(terms[0]!))
export const mul = (a: Operand, b: Operand): Expr => binary('*', expr(a), expr(b))
export const div = (a: Operand, b: Operand): Expr => binary('/', expr(a), expr(b))
export const mod = (a: Operand, b: Operand): Expr => binary('%', expr(a), expr(b))
export const less = (a: Operand, b: Operand): Expr => compare('<', expr(a), expr(b))
export const at = (buffer: Buffer, offset: Operand): Expr => load(buffer, [expr(offset)])
export const fn = (intrinsic: Intrinsic, ...args: readonly Expr[]): Expr => call(intrinsic, args)
export const to = (type: Type, value: Operand): Expr => cast(expr(value), type)
export function choose(condition: Operand, then: Operand, otherwise: Operand): Expr {
  const type = typeOf(then) ?? typeOf(otherwise) ?? 'u32'
  return {
    kind: 'select', condition: expr(condition), then: expr(then, type), otherwise: expr(otherwise, type), type, origins: []
  }
}
export const thread = expr(threadIdx[0])
export const block = expr(blockIdx[0])

// ---------------------------------------------------------------- things

export const variable = (name: string, type: Type = 'u32', role: Variable['role'] = 'let'): Variable =>
  ({ name, type, role })
export const buffer = (
  name: string, element: ElementName, scope: Buffer['scope'], ...shape: readonly Operand[]
): Buffer => ({ name, element, scope, shape: shape.map(e => expr(e)), layout: undefined, origins: [] })

// ---------------------------------------------------------------- statements

export const let_ = (v: Variable, value: Operand, note?: string): Let =>
  ({ kind: 'let', variable: v, value: expr(value, v.type), origins: [], ...note === undefined ? {} : { note } })
export const declare = (v: Variable, value: Operand): Stmt =>
  ({ kind: 'declare', variable: v, value: expr(value, v.type), origins: [] })
export const assign = (v: Variable, value: Operand): Stmt =>
  ({ kind: 'assign', variable: v, value: expr(value, v.type), origins: [] })
export const allocate = (b: Buffer, value?: Operand, reuses: readonly Buffer[] = []): Allocate =>
  ({ kind: 'allocate', buffer: b, value: value === undefined ? undefined : expr(value, b.element), reuses, origins: [] })
export const store = (b: Buffer, offset: Operand, value: Operand): Store =>
  ({ kind: 'store', buffer: b, indices: [expr(offset)], value: expr(value, b.element), guarded: false, origins: [] })
export const copy = (lanes: number, target: Buffer, offset: Operand, from: Buffer, fromOffset: Operand): Copy => ({
  kind: 'copy', lanes, to: { buffer: target, offset: expr(offset) }, from: { buffer: from, offset: expr(fromOffset) },
  origins: []
})
export const when = (condition: Expr, then: readonly Stmt[], otherwise: readonly Stmt[] = []): If =>
  ({ kind: 'if', condition, then, otherwise, origins: [] })
export const barrier: Stmt = { kind: 'barrier', origins: [] }

/** Fully unrolled unless said otherwise. */
export function loop(
  name: string, extent: Operand, body: (v: Variable) => readonly Stmt[], unroll: For['unroll'] = 'full', note?: string
): For {
  const v = variable(name, 'u32', 'loop')
  return {
    kind: 'for', variable: v, extent: expr(extent), unroll, vector: false, body: body(v), origins: [],
    ...note === undefined ? {} : { note }
  }
}

// ---------------------------------------------------------------- programs

export interface KernelParts {
  readonly name?: string
  readonly grid?: readonly Operand[]
  readonly block?: readonly number[]
  readonly minBlocks?: number
  readonly body: readonly Stmt[]
}

export function kernel({ name = 'main', grid = [1], block: threads = [32], minBlocks, body }: KernelParts): Kernel {
  const size = (i: number) => threads[i] ?? 1
  return {
    name, grid: [expr(grid[0] ?? 1), expr(grid[1] ?? 1), expr(grid[2] ?? 1)], block: [size(0), size(1), size(2)],
    minBlocks, body, origins: []
  }
}

export function program(
  name: string, parameters: readonly Buffer[], kernels: readonly KernelParts[], more: Partial<Program> = {}
): Program {
  return { name, parameters, workspaces: [], extents: [], kernels: kernels.map(kernel), origins: [], ...more }
}
