/**
 * Text to tree, by recursive descent. It never gives up and never loses a character: what cannot be used is skipped
 * with a diagnostic, what is absent becomes a `Missing` node, and the tokens hold the whole text. A file of any length
 * and nesting parses in time proportional to its length and with a bounded stack.
 *
 *     let x = f(1,
 *     Let { x, Call { f, [1] } } and "Expected `)` to close the arguments", with the `)` as a quick fix
 *
 * Read on in cursor.ts (tokens and recovery), expressions.ts, statements.ts, declarations.ts.
 */
import type { Diagnostic } from '../diagnostics.ts'
import { type Cursor, createCursor, found, report } from './cursor.ts'
import { file } from './declarations.ts'
import { expression } from './expressions.ts'
import type { Lexed } from './lexer.ts'
import type { Expr, File, Node } from './tree.ts'
import { forEachChild } from './walk.ts'

export interface Parsed extends Lexed { readonly file: File; readonly diagnostics: readonly Diagnostic[] }
export interface ParsedExpression extends Lexed {
  readonly expression: Expr
  readonly diagnostics: readonly Diagnostic[]
}

/** A file. Diagnostics are in the order of the text. */
export function parse(text: string): Parsed {
  const c = createCursor(text, 'the end of the file')
  const root = file(c)
  setParents(root)
  return { text, tokens: c.tokens, file: root, diagnostics: sorted(c) }
}

/** One expression that is the whole text, as on a command line. */
export function parseExpression(text: string): ParsedExpression {
  const c = createCursor(text, 'the end')
  const root = expression(c)
  if (c.token.kind !== 'eof') {
    report(c, 'unexpected-token', `Unexpected ${found(c)} behind the expression`, undefined, { start: c.token.start, end: text.trimEnd().length })
  }
  setParents(root)
  return { text, tokens: c.tokens, expression: root, diagnostics: sorted(c) }
}

function sorted(c: Cursor): readonly Diagnostic[] { return c.diagnostics.sort((a, b) => a.span.start - b.span.start) }

function setParents(root: Node): void {
  let parent = root
  const adopt = (child: Node): void => {
    (child as { parent: Node }).parent = parent
    const outer = parent
    parent = child
    forEachChild(child, adopt)
    parent = outer
  }
  forEachChild(root, adopt)
}
