/**
 * Whether a program computes what its operator defines, and if not, where and why.
 *
 *     job: batch_matmul.simt at (37, 45, 11), engines interpreter and cpu
 *       integers, threads forward      outputs compared exactly
 *       reals, threads in reverse      outputs compared within the bound of rounding
 *       numbers at the limits of exponentials, threads at random
 *     right, or findings: a race in line 44, a wrong value at c[0, 3, 5], ...
 *
 * The truth (operators/evaluate.ts) knows nothing of schedules; the engines know nothing of each other. A job is plain
 * data, so that it can be done in a worker thread.
 */
import { evaluateMeaning } from '../graph/evaluate.ts'
import type { Meaning } from '../graph/flow.ts'
import type { Buffer, Variable } from '../ir/ir.ts'
import { shapeOf } from '../operators/definition-code.ts'
import type { Truth } from '../operators/evaluate.ts'
import { compare, type Comparison } from './compare.ts'
import {
  type AccessCount, type Engine, type EngineName, type Executed, type Outcome, type Run, type Subject, type ThreadOrder
} from './engine.ts'
import { inputsFor, type InputKind } from './inputs.ts'
import { comparisonFinding, faultFinding, type Sources, type VerifyFinding } from './story.ts'

export interface Job {
  /** As the person calls it: `square`, `batch_matmul.simt`. */
  readonly name: string
  readonly subject: Subject
  readonly meaning: Meaning
  /** For each extent that is known only at launch, by its name: its value; one map for each launch that is tried. */
  readonly sizes: ReadonlyArray<Readonly<Record<string, number>>>
  /** The texts of the files that origins name, by their addresses. */
  readonly sources: ReadonlyMap<string, string>
  readonly engines: readonly EngineName[]
  /** Milliseconds a run after which no further block is started; undefined: all blocks run, however long that takes. */
  readonly budget: number | undefined
  /** Milliseconds for all runs of one engine at one size: what does not end by then is ended. */
  readonly timeLimit: number
  readonly counts: boolean
}

/** `undecided`: no engine came to an end, for a reason that is not the program's fault. */
export type Verdict = 'right' | 'wrong' | 'undecided'

export interface Verification {
  readonly verdict: Verdict
  /** In the order of the job's. */
  readonly engines: readonly EngineReport[]
  readonly assembler: Acceptance
  readonly milliseconds: number
}

export interface EngineReport {
  readonly engine: EngineName
  readonly verdict: Verdict
  /** Faults; where there are none, wrong elements. */
  readonly findings: readonly VerifyFinding[]
  /** Why it is undecided. */
  readonly reason: string | undefined
  readonly runs: readonly RunReport[]
  readonly counts: readonly AccessCount[]
  readonly milliseconds: number
}

export interface RunReport {
  /** As in the job; empty where all are constants. */
  readonly sizes: Readonly<Record<string, number>>
  readonly data: InputKind
  readonly order: ThreadOrder
  readonly blocks: { readonly run: number; readonly total: number }
  /** Elements of the outputs that were compared, and the greatest error as a share of what rounding allows. */
  readonly compared: number
  readonly worst: number
  /** Of these, elements that rounding before them may make anything: a comparison of almost equal values decides. */
  readonly unjudged: number
}

/** What the CUDA toolkit says to the text. */
export type Acceptance =
  | { readonly kind: 'accepted'; readonly toolkit: string }
  | { readonly kind: 'rejected'; readonly message: string }
  /** There is none, or it was not asked. */
  | { readonly kind: 'absent'; readonly message: string }

export interface Tools {
  readonly engines: Readonly<Record<EngineName, Engine>>
  readonly assemble: (subject: Subject, signal: AbortSignal | undefined) => Promise<Acceptance>
}

/** A sentence on what is being done, and which share of all is done: 0 to 1. */
export type Progress = (message: string, share: number) => void

