import { expect, it } from 'vitest'
import { binary, load, select } from '../../../compiler-core/ir/build.ts'
import { checkOperator } from '../../../compiler-core/operators/check.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { add, at, batchMatmul, extentVariable, f, n, operator, relu, reshape, sub, tensor, withInverse } from './support.ts'

const x = tensor('x', [56])
const check = (o: OperatorInstance, ...messages: string[]) =>
  expect(checkOperator(o).map(finding => `${finding.code}: ${finding.message}`)).toEqual(messages)

it('has nothing to say of reads that lie inside', () => {
  check(relu(x))
  check(reshape(tensor('x', [4, 6]), [3, 8]))
  const k = extentVariable('k')
  check(batchMatmul(tensor('a', [1, 2, k]), tensor('b', [1, k, 2])))
  check(operator('guarded', [x], [58], i => load(x, [sub(i, n(1))], f(0))))
})
it('takes conditions into account', () =>
  check(operator('concat', [x], [60], i => select(binary('<', i, n(56)), at(x, i), at(x, sub(i, n(5)))))))
it('finds reads outside, also in stages and in reductions', () => {
  const message = 'out-of-bounds: `x[i0 + 1]` may lie outside of `x`: the index `i0 + 1` ranges over 1 to 56, and the extent is `56`. Guard the access with `??`, or narrow the index.'
  const stage = tensor('s', [56], 'f32', 'workspace')
  check(operator('shift', [x], [56], i => at(x, add(i, n(1)))), message)
  check(operator('staged', [x], [56], i => at(stage, i), { stages: [[stage, i => at(x, add(i, n(1)))]] }), message)
  check(operator('far', [x], [2], i => at(x, add(i, n(60)))), 'out-of-bounds: `x[i0 + 60]` lies outside of `x`: the index `i0 + 60` ranges over 60 to 61, and the extent is `56`. Guard the access with `??`, or narrow the index.')
})
it('finds inverse maps that do not hold', () =>
  check(withInverse(relu(x), x, j => sub(n(55), j)), 'wrong-inverse: `x[0]` would arrive in `y[55]`, which reads `x[55]`.'))
