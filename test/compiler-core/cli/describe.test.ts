import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { layoutReport, mappingReport } from '../../../compiler-core/cli/describe.ts'
import { layoutOutput, mappingOutput } from '../../../compiler-core/view/output.ts'

const target = 'sm_80'

describe('heddle mapping --json', () => {
  const cases: [string, unknown][] = [
    ['spatial(2, 2) * repeat(1, 2)', {
      workers: 4, shape: [2, 4],
      tasks: [[[0, 0], [0, 1]], [[0, 2], [0, 3]], [[1, 0], [1, 1]], [[1, 2], [1, 3]]]
    }],
    ['col_spatial(2, 2)', { workers: 4, shape: [2, 2], tasks: [[[0, 0]], [[1, 0]], [[0, 1]], [[1, 1]]] }],
    ['spatial(2).repeat(2)', { workers: 2, shape: [4], tasks: [[[0], [1]], [[2], [3]]] }],
    ['spatial(2, 2).project(onto: 1)', { workers: 4, shape: [2], tasks: [[[0]], [[1]], [[0]], [[1]]] }],
    ['spatial(1024) * repeat(1025)', { workers: 1024, shape: [1049600], tasks: null, tasks_per_worker: 1025 }],
    ['spatial(30000, 30000)', { workers: 900000000, shape: [30000, 30000], tasks: null, tasks_per_worker: 1 }]
  ]
  it.each(cases)('%s', (expression, expected) => {
    const report = mappingReport(expression, target)
    expect(mappingOutput.parse(report.json)).toEqual(expected)
    expect([report.status, report.errors]).toEqual([0, ''])
  })
  it('lists exactly 2^20 tasks', () => {
    const { tasks } = mappingOutput.parse(mappingReport('spatial(1024) * repeat(1024)', target).json)
    expect([tasks?.length, tasks?.at(-1)?.at(-1)]).toEqual([1024, [2 ** 20 - 1]])
  })
})

describe('heddle layout --json', () => {
  const cases: [string, unknown][] = [
    ['row_major(2, 1) * column_major(2, 2)', { shape: [4, 2], size: 8, offsets: [0, 2, 1, 3, 4, 6, 5, 7] }],
    ['local(2, 1) * row_major(2, 2)', { shape: [4, 2], size: 4, offsets: [0, 1, 2, 3, 0, 1, 2, 3] }],
    ['row_major(4, 4).swizzle(1)', {
      shape: [4, 4], size: 16, offsets: [0, 1, 2, 3, 5, 4, 7, 6, 10, 11, 8, 9, 15, 14, 13, 12]
    }],
    ['row_major(2048, 1024)', { shape: [2048, 1024], size: 2097152, offsets: null }]
  ]
  it.each(cases)('%s', (expression, expected) => {
    expect(layoutOutput.parse(layoutReport(expression, target).json)).toEqual(expected)
  })
})

describe('text for people', () => {
  it('describes a mapping', () => expect(mappingReport('repeat(4, 1) * spatial(16, 8)', target).text).toBe(
    `repeat(4, 1) * spatial(16, 8)
  workers           128
  task shape        (64, 8)
  tasks             4 a worker
  coverage          each of 512 tasks once
  worker w, step k  (k * 16 + w / 8, w % 8)

  worker  tasks
  0       (0, 0) (16, 0) (32, 0) (48, 0)
  1       (0, 1) (16, 1) (32, 1) (48, 1)
  2       (0, 2) (16, 2) (32, 2) (48, 2)
  3       (0, 3) (16, 3) (32, 3) (48, 3)
  4       (0, 4) (16, 4) (32, 4) (48, 4)
  5       (0, 5) (16, 5) (32, 5) (48, 5)
  6       (0, 6) (16, 6) (32, 6) (48, 6)
  ...
  127     (15, 7) (31, 7) (47, 7) (63, 7)
`))
  it('describes a layout', () => expect(layoutReport('row_major(2, 1) * column_major(2, 2)', target).text).toBe(
    `row_major(2, 1) * column_major(2, 2)
  shape  (4, 2)
  size   8 cells

  (0, ..)  0  2
  (1, ..)  1  3
  (2, ..)  4  6
  (3, ..)  5  7
`))
  it('counts replicated tasks', () => expect(mappingReport('spatial(2, 4).project(onto: 0)', target).text)
    .toContain('coverage          0 of 2 tasks once, 2 replicated (up to 4 times)\n'))
})

describe('what is wrong', () => {
  const cases: [string, string][] = [
    ['spatial(4, 0)', 'expression:1:12: error: `spatial` has extent 0 in dimension 1'],
    ['spatial(2, 2', 'expression:1:13: error: Expected `)`'],
    ['row_major(2)', 'error: this is a layout, not a mapping. Use `heddle layout`.'],
    ['1 + 2', 'error: this is the int 3, not a mapping.'],
    ['', 'expression:1:1: error: '],
    ['spatial(2) spatial(3)', 'expression:1:12: error: ']
  ]
  it.each(cases)('%s', (expression, message) => {
    const report = mappingReport(expression, target)
    expect([report.status, report.text, report.json]).toEqual([1, '', undefined])
    expect(report.errors).toContain(message)
  })
})

describe('a long line', () => {
  it('is shown around what is wrong', () => {
    const { errors } = mappingReport(`spatial(2)${' * spatial(2)'.repeat(30)} * spatial(0)${' * spatial(2)'.repeat(30)}`, target)
    const [, source, mark] = errors.split('\n')
    expect(source?.slice(0, 9)).toBe('  1 | ...')
    expect(source?.length).toBe(172)
    expect(source?.[mark?.indexOf('^') ?? -1]).toBe('0')
  })
})

describe('the JSON Schema of the output', () => {
  const validator = (schema: z.ZodType) => new Ajv2020().compile(z.toJSONSchema(schema))
  it('takes mappings and layouts, listed and counted', () => {
    const mapping = validator(mappingOutput), layout = validator(layoutOutput)
    for (const text of ['spatial(2, 2)', 'repeat(3)', 'spatial(30000, 30000)']) {
      expect([text, mapping(mappingReport(text, target).json), mapping.errors]).toEqual([text, true, null])
    }
    for (const text of ['row_major(2, 2)', 'row_major(2048, 1024)']) {
      expect([text, layout(layoutReport(text, target).json), layout.errors]).toEqual([text, true, null])
    }
  })
  it('refuses what has another form', () => {
    expect(validator(mappingOutput)({ workers: 1, shape: [1], tasks: [[['0']]] })).toBe(false)
  })
})
