/** The language server as a process beside VS Code: start, restart, requests, and its state for the user to see. */
import * as vscode from 'vscode'
import type { LanguageClient } from 'vscode-languageclient/node'
import {
  cudaChanged, findFiles, readFile, verifyProgress, type ReadFileParams, type ServerOptions, type VerifyProgress,
} from '../server/protocol.ts'

export interface LanguageServer extends vscode.Disposable {
  /** Resolves when the server answers. */
  start(): Promise<void>
  restart(): Promise<void>
  /** Sends a request; undefined, and a line in the log, where the server cannot answer. */
  request<R>(method: string, params: object, token?: vscode.CancellationToken): Promise<R | undefined>
  /** What the server answers may differ now, though no open document was edited. */
  readonly onDidChange: vscode.Event<void>
  /** A verification goes on. */
  readonly onDidProgress: vscode.Event<VerifyProgress>
}

type State = 'starting' | 'running' | 'stopped'

/**
 * Feature: Language server
 *
 * All language features come from Heddle's own server, which starts with the first Heddle file. The braces in the
 * status bar show whether it runs; **Heddle: Restart Language Server** starts it anew and **Heddle: Show Log** opens
 * its log, whose level **Developer: Set Log Level...** changes. `heddle.trace.server` writes every message to the
 * log.
 */
export function createLanguageServer(
  context: vscode.ExtensionContext, output: vscode.LogOutputChannel,
): LanguageServer {
  const status = vscode.languages.createLanguageStatusItem('heddle.server', { language: 'heddle' })
  status.name = 'Heddle Language Server'
  const settings = vscode.workspace.onDidChangeConfiguration(e => { if (e.affectsConfiguration('heddle.target')) show(status, state) })
  const watcher = vscode.workspace.createFileSystemWatcher('**/*.heddle')
  const changed = new vscode.EventEmitter<void>(), progressed = new vscode.EventEmitter<VerifyProgress>()
  let state: State = 'starting'
  let client: LanguageClient | undefined
  let running: Promise<LanguageClient> | undefined
  show(status, state)

  const enter = (next: State): void => { state = next; show(status, state) }
  const launch = async (): Promise<LanguageClient> => {
    await new Promise(setImmediate) // loading the client is no part of activation
    const launched = await createClient(context, output, watcher)
    client = launched.client
    client.onNotification(cudaChanged, () => { changed.fire() })
    client.onNotification(verifyProgress, (progress: VerifyProgress) => { progressed.fire(progress) })
    launched.onState(next => { if (client === launched.client) enter(next) })
    await launched.client.start()
    return launched.client
  }
  const started = (): Promise<LanguageClient> => running ??= launch()

  return {
    async start() { await started() },
    async restart() {
      const old = client
      client = running = undefined
      enter('starting')
      try {
        await old?.dispose()
      } catch (error) {
        output.warn('The language server did not stop by itself:', String(error))
      }
      await started()
      output.info('Restarted the language server')
      changed.fire()
    },
    onDidChange: changed.event,
    onDidProgress: progressed.event,
    async request<R>(method: string, params: object, token?: vscode.CancellationToken) {
      try {
        const running = await started()
        return await (token === undefined ? running.sendRequest<R>(method, params)
          : running.sendRequest<R>(method, params, token))
      } catch (error) {
        if (token?.isCancellationRequested !== true) output.error(`${method}:`, String(error))
        return undefined
      }
    },
    dispose() {
      for (const part of [status, settings, watcher, changed, progressed]) part.dispose()
      client?.dispose().catch((error: unknown) => { output.warn('Stopping the language server:', String(error)) })
    },
  }
}

async function createClient(
  context: vscode.ExtensionContext, output: vscode.LogOutputChannel, watcher: vscode.FileSystemWatcher,
): Promise<{ client: LanguageClient; onState(f: (state: State) => void): void }> {
  const { LanguageClient, TransportKind, State: ClientState, RevealOutputChannelOn } = await import('vscode-languageclient/node')
  const module = context.asAbsolutePath('dist/server.js'), cacheFolder = context.globalStorageUri.fsPath
  const initializationOptions: ServerOptions = { explorer: true, cuda: true, files: true, cacheFolder }
  const client = new LanguageClient('heddle', 'Heddle', {
    run: { module, transport: TransportKind.ipc },
    debug: { module, transport: TransportKind.ipc, options: { execArgv: ['--nolazy', '--inspect=6011'] } },
  }, {
    documentSelector: [{ language: 'heddle' }],
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions,
    synchronize: { fileEvents: watcher },
  })
  client.onRequest(findFiles, async () => (await vscode.workspace.findFiles('**/*.heddle', '**/node_modules/**', 5000)).map(String))
  client.onRequest(readFile, ({ uri }: ReadFileParams) => textOf(vscode.Uri.parse(uri)))
  return {
    client,
    onState: f => {
      client.onDidChangeState(({ newState }) => {
        f(newState === ClientState.Running ? 'running' : newState === ClientState.Starting ? 'starting' : 'stopped')
      })
    },
  }
}

function show(status: vscode.LanguageStatusItem, state: State): void {
  const target = vscode.workspace.getConfiguration('heddle').get<string>('target') ?? ''
  const details = { starting: 'the language server starts', running: `target ${target}`, stopped: 'the language server has stopped' }
  status.busy = state === 'starting'
  status.text = state === 'stopped' ? '$(error) Heddle' : 'Heddle'
  status.detail = details[state]
  status.severity = state === 'stopped' ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information
  status.command = state === 'stopped'
    ? { title: 'Restart', command: 'heddle.restartServer' }
    : { title: 'Show Log', command: 'heddle.showLog' }
}

async function textOf(uri: vscode.Uri): Promise<string | null> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri))
  } catch {
    return null // there is no such file: the server says so where it is imported
  }
}
