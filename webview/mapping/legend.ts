/** What the colours stand for. */
import { cssOf, paletteOf, unpack, type Colouring } from '../../compiler-core/view/palette.ts'
import type { Facts } from './evaluate.ts'
import { numberText, type Groups } from './words.ts'

export interface LegendEntry { readonly text: string; readonly colour: string }

export type Legend =
  | { readonly kind: 'groups'; readonly entries: readonly LegendEntry[]; readonly more: string }
  /** A range of ordered values, from its first to its last colour. */
  | { readonly kind: 'range'; readonly from: string; readonly to: string; readonly colours: readonly string[] }

const shownGroups = 8

export function legendOf(colouring: Colouring, facts: Facts, groups: Groups): Legend {
  const { table } = paletteOf(colouring)
  const colour = (i: number) => cssOf(unpack(table[i] ?? 0))
  const range = (name: string, last: number): Legend => last === 0
    ? { kind: 'groups', entries: [{ text: `${name} 0`, colour: colour(0) }], more: '' }
    : {
      kind: 'range', from: `${name} 0`, to: numberText(last),
      colours: Array.from({ length: 12 }, (_, i) => colour(Math.round(i / 11 * (table.length - 1))))
    }
  const kinds = (name: string, count: number, colourOf: (i: number) => string): Legend => ({
    kind: 'groups',
    entries: Array.from({ length: Math.min(count, shownGroups) }, (_, i) =>
      ({ text: `${name} ${i}`, colour: colourOf(i) })),
    more: count > shownGroups ? `\u2026 ${name} ${numberText(count - 1)}` : ''
  })
  const workers = facts.kind === 'mapping' ? facts.workers : 0
  const blocks = Math.ceil(workers / groups.threads)
  const perBlock = Math.ceil(Math.min(groups.threads, workers) / groups.warpSize)
  switch (colouring.by) {
    case 'thread': return blocks * perBlock > 1
      ? kinds('warp', blocks * perBlock, i => colour(i % 8 * colouring.warpSize + Math.floor(colouring.warpSize / 2)))
      : kinds('thread', workers, colour)
    case 'warp': return kinds('warp', blocks * perBlock, i => colour(i % table.length))
    case 'block': return kinds('block', blocks, i => colour(i % table.length))
    case 'lane': return range('lane', Math.min(colouring.warpSize, workers) - 1)
    case 'step': return range('step', colouring.steps - 1)
    case 'offset': return range('offset', colouring.size - 1)
    case 'bank': return range('bank', colouring.banks - 1)
  }
}

/** The legend as separate swatches, for a file. */
export function swatches(legend: Legend): readonly LegendEntry[] {
  if (legend.kind === 'groups') return legend.more === '' ? legend.entries
    : [...legend.entries, { text: legend.more, colour: 'transparent' }]
  const first = legend.colours[0] ?? '', last = legend.colours.at(-1) ?? ''
  return [{ text: legend.from, colour: first }, { text: legend.to, colour: last }]
}
