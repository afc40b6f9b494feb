// What a kernel must not do, done on purpose: the CPU engine tells what, where and by whom. Each case is a body in
// CUDA; x and y are global, w is a workspace, s and t are shared, 64 elements each, and i is the thread of 64.
import { describe, expect, it } from 'vitest'
import type { Wrapper } from '../../../../compiler-core/codegen/wrappers.ts'
import { buffer } from '../../codegen/support.ts'
import { needs } from '../../../harness/needs.ts'
import { engine, requestOf, s, subjectOf, t, wordsOf, x, y, type Parts } from './kernels.ts'

const compiler = needs('g++')

interface Case extends Parts { readonly timeLimit?: number }

/** Threads in order; `expected`: as wordsOf tells it. */
function check(body: string | readonly string[], expected: readonly string[], parts: Case = {}): void {
  const bodies = typeof body === 'string' ? [body] : body
  it.skipIf(compiler.missing)(`${bodies.join(' | ').replace(/\n/g, ' ')} (${compiler.label})`, async () => {
    const subject = subjectOf(bodies.map(b => `const unsigned i = threadIdx.x;\n${b}`), parts)
    const more = parts.timeLimit === undefined ? {} : { timeLimit: parts.timeLimit }
    expect(wordsOf(await engine(subject, requestOf(subject, ['forward'], more)), subject)).toEqual(expected)
  })
}

describe('races in shared memory', () => {
  check('s[i] = x[i];\n__syncthreads();\ny[i] = s[63 - i];', [])
  check('s[i] = x[i];\ny[i] = s[i];', [])
  check('if (i == 5) { s[0] = x[0]; }\n__syncthreads();\ny[i] = s[0];', [])
  check('s[i] = x[i];\ny[i] = s[i / 32 * 32];', [
    'race: read s[0] in "s[i / 32 * 32]" by 1, write in "s[i]" by 0'
  ])
  check('s[i] = x[i];\n__syncthreads();\nconst float v = s[(i + 1) % 64];\ns[i] = v;', [
    'race: write s[1] in "s[i]" by 1, read in "s[(i + 1) % 64]" by 0', 'race: read s[0] in "s[(i + 1) % 64]" by 63, write in "s[i]" by 0'
  ])
  check('s[i % 32] = x[i];', ['race: write s[0] in "s[i % 32]" by 32, write in "s[i % 32]" by 0'])
  check('for (unsigned k = 0; k < 3; k++) {\n  if (i == k) { s[0] = x[k]; }\n  __syncthreads();\n  y[i] = s[0];\n}', [
    'race: write s[0] in "s[0]" by 1, read in "s[0]" by 0', 'race: read s[0] in "s[0]" by 2, write in "s[0]" by 1'
  ])
})

describe('atomics', () => {
  const shared: Wrapper = { kind: 'atomic', type: 'f32', scope: 'shared' }, global: Wrapper = { kind: 'atomic', type: 'f32', scope: 'global' }
  check('s[i] = 0.0f;\n__syncthreads();\natomic_add_shared(&s[0], x[i]);\n__syncthreads();\ny[i] = s[0];', [], { wrappers: [shared] })
  check('s[i] = 0.0f;\n__syncthreads();\natomic_add_shared(&s[0], x[i]);\nif (i == 63) { y[0] = s[0]; }', [
    'race: read s[0] in "s[0]" by 63, atomic in "atomic_add_shared(&s[0], x[i])" by 0'
  ], { wrappers: [shared] })
  check('atomic_add_shared(&s[i], x[i]);', ['uninitialised: atomic s[0] in "atomic_add_shared(&s[i], x[i])" by 0'], { wrappers: [shared] })
  check(['if (i == 0) { y[blockIdx.x] = 0.0f; }', 'atomic_add_global(&y[0], x[i]);'], [], { wrappers: [global], grid: [2] })
  check('if (i == 0) { y[0] = 0.0f; }\n__syncthreads();\natomic_add_global(&y[0], x[i]);', [], { wrappers: [global] })
  check('if (i == 0) { w[0] = 0.0f; }\n__syncthreads();\natomic_add_global(&w[0], x[i]);', [
    'race: write w[0] in "w[0]" by 1:0, write in "w[0]" by 0',
    'race: write w[0] in "w[0]" by 1:0, atomic in "atomic_add_global(&w[0], x[i])" by 0'
  ], { wrappers: [global], grid: [2] })
})

