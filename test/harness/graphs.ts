// Models put together by tests from operators of the library:
//
//   const model = graphModel(g => {
//     const x = g.input('x', 'f32', [4, 8]), w = g.constant('w', 'f32', [8, 3])
//     return { y: g.apply('relu', { x: g.apply('add', { a: x, b: 1 }) }) }
//   })
import { createBuilder, inputTensor, type Arguments, type Builder } from '../../compiler-core/graph/builder.ts'
import { elaborateGraph } from '../../compiler-core/graph/elaborate.ts'
import type { Constant, Node } from '../../compiler-core/graph/flow.ts'
import type { Model } from '../../compiler-core/graph/model.ts'
import { countOf, dataOf } from '../../compiler-core/graph/tensor-data.ts'
import type { Buffer, ElementName } from '../../compiler-core/ir/ir.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { architectureNamed } from '../../compiler-core/target/architectures.ts'
import { defaultDevice } from '../../compiler-core/target/devices.ts'

export interface GraphMaker {
  input(name: string, element: ElementName, shape: readonly number[]): Buffer
  /** Elements between -1 and 1. */
  constant(name: string, element: ElementName, shape: readonly number[]): Buffer
  /** Its one result. */
  apply(operator: string, args: Arguments): Buffer
}

/** What tests compile for. */
export const target = { architecture: architectureNamed('sm_80')!, device: defaultDevice('sm_80') }

/** `body` gives the results by name; a node's source is its operator and a number, as in `relu 2`. */
export function graphModel(
  body: (g: GraphMaker) => Readonly<Record<string, Buffer>>, builder: Builder = sharedBuilder()
): Model {
  const inputs: { name: string; tensor: Buffer }[] = [], constants = new Map<Buffer, Constant>(), nodes: Node[] = []
  const results = body({
    input(name, element, shape) {
      const tensor = inputTensor(name, element, shape)
      inputs.push({ name, tensor })
      return tensor
    },
    constant(name, element, shape) {
      const tensor = inputTensor(name, element, shape)
      const isWhole = /^[iu]|bool/.test(element)
      const number = (i: number): number => (isWhole ? i % 2 : Math.sin(i * 12.9898 + name.length))
      const numbers = Array.from({ length: countOf(shape) }, (_, i) => number(i))
      constants.set(tensor, { kind: 'data', data: dataOf(element, shape, numbers) })
      return tensor
    },
    apply(operator, args) {
      const made = builder.apply(operator, args, [`${operator} ${nodes.length}`])
      if ('problem' in made) throw new Error(made.problem)
      nodes.push(...made.nodes)
      return made.results[0]!
    }
  })
  const outputs = Object.entries(results).map(([name, tensor]) => ({ name, tensor }))
  const computed = new Set(nodes.flatMap(n => n.outputs))
  return {
    graph: {
      name: 'model', inputs: inputs.map(i => i.tensor), nodes, constants, extents: [], origins: [],
      outputs: [...new Set(outputs.map(o => o.tensor))].filter(t => computed.has(t))
    },
    inputs, outputs, builder
  }
}

const uri = 'file:///project/main.heddle'

/** The graph `g` of a text, whose operators may have schedules of their own. */
export function textModel(text: string): Model {
  const source = `import "std/elementwise"\nimport "std/shape"\n${text}`
  const read = (asked: string): string | undefined => (asked === uri ? source : undefined)
  const program = createProgram({ read, roots: ['file:///project/'], target: target.architecture.name })
  const analysis = program.analyse(uri)!, { run, frame } = program.elaboration(uri)!
  const wrong = analysis.diagnostics.filter(d => d.severity === 'error')
  const made = elaborateGraph(run, frame, analysis.exports.get('g')!, analysis.parsed.file, new Map())
  if (!made || wrong.length > 0) throw new Error([...wrong, ...run.diagnostics].map(d => d.message).join('\n'))
  const defined = new Map([...made.defined].map(([node, operator]) => [node.operator, operator]))
  const named = (tensors: readonly Buffer[]) => tensors.map(tensor => ({ name: tensor.name, tensor }))
  return {
    graph: made.graph, inputs: named(made.graph.inputs), outputs: named(made.graph.outputs),
    builder: {
      ...sharedBuilder(), defined: operator => defined.get(operator)!, surroundings: { program, analysis, run, frame }
    }
  }
}

let shared: Builder | undefined

function sharedBuilder(): Builder {
  return shared ??= createBuilder(target.architecture)
}
