/**
 * Flow graphs, and their division into fused groups: the operators of one group become one kernel (partition.ts).
 *
 *     a1 = cast(a); c = batch_matmul(a1, b); d = add(c, bias); y = relu(d)
 *     one group: anchor batch_matmul, prologues [cast], epilogues [add, relu]
 */
import type { Buffer, ElementName, ReducerName, Variable } from '../ir/ir.ts'
import type { Origin, Origins } from '../ir/origin.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import type { TensorData } from './tensor-data.ts'

/** One operator applied to tensors. */
export interface Node {
  readonly operator: OperatorInstance
  /** One for each input and output of the operator, with its element type and shape. */
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
  /** What the operator's attributes and type parameters were bound to, by name; those with defaults may be absent. */
  readonly attributes: Attributes
  /** Where it was applied. */
  readonly application: Origin
  /** Names of the nodes of an imported model that it stands for; empty in a graph of a file. */
  readonly sources: readonly string[]
}

export type Attributes = Readonly<Record<string, AttributeValue>>
/** A shape is a list of numbers. A number stands for an `int` as well as for a `float`. */
export type AttributeValue =
  | number | boolean | readonly number[] | { readonly dtype: ElementName } | { readonly reducer: ReducerName }

/** A tensor that is known while compiling. */
export type Constant =
  | { readonly kind: 'data'; readonly data: TensorData }
  /** What an operator makes of other constants of the graph; computed when somebody needs the elements. */
  | { readonly kind: 'folded'; readonly node: Node }

/** Its tensors are buffers: of scope `input`, `output`, or `workspace` between operators. */
export interface FlowGraph {
  readonly name: string
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
  /** Scope `input`; each after those that it is folded from. */
  readonly constants: ReadonlyMap<Buffer, Constant>
  /** Each after those that compute its inputs. */
  readonly nodes: readonly Node[]
  /** Shape variables that are known only at launch, in the order of their declaration. */
  readonly extents: readonly Variable[]
  readonly origins: Origins
}

/** What a program computes, whatever its schedule. */
export type Meaning =
  | { readonly kind: 'operator'; readonly operator: OperatorInstance }
  | { readonly kind: 'graph'; readonly graph: FlowGraph }

export interface Group {
  readonly anchor: Node
  /** Each after those whose results it reads. */
  readonly prologues: readonly Node[]
  /** Each after the one whose output it is applied to. */
  readonly epilogues: readonly Node[]
  /** What the group reads: the graph's inputs in their order, then constants, then results of other groups. */
  readonly inputs: readonly Buffer[]
  readonly outputs: readonly Buffer[]
}

/** A use of one operator's result by another, and what became of it. */
export interface Edge {
  readonly tensor: Buffer
  readonly from: Node
  readonly to: Node
  readonly fused: 'prologue' | 'epilogue' | undefined
  /** How it is fused, or why it is not. */
  readonly reason: string
  /** How many elements of the tensor are computed for this use; NaN where that is known at launch. */
  readonly evaluations: number
}

export interface Partition {
  /** Each after those whose results it reads. */
  readonly groups: readonly Group[]
  /** In the order of the nodes that use a tensor. */
  readonly edges: readonly Edge[]
}
