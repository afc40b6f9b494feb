import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  declarationOf, placesOf, rangeAt, readTrace, regionAt, regionRange, regionsFrom, sourceStripes, stripes, tints,
  type Trace
} from '../../../extension/client/trace.ts'
import type { CudaTrace, Position, TextRange } from '../../../extension/server/protocol.ts'

/**
 * A trace from two texts with marks: `<3|text>` in the source is frame 3, in the CUDA a region made from the frames
 * that stand before the bar (`<1,2|text>`; none is possible).
 */
function traceOf(
  sources: Readonly<Record<string, string>>, cuda: string,
  frames: Readonly<Record<number, { through?: number; declaration?: number }>> = {}
) {
  const ranges = new Map<number, { source: number; range: TextRange }>()
  const texts = Object.entries(sources).map(([, marked], source) => {
    const { text, marks } = unmark(marked)
    for (const { label, range } of marks) ranges.set(Number(label), { source, range })
    return text
  })
  const order = [...ranges.keys()].sort((a, b) => a - b)
  const numbers = order.flatMap(frame => {
    const { source, range } = ranges.get(frame)!
    const { through, declaration = -1 } = frames[frame] ?? {}
    return [source, ...flat(range), through === undefined ? -1 : order.indexOf(through), declaration]
  })
  const { text, marks } = unmark(cuda)
  const wire: CudaTrace = {
    sources: Object.keys(sources), frames: numbers,
    declarations: ['matmul', 'relu', 'add'].map(name =>
      ({ kind: 'operator', name, uri: 'a', range: ranges.get(order[0]!)!.range })),
    regions: marks.flatMap(({ label, range, parent }) =>
      [...flat(range), parent, frames[parseInt(label)]?.declaration ?? -1]),
    origins: marks.map(({ label }) => label === '' ? [] : label.split(',').map(frame => order.indexOf(Number(frame))))
  }
  return { trace: readTrace(wire, 0), wire, text, texts }
}

interface Mark { label: string; range: TextRange; parent: number }

/** Parents before children, as they open. */
function unmark(marked: string): { text: string; marks: readonly Mark[] } {
  const marks: Mark[] = [], open: number[] = []
  let text = ''
  const here = (): Position => ({ line: text.split('\n').length - 1, character: text.length - text.lastIndexOf('\n') - 1 })
  for (const piece of marked.split(/(<[\d,]*\||>)/)) {
    if (piece === '>') {
      const mark = marks[open.pop()!]!
      mark.range = { start: mark.range.start, end: here() }
    } else if (piece.startsWith('<')) {
      const range = { start: here(), end: here() }
      open.push(marks.push({ label: piece.slice(1, -1), range, parent: open.at(-1) ?? -1 }) - 1)
    } else text += piece
  }
  return { text, marks }
}

function flat({ start, end }: TextRange): number[] { return [start.line, start.character, end.line, end.character] }

function at(text: string, part: string, into = 0): Position {
  const offset = text.indexOf(part) + into, before = text.slice(0, offset).split('\n')
  return { line: before.length - 1, character: before.at(-1)!.length }
}

function textIn(text: string, { start, end }: TextRange): string {
  const lines = text.split('\n').slice(start.line, end.line + 1)
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.character)
  return [lines[0]!.slice(start.character), ...lines.slice(1)].join('\n')
}

const source = { a: '<0|for t { <1|c = <2|sa> * <3|sb>> }>' }
const plain = 'for (;;) {\n  c = sa[0] * sb[0];\n  c = sa[1] * sb[1];\n}'
const cuda = '<0|for (;;) {\n  <1|c = <2|sa[0]> * <3|sb[0]>;>\n  <1|c = <2|sa[1]> * <3|sb[1]>;>\n}>\n'

