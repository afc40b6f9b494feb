// Runs the integration suite in a desktop VS Code: `npm run test:desktop`.
//
// @vscode/test-electron downloads VS Code, or takes the executable that HEDDLE_VSCODE names. Where neither can be had,
// a stand-in runs the same suite, started in the same way, in the VS Code server.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron'
import { bundleSuite, readOutcomes } from '../test/harness/integration.ts'
import { build } from './build.ts'
import { installCodeServer } from './code-server.ts'
import { root, scratch } from './paths.ts'

await build(false)
mkdirSync(path.join(scratch, 'logs'), { recursive: true })
const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-desktop-'))
const folder = path.join(dir, 'workspace')
cpSync(path.join(root, 'test/fixtures/workspace'), folder, { recursive: true })
const report = path.join(dir, 'report.json')
const suite = await bundleSuite()
let ended = 'passed'
try {
  await runTests({
    vscodeExecutablePath: await findVsCode(),
    extensionDevelopmentPath: root,
    extensionTestsPath: suite.entry,
    extensionTestsEnv: { HEDDLE_TEST_REPORT: report },
    launchArgs: [
      folder, '--disable-extensions', '--disable-workspace-trust',
      `--user-data-dir=${path.join(dir, 'user')}`, `--extensions-dir=${path.join(dir, 'extensions')}`
    ]
  })
} catch (error) {
  ended = error instanceof Error ? error.message : String(error)
}
const outcomes = readOutcomes(report)
for (const { title, state, error } of outcomes) {
  console.log(`${state.padEnd(8)} ${title}${error === undefined ? '' : `\n${error}`}`)
}
for (const leftover of [dir, suite.folder]) rmSync(leftover, { recursive: true, force: true, maxRetries: 10 })
const count = (state: string): number => outcomes.filter(outcome => outcome.state === state).length
const failed = count('failed') + (ended === 'passed' || count('failed') > 0 ? 0 : 1)
if (ended !== 'passed') console.log(ended)
console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`)
process.exitCode = failed === 0 && count('passed') > 0 ? 0 : 1

async function findVsCode(): Promise<string> {
  const named = process.env['HEDDLE_VSCODE']
  if (named !== undefined) return named
  try {
    return await downloadAndUnzipVSCode({ cachePath: path.join(scratch, 'vscode') })
  } catch (error) {
    console.log(`VS Code cannot be downloaded (${error instanceof Error ? error.message : String(error)}): `
      + 'its stand-in runs the suite')
    await installCodeServer(console.log)
    return path.join(root, 'scripts/code-stand-in.ts')
  }
}
