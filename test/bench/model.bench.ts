// From a model's file to the CUDA text of all of its kernels, as a user waits for it: the process's start included.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { dist, root } from '../../scripts/paths.ts'
import type { Bench } from '../harness/bench.ts'

const models = path.join(root, '../shared/data/onnx/models')
/** MB beyond the model's file. */
const memory = 700
const samples = 5

export default function (bench: Bench): void {
  compileModel(bench, 'torchvision_resnet50', 'ResNet-50', 2000)
  compileModel(bench, 'bert_base_hfstyle_op13', 'BERT-base', 3000)
}

function compileModel(bench: Bench, folder: string, name: string, budget: number): void {
  const work = mkdtempSync(path.join(os.tmpdir(), 'heddle-bench-'))
  try {
    const file = modelWithoutWeights(path.join(models, folder), work)
    const cold = Array.from({ length: samples }, () => {
      rmSync(path.join(work, 'cache'), { recursive: true, force: true })
      return run(file, work)
    })
    bench.add(`compile ${name}`, 'ms', cold.map(r => r.milliseconds), { budget })
    bench.add(`compile ${name}: processor`, 'ms', cold.map(r => r.processor))
    bench.add(`compile ${name}: memory`, 'MB', cold.map(r => r.megabytes), { budget: statSync(file).size / 1e6 + memory })
    const kept = Array.from({ length: samples }, () => run(file, work))
    bench.add(`compile ${name} again`, 'ms', kept.map(r => r.milliseconds), { budget: 300 })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The weights' file has its size and no bytes on disk: compiling does not read it. */
function modelWithoutWeights(folder: string, work: string): string {
  const file = path.join(work, 'model.onnx'), weights = path.join(work, 'model.weights.bin')
  cpSync(path.join(folder, 'model.onnx'), file)
  const { bytes } = JSON.parse(readFileSync(path.join(folder, 'model.weights.json'), 'utf8')) as { readonly bytes: number }
  writeFileSync(weights, '')
  truncateSync(weights, bytes)
  return file
}

interface Run {
  readonly milliseconds: number
  /** Milliseconds of all cores together. */
  readonly processor: number
  /** Resident at most. */
  readonly megabytes: number
}

function run(file: string, work: string): Run {
  const usage = path.join(work, 'usage.json')
  const atExit = `import fs from 'node:fs'; process.on('exit', () => fs.writeFileSync(${JSON.stringify(usage)}, JSON.stringify(process.resourceUsage())))`
  const start = performance.now()
  const done = spawnSync(process.execPath, [
    '--import', `data:text/javascript,${encodeURIComponent(atExit)}`,
    path.join(dist, 'cli.js'), 'compile', file, '--out', path.join(work, 'out')
  ], { encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: path.join(work, 'cache') } })
  const milliseconds = performance.now() - start
  if (done.status !== 0) throw new Error(done.stderr)
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(readFileSync(usage, 'utf8')) as NodeJS.ResourceUsage
  return { milliseconds, processor: (userCPUTime + systemCPUTime) / 1000, megabytes: maxRSS * 1024 / 1e6 }
}
