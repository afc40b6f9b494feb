import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { constant, evaluateExpr, numbers, symbols, variable, type Expr } from '../../../compiler-core/mapping/arithmetic.ts'
import { autoMap, cover } from '../../../compiler-core/mapping/auto-map.ts'
import { coverage } from '../../../compiler-core/mapping/coverage.ts'
import { offset } from '../../../compiler-core/mapping/layout.ts'
import {
  closedForm,
  compose,
  custom,
  customTaskLimit,
  equalMappings,
  mappingText,
  ownersOf,
  projectOnto,
  projectZero,
  registerLayout,
  repeat,
  spatial,
  stepsOf,
  taskAt,
  tasksOf,
  tasksPerWorker,
  type Mapping
} from '../../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../../compiler-core/mapping/result.ts'
import { sampleTile } from '../../../compiler-core/mapping/sample.ts'
import { atom, atoms, mapping, must, plainOf, rank } from './random.ts'

const s = (...d: number[]) => must(spatial(d))
const r = (...d: number[]) => must(repeat(d))
const cs = (...d: number[]) =>
  must(
    spatial(
      d,
      d.map((_, i) => d.length - 1 - i)
    )
  )
const cr = (...d: number[]) => must(repeat(d, { ranks: d.map((_, i) => d.length - 1 - i) }))
const x = (first: Mapping, ...rest: Mapping[]) => must(compose(first, ...rest))
const text = (value: unknown) => JSON.stringify(value) // comparing texts is much faster than deep equality
const all = (m: Mapping) => Array.from({ length: m.workers }, (_, w) => [...tasksOf(m, w)])
const digest = (m: Mapping) =>
  createHash('sha256')
    .update(
      all(m)
        .map(list => list.map(t => t.join('.')).join(','))
        .join(';')
    )
    .digest('hex')
    .slice(0, 16)
const dotted = (tasks: Iterable<readonly number[]>) => [...tasks].map(t => t.join('.')).join(' ')

const v1 = x(r(4, 1), s(16, 8))
const v13 = x(s(4, 2), r(2, 2), s(4, 8), r(4, 4))
const v14 = must(projectZero(x(s(4, 2), r(2, 1), s(4, 8), r(4, 1)), [1]))