/** Never rejects for what a program does; an aborted signal leaves what was not done undecided. */
export async function verify(
  job: Job, tools: Tools, progress: Progress = () => undefined, signal?: AbortSignal
): Promise<Verification> {
  const start = performance.now(), assembling = tools.assemble(job.subject, signal)
  const reports = new Map<EngineName, readonly EngineReport[]>(job.engines.map(e => [e, []]))
  const endless = new AbortController()
  const ending = AbortSignal.any([endless.signal, ...signal ? [signal] : []])
  const runOne = async (c: Case, engine: EngineName): Promise<EngineReport> => {
    const report = await runEngine(job, c, engine, tools, ending)
    if (report.findings.some(f => f.code === 'endless' && f.severity === 'error')) endless.abort(stoppedByOther)
    return report
  }
  for (const [i, sizes] of job.sizes.entries()) {
    const engines = job.engines.filter(e => reports.get(e)?.every(r => r.verdict === 'right'))
    if (engines.length === 0) break
    progress(`${job.name}${sizeText(sizes)}: ${engines.map(engineTitle).join(' and ')}`, i / (job.sizes.length + 1))
    const c = caseOf(job, sizes)
    const running = typeof c === 'string' ? Promise.resolve(engines.map(engine => undecidedReport(engine, c)))
      : Promise.all(engines.map(engine => runOne(c, engine)))
    if (typeof c !== 'string') await evaluateUntil(running, c)
    for (const report of await running) reports.set(report.engine, [...reports.get(report.engine) ?? [], report])
  }
  progress(`${job.name}: the assembler`, 1 - 1 / (job.sizes.length + 1))
  const assembler = await assembling, engines = [...reports].map(([engine, all]) => joined(engine, all))
  const all = [...engines.map(e => e.verdict), ...assembler.kind === 'rejected' ? ['wrong'] : []]
  const verdict = all.includes('wrong') ? 'wrong' : all.includes('right') ? 'right' : 'undecided'
  return { verdict, engines, assembler, milliseconds: performance.now() - start }
}

/**
 * What the engines found, each thing once. An engine that runs the text knows less of an access than one that runs the
 * program: where both tell of one place, the first is kept.
 */
export function findingsOf({ engines }: Verification): readonly VerifyFinding[] {
  const all = once(engines.flatMap(e => e.findings))
  return all.filter((f, i) => !all.some((g, k) => k < i && g.code === f.code && overlap(f, g)))
}

/**
 * How many blocks the engine ran that ran most of them, where none ran all; undefined: everything was run. Of several
 * launches, the one with the smallest share counts.
 */
export function sampledBlocks({ engines }: Verification): RunReport['blocks'] | undefined {
  const shareOf = ({ blocks }: RunReport): number => blocks.run / blocks.total
  const least = engines.flatMap(({ runs }) => runs.toSorted((a, b) => shareOf(a) - shareOf(b)).slice(0, 1))
  const best = least.toSorted((a, b) => shareOf(b) - shareOf(a))[0]
  return best === undefined || shareOf(best) >= 1 ? undefined : best.blocks
}

export function engineTitle(engine: EngineName): string { return engine === 'cpu' ? 'CPU' : engine }

// ---------------------------------------------------------------- one launch on one engine

interface Case {
  readonly sizes: Readonly<Record<string, number>>
  readonly extents: ReadonlyMap<Variable, number>
  readonly data: Readonly<Record<InputKind, Data>>
}

interface Data { readonly inputs: readonly Float64Array[]; readonly truth: readonly Truth[] }

/** Each order and each kind of data once. */
const plan = [
  { data: 'integers', order: 'forward' }, { data: 'reals', order: 'reverse' }, { data: 'wide', order: 'random' }
] as const satisfies ReadonlyArray<{ data: InputKind; order: ThreadOrder }>

/** Fixed, so that a verification says the same tomorrow. */
const seed = 20_230_325

/** Elements of a launch's tensors: what they, their truth and their records take in memory stays below 4 GiB. */
const mostElements = 2 ** 26
/** From here on the third run takes the data of the second: beside a sample of blocks they tell no more. */
const manyElements = 2 ** 23

