/**
 * Text to tokens: the first phase. Every character belongs to exactly one token (white space and comments are tokens
 * too), so that joining the tokens' texts gives the file back.
 *
 *     let a = 1 // one
 *     let, space, name, space, =, space, int, space, comment, eof
 *
 * Signs and reserved words are their own kind. Words of the field (`kernel`, `level`, ...) are names here; the parser
 * knows by their place when they mean more. What is malformed is still a token; its diagnostic goes to `report`.
 */
import type { DiagnosticCode, Fix } from '../diagnostics.ts'

/** They start something inside a block or occur inside expressions, and so cannot be names. */
export const reservedWords = [
  'import', 'let', 'var', 'fn', 'device', 'for', 'in', 'if', 'then', 'else', 'while', 'break', 'continue', 'return', 'require',
  'shared', 'register', 'reuses', 'unroll', 'async', 'where', 'true', 'false',
] as const
/** They mean something at certain places and are free as names elsewhere. */
export const contextualWords = [
  'operator', 'schedule', 'graph', 'instance', 'mapping', 'kernel', 'tune', 'workspace', 'level', 'given', 'applies', 'when',
  'pointwise', 'reduction', 'inverse', 'parallel', 'global',
] as const
/** A sign stands before those that it starts with. */
export const signs = [
  '..+', '...', '..', '->', '??', '&&', '||', '<<', '>>', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '!=', '<=', '>=', '==', '=?',
  '-', '+', '*', '/', '%', '&', '|', '^', '~', '!', '<', '>', '=', '(', ')', '{', '}', '[', ']', ',', ';', ':', '.',
] as const

export type ReservedWord = typeof reservedWords[number]
export type ContextualWord = typeof contextualWords[number]
export type Sign = typeof signs[number]
/** `error` is a run of characters without a meaning. */
export type TokenKind =
  | ReservedWord | Sign | 'name' | 'int' | 'float' | 'string' | 'space' | 'comment' | 'doc' | 'error' | 'eof'

export interface Token {
  readonly kind: TokenKind
  /** UTF-16 offsets; `end` is exclusive. */
  readonly start: number
  readonly end: number
  /** Zero-based place of the start; the column counts UTF-16 units. */
  readonly line: number
  readonly column: number
  /** Nothing but white space stands before it on its line. */
  readonly firstOnLine: boolean
}

/** A text with its tokens. */
export interface Lexed { readonly text: string; readonly tokens: readonly Token[] }

export type LexicalReport = (code: DiagnosticCode, start: number, end: number, message: string, fix?: Fix) => void

export function isTrivia(kind: TokenKind): boolean {
  return kind === 'space' || kind === 'comment' || kind === 'doc' || kind === 'error'
}

