/**
 * A `graph` declaration as a flow graph: its values are evaluated in order, and each application of an operator to
 * tensors becomes a node.
 *
 *     graph dense(x: f16[1, 8, 4], w: f32[1, 4, 6], bias: f32[6]) {
 *       let c = batch_matmul(cast(x, U: f32), w)
 *       return relu(c + bias)
 *     }
 *     cast(x) -> y,  batch_matmul(y, w) -> c,  add(c, bias) -> c,  relu(c) -> y
 *
 * Positional arguments follow the operator's parameters, tensors and attributes alike; named ones also bind its types
 * and shape variables. `+ - * /` with a tensor on either side are the library's element-wise operators; a number in the
 * place of a tensor is written into the operator. A graph may be applied like an operator; its nodes are then those of
 * the outer graph. A graph `for` an operator takes what the operator takes.
 */
import { withOrigins } from '../ir/build.ts'
import type { Buffer, Constant, ElementName } from '../ir/ir.ts'
import { joinOrigins, type Origin, type Origins } from '../ir/origin.ts'
import { mapExpr } from '../ir/visit.ts'
import { bindGraph, bindOperator, isBuiltin, libraryOperator, type Actual, type Bindings, type BoundGraph } from '../language/bindings.ts'
import { defineOperator, type DefinedOperator } from '../language/define.ts'
import { exprOf, originsAt } from '../language/device.ts'
import { withDevice } from '../language/elaborate.ts'
import { bind, bindName, conditionOf, evaluate } from '../language/evaluate.ts'
import type { Definition } from '../language/resolve.ts'
import { problem, type Frame, type Run } from '../language/run.ts'
import type {
  Argument, Binary, BinaryOperator, Expr, Graph, Node as Tree, Operator, Unary
} from '../language/syntax/tree.ts'
import { tensorValue } from '../language/tensors.ts'
import { describe, itemsOf, tuple, unknown, type Value } from '../language/values.ts'
import { checkOperator } from '../operators/check.ts'
import type { Definition as OperatorDefinition, OperatorInstance } from '../operators/definition.ts'
import { counted } from '../mapping/shape.ts'
import type { Attributes, AttributeValue, FlowGraph, Node } from './flow.ts'

export interface ElaboratedGraph {
  readonly graph: FlowGraph
  /** The operator of each node as the language knows it: its schedules are opened with it. */
  readonly defined: ReadonlyMap<Node, DefinedOperator>
}

/** Undefined after a problem, which is reported in `run` at `place` of `from` or in the graph itself. */
export function elaborateGraph(
  run: Run, from: Frame, definition: Definition, place: Tree, bindings: Bindings
): ElaboratedGraph | undefined {
  const before = run.problems
  const building: Building = { run, nodes: [], defined: new Map(), under: [] }
  let elaborated: ElaboratedGraph | undefined
  withDevice(run, 'operator', { launch: undefined, isFused: () => false }, () => {
    const bound = bindGraph(run, definition, from, place, bindings)
    if (!bound || definition.node.kind !== 'Graph') return
    const { name } = definition.node, origins = originsAt(run, bound.frame, name)
    const results = resultsOf(building, bound.frame, definition, definition.node, origins[0])
    const outputs = results && outputsOf(building, bound, results)
    if (outputs) elaborated = finished(building, bound, name.text, outputs, origins)
  })
  return run.problems === before ? elaborated : undefined
}

export interface Application {
  readonly nodes: readonly Node[]
  readonly results: readonly Buffer[]
  readonly defined: ReadonlyMap<Node, DefinedOperator>
}

/**
 * What a declared operator or graph makes of arguments, outside of a graph's text: tensors among them are what its
 * nodes read. Undefined after a problem, which is reported in `run` at `place` of `from`.
 */
export function elaborateApplication(
  run: Run, from: Frame, definition: Definition, place: Tree, args: ReadonlyMap<string, Value>
): Application | undefined {
  const before = run.problems
  const building: Building = { run, nodes: [], defined: new Map(), under: [] }
  let value: Value = unknown
  withDevice(run, 'operator', { launch: undefined, isFused: () => false }, () => {
    const given = [...args].map(([name, argument]): Given => ({ name, value: argument, node: place }))
    value = applied(building, from, place, definition, given, undefined)
  })
  const results = (itemsOf(value) ?? [value]).flatMap(v => (v.kind === 'tensor' ? [v.buffer] : []))
  if (run.problems > before || results.length === 0) return undefined
  return { nodes: building.nodes, results, defined: building.defined }
}

