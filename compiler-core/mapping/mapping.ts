/**
 * Task mappings: which tasks of a task domain each worker executes, and in which order (reference 1).
 *
 * Composition is associative, so a mapping is a plain list of factors, the outermost first. A factor is an atom
 * (`spatial`: one task a worker; `repeat`: all tasks by one worker) or a custom mapping. Everything about a mapping
 * follows from mixed-radix digits, without enumerating it: the worker number splits into one digit for each spatial
 * dimension, the step number into one for each repeated dimension, and a task index is a sum of scaled digits.
 *
 *     repeat(4, 1) * spatial(16, 8)     128 workers, shape (64, 8), 4 tasks a worker
 *     worker w, step k  ->  (k * 16 + w / 8, w % 8)
 *     task (i, j)       ->  worker i % 16 * 8 + j, step i / 16
 *
 * A mapping is JSON data: it crosses to a web page or a worker as it is.
 */
import {
  constant,
  numbers,
  evaluateExpr,
  exprText,
  floorDivide,
  symbols,
  variable,
  type Arithmetic,
  type Expr
} from './arithmetic.ts'
import { localLayout, multiplyLayouts, stridesLayout, type Layout } from './layout.ts'
import { andThen, failure, success, type Result } from './result.ts'
import {
  checkRanks,
  checkShape,
  counted,
  identityRanks,
  reversedRanks,
  sameNumbers,
  shapeText,
  stridesOf,
  volume,
  type Shape
} from './shape.ts'

export interface Mapping {
  readonly kind: 'mapping'
  readonly rank: number
  /** The task shape: one extent an axis. */
  readonly shape: Shape
  readonly workers: number
  /** Outermost first. */
  readonly factors: readonly Factor[]
}

export type Factor = Atom | Custom
export type Task = readonly number[]

export interface Atom {
  readonly kind: 'spatial' | 'repeat'
  readonly extents: Shape
  /** How fast each dimension varies: 0 is the slowest. */
  readonly ranks: readonly number[]
  /** The axis of the mapping that each dimension moves along; null: projected away. */
  readonly axes: ReadonlyArray<number | null>
  /** How each dimension of a `repeat` becomes a loop; empty for `spatial`. */
  readonly loops: readonly Loop[]
}

/** How the loop of a repeated dimension is written (reference 1.6: automatic, `.`, `u+` and `uN`, `p` and `pN`). */
export type Loop =
  | { readonly kind: 'automatic' }
  | { readonly kind: 'rolled' }
  | { readonly kind: 'unrolled'; readonly factor?: number }
  | { readonly kind: 'vector' }
  | { readonly kind: 'parallel'; readonly threads?: number }

/** A mapping that is given task by task. */
export interface Custom {
  readonly kind: 'custom'
  readonly name: string
  readonly workers: number
  readonly extents: Shape
  readonly axes: ReadonlyArray<number | null>
  readonly tasks: CustomTasks
}

export type CustomTasks =
  /** Step -> index, as expressions over the variable `w`. */
  | { readonly kind: 'expressions'; readonly tasks: ReadonlyArray<readonly Expr[]> }
  /** Worker -> step -> index. */
  | { readonly kind: 'table'; readonly tasks: ReadonlyArray<readonly Task[]> }

export interface Owner {
  readonly worker: number
  readonly step: number
}

/** Who executes a task. */
export interface Owners {
  /** How many (worker, step) pairs: 0 where the task is uncovered, more than 1 where it is replicated. */
  readonly count: number
  /** In ascending order of the worker, then of the step. */
  owners(): Iterable<Owner>
}

/** The most tasks, over all workers, that a custom mapping may have: it is the one kind that must be tabulated. */
export const customTaskLimit = 2 ** 20

// ---------------------------------------------------------------- constructors

/** One task for each worker: index i of worker w is `w / stride_i % extent_i`. */
export function spatial(extents: Shape, ranks: readonly number[] = identityRanks(extents)): Result<Mapping> {
  return atom('spatial', extents, ranks, [])
}

