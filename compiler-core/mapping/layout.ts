/**
 * Data layouts: at which offset an element is stored (reference 2.1), the memory twin of a task mapping.
 *
 *     row_major(2, 1) * column_major(2, 2)     shape (4, 2), size 8, offsets [0, 2], [1, 3], [4, 6], [5, 7]
 *
 * `local` dimensions are spread over other threads and take no space: a register tile keeps its logical shape, its
 * index collapses.
 * A layout is JSON data.
 */
import type { Arithmetic } from './arithmetic.ts'
import { andThen, failure, success, type Result } from './result.ts'
import {
  checkRanks,
  checkShape,
  counted,
  identityRanks,
  reversedRanks,
  sameNumbers,
  shapeText,
  stridesOf,
  volume,
  type Shape
} from './shape.ts'

export type Layout = { readonly shape: Shape; /** Storage cells. */ readonly size: number } & (
  | { readonly kind: 'strided'; readonly strides: readonly number[] }
  | { readonly kind: 'local' }
  | { readonly kind: 'product'; readonly outer: Layout; readonly inner: Layout }
  | { readonly kind: 'concatenation'; readonly first: Layout; readonly second: Layout }
  | {
    readonly kind: 'swizzle'
    readonly of: Layout
    readonly dim: number
    readonly regards: number
    readonly logStep: number
  }
  | { readonly kind: 'permute'; readonly of: Layout; readonly order: readonly number[] }
  | { readonly kind: 'reshape'; readonly of: Layout }
)

// ---------------------------------------------------------------- constructors

export function rowMajor(shape: Shape): Result<Layout> {
  return strided(shape, identityRanks(shape))
}

export function columnMajor(shape: Shape): Result<Layout> {
  return strided(shape, reversedRanks(shape))
}

/** Strides by the rank rule: the dimension of the highest rank is contiguous. */
export function strided(shape: Shape, ranks: readonly number[]): Result<Layout> {
  return andThen(checkShape(shape, 'The layout'), () =>
    andThen(checkRanks(shape, ranks, 'The layout'), () =>
      success<Layout>({ kind: 'strided', shape, strides: stridesOf(shape, ranks), size: volume(shape) })
    )
  )
}

/** Strides as given; elements may share a cell. The size is the last offset plus one. */
export function stridesLayout(shape: Shape, strides: readonly number[]): Result<Layout> {
  return andThen(checkShape(shape, 'The layout'), () => {
    if (strides.length !== shape.length) {
      return failure(
        'bad-ranks',
        `The layout has ${counted(shape.length, 'dimension')} but ${counted(strides.length, 'stride')}.`
      )
    }
    const bad = strides.findIndex(s => !Number.isSafeInteger(s) || s < 0)
    if (bad >= 0)
      return failure(
        'bad-extent',
        `Stride ${strides[bad]} of dimension ${bad} is not a whole number of at least 0.`,
        bad
      )
    const size = shape.reduce((n, extent, i) => n + (extent - 1) * (strides[i] ?? 0), 1)
    return Number.isSafeInteger(size)
      ? success<Layout>({ kind: 'strided', shape, strides, size })
      : failure('overflow', 'The layout has offsets above 2^53.')
  })
}

/** Every element at offset 0: the dimensions are spread over other threads. */
export function localLayout(shape: Shape): Result<Layout> {
  return andThen(checkShape(shape, '`local`'), () => success<Layout>({ kind: 'local', shape, size: 1 }))
}

/** `outer * inner`: each element of `outer` is a tile of `inner`. */
export function multiplyLayouts(outer: Layout, inner: Layout): Result<Layout> {
  if (outer.shape.length !== inner.shape.length) {
    return failure(
      'rank-mismatch',
      `\`${layoutText(outer)}\` has ${counted(outer.shape.length, 'dimension')} but \`${layoutText(inner)}\` has ${inner.shape.length}; composed layouts have equally many.`
    )
  }
  const shape = outer.shape.map((extent, i) => extent * (inner.shape[i] ?? 1)),
    size = outer.size * inner.size
  return andThen(checkSize(shape, size), () => success<Layout>({ kind: 'product', outer, inner, shape, size }))
}

