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
import { builtinUri, libraryImportOf } from '../library/library.ts'
import { reservedWords } from '../language/syntax/lexer.ts'
import { extentsOf, type Surroundings } from './builder.ts'
import type { AttributeValue, FlowGraph, Node } from './flow.ts'
import { countOf } from './tensor-data.ts'

export interface GraphDocument {
  readonly text: string
  /** The same graph; its applications lie in the text, at `uri`. */
  readonly graph: FlowGraph
}

/** All shapes are known; every operator is one of the library. */
export function documentOf(graph: FlowGraph, uri: string, { program, analysis }: Surroundings): GraphDocument {
  const given = [...reservedWords, ...analysis.exports.keys(), ...program.analyse(builtinUri)?.exports.keys() ?? []]
  const taken = new Map(given.map(name => [name, 1]))
  const names = new Map<Buffer, string>()
  const nameOf = (tensor: Buffer): string => {
    const name = names.get(tensor) ?? free(rootOf(tensor, graph.constants).name, taken)
    names.set(tensor, name)
    return name
  }
  const typed = (tensor: Buffer): string =>
    `${nameOf(tensor)}: ${tensor.element}[${extentsOf(tensor).join(', ')}]`

  const used = new Set(graph.nodes.flatMap(node => node.inputs))
  const parameters = [...graph.inputs, ...[...graph.constants.keys()].filter(tensor => used.has(tensor))].map(typed)
  const files = new Set(graph.nodes.map(node => libraryImportOf(analysis.exports.get(node.operator.name)?.uri ?? '')))
  const imports = [...files].filter(file => file !== undefined).sort().map(file => `import "${file}"\n`)
  let text = `${imports.join('')}\ngraph ${free(graph.name, taken)}(\n  ${parameters.join(',\n  ')}\n) {\n`

  const nodes = graph.nodes.map((node): Node => {
    const call = callText(node, nameOf), results = node.outputs.map(nameOf)
    const target = results.length === 1 ? results[0]! : `(${results.join(', ')})`
    const start = text.length + `  let ${target} = `.length
    text += `  let ${target} = ${call}${commentOf(node)}\n`
    return { ...node, application: { range: { uri, span: { start, end: start + call.length } }, through: undefined } }
  })
  text += `  return ${graph.outputs.map(nameOf).join(', ')}\n}\n`
  return { text, graph: { ...graph, nodes } }
}

/** Of a folded constant, the largest one that it is made of: the weight whose name people know. */
function rootOf(tensor: Buffer, constants: FlowGraph['constants']): Buffer {
  const constant = constants.get(tensor)
  if (constant?.kind !== 'folded') return tensor
  const [first, ...others] = constant.node.inputs
  const size = (t: Buffer): number => countOf(extentsOf(t))
  return first ? rootOf(others.reduce((a, b) => (size(b) > size(a) ? b : a), first), constants) : tensor
}

function callText({ operator, inputs, attributes }: Node, nameOf: (tensor: Buffer) => string): string {
  const tensors = operator.inputs.map((parameter, i) => `${parameter.name}: ${nameOf(inputs[i]!)}`)
  const values = Object.entries(attributes).map(([name, value]) => `${name}: ${valueText(value)}`)
  return `${operator.name}(${[...tensors, ...values].join(', ')})`
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
