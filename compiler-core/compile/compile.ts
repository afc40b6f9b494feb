/**
 * From a declaration of a file to CUDA: what `Show CUDA`, `heddle build` and every later consumer of programs start.
 *
 *     instance square = batch_matmul.simt(m: 1024, n: 1024, k: 1024)
 *     compile(program, uri, 'square')      elaborated -> bounds -> (fused) -> lowered stages -> CUDA text and trace
 *
 * Nothing here throws for what a file says: what is wrong comes back as problems, each in the file that is compiled
 * where that is possible, and the text is absent.
 */
import type { Cuda } from '../codegen/cuda.ts'
import type { Meaning } from '../graph/flow.ts'
import type { Finding } from '../ir/finding.ts'
import type { Program as IrProgram } from '../ir/ir.ts'
import type { Span } from '../ir/origin.ts'
import { diagnostic } from '../language/diagnostics.ts'
import type { Choice, Fact } from '../language/instantiate.ts'
import type { Program } from '../language/program.ts'
import { candidateAt } from '../schedule/space.ts'
import type { Architecture } from '../target/architectures.ts'
import { lowerToCuda, type Stage } from './staged.ts'
import { openSubject, type OpenSubject, type Problem } from './subjects.ts'

export type { Stage } from './staged.ts'
export type { Problem } from './subjects.ts'
export { subjectsOf, type Subject } from './subjects.ts'

export interface CompileOptions {
  /** A legal point of the space by its number, instead of the default and of what an instance binds. */
  readonly candidate?: { readonly level: number; readonly index: number } | undefined
}

export interface Compiled {
  readonly cuda: Cuda | undefined
  /** The program after each step, in order; those before the one that failed. */
  readonly stages: readonly Stage[]
  /** The last of `stages` before lowering: mapped loops over logical tensors, bounds explicit, fused. */
  readonly elaborated: IrProgram | undefined
  /** What it computes, whatever its schedule. */
  readonly meaning: Meaning | undefined
  /** Of the subject's name in the compiled file. */
  readonly span: Span
  readonly problems: readonly Problem[]
  /** The tunable parameters and their values. */
  readonly parameters: readonly { readonly name: string; readonly text: string }[]
  readonly facts: readonly Fact[]
  readonly architecture: Architecture | undefined
}

export function compile(program: Program, uri: string, subject: string, options: CompileOptions = {}): Compiled {
  const opened = openSubject(program, uri, subject)
  const nothing = {
    cuda: undefined, stages: [], elaborated: undefined, parameters: [], facts: [], meaning: opened.subject?.meaning,
    span: opened.subject?.span ?? { start: 0, end: 0 }, architecture: opened.subject?.architecture
  }
  if (!opened.subject) return { ...nothing, problems: opened.problems }
  const open = opened.subject
  const point = pointOf(open, options)
  if (typeof point === 'string') return { ...nothing, problems: [...opened.problems, asProblem(open, point)] }
  const made = open.program(point)
  const parameters = open.schedule.tunes.map((t, i) => ({ name: t.name, text: point[i]?.text ?? '' }))
  if (!made) return { ...nothing, parameters, problems: open.reasons() }
  const lowered = lowerToCuda(made.stages, made.findings, open.architecture)
  return {
    ...nothing, ...lowered, elaborated: made.stages.at(-1)?.program, parameters, facts: made.facts,
    problems: unrepeated([
      ...open.problems(), ...lowered.findings.filter(f => isSaid(open, f)).map(f => problemOf(open, f))
    ]),
  }
}

/** The choice that is compiled; a message where there is none. */
function pointOf(open: OpenSubject, { candidate }: CompileOptions): readonly Choice[] | string {
  if (!candidate) return open.point
  const { level, index } = candidate
  return candidateAt(open.schedule, level, index)?.point ?? `There is no candidate ${index} at level ${level}.`
}

// ---------------------------------------------------------------- problems

/**
 * Of problems of one kind at one place, such as those of several instances of a schedule or of a device function that
 * is inlined twice, the first; none where `said` has one.
 */
export function unrepeated(problems: readonly Problem[], said: readonly Problem[] = []): readonly Problem[] {
  const place = ({ uri, diagnostic: { span, code } }: Problem): string => `${uri} ${span.start} ${span.end} ${code}`
  const known = new Set(said.map(place))
  return problems.filter(p => !known.has(place(p)) && known.add(place(p)))
}

/** A schedule by itself knows no sizes: what merely informs is said of its instances. */
function isSaid(open: OpenSubject, f: Finding): boolean {
  return open.kind !== 'schedule' || f.severity !== 'information'
}

function asProblem(open: OpenSubject, message: string): Problem {
  return { uri: open.uri, diagnostic: diagnostic('no-value', open.span, message) }
}

/**
 * A finding at its place in the compiled file; what lies in other files is said at the subject, with the place
 * beside.
 */
export function problemOf(open: { readonly uri: string; readonly span: Span }, f: Finding): Problem {
  const ranges = f.origins.flatMap(o => {
    const chain = []
    for (let at: typeof o | undefined = o; at; at = at.through) chain.push(at.range)
    return chain
  })
  const own = ranges.find(r => r.uri === open.uri)
  const [inner] = ranges
  const related = [
    ...inner && inner !== own ? [{ ...inner, message: 'here' }] : [],
    ...f.related.flatMap(r => r.origins.slice(0, 1).map(o => ({ ...o.range, message: r.message }))),
  ]
  return { uri: open.uri, diagnostic: diagnostic(f.code, own?.span ?? open.span, f.message,
    { severity: f.severity, related }) }
}
