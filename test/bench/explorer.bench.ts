// From a keystroke in the editor to the redrawn picture beside it, in a real extension host and workbench.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { installCodeServer } from '../../scripts/code-server.ts'
import { root } from '../../scripts/paths.ts'
import type { Bench } from '../harness/bench.ts'
import { bundleForHost, runInServer } from '../harness/integration.ts'

export default async function (bench: Bench): Promise<void> {
  await installCodeServer(console.log)
  const dir = mkdtempSync(path.join(os.tmpdir(), 'heddle-bench-'))
  const { folder, entry } = await bundleForHost(['test/bench/explorer-host.ts'])
  try {
    const result = path.join(dir, 'redrawn')
    const code = await runInServer({
      extension: root, entry, folder: path.join(root, 'docs/examples'), limitSeconds: 120, hostLog: path.join(dir, 'host.log')
    }, { env: { HEDDLE_BENCH_RESULT: result } })
    if (code !== 0) throw new Error(`the extension host ended with ${code}`)
    bench.add('keystroke to the redrawn picture', 'ms', JSON.parse(readFileSync(result, 'utf8')) as number[], { budget: 100 })
  } finally {
    for (const leftover of [dir, folder]) rmSync(leftover, { recursive: true, force: true })
  }
}
