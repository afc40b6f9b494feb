/**
 * What is mutated: the library's schedules, at sizes with remainders and without.
 *
 * A schedule whose extents are known only at launch is one text for all sizes; where a choice depends on a size (four
 * elements at once, or one), there is a subject for each.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { compile } from '../../compiler-core/compile/compile.ts'
import type { Origin, Origins } from '../../compiler-core/ir/origin.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { openJob } from '../../compiler-core/verify/job.ts'
import type { Job } from '../../compiler-core/verify/verify.ts'
import { slipsOf, mutantsOf, type Mutant } from './mutators.ts'

export interface SubjectText {
  /** As mutants are called by: `simt`. */
  readonly name: string
  /** An instance, `relu.flat(s: (7, 13))`. */
  readonly instance: string
  /** Imports (of docs/examples) and declarations that it needs besides the library's. */
  readonly before?: string
  readonly candidate?: { readonly level: number; readonly index: number }
  /** Of the extents that are known only at launch. */
  readonly sizes?: Job['sizes']
  /** So many mutants, by a seed; all of them where it is absent. */
  readonly sample?: number
}

export interface OpenedSubject {
  readonly name: string
  /** The program as it is. */
  readonly job: Job
  readonly mutants: readonly NamedMutant[]
}

/** `name`: unique and stable, `simt: drop barrier, matmul.heddle:129`. */
export type NamedMutant = Mutant & { readonly name: string }

/** Throws where the text is wrong: it is this project's. */
export function openMutated({ name, instance, before = '', candidate, sizes, sample }: SubjectText): OpenedSubject {
  const text = `${imports}${before}\ninstance it = ${instance}\n`
  const program = createProgram({ read: asked => asked === uri ? text : exampleText(asked), roots: ['file:///'] })
  const options = { candidate, engines: ['interpreter', 'cpu'], exhaustive: true, counts: false } as const
  const { job, problems } = openJob(program, uri, 'it', options)
  if (!job) throw new Error(`${name}: ${problems.map(p => p.diagnostic.message).join(' ')}`)
  const { stages } = compile(program, uri, 'it', { candidate })
  // an anchor's guards are explicit before anything is fused
  const source = stages.some(s => s.name === 'fused') ? undefined : stages.find(s => s.name === 'elaborated')
  const mutants = named(name, job, [...mutantsOf(job.subject.elaborated), ...source ? slipsOf(source.program) : []])
  return {
    name, job: { ...job, sizes: sizes ?? job.sizes },
    mutants: sample === undefined ? mutants : sampleOf(mutants, sample)
  }
}

function named(subject: string, job: Job, mutants: readonly Mutant[]): readonly NamedMutant[] {
  const seen = new Map<string, number>()
  return mutants.map(m => {
    const name = `${subject}: ${m.what}, ${placeText(m.origins, job)}`, times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return { ...m, name: times === 1 ? name : `${name} (${times})` }
  })
}

/** So many of them, by a seed, in their order. */
function sampleOf<T>(all: readonly T[], count: number): readonly T[] {
  let state = 1
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
  const keyed = all.map(item => ({ item, key: random() })).sort((a, b) => a.key - b.key)
  const chosen = new Set(keyed.slice(0, count).map(k => k.item))
  return all.filter(item => chosen.has(item))
}

/** `matmul.heddle:57`, with the calls through which the place was inlined: `matmul.heddle:91 through :107`. */
export function placeText(origins: Origins, { sources }: Job): string {
  const [origin] = origins
  const chain: Origin[] = []
  for (let at: Origin | undefined = origin; at; at = at.through) chain.push(at)
  const lines = chain.map(({ range }) => {
    const line = (sources.get(range.uri) ?? '').slice(0, range.span.start).split('\n').length
    return { file: range.uri.slice(range.uri.lastIndexOf('/') + 1), line }
  })
  return lines.map(({ file, line }, i) => {
    const before = lines[i - 1]
    if (before?.file === file && before.line === line) return ''
    return `${i === 0 ? '' : ' through '}${before?.file === file ? '' : file}:${line}`
  }).join('')
}

const uri = 'file:///mutated.heddle'
const examples = path.join(import.meta.dirname, '../../docs/examples')

/** The examples lie beside what is mutated. */
function exampleText(address: string): string | undefined {
  const file = path.join(examples, address.slice(address.lastIndexOf('/') + 1))
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

const imports = ['matmul', 'elementwise', 'shape', 'reduce', 'softmax', 'norm'].map(file => `import "std/${file}"\n`).join('')
