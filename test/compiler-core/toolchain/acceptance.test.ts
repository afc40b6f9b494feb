// What the compiler makes of the library, as the CUDA toolkit sees it: no warning, and at the defaults no register that
// does not fit.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compile, subjectsOf } from '../../../compiler-core/compile/compile.ts'
import { openSubject } from '../../../compiler-core/compile/subjects.ts'
import { createProgram, type Program } from '../../../compiler-core/language/program.ts'
import { libraryImports, libraryUri } from '../../../compiler-core/library/library.ts'
import { spaceOf } from '../../../compiler-core/schedule/space.ts'
import { compileCuda, compileToPtx } from '../../../compiler-core/toolchain/compile-cuda.ts'
import { findToolkit } from '../../../compiler-core/toolchain/toolkit.ts'
import { root } from '../../../scripts/paths.ts'
import { needs } from '../../harness/needs.ts'
import { createRandom } from '../language/syntax/random.ts'

const cuda = needs('nvcc')
const targets = ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_120']
const libraryUris = libraryImports.map(i => libraryUri(i.replace('std/', '')))

/** Each schedule of the library by its defaults, for elements and shapes of several kinds. */
const instances = `
batch_matmul.simt(batch: 1, m: 1024, n: 1024, k: 1024)
batch_matmul.simt(batch: 2, m: 2039, n: 2039, k: 2039)
batch_matmul.simt()
batch_matmul.simt(T: f16, batch: 1, m: 512, n: 512, k: 512)
batch_matmul.simt(T: bf16, m: 128, n: 768, k: 768)
relu.flat(s: (8, 1024))
relu.flat(T: f16, s: (8, 1024))
gelu.flat(s: (7, 13))
add.flat(s: (4, 8, 64), t: (8, 1))
cast.flat(T: f32, U: bf16, s: (4096,))
select.flat(r: (4, 4), s: (4, 4), t: (1,))
transpose.flat(s: (2, 3, 4, 5), perm: (0, 3, 1, 2))
gather.flat(s: (40, 6), t: (8,), axis: 0)
reduce.warp_per_result(s: (128, 768), axes: (1,), op: sum)
reduce.warp_per_result(T: f16, s: (2, 256), axes: (1,), op: avg)
arg_max.warp_per_result(s: (3, 100), axis: 1)
reduce.thread_per_result(s: (4, 10, 512), axes: (1,), op: max)
softmax.warp_per_row(s: (128,), n: 1000)
softmax.online()
log_softmax.warp_per_row(s: (128,), n: 1000)
log_softmax.online()
layer_norm.warp_per_row(s: (128,), n: 768)
layer_norm.block_per_row(s: (128,), n: 768)
standardise.warp_per_row(s: (128,), n: 768)
standardise.block_per_row(s: (128,), n: 4096)
rms_norm.warp_per_row(s: (128,), n: 768)
rms_norm.block_per_row(s: (128,), n: 4096)
reduce.columns_of_threads(s: (512, 96), axes: (0,), op: sum)
reduce.block_per_result(s: (16, 10007), axes: (1,), op: sum)
batch_matmul.row_per_warp(batch: 2, m: 1000, n: 1, k: 512)
batch_matmul.column_per_threads(batch: 1, m: 1, n: 1000, k: 2048)
transpose.through_shared(s: (2, 64, 300), perm: (0, 2, 1))
depthwise_conv.staged(n: 1, c: 96, h: 28, w: 28, size: (3, 3), strides: (1, 1), dilations: (1, 1), before: (1, 1), after: (1, 1))
`.trim().split('\n')

const source = `${libraryImports.map(i => `import "${i}"\n`).join('')}
${instances.map((text, i) => `instance i${i} = ${text}\n`).join('')}`
const uri = 'file:///project/main.heddle'

const programs = new Map(targets.map(target => [target, openProgram(target, source)]))
const programFor = (target: string): Program => programs.get(target)!

function openProgram(target: string, text: string): Program {
  return createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project/'], target })
}

function cudaOf(program: Program, name: string, candidate?: { level: number; index: number }): string {
  const { cuda: made, problems } = compile(program, uri, name, { candidate })
  expect(problems.filter(p => p.diagnostic.severity !== 'information').map(p => p.diagnostic.message)).toEqual([])
  if (!made) throw new Error(`${name} has no text`)
  return made.text
}

describe('the list of defaults', () => {
  it('has every schedule of the library', () => {
    const program = programFor('sm_80')
    const declared = libraryUris.flatMap(u => program.analyse(u)?.resolved.schedules ?? [])
      .filter(s => s.definition.node.kind === 'Schedule')
      .map(s => (s.operator ? `${s.operator.name}.${s.definition.name}` : s.definition.name))
    const used = instances.flatMap(text => /^\w+\.(\w+)/.exec(text) ?? [])
    expect(declared.filter(name => !used.includes(name))).toEqual([])
  })
})

describe.skipIf(cuda.missing)(`what the toolkit says (${cuda.label})`, async () => {
  const search = cuda.missing ? undefined : await findToolkit()
  const toolkit = search?.kind === 'found' ? search.toolkit : undefined as never

  /** Compiled without a warning; what is spilled, or on the stack. */
  async function spilled(text: string, architecture: string): Promise<number> {
    const made = await compileCuda(toolkit, text, { name: 'it', architecture })
    if (made.kind !== 'compiled') throw new Error(`${architecture}: ${made.message}`)
    expect([architecture, made.warnings]).toEqual([architecture, []])
    return made.kernels.reduce((sum, k) => sum + k.stack_bytes + k.spill_store_bytes + k.spill_load_bytes, 0)
  }

  it.each(instances.map((text, i) => [text, `i${i}`] as const))('%s', async (_, name) => {
    const bytes = await Promise.all(targets.map(target => spilled(cudaOf(programFor(target), name), target)))
    expect(bytes).toEqual(targets.map(() => 0))
    const text = cudaOf(programFor('sm_80'), name), options = { name: 'it', architecture: 'sm_80' }
    expect(await compileToPtx('cicc', toolkit, text, options)).toEqual(await compileToPtx('nvcc', toolkit, text, options))
  })

  const examples = path.join(root, 'docs/examples')
  it.each(readdirSync(examples).sort())('%s', async file => {
    const text = readFileSync(path.join(examples, file), 'utf8')
    const analysis = openProgram('sm_80', text).analyse(uri)
    for (const { name } of analysis ? subjectsOf(analysis) : []) {
      await Promise.all(targets.map(target => spilled(cudaOf(openProgram(target, text), name), target)))
    }
  })

  /** Of the matmul's candidates at level 2, ten a test. */
  const samples = Array.from({ length: 10 }, (_, i) => i)
  it.each(samples)('a sample of the candidates of batch_matmul.simt, part %i', async part => {
    const random = createRandom(part + 1), { subject } = openSubject(programFor('sm_80'), uri, 'i0')
    const legal = (subject && spaceOf(subject.schedule, 2)?.candidates.length) ?? 0
    await Promise.all(Array.from({ length: 10 }, () => {
      const target = random.pick(targets), candidate = { level: 2, index: random.below(legal) }
      return spilled(cudaOf(programFor(target), `i${random.below(3)}`, candidate), target)
    }))
  })
})
