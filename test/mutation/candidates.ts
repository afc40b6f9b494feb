/**
 * Mutants on the compiler's way to CUDA: many are refused there, or come to a text that is known.
 *
 *     mutant --lower--> CUDA      'refused'       an error among the findings: it never becomes a kernel
 *                                 'same text'     the original's text: no mistake
 *                                 'duplicate'     the text of an earlier mutant
 *                                 a subject       another kernel, which engines can run
 */
import { printCuda } from '../../compiler-core/codegen/cuda.ts'
import type { Finding } from '../../compiler-core/ir/finding.ts'
import { printExpr } from '../../compiler-core/ir/print.ts'
import { explicitBounds } from '../../compiler-core/lowering/guards.ts'
import { checkLimits } from '../../compiler-core/lowering/limits.ts'
import { lower } from '../../compiler-core/lowering/lower.ts'
import type { Subject } from '../../compiler-core/verify/engine.ts'
import type { Mutant, MutantKind } from './mutators.ts'
import type { OpenedSubject } from './subjects.ts'

export interface Candidate {
  readonly subject: string
  readonly kind: MutantKind
  readonly name: string
  readonly mutant: { readonly kind: 'kernel'; readonly subject: Subject } | Settled
}

/** What needs no engine. `by`: the code of the first error. */
export type Settled =
  | { readonly kind: 'refused'; readonly by: string }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'same text' }

/** All mutants of a subject, in order: cheap beside running them. */
export function candidatesOf({ name, job, mutants }: OpenedSubject): readonly Candidate[] {
  const texts = new Set<string>(), original = codeOf(job.subject)
  return mutants.map((m): Candidate => ({ subject: name, kind: m.kind, name: m.name, mutant: settled(m) }))

  function settled(m: Mutant): Candidate['mutant'] {
    const made = lowered(m, job.subject)
    if (typeof made === 'string') return { kind: 'refused', by: made }
    const text = codeOf(made)
    if (text === original) return { kind: 'same text' }
    if (texts.has(text)) return { kind: 'duplicate' }
    texts.add(text)
    return { kind: 'kernel', subject: made }
  }
}

/** As the compiler does it; the code of the first error where it refuses. */
function lowered(m: Mutant, { architecture }: Subject): Subject | string {
  const bounded = m.kind === 'slip' ? explicitBounds(m.program) : { program: m.program, findings: [] }
  const { program, findings } = lower(bounded.program, architecture)
  const { name: target, threads_per_block: threadsPerBlock, shared_memory_per_block: bytesPerBlock } = architecture
  const all: readonly Finding[] =
    [...bounded.findings, ...findings, ...checkLimits(program, { target, threadsPerBlock, bytesPerBlock })]
  const error = all.find(f => f.severity === 'error')
  if (error) return error.code
  return { elaborated: bounded.program, lowered: program, cuda: printCuda(program, architecture), architecture }
}

/** What is compiled and how it is launched, without comments: they name mappings. */
function codeOf({ cuda, lowered: { kernels, workspaces } }: Subject): string {
  const launched = [...kernels.flatMap(k => k.grid), ...workspaces.flatMap(w => w.value ?? [])].map(printExpr)
  return [cuda.text.replace(/\s*\/\/.*$/gm, ''), ...launched].join('\n')
}
