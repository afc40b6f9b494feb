/** `heddle space`: the points of a schedule at a level, and which of them can be built. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { openSubject } from '../compile/subjects.ts'
import type { Program } from '../language/program.ts'
import { valueText, type Value } from '../language/values.ts'
import { libraryImports, libraryUri } from '../library/library.ts'
import { exceeded, spaceOf, type Space, type Tunable } from '../schedule/space.ts'
import type { Architecture } from '../target/architectures.ts'
import type { PlainValue, SpaceOutput } from '../view/output.ts'
import { problemsText } from './diagnostic-text.ts'
import { openProgram } from './files.ts'
import { failure, table, type Report } from './report.ts'

export interface SpaceOptions { readonly level: number; readonly target: string }

/** `name`: OPERATOR.SCHEDULE, an instance or a graph. `file` undefined: the schedule is one of the library. */
export function spaceReport(file: string | undefined, name: string, { level, target }: SpaceOptions): Report {
  const program = openProgram(target)
  const uri = file === undefined ? libraryFileWith(program, name) : pathToFileURL(path.resolve(file)).href
  if (uri === undefined) return failure(`The library has no schedule \`${name}\`. Name the file that it is in.`)
  if (program.analyse(uri) === undefined) return failure(`${file ?? uri} cannot be read.`)
  const { subject, problems } = openSubject(program, uri, name)
  const errors = problemsText(program, problems)
  if (subject === undefined) return { status: 1, text: '', errors }
  const { schedule, architecture } = subject
  const space = spaceOf(schedule, level)
  if (space === undefined) return failure(`\`${name}\` has more than 2^20 points at level ${level}, too many to list.`)
  return {
    status: 0, errors, text: spaceText(name, schedule, space, level, architecture),
    json: spaceJson(schedule, space, architecture)
  }
}

function libraryFileWith(program: Program, name: string): string | undefined {
  const [operator = ''] = name.split('.')
  return libraryImports.map(i => libraryUri(i.replace(/^std\//, '')))
    .find(uri => program.analyse(uri)?.exports.get(operator)?.kind === 'operator')
}

// ---------------------------------------------------------------- JSON

function spaceJson(schedule: Tunable, space: Space, architecture: Architecture): SpaceOutput {
  return {
    raw: space.raw, legal: space.candidates.length,
    candidates: space.candidates.map(({ point, facts }) => {
      const reason = exceeded(facts, architecture)
      return {
        parameters: Object.fromEntries(schedule.tunes.flatMap(({ name }, i) => {
          const choice = point[i]
          return choice ? [[name, plainValue(choice.value, choice.text)]] : []
        })),
        facts: Object.fromEntries(facts.map(f => [f.name, f.value])),
        ...(reason === undefined ? {} : { exceeds: reason })
      }
    })
  }
}

/** Numbers and tuples of numbers as such; what JSON does not have as its name or text. */
function plainValue(value: Value, text = valueText(value)): PlainValue {
  switch (value.kind) {
    case 'int': return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : text
    case 'float': return Number.isFinite(value.value) ? value.value : text
    case 'bool': case 'string': return value.value
    case 'tuple': case 'list': return value.items.map(item => plainValue(item))
    default: return text
  }
}

// ---------------------------------------------------------------- text

function spaceText(name: string, schedule: Tunable, space: Space, level: number, target: Architecture): string {
  const { raw, candidates, rejections } = space
  const beyond = candidates.flatMap(c => exceeded(c.facts, target) ?? [])
  const counts = [
    ['points', String(raw)],
    ...rejections.map(r => ['rejected', `${r.count}: ${r.rule}`]),
    ['legal', String(candidates.length)],
    ...beyond.length === 0 ? [] : [[`beyond ${target.name}`, `${beyond.length}: ${beyond[0]}`]]
  ]
  const head = ['', ...schedule.tunes.map(t => t.name), ...(candidates[0]?.facts ?? []).map(f => f.name)]
  const rows = candidates.map(c =>
    [String(c.index), ...c.point.map(choice => choice.text), ...c.facts.map(f => String(f.value))])
  return `${name} at level ${level}\n${table(counts)}\n${table([head, ...rows], 'right')}`
}
