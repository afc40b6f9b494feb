/**
 * What one access of a warp costs in shared and in global memory.
 *
 * Shared memory has 32 banks of 4 bytes. A warp's access is served in phases of as many lanes as 128 bytes hold: all
 * 32 lanes for up to 4 bytes each, half a warp for 8, a quarter for 16. A phase takes one wavefront for each different
 * word that its busiest bank is asked for; one word serves any number of lanes. Global memory moves sectors of 32
 * bytes.
 *
 *     32 lanes, 4 bytes each, addresses 0, 4, 8, ...       1 wavefront,    4 sectors
 *     32 lanes, 4 bytes each, addresses 0, 128, 256, ...   32 wavefronts, 32 sectors
 *
 * Source: CUDA C++ Programming Guide, "Shared Memory" of compute capability 5.x and later; the phases of wide accesses
 * as the profiler counts them. Merging of phases that some processors do for lanes with equal addresses is left out, so
 * that a count never falls short of the hardware's.
 */

/** One access of a warp. */
export interface WarpAccess {
  /** Of each lane: 1, 2, 4, 8 or 16. */
  readonly bytes: number
  /** Where each of the 32 lanes accesses, in bytes, aligned to `bytes`; undefined: the lane takes no part. */
  readonly addresses: ReadonlyArray<number | undefined>
}

const banks = 32
const bankBytes = 4
const sectorBytes = 32

/** The wavefronts that an access of shared memory takes; 0 if no lane takes part. */
export function wavefronts(access: WarpAccess): number {
  return phases(access).reduce((total, phase) => total + busiestBank(access.bytes, phase), 0)
}

/** The fewest wavefronts with which so many lanes of the same phases could be served. */
export function idealWavefronts(access: WarpAccess): number {
  return phases(access).filter(phase => phase.length > 0).length
}

/** The sectors of global memory that an access touches. */
export function sectors(access: WarpAccess): number {
  const touched = new Set<number>()
  for (const address of access.addresses) {
    if (address === undefined) continue
    const last = Math.floor((address + access.bytes - 1) / sectorBytes)
    for (let s = Math.floor(address / sectorBytes); s <= last; s++) touched.add(s)
  }
  return touched.size
}

/** The addresses of the active lanes that are served together. */
function phases({ bytes, addresses }: WarpAccess): ReadonlyArray<readonly number[]> {
  const lanes = Math.min(banks, (banks * bankBytes) / bytes)
  return Array.from({ length: Math.ceil(addresses.length / lanes) }, (_, i) =>
    addresses.slice(i * lanes, (i + 1) * lanes).filter(a => a !== undefined)
  )
}

function busiestBank(bytes: number, phase: readonly number[]): number {
  const words = new Set<number>()
  for (const address of phase) {
    for (let b = 0; b < bytes; b += bankBytes) words.add(Math.floor((address + b) / bankBytes))
  }
  const asked = new Array<number>(banks).fill(0)
  let most = 0
  for (const word of words) {
    const bank = word % banks, count = (asked[bank] ?? 0) + 1
    asked[bank] = count
    most = Math.max(most, count)
  }
  return most
}
