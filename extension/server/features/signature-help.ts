import { MarkupKind, type SignatureHelp } from 'vscode-languageserver'
import type { Call, Node } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, spanOf } from '../../../compiler-core/language/syntax/walk.ts'
import type { Files, SourceFile } from '../files.ts'
import { calleeOf, parametersOf } from '../members.ts'
import { documentationFor, signatureOf } from '../signatures.ts'

/**
 * Feature: Signature help
 *
 * Inside the parentheses of a call, its parameters are shown, the one at the cursor marked.
 */
export function signatureHelp(file: SourceFile, files: Files, offset: number): SignatureHelp | undefined {
  const call = callAround(file, offset)
  const callee = call === undefined ? undefined : calleeOf(file, files, call)
  const signature = callee === undefined ? undefined : signatureOf(callee)
  if (call === undefined || callee === undefined || signature === undefined) return undefined
  let from = signature.label.indexOf('(') + 1
  const parameters = signature.parameters.map(text => {
    const start = signature.label.indexOf(text, from)
    from = start + text.length
    return { label: [start, from] as [number, number] }
  })
  const documentation = documentationFor(callee)
  return {
    activeSignature: 0,
    activeParameter: activeParameter(file, call, parametersOf(callee).map(p => p.name.text), offset),
    signatures: [{
      label: signature.label, parameters,
      ...(documentation === undefined ? {} : { documentation: { kind: MarkupKind.Markdown, value: documentation } }),
    }],
  }
}

/** The innermost call between whose parentheses the offset lies. */
export function callAround(file: SourceFile, offset: number): Call | undefined {
  const { parsed } = file.analysis
  // behind `f(` and `f(a, ` at the end of a line the cursor is in no token of the call: look from the token before
  // it, too
  for (const at of [offset, lastTokenEnd(file, offset)]) {
    for (let node: Node | undefined = nodeAt(parsed, at); node !== undefined; node = node.parent) {
      if (node.kind !== 'Call') continue
      const open = parsed.tokens[openOf(file, node)]
      const last = parsed.tokens[node.last - 1]
      const closed = last?.kind === ')' && node.last - 1 > openOf(file, node)
      if (open !== undefined && offset >= open.end && (!closed || offset <= last.start)) return node
    }
  }
  return undefined
}

function openOf(file: SourceFile, call: Call): number {
  let at = call.callee.last
  while (at < call.last && file.analysis.parsed.tokens[at]?.kind !== '(') at++
  return at
}

/** The start of the last significant token before the offset. */
function lastTokenEnd(file: SourceFile, offset: number): number {
  const { tokens } = file.analysis.parsed
  let start = 0
  for (const token of tokens) {
    if (token.end > offset) break
    if (token.end > token.start && token.kind !== 'space' && token.kind !== 'comment' && token.kind !== 'doc') start = token.start
  }
  return start
}

/** Arguments without a name fill the first parameter when it is a shape, which takes any number of them. */
function activeParameter(file: SourceFile, call: Call, names: readonly string[], offset: number): number {
  const { parsed } = file.analysis
  const last = call.args.findLastIndex(a => a.last > a.first && spanOf(parsed, a).start <= offset)
  const end = call.args[last] === undefined ? offset : spanOf(parsed, call.args[last]).end
  const index = last < 0 ? 0 : file.analysis.text.slice(end, offset).includes(',') ? last + 1 : last
  const argument = call.args[index]
  if (argument?.name !== undefined) return Math.max(0, names.indexOf(argument.name.text))
  return names[0] === 'extents' || names[0] === 'shapes' ? 0 : Math.min(index, Math.max(0, names.length - 1))
}
