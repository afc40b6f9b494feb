/**
 * Verification in VS Code's Test Explorer, and the one way in which anything is verified: as a run of tests.
 *
 *     fused.heddle
 *       matmul.tiled  schedule                a subject: what it chooses by default
 *         block_k = 4                         a candidate of its space
 *       square        instance
 */
import * as vscode from 'vscode'
import type { Candidate, VerifyAnswer, VerifyProblem } from '../server/protocol.ts'
import { distinctCandidates } from './candidates.ts'
import type { Wanted } from './cuda-document.ts'
import { listOf } from './cuda-text.ts'
import { fileName, locationOf, positionOf, rangeOf } from './places.ts'
import type { LanguageServer } from './server.ts'
import type { FileSubjects, Subjects } from './subjects.ts'
import type { Verifier } from './verifier.ts'
import { titleOf, type Verified } from './verify-text.ts'

export interface Tests extends vscode.Disposable {
  /** Verifies one after the other. `progress`: a sentence, and the share of all that is done. */
  verify(
    all: readonly Wanted[], token: vscode.CancellationToken, progress: (message: string, share: number) => void
  ): Promise<readonly Verified[]>
}

const mostFiles = 5000

/**
 * Feature: Test Explorer
 *
 * The Testing view lists the instances, schedules and graphs of all Heddle files, and below each the candidates of its
 * space. **Verify** runs what a subject chooses by default, **Verify All Candidates** its whole space. A failure says
 * what was found, where, and for a wrong value what was expected.
 */
export function createTests(server: LanguageServer, subjects: Subjects, verifier: Verifier): Tests {
  const controller = vscode.tests.createTestController('heddle', 'Heddle')
  const wanted = new WeakMap<vscode.TestItem, Wanted>()
  /** Below each subject whose space was asked for: by the level and number of each candidate. */
  const candidatesOf = new WeakMap<vscode.TestItem, ReadonlyMap<string, vscode.TestItem>>()

  // ---------------------------------------------------------------- items

  /** A file has changed. One without subjects has no items, nor has an old version that is shown for comparison. */
  const take = ({ uri, subjects: all }: FileSubjects): void => {
    const address = vscode.Uri.parse(uri), known = controller.items.get(uri)
    if (all.length === 0 || vscode.workspace.fs.isWritableFileSystem(address.scheme) === false) {
      controller.items.delete(uri)
      return
    }
    const file = known ?? controller.createTestItem(uri, fileName(uri), address)
    if (known === undefined) controller.items.add(file)
    controller.invalidateTestResults(file)
    file.children.replace(all.map(({ kind, name, range }, i) => {
      const subject = file.children.get(name) ?? controller.createTestItem(name, name, address)
      wanted.set(subject, { uri, subject: name })
      subject.description = kind
      subject.range = rangeOf(range)
      subject.sortText = String(i).padStart(6, '0')
      subject.canResolveChildren = true
      if (candidatesOf.has(subject)) void resolveCandidates(subject)
      return subject
    }))
  }
  const resolveCandidates = async (subject: vscode.TestItem): Promise<void> => {
    const what = wanted.get(subject)
    if (what === undefined || what.candidate !== undefined) return
    const candidates = await distinctCandidates(server, what), byPlace = new Map<string, vscode.TestItem>()
    const items = candidates.map(({ places, parameters, facts }, i) => {
      const [place] = places, choices = listOf(parameters), level = place.level === 0 ? 'default' : `level ${place.level}`
      const item = candidates.length === 1 ? subject
        : subject.children.get(choices) ?? controller.createTestItem(choices, choices, subject.uri)
      for (const each of places) byPlace.set(placeKey(each), item)
      if (item === subject) return item
      wanted.set(item, { ...what, candidate: place })
      item.description = facts.length === 0 ? level : `${level}: ${listOf(facts)}`
      item.sortText = String(i).padStart(6, '0') // it has no range: the icon beside the text runs the subject alone
      return item
    })
    subject.children.replace(items.filter(item => item !== subject))
    candidatesOf.set(subject, byPlace)
  }
  const discover = async (): Promise<void> => {
    const files = await vscode.workspace.findFiles('**/*.heddle', '**/node_modules/**', mostFiles)
    for (const file of files) await subjects.load(file.toString())
  }
  const itemOf = async (what: Wanted): Promise<vscode.TestItem | undefined> => {
    await subjects.load(what.uri)
    const subject = controller.items.get(what.uri)?.children.get(what.subject)
    if (subject === undefined || what.candidate === undefined) return subject
    if (!candidatesOf.has(subject)) await resolveCandidates(subject)
    return candidatesOf.get(subject)?.get(placeKey(what.candidate))
  }

  // ---------------------------------------------------------------- runs

  type Test = { readonly what: Wanted; readonly item: vscode.TestItem | undefined }

  const runAll = async (
    request: vscode.TestRunRequest, all: readonly Test[], token: vscode.CancellationToken,
    progress: (message: string, share: number) => void
  ): Promise<readonly Verified[]> => {
    const run = controller.createTestRun(request), cancel = new vscode.CancellationTokenSource()
    const linked = [token, run.token].map(each => each.onCancellationRequested(() => { cancel.cancel() }))
    const isCancelled = (): boolean => [token, cancel.token].some(each => each.isCancellationRequested)
    const verifyOne = async ({ what, item }: Test, i: number): Promise<VerifyAnswer | undefined> => {
      if (item !== undefined) run.started(item)
      const before = all.length === 1 ? '' : `${i + 1} of ${all.length}, `
      return verifier.verify(what, cancel.token, ({ message, share }) => {
        progress(before + message, (i + share) / all.length)
      })
    }
    try {
      const verified: Verified[] = []
      for (const { item } of all) if (item !== undefined) run.enqueued(item)
      for (const [i, test] of all.entries()) {
        const answer = isCancelled() ? undefined : await verifyOne(test, i)
        report(run, test.item, test.what, answer)
        verified.push({ what: test.what, answer })
      }
      return verified
    } finally {
      run.end()
      for (const each of [...linked, cancel]) each.dispose()
    }
  }
  const subjectsIn = (item: vscode.TestItem): readonly vscode.TestItem[] =>
    item.parent === undefined ? [...item.children].map(([, child]) => child) : [item]
  const candidatesIn = async (subject: vscode.TestItem): Promise<readonly vscode.TestItem[]> => {
    if (wanted.get(subject)?.candidate !== undefined) return [subject]
    await resolveCandidates(subject)
    return [...new Set(candidatesOf.get(subject)?.values())]
  }
  const start = (candidates: boolean) => async (
    request: vscode.TestRunRequest, token: vscode.CancellationToken
  ): Promise<void> => {
    const { include, exclude = [] } = request
    if (include === undefined && controller.items.size === 0) await discover()
    const chosen = (include ?? [...controller.items].map(([, item]) => item)).flatMap(subjectsIn)
    const all = candidates ? (await Promise.all(chosen.map(candidatesIn))).flat() : chosen
    const isExcluded = (item: vscode.TestItem | undefined): boolean =>
      item !== undefined && (exclude.includes(item) || isExcluded(item.parent))
    const tests = [...new Set(all)].filter(item => !isExcluded(item)).flatMap((item): readonly Test[] => {
      const what = wanted.get(item)
      return what === undefined ? [] : [{ what, item }]
    })
    await runAll(request, tests, token, () => undefined)
  }
  controller.createRunProfile('Verify', vscode.TestRunProfileKind.Run, start(false), true)
  controller.createRunProfile('Verify All Candidates', vscode.TestRunProfileKind.Run, start(true))
  controller.resolveHandler = item => item === undefined ? discover() : resolveCandidates(item)
  controller.refreshHandler = discover
  const parts = vscode.Disposable.from(controller, subjects.onDidChange(take))
  return {
    async verify(all, token, progress) {
      const tests: Test[] = []
      for (const what of all) tests.push({ what, item: await itemOf(what) }) // the first one asks for all of its space
      const items = tests.flatMap(({ item }) => item ?? [])
      return runAll(new vscode.TestRunRequest(items, [], undefined, false, true), tests, token, progress)
    },
    dispose() { parts.dispose() },
  }
}

