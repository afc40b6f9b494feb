/**
 * What the client asks about whether a program is right: the compiler's verification in words, at places of files.
 *
 *     square  ->  job  ->  verification in a worker thread  ->  wrong: 1 race
 *                                                               main.heddle:44: Thread 33 reads sa[0, 4, 1], which ...
 *
 * Of one file one verification runs at a time; the next one takes the text as it is when its turn comes.
 */
import { TextDocument } from 'vscode-languageserver-textdocument'
import type { Problem } from '../../compiler-core/compile/compile.ts'
import type { FindingCode } from '../../compiler-core/ir/finding.ts'
import type { Origin, SourceRange } from '../../compiler-core/ir/origin.ts'
import type { Span } from '../../compiler-core/language/diagnostics.ts'
import type { Program } from '../../compiler-core/language/program.ts'
import { engineNames, type EngineName } from '../../compiler-core/verify/engine.ts'
import { openJob } from '../../compiler-core/verify/job.ts'
import {
  engineTitle, findingsOf, sampledBlocks, type EngineReport, type Progress, type RunReport, type Verification,
} from '../../compiler-core/verify/verify.ts'
import { createVerifiers, type Verifiers } from '../../compiler-core/verify/workers.ts'
import { fingerprint, isLibrary, present, rangeOf, type Files, type SourceFile } from './files.ts'
import type { TextPlace, TextRange, VerifyAnswer, VerifyParams, VerifyProblem } from './protocol.ts'

/** What a verification is about when its turn has come. */
export interface Verifiable {
  readonly program: Program
  readonly file: SourceFile
  readonly files: Files
  readonly target: string
}

export interface VerifyService {
  /** Undefined where `open` gives nothing, or `signal` aborts before its turn. */
  verify(
    params: VerifyParams, open: () => Verifiable | undefined, progress: Progress, signal: AbortSignal
  ): Promise<VerifyAnswer | undefined>
  close(): void
}

/** Of all files together. */
const threads = 2

/** `cacheFolder`: where compiled engines are kept; without one no program of the machine runs. */
export function createVerifyService(cacheFolder: string | undefined): VerifyService {
  const verifiers = new Map<string | undefined, Verifiers>()
  const last = new Map<string, Promise<unknown>>()
  const verifiersFor = (folder: string | undefined): Verifiers => {
    const known = verifiers.get(folder) ?? createVerifiers(threads, { cacheFolder: folder })
    verifiers.set(folder, known)
    return known
  }
  return {
    verify(params, open, progress, signal) {
      const { uri } = params.textDocument, before = last.get(uri) ?? Promise.resolve()
      const answer = before.then(async () => {
        const what = signal.aborted ? undefined : open()
        const folder = params.programs ? cacheFolder : undefined
        const engines = folder === undefined ? ['interpreter'] as const : engineNames
        return what && await verifyAnswer(what, params, engines, verifiersFor(folder), progress, signal)
      })
      const settled = answer.catch(() => undefined).finally(() => { if (last.get(uri) === settled) last.delete(uri) })
      last.set(uri, settled)
      return answer
    },
    close() { for (const each of verifiers.values()) void each.close() },
  }
}

async function verifyAnswer(
  { program, file, files, target }: Verifiable, { subject, candidate }: VerifyParams, engines: readonly EngineName[],
  verifiers: Verifiers, progress: Progress, signal: AbortSignal
): Promise<VerifyAnswer> {
  const options = { candidate, engines, exhaustive: false, counts: false }
  const { job, problems, span } = openJob(program, file.uri, subject, options)
  const base = { fingerprint: fingerprint(file, files, target) }
  if (job === undefined) return { ...base, ...notCompiled(files, problems) }
  const verification = await verifiers.verify(job, progress, signal)
  const problemsFound = problemsOf(verification, job.subject.cuda.text, file, span, files)
  return { ...base, ...inWords(verification), problems: problemsFound }
}

function notCompiled(files: Files, problems: readonly Problem[]): Omit<VerifyAnswer, 'fingerprint'> {
  const errors = problems.filter(p => p.diagnostic.severity === 'error')
  return {
    verdict: 'undecided', milliseconds: 0, status: 'cannot be compiled', details: [],
    summary: `cannot be compiled: ${errors[0]?.diagnostic.message ?? 'something that it uses has no value.'}`,
    problems: errors.flatMap(({ uri, diagnostic: { span, severity, message, code } }) =>
      placed(files, { uri, span }).map(place => ({ ...place, severity, message, code, related: [] }))),
  }
}

// ---------------------------------------------------------------- words

/** The verification's verdict as the client shows it. */
export function inWords(verification: Verification): Omit<VerifyAnswer, 'fingerprint' | 'problems'> {
  const { verdict, engines, assembler, milliseconds } = verification
  const toolkit = assembler.kind === 'accepted' ? `accepted by CUDA ${assembler.toolkit}` : assembler.message
  const details = [...engines.flatMap(engineLines), `assembler: ${toolkit}`]
  const common = { verdict, milliseconds, details }
  switch (verdict) {
    case 'right': {
      const right = engines.filter(e => e.verdict === 'right'), others = engines.filter(e => e.verdict !== 'right')
      const names = `the ${right.map(e => `${engineTitle(e.engine)} engine`).join(' and the ')}`
      const sampled = sampledBlocks(verification)
      const blocks = sampled === undefined ? '' : `${sampled.run} of ${sampled.total} blocks`
      const doubts = others.map(e => ` The ${engineTitle(e.engine)} engine could not decide: ${e.reason ?? ''}`)
      return {
        ...common, status: `right${blocks === '' ? '' : ` in ${blocks}`}, ${secondsText(milliseconds)}`,
        summary: `is right: ${names} ${right.length === 1 ? 'agrees' : 'agree'} with its definition`
          + `${blocks === '' ? '' : `, as far as it was run (${blocks})`}.${doubts.join('')}`,
      }
    }
    case 'wrong': {
      const findings = findingsOf(verification)
      const rejected = assembler.kind === 'rejected' ? `The CUDA toolkit rejects its text: ${assembler.message}` : ''
      return {
        ...common, summary: findings[0]?.message ?? rejected,
        status: `wrong: ${kindsText(findings.map(f => f.code)) || 'rejected by the CUDA toolkit'}`,
      }
    }
    case 'undecided':
      return { ...common, status: 'undecided', summary: [...new Set(engines.map(e => e.reason ?? ''))].join(' ') }
  }
}

