/**
 * The job that the runner reads (runner.cpp): numbers and names, one line for each thing.
 *
 *     2000 16000000000 2                milliseconds, bytes, threads
 *     4096                              bytes of the arena
 *     3  0 0 1024  1 0 4096  ...        tensors: memory (weights, inputs, outputs, arena), offset, bytes
 *     1  1 heddle_entry_3f_0 256 1 1    kernels: whether threads wait, symbol, block
 *     2  0 0 49 1 1 3 0 1 2  ...        steps: a launch of kernel 0, grid, arguments
 */
import { countOf, dataOf } from '../../graph/tensor-data.ts'
import { bytesOf } from '../../ir/memory.ts'
import type { Plan, PlanPort, PlanTensor, Step } from '../plan.ts'
import type { Entry } from './text.ts'

export interface Limits {
  /** Milliseconds. */
  readonly time: number
  /** Bytes. */
  readonly memory: number
  /** Of the machine. */
  readonly threads: number
}

export function jobText(plan: Plan, entries: readonly Entry[], limits: Limits): string {
  const inputs = portLayout(plan.inputs), outputs = portLayout(plan.outputs)
  const placeOf = (tensor: PlanTensor): readonly [memory: number, offset: number] => {
    const { place } = tensor
    switch (place.kind) {
      case 'constant': return [0, place.offset]
      case 'input': return [1, inputs.offsets[place.index]!]
      case 'output': return [2, outputs.offsets[place.index]!]
      case 'arena': return [3, place.offset]
      case 'view': return placeOf(plan.tensors[place.of]!)
    }
  }
  const lines = [
    [Math.ceil(limits.time), limits.memory, limits.threads], [plan.arenaBytes],
    [plan.tensors.length], ...plan.tensors.map(tensor => [...placeOf(tensor), bytesOfTensor(tensor)]),
    [plan.kernels.length],
    ...plan.kernels.map(({ block }, i) => [entries[i]!.waits ? 1 : 0, entries[i]!.symbol, ...block]),
    [plan.steps.length], ...plan.steps.map(step => stepWords(plan, step))
  ]
  return `${lines.map(line => `${line.join(' ')}\n`).join('')}\0`
}

function stepWords(plan: Plan, step: Step): readonly (number | bigint)[] {
  switch (step.kind) {
    case 'launch': return [0, step.kernel, ...step.grid, step.arguments.length, ...step.arguments]
    case 'fill': {
      const { element } = plan.tensors[step.tensor]!
      const { bytes } = dataOf(element, [1], [step.value])
      return [1, step.tensor, bytesOf(element), bytes.reduceRight((bits, byte) => bits << 8n | BigInt(byte), 0n)]
    }
    case 'copy': return [2, step.from, step.to]
  }
}

/** Where the inputs, or the outputs, lie in their file. */
export interface PortLayout {
  readonly offsets: readonly number[]
  /** Of the whole file. */
  readonly bytes: number
}

/** Each at the start of a page of memory. */
export function portLayout(ports: readonly PlanPort[]): PortLayout {
  const offsets: number[] = []
  let bytes = 0
  for (const port of ports) {
    offsets.push(bytes)
    bytes += Math.ceil(bytesOfTensor(port) / page) * page
  }
  return { offsets, bytes }
}

/** No processor has a larger one that is in use without being asked for. */
const page = 65536

export function bytesOfTensor({ element, shape }: Pick<PlanTensor, 'element' | 'shape'>): number {
  return countOf(shape) * bytesOf(element)
}
