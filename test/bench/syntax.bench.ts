// The front end's first part, of which every keystroke pays for lexing and parsing the file.
import { format } from '../../compiler-core/language/syntax/format.ts'
import { lex } from '../../compiler-core/language/syntax/lexer.ts'
import { parse } from '../../compiler-core/language/syntax/parser.ts'
import { linesOf } from '../compiler-core/language/syntax/corpus.ts'
import type { Bench } from '../harness/bench.ts'

export default async function (bench: Bench): Promise<void> {
  const small = linesOf(1000), large = linesOf(10_000)
  await bench.time('lex 1,000 lines', () => lex(small))
  const parseSmall = await bench.time('parse 1,000 lines', () => parse(small), { budget: 6 })
  const parseLarge = await bench.time('parse 10,000 lines', () => parse(large), { budget: 60 })
  bench.ratio('parse 10,000 / 1,000 lines', parseLarge, parseSmall)
  const [parsedSmall, parsedLarge] = [parse(small), parse(large)]
  await bench.time('format 1,000 parsed lines', () => format(parsedSmall), { budget: 30 })
  await bench.time('format 10,000 parsed lines', () => format(parsedLarge))
}
