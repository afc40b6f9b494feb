/**
 * Files as a program: reads, parses, resolves and evaluates a file together with what it imports, and keeps what has
 * not changed.
 *
 *     const program = createProgram({ read: uri => texts.get(uri), roots: ['file:///project/'] })
 *     program.analyse('file:///project/matmul.heddle')?.diagnostics
 *
 * Names that every file sees come from std/builtin.heddle, members from std/members.heddle; `import "std/prelude"` is
 * the library, any other path a file beside the importing one. Imports are transitive: a file sees what its imports
 * see.
 */
import { builtinUri, isLibrary, libraryImports, libraryText, libraryUri, membersUri, preludeUri } from '../library/library.ts'
import { architectureNamed, defaultTarget, type Architecture } from '../target/architectures.ts'
import { diagnostic, type Diagnostic } from './diagnostics.ts'
import { createRun, evaluateTree, type EvaluationHost } from './evaluate-file.ts'
import { resolve, type Definition, type Resolved, type ScheduleEntry, type Surroundings } from './resolve.ts'
import type { Frame, Module, Run } from './run.ts'
import { listText } from './suggestions.ts'
import { parse, parseExpression, type Parsed } from './syntax/parser.ts'
import type { Import, Node } from './syntax/tree.ts'
import { spanOf } from './syntax/walk.ts'
import type { Value } from './values.ts'

export interface Host {
  /**
   * The text of a file; undefined when there is none. Asked on every `analyse`, so it should answer from memory. Never
   * asked for a library file.
   */
  read(uri: string): string | undefined
  /**
   * URIs of the folders below which imports may lie. A file outside all of them may import what lies below its own
   * folder.
   */
  readonly roots: readonly string[]
  /** The architecture that `target` stands for, such as `sm_90`; `sm_80` when it is absent or not known. */
  readonly target?: string | undefined
}

export interface Program {
  /**
   * The same object as before when neither the text nor that of any imported file has changed. Undefined: the host has
   * no such file. Library files (`heddle-std:/prelude.heddle`) are analysed like any other.
   */
  analyse(uri: string): Analysis | undefined
  /** A fresh evaluation of what an analysed file declares, for an architecture (the program's own when absent). */
  elaboration(uri: string, architecture?: Architecture): { readonly run: Run; readonly frame: Frame } | undefined
  /** One expression; it sees the library's prelude. */
  evaluateExpression(text: string): EvaluatedExpression
}

export interface EvaluatedExpression {
  /** `unknown` after an error. */
  readonly value: Value
  readonly diagnostics: readonly Diagnostic[]
}

export interface Analysis {
  readonly uri: string
  readonly text: string
  readonly parsed: Parsed
  readonly imports: readonly ImportedFile[]
  /** Names of members (`m.shape`) among them, where the value before the dot is known. */
  readonly resolved: Resolved
  /** Of each expression and each declared `Name` that has one value; bodies that run many times have none. */
  readonly values: ReadonlyMap<Node, Value>
  /** Of text, grammar, names and values, by position. */
  readonly diagnostics: readonly Diagnostic[]
  /** What files that import this one see: its own names, then those of its imports. */
  readonly exports: ReadonlyMap<string, Definition>
  /** All files that this one depends on, itself included. */
  readonly files: ReadonlySet<string>
}

export interface ImportedFile {
  readonly node: Import
  /** Undefined when the path is not one. */
  readonly uri: string | undefined
  /** Undefined when the file cannot be imported, which is a diagnostic. */
  readonly analysis: Analysis | undefined
}

/** No program imports more deeply than this. */
const deepestImport = 100