interface Building {
  readonly run: Run
  readonly nodes: Node[]
  readonly defined: Map<Node, DefinedOperator>
  /** The graphs that are being elaborated, each applied by the one before. */
  readonly under: Definition[]
}

interface Placed { readonly value: Value; readonly node: Tree }
interface Given extends Placed { readonly name: string | undefined }
interface Result extends Placed { readonly buffer: Buffer }

// ---------------------------------------------------------------- the graph as a whole

/** The values that a graph returns. */
function resultsOf(
  b: Building, frame: Frame, definition: Definition, graph: Graph, through: Origin | undefined
): readonly Placed[] | undefined {
  const { run } = b
  if (b.under.includes(definition)) {
    problem(run, frame.module, graph.name, 'endless-recursion', `The graph \`${graph.name.text}\` applies itself.`)
    return undefined
  }
  b.under.push(definition)
  const results = within(run, through, () => {
    for (const m of graph.members) {
      if (m.kind === 'Return') return m.values.map(e => ({ value: valueOf(b, frame, e), node: e }))
      const name = m.target.kind === 'Name' ? m.target.text : undefined
      bind(run, frame, m.target, valueOf(b, frame, m.value, name), m.value)
    }
    return undefined
  })
  b.under.pop()
  if (!results) {
    problem(run, frame.module, graph.name, 'missing-return', `The graph \`${graph.name.text}\` returns nothing.`)
  }
  return results
}

/** The tensors that the outermost graph returns: each is computed, and returned once. */
function outputsOf(
  b: Building, { frame, inputs }: BoundGraph, results: readonly Placed[]
): readonly Result[] | undefined {
  const outputs: Result[] = []
  for (const { value, node } of results) {
    const buffer = wholeTensor(b, frame, { value, node })
    if (!buffer) return undefined
    const twice = outputs.some(o => o.buffer === buffer) ? 'is returned twice' : undefined
    const again = inputs.includes(buffer) ? 'is a parameter' : twice
    if (again !== undefined) {
      const rule = 'A graph returns tensors that it computes, each once'
      problem(b.run, frame.module, node, 'wrong-kind', `${rule}; \`${buffer.name}\` ${again}.`)
      return undefined
    }
    outputs.push({ value, node, buffer })
  }
  return outputs
}

function finished(
  b: Building, bound: BoundGraph, name: string, results: readonly Result[], origins: Origins
): ElaboratedGraph {
  const outputs = new Map(results.map(({ buffer }): [Buffer, Buffer] => [buffer, { ...buffer, scope: 'output' }]))
  const now = (tensor: Buffer): Buffer => outputs.get(tensor) ?? tensor
  const defined = new Map([...b.defined].map(([node, operator]): [Node, DefinedOperator] =>
    [{ ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) }, operator]))
  return {
    graph: {
      name, inputs: bound.inputs, outputs: [...outputs.values()], nodes: [...defined.keys()],
      constants: new Map(), extents: bound.extents, origins
    },
    defined
  }
}

// ---------------------------------------------------------------- values

/** The value of an expression in a graph; `name`: of the tensor that it makes. */
function valueOf(b: Building, frame: Frame, e: Expr, name?: string): Value {
  const { run } = b
  switch (e.kind) {
    case 'Parenthesized': return valueOf(b, frame, e.value, name)
    case 'Tuple': return tuple(e.items.map(item => valueOf(b, frame, item)))
    case 'Conditional': {
      const chosen = conditionOf(run, frame, e.condition, evaluate(run, frame, e.condition))
      return chosen === undefined ? unknown : valueOf(b, frame, chosen ? e.then : e.otherwise, name)
    }
    case 'Binary': {
      const operator = elementWise[e.operator]
      if (operator === undefined) return evaluate(run, frame, e)
      const operands = [e.left, e.right].map((node): Given =>
        ({ value: valueOf(b, frame, node), node, name: undefined }))
      if (operands.every(o => o.value.kind !== 'tensor')) return evaluate(run, frame, e)
      return elementByElement(b, frame, e, operator, operands, name)
    }
    case 'Unary': {
      const operand: Given = { value: valueOf(b, frame, e.operand), node: e.operand, name: undefined }
      return e.operator === '-' && operand.value.kind === 'tensor'
        ? elementByElement(b, frame, e, 'negate', [operand], name) : evaluate(run, frame, e)
    }
    case 'Call': {
      const definition = e.callee.kind === 'NameRef' ? frame.module.definitionOf.get(e.callee) : undefined
      if (definition?.kind === 'operator' || definition?.kind === 'graph') {
        return applied(b, frame, e, definition, e.args.flatMap(a => givenBy(b, frame, a)), name)
      }
      const operator = definition && isBuiltin(definition) ? ofNumbers[definition.name] : undefined
      if (operator === undefined || e.args.every(a => givenBy(b, frame, a).every(g => g.value.kind !== 'tensor'))) {
        return evaluate(run, frame, e)
      }
      problem(run, frame.module, e, 'wrong-type',
        `\`${definition?.name}\` takes numbers; of each element of a tensor it is the operator \`${operator}\` of \`std/elementwise\`.`)
      return unknown
    }
    default: return evaluate(run, frame, e)
  }
}

