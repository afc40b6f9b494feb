import { describe, expect, it } from 'vitest'
import type { Definition } from '../../../compiler-core/language/resolve.ts'
import { nodeAt, spanOf } from '../../../compiler-core/language/syntax/walk.ts'
import { needs } from '../../harness/needs.ts'
import { samples } from './syntax/corpus.ts'
import { analysis, problem, problems, said, unmarked } from './support.ts'

/** All marked names mean the same declaration, and no others do. */
function sameName(marks: string, files: Readonly<Record<string, string>> = {}): void {
  const { text, spans } = unmarked(marks)
  const a = analysis(text, files)
  expect(said(a.diagnostics.filter(d => d.severity === 'error')), marks).toEqual([])
  const definitions = spans.map(span => {
    const node = nodeAt(a.parsed, span.start)
    return node.kind === 'Name' || node.kind === 'NameRef' ? a.resolved.definitionOf.get(node) : undefined
  })
  const first: Definition | undefined = definitions[0]
  expect(first, marks).toBeDefined()
  for (const d of definitions) expect(d === first, marks).toBe(true)
  const uses = first ? a.resolved.usesOf.get(first) ?? [] : []
  const declared = first?.uri === a.uri ? spanOf(a.parsed, first.nameNode).start : undefined
  const marked = spans.map(s => s.start).filter(start => start !== declared)
  expect(uses.map(n => spanOf(a.parsed, n).start).sort((x, y) => x - y), marks).toEqual(marked)
}

const matmul = 'operator mm<T: float>(a: T[m, k], b: T[k, n], alpha: float = 1) -> c: T[m, n] { c[i, j] = sum[p < k] a[i, p] * b[p, j] * alpha }'

describe('a name means its declaration', () => {
  it.each([
    'let <|a|> = 1\nlet b = <|a|> + <|a|>',
    'let (<|a|>, b) = (1, 2)\nlet c = <|a|>',
    'fn <|f|>(n: int) -> int = if n == 0 then 0 else <|f|>(n - 1)\nlet a = <|f|>(3)',
    'let a = <|f|>(3)\nfn <|f|>(n: int) -> int = n',
    'fn f(<|n|>: int) -> int = <|n|> + 1\nlet n = 2\nlet a = f(<|n|>: n)',
    'fn f(n: int) -> int { var <|x|> = n\n <|x|> += 1\n return <|x|> }',
    'let x = 1\nfn f() -> int { let <|x|> = 2\n return <|x|> }',
    'let a = [<|i|> + j for <|i|> in 0..3 for j in 0..<|i|>]',
    'mapping m(<|w|> < 32) -> 32 = [<|w|>]',
    'mapping <|m|>(w < 32) -> 32 = [w]\nlet a = <|m|>.shape',
    'operator o<T>(x: T[<|n|>], p: int) -> y: T[<|n|> + p] { y[i] = if i < <|n|> then x[i] else x[0] }',
    'operator o<<|T|>: float>(x: <|T|>[n]) -> y: <|T|>[n] { y[i] = <|T|>(x[i]) }',
    'operator o(x: f32[...<|s|>]) -> y: f32[...<|s|>] { y[...i] = x[...i] }',
    'operator o(x: f32[n]) -> <|y|>: f32[n] { <|y|>[i] = x[i] }',
    'operator o(x: f32[n, m]) -> y: f32[n] { let <|t|>[i < n] = sum[j < m] x[i, j]\n y[i] = <|t|>[i] }',
    'operator o(x: f32[n]) -> y: f32[<|q|>] where <|q|> = n / 2 { y[i] = x[2 * i] }',
    'operator o(x: f32[n]) -> y: f32[n] { y[i] = x[<|j|>] where <|j|> = n - i }',
    `${matmul}\nschedule s for mm { tune <|bm|> = 8\n let tiles = <|bm|> }`,
    `${matmul}\nschedule s for mm { kernel main(grid: 1, block: 1) { let <|q|> = 1\n for i in 0..<|q|> { let r = <|q|> + i } } }`,
    `${matmul}\nschedule s for mm { kernel main(grid: 1, block: 1) { shared <|sa|>: T[8]\n device put(s: int) { <|sa|>[s] = 0 }\n put(1)\n shared sb: T[4] reuses <|sa|> } }`,
    'operator <|o|>(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for <|o|> { kernel main(grid: 1, block: 1) { y[0] =? x[0] } }\ninstance a = <|o|>.s(n: 4)',
    'operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule <|s|> for o { tune t = 1 }\ninstance a = o.<|s|>(n: 4, t: 2)',
    'operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { tune <|t|> = 1\n let q = <|t|> }\ninstance a = o.s(n: 4, <|t|>: 2)',
    'operator o(x: f32[<|n|>]) -> y: f32[<|n|>] { y[i] = x[i] }\nschedule s for o given <|n|> { let q = <|n|> }\ninstance a = o.s(<|n|>: 4)',
    'operator o(x: f32[n], <|scale|>: float = 1) -> y: f32[n] { y[i] = x[i] * <|scale|> }\ngraph g(x: f32[4]) { return o(x, <|scale|>: 2) }',
    'schedule s for pointwise <|f|> { let r = <|f|>.shape }',
    'graph g(<|x|>: f32[4]) { let y = <|x|>\n return y }',
  ])('%s', marks => { sameName(marks) })

  it('in the files that it imports', () => {
    sameName('import "tiles"\nlet a = <|tile|> * <|tile|>', { 'tiles.heddle': 'let tile = spatial(4)' })
    sameName('import "a"\nlet x = <|tile|>', { 'a.heddle': 'import "b"', 'b.heddle': 'let tile = spatial(4)' })
    sameName('import "a"\nimport "b"\nlet x = <|tile|>', { 'a.heddle': 'import "b"', 'b.heddle': 'let tile = spatial(4)' })
  })
  it('of the library, also behind a dot', () => {
    sameName('import "std/prelude"\nlet a = <|ceil_div|>(3, 2) + <|ceil_div|>(1, 1)')
    sameName('let a = <|spatial|>(4)')
    sameName('let a = spatial(4).<|workers|> + repeat(2).<|workers|>')
  })
})

