/** What stands in the way of an import: sentences for people, and what tools may want to know apart. */

export interface ModelProblem {
  readonly code: ModelProblemCode
  /** Complete: it names the node, the attribute and the tensor. */
  readonly message: string
  /** The node's name in the file, or that of its first result. */
  readonly node?: string
  readonly attribute?: string
}

/** `unsupported-...`: right ONNX that Heddle does not do. All others: the file, its data or the bindings are wrong. */
export type ModelProblemCode =
  | 'invalid-file' | 'invalid-graph' | 'invalid-node' | 'invalid-tensor' | 'external-data'
  | 'unbound-extent' | 'unknown-binding' | 'too-large' | 'no-kernel'
  | 'unsupported-operator' | 'unsupported-attribute' | 'unsupported-type' | 'unsupported-opset' | 'unsupported-dynamic'

/** Some names in backquotes, and how many more there are. */
export function namesText(names: readonly string[], shown = 5): string {
  const first = names.slice(0, shown).map(n => `\`${n}\``).join(', ')
  return names.length > shown ? `${first} and ${names.length - shown} more` : first
}
