/**
 * A model: what an ONNX file computes, once its free extents are bound, as a flow graph of library operators.
 *
 *     Conv, BatchNormalization, Relu     ->   conv(x, w), multiply(y, scale), add(c, shift), relu(c)
 */
import type { Builder } from './builder.ts'
import type { Buffer } from '../ir/ir.ts'
import type { FlowGraph } from './flow.ts'

export interface Model {
  /** Its inputs are those that an operator reads, its outputs those that an operator computes. */
  readonly graph: FlowGraph
  /** As the file declares them, in order, without those that only give a constant its value. */
  readonly inputs: readonly ModelTensor[]
  /** In order. A result may be an input, a constant, or the same tensor as another result. */
  readonly outputs: readonly ModelTensor[]
  /** What made the graph's operators, and makes those of passes. */
  readonly builder: Builder
}

export interface ModelTensor {
  /** As in the file. */
  readonly name: string
  readonly tensor: Buffer
}
