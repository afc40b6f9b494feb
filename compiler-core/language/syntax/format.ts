/**
 * Tidy text: tokens stay as they are, only the white space between them changes, so that it works on broken files too.
 *
 *     let  x=f( a,b )      ->   let x = f(a, b)
 *
 * Line breaks are the author's (at most one empty line in a row); spaces inside a line and indentation are ours, with
 * these liberties:
 * - a line that continues a statement stays aligned with the token above that it was aligned with, else keeps its
 *   distance to the start of the statement (at least 2); after a bracket that ends its line it is indented by 2;
 * - a comment behind code and a `level` keep the space before them, and what stands in one column on consecutive lines
 *   (those and `=`) still does;
 * - where braces do not balance, indentation is the best evidence of what was meant, and is kept.
 */
import type { Edit, Span } from '../diagnostics.ts'
import { type Token, type TokenKind, lex } from './lexer.ts'
import type { Parsed } from './parser.ts'
import type { NodeKind } from './tree.ts'
import { visit } from './walk.ts'

/** The whole text, formatted. Formatting the result again changes nothing. */
export function format(parsed: Parsed): string {
  let out = '', at = 0
  for (const { span, newText } of gaps(parsed)) {
    out += parsed.text.slice(at, span.start) + newText
    at = span.end
  }
  return out + parsed.text.slice(at)
}

/** The same as the smallest edits; with a range, those of the lines that it touches. */
export function formatEdits(parsed: Parsed, range?: Span): readonly Edit[] {
  const { text } = parsed
  const from = range === undefined ? 0 : text.lastIndexOf('\n', range.start - 1)
  const newline = range === undefined ? -1 : text.indexOf('\n', range.end)
  const to = newline < 0 ? text.length : newline
  return gaps(parsed).filter(({ span: { start, end }, newText }) =>
    start >= from && end <= to && text.slice(start, end) !== newText)
}

// ---------------------------------------------------------------- pieces and lines

/** A token that is not white space, and what shall stand before it. */
interface Piece {
  /** Into the file's tokens. */
  readonly index: number
  readonly token: Token
  /** Without the blanks that a comment ends with. */
  readonly length: number
  /** Line breaks before it: 0, 1, or 2 for an empty line. */
  readonly breaks: number
  /** Blanks between it and the piece before on its line; not of the first one. */
  spaces: number
  /** Where it comes to stand. */
  column: number
}
/**
 * One line of output. A `continuation` is governed by the statement above; everything else (also the comments that
 * stand before a statement or a closing brace) is indented by the depth of braces.
 */
interface Line { readonly pieces: readonly Piece[]; readonly continuation: boolean; readonly depth: number }

/** The white space before each token and at the end, with what it shall be. */
function gaps(parsed: Parsed): readonly Edit[] {
  const { text, tokens } = parsed
  const roles = rolesOf(parsed)
  const pieces = piecesOf(text, tokens, roles)
  const lines = linesOf(pieces, roles)
  const balanced = isBalanced(pieces)
  for (const line of lines) {
    const [head] = line.pieces
    if (head !== undefined) head.column = balanced ? 2 * line.depth : head.token.column
  }
  alignStops(lines, roles)
  if (balanced) indentContinuations(lines)
  for (const line of lines) place(line)
  alignComments(lines)
  return edits(text, pieces, balanced)
}

/** The pieces of a file with line breaks and spaces, not yet aligned or indented. */
function piecesOf(text: string, tokens: readonly Token[], roles: Roles): Piece[] {
  const pieces: Piece[] = []
  let breaks = 0
  for (let index = 0; index < tokens.length - 1; index++) {
    const token = tokens[index]!
    if (token.kind === 'space') {
      breaks = Math.min(2, tokens[index + 1]!.line - token.line)
      continue
    }
    const before = pieces[pieces.length - 1]
    const length = isComment(token.kind) ? text.slice(token.start, token.end).trimEnd().length : token.end - token.start
    const spaces = before === undefined || breaks > 0 ? 0 : spacesBetween(text, before, token, index, roles)
    pieces.push({ index, token, length, breaks: before === undefined ? 0 : breaks, spaces, column: 0 })
    breaks = 0
  }
  return pieces
}

