// Small models made of library operators, what they compute, and how they read as text.
import { createBuilder, extentsOf, inputTensor, type Arguments, type Builder } from '../../../compiler-core/graph/builder.ts'
import { elementsOf } from '../../../compiler-core/graph/constants.ts'
import type { Constant, Node } from '../../../compiler-core/graph/flow.ts'
import type { Model } from '../../../compiler-core/graph/model.ts'
import { countOf, dataOf, numbersOf, type TensorData } from '../../../compiler-core/graph/tensor-data.ts'
import type { Buffer, ElementName } from '../../../compiler-core/ir/ir.ts'

export interface Making {
  input(name: string, shape: readonly number[], element?: ElementName): Buffer
  /** With some elements near 1, whole ones of whole types; `numbers`: these. */
  constant(name: string, shape: readonly number[], numbers?: readonly number[], element?: ElementName): Buffer
  /** The one result of an application. */
  apply(name: string, args: Arguments): Buffer
  applyAll(name: string, args: Arguments): readonly Buffer[]
}

export const builder: Builder = createBuilder()

export function modelOf(make: (making: Making) => readonly Buffer[]): Model {
  const inputs: Buffer[] = [], constants = new Map<Buffer, Constant>(), nodes: Node[] = []
  const applyAll = (name: string, args: Arguments): readonly Buffer[] => {
    const applied = builder.apply(name, args, [`node ${nodes.length}`])
    if ('problem' in applied) throw new Error(applied.problem)
    nodes.push(...applied.nodes)
    return applied.results
  }
  const results = make({
    applyAll, apply: (name, args) => applyAll(name, args)[0]!,
    input(name, shape, element = 'f32') {
      const tensor = inputTensor(name, element, shape)
      inputs.push(tensor)
      return tensor
    },
    constant(name, shape, numbers, element = 'f32') {
      const tensor = inputTensor(name, element, shape)
      constants.set(tensor, { kind: 'data', data: dataOf(element, shape, numbers ?? someNumbers(countOf(shape), constants.size)) })
      return tensor
    }
  })
  const computed = new Set(nodes.flatMap(node => node.outputs))
  const port = (tensor: Buffer) => ({ name: tensor.name, tensor })
  return {
    graph: { name: 'm', inputs, outputs: [...new Set(results)].filter(r => computed.has(r)), constants, nodes, extents: [], origins: [] },
    inputs: inputs.map(port), outputs: results.map(port), builder
  }
}

/** The elements of each result, computed by folding, from elements that depend on the names of the inputs. */
export function computed({ graph, inputs, outputs }: Model): readonly (readonly number[])[] {
  const known = new Map(graph.constants)
  for (const { name, tensor } of inputs) known.set(tensor, { kind: 'data', data: inputData(name, tensor) })
  for (const node of graph.nodes) for (const tensor of node.outputs) known.set(tensor, { kind: 'folded', node })
  return outputs.map(({ tensor }) => numbersOf(elementsOf(known, tensor)))
}

function inputData(name: string, { element, shape }: Buffer): TensorData {
  const extents = shape.map(e => Number((e as { value: number }).value))
  const seed = [...name].reduce((n, c) => n * 31 + c.charCodeAt(0), 7)
  return dataOf(element, extents, someNumbers(countOf(extents), seed % 997).map(n => (element.startsWith('f') ? n : Math.round(n * 4))))
}

function someNumbers(count: number, seed: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (((i + 1) * 7919 + seed * 104729) % 1009) / 1009 + 0.25)
}

/**
 * Each result as an expression: `relu(add(conv(x, w), b))`. What is folded is in braces; numbers stand where they were
 * given for tensors, and a new shape or type behind the operator: `reshape[2, 6](x)`.
 */
export function textOf({ graph, outputs }: Model): string {
  const producers = new Map(graph.nodes.flatMap(node => node.outputs.map(tensor => [tensor, node] as const)))
  const text = (tensor: Buffer): string => {
    const node = producers.get(tensor), constant = graph.constants.get(tensor)
    if (node) return application(node)
    return constant?.kind === 'folded' ? `{${application(constant.node, folded)}}` : tensor.name
  }
  const folded = (tensor: Buffer): string => {
    const constant = graph.constants.get(tensor)
    return constant?.kind === 'folded' ? application(constant.node, folded) : tensor.name
  }
  const application = (node: Node, of: (tensor: Buffer) => string = text): string => {
    const { a, b, U, parts } = node.attributes, name = node.operator.name
    const numbers = [typeof a === 'number' ? [String(a)] : [], typeof b === 'number' ? [String(b)] : []] as const
    const shape = ['reshape', 'expand', 'slice'].includes(name) ? `[${extentsOf(node.outputs[0]!).join(', ')}]` : ''
    const type = name === 'cast' ? `[${(U as { dtype: string }).dtype}]` : ''
    return `${name}${shape}${type}(${[...numbers[0], ...node.inputs.map(of), ...numbers[1], ...parts === undefined ? [] : [`parts ${String(parts)}`]].join(', ')})`
  }
  return outputs.map(o => text(o.tensor)).join('; ')
}
