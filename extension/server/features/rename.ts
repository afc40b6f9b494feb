import type { Range, TextEdit, WorkspaceEdit } from 'vscode-languageserver'
import { createProgram, type Analysis } from '../../../compiler-core/language/program.ts'
import type { Definition } from '../../../compiler-core/language/resolve.ts'
import { reservedWords } from '../../../compiler-core/language/syntax/lexer.ts'
import type { Name, NameRef } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, spanOf } from '../../../compiler-core/language/syntax/walk.ts'
import { isLibrary, nodeRange, occurrencesOf, textAt, type Files, type SourceFile } from '../files.ts'
import { definitionAt } from './definition.ts'

export type Renaming =
  | { readonly ok: true; readonly edit: WorkspaceEdit }
  | { readonly ok: false; readonly reason: string }

/**
 * Feature: Rename
 *
 * **Rename Symbol** changes a name in all files of the workspace. A new name that would mean something else at any of
 * its places, or that would take over the meaning of another one, is refused with the reason; names of the library
 * cannot be renamed.
 */
export function prepareRename(
  file: SourceFile, files: Files, offset: number,
): { readonly range: Range; readonly placeholder: string } | string {
  const node = nodeAt(file.analysis.parsed, offset)
  const found = definitionAt(file, files, offset)
  if (found === undefined) return 'There is no name here that could be renamed.'
  if (isLibrary(found.uri)) return `\`${found.name}\` belongs to the library.`
  return { range: nodeRange(file, node), placeholder: textAt(file, node) }
}

export function rename(
  file: SourceFile, files: Files, offset: number, newName: string, roots: readonly string[],
): Renaming {
  const prepared = prepareRename(file, files, offset)
  if (typeof prepared === 'string') return { ok: false, reason: prepared }
  if (!/^[A-Za-z_]\w*$/.test(newName) || newName === '_') return refused(`\`${newName}\` is not a name: names are made of a-z, A-Z, 0-9 and _.`)
  if (reservedWords.some(word => word === newName)) return refused(`\`${newName}\` is a word of the language.`)
  const found = definitionAt(file, files, offset)
  if (found === undefined || found.name === newName) return { ok: true, edit: {} }
  const places = placesOf(files, found)
  const problem = conflict(file, files, places, newName, roots)
  if (problem !== undefined) return refused(problem)
  const changes: Record<string, TextEdit[]> = {}
  for (const place of places) {
    changes[place.file.uri] = place.nodes.map(node => ({ range: nodeRange(place.file, node), newText: newName }))
  }
  return { ok: true, edit: { changes } }
}

interface Places { readonly file: SourceFile; readonly nodes: readonly (Name | NameRef)[] }

function placesOf(files: Files, d: Definition): readonly Places[] {
  const found = occurrencesOf(files, d)
  const homes = new Set(found.map(o => o.file))
  return [...homes].map(file => ({ file, nodes: found.flatMap(o => o.file === file ? [o.node] : []) }))
}

/** Renames in a copy of the program and looks whether every name still means what it did. */
function conflict(
  here: SourceFile, files: Files, places: readonly Places[], newName: string, roots: readonly string[],
): string | undefined {
  const changed = new Map(places.map(({ file, nodes }) => [file.uri, renamedText(file, nodes, newName)]))
  const trial = createProgram({ read: uri => changed.get(uri) ?? files.file(uri)?.analysis.text, roots })
  const touched = files.all().filter(f => [...f.analysis.files].some(uri => changed.has(uri)))
  for (const file of new Set([...touched, ...places.map(p => p.file)])) {
    const after = trial.analyse(file.uri)
    const problem = after === undefined ? undefined : difference(file.analysis, after)
    if (problem !== undefined) return `\`${newName}\` ${problem}${file === here ? '' : ` in ${file.uri}`}.`
  }
  return undefined
}

/** Both have the same names in the same order, but for the new one. */
function difference(before: Analysis, after: Analysis): string | undefined {
  const old = namesIn(before), now = namesIn(after)
  for (const [i, name] of old.entries()) {
    const other = now[i]
    if ((name.definition === undefined) !== (other?.definition === undefined)) return 'is already the name of something else'
    if (name.definition !== undefined && other?.definition !== undefined && !isSame(name.definition, other.definition)) return 'is already the name of something else'
  }
  const duplicates = (a: Analysis): number => a.diagnostics.filter(d => d.code === 'duplicate-name' || d.code === 'ambiguous-name').length
  return duplicates(after) > duplicates(before) ? 'is already declared' : undefined
}

/** Places move with the length of the name; the numbers of tokens do not. */
function isSame(a: Definition, b: Definition): boolean {
  return a.uri === b.uri && a.nameNode.first === b.nameNode.first
}

function namesIn(a: Analysis): readonly { readonly first: number; readonly definition: Definition | undefined }[] {
  return a.parsed.tokens.flatMap((token, first) => {
    if (token.kind !== 'name') return []
    const node = nodeAt(a.parsed, token.start)
    return [{ first, definition: node.kind === 'Name' || node.kind === 'NameRef' ? a.resolved.definitionOf.get(node) : undefined }]
  })
}

function renamedText(file: SourceFile, nodes: readonly (Name | NameRef)[], newName: string): string {
  let text = file.analysis.text
  const spans = nodes.map(node => spanOf(file.analysis.parsed, node)).sort((a, b) => b.start - a.start)
  for (const { start, end } of spans) text = text.slice(0, start) + newName + text.slice(end)
  return text
}

function refused(reason: string): Renaming { return { ok: false, reason } }
