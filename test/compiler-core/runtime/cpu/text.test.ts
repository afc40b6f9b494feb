import { describe, expect, it } from 'vitest'
import { wrapperText } from '../../../../compiler-core/codegen/wrappers.ts'
import { cpuText, partsOf } from '../../../../compiler-core/runtime/cpu/text.ts'
import { architectureNamed } from '../../../../compiler-core/target/architectures.ts'
import { kernel, packageOf, type HandKernel } from './support.ts'

const sm_80 = architectureNamed('sm_80')!
const shuffle = wrapperText([{ kind: 'shuffle', type: 'f32', shuffle: 'shfl_xor_sync' }], sm_80)

function textOf(...kernels: readonly HandKernel[]): { readonly text: string; readonly symbols: readonly string[] } {
  const { plan } = packageOf({ outputs: {}, kernels, steps: [] })
  const made = cpuText(`// a heading\n\n${kernels.map(k => k.text).join('\n')}`, plan.kernels)
  if ('unknown' in made) throw new Error(made.unknown)
  return { text: made.text, symbols: made.entries.map(e => e.symbol) }
}

const copy = (name: string, body = '  p1[threadIdx.x] = p0[threadIdx.x];', block: HandKernel['block'] = [8, 2, 1]) =>
  kernel(name, block, ['f32', '!i64'], body)

describe('a CUDA text for the processor', () => {
  it('ends with what runs each kernel', () => {
    const { text, symbols } = textOf(copy('copy'))
    expect(text).toMatch(/^#include "cuda.h"\n/)
    expect(text).not.toContain('instructions.h')
    const function_ = symbols[0]!.replace('entry', 'kernel')
    expect(text).toContain(`\n${function_}(const float *__restrict__ p0`)
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      `HEDDLE_PLAIN(${symbols[0]}, ${function_}, 8, 2, 1, HEDDLE_ARGUMENT(const float, 0), HEDDLE_ARGUMENT(long long, 1))`
    )
  })
  it('gives threads that wait stacks of their own', () => {
    expect(textOf(copy('wait', '  __syncthreads();')).text).toMatch(/^#define HEDDLE_WAITS\n[^]*HEDDLE_FIBERS\(/)
    const shuffled = kernel('s', [32, 1, 1], ['f32'], '  shfl_xor_sync(p0[0], 1);', shuffle)
    expect(textOf(shuffled).text).toMatch(/^#define HEDDLE_WAITS\n[^]*instructions.h[^]*heddle_shfl_bfly[^]*HEDDLE_FIBERS\(/)
  })
  it('is the same under any name, and has other symbols for another text or block', () => {
    const [one] = textOf(copy('one')).symbols
    expect(textOf(copy('another')).symbols).toEqual([one])
    expect(textOf(copy('one', '  p1[0] = p0[1];')).symbols).not.toEqual([one])
    expect(textOf(copy('one', undefined, [16, 1, 1])).symbols).not.toEqual([one])
  })
  it('may have several kernels', () => {
    const { text, symbols } = textOf(copy('one'), copy('two', '  p1[0] = 2;'))
    expect(symbols.map(s => s.slice(-2))).toEqual(['_0', '_1'])
    for (const symbol of symbols) expect(text.split(symbol.replace('entry', 'kernel'))).toHaveLength(3)
  })
  it('unrolls loops a little', () => {
    const { text } = textOf(copy('loop', '  #pragma unroll\n  for (unsigned i = 0; i < 64; i++) {\n    p1[i] = 0;\n  }'))
    expect(text).toContain('\n  #pragma GCC unroll 4\n  for')
  })
  it('says what instruction it does not know', () => {
    const { plan } = packageOf({ outputs: {}, kernels: [copy('k')], steps: [] })
    const wrapper = 'static __device__ void rest() {\n  asm volatile("nanosleep.u32 20;");\n}\n\n'
    expect(cpuText(`// k\n\n${wrapper}${copy('k').text}`, plan.kernels)).toEqual({ unknown: 'nanosleep.u32 20' })
  })
  it('has a heading, wrappers and kernels', () => {
    const { text } = copy('k')
    expect(partsOf(`// k, for sm_80\n\n${shuffle}${text}`)).toEqual({ heading: '// k, for sm_80', wrappers: shuffle, kernels: text })
    expect(partsOf(`// k, for sm_80\n\n${text}`)).toEqual({ heading: '// k, for sm_80', wrappers: '', kernels: text })
  })
})