describe('a caret in the CUDA', () => {
  const check = (part: string, into: number, region: string, inner: readonly string[]) => {
    const { trace, text, texts } = traceOf(source, cuda)
    const found = regionAt(trace, at(text, part, into))
    expect(found === undefined ? '' : textIn(text, regionRange(trace, found))).toBe(region)
    expect(placesOf(trace, found ?? -1).inner.map(p => textIn(texts[0]!, p.range))).toEqual(inner)
  }
  it('is at the innermost region', () => { check('sa[1]', 2, 'sa[1]', ['sa']) })
  it('is at the region that begins there', () => { check('sb[0]', 0, 'sb[0]', ['sb']) })
  it('is at the region that ends there', () => { check('sa[0] *', 5, 'sa[0]', ['sa']) })
  it('is at the statement between its parts', () => { check(' * sb[0]', 2, 'c = sa[0] * sb[0];', ['c = sa * sb']) })
  it('is at the loop between its statements', () => { check('{', 1, plain, ['for t { c = sa * sb }']) })
  it('is nowhere behind the text', () => { check('}\n', 2, '', []) })

  it('is at the text around a region without origins', () => {
    const { trace, text } = traceOf({ a: '<0|x>' }, '<0|x + <|y>>')
    expect(textIn(text, regionRange(trace, regionAt(trace, at(text, 'y'))!))).toBe('x + y')
  })

  it('knows the calls through which text was inlined, in other files too', () => {
    const sources = { b: '<0|relu(<2|add(c, d)>)>', a: '<1|max(x, 0)>' }
    const { trace, text, texts } = traceOf(sources, '<1|fmaxf(x, 0)>', { 1: { through: 0 } })
    const { inner, around } = placesOf(trace, regionAt(trace, at(text, 'fmaxf'))!)
    expect(inner.map(p => [p.uri, textIn(texts[1]!, p.range)])).toEqual([['a', 'max(x, 0)']])
    expect(around.map(p => [p.uri, textIn(texts[0]!, p.range)])).toEqual([['b', 'relu(add(c, d))']])
  })
})

describe('a caret in the source', () => {
  const check = (part: string, into: number, range: string, regions: readonly string[]) => {
    const { trace, text, texts: [own = ''] } = traceOf(source, cuda)
    const found = rangeAt(trace, 'a', at(own, part, into))
    expect(found === undefined ? '' : textIn(own, found)).toBe(range)
    const made = found === undefined ? [] : regionsFrom(trace, { uri: 'a', range: found })
    expect(made.map(r => textIn(text, regionRange(trace, r)))).toEqual(regions)
  }
  it('finds all that was made from the smallest range', () => { check('sa', 1, 'sa', ['sa[0]', 'sa[1]']) })
  it('finds what begins there', () => { check('sb', 0, 'sb', ['sb[0]', 'sb[1]']) })
  it('finds what ends there', () => { check('sa', 2, 'sa', ['sa[0]', 'sa[1]']) })
  it('finds whole statements', () => { check('=', 0, 'c = sa * sb', ['c = sa[0] * sb[0];', 'c = sa[1] * sb[1];']) })
  it('finds the outermost region alone', () => { check('for', 1, 'for t { c = sa * sb }', [plain]) })
  it('finds nothing in another file', () => {
    expect(rangeAt(traceOf(source, cuda).trace, 'b', { line: 0, character: 0 })).toBeUndefined()
  })

  it('finds what was inlined through a call', () => {
    const sources = { b: '<0|relu(c)>', a: '<1|max(<2|x>, 0)>' }, through = { 1: { through: 0 }, 2: { through: 1 } }
    const { trace, text } = traceOf(sources, '<1|fmaxf(<2|x>, 0)> + <2|x>', through)
    const range = rangeAt(trace, 'b', { line: 0, character: 2 })!
    expect(regionsFrom(trace, { uri: 'b', range }).map(r => textIn(text, regionRange(trace, r)))).toEqual(['fmaxf(x, 0)', 'x'])
  })
})

