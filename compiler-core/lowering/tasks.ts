/**
 * Loops over mappings become loops over their repeated factors; the index terms of spatial factors become names.
 *
 *     for (i, p) in load_a.on(threadIdx.x) { ga[i, p] = 0 }          load_a = spatial(32, 8) * repeat(4, 1)
 *
 *     let load_a_i = threadIdx.x / 8 * 4         // spatial(32, 8)
 *     let load_a_p = threadIdx.x % 8             // spatial(32, 8)
 *     unroll for i_step in 0..4 {                // repeat(4, 1)
 *       let i = load_a_i + i_step                // load_a
 *       ga[i, load_a_p] = 0
 *     }
 *
 * Workers beyond those of the mapping get a guard; a mapping with more workers than there are is an error.
 */
import { binary, constant, indexArithmetic, ref } from '../ir/build.ts'
import type { Finding } from '../ir/finding.ts'
import type { Expr, For, Let, Program, Stmt, Tasks, Variable } from '../ir/ir.ts'
import { joinOrigins, type Origins } from '../ir/origin.ts'
import { printExpr } from '../ir/print.ts'
import { exprsOf, forEachExpr, forEachStmt, freeVariables, substituteIn } from '../ir/visit.ts'
import { evaluateExpr } from '../mapping/arithmetic.ts'
import {
  factorText, mappingText, mostSteps, placesOf, stepsOf, type Custom, type Loop, type Place
} from '../mapping/mapping.ts'
import { findingList } from './finding-list.ts'
import type { Interval } from './intervals.ts'
import { isGuarded, rangeIn, rewriteProgram, type Scope } from './scope.ts'

/** No `tasks` is left. Errors: `too-many-workers`. */
export function lowerTasks(program: Program): { program: Program; findings: readonly Finding[] } {
  const findings = findingList()
  const lowered = rewriteProgram(program, {
    stmt: (s, scope) => {
      if (s.kind !== 'tasks') return s
      const problem = tooManyWorkers(s, scope)
      if (problem) findings.add(problem)
      return loopsOf(s, scope)
    }
  })
  return { program: lowered, findings: findings.all() }
}

function tooManyWorkers(s: Tasks, scope: Scope): Finding | undefined {
  const { high } = workerRange(s, scope)
  if (s.mapping.workers <= high + 1) return undefined
  return {
    code: 'too-many-workers', severity: 'error', origins: s.origins, related: [],
    message: `\`${s.name ?? mappingText(s.mapping)}\` has ${s.mapping.workers} workers, but \`${printExpr(s.worker)}\` is at most ${high} here: the tasks of workers ${high + 1} to ${s.mapping.workers - 1} would not be executed.`
  }
}

/** Conditions may leave fewer workers than the block has. */
function workerRange(s: Tasks, scope: Scope): Interval {
  return rangeIn(s.worker, scope, range => Number.isFinite(range.high) && !isGuarded(s.worker, scope))
}

/** Fewer iterations than this, over all loops of a mapping, are unrolled. */
const unrolledAtMost = 64

