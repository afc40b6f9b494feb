/** What the picture says in words: for badges, the line below the picture, and screen readers. */
import type { Facts, LayoutFacts, MappingFacts, OwnersReply } from './evaluate.ts'
import { bankOf, blockOf, laneOf, warpOf } from '../../compiler-core/view/palette.ts'

export interface Groups { readonly threads: number; readonly warpSize: number }
export interface Storage { readonly elementBytes: number; readonly bankBytes: number; readonly banks: number }

export function indexText(index: readonly number[]): string {
  return `(${index.join(', ')})`
}

const format = new Intl.NumberFormat('en-US')

/** 1,048,576 */
export function numberText(n: number): string {
  return format.format(n)
}

export function countText(n: number, noun: string): string {
  return `${numberText(n)} ${noun}${n === 1 ? '' : 's'}`
}

/** 128 x 128, with a real multiplication sign. */
export function shapeWords(shape: readonly number[]): string {
  return shape.map(numberText).join(' \u00d7 ')
}

/** One or two short phrases on how often the cells are covered. */
export function coverageWords({ coverage: { cells, once, uncovered, replicated,
  most } }: MappingFacts): { readonly text: string; readonly good: boolean }[] {
  if (once === cells) return [{ text: 'each cell once', good: true }]
  return [
    ...uncovered > 0 ? [{ text: `${numberText(uncovered)} uncovered`, good: false }] : [],
    ...replicated > 0 ? [{ text: `${numberText(replicated)} replicated, up to \u00d7${numberText(most)}`,
      good: false }] : []
  ]
}

export function tasksWords(facts: MappingFacts): string {
  return facts.tasksPerWorker === null ? `up to ${countText(facts.steps, 'task')} a worker`
    : `${countText(facts.tasksPerWorker, 'task')} a worker`
}

export function closedFormText(facts: Facts, names: readonly string[]): string | undefined {
  return facts.kind === 'mapping' ? facts.closedForm && `worker w, step k \u2192 (${facts.closedForm.join(', ')})`
    : `(${names.join(', ')}) \u2192 offset ${facts.closedForm}`
}

/** Worker 37 of block 0: which thread of which warp it is. */
export function workerWords(groups: Groups, worker: number, workers: number): string {
  const parts = [
    ...workers > groups.threads ? [`block ${blockOf(groups, worker)}, thread ${worker % groups.threads}`] : [],
    ...workers > groups.warpSize ? [`warp ${warpOf(groups, worker)}`] : [],
    `lane ${laneOf(groups, worker)}`
  ]
  return parts.join(', ')
}

/** The line below the picture, and what is spoken when the cursor comes to a cell. */
export function cellWords(facts: Facts, groups: Groups, storage: Storage, index: readonly number[],
  reply: OwnersReply): string {
  const [first] = reply.owners
  if (facts.kind === 'layout') {
    const offset = first?.worker ?? 0
    return `Element ${indexText(index)}: offset ${offset}, byte ${offset * storage.elementBytes}, bank ${bankOf(storage, offset)}`
  }
  const task = `Task ${indexText(index)}`
  if (first === undefined) return `${task}: uncovered, no worker executes it`
  if (reply.count === 1) return `${task}: worker ${first.worker} (${workerWords(groups, first.worker, facts.workers)}), step ${first.step}`
  const shown = reply.owners.slice(0, 4).map(owner => `worker ${owner.worker} at step ${owner.step}`).join(', ')
  return `${task}: ${numberText(reply.count)} times, by ${shown}${reply.count > 4 ? ', \u2026' : ''}`
}

/** The summary of the whole picture for screen readers. */
export function summaryWords(title: string, text: string, facts: Facts): string {
  const what = title === text ? text : `${title}, ${text}`
  return facts.kind === 'mapping'
    ? `Task mapping ${what}. ${countText(facts.workers, 'worker')}, task shape ${facts.shape.join(' by ')}, ${tasksWords(facts)}; ${coverageWords(facts).map(part => part.text).join(', ')}.`
    : `Data layout ${what}. Shape ${facts.shape.join(' by ')}, ${countText(facts.size, 'storage cell')}.`
}

/** How many passes a warp's request takes, and why. */
export function accessWords(lanes: number, banks: number, ways: number): string {
  return ways <= 1 ? `${countText(lanes, 'lane')}, ${countText(banks, 'bank')}: no conflict`
    : `${countText(lanes, 'lane')}, ${countText(banks, 'bank')}: ${ways}-way conflict`
}

export function storageWords(facts: LayoutFacts): string {
  return countText(facts.size, 'storage cell')
}
