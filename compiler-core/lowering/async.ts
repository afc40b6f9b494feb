/**
 * The immediate form of asynchronous copies: each becomes an ordinary load and store at its place, and the groups that
 * they are waited for in vanish. A copy may arrive at any time until it is waited for, so arriving at once is always
 * right; the barrier after the wait, which shows the copies to other threads, is the schedule's own.
 *
 *     async for (i) in (...).on(threadIdx.x) { sa[i] = a[i] }      for (i) in (...).on(threadIdx.x) { sa[i] = a[i] }
 *     commit_group()                                          ->
 *     wait_group(0)
 *     syncthreads()                                                syncthreads()
 */
import type { Program } from '../ir/ir.ts'
import { rewriteStatements } from './rewrite.ts'

export function immediateCopies(program: Program): Program {
  return rewriteStatements(program, s => {
    if (s.kind === 'tasks' && s.async) return { ...s, async: false }
    return s.kind === 'effect' && (s.effect === 'commit_group' || s.effect === 'wait_group') ? [] : s
  })
}
