/**
 * The elements of a graph's constants: data as it is, what is folded when somebody asks for it (operators/fold.ts). Of
 * large ones nothing is kept from one question to the next.
 *
 *     constants  w: data of the model's file, s: data, v = multiply(w, s), u = transpose(v)
 *     elementsOf(constants, u)       computes v, then u, and lets go of v
 */
import type { Buffer } from '../ir/ir.ts'
import { cellsIn, foldOperator } from '../operators/fold.ts'
import { extentsOf } from './builder.ts'
import type { Constant, FlowGraph } from './flow.ts'
import type { TensorData } from './tensor-data.ts'

type Constants = FlowGraph['constants']

/** `tensor`: one of the constants. The elements of one that only changes the shape of another are the other's. */
export function elementsOf(constants: Constants, tensor: Buffer): TensorData {
  const results = new Map<Buffer, TensorData>()
  const order = neededFor(constants, tensor)
  const uses = new Map<Buffer, number>([[tensor, 1]])
  for (const input of order.flatMap(needed => inputsOf(constants, needed))) uses.set(input, (uses.get(input) ?? 0) + 1)
  for (const needed of order) {
    results.set(needed, knownElements(constants, needed) ?? folded(constants, needed, results))
    for (const input of inputsOf(constants, needed)) {
      const left = uses.get(input)! - 1
      uses.set(input, left)
      if (left === 0) results.delete(input)
    }
  }
  return results.get(tensor)!
}

/** Kept from one question to the next, if the elements are not more than so many bytes. */
const keptBytes = 2 ** 16
const kept = new WeakMap<Constant, TensorData>()

function constantOf(constants: Constants, tensor: Buffer): Constant {
  const constant = constants.get(tensor)
  if (!constant) throw new Error(`${tensor.name} is no constant of the graph`)
  return constant
}

function knownElements(constants: Constants, tensor: Buffer): TensorData | undefined {
  const constant = constantOf(constants, tensor)
  return constant.kind === 'data' ? constant.data : kept.get(constant)
}

/** What is still to be computed for a constant. */
function inputsOf(constants: Constants, tensor: Buffer): readonly Buffer[] {
  const constant = constantOf(constants, tensor)
  return constant.kind === 'folded' && !kept.has(constant) ? constant.node.inputs : []
}

/** The tensor with all that it is folded from, each after its own inputs. A chain may be as long as the model. */
function neededFor(constants: Constants, tensor: Buffer): readonly Buffer[] {
  const ordered = new Set<Buffer>(), waiting = [tensor]
  for (let next = waiting.at(-1); next; next = waiting.at(-1)) {
    const missing = ordered.has(next) ? [] : inputsOf(constants, next).filter(input => !ordered.has(input))
    if (missing.length > 0) waiting.push(...missing)
    else {
      ordered.add(next)
      waiting.pop()
    }
  }
  return [...ordered]
}

function folded(constants: Constants, tensor: Buffer, results: ReadonlyMap<Buffer, TensorData>): TensorData {
  const constant = constantOf(constants, tensor)
  if (constant.kind === 'data') return constant.data
  const { operator, inputs, outputs } = constant.node
  const cells = foldOperator(operator, inputs.map(input => {
    const { element, bytes } = results.get(input)!
    return cellsIn(element, bytes)
  }))[outputs.indexOf(tensor)]!
  const bytes = new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength)
  const data: TensorData = { element: tensor.element, shape: extentsOf(tensor), bytes }
  if (bytes.length <= keptBytes) kept.set(constant, data)
  return data
}
