/** What goes between the page and its web worker. */
import type { Argument, Evaluated, Question, Reply } from './evaluate.ts'

export type ToWorker =
  | { readonly type: 'subject'; readonly version: number; readonly subject: Evaluated }
  | { readonly type: 'ask'; readonly version: number; readonly id: number; readonly question: Question; readonly argument: unknown }

/**
 * An ask about a subject that has been replaced is not answered. The first message, of id -1, says that the worker
 * runs.
 */
export interface FromWorker { readonly id: number; readonly reply: unknown; readonly error: string | null }

export interface Evaluator {
  /** Questions from now on are about this subject; those under way are dropped. */
  show(subject: Evaluated): void
  ask<Q extends Question>(question: Q, argument: Argument<Q>): Promise<Reply<Q>>
}
