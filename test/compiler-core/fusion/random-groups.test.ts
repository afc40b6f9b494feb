import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fusedProgram, hasError } from '../../../compiler-core/compile/staged.ts'
import { extentsOf } from '../../../compiler-core/graph/builder.ts'
import type { FlowGraph, Group, Node, Partition } from '../../../compiler-core/graph/flow.ts'
import { separateOperators } from '../../../compiler-core/graph/passes/separate.ts'
import { partition } from '../../../compiler-core/graph/partition.ts'
import { countOf } from '../../../compiler-core/graph/tensor-data.ts'
import type { Buffer, Program } from '../../../compiler-core/ir/ir.ts'
import { explicitBounds } from '../../../compiler-core/lowering/guards.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { chooseSchedule, isServedAsWhole, type Chosen } from '../../../compiler-core/schedule/choose.ts'
import { execute } from '../../../compiler-core/verify/interpreter/interpreter.ts'
import { builder, modelOf, type Making } from '../graph/models.ts'
import { modelFrom, recipes } from './random-graphs.ts'

type Elements = ReadonlyMap<Buffer, Float64Array>

/** Each operator by its own schedule, the same one that its group takes. */
const chosen = new Map<OperatorInstance, Chosen>(), alone = new Map<OperatorInstance, Program>()

function scheduleFor(operator: OperatorInstance): Chosen {
  const known = chosen.get(operator) ?? chooseSchedule(builder.surroundings, builder.defined(operator))
  if (!known) throw new Error(`No schedule serves ${operator.name}`)
  chosen.set(operator, known)
  return known
}

function ownProgram(operator: OperatorInstance): Program {
  const { schedule, point } = scheduleFor(operator)
  const known = alone.get(operator) ?? explicitBounds(schedule.program(point)!.program).program
  alone.set(operator, known)
  return known
}

/** The program of a whole group; undefined where its schedule cannot be fused so. */
function groupProgram(group: Group): Program | undefined {
  const { schedule, point } = scheduleFor(group.anchor.operator)
  const made = fusedProgram(formal(group), schedule, point, 'group')
  return made && !hasError(made.findings) ? made.stages.at(-1)!.program : undefined
}

/** The group over parameters of its own. */
function formal(group: Group): Group {
  const formals = new Map<Buffer, Buffer>([
    ...group.inputs.map((x): [Buffer, Buffer] => [x, { ...x, scope: 'input' }]),
    ...group.outputs.map((x): [Buffer, Buffer] => [x, { ...x, scope: 'output' }])
  ])
  const now = (tensor: Buffer) => formals.get(tensor) ?? tensor
  const renamed = (node: Node): Node => ({ ...node, inputs: node.inputs.map(now), outputs: node.outputs.map(now) })
  return {
    anchor: renamed(group.anchor), prologues: group.prologues.map(renamed), epilogues: group.epilogues.map(renamed),
    inputs: group.inputs.map(now), outputs: group.outputs.map(now)
  }
}

function run(program: Program, inputs: readonly Float64Array[]): readonly Float64Array[] {
  const outcome = execute(program, {
    extents: new Map(), counts: false, timeLimit: 20_000, signal: undefined,
    runs: [{ inputs, order: 'forward', seed: 1, budget: undefined }]
  })
  if (outcome.kind !== 'executed') throw new Error(`${program.name}: ${outcome.kind}`)
  const [{ outputs, faults } = { outputs: [], faults: [] }] = outcome.runs
  expect(faults.map(f => f.kind)).toEqual([])
  return outputs.map(o => o.elements)
}

/** Elements with all bits of an f32. */
function someElements(tensor: Buffer, seed: number): Float64Array {
  const element = (i: number) => Math.fround(Math.sin(i * 12.9898 + seed * 78.233) * 1.7)
  return Float64Array.from({ length: countOf(extentsOf(tensor)) }, (_, i) => element(i))
}

/** Node by node, each with a kernel of its own. */
function unfused(graph: FlowGraph, inputs: Elements): Elements {
  const known = new Map(inputs)
  for (const node of graph.nodes) {
    const results = run(ownProgram(node.operator), node.inputs.map(x => known.get(x)!))
    for (const [i, tensor] of node.outputs.entries()) known.set(tensor, results[i]!)
  }
  return known
}

