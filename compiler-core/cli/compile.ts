/** `heddle compile`: a model as CUDA kernels with their traces, a launch plan, and a plan of its memory. */
import { counted } from '../mapping/shape.ts'
import type { Plan } from '../runtime/plan.ts'
import { writePackage } from '../runtime/package.ts'
import { openModel } from '../runtime/stored-model.ts'
import type { CompileOutput } from '../view/output.ts'
import { openModelFile } from './model-file.ts'
import { bytesText, modelProblems, storedOptions, type ModelOptions } from './model-options.ts'
import { failure, table, type Report } from './report.ts'

/** Exit status 0: compiled; 1: the model is wrong, or something in it is not supported; 2: a file cannot be used. */
export function compileReport(file: string, out: string, given: ModelOptions): Report {
  const start = performance.now()
  const options = storedOptions(given)
  if ('status' in options) return options
  const source = openModelFile(file)
  if ('problem' in source) return failure(source.problem)
  const { model, problems } = openModel(source, options)
  if (!model) return modelProblems(file, problems)
  const written = writePackage(out, model.package)
  if ('problem' in written) return failure(written.problem)
  const { plan } = model.package
  const output: CompileOutput = {
    model: plan.name, target: plan.target, device: options.device.name, launches: launchesOf(plan),
    kernels: plan.kernels.length, peak_bytes: plan.arenaBytes, bytes_without_reuse: plan.arenaBytesWithoutReuse,
    weights_bytes: model.weightsBytes, cached: model.fromCache,
    seconds: Math.round(performance.now() - start) / 1000, files: [...written]
  }
  return { status: 0, text: textOf(output, out), errors: '', json: output }
}

function launchesOf(plan: Plan): number {
  return plan.steps.filter(step => step.kind === 'launch').length
}

function textOf(o: CompileOutput, out: string): string {
  const reuse = o.bytes_without_reuse > o.peak_bytes ? `, ${bytesText(o.bytes_without_reuse)} without reuse` : ''
  return `${o.model}, for ${o.device} (${o.target})\n` + table([
    ['kernels', `${counted(o.kernels, 'kernel')}, launched ${counted(o.launches, 'time')}`],
    ['memory', `${bytesText(o.peak_bytes)} between kernels at most${reuse}; ${bytesText(o.weights_bytes)} of weights`],
    ['time', `${o.seconds.toFixed(2)} s${o.cached ? ', from the cache' : ''}`],
    ['written', `${out}: plan.json, graph.heddle, ${counted(o.files.length - 2, 'file')} in kernels`]
  ])
}
