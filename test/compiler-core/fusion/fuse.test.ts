import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { and, binary, cast, constant, load, ref, select } from '../../../compiler-core/ir/build.ts'
import {
  blockIdx, threadIdx, type Buffer, type Expr, type Program, type Stmt, type Variable
} from '../../../compiler-core/ir/ir.ts'
import { printProgram } from '../../../compiler-core/ir/print.ts'
import { forEachExprIn, mapStmts } from '../../../compiler-core/ir/visit.ts'
import { fuse } from '../../../compiler-core/fusion/fuse.ts'
import type { FlowGraph } from '../../../compiler-core/graph/flow.ts'
import { partition } from '../../../compiler-core/graph/partition.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { execute, someElements } from '../../harness/ir-interpreter.ts'
import { computeGraph, flowGraph } from '../graph/support.ts'
import {
  add, addition, at, batchMatmul, convert, div, f, gelu, mod, mul, n, numbersOf, operator, plainProgram, relu, reshape,
  scale, sub, tensor, transpose
} from '../operators/support.ts'

/** A matmul in square tiles, a thread for each row of a tile: with explicit bounds, as lowering makes them. */
function tiled(o: OperatorInstance, tile = 64): Program {
  const [a, b] = o.inputs as readonly [Buffer, Buffer], c = o.outputs[0]!.buffer
  const [batch, m, width] = numbersOf(c) as [number, number, number], k = numbersOf(a)[2]!
  const variable = (name: string, role: Variable['role'] = 'let'): Variable => ({ name, type: 'index', role })
  const row = variable('row'), col = variable('col'), j = variable('j', 'loop'), p = variable('p', 'loop')
  const total: Variable = { name: 'total', type: 'f32', role: 'mutable' }
  const columns = Math.ceil(width / tile), origins = [{ range: { uri: 'schedule', span: { start: 0, end: 1 } }, through: undefined }]
  const r = ref(blockIdx[1])
  const less = (x: Expr, y: number) => binary('<', x, constant(y))
  const wide = (e: Expr) => (e.type === 'f32' ? e : cast(e, 'f32'))
  const element = (x: Buffer, inside: Expr, ...i: Expr[]) =>
    wide(select(inside, load(x, i, undefined, origins), constant(0, x.element)))
  const loop = (v: Variable, e: number, body: Stmt[]): Stmt =>
    ({ kind: 'for', variable: v, extent: n(e), unroll: 'automatic', vector: false, body, origins })
  const body: Stmt[] = [
    { kind: 'let', variable: row, value: add(mul(div(ref(blockIdx[0]), n(columns)), n(tile)), ref(threadIdx[0])), origins },
    loop(j, tile, [
      { kind: 'let', variable: col, value: add(mul(mod(ref(blockIdx[0]), n(columns)), n(tile)), ref(j)), origins },
      { kind: 'declare', variable: total, value: f(0), origins },
      loop(p, k, [{
        kind: 'assign', variable: total, origins,
        value: add(ref(total), mul(
          element(a, less(ref(row), m), r, ref(row), ref(p)), element(b, less(ref(col), width), r, ref(p), ref(col))
        ))
      }]),
      {
        kind: 'if', condition: and(less(ref(row), m), less(ref(col), width)), otherwise: [], origins,
        then: [{ kind: 'store', buffer: c, indices: [r, ref(row), ref(col)], value: ref(total), guarded: false, origins }]
      }
    ])
  ]
  return {
    name: o.name, parameters: [a, b, c], workspaces: [], extents: [], origins,
    kernels: [{
      name: 'main', grid: [n(Math.ceil(m / tile) * columns), n(batch), n(1)], block: [tile, 1, 1], minBlocks: undefined, body, origins
    }]
  }
}

/** The one fused program of a graph. */
function fused(graph: FlowGraph, schedule: (o: OperatorInstance) => Program = plainProgram): Program {
  const { groups, edges } = partition(graph)
  expect(edges.filter(e => !e.fused).map(e => e.reason)).toEqual([])
  expect(groups).toHaveLength(1)
  const { program, findings } = fuse(schedule(groups[0]!.anchor.operator), groups[0]!, graph.name)
  expect(findings).toEqual([])
  return program!
}