/** All tasks by one worker, as a loop nest whose outermost loop is the dimension of rank 0. */
export function repeat(
  extents: Shape,
  options: { readonly ranks?: readonly number[]; readonly loops?: readonly Loop[] } = {}
): Result<Mapping> {
  const given = options.loops ?? []
  if (given.length > 1 && given.length !== extents.length) {
    return failure(
      'bad-loop',
      `\`repeat\` has ${counted(extents.length, 'dimension')} but ${counted(given.length, 'loop word')}; give one for all dimensions, or one for each.`
    )
  }
  for (const loop of given) {
    const count = loop.kind === 'unrolled' ? loop.factor : loop.kind === 'parallel' ? loop.threads : undefined
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
      return failure('bad-loop', `\`${loopText(loop)}\` needs a whole number of at least 1.`)
    }
  }
  const loops = extents.map((_, i): Loop => given[given.length === 1 ? 0 : i] ?? { kind: 'automatic' })
  return atom('repeat', extents, options.ranks ?? identityRanks(extents), loops)
}

/** A mapping by its tasks. Every task lies inside the shape; tasks may be missing, or owned more than once. */
export function custom(name: string, workers: number, shape: Shape, tasks: CustomTasks): Result<Mapping> {
  if (!Number.isSafeInteger(workers) || workers < 1) {
    return failure('bad-extent', `\`${name}\` has ${workers} workers; a mapping has at least 1.`)
  }
  return andThen(checkShape(shape, `\`${name}\``), () => {
    const total =
      tasks.kind === 'table' ? tasks.tasks.reduce((n, list) => n + list.length, 0) : workers * tasks.tasks.length
    if (total > customTaskLimit) {
      return failure(
        'overflow',
        `\`${name}\` has ${total} tasks over all workers; a custom mapping has at most ${customTaskLimit}. Compose a smaller one with \`spatial\` and \`repeat\`.`
      )
    }
    const factor: Custom = { kind: 'custom', name, workers, extents: shape, axes: identityRanks(shape), tasks }
    for (let w = 0; w < workers; w++) {
      for (const task of customTasksOf(factor, w)) {
        if (task.length !== shape.length) {
          return failure(
            'rank-mismatch',
            `Worker ${w} of \`${name}\` has task ${shapeText(task)} of ${counted(task.length, 'index')}, but the task shape is ${shapeText(shape)}.`.replace(
              'indexs',
              'indices'
            )
          )
        }
        const axis = task.findIndex((t, i) => !(Number.isInteger(t) && t >= 0 && t < (shape[i] ?? 0)))
        if (axis >= 0) {
          return failure(
            'task-outside',
            `Worker ${w} of \`${name}\` has task ${shapeText(task)}, outside the task shape ${shapeText(shape)} in dimension ${axis}.`,
            axis
          )
        }
      }
    }
    return success(fromFactors(shape.length, [factor]))
  })
}

/** `m1 * m2 * ...`, the outermost first: each task of a mapping is tiled by the next mapping. */
export function compose(first: Mapping, ...others: readonly Mapping[]): Result<Mapping> {
  let factors: readonly Factor[] = first.factors
  for (const next of others) {
    if (next.rank !== first.rank) {
      return failure(
        'rank-mismatch',
        `\`${mappingText(first)}\` has ${counted(first.rank, 'dimension')} (task shape ${shapeText(first.shape)}) but \`${mappingText(next)}\` has ${next.rank} (task shape ${shapeText(next.shape)}); composed mappings have equally many.`
      )
    }
    factors = [...factors, ...next.factors]
  }
  const product = fromFactors(first.rank, factors)
  const steps = mostSteps(product)
  for (const [size, what] of [
    [product.workers, 'workers'],
    [volume(product.shape), 'tasks in its shape'],
    [product.workers * steps, 'tasks over all workers']
  ] as const) {
    if (!Number.isSafeInteger(size)) return failure('overflow', `The composition has more than 2^53 ${what}.`)
  }
  return success(product)
}

/**
 * The index of one axis alone, as a mapping of rank 1: repeats of the other axes are gone, so that the rows (or
 * columns) that
 * a thread needs come straight from the mapping of its tile. Workers that differ only in other axes own the same tasks.
 */
