/** Judged mutants as a table in Markdown: who killed how many, by what, and who lives. */
import type { EngineName } from '../../compiler-core/verify/engine.ts'
import { verdictOf, type Judged, type Verdict } from './judge.ts'
import { mutantKinds } from './mutators.ts'
import { proofOf } from './proofs.ts'

/** A mutant that is another program than the original: an engine killed it, or should have. */
function isOther(j: Judged): boolean {
  const verdict = verdictOf(j)
  return verdict === 'killed' || verdict === 'survivor'
}

function killedBy(j: Judged, engine: EngineName): boolean {
  return j.fate.kind === 'run' && j.fate.engines[engine]?.kind === 'killed'
}

/** `machine`: what it was measured on, and for how long. */
export function reportOf(judged: readonly Judged[], engines: readonly EngineName[], machine: string): string {
  const others = judged.filter(isOther), survivors = others.filter(j => verdictOf(j) === 'survivor')
  const rates = engines.map(e => `${titles[e]} ${rate(others.filter(j => killedBy(j, e)).length, others.length)}`)
  const ofVerdict = (verdict: Verdict): readonly Judged[] => judged.filter(j => verdictOf(j) === verdict)
  const missed = (engine: EngineName): readonly Judged[] => others.filter(j => !killedBy(j, engine))
  return [
    `${machine}. Of ${judged.length} mutants ${others.length} are other programs that compile; killed by the ${rates.join(', by the ')}, `
    + `by ${engines.length > 1 ? 'the engines together' : 'it'} ${rate(others.length - survivors.length, others.length)}.`,
    tableOf('schedule', [...new Set(judged.map(j => j.subject))].map(s => [s, judged.filter(j => j.subject === s)]), engines),
    tableOf('mistake', mutantKinds.flatMap(kind => {
      const own = judged.filter(j => j.kind === kind)
      return own.length > 0 ? [[kindTitles[kind], own] as const] : []
    }), engines),
    causesOf(others, engines),
    listOf('Survivors', survivors),
    ...engines.length > 1 ? engines.map(e => listOf(`Missed by the ${titles[e]} alone`,
      missed(e).filter(j => verdictOf(j) === 'killed'))) : [],
    folded('Another text, but no fault and the same outputs bit by bit, whatever the data', ofVerdict('same outputs')),
    folded('The same, but for rounding: sums in another order, and what is proved', ofVerdict('rounded'))
  ].join('\n\n')
}

const titles: Readonly<Record<EngineName, string>> = { interpreter: 'interpreter', cpu: 'CPU engine' }

const kindTitles: Readonly<Record<typeof mutantKinds[number], string>> = {
  barrier: 'a wait dropped or moved', predicate: 'a condition dropped or off by one', index: 'an index off by one',
  layout: 'layouts that disagree', mapping: 'another mapping', stage: 'the other pipeline stage',
  extent: 'a turn or a block more or less', value: 'another value', slip: 'an index and its guard off by one'
}

function tableOf(
  head: string, rows: ReadonlyArray<readonly [name: string, judged: readonly Judged[]]>, engines: readonly EngineName[]
): string {
  const settled = ['refused', 'duplicate', 'same text', 'same outputs', 'rounded'] as const satisfies readonly Verdict[]
  const heads = [head, 'mutants', ...settled, 'other', ...engines.map(e => titles[e]), ...engines.length > 1 ? ['together'] : []]
  const row = (name: string, judged: readonly Judged[]): readonly string[] => {
    const others = judged.filter(isOther)
    return [
      name, `${judged.length}`, ...settled.map(v => `${judged.filter(j => verdictOf(j) === v).length}`),
      `${others.length}`, ...engines.map(e => rate(others.filter(j => killedBy(j, e)).length, others.length)),
      ...engines.length > 1 ? [rate(others.filter(j => verdictOf(j) === 'killed').length, others.length)] : []
    ]
  }
  const all = row('all', rows.flatMap(([, judged]) => judged))
  return [heads, ['---', ...heads.slice(1).map(() => '--:')], ...rows.map(([name, judged]) => row(name, judged)), all]
    .map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** What the engines said first. */
function causesOf(others: readonly Judged[], engines: readonly EngineName[]): string {
  const causes = engines.map(engine => others.flatMap(({ fate }) => {
    const life = fate.kind === 'run' ? fate.engines[engine] : undefined
    return life?.kind === 'killed' ? [life.by] : []
  }))
  const names = [...new Set(causes.flat())].sort()
  return [['killed by', ...engines.map(e => titles[e])], ['---', ...engines.map(() => '--:')],
    ...names.map(name => [`\`${name}\``, ...causes.map(c => `${c.filter(x => x === name).length}`)])]
    .map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function listOf(title: string, judged: readonly Judged[]): string {
  return [`${title}: ${judged.length === 0 ? 'none' : judged.length}.`, ...judged.length === 0 ? [] : ['', ...judged.map(lineOf)]]
    .join('\n')
}

function folded(title: string, judged: readonly Judged[]): string {
  if (judged.length === 0) return listOf(title, judged)
  return [`<details><summary>${title}: ${judged.length}.</summary>`, '', ...judged.map(lineOf), '', '</details>'].join('\n')
}

/** With the reason why an engine said nothing, or why nothing is to be said. */
function lineOf(j: Judged): string {
  const lives = j.fate.kind === 'run' ? Object.values(j.fate.engines) : []
  const reasons = lives.flatMap(l => l.kind === 'undecided' ? [l.reason] : [])
  const proof = verdictOf(j) === 'rounded' ? proofOf(j.name) : undefined
  return `- ${[j.name, ...reasons, ...proof === undefined ? [] : [proof]].join(': ')}`
}

/** A rate is 100 % only where all are killed. */
function rate(killed: number, all: number): string {
  if (all === 0) return '-'
  return killed === all ? '100 %' : `${Math.min(99.9, killed / all * 100).toFixed(1)} %`
}
