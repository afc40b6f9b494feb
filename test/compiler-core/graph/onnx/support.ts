// ONNX models as data, imported, and what they compute by folding (no kernels: those are another test's).
import { elementsOf } from '../../../../compiler-core/graph/constants.ts'
import { createBuilder } from '../../../../compiler-core/graph/builder.ts'
import type { Constant } from '../../../../compiler-core/graph/flow.ts'
import type { Model } from '../../../../compiler-core/graph/model.ts'
import { importModel, type Imported, type ImportOptions } from '../../../../compiler-core/graph/onnx/import.ts'
import { countOf, dataOf, reshaped, type TensorData } from '../../../../compiler-core/graph/tensor-data.ts'
import type { Buffer, ElementName } from '../../../../compiler-core/ir/ir.ts'
import { extentsOf } from '../../../../compiler-core/graph/builder.ts'
import { onnxModel, type OnnxGraph } from '../../../harness/onnx.ts'

/** Operators that a test has applied need no elaboration in the next one. */
const builder = createBuilder()

export type Graph = OnnxGraph & { readonly opset?: number }
export type Options = Omit<ImportOptions, 'name' | 'builder'>

export function imported(graph: Graph | Uint8Array, options: Options = {}): Imported {
  return importModel(graph instanceof Uint8Array ? graph : onnxModel(graph), { name: 'm', builder, ...options })
}

/** The results in order. */
export function computed(model: Model, given: Readonly<Record<string, TensorData>>): readonly TensorData[] {
  const known = new Map<Buffer, Constant>(model.graph.constants)
  for (const { name, tensor } of model.inputs) {
    if (!known.has(tensor)) known.set(tensor, { kind: 'data', data: reshaped(given[name]!, extentsOf(tensor)) })
  }
  for (const node of model.graph.nodes) for (const tensor of node.outputs) known.set(tensor, { kind: 'folded', node })
  return model.outputs.map(({ tensor }) => elementsOf(known, tensor))
}

/** Elements 3, 10, 6, 2, ...: times `times`. */
export function some(element: ElementName, shape: readonly number[], times = 1): TensorData {
  return dataOf(element, shape, Array.from({ length: countOf(shape) }, (_, i) => (i * 7 + 3) % 11 * times))
}

export function numbers(
  list: readonly (number | bigint)[], element: ElementName = 'f32', shape: readonly number[] = [list.length]
): TensorData {
  return dataOf(element, shape, list)
}
