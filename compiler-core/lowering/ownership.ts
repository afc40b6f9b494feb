/**
 * Each thread accesses only those elements of a register tensor that it holds.
 *
 * `local` parts of a layout are spread over threads: their coordinates take no space, so nothing in the registers tells
 * whose element an index names. The owner of an element is the number that these coordinates make; it has to be the
 * same function of the thread for every access. That is decided by simplifying it, and where this does not tell, by
 * trying all threads.
 *
 *     register acc: f32[16, 16] in tile.layout           tile = spatial(4, 8) * repeat(4, 2)
 *     for (i, j) in tile.on(threadIdx.x) { acc[i, j] = 0 }          owner i / 4 * 8 + j / 2 = threadIdx.x
 *     for (i, j) in tile.on(threadIdx.x) { c[i, j] = acc[j, i] }    another owner: an error
 */
import { indexArithmetic, ref } from '../ir/build.ts'
import { rangeOf } from '../ir/facts.ts'
import type { Finding } from '../ir/finding.ts'
import { threadIdx, type Buffer, type Expr, type Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { printExpr } from '../ir/print.ts'
import { sameValue } from '../ir/prove.ts'
import { simplify } from '../ir/simplify.ts'
import { freeVariables } from '../ir/visit.ts'
import { offset, type Layout } from '../mapping/layout.ts'
import { identityRanks, stridesOf, volume } from '../mapping/shape.ts'
import { indexValue } from './index-value.ts'
import { isKnown, sameLinear, type Linear } from './linear.ts'
import { lookedThrough, type Scope } from './scope.ts'

export interface Ownership {
  /** Compares an access of a register tensor with the first one. An error: `not-held`. */
  readonly check: (buffer: Buffer, indices: readonly Expr[], origins: Origins, scope: Scope) => Finding | undefined
}

export function ownership(): Ownership {
  const owners = new Map<Buffer, Layout | undefined>(), first = new Map<Buffer, Access>()
  return {
    check: (buffer, indices, origins, scope) => {
      if (!buffer.layout) return undefined
      if (!owners.has(buffer)) owners.set(buffer, ownerLayout(buffer.layout))
      const layout = owners.get(buffer)
      if (!layout || layout.size === 1) return undefined
      const access = { buffer, indices, origins, scope, layout, digits: ownerDigits(layout, indices, scope) }
      const holder = first.get(buffer)
      if (!holder) first.set(buffer, access)
      return disagreement(holder ?? access, access)
    }
  }
}

/** Of a register tensor that is spread over threads. */
interface Access {
  readonly buffer: Buffer
  readonly indices: readonly Expr[]
  readonly origins: Origins
  readonly scope: Scope
  /** Of the owner. */
  readonly layout: Layout
  readonly digits: Linear | undefined
}

/** Undefined where an index is no sum of digits. */
function ownerDigits(layout: Layout, indices: readonly Expr[], { names: { open } }: Scope): Linear | undefined {
  const digits = indices.map(open.of)
  const owner = digits.every(isKnown) ? offset(layout, digits, open.arithmetic) : undefined
  return owner && isKnown(owner) ? owner : undefined
}

function ownerOf(a: Access): Expr {
  const whole = a.indices.map(e => lookedThrough(e, a.scope.names))
  return simplify(a.scope.facts(), offset(a.layout, whole, indexArithmetic(a.origins)))
}

/** The layout of what the layout drops: `local` parts are stored, and nothing else is. */
function ownerLayout(layout: Layout): Layout {
  const { shape } = layout
  switch (layout.kind) {
    case 'local': return { kind: 'strided', shape, strides: stridesOf(shape, identityRanks(shape)), size: volume(shape) }
    case 'strided': return { kind: 'local', shape, size: 1 }
    case 'product': {
      const outer = ownerLayout(layout.outer), inner = ownerLayout(layout.inner)
      return { kind: 'product', shape, outer, inner, size: outer.size * inner.size }
    }
    case 'concatenation': {
      const first = ownerLayout(layout.first), second = ownerLayout(layout.second)
      return { kind: 'concatenation', shape, first, second, size: first.size * second.size }
    }
    case 'swizzle': case 'permute': case 'reshape': {
      const of = ownerLayout(layout.of)
      return { ...layout, of, size: of.size }
    }
  }
}

// ---------------------------------------------------------------- comparing two accesses

function disagreement(holder: Access, access: Access): Finding | undefined {
  if (holder.digits && access.digits && holder.digits.terms.every(t => ofThreadAlone(t.digit))
    && sameLinear(holder.digits, access.digits)) return undefined
  const held = ownerOf(holder), owner = ownerOf(access)
  if (ofThreadAlone(held) && sameValue(access.scope.facts(), held, owner)) return undefined
  const verdict = byEnumeration(holder, access)
  if (verdict === 'same') return undefined
  const text = (a: Access) => `\`${a.buffer.name}[${a.indices.map(printExpr).join(', ')}]\``
  const what = verdict === 'unknown'
    ? `nothing shows that a thread holds the elements that it accesses as ${text(access)}`
    : `thread ${verdict.thread} accesses ${text(access)} at (${verdict.index.join(', ')}), an element that it does not hold`
  return {
    code: 'not-held', severity: 'error', origins: access.origins,
    message: `\`${access.buffer.name}\` is spread over the threads of the block, and ${what}. Use the mapping of its layout, or exchange elements through shared memory.`,
    related: holder === access
      ? []
      : [{ origins: holder.origins, message: `${text(holder)} says which elements a thread holds.` }]
  }
}

function ofThreadAlone(e: Expr): boolean {
  return [...freeVariables(e)].every(v => v.role === 'thread')
}

/** The most evaluations of one access. */
const triedAtMost = 2 ** 16

type Verdict = 'same' | 'unknown' | { readonly thread: number; readonly index: readonly number[] }

/** The owner of each thread's elements, as far as both accesses say. */
function byEnumeration(holder: Access, access: Access): Verdict {
  const owners = new Map<number, number>()
  const held = tryAll(holder, (thread, owner) => {
    if (!owners.has(thread)) owners.set(thread, owner)
    return owners.get(thread) === owner
  })
  if (held !== 'same' || holder === access) return held
  return tryAll(access, (thread, owner) => (owners.get(thread) ?? owner) === owner)
}

function tryAll(access: Access, agrees: (thread: number, owner: number) => boolean): Verdict {
  const facts = access.scope.facts()
  const owner = ownerOf(access), whole = access.indices.map(e => lookedThrough(e, access.scope.names))
  const variables = new Set<Variable>([...threadIdx, ...whole.flatMap(e => [...freeVariables(e)])])
  const ranges = [...variables].map(v => ({ v, ...rangeOf(facts, ref(v)) }))
  const owned = freeVariables(owner)
  const moving = ranges.filter(r => r.v.role === 'thread' || owned.has(r.v))
  const count = moving.reduce((n, r) => n * (r.high - r.low + 1), 1)
  if (!(count <= triedAtMost)) return 'unknown'
  const values = new Map(ranges.map(r => [r.v, Number.isFinite(r.low) ? r.low : 0]))
  return step(0)

  function step(n: number): Verdict {
    const range = moving[n]
    if (!range) {
      const number = indexValue(owner, values)
      if (number === undefined) return 'unknown'
      const [x = 0, y = 0, z = 0] = threadIdx.map(v => values.get(v) ?? 0)
      const thread = (z * 1024 + y) * 1024 + x
      if (agrees(thread, number)) return 'same'
      return { thread: x, index: whole.map(e => indexValue(e, values) ?? 0) }
    }
    for (let value = range.low; value <= range.high; value++) {
      values.set(range.v, value)
      const verdict = step(n + 1)
      if (verdict !== 'same') return verdict
    }
    return 'same'
  }
}
