/** The form in which functions and members of the library are called, once their arguments are bound. */
import type { Frame, Run } from './run.ts'
import type { Expr as ExprNode, Node } from './syntax/tree.ts'
import type { SourceRange, Value } from './values.ts'

/** An argument, and where it stands: an item of a written tuple has its own place. */
export interface Bound { readonly value: Value; readonly node: ExprNode }

/** A call of a function or member of the library. */
export interface NativeCall {
  readonly run: Run
  readonly frame: Frame
  /** The call; for a property, the member access. */
  readonly node: Node
  readonly name: string
  /** What a mapping or layout made here has as its origin: the call without its receiver. */
  readonly made: SourceRange
  /** The arguments of a parameter: several for one that takes extents one by one, none for one that was not given. */
  arguments(parameter: string): readonly Bound[]
}

export interface Native {
  /** The parameter that takes all positional arguments which are no loop words. */
  readonly variadic?: string
  call(c: NativeCall): Value
}
