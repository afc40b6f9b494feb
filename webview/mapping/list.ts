/** A list of any length of which only the rows in view exist. */
import { h } from '../dom.ts'

export interface LongList {
  readonly element: HTMLElement
  /** `rows(from, count)` gives the rows of a part of the list. */
  show(total: number, rows: (from: number, count: number) => Promise<readonly HTMLElement[]>): void
}

const rowHeight = 22
/** Browsers draw nothing beyond some 2^24 pixels; the rest of a longer list is reached by its steps. */
const mostRows = 600_000

export function longList(label: string): LongList {
  const room = h('div', { class: 'room' }), element = h('div', { class: 'list', role: 'list', 'aria-label': label, tabindex: '0' }, room)
  let total = 0, rows: Parameters<LongList['show']>[1] = () => Promise.resolve([]), request = 0
  const draw = async () => {
    const from = Math.max(0, Math.floor(element.scrollTop / rowHeight) - 4), mine = ++request
    const count = Math.max(0, Math.min(total - from, Math.ceil(element.clientHeight / rowHeight) + 8))
    const made = await rows(from, count)
    if (mine !== request) return
    made.forEach((row, i) => {
      row.setAttribute('role', 'listitem')
      row.setAttribute('aria-setsize', String(total))
      row.setAttribute('aria-posinset', String(from + i + 1))
      row.style.top = `${(from + i) * rowHeight}px`
    })
    room.replaceChildren(...made)
  }
  element.addEventListener('scroll', () => { void draw() }, { passive: true })
  new ResizeObserver(() => { void draw() }).observe(element)
  return {
    element,
    show(newTotal, newRows) {
      total = Math.min(newTotal, mostRows)
      rows = newRows
      room.style.height = `${total * rowHeight}px`
      void draw()
    }
  }
}
