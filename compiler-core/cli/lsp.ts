/** `heddle lsp`: the language server, which is built beside this command. */
import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

export function serveLanguage(): void {
  const command = realpathSync(process.argv[1] ?? '')
  process.argv.push('--stdio')
  createRequire(command)(path.join(path.dirname(command), 'server.js'))
}
