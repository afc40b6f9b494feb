import { InlayHintKind, type InlayHint, type Position } from 'vscode-languageserver'
import type { Span } from '../../../compiler-core/language/diagnostics.ts'
import type { Expr, Name, Pattern } from '../../../compiler-core/language/syntax/tree.ts'
import { spanOf, visit } from '../../../compiler-core/language/syntax/walk.ts'
import { shapeText } from '../../../compiler-core/mapping/shape.ts'
import { valueSummary, workersText } from '../describe.ts'
import { valueOf, type SourceFile } from '../files.ts'
import type { ServerSettings } from '../protocol.ts'

/**
 * Feature: Inlay hints
 *
 * Behind a task mapping stand its workers (`heddle.inlayHints.workers`) and its task shape, behind a data layout its
 * shape, and behind a computed number or tuple its value (`heddle.inlayHints.shapes`). The tooltip of a hint says
 * what it is and which setting turns it off.
 */
export function inlayHints(file: SourceFile, within: Span, on: ServerSettings['inlayHints']): InlayHint[] {
  const hints: InlayHint[] = []
  const add = (position: Position, label: string, what: string, setting: keyof ServerSettings['inlayHints']): void => {
    if (!on[setting]) return
    hints.push({
      position, label, kind: InlayHintKind.Type, paddingLeft: true,
      tooltip: { kind: 'markdown', value: `${what}\n\nTurn these hints off with the setting \`heddle.inlayHints.${setting}\`.` },
    })
  }
  const describe = (name: string, value: Expr, at: Position): void => {
    const v = valueOf(file, value)
    if (v?.kind === 'mapping') {
      add(at, workersText(v.mapping), `How many workers \`${name}\` distributes its tasks over`, 'workers')
      add(at, shapeText(v.mapping.shape), `The task shape of \`${name}\``, 'shapes')
    } else if (v?.kind === 'layout') {
      add(at, shapeText(v.layout.shape), `The shape of \`${name}\`, which has ${v.layout.size} elements`, 'shapes')
    } else if (v !== undefined && computed.has(v.kind) && !isWritten(value) && valueSummary(v) !== '') {
      add(at, `= ${valueSummary(v)}`, `The value of \`${name}\``, 'shapes')
    }
  }
  visit(file.root, node => {
    const { start, end } = spanOf(file.analysis.parsed, node)
    if (node.last > node.first && (end < within.start || start > within.end)) return false
    if (node.kind === 'Let' && node.target.kind === 'Name') describe(node.target.text, node.value, endOf(file, node.value))
    else if (node.kind === 'Tune') describe(node.name.text, node.default, endOf(file, node.default))
    else if (node.kind === 'Let') {
      for (const name of patternNames(node.target)) {
        const v = valueOf(file, name)
        const text = v === undefined ? '' : valueSummary(v)
        if (text !== '') add(endOf(file, name), `= ${text}`, `The value of \`${name.text}\``, 'shapes')
      }
    }
    return undefined
  })
  return hints
}

const computed: ReadonlySet<string> = new Set(['int', 'float', 'bool', 'tuple', 'list'])

/** The value stands there as it is. */
function isWritten(e: Expr): boolean {
  switch (e.kind) {
    case 'NumberLiteral': case 'StringLiteral': case 'BooleanLiteral': case 'Missing': return true
    case 'Unary': return isWritten(e.operand)
    case 'Parenthesized': return isWritten(e.value)
    case 'Tuple': case 'List': return e.items.every(isWritten)
    default: return false
  }
}

function endOf(file: SourceFile, node: Expr | Name): Position {
  return file.lines.positionAt(spanOf(file.analysis.parsed, node).end)
}

function patternNames(p: Pattern): readonly Name[] {
  if (p.kind === 'Name') return p.text === '_' || p.text === '' ? [] : [p]
  return p.items.flatMap(patternNames)
}
