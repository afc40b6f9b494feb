import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { PackageManager, listFiles } from '@vscode/vsce'
import { beforeAll, describe, expect, it } from 'vitest'
import { root, vsix } from '../../scripts/paths.ts'

const manifest: unknown = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
let files: readonly string[]
beforeAll(async () => { files = await listFiles({ cwd: root, packageManager: PackageManager.None }) })

describe('heddle.vsix', () => {
  it('is at most 3 MB', () => {
    expect(statSync(vsix).size).toBeLessThanOrEqual(3_000_000)
  })

  it('holds every file that the manifest names', () => {
    const named = pathsIn(manifest).map(name => path.posix.normalize(name))
    expect(named).not.toEqual([])
    expect(files).toEqual(expect.arrayContaining(named))
  })

  it('holds the pictures of the README', () => {
    const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
    const pictures = [...readme.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, file]) => file)
    expect(files).toEqual(expect.arrayContaining(pictures))
  })

  it('holds the programs that the extension starts and shows', () => {
    expect(files).toEqual(expect.arrayContaining([
      'dist/extension.cjs', 'dist/server.js', 'dist/verify-worker.js', 'dist/cli.js', 'dist/package.json', 'dist/licenses.txt',
      'dist/webview/mapping.js', 'dist/webview/mapping.css', 'dist/webview/mapping-worker.js', 'LICENSE', 'README.md'
    ]))
  })

  it('holds no source, test, tool or map', () => {
    expect(files.filter(file => /\.(ts|mjs|map)$|^(test|scripts|compiler-core|node_modules)\//.test(file))).toEqual([])
  })

  it('knows nothing of the machine that built it', () => {
    const programs = files.filter(file => file.startsWith('dist/') && /\.c?js$/.test(file))
    const telling = programs.filter(file => readFileSync(path.join(root, file), 'utf8').includes(root))
    expect(telling).toEqual([])
  })
})

/** All relative paths among the manifest's values: './dist/extension.cjs', './syntaxes/heddle.tmLanguage.json'. */
function pathsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.startsWith('./') ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : []
}