export function projectOnto(m: Mapping, axis: number): Result<Mapping> {
  return andThen(checkAxis(m, axis), () =>
    success(
      fromFactors(
        1,
        m.factors.flatMap((f): Factor[] => {
          const axes = f.axes.map(a => (a === axis ? 0 : null))
          if (f.kind !== 'repeat') return [{ ...f, axes }]
          const kept = axes.flatMap((a, i) => (a === null ? [] : [i]))
          return kept.length === 0 ? [] : [keepDimensions(f, kept, axes)]
        })
      )
    )
  )
}

/**
 * Sets the index of the given axes to 0 in every task; their extent becomes 1, workers and steps stay (reference
 * 1.5).
 */
export function projectZero(m: Mapping, axes: readonly number[]): Result<Mapping> {
  for (const axis of axes) {
    const checked = checkAxis(m, axis)
    if (!checked.ok) return checked
  }
  return success(
    fromFactors(
      m.rank,
      m.factors.map(f => ({ ...f, axes: f.axes.map(a => (a !== null && axes.includes(a) ? null : a)) }))
    )
  )
}

// ---------------------------------------------------------------- questions

/** Tasks of each worker, or undefined where a custom factor gives workers differently many. */
export function tasksPerWorker(m: Mapping): number | undefined {
  return prepare(m).steps
}

/** Tasks of the worker that has the most. */
export function mostSteps(m: Mapping): number {
  return m.factors.reduce((n, f) => n * mostOwnSteps(f), 1)
}

/** Tasks of one worker. */
export function stepsOf(m: Mapping, worker: number): number {
  const p = prepare(m)
  return (
    p.steps ?? p.places.reduce((n, place) => n * customStepsOf(place.factor, ownWorker(place, worker, numbers)), 1)
  )
}

/** The task of `worker` at `step` (0 <= step < stepsOf), one index an axis, in any arithmetic. */
export function taskAt<E>(m: Mapping, worker: E, step: E, a: Arithmetic<E>): readonly E[] {
  const p = prepare(m)
  const sums: Array<E | undefined> = m.shape.map(() => undefined)
  const add = (axis: number, term: E) => {
    const sum = sums[axis]
    sums[axis] = sum === undefined ? term : a.binary('+', sum, term)
  }
  for (const d of p.digits) {
    if (d.axis !== null) add(d.axis, scaled(digitOf(d, d.source === 'worker' ? worker : step, a), d.scale, a))
  }
  if (p.hasCustom) {
    for (const { place, step: own } of ownSteps(p, worker, step, a)) {
      const f = place.factor
      if (f.kind === 'spatial' || (f.kind === 'repeat' && p.steps !== undefined)) continue
      const index =
        f.kind === 'custom'
          ? customTaskAt(f, ownWorker(place, worker, a), own, a)
          : f.extents.map((extent, i) =>
            a.binary('%', a.binary('/', own, a.constant(place.strides[i] ?? 1)), a.constant(extent))
          )
      f.axes.forEach((axis, i) => {
        const part = index[i]
        if (axis !== null && part !== undefined) add(axis, scaled(part, place.scales[axis] ?? 1, a))
      })
    }
  }
  return sums.map(sum => sum ?? a.constant(0))
}

/** The tasks of one worker, in order. */
export function* tasksOf(m: Mapping, worker: number): Generator<Task> {
  const steps = stepsOf(m, worker)
  for (let k = 0; k < steps; k++) yield taskAt(m, worker, k, numbers)
}

/** Who executes `task`, from its digits alone: at a cost of the number of factors, whatever their sizes. */
export function ownersOf(m: Mapping, task: Task): Owners {
  const p = prepare(m)
  const choices = p.places.map(place => ownChoices(place, task))
  const count = choices.reduce((n, c) => n * c.count, 1)
  return {
    count,
    *owners() {
      if (count === 0) return
      for (const workers of products(choices.map(c => c.workers))) {
        const worker = p.places.reduce((n, place, i) => n + (workers[i] ?? 0) * place.workerStride, 0)
        for (const steps of products(choices.map((c, i) => () => c.steps(workers[i] ?? 0)))) {
          const step = p.places.reduce(
            (n, place, i) => n * customStepsOf(place.factor, workers[i] ?? 0) + (steps[i] ?? 0),
            0
          )
          yield { worker, step }
        }
      }
    }
  }
}

