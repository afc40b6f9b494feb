/** The table of what became of mutants, from made-up fates. */
import { expect, it } from 'vitest'
import type { Sameness } from './doubt.ts'
import { verdictOf, type Fate, type Judged, type Life, type Verdict } from './judge.ts'
import { reportOf } from './report.ts'

const killed = (by: string): Life => ({ kind: 'killed', by }), alive: Life = { kind: 'alive' }
const undecided: Life = { kind: 'undecided', reason: 'There is no compiler.' }
const run = (interpreter: Life, cpu: Life, sameness?: Sameness): Fate =>
  ({ kind: 'run', engines: { interpreter, cpu }, sameness })

it.each<readonly [Fate, Verdict]>([
  [{ kind: 'refused', by: 'not-held' }, 'refused'],
  [{ kind: 'same text' }, 'same text'],
  [run(alive, killed('race')), 'killed'],
  [run(alive, alive, 'same'), 'same outputs'],
  [run(alive, alive, 'rounded'), 'rounded'],
  [run(alive, alive, 'other'), 'survivor'],
  [run(alive, undecided, 'other'), 'survivor']
])('%o is %s', (fate, expected) => { expect(verdictOf({ name: 'it', fate })).toBe(expected) })

it('what is proved is no survivor', () => {
  const name = 'layer_norm: v[j] + mean for v[j] - mean, norm.heddle:28'
  expect(verdictOf({ name, fate: run(alive, alive, 'other') })).toBe('rounded')
  expect(verdictOf({ name, fate: run(alive, killed('wrong-value')) })).toBe('killed')
})

const fates: ReadonlyArray<readonly [what: string, kind: Judged['kind'], fate: Fate]> = [
  ['drop barrier', 'barrier', run(killed('race'), killed('race'))],
  ['barrier late', 'barrier', run(alive, killed('wrong-value'))],
  ['p + 1', 'index', { kind: 'refused', by: 'not-held' }],
  ['p - 1', 'index', { kind: 'duplicate' }],
  ['q + 1', 'index', run(alive, alive, 'same')],
  ['1 for 0', 'value', run(alive, undecided, 'other')]
]
const judged = fates.map(([what, kind, fate]): Judged => ({ subject: 'it', kind, name: `it: ${what}`, fate }))

it('counts by schedule, by mistake and by what killed, and names the rest', () => {
  expect(reportOf(judged, ['interpreter', 'cpu'], 'A machine').split('\n')).toEqual([
    'A machine. Of 6 mutants 3 are other programs that compile; killed by the interpreter 33.3 %, by the CPU engine 66.7 %, by the engines together 66.7 %.',
    '',
    '| schedule | mutants | refused | duplicate | same text | same outputs | rounded | other | interpreter | CPU engine | together |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    '| it | 6 | 1 | 1 | 0 | 1 | 0 | 3 | 33.3 % | 66.7 % | 66.7 % |',
    '| all | 6 | 1 | 1 | 0 | 1 | 0 | 3 | 33.3 % | 66.7 % | 66.7 % |',
    '',
    '| mistake | mutants | refused | duplicate | same text | same outputs | rounded | other | interpreter | CPU engine | together |',
    '| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |',
    '| a wait dropped or moved | 2 | 0 | 0 | 0 | 0 | 0 | 2 | 50.0 % | 100 % | 100 % |',
    '| an index off by one | 3 | 1 | 1 | 0 | 1 | 0 | 0 | - | - | - |',
    '| another value | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 0.0 % | 0.0 % | 0.0 % |',
    '| all | 6 | 1 | 1 | 0 | 1 | 0 | 3 | 33.3 % | 66.7 % | 66.7 % |',
    '',
    '| killed by | interpreter | CPU engine |',
    '| --- | --: | --: |',
    '| `race` | 1 | 1 |',
    '| `wrong-value` | 0 | 1 |',
    '',
    'Survivors: 1.',
    '',
    '- it: 1 for 0: There is no compiler.',
    '',
    'Missed by the interpreter alone: 1.',
    '',
    '- it: barrier late',
    '',
    'Missed by the CPU engine alone: none.',
    '',
    '<details><summary>Another text, but no fault and the same outputs bit by bit, whatever the data: 1.</summary>',
    '',
    '- it: q + 1',
    '',
    '</details>',
    '',
    'The same, but for rounding: sums in another order, and what is proved: none.'
  ])
})
