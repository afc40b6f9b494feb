/**
 * The language server on a connection: documents in, features out. Each feature is a pure function of an analysed
 * file (features/); here they are wired to requests, settings and changes.
 *
 * Diagnostics follow a change at once, those of a burst once behind it. No request and no file ends the server: a
 * mistake of its own is answered as an error and logged with its stack.
 */
import {
  CodeActionKind, DidChangeConfigurationNotification, DidChangeWatchedFilesNotification, FileChangeType,
  LSPErrorCodes, ResponseError,
  SemanticTokensBuilder, TextDocumentSyncKind, TextDocuments, type CancellationToken, type ClientCapabilities,
  type Connection, type InitializeParams,
  type InitializeResult, type Position, type WorkspaceFoldersChangeEvent,
} from 'vscode-languageserver'
import { TextDocument } from 'vscode-languageserver-textdocument'
import { libraryText as textOfLibrary } from '../../compiler-core/library/library.ts'
import { createCompiledDiagnostics } from './compiled.ts'
import { candidatesAnswer, cudaAnswer, subjectsIn } from './cuda.ts'
import { cudaLenses, mappingLenses } from './features/code-lens.ts'
import { completion } from './features/completion.ts'
import { definition, documentHighlights, documentLinks, references } from './features/definition.ts'
import { codeActions, diagnostics } from './features/diagnostics.ts'
import { foldingRanges } from './features/folding.ts'
import { formattingEdits, onTypeEdits } from './features/formatting.ts'
import { hover } from './features/hover.ts'
import { inlayHints } from './features/inlay-hints.ts'
import { prepareRename, rename } from './features/rename.ts'
import { selectionRange } from './features/selection-ranges.ts'
import { semanticTokens, semanticTokensLegend } from './features/semantic-tokens.ts'
import { signatureHelp } from './features/signature-help.ts'
import { subjectAt } from './features/subject.ts'
import { documentSymbols, workspaceSymbols } from './features/symbols.ts'
import { fingerprint, offsetAt, type SourceFile } from './files.ts'
import { buildFacts } from './build-facts.ts'
import {
  buildFactsOf, candidatesOf, cudaChanged, cudaOf, cudaSubjects, defaultSettings, findFiles, libraryText, readFile,
  subjectAt as subjectAtMethod, verifyProgress, verifySubject,
  type CandidatesAnswer, type CandidatesParams, type CudaAnswer, type CudaParams, type CudaSubjectsAnswer,
  type CudaSubjectsParams, type LibraryTextParams, type ReadFileParams, type ServerOptions, type ServerSettings,
  type SubjectAnswer, type SubjectAtParams, type VerifyAnswer, type VerifyParams, type VerifyProgress,
} from './protocol.ts'
import { createVerifyService, type VerifyService } from './verify.ts'
import { createWorkspace, type Workspace } from './workspace.ts'

