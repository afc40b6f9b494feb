/**
 * Starts the web worker and asks it. A page of a webview may not load a worker from another origin, so the worker's
 * text is fetched and started from a blob; where even that fails, the page evaluates itself, with the same answers.
 */
import { answers, type Argument, type Evaluated, type Question, type Reply } from './evaluate.ts'
import type { Evaluator, FromWorker, ToWorker } from './protocol.ts'

export async function startEvaluator(workerUrl: string): Promise<Evaluator> {
  try {
    const response = await fetch(workerUrl)
    if (!response.ok) throw new Error(`${workerUrl}: ${response.status}`)
    const url = URL.createObjectURL(new Blob([await response.text()], { type: 'text/javascript' }))
    const worker = new Worker(url)
    await started(worker)
    URL.revokeObjectURL(url)
    return inWorker(worker)
  } catch (error) {
    console.warn('The mapping is evaluated on the page:', error)
    return onPage()
  }
}

/** A worker that its page's policy forbids says so by an event only. */
function started(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', () => { resolve() }, { once: true })
    worker.addEventListener('error', event => { reject(new Error(event.message || 'the worker does not start')) },
      { once: true })
  })
}

/** Never settles a promise of a subject that has been replaced. */
function inWorker(worker: Worker): Evaluator {
  const waiting = new Map<number, { resolve(reply: unknown): void; reject(error: Error): void }>()
  let version = 0, nextId = 0
  const post = (message: ToWorker) => { worker.postMessage(message) }
  worker.addEventListener('message', (event: MessageEvent<FromWorker>) => {
    const { id, reply, error } = event.data, asked = waiting.get(id)
    waiting.delete(id)
    if (error === null) asked?.resolve(reply); else asked?.reject(new Error(error))
  })
  return {
    show(subject) {
      waiting.clear()
      post({ type: 'subject', version: ++version, subject })
    },
    ask: <Q extends Question>(question: Q, argument: Argument<Q>) => new Promise<Reply<Q>>((resolve, reject) => {
      const id = nextId++
      waiting.set(id, { resolve: reply => { resolve(reply as Reply<Q>) }, reject })
      post({ type: 'ask', version, id, question, argument })
    })
  }
}

function onPage(): Evaluator {
  let current: Evaluated | undefined
  return {
    show(subject) { current = subject },
    ask: <Q extends Question>(question: Q, argument: Argument<Q>) => new Promise<Reply<Q>>((resolve, reject) => {
      const asked = current
      // a task of its own, so that the page can paint and read keys between two answers
      setTimeout(() => {
        if (asked === undefined || asked !== current) return
        try {
          resolve((answers[question] as (subject: Evaluated, argument: Argument<Q>) => Reply<Q>)(asked, argument))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
    })
  }
}
