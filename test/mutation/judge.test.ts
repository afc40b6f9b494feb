/**
 * The engines kill mutants: known ones for a known reason, and a seeded sample of all. `npm run mutants` does the same
 * for every mutant of the library.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cpuEngine } from '../../compiler-core/verify/cpu/engine.ts'
import type { EngineName } from '../../compiler-core/verify/engine.ts'
import { interpreter } from '../../compiler-core/verify/interpreter/interpreter.ts'
import { needs } from '../harness/needs.ts'
import { candidatesOf, type Candidate } from './candidates.ts'
import { judge, verdictOf, type Engines, type Verdict } from './judge.ts'
import { library } from './library.ts'
import { openMutated, type OpenedSubject } from './subjects.ts'

const gpp = needs('g++')
const cacheFolder = mkdtempSync(path.join(os.tmpdir(), 'heddle-mutants-'))
afterAll(() => { rmSync(cacheFolder, { recursive: true, force: true }) })

const engines: Readonly<Record<EngineName, Engines>> = {
  interpreter: { interpreter }, cpu: { cpu: cpuEngine({ cacheFolder }) }
}

const opened = new Map<string, { readonly subject: OpenedSubject; readonly candidates: readonly Candidate[] }>()
function mutated(name: string): { readonly subject: OpenedSubject; readonly candidates: readonly Candidate[] } {
  const known = opened.get(name)
  if (known) return known
  const subject = openMutated(library.find(s => s.name === name)!)
  const made = { subject, candidates: candidatesOf(subject) }
  opened.set(name, made)
  return made
}

const machines: ReadonlyArray<readonly [EngineName, string]> = [['interpreter', ''], ['cpu', ` (${gpp.label})`]]
describe.each(machines)('the %s%s', name => {
  const skipped = name === 'cpu' && gpp.missing
  /** The first finding of the mutant whose name begins like that, or its verdict. */
  const check = async (subject: string, what: string, expected: readonly string[]): Promise<void> => {
    const { subject: open, candidates } = mutated(subject)
    const one = candidates.find(c => c.name.startsWith(`${subject}: ${what}, `))
    const [judged] = await judge(open, one ? [one] : [], engines[name], 1)
    const life = judged?.fate.kind === 'run' ? judged.fate.engines[name] : undefined
    expect(expected).toContain(life?.kind === 'killed' ? life.by : judged && verdictOf(judged))
  }

  it.skipIf(skipped).each<readonly [subject: string, what: string, expected: readonly string[]]>([
    ['layer_norm', 'drop barrier', ['race']],
    ['layer_norm', 'barrier a statement early', ['race']],
    ['sum by warps', 'only half of a warp: shfl_xor_sync(total, 16)', ['divergent-shuffle']],
    ['sum by warps', '1 for 0', ['wrong-value']],
    ['sum by warps', 'total = total + other: does not accumulate', ['wrong-value']],
    ['sum by warps', 'lane == 1 for lane == 0', ['same outputs']],
    ['sum by warps', 'part: repeat(32) for spatial(32)', ['rounded']],
    ['relu flat', 'without l < 959', ['out-of-bounds']],
    ['relu flat', 'l < 958 for l < 959', ['never-written']],
    ['relu flat', 'one block more along y', ['double-write']],
    ['relu flat', 'let l: 255 for 256', ['double-write', 'never-written']],
    ['transpose flat', 'readers of x take rows for columns', ['wrong-value']],
    ['transpose flat', 'x[i0, i2, i3, i1]: i3 + 1 for i3', ['out-of-bounds', 'wrong-value']]
  ])('%s: %s', async (subject, what, expected) => { await check(subject, what, expected) })
})

describe('what neither engine kills is no other program', () => {
  const check = async (name: string, used: Engines, sample: number): Promise<void> => {
    const subject = openMutated({ ...library.find(s => s.name === name)!, sample })
    const judged = await judge(subject, candidatesOf(subject), used, 2)
    const of = (verdict: Verdict) => judged.filter(j => verdictOf(j) === verdict).map(j => j.name)
    expect(of('survivor')).toEqual([])
    expect(of('killed').length).toBeGreaterThan(sample / 4)
  }
  it.each([['relu flat', 38], ['transpose flat', 40], ['layer, fused', 20], ['avg by threads', 30]])(
    '%s on the interpreter', async (name, sample) => { await check(name, engines.interpreter, sample) })
  it.skipIf(gpp.missing).each([['add flat, four at once', 8], ['pipelined', 6]])(
    `%s on the CPU engine (${gpp.label})`, async (name, sample) => { await check(name, engines.cpu, sample) })
})
