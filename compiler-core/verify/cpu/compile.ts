/**
 * Kernels for the CPU: the prepared text and our headers through g++ to a shared object, and the runner that loads it.
 *
 *     CACHE/runners/HASH        compiled once a machine
 *     CACHE/kernels/HASH        once for each text
 *
 * What is compiled is kept by the content of everything that it follows from, and put in place as a whole, so that two
 * processes may compile the same at once. The folders are the user's alone, since what lies there is run; the oldest
 * files go when there are too many.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { run } from '../../toolchain/process.ts'
import type { Compiler } from './compiler.ts'
import collectives from './runner/collectives.h'
import counts from './runner/counts.h'
import device from './runner/device.h'
import launch from './runner/launch.h'
import memory from './runner/memory.h'
import ptx from './runner/ptx.h'
import report from './runner/report.h'
import runner from './runner/runner.cpp'

export type Compiled =
  | { readonly kind: 'compiled'; readonly file: string }
  /** `message`: what g++ says. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' }

export interface Cache {
  readonly folder: string
  readonly compiler: Compiler
}

/** Milliseconds for each program that g++ compiles. */
const patience = 120_000
/** Of all kept objects. */
const mostBytes = 256 << 20

const headers = {
  'device.h': device, 'ptx.h': ptx, 'launch.h': launch, 'report.h': report, 'memory.h': memory,
  'collectives.h': collectives, 'counts.h': counts
}

const runnerFlags = [
  '-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-rdynamic', 'runner.cpp',
  '-Wl,--no-as-needed', '-ldl', '-lm'
]

/** The program that runs kernels. */
export function compiledRunner(cache: Cache, signal: AbortSignal | undefined): Promise<Compiled> {
  const { compiler } = cache
  const name = hashOf([compiler.identity, ...runnerFlags, runner, ...Object.values(headers)])
  return kept(cache, 'runners', name, { ...headers, 'runner.cpp': runner }, [...runnerFlags, '-o', 'result'], signal)
}

/**
 * Every access stays where it is in the text, and the runner is told of it: what would merge accesses, or move them
 * over one another, is off. `counts`: nothing is optimised, so that each access is counted as often as it is written.
 */
function objectFlags(compiler: Compiler, counts: boolean): readonly string[] {
  return [
    '-std=c++17', '-w', '-g1', '-gdwarf-4', '-gz=none', '-fPIC', '-fno-plt', '-shared', '-nostdlib', '-march=native',
    ...counts ? ['-O0', '-DHEDDLE_COUNTS'] : ['-O1'],
    '-fsanitize=thread', '--param=tsan-instrument-func-entry-exit=0', '-fsanitize=bounds',
    ...compiler.major >= 12 ? ['-ftrivial-auto-var-init=pattern'] : [],
    '-fstack-clash-protection', '-fno-exceptions', '-fno-rtti', '-fno-math-errno', '-ffp-contract=fast',
    '-fno-strict-aliasing', '-fno-tree-sra', '-fno-tree-vectorize', '-fno-tree-slp-vectorize', '-fno-store-merging',
    '-fno-tree-tail-merge', '-fno-crossjumping', '-fno-code-hoisting', '-fno-tree-loop-distribute-patterns',
    '-include', 'device.h', '-include', 'ptx.h', 'kernel.cpp', '-o', 'result'
  ]
}

/** A prepared text as an object that the runner loads. */
export function compiledKernels(
  cache: Cache, text: string, counts: boolean, signal: AbortSignal | undefined
): Promise<Compiled> {
  const flags = objectFlags(cache.compiler, counts)
  const name = hashOf([cache.compiler.identity, processor(), device, ptx, ...flags, text])
  const files = { 'device.h': device, 'ptx.h': ptx, 'kernel.cpp': text }
  return kept(cache, 'kernels', name, files, flags, signal)
}

/** Objects use all that the machine's processor can do. */
function processor(): string { return `${process.arch} ${os.cpus()[0]?.model ?? ''}` }

function hashOf(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('hex').slice(0, 32)
}

// ---------------------------------------------------------------- files

/** What g++ makes of the files as `result`. */
async function kept(
  { folder, compiler }: Cache, kind: string, name: string, files: Readonly<Record<string, string>>,
  flags: readonly string[], signal: AbortSignal | undefined
): Promise<Compiled> {
  const target = path.join(folder, kind), file = path.join(target, name)
  try {
    await mkdir(target, { recursive: true, mode: 0o700 })
    if (!await isOwn(target)) return { kind: 'failed', message: `Others than you can write to \`${target}\`.` }
    if (await isUsed(file)) return { kind: 'compiled', file }
    const work = await mkdtemp(path.join(target, workPrefix))
    try {
      await Promise.all(Object.entries(files).map(([own, text]) => writeFile(path.join(work, own), text)))
      const message = await compile(compiler, work, flags, signal)
      if (message === 'cancelled') return { kind: 'cancelled' }
      if (message !== undefined) return { kind: 'failed', message }
      await rename(path.join(work, 'result'), file)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
    await dropOldest(target)
    return { kind: 'compiled', file }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { kind: 'failed', message: `The cache folder cannot be used: ${reason}` }
  }
}

/** Undefined: it is done. */
async function compile(
  compiler: Compiler, folder: string, flags: readonly string[], signal: AbortSignal | undefined
): Promise<string | undefined> {
  const outcome = await run(compiler.file, flags, { folder, signal, timeLimit: patience })
  switch (outcome.kind) {
    case 'cancelled': return 'cancelled'
    case 'too-slow': return 'g++ takes too long.'
    case 'failed': return `g++ does not run: ${outcome.message}.`
    case 'exited': return outcome.status === 0 ? undefined : `g++ does not take the text: ${outcome.output.trim()}`
  }
}

const workPrefix = 'work-'
/** Milliseconds after which a process that left its folder behind is certainly gone. */
const workAge = 3_600_000

/** Nobody else puts programs there. */
async function isOwn(folder: string): Promise<boolean> {
  const { uid, mode } = await stat(folder)
  return uid === process.getuid?.() && (mode & 0o022) === 0
}

/** Whether it is there; then it counts as new. */
async function isUsed(file: string): Promise<boolean> {
  try {
    const now = new Date()
    await utimes(file, now, now)
    return true
  } catch {
    return false
  }
}

async function dropOldest(folder: string): Promise<void> {
  const entries = await Promise.all((await readdir(folder)).map(async name => {
    const about = await stat(path.join(folder, name)).catch(() => undefined)
    return { name, bytes: about?.size ?? 0, used: about?.mtimeMs ?? 0 }
  }))
  let bytes = 0
  for (const entry of entries.sort((a, b) => b.used - a.used)) {
    const isWork = entry.name.startsWith(workPrefix)
    if (!isWork) bytes += entry.bytes
    const goes = isWork ? Date.now() - entry.used > workAge : bytes > mostBytes
    if (goes) await rm(path.join(folder, entry.name), { recursive: true, force: true })
  }
}
