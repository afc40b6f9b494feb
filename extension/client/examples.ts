/** The examples that come with the extension. */
import * as vscode from 'vscode'

/**
 * Feature: Examples
 *
 * **Heddle: Open Example** lists small programs, from a first mapping to whole schedules. Each opens as a new, unsaved
 * document: change it freely, or save it as your own.
 */
export async function openExample(context: vscode.ExtensionContext, name?: string): Promise<void> {
  const folder = vscode.Uri.joinPath(context.extensionUri, 'docs/examples')
  const chosen = name ?? await pick(folder)
  if (chosen === undefined) return
  const content = await textOf(vscode.Uri.joinPath(folder, chosen))
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: 'heddle', content }))
}

async function pick(folder: vscode.Uri): Promise<string | undefined> {
  const files = (await vscode.workspace.fs.readDirectory(folder)).map(([file]) => file).filter(file => file.endsWith('.heddle'))
  const items = await Promise.all(files.sort().map(async file => ({
    label: file.replace(/\.heddle$/, '').replaceAll('-', ' '), file, detail: firstComment(await textOf(vscode.Uri.joinPath(folder, file))),
  })))
  return (await vscode.window.showQuickPick(items, { placeHolder: 'An example to open', matchOnDetail: true }))?.file
}

async function textOf(file: vscode.Uri): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(file))
}

/** What an example says about itself: the first line of its first comment. */
function firstComment(text: string): string {
  return /^\s*\/\/+ ?(.*)/.exec(text)?.[1] ?? ''
}
