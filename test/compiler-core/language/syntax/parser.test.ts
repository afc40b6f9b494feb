import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, parseExpression } from '../../../../compiler-core/language/syntax/parser.ts'
import { needs } from '../../../harness/needs.ts'
import { fixtures, samples } from './corpus.ts'
import { dump } from './dump.ts'

/** One expression of a correct program. */
function check(text: string, expected: string): void {
  const { expression, diagnostics } = parseExpression(text)
  expect(diagnostics).toEqual([])
  expect(dump(expression)).toBe(expected)
}
/** The one item of a correct file. */
function checkItem(text: string, expected: string): void {
  const { file, diagnostics } = parse(text)
  expect(diagnostics).toEqual([])
  expect(file.items.map(dump).join(' ')).toBe(expected)
}

describe('expressions', () => {
  const cases: readonly [string, string][] = [
    // precedence and direction
    ['a + b * c - d', '(- (+ a (* b c)) d)'],
    ['a - b - c', '(- (- a b) c)'],
    ['a / b % c * d', '(* (% (/ a b) c) d)'],
    ['a || b && c == d', '(|| a (&& b (== c d)))'],
    ['a & b == c | d', '(== (& a b) (| c d))'],
    ['a | b ^ c & d << 1 + e', '(| a (^ b (& c (<< d (+ 1 e)))))'],
    ['-a * !b + ~c', '(+ (* (- a) (! b)) (~ c))'],
    ['- -a', '(- (- a))'],
    ['-x.y(1)', '(- (Call x.y [1]))'],
    ['a < b', '(< a b)'],
    ['if a then b else if c then d else e + 1', '(Conditional a b (Conditional c d (+ e 1)))'],
    ['(if a then b else c) + 1', '(+ ((Conditional a b c)) 1)'],
    // reductions take a product
    ['sum[p < k] a[p] * b[p] + bias', '(+ (Reduction sum [p<k] (* (Element a [p]) (Element b [p]))) bias)'],
    ['c + sum[p < k] a', '(+ c (Reduction sum [p<k] a))'],
    ['-max[p < k, ...q < s] a', '(- (Reduction max [p<k ...q<s] a))'],
    ['sum[i < m] max[j < n] x[i, j] * 2', '(Reduction sum [i<m] (Reduction max [j<n] (* (Element x [i j]) 2)))'],
    ['op[p < n + 1] x[...i, p]', '(Reduction op [p<(+ n 1)] (Element x [...i p]))'],
    ['x[(i < n)]', '(Element x [((< i n))])'],
    ['x[i << 1]', '(Element x [(<< i 1)])'],
    // what `??` belongs to
    ['x[i - 1] ?? 0', '(GuardedRead (Element x [(- i 1)]) 0)'],
    ['w[i] * x[i - 1] ?? 0', '(* (Element w [i]) (GuardedRead (Element x [(- i 1)]) 0))'],
    ['x[i] ?? -1 * w', '(* (GuardedRead (Element x [i]) (- 1)) w)'],
    ['x[i] ?? y[i] ?? 0', '(GuardedRead (Element x [i]) (GuardedRead (Element y [i]) 0))'],
    ['-x[i] ?? 0', '(- (GuardedRead (Element x [i]) 0))'],
    // calls, members, indices
    ['repeat(1, 8, vector)', '(Call repeat [1 8 vector])'],
    ['spatial(4, 8, ranks: (1, 0)).workers', '(Call spatial [4 8 ranks:(Tuple [1 0])]).workers'],
    ['f(...s, n: ...t,)', '(Call f [...s n:...t])'],
    ['m.project(onto: 0).on(w)[1]', '(Element (Call (Call m.project [onto:0]).on [w]) [1])'],
    ['x[i, ..]', '(Element x [i ..])'],
    ['x[16 * f ..+ 16, .., a..b]', '(Element x [(* 16 f)..+16 .. a..b])'],
    ['x[...permute(i, p)]', '(Element x [...(Call permute [i p])])'],
    ['(a)(b)', '(Call (a) [b])'],
    // literals and collections
    ['(1, 0.5, 0xff, true, "a\\n")', '(Tuple [1 0.5 0xff true "a\\n"])'],
    ['()', '(Tuple)'],
    ['(a,)', '(Tuple [a])'],
    ['(a)', '(a)'],
    ['[]', '(List)'],
    ['[1, 2,]', '(List [1 2])'],
    ['[t for t in a..b]', '(Comprehension t [(Generator t a..b)])'],
    ['[(i, j) for i in 0..4 for (j, _) in xs]', '(Comprehension (Tuple [i j]) [(Generator i 0..4) (Generator (j _) xs)])'],
    // words of the field are names
    ['kernel + level(tune) * given.mapping', '(+ kernel (* (Call level [tune]) given.mapping))'],
  ]
  it.each(cases)('%s', check)
})

