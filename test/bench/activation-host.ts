// Runs in the extension host for the activation bench: loads and activates the extension, once, in a workbench that has
// had time to start itself; both share two cores with the browser.
import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import * as vscode from 'vscode'

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension('heddle.heddle')
  const result = process.env['HEDDLE_BENCH_RESULT']
  if (extension === undefined || result === undefined) throw new Error('no extension to activate, or nowhere to report')
  if (extension.isActive) throw new Error('the extension is active before it is asked for')
  await setTimeout(5000)
  const start = performance.now()
  await extension.activate()
  writeFileSync(result, String(performance.now() - start))
}