/** A sentence where it is too large. */
function caseOf({ meaning, subject }: Job, sizes: Readonly<Record<string, number>>): Case | string {
  const { extents: variables, inputs: given } = meaning.kind === 'operator' ? meaning.operator : meaning.graph
  const extents = new Map([...variables, ...subject.elaborated.extents, ...subject.lowered.extents]
    .map(v => [v, sizes[v.name] ?? 1] as const))
  // a graph may have inputs that nothing reads: no parameter stands for them
  const parameters = subject.elaborated.parameters.filter(b => b.scope === 'input')
  const made = (kind: InputKind): Data => {
    const all = inputsFor(meaning, extents, kind, seed)
    const truth = evaluateMeaning(meaning, all, extents)
    return { truth, inputs: parameters.flatMap(b => all[given.findIndex(g => g.name === b.name)] ?? []) }
  }
  const { parameters: tensors, workspaces } = subject.elaborated
  const elements = elementsOf([...tensors, ...workspaces.map(w => w.buffer)], extents)
  if (elements > mostElements) {
    const [many, most] = [elements, mostElements].map(n => n.toLocaleString('en-US'))
    return `Its tensors have ${many} elements, and at most ${most} are verified: verify an instance of a smaller size.`
  }
  const integers = made('integers'), reals = made('reals')
  return { sizes, extents, data: { integers, reals, wide: elements > manyElements ? reals : made('wide') } }
}

/** Of tensors with such extents. */
export function elementsOf(tensors: readonly Buffer[], extents: ReadonlyMap<Variable, number>): number {
  return tensors.reduce((n, { shape }) => n + shapeOf(shape, extents).reduce((all, d) => all * d, 1), 0)
}

export function undecidedReport(engine: EngineName, reason: string): EngineReport {
  return { engine, verdict: 'undecided', reason, findings: [], runs: [], counts: [], milliseconds: 0 }
}

const stoppedByOther = 'It was stopped: the other engine found a loop that does not end.'

/** Milliseconds for which the thread does nothing else. */
const slice = 10

/** Outputs of more elements are evaluated where blocks have run. */
const fewElements = 2 ** 20

/** Evaluates the truth while engines run; what they leave undone of it is evaluated when it is compared. */
async function evaluateUntil(running: Promise<unknown>, { data }: Case): Promise<void> {
  const ended = new AbortController()
  void running.finally(() => { ended.abort() })
  for (const { truth } of Object.values(data)) {
    for (const { shape, at } of truth) {
      const count = shape.reduce((n, d) => n * d, 1)
      for (let element = 0; count <= fewElements && element < count;) {
        await new Promise(resolve => { setImmediate(resolve) })
        if (ended.signal.aborted) return
        for (const end = performance.now() + slice; element < count && performance.now() < end; element++) at(element)
      }
    }
  }
}

async function runEngine(
  job: Job, { sizes, extents, data }: Case, engine: EngineName, tools: Tools, signal: AbortSignal
): Promise<EngineReport> {
  const start = performance.now()
  const { subject, budget, timeLimit, counts } = job
  const runs = plan.map(({ data: kind, order }): Run => ({ inputs: data[kind].inputs, order, seed, budget }))
  const outcome = await tools.engines[engine](subject, { extents, runs, counts, timeLimit, signal })
  const sources: Sources = uri => job.sources.get(uri)
  if (outcome.kind === 'cancelled') {
    return undecidedReport(engine, signal.reason === stoppedByOther ? stoppedByOther : 'It was cancelled.')
  }
  const report = judged(job, outcome, data, sizes, sources)
  return { engine, ...report, milliseconds: performance.now() - start }
}

type Judged = Pick<EngineReport, 'verdict' | 'findings' | 'reason' | 'runs' | 'counts'>

