/**
 * Ways through a tree: down to children, to the node at an offset, from a node to its range and its documentation.
 *
 * `childFields` names the fields of each kind that hold children, in source order, so that no reader needs a switch of
 * its own.
 */
import type { Span } from '../diagnostics.ts'
import type { Lexed } from './lexer.ts'
import type { File, Node, NodeKind, NodeOf } from './tree.ts'

/** The fields of a kind that hold nodes, `parent` left out. */
type ChildField<N> = { [F in keyof N]: Exclude<N[F], undefined> extends Node | readonly Node[] ? F : never }[keyof N]
type ChildFields = { readonly [K in NodeKind]: readonly Exclude<ChildField<NodeOf<K>>, 'parent'>[] }

export const childFields: ChildFields = {
  Name: [], NameRef: [], TuplePattern: ['items'],
  File: ['items'], Import: ['path'],
  Let: ['target', 'value'],
  Fn: ['name', 'typeParams', 'params', 'result', 'body'],
  Device: ['name', 'typeParams', 'params', 'result', 'body'],
  CustomMapping: ['name', 'worker', 'shape', 'tasks'],
  TypeParam: ['name', 'bounds'], Param: ['name', 'type', 'default'],
  Operator: ['name', 'typeParams', 'params', 'results', 'wheres', 'members'],
  Definition: ['tensor', 'axes', 'value', 'wheres'], Stage: ['name', 'axes', 'value', 'wheres'], Inverse: ['tensor', 'axes', 'indices'],
  Where: ['target', 'value'], Axis: ['name'], Binder: ['name', 'extent'],
  Schedule: ['name', 'head', 'given', 'applies', 'members'], Family: ['name'],
  Tune: ['name', 'default', 'candidates', 'levels'], Level: ['level', 'candidates'],
  Require: ['condition', 'message'], Workspace: ['name', 'type', 'value'], Kernel: ['name', 'attributes', 'body'],
  Graph: ['name', 'params', 'operator', 'members'], Instance: ['name', 'operator', 'schedule', 'bindings'],
  TensorType: ['element', 'dims', 'layout'], TupleType: ['items'], Dim: ['size'],
  Block: ['statements'], Var: ['name', 'type', 'value'], Allocation: ['name', 'type', 'reuses', 'value'],
  For: ['factor', 'target', 'over', 'body'], While: ['condition', 'body'], If: ['branches', 'otherwise'], Branch: ['condition', 'body'],
  Return: ['values'], Break: [], Continue: [], Assignment: ['target', 'value'], CallStatement: ['call'],
  Conditional: ['condition', 'then', 'otherwise'], Binary: ['left', 'right'], Reduction: ['reducer', 'binders', 'body'],
  Unary: ['operand'], GuardedRead: ['read', 'outside'], Member: ['receiver', 'member'], Call: ['callee', 'args'],
  Element: ['receiver', 'indices'], Argument: ['name', 'value'], Spread: ['value'], Slice: ['from', 'to', 'length'], Whole: [],
  NumberLiteral: [], StringLiteral: [], BooleanLiteral: [], Parenthesized: ['value'], Tuple: ['items'], List: ['items'],
  Comprehension: ['item', 'generators'], Generator: ['target', 'over'], Range: ['from', 'to'], Missing: [],
}

/** Calls `f` for each direct child, in source order. */
export function forEachChild(node: Node, f: (child: Node) => void): void {
  const fields: readonly string[] = childFields[node.kind]
  for (const field of fields) {
    const value = (node as unknown as Readonly<Record<string, Node | readonly Node[] | undefined>>)[field]
    if (value === undefined) continue
    if (isList(value)) for (const child of value) f(child)
    else f(value)
  }
}

/** The direct children in source order. */
export function children(node: Node): readonly Node[] {
  const list: Node[] = []
  forEachChild(node, child => { list.push(child) })
  return list
}

/**
 * Calls `enter` for `node` and everything below it, parents first; children of a node for which it gives false are left
 * out.
 */
export function visit(node: Node, enter: (n: Node) => unknown, leave?: (n: Node) => void): void {
  const go = (n: Node): void => {
    if (enter(n) !== false) forEachChild(n, go)
    leave?.(n)
  }
  go(node)
}

/** The text range of a node; for a node without tokens, the empty range after the token before it. */
export function spanOf(lexed: Lexed, node: Node): Span {
  const { tokens, text } = lexed
  const start = tokens[node.first]?.start ?? text.length
  return node.last > node.first ? { start, end: tokens[node.last - 1]!.end } : { start, end: start }
}

/** The text that a node covers, comments inside it included. */
export function textOf(lexed: Lexed, node: Node): string {
  const { start, end } = spanOf(lexed, node)
  return lexed.text.slice(start, end)
}

/**
 * Index of the token at an offset. Between two tokens it is the one on the right, except that a word (a name, a number,
 * a reserved word) on the left wins against anything that is not one: the cursor behind `tile` in `tile.shape` is at
 * `tile`.
 */
export function tokenAt(lexed: Lexed, offset: number): number {
  const { tokens, text } = lexed
  let low = 0, high = tokens.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (tokens[middle]!.start <= offset) low = middle
    else high = middle - 1
  }
  const left = tokens[low - 1]
  const isWord = (index: number): boolean => /\w/.test(text.charAt(tokens[index]!.start))
  return tokens[low]!.start === offset && left !== undefined && isWord(low - 1) && !isWord(low) ? low - 1 : low
}

/** The innermost node at an offset (see `tokenAt`); in white space or a comment, the innermost node around it. */
export function nodeAt(parsed: Lexed & { readonly file: File }, offset: number): Node {
  const token = tokenAt(parsed, offset)
  let node: Node = parsed.file
  for (;;) {
    let inner: Node | undefined
    forEachChild(node, child => { if (child.first <= token && token < child.last) inner = child })
    if (inner === undefined) return node
    node = inner
  }
}

/** The `///` lines directly above a node, without the slashes; undefined when there are none. */
export function documentationOf(lexed: Lexed, node: Node): string | undefined {
  const { tokens, text } = lexed
  const lines: string[] = []
  for (let i = node.first - 1, next = tokens[node.first]; i >= 0; i--) {
    const token = tokens[i]!
    if (token.kind === 'space') continue
    if (token.kind !== 'doc' || !token.firstOnLine || next === undefined || next.line - token.line > 1) break
    lines.push(text.slice(token.start + 3, token.end).replace(/^ /, '').trimEnd())
    next = token
  }
  return lines.length === 0 ? undefined : lines.reverse().join('\n')
}

function isList(value: Node | readonly Node[]): value is readonly Node[] { return Array.isArray(value) }
