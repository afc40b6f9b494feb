import { CompletionItemKind, InsertTextFormat, MarkupKind, type CompletionItem } from 'vscode-languageserver'
import { builtinUri, libraryImports } from '../../../compiler-core/library/library.ts'
import type { Definition, DefinitionKind, Scope } from '../../../compiler-core/language/resolve.ts'
import type { Call, Expr, Member, Node } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, spanOf, tokenAt } from '../../../compiler-core/language/syntax/walk.ts'
import type { Value } from '../../../compiler-core/language/values.ts'
import { autoMap } from '../../../compiler-core/mapping/auto-map.ts'
import { mappingText } from '../../../compiler-core/mapping/mapping.ts'
import { isLibrary, nodeOfToken, valueOf, type Files, type SourceFile } from '../files.ts'
import { valueSummary } from '../describe.ts'
import { calleeOf, membersOf, parametersOf } from '../members.ts'
import { declarationText, documentationFor, signatureOf } from '../signatures.ts'
import { words, type Word } from '../words.ts'
import { callAround } from './signature-help.ts'

/**
 * Feature: Completion
 *
 * Offered is what may stand at the place: names in scope with their values, members of the value before a dot,
 * parameters of the call, loop words, constructs as snippets, paths of imports. Where only some values are legal they
 * are listed with what results: the divisors after `workers:` of an `auto_map`, the permutations after `ranks:`.
 */
export function completion(file: SourceFile, files: Files, offset: number): CompletionItem[] {
  const at = placeOf(file, offset)
  switch (at.kind) {
    case 'nothing': return []
    case 'path': return pathItems(file, files)
    case 'member': return membersOf(file, files, at.member.receiver).filter(unique()).map(d => definitionItem(file, d))
    case 'declaration': return words.filter(w => w.place === 'file' || w.word === 'let').map(wordItem)
    case 'type': return [...typeNames(file, files), ...namesInScope(file, files, offset, at.previous, d => d.kind === 'type-parameter')]
    case 'expression': {
      const from = at.statement === undefined ? at.previous : undefined
      const call = callAround(file, offset)
      const special = call === undefined ? [] : argumentItems(file, files, call, offset)
      const allowed: readonly Word['place'][] = at.statement ? [at.statement, 'statement'] : ['expression']
      const wordItems = words.filter(w => allowed.includes(w.place) && (at.statement !== 'schedule' || scheduleWords.has(w.word))).map(wordItem)
      return [...special, ...namesInScope(file, files, offset, from), ...wordItems]
    }
  }
}

type Place =
  | { readonly kind: 'nothing' | 'path' | 'declaration' }
  /** `previous`: the token before. */
  | { readonly kind: 'type'; readonly previous: number }
  | { readonly kind: 'member'; readonly member: Member }
  /** `statement`: a statement or a member of a schedule may start here. */
  | { readonly kind: 'expression'; readonly statement: 'schedule' | 'statement' | undefined; readonly previous: number }

const scheduleWords: ReadonlySet<string> = new Set(['let', 'tune', 'require', 'workspace', 'kernel', 'device'])

