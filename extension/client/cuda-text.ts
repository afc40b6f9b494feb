/**
 * The text of a CUDA editor: the CUDA below a line that says what it is, or why there is none.
 *
 *     // square: block_k = 8                             // square cannot be compiled for sm_75.
 *     // threads = 256, registers = 96                   //
 *     extern "C" __global__ void square(...) {           // matmul.heddle:12:5: error
 *     ...                                                //   The tiles need 64 KiB of shared memory ...
 *
 * While the source is broken the last CUDA stays, so that no line moves, and its first line gives the reason.
 */
import type { Candidate, CudaAnswer, CudaProblem, Named } from '../server/protocol.ts'

export interface Described {
  readonly subject: string
  readonly candidate: Candidate | undefined
}

export interface CudaText {
  readonly text: string
  /** Lines above the CUDA. */
  readonly header: number
}

export function upToDate({ subject, candidate }: Described, { parameters, facts }: CudaAnswer, cuda: string): CudaText {
  const chosen = candidate === undefined ? '' : `, candidate ${candidate.index} of level ${candidate.level}`
  const lines = [
    `// ${subject}${chosen}${parameters.length === 0 ? '' : `: ${listOf(parameters)}`}`,
    ...facts.length === 0 ? [] : [`// ${listOf(facts)}`],
  ]
  return { text: [...lines, cuda].join('\n'), header: lines.length }
}

/** The text from before, its first line replaced by the reason. */
export function outOfDate(answer: CudaAnswer | undefined, text: string, fileName: (uri: string) => string): string {
  const [first] = problemsOf(answer)
  const reason = first === undefined ? serverIsSilent : `${placeText(first, fileName)}: ${oneLine(first.message)}`
  return `// Not up to date. ${reason}${text.slice(text.indexOf('\n'))}`
}

/** Where there never was any CUDA. */
export function reasons(what: Described, answer: CudaAnswer | undefined, fileName: (uri: string) => string): string {
  if (answer === undefined) return comment([serverIsSilent])
  const problems = problemsOf(answer).flatMap(p =>
    ['', `${placeText(p, fileName)}: ${p.severity}`, ...p.message.split('\n').map(line => `  ${line}`)])
  return comment([`${what.subject} cannot be compiled for ${answer.target}.`, ...problems])
}

export function listOf(named: readonly Named[]): string {
  return named.map(({ name, text }) => `${name} = ${text}`).join(', ')
}

const serverIsSilent = 'Heddle\'s language server does not answer; its log says more (Heddle: Show Log).'

/** Errors; where there is none, what else there is. */
function problemsOf(answer: CudaAnswer | undefined): readonly CudaProblem[] {
  const all = answer?.problems ?? [], errors = all.filter(p => p.severity === 'error')
  return errors.length > 0 ? errors : all
}

function placeText({ uri, range: { start } }: CudaProblem, fileName: (uri: string) => string): string {
  return `${fileName(uri)}:${start.line + 1}:${start.character + 1}`
}

function oneLine(text: string): string { return text.replace(/\s+/g, ' ') }

function comment(lines: readonly string[]): string {
  return lines.map(line => `// ${line}`.trimEnd()).join('\n') + '\n'
}
