// Runs in the extension host for the bench of the CUDA editors: moves the caret over both sides of a large program,
// and types digits into a large and a usual one.
import { writeFileSync } from 'node:fs'
import * as vscode from 'vscode'
import type { Api } from '../../extension/client/extension.ts'

const carets = 200, keystrokes = 40

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<Api>('heddle.heddle')
  const folder = vscode.workspace.workspaceFolders?.[0]
  const result = process.env['HEDDLE_BENCH_RESULT']
  if (extension === undefined || folder === undefined || result === undefined) throw new Error('nothing to measure')
  if (extension.isActive) throw new Error('the extension listens already: the caret would be timed too late')
  let moved = 0
  // listeners are told in the order in which they came: this one before the extension's
  const early = vscode.window.onDidChangeTextEditorSelection(() => { moved = performance.now() })
  const api = await extension.activate()
  await api.ready
  const open = async (name: string): Promise<{ source: vscode.TextEditor; cuda: vscode.TextEditor }> => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors')
    const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, `${name}.heddle`))
    const source = await vscode.window.showTextDocument(document, vscode.ViewColumn.One)
    const shown = refreshed()
    await vscode.commands.executeCommand('heddle.showCuda', { uri: document.uri.toString(), subject: name })
    await shown
    const cuda = vscode.window.visibleTextEditors.find(editor => editor.document.uri.scheme === 'heddle-cuda')
    if (cuda === undefined) throw new Error('no CUDA is shown')
    if (api.cuda.document(cuda.document.uri)?.trace === undefined) throw new Error(cuda.document.getText())
    return { source, cuda }
  }
  const refreshed = (): Promise<void> => after('the CUDA', api.cuda.onDidRefresh)

  const caretTimes = async (editor: vscode.TextEditor): Promise<number[]> => {
    await vscode.window.showTextDocument(editor.document, editor.viewColumn)
    const times: number[] = []
    for (let i = 0; i < carets; i++) {
      const line = Math.floor((i * 0.618034 % 1) * editor.document.lineCount)
      const { text, firstNonWhitespaceCharacterIndex: first } = editor.document.lineAt(line)
      const lit = after('the link', api.cuda.links.onDidChange)
      const at = new vscode.Position(line, first + Math.floor((text.length - first) / 2))
      if (editor.selection.active.isEqual(at)) continue
      editor.selection = new vscode.Selection(at, at)
      await lit
      times.push(performance.now() - moved)
    }
    return times
  }
  const keyTimes = async (editor: vscode.TextEditor): Promise<number[]> => {
    await vscode.window.showTextDocument(editor.document, editor.viewColumn)
    const start = editor.document.positionAt(editor.document.getText().indexOf(' // digit') - 1)
    const times: number[] = []
    for (let i = 0; i < keystrokes + 10; i++) {
      const shown = refreshed(), from = performance.now()
      await editor.edit(edit => { edit.replace(new vscode.Range(start, start.translate(0, 1)), String(1 + i % 8)) })
      await shown
      times.push(performance.now() - from)
    }
    return times.slice(10)
  }
  const large = await open('large')
  const lines = large.cuda.document.lineCount
  const inSource = await caretTimes(large.source), inCuda = await caretTimes(large.cuda)
  const largeKeys = await keyTimes(large.source)
  await vscode.commands.executeCommand('workbench.action.files.revert')
  const usual = await open('usual')
  const usualKeys = await keyTimes(usual.source)
  await vscode.commands.executeCommand('workbench.action.files.revert')
  early.dispose()
  const usualLines = usual.cuda.document.lineCount
  writeFileSync(result, JSON.stringify({ lines, usualLines, inSource, inCuda, largeKeys, usualKeys }))
}

function after(what: string, event: vscode.Event<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => { reject(new Error(`waited in vain for ${what}`)) }, 20_000)
    const listener = event(() => {
      clearTimeout(limit)
      listener.dispose()
      resolve()
    })
  })
}