export function createProgram(host: Host): Program {
  const architecture = architectureOf(host.target)
  const parses = new Map<string, Parsed>()
  const analyses = new Map<string, Entry>()

  const readText = (uri: string): string | undefined => isLibrary(uri) ? libraryText(uri) : host.read(uri)
  function parsedFile(uri: string): Parsed | undefined {
    const text = readText(uri)
    if (text === undefined) {
      parses.delete(uri)
      analyses.delete(uri)
      return undefined
    }
    const known = parses.get(uri)
    if (known?.text === text) return known
    const parsed = parse(text)
    parses.set(uri, parsed)
    return parsed
  }

  function analyse(uri: string, depth = 0): Analysis | undefined {
    const parsed = parsedFile(uri)
    if (!parsed) return undefined
    const imports = parsed.file.items.flatMap(item => item.kind === 'Import' ? [importOf(uri, parsed, item, depth)] : [])
    const known = analyses.get(uri)
    if (known?.analysis.parsed === parsed && sameImports(known.imports, imports)) return known.analysis
    const entry = analysed(uri, parsed, imports)
    analyses.set(uri, entry)
    return entry.analysis
  }

  function importOf(uri: string, parsed: Parsed, node: Import, depth: number): ResolvedImport {
    if (node.path.kind === 'Missing') return { node, uri: undefined, analysis: undefined, problem: undefined }
    const { value } = node.path
    const wrong = (code: Diagnostic['code'], message: string, target?: string): ResolvedImport =>
      ({ node, uri: target, analysis: undefined, problem: diagnostic(code, spanOf(parsed, node.path), message) })
    const target = importTarget(uri, value, host.roots)
    if ('problem' in target) return wrong(target.code, target.problem)
    if (depth >= deepestImport) return wrong('too-large', `Files import each other more than ${deepestImport} deep.`, target.uri)
    const cycle = pathBetween(target.uri, uri)
    if (cycle) {
      const names = [uri, ...cycle].map(u => `\`${fileName(u)}\``)
      return wrong('import-cycle', `This import leads back to the file itself: ${names.join(' -> ')}. Move what both need into a file that imports neither.`, target.uri)
    }
    const analysis = analyse(target.uri, depth + 1)
    if (analysis) return { node, uri: target.uri, analysis, problem: undefined }
    return wrong('missing-import', value.startsWith('std/')
      ? `The library has no file \`${value}\`. It has ${listText(libraryImports)}.` : `There is no file \`${fileName(target.uri)}\` ${folderText(value)}.`, target.uri)
  }

  /** The files from one file to another along imports, both included. */
  function pathBetween(from: string, to: string): readonly string[] | undefined {
    const cameFrom = new Map<string, string | undefined>([[from, undefined]])
    for (const uri of cameFrom.keys()) {
      if (uri === to) {
        const path: string[] = []
        for (let at: string | undefined = uri; at !== undefined; at = cameFrom.get(at)) path.unshift(at)
        return path
      }
      const parsed = parsedFile(uri)
      for (const item of parsed?.file.items ?? []) {
        if (item.kind !== 'Import' || item.path.kind === 'Missing') continue
        const target = importTarget(uri, item.path.value, host.roots)
        if ('uri' in target && !cameFrom.has(target.uri)) cameFrom.set(target.uri, uri)
      }
    }
    return undefined
  }

  function analysed(uri: string, parsed: Parsed, imports: readonly ResolvedImport[]): Entry {
    const { resolved, use } = resolve(uri, parsed, parsed.file, surroundings(uri, imports))
    const evaluated = evaluateTree(uri, parsed, parsed.file, resolved, evaluationHost(use))
    const exports = new Map(resolved.exports)
    for (const { analysis } of imports) {
      for (const [name, definition] of analysis?.exports ?? []) if (!exports.has(name)) exports.set(name, definition)
    }
    const files = new Set([uri, ...imports.flatMap(i => [...i.analysis?.files ?? []])])
    const diagnostics = sorted([
      ...parsed.diagnostics, ...imports.flatMap(i => i.problem ? [i.problem] : []),
      ...unusedImports(parsed, resolved, imports), ...resolved.diagnostics, ...evaluated.diagnostics,
    ])
    const analysis: Analysis = {
      uri, text: parsed.text, parsed, imports, resolved, values: evaluated.values, diagnostics, exports, files,
    }
    return { analysis, imports, module: evaluated.module }
  }

  /**
   * Library files are evaluated first: the members and the built-in names are themselves files without surroundings.
   */
  function libraryEntry(uri: string): Entry | undefined {
    const known = analyses.get(uri)
    if (known) return known
    analyse(uri)
    return analyses.get(uri)
  }

  function surroundings(uri: string, imports: readonly ResolvedImport[]): Surroundings {
    const library = uri === builtinUri || uri === membersUri
    const builtins = uri === builtinUri ? undefined : libraryEntry(builtinUri)?.analysis.resolved.exports
    const sources = imports.flatMap(i => i.analysis ? [i.analysis] : [])
    return {
      library,
      builtin: name => builtins?.get(name),
      imported: name => [...new Set(sources.flatMap(a => a.exports.get(name) ?? []))],
      schedules: sources.flatMap(a => schedulesOf(a)),
      incomplete: imports.some(i => !i.analysis),
      *visibleNames() {
        for (const a of sources) yield* a.exports.keys()
        if (builtins) yield* builtins.keys()
      },
      libraryPath: name => libraryPath(({ exports }) => exports.has(name)),
      schedulePath: (name, operator) => libraryPath(({ schedules }) => schedules.some(s => s.definition.name === name
        && (operator === undefined || s.operator === undefined || s.operator === operator))),
    }

    function libraryPath(has: (file: Resolved) => boolean): string | undefined {
      // a file of the library does not look for a missing name in its neighbours, which may miss one, too
      return isLibrary(uri) ? undefined : libraryImports.find(path => {
        const file = libraryEntry(libraryUri(path.slice('std/'.length)))
        return file && has(file.analysis.resolved)
      })
    }
  }

  function schedulesOf(a: Analysis): readonly ScheduleEntry[] {
    return [...a.files].flatMap(uri => analyses.get(uri)?.analysis.resolved.schedules ?? [])
  }

  function evaluationHost(useMember: EvaluationHost['useMember']): EvaluationHost {
    return {
      architecture,
      module: uri => analyses.get(uri)?.module,
      member: (kind, name) => members(kind).get(name),
      memberNames: kind => [...members(kind).keys()],
      useMember,
    }
  }

  const memberTables = new Map<string, Map<string, Definition>>()
  /** Members of a kind of values, from the type of the first parameter in the library's declarations. */
  function members(kind: string): ReadonlyMap<string, Definition> {
    if (memberTables.size === 0) {
      for (const definition of libraryEntry(membersUri)?.analysis.resolved.definitions ?? []) {
        const self = definition.node.kind === 'Fn' ? definition.node.params[0]?.type : undefined
        if (self?.kind !== 'TensorType') continue
        const table = memberTables.get(self.element.text) ?? new Map<string, Definition>()
        memberTables.set(self.element.text, table.set(definition.name, definition))
      }
    }
    return memberTables.get(kind) ?? new Map()
  }

  function evaluateExpression(text: string): EvaluatedExpression {
    const uri = 'expression:'
    const parsed = parseExpression(text)
    const prelude = libraryEntry(preludeUri)?.analysis.exports
    const { resolved, use } = resolve(uri, parsed, parsed.expression, {
      ...surroundings(uri, []), imported: name => [prelude?.get(name)].filter(d => d !== undefined),
    })
    const { value, diagnostics } = evaluateTree(uri, parsed, parsed.expression, resolved, evaluationHost(use))
    return { value, diagnostics: sorted([...parsed.diagnostics, ...resolved.diagnostics, ...diagnostics]) }
  }

  function elaboration(uri: string, target = architecture): ReturnType<Program['elaboration']> {
    const module = analyses.get(uri)?.module
    return module && {
      run: createRun({ ...evaluationHost(() => undefined), architecture: target }),
      frame: { module, locals: new Map(), values: undefined },
    }
  }

  return { analyse: uri => analyse(uri), elaboration, evaluateExpression }
}

