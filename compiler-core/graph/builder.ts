/**
 * Graphs made by a program instead of a text: operators and graphs of the library, applied to tensors of known shapes.
 *
 *     const builder = createBuilder()
 *     builder.apply('conv', { x, w, strides: [2, 2], groups: 1 }, ['/layer1/Conv'])
 *         -> nodes: [conv(x, w) -> y: f32[1, 64, 56, 56]], results: [y]
 *
 * What an operator is stays Heddle text: here it is only chosen, and its attributes are bound. Equal applications (same
 * types, shapes and attributes) share one `OperatorInstance`, so that a large model is elaborated as often as it has
 * different operators.
 */
import { constant } from '../ir/build.ts'
import type { Buffer, ElementName } from '../ir/ir.ts'
import type { Origin } from '../ir/origin.ts'
import type { DefinedOperator } from '../language/define.ts'
import { createProgram, type Analysis, type Program } from '../language/program.ts'
import type { Definition } from '../language/resolve.ts'
import { refuel, type Frame, type Run } from '../language/run.ts'
import { tensorValue } from '../language/tensors.ts'
import { bool, elementType, float, int, tuple, type Value } from '../language/values.ts'
import { libraryImports } from '../library/library.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import type { Architecture } from '../target/architectures.ts'
import { elaborateApplication, type Application } from './elaborate.ts'
import type { AttributeValue, Node } from './flow.ts'

export interface Builder {
  /**
   * Applies an operator or a graph of the library by its name: `conv.implicit_gemm` is `graph implicit_gemm for conv`.
   * A number may stand for a tensor: it is written into the operator, in the element type of the tensors beside it. The
   * results are new tensors of scope `workspace`, named as the operator names them.
   */
  apply(name: string, args: Arguments, sources?: readonly string[]): Applied | { readonly problem: string }
  /** How the language knows an operator: its schedules are opened with it. */
  defined(operator: OperatorInstance): DefinedOperator
  /**
   * Makes a part of an operator known, which has no declaration and no names of its own: schedules of its family serve
   * it.
   */
  definePart(part: OperatorInstance, whole: OperatorInstance): void
  /** Where schedules of the library are looked up and opened. */
  readonly surroundings: Surroundings
}

/** By the name of the parameter: tensors, and what binds attributes, type parameters and shape variables. */
export type Arguments = Readonly<Record<string, Buffer | AttributeValue | undefined>>

export interface Applied {
  /** In order; each reads the arguments and results of those before it. */
  readonly nodes: readonly Node[]
  readonly results: readonly Buffer[]
}

export interface Surroundings {
  readonly program: Program
  readonly analysis: Analysis
  readonly run: Run
  readonly frame: Frame
}

/** The document that stands for what is made here; it imports the whole library. */
const builderUri = 'heddle-op:/builder.heddle'

