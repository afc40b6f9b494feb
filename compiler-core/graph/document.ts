/**
 * A graph as a Heddle file: what a model became, to be read, and to be compiled again by itself. Each application knows
 * its place there, so that every part of a kernel leads to the operator and the node of the model that it came from.
 *
 *     import "std/conv"
 *     import "std/elementwise"
 *
 *     graph resnet(input: f32[1, 3, 224, 224], conv1_weight: f32[1, 147, 64]) {
 *       let y = image_columns(x: input, taps: (7, 7), strides: (2, 2))   // /conv1/Conv
 *       let c = batch_matmul(a: y, b: conv1_weight)
 *       return c
 *     }
 */
import type { Buffer } from '../ir/ir.ts'
import type { Origin } from '../ir/origin.ts'
import { builtinUri, libraryImportOf } from '../library/library.ts'
import { reservedWords } from '../language/syntax/lexer.ts'
import { extentsOf } from './builder.ts'
import type { AttributeValue, Constant, FlowGraph, Node } from './flow.ts'
import type { Model, ModelTensor } from './model.ts'
import { countOf } from './tensor-data.ts'

export interface GraphDocument {
  readonly text: string
  /** The same model; its applications, and the tensors that they make, lie in the text, at `uri`. */
  readonly model: Model
}

/** All shapes are known; every operator is one of the library. */
export function documentOf(model: Model, uri: string): GraphDocument {
  const { graph, builder } = model, { program, analysis } = builder.surroundings
  const given = [...reservedWords, ...analysis.exports.keys(), ...program.analyse(builtinUri)?.exports.keys() ?? []]
  const taken = new Map(given.map(name => [name, 1]))
  const names = new Map<Buffer, string>(), located = new Map<Buffer, Buffer>()
  const nameOf = (tensor: Buffer): string => {
    const name = names.get(tensor) ?? free(rootOf(tensor, graph.constants).name, taken)
    names.set(tensor, name)
    return name
  }
  const now = (tensor: Buffer): Buffer => located.get(tensor) ?? tensor

  const used = new Set(graph.nodes.flatMap(node => node.inputs))
  const parameters = [...graph.inputs, ...[...graph.constants.keys()].filter(tensor => used.has(tensor))]
  const files = new Set(graph.nodes.map(node => libraryImportOf(analysis.exports.get(node.operator.name)?.uri ?? '')))
  const imports = [...files].filter(file => file !== undefined).sort().map(file => `import "${file}"\n`)
  let text = `${imports.join('')}\ngraph ${free(graph.name, taken)}(`
  const write = (part: string): Origin => {
    const start = text.length
    text += part
    return { range: { uri, span: { start, end: text.length } }, through: undefined }
  }
  const declare = (tensor: Buffer): void => {
    located.set(tensor, { ...tensor, origins: [write(nameOf(tensor))] })
  }

  for (const [i, tensor] of parameters.entries()) {
    write(i === 0 ? '\n  ' : ',\n  ')
    declare(tensor)
    write(`: ${tensor.element}[${extentsOf(tensor).join(', ')}]`)
  }
  write('\n) {\n')
  const nodes = graph.nodes.map((node): Node => {
    const call = callText(node, nameOf)
    write(node.outputs.length === 1 ? '  let ' : '  let (')
    for (const [i, output] of node.outputs.entries()) {
      if (i > 0) write(', ')
      declare(output)
    }
    write(node.outputs.length === 1 ? ' = ' : ') = ')
    const application = write(call)
    write(`${commentOf(node)}\n`)
    return { ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now), application }
  })
  write(`  return ${graph.outputs.map(nameOf).join(', ')}\n}\n`)
  const ports = (tensors: readonly ModelTensor[]): readonly ModelTensor[] =>
    tensors.map(({ name, tensor }) => ({ name, tensor: now(tensor) }))
  const written: FlowGraph = {
    ...graph, nodes, inputs: graph.inputs.map(now), outputs: graph.outputs.map(now),
    constants: new Map([...graph.constants].flatMap(entry => [entry, ...locatedConstant(entry, located)]))
  }
  return { text, model: { ...model, graph: written, inputs: ports(model.inputs), outputs: ports(model.outputs) } }
}

/** The constant as the parameter that stands for it; others may be folded from what it was before. */
function locatedConstant(
  [tensor, constant]: readonly [Buffer, Constant], located: ReadonlyMap<Buffer, Buffer>
): readonly (readonly [Buffer, Constant])[] {
  const parameter = located.get(tensor)
  if (!parameter) return []
  if (constant.kind === 'data') return [[parameter, constant]]
  const { node } = constant, outputs = node.outputs.map(output => (output === tensor ? parameter : output))
  return [[parameter, { kind: 'folded', node: { ...node, outputs } }]]
}

function callText({ operator, inputs, attributes }: Node, nameOf: (tensor: Buffer) => string): string {
  const tensors = operator.inputs.map((parameter, i) => `${parameter.name}: ${nameOf(inputs[i]!)}`)
  const values = Object.entries(attributes).map(([name, value]) => `${name}: ${valueText(value)}`)
  return `${operator.name}(${[...tensors, ...values].join(', ')})`
}

/** Of a folded constant, the largest one that it is made of: the weight whose name people know. */
function rootOf(tensor: Buffer, constants: FlowGraph['constants']): Buffer {
  const constant = constants.get(tensor)
  if (constant?.kind !== 'folded') return tensor
  const [first, ...others] = constant.node.inputs
  const size = (t: Buffer): number => countOf(extentsOf(t))
  return first ? rootOf(others.reduce((a, b) => (size(b) > size(a) ? b : a), first), constants) : tensor
}

function valueText(value: AttributeValue): string {
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return String(value)
  if ('dtype' in value) return value.dtype
  return 'reducer' in value ? value.reducer : `(${value.join(', ')})`
}

function numberText(value: number): string {
  if (Math.abs(value) === Infinity) return value < 0 ? '-inf' : 'inf'
  return Object.is(value, -0) ? '-0.0' : String(value).replace('e+', 'e')
}

/** The nodes of the model that an application stands for. */
function commentOf({ sources }: Node): string {
  const names = sources.filter(name => name !== '').join(', ').replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
  return names === '' ? '' : `   // ${names}`
}

/** A name of the language like the given one, which nothing else has. `taken`: how often each was asked for. */
function free(name: string, taken: Map<string, number>): string {
  const plain = name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '')
  const legal = /^[A-Za-z]/.test(plain) ? plain : `t_${plain}`
  let times = taken.get(legal) ?? 0, own = legal
  for (; times > 0 && taken.has(own); times++) own = `${legal}_${times + 1}`
  taken.set(legal, Math.max(times, 1))
  taken.set(own, taken.get(own) ?? 1)
  return own
}
