import type { CodeLens } from 'vscode-languageserver'
import type { Name } from '../../../compiler-core/language/syntax/tree.ts'
import { visit } from '../../../compiler-core/language/syntax/walk.ts'
import { subjectsIn } from '../cuda.ts'
import { nodeRange, valueOf, type SourceFile } from '../files.ts'
import { showCuda, showTaskMapping, type ShowCudaArgument, type ShowTaskMappingArgument } from '../protocol.ts'

/**
 * Feature: Code lenses
 *
 * Above each `let`, `tune` and `mapping` that is a task mapping stands **Show Task Mapping**, above a data layout
 * **Show Data Layout**: one click opens the explorer there. Above each instance, schedule and graph stands **Show
 * CUDA**. `heddle.codeLens` turns them off.
 */
export function mappingLenses(file: SourceFile): CodeLens[] {
  const lenses: CodeLens[] = []
  const add = (name: Name): void => {
    const kind = valueOf(file, name)?.kind
    if (kind !== 'mapping' && kind !== 'layout') return
    const range = nodeRange(file, name)
    const argument: ShowTaskMappingArgument = { uri: file.uri, position: range.start }
    lenses.push({ range, command: { title: kind === 'mapping' ? 'Show Task Mapping' : 'Show Data Layout', command: showTaskMapping, arguments: [argument] } })
  }
  visit(file.root, node => {
    if (node.kind === 'Let' && node.target.kind === 'Name') add(node.target)
    else if (node.kind === 'Tune' || node.kind === 'CustomMapping') add(node.name)
  })
  return lenses
}

export function cudaLenses(file: SourceFile): CodeLens[] {
  return subjectsIn(file).map(({ name, range }) => {
    const argument: ShowCudaArgument = { uri: file.uri, subject: name }
    return { range: { start: range.start, end: range.start }, command: { title: 'Show CUDA', command: showCuda, arguments: [argument] } }
  })
}
