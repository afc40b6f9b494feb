/**
 * The space of a schedule: every combination of what its tunes choose from at a level, and which of them are legal.
 *
 *     tune block_k = 8 level 2 [4, 8]      points at level 2, in this order: (4, row_4x8), (4, row_2x16),
 *     tune atom = row_4x8 level 2 [...]    (8, row_4x8), (8, row_2x16); legal ones are candidates 0, 1, ...
 *
 * Tunes count in the order of their declaration, the last one fastest. What is legal is decided by the schedule's own
 * rules alone, so that candidates have the same numbers on all targets; what a target cannot run is said beside them.
 */
import type { Choice, Fact, OpenSchedule } from '../language/instantiate.ts'
import type { Architecture } from '../target/architectures.ts'

/** A schedule whose tunes are still open. */
export type Tunable = Pick<OpenSchedule, 'tunes' | 'at'>

export interface Candidate {
  /** Its number among the legal points, from 0. */
  readonly index: number
  readonly point: readonly Choice[]
  readonly facts: readonly Fact[]
}

export interface Space {
  /** Points, legal or not. */
  readonly raw: number
  readonly candidates: readonly Candidate[]
  /** The rules that reject points, each with how many, in the order in which they first do. */
  readonly rejections: readonly Rejection[]
}

export interface Rejection { readonly rule: string; readonly count: number }

/** Spaces with more points are not enumerated. */
const largestSpace = 2 ** 20

function pointCount(tunable: Tunable, level: number): number {
  return tunable.tunes.reduce((count, tune) => count * tune.level(level).length, 1)
}

/** Undefined: there are more than `largestSpace` points. */
export function spaceOf(tunable: Tunable, level: number): Space | undefined {
  const raw = pointCount(tunable, level)
  if (raw > largestSpace) return undefined
  const candidates: Candidate[] = [], rejections = new Map<string, number>()
  for (const point of pointsOf(tunable, level)) {
    const verdict = tunable.at(point)
    if (verdict.legal) candidates.push({ index: candidates.length, point, facts: verdict.facts })
    else rejections.set(verdict.rule, (rejections.get(verdict.rule) ?? 0) + 1)
  }
  return { raw, candidates, rejections: Array.from(rejections, ([rule, count]) => ({ rule, count })) }
}

/** The candidate of that number; undefined where the space has none. */
export function candidateAt(tunable: Tunable, level: number, index: number): Candidate | undefined {
  if (pointCount(tunable, level) > largestSpace) return undefined
  let before = 0
  for (const point of pointsOf(tunable, level)) {
    const verdict = tunable.at(point)
    if (verdict.legal && before++ === index) return { index, point, facts: verdict.facts }
  }
  return undefined
}

function* pointsOf(tunable: Tunable, level: number): Generator<readonly Choice[]> {
  const lists = tunable.tunes.map(tune => tune.level(level))
  const digits = lists.map(() => 0)
  const total = pointCount(tunable, level)
  for (let n = 0; n < total; n++) {
    yield lists.flatMap((list, i) => list[digits[i] ?? 0] ?? [])
    for (let i = lists.length - 1; i >= 0; i--) {
      const next = (digits[i] ?? 0) + 1
      digits[i] = next % (lists[i]?.length ?? 1)
      if (digits[i] !== 0) break
    }
  }
}

/**
 * What the facts of a candidate ask for beyond what a target has: `threads` and `shared_bytes` of a block, `registers`
 * of a thread and of a block. A schedule without these facts is not judged here, but where it is compiled.
 */
export function exceeded(facts: readonly Fact[], target: Architecture): string | undefined {
  const fact = (name: string): number => facts.find(f => f.name === name)?.value ?? 0
  const threads = fact('threads'), registers = fact('registers')
  const limits: readonly (readonly [number, number, string])[] = [
    [threads, target.threads_per_block, 'threads a block'],
    [fact('shared_bytes'), target.shared_memory_per_block, 'bytes of shared memory a block'],
    [registers, target.registers_per_thread, 'registers a thread'],
    [registers * threads, target.registers_per_block, 'registers a block']
  ]
  const over = limits.find(([asked, has]) => asked > has)
  if (!over) return undefined
  const [asked, has, what] = over
  return `${counted(asked)} ${what} are ${counted(asked - has)} more than ${target.name} allows (${counted(has)})`
}

function counted(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',')
}
