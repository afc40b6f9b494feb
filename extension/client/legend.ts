/**
 * The origins of the CUDA in words: the status bar for the caret, a list of all as the legend of the colours, a hover
 * and definitions for any place, and behind the line of the caret a note about text that stands in files nobody sees.
 */
import * as vscode from 'vscode'
import { cudaScheme, type TextPlace } from '../server/protocol.ts'
import type { CudaDocument } from './cuda-document.ts'
import type { Link, Links } from './links.ts'
import { swatch, swatchImage, type Origins } from './origins.ts'
import { locationOf, placeName, rangeOf, showPlace } from './places.ts'
import { declarationOf, firstRegionFrom, placesOf, regionAt, regionRange, stripes, type Trace } from './trace.ts'

/** Places that a hover shows. */
const mostPlaces = 4

export function createLegend(
  documents: () => readonly CudaDocument[], links: Links, origins: Origins,
): vscode.Disposable {
  const invitation = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor('editorCodeLens.foreground'), margin: '0 0 0 2em', fontStyle: 'italic' },
  })
  const status = vscode.window.createStatusBarItem('heddle.origin', vscode.StatusBarAlignment.Left, 10)
  status.name = 'Heddle: Origin of the CUDA'
  status.command = 'heddle.showOrigins'
  let invited: vscode.TextEditor | undefined

  const tell = (): void => {
    const shown = documents(), stale = shown.find(d => d.trace === undefined)
    if (stale === undefined) tellOrigin(shown)
    else {
      const what = `${stale.subject}: ${stale.cuda === undefined ? 'no CUDA' : 'CUDA not up to date'}`
      write(`$(warning) ${what}`, what, stale.problems[0]?.message ?? '')
    }
    if (shown.length === 0) status.hide()
    else status.show()
    invite()
  }
  const tellOrigin = (shown: readonly CudaDocument[]): void => {
    const link = links.link(), step = links.step(), count = link?.counterparts.length ?? 0
    const declaration = link && link.region.trace.declarations[declarationOf(link.region.trace, link.region.region)]
    const linked = count === 0 ? '' : step === undefined ? ` (${count} linked)` : ` (${step + 1} of ${count} linked)`
    const [elsewhere] = hiddenPlaces(link)
    const origin = declaration && `${declaration.kind} ${declaration.name}${elsewhere ? ` in ${placeName(elsewhere)}` : ''}`
    write(`$(symbol-color) ${origin ?? 'CUDA'}${linked}`, `${origin ?? 'no origin at the caret'}${linked}`, listOf(shown))
  }
  const write = (text: string, label: string, tooltip: string | vscode.MarkdownString): void => {
    status.text = text
    status.tooltip = tooltip
    status.accessibilityInformation = { label: `Heddle: ${label}. Show the origins.`, role: 'button' }
  }
  const listOf = (shown: readonly CudaDocument[]): vscode.MarkdownString => {
    const text = markdown()
    for (const { subject, trace } of shown) {
      text.appendMarkdown(`**${escaped(subject)}**`)
      for (const d of trace?.declarations ?? []) {
        text.appendMarkdown(`  \n${swatch(origins.colourOf(d))} ${d.kind} ${placeLink(d, d.name)}`)
      }
      text.appendMarkdown('\n\n')
    }
    return text
  }
  const invite = (): void => {
    const editor = vscode.window.activeTextEditor
    if (invited !== undefined && invited !== editor) invited.setDecorations(invitation, [])
    invited = editor
    if (editor?.document.uri.scheme !== cudaScheme) return
    const hidden = hiddenPlaces(links.link())
    editor.setDecorations(invitation, hidden.length === 0 ? [] : [invitationTo(hidden, editor)])
  }
  const traceOf = (document: vscode.TextDocument): Trace | undefined =>
    documents().find(d => d.uri.toString() === document.uri.toString())?.trace

  const hover: vscode.HoverProvider = {
    async provideHover(document, position) {
      const trace = traceOf(document), region = trace && regionAt(trace, position)
      if (trace === undefined || region === undefined) return undefined
      const declaration = trace.declarations[declarationOf(trace, region)]
      const text = markdown()
      if (declaration !== undefined) {
        const { kind, name } = declaration
        text.appendMarkdown(`${swatch(origins.colourOf(declaration))} from the ${kind} ${placeLink(declaration, name)}\n\n`)
      }
      const { inner, around } = placesOf(trace, region)
      for (const place of inner.slice(0, mostPlaces)) await appendPlace(text, '', place)
      if (inner.length > mostPlaces) text.appendMarkdown(`and ${inner.length - mostPlaces} more places\n\n`)
      for (const place of around.slice(0, mostPlaces)) await appendPlace(text, 'in ', place)
      return new vscode.Hover(text)
    },
  }
  const definition: vscode.DefinitionProvider = {
    provideDefinition(document, position) {
      const trace = traceOf(document), region = trace && regionAt(trace, position)
      return trace === undefined || region === undefined ? undefined : placesOf(trace, region).inner.map(locationOf)
    },
  }
  return vscode.Disposable.from(
    status, invitation, links.onDidChange(tell), vscode.window.onDidChangeVisibleTextEditors(tell),
    vscode.languages.registerHoverProvider({ scheme: cudaScheme }, hover),
    vscode.languages.registerDefinitionProvider({ scheme: cudaScheme }, definition),
    vscode.commands.registerCommand('heddle.openPlace', (place: TextPlace) => showPlace(place, { focus: true })),
    vscode.commands.registerCommand('heddle.showOrigins', () => { pickOrigin(documents(), origins) }),
  )
}