/**
 * The registers that a worker needs for its tasks, in their order: spatial parts are spread over workers, repeats are
 * stored.
 */
export function registerLayout(m: Mapping): Result<Layout> {
  let layout: Layout | undefined
  for (const f of m.factors) {
    if (f.kind === 'custom') {
      return failure(
        'no-register-layout',
        `\`${f.name}\` is a custom mapping; a register layout follows from \`spatial\` and \`repeat\` only.`
      )
    }
    const shape = factorShape(f, m.rank)
    const kept = f.axes.flatMap((a, i) => (a === null ? [] : [i]))
    const atom = keepDimensions(f, kept, f.axes)
    const strides = m.shape.map(() => 0)
    stridesOf(atom.extents, atom.ranks).forEach((s, i) => {
      strides[atom.axes[i] ?? 0] = s
    })
    const own = f.kind === 'spatial' ? localLayout(shape) : stridesLayout(shape, strides)
    const next: Result<Layout> = !own.ok || layout === undefined ? own : multiplyLayouts(layout, own.value)
    if (!next.ok) return next
    layout = next.value
  }
  return layout === undefined ? localLayout(m.shape) : success(layout)
}

/**
 * Whether two mappings give every worker the same tasks in the same order: decided by digits, and by enumeration where
 * there are custom factors; with more than `customTaskLimit` tasks over all workers those have to be written alike.
 */
export function equalMappings(a: Mapping, b: Mapping): boolean {
  const p = prepare(a),
    q = prepare(b)
  if (!sameNumbers(a.shape, b.shape) || a.workers !== b.workers || p.steps !== q.steps) return false
  if (!p.hasCustom && !q.hasCustom) return JSON.stringify(p.digits) === JSON.stringify(q.digits)
  const most = a.workers * mostSteps(a)
  if (most > customTaskLimit) return JSON.stringify(a.factors) === JSON.stringify(b.factors)
  for (let w = 0; w < a.workers; w++) {
    const steps = stepsOf(a, w)
    if (steps !== stepsOf(b, w)) return false
    for (let k = 0; k < steps; k++) if (!sameNumbers(taskAt(a, w, k, numbers), taskAt(b, w, k, numbers))) return false
  }
  return true
}

/**
 * The index of each axis as a formula over the worker `w` and the step `k`, in Heddle. Undefined where a custom mapping
 * is a table, or has more tasks than a formula can show.
 */
export function closedForm(m: Mapping): readonly string[] | undefined {
  const shown = m.factors.every(f => f.kind !== 'custom' || (f.tasks.kind === 'expressions' && f.tasks.tasks.length <= 4))
  return shown ? taskAt(m, variable('w'), variable('k'), symbols).map(e => exprText(e)) : undefined
}

/** The mapping in Heddle. */
export function mappingText(m: Mapping): string {
  return m.factors.map(f => factorText(f, m.rank)).join(' * ') || `repeat(${m.shape.map(() => 1).join(', ')})`
}

export function factorText(f: Factor, rank: number): string {
  const base = f.kind === 'custom' ? f.name : atomText(f)
  if (f.axes.length === rank && f.axes.every((a, i) => a === i)) return base
  if (f.axes.length === rank && f.axes.every((a, i) => a === i || a === null) && rank > 1) {
    const zero = f.axes.flatMap((a, i) => (a === null ? [i] : []))
    return `${base}.project(zero: ${zero.length === 1 ? zero[0] : shapeText(zero)})`
  }
  const live = f.axes.findIndex(a => a !== null)
  const onto = f.axes.length === 1 ? base : `${base}.project(onto: ${Math.max(live, 0)})`
  return live >= 0 ? onto : `${onto}.project(zero: 0)`
}

