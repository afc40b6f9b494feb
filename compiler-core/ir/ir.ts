/**
 * The intermediate representation of tensor programs: what elaboration makes of operators and schedules, what fusion
 * and the lowering passes rewrite, and what the CUDA printer writes down.
 *
 * Nodes are immutable plain data, told apart by `kind`. Variables and buffers are compared by identity. Every node
 * carries its origins, which each pass keeps (origin.ts).
 *
 *     for (i, j) in tile.on(threadIdx.x) { acc[i, j] += sa[i, p] * sb[p, j] }
 *     tasks { variables: [i, j], mapping: tile, worker: threadIdx.x, body: [store { buffer: acc, indices: [i, j] }] }
 *
 * Whole numbers that count or index have the type `index`: exact, floor division, of a width that the last lowering
 * pass decides. Elements and scalars have the language's element types.
 */
import type { Layout } from '../mapping/layout.ts'
import type { Mapping } from '../mapping/mapping.ts'
import type { Origins } from './origin.ts'

export type ElementName =
  | 'f64' | 'f32' | 'tf32' | 'bf16' | 'f16' | 'i64' | 'i32' | 'i16' | 'i8' | 'u64' | 'u32' | 'u16' | 'u8' | 'bool'
export type Type = ElementName | 'index'

export interface Variable {
  /** As in the source; not unique. */
  readonly name: string
  readonly type: Type
  /**
   * `let`: one value; `mutable`: assigned; `loop`: of a `for` or a `tasks`; `axis`: of an operator's definition or
   * reduction; `extent`: a shape variable that is known at launch, at least 1; `thread`, `block`: `threadIdx.x` etc.
   */
  readonly role: 'let' | 'mutable' | 'loop' | 'axis' | 'extent' | 'thread' | 'block'
  /** Of a `let`: its value is known at launch, like an extent's. */
  readonly launch?: true
}

export interface Buffer {
  readonly name: string
  readonly element: ElementName
  readonly scope: 'input' | 'output' | 'workspace' | 'shared' | 'register'
  /** The declared, logical shape: constants for `shared` and `register`. */
  readonly shape: readonly Expr[]
  /** Undefined: row-major. Its shape is the buffer's. */
  readonly layout: Layout | undefined
  readonly origins: Origins
}

// ---------------------------------------------------------------- expressions

export type Expr = Constant | VariableRef | Binary | Unary | Select | Cast | Load | IntrinsicCall | Reduce

interface ExprBase { readonly type: Type; readonly origins: Origins }

/** `bool` is 0 or 1; a `bigint` only beyond 2^53. */
export interface Constant extends ExprBase { readonly kind: 'constant'; readonly value: number | bigint }
export interface VariableRef extends ExprBase { readonly kind: 'variable'; readonly variable: Variable }
/** Operands have one type. On whole numbers `/` and `%` are floor division; comparisons and logic give `bool`. */
export interface Binary extends ExprBase {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expr
  readonly right: Expr
}
export type BinaryOperator =
  | '+' | '-' | '*' | '/' | '%' | 'min' | 'max' | '&' | '|' | '^' | '<<' | '>>'
  | '<' | '<=' | '==' | '!=' | '&&' | '||'
export interface Unary extends ExprBase {
  readonly kind: 'unary'
  readonly operator: '-' | '!' | '~'
  readonly operand: Expr
}
/** Only the chosen side is evaluated. */
export interface Select extends ExprBase {
  readonly kind: 'select'
  readonly condition: Expr
  readonly then: Expr
  readonly otherwise: Expr
}
/** Conversion as in C, except that `index` is exact. */
export interface Cast extends ExprBase { readonly kind: 'cast'; readonly value: Expr }
/**
 * One element. `outside`: its value outside of the declared shape (`??`); without it the element must lie inside. After
 * flattening there is one index, an offset into the buffer's cells.
 */
export interface Load extends ExprBase {
  readonly kind: 'load'
  readonly buffer: Buffer
  readonly indices: readonly Expr[]
  readonly outside: Expr | undefined
}
export interface IntrinsicCall extends ExprBase {
  readonly kind: 'call'
  readonly intrinsic: Intrinsic
  readonly args: readonly Expr[]
}
/** Functions of values alone, then those of a warp (all lanes take part). Names are the language's. */
export type Intrinsic =
  | 'abs' | 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'tanh' | 'erf' | 'pow' | 'floor' | 'ceil' | 'round' | 'sin' | 'cos' | 'fma'
  | 'shfl_xor_sync' | 'shfl_down_sync'
/**
 * Only in an operator's definition: combines `body` over all axes, in row-major order. Its type is the accumulator's.
 */
export interface Reduce extends ExprBase {
  readonly kind: 'reduce'
  readonly reducer: ReducerName
  readonly axes: readonly Axis[]
  readonly body: Expr
}
export type ReducerName = 'sum' | 'prod' | 'max' | 'min' | 'avg' | 'any' | 'all' | 'argmax' | 'argmin'
export interface Axis { readonly variable: Variable; readonly extent: Expr }

// ---------------------------------------------------------------- statements

export type Stmt =
  | Let | Declare | Assign | Allocate | Store | Copy | For | Tasks | If | While | Jump | Barrier | Effect

interface StmtBase { readonly origins: Origins }

