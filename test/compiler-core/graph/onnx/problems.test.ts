// What stands in the way of an import, in words; in bounded time and memory, whatever the file says.
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TypeProtoSchema, type ModelProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { modelProto, onnxModel, type OnnxNode } from '../../../harness/onnx.ts'
import { imported, numbers, some, type Graph, type Options } from './support.ts'

type Case = readonly [problem: string, graph: Graph | Uint8Array, options?: Options]

function cases(title: string, list: readonly Case[]): void {
  describe(title, () => {
    for (const [problem, graph, options] of list) {
      it(problem, () => {
        const { model, problems } = imported(graph, options)
        expect(problems.map(p => `${p.code}: ${p.message}`).join('\n')).toBe(problem)
        expect(model).toBeUndefined()
      })
    }
  })
}

const x = ['f32', 2, 3] as const, y = { y: x }
const shapeOf = (...extents: readonly (number | bigint)[]) => numbers(extents, 'i64')

/** A model that is changed before it is written. */
function changed(graph: Graph, change: (model: ModelProto) => void): Uint8Array {
  const proto = modelProto(graph)
  change(proto)
  return toBinary(ModelProtoSchema, proto)
}

const good: Graph = { inputs: { x }, constants: { w: some('f32', [3]) }, outputs: y, nodes: [['Add', ['x', 'w'], ['y']]] }

cases('files', [
  ['invalid-file: This is no ONNX model: It has no graph.', new Uint8Array()],
  ['invalid-file: This is no ONNX model: illegal tag: field no 0 wire type 1.', Uint8Array.of(1, 2, 3)],
  ['invalid-file: This is no ONNX model: premature EOF.', onnxModel(good).slice(0, -3)],
  ['invalid-graph: The graph has no results.', onnxModel({ outputs: {}, nodes: [] })],
  ['unsupported-opset: The model uses opset 27; supported are 1 and 6 to 26.', { ...good, opset: 27 }],
  ['unsupported-opset: The model uses opset 4; supported are 1 and 6 to 26.', { ...good, opset: 4 }]
])

cases('graphs', [
  ['invalid-graph: No node computes the result `z` of the graph `model`.', { ...good, outputs: { z: x } }],
  ['invalid-graph: Add `Add_0` reads `v`, which nothing in the file computes or defines.', { ...good, nodes: [['Add', ['x', 'v'], ['y']]] }],
  ['invalid-graph: Relu `Relu_1` also computes `y`, as `Add_0` does.', { ...good, nodes: [...good.nodes, ['Relu', ['x'], ['y']]] }],
  ['invalid-graph: Relu `Relu_1` needs its own result: there is a cycle of 2 nodes, `Add_0`, `Relu_1`.',
    { ...good, nodes: [['Add', ['x', 'r'], ['y']], ['Relu', ['y'], ['r']]] }],
  ['invalid-graph: The input `x` is declared twice.', changed(good, m => { m.graph!.input.push(m.graph!.input[0]!) })],
  ['invalid-graph: The initialiser `w` is given twice.', changed(good, m => { m.graph!.initializer.push(m.graph!.initializer[0]!) })],
  ['invalid-graph: The input `x` has no type.', changed(good, m => { delete m.graph!.input[0]!.type })],
  ['unsupported-type: The input `x` is no tensor but of sequence type, which is not supported.',
    changed(good, m => { m.graph!.input[0]!.type = create(TypeProtoSchema, { value: { case: 'sequenceType', value: {} } }) })],
  ['unsupported-type: The input `x` has elements of type STRING, which are not supported.', changed(good, m => {
    m.graph!.input[0]!.type = create(TypeProtoSchema, { value: { case: 'tensorType', value: { elemType: 8, shape: { dim: [] } } } })
  })]
])

