import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../../compiler-core/toolchain/process.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-run-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

const node = (script: string, options: { timeLimit?: number; signal?: AbortSignal } = {}, args: string[] = []) =>
  run(process.execPath, ['-e', script, ...args], { folder, timeLimit: 60_000, ...options })

/** Starts a child that writes a file and then holds both outputs open for long. */
const withChild = `
  const { spawn } = require('node:child_process')
  spawn(process.execPath, ['-e', 'require("fs").writeFileSync("child", ""); setInterval(() => {}, 1000)'], { stdio: 'inherit' })
`
describe('running a program', () => {
  it('gives its status and both outputs', async () => {
    expect(await node('console.log("out"); console.error("err"); process.exitCode = 3'))
      .toEqual({ kind: 'exited', status: 3, output: expect.stringMatching(/^(out\nerr|err\nout)\n$/) })
  })
  it('hands arguments over as they are', async () => {
    const args = ['a b', '"q"', '$(id)', '; ls', '*', '']
    expect(await node('console.log(JSON.stringify(process.argv.slice(1)))', {}, ['--', ...args]))
      .toEqual({ kind: 'exited', status: 0, output: `${JSON.stringify(args)}\n` })
  })
  it('runs in its folder, where its temporary files go', async () => {
    const { kind, ...rest } = await node('console.log(process.cwd() === process.env.TMPDIR)')
    expect([kind, rest]).toEqual(['exited', { status: 0, output: 'true\n' }])
  })
  it('does not start what is not there', async () => {
    expect(await run(path.join(folder, 'none'), [], { folder, timeLimit: 1000 }))
      .toEqual({ kind: 'failed', message: expect.stringContaining('ENOENT') })
  })
  it('ends what takes too long', async () => {
    expect(await node('setInterval(() => {}, 1000)', { timeLimit: 50 })).toEqual({ kind: 'too-slow' })
  })
  it('starts nothing once cancelled', async () => {
    expect(await node('require("fs").writeFileSync("started", "")', { signal: AbortSignal.abort() })).toEqual({ kind: 'cancelled' })
    expect(existsSync(path.join(folder, 'started'))).toBe(false)
  })
  it.skipIf(process.platform === 'win32')('ends the children of what is cancelled', async () => {
    const controller = new AbortController()
    const running = node(withChild, { signal: controller.signal })
    await expect.poll(() => existsSync(path.join(folder, 'child'))).toBe(true)
    controller.abort()
    expect(await running).toEqual({ kind: 'cancelled' }) // which waits until nobody holds the outputs
  })
  it.skipIf(process.platform === 'win32')('says that it was killed from outside', async () => {
    expect(await node('process.kill(process.pid, "SIGKILL")')).toEqual({ kind: 'failed', message: 'ended by SIGKILL' })
  })
})
