import { describe, expect, it } from 'vitest'
import { constant } from '../../../compiler-core/ir/build.ts'
import type { Buffer, Three } from '../../../compiler-core/ir/ir.ts'
import type { Access, Fault } from '../../../compiler-core/verify/engine.ts'
import { comparisonFinding, faultFinding } from '../../../compiler-core/verify/story.ts'

const uri = 'file:///project/a%20b.heddle', other = 'heddle-std:/matmul.heddle'
const sources = (of: string) => of === uri || of === other ? 'one\ntwo\nthree\nfour\n' : undefined

function buffer(name: string, scope: Buffer['scope'], shape: readonly number[]): Buffer {
  return { name, element: 'f32', scope, shape: shape.map(n => constant(n)), layout: undefined, origins: [] }
}
const sa = buffer('sa', 'shared', [2, 128, 8]), c = buffer('c', 'output', [4, 6])

/** An access in a line of a file, by a thread of block 0 unless told otherwise. */
function access(
  kind: Access['kind'], line: number, thread: number, more: Partial<Access> = {}, file = uri
): Access {
  const start = [0, 4, 8, 14][line - 1] ?? 0
  const origins = [{ range: { uri: file, span: { start, end: start + 3 } }, through: undefined }]
  return {
    kind, block: [0, 0, 0], thread: [thread, 0, 0], buffer: undefined, indices: undefined, cell: undefined, origins,
    span: undefined, ...more
  }
}
const element = (line: number, thread: number, kind: Access['kind'], more: Partial<Access> = {}, file = uri) =>
  access(kind, line, thread, { buffer: sa, indices: [0, 4, 1], ...more }, file)
const block1 = { block: [1, 0, 0] as Three<number> }

function check(fault: Omit<Fault, 'times'> & { times?: number }, message: string): void {
  it(message, () => { expect(faultFinding({ times: 1, ...fault }, sources).message).toBe(message) })
}

describe('the story of a race', () => {
  const write = element(2, 1, 'write')
  check({ kind: 'race', access: element(4, 33, 'read'), other: write }, 'Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between lines 2 and 4.')
  check({ kind: 'race', access: write, other: element(4, 33, 'read') }, 'Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between lines 2 and 4.')
  check({ kind: 'race', access: element(2, 33, 'write'), other: write }, 'Thread 33 writes sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between two executions of line 2.')
  check({ kind: 'race', access: element(2, 33, 'read'), other: write }, 'Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier or an `atomic_add` is missing between two executions of line 2.')
  check({ kind: 'race', access: element(4, 33, 'read'), other: element(2, 1, 'write', {}, other) }, 'Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between matmul.heddle:2 and a b.heddle:4.')
  check({ kind: 'race', access: element(4, 33, 'read'), other: undefined }, 'Thread 33 reads sa[0, 4, 1], which another thread writes in the same interval: a barrier is missing.')
  check({ kind: 'race', access: element(4, 33, 'read'), other: write, times: 1200 }, 'Thread 33 reads sa[0, 4, 1], which thread 1 writes in the same interval: a barrier is missing between lines 2 and 4. It happens 1,200 times.')
  const global = { buffer: c, indices: [1, 2] }
  check({ kind: 'race', access: access('read', 4, 3, global), other: access('write', 1, 3, { ...global, ...block1 }) }, 'Thread 3 reads c[1, 2], which thread 3 of block 1 writes in the same kernel in line 1 of a b.heddle: nothing orders the two, blocks and warps run in any order.')
})

