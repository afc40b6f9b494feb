/** What a user's input can cause crosses a layer as a value: a result, or one problem in the user's terms. */

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem }

/** Stable codes of everything that can be wrong with a task mapping or a data layout. */
export type ProblemCode =
  | 'bad-extent'
  | 'bad-ranks'
  | 'bad-loop'
  | 'bad-axis'
  | 'rank-mismatch'
  | 'not-divisible'
  | 'size-mismatch'
  | 'task-outside'
  | 'no-register-layout'
  | 'overflow'

export interface Problem {
  readonly code: ProblemCode
  /** One or two sentences for the person who wrote the expression. */
  readonly message: string
  /** The dimension that the rule speaks of, where it speaks of one. */
  readonly axis?: number
}

export function success<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function failure(code: ProblemCode, message: string, axis?: number): Result<never> {
  return { ok: false, problem: axis === undefined ? { code, message } : { code, message, axis } }
}

/** Applies `next` to the value of a result, or passes the problem on. */
export function andThen<T, U>(result: Result<T>, next: (value: T) => Result<U>): Result<U> {
  return result.ok ? next(result.value) : result
}
