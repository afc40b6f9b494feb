/** Features that follow names: definition, references, highlights, rename, semantic colours. */
import { SemanticTokensBuilder, type Range } from 'vscode-languageserver'
import { describe, expect, it } from 'vitest'
import { definition, documentHighlights, documentLinks, references } from '../../../../extension/server/features/definition.ts'
import { prepareRename, rename } from '../../../../extension/server/features/rename.ts'
import { semanticTokens, semanticTokensLegend } from '../../../../extension/server/features/semantic-tokens.ts'
import { open, textIn, uriOf, withEdits } from './support.ts'

/** The cursor stands at a use, the range at its declaration. */
describe('go to definition', () => {
  const checkDefinition = (source: string): void => {
    it(JSON.stringify(source), () => {
      const { file, files, offset, spans } = open(source)
      const start = file.lines.positionAt(spans[0]?.start ?? -1), end = file.lines.positionAt(spans[0]?.end ?? -1)
      const links = definition(file, files, offset).map(l => [l.targetUri, l.targetSelectionRange])
      expect(links).toEqual([[file.uri, { start, end }]])
    })
  }
  checkDefinition('let <|a|> = 1\nlet b = <|>a')
  checkDefinition('let (<|a|>, b) = (1, 2)\nlet c = a<|>')
  checkDefinition('fn f(<|x|>: int) -> int = <|>x + 1')
  checkDefinition('fn <|f|>(x: int) -> int = x\nlet a = <|>f(1)')
  checkDefinition('fn f(<|x|>: int) -> int = x\nlet a = f(<|>x: 1)')
  checkDefinition('mapping <|d|>(w < 2) -> (2,) = [(w,)]\nlet m = d<|>')
  checkDefinition('mapping d(<|w|> < 2) -> (2,) = [(<|>w,)]')
  checkDefinition('operator f(x: f32[<|n|>]) -> y: f32[n<|>] { y[i] = x[i] }')
  checkDefinition('operator f(x: f32[n]) -> y: f32[n] { y[<|i|>] = x[<|>i] }')
  checkDefinition('operator f(<|x|>: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f { kernel main(grid: 1, block: 1) { let a = <|>x[0] } }')
  checkDefinition('let <|a|> = [1]\nlet b = [a<|> for i in a]')

  const checkElsewhere = (source: string, uri: string, name: string): void => {
    it(source, () => {
      const { file, files, offset } = open(source, { 'other.heddle': 'let there = spatial(4)' })
      const [link] = definition(file, files, offset)
      const home = files.file(uri)
      expect(link?.targetUri).toBe(uri)
      expect(home === undefined || link === undefined ? '' : textIn(home, link.targetSelectionRange)).toBe(name)
    })
  }
  checkElsewhere('import "other"\nlet a = <|>there', uriOf('other.heddle'), 'there')
  checkElsewhere('import "oth<|>er"', uriOf('other.heddle'), '')
  checkElsewhere('let a = spa<|>tial(2)', 'heddle-std:/builtin.heddle', 'spatial')
  checkElsewhere('let a = spatial(2).wor<|>kers', 'heddle-std:/members.heddle', 'workers')
  checkElsewhere('let a = row_major(2).ra<|>nk', 'heddle-std:/members.heddle', 'rank')
  checkElsewhere('import "std/prelude"\nlet a = ceil<|>_div(4, 2)', 'heddle-std:/prelude.heddle', 'ceil_div')

  it('knows the members of a value that is not known', () => {
    const { file, files, offset } = open('fn f(m: mapping) -> int = m.wor<|>kers')
    expect(definition(file, files, offset)[0]?.targetUri).toBe('heddle-std:/members.heddle')
  })
  it('gives nothing for a name without a meaning', () => {
    const { file, files, offset } = open('let a = no<|>where')
    expect(definition(file, files, offset)).toEqual([])
  })
  it('links imports to their files', () => {
    const { file } = open('import "std/prelude"\nimport "other"\nimport "absent"', { 'other.heddle': '' })
    expect(documentLinks(file).map(l => l.target).slice(0, 2)).toEqual(['heddle-std:/prelude.heddle', uriOf('other.heddle')])
  })
})

/** All marked ranges are found from each of them. */
describe('references and highlights', () => {
  const checkReferences = (source: string): void => {
    it(JSON.stringify(source), () => {
      const { file, files, spans } = open(source)
      for (const span of spans) {
        const startsOf = (places: readonly { range: Range }[]): number[] =>
          places.map(p => file.lines.offsetAt(p.range.start)).sort((a, b) => a - b)
        const found = startsOf(references(file, files, span.start, true))
        expect(found).toEqual(spans.map(s => s.start))
        expect(startsOf(documentHighlights(file, files, span.end))).toEqual(spans.map(s => s.start))
      }
    })
  }
  checkReferences('let <|a|> = 1\nlet b = <|a|> + <|a|>')
  checkReferences('fn f(<|x|>: int) -> int = <|x|>\nlet x = f(<|x|>: 2)')
  checkReferences('operator f(x: f32[<|n|>]) -> y: f32[<|n|>] { y[i] = x[i] }\nschedule s for f { let q = <|n|> }')

  it('finds uses in other files', () => {
    const { files, file, offset } = open('let sha<|>red_name = 1', { 'user.heddle': 'import "main"\nlet a = shared_name\nlet b = shared_name' })
    expect(references(file, files, offset, false).map(l => l.uri)).toEqual([uriOf('user.heddle'), uriOf('user.heddle')])
  })
})

