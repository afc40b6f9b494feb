/** The row of controls above the picture: colours, axes, zoom, export. */
import { dropdown, iconButton, numberField, textButton } from '../controls.ts'
import { h } from '../dom.ts'
import type { Facts } from './evaluate.ts'
import type { Plane } from './plane.ts'
import type { ColouringName, View } from './state.ts'
import { numberText } from './words.ts'

export interface ToolbarEvents {
  colour(by: ColouringName): void
  threads(threads: number | null): void
  elementBytes(bytes: number): void
  axes(row: number, column: number): void
  fix(axis: number, index: number): void
  zoom(factor: number): void
  fit(): void
  save(format: 'svg' | 'png'): void
  help(): void
}

export interface Toolbar {
  readonly element: HTMLElement
  setSubject(facts: Facts): void
  update(view: View, plane: Plane, threads: number): void
}

export const mappingColourings = ['thread', 'warp', 'block', 'lane', 'step'] as const
export const layoutColourings = ['offset', 'bank'] as const

export function createToolbar(events: ToolbarEvents): Toolbar {
  const forSubject = h('div', { class: 'group' })
  const element = h('div', { class: 'toolbar', role: 'toolbar', 'aria-label': 'Picture' }, forSubject,
    h('div', { class: 'group end' },
      iconButton('zoomOut', 'Zoom out (\u2212)', () => { events.zoom(1 / 1.5) }).element,
      iconButton('zoomIn', 'Zoom in (+)', () => { events.zoom(1.5) }).element,
      iconButton('fit', 'Show everything (0)', events.fit).element,
      textButton('SVG', 'Save the picture as SVG', () => { events.save('svg') }),
      textButton('PNG', 'Save the picture as PNG', () => { events.save('png') }),
      iconButton('help', 'Keys (?)', events.help).element))
  let update: Toolbar['update'] = () => undefined
  return {
    element,
    setSubject(facts) {
      const colours = facts.kind === 'mapping' ? mappingColourings : layoutColourings
      const by = dropdown('Colour by', colours.map(name => [name, name]),
        value => { events.colour(value as ColouringName) })
      const threads = numberField('Threads a block', () => ({ least: 1, most: 1024 }), events.threads, { empty: true })
      const bytes = dropdown('Bytes of an element', ['1', '2', '4', '8', '16'].map(n => [n, `${n} B`]),
        value => { events.elementBytes(Number(value)) })
      const axes = axisControls(facts.shape, events)
      forSubject.replaceChildren(labelled('Colour by', by.element),
        facts.kind === 'mapping' ? labelled('Threads a block', threads.element) : labelled('Element', bytes.element),
        ...axes.elements)
      update = (view, plane, count) => {
        by.set(facts.kind === 'mapping' ? view.mappingBy : view.layoutBy)
        threads.set(count)
        bytes.set(String(view.elementBytes))
        axes.update(plane)
      }
    },
    update(view, plane, threads) { update(view, plane, threads) }
  }
}

/** For three axes and more: which two are drawn, and where the others are fixed. */
function axisControls(shape: readonly number[],
  events: ToolbarEvents): { readonly elements: HTMLElement[]; update(plane: Plane): void } {
  if (shape.length < 3) return { elements: [], update: () => undefined }
  let shown: Plane | undefined
  const choices = shape.map((extent, axis) => [String(axis), `axis ${axis} (${numberText(extent)})`] as const)
  const choose = (which: 'row' | 'column') => (value: string) => {
    const axis = Number(value), row = shown?.rowAxis ?? 0, column = shown?.columnAxis ?? 1
    // choosing the other drawn axis swaps the two
    if (which === 'row') events.axes(axis, axis === column ? row : column)
    else events.axes(axis === row ? column : row, axis)
  }
  const down = dropdown('Axis drawn down', choices, choose('row'))
  const across = dropdown('Axis drawn across', choices, choose('column'))
  const fields = shape.map((extent, axis) => {
    const field = numberField(`Index of axis ${axis}`, () => ({ least: 0, most: extent - 1 }),
      value => { events.fix(axis, value ?? 0) })
    return { ...field, label: labelled(`axis ${axis} =`, field.element) }
  })
  return {
    elements: [labelled('Down', down.element), labelled('Across', across.element), ...fields.map(field => field.label)],
    update(plane) {
      shown = plane
      down.set(String(plane.rowAxis))
      across.set(String(plane.columnAxis))
      fields.forEach((field, axis) => {
        field.label.hidden = axis === plane.rowAxis || axis === plane.columnAxis
        field.set(plane.fixed[axis] ?? 0)
      })
    }
  }
}

/** The control is named itself; the visible words need not be read twice. */
function labelled(text: string, control: HTMLElement): HTMLElement {
  return h('span', { class: 'field' }, h('span', { 'aria-hidden': 'true' }, text), control)
}
