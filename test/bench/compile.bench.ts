// From a schedule to CUDA: one candidate of the SIMT matmul, and its whole space.
import { printCuda } from '../../compiler-core/codegen/cuda.ts'
import { openSubject } from '../../compiler-core/compile/subjects.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { lower } from '../../compiler-core/lowering/lower.ts'
import { spaceOf } from '../../compiler-core/schedule/space.ts'
import type { Bench } from '../harness/bench.ts'

const uri = 'file:///bench/main.heddle'
const text = 'import "std/matmul"\ninstance square = batch_matmul.simt(batch: 1, m: 1024, n: 1024, k: 1024)'

export default async function (bench: Bench): Promise<void> {
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///bench/'] })
  const { subject } = openSubject(program, uri, 'square')
  if (!subject) throw new Error('the instance can be opened')
  const { schedule, point, architecture } = subject
  const cudaOf = (p: typeof point): string => {
    const stage = subject.program(p)?.stages.at(-1)
    return stage ? printCuda(lower(stage.program, architecture).program, architecture).text : ''
  }
  await bench.time('enumerate the space of level 2 (324 points)', () => spaceOf(schedule, 2))
  const candidates = spaceOf(schedule, 2)?.candidates ?? []
  await bench.time('elaborate one candidate', () => subject.program(point))
  const one = await bench.time('elaborate, lower and print one candidate', () => cudaOf(point))
  const all = await bench.time(`elaborate, lower and print all ${candidates.length}`, () => candidates.map(c => cudaOf(c.point).length))
  bench.ratio('all / one', all, one)
}
