/**
 * The trace links each range of generated text with the source that it was made from, column by column and many to
 * many. The printer makes it while it prints, as a tree of regions:
 *
 *     acc[i * 4 + j] += ra[i] * rb[j];       <-  acc[i, j] += ra[q, i] * rb[q, j]   in `multiply(p % 2)`
 *     |   |   |         `-- ra[i] ------------------------------- ra[q, i]
 *     |   `---`-- i * 4 + j ------------------------ i, j
 *
 * A region without an origin of its own is none: its text belongs to the region around it. Inside, ranges are UTF-16
 * offsets; `traceJson` gives the exchanged form with LSP ranges.
 */
import type { Origin, Origins, SourceRange, Span } from '../ir/origin.ts'

export interface Trace {
  /** In order of the text, without overlap. */
  readonly regions: readonly Region[]
}

export interface Region {
  /** In the generated text. */
  readonly span: Span
  /** Never empty. */
  readonly origins: Origins
  /** Inside of `span`, in order, without overlap. */
  readonly children: readonly Region[]
}

/** What belongs together on both sides. */
export interface Link {
  /** Ranges of the generated text, in order, none inside another. */
  readonly targets: readonly Span[]
  /** What they were made from. */
  readonly origins: Origins
}

/** A trace made ready for questions. */
export interface TraceIndex {
  readonly trace: Trace
  readonly sources: ReadonlyMap<string, readonly SourceEntry[]>
}

/** A range that occurs in the stack of some origin, with the outermost regions where it does, in order. */
interface SourceEntry { readonly span: Span; readonly regions: Region[] }

/** Linear in the size of the trace; each question is then answered in microseconds. */
export function indexTrace(trace: Trace): TraceIndex {
  const entries = new Map<string, Map<number, SourceEntry>>()
  const enter = (region: Region, range: SourceRange) => {
    const { start, end } = range.span
    const key = start * 2 ** 26 + end
    const file = entries.get(range.uri) ?? new Map<number, SourceEntry>()
    entries.set(range.uri, file)
    const entry = file.get(key)
    if (entry === undefined) file.set(key, { span: range.span, regions: [region] })
    else if (entry.regions.at(-1)!.span.end <= region.span.start) entry.regions.push(region)
  }
  const walk = (region: Region) => {
    for (const origin of region.origins) {
      for (let o: Origin | undefined = origin; o; o = o.through) enter(region, o.range)
    }
    region.children.forEach(walk)
  }
  trace.regions.forEach(walk)
  return { trace, sources: new Map(Array.from(entries, ([uri, file]) => [uri, [...file.values()]])) }
}

/** The regions around an offset of the generated text, the innermost first; an offset at a region's end counts too. */
export function regionsAt(trace: Trace, offset: number): readonly Region[] {
  const around: Region[] = []
  let level = trace.regions
  for (;;) {
    const region = regionAround(level, offset)
    if (region === undefined) return around
    around.unshift(region)
    level = region.children
  }
}

/** The link of the innermost region at an offset of the generated text. */
export function linkFromTarget(trace: Trace, offset: number): Link | undefined {
  const region = regionsAt(trace, offset)[0]
  return region && { targets: [region.span], origins: region.origins }
}

/**
 * What was made from the smallest linked range of a source file around an offset. Its one origin is that range; the
 * places that it was inlined through differ from target to target.
 */
export function linkFromSource(index: TraceIndex, uri: string, offset: number): Link | undefined {
  let best: SourceEntry | undefined
  for (const entry of index.sources.get(uri) ?? []) {
    const { start, end } = entry.span
    if (start <= offset && offset <= end && (best === undefined || closer(entry.span, best.span, offset))) best = entry
  }
  return best && {
    targets: best.regions.map(r => r.span), origins: [{ range: { uri, span: best.span }, through: undefined }]
  }
}

/** Of two ranges that touch the offset: the one with a character behind it, then the shorter one. */
function closer(a: Span, b: Span, offset: number): boolean {
  if ((offset < a.end) !== (offset < b.end)) return offset < a.end
  return a.end - a.start < b.end - b.start
}

/** The last region that starts at or before the offset, if it reaches it. */
function regionAround(regions: readonly Region[], offset: number): Region | undefined {
  let low = 0
  let high = regions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (regions[middle]!.span.start <= offset) low = middle + 1
    else high = middle
  }
  const region = regions[low - 1]
  return region && offset <= region.span.end ? region : undefined
}

// ---------------------------------------------------------------- exchange

/** LSP's: zero-based, UTF-16. */
export interface LspPosition { readonly line: number; readonly character: number }
export interface LspRange { readonly start: LspPosition; readonly end: LspPosition }

/** The content of `NAME.trace.json`. */
export interface TraceJson {
  readonly version: 1
  /** The generated file. */
  readonly target: string
  /** Uris; regions name them by index. */
  readonly sources: readonly string[]
  readonly regions: readonly RegionJson[]
}

export interface RegionJson {
  readonly range: LspRange
  /** One stack an origin, the innermost range first. */
  readonly origins: ReadonlyArray<ReadonlyArray<{ readonly source: number; readonly range: LspRange }>>
  readonly children: readonly RegionJson[]
}

/** `text`: what was generated; `sourceText`: the text of each file that an origin names. */
export function traceJson(
  trace: Trace, target: string, text: string, sourceText: (uri: string) => string
): TraceJson {
  const inTarget = ranges(text)
  const sources = new Map<string, { index: number; range: (span: Span) => LspRange }>()
  const sourceOf = (uri: string) => {
    const known = sources.get(uri) ?? { index: sources.size, range: ranges(sourceText(uri)) }
    sources.set(uri, known)
    return known
  }
  const stack = (origin: Origin) => {
    const places: Array<{ source: number; range: LspRange }> = []
    for (let o: Origin | undefined = origin; o; o = o.through) {
      const source = sourceOf(o.range.uri)
      places.push({ source: source.index, range: source.range(o.range.span) })
    }
    return places
  }
  const json = (region: Region): RegionJson => ({
    range: inTarget(region.span), origins: region.origins.map(stack), children: region.children.map(json)
  })
  const regions = trace.regions.map(json)
  return { version: 1, target, sources: [...sources.keys()], regions }
}

/** Offsets of a text to LSP ranges. */
function ranges(text: string): (span: Span) => LspRange {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const position = (offset: number): LspPosition => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return { line: low - 1, character: offset - starts[low - 1]! }
  }
  return span => ({ start: position(span.start), end: position(span.end) })
}
