/**
 * A program of any stage as text that reads like Heddle: for `heddle build --stages`, for messages and for people who
 * debug a pass. It is not parsed again. Variables and buffers that share a name are numbered.
 *
 *     tasks { variables: [i], mapping: repeat(2) * spatial(4), worker: threadIdx.x, body: [store y[i] = x[i]] }
 *
 *     for (i) in (repeat(2) * spatial(4)).on(threadIdx.x) {
 *       y[i] = x[i]
 *     }
 */
import { layoutText } from '../mapping/layout.ts'
import { mappingText } from '../mapping/mapping.ts'
import type { BinaryOperator, Buffer, Expr, For, Kernel, Program, Stmt, Variable } from './ir.ts'

export function printProgram(program: Program): string {
  const names = uniqueNames()
  for (const v of program.extents) names(v)
  const declared = (b: Buffer) => `${names(b)}: ${b.element}[${list(b.shape, names)}]`
  const lines = [
    `program ${program.name}`,
    ...program.parameters.map(b => `${b.scope} ${declared(b)}${placed(b)}`),
    ...program.workspaces.map(({ buffer, value }) =>
      `workspace ${declared(buffer)}${value ? ` = ${exprText(value, names)}` : ''}`)
  ]
  if (program.extents.length > 0) lines.push(`extents ${program.extents.map(names).join(', ')}`)
  for (const kernel of program.kernels) lines.push('', ...kernelLines(kernel, names))
  return `${lines.join('\n')}\n`
}

export function printStatements(body: readonly Stmt[]): string {
  return block(body, '', uniqueNames()).join('\n')
}

/** On one line. Variables have their names as in the source. */
export function printExpr(e: Expr): string {
  return exprText(e, x => x.name)
}

// ---------------------------------------------------------------- names

type Names = (x: Variable | Buffer) => string

function uniqueNames(): Names {
  const names = new Map<Variable | Buffer, string>(), taken = new Set<string>()
  return x => {
    let name = names.get(x)
    if (name === undefined) {
      name = x.name
      for (let n = 1; taken.has(name); n++) name = `${x.name}_${n}`
      taken.add(name)
      names.set(x, name)
    }
    return name
  }
}

// ---------------------------------------------------------------- statements

function kernelLines(k: Kernel, names: Names): string[] {
  const grid = k.grid.map(e => exprText(e, names)).join(', ')
  const minBlocks = k.minBlocks === undefined ? '' : `, min_blocks: ${k.minBlocks}`
  return [
    `kernel ${k.name}(grid: (${grid}), block: (${k.block.join(', ')})${minBlocks}) {`,
    ...block(k.body, '  ', names),
    '}'
  ]
}

function block(body: readonly Stmt[], indent: string, names: Names): string[] {
  return body.flatMap(s => stmtLines(s, indent, names))
}

function stmtLines(s: Stmt, indent: string, names: Names): string[] {
  const text = (e: Expr) => exprText(e, names)
  const line = (content: string): string[] => [`${indent}${content}`]
  const nested = (head: string, body: readonly Stmt[], tail = '}') =>
    [`${indent}${head} {`, ...block(body, `${indent}  `, names), `${indent}${tail}`]
  switch (s.kind) {
    case 'let':
      return line(`let ${names(s.variable)}: ${s.variable.type} = ${text(s.value)}${note(s.note)}`)
    case 'declare':
      return line(`var ${names(s.variable)}: ${s.variable.type} = ${text(s.value)}`)
    case 'assign':
      return line(`${names(s.variable)} = ${text(s.value)}`)
    case 'allocate': {
      const { buffer, value, reuses } = s
      const shape = list(buffer.shape, names)
      const over = reuses.length > 0 ? ` reuses (${reuses.map(names).join(', ')})` : ''
      const first = value ? ` = ${text(value)}` : ''
      return line(`${buffer.scope} ${names(buffer)}: ${buffer.element}[${shape}]${placed(buffer)}${over}${first}`)
    }
    case 'store':
      return line(`${s.async ? 'async ' : ''}${names(s.buffer)}[${list(s.indices, names)}] ${s.guarded ? '=?' : '='} ${text(s.value)}`)
    case 'copy': {
      const [to, from] = [s.to, s.from].map(c => cells(c, s.lanes, names)), condition = s.async?.condition
      return line(`${s.async ? 'async ' : ''}${to} = ${condition ? `if ${text(condition)} then ${from} else 0` : from}`)
    }
    case 'for':
      return nested(`${loopWords(s)}for ${names(s.variable)} in 0..${operandText(s.extent, 8, names)}`, s.body)
        .map((l, i) => i === 0 ? `${l}${note(s.note)}` : l)
    case 'tasks': {
      const variables = s.variables.map(names).join(', ')
      const mapping = `(${mappingText(s.mapping)}).on(${text(s.worker)})`
      return nested(`${s.async ? 'async ' : ''}for (${variables}) in ${mapping}`, s.body)
    }
    case 'if': {
      const head = nested(`if ${text(s.condition)}`, s.then)
      if (s.otherwise.length === 0) return head
      return [...head.slice(0, -1), ...nested('} else', s.otherwise)]
    }
    case 'while':
      return nested(`while ${text(s.condition)}`, s.body)
    case 'jump':
      return line(s.to)
    case 'barrier':
      return line('syncthreads()')
    case 'effect':
      switch (s.effect) {
        case 'atomic_add': {
          const call = `atomic_add(${names(s.buffer)}[${list(s.indices, names)}], ${text(s.value)})`
          return line(s.old ? `let ${names(s.old)}: ${s.old.type} = ${call}` : call)
        }
        case 'commit_group':
          return line('commit_group()')
        case 'wait_group':
          return line(`wait_group(${s.pending})`)
        case 'assert':
          return line(`assert(${text(s.condition)}, ${JSON.stringify(s.message)})`)
      }
  }
}

