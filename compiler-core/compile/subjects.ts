/**
 * What of a file can be compiled, and its schedule with the choice that is compiled by default.
 *
 *     instance square = batch_matmul.simt(m: 1024)      `square`: the operator's names bound, the instance's choice
 *     schedule simt for batch_matmul                    `batch_matmul.simt`: f32, all extents known at launch, default
 *     graph ff(...) { ... }                             `ff`: each group by the first schedule that serves its anchor
 */
import { elaborateGraph } from '../graph/elaborate.ts'
import type { Group, Meaning } from '../graph/flow.ts'
import { partition } from '../graph/partition.ts'
import type { Buffer } from '../ir/ir.ts'
import type { Span } from '../ir/origin.ts'
import type { Bindings } from '../language/bindings.ts'
import { defineOperator } from '../language/define.ts'
import { diagnostic, type Diagnostic } from '../language/diagnostics.ts'
import { evaluate } from '../language/evaluate.ts'
import { openSchedule, type Choice, type OpenSchedule } from '../language/instantiate.ts'
import type { Analysis, Program } from '../language/program.ts'
import type { Definition } from '../language/resolve.ts'
import type { Frame, Run } from '../language/run.ts'
import type { Argument, Graph, Instance, Node } from '../language/syntax/tree.ts'
import { spanOf } from '../language/syntax/walk.ts'
import { valueText, type Value } from '../language/values.ts'
import { checkOperator } from '../operators/check.ts'
import { explicitBounds } from '../lowering/guards.ts'
import { chooseSchedule, schedulesOf, type Chosen, type Surroundings } from '../schedule/choose.ts'
import type { Architecture } from '../target/architectures.ts'
import { fusedProgram, isFusedInto, type Stage, type StagedProgram } from './staged.ts'

export interface Subject {
  readonly kind: 'instance' | 'schedule' | 'graph'
  /** A schedule's is `OPERATOR.SCHEDULE`. */
  readonly name: string
  /** Of the declared name. */
  readonly span: Span
}

export interface Problem { readonly uri: string; readonly diagnostic: Diagnostic }

/** In the order of the text. A schedule of a whole family needs an operator: an instance names one. */
export function subjectsOf(analysis: Analysis): readonly Subject[] {
  const { parsed } = analysis
  return parsed.file.items.flatMap((item): readonly Subject[] => {
    switch (item.kind) {
      case 'Instance': case 'Graph':
        if (item.name.text === '' || (item.kind === 'Graph' && item.operator)) return []
        return [{ kind: item.kind === 'Instance' ? 'instance' : 'graph', name: item.name.text, span: spanOf(parsed, item.name) }]
      case 'Schedule': {
        const { head, name } = item
        return head.kind === 'Family' || head.text === '' || name.text === '' ? [] : [{ kind: 'schedule', name: `${head.text}.${name.text}`, span: spanOf(parsed, name) }]
      }
      default: return []
    }
  })
}

export interface OpenSubject {
  readonly kind: Subject['kind']
  readonly uri: string
  readonly span: Span
  readonly architecture: Architecture
  /** What it computes, whatever schedule is chosen. */
  readonly meaning: Meaning
  /** Of a graph: of its first group. */
  readonly schedule: OpenSchedule
  /** What is compiled unless a candidate is chosen. */
  readonly point: readonly Choice[]
  /** The program of a choice, before lowering; undefined after a problem. */
  program(point: readonly Choice[]): StagedProgram | undefined
  /** All that has been reported so far. */
  problems(): readonly Problem[]
  /** The same, but never nothing: why there is no program. */
  reasons(): readonly Problem[]
}

