import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { emittedMinBlocks, isDynamic, kernelArguments, kernelName, printCuda } from '../../../compiler-core/codegen/cuda.ts'
import { sharedMemory } from '../../../compiler-core/ir/memory.ts'
import type { Buffer, Expr, Program, Stmt } from '../../../compiler-core/ir/ir.ts'
import { examples } from './examples.ts'
import {
  add, allocate, architecture, assign, at, barrier, block, buffer, copy, declare, expr, fn, kernel, less, let_, loop,
  mul, op, program, sm_80, store, thread, variable, when
} from './support.ts'

const x = buffer('x', 'f32', 'input', 64)
const y = buffer('y', 'f32', 'output', 64)
const i = variable('i')

/** The statements of a kernel of 32 threads, without the margin. */
function check(title: string, body: readonly Stmt[], ...lines: readonly string[]): void {
  it(title, () => {
    expect(bodyOf(program('p', [x, y], [{ body }]))).toEqual(lines)
  })
}

function bodyOf(p: Program): string[] {
  const lines = printCuda(p, sm_80).text.split('\n')
  const first = lines.findLastIndex(line => line.endsWith(') {') && !line.startsWith(' '))
  return lines.slice(first + 1, lines.lastIndexOf('}')).map(line => line.replace(/^ {2}/, ''))
}

describe('statements', () => {
  check('let', [let_(i, op('%', thread, 8))], 'const unsigned i = threadIdx.x % 8;')
  check('let with a note', [let_(i, op('%', thread, 8), 'spatial(4, 8)')],
    'const unsigned i = threadIdx.x % 8;  // spatial(4, 8)')
  const total = variable('total', 'f32', 'mutable')
  check('declare and assign', [declare(total, 0), assign(total, 1)], 'float total = 0.0f;', '', 'total = 1.0f;')
  check('an update', [declare(total, 0), assign(total, op('+', total, at(x, 0)))],
    'float total = 0.0f;', '', 'total += x[0];')
  check('an update from the right', [store(y, thread, op('*', at(x, 0), at(y, thread)))], 'y[threadIdx.x] *= x[0];')
  check('no update from the right', [store(y, thread, op('-', at(x, 0), at(y, thread)))],
    'y[threadIdx.x] = x[0] - y[threadIdx.x];')
  check('of another element', [store(y, thread, op('+', at(y, 0), at(x, 0)))], 'y[threadIdx.x] = y[0] + x[0];')
  const d = variable('d', 'i32', 'mutable')
  check('floor division is no update', [declare(d, -7), assign(d, op('/', d, 2)), assign(d, op('+', d, 2))],
    'int d = -7;', '', 'd = d >> 1;', 'd += 2;')
  check('loops', [
    loop('j', 4, j => [store(y, j, 0)]), loop('j', 4, j => [store(y, j, 0)], 'never'),
    loop('j', 4, j => [store(y, j, 0)], 2), loop('j', 4, j => [store(y, j, 0)], 'automatic', 'repeat(4)')
  ],
  '#pragma unroll', 'for (unsigned j = 0; j < 4; j++) {', '  y[j] = 0.0f;', '}',
  '#pragma unroll 1', 'for (unsigned j = 0; j < 4; j++) {', '  y[j] = 0.0f;', '}',
  '#pragma unroll 2', 'for (unsigned j = 0; j < 4; j++) {', '  y[j] = 0.0f;', '}',
  'for (unsigned j = 0; j < 4; j++) {  // repeat(4)', '  y[j] = 0.0f;', '}')
  const return_: Stmt = { kind: 'jump', to: 'return', origins: [] }
  check('branches', [when(op('<', thread, 8), [store(y, 0, 1)], [
    when(op('<', thread, 16), [return_], [barrier])
  ])],
  'if (threadIdx.x < 8) {', '  y[0] = 1.0f;', '} else if (threadIdx.x < 16) {', '  return;', '} else {',
  '  __syncthreads();', '}')
  check('while', [{ kind: 'while', condition: op('<', thread, 8), body: [return_], origins: [] }],
    'while (threadIdx.x < 8) {', '  return;', '}')
  check('assert', [{
    kind: 'effect', effect: 'assert', condition: op('<', thread, 8), message: 'too\nmany', origins: []
  }], 'if (!(threadIdx.x < 8)) trap();  // too many')
  const old = variable('old', 'f32')
  check('atomic_add with the former value', [
    { kind: 'effect', effect: 'atomic_add', buffer: y, indices: [thread], value: at(x, 0), old, origins: [] },
    store(y, 0, old)
  ], 'const float old = atomic_add_global(&y[threadIdx.x], x[0]);', 'y[0] = old;')
})