export function createBuilder(architecture?: Architecture): Builder {
  const text = libraryImports.map(path => `import "${path}"\n`).join('')
  const program = createProgram({
    read: uri => (uri === builderUri ? text : undefined), roots: [], target: architecture?.name
  })
  const analysis = program.analyse(builderUri)!
  const { run, frame } = program.elaboration(builderUri)!
  const place = analysis.parsed.file
  const application: Origin = { range: { uri: builderUri, span: { start: 0, end: 0 } }, through: undefined }
  const implementations = new Map([...analysis.files].flatMap(uri => implementationsIn(program.analyse(uri))))
  const templates = new Map<string, Template | string>()
  const defined = new Map<OperatorInstance, DefinedOperator>()

  function templateOf(definition: Definition, args: Arguments): Template | string {
    const formals = new Map<string, Buffer>(), values = new Map<string, Value>()
    for (const [name, argument] of Object.entries(args)) {
      if (argument === undefined) continue
      if (isBuffer(argument)) {
        const formal: Buffer = { ...argument, name, scope: 'input' }
        formals.set(name, formal)
        values.set(name, tensorValue(formal))
      } else values.set(name, valueOf(argument))
    }
    const said = run.diagnostics.length
    run.reported.clear()
    refuel(run)
    const made = elaborateApplication(run, frame, definition, place, values)
    if (!made) {
      const message = run.diagnostics.slice(said).find(d => d.severity === 'error')?.message
      return message ?? `\`${definition.name}\` cannot be applied to these arguments.`
    }
    for (const [node, operator] of made.defined) defined.set(node.operator, operator)
    return { formals, made }
  }

  return {
    apply(name, args, sources = []) {
      const definition = analysis.exports.get(name) ?? implementations.get(name)
      if (!definition) return { problem: `The library has no operator \`${name}\`.` }
      const key = `${name}(${Object.entries(args).map(([n, a]) => `${n}: ${argumentKey(a)}`).join(', ')})`
      const template = templates.get(key) ?? templateOf(definition, args)
      templates.set(key, template)
      return typeof template === 'string' ? { problem: template } : instantiated(template, args, application, sources)
    },
    defined: operator => defined.get(operator) ?? missing(operator),
    definePart(part, whole) {
      const { bound } = defined.get(whole) ?? missing(whole)
      const outputs = part.outputs.map(d => d.buffer)
      const nameless = { ...bound, node: { ...bound.node }, frame: { ...bound.frame, locals: new Map() } }
      defined.set(part, { bound: { ...nameless, inputs: part.inputs, outputs }, operator: part })
    },
    surroundings: { program, analysis, run, frame }
  }
}

/** The graphs for operators, as `OPERATOR.GRAPH`. */
function implementationsIn(file: Analysis | undefined): readonly (readonly [string, Definition])[] {
  return (file?.resolved.schedules ?? []).flatMap(({ operator, definition }) =>
    (operator && definition.kind === 'graph' ? [[`${operator.name}.${definition.name}`, definition] as const] : []))
}

/** The extents of a tensor whose shape is known. */
export function extentsOf({ name, shape }: Buffer): readonly number[] {
  return shape.map(e => {
    if (e.kind !== 'constant') throw new Error(`An extent of ${name} is known only at launch`)
    return Number(e.value)
  })
}

/** A tensor that no operator computes: an input of the model, or a constant. */
export function inputTensor(name: string, element: ElementName, shape: readonly number[]): Buffer {
  return { name, element, scope: 'input', shape: shape.map(n => constant(n)), layout: undefined, origins: [] }
}

interface Template {
  /** What its nodes read in the place of the arguments. */
  readonly formals: ReadonlyMap<string, Buffer>
  readonly made: Application
}

function instantiated(
  { formals, made }: Template, args: Arguments, application: Origin, sources: readonly string[]
): Applied {
  const tensors = new Map<Buffer, Buffer>()
  for (const [name, formal] of formals) tensors.set(formal, args[name] as Buffer)
  const now = (tensor: Buffer) => tensors.get(tensor)!
  const nodes = made.nodes.map((node): Node => {
    for (const output of node.outputs) tensors.set(output, { ...output, origins: [application] })
    return { ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now), application, sources }
  })
  return { nodes, results: made.results.map(now) }
}

function isBuffer(argument: Buffer | AttributeValue): argument is Buffer {
  return typeof argument === 'object' && 'scope' in argument
}

function argumentKey(argument: Buffer | AttributeValue | undefined): string {
  if (argument === undefined) return ''
  if (isBuffer(argument)) return `${argument.element}[${extentsOf(argument).join()}]`
  return typeof argument === 'object' ? JSON.stringify(argument) : String(argument)
}

function valueOf(argument: AttributeValue): Value {
  if (typeof argument === 'number') {
    return Number.isSafeInteger(argument) && !Object.is(argument, -0) ? int(argument) : float(argument)
  }
  if (typeof argument === 'boolean') return bool(argument)
  if ('dtype' in argument) return { kind: 'dtype', dtype: elementType(argument.dtype)! }
  return 'reducer' in argument ? { kind: 'reducer', name: argument.reducer } : tuple(argument.map(int))
}

function missing(operator: OperatorInstance): never {
  throw new Error(`\`${operator.name}\` was not made by this builder`)
}
