import type { Node } from '../../../../compiler-core/language/syntax/tree.ts'
import { childFields } from '../../../../compiler-core/language/syntax/walk.ts'

/**
 * A tree as an S-expression. Names are their text, literals their value, `?` is what is absent; other nodes are `(Kind
 * field ...)` with scalar fields as `field=value`, empty lists and absent parts left out, and lists in brackets: `a +
 * f(1)` gives `(+ a (Call f [1]))`.
 */
export function dump(node: Node): string {
  switch (node.kind) {
    case 'Name': case 'NameRef': return node.text === '' ? '?' : node.text
    case 'Missing': return '?'
    case 'NumberLiteral': return node.text
    case 'StringLiteral': return JSON.stringify(node.value)
    case 'BooleanLiteral': return String(node.value)
    case 'Binary': return `(${node.operator} ${dump(node.left)} ${dump(node.right)})`
    case 'Unary': return `(${node.operator} ${dump(node.operand)})`
    case 'Argument': return node.name === undefined ? dump(node.value) : `${dump(node.name)}:${dump(node.value)}`
    case 'Member': return `${dump(node.receiver)}.${dump(node.member)}`
    case 'Parenthesized': return `(${dump(node.value)})`
    case 'TuplePattern': return `(${node.items.map(dump).join(' ')})`
    case 'Axis': return (node.rest ? '...' : '') + dump(node.name)
    case 'Binder': return `${node.rest ? '...' : ''}${dump(node.name)}<${dump(node.extent)}`
    case 'Dim': return (node.rest ? '...' : '') + dump(node.size)
    case 'Spread': return `...${dump(node.value)}`
    case 'Whole': return '..'
    case 'Range': return `${dump(node.from)}..${dump(node.to)}`
    case 'Slice': return node.to === undefined ? `${dump(node.from)}..+${dump(node.length!)}` : `${dump(node.from)}..${dump(node.to)}`
    case 'TensorType': {
      const dims = node.dims.length === 0 ? '' : `[${node.dims.map(dump).join(' ')}]`
      const layout = node.layout === undefined ? '' : ` in ${dump(node.layout)}`
      return (node.scope === undefined ? '' : `${node.scope} `) + dump(node.element) + dims + layout
    }
    case 'Assignment': return `(${node.operator} ${dump(node.target)} ${dump(node.value)})`
    default:
  }
  const parts: string[] = [node.kind]
  const fields: readonly string[] = childFields[node.kind]
  for (const [field, value] of Object.entries(node) as [string, unknown][]) {
    if (['kind', 'first', 'last', 'parent'].includes(field) || value === undefined) continue
    if (!fields.includes(field)) parts.push(`${field}=${String(value)}`)
    else if (!Array.isArray(value)) parts.push(dump(value as Node))
    else if (value.length > 0) parts.push(`[${(value as Node[]).map(dump).join(' ')}]`)
  }
  return `(${parts.join(' ')})`
}
