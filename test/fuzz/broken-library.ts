// Programs that are almost right: a file of the library with instances and graphs below it, and a few of its tokens
// replaced.
import { libraryText, libraryUri } from '../../compiler-core/library/library.ts'
import { createRandom, type Random } from '../compiler-core/language/syntax/random.ts'

const files = ['matmul', 'softmax', 'reduce', 'elementwise', 'shape', 'norm']

export function brokenLibrary(seed: number): string {
  const g = createRandom(seed)
  const file = g.pick(files)
  return broken(g, `${libraryText(libraryUri(file)) ?? ''}\n${subjects[file] ?? ''}`)
}

/** Small, so that every case is fast; some do not fit on purpose. */
const subjects: Readonly<Record<string, string>> = {
  matmul: 'instance i = batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)\ninstance j = batch_matmul.simt(block_warps: (1, 1))\ngraph g(a: f32[1, 8, 8]) { return batch_matmul(a, a) }',
  softmax: 'instance i = softmax.warp_per_row(s: 4, n: 100)\ninstance j = softmax.online',
  reduce: 'instance i = reduce.warp_per_result(s: (4, 9), axes: 1, op: max)\ninstance j = arg_max.thread_per_result(s: (4, 9), axis: 0)',
  elementwise: 'instance i = relu.flat(s: (4, 9))\ninstance j = add.flat(s: (4, 9), t: 9)\ngraph g(x: f32[4, 9]) { return relu(x + x) }',
  shape: 'import "std/elementwise"\ninstance i = pad2d.flat(n: 1, c: 1, h: 3, w: 4, p: 1)\ngraph g(x: f32[4, 9]) { return reshape(transpose(x, perm: (1, 0)), to: (6, 6)) }',
  norm: 'instance i = layer_norm.block_per_row(s: 3, n: 64)'
}

const pieces = ['0', '1', '-1', '3', '1024', '4294967296', 'n', 'k', 'x', 'f16', 'i32', 'spatial(4)', 'repeat(2)', 'threadIdx.x', 'blockIdx.x', 'syncthreads()', 'sum', '??', '=?', '(', ')', '[', '{', '}', '..', '%', '/', '*', 'if', 'for', 'unroll', 'async', 'return', 'T', 'acc', '1.5', 'true']

function broken(g: Random, text: string): string {
  let result = text
  for (let i = 0, edits = 1 + g.below(3); i < edits; i++) {
    const tokens = [...result.matchAll(/\w+|[^\w\s]/g)]
    const token = tokens[g.below(tokens.length)]
    if (!token) continue
    const other = g.below(3) === 0 ? tokens[g.below(tokens.length)]?.[0] ?? '' : g.pick(pieces)
    const replacement = g.below(6) === 0 ? '' : other
    result = result.slice(0, token.index) + replacement + result.slice(token.index + token[0].length)
  }
  return result
}
