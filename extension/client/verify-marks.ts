/** Verdicts where the program is written: lenses above subjects, diagnostics in the source and in the CUDA. */
import * as vscode from 'vscode'
import {
  cudaScheme, verifyCommand, type CudaSubject, type ShowCudaArgument, type VerifyAnswer, type VerifyProblem,
} from '../server/protocol.ts'
import type { CudaEditors } from './cuda.ts'
import { wantedOf, type CudaDocument, type Wanted } from './cuda-document.ts'
import { locationOf, positionOf, rangeOf } from './places.ts'
import type { Subjects } from './subjects.ts'
import { regionRange, regionsFrom } from './trace.ts'
import type { Verifier } from './verifier.ts'
import { lensText, titleOf } from './verify-text.ts'

/** Places of the CUDA that one problem marks. */
const mostRegions = 20
/** Lines of a lens's tooltip. */
const mostDetails = 12

/**
 * Feature: Verdicts in the editor
 *
 * Above each instance, schedule and graph stands **Verify**, beside it what came out, until the text changes. What is
 * wrong is a diagnostic at the line that caused it, in your file and in the CUDA beside it, with the other side of a
 * race, or the line of the library, as a related place.
 */
export function createVerifyMarks(verifier: Verifier, subjects: Subjects, cuda: CudaEditors): vscode.Disposable {
  const diagnostics = vscode.languages.createDiagnosticCollection('heddle.verify')
  const lensesChanged = new vscode.EventEmitter<void>()

  const marks = (): readonly Mark[] => [
    ...verifier.verdicts().flatMap(({ what, answer }) =>
      wrongIn(answer).map(problem => ({ uri: problem.uri, range: rangeOf(problem.range), problem, what }))),
    ...shownCuda(cuda).flatMap(document => {
      const uri = document.uri.toString(), what = wantedOf(document)
      return wrongIn(verifier.verdict(what)).flatMap(problem =>
        rangesIn(document, problem).map(range => ({ uri, range, problem, what })))
    }),
  ]
  const mark = (): void => {
    const found = new Map<string, Map<string, vscode.Diagnostic>>()
    for (const each of marks()) {
      const { uri, range: { start, end }, problem } = each
      const own = found.get(uri) ?? new Map<string, vscode.Diagnostic>()
      found.set(uri, own)
      const key = `${problem.code} ${start.line} ${start.character} ${end.line} ${end.character}`
      if (!own.has(key)) own.set(key, diagnosticOf(each)) // many candidates fail alike
    }
    diagnostics.clear()
    for (const [uri, own] of found) diagnostics.set(vscode.Uri.parse(uri), [...own.values()])
  }
  const refresh = (): void => {
    lensesChanged.fire()
    mark()
  }
  const lensesOf = (uri: string, { name, range: { start } }: CudaSubject): readonly vscode.CodeLens[] => {
    const what: ShowCudaArgument = { uri, subject: name }, at = new vscode.Range(positionOf(start), positionOf(start))
    const running = verifier.isRunning(what), known = verifier.verdicts(what), text = lensText(known)
    if (running) return [new vscode.CodeLens(at, { title: '$(loading~spin) Verifying', command: '' })]
    const [first] = known.flatMap(v => wrongIn(v.answer))
    const lines = known.flatMap(v => [titleOf(v.what), ...v.answer.details])
    const tooltip = lines.slice(0, mostDetails).join('\n')
    const go = first === undefined ? { command: '' } : { command: 'heddle.openPlace', arguments: [first] }
    return [
      new vscode.CodeLens(at, { title: 'Verify', command: verifyCommand, arguments: [what] }),
      ...text === undefined ? [] : [new vscode.CodeLens(at, { title: text, tooltip, ...go })],
    ]
  }
  return vscode.Disposable.from(
    diagnostics, lensesChanged, verifier.onDidChange(refresh), cuda.onDidRefresh(mark),
    vscode.workspace.onDidChangeConfiguration(e => { if (e.affectsConfiguration('heddle.codeLens')) lensesChanged.fire() }),
    vscode.languages.registerCodeLensProvider({ language: 'heddle' }, {
      onDidChangeCodeLenses: lensesChanged.event,
      async provideCodeLenses({ uri }) {
        if (vscode.workspace.getConfiguration('heddle').get('codeLens') !== true) return []
        const file = await subjects.load(uri.toString())
        return file.subjects.flatMap(subject => lensesOf(file.uri, subject))
      },
    }),
  )
}

interface Mark {
  readonly uri: string
  readonly range: vscode.Range
  readonly problem: VerifyProblem
  readonly what: Wanted
}

/** Why a program does not compile is said by the language server itself. */
function wrongIn(answer: VerifyAnswer | undefined): readonly VerifyProblem[] {
  return answer?.verdict === 'wrong' ? answer.problems : []
}

function diagnosticOf({ uri, range, problem, what }: Mark): vscode.Diagnostic {
  const message = `${problem.message}\n(${titleOf(what)})`
  const diagnostic = new vscode.Diagnostic(range, message, severities[problem.severity])
  diagnostic.source = 'heddle'
  diagnostic.code = problem.code
  diagnostic.relatedInformation = [
    ...uri === problem.uri ? [] : [{ uri: problem.uri, range: problem.range, message: 'made from this' }],
    ...problem.related,
  ].map(place => new vscode.DiagnosticRelatedInformation(locationOf(place), place.message))
  return diagnostic
}

const severities: Readonly<Record<VerifyProblem['severity'], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error, warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
}

/** Those with CUDA that is up to date. */
function shownCuda(cuda: CudaEditors): readonly CudaDocument[] {
  const shown = new Set(vscode.window.visibleTextEditors.map(editor => editor.document.uri)
    .filter(({ scheme }) => scheme === cudaScheme).map(String))
  return [...shown].flatMap(uri => cuda.document(vscode.Uri.parse(uri)) ?? []).filter(d => d.trace !== undefined)
}

function firstLine({ start, end, isSingleLine }: vscode.Range): vscode.Range {
  return new vscode.Range(start, isSingleLine ? end : new vscode.Position(start.line + 1, 0))
}

/** Where the engine saw it; from an engine that runs no CUDA, all that was made from the text. */
function rangesIn({ trace, header }: CudaDocument, { cuda, origin }: VerifyProblem): readonly vscode.Range[] {
  if (cuda !== undefined) {
    const { start, end } = rangeOf(cuda)
    return [new vscode.Range(start.translate(header), end.translate(header))]
  }
  if (trace === undefined || origin === undefined) return []
  return regionsFrom(trace, origin).slice(0, mostRegions).map(region => firstLine(rangeOf(regionRange(trace, region))))
}
