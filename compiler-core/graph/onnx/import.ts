/**
 * ONNX models as flow graphs of library operators.
 *
 *     Conv, Relu, Shape, Gather, Concat, Reshape     ->   conv(x, w), relu(c), reshape(c, (1, 2048))
 *
 * Free extents are bound first, so that every shape is known. Then the nodes that the results need are converted in
 * order by the table of operators/index.ts. What does not depend on the inputs becomes constants (work.ts), an `If`
 * one of its branches. Operators that are not supported are listed, all at once, before any of that.
 */
import type { AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto } from 'onnx-buf'
import type { Buffer, ElementName } from '../../ir/ir.ts'
import type { Architecture } from '../../target/architectures.ts'
import { createBuilder, inputTensor, type Builder } from '../builder.ts'
import type { Constant, Node } from '../flow.ts'
import type { Model, ModelTensor } from '../model.ts'
import { countOf, dataOf, holdsWholes, numberAt, reshaped, type TensorData } from '../tensor-data.ts'
import { ConversionProblem, type OperatorEntry, type OperatorTable } from './conversion.ts'
import { nodeContext } from './node-context.ts'
import { operatorTable } from './operators/index.ts'
import { nodeName, orderOf } from './order.ts'
import { namesText, type ModelProblem, type ModelProblemCode } from './problem.ts'
import { readModel } from './read.ts'
import { dataTypeName, elementOf, mostDimensions, readTensor, type ExternalData } from './tensor-proto.ts'
import { createWork, emptyData, mostElements, type Work } from './work.ts'

export interface ImportOptions {
  /** Of the model, for people. */
  readonly name: string
  /** By the name of a free extent, or of an input of one element: `batch` -> 1, `sr` -> 16000. */
  readonly bindings?: ReadonlyMap<string, number>
  /** Of inputs, by name, where the file leaves extents open; bindings come first. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>
  /** Data that inputs will have; used where an operator needs to know elements (a shape, axes), and only there. */
  readonly values?: ReadonlyMap<string, TensorData>
  /** Data beside the model's file. */
  readonly external?: ExternalData
  readonly architecture?: Architecture
  /** By default a new one. */
  readonly builder?: Builder
}

/** No problems: the model. */
export interface Imported { readonly model: Model | undefined; readonly problems: readonly ModelProblem[] }

export function importModel(bytes: Uint8Array, options: ImportOptions): Imported {
  const file = readModel(bytes)
  return 'code' in file ? { model: undefined, problems: [file] } : importProto(file, options)
}

/** The opsets whose rules the table knows: 1, and 6 to 26. */
const firstOpset = 6, lastOpset = 26

function importProto(file: ModelProto, options: ImportOptions): Imported {
  const problems: ModelProblem[] = []
  const failed = (): Imported => ({ model: undefined, problems })
  const opset = opsetOf(file, problems)
  const graph = file.graph!
  if (graph.output.length === 0) problems.push(invalidGraph('The graph has no results.'))
  if (opset === undefined || problems.length > 0) return failed()
  const initialisers = new Set(graph.initializer.map(t => t.name))
  const declared = new Set([...graph.input.map(i => i.name), ...initialisers])
  const order = orderOf(graph, name => declared.has(name))
  if (!('nodes' in order)) return { model: undefined, problems: order }
  const functions = new Set(file.functions.map(f => `${f.domain}.${f.name}`))
  problems.push(...unsupportedIn(order.nodes, opset, functions))
  if (problems.length > 0) return failed()

  const importing: Importing = {
    work: createWork(options.builder ?? createBuilder(options.architecture)), options, opset, functions, problems,
    names: new Map()
  }
  const scope: Scope = { values: new Map(), outer: undefined }
  const inputs = inputsOf(importing, graph, initialisers, scope)
  checkBindings(importing, graph)
  if (problems.length > 0) return failed()
  readInitialisers(importing, graph, order.read, scope)
  if (problems.length > 0) return failed()
  convertNodes(importing, order.nodes, order.read, scope)
  if (problems.length > 0) return failed()
  const outputs = graph.output.flatMap(({ name }): ModelTensor[] => {
    const tensor = find(scope, name)
    return tensor && tensor !== 'failed' ? [{ name, tensor }] : []
  })
  return { model: modelOf(importing, options.name, inputs, outputs), problems }
}

interface Importing {
  readonly work: Work
  readonly options: ImportOptions
  readonly opset: number
  /** Of the file itself, `domain.name`. */
  readonly functions: ReadonlySet<string>
  readonly problems: ModelProblem[]
  /** As the file calls what nodes compute. */
  readonly names: Map<Buffer, string>
}

/** Names of a graph; those of outer graphs are seen, too. `failed`: what computes it has a problem. */
interface Scope {
  readonly values: Map<string, Buffer | 'failed'>
  readonly outer: Scope | undefined
}

