/**
 * The job that the runner reads (runner/runner.cpp): all numbers as words of 64 bits, data in whole words.
 *
 *     limits, arrays of shared memory, tensors, extents, kernels, data, runs
 */
import type { Variable } from '../../ir/ir.ts'
import { bytesOf } from '../../ir/memory.ts'
import type { Request, ThreadOrder } from '../engine.ts'
import { bitsOf, toBytes } from './elements.ts'
import type { Launch, Tensor } from './launch.ts'

/** `memory`: bytes that the runner may take. */
export function jobOf(launch: Launch, request: Request, memory: number): Uint8Array {
  const words = createWords()
  words.number(Math.ceil(request.timeLimit), memory, request.counts ? 1 : 0)
  words.number(launch.arrays.length)
  for (const { bytes, cellBytes } of launch.arrays) words.number(bytes, Math.log2(cellBytes))
  words.number(launch.tensors.length)
  for (const t of launch.tensors) tensorWords(t, words)
  const extents = [...new Set(launch.kernels.flatMap(k => k.arguments.filter(isExtent)))]
  words.number(extents.length, ...extents.map(v => request.extents.get(v) ?? 0))
  words.number(launch.kernels.length)
  for (const { kernel, grid, firstArray, arrays, arguments: all } of launch.kernels) {
    words.number(...grid, ...kernel.block, firstArray, arrays, all.length)
    for (const argument of all) {
      words.number(isExtent(argument) ? 2 ** 32 + extents.indexOf(argument)
        : launch.tensors.findIndex(t => t.buffer === argument))
    }
  }
  runWords(launch, request, words)
  return words.bytes()
}

/** Data that several runs share are there once. */
function runWords(launch: Launch, request: Request, words: Words): void {
  const inputs = launch.tensors.filter(t => t.buffer.scope === 'input')
  const data = inputs.map(() => new Map<Float64Array, number>()), blobs: Uint8Array[] = []
  const chosen = request.runs.map(run => inputs.map((tensor, i) => {
    const values = run.inputs[i] ?? new Float64Array(), known = data[i]!.get(values)
    if (known !== undefined) return known
    data[i]!.set(values, blobs.length)
    return blobs.push(toBytes(tensor.storage, values)) - 1
  }))
  words.number(blobs.length)
  for (const blob of blobs) words.data(blob)
  words.number(request.runs.length, inputs.length)
  request.runs.forEach(({ order, seed, budget }, i) => {
    words.number(orders[order], seed)
    words.big(budget === undefined ? 2n ** 64n - 1n : BigInt(Math.round(budget)))
    words.number(...chosen[i]!)
  })
}

const orders: Readonly<Record<ThreadOrder, number>> = { forward: 0, reverse: 1, random: 2 }

function tensorWords({ buffer, storage, value }: Tensor, words: Words): void {
  const cellBytes = bytesOf(buffer.element)
  words.number(scopes.indexOf(buffer.scope), storage.cells * cellBytes, Math.log2(cellBytes))
  words.number(value === undefined ? 0 : 1)
  words.big(value === undefined ? 0n : bitsOf(buffer.element, value))
}

const scopes: readonly string[] = ['input', 'output', 'workspace']

function isExtent(argument: Launch['kernels'][number]['arguments'][number]): argument is Variable {
  return !('scope' in argument)
}

// ---------------------------------------------------------------- words

interface Words {
  readonly number: (...values: readonly number[]) => void
  readonly big: (value: bigint) => void
  readonly data: (bytes: Uint8Array) => void
  readonly bytes: () => Uint8Array
}

function createWords(): Words {
  const parts: Uint8Array[] = []
  const big = (value: bigint): void => { parts.push(new Uint8Array(BigUint64Array.of(value).buffer)) }
  return {
    number: (...values) => { for (const v of values) big(BigInt(v)) },
    big,
    data: bytes => {
      big(BigInt(bytes.length))
      parts.push(bytes, new Uint8Array(-bytes.length & 7))
    },
    bytes: () => {
      const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0))
      let at = 0
      for (const part of parts) {
        all.set(part, at)
        at += part.length
      }
      return all
    }
  }
}
