// Verifies what the library promises, on both engines: `npm run prove` writes the table of docs/verification.md.
//
// Some minutes: every candidate of the SIMT matmul and of two fused graphs at awkward sizes, every other schedule.
// `npm run prove -- NAME` does the groups whose title has NAME, and writes nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openSubject } from '../compiler-core/compile/subjects.ts'
import { createProgram } from '../compiler-core/language/program.ts'
import { libraryImports } from '../compiler-core/library/library.ts'
import { spaceOf } from '../compiler-core/schedule/space.ts'
import { engineNames, type EngineName } from '../compiler-core/verify/engine.ts'
import { openJob } from '../compiler-core/verify/job.ts'
import { findingsOf, type Verification } from '../compiler-core/verify/verify.ts'
import { createVerifiers } from '../compiler-core/verify/workers.ts'
import { root, scratch } from './paths.ts'

interface Group {
  readonly title: string
  /** Each an instance or a graph of its own, named `i`. */
  readonly declarations: readonly string[]
  /** What stands above them; the library's imports when absent. */
  readonly file?: string
  /** Undefined: the default alone; a number: so many of level 2, seeded. */
  readonly candidates?: 'all' | number
}

const simt = (batch: number, m: number, n: number, k: number): string =>
  `instance i = batch_matmul.simt(batch: ${batch}, m: ${m}, n: ${n}, k: ${k})`
const lengths = [1, 31, 33, 1000, 10_007]
const ranks = ['1003', '(3, 335)', '(3, 5, 67)', '(3, 5, 7, 11)', '(1, 3, 5, 7, 11)', '(3, 1, 5, 2, 7, 9)']
const transpositions = [
  ['(33, 31)', '(1, 0)', 'f32'], ['(3, 33, 40)', '(0, 2, 1)', 'f16'], ['(2, 13, 7, 33)', '(0, 3, 1, 2)', 'f32'],
  ['(2, 33, 7, 9)', '(0, 2, 3, 1)', 'i64'], ['(5, 37, 3, 11)', '(2, 3, 0, 1)', 'f32'], ['(9, 10, 11)', '(2, 1, 0)', 'bool'],
  ['(1, 40, 12, 64)', '(0, 2, 3, 1)', 'f32'], ['(3, 5, 8, 2, 9, 14)', '(3, 5, 1, 0, 4, 2)', 'f32']
] as const
const broadcasts = ['7', '(10, 1)', '(4, 10, 7)', '(1, 1, 7)']

