// Shows that the checks check: makes mistakes in the library's kernels, one at a time, and counts which of them the
// engines find: `npm run mutants -- [--engine NAME] [--all] [--continue] [--write] [NAME...]`
//
// What a subject came to is kept in .test/mutants, so that `--continue` goes on where a run ended. `--all` takes all
// mutants also of those of which the library's list takes a sample; `--write` puts the table into docs/verification.md.
import { mkdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { cpuEngine } from '../compiler-core/verify/cpu/engine.ts'
import { engineNames, type EngineName } from '../compiler-core/verify/engine.ts'
import { interpreter } from '../compiler-core/verify/interpreter/interpreter.ts'
import { candidatesOf } from '../test/mutation/candidates.ts'
import { judge, verdictOf, type Engines, type Judged } from '../test/mutation/judge.ts'
import { library } from '../test/mutation/library.ts'
import { reportOf } from '../test/mutation/report.ts'
import { openMutated } from '../test/mutation/subjects.ts'
import { root, scratch } from './paths.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string' }, all: { type: 'boolean', default: false },
    continue: { type: 'boolean', default: false }, write: { type: 'boolean', default: false }
  }
})
const names: readonly EngineName[] = engineNames.filter(name => values.engine === undefined || values.engine === name)
const all: Record<EngineName, () => Engines[EngineName]> = {
  interpreter: () => interpreter, cpu: () => cpuEngine({ cacheFolder: path.join(scratch, 'mutants/cache') })
}
const engines: Engines = Object.fromEntries(names.map(name => [name, all[name]()]))
const folder = path.join(scratch, 'mutants')
mkdirSync(folder, { recursive: true })
const chosen = library.filter(s => positionals.length === 0 || positionals.includes(s.name))
const results: Judged[] = []
const start = performance.now()
for (const text of chosen) {
  const file = path.join(folder, `${text.name.replace(/\W+/g, '-')}.json`)
  if (values.continue && existsSync(file)) {
    results.push(...JSON.parse(readFileSync(file, 'utf8')) as Judged[])
    continue
  }
  const subject = openMutated(values.all ? { ...text, sample: Infinity } : text)
  const candidates = candidatesOf(subject)
  let done = 0
  const judged = await judge(subject, candidates, engines, os.availableParallelism() + 1, one => {
    done += 1
    const verdict = verdictOf(one)
    if (verdict === 'survivor') console.log(`survivor  ${one.name}`)
    if (process.stderr.isTTY) process.stderr.write(`\r${text.name}: ${done} of ${candidates.length}`)
  })
  writeFileSync(file, JSON.stringify(judged))
  results.push(...judged)
  console.log(`${text.name}: ${judged.length} mutants, ${Math.round((performance.now() - start) / 1000)} s so far`)
}
const machine = `${os.cpus()[0]?.model.trim() ?? 'a machine'}, ${os.availableParallelism()} cores, Node ${process.versions.node}`
const report = reportOf(results, names, machine)
console.log(report)
const page = path.join(root, 'docs/verification.md'), marks = ['<!-- mutants -->', '<!-- end of mutants -->'] as const
if (values.write) {
  const before = readFileSync(page, 'utf8'), [from, to] = marks.map(m => before.indexOf(m)) as [number, number]
  writeFileSync(page, `${before.slice(0, from + marks[0].length)}\n${report}\n${before.slice(to)}`)
}
process.exitCode = results.some(j => verdictOf(j) === 'survivor') ? 1 : 0
