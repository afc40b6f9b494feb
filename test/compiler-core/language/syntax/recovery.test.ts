import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Diagnostic, diagnosticCodes } from '../../../../compiler-core/language/diagnostics.ts'
import { limits } from '../../../../compiler-core/language/syntax/cursor.ts'
import { parse } from '../../../../compiler-core/language/syntax/parser.ts'
import { dump } from './dump.ts'
import { marked } from './marks.ts'

/** A message at the marked place; with `fixed`, what its quick fix makes of the text. */
type Case = readonly [code: Diagnostic['code'], source: string, message: string, fixed?: string]

function applied(text: string, { fix }: Diagnostic): string | undefined {
  return fix?.edits.toSorted((a, b) => b.span.start - a.span.start)
    .reduce((text, { span, newText }) => text.slice(0, span.start) + newText + text.slice(span.end), text)
}

function check([code, source, message, fixed]: Case, before = '', after = ''): void {
  const { text, start, end } = marked(before + source + after)
  const { diagnostics } = parse(text)
  expect(diagnostics.map(d => [d.code, d.message, d.span])).toEqual([[code, message, { start, end }]])
  const [first] = diagnostics
  const result = first && applied(text, first)
  expect(result?.slice(before.length, result.length - after.length)).toBe(fixed)
  if (result !== undefined) expect(parse(result).diagnostics).toEqual([])
}

