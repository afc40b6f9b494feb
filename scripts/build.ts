// Builds what the extension ships: `npm run build`, or `npm run build -- --dev` for readable code with source maps.
//
//   extension/client/extension.ts -> dist/extension.cjs          the extension, loaded by VS Code
//   extension/server/main.ts      -> dist/server.js              the language server, a process of its own
//   compiler-core/cli/main.ts     -> dist/cli.js                 the `heddle` command
//   compiler-core/verify/worker-main.ts -> dist/verify-worker.js a thread in which kernels are verified
//   compiler-core/cli/conformance-worker.ts -> dist/conformance-worker.js a process in which models are tried
//   webview/mapping/main.ts       -> dist/webview/mapping.js     the mapping explorer's page, and its style
//   webview/mapping/worker.ts     -> dist/webview/mapping-worker.js
//
// package.json says "type": "module", under which VS Code loads a .js main as an ES module; CommonJS loads faster and
// is what vscode-languageclient is. So the extension is named .cjs, and dist has a package.json of its own.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'
import { dist, root, scratch } from './paths.ts'

/** Builds everything into dist; rejects when a source is missing or wrong, after esbuild has printed why. */
export async function build(dev: boolean): Promise<void> {
  mkdirSync(scratch, { recursive: true })
  const out = mkdtempSync(path.join(scratch, 'build-')) // moved in place at the end: a test may be using the old one
  try {
    await bundle(out, dev)
    const old = `${out}.old`
    if (existsSync(dist)) renameSync(dist, old)
    renameSync(out, dist)
    rmSync(old, { recursive: true, force: true })
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

async function bundle(out: string, dev: boolean): Promise<void> {
  const common = {
    absWorkingDir: root, bundle: true, outdir: out, metafile: true, logLevel: 'warning', legalComments: 'none',
    minify: !dev, sourcemap: dev ? 'linked' : false, loader: { '.heddle': 'text', '.cpp': 'text', '.h': 'text', '.svg': 'text' },
    define: { heddleVersion: JSON.stringify(version()) }
  } satisfies esbuild.BuildOptions
  const node = {
    ...common, platform: 'node', format: 'cjs', target: 'node22',
    define: { ...common.define, 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' }
  } satisfies esbuild.BuildOptions
  const page = { ...common, platform: 'browser', target: 'es2023' } satisfies esbuild.BuildOptions
  const builds = await Promise.allSettled([
    esbuild.build({
      ...node, entryPoints: { extension: 'extension/client/extension.ts' }, external: ['vscode'],
      outExtension: { '.js': '.cjs' }
    }),
    esbuild.build({ ...node, entryPoints: { server: 'extension/server/main.ts' } }),
    esbuild.build({
      ...node, target: 'node20', entryPoints: { cli: 'compiler-core/cli/main.ts' },
      banner: { js: '#!/usr/bin/env node' }
    }),
    esbuild.build({
      ...node, target: 'node20', entryPoints: {
        'verify-worker': 'compiler-core/verify/worker-main.ts', 'conformance-worker': 'compiler-core/cli/conformance-worker.ts'
      }
    }),
    esbuild.build({ ...page, format: 'esm', entryPoints: { 'webview/mapping': 'webview/mapping/main.ts' } }),
    // a page of another origin starts a worker from a blob: one classic script serves there and everywhere
    esbuild.build({ ...page, format: 'iife', entryPoints: { 'webview/mapping-worker': 'webview/mapping/worker.ts' } })
  ])
  const results = builds.map(outcome => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
  writeFileSync(path.join(out, 'package.json'), '{ "type": "commonjs" }\n')
  chmodSync(path.join(out, 'cli.js'), 0o755)
  chmodSync(out, 0o755)
  writeFileSync(path.join(out, 'licenses.txt'), licenses(results.map(result => result.metafile)))
}

/** What `heddle --version` prints. */
function version(): string {
  return (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest).version
}

/** The licences of all packages that are bundled, which ask to be copied along. */
function licenses(metafiles: readonly esbuild.Metafile[]): string {
  const folders = new Set<string>()
  for (const input of metafiles.flatMap(metafile => Object.keys(metafile.inputs))) {
    const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)
    if (match !== null) folders.add(match[0])
  }
  return [...folders].sort().map(folder => {
    const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as Manifest
    const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'License.txt', 'license', 'LICENCE', 'License']
      .map(name => path.join(root, folder, name)).find(name => existsSync(name))
    const text = file === undefined ? '' : readFileSync(file, 'utf8').trim()
    return `${manifest.name} ${manifest.version} (${manifest.license ?? 'licence below'})\n\n${text}\n`
  }).join(`\n${'-'.repeat(80)}\n\n`)
}

interface Manifest { readonly name: string; readonly version: string; readonly license?: string }

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const start = performance.now()
  try {
    await build(process.argv.includes('--dev'))
    console.log(`built dist/ in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  } catch (error) {
    if (!(error instanceof Error && 'errors' in error)) throw error // esbuild has printed its own
    process.exitCode = 1
  }
}
