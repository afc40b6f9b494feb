// What instances of the library mean, for tests of the truth and of what is compared with it.
import { openSubject } from '../../../compiler-core/compile/subjects.ts'
import type { Meaning } from '../../../compiler-core/graph/flow.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'

const uri = 'file:///project/main.heddle'
const imports = ['matmul', 'elementwise', 'shape', 'reduce', 'softmax', 'norm'].map(name => `import "std/${name}"\n`).join('')

/** Of the last declaration of a text: `instance i = relu.flat(s: 7)`, or what stands behind `=` alone. */
export function meaningOf(text: string): Meaning {
  const source = `${imports}${/^\s*(instance|graph|operator)\b/.test(text) ? text : `instance it = ${text}`}\n`
  const program = createProgram({ read: asked => asked === uri ? source : undefined, roots: ['file:///project/'] })
  const name = [...source.matchAll(/^(?:instance|graph) (\w+)/gm)].at(-1)?.[1] ?? ''
  const { subject, problems } = openSubject(program, uri, name)
  if (!subject) throw new Error(`${text}: ${problems.map(p => p.diagnostic.message).join(' ')}`)
  return subject.meaning
}

/** The same numbers for the same seed: 0 <= x < 1. */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 2654435761) % 2 ** 32
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return state / 2 ** 32
  }
}
