/**
 * The graph that an import makes, while it grows: tensors, constants, and the nodes of library operators. What is
 * known while compiling is folded, lazily: its elements are computed when a conversion asks for them.
 *
 *     Shape(x: [2, 3, 4]) -> Gather(1) -> Concat([0], _)   constants alone: no node; the elements if asked for: [0, 3]
 */
import type { Buffer, ElementName } from '../../ir/ir.ts'
import { bytesOf } from '../../ir/memory.ts'
import { extentsOf, inputTensor, type Arguments, type Builder } from '../builder.ts'
import { elementsOf } from '../constants.ts'
import type { Constant, Node } from '../flow.ts'
import { countOf, dataOf, reshaped, type TensorData } from '../tensor-data.ts'

export interface Work {
  readonly builder: Builder
  /** Of what is in `constants`, each after those that it is folded from. */
  readonly constants: Map<Buffer, Constant>
  readonly nodes: Node[]
  isConstant(tensor: Buffer): boolean
  /** The elements, if they are known while compiling or follow from values that were given for inputs. */
  data(tensor: Buffer): TensorData | undefined
  constant(name: string, data: TensorData): Buffer
  /** Says which data an input will have; it is used where elements must be known, and only there. */
  give(tensor: Buffer, data: TensorData): void
  /** The results, or why the library does not take these arguments. */
  apply(operator: string, args: Arguments, sources: readonly string[]): readonly Buffer[] | { readonly problem: string }
  reshape(tensor: Buffer, to: readonly number[], sources: readonly string[]): Buffer | { readonly problem: string }
}

/** Elements that a tensor has at most; those that a conversion may ask for; those of a list, such as axes. */
export const mostElements = 2 ** 40, mostKnown = 2 ** 22, mostListed = 2 ** 16

/** Up to here a constant is kept as a constant, however little it is made of. */
const smallConstant = 2 ** 20

export function createWork(builder: Builder): Work {
  const constants = new Map<Buffer, Constant>()
  /** All that is known: constants, given inputs, and what is computed from these alone. */
  const known = new Map<Buffer, Constant>()
  const nodes: Node[] = []

  function constant(name: string, data: TensorData): Buffer {
    const tensor = inputTensor(name, data.element, data.shape), value: Constant = { kind: 'data', data }
    constants.set(tensor, value)
    known.set(tensor, value)
    return tensor
  }

  /** A result of nothing but constants is one, unless it is much larger than they are. */
  function add(node: Node): readonly (readonly [Buffer, Buffer])[] {
    if (node.inputs.every(tensor => constants.has(tensor)) && node.outputs.length === 1) {
      const [output] = node.outputs
      const size = bytesIn(output!)
      if (size <= smallConstant || size <= node.inputs.reduce((sum, tensor) => sum + bytesIn(tensor), 0)) {
        const folded: Buffer = { ...output!, scope: 'input' }
        const value: Constant = { kind: 'folded', node: { ...node, outputs: [folded] } }
        constants.set(folded, value)
        known.set(folded, value)
        return [[output!, folded]]
      }
    }
    nodes.push(node)
    if (node.inputs.every(tensor => known.has(tensor)) && node.outputs.length === 1) {
      known.set(node.outputs[0]!, { kind: 'folded', node })
    }
    return []
  }

  function apply(operator: string, args: Arguments, sources: readonly string[]) {
    const applied = builder.apply(operator, args, sources)
    if ('problem' in applied) return applied
    const now = new Map<Buffer, Buffer>()
    const replaced = (tensor: Buffer) => now.get(tensor) ?? tensor
    for (const node of applied.nodes) {
      for (const [from, to] of add({ ...node, inputs: node.inputs.map(replaced) })) now.set(from, to)
    }
    return applied.results.map(replaced)
  }

  return {
    builder, constants, nodes, constant, apply,
    isConstant: tensor => constants.has(tensor),
    data: tensor => known.has(tensor) ? elementsOf(known, tensor) : undefined,
    give(tensor, data) {
      known.set(tensor, { kind: 'data', data })
    },
    reshape(tensor, to, sources) {
      const value = constants.get(tensor)
      if (sameShape(extentsOf(tensor), to)) return tensor
      if (value?.kind === 'data') return constant(tensor.name, reshaped(value.data, to))
      const results = apply('reshape', { x: tensor, to }, sources)
      return 'problem' in results ? results : results[0]!
    }
  }
}

export function emptyData(element: ElementName, shape: readonly number[]): TensorData {
  return dataOf(element, shape, [])
}

/** `(2, 3)` */
export function shapeText(shape: readonly number[]): string {
  return `(${shape.join(', ')})`
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i])
}

function bytesIn(tensor: Buffer): number {
  return countOf(extentsOf(tensor)) * bytesOf(tensor.element)
}
