/**
 * `heddle conformance`: models with given inputs and expected results, each from its bytes to compiled kernels and
 * compared, in child processes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { counted } from '../mapping/shape.ts'
import { findCases, type Case } from '../runtime/conformance/cases.ts'
import { createPool, type Outcome } from '../runtime/conformance/pool.ts'
import type { ConformanceOutput } from '../view/output.ts'
import type { ConformanceResult, ConformanceTask } from './conformance-worker.ts'
import { failure, interrupted, table, type Report } from './report.ts'

export interface ConformanceOptions {
  readonly engine: ConformanceTask['engine']
  readonly target: string
  /** So many cases at a time. */
  readonly jobs: number
  /** For one case. */
  readonly limitSeconds: number
  readonly cacheFolder: string
  readonly signal?: AbortSignal
  /** Says how far it is. */
  readonly progress?: (message: string) => void
}

/** Of a child between two cases: a whole model may leave much, and the next child is there in a moment. */
const mostChildBytes = 2 ** 30

/** A model with so many bytes beside its test data has layers of weights; those of operators have some thousand. */
const bytesOfModels = 100_000

/**
 * Exit status 0: no case failed; 1: some did; 2: there is none, or a folder cannot be read; 130: it was interrupted,
 * and tells of the cases that were finished.
 */
export async function conformanceReport(folders: readonly string[], options: ConformanceOptions): Promise<Report> {
  let cases: readonly Case[], temporary: string
  try {
    cases = findCases(folders)
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error))
  }
  if (cases.length === 0) return failure(`No folder below ${folders.join(', ')} holds model.onnx and test_data_set_0.`)
  try {
    temporary = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
  } catch (error) {
    return failure(`There is no place for temporary files: ${(error as Error).message}.`)
  }
  const pool = createPool<ConformanceTask, ConformanceResult>({
    size: options.jobs, file: workerFile(), args: [], limitSeconds: options.limitSeconds, mostBytes: mostChildBytes,
    environment: { ...process.env, TMPDIR: temporary, TMP: temporary, TEMP: temporary }
  })
  const cancel = (): void => { pool.close() }, clean = (): void => { remove(temporary) }
  process.once('exit', clean) // after the pool's: children that are ended here leave what they have there
  options.signal?.addEventListener('abort', cancel, { once: true })
  if (options.signal?.aborted === true) cancel()
  try {
    const { engine, target, cacheFolder, limitSeconds, progress } = options
    const threads = Math.max(1, Math.floor(os.availableParallelism() / Math.min(options.jobs, cases.length)))
    const largestFirst = cases.toSorted((a, b) => b.bytes - a.bytes), tests = new Map<Case, Test>()
    await Promise.all(largestFirst.map(async one => {
      const subject = one.bytes < bytesOfModels ? 'operator' : 'model'
      const { folder } = one
      const outcome = await pool.run({ folder, subject, engine, target, limitSeconds, threads, cacheFolder })
      if (outcome.kind === 'lost' && options.signal?.aborted === true) return
      tests.set(one, testOf(one, outcome))
      progress?.(`${tests.size} of ${counted(cases.length, 'case')}`)
    }))
    const report = reportOf(cases.flatMap(one => tests.get(one) ?? []))
    if (tests.size === cases.length) return report
    const errors = `error: It was interrupted: ${tests.size} of ${counted(cases.length, 'case')} were finished.\n`
    return { ...report, status: interrupted, errors }
  } finally {
    options.signal?.removeEventListener('abort', cancel)
    pool.close()
    await pool.ended()
    process.off('exit', clean)
    for (let i = 0; i < 40 && !remove(temporary); i++) await setTimeout(50)
  }
}

/** Whether it is gone: compilers that ended children have started may write there for a moment yet. */
function remove(folder: string): boolean {
  try {
    rmSync(folder, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}

type Test = ConformanceOutput['tests'][number]

function testOf({ name }: Case, outcome: Outcome<ConformanceResult>): Test {
  const seconds = Number(outcome.seconds.toFixed(3))
  return outcome.kind === 'done'
    ? { name, ...outcome.result, seconds }
    : { name, state: 'failed', reason: outcome.reason, kernels: 0, seconds }
}

function reportOf(tests: readonly Test[]): Report {
  const number = (state: Test['state']): number => tests.filter(test => test.state === state).length
  const shown = tests.filter(test => test.state !== 'passed')
  const rows = table(shown.map(({ name, state, reason }) => [state, name, (reason ?? '').replaceAll('\n', ' ')]))
  const output: ConformanceOutput = { tests: [...tests] }
  return {
    status: number('failed') > 0 ? 1 : 0,
    text: `${rows}${number('passed')} passed, ${number('failed')} failed, ${number('unsupported')} unsupported\n`,
    errors: '', json: output
  }
}

/** Beside this file: as source, or as what scripts/build.ts makes of it. */
function workerFile(): string {
  const isSource = import.meta.filename.endsWith('.ts')
  return path.join(import.meta.dirname, isSource ? 'conformance-worker.ts' : 'conformance-worker.js')
}
