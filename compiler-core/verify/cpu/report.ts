/**
 * What the runner tells (runner/report.h), in the words of the program.
 *
 *     {"fault":"race","kernel":0,"at":{"kind":"read","thread":33,"pc":4711,"space":1,"array":0,"offset":68},...}
 *     ->  a race: thread 33 reads sa[0, 4, 1], at this place of the CUDA text and of the schedule
 *
 * The runner knows addresses of code and bytes of arrays. An address of code becomes a line by the debug information,
 * a line an access of the text (text.ts), an access its origins by the trace.
 */
import { regionsAt } from '../../codegen/trace.ts'
import type { Buffer, Kernel, Three } from '../../ir/ir.ts'
import { bytesOf, cellsOf } from '../../ir/memory.ts'
import type { Origins, Span } from '../../ir/origin.ts'
import { forEachExprIn, forEachStmt } from '../../ir/visit.ts'
import {
  keptFaults, type Access, type AccessCount, type Executed, type Fault, type FaultKind, type Outcome, type Subject,
  type Written
} from '../engine.ts'
import { indicesOf, readerOf, storageOf } from './elements.ts'
import type { Launch } from './launch.ts'

/** Where the lines of the compiled text come from. */
export interface Places {
  /** Of an address of the kernels' object. */
  readonly lineOf: (pc: number) => number | undefined
  readonly spanOf: (line: number, write: boolean) => Span | undefined
}

/** `outputs`: the content of the file of that name. Undefined: the report breaks off. */
export function readReport(
  report: string, outputs: Uint8Array, subject: Subject, launch: Launch, places: Places
): Outcome | undefined {
  const lines = report.split('\n').filter(line => line.endsWith('}')).map(line => JSON.parse(line) as Line)
  const access = accessReader(subject, launch, places)
  const faultsOf = (of: (line: FaultLine) => boolean) =>
    joined(lines.filter(isFault).filter(of).map(line => faultOf(line, access)))
  const ended = lines.find(line => 'ended' in line)
  if (ended?.ended === 'unknown') return { kind: 'unavailable', message: ended.message }
  if (ended) {
    const fault = endingFault(ended, faultsOf(() => true), access)
    return { kind: 'ended', why: ended.ended, message: ended.message, fault }
  }
  if (!lines.some(line => 'done' in line)) return undefined
  const partsOf = partReader(outputs)
  const runs = lines.filter(line => 'blocks' in line).map((line): Executed => {
    const written = launch.tensors.filter(t => t.buffer.scope === 'output').map(tensor => {
      const parts = partsOf(bytesOf(tensor.buffer.element))
      if (tensor.isSum && line.blocks < line.total) return unwritten(tensor.storage.elements)
      return writtenOf(parts, launch.tensors.indexOf(tensor), tensor, access)
    })
    const blocks = { run: line.blocks, total: line.total }
    return { outputs: written, faults: faultsOf(f => f.run === line.run), blocks }
  })
  return { kind: 'executed', runs, counts: countsOf(lines.filter(line => 'count' in line), access) }
}

// ---------------------------------------------------------------- lines

interface Place {
  readonly kind: Access['kind']
  readonly block: number
  readonly thread: number
  /** Of the compiled text. */
  readonly line?: number
  readonly pc?: number
  /** 0: none, 1: shared, 2: global memory. */
  readonly space: number
  /** In `Launch.arrays` or `Launch.tensors`. */
  readonly array: number
  /** In bytes; where `space` is 0 and the kind is an access, an index into an array. */
  readonly offset: number
}
interface FaultLine {
  readonly fault: FaultKind
  readonly run: number
  readonly kernel: number
  readonly times: number
  readonly at: Place
  readonly other: Place | null
}
interface EndedLine {
  readonly ended: 'time' | 'memory' | 'recursion' | 'crash' | 'unknown'
  readonly message: string
  readonly kernel: number
  readonly at: Place | null
}
interface CountLine {
  readonly count: Place
  readonly kernel: number
  readonly bytes: number
  readonly requests: number
  readonly wavefronts: number
  readonly ideal: number
  readonly sectors: number
}
interface RunLine { readonly run: number; readonly blocks: number; readonly total: number }
type Line = FaultLine | EndedLine | CountLine | RunLine | { readonly done: true }

function isFault(line: Line): line is FaultLine { return 'fault' in line }

// ---------------------------------------------------------------- faults

type ReadAccess = (place: Place, kernel: number) => Access

function faultOf({ fault, kernel, times, at, other }: FaultLine, access: ReadAccess): Fault {
  return { kind: fault, access: access(at, kernel), other: other ? access(other, kernel) : undefined, times }
}

