/** The head of the page: what is drawn, and the numbers that say whether it is right. */
import type { Subject } from '../../compiler-core/view/explorer.ts'
import { badge } from '../controls.ts'
import { h } from '../dom.ts'
import { axisNames, type Facts } from './evaluate.ts'
import { closedFormText, countText, coverageWords, shapeWords, storageWords, tasksWords } from './words.ts'

export interface Header {
  readonly element: HTMLElement
  show(subject: Subject, facts: Facts): void
}

export function createHeader(): Header {
  const title = h('h1'), text = h('code', { class: 'expression' }), badges = h('div', { class: 'badges' }), form = h('code', { class: 'closed-form' })
  return {
    element: h('header', {}, h('div', { class: 'title' }, title, text), badges, form),
    show(subject, facts) {
      const named = subject.title !== subject.text
      title.textContent = named ? subject.title : facts.kind === 'mapping' ? 'Task mapping' : 'Layout'
      text.textContent = subject.text
      text.title = subject.text
      badges.replaceChildren(...facts.kind === 'mapping'
        ? [
          badge(countText(facts.workers, 'worker')), badge(shapeWords(facts.shape), { title: 'Task shape' }), badge(tasksWords(facts)),
          ...coverageWords(facts).map(part => badge(`${part.good ? '\u2713' : '\u26a0'} ${part.text}`, { kind: part.good ? 'good' : 'warning', title: 'How often the cells of the task shape are executed' }))
        ]
        : [badge(shapeWords(facts.shape), { title: 'Shape' }), badge(storageWords(facts))])
      const formula = closedFormText(facts, axisNames(facts.shape.length))
      form.hidden = formula === undefined
      form.textContent = form.title = formula ?? ''
    }
  }
}
