import { describe, expect, it } from 'vitest'
import { documentOf } from '../../../compiler-core/graph/document.ts'
import { extentsOf } from '../../../compiler-core/graph/builder.ts'
import { elaborateGraph } from '../../../compiler-core/graph/elaborate.ts'
import type { FlowGraph, Node } from '../../../compiler-core/graph/flow.ts'
import type { Origin } from '../../../compiler-core/ir/origin.ts'
import type { Model } from '../../../compiler-core/graph/model.ts'
import { importModel } from '../../../compiler-core/graph/onnx/import.ts'
import { optimise } from '../../../compiler-core/graph/passes/optimise.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { graphModel } from '../../harness/graphs.ts'
import { randomModel } from '../../harness/random-models.ts'

const uri = 'file:///graph.heddle'

function written(of: Model): { text: string; graph: FlowGraph } {
  const { text, model } = documentOf(of, uri)
  return { text, graph: model.graph }
}

function textAt(text: string, origin: Origin | undefined): string {
  return origin?.range.uri === uri ? text.slice(origin.range.span.start, origin.range.span.end) : ''
}

/** The lines of applications. */
function check(model: Model, ...lines: string[]): void {
  expect(written(model).text.split('\n').filter(line => /^ {2}(let|return) /.test(line)).map(line => line.trim())).toEqual(lines)
}

/** What an application is, whatever its tensors are called. */
function formOf(node: Node): string {
  const shapes = [...node.inputs, ...node.outputs].map(t => `${t.element}[${extentsOf(t).join()}]`)
  return `${node.operator.name} ${shapes.join(' ')}`
}

/** The graph of a text, which nothing is wrong with. */
function elaborated(text: string): FlowGraph {
  const program = createProgram({ read: name => (name === uri ? text : undefined), roots: [] })
  const analysis = program.analyse(uri)!, { run, frame } = program.elaboration(uri)!
  expect(analysis.diagnostics.filter(d => d.severity === 'error').map(d => d.message)).toEqual([])
  const item = analysis.parsed.file.items.find(i => i.kind === 'Graph')!
  const made = elaborateGraph(run, frame, analysis.resolved.definitionOf.get(item.name)!, item.name, new Map())
  expect(run.diagnostics.map(d => d.message)).toEqual([])
  return made!.graph
}

describe('a graph as a file', () => {
  it('names operators, attributes and the nodes that they stand for', () => check(
    graphModel(g => {
      const x = g.input('x', 'f32', [4, 8])
      return { y: g.apply('transpose', { x: g.apply('cast', { x: g.apply('add', { a: x, b: 0.5 }), U: { dtype: 'f16' } }), perm: [1, 0] }) }
    }),
    'let c = add(a: x, b: 0.5)   // add 0',
    'let y = cast(x: c, U: f16)   // cast 1',
    'let y_2 = transpose(x: y, perm: (1, 0))   // transpose 2',
    'return y_2'
  ))
  it('takes no name that means something', () => check(
    graphModel(g => ({ y: g.apply('relu', { x: g.apply('add', { a: g.input('relu', 'f32', [2]), b: g.input('let', 'f32', [2]) }) }) })),
    'let c = add(a: relu_2, b: let_2)   // add 0', 'let y = relu(x: c)   // relu 1', 'return y'
  ))
  it('makes names of any texts', () => check(
    graphModel(g => ({ y: g.apply('add', { a: g.input('/a/1.5*/ "', 'f32', [2]), b: g.input('7\n', 'f32', [2]) }) })),
    'let c = add(a: a_1_5, b: t_7)   // add 0', 'return c'
  ))
  it('calls a folded constant like the weight that it is made of', () => {
    const model = graphModel(g => {
      const w = g.apply('multiply', { a: g.constant('scale', 'f32', [3]), b: g.constant('weight', 'f32', [8, 3]) })
      return { y: g.apply('add', { a: g.input('x', 'f32', [8, 3]), b: w }) }
    })
    check(optimise(model, { sms: 108 }).model, 'let c = add(a: x, b: weight)   // add 1', 'return c')
  })
  it.each(Array.from({ length: 24 }, (_, seed) => seed))('is the same graph, model %i', seed => {
    const { model } = importModel(randomModel(seed).bytes, { name: 'random' })
    const optimised = optimise(model!, { sms: 108 }).model, { text, graph } = written(optimised)
    expect(elaborated(text).nodes.map(formOf)).toEqual(graph.nodes.map(formOf))
    for (const { operator, application, outputs } of graph.nodes) {
      expect(textAt(text, application)).toMatch(new RegExp(`^${operator.name}\\(.*\\)$`))
      for (const output of outputs) expect(textAt(text, output.origins[0])).toMatch(/^\w+$/)
    }
    expect(graph.outputs.every(output => graph.nodes.some(node => node.outputs.includes(output)))).toBe(true)
  })
})