describe('what names cannot mean', () => {
  problems([
    ['let a = <|b|>', 'unknown-name'], ['let tile = 1\nlet a = <|tyle|>', 'unknown-name', /Did you mean `tile`/],
    ['let a = <|sptial|>(4)', 'unknown-name', /`spatial`/], ['let a = <|ceil_div|>(3, 2)', 'unknown-name', /Add `import "std\/prelude"`/],
    ['fn f(x: <|nt|>) -> int = 1', 'unknown-name', /`int`/],
    ['let a = 1\nlet <|a|> = 2', 'duplicate-name', /declared twice/], ['fn f(a: int, <|a|>: int) -> int = a', 'duplicate-name'],
    ['fn f() -> int { let a = 1\n let <|a|> = 2\n return a }', 'duplicate-name'], ['let (a, <|a|>) = (1, 2)', 'duplicate-name'],
    ['operator o(x: f32[n]) -> <|x|>: f32[n] { x[i] = 0 }', 'duplicate-name'],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { }\nschedule <|s|> for o { }', 'duplicate-name', /`o` has two schedules `s`/],
    ['let a = <|b|>\nlet b = 1', 'use-before-declaration'], ['let a = <|a|> + 1', 'use-before-declaration'],
    ['fn f() -> int { let a = <|b|>\n let b = 1\n return b }', 'use-before-declaration'],
    ['let a = 1\nschedule s for <|a|> { }', 'wrong-kind', /`a` is a constant/], ['let a = 1\ninstance i = <|a|>.s()', 'wrong-kind'],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule tiled for o { }\ninstance i = o.<|tield|>()', 'unknown-name', /Did you mean `tiled`/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\ninstance i = o.<|s|>()', 'unknown-name', /None is declared/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { }\ninstance i = o.s(<|k|>: 4)', 'unknown-argument', /`x` and `n`/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\ngraph g(x: f32[4]) { return o(x, <|scale|>: 2) }', 'unknown-argument'],
    ['operator o(x: f32[n]) -> (y: f32[n], <|z|>: f32[n]) { y[i] = x[i] }', 'no-value', /does not say what `z` is/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i]\n <|y[i] = 0|> }', 'duplicate-name', /defined twice/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { }\ninstance i = o.s(<|4|>)', 'unknown-argument', /binds names/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { }\ninstance i = o.s(n: 4, <|n|>: 5)', 'duplicate-argument', /bound twice/],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { tune rows = 4 in [4, 8] }\ninstance i = o.s(<|row|>: 4)', 'unknown-argument', /Did you mean `rows`/],
    ['device d(a: int) { }\noperator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { kernel k(grid: 1, block: 1) { d(<|b|>: 1) } }', 'unknown-argument'],
    ['fn <|f|>(a: int) -> int', 'missing-body'], ['device <|d|>()', 'missing-body'],
    ['fn f() -> int { <|break|> return 1 }', 'misplaced-statement'], ['fn f() -> int { <|shared s: f32[4]|> return 1 }', 'misplaced-statement'],
    ['fn f() -> int { <|unroll for i in 0..4 { }|> return 1 }', 'misplaced-statement'],
    ['fn f() -> int { let a = 1\n <|a|> = 2\n return a }', 'not-assignable', /Declare it with `var`/], ['fn f(a: int) -> int { <|a|> += 1\n return a }', 'not-assignable'],
    ['fn f(a: shape) -> int { <|a[0]|> = 1\n return 1 }', 'not-assignable'],
    ['operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o { kernel k(grid: 1, block: 1) { <|y|> = 1 } }', 'not-assignable', /`y\[...\]`/],
  ])

  it('is said with the first declaration beside it, and with a fix where one is plain', () => {
    const duplicate = analysis('let a = 1\nlet a = 2').diagnostics[0]
    expect(duplicate?.related.map(r => r.span)).toEqual([{ start: 4, end: 5 }])
    expect(analysis('let a = sptial(4)').diagnostics[0]?.fix?.edits).toEqual([{ span: { start: 8, end: 14 }, newText: 'spatial' }])
    expect(analysis('let a = log2(4)').diagnostics[0]?.fix?.edits[0]?.newText).toBe('import "std/prelude"\n')
    expect(analysis('let a = spatial(4).wrkers').diagnostics[0]?.fix?.edits[0]?.newText).toBe('workers')
  })
  it('is not said of names that a failed import may have', () => {
    expect(analysis('import "nothing"\nlet a = b').diagnostics.map(d => d.code)).toEqual(['missing-import'])
  })
  it('is said where two imports declare a name', () => {
    problem('import "a"\nimport "b"\nlet x = <|tile|>', 'ambiguous-name', '2 imported files', { 'a.heddle': 'let tile = 1', 'b.heddle': 'let tile = 2' })
  })
})

const shared = needs('../shared')
describe(`the prototypes' library (${shared.label})`, () => {
  it.skipIf(shared.missing)('resolves and evaluates, but for what is not of the language', () => {
    const folder = '../shared/prototypes/language/std'
    const files = samples(folder).filter(f => f.name !== 'builtin.heddle').map(f => ({ ...f, text: f.text.replace(/import "std\/(?!prelude)/g, 'import "') }))
    const others = Object.fromEntries(files.map(f => [f.name, f.text]))
    // `.row` became something else; two files show what a graph may call, without importing it
    const known = ['unknown-member: A mapping has no member `row`.', 'unknown-name: `gelu` is not visible here. Add `import "std/elementwise"`.',
      'unknown-name: `relu` is not visible here. Add `import "std/elementwise"`.', 'unknown-name: `split` is not visible here. Add `import "std/shape"`.',
      'unknown-name: `concat` is not visible here. Add `import "std/shape"`.']
    const found = files.flatMap(f => said(analysis(f.text, others).diagnostics).filter(d => !known.includes(d)).map(d => `${f.name} ${d}`))
    expect(files.length).toBeGreaterThan(10)
    expect(found).toEqual([])
  })
})
