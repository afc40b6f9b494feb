import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createPool, type Outcome, type Pool } from '../../../../compiler-core/runtime/conformance/pool.ts'

type Act = 'family' | 'answer' | 'grow' | 'exit' | 'throw' | 'kill' | 'hang' | 'silence'
type Stub = Pool<{ act: Act; socket?: string }, number>

let pool: Stub | undefined
const open = (size: number, limitSeconds = 60): Stub => pool = createPool({
  size, limitSeconds, file: path.join(import.meta.dirname, 'stub-child.mjs'), args: [], mostBytes: 100
})
afterEach(() => { pool?.close() })

const run = (on: Stub, ...acts: readonly Act[]): Promise<readonly Outcome<number>[]> =>
  Promise.all(acts.map(act => on.run({ act })))
const process = (outcome: Outcome<number> | undefined): number | undefined => outcome?.kind === 'done' ? outcome.result : undefined
const reason = (outcome: Outcome<number> | undefined): string | undefined => outcome?.kind === 'lost' ? outcome.reason : undefined

describe('tasks in child processes', () => {
  it('share so many children', async () => {
    const outcomes = await run(open(2), 'answer', 'answer', 'answer', 'answer', 'answer', 'answer')
    expect(outcomes.every(o => o.kind === 'done' && o.seconds >= 0)).toBe(true)
    expect(new Set(outcomes.map(process)).size).toBe(2)
  })

  const losses: readonly (readonly [Act, string])[] = [
    ['exit', 'The process ended with status 3.'],
    ['throw', 'The process ended with status 1. TypeError: no such thing'],
    ['kill', 'The process ended by SIGSEGV.']
  ]
  it.each(losses)('are lost with a child that does `%s`, which is replaced', async (act, expected) => {
    const [before, lost, after] = await run(open(1), 'answer', act, 'answer')
    expect(reason(lost)).toBe(expected)
    expect(process(after)).toBeDefined()
    expect(process(after)).not.toBe(process(before))
  })

  it.each(['hang', 'silence'] as const)('are lost when they take too long (`%s`)', async act => {
    expect((await run(open(1, 0.5), act)).map(reason)).toEqual(['It took more than 0.5 s.'])
  })

  it('get another child when one has become large', async () => {
    const [first, second, third] = await run(open(1), 'answer', 'grow', 'answer')
    expect(process(second)).toBe(process(first))
    expect(process(third)).not.toBe(process(first))
  })

  it('end with what they have started', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-pool-')), socket = path.join(folder, 'socket')
    const server = net.createServer().listen(socket)
    const isConnected = once(server, 'connection') as Promise<[net.Socket]>
    const outcome = open(1).run({ act: 'family', socket })
    const [connection] = await isConnected, isGone = once(connection.resume(), 'close')
    pool?.close()
    await isGone
    expect(reason(await outcome)).toBe('It was cancelled.')
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('have ended some time after all is cancelled', async () => {
    const one = open(2), [first] = await run(one, 'answer', 'answer'), pid = process(first)!
    one.close()
    await one.ended()
    expect(() => globalThis.process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('are lost when all is cancelled', async () => {
    const one = open(1), outcomes = run(one, 'silence', 'answer')
    one.close()
    expect((await outcomes).map(reason)).toEqual(['It was cancelled.', 'It was cancelled.'])
  })

  it('are lost where a child cannot start', async () => {
    const one: Stub = pool = createPool({ size: 1, limitSeconds: 60, file: '/nowhere/child.mjs', args: [], mostBytes: 100 })
    expect(reason(await one.run({ act: 'answer' }))).toMatch(/^The process ended with status 1\. Error.*: Cannot find module/)
  })
})
