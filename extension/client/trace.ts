/**
 * Answers, for a caret on either side, what its counterparts are: the trace of one CUDA text as flat numbers
 * (`CudaTrace`), which are simply walked through. A text of 5,000 lines has some ten thousand regions; looking at all
 * of them takes less time than keeping an index up to date at each keystroke would.
 *
 *     a caret in the CUDA     its innermost region  ->  the places that it was made from, the calls around them
 *     a caret in the source   the smallest range around it that anything was made from  ->  the outermost regions
 */
import type { CudaDeclaration, CudaTrace, Position, TextPlace, TextRange } from '../server/protocol.ts'

export interface Trace {
  readonly declarations: readonly CudaDeclaration[]
  readonly sources: readonly string[]
  readonly frames: Int32Array
  readonly regions: Int32Array
  readonly origins: readonly (readonly number[])[]
}

/** What text was made from. */
export interface Places {
  /** The text itself. */
  readonly inner: readonly TextPlace[]
  /** The calls, applications of operators and instances through which it was inlined. */
  readonly around: readonly TextPlace[]
}

/** `header`: lines above the CUDA in the text that is shown. */
export function readTrace({ declarations, sources, frames, regions, origins }: CudaTrace, header: number): Trace {
  const isLine = (i: number): boolean => i % regionSize === 0 || i % regionSize === 2
  return {
    declarations, sources, origins, frames: Int32Array.from(frames),
    regions: Int32Array.from(regions, (n, i) => isLine(i) ? n + header : n),
  }
}

/** The innermost region that was made from something; a caret behind its last character is at it, too. */
export function regionAt(trace: Trace, at: Position): number | undefined {
  const { regions, origins } = trace
  let low = 0, high = origins.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(regions, middle * regionSize, at) <= 0) low = middle + 1
    else high = middle
  }
  for (let region = low - 1; region >= 0; region = regions[region * regionSize + 4]!) {
    if (compare(regions, region * regionSize + 2, at) >= 0 && origins[region]!.length > 0) return region
  }
  return undefined
}

export function placesOf(trace: Trace, region: number): Places {
  const inner = trace.origins[region] ?? []
  const around = new Set<number>()
  for (const frame of inner) {
    for (let outer = throughOf(trace, frame); outer >= 0; outer = throughOf(trace, outer)) around.add(outer)
  }
  for (const frame of inner) around.delete(frame)
  const places = (frames: Iterable<number>): readonly TextPlace[] =>
    distinct(Array.from(frames, frame => placeOf(trace, frame)))
  return { inner: places(inner), around: places(around) }
}

/** The smallest range around a position that anything was made from; of two that meet there, the one on the right. */
export function rangeAt(trace: Trace, uri: string, at: Position): TextRange | undefined {
  const { frames } = trace, source = trace.sources.indexOf(uri)
  let best = -1
  for (let frame = 0; source >= 0 && frame < frames.length; frame += frameSize) {
    if (frames[frame] !== source || compare(frames, frame + 1, at) > 0 || compare(frames, frame + 3, at) < 0) continue
    if (best < 0 || isCloser(frames, frame, best, at)) best = frame
  }
  return best < 0 ? undefined : rangeOf(frames, best + 1)
}

/** The outermost regions that were made from exactly this text, or through it, in the order of the CUDA. */
export function regionsFrom(trace: Trace, { uri, range }: TextPlace): readonly number[] {
  const { frames, regions, origins } = trace, source = trace.sources.indexOf(uri)
  const taken = new Uint8Array(frames.length / frameSize)
  for (let i = 0; i < taken.length; i++) {
    const frame = i * frameSize, outer = throughOf(trace, i)
    const same = compare(frames, frame + 1, range.start) === 0 && compare(frames, frame + 3, range.end) === 0
    if (same && frames[frame] === source || outer >= 0 && taken[outer] === 1) taken[i] = 1
  }
  const lit = new Uint8Array(origins.length), found: number[] = []
  for (let region = 0; region < origins.length; region++) {
    const parent = regions[region * regionSize + 4]!
    if (parent >= 0 && lit[parent] === 1) lit[region] = 1
    else if (origins[region]!.some(frame => taken[frame] === 1)) {
      lit[region] = 1
      found.push(region)
    }
  }
  return found
}

export function regionRange({ regions }: Trace, region: number): TextRange {
  return rangeOf(regions, region * regionSize)
}

// ---------------------------------------------------------------- colours by origin

/** Index of the operator, schedule or graph that a region came from; -1 for none. */
export function declarationOf(trace: Trace, region: number): number { return trace.regions[region * regionSize + 5]! }

export function firstRegionFrom(trace: Trace, declaration: number): number | undefined {
  const region = trace.origins.findIndex((_, i) => declarationOf(trace, i) === declaration)
  return region < 0 ? undefined : region
}

/** Consecutive lines from the same declarations, the statement's first. Lines that came from nothing are absent. */
export interface Stripe { readonly first: number; readonly last: number; readonly declarations: readonly number[] }