describe('memory', () => {
  const s = buffer('s', 'f32', 'shared', 64)
  const r = buffer('r', 'f32', 'register', 8)
  const one = buffer('one', 'f32', 'register', 1)
  const half = buffer('half', 'f16', 'register', 8)
  check('shared', [allocate(s)], '__shared__ float s[64];')
  check('shared, with wide accesses', [allocate(s), allocate(r), copy(4, r, 4, s, 0), copy(2, s, 0, r, 0)],
    '__shared__ __align__(16) float s[64];', '__align__(16) float r[8];', '',
    '*(float4 *)&r[4] = *(const float4 *)s;', '*(float2 *)s = *(const float2 *)r;')
  check('shared, with a value', [allocate(s, 1)],
    '__shared__ float s[64];', 'for (unsigned i = threadIdx.x; i < 64; i += 32) {', '  s[i] = 1.0f;', '}',
    '__syncthreads();')
  check('registers', [allocate(r)], 'float r[8];')
  check('registers, zero', [allocate(r, 0)], 'float r[8] = {};')
  check('registers, not zero', [allocate(r, -0)],
    'float r[8];', '#pragma unroll', 'for (unsigned i = 0; i < 8; i++) {', '  r[i] = -0.0f;', '}')
  check('a register of one cell is a variable', [allocate(one, 0), store(one, 0, op('+', at(one, 0), at(x, 0)))],
    'float one = 0.0f;', '', 'one += x[0];')
  check('eight halves are 16 bytes', [allocate(half), copy(8, half, 0, half, 0), copy(2, half, 2, half, 0)],
    '__align__(16) f16 half[8];', '', '*(uint4 *)half = *(const uint4 *)half;',
    '*(unsigned *)&half[2] = *(const unsigned *)half;')
  const copied = (bytes: number, condition?: Expr): Stmt =>
    ({ ...copy(bytes / 4, s, 0, x, thread), async: { condition } })
  check('asynchronous copies', [
    allocate(s), copied(16), copied(4, less(thread, 8)), { kind: 'effect', effect: 'commit_group', origins: [] },
    { kind: 'effect', effect: 'wait_group', pending: 2, origins: [] }
  ],
  '__shared__ __align__(16) float s[64];', '', 'copy_async_16(s, &x[threadIdx.x]);',
  'copy_async_4(s, &x[threadIdx.x], threadIdx.x < 8);', 'commit_group();', 'wait_group<2>();')
  const other = buffer('other', 'f16', 'shared', 32)
  check('reuse makes one array', [allocate(s), barrier, allocate(other, undefined, [s])],
    '__shared__ __align__(16) unsigned char shared_memory[256];', 'float (&s)[64] = *(float (*)[64])shared_memory;', '',
    '__syncthreads();', '', 'f16 (&other)[32] = *(f16 (*)[32])shared_memory;')
  const large = buffer('large', 'f32', 'shared', 12288)
  check('48 KiB are static', [allocate(large)], '__shared__ float large[12288];')
  check('more is dynamic', [allocate(large), allocate(s)],
    'extern __shared__ __align__(16) unsigned char shared_memory[];', 'float (&large)[12288] = *(float (*)[12288])shared_memory;',
    'float (&s)[64] = *(float (*)[64])(shared_memory + 49152);')
  it('is dynamic above 48 KiB', () => {
    expect([[allocate(large)], [allocate(large), allocate(s)]].map(body =>
      isDynamic(sharedMemory(kernel({ body })), sm_80))).toEqual([false, true])
  })
})

describe('names', () => {
  const [a, b] = [variable('i'), variable('i')]
  check('in one scope', [let_(a, 1), let_(b, a)], 'const unsigned i = 1;', 'const unsigned i_2 = i;')
  check('in nested scopes', [loop('i', 4, outer => [loop('i', 4, inner => [store(y, add(outer, inner), 0)])])],
    '#pragma unroll', 'for (unsigned i = 0; i < 4; i++) {', '  #pragma unroll',
    '  for (unsigned i_2 = 0; i_2 < 4; i_2++) {', '    y[i + i_2] = 0.0f;', '  }', '}')
  check('of CUDA and C++', ['float', 'threadIdx', 'x', '_', '__a', '2d', 'relu.y', 'max'].map(name =>
    let_(variable(name), 1)),
  ...['float_', 'threadIdx_', 'x', '_', 'x_a_', 'x2d', 'relu_y', 'max_'].map(name => `const unsigned ${name} = 1;`))
})

describe('long lines', () => {
  const terms = (count: number) =>
    add(...Array.from({ length: count }, (_, n) => at(x, add(mul(block, 1000 + n), thread))))
  check('end before the loosest operator', [store(y, 0, terms(7))],
    'y[0] = x[blockIdx.x * 1000 + threadIdx.x] + x[blockIdx.x * 1001 + threadIdx.x] + x[blockIdx.x * 1002 + threadIdx.x]',
    '    + x[blockIdx.x * 1003 + threadIdx.x] + x[blockIdx.x * 1004 + threadIdx.x] + x[blockIdx.x * 1005 + threadIdx.x]',
    '    + x[blockIdx.x * 1006 + threadIdx.x];')
  check('end behind the assignment, where the value fits one line', [store(y, add(mul(block, 1000), thread), terms(3))],
    'y[blockIdx.x * 1000 + threadIdx.x] =',
    '    x[blockIdx.x * 1000 + threadIdx.x] + x[blockIdx.x * 1001 + threadIdx.x] + x[blockIdx.x * 1002 + threadIdx.x];')
})

