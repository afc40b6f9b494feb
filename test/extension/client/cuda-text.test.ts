import { describe, expect, it } from 'vitest'
import { outOfDate, reasons, upToDate } from '../../../extension/client/cuda-text.ts'
import type { CudaAnswer, CudaProblem } from '../../../extension/server/protocol.ts'

const fileName = (uri: string): string => uri.split('/').at(-1) ?? ''
const problem = (message: string, severity: CudaProblem['severity'] = 'error'): CudaProblem => ({
  uri: 'file:///project/a.heddle', range: { start: { line: 2, character: 4 }, end: { line: 2, character: 5 } }, severity, message
})
const answer = (parts: Partial<CudaAnswer>): CudaAnswer =>
  ({ target: 'sm_80', problems: [], parameters: [], facts: [], ...parts })
const square = { subject: 'square', candidate: undefined }
const named = (name: string, text: string) => ({ name, text })

describe('the text of a CUDA editor', () => {
  it('says what it is', () => {
    expect(upToDate(square, answer({}), 'void f();\n')).toEqual({ text: '// square\nvoid f();\n', header: 1 })
  })
  it('has choices and facts above the CUDA', () => {
    const parameters = [named('block_k', '8'), named('atom', 'row_4x8')], facts = [named('threads', '256')]
    const candidate = { level: 2, index: 17 }
    expect(upToDate({ subject: 'mm.simt', candidate }, answer({ parameters, facts }), 'void f();\n')).toEqual({
      text: '// mm.simt, candidate 17 of level 2: block_k = 8, atom = row_4x8\n// threads = 256\nvoid f();\n', header: 2
    })
  })

  const stale = (given: CudaAnswer | undefined, first: string) => {
    expect(outOfDate(given, '// square\nvoid f();\n', fileName)).toBe(`${first}\nvoid f();\n`)
  }
  it('keeps its lines while it is not up to date', () => {
    stale(answer({ problems: [problem('Too\nmuch.')] }), '// Not up to date. a.heddle:3:5: Too much.')
  })
  it('takes errors first', () => {
    stale(answer({ problems: [problem('Odd.', 'warning'), problem('Bad.')] }), '// Not up to date. a.heddle:3:5: Bad.')
  })
  it('says that nobody answers', () => {
    stale(undefined, '// Not up to date. Heddle\'s language server does not answer; its log says more (Heddle: Show Log).')
  })

  it('is the reasons where there never was any CUDA', () => {
    const problems = [problem('Too much.\nBy 16 KiB.'), problem('Odd.', 'warning'), problem('Bad.')]
    expect(reasons(square, answer({ problems }), fileName)).toBe([
      '// square cannot be compiled for sm_80.', '//',
      '// a.heddle:3:5: error', '//   Too much.', '//   By 16 KiB.', '//',
      '// a.heddle:3:5: error', '//   Bad.', ''
    ].join('\n'))
  })
  it('is never empty', () => {
    for (const given of [undefined, answer({})]) expect(reasons(square, given, fileName).trim()).not.toBe('')
  })
})
