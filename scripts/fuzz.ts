// Feeds broken input to the parts that must survive it: `npm run fuzz -- [--seconds N] [--seed N] [NAME...]`.
//
// A file test/fuzz/NAME.fuzz.ts exports `attempt(seed: number): void | Promise<void>`, which makes one case from the
// seed and throws when the case goes wrong. The targets share the time; count, rate and a failing seed are printed, and
// `--seed N` runs one case again. With `--report FILE` the outcomes go there as JSON, for `npm test`.
import { globSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { TestOutcome } from '../test/harness/integration.ts'
import { root } from './paths.ts'

interface Target { attempt(seed: number): void | Promise<void> }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, report: { type: 'string' } }
})
const files = globSync('test/fuzz/**/*.fuzz.ts', { cwd: root }).sort()
  .filter(file => positionals.length === 0 || positionals.some(name => file.includes(name)))
const outcomes: TestOutcome[] = []
for (const file of files) {
  const name = path.basename(file, '.fuzz.ts')
  const target = await import(pathToFileURL(path.join(root, file)).href) as Target
  const error = await fuzz(name, target, Number(values.seconds) / files.length)
  outcomes.push(error === undefined ? { title: name, state: 'passed' } : { title: name, state: 'failed', error })
}
if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(outcomes))
if (files.length === 0) console.error('no fuzz target was found')
process.exitCode = files.length > 0 && outcomes.every(outcome => outcome.state === 'passed') ? 0 : 1

/** The first failure, or undefined. Cases run from a random seed on, so that every run tries others. */
async function fuzz(name: string, target: Target, seconds: number): Promise<string | undefined> {
  const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const start = performance.now()
  const end = start + seconds * 1000
  let slowest = 0
  let seed = first
  do {
    const before = performance.now()
    try {
      await target.attempt(seed)
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error)
      console.log(`${name}: seed ${seed} fails; again with: npm run fuzz -- ${name} --seed ${seed}\n${text}`)
      return `seed ${seed}: ${text}`
    }
    slowest = Math.max(slowest, performance.now() - before)
    seed += 1
  } while (values.seed === undefined && performance.now() < end)
  const taken = (performance.now() - start) / 1000
  console.log(`${name}: ${seed - first} cases from seed ${first} in ${taken.toFixed(1)} s, `
    + `${((seed - first) / taken).toFixed(0)} a second, slowest ${slowest.toFixed(1)} ms`)
  return undefined
}
