/**
 * The controls of all pages. The only module that names @vscode/webview-ui-toolkit, which is no longer developed:
 * whatever replaces it, replaces it here. Only what is used is registered, so that the rest stays out of the bundle.
 */
import {
  provideVSCodeDesignSystem, vsCodeBadge, vsCodeButton, vsCodeCheckbox, vsCodeDropdown, vsCodeOption, vsCodeTextField,
  type Button, type Checkbox, type Dropdown, type TextField
} from '@vscode/webview-ui-toolkit'
import { h, icon, type IconName } from './dom.ts'

provideVSCodeDesignSystem().register(
  vsCodeBadge(), vsCodeButton(), vsCodeCheckbox(), vsCodeDropdown(), vsCodeOption(), vsCodeTextField())

/** A control that follows a value of the page. */
export interface Control<T> {
  readonly element: HTMLElement
  /** Shows a value; does not call back. */
  set(value: T): void
}

export function badge(text: string,
  options: { readonly kind?: 'plain' | 'good' | 'warning'; readonly title?: string } = {}): HTMLElement {
  const element = h('vscode-badge', { class: `badge ${options.kind ?? 'plain'}` }, text)
  if (options.title !== undefined) element.title = options.title
  return element
}

export function iconButton(
  name: IconName, label: string, clicked: () => void
): Control<{ icon: IconName; label: string }> {
  const element = document.createElement('vscode-button') as Button
  element.appearance = 'icon'
  element.addEventListener('click', clicked)
  const set = (value: { readonly icon: IconName; readonly label: string }) => {
    element.setAttribute('aria-label', value.label)
    element.title = value.label
    element.replaceChildren(icon(value.icon))
  }
  set({ icon: name, label })
  return { element, set }
}

export function textButton(text: string, label: string, clicked: () => void): HTMLElement {
  const element = document.createElement('vscode-button') as Button
  element.appearance = 'secondary'
  element.textContent = text
  element.title = label
  element.setAttribute('aria-label', label)
  element.addEventListener('click', clicked)
  return element
}

/** `choices` are pairs of a value and its text. */
export function dropdown(
  label: string, choices: ReadonlyArray<readonly [string, string]>, changed: (value: string) => void
): Control<string> {
  const element = document.createElement('vscode-dropdown') as Dropdown
  element.setAttribute('aria-label', label)
  element.append(...choices.map(([value, text]) => h('vscode-option', { value }, text)))
  element.addEventListener('change', () => { changed(element.value) })
  return { element, set: value => { if (element.value !== value) element.value = value } }
}

export function checkbox(label: string, changed: (checked: boolean) => void): Control<boolean> {
  const element = document.createElement('vscode-checkbox') as Checkbox
  element.textContent = label
  element.addEventListener('change', () => { changed(element.checked) })
  return { element, set: value => { if (element.checked !== value) element.checked = value } }
}

/** A whole number of `least` to `most`; null is the empty field, where that is allowed. */
export function numberField(label: string, range: () => { readonly least: number; readonly most: number },
  changed: (value: number | null) => void,
  options: { readonly empty?: boolean; readonly placeholder?: string } = {}): Control<number | null> {
  const element = document.createElement('vscode-text-field') as TextField
  element.className = 'number'
  element.textContent = label // the toolkit makes it the name; the page's own words stand beside the field
  if (options.placeholder !== undefined) element.placeholder = options.placeholder
  let shown: number | null = null
  const take = (text: string, settle: boolean) => {
    const { least, most } = range(), trimmed = text.trim(), value = Number(trimmed)
    if (trimmed === '') {
      if (options.empty === true && shown !== null) changed(shown = null)
    } else if (Number.isInteger(value)) {
      const inside = Math.min(most, Math.max(least, value))
      if (inside !== value && !settle) return
      if (inside !== shown) changed(shown = inside)
    }
    if (settle) element.value = shown === null ? '' : String(shown)
  }
  element.addEventListener('input', () => { take(element.value, false) })
  element.addEventListener('change', () => { take(element.value, true) })
  element.addEventListener('keydown', event => {
    const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    take(String((shown ?? range().least - step) + step), true)
  })
  return {
    element,
    set: value => {
      shown = value
      const text = value === null ? '' : String(value)
      if (element.value !== text && !element.contains(document.activeElement)) element.value = text
    }
  }
}