/** A sign between tensors is an operator of the library. */
function elementByElement(
  b: Building, frame: Frame, e: Binary | Unary, operator: string, operands: readonly Given[], name: string | undefined
): Value {
  const definition = libraryOperator(b.run, 'elementwise', operator)
  if (definition) return applied(b, frame, e, definition, operands, name)
  const meaning = `\`${e.operator}\` of tensors is the operator \`${operator}\``
  problem(b.run, frame.module, e, 'unknown-name', `${meaning}. Add \`import "std/elementwise"\`.`)
  return unknown
}

const elementWise: Readonly<Partial<Record<BinaryOperator, string>>> = {
  '+': 'add', '-': 'subtract', '*': 'multiply', '/': 'divide'
}

/** Built-in functions of numbers, as operators of the library. */
const ofNumbers: Readonly<Record<string, string>> = {
  abs: 'absolute', exp: 'exponential', log: 'logarithm', sqrt: 'square_root', rsqrt: 'inverse_square_root',
  erf: 'error_function', tanh: 'hyperbolic_tangent', sin: 'sine', cos: 'cosine', floor: 'floor_of', ceil: 'ceiling_of',
  round: 'rounded', pow: 'power', max: 'maximum', min: 'minimum'
}

function givenBy(b: Building, frame: Frame, a: Argument): readonly Given[] {
  if (a.value.kind !== 'Spread') return [{ value: valueOf(b, frame, a.value), node: a.value, name: a.name?.text }]
  const value = evaluate(b.run, frame, a.value.value), node = a.value.value
  const items = itemsOf(value)
  if (!items && value.kind !== 'unknown') {
    problem(b.run, frame.module, node, 'wrong-type', `\`...\` spreads a tuple or a list; this is ${describe(value)}.`)
  }
  return (items ?? [unknown]).map(item => ({ value: item, node, name: undefined }))
}

// ---------------------------------------------------------------- applications

/** What an operator or a graph makes of its arguments: a tensor, or a tuple of several. */
function applied(
  b: Building, frame: Frame, place: Tree, definition: Definition, args: readonly Given[],
  name: string | undefined
): Value {
  const { run } = b, { node } = definition
  if (args.some(a => a.value.kind === 'unknown')) return unknown
  if (node.kind !== 'Operator' && node.kind !== 'Graph') return unknown
  const implemented = node.kind === 'Graph' ? implementedBy(run, definition, node) : undefined
  const callee = implemented?.node.kind === 'Operator' ? implemented.node : node
  const given = argumentsOf(b, frame, callee, args)
  const numbers = given && node.kind === 'Operator' ? numbersIn(b, frame, node, given) : new Map<string, Constant>()
  if (!given || !numbers) return unknown
  const split = withNumbers(given, numbers)
  const { actuals, bindings } = split
  const [application] = originsAt(run, frame, place)
  if (!application) return unknown
  const shaped = callee.params.filter(p => p.type.kind === 'TensorType' && p.type.dims.length > 0)
  if (!tensorsOf(b, frame, place, callee, shaped.map(p => p.name.text), split)) return unknown
  // its own text is seen through the application by whoever fuses it
  const own = <T>(f: () => T): T => within(run, undefined, f)
  if (node.kind === 'Graph') {
    const bound = own(() => implemented
      ? bindOperator(run, implemented, frame, place, bindings, actuals)
      : bindGraph(run, definition, frame, place, bindings, actuals))
    const tensors = bound && tensorsOf(b, frame, place, callee, bound.inputs.map(x => x.name), split)
    const module = run.module(definition.uri)
    if (!tensors || !module) return unknown
    for (const p of callee.params) {
      const tensor = actuals.get(p.name.text)?.buffer
      if (tensor) bindName(bound.frame, p.name, tensorValue(tensor))
    }
    const results = resultsOf(b, { ...bound.frame, module }, definition, node, application)
    return results ? oneOrTuple(results.map(r => r.value)) : unknown
  }
  const whole = own(() => defineOperator(run, definition, frame, place, bindings, actuals))
  const defined = whole && { ...whole, operator: withoutInputs(whole.operator, numbers) }
  const inputs = defined && tensorsOf(b, frame, place, node, defined.operator.inputs.map(x => x.name), split)
  if (!inputs) return unknown
  const { operator } = defined
  const wrong = checkOperator(operator).filter(f => f.severity === 'error')
  for (const { code, message, origins } of wrong) {
    const related = origins.map(o => ({ ...o.range, message: `here, in \`${operator.name}\`` }))
    problem(run, frame.module, place, code, message, { related })
  }
  if (wrong.length > 0) return unknown
  const single = operator.outputs.length === 1 ? name : undefined
  const outputs = operator.outputs.map(({ buffer }): Buffer =>
    ({ ...buffer, name: single ?? buffer.name, scope: 'workspace', origins: [application] }))
  const attributes = attributesIn([...given.bindings])
  const made: Node = { operator, inputs, outputs, attributes, application, sources: [] }
  b.nodes.push(made)
  b.defined.set(made, defined)
  return oneOrTuple(outputs.map(tensorValue))
}

