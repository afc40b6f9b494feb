/**
 * `heddle run`: a model on given inputs.
 *
 *     inputs/input_0.pb, input_1.pb     in the order of the model's inputs, as ONNX writes tensors
 *     outputs/output_0.pb               in the order of its results
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { extentsOf } from '../graph/builder.ts'
import { importModel } from '../graph/onnx/import.ts'
import { inputNames, readModel } from '../graph/onnx/read.ts'
import { parseTensor, tensorBytes } from '../graph/onnx/tensor-proto.ts'
import { countOf, dataOf, type TensorData } from '../graph/tensor-data.ts'
import type { ElementName } from '../ir/ir.ts'
import { counted } from '../mapping/shape.ts'
import { runPlan } from '../runtime/cpu/engine.ts'
import type { Plan } from '../runtime/plan.ts'
import { evaluateModel } from '../runtime/reference.ts'
import { openModel, type ModelSource, type StoredOptions } from '../runtime/stored-model.ts'
import type { RunOutput } from '../view/output.ts'
import { openModelFile } from './model-file.ts'
import { modelProblems, storedOptions, type ModelOptions } from './model-options.ts'
import { failure, interrupted, table, type Report } from './report.ts'
import { withCache } from './with-cache.ts'
import { writeFiles } from './write-files.ts'

export interface RunModelOptions extends ModelOptions {
  /** The folder of `input_0.pb` and so on. */
  readonly inputs: string
  /** Where `output_0.pb` and so on go. */
  readonly outputs: string
  readonly engine: 'cpu' | 'reference'
  /** Where compiled kernels are kept. */
  readonly cacheFolder: string
  /** Seconds for the run itself. */
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Exit status 0: it ran; 1: model or inputs are wrong, or a kernel is;
 * 2: a file or tool cannot be used; 130: it was interrupted.
 */
export async function runReport(file: string, given: RunModelOptions): Promise<Report> {
  const options = storedOptions(given)
  if ('status' in options) return options
  const source = openModelFile(file)
  if ('problem' in source) return failure(source.problem)
  const names = inputNames(source.bytes), isModel = names.length > 0 || !('code' in readModel(source.bytes))
  const inputs = readInputs(given.inputs, isModel ? names.length : Infinity)
  if ('problem' in inputs) return failure(inputs.problem)
  if ('surplus' in inputs) {
    return wrong(file, `The model has ${counted(names.length, 'input')}, so that ${inputs.surplus} is of no use.`)
  }
  const data = new Map(names.flatMap((name, i) => inputs.tensors[i] ? [[name, inputs.tensors[i]] as const] : []))
  const missing = names.filter(name => !data.has(name) && options.bindings?.has(name) !== true)
  if (missing.length > 0) {
    return wrong(file, `There is no data for ${counted(missing.length, 'input')}: \`${missing.join('`, `')}\`.`)
  }
  const specialised: StoredOptions = {
    ...options, shapes: new Map([...data].map(([name, { shape }]) => [name, shape])),
    values: new Map([...data].filter(([, tensor]) => countOf(tensor.shape) <= mostValues))
  }
  const ran = given.engine === 'cpu'
    ? await withCache(specialised, cached =>
      runCompiled(file, source, cached, data, { ...given, cacheFolder: cached.cache.folder }))
    : runReference(file, source, specialised, data)
  if ('status' in ran) return ran
  const problem = writeFiles(given.outputs, outputFiles(ran))
  return problem === undefined ? reportOf(ran, given) : failure(problem)
}

/**
 * Of an input whose elements the model may be compiled for, such as a shape or axes: what is compiled serves only these
 * elements then, so that larger ones are left to the run.
 */
const mostValues = 64

interface Ran {
  readonly outputs: readonly { readonly name: string; readonly data: TensorData }[]
  readonly kernels: number
  readonly buildSeconds: number
  readonly runSeconds: number
}

