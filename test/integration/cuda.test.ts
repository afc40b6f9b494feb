// The CUDA beside its source in VS Code: the editor that follows, the links between both sides, the commands.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { afterEach, describe, it } from 'mocha'
import * as vscode from 'vscode'
import type { CudaEditors } from '../../extension/client/cuda.ts'
import type { CudaDocument } from '../../extension/client/cuda-document.ts'
import type { Link } from '../../extension/client/links.ts'
import type { Api } from '../../extension/client/extension.ts'
import { open, openFixture, openUntitled, until } from './support.ts'

const run = <T>(command: string, ...args: readonly unknown[]): Thenable<T> =>
  vscode.commands.executeCommand<T>(command, ...args)

describe('the CUDA of a program', () => {
  afterEach(closeAll)

  it('opens beside the source as CUDA, which keeps the focus', async () => {
    const { source, cuda } = await show('fused')
    assert.equal(cuda.document.languageId, 'cuda-cpp')
    assert.equal(cuda.viewColumn, vscode.ViewColumn.Two)
    assert.equal(vscode.window.activeTextEditor?.document, source.document)
    assert.match(cuda.document.getText(), /^\/\/ fused: block_k = 4/)
    assert.match(cuda.document.getText(), /__global__/)
    assert.equal(vscode.window.tabGroups.activeTabGroup.activeTab?.label, 'fused.heddle')
  })

  it('opens at the code lens of each instance, schedule and graph', async () => {
    const document = await openFixture('fused.heddle')
    const lenses = await until('code lenses', async () => {
      const all = await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 99)
      const own = all.flatMap(lens => lens.command?.title === 'Show CUDA' ? [lens.command] : [])
      return own.length > 0 && own
    })
    assert.deepEqual(lenses.map(lens => (lens.arguments?.[0] as { subject: string }).subject), ['matmul.tiled', 'dense', 'square', 'fused'])
    await run(lenses[1]?.command ?? '', ...lenses[1]?.arguments as readonly unknown[])
    assert.match((await until('the editor', cudaEditor)).document.getText(), /^\/\/ dense: block_k = 8/)
  })

  it('follows a keystroke', async () => {
    const { source } = await show('fused')
    await insert(source, 'max(x[...i], 0)', 'max(x[...i], 0) + 1.5')
    await shows(/1\.5/)
  })

  it('follows a change of the target', async () => {
    await show('fused')
    try {
      await setTarget('sm_90')
      await shows(/for sm_90/)
    } finally {
      await setTarget(undefined)
    }
  })

  it('keeps the last CUDA with the reason while the source is broken', async () => {
    const { source, cuda } = await show('fused')
    const before = cuda.document.getText().split('\n')
    await insert(source, 'max(x[...i], 0)', 'max(x[...i], )')
    const broken = await shows(/^\/\/ Not up to date\. fused\.heddle:\d+:\d+: /)
    assert.deepEqual(broken.text.split('\n').slice(1), before.slice(1))
    assert.equal(broken.trace, undefined)
    await insert(source, 'max(x[...i], )', 'max(x[...i], 0)')
    assert.deepEqual((await shows(/^\/\/ fused: /)).text.split('\n'), before)
  })

  it('says why there is none, with a link to the place', async () => {
    await open(`${fixture}\ninstance broken = matmul.tiled(m: oops)\n`, 'broken.heddle')
    await run('heddle.showCuda', { uri: activeUri().toString(), subject: 'broken' })
    const { document } = await until('the editor', cudaEditor)
    assert.match(document.getText(), /^\/\/ broken cannot be compiled for sm_80\.\n\/\/\n\/\/ broken\.heddle:\d+:\d+: error\n\/\/ {3}.*oops/)
    const links = await run<vscode.DocumentLink[]>('vscode.executeLinkProvider', document.uri)
    assert.match(links[0]?.target?.toString() ?? '', /broken\.heddle#L\d+(,|%2C)\d+$/)
  })

  it('says so when its subject is gone', async () => {
    const { source } = await show('square')
    await insert(source, 'instance square', 'instance cube')
    await shows(/^\/\/ Not up to date\. .*no instance, graph or schedule `square`/)
  })

  it('works for untitled documents', async () => {
    const { document } = await openUntitled(fixture)
    await run('heddle.showCuda', { uri: document.uri.toString(), subject: 'fused' })
    assert.match((await until('the editor', cudaEditor)).document.getText(), /__global__/)
  })

  it('shows the subject at the cursor', async () => {
    const document = await openFixture('fused.heddle')
    await api().ready
    const editor = vscode.window.activeTextEditor ?? assert.fail('no editor')
    select(editor, document.positionAt(document.getText().indexOf('matmul(x, w)')))
    await run('heddle.showCuda')
    assert.match((await until('the editor', cudaEditor)).document.getText(), /^\/\/ dense: /)
  })

  it('comes again after it was closed', async () => {
    const { source } = await show('fused')
    await vscode.window.tabGroups.close(vscode.window.tabGroups.all.flatMap(g => g.tabs).filter(t => t.label.endsWith('.cu')))
    await until('the end of the editor', () => cudaEditor() === undefined)
    await insert(source, 'max(x[...i], 0)', 'max(x[...i], 2.25)')
    await run('heddle.showCuda', { uri: source.document.uri.toString(), subject: 'fused' })
    await shows(/2\.25/)
  })

  it('is copied without the lines that the editor puts above it', async () => {
    const { cuda } = await show('fused')
    await run('heddle.copyCuda')
    const copied = await vscode.env.clipboard.readText()
    assert(copied.length > 100)
    assert(cuda.document.getText().endsWith(copied))
    assert.doesNotMatch(copied, /fused: block_k/)
  })

  it('shows a candidate beside the default\'s address', async () => {
    const { source, cuda } = await show('matmul.tiled')
    await cudaEditors().show({ uri: source.document.uri.toString(), subject: 'matmul.tiled', candidate: { level: 1, index: 0 } })
    const isOther = (e: vscode.TextEditor): boolean => e.document.fileName.includes('(level 1, 0)')
    const other = await until('the candidate', () => vscode.window.visibleTextEditors.find(isOther))
    assert.match(other.document.getText(), /^\/\/ matmul\.tiled, candidate 0 of level 1: .*block_k = 4/)
    assert.notEqual(other.document.getText(), cuda.document.getText())
  })
})

