import { describe, expect, it } from 'vitest'
import { createProgram, evaluateExpression, type Host } from '../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../compiler-core/library/library.ts'
import { valueText } from '../../../compiler-core/language/values.ts'
import { analysis, mainUri, problems, said } from './support.ts'

describe('imports', () => {
  problems([
    ['import <|"nothing"|>', 'missing-import', /no file `nothing.heddle` beside this one/], ['import <|"a/b"|>', 'missing-import', /in `a\/`/],
    ['import <|"std/nothing"|>', 'missing-import', /It has `std\/prelude`/], ['import <|""|>', 'missing-import', /names a file/], ['import <|"a\\\\b"|>', 'missing-import', /separated by `\/`/],
    ['import <|"../secret"|>', 'import-outside', /outside of the folder `\/project\/`/], ['import <|"../../../x"|>', 'import-outside', /above the root/],
    ['import <|"/etc/passwd"|>', 'import-outside', /relative/], ['import <|"https://example.org/x"|>', 'import-outside', /relative/],
    ['import <|"main"|>', 'import-cycle', /`main.heddle` -> `main.heddle`/],
    ['import <|"b"|>\nlet x = y', 'import-cycle', /`main.heddle` -> `b.heddle` -> `c.heddle` -> `main.heddle`/, { 'b.heddle': 'import "c"', 'c.heddle': 'import "main"\nlet y = 1' }],
    ['<|import "a"|>\nlet x = 1', 'unused-import', /Nothing of `a`/, { 'a.heddle': 'let tile = 1' }],
  ])

  it('are read relative to the importing file, with or without the ending', () => {
    const files = { 'lib/a.heddle': 'import "../b"\nlet a = b', 'b.heddle': 'let b = 2', 'lib/c d.heddle': '', 'lib/c%20d.heddle': 'let c = 3' }
    expect(said(analysis('import "./lib/a.heddle"\nimport "lib/c d"\nlet x = a + b + c', files).diagnostics)).toEqual([])
  })
  it('of a file outside every root stay in its own folder', () => {
    const texts: Record<string, string> = { 'file:///tmp/x.heddle': 'import "y"\nimport "../z"', 'file:///tmp/y.heddle': 'let y = 1', 'file:///z.heddle': 'let z = 1' }
    const a = createProgram({ read: uri => texts[uri], roots: ['file:///project'] }).analyse('file:///tmp/x.heddle')
    expect(a?.imports.map(i => i.analysis?.uri)).toEqual(['file:///tmp/y.heddle', undefined])
  })
  it('need a folder, which an unsaved file has not', () => {
    const a = createProgram({ read: () => 'import "x"\nimport "std/prelude"', roots: [] }).analyse('untitled:Untitled-1')
    expect(said(a?.diagnostics ?? [])).toEqual([expect.stringMatching(/import-outside: .*Save it first/)])
  })
  it('never ask the host for a file outside', () => {
    const asked: string[] = []
    const read = (uri: string): string | undefined => { asked.push(uri); return uri === mainUri ? 'import "../x"\nimport "/x"\nimport "std/prelude"\nimport "%2e%2e/x"' : undefined }
    createProgram({ read, roots: ['file:///project/'] }).analyse(mainUri)
    expect([...new Set(asked)]).toEqual([mainUri, 'file:///project/%252e%252e/x.heddle'])
  })
  it('may be many files deep, with an end', () => {
    const read = (uri: string): string => `import "f${Number(/\d+/.exec(uri)?.[0] ?? 0) + 1}"`
    const a = createProgram({ read: uri => uri.includes('f300') ? '' : read(uri), roots: ['file:///project/'] }).analyse('file:///project/f0.heddle')
    expect(a?.imports).toHaveLength(1)
  })
  it('show the same problem from wherever the cycle is entered', () => {
    const texts: Record<string, string> = { 'file:///project/a.heddle': 'import "b"\nlet a = 1', 'file:///project/b.heddle': 'import "a"\nlet b = 1' }
    const program = createProgram({ read: uri => texts[uri], roots: ['file:///project/'] })
    expect(['a', 'b', 'a'].map(f => program.analyse(`file:///project/${f}.heddle`)?.diagnostics.map(d => d.code))).toEqual([['import-cycle'], ['import-cycle'], ['import-cycle']])
  })
})

describe('analyses are kept', () => {
  const texts: Record<string, string> = {}
  const host: Host = { read: uri => texts[uri], roots: ['file:///w/'] }
  const program = createProgram(host)
  it('while neither the text nor an import changes', () => {
    texts['file:///w/a.heddle'] = 'import "b"\nlet a = b'
    texts['file:///w/b.heddle'] = 'let b = 1'
    const first = program.analyse('file:///w/a.heddle')
    expect(program.analyse('file:///w/a.heddle')).toBe(first)
    texts['file:///w/b.heddle'] = 'let b = spatial(2)'
    const second = program.analyse('file:///w/a.heddle')
    expect(second).not.toBe(first)
    expect(second?.parsed).toBe(first?.parsed)
    const value = second?.values.get(second.resolved.exports.get('a')?.nameNode ?? second.parsed.file)
    expect(value && valueText(value)).toBe('spatial(2)')
  })
  it('not of a file that is gone', () => {
    delete texts['file:///w/b.heddle']
    expect(program.analyse('file:///w/b.heddle')).toBeUndefined()
    expect(program.analyse('file:///w/a.heddle')?.diagnostics.map(d => d.code)).toEqual(['missing-import'])
    texts['file:///w/b.heddle'] = 'let b = 1'
    expect(program.analyse('file:///w/a.heddle')?.diagnostics).toEqual([])
  })
})

describe('the target', () => {
  it.each([['sm_90', '90'], ['sm_120', '120'], [undefined, '80'], ['nonsense', '80']])('%s', (target, expected) => {
    const { value } = evaluateExpression('target.compute_capability', { target })
    expect(valueText(value)).toBe(expected)
  })
})

describe('one expression', () => {
  it.each([['spatial(4, 8) * repeat(2, 2)', 'spatial(4, 8) * repeat(2, 2)'], ['ceil_div(7, 2)', '4'], ['', '?'], ['1 +', '?'], ['1 2', '1'], ['nothing(', '?'], ['let a = 1', '?']])('%s', (text, expected) => {
    const { value, diagnostics } = evaluateExpression(text)
    expect(valueText(value)).toBe(expected)
    expect(diagnostics.length > 0).toBe(expected === '?' || text === '1 2')
  })
})

describe('the library', () => {
  it.each(['builtin', 'members', ...libraryImports.map(path => path.slice('std/'.length))])('%s has no problems', name => {
    expect(said(createProgram({ read: () => undefined, roots: [] }).analyse(`heddle-std:/${name}.heddle`)?.diagnostics ?? [])).toEqual([])
  })
  it('gives every element type, reducer, loop word and architecture a value', () => {
    const a = createProgram({ read: () => undefined, roots: [] }).analyse('heddle-std:/builtin.heddle')
    const without = [...a?.resolved.exports.values() ?? []].filter(d => d.kind === 'let' && !a?.values.has(d.nameNode)).map(d => d.name)
    expect(without).toEqual([])
  })
})
