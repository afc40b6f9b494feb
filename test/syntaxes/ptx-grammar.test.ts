import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { createRegistryFromGrammars } from 'vscode-tmgrammar-test/dist/common/index.js'
import { ptxGrammarText } from '../../syntaxes/ptx-grammar.ts'
import { needs } from '../harness/needs.ts'

const grammarFile = 'syntaxes/ptx.tmLanguage.json'
const content = readFileSync(grammarFile, 'utf8')
const registry = createRegistryFromGrammars([{ grammar: { path: grammarFile, scopeName: 'source.ptx' }, content }])
const grammar = await registry.loadGrammar('source.ptx')

/** Words and signs with the most exact scope of each. */
function colour(text: string): (readonly [string, string])[] {
  if (!grammar) throw new Error(`${grammarFile} does not load`)
  let stack: Parameters<typeof grammar.tokenizeLine>[1] = null
  return text.split('\n').flatMap(line => {
    const result = grammar.tokenizeLine(line, stack)
    stack = result.ruleStack
    return result.tokens.map(t => [line.slice(t.startIndex, t.endIndex), t.scopes.at(-1) ?? ''] as const)
      .filter(([word]) => word.trim() !== '')
  })
}

test('ptx.tmLanguage.json is what ptx-grammar.ts writes', () => {
  expect(content).toBe(ptxGrammarText)
})

describe('a word', () => {
  const check = (line: string, expected: string): void => {
    const [word = '', scope = ''] = expected.split(' ')
    expect(colour(line)).toContainEqual([word, `${scope}.ptx`])
  }
  const cases: readonly (readonly [string, string])[] = [
    ['wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1}, %rd1, %rd2, 1, 1, 1, 0, 0;', 'wgmma keyword.mnemonic'],
    ['tcgen05.mma.cta_group::1.kind::f16 [%r1], %rd1, %rd2, %r2, %p1;', '.cta_group::1 keyword.other.modifier'],
    ['some_day.new.f32 %f1, %f2;', 'some_day keyword.mnemonic'],
    ['st.shared::cluster.u32 [%r1], %r2;', '.shared::cluster storage.modifier.space'],
    ['mov.u32 %r1, %laneid;', '%laneid variable.language'],
    ['mov.u32 %r1, %laneid2;', '%laneid2 variable.other.register'],
    ['ld.param.u64 %rd1, [kernel_param_0];', 'kernel_param_0 variable.other'],
    ['ld.global.f32 %f1, [sm.x];', 'sm variable.other'],
    ['exit;', 'exit keyword.control.flow'],
    ['bar.sync 0;', 'bar keyword.mnemonic'],
    ['.func (.param .b32 out) helper (.param .b32 in)', 'helper entity.name.function'],
    ['.func (.param .b32 out) helper (.param .b32 in)', 'out variable.other'],
    ['.extern .shared .align 16 .b8 smem[];', '.shared storage.modifier.space'],
    ['setp.lt.and.f32 %p1|%p2, %f1, -0f3F800000, !%p3;', '0f3F800000 constant.numeric.float.single'],
    ['add.s32 %r1, %r2, -1; // %r1', '1 constant.numeric.integer']
  ]
  it.each(cases)('of %s: %s', check)
})

const nvcc = needs('nvcc')
test.skipIf(nvcc.missing)(`every word that nvcc writes has a colour (${nvcc.label})`, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-ptx-'))
  try {
    writeFileSync(path.join(folder, 'a.cu'), `
      __constant__ float table[4] = {1.0f, 0.5f, 2.0f, 4.0f};
      extern "C" __global__ void a(const float* __restrict__ x, double* __restrict__ y, unsigned n) {
        __shared__ float tile[256];
        unsigned i = blockIdx.x * 256u + threadIdx.x;
        tile[threadIdx.x] = i < n ? x[i] : table[i % 4];
        __syncthreads();
        float v = tile[255 - threadIdx.x];
        v += __shfl_xor_sync(0xffffffffu, v, 1);
        for (unsigned k = 0; k < n; ++k) v = fmaf(v, expf(v), sqrtf(v));
        if (i < n) atomicAdd(&y[i], (double)v);
        asm volatile("{ .reg .pred p; setp.lt.f32 p, %0, 0f00000000; @p trap; }" :: "f"(v));
      }`)
    execFileSync('nvcc', ['-ptx', '-arch=sm_80', 'a.cu'], { cwd: folder })
    const words = colour(readFileSync(path.join(folder, 'a.ptx'), 'utf8'))
    expect(words.length).toBeGreaterThan(200)
    expect(words.filter(([, scope]) => scope === 'source.ptx')).toEqual([])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
