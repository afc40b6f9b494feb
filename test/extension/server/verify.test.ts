import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inWords } from '../../../extension/server/verify.ts'
import {
  cudaSubjects, verifySubject, verifyProgress,
  type CudaSubjectsAnswer, type VerifyAnswer, type VerifyParams, type VerifyProgress
} from '../../../extension/server/protocol.ts'
import type { FindingCode } from '../../../compiler-core/ir/finding.ts'
import type { EngineReport, RunReport, Verdict, Verification } from '../../../compiler-core/verify/verify.ts'
import { startServer, type OpenDocument, type ServerUnderTest } from './client.ts'

const fused = readFileSync('test/fixtures/workspace/fused.heddle', 'utf8')
const race = readFileSync('test/fixtures/workspace/race.heddle', 'utf8')

describe('a verification in words', () => {
  const run = (more: Partial<RunReport> = {}): RunReport => ({
    sizes: { m: 37 }, data: 'reals', order: 'reverse', blocks: { run: 4, total: 4 }, compared: 1665, worst: 0.117,
    unjudged: 0, ...more
  })
  const engine = (name: 'interpreter' | 'cpu', verdict: Verdict, more: Partial<EngineReport> = {}): EngineReport =>
    ({ engine: name, verdict, findings: [], reason: undefined, runs: [run()], counts: [], milliseconds: 210, ...more })
  const finding = (code: FindingCode, message = code as string) =>
    ({ code, severity: 'error' as const, message, origins: [], related: [], span: undefined, values: undefined })
  const verification = (
    verdict: Verdict, engines: readonly EngineReport[], more: Partial<Verification> = {}
  ): Verification =>
    ({ verdict, engines, assembler: { kind: 'absent', message: 'There is no nvcc.' }, milliseconds: 412, ...more })
  const both = [engine('interpreter', 'right'), engine('cpu', 'right')]
  const check = (given: Verification, status: string, summary: string) => {
    expect({ status: inWords(given).status, summary: inWords(given).summary }).toEqual({ status, summary })
  }

  it('that is right names the engines', () => {
    check(verification('right', both), 'right, 0.4 s',
      'is right: the interpreter engine and the CPU engine agree with its definition.')
  })
  it('says which engine could not decide', () => {
    const cpu = engine('cpu', 'undecided', { runs: [], reason: 'There is no g++.' })
    check(verification('right', [engine('interpreter', 'right'), cpu]), 'right, 0.4 s',
      'is right: the interpreter engine agrees with its definition. The CPU engine could not decide: There is no g++.')
  })
  it('says how much was run', () => {
    const part = engine('interpreter', 'right', { runs: [run(), run({ blocks: { run: 41, total: 256 } })] })
    check(verification('right', [part], { milliseconds: 12_400 }), 'right in 41 of 256 blocks, 12 s',
      'is right: the interpreter engine agrees with its definition, as far as it was run (41 of 256 blocks).')
    check(verification('right', [part, engine('cpu', 'right')]), 'right, 0.4 s',
      'is right: the interpreter engine and the CPU engine agree with its definition.')
  })
  it('that is wrong counts what was found', () => {
    const found = (...codes: readonly FindingCode[]) => codes.map((code, i) => ({ ...finding(code), origins: [
      { range: { uri: 'a', span: { start: i, end: i + 1 } }, through: undefined }] }))
    const wrong = (...codes: readonly FindingCode[]) =>
      verification('wrong', [engine('interpreter', 'wrong', { findings: found(...codes) })])
    check(wrong('race'), 'wrong: 1 race', 'race')
    check(wrong('race', 'race', 'wrong-value'), 'wrong: 2 races, 1 wrong output', 'race')
    check(wrong('out-of-bounds', 'out-of-bounds'), 'wrong: 2 accesses out of bounds', 'out-of-bounds')
    check(wrong('no-answer'), 'wrong: 1 run without an answer', 'no-answer')
  })
  it('says that the toolkit rejects the text', () => {
    check(verification('wrong', both, { assembler: { kind: 'rejected', message: 'line 3' } }),
      'wrong: rejected by the CUDA toolkit', 'The CUDA toolkit rejects its text: line 3')
  })
  it('says why nothing could be decided', () => {
    const none = (name: 'interpreter' | 'cpu', reason: string) => engine(name, 'undecided', { runs: [], reason })
    check(verification('undecided', [none('interpreter', 'Too large.'), none('cpu', 'There is no g++.')]),
      'undecided', 'Too large. There is no g++.')
    check(verification('undecided', [none('interpreter', 'It was cancelled.'), none('cpu', 'It was cancelled.')]),
      'undecided', 'It was cancelled.')
  })
  it('has a line for each engine and run', () => {
    const cpu = engine('cpu', 'undecided', { runs: [], reason: 'There is no g++.' })
    const exact = run({ sizes: {}, data: 'integers', order: 'forward', worst: 0, compared: 1, blocks: { run: 1, total: 9 } })
    expect(inWords(verification('right', [engine('interpreter', 'right', { runs: [run(), exact] }), cpu])).details).toEqual([
      'interpreter: right, 0.2 s',
      '  m = 37: reals, threads reverse: 1,665 elements compared, greatest error 12 % of its bound',
      '  integers, threads forward, 1 of 9 blocks: 1 element compared, all equal',
      'CPU: undecided. There is no g++.',
      'assembler: There is no nvcc.'
    ])
  })
})

