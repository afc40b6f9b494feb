/**
 * CUDA beside the source: read-only editors whose text the language server makes, anew at each keystroke.
 *
 * A document's address says what it shows (the file, the subject, the candidate), so that the default and a candidate
 * can stand side by side. At most one question a document is under way; what changed meanwhile is asked once after it.
 * Documents that nobody sees are asked for when they are seen again.
 */
import * as vscode from 'vscode'
import {
  cudaOf, cudaScheme, cudaSubjects,
  type CudaAnswer, type CudaParams, type CudaSubject, type CudaSubjectsAnswer, type CudaSubjectsParams,
} from '../server/protocol.ts'
import { pickCandidate } from './candidates.ts'
import {
  answered, cudaUri, emptyDocument, problemLinks, wantedOf, type CudaDocument, type Wanted,
} from './cuda-document.ts'
import { createLegend } from './legend.ts'
import { createLinks, type Links } from './links.ts'
import { createBuildFacts } from './build-facts.ts'
import { createOrigins } from './origins.ts'
import { folderOf, rangeOf, versioned } from './places.ts'
import type { LanguageServer } from './server.ts'

export interface CudaEditors extends vscode.Disposable {
  /** Opens CUDA beside its source; unless told, that of the subject at the cursor, or of one that is asked for. */
  show(what?: Wanted): Promise<void>
  document(uri: vscode.Uri): CudaDocument | undefined
  /** What a command is about: what the active CUDA editor shows, the subject at the cursor, or one that is chosen. */
  wanted(purpose: string): Promise<Wanted | undefined>
  /** An editor has the document's text. */
  readonly onDidRefresh: vscode.Event<CudaDocument>
  readonly links: Links
}

/** A document, the questions about it, and the text that its editors have. */
interface Entry {
  document: CudaDocument
  asked: number
  answered: number
  asking: Promise<void> | undefined
  shown: string | undefined
}

/**
 * Feature: Show CUDA
 *
 * **Heddle: Show CUDA** (a code lens, the editor's title bar, the context menu, or `Ctrl+Alt+G`) opens the CUDA of the
 * instance, schedule or graph at the cursor beside its text, and follows every keystroke. What cannot be compiled says
 * why in place of its CUDA; while you type, the last CUDA stays, dimmed. **Heddle: Copy CUDA** and **Heddle: Save
 * CUDA** take the text along.
 */
