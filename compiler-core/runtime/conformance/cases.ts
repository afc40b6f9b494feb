/**
 * Conformance cases, laid out as those of ONNX:
 *
 *     test_add/model.onnx
 *     test_add/test_data_set_0/input_0.pb, input_1.pb
 *     test_add/test_data_set_0/output_0.pb              or a sample of a large result: output_0.sample.json
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseTensor, type TensorProblem } from '../../graph/onnx/tensor-proto.ts'
import { countOf, type TensorData } from '../../graph/tensor-data.ts'
import type { Expected, Sample } from './compare.ts'

export interface Case {
  /** The folder's name; with as many of those above it as tell it from others. */
  readonly name: string
  readonly folder: string
  /** Of the model's folder without its test data: how much work it may be. */
  readonly bytes: number
}

export interface DataSet {
  /** `test_data_set_0`. */
  readonly name: string
  /** In the order of the model's inputs. */
  readonly inputs: readonly TensorData[]
  /** In the order of its results. */
  readonly outputs: readonly Expected[]
}

/** Every folder at or below those given that holds a model and test data, by name. Links are not followed. */
export function findCases(folders: readonly string[]): readonly Case[] {
  const found = new Map<string, number>()
  for (const folder of folders) collect(path.resolve(folder), found)
  const names = shortNames([...found.keys()])
  return [...found].map(([folder, bytes]): Case => ({ name: names.get(folder)!, folder, bytes }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The data sets of a case in order; a problem says of what it is. */
export function readDataSets(folder: string): readonly DataSet[] | TensorProblem {
  const sets: DataSet[] = []
  for (const name of readdirSync(folder).filter(isDataSet).sort()) {
    const set = readDataSet(path.join(folder, name), name)
    if ('problem' in set) return set
    sets.push(set)
  }
  return sets
}

function readDataSet(folder: string, name: string): DataSet | TensorProblem {
  const given = numbered(folder, /^input_(\d+)\.pb$/), expected = numbered(folder, /^output_(\d+)\.(?:pb|sample\.json)$/)
  const gap = [given, expected].map(files => files.findIndex(file => file === undefined)).find(at => at >= 0)
  if (gap !== undefined) return invalid(`${name} has no number ${gap} of its inputs or outputs`)
  const inputs: TensorData[] = [], outputs: Expected[] = []
  for (const file of given) {
    const data = readTensorFile(folder, file!)
    if ('problem' in data) return data
    inputs.push(data)
  }
  for (const file of expected) {
    const data = file!.endsWith('.pb') ? readTensorFile(folder, file!) : readSample(folder, file!)
    if ('problem' in data) return data
    outputs.push('values' in data ? { kind: 'sample', sample: data } : { kind: 'whole', data })
  }
  return { name, inputs, outputs }
}

/** Files by their number. */
function numbered(folder: string, pattern: RegExp): readonly (string | undefined)[] {
  const files = new Map<number, string>()
  for (const file of readdirSync(folder)) {
    const number = pattern.exec(file)?.[1]
    if (number !== undefined) files.set(Number(number), file)
  }
  return Array.from({ length: Math.max(-1, ...files.keys()) + 1 }, (_, i) => files.get(i))
}

function readTensorFile(folder: string, file: string): TensorData | TensorProblem {
  const tensor = parseTensor(readFileSync(path.join(folder, file)))
  return 'problem' in tensor ? { ...tensor, problem: `${path.basename(folder)}/${file} ${tensor.problem}` } : tensor.data
}

function readSample(folder: string, file: string): Sample | TensorProblem {
  const refuse = (problem: string): TensorProblem => invalid(`${path.basename(folder)}/${file} ${problem}`)
  try {
    const sample = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Sample
    return sample.values.length === Math.ceil(countOf(sample.dims) / sample.step)
      ? sample
      : refuse('has another number of values than its step says')
  } catch (error) {
    return refuse(`is no sample of a tensor: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function invalid(problem: string): TensorProblem { return { code: 'invalid-tensor', problem } }

function collect(folder: string, found: Map<string, number>): void {
  const entries = readdirSync(folder, { withFileTypes: true })
  if (entries.some(e => e.name === 'model.onnx') && entries.some(e => e.isDirectory() && isDataSet(e.name))) {
    const files = entries.filter(e => e.isFile()).map(e => statSync(path.join(folder, e.name)).size)
    found.set(folder, files.reduce((sum, size) => sum + size, 0))
  }
  for (const entry of entries) {
    if (entry.isDirectory() && !isDataSet(entry.name)) collect(path.join(folder, entry.name), found)
  }
}

function isDataSet(name: string): boolean { return /^test_data_set_\d+$/.test(name) }

/** By folder: its last part, preceded by as many parts as tell it from the others. */
function shortNames(folders: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  let left = folders
  for (let parts = 1; left.length > 0; parts++) {
    const short = (folder: string): string => folder.split(path.sep).slice(-parts).join('/')
    const counts = new Map<string, number>()
    for (const folder of left) counts.set(short(folder), (counts.get(short(folder)) ?? 0) + 1)
    const isAlone = (folder: string): boolean => counts.get(short(folder)) === 1
    for (const folder of left.filter(isAlone)) names.set(folder, short(folder))
    left = left.filter(folder => !isAlone(folder))
  }
  return names
}
