import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRegistryFromGrammars } from 'vscode-tmgrammar-test/dist/common/index.js'
import { contextualWords, lex, reservedWords } from '../../compiler-core/language/syntax/lexer.ts'
import { grammarText } from '../../syntaxes/grammar.ts'

const grammarFile = 'syntaxes/heddle.tmLanguage.json'
const registry = createRegistryFromGrammars([{
  grammar: { path: grammarFile, scopeName: 'source.heddle' },
  content: readFileSync(grammarFile, 'utf8')
}])
const grammar = await registry.loadGrammar('source.heddle')

interface Piece { readonly start: number; readonly end: number; readonly scopes: readonly string[] }

/** The text's pieces with their scopes, as VS Code colours them: line by line. */
function colour(text: string): Piece[] {
  if (!grammar) throw new Error(`${grammarFile} does not load`)
  const pieces: Piece[] = []
  let stack: Parameters<typeof grammar.tokenizeLine>[1] = null
  let lineStart = 0
  for (const line of text.split('\n')) {
    const result = grammar.tokenizeLine(line, stack)
    stack = result.ruleStack
    for (const { startIndex, endIndex, scopes } of result.tokens) {
      pieces.push({ start: lineStart + startIndex, end: lineStart + Math.min(endIndex, line.length), scopes })
    }
    lineStart += line.length + 1
  }
  return pieces
}

function scopesOf(text: string, part: string): string {
  const at = text.indexOf(part)
  return colour(text).find(piece => piece.start <= at && at < piece.end)?.scopes.join(' ') ?? ''
}

const keyword = /(keyword\.(control|other)|storage\.|constant\.language\.boolean)/

test('heddle.tmLanguage.json is what grammar.ts writes', () => {
  expect(readFileSync(grammarFile, 'utf8')).toBe(grammarText)
})

describe('keywords', () => {
  test('are the reserved words of the language', () => {
    const words = new Set([...grammarText.matchAll(/[A-Za-z_]\w*/g)].map(match => match[0]))
    for (const word of [...reservedWords, ...contextualWords]) words.add(word)
    const coloured = [...words].filter(word => keyword.test(scopesOf(word, word)))
    expect(coloured.sort()).toEqual([...reservedWords].sort())
  })

  const inPlace: Readonly<Record<typeof contextualWords[number], string>> = {
    operator: 'operator f(x: f32[n]) -> y: f32[n] { }',
    schedule: 'schedule s for f { }',
    graph: 'graph g(x: f32[n]) { }',
    instance: 'instance i = f.s(n: 1)',
    mapping: 'mapping m(w < 4) -> (4) = [w]',
    kernel: 'kernel k(grid: 1) { }',
    tune: 'tune t = 1 in [1]',
    workspace: 'workspace w: f32[4]',
    level: 'tune t = 1 level 1 [1]',
    given: 'schedule s for f given n { }',
    applies: 'schedule s for f applies when n > 1 { }',
    when: 'schedule s for f applies when n > 1 { }',
    pointwise: 'schedule s for pointwise f { }',
    reduction: 'schedule s for reduction f { }',
    inverse: 'inverse x[j] -> [j]',
    parallel: 'parallel for i in 0..4 { }',
    global: 'device d(x: global f32[4]) { }'
  }
  test.each(Object.entries(inPlace))('%s is one in its place: %s', (word, text) => {
    expect(scopesOf(text, word)).toMatch(keyword)
  })
})

test('every name that the compiler provides has a colour of its own', () => {
  const library = readFileSync('compiler-core/library/std/builtin.heddle', 'utf8')
  const names = [...library.matchAll(/^(?:fn|device|let) (\w+)/gm)].map(match => match[1] ?? '')
  expect(names.length).toBeGreaterThan(50)
  const provided = /support\.|variable\.language|constant\.language/
  const places = (name: string) =>
    [`${name}(1)`, `${name}.x`, `${name}[p < k] 1`, `let a: ${name} = 1`, `f(1, ${name})`]
  expect(names.filter(name => !places(name).some(text => provided.test(scopesOf(text, name))))).toEqual([])
})

/** What kind of token a piece's colour says it is; `other` covers names and signs. */
function kindOf(scopes: readonly string[]): string {
  const text = scopes.join(' ')
  if (text.includes('comment.line.documentation')) return 'doc'
  if (text.includes('comment.line')) return 'comment'
  if (text.includes('string.quoted')) return 'string'
  if (text.includes('constant.numeric.float')) return 'float'
  if (text.includes('constant.numeric.integer')) return 'int'
  return 'other'
}

/** Grammar and lexer must see the same comments, strings, numbers and keywords. */
function checkAgainstLexer(text: string): void {
  const kindAt = new Array<string>(text.length)
  const keywordAt = new Array<boolean>(text.length)
  for (const piece of colour(text)) {
    kindAt.fill(kindOf(piece.scopes), piece.start, piece.end)
    keywordAt.fill(keyword.test(piece.scopes.join(' ')), piece.start, piece.end)
  }
  for (const { kind, start, end } of lex(text)) {
    if (kind === 'space' || kind === 'eof') continue
    const where = `${text.slice(start, end)} in ${JSON.stringify(text.slice(Math.max(0, start - 60), end))}`
    const literal = ['doc', 'comment', 'string', 'int', 'float'].includes(kind)
    for (let at = start; at < end; at++) expect(kindAt[at], where).toBe(literal ? kind : 'other')
    if ((reservedWords as readonly string[]).includes(kind)) expect(keywordAt[start], where).toBe(true)
  }
}

describe('colours agree with the lexer', () => {
  const files = globSync(['test/syntaxes/*.heddle', 'docs/examples/*.heddle', 'compiler-core/library/std/*.heddle'])
  test.each(files)('in %s', file => checkAgainstLexer(readFileSync(file, 'utf8')))

  test('in any soup of tokens', () => {
    const names = ['x', 'tile', 'spatial', 'T', 'f32', 'int', 'sum', 'threadIdx', 'vector']
    const lines = ['"unclosed\n', '// note "x"\n', '/// doc `x`\n']
    const signs = '( ) [ ] { } < > = : , ; . .. ... ..+ -> ?? =? + - * / % ! && | <<'.split(' ')
    const piece = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...reservedWords, ...contextualWords) },
      { weight: 4, arbitrary: fc.constantFrom(...names) },
      { weight: 2, arbitrary: fc.constantFrom('0', '42', '1_024', '0xfF', '0.5', '1e-5', '2.5E+3') },
      { weight: 2, arbitrary: fc.constantFrom('"text"', '"a \\" // b"', '""', ...lines) },
      { weight: 6, arbitrary: fc.constantFrom(...signs) }
    )
    const soup = fc.array(fc.tuple(piece, fc.constantFrom(' ', ' ', '\n')), { maxLength: 40 })
      .map(parts => parts.map(([text, space]) => text + space).join(''))
    fc.assert(fc.property(soup, checkAgainstLexer), { numRuns: 2000 })
  })
})