export function loopText(loop: Loop): string {
  switch (loop.kind) {
    case 'automatic':
      return 'automatic'
    case 'rolled':
      return 'rolled'
    case 'vector':
      return 'vector'
    case 'unrolled':
      return loop.factor === undefined ? 'unrolled' : `unrolled(${loop.factor})`
    case 'parallel':
      return loop.threads === undefined ? 'parallel' : `parallel(${loop.threads})`
  }
}

// ---------------------------------------------------------------- facts of a factor, for the modules beside this one

/** The extent of a factor along each axis of its mapping. */
export function factorShape(f: Factor, rank: number): number[] {
  const shape = new Array<number>(rank).fill(1)
  f.axes.forEach((axis, i) => {
    if (axis !== null) shape[axis] = f.extents[i] ?? 1
  })
  return shape
}

export function factorWorkers(f: Factor): number {
  return f.kind === 'custom' ? f.workers : f.kind === 'spatial' ? volume(f.extents) : 1
}

/**
 * Where a factor stands in its mapping: what one unit of its own worker, or of its own task index, is worth outside.
 */
export interface Place {
  readonly factor: Factor
  readonly workers: number
  /** Tasks of each own worker; undefined where they differ. */
  readonly steps: number | undefined
  readonly workerStride: number
  /** Of the whole mapping's range of workers: no remainder is needed to find the own worker. */
  readonly outermost: boolean
  readonly shape: readonly number[]
  readonly scales: readonly number[]
  /** The own strides of an atom's dimensions, empty for a custom mapping. */
  readonly strides: readonly number[]
}

export function placesOf(m: Mapping): readonly Place[] {
  return prepare(m).places
}

/** For each own task of a custom mapping (row-major over the axes that it keeps): its owners, in ascending order. */
export function customOwners(f: Custom): ReadonlyMap<number, readonly Owner[]> {
  let table = reverseTables.get(f)
  if (!table) {
    const made = new Map<number, Owner[]>()
    const strides = keptStrides(f)
    for (let worker = 0; worker < f.workers; worker++) {
      customTasksOf(f, worker).forEach((task, step) => {
        const cell = task.reduce((n, t, i) => n + t * (strides[i] ?? 0), 0)
        const list = made.get(cell)
        if (list) list.push({ worker, step })
        else made.set(cell, [{ worker, step }])
      })
    }
    reverseTables.set(f, (table = made))
  }
  return table
}

/** Row-major strides over the dimensions that are not projected away; 0 for those that are. */
export function keptStrides(f: Factor): number[] {
  const strides = new Array<number>(f.extents.length).fill(0)
  let stride = 1
  for (let i = f.extents.length - 1; i >= 0; i--) {
    if (f.axes[i] === null) continue
    strides[i] = stride
    stride *= f.extents[i] ?? 1
  }
  return strides
}

// ---------------------------------------------------------------- digits

/** A digit of the worker or step number, `source / divide % extent`, times `scale` along an axis of the task index. */
interface Digit {
  readonly source: 'worker' | 'step'
  readonly divide: number
  readonly extent: number
  readonly axis: number | null
  readonly scale: number
  /** Nothing of the source lies above this digit, so that the remainder may be dropped. */
  readonly top: boolean
}

interface Prepared {
  readonly places: readonly Place[]
  /**
   * Those of atoms, merged: no two neighbouring digits of a source could be one, so that equal mappings have equal
   * digits.
   * Where workers have differently many steps, a step has no digits: its radices depend on the worker.
   */
  readonly digits: readonly Digit[]
  readonly steps: number | undefined
  readonly hasCustom: boolean
}

const preparedMappings = new WeakMap<Mapping, Prepared>()
const reverseTables = new WeakMap<Custom, ReadonlyMap<number, readonly Owner[]>>()
const customTables = new WeakMap<Custom, CustomTable>()

function prepare(m: Mapping): Prepared {
  let p = preparedMappings.get(m)
  if (!p) preparedMappings.set(m, (p = makePrepared(m)))
  return p
}

