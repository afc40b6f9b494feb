/**
 * The extension's entry in VS Code: registers commands, views and providers, and nothing more; the language client
 * and the mapping explorer are loaded when they are first needed, so that activation stays short.
 *
 * In an untrusted workspace the product's own server runs, which starts no other program there; no executable or
 * argument ever comes from the workspace, and no file is written in it but those that the user names in a save dialog.
 */
import * as vscode from 'vscode'
import {
  libraryScheme, libraryText, showCuda, showTaskMapping, type ShowCudaArgument, type ShowTaskMappingArgument,
} from '../server/protocol.ts'
import { createCudaEditors, type CudaEditors } from './cuda.ts'
import { openExample } from './examples.ts'
import type { Explorer } from './explorer.ts'
import { createLanguageServer } from './server.ts'
import type { Verifier } from './verifier.ts'
import { createVerification } from './verify.ts'

/** What other extensions, and tests, get as the extension's exports. */
export interface Api {
  /** Resolves when the language server answers. */
  readonly ready: Promise<void>
  /** The mapping explorer, once it has been opened. */
  explorer(): Explorer | undefined
  readonly cuda: CudaEditors
  readonly verifier: Verifier
}

export function activate(context: vscode.ExtensionContext): Api {
  const output = vscode.window.createOutputChannel('Heddle', { log: true })
  const server = createLanguageServer(context, output)
  const cuda = createCudaEditors(server, output, context.globalState)
  const verification = createVerification(server, cuda)
  let explorer: Explorer | undefined
  let opening: Promise<Explorer> | undefined
  const openExplorer = async (): Promise<Explorer> => {
    const { createExplorer } = await import('./explorer.ts')
    explorer = await createExplorer(context, server, output)
    return explorer
  }
  const openedExplorer = (): Promise<Explorer> => opening ??= openExplorer()

  context.subscriptions.push(
    output, server, cuda, verification, new vscode.Disposable(() => { explorer?.dispose() }),
    vscode.commands.registerCommand(showTaskMapping, async (at?: ShowTaskMappingArgument | vscode.Uri) => {
      await (await openedExplorer()).show(at !== undefined && 'position' in at ? at : undefined) // a menu passes the file's address
    }),
    vscode.commands.registerCommand(showCuda, async (what?: ShowCudaArgument | vscode.Uri) => {
      await cuda.show(what !== undefined && 'subject' in what ? what : undefined)
    }),
    vscode.commands.registerCommand('heddle.restartServer', () => server.restart()),
    vscode.commands.registerCommand('heddle.showLog', () => { output.show() }),
    vscode.commands.registerCommand('heddle.openExample', (name?: string) => openExample(context, name)),
    vscode.window.registerWebviewPanelSerializer('heddle.explorer', {
      async deserializeWebviewPanel(panel: vscode.WebviewPanel) { (await openedExplorer()).adopt(panel) },
    }),
    /**
     * Feature: Go to definition into the library
     *
     * The functions of `std/...` and the built-in names are declared in readable Heddle files. **Go to Definition**
     * opens them read-only, with everything that works in a file of your own.
     */
    vscode.workspace.registerTextDocumentContentProvider(libraryScheme, {
      provideTextDocumentContent: async uri => await server.request<string | null>(libraryText, { uri: uri.toString() }) ?? '',
    }),
  )
  const ready = server.start()
  ready.catch((error: unknown) => { output.error('The language server did not start:', String(error)) })
  return { ready, explorer: () => explorer, cuda, verifier: verification.verifier }
}
