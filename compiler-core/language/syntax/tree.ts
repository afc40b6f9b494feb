/**
 * The tree of a Heddle file: what `parse` gives and every later phase reads.
 *
 * Nodes are discriminated by `kind` and hold the tokens they cover, so that tree and tokens together have every byte of
 * the text. What an unfinished file lacks shows in the types: an absent expression is a `Missing` node, an absent name
 * is a `Name` or `NameRef` with the empty text; both cover no token. Children stand in `childFields` (walk.ts) in
 * source order.
 *
 *     let tile = spatial(4, 8)
 *     Let { target: Name tile, value: Call { callee: NameRef spatial, args: [Argument 4, Argument 8] } }
 *
 * The depth of a tree is bounded (`too-deep`), so that recursive readers need no guard of their own: see `limits` in
 * cursor.ts.
 */

interface Base {
  /** Index into `Parsed.tokens` of the first token. */
  readonly first: number
  /** Index after the last token; `last === first` for a node without tokens. */
  readonly last: number
  /**
   * The node that holds this one; undefined for a `File` and for the expression of `parseExpression`. Set by the
   * parser.
   */
  readonly parent: Node | undefined
}

// ---------------------------------------------------------------- names

/** A name where it is declared. Empty text: the name is absent. */
export interface Name extends Base { readonly kind: 'Name'; readonly text: string }
/** A name where it is used; also an expression. Empty text: the name is absent. */
export interface NameRef extends Base { readonly kind: 'NameRef'; readonly text: string }

/** What a `let` or a loop declares: one name (`_` for none), or a tuple that is taken apart. */
export type Pattern = Name | TuplePattern
export interface TuplePattern extends Base { readonly kind: 'TuplePattern'; readonly items: readonly Pattern[] }

// ---------------------------------------------------------------- file and declarations

export interface File extends Base { readonly kind: 'File'; readonly items: readonly (Import | Declaration)[] }
export interface Import extends Base { readonly kind: 'Import'; readonly path: StringLiteral | Missing }

export type Declaration = Let | Fn | Device | CustomMapping | Operator | Schedule | Graph | Instance

export interface Let extends Base { readonly kind: 'Let'; readonly target: Pattern; readonly value: Expr }

/** A pure function. Its body is a value (`= ...`), a block, or absent: provided by the compiler. */
export interface Fn extends Base {
  readonly kind: 'Fn'
  readonly name: Name
  readonly typeParams: readonly TypeParam[]
  readonly params: readonly Param[]
  readonly result: Type | undefined
  readonly body: Expr | Block | undefined
}
/** A device function. Without a body: provided by the compiler. */
export interface Device extends Base {
  readonly kind: 'Device'
  readonly name: Name
  readonly typeParams: readonly TypeParam[]
  readonly params: readonly Param[]
  readonly result: Type | undefined
  readonly body: Block | undefined
}
/** `mapping NAME(worker < workers) -> shape = tasks` */
export interface CustomMapping extends Base {
  readonly kind: 'CustomMapping'
  readonly name: Name
  readonly worker: Binder
  readonly shape: Expr
  readonly tasks: Expr
}
export interface TypeParam extends Base {
  readonly kind: 'TypeParam'
  readonly name: Name
  readonly bounds: readonly NameRef[]
}
export interface Param extends Base {
  readonly kind: 'Param'
  readonly name: Name
  readonly type: Type
  readonly default: Expr | undefined
}

export interface Operator extends Base {
  readonly kind: 'Operator'
  readonly name: Name
  readonly typeParams: readonly TypeParam[]
  readonly params: readonly Param[]
  readonly results: readonly Param[]
  readonly wheres: readonly Where[]
  readonly members: readonly OperatorMember[]
}
export type OperatorMember = Definition | Stage | Let | Require | Inverse
/** `y[i, ...r] = value where ...` */
export interface Definition extends Base {
  readonly kind: 'Definition'
  readonly tensor: NameRef
  readonly axes: readonly Axis[]
  readonly value: Expr
  readonly wheres: readonly Where[]
}
/** `let e[i < m] = value where ...` */
export interface Stage extends Base {
  readonly kind: 'Stage'
  readonly name: Name
  readonly axes: readonly Binder[]
  readonly value: Expr
  readonly wheres: readonly Where[]
}
/** `inverse x[...j] -> [...permute(j, perm)]` */
export interface Inverse extends Base {
  readonly kind: 'Inverse'
  readonly tensor: NameRef
  readonly axes: readonly Axis[]
  readonly indices: readonly Subscript[]
}
/** One of the parts that `where` names; each may use the ones before it. */
export interface Where extends Base { readonly kind: 'Where'; readonly target: Pattern; readonly value: Expr }
/** A declared index: `i`, or `...r` for any number of them. */
export interface Axis extends Base { readonly kind: 'Axis'; readonly rest: boolean; readonly name: Name }
/** A declared index with its extent: `i < n`, or `...i < s`. */
export interface Binder extends Base {
  readonly kind: 'Binder'
  readonly rest: boolean
  readonly name: Name
  readonly extent: Expr
}

