// The CPU engine on programs that are right: values of all types in all thread orders, sizes that a launch decides,
// parts of a grid, counts; and what surrounds it: its cache, cancelling, machines on which it does not work.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { warpAccesses } from '../../../../compiler-core/analysis/warp-accesses.ts'
import { compile } from '../../../../compiler-core/compile/compile.ts'
import { evaluateMeaning } from '../../../../compiler-core/graph/evaluate.ts'
import type { Meaning } from '../../../../compiler-core/graph/flow.ts'
import type { Variable } from '../../../../compiler-core/ir/ir.ts'
import { createProgram } from '../../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../../compiler-core/library/library.ts'
import { compare } from '../../../../compiler-core/verify/compare.ts'
import { cpuEngine, cpuSupport } from '../../../../compiler-core/verify/cpu/engine.ts'
import type { AccessCount, Executed, Outcome, Request, Run, Subject } from '../../../../compiler-core/verify/engine.ts'
import { inputsFor } from '../../../../compiler-core/verify/inputs.ts'
import { needs, onPath } from '../../../harness/needs.ts'
import { engine, requestOf, subjectOf, wordsOf } from './kernels.ts'

const compiler = needs('g++')
const temporary: string[] = []
const newFolder = (): string => {
  temporary.push(mkdtempSync(path.join(os.tmpdir(), 'heddle-engine-')))
  return temporary.at(-1)!
}
afterAll(() => { for (const folder of temporary) rmSync(folder, { recursive: true, force: true }) })

// ---------------------------------------------------------------- programs of the library

interface Opened {
  readonly subject: Subject
  readonly meaning: Meaning
  readonly extents: ReadonlyMap<Variable, number>
}

const uri = 'file:///project/main.heddle'

function open(text: string, sizes: Readonly<Record<string, number>> = {}): Opened {
  const source = `${libraryImports.map(i => `import "${i}"\n`).join('')}${text}\n`
  const files = createProgram({ read: asked => asked === uri ? source : undefined, roots: ['file:///project/'] })
  const name = [...source.matchAll(/^(?:instance|graph) (\w+)/gm)].at(-1)?.[1] ?? ''
  const { elaborated, stages, cuda, architecture, meaning, problems } = compile(files, uri, name)
  const lowered = stages.at(-1)?.program
  if (!elaborated || !lowered || !cuda || !architecture || !meaning) {
    throw new Error(problems.map(p => p.diagnostic.message).join('\n'))
  }
  const variables = meaning.kind === 'operator' ? meaning.operator.extents : meaning.graph.extents
  const extents = new Map([...variables, ...elaborated.extents, ...lowered.extents].map(v => [v, sizes[v.name] ?? 1]))
  return { subject: { elaborated, lowered, cuda, architecture }, meaning, extents }
}

function requestFor({ meaning, extents }: Opened, more: Partial<Request> = {}, budget?: number): Request {
  const [integers, reals] = [inputsFor(meaning, extents, 'integers', 3), inputsFor(meaning, extents, 'reals', 3)]
  const run = (inputs: Run['inputs'], order: Run['order']): Run => ({ inputs, order, seed: 5, budget })
  const runs = [run(integers, 'forward'), run(reals, 'reverse'), run(reals, 'random')]
  return { extents, runs, counts: false, timeLimit: 60_000, signal: undefined, ...more }
}

function executed(outcome: Outcome): readonly Executed[] {
  if (outcome.kind !== 'executed') throw new Error(`${outcome.kind}: ${'message' in outcome ? outcome.message : ''}`)
  return outcome.runs
}

/** Copies that arrive later, and an arena of shared memory. */
const examples = path.join(import.meta.dirname, '../../../../docs/examples')
const pipelined = readFileSync(path.join(examples, '9-copies-that-arrive-later.heddle'), 'utf8')
  .replace(/^import .*/m, '').replace(/^instance [\s\S]*/m, '')

/** Into an output that whoever launches it sets to 0. */
const added = `operator total(x: i32[m, n]) -> y: i32[m] { y[i] = sum[p < n] x[i, p] }
schedule at for total {
  kernel main(grid: (m, ceil_div(n, 128)), block: 128) {
    let p = blockIdx.y * 128 + threadIdx.x
    if p < n { atomic_add(y[blockIdx.x], x[blockIdx.x, p]) }
  }
}
`

