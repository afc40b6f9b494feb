import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileCuda, compileToPtx } from '../../../compiler-core/toolchain/compile-cuda.ts'
import { findToolkit, type Toolkit } from '../../../compiler-core/toolchain/toolkit.ts'
import { needs } from '../../harness/needs.ts'

const cuda = needs('nvcc')
const architectures = ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_90a', 'sm_120']

const copy = `extern "C" __global__ void __launch_bounds__(128, 2) copy(const float* __restrict__ x, float* __restrict__ y, unsigned n) {
  __shared__ float s[128];
  unsigned i = blockIdx.x * 128 + threadIdx.x;
  s[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i < n) y[i] = s[127 - threadIdx.x];
}
`

/** Everything that the prelude declares. */
const everything = `static __device__ __forceinline__ float shfl_xor(float v, unsigned lane) {
  float r;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, -1;" : "=f"(r) : "f"(v), "r"(lane));
  return r;
}
__constant__ float table[4] = {1, 2, 3, 4};
extern "C" __global__ void everything(const float4* __restrict__ x, float* __restrict__ y, double* __restrict__ z, int n, long long l) {
  extern __shared__ __align__(16) unsigned char bytes[];
  float4* s = reinterpret_cast<float4*>(bytes);
  int i = blockIdx.x * blockDim.x + threadIdx.x + gridDim.y * warpSize;
  s[threadIdx.x] = x[i];
  __syncthreads();
  float v = 0;
  #pragma unroll
  for (unsigned j = 0; j < 4; ++j) v += s[(threadIdx.x + j) % 128].x * table[j];
  v += expf(v) + exp2f(v) + logf(v) + log2f(v) + sqrtf(v) + rsqrtf(v) + sinf(v) + cosf(v) + tanhf(v) + erff(v) + fabsf(v);
  v += floorf(v) + ceilf(v) + truncf(v) + roundf(v) + rintf(v) + powf(v, 2.5f) + fminf(v, 1.0f) + fmaxf(v, 3.0f) + fmodf(v, 2.0f) + fmaf(v, v, v);
  double d = v;
  d += exp(d) + exp2(d) + log(d) + log2(d) + sqrt(d) + rsqrt(d) + sin(d) + cos(d) + tanh(d) + erf(d) + fabs(d);
  d += floor(d) + ceil(d) + trunc(d) + round(d) + rint(d) + pow(d, 2.5) + fmin(d, 1.0) + fmax(d, 3.0) + fmod(d, 2.0) + fma(d, d, d);
  z[i] = d + __longlong_as_double(__double_as_longlong(d) | l);
  z[min(max(i, 3), n)] = abs(n) + min(l, (long long)i) + max(unsigned(n), unsigned(i)) + min((unsigned long long)l, 7ull);
  v += __int_as_float(i) + __uint_as_float(i * 3) + __float_as_int(v) + __float_as_uint(v) + shfl_xor(v, 16);
  int4 q = make_int4(i, n, i, n);
  char4 c = make_char4(i, n, i, n);
  longlong2 w = make_longlong2(l, i);
  reinterpret_cast<int4*>(z)[i] = q;
  reinterpret_cast<char4*>(z)[i + n] = c;
  reinterpret_cast<longlong2*>(z)[i + 2 * n] = w;
  if (n < 0) __trap();
  if (llabs(l) > 3) v = l == 9 ? NAN : l == 8 ? -INFINITY : v;
  if (i < n) y[i] = v;
}
`

