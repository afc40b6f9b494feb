/** The examples check, are formatted, and what their comments say is true. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { libraryText } from '../../compiler-core/library/library.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { format } from '../../compiler-core/language/syntax/format.ts'
import { parse } from '../../compiler-core/language/syntax/parser.ts'
import type { Value } from '../../compiler-core/language/values.ts'
import { numbers } from '../../compiler-core/mapping/arithmetic.ts'
import { coverage } from '../../compiler-core/mapping/coverage.ts'
import { offset, type Layout } from '../../compiler-core/mapping/layout.ts'
import { equalMappings, mappingText, stepsOf, tasksOf, type Mapping } from '../../compiler-core/mapping/mapping.ts'

const files = globSync('docs/examples/*.heddle').sort()

/** A file's top-level names with their values: of each `let` and each custom mapping. */
function check(file: string): { messages: string[]; values: ReadonlyMap<string, Value | undefined> } {
  const text = readFileSync(file, 'utf8')
  const uri = `file:///examples/${path.basename(file)}`
  const host = { roots: ['file:///examples'], read: (asked: string) => asked === uri ? text : libraryText(asked) }
  const analysis = createProgram(host).analyse(uri)
  if (analysis === undefined) throw new Error(`${file} was not read`)
  const values = new Map<string, Value | undefined>()
  for (const item of analysis.parsed.file.items) {
    const name = item.kind === 'Let' ? item.target : item.kind === 'CustomMapping' ? item.name : undefined
    if (name?.kind === 'Name') values.set(name.text, analysis.values.get(name))
  }
  return { messages: analysis.diagnostics.map(({ code, message }) => `${code}: ${message}`), values }
}

const everything = new Map(files.map(file => [path.basename(file, '.heddle'), check(file)]))

/** `4.tile` is `tile` of the fourth example. */
function valueOf(name: string): Value | undefined {
  const [number = '', own = ''] = name.split('.')
  return [...everything].find(([file]) => file.startsWith(`${number}-`))?.[1].values.get(own)
}
function mapping(name: string): Mapping {
  const value = valueOf(name)
  if (value?.kind !== 'mapping') throw new Error(`${name} is not a mapping`)
  return value.mapping
}
function layout(name: string): Layout {
  const value = valueOf(name)
  if (value?.kind !== 'layout') throw new Error(`${name} is not a layout`)
  return value.layout
}

test('there are examples', () => { expect(files.length).toBeGreaterThan(4) })

test.each([...everything])('%s checks without diagnostics', (_, { messages }) => { expect(messages).toEqual([]) })

test.each([...everything])('%s: each top-level value is a mapping or a layout', (name, { values }) => {
  if (/^[1-6]/.test(name)) expect(values.size).toBeGreaterThan(3)
  for (const [own, value] of values) expect(value?.kind, own).toMatch(/^(mapping|layout)$/)
})

test.each(files)('%s is formatted', file => {
  const text = readFileSync(file, 'utf8')
  expect(format(parse(text))).toBe(text)
})

test.each(files)('%s says in its first line what it shows', file => {
  expect(readFileSync(file, 'utf8')).toMatch(/^\/\/ [A-Z].{20,100}[.:]\n/)
})

describe('what the comments say of workers, shapes, and tasks a worker', () => {
  const facts: Readonly<Record<string, readonly [number, readonly number[], number]>> = {
    '1.row': [8, [8], 1],
    '1.loop_of_four': [1, [2, 2], 4],
    '1.tile': [32, [8, 16], 4],
    '2.neighbours': [4, [2, 4], 2],
    '2.rounds': [3, [12], 4],
    '3.load_a': [256, [128, 8], 4],
    '3.load_b': [256, [8, 128], 4],
    '3.load_columns': [64, [64, 8], 8],
    '3.load_wide': [256, [128, 32], 16],
    '3.load_with_halo': [27, [9, 9], 3],
    '4.thread': [1, [4, 4], 16],
    '4.warp': [32, [16, 32], 16],
    '4.warp_tile': [32, [32, 64], 64],
    '4.tile': [256, [128, 128], 64],
    '5.fragment_a': [32, [16, 16], 8],
    '5.fragment_b': [32, [16, 8], 4],
    '5.fragment_c': [32, [16, 8], 4],
    '5.rows_of_a': [32, [16, 2], 1],
    '5.warp_tile': [32, [64, 64], 128],
    '5.block_tile': [128, [128, 128], 128],
    '6.diagonal': [32, [32, 32], 32]
  }
  test.each(Object.entries(facts))('%s', (name, [workers, shape, tasks]) => {
    const m = mapping(name)
    expect([m.workers, m.shape, stepsOf(m, 0)]).toEqual([workers, shape, tasks])
  })
})