function check(text: string, sizes?: Readonly<Record<string, number>>): void {
  it.skipIf(compiler.missing)(`${text.slice(text.lastIndexOf('instance'))} ${sizes ? JSON.stringify(sizes) : ''} (${compiler.label})`, async () => {
    const opened = open(text, sizes), request = requestFor(opened)
    const runs = executed(await engine(opened.subject, request))
    runs.forEach(({ outputs, faults }, i) => {
      expect(faults).toEqual([])
      const truth = evaluateMeaning(opened.meaning, request.runs[i]!.inputs, opened.extents)
      outputs.forEach((written, o) => {
        const { wrong, first } = compare(truth[o]!, written, { partial: false })
        expect(wrong === 0 ? 'right' : { ...first, writer: undefined }).toBe('right')
      })
    })
  })
}

describe('values', () => {
  check('instance i = batch_matmul.simt(batch: 2, m: 37, n: 45, k: 11)')
  check('instance i = batch_matmul.simt()', { batch: 2, m: 33, n: 130, k: 9 })
  check('instance i = batch_matmul.simt(T: f16, batch: 1, m: 64, n: 64, k: 16)')
  check('instance i = softmax.warp_per_row(s: (3, 5), n: 1000)')
  check('instance i = softmax.online(s: 5, n: 1000)')
  check('instance i = layer_norm.block_per_row(s: 3, n: 301)')
  check('instance i = reduce.warp_per_result(s: (5, 100), axes: 1, op: argmax)')
  check('instance i = reduce.thread_per_result(s: (10, 33), axes: 0, op: sum)')
  check('instance i = transpose.flat(s: (4, 6, 5), perm: (2, 0, 1))')
  check('graph g(a: f32[1, 37, 20], b: f32[1, 20, 45], c: f32[45]) { return gelu(batch_matmul(a, b) + c) }\ninstance i = g.simt()')
  check(`operator twice(x: f32[n]) -> y: f32[n] { y[i] = x[i] * 2 }
schedule through_shared for twice {
  kernel main(grid: ceil_div(n, 128), block: 128) {
    shared wide: f32[14000]
    shared other: f32[64]
    let i = blockIdx.x * 128 + threadIdx.x
    wide[13999 - threadIdx.x] = x[i] ?? 0
    if threadIdx.x < 64 { other[threadIdx.x] = 2 }
    syncthreads()
    y[i] =? wide[13999 - threadIdx.x] * other[threadIdx.x / 2]
  }
}
instance i = twice.through_shared(n: 1000)`)
  check(`${added}instance i = total.at(m: 3, n: 1000)`)
  check(`${pipelined}instance i = batch_matmul.pipelined(batch: 1, m: 37, n: 45, k: 75)`)
  check(`${pipelined}instance i = batch_matmul.pipelined(batch: 2, m: 64, n: 64, k: 64)`)
  for (const type of ['f64', 'f32', 'tf32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u8', 'u32', 'bool']) {
    check(`instance i = cast.flat(s: 100, T: i32, U: ${type})`)
    check(`instance i = cast.flat(s: 100, T: ${type}, U: f32)`)
  }
})

describe('a part of the grid', () => {
  it.skipIf(compiler.missing)(`is its corners at least, and says so (${compiler.label})`, async () => {
    const opened = open('instance i = batch_matmul.simt(batch: 2, m: 700, n: 700, k: 8)')
    for (const run of executed(await engine(opened.subject, requestFor(opened, {}, 0)))) {
      expect(run.blocks).toEqual({ run: 4, total: 72 })
      const written = run.outputs[0]!.elements.filter(e => !Number.isNaN(e)).length
      expect(written).toBe(2 * (128 * 128 + 60 * 60))
    }
  })
  it.skipIf(compiler.missing)(`says nothing of sums that are not complete (${compiler.label})`, async () => {
    const opened = open(`${added}instance i = total.at(m: 3, n: 1000)`)
    for (const run of executed(await engine(opened.subject, requestFor(opened, {}, 0)))) {
      expect(run.blocks).toEqual({ run: 4, total: 24 })
      expect([...run.outputs[0]!.elements]).toEqual([NaN, NaN, NaN])
    }
  })
})

