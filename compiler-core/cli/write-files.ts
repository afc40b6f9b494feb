/** Writes the files of one result into a folder: each is complete or as it was before, and none lies elsewhere. */
import {
  copyFileSync, lstatSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync
} from 'node:fs'
import path from 'node:path'
import { makeFolder } from '../toolchain/folders.ts'

/** Undefined: an older file of that name is removed, so that what lies there belongs together. */
export type FileContent = string | Uint8Array | FirstBytes | undefined

/** As many bytes of a large file as are asked for. */
export interface FirstBytes { readonly file: string; readonly bytes: number }

/**
 * By name, which may have a folder in front: `kernels/relu.cu`. Gives a sentence that says what could not be written,
 * or undefined.
 */
export function writeFiles(folder: string, files: ReadonlyMap<string, FileContent>): string | undefined {
  const odd = [...files.keys()].find(name => name.split('/').some(part => /^\.|[\\:]|^$/.test(part)))
  if (odd !== undefined) return `\`${odd}\` cannot be the name of a file in ${folder}.`
  if (folder === '') return 'The folder to write to has no name.'
  let staging: string | undefined
  try {
    makeFolder(folder)
    staging = mkdtempSync(path.join(folder, '.heddle-'))
    for (const name of files.keys()) for (const place of [folder, staging]) makeFolderOf(place, name)
    for (const [name, content] of files) if (content !== undefined) write(path.join(staging, name), content)
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

/** Of a file in it; a link could lead elsewhere. */
function makeFolderOf(place: string, name: string): void {
  const parts = name.split('/').slice(0, -1)
  parts.forEach((_, i) => {
    const folder = path.join(place, ...parts.slice(0, i + 1))
    makeFolder(folder)
    if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is a link`)
  })
}

function write(name: string, content: Exclude<FileContent, undefined>): void {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    writeFileSync(name, content)
    return
  }
  copyFileSync(content.file, name)
  truncateSync(name, content.bytes)
}