describe('the vectors of the reference (1.9)', () => {
  const facts: [string, Mapping, number, number[], number, string?][] = [
    ['V1', v1, 128, [64, 8], 4, '3bc72099d75e9ad0'],
    ['V2', x(s(2, 1), s(1, 8), s(2, 1)), 32, [4, 8], 1, 'b939fe6e8068c7f5'],
    ['V3', x(s(2, 2), r(1, 2)), 4, [2, 4], 2, '5ba354588e70c29b'],
    ['V4', x(r(1, 2), s(2, 2)), 4, [2, 4], 2, '9d4f777152782406'],
    ['V5 column', cs(2, 3), 6, [2, 3], 1, '6239da3565ebf3a0'],
    ['V5 row', s(2, 3), 6, [2, 3], 1, 'e9f821db9f90d028'],
    ['V6 column', cr(2, 3), 1, [2, 3], 6, 'de5d4d81b760be78'],
    ['V6 row', r(2, 3), 1, [2, 3], 6, '5394052871d38ed8'],
    ['V9', x(s(2, 5), r(3, 4)), 10, [6, 20], 12],
    ['V10', x(cr(2, 2), s(8, 4), r(1, 2)), 32, [16, 16], 8, 'e2a17f56891775ad'],
    ['V11', x(cr(2, 1), cs(4, 8), cr(2, 1)), 32, [16, 8], 4],
    ['V12', x(r(2, 1), s(8, 4), r(1, 2)), 32, [16, 8], 4, '7d96ac7174ccc0cf'],
    ['V13', v13, 256, [128, 128], 64],
    ['V14', v14, 256, [128, 1], 8],
    ['V17', x(s(4, 2), r(2, 2), s(2, 16), r(4, 4)), 256, [64, 256], 64]
  ]
  it.each(facts)('%s: workers, shape, tasks a worker', (_, m, workers, shape, tasks, sha) => {
    expect([m.workers, m.shape, tasksPerWorker(m)]).toEqual([workers, shape, tasks])
    if (sha !== undefined) expect(digest(m)).toBe(sha)
  })

  const rows: [string, Mapping, number, string][] = [
    ['V1', v1, 8, '1.0 17.0 33.0 49.0'],
    ['V1', v1, 127, '15.7 31.7 47.7 63.7'],
    ['V2', x(s(2, 1), s(1, 8), s(2, 1)), 18, '2.1'],
    ['V7', must(spatial([2, 3, 4], [1, 2, 0])), 7, '0.1.1'],
    ['V7', must(spatial([2, 3, 4], [1, 2, 0])), 23, '1.2.3'],
    ['V8', must(repeat([2, 2, 2], { ranks: [0, 2, 1] })), 0, '0.0.0 0.1.0 0.0.1 0.1.1 1.0.0 1.1.0 1.0.1 1.1.1'],
    ['V9', x(s(2, 5), r(3, 4)), 7, '3.8 3.9 3.10 3.11 4.8 4.9 4.10 4.11 5.8 5.9 5.10 5.11'],
    ['V10', x(cr(2, 2), s(8, 4), r(1, 2)), 1, '0.2 0.3 8.2 8.3 0.10 0.11 8.10 8.11'],
    ['V10', x(cr(2, 2), s(8, 4), r(1, 2)), 31, '7.6 7.7 15.6 15.7 7.14 7.15 15.14 15.15'],
    ['V11', x(cr(2, 1), cs(4, 8), cr(2, 1)), 4, '0.1 1.1 8.1 9.1'],
    ['V11', x(cr(2, 1), cs(4, 8), cr(2, 1)), 31, '6.7 7.7 14.7 15.7'],
    ['V12', x(r(2, 1), s(8, 4), r(1, 2)), 31, '7.6 7.7 15.6 15.7'],
    ['V14', v14, 33, '0.0 1.0 2.0 3.0 16.0 17.0 18.0 19.0'],
    ['V14', v14, 40, '4.0 5.0 6.0 7.0 20.0 21.0 22.0 23.0'],
    ['V15', x(r(2), s(3), r(2)), 1, '2 3 8 9'],
    ['V16', x(s(3), r(2), s(2)), 5, '9 11'],
    ['V18', x(s(32, 8), r(4, 1)), 9, '4.1 5.1 6.1 7.1'],
    ['V19', x(r(1, 4), s(8, 32)), 33, '1.1 1.33 1.65 1.97'],
    ['V20', cs(16, 2), 31, '15.1']
  ]
  it.each(rows)('%s: the tasks of a worker', (_, m, worker, tasks) => expect(dotted(tasksOf(m, worker))).toBe(tasks))

  const steps: [Mapping, number, number, string][] = [
    [v13, 0, 4, '1.0'],
    [v13, 0, 16, '0.32'],
    [v13, 0, 32, '16.0'],
    [v13, 0, 63, '19.35'],
    [v13, 33, 0, '0.68'],
    [v13, 33, 16, '0.100'],
    [v13, 33, 63, '19.103'],
    [v13, 255, 0, '108.92'],
    [v13, 255, 63, '127.127'],
    [x(s(4, 2), r(2, 2), s(2, 16), r(4, 4)), 100, 0, '16.144'],
    [x(s(4, 2), r(2, 2), s(2, 16), r(4, 4)), 100, 63, '27.211']
  ]
  it.each(steps)('a task at a step %#', (m, worker, step, task) =>
    expect(taskAt(m, worker, step, numbers).join('.')).toBe(task)
  )

  const distributed: [number[], number, number[] | undefined, string][] = [
    [[8, 32], 64, undefined, 'repeat(4, 1) * spatial(2, 32)'],
    [[8, 64], 64, undefined, 'repeat(8, 1) * spatial(1, 64)'],
    [[8, 96], 64, undefined, 'repeat(4, 3) * spatial(2, 32)'],
    [[8, 128], 64, undefined, 'repeat(8, 2) * spatial(1, 64)'],
    [[8, 96], 64, [1, 0], 'col_repeat(1, 12) * col_spatial(8, 8)'],
    [[64, 8], 64, [1, 0], 'col_repeat(1, 8) * col_spatial(64, 1)'],
    [[8, 16, 24], 32, undefined, 'repeat(8, 4, 3) * spatial(1, 4, 8)'],
    [[128, 8], 256, undefined, 'repeat(4, 1) * spatial(32, 8)'],
    [[8, 128], 256, undefined, 'repeat(4, 1) * spatial(2, 128)'],
    [[64, 16], 128, undefined, 'repeat(8, 1) * spatial(8, 16)']
  ]
  it.each(distributed)('auto_map %j by %i', (shape, workers, ranks, written) =>
    expect(mappingText(must(autoMap(shape, workers, ranks)))).toBe(written)
  )

  it('the register layout of V13 stores the k-th task of every thread at k', () => {
    const layout = must(registerLayout(v13))
    expect([layout.shape, layout.size]).toEqual([[128, 128], 64])
    for (let w = 0; w < 256; w++)
      [...tasksOf(v13, w)].forEach((t, k) => {
        if (offset(layout, t, numbers) !== k) expect([w, k]).toBe('at its offset')
      })
  })
})