describe.skipIf(cuda.missing)(`compiling CUDA (${cuda.label})`, async () => {
  const search = cuda.missing ? undefined : await findToolkit()
  const toolkit = search?.kind === 'found' ? search.toolkit : undefined as never
  let temporary = ''
  const before = process.env['TMPDIR']
  beforeEach(() => { process.env['TMPDIR'] = temporary = mkdtempSync(path.join(os.tmpdir(), 'heddle-compile-')) })
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    expect(readdirSync(temporary)).toEqual([])
    rmSync(temporary, { recursive: true })
  })
  const compile = (text: string, options = {}, kit: Toolkit = toolkit) =>
    compileCuda(kit, text, { name: 'test', architecture: 'sm_80', ...options })

  it('gives PTX, machine code and facts', async () => {
    const made = await compile(copy)
    expect(made).toMatchObject({
      kind: 'compiled', ptx: expect.stringContaining('.visible .entry copy('), warnings: [],
      kernels: [{ name: 'copy', shared_bytes: 512, stack_bytes: 0, spill_store_bytes: 0, spill_load_bytes: 0, barriers: 1 }]
    })
    if (made.kind !== 'compiled') return
    expect(made.kernels[0]?.registers).toBeGreaterThan(0)
    expect(Buffer.from(made.cubin.subarray(0, 4)).toString('latin1')).toBe('\x7fELF')
  })
  it('lists kernels in the order of the text', async () => {
    const made = await compile(['b', 'c', 'a'].map(name => copy.replace('copy', name)).join(''))
    expect(made.kind === 'compiled' && made.kernels.map(k => k.name)).toEqual(['b', 'c', 'a'])
  })
  it('keeps the warnings of ptxas', async () => {
    const made = await compile(copy.replace('(128, 2)', '(128, 32)'), { architecture: 'sm_75' })
    expect(made.kind === 'compiled' && made.warnings).toEqual([expect.stringContaining('minnctapersm will be ignored')])
  })

  it.each(architectures)('makes the same PTX with cicc as with nvcc for %s', async architecture => {
    for (const text of [copy, everything]) {
      const [direct, usual] = await Promise.all((['cicc', 'nvcc'] as const).map(route =>
        compileToPtx(route, toolkit, text, { name: 'test', architecture })))
      expect(direct).toMatchObject({ kind: 'ptx', warnings: [] })
      expect(direct).toEqual(usual)
    }
  }, 60_000)

  it('asks nvcc for a release whose PTX has not been compared', async () => {
    const made = await compile(copy, {}, { ...toolkit, release: '99.0', cicc: '/none' })
    expect(made.kind).toBe('compiled')
  })
  it('asks nvcc for what cicc does not take', async () => {
    const made = await compile(`#include <cuda_fp16.h>\n${copy}`)
    expect(made.kind).toBe('compiled')
  })

  it('needs no nvcc, and so no host compiler', async () => {
    const kit = { ...toolkit, nvcc: '/none' }
    expect((await compile(copy, {}, kit)).kind).toBe('compiled')
    expect(await compile(copy.replace('x[i]', 'nothing[i]'), {}, kit))
      .toEqual({ kind: 'rejected', message: expect.stringMatching(/^cicc does not take the CUDA text:\ntest\.cu\(4\): error/) })
  })

  const rejected: [string, string, RegExp][] = [
    ['an unknown name', copy.replace('x[i]', 'nothing[i]'), /^nvcc does not take the CUDA text:\ntest\.cu\(4\): error.*nothing/s],
    ['too much static shared memory', copy.replace('s[128]', 's[12800]'), /^ptxas does not take .*too much shared data/s]
  ]
  it.each(rejected)('says what is wrong: %s', async (_, text, message) => {
    expect(await compile(text)).toEqual({ kind: 'rejected', message: expect.stringMatching(message) })
  })
  it('says that it was cancelled', async () => {
    expect(await compile(copy, { signal: AbortSignal.timeout(20) })).toEqual({ kind: 'cancelled', message: 'cicc was cancelled.' })
  })
  it('says that it took too long', async () => {
    expect(await compile(copy, { timeLimit: 10 })).toMatchObject({ kind: 'too-slow' })
  })
})

describe.skipIf(process.platform === 'win32')('compiling with a toolkit that does not work', () => {
  it('says which program did not run', async () => {
    const kit = { release: '13.0', version: '13.0.0', nvcc: '/none/nvcc', cicc: '/none/cicc', ptxas: '/none/ptxas' }
    expect(await compileCuda(kit, copy, { name: 'test', architecture: 'sm_80' }))
      .toEqual({ kind: 'failed', message: expect.stringMatching(/^nvcc did not run: .*ENOENT/) })
  })
  it('gives up on a program that hangs', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-hang-')), hanging = path.join(folder, 'hang')
    writeFileSync(hanging, '#!/bin/sh\nsleep 60\n')
    chmodSync(hanging, 0o755)
    const kit = { release: '13.0', version: '13.0.0', nvcc: hanging, cicc: hanging, ptxas: hanging }
    expect(await compileCuda(kit, copy, { name: 'test', architecture: 'sm_80', timeLimit: 50 }))
      .toEqual({ kind: 'too-slow', message: 'cicc was ended, since it took too long.' })
    rmSync(folder, { recursive: true })
  })
})