async function runCompiled(
  file: string, source: ModelSource, options: StoredOptions, data: ReadonlyMap<string, TensorData>,
  { cacheFolder, limit, signal }: RunModelOptions
): Promise<Ran | Report> {
  const start = performance.now()
  const { model, problems } = openModel(source, options)
  if (!model) return modelProblems(file, problems)
  const { plan } = model.package
  const inputs = plan.inputs.map(({ name, element, shape }) => data.get(name) ?? bound(options, name, element, shape))
  const weights = model.weightsBytes === 0 ? undefined : model.weights()
  if (typeof weights === 'object') return failure(weights.problem)
  const compileSeconds = (performance.now() - start) / 1000
  const ran = await runPlan(model.package, weights, inputs, { cacheFolder, timeLimit: limit * 1000, signal })
  switch (ran.kind) {
    case 'failed': return wrong(file, ran.message)
    case 'unavailable': return failure(ran.message)
    case 'cancelled': return { ...failure('It was cancelled.'), status: interrupted }
    case 'ran': return {
      outputs: plan.outputs.map(({ name }, i) => ({ name, data: ran.outputs[i]! })), kernels: launchesOf(plan),
      buildSeconds: compileSeconds + ran.buildSeconds, runSeconds: ran.runSeconds
    }
  }
}

function runReference(
  file: string, source: ModelSource, options: StoredOptions, data: ReadonlyMap<string, TensorData>
): Ran | Report {
  const start = performance.now()
  const { model, problems } = importModel(source.bytes, { ...options, name: source.name, external: source.external })
  if (!model) return modelProblems(file, problems)
  const inputs = model.inputs.map(({ name, tensor }) =>
    data.get(name) ?? bound(options, name, tensor.element, extentsOf(tensor)))
  const imported = performance.now()
  const outputs = evaluateModel(model, inputs)
  if ('problem' in outputs) return wrong(file, outputs.problem)
  return {
    outputs: model.outputs.map(({ name }, i) => ({ name, data: outputs[i]! })), kernels: 0,
    buildSeconds: (imported - start) / 1000, runSeconds: (performance.now() - imported) / 1000
  }
}

function launchesOf({ steps }: Plan): number {
  return steps.filter(step => step.kind === 'launch').length
}

function wrong(file: string, message: string): Report {
  return { status: 1, text: '', errors: `${file}: error: ${message}\n` }
}

// ---------------------------------------------------------------- tensors

interface Tensors { readonly tensors: readonly TensorData[] }
interface Problem { readonly problem: string }

/** `input_0.pb`, `input_1.pb` and so on, without a gap; or the first file that is more than so many inputs. */
function readInputs(folder: string, count: number): Tensors | Problem | { readonly surplus: string } {
  try {
    const numbers = readdirSync(folder).flatMap(name => /^input_(\d{1,6})\.pb$/.exec(name)?.slice(1).map(Number) ?? [])
    const surplus = Math.min(...numbers.filter(number => number >= count))
    if (surplus < Infinity) return { surplus: path.join(folder, `input_${surplus}.pb`) }
    const tensors: TensorData[] = []
    for (let i = 0; i < numbers.length; i++) {
      const name = path.join(folder, `input_${i}.pb`)
      if (!numbers.includes(i)) return { problem: `${name} is missing.` }
      const tensor = parseTensor(plainBytes(readFileSync(name)))
      if ('problem' in tensor) return { problem: `${name} ${tensor.problem}.` }
      tensors.push(tensor.data)
    }
    return { tensors }
  } catch (error) {
    return { problem: `${folder} cannot be read: ${(error as Error).message}.` }
  }
}

function plainBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** An input of one element that `--bind` gives. */
function bound({ bindings }: StoredOptions, name: string, element: ElementName, shape: readonly number[]): TensorData {
  return dataOf(element, shape, [bindings?.get(name) ?? 0])
}

function outputFiles({ outputs }: Ran): ReadonlyMap<string, Uint8Array> {
  return new Map(outputs.map(({ name, data }, i) => [`output_${i}.pb`, tensorBytes(name, data)]))
}

function reportOf(
  { outputs, kernels, buildSeconds, runSeconds }: Ran, { engine, outputs: folder }: RunModelOptions
): Report {
  const seconds = (value: number): number => Math.round(value * 1000) / 1000
  const files = outputs.map(({ name, data: { element, shape } }, i) =>
    ({ file: `output_${i}.pb`, name, element, shape: [...shape] }))
  const json: RunOutput = {
    engine, kernels, build_seconds: seconds(buildSeconds), run_seconds: seconds(runSeconds), outputs: files
  }
  const text = table([
    ...engine === 'cpu' ? [['launches', counted(kernels, 'kernel')]] : [],
    ['time', `${buildSeconds.toFixed(2)} s to compile, ${runSeconds.toFixed(2)} s to run`],
    ...files.map(f => [path.join(folder, f.file), `${f.name}: ${f.element}[${f.shape.join(', ')}]`])
  ])
  return { status: 0, text, errors: '', json }
}
