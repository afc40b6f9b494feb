/** Words for messages: the name that was probably meant, and lists of names. */

/**
 * The candidate that the fewest edits (a third of the letters at most) turn into `name`; the first of equals.
 * A single letter is like every other one.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length < 2) return undefined
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) >= least) continue
    const edits = distance(name, candidate, least)
    if (edits < least) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** `a`, `b` and `c`, in backquotes; shortened after `most`. */
export function listText(names: readonly string[], most = 8): string {
  const quoted = names.slice(0, most).map(n => `\`${n}\``)
  if (names.length > most) return `${quoted.join(', ')} and ${names.length - most} more`
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}

/** Insertions, deletions, replacements and swaps of neighbours; `limit` when there are at least that many. */
function distance(a: string, b: string, limit: number): number {
  let before: number[] = [], previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
      least = Math.min(least, cost)
    }
    if (least >= limit) return limit
    before = previous
    previous = row
  }
  return previous[b.length] ?? limit
}
