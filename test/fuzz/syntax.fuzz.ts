// Broken files through lexer, parser and formatter: damaged programs (random ones and the fixtures of the tests), and
// soups of tokens.
import { format } from '../../compiler-core/language/syntax/format.ts'
import { type Lexed, lex } from '../../compiler-core/language/syntax/lexer.ts'
import { type Parsed, parse } from '../../compiler-core/language/syntax/parser.ts'
import { spanOf, visit } from '../../compiler-core/language/syntax/walk.ts'
import { fixtures } from '../compiler-core/language/syntax/corpus.ts'
import { mutate, mutations } from '../compiler-core/language/syntax/mutants.ts'
import { type Random, createRandom } from '../compiler-core/language/syntax/random.ts'
import { anyToken, randomProgram } from '../compiler-core/language/syntax/random-program.ts'

/** One broken text from a seed; throws where a promise of the front end's first part does not hold. */
export function attempt(seed: number): void { checkFile(parse(brokenText(seed))) }

/** A text that is seldom correct: a program with one to four damages, or tokens in any order. */
export function brokenText(seed: number): string {
  const g = createRandom(seed)
  if (g.chance(0.2)) return soup(g)
  let text = g.chance(0.5) ? g.pick(fixtures).text : randomProgram(seed, 1 + g.below(3))
  for (let n = 1 + g.below(4); n > 0; n--) text = mutate(g, text, g.pick(mutations))?.text ?? text
  return text
}
function soup(g: Random): string {
  const gap = g.pick(['', ' ', '\n', ' \n'])
  return Array.from({ length: g.below(400) }, () => g.pick(anyToken) + gap).join('')
}

/**
 * What holds for every file: nothing is lost, nodes and diagnostics lie inside, formatting changes white space only,
 * and once.
 */
export function checkFile(parsed: Parsed): void {
  const { text, tokens, file, diagnostics } = parsed
  let end = 0
  for (const token of tokens) {
    if (token.start !== end) throw new Error(`text is lost at ${end}`)
    end = token.end
  }
  if (end !== text.length) throw new Error('the end is lost')
  visit(file, node => {
    if (node.first < 0 || node.last < node.first || node.last > tokens.length) throw new Error(`a ${node.kind} lies outside the file`)
    const { parent } = node
    if (parent !== undefined && (node.first < parent.first || node.last > parent.last)) throw new Error(`a ${node.kind} lies outside its ${parent.kind}`)
    if (node.kind === 'Missing' && spanOf(parsed, node).end > text.length) throw new Error('what is missing lies outside the file')
    if (node.kind === 'Missing' && diagnostics.length === 0) throw new Error('an expression is missing without a diagnostic')
  })
  for (const { span, code } of diagnostics) {
    if (span.start < 0 || span.end < span.start || span.end > text.length) throw new Error(`${code} lies outside the file`)
  }
  const formatted = format(parsed)
  if (words(parsed) !== words({ text: formatted, tokens: lex(formatted) })) throw new Error('the formatter changed more than white space')
  const again = parse(formatted)
  if (format(again) !== formatted) throw new Error('the formatter changed its own result')
  if (again.diagnostics.length !== diagnostics.length) throw new Error('formatting changed what is wrong')
}
function words({ text, tokens }: Lexed): string {
  return tokens.filter(({ kind }) => kind !== 'space').map(({ start, end }) => text.slice(start, end).trimEnd()).join('\n')
}
