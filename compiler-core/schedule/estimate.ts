/**
 * How long a candidate of a tiling schedule takes on a device, by closed formulas over shapes, facts and tunes.
 *
 *     facts block_m, block_n, block_k        a block computes a tile of a product of matrices, block_k terms at a time
 *     tunes block_c, block_h                 a block computes squares of some channels of a convolution of each channel
 *
 * A processor gets every `sms`-th block, of which as many run at once as fit. While these work on what has arrived they
 * load what comes next, so that a step takes as long as the slowest of arithmetic, shared memory, traffic and waiting.
 * The formulas are for choosing between candidates, not for forecasting times.
 */
import type { Expr } from '../ir/ir.ts'
import type { OpenTune } from '../language/instantiate.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import { reductionOf } from '../operators/inline.ts'
import type { Architecture } from '../target/architectures.ts'
import type { Device } from '../target/devices.ts'
import type { Candidate } from './space.ts'

/** What a launch does, and one block of it in one step. */
export interface Work {
  /** In words: `64 x 64`. */
  readonly tile: string
  readonly blocks: number
  readonly threads: number
  /** 32-bit registers of a thread. */
  readonly registers: number
  /** Bytes of a block. */
  readonly shared: number
  readonly steps: number
  /** Multiply-adds of a step. */
  readonly products: number
  /** Elements that a step brings to shared memory, and instructions for each. */
  readonly loaded: number
  readonly each: number
  /** Elements that a step reads from shared memory. */
  readonly read: number
  /** Of an element. */
  readonly bytes: number
}

/**
 * `computed`: how many inputs fusion computes where they are loaded. Undefined where the schedule does not say how it
 * tiles, or an extent is known only at launch.
 */
export function workOf(
  operator: OperatorInstance, candidate: Candidate, tunes: readonly OpenTune[], computed: number
): Work | undefined {
  const shape = extents(operator.outputs[0]?.buffer.shape ?? [])
  const terms = extents(reductionOf(operator)?.reduce.axes.map(a => a.extent) ?? [])
  if (!shape || !terms || terms.length === 0) return undefined
  const each = moving + (computing - moving) * Math.min(computed, 2) / 2, element = operator.inputs[0]?.element
  const operand = { each, bytes: element === 'f64' ? 8 : element === 'f16' || element === 'bf16' ? 2 : 4 }
  return productWork(shape, volume(terms), candidate, operand)
    ?? windowWork(shape, volume(terms), candidate, tunes, operand)
}

type Operand = Pick<Work, 'each' | 'bytes'>

/** A thread that computes a square of r x r elements reads 2r from shared memory for each term. */
function productWork(
  shape: readonly number[], k: number, { facts }: Candidate, operand: Operand
): Work | undefined {
  const fact = (name: string): number => facts.find(f => f.name === name)?.value ?? 0
  const [m = 1, n = 1] = shape.slice(-2), blockM = fact('block_m'), blockN = fact('block_n'), threads = fact('threads')
  if (shape.length < 2 || blockM * blockN * threads === 0) return undefined
  const blockK = fact('block_k') || usualDepth
  return {
    ...operand, tile: `${blockM} x ${blockN}`, threads, registers: fact('registers'), shared: fact('shared_bytes'),
    blocks: volume(shape.slice(0, -2)) * Math.ceil(m / blockM) * Math.ceil(n / blockN),
    steps: Math.ceil(k / blockK) + 2, products: blockM * blockN * blockK, loaded: (blockM + blockN) * blockK,
    read: 2 * Math.sqrt(blockM * blockN / threads) * threads * blockK
  }
}

function windowWork(
  shape: readonly number[], terms: number, { point, facts }: Candidate, tunes: readonly OpenTune[], operand: Operand
): Work | undefined {
  const tuned = (name: string): number => {
    const value = point[tunes.findIndex(t => t.name === name)]?.value
    return value?.kind === 'int' ? Number(value.value) : 0
  }
  const fact = (name: string): number => facts.find(f => f.name === name)?.value ?? 0
  const [n = 1, c = 1, rows = 1, columns = 1] = shape, channels = tuned('block_c'), side = tuned('block_h')
  const threads = fact('threads'), shared = fact('shared_bytes')
  if (shape.length !== 4 || channels * side * threads === 0) return undefined
  const products = channels * side * side * terms
  return {
    ...operand, tile: `${channels} x ${side} x ${side}`, threads, registers: usualRegisters, shared,
    blocks: n * Math.ceil(c / channels) * Math.ceil(rows / side) * Math.ceil(columns / side),
    steps: 1, products, loaded: shared / 4, read: 2 * products
  }
}

function extents(shape: readonly Expr[]): readonly number[] | undefined {
  const known = shape.flatMap(e => (e.kind === 'constant' ? [Number(e.value)] : []))
  return known.length === shape.length ? known : undefined
}

function volume(shape: readonly number[]): number { return shape.reduce((n, d) => n * d, 1) }

/** Where a schedule states none: the terms of a step of the SIMT template, and what ptxas gives a simple kernel. */
const usualDepth = 8, usualRegisters = 32
/**
 * Ticks of a step that has nothing to wait for but one element from memory: 290 on an A100 (Abdelkhalik et al.,
 * "Demystifying the Nvidia Ampere Architecture through Microbenchmarking and Instruction-level Analysis", 2022), then
 * through shared memory (2 x 23) and a barrier.
 */
const latency = 350
/** Instructions for an element on its way to shared memory; and where fusion computes it, as implicit GEMM does. */
const moving = 3, computing = 24
/** Bytes a tick from the second-level cache to a processor: 5120 for the 108 of an A100 (white paper, table 4). */
const cacheBytes = 5120 / 108
/** Bytes a tick from shared memory: 32 banks of 4. [CUDA C++ Programming Guide, compute capabilities] */
const sharedBytes = 128

/** Ticks of the busiest processor. */
export function timeOf(work: Work, device: Device, architecture: Architecture): number {
  const { blocks, steps, products, loaded, each, read, bytes } = work
  const own = Math.ceil(blocks / device.sms), resident = residentBlocks(work, architecture)
  const step = (running: number): number => Math.max(
    latency, running * (products + loaded * each) / device.lanes, running * read * bytes / sharedBytes,
    running * loaded * bytes / cacheBytes
  )
  const full = Math.floor(own / resident), rest = own % resident
  return steps * (full * step(resident) + (rest > 0 ? step(rest) : 0))
}

/** How many fit on a processor at once. */
function residentBlocks({ threads, registers, shared }: Work, a: Architecture): number {
  const byRegisters = a.registers_per_sm / (registers * threads), byThreads = a.threads_per_sm / threads
  const byShared = a.shared_memory_per_sm / (shared + a.reserved_shared_memory_per_block)
  return Math.max(1, Math.floor(Math.min(a.blocks_per_sm, byRegisters, byThreads, byShared)))
}
