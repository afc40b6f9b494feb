import { describe, expect, it } from 'vitest'
import { completion } from '../../../../extension/server/features/completion.ts'
import { signatureHelp } from '../../../../extension/server/features/signature-help.ts'
import { open } from './support.ts'

/** Offered are all of these; a name that starts with `!` is not. `[]`: nothing is offered. */
function checkCompletion(
  source: string, expected: readonly string[], others: Readonly<Record<string, string>> = {},
): void {
  it(`${JSON.stringify(source)} offers ${expected.join(' ')}`, () => {
    const { file, files, offset } = open(source, others)
    const labels = completion(file, files, offset).map(item => item.label)
    if (expected.length === 0) expect(labels).toEqual([])
    for (const name of expected) {
      if (name.startsWith('!')) expect(labels).not.toContain(name.slice(1))
      else expect(labels).toContain(name)
    }
    expect(labels.length).toBe(new Set(labels).size)
  })
}

describe('completion of declarations', () => {
  checkCompletion('<|>', ['let', 'fn', 'operator', 'schedule', 'import', 'mapping', '!spatial', '!for'])
  checkCompletion('let a = 1\n<|>', ['let', 'operator', '!a'])
  checkCompletion('let a = 1\nsch<|>', ['schedule'])
  checkCompletion('let <|>', [])
  checkCompletion('fn <|>', [])
  checkCompletion('let nam<|>e = 1', [])
})

describe('completion of values', () => {
  checkCompletion('let abc = 1\nlet b = <|>', ['abc', 'spatial', 'repeat', 'auto_map', 'row_major', 'target', 'if', '!b', '!schedule', '!operator'])
  checkCompletion('let abc = 1\nlet b = a<|>', ['abc'])
  checkCompletion('let b = <|>\nlet later = 1', ['!later', '!b'])
  checkCompletion('let m = spatial(2) * <|>', ['spatial', 'repeat'])
  checkCompletion('fn f(xyz: int) -> int = <|>', ['xyz', 'f'])
  checkCompletion('operator f(x: f32[n]) -> y: f32[n] { y[i] = <|> }', ['x', 'n', 'i'])
  checkCompletion('import "other"\nlet b = <|>', ['there'], { 'other.heddle': 'let there = 1' })
  checkCompletion('import "std/prelude"\nlet b = <|>', ['ceil_div', 'product'])
  checkCompletion('let b = 12<|>', [])
  checkCompletion('// let <|>', [])
  checkCompletion('let s = "<|>"', [])
})

describe('completion of members', () => {
  checkCompletion('let m = spatial(2)\nlet n = m.<|>', ['shape', 'workers', 'tasks', 'rank', 'layout', 'on', 'at', 'project', '!swizzle', '!warp_size'])
  checkCompletion('let m = spatial(2)\nlet n = m.wo<|>', ['workers', '!swizzle'])
  checkCompletion('let n = spatial(2).<|>', ['workers', '!swizzle'])
  checkCompletion('let n = (spatial(2) * repeat(2)).<|>', ['workers'])
  checkCompletion('let l = row_major(2, 4)\nlet n = l.<|>', ['swizzle', 'permute', 'reshape', 'size', '!workers'])
  checkCompletion('let n = target.<|>', ['warp_size', 'shared_memory_per_block', '!workers'])
  checkCompletion('fn f(m: mapping) -> int = m.<|>', ['workers', '!swizzle'])
  checkCompletion('operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f {\n  let m = spatial(n)\n  let w = m.<|>\n}', ['workers', '!swizzle'])
  checkCompletion('let n = 1.<|>', [])
})

describe('completion of arguments', () => {
  checkCompletion('let m = spatial(2, 3, <|>)', ['ranks:', '!workers:'])
  checkCompletion('let m = repeat(2, 3, <|>)', ['ranks:', 'loops:', 'vector', 'unrolled', 'rolled'])
  checkCompletion('let m = auto_map(8, 96, <|>)', ['workers:', 'ranks:'])
  checkCompletion('let m = auto_map(8, 96, workers: 4, <|>)', ['ranks:', '!workers:'])
  checkCompletion('let m = auto_map(8, 96, workers: <|>)', ['1', '2', '3', '32', '64', '96', '768', '!5', '!1024'])
  checkCompletion('let t = (8, 96)\nlet m = auto_map(t, workers: <|>', ['96', '!5'])
  checkCompletion('let m = spatial(2, 3, 4, ranks: <|>)', ['(0, 1, 2)', '(2, 1, 0)', '(1, 0, 2)', '!(0, 0, 1)'])
  checkCompletion('fn f(one: int, two: int) -> int = one\nlet a = f(<|>)', ['one:', 'two:'])

  it('says what results from a number of workers', () => {
    const { file, files, offset } = open('let m = auto_map(8, 96, workers: <|>)')
    expect(completion(file, files, offset).find(item => item.label === '64')?.detail).toBe('repeat(4, 3) * spatial(2, 32)')
  })
})

describe('completion of other places', () => {
  checkCompletion('import "<|>"', ['std/prelude', 'other', '!main'], { 'other.heddle': '' })
  checkCompletion('import "<|>', ['std/prelude'])
  checkCompletion('fn f(x: <|>)', ['int', 'shape', 'mapping', 'f32', '!spatial'])
  checkCompletion('fn f(x: i<|>nt) -> int = x', ['int', '!spatial'])
  checkCompletion('operator f<T>(x: <|>', ['T', 'f32', '!spatial'])
  checkCompletion('operator f(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for f {\n  <|>\n}', ['tune', 'kernel', 'let', 'require', '!while', '!operator'])
  checkCompletion('fn f(n: int) -> int {\n  <|>\n}', ['for', 'let', 'return', 'n', '!kernel', '!operator'])

  it('names what a value is', () => {
    const { file, files, offset } = open('let tile = spatial(4, 8)\nlet b = <|>')
    expect(completion(file, files, offset).find(item => item.label === 'tile')).toMatchObject({ labelDetails: { description: '32 workers, (4, 8)' } })
  })
})

describe('signature help', () => {
  /** The active parameter is written between `*`. */
  const checkSignature = (source: string, expected: string | undefined): void => {
    it(source, () => {
      const { file, files, offset } = open(source)
      const help = signatureHelp(file, files, offset)
      const signature = help?.signatures[0], active = signature?.parameters?.[help?.activeParameter ?? 0]?.label
      const shown = signature === undefined || typeof active !== 'object' ? undefined
        : `${signature.label.slice(0, active[0])}*${signature.label.slice(active[0], active[1])}*${signature.label.slice(active[1])}`
      expect(shown).toBe(expected)
    })
  }
  checkSignature('let m = spatial(<|>)', 'spatial(*extents: shape*, ranks?: shape) -> mapping')
  checkSignature('let m = spatial(2, <|>', 'spatial(*extents: shape*, ranks?: shape) -> mapping')
  checkSignature('let m = spatial(2, ranks: <|>)', 'spatial(extents: shape, *ranks?: shape*) -> mapping')
  checkSignature('let m = spatial(2).project(<|>)', 'project(*onto?: int*, zero?: shape) -> mapping')
  checkSignature('fn f(a: int, b: int) -> int = a\nlet n = f(1, <|>2)', 'f(a: int, *b: int*) -> int')
  checkSignature('fn f(a: int, b: int) -> int = a\nlet n = f(1, f(<|>))', 'f(*a: int*, b: int) -> int')
  checkSignature('let m = spatial(2)<|>', undefined)
  checkSignature('let m = <|>spatial(2)', undefined)
  checkSignature('let m = (<|>2)', undefined)
})
