/**
 * The engine that runs the CUDA text itself, on the processor of this machine.
 *
 *     text --prepare--> C++ --g++--> kernels.so        each access calls the runner
 *     launch, inputs, runs --job--> runner             a child process: one fiber a thread, one block after the other
 *     report, outputs      --> what was computed, and what went wrong where
 *
 * What a program does harms only the child, which has limits of time and memory.
 */
import { readFileSync } from 'node:fs'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { findCompiler, type Compiler } from '../../toolchain/gcc.ts'
import type { Cache, Compiled } from '../../toolchain/kept.ts'
import { readAt, writeAt } from '../../toolchain/large-files.ts'
import { run, type Outcome as Ran } from '../../toolchain/process.ts'
import type { Engine, Outcome, Request, Subject } from '../engine.ts'
import { compiledKernels, compiledRunner } from './compile.ts'
import { jobOf } from './job.ts'
import { entryText, launchOf, type Launch } from './launch.ts'
import { readLines, type LineOf } from './lines.ts'
import { readReport, type Places } from './report.ts'
import { prepare } from './text.ts'

export { cpuSupport, type CpuSupport } from '../../toolchain/gcc.ts'

export interface CpuOptions {
  /** Where compiled engines are kept; made where it is missing. */
  readonly cacheFolder: string
  /** Whose PATH is searched for g++; the process's when absent. */
  readonly environment?: NodeJS.ProcessEnv
}

export function cpuEngine({ cacheFolder, environment = process.env }: CpuOptions): Engine {
  let found: Promise<Compiler | string> | undefined
  return async (subject, request) => {
    const compiler = await (found ??= findCompiler(environment))
    if (typeof compiler === 'string') {
      found = undefined // it may be installed meanwhile
      return { kind: 'unavailable', message: compiler }
    }
    return execute(subject, request, { folder: cacheFolder, compiler })
  }
}

async function execute(subject: Subject, request: Request, cache: Cache): Promise<Outcome> {
  const prepared = prepare(subject.cuda)
  if ('unknown' in prepared) {
    return { kind: 'unavailable', message: `The CPU engine does not know \`${prepared.unknown}\`.` }
  }
  const text = prepared.text + entryText(subject.lowered)
  const launch = launchOf(subject.lowered, subject.architecture, request.extents)
  const job: Job = { subject, launch, text, spanOf: prepared.spanOfLine, cache }
  const [executed, counted] = await Promise.all([
    runJob(job, { ...request, counts: false }),
    // to count costs more than to check, so only one run is done so, beside the others
    request.counts ? runJob(job, { ...request, runs: request.runs.slice(0, 1) }) : undefined
  ])
  if (executed.kind !== 'executed' || !counted) return executed
  return counted.kind === 'executed' ? { ...executed, counts: counted.counts } : counted
}

interface Job {
  readonly subject: Subject
  readonly launch: Launch
  /** What g++ compiles. */
  readonly text: string
  readonly spanOf: Places['spanOf']
  readonly cache: Cache
}

async function runJob({ subject, launch, text, spanOf, cache }: Job, request: Request): Promise<Outcome> {
  const { signal, counts } = request
  const [runner, kernels] = await Promise.all([
    compiledRunner(cache, signal), compiledKernels(cache, text, counts, signal)
  ])
  if (runner.kind !== 'compiled') return notCompiled(runner)
  if (kernels.kind !== 'compiled') return notCompiled(kernels)
  let lines: LineOf | undefined
  const lineOf: LineOf = pc => (lines ??= readLines(readFileSync(kernels.file), 'kernel.cpp'))(pc)
  return inTemporaryFolder(async folder => {
    const job = path.join(folder, 'job')
    try {
      await writeAll(job, jobOf(launch, request, Math.floor(os.totalmem() * memoryShare)))
    } catch (error) {
      return { kind: 'unavailable', message: `The CPU engine cannot hand on its inputs: ${reasonOf(error)}.` }
    }
    const ran = await run(runner.file, [kernels.file, job, folder],
      { folder, signal, timeLimit: request.timeLimit + grace })
    if (ran.kind === 'cancelled') return ran
    if (ran.kind !== 'exited' || ran.status !== 0) return accident(ran)
    try {
      const [report, outputs] = await Promise.all([
        readFile(path.join(folder, 'report'), 'utf8'), readAll(path.join(folder, 'outputs'))
      ])
      return readReport(report, outputs, subject, launch, { lineOf, spanOf }) ?? unreadable('its report breaks off')
    } catch (error) {
      // too little memory or space, or a wild kernel has broken what the runner had to tell
      return unreadable(reasonOf(error))
    }
  })
}

/** A new file. */
async function writeAll(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx')
  try {
    await writeAt(handle, bytes, 0)
  } finally {
    await handle.close()
  }
}

/** Of a file that is missing, nothing. */
async function readAll(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (!handle) return new Uint8Array()
  try {
    const bytes = new Uint8Array((await handle.stat()).size)
    await readAt(handle, bytes, 0)
    return bytes
  } finally {
    await handle.close()
  }
}

/** Beyond the limit that the runner keeps itself, so that it can tell where it was. Milliseconds. */
const grace = 2000
/** Of the machine's memory, as a share. */
const memoryShare = 0.5

function notCompiled(outcome: Exclude<Compiled, { kind: 'compiled' }>): Outcome {
  return outcome.kind === 'cancelled' ? outcome : { kind: 'unavailable', message: outcome.message }
}

/** In the words of a sentence's end. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /allocation failed/.test(message) ? 'there is not enough memory for them' : message
}

function unreadable(reason: string): Outcome {
  return { kind: 'unavailable', message: `What the CPU engine computed cannot be read: ${reason}.` }
}

/** It ended without a word. Only what a program does to itself is its fault. */
function accident(ran: Exclude<Ran, { kind: 'cancelled' }>): Outcome {
  switch (ran.kind) {
    case 'too-slow': return { kind: 'ended', why: 'time', message: 'It did not end within its time.', fault: undefined }
    case 'failed': {
      const signal = /^ended by (\w+)/.exec(ran.message)?.[1]
      if (signal === undefined) {
        return { kind: 'unavailable', message: `The CPU engine cannot start its runner: ${ran.message}.` }
      }
      if (ownSignals.includes(signal)) {
        return { kind: 'ended', why: 'crash', message: `It crashed (${signal}).`, fault: undefined }
      }
      const why = signal === 'SIGKILL' ? ', as systems do when memory runs out' : ''
      return { kind: 'unavailable', message: `Its process was ended from outside (${signal})${why}.` }
    }
    case 'exited': return {
      kind: 'unavailable',
      message: `The CPU engine could not read its job or write its results below ${os.tmpdir()} (status ${ran.status}).`
    }
  }
}

const ownSignals: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGSYS']

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'heddle-cpu-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
