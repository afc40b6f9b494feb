/**
 * A CUDA text as C++ that runs at full speed, behind the header cuda.h.
 *
 *     asm volatile("shfl.sync.bfly.b32 ...");        ->  heddle_shfl_bfly(...)      (verify/cpu/assembly.ts)
 *     #pragma unroll                                 ->  #pragma GCC unroll 4
 *     extern "C" __global__ void ... conv_relu_1(    ->  ... heddle_kernel_HASH_0(
 *                                                        HEDDLE_FIBERS(heddle_entry_HASH_0, heddle_kernel_HASH_0, ...)
 *
 * All else is macros. Kernels lose their names, so that equal kernels of different models are compiled once.
 */
import { cType } from '../../codegen/wrappers.ts'
import { hashOf } from '../../toolchain/kept.ts'
import { translateAssembly } from '../../verify/cpu/assembly.ts'
import type { PlanKernel } from '../plan.ts'

export type CpuText =
  | {
    readonly text: string
    /** One for each kernel that was asked for. */
    readonly entries: readonly Entry[]
  }
  /** An instruction that is not known here. */
  | { readonly unknown: string }

export interface Entry {
  /** The symbol. */
  readonly symbol: string
  /** Its threads wait for each other: each needs a stack of its own. */
  readonly waits: boolean
}

/**
 * Loops of at most this many turns vanish. Measured on the 128 x 128 tile of `batch_matmul.simt` (g++ 12, one core):
 * 2 GMAC/s without, 9 with 4 after 0.13 s of compilation, 10 with 8 after 0.36 s.
 */
const unrolled = 4

/** `kernels`: of the text, in any order. */
export function cpuText(cuda: string, kernels: readonly PlanKernel[]): CpuText {
  const parts = partsOf(cuda)
  const wrappers = cpuWrappers(parts.wrappers)
  if (typeof wrappers !== 'string') return wrappers
  const body = parts.kernels.replace(/^(\s*)#pragma unroll$/gm, `$1#pragma GCC unroll ${unrolled}`)
  const neutral = kernels.reduce(
    (text, { name }, i) => text.replace(signatureOf(name), `$1${kernelMark}${i}(`), body
  )
  const hash = hashOf([wrappers, neutral, ...kernels.map(kernel => JSON.stringify(kernel.block))])
  // shared memory of functions with one name is one
  const symbolOf = (i: number): string => `heddle_kernel_${hash}_${i}`
  const waits = waitsForOthers(cuda)
  const entries = kernels.map((_, i): Entry => ({ symbol: `heddle_entry_${hash}_${i}`, waits }))
  const text = [
    ...waits ? ['#define HEDDLE_WAITS'] : [], '#include "cuda.h"',
    ...wrappers === '' ? [] : ['#include "instructions.h"', wrappers],
    neutral.replaceAll(kernelMark, symbolOf(0).slice(0, -1)),
    ...kernels.map((kernel, i) => entryText(kernel, symbolOf(i), entries[i]!))
  ]
  return { text: text.map(part => `${part}\n`).join(''), entries }
}

/** What a kernel is called until it has a name of its own. */
const kernelMark = 'heddle_kernel__'

/** What defines the function by which a kernel is run; its threads and blocks are the caller's. */
function entryText(kernel: PlanKernel, name: string, { symbol, waits }: Entry): string {
  const values = launchArguments(kernel, 'HEDDLE_ARGUMENT')
  return waits
    ? `HEDDLE_FIBERS(${[symbol, name, ...values].join(', ')})`
    : `HEDDLE_PLAIN(${[symbol, name, ...kernel.block, ...values].join(', ')})`
}

/** Each parameter of a kernel, by a macro that takes its type and number. */
export function launchArguments({ parameters }: PlanKernel, macro: string): readonly string[] {
  return parameters.map(({ element, written }, i) => `${macro}(${written ? '' : 'const '}${cType(element)}, ${i})`)
}

/** Some thread of the text's kernels waits for another, at a barrier or in a shuffle. */
export function waitsForOthers(cuda: string): boolean {
  return cuda.includes('__syncthreads') || cuda.includes('shfl.sync')
}

/** A CUDA text by its parts. */
export interface CudaParts { readonly heading: string; readonly wrappers: string; readonly kernels: string }

export function partsOf(cuda: string): CudaParts {
  const start = /^(?:\/\/ grid .*\n)?extern "C" __global__/m.exec(cuda)?.index ?? cuda.length
  const [heading] = /^(?:\/\/.*\n+)?/.exec(cuda.slice(0, start))!
  return { heading: heading.trimEnd(), wrappers: cuda.slice(heading.length, start), kernels: cuda.slice(start) }
}

/** Wrappers in C++. */
export function cpuWrappers(wrappers: string): string | { readonly unknown: string } {
  const translated = translateAssembly(wrappers)
  return 'unknown' in translated ? translated : translated.text
}

function signatureOf(name: string): RegExp {
  return new RegExp(`^(extern "C" __global__ void __launch_bounds__\\([^)]*\\)\\s+)${name}\\(`, 'm')
}
