// Runs the layers of tests in order: `npm test`, or some of them: `npm test -- unit webview --grep hover`.
//
// For each layer its counts and time are printed; its own output goes to .test/logs/LAYER.log and is shown where a
// failure names no reason, or always with --verbose. A layer that lacks a tool is skipped and its tests count as
// skipped. A layer that ends badly without naming a failed test, or that ran none, counts as one failed test. In CI
// (CI=true) only what needs a GPU, NVIDIA's compiler or ../shared may be skipped. The last line is `N passed, N failed,
// N skipped`.
import { spawn } from 'node:child_process'
import { appendFileSync, createWriteStream, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import {
  type TestOutcome, bundleSuite, listSuite, readOutcomes, runInServer
} from '../test/harness/integration.ts'
import { type Tool, needOf, needs } from '../test/harness/needs.ts'
import { build } from './build.ts'
import { installCodeServer } from './code-server.ts'
import { pack } from './package.ts'
import { root, scratch } from './paths.ts'

interface Layer {
  readonly name: string
  /** What is tested is the build in dist/. */
  readonly built?: true
  readonly needs?: readonly Tool[]
  run(): Promise<LayerResult>
  /** The tests it would run; asked where a tool is missing. */
  list?(): Promise<readonly TestOutcome[]>
}

interface LayerResult { readonly code: number; readonly outcomes: readonly TestOutcome[] }

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { verbose: { type: 'boolean', default: false }, grep: { type: 'string' } }
})
const strict = process.env['CI'] !== undefined && process.env['CI'] !== 'false'
const maySkip = ['GPU', 'nvcc', '../shared']
const logs = path.join(scratch, 'logs')
const reports = path.join(scratch, 'reports')

const layers: readonly Layer[] = [
  { name: 'typecheck', run: () => commands('typecheck', [['tsc', '-p', '.']]) },
  { name: 'lint', run: () => commands('lint', [['eslint', '.'], ['knip']]) },
  { name: 'unit', run: () => vitest('unit') },
  { name: 'grammar', run: grammar },
  {
    name: 'webview', built: true, needs: ['chromium'],
    run: () => playwright('webview'), list: () => listPlaywright('webview')
  },
  {
    name: 'integration', built: true, needs: ['chromium', 'code-server'], run: integration, list: listSuite
  },
  { name: 'package', built: true, run: () => vitest('package', pack) },
  {
    name: 'e2e', built: true, needs: ['chromium', 'code-server'],
    run: () => playwright('e2e', pack), list: () => listPlaywright('e2e')
  },
  { name: 'fuzz', run: fuzz }
]

const unknown = chosen.filter(name => !layers.some(layer => layer.name === name))
if (unknown.length > 0) {
  console.error(`no layer ${unknown.join(', ')}: there are ${layers.map(layer => layer.name).join(', ')}`)
  process.exit(2)
}
for (const folder of [logs, reports]) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}
const started = performance.now()
const all: TestOutcome[] = []
let builds: Promise<void> | undefined
for (const layer of layers) {
  if (chosen.length > 0 && !chosen.includes(layer.name)) continue
  all.push(...await runLayer(layer))
}
console.log(`in ${seconds(started)}`)
const forbidden = all.filter(outcome => outcome.state === 'skipped' && !maySkip.includes(needOf(outcome.title) ?? ''))
if (strict && forbidden.length > 0) {
  console.log(`in CI a test may be skipped for want of ${maySkip.join(', ')} only; not for want of these:`)
  for (const { title } of forbidden) console.log(`  ${title}`)
}
console.log(`${count('passed', all)} passed, ${count('failed', all)} failed, ${count('skipped', all)} skipped`)
process.exit(count('failed', all) > 0 || strict && forbidden.length > 0 ? 1 : 0)

