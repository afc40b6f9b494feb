/**
 * What g++ makes of texts, kept by the content of everything that it follows from.
 *
 *     CACHE/KIND/HASH      an object or a program (disk-cache.ts)
 *
 * The folders are the user's alone, since what lies there is run.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { openCache } from './disk-cache.ts'
import { makeFolder } from './folders.ts'
import type { Compiler } from './gcc.ts'
import { run } from './process.ts'

export type Compiled =
  | { readonly kind: 'compiled'; readonly file: string }
  /** `message`: what g++ says. */
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'cancelled' }

export interface Cache {
  readonly folder: string
  readonly compiler: Compiler
}

/** What is compiled, as which kind, and by what name it is kept: `hashOf` all that it follows from. */
export interface Compilation {
  readonly kind: string
  readonly name: string
  /** By their names in the folder where g++ runs. */
  readonly files: Readonly<Record<string, string>>
  /** They name the output `result`. */
  readonly flags: readonly string[]
}

/** Milliseconds for each program that g++ compiles. */
const patience = 120_000

/** Objects use all that the machine's processor can do. */
export function processor(): string {
  return processorText ??= `${process.arch} ${features()}`
}

let processorText: string | undefined

/** Of the first core, as Linux tells them. */
function features(): string {
  const [first = ''] = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n')
  return first.split('\n').filter(line => /^(model name|cpu family|model|stepping|flags|Features|CPU \w+)\s*:/.test(line)).join(' ')
}

export function hashOf(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('hex').slice(0, 32)
}

/** What g++ makes of the files. */
export async function kept(
  { folder, compiler }: Cache, { kind, name, files, flags }: Compilation, signal: AbortSignal | undefined
): Promise<Compiled> {
  const store = openCache(folder), target = path.join(folder, kind)
  try {
    makeFolder(target, 0o700)
    if (!await isOwn(target)) return { kind: 'failed', message: `Others than you can write to \`${target}\`.` }
    const known = store.find(kind, name)
    if (known !== undefined) return { kind: 'compiled', file: known }
    const work = await mkdtemp(path.join(os.tmpdir(), 'heddle-'))
    try {
      await Promise.all(Object.entries(files).map(([own, text]) => writeFile(path.join(work, own), text)))
      const message = await compile(compiler, work, flags, signal)
      if (message === 'cancelled') return { kind: 'cancelled' }
      if (message !== undefined) return { kind: 'failed', message }
      const file = store.put(kind, name, to => { copyFileSync(path.join(work, 'result'), to) })
      return file === undefined
        ? { kind: 'failed', message: `The cache folder \`${target}\` cannot be written.` } : { kind: 'compiled', file }
    } finally {
      await rm(work, { recursive: true, force: true })
    }
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

/** Nobody else puts programs there. */
async function isOwn(folder: string): Promise<boolean> {
  const { uid, mode } = await stat(folder)
  return uid === process.getuid?.() && (mode & 0o022) === 0
}
