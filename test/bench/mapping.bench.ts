// What a picture or a hover asks of a mapping, for a matmul tile, for 2^20 cells, and for 10^10 tasks.
import { numbers } from '../../compiler-core/mapping/arithmetic.ts'
import { coverage } from '../../compiler-core/mapping/coverage.ts'
import {
  closedForm, compose, ownersOf, repeat, spatial, taskAt, tasksOf, type Mapping
} from '../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../compiler-core/mapping/result.ts'
import { sampleTile } from '../../compiler-core/mapping/sample.ts'
import type { Bench } from '../harness/bench.ts'

export default async function (bench: Bench): Promise<void> {
  const tile = () => product(spatial([4, 2]), repeat([2, 2]), spatial([4, 8]), repeat([4, 4]))
  const wide = product(spatial([32, 32]), repeat([32, 32]))
  const huge = () => product(spatial([1000, 10]), repeat([10, 100]), spatial([10, 10]), repeat([1, 10]))
  const describe = (m: Mapping) => [m.workers, m.shape, coverage(m), closedForm(m)]
  const few = await bench.time('describe 128 x 128 tasks', () => describe(tile()))
  const many = await bench.time('describe 10^10 tasks', () => describe(huge()))
  bench.ratio('10^10 / 128 x 128 tasks', many, few)
  const asked = huge()
  const steps = Array.from({ length: 1000 }, (_, i) => i)
  await bench.time('1,000 tasks of 10^10, and their owners', () =>
    steps.map(i => ownersOf(asked, taskAt(asked, i * 997, i * 7, numbers)).count))
  await bench.time('list 2^20 tasks', () => {
    for (let w = 0; w < wide.workers; w++) for (const task of tasksOf(wide, w)) void task
  })
  const rows = { rowAxis: 0, rowFrom: 0, rowStep: 1, rowCount: 1024 }
  const columns = { columnAxis: 1, columnFrom: 0, columnStep: 1, columnCount: 1024 }
  await bench.time('sample 1,024 x 1,024 cells', () => sampleTile(wide, { ...rows, ...columns, fixed: [0, 0] }))
}

function product(...factors: readonly Result<Mapping>[]): Mapping {
  const [first, ...rest] = factors.map(value)
  if (first === undefined) throw new Error('a product has at least one factor')
  return value(compose(first, ...rest))
}

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}