function loopsOf(s: Tasks, scope: Scope): readonly Stmt[] {
  const { mapping, origins } = s
  const { worker, before } = namedWorker(s)
  const parts = partsOf(s, worker)
  const total = parts.flatMap(p => p.loops).reduce((n, l) => n * (l.extent ?? Infinity), 1)
  const unrolled = total <= unrolledAtMost || indexesRegisters(s)

  const whole = s.name ?? mappingText(mapping)
  const bases: Let[] = [], sums: Let[] = [], loops: Array<(body: readonly Stmt[]) => For> = []
  const values = new Map<Variable, Expr>()
  const terms: Expr[][] = s.variables.map(() => [])
  const counts = s.variables.map((_, axis) => parts.flatMap(p => p.loops).filter(l => l.axis === axis).length)
  const seen = s.variables.map(() => 0)

  s.variables.forEach((variable, axis) => {
    const own = parts.flatMap(p => p.spatial.flatMap(t => t.axis === axis ? [{ term: t.term, part: p }] : []))
    if (own.length === 0) return
    const value = own.map(o => o.term).reduce((a, b) => binary('+', a, b, origins))
    const from = joinOrigins(...own.map(o => o.part.origins), origins)
    if (value.kind === 'constant' || value.kind === 'variable') {
      terms[axis]?.push(value)
      return
    }
    const name = s.name !== undefined ? `${s.name}_${variable.name}`
      : counts[axis] === 0 ? variable.name : `${variable.name}_start`
    const base: Variable = { name, type: 'index', role: 'let' }
    bases.push({
      kind: 'let', variable: base, value, note: unique(own.map(o => o.part.text)).join(', '), origins: from
    })
    terms[axis]?.push(ref(base, from))
  })
  for (const part of parts) {
    for (const loop of part.loops) {
      const { axis, scale } = loop
      const variable = loop.variable ?? loopVariable(s, axis, counts, seen, terms)
      if (axis !== undefined) terms[axis]?.push(binary('*', ref(variable, part.origins), constant(scale), part.origins))
      loops.push(body => ({
        kind: 'for', variable, extent: loop.count, ...unrolling(loop.word, unrolled && loop.extent !== undefined),
        note: part.text, body, origins: joinOrigins(part.origins, origins)
      }))
    }
    for (const { axis, term } of part.custom) terms[axis]?.push(term)
  }
  s.variables.forEach((variable, axis) => {
    const own = terms[axis] ?? []
    const value = own.length === 0 ? constant(0, 'index', origins) : own.reduce((a, b) => binary('+', a, b, origins))
    if (value.kind === 'variable' || value.kind === 'constant') {
      values.set(variable, value)
      return
    }
    const sum: Variable = { name: variable.name, type: 'index', role: 'let' }
    sums.push({ kind: 'let', variable: sum, value, note: whole, origins })
    values.set(variable, ref(sum))
  })

  const body = loops.reduceRight<readonly Stmt[]>((inner, loop) => [loop(inner)], [
    ...sums, ...substituteIn(s.body, values)
  ])
  const guarded = workerRange(s, scope).high >= mapping.workers
  const limit = constant(mapping.workers, 'index', origins)
  return guarded
    ? [...before, { kind: 'if', condition: binary('<', worker, limit, origins), then: [...bases, ...body], otherwise: [], origins }]
    : [...before, ...bases, ...body]
}

/** A worker that is more than a name gets one: it stands in every index term. */
function namedWorker(s: Tasks): { worker: Expr; before: readonly Let[] } {
  if (s.worker.kind === 'variable' || s.worker.kind === 'constant' || s.mapping.workers === 1) {
    return { worker: s.worker, before: [] }
  }
  const variable: Variable = { name: s.name === undefined ? 'worker' : `${s.name}_worker`, type: 'index', role: 'let' }
  return {
    worker: ref(variable, s.worker.origins),
    before: [{ kind: 'let', variable, value: s.worker, note: '', origins: s.worker.origins }]
  }
}

// ---------------------------------------------------------------- factors

interface Part {
  readonly text: string
  readonly origins: Origins
  readonly spatial: ReadonlyArray<{ readonly axis: number; readonly term: Expr }>
  /** The outermost first. */
  readonly loops: readonly PartLoop[]
  readonly custom: ReadonlyArray<{ readonly axis: number; readonly term: Expr }>
}

interface PartLoop {
  /** Undefined where the index of the axis does not move, or where `custom` says how. */
  readonly axis: number | undefined
  readonly variable?: Variable
  readonly scale: number
  /** Undefined where workers have differently many steps. */
  readonly extent: number | undefined
  readonly count: Expr
  readonly word: Loop
}

function partsOf(s: Tasks, worker: Expr): readonly Part[] {
  return placesOf(s.mapping).map((place, n): Part => {
    const origins = s.factorOrigins[n] ?? s.origins
    const text = factorText(place.factor, s.mapping.rank)
    const empty: Part = { text, origins, spatial: [], loops: [], custom: [] }
    switch (place.factor.kind) {
      case 'spatial': return { ...empty, spatial: spatialTerms(place, worker, origins) }
      case 'repeat': return { ...empty, loops: repeatLoops(place, origins) }
      case 'custom': return { ...empty, ...customTerms(s, place, place.factor, worker, origins) }
    }
  })
}

function spatialTerms(place: Place, worker: Expr, origins: Origins): Part['spatial'] {
  return place.factor.extents.flatMap((extent, i) => {
    const axis = place.factor.axes[i] ?? null
    if (axis === null || extent === 1) return []
    const stride = place.strides[i] ?? 1
    const top = place.outermost && stride * extent === place.workers
    const digit = digitOf(worker, place.workerStride * stride, top ? undefined : extent, origins)
    return [{ axis, term: binary('*', digit, constant(place.scales[axis] ?? 1), origins) }]
  })
}

/** `number / divide % extent`; without an extent all that lies above. */
function digitOf(number: Expr, divide: number, extent: number | undefined, origins: Origins): Expr {
  const above = binary('/', number, constant(divide), origins)
  return extent === undefined ? above : binary('%', above, constant(extent), origins)
}

