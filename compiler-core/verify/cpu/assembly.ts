/**
 * The `asm` statements of wrappers as C++ that does what their PTX says, instruction by instruction: an operand that is
 * swapped in a wrapper is swapped here too.
 *
 *     float shfl_xor_sync(float value, unsigned distance) {
 *       asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, -1;" : "=f"(result) : "f"(value), "r"(distance));
 *   ->
 *     float shfl_xor_sync(float value, unsigned distance, unsigned heddle__line = __builtin_LINE()) {
 *       { uint32_t heddle__0; const auto heddle__1 = heddle_bits<uint32_t>(value); ...
 *         heddle__0 = heddle_shfl_bfly(heddle__1, heddle__2, 31u, -1u, heddle__line); heddle_set(result, heddle__0); }
 *
 * A register holds bits; an instruction takes them as its type says, through functions of ptx.h (values) or of the
 * runtime (what needs other threads, memory or time). The latter learn the line of the call that the wrapper serves.
 *
 * Source: PTX ISA 8.5, chapter 9, "Instruction Set"; "Inline PTX Assembly in CUDA", section 1.1, "Parameters".
 */
import type { Span } from '../../ir/origin.ts'
import { tokenize, type Token, type Tokens } from './tokens.ts'

export type Translation =
  | {
    readonly text: string
    /** The functions whose last parameter is by default the line of their call. */
    readonly located: ReadonlySet<string>
  }
  /** An instruction that is not known here, or not as it is used. */
  | { readonly unknown: string }

/** `text`: the part of a CUDA text in front of its kernels. */
export function translateAssembly(text: string): Translation {
  const tokens = tokenize(text)
  const functions = functionsOf(tokens)
  const located = new Set<FunctionTokens>()
  const edits: Edit[] = []
  const locate = (position: number) => {
    const around = functions.find(f => f.body < position && position < tokens.partner(f.body)!)
    if (around) located.add(around)
  }
  for (const [i, { text: word, span }] of tokens.list.entries()) {
    if (word === 'asm') {
      const statement = asmStatement(text, tokens, i)
      const translated = translate(statement)
      if ('unknown' in translated) return translated
      if (translated.located) locate(i)
      edits.push({ span: statement.span, text: translated.text })
    } else if (isVolatileRead(tokens, i)) {
      const address = tokens.list[i + 6]!
      locate(i)
      edits.push({
        span: { start: span.start, end: address.span.end }, text: `heddle_volatile_read_b32(${address.text}, ${line})`
      })
    }
  }
  for (const { parameters } of located) {
    const close = tokens.list[tokens.partner(parameters)!]!
    const separator = tokens.partner(parameters) === parameters + 1 ? '' : ', '
    edits.push({
      span: { start: close.span.start, end: close.span.start }, text: `${separator}unsigned ${line} = __builtin_LINE()`
    })
  }
  return { text: edited(text, edits), located: new Set([...located].map(f => f.name)) }
}

const line = 'heddle__line'

interface Edit { readonly span: Span; readonly text: string }

function edited(text: string, edits: readonly Edit[]): string {
  let result = ''
  let at = 0
  for (const { span, text: inserted } of [...edits].sort((a, b) => a.span.start - b.span.start)) {
    result += text.slice(at, span.start) + inserted
    at = span.end
  }
  return result + text.slice(at)
}

// ---------------------------------------------------------------- what stands in the text

/** Positions of the opening brackets of a function that is no member. */
interface FunctionTokens { readonly name: string; readonly parameters: number; readonly body: number }

function functionsOf({ list, partner }: Tokens): readonly FunctionTokens[] {
  const functions: FunctionTokens[] = []
  for (let i = 0; i < list.length; i++) {
    const { kind, text } = list[i]!
    const close = partner(i)
    if (kind !== 'symbol' || close === undefined || !'({'.includes(text)) continue
    if (text === '(' && list[i - 1]?.kind === 'word' && list[close + 1]?.text === '{') {
      functions.push({ name: list[i - 1]!.text, parameters: i, body: close + 1 })
    }
    i = close
  }
  return functions
}

/** `*(volatile unsigned *)word` */
function isVolatileRead({ list }: Tokens, position: number): boolean {
  return ['*', '(', 'volatile', 'unsigned', '*', ')'].every((text, i) => list[position + i]?.text === text)
}

interface AsmStatement {
  readonly span: Span
  /** All strings of the template together. */
  readonly template: string
  readonly outputs: readonly AsmOperand[]
  readonly inputs: readonly AsmOperand[]
}

interface AsmOperand { readonly constraint: string; readonly expression: string }