/** One for each kind and pair of places, causes before what follows from them. */
function joined(faults: readonly Fault[]): readonly Fault[] {
  const kept = new Map<string, Fault>()
  for (const f of faults) {
    const key = [f.kind, placeKey(f.access), f.other ? placeKey(f.other) : ''].join(' ')
    const before = kept.get(key)
    kept.set(key, before ? { ...before, times: before.times + f.times } : f)
  }
  const rank = ({ kind }: Fault) => consequences.indexOf(kind)
  return [...kept.values()].sort((a, b) => rank(a) - rank(b)).slice(0, keptFaults)
}

/** Threads that part at a barrier race behind it, and what is read too early has not been written. */
const consequences: readonly FaultKind[] = [
  'assertion', 'divergent-barrier', 'divergent-shuffle', 'out-of-bounds', 'misaligned', 'not-arrived', 'race',
  'double-write', 'uninitialised', 'endless'
]

function placeKey({ kind, span }: Access): string { return `${kind} ${span?.start ?? ''}-${span?.end ?? ''}` }

/** What ended it: where it was, or else what went wrong before. */
function endingFault(
  { ended, at, kernel }: EndedLine, before: readonly Fault[], access: ReadAccess
): Fault | undefined {
  const here = (kind: FaultKind): Fault | undefined =>
    at ? { kind, access: access(at, kernel), other: undefined, times: 1 } : undefined
  if (ended === 'time') return here('endless')
  return before[0] ?? (ended === 'crash' ? here('out-of-bounds') : undefined)
}

// ---------------------------------------------------------------- accesses

function accessReader(subject: Subject, launch: Launch, places: Places): ReadAccess {
  const { text, trace } = subject.cuda
  return (place, kernelNumber) => {
    const { kernel, grid } = launch.kernels[kernelNumber]!
    const line = place.line ?? (place.pc === undefined ? undefined : places.lineOf(place.pc))
    const span = line === undefined || line === 0 ? undefined : places.spanOf(line, place.kind !== 'read')
    const accessed = accessedCell(place, kernel, launch, span && text.slice(span.start, span.end))
    return {
      kind: span && isIndex(place) && isAssigned(text.slice(span.start)) ? 'write' : place.kind, block: three(place.block, grid), thread: three(place.thread, kernel.block),
      buffer: accessed?.buffer, cell: accessed?.cell, indices: accessed && indicesOfCell(accessed, launch),
      span, origins: span ? originsAt(span, trace) : []
    }
  }
}

/** Of an index into an array the runner does not know what it is for. */
function isIndex({ kind, space }: Place): boolean { return kind === 'read' && space === 0 }

function isAssigned(text: string): boolean { return /^\w+\[[^;=]*\]\s*[-+*/%&|^]?=(?!=)/.test(text) }

function three(n: number, [width, height]: Three<number>): Three<number> {
  return [n % width, Math.floor(n / width) % height, Math.floor(n / width / height)]
}

/** Of the smallest region that holds the access. */
function originsAt(span: Span, trace: Subject['cuda']['trace']): Origins {
  return regionsAt(trace, span.start).find(r => r.span.start <= span.start && span.end <= r.span.end)?.origins ?? []
}

interface AccessedCell { readonly buffer: Buffer; readonly cell: number }

/** `text`: of the access; it tells parts of one array apart that lie in the same place, and names registers. */
function accessedCell(
  place: Place, kernel: Kernel, launch: Launch, text: string | undefined
): AccessedCell | undefined {
  const { space, array, offset } = place
  switch (space) {
    case 1: {
      const parts = launch.arrays[array]?.parts ?? []
      const around = parts.filter(({ buffer, start }) => start <= offset && offset < start + bytesIn(buffer))
      const part = [...around, ...parts].find(p => isNamed(p.buffer, text)) ?? around[0] ?? parts[0]
      return part && { buffer: part.buffer, cell: Math.floor((offset - part.start) / bytesOf(part.buffer.element)) }
    }
    case 2: {
      const buffer = launch.tensors[array]?.buffer
      return buffer && { buffer, cell: Math.floor(offset / bytesOf(buffer.element)) }
    }
    default: {
      if (place.kind !== 'read' && place.kind !== 'write') return undefined
      const buffer = localBuffers(kernel).find(b => isNamed(b, text))
      return buffer && { buffer, cell: offset }
    }
  }
}

function bytesIn(buffer: Buffer): number { return (cellsOf(buffer) ?? 0) * bytesOf(buffer.element) }

/** Names in the text are those of the program, or those with a number behind (codegen/names.ts). */
function isNamed({ name }: Buffer, text: string | undefined): boolean {
  const found = /([A-Za-z_]\w*)\s*(?:\[|$)/.exec(text?.replace(/^\*\([^)]*\)&?/, '') ?? '')?.[1]
  return found === name || found?.replace(/_\d+$/, '') === name
}

