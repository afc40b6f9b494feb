/** How tests of names and values are written: a text in, what the analysis says about it out. */
import { expect, it } from 'vitest'
import type { Diagnostic } from '../../../compiler-core/language/diagnostics.ts'
import { createProgram, type Analysis, type Program } from '../../../compiler-core/language/program.ts'
import { valueText } from '../../../compiler-core/language/values.ts'

export const mainUri = 'file:///project/main.heddle'

/** A program whose main file has this text, among other files by their path below the root. */
export function programOf(text: string, files: Readonly<Record<string, string>> = {}): Program {
  const read = (uri: string): string | undefined => uri === mainUri ? text : files[uri.replace('file:///project/', '')]
  return createProgram({ read, roots: ['file:///project/'] })
}

/** The analysis of the main file. */
export function analysis(text: string, files: Readonly<Record<string, string>> = {}): Analysis {
  const found = programOf(text, files).analyse(mainUri)
  if (!found) throw new Error('the main file is there')
  return found
}

/** `code: message` of each diagnostic. */
export function said(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.map(d => `${d.code}: ${d.message}`)
}

/** The value of the name `it`, or of the last one declared, in a file without problems. */
export function check(text: string, expected: string): void {
  const a = analysis(/\blet\b|\bmapping\b.*->|\bfn\b/.test(text) ? `import "std/prelude"\n${text}` : `import "std/prelude"\nlet it = ${text}`)
  expect(said(a.diagnostics.filter(d => d.code !== 'unused-import')), text).toEqual([])
  const it = a.resolved.exports.get('it') ?? [...a.resolved.exports.values()].at(-1)
  const value = it && a.values.get(it.nameNode)
  expect(value ? valueText(value) : '?', text).toBe(expected)
}

/** The ranges between `<|` and `|>` in a text, which is returned without these marks. */
export function unmarked(
  text: string
): { readonly text: string; readonly spans: readonly { readonly start: number; readonly end: number }[] } {
  const spans: { start: number; end: number }[] = []
  const open: number[] = []
  let plain = ''
  for (const part of text.split(/(<\||\|>)/)) {
    if (part === '<|') open.push(plain.length)
    else if (part === '|>') spans.push({ start: open.pop() ?? 0, end: plain.length })
    else plain += part
  }
  return { text: plain, spans }
}

/** Exactly one problem of the code, at the marked range, whose message has these words. */
export function problem(
  marks: string, code: string, words: string | RegExp = '', files: Readonly<Record<string, string>> = {}
): void {
  const { text, spans } = unmarked(marks)
  const { diagnostics } = analysis(text, files)
  const found = diagnostics.filter(d => d.code !== 'unused-import' || code === 'unused-import')
  expect(found.map(d => `${d.code} ${JSON.stringify(text.slice(d.span.start, d.span.end))}`), said(found).join('\n'))
    .toEqual(spans.map(s => `${code} ${JSON.stringify(text.slice(s.start, s.end))}`))
  expect(found.map(d => d.span)).toEqual(spans)
  for (const d of found) expect(d.message).toMatch(words)
}

/** A text with the place of its one problem, the code, words of the message, and other files. */
export type Case = readonly [
  text: string, code: string, words?: string | RegExp, files?: Readonly<Record<string, string>>
]

/** A test for each case. */
export function problems(cases: readonly Case[]): void {
  for (const [text, code, words, files] of cases) it(text.slice(0, 300), () => { problem(text, code, words, files) })
}
