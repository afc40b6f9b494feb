/**
 * Colours by origin: which operator, schedule or graph each part of the CUDA came from.
 *
 *     ▌  float x = acc[0] + bias[j];     a stripe beside each line of the CUDA and of the source, one colour a
 *     ▌▌ c[j] = fmaxf(x, 0.0f);          declaration; and text of all but the most frequent one tinted
 *
 * Colours never stand alone: legend.ts says in words what they mean.
 */
import * as vscode from 'vscode'
import type { CudaDeclaration } from '../server/protocol.ts'
import type { CudaDocument } from './cuda-document.ts'
import { rangeOf } from './places.ts'
import { sourceStripes, stripes, tints, type Stripe, type Trace } from './trace.ts'

export interface Origins extends vscode.Disposable {
  /** Documents have other texts or traces, or are shown by other editors. */
  refresh(): void
  /** Index of a declaration's colour, the same wherever the declaration is seen. */
  colourOf(declaration: CudaDeclaration): number
}

type Theme = 'light' | 'dark'
type Style = vscode.TextEditorDecorationType

/** The palette of Okabe and Ito, darker for light backgrounds: any colour vision tells them apart. */
const palette: readonly Readonly<Record<Theme, string>>[] = [
  { dark: '#56b4e9', light: '#0072b2' }, { dark: '#e69f00', light: '#b45f00' }, { dark: '#2fc999', light: '#00785a' },
  { dark: '#cc79a7', light: '#a6437c' }, { dark: '#f0e442', light: '#857a00' }, { dark: '#ff8a4c', light: '#c03d00' },
  { dark: '#9fa8ff', light: '#4a52c4' }, { dark: '#b0b0b0', light: '#5f5f5f' },
]
const mostStripes = 3

/**
 * Feature: Colours by origin
 *
 * A stripe beside each line of the CUDA, and beside the lines of the source, tells by its colour which operator,
 * schedule or graph the line came from; a line of several origins has several. Text that was fused in is tinted. The
 * status bar names the origin at the caret; click it for the legend, **Heddle: Show Origins**.
 */
export function createOrigins(documents: () => readonly CudaDocument[]): Origins {
  const colours = new Map<string, number>()
  const stripeStyles = new Map<string, Style>(), tintStyles = new Map<number, Style>()
  const rangeBehavior = vscode.DecorationRangeBehavior.ClosedClosed

  const colourOf = ({ kind, name, uri }: CudaDeclaration): number => {
    const key = `${kind} ${name} ${uri}`
    const index = colours.get(key) ?? colours.size % palette.length
    colours.set(key, index)
    return index
  }
  const stripeStyle = (indices: readonly number[]): Style => {
    const icon = (theme: Theme): vscode.ThemableDecorationRenderOptions =>
      ({ gutterIconPath: stripesImage(indices, theme), gutterIconSize: 'cover' })
    return kept(stripeStyles, indices.join(), () =>
      vscode.window.createTextEditorDecorationType({ light: icon('light'), dark: icon('dark'), rangeBehavior }))
  }
  const tintStyle = (index: number): Style => {
    const light = { backgroundColor: `${colour(index, 'light')}1c` }, dark = { backgroundColor: `${colour(index, 'dark')}24` }
    return kept(tintStyles, index, () => vscode.window.createTextEditorDecorationType({ light, dark, rangeBehavior }))
  }

  const paintStripes = (editor: vscode.TextEditor, trace: Trace | undefined, all: readonly Stripe[]): void => {
    const ranges = new Map<Style, vscode.Range[]>()
    for (const { first, last, declarations } of all) {
      const indices = new Set(declarations.map(d => colourOf(trace!.declarations[d]!)))
      push(ranges, stripeStyle([...indices].slice(0, mostStripes)), new vscode.Range(first, 0, last, 0))
    }
    for (const style of stripeStyles.values()) editor.setDecorations(style, ranges.get(style) ?? [])
  }
  const paintTints = (editor: vscode.TextEditor, trace: Trace): void => {
    const ranges = new Map<Style, vscode.Range[]>()
    for (const { range, declaration } of tints(trace, mainOf(trace))) {
      const style = tintStyle(colourOf(trace.declarations[declaration]!))
      push(ranges, style, ...withoutIndents(editor.document, rangeOf(range)))
    }
    for (const style of tintStyles.values()) editor.setDecorations(style, ranges.get(style) ?? [])
  }
  const paint = (editor: vscode.TextEditor): void => {
    const uri = editor.document.uri.toString(), traced = documents().filter(d => d.trace !== undefined)
    const own = traced.find(d => d.uri.toString() === uri)?.trace
    if (own !== undefined) {
      paintTints(editor, own)
      paintStripes(editor, own, stripes(own))
    } else if (editor.document.languageId === 'heddle') {
      const trace = traced.find(d => d.trace?.sources.includes(uri))?.trace
      paintStripes(editor, trace, trace === undefined ? [] : sourceStripes(trace, uri))
    }
  }
  const refresh = (): void => { for (const editor of vscode.window.visibleTextEditors) paint(editor) }

  const seeing = vscode.window.onDidChangeVisibleTextEditors(refresh)
  return {
    refresh, colourOf,
    dispose() {
      for (const part of [seeing, ...stripeStyles.values(), ...tintStyles.values()]) part.dispose()
    },
  }
}

