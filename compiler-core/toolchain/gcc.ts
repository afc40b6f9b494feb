/**
 * The machine's g++, and whether the CPU engine works with it.
 *
 *     Linux, x86-64 or arm64, g++ 9 or newer     works
 *     another system or processor, clang as g++  does not, with the reason for `heddle doctor`
 */
import { stat } from 'node:fs/promises'
import os from 'node:os'
import { run } from './process.ts'
import { findExecutable, searchPathOf } from './tools.ts'

export interface Compiler {
  readonly file: string
  /** `g++ (Debian 12.2.0-14) 12.2.0` */
  readonly version: string
  readonly major: number
  /** Differs between compilers that may compile differently. */
  readonly identity: string
}

export type CpuSupport =
  | { readonly works: true; readonly compiler: string }
  /** A sentence for people. */
  | { readonly works: false; readonly message: string }

/** Asks g++ for its version. */
export async function cpuSupport(environment: NodeJS.ProcessEnv = process.env): Promise<CpuSupport> {
  const compiler = await findCompiler(environment)
  return typeof compiler === 'string' ? { works: false, message: compiler } : { works: true, compiler: compiler.version }
}

/** Milliseconds in which g++ tells its version, on a busy machine too. */
const patience = 30_000
/** Older ones do not know what the kernels' flags ask for. */
const oldestMajor = 9

/** A sentence where there is none that serves. */
export async function findCompiler(environment: NodeJS.ProcessEnv): Promise<Compiler | string> {
  if (process.platform !== 'linux') {
    return `The CPU engine runs on Linux; this is ${systems[process.platform] ?? process.platform}.`
  }
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return `The CPU engine runs on x86-64 and arm64; this is ${process.arch}.`
  }
  const file = findExecutable('g++', searchPathOf(environment))
  if (file === undefined) return 'The CPU engine needs g++, and there is none on PATH.'
  const answer = await run(file, ['--version'], { timeLimit: patience, folder: os.tmpdir() })
  if (answer.kind === 'too-slow') return `The CPU engine needs g++; \`${file}\` did not answer in ${patience / 1000} seconds.`
  const version = answer.kind === 'exited' && answer.status === 0 ? answer.output.split('\n')[0] ?? '' : ''
  const major = Number(/(\d+)\.\d+/.exec(version.replace(/\([^)]*\)/, ''))?.[1] ?? 0)
  if (version.includes('clang')) return `The CPU engine needs GCC's g++; \`${file}\` is clang.`
  if (major < oldestMajor) return `The CPU engine needs g++ ${oldestMajor} or newer; \`${file}\` is ${version || 'silent'}.`
  const about = await stat(file)
  return { file, version, major, identity: `${file} ${version} ${about.size} ${about.mtimeMs}` }
}

const systems: Readonly<Record<string, string>> = { darwin: 'macOS', win32: 'Windows' }
