/**
 * Random lowered programs, each with the source that it stands for: all names and numbers are tokens that occur nowhere
 * else, and the origin of a node is the range of its own tokens.
 */
import fc from 'fast-check'
import type {
  BinaryOperator, Buffer, Expr, Program, Stmt, Type, Variable
} from '../../../compiler-core/ir/ir.ts'
import type { Origin, Origins, Span } from '../../../compiler-core/ir/origin.ts'
import { buffer, program, variable } from './support.ts'

export interface TracedProgram {
  readonly program: Program
  /** By uri: `file:///main` and `file:///calls`, from which some stacks were inlined. */
  readonly sources: ReadonlyMap<string, string>
  /** The origins of every node that was made, outermost nodes last. */
  readonly origins: Origins
}

export const token = /\b[a-z]+\d{4}\b|\b7\d{5}(?!\d)/g

/** The numbers decide what is made, one after the other; when they are used up, the smallest. */
export const tracedProgram: fc.Arbitrary<TracedProgram> =
  fc.array(fc.nat(1000), { minLength: 20, maxLength: 400, size: 'max' }).map(build)

function build(choices: readonly number[]): TracedProgram {
  let used = 0
  const pick = (n: number) => (choices[used++] ?? 0) % n
  let count = 1000
  let main = ''
  let calls = ''
  const origins: Origin[] = []
  const name = (prefix: string) => `${prefix}${count++}`
  const number = () => 700_000 + count++
  const say = (text: string | number): void => { main += ` ${text}` }

  /** Everything said by `make` is the origin of what it makes. */
  function traced<T>(make: () => T): T & { origins: Origins } {
    const start = main.length + 1
    const made = make()
    const origin: Origin = { range: { uri: 'file:///main', span: { start, end: main.length } }, through: callOf(start) }
    origins.push(origin)
    return { ...made, origins: [origin] }
  }
  function callOf(start: number): Origin | undefined {
    if (pick(4) > 0) return undefined
    const from: Span = { start: calls.length, end: calls.length + 6 }
    calls += `${String(start).padStart(6, 'c')} `
    return { range: { uri: 'file:///calls', span: from }, through: undefined }
  }

  const visible: Variable[][] = [[]]
  const known = (type: Type) => visible.flat().filter(v => v.type === type)
  const floats = [buffer(name('x'), 'f32', 'input', 64), buffer(name('y'), 'f32', 'output', 64)] as const
  const held: Buffer[] = []

  function whole(depth: number): Expr {
    return traced<Expr>(() => {
      const variables = known('u32')
      const choice = pick(depth <= 0 ? 2 : 5)
      if (choice === 1 && variables.length > 0) return mention(variables[pick(variables.length)]!)
      if (choice === 2 || choice === 3) return binary(['+', '*', '-', '/', '%', 'min', '<<', '&'], 'u32', () => whole(depth - 1))
      if (choice === 4) return select('u32', depth, whole)
      const value = number()
      say(value)
      return { kind: 'constant', value, type: 'u32', origins: [] }
    })
  }
  function float(depth: number): Expr {
    return traced<Expr>(() => {
      const variables = known('f32')
      const choice = pick(depth <= 0 ? 2 : 8)
      if (choice === 1 && variables.length > 0) return mention(variables[pick(variables.length)]!)
      if (choice === 2 || choice === 3) return binary(['+', '*', '-', '/', 'max'], 'f32', () => float(depth - 1))
      if (choice === 4) return select('f32', depth, float)
      if (choice === 5) {
        say('cast')
        return { kind: 'cast', value: whole(depth - 1), type: 'f32', origins: [] }
      }
      if (choice === 6) {
        say('-')
        return { kind: 'unary', operator: '-', operand: float(depth - 1), type: 'f32', origins: [] }
      }
      if (choice === 7) {
        say('exp')
        return { kind: 'call', intrinsic: 'exp', args: [float(depth - 1)], type: 'f32', origins: [] }
      }
      const from = [floats[0], floats[1], ...held][pick(2 + held.length)]!
      say(from.name)
      return { kind: 'load', buffer: from, indices: [whole(depth - 1)], outside: undefined, type: 'f32', origins: [] }
    })
  }
  function mention(v: Variable): Expr {
    say(v.name)
    return { kind: 'variable', variable: v, type: v.type, origins: [] }
  }
  function binary(operators: readonly BinaryOperator[], type: Type, operand: () => Expr): Expr {
    const operator = operators[pick(operators.length)]!
    const left = operand()
    say(operator)
    return { kind: 'binary', operator, left, right: operand(), type, origins: [] }
  }
  function select(type: Type, depth: number, side: (depth: number) => Expr): Expr {
    const condition = traced<Expr>(() => ({ ...binary(['<', '=='], 'bool', () => whole(0)), type: 'bool' }))
    return { kind: 'select', condition, then: side(depth - 1), otherwise: side(depth - 1), type, origins: [] }
  }

  function block(size: number, depth: number): Stmt[] {
    visible.push([])
    const body = Array.from({ length: 1 + pick(size) }, () => traced(() => statement(depth)))
    visible.pop()
    return body
  }
  function statement(depth: number): Stmt {
    switch (pick(depth > 0 ? 9 : 6)) {
      case 1: return named('let', 'u32', () => whole(3))
      case 2: return named('declare', 'f32', () => float(4))
      case 3: {
        const variables = visible.flat().filter(v => v.role === 'mutable')
        const target = variables[pick(Math.max(1, variables.length))]
        if (target === undefined) return named('declare', 'f32', () => float(1))
        say(target.name)
        return { kind: 'assign', variable: target, value: float(3), origins: [] }
      }
      case 4: {
        const [target, from] = [floats[1], floats[0]]
        say(target.name)
        const offset = whole(1)
        say(from.name)
        return { kind: 'copy', lanes: 4, to: { buffer: target, offset }, from: { buffer: from, offset: whole(1) }, origins: [] }
      }
      case 5: return update()
      case 6: {
        const v = variable(name('i'), 'u32', 'loop')
        say(v.name)
        const extent = whole(1)
        visible.push([v])
        const body = block(3, depth - 1)
        visible.pop()
        const unroll = (['full', 'never', 'automatic', 4] as const)[pick(4)]!
        return { kind: 'for', variable: v, extent, unroll, vector: false, body, origins: [] }
      }
      case 7: case 8: {
        say('if')
        const condition = traced<Expr>(() => binary(['<', '!='], 'bool', () => whole(2)))
        return { kind: 'if', condition, then: block(2, depth - 1), otherwise: pick(2) ? block(2, depth - 1) : [], origins: [] }
      }
      default: {
        say(floats[1].name)
        return { kind: 'store', buffer: floats[1], indices: [whole(2)], value: float(3), guarded: false, origins: [] }
      }
    }
  }
  function named(kind: 'let' | 'declare', type: Type, value: () => Expr): Stmt {
    const v = variable(name('v'), type, kind === 'let' ? 'let' : 'mutable')
    say(v.name)
    const note = ['', 'repeat(2)', 'spatial(2, 4) * '.repeat(8)][pick(3)]!
    const s: Stmt = kind === 'let' && note !== ''
      ? { kind, variable: v, value: value(), note, origins: [] }
      : { kind, variable: v, value: value(), origins: [] }
    visible.at(-1)!.push(v)
    return s
  }
  /** `y[i] = y[i] + value`, which is printed as an update. */
  function update(): Stmt {
    say(floats[1].name)
    const offset = whole(1)
    const value = traced<Expr>(() => {
      const left = traced<Expr>(() => {
        say(floats[1].name)
        return { kind: 'load', buffer: floats[1], indices: [offset], outside: undefined, type: 'f32', origins: [] }
      })
      say('+')
      return { kind: 'binary', operator: '+', left, right: float(2), type: 'f32', origins: [] }
    })
    return { kind: 'store', buffer: floats[1], indices: [offset], value, guarded: false, origins: [] }
  }

  const register = buffer(name('r'), 'f32', 'register', 8)
  held.push(register)
  const allocation = traced<Stmt>(() => {
    say(register.name)
    return { kind: 'allocate', buffer: register, value: undefined, reuses: [], origins: [] }
  })
  const kernels = [{ body: [allocation, ...block(12, 3)] }]
  return {
    program: program(name('p'), [...floats], kernels), origins,
    sources: new Map([['file:///main', main], ['file:///calls', calls]])
  }
}
