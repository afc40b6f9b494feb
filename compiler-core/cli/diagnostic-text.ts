/**
 * A diagnostic for people: where (one-based), what, and the line that it speaks of.
 *
 *     tile.heddle:3:24: error: `spatial` has extent 0 in dimension 1; ... [bad-extent]
 *       3 | let tile = spatial(4, 0)
 *         |                       ^
 */
import type { Diagnostic, Span } from '../language/diagnostics.ts'

export function diagnosticText(file: string, text: string, d: Diagnostic): string {
  const { line, character } = positionAt(text, d.span.start)
  const source = lineAt(text, line)
  const number = String(line + 1)
  const width = Math.max(1, Math.min(d.span.end, d.span.start + source.length - character) - d.span.start)
  const indent = source.slice(0, character).replace(/[^\t]/g, ' ')
  return `${file}:${line + 1}:${character + 1}: ${d.severity}: ${d.message} [${d.code}]\n`
    + `  ${number} | ${source}\n  ${' '.repeat(number.length)} | ${indent}${'^'.repeat(width)}\n`
}

/** Zero-based line and UTF-16 character of an offset. */
function positionAt(text: string, offset: number): { line: number; character: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length - 1, character: (before.at(-1) ?? '').length }
}

export function rangeOf(text: string, span: Span) {
  return { start: positionAt(text, span.start), end: positionAt(text, span.end) }
}

function lineAt(text: string, line: number): string {
  return text.split(/\r\n|\r|\n/)[line] ?? ''
}
