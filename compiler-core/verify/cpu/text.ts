/**
 * A CUDA text made ready for g++, so that a line of its debug information names one access.
 *
 *     acc[i] += sa[k] * h[j];
 *     ->
 *     acc[i] +=
 *     ({ const auto heddle__r = sa[k]; heddle__r; }) *
 *     heddle_of<f16>(({ const auto heddle__r = h[j].bits; heddle__r; }));
 *
 * Each read of memory is a statement of its own: g++ gives a bare operand the line of the call or declaration around
 * it. A 16-bit float is read and written as its bits, since a structure that is passed on is read where it arrives.
 * Shared memory comes from the runtime, loops with accesses tell of their turns, and `asm` becomes C++ (assembly.ts).
 * Comments and `#pragma unroll` go: unrolled loops only take g++ longer.
 */
import type { Cuda } from '../../codegen/cuda.ts'
import { isSmallFloat } from '../../codegen/wrappers.ts'
import type { Span } from '../../ir/origin.ts'
import { translateAssembly } from './assembly.ts'
import { tokenize, type Token } from './tokens.ts'

export type Prepared =
  | {
    /** C++ for g++ behind device.h and ptx.h. */
    readonly text: string
    /**
     * What a line of `text`, counted from 1, was made from: of the CUDA text the access or call if there is one, else
     * the line. A copy reads and writes in one line: `write` tells which side is asked for. Undefined in the wrappers.
     */
    readonly spanOfLine: (line: number, write: boolean) => Span | undefined
  }
  /** An instruction that is not known here. */
  | { readonly unknown: string }

export function prepare({ text }: Pick<Cuda, 'text'>): Prepared {
  const start = /^extern "C" __global__/m.exec(text)?.index ?? text.length
  const wrappers = translateAssembly(text.slice(0, start))
  if ('unknown' in wrappers) return wrappers
  const lines = createLines(text)
  lines.write(wrappers.text)
  lines.breakLine()
  printKernels(text, start, wrappers.located, lines)
  return { text: `${lines.text()}\n`, spanOfLine: lines.spanOf }
}

// ---------------------------------------------------------------- lines

/** An access or call. */
interface Site { readonly span: Span; readonly read: boolean; readonly write: boolean }

/** The text so far, and what each of its lines was made from. */
interface Lines {
  readonly write: (text: string) => void
  /** The current line stands for the CUDA text's line around an offset, if it stands for none yet. */
  readonly from: (offset: number) => void
  /** The current line does this. */
  readonly mark: (...sites: readonly Site[]) => void
  /** What follows stands in a new line, unless the current one is blank. */
  readonly breakLine: () => void
  readonly text: () => string
  readonly spanOf: (line: number, write: boolean) => Span | undefined
}

function createLines(cuda: string): Lines {
  const lines: string[] = []
  const origins: Array<{ from: number | undefined; readonly sites: Site[] }> = [{ from: undefined, sites: [] }]
  let current = ''
  const endLine = () => {
    lines.push(current)
    origins.push({ from: undefined, sites: [] })
    current = ''
  }
  return {
    write(text) {
      const [first, ...more] = text.split('\n')
      current += first
      for (const next of more) {
        endLine()
        current = next
      }
    },
    from(offset) {
      origins.at(-1)!.from ??= offset
    },
    mark(...sites) {
      origins.at(-1)!.sites.push(...sites)
    },
    breakLine() {
      if (current.trim() !== '') endLine()
    },
    text: () => [...lines, current].join('\n'),
    spanOf(line, write) {
      const origin = origins[line - 1]
      const site = origin?.sites.find(s => write ? s.write : s.read) ?? origin?.sites[0]
      if (site) return site.span
      return origin?.from === undefined ? undefined : lineAround(cuda, origin.from)
    }
  }
}

/** Without its margin and comment. */
function lineAround(text: string, offset: number): Span {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const [, margin, content] = /^(\s*)(.*?)\s*(?:\/\/.*)?$/m.exec(text.slice(start))!
  return { start: start + margin!.length, end: start + margin!.length + content!.length }
}

// ---------------------------------------------------------------- kernels

/** `type` of its elements, by the last word: all that matters is whether it is a 16-bit float or tf32. */
type Memory = ReadonlyMap<string, string>