describe('faults', () => {
  const racing = 's[i] = x[i];\nif (i % 3 == 0) { y[i] = s[i / 2]; } else { y[i] = s[63 - i]; }\ns[i / 4] = y[i];'
  it.skipIf(compiler.missing)(`are found in every order, at the same places (${compiler.label})`, async () => {
    const subject = subjectOf([`const unsigned i = threadIdx.x;\n${racing}`])
    const outcome = await engine(subject, requestOf(subject, ['forward', 'reverse', 'random']))
    const placesOf = (run: number) => [...new Set(executed(outcome)[run]!.faults.filter(f => f.kind === 'race')
      .map(f => [f.access, f.other!].map(a => subject.cuda.text.slice(a.span!.start, a.span!.end)).sort().join(' and ')))].sort()
    expect(placesOf(0)).toEqual([
      's[63 - i] and s[i / 4]', 's[63 - i] and s[i]', 's[i / 2] and s[i / 4]', 's[i / 2] and s[i]', 's[i / 4] and s[i / 4]',
      's[i / 4] and s[i]'
    ])
    expect(placesOf(1)).toEqual(placesOf(0))
    expect(placesOf(2)).toEqual(placesOf(0))
  })
  it.skipIf(compiler.missing)(`lead to the schedule's text (${compiler.label})`, async () => {
    const { subject, ...opened } = open('instance i = batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)')
    const text = subject.cuda.text.replace('__syncthreads();', '               ')
    const outcome = await engine({ ...subject, cuda: { ...subject.cuda, text } }, requestFor({ subject, ...opened }))
    const [race] = executed(outcome)[0]!.faults
    expect(race?.kind).toBe('race')
    for (const access of [race!.access, race!.other!]) {
      expect(access.origins[0]?.range.uri).toBe('heddle-std:/matmul.heddle')
      expect(access.indices?.length).toBe(3)
    }
  })
})

describe('counts', () => {
  const sums = (counts: ReadonlyArray<Omit<AccessCount, 'span'>>) => {
    const all: Record<string, readonly number[]> = {}
    for (const { buffer, write, requests, wavefronts, ideal, sectors } of counts) {
      const key = `${buffer.name} ${write ? 'written' : 'read'}`, before = all[key] ?? [0, 0, 0, 0]
      all[key] = [requests, wavefronts, ideal, sectors].map((n, i) => n + (before[i] ?? 0))
    }
    return all
  }
  const agree = (text: string) => {
    it.skipIf(compiler.missing)(`agree with those that are computed: ${text} (${compiler.label})`, async () => {
      const opened = open(text), { lowered } = opened.subject
      const outcome = await engine(opened.subject, requestFor(opened, { counts: true }))
      executed(outcome)
      const computed = lowered.kernels.flatMap(k => warpAccesses(k, { block: [0, 0, 0], extents: opened.extents }))
      expect(sums(outcome.kind === 'executed' ? outcome.counts : [])).toEqual(sums(computed))
    })
  }
  agree('instance i = batch_matmul.simt(batch: 1, m: 128, n: 128, k: 32)')
  agree('instance i = batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)')
  agree('instance i = batch_matmul.simt(batch: 1, m: 17, n: 61, k: 13, atom: custom_4x8, block_warps: (2, 2), warp_outer: (1, 1))')
  agree('instance i = softmax.warp_per_row(s: 3, n: 1000)')
  agree('instance i = reduce.warp_per_result(s: (3, 100), axes: 1, op: sum)')
  it.skipIf(compiler.missing)(`keep the turns of a loop apart, of which lanes leave some out (${compiler.label})`, async () => {
    const subject = subjectOf(['const unsigned i = threadIdx.x;\nfor (unsigned k = 0; k < 4; k++) {\n  if (i % 4 != k) { s[i] = x[k]; }\n}'], { block: [32] })
    const outcome = await engine(subject, requestOf(subject, ['forward'], { counts: true }))
    const [written, read] = outcome.kind === 'executed' ? outcome.counts : []
    expect(read).toMatchObject({ write: false, requests: 4, sectors: 4 })
    expect(written).toMatchObject({ write: true, requests: 4, wavefronts: 4, ideal: 4 })
  })
})

