/**
 * What a kernel tries on the data of an input: which numbers make a mistake show, and which hide one.
 *
 *     gather            index: positions below 9        softmax     x: its maximum is looked for, and exp taken of it
 *     batch_norm        variance: above 0               matmul      sums of 11 products stay exact with |x| <= 4
 */
import { and, binary, cast, constant, select, typeRange } from '../ir/build.ts'
import type { FlowGraph, Meaning } from '../graph/flow.ts'
import type { Axis, Buffer, Expr, Load, Reduce, ReducerName, Type, Variable } from '../ir/ir.ts'
import { childrenOf, forEachExpr, someExpr } from '../ir/visit.ts'
import { compiledDefinition, shapeOf, sizeOf } from '../operators/definition-code.ts'
import type { Definition, OperatorInstance } from '../operators/definition.ts'
import { floatFormats, isFloatName } from '../operators/floats.ts'

export interface Use {
  /** It indexes a dimension of this extent. */
  readonly below: number | undefined
  /** And may lie outside of it: a least and a greatest index are taken of it. */
  readonly isClamped: boolean
  /** A root, logarithm or power is taken of it. */
  readonly isPositive: boolean
  readonly isNonzero: boolean
  /** Many of them are multiplied. */
  readonly isFactor: boolean
  /** An exponential is taken of what is made of it. */
  readonly isExponent: boolean
  /** A mean is taken of it. */
  readonly isAveraged: boolean
  /** Of the rows of elements of which each gives one maximum or minimum. */
  readonly search: Search | undefined
}

/** Numbers of elements, row after row: a maximum (`sign` 1) or minimum (-1) is looked for in each; -1: outside. */
export interface Search {
  readonly sign: 1 | -1
  readonly length: number
  readonly elements: Float64Array
}

export const anyUse: Use = {
  below: undefined, isClamped: false, isPositive: false, isNonzero: false, isFactor: false, isExponent: false,
  isAveraged: false, search: undefined
}

/** Of the inputs of an operator or graph that are used in a special way. */
export function usesOf(meaning: Meaning, extents: ReadonlyMap<Variable, number>): ReadonlyMap<Buffer, Use> {
  const uses = new Map<Buffer, Use>()
  for (const { operator, tensorOf } of operatorsOf(meaning)) {
    const note = (e: Expr, use: Partial<Use>) => {
      forEachReached(e, load => {
        const tensor = tensorOf(load.buffer)
        uses.set(tensor, { ...anyUse, ...uses.get(tensor), ...use })
      })
    }
    for (const definition of [...operator.stages, ...operator.outputs]) {
      forEachExpr(definition.value, e => {
        switch (e.kind) {
          case 'load': {
            const shape = shapeOf(e.buffer.shape, extents)
            e.indices.forEach((index, d) => {
              const isClamped = has(index, 'min') && has(index, 'max')
              forEachExpr(index, part => { note(part, { below: shape[d]!, isClamped }) })
            })
            break
          }
          case 'call':
            if (roots.has(e.intrinsic)) note(e.args[0]!, { isPositive: true })
            if (e.intrinsic === 'exp') forEachExpr(e.args[0]!, part => { note(part, { isExponent: true }) })
            break
          case 'binary':
            if (e.operator === '/' || e.operator === '%') note(e.right, { isNonzero: true })
            break
          case 'reduce':
            if (e.reducer === 'avg') forEachExpr(e.body, part => { note(part, { isAveraged: true }) })
            if (e.reducer === 'prod') note(e.body, { isNonzero: true, isFactor: true })
            if (signs[e.reducer]) {
              forEachReached(e.body, load => { note(load, { search: searchOf(definition, e, load, extents) }) })
            }
            break
          default:
        }
      })
    }
  }
  return uses
}

const roots: ReadonlySet<string> = new Set(['sqrt', 'rsqrt', 'log', 'pow'])
const signs: Readonly<Partial<Record<ReducerName, 1 | -1>>> = { max: 1, argmax: 1, min: -1, argmin: -1 }

function has(e: Expr, operator: 'min' | 'max'): boolean {
  return someExpr(e, part => part.kind === 'binary' && part.operator === operator)
}

/** Loads whose order is that of the whole: behind conversions, sums with constants, choices. */
function forEachReached(e: Expr, f: (load: Load) => void): void {
  switch (e.kind) {
    case 'load': f(e); break
    case 'cast': forEachReached(e.value, f); break
    case 'select':
      forEachReached(e.then, f)
      forEachReached(e.otherwise, f)
      break
    case 'binary':
      if (e.operator !== '+' && e.operator !== 'max') break
      if (e.right.kind === 'constant') forEachReached(e.left, f)
      else if (e.left.kind === 'constant') forEachReached(e.right, f)
      break
    default:
  }
}

/** More elements than that are left to chance. */
const mostSearched = 2 ** 22

