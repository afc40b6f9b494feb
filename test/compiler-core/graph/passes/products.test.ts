import { describe, expect, it } from 'vitest'
import {
  convolutionRule, flattenRule, mergeProducts, partsOf, splitSums, type ParallelK
} from '../../../../compiler-core/graph/passes/products.ts'
import { rewrite } from '../../../../compiler-core/graph/passes/rules.ts'
import type { Model } from '../../../../compiler-core/graph/model.ts'
import type { Buffer } from '../../../../compiler-core/ir/ir.ts'
import type { Making } from '../models.ts'
import { checkPass, type Case } from './support.ts'

const cases = (pass: (model: Model) => Model, all: readonly (readonly [string, ...Case])[]) =>
  it.each(all)('%s', (_, ...c) => checkPass(pass, c))

const matmul = (m: Making, a: Buffer, b: Buffer) => m.apply('batch_matmul', { a, b })
const reshape = (m: Making, x: Buffer, to: readonly number[]) => m.apply('reshape', { x, to })

describe('products of one tensor', () => {
  const x = (m: Making) => m.input('x', [1, 4, 6]), w = (m: Making, name: string, n: number) => m.constant(name, [1, 6, n])
  const softmax = (m: Making, y: Buffer) => m.apply('softmax', { x: y })
  cases(model => mergeProducts(model, 8), [
    ['become one, and each reads its part',
      'softmax(batch_matmul(x, u)); softmax(relu(batch_matmul(x, v)))',
      'softmax(slice[1, 4, 5](batch_matmul(x, {concat(u, v)}))); softmax(relu(slice[1, 4, 3](batch_matmul(x, {concat(u, v)}))))', m => {
        const a = x(m)
        return [softmax(m, matmul(m, a, w(m, 'u', 5))), softmax(m, m.apply('relu', { x: matmul(m, a, w(m, 'v', 3)) }))]
      }],
    ['with what is added to their columns, behind different reshapes of it',
      'softmax(add(batch_matmul(reshape[1, 4, 6](x), u), b)); softmax(add(batch_matmul(reshape[1, 4, 6](x), v), c)); '
      + 'softmax(add(batch_matmul(reshape[1, 4, 6](x), w), d))',
      ...['slice[1, 4, 5]', 'slice[1, 4, 3]', 'slice[1, 4, 2]'].map(part =>
        `softmax(${part}(add(batch_matmul(reshape[1, 4, 6](x), {concat(concat(u, v), w)}), `
        + '{concat(concat(reshape[1, 1, 5](b), reshape[1, 1, 3](c)), d)})))').join('; ').split('|') as [string], m => {
        const a = m.input('x', [2, 2, 6])
        const part = (weights: string, bias: Buffer, n: number) => softmax(m, m.apply('add', {
          a: matmul(m, reshape(m, a, [1, 4, 6]), w(m, weights, n)), b: bias
        }))
        return [part('u', m.constant('b', [5]), 5), part('v', m.constant('c', [3]), 3), part('w', m.constant('d', [1, 1, 2]), 2)]
      }],
    ['stay where a result is needed as it is',
      'batch_matmul(x, u); softmax(batch_matmul(x, v))', 'batch_matmul(x, u); softmax(batch_matmul(x, v))', m => {
        const a = x(m)
        return [matmul(m, a, w(m, 'u', 5)), softmax(m, matmul(m, a, w(m, 'v', 3)))]
      }],
    ['stay where weights are not known',
      'softmax(batch_matmul(x, u)); softmax(batch_matmul(x, v))', 'softmax(batch_matmul(x, u)); softmax(batch_matmul(x, v))', m => {
        const a = x(m), v = m.input('v', [1, 6, 3])
        return [softmax(m, matmul(m, a, w(m, 'u', 5))), softmax(m, matmul(m, a, v))]
      }],
    ['stay where they are of different tensors',
      'softmax(batch_matmul(x, u)); softmax(batch_matmul(relu(x), v))', 'softmax(batch_matmul(x, u)); softmax(batch_matmul(relu(x), v))', m => {
        const a = x(m)
        return [softmax(m, matmul(m, a, w(m, 'u', 5))), softmax(m, matmul(m, m.apply('relu', { x: a }), w(m, 'v', 3)))]
      }]
  ])
  cases(model => mergeProducts(model, 1), [
    ['stay where the processors are busy with each of them',
      'softmax(batch_matmul(x, u)); softmax(batch_matmul(x, v))', 'softmax(batch_matmul(x, u)); softmax(batch_matmul(x, v))', m => {
        const a = x(m)
        return [softmax(m, matmul(m, a, w(m, 'u', 64))), softmax(m, matmul(m, a, w(m, 'v', 64)))]
      }]
  ])
})

describe('a batch of products with one matrix', () => {
  cases(model => rewrite(model, [flattenRule]), [
    ['is one product',
      'batch_matmul(x, expand[3, 4, 5](w))', 'reshape[3, 2, 5](batch_matmul(reshape[1, 6, 4](x), {reshape[1, 4, 5](w)}))', m =>
        [matmul(m, m.input('x', [3, 2, 4]), m.apply('expand', { x: m.constant('w', [4, 5]), to: [3, 4, 5] }))]],
    ['also where the batch had several dimensions',
      'batch_matmul(x, reshape[6, 4, 5](expand[3, 2, 4, 5](w)))', 'reshape[6, 2, 5](batch_matmul(reshape[1, 12, 4](x), {reshape[1, 4, 5](w)}))', m =>
        [matmul(m, m.input('x', [6, 2, 4]), reshape(m, m.apply('expand', { x: m.constant('w', [1, 1, 4, 5]), to: [3, 2, 4, 5] }), [6, 4, 5]))]],
    ['stays with several matrices', 'batch_matmul(x, w)', 'batch_matmul(x, w)', m => [matmul(m, m.input('x', [3, 2, 4]), m.constant('w', [3, 4, 5]))]],
    ['stays where its rows are not those of one matrix', 'batch_matmul(x, expand[4, 4, 5](w))', 'batch_matmul(x, expand[4, 4, 5](w))', m =>
      [matmul(m, m.input('x', [4, 2, 4]), m.apply('expand', { x: m.constant('w', [4, 1, 5]), to: [4, 4, 5] }))]]
  ])
})

