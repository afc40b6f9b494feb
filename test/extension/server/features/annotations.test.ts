/** What is shown inside and above the text: inlay hints, code lenses, diagnostics and their fixes. */
import { describe, expect, it } from 'vitest'
import { cudaLenses, mappingLenses } from '../../../../extension/server/features/code-lens.ts'
import { codeActions, diagnostics } from '../../../../extension/server/features/diagnostics.ts'
import { inlayHints } from '../../../../extension/server/features/inlay-hints.ts'
import { open, textIn, withEdits } from './support.ts'

describe('inlay hints', () => {
  /** Hints are written into the text between `«»`. */
  const both = { workers: true, shapes: true }
  const checkHints = (expected: string, on = both): void => {
    it(`${expected} ${JSON.stringify(on)}`, () => {
      const { file } = open(expected.replace(/«.*?»/g, ''))
      const hints = inlayHints(file, { start: 0, end: file.analysis.text.length }, on)
      let text = '', from = 0
      for (const hint of hints.toSorted((a, b) => file.lines.offsetAt(a.position) - file.lines.offsetAt(b.position))) {
        const at = file.lines.offsetAt(hint.position)
        text += `${file.analysis.text.slice(from, at)}«${typeof hint.label === 'string' ? hint.label : ''}»`
        from = at
      }
      expect(text + file.analysis.text.slice(from)).toBe(expected)
    })
  }
  checkHints('let m = spatial(4, 8) * repeat(2, 2)«32 workers»«(8, 16)»')
  checkHints('let m = spatial(4, 8)«32 workers»', { workers: true, shapes: false })
  checkHints('let m = spatial(4, 8)«(4, 8)»', { workers: false, shapes: true })
  checkHints('let m = spatial(4, 8)', { workers: false, shapes: false })
  checkHints('let l = row_major(4, 8) + local(2)«(4, 8, 2)»')
  checkHints('let n = 12')
  checkHints('let n = (1, -2)')
  checkHints('let n = 3 * 4«= 12»')
  checkHints('let (a«= 4», b«= 8») = spatial(4, 8).shape')
  checkHints('let f = f32')

  it('says what it is and how to turn it off', () => {
    const { file } = open('let m = spatial(4, 8)')
    const [workers, shape] = inlayHints(file, { start: 0, end: 30 }, { workers: true, shapes: true })
    expect(workers?.tooltip).toMatchObject({ value: expect.stringContaining('`heddle.inlayHints.workers`') as string })
    expect(shape?.tooltip).toMatchObject({ value: expect.stringContaining('`heddle.inlayHints.shapes`') as string })
  })
  it('gives the hints of a range', () => {
    const { file } = open('let a = 1 + 1\nlet b = 2 + 2\nlet c = 3 + 3')
    expect(inlayHints(file, { start: 15, end: 20 }, { workers: true, shapes: true }).map(h => h.label)).toEqual(['= 4'])
  })
})

describe('code lenses', () => {
  const checkLenses = (source: string, expected: readonly string[], lenses = mappingLenses): void => {
    it(source, () => {
      const { file } = open(source)
      expect(lenses(file).map(l => `${textIn(file, l.range)}: ${l.command?.title ?? ''}`)).toEqual(expected)
    })
  }
  checkLenses('let m = spatial(2)\nlet n = m.workers\nlet l = row_major(2)', ['m: Show Task Mapping', 'l: Show Data Layout'])
  checkLenses('mapping d(w < 2) -> (2,) = [(w,)]', ['d: Show Task Mapping'])
  checkLenses('let m = spatial(0)', [])
  const declarations = 'operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f { }\nschedule g for pointwise f { }\n'
  checkLenses(`${declarations}graph h(x: f32[4]) { return f(x) }\ninstance i = f.s()`,
    [': Show CUDA', ': Show CUDA', ': Show CUDA'], cudaLenses)
  checkLenses('operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f { tune t = spatial(2) in [spatial(2), spatial(4)]\n let u = t }', ['t: Show Task Mapping', 'u: Show Task Mapping'])
})

describe('diagnostics and fixes', () => {
  /** Code and marked text of each. */
  const checkDiagnostics = (source: string, codes: readonly string[]): void => {
    it(JSON.stringify(source), () => {
      const { file, files, spans } = open(source)
      const all = diagnostics(file, files)
      expect(all.map(d => d.code)).toEqual(codes)
      expect(all.map(d => file.lines.offsetAt(d.range.start))).toEqual(spans.map(s => s.start))
      expect(all.map(d => file.lines.offsetAt(d.range.end))).toEqual(spans.map(s => s.end))
    })
  }
  checkDiagnostics('let m = spatial(2)', [])
  checkDiagnostics('let m = <|missing|>', ['unknown-name'])
  checkDiagnostics('let m = spatial(2, <|0|>)', ['bad-extent'])

  it('shows related places in this and in other files', () => {
    const { file, files } = open('let a = 1\nlet a = 2')
    const [related] = diagnostics(file, files)[0]?.relatedInformation ?? []
    expect(related?.location.range.start).toEqual({ line: 0, character: 4 })
  })
  it('stops at 500', () => {
    const { file, files } = open('let a = x\n'.repeat(600))
    const all = diagnostics(file, files)
    expect(all.length).toBe(501)
    expect(all.at(-1)?.message).toMatch(/\(\d+ more are not shown\)/)
  })

  const checkFix = (source: string, expected: string): void => {
    it(`fixes ${JSON.stringify(source)}`, () => {
      const { file, files, offset } = open(source)
      const at = file.lines.positionAt(offset)
      const action = codeActions(file, files, { start: at, end: at })[0]
      expect(withEdits(file, action?.edit?.changes?.[file.uri] ?? [])).toBe(expected)
      expect(action?.diagnostics).toHaveLength(1)
    })
  }
  checkFix('let a = ceil_div<|>(1, 2)', 'import "std/prelude"\nlet a = ceil_div(1, 2)')
  checkFix('let a = spatail<|>(2)', 'let a = spatial(2)')
  checkFix('let a = (1 + 2<|>', 'let a = (1 + 2)')
})
