// Shows the product: `npm start [FOLDER]`. Builds and packs the extension, and opens VS Code with it on the examples.
//
// The desktop's `code` is used where there is one, else (or with --browser) the VS Code that runs in a browser, whose
// address is printed. Profile and extensions are throw-away folders, so nothing of the user's own VS Code is touched.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { onPath } from '../test/harness/needs.ts'
import { startServer, workbenchUrl } from '../test/harness/servers.ts'
import { build } from './build.ts'
import { installCodeServer } from './code-server.ts'
import { pack } from './package.ts'
import { root, vsix } from './paths.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { browser: { type: 'boolean', default: false } }
})
const folder = path.resolve(positionals[0] ?? path.join(root, 'docs/examples'))
await build(false)
await pack()
const code = values.browser ? undefined : onPath(process.platform === 'win32' ? 'code.cmd' : 'code')
if (code === undefined) await openInBrowser()
else await openOnDesktop(code)

async function openOnDesktop(code: string): Promise<void> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-start-'))
  try {
    const profile = ['--user-data-dir', path.join(dir, 'user'), '--extensions-dir', path.join(dir, 'extensions')]
    const run = promisify(execFile)
    const shell = process.platform === 'win32'
    await run(code, [...profile, '--install-extension', vsix], { shell })
    console.log(`VS Code is open on ${folder}; this command ends when its window is closed`)
    await run(code, [...profile, '--disable-workspace-trust', '--new-window', '--wait', folder], { shell })
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  }
}

async function openInBrowser(): Promise<void> {
  await installCodeServer(console.log)
  const server = await startServer({
    kind: 'code-server', vsix, settings: { 'workbench.colorTheme': 'Default Dark Modern' }
  })
  console.log(`Heddle is at ${workbenchUrl(server, folder)}\nCtrl-C ends it`)
  console.log(await server.ended)
  process.exitCode = 1
}