function makePrepared(m: Mapping): Prepared {
  const places: Place[] = [],
    digits: Digit[] = []
  const stepCounts = m.factors.map(uniformSteps)
  const steps = stepCounts.every(n => n !== undefined) ? volume(stepCounts) : undefined
  const scales = new Array<number>(m.rank).fill(1)
  let workerStride = 1,
    stepStride = 1
  for (let i = m.factors.length - 1; i >= 0; i--) {
    const factor = m.factors[i]
    if (!factor) continue
    const workers = factorWorkers(factor),
      shape = factorShape(factor, m.rank)
    const strides = factor.kind === 'custom' ? [] : stridesOf(factor.extents, factor.ranks)
    places.unshift({
      factor,
      workers,
      steps: stepCounts[i],
      workerStride,
      outermost: workerStride * workers === m.workers,
      shape,
      scales: [...scales],
      strides
    })
    if (factor.kind === 'spatial' || (factor.kind === 'repeat' && steps !== undefined)) {
      const source = factor.kind === 'spatial' ? 'worker' : 'step'
      const sourceStride = source === 'worker' ? workerStride : stepStride
      const total = source === 'worker' ? m.workers : steps
      factor.extents.forEach((extent, j) => {
        const axis = factor.axes[j] ?? null,
          divide = sourceStride * (strides[j] ?? 1)
        if (extent > 1)
          digits.push({
            source,
            divide,
            extent,
            axis,
            scale: axis === null ? 0 : (scales[axis] ?? 1),
            top: divide * extent === total
          })
      })
    }
    workerStride *= workers
    stepStride *= stepCounts[i] ?? 1
    shape.forEach((extent, axis) => {
      scales[axis] = (scales[axis] ?? 1) * extent
    })
  }
  return { places, digits: mergeDigits(digits), steps, hasCustom: m.factors.some(f => f.kind === 'custom') }
}

/**
 * Two digits that are neighbours both in their source and along their axis are one digit. After merging, equal
 * functions have equal
 * digits: the lowest place where two merged lists differ would be a place where one of them could still be merged.
 */
function mergeDigits(digits: readonly Digit[]): Digit[] {
  const order = [...digits].sort((a, b) =>
    a.source === b.source ? a.divide - b.divide : a.source < b.source ? 1 : -1
  )
  const merged: Digit[] = []
  for (const next of order) {
    const last = merged.at(-1)
    if (
      last &&
      last.source === next.source &&
      last.axis === next.axis &&
      next.divide === last.divide * last.extent &&
      next.scale === last.scale * (last.axis === null ? 0 : last.extent)
    ) {
      merged[merged.length - 1] = { ...last, extent: last.extent * next.extent, top: next.top }
    } else merged.push(next)
  }
  return merged.sort((a, b) => b.scale - a.scale || b.divide - a.divide || (a.source < b.source ? 1 : -1))
}

function digitOf<E>(d: Digit, source: E, a: Arithmetic<E>): E {
  const quotient = d.divide === 1 ? source : a.binary('/', source, a.constant(d.divide))
  return d.top ? quotient : a.binary('%', quotient, a.constant(d.extent))
}

function scaled<E>(e: E, scale: number, a: Arithmetic<E>): E {
  return scale === 1 ? e : a.binary('*', e, a.constant(scale))
}

/** The worker of a factor, from the worker of its mapping. */
function ownWorker<E>(place: Place, worker: E, a: Arithmetic<E>): E {
  if (place.workers === 1) return a.constant(0)
  const quotient = place.workerStride === 1 ? worker : a.binary('/', worker, a.constant(place.workerStride))
  return place.outermost ? quotient : a.binary('%', quotient, a.constant(place.workers))
}

