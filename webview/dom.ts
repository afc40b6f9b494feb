/** Making elements, and the icons of the pages. */

type Child = Node | string | null

/** An element with attributes and children; null children are left out. */
export function h(tag: string, attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children.filter(child => child !== null))
  return element
}

const icons = {
  play: 'M4 2.5v11l9-5.5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  first: 'M3 3h1.6v10H3zM13 3v10L5.5 8z',
  back: 'M11.5 3v10L4 8z',
  forward: 'M4.5 3v10L12 8z',
  clear: 'M3.8 3.1 8 7.3l4.2-4.2.7.7L8.7 8l4.2 4.2-.7.7L8 8.7l-4.2 4.2-.7-.7L7.3 8 3.1 3.8z',
  zoomIn: 'M7.4 3h1.2v4.4H13v1.2H8.6V13H7.4V8.6H3V7.4h4.4z',
  zoomOut: 'M3 7.4h10v1.2H3z',
  fit: 'M2 2h4.5v1.2H3.2v3.3H2zM9.5 2H14v4.5h-1.2V3.2H9.5zM2 9.5h1.2v3.3h3.3V14H2zM12.8 9.5H14V14H9.5v-1.2h3.3z',
  help: 'M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2zm0 1.2a5.6 5.6 0 1 1 0 11.2A5.6 5.6 0 0 1 8 2.4zm-.7 8.4h1.4v1.4H7.3zM8 3.8c-1.5 0-2.6 1-2.6 2.4h1.3c0-.8.5-1.3 1.3-1.3s1.3.5 1.3 1.2c0 .6-.3.9-.9 1.4-.8.6-1.1 1.1-1.1 2v.3h1.3v-.2c0-.5.2-.8.8-1.2.8-.6 1.2-1.2 1.2-2.2C10.6 4.8 9.5 3.8 8 3.8z'
} as const

export type IconName = keyof typeof icons

/** An icon of 16 x 16 pixels in the text's colour. */
export function icon(name: IconName): SVGElement {
  const namespace = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(namespace, 'svg'), path = document.createElementNS(namespace, 'path')
  for (const [key, value] of [['viewBox', '0 0 16 16'], ['width', '16'], ['height', '16'], ['aria-hidden', 'true'],
    ['fill', 'currentColor']] as const) {
    svg.setAttribute(key, value)
  }
  path.setAttribute('d', icons[name])
  svg.append(path)
  return svg
}
