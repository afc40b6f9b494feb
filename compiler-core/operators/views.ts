/**
 * Operators that give elements as they lie in memory another shape, and compute nothing.
 *
 *     reshape(x: f32[2, 6, 35], to: (4, 3, 35))      y[i, j, k] is x at the same offset: a view of x
 *     transpose(x: f32[1, 5, 7], perm: (1, 0, 2))    a view, since one extent is 1
 */
import { binary, constant, ref } from '../ir/build.ts'
import type { Buffer, Expr } from '../ir/ir.ts'
import { sameValue } from '../ir/prove.ts'
import type { OperatorInstance } from './definition.ts'
import { axisFacts, inlinedDefinition } from './inline.ts'

/** The input whose elements an operator's one output has, at the same offsets; undefined where that is not proved. */
export function viewedInput(instance: OperatorInstance): Buffer | undefined {
  const known = viewed.get(instance)
  if (known) return known.input
  const input = find(instance)
  viewed.set(instance, { input })
  return input
}

const viewed = new WeakMap<OperatorInstance, { readonly input: Buffer | undefined }>()

function find(instance: OperatorInstance): Buffer | undefined {
  const [output, ...others] = instance.outputs
  if (!output || others.length > 0) return undefined
  const { buffer, axes, value } = inlinedDefinition(instance, output.buffer)!
  if (value.kind !== 'load' || !instance.inputs.includes(value.buffer)) return undefined
  const { shape, element } = value.buffer, facts = axisFacts(axes)
  const isWhole = element === buffer.element && sameValue(facts, product(shape), product(buffer.shape))
  const from = offset(shape, value.indices), to = offset(buffer.shape, axes.map(a => ref(a.variable)))
  return isWhole && sameValue(facts, from, to) ? value.buffer : undefined
}

function product(shape: readonly Expr[]): Expr {
  return shape.reduce((n, extent) => binary('*', n, extent), constant(1))
}

/** Row-major. */
function offset(shape: readonly Expr[], indices: readonly Expr[]): Expr {
  return indices.reduce<Expr>((n, index, d) => binary('+', binary('*', n, shape[d]!), index), constant(0))
}
