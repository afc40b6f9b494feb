/**
 * What an engine saw, told for the person who wrote the program: the thread, the element, the lines.
 *
 *     { kind: 'race', access: thread 33 reads sa[0, 4, 1] (line 44), other: thread 1 writes it (line 41) }
 *     Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between lines 41
 *     and 44.
 *
 * A story begins at the access that is wrong; where the other side is stands beside it as a related place.
 */
import type { Finding, FindingCode } from '../ir/finding.ts'
import type { Buffer, Three } from '../ir/ir.ts'
import type { Origins, SourceRange, Span } from '../ir/origin.ts'
import type { Comparison } from './compare.ts'
import type { Access, Fault, FaultKind } from './engine.ts'

/** The text of a file that origins name; undefined: it is not at hand. */
export type Sources = (uri: string) => string | undefined

/** A finding of a run. */
export interface VerifyFinding extends Finding {
  /** Of the access in the CUDA text, where the engine ran that. */
  readonly span: Span | undefined
  /** Of a wrong element. */
  readonly values: { readonly expected: string; readonly found: string } | undefined
}

export function faultFinding(seen: Fault, sources: Sources): VerifyFinding {
  const fault = fromReader(seen), { access, other, times } = fault
  const again = times > 1 ? ` It happens ${times.toLocaleString('en-US')} times.` : ''
  return {
    code: codes[fault.kind], severity: 'error', message: tell(fault, sources) + again, origins: access.origins,
    span: access.span, values: undefined,
    related: other && other.origins.length > 0 ? [{ origins: other.origins, message: `${sentenceOf(other)}.` }] : []
  }
}

/** The first wrong element of an output; undefined where none is. */
export function comparisonFinding(
  output: Buffer, of: string, comparison: Comparison, sources: Sources
): VerifyFinding | undefined {
  const { wrong, unwritten, compared, first } = comparison
  if (first === undefined) return undefined
  const element = elementText(output, first.indices), { writer } = first
  const count = (n: number): string => n.toLocaleString('en-US'), all = count(compared + unwritten)
  if (writer === undefined && Number.isNaN(first.found)) {
    return {
      code: 'never-written', severity: 'error', origins: [], related: [], span: undefined, values: undefined,
      message: `No thread writes ${element}: ${count(unwritten)} of ${all} elements are never written.`
    }
  }
  const [expected, found] = toldApart(first.expected, first.found)
  const bound = first.bound === 0 ? '' : ` (to within ${numberText(first.bound)})`
  return {
    code: 'wrong-value', severity: 'error', origins: writer?.origins ?? [], related: [], span: writer?.span,
    values: { expected, found },
    message: `${element} is ${found}, but by the definition of ${of} it is ${expected}${bound}: `
      + `${count(wrong)} of ${all} elements are wrong.`
      + (writer ? ` ${capital(threadText(writer))} wrote it${lineText(writer.origins, sources)}.` : '')
  }
}

/** Which of two racing threads came first is chance: the story is that of the one that reads. */
function fromReader(fault: Fault): Fault {
  const { kind, access, other } = fault
  return kind === 'race' && other?.kind === 'read' && access.kind !== 'read' ? { ...fault, access: other, other: access } : fault
}

const codes: Readonly<Record<FaultKind, FindingCode>> = {
  'race': 'race', 'double-write': 'double-write', 'not-arrived': 'not-arrived', 'out-of-bounds': 'out-of-bounds',
  'uninitialised': 'uninitialised', 'misaligned': 'misaligned', 'divergent-barrier': 'divergent-barrier',
  'divergent-shuffle': 'divergent-shuffle', 'assertion': 'assertion-failed', 'endless': 'endless'
}

// ---------------------------------------------------------------- sentences

function tell({ kind, access, other }: Fault, sources: Sources): string {
  const what = capital(sentenceOf(access)), there = other ? lineText(other.origins, sources) : ''
  switch (kind) {
    case 'race': {
      if (!other) return `${what}, which another thread writes in the same interval: a barrier is missing.`
      const who = `${threadText(other, access)} ${doing(other)}`
      return access.buffer?.scope === 'shared'
        ? `${what}, which ${who} in the same interval: a barrier${isRepeated(other, access) ? ' or an `atomic_add`' : ''} is missing`
          + `${betweenText(other, access, sources)}.`
        : `${what}, which ${who} in the same kernel${there}: nothing orders the two, blocks and warps run in any order.`
    }
    case 'double-write':
      return `${what}, which ${other ? threadText(other, access) : 'another thread'} writes too${there}: `
        + 'an element of an output has one writer.'
    case 'not-arrived':
      return `${what}, to which an asynchronous copy${other ? ` of ${threadText(other, access)}` : ''} is still under way`
        + `${there}: a \`wait_group\` is missing or waits for too little, or the barrier behind it is missing.`
    case 'out-of-bounds': return `${what}, which is outside of ${boundsText(access.buffer)}.`
    case 'uninitialised': return `${what}, which nothing has written before.`
    case 'misaligned': return `${what} at once from an address that is no multiple of the access's size.`
    case 'divergent-barrier':
      return `${what}, while ${other ? sentenceOf(other, access) : 'other threads never come there'}${there}: `
        + 'a barrier is reached by all threads of a block or by none.'
    case 'divergent-shuffle':
      return `${what}, while ${other ? sentenceOf(other, access) : 'other lanes of its warp never come there'}${there}: `
        + 'a shuffle is reached by all lanes of a warp or by none.'
    case 'assertion': return `${capital(threadText(access))} finds that ${quoted(access.origins, sources)} does not hold.`
    case 'endless': return `${capital(threadText(access))} does not leave this loop: it was ended by the limit of steps.`
  }
}

