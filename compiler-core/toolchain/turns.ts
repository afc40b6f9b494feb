/** At most so many at a time; the others wait in their order. */

export interface Turns {
  take(): Promise<void>
  /** What was taken; the next one's turn. */
  give(): void
}

export function turns(size: number): Turns {
  const waiting: Array<() => void> = []
  let free = size
  return {
    take: () => new Promise(resolve => {
      if (free > 0) resolve()
      else waiting.push(resolve)
      free--
    }),
    give: () => {
      free++
      waiting.shift()?.()
    }
  }
}
