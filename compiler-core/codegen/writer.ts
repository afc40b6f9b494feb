/**
 * Writes text and its trace at once: indentation, lines that are too long, comments behind lines, and a region around
 * whatever has origins.
 *
 *     open(origins); write('a + b'); close(); endLine()      ->  'a + b\n' and the region of `a + b`
 *
 * A line is broken when it is finished, at the loosest of the places that `mayBreak` has marked; one that is a comment
 * goes on as a comment. Comments behind successive lines of one margin start in one column.
 */
import { sameOrigin, type Origins } from '../ir/origin.ts'
import type { Region } from './trace.ts'

/** Characters of a line. */
export const lineWidth = 120
/** Of the second and further lines of one statement, beyond its first. */
const continuation = 4
/** Blanks by which one comment may be moved to stand below another. */
const farthest = 40

/** Where a line may end: behind `=`, or, the looser the place the smaller the number, within an expression. */
export type Tightness = number | 'assignment'

export interface Writer {
  write(text: string): void
  /** Begins a region; nothing where there are no origins, or where the region around has the same. */
  open(origins: Origins): void
  /** Ends what the last `open` began. */
  close(): void
  /** A line may end here, before a blank that comes next. */
  mayBreak(tightness: Tightness): void
  /** A comment of one line behind the current line, or above it where it does not fit. */
  comment(text: string): void
  endLine(): void
  indent(): void
  dedent(): void
  /** All that was written, after `header`, on which the regions are moved. */
  finish(header: string): { text: string; regions: readonly Region[] }
}

interface OpenRegion extends Region {
  readonly span: { start: number; end: number }
  readonly children: OpenRegion[]
}

interface Line {
  readonly text: string
  /** In `text`, from the first column. */
  readonly breaks: ReadonlyArray<{ readonly at: number; readonly tightness: Tightness }>
  readonly comment: string | undefined
  /** Regions that start or end in the line, by their offsets in it. */
  readonly started: readonly OpenRegion[]
  readonly ended: readonly OpenRegion[]
}

export function createWriter(): Writer {
  const lines: string[] = []
  /** Characters of `lines`. */
  let written = 0
  let margin = ''
  let line = newLine()
  /** Finished lines of one margin with comments, until another line comes: then their column is known. */
  let commented: Line[] = []
  const roots: OpenRegion[] = []
  /** Innermost last; undefined for an `open` without a region of its own. */
  const stack: Array<OpenRegion | undefined> = []
  let innermost: OpenRegion | undefined

  const write = (text: string) => {
    line.text = line.text === '' ? margin + text : line.text + text
  }
  /** Puts a line at its place; `move` says where its columns are in `text`. */
  const place = (l: Line, text: string, move: (column: number) => number) => {
    for (const region of l.started) region.span.start = written + move(region.span.start)
    for (const region of l.ended) region.span.end = written + move(region.span.end)
    lines.push(text)
    written += text.length + 1
  }
  const placeCommented = () => {
    for (const { l, column } of columns(commented)) place(l, `${l.text.padEnd(column)}// ${l.comment}`, c => c)
    commented = []
  }
  const placeLine = (l: Line) => {
    const indented = indentation(l) + continuation
    const chosen = l.text.length <= lineWidth ? [] : breakPlaces(l.text.length, indented, l.breaks)
    const parts = [0, ...chosen].map((at, i) => l.text.slice(i === 0 ? 0 : at + 1, chosen[i]))
    const prefix = (l.text.startsWith('//') ? '//' : '').padEnd(indented)
    place(l, parts.join(`\n${prefix}`), c => c + indented * chosen.filter(at => at < c).length)
  }
  return {
    write,
    open(origins) {
      if (origins.length === 0 || (innermost && sameOrigins(innermost.origins, origins))) {
        stack.push(undefined)
        return
      }
      write('')
      const region: OpenRegion = { span: { start: line.text.length, end: 0 }, origins, children: [] }
      ;(innermost?.children ?? roots).push(region)
      line.started.push(region)
      stack.push(region)
      innermost = region
    },
    close() {
      const region = stack.pop()
      if (region === undefined) return
      region.span.end = line.text.length
      line.ended.push(region)
      innermost = stack.findLast(r => r !== undefined)
    },
    mayBreak(tightness) {
      line.breaks.push({ at: line.text.length, tightness })
    },
    comment(text) {
      line.comment = text
    },
    endLine() {
      const behind = line.comment !== undefined && line.text.length + line.comment.length + 5 <= lineWidth
      if (!behind || commented.some(l => indentation(l) !== indentation(line))) placeCommented()
      if (behind) commented.push(line)
      else {
        if (line.comment !== undefined) {
          const above = `${' '.repeat(indentation(line))}// ${line.comment}`
          lines.push(above)
          written += above.length + 1
        }
        placeLine(line)
      }
      line = newLine()
    },
    indent() {
      margin += '  '
    },
    dedent() {
      margin = margin.slice(2)
    },
    finish(header) {
      placeCommented()
      const move = (region: OpenRegion) => {
        region.span.start += header.length
        region.span.end += header.length
        region.children.forEach(move)
      }
      roots.forEach(move)
      return { text: `${header}${lines.join('\n')}\n`, regions: roots }
    }
  }
}

