/**
 * What stands after a dot. Members are declared in a library file as functions whose first parameter is the value
 * before the dot, so that `m.workers` is documented, completed and opened like any function. Which ones a value has
 * follows from its kind, and where the value is not known at compile time, from what its expression must give.
 */
import { membersUri } from '../../compiler-core/library/library.ts'
import type { Definition } from '../../compiler-core/language/resolve.ts'
import type { Call, Device, Expr, Fn, Member, Name, NameRef, Param, Type } from '../../compiler-core/language/syntax/tree.ts'
import type { Value } from '../../compiler-core/language/values.ts'
import { valueOf, type Files, type SourceFile } from './files.ts'

/** The type of a receiver, as the library names it. */
type Kind = 'mapping' | 'layout' | 'shape' | 'dtype' | 'reducer' | 'architecture'

/** The members of an expression's value; of one whose kind is not known, all there are. */
export function membersOf(file: SourceFile, files: Files, receiver: Expr): readonly Definition[] {
  const kind = kindOf(file, files, receiver)
  const all = (files.file(membersUri)?.analysis.resolved.definitions ?? []).filter(d => d.node.kind === 'Fn')
  return kind === undefined ? all : all.filter(d => receiverKind(d) === kind)
}

function memberDefinition(file: SourceFile, files: Files, member: Member): Definition | undefined {
  return membersOf(file, files, member.receiver).find(d => d.name === member.member.text)
}

/**
 * What a name means: as resolved, or as a member or a named argument of something that is not known at compile time.
 */
export function meaningOf(file: SourceFile, files: Files, name: Name | NameRef): Definition | undefined {
  const resolved = file.analysis.resolved.definitionOf.get(name)
  if (resolved !== undefined) return resolved
  const { parent } = name
  if (parent?.kind === 'Member' && parent.member === name) return memberDefinition(file, files, parent)
  if (parent?.kind !== 'Argument' || parent.name !== name || parent.parent?.kind !== 'Call') return undefined
  return calleeOf(file, files, parent.parent)?.scope?.names.get(name.text)
}

/** What a call calls, where that has a signature. */
export function calleeOf(file: SourceFile, files: Files, call: Call): Definition | undefined {
  const { callee } = call
  if (callee.kind === 'NameRef') return file.analysis.resolved.definitionOf.get(callee)
  return callee.kind === 'Member' ? memberDefinition(file, files, callee) : undefined
}

/** The parameters that a call gives; of a member without the receiver. */
export function parametersOf(definition: Definition): readonly Param[] {
  const { node } = definition
  if (node.kind !== 'Fn' && node.kind !== 'Device' && node.kind !== 'Operator') return []
  return definition.uri === membersUri ? node.params.slice(1) : node.params
}

function resultOf(definition: Definition): Type | undefined {
  const node: Fn | Device | undefined = definition.node.kind === 'Fn' || definition.node.kind === 'Device' ? definition.node : undefined
  return node?.result
}

function receiverKind(member: Definition): string | undefined {
  return member.node.kind === 'Fn' ? typeName(member.node.params[0]?.type) : undefined
}

function typeName(type: Type | undefined): string | undefined {
  return type?.kind === 'TensorType' && type.dims.length === 0 ? type.element.text : undefined
}

/** What kind of value an expression has, or would have if all were known. */
export function kindOf(file: SourceFile, files: Files, e: Expr, depth = 0): Kind | undefined {
  const value = valueOf(file, e)
  const known = value === undefined ? undefined : kindOfValue(value)
  if (known !== undefined || depth > 20) return known
  switch (e.kind) {
    case 'Parenthesized': return kindOf(file, files, e.value, depth + 1)
    case 'Binary': return e.operator === '*' || e.operator === '+' ? kindOf(file, files, e.left, depth + 1) : undefined
    case 'Call': {
      const callee = calleeOf(file, files, e)
      return callee?.node.kind === 'CustomMapping' ? 'mapping' : named(callee && resultOf(callee))
    }
    case 'Member': {
      const member = memberDefinition(file, files, e)
      return named(member && resultOf(member))
    }
    case 'NameRef': return kindOfName(file, files, e, depth)
    default: return undefined
  }
}

function kindOfName(file: SourceFile, files: Files, name: NameRef, depth: number): Kind | undefined {
  const definition = file.analysis.resolved.definitionOf.get(name)
  const home = definition === undefined ? undefined : files.file(definition.uri)
  const node = definition?.node
  if (home === undefined || node === undefined) return undefined
  if (node.kind === 'CustomMapping') return 'mapping'
  if (node.kind === 'Let' && node.target.kind === 'Name') return kindOf(home, files, node.value, depth + 1)
  if (node.kind === 'Tune') return kindOf(home, files, node.default, depth + 1)
  return node.kind === 'Param' ? named(node.type) : undefined
}

function kindOfValue(v: Value): Kind | undefined {
  switch (v.kind) {
    case 'mapping': case 'layout': case 'dtype': case 'reducer': return v.kind
    case 'tuple': case 'list': case 'int': return 'shape'
    case 'target': return 'architecture'
    default: return undefined
  }
}

function named(type: Type | undefined): Kind | undefined {
  const name = typeName(type)
  return name === 'tuple' || name === 'list' ? 'shape' : kinds.find(kind => kind === name)
}
const kinds: readonly Kind[] = ['mapping', 'layout', 'shape', 'dtype', 'reducer', 'architecture']
