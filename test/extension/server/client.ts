/**
 * The language server as a process, driven over stdio as an editor does.
 *
 *     const server = await startServer({ codeLens: true })
 *     const a = server.open('a.heddle', 'let m = spatial(2, 3)')
 *     await a.diagnostics()
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import {
  DidChangeTextDocumentNotification, DidCloseTextDocumentNotification, DidOpenTextDocumentNotification,
  ExitNotification, InitializeRequest,
  InitializedNotification, LogMessageNotification, MessageType, PublishDiagnosticsNotification, ShutdownRequest,
  StreamMessageReader, StreamMessageWriter,
  createProtocolConnection, type Diagnostic, type InitializeResult, type ProtocolConnection,
  type TextDocumentContentChangeEvent
} from 'vscode-languageserver/node'
import { findFiles, readFile, type ReadFileParams, type ServerOptions } from '../../../extension/server/protocol.ts'

export interface ServerUnderTest {
  readonly connection: ProtocolConnection
  readonly initialized: InitializeResult
  /** What the server logged as errors. */
  readonly errors: readonly string[]
  open(name: string, text: string): OpenDocument
  isRunning(): boolean
  stop(): Promise<void>
}

export interface OpenDocument {
  readonly uri: string
  readonly textDocument: { readonly uri: string }
  change(...changes: readonly TextDocumentContentChangeEvent[]): void
  close(): void
  /** Those of the text as it is now. */
  diagnostics(): Promise<readonly Diagnostic[]>
}

export interface StartOptions {
  readonly command?: readonly string[]
  readonly folders?: readonly string[]
  readonly settings?: unknown
  readonly options?: ServerOptions
  readonly environment?: NodeJS.ProcessEnv
  /** Files that only the client can read. */
  readonly remote?: Readonly<Record<string, string>>
}

const root = path.resolve(import.meta.dirname, '../../..')
/** From the sources; `npm test` builds what users get and tests that in VS Code. */
const fromSources = ['--import', path.join(root, 'scripts/text-modules.mjs'), path.join(root, 'extension/server/main.ts'), '--stdio']

export async function startServer(start: StartOptions = {}): Promise<ServerUnderTest> {
  const child = spawn(process.execPath, start.command ?? fromSources, {
    stdio: ['pipe', 'pipe', 'inherit'], env: start.environment ?? process.env
  })
  const reader = new StreamMessageReader(child.stdout), writer = new StreamMessageWriter(child.stdin)
  const connection = createProtocolConnection(reader, writer)
  const errors: string[] = []
  const published = new Map<string, { version: number | undefined, diagnostics: readonly Diagnostic[] }>()
  let wake: () => void = () => undefined
  connection.onNotification(LogMessageNotification.type, ({ type, message }) => {
    if (type === MessageType.Error) errors.push(message)
  })
  connection.onNotification(PublishDiagnosticsNotification.type, ({ uri, version, diagnostics }) => {
    published.set(uri, { version, diagnostics })
    wake()
  })
  connection.onRequest('workspace/configuration', ({ items }: { items: readonly unknown[] }) => items.map(() => start.settings ?? null))
  connection.onRequest('client/registerCapability', () => null)
  connection.onRequest(readFile, ({ uri }: ReadFileParams) => start.remote?.[uri] ?? null)
  connection.onRequest(findFiles, () => Object.keys(start.remote ?? {}))
  connection.onRequest('workspace/inlayHint/refresh', () => null)
  connection.onRequest('workspace/codeLens/refresh', () => null)
  connection.listen()
  const initialized = await connection.sendRequest(InitializeRequest.type, {
    processId: process.pid, rootUri: null, initializationOptions: start.options,
    workspaceFolders: (start.folders ?? []).map(uri => ({ uri, name: 'folder' })),
    capabilities: {
      workspace: {
        configuration: true, workspaceFolders: true, inlayHint: { refreshSupport: true },
        codeLens: { refreshSupport: true },
        didChangeConfiguration: { dynamicRegistration: true }
      },
      textDocument: { definition: { linkSupport: true } }
    }
  })
  await connection.sendNotification(InitializedNotification.type, {})

  const until = async (condition: () => boolean): Promise<void> => {
    const end = Date.now() + 20_000
    while (!condition()) {
      if (Date.now() > end) throw new Error('the server published no diagnostics')
      await new Promise<void>(resolve => {
        wake = resolve
        setTimeout(resolve, 100)
      })
    }
  }
  return {
    connection, initialized, errors,
    isRunning: () => child.exitCode === null,
    open(name, text) {
      const uri = name.includes(':') ? name : `file:///project/${name}`
      let version = 1
      void connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: 'heddle', version, text } })
      return {
        uri, textDocument: { uri },
        change(...contentChanges) {
          version++
          void connection.sendNotification(DidChangeTextDocumentNotification.type, {
            textDocument: { uri, version }, contentChanges: [...contentChanges]
          })
        },
        close() { void connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } }) },
        async diagnostics() {
          await until(() => published.get(uri)?.version === version)
          return published.get(uri)?.diagnostics ?? []
        }
      }
    },
    async stop() {
      const ended = new Promise(resolve => { child.on('exit', resolve) })
      await connection.sendRequest(ShutdownRequest.type)
      await connection.sendNotification(ExitNotification.type)
      await ended
      connection.dispose()
    }
  }
}
