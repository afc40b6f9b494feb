// Wrong ONNX files through the import and the passes: whatever the bytes, either problems that people can read, or a
// model in which every tensor has a source; in bounded time and memory.
import { createBuilder } from '../../compiler-core/graph/builder.ts'
import type { Model } from '../../compiler-core/graph/model.ts'
import { importModel } from '../../compiler-core/graph/onnx/import.ts'
import { brokenModel } from './broken-models.ts'

const mostSeconds = 20, mostBytes = 2 ** 31
let builder = createBuilder(), attempts = 0

export function attempt(seed: number): void {
  const { bytes, damage } = brokenModel(seed)
  // a builder keeps every operator that it has made
  if (attempts++ % 200 === 0) builder = createBuilder()
  const start = performance.now()
  const fail = (what: string): never => { throw new Error(`${damage}: ${what}`) }
  const { model, problems } = importModel(bytes, { name: 'broken', builder, external: () => 'there is no such file.' })
  if (!model && problems.length === 0) fail('neither a model nor a problem')
  for (const { message } of problems) {
    if (!/\.$/.test(message) || /undefined|\[object|\bat \w+ \(/.test(message)) fail(`this is no clear message: ${message}`)
    if (message.length > 3000) fail(`this message is too long: ${message.slice(0, 200)}`)
  }
  if (model) checkModel(model, fail)
  if (performance.now() - start > mostSeconds * 1000) fail('the import takes too long')
  if (process.memoryUsage.rss() > mostBytes) fail('the import takes too much memory')
}

function checkModel({ graph, outputs }: Model, fail: (what: string) => never): void {
  const known = new Set([...graph.inputs, ...graph.constants.keys()])
  for (const node of graph.nodes) {
    for (const tensor of node.inputs) if (!known.has(tensor)) fail(`${node.operator.name} reads ${tensor.name}, which nobody computes`)
    for (const tensor of node.outputs) known.add(tensor)
  }
  for (const { name, tensor } of outputs) {
    if (!known.has(tensor) && !graph.constants.has(tensor)) fail(`the result ${name} is computed by nobody`)
  }
}