/** One statement, executed by two threads, that reads the element and writes it, as `+=` does. */
function isRepeated(a: Access, b: Access): boolean {
  if (a.kind === b.kind) return false
  const first = a.origins[0]?.range, second = b.origins[0]?.range
  return first !== undefined && second !== undefined && first.uri === second.uri
    && first.span.start <= second.span.end && second.span.start <= first.span.end
}

/** `thread 33 reads sa[0, 4, 1]` */
function sentenceOf(access: Access, beside?: Access): string {
  const { kind } = access, place = kind === 'read' || kind === 'write' || kind === 'atomic' ? ` ${placeText(access)}` : ''
  return `${threadText(access, beside)} ${doing(access)}${place}`
}

function doing({ kind }: Access): string {
  switch (kind) {
    case 'read': return 'reads'
    case 'write': return 'writes'
    case 'atomic': return 'adds to'
    case 'barrier': return 'waits at a barrier'
    case 'shuffle': return 'takes part in a shuffle'
    case 'assert': return 'asserts'
    case 'loop': return 'runs through a loop'
    case 'end': return 'has ended'
  }
}

function placeText({ buffer, indices, cell }: Access): string {
  if (buffer === undefined) return 'memory'
  if (indices !== undefined) return elementText(buffer, indices)
  return cell === undefined ? buffer.name : `cell ${cell} of ${buffer.name}`
}

function elementText(buffer: Buffer, indices: readonly number[]): string {
  return `${buffer.name}[${indices.join(', ')}]`
}

function boundsText(buffer: Buffer | undefined): string {
  if (buffer === undefined) return 'every tensor'
  const known = buffer.shape.flatMap(e => e.kind === 'constant' ? [String(e.value)] : [])
  return known.length === buffer.shape.length ? `${buffer.name}: ${buffer.element}[${known.join(', ')}]` : buffer.name
}

/** `thread 33`, of several dimensions `thread (1, 2, 0)`; with the block where it is not that of `beside`, or not 0. */
function threadText({ thread, block }: Access, beside?: Access): string {
  const sameBlock = beside ? equal(block, beside.block) : block.every(x => x === 0)
  return `thread ${coordinates(thread)}${sameBlock ? '' : ` of block ${coordinates(block)}`}`
}

function coordinates([x, y, z]: Three<number>): string {
  return y === 0 && z === 0 ? String(x) : `(${x}, ${y}, ${z})`
}

function equal(a: Three<number>, b: Three<number>): boolean { return a.every((x, i) => x === b[i]) }

function capital(text: string): string { return text.slice(0, 1).toUpperCase() + text.slice(1) }

/** Two numbers that differ, as short as that shows. */
function toldApart(a: number, b: number): readonly [string, string] {
  const [first, second] = [numberText(a), numberText(b)]
  return first === second ? [String(a), String(b)] : [first, second]
}

/** As short as a number can be told apart from its neighbours in f32. */
function numberText(x: number): string {
  return Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(7)))
}

// ---------------------------------------------------------------- lines

/** ` between lines 41 and 44`; of two files both by name, of one line that line. */
function betweenText(a: Access, b: Access, sources: Sources): string {
  const first = lineOf(a.origins, sources), second = lineOf(b.origins, sources)
  if (first === undefined || second === undefined) return ''
  if (first.uri !== second.uri) return ` between ${fileName(first.uri)}:${first.line} and ${fileName(second.uri)}:${second.line}`
  if (first.line === second.line) return ` between two executions of line ${first.line}`
  return ` between lines ${Math.min(first.line, second.line)} and ${Math.max(first.line, second.line)}`
}

/** The text itself, as far as it fits into a sentence. */
function quoted(origins: Origins, sources: Sources): string {
  const range = origins[0]?.range, text = range && sources(range.uri)?.slice(range.span.start, range.span.end)
  return text === undefined || text.length > 120 ? 'the condition' : `\`${text}\``
}

/** ` in line 41` */
function lineText(origins: Origins, sources: Sources): string {
  const found = lineOf(origins, sources)
  return found === undefined ? '' : ` in line ${found.line} of ${fileName(found.uri)}`
}

/** One-based, of the innermost text. */
function lineOf(origins: Origins, sources: Sources): { readonly uri: string; readonly line: number } | undefined {
  const range: SourceRange | undefined = origins[0]?.range
  const text = range && sources(range.uri)
  if (range === undefined || text === undefined) return undefined
  return { uri: range.uri, line: text.slice(0, range.span.start).split('\n').length }
}

function fileName(uri: string): string { return decodeURIComponent(uri.slice(uri.lastIndexOf('/') + 1)) }
