/**
 * What the mapping explorer is sent and what it answers: plain data, the same for every host of the page.
 *
 * The page gets the expression (factors and layouts are data), not its cells; it works the cells out itself.
 */
import * as z from 'zod'
import type { Layout } from '../mapping/layout.ts'
import type { Mapping } from '../mapping/mapping.ts'

/** Zero-based, UTF-16, as in the Language Server Protocol. */
export interface TextRange {
  readonly start: { readonly line: number; readonly character: number }
  readonly end: { readonly line: number; readonly character: number }
}

export interface TextPlace {
  readonly uri: string
  readonly range: TextRange
}

/** The mapping or the layout under the cursor. */
export type Subject = SubjectText &
  (
    | { readonly kind: 'mapping'; readonly mapping: Mapping; readonly factors: readonly FactorText[] }
    | { readonly kind: 'layout'; readonly layout: Layout }
  )

interface SubjectText {
  /** The name it is bound to, or its own text where it has none. */
  readonly title: string
  /** The expression as written. */
  readonly text: string
  readonly place: TextPlace
}

/** A factor of the mapping, in the order of `Mapping.factors`. */
export interface FactorText {
  readonly text: string
  /** Where it is written: the constructor call first, then each name through which the mapping came. */
  readonly places: readonly TextPlace[]
}

export type ToPage =
  | { readonly type: 'show'; readonly subject: Subject; readonly settings: PageSettings }
  /** The expression is broken or there is none at the cursor: the last picture stays, dimmed, with the reason. */
  | { readonly type: 'stale'; readonly reason: string }
  /** The cursor stands in these factors' text. */
  | { readonly type: 'factors'; readonly factors: readonly number[] }

export interface PageSettings {
  /** Threads of a warp on the chosen target. */
  readonly warpSize: number
  /** Shared memory banks, and the bytes of one bank. */
  readonly banks: number
  readonly bankBytes: number
}

/** What the page may ask of its host; checked, since a page is not trusted. */
export const fromPage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** Show the text of a factor, or of none. */
  z.object({ type: z.literal('hoverFactor'), factor: z.int().min(0).nullable() }),
  /** Put the cursor on the text of a factor. */
  z.object({ type: z.literal('revealFactor'), factor: z.int().min(0) }),
  /** Keep the picture as a file; `data` is the text of an SVG or the base64 of a PNG. */
  z.object({
    type: z.literal('save'),
    format: z.enum(['svg', 'png']),
    name: z.string().max(120),
    data: z.string().max(64 * 2 ** 20)
  }),
  /** For tests: the picture of this sequence number is on the screen. */
  z.object({ type: z.literal('drawn'), title: z.string().max(1000), milliseconds: z.number() })
])
export type FromPage = z.infer<typeof fromPage>
