/**
 * Links between the two sides: the caret in one editor lights up its counterparts in all others that are seen.
 *
 * Everything happens here, from traces that are already in memory, within the event of the caret's move:
 *
 *     caret  ->  places of the source, regions of the CUDA  ->  one highlight call an editor and kind of mark
 */
import * as vscode from 'vscode'
import { cudaScheme, type TextPlace } from '../server/protocol.ts'
import type { CudaDocument } from './cuda-document.ts'
import { locationOf, positionOf, rangeOf, showPlace } from './places.ts'
import { placesOf, rangeAt, regionAt, regionRange, regionsFrom, type Trace } from './trace.ts'

/** What belongs to the caret. */
export interface Link {
  /** The text at the caret. */
  readonly own: TextPlace
  /** Its counterparts, also in files that are not shown, in the order in which commands walk through them. */
  readonly counterparts: readonly TextPlace[]
  /** Calls and applications around the counterparts. */
  readonly around: readonly TextPlace[]
  /** At the caret in CUDA; in the source, the first counterpart. */
  readonly region: RegionAt
}

export interface RegionAt { readonly trace: Trace; readonly region: number; readonly place: TextPlace }

/** A document that is up to date. */
interface Traced extends CudaDocument { readonly trace: Trace }

export interface Links extends vscode.Disposable {
  /** What is lit now. */
  link(): Link | undefined
  /** The counterpart that the commands have walked to, counted from 0. */
  step(): number | undefined
  readonly onDidChange: vscode.Event<void>
  /** Lights again what belongs to the caret, after documents or editors have changed. */
  refresh(): void
}

/**
 * Feature: Linked regions
 *
 * While CUDA is shown, the caret in a Heddle file lights up the CUDA that was made from the text there, and the caret
 * in the CUDA the text that it was made from, in whatever file that stands, with the calls around it. **Next Linked
 * Region** and **Previous Linked Region** (`Ctrl+F7`, `Ctrl+Shift+F7`) walk through the counterparts without moving the
 * caret and open files that are not shown; **Go to Linked Region** (`Ctrl+F12`) puts the caret there; **Peek Linked
 * Regions** shows all of them. The link in the title bar of an editor takes it out and in again.
 */
export function createLinks(documents: () => readonly CudaDocument[]): Links {
  const linkedStyle = mark({ backgroundColor: colour('linkBackground'), borderColor: colour('linkBorder'), border: '1px solid' }, true)
  const aroundStyle = mark({ borderColor: colour('linkBorder'), border: '1px dashed' }, false)
  const ownStyle = mark({ borderColor: colour('linkBorder'), border: '1px dotted' }, false)
  const stepStyle = mark({ backgroundColor: colour('linkStepBackground'), borderColor: colour('linkBorder'), border: '2px solid' }, true)
  const styles = [linkedStyle, aroundStyle, ownStyle, stepStyle]
  const changed = new vscode.EventEmitter<void>()
  const unlinked = new Set<string>(), lit = new Set<vscode.TextEditor>()
  let link: Link | undefined, step: number | undefined

  const isLinked = (uri: vscode.Uri): boolean => !unlinked.has(uri.toString())
  const linkAt = (editor: vscode.TextEditor): Link | undefined => {
    if (!isLinked(editor.document.uri)) return undefined
    const all = documents().filter((d): d is Traced => d.trace !== undefined && isLinked(d.uri))
    return editor.document.uri.scheme === cudaScheme ? linkFromCuda(editor, all) : linkFromSource(editor, all)
  }
  const light = (reveal: boolean): void => {
    for (const editor of new Set([...lit, ...vscode.window.visibleTextEditors])) {
      const uri = editor.document.uri.toString(), takesPart = link !== undefined && isLinked(editor.document.uri)
      const rangesOf = (places: readonly TextPlace[]): vscode.Range[] => takesPart
        ? places.flatMap(place => place.uri === uri ? edges(editor.document, rangeOf(place.range)) : []) : []
      const current = step === undefined ? undefined : link?.counterparts[step]
      const linked = rangesOf(link?.counterparts.filter(place => place !== current) ?? [])
      const around = rangesOf(link?.around ?? []), own = rangesOf(link === undefined ? [] : [link.own])
      const marks = [linked, around, own, rangesOf(current === undefined ? [] : [current])]
      const any = marks.some(ranges => ranges.length > 0)
      if (any || lit.has(editor)) styles.forEach((style, i) => { editor.setDecorations(style, marks[i] ?? []) })
      if (any) lit.add(editor)
      else lit.delete(editor)
      if (reveal && link !== undefined && uri !== link.own.uri) revealOne(editor, linked)
    }
    changed.fire()
  }
  const follow = (editor: vscode.TextEditor | undefined, moved: boolean): void => {
    const before = link?.counterparts.length
    link = editor === undefined ? undefined : linkAt(editor)
    if (moved || link?.counterparts.length !== before) step = undefined
    light(moved)
  }

  const walk = async (by: 1 | -1): Promise<void> => {
    if (link === undefined || link.counterparts.length === 0) {
      vscode.window.setStatusBarMessage('Nothing is linked with the text at the caret', 5000)
      return
    }
    const count = link.counterparts.length
    step = step === undefined ? by > 0 ? 0 : count - 1 : (step + by + count) % count
    const place = link.counterparts[step]
    if (place === undefined) return
    await showPlace(place, { focus: false })
    light(false)
  }
  const setLinked = (uri: vscode.Uri | undefined, on: boolean): void => {
    if (uri === undefined) return
    if (on) unlinked.delete(uri.toString())
    else unlinked.add(uri.toString())
    // VS Code compares paths: the address of a remote file has another scheme there than here
    const paths = [...unlinked].map(each => vscode.Uri.parse(each)).flatMap(each => [each.path, each.fsPath])
    void vscode.commands.executeCommand('setContext', 'heddle.unlinkedEditors', paths)
    follow(vscode.window.activeTextEditor, false)
  }
  const activeUri = (): vscode.Uri | undefined => vscode.window.activeTextEditor?.document.uri

  const parts = vscode.Disposable.from(
    changed, ...styles,
    vscode.window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
      if (textEditor === vscode.window.activeTextEditor) follow(textEditor, kind !== undefined)
    }),
    vscode.window.onDidChangeActiveTextEditor(editor => { if (editor !== undefined) follow(editor, false) }),
    vscode.commands.registerCommand('heddle.nextLinkedRegion', () => walk(1)),
    vscode.commands.registerCommand('heddle.previousLinkedRegion', () => walk(-1)),
    vscode.commands.registerCommand('heddle.goToLinkedRegion', async () => {
      const place = link?.counterparts[step ?? 0]
      if (place !== undefined) await showPlace(place, { focus: true })
    }),
    vscode.commands.registerCommand('heddle.peekLinkedRegions', async () => {
      if (link === undefined) return
      const { counterparts, own: { uri, range } } = link
      const locations = counterparts.map(locationOf)
      await vscode.commands.executeCommand('editor.action.peekLocations', vscode.Uri.parse(uri), positionOf(range.start), locations, 'peek')
    }),
    vscode.commands.registerCommand('heddle.linkEditor', (uri?: vscode.Uri) => { setLinked(uri ?? activeUri(), true) }),
    vscode.commands.registerCommand('heddle.unlinkEditor', (uri?: vscode.Uri) => { setLinked(uri ?? activeUri(), false) }),
  )
  return {
    link: () => link, step: () => step, onDidChange: changed.event,
    refresh() { follow(vscode.window.activeTextEditor, false) },
    dispose() { parts.dispose() },
  }
}

