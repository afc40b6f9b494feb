/** The commands that verify: progress with a way out, and a message at the end. */
import * as vscode from 'vscode'
import { verifyCommand, type ShowCudaArgument } from '../server/protocol.ts'
import { pickCandidates } from './candidates.ts'
import type { CudaEditors } from './cuda.ts'
import type { Wanted } from './cuda-document.ts'
import { showPlace } from './places.ts'
import type { LanguageServer } from './server.ts'
import { createSubjects } from './subjects.ts'
import { createTests, type Tests } from './tests.ts'
import { createVerifier, type Verifier } from './verifier.ts'
import { createVerifyMarks } from './verify-marks.ts'
import { messageOf, type Verified } from './verify-text.ts'

export interface Verification extends vscode.Disposable { readonly verifier: Verifier }

/**
 * Feature: Verify
 *
 * **Heddle: Verify** (the lens above each instance, schedule and graph, the title bar of the CUDA, the context menu, or
 * `Ctrl+Alt+V`) runs the program without a GPU and compares what it computes with the definition of its operator:
 * first the program before lowering, in an interpreter, then its CUDA text, compiled for this machine's processor. It
 * finds wrong values, races and missing barriers, accesses out of bounds and more, and says where. **Heddle: Verify
 * Candidates** does so with all candidates of a space, or with those that you choose. In an untrusted workspace the
 * interpreter alone decides.
 */
export function createVerification(server: LanguageServer, cuda: CudaEditors): Verification {
  const subjects = createSubjects(server), verifier = createVerifier(server, subjects)
  const tests = createTests(server, subjects, verifier)
  const parts = vscode.Disposable.from(
    subjects, verifier, tests, createVerifyMarks(verifier, subjects, cuda),
    vscode.commands.registerCommand(verifyCommand, async (given?: ShowCudaArgument | vscode.Uri) => {
      const isSubject = given !== undefined && 'subject' in given // a menu passes the file's address
      const what = isSubject ? given : await cuda.wanted('Verify')
      if (what !== undefined) await verify(tests, verifier, [what])
    }),
    vscode.commands.registerCommand('heddle.verifyCandidates', async () => {
      const what = await cuda.wanted('Verify candidates of')
      const chosen = what && await pickCandidates(server, what)
      if (chosen !== undefined && chosen.length > 0) await verify(tests, verifier, chosen)
    }),
  )
  return { verifier, dispose() { parts.dispose() } }
}

async function verify(tests: Tests, verifier: Verifier, all: readonly Wanted[]): Promise<void> {
  const [first] = all
  if (first === undefined) return
  const title = all.length === 1 ? 'Verifying' : `Verifying ${all.length} candidates`
  const options = { location: vscode.ProgressLocation.Notification, cancellable: true, title }
  const verified = await vscode.window.withProgress(options, (progress, token) => {
    let done = 0
    progress.report({ message: first.subject })
    return tests.verify(all, token, (message, share) => {
      progress.report({ message, increment: (share - done) * 100 })
      done = share
    })
  })
  void tell(verified, all, verifier)
}

async function tell(verified: readonly Verified[], all: readonly Wanted[], verifier: Verifier): Promise<void> {
  const message = messageOf(verified)
  if (message === undefined) return
  const { text, verdict } = message
  switch (verdict) {
    case 'right':
      void vscode.window.showInformationMessage(text)
      return
    case 'undecided':
      void vscode.window.showWarningMessage(text)
      return
    case 'wrong': {
      const problem = all.map(what => verifier.verdict(what)).find(answer => answer?.verdict === 'wrong')?.problems[0]
      const show = 'Show'
      const chosen = await vscode.window.showErrorMessage(text, ...problem === undefined ? [] : [show])
      if (chosen === show && problem !== undefined) await showPlace(problem, { focus: true })
    }
  }
}
