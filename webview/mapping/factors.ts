/** The factors of a composition: which cells of the tile one cell of a factor covers, and one whole factor. */
import { factorShape, factorWorkers, placesOf, type Factor, type Mapping } from '../../compiler-core/mapping/mapping.ts'

export interface FactorTiles {
  /** The extent of one cell of the factor along each axis, in cells of the tile. */
  readonly cell: readonly number[]
  /** The extent of the whole factor. */
  readonly whole: readonly number[]
}

export function factorTiles(m: Mapping): readonly FactorTiles[] {
  return placesOf(m).map(place =>
    ({ cell: place.scales, whole: place.scales.map((scale, axis) => scale * (place.shape[axis] ?? 1)) }))
}

/** A factor alone, as a mapping of its own. */
export function factorMapping(m: Mapping, factor: Factor): Mapping {
  const shape = factorShape(factor, m.rank)
  return { kind: 'mapping', rank: m.rank, shape, workers: factorWorkers(factor), factors: [factor] }
}
