import {
  CodeActionKind, DiagnosticSeverity, type CodeAction, type Diagnostic as LspDiagnostic,
  type DiagnosticRelatedInformation, type Range,
} from 'vscode-languageserver'
import type { Diagnostic, Severity } from '../../../compiler-core/language/diagnostics.ts'
import { present, rangeOf, type Files, type SourceFile } from '../files.ts'

/** Of one file; what is beyond is one more that says so. */
const limit = 500

/**
 * Feature: Live diagnostics
 *
 * What is wrong is said while you type, at the exact place, with a stable code, related places and, where there is
 * one, a quick fix. A rejected mapping says which factor, which dimension and which rule. What only compiling finds
 * follows after a moment of quiet.
 */
export function diagnostics(file: SourceFile, files: Files, compiled: readonly Diagnostic[] = []): LspDiagnostic[] {
  const all = [...file.analysis.diagnostics, ...compiled]
  const shown = all.slice(0, limit).map(d => lspDiagnostic(file, files, d))
  const next = all[limit]
  if (next !== undefined) shown.push({ ...lspDiagnostic(file, files, next), message: `${next.message}\n(${all.length - limit - 1} more are not shown)` })
  return shown
}

/**
 * Feature: Quick fixes
 *
 * Where the repair is certain, the light bulb offers it: an absent bracket, an import, the name that was probably
 * meant.
 */
export function codeActions(file: SourceFile, files: Files, range: Range): CodeAction[] {
  const start = file.lines.offsetAt(range.start), end = file.lines.offsetAt(range.end)
  const fixable = file.analysis.diagnostics.flatMap(d => d.fix === undefined ? [] : [{ d, fix: d.fix }])
  return fixable.filter(({ d }) => d.span.end >= start && d.span.start <= end).map(({ d, fix }) => ({
    title: fix.title, kind: CodeActionKind.QuickFix, isPreferred: true, diagnostics: [lspDiagnostic(file, files, d)],
    edit: { changes: { [file.uri]: fix.edits.map(({ span, newText }) => ({ range: rangeOf(file, span), newText })) } },
  }))
}

function lspDiagnostic(file: SourceFile, files: Files, d: Diagnostic): LspDiagnostic {
  const relatedInformation: DiagnosticRelatedInformation[] = d.related.flatMap(({ uri, span, message }) =>
    present(uri === file.uri ? file : files.file(uri))
      .map(home => ({ location: { uri, range: rangeOf(home, span) }, message })))
  return {
    range: rangeOf(file, d.span), severity: severities[d.severity], code: d.code, source: 'heddle', message: d.message,
    ...(relatedInformation.length === 0 ? {} : { relatedInformation }),
  }
}

const severities: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error, warning: DiagnosticSeverity.Warning, information: DiagnosticSeverity.Information,
}
