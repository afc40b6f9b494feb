/**
 * What the client asks about CUDA: the subjects of a file, the CUDA of one of them with its trace, the candidates of
 * its space.
 *
 * The compiler's trace is a tree with offsets into many files; what crosses to the client is flat numbers with lines
 * and characters (`CudaTrace`), where each distinct stack of source ranges stands once:
 *
 *     region  `fmaxf(x, 0.0f)`  <-  max(x[...i], 0)  <-  relu(c)
 *     frames  [0: relu(c), through -1, graph feed_forward]  [1: max(x[...i], 0), through 0, operator relu]
 *     origins of the region  [1]
 */
import { TextDocument } from 'vscode-languageserver-textdocument'
import type { Region, Trace } from '../../compiler-core/codegen/trace.ts'
import { compile } from '../../compiler-core/compile/compile.ts'
import { openSubject, subjectsOf, type Problem } from '../../compiler-core/compile/subjects.ts'
import type { Origin, Span } from '../../compiler-core/ir/origin.ts'
import type { Fact } from '../../compiler-core/language/instantiate.ts'
import type { Program } from '../../compiler-core/language/program.ts'
import type { Node } from '../../compiler-core/language/syntax/tree.ts'
import { spanOf } from '../../compiler-core/language/syntax/walk.ts'
import { exceeded, spaceOf } from '../../compiler-core/schedule/space.ts'
import { nodeRange, present, rangeOf, textAt, type Files, type SourceFile } from './files.ts'
import type {
  CandidatesAnswer, CandidatesParams, CudaAnswer, CudaDeclaration, CudaParams, CudaProblem, CudaSubject, CudaTrace,
  Named,
} from './protocol.ts'

/** In the order of the text. */
export function subjectsIn(file: SourceFile): readonly CudaSubject[] {
  const subjects = subjectsOf(file.analysis)
  return subjects.map(({ kind, name, span }) => ({ kind, name, range: rangeOf(file, around(file, span)) }))
}

/** Of the declaration around a span. */
function around({ analysis: { parsed } }: SourceFile, span: Span): Span {
  return parsed.file.items.map(item => spanOf(parsed, item)).find(item => holds(item, span)) ?? span
}

function holds(outer: Span, inner: Span): boolean { return outer.start <= inner.start && inner.end <= outer.end }

export function cudaAnswer(
  program: Program, file: SourceFile, files: Files, target: string, params: CudaParams,
): CudaAnswer {
  const { subject, candidate } = params
  const { cuda, problems, parameters, facts, architecture } = compile(program, file.uri, subject, { candidate })
  return {
    target: architecture?.name ?? target, parameters, facts: facts.map(named),
    problems: problems.flatMap(p => problemOf(files, p)),
    ...(cuda && { cuda: { text: cuda.text, trace: cudaTrace(cuda, files) } }),
  }
}

/** Null where the subject's schedule cannot be opened, or has too many points. */
export function candidatesAnswer(
  program: Program, file: SourceFile, { subject, level }: CandidatesParams,
): CandidatesAnswer | null {
  const open = openSubject(program, file.uri, subject).subject
  const space = open && spaceOf(open.schedule, level)
  if (open === undefined || space === undefined) return null
  const { tunes, levels } = open.schedule
  return {
    levels: Array.from({ length: levels + 1 }, (_, i) => i), raw: space.raw,
    candidates: space.candidates.map(({ point, facts }) => {
      const rejected = exceeded(facts, open.architecture)
      return {
        parameters: tunes.map((tune, i) => ({ name: tune.name, text: point[i]?.text ?? '' })), facts: facts.map(named),
        ...(rejected === undefined ? {} : { rejected }),
      }
    }),
  }
}

function named({ name, value, documentation }: Fact): Named { return { name, text: String(value), documentation } }

function problemOf(files: Files, { uri, diagnostic: { span, severity, message } }: Problem): readonly CudaProblem[] {
  return present(files.file(uri)).map(home => ({ uri, range: rangeOf(home, span), severity, message }))
}