function find(scope: Scope | undefined, name: string): Buffer | 'failed' | undefined {
  for (let s = scope; s; s = s.outer) {
    const value = s.values.get(name)
    if (value !== undefined) return value
  }
  return undefined
}

// ---------------------------------------------------------------- what the file declares

function opsetOf(file: ModelProto, problems: ModelProblem[]): number | undefined {
  const imports = file.opsetImport.filter(o => isDefaultDomain(o.domain))
  const opset = imports.length === 0 ? 1 : Number(imports[0]!.version)
  if (opset === 1 || (opset >= firstOpset && opset <= lastOpset)) return opset
  problems.push({
    code: 'unsupported-opset', message: `The model uses opset ${opset}; supported are 1 and ${firstOpset} to ${lastOpset}.`
  })
  return undefined
}

function isDefaultDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx'
}

/** One problem for each operator type, which names its nodes. */
function unsupportedIn(
  nodes: readonly NodeProto[], opset: number, functions: ReadonlySet<string>, table: OperatorTable = operatorTable
): readonly ModelProblem[] {
  const found = new Map<string, { readonly reason: string; readonly nodes: string[] }>()
  for (const node of nodes) {
    const reason = reasonAgainst(node, opset, functions, table)
    if (reason === undefined) continue
    const key = `${node.domain}.${node.opType}`, entry = found.get(key) ?? { reason, nodes: [] }
    found.set(key, entry)
    entry.nodes.push(nodeName(node))
  }
  return [...found.values()].map(({ reason, nodes: [first, ...rest] }): ModelProblem => ({
    code: 'unsupported-operator', message: `${reason}: ${namesText([first!, ...rest])}.`, node: first!
  }))
}

function reasonAgainst(
  { opType, domain }: NodeProto, opset: number, functions: ReadonlySet<string>, table: OperatorTable
): string | undefined {
  if (functions.has(`${domain}.${opType}`)) return `The operator ${opType} is a function of the file, which is not supported`
  if (!isDefaultDomain(domain)) return `The operator ${opType} of the domain \`${domain}\` is not supported`
  if (opType === 'If') return undefined
  const entry = Object.hasOwn(table, opType) ? table[opType] : undefined
  if (!entry) return `The operator ${opType} is not supported`
  const [first, last] = entry.opsets
  if (opset >= first && opset <= last) return undefined
  return `The operator ${opType} is supported in opsets ${first} to ${last}, not in opset ${opset}`
}

/** Inputs that the file gives no value. */
function inputsOf(
  importing: Importing, graph: GraphProto, initialisers: ReadonlySet<string>, scope: Scope
): readonly ModelTensor[] {
  const { work, options, problems } = importing
  return graph.input.flatMap((info): ModelTensor[] => {
    const { name } = info
    if (initialisers.has(name)) return []
    if (scope.values.has(name)) problems.push(invalidGraph(`The input \`${name}\` is declared twice.`))
    const type = inputType(info, options)
    if ('code' in type) {
      problems.push(type)
      scope.values.set(name, 'failed')
      return []
    }
    const { element, shape } = type, bound = options.bindings?.get(name), given = options.values?.get(name)
    const number = bound !== undefined && countOf(shape) === 1
    if (number && holdsWholes(element) && !Number.isSafeInteger(bound)) {
      problems.push(invalidGraph(`The input \`${name}\` has the type ${element}; it cannot be bound to ${bound}.`))
      return []
    }
    if (number || countOf(shape) === 0) {
      const data = number ? dataOf(element, shape, [bound]) : emptyData(element, shape)
      const tensor = work.constant(name, data)
      scope.values.set(name, tensor)
      return number ? [] : [{ name, tensor }]
    }
    const tensor = inputTensor(name, element, shape)
    if (given?.element === element && countOf(given.shape) === countOf(shape)) work.give(tensor, reshaped(given, shape))
    scope.values.set(name, tensor)
    return [{ name, tensor }]
  })
}

