import type { Range, TextEdit } from 'vscode-languageserver'
import { format } from '../../../compiler-core/language/syntax/format.ts'
import { rangeOf, type SourceFile } from '../files.ts'

/**
 * Feature: Formatting
 *
 * **Format Document**, **Format Selection**, and the line that `Enter` or `}` completes (`editor.formatOnType`).
 * Only white space changes, so that the cursor, folds and breakpoints stay where they are; a broken file is formatted
 * as far as it is understood.
 */
export function formattingEdits(file: SourceFile, within?: Range): TextEdit[] {
  const edits = whiteSpaceEdits(file, format(file.analysis.parsed))
  if (within === undefined) return edits
  return edits.filter(({ range }) => !before(range.end, within.start) && !before(within.end, range.start))
}

/** On a character that ends a line or a construct: the line of the position and the one before it. */
export function onTypeEdits(file: SourceFile, line: number, character: string): TextEdit[] {
  const from = character === '\n' ? line - 1 : line
  return formattingEdits(file, { start: { line: Math.max(0, from), character: 0 }, end: { line, character: 0 } })
    .filter(edit => character !== '\n' || edit.range.end.line < line) // the new line is the typist's
}

const blank = /\s/

/** The two texts differ in white space only: one edit for each run of it that is different. */
function whiteSpaceEdits(file: SourceFile, formatted: string): TextEdit[] {
  const { text } = file.analysis
  const edits: TextEdit[] = []
  const runEnd = (s: string, from: number): number => {
    let at = from
    while (at < s.length && blank.test(s.charAt(at))) at++
    return at
  }
  for (let i = 0, j = 0; i < text.length || j < formatted.length; i++, j++) {
    const iEnd = runEnd(text, i), jEnd = runEnd(formatted, j)
    if (iEnd - i !== jEnd - j || text.slice(i, iEnd) !== formatted.slice(j, jEnd)) {
      edits.push({ range: rangeOf(file, { start: i, end: iEnd }), newText: formatted.slice(j, jEnd) })
    }
    i = iEnd
    j = jEnd
  }
  return edits
}

function before(a: Range['start'], b: Range['start']): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character)
}