describe('the story of', () => {
  const write = access('write', 2, 5, { buffer: c, indices: [1, 2], thread: [1, 2, 0] })
  check({ kind: 'double-write', access: write, other: access('write', 2, 7, block1) }, 'Thread (1, 2, 0) writes c[1, 2], which thread 7 of block 1 writes too in line 2 of a b.heddle: an element of an output has one writer.')
  check({ kind: 'out-of-bounds', access: access('write', 2, 5, { buffer: c, indices: [4, 0] }), other: undefined }, 'Thread 5 writes c[4, 0], which is outside of c: f32[4, 6].')
  check({ kind: 'out-of-bounds', access: access('read', 2, 5, { buffer: c, cell: -3 }), other: undefined }, 'Thread 5 reads cell -3 of c, which is outside of c: f32[4, 6].')
  check({ kind: 'out-of-bounds', access: access('read', 2, 5), other: undefined }, 'Thread 5 reads memory, which is outside of every tensor.')
  check({ kind: 'uninitialised', access: element(2, 5, 'read', block1), other: undefined }, 'Thread 5 of block 1 reads sa[0, 4, 1], which nothing has written before.')
  check({ kind: 'misaligned', access: access('read', 2, 5, { buffer: sa, cell: 3 }), other: undefined }, 'Thread 5 reads cell 3 of sa at once from an address that is no multiple of the access\'s size.')
  check({ kind: 'not-arrived', access: element(3, 5, 'read'), other: element(2, 6, 'write') }, 'Thread 5 reads sa[0, 4, 1], to which an asynchronous copy of thread 6 is still under way in line 2 of a b.heddle: a `wait_group` is missing or waits for too little, or the barrier behind it is missing.')
  check({ kind: 'divergent-barrier', access: access('barrier', 2, 5), other: access('end', 4, 32) }, 'Thread 5 waits at a barrier, while thread 32 has ended in line 4 of a b.heddle: a barrier is reached by all threads of a block or by none.')
  check({ kind: 'divergent-shuffle', access: access('shuffle', 2, 5), other: access('barrier', 4, 8) }, 'Thread 5 takes part in a shuffle, while thread 8 waits at a barrier in line 4 of a b.heddle: a shuffle is reached by all lanes of a warp or by none.')
  check({ kind: 'assertion', access: access('assert', 2, 5), other: undefined }, 'Thread 5 finds that `two` does not hold.')
  check({ kind: 'endless', access: access('loop', 2, 5), other: undefined }, 'Thread 5 does not leave this loop: it was ended by the limit of steps.')
})

describe('the story of wrong elements', () => {
  const writer = access('write', 3, 7, { buffer: c, indices: [0, 5], ...block1 })
  const first = { indices: [0, 5], expected: 13, bound: 0, found: 12.5, writer }
  const finding = (more: object, of: object = {}) =>
    comparisonFinding(c, 'matmul', { compared: 2400, wrong: 1203, unwritten: 0, unjudged: 0, worst: 2, first: { ...first, ...more }, ...of }, sources)
  it('names the element, both values and who wrote it', () => {
    expect(finding({})?.message).toBe('c[0, 5] is 12.5, but by the definition of matmul it is 13: 1,203 of 2,400 elements are wrong. Thread 7 of block 1 wrote it in line 3 of a b.heddle.')
    expect(finding({})?.origins).toBe(writer.origins)
  })
  it('says how far it may be off', () => {
    expect(finding({ expected: 1 / 3, bound: 1e-6, found: NaN })?.message).toBe('c[0, 5] is NaN, but by the definition of matmul it is 0.3333333 (to within 0.000001): 1,203 of 2,400 elements are wrong. Thread 7 of block 1 wrote it in line 3 of a b.heddle.')
  })
  it('gives as many digits as tell the two apart', () => {
    expect(finding({ expected: 0.1, found: 0.1 + 2 ** -50, bound: 1e-20 })?.message).toContain('c[0, 5] is 0.1000000000000009, but by the definition of matmul it is 0.1 (to within 1e-20)')
  })
  it('knows no writer of what was there before', () => {
    expect(finding({ writer: undefined })?.message).toBe('c[0, 5] is 12.5, but by the definition of matmul it is 13: 1,203 of 2,400 elements are wrong.')
  })
  it('says that nobody wrote it', () => {
    expect(finding({ writer: undefined, found: NaN }, { compared: 1400, unwritten: 1000 })).toMatchObject({
      code: 'never-written', message: 'No thread writes c[0, 5]: 1,000 of 2,400 elements are never written.'
    })
  })
  it('says nothing where all is right', () => {
    expect(comparisonFinding(c, 'matmul', { compared: 24, wrong: 0, unwritten: 0, unjudged: 0, worst: 0.1, first: undefined }, sources)).toBeUndefined()
  })
})
