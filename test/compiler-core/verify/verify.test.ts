/**
 * Verification as a whole, on both engines: the mistakes that docs/diagnostics.md shows are found by each, and what the
 * library has is right.
 */
import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../compiler-core/library/library.ts'
import type { EngineName } from '../../../compiler-core/verify/engine.ts'
import { openJob } from '../../../compiler-core/verify/job.ts'
import { findingsOf, type Job } from '../../../compiler-core/verify/verify.ts'
import { createVerifiers } from '../../../compiler-core/verify/workers.ts'
import { needs } from '../../harness/needs.ts'

const compiler = needs('g++')
const verifiers = createVerifiers(1, { cacheFolder: path.join(os.tmpdir(), `heddle-verify-test-${process.getuid?.() ?? 0}`) })
afterAll(() => verifiers.close())

const uri = 'file:///project/main.heddle'
function jobOf(text: string, engines: readonly EngineName[], candidate?: { level: number; index: number }): Job {
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///project/'] })
  const name = /(?:instance|graph) (\w+)(?![\s\S]*(?:instance|graph) \w+)/.exec(text)?.[1] ?? ''
  const { job, problems } = openJob(program, uri, name, { engines, candidate, exhaustive: false, counts: false })
  if (!job) throw new Error(problems.map(p => p.diagnostic.message).join('\n'))
  return job
}

// ---------------------------------------------------------------- mistakes

const documentation = readFileSync(path.join(import.meta.dirname, '../../../docs/diagnostics.md'), 'utf8')
const exampleOf = (code: string): string =>
  /```heddle\n([\s\S]*?)```/.exec(documentation.split(`## \`${code}\`\n`)[1] ?? '')?.[1] ?? ''

const mistakes = [
  'wrong-value', 'never-written', 'race', 'double-write', 'not-arrived', 'uninitialised', 'divergent-shuffle',
  'assertion-failed', 'endless',
]

describe.each(['interpreter', 'cpu'] as const)('the %s engine finds', engine => {
  const missing = engine === 'cpu' && compiler.missing
  it.skipIf(missing).each(mistakes)(`%s${engine === 'cpu' ? ` (${compiler.label})` : ''}`, async code => {
    const text = exampleOf(code), verification = await verifiers.verify(jobOf(text, [engine]))
    // whether a loop never ends or is slow, only the engine that counts steps can say
    expect(verification.verdict).toBe(engine === 'cpu' && code === 'endless' ? 'undecided' : 'wrong')
    const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length
    const found = findingsOf(verification).map(f => {
      const at = f.origins.find(o => o.range.uri === uri)
      return [f.code, at && text.split('\n')[lineOf(at.range.span.start) - 1]?.includes(`// error: ${code}`)]
    })
    expect(found).toEqual([[code, code === 'never-written' ? undefined : true]])
  })
})

// ---------------------------------------------------------------- the library

function right(declaration: string, candidate?: { level: number; index: number }): void {
  it(`${declaration}${candidate ? ` candidate ${candidate.index}` : ''}`, async () => {
    const text = `${libraryImports.map(i => `import "${i}"`).join('\n')}\n${declaration}`
    const engines = compiler.missing ? ['interpreter'] as const : ['interpreter', 'cpu'] as const
    const verification = await verifiers.verify(jobOf(text, engines, candidate))
    expect(findingsOf(verification).map(f => f.message)).toEqual([])
    expect(verification.engines.map(e => [e.engine, e.verdict, e.reason])).toEqual(engines.map(e => [e, 'right', undefined]))
    for (const { runs } of verification.engines) {
      expect(runs.map(r => `${r.data} ${r.order}`).slice(0, 3)).toEqual(['integers forward', 'reals reverse', 'wide random'])
      expect(runs.every(r => r.compared > 0 && r.worst <= 1 && r.blocks.run === r.blocks.total)).toBe(true)
    }
  })
}

describe('a sample of what `npm run prove` proves', () => {
  right('instance i = batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)')
  right('instance i = batch_matmul.simt(batch: 2, m: 33, n: 130, k: 9)', { level: 2, index: 88 })
  right('instance i = softmax.warp_per_row(s: 3, n: 33)')
  right('instance i = softmax.online(s: 2, n: 1000)')
  right('instance i = layer_norm.block_per_row(s: 3, n: 100)')
  right('instance i = reduce.warp_per_result(s: (3, 31), axes: 1, op: max)')
  right('instance i = reduce.thread_per_result(s: (31, 5), axes: 0, op: sum)')
  right('instance i = arg_max.warp_per_result(s: (3, 70), axis: 1)')
  right('instance i = gelu.flat(s: (3, 5, 7, 11))')
  right('instance i = cast.flat(s: 1001, U: f16)')
  right('instance i = transpose.flat(s: (4, 6, 5), perm: (2, 0, 1))')
  right(`graph i(a: f16[1, 40, 12], b: f32[1, 12, 36], bias: f32[36]) {
  return relu(batch_matmul(cast(a, U: f32), b) + bias)
}`)
})

const dynamic = `import "std/prelude"
operator total(x: f32[m, n]) -> y: f32[m] { y[i] = sum[j < n] x[i, j] }
schedule halves for total {
  let parts = ceil_div(n, 2)                             // used by two kernels and a shape
  workspace partial: f32[m, parts]
  kernel first(grid: (parts, m), block: 1) {
    var t: f32 = 0
    for j in 0..2 { t += x[blockIdx.y, blockIdx.x * 2 + j] ?? 0 }
    partial[blockIdx.y, blockIdx.x] = t
  }
  kernel second(grid: m, block: 1) {
    var t: f32 = 0
    for j in 0..parts { t += partial[blockIdx.x, j] }
    y[blockIdx.x] = t
  }
}
instance wide = total.halves(n: 20000)
`

describe('where extents are known only at launch', () => {
  const program = createProgram({ read: u => u === uri ? dynamic : undefined, roots: ['file:///project/'] })
  const sizes = async (name: string) => {
    const { job } = openJob(program, uri, name, { engines: ['interpreter'], exhaustive: true, counts: false })
    if (!job) throw new Error('it compiles')
    const { verdict, engines } = await verifiers.verify(job)
    return [verdict, engines[0]?.runs.filter(r => r.order === 'forward').map(r => r.sizes)]
  }
  it('four launches are tried', async () => {
    expect(await sizes('total.halves')).toEqual(['right', [{ m: 149, n: 173 }, { m: 32, n: 128 }, { m: 3, n: 5 }, { m: 1, n: 1 }]])
  })
  it('they are small beside an extent that is bound', async () => {
    expect(await sizes('wide')).toEqual(['right', [{ m: 3 }, { m: 1 }]])
  })
})
