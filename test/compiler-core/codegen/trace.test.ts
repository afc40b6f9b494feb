import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printCuda } from '../../../compiler-core/codegen/cuda.ts'
import {
  indexTrace, linkFromSource, linkFromTarget, regionsAt, traceJson, type Region, type Trace
} from '../../../compiler-core/codegen/trace.ts'
import type { Origin, Span } from '../../../compiler-core/ir/origin.ts'
import { token, tracedProgram } from './random.ts'
import { sm_80 } from './support.ts'

const origin = (start: number, end: number, through?: Origin, uri = 'a.heddle'): Origin =>
  ({ range: { uri, span: { start, end } }, through })
const region = (start: number, end: number, origins: readonly Origin[], ...children: readonly Region[]): Region =>
  ({ span: { start, end }, origins, children })

describe('lookups', () => {
  //                    0123456789
  // source a.heddle    x + y * 2      source b.heddle   f(x)
  // target             y * 2 + x; y * 2
  const call = origin(0, 4, undefined, 'b.heddle')
  const trace: Trace = {
    regions: [
      region(0, 10, [origin(0, 9, call)],
        region(0, 5, [origin(4, 9, call)], region(0, 1, [origin(4, 5, call)])), region(8, 9, [origin(0, 1, call)])),
      region(11, 16, [origin(4, 9)])
    ]
  }
  const index = indexTrace(trace)
  const targets = (uri: string, offset: number) =>
    linkFromSource(index, uri, offset)?.targets.map(s => [s.start, s.end])

  it.each<[string, number, number[][] | undefined]>([
    ['a.heddle', 0, [[8, 9]]], ['a.heddle', 2, [[0, 10]]], ['a.heddle', 4, [[0, 1]]],
    ['a.heddle', 7, [[0, 5], [11, 16]]], ['a.heddle', 9, [[0, 5], [11, 16]]], ['a.heddle', 10, undefined],
    ['b.heddle', 2, [[0, 10]]], ['c.heddle', 0, undefined]
  ])('from %s at %d', (uri, offset, expected) => {
    expect(targets(uri, offset)).toEqual(expected)
  })
  it.each<[number, number[][]]>([
    [0, [[0, 1], [0, 5], [0, 10]]], [1, [[0, 1], [0, 5], [0, 10]]], [3, [[0, 5], [0, 10]]], [7, [[0, 10]]],
    [9, [[8, 9], [0, 10]]], [10, [[0, 10]]], [11, [[11, 16]]], [17, []]
  ])('around %d of the target', (offset, expected) => {
    expect(regionsAt(trace, offset).map(r => [r.span.start, r.span.end])).toEqual(expected)
  })
  it('from the target to all stacks', () => {
    expect(linkFromTarget(trace, 8)?.origins).toEqual([origin(0, 1, call)])
    expect(linkFromTarget(trace, 40)).toBeUndefined()
  })
})

describe('exchange', () => {
  it('gives LSP ranges', () => {
    const through = origin(3, 4, undefined, 'b.heddle')
    const trace: Trace = {
      regions: [region(2, 6, [origin(1, 2, through), origin(4, 5)], region(3, 4, [origin(4, 5)]))]
    }
    const sources = new Map([['a.heddle', 'ab\nc𝕩'], ['b.heddle', '\n\nbb']])
    expect(traceJson(trace, 'k.cu', 'x\nabc\nd', uri => sources.get(uri)!)).toEqual({
      version: 1, target: 'k.cu', sources: ['a.heddle', 'b.heddle'],
      regions: [{
        range: { start: { line: 1, character: 0 }, end: { line: 2, character: 0 } },
        origins: [
          [
            { source: 0, range: { start: { line: 0, character: 1 }, end: { line: 0, character: 2 } } },
            { source: 1, range: { start: { line: 2, character: 1 }, end: { line: 2, character: 2 } } }
          ],
          [{ source: 0, range: { start: { line: 1, character: 1 }, end: { line: 1, character: 2 } } }]
        ],
        children: [{
          range: { start: { line: 1, character: 1 }, end: { line: 1, character: 2 } },
          origins: [[{ source: 0, range: { start: { line: 1, character: 1 }, end: { line: 1, character: 2 } } }]],
          children: []
        }]
      }]
    })
  })
})

describe('the trace of random programs', () => {
  const tokensIn = (text: string) => new Set(text.match(token))
  const cut = (text: string, span: Span) => text.slice(span.start, span.end)
  const printed = tracedProgram.map(p => {
    const { text, trace } = printCuda(p.program, sm_80)
    return { ...p, text, trace, [fc.toStringMethod]: () => `${p.sources.get('file:///main')}\n\n${text}` }
  })
  const all = (regions: readonly Region[]): readonly Region[] => regions.flatMap(r => [r, ...all(r.children)])

  it('is a tree: children lie in order inside of their region', () => {
    fc.assert(fc.property(printed, ({ text, trace }) => {
      const ordered = (regions: readonly Region[], { start, end }: Span): boolean => {
        let last = start
        return regions.every(r => {
          const fits = last <= r.span.start && r.span.start < r.span.end && r.span.end <= end
          last = r.span.end
          return fits && r.origins.length > 0 && ordered(r.children, r.span)
        })
      }
      expect(ordered(trace.regions, { start: 0, end: text.length })).toBe(true)
    }))
  })

  it('has in each region all tokens of its origins', () => {
    fc.assert(fc.property(printed, ({ text, trace, sources }) => {
      for (const r of all(trace.regions)) {
        const there = tokensIn(cut(text, r.span))
        for (const o of r.origins) {
          const missing = [...tokensIn(cut(sources.get(o.range.uri)!, o.range.span))].filter(t => !there.has(t))
          expect(missing).toEqual([])
        }
      }
    }))
  })

  it('leads from each token of the text to an origin that has it', () => {
    fc.assert(fc.property(printed, ({ text, trace, sources }) => {
      const body = text.indexOf('{')
      for (const match of text.slice(body).matchAll(token)) {
        const link = linkFromTarget(trace, body + match.index)
        expect(link?.origins.some(o => tokensIn(cut(sources.get(o.range.uri)!, o.range.span)).has(match[0]))).toBe(true)
      }
    }))
  })

  it('leads from each origin to text that has its tokens, and from each call to what was inlined', () => {
    fc.assert(fc.property(printed, ({ text, trace, sources, origins }) => {
      const index = indexTrace(trace)
      for (const o of origins) {
        const source = sources.get(o.range.uri)!
        const wanted = cut(source, o.range.span).match(token)?.[0]
        if (wanted === undefined) continue
        const offset = source.indexOf(wanted, o.range.span.start) + 1
        const link = linkFromSource(index, o.range.uri, offset)
        expect(link?.targets.some(span => tokensIn(cut(text, span)).has(wanted))).toBe(true)
        if (o.through === undefined) continue
        const inlined = linkFromSource(index, o.through.range.uri, o.through.range.span.start)
        expect(inlined?.targets.some(span => tokensIn(cut(text, span)).has(wanted))).toBe(true)
      }
    }))
  })
})
