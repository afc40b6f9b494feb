/**
 * What only moves or converts elements, made simpler, or moved out of the way of what could meet (reference 5.2). c is
 * a constant, T, U and V are element types.
 *
 *     reshape(x) with the shape of x, cast to x's type, ...  ->  x
 *     reshape(reshape(x))                                     ->  reshape(x)
 *     reshape(x) + c                                          ->  reshape(x + c')        c' reads like c in x's shape;
 *     reshape(x) * c                                          ->  reshape(x * c')        so for squeeze and flatten
 *     cast(cast(x: T, U), V)                                  ->  cast(x, V)             where U holds all of T
 *     f(y), g(y), y = cast(x)                                 ->  f(cast(x)), g(cast(x))  where x is smaller
 */
import type { Buffer, ElementName } from '../../ir/ir.ts'
import { isFloat, typeRange } from '../../ir/build.ts'
import { bytesOf } from '../../ir/memory.ts'
import { floatFormats, isFloatName } from '../../operators/floats.ts'
import { viewedInput } from '../../operators/views.ts'
import { extentsOf } from '../builder.ts'
import type { Node } from '../flow.ts'
import type { Model } from '../model.ts'
import { edit, type Editing } from './editing.ts'
import {
  alignedShape, applied, innerProducer, knownOperand, reshaped, sameShape, sourcesOf, type Rule
} from './rules.ts'

export const transformRules: readonly Rule[] = [identity, reshapeOfReshape, knownBehindReshape, doubleCast]

function identity(_: Editing, node: Node): Buffer | undefined {
  const x = viewedBy(node)
  return x && sameShape(extentsOf(x), extentsOf(node.outputs[0]!)) ? x : undefined
}

function reshapeOfReshape(editing: Editing, node: Node): Buffer | undefined {
  const middle = viewedBy(node), before = middle && editing.producerOf(middle), x = before && viewedBy(before)
  return x && applied(editing, 'reshape', { x, to: extentsOf(node.outputs[0]!) }, node.sources)
}

/** The tensor whose elements a node gives another shape. */
export function viewedBy({ operator, inputs }: Node): Buffer | undefined {
  const input = viewedInput(operator)
  return input && inputs[operator.inputs.indexOf(input)]
}

function knownBehindReshape(editing: Editing, node: Node): Buffer | undefined {
  const operator = node.operator.name
  if (operator !== 'add' && operator !== 'multiply') return undefined
  const outer = knownOperand(editing, node, operator), reshape = outer && innerProducer(editing, outer.x, 'reshape')
  const x = reshape?.inputs[0]
  if (!outer || !reshape || !x || editing.constants.has(x)) return undefined
  const to = extentsOf(outer.x), shape = throughReshape(alignedShape(outer.c, to.length), extentsOf(x), to)
  const c = shape && reshaped(editing, outer.c, shape)
  const result = c === undefined ? undefined : applied(editing, operator, { a: x, b: c }, sourcesOf(node))
  return result && applied(editing, 'reshape', { x: result, to }, sourcesOf(reshape))
}

/**
 * The shape under which a constant of shape `c` broadcasts to `from` as it does to `to`, a reshape of `from`: where
 * neighbouring extents of one correspond to some of the other, the constant has all of them or none.
 */
function throughReshape(
  c: readonly number[], from: readonly number[], to: readonly number[]
): readonly number[] | undefined {
  if (c.length > to.length) return undefined
  const shape: number[] = []
  let i = 0, j = 0
  while (i < to.length || j < from.length) {
    const first = i
    let target = to[i++] ?? 1, source = from[j] ?? 1
    const group = [from[j++]].filter(n => n !== undefined)
    while (target !== source) {
      if (target < source) target *= to[i++] ?? Number.NaN
      else {
        source *= from[j] ?? Number.NaN
        group.push(from[j++]!)
      }
      if (Number.isNaN(target * source)) return undefined
    }
    const own = c.slice(first, i)
    if (own.every(n => n === 1)) shape.push(...group.map(() => 1))
    else if (own.every((n, d) => n === to[first + d])) shape.push(...group)
    else return undefined
  }
  return shape
}

function doubleCast(editing: Editing, node: Node): Buffer | undefined {
  const [middle] = node.operator.name === 'cast' ? node.inputs : [], before = middle && editing.producerOf(middle)
  const [x] = before?.operator.name === 'cast' ? before.inputs : []
  if (!middle || !x || !holdsAll(middle.element, x.element)) return undefined
  return applied(editing, 'cast', { x, U: { dtype: node.outputs[0]!.element } }, sourcesOf(node))
}

/** Whether each value of `from` is one of `to`. */
function holdsAll(to: ElementName, from: ElementName): boolean {
  if (to === from) return true
  if (isFloatName(to)) {
    const { bits, quantum, overflow } = floatFormats[to]
    if (isFloatName(from)) {
      const other = floatFormats[from]
      return bits >= other.bits && quantum <= other.quantum && overflow >= other.overflow
    }
    const { low, high } = typeRange(from)!
    return Math.max(-low, high) <= 2 ** bits && high < overflow
  }
  if (isFloat(from) || to === 'bool') return false
  const own = typeRange(to)!, other = typeRange(from)!
  return own.low <= other.low && other.high <= own.high
}

/** A cast is repeated for whoever reads it, where loading its operand moves fewer bytes than loading its result. */
export function castWhereRead(model: Model): Model {
  return edit(model, (editing, node) => {
    const inputs = node.inputs.map(tensor => {
      const cast = editing.producerOf(tensor), [x] = cast?.inputs ?? []
      const isShared = cast?.operator.name === 'cast' && !editing.isInner(tensor) && !editing.isResult(tensor)
      if (!x || !isShared || bytesOf(x.element) >= bytesOf(tensor.element)) return tensor
      return applied(editing, 'cast', { x, U: { dtype: tensor.element } }, cast.sources) ?? tensor
    })
    if (inputs.some((tensor, i) => tensor !== node.inputs[i])) editing.reread(node, inputs)
  })
}
