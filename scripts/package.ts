// Packs what dist/ holds into heddle.vsix: `npm run package` (which builds first).
import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from './build.ts'
import { root, vsix } from './paths.ts'

/** Packs the extension; rejects with what vsce says when it cannot. Everything is bundled, so no packages go along. */
export async function pack(): Promise<void> {
  const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce')
  const links = ['--allow-missing-repository', '--no-rewrite-relative-links'] // the README's pictures go along
  const args = ['package', '--no-dependencies', ...links, '--out', vsix]
  await promisify(execFile)(process.execPath, [vsce, ...args], { cwd: root })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await build(false)
  await pack()
  console.log(`${path.basename(vsix)}: ${(statSync(vsix).size / 1024).toFixed(0)} KiB`)
}