/** The step of each factor, from the step of its mapping: mixed radix, whose radices may depend on the worker. */
function ownSteps<E>(
  p: Prepared,
  worker: E,
  step: E,
  a: Arithmetic<E>
): Array<{ readonly place: Place; readonly step: E }> {
  const own: Array<{ place: Place; step: E }> = []
  let rest = step
  for (let i = p.places.length - 1; i >= 0; i--) {
    const place = p.places[i]
    if (!place) continue
    const uniform = place.steps
    const radix =
      uniform !== undefined || place.factor.kind !== 'custom'
        ? a.constant(uniform ?? 1)
        : tableItem(customTable(place.factor).counts, ownWorker(place, worker, a), a)
    own.unshift({ place, step: uniform === 1 ? a.constant(0) : i === 0 ? rest : a.binary('%', rest, radix) })
    if (uniform !== 1) rest = a.binary('/', rest, radix)
  }
  return own
}

/** The (own worker, own step) pairs by which a factor reaches its part of a task. */
interface Choices {
  readonly count: number
  workers(): Iterable<number>
  steps(ownWorker: number): Iterable<number>
}

function ownChoices(place: Place, task: Task): Choices {
  const f = place.factor
  const index = f.axes.map(axis =>
    axis === null ? null : floorDivide(task[axis] ?? 0, place.scales[axis] ?? 1) % (place.shape[axis] ?? 1)
  )
  if (f.kind === 'custom') {
    const strides = keptStrides(f)
    const owners = customOwners(f).get(index.reduce<number>((n, t, i) => n + (t ?? 0) * (strides[i] ?? 0), 0)) ?? []
    return {
      count: owners.length,
      workers: () => new Set(owners.map(o => o.worker)),
      steps: worker => owners.flatMap(o => (o.worker === worker ? [o.step] : []))
    }
  }
  const fixed = index.reduce<number>((n, t, i) => n + (t ?? 0) * (place.strides[i] ?? 1), 0)
  const free = index
    .flatMap((t, i) => (t === null ? [{ extent: f.extents[i] ?? 1, stride: place.strides[i] ?? 1 }] : []))
    .sort((a, b) => b.stride - a.stride)
  const count = free.reduce((n, d) => n * d.extent, 1)
  return f.kind === 'spatial'
    ? { count, workers: () => sums(fixed, free), steps: () => [0] }
    : { count, workers: () => [0], steps: () => sums(fixed, free) }
}

/** `base` plus each combination of multiples, ascending: the strides are mixed radix, the largest first. */
function* sums(
  base: number,
  free: ReadonlyArray<{ readonly extent: number; readonly stride: number }>,
  from = 0
): Generator<number> {
  const first = free[from]
  if (!first) {
    yield base
    return
  }
  for (let i = 0; i < first.extent; i++) yield* sums(base + i * first.stride, free, from + 1)
}

/** One of each list, the last varying fastest. */
function* products(lists: ReadonlyArray<() => Iterable<number>>, from = 0): Generator<readonly number[]> {
  const first = lists[from]
  if (!first) {
    yield []
    return
  }
  for (const n of first()) for (const rest of products(lists, from + 1)) yield [n, ...rest]
}

// ---------------------------------------------------------------- factors

function atom(kind: Atom['kind'], extents: Shape, ranks: readonly number[], loops: readonly Loop[]): Result<Mapping> {
  return andThen(checkShape(extents, `\`${kind}\``), () =>
    andThen(checkRanks(extents, ranks, `\`${kind}\``), () =>
      success(
        fromFactors(extents.length, [
          { kind, extents: [...extents], ranks: [...ranks], axes: identityRanks(extents), loops }
        ])
      )
    )
  )
}

function fromFactors(rank: number, factors: readonly Factor[]): Mapping {
  const shape = new Array<number>(rank).fill(1)
  let workers = 1
  for (const f of factors) {
    factorShape(f, rank).forEach((extent, axis) => {
      shape[axis] = (shape[axis] ?? 1) * extent
    })
    workers *= factorWorkers(f)
  }
  return { kind: 'mapping', rank, shape, workers, factors }
}

function checkAxis(m: Mapping, axis: number): Result<number> {
  return Number.isInteger(axis) && axis >= 0 && axis < m.rank
    ? success(axis)
    : failure(
      'bad-axis',
      `Axis ${axis} does not exist: \`${mappingText(m)}\` has ${m.rank === 1 ? 'axis 0 only' : `axes 0 to ${m.rank - 1}`}.`
    )
}

