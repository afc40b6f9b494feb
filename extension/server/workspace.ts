/**
 * The files that the server knows: what is open in the editor first, then the disk, then whatever the client can read
 * for it. One program over all of them; an analysis is made when it is asked for and kept while neither its text nor
 * that of its imports has changed.
 */
import { readFileSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import { createProgram, type Program } from '../../compiler-core/language/program.ts'
import { present, sourceFile, type Files, type SourceFile } from './files.ts'

export interface Workspace extends Files {
  readonly program: Program
  /** The folders that are open; imports lie below them. */
  readonly roots: readonly string[]
  configure(roots: readonly string[], target: string): void
  /** Takes in what is on the disk, for features that look at all files. */
  index(): Promise<void>
  /** A file on the disk was made, changed or removed. */
  changedOnDisk(uri: string, exists: boolean): void
  /** Forgets what was read from the disk, for clients that do not tell of changes. */
  forgetDisk(): void
  /** Files are being read whose absence would be reported wrongly now. */
  isReading(): boolean
}

export interface Surroundings {
  open(uri: string): TextDocument | undefined
  openUris(): readonly string[]
  /** Reads a file that is not on this machine's disk; undefined where the client cannot. */
  readonly fetch: ((uri: string) => Promise<string | null>) | undefined
  /** Lists all `.heddle` files; undefined where the client cannot. */
  readonly find: (() => Promise<readonly string[]>) | undefined
  /** A file that was missing has arrived. */
  arrived(): void
}

/** A program in text; what is larger is no source file. */
const largestFile = 16 * 2 ** 20
const mostFiles = 5000, deepestFolder = 16

export function createWorkspace(around: Surroundings): Workspace {
  const disk = new Map<string, string | undefined>()
  const listed = new Set<string>()
  let reading = 0
  let roots: readonly string[] = []
  let program: Program = createProgram({ read, roots })

  function read(uri: string): string | undefined {
    const open = around.open(uri)
    if (open !== undefined) return open.getText()
    if (!disk.has(uri)) disk.set(uri, uri.startsWith('file:') ? textOnDisk(uri) : fetched(uri))
    return disk.get(uri)
  }
  function fetched(uri: string): undefined {
    if (around.fetch === undefined || uri.startsWith('untitled:')) return undefined
    reading++
    around.fetch(uri).catch(() => null).then(text => {
      reading--
      if (text !== null) disk.set(uri, text)
      around.arrived()
    }, () => undefined)
    return undefined
  }

  const file = (uri: string): SourceFile | undefined => {
    const analysis = program.analyse(uri)
    return analysis === undefined ? undefined : sourceFile(analysis)
  }
  return {
    get program() { return program },
    get roots() { return roots },
    file,
    all: () => [...new Set([...around.openUris(), ...listed])].flatMap(uri => present(file(uri))),
    configure(newRoots, target) {
      roots = newRoots
      program = createProgram({ read, roots, target })
    },
    async index() {
      const found = around.find === undefined ? await filesBelow(roots) : await around.find()
      listed.clear()
      for (const uri of found) listed.add(uri)
    },
    changedOnDisk(uri, exists) {
      disk.delete(uri)
      if (exists) listed.add(uri)
      else listed.delete(uri)
    },
    forgetDisk() { disk.clear() },
    isReading: () => reading > 0,
  }
}

function textOnDisk(uri: string): string | undefined {
  try {
    const name = fileURLToPath(uri)
    return statSync(name).size <= largestFile ? readFileSync(name, 'utf8') : undefined
  } catch {
    return undefined // a file that does not exist is what an import may name
  }
}

async function filesBelow(roots: readonly string[]): Promise<readonly string[]> {
  const files: string[] = []
  const visit = async (folder: string, depth: number): Promise<void> => {
    // a folder that may not be read holds nothing for us
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (files.length >= mostFiles) return
      const name = path.join(folder, entry.name)
      if (entry.isFile() && entry.name.endsWith('.heddle')) files.push(pathToFileURL(name).href)
      else if (entry.isDirectory() && depth < deepestFolder && !entry.name.startsWith('.') && entry.name !== 'node_modules') await visit(name, depth + 1)
    }
  }
  for (const root of roots) if (root.startsWith('file:')) await visit(fileURLToPath(root), 0)
  return files
}
