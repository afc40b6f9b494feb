/**
 * The side panel: the cell under the pointer or the cursor, and the selected worker's tasks, or where else an offset
 * is stored.
 */
import { checkbox, dropdown, iconButton, numberField } from '../controls.ts'
import { h } from '../dom.ts'
import type { AccessReply, Facts, LayoutFacts, MappingFacts, OwnersReply, StoredReply } from './evaluate.ts'
import { longList } from './list.ts'
import { bankOf, blockOf, laneOf, warpOf } from '../../compiler-core/view/palette.ts'
import { accessWords, countText, indexText, numberText, workerWords, type Groups, type Storage } from './words.ts'

export interface PanelEvents {
  selectWorker(worker: number | null): void
  goTo(index: readonly number[]): void
  setStep(step: number): void
  selectOffset(offset: number | null): void
  /** Emphasise all cells of the bank, instead of those of the offset. */
  wholeBank(whole: boolean): void
  /** The axis along which the lanes of a warp read. */
  accessAxis(axis: number): void
}

export type Rows = (from: number, count: number) => Promise<ReadonlyArray<readonly number[]>>

export interface Panel {
  readonly element: HTMLElement
  /** Controls for a subject. */
  setSubject(facts: Facts): void
  showCell(facts: Facts, groups: Groups, storage: Storage, index: readonly number[] | null,
    reply: OwnersReply | null): void
  showWorker(facts: MappingFacts, groups: Groups, worker: number | null, total: number, step: number | null,
    tasks: Rows): void
  showStored(offset: number | null, whole: boolean, reply: StoredReply | null): void
  /** Null: not asked; a text: why it cannot be told. */
  showAccess(axis: number, reply: AccessReply | string | null): void
}

/** Owners that are listed of a replicated cell. */
export const listedOwners = 64

export function createPanel(events: PanelEvents): Panel {
  const cell = h('div', { class: 'cell' }), body = h('div', { class: 'subject' })
  const element = h('aside', { class: 'panel', 'aria-label': 'Details' }, h('section', {}, h('h2', {}, 'Cell'), cell),
    body)
  let worker: WorkerSection | undefined, stored: StoredSection | undefined
  return {
    element,
    setSubject(facts) {
      worker = facts.kind === 'mapping' ? workerSection(facts, events) : undefined
      stored = facts.kind === 'layout' ? storedSection(facts, events) : undefined
      element.querySelector('h2')?.replaceChildren(facts.kind === 'mapping' ? 'Task' : 'Element')
      body.replaceChildren(...[worker?.element, ...stored?.elements ?? []].filter(part => part !== undefined))
    },
    showCell(facts, groups, storage, index, reply) {
      cell.replaceChildren(...index === null || reply === null
        ? [h('p', { class: 'hint' }, 'Point at a cell, or move to one with the arrow keys.')]
        : facts.kind === 'mapping' ? taskRows(facts, groups, index, reply, events) : elementRows(storage, index, reply))
    },
    showWorker: (...shown) => { worker?.show(...shown) },
    showStored(offset, whole, reply) { stored?.show(offset, whole, reply) },
    showAccess(axis, reply) { stored?.showAccess(axis, reply) }
  }
}

// ---------------------------------------------------------------- cells

function taskRows(facts: MappingFacts, groups: Groups, index: readonly number[], reply: OwnersReply,
  events: PanelEvents): HTMLElement[] {
  const heading = h('p', { class: 'index' }, indexText(index))
  if (reply.count === 0) return [heading, h('p', { class: 'warn' }, 'Uncovered: no worker executes it.')]
  const blocks = facts.workers > groups.threads, warps = facts.workers > groups.warpSize
  const columns = ['worker', ...blocks ? ['block'] : [], ...warps ? ['warp'] : [], 'lane', 'step']
  const rows = reply.owners.map(({ worker, step }) => {
    const select = h('button', { class: 'link', type: 'button', title: `Select worker ${worker}` }, String(worker))
    select.addEventListener('click', () => { events.selectWorker(worker) })
    const numbers = [...blocks ? [blockOf(groups, worker)] : [], ...warps ? [warpOf(groups, worker)] : [],
      laneOf(groups, worker), step]
    return h('tr', {}, h('td', {}, select), ...numbers.map(n => h('td', {}, String(n))))
  })
  const table = h('table', { 'aria-label': `Owners of task ${indexText(index)}` },
    h('thead', {}, h('tr', {}, ...columns.map(column => h('th', { scope: 'col' }, column)))), h('tbody', {}, ...rows))
  const count = reply.count === 1 ? null : h('p', { class: 'warn' }, `Replicated: ${numberText(reply.count)} times.`)
  const more = reply.count > rows.length
    ? h('p', { class: 'hint' }, `The first ${rows.length} of ${numberText(reply.count)}.`) : null
  const scroll = h('div',
    { class: 'owners', ...rows.length > 6 ? { tabindex: '0', role: 'region', 'aria-label': 'Owners' } : {} }, table)
  return [heading, count, scroll, more].filter(part => part !== null)
}