function inputType(
  { name, type }: ValueInfoProto, { bindings, shapes }: ImportOptions
): { readonly element: ElementName; readonly shape: readonly number[] } | ModelProblem {
  const refuse = (code: ModelProblemCode, message: string): ModelProblem => ({ code, message: `The input \`${name}\` ${message}.` })
  const kind = type?.value
  if (kind?.case === undefined) return refuse('invalid-graph', 'has no type')
  if (kind.case !== 'tensorType') return refuse('unsupported-type', `is no tensor but of ${kind.case.replace('Type', '')} type, which is not supported`)
  const element = elementOf(kind.value.elemType), given = shapes?.get(name)
  if (element === undefined) return refuse('unsupported-type', `has elements of type ${dataTypeName(kind.value.elemType)}, which are not supported`)
  if (!kind.value.shape) return given ? { element, shape: given } : refuse('unbound-extent', 'has no shape in the file')
  const { dim } = kind.value.shape, open: string[] = []
  const shape = dim.map(({ value }, d): number => {
    const own = value.case === 'dimValue' ? Number(value.value) : undefined
    if (own !== undefined && own >= 0) return own
    const param = value.case === 'dimParam' ? value.value : ''
    const bound = bindings?.get(param !== '' ? param : `${name}.${d}`) ?? bindings?.get(`${name}.${d}`)
      ?? (given?.length === dim.length ? given[d] : undefined)
    if (bound === undefined) open.push(param !== '' ? param : `${name}.${d}`)
    return bound ?? 1
  })
  const negative = dim.find(({ value }) => value.case === 'dimValue' && value.value < 0n && value.value !== -1n)
  if (negative) return refuse('invalid-graph', `has the negative extent ${String(negative.value.value)}`)
  if (open.length > 0) {
    return refuse('unbound-extent', `has free extents; bind them: ${[...new Set(open)].map(n => `--bind ${n}=1`).join(' ')}`)
  }
  const wrong = shape.find(n => !Number.isInteger(n) || n < 0 || n >= 2 ** 31)
  if (wrong !== undefined) return refuse('invalid-graph', `has the extent ${wrong}; possible are 0 to 2^31 - 1`)
  if (shape.length > mostDimensions) return refuse('invalid-graph', `has ${shape.length} dimensions; possible are ${mostDimensions}`)
  if (countOf(shape) > mostElements) return refuse('too-large', `has ${countOf(shape)} elements`)
  return { element, shape }
}

/** A binding that nothing in the file has is a mistake. */
function checkBindings({ options, problems }: Importing, graph: GraphProto): void {
  const free = graph.input.flatMap(({ name, type }) => [name, ...(type?.value.case === 'tensorType' ? type.value.value.shape?.dim ?? [] : [])
    .flatMap(({ value }, d) => [`${name}.${d}`, ...(value.case === 'dimParam' ? [value.value] : [])])])
  const names = new Set(free)
  for (const name of options.bindings?.keys() ?? []) {
    if (!names.has(name)) {
      problems.push({ code: 'unknown-binding', message: `The model has no input and no free extent \`${name}\`.` })
    }
  }
}

function readInitialisers(
  { work, options, problems }: Importing, graph: GraphProto, read: ReadonlySet<string>, scope: Scope
): void {
  for (const proto of graph.initializer) {
    const { name } = proto
    if (scope.values.has(name)) problems.push(invalidGraph(`The initialiser \`${name}\` is given twice.`))
    if (!read.has(name)) continue
    const data = readTensor(proto, options.external)
    if ('problem' in data) {
      problems.push({ code: data.code, message: `The initialiser \`${name}\` ${data.problem}.` })
      scope.values.set(name, 'failed')
    } else scope.values.set(name, work.constant(name, data))
  }
  for (const { values } of graph.sparseInitializer) {
    const name = values?.name ?? ''
    if (read.has(name)) {
      problems.push({ code: 'unsupported-type', message: `The initialiser \`${name}\` is sparse, which is not supported.` })
    }
  }
}

function invalidGraph(message: string): ModelProblem {
  return { code: 'invalid-graph', message }
}

// ---------------------------------------------------------------- nodes

function convertNodes(
  importing: Importing, nodes: readonly NodeProto[], read: ReadonlySet<string>, scope: Scope
): void {
  for (const node of nodes) {
    const results = resultsOf(importing, node, read, scope)
    for (const [i, name] of node.output.entries()) {
      if (name === '') continue
      const result = results === 'failed' ? results : results[i] ?? (read.has(name) ? absent(importing, node, i) : 'failed')
      scope.values.set(name, result)
      if (result !== 'failed' && !importing.names.has(result)) importing.names.set(result, name)
    }
  }
}

function absent({ problems }: Importing, node: NodeProto, output: number): 'failed' {
  problems.push(problemAt(node, 'unsupported-operator', `Its result ${output}, \`${node.output[output]}\`, is not supported.`))
  return 'failed'
}

function resultsOf(
  importing: Importing, node: NodeProto, read: ReadonlySet<string>, scope: Scope
): readonly (Buffer | undefined)[] | 'failed' {
  const { work, opset, options, problems } = importing
  const inputs: (Buffer | undefined)[] = []
  for (const name of node.input) {
    const value = name === '' ? undefined : find(scope, name)
    if (value === 'failed') return value
    inputs.push(value)
  }
  try {
    if (node.opType === 'If') return branchOf(importing, node, inputs[0], scope)
    const context = nodeContext(
      { work, table: operatorTable, opset, external: options.external, isRead: name => read.has(name) }, node, inputs
    )
    return operatorTable[node.opType]!.convert(context)
  } catch (error) {
    if (!(error instanceof ConversionProblem)) throw error
    const code = error.kind === 'invalid' ? 'invalid-node' : 'unsupported-attribute'
    problems.push(problemAt(node, code, error.message, error.attribute))
    return 'failed'
  }
}