async function runLayer(layer: Layer): Promise<readonly TestOutcome[]> {
  const start = performance.now()
  let outcomes: readonly TestOutcome[]
  try {
    const missing = await missingTool(layer.needs ?? [])
    if (missing === undefined) {
      if (layer.built === true) await (builds ??= build(false))
      outcomes = withTrouble(layer.name, await layer.run())
    } else {
      const tests = await layer.list?.() ?? []
      outcomes = tests.map(({ title }) => ({ title: `${title} (needs ${missing})`, state: 'skipped' }))
    }
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error)
    outcomes = [{ title: `the layer ${layer.name} could not run`, state: 'failed', error: text }]
  }
  const counts = (['passed', 'failed', 'skipped'] as const)
    .flatMap(state => state !== 'passed' && count(state, outcomes) === 0 ? [] : [`${count(state, outcomes)} ${state}`])
  console.log(`${layer.name.padEnd(12)} ${counts.join(', ').padEnd(36)} ${seconds(start)}`)
  for (const [reason, number] of skipReasons(outcomes)) console.log(`  skipped: ${number} (${reason})`)
  const failed = outcomes.filter(outcome => outcome.state === 'failed')
  if (failed.some(({ error }) => error === undefined) && !options.verbose) printLog(layer.name)
  for (const { title, error } of failed) console.log(`  FAILED ${title}${error === undefined ? '' : `\n${indent(error)}`}`)
  return outcomes
}

/** A run that ended badly, or tested nothing, is a failure even where no test says so. */
function withTrouble(layer: string, { code, outcomes }: LayerResult): readonly TestOutcome[] {
  if (outcomes.length === 0) {
    if (code === 0 && options.grep !== undefined) return []
    return [{ title: `the layer ${layer} ran no test (exit code ${code})`, state: 'failed' }]
  }
  if (code === 0 || count('failed', outcomes) > 0) return outcomes
  return [...outcomes, { title: `the layer ${layer} ended with exit code ${code}`, state: 'failed' }]
}

async function missingTool(tools: readonly Tool[]): Promise<Tool | undefined> {
  if (tools.includes('code-server')) {
    try {
      await installCodeServer(line => { console.log(line) })
    } catch (error) {
      console.log(`code-server could not be installed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return tools.find(tool => needs(tool).missing)
}

async function commands(layer: string, lines: readonly (readonly string[])[]): Promise<LayerResult> {
  const codes: number[] = []
  for (const line of lines) codes.push(await execute(layer, line))
  const code = codes.find(each => each !== 0) ?? 0
  return { code, outcomes: [{ title: layer, state: code === 0 ? 'passed' : 'failed' }] }
}

async function vitest(project: string, before?: () => Promise<void>): Promise<LayerResult> {
  await before?.()
  const report = path.join(reports, `${project}.json`)
  const grep = options.grep === undefined ? [] : ['--testNamePattern', options.grep]
  const code = await execute(project, [
    'vitest', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...grep
  ])
  interface File { name: string; status: string; assertionResults: readonly Assertion[] }
  interface Assertion { fullName: string; status: string }
  const { testResults } = readJson(report) as { testResults: readonly File[] }
  const outcomes = testResults.flatMap(({ name, status, assertionResults }): readonly TestOutcome[] => {
    const file = path.relative(root, name)
    if (assertionResults.length === 0 && status !== 'passed') return [{ title: file, state: 'failed' }]
    return assertionResults.map(test => ({
      title: `${file}: ${test.fullName}`,
      state: test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped'
    }))
  })
  // a filter by name marks all other tests as skipped
  return { code, outcomes: options.grep === undefined ? outcomes : outcomes.filter(({ state }) => state !== 'skipped') }
}

async function grammar(): Promise<LayerResult> {
  const report = path.join(reports, 'grammar')
  const code = await execute('grammar', ['vscode-tmgrammar-test', '--xunit-report', report, 'test/syntaxes/*.{heddle,ptx}'])
  const outcomes = globSync('**/*.xml', { cwd: report }).flatMap(file => {
    const cases = readFileSync(path.join(report, file), 'utf8').split('<testcase').slice(1)
    return cases.map((text): TestOutcome => ({
      title: `${file}: ${/name="([^"]*)"/.exec(text)?.[1] ?? ''}`, state: /<failure|<error/.test(text) ? 'failed' : 'passed'
    }))
  })
  return { code, outcomes }
}

async function playwright(project: string, before?: () => Promise<void>): Promise<LayerResult> {
  await before?.()
  const grep = options.grep === undefined ? [] : ['--grep', options.grep, '--pass-with-no-tests']
  const report = path.join(reports, `${project}.json`)
  const code = await execute(project, ['playwright', 'test', `--project=${project}`, '--reporter=list,json', ...grep], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: report
  })
  return { code, outcomes: playwrightOutcomes(readJson(report) as PlaywrightSuite, '') }
}

