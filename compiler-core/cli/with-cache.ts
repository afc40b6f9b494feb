/** A cache for commands that need files of it, such as weights, where none is kept: it lives as long as it is used. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { StoredOptions } from '../runtime/stored-model.ts'
import { openCache } from '../toolchain/disk-cache.ts'

export async function withCache<T>(
  options: StoredOptions, use: (options: StoredOptions) => T | Promise<T>
): Promise<T> {
  if (options.cache) return use(options)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
  try {
    return await use({ ...options, cache: openCache(folder) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