export function createCudaEditors(
  server: LanguageServer, output: vscode.LogOutputChannel, memory: vscode.Memento,
): CudaEditors {
  const entries = new Map<string, Entry>()
  const changed = new vscode.EventEmitter<vscode.Uri>(), refreshed = new vscode.EventEmitter<CudaDocument>()
  const dimmed = vscode.window.createTextEditorDecorationType({ opacity: '0.55' })

  /** What is seen, as it is seen. */
  const visible = (): readonly CudaDocument[] => {
    const seen = new Set(vscode.window.visibleTextEditors.map(editor => editor.document.uri.toString()))
    const isSeen = ([key, { document, shown }]: [string, Entry]): boolean => seen.has(key) && shown === document.text
    return [...entries].filter(isSeen).map(([, { document }]) => document)
  }
  const links = createLinks(visible)
  const origins = createOrigins(visible), buildFacts = createBuildFacts(server, memory)
  const legend = createLegend(visible, links, origins)

  const entryOf = (uri: vscode.Uri): Entry => {
    const key = uri.toString()
    const fresh = { asked: 0, answered: 0, asking: undefined, shown: undefined }
    const entry = entries.get(key) ?? { document: emptyDocument(uri), ...fresh }
    entries.set(key, entry)
    return entry
  }
  const ask = (entry: Entry): Promise<void> => {
    entry.asked++
    return entry.asking ??= answerAll(entry).finally(() => { entry.asking = undefined })
  }
  const answerAll = async (entry: Entry): Promise<void> => {
    while (entry.answered < entry.asked) {
      entry.answered = entry.asked
      const { source, subject, candidate } = entry.document
      const params: CudaParams = { textDocument: versioned(source), subject, ...(candidate && { candidate }) }
      const answer = await server.request<CudaAnswer | null>(cudaOf, params) ?? undefined
      entry.document = answered(entry.document, answer)
      if (entry.document.text === entry.shown) settle(entry)
      else changed.fire(entry.document.uri)
    }
  }
  /** Once the editors have the text that the trace belongs to. */
  const settle = (entry: Entry): void => {
    const { document } = entry
    entry.shown = document.text
    for (const editor of editorsOf(document.uri)) {
      const all = new vscode.Range(0, 0, editor.document.lineCount, 0)
      editor.setDecorations(dimmed, document.trace === undefined && document.cuda !== undefined ? [all] : [])
    }
    origins.refresh()
    links.refresh()
    buildFacts.follow(document)
    tellShown()
    refreshed.fire(document)
  }
  const askSeen = (entry: Entry): void => {
    ask(entry).catch((error: unknown) => {
      output.error('CUDA:', error instanceof Error ? error.stack ?? error.message : String(error))
    })
  }
  const sourceChanged = (): void => {
    for (const entry of entries.values()) {
      if (editorsOf(entry.document.uri).length > 0) askSeen(entry)
      else entry.asked++
    }
  }
  const editorsChanged = (): void => {
    for (const entry of entries.values()) {
      const [editor] = editorsOf(entry.document.uri)
      if (editor === undefined) continue
      if (entry.asked > entry.answered) askSeen(entry)
      else if (editor.document.getText() === entry.document.text) settle(entry)
    }
    tellShown()
  }
  let told = false
  const tellShown = (): void => {
    const shown = visible().length > 0
    if (shown !== told) void vscode.commands.executeCommand('setContext', 'heddle.cudaShown', shown)
    told = shown
  }

  const open = async (what: Wanted): Promise<void> => {
    const document = await vscode.workspace.openTextDocument(cudaUri(what))
    const isCuda = (editor: vscode.TextEditor): boolean => editor.document.uri.scheme === cudaScheme
    const viewColumn = vscode.window.visibleTextEditors.find(isCuda)?.viewColumn ?? vscode.ViewColumn.Beside
    await vscode.window.showTextDocument(document, { viewColumn, preserveFocus: true, preview: true })
  }
  const wanted = async (purpose: string): Promise<Wanted | undefined> => {
    const editor = vscode.window.activeTextEditor
    if (editor === undefined) return undefined
    if (editor.document.uri.scheme === cudaScheme) return wantedOf(entryOf(editor.document.uri).document)
    const { uri } = editor.document
    const params: CudaSubjectsParams = { textDocument: versioned(uri) }
    const { subjects = [] } = await server.request<CudaSubjectsAnswer>(cudaSubjects, params) ?? {}
    if (subjects.length === 0) {
      tell('This file declares nothing that has CUDA: no instance, no schedule of an operator, no graph.')
      return undefined
    }
    const here = subjects.find(s => rangeOf(s.range).contains(editor.selection.active))
    const chosen = here ?? (subjects.length > 1 ? await pickSubject(subjects, purpose) : subjects[0])
    return chosen && { uri: uri.toString(), subject: chosen.name }
  }
  /** The document that a command is about: the active one, else the one beside the active source. */
  const documentHere = (): CudaDocument | undefined => {
    const active = vscode.window.activeTextEditor?.document.uri.toString(), all = visible()
    return all.find(d => d.uri.toString() === active) ?? all.find(d => d.source.toString() === active) ?? all[0]
  }
  const withCuda = (f: (document: CudaDocument, cuda: string) => Thenable<void>) => async (): Promise<void> => {
    const document = documentHere()
    if (document === undefined) tell('No CUDA is shown.')
    else if (document.cuda === undefined) tell(`There is no CUDA of ${document.subject}; its editor says why.`)
    else await f(document, document.cuda)
  }

  const parts = vscode.Disposable.from(
    changed, refreshed, dimmed, links, origins, legend, buildFacts,
    vscode.workspace.registerTextDocumentContentProvider(cudaScheme, {
      onDidChange: changed.event,
      async provideTextDocumentContent(uri) {
        const entry = entryOf(uri)
        if (entry.document.text === '') await ask(entry)
        return entry.document.text
      },
    }),
    vscode.languages.registerDocumentLinkProvider({ scheme: cudaScheme }, {
      provideDocumentLinks: document => problemLinks(document, entryOf(document.uri).document.problems),
    }),
    vscode.commands.registerCommand('heddle.chooseCandidate', async () => {
      const what = await wanted('Show the CUDA of a candidate of')
      const chosen = what && await pickCandidate(server, what)
      if (chosen !== undefined) await open(chosen)
    }),
    vscode.commands.registerCommand('heddle.copyCuda', withCuda(async ({ subject }, cuda) => {
      await vscode.env.clipboard.writeText(cuda)
      vscode.window.setStatusBarMessage(`Copied the CUDA of ${subject}: ${cuda.trimEnd().split('\n').length} lines`, 5000)
    })),
    vscode.commands.registerCommand('heddle.saveCuda', withCuda(saveCuda)),
    server.onDidChange(sourceChanged),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (document.languageId === 'heddle' && contentChanges.length > 0) sourceChanged()
      const entry = document.uri.scheme === cudaScheme ? entries.get(document.uri.toString()) : undefined
      if (entry !== undefined && document.getText() === entry.document.text) settle(entry)
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => { entries.delete(uri.toString()) }),
    vscode.window.onDidChangeVisibleTextEditors(editorsChanged),
  )
  return {
    links, wanted, onDidRefresh: refreshed.event,
    document: uri => entries.get(uri.toString())?.document,
    async show(given) {
      const what = given ?? await wanted('Show the CUDA of')
      if (what !== undefined) await open(what)
    },
    dispose() { parts.dispose() },
  }
}

function editorsOf(uri: vscode.Uri): readonly vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter(editor => editor.document.uri.toString() === uri.toString())
}

async function saveCuda({ source, subject }: CudaDocument, cuda: string): Promise<void> {
  const folder = folderOf(source)
  const target = await vscode.window.showSaveDialog({
    title: 'Save the CUDA', filters: { CUDA: ['cu'] },
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder, `${subject}.cu`) }),
  })
  if (target !== undefined) await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(cuda))
}

async function pickSubject(subjects: readonly CudaSubject[], purpose: string): Promise<CudaSubject | undefined> {
  const items = subjects.map(subject => ({ label: subject.name, description: subject.kind, subject }))
  return (await vscode.window.showQuickPick(items, { placeHolder: purpose }))?.subject
}

function tell(message: string): void { void vscode.window.showInformationMessage(message) }
