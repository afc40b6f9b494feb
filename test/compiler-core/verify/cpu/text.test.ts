import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kernelArguments, kernelName, printCuda } from '../../../../compiler-core/codegen/cuda.ts'
import { compile } from '../../../../compiler-core/compile/compile.ts'
import type { Expr, Kernel, Program } from '../../../../compiler-core/ir/ir.ts'
import { createProgram } from '../../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../../compiler-core/library/library.ts'
import { architectureNamed } from '../../../../compiler-core/target/architectures.ts'
import { readLines } from '../../../../compiler-core/verify/cpu/lines.ts'
import { prepare } from '../../../../compiler-core/verify/cpu/text.ts'
import { needs } from '../../../harness/needs.ts'
import { examples } from '../../codegen/examples.ts'
import { tracedProgram } from '../../codegen/random.ts'
import logger from './logger.cpp'
import { compileCpp, inFolder, kernelFlags, runProgram } from './support.ts'

const head = `extern "C" __global__ void __launch_bounds__(32)
k(
  const float *__restrict__ x, const f16 *__restrict__ h, const int *__restrict__ n, float *__restrict__ y,
  f16 *__restrict__ g
) {
`

/** The prepared lines of a body; behind those with accesses, ` <- ` and what: `writes | reads`, or once if equal. */
function check(title: string, body: string, ...expected: readonly string[]): void {
  it(title, () => {
    const text = `${head}${body}\n}\n`
    const prepared = mustPrepare(text)
    const shown = prepared.text.trimEnd().split('\n').map((line, i) => {
      const span = (write: boolean) => {
        const found = prepared.spanOfLine(i + 1, write)
        return found && text.slice(found.start, found.end)
      }
      const [writes, reads] = [span(true), span(false)]
      const whole = text.split('\n').some(l => l.trim().replace(/ *\/\/.*/, '') === writes)
      return `${line.trim()}${whole ? '' : ` <- ${writes}${reads === writes ? '' : ` | ${reads}`}`}`
    })
    expect(shown.slice(5, -1)).toEqual(expected)
  })
}

function mustPrepare(text: string): Extract<ReturnType<typeof prepare>, { text: string }> {
  const prepared = prepare({ text })
  if ('unknown' in prepared) throw new Error(prepared.unknown)
  return prepared
}

