/**
 * Programs in marked text: `<|>` is the cursor, `<|range|>` a range.
 *
 *     marked('let <|a|> = 1')     { text: 'let a = 1', offset: 4, spans: [{ start: 4, end: 5 }] }
 */
import type { Range } from 'vscode-languageserver'
import { TextDocument } from 'vscode-languageserver-textdocument'
import type { Span } from '../../../../compiler-core/language/diagnostics.ts'
import { createProgram } from '../../../../compiler-core/language/program.ts'
import type { TextRange } from '../../../../extension/server/protocol.ts'
import { sourceFile, type Files, type SourceFile } from '../../../../extension/server/files.ts'

interface Marked { readonly text: string; readonly offset: number; readonly spans: readonly Span[] }

function marked(source: string): Marked {
  const spans: Span[] = []
  let text = '', offset: number | undefined
  const pieces = source.split(/(<\|>|<\||\|>)/)
  let open: number | undefined
  for (const piece of pieces) {
    if (piece === '<|>') offset = text.length
    else if (piece === '<|') open = text.length
    else if (piece === '|>') {
      spans.push({ start: open ?? 0, end: text.length })
      open = undefined
    } else text += piece
  }
  return { text, offset: offset ?? spans[0]?.start ?? 0, spans }
}

interface Opened extends Marked { readonly file: SourceFile; readonly files: Files }

/** A file of marked text, with others beside it by their names. */
export function open(source: string, others: Readonly<Record<string, string>> = {}): Opened {
  const here = marked(source)
  const texts = new Map(Object.entries({ ...others, 'main.heddle': here.text }).map(([name, text]) => [uriOf(name), text]))
  const program = createProgram({ read: uri => texts.get(uri), roots: ['file:///work'] })
  const files: Files = {
    file: uri => {
      const analysis = program.analyse(uri)
      return analysis === undefined ? undefined : sourceFile(analysis)
    },
    all: () => [...texts.keys()].map(uri => files.file(uri)).filter(file => file !== undefined),
  }
  const file = files.file(uriOf('main.heddle'))
  if (file === undefined) throw new Error('the program does not know its file')
  return { ...here, file, files }
}

export function uriOf(name: string): string { return `file:///project/${name}` }

/** The text that a range covers. */
export function textIn(file: SourceFile, range: TextRange): string {
  return file.analysis.text.slice(file.lines.offsetAt(range.start), file.lines.offsetAt(range.end))
}

export function withEdits(
  file: SourceFile, edits: readonly { readonly range: Range; readonly newText: string }[],
): string {
  return TextDocument.applyEdits(file.lines, [...edits])
}
