/** The web worker: answers the page's questions about the subject that it was last sent. */
import { answers, type Evaluated, type Tile, type Values } from './evaluate.ts'
import type { FromWorker, ToWorker } from './protocol.ts'

let current: { readonly version: number; readonly subject: Evaluated } | undefined

const scope = self as unknown as DedicatedWorkerGlobalScope

scope.addEventListener('message', (event: MessageEvent<ToWorker>) => {
  const message = event.data
  if (message.type === 'subject') {
    current = message
  } else if (current?.version === message.version) {
    const { id, question, argument } = message
    try {
      const reply = (answers[question] as (subject: Evaluated, argument: unknown) => unknown)(current.subject, argument)
      send({ id, reply, error: null }, question === 'tile' ? buffersOf(reply as Tile) : [])
    } catch (error) {
      send({ id, reply: null, error: String(error) }, [])
    }
  }
})

send({ id: -1, reply: null, error: null }, []) // started

function send(message: FromWorker, transfer: Transferable[]): void {
  scope.postMessage(message, transfer)
}

function buffersOf(tile: Tile): Transferable[] {
  const buffers = (values: Values) => [values.counts.buffer, values.firsts.buffer, values.steps.buffer]
  return tile.kind === 'cells' ? buffers(tile) : [tile.pixels.buffer, ...tile.samples.flatMap(buffers)]
}
