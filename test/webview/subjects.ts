/** Mappings and layouts that the page is shown in tests, and how the host sends them. */
import { constant, symbols, variable } from '../../compiler-core/mapping/arithmetic.ts'
import { layoutText, multiplyLayouts, rowMajor, swizzle, type Layout } from '../../compiler-core/mapping/layout.ts'
import {
  compose, custom, factorText, mappingText, projectZero, repeat, spatial, type Mapping
} from '../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../compiler-core/mapping/result.ts'
import type { PageSettings, Subject, ToPage } from '../../compiler-core/view/explorer.ts'

export function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}

function product(...factors: ReadonlyArray<Result<Mapping>>): Mapping {
  const [first, ...rest] = factors.map(value)
  if (first === undefined) throw new Error('no factor')
  return value(compose(first, ...rest))
}

const w = variable('w')

export const mappings = {
  /** The running example: 4 tasks for each of 128 threads. */
  load: product(repeat([4, 1]), spatial([16, 8])),
  /** The block mapping of the default matmul, 128 x 128. */
  block: product(spatial([4, 2]), repeat([2, 2]), spatial([4, 8]), repeat([4, 4])),
  /** A warp whose neighbouring lanes share a column. */
  atom: product(spatial([2, 1]), spatial([1, 8]), spatial([2, 1])),
  rank3: product(repeat([2, 1, 2]), spatial([2, 4, 8]), repeat([1, 4, 1])),
  rank1: product(spatial([3]), repeat([2]), spatial([2])),
  /** The rows of the block mapping: several workers own each. */
  projected: value(projectZero(product(spatial([4, 2]), repeat([2, 1]), spatial([4, 8]), repeat([4, 1])), [1])),
  /** Worker w has task (w, (3 w) % 16) and one more: most cells are uncovered. */
  diagonal: value(custom('diagonal', 16, [16, 16], {
    kind: 'expressions', tasks: [0, 5].map(shift => [w, symbols.binary('%', symbols.binary('+', symbols.binary('*', w, constant(3)), constant(shift)), constant(16))])
  })),
  /** Cell (0, 0) has two owners, cell (1, 1) none. */
  uneven: value(custom('uneven', 3, [2, 2], { kind: 'table', tasks: [[[0, 0], [0, 1]], [[1, 0]], [[0, 0]]] })),
  threads1024: product(repeat([8, 8]), spatial([32, 32])),
  /** The same with one factor typed anew. */
  blockTyped: product(spatial([4, 2]), repeat([2, 2]), spatial([8, 4]), repeat([4, 4])),
  threads1024Typed: product(repeat([8, 8]), spatial([16, 64])),
  million: product(repeat([32, 32]), spatial([32, 32])),
  billion: product(spatial([256, 256]), repeat([4, 4]), spatial([4, 8]), repeat([8, 4])),
  long: product(repeat([125_000_000, 1]), spatial([1, 8]))
} satisfies Record<string, Mapping>

export const layouts = {
  rows: value(rowMajor([8, 8])),
  /** The shared tile of A in half precision: 64 x 16, swizzled in chunks of 8. */
  shared: value(multiplyLayouts(value(swizzle(value(rowMajor([64, 2])), 1)), value(rowMajor([1, 8])))),
  /** 32 x 32 words, swizzled: rows and columns both touch all banks. */
  banks: value(swizzle(value(rowMajor([32, 32])), 1))
} satisfies Record<string, Layout>

export const settings: PageSettings = { warpSize: 32, banks: 32, bankBytes: 4 }

const place = { uri: 'file:///example.heddle', range: { start: { line: 0, character: 11 }, end: { line: 0, character: 60 } } }

export function show(subject: Mapping | Layout, title?: string): ToPage {
  return { type: 'show', subject: subjectOf(subject, title), settings }
}

export function subjectOf(subject: Mapping | Layout, title?: string): Subject {
  if (subject.kind !== 'mapping') {
    const text = layoutText(subject)
    return { kind: 'layout', layout: subject, title: title ?? text, text, place }
  }
  const text = mappingText(subject)
  return {
    kind: 'mapping', mapping: subject, title: title ?? text, text, place,
    factors: subject.factors.map(factor => ({ text: factorText(factor, subject.rank), places: [place] }))
  }
}