export interface Schedule extends Base {
  readonly kind: 'Schedule'
  readonly name: Name
  /** The operator, or the family of operators that a generic schedule serves. */
  readonly head: NameRef | Family
  readonly given: readonly NameRef[]
  readonly applies: Expr | undefined
  readonly members: readonly ScheduleMember[]
}
/** `pointwise f` or `reduction r`: the name stands for the scheduled operator. */
export interface Family extends Base {
  readonly kind: 'Family'
  readonly family: 'pointwise' | 'reduction'
  readonly name: Name
}
export type ScheduleMember = Tune | Require | Let | Workspace | Device | Kernel
/** `tune n = 8 in [4, 8]` (candidates for every level) or `tune n = 8 level 1 [8] level 2 [4, 8]`. */
export interface Tune extends Base {
  readonly kind: 'Tune'
  readonly name: Name
  readonly default: Expr
  readonly candidates: Expr | undefined
  readonly levels: readonly Level[]
}
export interface Level extends Base {
  readonly kind: 'Level'
  readonly level: NumberLiteral | Missing
  readonly candidates: Expr
}
export interface Require extends Base {
  readonly kind: 'Require'
  readonly condition: Expr
  readonly message: StringLiteral | Missing | undefined
}
export interface Workspace extends Base {
  readonly kind: 'Workspace'
  readonly name: Name
  readonly type: Type
  readonly value: Expr | undefined
}
export interface Kernel extends Base {
  readonly kind: 'Kernel'
  readonly name: Name
  readonly attributes: readonly Argument[]
  readonly body: Block
}

/** `graph NAME(params) { ... }`, or `graph NAME for OPERATOR { ... }`, which implements an operator by others. */
export interface Graph extends Base {
  readonly kind: 'Graph'
  readonly name: Name
  readonly params: readonly Param[]
  readonly operator: NameRef | undefined
  readonly members: readonly (Let | Return)[]
}
/** `instance NAME = operator.schedule(bindings)` */
export interface Instance extends Base {
  readonly kind: 'Instance'
  readonly name: Name
  readonly operator: NameRef
  readonly schedule: NameRef
  readonly bindings: readonly Argument[]
}

// ---------------------------------------------------------------- types

export type Type = TensorType | TupleType
export type Scope = 'shared' | 'register' | 'global'
/** An element type with its shape; a scalar has no dimensions. */
export interface TensorType extends Base {
  readonly kind: 'TensorType'
  readonly scope: Scope | undefined
  readonly element: NameRef
  readonly dims: readonly Dim[]
  readonly layout: Expr | undefined
}
export interface TupleType extends Base { readonly kind: 'TupleType'; readonly items: readonly Type[] }
/** One dimension, or with `...` a whole shape: `n`, `...s`, `...broadcast(s, t)`. */
export interface Dim extends Base { readonly kind: 'Dim'; readonly rest: boolean; readonly size: Expr }

// ---------------------------------------------------------------- statements

export type Statement =
  | Let | Var | Allocation | Device | For | While | If | Return | Break | Continue | Assignment | CallStatement

export interface Block extends Base { readonly kind: 'Block'; readonly statements: readonly Statement[] }
export interface Var extends Base {
  readonly kind: 'Var'
  readonly name: Name
  readonly type: Type | undefined
  readonly value: Expr
}
/** `shared NAME: TYPE reuses a, b = value` or `register ...` */
export interface Allocation extends Base {
  readonly kind: 'Allocation'
  readonly scope: 'shared' | 'register'
  readonly name: Name
  readonly type: Type
  readonly reuses: readonly NameRef[]
  readonly value: Expr | undefined
}
export interface For extends Base {
  readonly kind: 'For'
  readonly mode: 'sequential' | 'unroll' | 'async' | 'parallel'
  /** Of `unroll FACTOR for`. */
  readonly factor: Expr | undefined
  readonly target: Pattern
  readonly over: Expr | Range
  readonly body: Block
}
export interface While extends Base { readonly kind: 'While'; readonly condition: Expr; readonly body: Block }
/** `if ... else if ... else ...`: a chain is one node, however long. */
export interface If extends Base {
  readonly kind: 'If'
  readonly branches: readonly Branch[]
  readonly otherwise: Block | undefined
}
export interface Branch extends Base { readonly kind: 'Branch'; readonly condition: Expr; readonly body: Block }
/** In a graph any number of values, elsewhere at most one. */
export interface Return extends Base { readonly kind: 'Return'; readonly values: readonly Expr[] }
export interface Break extends Base { readonly kind: 'Break' }
export interface Continue extends Base { readonly kind: 'Continue' }
export type AssignmentOperator = '=' | '=?' | '+=' | '-=' | '*=' | '/=' | '%=' | '&=' | '|=' | '^='
/** `=?` stores only inside the declared shape of the target's tensor. */
export interface Assignment extends Base {
  readonly kind: 'Assignment'
  readonly target: Expr
  readonly operator: AssignmentOperator
  readonly value: Expr
}
/** A call for its effect. In a broken file `call` may be any other expression (`expected-statement`). */
export interface CallStatement extends Base { readonly kind: 'CallStatement'; readonly call: Expr }

