// Formulas of mappings and layouts, as expressions, collapse to what they are for one thread.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { constant, indexArithmetic, ref } from '../../../compiler-core/ir/build.ts'
import { noFacts, withRange } from '../../../compiler-core/ir/facts.ts'
import { threadIdx, type Expr } from '../../../compiler-core/ir/ir.ts'
import { printExpr } from '../../../compiler-core/ir/print.ts'
import { sameValue } from '../../../compiler-core/ir/prove.ts'
import { simplify } from '../../../compiler-core/ir/simplify.ts'
import {
  columnMajor, concatenateLayouts, localLayout, multiplyLayouts, offset, rowMajor, swizzle, type Layout
} from '../../../compiler-core/mapping/layout.ts'
import {
  compose, registerLayout, repeat, spatial, taskAt, tasksPerWorker, type Mapping
} from '../../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../../compiler-core/mapping/result.ts'
import { variable } from './support.ts'

function ok<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problem.message)
  return result.value
}
const product = (...layouts: Layout[]) => layouts.reduce((a, b) => ok(multiplyLayouts(a, b)))
const local = (...d: number[]) => ok(localLayout(d))
const row = (...d: number[]) => ok(rowMajor(d))
const column = (...d: number[]) => ok(columnMajor(d))
const s = (...d: number[]) => ok(spatial(d))
const r = (...d: number[]) => ok(repeat(d))
const mapping = (first: Mapping, ...rest: Mapping[]) => ok(compose(first, ...rest))

const a = indexArithmetic()
const w = ref(threadIdx[0])

function worker(m: Mapping): ReturnType<typeof withRange> {
  return withRange(noFacts, threadIdx[0], constant(0), constant(m.workers - 1))
}

/** The register of the thread's k-th task is k, for some k and for all at once. */
function checkRegisters(m: Mapping, layout: Layout = ok(registerLayout(m))): void {
  const facts = worker(m), tasks = tasksPerWorker(m)!
  for (const k of new Set([0, 1, 5 % tasks, tasks >> 1, tasks - 1])) {
    const e = offset(layout, taskAt(m, w, constant(k), a), a)
    expect(printExpr(simplify(facts, e)), `task ${k}`).toBe(String(k))
  }
  const k = variable('k')
  const all = withRange(facts, k, constant(0), constant(tasks - 1))
  const e = offset(layout, taskAt(m, w, ref(k), a), a)
  expect(printExpr(simplify(all, e))).toBe(tasks === 1 ? '0' : 'k')
}

/** `unflatten(flatten(i, shape), shape)` is i. */
function checkFlatten(...shape: readonly (number | string)[]): void {
  let facts = noFacts
  const extents = shape.map((d): Expr => (typeof d === 'number' ? constant(d) : ref(variable(d, 'extent'))))
  const index = shape.map((_, i) => variable(`i${i}`))
  index.forEach((v, i) => {
    facts = withRange(facts, v, constant(0), a.binary('-', extents[i]!, constant(1)))
  })
  const flat = index.reduce<Expr>((sum, v, i) => a.binary('+', a.binary('*', sum, extents[i]!), ref(v)), constant(0))
  index.forEach((v, i) => {
    const below = extents.slice(i + 1).reduce((x, y) => a.binary('*', x, y), constant(1))
    const digit: Expr = {
      kind: 'binary', operator: '%', right: extents[i]!, type: 'index', origins: [],
      left: { kind: 'binary', operator: '/', left: flat, right: below, type: 'index', origins: [] }
    }
    const expected = shape[i] === 1 ? '0' : v.name
    expect(printExpr(simplify(facts, digit)), `index ${i} of ${shape.join(', ')}`).toBe(expected)
  })
}

/** Indices that go to another shape of as many elements and come back are what they were. */
function checkReshape(from: readonly number[], to: readonly number[]): void {
  const index = from.map((_, i) => variable(`i${i}`))
  const facts = index.reduce((known, v, i) => withRange(known, v, constant(0), constant(from[i]! - 1)), noFacts)
  const there = unflatten(flatten(index.map(v => ref(v)), from), to)
  const back = unflatten(flatten(there, to), from)
  back.forEach((e, i) => {
    const expected = from[i] === 1 ? '0' : `i${i}`
    expect(printExpr(simplify(facts, e)), `${from.join(', ')} to ${to.join(', ')}`).toBe(expected)
    expect(sameValue(facts, e, ref(index[i]!)), `${from.join(', ')} to ${to.join(', ')}`).toBe(true)
  })
}

function flatten(index: readonly Expr[], shape: readonly number[]): Expr {
  return index.reduce((sum, e, i) => a.binary('+', a.binary('*', sum, constant(shape[i]!)), e), constant(0) as Expr)
}

function unflatten(e: Expr, shape: readonly number[]): readonly Expr[] {
  return shape.map((d, i) => {
    const below = shape.slice(i + 1).reduce((x, y) => x * y, 1)
    return a.binary('%', a.binary('/', e, constant(below)), constant(d))
  })
}

