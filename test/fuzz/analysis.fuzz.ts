// Broken files through names and values: whatever the text, an analysis whose ranges lie inside of its files, in
// bounded time.
import { createProgram, type Analysis } from '../../compiler-core/language/program.ts'
import { createRandom } from '../compiler-core/language/syntax/random.ts'
import { brokenText } from './syntax.fuzz.ts'

/** A program of three broken files that import each other, analysed, then edited and analysed again. */
export function attempt(seed: number): void {
  const g = createRandom(seed)
  const texts = new Map(['a', 'b', 'c'].map((name, i) =>
    [`file:///w/${name}.heddle`, `import "std/prelude"\nimport "${g.pick(['a', 'b', 'c', '../d'])}"\n${brokenText(seed * 3 + i)}`]))
  const program = createProgram({ read: uri => texts.get(uri), roots: ['file:///w/'] })
  const start = performance.now()
  for (const uri of texts.keys()) {
    checkAnalysis(program.analyse(uri), texts)
    const text = texts.get(uri) ?? ''
    const at = g.below(text.length + 1)
    texts.set(uri, text.slice(0, at) + g.pick(['(', '}', 'x', ' ', '\n', 'spatial(0)', '"']) + text.slice(at))
    checkAnalysis(program.analyse(uri), texts)
  }
  if (performance.now() - start > 20_000) throw new Error('the analysis takes too long')
}

function checkAnalysis(a: Analysis | undefined, texts: ReadonlyMap<string, string>): void {
  if (!a) throw new Error('no analysis')
  for (const d of a.diagnostics) {
    if (!(0 <= d.span.start && d.span.start <= d.span.end && d.span.end <= a.text.length)) throw new Error(`${d.code} lies outside of the file`)
    for (const r of d.related) {
      const text = texts.get(r.uri)
      if (text !== undefined && !(0 <= r.span.start && r.span.end <= text.length)) throw new Error(`what is related to ${d.code} lies outside of ${r.uri}`)
    }
  }
  for (const value of a.values.values()) {
    if (value.kind === 'mapping' && value.origins.length !== value.mapping.factors.length) throw new Error('a factor has no origin')
  }
}