function localBuffers(kernel: Kernel): readonly Buffer[] {
  const found = new Set<Buffer>()
  forEachStmt(kernel.body, s => {
    if (s.kind === 'allocate' || s.kind === 'store') found.add(s.buffer)
  })
  forEachExprIn(kernel.body, e => {
    if (e.kind === 'load') found.add(e.buffer)
  })
  return [...found].filter(b => b.scope === 'register' || b.scope === 'shared')
}

/** Of a layout the first element that lies in the cell. */
function indicesOfCell({ buffer, cell }: AccessedCell, launch: Launch): readonly number[] | undefined {
  const storage = launch.tensors.find(t => t.buffer === buffer)?.storage
    ?? storageOf(buffer, buffer.shape.map(e => e.kind === 'constant' ? Number(e.value) : 1))
  if (!buffer.layout) return indicesOf(storage.shape, cell)
  for (let e = 0; e < storage.elements; e++) if (storage.cellOf(e) === cell) return indicesOf(storage.shape, e)
  return undefined
}

// ---------------------------------------------------------------- outputs

/** Cells that follow each other, in some of which something was written. */
interface Part {
  readonly first: number
  readonly count: number
  readonly cells: Uint8Array
  /** Of each cell: kernel, block, thread plus 1 (0: nobody), place in the code. */
  readonly writers: Uint32Array
}

/** Of a writer. */
const writerBytes = 16

/** Gives the parts of one output after the other, by the bytes of a cell. */
function partReader(outputs: Uint8Array): (cellBytes: number) => readonly Part[] {
  const words = new BigUint64Array(outputs.buffer, outputs.byteOffset, Math.floor(outputs.length / 8))
  let start = 0
  const take = (length: number) => outputs.subarray(start, start += length)
  return cellBytes => {
    const parts: Part[] = []
    for (;;) {
      const [first, count] = words.subarray(start / 8, start / 8 + 2)
      if (first === undefined || count === undefined) throw new Error('its outputs break off')
      start += 16
      if (count === 0n) return parts
      const cells = take(Number(count) * cellBytes)
      start += -start & 7
      const writers = take(Number(count) * writerBytes)
      parts.push({
        first: Number(first), count: Number(count), cells,
        writers: new Uint32Array(writers.buffer, writers.byteOffset, Number(count) * 4)
      })
    }
  }
}

/** As if nobody had written anything. */
function unwritten(elements: number): Written {
  return { elements: new Float64Array(elements).fill(NaN), writerOf: () => undefined }
}

/** Cells of a part, of all but the last one of a tensor. */
const cellsOfPart = 4096

function writtenOf(
  parts: readonly Part[], array: number, { storage, value: start }: Launch['tensors'][number], access: ReadAccess
): Written {
  const { isPlain, cellOf } = storage
  const partAt: Array<Part | undefined> = new Array<undefined>(Math.ceil(storage.cells / cellsOfPart)).fill(undefined)
  const values = new Float64Array(storage.cells).fill(start ?? NaN)
  for (const part of parts) {
    partAt[part.first / cellsOfPart] = part
    const { first, count, cells, writers } = part, value = readerOf(storage, cells)
    for (let c = 0; c < count; c++) {
      if (start !== undefined || writers[c * 4 + 2] !== 0) values[first + c] = value(c)
    }
  }
  return {
    elements: isPlain ? values : Float64Array.from({ length: storage.elements }, (_, e) => values[cellOf(e)]!),
    writerOf: element => {
      const cell = cellOf(element), part = partAt[Math.floor(cell / cellsOfPart)]
      if (!part) return undefined
      const at = (cell - part.first) * 4
      const [kernel = 0, block = 0, thread = 0, site = 0] = part.writers.subarray(at, at + 4)
      if (thread === 0) return undefined
      return access({
        kind: 'write', block, thread: thread - 1, space: 2, array, offset: cell * bytesOf(storage.element),
        ...site >= lineFlag ? { line: site - lineFlag } : { pc: site }
      }, kernel)
    }
  }
}

/** A place in the code is a line of the text, with this added, or an address. */
const lineFlag = 2 ** 31

// ---------------------------------------------------------------- counts

function countsOf(lines: readonly CountLine[], access: ReadAccess): readonly AccessCount[] {
  const counts = new Map<string, AccessCount>()
  for (const { count, kernel, bytes, requests, wavefronts, ideal, sectors } of lines) {
    const { buffer, span, origins, kind } = access(count, kernel), write = kind !== 'read'
    if (!buffer || !span) continue
    const key = `${span.start} ${span.end} ${write} ${bytes} ${buffer.name}`
    const before = counts.get(key) ?? { requests: 0, wavefronts: 0, ideal: 0, sectors: 0 }
    counts.set(key, {
      buffer, write, bytes, span, origins, requests: before.requests + requests, ideal: before.ideal + ideal,
      wavefronts: before.wavefronts + wavefronts, sectors: before.sectors + sectors
    })
  }
  return [...counts.values()].sort((a, b) => a.span.start - b.span.start || Number(a.write) - Number(b.write))
}
