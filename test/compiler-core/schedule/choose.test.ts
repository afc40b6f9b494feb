/** Which schedule and which point level 0 takes, by shapes and by devices. */
import { describe, expect, it } from 'vitest'
import { createBuilder, inputTensor, type Arguments, type Builder } from '../../../compiler-core/graph/builder.ts'
import { chooseSchedule, isServedAsWhole, type ChooseOptions, type Chosen } from '../../../compiler-core/schedule/choose.ts'
import { spaceOf } from '../../../compiler-core/schedule/space.ts'
import { architectureNamed } from '../../../compiler-core/target/architectures.ts'
import { deviceNamed } from '../../../compiler-core/target/devices.ts'

const builder = createBuilder()

type Shape = readonly number[]
const tensor = (shape: Shape, element: 'f32' | 'bool' = 'f32') => inputTensor('x', element, shape)

function applied(b: Builder, name: string, args: Arguments) {
  const made = b.apply(name, args)
  if ('problem' in made) throw new Error(made.problem)
  return b.defined(made.nodes[0]!.operator)
}

function chosen(name: string, args: Arguments, options: ChooseOptions = {}, b = builder): Chosen {
  const found = chooseSchedule(b.surroundings, applied(b, name, args), options)
  if (!found) throw new Error(`${name}: no schedule`)
  return found
}

const textOf = (point: Chosen['point']): string => point.map(choice => choice.text).join()
type Sizes = [batch: number, m: number, n: number, k: number]
const matmul = (...[batch, m, n, k]: Sizes): Arguments =>
  ({ a: tensor([batch, m, k]), b: tensor([batch, k, n]) })
const image = (n: number, c: number, side: number) => tensor([n, c, side, side])
const windows = { strides: [1, 1], dilations: [1, 1], before: [1, 1], after: [1, 1] }

describe('the schedule of an operator', () => {
  const cases: readonly (readonly [what: string, schedule: string, name: string, args: Arguments])[] = [
    ['a product', 'simt', 'batch_matmul', matmul(1, 5, 7, 9)],
    ['a row times a matrix', 'column_per_threads', 'batch_matmul', matmul(1, 1, 1000, 2048)],
    ['a matrix times a column', 'row_per_warp', 'batch_matmul', matmul(12, 64, 1, 128)],
    ['elements', 'flat', 'relu', { x: tensor([3, 1, 1]) }],
    ['many short rows', 'thread_per_result', 'reduce', { x: tensor([9000, 9]), axes: [1], op: { reducer: 'sum' } }],
    ['many rows', 'warp_per_result', 'reduce', { x: tensor([9000, 1000]), axes: [1], op: { reducer: 'sum' } }],
    ['few long rows', 'block_per_result', 'reduce', { x: tensor([3, 10_000]), axes: [1], op: { reducer: 'max' } }],
    ['everything', 'block_per_result', 'reduce', { x: tensor([100, 100]), axes: [0, 1], op: { reducer: 'sum' } }],
    ['many columns', 'thread_per_result', 'reduce', { x: tensor([100, 9000]), axes: [0], op: { reducer: 'sum' } }],
    ['few long columns', 'columns_of_threads', 'reduce', { x: tensor([9000, 3]), axes: [0], op: { reducer: 'avg' } }],
    ['windows', 'thread_per_result', 'max_pool', { x: image(1, 64, 56), size: [3, 3], ...windows, after: undefined, places: [56, 56] }],
    ['groups of channels', 'thread_per_result', 'conv', { x: image(1, 8, 56), w: tensor([16, 4, 3, 3]), ...windows, groups: 2 }],
    ['single channels', 'staged', 'depthwise_conv', { x: image(1, 64, 56), filter: tensor([64, 1, 3, 3]), size: [3, 3], ...windows }],
    ['a moved last dimension', 'through_shared', 'transpose', { x: tensor([2, 64, 49]), perm: [0, 2, 1] }],
    ['a moved short dimension', 'flat', 'transpose', { x: tensor([1, 49, 3]), perm: [0, 2, 1] }],
    ['a last dimension that stays', 'flat', 'transpose', { x: tensor([128, 12, 64]), perm: [1, 0, 2] }],
    ['short rows to normalise', 'warp_per_row', 'layer_norm', { x: tensor([9, 96]), gain: tensor([96]), shift: tensor([96]) }],
    ['rows to normalise', 'block_per_row', 'standardise', { x: tensor([9, 4096]) }],
    ['rows of exponentials', 'warp_per_row', 'softmax', { x: tensor([12, 128, 128]) }],
    ['long rows of exponentials', 'online', 'log_softmax', { x: tensor([2, 50_257]) }]
  ]
  it.each(cases)('%s: %s', (_, schedule, name, args) => { expect(chosen(name, args).name).toBe(schedule) })

  it('is none where an operator has stages and no schedule of its own applies', () => {
    const operator = applied(builder, 'standardise', { x: tensor([2, 50_000]) })
    expect(isServedAsWhole(builder.surroundings, operator)).toBe(false)
    expect(chooseSchedule(builder.surroundings, operator)).toBeUndefined()
    expect(isServedAsWhole(builder.surroundings, applied(builder, 'standardise', { x: tensor([2, 500]) }))).toBe(true)
  })
  it('leaves no word about those that do not apply', () => {
    const { run } = createBuilder().surroundings, before = run.diagnostics.length
    chosen('batch_matmul', matmul(1, 5, 7, 9))
    expect(run.diagnostics.length).toBe(before)
  })
})

