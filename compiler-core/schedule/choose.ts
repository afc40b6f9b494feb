/**
 * Which schedule computes an operator, and which point of its space, when nobody says: level 0.
 *
 * The schedule is the first that applies: those of the operator itself before those of its family, and among either
 * those that name a condition (`applies when`) before those for all shapes. So a library says by conditions on shapes
 * what each schedule is for.
 *
 * The point is the default of each tune, except where a schedule says how it tiles the result (estimate.ts). There the
 * default and the candidates of level 1 are compared by the time that the device's busiest processor needs, a closed
 * formula: what they are depends on no shape and is worked out once, and no program is elaborated.
 *
 *     batch_matmul(1, 1024, 1024, 1024) on an A100    64 tiles of 128 x 128 leave 44 of 108 SMs idle: 32 x 64
 */
import type { Buffer } from '../ir/ir.ts'
import type { DefinedOperator } from '../language/define.ts'
import { diagnostic } from '../language/diagnostics.ts'
import { openSchedule, type Choice, type OpenSchedule } from '../language/instantiate.ts'
import type { Analysis, Program } from '../language/program.ts'
import type { Definition, ScheduleEntry } from '../language/resolve.ts'
import { refuel, type Frame, type Run } from '../language/run.ts'
import type { Node } from '../language/syntax/tree.ts'
import { spanOf } from '../language/syntax/walk.ts'
import { valueText } from '../language/values.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import { isPointwise, reductionOf } from '../operators/inline.ts'
import { architectureNamed } from '../target/architectures.ts'
import { defaultDevice, type Device } from '../target/devices.ts'
import { timeOf, workOf, type Work } from './estimate.ts'
import { exceeded, spaceOf, type Candidate } from './space.ts'

/** Where schedules are looked up and opened. */
export interface Surroundings {
  readonly program: Program
  readonly analysis: Analysis
  readonly run: Run
  readonly frame: Frame
  /** What stands for the operator in the file; the file itself when absent. */
  readonly place?: Node
}

export interface ChooseOptions {
  /** The default device of the run's architecture when absent. */
  readonly device?: Device | undefined
  /** A schedule that is taken if it serves the operator at all. */
  readonly named?: Definition | undefined
  /** Inputs whose elements fusion computes. */
  readonly isFused?: ((input: Buffer) => boolean) | undefined
}

export interface Chosen {
  /** `simt` */
  readonly name: string
  readonly schedule: OpenSchedule
  /** In the order of the schedule's tunes. */
  readonly point: readonly Choice[]
  /** In words for people. */
  readonly reason: string
}

/** Undefined: no schedule serves the operator; the run's diagnostics say what is wrong or absent. */
export function chooseSchedule(
  around: Surroundings, operator: DefinedOperator, options: ChooseOptions = {}
): Chosen | undefined {
  const { run, frame } = around, { named } = options
  const { own, families } = candidatesFor(around, operator), candidates = [...own, ...families]
  const opened = firstOpened(around, operator, named && candidates.includes(named) ? [named] : candidates)
  if (opened) {
    const device = options.device ?? defaultDevice(run.architecture.name)
    const choice = pointFor(run, opened.definition, opened.schedule, operator, device, options)
    return { name: opened.definition.name, schedule: opened.schedule, ...choice }
  }
  if (candidates.length === 0) {
    const family = familyOf(operator.operator)
    const file = family && { pointwise: 'elementwise', reduction: 'reduce' }[family]
    const advice = file === undefined ? '' : ` Add \`import "std/${file}"\`, which has one.`
    run.diagnostics.push(diagnostic('no-schedule', spanOf(frame.module.source, placeOf(around)),
      `No schedule for \`${operator.operator.name}\` is declared or imported.${advice}`))
  }
  return undefined
}

/** Whether a schedule of its own, not only one of its family, computes the operator with these shapes. */
export function isServedAsWhole(around: Surroundings, operator: DefinedOperator): boolean {
  const { diagnostics } = around.run, before = diagnostics.length
  const opened = firstOpened(around, operator, candidatesFor(around, operator).own)
  diagnostics.length = before
  return opened !== undefined
}

/** The first that applies; then what was wrong with those before it is not said. */
function firstOpened(
  around: Surroundings, operator: DefinedOperator, definitions: readonly Definition[]
): { readonly definition: Definition; readonly schedule: OpenSchedule } | undefined {
  const { run, frame } = around
  const before = { problems: run.problems, diagnostics: run.diagnostics.length, reported: new Set(run.reported) }
  for (const definition of definitions) {
    refuel(run)
    const schedule = openSchedule(run, definition, operator, frame, placeOf(around))
    if (!schedule) continue
    run.problems = before.problems
    run.diagnostics.length = before.diagnostics
    for (const key of run.reported) if (!before.reported.has(key)) run.reported.delete(key)
    return { definition, schedule }
  }
  return undefined
}

function placeOf({ place, analysis }: Surroundings): Node { return place ?? analysis.parsed.file }

