/** The language server's process: `--node-ipc` beside VS Code, `--stdio` for every other client (`heddle lsp`). */
import { ProposedFeatures, createConnection } from 'vscode-languageserver/node'
import { serve } from './server.ts'

const connection = createConnection(ProposedFeatures.all)
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    connection.console.error(`${event}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`)
  })
}
serve(connection)
