/**
 * CUDA text to PTX, machine code and what ptxas knows of it.
 *
 *     text --cicc (behind our prelude) or nvcc--> PTX --ptxas--> cubin, registers, spills, stack, shared memory
 *
 * cicc, called directly, takes a third of nvcc's time, since neither a host compiler nor CUDA's headers are read. It is
 * called so for releases whose PTX has been compared with nvcc's; for others, and for a text that it does not take,
 * nvcc decides. Each compilation has a temporary folder of its own, which is gone afterwards.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { prelude } from './prelude.ts'
import { run, type Outcome } from './process.ts'
import { parsePtxasReport, type KernelFacts } from './ptxas-report.ts'
import type { Toolkit } from './toolkit.ts'

export interface CompileOptions {
  /** `sm_80`, `sm_90a` */
  readonly architecture: string
  /** In messages the text is called `NAME.cu`. */
  readonly name: string
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for each program that runs; two minutes when absent. */
  readonly timeLimit?: number | undefined
}

export type Compilation = Compiled | NotCompiled

export interface Compiled {
  readonly kind: 'compiled'
  readonly ptx: string
  readonly cubin: Uint8Array
  /** In the order of the text. */
  readonly kernels: readonly KernelFacts[]
  /** Of all programs that ran, each on one line. */
  readonly warnings: readonly string[]
}

/** `rejected`: the text is wrong, or asks for more than the architecture has; `failed`: a program did not run. */
export interface NotCompiled {
  readonly kind: 'rejected' | 'too-slow' | 'cancelled' | 'failed'
  readonly message: string
}

export async function compileCuda(toolkit: Toolkit, text: string, options: CompileOptions): Promise<Compilation> {
  return inTemporaryFolder(async folder => {
    const made = await toPtx(toolkit, text, folder, options)
    return made.kind === 'ptx' ? assemble(toolkit, made, folder, options) : made
  })
}

export type Route = 'cicc' | 'nvcc'

/** PTX by one way only. */
export async function compileToPtx(
  route: Route, toolkit: Toolkit, text: string, options: CompileOptions
): Promise<Ptx | NotCompiled> {
  return inTemporaryFolder(folder => routes[route](toolkit, text, folder, options))
}

export interface Ptx { readonly kind: 'ptx'; readonly text: string; readonly warnings: readonly string[] }

const routes = { cicc: byCicc, nvcc: byNvcc }

/** Releases for which `test/compiler-core/toolchain` has found the PTX of both ways equal. */
const comparedReleases: readonly string[] = ['13.0']

async function toPtx(
  toolkit: Toolkit, text: string, folder: string, options: CompileOptions
): Promise<Ptx | NotCompiled> {
  if (!comparedReleases.includes(toolkit.release)) return byNvcc(toolkit, text, folder, options)
  const direct = await byCicc(toolkit, text, folder, options)
  if (direct.kind === 'ptx' || direct.kind === 'cancelled' || direct.kind === 'too-slow') return direct
  const usual = await byNvcc(toolkit, text, folder, options)
  const readText = usual.kind === 'ptx' || usual.message.includes(`${options.name}.cu`) // with a host compiler it does
  return readText || direct.kind === 'failed' ? usual : direct
}

/** The flags are those of `nvcc --dryrun -ptx`, less the names of files that only host code needs. */
async function byCicc(
  toolkit: Toolkit, text: string, folder: string, options: CompileOptions
): Promise<Ptx | NotCompiled> {
  if (toolkit.cicc === undefined) return { kind: 'failed', message: 'The toolkit has no cicc.' }
  await writeFile(path.join(folder, 'input.ii'), `${prelude}#line 1 "${options.name}.cu"\n${text}`)
  const flags = [
    '--c++17', '--static-host-stub', '--device-hidden-visibility', '--gnu_version=120200', '--display_error_number',
    '--allow_managed', '-arch', options.architecture.replace('sm_', 'compute_'), '-m64', '--no-version-ident',
    '-ftz=0', '-prec_div=1', '-prec_sqrt=1', '-fmad=1', '-tused', 'input.ii', '-o', 'output.ptx'
  ]
  return ptxOf('cicc', await runIn(folder, toolkit.cicc, flags, options), folder)
}

async function byNvcc(
  toolkit: Toolkit, text: string, folder: string, options: CompileOptions
): Promise<Ptx | NotCompiled> {
  await writeFile(path.join(folder, 'input.cu'), `#line 1 "${options.name}.cu"\n${text}`)
  const flags = ['-ptx', `-arch=${options.architecture}`, 'input.cu', '-o', 'output.ptx']
  return ptxOf('nvcc', await runIn(folder, toolkit.nvcc, flags, options), folder)
}

async function ptxOf(program: string, outcome: Outcome, folder: string): Promise<Ptx | NotCompiled> {
  if (outcome.kind !== 'exited' || outcome.status !== 0) return notCompiled(program, outcome)
  const warnings = outcome.output.split(/\r?\n/).filter(line => /: warning\b/.test(line))
  return { kind: 'ptx', text: await readFile(path.join(folder, 'output.ptx'), 'utf8'), warnings }
}

async function assemble(
  toolkit: Toolkit, ptx: Ptx, folder: string, options: CompileOptions
): Promise<Compilation> {
  const flags = ['-v', `-arch=${options.architecture}`, '-m64', 'output.ptx', '-o', 'output.cubin']
  const outcome = await runIn(folder, toolkit.ptxas, flags, options)
  if (outcome.kind !== 'exited' || outcome.status !== 0) return notCompiled('ptxas', outcome)
  const { kernels, warnings } = parsePtxasReport(outcome.output)
  const place = (kernel: KernelFacts): number => ptx.text.indexOf(`.entry ${kernel.name}(`)
  return {
    kind: 'compiled', ptx: ptx.text, cubin: new Uint8Array(await readFile(path.join(folder, 'output.cubin'))),
    kernels: kernels.toSorted((a, b) => place(a) - place(b)), warnings: [...ptx.warnings, ...warnings]
  }
}

const patience = 120_000

function runIn(folder: string, file: string, flags: readonly string[], options: CompileOptions): Promise<Outcome> {
  return run(file, flags, { folder, signal: options.signal, timeLimit: options.timeLimit ?? patience })
}

function notCompiled(program: string, outcome: Outcome): NotCompiled {
  switch (outcome.kind) {
    case 'exited': return { kind: 'rejected', message: `${program} does not take the CUDA text:\n${outcome.output.trim()}` }
    case 'cancelled': return { kind: 'cancelled', message: `${program} was cancelled.` }
    case 'too-slow': return { kind: 'too-slow', message: `${program} was ended, since it took too long.` }
    case 'failed': return { kind: 'failed', message: `${program} did not run: ${outcome.message}.` }
  }
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'heddle-cuda-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
