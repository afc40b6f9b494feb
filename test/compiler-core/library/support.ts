/** How tests of the library are written: an instance in, what its kernels compute out. */
import { expect } from 'vitest'
import { compile, type Compiled } from '../../../compiler-core/compile/compile.ts'
import type { Buffer, Program as IrProgram } from '../../../compiler-core/ir/ir.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { execute, someElements, type Elements } from '../../harness/ir-interpreter.ts'

const uri = 'file:///project/main.heddle'
const imports = ['matmul', 'elementwise', 'index', 'shape', 'reduce', 'softmax', 'norm'].map(name => `import "std/${name}"\n`).join('')

/** An instance compiled, `relu.flat(s: (7, 13))`; also of a graph that `before` declares. */
export function compiled(instance: string, before = '', candidate?: { level: number; index: number }): Compiled {
  const text = `${imports}${before}\ninstance it = ${instance}\n`
  const program = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project/'] })
  expect(program.analyse(uri)?.diagnostics.filter(d => d.code !== 'unused-import').map(d => d.message)).toEqual([])
  return compile(program, uri, 'it', { candidate })
}

/** A tensor as an expected element reads it: its shape, and its element at an index. */
export interface Tensor { readonly shape: readonly number[]; at(...index: readonly number[]): number }
export type Expected = (inputs: readonly Tensor[], index: readonly number[]) => number

/**
 * Compiles an instance without problems, executes it before and after lowering, threads forwards and backwards, and
 * compares each element with what is expected, exactly or within a relative error.
 */
export function checkComputes(
  instance: string, expected: Expected, more: { readonly error?: number; readonly before?: string } = {}
): void {
  const { stages, problems } = compiled(instance, more.before)
  expect(problems.map(p => `${p.diagnostic.code}: ${p.diagnostic.message}`)).toEqual([])
  const first = stages[0]?.program, last = stages.at(-1)?.program
  if (!first || !last) throw new Error(`${instance} was not compiled`)
  checkProgram(first, 'logical', 'forwards', expected, more.error ?? 0)
  checkProgram(last, 'cells', 'backwards', expected, more.error ?? 0)
}

function checkProgram(
  program: IrProgram, stage: 'logical' | 'cells', order: 'forwards' | 'backwards', expected: Expected, error: number
): void {
  const inputs = program.parameters.filter(b => b.scope === 'input')
  const elements = new Map(inputs.map((b, i) => [b, contents(b, i)]))
  const outputs = execute(program, elements, { stage, order })
  const tensors = inputs.map(b => tensorOf(b, elements.get(b) ?? []))
  for (const [output, computed] of outputs) {
    const shape = shapeOf(output)
    const wanted = computed.map((_, at) => expected(tensors, indexOf(at, shape)))
    if (error === 0) expect(computed.map(positiveZero), stage).toEqual(wanted.map(positiveZero))
    else expect(firstApart(computed, wanted, error), stage).toBeUndefined()
  }
}

/** Small whole numbers; indices and conditions where the type wants them. */
function contents(b: Buffer, seed: number): readonly number[] {
  const some = someElements(shapeOf(b).reduce((n, d) => n * d, 1), seed + 1)
  if (b.element === 'bool') return some.map(x => Number(x > 0))
  return b.name === 'variance' ? some.map(x => Math.abs(x) + 1) : some
}

const positiveZero = (x: number | undefined): number | undefined => x === 0 ? 0 : x

function firstApart(computed: Elements, wanted: readonly number[], error: number): string | undefined {
  const at = wanted.findIndex((w, i) => !(Math.abs((computed[i] ?? NaN) - w) <= error * Math.max(1, Math.abs(w))))
  return at < 0 ? undefined : `element ${at} is ${computed[at]}, not ${wanted[at]}`
}

function shapeOf(b: Buffer): readonly number[] {
  return b.shape.map(e => e.kind === 'constant' ? Number(e.value) : NaN)
}

function tensorOf(b: Buffer, elements: readonly number[]): Tensor {
  const shape = shapeOf(b)
  return { shape, at: (...index) => elements[index.reduce((n, i, d) => n * (shape[d] ?? 1) + i, 0)] ?? NaN }
}

function indexOf(at: number, shape: readonly number[]): readonly number[] {
  const index: number[] = []
  let rest = at
  for (let d = shape.length - 1; d >= 0; d--) {
    index[d] = rest % (shape[d] ?? 1)
    rest = Math.floor(rest / (shape[d] ?? 1))
  }
  return index
}
