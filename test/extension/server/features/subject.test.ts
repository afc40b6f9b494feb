import { describe, expect, it } from 'vitest'
import { subjectAt } from '../../../../extension/server/features/subject.ts'
import { open, textIn } from './support.ts'

/** `title: factors at the cursor`, or `! reason`. */
function checkSubject(source: string, expected: string, last?: string): void {
  it(`${JSON.stringify(source)}${last === undefined ? '' : ` after ${last}`}`, () => {
    const { file, files, offset } = open(source)
    const answer = subjectAt(file, files, offset, 'sm_80', last === undefined ? undefined : { uri: file.uri, title: last })
    const shown = answer.kind === 'none' ? `! ${answer.reason}` : `${answer.subject.title}: ${answer.factors.join(', ')}`
    if (expected.startsWith('!')) expect(shown).toContain(expected)
    else expect(shown).toBe(expected)
  })
}

describe('the mapping at the cursor', () => {
  checkSubject('let <|>m = spatial(2, 3) * repeat(4, 5)', 'm: ')
  checkSubject('let m = spa<|>tial(2, 3) * repeat(4, 5)', 'm: 0')
  checkSubject('let m = spatial(2, <|>3) * repeat(4, 5)', 'm: 0')
  checkSubject('let m = spatial(2, 3) * repeat(4, 5<|>)', 'm: 1')
  checkSubject('let m = spatial(2, 3) <|>* repeat(4, 5)', 'm: ')
  checkSubject('let m = (spatial(2, 3) * repeat(4, <|>5)) * spatial(6, 7)', 'm: 1')
  checkSubject('let a = spatial(2, 3) * repeat(4, 5)\nlet b = <|>a * spatial(2, 2)', 'b: 0, 1')
  checkSubject('let a = spatial(2, 3)\nlet b = a * spatial(2, <|>2)', 'b: 1')
  checkSubject('let m = spatial(2, 3).re<|>peat(2, 2)', 'm: 1')
  checkSubject('let m = auto_map(8, 96, workers: <|>64)', 'm: ')
  checkSubject('let m = spatial(4, 8).project(zero: <|>0)', 'm: ')
  checkSubject('let s = spatial(4, <|>8).shape', 'spatial(4, 8): 0')
  checkSubject('let m = spatial(4, 8)\nlet s = m.sha<|>pe', 'm: ')
  checkSubject('let m = spatial(4, 8)\nlet n = auto_map(64, 64, workers: <|>m.workers)', 'm: 0')
  checkSubject('mapping dia<|>gonal(w < 4) -> (4, 4) = [(w, w)]', 'diagonal: 0')
  checkSubject('mapping diagonal(w < 4) -> (4, 4) = [(w, <|>w)]', 'diagonal: ')
  checkSubject('let a = row<|>_major(2, 3) * row_major(4, 5)', 'a: ')
  checkSubject('let l = spatial(2).lay<|>out', 'l: ')

  const schedule = (body: string): string => `operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f {\n  tune size = (4, 8)\n  let tile = spatial(size) * repeat(2, 2)\n${body}\n}`
  checkSubject(schedule('  kernel main(grid: 1, block: 32) { for (i, j) in ti<|>le.on(threadIdx.x) { } }'), 'tile: ')
  checkSubject(schedule('  kernel main(grid: 1, block: 32) { for (i, j) in tile.o<|>n(threadIdx.x) { } }'), 'tile: ')
  checkSubject(schedule('  kernel main(grid: 1, block: 32) { register ac<|>c: f32[8, 16] in tile.layout = 0 }'), 'tile.layout: ')
  checkSubject(schedule('  tune order = spatial(2, 2) in [spatial(2, 2), spatial(1, <|>4)]'), 'spatial(1, 4): 0')
  checkSubject(schedule('  tune or<|>der = spatial(2, 2) in [spatial(2, 2), spatial(1, 4)]'), 'order: ')
})

describe('what cannot be drawn', () => {
  checkSubject('let m = spatial(2, 3) * repeat(0, <|>1)', '! `repeat` has extent 0')
  checkSubject('let m = spa<|>tial(2, 3) * repeat(0, 1)', '! `repeat` has extent 0')
  checkSubject('let <|>m = spatial(2, 0)', '! `spatial` has extent 0')
  checkSubject('let m = spatial(2, 3) * <|>', '! ')
  checkSubject('let m = spatial(2, <|>', '! ')
  checkSubject('let m = spatial(2, 3) * spatial(2<|>)', '! ')
  checkSubject('let n = <|>5', '! There is no task mapping or data layout at the cursor')
  checkSubject('<|>', '! There is no task mapping')
  checkSubject('operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f { let m<|> = spatial(n) }', '! It depends on values that are known only')
})

describe('what was drawn last', () => {
  checkSubject('let n = <|>5\nlet m = spatial(n)', 'm: ', 'm')
  checkSubject('let n = <|>0\nlet m = spatial(n)', '! `spatial` has extent 0', 'm')
  checkSubject('let n = <|>5\nlet m = spatial(n)', '! There is no task mapping', 'gone')
  checkSubject('let a = spatial(2)\nlet b = sp<|>atial(3)', 'b: 0', 'a')
})

describe('where factors are written', () => {
  it('names the call first, then the names that it came through', () => {
    const { file, files, offset } = open('let warp = spatial(4, 8)\nlet tile = <|>warp * repeat(2, 2)')
    const answer = subjectAt(file, files, offset, 'sm_80')
    const factors = answer.kind === 'subject' && answer.subject.kind === 'mapping' ? answer.subject.factors : []
    expect(factors.map(f => [f.text, ...f.places.map(p => textIn(file, p.range))])).toEqual([
      ['spatial(4, 8)', 'spatial(4, 8)', 'warp'], ['repeat(2, 2)', 'repeat(2, 2)'],
    ])
  })
  it('knows the warp and the banks of the target', () => {
    const { file, files, offset } = open('let <|>m = spatial(2)')
    expect(subjectAt(file, files, offset, 'sm_90')).toMatchObject({ settings: { warpSize: 32, banks: 32, bankBytes: 4 } })
  })
})