const groups: readonly Group[] = [
  { title: 'SIMT matmul, (m, n, k) = (37, 45, 11)', declarations: [simt(1, 37, 45, 11)], candidates: 'all' },
  { title: 'SIMT matmul, (33, 130, 9)', declarations: [simt(1, 33, 130, 9)], candidates: 'all' },
  { title: 'SIMT matmul, (127, 131, 137), batch 3', declarations: [simt(3, 127, 131, 137)], candidates: 20 },
  {
    title: 'relu(batch_matmul(cast(a), b) + bias), fused', candidates: 'all',
    declarations: [`graph i(a: f16[1, 40, 12], b: f32[1, 12, 36], bias: f32[36]) {
  return relu(batch_matmul(cast(a, U: f32), b) + bias)
}`]
  },
  {
    title: 'relu(transpose(reshape(batch_matmul(a, b))) + bias), fused', candidates: 'all',
    declarations: [`graph i(a: f32[1, 196, 8], b: f32[1, 8, 20], bias: f32[1, 20, 1, 1]) {
  let c = reshape(batch_matmul(a, b), to: (1, 14, 14, 20))
  return relu(transpose(c, perm: (0, 3, 1, 2)) + bias)
}`]
  },
  {
    title: 'matmul whose tiles arrive by cp.async, (37, 45, 52) and (33, 130, 41) twice', candidates: 'all',
    file: 'docs/examples/9-copies-that-arrive-later.heddle',
    declarations: [[1, 37, 45, 52], [2, 33, 130, 41]].map(([batch, m, n, k]) =>
      `instance i = batch_matmul.pipelined(batch: ${batch}, m: ${m}, n: ${n}, k: ${k})`)
  },
  {
    title: `softmax, rows of ${lengths.join(', ')}`,
    declarations: lengths.flatMap(n => [
      ...n <= 2048 ? [`instance i = softmax.warp_per_row(s: 3, n: ${n})`] : [], `instance i = softmax.online(s: 3, n: ${n})`
    ])
  },
  {
    title: `log softmax, rows of ${lengths.join(', ')}`,
    declarations: lengths.flatMap(n => [
      ...n <= 2048 ? [`instance i = log_softmax.warp_per_row(s: 3, n: ${n})`] : [],
      `instance i = log_softmax.online(s: 3, n: ${n})`
    ])
  },
  {
    title: `layer norm, standardise, rms norm, rows of ${lengths.join(', ')}`,
    declarations: ['layer_norm', 'standardise', 'rms_norm'].flatMap(norm => lengths.flatMap(n => [
      ...n <= 1024 ? [`instance i = ${norm}.warp_per_row(s: 3, n: ${n})`] : [],
      `instance i = ${norm}.block_per_row(s: 3, n: ${n})`
    ]))
  },
  {
    title: `reductions over ${lengths.join(', ')}`,
    declarations: lengths.flatMap(n => [
      ...['sum', 'prod', 'max', 'min', 'avg'].flatMap(op => [
        `instance i = reduce.warp_per_result(s: (3, ${n}), axes: 1, op: ${op})`,
        `instance i = reduce.thread_per_result(s: (${n}, 5), axes: 0, op: ${op}, keep: true)`,
        ...n >= 128 ? [`instance i = reduce.columns_of_threads(s: (${n}, 5), axes: 0, op: ${op})`] : [],
        ...n >= 1024 ? [`instance i = reduce.block_per_result(s: (3, ${n}), axes: 1, op: ${op})`] : []
      ]),
      `instance i = arg_max.warp_per_result(s: (3, ${n}), axis: 1)`,
      `instance i = arg_min.thread_per_result(s: (${n}, 5), axis: 0)`,
      ...n >= 128 ? [`instance i = arg_max.columns_of_threads(s: (${n}, 5), axis: 0)`] : [],
      ...n >= 1024 ? [`instance i = arg_min.block_per_result(s: (3, ${n}), axis: 1, last: true)`] : []
    ])
  },
  {
    title: 'a matrix and a vector, m or n of 1, 31, 33, 1000, k of 1, 31, 33, 10007',
    declarations: [1, 31, 33, 1000].flatMap(m => [1, 31, 33, 10_007].flatMap(k => [
      `instance i = batch_matmul.row_per_warp(batch: 2, m: ${m}, n: 1, k: ${k})`,
      `instance i = batch_matmul.column_per_threads(batch: 2, m: 1, n: ${m}, k: ${k})`
    ]))
  },
  {
    title: 'depthwise convolution, 5 x 5 with stride 2, all candidates', candidates: 'all',
    declarations: [`instance i = depthwise_conv.staged(n: 1, c: 13, h: 15, w: 18, size: (5, 5), strides: (2, 2),
  dilations: (1, 1), before: (2, 1), after: (1, 2))`]
  },
  {
    title: 'relu(depthwise_conv(relu(x), w) + b), fused', candidates: 20,
    declarations: [`graph i(x: f32[1, 13, 9, 17], w: f32[13, 1, 3, 3], b: f32[13, 1, 1]) {
  return relu(depthwise_conv(relu(x), w, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)) + b)
}`]
  },
  {
    title: 'transpositions through shared memory',
    declarations: transpositions.map(([s, perm, type]) =>
      `instance i = transpose.through_shared(T: ${type}, s: ${s}, perm: ${perm})`)
  },
  {
    title: 'windows: pools and grouped convolutions, fused',
    declarations: [
      'max_pool(x, (3, 3), (2, 2), (1, 1), (1, 1), (8, 9))', 'max_position(x, (3, 3), (2, 2), (1, 1), (1, 1), (8, 9))',
      'average_pool(x, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), (8, 9))', 'norm_pool(x, (2, 3), (1, 2), (1, 1), (0, 1), (14, 9))',
      'conv(x, w, (1, 1), (1, 1), (1, 1), (1, 1), 2)', 'conv(x, w, (2, 1), (1, 2), (2, 0), (1, 2), 2)', 'local_response(x, 3)'
    ].map(windows => `graph i(x: f32[2, 4, 15, 17], w: f32[6, 2, 3, 3]) { return ${windows} }`)
  },
  {
    title: 'element by element, rank 1 to 6',
    declarations: [
      ...ranks.flatMap(s => ['relu', 'gelu', 'sigmoid', 'sine'].map(f => `instance i = ${f}.flat(s: ${s})`)),
      ...ranks.map(s => `instance i = cast.flat(s: ${s}, U: f16)`),
      ...broadcasts.map(t => `instance i = add.flat(s: (4, 10, 7), t: ${t})`),
      ...broadcasts.map(t => `instance i = divide.flat(s: (4, 10, 7), t: ${t})`)
    ]
  },
  {
    title: 'data movement',
    declarations: [
      'instance i = transpose.flat(s: (7, 33, 5), perm: (2, 0, 1))', 'instance i = reshape.flat(s: (9, 35), to: (15, 21))',
      'instance i = pad2d.flat(n: 1, c: 2, h: 13, w: 15, p: 1)', 'instance i = concat.flat(s: (2, 33), t: (4, 33), axis: 0)',
      'instance i = slice.flat(s: (19, 18), begin: (1, 2), size: (6, 7), step: (3, 2))',
      'instance i = expand.flat(s: (7, 1), to: (3, 7, 5))', 'instance i = gather.flat(s: (11, 6), t: (5, 3))'
    ]
  },
]