function placeOf(file: SourceFile, offset: number): Place {
  const { parsed } = file.analysis
  const here = parsed.tokens[tokenAt(parsed, offset)]
  const inToken = here !== undefined && offset > here.start && (offset < here.end || (offset === here.end && here.kind !== 'space'))
  const before = parsed.tokens[tokenAt(parsed, Math.max(0, offset - 1))]
  if (before !== undefined && before.start < offset) {
    if (before.kind === 'comment' || before.kind === 'doc') return { kind: 'nothing' }
    if (before.kind === 'string' && (inToken && offset < before.end || parsed.text.charAt(before.end - 1) !== '"' || before.end - before.start === 1)) {
      return nodeAt(parsed, before.start).parent?.kind === 'Import' ? { kind: 'path' } : { kind: 'nothing' }
    }
    if ((before.kind === 'int' || before.kind === 'float') && offset === before.end) return { kind: 'nothing' }
  }
  const word = wordStart(file, offset)
  const index = significantBefore(file, word), previous = parsed.tokens[index]
  if (previous === undefined) return { kind: 'declaration' }
  const node = nodeOfToken(file, index)
  if (previous.kind === '.') return node.kind === 'Member' && node.receiver.kind !== 'NumberLiteral' ? { kind: 'member', member: node } : { kind: 'nothing' }
  if (declaresName(file, word, previous.kind)) return { kind: 'nothing' }
  const inner = nodeAround(file, word)
  if (previous.kind === '->' || (previous.kind === ':' && node.kind !== 'Argument')) return { kind: 'type', previous: index }
  const newLine = parsed.text.slice(previous.end, word).includes('\n')
  const opens = previous.kind === '{' || previous.kind === '}' || previous.kind === ';'
  if (inner.kind === 'File' && (newLine || opens)) return { kind: 'declaration' }
  if (inner.kind === 'Schedule' && (newLine || opens)) return { kind: 'expression', statement: 'schedule', previous: index }
  const statement = (inner.kind === 'Block' || inner.kind === 'CallStatement') && (newLine || opens)
  return { kind: 'expression', statement: statement ? 'statement' : undefined, previous: index }
}

/** Behind a word that introduces a new name there is nothing to offer. */
function declaresName(file: SourceFile, word: number, previous: string): boolean {
  if (['let', 'var', 'fn', 'device', 'shared', 'register'].includes(previous)) return true
  const node = nodeAt(file.analysis.parsed, word)
  return node.kind === 'Name' && node.parent?.kind !== 'Argument' && node.last > node.first
}

function wordStart(file: SourceFile, offset: number): number {
  let start = offset
  while (start > 0 && /\w/.test(file.analysis.text.charAt(start - 1))) start--
  return start
}

/** Index of a token; -1 where there is none. */
function significantBefore(file: SourceFile, offset: number): number {
  const { tokens } = file.analysis.parsed
  for (let i = tokenAt(file.analysis.parsed, offset); i >= 0; i--) {
    const token = tokens[i]
    if (token !== undefined && token.end <= offset && token.kind !== 'space' && token.kind !== 'comment' && token.kind !== 'doc' && token.end > token.start) return i
  }
  return -1
}

/** What a word that starts here would belong to: the innermost block, schedule or file, or the expression. */
function nodeAround(file: SourceFile, word: number): Node {
  let node = nodeAt(file.analysis.parsed, word)
  const start = (n: Node): number => spanOf(file.analysis.parsed, n).start
  while (node.parent !== undefined && start(node) >= word && node.kind !== 'File') node = node.parent
  return node
}

// ---------------------------------------------------------------- items

/**
 * What is visible at an offset, or at a token where that is given: behind `y[i] = ` the cursor is outside what the
 * sign belongs to.
 */
function namesInScope(
  file: SourceFile, files: Files, offset: number, token: number | undefined,
  keep: (d: Definition) => boolean = () => true,
): CompletionItem[] {
  const { resolved, imports } = file.analysis
  const items: CompletionItem[] = []
  const isNew = unique()
  const offer = (d: Definition): void => { if (keep(d) && isNew(d)) items.push(definitionItem(file, d)) }
  const from = token === undefined ? nodeAt(file.analysis.parsed, offset) : nodeOfToken(file, token)
  for (let scope = scopeAt(file, from); scope !== undefined; scope = scope.outer) {
    for (const d of scope.names.values()) if (isVisible(file, d, offset)) offer(d)
  }
  for (const d of resolved.exports.values()) if (isVisible(file, d, offset)) offer(d)
  for (const { analysis } of imports) for (const d of analysis?.exports.values() ?? []) offer(d)
  for (const d of files.file(builtinUri)?.analysis.exports.values() ?? []) offer(d)
  return items
}

function scopeAt(file: SourceFile, from: Node): Scope | undefined {
  const { scopes } = file.analysis.resolved
  for (let node: Node | undefined = from; node !== undefined; node = node.parent) {
    const inner: Node | undefined = node.kind === 'Comprehension' ? node.generators.at(-1) : node
    const scope = inner === undefined ? undefined : scopes.get(inner)
    if (scope !== undefined) return scope
  }
  return undefined
}

