/** The server as an editor meets it: a process on stdio. */
import { readFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  CancellationTokenSource, CodeActionRequest, CodeLensRequest, CompletionRequest, DefinitionRequest,
  DidChangeWatchedFilesNotification, FileChangeType,
  DocumentFormattingRequest, DocumentSymbolRequest, FoldingRangeRequest, HoverRequest, InlayHintRequest,
  LSPErrorCodes, PrepareRenameRequest,
  ReferencesRequest, RenameRequest, SelectionRangeRequest, SemanticTokensDeltaRequest, SemanticTokensRequest,
  SignatureHelpRequest,
  WorkspaceSymbolRequest, type FileEvent, type SemanticTokens, type SemanticTokensDelta
} from 'vscode-languageserver/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { libraryText, subjectAt, type SubjectAnswer } from '../../../extension/server/protocol.ts'
import { type ServerUnderTest, startServer } from './client.ts'

const context = { includeDeclaration: true }
const options = { tabSize: 2, insertSpaces: true }
let server: ServerUnderTest
beforeAll(async () => { server = await startServer({ options: { explorer: true } }) })
afterAll(async () => {
  expect(server.errors).toEqual([])
  await server.stop()
})

describe('diagnostics', () => {
  it('follow each change', async () => {
    const file = server.open('change.heddle', 'let m = spatial(2, 3)')
    expect(await file.diagnostics()).toEqual([])
    file.change({ range: range(0, 19, 0, 20), text: '0' })
    expect((await file.diagnostics()).map(d => [d.code, d.source, d.range.start.line])).toEqual([['bad-extent', 'heddle', 0]])
    file.change({ range: range(0, 19, 0, 20), text: '7' })
    expect(await file.diagnostics()).toEqual([])
    file.close()
  })

  it('are joined by what only compiling finds', async () => {
    const head = 'operator o(x: f32[n]) -> y: f32[n] { y[i] = x[i] }\nschedule s for o {\n'
    const file = server.open('compiled.heddle', `${head}  kernel k(grid: 1, block: 32) { y[threadIdx.x] = 1 }\n}\n`)
    expect(await file.diagnostics()).toEqual([])
    await expect.poll(async () => (await file.diagnostics()).map(d => [d.code, d.range.start]), { timeout: 10_000 })
      .toEqual([['out-of-bounds', { line: 2, character: 33 }]])
    file.close()
  })
  it('are those of the last of many changes', async () => {
    const file = server.open('burst.heddle', '')
    for (let i = 0; i < 200; i++) file.change({ text: `let m = spatial(${i % 2})` })
    expect((await file.diagnostics()).map(d => d.code)).toEqual([])
    file.change({ text: 'let m = spatial(0)' })
    expect((await file.diagnostics()).map(d => d.code)).toEqual(['bad-extent'])
    file.close()
  })

  it('change with a file that is imported, unsaved', async () => {
    const user = server.open('user.heddle', 'import "base"\nlet m = spatial(n)')
    const base = server.open('base.heddle', 'let n = 4')
    expect(await base.diagnostics()).toEqual([])
    await expect.poll(async () => (await user.diagnostics()).length).toBe(0)
    base.change({ text: 'let n = 0' })
    await expect.poll(async () => (await user.diagnostics()).map(d => d.code)).toEqual(['bad-extent'])
    base.close()
    await expect.poll(async () => (await user.diagnostics()).map(d => d.code)).toEqual(['missing-import'])
    user.close()
  })

  it('change with a file on the disk', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-'))
    try {
      const base = path.join(folder, 'base.heddle')
      writeFileSync(base, 'let n = 4')
      const user = server.open(pathToFileURL(path.join(folder, 'user.heddle')).href, 'import "base"\nlet m = spatial(n)')
      expect(await user.diagnostics()).toEqual([])
      writeFileSync(base, 'let n = 0')
      const changes: FileEvent[] = [{ uri: pathToFileURL(base).href, type: FileChangeType.Changed }]
      await server.connection.sendNotification(DidChangeWatchedFilesNotification.type, { changes })
      await expect.poll(async () => (await user.diagnostics()).map(d => d.code)).toEqual(['bad-extent'])
      user.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('know files that only the client can read', async () => {
    const remote = { 'memory://host/base.heddle': 'let n = 0', 'memory://host/other.heddle': 'let far_away = 1' }
    const far = await startServer({ options: { files: true }, folders: ['memory://host'], remote })
    const file = far.open('memory://host/user.heddle', 'import "base"\nlet m = spatial(n)')
    expect((await file.diagnostics()).map(d => d.code)).toEqual(['bad-extent'])
    const symbols = () => far.connection.sendRequest(WorkspaceSymbolRequest.type, { query: 'far_away' })
    await expect.poll(async () => (await symbols())?.length).toBe(1)
    await far.stop()
  })

  it('find nothing wrong in the library', async () => {
    for (const uri of ['builtin', 'members', 'prelude'].map(name => `heddle-std:/${name}.heddle`)) {
      const text = await server.connection.sendRequest<string>(libraryText, { uri })
      const file = server.open(uri, text)
      expect(await file.diagnostics()).toEqual([])
      file.close()
    }
  })

  it('come for untitled documents', async () => {
    const file = server.open('untitled:Untitled-1', 'import "std/prelude"\nlet m = spatial(ceil_div(1, 0))')
    expect((await file.diagnostics()).length).toBe(1)
    file.close()
  })
})

describe('requests', () => {
  it('answer about an open document', async () => {
    const file = server.open('requests.heddle', 'let tile = spatial(4, 8)  *repeat(2, 2)\nlet n = tile.workers\n')
    const at = { ...file, position: { line: 1, character: 9 } }
    const { connection } = server
    expect(JSON.stringify(await connection.sendRequest(HoverRequest.type, at))).toContain('| 32 | (8, 16) |')
    expect(await connection.sendRequest(DefinitionRequest.type, at)).toMatchObject([{ targetUri: file.uri }])
    expect(await connection.sendRequest(ReferencesRequest.type, { ...at, context })).toHaveLength(2)
    expect(await connection.sendRequest(RenameRequest.type, { ...at, newName: 'block' })).toMatchObject({ changes: { [file.uri]: [{}, {}] } })
    await expect(connection.sendRequest(RenameRequest.type, { ...at, newName: 'n' })).rejects.toThrow('`n` is already')
    await expect(connection.sendRequest(PrepareRenameRequest.type, { ...file, position: { line: 0, character: 13 } })).rejects.toThrow('belongs to the library')
    expect(await connection.sendRequest(DocumentSymbolRequest.type, file)).toHaveLength(2)
    expect(await connection.sendRequest(WorkspaceSymbolRequest.type, { query: 'tile' })).toHaveLength(1)
    expect(await connection.sendRequest(DocumentFormattingRequest.type, { ...file, options })).toHaveLength(2)
    expect(await connection.sendRequest(InlayHintRequest.type, { ...file, range: range(0, 0, 2, 0) })).toHaveLength(3)
    expect(await connection.sendRequest(CodeLensRequest.type, file)).toHaveLength(1)
    expect(await connection.sendRequest(libraryText, { uri: 'heddle-std:/prelude.heddle' })).toContain('fn ceil_div')
    expect(await connection.sendRequest(libraryText, { uri: 'heddle-std:/nothing.heddle' })).toBeNull()
    file.close()
  })

  it('answer the subject of the version that is asked about', async () => {
    const file = server.open('subject.heddle', 'let m = spatial(2)')
    file.change({ text: 'let m = spatial(3)' })
    const params = { textDocument: { uri: file.uri, version: 2 }, position: { line: 0, character: 5 } }
    const answer = await server.connection.sendRequest<SubjectAnswer>(subjectAt, params)
    expect(answer).toMatchObject({ kind: 'subject', subject: { title: 'm', mapping: { workers: 3 } } })
    file.close()
  })

  it('give semantic tokens by their difference', async () => {
    const file = server.open('tokens.heddle', 'let a = spatial(2)\nlet b = a\n')
    const full = await server.connection.sendRequest(SemanticTokensRequest.type, file)
    file.change({ range: range(1, 0, 1, 0), text: 'let c = a\n' })
    const delta = await server.connection.sendRequest(SemanticTokensDeltaRequest.type, { ...file, previousResultId: full?.resultId ?? '' })
    const fresh = await server.connection.sendRequest(SemanticTokensRequest.type, file)
    expect(patched(full, delta)).toEqual(fresh?.data)
    file.close()
  })

  it('end early when they are cancelled', async () => {
    const file = server.open('cancel.heddle', 'let m = spatial(2)\n'.repeat(2000))
    // on a busy machine the server may have answered before it hears of it
    await expect.poll(async () => {
      const source = new CancellationTokenSource()
      const answer = server.connection.sendRequest(SemanticTokensRequest.type, file, source.token)
      source.cancel()
      return answer.then(() => 'answered', (error: { code: number }) => error.code)
    }).toBe(LSPErrorCodes.RequestCancelled)
    file.close()
  })

  it('answer nothing about a document that is not there', async () => {
    const nowhere = { textDocument: { uri: 'file:///project/nowhere.heddle' }, position: { line: 5, character: 5 } }
    expect(await server.connection.sendRequest(HoverRequest.type, nowhere)).toBeNull()
    expect(await server.connection.sendRequest(SemanticTokensRequest.type, nowhere)).toEqual({ data: [] })
  })
})

describe('settings', () => {
  it('switch hints and lenses off', async () => {
    const settings = { codeLens: false, inlayHints: { workers: false, shapes: true } }
    const quiet = await startServer({ options: { explorer: true }, settings })
    const file = quiet.open('quiet.heddle', 'let m = spatial(4, 8)')
    await file.diagnostics()
    const hints = () => quiet.connection.sendRequest(InlayHintRequest.type, { ...file, range: range(0, 0, 1, 0) })
    await expect.poll(async () => (await hints())?.map(h => h.label)).toEqual(['(4, 8)'])
    expect(await quiet.connection.sendRequest(CodeLensRequest.type, file)).toEqual([])
    await quiet.stop()
  })

  it('that make no sense are as if absent', async () => {
    const odd = await startServer({ settings: { target: 7, inlayHints: 'no', codeLens: null } })
    const file = odd.open('odd.heddle', 'let n = target.warp_size')
    expect(await file.diagnostics()).toEqual([])
    const hints = await odd.connection.sendRequest(InlayHintRequest.type, { ...file, range: range(0, 0, 1, 0) })
    expect(hints).toHaveLength(1)
    expect(odd.errors).toEqual([])
    await odd.stop()
  })
})

describe('broken input', () => {
  const sources = globSync('docs/examples/*.heddle', { cwd: root() }).map(name => readFileSync(path.join(root(), name), 'utf8'))

  it('200 mutants x 10 requests: no error, and the server goes on', async () => {
    const random = generator(7)
    const file = server.open('mutant.heddle', '')
    for (let i = 0; i < 200; i++) {
      const text = mutant(sources[i % sources.length] ?? '', random)
      file.change({ text })
      const lines = text.split('\n')
      const position = { line: Math.floor(random() * lines.length), character: 0 }
      position.character = Math.floor(random() * ((lines[position.line]?.length ?? 0) + 1))
      const at = { ...file, position }, all = range(0, 0, lines.length, 0)
      const { connection } = server
      await Promise.all([
        connection.sendRequest(HoverRequest.type, at), connection.sendRequest(CompletionRequest.type, at),
        connection.sendRequest(SignatureHelpRequest.type, at),
        connection.sendRequest(ReferencesRequest.type, { ...at, context }),
        connection.sendRequest(DocumentSymbolRequest.type, file),
        connection.sendRequest(SemanticTokensRequest.type, file),
        connection.sendRequest(InlayHintRequest.type, { ...file, range: all }),
        connection.sendRequest(FoldingRangeRequest.type, file),
        connection.sendRequest(DocumentFormattingRequest.type, { ...file, options }),
        connection.sendRequest(CodeActionRequest.type, { ...file, range: all, context: { diagnostics: [] } }),
        connection.sendRequest(SelectionRangeRequest.type, { ...file, positions: [position] }),
        connection.sendRequest(subjectAt, at), connection.sendRequest(CodeLensRequest.type, file)
      ])
      await file.diagnostics()
    }
    expect(server.isRunning()).toBe(true)
    file.close()
  })
})

function root(): string { return path.resolve(import.meta.dirname, '../../..') }

function range(startLine: number, startCharacter: number, endLine: number, endCharacter: number) {
  return { start: { line: startLine, character: startCharacter }, end: { line: endLine, character: endCharacter } }
}

/** Applies a delta, last edit first. */
function patched(full: SemanticTokens | null, delta: SemanticTokens | SemanticTokensDelta | null): readonly number[] {
  const data = [...full?.data ?? []]
  if (delta === null || 'data' in delta) return delta?.data ?? []
  for (const edit of delta.edits.toReversed()) data.splice(edit.start, edit.deleteCount, ...edit.data ?? [])
  return data
}

/** Mulberry32: the same numbers in every run. */
function generator(seed: number): () => number {
  let a = seed
  return () => {
    a = a + 0x6d2b79f5 | 0
    let t = Math.imul(a ^ a >>> 15, 1 | a)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 4294967296
  }
}

const scraps = ['(', ')', '{', '}', '[', ']', ',', '*', '.', '..', '=', ':', '"', '0', '-1', '99999999999999999999', 'let ', 'fn ', 'spatial(', 'é', '\n', '//']

/** A few places deleted, doubled, or with a scrap put in. */
function mutant(source: string, random: () => number): string {
  let text = source
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * text.length), length = Math.floor(random() * 30)
    const kind = Math.floor(random() * 4)
    if (kind === 0) text = text.slice(0, at) + text.slice(at + length)
    else if (kind === 1) text = text.slice(0, at) + text.slice(at, at + length) + text.slice(at)
    else if (kind === 2) text = text.slice(0, at) + (scraps[Math.floor(random() * scraps.length)] ?? '') + text.slice(at)
    else text = text.slice(0, at)
  }
  return text
}
