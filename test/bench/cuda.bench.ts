// CUDA beside its source, in a real extension host: from the caret's move to the last highlight call, and from a
// keystroke to the editor with the new CUDA.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { installCodeServer } from '../../scripts/code-server.ts'
import { root } from '../../scripts/paths.ts'
import type { Bench } from '../harness/bench.ts'
import { bundleForHost, runInServer } from '../harness/integration.ts'

interface Measured {
  readonly lines: number
  readonly usualLines: number
  readonly inSource: readonly number[]
  readonly inCuda: readonly number[]
  readonly largeKeys: readonly number[]
  readonly usualKeys: readonly number[]
}

export default async function (bench: Bench): Promise<void> {
  await installCodeServer(console.log)
  const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-bench-'))
  writeFileSync(path.join(dir, 'large.heddle'), large)
  writeFileSync(path.join(dir, 'usual.heddle'), usual)
  const { folder, entry } = await bundleForHost(['test/bench/cuda-host.ts'])
  try {
    const result = path.join(dir, 'measured')
    const code = await runInServer({
      extension: root, entry, folder: dir, limitSeconds: 180, hostLog: path.join(dir, 'host.log')
    }, { env: { HEDDLE_BENCH_RESULT: result } })
    if (code !== 0) throw new Error(`the extension host ended with ${code}\n${readFileSync(path.join(dir, 'host.log'), 'utf8')}`)
    const measured = JSON.parse(readFileSync(result, 'utf8')) as Measured
    if (measured.lines < 5000) throw new Error(`the large program has ${measured.lines} lines only`)
    const lines = (n: number): string => `${n.toLocaleString('en')} lines`
    bench.add(`caret in the source to the last highlight, ${lines(measured.lines)}`, 'ms', measured.inSource, { budget: 16 })
    bench.add(`caret in the CUDA to the last highlight, ${lines(measured.lines)}`, 'ms', measured.inCuda, { budget: 16 })
    bench.add(`keystroke to the CUDA, ${lines(measured.usualLines)}`, 'ms', measured.usualKeys, { budget: 150 })
    bench.add(`keystroke to the CUDA, ${lines(measured.lines)}`, 'ms', measured.largeKeys)
  } finally {
    for (const leftover of [dir, folder]) rmSync(leftover, { recursive: true, force: true })
  }
}

const usual = `import "std/matmul"
instance usual = batch_matmul.simt(
  batch: 1, m: 1024, n: 1024,
  k: 1021 // digit
)
`

/** Many kernels, each with a tile whose loops are unrolled. */
const large = `operator matmul(a: f32[m, k], b: f32[k, n]) -> c: f32[m, n] {
  c[i, j] = sum[p < k] a[i, p] * b[p, j]
}
let tile = spatial(8, 8) * repeat(8, 8)
let load_a = auto_map(64, 8, workers: 64)
let load_b = auto_map(8, 64, workers: 64)
schedule many for matmul {
${Array.from({ length: 100 }, (_, i) => kernel(i)).join('')}}
instance large = matmul.many(m: 1024, n: 1024, k: 512)
`

function kernel(i: number): string {
  return `  kernel part_${i}(grid: (16, 16), block: 64) {
    shared sa: f32[64, 8]
    shared sb: f32[8, 64]
    register acc: f32[64, 64] in tile.layout = ${i}${i === 50 ? ' // digit' : ''}
    for t in 0..64 {
      for (i, p) in load_a.on(threadIdx.x) { sa[i, p] = a[blockIdx.y * 64 + i, t * 8 + p] }
      for (p, j) in load_b.on(threadIdx.x) { sb[p, j] = b[t * 8 + p, blockIdx.x * 64 + j] }
      syncthreads()
      for p in 0..8 { for (i, j) in tile.on(threadIdx.x) { acc[i, j] += sa[i, p] * sb[p, j] } }
      syncthreads()
    }
    for (i, j) in tile.on(threadIdx.x) { c[blockIdx.y * 64 + i, blockIdx.x * 64 + j] = acc[i, j] }
  }
`
}
