/**
 * The CUDA toolkit of the machine: nvcc on PATH or below CUDA_PATH, and the programs behind it.
 *
 * What nvcc would run is asked from nvcc itself, since the one on PATH may be a script that only calls the real one.
 */
import { realpath } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { run } from './process.ts'
import { findExecutable, searchPathOf } from './tools.ts'

export interface Toolkit {
  /** `13.0` */
  readonly release: string
  /** `13.0.88` */
  readonly version: string
  readonly nvcc: string
  /** The compiler from CUDA to PTX that nvcc calls. */
  readonly cicc: string | undefined
  readonly ptxas: string
}

/** A missing toolkit is a value with a sentence for people, to be said once. */
export type ToolkitSearch =
  | { readonly kind: 'found'; readonly toolkit: Toolkit }
  | { readonly kind: 'missing'; readonly message: string }

/** Milliseconds in which nvcc answers, on a busy machine too. */
const patience = 30_000

export async function findToolkit(environment: NodeJS.ProcessEnv = process.env): Promise<ToolkitSearch> {
  const searchPath = searchPathOf(environment)
  const nvcc = findExecutable('nvcc', searchPath)
  if (nvcc === undefined) return missing('There is no nvcc on PATH, and none below CUDA_PATH')
  const options = { timeLimit: patience, folder: os.tmpdir() }
  const [answer, plan] = await Promise.all([
    run(nvcc, ['--version'], options), run(nvcc, ['--dryrun', '-ptx', 'probe.cu'], options)
  ])
  if (answer.kind === 'too-slow') return missing(`\`${nvcc}\` did not tell its version in ${patience / 1000} seconds`)
  const version = answer.kind === 'exited' ? /V(\d+\.\d+\.\d+)/.exec(answer.output)?.[1] : undefined
  if (version === undefined) return missing(`\`${nvcc}\` does not tell its version`)
  const folder = (plan.kind === 'exited' ? /^#\$ TOP=(.+?)\s*$/m.exec(plan.output)?.[1] : undefined)
    ?? path.dirname(path.dirname(await realpath(nvcc)))
  const ptxas = inBin(folder, 'ptxas') ?? findExecutable('ptxas', searchPath)
  if (ptxas === undefined) return missing(`There is an nvcc (\`${nvcc}\`), but no ptxas beside it or on PATH`)
  const cicc = inBin(path.join(folder, 'nvvm'), 'cicc')
  return { kind: 'found', toolkit: { release: version.replace(/\.\d+$/, ''), version, nvcc, cicc, ptxas } }
}

function inBin(folder: string, name: string): string | undefined {
  return findExecutable(name, path.join(folder, 'bin'))
}

function missing(what: string): ToolkitSearch {
  return { kind: 'missing', message: `${what}: CUDA is written, but not compiled to PTX and cubin.` }
}
