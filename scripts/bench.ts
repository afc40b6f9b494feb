// Measures: `npm run bench`, or some of it: `npm run bench -- startup`. Builds and packs first, then runs the files
// test/bench/*.bench.ts one after another, prints a table and leaves it as JSON in .test/bench.json.
import { globSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Bench, type Row, createBench } from '../test/harness/bench.ts'
import { build } from './build.ts'
import { pack } from './package.ts'
import { root, scratch } from './paths.ts'

const chosen = process.argv.slice(2)
const files = globSync('test/bench/**/*.bench.ts', { cwd: root }).sort()
  .filter(file => chosen.length === 0 || chosen.some(name => file.includes(name)))
await build(false)
await pack()
const rows: Row[] = []
console.log(line('', 'median', 'p5', 'p95', 'unit', 'samples', 'budget'))
const bench = createBench(row => {
  rows.push(row)
  const budget = row.budget === undefined ? '' : `${row.median <= row.budget ? '<=' : 'OVER'} ${row.budget}`
  console.log(line(row.name, digits(row.median), digits(row.p5), digits(row.p95), row.unit, `${row.samples}`, budget))
})
for (const file of files) {
  console.log(path.basename(file, '.bench.ts'))
  const module = await import(pathToFileURL(path.join(root, file)).href) as { default(bench: Bench): Promise<void> }
  await module.default(bench)
}
const machine = { cpu: os.cpus()[0]?.model ?? '', cores: os.cpus().length, node: process.versions.node }
writeFileSync(path.join(scratch, 'bench.json'), JSON.stringify({ machine, rows }, null, 2))
process.exit(files.length > 0 ? 0 : 1)

function line(name: string, ...cells: readonly string[]): string {
  return [`  ${name.padEnd(48)}`, ...cells.map(cell => cell.padStart(10))].join('')
}

/** Three significant digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
