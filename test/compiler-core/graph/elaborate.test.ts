import { describe, expect, it } from 'vitest'
import { elaborateGraph, type ElaboratedGraph } from '../../../compiler-core/graph/elaborate.ts'
import { partition } from '../../../compiler-core/graph/partition.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import type { Origin } from '../../../compiler-core/ir/origin.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { groupsOf } from './support.ts'

const uri = 'file:///project/main.heddle'
const imports = 'import "std/matmul"\nimport "std/elementwise"\nimport "std/shape"\n'

function elaborated(
  graphs: string
): { graph: ElaboratedGraph | undefined; said: readonly string[]; text: string } {
  const text = imports + graphs
  const program = createProgram({ read: name => (name === uri ? text : undefined), roots: ['file:///project/'] })
  const analysis = program.analyse(uri)!, { run, frame } = program.elaboration(uri)!
  const item = analysis.parsed.file.items.findLast(i => i.kind === 'Graph')!
  const graph = elaborateGraph(run, frame, analysis.resolved.definitionOf.get(item.name)!, item.name, new Map())
  const said = run.diagnostics.map(d => `${d.code} ${JSON.stringify(text.slice(d.span.start, d.span.end))}: ${d.message}`)
  return { graph, said, text }
}

const shapeText = (b: Buffer) => `${b.name}: ${b.element}[${b.shape.map(e => printExpr(e)).join(', ')}]`

/** One line a node: `relu(c) -> y: f32[4]`. */
function check(graphs: string, ...nodes: string[]): void {
  const { graph, said } = elaborated(graphs)
  expect(said).toEqual([])
  expect(graph?.graph.nodes.map(node =>
    `${node.operator.name}(${node.inputs.map(x => x.name).join(', ')}) -> ${node.outputs.map(shapeText).join(', ')}`
  )).toEqual(nodes)
  expect([...graph!.defined.keys()]).toEqual(graph!.graph.nodes)
}

describe('a graph', () => {
  it('has a node for each operator', () => check(
    'graph g(a: f16[1, 8, 4], b: f32[1, 4, 6], bias: f32[6]) { return relu(batch_matmul(cast(a, U: f32), b) + bias) }',
    'cast(a) -> y: f32[1, 8, 4]', 'batch_matmul(y, b) -> c: f32[1, 8, 6]', 'add(c, bias) -> c: f32[1, 8, 6]', 'relu(c) -> y: f32[1, 8, 6]'
  ))
  it('names its tensors', () => check(
    'graph g(a: f32[4, 6]) { let t = transpose(a, (1, 0))\n let r = reshape(t, to: (24,))\n return r }',
    'transpose(a) -> t: f32[6, 4]', 'reshape(t) -> r: f32[24]'
  ))
  it.each([['+', 'add'], ['-', 'subtract'], ['*', 'multiply'], ['/', 'divide']])('has %s for %s', (sign, name) => check(
    `graph g(a: f32[4, 6], b: f32[6]) { return a ${sign} b }`, `${name}(a, b) -> c: f32[4, 6]`
  ))
  it('computes with numbers at compile time', () => check(
    'graph g(a: f32[4, 6], wide: bool = true) { let n = 4 * 3\n return if wide then reshape(a, (2, n)) else reshape(a, (n, 2)) }',
    'reshape(a) -> y: f32[2, 12]'
  ))
  it('takes the results of an operator with several apart', () => check(
    'graph g(a: f32[6]) { let (p, q) = split(a, at: 2)\n return relu(p), relu(q) }',
    'split(a) -> head: f32[2], tail: f32[4]', 'relu(head) -> y: f32[2]', 'relu(tail) -> y: f32[4]'
  ))
  it('applies other graphs', () => check(
    'graph twice(x: f32[n]) { let y = relu(x)\n return y + x }\ngraph g(a: f32[6]) { return twice(twice(a)) }',
    'relu(a) -> y: f32[6]', 'add(y, a) -> c: f32[6]', 'relu(c) -> y: f32[6]', 'add(y, c) -> c: f32[6]'
  ))
  it('may have extents that are known at launch', () => {
    check('graph g(a: f32[n, 6], b: f32[6]) { return relu(a + b) }', 'add(a, b) -> c: f32[n, 6]', 'relu(c) -> y: f32[n, 6]')
    expect(elaborated('graph g(a: f32[n, 6]) { return relu(a) }').graph?.graph.extents.map(v => v.name)).toEqual(['n'])
  })
  it('stores its results to buffers of their own', () => {
    const { graph } = elaborated('graph g(a: f32[6]) { let y = relu(a)\n return y, relu(y) }').graph!
    expect(graph.outputs.map(y => y.scope)).toEqual(['output', 'output'])
    expect(graph.nodes[0]!.outputs[0]).toBe(graph.outputs[0])
    expect(graph.nodes[1]!.inputs[0]).toBe(graph.outputs[0])
  })
  it('knows where each operator was applied', () => {
    const { graph, text } = elaborated('graph inner(x: f32[6]) { return relu(x) }\ngraph g(a: f32[6]) { return inner(a + a) }')
    const stack = (o: Origin | undefined): string[] =>
      (o ? [text.slice(o.range.span.start, o.range.span.end), ...stack(o.through)] : [])
    expect(graph!.graph.nodes.map(node => stack(node.application)))
      .toEqual([['a + a', 'g'], ['relu(x)', 'inner(a + a)', 'g']])
    expect(graph!.graph.nodes[0]!.operator.outputs[0]!.value.origins.every(o => o.through === undefined)).toBe(true)
  })
})