/** One expression with the library's prelude in scope, as `heddle mapping "..."` takes it. */
export function evaluateExpression(
  text: string, options: { readonly target?: string | undefined } = {}
): EvaluatedExpression {
  return createProgram({ read: () => undefined, roots: [], target: options.target }).evaluateExpression(text)
}

interface Entry { readonly analysis: Analysis; readonly imports: readonly ResolvedImport[]; readonly module: Module }
interface ResolvedImport extends ImportedFile { readonly problem: Diagnostic | undefined }

function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted((a, b) => a.span.start - b.span.start)
}

function architectureOf(target: string | undefined): Architecture {
  const found = architectureNamed(target ?? defaultTarget) ?? architectureNamed(defaultTarget)
  if (!found) throw new Error(`There is no architecture ${defaultTarget}`)
  return found
}

function sameImports(a: readonly ResolvedImport[], b: readonly ResolvedImport[]): boolean {
  return a.length === b.length && a.every((x, i) =>
    x.analysis === b[i]?.analysis && x.uri === b[i]?.uri && x.problem?.message === b[i]?.problem?.message)
}

/** Imports that no name comes from; a file without declarations gathers others, and uses none itself. */
function unusedImports(parsed: Parsed, resolved: Resolved, imports: readonly ResolvedImport[]): readonly Diagnostic[] {
  if (parsed.file.items.every(item => item.kind === 'Import')) return []
  const used = new Set([...resolved.usesOf.keys()].map(d => d.uri))
  return imports.flatMap(({ node, analysis }) => {
    if (!analysis || [...analysis.files].some(uri => used.has(uri))) return []
    const span = spanOf(parsed, node)
    const path = node.path.kind === 'StringLiteral' ? node.path.value : ''
    const lineBreak = /^[ \t]*\r?\n/.exec(parsed.text.slice(span.end))?.[0].length ?? 0
    return [diagnostic('unused-import', span, `Nothing of \`${path}\` is used here.`, {
      severity: 'information', fix: { title: 'Remove the import', edits: [{ span: { start: span.start, end: span.end + lineBreak }, newText: '' }] },
    })]
  })
}