describe('races in global memory', () => {
  check('w[i] = x[i];\n__syncthreads();\ny[i] = w[63 - i];', [])
  check('w[i] = x[i];\ny[i] = w[i / 32 * 32];', ['race: read w[0] in "w[i / 32 * 32]" by 1, write in "w[i]" by 0'])
  check('if (blockIdx.x == 0) { w[i] = x[i]; } else { y[i] = w[i]; }', ['race: read w[0] in "w[i]" by 1:0, write in "w[i]" by 0'], { grid: [2] })
  check(['w[i] = x[i];', 'y[i] = w[63 - i];'], [])
  check('y[i / 2] = x[i];', ['double-write: write y[0] in "y[i / 2]" by 1, write in "y[i / 2]" by 0'])
  check('y[i] = x[i];\n__syncthreads();\ny[63 - i] = x[i];', ['double-write: write y[63] in "y[63 - i]" by 0, write in "y[i]" by 63'])
  check('y[i] = 0.0f;\ny[i] = x[i];', [])
})

describe('out of bounds', () => {
  check('y[i] = x[i + 1];', ['out-of-bounds: read x[64] in "x[i + 1]" by 63'])
  check('y[i] = i == 0 ? x[i - 1] : 0.0f;', ['out-of-bounds: read x[4294967295] in "x[i - 1]" by 0'])
  check('y[i] = i == 0 ? x[-1000000000] : 0.0f;', ['out-of-bounds: read x[-1000000000] in "x[-1000000000]" by 0'])
  check('y[i + 60] = x[i];', ['out-of-bounds: write y[64] in "y[i + 60]" by 4'])
  check('s[i + 1] = x[i];', ['out-of-bounds: write s[64] in "s[i + 1]" by 63'])
  check('s[i] = x[i];\nt[i * 100] = x[i];', ['out-of-bounds: write t[100] in "t[i * 100]" by 1'], { buffers: [x, y, s, t] })
  check('s[i] = x[i];\n__syncthreads();\nt[i + 1] = x[i];', [
    'out-of-bounds: write t[64] in "t[i + 1]" by 63'
  ], { buffers: [x, y, s, t], reuses: true })
  check('float r[4] = {};\nr[i % 5] = x[i];\ny[i] = r[0];', ['out-of-bounds: write in "r[i % 5] = x[i];" by 4'])
})

describe('what was never written', () => {
  check('y[i] = s[i];', ['uninitialised: read s[0] in "s[i]" by 0'])
  check('y[i] = w[i];', ['uninitialised: read w[0] in "w[i]" by 0'])
  check('y[i] += x[i];', ['uninitialised: read y[0] in "y[i]" by 0'])
  check(['w[i] = x[i];\ns[i] = x[i];', 'y[i] = w[i] + s[i];'], ['uninitialised: read s[0] in "s[i]" by 0'])
})

describe('wide accesses', () => {
  check('if (i < 16) { *(float4 *)&y[i * 4] = *(const float4 *)&x[i * 4]; }', [])
  check('if (i < 15) { *(float4 *)&y[i * 4 + 2] = *(const float4 *)&x[i * 4]; }', ['misaligned: write y[2] in "*(float4 *)&y[i * 4 + 2]" by 0'])
  check('if (i < 15) { *(float4 *)&y[i * 4] = *(const float4 *)&x[i * 4 + 1]; }', ['misaligned: read x[1] in "*(const float4 *)&x[i * 4 + 1]" by 0'])
  check('if (i < 17) { *(float4 *)&s[i * 4] = *(const float4 *)&x[0]; }', ['out-of-bounds: write s[64] in "*(float4 *)&s[i * 4]" by 16'])
})

