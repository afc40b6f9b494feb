/**
 * The tasks of a mapping as numbers: an index of the task is a part that follows from the worker plus a part that
 * follows from the step, for mappings of `spatial` and `repeat`; with custom factors it is a table of both.
 *
 *     spatial(4) * repeat(8)      worker [0, 8, 16, 24], step [0, 1, ... 7]
 */
import { numbers } from '../../mapping/arithmetic.ts'
import { mostSteps, stepsOf, taskAt, tasksPerWorker, type Mapping } from '../../mapping/mapping.ts'

export type TaskTable =
  /** For each axis. */
  | { readonly kind: 'sums'; readonly steps: number; readonly ofWorker: readonly Int32Array[]; readonly ofStep: readonly Int32Array[] }
  /** For each axis, worker by worker, `steps` places each of which the first `count` are used. */
  | { readonly kind: 'list'; readonly steps: number; readonly count: Int32Array; readonly tasks: readonly Int32Array[] }

/** The most workers and steps that are tabulated. */
export const tabulatedAtMost = 2 ** 24

/** Undefined: too many. */
export function taskTable(m: Mapping): TaskTable | undefined {
  const { workers, rank } = m, steps = mostSteps(m), axes = Array.from({ length: rank }, (_, axis) => axis)
  const custom = m.factors.some(f => f.kind === 'custom')
  if ((custom ? workers * steps : workers + steps) > tabulatedAtMost) return undefined
  if (!custom && tasksPerWorker(m) !== undefined) {
    const base = taskAt(m, 0, 0, numbers)
    const ofWorker = axes.map(() => new Int32Array(workers)), ofStep = axes.map(() => new Int32Array(steps))
    for (let w = 0; w < workers; w++) taskAt(m, w, 0, numbers).forEach((x, axis) => { ofWorker[axis]![w] = x })
    for (let k = 0; k < steps; k++) {
      taskAt(m, 0, k, numbers).forEach((x, axis) => { ofStep[axis]![k] = x - base[axis]! })
    }
    return { kind: 'sums', steps, ofWorker, ofStep }
  }
  const count = new Int32Array(workers), tasks = axes.map(() => new Int32Array(workers * steps))
  for (let w = 0; w < workers; w++) {
    count[w] = stepsOf(m, w)
    for (let k = 0; k < count[w]!; k++) {
      taskAt(m, w, k, numbers).forEach((x, axis) => { tasks[axis]![w * steps + k] = x })
    }
  }
  return { kind: 'list', steps, count, tasks }
}
