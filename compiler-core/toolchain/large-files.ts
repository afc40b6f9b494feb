/**
 * Bytes into and out of open files in few steps: a thread that is busy meanwhile takes long for each. No step moves
 * more than systems do at once.
 */
import type { FileHandle } from 'node:fs/promises'

/** All bytes, from `position` of the file on. */
export async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, Math.min(bytes.length - at, bytesAtOnce), position + at)).bytesWritten
  }
}

/** Fills `bytes` from `position` of the file on, as far as it goes. */
export async function readAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0, read = 1; read > 0 && at < bytes.length; at += read) {
    read = (await handle.read(bytes, at, Math.min(bytes.length - at, bytesAtOnce), position + at)).bytesRead
  }
}

const bytesAtOnce = 2 ** 30
