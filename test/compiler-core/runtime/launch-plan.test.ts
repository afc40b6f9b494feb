import { describe, expect, it } from 'vitest'
import type { Model } from '../../../compiler-core/graph/model.ts'
import type { Buffer } from '../../../compiler-core/ir/ir.ts'
import { compileGraph } from '../../../compiler-core/runtime/compile-model.ts'
import type { Plan } from '../../../compiler-core/runtime/plan.ts'
import { graphModel, target, textModel, type GraphMaker } from '../../harness/graphs.ts'

const planOf = (body: (g: GraphMaker) => Readonly<Record<string, Buffer>>): Plan => planOfModel(graphModel(body))

function planOfModel(model: Model): Plan {
  const { compiled, problems } = compileGraph(model, { ...target, parallelK: 'disabled' })
  expect(problems).toEqual([])
  return compiled!.planned.plan
}

/** `add_1(x in 0, b weights 0, c @0)`: each tensor with its place. */
function stepsOf({ steps, kernels, tensors }: Plan): readonly string[] {
  const tensor = (i: number): string => {
    const { name, place } = tensors[i]!
    switch (place.kind) {
      case 'input': return `${name} in ${place.index}`
      case 'output': return `${name} out ${place.index}`
      case 'constant': return `${name} weights ${place.offset}`
      case 'arena': return `${name} @${place.offset}`
      case 'view': return `${name} of ${tensors[place.of]!.name}`
    }
  }
  return steps.map(step => {
    switch (step.kind) {
      case 'launch': return `${kernels[step.kernel]!.name}(${step.arguments.map(tensor).join(', ')})`
      case 'fill': return `${tensor(step.tensor)} = ${step.value}`
      case 'copy': return `${tensor(step.to)} = ${tensor(step.from)}`
    }
  })
}

function check(
  name: string, body: (g: GraphMaker) => Readonly<Record<string, Buffer>>, steps: readonly string[]
): void {
  it(name, () => { expect(stepsOf(planOf(body))).toEqual(steps) })
}

/** Two of them are not fused: each is a reduction. */
const sums = (g: GraphMaker, x: Buffer): Buffer =>
  g.apply('reduce', { x, axes: [1], op: { reducer: 'sum' }, keep: true })

function checkText(name: string, text: string, steps: readonly string[]): void {
  it(name, () => { expect(stepsOf(planOfModel(textModel(text)))).toEqual(steps) })
}

