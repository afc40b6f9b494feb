// Kernels and operators as intermediate representation: Heddle in, the printed program or the problem out.
import { describe, expect, it } from 'vitest'
import { defineOperator } from '../../../compiler-core/language/define.ts'
import { openSchedule } from '../../../compiler-core/language/instantiate.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import type { Diagnostic } from '../../../compiler-core/language/diagnostics.ts'
import { printExpr, printStatements } from '../../../compiler-core/ir/print.ts'
import type { Program } from '../../../compiler-core/ir/ir.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { mainUri, said, unmarked } from './support.ts'

interface Elaborated {
  readonly program: Program | undefined
  readonly operator: OperatorInstance | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/** The last operator of a file with its last schedule, all extents known only at launch unless bound. */
function elaborated(text: string, bound: Readonly<Record<string, string>> = {}): Elaborated {
  const program = createProgram({ read: uri => uri === mainUri ? text : undefined, roots: ['file:///project/'] })
  const analysis = program.analyse(mainUri), elaboration = program.elaboration(mainUri)
  if (!analysis || !elaboration) throw new Error('the main file is there')
  const { run, frame } = elaboration, place = analysis.parsed.file
  run.home = { name: 'o.s', module: frame.module, node: place }
  const operator = analysis.resolved.definitions.findLast(d => d.kind === 'operator')
  const bindings = new Map(Object.entries(bound).map(([name, e]) =>
    [name, { value: program.evaluateExpression(e).value, node: place }]))
  const defined = operator && defineOperator(run, operator, frame, place, bindings)
  const entry = analysis.resolved.schedules.at(-1)
  const schedule = defined && entry && openSchedule(run, entry.definition, defined, frame, place)
  const made = schedule?.program(schedule.tunes.map(t => t.default))
  return { program: made?.program, operator: defined?.operator,
    diagnostics: [...analysis.diagnostics, ...run.diagnostics] }
}

const shell = (body: string): string => `import "std/prelude"
operator o(x: f32[n], z: f16[n]) -> y: f32[n] { y[i] = x[i] + f32(z[i]) }
schedule s for o {
  kernel main(grid: ceil_div(n, 256), block: 256) { ${body} }
}`

/** The statements of a kernel's body, one a line, without indentation. */
function check(body: string, expected: string): void {
  it(body, () => {
    const { program, diagnostics } = elaborated(shell(body))
    expect(said(diagnostics.filter(d => d.code !== 'unused-import'))).toEqual([])
    const text = printStatements(program?.kernels[0]?.body ?? [])
    expect(lines(text)).toEqual(lines(expected))
  })
}

/** The one problem of a kernel's body, at the marked place. */
function wrong(body: string, code: string, words: RegExp): void {
  it(body, () => {
    const { text, spans } = unmarked(shell(body))
    const found = elaborated(text).diagnostics.filter(d => d.code !== 'unused-import')
    expect(found.map(d => `${d.code} ${JSON.stringify(text.slice(d.span.start, d.span.end))}`), said(found).join('\n'))
      .toEqual(spans.map(s => `${code} ${JSON.stringify(text.slice(s.start, s.end))}`))
    for (const d of found) expect(d.message).toMatch(words)
  })
}

const lines = (text: string): readonly string[] => text.split('\n').map(l => l.trim()).filter(l => l !== '')

describe('names', () => {
  check('let i = blockIdx.x * 256 + threadIdx.x\n y[i] =? x[i] ?? 0', 'let i: index = blockIdx.x * 256 + threadIdx.x\n y[i] =? x[i] ?? 0')
  check('let i = 3\n y[i] =? 1', 'y[3] =? 1')
  check('let (a, b) = (threadIdx.x / 32, threadIdx.x % 32)\n y[a + b] =? 0', 'let a: index = threadIdx.x / 32\n let b: index = threadIdx.x % 32\n y[a + b] =? 0')
  check('let i = unflatten(threadIdx.x, (4, 8))\n y[i[0]] =? 0', 'let i0: index = threadIdx.x / 8\n let i1: index = threadIdx.x % 8\n y[i0] =? 0')
  check('let f = f32(threadIdx.x)\n y[0] =? f', 'let f: f32 = f32(threadIdx.x)\n y[0] =? f')
  check('var a = 0.0\n a += 1\n y[0] =? a', 'var a: f32 = 0\n a = a + 1\n y[0] =? a')
  check('var a = 1\n let b = a\n a = 2\n y[b] =? 0', 'var a: index = 1\n let b: index = a\n a = 2\n y[b] =? 0')
  check('var p = (0.0, 1)\n p = (p[0] + 1, p[1])\n y[0] =? p[0]', 'var p0: f32 = 0\n var p1: index = 1\n p0 = p0 + 1\n p1 = p1\n y[0] =? p0')
  check('var a = 1.0\n var b = 2.0\n y[0] =? a - b', 'var a: f32 = 1\n var b: f32 = 2\n y[0] =? a - b')
})

describe('types', () => {
  check('y[0] =? f32(z[0] ?? 1) * 2', 'y[0] =? f32(z[0] ?? 1) * 2')
  check('let h = z[0] ?? 0\n y[0] =? h', 'let h: f16 = z[0] ?? 0\n y[0] =? f32(h)')
  check('y[0] =? (x[0] ?? 0) / n', 'y[0] =? x[0] ?? 0 / f32(n)')
  check('let c = threadIdx.x < 3 && n > 4\n if c { y[0] =? 0 }', 'let c: bool = threadIdx.x < 3 && 4 < n\n if c {\n y[0] =? 0\n }')
  wrong('y[0] =? <|(x[0] ?? 0) * threadIdx.x|>', 'wrong-type', /`f32` and a whole number. Convert the whole number: `f32\(...\)`/)
  wrong('y[0] =? <|f64(x[0] ?? 0)|>', 'wrong-type', /`f64`, but `f32` is needed/)
  wrong('if <|x[0] ?? 0|> { }', 'wrong-type', /A condition is true or false; this is `f32`/)
  wrong('let a = exp(<|threadIdx.x|>)\n y[0] =? a', 'wrong-type', /./)
  wrong('y[0] =? f32(threadIdx.x / <|0|>)', 'division-by-zero', /./)
})

describe('branches and loops', () => {
  check('if 1 < 2 { y[0] =? 1 } else { y[0] =? 2 }', 'y[0] =? 1')
  check('if threadIdx.x < 4 { y[0] =? 1 } else if threadIdx.x < 8 { y[1] =? 2 } else { y[2] =? 3 }',
    'if threadIdx.x < 4 {\n y[0] =? 1\n } else {\n if threadIdx.x < 8 {\n y[1] =? 2\n } else {\n y[2] =? 3\n }\n }')
  check('for i in 0..4 { y[i] =? 0 }', 'for i in 0..4 {\n y[i] =? 0\n }')
  check('for i in 2..n { y[i] =? 0 }', 'for i in 0..n - 2 {\n y[2 + i] =? 0\n }')
  check('for d in [2, 1] { y[d] =? 0 }', 'y[2] =? 0\n y[1] =? 0')
  check('unroll for p in 0..4 { if p == 0 { y[p] =? 0 } }', 'unroll for p in 0..4 {\n if p == 0 {\n y[p] =? 0\n }\n }')
  check('unroll for p in 0..2 { let m = repeat(p + 1) * spatial(256)\n y[m.tasks] =? 0 }', 'y[1] =? 0\n y[2] =? 0')
  check('for i in spatial(256).on(threadIdx.x) { y[i] =? 0 }', 'for (i) in (spatial(256)).on(threadIdx.x) {\n y[i] =? 0\n }')
  check('for i in (repeat(ceil_div(n, 256)) * spatial(256)).on(threadIdx.x) { y[i] =? 0 }',
    'for step in 0..(n + 256 - 1) / 256 {\n let i: index = step * 256 + threadIdx.x\n y[i] =? 0\n }')
  check('let (a, b) = spatial(ceil_div(n, 4), 2).at(blockIdx.x)\n y[a] =? f32(b)', 'let a: index = blockIdx.x / 2\n let b: index = blockIdx.x % 2\n y[a] =? f32(b)')
  check('var i = 0\n while i < 4 { i += 1 }', 'var i: index = 0\n while i < 4 {\n i = i + 1\n }')
  check('for i in 0..n { if i == 3 { break } }', 'for i in 0..n {\n if i == 3 {\n break\n }\n }')
  wrong('for d in [2, 1] { <|break|> }', 'misplaced-statement', /written out/)
  wrong('for (i, j) in <|x|> { }', 'wrong-type', /this is the tensor x/)
  wrong('unroll for i in <|0..n|> { }', 'not-compile-time', /`n` is known only at launch/)
})

describe('memory', () => {
  check('shared s: f32[2, 8]\n s[1, 3] = 1', 'shared s: f32[2, 8]\n s[1, 3] = 1')
  check('register r: f32[4] = 0\n r[1] += 2', 'register r: f32[4] = 0\n r[1] = r[1] + 2')
  check('shared s: f32[2, 8]\n let row = s[1, ..]\n row[3] = row[2]', 'shared s: f32[2, 8]\n s[1, 3] = s[1, 2]')
  check('shared s: f32[16]\n let part = s[4 ..+ 8]\n part[1] = 0', 'shared s: f32[16]\n s[5] = 0')
  wrong('shared s: f32[<|n|>]', 'not-compile-time', /`n` is known only at launch. Bind it in the instance/)
  wrong('shared s: f32[4, 4]\n <|s[1]|> = 0', 'rank-mismatch', /2 dimensions/)
  wrong('shared s: f32[4, 4]\n <|s[1, ..]|> = 0', 'not-assignable', /a slice/)
  wrong('register r: f32[4] in <|row_major(8)|>', 'size-mismatch', /shape \(8\)/)
  wrong('<|x[0]|> = 1', 'not-assignable', /`x` is an input/)
})

describe('device functions', () => {
  check('device twice(a: f32) -> f32 { return a * 2 }\n y[0] =? twice(x[0] ?? 0)', 'let a: f32 = x[0] ?? 0\n y[0] =? a * 2')
  check('device put(i: int) { y[i] =? 1 }\n put(threadIdx.x)\n put(3)', 'y[threadIdx.x] =? 1\n y[3] =? 1')
  check('device other<A>(v: A) -> A { return shfl_xor_sync(v, 16) }\n y[0] =? other(x[0] ?? 0)', 'let v: f32 = x[0] ?? 0\n let other: f32 = shfl_xor_sync(v, 16)\n y[0] =? other')
  check('device pick(k: int) -> f32 { if k == 0 { return 1.0 } else { return 2.0 } }\n y[0] =? pick(1)', 'y[0] =? 2')
  check('syncthreads()', 'syncthreads()')
  check('assert(threadIdx.x < n, "all threads")', 'assert(threadIdx.x < n, "all threads")')
  wrong('device f() { <|f()|> }\n f()', 'endless-recursion', /inlined and cannot/)
  wrong('device f(a: f32) -> f32 { if a > 0 { <|return 1.0|> } return 2.0 }\n y[0] =? f(x[0] ?? 0)', 'misplaced-statement', /chosen at compile time/)
})

describe('operators', () => {
  const defines = (text: string, expected: string, bound: Readonly<Record<string, string>> = {}): void => {
    it(text, () => {
      const { operator, diagnostics } = elaborated(`import "std/prelude"\n${text}`, bound)
      expect(said(diagnostics.filter(d => d.code !== 'unused-import'))).toEqual([])
      const all = [...operator?.stages ?? [], ...operator?.outputs ?? []]
      const shown = all.map(d => `${d.buffer.name}: ${d.buffer.element}[${d.axes.map(a => `${a.variable.name} < ${printExpr(a.extent)}`).join(', ')}] = ${printExpr(d.value)}`)
      expect(shown.join('; ')).toBe(expected)
    })
  }
  defines('operator o(x: f32[m, n]) -> y: f32[n, m] { y[i, j] = x[j, i] }', 'y: f32[i < n, j < m] = x[j, i]')
  defines('operator o<T>(x: T[...s]) -> y: T[...s] { y[...i] = max(x[...i], 0) }', 'y: f32[i0 < 2, i1 < 3] = max(x[i0, i1], 0)', { s: '(2, 3)' })
  defines('operator o<T: float>(a: T[m, k], b: T[k, n]) -> c: T[m, n] { c[i, j] = sum[p < k] a[i, p] * b[p, j] }',
    'c: f16[i < m, j < n] = f16(sum[p < k] f32(a[i, p]) * f32(b[p, j]))', { T: 'f16' })
  defines('operator o(x: f32[n]) -> y: f32[n] { let e[i < n] = exp(x[i])\n y[i] = e[i] / n }', 'e: f32[i < n] = exp(x[i]); y: f32[i < n] = e[i] / f32(n)')
  defines('operator o(x: f32[n], p: int = 1) -> y: f32[n + 2 * p] { y[i] = x[i - p] ?? 0 }', 'y: f32[i < n + 2] = x[i - 1] ?? 0')
  defines('operator o(x: f32[n]) -> y: i64 { y[] = argmax[p < n] x[p] }', 'y: i64[] = argmax[p < n] x[p]')
  defines('operator o(x: f32[n]) -> y: f32[n] { y[i] = a * 2 where a = x[i] + 1 }', 'y: f32[i < n] = (x[i] + 1) * 2')
})

describe('schedules', () => {
  const rule = (schedule: string, code: string, words: RegExp): void => {
    it(schedule, () => {
      const { text, spans } = unmarked(`operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\n${schedule}`)
      const found = elaborated(text).diagnostics
      expect(found.map(d => d.code), said(found).join('\n')).toEqual(spans.length === 0 ? [code] : spans.map(() => code))
      expect(found[0]?.message).toMatch(words)
    })
  }
  rule('schedule s for o { require <|n < 5|>, "small" }', 'require-shape', /depends on `n`; say `applies when/)
  rule('schedule s for o { let m = n + 1\n require <|m < 5|>, "small" }', 'require-shape', /depends on `n`/)
  rule('schedule s for o given n { }', 'unbound', /needs `n` as a number/)
  rule('schedule s for o applies when n % 4 == 0 { }', 'not-compile-time', /must be known at compile time/)
  rule('schedule s for o { kernel k(grid: 1) { } }', 'missing-argument', /needs `block/)
  rule('schedule s for o { kernel k(grid: 1, block: n) { } }', 'not-compile-time', /number of threads/)
  rule('schedule s for o { kernel k(grid: 1, block: 32, cluster: 2) { } }', 'unknown-argument', /`grid`, `block` and `min_blocks`, not `cluster`/)
})
