/** Mappings that distribute a tile over a given number of workers (reference 1.7). */
import { compose, repeat, spatial, type Mapping } from './mapping.ts'
import { andThen, failure, type Result } from './result.ts'
import { checkRanks, checkShape, identityRanks, shapeText, volume, type Shape } from './shape.ts'

/**
 * `repeat(...) * spatial(...)` over `shape`: the fastest dimension takes as many workers as divide it, then the next.
 * The number of elements must be a multiple of `workers`.
 *
 *     autoMap([8, 96], 64)  ->  repeat(4, 3) * spatial(2, 32)
 */
export function autoMap(
  shape: Shape,
  workers: number,
  ranks: readonly number[] = identityRanks(shape)
): Result<Mapping> {
  return andThen(checkDistribution('auto_map', shape, workers, ranks), () => {
    const elements = volume(shape)
    if (elements % workers !== 0) {
      return failure(
        'not-divisible',
        `\`auto_map\` cannot share ${elements} elements of ${shapeText(shape)} equally among ${workers} workers (${elements} % ${workers} = ${elements % workers}). Use \`cover\`, or a number of workers that divides ${elements}.`
      )
    }
    let remaining = workers
    return distribute(shape, ranks, extent => {
      const taken = gcd(remaining, extent)
      remaining /= taken
      return taken
    })
  })
}

/**
 * The predicated form, for any number of elements: a dimension takes all its extent while workers remain, else what
 * divides it,
 * and then no more. The mapping has at most `workers` workers; those beyond it are idle (`worker < m.workers` is the
 * predicate).
 *
 *     cover([8, 41], 64)  ->  repeat(8, 1) * spatial(1, 41)
 */
export function cover(
  shape: Shape,
  workers: number,
  ranks: readonly number[] = identityRanks(shape)
): Result<Mapping> {
  return andThen(checkDistribution('cover', shape, workers, ranks), () => {
    let remaining = workers
    return distribute(shape, ranks, extent => {
      const all = remaining >= extent
      const taken = all ? extent : gcd(remaining, extent)
      remaining = all ? Math.floor(remaining / extent) : 1
      return taken
    })
  })
}

function checkDistribution(name: string, shape: Shape, workers: number, ranks: readonly number[]): Result<unknown> {
  if (!Number.isSafeInteger(workers) || workers < 1) {
    return failure('bad-extent', `\`${name}\` has ${workers} workers; it needs at least 1.`)
  }
  return andThen(checkShape(shape, `\`${name}\``), () => checkRanks(shape, ranks, `\`${name}\``))
}

/** `take` is asked from the fastest dimension to the slowest how many workers a dimension of an extent gets. */
function distribute(shape: Shape, ranks: readonly number[], take: (extent: number) => number): Result<Mapping> {
  const shared = shape.map(() => 1)
  for (let rank = shape.length - 1; rank >= 0; rank--) {
    const axis = ranks.indexOf(rank)
    shared[axis] = take(shape[axis] ?? 1)
  }
  const stored = shape.map((extent, axis) => extent / (shared[axis] ?? 1))
  return andThen(repeat(stored, { ranks }), outer => andThen(spatial(shared, ranks), inner => compose(outer, inner)))
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
