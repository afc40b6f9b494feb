/** `heddle verify`: whether an instance, or candidates of its space, compute what their operator defines. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { problemOf, type Problem } from '../compile/compile.ts'
import { openSubject } from '../compile/subjects.ts'
import type { Program } from '../language/program.ts'
import { counted } from '../mapping/shape.ts'
import { spaceOf } from '../schedule/space.ts'
import type { AccessCount, EngineName } from '../verify/engine.ts'
import { openJob, type OpenJob } from '../verify/job.ts'
import { engineTitle, findingsOf, sampledBlocks, type EngineReport, type Verdict, type Verification } from '../verify/verify.ts'
import type { Verifiers } from '../verify/workers.ts'
import type { CountOutput, VerifyOutput } from '../view/output.ts'
import { displayName, problemsText, rangeOf } from './diagnostic-text.ts'
import { missingSubject, openProgram } from './files.ts'
import { failure, table, type Report } from './report.ts'

export interface VerifyOptions {
  /** An instance or a graph of the file, or a schedule as OPERATOR.SCHEDULE. */
  readonly instance: string
  readonly target: string
  /** Undefined: what the instance binds, and else the defaults. */
  readonly candidates: { readonly kind: 'one'; readonly level: number; readonly index: number }
    | { readonly kind: 'all'; readonly level: number | undefined } | undefined
  /** Undefined: every engine that works here. */
  readonly engine: EngineName | undefined
  readonly exhaustive: boolean
  readonly counts: boolean
  readonly signal?: AbortSignal | undefined
  /** Says how far it is. */
  readonly progress?: (message: string) => void
}

/** Exit status 0: right; 1: wrong, or it does not compile; 2: it could not be decided, as where a tool is missing. */
export async function verifyReport(file: string, options: VerifyOptions, verifiers: Verifiers): Promise<Report> {
  const { instance, target, signal, progress } = options
  const program = openProgram(target)
  const uri = pathToFileURL(path.resolve(file)).href
  const analysis = program.analyse(uri)
  if (analysis === undefined) return failure(`${file} cannot be read.`)
  const missing = missingSubject(analysis, file, instance)
  if (missing !== undefined) return failure(missing)
  const candidates = candidatesOf(program, uri, options)
  if ('status' in candidates) return candidates
  let done = 0
  const verifyOne = async (candidate: Result['candidate']): Promise<Result> => {
    const { engine, exhaustive, counts } = options
    const open = openJob(program, uri, instance, {
      candidate, engines: engine === undefined ? ['interpreter', 'cpu'] : [engine], exhaustive, counts
    })
    const several = candidates.length > 1
    const verification = open.job && await verifiers.verify(open.job, several ? undefined : progress, signal)
    if (several) progress?.(`${++done} of ${counted(candidates.length, 'candidate')}`)
    return { candidate, open, verification, problems: problemsOf(open, verification, uri) }
  }
  const results = await inOrder(candidates, verifiers.threads, verifyOne)
  return {
    status: statusOf(results), text: textOf(program, instance, results, options),
    errors: results.map(r => notes(r, options)).find(text => text !== '') ?? '',
    json: jsonOf(program, instance, target, results, options)
  }
}

