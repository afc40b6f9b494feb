/** Choosing a candidate of a schedule's space: first the level, then the point with its facts. */
import * as vscode from 'vscode'
import { candidatesOf, type CandidatesAnswer, type CandidatesParams } from '../server/protocol.ts'
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
  const ask = async (level: number): Promise<CandidatesAnswer | undefined> => {
    const params: CandidatesParams = { textDocument: versioned(vscode.Uri.parse(uri)), subject, level }
    return await server.request<CandidatesAnswer | null>(candidatesOf, params) ?? undefined
  }
  const defaults = await ask(0)
  if (defaults === undefined) {
    void vscode.window.showInformationMessage(`The schedule of ${subject} cannot be read, so it has no candidates.`)
    return undefined
  }
  const others = await Promise.all(defaults.levels.filter(level => level > 0)
    .map(async level => ({ level, answer: await ask(level) })))
  const chosen = await vscode.window.showQuickPick([
    { label: 'Default', description: listOf(defaults.candidates[0]?.parameters ?? []), level: 0, answer: defaults },
    ...others.flatMap(({ level, answer }) => answer === undefined ? [] : [{
      label: `Level ${level}`, description: `${answer.candidates.length} candidates of ${answer.raw} points`, level, answer,
    }]),
  ], { placeHolder: `Which space of ${subject}` })
  if (chosen === undefined || chosen.level === 0) return chosen && { uri, subject }
  const { level, answer } = chosen
  const isShown = (index: number): boolean => what.candidate?.level === level && what.candidate.index === index
  const items = answer.candidates.map(({ parameters, facts, rejected }, index) => ({
    label: rejected === undefined ? listOf(parameters) : `$(warning) ${listOf(parameters)}`, index,
    detail: rejected === undefined ? listOf(facts) : `${listOf(facts)}: ${rejected}`,
    description: isShown(index) ? `${index}, shown now` : String(index),
  }))
  const candidate = await vscode.window.showQuickPick(items, {
    placeHolder: `A candidate of level ${level}: type to filter by its choices and facts`,
    matchOnDescription: true, matchOnDetail: true,
  })
  return candidate && { uri, subject, candidate: { level, index: candidate.index } }
}