// ---------------------------------------------------------------- what belongs together

/** The places of the source; the same text in other CUDA documents, so that two candidates can be compared. */
function linkFromCuda(editor: vscode.TextEditor, all: readonly Traced[]): Link | undefined {
  const uri = editor.document.uri.toString()
  const document = all.find(d => d.uri.toString() === uri)
  const region = document && regionAt(document.trace, editor.selection.active)
  if (document === undefined || region === undefined) return undefined
  const { inner, around } = placesOf(document.trace, region)
  const others = all.filter(d => d !== document).flatMap(d => inner.flatMap(place => regionsOf(d, place)))
  const own = { uri, range: regionRange(document.trace, region) }
  const counterparts = [...inner, ...others.map(r => r.place)]
  return { own, around, counterparts, region: { trace: document.trace, region, place: own } }
}

function linkFromSource(editor: vscode.TextEditor, all: readonly Traced[]): Link | undefined {
  const uri = editor.document.uri.toString(), at = editor.selection.active
  const ranges = all.flatMap(d => {
    const range = rangeAt(d.trace, uri, at)
    return range === undefined ? [] : [rangeOf(range)]
  })
  const range = ranges.reduce<vscode.Range | undefined>((best, r) => best?.contains(r) === false ? best : r, undefined)
  if (range === undefined) return undefined
  const own = { uri, range }, found = all.flatMap(document => regionsOf(document, own))
  const [first] = found
  return first && { own, around: [], counterparts: found.map(r => r.place), region: first }
}

function regionsOf({ uri, trace }: Traced, place: TextPlace): readonly RegionAt[] {
  const target = uri.toString()
  return regionsFrom(trace, place).map(region =>
    ({ trace, region, place: { uri: target, range: regionRange(trace, region) } }))
}

// ---------------------------------------------------------------- marks

/** A block's first line and its end: what lies between was made from other text. */
function edges(document: vscode.TextDocument, range: vscode.Range): readonly vscode.Range[] {
  const { start, end } = document.validateRange(range)
  if (start.line === end.line) return [new vscode.Range(start, end)]
  const first = document.lineAt(start.line), last = document.lineAt(end.line)
  const closing = end.with({ character: Math.min(last.firstNonWhitespaceCharacterIndex, end.character) })
  return [new vscode.Range(start, first.range.end), new vscode.Range(closing, end)]
}

/** Scrolls an editor to what is lit in it, where none of it is seen. */
function revealOne(editor: vscode.TextEditor, ranges: readonly vscode.Range[]): void {
  const [first] = ranges
  if (first !== undefined && !ranges.some(r => editor.visibleRanges.some(seen => seen.contains(r.start)))) {
    const line = new vscode.Range(first.start.line, 0, first.start.line, 0) // the beginning of the line stays in sight
    editor.revealRange(line, vscode.TextEditorRevealType.InCenterIfOutsideViewport)
  }
}

function colour(name: string): vscode.ThemeColor { return new vscode.ThemeColor(`heddle.${name}`) }

function mark(options: vscode.DecorationRenderOptions, inRuler: boolean): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    ...options, borderRadius: '2px', rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    ...(inRuler ? { overviewRulerColor: colour('linkBorder'), overviewRulerLane: vscode.OverviewRulerLane.Center } : {}),
  })
}
