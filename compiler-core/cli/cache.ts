/** `heddle cache`: what is kept to be faster the next time. */
import { counted } from '../mapping/shape.ts'
import type { DiskCache } from '../toolchain/disk-cache.ts'
import type { CacheOutput } from '../view/output.ts'
import { bytesText } from './model-options.ts'
import { table, type Report } from './report.ts'

export function cacheReport(cache: DiskCache, action: 'status' | 'clear'): Report {
  const { folder, limit, kinds } = action === 'clear' ? cache.clear() : cache.status()
  const bytes = kinds.reduce((n, k) => n + k.bytes, 0), entries = kinds.reduce((n, k) => n + k.entries, 0)
  const output: CacheOutput = { folder, limit, bytes, kinds: kinds.map(k => ({ ...k })) }
  const rows = table(kinds.map(k => [k.kind, counted(k.entries, 'file'), bytesText(k.bytes)]))
  const all = `${counted(entries, 'file')}, ${bytesText(bytes)}`
  const text = action === 'clear' ? `${folder}: removed ${all}\n` : `${folder}: ${all}, at most ${bytesText(limit)}\n${rows}`
  return { status: 0, text, errors: '', json: output }
}
