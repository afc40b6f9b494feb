/** What all commands that take a model have in common: what it is compiled for, and what is bound. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { listText } from '../language/suggestions.ts'
import type { ParallelK } from '../graph/passes/optimise.ts'
import { openCache, type DiskCache } from '../toolchain/disk-cache.ts'
import type { ModelProblem } from '../graph/onnx/problem.ts'
import type { StoredOptions } from '../runtime/stored-model.ts'
import { architectureNamed, defaultTarget } from '../target/architectures.ts'
import { defaultDevice, devices } from '../target/devices.ts'
import { failure, type Report } from './report.ts'

export interface ModelOptions {
  /** An architecture; by default the device's. */
  readonly target?: string | undefined
  /** A card; by default the first of the architecture. */
  readonly device?: string | undefined
  /** `batch=1` */
  readonly bind?: readonly string[] | undefined
  /** `default`, `paper`, `disabled` or a number. */
  readonly parallelK?: string | undefined
  /** Undefined: nothing is kept. */
  readonly cacheFolder?: string | undefined
  /** Of the compiler; undefined: no package is taken from the cache. */
  readonly version?: string | undefined
}

/** A report where they are wrong. */
export function storedOptions(options: ModelOptions): StoredOptions | Report {
  const device = options.device === undefined ? undefined : devices.find(d => sameName(d.name, options.device!))
  if (options.device !== undefined && !device) {
    return failure(noDevice(options.device))
  }
  const architecture = architectureNamed(options.target ?? device?.architecture ?? defaultTarget)
  if (!architecture) return failure(`There is no target \`${options.target ?? ''}\`.`)
  if (device && device.architecture !== architecture.name) {
    return failure(`The ${device.name} is of ${device.architecture}, not of ${architecture.name}.`)
  }
  const bindings = new Map<string, number>()
  for (const text of options.bind ?? []) {
    const [, name, value] = /^(.+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? []
    if (name === undefined) return failure(`--bind takes NAME=NUMBER; this is \`${text}\`.`)
    if (bindings.has(name)) return failure(`--bind gives \`${name}\` twice.`)
    bindings.set(name, Number(value))
  }
  const parallelK = parallelKOf(options.parallelK ?? 'default')
  if (parallelK === undefined) {
    return failure(`--parallel-k takes default, paper, disabled or a number from 2 to ${mostParts}; this is \`${options.parallelK}\`.`)
  }
  const { cacheFolder, version } = options
  return {
    architecture, device: device ?? defaultDevice(architecture.name), bindings, parallelK, version: version ?? '',
    cache: cacheFolder === undefined || version === undefined ? undefined : modelCache(cacheFolder)
  }
}

/** `a100 sxm4 80gb` is `A100-SXM4-80GB`. */
function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b)
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Names all cards; before them those that the text is a part of, where these are few. */
function noDevice(text: string): string {
  const names = devices.map(d => d.name), similar = names.filter(name => plainName(name).includes(plainName(text)))
  const isFew = similar.length > 0 && similar.length <= 4
  const meant = isFew ? ` Did you mean ${similar.map(name => `\`${name}\``).join(' or ')}?` : ''
  return `There is no device \`${text}\`.${meant} It knows ${listText(names, names.length)}.`
}

/** Of `--parallel-k`. */
const mostParts = 9999

function parallelKOf(text: string): ParallelK | undefined {
  if (text === 'default' || text === 'paper' || text === 'disabled') return text
  return /^\d{1,6}$/.test(text) && Number(text) >= 2 && Number(text) <= mostParts ? Number(text) : undefined
}

/** One line each. */
export function modelProblems(file: string, problems: readonly ModelProblem[]): Report {
  return { status: 1, text: '', errors: problems.map(p => `${file}: error: ${p.message}\n`).join('') }
}

/** Packages, weights and whatever else is kept of models. */
export function modelCache(cacheFolder: string): DiskCache {
  return openCache(cacheFolder)
}

/** Changes with every build of the command; undefined where it runs from source. */
export function compilerVersion(): string | undefined {
  const file = import.meta.filename
  return file.endsWith('.ts') ? undefined : createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** `12.3 MB` */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  const [unit, size] = bytes < 1e6 ? ['kB', 1e3] : bytes < 1e9 ? ['MB', 1e6] : ['GB', 1e9]
  return `${(bytes / Number(size)).toFixed(1)} ${unit}`
}
