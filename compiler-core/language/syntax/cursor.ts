/**
 * The parser's place in the tokens: looking, taking, reporting, and recovery.
 *
 * Recovery knows what a generated parser does not: where lines start, which words can only start a statement, a member
 * or a declaration, and what indentation says in a file whose braces do not balance. Each of its rules is sound, that
 * is, it looks at something that no correct file has; `c[i] = ...` on a new line, say, starts a statement even where an
 * operand is due, because an operand is never followed by `=`.
 */
import { type Diagnostic, type DiagnosticCode, type Fix, type Span, diagnostic } from '../diagnostics.ts'
import {
  type ContextualWord, type Lexed, type Sign, type Token, type TokenKind, type ReservedWord, isTrivia, lex,
} from './lexer.ts'
import type { Missing, Name, NameRef } from './tree.ts'

/**
 * What keeps the stack safe, the parser's and that of everyone who walks a tree. `nesting` counts levels from the file
 * down, `height` levels of an expression from its leaves up (a chain of operators is as deep as it is long). A tree is
 * never deeper than their sum and a few levels.
 */
export const limits = { nesting: 256, height: 500 } as const

export interface Cursor extends Lexed {
  /** Indices of the tokens that are not trivia. */
  readonly significant: readonly number[]
  readonly diagnostics: Diagnostic[]
  /** Every `{` has its `}`. Where not, indentation decides which block a `}` closes. */
  readonly balanced: boolean
  /** Column of the first token of each line. */
  readonly indents: readonly number[]
  /** What comes after the last token, for messages. */
  readonly endName: string
  /** Into `significant`. */
  pos: number
  token: Token
  reportedAt: number
  nesting: number
  /** Pairs of braces around, and those of them that are blocks of statements. */
  braces: number
  blocks: number
  /** Of the highest expression parsed since it was last set to 0. */
  height: number
  /** The item at hand already has its `too-deep`. */
  deep: boolean
  /** Inside an expression that `=` may follow: a layout, the shape of a custom mapping. */
  beforeEquals: boolean
}

export function createCursor(text: string, endName: string): Cursor {
  const diagnostics: Diagnostic[] = []
  const tokens = lex(text, (code, start, end, message, fix) => {
    diagnostics.push(diagnostic(code, { start, end }, message, { fix }))
  })
  const significant: number[] = [], indents: number[] = []
  let depth = 0, balanced = true
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (token.firstOnLine && token.kind !== 'space') indents[token.line] = token.column
    if (isTrivia(token.kind)) continue
    significant.push(i)
    if (token.kind === '{') depth++
    else if (token.kind === '}' && --depth < 0) balanced = false
  }
  return {
    text, tokens, significant, diagnostics, balanced: balanced && depth === 0, indents, endName,
    pos: 0, token: tokens[significant[0]!]!, reportedAt: -1,
    nesting: 0, braces: 0, blocks: 0, height: 0, deep: false, beforeEquals: false,
  }
}

// ---------------------------------------------------------------- looking and taking

export function peek(c: Cursor, n: number): Token {
  const last = c.significant.length - 1
  return c.tokens[c.significant[c.pos + n > last ? last : c.pos + n]!]!
}
function previous(c: Cursor): Token | undefined {
  return c.pos === 0 ? undefined : c.tokens[c.significant[c.pos - 1]!]
}
export function bump(c: Cursor): void {
  if (c.pos < c.significant.length - 1) c.token = c.tokens[c.significant[++c.pos]!]!
}
export function eat(c: Cursor, kind: TokenKind): boolean {
  if (c.token.kind !== kind) return false
  bump(c)
  return true
}
export function isWord(c: Cursor, token: Token, word: ContextualWord): boolean {
  return token.kind === 'name' && token.end - token.start === word.length && c.text.startsWith(word, token.start)
}
export function atWord(c: Cursor, word: ContextualWord): boolean { return isWord(c, c.token, word) }
export function eatWord(c: Cursor, word: ContextualWord): boolean {
  if (!atWord(c, word)) return false
  bump(c)
  return true
}
export function tokenText(c: Cursor, token: Token = c.token): string { return c.text.slice(token.start, token.end) }

/** Index of the current token: `first` of a node that starts with it. */
export function start(c: Cursor): number { return c.significant[c.pos]! }
/** Index after the token taken last: `last` of a node that ends here, both ends of one that is absent. */
export function end(c: Cursor): number { return c.pos === 0 ? 0 : c.significant[c.pos - 1]! + 1 }