/** `asm volatile("..." "..." : "=r"(x) : "r"(y), "l"(z) : "memory");` from its first word on. */
function asmStatement(text: string, { list, partner }: Tokens, start: number): AsmStatement {
  const open = list[start + 1]!.text === 'volatile' ? start + 2 : start + 1
  const close = partner(open)!
  let template = ''
  const sections: AsmOperand[][] = []
  for (let i = open + 1; i < close; i++) {
    const token = list[i]!
    if (token.text === ':') sections.push([])
    else if (token.text === '::') sections.push([], [])
    else if (sections.length === 0) template += unquoted(token)
    else if (token.kind === 'string' && list[i + 1]?.text === '(') {
      const end = partner(i + 1)!
      const expression = text.slice(list[i + 1]!.span.end, list[end]!.span.start)
      sections.at(-1)!.push({ constraint: unquoted(token), expression })
      i = end
    }
  }
  const [outputs = [], inputs = []] = sections
  return { span: { start: list[start]!.span.start, end: list[close + 1]!.span.end }, template, outputs, inputs }
}

function unquoted({ text }: Token): string {
  return text.slice(1, -1)
}

// ---------------------------------------------------------------- one statement

type Bits = 16 | 32 | 64
type Translated = { readonly text: string; readonly located: boolean } | { readonly unknown: string }

/** A register of PTX, or a number that the C++ compiler knows. */
interface Register { readonly name: string; readonly bits: Bits | 'number' }

/**
 * A block: values into registers, the instructions, registers into variables. Inputs come first, before the template's
 * own registers hide a variable of the same name.
 */
function translate({ template, outputs, inputs }: AsmStatement): Translated {
  const parts: string[] = []
  const registers = new Map<string, Register>()
  let located = false
  const operands = [...outputs, ...inputs]
  for (const [i, { constraint, expression }] of operands.entries()) {
    const bits = constraintBits[constraint.replace('=', '')]
    if (bits === undefined) return { unknown: `"${constraint}"` }
    const name = bits === 'number' ? `uint32_t(${expression})` : `heddle__${i}`
    registers.set(`%${i}`, { name, bits })
    if (i < outputs.length) parts.push(`uint${bits}_t ${name};`)
    else if (bits !== 'number') parts.push(`const auto ${name} = heddle_bits<uint${bits}_t>(${expression});`)
  }
  for (const statement of instructionsOf(template)) {
    const declared = /^\.reg \.[bu](16|32|64) (.+)$/.exec(statement)
    if (declared) {
      for (const name of declared[2]!.split(',').map(n => n.trim())) {
        registers.set(name, { name: `heddle__${name}`, bits: Number(declared[1]) as Bits })
        parts.push(`uint${declared[1]}_t heddle__${name};`)
      }
      continue
    }
    const written = instruction(statement, registers)
    if (written === undefined) return { unknown: statement }
    parts.push(written.text)
    located ||= written.located
  }
  outputs.forEach(({ expression }, i) => parts.push(`heddle_set(${expression}, heddle__${i});`))
  return { text: `{ ${parts.join(' ')} }`, located }
}

const constraintBits: Readonly<Record<string, Bits | 'number'>> = { h: 16, r: 32, l: 64, f: 32, d: 64, n: 'number' }

/** Without the braces around them: `{a, b}` of an operand has none that stands alone. */
function instructionsOf(template: string): readonly string[] {
  return template.trim().replace(/^\{\s|\s\}$/g, '').split(';').map(s => s.trim().replace(/\s+/g, ' ')).filter(s => s !== '')
}

// ---------------------------------------------------------------- one instruction

type CType = 'u16' | 'u32' | 'u64' | 'f32' | 'f64'

/** A function of C++: what it is called, what it takes and gives, and whether it is told the line. */
interface Meaning {
  readonly call: string
  readonly takes: readonly CType[]
  readonly gives: CType | undefined
  readonly located: boolean
}

function instruction(
  statement: string, registers: ReadonlyMap<string, Register>
): { readonly text: string; readonly located: boolean } | undefined {
  const [, opcode, rest] = /^(\S+)(?: (.*))?$/.exec(statement)!
  const operands = operandsOf(rest ?? '')
  if (opcode === 'mov.b64') return moveOfPair(operands, registers)
  // all bytes are read where it is not said how many
  if (opcode!.startsWith('cp.async.c') && operands.length === 3) operands.push(operands[2]!)
  const meaning = meaningOf(opcode!)
  if (meaning === undefined) return undefined
  const { call, takes, gives, located } = meaning
  if (operands.length !== takes.length + (gives === undefined ? 0 : 1)) return undefined
  const args = (gives === undefined ? operands : operands.slice(1)).map((o, i) => argument(o, takes[i]!, registers))
  const result = gives === undefined ? undefined : registers.get(operands[0]!)
  if (args.includes(undefined) || (gives !== undefined && result?.bits !== bitsOf(gives))) return undefined
  const called = `${call}(${[...args, ...located ? [line] : []].join(', ')})`
  if (result === undefined) return { text: `${called};`, located }
  const bits = gives?.startsWith('f') === true ? `heddle_bits<uint${result.bits}_t>(${called})` : called
  return { text: `${result.name} = ${bits};`, located }
}

/** Commas within braces divide no operands. */
function operandsOf(text: string): string[] {
  return text === '' ? [] : text.split(/,\s*(?![^{]*\})/).map(o => o.trim())
}

