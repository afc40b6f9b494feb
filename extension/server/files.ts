/** An analysed file as the features see it: with its line table, and with the other files of the program around it. */
import { createHash } from 'node:crypto'
import type { Position, Range } from 'vscode-languageserver'
import { TextDocument } from 'vscode-languageserver-textdocument'
import type { Span } from '../../compiler-core/language/diagnostics.ts'
import type { Analysis } from '../../compiler-core/language/program.ts'
import type { Definition } from '../../compiler-core/language/resolve.ts'
import type { File, Name, NameRef, Node } from '../../compiler-core/language/syntax/tree.ts'
import { forEachChild, spanOf } from '../../compiler-core/language/syntax/walk.ts'
import type { Value } from '../../compiler-core/language/values.ts'
import { libraryScheme } from './protocol.ts'

export interface SourceFile {
  readonly uri: string
  readonly analysis: Analysis
  readonly root: File
  readonly lines: TextDocument
}

/** All files, for features that look across them. */
export interface Files {
  file(uri: string): SourceFile | undefined
  /** Every file that is open or lies in the workspace. */
  all(): readonly SourceFile[]
}

const known = new WeakMap<Analysis, SourceFile>()

export function sourceFile(analysis: Analysis): SourceFile {
  let file = known.get(analysis)
  if (file === undefined) {
    const { uri, text, parsed } = analysis
    file = { uri, analysis, root: parsed.file, lines: TextDocument.create(uri, 'heddle', 0, text) }
    known.set(analysis, file)
  }
  return file
}

const fingerprints = new WeakMap<Analysis, string>()

/** The same as long as a file, all that it imports and the target are the same. */
export function fingerprint({ analysis }: SourceFile, files: Files, target: string): string {
  const known = fingerprints.get(analysis)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(`${target}\n`)
  for (const uri of [...analysis.files].sort()) hash.update(`${uri}\n${files.file(uri)?.analysis.text ?? ''}\n`)
  const made = hash.digest('hex')
  fingerprints.set(analysis, made) // another target makes another analysis
  return made
}

export function rangeOf(file: SourceFile, span: Span): Range {
  return { start: file.lines.positionAt(span.start), end: file.lines.positionAt(span.end) }
}

export function nodeRange(file: SourceFile, node: Node): Range {
  return rangeOf(file, spanOf(file.analysis.parsed, node))
}
export function offsetAt(file: SourceFile, position: Position): number { return file.lines.offsetAt(position) }

export function textAt(file: SourceFile, node: Node): string {
  const { start, end } = spanOf(file.analysis.parsed, node)
  return file.analysis.text.slice(start, end)
}

/** The innermost node that holds a token. */
export function nodeOfToken(file: SourceFile, token: number): Node {
  let node: Node = file.root
  for (;;) {
    let inner: Node | undefined
    forEachChild(node, child => { if (child.first <= token && token < child.last) inner = child })
    if (inner === undefined) return node
    node = inner
  }
}

/** All names of a definition in a file: where it is declared, if here, and its uses. */
export function namesOf(file: SourceFile, d: Definition): readonly (Name | NameRef)[] {
  const uses = (file.analysis.resolved.usesOf.get(d) ?? []).filter(use => use !== d.nameNode)
  return file.uri === d.uri ? [d.nameNode, ...uses] : uses
}

/** Every place in every file that names a definition, its declaration first. */
export function occurrencesOf(
  files: Files, d: Definition,
): readonly { readonly file: SourceFile; readonly node: Name | NameRef }[] {
  const home = files.file(d.uri)
  const others = files.all().filter(file => file !== home)
  return [...present(home), ...others].flatMap(file => namesOf(file, d).map(node => ({ file, node })))
}

export function valueOf(file: SourceFile, node: Node): Value | undefined { return file.analysis.values.get(node) }
export function isLibrary(uri: string): boolean { return uri.startsWith(`${libraryScheme}:`) }
export function present<T>(value: T | undefined): readonly T[] { return value === undefined ? [] : [value] }
