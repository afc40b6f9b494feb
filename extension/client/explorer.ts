/**
 * The mapping explorer's panel: a page beside the editor that follows the cursor and every keystroke.
 *
 * The page is a guest: it gets data by messages, and every message of its own is checked. Which mapping it draws is
 * the language server's answer for the cursor; at most one question is under way, and what changed meanwhile is asked
 * once after it.
 */
import { randomBytes } from 'node:crypto'
import * as vscode from 'vscode'
import {
  pageReader, subjectAt, type FromPage, type PageSettings, type ShowTaskMappingArgument, type Subject,
  type SubjectAnswer,
  type SubjectAtParams, type TextPlace, type TextRange, type ToPage,
} from '../server/protocol.ts'
import type { LanguageServer } from './server.ts'

export interface Explorer extends vscode.Disposable {
  /** Opens the panel beside the editor, for the mapping at the cursor or at the given place. */
  show(at?: ShowTaskMappingArgument): Promise<void>
  /** Takes over a panel that VS Code kept over a reload. */
  adopt(panel: vscode.WebviewPanel): void
  /** What the page was sent last. */
  last(): ToPage | undefined
  /** The page has drawn a picture. */
  readonly onDidDraw: vscode.Event<Extract<FromPage, { type: 'drawn' }>>
}

/**
 * Feature: Show Task Mapping
 *
 * **Heddle: Show Task Mapping** (the grid in the editor's title bar, the context menu, a code lens, or `Ctrl+Alt+M`)
 * draws the task mapping or data layout at the cursor beside the editor. The picture follows the cursor and every
 * keystroke; while the text is broken, the last picture stays, dimmed, with the reason. Point at the strip of a
 * factor to see its text marked in the editor, click it to go there; put the cursor into a factor to see its strip
 * marked. SVG and PNG are saved to a file that you name.
 */
export async function createExplorer(
  context: vscode.ExtensionContext, server: LanguageServer, output: vscode.LogOutputChannel,
): Promise<Explorer> {
  const read = await pageReader()
  const pages = vscode.Uri.joinPath(context.extensionUri, 'dist/webview')
  const icon = (theme: string): vscode.Uri => vscode.Uri.joinPath(context.extensionUri, `syntaxes/icons/heddle-${theme}.svg`)
  const options: vscode.WebviewOptions = { enableScripts: true, localResourceRoots: [pages] }
  const drawn = new vscode.EventEmitter<Extract<FromPage, { type: 'drawn' }>>()
  const factorMark = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor('heddle.factorBackground'), borderRadius: '2px',
    border: '1px solid', borderColor: new vscode.ThemeColor('heddle.factorBorder'),
    overviewRulerColor: new vscode.ThemeColor('heddle.factorBorder'),
  })
  let panel: vscode.WebviewPanel | undefined
  let followed: { uri: vscode.Uri; position: vscode.Position; version: number } | undefined
  let subject: Subject | undefined
  let settings: PageSettings | undefined
  let factors: readonly number[] = []
  let reason: string | undefined
  let last: ToPage | undefined
  let changes = 0, answered = 0, asking = false, edited = false

  const send = (message: ToPage): void => {
    last = message
    void panel?.webview.postMessage(message)
  }
  const sendAll = (): void => {
    if (subject !== undefined && settings !== undefined) {
      send({ type: 'show', subject, settings })
      send({ type: 'factors', factors })
    }
    if (reason !== undefined) send({ type: 'stale', reason })
  }

  const take = (editor: vscode.TextEditor | undefined): boolean => {
    if (editor?.document.languageId !== 'heddle') return false
    followed = { uri: editor.document.uri, position: editor.selection.active, version: editor.document.version }
    return true
  }
  const ask = async (): Promise<void> => {
    changes++
    if (asking || panel === undefined) return
    asking = true
    try {
      while (answered < changes && followed !== undefined) {
        answered = changes
        const { uri, position, version } = followed
        const params: SubjectAtParams = {
          textDocument: { uri: uri.toString(), version }, position,
          ...(subject === undefined ? {} : { last: { uri: subject.place.uri, title: subject.title } }),
        }
        const answer = await server.request<SubjectAnswer>(subjectAt, params)
        if (answer !== undefined && answered === changes) receive(answer)
      }
    } finally {
      asking = false
    }
  }
  const receive = (answer: SubjectAnswer): void => {
    const known = subject
    if (answer.kind === 'none') {
      reason = answer.reason
      factors = []
      send({ type: 'stale', reason })
      return
    }
    const before = JSON.stringify([known, settings]), after = JSON.stringify([answer.subject, answer.settings])
    const same = reason === undefined && before === after
    ;({ subject, settings, factors } = answer)
    reason = undefined
    if (!same) send({ type: 'show', subject, settings })
    send({ type: 'factors', factors })
    if (panel !== undefined) panel.title = `Mapping: ${subject.title}`
  }

  const mark = (places: readonly TextPlace[]): void => {
    for (const editor of vscode.window.visibleTextEditors) {
      const own = places.filter(place => place.uri === editor.document.uri.toString())
      editor.setDecorations(factorMark, own.map(place => rangeOf(place.range)))
    }
  }
  const placesOf = (factor: number | null): readonly TextPlace[] =>
    factor === null || subject?.kind !== 'mapping' ? [] : subject.factors[factor]?.places ?? []

  const listen = async (data: unknown): Promise<void> => {
    const message = read(data)
    switch (message.type) {
      case 'ready': sendAll(); await ask(); return
      case 'hoverFactor': mark(placesOf(message.factor)); return
      case 'revealFactor': {
        const place = placesOf(message.factor)[0]
        if (place !== undefined) await reveal(place)
        return
      }
      case 'save': await save(message, followed?.uri); return
      case 'drawn':
        if (edited) void vscode.commands.executeCommand('setContext', 'heddle.pictureFollowedEdit', true) // a step of the walkthrough
        drawn.fire(message)
        return
      case 'unknown': output.warn('The mapping explorer sent something unknown:', message.problem)
    }
  }

  const adopt = (opened: vscode.WebviewPanel): void => {
    panel?.dispose()
    panel = opened
    opened.webview.options = options
    opened.iconPath = { light: icon('light'), dark: icon('dark') }
    opened.webview.onDidReceiveMessage((data: unknown) => {
      listen(data).catch((error: unknown) => { output.error('The mapping explorer:', error instanceof Error ? error.stack ?? '' : String(error)) })
    })
    opened.onDidDispose(() => {
      if (panel === opened) panel = undefined
      mark([])
    })
    opened.webview.html = pageOf(opened.webview, pages)
  }

  const watching = vscode.Disposable.from(
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === vscode.window.activeTextEditor && take(textEditor)) void ask()
    }),
    vscode.window.onDidChangeActiveTextEditor(editor => { if (take(editor)) void ask() }),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document.languageId !== 'heddle') return
      edited = panel !== undefined
      const editor = vscode.window.activeTextEditor
      if (editor?.document === document) take(editor)
      void ask()
    }),
    vscode.workspace.onDidChangeConfiguration(e => { if (e.affectsConfiguration('heddle.target')) void ask() }),
  )
  take(vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors.find(e => e.document.languageId === 'heddle'))

  return {
    onDidDraw: drawn.event,
    last: () => last,
    adopt,
    async show(at) {
      if (at !== undefined) await putCursor(vscode.Uri.parse(at.uri), positionOf(at.position))
      take(vscode.window.activeTextEditor)
      if (panel === undefined) {
        adopt(vscode.window.createWebviewPanel('heddle.explorer', 'Task Mapping',
          { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, options))
      } else {
        panel.reveal(undefined, true)
      }
      await ask()
    },
    dispose() {
      panel?.dispose()
      for (const part of [watching, factorMark, drawn]) part.dispose()
    },
  }
}

