// The trace through the whole compiler, on random programs whose every number is written once: a number of the source
// leads to its occurrences in the CUDA text, and each occurrence leads back, also out of operators that were fused.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexTrace, linkFromSource, linkFromTarget } from '../../../compiler-core/codegen/trace.ts'
import { compile } from '../../../compiler-core/compile/compile.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'

const uri = 'file:///project/main.heddle'

/** An expression over the operands, with a fresh number (1001.5, 1002.5, ...) wherever a `#` stands. */
const expression = fc.letrec<{ e: string }>(tie => ({
  e: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('OPERAND', 'OPERAND * #', 'OPERAND + #'),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(${a} + ${b})`),
    tie('e').map(a => `max(${a}, #)`), tie('e').map(a => `exp(${a} - #)`), tie('e').map(a => `(${a}) * #`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(if OPERAND < # then ${a} else ${b})`))
})).e

/** One that reads its operand once. */
const chain = fc.letrec<{ c: string }>(tie => ({
  c: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constant('OPERAND'),
    tie('c').map(a => `max(${a}, #)`), tie('c').map(a => `(${a} + #)`), tie('c').map(a => `exp(${a} * #)`))
})).c

const statement = fc.letrec<{ s: string }>(tie => ({
  s: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    expression.map(e => `v += ${e}`),
    expression.map(e => `let t = ${e}\n v = v * t + #`),
    fc.tuple(expression, tie('s')).map(([e, s]) => `if ${e} < # { ${s} }`),
    fc.tuple(tie('s'), tie('s')).map(([a, b]) => `for q in 0..3 { ${a}\n ${b} }`))
})).s

/** A statement, or an exchange through shared memory, which all threads reach. */
const step = fc.oneof(statement, expression.map(e => `s[threadIdx.x] = ${e}\n syncthreads()\n v += s[31 - threadIdx.x] * #\n syncthreads()`))

const program = fc.record({ body: expression, statements: fc.array(step, { minLength: 1, maxLength: 3 }),
  prologue: expression, epilogue: chain })
  .map(({ body, statements, prologue, epilogue }) => {
    let next = 1001
    const fresh = (text: string, operand: string): string => text.replaceAll('OPERAND', operand).replace(/#/g, () => `${next++}.5`)
    return `
operator before(x: f32[n, 2]) -> y: f32[n, 2] { y[i, j] = ${fresh(prologue, 'x[i, j]')} }
operator middle(x: f32[n, 2]) -> y: f32[n] { y[i] = sum[p < 2] (${fresh(body, 'x[i, p]')}) }
operator after(x: f32[n]) -> y: f32[n] { y[i] = ${fresh(epilogue, 'x[i]')} }
schedule own for middle {
  kernel main(grid: n / 32, block: 32) {
    let i = blockIdx.x * 32 + threadIdx.x
    shared s: f32[32]
    var v = (x[i, 0] ?? 0.25) * (x[i, 1] ?? 0.25)
    ${named(statements.map(s => fresh(s, 'v')).join('\n    '))}
    y[i] =? v
  }
}
instance alone = middle.own(n: 64)
graph fused(x: f32[64, 2]) { return after(middle(before(x))) }
`
  })

/** Each `let t` with the use behind it gets a name of its own. */
function named(text: string): string {
  let next = 0
  return text.replace(/let t =|v \* t \+/g, found => found.startsWith('let') ? `let t${++next} =` : `v * t${next} +`)
}

describe('the trace', () => {
  it('leads from each number of a program to the CUDA text, and back', () => {
    fc.assert(fc.property(program, text => {
      for (const subject of ['alone', 'fused']) traced(text, subject)
    }), { numRuns: 150 })
  })
})

function traced(text: string, subject: string): void {
  const compiled = compile(createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///project/'] }), uri, subject)
  expect(compiled.problems.filter(p => p.diagnostic.severity === 'error').map(p => p.diagnostic.message), text).toEqual([])
  const { cuda } = compiled
  if (!cuda) throw new Error('there is CUDA')
  const index = indexTrace(cuda.trace)
  for (const found of cuda.text.matchAll(/\b(1\d\d\d\.5)f/g)) {
    const token = found[1] ?? '', at = text.indexOf(token)
    const back = linkFromTarget(cuda.trace, found.index)
    expect(back?.origins.some(o => o.range.uri === uri && o.range.span.start <= at && at + token.length <= o.range.span.end), `${token} leads back\n${text}\n${cuda.text}`).toBe(true)
    expect(back?.origins.some(o => text.slice(o.range.span.start, o.range.span.end) === token), `${token} leads to itself\n${text}\n${cuda.text}`).toBe(true)
    const there = linkFromSource(index, uri, at)
    expect(there?.targets.some(t => t.start <= found.index && found.index < t.end), `${token} leads there\n${text}\n${cuda.text}`).toBe(true)
  }
  // nothing that is computed is lost: each number of the schedule, and of the fused operators, is in the text
  const used = subject === 'alone' ? text.slice(text.indexOf('schedule own')) : text.replace(/operator middle.*\n/, '')
  for (const [token] of used.matchAll(/\b1\d\d\d\.5\b/g)) expect(cuda.text.includes(`${token}f`), `${token} is there\n${text}\n${cuda.text}`).toBe(true)
}
