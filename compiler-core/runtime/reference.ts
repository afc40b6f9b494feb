/** What a model computes, by the truth of its operators (graph/evaluate.ts): slow, exact to f64, without a kernel. */
import { extentsOf } from '../graph/builder.ts'
import { elementsOf } from '../graph/constants.ts'
import { evaluateGraph } from '../graph/evaluate.ts'
import type { Model } from '../graph/model.ts'
import { countOf, dataOf, numbersOf, type TensorData } from '../graph/tensor-data.ts'
import type { Buffer } from '../ir/ir.ts'
import type { Truth, Values } from '../operators/evaluate.ts'
import { isFloatName } from '../operators/floats.ts'

/**
 * One result for each output of the model, rounded to its type; whole numbers are exact to 2^53. A problem where an
 * element has no value. `given`: one for each input of the model, in order.
 */
export function evaluateModel(
  { graph, inputs, outputs }: Model, given: readonly TensorData[]
): readonly TensorData[] | { readonly problem: string } {
  const data = new Map(inputs.map(({ tensor }, i) => [tensor, given[i]!] as const))
  const known = (tensor: Buffer): TensorData => data.get(tensor) ?? elementsOf(graph.constants, tensor)
  const read = [...graph.inputs, ...new Set(graph.nodes.flatMap(n => n.inputs.filter(t => graph.constants.has(t))))]
  const truths = evaluateGraph({ ...graph, inputs: read }, read.map(t => valuesOf(known(t))), new Map())
  const computed = new Map(graph.outputs.map((tensor, i) => [tensor, truths[i]!] as const))
  const results: TensorData[] = []
  for (const { name, tensor } of outputs) {
    const truth = computed.get(tensor), result = truth ? roundedOf(tensor, truth) : known(tensor)
    if (!result) return { problem: `\`${name}\` has elements without a value: a whole number is divided by zero.` }
    results.push(result)
  }
  return results
}

function valuesOf(data: TensorData): Values {
  return { values: Float64Array.from(numbersOf(data)), errors: undefined }
}

/** Undefined: a whole number that is none. */
function roundedOf(tensor: Buffer, truth: Truth): TensorData | undefined {
  const shape = extentsOf(tensor)
  const values = Float64Array.from({ length: countOf(shape) }, (_, i) => truth.at(i).value)
  const isThere = isFloatName(tensor.element) || values.every(Number.isFinite)
  return isThere ? dataOf(tensor.element, shape, values) : undefined
}
