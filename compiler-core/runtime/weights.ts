/** The constants of a compiled model as one file: each at its offset, a multiple of 256 bytes. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { elementsOf } from '../graph/constants.ts'
import type { FlowGraph } from '../graph/flow.ts'
import type { PlacedConstant } from './launch-plan.ts'
import { aligned } from './memory-plan.ts'

/** Computes what is folded, one constant after the other, and lets go of it. */
export function writeWeights(file: string, constants: FlowGraph['constants'], placed: readonly PlacedConstant[]): void {
  const descriptor = openSync(file, 'w')
  try {
    for (const { tensor, offset } of placed) writeAll(descriptor, elementsOf(constants, tensor).bytes, offset)
    ftruncateSync(descriptor, weightsBytes(placed))
  } finally {
    closeSync(descriptor)
  }
}

/** Of the whole file. */
export function weightsBytes(placed: readonly PlacedConstant[]): number {
  return Math.max(0, ...placed.map(({ offset, bytes }) => offset + aligned(bytes)))
}

function writeAll(descriptor: number, bytes: Uint8Array, start: number): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(descriptor, bytes, at, Math.min(bytes.length - at, 2 ** 30), start + at)
  }
}