async function reveal(place: TextPlace): Promise<void> {
  const range = rangeOf(place.range)
  await putCursor(vscode.Uri.parse(place.uri), range.start)
  vscode.window.activeTextEditor?.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport)
}

/** In the editor that shows the file, or in a new one in the column of the other text editors. */
async function putCursor(uri: vscode.Uri, position: vscode.Position): Promise<void> {
  const shown = vscode.window.visibleTextEditors.find(editor => editor.document.uri.toString() === uri.toString())
  const viewColumn = shown?.viewColumn ?? vscode.window.visibleTextEditors[0]?.viewColumn ?? vscode.ViewColumn.One
  const document = shown?.document ?? await vscode.workspace.openTextDocument(uri)
  await vscode.window.showTextDocument(document, { viewColumn, selection: new vscode.Range(position, position) })
}

async function save(picture: Extract<FromPage, { type: 'save' }>, beside: vscode.Uri | undefined): Promise<void> {
  const folder = beside !== undefined && beside.scheme !== 'untitled' ? vscode.Uri.joinPath(beside, '..') : vscode.workspace.workspaceFolders?.[0]?.uri
  const name = `${picture.name.replace(/[^\w.-]+/g, '-').slice(0, 80) || 'mapping'}.${picture.format}`
  const target = await vscode.window.showSaveDialog({
    title: 'Save the Picture', filters: picture.format === 'svg' ? { 'SVG picture': ['svg'] } : { 'PNG picture': ['png'] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }),
  })
  if (target === undefined) return
  await vscode.workspace.fs.writeFile(target, Buffer.from(picture.data, picture.format === 'svg' ? 'utf8' : 'base64'))
}

/** Scripts of this extension only, by nonce; the page's worker is started from a blob, which needs its text. */
function pageOf(webview: vscode.Webview, pages: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64')
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(pages, name)).toString()
  const policy = [
    `default-src 'none'`, `script-src 'nonce-${nonce}'`, `style-src ${webview.cspSource} 'nonce-${nonce}'`, `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data: blob:`, `connect-src ${webview.cspSource}`, 'worker-src blob:',
  ].join('; ')
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${file('mapping.css')}">
<title>Task Mapping</title>
</head>
<body>
<main></main>
<script type="module" nonce="${nonce}" src="${file('mapping.js')}"></script>
</body>
</html>`
}

function positionOf(p: TextRange['start']): vscode.Position { return new vscode.Position(p.line, p.character) }
function rangeOf(r: TextRange): vscode.Range { return new vscode.Range(positionOf(r.start), positionOf(r.end)) }