function judged(
  job: Job, outcome: Exclude<Outcome, { kind: 'cancelled' }>, data: Case['data'], sizes: Case['sizes'], sources: Sources
): Judged {
  const nothing = { findings: [], runs: [], counts: [] }
  switch (outcome.kind) {
    case 'executed': {
      const judgements = outcome.runs.map((run, i) => judgedRun(job, run, plan[i]!, data, sizes, sources))
      // wrong values beside a fault are its consequence, or cannot be told from one
      const faults = once(withoutConsequences(judgements.flatMap(j => j.faults)))
      const findings = faults.length > 0 ? faults : once(judgements.flatMap(j => j.values))
      return {
        verdict: findings.length > 0 ? 'wrong' : 'right', findings, reason: undefined,
        runs: judgements.map(j => j.report), counts: outcome.counts
      }
    }
    case 'ended': {
      const { fault, message, why } = outcome
      const finding: VerifyFinding = fault ? faultFinding(fault, sources)
        : { code: 'no-answer', severity: 'error', message, origins: [], related: [], span: undefined, values: undefined }
      // slow is not wrong
      return why === 'time'
        ? { ...nothing, verdict: 'undecided', findings: [{ ...finding, severity: 'warning' }], reason: message }
        : { ...nothing, verdict: 'wrong', findings: [finding], reason: message }
    }
    case 'unavailable': return { ...nothing, verdict: 'undecided', reason: outcome.message }
  }
}

interface JudgedRun {
  readonly report: RunReport
  readonly faults: readonly VerifyFinding[]
  readonly values: readonly VerifyFinding[]
}

function judgedRun(
  job: Job, { outputs, faults, blocks }: Executed, step: typeof plan[number], data: Case['data'], sizes: Case['sizes'],
  sources: Sources
): JudgedRun {
  const { truth } = data[step.data], partial = blocks.run < blocks.total
  const buffers = job.subject.lowered.parameters.filter(b => b.scope === 'output')
  const comparisons = outputs.map((written, i): Comparison => compare(truth[i]!, written, { partial }))
  return {
    report: {
      sizes, ...step, blocks, compared: comparisons.reduce((n, c) => n + c.compared, 0),
      worst: comparisons.reduce((most, c) => Math.max(most, c.worst), 0),
      unjudged: comparisons.reduce((n, c) => n + c.unjudged, 0)
    },
    faults: faults.map(f => faultFinding(f, sources)),
    values: comparisons.flatMap((c, i) => comparisonFinding(buffers[i]!, nameOf(job.meaning), c, sources) ?? [])
  }
}

function nameOf(meaning: Meaning): string {
  return meaning.kind === 'operator' ? meaning.operator.name : meaning.graph.name
}

/** What is read too early, by chance of the order, has not been written: the race says more. */
function withoutConsequences(faults: readonly VerifyFinding[]): readonly VerifyFinding[] {
  const races = faults.filter(f => f.code === 'race' || f.code === 'not-arrived')
  return faults.filter(f => f.code !== 'uninitialised' || !races.some(r => overlap(r, f)))
}

/** Each kind once at each place: runs repeat each other. */
function once(findings: readonly VerifyFinding[]): readonly VerifyFinding[] {
  const found = new Map<string, VerifyFinding>()
  for (const f of findings) {
    const at = f.origins[0]?.range
    const key = `${f.code} ${at?.uri ?? ''} ${at?.span.start ?? ''} ${at?.span.end ?? ''}`
    if (!found.has(key)) found.set(key, f)
  }
  return [...found.values()]
}

function overlap(f: VerifyFinding, g: VerifyFinding): boolean {
  const a = f.origins[0]?.range, b = g.origins[0]?.range
  return a !== undefined && b !== undefined && a.uri === b.uri && a.span.start < b.span.end && b.span.start < a.span.end
}

function joined(engine: EngineName, reports: readonly EngineReport[]): EngineReport {
  const last = reports.at(-1)!
  return {
    engine, verdict: last.verdict, reason: last.reason, findings: last.findings,
    runs: reports.flatMap(r => r.runs), counts: reports[0]!.counts,
    milliseconds: reports.reduce((n, r) => n + r.milliseconds, 0)
  }
}

function sizeText(sizes: Readonly<Record<string, number>>): string {
  const all = Object.entries(sizes)
  return all.length === 0 ? '' : ` at ${all.map(([name, value]) => `${name} = ${value}`).join(', ')}`
}
