/**
 * What the CUDA toolkit of the machine says about the kernels that are shown, behind the line that names each:
 *
 *     matmul(const float *__restrict__ a, ...) {    ptxas: 96 registers, 2,048 bytes of shared memory, no spills
 *
 * It takes a while, so it is asked once nothing has changed for a moment, and given up when something does.
 */
import { setTimeout } from 'node:timers/promises'
import * as vscode from 'vscode'
import { buildFactsOf, type CudaParams, type KernelText, type BuildFactsAnswer } from '../server/protocol.ts'
import type { CudaDocument } from './cuda-document.ts'
import { versioned } from './places.ts'
import type { LanguageServer } from './server.ts'

export interface BuildFacts extends vscode.Disposable {
  /** The editors of a document have its text. */
  follow(document: CudaDocument): void
}

const quietMilliseconds = 400
const toldKey = 'heddle.toldOfMissingToolkit'

/**
 * Feature: Registers and spills
 *
 * Where a CUDA toolkit is installed (nvcc on PATH or below CUDA_PATH), each kernel says how many registers and how much
 * shared memory it takes and whether registers spill, as ptxas finds. A missing toolkit is said once; the CUDA is shown
 * all the same. In an untrusted workspace no program of the machine runs.
 */
export function createBuildFacts(server: LanguageServer, memory: vscode.Memento): BuildFacts {
  const style = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor('editorCodeLens.foreground'), margin: '0 0 0 2em', fontStyle: 'italic' },
  })
  const asking = new Map<string, { readonly text: string; readonly cancel: vscode.CancellationTokenSource }>()
  const known = new Map<string, { readonly text: string; readonly answer: BuildFactsAnswer }>()

  const follow = (document: CudaDocument): void => {
    const key = document.uri.toString()
    const current = known.get(key)
    if (current?.text === document.text) {
      show(document, current.answer)
      return
    }
    if (asking.get(key)?.text === document.text) return
    asking.get(key)?.cancel.cancel()
    asking.delete(key)
    known.delete(key)
    show(document, { kind: 'none' })
    if (document.trace === undefined || !vscode.workspace.isTrusted) return
    const cancel = new vscode.CancellationTokenSource()
    asking.set(key, { text: document.text, cancel })
    void ask(document, cancel.token)
  }
  const ask = async (document: CudaDocument, token: vscode.CancellationToken): Promise<void> => {
    await setTimeout(quietMilliseconds)
    if (token.isCancellationRequested) return
    const { uri, source, subject, candidate, text } = document
    const params: CudaParams = { textDocument: versioned(source), subject, ...(candidate && { candidate }) }
    const answer = await server.request<BuildFactsAnswer>(buildFactsOf, params, token)
    if (answer === undefined || asking.get(uri.toString())?.text !== text) return
    asking.delete(uri.toString())
    known.set(uri.toString(), { text, answer })
    show(document, answer)
    if (answer.kind === 'missing') await tellOnce(answer.message)
    else if (answer.kind !== 'none') await memory.update(toldKey, undefined)
  }
  const show = ({ uri }: CudaDocument, answer: BuildFactsAnswer): void => {
    const own = vscode.window.visibleTextEditors.filter(editor => editor.document.uri.toString() === uri.toString())
    for (const editor of own) editor.setDecorations(style, notes(editor.document, answer))
  }
  const tellOnce = async (message: string): Promise<void> => {
    if (memory.get(toldKey) === true) return
    await memory.update(toldKey, true)
    void vscode.window.showInformationMessage(message)
  }
  const closing = vscode.workspace.onDidCloseTextDocument(({ uri }) => {
    asking.get(uri.toString())?.cancel.cancel()
    asking.delete(uri.toString())
    known.delete(uri.toString())
  })
  return {
    follow,
    dispose() {
      for (const { cancel } of asking.values()) cancel.cancel()
      for (const part of [style, closing]) part.dispose()
    },
  }
}

function notes(document: vscode.TextDocument, answer: BuildFactsAnswer): vscode.DecorationOptions[] {
  switch (answer.kind) {
    case 'facts': return answer.kernels.flatMap(kernel => kernelNote(document, kernel, answer.toolkit))
    case 'rejected': return [note(document, 0, 'nvcc rejects this', answer.message)]
    case 'missing': case 'none': return []
  }
}

function kernelNote(
  document: vscode.TextDocument, { name, text }: KernelText, toolkit: string,
): readonly vscode.DecorationOptions[] {
  const at = new RegExp(`\\b${name}\\(`).exec(document.getText())?.index
  return at === undefined ? [] : [note(document, document.positionAt(at).line, text, `ptxas ${toolkit}: ${text}`)]
}

function note(document: vscode.TextDocument, line: number, contentText: string, hoverMessage: string) {
  const { end } = document.lineAt(line).range
  return { range: new vscode.Range(end, end), hoverMessage, renderOptions: { after: { contentText } } }
}