/** What each code is called where one was found, and where several were. */
const kinds: Readonly<Partial<Record<FindingCode, readonly [one: string, many: string]>>> = {
  'wrong-value': ['wrong output', 'wrong outputs'], 'never-written': ['incomplete output', 'incomplete outputs'],
  'race': ['race', 'races'], 'double-write': ['double write', 'double writes'],
  'not-arrived': ['early access', 'early accesses'],
  'out-of-bounds': ['access out of bounds', 'accesses out of bounds'],
  'uninitialised': ['uninitialised read', 'uninitialised reads'],
  'misaligned': ['misaligned access', 'misaligned accesses'],
  'divergent-barrier': ['divergent barrier', 'divergent barriers'],
  'divergent-shuffle': ['divergent shuffle', 'divergent shuffles'],
  'assertion-failed': ['failed assertion', 'failed assertions'], 'endless': ['endless loop', 'endless loops'],
  'no-answer': ['run without an answer', 'runs without an answer'],
}

/** `2 races, 1 wrong output` */
function kindsText(codes: readonly FindingCode[]): string {
  return [...new Set(codes)].map(code => {
    const [one, many] = kinds[code] ?? ['error', 'errors'], count = codes.filter(c => c === code).length
    return `${count} ${count === 1 ? one : many}`
  }).join(', ')
}

function engineLines({ engine, verdict, reason, runs, milliseconds }: EngineReport): readonly string[] {
  const title = engineTitle(engine)
  if (verdict === 'undecided') return [`${title}: undecided. ${reason ?? ''}`]
  return [`${title}: ${verdict}, ${secondsText(milliseconds)}`, ...runs.map(run => `  ${runLine(run)}`)]
}

/** `m = 37, n = 45: integers, threads forward: 1,665 elements compared, greatest error 12 % of its bound` */
function runLine({ sizes, data, order, blocks, compared, worst, unjudged }: RunReport): string {
  const at = Object.entries(sizes).map(([name, value]) => `${name} = ${value}`).join(', ')
  const error = worst === 0 ? 'all equal' : `greatest error ${Math.ceil(worst * 100)} % of its bound`
  const part = blocks.run < blocks.total ? `, ${blocks.run} of ${blocks.total} blocks` : ''
  const elements = `${compared.toLocaleString('en-US')} ${compared === 1 ? 'element' : 'elements'} compared`
  const open = unjudged === 0 ? '' : `, ${unjudged.toLocaleString('en-US')} undecided by rounding`
  return `${at === '' ? '' : `${at}: `}${data}, threads ${order}${part}: ${elements}, ${error}${open}`
}

function secondsText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return `${seconds < 10 ? Math.max(seconds, 0.1).toFixed(1) : Math.round(seconds)} s`
}

// ---------------------------------------------------------------- places

function problemsOf(
  verification: Verification, cuda: string, file: SourceFile, name: Span, files: Files
): readonly VerifyProblem[] {
  const lines = TextDocument.create('', '', 0, cuda)
  const inCuda = ({ start, end }: Span): TextRange => ({ start: lines.positionAt(start), end: lines.positionAt(end) })
  const own = { uri: file.uri, range: rangeOf(file, name) }
  const found = findingsOf(verification).map((finding): VerifyProblem => {
    const chain = finding.origins.flatMap(stackOf)
    const place = chain.filter(r => r.uri === file.uri || !isLibrary(r.uri)).flatMap(r => placed(files, r))[0] ?? own
    const origin = chain.flatMap(r => placed(files, r))[0]
    const inner = origin === undefined || samePlace(origin, place) ? [] : [{ ...origin, message: 'Here.' }]
    const others = finding.related.flatMap(({ origins, message }) =>
      origins.slice(0, 1).flatMap(o => placed(files, o.range)).map(at => ({ ...at, message })))
    const { code, severity, message, span, values } = finding
    return {
      ...place, code, severity, message, related: [...inner, ...others], ...(origin && { origin }),
      ...(span && { cuda: inCuda(span) }), ...(values && { values }),
    }
  })
  const { assembler } = verification
  if (assembler.kind !== 'rejected') return found
  const message = `The CUDA toolkit rejects the text: ${assembler.message}`
  return [...found, { ...own, code: 'not-accepted', severity: 'error', related: [], message }]
}

/** A range and what it was inlined through, inside out. */
function stackOf({ range, through }: Origin): readonly SourceRange[] {
  return [range, ...through === undefined ? [] : stackOf(through)]
}

/** Of a file that is to be found. */
function placed(files: Files, { uri, span }: SourceRange): readonly TextPlace[] {
  return present(files.file(uri)).map(home => ({ uri, range: rangeOf(home, span) }))
}

function samePlace(a: TextPlace, b: TextPlace): boolean {
  const numbers = ({ start, end }: TextRange): string =>
    `${start.line} ${start.character} ${end.line} ${end.character}`
  return a.uri === b.uri && numbers(a.range) === numbers(b.range)
}