describe('problems', () => {
  const wrong = (graphs: string, ...messages: string[]) => {
    const { graph, said } = elaborated(graphs)
    expect(said).toEqual(messages)
    expect(graph).toBe(undefined)
  }
  it('a tensor that is not given', () => wrong('graph g(a: f32[6]) { return add(a) }',
    'missing-argument "add(a)": `b` of `add` is a tensor, which is not given.'))
  it('a truth value in place of a tensor', () => wrong('graph g(a: f32[6]) { return a + true }',
    'wrong-type "true": `b` of `add` is a tensor; this is the bool true.'))
  it('a fraction among whole numbers', () => wrong('graph g(a: i32[6]) { return a + 1.5 }',
    'wrong-type "1.5": This is the float 1.5; here it must be of type `i32`.'))
  it('an operator in place of a tensor', () => wrong('graph g(a: f32[6]) { return add }',
    'no-value "add": This is no tensor. `add` makes one of its arguments: `add(...)`.'))
  it('a function of numbers in place of an operator', () => wrong('graph g(a: f32[6]) { return relu(a) + exp(a) }',
    'wrong-type "exp(a)": `exp` takes numbers; of each element of a tensor it is the operator `exponential` of `std/elementwise`.'))
  it('a function of numbers of a product', () => wrong('graph g(a: f32[6]) { let b = a * 2\n return max(b, 0.0) }',
    'wrong-type "max(b, 0.0)": `max` takes numbers; of each element of a tensor it is the operator `maximum` of `std/elementwise`.'))
  it('shapes that do not fit', () => wrong('graph g(a: f32[1, 4, 6], b: f32[1, 5, 7]) { return batch_matmul(a, b) }',
    'shape-mismatch "b": `b` of `batch_matmul` has shape (1, 6, 7); this tensor has shape (1, 5, 7): they differ in dimension 1.'))
  it('types that do not fit', () => wrong('graph g(a: f32[6], b: f16[6]) { return a + b }',
    'shape-mismatch "b": `b` of `add` has elements of type f32; these are f16.'))
  it('a part of a tensor', () => wrong('graph g(a: f32[4, 6]) { return relu(a[0, ..]) }',
    'wrong-type "a[0, ..]": Operators take whole tensors; a part of `a` is an operator of its own, such as `slice`.'))
  it('too many arguments', () => wrong('graph g(a: f32[6]) { return relu(a, a) }',
    'too-many-arguments "a": `relu` has 1 parameter.'))
  it('an argument twice', () => wrong('graph g(a: f32[6]) { return relu(a, x: a) }',
    'duplicate-argument "a": `x` of `relu` is given twice.'))
  it('no result', () => wrong('graph g(a: f32[6]) { let b = relu(a) }',
    'missing-return "g": The graph `g` returns nothing.'))
  it('a result that is no tensor', () => wrong('graph g(a: f32[6]) { return 3 }',
    'wrong-type "3": This is a tensor in a graph, but it is the int 3.'))
  it('a parameter as a result', () => wrong('graph g(a: f32[6]) { return a }',
    'wrong-kind "a": A graph returns tensors that it computes, each once; `a` is a parameter.'))
  it('a result twice', () => wrong('graph g(a: f32[6]) { let b = relu(a)\n return b, b }',
    'wrong-kind "b": A graph returns tensors that it computes, each once; `b` is returned twice.'))
  it('an endless graph', () => wrong('graph g(a: f32[6]) { return g(a) }',
    'endless-recursion "g": The graph `g` applies itself.'))
})

it('is partitioned by what its operators are', () => {
  const groups = (text: string) => groupsOf(partition(elaborated(text).graph!.graph))
  expect(groups(`graph g(a: f32[1, 196, 8], b: f32[1, 8, 32], bias: f32[1, 32, 1, 1]) {
    let c = batch_matmul(a, b)
    let image = reshape(c, (1, 14, 14, 32))
    let nchw = transpose(image, (0, 3, 1, 2))
    let biased = nchw + bias
    return relu(biased)
  }`)).toEqual(['c:  | image nchw biased y'])
})
