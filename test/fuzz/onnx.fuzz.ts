// Wrong ONNX files through the compiler: whatever the bytes, either problems that people can read, or a model in which
// every tensor has a source, and kernels for it; in bounded time and memory.
import { createBuilder } from '../../compiler-core/graph/builder.ts'
import type { Model } from '../../compiler-core/graph/model.ts'
import { importModel } from '../../compiler-core/graph/onnx/import.ts'
import type { ModelProblem } from '../../compiler-core/graph/onnx/problem.ts'
import { optimise } from '../../compiler-core/graph/passes/optimise.ts'
import { compileGraph } from '../../compiler-core/runtime/compile-model.ts'
import { architectureNamed } from '../../compiler-core/target/architectures.ts'
import { defaultDevice } from '../../compiler-core/target/devices.ts'
import { brokenModel } from './broken-models.ts'

const mostSeconds = 60, mostBytes = 2 ** 31
/** What is larger is not compiled: a hundred thousand launches are right, but no test. */
const mostNodes = 100

const options = { architecture: architectureNamed('sm_80')!, device: defaultDevice('sm_80'), parallelK: 'default' } as const
let builder = createBuilder(), attempts = 0

export function attempt(seed: number): void {
  const { bytes, damage } = brokenModel(seed)
  // a builder keeps every operator that it has made
  if (attempts++ % 200 === 0) builder = createBuilder()
  const start = performance.now()
  const fail = (what: string): never => { throw new Error(`${damage}: ${what}`) }
  const { model, problems } = importModel(bytes, { name: 'broken', builder, external: () => 'there is no such file.' })
  if (!model && problems.length === 0) fail('neither a model nor a problem')
  checkProblems(problems, fail)
  if (model) {
    checkModel(model, fail)
    if (model.graph.nodes.length <= mostNodes) {
      checkModel(optimise(model, { sms: options.device.sms }).model, fail)
      if (seed % 4 === 0) checkProblems(compileGraph(model, options).problems, fail)
    }
  }
  if (performance.now() - start > mostSeconds * 1000) fail('it takes too long')
  if (process.memoryUsage.rss() > mostBytes) fail('it takes too much memory')
}

type Fail = (what: string) => never

function checkProblems(problems: readonly ModelProblem[], fail: Fail): void {
  for (const { message } of problems) {
    if (!message.endsWith('.') || /undefined|\[object|\bat \w+ \(/.test(message)) fail(`this is no clear message: ${message}`)
    if (message.length > 3000) fail(`this message is too long: ${message.slice(0, 200)}`)
  }
}

function checkModel({ graph, inputs, outputs }: Model, fail: Fail): void {
  const known = new Set([...graph.inputs, ...inputs.map(i => i.tensor), ...graph.constants.keys()])
  for (const { operator, inputs: read, outputs: made } of graph.nodes) {
    for (const { name } of read.filter(tensor => !known.has(tensor))) fail(`${operator.name} reads ${name}, which nobody computes`)
    for (const tensor of made) known.add(tensor)
  }
  for (const { name } of outputs.filter(o => !known.has(o.tensor))) fail(`the result ${name} is computed by nobody`)
}
