import { DocumentHighlightKind, type DocumentHighlight, type DocumentLink, type Location, type LocationLink } from 'vscode-languageserver'
import type { Definition } from '../../../compiler-core/language/resolve.ts'
import type { Name, NameRef } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt } from '../../../compiler-core/language/syntax/walk.ts'
import { namesOf, nodeRange, occurrencesOf, type Files, type SourceFile } from '../files.ts'
import { meaningOf } from '../members.ts'

/**
 * Feature: Go to definition
 *
 * From a name to its declaration, also in imported files and in the library; from a member such as `.workers` to its
 * documentation in the library; from the path of an import to the file.
 */
export function definition(file: SourceFile, files: Files, offset: number): LocationLink[] {
  const node = nodeAt(file.analysis.parsed, offset)
  if (node.kind === 'StringLiteral' && node.parent?.kind === 'Import') {
    const target = file.analysis.imports.find(i => i.node === node.parent)?.uri
    const start = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }
    if (target === undefined) return []
    const originSelectionRange = nodeRange(file, node)
    return [{ targetUri: target, targetRange: start, targetSelectionRange: start, originSelectionRange }]
  }
  const found = definitionAt(file, files, offset)
  const home = found === undefined ? undefined : files.file(found.uri)
  if (found === undefined || home === undefined) return []
  return [{
    targetUri: found.uri, targetRange: nodeRange(home, found.node),
    targetSelectionRange: nodeRange(home, found.nameNode),
    originSelectionRange: nodeRange(file, node),
  }]
}

/**
 * Feature: Find all references
 *
 * Every place that names a declaration, in all Heddle files of the workspace, open or not.
 */
export function references(file: SourceFile, files: Files, offset: number, includeDeclaration: boolean): Location[] {
  const found = definitionAt(file, files, offset)
  if (found === undefined) return []
  return occurrencesOf(files, found).flatMap(({ file: home, node }) =>
    node === found.nameNode && !includeDeclaration ? [] : [{ uri: home.uri, range: nodeRange(home, node) }])
}

/**
 * Feature: Highlight
 *
 * With the cursor on a name, all its places in the file are marked: where it is declared or assigned differently from
 * where it is read.
 */
export function documentHighlights(file: SourceFile, files: Files, offset: number): DocumentHighlight[] {
  const found = definitionAt(file, files, offset)
  if (found === undefined) return []
  return namesOf(file, found).map(node => ({
    range: nodeRange(file, node), kind: isWritten(node) ? DocumentHighlightKind.Write : DocumentHighlightKind.Read,
  }))
}

/**
 * Feature: Links of imports
 *
 * The path of an import is a link to its file.
 */
export function documentLinks(file: SourceFile): DocumentLink[] {
  return file.analysis.imports.flatMap(({ node, uri }) => uri === undefined || node.path.kind === 'Missing' ? []
    : [{ range: nodeRange(file, node.path), target: uri, tooltip: 'Open the file' }])
}

export function definitionAt(file: SourceFile, files: Files, offset: number): Definition | undefined {
  const node = nodeAt(file.analysis.parsed, offset)
  return node.kind === 'Name' || node.kind === 'NameRef' ? meaningOf(file, files, node) : undefined
}

function isWritten(node: Name | NameRef): boolean {
  const { parent } = node
  if (node.kind === 'Name') return parent?.kind !== 'Argument'
  if (parent?.kind === 'Definition') return parent.tensor === node
  const target = parent?.kind === 'Element' && parent.receiver === node ? parent : node
  return target.parent?.kind === 'Assignment' && target.parent.target === target
}
