// Helpers of the integration tests.
import * as vscode from 'vscode'
import type { Api } from '../../extension/client/extension.ts'

/** Opens and shows a file of the workspace, which is a fresh copy of test/fixtures/workspace. */
export async function openFixture(name: string): Promise<vscode.TextDocument> {
  const folder = vscode.workspace.workspaceFolders?.[0]
  if (folder === undefined) throw new Error('no folder is open')
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, name))
  await vscode.window.showTextDocument(document)
  return document
}

/** Waits until the function gives something other than undefined or false. */
export async function until<T>(
  what: string, f: () => T | undefined | false | Thenable<T | undefined | false>, milliseconds = 15_000
): Promise<T> {
  const end = Date.now() + milliseconds
  for (;;) {
    const value = await f()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export interface Opened {
  readonly document: vscode.TextDocument
  readonly editor: vscode.TextEditor
  readonly name: string
}

/** Writes a new file into the workspace and shows it, when the language server is ready. */
export async function open(text: string, name = `test-${process.hrtime.bigint()}.heddle`): Promise<Opened> {
  const folder = vscode.workspace.workspaceFolders?.[0]
  if (folder === undefined) throw new Error('no folder is open')
  const uri = vscode.Uri.joinPath(folder.uri, name)
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text))
  return { ...await shown(await vscode.workspace.openTextDocument(uri)), name }
}

export async function openUntitled(content: string): Promise<Opened> {
  return { ...await shown(await vscode.workspace.openTextDocument({ language: 'heddle', content })), name: '' }
}

async function shown(
  document: vscode.TextDocument,
): Promise<{ document: vscode.TextDocument, editor: vscode.TextEditor }> {
  const editor = await vscode.window.showTextDocument(document, vscode.ViewColumn.One)
  const extension = vscode.extensions.getExtension<Api>('heddle.heddle')
  await (await extension?.activate())?.ready
  return { document, editor }
}

/** Changes a setting of the user; undefined takes it back. */
export async function setting(name: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global)
}
