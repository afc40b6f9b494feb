// Groups around the library's SIMT matmul, from their text to the fused program, for every candidate of its space.
import { describe, expect, it } from 'vitest'
import { openSubject, type OpenSubject } from '../../../compiler-core/compile/subjects.ts'
import { constant } from '../../../compiler-core/ir/build.ts'
import type { Buffer, Program, Stmt } from '../../../compiler-core/ir/ir.ts'
import { printProgram, printStatements } from '../../../compiler-core/ir/print.ts'
import { forEachStmt, mapStmts } from '../../../compiler-core/ir/visit.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { spaceOf } from '../../../compiler-core/schedule/space.ts'
import { execute, someElements } from '../../harness/ir-interpreter.ts'

const text = `import "std/matmul"
import "std/elementwise"
import "std/shape"

graph image(a: f32[1, 36, 8], b: f32[1, 8, 20], bias: f32[1, 20, 1, 1]) {
  let nchw = transpose(reshape(batch_matmul(a, b), (1, 6, 6, 20)), (0, 3, 1, 2))
  return relu(nchw + bias)
}
graph dense(a: f16[2, 20, 12], b: f32[2, 12, 24], bias: f32[24]) {
  return relu(batch_matmul(cast(a, U: f32), b) + bias)
}
`
const uri = 'file:///project/main.heddle'

function opened(name: string): OpenSubject {
  const program = createProgram({ read: file => (file === uri ? text : undefined), roots: ['file:///project/'] })
  const { subject, problems } = openSubject(program, uri, name)
  expect(problems.map(p => p.diagnostic.message)).toEqual([])
  return subject!
}

function fusedAt(subject: OpenSubject, point: OpenSubject['point']): { bounds: Program; fused: Program } {
  const { stages, findings } = subject.program(point)!
  expect(findings.filter(f => f.severity === 'error').map(f => f.message)).toEqual([])
  const stage = (name: string) => stages.find(s => s.name === name)!.program
  return { bounds: stage('bounds'), fused: stage('fused') }
}

/** What reaches a store to an output, each store adding 1. */
function counting(program: Program): Program {
  const only = (body: readonly Stmt[]): readonly Stmt[] => mapStmts(body, s => {
    switch (s.kind) {
      case 'store': {
        const { buffer, indices, origins } = s, value = constant(1, buffer.element)
        return buffer.scope === 'output'
          ? { kind: 'effect', effect: 'atomic_add', buffer, indices, value, old: undefined, origins }
          : []
      }
      case 'for': case 'tasks': return s.body.length > 0 ? s : []
      case 'if': return s.then.length + s.otherwise.length > 0 ? s : []
      case 'let': return s.variable.type === 'index' ? s : []
      default: return []
    }
  })
  return { ...program, kernels: program.kernels.map(k => ({ ...k, body: withoutEmpty(only(k.body)) })) }
}

/** Loops that only name things lead to no store. */
function withoutEmpty(body: readonly Stmt[]): readonly Stmt[] {
  return mapStmts(body, s => ((s.kind === 'for' || s.kind === 'tasks') && !stores(s.body) ? [] : s))
}

function stores(body: readonly Stmt[]): boolean {
  let found = false
  forEachStmt(body, s => {
    found ||= s.kind === 'effect'
  })
  return found
}

const sizeOf = (b: Buffer) => b.shape.reduce((l, e) => l * Number(e.kind === 'constant' ? e.value : NaN), 1)

/** The conditions around stores to outputs. */
function predicates(program: Program): readonly string[] {
  const found: string[] = []
  forEachStmt(program.kernels[0]!.body, s => {
    if (s.kind === 'if' && s.then.some(t => t.kind === 'store' && t.buffer.scope === 'output')) {
      found.push(printStatements([{ ...s, then: [] }]).trim())
    }
  })
  return found
}

describe.each(['image', 'dense'])('the group %s', name => {
  const subject = opened(name), { candidates } = spaceOf(subject.schedule, 2)!
  it(`keeps the predicate of the anchor in all ${candidates.length} candidates and stores every element once`, () => {
    for (const { point } of candidates) {
      const { bounds, fused } = fusedAt(subject, point)
      expect(predicates(bounds)).toHaveLength(1)
      expect(predicates(fused)).toEqual(predicates(bounds))
      const y = fused.parameters.at(-1)!, label = point.map(p => p.text).join(' ')
      const counts = execute(counting(fused), new Map([[y, new Array<number>(sizeOf(y)).fill(0)]]), { stage: 'logical' })
      expect(new Set(counts.get(y)), label).toEqual(new Set([1]))
    }
  })
  it('computes the same with each kind of candidate', () => {
    const results = [0, 60, candidates.length - 1].map(i => {
      const { fused } = fusedAt(subject, candidates[i]!.point)
      const inputs = fused.parameters.slice(0, -1).map((x, k) => [x, someElements(sizeOf(x), k + 1)] as const)
      return [...execute(fused, new Map(inputs), { stage: 'logical' }).values()][0]
    })
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
    expect(results[0]!.some(v => v !== 0)).toBe(true)
  })
  it('has the parameters of the graph', () => {
    const { fused } = fusedAt(subject, subject.point)
    expect(fused.parameters.map(p => p.name)).toEqual(['a', 'b', 'bias', 'y'])
    expect(printProgram(fused)).not.toMatch(/\bc\[/)
  })
})