describe('comments', () => {
  it('go on as comments', () => {
    const n = variable('columns', 'index', 'extent')
    const tiles = op('*', op('/', add(n, 191), 192), op('/', add(n, 127), 128))
    const grid = [op('*', tiles, tiles), op('*', tiles, 3)]
    const { text } = printCuda(program('p', [], [{ grid, body: [] }], { extents: [n] }), sm_80)
    const lines = text.split('\n').slice(2)
    expect(lines[0]).toMatch(/^\/\/ grid \(\(columns \+ 191\) \/ 192 /)
    expect(lines.findIndex(line => !line.startsWith('//'))).toBe(3)
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(120)
  })
  const [short, longer, far] = [variable('a'), variable('longer'), variable('f')]
  check('stand in one column', [let_(short, 1, 'repeat(2)'), let_(longer, 2, 'spatial(4)'), let_(far, 3)],
    'const unsigned a = 1;       // repeat(2)', 'const unsigned longer = 2;  // spatial(4)', 'const unsigned f = 3;')
  check('not in that of another margin', [loop('j', 4, () => [let_(longer, 2, 'spatial(4)')], 'automatic', 'repeat(4)')],
    'for (unsigned j = 0; j < 4; j++) {  // repeat(4)', '  const unsigned longer = 2;  // spatial(4)', '}')
  const long = Array.from({ length: 8 }, (_, n) => `spatial(4, ${n + 1})`).join(' * ')
  check('stand above what they do not fit behind', [let_(short, 1, long), let_(longer, 2, 'repeat(2)')],
    `// ${long}`, 'const unsigned a = 1;', 'const unsigned longer = 2;  // repeat(2)')
})

describe('kernels', () => {
  const blocks = (target: string, threads: readonly number[], minBlocks: number) =>
    emittedMinBlocks(kernel({ block: threads, minBlocks, body: [] }), architecture(target))
  it('min_blocks is at most what the architecture allows', () => {
    expect([
      blocks('sm_80', [256], 2), blocks('sm_75', [32], 25), blocks('sm_86', [32], 25), blocks('sm_89', [32], 25),
      blocks('sm_90', [32], 40), blocks('sm_75', [512], 4), blocks('sm_80', [16, 16, 4], 4), blocks('sm_80', [32], 0)
    ]).toEqual([2, 16, 16, 24, 32, 2, 2, undefined])
  })
  it('takes what it uses, in order', () => {
    const [m, n] = [variable('m', 'u32', 'extent'), variable('n', 'u32', 'extent')]
    const w = buffer('w', 'f32', 'workspace', 64)
    const p = program('op.schedule', [x, y], [
      { name: 'one', body: [store(w, thread, at(x, 0))] }, { name: 'two', body: [when(op('<', thread, n), [
        store(y, thread, at(w, thread))])] }
    ], { extents: [m, n], workspaces: [{ buffer: w, value: undefined }] })
    expect(p.kernels.map(k => [kernelName(p, k), ...kernelArguments(p, k).map(a => a.name)]))
      .toEqual([['op_schedule_one', 'x', 'w'], ['op_schedule_two', 'y', 'w', 'n']])
    expect(printCuda(p, sm_80).text).toContain(
      'op_schedule_two(float *__restrict__ y, const float *__restrict__ w, unsigned n) {')
  })
  it('a program whose name is taken', () => {
    const p = program('exp', [], [{ body: [] }])
    expect(kernelName(p, p.kernels[0]!)).toBe('exp_')
  })
  it('parameters that do not fit a line', () => {
    const many: Buffer[] = Array.from({ length: 5 }, (_, n) => buffer(`parameter_${n}`, 'f32', 'input', 64))
    const body = [store(y, 0, add(...many.map(b => at(b, 0))))]
    expect(printCuda(program('p', [...many, y], [{ body }]), sm_80).text).toContain([
      'p(', ...many.map(b => `  const float *__restrict__ ${b.name},`), '  float *__restrict__ y', ') {', ''
    ].join('\n'))
  })
  it('only wrappers that are used', () => {
    const text = (body: readonly Stmt[]) => printCuda(program('p', [x, y], [{ body }]), sm_80).text
    expect(text([store(y, 0, 1)])).not.toContain('static')
    expect(text([store(y, 0, fn('shfl_down_sync', at(x, 0), expr(1)))]).match(/^static .*$/gm)).toEqual([
      'static __device__ __forceinline__ float shfl_down_sync(float value, unsigned distance) {'
    ])
  })
})

describe('whole files', () => {
  it.each(Object.keys(examples))('%s', async name => {
    const golden = path.join(import.meta.dirname, 'goldens', `${name}.cu`)
    await expect(printCuda(examples[name]!(), sm_80).text).toMatchFileSnapshot(golden)
  })
})
