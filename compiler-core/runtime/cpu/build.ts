/**
 * The program that executes a plan on this machine: its kernels by g++, linked with the runner.
 *
 *     CACHE/objects/HASH       a text, or the runner
 *     CACHE/programs/HASH      all objects of a plan
 *
 * Objects are compiled on all cores; what is there already is not compiled again.
 */
import os from 'node:os'
import { hashOf, kept, processor, type Cache, type Compiled } from '../../toolchain/kept.ts'
import fiberSwitch from '../../verify/cpu/runner/switch.h'
import ptx from '../../verify/cpu/runner/ptx.h'
import type { Package } from '../package.ts'
import type { PlanKernel } from '../plan.ts'
import cuda from './cuda.h'
import instructions from './instructions.h'
import runner from './runner.cpp'
import { cpuText, type Entry } from './text.ts'
import threads from './threads.h'

export type Built =
  | {
    readonly kind: 'built'
    readonly file: string
    /** One for each kernel of the plan. */
    readonly entries: readonly Entry[]
  }
  /** `message`: a sentence, with the name of the kernel. */
  | { readonly kind: 'failed' | 'unavailable'; readonly message: string }
  | { readonly kind: 'cancelled' }

export interface BuildOptions {
  readonly signal?: AbortSignal | undefined
  /** Products are rounded before they are added to, so that fused kernels compute what separate ones do. */
  readonly exact?: boolean | undefined
  /** How many compilers run at once; as many as there are cores when absent. */
  readonly jobs?: number | undefined
}

/** What an exported project needs to do without CUDA. */
export const cpuHeaders = {
  'cuda.h': cuda, 'instructions.h': instructions, 'ptx.h': ptx, 'switch.h': fiberSwitch, 'threads.h': threads
}

/** All is linked at fixed places: cuda.h tells why. */
const codeFlags = ['-std=c++17', '-O2', '-fno-pie', '-ftls-model=local-exec', '-fno-exceptions', '-fno-rtti']

/**
 * Of texts of kernels; the last one is for those whose threads have small stacks (threads.h). Not `-fno-trapping-math`:
 * with it g++ makes `float(int(-0.3f))` -0, which is 0.
 */
export const kernelFlags = [
  '-march=native', '-fno-extern-tls-init', '-fno-math-errno', '-fno-strict-aliasing', '-fno-asynchronous-unwind-tables',
  '-Werror=frame-larger-than=49152'
]

const linkFlags = ['-no-pie', '-rdynamic', '-pthread']

export async function buildProgram({ plan, files }: Package, cache: Cache, options: BuildOptions): Promise<Built> {
  const texts: Text[] = []
  for (const file of new Set(plan.kernels.map(kernel => kernel.file))) {
    const kernels = plan.kernels.filter(kernel => kernel.file === file)
    const cudaText = files.get(file)
    if (cudaText === undefined) return { kind: 'failed', message: `The plan names \`${file}\`, which is missing.` }
    const made = cpuText(cudaText, kernels)
    if ('unknown' in made) {
      return { kind: 'unavailable', message: `The CPU engine does not know \`${made.unknown}\` of \`${file}\`.` }
    }
    texts.push({ kernels, ...made })
  }
  const objects = [
    runnerObject(cache),
    ...new Map(texts.map(({ text, kernels }) => [text, kernelObject(cache, text, kernels, options)])).values()
  ]
  const compiled = await allOf(objects, options.jobs ?? os.availableParallelism(), async ({ about, ...object }) => {
    const outcome = await kept(cache, { kind: 'objects', ...object }, options.signal)
    return outcome.kind === 'failed' ? { ...outcome, message: `${about} ${outcome.message}` } : outcome
  })
  const wrong = compiled.find(c => c.kind !== 'compiled')
  if (wrong) return wrong
  const program = await linked(cache, compiled.flatMap(c => c.kind === 'compiled' ? [c.file] : []), options.signal)
  if (program.kind !== 'compiled') return program
  const entries = new Map(texts.flatMap(t => t.kernels.map((kernel, i) => [kernel, t.entries[i]!] as const)))
  return { kind: 'built', file: program.file, entries: plan.kernels.map(kernel => entries.get(kernel)!) }
}

interface Text {
  readonly kernels: readonly PlanKernel[]
  readonly text: string
  readonly entries: readonly Entry[]
}

interface CompiledObject {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly flags: readonly string[]
  /** What stands before a message of g++. */
  readonly about: string
}

function kernelObject(
  { compiler }: Cache, text: string, kernels: readonly PlanKernel[], { exact = false }: BuildOptions
): CompiledObject {
  const flags = [
    ...codeFlags, ...kernelFlags, `-ffp-contract=${exact ? 'off' : 'fast'}`, '-c', 'kernel.cpp', '-o', 'result'
  ]
  return {
    name: hashOf([compiler.identity, processor(), ...flags, cuda, instructions, ptx, text]), flags,
    files: { 'kernel.cpp': text, 'cuda.h': cuda, 'instructions.h': instructions, 'ptx.h': ptx },
    about: `Kernel \`${kernels.map(k => k.name).join('`, `')}\`:`
  }
}

function runnerObject({ compiler }: Cache): CompiledObject {
  const flags = [...codeFlags, '-c', 'runner.cpp', '-o', 'result']
  return {
    name: hashOf([compiler.identity, ...flags, runner, threads, fiberSwitch]), flags,
    files: { 'runner.cpp': runner, 'threads.h': threads, 'switch.h': fiberSwitch }, about: 'The runner:'
  }
}

function linked(cache: Cache, objects: readonly string[], signal: AbortSignal | undefined): Promise<Compiled> {
  const flags = [...linkFlags, '@objects', '-ldl', '-lm', '-o', 'result']
  const list = objects.map(file => `"${file.replace(/["\\]/g, '\\$&')}"\n`).sort().join('')
  const name = hashOf([cache.compiler.identity, ...flags, list])
  return kept(cache, { kind: 'programs', name, files: { objects: list }, flags }, signal)
}

/** What becomes of each, at most `most` of them at once. */
async function allOf<T, R>(all: readonly T[], most: number, made: (each: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const left = all.entries()
  const work = async (): Promise<void> => {
    for (const [i, each] of left) results[i] = await made(each)
  }
  await Promise.all(Array.from({ length: Math.max(1, most) }, work))
  return results
}
