/** `heddle mapping` and `heddle layout`: an expression, evaluated and described. */
import { numbers } from '../mapping/arithmetic.ts'
import { coverage, type Coverage } from '../mapping/coverage.ts'
import { layoutText, offset, type Layout } from '../mapping/layout.ts'
import { closedForm, mappingText, stepsOf, taskAt, tasksOf, tasksPerWorker, type Mapping } from '../mapping/mapping.ts'
import { counted, indicesOf, shapeText, volume } from '../mapping/shape.ts'
import { evaluateExpression } from '../language/program.ts'
import { describe as kindText, type Value } from '../language/values.ts'
import type { LayoutOutput, MappingOutput } from '../view/output.ts'
import { diagnosticText } from './diagnostic-text.ts'
import { table, type Report } from './report.ts'

/** Above this many tasks, or elements, they are counted and not listed. */
const listLimit = 2 ** 20

export function mappingReport(expression: string, target: string): Report {
  return describe(expression, target, 'mapping', value => value.kind === 'mapping'
    ? { text: mappingDescription(value.mapping), json: mappingOutput(value.mapping) }
    : undefined)
}

export function layoutReport(expression: string, target: string): Report {
  return describe(expression, target, 'layout', value => value.kind === 'layout'
    ? { text: layoutDescription(value.layout), json: layoutOutput(value.layout) }
    : undefined)
}

type Described = { readonly text: string; readonly json: unknown }

function describe(
  expression: string, target: string, wanted: string, of: (value: Value) => Described | undefined
): Report {
  const { value, diagnostics } = evaluateExpression(expression, { target })
  const errors = diagnostics.map(d => diagnosticText('expression', expression, d)).join('')
  if (diagnostics.some(d => d.severity === 'error')) return { status: 1, text: '', errors }
  const described = of(value)
  if (described) return { status: 0, errors, ...described }
  const other = value.kind === 'layout' || value.kind === 'mapping' ? ` Use \`heddle ${value.kind}\`.` : ''
  return { status: 1, text: '', errors: `${errors}error: this is ${kindText(value)}, not a ${wanted}.${other}\n` }
}

// ---------------------------------------------------------------- mappings

function mappingOutput(m: Mapping): MappingOutput {
  const each = tasksPerWorker(m)
  const facts = { workers: m.workers, shape: [...m.shape] }
  if (mostTasks(m) > listLimit) return { ...facts, tasks: null, tasks_per_worker: each ?? null }
  return { ...facts, tasks: Array.from({ length: m.workers }, (_, w) => [...tasksOf(m, w)].map(task => [...task])) }
}

function mostTasks(m: Mapping): number {
  const each = tasksPerWorker(m)
  if (each !== undefined) return m.workers * each
  if (m.workers > listLimit) return Infinity
  return Array.from({ length: m.workers }, (_, w) => stepsOf(m, w)).reduce((a, b) => a + b, 0)
}

function mappingDescription(m: Mapping): string {
  const each = tasksPerWorker(m)
  const facts = [
    ['workers', String(m.workers)],
    ['task shape', shapeText(m.shape)],
    ['tasks', each === undefined ? 'differ from worker to worker' : `${each} a worker`],
    ['coverage', coverageText(coverage(m))]
  ]
  const form = closedForm(m)
  if (form) facts.push(['worker w, step k', `(${form.join(', ')})`])
  const workers = shown(m.workers, 8).map(w => w === undefined ? ['...'] : [String(w), workerText(m, w)])
  return `${mappingText(m)}\n${table(facts)}\n${table([['worker', 'tasks'], ...workers])}`
}

function workerText(m: Mapping, worker: number): string {
  const list = shown(stepsOf(m, worker), 6).map(k => k === undefined ? '...' : shapeText(taskAt(m, worker, k, numbers)))
  return list.join(' ')
}

function coverageText(c: Coverage): string {
  if (c.once === c.cells) return `each of ${counted(c.cells, 'task')} once`
  const parts = [`${c.once} of ${counted(c.cells, 'task')} once`]
  if (c.replicated > 0) parts.push(`${c.replicated} replicated (up to ${c.most} times)`)
  if (c.uncovered > 0) parts.push(`${c.uncovered} uncovered`)
  return parts.join(', ')
}

// ---------------------------------------------------------------- layouts

function layoutOutput(l: Layout): LayoutOutput {
  const offsets = volume(l.shape) > listLimit ? null : indicesOf(l.shape).map(index => offset(l, index, numbers))
  return { shape: [...l.shape], size: l.size, offsets }
}

function layoutDescription(l: Layout): string {
  const facts = [['shape', shapeText(l.shape)], ['size', counted(l.size, 'cell')]]
  const columns = l.shape.at(-1) ?? 1, lead = l.shape.slice(0, -1)
  const rows = shown(volume(lead), 16).map(row => {
    if (row === undefined) return ['...']
    const front = indexAt(lead, row)
    return [`(${[...front, '..'].join(', ')})`, ...shown(columns, 16).map(column =>
      column === undefined ? '...' : String(offset(l, [...front, column], numbers)))]
  })
  return `${layoutText(l)}\n${table(facts)}\n${table(rows, 'right')}`
}

/** The row-major index of a number. */
function indexAt(shape: readonly number[], n: number): number[] {
  const index: number[] = []
  for (const extent of [...shape].reverse()) {
    index.unshift(n % extent)
    n = (n - n % extent) / extent
  }
  return index
}

// ---------------------------------------------------------------- text

/** All of 0..count-1 when they are few, else the first and the last with undefined for what lies between. */
function shown(count: number, most: number): (number | undefined)[] {
  if (count <= most + 1) return Array.from({ length: count }, (_, i) => i)
  return [...Array.from({ length: most - 1 }, (_, i) => i), undefined, count - 1]
}
