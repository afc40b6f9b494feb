/**
 * A diagnostic for people: where (one-based), what, and the line that it speaks of.
 *
 *     tile.heddle:3:24: error: `spatial` has extent 0 in dimension 1; ... [bad-extent]
 *       3 | let tile = spatial(4, 0)
 *         |                       ^
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Diagnostic, Span } from '../language/diagnostics.ts'
import type { Program } from '../language/program.ts'

/** Characters of a source line that are shown. */
const longestLine = 160

export function diagnosticText(file: string, text: string, d: Diagnostic): string {
  const { line, character } = positionAt(text, d.span.start)
  const { source, column } = excerpt(lineAt(text, line), character)
  const number = String(line + 1)
  const width = Math.max(1, Math.min(d.span.end - d.span.start, source.length - column))
  const indent = source.slice(0, column).replace(/[^\t]/g, ' ')
  return `${file}:${line + 1}:${character + 1}: ${d.severity}: ${d.message} [${d.code}]\n`
    + `  ${number} | ${source}\n  ${' '.repeat(number.length)} | ${indent}${'^'.repeat(width)}\n`
}

/** Diagnostics of several files of a program. */
export function problemsText(
  program: Program, problems: readonly { readonly uri: string; readonly diagnostic: Diagnostic }[]
): string {
  return problems.map(({ uri, diagnostic }) =>
    diagnosticText(displayName(uri), program.analyse(uri)?.text ?? '', diagnostic)).join('')
}

/** A file below the current folder by its path from there. */
export function displayName(uri: string): string {
  if (!uri.startsWith('file:')) return uri
  const relative = path.relative(process.cwd(), fileURLToPath(uri))
  return relative.startsWith('..') ? fileURLToPath(uri) : relative
}

/** Zero-based line and UTF-16 character of an offset. */
function positionAt(text: string, offset: number): { line: number; character: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length - 1, character: (before.at(-1) ?? '').length }
}

export function rangeOf(text: string, span: Span) {
  return { start: positionAt(text, span.start), end: positionAt(text, span.end) }
}

/** The line, or of a long one the part around a character, and where that character stands in it. */
function excerpt(line: string, character: number): { source: string; column: number } {
  if (line.length <= longestLine) return { source: line, column: character }
  const from = Math.max(0, character - longestLine / 2)
  const lead = from > 0 ? '...' : '', rest = from + longestLine < line.length ? '...' : ''
  return { source: lead + line.slice(from, from + longestLine) + rest, column: character - from + lead.length }
}

function lineAt(text: string, line: number): string {
  return text.split(/\r\n|\r|\n/)[line] ?? ''
}