/** Group by group; a group that cannot be fused is divided once more, as the compiler does. */
function fused(graph: FlowGraph, inputs: Elements): { readonly found: Elements; readonly divided: Partition } {
  const forbidden = new Map<Buffer, string>()
  for (;;) {
    const divided = partition(graph, { forbidden }), programs = divided.groups.map(groupProgram)
    const refused = divided.groups.filter((_, i) => !programs[i])
    for (const { anchor } of refused) for (const tensor of [...anchor.inputs, ...anchor.outputs]) forbidden.set(tensor, 'refused')
    if (refused.length > 0) continue
    const found = new Map(inputs)
    for (const [i, group] of divided.groups.entries()) {
      const results = run(programs[i]!, group.inputs.map(x => found.get(x)!))
      for (const [o, tensor] of group.outputs.entries()) found.set(tensor, results[o]!)
    }
    return { found, divided }
  }
}

/** Each node in one group; what crosses from one to another is stored by the one, loaded by the other, and later. */
function checkPartition(graph: FlowGraph, { groups, edges }: Partition): void {
  const nodesOf = (g: Group): readonly Node[] => [...g.prologues, g.anchor, ...g.epilogues]
  expect(groups.flatMap(nodesOf).length).toBe(graph.nodes.length)
  expect(new Set(groups.flatMap(nodesOf))).toEqual(new Set(graph.nodes))
  const owner = new Map(groups.flatMap((g, i) => nodesOf(g).map(node => [node, i] as const)))
  for (const { tensor, from, to, fused: how, reason } of edges) {
    const [first, second] = [owner.get(from)!, owner.get(to)!]
    expect(reason).not.toBe('')
    expect(how !== undefined).toBe(first === second)
    if (first === second) expect(groups[first]!.outputs.includes(tensor)).toBe(false)
    else {
      expect(first).toBeLessThan(second)
      expect(groups[first]!.outputs).toContain(tensor)
      expect(groups[second]!.inputs).toContain(tensor)
    }
  }
  for (const tensor of graph.outputs) expect(groups.some(g => g.outputs.includes(tensor))).toBe(true)
}

/** Both ways, element by element; how many groups there are. */
function check(graph: FlowGraph): number {
  const inputs = new Map(graph.inputs.map((x, i) => [x, someElements(x, i)]))
  const expected = unfused(graph, inputs), { found, divided } = fused(graph, inputs)
  checkPartition(graph, divided)
  for (const tensor of divided.groups.flatMap(g => g.outputs)) expect(found.get(tensor)).toEqual(expected.get(tensor))
  return divided.groups.length
}

describe('fused groups compute the same bit for bit as separate kernels', () => {
  it('on random graphs', () => {
    let operators = 0, kernels = 0
    fc.assert(fc.property(recipes, recipe => {
      const isServed = (operator: OperatorInstance) => isServedAsWhole(builder.surroundings, builder.defined(operator))
      const graph = separateOperators(modelFrom(recipe).graph, builder, isServed)
      kernels += check(graph)
      operators += graph.nodes.length
    }), { numRuns: 200, seed: 5 })
    // most are fused
    expect(kernels * 2).toBeLessThan(operators)
  }, 300_000)

  // equal applications share one operator: its variables and tensors occur several times in a group
  const unary = (m: Making, name: string, x: Buffer) => m.apply(name, { x })
  it.each<readonly [string, (m: Making) => readonly Buffer[]]>([
    ['gelu(gelu(x)) in front of a sum and behind it', m => {
      const y = unary(m, 'gelu', unary(m, 'gelu', m.input('x', [4, 6])))
      return [unary(m, 'gelu', unary(m, 'gelu', m.apply('reduce', { x: y, axes: [1], op: { reducer: 'sum' } })))]
    }],
    ['transpose(transpose(transpose(x))) around a product', m => {
      const turned = (x: Buffer) => m.apply('transpose', { x, perm: [0, 2, 1] })
      const a = turned(turned(turned(m.input('a', [1, 5, 5]))))
      return [turned(turned(turned(m.apply('batch_matmul', { a, b: turned(m.input('b', [1, 5, 5])) }))))]
    }],
    ['(x + y) + ((x + y) + y) alone', m => {
      const add = (a: Buffer, b: Buffer) => m.apply('add', { a, b }), x = m.input('x', [3, 4]), y = m.input('y', [3, 4])
      const s = add(x, y)
      return [add(s, add(s, y))]
    }],
    ['x + x in front of max(x)', m => {
      const x = m.input('x', [4, 6])
      return [m.apply('reduce', { x: m.apply('add', { a: x, b: x }), axes: [1], op: { reducer: 'max' } })]
    }]
  ])('%s', (_, make) => {
    expect(check(modelOf(make).graph)).toBe(1)
  })
})
