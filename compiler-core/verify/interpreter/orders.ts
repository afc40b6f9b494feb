/** Orders of blocks and threads: the same for the same seed. */

/** A whole number of 32 bits. */
export type Random = () => number

/** A counter whose bits are mixed (the finaliser of MurmurHash3). */
export function generatorOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = state + 0x9e3779b9 >>> 0
    let x = state
    x = Math.imul(x ^ x >>> 16, 0x85ebca6b)
    x = Math.imul(x ^ x >>> 13, 0xc2b2ae35)
    return (x ^ x >>> 16) >>> 0
  }
}

/** 0 to `count` - 1. */
export function permuted(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const k = random() % (i + 1), taken = order[i]!
    order[i] = order[k]!
    order[k] = taken
  }
  return order
}
