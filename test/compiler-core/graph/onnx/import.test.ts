// What models become: operators of the library, constants, bound extents.
import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { extentsOf } from '../../../../compiler-core/graph/builder.ts'
import { numbersOf } from '../../../../compiler-core/graph/tensor-data.ts'
import type { Buffer } from '../../../../compiler-core/ir/ir.ts'
import { modelProto, nodeProto, onnxModel } from '../../../harness/onnx.ts'
import { textOf } from '../models.ts'
import { computed, imported, numbers, some, type Graph, type Options } from './support.ts'

type Case = readonly [title: string, expected: string, graph: Graph, options?: Options]

/** The results as expressions of library operators, then their types. */
function check([, expected, graph, options]: Case): void {
  const { model, problems } = imported(graph, options)
  expect(problems.map(p => p.message)).toEqual([])
  expect(`${textOf(model!)}: ${model!.outputs.map(o => typeOf(o.tensor)).join(', ')}`).toBe(expected)
}

function typeOf(tensor: Buffer): string { return `${tensor.element}[${extentsOf(tensor).join(', ')}]` }

function cases(title: string, list: readonly Case[]): void {
  describe(title, () => {
    for (const each of list) it(`${each[0]}: ${each[1]}`, () => { check(each) })
  })
}

const x = ['f32', 2, 3] as const, y = { y: x }
const shapeOf = (extents: readonly number[]) => numbers(extents, 'i64')

cases('operators', [
  ['two nodes', 'relu(add(x, w)): f32[2, 3]',
    { inputs: { x }, constants: { w: some('f32', [3]) }, outputs: y, nodes: [['Add', ['x', 'w'], ['s']], ['Relu', ['s'], ['y']]] }],
  ['a known single element is written into the operator', 'add(x, 5): f32[2, 3]',
    { inputs: { x }, constants: { w: numbers([5]) }, outputs: y, nodes: [['Add', ['x', 'w'], ['y']]] }],
  ['unless it adds dimensions', 'add(x, w): f32[1, 2, 3]',
    { inputs: { x }, constants: { w: numbers([5], 'f32', [1, 1, 1]) }, outputs: y, nodes: [['Add', ['x', 'w'], ['y']]] }],
  ['the left one, too', 'subtract(1, x): f32[2, 3]',
    { inputs: { x }, constants: { w: numbers([1], 'f32', []) }, outputs: y, nodes: [['Sub', ['w', 'x'], ['y']]] }],
  ['of a choice', 'select(c, x, -1): f32[2, 3]',
    { inputs: { x, c: ['bool', 2, 3] }, constants: { w: numbers([-1], 'f32', []) }, outputs: y, nodes: [['Where', ['c', 'x', 'w'], ['y']]] }],
  ['one node as several operators', 'slice[2, 1](x); slice[2, 2](x): f32[2, 1], f32[2, 2]',
    {
      inputs: { x }, constants: { s: shapeOf([1, 2]) }, outputs: { a: x, b: x },
      nodes: [['Split', ['x', 's'], ['a', 'b'], { axis: 1 }]]
    }],
  ['nodes that no result needs', 'relu(x): f32[2, 3]',
    { inputs: { x }, outputs: y, nodes: [['Nonsense', ['x'], ['z']], ['Relu', ['x'], ['y']]] }],
  ['nodes in any order', 'relu(negate(x)): f32[2, 3]',
    { inputs: { x }, outputs: y, nodes: [['Relu', ['n'], ['y']], ['Neg', ['x'], ['n']]] }],
  ['a result that is an input, one that is a constant, one twice', 'x; w; relu(x); relu(x): f32[2, 3], f32[1], f32[2, 3], f32[2, 3]',
    {
      inputs: { x }, constants: { w: numbers([1]) }, outputs: { x, w: x, y: x, z: x },
      nodes: [['Relu', ['x'], ['y']], ['Identity', ['y'], ['z']]]
    }],
  ['what changes nothing is left out', 'x: f32[2, 3]',
    {
      inputs: { x }, constants: { a: shapeOf([2, 3]), b: numbers([1], 'f32', []) }, outputs: y,
      nodes: [
        ['Reshape', ['x', 'a'], ['r']], ['Transpose', ['r'], ['t'], { perm: [0, 1] }], ['Pow', ['t', 'b'], ['p']],
        ['Cast', ['p'], ['c'], { to: 1 }], ['Concat', ['c'], ['d'], { axis: 0 }], ['Dropout', ['d'], ['y']]
      ]
    }],
  ['a transpose that moves nothing', 'reshape[3, 1](x): f32[3, 1]',
    { inputs: { x: ['f32', 1, 3] }, outputs: y, nodes: [['Transpose', ['x'], ['y']]] }],
  ['powers', 'square(x); cube(x); square_root(x); power(x, 1.5): f32[2, 3], f32[2, 3], f32[2, 3], f32[2, 3]',
    {
      inputs: { x }, constants: { b: numbers([2], 'i64', []), c: numbers([3]), d: numbers([0.5]), e: numbers([1.5]) },
      outputs: { p: x, q: x, r: x, s: x },
      nodes: [['Pow', ['x', 'b'], ['p']], ['Pow', ['x', 'c'], ['q']], ['Pow', ['x', 'd'], ['r']], ['Pow', ['x', 'e'], ['s']]]
    }]
])