/** Values are visible below their declaration. */
function isVisible(file: SourceFile, d: Definition, offset: number): boolean {
  if (d.uri !== file.uri || (d.kind !== 'let' && d.kind !== 'tune' && d.kind !== 'variable' && d.kind !== 'tensor')) return true
  return /\S|\n/.test(file.analysis.text.slice(spanOf(file.analysis.parsed, d.node).end, offset)) && spanOf(file.analysis.parsed, d.node).end < offset
}

function definitionItem(file: SourceFile, d: Definition): CompletionItem {
  const documentation = documentationFor(d)
  const value = file.analysis.values.get(d.nameNode)
  const detail = value === undefined || valueSummary(value) === '' ? undefined : valueSummary(value)
  const signature = signatureOf(d)
  const called = signature !== undefined && signature.parameters.length > 0 && d.kind !== 'operator'
  const library = isLibrary(d.uri)
  return {
    label: d.name, kind: itemKinds[d.kind], sortText: `${library ? '3' : '2'}${d.name}`,
    labelDetails: { ...(detail === undefined ? {} : { description: detail }) },
    detail: declarationText(d),
    ...(documentation === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: documentation } }),
    ...(called ? {
      insertText: `${d.name}($0)`, insertTextFormat: InsertTextFormat.Snippet,
      command: { title: 'Parameters', command: 'editor.action.triggerParameterHints' },
    } : {}),
  }
}

const itemKinds: Readonly<Record<DefinitionKind, CompletionItemKind>> = {
  let: CompletionItemKind.Constant, function: CompletionItemKind.Function, device: CompletionItemKind.Function,
  mapping: CompletionItemKind.Constant,
  operator: CompletionItemKind.Interface, schedule: CompletionItemKind.Class, graph: CompletionItemKind.Class,
  instance: CompletionItemKind.Constant,
  kernel: CompletionItemKind.Method, parameter: CompletionItemKind.Variable, result: CompletionItemKind.Variable,
  'type-parameter': CompletionItemKind.TypeParameter, 'shape-variable': CompletionItemKind.Variable, stage: CompletionItemKind.Variable,
  index: CompletionItemKind.Variable, tune: CompletionItemKind.Property, workspace: CompletionItemKind.Variable,
  variable: CompletionItemKind.Variable,
  tensor: CompletionItemKind.Variable, family: CompletionItemKind.Variable,
}

function wordItem({ word, documentation, snippet }: Word): CompletionItem {
  return {
    label: word, kind: snippet === undefined ? CompletionItemKind.Keyword : CompletionItemKind.Snippet, documentation, sortText: `4${word}`,
    ...(snippet === undefined ? {} : { insertText: snippet, insertTextFormat: InsertTextFormat.Snippet }),
  }
}

function typeNames(file: SourceFile, files: Files): CompletionItem[] {
  const builtin = files.file(builtinUri)
  if (builtin === undefined) return []
  return [...builtin.analysis.exports.values()].flatMap(d => {
    const kind = builtin.analysis.values.get(d.nameNode)?.kind
    return kind === 'dtype' || kind === 'type' ? [{ ...definitionItem(file, d), kind: CompletionItemKind.Class }] : []
  })
}

function pathItems(file: SourceFile, files: Files): CompletionItem[] {
  const library = libraryImports.map(path => ({ label: path, kind: CompletionItemKind.File, sortText: `2${path}` }))
  const folder = file.uri.slice(0, file.uri.lastIndexOf('/') + 1)
  const beside = files.all().flatMap(f => {
    if (f.uri === file.uri || !f.uri.startsWith(folder) || !f.uri.endsWith('.heddle')) return []
    return [{ label: decodeURIComponent(f.uri.slice(folder.length)).replace(/\.heddle$/, ''), kind: CompletionItemKind.File, sortText: `1${f.uri}` }]
  })
  return [...beside, ...library]
}

// ---------------------------------------------------------------- arguments