/** `first + second`: the dimensions of `first` in front, each of its elements a whole `second`. */
export function concatenateLayouts(first: Layout, second: Layout): Result<Layout> {
  const shape = [...first.shape, ...second.shape],
    size = first.size * second.size
  return andThen(checkSize(shape, size), () => success<Layout>({ kind: 'concatenation', first, second, shape, size }))
}

/**
 * Index `dim` becomes `index[dim] ^ (index[regards] >> logStep)`, the right operand modulo `shape[dim]`.
 * `shape[dim]` must be a power of two. In two dimensions `regards` is the other one if not given.
 */
export function swizzle(of: Layout, dim: number, regards?: number, logStep = 0): Result<Layout> {
  const rank = of.shape.length
  const by = regards ?? (rank === 2 ? 1 - dim : undefined)
  if (!(Number.isInteger(dim) && dim >= 0 && dim < rank))
    return failure('bad-axis', `\`swizzle\` of dimension ${dim}: the layout has dimensions 0 to ${rank - 1}.`)
  if (by === undefined)
    return failure(
      'bad-axis',
      `\`swizzle\` in ${counted(rank, 'dimension')} needs \`regards\`, the dimension whose index is mixed in.`
    )
  if (!(Number.isInteger(by) && by >= 0 && by < rank) || by === dim) {
    return failure(
      'bad-axis',
      `\`swizzle\` of dimension ${dim} cannot regard dimension ${by}: it takes another one of 0 to ${rank - 1}.`
    )
  }
  const extent = of.shape[dim] ?? 1
  if (!Number.isInteger(Math.log2(extent))) {
    return failure(
      'bad-extent',
      `\`swizzle\` needs a power of two in dimension ${dim}, which has extent ${extent}.`,
      dim
    )
  }
  if (!Number.isInteger(logStep) || logStep < 0 || logStep > 52)
    return failure('bad-extent', `\`log_step\` is ${logStep}; it is a whole number of 0 to 52.`)
  return success<Layout>({ kind: 'swizzle', of, dim, regards: by, logStep, shape: of.shape, size: of.size })
}

/** Dimension i of the result is dimension `order[i]` of the layout. */
export function permute(of: Layout, order: readonly number[]): Result<Layout> {
  return andThen(checkRanks(of.shape, order, '`permute`'), () =>
    success<Layout>({ kind: 'permute', of, order, shape: order.map(i => of.shape[i] ?? 1), size: of.size })
  )
}

/** The same elements in row-major order under another shape. */
export function reshape(of: Layout, shape: Shape): Result<Layout> {
  return andThen(checkShape(shape, '`reshape`'), () =>
    volume(shape) === volume(of.shape)
      ? success<Layout>({ kind: 'reshape', of, shape, size: of.size })
      : failure(
        'size-mismatch',
        `\`reshape\` to ${shapeText(shape)} (${volume(shape)} elements): the layout has shape ${shapeText(of.shape)} (${volume(of.shape)} elements).`
      )
  )
}

// ---------------------------------------------------------------- questions