describe('declarations', () => {
  const cases: readonly [string, string][] = [
    ['import "std/x"', '(Import "std/x")'],
    ['let a = 1', '(Let a 1)'],
    ['let (a, (b, _)) = t;', '(Let (a (b _)) t)'],
    ['fn f(a: int, b: float = 1) -> int = a', '(Fn f [(Param a int) (Param b float 1)] int a)'],
    ['fn f<T: number, U>(a: T)', '(Fn f [(TypeParam T [number]) (TypeParam U)] [(Param a T)])'],
    ['fn f() { return 1 }', '(Fn f (Block [(Return [1])]))'],
    ['device d<A>(x: register A[...s] in row_major(s), y: (int, shared f16[8])) -> A',
      '(Device d [(TypeParam A)] [(Param x register A[...s] in (Call row_major [s])) (Param y (TupleType [int shared f16[8]]))] A)'],
    ['device d() { }', '(Device d (Block))'],
    ['mapping d(w < 32) -> (32, 32) = [(i, (w + i) % 32) for i in 0..32]',
      '(CustomMapping d w<32 (Tuple [32 32]) (Comprehension (Tuple [i (% ((+ w i)) 32)]) [(Generator i 0..32)]))'],
    ['operator r<T: f16 | f32>(x: T[...s]) -> y: T[...s] { y[...i] = max(x[...i], 0) }',
      '(Operator r [(TypeParam T [f16 f32])] [(Param x T[...s])] [(Param y T[...s])] [(Definition y [...i] (Call max [(Element x [...i]) 0]))])'],
    ['operator p(x: T[h + 2 * p]) -> (a: T[...broadcast(s, t)], b: T) where (u, v) = k, q = u { }',
      '(Operator p [(Param x T[(+ h (* 2 p))])] [(Param a T[...(Call broadcast [s t])]) (Param b T)] [(Where (u v) k) (Where q u)])'],
    ['operator o() -> y: T { require n > 0, "n" let t[i < m, ...j < s] = a where b = c y[i] = t[i] inverse x[...j] -> [...f(j)] let z = 1 }',
      '(Operator o [(Param y T)] [(Require (> n 0) "n") (Stage t [i<m ...j<s] a [(Where b c)]) (Definition y [i] (Element t [i])) '
      + '(Inverse x [...j] [...(Call f [j])]) (Let z 1)])'],
    ['schedule s for o { }', '(Schedule s o)'],
    ['schedule s for o given m, n applies when n % 8 == 0 { }', '(Schedule s o [m n] (== (% n 8) 0))'],
    ['schedule s for pointwise f { }', '(Schedule s (Family family=pointwise f))'],
    ['schedule s for reduction r given n { }', '(Schedule s (Family family=reduction r) [n])'],
    ['schedule s for pointwise given n { }', '(Schedule s pointwise [n])'],
    ['schedule s for reduction { }', '(Schedule s reduction)'],
    ['schedule s for o { tune a = 8 in [4, 8] tune b = (1, 2) level 1 [c] level 2 d tune e = 1 }',
      '(Schedule s o [(Tune a 8 (List [4 8])) (Tune b (Tuple [1 2]) [(Level 1 (List [c])) (Level 2 d)]) (Tune e 1)])'],
    ['schedule s for o { workspace p: f32[m, 2] = 0 device d(s: int) { } kernel main(grid: (a, b), block: 32) { } }',
      '(Schedule s o [(Workspace p f32[m 2] 0) (Device d [(Param s int)] (Block)) (Kernel main [grid:(Tuple [a b]) block:32] (Block))])'],
    ['graph g(x: f32[4]) { let y = f(x) return y, relu(x) }', '(Graph g [(Param x f32[4])] [(Let y (Call f [x])) (Return [y (Call relu [x])])])'],
    ['graph g for conv { return f(x) }', '(Graph g conv [(Return [(Call f [x])])])'],
    ['instance i = o.s(T: f32, m: 4)', '(Instance i o s [T:f32 m:4])'],
    ['let mapping = operator schedule s for graph { }', '(Let mapping operator) (Schedule s graph)'],
  ]
  it.each(cases)('%s', checkItem)
})

