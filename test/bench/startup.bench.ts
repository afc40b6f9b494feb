// What a user waits for first: the command's start, the extension's activation; and what is downloaded, the .vsix.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { dist, root, vsix } from '../../scripts/paths.ts'
import { installCodeServer } from '../../scripts/code-server.ts'
import type { Bench } from '../harness/bench.ts'
import { bundleForHost, runInServer } from '../harness/integration.ts'

export default async function (bench: Bench): Promise<void> {
  bench.add('size of heddle.vsix', 'KB', [statSync(vsix).size / 1000], { budget: 3000 })
  const run = (...args: readonly string[]): unknown => execFileSync(process.execPath, args, { stdio: 'pipe' })
  const mapping = [path.join(dist, 'cli.js'), 'mapping', 'spatial(4, 8) * repeat(2, 2)', '--json']
  const command = await bench.time('heddle mapping, cold start', () => run(...mapping), { budget: 150 })
  const bare = await bench.time('node alone, cold start', () => run('--eval', '0'))
  bench.ratio('heddle mapping / node alone', command, bare)
  bench.add('activation', 'ms', await activations(7), { budget: 100 })
}

/** Milliseconds from the request to activate the extension until it is active, each in a new extension host. */
async function activations(count: number): Promise<readonly number[]> {
  await installCodeServer(console.log)
  const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-bench-'))
  const { folder, entry } = await bundleForHost(['test/bench/activation-host.ts'])
  try {
    const result = path.join(dir, 'activation')
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const code = await runInServer({
        extension: root, entry, folder: path.join(root, 'docs/images'),
        limitSeconds: 60, hostLog: path.join(dir, 'host.log')
      }, { env: { HEDDLE_BENCH_RESULT: result } })
      if (code !== 0) throw new Error(`the extension host ended with ${code}`)
      times.push(Number(readFileSync(result, 'utf8')))
    }
    return times
  } finally {
    for (const leftover of [dir, folder]) rmSync(leftover, { recursive: true, force: true })
  }
}
