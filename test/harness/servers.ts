// Starts a VS Code in the browser for tests: either code-server as a user would run it (end to end, `npm start`), or
// the bare VS Code server within it, which alone accepts an extension under development and its tests.
//
// A server's profile, extensions and workspaces lie in a fresh temporary folder. It runs in its own process group,
// which ends with stop() or with this process.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { codeServer } from '../../scripts/paths.ts'

export type Settings = Readonly<Record<string, unknown>>

export interface Server {
  readonly url: string
  /** 127.0.0.1:PORT, the authority of vscode-remote: URIs. */
  readonly authority: string
  /** A fresh copy of a folder, to open and change. */
  copyFolder(from: string): string
  /** Replaces the user's settings: the defaults for tests, and these over them. */
  writeSettings(settings: Settings): void
  /** What the server printed so far. */
  log(): string
  /** Resolves when the server has ended by itself. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly kind: 'code-server' | 'vscode-server'
  readonly settings?: Settings
  readonly env?: Readonly<Record<string, string>>
  /** Profile folders of the caller's instead of fresh ones. */
  readonly userData?: string
  readonly extensions?: string
  /** Packed extension to install first (code-server only). */
  readonly vsix?: string
}

export async function startServer(options: ServerOptions): Promise<Server> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
  const userData = options.userData ?? path.join(dir, 'user')
  const extensions = options.extensions ?? path.join(dir, 'extensions')
  const home = path.join(dir, 'home')
  for (const folder of [path.join(userData, 'User'), extensions, home]) mkdirSync(folder, { recursive: true })
  const config = path.join(dir, 'config.yaml')
  writeFileSync(config, '')
  const settingsFile = path.join(userData, 'User/settings.json')
  const writeSettings = (settings: Settings): void => {
    writeFileSync(settingsFile, JSON.stringify({ ...quietSettings, ...settings }, null, 2))
  }
  writeSettings(options.settings ?? {})

  // A terminal of VS Code or code-server that runs the tests must not pass its own server on.
  const outside = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|CODE_SERVER_|ELECTRON_)/.test(name))
  const env = { ...Object.fromEntries(outside), ...options.env, HOME: home, EXTENSIONS_GALLERY: '{}' }
  const profile = ['--user-data-dir', userData, '--extensions-dir', extensions]
  const front = [path.join(codeServer, 'out/node/entry.js'), ...profile, '--config', config]
  if (options.vsix !== undefined) await installExtension(front, options.vsix, env)

  const port = await freePort()
  const args = options.kind === 'code-server'
    ? [...front, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', '--disable-telemetry', '--disable-update-check',
      '--disable-workspace-trust', '--disable-getting-started-override', '--disable-proxy',
      '--reconnection-grace-time', '1']
    : [path.join(codeServer, 'lib/vscode/out/server-main.js'), ...profile, '--host', '127.0.0.1', '--port', `${port}`,
      '--server-data-dir', path.join(dir, 'server'), '--without-connection-token', '--accept-server-license-terms',
      '--telemetry-level', 'off', '--disable-workspace-trust', '--enable-smoke-test-driver']
  const logFile = path.join(dir, 'server.log')
  const output = openSync(logFile, 'w')
  const child = spawn(process.execPath, args, { env, cwd: dir, detached: true, stdio: ['ignore', output, output] })
  const log = (): string => readFileSync(logFile, 'utf8')
  const ended = new Promise<string>(resolve => {
    child.on('exit', (code, signal) => { resolve(`the server ended (${signal ?? code})`) })
  })
  const end = (): void => {
    signalGroup(child, 'SIGKILL') // the whole group: extension hosts, language servers
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
  process.on('exit', end)
  endProcessOnSignals()

  const stop = async (): Promise<void> => {
    signalGroup(child, 'SIGTERM')
    await Promise.race([ended, sleep(2000)])
    process.off('exit', end)
    end()
  }
  const url = `http://127.0.0.1:${port}`
  const answers = waitForAnswer(`${url}/${options.kind === 'code-server' ? 'healthz' : 'version'}`, 60_000)
  const trouble = await Promise.race([answers, ended])
  if (trouble !== undefined) {
    const printed = log()
    await stop()
    throw new Error(`${options.kind} did not start: ${trouble}\n${printed}`)
  }
  return {
    url, authority: `127.0.0.1:${port}`, ended, log, stop, writeSettings,
    copyFolder: from => {
      const copy = path.join(mkdtempSync(path.join(dir, 'copy-')), path.basename(from))
      cpSync(from, copy, { recursive: true })
      return copy
    }
  }
}

/** The page of the workbench with that folder open; a payload gives an extension under development and its tests. */
export function workbenchUrl(server: Server, folder: string, payload?: readonly (readonly [string, string])[]): string {
  const url = new URL(server.url)
  url.searchParams.set('folder', folder)
  if (payload !== undefined) url.searchParams.set('payload', JSON.stringify(payload))
  return url.href
}

/** Nothing that looks for a network, saves by itself, or covers what is tested. */
const quietSettings: Settings = {
  'telemetry.telemetryLevel': 'off', 'update.mode': 'none', 'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false, 'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false, 'workbench.startupEditor': 'none', 'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden', 'window.commandCenter': false,
  'chat.disableAIFeatures': true, 'security.workspace.trust.enabled': false, 'files.autoSave': 'off',
  'files.simpleDialog.enable': true, 'git.enabled': false, 'git.openRepositoryInParentFolders': 'never'
}

async function installExtension(front: readonly string[], vsix: string, env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(process.execPath, [...front, '--install-extension', vsix, '--force'], { env })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { printed += String(chunk) })
  const code = await new Promise<number | null>(resolve => { child.on('close', resolve) })
  if (code !== 0) throw new Error(`installing ${vsix} ended with ${code}\n${printed}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => { resolve(typeof address === 'object' && address !== null ? address.port : 0) })
    })
  })
}

/** Undefined when the address answers, else what is wrong. */
async function waitForAnswer(url: string, milliseconds: number): Promise<string | undefined> {
  const end = Date.now() + milliseconds
  while (Date.now() < end) {
    try {
      if ((await fetch(url)).ok) return undefined
    } catch { /* not listening yet */ }
    await sleep(50)
  }
  return `no answer within ${milliseconds / 1000} s`
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch { /* the group has ended */ }
}

let signalsEndProcess = false

/** A signal ends the process through process.exit, so that exit handlers run. */
function endProcessOnSignals(): void {
  if (signalsEndProcess) return
  signalsEndProcess = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
