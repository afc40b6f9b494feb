/**
 * Folders are made one below the other: Node's own recursive way does not come back from file systems where none can be
 * made, such as /proc.
 */
import { mkdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** The folder and those above it, where they are missing. Throws what the system says. */
export function makeFolder(folder: string, mode?: number): void {
  const missing: string[] = []
  for (let at = path.resolve(folder); !isFolder(at); at = path.dirname(at)) missing.push(at)
  for (const at of missing.reverse()) {
    try {
      mkdirSync(at, { mode })
    } catch (error) {
      if (!isFolder(at)) throw error // another process may have made it meanwhile
    }
  }
}

function isFolder(at: string): boolean {
  return statSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false
}