// ---------------------------------------------------------------- schedules

/** Those that may serve the operator, the most specific first. */
function candidatesFor(
  { program, analysis }: Surroundings, { bound, operator }: DefinedOperator
): { readonly own: readonly Definition[]; readonly families: readonly Definition[] } {
  const all = schedulesOf(program, analysis), family = familyOf(operator)
  const own = all.filter(e => e.operator?.node === bound.node)
  const families = all.filter(({ operator: of, definition: { node } }) =>
    of === undefined && node.kind === 'Schedule' && node.head.kind === 'Family' && node.head.family === family)
  const ordered = (entries: readonly ScheduleEntry[]): readonly Definition[] => {
    const general = entries.filter(e => !isConditional(e))
    return [...entries.filter(isConditional), ...general].map(e => e.definition)
  }
  return { own: ordered(own), families: ordered(families) }
}

function familyOf(operator: OperatorInstance): 'pointwise' | 'reduction' | undefined {
  return isPointwise(operator) ? 'pointwise' : reductionOf(operator) ? 'reduction' : undefined
}

function isConditional({ definition: { node } }: ScheduleEntry): boolean {
  return node.kind === 'Schedule' && node.applies !== undefined
}

/** All that a file declares or imports. */
export function schedulesOf(program: Program, analysis: Analysis): readonly ScheduleEntry[] {
  const known = schedules.get(analysis) ?? [...analysis.files]
    .flatMap(uri => program.analyse(uri)?.resolved.schedules ?? []).filter(s => s.definition.node.kind === 'Schedule')
  schedules.set(analysis, known)
  return known
}

const schedules = new WeakMap<Analysis, readonly ScheduleEntry[]>()

// ---------------------------------------------------------------- points

type PointChoice = Pick<Chosen, 'point' | 'reason'>

function pointFor(
  run: Run, definition: Definition, schedule: OpenSchedule, { bound, operator }: DefinedOperator, device: Device,
  { isFused }: ChooseOptions
): PointChoice {
  const usual = { point: schedule.tunes.map(t => t.default), reason: 'the first schedule that applies' }
  const computed = operator.inputs.filter(x => isFused?.(x)).length
  const workFor = (candidate: Candidate): Work | undefined => workOf(operator, candidate, schedule.tunes, computed)
  const candidates = candidatesOf(run, definition, schedule, bound, operator, c => workFor(c) !== undefined)
  const architecture = architectureNamed(device.architecture) ?? run.architecture
  let best: { readonly work: Work; readonly time: number; readonly point: readonly Choice[] } | undefined
  for (const candidate of candidates) {
    const work = workFor(candidate)
    const time = work ? timeOf(work, device, architecture) : Infinity
    if (work && (best === undefined || time < best.time)) best = { work, time, point: candidate.point }
  }
  if (!best) return usual
  const { blocks, tile } = best.work
  return { point: best.point, reason: `${blocks} tiles of ${tile} for ${device.sms} processors (${device.name})` }
}

/**
 * The default, then the candidates of level 1 that the target can run and whose threads need no more registers, so that
 * the text, which grows with them, is never longer than the default's; empty where the schedule does not say how it
 * tiles. They depend on no shape: in a run they are the same for all operators of the same types and attributes.
 */
function candidatesOf(
  run: Run, definition: Definition, schedule: OpenSchedule, bound: DefinedOperator['bound'],
  { inputs }: OperatorInstance, isTiling: (candidate: Candidate) => boolean
): readonly Candidate[] {
  if (schedule.tunes.length === 0) return []
  const ofRun = known.get(run) ?? new Map<string, readonly Candidate[]>()
  known.set(run, ofRun)
  const { node: { params }, frame: { locals, module: { definitionOf } } } = bound
  const attributes = params.flatMap(p => {
    const parameter = definitionOf.get(p.name), value = parameter && locals.get(parameter)
    return value && value.kind !== 'tensor' ? [valueText(value)] : []
  })
  const key = [definition.uri, definition.name, ...inputs.map(x => x.element), ...attributes].join(' ')
  const candidates = ofRun.get(key) ?? openCandidates(run, schedule, isTiling)
  ofRun.set(key, candidates)
  return candidates
}

const known = new WeakMap<Run, Map<string, readonly Candidate[]>>()

function openCandidates(
  run: Run, schedule: OpenSchedule, isTiling: (candidate: Candidate) => boolean
): readonly Candidate[] {
  const [usual] = spaceOf(schedule, 0)?.candidates ?? []
  if (usual && !isTiling(usual)) return []
  const registers = ({ facts }: Candidate): number => facts.find(f => f.name === 'registers')?.value ?? 0
  const others = (spaceOf(schedule, 1)?.candidates ?? []).filter(c => isTiling(c)
    && exceeded(c.facts, run.architecture) === undefined && (!usual || registers(c) <= registers(usual)))
  return usual ? [usual, ...others] : others
}
