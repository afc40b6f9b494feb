/**
 * Operators that compute element by element, with the broadcasting of ONNX.
 *
 *     a: [2, 3, 4], b: [3, 1]     ->   add(a, b): [2, 3, 4]         b a known single element   ->   add(a, 0.5)
 */
import type { Buffer, ElementName } from '../../../ir/ir.ts'
import type { AttributeValue } from '../../flow.ts'
import { countOf } from '../../tensor-data.ts'
import type { Conversion, NodeContext, OperatorEntry } from '../conversion.ts'
import { emptyData, shapeText } from '../work.ts'

/** The shape of several together; undefined if they do not go together. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): readonly number[] | undefined {
  const rank = Math.max(0, ...shapes.map(s => s.length))
  const extents = Array.from({ length: rank }, (_, d) => shapes.map(s => s[d - rank + s.length] ?? 1))
  const shape = extents.map(all => all.find(n => n !== 1) ?? 1)
  return extents.every((all, d) => all.every(n => n === 1 || n === shape[d])) ? shape : undefined
}

/** The same, or the node is invalid. */
export function commonShape(node: NodeContext, tensors: readonly Buffer[]): readonly number[] {
  const shapes = tensors.map(t => node.shape(t))
  return broadcastShape(...shapes)
    ?? node.invalid(`Shapes that do not go together: ${shapes.map(shapeText).join(' and ')}.`)
}

/**
 * An operator whose tensors are broadcast; `element`: of its result, by default that of the first tensor. Known single
 * elements are written into it, unless all are.
 */
export function elementwise(
  node: NodeContext, operator: string, tensors: Readonly<Record<string, Buffer>>,
  attributes: Readonly<Record<string, AttributeValue>> = {}, element?: ElementName
): Buffer {
  const all = Object.values(tensors), shape = commonShape(node, all)
  if (countOf(shape) === 0) return node.constant(emptyData(element ?? all[0]!.element, shape))
  const args: Record<string, Buffer | AttributeValue> = { ...tensors, ...attributes }
  for (const [name, tensor] of Object.entries(tensors)) {
    const others = Object.keys(tensors).filter(other => other !== name && typeof args[other] === 'object').map(n => tensors[n]!)
    const typed = others.some(t => t.element === tensor.element && !node.isConstant(t))
    const [widest] = others.toSorted((a, b) => node.shape(b).length - node.shape(a).length)
    if (typed && widest) args[name] = node.operand(tensor, widest)
  }
  return node.apply(operator, args)
}

export function sameTypes(node: NodeContext, tensors: readonly Buffer[]): void {
  const types = [...new Set(tensors.map(t => t.element))]
  if (types.length > 1) node.invalid(`Its inputs have different types: ${types.join(', ')}.`)
}

/** Before opset 7 the second operand was only broadcast on request, from a given axis. */
export function operands(node: NodeContext): readonly [Buffer, Buffer] {
  const a = node.input(0), b = node.input(1)
  if (node.opset >= 7 || !node.flag('broadcast', false) || !node.has('axis')) return [a, b]
  const rank = node.shape(a).length, own = node.shape(b)
  const axis = node.axis(node.int('axis'), rank)
  const after = rank - axis - own.length
  if (after < 0) node.invalid(`The second input does not fit at the axis ${axis}.`, 'axis')
  return [a, node.reshape(b, [...own, ...Array<number>(after).fill(1)])]
}

/** One input, one result of its type. */
export function unary(operator: string, opsets: OperatorEntry['opsets']): OperatorEntry {
  return { opsets, convert: node => [elementwise(node, operator, { x: node.input(0) })] }
}

/** One input and numbers from attributes: by their names there, with default values. */
export function withNumbers(
  operator: string, opsets: OperatorEntry['opsets'], numbers: Readonly<Record<string, number>>
): OperatorEntry {
  const convert: Conversion = node => {
    const values = Object.entries(numbers).map(([name, byDefault]) => [name, node.float(name, byDefault)] as const)
    return [elementwise(node, operator, { x: node.input(0) }, Object.fromEntries(values))]
  }
  return { opsets, convert }
}

/** Two inputs of one type. */
export function binary(operator: string, opsets: OperatorEntry['opsets'], element?: ElementName): OperatorEntry {
  return {
    opsets,
    convert: node => {
      const [a, b] = operands(node)
      sameTypes(node, [a, b])
      return [elementwise(node, operator, { a, b }, {}, element)]
    }
  }
}