describe('the tiles of a product', () => {
  const tiles = (...sizes: Sizes): string => chosen('batch_matmul', matmul(...sizes)).reason

  it('are the default\'s where these keep all processors busy', () => {
    expect(tiles(1, 8192, 8192, 1024)).toBe('4096 tiles of 128 x 128 for 108 processors (A100-SXM4-80GB)')
  })
  it('are smaller where these would leave most of them idle', () => {
    expect(tiles(1, 784, 128, 1152)).toBe('50 tiles of 32 x 64 for 108 processors (A100-SXM4-80GB)')
  })
  it('are the smallest for few elements', () => {
    expect(tiles(1, 5, 7, 9)).toBe('1 tiles of 32 x 64 for 108 processors (A100-SXM4-80GB)')
  })
  it('depend on the device', () => {
    const device = deviceNamed('T4'), args = matmul(1, 1024, 1024, 1024)
    expect(chosen('batch_matmul', args, { device }).reason).not.toBe(chosen('batch_matmul', args).reason)
  })
  it('take no more registers than the default, and are candidates of level 1', () => {
    const shapes: readonly Sizes[] = [[1, 49, 512, 4608], [12, 128, 128, 64], [1, 2039, 2039, 2039]]
    for (const shape of shapes) {
      const { schedule, point } = chosen('batch_matmul', matmul(...shape))
      const legal = schedule.at(point)
      expect(legal.legal && legal.facts.find(f => f.name === 'registers')!.value).toBeLessThanOrEqual(136)
      const known = [0, 1].flatMap(level => spaceOf(schedule, level)!.candidates.map(c => textOf(c.point)))
      expect(known).toContain(textOf(point))
    }
  })
  it('are larger where fusion computes what is loaded', () => {
    const args = matmul(1, 1024, 1024, 1024)
    expect(chosen('batch_matmul', args).reason).toContain('tiles of 32 x 64')
    expect(chosen('batch_matmul', args, { isFused: () => true }).reason).toContain('tiles of 64 x 64')
  })
})

describe('the tiles of a depthwise convolution', () => {
  const staged = (c: number, side: number, k: number, stride: number, b = builder): Chosen => chosen('depthwise_conv', {
    x: image(1, c, side), filter: tensor([c, 1, k, k]), size: [k, k], strides: [stride, stride], dilations: [1, 1],
    before: [k >> 1, k >> 1], after: [k >> 1, k >> 1]
  }, {}, b)

  it('are legal where the default is not', () => {
    const { schedule, point } = staged(64, 56, 7, 2)
    expect(schedule.at(schedule.tunes.map(t => t.default)).legal).toBe(false)
    expect(schedule.at(point).legal).toBe(true)
  })
  it('differ from device to device', () => {
    const hopper = createBuilder(architectureNamed('sm_90'))
    expect(staged(144, 56, 3, 1).reason).not.toBe(staged(144, 56, 3, 1, hopper).reason)
  })
})