describe('linked regions', () => {
  afterEach(closeAll)

  it('of a place in the source are what was made from it', async () => {
    const { source, cuda } = await show('fused')
    const link = await caretAt(source, 'max(x[...i], 0)', 1)
    assert(link.counterparts.length > 0)
    assert(link.counterparts.every(place => place.uri === cuda.document.uri.toString()))
    assert.match(textAt(cuda, link), /max/)
  })

  it('of a place in the CUDA are what it was made from, with the calls around it', async () => {
    const { source, cuda } = await show('fused')
    const { counterparts: [made] } = await caretAt(source, 'max(x[...i], 0)', 1)
    await vscode.window.showTextDocument(cuda.document, { viewColumn: vscode.ViewColumn.Two })
    select(editorOf(cuda.document), new vscode.Position(made?.range.start.line ?? 0, made?.range.start.character ?? 0))
    const link = await until('the link', () => currentLink()?.own.uri === cuda.document.uri.toString() && currentLink())
    const texts = link.counterparts.map(place => source.document.getText(rangeOf(place.range)))
    assert(texts.some(text => text.includes('max(')), texts.join(' | '))
    assert(link.around.map(place => source.document.getText(rangeOf(place.range))).some(text => text.includes('relu(y)')))
  })

  it('follow the text when it changes', async () => {
    const { source } = await show('fused')
    await insert(source, 'operator relu', '// a line more\noperator relu')
    await until('the link', () => {
      select(source, placeOf(source, 'max(x[...i], 0)', 1))
      const own = currentLink()?.own
      return own !== undefined && source.document.getText(rangeOf(own.range)) === 'max(x[...i], 0)'
    })
    assert((await caretAt(source, 'max(x[...i], 0)', 1)).counterparts.length > 0)
  })

  it('are walked through without moving the caret, and gone to', async () => {
    const { source, cuda } = await show('fused')
    const count = (await caretAt(source, 'tile.on(threadIdx.x) { acc', 1)).counterparts.length
    assert(count > 1, `${count}`)
    await run('heddle.nextLinkedRegion')
    assert.equal(links().step(), 0)
    await run('heddle.nextLinkedRegion')
    assert.equal(links().step(), 1)
    await run('heddle.previousLinkedRegion')
    await run('heddle.previousLinkedRegion')
    assert.equal(links().step(), count - 1)
    assert.equal(activeUri(), source.document.uri)
    const last = currentLink()?.counterparts.at(-1)
    await run('heddle.goToLinkedRegion')
    assert.equal(activeUri(), cuda.document.uri)
    assert.deepEqual(cuda.selection.active, rangeOf(last!.range).start)
  })

  it('are left alone in editors that take no part', async () => {
    const { source, cuda } = await show('fused')
    await run('heddle.unlinkEditor', cuda.document.uri)
    select(source, placeOf(source, 'max(x[...i], 0)', 1))
    await until('no link', () => currentLink() === undefined)
    await run('heddle.linkEditor', cuda.document.uri)
    await until('a link', () => currentLink() !== undefined)
    await run('heddle.unlinkEditor', source.document.uri)
    await until('no link', () => currentLink() === undefined)
    await run('heddle.linkEditor', source.document.uri)
    await until('a link', () => currentLink() !== undefined)
  })

  it('are definitions and hovers of the CUDA', async () => {
    const { source, cuda } = await show('fused')
    const { counterparts: [made] } = await caretAt(source, 'max(x[...i], 0)', 1)
    const at = new vscode.Position(made?.range.start.line ?? 0, made?.range.start.character ?? 0)
    const definitions = await run<vscode.Location[]>('vscode.executeDefinitionProvider', cuda.document.uri, at)
    assert.equal(definitions[0]?.uri.toString(), source.document.uri.toString())
    assert.match(source.document.getText(definitions[0].range), /max\(/)
    const hovers = await run<vscode.Hover[]>('vscode.executeHoverProvider', cuda.document.uri, at)
    const text = hovers.flatMap(h => h.contents).map(c => typeof c === 'string' ? c : c.value).join('\n')
    assert.match(text, /from the operator .*relu/)
    assert.match(text, /max\(x\[\.\.\.i\], 0\)/)
  })
})

// ---------------------------------------------------------------- helpers

const fixture = readFileSync(`${vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? ''}/fused.heddle`, 'utf8')

function api(): Api {
  return vscode.extensions.getExtension<Api>('heddle.heddle')?.exports ?? assert.fail('the extension is not active')
}
function cudaEditors(): CudaEditors { return api().cuda }
function links(): CudaEditors['links'] { return cudaEditors().links }
function currentLink(): Link | undefined { return links().link() }

function cudaEditor(): vscode.TextEditor | undefined {
  return vscode.window.visibleTextEditors.find(editor => editor.document.uri.scheme === 'heddle-cuda')
}

async function show(subject: string): Promise<{ source: vscode.TextEditor; cuda: vscode.TextEditor }> {
  await open(fixture, 'fused.heddle')
  const source = vscode.window.activeTextEditor ?? assert.fail('no editor')
  await run('heddle.showCuda', { uri: source.document.uri.toString(), subject })
  const cuda = await until('the editor of the CUDA', cudaEditor)
  await until('its trace', () => cudaEditors().document(cuda.document.uri)?.trace !== undefined)
  return { source, cuda }
}

async function closeAll(): Promise<void> {
  await run('workbench.action.files.revert')
  await run('workbench.action.closeAllEditors')
}

/** What the editor shows when its text fits. */
async function shows(pattern: RegExp): Promise<CudaDocument> {
  let text = ''
  return until(`${pattern.source} in ${text}`, () => {
    const editor = cudaEditor()
    text = editor?.document.getText() ?? ''
    const document = editor && cudaEditors().document(editor.document.uri)
    return pattern.test(text) && document?.text === text && document
  })
}

/** Replaces a text of the source by another. */
async function insert(editor: vscode.TextEditor, old: string, text: string): Promise<void> {
  const start = placeOf(editor, old, 0), end = placeOf(editor, old, old.length)
  await editor.edit(edit => { edit.replace(new vscode.Range(start, end), text) })
}

function placeOf(editor: vscode.TextEditor, part: string, into: number): vscode.Position {
  const offset = editor.document.getText().indexOf(part)
  assert(offset >= 0, part)
  return editor.document.positionAt(offset + into)
}

/** Puts the caret there; gives what is linked with it. */
async function caretAt(editor: vscode.TextEditor, part: string, into: number): Promise<Link> {
  const at = placeOf(editor, part, into)
  if (editor.selection.active.isEqual(at)) return until(`what is linked with ${part}`, currentLink)
  const told = new Promise(resolve => {
    const listener = vscode.window.onDidChangeTextEditorSelection(() => { // the extension has heard of it before
      listener.dispose()
      resolve(undefined)
    })
  })
  select(editor, at)
  await told
  return currentLink() ?? assert.fail(`nothing is linked with ${part}`)
}

function select(editor: vscode.TextEditor, at: vscode.Position): void {
  editor.selection = new vscode.Selection(at, at)
}
function editorOf(document: vscode.TextDocument): vscode.TextEditor {
  return vscode.window.visibleTextEditors.find(e => e.document === document) ?? assert.fail('the document is not seen')
}
function activeUri(): vscode.Uri { return vscode.window.activeTextEditor?.document.uri ?? assert.fail('no editor') }
function textAt(editor: vscode.TextEditor, link: Link): string {
  return link.counterparts.map(place => editor.document.getText(rangeOf(place.range))).join('\n')
}
function rangeOf({ start, end }: Link['own']['range']): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character)
}
async function setTarget(target: string | undefined): Promise<void> {
  await vscode.workspace.getConfiguration('heddle').update('target', target, vscode.ConfigurationTarget.Global)
}
