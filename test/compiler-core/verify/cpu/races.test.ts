// Races in kernels made at random, against all pairs of accesses: the CPU engine finds one if and only if there is one,
// in each order of threads, and each that it tells is one.
//
//     s[(i * 3 + 7) % 64] = 1.0f;  __syncthreads();  v += s[(i * 5 + 2) % 64];  ...
import { expect, it } from 'vitest'
import { keptFaults, type ThreadOrder } from '../../../../compiler-core/verify/engine.ts'
import { needs } from '../../../harness/needs.ts'
import { createRandom } from '../../language/syntax/random.ts'
import { engine, requestOf, subjectOf } from './kernels.ts'

const compiler = needs('g++')
const cells = 64, threads = 32, blocks = 2
/** So few of each subject that no fault is left out of a run. */
const kernels = 8, subjects = 15
const orders: readonly ThreadOrder[] = ['forward', 'reverse', 'random']

/** Thread i of block b accesses cell (i * step + b * blockStep + start) % 64 of `memory`. */
interface Op {
  readonly memory: 's' | 'w'
  readonly kind: 'read' | 'write' | 'atomic'
  readonly step: number
  readonly blockStep: number
  readonly start: number
  /** Of threads, the first ones that do it. */
  readonly count: number
  /** Barriers before it. */
  readonly interval: number
}

function randomOps(seed: number): readonly Op[] {
  const random = createRandom(seed)
  const memory = random.pick(['s', 'w'] as const)
  let interval = 0
  return Array.from({ length: 2 + random.below(4) }, (): Op => {
    if (random.below(2) === 0) interval++
    return {
      memory, interval, kind: random.pick(['read', 'write', 'atomic'] as const), step: random.pick([0, 1, 1, 1, 2, 31, 63]),
      blockStep: random.pick([0, 32, 32]), start: random.pick([0, 0, 0, 1, 5]), count: random.pick([1, 1, 16, 32, 32])
    }
  })
}

function textOf(ops: readonly Op[]): string {
  const lines = ['const unsigned i = threadIdx.x;', 'float v = 0.0f;']
  let interval = 0
  for (const op of ops) {
    for (; interval < op.interval; interval++) lines.push('__syncthreads();')
    lines.push(op.count === threads ? accessText(op) : `if (i < ${op.count}) { ${accessText(op)} }`)
  }
  return [...lines, `y[blockIdx.x * ${threads} + i] = v;`].join('\n')
}

function accessText(op: Op): string {
  const element = elementText(op)
  switch (op.kind) {
    case 'read': return `v += ${element};`
    case 'write': return `${element} = float(i);`
    case 'atomic': return `${atomicText(op)};`
  }
}

function elementText({ memory, step, blockStep, start }: Op): string {
  return `${memory}[(i * ${step} + blockIdx.x * ${blockStep} + ${start}) % ${cells}]`
}

function atomicText(op: Op): string {
  return `atomic_add_${op.memory === 's' ? 'shared' : 'global'}(&${elementText(op)}, 1.0f)`
}

/** The texts of both accesses, sorted. */
function pair(a: string, b: string): string { return [a, b].sort().join(' and ') }

function racesOf(ops: readonly Op[]): ReadonlySet<string> {
  const all = ops.flatMap(op => Array.from({ length: blocks * op.count }, (_, n) => {
    const block = Math.floor(n / op.count), thread = n % op.count
    return { op, block, thread, cell: (thread * op.step + block * op.blockStep + op.start) % cells }
  }))
  const races = new Set<string>()
  const textIn = (op: Op) => op.kind === 'atomic' ? atomicText(op) : elementText(op)
  all.forEach((a, n) => {
    for (const b of all.slice(0, n)) {
      const unordered = a.block !== b.block ? a.op.memory === 'w' : a.thread !== b.thread && a.op.interval === b.op.interval
      const conflict = a.op.kind === 'write' || b.op.kind === 'write' || a.op.kind !== b.op.kind
      if (unordered && a.cell === b.cell && conflict) races.add(pair(textIn(a.op), textIn(b.op)))
    }
  })
  return races
}

/** Of the kernels that race, how many there are. */
async function check(first: number): Promise<number> {
  const programs = Array.from({ length: kernels }, (_, k) => randomOps(first + k))
  const subject = subjectOf(programs.map(textOf), {
    grid: [blocks], block: [threads],
    wrappers: [{ kind: 'atomic', type: 'f32', scope: 'shared' }, { kind: 'atomic', type: 'f32', scope: 'global' }]
  })
  const { text } = subject.cuda, expected = programs.map(racesOf)
  const outcome = await engine(subject, requestOf(subject, orders))
  if (outcome.kind !== 'executed') throw new Error(JSON.stringify(outcome))
  const starts = [...text.matchAll(/^extern "C" __global__/gm)].map(m => m.index)
  const racing = expected.flatMap((races, k) => races.size > 0 ? [k] : [])
  for (const { faults } of outcome.runs) {
    expect(faults.length).toBeLessThan(keptFaults)
    const found = faults.filter(f => f.kind === 'race').map(({ access, other }) => {
      const [a, b] = [access.span!, other!.span!].map(span => text.slice(span.start, span.end))
      return { kernel: starts.findLastIndex(start => start < access.span!.start), races: pair(a!, b!) }
    })
    expect(found.filter(({ kernel, races }) => !expected[kernel]!.has(races))).toEqual([])
    expect([...new Set(found.map(f => f.kernel))].sort((a, b) => a - b)).toEqual(racing)
  }
  return racing.length
}

it.skipIf(compiler.missing)(`are told if and only if they are there (${compiler.label})`, async () => {
  let racing = 0
  for (let n = 0; n < subjects; n++) racing += await check(1 + n * kernels)
  expect(racing).toBeGreaterThan(subjects * kernels / 4)
  expect(racing).toBeLessThan(subjects * kernels * 3 / 4)
})