/** The offset of an element, one index a dimension, in any arithmetic. */
export function offset<E>(layout: Layout, index: readonly E[], a: Arithmetic<E>): E {
  const at = (i: number): E => index[i] ?? a.constant(0)
  switch (layout.kind) {
    case 'local':
      return a.constant(0)
    case 'strided':
      return sum(
        layout.strides.map((s, i) => ((layout.shape[i] ?? 1) === 1 ? a.constant(0) : times(at(i), s, a))),
        a
      )
    case 'product': {
      const { outer, inner } = layout
      const whole = outer.shape.map((_, i) =>
        (outer.shape[i] ?? 1) === 1 ? a.constant(0) : divide(at(i), inner.shape[i] ?? 1, a)
      )
      const part = inner.shape.map((extent, i) => ((outer.shape[i] ?? 1) === 1 ? at(i) : remainder(at(i), extent, a)))
      return sum([times(offset(outer, whole, a), inner.size, a), offset(inner, part, a)], a)
    }
    case 'concatenation': {
      const split = layout.first.shape.length
      return sum(
        [
          times(offset(layout.first, index.slice(0, split), a), layout.second.size, a),
          offset(layout.second, index.slice(split), a)
        ],
        a
      )
    }
    case 'swizzle': {
      const extent = layout.shape[layout.dim] ?? 1,
        step = 2 ** layout.logStep
      const mixed = divide(at(layout.regards), step, a)
      const bounded = (layout.shape[layout.regards] ?? 1) > extent * step ? remainder(mixed, extent, a) : mixed
      return offset(
        layout.of,
        index.map((e, i) => (i === layout.dim ? a.binary('^', e, bounded) : e)),
        a
      )
    }
    case 'permute': {
      const original = index.map(() => a.constant(0))
      layout.order.forEach((from, i) => {
        original[from] = at(i)
      })
      return offset(layout.of, original, a)
    }
    case 'reshape': {
      const linear = sum(
        stridesOf(layout.shape, identityRanks(layout.shape)).map((s, i) => times(at(i), s, a)),
        a
      )
      const strides = stridesOf(layout.of.shape, identityRanks(layout.of.shape))
      return offset(
        layout.of,
        strides.map((s, i) =>
          i === 0 ? divide(linear, s, a) : remainder(divide(linear, s, a), layout.of.shape[i] ?? 1, a)
        ),
        a
      )
    }
  }
}

/** The layout in Heddle. */
export function layoutText(layout: Layout, operand = false): string {
  const grouped = (text: string) => (operand ? `(${text})` : text)
  switch (layout.kind) {
    case 'local':
      return `local(${layout.shape.join(', ')})`
    case 'strided': {
      const { shape, strides } = layout
      if (sameNumbers(strides, stridesOf(shape, identityRanks(shape)))) return `row_major(${shape.join(', ')})`
      if (sameNumbers(strides, stridesOf(shape, reversedRanks(shape)))) return `column_major(${shape.join(', ')})`
      return `strided(${shapeText(shape)}, strides: ${shapeText(strides)})`
    }
    case 'product':
      return grouped(
        `${layoutText(layout.outer, layout.outer.kind !== 'product')} * ${layoutText(layout.inner, true)}`
      )
    case 'concatenation':
      return grouped(
        `${layoutText(layout.first, layout.first.kind === 'concatenation' ? false : true)} + ${layoutText(layout.second, true)}`
      )
    case 'swizzle': {
      const regards = layout.shape.length === 2 ? '' : `, regards: ${layout.regards}`
      return `${layoutText(layout.of, true)}.swizzle(${layout.dim}${regards}${layout.logStep === 0 ? '' : `, log_step: ${layout.logStep}`})`
    }
    case 'permute':
      return `${layoutText(layout.of, true)}.permute(${layout.order.join(', ')})`
    case 'reshape':
      return `${layoutText(layout.of, true)}.reshape(${layout.shape.join(', ')})`
  }
}

// ---------------------------------------------------------------- helpers

function checkSize(shape: Shape, size: number): Result<unknown> {
  return Number.isSafeInteger(size)
    ? checkShape(shape, 'The layout')
    : failure('overflow', 'The layout has offsets above 2^53.')
}

function times<E>(e: E, factor: number, a: Arithmetic<E>): E {
  return factor === 1 ? e : factor === 0 ? a.constant(0) : a.binary('*', e, a.constant(factor))
}

function divide<E>(e: E, by: number, a: Arithmetic<E>): E {
  return by === 1 ? e : a.binary('/', e, a.constant(by))
}

function remainder<E>(e: E, by: number, a: Arithmetic<E>): E {
  return by === 1 ? a.constant(0) : a.binary('%', e, a.constant(by))
}

function sum<E>(terms: readonly E[], a: Arithmetic<E>): E {
  return terms.length === 0 ? a.constant(0) : terms.reduce((x, y) => a.binary('+', x, y))
}
