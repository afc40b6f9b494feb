// The truth: the SIMT matmul's definition with its bound, all elements and a sample; a softmax.
import { openSubject } from '../../compiler-core/compile/subjects.ts'
import { evaluateMeaning } from '../../compiler-core/graph/evaluate.ts'
import type { Meaning } from '../../compiler-core/graph/flow.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { inputsFor, type InputKind } from '../../compiler-core/verify/inputs.ts'
import type { Bench } from '../harness/bench.ts'

const uri = 'file:///bench/main.heddle'

function meaningOf(instance: string): Meaning {
  const text = `import "std/matmul"\nimport "std/softmax"\ninstance it = ${instance}\n`
  const { subject } = openSubject(createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///bench/'] }), uri, 'it')
  if (!subject) throw new Error(`${instance} has no meaning`)
  return subject.meaning
}

/** All elements, or every so many. */
function evaluation(instance: string, kind: InputKind, step = 1): () => number {
  const meaning = meaningOf(instance), inputs = inputsFor(meaning, new Map(), kind, 1)
  return () => {
    const [truth] = evaluateMeaning(meaning, inputs, new Map()), size = truth!.shape.reduce((n, d) => n * d, 1)
    let total = 0
    for (let element = 0; element < size; element += step) total += truth!.at(element).bound
    return total
  }
}

export default async function (bench: Bench): Promise<void> {
  const square = 'batch_matmul.simt(batch: 1, m: 512, n: 512, k: 512)'
  await bench.time('matmul 512 x 512 x 512, reals', evaluation(square, 'reals'), { budget: 1000 })
  await bench.time('matmul 512 x 512 x 512, integers', evaluation(square, 'integers'), { budget: 1000 })
  await bench.time('matmul 512 x 512 x 512, 1,000 elements', evaluation(square, 'reals', 263), { budget: 50 })
  await bench.time('softmax 512 x 1,000', evaluation('softmax.online(s: 512, n: 1000)', 'wide'))
  await bench.time('inputs of matmul 512 x 512 x 512', () => inputsFor(meaningOf(square), new Map(), 'reals', 1))
}
