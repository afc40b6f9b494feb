/**
 * Verifications in worker threads: an editor and its server go on while kernels run, and a program that takes all
 * memory of its thread ends that thread only. Threads are kept: what the second verification needs is warm.
 */
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { turns } from '../toolchain/turns.ts'
import { undecidedReport, type Job, type Progress, type Verification } from './verify.ts'

export interface WorkerSettings {
  /** Where compiled engines are kept; undefined: no program of the machine is run. */
  readonly cacheFolder: string | undefined
}

export interface Verifiers {
  /** So many verifications run at the same time; others wait. */
  readonly threads: number
  /** Waits for a free thread. Never rejects; where a thread is lost, or `signal` aborts, the verdict is `undecided`. */
  verify(job: Job, progress?: Progress, signal?: AbortSignal): Promise<Verification>
  /** Ends all threads. */
  close(): Promise<void>
}

/** To the thread. */
export type ToWorker = { readonly kind: 'job'; readonly job: Job } | { readonly kind: 'cancel' }
/** From the thread. */
export type FromWorker =
  | { readonly kind: 'progress'; readonly message: string; readonly share: number }
  | { readonly kind: 'done'; readonly verification: Verification }

/** Milliseconds in which a cancelled thread may end its programs itself. */
const patience = 300
/** Of a thread's own heap; the memory of kernels comes on top, in blocks that are bounded by the tensors. */
const heapMegabytes = 4096

export function createVerifiers(threads: number, settings: WorkerSettings): Verifiers {
  const idle: Worker[] = [], all = new Set<Worker>(), places = turns(threads)

  const start = (): Worker => {
    const resourceLimits = { maxOldGenerationSizeMb: heapMegabytes }
    const worker = new Worker(workerFile(), { workerData: settings, resourceLimits })
    all.add(worker)
    worker.on('error', () => undefined) // told to the verification that it ends
    worker.on('exit', () => {
      all.delete(worker)
      if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
    })
    return worker
  }
  return {
    threads,
    verify: async (job, progress, signal) => {
      await places.take()
      try {
        if (signal?.aborted === true) return undecided(job, 'It was cancelled.')
        const worker = idle.pop() ?? start()
        worker.ref()
        const verification = await ask(worker, job, progress, signal)
        if (all.has(worker)) idle.push(worker)
        worker.unref()
        return verification
      } finally {
        places.give()
      }
    },
    close: async () => { await Promise.all([...all].map(worker => worker.terminate())) }
  }
}

function ask(
  worker: Worker, job: Job, progress: Progress | undefined, signal: AbortSignal | undefined
): Promise<Verification> {
  return new Promise(resolve => {
    let reason = 'Its thread ended.', timer: NodeJS.Timeout | undefined
    const send = (message: ToWorker): void => { worker.postMessage(message) }
    const cancel = (): void => {
      reason = 'It was cancelled.'
      send({ kind: 'cancel' })
      timer = setTimeout(() => { void worker.terminate() }, patience)
    }
    const take = (message: FromWorker): void => {
      if (message.kind === 'progress') progress?.(message.message, message.share)
      else finish(message.verification)
    }
    const failed = (error: Error): void => { reason = error.message }
    const lost = (): void => { finish(undecided(job, reason)) }
    const finish = (verification: Verification): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
      worker.off('message', take).off('error', failed).off('exit', lost)
      resolve(verification)
    }
    signal?.addEventListener('abort', cancel, { once: true })
    worker.on('message', take).on('error', failed).on('exit', lost)
    send({ kind: 'job', job })
  })
}

function undecided(job: Job, reason: string): Verification {
  return {
    verdict: 'undecided', assembler: { kind: 'absent', message: reason }, milliseconds: 0,
    engines: job.engines.map(engine => undecidedReport(engine, reason))
  }
}

/** Beside this file: as source, or as what scripts/build.ts makes of it. */
function workerFile(): string {
  const isSource = import.meta.filename.endsWith('.ts')
  return path.join(import.meta.dirname, isSource ? 'worker-main.ts' : 'verify-worker.js')
}
