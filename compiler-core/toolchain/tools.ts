/** The programs of the machine that Heddle can use, on PATH or below CUDA_PATH. Only `TOOL --version` is run. */
import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'

export interface Tool {
  readonly name: string
  /** What it is needed for. */
  readonly purpose: string
}

export interface FoundTool extends Tool {
  /** Undefined where it is missing. */
  readonly path: string | undefined
  /** The first line with a number of what `--version` prints; undefined where it does not answer. */
  readonly version: string | undefined
}

const tools: readonly Tool[] = [
  { name: 'g++', purpose: 'running kernels on the CPU' },
  { name: 'nvcc', purpose: 'compiling CUDA' },
  { name: 'ptxas', purpose: 'registers, spills and shared memory of a kernel' },
  { name: 'nvidia-smi', purpose: 'a GPU to measure on' }
]

/** Looks every tool up; a tool that does not answer in 5 seconds has no version. */
export function findTools(searchPath = searchPathOf(process.env)): Promise<FoundTool[]> {
  return Promise.all(tools.map(async tool => {
    const found = findExecutable(tool.name, searchPath)
    return { ...tool, path: found, version: found === undefined ? undefined : await versionOf(found) }
  }))
}

/** The folders of PATH, then the programs of the toolkit that CUDA_PATH names. */
export function searchPathOf(environment: NodeJS.ProcessEnv): string {
  const toolkit = environment['CUDA_PATH']
  const folders = toolkit === undefined ? [] : [path.join(toolkit, 'bin')]
  return [environment['PATH'] ?? '', ...folders].join(path.delimiter)
}

export function findExecutable(name: string, searchPath: string): string | undefined {
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd'] : ['']
  const candidates = searchPath.split(path.delimiter).filter(path.isAbsolute)
    .flatMap(folder => suffixes.map(suffix => path.join(folder, name + suffix)))
  return candidates.find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function versionOf(file: string): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile(file, ['--version'], { timeout: 5000 }, (error, stdout) => {
      const lines = stdout.split('\n').map(line => line.trim())
      resolve(error ? undefined : lines.find(line => /release|\d+\.\d+/.test(line)))
    })
  })
}