/** Parameters that the call does not name yet, and the legal values of the argument at the cursor. */
function argumentItems(file: SourceFile, files: Files, call: Call, offset: number): CompletionItem[] {
  const callee = calleeOf(file, files, call)
  if (callee === undefined) return []
  const argument = call.args.find(a => {
    const { start, end } = spanOf(file.analysis.parsed, a)
    return start <= offset && offset <= end
  })
  const named = argument?.name !== undefined && offset > spanOf(file.analysis.parsed, argument.name).end
    ? argument.name.text : nameBefore(file, offset)
  if (named === 'workers' && callee.name === 'auto_map') return workerItems(extentsOf(file, call))
  if (named === 'ranks') return rankItems(extentsOf(file, call)?.length)
  if (named !== undefined) return []
  const given = new Set(call.args.map(a => a.name?.text))
  const parameters = parametersOf(callee).filter(p => !given.has(p.name.text) && p.name.text !== 'extents').map((p): CompletionItem => ({
    label: `${p.name.text}:`, kind: CompletionItemKind.Field, filterText: p.name.text, insertText: `${p.name.text}: `, sortText: `1${p.name.text}`,
    detail: 'parameter', command: { title: 'Values', command: 'editor.action.triggerSuggest' },
  }))
  return parameters
}

/** `workers: |`: the value is absent, and the argument may end before the cursor. */
function nameBefore(file: SourceFile, offset: number): string | undefined {
  return /(\w+)\s*:\s*\w*$/.exec(file.analysis.text.slice(Math.max(0, offset - 80), offset))?.[1]
}

/** The extents that a constructor is given, where all are known. */
function extentsOf(file: SourceFile, call: Call): readonly number[] | undefined {
  const given = call.args.filter(a => a.name === undefined)
  const numbers = given.flatMap(({ value }) => numbersIn(file, value.kind === 'Spread' ? value.value : value))
  return numbers.length > 0 && numbers.every(n => Number.isSafeInteger(n) && n > 0) ? numbers : undefined
}

/** Literals have no value of their own. */
function numbersIn(file: SourceFile, e: Expr): readonly number[] {
  if (e.kind === 'NumberLiteral') return [Number(e.text.replaceAll('_', ''))]
  const value = valueOf(file, e)
  return value === undefined ? [Number.NaN] : numbersOf(value)
}

function numbersOf(v: Value): readonly number[] {
  if (v.kind === 'int') return [Number(v.value)]
  return v.kind === 'tuple' || v.kind === 'list' ? v.items.flatMap(numbersOf) : []
}

/** Feature documentation: see `completion`. The largest number of workers that is offered is a block's. */
function workerItems(extents: readonly number[] | undefined): CompletionItem[] {
  if (extents === undefined) return []
  const items: CompletionItem[] = []
  for (let workers = 1; workers <= 1024; workers++) {
    const m = autoMap(extents, workers)
    if (!m.ok) continue
    items.push({
      label: String(workers), kind: CompletionItemKind.Value, labelDetails: { description: mappingText(m.value) },
      sortText: `0${workers % 32 === 0 ? 0 : 1}${String(workers).padStart(5, '0')}`, // whole warps first
      detail: mappingText(m.value),
    })
  }
  return items
}

function rankItems(rank: number | undefined): CompletionItem[] {
  if (rank === undefined || rank < 2 || rank > 4) return []
  return permutations(Array.from({ length: rank }, (_, i) => i)).map((p, i) => {
    const fastest = p.indexOf(rank - 1)
    return {
      label: `(${p.join(', ')})`, kind: CompletionItemKind.Value, sortText: `0${String(i).padStart(3, '0')}`,
      labelDetails: { description: `dimension ${fastest} varies fastest` },
    }
  })
}

function permutations(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items]
  return items.flatMap(first => permutations(items.filter(i => i !== first)).map(rest => [first, ...rest]))
}

/** Lets the first definition of each name through. */
function unique(): (d: Definition) => boolean {
  const seen = new Set<string>()
  return d => {
    if (seen.has(d.name)) return false
    seen.add(d.name)
    return true
  }
}
