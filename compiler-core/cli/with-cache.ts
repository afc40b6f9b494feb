/**
 * A cache for commands that need files of it, such as weights. Where none is kept, or the folder cannot be written, it
 * lives as long as it is used.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { StoredOptions } from '../runtime/stored-model.ts'
import { openCache, type DiskCache } from '../toolchain/disk-cache.ts'

export async function withCache<T>(
  options: StoredOptions, use: (options: StoredOptions & { readonly cache: DiskCache }) => T | Promise<T>
): Promise<T> {
  const { cache } = options
  if (cache?.isWritable()) return use({ ...options, cache })
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
  try {
    return await use({ ...options, cache: openCache(folder) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
