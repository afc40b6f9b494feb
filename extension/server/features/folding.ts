import { FoldingRangeKind, type FoldingRange } from 'vscode-languageserver'
import type { SourceFile } from '../files.ts'

/**
 * Feature: Folding
 *
 * Blocks, bracketed lists over several lines, runs of comments and the imports at the top of a file fold.
 */
export function foldingRanges(file: SourceFile): FoldingRange[] {
  return [...brackets(file), ...runs(file, ['comment', 'doc'], FoldingRangeKind.Comment), ...imports(file)]
}

/** The line of the closing bracket stays visible. */
function brackets(file: SourceFile): FoldingRange[] {
  const ranges: FoldingRange[] = []
  const open: number[] = []
  for (const token of file.analysis.parsed.tokens) {
    if (token.kind === '{' || token.kind === '(' || token.kind === '[') open.push(token.line)
    else if (token.kind === '}' || token.kind === ')' || token.kind === ']') {
      const startLine = open.pop()
      if (startLine !== undefined && token.line - 1 > startLine) ranges.push({ startLine, endLine: token.line - 1 })
    }
  }
  return ranges
}

/** Lines that hold nothing but a token of these kinds, at least two in a row. */
function runs(file: SourceFile, kinds: readonly string[], kind: FoldingRangeKind): FoldingRange[] {
  const ranges: FoldingRange[] = []
  let first = -2, last = -2
  const close = (): void => { if (last > first) ranges.push({ startLine: first, endLine: last, kind }) }
  for (const token of file.analysis.parsed.tokens) {
    if (!kinds.includes(token.kind) || !token.firstOnLine) continue
    if (token.line !== last + 1) {
      close()
      first = token.line
    }
    last = token.line
  }
  close()
  return ranges
}

function imports(file: SourceFile): FoldingRange[] {
  const lines = file.root.items.flatMap(item => item.kind === 'Import' ? [file.analysis.parsed.tokens[item.first]?.line ?? 0] : [])
  const first = lines[0], last = lines.at(-1)
  return first === undefined || last === undefined || last === first ? []
    : [{ startLine: first, endLine: last, kind: FoldingRangeKind.Imports }]
}
