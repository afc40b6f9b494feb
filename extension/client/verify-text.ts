/** Verdicts in words: the lens above a subject, and the message when all is done. */
import type { Candidate, VerifyAnswer } from '../server/protocol.ts'

/** A subject, or one candidate of it. */
export interface Titled { readonly subject: string; readonly candidate?: Candidate | undefined }

/** Without an answer it was cancelled. */
export interface Verified {
  readonly what: Titled
  readonly answer: VerifyAnswer | undefined
}

/** `square`, `matmul.tiled, candidate 2 of level 1` */
export function titleOf({ subject, candidate }: Titled): string {
  return candidate === undefined ? subject : `${subject}, candidate ${candidate.index} of level ${candidate.level}`
}

/** `right, 0.4 s`, with the candidates that were verified: `right, 0.4 s; 25 candidates right`; of nothing, none. */
export function lensText(verified: readonly Verified[]): string | undefined {
  const known = verified.flatMap(({ what, answer }) => answer === undefined ? [] : [{ what, answer }])
  const own = known.find(v => v.what.candidate === undefined)?.answer
  const candidates = known.filter(v => v.what.candidate !== undefined).map(v => v.answer)
  const parts = [
    ...own === undefined ? [] : [own.status],
    ...candidates.length === 0 ? [] : [tally(candidates)],
  ]
  if (parts.length === 0) return undefined
  const worst = worstOf([...own === undefined ? [] : [own], ...candidates])
  return `${icons[worst]}\u00a0${parts.join('; ')}` // a lens takes a plain space away
}

const icons: Readonly<Record<VerifyAnswer['verdict'], string>> = {
  right: '$(pass)', wrong: '$(error)', undecided: '$(question)',
}

export interface Message { readonly verdict: VerifyAnswer['verdict']; readonly text: string }

/** What is said at the end; undefined where all was cancelled. */
export function messageOf(verified: readonly Verified[]): Message | undefined {
  const answers = verified.flatMap(v => v.answer ?? [])
  const [first] = verified
  if (first === undefined || answers.length === 0) return undefined
  const verdict = worstOf(answers)
  if (verified.length === 1 && first.answer !== undefined) return { verdict, text: sentence(first.what, first.answer) }
  const left = verified.length - answers.length
  const text = `${first.what.subject}: ${tally(answers)}${left === 0 ? '' : `, ${left} not verified`}.`
  return { verdict, text }
}

function sentence(what: Titled, { verdict, summary }: VerifyAnswer): string {
  switch (verdict) {
    case 'right': return `${titleOf(what)} ${summary}`
    case 'wrong': return `${titleOf(what)} is wrong. ${summary}`
    case 'undecided': return `${titleOf(what)} could not be verified. ${summary}`
  }
}

/** `25 candidates right`, `2 of 25 candidates wrong, 1 undecided` */
function tally(answers: readonly VerifyAnswer[]): string {
  const count = (verdict: VerifyAnswer['verdict']): number => answers.filter(a => a.verdict === verdict).length
  const all = answers.length === 1 ? '1 candidate' : `${answers.length} candidates`
  const right = count('right'), wrong = count('wrong'), undecided = count('undecided')
  if (right === answers.length) return `${all} right`
  if (wrong === 0) return `${undecided} of ${all} undecided`
  return `${wrong} of ${all} wrong${undecided === 0 ? '' : `, ${undecided} undecided`}`
}

function worstOf(answers: readonly VerifyAnswer[]): VerifyAnswer['verdict'] {
  const order = ['wrong', 'undecided', 'right'] as const
  return order.find(verdict => answers.some(a => a.verdict === verdict)) ?? 'undecided'
}
