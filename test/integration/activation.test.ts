import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import * as vscode from 'vscode'
import { openFixture } from './support.ts'

describe('the extension', () => {
  it('gives a .heddle file its language', async () => {
    const document = await openFixture('first.heddle')
    assert.equal(document.languageId, 'heddle')
  })

  it('gives a .ptx file its language', async () => {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse('untitled:/kernel.ptx'))
    assert.equal(document.languageId, 'ptx')
  })

  it('is activated by it', async () => {
    const extension = vscode.extensions.getExtension('heddle.heddle')
    assert(extension, 'VS Code knows the extension')
    await extension.activate()
    assert(extension.isActive)
  })
})