describe('a convolution', () => {
  const conv = (x: readonly number[], w: readonly number[], more: Record<string, number | readonly number[]> = {}) => (m: Making) => [m.apply('conv', {
    x: m.input('x', x), w: m.constant('w', w), strides: [1, 1], dilations: [1, 1], before: [0, 0], after: [0, 0], groups: 1, ...more
  })]
  const product = (w: string) => `columns_image(batch_matmul(image_columns(x), {transpose(reshape${w}(w))}))`
  cases(model => rewrite(model, [convolutionRule]), [
    ['is a matrix product', 'conv(x, w)', product('[1, 3, 18]'), conv([2, 2, 5, 6], [3, 2, 3, 3], { before: [1, 1], after: [1, 0], strides: [2, 1] })],
    ['of one dimension', 'conv(x, w)', product('[1, 4, 6]'), conv([1, 2, 9], [4, 2, 3], { strides: 1, dilations: 2, before: 1, after: 1 })],
    ['in large groups', 'conv(x, w)', product('[2, 8, 36]'), conv([1, 8, 4, 4], [16, 4, 3, 3], { groups: 2 })],
    ['stays in small groups', 'conv(x, w)', 'conv(x, w)', conv([1, 4, 4, 4], [4, 2, 1, 1], { groups: 2 })],
    ['of each channel by itself has an operator of its own', 'conv(x, w)', 'depthwise_conv(x, w)', conv([1, 4, 5, 5], [4, 1, 3, 3], { groups: 4 })],
    ['stays where a channel has several filters', 'conv(x, w)', 'conv(x, w)', conv([1, 4, 5, 5], [8, 1, 3, 3], { groups: 4 })]
  ])
})

describe('long sums', () => {
  const split = 'reduce(reshape[1, 2, 2, 3](batch_matmul(reshape[2, 2, 200](transpose(reshape[1, 2, 2, 200](x))), '
  const product = (k: number) => (m: Making) => [m.apply('relu', { x: matmul(m, m.input('x', [1, 2, k]), m.constant('w', [1, k, 3])) })]
  cases(model => splitSums(model, 2, 8), [
    ['are computed in parts', 'relu(batch_matmul(x, w))', `relu(${split}{reshape[2, 200, 3](w)}))))`, product(400)],
    ['stay where the parts are none', 'relu(batch_matmul(x, w))', 'relu(batch_matmul(x, w))', product(7)]
  ])
  cases(model => splitSums(model, 'disabled', 8), [['stay if asked', 'relu(batch_matmul(x, w))', 'relu(batch_matmul(x, w))', product(400)]])
  cases(model => splitSums(model, 'default', 8), [
    ['are not split twice', 'relu(batch_matmul(x, w))',
      'relu(reduce(reshape[1, 8, 2, 3](batch_matmul(reshape[8, 2, 512](transpose(reshape[1, 2, 8, 512](x))), '
      + '{reshape[8, 512, 3](w)}))))', product(4096)],
    ['stay where they are short', 'relu(batch_matmul(x, w))', 'relu(batch_matmul(x, w))', product(383)]
  ])

  const sms = 82
  it.each<readonly [number, number, number, number, ParallelK, number]>([
    // the paper's table, and its rules for vectors and waves on its card
    [1, 128, 3072, 768, 'paper', 3], [1, 128, 2304, 768, 'paper', 3], [1, 128, 768, 768, 'paper', 6], [1, 289, 192, 1120, 'paper', 10],
    [1, 64, 384, 1152, 'paper', 12], [1, 289, 192, 1344, 'paper', 14], [1, 49, 160, 960, 'paper', 15], [1, 49, 320, 960, 'paper', 15],
    [1, 196, 64, 384, 'paper', 16], [1, 196, 256, 2304, 'paper', 16], [1, 289, 128, 768, 'paper', 16], [1, 289, 96, 864, 'paper', 16],
    [1, 289, 128, 896, 'paper', 16], [1, 128, 768, 3072, 'paper', 16],
    [1, 1, 1000, 2048, 'paper', 16], [1, 196, 256, 383, 'paper', 1], [1, 3136, 64, 576, 'paper', 8], [1, 12544, 64, 576, 'paper', 2],
    [1, 784, 128, 1152, 'paper', 8], [12, 2048, 2048, 512, 'paper', 1],
    // by waves alone: 5 x 82 blocks of 64 x 64
    [1, 196, 256, 2304, 'default', 8], [1, 128, 768, 768, 'default', 8], [1, 1, 1000, 2048, 'default', 1], [1, 640, 640, 1024, 'default', 4],
    [1, 64, 64, 384, 'default', 8], [1, 64, 64, 1025, 'default', 1], [1, 64, 64, 1028, 'default', 4],
    [1, 64, 64, 100, 6, 2], [1, 64, 64, 100, 'disabled', 1]
  ])('%i x (%i x %i), k = %i, %s: %i parts', (batch, m, n, k, mode, parts) =>
    expect(partsOf({ batch, m, n, k }, mode, sms)).toBe(parts))
})
