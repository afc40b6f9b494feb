/**
 * What can be made again, kept on disk under a key of all that it was made from.
 *
 *     packages/3f9a...        a compiled model        content, then the SHA-256 of it in the last 32 bytes
 *     weights/77c0...         its constants
 *
 * A file appears under its name when it is whole (it is renamed), so what is interrupted leaves nothing behind but a
 * temporary file, which is removed later. A file whose digest is wrong counts as absent and is removed. When all files
 * together are larger than the limit, those that were used longest ago go.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  accessSync, appendFileSync, closeSync, constants, openSync, readdirSync, readFileSync, readSync, renameSync,
  rmSync, statSync, utimesSync, writeFileSync
} from 'node:fs'
import path from 'node:path'
import { makeFolder } from './folders.ts'

export interface DiskCache {
  readonly folder: string
  /** Whether something can be kept; the folder is made where it is missing. */
  isWritable(): boolean
  /** The whole content, checked. */
  read(kind: string, key: string): Uint8Array | undefined
  /** The path of a checked file, whose last 32 bytes do not belong to the content. */
  find(kind: string, key: string): string | undefined
  /** Keeps bytes, or what a function writes to a path; gives the file, or undefined where nothing can be written. */
  put(kind: string, key: string, content: Uint8Array | ((file: string) => void)): string | undefined
  status(): CacheStatus
  /** Removes all of it. */
  clear(): CacheStatus
}

export interface CacheStatus {
  readonly folder: string
  readonly limit: number
  readonly kinds: readonly { readonly kind: string; readonly entries: number; readonly bytes: number }[]
}

/** Bytes: the weights of several large models. */
const defaultLimit = 8 * 2 ** 30

export function openCache(folder: string, limit = defaultLimit): DiskCache {
  const fileOf = (kind: string, key: string): string => path.join(folder, kind, key)
  return {
    folder,
    isWritable() {
      try {
        makeFolder(folder, 0o700)
        accessSync(folder, constants.W_OK)
        return true
      } catch {
        return false
      }
    },
    read(kind, key) {
      const file = fileOf(kind, key)
      try {
        const bytes = readFileSync(file), content = bytes.subarray(0, -digestBytes)
        if (bytes.length < digestBytes || !digestOf(content).equals(bytes.subarray(-digestBytes))) return remove(file)
        touch(file)
        return content
      } catch {
        return undefined
      }
    },
    find(kind, key) {
      const file = fileOf(kind, key)
      if (!isWhole(file)) return remove(file)
      touch(file)
      return file
    },
    put(kind, key, content) {
      const file = fileOf(kind, key), temporary = path.join(folder, `${prefix}${randomUUID()}`)
      try {
        makeFolder(path.dirname(file), 0o700)
        if (content instanceof Uint8Array) writeFileSync(temporary, content)
        else content(temporary)
        appendFileSync(temporary, content instanceof Uint8Array ? digestOf(content) : digestOfFile(temporary))
        makeRoom(folder, limit - statSync(temporary).size)
        renameSync(temporary, file)
        return file
      } catch (error) {
        remove(temporary)
        if (isOfSystem(error)) return undefined
        throw error
      }
    },
    status: () => statusOf(folder, limit),
    clear() {
      const before = statusOf(folder, limit)
      for (const { file } of filesIn(folder)) rmSync(file, { recursive: true, force: true })
      removeTemporary(folder, 0)
      return before
    }
  }
}

// ---------------------------------------------------------------- whole files

const digestBytes = 32

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

/** Of the first `length` bytes. */
function digestOfFile(file: string, length = Infinity): Buffer {
  const hash = createHash('sha256'), part = new Uint8Array(2 ** 22), descriptor = openSync(file, 'r')
  try {
    for (let left = length; left > 0;) {
      const read = readSync(descriptor, part, 0, Math.min(part.length, left), null)
      if (read === 0) break
      hash.update(part.subarray(0, read))
      left -= read
    }
    return hash.digest()
  } finally {
    closeSync(descriptor)
  }
}

function isWhole(file: string): boolean {
  try {
    const length = statSync(file).size - digestBytes
    if (length < 0) return false
    const digest = new Uint8Array(digestBytes), descriptor = openSync(file, 'r')
    try {
      readSync(descriptor, digest, 0, digestBytes, length)
    } finally {
      closeSync(descriptor)
    }
    return digestOfFile(file, length).equals(digest)
  } catch {
    return false
  }
}

function remove(file: string): undefined {
  try {
    rmSync(file, { force: true })
  } catch {
    // it is not there, or not ours: it stays what it is
  }
}

/** A file's time of modification is that of its last use. */
function touch(file: string): void {
  const now = new Date()
  try {
    utimesSync(file, now, now)
  } catch {
    // another process has removed it, or it is not ours: it only counts as used less recently
  }
}

// ---------------------------------------------------------------- room

const prefix = '.writing-'

interface Kept { readonly kind: string; readonly file: string; readonly bytes: number; readonly used: number }

function filesIn(folder: string): readonly Kept[] {
  return namesIn(folder).filter(kind => !kind.startsWith(prefix)).flatMap(kind => {
    const inside = path.join(folder, kind)
    return namesIn(inside).flatMap((name): readonly Kept[] => {
      const file = path.join(inside, name)
      try {
        const { size, mtimeMs } = statSync(file)
        return [{ kind, file, bytes: size, used: mtimeMs }]
      } catch {
        return []
      }
    })
  })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function makeRoom(folder: string, limit: number): void {
  removeTemporary(folder, 3_600_000)
  const files = filesIn(folder)
  let bytes = files.reduce((n, f) => n + f.bytes, 0)
  for (const f of [...files].sort((a, b) => a.used - b.used)) {
    if (bytes <= limit) break
    rmSync(f.file, { recursive: true, force: true })
    bytes -= f.bytes
  }
}

/** What an interrupted process left, `age` milliseconds ago or more. */
function removeTemporary(folder: string, age: number): void {
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name)
    if (!name.startsWith(prefix)) continue
    try {
      if (Date.now() - statSync(file).mtimeMs >= age) rmSync(file, { force: true })
    } catch {
      // somebody else removed it
    }
  }
}

function statusOf(folder: string, limit: number): CacheStatus {
  const kinds = new Map<string, { kind: string; entries: number; bytes: number }>()
  for (const { kind, bytes } of filesIn(folder)) {
    const all = kinds.get(kind) ?? { kind, entries: 0, bytes: 0 }
    kinds.set(kind, all)
    all.entries++
    all.bytes += bytes
  }
  return { folder, limit, kinds: [...kinds.values()] }
}

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
