// Runs the integration suite: the files test/integration/*.test.ts, by mocha, inside VS Code's extension host.
//
// bundleSuite writes them where an extension host can load them; runInServer opens the workbench of a VS Code server
// with the extension under development and the bundled suite, and waits for the host to report its end.
import { appendFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import path from 'node:path'
import { format } from 'node:util'
import * as esbuild from 'esbuild'
import { root, scratch } from '../../scripts/paths.ts'
import { launchChromium } from './browser.ts'
import { type ServerOptions, startServer, workbenchUrl } from './servers.ts'

export interface TestOutcome {
  readonly title: string
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly error?: string
}

export interface Bundle {
  /** To be deleted when the bundle has served. */
  readonly folder: string
  readonly entry: string
}

export function bundleSuite(): Promise<Bundle> {
  return bundleForHost(['test/integration/index.ts', ...globSync('test/integration/**/*.test.ts', { cwd: root })])
}

/** Bundles files into a fresh folder within the repository (mocha is found from there); the first is the entry. */
export async function bundleForHost(files: readonly string[]): Promise<Bundle> {
  mkdirSync(scratch, { recursive: true })
  const folder = mkdtempSync(path.join(scratch, 'suite-'))
  await esbuild.build({
    absWorkingDir: root, bundle: true, outdir: folder, outbase: 'test', platform: 'node', format: 'cjs',
    target: 'node22', sourcemap: 'inline', logLevel: 'warning', external: ['vscode', 'mocha'],
    loader: { '.heddle': 'text' }, entryPoints: [...files]
  })
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  return { folder, entry: path.join(folder, path.relative('test', files[0] ?? '').replace(/\.ts$/, '.js')) }
}

export interface Suite {
  /** The extension under development: a folder with its package.json. */
  readonly extension: string
  /** Entry file of the bundled suite. */
  readonly entry: string
  readonly folder: string
  readonly limitSeconds: number
  /** File that takes what the extension host prints. */
  readonly hostLog: string
}

/** Exit code of the suite: 0 when all passed. Throws when the host does not report its end within the limit. */
export async function runInServer(suite: Suite, options: Omit<ServerOptions, 'kind'>): Promise<number> {
  const server = await startServer({ ...options, kind: 'vscode-server' })
  try {
    const browser = await launchChromium()
    try {
      const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
      const end = new Promise<number>(resolve => { void page.exposeFunction('codeAutomationExit', resolve) })
      await page.exposeFunction('codeAutomationLog', (kind: string, parts: readonly unknown[]) => {
        appendFileSync(suite.hostLog, `${kind}: ${format(...parts)}\n`)
      })
      const remote = (file: string): string => `vscode-remote://${server.authority}${file}`
      await page.goto(workbenchUrl(server, server.copyFolder(suite.folder), [
        ['extensionDevelopmentPath', remote(suite.extension)], ['extensionTestsPath', remote(suite.entry)]
      ]))
      const limit = new Promise<undefined>(resolve => { setTimeout(resolve, suite.limitSeconds * 1000, undefined) })
      const code = await Promise.race([end, limit])
      if (code !== undefined) return code
      await page.screenshot({ path: `${suite.hostLog}.png` })
      throw new Error(`the suite did not end within ${suite.limitSeconds} s; screenshot in ${suite.hostLog}.png`)
    } finally {
      await browser.close()
    }
  } finally {
    await server.stop()
  }
}

/** The tests of the suite without running them: where the tools to run it are missing, they still are counted. */
export async function listSuite(): Promise<readonly TestOutcome[]> {
  const { folder, entry } = await bundleSuite()
  const report = path.join(folder, 'list.json')
  // Loading a test file may build values of the API (`new vscode.Position(0, 0)`), so its stand-in answers everything.
  const anything = `
    const anything = new Proxy(function () {}, {
      get: (_, key) => key === Symbol.toPrimitive ? () => '' : key === '__esModule' ? false : anything,
      apply: () => anything, construct: () => anything, getPrototypeOf: () => anything
    })
    module.exports = anything`
  const hooks = registerHooks({
    resolve: (name, context, next) =>
      name === 'vscode' ? { url: 'heddle:vscode', format: 'commonjs', shortCircuit: true } : next(name, context),
    load: (url, context, next) =>
      url === 'heddle:vscode' ? { format: 'commonjs', source: anything, shortCircuit: true } : next(url, context)
  })
  try {
    const suite = createRequire(import.meta.url)(entry) as typeof import('../integration/index.ts')
    await suite.runSuite({ dryRun: true, report })
    return readOutcomes(report)
  } finally {
    hooks.deregister()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the suite wrote about each test; empty when it never came so far. */
export function readOutcomes(report: string): readonly TestOutcome[] {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as readonly TestOutcome[]
  } catch {
    return []
  }
}
