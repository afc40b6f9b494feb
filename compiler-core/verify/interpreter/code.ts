/**
 * The JavaScript of a kernel while it is written: lines of the present block, and the constants that are known there.
 *
 * Everything is named: an expression becomes a constant `_12`, written once for each block in which it is needed, so
 * that the text of a value is always an atom and is never computed twice. Numbers of locals are unique in a kernel;
 * what a function needs of those around it, it takes as parameters (see `functionText`).
 */
import type { Buffer, Kernel, Load, Type, Variable } from '../../ir/ir.ts'
import type { Origins } from '../../ir/origin.ts'
import type { Site } from './faults.ts'
import { fits32, keyOf, knownValue, linearText, ofLocal, type Domain, type Linear, type Local, type Table } from './linear.ts'
import type { Storage } from './memory.ts'
import type { Spread } from './registers.ts'
import type { Shadow } from './shadow.ts'

/** Of an expression: `index` as a sum, all others as an atom of JavaScript. */
export type Value =
  | { readonly kind: 'index'; readonly sum: Linear }
  | { readonly kind: 'atom'; readonly js: string; readonly type: Exclude<Type, 'index'> }

export interface Generation {
  readonly kernel: Kernel
  readonly extents: ReadonlyMap<Variable, number>
  readonly grid: readonly [number, number, number]
  readonly threads: Domain
  readonly storages: Map<Buffer, Storage>
  readonly shadows: Map<Buffer, Shadow>
  readonly spreads: Map<Buffer, Spread>
  /** Register tensors whose cells hold one element of several: which one has to be kept. */
  readonly tagged: Set<Buffer>
  readonly values: Map<Variable, Value>
  /** Of the mutable variables that live across barriers: their places in a thread's frame. */
  readonly frame: Map<Variable, number>
  /** Those that do not: their JavaScript variables. */
  readonly mutables: Map<Variable, string>
  readonly sites: Site[]
  readonly siteNumbers: Map<unknown, number>
  /** What the text calls and reads, by name. */
  readonly bound: Map<string, unknown>
  readonly boundNames: Map<unknown, string>
  readonly functions: string[]
  lines: string[]
  scopes: readonly Scope[]
  /** Whether the present function can wait for other threads. */
  waits: boolean
  /** Stores to shared memory become copies that arrive later. */
  asynchronous: boolean
  count: number
  /** Writes a load: an expression contains accesses, and an access expressions. */
  readonly load: (g: Generation, e: Load) => Value
  /** Why the interpreter cannot run the program; a sentence. */
  refused: string | undefined
  /** Something that only shows while writing makes it necessary to write anew. */
  again: boolean
}

interface Scope {
  /** Constants by what they are. */
  readonly constants: Map<string, Local | string>
  /** Elements that were read and cannot have changed since, by their memory and their place. */
  readonly held: Map<string, Map<string, string>>
}

export function emptyScope(): Scope {
  return { constants: new Map(), held: new Map() }
}

export function fresh(g: Generation): string {
  return `_${g.count++}`
}

export function line(g: Generation, text: string): void {
  g.lines.push(text)
}

/** What `f` writes, with constants of its own. */
export function nested<T>(g: Generation, f: () => T): { readonly lines: string[]; readonly result: T } {
  const outer = g.lines, scopes = g.scopes
  g.lines = []
  g.scopes = [...scopes, emptyScope()]
  const result = f(), { lines } = g
  g.lines = outer
  g.scopes = scopes
  return { lines, result }
}

/** `if (condition) { ... }`, or only the one that is known to be taken. */
export function branch(g: Generation, condition: string, then: () => void, otherwise?: () => void): void {
  if (condition === 'true') return then()
  if (condition === 'false') return otherwise?.()
  const taken = nested(g, then).lines, other = otherwise ? nested(g, otherwise).lines : []
  if (taken.length === 0 && other.length === 0) return
  line(g, `if (${condition}) {`)
  g.lines.push(...taken)
  if (other.length > 0) g.lines.push('} else {', ...other)
  line(g, '}')
}

/** A constant for a text that always has the same value here: one for equal keys. */
export function named(g: Generation, key: string, text: () => string): string {
  for (const scope of g.scopes) {
    const known = scope.constants.get(key)
    if (typeof known === 'string') return known
  }
  const name = fresh(g)
  line(g, `const ${name} = ${text()}`)
  g.scopes.at(-1)?.constants.set(key, name)
  return name
}

