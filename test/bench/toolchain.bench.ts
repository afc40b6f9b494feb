// The toolkit's ways from CUDA text to machine code, over the space of the SIMT matmul; needs nvcc.
import os from 'node:os'
import { compile } from '../../compiler-core/compile/compile.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { compileCuda } from '../../compiler-core/toolchain/compile-cuda.ts'
import { findToolkit, type Toolkit } from '../../compiler-core/toolchain/toolkit.ts'
import type { Bench } from '../harness/bench.ts'

const source = 'import "std/matmul"\ninstance square = batch_matmul.simt(batch: 1, m: 1024, n: 1024, k: 1024)\n'

export default async function (bench: Bench): Promise<void> {
  const search = await findToolkit()
  if (search.kind === 'missing') {
    console.log(`  ${search.message}`)
    return
  }
  const program = createProgram({ read: uri => uri === 'file:///a.heddle' ? source : undefined, roots: ['file:///'] })
  const texts = Array.from({ length: 59 }, (_, i) => {
    const { cuda } = compile(program, 'file:///a.heddle', 'square', { candidate: { level: 2, index: 3 * i } })
    if (!cuda) throw new Error(`candidate ${3 * i} has no text`)
    return cuda.text
  })
  /** No release of this name has been compared, so nvcc is asked. */
  const slow: Toolkit = { ...search.toolkit, release: 'any other' }
  const workers = os.availableParallelism()
  for (const [name, toolkit] of [['cicc + ptxas', search.toolkit], ['nvcc + ptxas', slow]] as const) {
    const start = performance.now()
    const times = await inTurns(texts, workers, async text => {
      const before = performance.now()
      const made = await compileCuda(toolkit, text, { name: 'square', architecture: 'sm_80' })
      if (made.kind !== 'compiled') throw new Error(made.message)
      return performance.now() - before
    })
    const seconds = (performance.now() - start) / 1000
    bench.add(`${name}: a candidate, ${workers} at once`, 'ms', times)
    bench.add(`${name}: candidates`, '/s', [texts.length / seconds])
  }
}

/** Works on all items, so many at once. */
async function inTurns<T>(items: readonly T[], workers: number, work: (item: T) => Promise<number>): Promise<number[]> {
  const left = [...items], results: number[] = []
  await Promise.all(Array.from({ length: workers }, async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) results.push(await work(item))
  }))
  return results
}
