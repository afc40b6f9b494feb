// What CUDA's own compiler says to the text: no warning, no stack, no spill, on each architecture.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { printCuda } from '../../../compiler-core/codegen/cuda.ts'
import type { ElementName, Program, Stmt } from '../../../compiler-core/ir/ir.ts'
import { needs } from '../../harness/needs.ts'
import { examples } from './examples.ts'
import {
  allocate, architecture, at, barrier, buffer, copy, expr, fn, kernel, less, mul, op, program, store, thread, to
} from './support.ts'

const run = promisify(execFile)

/** Everything that `nvcc` and `ptxas` have to say about a program for a target, beyond its resources. */
async function complaints(p: Program, target: string): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'heddle-nvcc-'))
  try {
    await writeFile(path.join(folder, 'a.cu'), printCuda(p, architecture(target)).text)
    const args = ['-cubin', `-arch=${target}`, '-Xptxas', '-v', '-Werror', 'all-warnings', 'a.cu', '-o', 'a.cubin']
    const { stdout, stderr } = await run('nvcc', args, { cwd: folder })
    return `${stdout}${stderr}`.split('\n').filter(line =>
      line.trim() !== '' && !/^ptxas info|^ {4}0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads$/.test(line))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Uses every wrapper there is: all types in shuffles, atomics, conversions, arithmetic and functions. */
function wrappers(): Program {
  const types: readonly ElementName[] = [
    'f64', 'f32', 'tf32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8', 'bool'
  ]
  const kernels = types.map(type => {
    const x = buffer('x', type, 'input', 64)
    const y = buffer('y', type, 'output', 64)
    const s = buffer('s', type, 'shared', 64)
    const value = at(x, thread)
    const float = type.includes('f')
    // CUDA's reduction of large f64 arguments of sin and cos is a function with 40 bytes of stack
    const unary = (['abs', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'erf', 'floor', 'ceil', 'round', 'sin', 'cos'] as const)
      .filter(f => type !== 'f64' || (f !== 'sin' && f !== 'cos'))
    const atomic = (target: typeof y) => ({
      kind: 'effect', effect: 'atomic_add', buffer: target, indices: [thread], value, old: undefined, origins: []
    }) as const
    const results = [
      fn('shfl_xor_sync', value, expr(1)), fn('shfl_down_sync', value, expr(1)), to(type, to('f32', value)),
      to(type, to('i32', value)), to(type, to('f64', value)),
      ...type === 'bool' ? [] : (['+', '-', '*', '/', 'min', 'max'] as const).map(o => op(o, value, at(x, 1))),
      ...type === 'bool' ? [] : (['<', '<=', '==', '!='] as const).map(o => to(type, to('i32', op(o, value, at(x, 1))))),
      ...float ? [...unary.map(f => fn(f, value)), fn('pow', value, value), fn('fma', value, value, value), { kind: 'unary', operator: '-', operand: value, type, origins: [] } as const] : [],
      ...type === 'f32' || type === 'f64' ? [op('+', to(type, op('*', value, value)), at(x, 1))] : [],
      ...type === 'i32' || type === 'i64' ? [op('%', value, at(x, 1))] : []
    ]
    const body = [
      allocate(s, at(x, 0)), atomic(s), barrier, atomic(y), ...results.map((e, i) => store(y, i, e)),
      { kind: 'effect', effect: 'assert', condition: op('<', thread, 32), message: 'never', origins: [] } as const
    ]
    return { program: program(type, [x, y], []), kernel: kernel({ name: type, body }) }
  })
  return {
    ...program('wrappers', kernels.flatMap(k => k.program.parameters), []), kernels: kernels.map(k => k.kernel)
  }
}

/** Copies of each width, guarded and not, waited for in groups. */
function pipeline(): Program {
  const x = buffer('x', 'f32', 'input', 4096)
  const y = buffer('y', 'f32', 'output', 4096)
  const s = buffer('s', 'f32', 'shared', 4096)
  const group = (effect: 'commit_group' | 'wait_group'): Stmt => effect === 'commit_group'
    ? { kind: 'effect', effect, origins: [] } : { kind: 'effect', effect, pending: 1, origins: [] }
  const copies = [1, 2, 4].flatMap((lanes): Stmt[] => {
    const at = mul(thread, 4), one = copy(lanes, s, at, x, at)
    return [{ ...one, async: { condition: undefined } }, group('commit_group'), { ...one, async: { condition: less(thread, 9) } }]
  })
  const body = [allocate(s), ...copies, group('commit_group'), group('wait_group'), barrier, store(y, thread, at(s, thread))]
  return program('pipeline', [x, y], [{ body }])
}

const nvcc = needs('nvcc')
describe.skipIf(nvcc.missing)(`accepted without a word (${nvcc.label})`, () => {
  it.each(['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_120'])('for %s', async target => {
    const all = Object.entries({ ...examples, wrappers })
    const said: Record<string, string[]> = {}
    for (const [name, make] of all) said[name] = await complaints(make(), target)
    expect(said).toEqual(Object.fromEntries(all.map(([name]) => [name, []])))
  })
  it.each(['sm_80', 'sm_90', 'sm_120'])('asynchronous copies for %s', async target => {
    expect(await complaints(pipeline(), target)).toEqual([])
  })
})