describe('the server', () => {
  const ask = async (files: Readonly<Record<string, string>>, subject: string) => {
    const server = await startServer({ folders: ['file:///project'] })
    const [document] = Object.entries(files).map(([name, text]) => server.open(name, text))
    const told: VerifyProgress[] = []
    server.connection.onNotification(verifyProgress, (progress: VerifyProgress) => { told.push(progress) })
    const { textDocument } = document ?? expect.fail('no file')
    const params: VerifyParams = { textDocument, subject, token: 7, programs: false }
    const answer = await server.connection.sendRequest<VerifyAnswer>(verifySubject, params)
    const subjects = await server.connection.sendRequest<CudaSubjectsAnswer>(cudaSubjects, { textDocument })
    await server.stop()
    return { answer, told, subjects, lineOf: (text: string, part: string) => text.split('\n').findIndex(l => l.includes(part)) }
  }

  it('finds right what is right, and tells how far it is', async () => {
    const { answer, told, subjects } = await ask({ 'fused.heddle': fused }, 'fused')
    expect(answer).toMatchObject({ verdict: 'right', problems: [] })
    expect(answer.fingerprint).toBe(subjects.fingerprint)
    expect(answer.details.filter(line => /^\w/.test(line))).toEqual([
      expect.stringMatching(/^interpreter: right, /), 'assembler: Programs of the machine are not run in an untrusted workspace.'
    ])
    expect(told.length).toBeGreaterThan(0)
    expect(told.every(({ token, share }) => token === 7 && share >= 0 && share <= 1)).toBe(true)
  })
  it('puts what is wrong at its line, with the other side', async () => {
    const { answer, lineOf } = await ask({ 'race.heddle': race, 'fused.heddle': fused }, 'hasty')
    expect(answer.verdict).toBe('wrong')
    const found = answer.problems.find(p => p.code === 'race') ?? expect.fail('no race')
    const lines = [found.range.start.line, ...found.related.map(r => r.range.start.line)]
    expect(lines).toContain(lineOf(race, 'acc[i, j] +='))
    expect(lines.some(line => line === lineOf(race, 'sa[i, p] =') || line === lineOf(race, 'sb[p, j] ='))).toBe(true)
    expect(found.message).toMatch(/^Thread \d+ .* a barrier is missing/)
  })
  it('puts what is wrong in another file of the user\'s there', async () => {
    const main = 'import "race"\ninstance other = matmul.hasty(m: 33, n: 40, k: 16)\n'
    const { answer } = await ask({ 'main.heddle': main, 'race.heddle': race, 'fused.heddle': fused }, 'other')
    expect(answer.problems.find(p => p.code === 'race')?.uri).toBe('file:///project/race.heddle')
  })
  it('says what does not compile', async () => {
    const { answer } = await ask({ 'fused.heddle': `${fused}\ninstance broken = matmul.tiled(m: oops)\n` }, 'broken')
    expect(answer).toMatchObject({ verdict: 'undecided', status: 'cannot be compiled' })
    expect(answer.summary).toMatch(/^cannot be compiled: `oops`/)
    expect(answer.problems[0]?.range.start.line).toBe(fused.split('\n').length)
  })
})

it('a fingerprint depends on the file, what it imports, and the target', async () => {
  const server = await startServer({ folders: ['file:///project'] })
  const library = server.open('fused.heddle', fused), document = server.open('race.heddle', race)
  const ask = () => fingerprintOf(server, document)
  const first = await ask()
  library.change({ text: `${fused}// more\n` })
  const second = await ask()
  library.change({ text: fused })
  expect([second === first, await ask() === first]).toEqual([false, true])
  document.change({ text: `${race}// more\n` })
  expect(await ask()).not.toBe(first)
  await server.stop()
  const other = await startServer({ settings: { target: 'sm_90' }, folders: ['file:///project'] })
  other.open('fused.heddle', fused)
  const same = other.open('race.heddle', race)
  await expect.poll(() => fingerprintOf(other, same)).not.toBe(first)
  await other.stop()
})

async function fingerprintOf(server: ServerUnderTest, { textDocument }: OpenDocument): Promise<string> {
  return (await server.connection.sendRequest<CudaSubjectsAnswer>(cudaSubjects, { textDocument })).fingerprint
}
