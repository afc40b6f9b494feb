// Verification in VS Code: the lens, the diagnostics in source and CUDA, cancelling, the Test Explorer's runs.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'mocha'
import * as vscode from 'vscode'
import type { Api } from '../../extension/client/extension.ts'
import { open, openFixture, until } from './support.ts'

const run = <T>(command: string, ...args: readonly unknown[]): Thenable<T> =>
  vscode.commands.executeCommand<T>(command, ...args)

describe('verification', () => {
  afterEach(async () => {
    await run('workbench.action.files.revert')
    await run('workbench.action.closeAllEditors')
  })

  it('is offered above each instance, schedule and graph', async () => {
    const document = await openFixture('fused.heddle')
    const subjects = await until('the lenses', async () => {
      const own = (await lensesOf(document)).filter(lens => lens.title === 'Verify')
      return own.length > 0 && own.map(lens => (lens.arguments?.[0] as { subject: string }).subject)
    })
    assert.deepEqual(subjects, ['matmul.tiled', 'dense', 'square', 'fused'])
  })

  it('says in the lens what came out, as long as the text is the same', async () => {
    const document = await openFixture('fused.heddle')
    await run('heddle.verify', { uri: document.uri.toString(), subject: 'fused' })
    await verdictLens(document, /right, \d/)
    const editor = vscode.window.activeTextEditor ?? assert.fail('no editor')
    await editor.edit(edit => { edit.insert(new vscode.Position(0, 0), '// more\n') })
    await until('the lens to go', async () => !(await lensesOf(document)).some(lens => lens.title.includes('right')))
    await run('undo')
    await verdictLens(document, /right, \d/)
  })

  it('marks what is wrong at its line, with the other side', async () => {
    const document = await openFixture('race.heddle')
    await run('heddle.verify', { uri: document.uri.toString(), subject: 'hasty' })
    await verdictLens(document, /wrong: \d races?/)
    const race = raceIn(document.uri) ?? assert.fail('no race')
    assert.match(race.message, /^Thread \d+ .* a barrier is missing between lines \d+ and \d+/)
    assert.match(race.message, /\(hasty\)$/)
    const places = [race.range, ...race.relatedInformation?.map(r => r.location.range) ?? []]
    const texts = places.map(range => document.lineAt(range.start.line).text)
    assert(texts.some(text => text.includes('acc[i, j] +=')), texts.join('\n'))
    assert(texts.some(text => /s[ab]\[.*\] =/.test(text)), texts.join('\n'))
    const editor = vscode.window.activeTextEditor ?? assert.fail('no editor')
    await editor.edit(edit => { edit.insert(new vscode.Position(0, 0), '// more\n') })
    await until('the diagnostics to go', () => raceIn(document.uri) === undefined)
  })

  it('marks what is wrong in the CUDA', async () => {
    const document = await openFixture('race.heddle')
    const what = { uri: document.uri.toString(), subject: 'hasty' }
    await run('heddle.showCuda', what)
    await run('heddle.verify', what)
    const isCuda = (editor: vscode.TextEditor): boolean => editor.document.uri.scheme === 'heddle-cuda'
    const cuda = await until('the CUDA', () => vscode.window.visibleTextEditors.find(isCuda))
    const race = await until('the race', () => raceIn(cuda.document.uri))
    assert.match(cuda.document.getText(race.range), /s[ab]|acc/)
    assert.equal(race.relatedInformation?.[0]?.location.uri.toString(), document.uri.toString())
  })

  it('finds nothing in what does not compile, and says so', async () => {
    const { document } = await open('import "fused"\ninstance broken = matmul.tiled(m: oops)\n')
    await run('heddle.verify', { uri: document.uri.toString(), subject: 'broken' })
    await verdictLens(document, /cannot be compiled/)
  })

  it('ends when it is cancelled', async () => {
    const { document } = await open('import "std/matmul"\ninstance large = batch_matmul.simt(batch: 1, m: 2048, n: 2048, k: 2048)\n')
    const cancel = new vscode.CancellationTokenSource(), what = { uri: document.uri.toString(), subject: 'large' }
    const running = api().verifier.verify(what, cancel.token, () => { cancel.cancel() })
    assert.equal(api().verifier.isRunning(what), true)
    assert.equal(await running, undefined)
    assert.equal(api().verifier.isRunning(what), false)
    assert.equal(api().verifier.verdict(what), undefined)
  })

  it('runs what the Test Explorer lists', async () => {
    const document = await openFixture('fused.heddle')
    await until('the lenses', async () => (await lensesOf(document)).length > 0)
    await run('testing.runCurrentFile')
    const verdicts = await until('all verdicts', () => {
      const own = api().verifier.verdicts().filter(({ what }) => what.uri === document.uri.toString())
      return own.length >= 4 && own
    })
    assert.deepEqual(new Set(verdicts.map(({ answer }) => answer.verdict)), new Set(['right']))
  })
})

async function lensesOf(document: vscode.TextDocument): Promise<readonly vscode.Command[]> {
  const lenses = await run<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 99)
  return lenses.flatMap(lens => lens.command ?? [])
}

function verdictLens(document: vscode.TextDocument, text: RegExp): Promise<vscode.Command> {
  return until(`the lens ${text.source}`, async () => (await lensesOf(document)).find(lens => text.test(lens.title)))
}

function raceIn(uri: vscode.Uri): vscode.Diagnostic | undefined {
  return vscode.languages.getDiagnostics(uri).find(d => d.code === 'race')
}

function api(): Api {
  return vscode.extensions.getExtension<Api>('heddle.heddle')?.exports ?? assert.fail('the extension is not active')
}
