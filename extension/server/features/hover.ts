import { MarkupKind, type Hover } from 'vscode-languageserver'
import type { Node } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, tokenAt } from '../../../compiler-core/language/syntax/walk.ts'
import type { Value } from '../../../compiler-core/language/values.ts'
import { describeValue } from '../describe.ts'
import { nodeRange, present, rangeOf, textAt, valueOf, type Files, type SourceFile } from '../files.ts'
import { meaningOf } from '../members.ts'
import { pictureOf } from '../picture.ts'
import { declarationText, documentationFor } from '../signatures.ts'
import { wordNamed } from '../words.ts'
import type { Definition } from '../../../compiler-core/language/resolve.ts'

/**
 * Feature: Hover
 *
 * Hovering a name shows its declaration, its documentation and its value. For a task mapping that is its workers,
 * task shape, tasks a worker, coverage, the task of worker `w` at step `k` as a formula, and a small picture; for a
 * data layout its shape, size and the offset of an element. Hovering a `*` shows the composition up to there,
 * hovering a constructor such as `spatial` the mapping that it makes.
 */
export function hover(
  file: SourceFile, files: Files, offset: number, options: { readonly pictures: boolean },
): Hover | undefined {
  const { parsed } = file.analysis
  const token = parsed.tokens[tokenAt(parsed, offset)]
  if (token === undefined || token.kind === 'space' || token.kind === 'comment' || token.kind === 'doc' || token.kind === 'eof') return undefined
  const node = nodeAt(parsed, offset)
  const parts: string[] = []
  if (node.kind === 'Name' || node.kind === 'NameRef') {
    const definition = meaningOf(file, files, node)
    if (definition !== undefined) parts.push(...definitionParts(definition))
    parts.push(...valueParts(file, valuedAround(node), options.pictures))
    return parts.length === 0 ? undefined : answer(parts, nodeRange(file, node))
  }
  const word = wordNamed.get(file.analysis.text.slice(token.start, token.end))
  if (word !== undefined && token.kind !== 'string') {
    return answer([fenced(word.word), word.documentation], rangeOf(file, token))
  }
  if (node.kind === 'Missing' || node.kind === 'NumberLiteral' || node.kind === 'StringLiteral' || node.kind === 'BooleanLiteral') return undefined
  const value = valueParts(file, node, options.pictures)
  if (value.length === 0) return undefined
  return answer([fenced(shortened(textAt(file, node))), ...value], nodeRange(file, node))
}

/** Whose value a name shows: its own; of the callee or the member of a call, the call's. */
function valuedAround(name: Node): Node {
  let node = name
  if (node.parent?.kind === 'Member' && node.parent.member === node) node = node.parent
  return node.parent?.kind === 'Call' && node.parent.callee === node ? node.parent : node
}

function definitionParts(d: Definition): readonly string[] {
  const documentation = documentationFor(d)
  return [fenced(declarationText(d)), ...present(documentation)]
}

function valueParts(file: SourceFile, node: Node, pictures: boolean): readonly string[] {
  const value: Value | undefined = valueOf(file, node)
  const text = value === undefined ? undefined : describeValue(value)
  if (value === undefined || text === undefined) return []
  const picture = pictures ? pictureOf(value) : undefined
  return ['---', text, ...present(picture)]
}

function answer(parts: readonly string[], range: Hover['range']): Hover {
  const value = (parts[0] === '---' ? parts.slice(1) : parts).join('\n\n')
  return { contents: { kind: MarkupKind.Markdown, value }, ...(range === undefined ? {} : { range }) }
}

function fenced(code: string): string { return `\`\`\`heddle\n${code}\n\`\`\`` }
function shortened(code: string): string { return code.length <= 300 ? code : `${code.slice(0, 297)}...` }
