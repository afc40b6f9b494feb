// The language features as a user's VS Code asks for them. Each test opens a new file of its own in the workspace.
import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import * as vscode from 'vscode'
import { open, openUntitled, setting, until } from './support.ts'

const run = <T>(command: string, ...args: readonly unknown[]): Thenable<T> =>
  vscode.commands.executeCommand<T>(command, ...args)

describe('diagnostics', () => {
  it('come and go with the text', async () => {
    const { document, editor } = await open('let m = spatial(2, 3)\n')
    await editor.edit(edit => { edit.replace(new vscode.Range(0, 19, 0, 20), '0') })
    const [problem] = await until('a diagnostic', () => some(vscode.languages.getDiagnostics(document.uri)))
    assert.equal(problem?.code, 'bad-extent')
    assert.equal(problem.source, 'heddle')
    assert.equal(problem.severity, vscode.DiagnosticSeverity.Error)
    await editor.edit(edit => { edit.replace(new vscode.Range(0, 19, 0, 20), '4') })
    await until('no diagnostic', () => vscode.languages.getDiagnostics(document.uri).length === 0)
  })

  it('offer quick fixes', async () => {
    const { document } = await open('let n = ceil_div(3, 2)\n')
    await until('a diagnostic', () => some(vscode.languages.getDiagnostics(document.uri)))
    const actions = await run<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, new vscode.Range(0, 9, 0, 9))
    const fix = actions.find(action => action.title.includes('import'))
    assert(fix?.edit)
    await vscode.workspace.applyEdit(fix.edit)
    assert(document.getText().startsWith('import "std/prelude"'))
    await until('no diagnostic', () => vscode.languages.getDiagnostics(document.uri).length === 0)
  })

  it('see unsaved changes of an imported file', async () => {
    const base = await open('let extent = 4\n', 'extent.heddle')
    const user = await open('import "extent"\nlet m = spatial(extent)\n')
    const edit = new vscode.WorkspaceEdit()
    edit.replace(base.document.uri, new vscode.Range(0, 13, 0, 14), '0')
    await vscode.workspace.applyEdit(edit)
    const [problem] = await until('a diagnostic', () => some(vscode.languages.getDiagnostics(user.document.uri)))
    assert.equal(problem?.code, 'bad-extent')
  })

  it('come for untitled documents', async () => {
    const { document } = await openUntitled('let m = spatial(0)')
    await until('a diagnostic', () => some(vscode.languages.getDiagnostics(document.uri)))
  })
})