/** A constant for a whole number of a known range. */
export function local(
  g: Generation, key: string, text: () => string, low: number, high: number, table?: Table
): Linear {
  for (const scope of g.scopes) {
    const known = scope.constants.get(key)
    if (known !== undefined && typeof known !== 'string') return ofLocal(known)
  }
  const made: Local = { name: fresh(g), low, high, table }
  line(g, `const ${made.name} = ${text()}`)
  g.scopes.at(-1)?.constants.set(key, made)
  return ofLocal(made)
}

/**
 * An element that is read once in a block of text until it is written, or others may have come in between; a loop or
 * branch inside reads it anew, for its turns follow each other.
 */
export function heldElement(g: Generation, memory: string, place: string, read: () => string): string {
  const held = g.scopes.at(-1)?.held, known = held?.get(memory)?.get(place)
  if (known !== undefined) return known
  const name = read()
  if (held?.has(memory)) held.get(memory)?.set(place, name)
  else held?.set(memory, new Map([[place, name]]))
  return name
}

export function elementsChange(g: Generation, memory: string): void {
  for (const scope of g.scopes) scope.held.delete(memory)
}

/** Other threads have run, or copies arrived. */
export function sharedChanges(g: Generation): void {
  for (const [buffer, { data }] of g.storages) {
    const memory = g.boundNames.get(data)
    if (buffer.scope !== 'register' && buffer.scope !== 'input' && memory !== undefined) elementsChange(g, memory)
  }
}

/** The sum as an atom: the part that neighbours share is a constant of its own. */
export function indexAtom(g: Generation, e: Linear): string {
  const known = knownValue(e)
  const [term, ...more] = e.terms
  if (known !== undefined || (e.constant === 0 && more.length === 0 && term?.factor === 1)) return linearText(e)
  if (e.constant === 0 || !fits32(e)) return named(g, keyOf(e), () => linearText(e))
  const shift = e.constant
  const base: Linear = { terms: e.terms, constant: 0, low: e.low - shift, high: e.high - shift }
  if (!fits32(base)) return named(g, keyOf(e), () => linearText(e))
  const shared = indexAtom(g, base)
  return named(g, keyOf(e), () => `(${shared} + ${shift} | 0)`)
}

/** A name for something that the text uses and does not make. */
export function bind(g: Generation, prefix: string, value: unknown): string {
  const known = g.boundNames.get(value)
  if (known !== undefined) return known
  const name = `${prefix}${g.bound.size}`
  g.bound.set(name, value)
  g.boundNames.set(value, name)
  return name
}

/** One number for each node of the program that accesses memory or waits. */
export function siteNumber(
  g: Generation, node: object, kind: Site['kind'], origins: Origins, storage?: Storage, isXor = false
): number {
  let number = g.siteNumbers.get(node)
  if (number === undefined) {
    number = g.sites.length
    g.sites.push({ kind, origins, storage, block: g.kernel.block, isXor })
    g.siteNumbers.set(node, number)
  }
  return number
}

/** The first record of this interval, and those of the thread in it: `now`, and from `lo` to below `hi`. */
const interval = 'now = clock[0], lo = now + tid * threadStep, hi = lo + threadStep'

/** Of a generator: threads meet, and the next interval begins. */
export function barrierText(g: Generation, site: number): void {
  line(g, `yield ${site}; ${interval}`)
  sharedChanges(g)
}

const prologue: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'frame', text: 'const frame = tid * frameSize' },
  { name: 'bx', text: 'const bx = block[0]' }, { name: 'by', text: 'const by = block[1]' }, { name: 'bz', text: 'const bz = block[2]' }
]

/**
 * A function of a thread, and how it is called. Constants of the functions around it are its parameters: those names
 * that it uses and does not declare.
 */
export function functionText(
  name: string, lines: readonly string[], isGenerator: boolean
): { text: string; call: string } {
  const body = lines.join('\n')
  const used = new Set(body.match(/\b[_a-z]\w*/g))
  const declared = new Set([...body.matchAll(/\b(?:const|let) (_\d+)/g)].map(m => m[1]))
  const captured = [...used].filter(n => /^_\d+$/.test(n) && !declared.has(n))
  const bases = [...used].filter(n => /^base_\d+$/.test(n)).map(n => {
    const [, size] = n.split('_')
    return `const ${n} = Math.imul(tid, ${size})`
  })
  const timed = used.has('now') || used.has('lo') ? [`let ${interval}`] : []
  const start = [...timed, ...prologue.filter(p => used.has(p.name)).map(p => p.text), ...bases]
  const parameters = ['tid', ...captured].join(', ')
  return {
    text: `function${isGenerator ? '*' : ''} ${name}(${parameters}) {\n${[...start, body].join('\n')}\n}`,
    call: `${name}(${parameters})`
  }
}
