// The interpreter with all its checks: multiply-adds a second of one run, and small sizes from the program to the
// answer of three runs.
import { compile } from '../../compiler-core/compile/compile.ts'
import type { Program } from '../../compiler-core/ir/ir.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import type { ThreadOrder } from '../../compiler-core/verify/engine.ts'
import { execute } from '../../compiler-core/verify/interpreter/interpreter.ts'
import type { Bench } from '../harness/bench.ts'

export default async function (bench: Bench): Promise<void> {
  const size = 512
  const large = elaborated(`batch_matmul.simt(batch: 1, m: ${size}, n: ${size}, k: ${size})`)
  const rates = Array.from({ length: 6 }, () => size ** 3 / seconds(() => { run(large, ['forward']) }) / 1e6)
  bench.add(`matmul ${size} x ${size} x ${size}, one run, cold`, 'million multiply-adds/s', rates.slice(0, 1))
  bench.add(`matmul ${size} x ${size} x ${size}, one run`, 'million multiply-adds/s', rates.slice(1))
  bench.add(`matmul ${size} x ${size} x ${size}, three runs`, 'ms', Array.from({ length: 3 }, () =>
    1000 * seconds(() => { run(large, ['forward', 'reverse', 'random']) })))
  const small = elaborated('batch_matmul.simt(batch: 1, m: 37, n: 45, k: 11)')
  await bench.time('matmul 37 x 45 x 11, written anew, three runs', () => { run(small, ['forward', 'reverse', 'random']) })
  const rows = elaborated('softmax.online(s: 64, n: 1000)')
  await bench.time('softmax 64 x 1000, written anew, three runs', () => { run(rows, ['forward', 'reverse', 'random']) })
}

function seconds(f: () => void): number {
  const start = performance.now()
  f()
  return (performance.now() - start) / 1000
}

function elaborated(instance: string): Program {
  const uri = 'file:///bench/main.heddle'
  const text = `import "std/matmul"\nimport "std/softmax"\ninstance it = ${instance}\n`
  const files = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///bench/'] })
  const { elaborated: program } = compile(files, uri, 'it')
  if (!program) throw new Error(`${instance} was not compiled`)
  return program
}

function run(program: Program, orders: readonly ThreadOrder[]): void {
  const inputs = program.parameters.filter(b => b.scope === 'input').map(b => {
    const count = b.shape.reduce((n, e) => n * (e.kind === 'constant' ? Number(e.value) : 1), 1)
    return Float64Array.from({ length: count }, (_, i) => (i * 7 % 17 - 8) / 4)
  })
  const outcome = execute(program, {
    extents: new Map(), counts: false, timeLimit: 600_000, signal: undefined,
    runs: orders.map(order => ({ inputs, order, seed: 1, budget: undefined }))
  })
  if (outcome.kind !== 'executed' || outcome.runs.some(r => r.faults.length > 0)) throw new Error('it runs without a fault')
}