/** From the offset `start` on. `located`: functions that learn the line of their call. */
function printKernels(text: string, start: number, located: ReadonlySet<string>, lines: Lines): void {
  const { list, partner } = tokenize(text)
  const word = (i: number) => list[i]?.text ?? ''
  const end = (i: number) => partner(i) ?? list.length
  let scopes: Memory[] = [new Map()]
  const loops = new Map<number, number>()
  let loopCount = 0
  let sharedCount = 0

  const declare = (name: string, type: string) => {
    scopes.push(new Map([...scopes.pop()!, [name, type]]))
  }
  const isMemory = (i: number) => scopes.at(-1)!.has(word(i)) && word(i - 1) !== '.'
  const isAccess = (i: number) => isMemory(i) && word(i + 1) === '['
  const isCall = (i: number) => located.has(word(i)) || word(i) === '__syncthreads'
  /** Some memory is touched, or something is called that waits for others. */
  const isActive = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (isMemory(i) || isCall(i)) return true
    return false
  }
  const next = (from: number, symbol: string) => {
    let i = from
    while (i < list.length && word(i) !== symbol) i++
    return i
  }
  const spanOf = (from: number, to: number): Span => ({ start: list[from]!.span.start, end: list[to]!.span.end })

  /** The token with the blanks before it; `flat`: without line breaks. */
  const copyToken = (i: number, flat: boolean) => {
    const before = i === 0 ? '' : text.slice(list[i - 1]!.span.end, list[i]!.span.start)
    const lineBreak = before.lastIndexOf('\n')
    lines.write(lineBreak < 0 || flat ? (/^\s/.test(before) ? ' ' : '') : before.slice(lineBreak))
    lines.from(list[i]!.span.start)
    lines.write(word(i))
  }
  const copyTokens = (from: number, to: number) => {
    for (let i = from; i < to; i++) copyToken(i, true)
  }
  const print = (from: number, to: number, flat: boolean) => {
    for (let i = from; i < to;) i = printAt(i, flat)
  }

  /** Prints what starts at a token, and gives the position behind it. */
  const printAt = (i: number, flat: boolean): number => {
    if (list[i]!.kind === 'directive') return i + 1
    if (isAccess(i)) return isAssignment(list[end(i + 1) + 1]) ? printWrite(i) : printRead(i)
    if (isVector(i)) return printCopy(i)
    if (isCall(i)) return printCall(i)
    switch (word(i)) {
      case '__global__':
        scopes = [new Map()]
        break
      case '__restrict__':
        declare(word(i + 1), word(i - 2))
        break
      case '__shared__':
        return printShared(i)
      case 'extern':
        if (word(i + 1) === '__shared__') return printShared(i + 1)
        break
      case '(':
        // f16 (&name)[64] = ...
        if (word(i + 1) === '&' && word(i + 3) === ')' && word(i + 4) === '[') declare(word(i + 2), word(i - 1))
        break
      case '&':
        if (isAccess(i + 1) && '(,'.includes(word(i - 1))) {
          copyToken(i, flat)
          return printElement(i + 1)
        }
        break
      case 'for': case 'while': {
        const body = end(i + 1) + 1
        if (isActive(body, end(body))) {
          loops.set(body, loopCount).set(end(body), loopCount)
          loopCount++
        }
        break
      }
      case '{':
        scopes.push(scopes.at(-1)!)
        break
      case '}':
        scopes.pop()
    }
    copyToken(i, flat)
    const loop = loops.get(i)
    if (loop !== undefined) lines.write(word(i) === '{' ? ` HEDDLE_STEP(${loop});` : ` HEDDLE_DONE(${loop});`)
    return i + 1
  }

  /** `name[offset]` as it is. */
  const printElement = (name: number): number => {
    copyTokens(name, name + 2)
    print(name + 2, end(name + 1), true)
    copyToken(end(name + 1), true)
    return end(name + 1) + 1
  }
  const typeOf = (name: number) => scopes.at(-1)!.get(word(name))!
  const member = (name: number) => isSmallFloat(typeOf(name)) ? typeOf(name) === 'tf32' ? '.value' : '.bits' : ''

  const printRead = (name: number): number => {
    const [first, close] = [name + 2, end(name + 1)]
    const site = { span: spanOf(name, close), read: true, write: false }
    const small = member(name)
    lines.breakLine()
    lines.mark(site)
    lines.write(`${small === '' ? '' : `heddle_of<${typeOf(name)}>(`}({ `)
    if (isActive(first, close)) {
      lines.write('const auto heddle__i = ')
      print(first, close, true)
      lines.write(';')
      lines.breakLine()
      lines.mark(site)
      lines.write(`const auto heddle__r = ${word(name)}[heddle__i]`)
    } else {
      lines.write(`const auto heddle__r = ${word(name)}[`)
      copyTokens(first, close + 1)
    }
    lines.write(`${small}; heddle__r; })${small === '' ? '' : ')'}`)
    return close + 1
  }

  /** `name[offset] = value;` up to the value; of a small float, all of it. */
  const printWrite = (name: number): number => {
    const close = end(name + 1)
    const site = { span: spanOf(name, close), read: word(close + 1) !== '=', write: true }
    lines.breakLine()
    lines.mark(site)
    copyTokens(name, name + 2)
    print(name + 2, close, true)
    if (isActive(name + 2, close)) {
      lines.breakLine()
      lines.mark(site)
    }
    copyToken(close, true)
    lines.write(member(name))
    copyToken(close + 1, true)
    if (member(name) === '') return close + 2
    const last = next(close, ';')
    lines.write(' (')
    print(close + 2, last, true)
    lines.write(`)${member(name)}`)
    return last
  }

  /** `*(const float4 *)` */
  const isVector = (i: number): boolean => {
    if (word(i) !== '*' || word(i + 1) !== '(') return false
    const close = end(i + 1)
    return word(close - 1) === '*' && list.slice(i + 2, close - 1).every(t => t.kind === 'word')
  }
  /** `*(float4 *)&name[offset] = *(const float4 *)other;` up to its end, all in one line. */
  const printCopy = (start: number): number => {
    const sideAt = (at: number) => {
      const cast = end(at + 1)
      const name = word(cast + 1) === '&' ? cast + 2 : cast + 1
      const close = word(name + 1) === '[' ? end(name + 1) : name
      return { at, name, close }
    }
    const to = sideAt(start), from = sideAt(to.close + 2)
    const sites = [
      ...isMemory(to.name) ? [{ span: spanOf(to.at, to.close), read: false, write: true }] : [],
      ...isMemory(from.name) ? [{ span: spanOf(from.at, from.close), read: true, write: false }] : []
    ]
    const side = ({ at, name, close }: typeof to) => {
      copyTokens(at, name + 1)
      if (close === name) return
      copyToken(name + 1, true)
      print(name + 2, close, true)
      if (isActive(name + 2, close)) {
        lines.breakLine()
        lines.mark(...sites)
      }
      copyToken(close, true)
    }
    lines.breakLine()
    lines.mark(...sites)
    side(to)
    copyToken(to.close + 1, true)
    side(from)
    return from.close + 1
  }

  /** Up to its opening parenthesis. */
  const printCall = (name: number): number => {
    const open = next(name, '(')
    lines.breakLine()
    lines.mark(...copiedArguments(name, open), { span: spanOf(name, end(open)), read: true, write: true })
    copyTokens(name, open + 1)
    return open + 1
  }
  /** Of `copy_async_16(&to[i], &from[j])` both sides. */
  const copiedArguments = (name: number, open: number): readonly Site[] => {
    if (!word(name).startsWith('copy_async')) return []
    let comma = open + 1
    while (word(comma) !== ',') comma = (partner(comma) ?? comma) + 1
    let last = comma + 1
    while (last < end(open) && word(last) !== ',') last = (partner(last) ?? last) + 1
    return [
      { span: spanOf(open + 1, comma - 1), read: false, write: true },
      { span: spanOf(comma + 1, last - 1), read: true, write: false }
    ]
  }

  /** `__shared__ __align__(16) float name[64];` is a reference to what the runtime gives; up to the semicolon. */
  const printShared = (start: number): number => {
    const last = next(start, ';')
    // `[]`: as many as the launch says
    const [name, cells] = word(last - 2) === '[' ? [word(last - 3), ''] : [word(last - 4), word(last - 2)]
    const first = word(start + 1) === '__align__' ? end(start + 2) + 1 : start + 1
    const type = list.slice(first, next(first, name)).map(t => t.text).join(' ')
    lines.breakLine()
    lines.write(cells === ''
      ? `${type} *const ${name} = (${type} *)heddle_shared(${sharedCount}, 0)`
      : `${type} (&${name})[${cells}] = *(${type} (*)[${cells}])heddle_shared(${sharedCount}, sizeof(${type}[${cells}]))`)
    lines.from(list[start]!.span.start)
    declare(name, type)
    sharedCount++
    return last
  }

  print(list.findIndex(t => t.span.start >= start), list.length, false)
}

/** `=`, `+=`, `>>=`, but no comparison. */
function isAssignment(token: Token | undefined): boolean {
  return token?.kind === 'symbol' && /^(?:[+\-*/%&|^]|<<|>>)?=$/.test(token.text)
}