function elementRows(storage: Storage, index: readonly number[], reply: OwnersReply): HTMLElement[] {
  const offset = reply.owners[0]?.worker ?? 0
  const row = (name: string, value: string) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value))
  return [h('p', { class: 'index' }, indexText(index)),
    h('table', { 'aria-label': `Where element ${indexText(index)} is stored` }, h('tbody', {},
      row('offset', numberText(offset)), row('byte', numberText(offset * storage.elementBytes)),
      row('bank', String(bankOf(storage, offset)))))]
}

// ---------------------------------------------------------------- workers

interface WorkerSection {
  readonly element: HTMLElement
  show(facts: MappingFacts, groups: Groups, selected: number | null, total: number, step: number | null,
    tasks: Rows): void
}

function workerSection(facts: MappingFacts, events: PanelEvents): WorkerSection {
  let selected: number | null = null
  const move = (by: number) => {
    events.selectWorker(((selected ?? (by > 0 ? -1 : 0)) + by + facts.workers) % facts.workers)
  }
  const field = numberField('Worker', () => ({ least: 0, most: facts.workers - 1 }), events.selectWorker,
    { empty: true, placeholder: 'none' })
  const clear = iconButton('clear', 'Select no worker (Escape)', () => { events.selectWorker(null) })
  const where = h('p', { class: 'hint' }), list = longList('Tasks of the worker')
  const head = h('div', { class: 'row head', 'aria-hidden': 'true' }, h('span', {}, 'step'), h('span', {}, 'task'))
  const element = h('section', {}, h('h2', {}, 'Worker'), h('div', { class: 'line' }, field.element,
    iconButton('back', 'Previous worker ([)', () => { move(-1) }).element,
    iconButton('forward', 'Next worker (])', () => { move(1) }).element,
    clear.element), where, head, list.element)
  return {
    element,
    show(shown, groups, worker, total, step, tasks) {
      selected = worker
      field.set(worker)
      for (const part of [head, list.element, clear.element]) part.hidden = worker === null
      where.textContent = worker === null
        ? `Press a cell, or type 0 to ${numberText(shown.workers - 1)}, to see all tasks of a worker.`
        : `${workerWords(groups, worker, shown.workers)}; ${countText(total, 'task')} in order`
      if (worker === null) return
      list.show(total, async (from, count) => (await tasks(from, count)).map((task, i) => {
        const go = h('button', { class: 'link', type: 'button', title: 'Go to this cell' }, indexText(task))
        go.addEventListener('click', () => { events.goTo(task) })
        return h('div', { class: from + i === step ? 'row current' : 'row' }, h('span', {}, String(from + i)), go)
      }))
    }
  }
}

// ---------------------------------------------------------------- storage

interface StoredSection {
  readonly elements: readonly HTMLElement[]
  show(offset: number | null, whole: boolean, reply: StoredReply | null): void
  showAccess(axis: number, reply: AccessReply | string | null): void
}

function storedSection(facts: LayoutFacts, events: PanelEvents): StoredSection {
  const field = numberField('Offset', () => ({ least: 0, most: facts.size - 1 }), events.selectOffset,
    { empty: true, placeholder: 'none' })
  const clear = iconButton('clear', 'Select no offset (Escape)', () => { events.selectOffset(null) })
  const bank = checkbox('all cells of its bank', events.wholeBank), hint = h('p', { class: 'hint' })
  const list = longList('Cells stored there')
  const head = h('div', { class: 'row head', 'aria-hidden': 'true' }, h('span', {}, 'offset'), h('span', {}, 'element'))
  const axes = dropdown('Dimension along which a warp reads',
    facts.shape.map((extent, axis) => [String(axis), `dimension ${axis} (${numberText(extent)})`]),
    value => { events.accessAxis(Number(value)) })
  const access = h('p', { class: 'access' })
  return {
    elements: [
      h('section', {}, h('h2', {}, 'Offset'), h('div', { class: 'line' }, field.element, clear.element), bank.element,
        hint, head, list.element),
      h('section', {}, h('h2', {}, 'Request of a warp'),
        h('p', { class: 'hint' }, 'Lane n reads the element n further, from the cell of the cursor, along'),
        axes.element, access)
    ],
    show(offset, whole, reply) {
      field.set(offset)
      bank.set(whole)
      for (const part of [head, list.element, clear.element, bank.element]) part.hidden = offset === null
      hint.textContent = offset === null || reply === null ? 'Press a cell to see what else is stored there.'
        : `${countText(reply.count, 'cell')}${reply.complete ? '' : ' among the first 1,048,576 elements'}`
      if (reply !== null) {
        list.show(reply.cells.length, (from, count) =>
          Promise.resolve(reply.cells.slice(from, from + count).map(cell => {
            const go = h('button', { class: 'link', type: 'button', title: 'Go to this cell' }, indexText(cell.index))
            go.addEventListener('click', () => { events.goTo(cell.index) })
            return h('div', { class: 'row' }, h('span', {}, String(cell.offset)), go)
          })))
      }
    },
    showAccess(axis, reply) {
      axes.set(String(axis))
      access.textContent = reply === null ? '' : typeof reply === 'string' ? reply
        : accessWords(reply.lanes, reply.banks, reply.ways)
      access.classList.toggle('warn', reply !== null && typeof reply !== 'string' && reply.ways > 1)
    }
  }
}