function repeatLoops(place: Place, origins: Origins): readonly PartLoop[] {
  const { factor } = place
  if (factor.kind !== 'repeat') return []
  const dimensions = factor.extents.map((_, i) => i).sort((a, b) => (factor.ranks[a] ?? 0) - (factor.ranks[b] ?? 0))
  return dimensions.flatMap((i): PartLoop[] => {
    const extent = factor.extents[i] ?? 1, axis = factor.axes[i] ?? null
    if (extent === 1) return []
    return [{
      axis: axis ?? undefined, scale: axis === null ? 1 : place.scales[axis] ?? 1, extent,
      count: constant(extent, 'index', origins), word: factor.loops[i] ?? { kind: 'automatic' }
    }]
  })
}

/** The steps of a custom factor are a loop; its indices are formulas over worker and step. */
function customTerms(
  s: Tasks, place: Place, factor: Custom, worker: Expr, origins: Origins
): Pick<Part, 'loops' | 'custom'> {
  const a = indexArithmetic(origins)
  const own = digitOf(worker, place.workerStride, place.outermost ? undefined : place.workers, origins)
  const { workers, extents, tasks } = factor
  const alone = { kind: 'mapping' as const, rank: extents.length, shape: extents, workers, factors: [factor] }
  const most = mostSteps(alone)
  const step: Variable = { name: `${s.variables.map(v => v.name).join('')}_step`, type: 'index', role: 'loop' }
  const at = most === 1 ? constant(0, 'index', origins) : ref(step, origins)
  const item = (axis: number): Expr => tasks.kind === 'expressions'
    ? a.choose(at, tasks.tasks.length, k => {
      const formula = tasks.tasks[k]?.[axis]
      return formula ? evaluateExpr(formula, { w: own }, a) : a.constant(0)
    })
    : a.choose(own, workers, w => a.choose(at, most, k => a.constant(tasks.tasks[w]?.[k]?.[axis] ?? 0)))
  const count = place.steps !== undefined
    ? constant(place.steps, 'index', origins)
    : a.choose(own, workers, w => a.constant(stepsOf(alone, w)))
  return {
    loops: place.steps === 1 ? [] : [{
      axis: undefined, variable: step, scale: 1, extent: place.steps, count, word: { kind: 'automatic' }
    }],
    custom: factor.axes.flatMap((axis, i) => axis === null
      ? []
      : [{ axis, term: binary('*', item(i), constant(place.scales[axis] ?? 1), origins) }])
  }
}

// ---------------------------------------------------------------- names and loops

/** The axis' own name where the loop is all of its index. */
function loopVariable(
  s: Tasks, axis: number | undefined, counts: readonly number[], seen: number[], terms: readonly Expr[][]
): Variable {
  if (axis === undefined) return { name: 'again', type: 'index', role: 'loop' }
  const name = s.variables[axis]?.name ?? 'i'
  const number = seen[axis] = (seen[axis] ?? 0) + 1, count = counts[axis] ?? 1
  const alone = count === 1 && terms[axis]?.length === 0
  const part = count === 1 ? 'step' : count > 2 ? number : number === 1 ? 'outer' : 'inner'
  return { name: alone ? name : `${name}_${part}`, type: 'index', role: 'loop' }
}

function unrolling(word: Loop, unrolled: boolean): Pick<For, 'unroll' | 'vector'> {
  switch (word.kind) {
    case 'automatic': return { unroll: unrolled ? 'full' : 'automatic', vector: false }
    case 'parallel': return { unroll: 'automatic', vector: false }
    case 'rolled': return { unroll: 'never', vector: false }
    case 'unrolled': return { unroll: word.factor ?? 'full', vector: false }
    case 'vector': return { unroll: 'full', vector: true }
  }
}

/** Does an index of a register tensor depend on the task? */
function indexesRegisters(s: Tasks): boolean {
  const moving = new Set<Variable>(s.variables)
  let found = false
  const look = (buffer: { scope: string }, indices: readonly Expr[]) => {
    if (buffer.scope === 'register' && indices.some(mentionsMoving)) found = true
  }
  const mentionsMoving = (e: Expr) => [...freeVariables(e)].some(v => moving.has(v))
  forEachStmt(s.body, inner => {
    if (inner.kind === 'let' && mentionsMoving(inner.value)) moving.add(inner.variable)
    if (inner.kind === 'store') look(inner.buffer, inner.indices)
    for (const e of exprsOf(inner)) {
      forEachExpr(e, node => { if (node.kind === 'load') look(node.buffer, node.indices) })
    }
  })
  return found
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
