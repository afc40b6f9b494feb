/** Runs one program with an array of arguments: no shell, a time limit, and an end that takes its children along. */
import { spawn, type ChildProcess } from 'node:child_process'

export interface RunOptions {
  /** Ends the program. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeLimit: number
  /** Where it runs and keeps its temporary files. */
  readonly folder: string
}

export type Outcome =
  | { readonly kind: 'exited'; readonly status: number; readonly output: string }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'too-slow' }
  /** It could not be started, or was killed from outside. */
  | { readonly kind: 'failed'; readonly message: string }

/** Characters of output that are kept. */
const longestOutput = 1 << 20

/** `output` is what it wrote on both standard output and standard error. */
export function run(file: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const { signal, timeLimit, folder } = options
  if (signal?.aborted === true) return Promise.resolve({ kind: 'cancelled' })
  return new Promise(resolve => {
    let output = '', ended: Outcome | undefined
    const child = spawn(file, args, {
      cwd: folder, env: { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder },
      stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, detached: process.platform !== 'win32'
    })
    const end = (outcome: Outcome): void => {
      ended ??= outcome
      killWithChildren(child)
    }
    const cancel = (): void => { end({ kind: 'cancelled' }) }
    const timer = setTimeout(() => { end({ kind: 'too-slow' }) }, timeLimit)
    const finish = (outcome: Outcome): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      resolve(ended ?? outcome)
    }
    const take = (chunk: string): void => { if (output.length < longestOutput) output += chunk }
    signal?.addEventListener('abort', cancel, { once: true })
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', error => { finish({ kind: 'failed', message: error.message }) })
    child.on('close', (status, killedBy) => {
      finish(status === null
        ? { kind: 'failed', message: `ended by ${killedBy ?? 'a signal'}` } : { kind: 'exited', status, output })
    })
  })
}

/** nvcc starts others; where there are process groups, they all end. */
function killWithChildren(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}
