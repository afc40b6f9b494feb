/** Shapes and ranks: what atoms and layouts share (reference 1.2). */
import { failure, success, type Result } from './result.ts'

export type Shape = readonly number[]

/** The number of elements; exact below 2^53 (`checkShape` guards that). */
export function volume(shape: Shape): number {
  let n = 1
  for (const extent of shape) n *= extent
  return n
}

/** Row-major ranks: the last dimension is the fastest. */
export function identityRanks(shape: Shape): number[] {
  return shape.map((_, i) => i)
}

/** Column-major ranks: the first dimension is the fastest. */
export function reversedRanks(shape: Shape): number[] {
  return shape.map((_, i) => shape.length - 1 - i)
}

/** `stride_i` = product of the extents of all dimensions that vary faster than dimension i. */
export function stridesOf(shape: Shape, ranks: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1)
  const dimensionOfRank = new Array<number>(shape.length).fill(0)
  ranks.forEach((rank, dimension) => {
    dimensionOfRank[rank] = dimension
  })
  let stride = 1
  for (let rank = shape.length - 1; rank >= 0; rank--) {
    const dimension = dimensionOfRank[rank] ?? 0
    strides[dimension] = stride
    stride *= shape[dimension] ?? 1
  }
  return strides
}

/** Extents are integers of at least 1, there is at least one, and their product is a safe integer. */
export function checkShape(shape: Shape, what: string): Result<Shape> {
  if (shape.length === 0) return failure('bad-extent', `${what} needs at least one extent.`)
  for (const [axis, extent] of shape.entries()) {
    if (!Number.isSafeInteger(extent) || extent < 1) {
      return failure(
        'bad-extent',
        `${what} has extent ${extent} in dimension ${axis}; every extent is a whole number of at least 1.`,
        axis
      )
    }
  }
  if (!Number.isSafeInteger(volume(shape))) {
    return failure('overflow', `${what} of shape ${shapeText(shape)} has more than 2^53 elements.`)
  }
  return success(shape)
}

/** Ranks are a permutation of 0..rank-1, one for each dimension. */
export function checkRanks(shape: Shape, ranks: readonly number[], what: string): Result<readonly number[]> {
  if (ranks.length !== shape.length) {
    return failure(
      'bad-ranks',
      `${what} has ${counted(shape.length, 'dimension')} but ${counted(ranks.length, 'rank')}; \`ranks\` gives one for each dimension.`
    )
  }
  const seen = new Map<number, number>()
  for (const [axis, rank] of ranks.entries()) {
    if (!Number.isInteger(rank) || rank < 0 || rank >= shape.length) {
      return failure(
        'bad-ranks',
        `Rank ${rank} of dimension ${axis} is not one of 0 to ${shape.length - 1} (0 varies slowest).`,
        axis
      )
    }
    const other = seen.get(rank)
    if (other !== undefined) {
      return failure(
        'bad-ranks',
        `Dimensions ${other} and ${axis} both have rank ${rank}; each rank is given once.`,
        axis
      )
    }
    seen.set(rank, axis)
  }
  return success(ranks)
}

/** `(4, 8)`, as in the language. */
export function shapeText(shape: Shape): string {
  return `(${shape.join(', ')})`
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i])
}

export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** All indices of a shape in row-major order. */
export function indicesOf(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (indices, extent) => indices.flatMap(index => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]]
  )
}