describe('the launch plan', () => {
  check('passes tensors on in the arena', g => {
    const x = g.input('x', 'f32', [4, 8])
    return { y: sums(g, g.apply('subtract', { a: x, b: sums(g, x) })) }
  }, ['reduce_1(x in 0, y @0)', 'subtract_reduce_2(x in 0, y @0, y_2 out 0)'])

  check('uses memory again that is not needed any more', g => {
    let x = g.input('x', 'f32', [64, 8])
    for (let i = 0; i < 4; i++) x = g.apply('subtract', { a: g.constant(`c${i}`, 'f32', [64, 8]), b: sums(g, x) })
    return { y: sums(g, x) }
  }, [
    'reduce_1(x in 0, y @0)', 'subtract_reduce_2(c0 weights 0, y @0, y_2 @256)',
    'subtract_reduce_2(c1 weights 2048, y_2 @256, y_3 @0)', 'subtract_reduce_2(c2 weights 4096, y_3 @0, y_4 @256)',
    'subtract_reduce_2(c3 weights 6144, y_4 @256, y_5 out 0)'
  ])

  check('launches nothing for a view', g => {
    const x = g.apply('reshape', { x: g.input('x', 'f32', [4, 8]), to: [8, 4] })
    return { y: sums(g, x), z: sums(g, g.apply('transpose', { x, perm: [1, 0] })) }
  }, ['reduce_1(y of x, y_2 out 0)', 'reduce_2(y of x, y_3 out 1)'])

  check('lets a result lie behind a view', g => {
    const s = sums(g, g.input('x', 'f32', [4, 8]))
    return { y: g.apply('reshape', { x: s, to: [2, 2] }), z: sums(g, s) }
  }, ['reduce_1(x in 0, y out 0)', 'reduce_2(y out 0, y_3 out 1)'])

  check('copies a result that is an input, a constant or another result', g => {
    const x = g.input('x', 'f32', [4, 8]), c = g.constant('c', 'f32', [3]), y = g.apply('relu', { x })
    return { x2: x, c2: c, y, y2: y, flat: g.apply('reshape', { x, to: [32] }) }
  }, [
    'relu_1(x in 0, y out 2)', 'x2 out 0 = x in 0', 'c2 out 1 = c weights 0', 'y2 out 3 = y out 2',
    'flat out 4 = y_2 of x'
  ])

  check('has no step for a result that nobody computes', g => {
    g.input('unused', 'f32', [2])
    return { c2: g.constant('c', 'i64', [2]) }
  }, ['c2 out 0 = c weights 0'])

  const total = 'operator total(x: f32[n, m]) -> y: f32[n] { y[i] = sum[j < m] x[i, j] }'
  checkText('sets to 0 what a kernel adds to', `${total}
    schedule own for total {
      kernel main(grid: n, block: 32) { atomic_add(y[blockIdx.x], x[blockIdx.x, threadIdx.x]) }
    }
    graph g(x: f32[4, 32]) { return relu(total(x)) }
  `, ['y @0 = 0', 'total_1(x in 0, y @0)', 'relu_2(y @0, y_2 out 0)'])

  checkText('gives kernels the memory that they pass something on in', `${total}
    schedule own for total {
      workspace plain: f32[n, m]
      workspace started: f32[n] = 2
      kernel first(grid: n, block: 32) { plain[blockIdx.x, threadIdx.x] = x[blockIdx.x, threadIdx.x] }
      kernel second(grid: n, block: 1) { started[blockIdx.x] = started[blockIdx.x] + plain[blockIdx.x, 0] }
      kernel third(grid: n, block: 1) { y[blockIdx.x] = started[blockIdx.x] }
    }
    graph g(x: f32[4, 32]) { return total(x) }
  `, [
    'started @512 = 2', 'total_1_first(x in 0, plain @0)', 'total_1_second(plain @0, started @512)',
    'total_1_third(y out 0, started @512)'
  ])

  it('names inputs and results as the model does, with their shapes', () => {
    const plan = planOf(g => {
      g.input('unused', 'i64', [2])
      return { 'a.y': g.apply('reshape', { x: g.apply('relu', { x: g.input('a.x', 'f32', [4, 8]) }), to: [32] }) }
    })
    const ports = [...plan.inputs, ...plan.outputs].map(p => `${p.name}: ${p.element}[${p.shape.join()}]`)
    expect(ports).toEqual(['unused: i64[2]', 'a.x: f32[4,8]', 'a.y: f32[32]'])
    expect(plan.outputs.map(o => plan.tensors[o.tensor]!.shape)).toEqual([[32]])
  })

  it('says of each parameter what it is, and of each launch what it computes', () => {
    const plan = planOf(g => {
      const a = g.input('a', 'f16', [1, 4, 8]), b = g.constant('b', 'f16', [1, 8, 4])
      return { y: g.apply('relu', { x: g.apply('batch_matmul', { a, b }) }) }
    })
    expect(plan.kernels.map(k => k.parameters)).toEqual([[
      { name: 'a', element: 'f16', written: false }, { name: 'b', element: 'f16', written: false },
      { name: 'y', element: 'f16', written: true }
    ]])
    expect(plan.steps.map(s => s.kind === 'launch' && s.label)).toEqual(['[batch_matmul], relu'])
    expect(plan.kernels.map(k => k.file)).toEqual([`kernels/${plan.kernels[0]!.name}.cu`])
  })
})
