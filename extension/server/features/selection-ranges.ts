import type { SelectionRange } from 'vscode-languageserver'
import type { Span } from '../../../compiler-core/language/diagnostics.ts'
import type { Node } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, spanOf, tokenAt } from '../../../compiler-core/language/syntax/walk.ts'
import { rangeOf, type SourceFile } from '../files.ts'

/**
 * Feature: Expand selection
 *
 * **Expand Selection** grows from the word through factors, whole compositions, statements and blocks to the
 * declaration.
 */
export function selectionRange(file: SourceFile, offset: number): SelectionRange {
  const spans: Span[] = [{ start: 0, end: file.analysis.text.length }]
  for (const node of pathTo(file, offset)) grow(spans, spanOf(file.analysis.parsed, node))
  const token = file.analysis.parsed.tokens[tokenAt(file.analysis.parsed, offset)]
  if (token !== undefined && token.kind !== 'space' && token.kind !== 'eof') grow(spans, token)
  const [outermost, ...inner] = spans
  let range: SelectionRange = { range: rangeOf(file, outermost ?? { start: offset, end: offset }) }
  for (const span of inner) range = { range: rangeOf(file, span), parent: range }
  return range
}

/** Outermost first. */
function pathTo(file: SourceFile, offset: number): readonly Node[] {
  const path: Node[] = []
  let node: Node | undefined = nodeAt(file.analysis.parsed, offset)
  for (; node !== undefined; node = node.parent) path.unshift(node)
  return path
}

/** A selection only ever shrinks into the one before it. */
function grow(spans: Span[], { start, end }: Span): void {
  const last = spans.at(-1)
  if (last === undefined || end <= start) return
  if (start >= last.start && end <= last.end && end - start < last.end - last.start) spans.push({ start, end })
}
