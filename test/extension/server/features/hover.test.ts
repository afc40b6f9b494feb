import { describe, expect, it } from 'vitest'
import { hover } from '../../../../extension/server/features/hover.ts'
import { open } from './support.ts'

/** The hover's markdown holds each of the texts; `[]`: there is no hover. */
function checkHover(source: string, expected: readonly string[], others: Readonly<Record<string, string>> = {}): void {
  it(source, () => {
    const { file, files, offset } = open(source, others)
    const answer = hover(file, files, offset, { pictures: false })
    const text = answer === undefined ? undefined : typeof answer.contents === 'object' && 'value' in answer.contents ? answer.contents.value : ''
    if (expected.length === 0) expect(text).toBeUndefined()
    for (const part of expected) expect(text).toContain(part)
  })
}

describe('hover on a mapping', () => {
  const facts = ['| Workers | Task shape | Tasks a worker | Coverage |', '| 32 | (8, 16) | 4 | each task once |']
  checkHover('let m<|> = spatial(4, 8) * repeat(2, 2)', ['let m = spatial(4, 8) * repeat(2, 2)', ...facts])
  checkHover('let m = spatial(4, 8) <|>* repeat(2, 2)', facts)
  checkHover('let m = spatial(4, 8) * repeat(2, 2)\nlet n = m<|>.workers', ['let m = spatial(4, 8)', ...facts])
  checkHover('let m = spa<|>tial(2, 3)', ['fn spatial(extents: shape, ranks?: shape) -> mapping', 'One task for each worker', '| 6 | (2, 3) | 1 |'])
  checkHover('let m = rep<|>eat(2, 3)', ['| 1 | (2, 3) | 6 |', 'Worker `w`, step `k` executes task `('])
  checkHover('let m = spatial(4, 8).project(ze<|>ro: 0)', ['zero'])
  checkHover('let m = spatial(4, 8).pro<|>ject(zero: 0)', ['mapping.project(onto?: int, zero?: shape) -> mapping', '8 of 8 tasks replicated, up to 4 times'])
  checkHover('mapping half<|>(w < 2) -> (4,) = [(w,)]', ['2 of 4 tasks uncovered'])
  checkHover('/// A warp.\n/// Of threads.\nlet m<|> = spatial(32)', ['A warp.\nOf threads.', '| 32 |'])
})

describe('hover on other values', () => {
  checkHover('let n<|> = 3 * 4', ['let n = 3 * 4', 'Value: `12`'])
  checkHover('let (a, b<|>) = (spatial(2, 3) * repeat(2, 2)).shape', ['Value: `6`'])
  checkHover('let s = spatial(2, 3).sha<|>pe', ['mapping.shape -> shape', 'The task shape', 'Value: `(2, 3)`'])
  checkHover('let l<|> = row_major(4, 8)', ['| Shape | Elements stored |', '| (4, 8) | 32 |', 'Element `(i, j)` lies at offset `i * 8 + j`'])
  checkHover('let w = target.warp_<|>size', ['Threads of a warp', 'Value: `32`'])
  checkHover('let f = f3<|>2', ['f32'])
  checkHover('import "std/prelude"\nlet n = ceil<|>_div(100, 32)', ['fn ceil_div(a: int, b: int) -> int', 'The smallest number of parts', 'Value: `4`'])
  checkHover('import "other"\nlet n = m<|>.workers', ['let m = spatial(7)', 'Of the other file.'], { 'other.heddle': '/// Of the other file.\nlet m = spatial(7)' })
})

describe('hover on declarations of operators and schedules', () => {
  const operator = '/// Adds.\noperator add<T: number>(a: T[n], b: T[n]) -> c: T[n] { c[i] = a[i] + b[i] }\n'
  checkHover(`${operator}schedule s for ad<|>d { }`, ['operator add<T: number>(a: T[n], b: T[n]) -> c: T[n]', 'Adds.'])
  checkHover(`${operator}schedule s for add { tune k<|> = 4 in [4, 8] }`, ['tune k = 4', 'Value: `4`'])
  checkHover(operator.replace('c[i] = a', 'c[i] = <|>a'), ['a: T[n]'])
})

describe('hover on words and elsewhere', () => {
  checkHover('l<|>et n = 1', ['Names a value'])
  checkHover('sched<|>ule s for f { }', ['How an operator'])
  checkHover('let kernel = 1\nlet n = ker<|>nel', ['let kernel = 1'])
  checkHover('// a com<|>ment about let', [])
  checkHover('let n = 1<|>2', [])
  checkHover('let n = "te<|>xt"', [])
  checkHover('let n =<|> ', [])
  checkHover('<|>', [])
  checkHover('let m = spatial(0<|>)', [])
})

describe('the picture in a hover', () => {
  it('shows the worker of each cell, of at most 8 x 32', () => {
    const { file, files, offset } = open('let m<|> = spatial(64, 64)')
    const answer = hover(file, files, offset, { pictures: true })
    const markdown = JSON.stringify(answer?.contents)
    const svg = Buffer.from(/base64,([\w+/=]+)/.exec(markdown)?.[1] ?? '', 'base64').toString()
    expect(svg.match(/<rect/g)).toHaveLength(256)
    expect(svg).toContain('>479</text>')
    expect(markdown).toContain('first 8 x 32')
  })
})
