/**
 * The subjects of Heddle files, as the server finds them, and a fingerprint that tells whether anything has changed on
 * which they depend. A file that was asked for once is asked for anew after each pause in the changes.
 */
import * as vscode from 'vscode'
import { cudaSubjects, type CudaSubject, type CudaSubjectsAnswer, type CudaSubjectsParams } from '../server/protocol.ts'
import { versioned } from './places.ts'
import type { LanguageServer } from './server.ts'

export interface FileSubjects {
  readonly uri: string
  /** Empty where there is no such file, or nobody answers. */
  readonly fingerprint: string
  readonly subjects: readonly CudaSubject[]
}

export interface Subjects extends vscode.Disposable {
  /** As they are now. */
  load(uri: string): Promise<FileSubjects>
  /** As they were when the server answered last. */
  known(uri: string): FileSubjects | undefined
  /** The fingerprint of a file is another one. */
  readonly onDidChange: vscode.Event<FileSubjects>
}

/** Milliseconds without a change. */
const pause = 150

export function createSubjects(server: LanguageServer): Subjects {
  const files = new Map<string, FileSubjects>()
  const changed = new vscode.EventEmitter<FileSubjects>()
  let timer: NodeJS.Timeout | undefined

  const load = async (uri: string): Promise<FileSubjects> => {
    const params: CudaSubjectsParams = { textDocument: versioned(vscode.Uri.parse(uri)) }
    const answer = await server.request<CudaSubjectsAnswer>(cudaSubjects, params) ?? { fingerprint: '', subjects: [] }
    const before = files.get(uri), now = { uri, ...answer }
    if (answer.fingerprint === '') files.delete(uri)
    else files.set(uri, now)
    if ((before?.fingerprint ?? '') !== now.fingerprint) changed.fire(now)
    return now
  }
  const loadOpen = ({ languageId, uri }: vscode.TextDocument): void => {
    if (languageId === 'heddle') void load(uri.toString())
  }
  const loadSoon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => { for (const uri of files.keys()) void load(uri) }, pause)
  }
  const parts = vscode.Disposable.from(
    changed, server.onDidChange(loadSoon),
    vscode.workspace.onDidOpenTextDocument(loadOpen),
    vscode.workspace.onDidCloseTextDocument(loadSoon),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (document.languageId === 'heddle' && contentChanges.length > 0) loadSoon()
    }),
  )
  for (const document of vscode.workspace.textDocuments) loadOpen(document)
  return {
    load, known: uri => files.get(uri), onDidChange: changed.event,
    dispose() {
      clearTimeout(timer)
      parts.dispose()
    },
  }
}