function loopWords(s: For): string {
  const unroll = s.unroll === 'full' ? 'unroll ' : s.unroll === 'never' ? 'rolled '
    : s.unroll === 'automatic' ? '' : `unroll(${s.unroll}) `
  return `${s.vector ? 'vector ' : ''}${unroll}`
}

function cells(place: { buffer: Buffer; offset: Expr }, lanes: number, names: Names): string {
  return `${names(place.buffer)}[${exprText(place.offset, names)}${lanes === 1 ? '' : ` ..+ ${lanes}`}]`
}

function placed(b: Buffer): string {
  return b.layout ? ` in ${layoutText(b.layout)}` : ''
}

function note(text: string | undefined): string {
  return text === undefined || text === '' ? '' : `  // ${text}`
}

// ---------------------------------------------------------------- expressions

const levels: Readonly<Record<Exclude<BinaryOperator, 'min' | 'max'>, number>> = {
  '||': 1, '&&': 2, '<': 3, '<=': 3, '==': 3, '!=': 3, '|': 4, '^': 5, '&': 6, '<<': 7, '>>': 7,
  '+': 8, '-': 8, '*': 9, '/': 9, '%': 9
}
const unaryLevel = 10

function list(items: readonly Expr[], names: Names): string {
  return items.map(e => exprText(e, names)).join(', ')
}

/** In parentheses where the place binds tighter than the expression. */
function operandText(e: Expr, level: number, names: Names): string {
  const text = exprText(e, names)
  return levelOf(e) < level ? `(${text})` : text
}

function levelOf(e: Expr): number {
  switch (e.kind) {
    case 'select': return 0
    case 'binary': return e.operator === 'min' || e.operator === 'max' ? unaryLevel + 1 : levels[e.operator]
    case 'unary': return unaryLevel
    case 'constant': return e.value < 0 ? unaryLevel : unaryLevel + 1
    case 'load': return e.outside ? unaryLevel : unaryLevel + 1
    default: return unaryLevel + 1
  }
}

function exprText(e: Expr, names: Names): string {
  switch (e.kind) {
    case 'constant':
      return e.type === 'bool' ? (e.value ? 'true' : 'false') : numberText(e.value)
    case 'variable':
      return names(e.variable)
    case 'binary': {
      const { operator } = e
      if (operator === 'min' || operator === 'max') return `${operator}(${list([e.left, e.right], names)})`
      const level = levels[operator], comparison = level === 3
      return `${operandText(e.left, comparison ? level + 1 : level, names)} ${operator} ${operandText(e.right, level + 1, names)}`
    }
    case 'unary':
      return `${e.operator}${operandText(e.operand, unaryLevel + 1, names)}`
    case 'select':
      return `if ${exprText(e.condition, names)} then ${operandText(e.then, 1, names)} else ${exprText(e.otherwise, names)}`
    case 'cast':
      return `${e.type}(${exprText(e.value, names)})`
    case 'load': {
      const element = `${names(e.buffer)}[${list(e.indices, names)}]`
      return e.outside ? `${element} ?? ${operandText(e.outside, unaryLevel + 1, names)}` : element
    }
    case 'call':
      return `${e.intrinsic}(${list(e.args, names)})`
    case 'reduce': {
      const axes = e.axes.map(a => `${names(a.variable)} < ${operandText(a.extent, 4, names)}`).join(', ')
      return `${e.reducer}[${axes}] ${operandText(e.body, 9, names)}`
    }
  }
}

function numberText(value: number | bigint): string {
  if (value === Infinity) return 'inf'
  if (value === -Infinity) return '-inf'
  return String(value)
}
