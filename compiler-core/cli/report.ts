/** What every command gives back, and how its text is laid out. */

/** What a command has to say; a program reads `json`, a person `text`, and both `errors`. */
export interface Report {
  readonly status: 0 | 1 | 2 | typeof interrupted
  readonly text: string
  readonly errors: string
  readonly json?: unknown
}

/** The exit status that shells give a command that Ctrl-C ends. */
export const interrupted = 130

/** The command could not be carried out. */
export function failure(message: string): Report { return { status: 2, text: '', errors: `error: ${message}\n` } }

/** Rows in columns, indented by two. */
export function table(rows: readonly (readonly string[])[], align: 'left' | 'right' = 'left'): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length) })
  return rows.map(row => {
    const cells = row.map((cell, i) => align === 'right' && i > 0 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))
    return `  ${cells.join('  ')}`.trimEnd() + '\n'
  }).join('')
}
