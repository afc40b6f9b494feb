/** Choosing candidates of a schedule's space: first the level, then the points with their facts. */
import * as vscode from 'vscode'
import {
  candidatesOf, type Candidate, type CandidatesAnswer, type CandidatesParams, type Named,
} from '../server/protocol.ts'
import type { Wanted } from './cuda-document.ts'
import { listOf } from './cuda-text.ts'
import { versioned } from './places.ts'
import type { LanguageServer } from './server.ts'

/**
 * Feature: Choose Candidate
 *
 * **Heddle: Choose Candidate** lists the levels of the schedule's space with their sizes, then the candidates of one
 * with their choices and facts; type to filter by any of them. The one that you take is shown in place of the default.
 */
export async function pickCandidate(server: LanguageServer, what: Wanted): Promise<Wanted | undefined> {
  const { uri, subject } = what
  const levels = await levelsOf(server, what)
  const [defaults] = levels
  if (defaults === undefined) {
    tellUnreadable(subject)
    return undefined
  }
  const chosen = await vscode.window.showQuickPick([
    { label: 'Default', description: listOf(defaults.answer.candidates[0]?.parameters ?? []), ...defaults },
    ...levels.slice(1).map(levelItem),
  ], { placeHolder: `Which space of ${subject}` })
  if (chosen === undefined || chosen.level === 0) return chosen && { uri, subject }
  const { level } = chosen
  const candidate = await vscode.window.showQuickPick(candidateItems(chosen, what), {
    placeHolder: `A candidate of level ${level}: type to filter by its choices and facts`, ...matching,
  })
  return candidate && { uri, subject, candidate: { level, index: candidate.index } }
}

/** Several, at first all of a level. */
export async function pickCandidates(server: LanguageServer, what: Wanted): Promise<readonly Wanted[] | undefined> {
  const { uri, subject } = what
  const levels = await levelsOf(server, what)
  if (levels.length === 0) {
    tellUnreadable(subject)
    return undefined
  }
  const spaces = levels.length > 1 ? levels.slice(1) : levels
  const chosen = await vscode.window.showQuickPick(spaces.map(levelItem), { placeHolder: `Which space of ${subject}` })
  if (chosen === undefined) return undefined
  const { level } = chosen
  const items = candidateItems(chosen, what).filter(item => !item.isRejected).map(item => ({ ...item, picked: true }))
  const candidates = await vscode.window.showQuickPick(items, {
    placeHolder: `Candidates of level ${level} to verify: all, or those that stay chosen`, canPickMany: true, ...matching,
  })
  return candidates?.map(({ index }) => ({ uri, subject, candidate: { level, index } }))
}

/** One choice, which may be a candidate of several levels: the lowest first. */
export interface NamedCandidate {
  readonly places: readonly [Candidate, ...Candidate[]]
  readonly parameters: readonly Named[]
  readonly facts: readonly Named[]
}

/** What the target can run of all levels, each choice once. */
export async function distinctCandidates(server: LanguageServer, what: Wanted): Promise<readonly NamedCandidate[]> {
  const found = new Map<string, NamedCandidate>()
  for (const { level, answer } of await levelsOf(server, what)) {
    for (const [index, { parameters, facts, rejected }] of answer.candidates.entries()) {
      if (rejected !== undefined) continue
      const key = listOf(parameters), place = { level, index }, before = found.get(key)?.places
      found.set(key, { places: before === undefined ? [place] : [...before, place], parameters, facts })
    }
  }
  return [...found.values()]
}

interface Level { readonly level: number; readonly answer: CandidatesAnswer }

/** Those that differ, level 0 first; none where the schedule cannot be read. */
async function levelsOf(server: LanguageServer, { uri, subject }: Wanted): Promise<readonly Level[]> {
  const ask = async (level: number): Promise<readonly Level[]> => {
    const params: CandidatesParams = { textDocument: versioned(vscode.Uri.parse(uri)), subject, level }
    const answer = await server.request<CandidatesAnswer | null>(candidatesOf, params) ?? undefined
    return answer === undefined ? [] : [{ level, answer }]
  }
  const first = await ask(0)
  const others = first[0]?.answer.levels.filter(level => level > 0) ?? []
  return [...first, ...(await Promise.all(others.map(ask))).flat()]
}

const matching = { matchOnDescription: true, matchOnDetail: true }

function levelItem({ level, answer }: Level) {
  const points = `${answer.candidates.length} candidates of ${answer.raw} points`
  return { label: level === 0 ? 'Default' : `Level ${level}`, description: points, level, answer }
}

function candidateItems({ level, answer }: Level, what: Wanted) {
  const isShown = (index: number): boolean => what.candidate?.level === level && what.candidate.index === index
  return answer.candidates.map(({ parameters, facts, rejected }, index) => ({
    label: rejected === undefined ? listOf(parameters) : `$(warning) ${listOf(parameters)}`, index,
    detail: rejected === undefined ? listOf(facts) : `${listOf(facts)}: ${rejected}`,
    description: isShown(index) ? `${index}, shown now` : String(index), isRejected: rejected !== undefined,
  }))
}

function tellUnreadable(subject: string): void {
  void vscode.window.showInformationMessage(`The schedule of ${subject} cannot be read, so it has no candidates.`)
}
