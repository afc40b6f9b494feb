/** The colours and fonts of the running theme, for what is drawn on a canvas. */
import { color } from 'd3'
import type { Rgb } from '../../compiler-core/view/palette.ts'

export interface Theme {
  readonly kind: 'dark' | 'light'
  readonly highContrast: boolean
  readonly background: Rgb
  readonly foreground: Rgb
  /** Rulers and axis names. */
  readonly quiet: Rgb
  readonly focus: Rgb
  /** Outline of what is selected. */
  readonly accent: Rgb
  readonly font: string
  readonly codeFont: string
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.body), classes = document.body.classList
  const value = (name: string, fallback: string) => style.getPropertyValue(name).trim() || fallback
  const lightName = classes.contains('vscode-light') || classes.contains('vscode-high-contrast-light')
  const background = parse(value('--vscode-editor-background', lightName ? '#ffffff' : '#1f1f1f'))
  const foreground = parse(value('--vscode-foreground', lightName ? '#3b3b3b' : '#cccccc'))
  const highContrast = classes.contains('vscode-high-contrast') || classes.contains('vscode-high-contrast-light')
  return {
    kind: lightName ? 'light' : 'dark', highContrast, background, foreground,
    quiet: highContrast ? foreground : parse(value('--vscode-descriptionForeground', lightName ? '#3b3b3b' : '#9d9d9d')),
    focus: parse(value('--vscode-focusBorder', '#0078d4')),
    accent: highContrast ? parse(value('--vscode-contrastActiveBorder', '#f38518')) : foreground,
    font: value('--vscode-font-family', 'system-ui, sans-serif'),
    codeFont: value('--vscode-editor-font-family', 'monospace')
  }
}

/** Calls back after the theme has changed: VS Code changes the body's class and the root's variables. */
export function onThemeChange(changed: () => void): void {
  const observer = new MutationObserver(changed)
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] })
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] })
}

function parse(text: string): Rgb {
  const { r, g, b } = color(text)?.rgb() ?? { r: 128, g: 128, b: 128 }
  return [Math.round(r), Math.round(g), Math.round(b)]
}