// ---------------------------------------------------------------- reporting

/** The current token for a message. */
export function found(c: Cursor): string {
  if (c.token.kind === 'eof') return c.endName
  const text = tokenText(c)
  return `\`${text.length > 40 ? `${text.slice(0, 40)}...` : text}\``
}
/** One message a place: at the current token, unless told otherwise. */
export function report(c: Cursor, code: DiagnosticCode, message: string, fix?: Fix, span: Span = c.token): void {
  if (c.reportedAt === c.pos || afterError(c)) return
  c.reportedAt = c.pos
  c.diagnostics.push(diagnostic(code, { start: span.start, end: span.end }, message, { fix }))
}
/** Something is absent: at the token that stands in its place, or where the line before ends. */
export function reportAbsent(c: Cursor, code: DiagnosticCode, what: string): void {
  const before = previous(c)
  const span = before === undefined || before.line === c.token.line ? c.token : gap(c)
  report(c, code, `Expected ${what}, found ${found(c)}`, undefined, span)
}
/** Takes a token, or reports that it is missing after the one before. `where` completes "Expected `)` ...". */
export function expect(c: Cursor, kind: Sign | ReservedWord, where: string): boolean {
  if (eat(c, kind)) return true
  const at = gap(c)
  const newText = /^[)\],:([.]/.test(kind) ? kind : ` ${kind}`
  report(c, 'expected-token', `Expected \`${kind}\` ${where}, found ${found(c)}`, insertion(`Insert \`${kind}\``, at, newText), at)
  return false
}
function insertion(title: string, at: Span, newText: string): Fix {
  return { title, edits: [{ span: at, newText }] }
}
/** The fix that puts parentheses around what was parsed since `from`. */
export function parenthesize(c: Cursor, from: Token): Fix {
  const close = previous(c)?.end ?? from.start
  return {
    title: 'Add parentheses',
    edits: [{ span: { start: from.start, end: from.start }, newText: '(' }, { span: { start: close, end: close }, newText: ')' }],
  }
}
/** The empty range after the token before. */
function gap(c: Cursor): Span {
  const at = previous(c)?.end ?? 0
  return { start: at, end: at }
}
/** Characters without a meaning stand directly before: they have their own message. */
function afterError(c: Cursor): boolean {
  for (let i = start(c) - 1; i >= 0 && isTrivia(c.tokens[i]!.kind); i--) if (c.tokens[i]!.kind === 'error') return true
  return false
}

// ---------------------------------------------------------------- names and gaps

export function missingNode(c: Cursor): Missing {
  const at = end(c)
  return { kind: 'Missing', first: at, last: at, parent: undefined }
}
export function missing(c: Cursor, what: string): Missing {
  reportAbsent(c, 'expected-expression', what)
  return missingNode(c)
}
/** A name that is declared here. */
export function name(c: Cursor, what: string): Name {
  if (c.token.kind === 'name' && !atDeclaration(c) && !atMember(c)) {
    const first = start(c), text = tokenText(c)
    bump(c)
    return { kind: 'Name', first, last: first + 1, parent: undefined, text }
  }
  const at = end(c)
  absentName(c, what)
  return { kind: 'Name', first: at, last: at, parent: undefined, text: '' }
}
/** A name that is used here. */
export function reference(c: Cursor, what: string): NameRef {
  return c.token.kind === 'name' ? nameRef(c) : missingName(c, what)
}
export function missingName(c: Cursor, what: string): NameRef {
  const at = end(c)
  absentName(c, what)
  return { kind: 'NameRef', first: at, last: at, parent: undefined, text: '' }
}
/** At a name. */
export function nameRef(c: Cursor): NameRef {
  const first = start(c), text = tokenText(c)
  bump(c)
  return { kind: 'NameRef', first, last: first + 1, parent: undefined, text }
}
/** A reserved word that plainly stands for a name is taken, so that what follows it is understood. */
function absentName(c: Cursor, what: string): void {
  const { kind } = c.token
  const isReserved = isWordKind(kind) && !c.token.firstOnLine
  const next = peek(c, 1).kind
  if (isReserved && (previous(c)?.kind === '.' || next === '=' || next === ':' || next === '<' || next === 'in')) {
    report(c, 'reserved-word', `\`${kind}\` is a word of the language; choose another name`)
    bump(c)
  } else reportAbsent(c, 'expected-name', what)
}
function isWordKind(kind: TokenKind): boolean {
  return kind !== 'name' && kind !== 'int' && kind !== 'float' && kind !== 'string' && kind !== 'eof' && /^[a-z]/.test(kind)
}