describe('closed forms', () => {
  const cases: [Mapping, string][] = [
    [v1, 'k * 16 + w / 8, w % 8'],
    [x(s(2, 1), s(1, 8), s(2, 1)), 'w / 16 * 2 + w % 2, w / 2 % 8'],
    [s(6), 'w'],
    [x(s(2), s(3)), 'w'],
    [x(r(4), r(8)), 'k'],
    [s(1, 1), '0, 0'],
    [
      v13,
      'w / 64 * 32 + k / 32 * 16 + w / 8 % 4 * 4 + k / 4 % 4, w / 32 % 2 * 64 + k / 16 % 2 * 32 + w % 8 * 4 + k % 4'
    ],
    [must(projectOnto(v13, 0)), 'w / 64 * 32 + k / 4 * 16 + w / 8 % 4 * 4 + k % 4'],
    [v14, 'w / 64 * 32 + k / 4 * 16 + w / 8 % 4 * 4 + k % 4, 0']
  ]
  it.each(cases)('%#', (m, form) => expect(closedForm(m)?.join(', ')).toBe(form))
})

describe('text', () => {
  const cases: [Mapping, string][] = [
    [must(spatial([2, 3, 4], [1, 2, 0])), 'spatial(2, 3, 4, ranks: (1, 2, 0))'],
    [cs(2, 3), 'col_spatial(2, 3)'],
    [must(repeat([1, 8], { loops: [{ kind: 'vector' }] })), 'repeat(1, 8, vector)'],
    [
      must(repeat([2, 8], { loops: [{ kind: 'rolled' }, { kind: 'unrolled', factor: 4 }] })),
      'repeat(2, 8, rolled, unrolled(4))'
    ],
    [must(repeat([2, 8], { loops: [{ kind: 'parallel', threads: 4 }] })), 'repeat(2, 8, parallel(4))'],
    [must(projectOnto(x(s(4, 2), r(2, 4)), 1)), 'spatial(4, 2).project(onto: 1) * repeat(4)'],
    [
      v14,
      'spatial(4, 2).project(zero: 1) * repeat(2, 1).project(zero: 1) * spatial(4, 8).project(zero: 1) * repeat(4, 1).project(zero: 1)'
    ]
  ]
  it.each(cases)('%#', (m, written) => expect(mappingText(m)).toBe(written))
})

