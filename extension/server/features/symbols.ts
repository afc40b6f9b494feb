import { SymbolKind, type DocumentSymbol, type WorkspaceSymbol } from 'vscode-languageserver'
import type { Name, NameRef, Node, Pattern } from '../../../compiler-core/language/syntax/tree.ts'
import { forEachChild } from '../../../compiler-core/language/syntax/walk.ts'
import { nodeRange, textAt, valueOf, type Files, type SourceFile } from '../files.ts'
import { valueSummary } from '../describe.ts'

/**
 * Feature: Outline
 *
 * The outline and the breadcrumbs show declarations with what they hold: schedules with their tunable values, kernels
 * and memory; a task mapping with its workers and shape.
 */
export function documentSymbols(file: SourceFile): DocumentSymbol[] { return symbolsIn(file, file.root) }

function symbolsIn(file: SourceFile, node: Node): DocumentSymbol[] {
  const symbols: DocumentSymbol[] = []
  forEachChild(node, child => {
    const declared = namesOf(child)
    if (declared === undefined) {
      if (child.kind === 'Block' || child.kind === 'For' || child.kind === 'If' || child.kind === 'Branch') symbols.push(...symbolsIn(file, child))
      return
    }
    const [only] = declared.names
    const children = declared.names.length === 1 ? symbolsIn(file, child) : []
    for (const name of declared.names) {
      symbols.push({
        name: name.text, kind: declared.kind, detail: detailOf(file, child, name), children: name === only ? children
        : [],
        range: nodeRange(file, child), selectionRange: nodeRange(file, name),
      })
    }
  })
  return symbols
}

/**
 * Feature: Workspace symbols
 *
 * **Go to Symbol in Workspace** finds the declarations of all Heddle files, open or not, by any letters of their
 * names in order.
 */
export function workspaceSymbols(files: Files, query: string): WorkspaceSymbol[] {
  const symbols: WorkspaceSymbol[] = []
  for (const file of files.all()) {
    for (const item of file.root.items) {
      const declared = namesOf(item)
      for (const name of declared?.names ?? []) {
        if (declared === undefined || !isSubsequence(query.toLowerCase(), name.text.toLowerCase())) continue
        const location = { uri: file.uri, range: nodeRange(file, name) }
        symbols.push({ name: name.text, kind: declared.kind, location })
        if (symbols.length >= 1000) return symbols
      }
    }
  }
  return symbols
}

function namesOf(n: Node): { names: readonly (Name | NameRef)[]; kind: SymbolKind } | undefined {
  const one = (name: Name, kind: SymbolKind): { names: readonly Name[]; kind: SymbolKind } => ({ names: name.text === '' ? [] : [name], kind })
  switch (n.kind) {
    case 'Operator': return one(n.name, SymbolKind.Interface)
    case 'Schedule': return one(n.name, SymbolKind.Class)
    case 'Graph': return one(n.name, SymbolKind.Class)
    case 'Instance': return one(n.name, SymbolKind.Object)
    case 'Kernel': return one(n.name, SymbolKind.Method)
    case 'Fn': case 'Device': return one(n.name, SymbolKind.Function)
    case 'CustomMapping': return one(n.name, SymbolKind.Object)
    case 'Tune': return one(n.name, SymbolKind.Property)
    case 'Stage': return one(n.name, SymbolKind.Variable)
    case 'Workspace': case 'Allocation': return one(n.name, SymbolKind.Array)
    case 'Let': return n.parent?.kind === 'Block' ? undefined : { names: patternNames(n.target), kind: SymbolKind.Constant }
    default: return undefined
  }
}

function patternNames(p: Pattern): readonly Name[] {
  if (p.kind === 'Name') return p.text === '' || p.text === '_' ? [] : [p]
  return p.items.flatMap(patternNames)
}

function detailOf(file: SourceFile, n: Node, name: Name | NameRef): string {
  if (n.kind === 'Schedule') return `for ${n.head.kind === 'NameRef' ? n.head.text : n.head.family}`
  if (n.kind === 'Allocation' || n.kind === 'Workspace') return textAt(file, n.type)
  const value = valueOf(file, name)
  return value === undefined ? '' : valueSummary(value)
}

function isSubsequence(letters: string, text: string): boolean {
  let at = 0
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1
    if (at === 0) return false
  }
  return true
}
