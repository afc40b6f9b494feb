// Every schedule of the library, alone and fused, computes what its operators define: the final stage, executed thread
// by thread, against the definitions. Sizes are small and awkward; the interpreter sees out-of-bounds accesses,
// uninitialised reads and barriers that some threads miss.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compile } from '../../../compiler-core/compile/compile.ts'
import { openSubject, type OpenSubject } from '../../../compiler-core/compile/subjects.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { execute, someElements } from '../../harness/ir-interpreter.ts'
import { referenceOf, referenceOfGraph, type Tensors } from '../../harness/reference.ts'

const uri = 'file:///project/main.heddle'
const imports = ['matmul', 'elementwise', 'reduce', 'shape', 'softmax', 'norm'].map(f => `import "std/${f}"`).join('\n')

/** Compiles the last declaration of a text and compares what it computes with its definition. */
function check(
  text: string, options: { readonly candidate?: { level: number; index: number }; readonly before?: string } = {}
): void {
  it(`${text}${options.candidate ? ` candidate ${options.candidate.level}.${options.candidate.index}` : ''}`, () => {
    const source = `${imports}\n${options.before ?? ''}\n${text}`
    const program = createProgram({ read: u => u === uri ? source : undefined, roots: ['file:///project/'] })
    const name = /(?:instance|graph) (\w+)(?![\s\S]*(?:instance|graph) \w+)/.exec(text)?.[1] ?? ''
    const compiled = compile(program, uri, name, options)
    expect(compiled.problems.filter(p => p.diagnostic.severity === 'error').map(p => p.diagnostic.message)).toEqual([])
    const last = compiled.stages.at(-1)?.program
    if (!last) throw new Error('there is a program')
    const inputs = last.parameters.filter(b => b.scope === 'input')
    const given = new Map(inputs.map((b, i) => [b, someElements(b.shape.reduce((n, e) => n * Number(e.kind === 'constant' ? e.value : 1), 1), i + 1)]))
    const { subject } = openSubject(program, uri, name)
    if (!subject) throw new Error('it can be opened')
    const expected = expectedOutputs(subject, inputs.map(b => given.get(b) ?? []))
    for (const order of ['forwards', 'backwards'] as const) {
      const outputs = [...execute(last, given, { stage: 'cells', order }).values()]
      expect(outputs.length).toBe(expected.length)
      outputs.forEach((elements, i) => { compare(elements, expected[i] ?? []) })
    }
  })
}

function compare(found: ReadonlyArray<number | undefined>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length)
  const wrong = expected.findIndex((e, i) => {
    const f = found[i]
    return f === undefined || !(Object.is(f, e) || Math.abs(f - e) <= 2e-3 * Math.max(1, Math.abs(e)))
  })
  expect(wrong < 0 ? 'equal' : `element ${wrong}: ${found[wrong]}, expected ${expected[wrong]}`).toBe('equal')
}

function expectedOutputs(subject: OpenSubject, inputs: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const tensors = (buffers: readonly Buffer[]): Tensors => new Map(buffers.map((b, i) => [b, inputs[i] ?? []]))
  const { meaning } = subject
  const outputs = meaning.kind === 'graph' ? referenceOfGraph(meaning.graph, tensors(meaning.graph.inputs))
    : referenceOf(meaning.operator, tensors(meaning.operator.inputs))
  return [...outputs.values()]
}

describe('the SIMT matmul', () => {
  check('instance i = batch_matmul.simt(batch: 2, m: 37, n: 45, k: 11)')
  check('instance i = batch_matmul.simt(batch: 1, m: 17, n: 61, k: 13, atom: custom_4x8, block_warps: (2, 2), warp_outer: (1, 1))')
  check('instance i = batch_matmul.simt(batch: 1, m: 23, n: 67, k: 3, atom: row_2x16, block_warps: (2, 1), warp_outer: (1, 1), block_k: 4)')
  check('instance i = batch_matmul.simt(batch: 1, m: 64, n: 64, k: 16, block_warps: (2, 2), warp_outer: (1, 1))')
  check('instance i = batch_matmul.simt(batch: 1, m: 50, n: 65, k: 8)')
  for (const index of [0, 14, 33, 88, 120, 176]) check('instance i = batch_matmul.simt(batch: 1, m: 33, n: 130, k: 9)', { candidate: { level: 2, index } })
})