/** The lines of the fused program's text that mention a word. */
function lines(program: Program, word: RegExp): readonly string[] {
  return printProgram(program).split('\n').map(line => line.trim()).filter(line => word.test(line))
}

/** Fused and operator by operator: the same elements, bit for bit; each is written once. */
function checkValues(graph: FlowGraph, program: Program): void {
  const inputs = new Map(graph.inputs.map((x, i) => [x, someElements(numbersOf(x).reduce((l, e) => l * e, 1), i + 1)]))
  const expected = computeGraph(graph, inputs), results = execute(program, inputs, { stage: 'logical' })
  for (const y of graph.outputs) expect(resultOf(results, y)).toEqual(expected.get(y))
  const counts = execute(counting(program), new Map([...inputs, ...graph.outputs.map(y =>
    [y, new Array<number>(numbersOf(y).reduce((l, e) => l * e, 1)).fill(0)] as const)]), { stage: 'logical' })
  for (const y of graph.outputs) expect(new Set(resultOf(counts, y))).toEqual(new Set([1]))
}

function resultOf(results: ReadonlyMap<Buffer, readonly (number | undefined)[]>, y: Buffer) {
  return results.get(y)
}

/** Adds 1 where the program stores. */
function counting(program: Program): Program {
  return {
    ...program, kernels: program.kernels.map(kernel => ({
      ...kernel, body: mapStmts(kernel.body, s => s.kind === 'store' && s.buffer.scope === 'output'
        ? { kind: 'effect', effect: 'atomic_add', buffer: s.buffer, indices: s.indices, value: f(1, s.buffer.element), old: undefined, origins: [] }
        : s)
    }))
  }
}

type Apply = Parameters<Parameters<typeof flowGraph>[1]>[0]

/** The results of a graph are stored to buffers of scope `output`. */
function graphOf(...parts: Parameters<typeof flowGraph>): FlowGraph {
  const graph = flowGraph(...parts)
  const outputs = new Map(graph.outputs.map(y => [y, { ...y, scope: 'output' as const }]))
  return {
    ...graph, outputs: [...outputs.values()],
    nodes: graph.nodes.map(node => ({ ...node, outputs: node.outputs.map(y => outputs.get(y) ?? y) }))
  }
}

const a = tensor('a', [1, 196, 3]), b = tensor('b', [1, 3, 40])

