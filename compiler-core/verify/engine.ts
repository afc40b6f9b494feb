/**
 * What the engines have in common: what they are given, and what they say of a run.
 *
 *     interpreter   runs the program before lowering: mapped loops over logical tensors
 *     cpu           compiles the CUDA text with g++ and runs it, one fiber a thread
 *
 * Both are asked the same way, so that what is compared and how it is told (compare.ts, story.ts) is written once. An
 * engine reports facts; it does not judge values.
 */
import type { Trace } from '../codegen/trace.ts'
import type { Buffer, Program, Three, Variable } from '../ir/ir.ts'
import type { Origins, Span } from '../ir/origin.ts'
import type { Architecture } from '../target/architectures.ts'

export const engineNames = ['interpreter', 'cpu'] as const
export type EngineName = typeof engineNames[number]

/** One program in the forms that the engines run. Plain data: it crosses to a worker thread as one message. */
export interface Subject {
  /** Before lowering: bounds are explicit, neighbours are fused. */
  readonly elaborated: Program
  /** After lowering: what the text was printed from. */
  readonly lowered: Program
  readonly cuda: { readonly text: string; readonly trace: Trace }
  readonly architecture: Architecture
}

export type ThreadOrder = 'forward' | 'reverse' | 'random'

/** One launch of all kernels of a program, in order. */
export interface Run {
  /**
   * One for each input of the program, in order: its logical elements, row-major. Values are those of the element type
   * already (rounded); i64 and u64 stay within 2^53.
   */
  readonly inputs: readonly Float64Array[]
  readonly order: ThreadOrder
  /** For `random`: of blocks as well as of threads. */
  readonly seed: number
  /**
   * Milliseconds after which no further block of the last kernel is started; undefined: all blocks run. Those that run
   * are the corners of the grid, then others in a seeded order.
   */
  readonly budget: number | undefined
}

export interface Request {
  /** Of every extent of the program. */
  readonly extents: ReadonlyMap<Variable, number>
  readonly runs: readonly Run[]
  /** Whether the accesses of the first run are counted. The interpreter counts none. */
  readonly counts: boolean
  /** Milliseconds for all runs together: what does not end by then is ended. */
  readonly timeLimit: number
  readonly signal: AbortSignal | undefined
}

export type Outcome =
  | { readonly kind: 'executed'; readonly runs: readonly Executed[]; readonly counts: readonly AccessCount[] }
  /** The program was ended: by a limit, or by what it did. `fault`: where it was, if that is known. */
  | {
    readonly kind: 'ended'
    readonly why: 'time' | 'memory' | 'recursion' | 'crash'
    /** A sentence for people. */
    readonly message: string
    readonly fault: Fault | undefined
  }
  /** The engine cannot work here, or does not know something that the program uses: a sentence that says what. */
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'cancelled' }

export interface Executed {
  /** One for each output of the program, in order. */
  readonly outputs: readonly Written[]
  /** Each kind at each place once, the first ones first; at most `keptFaults`. */
  readonly faults: readonly Fault[]
  /** Of the last kernel. */
  readonly blocks: { readonly run: number; readonly total: number }
}

export const keptFaults = 64

export interface Written {
  /** Logical elements, row-major; NaN where nothing was written. */
  readonly elements: Float64Array
  /** Who wrote an element last; undefined: nobody did. */
  readonly writerOf: (element: number) => Access | undefined
}

/**
 * What a program must not do.
 *
 * `race`: two threads access one element without a barrier between them, at least one of them writes. `double-write`:
 * two threads write one element of an output. `not-arrived`: an asynchronous copy's data are used before the wait for
 * it. `divergent-barrier`, `divergent-shuffle`: some threads (of the block, of the warp) do not take part. `assertion`:
 * `assert` failed. `endless`: a loop passed the limit of steps.
 */
export type FaultKind =
  | 'race' | 'double-write' | 'not-arrived' | 'out-of-bounds' | 'uninitialised' | 'misaligned'
  | 'divergent-barrier' | 'divergent-shuffle' | 'assertion' | 'endless'

export interface Fault {
  readonly kind: FaultKind
  readonly access: Access
  /** The other side: of a race, the earlier access; of a divergent barrier or shuffle, where another thread is. */
  readonly other: Access | undefined
  /** How often the kind occurred at this place. */
  readonly times: number
}

export interface Access {
  readonly kind: 'read' | 'write' | 'atomic' | 'barrier' | 'shuffle' | 'assert' | 'loop' | 'end'
  readonly block: Three<number>
  readonly thread: Three<number>
  /** Of a memory access, where it is known. */
  readonly buffer: Buffer | undefined
  /** In the buffer's declared shape; outside of it for `out-of-bounds`. Undefined where only `cell` is known. */
  readonly indices: readonly number[] | undefined
  /** Storage cell of the buffer; undefined where only `indices` are known. */
  readonly cell: number | undefined
  /** Of the access or statement; empty where no source text is known. */
  readonly origins: Origins
  /** In the CUDA text, where the engine runs that. */
  readonly span: Span | undefined
}

/** All executions of one access of the CUDA text by all warps of a launch. Fields as in analysis/warp-accesses.ts. */
export interface AccessCount {
  readonly buffer: Buffer
  readonly write: boolean
  /** Of one lane. */
  readonly bytes: number
  readonly span: Span
  readonly origins: Origins
  readonly requests: number
  readonly wavefronts: number
  readonly ideal: number
  readonly sectors: number
}

/** `cpu` and `interpreter` are one of these each. */
export type Engine = (subject: Subject, request: Request) => Promise<Outcome>