describe('barriers and shuffles', () => {
  const shuffle: Wrapper = { kind: 'shuffle', type: 'f32', shuffle: 'shfl_xor_sync' }
  check('if (i < 40) { __syncthreads(); }', ['divergent-barrier: barrier in "__syncthreads()" by 0, end by 40'])
  check('if (i == 0) return;\n__syncthreads();', ['divergent-barrier: barrier in "__syncthreads()" by 1, end by 0'])
  check('if (i < 40) {\n  s[i] = 1.0f;\n  __syncthreads();\n} else {\n  s[i] = 2.0f;\n  __syncthreads();\n}', [
    'divergent-barrier: barrier in "__syncthreads()" by 0, barrier in "__syncthreads()" by 40'
  ])
  check('y[i] = shfl_xor_sync(x[i], 1);', [], { wrappers: [shuffle] })
  check('s[i] = shfl_xor_sync(x[i], 1);\ny[i] = s[i ^ 1];', [
    'race: write s[1] in "s[i]" by 1, read in "s[i ^ 1]" by 0', 'race: read s[0] in "s[i ^ 1]" by 1, write in "s[i]" by 0',
    'uninitialised: read s[1] in "s[i ^ 1]" by 0'
  ], { wrappers: [shuffle] })
  check('if (i < 40) { y[i] = shfl_xor_sync(x[i], 1); }', [
    'divergent-shuffle: shuffle in "shfl_xor_sync(x[i], 1)" by 32, end by 40'
  ], { wrappers: [shuffle] })
  check('if (i % 2 == 0) { y[i] = shfl_xor_sync(x[i], 1); }\n__syncthreads();', [
    'divergent-shuffle: shuffle in "shfl_xor_sync(x[i], 1)" by 0, barrier in "__syncthreads()" by 1'
  ], { wrappers: [shuffle] })
})

describe('copies that arrive later', () => {
  const copies: readonly Wrapper[] = [
    { kind: 'asynchronous copy', bytes: 4, guarded: false }, { kind: 'commit group' }, { kind: 'wait group' }
  ]
  const start = 'copy_async_4(&s[i], &x[i]);\ncommit_group();\n'
  check(`${start}wait_group<0>();\n__syncthreads();\ny[i] = s[63 - i];`, [], { wrappers: copies })
  check(`${start}__syncthreads();\ny[i] = s[63 - i];`, [
    'not-arrived: read s[63] in "s[63 - i]" by 0, write in "&s[i]" by 63'
  ], { wrappers: copies })
  check(`${start}wait_group<1>();\n__syncthreads();\ny[i] = s[63 - i];`, [
    'not-arrived: read s[63] in "s[63 - i]" by 0, write in "&s[i]" by 63'
  ], { wrappers: copies })
  check(`${start}wait_group<0>();\ny[i] = s[i / 2];`, ['race: read s[0] in "s[i / 2]" by 1, write in "&s[i]" by 0'], { wrappers: copies })
  check('copy_async_4(&s[i], &x[i]);\nwait_group<0>();\ny[i] = s[i];', ['not-arrived: read s[0] in "s[i]" by 0, write in "&s[i]" by 0'], { wrappers: copies })
  check('copy_async_4(&s[i], &x[i + 8]);\ncommit_group();\nwait_group<0>();', ['out-of-bounds: read x[64] in "&x[i + 8]" by 56'], { wrappers: copies })
})

describe('what ends a program', () => {
  check('if (i == 7) trap();\ny[i] = x[i];', ['assertion: assert in "trap()" by 7'], { wrappers: [{ kind: 'trap' }] })
  check('while (x[0] == 0.0f) {\n  y[i] = x[1];\n}', ['time, endless in the text'], { timeLimit: 500 })
  check('for (;;) {\n  __syncthreads();\n}', ['time, endless in the text'], { timeLimit: 500 })
  check('float *const p = (float *)(8ull * i + 64);\n*p = x[i];', ['crash, out-of-bounds: write in "*p = x[i];" by 0'])
  check('y[i] = float(7 / int(x[i]));', ['crash'])
  check('y[i] = float(deep(int(x[i])));', ['recursion'], {
    functions: 'static int deep(int n) {\n  volatile int kept = n;\n  return deep(n + 1) + kept;\n}\n'
  })
  check('y[i] = x[i];', ['memory'], { buffers: [x, y, buffer('w', 'f32', 'workspace', 2 ** 40)] })
  check('nap();', ['The CPU engine does not know `nanosleep.u32 1000`.'], {
    functions: 'static __device__ __forceinline__ void nap() {\n  asm volatile("nanosleep.u32 1000;");\n}\n\n'
  })
  check('y[i] = mystery(x[i]);', ['It calls `mystery`, which the CPU engine does not know.'], { functions: 'extern "C" float mystery(float);\n' })
})
