// Definitions that nobody would write, of all types and kinds of nodes.
import { binary, call, cast, constant, isFloat, load, ref, select } from '../../../compiler-core/ir/build.ts'
import type { Buffer, ElementName, Expr, Reduce, ReducerName, Type } from '../../../compiler-core/ir/ir.ts'
import { axis } from './support.ts'
import type { Random } from './sloppy.ts'

/** An expression of a type over the element `i` of inputs, and over sums and the like of their elements. */
export function randomExpr(type: ElementName, depth: number, i: Expr, inputs: readonly Buffer[], random: Random): Expr {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const part = (t: ElementName) => randomExpr(t, depth - 1, i, inputs, random)
  const of = inputs.filter(b => b.element === type)
  if (depth <= 0 || random() < 0.1) {
    return of.length > 0 && random() < 0.8 ? load(pick(of), [i]) : constant(type === 'bool' ? 1 : pick([-2, 0, 0.5, 1, 3].filter(x => isFloat(type) || Number.isInteger(x))), type)
  }
  const reduce = (reducer: ReducerName, t: Type, body: (p: Expr) => Expr): Reduce => {
    const p = axis('p', 5)
    return { kind: 'reduce', reducer, axes: [p], body: body(ref(p.variable)), type: t, origins: [] }
  }
  const inside = (t: ElementName) => (p: Expr) => randomExpr(t, depth - 2, p, inputs, random)
  if (type === 'bool') {
    const t = pick(['f32', 'f16', 'i32'] as const)
    return pick([
      () => binary(pick(['<', '<=', '==', '!=']), part(t), part(t)), () => binary(pick(['&&', '||']), part('bool'), part('bool')),
      () => cast(part(t), 'bool'), () => reduce(pick(['any', 'all']), 'bool', inside('bool'))
    ])()
  }
  const choice = () => select(part('bool'), part(type), part(type))
  if (type === 'i32') {
    return pick([
      choice, () => binary(pick(['+', '-', '*', 'min', 'max']), part('i32'), part('i32')),
      () => binary(pick(['/', '%']), part('i32'), constant(pick([2, 3, -4]), 'i32')), () => cast(part('f32'), 'i32'),
      () => cast(part('bool'), 'i32'), () => reduce(pick(['sum', 'max', 'min']), 'i32', inside('i32')),
      () => cast(reduce(pick(['argmax', 'argmin']), 'i64', inside('f32')), 'i32')
    ])()
  }
  return pick([
    choice, () => binary(pick(['+', '-', '*', '/', 'min', 'max']), part(type), part(type)),
    () => binary(pick(['+', '-', '*']), part(type), part(type)),
    () => call(pick(['abs', 'exp', 'tanh', 'erf', 'floor', 'ceil', 'round', 'sin', 'sqrt', 'rsqrt', 'log'] as const), [part(type)]),
    () => call('pow', [part(type), constant(2, type)]),
    () => cast(part(pick((['f32', 'f16', 'bf16', 'tf32', 'i32'] as const).filter(t => t !== type))), type),
    () => type === 'f32' ? reduce(pick(['sum', 'avg', 'max', 'min', 'prod']), 'f32', inside('f32')) : choice(),
    () => type === 'f32' ? reduce('sum', 'f32', p => binary('*', inside('f32')(p), inside('f32')(p))) : choice()
  ])()
}
