// Broken programs that compile all the same, on both engines: nothing is thrown, and they agree on what is right.
// The interpreter sees more (registers that nobody wrote), so what the CPU engine calls wrong it must call wrong too.
import os from 'node:os'
import path from 'node:path'
import { subjectsOf } from '../../compiler-core/compile/compile.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { openJob } from '../../compiler-core/verify/job.ts'
import { cpuEngine } from '../../compiler-core/verify/cpu/engine.ts'
import { engineNames } from '../../compiler-core/verify/engine.ts'
import { interpreter } from '../../compiler-core/verify/interpreter/interpreter.ts'
import { verify, type Tools } from '../../compiler-core/verify/verify.ts'
import { brokenLibrary } from './broken-library.ts'

const uri = 'file:///w/main.heddle'
const tools: Tools = {
  engines: { interpreter, cpu: cpuEngine({ cacheFolder: path.join(os.tmpdir(), `heddle-verify-fuzz-${os.userInfo().uid}`) }) },
  assemble: () => Promise.resolve({ kind: 'absent', message: 'not asked' })
}

export async function attempt(seed: number): Promise<void> {
  const text = brokenLibrary(seed)
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///w/'] })
  const analysis = program.analyse(uri)
  for (const { name } of analysis ? subjectsOf(analysis) : []) {
    const { job } = openJob(program, uri, name, { engines: engineNames, exhaustive: false, counts: false })
    if (!job || job.sizes.length > 1) continue
    const [first, second] = (await verify(job, tools)).engines
    if (!first || !second) throw new Error('both engines report')
    const found = (codes: typeof first.findings): string => codes.map(f => `${f.code}: ${f.message}`).join('; ')
    const sees = first.findings.every(f => f.code === 'uninitialised')
    if (first.verdict === 'right' && second.verdict === 'wrong') {
      throw new Error(`${name}: only the CPU engine finds ${found(second.findings)}`)
    }
    if (first.verdict === 'wrong' && second.verdict === 'right' && !sees) {
      throw new Error(`${name}: only the interpreter finds ${found(first.findings)}`)
    }
  }
}