/** The elements that a reduction reads, each at most once; undefined where it reads them otherwise. */
function searchOf(
  definition: Definition, reduce: Reduce, load: Load, extents: ReadonlyMap<Variable, number>
): Search | undefined {
  const axes: readonly Axis[] = [...definition.axes, ...reduce.axes]
  const size = sizeOf(shapeOf(axes.map(a => a.extent), extents))
  const isComputed = load.indices.some(i => someExpr(i, e => e.kind === 'load' || e.kind === 'reduce'))
  if (!(size <= mostSearched) || isComputed) return undefined
  const { shape } = load.buffer
  const inside = load.indices.flatMap((i, d) => [binary('<=', constant(0), i), binary('<', i, shape[d]!)])
  const place = load.indices.reduce<Expr>((n, i, d) => binary('+', binary('*', n, shape[d]!), i), constant(0))
  const value = cast(select(and(...inside), place, constant(-1)), 'i64')
  const elements = new Float64Array(size), seen = new Uint8Array(sizeOf(shapeOf(shape, extents)))
  const places: Definition = { ...definition, axes, value }
  const compute = compiledDefinition(places, new Map(), extents, elements, new Float64Array(size))
  for (let i = 0; i < size; i++) {
    compute(i)
    const element = elements[i]!
    if (element >= 0 && seen[element] === 1) return undefined
    seen[element] = 1
  }
  return { sign: signs[reduce.reducer]!, length: sizeOf(shapeOf(reduce.axes.map(a => a.extent), extents)), elements }
}

interface Applied {
  readonly operator: OperatorInstance
  /** What an input or output of the operator is for the whole. */
  readonly tensorOf: (buffer: Buffer) => Buffer
}

function operatorsOf(meaning: Meaning): readonly Applied[] {
  if (meaning.kind === 'operator') return [{ operator: meaning.operator, tensorOf: buffer => buffer }]
  return meaning.graph.nodes.map(({ operator, inputs, outputs }: FlowGraph['nodes'][number]) => {
    const tensors = new Map<Buffer, Buffer>([
      ...operator.inputs.map((b, i) => [b, inputs[i]!] as const),
      ...operator.outputs.map(({ buffer }, i) => [buffer, outputs[i]!] as const)
    ])
    return { operator, tensorOf: buffer => tensors.get(buffer) ?? buffer }
  })
}

// ---------------------------------------------------------------- how large numbers may be

/** The greatest of 4, 3, 2, 1 with which sums and products of whole inputs stay exact; 1 where none does. */
export function greatestExact(meaning: Meaning, extents: ReadonlyMap<Variable, number>): number {
  const limitOf = (e: Expr): number => e.kind === 'reduce' ? greatestIn(e.type) : Infinity
  return [4, 3, 2].find(most => staysExact(meaning, extents, () => most, limitOf)) ?? 1
}

/** The greatest power of 2 with which i32 and i64 inputs never leave the types of what is made of them; else 100. */
export function greatestWhole(meaning: Meaning, extents: ReadonlyMap<Variable, number>): number {
  const most = [40, 30, 24, 20, 16].map(n => 2 ** n).find(large => {
    const own = ({ element }: Buffer): number =>
      isFloatName(element) ? 8 : element === 'i32' ? Math.min(large, 2 ** 30) : element === 'i64' ? large : 100
    const limitOf = ({ type }: Expr): number =>
      type === 'index' || type === 'bool' ? Infinity : Math.min(greatestIn(type), typeRange(type)?.high ?? Infinity)
    return staysExact(meaning, extents, own, limitOf)
  })
  return most ?? 100
}

/** Up to it whole numbers of the type are known exactly; a whole type may wrap before. */
function greatestIn(type: Type): number {
  return isFloatName(type) ? 2 ** floatFormats[type].bits : Number.MAX_SAFE_INTEGER
}

/** `mostOf`: of an input's elements; `limitOf`: of what is made of them. */
function staysExact(
  meaning: Meaning, extents: ReadonlyMap<Variable, number>, mostOf: (input: Buffer) => number,
  limitOf: (e: Expr) => number
): boolean {
  let exact = true
  const magnitudes = new Map<Buffer, number>()
  for (const { operator, tensorOf } of operatorsOf(meaning)) {
    for (const { buffer, value } of [...operator.stages, ...operator.outputs]) {
      magnitudes.set(tensorOf(buffer), magnitudeOf(value, tensorOf))
    }
  }
  return exact

  /** At most so great is a whole number made of whole numbers; what has fractions anyway counts as 1. */
  function magnitudeOf(e: Expr, tensorOf: Applied['tensorOf']): number {
    const magnitude = ownMagnitudeOf(e, tensorOf)
    exact &&= magnitude <= limitOf(e)
    return e.kind === 'reduce' && e.reducer === 'avg' ? magnitude / countOf(e) : magnitude
  }

  function countOf(e: Reduce): number {
    return sizeOf(shapeOf(e.axes.map(a => a.extent), extents)) || 1
  }

  function ownMagnitudeOf(e: Expr, tensorOf: Applied['tensorOf']): number {
    const parts = childrenOf(e).map(part => magnitudeOf(part, tensorOf))
    switch (e.kind) {
      case 'constant': return Number.isInteger(Number(e.value)) ? Math.abs(Number(e.value)) : 1
      case 'variable': return 1
      case 'load': return magnitudes.get(tensorOf(e.buffer)) ?? mostOf(tensorOf(e.buffer))
      case 'cast': case 'unary': return parts[0]!
      case 'select': return Math.max(parts[1]!, parts[2]!)
      case 'call': return e.intrinsic === 'abs' ? parts[0]! : 1
      case 'binary':
        switch (e.operator) {
          case '+': case '-': return parts[0]! + parts[1]!
          case '*': return parts[0]! * parts[1]!
          case 'min': case 'max': return Math.max(parts[0]!, parts[1]!)
          case '<<': return Infinity
          default: return parts[0]!
        }
      case 'reduce': {
        const body = parts.at(-1)!, count = countOf(e)
        return e.reducer === 'sum' || e.reducer === 'avg' ? count * body : e.reducer === 'prod' ? body ** count : body
      }
    }
  }
}
