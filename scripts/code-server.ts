// Installs the VS Code server that stands in for a desktop VS Code: `npm test` and `npm start` do it when they need it.
//
// npm's code-server is a VS Code with a real extension host. Its native add-ons are optional here, so no install script
// runs and no compiler is needed. It is large (600 MB) and lives outside node_modules, in the tools folder.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { codeServer, root, tools } from './paths.ts'

const place = path.join(tools, 'code-server')
const manifests = path.join(root, 'scripts/code-server')

/** Installs the pinned code-server unless it is there; throws when npm cannot. The log says what it does and why. */
export async function installCodeServer(log: (line: string) => void): Promise<void> {
  const wanted = createHash('sha256').update(readFileSync(path.join(manifests, 'package-lock.json'))).digest('hex')
  const stamp = path.join(place, 'installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  log(`installing code-server into ${path.relative(process.cwd(), place) || place} (once, 600 MB)`)
  mkdirSync(tools, { recursive: true })
  const fresh = mkdtempSync(path.join(tools, 'installing-')) // renamed when whole: an interrupted install leaves no half
  try {
    cpSync(manifests, fresh, { recursive: true })
    const vscode = path.join(fresh, path.relative(place, codeServer), 'lib/vscode')
    await npm(fresh, ['ci'])
    await npm(vscode, ['install', '--omit=dev']) // its shrinkwrap pins versions, but lacks an entry that `ci` wants
    await npm(path.join(vscode, 'extensions'), ['ci', '--omit=dev'])
    writeFileSync(path.join(fresh, 'installed'), wanted)
    rmSync(place, { recursive: true, force: true })
    renameSync(fresh, place)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

async function npm(cwd: string, args: readonly string[]): Promise<void> {
  const cli = process.env['npm_execpath']
  const [command, first] = cli === undefined ? ['npm', []] : [process.execPath, [cli]]
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  await promisify(execFile)(command, [...first, ...args, ...quiet], { cwd, shell: process.platform === 'win32' })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await installCodeServer(console.log)