describe('what is refused, and why', () => {
  const cases: [string, Result<unknown>, string, RegExp][] = [
    ['zero extent', spatial([4, 0]), 'bad-extent', /extent 0 in dimension 1/],
    ['negative extent', repeat([-1]), 'bad-extent', /extent -1 in dimension 0/],
    ['fraction', repeat([1.5]), 'bad-extent', /1\.5/],
    ['no extent', spatial([]), 'bad-extent', /at least one extent/],
    ['too few ranks', spatial([2, 3], [0]), 'bad-ranks', /2 dimensions but 1 rank;/],
    ['duplicate ranks', spatial([2, 3], [1, 1]), 'bad-ranks', /Dimensions 0 and 1 both have rank 1/],
    ['rank outside', spatial([2, 3], [0, 2]), 'bad-ranks', /Rank 2 of dimension 1/],
    [
      'loop words',
      repeat([2, 3, 4], { loops: [{ kind: 'rolled' }, { kind: 'vector' }] }),
      'bad-loop',
      /3 dimensions but 2 loop words/
    ],
    ['unrolled(0)', repeat([2], { loops: [{ kind: 'unrolled', factor: 0 }] }), 'bad-loop', /unrolled\(0\)/],
    [
      'other rank',
      compose(s(2, 2), r(2)),
      'rank-mismatch',
      /`spatial\(2, 2\)` has 2 dimensions .*`repeat\(2\)` has 1/
    ],
    ['overflow', spatial([2 ** 30, 2 ** 30]), 'overflow', /2\^53/],
    ['composed overflow', compose(s(2 ** 30), s(2 ** 30)), 'overflow', /2\^53 workers/],
    ['axis', projectOnto(s(2, 2), 2), 'bad-axis', /Axis 2 does not exist: `spatial\(2, 2\)` has axes 0 to 1/],
    ['axis of a row', projectZero(s(2), [1]), 'bad-axis', /axis 0 only/],
    ['indivisible', autoMap([8, 41], 64), 'not-divisible', /328 % 64 = 8/],
    ['no workers', cover([8], 0), 'bad-extent', /0 workers/],
    [
      'task outside',
      custom('far', 1, [2, 2], { kind: 'table', tasks: [[[0, 2]]] }),
      'task-outside',
      /Worker 0 of `far` has task \(0, 2\).*dimension 1/
    ],
    ['not a number', custom('odd', 1, [2], { kind: 'table', tasks: [[[NaN]]] }), 'task-outside', /odd/],
    [
      'task of another rank',
      custom('flat', 1, [2, 2], { kind: 'table', tasks: [[[0]]] }),
      'rank-mismatch',
      /1 index,/
    ],
    [
      'too many tasks',
      custom('big', customTaskLimit + 1, [1], { kind: 'expressions', tasks: [[variable('w')]] }),
      'overflow',
      /at most 1048576/
    ],
    [
      'register layout of a custom mapping',
      registerLayout(must(custom('one', 1, [1], { kind: 'table', tasks: [[[0]]] }))),
      'no-register-layout',
      /`one`/
    ]
  ]
  it.each(cases)('%s', (_, result, code, message) => {
    expect(result.ok ? 'accepted' : result.problem.code).toBe(code)
    if (!result.ok) expect(result.problem.message).toMatch(message)
  })
})