// ---------------------------------------------------------------- paths

type Target = { readonly uri: string } | { readonly code: 'missing-import' | 'import-outside'; readonly problem: string }

/** The URI that a path in a file means. */
function importTarget(from: string, path: string, roots: readonly string[]): Target {
  if (path.trim() === '') return { code: 'missing-import', problem: 'An import names a file: `import "std/prelude"`, `import "tiles"`.' }
  if (path.startsWith('std/')) return { uri: libraryUri(path.slice('std/'.length)) }
  if (path.includes('\\')) return { code: 'missing-import', problem: 'Folders are separated by `/` in a path, on every system.' }
  const folder = from.slice(0, from.lastIndexOf('/') + 1)
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(folder)?.[0]
  if (scheme === undefined) return { code: 'import-outside', problem: 'A file that is not saved has no folder to import from. Save it first.' }
  if (path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)) {
    return { code: 'import-outside', problem: 'A path is relative to the folder of this file: `tiles`, `../shared/tiles`.' }
  }
  const segments = folder.slice(scheme.length).split('/').slice(0, -1)
  for (const part of path.replace(/\.heddle$/, '').split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (segments.length <= 1) return { code: 'import-outside', problem: `\`${path}\` leads above the root of the file system.` }
      segments.pop()
    } else segments.push(encoded(part))
  }
  const uri = `${scheme}${segments.join('/')}.heddle`
  const root = roots.map(r => r.endsWith('/') ? r : `${r}/`).find(r => from.startsWith(r)) ?? folder
  if (!uri.startsWith(root)) {
    return { code: 'import-outside', problem: `\`${path}\` lies outside of the folder \`${decoded(root.slice(scheme.length))}\`, beyond which no file is read.` }
  }
  return { uri }
}

/** As VS Code writes URIs: everything but letters, digits and `-._~` is escaped. */
function encoded(segment: string): string {
  return encodeURIComponent(segment.replace(/\p{Surrogate}/gu, '\ufffd')).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function fileName(uri: string): string { return decoded(uri.slice(uri.lastIndexOf('/') + 1)) }
function folderText(path: string): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return folder === '' ? 'beside this one' : `in \`${folder}\``
}
