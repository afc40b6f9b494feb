// Expressions as text, their exact values, and facts to go with them, for tests of the intermediate representation.
import { constant, load, ref } from '../../../compiler-core/ir/build.ts'
import { assuming, noFacts, withLet, withRange, type Facts } from '../../../compiler-core/ir/facts.ts'
import type { BinaryOperator, Buffer, Expr, Variable } from '../../../compiler-core/ir/ir.ts'

export function variable(name: string, role: Variable['role'] = 'loop', type: Variable['type'] = 'index'): Variable {
  return { name, role, type }
}

export type Names = ReadonlyMap<string, Variable | Buffer>

const levels: ReadonlyArray<readonly string[]> = [
  ['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>='], ['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']
]

/**
 * An expression in which nothing is folded: `x / 8 + min(i, 3) - (if i < 2 then a[i] else 0)`, `ceil_div(m, 8)`,
 * `i32(x)`. Names that are not given are variables of the type `index`, made by `fresh`.
 */
export function parse(text: string, names: Names, fresh?: (name: string) => Variable): Expr {
  const tokens = text.match(/\w+|\|\||&&|==|!=|<=|>=|<<|>>|\S/g) ?? []
  let at = 0
  const result = level(0)
  if (at < tokens.length) throw new Error(`${tokens[at]} in ${text}`)
  return result

  function accept(token: string): boolean {
    if (tokens[at] !== token) return false
    at++
    return true
  }
  function expect(token: string): void {
    if (!accept(token)) throw new Error(`no ${token} at ${tokens.slice(at).join(' ')} of ${text}`)
  }
  function level(n: number): Expr {
    const operators = levels[n]
    if (!operators) return prefix()
    let left = level(n + 1)
    for (let token = tokens[at]; token !== undefined && operators.includes(token); token = tokens[at]) {
      at++
      const right = level(n + 1)
      left = token === '>' ? plain('<', right, left)
        : token === '>=' ? plain('<=', right, left) : plain(token as BinaryOperator, left, right)
    }
    return left
  }
  function prefix(): Expr {
    if (accept('-')) return { kind: 'unary', operator: '-', operand: prefix(), type: 'index', origins: [] }
    if (accept('!')) return { kind: 'unary', operator: '!', operand: prefix(), type: 'bool', origins: [] }
    if (accept('~')) return { kind: 'unary', operator: '~', operand: prefix(), type: 'index', origins: [] }
    return primary()
  }
  function primary(): Expr {
    const token = tokens[at++] ?? ''
    if (/^\d/.test(token)) return constant(Number(token))
    if (token === '(') {
      const e = level(0)
      expect(')')
      return e
    }
    if (token === 'if') {
      const condition = level(0)
      expect('then')
      const then = level(0)
      expect('else')
      const otherwise = level(0)
      return { kind: 'select', condition, then, otherwise, type: then.type, origins: [] }
    }
    if (accept('(')) {
      const args = list(')')
      const [first, second] = args as [Expr, Expr]
      if (token === 'min' || token === 'max') return plain(token, first, second)
      if (token === 'ceil_div') return plain('/', plain('-', plain('+', first, second), constant(1)), second)
      return { kind: 'cast', value: first, type: token as 'i32', origins: [] }
    }
    if (token === 'true' || token === 'false') return constant(token === 'true' ? 1 : 0, 'bool')
    const named = names.get(token)
    if (named && 'element' in named) {
      expect('[')
      return load(named, list(']'))
    }
    const found = named ?? fresh?.(token)
    if (!found) throw new Error(`${token} in ${text}`)
    return ref(found)
  }
  function list(end: string): Expr[] {
    const items = [level(0)]
    while (accept(',')) items.push(level(0))
    expect(end)
    return items
  }
}

function plain(operator: BinaryOperator, left: Expr, right: Expr): Expr {
  const logical = ['<', '<=', '==', '!=', '&&', '||'].includes(operator)
  return { kind: 'binary', operator, left, right, type: logical ? 'bool' : left.type, origins: [] }
}

/** What is known, as text: `0 <= i < 8` (a range), `i = j * 4` (a let), anything else is assumed. */
export interface Place { readonly facts: Facts; readonly names: Map<string, Variable | Buffer> }

