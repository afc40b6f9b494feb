/** What a model computes, by the truth of its operators (graph/evaluate.ts): slow, exact to f64, without a kernel. */
import { extentsOf } from '../graph/builder.ts'
import { elementsOf } from '../graph/constants.ts'
import { evaluateGraph } from '../graph/evaluate.ts'
import type { Model } from '../graph/model.ts'
import { countOf, dataOf, numbersOf, type TensorData } from '../graph/tensor-data.ts'
import type { Buffer } from '../ir/ir.ts'
import type { Truth, Values } from '../operators/evaluate.ts'

/** One result for each output of the model, rounded to its type. `inputs`: one for each of the model's, in order. */
export function evaluateModel({ graph, inputs, outputs }: Model, given: readonly TensorData[]): readonly TensorData[] {
  const data = new Map(inputs.map(({ tensor }, i) => [tensor, given[i]!] as const))
  const known = (tensor: Buffer): TensorData => data.get(tensor) ?? elementsOf(graph.constants, tensor)
  const read = [...graph.inputs, ...new Set(graph.nodes.flatMap(n => n.inputs.filter(t => graph.constants.has(t))))]
  const truths = evaluateGraph({ ...graph, inputs: read }, read.map(t => valuesOf(known(t))), new Map())
  const computed = new Map(graph.outputs.map((tensor, i) => [tensor, truths[i]!] as const))
  return outputs.map(({ tensor }) => {
    const truth = computed.get(tensor)
    return truth ? roundedOf(tensor, truth) : known(tensor)
  })
}

function valuesOf(data: TensorData): Values {
  return { values: Float64Array.from(numbersOf(data)), errors: undefined }
}

function roundedOf(tensor: Buffer, truth: Truth): TensorData {
  const shape = extentsOf(tensor)
  return dataOf(tensor.element, shape, Float64Array.from({ length: countOf(shape) }, (_, i) => truth.at(i).value))
}