describe('laws', () => {
  const many = { numRuns: 2000 }
  const cell = (m: Mapping) => fc.tuple(...m.shape.map(e => fc.integer({ min: 0, max: e - 1 })))

  it('tasks are those of the definition of composition', () =>
    fc.assert(
      fc.property(
        rank.chain(n => fc.array(atom(n), { minLength: 1, maxLength: 3 })),
        ([first, ...rest]) => {
          const m = x(first as Mapping, ...rest),
            plain = plainOf(m)
          expect([m.workers, m.shape]).toEqual([plain.workers, plain.shape])
          expect(text(all(m))).toBe(text(Array.from({ length: plain.workers }, (_, w) => plain.tasks(w))))
        }
      ),
      many
    ))

  it('composition is associative', () =>
    fc.assert(
      fc.property(
        rank.chain(n => fc.tuple(atom(n), atom(n), atom(n))),
        ([a, b, c]) => {
          expect(text(all(x(x(a, b), c)))).toBe(text(all(x(a, x(b, c)))))
        }
      ),
      many
    ))

  it('ones are the identity', () =>
    fc.assert(
      fc.property(atoms, m => {
        const ones = m.shape.map(() => 1)
        for (const one of [s(...ones), r(...ones)]) {
          expect(equalMappings(x(one, m), m) && equalMappings(x(m, one), m)).toBe(true)
          expect(text(all(x(one, m)))).toBe(text(all(m)))
        }
      }),
      many
    ))

  it('atoms and their compositions cover each task exactly once', () =>
    fc.assert(
      fc.property(atoms, m => {
        const cells = m.shape.reduce((a, b) => a * b, 1)
        expect(
          new Set(
            all(m)
              .flat()
              .map(t => t.join())
          ).size
        ).toBe(cells)
        expect(m.workers * (tasksPerWorker(m) as number)).toBe(cells)
        expect(coverage(m)).toEqual({ cells, uncovered: 0, once: cells, replicated: 0, most: 1 })
      }),
      many
    ))

  it('a task knows its owners', () =>
    fc.assert(
      fc.property(mapping, m => {
        const owners = new Map<string, string[]>()
        all(m).forEach((list, w) =>
          list.forEach((t, k) => owners.set(t.join(), [...(owners.get(t.join()) ?? []), `${w}.${k}`]))
        )
        fc.assert(
          fc.property(cell(m), task => {
            const found = ownersOf(m, task),
              listed = [...found.owners()]
            expect(listed.map(o => `${o.worker}.${o.step}`).sort()).toEqual(
              [...(owners.get(task.join()) ?? [])].sort()
            )
            expect(found.count).toBe(listed.length)
            expect(listed.map(o => o.worker)).toEqual(listed.map(o => o.worker).sort((a, b) => a - b))
          }),
          { numRuns: 5 }
        )
      }),
      many
    ))

  it('coverage counts what enumeration finds', () =>
    fc.assert(
      fc.property(mapping, m => {
        const counts = new Map<string, number>()
        for (const t of all(m).flat()) counts.set(t.join(), (counts.get(t.join()) ?? 0) + 1)
        const cells = m.shape.reduce((a, b) => a * b, 1),
          list = [...counts.values()],
          once = list.filter(n => n === 1).length
        expect(coverage(m)).toEqual({
          cells,
          uncovered: cells - list.length,
          once,
          replicated: list.length - once,
          most: Math.max(0, ...list)
        })
      }),
      many
    ))

  it('a symbolic worker and step give what numbers give', () =>
    fc.assert(
      fc.property(mapping, fc.nat(), fc.nat(), (m, a, b) => {
        const w = a % m.workers,
          steps = stepsOf(m, w)
        if (steps === 0) return
        const k = b % steps
        const symbolic = taskAt(m, variable('w'), variable('k'), symbols)
        expect(symbolic.map(e => evaluateExpr(e, { w, k }, numbers))).toEqual(taskAt(m, w, k, numbers))
      }),
      many
    ))

  it('equality of digits is equality of tasks', () =>
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 2 })
          .chain(n =>
            fc.tuple(
              fc.array(atom(n, 2), { minLength: 1, maxLength: 4 }),
              fc.array(atom(n, 2), { minLength: 1, maxLength: 4 })
            )
          ),
        ([[a, ...as], [b, ...bs]]) => {
          const p = x(a as Mapping, ...as),
            q = x(b as Mapping, ...bs)
          expect(equalMappings(p, q)).toBe(text([p.shape, all(p)]) === text([q.shape, all(q)]))
        }
      ),
      many
    ))

  it('projection onto an axis keeps its index alone', () =>
    fc.assert(
      fc.property(atoms, fc.nat(), (m, n) => {
        const axis = n % m.rank,
          p = must(projectOnto(m, axis))
        expect([p.workers, p.shape]).toEqual([m.workers, [m.shape[axis]]])
        const indices = all(m).map(list => [...new Set(list.map(t => t[axis] as number))])
        expect(text(all(p).map(list => list.map(t => t[0])))).toBe(text(indices))
      }),
      many
    ))

  it('projection to zero keeps workers and steps', () =>
    fc.assert(
      fc.property(mapping, fc.nat(), (m, n) => {
        const axis = n % m.rank,
          p = must(projectZero(m, [axis]))
        expect(p.shape).toEqual(m.shape.map((e, i) => (i === axis ? 1 : e)))
        expect(text(all(p))).toBe(text(all(m).map(list => list.map(t => t.map((v, i) => (i === axis ? 0 : v))))))
      }),
      many
    ))

  it('registers hold the tasks of every worker in order', () =>
    fc.assert(
      fc.property(atoms, m => {
        const layout = must(registerLayout(m))
        expect([layout.shape, layout.size]).toEqual([m.shape, tasksPerWorker(m)])
        expect(text(all(m).map(list => list.map(t => offset(layout, t, numbers))))).toBe(
          text(all(m).map(list => list.map((_, k) => k)))
        )
      }),
      many
    ))

  it('auto_map shares equally and covers once; cover needs no divisibility', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 64 }),
        (shape, workers) => {
          const cells = shape.reduce((a, b) => a * b, 1),
            shared = autoMap(shape, workers),
            covering = must(cover(shape, workers))
          expect(shared.ok).toBe(cells % workers === 0)
          if (shared.ok)
            expect([shared.value.workers, shared.value.shape, coverage(shared.value).once]).toEqual([
              workers,
              shape,
              cells
            ])
          expect(covering.workers).toBeLessThanOrEqual(workers)
          expect([covering.shape, coverage(covering).once]).toEqual([shape, cells])
        }
      ),
      many
    ))

  it('a sample shows the owners of its cells', () =>
    fc.assert(
      fc.property(mapping, fc.infiniteStream(fc.nat(99)), (m, stream) => {
        const pick = (n: number) => (stream.next().value as number) % n
        const columnAxis = pick(m.rank),
          rowAxis = m.rank === 1 ? null : (columnAxis + 1 + pick(m.rank - 1)) % m.rank
        const fixed = m.shape.map(e => pick(e)),
          rows = rowAxis === null ? 1 : (m.shape[rowAxis] as number),
          columns = m.shape[columnAxis] as number
        const rowFrom = pick(rows),
          columnFrom = pick(columns),
          rowStep = 1 + pick(2),
          columnStep = 1 + pick(2)
        const rowCount = rowAxis === null ? 1 : Math.ceil((rows - rowFrom) / rowStep),
          columnCount = Math.ceil((columns - columnFrom) / columnStep)
        const sample = sampleTile(m, {
          rowAxis,
          columnAxis,
          fixed,
          rowFrom,
          rowStep,
          rowCount,
          columnFrom,
          columnStep,
          columnCount
        })
        for (let i = 0; i < rowCount; i++)
          for (let j = 0; j < columnCount; j++) {
            const task = fixed.map((t, axis) =>
              axis === columnAxis ? columnFrom + j * columnStep : axis === rowAxis ? rowFrom + i * rowStep : t
            )
            const owners = ownersOf(m, task),
              [first] = owners.owners(),
              at = i * columnCount + j
            expect([sample.counts[at], sample.workers[at], sample.steps[at]]).toEqual([
              owners.count,
              first?.worker ?? -1,
              first?.step ?? -1
            ])
          }
      }),
      many
    ))
})