function placeKey({ level, index }: Candidate): string { return `${level} ${index}` }

function report(
  run: vscode.TestRun, item: vscode.TestItem | undefined, what: Wanted, answer: VerifyAnswer | undefined
): void {
  if (answer === undefined) {
    if (item !== undefined) run.skipped(item)
    return
  }
  const lines = [`${titleOf(what)}: ${answer.status}`, ...answer.details.map(line => `  ${line}`)]
  run.appendOutput(lines.map(line => `${line.replace(/\r?\n/g, '\r\n')}\r\n`).join(''), undefined, item)
  if (item === undefined) return
  switch (answer.verdict) {
    case 'right':
      run.passed(item, answer.milliseconds)
      return
    case 'wrong':
      run.failed(item, answer.problems.map(messageOf), answer.milliseconds)
      return
    case 'undecided': {
      const problems = answer.problems.map(messageOf)
      run.errored(item, problems.length > 0 ? problems : new vscode.TestMessage(answer.summary), answer.milliseconds)
    }
  }
}

function messageOf(problem: VerifyProblem): vscode.TestMessage {
  const message = new vscode.TestMessage(problem.message)
  message.location = locationOf(problem)
  if (problem.values !== undefined) {
    message.expectedOutput = problem.values.expected
    message.actualOutput = problem.values.found
  }
  if (problem.related.length > 0) {
    message.stackTrace = problem.related.map(({ message: label, uri, range }) =>
      new vscode.TestMessageStackFrame(label, vscode.Uri.parse(uri), positionOf(range.start)))
  }
  return message
}
