// The entry that VS Code loads into its extension host (extensionTestsPath): runs all test files beside it with mocha.
// HEDDLE_TEST_REPORT names the file that takes each test's outcome, written anew after every test, so that a host that
// dies leaves what came before. HEDDLE_TEST_GREP selects tests by title.
import { globSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import Mocha from 'mocha'
import type { TestOutcome } from '../harness/integration.ts'

export function run(): Promise<void> {
  return runSuite({ dryRun: false, report: process.env['HEDDLE_TEST_REPORT'] })
}

/** A dry run reports all tests as passed without running them. */
export async function runSuite({ dryRun, report }: { dryRun: boolean; report: string | undefined }): Promise<void> {
  const mocha = new Mocha({
    ui: 'bdd', timeout: 20_000, color: false, dryRun, forbidOnly: process.env['CI'] !== undefined,
    ...(dryRun ? { reporter: Silent } : {})
  })
  const grep = process.env['HEDDLE_TEST_GREP']
  if (grep !== undefined) mocha.grep(grep)
  for (const file of globSync('**/*.test.js', { cwd: __dirname }).sort()) mocha.addFile(path.join(__dirname, file))

  const outcomes: TestOutcome[] = []
  const add = (outcome: TestOutcome): void => {
    outcomes.push(outcome)
    if (report !== undefined) writeFileSync(report, JSON.stringify(outcomes))
  }
  const failures = await new Promise<number>(resolve => {
    const runner = mocha.run(resolve)
    runner.on('pass', test => { add({ title: test.fullTitle(), state: 'passed' }) })
    runner.on('pending', test => { add({ title: test.fullTitle(), state: 'skipped' }) })
    runner.on('fail', (test, error: Error) => {
      add({ title: test.fullTitle(), state: 'failed', error: error.stack ?? error.message })
    })
  }).catch((error: unknown) => { // a file could not be loaded
    add({ title: 'loading the suite', state: 'failed', error: error instanceof Error ? error.stack ?? '' : String(error) })
    return 1
  })
  if (failures > 0) throw new Error(`${failures} failed`)
  if (outcomes.length === 0) throw new Error('no test was found')
}

class Silent extends Mocha.reporters.Base {}
