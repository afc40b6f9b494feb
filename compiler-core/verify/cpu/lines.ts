/**
 * From an address of a shared object to the line of the source that it was compiled from.
 *
 *     ELF file --.debug_line--> rows (address, line) --readLines--> 0x11f4 -> 44
 *
 * Reads the line numbers of DWARF 2 to 4 in 64-bit little-endian ELF, which is what `g++ -g1 -gdwarf-4 -gz=none` writes
 * on Linux; of inlined functions it gives the innermost. Source: "DWARF Debugging Information Format", version 4,
 * section 6.2.
 */

/** `address`: from the start of the object, inside of the instruction (a return address less 1). */
export type LineOf = (address: number) => number | undefined

/** `file`: the name of the one source file whose lines are wanted. Other formats have no lines. */
export function readLines(object: Uint8Array, file: string): LineOf {
  const section = sectionOf(object, '.debug_line')
  const rows = section === undefined ? [] : readSection(section, file)
  const sorted = [...rows].sort((a, b) => a.start - b.start)
  return address => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sorted[middle]!.start <= address) low = middle + 1
      else high = middle
    }
    const row = sorted[low - 1]
    return row && address < row.end ? row.line : undefined
  }
}

/** Of the instructions from `start` on, before `end`. */
interface Row { readonly start: number; readonly end: number; readonly line: number }

// ---------------------------------------------------------------- ELF

function sectionOf(object: Uint8Array, wanted: string): Uint8Array | undefined {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength)
  const isElf64 = object.length > 64 && view.getUint32(0) === 0x7f454c46 && object[4] === 2 && object[5] === 1
  if (!isElf64) return undefined
  const number64 = (at: number) => Number(view.getBigUint64(at, true))
  const [table, size] = [number64(0x28), view.getUint16(0x3a, true)]
  const header = (i: number) => {
    const at = table + i * size
    return { name: view.getUint32(at, true), offset: number64(at + 0x18), bytes: number64(at + 0x20) }
  }
  const names = header(view.getUint16(0x3e, true))
  const count = view.getUint16(0x3c, true)
  for (let i = 0; i < count; i++) {
    const { name, offset, bytes } = header(i)
    if (textAt(object, names.offset + name) === wanted) return object.subarray(offset, offset + bytes)
  }
  return undefined
}

/** Up to a zero byte. */
function textAt(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString('utf8')
}

// ---------------------------------------------------------------- DWARF

function* readSection(section: Uint8Array, file: string): Generator<Row> {
  const reader = createReader(section)
  while (reader.at < section.length) {
    const length = reader.fixed(4)
    if (length >= 0xfffffff0) return
    const end = reader.at + length
    yield* readUnit(reader, end, file)
    reader.at = end
  }
}

interface Reader {
  at: number
  readonly fixed: (bytes: number) => number
  readonly signedByte: () => number
  readonly unsigned: () => number
  readonly signed: () => number
  readonly text: () => string
}

function createReader(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  /** Groups of seven bits, the lowest first. */
  const variable = (): { value: number; bits: number; negative: boolean } => {
    let value = 0
    for (let bits = 0; ; bits += 7) {
      const byte = reader.fixed(1)
      value += (byte & 0x7f) * 2 ** bits
      if ((byte & 0x80) === 0) return { value, bits: bits + 7, negative: (byte & 0x40) !== 0 }
    }
  }
  const reader: Reader = {
    at: 0,
    fixed(size) {
      let value = 0
      for (let i = 0; i < size; i++) value += view.getUint8(reader.at + i) * 2 ** (8 * i)
      reader.at += size
      return value
    },
    signedByte: () => view.getInt8(reader.at++),
    unsigned: () => variable().value,
    signed() {
      const { value, bits, negative } = variable()
      return negative ? value - 2 ** bits : value
    },
    text() {
      const text = textAt(bytes, reader.at)
      reader.at = bytes.indexOf(0, reader.at) + 1
      return text
    }
  }
  return reader
}

/** Runs the line program of one unit. */
function* readUnit(reader: Reader, end: number, wanted: string): Generator<Row> {
  const version = reader.fixed(2)
  if (version < 2 || version > 4) return
  const headerLength = reader.fixed(4)
  const program = reader.at + headerLength
  const smallestInstruction = reader.fixed(1)
  if (version === 4) reader.at++
  reader.at++
  const [lineBase, lineRange, opcodeBase] = [reader.signedByte(), reader.fixed(1), reader.fixed(1)]
  const operandCounts = Array.from({ length: opcodeBase - 1 }, () => reader.fixed(1))
  while (reader.text() !== '');
  const isWanted = [false]
  const file = () => {
    const name = reader.text()
    if (name !== '') for (let i = 0; i < 3; i++) reader.unsigned()
    return name
  }
  for (let name = file(); name !== ''; name = file()) isWanted.push(name === wanted)

  reader.at = program
  const first = { address: 0, line: 1, file: 1 }
  let now = { ...first }
  let last: typeof first | undefined
  const row = function* (): Generator<Row> {
    if (last && isWanted[last.file] === true && last.address < now.address) {
      yield { start: last.address, end: now.address, line: last.line }
    }
    last = { ...now }
  }
  const advance = (operation: number) => { now.address += operation * smallestInstruction }
  while (reader.at < end) {
    const opcode = reader.fixed(1)
    if (opcode >= opcodeBase) {
      const special = opcode - opcodeBase
      advance(Math.floor(special / lineRange))
      now.line += lineBase + special % lineRange
      yield* row()
      continue
    }
    switch (opcode) {
      case 0: {
        const next = reader.unsigned() + reader.at
        const extended = reader.fixed(1)
        if (extended === 1) {
          yield* row()
          now = { ...first }
          last = undefined
        } else if (extended === 2) now.address = reader.fixed(8)
        reader.at = next
        break
      }
      case 1:
        yield* row()
        break
      case 2:
        advance(reader.unsigned())
        break
      case 3:
        now.line += reader.signed()
        break
      case 4:
        now.file = reader.unsigned()
        break
      case 8:
        advance(Math.floor((255 - opcodeBase) / lineRange))
        break
      case 9:
        now.address += reader.fixed(2)
        break
      default:
        for (let i = 0; i < operandCounts[opcode - 1]!; i++) reader.unsigned()
    }
  }
}