describe('without enumeration', () => {
  const huge = x(s(1000, 10), r(10, 100), s(10, 10), r(1, 10)) // 10^9 tasks, 10^6 workers
  it('a mapping of 10^9 tasks is described at once', () => {
    expect([huge.workers, huge.shape, tasksPerWorker(huge)]).toEqual([1_000_000, [100_000, 100_000], 10_000])
    expect(coverage(huge).once).toBe(1e10)
  })
  it('worker -> task and task -> owner, there and back', () =>
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(9_999), (worker, step) => {
        expect([...ownersOf(huge, taskAt(huge, worker, step, numbers)).owners()]).toEqual([{ worker, step }])
      })
    ))
  it('is plain data', () => expect(JSON.parse(JSON.stringify(huge))).toEqual(huge))
})

describe('custom mappings', () => {
  const w = variable('w')
  const plus = (a: Expr, b: number, modulo: number) => symbols.binary('%', symbols.binary('+', a, constant(b)), constant(modulo))
  const diagonal = (n: number) => must(custom('diagonal', n, [n, n], {
    kind: 'expressions', tasks: Array.from({ length: n }, (_, i) => [constant(i), plus(w, i, n)])
  }))
  const missing = must(custom('missing', 2, [2, 2], { kind: 'table', tasks: [[[0, 0], [0, 0]], [[1, 0]]] }))

  it('by expressions over the worker', () => expect(dotted(tasksOf(diagonal(4), 3))).toBe('0.3 1.0 2.1 3.2'))
  it('composes', () => expect(dotted(tasksOf(x(s(2, 1), diagonal(2)), 3))).toBe('2.1 3.0'))
  it('covers once', () => expect(coverage(diagonal(8))).toMatchObject({ once: 64, uncovered: 0 }))
  it('may leave tasks out and repeat them', () =>
    expect(coverage(missing)).toEqual({ cells: 4, uncovered: 2, once: 1, replicated: 1, most: 2 }))
  it('few tasks have a closed form', () =>
    expect(closedForm(diagonal(2))).toEqual(['[0, 1][k]', 'if k < 1 then w % 2 else (w + 1) % 2']))
  it('many tasks have none', () => expect(closedForm(diagonal(32))).toBeUndefined())
  it('a table has none', () => expect(closedForm(missing)).toBeUndefined())
  it('a hundred thousand tasks of one worker overflow no stack', () => {
    const long = must(custom('long', 1, [100_000], {
      kind: 'expressions', tasks: Array.from({ length: 100_000 }, (_, i) => [symbols.binary('+', w, constant(i))])
    }))
    const symbolic = taskAt(long, w, variable('k'), symbols).map(e => evaluateExpr(e, { w: 0, k: 77_777 }, numbers))
    expect(symbolic).toEqual([77_777])
  })
  it('equality looks at the tasks', () => {
    const table = must(custom('table', 2, [2, 2], { kind: 'table', tasks: [[[0, 0], [1, 1]], [[0, 1], [1, 0]]] }))
    expect([equalMappings(table, diagonal(2)), equalMappings(table, missing)]).toEqual([true, false])
  })
})
