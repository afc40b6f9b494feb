// What no file may break: neither layout, nor damage, nor size. See recovery.test.ts for single cases.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits } from '../../../../compiler-core/language/syntax/cursor.ts'
import { format } from '../../../../compiler-core/language/syntax/format.ts'
import { isTrivia, lex } from '../../../../compiler-core/language/syntax/lexer.ts'
import { type Parsed, parse, parseExpression } from '../../../../compiler-core/language/syntax/parser.ts'
import { children, visit } from '../../../../compiler-core/language/syntax/walk.ts'
import { attempt, checkFile } from '../../../fuzz/syntax.fuzz.ts'
import { fixtures } from './corpus.ts'
import { dump } from './dump.ts'
import { type Mutation, mutate, mutations, survival } from './mutants.ts'
import { type Random, createRandom } from './random.ts'
import { anyToken, randomProgram } from './random-program.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 31 })

describe('layout means nothing', () => {
  /** The same words with other white space between them, without comments. */
  const layouts: readonly ((g: Random, words: readonly string[]) => string)[] = [
    (_, words) => words.join(' '),
    (_, words) => words.join('\n'),
    (g, words) => words.map(word => word + (g.chance(0.3) ? `\n${' '.repeat(g.below(12))}` : ' ')).join(''),
    (g, words) => words.map(word => word + g.pick([' ', '\n', '\r\n\t', ' // comment\n', '\n\n  '])).join(''),
  ]
  const unchanged = (text: string, g: Random): void => {
    const parsed = parse(text), expected = dump(parsed.file)
    expect(parsed.diagnostics).toEqual([])
    const words = parsed.tokens.filter(({ kind }) => !isTrivia(kind)).map(({ start, end }) => text.slice(start, end))
    for (const layout of layouts) {
      const again = parse(layout(g, words))
      expect(again.diagnostics).toEqual([])
      expect(dump(again.file)).toBe(expected)
      expect(dump(parse(format(again)).file)).toBe(expected)
    }
  }
  it('in random programs of the whole grammar', () => {
    fc.assert(fc.property(seeds, seed => { unchanged(randomProgram(seed), createRandom(seed)) }), { numRuns: 150 })
  })
  it.each(fixtures.map(({ name, text }) => [name, text]))('in %s', (_, text) => {
    for (let seed = 0; seed < 10; seed++) unchanged(text, createRandom(seed))
  })
})

describe('damaged files', () => {
  const originals: readonly Parsed[] = fixtures.map(({ text }) => parse(text))
  const perKind = 40
  const measure = (kind: Mutation): readonly number[] => {
    const g = createRandom(mutations.indexOf(kind) + 1), ratios: number[] = []
    while (ratios.length < perKind) {
      const original = g.pick(originals), mutant = mutate(g, original.text, kind)
      if (mutant === undefined || mutant.text === original.text) continue
      const { damaged, ratio } = survival(original, mutant)
      checkFile(damaged)
      ratios.push(ratio)
    }
    return ratios
  }
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
  it('keep at least 97 % of what is not damaged', () => {
    const ratios = mutations.flatMap(measure)
    expect(ratios.length).toBe(mutations.length * perKind)
    expect(mean(ratios)).toBeGreaterThanOrEqual(0.97)
  })
  it.each(mutations)('keep at least 93 %% after: %s', kind => { expect(mean(measure(kind))).toBeGreaterThanOrEqual(0.93) })
  it('whatever the seed', () => {
    fc.assert(fc.property(seeds, attempt), { numRuns: 300 })
  })
})

describe('size and nesting', () => {
  const n = 80_000
  /** The text, and the diagnostics that it may have. */
  const cases: readonly [name: string, text: string, codes: readonly string[]][] = [
    ['statements', `device f() { ${'x[0].y = 1\n f(1) '.repeat(n)}}`, []],
    ['definitions', `operator o(x: f32[n]) -> y: f32[n] { ${'y[i] = x[i]\n '.repeat(n)}}`, []],
    ['long sum', `let x = a${' + a'.repeat(n)}`, ['too-deep']],
    ['sum within the limit', `let x = a${' + a'.repeat(limits.height - 10)}`, []],
    ['members', `let x = a${'.b'.repeat(n)}`, ['too-deep']],
    ['calls', `let x = a${'()'.repeat(n)}`, ['too-deep']],
    ['prefixes', `let x = ${'-'.repeat(n)}a`, ['too-deep']],
    ['parentheses', `let x = ${'('.repeat(n)}1${')'.repeat(n)}`, ['too-deep']],
    ['parentheses within the limit', `let x = ${'('.repeat(limits.nesting - 1)}1${')'.repeat(limits.nesting - 1)}`, []],
    ['open brackets', `let x = ${'['.repeat(n)}`, ['too-deep', 'expected-token']],
    ['reductions', `let x = ${'sum[i < n] '.repeat(n)}a`, ['too-deep']],
    ['guards', `let x = ${'x[i] ?? '.repeat(n)}0`, ['too-deep']],
    ['conditionals', `let x = ${'if a then b else '.repeat(n)}c`, ['too-deep']],
    ['chain of else', `device d() { if a { }${' else if a { }'.repeat(n)} }`, []],
    ['blocks', `device d() ${'{ if a '.repeat(n)}`, ['too-deep']],
    ['patterns', `let ${'('.repeat(n)}`, ['too-deep', 'expected-token']],
    ['types', `fn f(a: ${'('.repeat(n)}`, ['too-deep', 'expected-token']],
    ['braces', '{'.repeat(n), ['unexpected-token']],
    ['long list', `let x = [${'(a, b + 1), '.repeat(n)}]`, []],
    ['empty lines', '\n'.repeat(n), []],
    ['comments', '// a\n'.repeat(n), []],
    ['sums in sums', `let x = ${'(a + '.repeat(200)}b${` + c${' + d'.repeat(400)})`.repeat(200)}`, ['too-deep']],
  ]
  it.each(cases)('%s', (_, text, codes) => {
    const parsed = parse(text)
    const found = new Set<string>(parsed.diagnostics.map(({ code }) => code))
    for (const code of codes) expect(found).toContain(code)
    if (codes.length === 0) expect(parsed.diagnostics).toEqual([])
    expect(parsed.diagnostics.filter(({ code }) => code === 'too-deep').length).toBeLessThanOrEqual(1)
    let depth = 0, deepest = 0
    visit(parsed.file, () => { deepest = Math.max(deepest, ++depth) }, () => { depth-- })
    expect(deepest).toBeLessThan(limits.nesting + limits.height + 20)
    checkFile(parsed)
  })

  it('grows in proportion to the length of soup', () => {
    const g = createRandom(5)
    const soups = Array.from({ length: 4 }, () => Array.from({ length: 100_000 }, () => g.pick(anyToken)).join(' '))
    for (const text of soups) checkFile(parse(text))
  })
  it('holds for repetitions of any few tokens', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...anyToken), { minLength: 1, maxLength: 4 }), fc.constantFrom(' ', '\n'), (words, gap) => {
      const text = words.join(gap).concat(gap).repeat(5000)
      expect(children(parse(text).file).length).toBeLessThan(text.length)
    }), { numRuns: 60 })
  })
})

it('an expression never throws either', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...anyToken), { maxLength: 12 }), words => {
    const text = words.join(' '), { expression, diagnostics, tokens } = parseExpression(text)
    expect(tokens.length).toBe(lex(text).length)
    if (diagnostics.length === 0) visit(expression, ({ kind }) => { expect(kind).not.toBe('Missing') })
  }), { numRuns: 3000 })
})