describe('one message, at its place', () => {
  const inBlock: readonly Case[] = [
    ['expected-token', 'f(a, b<|>', 'Expected `)` to close the arguments, found `}`', 'f(a, b)'],
    ['expected-token', 'f(a, b<|>\ny = 1', 'Expected `)` to close the arguments, found `y`', 'f(a, b)\ny = 1'],
    ['expected-token', 'x[i<|> = 3', 'Expected `]` to close the indices, found `=`', 'x[i] = 3'],
    ['expected-token', 'f(a <|b|>)', 'Expected `,` between the parts of the arguments, found `b`', 'f(a, b)'],
    ['expected-token', 'let x<|> 1', 'Expected `=` before the value, found `1`', 'let x = 1'],
    ['expected-token', 'for i<|> 0..4 { }', 'Expected `in` before what the loop runs over, found `0`', 'for i in 0..4 { }'],
    ['expected-token', 'x = if a<|> b else c', 'Expected `then` after the condition, found `b`', 'x = if a then b else c'],
    ['expected-token', 'f(n <|=|> 1)', 'Expected `:` between the name and the value of an argument, found `=`', 'f(n: 1)'],
    ['unexpected-token', 'f(a <|;|> b, c)', 'Unexpected `;` in the arguments'],
    ['unexpected-token', '<|)|> x y', '`)` cannot start anything in the block'],
    ['unexpected-token', '<|3|> + 4', '`3` cannot start anything in the block'],
    ['expected-expression', 'x = a +<|>\ny = 1', 'Expected an expression, found `y`'],
    ['expected-expression', 'x = a + <|*|> b', 'Expected an expression, found `*`'],
    ['expected-expression', 'let x =<|>\nfor i in a { }', 'Expected an expression, found `for`'],
    ['expected-expression', 'let x =<|>\nif a { }', 'Expected an expression, found `if`'],
    ['expected-expression', 'if <|{|> }', 'Expected an expression, found `{`'],
    ['expected-name', 'x = a.<|>\ny = 1', 'Expected the name of a member, found `y`'],
    ['expected-name', 'let <|=|> 1', 'Expected a name, found `=`'],
    ['expected-name', 'let (a, <|3|>) = 1', 'Expected a name, found `3`'],
    ['reserved-word', 'let <|in|> = 1', '`in` is a word of the language; choose another name'],
    ['reserved-word', 'x = a.<|shared|>', '`shared` is a word of the language; choose another name'],
    ['expected-type', 'shared a: <|=|> 1', 'Expected a type, found `=`'],
    ['expected-statement', 'x<|>\ny = 1', 'Expected `=` or a call, found `y`'],
    ['expected-statement', 'x <|+|> 1', 'Expected `=` or a call, found `+`'],
    ['reduction-in-product', 'x = 2 * <|sum|>[p < k] a', 'Put the reduction in parentheses: it takes the whole product on its right',
      'x = 2 * (sum[p < k] a)'],
    ['conditional-operand', 'x = 1 + <|if|> a then b else c + 2',
      'Put the conditional value in parentheses: it extends to the right as far as it can', 'x = 1 + (if a then b else c + 2)'],
    ['invalid-escape', 'f("a<|\\q|>")', '`\\q` means nothing in a string; a backslash is written \\\\'],
    ['malformed-number', 'x = <|3abc|>', '`3abc` is not a number: write 42, 1_024, 0xff, 0.5 or 1e-5'],
    ['malformed-number', 'x = <|0x|>', '`0x` is not a number: write 42, 1_024, 0xff, 0.5 or 1e-5'],
    ['unknown-character', 'x = a <|@|> + b', '`@` has no meaning in Heddle'],
    ['unknown-character', 'x = <|größe|>', 'The name `größe` has letters other than a-z, A-Z, 0-9 and _'],
    ['block-comment', 'x = <|/* one */|> a', 'Comments start with `//` and end with their line; there are no block comments'],
    ['misspelled-word', '<|lett|> x = 1', '`lett` starts nothing here; did you mean `let`?', 'let x = 1'],
    ['misspelled-word', '<|regsiter|> x: T', '`regsiter` starts nothing here; did you mean `register`?', 'register x: T'],
  ]
  for (const c of inBlock) {
    it(`${c[0]}: ${c[1]}`, () => { check(c, 'device d() { ', ' }') })
    it(`${c[0]}: ${c[1]}, on lines of its own`, () => { check(c, 'device d() {\n  ', '\n}\n') })
  }

  const inFile: readonly Case[] = [
    ['unclosed-string', 'import <|"std|>\nlet x = 1', 'This string is not closed: expected `"` before the end of the line',
      'import "std"\nlet x = 1'],
    ['expected-string', 'import <|prelude|>', 'Expected the path of a file, as in `import "std/prelude"`, found `prelude`'],
    ['unexpected-token', '<|x|> = 1', '`x` cannot start a declaration'],
    ['unexpected-token', 'let x = 1 <|}|>', '`}` cannot start a declaration'],
    ['misspelled-word', '<|opertor|> f(x: T) -> y: T { }', '`opertor` starts nothing here; did you mean `operator`?', 'operator f(x: T) -> y: T { }'],
    ['misspelled-word', '<|improt|> "std"', '`improt` starts nothing here; did you mean `import`?', 'import "std"'],
    ['misspelled-word', 'schedule s for o { <|tone|> x = 1 }', '`tone` starts nothing here; did you mean `tune`?', 'schedule s for o { tune x = 1 }'],
    ['misspelled-word', 'operator o() -> y: T { <|lte|> x = 1 }', '`lte` starts nothing here; did you mean `let`?', 'operator o() -> y: T { let x = 1 }'],
    ['expected-name', 'fn <|(|>a: int) = a', 'Expected the name of the function, found `(`'],
    ['expected-token', 'schedule s<|> o { }', 'Expected `for` before the operator, found `o`', 'schedule s for o { }'],
    ['expected-token', 'schedule s for o applies <|n|> > 1 { }', 'Expected `when` and a condition, found `n`'],
    ['expected-token', 'schedule s for o { tune a = 1 level <|[|>1] }', 'Expected the number of the level, found `[`'],
    ['unexpected-token', 'schedule s for o { tune a = 1 in [1] <|level|> 1 [1] }',
      '`in` lists the candidates of every level already: write either `in` or `level`'],
    ['expected-expression', 'let a =<|>', 'Expected an expression, found the end of the file'],
    ['expected-expression', 'let a =<|>\noperator f(x: T) -> y: T { }', 'Expected an expression, found `operator`'],
    ['expected-expression', 'let x = <|;|>', 'Expected an expression, found `;`'],
  ]
  for (const c of inFile) it(`${c[0]}: ${c[1]}`, () => { check(c) })

  // one of several, as more is missing
  const first: readonly Case[] = [
    ['expected-token', 'fn f<|>', 'Expected `(` before the parameters, found the end of the file'],
    ['expected-token', 'operator f(x: T)<|> { }', 'Expected `->` before the result, found `{`'],
    ['expected-token', 'operator f(x<|>, y: T) -> z: T { }', 'Expected `:` between the parameter and its type, found `,`'],
    ['expected-token', 'instance i = o<|>', 'Expected `.` between the operator and its schedule, found the end of the file'],
    ['expected-token', 'let a<|>', 'Expected `=` before the value, found the end of the file'],
    ['unknown-character', 'let x = a <|?|> b', '`?` has no meaning in Heddle; a conditional value is written `if c then a else b`'],
  ]
  for (const [code, source, message] of first) it(`${code}: ${source}, among others`, () => {
    const { text, start, end } = marked(source)
    expect(parse(text).diagnostics.map(d => [d.code, d.message, d.span])[0]).toEqual([code, message, { start, end }])
  })

  it('too-deep', () => {
    const { text, start, end } = marked(`let x = ${'('.repeat(limits.nesting)}<|(|>1`)
    expect(parse(text).diagnostics.map(d => [d.code, d.span])[0]).toEqual(['too-deep', { start, end }])
  })

  it('is tested for every code of these files', () => {
    const folder = path.join(import.meta.dirname, '../../../../compiler-core/language/syntax')
    const sources = globSync(path.join(folder, '*.ts')).map(file => readFileSync(file, 'utf8')).join('\n')
    const used = Object.keys(diagnosticCodes).filter(code => sources.includes(`'${code}'`))
    const tested = new Set([...[...inBlock, ...inFile, ...first].map(([code]) => code), 'too-deep'])
    expect([...tested].sort()).toEqual(used.sort())
  })
})