describe('what surrounds it', () => {
  const plain = subjectOf(['y[threadIdx.x] = x[threadIdx.x];'])
  const request = requestOf(plain, ['forward'])
  const answers = async (cacheFolder: string, environment?: NodeJS.ProcessEnv) =>
    wordsOf(await cpuEngine({ cacheFolder, ...environment ? { environment } : {} })(plain, request), plain)

  it.skipIf(compiler.missing)(`keeps what it compiled, for the user alone, once for two at a time (${compiler.label})`, async () => {
    const folder = path.join(newFolder(), 'deep', 'cache')
    expect(await Promise.all([answers(folder), answers(folder), answers(folder)])).toEqual([[], [], []])
    expect(readdirSync(folder).sort()).toEqual(['kernels', 'runners'])
    const [object, ...more] = readdirSync(path.join(folder, 'kernels'))
    expect(more).toEqual([])
    for (const place of ['.', 'kernels', 'runners']) expect(statSync(path.join(folder, place)).mode & 0o77).toBe(0)
    const kept = path.join(folder, 'kernels', object!)
    utimesSync(kept, 1, 1)
    const before = statSync(kept).ino
    expect(await answers(folder)).toEqual([])
    expect(statSync(kept).ino).toBe(before)
    expect(statSync(kept).mtimeMs).toBeGreaterThan(1000)
  }, 120_000)
  it.skipIf(compiler.missing)(`can do without a cache folder only by saying so (${compiler.label})`, async () => {
    const file = path.join(newFolder(), 'file')
    writeFileSync(file, '')
    expect((await answers(file))[0]).toMatch(/^The cache folder cannot be used: /)
  })
  it.skipIf(compiler.missing)(`runs nothing that others may have put there (${compiler.label})`, async () => {
    const folder = newFolder()
    mkdirSync(path.join(folder, 'kernels'))
    chmodSync(path.join(folder, 'kernels'), 0o777)
    expect(await answers(folder)).toEqual([`Others than you can write to \`${folder}/kernels\`.`])
  })
  it.skipIf(compiler.missing)(`is cancelled in the middle of a run (${compiler.label})`, async () => {
    const endless = subjectOf(['while (x[0] == 0.0f) {\n  y[threadIdx.x] = x[1];\n}'])
    const controller = new AbortController()
    const outcome = engine(endless, requestOf(endless, ['forward'], { signal: controller.signal }))
    setTimeout(() => { controller.abort() }, 500)
    expect(wordsOf(await outcome, endless)).toEqual(['cancelled'])
    expect(wordsOf(await engine(endless, requestOf(endless, ['forward'], { signal: controller.signal })), endless)).toEqual(['cancelled'])
  })

  const support = async (script: string | undefined) => {
    const folder = newFolder()
    if (script !== undefined) {
      writeFileSync(path.join(folder, 'g++'), `#!/bin/sh\n${script}\n`)
      chmodSync(path.join(folder, 'g++'), 0o755)
    }
    const answer = await cpuSupport({ PATH: folder })
    return answer.works ? answer.compiler : answer.message.replace(folder, '')
  }
  it.skipIf(process.platform !== 'linux')('says why it does not work', async () => {
    expect(await support(undefined)).toBe('The CPU engine needs g++, and there is none on PATH.')
    expect(await support('echo "Debian clang version 14.0.6"')).toBe("The CPU engine needs GCC's g++; `/g++` is clang.")
    expect(await support('echo "g++ (GCC) 8.5.0 20210514"')).toBe(
      'The CPU engine needs g++ 9 or newer; `/g++` is g++ (GCC) 8.5.0 20210514.')
    expect(await support('exit 1')).toBe('The CPU engine needs g++ 9 or newer; `/g++` is silent.')
    expect(await support('echo "g++ (Debian 12.2.0-14+deb12u1) 12.2.0"')).toBe('g++ (Debian 12.2.0-14+deb12u1) 12.2.0')
    expect(await answers(newFolder(), { PATH: '' })).toEqual(['The CPU engine needs g++, and there is none on PATH.'])
  })
  it.skipIf(compiler.missing)(`works with the machine's compiler by another path (${compiler.label})`, async () => {
    const folder = newFolder()
    symlinkSync(onPath('g++')!, path.join(folder, 'g++'))
    expect(await cpuSupport({ PATH: folder })).toMatchObject({ works: true })
  })
})