/** A square of a declaration's colour for a Markdown text. */
export function swatch(index: number): string {
  const { kind } = vscode.window.activeColorTheme
  const isLight = kind === vscode.ColorThemeKind.Light || kind === vscode.ColorThemeKind.HighContrastLight
  return `<span style="color:${colour(index, isLight ? 'light' : 'dark')};">&#9632;</span>`
}

export function swatchImage(index: number): { light: vscode.Uri; dark: vscode.Uri } {
  const image = (theme: Theme): vscode.Uri =>
    svg(`<rect x="2" y="2" width="12" height="12" rx="2" fill="${colour(index, theme)}"/>`)
  return { light: image('light'), dark: image('dark') }
}

/** The declaration that most lines came from. */
function mainOf(trace: Trace): number {
  const counts = new Map<number, number>()
  for (const { first, last, declarations: [main = -1] } of stripes(trace)) {
    counts.set(main, (counts.get(main) ?? 0) + last - first + 1)
  }
  return [...counts].reduce((best, entry) => entry[1] > best[1] ? entry : best, [-1, 0])[0]
}

/** Line by line. */
function withoutIndents(document: vscode.TextDocument, range: vscode.Range): readonly vscode.Range[] {
  const { start, end } = document.validateRange(range)
  return Array.from({ length: end.line - start.line + 1 }, (_, i) => {
    const { lineNumber, firstNonWhitespaceCharacterIndex, range: whole } = document.lineAt(start.line + i)
    const from = i === 0 ? start : new vscode.Position(lineNumber, firstNonWhitespaceCharacterIndex)
    return new vscode.Range(from, lineNumber === end.line ? end : whole.end)
  }).filter(r => !r.isEmpty)
}

/** Side by side, as high as a line, so that neighbouring lines join. */
function stripesImage(indices: readonly number[], theme: Theme): vscode.Uri {
  const bar = (index: number, i: number): string =>
    `<rect x="${10 - 4 * i}" y="0" width="3" height="16" fill="${colour(index, theme)}"/>`
  return svg(indices.map(bar).join(''))
}

function svg(content: string): vscode.Uri {
  const text = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16">${content}</svg>`
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(text).toString('base64')}`)
}

function colour(index: number, theme: Theme): string { return palette[index]?.[theme] ?? '' }

function kept<K, V>(all: Map<K, V>, key: K, make: () => V): V {
  const value = all.get(key) ?? make()
  all.set(key, value)
  return value
}

function push<K, V>(lists: Map<K, V[]>, key: K, ...values: readonly V[]): void {
  kept(lists, key, () => []).push(...values)
}
