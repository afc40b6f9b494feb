/**
 * Tasks in child processes: what one of them does to its process harms no other.
 *
 *     pool.run(task)   ->   { kind: 'done', result, seconds }
 *                     or   { kind: 'lost', reason: 'The process ended by SIGSEGV.', seconds }
 *
 * A child lives as long as it answers, one task at a time. One that ends, takes too long or has become large is
 * replaced. A child leads a process group, so that what it has started ends with it.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { turns } from '../../toolchain/turns.ts'

/** From a child: what its task gives, and the memory that its process has taken by then. */
export interface Answer<R> { readonly result: R; readonly residentBytes: number }

/** What became of a task, in seconds of a child's time. */
export type Outcome<R> = Answered<R> & { readonly seconds: number }

type Answered<R> =
  | { readonly kind: 'done'; readonly result: R }
  /** In a sentence. */
  | { readonly kind: 'lost'; readonly reason: string }

export interface PoolSettings {
  /** So many children at a time. */
  readonly size: number
  /** The file that a child runs: it takes tasks by `process.on('message')` and answers each by `process.send`. */
  readonly file: string
  readonly args: readonly string[]
  /** Of the children; by default that of this process. */
  readonly environment?: NodeJS.ProcessEnv
  /** For one task. */
  readonly limitSeconds: number
  /** A child that has taken more is replaced before the next task. */
  readonly mostBytes: number
}

export interface Pool<T, R> {
  /** Waits for a free child. Never rejects. */
  run(task: T): Promise<Outcome<R>>
  /** Ends all children; tasks that run are lost. */
  close(): void
  /** Resolves when the children that there are have ended. */
  ended(): Promise<void>
}

export function createPool<T, R>(
  { size, file, args, environment, limitSeconds, mostBytes }: PoolSettings
): Pool<T, R> {
  const idle: Child[] = [], all = new Set<Child>(), places = turns(size)
  let isClosed = false

  const start = (): Child => {
    const started = fork(file, args, {
      detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'advanced', env: environment ?? process.env
    })
    const ended = new Promise<void>(resolve => { started.once('close', () => { resolve() }) })
    const child: Child = { process: started, ended, said: '', isCancelled: false }
    all.add(child)
    child.process.stderr?.setEncoding('utf8').on('data', (text: string) => { child.said = (child.said + text).slice(-mostSaid) })
    child.process.on('error', () => undefined) // told to the task that it ends
    child.process.on('close', () => {
      all.delete(child)
      if (idle.includes(child)) idle.splice(idle.indexOf(child), 1)
    })
    return child
  }
  const close = (): void => {
    isClosed = true
    for (const child of all) {
      child.isCancelled = true
      end(child)
    }
  }
  process.on('exit', close)

  return {
    run: async task => {
      await places.take()
      try {
        if (isClosed) return { kind: 'lost', reason: cancelled, seconds: 0 }
        const child = idle.pop() ?? start()
        const { outcome, residentBytes } = await ask<T, R>(child, task, limitSeconds)
        if (outcome.kind === 'lost' || residentBytes > mostBytes) end(child)
        else if (all.has(child)) idle.push(child)
        return outcome
      } finally {
        places.give()
      }
    },
    close: () => {
      process.off('exit', close)
      close()
    },
    ended: async () => { await Promise.all([...all].map(child => child.ended)) }
  }
}

const cancelled = 'It was cancelled.'

interface Child {
  readonly process: ChildProcess
  readonly ended: Promise<void>
  /** The end of what it has written to standard error. */
  said: string
  isCancelled: boolean
}

/** Characters: enough for the message and the stack of one error. */
const mostSaid = 2000

function ask<T, R>(
  child: Child, task: T, limitSeconds: number
): Promise<{ outcome: Outcome<R>; residentBytes: number }> {
  return new Promise(resolve => {
    const start = performance.now()
    child.said = ''
    const finish = (answer: Answered<R>, residentBytes: number): void => {
      clearTimeout(timer)
      child.process.off('message', take).off('close', lost)
      resolve({ outcome: { ...answer, seconds: (performance.now() - start) / 1000 }, residentBytes })
    }
    const take = (message: unknown): void => {
      const { result, residentBytes } = message as Answer<R>
      finish({ kind: 'done', result }, residentBytes)
    }
    const lost = (code: number | null, signal: NodeJS.Signals | null): void => {
      const how = signal === null ? `with status ${code}` : `by ${signal}`
      const reason = `The process ended ${how}. ${errorLine(child.said)}`.trimEnd()
      finish({ kind: 'lost', reason: child.isCancelled ? cancelled : reason }, 0)
    }
    const timer = setTimeout(() => {
      finish({ kind: 'lost', reason: `It took more than ${limitSeconds} s.` }, 0)
    }, limitSeconds * 1000)
    child.process.on('message', take).on('close', lost)
    child.process.send(task as object, error => { if (error) end(child) })
  })
}

/** The line that tells the error in what Node writes of one that nobody caught. */
function errorLine(said: string): string {
  const lines = said.split('\n').map(line => line.trim()).filter(line => line !== '')
  return lines.find(line => /^(?:\w*Error|FATAL ERROR)\b/.test(line)) ?? lines.at(-1) ?? ''
}

function end({ process: { pid } }: Child): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL')
  } catch { /* it has ended already */ }
}
