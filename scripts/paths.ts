// Where things are: the repository, what is built and tested in it, the tools that it installs.
import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '..')
/** What the extension ships. */
export const dist = path.join(root, 'dist')
/** Logs, reports, screenshots, profiles of test runs; never committed. */
export const scratch = path.join(root, '.test')
/** Programs too large for node_modules (code-server). Clones share one folder through HEDDLE_TOOLS. */
export const tools = path.resolve(process.env['HEDDLE_TOOLS'] ?? path.join(root, '.tools'))
export const codeServer = path.join(tools, 'code-server/node_modules/code-server')
export const vsix = path.join(root, 'heddle.vsix')
