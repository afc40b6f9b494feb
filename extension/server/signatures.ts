/** Declarations as one line of Heddle, as hovers and signature help show them. */
import { membersUri } from '../../compiler-core/library/library.ts'
import type { Definition } from '../../compiler-core/language/resolve.ts'
import type { Node, Param, Type, TypeParam } from '../../compiler-core/language/syntax/tree.ts'
import { documentationOf, textOf } from '../../compiler-core/language/syntax/walk.ts'
import { parametersOf } from './members.ts'

export interface Signature { readonly label: string; readonly parameters: readonly string[] }

/** Of what can be called; undefined for anything else. */
export function signatureOf(d: Definition): Signature | undefined {
  const { node } = d
  if (node.kind !== 'Fn' && node.kind !== 'Device' && node.kind !== 'Operator') return undefined
  const parameters = parametersOf(d).map(p => parameterText(d, p))
  const typeParams = node.typeParams.length === 0 ? '' : `<${node.typeParams.map(t => typeParameterText(d, t)).join(', ')}>`
  const result = node.kind === 'Operator' ? node.results.map(p => parameterText(d, p)).join(', ') : node.result === undefined ? '' : typeText(d, node.result)
  return { label: `${d.name}${typeParams}(${parameters.join(', ')})${result === '' ? '' : ` -> ${result}`}`, parameters }
}

/** The head of the declaration: what is worth to see of it at a use. */
export function declarationText(d: Definition): string {
  const { node } = d
  switch (node.kind) {
    case 'Fn': return d.uri === membersUri ? memberText(d) : `fn ${signatureOf(d)?.label ?? d.name}`
    case 'Device': return `device ${signatureOf(d)?.label ?? d.name}`
    case 'Operator': return `operator ${signatureOf(d)?.label ?? d.name}`
    case 'Let': return node.target.kind === 'Name' && node.value.kind !== 'Missing' && !isProvided(d) ? `let ${d.name} = ${oneLine(textOf(d.parsed, node.value))}` : `let ${d.name}`
    case 'Tune': return `tune ${d.name} = ${oneLine(textOf(d.parsed, node.default))}`
    case 'CustomMapping': return oneLine(`mapping ${textOf(d.parsed, node).replace(/^mapping\s*/, '')}`)
    case 'Schedule': return `schedule ${d.name} for ${textOf(d.parsed, node.head)}`
    case 'Graph': return node.operator === undefined ? `graph ${d.name}` : `graph ${d.name} for ${node.operator.text}`
    case 'Instance': case 'Allocation': case 'Workspace': case 'Var': return oneLine(textOf(d.parsed, node))
    case 'Param': return parameterText(d, node)
    case 'TypeParam': return `type ${typeParameterText(d, node)}`
    case 'Dim': return `shape variable ${d.name}`
    case 'Binder': return `index ${oneLine(textOf(d.parsed, node))}`
    case 'Axis': case 'For': case 'Generator': return `index ${d.name}`
    case 'Kernel': return `kernel ${d.name}`
    case 'Stage': return `stage ${d.name}`
    case 'Family': return `${node.family} ${d.name}`
    default: return d.name
  }
}

/** `///` of the declaration, or of the statement that a pattern or parameter stands in. */
export function documentationFor(d: Definition): string | undefined {
  let node: Node | undefined = d.node
  if (node.kind === 'Param' || node.kind === 'TypeParam' || node.kind === 'Dim' || node.kind === 'Binder' || node.kind === 'Axis') return undefined
  while (node.parent !== undefined && node.parent.first === node.first && node.parent.kind !== 'File') node = node.parent
  return documentationOf(d.parsed, node)
}

function isProvided(d: Definition): boolean {
  return d.node.kind === 'Let' && d.node.value.kind === 'NameRef' && d.node.value.text === 'builtin'
}
function memberText(d: Definition): string {
  const call = signatureOf(d)
  if (call === undefined || d.node.kind !== 'Fn') return d.name
  const receiver = d.node.params[0]
  const type = receiver === undefined ? '' : typeText(d, receiver.type)
  return call.parameters.length === 0 ? `${type}.${d.name}${call.label.slice(d.name.length + 2)}` : `${type}.${call.label}`
}
function parameterText(d: Definition, p: Param): string {
  const optional = p.default?.kind === 'NameRef' && p.default.text === 'none'
  return optional ? `${p.name.text}?: ${typeText(d, p.type)}` : oneLine(textOf(d.parsed, p))
}
function typeText(d: Definition, t: Type): string { return oneLine(textOf(d.parsed, t)) }
function typeParameterText(d: Definition, t: TypeParam): string { return oneLine(textOf(d.parsed, t)) }

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length <= 160 ? line : `${line.slice(0, 157)}...`
}