describe('the example of the reference (4.4): reshape, transpose, bias, relu behind a matmul', () => {
  const bias = tensor('bias', [1, 40, 1, 1])
  const graph = graphOf([a, b, bias], apply => {
    const image = apply('image', reshape(apply('c', batchMatmul(a, b)), [1, 14, 14, 40]))
    return [apply('y', relu(apply('biased', addition(apply('nchw', transpose(image, [0, 3, 1, 2])), bias))))]
  })
  const program = fused(graph, o => tiled(o))
  it('becomes one kernel whose store keeps the predicate', () => {
    expect(lines(program, /^if/)).toEqual(['if row < 196 && col < 40 {'])
    expect(lines(program, /y\[/)).toEqual(['y[0, col, row / 14, row % 14] = max(total + bias[0, col, 0, 0], 0)'])
    expect(program.parameters.map(p => p.name)).toEqual(['a', 'b', 'bias', 'y'])
  })
  it('writes every element of the result once, as the operators do', () => checkValues(graph, program))
  it.each([8, 32, 49, 128])('for tiles of %i rows', tile => checkValues(graph, fused(graph, o => tiled(o, tile))))
})

describe('relu(batch_matmul(cast(a), b) + bias)', () => {
  const half = tensor('half', [1, 20, 3], 'f16'), bias = tensor('bias', [40])
  const graph = graphOf([half, b, bias], apply => [apply('y', relu(apply('s', addition(
    apply('c', batchMatmul(apply('wide', convert(half, 'f32')), b)), bias))))])
  const program = fused(graph, o => tiled(o, 16))
  it('loads through the cast and stores through the rest', () => {
    expect(lines(program, /half/).at(-1)).toBe('total = total + (if row < 20 then f32(half[0, row, p]) else 0) * (if col < 40 then b[blockIdx.y, p, col] else 0)')
    expect(lines(program, /y\[/)).toEqual(['y[0, row, col] = max(total + bias[col], 0)'])
  })
  it('computes what the operators compute', () => checkValues(graph, program))
  it('knows all origins, each in its place of the graph', () => {
    const stacks = new Set<string>()
    forEachExprIn(program.kernels[0]!.body, e => {
      for (const o of e.origins) stacks.add([o.range.uri, o.through?.range.uri ?? ''].join(' < '))
    })
    expect([...stacks].sort()).toEqual([
      'add < graph:s', 'cast < graph:wide', 'relu < graph:y', 'schedule < graph:c'
    ])
  })
})

describe('an anchor that reads a computed element more than once', () => {
  const x = tensor('x', [4, 6])
  it('has a name for it', () => {
    const graph = graphOf([x], apply => [apply('y', gelu(apply('tripled', scale(x, 3))))])
    const program = fused(graph)
    expect(lines(program, /let|erf/)).toEqual([
      'let tripled: f32 = f32(x[blockIdx.x / 6 % 4, blockIdx.x % 6] * 3)',
      'y[blockIdx.x / 6 % 4, blockIdx.x % 6] = 0.5 * tripled * (1 + erf(tripled * 0.7071067811865476))'
    ])
    checkValues(graph, program)
  })
  it('has it once, also where only some of its readers are under a condition', () => {
    const swish = (t: Buffer) => operator('swish', [t], [4, 6], (i, j) => mul(at(t, i, j),
      select(binary('<', at(t, i, j), f(0)), f(0), select(binary('<', f(1), at(t, i, j)), f(1), at(t, i, j)))))
    const graph = graphOf([x], apply => [apply('z', swish(apply('y', swish(apply('w', swish(x))))))])
    const program = fused(graph)
    expect(lines(program, /let/)).toEqual([
      'let i0: index = blockIdx.x / 6 % 4', 'let i1: index = blockIdx.x % 6',
      'let w: f32 = f32(x[i0, i1] * (if x[i0, i1] < 0 then 0 else if 1 < x[i0, i1] then 1 else x[i0, i1]))',
      'let y: f32 = f32(w * (if w < 0 then 0 else if 1 < w then 1 else w))'
    ])
    checkValues(graph, program)
  })
})

describe('an epilogue', () => {
  const small = tensor('a', [1, 5, 3])
  const after = (element: 'f32' | 'f16', ...operators: ((x: Buffer) => OperatorInstance)[]) => graphOf([small, b], apply => {
    const first = batchMatmul(small, b)
    const c: OperatorInstance = element === 'f32' ? first : {
      ...first,
      outputs: first.outputs.map(d => ({ ...d, buffer: { ...d.buffer, element }, value: cast(d.value, element) }))
    }
    return [operators.reduce((x, o, i) => apply(`t${i}`, o(x)), apply('c', c))]
  })
  it('names a value that it uses more than once', () => {
    const graph = after('f32', gelu), program = fused(graph, o => tiled(o, 8))
    expect(lines(program, /erf|let y/))
      .toEqual(['t0[0, row, col] = 0.5 * total * (1 + erf(total * 0.7071067811865476))'])
    checkValues(graph, program)
    const twice = after('f32', x => scale(x, 3), gelu), named = fused(twice, o => tiled(o, 8))
    expect(lines(named, /let t0|erf/)).toEqual([
      'let t0: f32 = f32(total * 3)', 't1[0, row, col] = 0.5 * t0 * (1 + erf(t0 * 0.7071067811865476))'
    ])
    checkValues(twice, named)
  })
  it('names an index that it uses more than once', () => {
    const graph = after('f32', x => reshape(x, [1, 25, 8])), program = fused(graph)
    expect(lines(program, /^let/)).toEqual(['let i2: index = blockIdx.x % 40'])
    checkValues(graph, program)
  })
  it('stays as long as the sum of its parts', () => {
    const graph = after('f32', ...Array.from({ length: 12 }, () => gelu)), program = fused(graph, o => tiled(o, 8))
    expect(lines(program, /erf/)).toHaveLength(12)
    expect(printProgram(program).length).toBeLessThan(4000)
    checkValues(graph, program)
  })
  it('sees the value as the tensor would hold it', () => {
    const graph = after('f16', relu), program = fused(graph, o => tiled(o, 8))
    expect(lines(program, /t0\[/)).toEqual(['t0[0, row, col] = max(f16(total), 0)'])
    checkValues(graph, program)
  })
  it('sees a product rounded, so that it is not contracted', () => {
    const graph = after('f32', x => scale(x, 3), x => addition(x, tensor('z', [1, 5, 40])))
    const withInput = { ...graph, inputs: [...graph.inputs, graph.nodes[2]!.inputs[1]!] }
    const program = fused(withInput, o => tiled(o, 8))
    expect(lines(program, /t1\[/)).toEqual(['t1[0, row, col] = f32(total * 3) + z[0, row, col]'])
    checkValues(withInput, program)
  })
  it('computes its operands', () => {
    const bias = tensor('bias', [40])
    const graph = graphOf([small, b, bias], apply =>
      [apply('y', addition(apply('c', batchMatmul(small, b)), apply('shift', relu(bias))))])
    const program = fused(graph, o => tiled(o, 8))
    expect(lines(program, /y\[/)).toEqual(['y[0, row, col] = total + max(bias[col], 0)'])
    checkValues(graph, program)
  })
})

describe('a prologue', () => {
  it('is evaluated inside of the bounds of the tensor that it computes', () => {
    // 4 x 4 windows of a padded image: rows outside of the tile would read the next channel
    const image = tensor('image', [2, 7, 7])
    const padded = tensor('padded', [2, 9, 9], 'f32', 'workspace')
    const patches = operator('im2col', [image], [1, 49, 18], (_, i, t) =>
      at(padded, div(t, n(9)), add(div(i, n(7)), mod(div(t, n(3)), n(3))), add(mod(i, n(7)), mod(t, n(3)))), {
      stages: [[padded, (c, p, q) => load(image, [c, sub(p, n(1)), sub(q, n(1))], f(0))]]
    })
    const w = tensor('w', [1, 18, 4])
    const graph = graphOf([image, w], apply => [apply('y', batchMatmul(apply('x', patches), w))])
    const program = fused(graph, o => tiled(o, 16))
    expect(lines(program, /image\[/).join()).toContain('if row < 49 then')
    checkValues(graph, program)
  })
  it('reads at the index that its producer says', () => {
    const square = tensor('x', [1, 7, 9]), w = tensor('w', [1, 3, 4])
    const graph = graphOf([square, w], apply => [apply('y', batchMatmul(apply('r', reshape(square, [1, 21, 3])), w))])
    checkValues(graph, fused(graph, o => tiled(o, 16)))
  })
  it('may be used twice and read an input that the anchor reads too', () => {
    const x = tensor('x', [1, 6, 6])
    const graph = graphOf([x], apply => [apply('y', batchMatmul(apply('r', relu(x)), x))])
    const program = fused(graph, o => tiled(o, 8))
    expect(program.parameters.map(p => p.name)).toEqual(['x', 'y'])
    checkValues(graph, program)
  })
  it('stays as long as the sum of its parts', () => {
    const x = tensor('x', [1, 6, 3]), w = tensor('w', [1, 3, 4])
    const graph = graphOf([x, w], apply => {
      const gelus = Array.from({ length: 8 }, (_, i) => i).reduce((t, i) => apply(`g${i}`, gelu(t)), x)
      return [apply('y', batchMatmul(gelus, w))]
    })
    const program = fused(graph, o => tiled(o, 4))
    expect(lines(program, /erf/)).toHaveLength(8)
    expect(lines(program, /let g0/)).toEqual([
      'let g0: f32 = if row < 6 then f32(0.5 * x[0, row, p] * (1 + erf(x[0, row, p] * 0.7071067811865476))) else 0'
    ])
    checkValues(graph, program)
  })
  it('names what is only there under a condition', () => {
    const x = tensor('x', [1, 4, 3]), w = tensor('w', [1, 5, 4])
    const graph = graphOf([x, w], apply => {
      const inner = apply('inner', gelu(apply('s', gelu(x))))
      const padded = apply('padded', operator('pad', [inner], [1, 6, 5], (r, i, j) =>
        load(inner, [r, sub(i, n(1)), sub(j, n(1))], f(0))))
      return [apply('y', batchMatmul(padded, w))]
    })
    const program = fused(graph, o => tiled(o, 4))
    expect(lines(program, /let s/)).toHaveLength(1)
    checkValues(graph, program)
  })
  it('of an anchor without a reduction', () => {
    const x = tensor('x', [4, 6])
    const graph = graphOf([x], apply => [apply('y', transpose(apply('g', gelu(apply('s', scale(x, 3)))), [1, 0]))])
    const program = fused(graph)
    expect(program.parameters.map(p => p.name)).toEqual(['x', 'y'])
    checkValues(graph, program)
  })
})

describe('random chains around a matmul', () => {
  type Step = (x: Buffer, seed: number) => OperatorInstance
  const rotated = (x: Buffer) => transpose(x, x.shape.map((_, d) => (d + 1) % x.shape.length))
  const bijective: readonly Step[] = [
    relu, gelu, x => scale(x, 0.5), rotated,
    (x, seed) => {
      const size = numbersOf(x).reduce((l, e) => l * e, 1), d = [1, 2, 3, 4, 6, 8].filter(e => size % e === 0)
      const first = d[seed % d.length]!
      return reshape(x, [first, size / first])
    },
    x => convert(x, x.element === 'f32' ? 'f16' : 'f32'),
    x => operator('flip', [x], x.shape, (...i) => at(x, ...i.map((e, d) => sub(sub(x.shape[d]!, n(1)), e))))
  ]
  const injective: readonly Step[] = [
    ...bijective,
    x => operator('pad', [x], x.shape.map(e => add(e, n(2))), (...i) =>
      load(x, i.map(e => sub(e, n(1))), f(0, x.element))),
    x => operator('twice', [x], x.shape, (...i) => add(at(x, ...i), at(x, ...i.map(() => n(0)))))
  ]
  const chain = (steps: readonly Step[]) =>
    fc.array(fc.tuple(fc.constantFrom(...steps), fc.nat(100)), { maxLength: 4 })
  const applied = (x: Buffer, steps: readonly (readonly [Step, number])[], apply: Apply, name: string) =>
    steps.reduce((t, [step, seed], i) => apply(`${name}${i}`, step(t, seed)), x)

  it('compute what the operators compute, element by element', () => {
    fc.assert(fc.property(chain(injective), chain(bijective), fc.constantFrom(3, 4, 8), (before, after, tile) => {
      const x = tensor('x', [1, 4, 3]), w = tensor('w', [1, 3, 4])
      const graph = graphOf([x, w], apply => {
        const a = applied(x, before, apply, 'p'), size = numbersOf(a).reduce((l, e) => l * e, 1)
        const rows = apply('rows', convert(apply('flat', reshape(a, [1, size, 1])), 'f32'))
        const columns = apply('columns', reshape(w, [1, 1, 12]))
        return [apply('y', relu(applied(apply('c', batchMatmul(rows, columns)), after, apply, 'e')))]
      })
      checkValues(graph, fused(graph, o => tiled(o, tile)))
    }), { numRuns: 60 })
  })
})

describe('no fusion', () => {
  const x = tensor('a', [1, 5, 3])
  const graph = graphOf([x, b], apply => [apply('y', relu(apply('c', batchMatmul(x, b))))])
  const check = (change: (s: Stmt) => Stmt, ...messages: string[]) => {
    const group = partition(graph).groups[0]!, program = tiled(group.anchor.operator, 8)
    const changed = { ...program, kernels: program.kernels.map(k => ({ ...k, body: mapStmts(k.body, change) })) }
    const result = fuse(changed, group, 'g')
    expect(result.findings.map(finding => finding.message)).toEqual(messages)
    expect(result.program === undefined).toBe(messages.length > 0)
  }
  it('behind a tensor that is read back', () => check(
    s => (s.kind === 'store' ? { ...s, value: add(s.value, at(s.buffer, ...s.indices)) } : s),
    '`y` is read by the kernel that stores it, so nothing can be fused behind it.'
  ))
  it('behind atomic additions', () => check(
    s => (s.kind === 'store' ? { ...s, kind: 'effect', effect: 'atomic_add', old: undefined } : s),
    '`y` is summed up by `atomic_add`, so nothing can be fused behind it.'
  ))
  it('is what happens to others', () => check(s => s))
})