/**
 * At a word that starts nothing here, followed by a name or a string as no value is: the keyword that is probably
 * meant, reported. The caller goes on as if it stood there.
 */
export function misspelled<W extends string>(c: Cursor, keywords: readonly W[]): W | undefined {
  const next = peek(c, 1).kind
  if (c.token.kind !== 'name' || (next !== 'name' && next !== 'string')) return undefined
  const word = tokenText(c)
  const meant = keywords.find(keyword => isClose(word, keyword))
  if (meant === undefined) return undefined
  const { start, end } = c.token
  report(c, 'misspelled-word', `\`${word}\` starts nothing here; did you mean \`${meant}\`?`,
    { title: `Replace by \`${meant}\``, edits: [{ span: { start, end }, newText: meant }] })
  return meant
}
/** One letter too many, too few, other, or two exchanged. */
function isClose(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1 || b.length < 3) return false
  let i = 0, n = 0
  while (i < a.length && a[i] === b[i]) i++
  while (n < Math.min(a.length, b.length) - i && a[a.length - 1 - n] === b[b.length - 1 - n]) n++
  const [x, y] = [a.slice(i, a.length - n), b.slice(i, b.length - n)]
  return (x.length <= 1 && y.length <= 1) || (x.length === 2 && x[0] === y[1] && x[1] === y[0])
}

// ---------------------------------------------------------------- depth

/**
 * Goes one level down; gives false, with a diagnostic and past the whole construct, where that is too deep. Undone by
 * `c.nesting -= levels`.
 */
export function descend(c: Cursor, levels: number): boolean {
  c.nesting += levels
  if (c.nesting <= limits.nesting) return true
  tooDeep(c)
  skipBalanced(c)
  return false
}
export function tooDeep(c: Cursor): void {
  if (!c.deep) report(c, 'too-deep', 'This is nested too deeply, or too long a chain; give parts of it a name with `let`')
  c.deep = true
}
/**
 * Up to a sign that ends an expression: at the same depth of brackets, or a brace, or the start of another statement.
 */
export function skipBalanced(c: Cursor): void {
  for (let depth = 0; c.token.kind !== 'eof' && c.token.kind !== '{' && c.token.kind !== '}';) {
    const { kind } = c.token
    if (kind === '(' || kind === '[') depth++
    else if (kind === ')' || kind === ']') { if (--depth < 0) return }
    else if (depth === 0 && (kind === ',' || startsOnNewLine(c))) return
    bump(c)
  }
}
/** At `{`: behind its `}`. */
export function skipBraces(c: Cursor): void {
  let depth = 0
  do {
    if (c.token.kind === '{') depth++
    else if (c.token.kind === '}') depth--
    bump(c)
  } while (depth > 0 && c.token.kind !== 'eof')
}

// ---------------------------------------------------------------- what starts something

