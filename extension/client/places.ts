/** Places of the protocol as VS Code's own, and as text for people. */
import * as vscode from 'vscode'
import { libraryScheme, type Position, type TextPlace, type TextRange } from '../server/protocol.ts'

export function positionOf(p: Position): vscode.Position { return new vscode.Position(p.line, p.character) }
export function rangeOf(r: TextRange): vscode.Range { return new vscode.Range(positionOf(r.start), positionOf(r.end)) }

export function locationOf({ uri, range }: TextPlace): vscode.Location {
  return new vscode.Location(vscode.Uri.parse(uri), rangeOf(range))
}

/** As an import names it: `std/matmul.heddle`; a file of the workspace by its path in there. */
export function fileName(uri: string): string {
  const parsed = vscode.Uri.parse(uri)
  return parsed.scheme === libraryScheme ? `std${parsed.path}` : vscode.workspace.asRelativePath(parsed, false)
}

export function placeName({ uri, range: { start } }: TextPlace): string { return `${fileName(uri)}:${start.line + 1}` }

/** Shows a place in the editor that has its file, or in the column of the other Heddle files. */
export async function showPlace({ uri, range }: TextPlace, { focus }: { readonly focus: boolean }): Promise<void> {
  const editors = vscode.window.visibleTextEditors
  const shown = editors.find(editor => editor.document.uri.toString() === uri)
  const beside = editors.find(editor => editor.document.languageId === 'heddle')
  const viewColumn = shown?.viewColumn ?? beside?.viewColumn ?? vscode.ViewColumn.One
  const document = shown?.document ?? await vscode.workspace.openTextDocument(vscode.Uri.parse(uri))
  const selection = rangeOf({ start: range.start, end: range.start })
  const editor = await vscode.window.showTextDocument(document, {
    viewColumn, preserveFocus: !focus, preview: true, ...(focus ? { selection } : {}),
  })
  editor.revealRange(rangeOf(range), vscode.TextEditorRevealType.InCenterIfOutsideViewport)
}

/** A document as a request names it: with the version that is shown. */
export function versioned(uri: vscode.Uri): { uri: string; version?: number } {
  const document = vscode.workspace.textDocuments.find(d => d.uri.toString() === uri.toString())
  return { uri: uri.toString(), ...(document && { version: document.version }) }
}

/** Where a file that belongs to another one is saved. */
export function folderOf(uri: vscode.Uri): vscode.Uri | undefined {
  const onDisk = vscode.workspace.fs.isWritableFileSystem(uri.scheme) === true && uri.scheme !== 'untitled'
  return onDisk ? vscode.Uri.joinPath(uri, '..') : vscode.workspace.workspaceFolders?.[0]?.uri
}