describe('the text for g++', () => {
  check('a member of the name of memory', '  y[threadIdx.y] = x[threadIdx.x];',
    'y[threadIdx.y] = <- y[threadIdx.y]',
    '({ const auto heddle__r = x[threadIdx.x]; heddle__r; }); <- x[threadIdx.x]')
  check('reads', '  const float v = x[i] * x[j + 1] + r[2];',
    'const float v =',
    '({ const auto heddle__r = x[i]; heddle__r; }) * <- x[i]',
    '({ const auto heddle__r = x[j + 1]; heddle__r; }) + r[2]; <- x[j + 1]')
  check('a write', '  y[i] = v;', 'y[i] = v; <- y[i]')
  check('a write of what is read', '  y[i * 4] = x[i];',
    'y[i * 4] = <- y[i * 4]', '({ const auto heddle__r = x[i]; heddle__r; }); <- x[i]')
  check('an update', '  y[i] += x[i];',
    'y[i] += <- y[i]', '({ const auto heddle__r = x[i]; heddle__r; }); <- x[i]')
  check('a comparison is no write', '  if (y[i] == 0.0f && v <= y[j]) {\n    y[0] = 1.0f;\n  }',
    'if (', '({ const auto heddle__r = y[i]; heddle__r; }) == 0.0f && v <= <- y[i]',
    '({ const auto heddle__r = y[j]; heddle__r; })) { <- y[j]', 'y[0] = 1.0f; <- y[0]', '}')
  check('a read at an index that is read', '  y[0] = x[n[i] * 2];',
    'y[0] = <- y[0]',
    '({ const auto heddle__i = <- x[n[i] * 2]', '({ const auto heddle__r = n[i]; heddle__r; }) * 2; <- n[i]',
    'const auto heddle__r = x[heddle__i]; heddle__r; }); <- x[n[i] * 2]')
  check('a write at an index that is read', '  y[n[i]] = 1.0f;',
    'y[ <- y[n[i]]', '({ const auto heddle__r = n[i]; heddle__r; }) <- n[i]', '] = 1.0f; <- y[n[i]]')
  check('16-bit floats', '  g[i] = h[i] + h[j];',
    'g[i].bits = ( <- g[i]',
    'heddle_of<f16>(({ const auto heddle__r = h[i].bits; heddle__r; })) + <- h[i]',
    'heddle_of<f16>(({ const auto heddle__r = h[j].bits; heddle__r; }))).bits; <- h[j]')
  check('tf32', '  __shared__ tf32 s[8];\n  s[i] = tf32(float(s[j]));',
    'tf32 (&s)[8] = *(tf32 (*)[8])heddle_shared(0, sizeof(tf32[8]));',
    's[i].value = ( tf32(float( <- s[i]',
    'heddle_of<tf32>(({ const auto heddle__r = s[j].value; heddle__r; }))))).value; <- s[j]')
  check('copies', '  *(float4 *)&y[i] =\n      *(const float4 *)x;\n  *(float4 *)r = *(const float4 *)&x[n[i] * 4];',
    '*(float4 *)&y[i] = *(const float4 *)x; <- *(float4 *)&y[i] | *(const float4 *)x',
    '*(float4 *)r = *(const float4 *)&x[ <- *(const float4 *)&x[n[i] * 4]',
    '({ const auto heddle__r = n[i]; heddle__r; }) * 4 <- n[i]',
    ']; <- *(const float4 *)&x[n[i] * 4]')
  check('barriers', '  if (i < 4) {  // some\n    __syncthreads();\n  }', 'if (i < 4) {', '__syncthreads(); <- __syncthreads()', '}')
  check('loops with accesses', `  #pragma unroll
  for (unsigned i = 0; i < 4; i++) {\n    v += r[i];\n  }
  for (unsigned i = 0; i < 4; i++) {\n    while (v < 3) {\n      *(float4 *)r = *(const float4 *)x;\n    }\n  }`,
  'for (unsigned i = 0; i < 4; i++) {', 'v += r[i];', '}',
  'for (unsigned i = 0; i < 4; i++) { HEDDLE_STEP(0);', 'while (v < 3) { HEDDLE_STEP(1);',
  '*(float4 *)r = *(const float4 *)x; <- *(const float4 *)x', '} HEDDLE_DONE(1);', '} HEDDLE_DONE(0);')
  check('shared memory', '  __shared__ __align__(16) unsigned short s[64];\n  __shared__ float t[8];\n  s[0] = t[1];',
    'unsigned short (&s)[64] = *(unsigned short (*)[64])heddle_shared(0, sizeof(unsigned short[64]));',
    'float (&t)[8] = *(float (*)[8])heddle_shared(1, sizeof(float[8]));',
    's[0] = <- s[0]', '({ const auto heddle__r = t[1]; heddle__r; }); <- t[1]')
  check('an arena', `  extern __shared__ __align__(16) unsigned char shared_memory[];
  f16 (&s)[64] = *(f16 (*)[64])(shared_memory + 64);\n  s[0] = h[1];`,
  'unsigned char *const shared_memory = (unsigned char *)heddle_shared(0, 0);',
  'f16 (&s)[64] = *(f16 (*)[64])(shared_memory + 64);',
  's[0].bits = ( <- s[0]', 'heddle_of<f16>(({ const auto heddle__r = h[1].bits; heddle__r; }))).bits; <- h[1]')
  check('memory of a scope ends with it', '  {\n    __shared__ float r[4];\n    r[0] = 1;\n  }\n  r[0] = r[1];',
    '{', 'float (&r)[4] = *(float (*)[4])heddle_shared(0, sizeof(float[4]));', 'r[0] = 1; <- r[0]', '}',
    'r[0] = r[1];')

  it('puts calls of wrappers with `asm` into lines of their own', () => {
    const text = printCuda(examples['histogram']!(), architectureNamed('sm_80')!).text
    const prepared = mustPrepare(text)
    const calls = prepared.text.split('\n').flatMap((line, i) => {
      const span = prepared.spanOfLine(i + 1, false)
      return / *atomic_add_\w+\(/.test(line) && span ? [text.slice(span.start, span.end)] : []
    })
    expect(calls).toEqual(['atomic_add_shared(&bins[unsigned(bin)], 1u)', 'atomic_add_global(&counts[threadIdx.x], bins[threadIdx.x])'])
  })
  it('gives each access of random programs a line, and no line two', () => {
    fc.assert(fc.property(tracedProgram, ({ program }) => {
      const { text } = printCuda(program, architectureNamed('sm_80')!)
      const prepared = mustPrepare(text)
      const sites = prepared.text.split('\n').flatMap((_, i) =>
        [true, false].map(write => prepared.spanOfLine(i + 1, write)?.start))
      const accesses = [...text.matchAll(/(?<!&)\b[xy]\d{4}\[/g)].map(m => m.index)
      expect(accesses.filter(at => !sites.includes(at))).toEqual([])
    }))
  })
  it('names an instruction that it does not know', () => {
    const wrapper = 'static void f(unsigned x) {\n  asm("bfind.u32 %0, %1;" : "=r"(x) : "r"(x));\n}\n'
    expect(prepare({ text: wrapper + head })).toEqual({ unknown: 'bfind.u32 %0, %1' })
  })
})

// ---------------------------------------------------------------- what g++ makes of the lines

const gxx = needs('g++')
const uri = 'file:///project/main.heddle'
const pipelined = readFileSync('docs/examples/9-copies-that-arrive-later.heddle', 'utf8')

/** The program after lowering. */
function lowered(declarations: string, target: string): Program {
  const text = `${libraryImports.map(i => `import "${i}"\n`).join('')}${declarations}`
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///project/'], target })
  const { stages, problems } = compile(program, uri, 'it')
  const last = stages.at(-1)?.program
  if (!last) throw new Error(problems.map(p => p.diagnostic.message).join('\n'))
  return last
}

const instances = [
  'batch_matmul.simt(batch: 2, m: 37, n: 45, k: 11)', 'batch_matmul.simt(batch: 1, m: 256, n: 256, k: 64)',
  'batch_matmul.simt(T: bf16, batch: 1, m: 33, n: 40, k: 16)', 'add.flat(T: f16, s: (4, 8, 64), t: (8, 1))',
  'cast.flat(T: tf32, U: bf16, s: (37,))', 'gather.flat(s: (40, 6), t: (8,), axis: 0)',
  'select.flat(r: (4, 4), s: (4, 4), t: (1,))', 'reduce.warp_per_result(T: f16, s: (5, 70), axes: (1,), op: avg)',
  'arg_max.warp_per_result(s: (3, 100), axis: 1)', 'softmax.warp_per_row(s: (7,), n: 100)',
  'layer_norm.block_per_row(s: (3,), n: 100)'
]
const programs: Readonly<Record<string, () => Program>> = {
  ...Object.fromEntries(instances.map(i => [i, () => lowered(`instance it = ${i}`, 'sm_80')])),
  'a fused graph': () => lowered(`graph it(a: f32[1, 20, 36], b: f16[1, 36, 28]) {
    return relu(batch_matmul(a, cast(b, U: f32)))
  }`, 'sm_80'),
  pipeline: () => lowered(`${pipelined}\ninstance it = batch_matmul.pipelined(warps: (1, 1), batch: 1, m: 33, n: 30, k: 41)`, 'sm_80'),
  'wide pipeline': () => lowered(`${pipelined}\ninstance it = batch_matmul.pipelined(batch: 1, m: 128, n: 128, k: 64)`, 'sm_80'),
  ...examples
}

describe(`the lines of g++ (${gxx.label})`, () => {
  it.skipIf(gxx.missing)('name the access that each instruction makes', () => {
    inFolder({ 'logger.cpp': logger }, folder => {
      compileCpp(folder, ['-O1', '-c', 'logger.cpp', '-o', 'logger.o'])
      for (const [name, make] of Object.entries(programs)) {
        const program = make()
        for (const flags of kernelFlags) {
          for (const kernel of program.kernels) expect(misnamed(folder, program, kernel, flags), name).toEqual([])
        }
      }
    })
  }, 300_000)
})

/** Runs one kernel; the instructions whose line does not name the memory that they touch, or reads what they write. */
function misnamed(folder: string, program: Program, kernel: Kernel, flags: readonly string[]): readonly string[] {
  const { text } = printCuda(program, architectureNamed('sm_80')!)
  const prepared = mustPrepare(text)
  const args = kernelArguments(program, kernel)
  const values = args.map((a, i) => 'scope' in a ? `region(${i})` : '70u')
  const types = args.map(a => 'scope' in a ? 'void *' : 'unsigned')
  const name = kernelName(program, kernel)
  const entry = `extern "C" void ${name}_(${types.join(', ')}) asm("${name}");
extern "C" void run_kernel(char *(*region)(unsigned)) { ${name}_(${values.join(', ')}); }
`
  return inFolder({ 'kernel.cpp': prepared.text + entry }, own => {
    compileCpp(own, [...flags, '-c', 'kernel.cpp', '-o', 'kernel.o'])
    compileCpp(own, ['kernel.o', path.join(folder, 'logger.o'), '-o', 'run'])
    const threads = kernel.block[0] * kernel.block[1] * kernel.block[2]
    const log = runProgram(own, 'run', [String(threads), String(blocksOf(kernel.grid[0]))]).toString()
    const lineOf = readLines(readFileSync(path.join(own, 'run')), 'kernel.cpp')
    const touched = [...log.matchAll(/^(pc|line) (\w+) ([ps])(\d+) (\d+) (\w+)$/gm)]
    expect(touched.length).toBeGreaterThan(0)
    return touched.flatMap(([whole, what, place, space, number, offset, kind]) => {
      const line = what === 'pc' ? lineOf(parseInt(place!, 16)) : parseInt(place!, 16)
      const span = line === undefined ? undefined : prepared.spanOfLine(line, kind === 'write')
      const access = span && text.slice(span.start, span.end)
      const found = access && /^(?:\*\([^)]*\)|\w+\()?&?(\w+)/.exec(access)?.[1]
      const names = space === 'p' ? [args[Number(number)]!.name] : sharedNames(text, Number(number), Number(offset))
      const isWrite = span && /^\s*(?:[+\-*/%&|^]|<<|>>)?=(?!=)/.test(text.slice(span.end))
      const isCall = access !== undefined && /^(?:\w+\(|&)/.test(access)
      const right = found !== undefined && names.includes(found) && (isCall || kind === 'read' || isWrite)
      return right ? [] : [`${whole}: ${line}: ${access}, expected ${names.join(' or ')}`]
    })
  })
}

function blocksOf(extent: Expr): number {
  return extent.kind === 'constant' ? Number(extent.value) : 1
}

/** Of the k-th shared array of a text, or of the arrays in it that have the byte. */
function sharedNames(text: string, k: number, byte: number): readonly string[] {
  const declaration = [...text.matchAll(/__shared__ (?:__align__\(\d+\) )?[\w ]+ (\w+)\[\d*\];/g)][k]!
  if (declaration[1] !== 'shared_memory') return [declaration[1]!]
  const kernel = text.slice(declaration.index).split('extern "C"')[0]!
  const parts = /^ *([\w ]+) \(&(\w+)\)\[(\d+)\] = .*?(?:\+ (\d+)\))?;$/gm
  return [...kernel.matchAll(parts)].flatMap(([, type, name, cells, start = '0']) => {
    const end = Number(start) + Number(cells) * bytesOfTypes[type!]!
    return Number(start) <= byte && byte < end ? [name!] : []
  })
}

const bytesOfTypes: Readonly<Record<string, number>> = { float: 4, unsigned: 4, f16: 2, bf16: 2 }