export const assignmentSigns: ReadonlySet<TokenKind> = new Set(['=', '=?', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^='])
const statementWords: ReadonlySet<TokenKind> = new Set(
  ['let', 'var', 'device', 'for', 'unroll', 'async', 'while', 'return', 'break', 'continue'])
const declarationWords: ReadonlyMap<ContextualWord, ReadonlySet<TokenKind>> = new Map([
  ['operator', new Set<TokenKind>(['(', '<'])], ['schedule', new Set<TokenKind>(['for'])], ['graph', new Set<TokenKind>(['(', 'for'])],
  ['instance', new Set<TokenKind>(['='])], ['mapping', new Set<TokenKind>(['('])],
])
const memberWords: ReadonlyMap<ContextualWord, ReadonlySet<TokenKind>> = new Map([
  ['tune', new Set<TokenKind>(['='])], ['kernel', new Set<TokenKind>(['('])], ['workspace', new Set<TokenKind>([':'])],
])
/** How far recovery looks ahead: enough for real statements, and a bound on the work a broken file can cause. */
const horizon = 96

/**
 * A declaration: whatever is open ends here. Inside braces only if they do not balance. `let` and `device` also occur
 * there, so that only layout tells.
 */
function atDeclaration(c: Cursor): boolean {
  if (c.balanced && c.braces > 0) return false
  const { kind } = c.token
  if (kind === 'name') return introduces(c, declarationWords)
  return kind === 'fn' || kind === 'import'
    || (!c.balanced && c.token.firstOnLine && c.token.column === 0 && (kind === 'let' || kind === 'device'))
}
/** A member of a schedule that is not a statement too. */
export function atMember(c: Cursor): boolean { return c.token.kind === 'require' || introduces(c, memberWords) }
/**
 * One of the words, with a name and what must follow. `let x = tune` and `y = 1` on the next line would look the same,
 * so that this holds where no statements are, and anywhere in a file whose braces do not balance.
 */
function introduces(c: Cursor, words: ReadonlyMap<ContextualWord, ReadonlySet<TokenKind>>): boolean {
  if (c.token.kind !== 'name' || peek(c, 1).kind !== 'name' || (c.balanced && c.blocks > 0)) return false
  const follow = words.get(tokenText(c) as ContextualWord)
  return follow !== undefined && follow.has(peek(c, 2).kind)
}
/** Where nothing more of a list or an expression can come. */
function atEnd(c: Cursor): boolean {
  return c.token.kind === 'eof' || c.token.kind === '}' || atDeclaration(c) || atMember(c)
}
/** The token starts its line, and with it a new statement, member or declaration, even where an operand is due. */
export function startsOnNewLine(c: Cursor): boolean {
  if (!c.token.firstOnLine) return false
  return startsStatement(c) || atEnd(c) || (!c.beforeEquals && atAssignment(c, true))
}
/**
 * A word that only starts statements. `shared` and `register` do where a colon follows the name, else they belong to a
 * type; `if` does where a block follows its condition, as expressions have no braces.
 */
export function startsStatement(c: Cursor): boolean {
  const { kind } = c.token
  if (kind === 'shared' || kind === 'register') return peek(c, 2).kind === ':'
  if (kind !== 'if') return statementWords.has(kind)
  for (let n = 1, depth = 0; n < horizon; n++) {
    const { kind } = peek(c, n)
    if (kind === '{') return true
    if (kind === '(' || kind === '[') depth++
    else if (kind === ')' || kind === ']') { if (--depth < 0) return false }
    else if (kind === 'eof' || kind === '}' || (depth === 0 && kind === 'then')) return false
  }
  return false
}
/** A name with members, calls and indices, followed by `=` or a sign like it. */
export function atAssignment(c: Cursor, onThisLine: boolean): boolean {
  if (c.token.kind !== 'name') return false
  const { line } = c.token
  for (let n = 1, depth = 0; n < horizon; n++) {
    const { kind, line: at } = peek(c, n)
    if (kind === 'eof' || kind === '{' || kind === '}' || (onThisLine && at !== line)) return false
    if (kind === '(' || kind === '[') depth++
    else if (kind === ')' || kind === ']') { if (--depth < 0) return false }
    else if (depth > 0) continue
    else if (assignmentSigns.has(kind)) return true
    else if (kind !== '.' && (kind !== 'name' || peek(c, n - 1).kind !== '.')) return false
  }
  return false
}
function startsOperand(c: Cursor): boolean {
  switch (c.token.kind) {
    case 'name': case 'int': case 'float': case 'string': case 'true': case 'false': case '(': case '[': case '-': case '!': case '~': case '...':
      return true
    default: return false
  }
}

// ---------------------------------------------------------------- lists and braces

/** `item, item, ...` up to and with `close`, a comma behind the last allowed; the opening bracket is taken. */
export function list<T>(c: Cursor, close: ')' | ']' | '>', what: string, item: (c: Cursor) => T): T[] {
  const items: T[] = []
  while (c.token.kind !== close && c.token.kind !== '{' && c.token.kind !== 'eof' && !startsOnNewLine(c)) {
    const before = c.pos
    items.push(item(c))
    if (eat(c, ',')) continue
    if (c.token.kind === close) break
    const distance = distanceTo(c, close)
    if (c.pos > before && startsOperand(c) && (distance !== undefined || !c.token.firstOnLine)) {
      const { start } = c.token, at = previous(c)?.end ?? start
      report(c, 'expected-token', `Expected \`,\` between the parts of ${what}, found ${found(c)}`,
        insertion('Insert `,`', { start: at, end: at }, ','))
      continue
    }
    if (distance === undefined) break
    report(c, 'unexpected-token', `Unexpected ${found(c)} in ${what}`)
    for (let n = 0; n < distance; n++) bump(c)
    if (!eat(c, ',')) break
  }
  expect(c, close, `to close ${what}`)
  return items
}
/** How many tokens to skip on this line to the next `,` or the closing bracket of this list. */
function distanceTo(c: Cursor, close: TokenKind): number | undefined {
  for (let n = 0, depth = 0; n < horizon; n++) {
    const { kind, firstOnLine } = peek(c, n)
    if (kind === 'eof' || kind === '{' || kind === '}' || (n > 0 && firstOnLine)) return undefined
    if (depth === 0 && (kind === ',' || kind === close)) return n
    if (kind === '(' || kind === '[') depth++
    else if ((kind === ')' || kind === ']') && --depth < 0) return undefined
  }
  return undefined
}
/** `item, item, ...` without brackets. */
export function separated<T>(c: Cursor, item: (c: Cursor) => T): T[] {
  const items = [item(c)]
  while (eat(c, ',')) items.push(item(c))
  return items
}
/**
 * `{ item item ... }`; `;` may follow an item. `header` is the token that the construct starts with. In a file whose
 * braces do not balance, layout decides: what does not stand further right than the header's line is no longer inside,
 * and a `}` that is not the first of its line closes only what the line opens.
 */
export function braces<T>(c: Cursor, header: number, what: string, item: (c: Cursor) => T | undefined): T[] {
  c.braces++
  const items = insideBraces(c, header, what, item)
  c.braces--
  return items
}
function insideBraces<T>(c: Cursor, header: number, what: string, item: (c: Cursor) => T | undefined): T[] {
  const items: T[] = [], indent = c.indents[c.tokens[header]!.line] ?? 0
  if (!expect(c, '{', `to open ${what}`)) {
    while (!atBraceOr(c, c.token.firstOnLine)) bump(c)
    if (lineBeforeBrace(c)) while (c.token.kind !== '{') bump(c)
    const inside = !c.balanced && c.token.firstOnLine && c.token.kind !== 'eof' && c.token.column > indent
    if (!eat(c, '{') && !inside) return items
  }
  const openLine = previous(c)?.line
  const indented = c.token.firstOnLine && c.token.column > indent
  while (c.token.kind !== 'eof' && !atDeclaration(c)) {
    const { kind, firstOnLine, column, line } = c.token
    const layoutTells = !c.balanced && firstOnLine
    if (kind === '}' && (c.balanced || (firstOnLine ? column === indent : line === openLine))) break
    if (layoutTells && (kind === '}' ? column < indent : indented && column <= indent)) return closeByLayout(c, what, indent, items)
    if (kind === '}') {
      report(c, 'unexpected-token', 'This `}` closes nothing')
      bump(c)
      continue
    }
    if (eat(c, ';')) continue
    const before = c.pos
    c.height = 0
    c.deep = false
    const parsed = item(c)
    if (parsed !== undefined) items.push(parsed)
    else if (c.pos === before && !c.balanced && what === 'the block' && atMember(c)) return closeByLayout(c, what, indent, items)
    if (c.pos === before) skip(c, `${found(c)} cannot start anything in ${what}`)
  }
  if (c.token.kind === '}') bump(c)
  else closeByLayout(c, what, indent, items)
  return items
}
function atBraceOr(c: Cursor, other: boolean): boolean {
  return other || c.token.kind === '{' || c.token.kind === '}' || c.token.kind === 'eof'
}
/** The next line starts with the `{` that was expected. */
function lineBeforeBrace(c: Cursor): boolean {
  for (let n = 0; n < horizon; n++) {
    const { kind, firstOnLine } = peek(c, n)
    if (kind === '{') return firstOnLine
    if (kind === '}' || kind === 'eof' || (n > 0 && firstOnLine)) return false
  }
  return false
}
function closeByLayout<T>(c: Cursor, what: string, indent: number, items: T[]): T[] {
  const at = gap(c)
  report(c, 'expected-token', `Expected \`}\` to close ${what}`, insertion('Insert `}`', at, `\n${' '.repeat(indent)}}`), at)
  return items
}
/** Skips what no rule accepts, up to the next line or to something that starts a statement. */
export function skip(c: Cursor, message: string): void {
  report(c, 'unexpected-token', message)
  const { line } = c.token
  let depth = 0, done = false
  while (!done) {
    const { kind } = c.token
    if (kind === '(' || kind === '[' || kind === '{') depth++
    else if (kind === ')' || kind === ']' || kind === '}') depth--
    bump(c)
    const inBrackets = depth > 0 && c.token.line === line && c.token.kind !== 'eof'
    if (!inBrackets) depth = 0
    done = !inBrackets && (c.token.firstOnLine || startsStatement(c) || atEnd(c))
  }
}