/** The operator that a graph is `for`: the graph sees its names, and is applied like it. */
function implementedBy(run: Run, definition: Definition, graph: Graph): Definition | undefined {
  return graph.operator && run.module(definition.uri)?.definitionOf.get(graph.operator)
}

/** What of the bindings is data; mappings are not. */
function attributesIn(bindings: readonly (readonly [string, Placed])[]): Attributes {
  return Object.fromEntries(bindings.flatMap(([name, { value }]) => {
    const attribute = attributeOf(value)
    return attribute === undefined ? [] : [[name, attribute]]
  }))
}

function attributeOf(value: Value): AttributeValue | undefined {
  switch (value.kind) {
    case 'int': return Number(value.value)
    case 'float': case 'bool': return value.value
    case 'dtype': return { dtype: value.dtype.name as ElementName }
    case 'reducer': return { reducer: value.name }
    case 'tuple': case 'list': {
      const items = value.items.map(item => (item.kind === 'int' ? Number(item.value) : Number.NaN))
      return items.some(Number.isNaN) ? undefined : items
    }
    default: return undefined
  }
}

// ---------------------------------------------------------------- numbers in the place of tensors

/**
 * The numbers that are given for tensors, in the element type of the tensors beside them. Undefined after a problem.
 */
function numbersIn(
  b: Building, frame: Frame, callee: Operator, split: Split
): ReadonlyMap<string, Constant> | undefined {
  const numbers = new Map<string, Constant>()
  for (const p of callee.params) {
    const given = split.bindings.get(p.name.text)
    const isTensor = p.type.kind === 'TensorType' && p.type.dims.length > 0
    const element = isTensor ? elementBeside(callee, p.type.element.text, split) : undefined
    if (!element || (given?.value.kind !== 'int' && given?.value.kind !== 'float')) continue
    const value = exprOf(b.run, frame, given.value, given.node, element)
    if (value?.kind !== 'constant') return undefined
    numbers.set(p.name.text, value)
  }
  return numbers
}

/** Of a tensor that was given for a parameter of the same type; else of the first tensor. */
function elementBeside(callee: Operator, type: string, split: Split): ElementName | undefined {
  const beside = callee.params.filter(p => p.type.kind === 'TensorType' && p.type.element.text === type)
  const [actual] = beside.flatMap(p => split.actuals.get(p.name.text) ?? [])
  return (actual ?? [...split.actuals.values()][0])?.buffer.element
}

/** A number stands for a tensor without dimensions. */
function withNumbers(split: Split, numbers: ReadonlyMap<string, Constant>): Split {
  if (numbers.size === 0) return split
  const scalars = [...numbers].map(([name, { type, origins }]): [string, Actual] => {
    const buffer: Buffer = { name, element: type as Buffer['element'], scope: 'input', shape: [], layout: undefined, origins }
    return [name, { buffer, node: split.bindings.get(name)?.node ?? missing(name) }]
  })
  const bindings = new Map([...split.bindings].filter(([name]) => !numbers.has(name)))
  return { actuals: new Map([...split.actuals, ...scalars]), bindings }
}

function missing(name: string): never { throw new Error(`${name} was given`) }

