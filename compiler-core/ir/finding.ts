/**
 * What the compiler finds wrong behind the front end: in elaborated, fused or lowered programs. A finding becomes a
 * diagnostic at its first origin; the others, and what stands around them, are related places.
 */
import type { Origins } from './origin.ts'

/** Each code with one sentence about its rule, as in the front end's registry, which includes these. */
export const findingCodes = {
  'out-of-bounds': 'An access that is not guarded (`??`, `=?`) lies inside of the tensor\'s declared shape for every thread; where that cannot be proved it is an error.',
  'not-held': 'A register tensor is spread over threads: a thread accesses only the elements that it holds.',
  'dynamic-register': 'Registers have no addresses: the index of a register tensor is known once loops are unrolled.',
  'divergent-barrier': '`syncthreads()` is reached by all threads of a block or by none: no condition and no loop around it depends on the thread.',
  'too-many-workers': 'A mapping is executed by at most as many workers as there are: threads of the block, lanes of a warp.',
  'too-many-threads': 'A block has at most as many threads as the target allows.',
  'too-much-shared-memory': 'A block has at most as much shared memory as the target allows.',
  'grid-too-large': 'A grid has at most 2^31 - 1 blocks along x and 65,535 along y and z.',
  'not-vectorised': 'A loop with the word `vector` becomes one wide access where it is contiguous and its alignment is proved; elsewhere it stays a loop.',
  'wrong-inverse': 'A declared `inverse` says for each element of an input in which element of the output it arrives.',
  'not-fused': 'An operator is fused where the anchor only loads its inputs by element and only stores each element of its outputs once.',
  // what running a program finds
  'wrong-value': 'A program computes what its operator defines: small whole numbers exactly, others within the error that rounding allows.',
  'never-written': 'A program writes every element of its outputs.',
  'race': 'Two threads that access the same element, one of them writing, have a barrier between them; atomic additions do not disturb each other.',
  'double-write': 'Each element of an output is written by one thread.',
  'not-arrived': 'What an `async for` copies is used behind the `wait_group` that covers it and a barrier.',
  'uninitialised': 'Memory is written before it is read.',
  'misaligned': 'An access of 4, 8 or 16 bytes lies at a multiple of its size.',
  'divergent-shuffle': 'A shuffle is reached by all lanes of a warp or by none.',
  'assertion-failed': 'The condition of an `assert` holds for every thread.',
  'endless': 'A loop of a kernel ends.',
  'no-answer': 'A run ends within its limits of time and memory, and without a crash.'
} as const satisfies Record<string, string>

export type FindingCode = keyof typeof findingCodes

export interface Finding {
  readonly code: FindingCode
  readonly severity: 'error' | 'warning' | 'information'
  readonly message: string
  readonly origins: Origins
  readonly related: ReadonlyArray<{ readonly origins: Origins; readonly message: string }>
}