// ---------------------------------------------------------------- the trace as numbers

/** Ranges in files that are not to be found are left out. */
function cudaTrace({ text, trace }: { text: string; trace: Trace }, files: Files): CudaTrace {
  const target = TextDocument.create('', '', 0, text)
  const homes = new Map<string, Home | undefined>(), known = new Map<string, number>()
  const sources: string[] = [], declarations: CudaDeclaration[] = []
  const frames: number[] = [], regions: number[] = [], origins: number[][] = []

  const homeOf = (uri: string): Home | undefined => {
    if (!homes.has(uri)) {
      const file = files.file(uri)
      homes.set(uri, file && { file, source: sources.push(uri) - 1, declared: declaredIn(file) })
    }
    return homes.get(uri)
  }
  const declarationAt = (home: Home, span: Span): number => {
    const found = home.declared.find(d => holds(d.span, span))?.declaration
    if (found === undefined) return -1
    const known = declarations.indexOf(found)
    return known < 0 ? declarations.push(found) - 1 : known
  }
  const frameOf = ({ range: { uri, span }, through: outer }: Origin): number => {
    const through = outer === undefined ? -1 : frameOf(outer)
    const key = `${through} ${span.start} ${span.end} ${uri}`
    const home = homeOf(uri)
    const same = known.get(key)
    if (same !== undefined || home === undefined) return same ?? through
    const { start, end } = rangeOf(home.file, span)
    const index = frames.length / frameSize
    const declaration = declarationAt(home, span)
    frames.push(home.source, start.line, start.character, end.line, end.character, through, declaration)
    known.set(key, index)
    return index
  }
  /** What was written in an operator or a schedule comes from there, whatever helpers and graphs it came through. */
  const declarationOf = (own: readonly number[]): number => {
    const number = (frame: number, i: number): number => frames[frame * frameSize + i] ?? -1
    const chain = (frame: number): readonly number[] => frame < 0 ? [] : [frame, ...chain(number(frame, 5))]
    const declared = (some: readonly number[]): readonly number[] => some.map(f => number(f, 6)).filter(d => d >= 0)
    const direct = declared(own), outer = declared(own.flatMap(chain))
    const isWork = (d: number): boolean => declarations[d]?.kind !== 'graph'
    return direct.find(isWork) ?? outer.find(isWork) ?? direct[0] ?? outer[0] ?? -1
  }
  const add = (region: Region, parent: number): void => {
    const start = target.positionAt(region.span.start), end = target.positionAt(region.span.end)
    const own = [...new Set(region.origins.map(frameOf))].filter(frame => frame >= 0)
    const index = origins.push(own) - 1, declaration = declarationOf(own)
    regions.push(start.line, start.character, end.line, end.character, parent, declaration)
    for (const frame of own) if (frames[frame * frameSize + 6] === -1) frames[frame * frameSize + 6] = declaration
    for (const child of region.children) add(child, index)
  }
  for (const region of trace.regions) add(region, -1)
  return { sources, declarations, frames, regions, origins }
}

const frameSize = 7

interface Home {
  readonly file: SourceFile
  readonly source: number
  readonly declared: ReadonlyArray<{ readonly span: Span; readonly declaration: CudaDeclaration }>
}

function declaredIn(file: SourceFile): Home['declared'] {
  const entry = (node: Node, kind: CudaDeclaration['kind'], name: string, at: Node): Home['declared'] => {
    const declaration = { kind, name, uri: file.uri, range: nodeRange(file, at) }
    return [{ span: spanOf(file.analysis.parsed, node), declaration }]
  }
  return file.root.items.flatMap(node => {
    switch (node.kind) {
      case 'Operator': return entry(node, 'operator', node.name.text, node.name)
      case 'Schedule': return entry(node, 'schedule', `${textAt(file, node.head)}.${node.name.text}`, node.name)
      case 'Graph': return entry(node, 'graph', node.name.text, node.name)
      default: return []
    }
  })
}