describe('a pipeline of asynchronous copies', () => {
  const before = readFileSync('docs/examples/9-copies-that-arrive-later.heddle', 'utf8')
  const checkPipelined = (bindings: string, of = 'batch_matmul', declarations = '') => {
    check(`${declarations} instance i = ${of}.pipelined(warps: (1, 1)${bindings})`.trimStart(), { before })
  }
  checkPipelined(', batch: 1, m: 37, n: 45, k: 36')
  checkPipelined(', batch: 1, m: 33, n: 30, k: 41')
  checkPipelined(', batch: 2, m: 5, n: 7, k: 3')
  checkPipelined(', batch: 1, m: 20, n: 64, k: 64, stages: 4')
  checkPipelined(', batch: 1, m: 20, n: 64, k: 64, stages: 2, target: sm_75')
  checkPipelined(', T: f16, batch: 1, m: 20, n: 64, k: 40')
  checkPipelined(', T: f16, batch: 1, m: 20, n: 33, k: 41, stages: 2')
  checkPipelined('', 'converted', `graph converted(a: f32[1, 20, 36], b: f16[1, 36, 28]) {
    return relu(batch_matmul(a, cast(b, U: f32)))
  }`)
  checkPipelined('', 'embedding', `graph embedding(table: f32[9, 36], index: i64[20], b: f32[1, 36, 28]) {
    return batch_matmul(reshape(gather(table, index), (1, 20, 36)), b)
  }`)
  checkPipelined('', 'padded', `graph padded(a: f32[1, 20, 36], b: f32[1, 40, 28]) {
    return batch_matmul(pad(a, (0, 0, 2), (0, 0, 2)), b)
  }`)
})

describe('element by element', () => {
  check('instance i = relu.flat(s: (4, 100))')
  check('instance i = relu.flat(s: 1001)')
  check('instance i = gelu.flat(s: (3, 5, 7))')
  check('instance i = add.flat(s: (4, 10, 7), t: 7)')
  check('instance i = add.flat(s: (4, 1, 8), t: (3, 8))')
  check('instance i = cast.flat(s: 100, U: f16)')
  check('instance i = clip.flat(s: 100, low: -2.0, high: 3.0)')
  check('instance i = transpose.flat(s: (4, 6, 5), perm: (2, 0, 1))')
  check('instance i = reshape.flat(s: (4, 6), to: (3, 8))')
  check('instance i = pad2d.flat(n: 1, c: 2, h: 3, w: 5, p: 1)')
  check('instance i = concat.flat(s: (2, 3), t: (4, 3), axis: 0)')
  check('instance i = slice.flat(s: (9, 8), begin: (1, 2), size: (3, 4), step: (2, 1))')
})

describe('reductions', () => {
  check('instance i = reduce.warp_per_result(s: (5, 100), axes: 1, op: sum)')
  check('instance i = reduce.warp_per_result(s: (5, 33), axes: 1, op: max)')
  check('instance i = reduce.warp_per_result(s: (4, 3, 40), axes: (1, 2), op: avg)')
  check('instance i = reduce.thread_per_result(s: (40, 5), axes: 0, op: sum)')
  check('instance i = reduce.thread_per_result(s: (7, 6, 5), axes: 1, op: min, keep: true)')
  check('instance i = arg_max.warp_per_result(s: (5, 70), axis: 1)')
  check('instance i = arg_min.thread_per_result(s: (20, 6), axis: 0)')
  check('instance i = softmax.warp_per_row(s: 5, n: 100)')
  check('instance i = softmax.warp_per_row(s: (2, 3), n: 33)')
  check('instance i = softmax.online(s: 3, n: 300)')
  check('instance i = layer_norm.block_per_row(s: 3, n: 100)')
})

describe('fused graphs', () => {
  check('graph g(a: f16[1, 40, 12], b: f32[1, 12, 36], bias: f32[36]) { return relu(batch_matmul(cast(a, U: f32), b) + bias) }')
  const nchw = `graph g(a: f32[1, 196, 8], b: f32[1, 8, 20], bias: f32[1, 20, 1, 1]) {
  let c = reshape(batch_matmul(a, b), to: (1, 14, 14, 20))
  return relu(transpose(c, perm: (0, 3, 1, 2)) + bias)
}`
  check(nchw)
  for (const index of [0, 60, 130, 176]) check(nchw, { candidate: { level: 2, index } })
  check('graph g(x: f32[4, 30]) { return relu(gelu(x) + x) }')
  check('graph g(x: f32[4, 30]) { return softmax(x * 2.0) }')
  check('graph g(x: f32[4, 30]) { return maximum(1 - x, -x / 4) }')
  check('graph g(x: f32[5, 40], b: f32[5]) { return exponential(reduce(relu(x), axes: 1, op: sum) + b) }')
})
