/** The thread that verifications run in: one job after the other, as workers.ts asks. */
import { parentPort, workerData } from 'node:worker_threads'
import { assembler } from './assembler.ts'
import { cpuEngine } from './cpu/engine.ts'
import type { Engine, Outcome } from './engine.ts'
import { interpreter } from './interpreter/interpreter.ts'
import { verify, type Tools } from './verify.ts'
import type { FromWorker, ToWorker, WorkerSettings } from './workers.ts'

const { cacheFolder } = workerData as WorkerSettings
const untrusted = 'Programs of the machine are not run in an untrusted workspace.'
const refused: Engine = () => Promise.resolve<Outcome>({ kind: 'unavailable', message: untrusted })
const tools: Tools = {
  engines: { interpreter, cpu: cacheFolder === undefined ? refused : cpuEngine({ cacheFolder }) },
  assemble: cacheFolder === undefined ? () => Promise.resolve({ kind: 'absent', message: untrusted }) : assembler()
}
let controller = new AbortController()

parentPort?.on('message', (message: ToWorker) => {
  if (message.kind === 'cancel') {
    controller.abort()
    return
  }
  controller = new AbortController()
  const say = (answer: FromWorker): void => { parentPort?.postMessage(answer) }
  void verify(message.job, tools, (text, share) => { say({ kind: 'progress', message: text, share }) }, controller.signal)
    .then(verification => { say({ kind: 'done', verification }) })
})