/** Names one value: `variable` has the role `let`. */
export interface Let extends StmtBase {
  readonly kind: 'let'
  readonly variable: Variable
  readonly value: Expr
  /** Only of one that lowering made: the mapping's factors from which the index comes, in Heddle. */
  readonly note?: string
}
/** A `mutable` variable with its first value. */
export interface Declare extends StmtBase { readonly kind: 'declare'; readonly variable: Variable; readonly value: Expr }
export interface Assign extends StmtBase { readonly kind: 'assign'; readonly variable: Variable; readonly value: Expr }
/** Shared or register memory. */
export interface Allocate extends StmtBase {
  readonly kind: 'allocate'
  readonly buffer: Buffer
  /** Of every cell; for `shared` memory, set by all threads and followed by a barrier. */
  readonly value: Expr | undefined
  /** Shared memory whose bytes this allocation takes over. */
  readonly reuses: readonly Buffer[]
}
/** `guarded`: only inside of the declared shape (`=?`). */
export interface Store extends StmtBase {
  readonly kind: 'store'
  readonly buffer: Buffer
  readonly indices: readonly Expr[]
  readonly value: Expr
  readonly guarded: boolean
  /** To shared memory, from an asynchronous `tasks` that was lowered: it may arrive as late as the copies of that. */
  readonly async?: true
}
/**
 * `lanes` neighbouring elements at once, made by lowering: offsets into cells, both aligned to the whole access. 4, 8
 * or 16 bytes; the element types are equal.
 */
export interface Copy extends StmtBase {
  readonly kind: 'copy'
  readonly lanes: number
  readonly to: { readonly buffer: Buffer; readonly offset: Expr }
  readonly from: { readonly buffer: Buffer; readonly offset: Expr }
  /**
   * From global to shared memory, arriving at any time until the `wait_group` that covers it. Where the condition, if
   * there is one, does not hold, nothing is read and zeros arrive.
   */
  readonly async?: { readonly condition: Expr | undefined }
}
/** From 0 in steps of 1. `unroll`: fully, by a factor, never, or as the CUDA compiler likes. */
export interface For extends StmtBase {
  readonly kind: 'for'
  readonly variable: Variable
  readonly extent: Expr
  readonly unroll: 'full' | 'never' | 'automatic' | number
  /** From a loop word `vector`: one access of 4, 8 or 16 bytes is expected. */
  readonly vector: boolean
  /** Only of one that lowering made: the mapping's factor that it runs through, in Heddle. */
  readonly note?: string
  readonly body: readonly Stmt[]
}
/** The tasks of one worker of a mapping, in order. */
export interface Tasks extends StmtBase {
  readonly kind: 'tasks'
  /** One for each dimension. */
  readonly variables: readonly Variable[]
  readonly mapping: Mapping
  /** The mapping's name in the source, where it has one: `load_a` in `load_a.on(threadIdx.x)`. */
  readonly name?: string
  /** The origins of `mapping.factors`, one for each. */
  readonly factorOrigins: readonly Origins[]
  readonly worker: Expr
  /** The copies inside may arrive at any time until the `wait_group` that covers them. */
  readonly async: boolean
  readonly body: readonly Stmt[]
}
export interface If extends StmtBase {
  readonly kind: 'if'
  readonly condition: Expr
  readonly then: readonly Stmt[]
  readonly otherwise: readonly Stmt[]
}
export interface While extends StmtBase {
  readonly kind: 'while'
  readonly condition: Expr
  readonly body: readonly Stmt[]
}
/** `return` ends the thread. */
export interface Jump extends StmtBase { readonly kind: 'jump'; readonly to: 'break' | 'continue' | 'return' }
/** `syncthreads()` */
export interface Barrier extends StmtBase { readonly kind: 'barrier' }
/** A primitive for its effect. `old`: receives the former value of `atomic_add`. */
export type Effect = StmtBase & { readonly kind: 'effect' } & (
  | {
    readonly effect: 'atomic_add'
    readonly buffer: Buffer
    readonly indices: readonly Expr[]
    readonly value: Expr
    readonly old: Variable | undefined
  }
  | { readonly effect: 'commit_group' }
  | { readonly effect: 'wait_group'; readonly pending: number }
  | { readonly effect: 'assert'; readonly condition: Expr; readonly message: string }
)

// ---------------------------------------------------------------- programs

export type Three<T> = readonly [T, T, T]

export interface Kernel {
  readonly name: string
  /** Blocks along x, y, z: constants or expressions over extents. */
  readonly grid: Three<Expr>
  /** Threads along x, y, z. */
  readonly block: Three<number>
  /** The second number of `__launch_bounds__`; undefined: none is asked for. */
  readonly minBlocks: number | undefined
  readonly body: readonly Stmt[]
  readonly origins: Origins
}

/** Kernels that run in order and compute one operator, or one fused group. */
export interface Program {
  readonly name: string
  /** Inputs, then outputs, in the order of the declaration. */
  readonly parameters: readonly Buffer[]
  /** Global memory that lives between the kernels; `value`: what every cell is set to before the first. */
  readonly workspaces: ReadonlyArray<{ readonly buffer: Buffer; readonly value: Expr | undefined }>
  /** Shape variables that are known only at launch, in the order of their declaration. */
  readonly extents: readonly Variable[]
  readonly kernels: readonly Kernel[]
  readonly origins: Origins
}

export type Dimension = 'x' | 'y' | 'z'
export const dimensions: readonly Dimension[] = ['x', 'y', 'z']

const threads = dimensions.map((d): Variable => ({ name: `threadIdx.${d}`, type: 'index', role: 'thread' }))
const blocks = dimensions.map((d): Variable => ({ name: `blockIdx.${d}`, type: 'index', role: 'block' }))
export const threadIdx = threads as unknown as Three<Variable>
export const blockIdx = blocks as unknown as Three<Variable>
