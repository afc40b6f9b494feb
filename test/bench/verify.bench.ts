// From pressing Verify to the answer on the CPU engine: warm, where the engine of that text is compiled, and cold.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createProgram } from '../../compiler-core/language/program.ts'
import { cpuEngine, cpuSupport } from '../../compiler-core/verify/cpu/engine.ts'
import { openJob } from '../../compiler-core/verify/job.ts'
import { verify, type Job, type Tools } from '../../compiler-core/verify/verify.ts'
import type { Bench } from '../harness/bench.ts'

const uri = 'file:///bench/main.heddle'

export default async function (bench: Bench): Promise<void> {
  const support = await cpuSupport()
  if (!support.works) return console.log(`nothing to measure: ${support.message}`)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-bench-'))
  try {
    const small = jobOf('batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)')
    const large = jobOf('batch_matmul.simt(batch: 1, m: 512, n: 512, k: 512)')
    const softmax = jobOf('softmax.warp_per_row(s: 512, n: 1000)')
    await right(small, folder) // compiles the runner
    let cold = 0
    await bench.time('batch_matmul.simt at (37, 45, 11), everything compiled', () => right(small, path.join(folder, `${cold++}`)), { samples: 3 })
    const warm = { samples: 5 }
    await bench.time('batch_matmul.simt at (37, 45, 11)', () => right(small, folder), { ...warm, budget: 500 })
    await bench.time('batch_matmul.simt at (512, 512, 512)', () => right(large, folder), { ...warm, budget: 3000 })
    await bench.time('softmax.warp_per_row, 512 rows of 1000', () => right(softmax, folder), warm)
    await bench.time('batch_matmul.simt at (512, 512, 512), counting', () => right({ ...large, counts: true }, folder), warm)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function jobOf(declaration: string): Job {
  const text = `import "std/matmul"\nimport "std/softmax"\ninstance it = ${declaration}`
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///bench/'] })
  const { job } = openJob(program, uri, 'it', { engines: ['cpu'], exhaustive: true, counts: false })
  if (!job) throw new Error('it compiles')
  return job
}

async function right(job: Job, cacheFolder: string): Promise<void> {
  const none = () => Promise.resolve({ kind: 'unavailable', message: '' } as const)
  const tools: Tools = {
    engines: { interpreter: none, cpu: cpuEngine({ cacheFolder }) },
    assemble: () => Promise.resolve({ kind: 'absent', message: '' })
  }
  const { verdict, engines } = await verify(job, tools)
  if (verdict !== 'right') throw new Error(`${verdict}: ${engines[0]?.reason ?? engines[0]?.findings[0]?.message}`)
}
