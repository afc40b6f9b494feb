/** `heddle export`: a model as a project in CUDA and C++ that stands alone. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { counted } from '../mapping/shape.ts'
import { exportProject } from '../runtime/export/project.ts'
import { openModel, type ModelSource, type StoredOptions } from '../runtime/stored-model.ts'
import type { ExportOutput } from '../view/output.ts'
import { openModelFile } from './model-file.ts'
import { bytesText, modelProblems, storedOptions, type ModelOptions } from './model-options.ts'
import { failure, table, type Report } from './report.ts'
import { withCache } from './with-cache.ts'
import { writeFiles, type FileContent } from './write-files.ts'

/** Exit status 0: exported; 1: the model is wrong, or something in it is not supported; 2: a file cannot be used. */
export async function exportReport(file: string, out: string, given: ModelOptions): Promise<Report> {
  const options = storedOptions(given)
  if ('status' in options) return options
  const source = openModelFile(file)
  if ('problem' in source) return failure(source.problem)
  return withCache(options, cached => exported(file, source, out, cached))
}

function exported(file: string, source: ModelSource, out: string, options: StoredOptions): Report {
  const { model, problems } = openModel(source, options)
  if (!model) return modelProblems(file, problems)
  const { package: compiled, weightsBytes } = model
  const texts = exportProject(compiled, weightsBytes)
  if ('problem' in texts) return { status: 1, text: '', errors: `${file}: error: ${texts.problem}\n` }
  const weights = model.weights()
  if (typeof weights !== 'string') return failure(weights.problem)
  const files = new Map<string, FileContent>([...texts, ['weights.bin', { file: weights, bytes: weightsBytes }]])
  const problem = writeFiles(out, new Map([...oldKernels(out), ...files]))
  if (problem !== undefined) return failure(problem)
  const output: ExportOutput = {
    model: compiled.plan.name, target: compiled.plan.target, kernels: compiled.plan.kernels.length,
    weights_bytes: weightsBytes, files: [...files.keys()].sort()
  }
  return { status: 0, text: textOf(output, out), errors: '', json: output }
}

/** Of a project that was there before: they go. */
function oldKernels(out: string): readonly (readonly [string, undefined])[] {
  try {
    const names = readFileSync(path.join(out, 'kernels.h'), 'utf8').matchAll(/^KERNEL\((\w+),/gm)
    return [...names].map(([, name]) => [`kernels/${name}.cu`, undefined] as const)
  } catch {
    return []
  }
}

function textOf({ model, target, kernels, weights_bytes, files }: ExportOutput, out: string): string {
  return `${model}, for ${target}\n` + table([
    ['kernels', counted(kernels, 'kernel')], ['weights', bytesText(weights_bytes)],
    ['written', `${out}: ${counted(files.length, 'file')}`],
    ['with CUDA', 'cmake -B build && cmake --build build'],
    ['without', 'cmake -B build -DMODEL_CPU=ON && cmake --build build']
  ])
}
