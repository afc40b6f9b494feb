/** Random mappings and layouts for the laws. Small enough to be enumerated by the reference arithmetic beside them. */
import fc from 'fast-check'
import {
  columnMajor,
  concatenateLayouts,
  localLayout,
  multiplyLayouts,
  permute,
  reshape,
  rowMajor,
  strided,
  swizzle,
  type Layout
} from '../../../compiler-core/mapping/layout.ts'
import {
  compose,
  custom,
  projectOnto,
  projectZero,
  repeat,
  spatial,
  type Mapping
} from '../../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../../compiler-core/mapping/result.ts'

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.problem.code}: ${result.problem.message}`)
  return result.value
}

const extents = (rank: number, max = 4) => fc.array(fc.integer({ min: 1, max }), { minLength: rank, maxLength: rank })
const permutation = (n: number) =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, i) => i),
    { minLength: n, maxLength: n }
  )

export const atom = (rank: number, max = 4): fc.Arbitrary<Mapping> =>
  fc
    .tuple(fc.boolean(), extents(rank, max), permutation(rank))
    .map(([workers, shape, ranks]) => must(workers ? spatial(shape, ranks) : repeat(shape, { ranks })))

/** A custom mapping as a table: tasks missing, repeated, and unequally shared. */
const table = (rank: number): fc.Arbitrary<Mapping> =>
  extents(rank, 3).chain(shape =>
    fc
      .array(fc.array(fc.tuple(...shape.map(e => fc.integer({ min: 0, max: e - 1 }))), { maxLength: 3 }), {
        minLength: 1,
        maxLength: 3
      })
      .map(tasks => must(custom('table', tasks.length, shape, { kind: 'table', tasks })))
  )

export const rank = fc.integer({ min: 1, max: 3 })

/** Compositions of atoms. */
export const atoms: fc.Arbitrary<Mapping> = rank
  .chain(r => fc.array(atom(r), { minLength: 1, maxLength: 3 }))
  .map(([first, ...rest]) => must(compose(first as Mapping, ...rest)))

/** Compositions of atoms and tables, projected or not. */
export const mapping: fc.Arbitrary<Mapping> = rank
  .chain(r =>
    fc.tuple(
      fc.array(fc.oneof({ weight: 4, arbitrary: atom(r, 3) }, { weight: 1, arbitrary: table(r) }), {
        minLength: 1,
        maxLength: 3
      }),
      fc.constantFrom('none', 'onto', 'zero'),
      fc.integer({ min: 0, max: r - 1 })
    )
  )
  .map(([[first, ...rest], projection, axis]) => {
    const m = must(compose(first as Mapping, ...rest))
    return projection === 'onto'
      ? must(projectOnto(m, axis))
      : projection === 'zero'
        ? must(projectZero(m, [axis]))
        : m
  })

/**
 * The same tasks as nested lists, by the definition of composition (reference 1.4), nothing shared with the product's
 * code.
 */
interface Plain {
  workers: number
  shape: number[]
  tasks: (worker: number) => number[][]
}

function plainSpatial(d: number[], ranks: number[]): Plain {
  const stride = (i: number) => d.reduce((n, e, j) => ((ranks[j] as number) > (ranks[i] as number) ? n * e : n), 1)
  return {
    workers: d.reduce((a, b) => a * b, 1),
    shape: d,
    tasks: w => [d.map((e, i) => Math.floor(w / stride(i)) % e)]
  }
}

function plainRepeat(d: number[], ranks: number[]): Plain {
  const stride = (i: number) => d.reduce((n, e, j) => ((ranks[j] as number) > (ranks[i] as number) ? n * e : n), 1)
  const all = d.reduce<number[][]>(
    (list, e) => list.flatMap(t => Array.from({ length: e }, (_, v) => [...t, v])),
    [[]]
  )
  const place = (t: number[]) => t.reduce((n, v, i) => n + v * stride(i), 0)
  return { workers: 1, shape: d, tasks: () => [...all].sort((a, b) => place(a) - place(b)) }
}

function plainCompose(a: Plain, b: Plain): Plain {
  return {
    workers: a.workers * b.workers,
    shape: a.shape.map((e, i) => e * (b.shape[i] as number)),
    tasks: w =>
      a
        .tasks(Math.floor(w / b.workers))
        .flatMap(t1 =>
          b.tasks(w % b.workers).map(t2 => t1.map((x, i) => x * (b.shape[i] as number) + (t2[i] as number)))
        )
  }
}

export function plainOf(m: Mapping): Plain {
  return m.factors
    .map((f): Plain => {
      if (f.kind === 'custom') throw new Error('only atoms have a plain twin')
      return (f.kind === 'spatial' ? plainSpatial : plainRepeat)([...f.extents], [...f.ranks])
    })
    .reduce(plainCompose)
}

const simpleLayout = (r: number) =>
  fc.oneof(
    extents(r).map(s => must(rowMajor(s))),
    extents(r).map(s => must(columnMajor(s))),
    extents(r).map(s => must(localLayout(s))),
    fc.tuple(extents(r), permutation(r)).map(([s, p]) => must(strided(s, p)))
  )

export const layout: fc.Arbitrary<Layout> = fc.tuple(rank, fc.infiniteStream(fc.nat(99))).chain(([r, choices]) =>
  fc.array(simpleLayout(r), { minLength: 1, maxLength: 3 }).map(list => {
    let l = list.reduce((a, b) => must(multiplyLayouts(a, b)))
    const pick = (n: number) => (choices.next().value as number) % n
    if (pick(3) === 0) l = must(concatenateLayouts(must(rowMajor([1 + pick(3)])), l))
    if (pick(3) === 0 && l.shape.length > 1) {
      const dim = pick(l.shape.length),
        swizzled = swizzle(l, dim, (dim + 1) % l.shape.length, pick(2))
      if (swizzled.ok) l = swizzled.value
    }
    if (pick(4) === 0)
      l = must(
        permute(
          l,
          l.shape.map((_, i) => (i + 1) % l.shape.length)
        )
      )
    if (pick(4) === 0) l = must(reshape(l, [l.shape.reduce((a, b) => a * b, 1)]))
    return l
  })
)
