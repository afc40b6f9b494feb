/** The list of the keys, which '?' opens. */
import { textButton } from '../controls.ts'
import { h } from '../dom.ts'
import { keyList } from './keys.ts'

export interface Help { readonly element: HTMLDialogElement; open(): void }

export function createHelp(): Help {
  const element = h('dialog', { class: 'help', 'aria-labelledby': 'help-title' }) as HTMLDialogElement
  element.append(h('h2', { id: 'help-title' }, 'Keys of the picture'),
    h('dl', {}, ...keyList.flatMap(([keys, what]) => [h('dt', {}, keys), h('dd', {}, what)])),
    textButton('Close', 'Close (Escape)', () => { element.close() }))
  element.addEventListener('click', event => { if (event.target === element) element.close() })
  return { element, open: () => { if (!element.open) element.showModal() } }
}
