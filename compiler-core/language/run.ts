/**
 * The state of a compile-time evaluation: its fuel, the calls that are under way, and what it found wrong.
 *
 * Fuel makes evaluation safe while a person is typing: steps are counted for each declaration and for the whole file,
 * calls and nested expressions have a greatest depth, lists and ranges a greatest size. What exceeds them is one
 * diagnostic, and the value is unknown.
 *
 * A problem inside a function is reported where the evaluated file calls it, with the place inside as related
 * information: the same function may be right for every other call.
 */
import type { Architecture } from '../target/architectures.ts'
import type { Buffer, Dimension, Stmt } from '../ir/ir.ts'
import type { Origin } from '../ir/origin.ts'
import { diagnostic, type Diagnostic, type DiagnosticCode, type Fix, type Related, type Span } from './diagnostics.ts'
import type { Definition } from './resolve.ts'
import type { Lexed } from './syntax/lexer.ts'
import type { Call, Expr, Name, NameRef, Node } from './syntax/tree.ts'
import { spanOf } from './syntax/walk.ts'
import type { PositionName, Value } from './values.ts'

export const limits = {
  /** Steps of one declaration, and of a whole file. A step is an expression or an item of a list. */
  declarationSteps: 2_000_000,
  fileSteps: 3_000_000,
  /** Calls of functions under way at once. */
  calls: 160,
  /** Expressions under way at once, those of the callers included: a bound on the stack. */
  depth: 1_000,
  /** Items of a list; values of a range. */
  items: 2 ** 16,
  /** Values inside a list or tuple, at any depth. */
  weight: 2 ** 18,
  /** Dimensions of a mapping or layout. */
  dimensions: 32,
  /** Factors of a mapping; nodes of a layout. */
  factors: 256,
} as const

/** A file's part of the state: where its names and values are. */
export interface Module {
  readonly uri: string
  readonly source: Lexed
  readonly definitionOf: ReadonlyMap<Name | NameRef, Definition>
  /** Of the definitions that have one value; complete once the file is evaluated. */
  readonly globals: Map<Definition, Value>
}

export interface Frame {
  readonly module: Module
  readonly locals: Map<Definition, Value>
  /** Where expressions are evaluated once, their values are kept; a body that runs many times has no such map. */
  readonly values: Map<Node, Value> | undefined
}

export interface Run {
  readonly architecture: Architecture
  /** Of an imported or library file. */
  module(uri: string): Module | undefined
  /** The definition of a member of a kind of values, such as `workers` of `mapping`. */
  member(kind: string, name: string): Definition | undefined
  memberNames(kind: string): readonly string[]
  /** Says which member a name after a dot is. */
  useMember(ref: NameRef, member: Definition): void
  readonly diagnostics: Diagnostic[]
  readonly reported: Set<string>
  readonly calls: CallSite[]
  steps: number
  /** `steps` at which the declaration that is being evaluated has no more fuel. */
  limit: number
  depth: number
  /** Above 0: what is wrong is counted and not reported. */
  quiet: number
  problems: number
  /** A step needed a number where a symbolic value stands. */
  gaveUp: boolean
  /** Out of fuel: every value is unknown until the next declaration. */
  stopped: boolean
  /** While a program is elaborated: device values are expressions. */
  device: DeviceContext | undefined
  /** What a program is elaborated for: the place in the open file that stands for what other files do. */
  home: CallSite | undefined
}

/** What elaboration adds to an evaluation: where statements go, and what device functions and reductions become. */
export interface DeviceContext {
  /** Whether reductions make nodes: inside of operators they do. */
  readonly defines: 'kernel' | 'operator'
  /** The calls that are being inlined, inside out. */
  through: Origin | undefined
  /** In the body of a reduction elements have the type in which it accumulates. */
  accumulates: boolean
  emit(s: Stmt): void
  /** Inlines a device function, or makes the statement of a primitive. */
  call(frame: Frame, e: Call, definition: Definition, args: readonly GivenArgument[]): Value
  /** `threadIdx.x` and its kin. */
  position(name: PositionName, dimension: Dimension): Value
  /** Whether a fused operator computes the elements of an input. */
  isFused(buffer: Buffer): boolean
}

/** An argument of a call, spreads opened. */
export interface GivenArgument { readonly value: Value; readonly node: Expr; readonly name: Name | undefined }

export interface CallSite { readonly name: string; readonly module: Module; readonly node: Node }

/** Where a problem is: a node, or a range of the file that is being evaluated. */
export type Place = Node | Span

function placeSpan(module: Module, place: Place): Span {
  return 'kind' in place ? spanOf(module.source, place) : place
}

/** Reports a problem at a place of the frame's file; inside calls, at the outermost call. */
export function problem(
  run: Run, module: Module, place: Place, code: DiagnosticCode, message: string,
  more: { readonly related?: readonly Related[]; readonly fix?: Fix } = {},
): void {
  run.problems++
  if (run.quiet > 0) return
  const span = placeSpan(module, place)
  const outermost = outermostCall(run, module)
  const at = outermost ? spanOf(outermost.module.source, outermost.node) : span
  const key = `${code} ${at.start} ${at.end}`
  if (run.reported.has(key)) return
  run.reported.add(key)
  if (!outermost) {
    run.diagnostics.push(diagnostic(code, at, message, more))
    return
  }
  const calls = outermost === run.home ? [outermost, ...run.calls] : run.calls.slice(run.calls.indexOf(outermost))
  const innermost = calls.at(-1)
  const related: Related[] = [{ uri: module.uri, span, message: `here, in \`${innermost?.name ?? ''}\`` }]
  for (const site of calls.slice(1).reverse().slice(0, 5)) {
    related.push({ uri: site.module.uri, span: spanOf(site.module.source, site.node), message: `\`${site.name}\` is called here` })
  }
  const text = `${message.replace(/\.$/, '')} (in ${chainText(calls)}).`
  run.diagnostics.push(diagnostic(code, at, text, { related: [...related, ...more.related ?? []] }))
}

/** The call in the evaluated file that a problem is reported at; undefined where the place itself lies in it. */
function outermostCall(run: Run, module: Module): CallSite | undefined {
  const { home } = run
  if (!home) return run.calls[0]
  if (module.uri === home.module.uri) return undefined
  return run.calls.findLast(c => c.module.uri === home.module.uri) ?? home
}

/** `f`, called from `g`: the calls under way, the innermost first; a long chain is shortened. */
function chainText(calls: readonly CallSite[]): string {
  const names = calls.map(c => `\`${c.name}\``).reverse()
  const shown = names.length <= 4 ? names : [...names.slice(0, 3), `... ${names.length - 4} more`, ...names.slice(-1)]
  return shown.join(', called from ')
}

/** The fuel of one declaration more; it never exceeds the file's where a file is evaluated. */
export function refuel(run: Run, most = Infinity): void {
  run.limit = Math.min(run.steps + limits.declarationSteps, most)
  run.stopped = false
}

/** Uses fuel; false when there is none left (reported once a declaration). */
export function spend(run: Run, module: Module, place: Place, steps: number): boolean {
  run.steps += steps
  if (run.steps <= run.limit) return !run.stopped
  if (!run.stopped) {
    run.stopped = true
    const before = run.quiet
    run.quiet = 0
    const whole = run.steps > limits.fileSteps
    problem(run, module, place, 'out-of-fuel', whole
      ? `The compile-time values of this file take more than ${limits.fileSteps} steps; this one and those below are not computed.`
      : `This takes more than ${limits.declarationSteps} steps at compile time. Does a loop or a recursion go on without end?`)
    run.quiet = before
  }
  return false
}
