/**
 * From a model to kernels and a plan, in memory. Weights are not read, except where a shape depends on them.
 *
 *     onnx bytes --import--> model --passes--> model --groups--> kernels --plan--> package
 *
 * What is wrong with a model comes back as problems.
 */
import { traceJson } from '../codegen/trace.ts'
import { compileGroups, type CompiledGroups, type Target } from '../compile/groups.ts'
import type { Model } from '../graph/model.ts'
import { documentOf } from '../graph/document.ts'
import { importModel, type ImportOptions } from '../graph/onnx/import.ts'
import type { ModelProblem } from '../graph/onnx/problem.ts'
import { optimise, type ParallelK } from '../graph/passes/optimise.ts'
import { separateOperators } from '../graph/passes/separate.ts'
import { isServedAsWhole } from '../schedule/choose.ts'
import { planModel, type PlannedModel } from './launch-plan.ts'
import type { Package } from './package.ts'
import { writeWeights } from './weights.ts'

export interface CompileOptions extends Target {
  /** How a product with few tiles is divided along k: by a rule, as in the paper, not at all, or into so many parts. */
  readonly parallelK: ParallelK
}

export interface CompiledModel {
  /** As it is compiled, behind all passes. */
  readonly model: Model
  /** Its graph as a Heddle file, in which its applications lie. */
  readonly text: string
  readonly groups: CompiledGroups
  readonly planned: PlannedModel
}

export interface Compilation {
  readonly compiled: CompiledModel | undefined
  readonly problems: readonly ModelProblem[]
}

export function compileModel(
  bytes: Uint8Array, options: CompileOptions & Omit<ImportOptions, 'architecture' | 'builder'>
): Compilation {
  const { model, problems } = importModel(bytes, options)
  return model ? compileGraph(model, options) : { compiled: undefined, problems }
}

/** `given`: as it was imported, or made by hand. */
export function compileGraph(given: Model, options: CompileOptions): Compilation {
  const { model, text } = prepared(given, options)
  const groups = compileGroups(model.graph, model.builder, options)
  const problems = groups.problems.map(({ node, message }): ModelProblem => {
    const of = node.sources[0], name = node.operator.name
    return {
      code: 'no-kernel', message: `\`${name}\`${of === undefined ? '' : `, of the node \`${of}\`,`} has no kernel: ${message}`,
      ...of === undefined ? {} : { node: of }
    }
  })
  if (problems.length > 0) return { compiled: undefined, problems }
  return { compiled: { model, text, groups, planned: planModel(model, groups, options.architecture.name) }, problems }
}

function prepared(
  given: Model, { device, parallelK }: CompileOptions
): { readonly model: Model; readonly text: string } {
  const { model, text } = documentOf(optimise(given, { sms: device.sms, parallelK }).model, graphUri)
  const { graph, builder } = model
  const separated = separateOperators(graph, builder,
    operator => isServedAsWhole(builder.surroundings, builder.defined(operator)))
  return { model: { ...model, graph: separated }, text }
}

/** The document in which operators are applied; `graph.heddle` of a package. */
const graphUri = 'heddle-op:/graph.heddle'

/** With `traces`, the trace of each text beside it. */
export function packageOfModel({ model, text, planned: { plan, codes } }: CompiledModel, traces: boolean): Package {
  const { program } = model.builder.surroundings
  const textOf = (uri: string): string => (uri === graphUri ? text : program.analyse(uri)?.text ?? '')
  const files = new Map([['graph.heddle', text]])
  for (const { name, cuda } of codes) {
    files.set(`kernels/${name}.cu`, cuda.text)
    if (!traces) continue
    files.set(`kernels/${name}.trace.json`, `${JSON.stringify(traceJson(cuda.trace, `${name}.cu`, cuda.text, textOf))}\n`)
  }
  return { plan, files }
}

/** The file of weights that the plan speaks of. */
export function writeModelWeights(file: string, { model, planned }: CompiledModel): void {
  writeWeights(file, model.graph.constants, planned.constants)
}
