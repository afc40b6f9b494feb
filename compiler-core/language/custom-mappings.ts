/**
 * Custom mappings: `mapping NAME(w < workers) -> shape = tasks`.
 *
 * The tasks are evaluated once for a symbolic worker, which gives formulas over `w` that hovers show and code is made
 * from. Where a step needs the number itself (a list whose length depends on `w`), they are evaluated for each worker,
 * which gives a table.
 *
 *     mapping diagonal(w < 32) -> (32, 32) = [(i, (w + i) % 32) for i in 0..32]
 *     32 formulas: (0, w % 32), (1, (w + 1) % 32), ...
 */
import type { Expr as MappingExpr } from '../mapping/arithmetic.ts'
import { custom, customTaskLimit, type CustomTasks } from '../mapping/mapping.ts'
import { checkShape, counted, shapeText } from '../mapping/shape.ts'
import { bindName, evaluate, quietly, rangeOf, repeated } from './evaluate.ts'
import { fromProblem } from './operations.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { CustomMapping } from './syntax/tree.ts'
import { asSymbolic, containsUnknown, describe, int, itemsOf, symbolicVariable, unknown, type Value } from './values.ts'

/** The value of the declaration: a mapping of one factor, or unknown after a problem. */
export function customMapping(run: Run, frame: Frame, n: CustomMapping): Value {
  const extent = evaluate(run, frame, n.worker.extent), shapeValue = evaluate(run, frame, n.shape)
  const shape = itemsOf(shapeValue)?.map(item => item.kind === 'int' ? Number(item.value) : undefined)
  if (extent.kind !== 'int' || !shape || shape.some(d => d === undefined) || shape.length === 0) {
    if (extent.kind !== 'int' && extent.kind !== 'unknown') problem(run, frame.module, n.worker.extent, 'wrong-type', `The number of workers is a whole number; this is ${describe(extent)}.`)
    else if (!containsUnknown(shapeValue) && extent.kind === 'int') problem(run, frame.module, n.shape, 'wrong-type', `A task shape is a tuple of whole numbers; this is ${describe(shapeValue)}.`)
    return unknown
  }
  const extents = shape.filter(d => d !== undefined), workers = Number(extent.value)
  const checked = checkShape(extents, `\`${n.name.text}\``)
  if (!checked.ok) {
    const item = n.shape.kind === 'Tuple' ? n.shape.items[checked.problem.axis ?? -1] : undefined
    return fromProblem(run, frame, checked.problem, item ?? n.shape)
  }
  if (workers < 1) {
    problem(run, frame.module, n.worker.extent, 'bad-extent', `A mapping has at least 1 worker; this one has ${workers}.`)
    return unknown
  }
  if (workers > customTaskLimit) {
    problem(run, frame.module, n.worker.extent, 'too-large', `A custom mapping has at most ${customTaskLimit} tasks over all workers; this one has ${workers} workers. Compose a smaller one with \`spatial\` and \`repeat\`.`)
    return unknown
  }
  const tasks = symbolicTasks(run, frame, n, workers, extents.length) ?? tabulatedTasks(run, frame, n, workers, extents)
  if (!tasks) return unknown
  const result = custom(n.name.text, workers, extents, tasks)
  if (!result.ok) return fromProblem(run, frame, result.problem, n.tasks)
  const origin = [rangeOf(frame, n.name)]
  return { kind: 'mapping', mapping: result.value, origins: result.value.factors.map(() => origin) }
}

/** The tasks as formulas over `w`; undefined where a step needs the number of the worker. */
function symbolicTasks(
  run: Run, frame: Frame, n: CustomMapping, workers: number, rank: number
): CustomTasks | undefined {
  const { problems, gaveUp } = run
  run.gaveUp = false
  const value = quietly(run, () => {
    const inner: Frame = repeated(frame)
    bindName(inner, n.worker.name, symbolicVariable('w', 0, workers - 1))
    return evaluate(run, inner, n.tasks)
  })
  const usable = run.problems === problems && !(run.gaveUp as boolean)
  run.gaveUp = gaveUp
  if (!usable || value.kind !== 'list') return undefined
  const tasks = value.items.map(task => itemsOf(task)?.map(index => index.kind === 'int' || index.kind === 'symbolic' ? asSymbolic(index)?.expr : undefined))
  const complete: (readonly MappingExpr[])[] = []
  for (const task of tasks) {
    const indices = task?.filter(e => e !== undefined)
    if (indices?.length !== rank || task?.length !== rank) return undefined
    complete.push(indices)
  }
  return { kind: 'expressions', tasks: complete }
}

function tabulatedTasks(
  run: Run, frame: Frame, n: CustomMapping, workers: number, shape: readonly number[]
): CustomTasks | undefined {
  const table: (readonly (readonly number[])[])[] = []
  const inner = repeated(frame)
  let total = 0
  for (let w = 0; w < workers && !run.stopped; w++) {
    bindName(inner, n.worker.name, int(w))
    const problems = run.problems
    const value = evaluate(run, inner, n.tasks)
    if (run.problems > problems || containsUnknown(value)) return undefined
    if (value.kind !== 'list') {
      problem(run, frame.module, n.tasks, 'wrong-type', `The tasks of a worker are a list, as in \`[(i, j), ...]\`; for worker ${w} this is ${describe(value)}.`)
      return undefined
    }
    const tasks = value.items.map(task => itemsOf(task)?.map(index => index.kind === 'int' ? Number(index.value) : undefined))
    const bad = tasks.findIndex(task => task?.length !== shape.length || task.some(index => index === undefined))
    if (bad >= 0) {
      problem(run, frame.module, n.tasks, 'wrong-type', `A task is ${shape.length === 1 ? 'a whole number' : `${shape.length} whole numbers`}, as the task shape ${shapeText(shape)} has ${counted(shape.length, 'dimension')}; task ${bad} of worker ${w} is ${describe(value.items[bad] ?? unknown)}.`)
      return undefined
    }
    total += tasks.length
    if (total > customTaskLimit) {
      problem(run, frame.module, n.tasks, 'too-large', `A custom mapping has at most ${customTaskLimit} tasks over all workers. Compose a smaller one with \`spatial\` and \`repeat\`.`)
      return undefined
    }
    table.push(tasks.map(task => (task ?? []).filter(index => index !== undefined)))
  }
  return run.stopped ? undefined : { kind: 'table', tasks: table }
}
