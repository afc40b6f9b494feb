/**
 * A model's file, and the files beside it that hold its data.
 *
 *     models/bert.onnx       read whole
 *     models/bert.bin        read by range, when somebody asks for the elements of a tensor
 *
 * Data lies below the model's folder, or it is refused: no absolute paths, no `..`, no symbolic link that leads out of
 * it. What is read of one file goes into one buffer as large as the file, of which tensors are views; memory is only
 * taken for the ranges that were read.
 */
import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import type { ExternalData } from '../graph/onnx/tensor-proto.ts'
import type { ModelSource } from '../runtime/stored-model.ts'

/** The largest file that is taken; a larger one has its data beside it. */
const largest = 2 ** 31 - 1

/** Its name is the file's without extension, or the folder's where that is `model`. */
export function openModelFile(file: string): ModelSource | { readonly problem: string } {
  let bytes: Uint8Array
  try {
    const stats = statSync(file), { size } = stats
    if (!stats.isFile()) return { problem: `${file} is no file.` }
    if (size > largest) return { problem: `${file} has ${size} bytes; a model's file has less than 2 GiB, its data lies beside it.` }
    bytes = readFileSync(file)
  } catch (error) {
    return { problem: `${file} cannot be read: ${(error as Error).message}.` }
  }
  const folder = path.dirname(path.resolve(file)), asked = new Set<string>()
  const opened = new Map<string, DataFile | string>()
  const external: ExternalData = (location, offset, length) => {
    const data = opened.get(location) ?? openDataFile(folder, location)
    opened.set(location, data)
    if (typeof data === 'string') return data
    asked.add(location)
    const end = offset + length
    if (end > data.size) return `the file has ${data.size} bytes, not ${end}`
    return () => data.read(offset, end)
  }
  return { name: nameOf(file), bytes, external, asked, stampOf: location => stampIn(folder, location) }
}

/** Which file it is, and when it changed last: times alone are equal in unpacked archives and copies. */
function stampIn(folder: string, location: string): string | undefined {
  try {
    const real = realpathSync(path.join(folder, location))
    const { ino, size, mtimeNs, ctimeNs } = statSync(real, { bigint: true })
    return [real, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return undefined
  }
}

function nameOf(file: string): string {
  const { name, dir } = path.parse(path.resolve(file))
  return name === 'model' ? path.basename(dir) || name : name
}

interface DataFile {
  readonly size: number
  /** The bytes from `start` to `end`, in the file's buffer. */
  readonly read: (start: number, end: number) => Uint8Array
}

function openDataFile(folder: string, location: string): DataFile | string {
  const parts = location.split(/[/\\]/)
  if (path.isAbsolute(location) || path.win32.isAbsolute(location) || parts.includes('..') || location.includes('\0')) {
    return 'the path leads out of the model\'s folder'
  }
  try {
    const home = realpathSync(folder), real = realpathSync(path.join(folder, location))
    if (!real.startsWith(home.endsWith(path.sep) ? home : home + path.sep)) {
      return 'a symbolic link leads out of the model\'s folder'
    }
    const stats = statSync(real)
    return stats.isFile() ? dataFile(real, stats.size) : 'it is no file'
  } catch (error) {
    return (error as Error).message
  }
}

function dataFile(real: string, size: number): DataFile {
  let buffer: Uint8Array | undefined
  const done = new Map<number, number>()
  return {
    size,
    read: (start, end) => {
      buffer ??= new Uint8Array(size)
      if ((done.get(start) ?? 0) < end) {
        readRange(real, buffer, start, end)
        done.set(start, end)
      }
      return buffer.subarray(start, end)
    }
  }
}

function readRange(real: string, buffer: Uint8Array, start: number, end: number): void {
  const descriptor = openSync(real, 'r')
  try {
    for (let at = start; at < end;) {
      const read = readSync(descriptor, buffer, at, Math.min(end - at, 2 ** 30), at)
      if (read === 0) throw new Error(`${real} became shorter while it was read`)
      at += read
    }
  } finally {
    closeSync(descriptor)
  }
}
