/**
 * An operator applied to types, shapes and attributes: what it computes, element by element, as data. Elaboration makes
 * it of an `operator` declaration; classification, fusion and the reference engine read it.
 *
 *     operator transpose<T>(x: T[...s], perm: shape) -> y: T[...permute(s, perm)] {
 *       y[...i] = x[...permute(i, inverse_permutation(perm))]
 *       inverse x[...j] -> [...permute(j, perm)]
 *     }
 *     transpose(T: f32, s: (4, 6), perm: (1, 0))
 *       inputs   x: f32[4, 6]
 *       outputs  y: f32[6, 4], axes (i0 < 6, i1 < 4), value x[i1, i0]
 *       inverses x, axes (j0 < 4, j1 < 6) -> y[j1, j0]
 */
import type { Axis, Buffer, Expr, Variable } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'

export interface OperatorInstance {
  readonly name: string
  /** Scope `input`, in the order of the declaration. */
  readonly inputs: readonly Buffer[]
  /** Named intermediate tensors (`let`), in order: each is defined by inputs and earlier stages. Scope `workspace`. */
  readonly stages: readonly Definition[]
  /** Scope `output`, in the order of the declaration. */
  readonly outputs: readonly Definition[]
  readonly inverses: readonly DeclaredInverse[]
  /** Shape variables that are known only at launch, in the order of their declaration. */
  readonly extents: readonly Variable[]
  /** Of the declaration. */
  readonly origins: Origins
}

/**
 * Every element of one tensor. `value` mentions the axes, extents, and loads of inputs and earlier stages; it has the
 * type of the buffer's element (a cast where the defining expression has another), so that a reader sees what memory
 * would hold. Reductions (`Reduce`) may stand anywhere in it.
 */
export interface Definition {
  readonly buffer: Buffer
  /** One for each dimension of `buffer`, with its extents. */
  readonly axes: readonly Axis[]
  readonly value: Expr
  /** Of the defining statement. */
  readonly origins: Origins
}

/** `inverse x[...j] -> [...]`: where the element `j` of an input arrives. Checked before it is used. */
export interface DeclaredInverse {
  readonly input: Buffer
  /** The output in which it arrives. */
  readonly output: Buffer
  /** One for each dimension of `input`. */
  readonly axes: readonly Axis[]
  /** One for each dimension of `output`, over `axes`. */
  readonly indices: readonly Expr[]
  readonly origins: Origins
}