async function listPlaywright(project: string): Promise<readonly TestOutcome[]> {
  const report = path.join(reports, `${project}-list.json`)
  await execute(project, ['playwright', 'test', `--project=${project}`, '--list', '--reporter=json'], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: report
  })
  return playwrightOutcomes(readJson(report) as PlaywrightSuite, '')
}

interface PlaywrightSuite {
  readonly title?: string
  readonly suites?: readonly PlaywrightSuite[]
  readonly specs?: readonly { title: string; tests: readonly PlaywrightTest[] }[]
  readonly errors?: readonly { message?: string }[]
}

interface PlaywrightTest {
  readonly status: string
  readonly results: readonly { errors: readonly { message?: string }[] }[]
}

function playwrightOutcomes(suite: PlaywrightSuite, group: string): readonly TestOutcome[] {
  const title = [group, suite.title ?? ''].filter(part => part !== '').join(' › ')
  const own = (suite.specs ?? []).flatMap(spec => spec.tests.map(({ status, results }): TestOutcome => ({
    title: `${title} › ${spec.title}`,
    state: status === 'expected' ? 'passed' : status === 'skipped' ? 'skipped' : 'failed',
    ...(status === 'unexpected' ? { error: results.flatMap(({ errors }) => errors.map(errorText)).join('\n') } : {})
  })))
  const errors = (suite.errors ?? []).map((error): TestOutcome => ({
    title: 'loading the tests', state: 'failed', error: errorText(error)
  }))
  return [...errors, ...own, ...(suite.suites ?? []).flatMap(inner => playwrightOutcomes(inner, title))]
}

function errorText(error: { message?: string }): string {
  return stripVTControlCharacters(error.message ?? 'no message')
}

async function integration(): Promise<LayerResult> {
  const report = path.join(reports, 'integration.json')
  const grep = options.grep === undefined ? {} : { HEDDLE_TEST_GREP: options.grep }
  const { folder, entry } = await bundleSuite()
  try {
    const code = await runInServer({
      extension: root, entry, folder: path.join(root, 'test/fixtures/workspace'), limitSeconds: 300,
      hostLog: path.join(logs, 'integration.log')
    }, { env: { ...grep, HEDDLE_TEST_REPORT: report } })
    return { code, outcomes: readOutcomes(report) }
  } catch (error) {
    appendFileSync(path.join(logs, 'integration.log'), `${String(error)}\n`)
    return { code: 1, outcomes: readOutcomes(report) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fuzz(): Promise<LayerResult> {
  const report = path.join(reports, 'fuzz.json')
  const node = [process.execPath, '--import', './scripts/text-modules.mjs', 'scripts/fuzz.ts']
  return { code: await execute('fuzz', [...node, '--report', report]), outcomes: readOutcomes(report) }
}

/** Runs a command with its output in the layer's log; gives its exit code. */
function execute(layer: string, [command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const log = createWriteStream(path.join(logs, `${layer}.log`), { flags: 'a' })
  const child = spawn(command, args, {
    cwd: root, env: { ...process.env, FORCE_COLOR: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe']
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false })
    if (options.verbose) stream.pipe(process.stdout, { end: false })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => { log.end(() => { resolve(code ?? 1) }) })
  })
}

function printLog(layer: string): void {
  try {
    const lines = readFileSync(path.join(logs, `${layer}.log`), 'utf8').trimEnd().split('\n')
    console.log(indent(lines.slice(-200).join('\n')))
  } catch { /* it failed before it wrote anything */ }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`the layer wrote no report: ${String(error)}`, { cause: error })
  }
}

function skipReasons(outcomes: readonly TestOutcome[]): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>()
  for (const { title, state } of outcomes) {
    if (state !== 'skipped') continue
    const need = needOf(title)
    const reason = need === undefined ? `no reason given: ${title}` : `needs ${need}`
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  return reasons
}

function count(state: TestOutcome['state'], outcomes: readonly TestOutcome[]): number {
  return outcomes.filter(outcome => outcome.state === state).length
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
