/**
 * Statements as JavaScript. A kernel becomes one function of a thread: a generator if threads wait for each other,
 * which yields the number of the barrier or the shuffle at which it waits.
 *
 *     for t in 0..n {                              for (let _4 = 0; _4 < 512; _4++) {
 *       for (i, p) in load_a.on(threadIdx.x) ...     f2(tid, _4)
 *       syncthreads()                        ->      yield 7
 *       for (i, j) in tile.on(threadIdx.x) ...       f3(tid)
 *     }                                            }
 *
 * Loops without a barrier inside are functions of their own, which are optimised apart from the generator. Short
 * mappings are written out task by task.
 */
import type { Allocate, For, Stmt, Tasks, Variable, While } from '../../ir/ir.ts'
import { bodiesOf, exprsOf, someExpr } from '../../ir/visit.ts'
import { allocateText, atomicText, storeText } from './accesses.ts'
import { isBig } from './arithmetic.ts'
import {
  barrierText, bind, branch, fresh, functionText, indexAtom, line, local, nested, sharedChanges, siteNumber,
  type Generation, type Value
} from './code.ts'
import { atomOf, atomOfType, conditionOf, convertedTo, indexOf, isShuffle, valueOf } from './expressions.ts'
import {
  absent, constantOf, keyOf, knownValue, ofLocal, plus, tableOf, type Domain, type Linear, type Table
} from './linear.ts'
import { tabulatedAtMost, taskTable, type TaskTable } from './tasks.ts'

export function bodyText(g: Generation, body: readonly Stmt[]): void {
  for (const s of body) statementText(g, s)
}

/** Does a thread wait for others in it? */
export function waitsIn(s: Stmt): boolean {
  return s.kind === 'barrier' || isSetShared(s) || exprsOf(s).some(e => someExpr(e, isShuffle))
    || bodiesOf(s).some(body => body.some(waitsIn))
}

function isSetShared(s: Stmt): s is Allocate {
  return s.kind === 'allocate' && s.buffer.scope === 'shared' && s.value !== undefined
}

function statementText(g: Generation, s: Stmt): void {
  if (g.waits && isCompound(s) && !waitsIn(s) && !leaves(s, 0)) return separately(g, s)
  switch (s.kind) {
    case 'let':
      g.values.set(s.variable, convertedTo(g, valueOf(g, s.value), s.variable.type))
      return
    case 'declare': {
      const value = atomOfType(g, s.value, s.variable.type)
      if (g.waits) {
        if (!g.frame.has(s.variable)) g.frame.set(s.variable, g.frame.size)
        return assign(g, s.variable, value)
      }
      const name = fresh(g)
      g.mutables.set(s.variable, name)
      line(g, `let ${name} = ${value}`)
      return
    }
    case 'assign': return assign(g, s.variable, atomOfType(g, s.value, s.variable.type))
    case 'allocate': return allocateText(g, s.buffer, s.value, s, s.origins)
    case 'store': return storeText(g, s)
    case 'for': return forText(g, s)
    case 'tasks': return tasksText(g, s)
    case 'if': return branch(g, conditionOf(g, s.condition), () => { bodyText(g, s.then) }, () => { bodyText(g, s.otherwise) })
    case 'while': return whileText(g, s)
    case 'jump':
      line(g, s.to)
      return
    case 'barrier':
      barrierText(g, siteNumber(g, s, 'barrier', s.origins))
      return
    case 'effect':
      switch (s.effect) {
        case 'atomic_add':
          atomicText(g, s, old => {
            if (s.old) assign(g, s.old, atomOf(g, convertedTo(g, old, s.old.type)))
          })
          return
        case 'commit_group':
          line(g, 'commit(tid)')
          return
        case 'wait_group':
          line(g, `arrive(tid, ${s.pending})`)
          sharedChanges(g)
          return
        case 'assert': {
          const site = siteNumber(g, s, 'assert', s.origins)
          branch(g, conditionOf(g, s.condition), () => undefined, () => { line(g, `failed(${site}, tid)`) })
          return
        }
      }
    // eslint-disable-next-line no-fallthrough -- each effect returns
    case 'copy': throw new Error('wide copies are made by lowering')
  }
}

