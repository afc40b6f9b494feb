/**
 * Verdicts: what the server said about programs, for as long as the text is the one that it spoke of. An edit hides a
 * verdict, taking the edit back shows it again.
 */
import * as vscode from 'vscode'
import { verifySubject, type VerifyAnswer, type VerifyParams, type VerifyProgress } from '../server/protocol.ts'
import type { Wanted } from './cuda-document.ts'
import { versioned } from './places.ts'
import type { LanguageServer } from './server.ts'
import type { Subjects } from './subjects.ts'

export interface Verdict { readonly what: Wanted; readonly answer: VerifyAnswer }

export interface Verifier extends vscode.Disposable {
  /** Undefined where it was cancelled, or the server is silent. */
  verify(
    what: Wanted, token: vscode.CancellationToken, progress?: (progress: VerifyProgress) => void
  ): Promise<VerifyAnswer | undefined>
  /** Of the text as it is. */
  verdict(what: Wanted): VerifyAnswer | undefined
  /** All that hold for the text as it is, of a file's subject, or of all files. */
  verdicts(of?: { readonly uri: string; readonly subject: string }): readonly Verdict[]
  /** It, or a candidate of it. */
  isRunning(of: { readonly uri: string; readonly subject: string }): boolean
  /** A verdict has come or gone, or a verification has begun or ended. */
  readonly onDidChange: vscode.Event<void>
}

export function createVerifier(server: LanguageServer, subjects: Subjects): Verifier {
  const verdicts = new Map<string, Verdict>(), running = new Map<string, number>()
  const changed = new vscode.EventEmitter<void>()
  let lastToken = 0

  const holds = ({ what, answer }: Verdict): boolean => subjects.known(what.uri)?.fingerprint === answer.fingerprint
  const count = ({ uri, subject }: Wanted, by: 1 | -1): void => {
    const key = keyOf({ uri, subject })
    running.set(key, (running.get(key) ?? 0) + by)
    changed.fire()
  }
  const parts = vscode.Disposable.from(changed, subjects.onDidChange(() => { changed.fire() }))
  return {
    onDidChange: changed.event,
    isRunning: ({ uri, subject }) => (running.get(keyOf({ uri, subject })) ?? 0) > 0,
    verdict(what) {
      const found = verdicts.get(keyOf(what))
      return found && holds(found) ? found.answer : undefined
    },
    verdicts(of) {
      const isOf = ({ what: { uri, subject } }: Verdict): boolean =>
        of === undefined || uri === of.uri && subject === of.subject
      return [...verdicts.values()].filter(verdict => isOf(verdict) && holds(verdict))
    },
    async verify(what, cancel, progress) {
      const { uri, subject, candidate } = what, token = ++lastToken
      const params: VerifyParams = {
        textDocument: versioned(vscode.Uri.parse(uri)), subject, ...(candidate && { candidate }), token,
        programs: vscode.workspace.isTrusted,
      }
      const following = server.onDidProgress(told => { if (told.token === token) progress?.(told) })
      count(what, 1)
      try {
        await subjects.load(uri) // its fingerprint tells for how long the verdict holds
        const answer = await server.request<VerifyAnswer | null>(verifySubject, params, cancel) ?? undefined
        if (answer !== undefined) verdicts.set(keyOf(what), { what, answer })
        return answer
      } finally {
        following.dispose()
        count(what, -1)
      }
    },
    dispose() { parts.dispose() },
  }
}

function keyOf({ uri, subject, candidate }: Wanted): string {
  return JSON.stringify([uri, subject, candidate?.level, candidate?.index])
}
