// What typing costs: from a keystroke to its diagnostics, and what the editor asks after it, over stdio with the
// server that is
// packed. A keystroke changes a number inside a mapping in the middle of the file, so that values change too.
import path from 'node:path'
import {
  CompletionRequest, DocumentFormattingRequest, HoverRequest, InlayHintRequest, SemanticTokensRequest
} from 'vscode-languageserver/node'
import { subjectAt } from '../../extension/server/protocol.ts'
import { dist } from '../../scripts/paths.ts'
import { type OpenDocument, startServer } from '../extension/server/client.ts'
import type { Bench } from '../harness/bench.ts'

export default async function (bench: Bench): Promise<void> {
  const server = await startServer({ command: [path.join(dist, 'server.js'), '--stdio'], options: { explorer: true } })
  for (const [lines, budget, samples] of [[1000, 30, 200], [10_000, 200, 60]] as const) {
    const name = `${lines.toLocaleString('en')} lines`
    const text = program(lines)
    const file = server.open(`${lines}.heddle`, text)
    if ((await file.diagnostics()).length > 0) throw new Error(`the generated program is wrong: ${JSON.stringify((await file.diagnostics())[0])}`)
    const press = keystrokes(file, text)
    for (let i = 0; i < 10; i++) await press(i)
    const times: number[] = []
    for (let i = 0; i < samples; i++) {
      const start = performance.now()
      await press(i)
      times.push(performance.now() - start)
    }
    bench.add(`keystroke to diagnostics, ${name}`, 'ms', times)
    bench.add(`keystroke to diagnostics, ${name}, p95`, 'ms', [times.toSorted((a, b) => a - b)[Math.ceil(samples * 0.95) - 1] ?? Number.NaN], { budget })
    const at = { ...file, position: positionOf(text) }
    const ask = (what: string, request: () => Promise<unknown>, limit?: { budget: number }) => bench.time(`${what}, ${name}`, request, limit)
    await ask('formatting', () => server.connection.sendRequest(DocumentFormattingRequest.type, { ...file, options: { tabSize: 2, insertSpaces: true } }),
      lines === 1000 ? { budget: 30 } : undefined)
    await ask('subject at the cursor', () => server.connection.sendRequest(subjectAt, at))
    await ask('hover', () => server.connection.sendRequest(HoverRequest.type, at))
    await ask('completion', () => server.connection.sendRequest(CompletionRequest.type, at))
    await ask('semantic tokens', () => server.connection.sendRequest(SemanticTokensRequest.type, file))
    await ask('inlay hints', () => server.connection.sendRequest(InlayHintRequest.type,
      { ...file, range: { start: { line: 0, character: 0 }, end: { line: lines, character: 0 } } }))
    file.close()
  }
  await server.stop()
}

/** Types another digit over one of the middle, and waits for the diagnostics of the new text. */
function keystrokes(file: OpenDocument, text: string): (i: number) => Promise<unknown> {
  const start = positionOf(text)
  return i => {
    const end = { line: start.line, character: start.character + 1 }
    file.change({ range: { start, end }, text: String(1 + i % 8) })
    return file.diagnostics()
  }
}

/** Of a digit in a mapping in the middle of the text. */
function positionOf(text: string): { line: number, character: number } {
  const offset = text.indexOf('spatial(4, 8)', text.length / 2) + 'spatial('.length
  const before = text.slice(0, offset).split('\n')
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 }
}

/** Operators with a schedule each, as in the library; the last one is cut short by nothing. */
function program(lines: number): string {
  const blocks: string[] = []
  for (let i = 0, count = 0; count < lines; i++) {
    const block = unit(i)
    blocks.push(block)
    count += block.split('\n').length
  }
  return blocks.join('\n')
}

function unit(i: number): string {
  return `/// C = A x B for every matrix of the batch.
operator matmul_${i}<T: float>(a: T[batch, m, k], b: T[batch, k, n]) -> c: T[batch, m, n] {
  c[r, i, j] = sum[p < k] a[r, i, p] * b[r, p, j]
}

let warp_${i} = spatial(4, 8) * repeat(4, 4)
let block_${i} = spatial(4, 2) * repeat(2, 2) * warp_${i}
let staging_${i} = row_major(2) + row_major(128, 8).swizzle(1, log_step: 1)

fn tiles_${i}(extent: int, tile: int) -> int {
  var count = 0
  while count * tile < extent { count += 1 }
  return count
}

let rows_${i} = tiles_${i}(1024, block_${i}.shape[0])

schedule tiled_${i} for matmul_${i} {
  tune block_k = 8 level 1 [4, 8] level 2 [4, 8, 16]
  let tile = block_${i}
  let (bm, bn) = tile.shape
  let load_a = auto_map(bm, block_k, workers: tile.workers)
  let load_b = auto_map(block_k, bn, workers: tile.workers)
  require (bm + bn) * block_k * sizeof(f32) <= 48 * 1024, "both tiles must fit in shared memory"

  kernel main(grid: ((n + bn - 1) / bn, (m + bm - 1) / bm, batch), block: tile.workers) {
    let (i0, j0, r) = (blockIdx.y * bm, blockIdx.x * bn, blockIdx.z)
    shared sa: T[bm, block_k]
    shared sb: T[block_k, bn]
    register acc: f32[bm, bn] in tile.layout = 0
    for t in 0..(k + block_k - 1) / block_k {
      for (i, p) in load_a.on(threadIdx.x) { sa[i, p] = a[r, i0 + i, t * block_k + p] ?? 0 }
      for (p, j) in load_b.on(threadIdx.x) { sb[p, j] = b[r, t * block_k + p, j0 + j] ?? 0 }
      syncthreads()
      unroll for p in 0..block_k {
        for (i, j) in tile.on(threadIdx.x) { acc[i, j] += f32(sa[i, p]) * f32(sb[p, j]) }
      }
      syncthreads()
    }
    for (i, j) in tile.on(threadIdx.x) { c[r, i0 + i, j0 + j] =? T(acc[i, j]) }
  }
}
`
}
