import { SemanticTokensBuilder, type SemanticTokensLegend } from 'vscode-languageserver'
import type { Span } from '../../../compiler-core/language/diagnostics.ts'
import type { Definition, DefinitionKind } from '../../../compiler-core/language/resolve.ts'
import { contextualWords } from '../../../compiler-core/language/syntax/lexer.ts'
import type { Name, NameRef } from '../../../compiler-core/language/syntax/tree.ts'
import { visit } from '../../../compiler-core/language/syntax/walk.ts'
import { isLibrary, type SourceFile } from '../files.ts'

const types = [
  'keyword', 'function', 'method', 'class', 'interface', 'type', 'typeParameter', 'parameter', 'variable', 'property', 'enumMember',
] as const
const modifiers = ['declaration', 'readonly', 'defaultLibrary'] as const
type TokenType = typeof types[number]

export const semanticTokensLegend: SemanticTokensLegend = { tokenTypes: [...types], tokenModifiers: [...modifiers] }

/**
 * Feature: Semantic colours
 *
 * Names are coloured by what they mean: functions, types, parameters, tunable values, what the library provides.
 * Words of the field such as `kernel` or `level` are coloured as keywords only where they are.
 */
export function semanticTokens(file: SourceFile, builder: SemanticTokensBuilder, within?: Span): void {
  const { parsed } = file.analysis
  const typeOf = new Map<number, { type: TokenType; modifiers: number }>()
  visit(file.root, node => {
    if (within !== undefined && node.last > node.first) {
      const start = parsed.tokens[node.first]?.start ?? 0, end = parsed.tokens[node.last - 1]?.end ?? 0
      if (end < within.start || start > within.end) return false
    }
    if ((node.kind === 'Name' || node.kind === 'NameRef') && node.last > node.first) {
      const meaning = meaningOf(file, node)
      if (meaning !== undefined) typeOf.set(node.first, meaning)
      else typeOf.set(node.first, { type: 'variable', modifiers: 0 })
    }
    return undefined
  })
  for (const [index, token] of parsed.tokens.entries()) {
    if (token.kind !== 'name' || (within !== undefined && (token.end < within.start || token.start > within.end))) continue
    const known = typeOf.get(index)
    const { line, column, start, end } = token
    if (known !== undefined) builder.push(line, column, end - start, types.indexOf(known.type), known.modifiers)
    else if (keywords.has(parsed.text.slice(start, end))) builder.push(line, column, end - start, 0, 0)
  }
}

const keywords: ReadonlySet<string> = new Set([...contextualWords, 'for'])

function meaningOf(file: SourceFile, node: Name | NameRef): { type: TokenType; modifiers: number } | undefined {
  const { parent } = node
  if (parent?.kind === 'Member' && parent.member === node) return { type: parent.parent?.kind === 'Call' && parent.parent.callee === parent ? 'method' : 'property', modifiers: 0 }
  const definition = file.analysis.resolved.definitionOf.get(node)
  if (definition === undefined) return parent?.kind === 'Argument' && parent.name === node ? { type: 'parameter', modifiers: 0 } : undefined
  return { type: typeOfDefinition(file, definition, node), modifiers: modifiersOf(definition, node) }
}

const kinds: Readonly<Record<DefinitionKind, TokenType>> = {
  let: 'variable', function: 'function', device: 'function', mapping: 'variable', operator: 'interface', schedule: 'class', graph: 'class',
  instance: 'variable', kernel: 'method', parameter: 'parameter', result: 'parameter', 'type-parameter': 'typeParameter', 'shape-variable': 'parameter',
  stage: 'variable', index: 'variable', tune: 'parameter', workspace: 'variable', variable: 'variable', tensor: 'variable', family: 'parameter',
}

function typeOfDefinition(file: SourceFile, d: Definition, node: Name | NameRef): TokenType {
  if (d.kind !== 'let' || !isLibrary(d.uri)) return kinds[d.kind]
  switch (file.analysis.values.get(node)?.kind) { // what the compiler provides is declared by `let`, whatever it is
    case 'dtype': case 'type': return 'type'
    case 'loop': return 'enumMember'
    case 'reducer': return 'function'
    default: return node.parent?.kind === 'TensorType' || node.parent?.kind === 'TypeParam' ? 'type' : 'variable'
  }
}

const mutable: ReadonlySet<DefinitionKind> = new Set(['variable', 'tensor', 'workspace', 'result'])

function modifiersOf(d: Definition, node: Name | NameRef): number {
  const flags: readonly (typeof modifiers[number])[] = [
    ...(d.nameNode === node ? ['declaration'] as const : []),
    ...(mutable.has(d.kind) ? [] : ['readonly'] as const),
    ...(isLibrary(d.uri) ? ['defaultLibrary'] as const : []),
  ]
  return flags.reduce((bits, flag) => bits | 1 << modifiers.indexOf(flag), 0)
}