function isCompound(s: Stmt): boolean {
  return s.kind === 'for' || s.kind === 'tasks' || s.kind === 'while' || s.kind === 'if'
}

/** Does a jump leave the statement? `loops`: those of the statement around. */
function leaves(s: Stmt, loops: number): boolean {
  if (s.kind === 'jump') return s.to === 'return' || loops === 0
  const inner = s.kind === 'for' || s.kind === 'tasks' || s.kind === 'while' ? loops + 1 : loops
  return bodiesOf(s).some(body => body.some(b => leaves(b, inner)))
}

/** In a function of its own. */
function separately(g: Generation, s: Stmt): void {
  const { lines } = nested(g, () => {
    g.waits = false
    statementText(g, s)
    g.waits = true
  })
  const { text, call } = functionText(`f${g.functions.length}`, lines, false)
  g.functions.push(text)
  line(g, call)
}

function assign(g: Generation, v: Variable, value: string): void {
  const own = g.mutables.get(v), place = g.frame.get(v)
  if (own !== undefined) line(g, `${own} = ${value}`)
  else if (place !== undefined) {
    if (isBig(v.type)) line(g, `bigFrame[frame + ${place}] = ${value}`)
    else line(g, `frames[frame + ${place}] = ${v.type === 'bool' ? `${value} ? 1 : 0` : value}`)
  } else {
    // the former value of an atomic addition is not declared
    const name = fresh(g)
    line(g, `const ${name} = ${value}`)
    g.values.set(v, v.type === 'index'
      ? { kind: 'index', sum: ofLocal({ name, low: -Infinity, high: Infinity, table: undefined }) }
      : { kind: 'atom', js: name, type: v.type })
  }
}

// ---------------------------------------------------------------- loops

/** Turns of a loop that are charged for at once when it is entered. */
const chargedAtMost = 2 ** 16

function forText(g: Generation, s: For): void {
  const extent = indexOf(g, s.extent), known = knownValue(extent)
  if (extent.high <= 0) return
  const { lines, result } = nested(g, () => {
    const counter = fresh(g)
    const domain: Domain | undefined = known !== undefined && known <= chargedAtMost ? { size: known, counter }
      : undefined
    const table = domain && { domain, values: Int32Array.from({ length: domain.size }, (_, i) => i) }
    const turn: Value = { kind: 'index', sum: ofLocal({ name: counter, low: 0, high: Math.max(extent.high - 1, 0), table }) }
    g.values.set(s.variable, convertedTo(g, turn, s.variable.type))
    bodyText(g, s.body)
    return counter
  })
  loopText(g, result, extent, lines)
}

function loopText(g: Generation, counter: string, extent: Linear, lines: readonly string[]): void {
  if (lines.length === 0) return
  const end = indexAtom(g, extent)
  const single = extent.high > chargedAtMost
  if (!single) line(g, `if ((fuel[0] -= ${end}) < 0) refuel()`)
  line(g, `for (let ${counter} = 0; ${counter} < ${end}; ${counter}++) {`)
  if (single) line(g, 'if (--fuel[0] < 0) refuel()')
  g.lines.push(...lines, '}')
}

function whileText(g: Generation, s: While): void {
  const turns = fresh(g), site = siteNumber(g, s, 'loop', s.origins)
  const { lines } = nested(g, () => {
    const condition = conditionOf(g, s.condition)
    if (condition !== 'true') line(g, `if (!${condition}) break`)
    line(g, `if (++${turns} > mostTurns) endless(${site}, tid)`)
    line(g, `if (--fuel[0] < 0) refuel(${site}, tid)`)
    bodyText(g, s.body)
  })
  line(g, `let ${turns} = 0`)
  line(g, 'for (;;) {')
  g.lines.push(...lines, '}')
}

// ---------------------------------------------------------------- tasks

/** Nodes of a mapping's tasks that are written out one after the other. */
const writtenOutAtMost = 2500