cases('what is known while compiling', [
  ['operators of constants alone', '{multiply(a, b)}: f32[3]',
    { constants: { a: some('f32', [3]), b: some('f32', [3], 2) }, outputs: y, nodes: [['Mul', ['a', 'b'], ['y']]] }],
  ['a shape that is computed from one', 'reshape[3, 2](x): f32[3, 2]',
    {
      inputs: { x }, constants: { one: shapeOf([1]), end: shapeOf([-1]) }, outputs: y,
      nodes: [
        ['Shape', ['x'], ['s']], ['Gather', ['s', 'one'], ['n'], { axis: 0 }], ['Concat', ['n', 'end'], ['t'], { axis: 0 }],
        ['Reshape', ['x', 't'], ['y']]
      ]
    }],
  ['one that depends on an input, whose data is at hand', 'reshape[3, 2](x): f32[3, 2]',
    { inputs: { x, s: ['i64', 2] }, outputs: y, nodes: [['Reshape', ['x', 's'], ['y']]] },
    { values: new Map([['s', shapeOf([3, 2])]]) }],
  ['data at hand is used for that alone', 'add(a, b): i64[2]',
    { inputs: { a: ['i64', 2], b: ['i64', 2] }, outputs: { y: ['i64', 2] }, nodes: [['Add', ['a', 'b'], ['y']]] },
    { values: new Map([['a', shapeOf([3, 2])], ['b', shapeOf([3, 2])]]) }],
  ['a constant that would become much larger stays an operator', 'expand[2000, 2000](w): f32[2000, 2000]',
    { constants: { w: numbers([1]), s: shapeOf([2000, 2000]) }, outputs: y, nodes: [['Expand', ['w', 's'], ['y']]] }],
  ['tensors without elements', 'Add_0: f32[0, 3]',
    { inputs: { x: ['f32', 0, 3], z: ['f32', 1, 3] }, outputs: { y: x }, nodes: [['Add', ['x', 'z'], ['y']]] }]
])

cases('extents', [
  ['bound by name', 'relu(x): f32[4, 6]',
    { inputs: { x: ['f32', 'n', 'm'] }, outputs: y, nodes: [['Relu', ['x'], ['y']]] }, { bindings: new Map([['n', 4], ['m', 6]]) }],
  ['bound by input and dimension', 'relu(x): f32[4, 6]',
    { inputs: { x: ['f32', 'n', ''] }, outputs: y, nodes: [['Relu', ['x'], ['y']]] }, { bindings: new Map([['n', 4], ['x.1', 6]]) }],
  ['of the data at hand', 'relu(x): f32[5, 6]',
    { inputs: { x: ['f32', 'n', 6] }, outputs: y, nodes: [['Relu', ['x'], ['y']]] }, { shapes: new Map([['x', [5, 6]]]) }],
  ['an input bound to a number', 'multiply(x, 16000): f32[2, 3]',
    { inputs: { x, sr: ['f32'] }, outputs: y, nodes: [['Mul', ['x', 'sr'], ['y']]] }, { bindings: new Map([['sr', 16000]]) }]
])

