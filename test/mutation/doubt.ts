/**
 * Is a mutant that nobody killed another program at all? It is run on many more data than a verification takes, and its
 * outputs are compared with the original's, bit by bit.
 *
 *     same        in every run: `part.on(lane)` for lanes in another order
 *     rounded     on whole numbers in every run, where sums are exact: the terms of a sum in another order
 *     other       the verification's data do not show a mistake: `l < 99` for `l < 100` below a maximum
 *
 * The data: more seeds, ramps up and down, numbers of one sign, large numbers, one large number among small ones.
 */
import type { Meaning } from '../../compiler-core/graph/flow.ts'
import { isFloat, typeRange } from '../../compiler-core/ir/build.ts'
import type { Variable } from '../../compiler-core/ir/ir.ts'
import { someExpr } from '../../compiler-core/ir/visit.ts'
import { roundTo } from '../../compiler-core/operators/floats.ts'
import type { Engine, Run, Subject } from '../../compiler-core/verify/engine.ts'
import { inputsFor } from '../../compiler-core/verify/inputs.ts'
import type { Job } from '../../compiler-core/verify/verify.ts'

export type Sameness = 'same' | 'rounded' | 'other'

/** What the original puts out is kept from one mutant to the next. Data on which it has faults are not used. */
export function doubter(job: Job, engine: Engine): (mutant: Subject) => Promise<Sameness> {
  const launches = sizesOf(job).map((sizes): Launch =>
    ({ sizes, data: dataOf(job.meaning, extentsOf(sizes, variablesOf(job.meaning))) }))
  const originals = launches.map(launch => outputsOf(job.subject, launch))
  return async mutant => {
    let found: Sameness = 'same'
    for (const [i, launch] of launches.entries()) {
      const own = await outputsOf(mutant, launch), original = await originals[i]!
      for (const [r, { whole }] of launch.data.entries()) {
        const expected = original?.[r]
        if (!expected || sameNumbers(own?.[r], expected)) continue
        if (whole || !own?.[r]) return 'other'
        found = 'rounded'
      }
    }
    return found
  }

  /** Of each run, undefined where it has faults; undefined where the engine does not end. */
  async function outputsOf(
    program: Subject, { sizes, data }: Launch
  ): Promise<ReadonlyArray<readonly Float64Array[] | undefined> | undefined> {
    const runs = data.map(({ inputs }): Run => ({ inputs, order: 'forward', seed: 1, budget: undefined }))
    const extents = extentsOf(sizes, [...program.elaborated.extents, ...program.lowered.extents])
    const request = { extents, runs, counts: false, timeLimit: 10 * job.timeLimit, signal: undefined }
    const outcome = await engine(program, request)
    return outcome.kind !== 'executed' ? undefined
      : outcome.runs.map(r => r.faults.length > 0 ? undefined : r.outputs.map(o => o.elements))
  }
}

interface Launch {
  readonly sizes: Job['sizes'][number]
  readonly data: readonly Data[]
}

interface Data {
  /** Small whole numbers, so that sums are exact. */
  readonly whole: boolean
  readonly inputs: readonly Float64Array[]
}

/** Besides what is verified: one more of everything. */
function sizesOf({ sizes }: Job): Job['sizes'] {
  const more = sizes.map(size => Object.fromEntries(Object.entries(size).map(([name, n]) => [name, n + 1])))
  return Object.keys(sizes[0] ?? {}).length === 0 ? sizes : [...sizes, ...more]
}

/** By their names: mutants that were made of another compilation have variables of their own. */
function extentsOf(sizes: Launch['sizes'], variables: readonly Variable[]): ReadonlyMap<Variable, number> {
  return new Map(variables.map(v => [v, sizes[v.name] ?? 1]))
}

function variablesOf(meaning: Meaning): readonly Variable[] {
  return (meaning.kind === 'operator' ? meaning.operator : meaning.graph).extents
}

function dataOf(meaning: Meaning, extents: ReadonlyMap<Variable, number>): readonly Data[] {
  const seeded = (kind: 'integers' | 'reals', seed: number): readonly Float64Array[] =>
    inputsFor(meaning, extents, kind, seed)
  const buffers = meaning.kind === 'operator' ? meaning.operator.inputs : meaning.graph.inputs
  /** Only of fractions: whole numbers may be indices. */
  const made = (whole: boolean, of: (x: number, at: number, all: number) => number): Data => ({
    whole,
    inputs: seeded('integers', 7).map((elements, b) => {
      const { element } = buffers[b]!
      if (!isFloat(element)) return elements
      return elements.map((x, at) => roundTo(element, of(x, at, elements.length)))
    })
  })
  /** Indices beyond both ends. */
  const beyond: Data = {
    whole: true,
    inputs: seeded('integers', 8).map((elements, b) => {
      const range = typeRange(buffers[b]!.element), others = (x: number) => [x, -1, -x - 1, x + 9, -x - 50, x + 50]
      return !range || range.low === 0 ? elements : elements.map((x, at) => others(x)[at % 6]!)
    })
  }
  const turns = hidesElements(meaning) ? 256 : 16
  return [
    ...[1, 2, 3].flatMap((seed): readonly Data[] => [
      { whole: true, inputs: seeded('integers', seed) }, { whole: false, inputs: seeded('reals', seed) }
    ]),
    beyond,
    made(true, x => -1 - Math.abs(x)), made(true, x => 1 + Math.abs(x)),
    made(false, (_, at) => at / 8), made(false, (_, at) => -at / 8),
    made(false, x => 30 * x), made(false, x => -100 - 7 * x), made(false, x => 3 + x / 256),
    // every element is the greatest once, among positive and among negative ones
    ...Array.from({ length: turns }, (_, turn) => made(true, (x, at, all) =>
      scattered(at, all) % Math.min(turns, all) === turn ? 9 : turn % 2 === 0 ? -Math.abs(x) : Math.abs(x)))
  ]
}

/** Elements that are one multiple apart come to neighbouring turns: rows have few of a turn. */
function scattered(at: number, all: number): number {
  return all <= 256 ? at : Math.imul(at, 0x9e3779b1) >>> 16
}

/** Below a maximum, all elements but one may be anything. */
function hidesElements(meaning: Meaning): boolean {
  const operators = meaning.kind === 'operator' ? [meaning.operator] : meaning.graph.nodes.map(n => n.operator)
  return operators.some(({ stages, outputs }) => [...stages, ...outputs].some(({ value }) =>
    someExpr(value, e => e.kind === 'reduce' && ['max', 'min', 'argmax', 'argmin'].includes(e.reducer))))
}

function sameNumbers(a: readonly Float64Array[] | undefined, b: readonly Float64Array[]): boolean {
  return a?.length === b.length && a.every((elements, o) => elements.every((x, i) => {
    const y = b[o]?.[i]
    return x === y || (Number.isNaN(x) && Number.isNaN(y))
  }))
}