interface CurrentLine extends Line {
  text: string
  readonly breaks: Array<{ readonly at: number; readonly tightness: Tightness }>
  comment: string | undefined
  readonly started: OpenRegion[]
  readonly ended: OpenRegion[]
}

function newLine(): CurrentLine {
  return { text: '', breaks: [], comment: undefined, started: [], ended: [] }
}

function indentation({ text }: Line): number {
  return text.length - text.trimStart().length
}

/** The column of each line's comment: the same for all where that moves none too far. */
function columns(lines: readonly Line[]): ReadonlyArray<{ readonly l: Line; readonly column: number }> {
  const common = Math.max(...lines.map(l => l.text.length)) + 2
  const align = lines.every(({ text, comment }) =>
    common + 3 + comment!.length <= lineWidth && common - text.length <= farthest)
  return lines.map(l => ({ l, column: align ? common : l.text.length + 2 }))
}

/**
 * Where a line of `length` characters ends and goes on after `margin` blanks: the loosest places that make all parts
 * fit, few of them; where nothing does, at the places tried last.
 */
function breakPlaces(length: number, margin: number, breaks: Line['breaks']): readonly number[] {
  const places = (chosen: (tightness: Tightness) => boolean) => breaks.filter(b => chosen(b.tightness)).map(b => b.at)
  const levels = [...new Set(breaks.map(b => b.tightness))].filter(t => t !== 'assignment').sort((a, b) => a - b)
  const attempts = [
    places(t => t === 'assignment'),
    ...levels.flatMap(level => [
      places(t => t !== 'assignment' && t <= level), places(t => t === 'assignment' || t <= level)
    ])
  ]
  let chosen: readonly number[] = []
  for (const attempt of attempts) {
    chosen = filled(length, margin, attempt)
    const starts = [0, ...chosen]
    if (starts.every((start, i) => fits(start, starts[i + 1] ?? length, margin))) break
  }
  return chosen
}

/** Of the places those that are needed, with as much on each line as fits. */
function filled(length: number, margin: number, places: readonly number[]): readonly number[] {
  const chosen: number[] = []
  places.forEach((at, i) => {
    if (!fits(chosen.at(-1) ?? 0, places[i + 1] ?? length, margin)) chosen.push(at)
  })
  return chosen
}

function fits(start: number, end: number, margin: number): boolean {
  return end - start + (start === 0 ? 0 : margin) <= lineWidth
}

function sameOrigins(a: Origins, b: Origins): boolean {
  return a === b || (a.length === b.length && a.every((o, i) => sameOrigin(o, b[i])))
}