function linesOf(pieces: readonly Piece[], roles: Roles): Line[] {
  const lines: Line[] = []
  const open: number[] = []                               // behind which token the statement around each brace ends
  let statementEnd = 0
  for (let from = 0, to: number, next = 0; from < pieces.length; from = to) {
    to = from + 1
    while (to < pieces.length && pieces[to]!.breaks === 0) to++
    next = Math.max(next, from)
    while (next < pieces.length && isComment(pieces[next]!.token.kind)) next++
    const governor = pieces[next]
    const continuation = governor !== undefined && governor.index < statementEnd
      && roles.ends[governor.index] === 0 && governor.token.kind !== '{' && governor.token.kind !== '}'
    const closes = pieces[from]!.token.kind === '}' ? 1 : 0
    lines.push({ pieces: pieces.slice(from, to), continuation, depth: Math.max(0, open.length - closes) })
    for (let i = from; i < to; i++) {
      const { index, token: { kind } } = pieces[i]!
      if (kind === '{') { open.push(statementEnd); statementEnd = 0 }
      else if (kind === '}') statementEnd = open.pop() ?? 0
      else if (roles.ends[index]! > 0) statementEnd = roles.ends[index]!
    }
  }
  return lines
}

function isBalanced(pieces: readonly Piece[]): boolean {
  let depth = 0
  for (const { token: { kind } } of pieces) {
    if (kind === '{') depth++
    else if (kind === '}' && --depth < 0) return false
  }
  return depth === 0
}

/** Columns of a line's pieces from the first one's. */
function place(line: Line): void {
  const { pieces } = line
  for (let i = 1; i < pieces.length; i++) {
    const before = pieces[i - 1]!
    pieces[i]!.column = before.column + before.length + pieces[i]!.spaces
  }
}

function edits(text: string, pieces: readonly Piece[], balanced: boolean): Edit[] {
  const newline = /\r?\n|\r/.exec(text)?.[0] ?? '\n'
  const list: Edit[] = []
  let at = 0
  for (const [i, { token, length, breaks, spaces, column }] of pieces.entries()) {
    const first = breaks > 0 || i === 0
    const blanks = first && !balanced ? text.slice(at, token.start).replace(/^[\s\S]*[\r\n]/, '') : ' '.repeat(first ? column : spaces)
    list.push({ span: { start: at, end: token.start }, newText: newline.repeat(breaks) + blanks })
    at = token.start + length
  }
  list.push({ span: { start: at, end: text.length }, newText: pieces.length === 0 ? '' : newline })
  return list
}

// ---------------------------------------------------------------- roles of tokens

/** What the tree says about tokens, by index. */
interface Roles {
  /** For the first token of a statement, member or declaration: the index behind its last one; else 0. */
  readonly ends: Int32Array
  readonly role: Uint8Array
}
const PREFIX = 1, ANGLE = 2, CONTEXTUAL = 3, LEVEL = 4
const starters: ReadonlySet<NodeKind> = new Set<NodeKind>([
  'Import', 'Let', 'Fn', 'Device', 'CustomMapping', 'Operator', 'Definition', 'Stage', 'Inverse', 'Schedule', 'Tune', 'Require', 'Workspace',
  'Kernel', 'Graph', 'Instance', 'Var', 'Allocation', 'For', 'While', 'If', 'Return', 'Break', 'Continue', 'Assignment', 'CallStatement',
])

