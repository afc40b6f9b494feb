/** Plans by hand: kernels in CUDA, launched on tensors of a model. */
import path from 'node:path'
import { expect } from 'vitest'
import { countOf, dataOf, numbersOf, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { bytesOf } from '../../../../compiler-core/ir/memory.ts'
import { runPlan, type RunOptions, type RunOutcome } from '../../../../compiler-core/runtime/cpu/engine.ts'
import type { Package } from '../../../../compiler-core/runtime/package.ts'
import type { Place, PlanPort, PlanTensor, Step } from '../../../../compiler-core/runtime/plan.ts'
import { scratch } from '../../../../scripts/paths.ts'

export const cacheFolder = path.join(scratch, 'cpu')

/** `['f32', 2, 3]` */
export type TensorType = readonly [element: ElementName, ...shape: number[]]

export interface HandKernel {
  /** From the wrappers to the last brace; the kernel is called `name`. */
  readonly text: string
  readonly name: string
  readonly block: readonly [number, number, number]
  /** One for each parameter; `!f32` is written. */
  readonly parameters: readonly string[]
}

export interface HandPlan {
  readonly inputs?: Readonly<Record<string, TensorType>>
  readonly outputs: Readonly<Record<string, TensorType>>
  /** Between kernels, one behind the other. */
  readonly arena?: Readonly<Record<string, TensorType>>
  /** The memory of another tensor. */
  readonly views?: Readonly<Record<string, { readonly of: string; readonly type: TensorType }>>
  readonly kernels?: readonly HandKernel[]
  readonly steps: readonly HandStep[]
}

/** Tensors by name. */
export type HandStep =
  | { readonly launch: string; readonly grid: readonly [number, number, number]; readonly on: readonly string[] }
  | { readonly fill: string; readonly value: number }
  | { readonly copy: string; readonly to: string }

export function packageOf(hand: HandPlan): Package {
  const { inputs = {}, outputs, arena = {}, views = {}, kernels = [] } = hand
  const tensors: PlanTensor[] = [], numbers = new Map<string, number>()
  let arenaBytes = 0
  const add = (name: string, [element, ...shape]: TensorType, place: Place): void => {
    numbers.set(name, tensors.push({ name, element, shape, place }) - 1)
  }
  Object.entries(inputs).forEach(([name, type], index) => { add(name, type, { kind: 'input', index }) })
  Object.entries(outputs).forEach(([name, type], index) => { add(name, type, { kind: 'output', index }) })
  for (const [name, type] of Object.entries(arena)) {
    add(name, type, { kind: 'arena', offset: arenaBytes })
    arenaBytes += Math.ceil(countOf(type.slice(1) as number[]) * bytesOf(type[0]) / 256) * 256
  }
  for (const [name, { of, type }] of Object.entries(views)) add(name, type, { kind: 'view', of: numbers.get(of)! })
  const ports = (all: Readonly<Record<string, TensorType>>): readonly PlanPort[] =>
    Object.entries(all).map(([name, [element, ...shape]]) => ({ name, element, shape, tensor: numbers.get(name)! }))
  const step = (given: HandStep): Step => {
    if ('launch' in given) {
      const kernel = kernels.findIndex(k => k.name === given.launch)
      return { kind: 'launch', kernel, grid: given.grid, arguments: given.on.map(n => numbers.get(n)!), label: `[${given.launch}]` }
    }
    return 'fill' in given
      ? { kind: 'fill', tensor: numbers.get(given.fill)!, value: given.value }
      : { kind: 'copy', from: numbers.get(given.copy)!, to: numbers.get(given.to)! }
  }
  return {
    plan: {
      version: 1, name: 'by hand', target: 'sm_80', tensors, arenaBytes, arenaBytesWithoutReuse: arenaBytes,
      inputs: ports(inputs), outputs: ports(outputs), steps: hand.steps.map(step),
      kernels: kernels.map(({ name, block, parameters }) => ({
        name, file: `kernels/${name}.cu`, block, dynamicSharedBytes: 0,
        parameters: parameters.map((text, i) => ({
          name: `p${i}`, element: text.replace('!', '') as ElementName, written: text.startsWith('!')
        }))
      }))
    },
    files: new Map(kernels.map(({ name, text }) => [`kernels/${name}.cu`, `// ${name}, for sm_80\n\n${text}`]))
  }
}

export async function run(
  hand: HandPlan, inputs: readonly (readonly number[])[] = [], options: Partial<RunOptions> = {}
): Promise<RunOutcome> {
  const made = packageOf(hand)
  const data = made.plan.inputs.map(({ element, shape }, i): TensorData => dataOf(element, shape, inputs[i]!))
  return runPlan(made, undefined, data, { cacheFolder, timeLimit: 60_000, ...options })
}

/** What it computes, as numbers. */
export async function results(
  hand: HandPlan, ...inputs: readonly (readonly number[])[]
): Promise<readonly (readonly number[])[]> {
  const outcome = await run(hand, inputs)
  expect(outcome).toMatchObject({ kind: 'ran' })
  return outcome.kind === 'ran' ? outcome.outputs.map(numbersOf) : []
}

/** `signature` as codegen writes it; what stands in front are wrappers. */
export function kernel(
  name: string, block: HandKernel['block'], parameters: readonly string[], body: string, wrappers = ''
): HandKernel {
  const cTypes: Readonly<Record<string, string>> = { f32: 'float', i64: 'long long', i32: 'int', u8: 'unsigned char' }
  const list = parameters.map((text, i) => {
    const type = cTypes[text.replace('!', '')] ?? text.replace('!', '')
    return `${text.startsWith('!') ? '' : 'const '}${type} *__restrict__ p${i}`
  })
  const threads = block[0] * block[1] * block[2]
  return {
    name, block, parameters,
    text: `${wrappers}// grid (1), block (${threads})\nextern "C" __global__ void __launch_bounds__(${threads})\n${name}(${list.join(', ')}) {\n${body}\n}\n`
  }
}