describe('statements', () => {
  const cases: readonly [string, string][] = [
    ['let (a, b) = t', '(Let (a b) t)'],
    ['var x = 0; var y: i32 = 1', '(Var x 0) (Var y i32 1)'],
    ['shared a: T[2, n] in l + m reuses b, c = 0', '(Allocation scope=shared a T[2 n] in (+ l m) [b c] 0)'],
    ['register a: f32[n] in tile.layout = 0', '(Allocation scope=register a f32[n] in tile.layout 0)'],
    ['y[e] =? v', '(=? (Element y [e]) v)'],
    ['a = 1 b += 2 c[i] -= 3 d.e *= 4', '(= a 1) (+= b 2) (-= (Element c [i]) 3) (*= d.e 4)'],
    ['a /= 1 b %= 2 c &= 3 d |= 4 e ^= 5', '(/= a 1) (%= b 2) (&= c 3) (|= d 4) (^= e 5)'],
    ['f() g.h(x)', '(CallStatement (Call f)) (CallStatement (Call g.h [x]))'],
    ['for i in 0..n { }', '(For mode=sequential i 0..n (Block))'],
    ['for (i, j) in m.on(w) { }', '(For mode=sequential (i j) (Call m.on [w]) (Block))'],
    ['unroll for d in [16, 8] { }', '(For mode=unroll d (List [16 8]) (Block))'],
    ['unroll 2 for d in x { }', '(For mode=unroll 2 d x (Block))'],
    ['async for d in x { }', '(For mode=async d x (Block))'],
    ['parallel for d in x { }', '(For mode=parallel d x (Block))'],
    ['parallel = 1', '(= parallel 1)'],
    ['while a < b { break continue }', '(While (< a b) (Block [(Break) (Continue)]))'],
    ['if a { } else if b { } else { return }', '(If [(Branch a (Block)) (Branch b (Block))] (Block [(Return)]))'],
    ['if if a then b else c { }', '(If [(Branch (Conditional a b c) (Block))])'],
    ['return if a then b else c', '(Return [(Conditional a b c)])'],
    ['return x = 1', '(Return) (= x 1)'],
    ['device d() { }', '(Device d (Block))'],
    ['x = tune y = 1', '(= x tune) (= y 1)'],
    ['x = operator f(1)', '(= x operator) (CallStatement (Call f [1]))'],
  ]
  it.each(cases)('%s', (text, expected) => { checkItem(`device d() { ${text} }`, `(Device d (Block [${expected}]))`) })
  it.each(cases)('%s, one token a line', (text, expected) => {
    checkItem(`device d() {\n${text.replaceAll(' ', '\n')} }`, `(Device d (Block [${expected}]))`)
  })
})

describe('whole files', () => {
  const inRepository = [...fixtures, ...samples('compiler-core/library/std'), ...samples('docs/examples')]
  it.each(inRepository.map(({ name, text }) => [name, text]))('%s', (_, text) => { expect(parse(text).diagnostics).toEqual([]) })

  const shared = needs('../shared'), folder = path.join(import.meta.dirname, '../../../../../shared')
  it.skipIf(shared.missing)(`the prototype and the example of the design (${shared.label})`, () => {
    const page = readFileSync(path.join(folder, 'design/language.md'), 'utf8')
    const example = page.split('\n').filter(line => line.startsWith('    ') || line === '').join('\n')
    expect(example).toContain('schedule tiled for batch_matmul')
    const files = globSync(path.join(folder, 'prototypes/language/{std,printed}/*.heddle'))
    expect(files.length).toBeGreaterThan(10)
    for (const text of [example, ...files.map(file => readFileSync(file, 'utf8'))]) expect(parse(text).diagnostics).toEqual([])
  })
})

describe('one expression as a text', () => {
  it('gives parents to all but the root', () => {
    const { expression } = parseExpression('a + b')
    expect(expression.parent).toBeUndefined()
    expect(expression.kind === 'Binary' && expression.left.parent).toBe(expression)
  })
  const cases: readonly [string, string][] = [
    ['', 'expected-expression 0-0: Expected an expression, found the end'],
    ['  ', 'expected-expression 2-2: Expected an expression, found the end'],
    ['a b', 'unexpected-token 2-3: Unexpected `b` behind the expression'],
    ['a) + 1 ', 'unexpected-token 1-6: Unexpected `)` behind the expression'],
    ['let a = 1', 'expected-expression 0-3: Expected an expression, found `let`'],
    ['a // comment', ''],
  ]
  it.each(cases)('%j', (text, expected) => {
    const found = parseExpression(text).diagnostics.map(d => `${d.code} ${d.span.start}-${d.span.end}: ${d.message}`)
    expect(found.join('\n')).toBe(expected)
  })
})