export function stripes(trace: Trace): readonly Stripe[] {
  return joined(trace.origins.map((_, region) => {
    const { start, end } = regionRange(trace, region)
    return { first: start.line, last: end.line, declaration: declarationOf(trace, region) }
  }))
}

/** The lines of a source that anything was made from. */
export function sourceStripes(trace: Trace, uri: string): readonly Stripe[] {
  const { frames } = trace, source = trace.sources.indexOf(uri), found: Lines[] = []
  for (let frame = 0; source >= 0 && frame < frames.length; frame += frameSize) {
    if (frames[frame] !== source) continue
    found.push({ first: frames[frame + 1]!, last: frames[frame + 3]!, declaration: frames[frame + 6]! })
  }
  return joined(found.sort((a, b) => a.first - b.first || b.last - a.last))
}

interface Lines { readonly first: number; readonly last: number; readonly declaration: number }

/** Given outer ones first: of several lines, those between the first and the last are what stands on them. */
function joined(all: readonly Lines[]): readonly Stripe[] {
  const around: number[] = [], on: (number[] | undefined)[] = []
  const put = (line: number, declaration: number): void => {
    const row = on[line] ??= []
    if (!row.includes(declaration)) row.push(declaration)
  }
  for (const { first, last, declaration } of all) {
    if (declaration < 0) continue
    put(first, declaration)
    if (last > first) {
      put(last, declaration)
      for (let line = first + 1; line < last; line++) around[line] = declaration
    }
  }
  const found: Stripe[] = []
  for (let line = 0; line < Math.max(around.length, on.length); line++) {
    const outer = around[line], declarations = on[line] ?? (outer === undefined ? [] : [outer])
    const before = found.at(-1)
    if (declarations.length === 0) continue
    const goesOn = before?.last === line - 1 && String(before.declarations) === String(declarations)
    if (goesOn) found.pop()
    found.push({ first: goesOn ? before.first : line, last: line, declarations })
  }
  return found
}

/** Text that came from one declaration. */
export interface Tint { readonly range: TextRange; readonly declaration: number }

/** All text but that of one declaration, in order and without overlap: the innermost region decides. */
export function tints(trace: Trace, except: number): readonly Tint[] {
  const found: Tint[] = [], open: { readonly declaration: number; readonly end: Position }[] = []
  let at: Position = { line: 0, character: 0 }
  const advance = (to: Position): void => {
    const declaration = open.at(-1)?.declaration ?? -1, last = found.at(-1)
    if (declaration >= 0 && declaration !== except && isBefore(at, to)) {
      const goesOn = last?.declaration === declaration && !isBefore(last.range.end, at)
      if (goesOn) found.pop()
      found.push({ declaration, range: { start: goesOn ? last.range.start : at, end: to } })
    }
    at = to
  }
  const closeUntil = (start: Position | undefined): void => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (start !== undefined && isBefore(start, top.end)) return
      advance(top.end)
      open.pop()
    }
  }
  for (let region = 0; region < trace.origins.length; region++) {
    const { start, end } = regionRange(trace, region), own = declarationOf(trace, region)
    closeUntil(start)
    advance(start)
    open.push({ end, declaration: own >= 0 ? own : open.at(-1)?.declaration ?? -1 })
  }
  closeUntil(undefined)
  return found
}

// ---------------------------------------------------------------- numbers

const frameSize = 7, regionSize = 6

function throughOf(trace: Trace, frame: number): number { return trace.frames[frame * frameSize + 5]! }

function placeOf({ sources, frames }: Trace, frame: number): TextPlace {
  return { uri: sources[frames[frame * frameSize]!] ?? '', range: rangeOf(frames, frame * frameSize + 1) }
}

function rangeOf(numbers: Int32Array, at: number): TextRange {
  const position = (i: number): Position => ({ line: numbers[i]!, character: numbers[i + 1]! })
  return { start: position(at), end: position(at + 2) }
}

/** Below 0 where the position that the two numbers are stands before the other one. */
function compare(numbers: Int32Array, index: number, at: Position): number {
  return numbers[index]! - at.line || numbers[index + 1]! - at.character
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || a.line === b.line && a.character < b.character
}

/** Of two ranges around a position the shorter one; where they meet there, the one on the right. */
function isCloser(numbers: Int32Array, a: number, b: number, at: Position): boolean {
  if (compare(numbers, a + 1, at) === 0 && compare(numbers, b + 3, at) === 0) return true
  if (compare(numbers, b + 1, at) === 0 && compare(numbers, a + 3, at) === 0) return false
  return lengthOf(numbers, a) < lengthOf(numbers, b)
}

/** Longer for more lines, then for more characters. */
function lengthOf(numbers: Int32Array, frame: number): number {
  return (numbers[frame + 3]! - numbers[frame + 1]!) * 2 ** 16 + numbers[frame + 4]! - numbers[frame + 2]!
}

function distinct(places: readonly TextPlace[]): readonly TextPlace[] {
  const seen = new Map(places.map(place => [JSON.stringify(place), place]))
  return [...seen.values()]
}