/** What `f` gives for each item, with so many at a time. */
async function inOrder<T, R>(items: readonly T[], lanes: number, f: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [], next = items.entries()
  const lane = async (): Promise<void> => {
    for (const [i, item] of next) results[i] = await f(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

interface Result {
  readonly candidate: { readonly level: number; readonly index: number } | undefined
  readonly open: OpenJob
  /** Undefined where the candidate does not compile. */
  readonly verification: Verification | undefined
  readonly problems: readonly Problem[]
}

function candidatesOf(
  program: Program, uri: string, { instance, candidates }: VerifyOptions
): ReadonlyArray<Result['candidate']> | Report {
  if (candidates === undefined) return [undefined]
  if (candidates.kind === 'one') return [candidates]
  const { subject, problems } = openSubject(program, uri, instance)
  if (!subject) return { status: 1, text: '', errors: problemsText(program, problems) }
  const level = candidates.level ?? subject.schedule.levels
  const space = spaceOf(subject.schedule, level)
  if (space === undefined) return failure(`\`${instance}\` has more than 2^20 points at level ${level}, too many to verify.`)
  return space.candidates.map(({ index }) => ({ level, index }))
}

function problemsOf(open: OpenJob, verification: Verification | undefined, uri: string): readonly Problem[] {
  const found = verification === undefined ? [] : findingsOf(verification)
  return [...open.problems, ...found.map(f => problemOf({ uri, span: open.span }, f))]
}

function verdictOf({ verification }: Result): Verdict { return verification?.verdict ?? 'wrong' }

function statusOf(results: readonly Result[]): 0 | 1 | 2 {
  const verdicts = results.map(verdictOf)
  return verdicts.includes('wrong') ? 1 : verdicts.includes('undecided') ? 2 : 0
}

// ---------------------------------------------------------------- text

function textOf(program: Program, name: string, results: readonly Result[], { counts }: VerifyOptions): string {
  const [only] = results
  if (results.length === 1 && only) return resultText(program, name, only) + (counts ? countsText(program, only) : '')
  const bad = results.filter(r => verdictOf(r) !== 'right')
  const number = (verdict: Verdict): number => results.filter(r => verdictOf(r) === verdict).length
  return bad.map(r => resultText(program, `${name} ${candidateText(r)}`, r)).join('')
    + `${name}: ${counted(results.length, 'candidate')}, ${number('right')} right, ${number('wrong')} wrong, ${number('undecided')} undecided\n`
}

function candidateText({ candidate }: Result): string {
  return candidate === undefined ? '' : `candidate ${candidate.index} of level ${candidate.level}`
}

function resultText(program: Program, name: string, { verification, problems }: Result): string {
  const said = problemsText(program, problems)
  if (verification === undefined) return `${name}: does not compile\n${said}`
  const { verdict, engines, assembler, milliseconds } = verification
  const rows = engines.map(e => [engineTitle(e.engine), e.verdict, e.reason ?? runsText(e), seconds(e.milliseconds)])
  const acceptance = assembler.kind === 'accepted' ? `accepted by CUDA ${assembler.toolkit}` : assembler.message
  const sampled = verdict === 'right' ? sampledBlocks(verification) : undefined
  const part = sampled === undefined ? '' : `, as far as it was run (${count(sampled.run)} of ${counted(sampled.total, 'block')})`
  return `${name}: ${verdict}${part}, ${seconds(milliseconds)}\n`
    + table([...rows, ['assembler', assembler.kind === 'absent' ? 'not asked' : assembler.kind, acceptance]]) + said
}

function count(n: number): string { return n.toLocaleString('en-US') }

function runsText({ runs, verdict }: EngineReport): string {
  const blocks = runs.reduce((n, r) => n + r.blocks.run, 0), all = runs.reduce((n, r) => n + r.blocks.total, 0)
  const compared = runs.reduce((n, r) => n + r.compared, 0), worst = runs.reduce((m, r) => Math.max(m, r.worst), 0)
  const part = blocks < all ? `${count(blocks)} of ${counted(all, 'block')}` : counted(all, 'block')
  if (verdict === 'wrong') return `${counted(runs.length, 'run')}, ${part}`
  const unjudged = runs.reduce((n, r) => n + r.unjudged, 0)
  const open = unjudged === 0 ? '' : ` (${count(unjudged)} of them not to be judged)`
  return `${counted(runs.length, 'run')}, ${part}, ${counted(compared, 'element')}${open}, `
    + `error at most ${Math.ceil(worst * 100)} % of what rounding allows`
}

function seconds(milliseconds: number): string { return `${(milliseconds / 1000).toFixed(2)} s` }

/** What could not be asked, where nobody asked for it by name. */
function notes({ verification }: Result, { engine }: VerifyOptions): string {
  if (verification === undefined || engine !== undefined || verification.verdict !== 'right') return ''
  return verification.engines.filter(e => e.verdict === 'undecided')
    .map(e => `note: the ${engineTitle(e.engine)} engine did not run: ${e.reason ?? ''}\n`).join('')
}

// ---------------------------------------------------------------- JSON

function jsonOf(
  program: Program, instance: string, target: string, results: readonly Result[], { counts }: VerifyOptions
): VerifyOutput {
  const status = statusOf(results)
  return {
    instance, target: results[0]?.open.job?.subject.architecture.name ?? target,
    verdict: status === 0 ? 'right' : status === 1 ? 'wrong' : 'undecided',
    results: results.map(r => {
      const { verification, problems, candidate } = r
      return {
        candidate: candidate ? { level: candidate.level, index: candidate.index } : null, verdict: verdictOf(r),
        engines: (verification?.engines ?? []).map(({ engine, verdict, reason, runs, milliseconds }) => ({
          engine, verdict, reason: reason ?? null, milliseconds: Math.round(milliseconds),
          runs: runs.map(run => ({ ...run, worst: Number.isFinite(run.worst) ? run.worst : null }))
        })),
        assembler: verification === undefined ? { kind: 'absent', message: 'It does not compile.' } : verification.assembler,
        problems: problems.map(p => problemJson(program, p)),
        ...counts ? { counts: countsOf(program, r) } : {}
      }
    })
  }
}

function problemJson(program: Program, { uri, diagnostic: d }: Problem): VerifyOutput['results'][number]['problems'][number] {
  const text = (of: string): string => program.analyse(of)?.text ?? ''
  return {
    file: displayName(uri), range: rangeOf(text(uri), d.span), severity: d.severity, code: d.code, message: d.message,
    related: d.related.map(r => ({ file: displayName(r.uri), range: rangeOf(text(r.uri), r.span), message: r.message }))
  }
}

// ---------------------------------------------------------------- counts

/** The accesses of the text by the source line, the tensor and the kind of access; in the order of the text. */
function countsOf(program: Program, { verification, open }: Result): CountOutput[] {
  const found = new Map<string, CountOutput>(), text = open.job?.subject.cuda.text ?? ''
  for (const count of verification?.engines.flatMap(e => e.counts) ?? []) {
    const { buffer, write, bytes, span } = count
    const { file, line } = sourceLine(program, count), cudaLine = rangeOf(text, span).start.line
    const key = JSON.stringify([file, line, buffer.name, write, bytes]), before = found.get(key)
    found.set(key, {
      file, line, tensor: buffer.name, memory: buffer.scope === 'shared' ? 'shared' : 'global',
      access: write ? 'store' : 'load', bytes,
      requests: (before?.requests ?? 0) + count.requests,
      wavefronts: (before?.wavefronts ?? 0) + count.wavefronts,
      ideal_wavefronts: (before?.ideal_wavefronts ?? 0) + count.ideal,
      sectors: (before?.sectors ?? 0) + count.sectors,
      cuda_lines: [...new Set([...before?.cuda_lines ?? [], cudaLine])]
    })
  }
  return [...found.values()]
}

/** Of the innermost text; zero-based. */
function sourceLine(program: Program, { origins }: AccessCount): { file: string; line: number } {
  const range = origins[0]?.range
  if (range === undefined) return { file: '', line: 0 }
  return { file: displayName(range.uri), line: rangeOf(program.analyse(range.uri)?.text ?? '', range.span).start.line }
}

function countsText(program: Program, result: Result): string {
  const rows = countsOf(program, result).map(c => [
    `${c.file}:${c.line + 1}`, c.memory, c.access, `${c.bytes} B`, c.tensor, String(c.requests),
    c.memory === 'shared' ? String(c.wavefronts) : '', c.memory === 'shared' ? String(c.ideal_wavefronts) : '',
    c.memory === 'global' ? String(c.sectors) : ''
  ])
  const sizes = Object.entries(result.open.job?.sizes[0] ?? {}).map(([name, size]) => `${name} = ${size}`).join(', ')
  const head = sizes === '' ? '' : `of a launch with ${sizes}:\n`
  return `\n${head}${table([['', 'memory', 'access', 'lane', 'tensor', 'requests', 'wavefronts', 'ideal', 'sectors'], ...rows])}`
}