const branches: Graph = {
  inputs: { x, c: ['bool'] }, outputs: y,
  nodes: [['If', ['c'], ['y'], {
    then_branch: { graph: { outputs: { t: x }, constants: { two: numbers([2]) }, nodes: [['Mul', ['x', 'two'], ['t']]] } },
    else_branch: { graph: { outputs: { e: x }, nodes: [['Neg', ['x'], ['n']], ['Relu', ['n'], ['e']]] } }
  }]]
}

cases('If', [
  ['one branch', 'multiply(x, 2): f32[2, 3]', branches, { bindings: new Map([['c', 1]]) }],
  ['the other', 'relu(negate(x)): f32[2, 3]', branches, { bindings: new Map([['c', 0]]) }],
  ['a condition that is computed', 'multiply(x, 2): f32[2, 3]',
    {
      ...branches, inputs: { x, sr: ['i64'] }, constants: { k: numbers([16000], 'i64', []) },
      nodes: [['Equal', ['sr', 'k'], ['c']], ...branches.nodes]
    }, { bindings: new Map([['sr', 16000]]) }]
])

describe('a model', () => {
  it('names inputs and results as the file does, operators by the nodes they stand for', () => {
    const { model } = imported({
      inputs: { 'in/x': x, unread: x }, outputs: { 'out.y': x },
      nodes: [['Add', ['in/x', 'in/x'], ['/sum']], ['HardSwish', ['/sum'], ['out.y']]]
    })
    expect(model!.inputs.map(i => i.name)).toEqual(['in/x', 'unread'])
    expect(model!.graph.inputs.map(i => i.name)).toEqual(['in/x'])
    expect(model!.graph.nodes.map(n => [n.outputs[0]!.name, n.outputs[0]!.scope, n.sources])).toEqual([
      ['/sum', 'workspace', ['Add_0']], ['out.y', 'output', ['HardSwish_1']]
    ])
  })

  it('takes inputs that have initialisers as constants', () => {
    const proto = modelProto({ inputs: { x, w: ['f32', 3] }, constants: { w: some('f32', [3]) }, outputs: y, nodes: [['Add', ['x', 'w'], ['y']]] })
    const { model } = imported(toBinary(ModelProtoSchema, proto))
    expect(model!.inputs.map(i => i.name)).toEqual(['x'])
  })

  it('names a nameless node by its first result', () => {
    const proto = modelProto({ inputs: { x }, outputs: y, nodes: [] })
    proto.graph!.node.push({ ...nodeProto(['Relu', ['x'], ['y']], 0), name: '' })
    expect(imported(toBinary(ModelProtoSchema, proto)).model!.graph.nodes[0]!.sources).toEqual(['y'])
  })

  it('reads raw data as views of the file', () => {
    const bytes = onnxModel({ constants: { w: some('f32', [64]) }, outputs: { w: ['f32', 64] }, nodes: [] })
    const { model } = imported(bytes)
    const [constant] = model!.graph.constants.values()
    expect(constant?.kind === 'data' && constant.data.bytes.buffer).toBe(bytes.buffer)
  })

  it('reads external data when somebody asks for it', () => {
    let read = 0
    const proto = modelProto({
      inputs: { x }, constants: { w: some('f32', [3, 2]), s: shapeOf([2, 3]) }, outputs: y,
      nodes: [['Flatten', ['w'], ['v'], { axis: 0 }], ['Reshape', ['v', 's'], ['u']], ['Add', ['x', 'u'], ['y']]]
    })
    Object.assign(proto.graph!.initializer[0]!, {
      rawData: new Uint8Array(), dataLocation: TensorProto_DataLocation.EXTERNAL,
      externalData: Object.entries({ location: 'w.bin', offset: '8' }).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }))
    })
    const { model } = imported(toBinary(ModelProtoSchema, proto), {
      external: (location, offset, length) => () => {
        read++
        expect([location, offset, length]).toEqual(['w.bin', 8, 24])
        return some('f32', [3, 2]).bytes
      }
    })
    expect(read).toBe(0)
    const [sum] = computed(model!, { x: numbers([0, 0, 0, 0, 0, 0], 'f32', [2, 3]) })
    expect(numbersOf(sum!)).toEqual([3, 10, 6, 2, 9, 5])
    expect(read).toBe(1)
  })
})