/** The tokens of a text; the last one is `eof`, which is empty. */
export function lex(text: string, report?: LexicalReport): Token[] {
  const tokens: Token[] = []
  const length = text.length
  let at = 0, line = 0, lineStart = 0, firstOnLine = true

  while (at < length) {
    const start = at, c = text.charCodeAt(at)
    let kind: TokenKind
    if (isSpace(c, at)) {
      const column = start - lineStart, startLine = line
      let broke = false
      for (let s = c; ; s = text.charCodeAt(at)) {
        at++
        if (s === LF || (s === CR && text.charCodeAt(at) !== LF)) { line++; lineStart = at; broke = true }
        if (at >= length || !isSpace(text.charCodeAt(at), at)) break
      }
      tokens.push({ kind: 'space', start, end: at, line: startLine, column, firstOnLine })
      if (broke) firstOnLine = true
      continue
    } else if (isWordStart(c)) {
      do at++; while (at < length && isWordPart(text.charCodeAt(at)))
      kind = at < length && text.charCodeAt(at) > 127 && endForeignWord() ? 'name' : words.get(text.slice(start, at)) ?? 'name'
    } else if (isDigit(c)) {
      kind = number(start)
    } else if (c === SLASH && text.charCodeAt(at + 1) === SLASH) {
      endOfLine()
      kind = text.charCodeAt(start + 2) === SLASH ? 'doc' : 'comment'
    } else if (c === SLASH && text.charCodeAt(at + 1) === STAR) {
      blockComment(start)
      kind = 'error'
    } else if (c === QUOTE) {
      string(start)
      kind = 'string'
    } else {
      const sign = signAt(c)
      if (sign !== undefined) { kind = sign; at += sign.length }
      else if (c > 127 && endForeignWord()) kind = 'name'
      else { unknown(start); kind = 'error' }
    }
    tokens.push({ kind, start, end: at, line, column: start - lineStart, firstOnLine })
    firstOnLine = false
  }
  tokens.push({ kind: 'eof', start: at, end: at, line, column: at - lineStart, firstOnLine })
  return tokens

  function signAt(c: number): Sign | undefined {
    const candidates = signsByFirst[c]
    if (candidates === undefined) return undefined
    for (const sign of candidates) if (sign.length === 1 || text.startsWith(sign, at)) return sign
    return undefined
  }
  function endOfLine(): void {
    while (at < length) { const c = text.charCodeAt(at); if (c === LF || c === CR) break; at++ }
  }
  /** At a character beyond ASCII: takes the rest of a word with letters of any alphabet, and reports it. */
  function endForeignWord(): boolean {
    const from = tokens.length > 0 ? tokens[tokens.length - 1]!.end : 0
    foreignWord.lastIndex = at
    if (!foreignWord.test(text)) return false
    at = foreignWord.lastIndex
    report?.('unknown-character', from, at, `The name \`${text.slice(from, at)}\` has letters other than a-z, A-Z, 0-9 and _`)
    return true
  }
  function number(start: number): TokenKind {
    numberPattern.lastIndex = start
    numberPattern.test(text)
    at = numberPattern.lastIndex
    const hex = (text.charCodeAt(start + 1) | 32) === LOWER_X
    let kind: TokenKind = 'int'
    if (!hex) for (let i = start; i < at; i++) { const c = text.charCodeAt(i); if (c === DOT || (c | 32) === LOWER_E) { kind = 'float'; break } }
    const digits = at
    while (at < length && isWordPart(text.charCodeAt(at))) at++
    if (at > digits || (hex && at - start === 2)) {
      report?.('malformed-number', start, at, `\`${text.slice(start, at)}\` is not a number: write 42, 1_024, 0xff, 0.5 or 1e-5`)
    }
    return kind
  }
  function string(start: number): void {
    for (at++; at < length;) {
      const c = text.charCodeAt(at)
      if (c === LF || c === CR) break
      at++
      if (c === QUOTE) return
      if (c === BACKSLASH && at < length) {
        const escaped = text.charCodeAt(at)
        if (escaped === LF || escaped === CR) break
        if (!'"\\nt'.includes(text.charAt(at))) {
          report?.('invalid-escape', at - 1, at + 1, `\`\\${text.charAt(at)}\` means nothing in a string; a backslash is written \\\\`)
        }
        at++
      }
    }
    const end = { start: at, end: at }
    report?.('unclosed-string', start, at, 'This string is not closed: expected `"` before the end of the line',
      { title: 'Insert `"`', edits: [{ span: end, newText: '"' }] })
  }
  /** There are none. One that is not closed on its line takes the rest of the line, no more. */
  function blockComment(start: number): void {
    for (at += 2; at < length; at++) {
      const c = text.charCodeAt(at)
      if (c === LF || c === CR) break
      if (c === STAR && text.charCodeAt(at + 1) === SLASH) { at += 2; break }
    }
    report?.('block-comment', start, at, 'Comments start with `//` and end with their line; there are no block comments')
  }
  function unknown(start: number): void {
    do at++; while (at < length && isUnknown(text.charCodeAt(at)))
    const signs = text.slice(start, at)
    report?.('unknown-character', start, at, `\`${signs}\` has no meaning in Heddle${hints.get(signs) ?? ''}`)
  }
  function isUnknown(c: number): boolean {
    if (c > 127) { foreignWord.lastIndex = at; return !foreignWord.test(text) }
    return !isSpace(c, at) && !isWordPart(c) && c !== QUOTE && signsByFirst[c] === undefined
  }
}

/** What a string token stands for: without its quotes, escapes resolved. */
export function stringValue(token: string): string {
  const inside = /^"((?:[^"\\]|\\[\s\S])*)/.exec(token)?.[1] ?? ''
  return inside.replace(/\\([\s\S])/g, (_, c: string) => c === 'n' ? '\n' : c === 't' ? '\t' : c)
}

const hints: ReadonlyMap<string, string> = new Map([
  ['?', '; a conditional value is written `if c then a else b`'],
  ["'", '; strings are written with `"`'],
  ['#', '; comments start with `//`'],
])
const LF = 10, CR = 13, QUOTE = 34, STAR = 42, DOT = 46, SLASH = 47, BACKSLASH = 92, LOWER_E = 101, LOWER_X = 120
const BYTE_ORDER_MARK = 0xfeff
const words: ReadonlyMap<string, ReservedWord> = new Map(reservedWords.map(word => [word, word]))
const signsByFirst: readonly (readonly Sign[] | undefined)[] = signs.reduce((table, sign) => {
  (table[sign.charCodeAt(0)] ??= []).push(sign)
  return table
}, [] as Sign[][])
const numberPattern = /0[xX][0-9a-fA-F_]*|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?/y
const foreignWord = /(?=[^\x00-\x7f])[\p{L}\p{N}\p{M}_]+/uy

/**
 * Blank, tab, line feed, vertical tab, form feed, carriage return; and the mark that some editors put at the start of a
 * file.
 */
function isSpace(c: number, at: number): boolean {
  return c === 32 || (c >= 9 && c <= 13) || (c === BYTE_ORDER_MARK && at === 0)
}
function isDigit(c: number): boolean { return c >= 48 && c <= 57 }
function isWordStart(c: number): boolean { return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95 }
function isWordPart(c: number): boolean { return isWordStart(c) || isDigit(c) }