export function serve(connection: Connection): void {
  const documents = new TextDocuments(TextDocument)
  let client: ClientCapabilities = {}
  let options: ServerOptions = {}
  let settings: ServerSettings = defaultSettings
  let folders: readonly string[] = []

  const workspace: Workspace = createWorkspace({
    open: uri => documents.get(uri),
    openUris: () => documents.keys(),
    get fetch() {
      const fetch = (uri: string) => connection.sendRequest<string | null>(readFile, { uri } satisfies ReadFileParams)
      return options.files === true ? fetch : undefined
    },
    get find() { return options.files === true ? () => connection.sendRequest<string[]>(findFiles) : undefined },
    arrived: () => { changed() },
  })
  const fail = (what: string, error: unknown): void => {
    connection.console.error(`${what}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
  }

  // ---------------------------------------------------------------- life
  connection.onInitialize((params: InitializeParams) => {
    client = params.capabilities
    options = optionsOf(params.initializationOptions)
    folders = params.workspaceFolders?.map(f => f.uri) ?? (params.rootUri === null ? [] : [params.rootUri])
    workspace.configure(folders, settings.target)
    return initializeResult
  })
  connection.onInitialized(() => {
    guarded('initialize', async () => {
      if (client.workspace?.didChangeConfiguration?.dynamicRegistration === true) {
        await connection.client.register(DidChangeConfigurationNotification.type, { section: 'heddle' })
      }
      if (watchesFiles()) await connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern: '**/*.heddle' }] })
      if (client.workspace?.workspaceFolders === true) connection.workspace.onDidChangeWorkspaceFolders(takeFolders)
      await loadSettings()
      await workspace.index()
    })
  })
  const takeFolders = ({ added, removed }: WorkspaceFoldersChangeEvent): void => {
    const gone = new Set(removed.map(f => f.uri))
    folders = [...folders.filter(f => !gone.has(f)), ...added.map(f => f.uri)]
    configured()
    guarded('index', () => workspace.index())
  }
  /** A client with files of its own watches them itself. */
  const watchesFiles = (): boolean => options.files !== true
    && client.workspace?.didChangeWatchedFiles?.dynamicRegistration === true

  const loadSettings = async (pushed?: unknown): Promise<void> => {
    settings = settingsOf(client.workspace?.configuration === true ? await connection.workspace.getConfiguration('heddle') : pushed)
    configured()
  }
  const configured = (): void => {
    workspace.configure(folders, settings.target)
    changed()
    refresh()
  }
  /** What is known of open documents may differ now, though none of them was edited. */
  const changed = (): void => {
    publishSoon()
    if (options.cuda === true) connection.sendNotification(cudaChanged).catch((error: unknown) => { fail('changed', error) })
  }
  const refresh = (): void => {
    if (client.workspace?.inlayHint?.refreshSupport === true) connection.languages.inlayHint.refresh().catch((error: unknown) => { fail('refresh', error) })
    if (client.workspace?.codeLens?.refreshSupport === true) connection.sendRequest('workspace/codeLens/refresh').catch((error: unknown) => { fail('refresh', error) })
  }
  connection.onDidChangeConfiguration(({ settings: pushed }: { settings: unknown }) => {
    guarded('settings', () => loadSettings(typeof pushed === 'object' && pushed !== null && 'heddle' in pushed ? pushed.heddle : undefined))
  })
  connection.onDidChangeWatchedFiles(({ changes }) => {
    for (const { uri, type } of changes) workspace.changedOnDisk(uri, type !== FileChangeType.Deleted)
    changed()
  })

  // ---------------------------------------------------------------- diagnostics
  const published = new Map<string, { readonly version: number, readonly analysis: SourceFile['analysis'] }>()
  const compiled = createCompiledDiagnostics()
  let timer: NodeJS.Timeout | undefined

  const publishSoon = (): void => {
    if (timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      guarded('diagnostics', publish)
    }, 0)
  }
  const publish = (): void => {
    let others = 0
    for (const document of documents.all()) {
      const file = workspace.file(document.uri)
      const known = published.get(document.uri)
      if (file === undefined || workspace.isReading()) continue
      if (known?.analysis === file.analysis && known.version === document.version) continue
      if (known?.version === document.version) others++
      published.set(document.uri, { version: document.version, analysis: file.analysis })
      const { uri, version } = document
      void connection.sendDiagnostics({ uri, version, diagnostics: diagnostics(file, workspace) })
      compiled.start(uri, file.analysis, workspace.program, found => {
        if (found.length > 0) void connection.sendDiagnostics({ uri, version,
          diagnostics: diagnostics(file, workspace, found) })
      }, error => { fail('compiling', error) })
    }
    if (others > 0) refresh() // an imported file changed
  }
  documents.onDidChangeContent(() => { publishSoon() })
  documents.onDidSave(() => { if (!watchesFiles() && options.files !== true) workspace.forgetDisk() })
  documents.onDidClose(({ document }) => {
    published.delete(document.uri)
    compiled.stop(document.uri)
    tokens.delete(document.uri)
    workspace.changedOnDisk(document.uri, document.uri.startsWith('file:'))
    void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] })
    publishSoon()
  })

  // ---------------------------------------------------------------- requests
  function guarded(what: string, f: () => void | Promise<void>): void {
    try {
      f()?.catch((error: unknown) => { fail(what, error) })
    } catch (error) {
      fail(what, error)
    }
  }
  /** Answers about one file, unless the request was cancelled while it waited. */
  const about = <P extends { textDocument: { uri: string } }, R>(
    what: string, absent: R, f: (file: SourceFile, params: P) => R | Promise<R>,
  ) => async (params: P, token: CancellationToken): Promise<R> => {
    await turn()
    if (token.isCancellationRequested) throw new ResponseError(LSPErrorCodes.RequestCancelled, `${what} was cancelled`)
    try {
      const file = workspace.file(params.textDocument.uri)
      return file === undefined ? absent : await f(file, params)
    } catch (error) {
      if (!(error instanceof ResponseError)) fail(what, error)
      throw error
    }
  }
  type At = { textDocument: { uri: string }; position: Position }

  connection.onHover(about('hover', null, (file, p: At) => hover(file, workspace, offsetAt(file, p.position), { pictures: options.explorer === true }) ?? null))
  connection.onCompletion(about('completion', [], (file, p: At) => completion(file, workspace, offsetAt(file, p.position))))
  connection.onSignatureHelp(about('signature help', null, (file, p: At) => signatureHelp(file, workspace, offsetAt(file, p.position)) ?? null))
  connection.onDefinition(about('definition', null, (file, p: At) => {
    const links = definition(file, workspace, offsetAt(file, p.position))
    return client.textDocument?.definition?.linkSupport === true ? links
      : links.map(l => ({ uri: l.targetUri, range: l.targetSelectionRange }))
  }))
  connection.onReferences(about('references', [], (file, p: At & { context: { includeDeclaration: boolean } }) =>
    references(file, workspace, offsetAt(file, p.position), p.context.includeDeclaration)))
  connection.onDocumentHighlight(about('highlight', [], (file, p: At) => documentHighlights(file, workspace, offsetAt(file, p.position))))
  connection.onDocumentLinks(about('links', [], file => documentLinks(file)))
  connection.onDocumentSymbol(about('symbols', [], file => documentSymbols(file)))
  connection.onFoldingRanges(about('folding', [], file => foldingRanges(file)))
  connection.onSelectionRanges(about('selection', [], (file, p: { textDocument: { uri: string }; positions: Position[] }) =>
    p.positions.map(position => selectionRange(file, offsetAt(file, position)))))
  connection.onCodeAction(about('code actions', [], (file, p) => codeActions(file, workspace, p.range)))
  connection.onCodeLens(about('code lens', [], file => !settings.codeLens ? [] : [
    ...options.explorer === true ? mappingLenses(file) : [], ...options.cuda === true ? cudaLenses(file) : [],
  ]))
  connection.onDocumentFormatting(about('formatting', [], file => formattingEdits(file)))
  connection.onDocumentRangeFormatting(about('formatting', [], (file, p) => formattingEdits(file, p.range)))
  connection.onDocumentOnTypeFormatting(about('formatting', [], (file, p) => onTypeEdits(file, p.position.line, p.ch)))
  connection.onPrepareRename(about('rename', null, (file, p: At) => {
    const prepared = prepareRename(file, workspace, offsetAt(file, p.position))
    if (typeof prepared === 'string') throw new ResponseError(LSPErrorCodes.RequestFailed, prepared)
    return prepared
  }))
  connection.onRenameRequest(about('rename', null, (file, p: At & { newName: string }) => {
    const renaming = rename(file, workspace, offsetAt(file, p.position), p.newName, folders)
    if (!renaming.ok) throw new ResponseError(LSPErrorCodes.RequestFailed, renaming.reason)
    return renaming.edit
  }))
  connection.languages.inlayHint.on(about('inlay hints', [], (file, p) =>
    inlayHints(file, { start: offsetAt(file, p.range.start), end: offsetAt(file, p.range.end) }, settings.inlayHints)))

  const tokens = new Map<string, SemanticTokensBuilder>()
  const builderOf = (uri: string): SemanticTokensBuilder => {
    const builder = tokens.get(uri) ?? new SemanticTokensBuilder()
    tokens.set(uri, builder)
    return builder
  }
  connection.languages.semanticTokens.on(about('semantic tokens', { data: [] }, file => {
    const builder = new SemanticTokensBuilder()
    tokens.set(file.uri, builder)
    semanticTokens(file, builder)
    return builder.build()
  }))
  connection.languages.semanticTokens.onDelta(about('semantic tokens', { data: [] }, (file, p: { textDocument: { uri: string }; previousResultId: string }) => {
    const builder = builderOf(file.uri)
    builder.previousResult(p.previousResultId)
    semanticTokens(file, builder)
    return builder.buildEdits()
  }))
  connection.languages.semanticTokens.onRange(about('semantic tokens', { data: [] }, (file, p) => {
    const builder = new SemanticTokensBuilder()
    semanticTokens(file, builder, { start: offsetAt(file, p.range.start), end: offsetAt(file, p.range.end) })
    return builder.build()
  }))

  connection.onWorkspaceSymbol(async ({ query }, token) => {
    await turn()
    try {
      return token.isCancellationRequested ? [] : workspaceSymbols(workspace, query)
    } catch (error) {
      fail('workspace symbols', error)
      throw error
    }
  })
  const nothing: SubjectAnswer = { kind: 'none', reason: 'This document is not open.' }
  const answerSubject = about('subject', nothing, (file, p: SubjectAtParams) =>
    subjectAt(file, workspace, offsetAt(file, p.position), settings.target, p.last))
  /** Waits for the text that a request is about. */
  const whenThere = <P extends { readonly textDocument: { readonly uri: string; readonly version?: number } }, R>(
    answer: (params: P, token: CancellationToken) => Promise<R>,
  ) => async (params: P, token: CancellationToken): Promise<R> => {
    const { uri, version = 0 } = params.textDocument
    for (let tries = 0; tries < 100 && (documents.get(uri)?.version ?? version) < version; tries++) await turn(5)
    return answer(params, token)
  }
  connection.onRequest(subjectAtMethod, whenThere(answerSubject))
  const noSubjects: CudaSubjectsAnswer = { fingerprint: '', subjects: [] }
  connection.onRequest(cudaSubjects, whenThere(about('subjects', noSubjects, (file, _: CudaSubjectsParams) =>
    ({ fingerprint: fingerprint(file, workspace, settings.target), subjects: subjectsIn(file) }))))
  connection.onRequest(cudaOf, whenThere(about('cuda', null as CudaAnswer | null, (file, p: CudaParams) =>
    cudaAnswer(workspace.program, file, workspace, settings.target, p))))
  connection.onRequest(candidatesOf, whenThere(about('candidates', null as CandidatesAnswer | null, (file, p: CandidatesParams) =>
    candidatesAnswer(workspace.program, file, p))))
  connection.onRequest(buildFactsOf, (params: CudaParams, token: CancellationToken) => {
    const signal = signalOf(token)
    const answer = about('build facts', { kind: 'none' }, (file, p: CudaParams) =>
      buildFacts(workspace.program, file.uri, p, signal))
    return whenThere(answer)(params, token)
  })
  let verifying: VerifyService | undefined
  connection.onRequest(verifySubject, (params: VerifyParams, token: CancellationToken) => {
    const signal = signalOf(token), service = verifying ??= createVerifyService(options.cacheFolder)
    const answer = about('verification', null as VerifyAnswer | null, async ({ uri }, p: VerifyParams) => {
      const progress = (message: string, share: number): void => {
        const told: VerifyProgress = { token: p.token, message, share }
        connection.sendNotification(verifyProgress, told).catch((error: unknown) => { fail('progress', error) })
      }
      const open = () => {
        const file = workspace.file(uri)
        return file && { program: workspace.program, file, files: workspace, target: settings.target }
      }
      const found = await service.verify(p, open, progress, signal)
      if (signal.aborted) throw new ResponseError(LSPErrorCodes.RequestCancelled, 'verification was cancelled')
      return found ?? null
    })
    return whenThere(answer)(params, token)
  })
  connection.onShutdown(() => { verifying?.close() })
  connection.onRequest(libraryText, ({ uri }: LibraryTextParams) => textOfLibrary(uri) ?? null)

  documents.listen(connection)
  connection.listen()
}

const initializeResult: InitializeResult = {
  serverInfo: { name: 'heddle' },
  capabilities: {
    textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
    hoverProvider: true, definitionProvider: true, referencesProvider: true, documentHighlightProvider: true,
    renameProvider: { prepareProvider: true }, documentSymbolProvider: true, workspaceSymbolProvider: true,
    foldingRangeProvider: true,
    selectionRangeProvider: true, documentFormattingProvider: true, documentRangeFormattingProvider: true,
    documentOnTypeFormattingProvider: { firstTriggerCharacter: '}', moreTriggerCharacter: ['\n'] },
    inlayHintProvider: true, codeLensProvider: {}, documentLinkProvider: {},
    codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
    completionProvider: { triggerCharacters: ['.', '"', ':', '/'] }, signatureHelpProvider: { triggerCharacters: ['(', ','] },
    semanticTokensProvider: { legend: semanticTokensLegend, full: { delta: true }, range: true },
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
  },
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController()
  token.onCancellationRequested(() => { controller.abort() })
  return controller.signal
}

/** Lets messages in that came meanwhile, cancellations among them. */
function turn(milliseconds?: number): Promise<void> {
  return new Promise(resolve => {
    if (milliseconds === undefined) setImmediate(resolve)
    else setTimeout(resolve, milliseconds)
  })
}

function optionsOf(given: unknown): ServerOptions {
  const { explorer, cuda, files, cacheFolder } = recordOf(given)
  return {
    explorer: explorer === true, cuda: cuda === true, files: files === true,
    ...(typeof cacheFolder === 'string' && { cacheFolder }),
  }
}

/** Settings come from a file that anyone may have written: what does not fit is as if it were absent. */
function settingsOf(given: unknown): ServerSettings {
  const { target, codeLens, inlayHints } = recordOf(given)
  const { workers, shapes } = recordOf(inlayHints)
  return {
    target: typeof target === 'string' ? target : defaultSettings.target,
    codeLens: codeLens !== false,
    inlayHints: { workers: workers !== false, shapes: shapes !== false },
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {}
}
