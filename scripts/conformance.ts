// Runs the conformance cases and whole models of ../shared, as `heddle conformance` does:
//
//   npm run conformance                      all, some minutes
//   npm run conformance -- node generated    these folders of ../shared/data/onnx
//   npm run conformance -- models            whole models; their weights (2.3 GB) go to a temporary folder
//   npm run conformance -- models/torchvision_resnet18 --engine reference
//
// What does not pass is listed with its reason. The exit status is 1 if something failed.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { cacheFolder } from '../compiler-core/cli/cache-folder.ts'
import { conformanceReport } from '../compiler-core/cli/conformance.ts'
import { root } from './paths.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { engine: { type: 'string', default: 'cpu' }, json: { type: 'boolean', default: false }, jobs: { type: 'string' } }
})
const data = path.join(root, '../shared/data/onnx')
if (!existsSync(data)) {
  console.error(`There is no ${data}.`)
  process.exit(2)
}
const chosen = positionals.length > 0 ? positionals : ['node', 'generated', 'pytorch-converted', 'pytorch-operator', 'models']
const filled = mkdtempSync(path.join(os.tmpdir(), 'heddle-models-'))
const controller = new AbortController()
process.once('SIGINT', () => { controller.abort() })
try {
  const report = await conformanceReport(chosen.map(withWeights), {
    engine: values.engine === 'reference' ? 'reference' : 'cpu', target: 'sm_80', limitSeconds: 1200,
    jobs: values.jobs === undefined ? os.availableParallelism() : Number(values.jobs),
    cacheFolder: cacheFolder(), signal: controller.signal,
    ...process.stderr.isTTY ? { progress: text => { process.stderr.write(`\r\x1b[K${text}`) } } : {}
  })
  process.stdout.write(values.json ? `${JSON.stringify(report.json)}\n` : report.text)
  process.stderr.write(report.errors)
  process.exitCode = report.status
} finally {
  rmSync(filled, { recursive: true })
}

/** The folder itself, or for models a copy with weights. */
function withWeights(folder: string): string {
  if (!/^models\b/.test(folder)) return path.join(data, folder)
  const copy = path.join(filled, folder)
  cpSync(path.join(data, folder), copy, { recursive: true, filter: file => !file.endsWith('.weights.bin') })
  for (const entry of [copy, ...readdirSync(copy, { recursive: true, encoding: 'utf8' }).map(name => path.join(copy, name))]) {
    chmodSync(entry, 0o755) // it may be a copy of what nobody may write to
  }
  execFileSync(process.execPath, [path.join(data, 'fill-weights.mjs'), copy], { stdio: 'ignore' })
  return copy
}
