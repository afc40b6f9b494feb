/** What the keys do on the picture. */

export type Command =
  | { readonly kind: 'move'; readonly rows: number; readonly columns: number; readonly by: 'cell' | 'page' | 'end' }
  | { readonly kind: 'pan'; readonly rows: number; readonly columns: number }
  | { readonly kind: 'zoom'; readonly factor: number }
  | { readonly kind: 'step' | 'worker'; readonly by: 1 | -1 }
  | { readonly kind: 'fit' | 'select' | 'clear' | 'play' | 'help' | 'colour' }

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]
}

/** The command of a key pressed on the picture. */
export function commandOf(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>): Command | undefined {
  const direction = directions[event.key]
  if (direction !== undefined) {
    const [rows, columns] = direction
    if (event.shiftKey) return { kind: 'pan', rows, columns }
    return event.altKey ? undefined : { kind: 'move', rows, columns, by: event.ctrlKey || event.metaKey ? 'page' : 'cell' }
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined
  switch (event.key) {
    case 'Home': return { kind: 'move', rows: 0, columns: -1, by: 'end' }
    case 'End': return { kind: 'move', rows: 0, columns: 1, by: 'end' }
    case 'PageUp': return { kind: 'move', rows: -1, columns: 0, by: 'page' }
    case 'PageDown': return { kind: 'move', rows: 1, columns: 0, by: 'page' }
    case '+': case '=': return { kind: 'zoom', factor: 1.5 }
    case '-': case '_': return { kind: 'zoom', factor: 1 / 1.5 }
    case '0': return { kind: 'fit' }
    case 'Enter': return { kind: 'select' }
    case 'Escape': return { kind: 'clear' }
    case ' ': return { kind: 'play' }
    case ',': return { kind: 'step', by: -1 }
    case '.': return { kind: 'step', by: 1 }
    case '[': return { kind: 'worker', by: -1 }
    case ']': return { kind: 'worker', by: 1 }
    case 'c': return { kind: 'colour' }
    case '?': return { kind: 'help' }
    default: return undefined
  }
}

/** Keys and what they do, for the reader. */
export const keyList: ReadonlyArray<readonly [string, string]> = [
  ['\u2190 \u2191 \u2192 \u2193', 'move the cursor cell by cell'],
  ['Ctrl + arrows, Page Up / Down', 'move it by sixteen cells'],
  ['Home, End', 'to the first or last cell of the row'],
  ['Enter', 'select the worker (or offset) of the cell'],
  ['[  ]', 'previous, next worker'],
  ['Space', 'play and pause the steps'],
  [',  .', 'one step back, one step on'],
  ['Escape', 'clear the selection, then show all steps'],
  ['+  \u2212  0', 'zoom in, zoom out, show everything'],
  ['Shift + arrows, drag', 'move the picture'],
  ['wheel, pinch', 'zoom'],
  ['c', 'next way to colour the cells'],
  ['?', 'this list']
]