/** `extent m, n; 0 <= i < m; row = i / 4; n % 4 == 0` */
export function place(text: string, buffers: readonly Buffer[] = []): Place {
  const names = new Map<string, Variable | Buffer>(buffers.map(b => [b.name, b]))
  let facts = noFacts
  const fresh = (name: string): Variable => {
    const made = variable(name)
    names.set(name, made)
    return made
  }
  const of = (part: string) => parse(part, names, fresh)
  for (const clause of text.split(';').map(c => c.trim()).filter(c => c !== '')) {
    const extents = /^extent (.*)$/.exec(clause)
    const range = /^(.+?) (<=?) (\w+) (<=?) (.+)$/.exec(clause)
    const value = /^(\w+) = (.+)$/.exec(clause)
    if (extents) {
      for (const name of extents[1]!.split(',')) names.set(name.trim(), variable(name.trim(), 'extent'))
    } else if (range) {
      const [, low, after, name, before, high] = range as unknown as [string, string, string, string, string, string]
      const v = (names.get(name) as Variable | undefined) ?? fresh(name)
      facts = withRange(facts, v,
        after === '<' ? plain('+', of(low), constant(1)) : of(low),
        before === '<' ? plain('-', of(high), constant(1)) : of(high))
    } else if (value) {
      const v = variable(value[1]!, 'let')
      facts = withLet(facts, v, of(value[2]!))
      names.set(v.name, v)
    } else {
      facts = assuming(facts, of(clause))
    }
  }
  return { facts, names }
}

/** Exact; undefined where it has no value. Of whole numbers and conditions. */
export function valueOf(e: Expr, values: ReadonlyMap<Variable, bigint>): bigint | undefined {
  switch (e.kind) {
    case 'constant': return BigInt(e.value)
    case 'variable': return values.get(e.variable)
    case 'unary': {
      const x = valueOf(e.operand, values)
      return x === undefined ? undefined : e.operator === '-' ? -x : e.operator === '~' ? ~x : x === 0n ? 1n : 0n
    }
    case 'select': {
      const condition = valueOf(e.condition, values)
      return condition === undefined ? undefined : valueOf(condition !== 0n ? e.then : e.otherwise, values)
    }
    case 'cast': {
      const x = valueOf(e.value, values)
      return x === undefined || e.type === 'index' ? x : wrapped(x, e.type)
    }
    case 'binary': {
      const x = valueOf(e.left, values)
      if (x === undefined) return undefined
      if (e.operator === '&&' && x === 0n) return 0n
      if (e.operator === '||' && x !== 0n) return 1n
      const y = valueOf(e.right, values)
      const z = y === undefined ? undefined : compute(e.operator, x, y)
      return z === undefined || e.type === 'index' ? z : wrapped(z, e.type)
    }
    case 'load':
    case 'call':
    case 'reduce': return undefined
  }
}

function wrapped(x: bigint, type: string): bigint {
  const bits = Number(/\d+/.exec(type)?.[0] ?? 1)
  return type === 'bool' ? BigInt(x !== 0n) : type.startsWith('i') ? BigInt.asIntN(bits, x) : BigInt.asUintN(bits, x)
}

function compute(operator: BinaryOperator, x: bigint, y: bigint): bigint | undefined {
  switch (operator) {
    case '+': return x + y
    case '-': return x - y
    case '*': return x * y
    case '/': return y === 0n ? undefined : floorDivided(x, y)
    case '%': return y === 0n ? undefined : x - floorDivided(x, y) * y
    case 'min': return x < y ? x : y
    case 'max': return x < y ? y : x
    case '&': return x & y
    case '|': return x | y
    case '^': return x ^ y
    case '<<': return y < 0n || y > 60n ? undefined : x << y
    case '>>': return y < 0n || y > 60n ? undefined : x >> y
    case '<': return BigInt(x < y)
    case '<=': return BigInt(x <= y)
    case '==': return BigInt(x === y)
    case '!=': return BigInt(x !== y)
    case '&&': return BigInt(x !== 0n && y !== 0n)
    case '||': return BigInt(x !== 0n || y !== 0n)
  }
}

function floorDivided(x: bigint, y: bigint): bigint {
  const q = x / y
  return q * y !== x && x < 0n !== y < 0n ? q - 1n : q
}