describe('rename', () => {
  /** The name at the cursor becomes `fresh`; a string that starts with `!` is the reason why not. */
  const checkRename = (source: string, newName: string, expected: string): void => {
    it(`${JSON.stringify(source)} to ${newName}`, () => {
      const { file, files, offset } = open(source)
      const renaming = rename(file, files, offset, newName, [])
      if (expected.startsWith('!')) expect(renaming.ok ? renaming : `!${renaming.reason}`).toContain(expected)
      else if (!renaming.ok) expect(renaming.reason).toBe(expected)
      else expect(withEdits(file, renaming.edit.changes?.[file.uri] ?? [])).toBe(expected)
    })
  }
  checkRename('let a<|> = 1\nlet b = a + a', 'fresh', 'let fresh = 1\nlet b = fresh + fresh')
  checkRename('let a = 1\nlet b = <|>a', 'fresh', 'let fresh = 1\nlet b = fresh')
  checkRename('fn f(x<|>: int) -> int = x\nlet b = f(x: 1)', 'y', 'fn f(y: int) -> int = y\nlet b = f(y: 1)')
  checkRename('operator f(x: f32[<|>n]) -> y: f32[n] { y[i] = x[i] }', 'm', 'operator f(x: f32[m]) -> y: f32[m] { y[i] = x[i] }')
  checkRename('let a<|> = 1\nlet b = a', 'b', '!`b` is already')
  checkRename('let a<|> = 1\nfn f(x: int) -> int = a + x', 'x', '!`x` is already the name of something else')
  checkRename('let a = 1\nfn f(x<|>: int) -> int = a + x', 'a', '!`a` is already')
  checkRename('let a<|> = 1', 'let', '!`let` is a word of the language')
  checkRename('let a<|> = 1', '2b', '!`2b` is not a name')
  checkRename('let a = spa<|>tial(2)', 'b', '!`spatial` belongs to the library')
  checkRename('let a = 1<|>', 'b', '!There is no name')

  it('renames in all files', () => {
    const { file, files, offset } = open('let a<|> = 1', { 'user.heddle': 'import "main"\nlet c = a' })
    const renaming = rename(file, files, offset, 'b', [])
    expect(renaming.ok ? Object.keys(renaming.edit.changes ?? {}).sort() : renaming.reason).toEqual([uriOf('main.heddle'), uriOf('user.heddle')])
  })
  it('sees a clash in another file', () => {
    const { file, files, offset } = open('let a<|> = 1', { 'user.heddle': 'import "main"\nfn f(b: int) -> int = a + b' })
    expect(rename(file, files, offset, 'b', [])).toEqual({ ok: false, reason: expect.stringContaining('`b` is already the name of something else in file:///project/user.heddle') as string })
  })
  it('offers the name itself', () => {
    const { file, files, offset } = open('let a = 1\nlet b = <|>a')
    expect(prepareRename(file, files, offset)).toEqual({ range: { start: { line: 1, character: 8 }, end: { line: 1, character: 9 } }, placeholder: 'a' })
  })
})

describe('semantic colours', () => {
  const checkTokens = (source: string, expected: readonly string[]): void => {
    it(JSON.stringify(source), () => {
      const { file } = open(source)
      const builder = new SemanticTokensBuilder()
      semanticTokens(file, builder)
      const { data } = builder.build()
      const shown: string[] = []
      for (let i = 0, line = 0, character = 0; i < data.length; i += 5) {
        line += data[i] ?? 0
        character = (data[i] === 0 ? character : 0) + (data[i + 1] ?? 0)
        const start = file.lines.offsetAt({ line, character })
        const flags = semanticTokensLegend.tokenModifiers.filter((_, bit) => ((data[i + 4] ?? 0) & 1 << bit) !== 0)
        shown.push([file.analysis.text.slice(start, start + (data[i + 2] ?? 0)), semanticTokensLegend.tokenTypes[data[i + 3] ?? 0], ...flags].join(' '))
      }
      expect(shown).toEqual(expected)
    })
  }
  checkTokens('let m = spatial(2)', ['m variable declaration readonly', 'spatial function readonly defaultLibrary'])
  checkTokens('let n = spatial(2).workers', ['n variable declaration readonly', 'spatial function readonly defaultLibrary', 'workers property'])
  checkTokens('let n = f32', ['n variable declaration readonly', 'f32 type readonly defaultLibrary'])
  checkTokens('fn f(x: int) -> int = x', ['f function declaration readonly', 'x parameter declaration readonly', 'int type readonly defaultLibrary', 'int type readonly defaultLibrary', 'x parameter readonly'])
  checkTokens('mapping mapping(w < 1) -> (1,) = [(w,)]', ['mapping keyword', 'mapping variable declaration readonly', 'w variable declaration readonly', 'w variable readonly'])
  checkTokens('let m = repeat(2, vector)', ['m variable declaration readonly', 'repeat function readonly defaultLibrary', 'vector enumMember readonly defaultLibrary'])

  it('gives the tokens of a range', () => {
    const { file } = open('let a = 1\nlet b = 2\nlet c = 3')
    const builder = new SemanticTokensBuilder()
    semanticTokens(file, builder, { start: 10, end: 19 })
    expect(builder.build().data).toEqual([1, 4, 1, 8, 3])
  })
})