describe('what the comments say of single tasks', () => {
  const firstTasks: Readonly<Record<string, readonly [number, readonly (readonly number[])[]]>> = {
    '1.warp': [8, [[1, 0]]],
    '1.columns': [1, [[1, 0]]],
    '2.neighbours': [0, [[0, 0], [0, 1]]],
    '2.turns': [0, [[0, 0], [0, 2]]],
    '2.rounds': [0, [[0], [1], [6], [7]]],
    '2.cube': [1, [[0, 1, 0]]],
    '2.paired_lanes': [1, [[1, 0]]],
    '2.triangle': [6, [[6, 6], [6, 7]]],
    '3.load_columns': [1, [[1, 0], [1, 1]]],
    '5.fragment_a': [1, [[0, 2], [0, 3], [8, 2], [8, 3], [0, 10]]],
    '5.fragment_b': [1, [[2, 0], [3, 0], [10, 0], [11, 0]]],
    '5.rows_of_a': [16, [[0, 1]]]
  }
  test.each(Object.entries(firstTasks))('%s', (name, [worker, tasks]) => {
    expect([...tasksOf(mapping(name), worker)].slice(0, tasks.length)).toEqual(tasks)
  })

  test('the triangle leaves the cells below the diagonal uncovered', () => {
    expect(coverage(mapping('2.triangle'))).toMatchObject({ cells: 64, uncovered: 28, replicated: 0 })
  })

  test.each<[string, string]>([
    ['3.load_a', 'repeat(4, 1) * spatial(32, 8)'],
    ['4.tile', 'spatial(4, 2) * repeat(2, 2) * spatial(4, 8) * repeat(4, 4)']
  ])('%s is %s', (name, text) => { expect(mappingText(mapping(name))).toBe(text) })

  test('workers that differ in their column alone own the same rows', () => {
    expect(coverage(mapping('2.rows'))).toMatchObject({ cells: 4, replicated: 4, most: 8 })
  })

  test('two C fragments side by side are one A fragment', () => {
    expect(equalMappings(mapping('5.two_results'), mapping('5.fragment_a'))).toBe(true)
  })

  test.each(['4.accumulators', '6.accumulators'])('%s has 64 cells a thread, in the order of its tasks', name => {
    const registers = layout(name)
    expect([registers.shape, registers.size]).toEqual([[128, 128], 64])
    const offsets = [...tasksOf(mapping('4.tile'), 200)].map(task => offset(registers, task, numbers))
    expect(offsets).toEqual(offsets.map((_, k) => k))
  })
})

describe('banks', () => {
  const bank = (l: Layout, index: readonly number[], bytes: number): number =>
    Math.floor(offset(l, index, numbers) * bytes / 4) % 32
  const lanes = Array.from({ length: 32 }, (_, lane) => lane)

  test.each([['6.plain', 1], ['6.padded', 32], ['6.swizzled', 32]])('a column of %s meets %i', (name, banks) => {
    for (const j of lanes) expect(new Set(lanes.map(i => bank(layout(name), [i, j], 4))).size).toBe(banks)
  })
  test.each(['6.plain', '6.padded', '6.swizzled'])('a row of %s meets 32', name => {
    for (const i of lanes) expect(new Set(lanes.map(j => bank(layout(name), [i, j], 4))).size).toBe(32)
  })
  test('padding loses 31 cells, swizzling none', () => {
    expect([layout('6.plain').size, layout('6.padded').size, layout('6.swizzled').size]).toEqual([1024, 1055, 1024])
  })
  test('each step of the diagonals meets 32', () => {
    const steps = lanes.map(lane => [...tasksOf(mapping('6.diagonal'), lane)])
    for (const k of lanes) expect(new Set(steps.map(tasks => bank(layout('6.plain'), tasks[k] ?? [], 4))).size).toBe(32)
  })
  test('eight rows of a column of segments meet all banks', () => {
    for (const column of [0, 8]) {
      for (let row = 0; row + 8 <= 64; row++) {
        const rows = Array.from({ length: 8 }, (_, i) => row + i)
        const words = rows.flatMap(i => [0, 2, 4, 6].map(j => bank(layout('6.segments'), [i, column + j], 2)))
        expect(new Set(words).size).toBe(32)
      }
    }
  })
})