describe('what is kept', () => {
  const cases: readonly [string, string][] = [
    // the next statement survives a half-typed one
    ['device d() {\n let x =\n y[i] = 1\n}', '(Device d (Block [(Let x ?) (= (Element y [i]) 1)]))'],
    ['device d() {\n z = x.\n y[i] = 1\n}', '(Device d (Block [(= z x.?) (= (Element y [i]) 1)]))'],
    ['device d() {\n x.\n let y = 1\n}', '(Device d (Block [(CallStatement x.?) (Let y 1)]))'],
    ['device d() {\n x = f(\n y[i] =? 1\n}', '(Device d (Block [(= x (Call f)) (=? (Element y [i]) 1)]))'],
    ['device d() {\n x = f(a,\n let y = 1\n}', '(Device d (Block [(= x (Call f [a])) (Let y 1)]))'],
    ['device d() {\n for i in\n y[i] = 1\n}', '(Device d (Block [(For mode=sequential i ? (Block)) (= (Element y [i]) 1)]))'],
    ['device d() {\n for (i, j\n y[i] = 1\n}', '(Device d (Block [(For mode=sequential (i j) ? (Block)) (= (Element y [i]) 1)]))'],
    ['device d() {\n if a <\n y[i] = 1\n}', '(Device d (Block [(If [(Branch (< a ?) (Block))]) (= (Element y [i]) 1)]))'],
    ['device d() {\n shared t: T[\n y[i] = 1\n}', '(Device d (Block [(Allocation scope=shared t T) (= (Element y [i]) 1)]))'],
    ['device d() {\n x = a +\n if b { }\n}', '(Device d (Block [(= x (+ a ?)) (If [(Branch b (Block))])]))'],
    ['device d() {\n x = sum[p <\n y = 1\n}', '(Device d (Block [(= x (Reduction sum [p<?] ?)) (= y 1)]))'],
    ['device d() {\n 3 + 4\n y = 1\n}', '(Device d (Block [(= y 1)]))'],
    ['schedule s for o {\n tune a =\n tune b = 1\n}', '(Schedule s o [(Tune a ?) (Tune b 1)])'],
    ['schedule s for o {\n let a = f(\n kernel k() { }\n}', '(Schedule s o [(Let a (Call f)) (Kernel k (Block))])'],
    ['schedule s for o {\n kernel\n kernel k() { }\n}', '(Schedule s o [(Kernel ? (Block)) (Kernel k (Block))])'],
    ['operator o() -> y: T {\n let a =\n y[i] = 1\n}', '(Operator o [(Param y T)] [(Let a ?) (Definition y [i] 1)])'],
    ['let a = \nlet b = 1', '(Let a ?) (Let b 1)'],
    ['let a = (1,\nfn f() = 1', '(Let a (Tuple [1])) (Fn f 1)'],
    // a brace too few: layout decides
    ['device d() {\n  x = 1\nlet a = 1', '(Device d (Block [(= x 1)])) (Let a 1)'],
    ['device d() {\n  for i in a {\n    x = 1\n  y = 1\n}\nfn f() = 1',
      '(Device d (Block [(For mode=sequential i a (Block [(= x 1)])) (= y 1)])) (Fn f 1)'],
    ['device d() {\n  for i in a\n    x = 1\n  }\n  y = 1\n}', '(Device d (Block [(For mode=sequential i a (Block [(= x 1)])) (= y 1)]))'],
    ['schedule s for o {\n  kernel k() {\n    x = 1\n  kernel l() { }\n}', '(Schedule s o [(Kernel k (Block [(= x 1)])) (Kernel l (Block))])'],
    // a brace too many
    ['device d() {\n  x = 1 }\n  y = 1\n}', '(Device d (Block [(= x 1) (= y 1)]))'],
    ['device d() {\n  x = 1\n  }\n  y = 1\n}', '(Device d (Block [(= x 1) (= y 1)]))'],
    // a broken header
    ['operator f(x: T) y: T[n {\n  y[i] = 1\n}', '(Operator f [(Param x T)] [(Definition y [i] 1)])'],
    ['schedule s for {\n  tune a = 1\n}', '(Schedule s ? [(Tune a 1)])'],
    ['device d() {\n  fn f(\n  y = 1\n}', '(Device d (Block [(= y 1)]))'],
  ]
  it.each(cases)('%j', (text, expected) => {
    const { file, diagnostics } = parse(text)
    expect(diagnostics).not.toEqual([])
    expect(file.items.map(dump).join(' ')).toBe(expected)
  })
})
