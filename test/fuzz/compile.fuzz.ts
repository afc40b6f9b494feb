// Broken programs through the whole compiler: whatever the text, problems whose ranges lie inside of the file or a
// trace whose regions lie inside of the CUDA text, in bounded time.
import { compile, subjectsOf } from '../../compiler-core/compile/compile.ts'
import type { Region } from '../../compiler-core/codegen/trace.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { libraryText, libraryUri } from '../../compiler-core/library/library.ts'
import { createRandom, type Random } from '../compiler-core/language/syntax/random.ts'

const uri = 'file:///w/main.heddle'
const files = ['matmul', 'softmax', 'reduce', 'elementwise', 'shape', 'norm']

/** A file of the library with instances and graphs below it, and a few of its tokens replaced. */
export function attempt(seed: number): void {
  const g = createRandom(seed)
  const file = g.pick(files)
  const text = broken(g, `${libraryText(libraryUri(file)) ?? ''}\n${subjects[file] ?? ''}`)
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///w/'] })
  const start = performance.now()
  const analysis = program.analyse(uri)
  if (!analysis) throw new Error('no analysis')
  for (const subject of subjectsOf(analysis)) {
    const { cuda, problems } = compile(program, uri, subject.name)
    if (!cuda && problems.length === 0) throw new Error(`${subject.name} has neither CUDA nor a problem`)
    for (const { diagnostic: d } of problems) {
      if (!(0 <= d.span.start && d.span.start <= d.span.end && d.span.end <= text.length)) throw new Error(`${d.code} lies outside of the file`)
    }
    for (const region of cuda?.trace.regions ?? []) checkRegion(region, 0, cuda?.text.length ?? 0)
  }
  if (performance.now() - start > 20_000) throw new Error('compiling takes too long')
}

function checkRegion({ span, children }: Region, low: number, high: number): void {
  if (!(low <= span.start && span.start <= span.end && span.end <= high)) throw new Error('a region lies outside of the one around it')
  for (const child of children) checkRegion(child, span.start, span.end)
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
