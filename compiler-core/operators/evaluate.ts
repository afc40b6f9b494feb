/**
 * The truth: what an operator computes, straight from its definition, in f64, and how far a right kernel may be off.
 *
 *     c[r, i, j] = sum[p < k] a[r, i, p] * b[r, p, j]       one element: 12.25, bound 2 * k * 2^-24 * sum |a||b|
 *
 * Nothing of lowering, code generation or schedules is known here. A definition becomes a JavaScript function of one
 * element's number (definition-code.ts): it is made with `new Function`, since an interpreter of the expression would
 * take a hundred times as long for the sums of a matmul; nothing of the text of a program gets into it but numbers. An
 * element is computed when it is first asked for and then kept, as are those of stages that it reads: a sample of a
 * large result costs what the sample costs.
 *
 * The bound is a running error analysis in the declared types: each operation costs some units of the last place of its
 * type, for it may be that of another expression that is equal to the declared one; a function what CUDA promises, so
 * many times; a division twice (a kernel may multiply by the reciprocal), a sum of k terms in whatever order
 * 2 * (k - 1) * u * sum |term|. It is 0 where all up to the element is exact in whatever order: whole types, maxima,
 * copies, and sums of whole terms whose magnitudes stay below 2^precision together. Where a condition, a rounding to
 * whole numbers or an index is not certain because of errors before it, the bound spans what either way gives.
 */
import type { Buffer, Variable } from '../ir/ir.ts'
import { compiledDefinition, shapeOf, sizeOf, type Elements } from './definition-code.ts'
import type { OperatorInstance } from './definition.ts'

/** Elements of a tensor, row-major. */
export interface Values {
  /** i64 and u64 within 2^53. */
  readonly values: Float64Array
  /** How far each may be off; undefined: all are exact. At least 0. */
  readonly errors: Float64Array | undefined
}

export interface Truth {
  readonly shape: readonly number[]
  /**
   * By the element's number in row-major order. What is found lies within `bound` of `value`, or is NaN where that is;
   * an infinite bound: anything may be found.
   */
  readonly at: (element: number) => { readonly value: number; readonly bound: number }
}

/** The outputs in order. `inputs`: one for each of the operator's, in order; `extents`: a number for each extent. */
export function evaluateOperator(
  operator: OperatorInstance, inputs: readonly Values[], extents: ReadonlyMap<Variable, number>
): readonly Truth[] {
  const given = operator.inputs.map((b, i) => givenElements(b, inputs[i] ?? noValues, extents))
  return outputElements(operator, given, extents).map(truthOf)
}

/** The same with tensors whose elements may still be to come, for operators that follow each other. */
export function outputElements(
  operator: OperatorInstance, inputs: readonly Elements[], extents: ReadonlyMap<Variable, number>
): readonly Elements[] {
  const tensors = new Map(operator.inputs.map((b, i) => [b, inputs[i]!]))
  for (const definition of [...operator.stages, ...operator.outputs]) {
    const shape = shapeOf(definition.axes.map(a => a.extent), extents), size = sizeOf(shape)
    const places = Math.min(size, mostPlaces), isPartial = places < size
    const values = new Float64Array(places), errors = new Float64Array(places)
    const known = isPartial ? new Float64Array(places) : new Uint8Array(places)
    const own = compiledDefinition(definition, new Map(tensors), extents, values, errors)
    const compute = (element: number) => {
      own(element)
      if (isPartial) known[element % places] = element + 1
      else known[element] = 1
    }
    tensors.set(definition.buffer, { shape, values, errors, known, compute })
  }
  return operator.outputs.map(({ buffer }) => tensors.get(buffer)!)
}

/** Elements that are all there. */
export function givenElements(
  buffer: Buffer, { values, errors }: Values, extents: ReadonlyMap<Variable, number>
): Elements {
  return { shape: shapeOf(buffer.shape, extents), values, errors, known: undefined, compute: () => undefined }
}

export function truthOf({ shape, values, errors, known, compute }: Elements): Truth {
  const size = sizeOf(shape)
  return {
    shape,
    at: element => {
      const place = known ? element % values.length : element
      const isKnown = known === undefined || known[place] === (values.length < size ? element + 1 : 1)
      if (!isKnown) compute(element)
      const error = errors ? errors[place] ?? Infinity : 0
      return { value: values[place] ?? Number.NaN, bound: error <= 0 ? 0 : error }
    }
  }
}

/** Elements of a tensor that are kept at once: what an attention has between its operators would not fit. */
const mostPlaces = 2 ** 24
const noValues: Values = { values: new Float64Array(0), errors: undefined }