/** Opens a subject by its name; `OPERATOR.SCHEDULE` may also name what the file imports. */
export function openSubject(
  program: Program, uri: string, name: string
): { readonly subject: OpenSubject | undefined; readonly problems: readonly Problem[] } {
  const analysis = program.analyse(uri)
  if (!analysis) return { subject: undefined, problems: [] }
  const found = declarationOf(analysis, program, name)
  const declaration = found?.declaration ?? declared(analysis, name)
  if (!declaration) return failed(uri, { start: 0, end: 0 }, `There is no instance, graph or schedule \`${name}\`.`)
  const declarations = [declaration,
    ...[found?.operator, found?.schedule].flatMap(d => d?.uri === uri ? [d.node] : [])]
  const wrong = analysis.diagnostics.filter(d =>
    d.severity === 'error' && declarations.some(n => isInside(d.span, spanOf(analysis.parsed, n))))
  if (wrong.length > 0) return { subject: undefined, problems: wrong.map(d => ({ uri, diagnostic: d })) }
  if (!found) {
    // what it names is missing because of what is wrong elsewhere: an import, or a declaration that has no name
    const errors = analysis.diagnostics.filter(d => d.severity === 'error')
    return errors.length > 0 ? { subject: undefined, problems: errors.map(d => ({ uri, diagnostic: d })) }
      : failed(uri, spanOf(analysis.parsed, declaration), `\`${name}\` cannot be compiled: something that it names is not there.`)
  }
  const first = program.elaboration(uri)
  if (!first) return { subject: undefined, problems: [] }
  const target = found.kind === 'schedule' ? undefined : targetOf(first.run, first.frame, found.bindings)
  const { run, frame } = program.elaboration(uri, target) ?? first
  run.home = { name, module: frame.module, node: found.place }
  const bindings = bindingsOf(run, frame, found.bindings)
  // what is wrong in a declaration that the subject only names may have been said there alone
  const silent = diagnostic('no-value', spanOf(analysis.parsed, found.place), `\`${name}\` cannot be compiled: something that it uses has no value.`)
  const problems = (): readonly Problem[] => run.diagnostics.map(d => ({ uri, diagnostic: d }))
  const reasons = (): readonly Problem[] => {
    const said = problems()
    return said.length > 0 ? said : [{ uri, diagnostic: silent }]
  }
  const opening: Opening = { program, analysis, run, frame, place: found.place, bindings }
  const opened = found.operator.kind === 'graph' ? openGraph(opening, found.operator, found.schedule) : openOperator(opening, found.operator, found.schedule)
  if (!opened) return { subject: undefined, problems: reasons() }
  const point = opened.point ?? opened.schedule.tunes.map((t): Choice => {
    const given = bindings.get(t.name)
    return given ? { text: valueText(given.value), value: given.value } : t.default
  })
  return {
    subject: {
      kind: found.kind, uri, span: spanOf(analysis.parsed, found.place), architecture: run.architecture,
      problems, reasons, ...opened, point
    },
    problems: problems(),
  }
}

function failed(
  uri: string, span: Span, message: string
): { readonly subject: undefined; readonly problems: readonly Problem[] } {
  return { subject: undefined, problems: [{ uri, diagnostic: diagnostic('unknown-name', span, message) }] }
}

// ---------------------------------------------------------------- what a name means

interface Found {
  readonly kind: Subject['kind']
  /** An operator, or a graph. */
  readonly operator: Definition
  readonly schedule: Definition | undefined
  readonly bindings: readonly Argument[]
  /** Where problems of other files are reported. */
  readonly place: Node
  /** What of the file the subject is. */
  readonly declaration: Node
}

function isInside(inner: Span, outer: Span): boolean { return outer.start <= inner.start && inner.end <= outer.end }

function declared(analysis: Analysis, name: string): Instance | Graph | undefined {
  return analysis.parsed.file.items.find((i): i is Instance | Graph =>
    (i.kind === 'Instance' || i.kind === 'Graph') && i.name.text === name)
}

function declarationOf(analysis: Analysis, program: Program, name: string): Found | undefined {
  const { definitionOf } = analysis.resolved
  const item = declared(analysis, name)
  if (item?.kind === 'Instance') {
    const operator = definitionOf.get(item.operator), schedule = definitionOf.get(item.schedule)
    return operator && schedule && { kind: 'instance', operator, schedule, bindings: item.bindings, place: item.name, declaration: item }
  }
  const graph = item && definitionOf.get(item.name)
  if (item?.kind === 'Graph' && graph) return { kind: 'graph', operator: graph, schedule: undefined, bindings: [], place: item.name, declaration: item }
  const [operatorName = '', scheduleName] = name.split('.')
  const operator = analysis.exports.get(operatorName)
  const entry = schedulesOf(program, analysis)
    .find(s => s.definition.name === scheduleName && (s.operator === operator || s.operator === undefined))
  if (operator?.kind !== 'operator' || !entry) return undefined
  const own = entry.definition.uri === analysis.uri && entry.definition.node.kind === 'Schedule' ? entry.definition.node.name : undefined
  return { kind: 'schedule', operator, schedule: entry.definition, bindings: [], place: own ?? analysis.parsed.file, declaration: own?.parent ?? analysis.parsed.file }
}

/** The architecture that an instance names: `target: sm_90`. */
function targetOf(run: Run, frame: Frame, bindings: readonly Argument[]): Architecture | undefined {
  const given = bindings.find(b => b.name?.text === 'target')?.value
  const value: Value | undefined = given && given.kind !== 'Spread' ? evaluate(run, frame, given) : undefined
  return value?.kind === 'target' ? value.architecture : undefined
}

