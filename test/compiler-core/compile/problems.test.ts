/** What is wrong with a subject, and why it has no CUDA: as text, each once. */
import { describe, expect, it } from 'vitest'
import { compile, unrepeated, type Problem } from '../../../compiler-core/compile/compile.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'

const uri = 'file:///project/main.heddle'

function problemsOf(text: string, subject: string): readonly Problem[] {
  const program = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project/'] })
  return compile(program, uri, subject).problems
}

/** `code "place": message` of each problem of the last instance or graph. */
function check(text: string, ...expected: readonly string[]): void {
  it(text.trim().replace(/\s+/g, ' ').slice(-90), () => {
    const name = /(?:instance|graph) (\w+)(?![\s\S]*(?:instance|graph) \w+)/.exec(text)?.[1] ?? ''
    const said = problemsOf(text, name).map(({ diagnostic: { code, span, message } }) =>
      `${code} "${text.slice(span.start, span.end)}": ${message}`)
    expect(said).toEqual(expected)
  })
}

const double = 'operator double(x: f32[n]) -> y: f32[n] { y[i] = x[i] * 2 }'
const total = 'operator total(x: f32[m, n]) -> y: f32[m] { y[i] = sum[j < n] x[i, j] }'

describe('a schedule that is not imported', () => {
  check(`${double} instance it = double.flat(n: 64)`,
    'unknown-name "flat": `double` has no schedule `flat`. Add `import "std/elementwise"`.')
  check(`${double} instance it = double.flatt(n: 64)`,
    'unknown-name "flatt": `double` has no schedule `flatt`. None is declared or imported.')
  check(`${double} instance it = double.simt(n: 64)`,
    'unknown-name "simt": `double` has no schedule `simt`. None is declared or imported.')
  check(`${total} graph g(a: f32[4, 4]) { return total(a) } instance it = g.warp_per_result()`,
    'unknown-name "warp_per_result": There is no schedule `warp_per_result`. Add `import "std/reduce"`.')
  check(`${double} graph it(a: f32[4]) { return double(a) }`,
    'no-schedule "it": No schedule for `double` is declared or imported. Add `import "std/elementwise"`, which has one.')
  check(`${total} graph it(a: f32[4, 4]) { return total(a) }`,
    'no-schedule "it": No schedule for `total` is declared or imported. Add `import "std/reduce"`, which has one.')
  check('instance it = batch_matmul.simt(m: 64)',
    'unknown-name "batch_matmul": `batch_matmul` is not visible here. Add `import "std/matmul"`.')
})

describe('a schedule that stores nothing', () => {
  check(`${double} schedule idle for double { kernel main(grid: 1, block: 32) { let v = x[threadIdx.x] ?? 0 } }
    instance it = double.idle(n: 64)`,
  'never-written "main": No kernel stores to `y`, a result of `double`.')
  check(`${double} schedule empty for double { } instance it = double.empty(n: 64)`,
    'never-written "empty": No kernel stores to `y`, a result of `double`.')
})

describe('the same problem at the same place', () => {
  check(`${double} schedule twice for double {
    kernel main(grid: 1, block: 32) {
      device put(at: int) { y[at + threadIdx.x] = 0 }
      put(0)
      put(32)
    }
  }
  instance it = double.twice(n: 20)`,
  'out-of-bounds "y[at + threadIdx.x] = 0": `y[threadIdx.x]` may lie outside of `y`: the index `threadIdx.x` ranges over 0 to 31, and the extent is `20`. Guard the access with `=?`, or narrow the index.')

  it('is said for the first of several instances', () => {
    const text = `${double} schedule one for double { kernel main(grid: 1, block: 32) { y[threadIdx.x] = 0 } }
      instance a = double.one(n: 8)
      instance b = double.one(n: 16)`
    const [first, second] = ['a', 'b'].map(name => problemsOf(text, name))
    expect([first?.length, second?.length]).toEqual([1, 1])
    expect(unrepeated([...first ?? [], ...second ?? []])).toEqual(first)
    expect(unrepeated(second ?? [], first)).toEqual([])
  })
})