/** `[a]` is the address in `a`. */
function argument(operand: string, type: CType, registers: ReadonlyMap<string, Register>): string | undefined {
  const register = registers.get(operand.replace(/^\[(.*)\]$/, '$1'))
  if (register) {
    if (register.bits === 'number') return register.name
    if (register.bits !== bitsOf(type)) return undefined
    return type.startsWith('f') ? `heddle_bits<${type === 'f32' ? 'float' : 'double'}>(${register.name})` : register.name
  }
  return /^-?(\d+|0x[\da-fA-F]+)$/.test(operand) ? `${operand}u` : undefined
}

function bitsOf(type: CType): Bits {
  return Number(type.slice(1)) as Bits
}

/** A 64-bit register to its two halves, the lower one first, or from them. */
function moveOfPair(
  operands: readonly string[], registers: ReadonlyMap<string, Register>
): { readonly text: string; readonly located: false } | undefined {
  const pair = (operand: string | undefined) => {
    const halves = /^\{(\w+), ?(\w+)\}$/.exec(operand ?? '')?.slice(1).map(name => registers.get(name))
    return halves?.every(half => half?.bits === 32) === true ? halves.map(half => half!.name) : undefined
  }
  const whole = (operand: string | undefined) => {
    const register = registers.get(operand ?? '')
    return register?.bits === 64 ? register.name : undefined
  }
  const [to, from] = operands
  const [low, high] = pair(to) ?? pair(from) ?? []
  const wide = pair(to) ? whole(from) : whole(to)
  if (low === undefined || wide === undefined) return undefined
  return {
    text: pair(to)
      ? `${low} = uint32_t(${wide}); ${high} = uint32_t(${wide} >> 32);` : `${wide} = uint64_t(${high}) << 32 | ${low};`,
    located: false
  }
}

function meaningOf(opcode: string): Meaning | undefined {
  const runtime = (call: string, takes: readonly CType[], gives?: CType): Meaning =>
    ({ call: `heddle_${call}`, takes, gives, located: true })
  const value = values[opcode]
  if (value) return { call: `ptx_${opcode.replaceAll('.', '_')}`, takes: value.slice(1), gives: value[0], located: false }
  const shuffle = /^shfl\.sync\.(bfly|down)\.b32$/.exec(opcode)
  if (shuffle) return runtime(`shfl_${shuffle[1]}`, ['u32', 'u32', 'u32', 'u32'], 'u32')
  const address = /^cvta\.to\.(shared|global)\.u64$/.exec(opcode)
  if (address) return runtime(`to_${address[1]}`, ['u64'], 'u64')
  const atomic = /^atom\.(shared|global)\.(add|cas)\.(?:noftz\.)?(\w+)$/.exec(opcode)
  if (atomic) {
    const [, memory, operation, name] = atomic
    const type = atomicTypes[`${operation}.${name}`]
    const takes = (t: CType): readonly CType[] => operation === 'cas' ? ['u64', t, t] : ['u64', t]
    return type && runtime(`atomic_${operation}_${memory}_${name}`, takes(type), type)
  }
  switch (opcode) {
    case 'cp.async.ca.shared.global': case 'cp.async.cg.shared.global':
      return runtime('copy_async', ['u64', 'u64', 'u32', 'u32'])
    case 'cp.async.commit_group': return runtime('commit_group', [])
    case 'cp.async.wait_group': return runtime('wait_group', ['u32'])
    case 'trap': return runtime('trap', [])
    default: return undefined
  }
}

/** What gives a value and takes values, by ptx.h: the type of the result, then those of the operands. */
const values: Readonly<Record<string, readonly [CType, ...CType[]]>> = {
  'cvt.rn.f16.f32': ['u16', 'f32'], 'cvt.f32.f16': ['f32', 'u16'],
  'cvt.rn.bf16.f32': ['u16', 'f32'], 'cvt.rna.tf32.f32': ['u32', 'f32'],
  'cvt.u32.u16': ['u32', 'u16'], 'cvt.u16.u32': ['u16', 'u32'],
  'add.rn.f16': ['u16', 'u16', 'u16'], 'sub.rn.f16': ['u16', 'u16', 'u16'], 'mul.rn.f16': ['u16', 'u16', 'u16'],
  'min.f16': ['u16', 'u16', 'u16'], 'max.f16': ['u16', 'u16', 'u16'],
  'min.bf16': ['u16', 'u16', 'u16'], 'max.bf16': ['u16', 'u16', 'u16'],
  'mul.rn.f32': ['f32', 'f32', 'f32'], 'mul.rn.f64': ['f64', 'f64', 'f64']
}

const atomicTypes: Readonly<Record<string, CType>> = {
  'add.u32': 'u32', 'add.u64': 'u64', 'add.f32': 'f32', 'add.f64': 'f64', 'add.f16': 'u16', 'add.bf16': 'u16',
  'cas.b32': 'u32'
}
