/**
 * Rewrite rules: a small part of a graph that ends in one node, and what takes its place.
 *
 *     rule      multiply(conv(x, w), c) -> conv(x, w * c)        c: a constant of each channel, w: a constant
 *     legal     if the convolution's result is read by the multiplication alone: it does not exist afterwards
 *
 * A tensor inside of a match must be inner: who else reads it would find another value, or would need the old nodes
 * as well as the new ones.
 */
import type { Buffer, ElementName } from '../../ir/ir.ts'
import { isFloat } from '../../ir/build.ts'
import { roundTo } from '../../operators/floats.ts'
import { extentsOf } from '../builder.ts'
import { elementsOf } from '../constants.ts'
import type { Node } from '../flow.ts'
import type { Model } from '../model.ts'
import { countOf, numberAt } from '../tensor-data.ts'
import { edit, type Editing } from './editing.ts'

/** What takes the place of a node's one result; undefined: the rule does not apply. */
export type Rule = (editing: Editing, node: Node) => Buffer | undefined

/** Applies rules, each as often as it applies, the first one that does at a time. */
export function rewrite(model: Model, rules: readonly Rule[]): Model {
  let left = mostApplications + 8 * model.graph.nodes.length, isChanged = true, rewritten = model
  while (isChanged && left > 0) {
    isChanged = false
    rewritten = edit(rewritten, (editing, first) => {
      for (let node: Node | undefined = first; node && node.outputs.length === 1 && left > 0; left--) {
        const [output] = node.outputs
        const result = firstOf(rules, editing, node)
        if (!result) break
        isChanged = true
        editing.replace(node, [result])
        node = editing.producerOf(output!)
      }
    })
  }
  return rewritten
}

const mostApplications = 1000

function firstOf(rules: readonly Rule[], editing: Editing, node: Node): Buffer | undefined {
  for (const rule of rules) {
    const result = rule(editing, node)
    if (result) return result
  }
  return undefined
}

// ---------------------------------------------------------------- what is matched

/** A number that is written into an operator, or a constant tensor. */
export type Known = number | Buffer

/** A sum or product and the like of a tensor and something known. */
export interface Operand { readonly x: Buffer; readonly c: Known; readonly isFirst: boolean }

/** The operands of `operator(x, c)` or `operator(c, x)`, where one of them is known. */
export function knownOperand({ constants }: Editing, node: Node, operator: string): Operand | undefined {
  if (node.operator.name !== operator) return undefined
  const { a, b } = node.attributes, [x, y] = node.inputs
  if (typeof a === 'number' && x) return { x, c: a, isFirst: true }
  if (typeof b === 'number' && x) return { x, c: b, isFirst: false }
  if (!x || !y || constants.has(x) === constants.has(y)) return undefined
  return constants.has(x) ? { x: y, c: x, isFirst: true } : { x, c: y, isFirst: false }
}

/** A number, or the element of a constant that has one. */
export function knownNumber({ constants }: Editing, c: Known): number | undefined {
  if (typeof c === 'number') return c
  return countOf(extentsOf(c)) === 1 ? numberAt(elementsOf(constants, c), 0) : undefined
}

/** The node that computes a tensor that only the match reads, if it is an application of this operator. */
export function innerProducer(editing: Editing, tensor: Buffer, operator?: string): Node | undefined {
  const node = editing.isInner(tensor) ? editing.producerOf(tensor) : undefined
  return node && (operator === undefined || node.operator.name === operator) ? node : undefined
}

/** Where sums may be taken apart: rounding is as fine as the tolerance of whole models. */
export function isWide(element: ElementName): boolean {
  return element === 'f32' || element === 'f64'
}

export function sourcesOf(...nodes: readonly Node[]): readonly string[] {
  return [...new Set(nodes.flatMap(node => node.sources))]
}

// ---------------------------------------------------------------- what is made

/** The one result of an application. */
export function applied(
  editing: Editing, name: string, args: Parameters<Editing['apply']>[1], sources: readonly string[]
): Buffer | undefined {
  return editing.apply(name, args, sources)?.[0]
}

/** A sum or product of what is known; undefined if it would be a large tensor made of small ones. */
export function combined(
  editing: Editing, operator: 'add' | 'multiply', a: Known, b: Known, element: ElementName
): Known | undefined {
  if (typeof a === 'number' && typeof b === 'number') {
    const exact = operator === 'add' ? a + b : a * b
    return isFloat(element) ? roundTo(element, exact) : Number.isSafeInteger(exact) ? exact : undefined
  }
  return constantOf(editing, applied(editing, operator, { a, b }, []))
}

/** The tensor, if it is a constant. */
export function constantOf({ constants }: Editing, tensor: Buffer | undefined): Buffer | undefined {
  return tensor && constants.has(tensor) ? tensor : undefined
}

/** The extents of what is known behind `rank` dimensions: a number's are all 1. */
export function alignedShape(c: Known, rank: number): readonly number[] {
  const shape = typeof c === 'number' ? [] : extentsOf(c)
  return [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape]
}

/** The same elements under another shape; a number stays one. */
export function reshaped(editing: Editing, c: Known, to: readonly number[]): Known | undefined {
  if (typeof c === 'number' || sameShape(extentsOf(c), to)) return c
  return constantOf(editing, applied(editing, 'reshape', { x: c, to }, []))
}

export function sameShape(s: readonly number[], t: readonly number[]): boolean {
  return s.length === t.length && s.every((n, d) => n === t[d])
}