function rolesOf({ file, tokens }: Parsed): Roles {
  const ends = new Int32Array(tokens.length), role = new Uint8Array(tokens.length)
  const before = (index: number, kind: TokenKind): number => {
    let i = index - 1
    while (i >= 0 && tokens[i]!.kind !== kind) i--
    return i
  }
  visit(file, node => {
    if (starters.has(node.kind)) ends[node.first] = node.last
    switch (node.kind) {
      case 'Unary': role[node.first] = PREFIX; break
      case 'Level': role[node.first] = LEVEL; break
      case 'Schedule':
        if (node.applies !== undefined && node.applies.last > node.applies.first) {
          role[before(node.applies.first, 'name')] = CONTEXTUAL
        }
        break
      case 'If':                                          // an `else` on a line of its own starts it
        for (const part of [...node.branches.slice(1), node.otherwise]) {
          if (part !== undefined) ends[before(part.first, 'else')] = part.last
        }
        break
      case 'Fn': case 'Device': case 'Operator': {
        const first = node.typeParams[0], last = node.typeParams[node.typeParams.length - 1]
        if (first === undefined || last === undefined) break
        role[before(first.first, '<')] = ANGLE
        for (let i = last.last; i < node.last && tokens[i]!.kind !== '('; i++) {
          if (tokens[i]!.kind === '>') { role[i] = ANGLE; break }
        }
        break
      }
      default:
    }
  })
  return { ends, role }
}

function isComment(kind: TokenKind): boolean { return kind === 'comment' || kind === 'doc' }

// ---------------------------------------------------------------- spaces inside a line

function spacesBetween(text: string, before: Piece, token: Token, index: number, roles: Roles): number {
  const gap = token.start - before.token.start - before.length
  if (isComment(token.kind) || roles.role[index] === LEVEL) return Math.max(1, gap)
  if (token.kind === 'error' || before.token.kind === 'error') return Math.min(1, gap)
  if (spaced(before.token.kind, roles.role[before.index]!, token.kind, roles.role[index]!)) return 1
  return gap > 0 && merge(text, before.token, token) ? 1 : 0
}
function spaced(left: TokenKind, leftRole: number, right: TokenKind, rightRole: number): boolean {
  switch (right) {
    case ',': case ';': case ':': case ')': case ']': case '.': return false
    default:
  }
  switch (left) {
    case '(': case '[': case '.': case '...': return false
    case '{': return right !== '}'
    case '..': return right === '{'
    default:
  }
  if (leftRole === PREFIX || rightRole === ANGLE) return false
  if (leftRole === ANGLE) return left === '>' && right !== '('
  if (right === '..') return left === ','
  if (right === '(' || right === '[') return leftRole === CONTEXTUAL || (left !== 'name' && left !== ')' && left !== ']')
  return true
}
/** Whether two tokens, which a blank keeps apart in the text, would be read differently without it. */
function merge(text: string, left: Token, right: Token): boolean {
  const isNumber = (kind: TokenKind): boolean => kind === 'int' || kind === 'float'
  if ((left.kind === '.' && isNumber(right.kind)) || (isNumber(left.kind) && right.kind === '.')) return true
  const [a, b, end] = lex(text.slice(left.start, left.end) + text.slice(right.start, right.end))
  return a?.kind !== left.kind || b?.kind !== right.kind || end?.kind !== 'eof'
}

// ---------------------------------------------------------------- alignment

