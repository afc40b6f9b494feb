/** Writes the files of one result into a folder: each is complete or as it was before, and none lies elsewhere. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Undefined: an older file of that name is removed, so that what lies there belongs together. */
export type FileContent = string | Uint8Array | undefined

/** Gives a sentence that says what could not be written, or undefined. */
export function writeFiles(folder: string, files: ReadonlyMap<string, FileContent>): string | undefined {
  const odd = [...files.keys()].find(name => path.basename(name) !== name || /^\.|[/\\:]|^$/.test(name))
  if (odd !== undefined) return `\`${odd}\` cannot be the name of a file in ${folder}.`
  let staging: string | undefined
  try {
    mkdirSync(folder, { recursive: true })
    staging = mkdtempSync(path.join(folder, '.heddle-'))
    for (const [name, content] of files) if (content !== undefined) writeFileSync(path.join(staging, name), content)
    for (const [name, content] of files) {
      if (content === undefined) rmSync(path.join(folder, name), { force: true })
      else renameSync(path.join(staging, name), path.join(folder, name))
    }
    return undefined
  } catch (error) {
    return `${folder} cannot be written: ${(error as Error).message}.`
  } finally {
    if (staging !== undefined) rmSync(staging, { recursive: true, force: true })
  }
}
