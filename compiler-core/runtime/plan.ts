/**
 * A compiled model as data: which kernels run in which order, on which memory. It is what `heddle compile` writes
 * (plan.json), what the engines execute, and what `heddle export` turns into C++.
 *
 *     kernels   conv_relu_1: grid (49, 1, 1), block (256, 1, 1)
 *     tensors   input 0, constants, results of kernels at offsets of one arena, views of these, output 0
 *     steps     conv_relu_1(input, w1, t3), conv_add_relu_2(t3, ...), ...
 *
 * Nothing here depends on how the plan was made; all extents are known.
 */
import type { ElementName } from '../ir/ir.ts'

export interface Plan {
  readonly version: 1
  readonly name: string
  /** The architecture that the kernels are compiled for, such as `sm_80`. */
  readonly target: string
  readonly kernels: readonly PlanKernel[]
  readonly tensors: readonly PlanTensor[]
  /** Of the arena that holds what kernels pass on to each other: the greatest number of bytes in use at a time. */
  readonly arenaBytes: number
  /** Sum of all that would be in the arena without reuse. */
  readonly arenaBytesWithoutReuse: number
  /** In tensors, by the model's order. */
  readonly inputs: readonly PlanPort[]
  readonly outputs: readonly PlanPort[]
  /** One after the other. */
  readonly steps: readonly Step[]
}

/** One `__global__` function; a CUDA text may hold several. */
export interface PlanKernel {
  /** Unique in the plan: the name of the function. */
  readonly name: string
  /** The CUDA text that defines it, as a path below the folder of the plan: `kernels/conv_relu_1.cu`. */
  readonly file: string
  readonly block: readonly [number, number, number]
  /** Of dynamic shared memory; 0: what it uses is static. */
  readonly dynamicSharedBytes: number
  /** For each parameter, in order, the type its pointer points to. */
  readonly parameters: readonly { readonly name: string; readonly element: ElementName; readonly written: boolean }[]
}

export interface PlanTensor {
  readonly name: string
  readonly element: ElementName
  readonly shape: readonly number[]
  readonly place: Place
}

export type Place =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly index: number }
  /** Bytes of the weights (weights.bin beside the plan): aligned to 256. */
  | { readonly kind: 'constant'; readonly offset: number }
  /** Aligned to 256. */
  | { readonly kind: 'arena'; readonly offset: number }
  /** The memory of another tensor, under another shape. */
  | { readonly kind: 'view'; readonly of: number }

/** An input or a result of the model. */
export interface PlanPort {
  /** As in the model's file. */
  readonly name: string
  readonly element: ElementName
  readonly shape: readonly number[]
  /** In `tensors`. */
  readonly tensor: number
}

export type Step =
  | {
    readonly kind: 'launch'
    /** In `kernels`. */
    readonly kernel: number
    readonly grid: readonly [number, number, number]
    /** In `tensors`, one for each parameter. */
    readonly arguments: readonly number[]
    /** For people: the operators of the group, the anchor marked. */
    readonly label: string
  }
  /** Every element is set, before a kernel adds to it. */
  | { readonly kind: 'fill'; readonly tensor: number; readonly value: number }
  /** An input or a constant that is a result as it is. */
  | { readonly kind: 'copy'; readonly from: number; readonly to: number }
