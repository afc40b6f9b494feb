/** What a person has chosen on the page; kept over a reload together with the subject. */
import type { PageSettings, Subject } from '../../compiler-core/view/explorer.ts'
import type { Colouring } from '../../compiler-core/view/palette.ts'
import type { Viewport } from './viewport.ts'

export type ColouringName = Colouring['by']

export interface View {
  /** How mappings are coloured, and how layouts are. */
  readonly mappingBy: Extract<ColouringName, 'thread' | 'warp' | 'block' | 'lane' | 'step'>
  readonly layoutBy: Extract<ColouringName, 'offset' | 'bank'>
  /** Threads of a block; null: all workers, up to 1024. */
  readonly threads: number | null
  readonly elementBytes: number
  /** The axes drawn down and across; null: the usual ones. */
  readonly axes: readonly [number, number] | null
  readonly fixed: readonly number[]
  /** Null: the whole plane. */
  readonly viewport: Viewport | null
  /** The index that the cursor stands on. */
  readonly cursor: readonly number[] | null
  readonly worker: number | null
  /** Null: all steps. */
  readonly step: number | null
  readonly trail: boolean
  /** Steps a second. */
  readonly speed: number
  /** The offset whose cells, or whose bank's cells, are emphasised. */
  readonly offset: number | null
  readonly wholeBank: boolean
  /** The dimension along which a warp reads; null: the one drawn across. */
  readonly accessAxis: number | null
}

export const firstView: View = {
  mappingBy: 'thread', layoutBy: 'offset', threads: null, elementBytes: 4, axes: null, fixed: [], viewport: null,
  cursor: null, worker: null,
  step: null, trail: false, speed: 4, offset: null, wholeBank: false, accessAxis: null
}

export interface Kept { readonly subject: Subject | null; readonly settings: PageSettings; readonly view: View }

export const usualSettings: PageSettings = { warpSize: 32, banks: 32, bankBytes: 4 }

/** The choices that still make sense for a subject of another shape. */
export function viewFor(view: View, shape: readonly number[], sameShape: boolean,
  counts: { readonly workers: number; readonly steps: number; readonly size: number }): View {
  const { axes, cursor } = view
  return {
    ...view,
    axes: axes !== null && axes.every(axis => axis < shape.length) && axes[0] !== axes[1] ? axes : null,
    fixed: shape.map((extent, axis) => Math.min(extent - 1, view.fixed[axis] ?? 0)),
    viewport: sameShape ? view.viewport : null,
    cursor: cursor !== null && cursor.length === shape.length && cursor.every((n, axis) => n < (shape[axis] ?? 0))
      ? cursor : null,
    worker: view.worker !== null && view.worker < counts.workers ? view.worker : null,
    step: view.step !== null && view.step < counts.steps ? view.step : null,
    offset: view.offset !== null && view.offset < counts.size ? view.offset : null,
    accessAxis: view.accessAxis !== null && view.accessAxis < shape.length ? view.accessAxis : null
  }
}
