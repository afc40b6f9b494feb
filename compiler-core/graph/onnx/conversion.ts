/**
 * How one ONNX operator becomes operators of the library: the shape of a table from operator types to functions, and
 * what such a function may ask of the node that it converts.
 *
 *     LeakyRelu: {
 *       opsets: [6, 26],
 *       convert: node => [node.apply('leaky_relu', { x: node.input(0), alpha: node.float('alpha', 0.01) })]
 *     }
 *
 * A conversion chooses, binds attributes and puts operators together; what they compute is Heddle text. It gives up by
 * `refuse` (right, but not supported) or `invalid` (no right ONNX); both throw a `ConversionProblem`, which the import
 * catches. It never sees a tensor with an unknown shape.
 */
import type { Buffer, ElementName } from '../../ir/ir.ts'
import type { Arguments } from '../builder.ts'
import type { TensorData } from '../tensor-data.ts'

/** One result for each output of the node, in order; those that nobody wants (`node.wants`) may be undefined. */
export type Conversion = (node: NodeContext) => readonly (Buffer | undefined)[]

export interface OperatorEntry {
  /** First and last opset that it is right for; opset-dependent rules ask `node.opset`. */
  readonly opsets: readonly [first: number, last: number]
  readonly convert: Conversion
  /** What of it is refused, for docs/operators.md: `indices as a second result`. */
  readonly limits?: string
}

/** By ONNX operator type of the default domain. */
export type OperatorTable = Readonly<Record<string, OperatorEntry>>

/** An operand of a library operator that broadcasts: a known single element is written into the operator. */
export type Operand = Buffer | number

export interface NodeContext {
  /** Of the node's domain, as the model imports it. */
  readonly opset: number
  /** `Conv`. */
  readonly type: string
  /** How many inputs the node names, trailing absent ones not counted. */
  readonly inputCount: number
  /** How many outputs it names, trailing absent ones not counted. */
  readonly outputCount: number
  /** Whether somebody may read output `i`. */
  wants(output: number): boolean

  /** A tensor that must be given: otherwise the file is invalid. */
  input(index: number): Buffer
  /** Undefined: absent, or beyond the last one. */
  optional(index: number): Buffer | undefined
  /** As many as there are; absent ones are invalid. */
  allInputs(): readonly Buffer[]
  /** The extents of a tensor. */
  shape(tensor: Buffer): readonly number[]
  /** Whether the elements of a tensor are known while compiling (they may still have to be computed). */
  isConstant(tensor: Buffer): boolean
  /** The elements if they are known. */
  data(tensor: Buffer): TensorData | undefined
  /** The elements of an input as numbers; refused if only the run knows them. `what` for the message: `the axes`. */
  known(index: number, what: string): readonly number[]
  /** The same for an input that may be absent. */
  knownIfGiven(index: number, what: string): readonly number[] | undefined
  /**
   * A tensor as an operand beside `other` (by default any): the number itself if it is one known element, finite, of a
   * rank that changes no result's shape.
   */
  operand(tensor: Buffer, other?: Buffer): Operand

  has(attribute: string): boolean
  /** Without a default value the attribute must be there. */
  int(attribute: string, byDefault?: number): number
  float(attribute: string, byDefault?: number): number
  flag(attribute: string, byDefault: boolean): boolean
  string(attribute: string, byDefault?: string): string
  ints(attribute: string): readonly number[] | undefined
  floats(attribute: string): readonly number[] | undefined
  strings(attribute: string): readonly string[] | undefined
  tensor(attribute: string): TensorData | undefined
  /** An ONNX data type in an attribute of kind int: `to` of Cast. Refused if Heddle has no such element type. */
  elementType(attribute: string, byDefault?: ElementName): ElementName

  /** Applies an operator or a graph of the library that has one result. With constants alone it is folded. */
  apply(operator: string, args: Arguments): Buffer
  applyAll(operator: string, args: Arguments): readonly Buffer[]
  /** A constant. */
  constant(data: TensorData): Buffer
  /** Numbers as a constant, rounded to the type. */
  constantOf(element: ElementName, shape: readonly number[], numbers: readonly number[]): Buffer
  /** A reshape; the same tensor if nothing changes. A reshape of a tensor without elements is one, too. */
  reshape(tensor: Buffer, to: readonly number[]): Buffer
  /** The same tensor if it has the type already. */
  cast(tensor: Buffer, element: ElementName): Buffer
  /** Another operator's conversion, for those that ONNX defines by others, on other inputs and attributes. */
  by(
    type: string, inputs: readonly (Buffer | undefined)[], attributes?: Readonly<Record<string, GivenAttribute>>
  ): readonly Buffer[]

  /** Right ONNX that is not supported. `Dilations other than 1 are not supported.` */
  refuse(message: string, attribute?: string): never
  /** No right ONNX: `The axis 7 is outside of -4 .. 3.` */
  invalid(message: string, attribute?: string): never
  /** An axis counted from the end made one from the start; invalid outside of the rank. */
  axis(value: number, rank: number, attribute?: string): number
}

export type GivenAttribute =
  | { readonly int: number } | { readonly float: number } | { readonly string: string }
  | { readonly ints: readonly number[] } | { readonly floats: readonly number[] }

/** Thrown by a conversion; only the import sees it. */
export class ConversionProblem extends Error {
  readonly kind: 'unsupported' | 'invalid'
  readonly attribute: string | undefined

  constructor(kind: 'unsupported' | 'invalid', message: string, attribute: string | undefined) {
    super(message)
    this.kind = kind
    this.attribute = attribute
  }
}
