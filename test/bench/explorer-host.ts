// Runs in the extension host for the explorer's bench: types digits into a mapping of 128 x 128 tasks.
import { writeFileSync } from 'node:fs'
import * as vscode from 'vscode'
import type { Api } from '../../extension/client/extension.ts'

const keystrokes = 60

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<Api>('heddle.heddle')
  const folder = vscode.workspace.workspaceFolders?.[0]
  const result = process.env['HEDDLE_BENCH_RESULT']
  if (extension === undefined || folder === undefined || result === undefined) throw new Error('nothing to measure')
  const uri = vscode.Uri.joinPath(folder.uri, '4-matmul-block.heddle')
  const document = await vscode.workspace.openTextDocument(uri)
  const editor = await vscode.window.showTextDocument(document)
  const api = await extension.activate()
  await api.ready
  const offset = document.getText().indexOf('spatial(4, 2) * warp_tile') + 'spatial('.length
  const start = document.positionAt(offset)
  editor.selection = new vscode.Selection(start, start)
  await vscode.commands.executeCommand('heddle.showTaskMapping')
  const drawn = (): Promise<void> => new Promise((resolve, reject) => {
    const limit = setTimeout(() => { reject(new Error('no picture')) }, 20_000)
    const listener = api.explorer()?.onDidDraw(() => {
      clearTimeout(limit)
      listener?.dispose()
      resolve()
    })
  })
  await drawn()
  const times: number[] = []
  for (let i = 0; i < keystrokes; i++) {
    const range = new vscode.Range(start, start.translate(0, 1)), redrawn = drawn()
    const from = performance.now()
    await editor.edit(edit => { edit.replace(range, String(1 + i % 4)) })
    await redrawn
    times.push(performance.now() - from)
  }
  writeFileSync(result, JSON.stringify(times.slice(10)))
  await vscode.commands.executeCommand('workbench.action.files.revert')
}
