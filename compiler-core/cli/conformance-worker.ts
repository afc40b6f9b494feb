/** The process that conformance cases run in: one after the other, as conformance.ts asks. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { importModel } from '../graph/onnx/import.ts'
import type { ModelProblem } from '../graph/onnx/problem.ts'
import { inputNames } from '../graph/onnx/read.ts'
import type { TensorData } from '../graph/tensor-data.ts'
import { compileModel, packageOfModel, writeModelWeights } from '../runtime/compile-model.ts'
import { readDataSets, type DataSet } from '../runtime/conformance/cases.ts'
import { difference, type Subject } from '../runtime/conformance/compare.ts'
import type { Answer } from '../runtime/conformance/pool.ts'
import { runPlan } from '../runtime/cpu/engine.ts'
import { evaluateModel } from '../runtime/reference.ts'
import type { ModelSource } from '../runtime/stored-model.ts'
import type { ConformanceOutput } from '../view/output.ts'
import { openModelFile } from './model-file.ts'
import { storedOptions } from './model-options.ts'

export interface ConformanceTask {
  readonly folder: string
  readonly subject: Subject
  readonly engine: 'cpu' | 'reference'
  readonly target: string
  readonly limitSeconds: number
  /** Of the machine; other children have theirs. */
  readonly threads: number
  readonly cacheFolder: string
}

export type ConformanceResult = Pick<ConformanceOutput['tests'][number], 'state' | 'reason' | 'kernels'>

process.on('disconnect', () => { process.exit() })
process.on('message', (task: ConformanceTask) => {
  void judge(task).catch(crashed).then(result => {
    const answer: Answer<ConformanceResult> = { result, residentBytes: process.memoryUsage.rss() }
    process.send!(answer)
  })
})

async function judge(task: ConformanceTask): Promise<ConformanceResult> {
  const sets = readDataSets(task.folder)
  if ('problem' in sets) return refused([{ ...sets, message: `${sets.problem}.` }])
  const source = openModelFile(path.join(task.folder, 'model.onnx'))
  if ('problem' in source) return failed(source.problem)
  let kernels = 0
  for (const set of sets) {
    const result = await judgeSet(task, source, set)
    if (result.state !== 'passed') return result
    kernels = result.kernels
  }
  return { state: 'passed', reason: null, kernels }
}

async function judgeSet(task: ConformanceTask, source: ModelSource, set: DataSet): Promise<ConformanceResult> {
  const ran = task.engine === 'cpu' ? await runCompiled(task, source, set) : runReference(source, set)
  if ('state' in ran) return ran
  const { results, kernels } = ran
  if (results.length !== set.outputs.length) {
    return failed(`The model has ${results.length} results, ${set.name} has ${set.outputs.length}.`)
  }
  for (const [i, expected] of set.outputs.entries()) {
    const { name, data } = results[i]!, differs = difference(expected, data, task.subject)
    if (differs !== undefined) return failed(`The result \`${name}\` ${differs}.`, kernels)
  }
  return { state: 'passed', reason: null, kernels }
}

interface Ran {
  readonly results: readonly { readonly name: string; readonly data: TensorData }[]
  readonly kernels: number
}

async function runCompiled(task: ConformanceTask, source: ModelSource, set: DataSet): Promise<Ran | ConformanceResult> {
  const data = givenIn(source, set)
  const options = storedOptions({ target: task.target })
  if ('status' in options) return failed(options.errors)
  const { compiled, problems } = compileModel(source.bytes, { ...options, ...importing(source, data) })
  if (!compiled) return refused(problems)
  const { plan, constants } = compiled.planned
  const missing = plan.inputs.find(({ name }) => !data.has(name))
  if (missing) return failed(`${set.name} has no data for the input \`${missing.name}\`.`)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
  try {
    const weights = constants.length === 0 ? undefined : path.join(folder, 'weights.bin')
    if (weights !== undefined) writeModelWeights(weights, compiled)
    const { threads, limitSeconds, cacheFolder } = task
    const inputs = plan.inputs.map(({ name }) => data.get(name)!)
    const ran = await runPlan(packageOfModel(compiled, false), weights, inputs, {
      cacheFolder, threads, jobs: threads, timeLimit: limitSeconds * 1000
    })
    if (ran.kind === 'cancelled') return failed('It was cancelled.')
    return ran.kind === 'ran'
      ? {
        results: plan.outputs.map(({ name }, i) => ({ name, data: ran.outputs[i]! })),
        kernels: plan.steps.filter(step => step.kind === 'launch').length
      }
      : failed(ran.message)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function runReference(source: ModelSource, set: DataSet): Ran | ConformanceResult {
  const data = givenIn(source, set), { model, problems } = importModel(source.bytes, importing(source, data))
  if (!model) return refused(problems)
  const missing = model.inputs.find(({ name }) => !data.has(name))
  if (missing) return failed(`${set.name} has no data for the input \`${missing.name}\`.`)
  const outputs = evaluateModel(model, model.inputs.map(({ name }) => data.get(name)!))
  if ('problem' in outputs) return failed(outputs.problem)
  return { results: model.outputs.map(({ name }, i) => ({ name, data: outputs[i]! })), kernels: 0 }
}

function givenIn({ bytes }: ModelSource, { inputs }: DataSet): ReadonlyMap<string, TensorData> {
  return new Map(inputNames(bytes).slice(0, inputs.length).map((name, i) => [name, inputs[i]!]))
}

/** A model is made for the data: it has free extents, and inputs that decide shapes. */
function importing({ name, external }: ModelSource, data: ReadonlyMap<string, TensorData>) {
  return { name, external, values: data, shapes: new Map([...data].map(([input, { shape }]) => [input, shape])) }
}

function failed(reason: string, kernels = 0): ConformanceResult { return { state: 'failed', reason, kernels } }

/** Every case is right ONNX: what is said to be wrong in it is a mistake of Heddle. */
function refused(problems: readonly ModelProblem[]): ConformanceResult {
  const isUnsupported = problems.every(({ code }) => code.startsWith('unsupported-'))
  return { state: isUnsupported ? 'unsupported' : 'failed', reason: problems.map(p => p.message).join(' '), kernels: 0 }
}

/** The error, and the function that it comes from. */
function crashed(error: unknown): ConformanceResult {
  const [message, place] = error instanceof Error ? (error.stack ?? error.message).split('\n    at ') : [String(error)]
  return failed(`Heddle failed: ${message}${place === undefined ? '' : ` (${place})`}`)
}
