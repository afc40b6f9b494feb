/**
 * Which mutants the engines kill.
 *
 *     mutant --verify--> each engine      killed by what is reported first: `race`, `wrong-value`
 *                                         alive, undecided
 *            --doubt-->                   of one that nobody killed: is it another program at all?
 *
 * The judge is the product's own `verify`, so that a kill is what a person would be shown.
 */
import type { Engine, EngineName, Subject } from '../../compiler-core/verify/engine.ts'
import { verify, type Job } from '../../compiler-core/verify/verify.ts'
import type { Candidate, Settled } from './candidates.ts'
import { doubter, type Sameness } from './doubt.ts'
import type { MutantKind } from './mutators.ts'
import { proofOf } from './proofs.ts'
import type { OpenedSubject } from './subjects.ts'

export interface Judged {
  readonly subject: string
  readonly kind: MutantKind
  readonly name: string
  readonly fate: Fate
}

export type Fate = Settled | {
  readonly kind: 'run'
  readonly engines: Readonly<Partial<Record<EngineName, Life>>>
  /** Undefined where an engine killed it. */
  readonly sameness: Sameness | undefined
}

export type Life =
  /** By the code of the first finding: `race`, `wrong-value`. */
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'alive' }
  /** The engine came to no end, for a reason of its own. */
  | { readonly kind: 'undecided'; readonly reason: string }

/** `survivor`: it is another program, and nobody says so. */
export type Verdict = Settled['kind'] | 'same outputs' | 'rounded' | 'killed' | 'survivor'

export function verdictOf({ name, fate }: Pick<Judged, 'name' | 'fate'>): Verdict {
  if (fate.kind !== 'run') return fate.kind
  switch (fate.sameness) {
    case undefined: return 'killed'
    case 'same': return 'same outputs'
    case 'rounded': return 'rounded'
    case 'other': return proofOf(name) === undefined ? 'survivor' : 'rounded'
  }
}

export type Engines = Readonly<Partial<Record<EngineName, Engine>>>

/** Verifies candidates on each engine, as many at once as `workers`; `told` hears of each as it is done. */
export async function judge(
  { job }: OpenedSubject, candidates: readonly Candidate[], engines: Engines, workers: number,
  told: (judged: Judged) => void = () => undefined
): Promise<readonly Judged[]> {
  const names = Object.keys(engines) as EngineName[]
  for (const engine of names) {
    const life = await lived(job, job.subject, engine, engines)
    if (life.kind !== 'alive') throw new Error(`the original is not right on the ${engine}: ${JSON.stringify(life)}`)
  }
  const doubt = doubter(job, engines.interpreter ?? engines.cpu!)
  const judged = new Array<Judged>(candidates.length)
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < candidates.length; i = next++) {
      const { mutant, ...who } = candidates[i]!
      const one: Judged = { ...who, fate: mutant.kind === 'kernel' ? await run(mutant.subject) : mutant }
      judged[i] = one
      told(one)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return judged

  async function run(subject: Subject): Promise<Fate> {
    const lives: Partial<Record<EngineName, Life>> = {}
    for (const engine of names) lives[engine] = await lived(job, subject, engine, engines)
    const isKilled = Object.values(lives).some(l => l.kind === 'killed')
    return { kind: 'run', engines: lives, sameness: isKilled ? undefined : await doubt(subject) }
  }
}

async function lived(job: Job, subject: Subject, name: EngineName, engines: Engines): Promise<Life> {
  const engine = engines[name]!
  const { engines: [report] } = await verify({ ...job, subject, engines: [name] }, {
    engines: { interpreter: engine, cpu: engine }, assemble: () => Promise.resolve({ kind: 'absent', message: '' })
  })
  switch (report!.verdict) {
    case 'wrong': return { kind: 'killed', by: report!.findings[0]?.code ?? 'no-answer' }
    case 'right': return { kind: 'alive' }
    case 'undecided': return { kind: 'undecided', reason: report!.reason ?? '' }
  }
}
