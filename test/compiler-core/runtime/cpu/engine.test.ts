// The engine on kernels by hand: threads, blocks, memory, and what is told of kernels that go wrong.
import { readdirSync, readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { wrapperText } from '../../../../compiler-core/codegen/wrappers.ts'
import { dataOf } from '../../../../compiler-core/graph/tensor-data.ts'
import { runPlan } from '../../../../compiler-core/runtime/cpu/engine.ts'
import { architectureNamed } from '../../../../compiler-core/target/architectures.ts'
import { needs } from '../../../harness/needs.ts'
import { cacheFolder, kernel, packageOf, results, run, type HandKernel, type HandPlan } from './support.ts'

const gcc = needs('g++')
const sm_80 = architectureNamed('sm_80')!
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** One launch on an input x and an output y. */
const one = (made: HandKernel, grid: readonly [number, number, number], x: number, y: number): HandPlan => ({
  inputs: { x: ['f32', x] }, outputs: { y: ['f32', y] }, kernels: [made], steps: [{ launch: made.name, grid, on: ['x', 'y'] }]
})

describe.skipIf(gcc.missing)(`the cpu engine (${gcc.label})`, () => {
  it('runs every thread of every block once', async () => {
    const made = kernel('indices', [4, 3, 2], ['f32', '!f32'], `
  const unsigned thread = (threadIdx.z * 3 + threadIdx.y) * 4 + threadIdx.x;
  const unsigned block = (blockIdx.z * 5 + blockIdx.y) * 7 + blockIdx.x;
  p1[block * 24 + thread] += p0[0] + block * 24 + thread;`)
    expect((await results(one(made, [7, 5, 3], 1, 2520), [10]))[0]).toEqual(upTo(2520).map(i => i + 10))
  })

  it('lets threads wait at barriers, also those of a warp that is not full, and others that have ended', async () => {
    const made = kernel('reverse', [100, 1, 1], ['f32', '!f32'], `
  __shared__ float s[100];
  if (threadIdx.x >= 90) return;
  for (unsigned round = 0; round < 3; round++) {
    s[threadIdx.x] = round == 0 ? p0[blockIdx.x * 90 + threadIdx.x] : p1[blockIdx.x * 90 + threadIdx.x];
    __syncthreads();
    p1[blockIdx.x * 90 + threadIdx.x] = s[89 - threadIdx.x];
    __syncthreads();
  }`)
    const reversed = upTo(360).map(i => Math.floor(i / 90) * 90 + 89 - i % 90)
    expect((await results(one(made, [4, 1, 1], 360, 360), upTo(360)))[0]).toEqual(reversed)
  })

  it('exchanges values in a warp', async () => {
    const shuffles = wrapperText([
      { kind: 'shuffle', type: 'f32', shuffle: 'shfl_xor_sync' }, { kind: 'shuffle', type: 'f32', shuffle: 'shfl_down_sync' }
    ], sm_80)
    const made = kernel('sums', [64, 1, 1], ['f32', '!f32'], `
  float total = p0[threadIdx.x];
  #pragma unroll
  for (unsigned distance = 16; distance > 0; distance /= 2) {
    total += shfl_xor_sync(total, distance);
  }
  p1[threadIdx.x] = total;
  p1[64 + threadIdx.x] = shfl_down_sync(p0[threadIdx.x], 3);`, shuffles)
    const down = upTo(64).map(i => i % 32 + 3 < 32 ? i + 3 : i)
    expect((await results(one(made, [1, 1, 1], 64, 128), upTo(64)))[0]).toEqual([
      ...upTo(32).map(() => 496), ...upTo(32).map(() => 1520), ...down
    ])
  })

  it('keeps apart the shared memory of kernels that are linked together', async () => {
    const body = (n: number) => `
  __shared__ float s[${n}];
  s[threadIdx.x] = p0[threadIdx.x];
  __syncthreads();
  p1[threadIdx.x] = s[${n - 1} - threadIdx.x];`
    const small = kernel('small', [32, 1, 1], ['f32', '!f32'], body(32))
    const large = kernel('large', [1024, 1, 1], ['f32', '!f32'], body(1024))
    const plan: HandPlan = {
      inputs: { x: ['f32', 1024] }, outputs: { y: ['f32', 32], z: ['f32', 1024] }, kernels: [small, large],
      steps: [{ launch: 'small', grid: [1, 1, 1], on: ['x', 'y'] }, { launch: 'large', grid: [1, 1, 1], on: ['x', 'z'] }]
    }
    expect(await results(plan, upTo(1024))).toEqual([upTo(32).reverse(), upTo(1024).reverse()])
  })

  it('adds atomically from all cores', async () => {
    const made = kernel('count', [32, 1, 1], ['f32', '!f32'], '  atomic_add_global(&p1[threadIdx.x % 2], p0[0]);',
      wrapperText([{ kind: 'atomic', type: 'f32', scope: 'global' }], sm_80))
    const plan = one(made, [2000, 1, 1], 1, 2)
    expect((await results({ ...plan, steps: [{ fill: 'y', value: 5 }, ...plan.steps] }, [1]))[0]).toEqual([32005, 32005])
  })

  it('copies asynchronously into dynamic shared memory', async () => {
    const made = kernel('staged', [32, 1, 1], ['f32', '!f32'], `
  extern __shared__ __align__(16) unsigned char shared_memory[];
  float *const s = (float *)shared_memory;
  copy_async_4(&s[50000 + threadIdx.x], &p0[threadIdx.x], threadIdx.x < 30);
  commit_group();
  wait_group<0>();
  __syncthreads();
  p1[threadIdx.x] = s[50000 + 31 - threadIdx.x];`, wrapperText([
      { kind: 'asynchronous copy', bytes: 4, guarded: true }, { kind: 'commit group' }, { kind: 'wait group' }
    ], sm_80))
    expect((await results(one(made, [3, 1, 1], 32, 32), upTo(32)))[0]).toEqual([0, 0, ...upTo(30).reverse()])
  })

  it('fills, copies and looks at memory under another shape', async () => {
    const made = kernel('twice', [6, 1, 1], ['i64', '!i64'], '  p1[threadIdx.x] = 2 * p0[threadIdx.x];')
    const plan: HandPlan = {
      inputs: { x: ['i64', 2, 3] }, outputs: { y: ['i64', 6], z: ['f32', 2], w: ['i64', 2, 3] },
      arena: { a: ['i64', 2, 3], b: ['i64', 6] }, views: { flat: { of: 'a', type: ['i64', 6] } }, kernels: [made],
      steps: [
        { launch: 'twice', grid: [1, 1, 1], on: ['x', 'a'] }, { launch: 'twice', grid: [1, 1, 1], on: ['flat', 'b'] },
        { copy: 'b', to: 'y' }, { fill: 'z', value: -1.5 }, { copy: 'x', to: 'w' }
      ]
    }
    const x = [1, 2, 3, 4, 5, -6]
    expect(await results(plan, x)).toEqual([x.map(n => 4 * n), [-1.5, -1.5], x])
  })

  it('computes with 16-bit floats', async () => {
    const f16 = wrapperText([{ kind: 'type', type: 'f16' }, { kind: 'arithmetic', type: 'f16', operator: '*' }], sm_80)
    const made = kernel('squares', [3, 1, 1], ['f16', '!f16'], '  p1[threadIdx.x] = p0[threadIdx.x] * p0[threadIdx.x];', f16)
    const plan: HandPlan = {
      inputs: { x: ['f16', 3] }, outputs: { y: ['f16', 3] }, kernels: [made],
      steps: [{ launch: 'squares', grid: [1, 1, 1], on: ['x', 'y'] }]
    }
    expect(await results(plan, [0.5, -3, 1 + 2 ** -10])).toEqual([[0.25, 9, 1 + 2 ** -9]])
  })

  it('contracts products and sums, or rounds each', async () => {
    const made = kernel('fused', [1, 1, 1], ['f32', '!f32'], '  p1[0] = p0[0] * p0[0] - p0[1];')
    const plan = one(made, [1, 1, 1], 2, 1), x = 1 + 2 ** -12, square = 1 + 2 ** -11
    const [contracted] = await results(plan, [x, square])
    expect(contracted).toEqual([2 ** -24])
    expect(await run(plan, [[x, square]], { exact: true })).toMatchObject({ outputs: [dataOf('f32', [1], [0])] })
  })

  it('rounds and compares as CUDA does', async () => {
    const made = kernel('numbers', [1, 1, 1], ['f32', '!f32'], `
  p1[0] = float(int(p0[0]));
  p1[1] = fmaxf(p0[1], 2.0f);
  p1[2] = fmaxf(2.0f, p0[1]);
  p1[3] = fminf(p0[1], p0[1]);
  p1[4] = fminf(p0[0], 2.0f);
  p1[5] = min(int(p0[0]), -1);`)
    expect((await results(one(made, [1, 1, 1], 2, 6), [-0.3, Number.NaN]))[0])
      .toEqual([0, 2, 2, Number.NaN, Math.fround(-0.3), -1])
  })

  describe('what goes wrong', () => {
    const broken = (body: string, block: HandKernel['block'] = [64, 1, 1], wrappers = ''): HandPlan =>
      one(kernel('broken', block, ['f32', '!f32'], body, wrappers), [2, 1, 1], 64, 64)

    const check = (name: string, plan: HandPlan, message: string, timeLimit = 60_000): void => {
      it(name, async () => {
        const outcome = await run(plan, [upTo(64)], { timeLimit })
        expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringMatching(new RegExp(message, 's')) as string })
      })
    }
    check('an access far outside', broken('  p1[1u << 30] = p0[0];'),
      'Kernel `broken` \\(\\[broken\\]\\) fails: it accesses memory that belongs to no tensor.')
    check('an input that is written', broken('  ((float *)p0)[threadIdx.x] = 1;'), 'Kernel `broken`.*memory that belongs to no tensor')
    check('a division by zero', broken('  p1[0] = 100 % int(p0[threadIdx.x]);'), 'Kernel `broken`.*divides a whole number by zero')
    check('a loop without end', broken('  while (*(const volatile float *)p0 == 0) {}'), 'Kernel `broken`.*did not end within 0.5 seconds', 500)
    check('some threads at a barrier, others at a shuffle', broken(
      '  if (threadIdx.x < 7) __syncthreads();\n  p1[threadIdx.x] = shfl_xor_sync(p0[threadIdx.x], 1);', [64, 1, 1],
      wrapperText([{ kind: 'shuffle', type: 'f32', shuffle: 'shfl_xor_sync' }], sm_80)
    ), 'Kernel `broken`.*wait for each other at different places')
    check('an assertion', broken('  if (threadIdx.x == 63) trap();', [64, 1, 1], wrapperText([{ kind: 'trap' }], sm_80)),
      'Kernel `broken`.*an assertion does not hold')
    check('a text that g++ does not take', broken('  p1[0] = unknown;'), 'Kernel `broken`: g\\+\\+ does not take the text: .*unknown')
    check('more memory on its stack than there is', broken(
      '  volatile float large[20000];\n  large[threadIdx.x] = p0[0];\n  __syncthreads();\n  p1[0] = large[threadIdx.x];'
    ), 'Kernel `broken`: g\\+\\+ does not take the text: .*frame size')

    it('says what input is needed', async () => {
      const made = packageOf(one(kernel('any', [1, 1, 1], ['f32', '!f32'], ''), [1, 1, 1], 4, 1))
      const options = { cacheFolder, timeLimit: 1000 }
      expect(await runPlan(made, undefined, [], options))
        .toEqual({ kind: 'failed', message: 'The model has 1 input; 0 were given.' })
      expect(await runPlan(made, undefined, [dataOf('f32', [2, 2], [1, 2, 3, 4])], options))
        .toEqual({ kind: 'failed', message: 'Input `x` is f32[4], not f32[2, 2].' })
    })
    it('says what the machine lacks', async () => {
      const plan = broken('  p1[0] = 1;')
      expect(await run(plan, [upTo(64)], { environment: { PATH: os.tmpdir() } }))
        .toEqual({ kind: 'unavailable', message: 'The CPU engine needs g++, and there is none on PATH.' })
    })
    it('can be cancelled', async () => {
      const plan = broken('  while (*(const volatile float *)p0 == 0) {}')
      expect(await run(plan, [upTo(64)], { signal: AbortSignal.timeout(50) })).toEqual({ kind: 'cancelled' })
    })
  })

  describe('what is kept of compiled kernels', () => {
    const plan = one(kernel('kept', [1, 1, 1], ['f32', '!f32'], '  p1[0] = p0[0] + 1;'), [1, 1, 1], 1, 1)
    const withCache = async (use: (folder: string) => Promise<void>) => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-kept-'))
      try {
        await use(folder)
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
    const files = (folder: string) => ['objects', 'programs'].flatMap(kind =>
      readdirSync(path.join(folder, kind)).map(name => path.join(folder, kind, name)))

    it('is used again for the same text under another name', () => withCache(async folder => {
      expect(await run(plan, [[1]], { cacheFolder: folder })).toMatchObject({ kind: 'ran' })
      const before = files(folder)
      expect(before).toHaveLength(3) // kernel, runner, program
      const renamed = one(kernel('another', [1, 1, 1], ['f32', '!f32'], '  p1[0] = p0[0] + 1;'), [1, 1, 1], 1, 1)
      expect(await run(renamed, [[1]], { cacheFolder: folder })).toMatchObject({ kind: 'ran', outputs: [dataOf('f32', [1], [2])] })
      expect(files(folder)).toEqual(before)
    }))
    it('is made again where it is damaged', () => withCache(async folder => {
      await run(plan, [[1]], { cacheFolder: folder })
      for (const file of files(folder)) writeFileSync(file, readFileSync(file).subarray(0, 500))
      expect(await run(plan, [[2]], { cacheFolder: folder })).toMatchObject({ kind: 'ran', outputs: [dataOf('f32', [1], [3])] })
    }))
  })
})