cases('operators that are not supported, all at once', [
  [
    'unsupported-operator: The operator Foo is not supported: `Foo_0`, `Foo_2`.\n'
    + 'unsupported-operator: The operator Gelu is supported in opsets 20 to 26, not in opset 17: `Gelu_1`.',
    { inputs: { x }, outputs: y, nodes: [['Foo', ['x'], ['a']], ['Gelu', ['a'], ['b']], ['Foo', ['b'], ['y']]] }
  ],
  ['unsupported-operator: The operator Foo of the domain `com.example` is not supported: `Foo_0`.',
    changed({ ...good, nodes: [['Foo', ['x'], ['y']]] }, m => { m.graph!.node[0]!.domain = 'com.example' })],
  ['unsupported-operator: The operator constructor is not supported: `constructor_0`.', { ...good, nodes: [['constructor', ['x'], ['y']]] }],
  [
    `unsupported-operator: The operator Foo is not supported: ${[0, 1, 2, 3, 4].map(n => `\`Foo_${n}\``).join(', ')} and 2 more.`,
    { ...good, nodes: Array.from({ length: 7 }, (_, n): OnnxNode => ['Foo', [n === 0 ? 'x' : `t${n - 1}`], [n === 6 ? 'y' : `t${n}`]]) }
  ]
])

cases('extents', [
  ['unbound-extent: The input `x` has free extents; bind them: --bind n=1 --bind x.1=1.', { ...good, inputs: { x: ['f32', 'n', '', 'n'] } }],
  ['unknown-binding: The model has no input and no free extent `m`.', good, { bindings: new Map([['m', 4]]) }],
  ['invalid-graph: The input `x` has the extent 0.5; possible are 0 to 2^31 - 1.', { ...good, inputs: { x: ['f32', 'n'] } }, { bindings: new Map([['n', 0.5]]) }],
  ['invalid-graph: The input `x` has the negative extent -5.', { ...good, inputs: { x: ['f32', -5] } }],
  ['invalid-graph: The input `x` has the extent 1099511627776; possible are 0 to 2^31 - 1.', { ...good, inputs: { x: ['f32', 2 ** 40] } }],
  ['too-large: The input `x` has 4611686018427387904 elements.', { ...good, inputs: { x: ['f32', 2 ** 31 - 2, 2 ** 31 - 2] } }],
  ['invalid-graph: The input `n` has the type i64; it cannot be bound to 0.5.',
    { ...good, inputs: { x, n: ['i64'] } }, { bindings: new Map([['n', 0.5]]) }]
].map(([problem, ...rest]): Case => [(problem as string).replace('4611686018427387904', String((2 ** 31 - 2) ** 2)), ...rest as [Graph, Options]]))

cases('tensors', [
  ['invalid-tensor: The initialiser `w` claims 1152921504606846976 elements, more than any file has.', changed(good, m => { m.graph!.initializer[0]!.dims = [2n ** 60n] })],
  ['invalid-tensor: The initialiser `w` claims 1000 elements of 4 bytes, but holds 12 bytes.', changed(good, m => { m.graph!.initializer[0]!.dims = [1000n] })],
  ['invalid-tensor: The initialiser `w` has the negative extent -1.', changed(good, m => { m.graph!.initializer[0]!.dims = [-1n] })],
  ['invalid-tensor: The initialiser `w` has 1000000 dimensions; possible are 32.',
    changed(good, m => { m.graph!.initializer[0]!.dims = Array<bigint>(1e6).fill(2n ** 60n) })],
  ['unsupported-type: The initialiser `w` has elements of type COMPLEX64, which Heddle does not have.', changed(good, m => { m.graph!.initializer[0]!.dataType = 14 })]
])

cases('nodes', [
  ['invalid-node: Add `Add_0`: Its input 1 is absent.', { ...good, nodes: [['Add', ['x'], ['y']]] }],
  ['invalid-node: Add `Add_0`: Shapes that do not go together: (2, 3) and (2).', { ...good, constants: { w: some('f32', [2]) } }],
  ['invalid-node: Add `Add_0`: Its inputs have different types: f32, i64.', { ...good, constants: { w: some('i64', [3]) } }],
  ['invalid-node: Concat `Concat_0`: The attribute `axis` is absent.', { ...good, nodes: [['Concat', ['x', 'x'], ['y']]] }],
  ['invalid-node: Concat `Concat_0`: The attribute `axis` is no whole number.', { ...good, nodes: [['Concat', ['x', 'x'], ['y'], { axis: 'last' }]] }],
  ['invalid-node: Concat `Concat_0`: The axis 2 is outside of a tensor with 2 dimensions.', { ...good, nodes: [['Concat', ['x', 'x'], ['y'], { axis: 2 }]] }],
  ['invalid-node: Transpose `Transpose_0`: (0, 0) is no order of 2 dimensions.', { ...good, nodes: [['Transpose', ['x'], ['y'], { perm: [0, 0] }]] }],
  ['invalid-node: Reshape `Reshape_0`: A tensor of the shape (2, 3) cannot have the shape (4, -1).',
    { ...good, constants: { s: shapeOf(4, -1) }, nodes: [['Reshape', ['x', 's'], ['y']]] }],
  ['unsupported-attribute: Reshape `Reshape_0`: The shape must be known while compiling; here it depends on inputs of the model.',
    { ...good, inputs: { x, s: ['i64', 2] }, nodes: [['Reshape', ['x', 's'], ['y']]] }],
  ['unsupported-dynamic: If `If_0`: Its condition must be known while compiling. If it depends on an input of one element, bind that: --bind NAME=VALUE.',
    { ...good, inputs: { x, c: ['bool'] }, nodes: [['If', ['c'], ['y'], { then_branch: { graph: good }, else_branch: { graph: good } }]] }],
  ['unsupported-operator: The operator Foo is not supported: `Foo_0`.', {
    ...good, constants: { c: numbers([1], 'bool', []) },
    nodes: [['If', ['c'], ['y'], { then_branch: { graph: { outputs: y, nodes: [['Foo', ['x'], ['y']]] } }, else_branch: { graph: good } }]]
  }],
  ['unsupported-attribute: Cast `Cast_0`: Elements of the type STRING are not supported.', { ...good, nodes: [['Cast', ['x'], ['y'], { to: 8 }]] }],
  [
    'invalid-node: Transpose `Transpose_0`: (1, 1) is no order of 2 dimensions.\ninvalid-node: Concat `Concat_1`: The attribute `axis` is absent.',
    { ...good, outputs: { a: x, b: x }, nodes: [['Transpose', ['x'], ['a'], { perm: [1, 1] }], ['Concat', ['x', 'x'], ['b']]] }
  ]
])

const chain = (type: string, length: number, first: string): readonly OnnxNode[] =>
  Array.from({ length }, (_, n) => [type, [n === 0 ? first : `t${n}`], [`t${n + 1}`]])
const length = 100_000

describe('a chain of 10^5 nodes', () => {
  it('is imported', () => {
    expect(imported({ inputs: { x }, outputs: { [`t${length}`]: x }, nodes: chain('Relu', length, 'x') }).model!.graph.nodes.length).toBe(length)
  })

  it('backwards, too', () => {
    const nodes = chain('Relu', length, 'x').toReversed()
    expect(imported({ inputs: { x }, outputs: { [`t${length}`]: x }, nodes }).model!.graph.nodes.length).toBe(length)
  })

  it('of constants is folded where a shape is asked for', () => {
    const graph: Graph = {
      inputs: { x }, constants: { s: shapeOf(6) }, outputs: y,
      nodes: [...chain('Abs', length, 's'), ['Reshape', ['x', `t${length}`], ['y']]]
    }
    expect(imported(graph).model!.graph.nodes.length).toBe(1)
  })
})

cases('files that are large or deep without need', [
  [
    `invalid-graph: Relu \`Relu_0\` needs its own result: there is a cycle of ${length} nodes, `
    + `${[1, 2, 3, 4, 5].map(n => `\`Relu_${length - n}\``).join(', ')} and ${length - 5} more.`,
    { outputs: { [`t${length}`]: x }, nodes: chain('Relu', length, `t${length}`) }
  ],
  ['unsupported-attribute: Concat `Concat_30`: A tensor of the shape (2147483648) is too large.', {
    inputs: { t0: ['f32', 1] }, outputs: { t60: x },
    nodes: Array.from({ length: 60 }, (_, n): OnnxNode => ['Concat', [`t${n}`, `t${n}`], [`t${n + 1}`], { axis: 0 }])
  }],
  ['unsupported-attribute: Reshape `Reshape_1`: Its input 1 has 33554432 elements; at most 65536 are supported.', {
    inputs: { x }, constants: { s: shapeOf(2 ** 25) }, outputs: y, nodes: [['ConstantOfShape', ['s'], ['t']], ['Reshape', ['x', 't'], ['y']]]
  }],
  ['invalid-node: Range `Range_0`: It has 1125899906842624 elements: from 0 to 1125899906842624 in steps of 1.', {
    constants: { a: numbers([0], 'i64', []), b: numbers([2 ** 50], 'i64', []), c: numbers([1], 'i64', []) }, outputs: y,
    nodes: [['Range', ['a', 'b', 'c'], ['y']]]
  }],
  ['unsupported-attribute: Unsqueeze `Unsqueeze_0`: A tensor of 66 dimensions is not supported; 32 are.', {
    inputs: { x }, constants: { a: shapeOf(...Array.from({ length: 64 }, (_, d) => d)) }, outputs: y, nodes: [['Unsqueeze', ['x', 'a'], ['y']]]
  }],
  ['invalid-file: This is no ONNX model: cannot decode message onnx.GraphProto from binary: maximum recursion depth of 100 reached.', nested(60)],
  ['invalid-file: This is no ONNX model: It holds too many numbers that are not raw data (`raw_data`, or external data).',
    message(7, message(5, message(7, new Uint8Array(2 ** 24 + 1))))],
  ['invalid-file: This is no ONNX model: It has more than 2000000 parts.', message(7, Uint8Array.from({ length: 4_000_002 }, (_, i) => i % 2 === 0 ? 0x0a : 0))]
])

/** An `If` in an `If`, and so on. */
function nested(depth: number): Graph {
  const inner = depth === 0 ? { outputs: y, nodes: [['Relu', ['x'], ['y']]] as const } : nested(depth - 1)
  return {
    inputs: depth === 60 ? { x } : {}, outputs: y, constants: { c: numbers([1], 'bool', []) },
    nodes: [['If', ['c'], ['y'], { then_branch: { graph: inner }, else_branch: { graph: { outputs: y, nodes: [] } } }]]
  }
}

/** A field of a message. */
function message(field: number, content: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let rest = content.length; length.length === 0 || rest > 0; rest = Math.floor(rest / 128)) {
    length.push(rest % 128 + 128)
  }
  length[length.length - 1]! -= 128
  const bytes = new Uint8Array(1 + length.length + content.length)
  bytes.set([field * 8 + 2, ...length])
  bytes.set(content, 1 + length.length)
  return bytes
}