/** The operator with numbers written where it reads these inputs. */
function withoutInputs(operator: OperatorInstance, numbers: ReadonlyMap<string, Constant>): OperatorInstance {
  if (numbers.size === 0) return operator
  const values = new Map(operator.inputs.flatMap((x): [Buffer, Constant][] => {
    const value = numbers.get(x.name)
    return value ? [[x, value]] : []
  }))
  const written = (d: OperatorDefinition): OperatorDefinition => ({
    ...d,
    value: mapExpr(d.value, e => {
      const value = e.kind === 'load' ? values.get(e.buffer) : undefined
      return value ? withOrigins(value, joinOrigins(value.origins, e.origins)) : e
    })
  })
  return {
    ...operator, inputs: operator.inputs.filter(x => !values.has(x)),
    stages: operator.stages.map(written), outputs: operator.outputs.map(written)
  }
}

interface Split { readonly actuals: ReadonlyMap<string, Actual>; readonly bindings: Bindings }

/** Arguments by parameter, tensors apart from what binds a name. */
function argumentsOf(
  b: Building, frame: Frame, callee: Operator | Graph, args: readonly Given[]
): Split | undefined {
  const actuals = new Map<string, Actual>(), bindings = new Map<string, Placed>()
  const wrong = (node: Tree, code: 'too-many-arguments' | 'duplicate-argument', message: string) => {
    problem(b.run, frame.module, node, code, message)
    return undefined
  }
  let next = 0
  for (const { name, value, node } of args) {
    const to = name ?? callee.params[next++]?.name.text
    if (to === undefined) {
      const has = `\`${callee.name.text}\` has ${counted(callee.params.length, 'parameter')}`
      return wrong(node, 'too-many-arguments', `${has}.`)
    }
    if (actuals.has(to) || bindings.has(to)) {
      return wrong(node, 'duplicate-argument', `\`${to}\` of \`${callee.name.text}\` is given twice.`)
    }
    if (value.kind !== 'tensor') bindings.set(to, { value, node })
    else {
      const buffer = wholeTensor(b, frame, { value, node })
      if (!buffer) return undefined
      actuals.set(to, { buffer, node })
    }
  }
  return { actuals, bindings }
}

/** The tensors that were given for some parameters. */
function tensorsOf(
  b: Building, frame: Frame, place: Tree, callee: Operator | Graph, parameters: readonly string[], split: Split
): readonly Buffer[] | undefined {
  const tensors: Buffer[] = []
  for (const name of parameters) {
    const tensor = split.actuals.get(name)?.buffer, other = split.bindings.get(name)
    const what = `\`${name}\` of \`${callee.name.text}\` is a tensor`
    if (tensor) tensors.push(tensor)
    else if (other) problem(b.run, frame.module, other.node, 'wrong-type', `${what}; this is ${describe(other.value)}.`)
    else problem(b.run, frame.module, place, 'missing-argument', `${what}, which is not given.`)
  }
  return tensors.length === parameters.length ? tensors : undefined
}

/** The tensor that a value is, as a whole. */
function wholeTensor(b: Building, frame: Frame, { value, node }: Placed): Buffer | undefined {
  const isWhole = value.kind === 'tensor' && value.dims.length === value.buffer.shape.length
    && value.dims.every((d, i) => d.kind === 'range' && d.from === undefined && d.extent === value.buffer.shape[i])
  if (isWhole) return value.buffer
  const message = value.kind === 'tensor'
    ? `Operators take whole tensors; a part of \`${value.buffer.name}\` is an operator of its own, such as \`slice\`.`
    : `This is a tensor in a graph, but it is ${describe(value)}.`
  if (value.kind !== 'unknown') problem(b.run, frame.module, node, 'wrong-type', message)
  else if (b.run.problems === 0) {
    const definition = node.kind === 'NameRef' ? frame.module.definitionOf.get(node) : undefined
    const advice = definition?.kind === 'operator' ? ` \`${definition.name}\` makes one of its arguments: \`${definition.name}(...)\`.` : ''
    problem(b.run, frame.module, node, 'no-value', `This is no tensor.${advice}`)
  }
  return undefined
}

function oneOrTuple(values: readonly Value[]): Value {
  const [first] = values
  return values.length === 1 && first ? first : tuple(values)
}

/** Evaluates with what is made seen through `through`. */
function within<T>(run: Run, through: Origin | undefined, f: () => T): T {
  const { device } = run
  if (!device) return f()
  const before = device.through
  device.through = through
  const result = f()
  device.through = before
  return result
}