/** Keeps `=` and `level` of consecutive statements in one column where they were. */
function alignStops(lines: readonly Line[], roles: Roles): void {
  const stops = lines.map(line => line.continuation ? [] : stopsOf(line, roles))
  const shift = new Array<number>(lines.length).fill(0)
  for (const line of lines) place(line)
  const most = stops.reduce((most, list) => Math.max(most, list.length), 0)
  let live = lines.map((_, i) => i)
  for (let k = 0; k < most; k++) {
    live = live.filter(i => stops[i]!.length > k)
    for (let from = 0, to: number; from < live.length; from = to) {
      const stop = stops[live[from]!]![k]!
      to = from + 1
      while (to < live.length && live[to] === live[to - 1]! + 1 && sameStop(stops[live[to]!]![k]!, stop)) to++
      const run = live.slice(from, to)
      const loose = stop.piece.token.kind !== '='
      let least = Infinity, most = 0, end = 0
      for (const i of run) {
        const { piece, gap } = stops[i]![k]!
        least = Math.min(least, gap)
        most = Math.max(most, gap)
        end = Math.max(end, piece.column + shift[i]! - piece.spaces)
      }
      if (run.length === 1 || (!loose && (least < 1 || most < 2))) continue
      const target = end + (loose ? Math.max(1, least) : 1)
      for (const i of run) {
        const { piece } = stops[i]![k]!
        const moved = target - piece.column - shift[i]!
        shift[i]! += moved
        piece.spaces += moved
      }
    }
  }
}
/** A token that may be kept in a column, and the blanks before it in the text. */
interface Stop { readonly piece: Piece; readonly gap: number }
function sameStop(a: Stop, b: Stop): boolean {
  return a.piece.token.kind === b.piece.token.kind && a.piece.token.column === b.piece.token.column
}
/** The first `=` outside brackets, and each `level`. */
function stopsOf({ pieces }: Line, roles: Roles): Stop[] {
  const stops: Stop[] = []
  let depth = 0, assigned = false
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!, { kind } = piece.token
    if (kind === '(' || kind === '[') depth++
    else if (kind === ')' || kind === ']') depth--
    else if (i > 0 && ((kind === '=' && depth === 0 && !assigned) || roles.role[piece.index] === LEVEL)) {
      assigned ||= kind === '='
      const before = pieces[i - 1]!
      stops.push({ piece, gap: piece.token.start - before.token.start - before.length })
    }
  }
  return stops
}

/** Keeps comments behind the code of consecutive lines in one column where they were. */
function alignComments(lines: readonly Line[]): void {
  const commentOf = (line: Line | undefined): Piece | undefined => {
    const last = line?.pieces.slice(1).at(-1)
    return last !== undefined && isComment(last.token.kind) ? last : undefined
  }
  for (let from = 0, to: number; from < lines.length; from = to) {
    to = from + 1
    const first = commentOf(lines[from])
    if (first === undefined) continue
    const run = [first]
    for (let next = commentOf(lines[to]); next?.token.column === first.token.column; next = commentOf(lines[++to])) {
      run.push(next)
    }
    let end = 0, gap = Infinity
    for (const { column, spaces } of run) {
      end = Math.max(end, column - spaces)
      gap = Math.min(gap, spaces)
    }
    const target = end + gap
    for (const comment of run) comment.spaces += target - comment.column
  }
}

/** Columns of continuation lines, from the lines above them. */
function indentContinuations(lines: readonly Line[]): void {
  interface Bracket { readonly hanging: boolean; readonly indent: number; itemColumn: number | undefined }
  const brackets: Bracket[] = []
  let statement: Piece | undefined
  let above: readonly Piece[] = [], behindItem = false
  for (const line of lines) {
    const head = line.pieces[0]!
    if (line.continuation && statement !== undefined) head.column = columnOf(head, statement)
    else { statement = head; brackets.length = 0 }
    place(line)
    const code = line.pieces.filter(piece => !isComment(piece.token.kind))
    for (const [i, { token: { kind } }] of code.entries()) {
      if (kind === '(' || kind === '[') brackets.push({ hanging: i === code.length - 1, indent: head.column, itemColumn: undefined })
      else if (kind === ')' || kind === ']') brackets.pop()
      behindItem = kind === ',' || kind === '(' || kind === '['
    }
    if (code.length > 0) above = line.pieces
  }

  function columnOf(head: Piece, statement: Piece): number {
    const bracket = brackets[brackets.length - 1]
    const closes = head.token.kind === ')' || head.token.kind === ']'
    const { column } = head.token
    if (bracket?.hanging === true) {
      if (closes) return bracket.indent
      if (behindItem || bracket.itemColumn === undefined) { bracket.itemColumn = column; return bracket.indent + 2 }
      return bracket.indent + 2 + Math.max(0, column - bracket.itemColumn)
    }
    const least = statement.column + (closes ? 0 : 2)
    const aligned = above.find(piece => piece.token.column === column)
    return Math.max(least, aligned?.column ?? statement.column + column - statement.token.column)
  }
}