function problemAt(node: NodeProto, code: ModelProblemCode, message: string, attribute?: string): ModelProblem {
  const name = nodeName(node)
  return { code, message: `${node.opType} \`${name}\`: ${message}`, node: name, ...(attribute === undefined ? {} : { attribute }) }
}

/** `If` has no conversion: it becomes its branch. */
export const ifEntry: Pick<OperatorEntry, 'opsets' | 'limits'> = { opsets: [1, 26], limits: 'a condition that depends on inputs' }

/** What the branch computes that the condition chooses, which must be known. */
function branchOf(
  importing: Importing, node: NodeProto, condition: Buffer | undefined, outer: Scope
): readonly (Buffer | undefined)[] | 'failed' {
  const { work, opset, functions, problems } = importing
  const data = condition && work.data(condition)
  const fail = (...found: readonly ModelProblem[]): 'failed' => {
    problems.push(...found)
    return 'failed'
  }
  if (!data) {
    return fail(problemAt(node, 'unsupported-dynamic',
      'Its condition must be known while compiling. If it depends on an input of one element, bind that: --bind NAME=VALUE.'))
  }
  if (countOf(data.shape) !== 1) return fail(problemAt(node, 'invalid-node', 'Its condition has several elements.'))
  const name = numberAt(data, 0) !== 0 ? 'then_branch' : 'else_branch'
  const graph = node.attribute.find((a: AttributeProto) => a.name === name)?.g
  if (!graph) return fail(problemAt(node, 'invalid-node', `The attribute \`${name}\` is absent.`, name))
  const scope: Scope = { values: new Map(), outer }
  const own = new Set(graph.initializer.map(t => t.name))
  const order = orderOf(graph, n => own.has(n) || find(outer, n) !== undefined)
  if (!('nodes' in order)) return fail(...order)
  const unsupported = unsupportedIn(order.nodes, opset, functions)
  if (unsupported.length > 0) return fail(...unsupported)
  const before = problems.length
  readInitialisers(importing, graph, order.read, scope)
  convertNodes(importing, order.nodes, order.read, scope)
  if (problems.length > before) return 'failed'
  const results = graph.output.map(o => find(scope, o.name))
  return results.includes('failed') ? 'failed' : results as readonly (Buffer | undefined)[]
}

// ---------------------------------------------------------------- the whole

/** What the results need; tensors have the names of the file, and results their scope. */
function modelOf(
  { work, names }: Importing, name: string, inputs: readonly ModelTensor[], outputs: readonly ModelTensor[]
): Model {
  const needed = new Set(outputs.map(o => o.tensor))
  const nodes = work.nodes.toReversed().filter(node => {
    if (!node.outputs.some(tensor => needed.has(tensor))) return false
    for (const tensor of node.inputs) needed.add(tensor)
    return true
  }).toReversed()
  const constants = [...work.constants].toReversed().filter(([tensor, constant]) => {
    if (!needed.has(tensor)) return false
    if (constant.kind === 'folded') for (const input of constant.node.inputs) needed.add(input)
    return true
  }).toReversed()

  const results = new Set(outputs.map(o => o.tensor)), computed = new Set(nodes.flatMap(n => n.outputs))
  const renamed = new Map<Buffer, Buffer>()
  const now = (tensor: Buffer): Buffer => renamed.get(tensor) ?? tensor
  const remade = (node: Node): Node => {
    for (const tensor of node.outputs) {
      const scope = results.has(tensor) && computed.has(tensor) ? 'output' : tensor.scope
      renamed.set(tensor, { ...tensor, scope, name: names.get(tensor) ?? tensor.name })
    }
    return { ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) }
  }
  const kept = new Map(constants.map(([tensor, constant]): [Buffer, Constant] => {
    const value: Constant = constant.kind === 'folded' ? { kind: 'folded', node: remade(constant.node) } : constant
    return [now(tensor), value]
  }))
  const remadeNodes = nodes.map(remade)
  return {
    graph: {
      name, nodes: remadeNodes, constants: kept, extents: [], origins: [],
      inputs: inputs.map(i => i.tensor).filter(t => needed.has(t) && !kept.has(t)),
      outputs: [...new Set(outputs.map(o => o.tensor))].filter(t => computed.has(t)).map(now)
    },
    inputs, outputs: outputs.map(o => ({ ...o, tensor: now(o.tensor) })), builder: work.builder
  }
}