interface Tally {
  readonly title: string
  readonly programs: number
  readonly right: Readonly<Record<EngineName, number>>
  readonly elements: number
  readonly wrong: readonly string[]
  readonly seconds: number
}

const cacheFolder = path.join(scratch, 'verify-cache')
const verifiers = createVerifiers(os.availableParallelism(), { cacheFolder })

async function prove({ title, declarations, candidates, file }: Group): Promise<Tally> {
  const start = performance.now()
  const above = file === undefined ? libraryImports.map(i => `import "${i}"`).join('\n')
    : readFileSync(path.join(root, file), 'utf8')
  const each = declarations.flatMap(declaration => {
    const text = `${above}\n${declaration}\n`
    return pointsOf(text, candidates).map(index => ({ declaration, text, index }))
  })
  const wrong: string[] = []
  const right: Record<EngineName, number> = { interpreter: 0, cpu: 0 }
  let elements = 0
  const next = each.values()
  const lane = async (): Promise<void> => {
    for (const { declaration, text, index } of next) {
      const { verification, problems } = await verified(text, index)
      for (const e of verification?.engines ?? []) {
        if (e.verdict === 'right') right[e.engine]++
        elements += e.runs.reduce((n, r) => n + r.compared, 0)
      }
      const name = index === undefined ? declaration : `${declaration} candidate ${index}`
      if (verification?.verdict !== 'right') wrong.push(`${name}: ${problems}`)
    }
  }
  await Promise.all(Array.from({ length: verifiers.threads }, lane))
  return { title, programs: each.length, right, elements, wrong, seconds: (performance.now() - start) / 1000 }
}

const uri = 'file:///proof/main.heddle'
function programOf(text: string) {
  return createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///proof/'] })
}

function pointsOf(text: string, candidates: Group['candidates']): ReadonlyArray<number | undefined> {
  if (candidates === undefined) return [undefined]
  const { subject } = openSubject(programOf(text), uri, 'i')
  const all = (subject && spaceOf(subject.schedule, 2))?.candidates.map(c => c.index) ?? []
  return candidates === 'all' ? all : all.map(i => ({ i, key: (i * 7919 + 104_729) % 7907 }))
    .sort((a, b) => a.key - b.key).slice(0, candidates).map(({ i }) => i)
}

async function verified(
  text: string, index: number | undefined
): Promise<{ verification: Verification | undefined; problems: string }> {
  const candidate = index === undefined ? undefined : { level: 2, index }
  const options = { candidate, engines: engineNames, exhaustive: true, counts: false }
  const { job, problems } = openJob(programOf(text), uri, 'i', options)
  const verification = job && await verifiers.verify(job)
  const found = verification ? findingsOf(verification).map(f => f.message) : []
  const reasons = verification?.engines.flatMap(e => e.reason ?? []) ?? []
  const said = [...problems.map(p => p.diagnostic.message), ...found, ...reasons]
  return { verification, problems: said.join(' ') }
}

const only = process.argv[2]
const tallies: Tally[] = []
for (const group of groups.filter(g => only === undefined || g.title.includes(only))) {
  const tally = await prove(group)
  tallies.push(tally)
  const { title, programs, right, seconds, wrong } = tally
  console.log(`${title}: ${programs}, right: interpreter ${right.interpreter}, cpu ${right.cpu}, ${seconds.toFixed(0)} s`)
  for (const line of wrong) console.log(`  ${line}`)
}
await verifiers.close()
if (only === undefined) write(tallies)
process.exitCode = tallies.some(t => t.wrong.length > 0) ? 1 : 0

/** Between the marks of docs/verification.md. */
function write(all: readonly Tally[]): void {
  const file = path.join(root, 'docs/verification.md'), [begin, end] = ['<!-- npm run prove -->', '<!-- end -->']
  const text = readFileSync(file, 'utf8'), [model = 'unknown'] = os.cpus().map(c => c.model)
  const rows = all.map(({ title, programs, right, elements, seconds }) =>
    [title, programs, right.interpreter, right.cpu, elements.toLocaleString('en-US'), `${seconds.toFixed(0)} s`])
  const table = `${begin}
Last result: ${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} x ${model}, ${os.type()} ${os.arch()}, Node ${process.versions.node}.

| what | programs | right on the interpreter | right on the CPU | elements compared | time |
|---|---|---|---|---|---|
${rows.map(row => `| ${row.join(' | ')} |`).join('\n')}

${end}`
  const from = text.indexOf(begin), to = text.indexOf(end, from)
  writeFileSync(file, text.slice(0, from) + table + text.slice(to + end.length))
}