function tasksText(g: Generation, s: Tasks): void {
  const { mapping } = s, table = taskTable(mapping)
  if (!table) {
    g.refused = `A mapping has more than ${tabulatedAtMost.toLocaleString('en-US')} workers and steps, which is more than the interpreter tabulates.`
    return
  }
  const worker = indexOf(g, s.worker)
  const conditions = [
    ...worker.low >= 0 ? [] : [`${indexAtom(g, worker)} >= 0`],
    ...worker.high < mapping.workers ? [] : [`${indexAtom(g, worker)} < ${mapping.workers}`]
  ]
  const asynchronous = g.asynchronous
  g.asynchronous ||= s.async
  branch(g, conditions.join(' && ') || 'true', () => {
    if (table.kind === 'list') listedTasks(g, s, table, worker)
    else summedTasks(g, s, table, worker)
  })
  g.asynchronous = asynchronous
}

function summedTasks(g: Generation, s: Tasks, table: TaskTable & { kind: 'sums' }, worker: Linear): void {
  const { steps, ofWorker, ofStep } = table
  const starts = ofWorker.map(values => byTable(g, values, worker))
  const set = (v: Variable, sum: Linear) => { g.values.set(v, convertedTo(g, { kind: 'index', sum }, v.type)) }
  if (steps * sizeOf(s.body) <= writtenOutAtMost && !s.body.some(b => leaves(b, 0))) {
    for (let k = 0; k < steps; k++) {
      s.variables.forEach((v, axis) => { set(v, plus(starts[axis]!, constantOf(ofStep[axis]![k]!))) })
      bodyText(g, s.body)
    }
    return
  }
  const { lines, result } = nested(g, () => {
    const counter = fresh(g), domain: Domain = { size: steps, counter }
    s.variables.forEach((v, axis) => {
      const values = ofStep[axis]!
      const own = values.every(x => x === 0) ? constantOf(0)
        : local(g, `step ${counter} ${axis}`, () => `${bind(g, 'table', values)}[${counter}]`, least(values), greatest(values), { domain, values })
      set(v, plus(starts[axis]!, own))
    })
    bodyText(g, s.body)
    return counter
  })
  loopText(g, result, constantOf(steps), lines)
}

function listedTasks(g: Generation, s: Tasks, { steps, count, tasks }: TaskTable & { kind: 'list' }, worker: Linear): void {
  const own = byTable(g, count, worker)
  const start = fresh(g)
  line(g, `const ${start} = ${indexAtom(g, worker)} * ${steps}`)
  const { lines, result } = nested(g, () => {
    const counter = fresh(g)
    s.variables.forEach((v, axis) => {
      const values = tasks[axis]!
      const sum = local(g, `step ${counter} ${axis}`, () => `${bind(g, 'table', values)}[${start} + ${counter}]`, least(values), greatest(values))
      g.values.set(v, convertedTo(g, { kind: 'index', sum }, v.type))
    })
    bodyText(g, s.body)
    return counter
  })
  loopText(g, result, own, lines)
}

/** The item of a worker; with its table over threads, where the worker has one. */
function byTable(g: Generation, values: Int32Array, worker: Linear): Linear {
  const known = knownValue(worker), low = least(values), high = greatest(values)
  if (low === high) return constantOf(low)
  if (known !== undefined) return constantOf(values[known] ?? 0)
  const of = tableOf(worker)
  const table: Table | undefined = of && { domain: of.domain, values: of.values.map(w => values[w] ?? absent) }
  const array = bind(g, 'table', values)
  return local(g, `${array}[${keyOf(worker)}]`, () => `${array}[${indexAtom(g, worker)}]`, low, high, table)
}

function least(values: Int32Array): number {
  return values.reduce((a, b) => Math.min(a, b), values[0] ?? 0)
}

function greatest(values: Int32Array): number {
  return values.reduce((a, b) => Math.max(a, b), values[0] ?? 0)
}

/** Nodes of statements and expressions. */
function sizeOf(body: readonly Stmt[]): number {
  let size = 0
  for (const s of body) {
    size++
    for (const e of exprsOf(s)) someExpr(e, () => { size++; return false })
    for (const inner of bodiesOf(s)) size += sizeOf(inner)
  }
  return size
}