describe('colours', () => {
  const declared = { 0: { declaration: 0 }, 1: { declaration: 1 }, 2: { declaration: 2 } }
  const check = (marked: string, lines: readonly string[], tinted: readonly string[]) => {
    const { trace, text } = traceOf({ a: '<0|m>\n<1|r>\n<2|a>\n<3|f>' }, marked, declared)
    expect(stripes(trace).map(s => `${s.first}-${s.last} ${s.declarations.join()}`)).toEqual(lines)
    expect(tints(trace, 0).map(t => `${t.declaration} ${textIn(text, t.range)}`)).toEqual(tinted)
  }
  it('one declaration is one stripe', () => { check('<0|a;>\n<0|b;>\n', ['0-1 0'], []) })
  it('a line without origin has no stripe', () => { check('<0|a;>\n\n<0|b;>\n', ['0-0 0', '2-2 0'], []) })
  it('a fused line has several, the statement\'s first', () => {
    check('<0|c = <1|max(<2|a + <0|acc>>, 0)>;>', ['0-0 0,1,2'], ['1 max(', '2 a + ', '1 , 0)'])
  })
  it('a block colours the lines that nothing else came to', () => {
    check('<0|{\n\n<1|x;>\n}>', ['0-1 0', '2-2 1', '3-3 0'], ['1 x;'])
  })
  it('text without declaration has the colour around it', () => { check('<1|a + <3|b>>', ['0-0 1'], ['1 a + b']) })
  it('the source has the same', () => {
    const { trace } = traceOf({ a: '<0|m\n<1|r>\n>\n<2|a>' }, '', declared)
    expect(sourceStripes(trace, 'a').map(s => `${s.first}-${s.last} ${s.declarations.join()}`))
      .toEqual(['0-0 0', '1-1 1', '2-2 0', '3-3 2'])
  })
})

/** Any nesting of regions over any frames, with a newline here and there. */
const marked: fc.Arbitrary<string> = fc.letrec<{ text: string; piece: string }>(tie => ({
  text: fc.array(tie('piece'), { maxLength: 4 }).map(pieces => pieces.join('')),
  piece: fc.oneof({ depthSize: 'small' }, fc.constantFrom('x', ' ', 'y\n'),
    fc.tuple(fc.subarray([0, 1, 2, 3]), tie('text')).map(([frames, text]) => `<${frames.join()}|${text}z>`))
})).text

describe('any trace', () => {
  const four = { a: '<0|a>\n<1|b <2|c>>', b: '<3|d>' }
  const frames = {
    0: { declaration: 0 }, 1: { declaration: 1 }, 2: { through: 0, declaration: 2 }, 3: { through: 1, declaration: 0 }
  }
  const any = marked.map(text => traceOf(four, text, frames))
  const positions = (text: string): Position[] => text.split('\n').flatMap((content, line) =>
    Array.from({ length: content.length + 1 }, (_, character) => ({ line, character })))
  const order = (a: Position, b: Position): number => a.line - b.line || a.character - b.character
  const holds = ({ start, end }: TextRange, p: Position): boolean => order(start, p) <= 0 && order(p, end) <= 0
  const ends = ({ end }: TextRange, p: Position): boolean => end.line === p.line && end.character === p.character
  const regionsOf = (trace: Trace) => trace.origins.map((_, region) => region)

  it('gives, for a caret, a region around it where there is one', () => {
    fc.assert(fc.property(any, ({ trace, text }) => {
      for (const p of positions(text)) {
        const found = regionAt(trace, p)
        const around = regionsOf(trace).filter(r => trace.origins[r]!.length > 0 && holds(regionRange(trace, r), p))
        if (found === undefined) expect(around.filter(r => !ends(regionRange(trace, r), p))).toEqual([])
        else expect(around).toContain(found)
      }
    }))
  })

  it('leads from each region to places that lead back to it, or to one around it', () => {
    fc.assert(fc.property(any, ({ trace }) => {
      for (const region of regionsOf(trace)) {
        for (const place of [...placesOf(trace, region).inner, ...placesOf(trace, region).around]) {
          const { start, end } = regionRange(trace, region)
          const back = regionsFrom(trace, place).map(r => regionRange(trace, r))
          expect(back.some(range => holds(range, start) && holds(range, end))).toBe(true)
        }
      }
    }))
  })

  it('tints each character at most once, with the colour of the innermost region', () => {
    fc.assert(fc.property(any, ({ trace, text }) => {
      const all = tints(trace, 0)
      for (const p of positions(text)) {
        const over = all.filter(t => holds(t.range, p) && !ends(t.range, p))
        expect(over.length).toBeLessThanOrEqual(1)
      }
    }))
  })

  it('has a stripe on each line where a region with a declaration stands', () => {
    fc.assert(fc.property(any, ({ trace }) => {
      const striped = (line: number) => stripes(trace).find(s => s.first <= line && line <= s.last)?.declarations ?? []
      for (const region of regionsOf(trace)) {
        const declaration = declarationOf(trace, region)
        if (declaration >= 0) expect(striped(regionRange(trace, region).start.line)).toContain(declaration)
      }
    }))
  })
})