/** The legend as a list: choosing an origin goes to the first text that came from it, its button to its declaration. */
function pickOrigin(documents: readonly CudaDocument[], origins: Origins): void {
  const open: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon('go-to-file'), tooltip: 'Open the Declaration' }
  const items = documents.flatMap(({ uri, subject, trace }) => (trace?.declarations ?? []).map((declaration, index) => {
    const region = trace && firstRegionFrom(trace, index), lines = trace === undefined ? 0 : linesFrom(trace, index)
    return {
      label: `${declaration.kind} ${declaration.name}`, description: placeName(declaration),
      detail: `${lines === 1 ? '1 line' : `${lines} lines`} of ${subject}`,
      iconPath: swatchImage(origins.colourOf(declaration)), buttons: [open], declaration,
      first: trace && region !== undefined ? { uri: uri.toString(), range: regionRange(trace, region) } : undefined,
    }
  }))
  const pick = vscode.window.createQuickPick<typeof items[number]>()
  const go = (place: TextPlace | undefined): void => {
    pick.hide()
    if (place !== undefined) void showPlace(place, { focus: true })
  }
  pick.title = 'Origins of the CUDA'
  pick.placeholder = items.length === 0 ? 'No CUDA that is up to date is shown' : 'Go to the first text that came from'
  pick.items = items
  pick.matchOnDescription = true
  pick.onDidTriggerItemButton(({ item }) => { go(item.declaration) })
  pick.onDidAccept(() => { go(pick.selectedItems[0]?.first) })
  pick.onDidHide(() => { pick.dispose() })
  pick.show()
}

function linesFrom(trace: Trace, declaration: number): number {
  const own = stripes(trace).filter(stripe => stripe.declarations.includes(declaration))
  return own.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

/** What the caret in CUDA was made from, in files that nobody sees. */
function hiddenPlaces(link: Link | undefined): readonly TextPlace[] {
  const seen = new Set(vscode.window.visibleTextEditors.map(e => e.document.uri.toString()))
  const isCuda = link !== undefined && link.own.uri === vscode.window.activeTextEditor?.document.uri.toString()
    && vscode.window.activeTextEditor.document.uri.scheme === cudaScheme
  return isCuda ? link.counterparts.filter(place => !seen.has(place.uri)) : []
}

// ---------------------------------------------------------------- text

function invitationTo(places: readonly TextPlace[], editor: vscode.TextEditor): vscode.DecorationOptions {
  const [first] = places, more = places.length > 1 ? ` and ${places.length - 1} more` : ''
  const { end } = editor.document.lineAt(editor.selection.active.line).range
  const hoverMessage = markdown()
  hoverMessage.appendMarkdown(places.map(place => `- ${placeLink(place, `Open ${placeName(place)}`)}`).join('\n'))
  const contentText = first === undefined ? '' : `from ${placeName(first)}${more}`
  return { range: new vscode.Range(end, end), hoverMessage, renderOptions: { after: { contentText } } }
}

async function appendPlace(text: vscode.MarkdownString, before: string, place: TextPlace): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(place.uri))
  const [line = '', ...more] = document.getText(document.validateRange(rangeOf(place.range))).split('\n')
  text.appendMarkdown(`${before}${placeLink(place, placeName(place))}\n`)
  text.appendCodeblock(more.length > 0 ? `${line} ...` : line, 'heddle')
}

/** Colours, and links to places. */
function markdown(): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true)
  text.supportHtml = true
  text.isTrusted = { enabledCommands: ['heddle.openPlace'] }
  return text
}

function placeLink({ uri, range }: TextPlace, label: string): string {
  return `[${escaped(label)}](command:heddle.openPlace?${encodeURIComponent(JSON.stringify([{ uri, range }]))})`
}

function escaped(text: string): string { return text.replace(/[\\`*_{}[\]()#+\-.!<>|]/g, '\\$&') }
