/** A text with `<|` and `|>` (or `<|>` for an empty range), and the range that they mark. */
export function marked(text: string): { readonly text: string; readonly start: number; readonly end: number } {
  const start = text.indexOf('<|')
  if (start < 0) throw new Error(`nothing is marked in ${text}`)
  if (text.startsWith('<|>', start)) return { text: text.replace('<|>', ''), start, end: start }
  const end = text.indexOf('|>', start) - 2
  return { text: text.replace('<|', '').replace('|>', ''), start, end }
}