/** Another shape of as many elements: the prime factors in another order, cut into dimensions. */
function refactored(shape: readonly number[], order: number, cut: number): readonly number[] {
  const primes: number[] = []
  for (const d of shape) for (let n = d, p = 2; n > 1; p++) while (n % p === 0) { primes.push(p); n /= p }
  const turned = [...primes.slice(order % (primes.length || 1)), ...primes.slice(0, order % (primes.length || 1))]
  const result = [1]
  turned.forEach((p, i) => {
    if ((cut >> (i % 20)) & 1) result.push(p)
    else result[result.length - 1]! *= p
  })
  return result
}

describe('register layouts', () => {
  it('of the SIMT matmul', () => {
    checkRegisters(mapping(s(4, 2), r(2, 2), s(4, 8), r(4, 4)), product(local(4, 2), row(2, 2), local(4, 8), row(4, 4)))
    for (const [bx, by] of [[1, 1], [1, 2], [2, 1], [2, 2], [2, 4], [4, 2]] as const) {
      for (const [ox, oy] of [[1, 1], [1, 3], [2, 2], [3, 2], [3, 3]] as const) {
        for (const [ix, iy] of [[4, 4], [4, 8]] as const) {
          checkRegisters(mapping(s(bx, by), r(ox, oy), s(4, 8), r(ix, iy)))
          checkRegisters(mapping(s(bx, by), r(ox, oy), s(2, 1), s(1, 8), s(2, 1), r(ix, iy)))
          checkRegisters(mapping(s(bx, by), r(ox, oy), s(2, 16), r(ix, iy)))
        }
      }
    }
  })
  it('of the loads', () => {
    checkRegisters(mapping(s(32, 8), r(4, 1)))
    checkRegisters(mapping(r(1, 4), s(8, 32)))
    checkRegisters(mapping(r(3, 1), s(16, 8), r(1, 4)))
  })
  it('of tensor-core fragments', () => {
    checkRegisters(mapping(r(2, 1), s(8, 4), r(1, 2)))
    checkRegisters(mapping(r(2, 2), s(8, 4), r(1, 2)))
    checkRegisters(mapping(s(2, 2), r(4, 8), r(2, 1), s(8, 4), r(1, 2)))
    checkRegisters(mapping(ok(spatial([4, 8], [1, 0])), r(4, 1)))
    checkRegisters(mapping(s(2, 2), r(4, 4), ok(repeat([2, 2], { ranks: [1, 0] })), s(8, 4), r(1, 2)))
    checkRegisters(mapping(r(2, 1), ok(spatial([4, 8], [1, 0])), r(2, 1)))
  })
  it('flatten and unflatten', () => {
    checkFlatten(4, 8)
    checkFlatten(3, 5, 7)
    checkFlatten(2, 1, 6, 1)
    checkFlatten('m', 'k')
    checkFlatten('b', 'm', 'k')
    checkFlatten('b', 'h', 's', 'd')
    checkFlatten('b', 4, 's', 8)
    checkFlatten(2, 'm', 16)
  })
  it('reshapes', () => {
    const sizes = fc.array(fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 12), { minLength: 1, maxLength: 4 })
    fc.assert(fc.property(sizes, fc.integer({ min: 0, max: 23 }), fc.nat(), (shape, order, cut) => {
      checkReshape(shape, refactored(shape, order, cut))
    }), { numRuns: 400 })
  })
  it('shared memory', () => {
    const facts = withRange(noFacts, threadIdx[0], constant(0), constant(255))
    const shown = (layout: Layout, ...index: Expr[]) => printExpr(simplify(facts, offset(layout, index, a)))
    const i = a.binary('/', w, constant(8)), p = a.binary('%', w, constant(8))
    expect(shown(row(32, 8), i, p)).toBe('threadIdx.x')
    expect(shown(column(32, 8), i, p)).toBe('threadIdx.x / 8 + threadIdx.x % 8 * 32')
    expect(shown(ok(concatenateLayouts(row(2), row(32, 8))), constant(1), i, p)).toBe('threadIdx.x + 256')
    const swizzled = product(ok(swizzle(row(64, 2), 1)), row(1, 8))
    expect(shown(swizzled, i, p)).toBe('threadIdx.x / 8 * 16 + threadIdx.x % 16')
  })
  it('the same values are recognised', () => {
    const m = mapping(s(4, 2), r(2, 2), s(4, 8), r(4, 4)), facts = worker(m), k = variable('k')
    const all = withRange(facts, k, constant(0), constant(63))
    const [i, j] = taskAt(m, w, ref(k), a) as [Expr, Expr]
    const back = a.binary('+', a.binary('*', a.binary('/', i, constant(32)), constant(32)), a.binary('%', i, constant(32)))
    expect(sameValue(all, i, back)).toBe(true)
    expect(sameValue(all, i, j)).toBe(false)
  })
})
