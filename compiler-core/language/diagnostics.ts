/**
 * What the front end has to say about a program, as plain data: every phase returns diagnostics, none throws.
 *
 * A diagnostic has a stable code from the registry below. The registry's sentence explains the rule in general (for
 * documentation and the editor's "explain" link); a diagnostic's message says what is wrong at one place, in the user's
 * names and numbers.
 */

import { findingCodes } from '../ir/finding.ts'
import type { Span } from '../ir/origin.ts'

export type { Span } from '../ir/origin.ts'

export type Severity = 'error' | 'warning' | 'information'

export interface Edit { readonly span: Span; readonly newText: string }

/** A quick fix: edits of the diagnostic's own file that do not overlap. */
export interface Fix { readonly title: string; readonly edits: readonly Edit[] }

/** Another place that explains the diagnostic: the first declaration of a name, the factor that does not fit. */
export interface Related { readonly uri: string; readonly span: Span; readonly message: string }

export interface Diagnostic {
  readonly code: DiagnosticCode
  readonly severity: Severity
  readonly span: Span
  readonly message: string
  readonly related: readonly Related[]
  readonly fix?: Fix
}

export type DiagnosticCode = keyof typeof diagnosticCodes

/** Each code with one sentence about its rule. A code, once published, keeps its meaning. */
export const diagnosticCodes = {
  // text and grammar
  'unknown-character': 'A character that has no meaning outside strings and comments; names are made of a-z, A-Z, 0-9 and _.',
  'block-comment': 'Comments run from // to the end of the line; there are no block comments.',
  'unclosed-string': 'A string starts and ends with " on the same line.',
  'invalid-escape': 'In a string, \\ is followed by ", \\, n or t.',
  'malformed-number': 'Numbers are written 42, 1_024, 0xff, 0.5 or 1e-5, and no letter follows them directly.',
  'expected-token': 'A word or sign that the grammar needs here is absent.',
  'misspelled-word': 'A word that starts nothing at its place, close to one that does.',
  'expected-name': 'A name is absent: of a declaration, an index, a parameter, a member or a reference.',
  'reserved-word': 'A word that starts a construct of the language cannot be used as a name.',
  'expected-expression': 'A value is absent where the grammar needs one.',
  'expected-type': 'A type is absent: after a colon or an arrow stands the name of a type, with a shape in brackets, or a tuple of types.',
  'expected-string': 'Paths and messages are written as strings.',
  'expected-statement': 'A statement that starts with a name is a call or an assignment.',
  'unexpected-token': 'Something that cannot stand at this place; it was skipped.',
  'reduction-in-product': 'A reduction takes the whole product on its right as its body, so that inside a product it needs parentheses.',
  'conditional-operand': 'A conditional value extends to the right as far as it can, so that as an operand it needs parentheses.',
  'too-deep': 'Expressions and blocks are nested, or operators are chained, beyond what the tools promise to handle.',
  // names and imports
  'unknown-name': 'A name that is declared nowhere in the file, its imports or the built-in names.',
  'duplicate-name': 'A name is declared once in its scope.',
  'ambiguous-name': 'A name that several imported files declare; the file cannot know which one is meant.',
  'use-before-declaration': 'Values are declared above their first use.',
  'wrong-kind': 'A schedule is for an operator, and an instance is of an operator and one of its schedules.',
  'missing-body': 'Only the library declares functions without a body.',
  'misplaced-statement': 'A statement at a place where it has no meaning: a jump outside of loops, memory of a kernel in a `fn`.',
  'not-assignable': 'Only variables (`var`) and elements of tensors change.',
  'missing-import': 'An imported file that does not exist.',
  'import-cycle': 'A file that imports itself, directly or through others.',
  'import-outside': 'Imports stay below the folder that is open.',
  'unused-import': 'An import that no name of the file comes from.',
  // compile-time values
  'wrong-type': 'A value of another kind than the operation, parameter or pattern takes.',
  'division-by-zero': 'Whole numbers have no quotient and no remainder by zero.',
  'overflow': 'Whole numbers have 64 bits; sizes of mappings and layouts stay below 2^53.',
  'bad-shift': 'Bits are shifted by 0 to 63 places.',
  'not-callable': 'Only functions, element types, reducers, loop words and layouts are called.',
  'unknown-member': 'A member that values of this kind do not have.',
  'missing-argument': 'Every parameter without a default value gets an argument.',
  'too-many-arguments': 'A call has at most as many arguments as the function has parameters.',
  'unknown-argument': 'A named argument whose name is not one of the parameters.',
  'duplicate-argument': 'A parameter that gets two arguments.',
  'index-outside': 'An index beyond the items of a tuple or list.',
  'missing-return': 'A function whose body ends without returning a value.',
  'require-failed': 'A requirement that does not hold for the default values.',
  'too-large': 'A list, range, rank or composition beyond what compile-time evaluation handles.',
  'endless-recursion': 'Functions that call each other more deeply than compile-time evaluation allows.',
  'out-of-fuel': 'A compile-time computation that takes more steps than it is allowed.',
  // task mappings and data layouts
  'bad-extent': 'Extents, strides and numbers of workers are whole numbers of at least 1.',
  'bad-ranks': 'Ranks are a permutation: each of 0 to n - 1 once, where 0 varies slowest.',
  'bad-loop': 'Loop words stand behind the extents of a `repeat`: one for all dimensions, or one for each.',
  'bad-axis': 'A dimension that a mapping or layout does not have.',
  'rank-mismatch': 'Composed mappings or layouts, and indices into them, have equally many dimensions.',
  'not-divisible': '`auto_map` distributes equally: the number of workers divides the number of elements.',
  'size-mismatch': 'A reshaped layout keeps its number of elements.',
  'task-outside': 'Each task of a custom mapping lies inside its task shape.',
  'no-register-layout': 'A register layout follows from `spatial` and `repeat`; a custom mapping has none.',
  'worker-outside': 'Workers are numbered from 0 to the number of workers - 1.',
  'not-one-task': '`.at` is for workers with exactly one task, `.tasks` for workers with equally many.',
  // kernels, operators and schedules
  'not-compile-time': 'Shapes of memory, layouts, tune values, ranges of `unroll for` and the like are known at compile time; shape variables that no instance binds are known at launch, elements and threads while the kernel runs.',
  'no-value': 'Something that has no value where it is used: a name of the operator that nothing binds.',
  'require-shape': 'A space of schedules never depends on shapes: `require` mentions no shape variable; `applies when` does.',
  'does-not-apply': 'A schedule with `applies when` serves only the shapes and types that fulfil the condition.',
  'unbound': 'An instance binds what has no default value: attributes, and shape variables that a schedule is `given`.',
  'shape-mismatch': 'The shapes of an operator\'s tensors agree with its declaration.',
  'no-schedule': 'A program is built by a schedule of its operator; the most specific one serves, and one name means one schedule.',
  ...findingCodes,
} as const satisfies Record<string, string>

/** A diagnostic of severity `error` unless told otherwise. */
export function diagnostic(
  code: DiagnosticCode, span: Span, message: string,
  more: { readonly severity?: Severity; readonly related?: readonly Related[]; readonly fix?: Fix | undefined } = {},
): Diagnostic {
  const base = { code, severity: more.severity ?? 'error', span, message, related: more.related ?? [] }
  return more.fix === undefined ? base : { ...base, fix: more.fix }
}