describe('language features', () => {
  it('hover with the evaluated mapping and a picture', async () => {
    const { document } = await open('let tile = spatial(4, 8) * repeat(2, 2)\n')
    const text = await hoverText(document.uri, new vscode.Position(0, 5))
    assert(text.includes('| 32 | (8, 16) | 4 | each task once |'), text)
    assert(text.includes('data:image/svg+xml;base64,'))
  })

  it('completion of members and of legal arguments', async () => {
    const { document } = await open('let m = spatial(4)\nlet n = m.\nlet a = auto_map(8, 96, workers: )\n')
    const labels = async (line: number, column: number): Promise<readonly string[]> =>
      (await run<vscode.CompletionList>('vscode.executeCompletionItemProvider', document.uri, new vscode.Position(line, column))).items
        .map(item => typeof item.label === 'string' ? item.label : item.label.label)
    assert((await labels(1, 10)).includes('workers'))
    assert.equal((await labels(2, 33))[0], '32')
  })

  it('signature help', async () => {
    const { document } = await open('let m = spatial(4, )\n')
    const help = await run<vscode.SignatureHelp>('vscode.executeSignatureHelpProvider', document.uri, new vscode.Position(0, 19))
    assert.equal(help.signatures[0]?.label, 'spatial(extents: shape, ranks?: shape) -> mapping')
  })

  it('definition into the library, which opens read-only', async () => {
    const { document } = await open('let m = spatial(4)\n')
    const [link] = await run<vscode.LocationLink[]>('vscode.executeDefinitionProvider', document.uri, new vscode.Position(0, 10))
    assert.equal(link?.targetUri.toString(), 'heddle-std:/builtin.heddle')
    const library = await vscode.workspace.openTextDocument(link.targetUri)
    assert.equal(library.getText(link.targetSelectionRange), 'spatial')
    assert.equal(library.languageId, 'heddle')
    assert.equal(vscode.workspace.fs.isWritableFileSystem('heddle-std'), undefined)
    const inside = await run<vscode.Hover[]>('vscode.executeHoverProvider', link.targetUri, link.targetSelectionRange?.start)
    assert.equal(inside.length, 1)
  })

  it('references, highlights and rename over files', async () => {
    const base = await open('let shared_tile = spatial(4)\n', 'renamed.heddle')
    const user = await open('import "renamed"\nlet w = shared_tile.workers\n')
    const at = new vscode.Position(1, 10)
    const references = await run<vscode.Location[]>('vscode.executeReferenceProvider', user.document.uri, at)
    assert.deepEqual(references.map(l => l.uri.path.split('/').at(-1)).sort(), [user.name, 'renamed.heddle'].sort())
    const highlights = await run<vscode.DocumentHighlight[]>('vscode.executeDocumentHighlights', base.document.uri, new vscode.Position(0, 6))
    assert.equal(highlights[0]?.kind, vscode.DocumentHighlightKind.Write)
    const edit = await run<vscode.WorkspaceEdit>('vscode.executeDocumentRenameProvider', user.document.uri, at, 'tile')
    await vscode.workspace.applyEdit(edit)
    assert.equal(base.document.getText(), 'let tile = spatial(4)\n')
    assert.equal(user.document.getText(), 'import "renamed"\nlet w = tile.workers\n')
  })

  it('symbols of the file and of the workspace', async () => {
    const { document } = await open('let unusual_name = spatial(4)\nfn f(a: int) -> int = a\n')
    const symbols = await run<vscode.DocumentSymbol[]>('vscode.executeDocumentSymbolProvider', document.uri)
    assert.deepEqual(symbols.map(s => s.name), ['unusual_name', 'f'])
    const found = await run<vscode.SymbolInformation[]>('vscode.executeWorkspaceSymbolProvider', 'unusual')
    assert.equal(found[0]?.name, 'unusual_name')
  })

  it('folding and growing selections', async () => {
    const { document } = await open('fn f(a: int) -> int {\n  var b = a\n  return b\n}\n')
    const folds = await run<vscode.FoldingRange[]>('vscode.executeFoldingRangeProvider', document.uri)
    assert.deepEqual(folds.map(f => [f.start, f.end]), [[0, 2]])
    const [selection] = await run<vscode.SelectionRange[]>('vscode.executeSelectionRangeProvider', document.uri, [new vscode.Position(2, 9)])
    assert.equal(document.getText(selection?.parent?.range), 'return b')
  })

  it('semantic colours', async () => {
    const { document } = await open('let m = spatial(4)\n')
    const tokens = await run<vscode.SemanticTokens>('vscode.provideDocumentSemanticTokens', document.uri)
    assert.equal(tokens.data.length, 10)
  })

  it('formatting', async () => {
    const { document } = await open('let   m=spatial(4 ,8)\n')
    const edits = await run<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', document.uri, { tabSize: 2, insertSpaces: true })
    const all = new vscode.WorkspaceEdit()
    all.set(document.uri, edits)
    await vscode.workspace.applyEdit(all)
    assert.equal(document.getText(), 'let m = spatial(4, 8)\n')
  })

  it('inlay hints, each of which can be switched off', async () => {
    const { document } = await open('let m = spatial(4, 8)\n')
    const hints = async (): Promise<string> => (await run<vscode.InlayHint[]>(
      'vscode.executeInlayHintProvider', document.uri, new vscode.Range(0, 0, 1, 0))).map(h => h.label).join(' ')
    await until('both hints', async () => await hints() === '32 workers (4, 8)')
    await setting('heddle.inlayHints.workers', false)
    await until('the shape alone', async () => await hints() === '(4, 8)')
    await setting('heddle.inlayHints.shapes', false)
    await until('no hint', async () => await hints() === '')
    await setting('heddle.inlayHints.workers', undefined)
    await setting('heddle.inlayHints.shapes', undefined)
  })

  it('code lenses, which can be switched off', async () => {
    const { document } = await open('let m = spatial(4, 8)\nlet l = row_major(4)\n')
    const titles = async (): Promise<readonly (string | undefined)[]> =>
      (await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 10)).map(lens => lens.command?.title)
    assert.deepEqual(await titles(), ['Show Task Mapping', 'Show Data Layout'])
    await setting('heddle.codeLens', false)
    await until('no lens', async () => (await titles()).length === 0)
    await setting('heddle.codeLens', undefined)
  })

  it('links of imports', async () => {
    const { document } = await open('import "std/prelude"\n')
    const links = await run<vscode.DocumentLink[]>('vscode.executeLinkProvider', document.uri)
    assert.equal(links[0]?.target?.toString(), 'heddle-std:/prelude.heddle')
  })

  it('the target of the settings', async () => {
    const { document } = await open('let w = target.threads_per_sm\n')
    const value = async (): Promise<boolean> => (await hoverText(document.uri, new vscode.Position(0, 4))).includes('2048')
    assert(await value())
    await setting('heddle.target', 'sm_75')
    await until('the value of another target', async () => !await value())
    await setting('heddle.target', undefined)
  })
})

describe('the server', () => {
  it('starts anew on command', async () => {
    const { document, editor } = await open('let m = spatial(0)\n')
    await until('a diagnostic', () => some(vscode.languages.getDiagnostics(document.uri)))
    await run('heddle.restartServer')
    await until('the diagnostic of the new server', () => some(vscode.languages.getDiagnostics(document.uri)))
    await editor.edit(edit => { edit.replace(new vscode.Range(0, 16, 0, 17), '1') })
    await until('no diagnostic', () => vscode.languages.getDiagnostics(document.uri).length === 0)
  })
})

async function hoverText(uri: vscode.Uri, at: vscode.Position): Promise<string> {
  const hovers = await run<vscode.Hover[]>('vscode.executeHoverProvider', uri, at)
  return hovers.flatMap(h => h.contents).map(c => typeof c === 'string' ? c : c.value).join('\n')
}

function some<T>(list: readonly T[]): readonly T[] | undefined { return list.length === 0 ? undefined : list }
