/** Seeded pseudo-random choices, so that every failure can be repeated from its seed. */
export interface Random {
  /** From 0 up to `n`, exclusive. */
  below(n: number): number
  chance(p: number): boolean
  pick<T>(items: readonly T[]): T
}

/** Source of the generator: mulberry32, T. Ettinger. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { below, chance: p => next() < p, pick: items => items[below(items.length)]! }
}
