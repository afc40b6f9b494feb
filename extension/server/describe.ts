/** Values in words, for hovers, hints and the outline. */
import { coverage } from '../../compiler-core/mapping/coverage.ts'
import { offset, type Layout } from '../../compiler-core/mapping/layout.ts'
import { closedForm, tasksPerWorker, type Mapping } from '../../compiler-core/mapping/mapping.ts'
import { exprText, symbols, variable } from '../../compiler-core/mapping/arithmetic.ts'
import { counted, shapeText } from '../../compiler-core/mapping/shape.ts'
import { containsUnknown, valueText, type Value } from '../../compiler-core/language/values.ts'

/** One line; empty for what is not known. */
export function valueSummary(value: Value): string {
  switch (value.kind) {
    case 'mapping': return `${workersText(value.mapping)}, ${shapeText(value.mapping.shape)}`
    case 'layout': return `${shapeText(value.layout.shape)}, ${counted(value.layout.size, 'element')}`
    case 'function': case 'type': return ''
    default: return containsUnknown(value) || value.kind === 'symbolic' ? '' : valueText(value, 60)
  }
}

export function workersText(m: Mapping): string { return counted(m.workers, 'worker') }

/** Markdown; undefined where there is nothing to say. */
export function describeValue(value: Value): string | undefined {
  switch (value.kind) {
    case 'mapping': return describeMapping(value.mapping)
    case 'layout': return describeLayout(value.layout)
    case 'function': case 'type': case 'dtype': case 'loop': case 'reducer': return undefined
    default: {
      const text = valueSummary(value)
      return text === '' ? undefined : `Value: \`${text}\``
    }
  }
}

function describeMapping(m: Mapping): string {
  const tasks = tasksPerWorker(m)
  const { cells, uncovered, replicated, most } = coverage(m)
  const covered = uncovered === 0 && replicated === 0 ? 'each task once'
    : [uncovered === 0 ? '' : `${uncovered} of ${cells} tasks uncovered`, replicated === 0 ? '' : `${replicated} of ${cells} tasks replicated, up to ${most} times`]
      .filter(part => part !== '').join(', ')
  const form = closedForm(m)
  return [
    table([['Workers', String(m.workers)], ['Task shape', shapeText(m.shape)], ['Tasks a worker', tasks === undefined ? 'differs' : String(tasks)], ['Coverage', covered]]),
    ...form === undefined ? [] : [`Worker \`w\`, step \`k\` executes task \`(${form.map(shortened).join(', ')})\``]
  ].join('\n\n')
}

function describeLayout(l: Layout): string {
  const names = l.shape.map((_, i) => indexNames[i] ?? `i${i}`)
  const formula = shortened(exprText(offset(l, names.map(variable), symbols)))
  return [
    table([['Shape', shapeText(l.shape)], ['Elements stored', String(l.size)]]),
    `Element \`(${names.join(', ')})\` lies at offset \`${formula}\``,
  ].join('\n\n')
}

const indexNames = ['i', 'j', 'k', 'l']

function shortened(formula: string): string { return formula.length <= 200 ? formula : `${formula.slice(0, 197)}...` }

function table(columns: readonly (readonly [string, string])[]): string {
  return [columns.map(([head]) => head), columns.map(() => '---'), columns.map(([, cell]) => cell)].map(row => `| ${row.join(' | ')} |`).join('\n')
}