/** The atom with some of its dimensions only; their ranks close up. */
function keepDimensions(f: Atom, kept: readonly number[], axes: ReadonlyArray<number | null>): Atom {
  const pick = <T>(list: readonly T[]): T[] =>
    kept.flatMap(i => {
      const x = list[i]
      return x === undefined ? [] : [x]
    })
  const ranks = pick(f.ranks)
  return {
    ...f,
    extents: pick(f.extents),
    ranks: ranks.map(r => ranks.filter(s => s < r).length),
    axes: pick(axes),
    loops: pick(f.loops)
  }
}

function atomText(f: Atom): string {
  const column = f.extents.length > 1 && sameNumbers(f.ranks, reversedRanks(f.extents))
  const row = sameNumbers(f.ranks, identityRanks(f.extents))
  const words = f.loops.map(loopText)
  const loops = words.every(w => w === 'automatic')
    ? []
    : words.every(w => w === words[0])
      ? words.slice(0, 1)
      : words
  const ranks = row || column ? [] : [`ranks: ${shapeText(f.ranks)}`]
  return `${column ? 'col_' : ''}${f.kind}(${[...f.extents, ...loops, ...ranks].join(', ')})`
}

/** Steps of the factor for every worker; undefined where they differ. */
function uniformSteps(f: Factor): number | undefined {
  if (f.kind !== 'custom') return f.kind === 'repeat' ? volume(f.extents) : 1
  if (f.tasks.kind === 'expressions') return f.tasks.tasks.length
  const first = f.tasks.tasks[0]?.length ?? 0
  return f.tasks.tasks.every(list => list.length === first) ? first : undefined
}

function mostOwnSteps(f: Factor): number {
  return f.kind === 'custom' && f.tasks.kind === 'table'
    ? f.tasks.tasks.reduce((n, list) => Math.max(n, list.length), 0)
    : (uniformSteps(f) ?? 0)
}

function customStepsOf(f: Factor, ownWorker: number): number {
  return f.kind === 'custom' && f.tasks.kind === 'table'
    ? (f.tasks.tasks[ownWorker]?.length ?? 0)
    : (uniformSteps(f) ?? 0)
}

function customTasksOf(f: Custom, worker: number): readonly Task[] {
  return f.tasks.kind === 'table'
    ? (f.tasks.tasks[worker] ?? [])
    : f.tasks.tasks.map(index => index.map(e => evaluateExpr(e, { w: worker }, numbers)))
}

/** A table as columns, for arithmetic that can only look numbers up. */
interface CustomTable {
  readonly counts: readonly number[]
  readonly starts: readonly number[]
  readonly columns: ReadonlyArray<readonly number[]>
}

function customTable(f: Custom): CustomTable {
  let table = customTables.get(f)
  if (!table) {
    const lists =
      f.tasks.kind === 'table' ? f.tasks.tasks : Array.from({ length: f.workers }, (_, w) => customTasksOf(f, w))
    const counts = lists.map(list => list.length)
    let next = 0
    const starts = counts.map(n => {
      const start = next
      next += n
      return start
    })
    const columns = f.extents.map((_, i) => lists.flatMap(list => list.map(task => task[i] ?? 0)))
    customTables.set(f, (table = { counts, starts, columns }))
  }
  return table
}

function customTaskAt<E>(f: Custom, worker: E, step: E, a: Arithmetic<E>): readonly E[] {
  const { tasks } = f
  if (tasks.kind === 'expressions') {
    const item = (axis: number) => (k: number) => evaluateExpr(tasks.tasks[k]?.[axis] ?? constant(0), { w: worker }, a)
    return f.extents.map((_, axis) => a.choose(step, tasks.tasks.length, item(axis)))
  }
  const { starts, columns } = customTable(f)
  const row = a.binary('+', tableItem(starts, worker, a), step)
  return columns.map(column => tableItem(column, row, a))
}

function tableItem<E>(values: readonly number[], index: E, a: Arithmetic<E>): E {
  return a.choose(index, values.length, i => a.constant(values[i] ?? 0))
}