// ---------------------------------------------------------------- expressions

export type Expr =
  | Conditional | Binary | Reduction | Unary | GuardedRead | Member | Call | Element | NameRef
  | NumberLiteral | StringLiteral | BooleanLiteral | Parenthesized | Tuple | List | Comprehension | Missing

/** `if condition then then else otherwise` */
export interface Conditional extends Base {
  readonly kind: 'Conditional'
  readonly condition: Expr
  readonly then: Expr
  readonly otherwise: Expr
}
export type BinaryOperator =
  | '||' | '&&' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '|' | '^' | '&' | '<<' | '>>' | '+' | '-' | '*' | '/' | '%'
export interface Binary extends Base {
  readonly kind: 'Binary'
  readonly left: Expr
  readonly operator: BinaryOperator
  readonly right: Expr
}
/** `sum[p < k] body`; the body is a product. */
export interface Reduction extends Base {
  readonly kind: 'Reduction'
  readonly reducer: NameRef
  readonly binders: readonly Binder[]
  readonly body: Expr
}
export interface Unary extends Base {
  readonly kind: 'Unary'
  readonly operator: '-' | '!' | '~'
  readonly operand: Expr
}
/** `x[e] ?? outside` */
export interface GuardedRead extends Base { readonly kind: 'GuardedRead'; readonly read: Expr; readonly outside: Expr }
export interface Member extends Base { readonly kind: 'Member'; readonly receiver: Expr; readonly member: NameRef }
export interface Call extends Base { readonly kind: 'Call'; readonly callee: Expr; readonly args: readonly Argument[] }
export interface Element extends Base {
  readonly kind: 'Element'
  readonly receiver: Expr
  readonly indices: readonly Subscript[]
}
export interface Argument extends Base {
  readonly kind: 'Argument'
  readonly name: Name | undefined
  readonly value: Expr | Spread
}
/** `...e` among arguments or indices. */
export interface Spread extends Base { readonly kind: 'Spread'; readonly value: Expr }
export type Subscript = Expr | Spread | Slice | Whole
/** `from..to` or `from ..+ length`: exactly one of `to` and `length` is there. */
export interface Slice extends Base {
  readonly kind: 'Slice'
  readonly from: Expr
  readonly to: Expr | undefined
  readonly length: Expr | undefined
}
/** `..`: all of a dimension. */
export interface Whole extends Base { readonly kind: 'Whole' }
/** The digits as written, `_` included. */
export interface NumberLiteral extends Base {
  readonly kind: 'NumberLiteral'
  readonly text: string
  readonly float: boolean
}
/** The text that the string stands for: without quotes, escapes resolved. */
export interface StringLiteral extends Base { readonly kind: 'StringLiteral'; readonly value: string }
export interface BooleanLiteral extends Base { readonly kind: 'BooleanLiteral'; readonly value: boolean }
/** `(value)` */
export interface Parenthesized extends Base { readonly kind: 'Parenthesized'; readonly value: Expr }
/** `()`, `(a,)`, `(a, b)` */
export interface Tuple extends Base { readonly kind: 'Tuple'; readonly items: readonly Expr[] }
export interface List extends Base { readonly kind: 'List'; readonly items: readonly Expr[] }
/** `[item for target in over for ...]`; the last generator runs fastest. */
export interface Comprehension extends Base {
  readonly kind: 'Comprehension'
  readonly item: Expr
  readonly generators: readonly Generator[]
}
export interface Generator extends Base {
  readonly kind: 'Generator'
  readonly target: Pattern
  readonly over: Expr | Range
}
/** `from..to`, `to` exclusive. Not a value: loops only. */
export interface Range extends Base { readonly kind: 'Range'; readonly from: Expr; readonly to: Expr }
/** Where an expression should be. It covers no token and lies directly after the token before it. */
export interface Missing extends Base { readonly kind: 'Missing' }

export type Node =
  | Name | TuplePattern | File | Import | Declaration | TypeParam | Param | OperatorMember | Where | Axis | Binder
  | Family | ScheduleMember | Level | Type | Dim | Block | Statement | Branch
  | Expr | Argument | Spread | Slice | Whole | Generator | Range

export type NodeKind = Node['kind']
export type NodeOf<K extends NodeKind> = Extract<Node, { readonly kind: K }>
