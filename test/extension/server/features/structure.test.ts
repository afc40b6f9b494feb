/** Features that need the structure of a file only: folding, selection, formatting, outline. */
import type { DocumentSymbol, SelectionRange } from 'vscode-languageserver'
import { describe, expect, it } from 'vitest'
import { foldingRanges } from '../../../../extension/server/features/folding.ts'
import { formattingEdits, onTypeEdits } from '../../../../extension/server/features/formatting.ts'
import { selectionRange } from '../../../../extension/server/features/selection-ranges.ts'
import { documentSymbols, workspaceSymbols } from '../../../../extension/server/features/symbols.ts'
import { open, textIn, withEdits } from './support.ts'

describe('folding', () => {
  const checkFolding = (source: string, expected: readonly string[]): void => {
    it(JSON.stringify(source), () => {
      expect(foldingRanges(open(source).file).map(r => `${r.startLine}-${r.endLine}${r.kind === undefined ? '' : ` ${r.kind}`}`)).toEqual(expected)
    })
  }
  checkFolding('fn f() -> int {\n  return 1\n}', ['0-1'])
  checkFolding('fn f() -> int { return 1 }', [])
  checkFolding('let a = (\n  1,\n  2\n)', ['0-2'])
  checkFolding('// one\n// two\n// three\nlet a = 1', ['0-2 comment'])
  checkFolding('// one\n\n// three\nlet a = 1', [])
  checkFolding('import "std/prelude"\nimport "other"\nlet a = 1', ['0-1 imports'])
  checkFolding('fn f() {\n  for i in 0..2 {\n    let a = 1\n  }\n}', ['1-2', '0-3'])
  checkFolding('fn f() {\n  (\n', [])
  checkFolding('}\n}\n{\n\n}', ['2-3'])
})

describe('expand selection', () => {
  const checkSelection = (source: string, expected: readonly string[]): void => {
    it(source, () => {
      const { file, offset } = open(source)
      const texts: string[] = []
      let s: SelectionRange | undefined = selectionRange(file, offset)
      for (; s !== undefined; s = s.parent) texts.push(textIn(file, s.range))
      expect(texts).toEqual(expected)
    })
  }
  checkSelection('let m = spatial(4, <|>8) * repeat(2)', ['8', 'spatial(4, 8)', 'spatial(4, 8) * repeat(2)', 'let m = spatial(4, 8) * repeat(2)'])
  checkSelection('let a = 1\nlet b = a<|> + 1', ['a', 'a + 1', 'let b = a + 1', 'let a = 1\nlet b = a + 1'])
  checkSelection('<|>', [''])
})

describe('formatting', () => {
  const checkFormat = (source: string, expected: string): void => {
    it(JSON.stringify(source), () => {
      const { file } = open(source)
      expect(withEdits(file, formattingEdits(file))).toBe(expected)
    })
  }
  checkFormat('let   a=1', 'let a = 1\n')
  checkFormat('let a = 1\n', 'let a = 1\n')
  checkFormat('fn f(a:int)->int{\nreturn a\n}', 'fn f(a: int) -> int {\n  return a\n}\n')

  it('leaves what is right alone', () => {
    const { file } = open('let a = 1\nlet b=2\n')
    expect(formattingEdits(file)).toEqual([
      { range: { start: { line: 1, character: 5 }, end: { line: 1, character: 5 } }, newText: ' ' },
      { range: { start: { line: 1, character: 6 }, end: { line: 1, character: 6 } }, newText: ' ' },
    ])
  })
  it('formats a range only', () => {
    const { file } = open('let a=1\nlet b=2\nlet c=3\n')
    const edits = formattingEdits(file, { start: { line: 1, character: 0 }, end: { line: 1, character: 7 } })
    expect(withEdits(file, edits)).toBe('let a=1\nlet b = 2\nlet c=3\n')
  })
  it('formats the line that Enter completes, not the new one', () => {
    const { file } = open('fn f() -> int {\nlet a=1\n    \n}\n')
    expect(withEdits(file, onTypeEdits(file, 2, '\n'))).toBe('fn f() -> int {\n  let a = 1\n    \n}\n')
  })
})

describe('outline', () => {
  const outline = (symbols: readonly DocumentSymbol[], indent = ''): string[] =>
    symbols.flatMap(s => [`${indent}${s.name}${s.detail === '' ? '' : ` : ${s.detail}`}`, ...outline(s.children ?? [], `${indent}  `)])
  const checkOutline = (source: string, expected: readonly string[]): void => {
    it(JSON.stringify(source), () => { expect(outline(documentSymbols(open(source).file))).toEqual(expected) })
  }
  checkOutline('let m = spatial(4, 8) * repeat(2, 2)', ['m : 32 workers, (8, 16)'])
  checkOutline('let n = 1 + 2\nlet (a, b) = (1, 2)', ['n : 3', 'a : 1', 'b : 2'])
  checkOutline('mapping d(w < 2) -> (2,) = [(w,)]', ['d : 2 workers, (2)'])
  checkOutline('operator f(x: f32[n]) -> y: f32[n] { let e[i < n] = x[i]\n y[i] = e[i] }\nschedule s for f { tune k = 4\n kernel main(grid: 1, block: 2) { shared t: f32[4]\n for i in 0..1 { register r: f32 } } }',
    ['f', '  e', 's : for f', '  k : 4', '  main', '    t : f32[4]', '    r : f32'])
  checkOutline('let ', [])
  checkOutline('fn', [])

  it('finds symbols of the workspace by letters of their names', () => {
    const { files } = open('let load_a = 1\nlet other = 2', { 'b.heddle': 'fn load_all() -> int = 1' })
    expect(workspaceSymbols(files, 'lda').map(s => s.name).sort()).toEqual(['load_a', 'load_all'])
    expect(workspaceSymbols(files, 'zz')).toEqual([])
  })
})
