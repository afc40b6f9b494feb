// The mapping explorer in VS Code: the command, the page that answers, the cursor and the keystrokes it follows.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import * as vscode from 'vscode'
import type { Api } from '../../extension/client/extension.ts'
import type { Explorer } from '../../extension/client/explorer.ts'
import { open, openUntitled, until } from './support.ts'

const text = 'let warp = spatial(4, 8)\nlet tile = warp * repeat(2, 2)\nlet a = 1\nlet layout = row_major(4, 4)\n'

describe('the mapping explorer', () => {
  afterEach(async () => { await vscode.commands.executeCommand('workbench.action.closeAllEditors') })

  it('opens beside the editor and draws the mapping at the cursor', async () => {
    const { editor } = await open(text)
    const drawn = await shown(() => { select(editor, 1, 5) })
    assert.equal(drawn, 'tile')
    assert.equal(vscode.window.activeTextEditor, editor)
    const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs)
    const tab = tabs.find(t => t.input instanceof vscode.TabInputWebview)
    assert.equal(tab?.label, 'Mapping: tile')
    assert.equal(tab.group.viewColumn, vscode.ViewColumn.Two)
  })

  it('opens at a code lens', async () => {
    const { document } = await open(text)
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10)
    const [command] = lenses.flatMap(lens => lens.command === undefined ? [] : [lens.command])
    assert(command)
    await vscode.commands.executeCommand(command.command, ...command.arguments as readonly unknown[])
    assert.equal(await title(), 'warp')
  })

  it('follows the cursor, to layouts too', async () => {
    const { editor } = await open(text)
    await shown(() => { select(editor, 0, 5) })
    assert.equal(await drawnAfter(() => { select(editor, 1, 5) }), 'tile')
    assert.equal(await drawnAfter(() => { select(editor, 3, 5) }), 'layout')
  })

  it('follows every keystroke', async () => {
    const { editor } = await open(text)
    await shown(() => { select(editor, 0, 16) })
    await drawnAfter(() => editor.edit(edit => { edit.insert(new vscode.Position(0, 20), '0') }))
    const last = await until('the new mapping', () => {
      const message = explorer().last()
      return message?.type === 'factors' ? message : undefined
    })
    assert.deepEqual(last.factors, [0])
  })

  it('goes on with the picture while the cursor is elsewhere and the mapping changes', async () => {
    const { editor } = await open('let n = 4\nlet m = spatial(n)\n')
    await shown(() => { select(editor, 1, 5) })
    assert.equal(await drawnAfter(async () => {
      select(editor, 0, 8)
      await editor.edit(edit => { edit.replace(new vscode.Range(0, 8, 0, 9), '6') })
    }), 'm')
  })

  it('keeps the picture with the reason while the text is broken', async () => {
    const { editor } = await open(text)
    await shown(() => { select(editor, 0, 16) })
    await editor.edit(edit => { edit.replace(new vscode.Range(0, 19, 0, 20), '0') })
    const stale = await until('the reason', () => {
      const message = explorer().last()
      return message?.type === 'stale' ? message : undefined
    })
    assert.match(stale.reason, /extent/)
    assert.equal(await drawnAfter(() => editor.edit(edit => { edit.replace(new vscode.Range(0, 19, 0, 20), '2') })), 'warp')
  })

  it('works for an untitled document', async () => {
    const { editor } = await openUntitled('let m = spatial(3, 5)\n')
    assert.equal(await shown(() => { select(editor, 0, 5) }), 'm')
  })

  it('draws again after the server was restarted', async () => {
    const { editor } = await open(text)
    await shown(() => { select(editor, 0, 5) })
    await vscode.commands.executeCommand('heddle.restartServer')
    assert.equal(await drawnAfter(() => { select(editor, 1, 5) }), 'tile')
  })
})

describe('examples', () => {
  it('open as unsaved documents', async () => {
    await vscode.commands.executeCommand('heddle.openExample', '1-one-thread-one-element.heddle')
    const { document } = vscode.window.activeTextEditor ?? assert.fail('no editor')
    assert(document.isUntitled)
    assert.equal(document.languageId, 'heddle')
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor')
  })
})

function explorer(): Explorer {
  const api = vscode.extensions.getExtension<Api>('heddle.heddle')?.exports
  return api?.explorer() ?? assert.fail('the explorer is not open')
}

/** Puts the cursor somewhere, opens the explorer, and waits for its first picture. */
async function shown(prepare: () => void): Promise<string> {
  prepare()
  await vscode.commands.executeCommand('heddle.showTaskMapping')
  return title()
}

/** The title of the next picture. */
function title(): Promise<string> {
  return drawnAfter(() => undefined)
}

function drawnAfter(act: () => unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => { reject(new Error('waited in vain for a picture')) }, 15_000)
    const listener = explorer().onDidDraw(drawn => {
      clearTimeout(limit)
      listener.dispose()
      resolve(drawn.title)
    })
    void act()
  })
}

function select(editor: vscode.TextEditor, line: number, character: number): void {
  editor.selection = new vscode.Selection(line, character, line, character)
}