function bindingsOf(run: Run, frame: Frame, bindings: readonly Argument[]): Bindings {
  return new Map(bindings.flatMap(({ name, value }) =>
    name && value.kind !== 'Spread' && name.text !== 'target' ? [[name.text, { value: evaluate(run, frame, value), node: value }]] : []))
}

// ---------------------------------------------------------------- operators

interface Opening extends Surroundings {
  readonly place: Node
  readonly bindings: Bindings
}

interface Opened extends Pick<OpenSubject, 'meaning' | 'schedule' | 'program'> {
  /** What is chosen for its shapes; undefined: what the subject binds, and the defaults. */
  readonly point?: readonly Choice[] | undefined
}

function openOperator(o: Opening, operator: Definition, schedule: Definition | undefined): Opened | undefined {
  const defined = defineOperator(o.run, operator, o.frame, o.place, o.bindings)
  const findings = defined ? checkOperator(defined.operator) : []
  const opened = defined && schedule && openSchedule(o.run, schedule, defined, o.frame, o.place)
  return opened && {
    meaning: { kind: 'operator', operator: defined.operator },
    schedule: opened,
    program: point => {
      const made = opened.program(point)
      if (!made) return undefined
      const bounded = explicitBounds(made.program)
      return {
        facts: made.facts, findings: [...findings, ...bounded.findings],
        stages: [{ name: 'elaborated', program: made.program }, { name: 'bounds', program: bounded.program }],
      }
    },
  }
}

// ---------------------------------------------------------------- graphs

function openGraph(o: Opening, definition: Definition, schedule: Definition | undefined): Opened | undefined {
  const elaborated = elaborateGraph(o.run, o.frame, definition, o.place, o.bindings)
  if (!elaborated) return undefined
  const { groups } = partition(elaborated.graph)
  const scheduled = groups.map((group): Scheduled | undefined => {
    const anchor = elaborated.defined.get(group.anchor)
    const chosen = anchor && chooseSchedule(o, anchor, { named: schedule, isFused: isFusedInto(group) })
    return chosen && { group, chosen }
  })
  const all = scheduled.filter(s => s !== undefined)
  const main = all.find(s => s.chosen.schedule.tunes.length > 0) ?? all[0]
  if (!main || all.length < scheduled.length) return undefined
  return {
    meaning: { kind: 'graph', graph: elaborated.graph },
    schedule: main.chosen.schedule, point: schedule ? undefined : main.chosen.point,
    program: point => {
      const made = all.map(({ group, chosen }) => fusedProgram(group, chosen.schedule,
        chosen === main.chosen ? point : chosen.point, elaborated.graph.name))
      const parts = made.filter(m => m !== undefined)
      return parts.length < made.length ? undefined
        : joined(elaborated.graph.name, elaborated.graph.inputs, elaborated.graph.outputs, parts)
    },
  }
}

interface Scheduled { readonly group: Group; readonly chosen: Chosen }

/** The programs of all groups as one: what one writes for another is a workspace. */
function joined(
  name: string, inputs: readonly Buffer[], outputs: readonly Buffer[], parts: readonly StagedProgram[]
): StagedProgram {
  const [only] = parts
  if (parts.length === 1 && only) return only
  const findings = parts.flatMap(p => p.findings), facts = parts[0]?.facts ?? []
  const length = Math.min(...parts.map(p => p.stages.length))
  const stages = Array.from({ length }, (_, i): Stage => {
    const programs = parts.flatMap(p => p.stages[i]?.program ?? [])
    const between = [...new Set(programs.flatMap(p => p.parameters))].filter(b => !inputs.includes(b)
      && !outputs.includes(b))
    const taken = new Map<string, number>()
    const kernels = programs.flatMap(p => p.kernels).map(k => {
      const count = (taken.get(k.name) ?? 0) + 1
      taken.set(k.name, count)
      return count === 1 ? k : { ...k, name: `${k.name}_${count}` }
    })
    return {
      name: parts[0]?.stages[i]?.name ?? '',
      program: {
        name, parameters: [...inputs, ...outputs], extents: [...new Set(programs.flatMap(p => p.extents))], kernels,
        origins: programs[0]?.origins ?? [],
        workspaces: [...between.map(buffer => ({ buffer, value: undefined })), ...programs.flatMap(p => p.workspaces)],
      },
    }
  })
  return { stages, findings, facts }
}
