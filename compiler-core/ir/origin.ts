/**
 * Where a node of the intermediate representation comes from: the text that a person wrote for it.
 *
 * An origin is a stack of source ranges. The innermost is the expression or statement itself; around it stand the calls
 * that it was inlined through, and for a fused operator the place where the operator was applied:
 *
 *     max(x[...i], 0)  in relu   <-  relu(c)  in the graph   <-  graph feed_forward
 *
 * A node that a pass made out of several others has the origins of all of them: the trace is many to many.
 */

/** UTF-16 offsets into a file's text; `end` is exclusive. */
export interface Span { readonly start: number; readonly end: number }
export interface SourceRange { readonly uri: string; readonly span: Span }

export interface Origin {
  readonly range: SourceRange
  /** The call, instance or fusion that the range was inlined through, inside out. */
  readonly through: Origin | undefined
}

/** Without duplicates, the most telling first; empty for what no text stands for. */
export type Origins = readonly Origin[]

/** No node keeps more; what a fold of many constants came from is cut off. */
const keptOrigins = 16

/** The union, in order. */
export function joinOrigins(...all: readonly Origins[]): Origins {
  const first = all.find(o => o.length > 0) ?? []
  if (all.every(o => o === first || o.length === 0)) return first
  const joined = [...first]
  for (const origins of all) {
    for (const o of origins) {
      if (joined.length < keptOrigins && !joined.some(k => sameOrigin(k, o))) joined.push(o)
    }
  }
  return joined.length === first.length ? first : joined
}

/** The same origins as seen through one more call or fusion: `outer` is put around each stack. */
export function originsThrough(origins: Origins, outer: Origin): Origins {
  return origins.map(o => around(o, outer))
}

function around(o: Origin, outer: Origin): Origin {
  return { range: o.range, through: o.through ? around(o.through, outer) : outer }
}

export function sameOrigin(a: Origin | undefined, b: Origin | undefined): boolean {
  if (a === b) return true
  if (!a || !b) return false
  return a.range.uri === b.range.uri && a.range.span.start === b.range.span.start
    && a.range.span.end === b.range.span.end
    && sameOrigin(a.through, b.through)
}
