/**
 * Schedules of the library at awkward sizes, alone and with fused operators around them, on the interpreter; both
 * engines and more sizes: `npm run prove`.
 */
import { describe, expect, it } from 'vitest'
import { warpAccesses } from '../../../compiler-core/analysis/warp-accesses.ts'
import { compile } from '../../../compiler-core/compile/compile.ts'
import { createProgram, type Program } from '../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../compiler-core/library/library.ts'
import { openJob } from '../../../compiler-core/verify/job.ts'
import { findingsOf } from '../../../compiler-core/verify/verify.ts'
import { verifyHere } from '../../harness/verify.ts'

const uri = 'file:///project/main.heddle'

/** `relu.flat(s: 7)`, or a whole graph `i`. */
function programOf(subject: string): Program {
  const declaration = subject.startsWith('graph') ? subject : `instance i = ${subject}`
  const text = `${libraryImports.map(i => `import "${i}"\n`).join('')}${declaration}\n`
  return createProgram({ read: asked => (asked === uri ? text : undefined), roots: ['file:///project/'] })
}

async function check(subject: string): Promise<void> {
  const program = programOf(subject)
  const options = { engines: ['interpreter'], exhaustive: true, counts: false } as const
  const { job, problems } = openJob(program, uri, 'i', options)
  if (!job) throw new Error(problems.map(p => p.diagnostic.message).join(' '))
  const verification = await verifyHere(job)
  expect(findingsOf(verification).map(f => f.message)).toEqual([])
  expect(verification.verdict).toBe('right')
}

function right(subjects: readonly string[]): void {
  for (const subject of subjects) it(subject, () => check(subject))
}

const rows = (schedule: string, lengths: readonly number[]): readonly string[] =>
  lengths.map(n => `${schedule}(s: 3, n: ${n})`)
const depthwise = (sizes: string, size: string, strides: string, dilations: string, more = ''): string =>
  `depthwise_conv.staged(${sizes}, size: ${size}, strides: ${strides}, dilations: ${dilations}, before: (1, 0), after: (1, 2)${more})`

describe('rows', () => {
  right([
    ...['layer_norm', 'standardise', 'rms_norm'].flatMap(op =>
      [...rows(`${op}.warp_per_row`, [1, 31, 33, 96]), ...rows(`${op}.block_per_row`, [31, 1000])]),
    ...rows('log_softmax.warp_per_row', [1, 33, 1000]), ...rows('log_softmax.online', [1, 1000]),
    'graph i(x: f32[2, 33], g: f32[33], h: f32[33], r: f32[2, 33]) { return relu(layer_norm(x + r, g, h)) }'
  ])
})

describe('reductions', () => {
  right([
    'reduce.thread_per_result(s: (33, 3, 7), axes: (1, 2), op: max)', 'arg_max.thread_per_result(s: (33, 7), axis: 1, last: true)',
    'reduce.columns_of_threads(s: (129, 33), axes: 0, op: sum)', 'reduce.columns_of_threads(s: (1000, 3), axes: 0, op: avg)',
    'arg_min.columns_of_threads(s: (131, 7), axis: 0)', 'reduce.block_per_result(s: (3, 1031), axes: 1, op: sum)',
    'reduce.block_per_result(s: (2, 33, 40), axes: (1, 2), op: max)', 'arg_max.block_per_result(s: (2, 1031), axis: 1)',
    'graph i(x: f32[2, 2000]) { return square_root(reduce(absolute(x), (1,), sum)) }',
    'graph i(x: f32[200, 3], y: f32[3]) { return reduce(x * y, (0,), sum) + y }'
  ])
})

describe('windows', () => {
  right([
    'graph i(x: f32[1, 3, 15, 17]) { return max_pool(x, (3, 3), (2, 2), (1, 1), (1, 1), (8, 9)) }',
    'graph i(x: f32[1, 3, 9, 9]) { return relu(average_pool(x, (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), (5, 5))) }',
    'graph i(x: f32[1, 4, 7, 7], w: f32[6, 2, 3, 3]) { return relu(conv(x, w, (1, 1), (1, 1), (1, 1), (1, 1), 2)) }',
    depthwise('n: 1, c: 5, h: 9, w: 11', '(3, 3)', '(1, 1)', '(1, 1)'),
    depthwise('n: 2, c: 13, h: 15, w: 8', '(5, 3)', '(2, 1)', '(1, 2)', ', block_c: 12, repeat_c: 4'),
    'graph i(x: f32[1, 5, 9, 9], w: f32[5, 1, 3, 3], b: f32[5, 1, 1]) { return relu(depthwise_conv(relu(x), w, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)) + b) }'
  ])
})

describe('transpositions', () => {
  right([
    ['(33, 31)', '(1, 0)'], ['(3, 33, 40)', '(0, 2, 1)'], ['(2, 13, 7, 33)', '(0, 3, 1, 2)'],
    ['(5, 37, 3, 11)', '(2, 3, 0, 1)'], ['(9, 10, 11)', '(2, 1, 0)'], ['(3, 5, 8, 2, 9, 14)', '(3, 5, 1, 0, 4, 2)']
  ].map(([s, perm]) => `transpose.through_shared(s: ${s}, perm: ${perm})`))
  right(['transpose.through_shared(T: f16, s: (37, 53), perm: (1, 0))', 'transpose.through_shared(T: bool, s: (8, 9), perm: (1, 0))'])
})

/** Of the first block: sectors of 32 bytes for each request of a warp, and ways in which lanes meet in a bank. */
function accessesOf(subject: string): readonly string[] {
  const kernel = compile(programOf(subject), uri, 'i').stages.at(-1)?.program.kernels[0]
  if (!kernel) throw new Error(`${subject} was not compiled`)
  return warpAccesses(kernel, { block: [0, 0, 0], extents: new Map() }).map(c =>
    `${c.buffer.name} ${c.buffer.scope === 'shared' ? c.wavefronts / c.ideal : c.sectors / c.requests}`)
}

describe('a transposition reads and writes whole lines of memory, and has no conflicts of banks', () => {
  const cases: readonly (readonly [subject: string, sectors: number])[] = [
    ['transpose.through_shared(s: (2, 96, 128), perm: (0, 2, 1))', 4],
    ['transpose.through_shared(s: (64, 8, 32), perm: (2, 0, 1))', 4],
    ['transpose.through_shared(T: f16, s: (128, 96), perm: (1, 0))', 2]
  ]
  it.each(cases)('%s', (subject, sectors) => {
    expect(accessesOf(subject)).toEqual([`x ${sectors}`, 'tile 1', 'tile 1', `y ${sectors}`])
  })
})

describe('matrices and vectors', () => {
  right([
    'batch_matmul.row_per_warp(batch: 3, m: 5, n: 1, k: 33)', 'batch_matmul.row_per_warp(batch: 1, m: 31, n: 1, k: 1000)',
    'batch_matmul.column_per_threads(batch: 2, m: 1, n: 33, k: 31)', 'batch_matmul.column_per_threads(batch: 1, m: 1, n: 3, k: 1009)',
    'batch_matmul.column_per_threads(T: f16, batch: 1, m: 1, n: 31, k: 1)',
    'graph i(a: f32[1, 1, 40], b: f32[1, 36, 40], c: f32[36]) { return relu(batch_matmul(a, transpose(b, (0, 2, 1))) + c) }',
    'graph i(a: f32[1, 36, 40], b: f32[1, 40, 1]) { return relu(batch_matmul(exponential(a), b)) }'
  ])
})
