/** The text of docs/operators.md, from the table that the import of ONNX models uses. */
import { ifEntry } from '../compiler-core/graph/onnx/import.ts'
import { operatorTable } from '../compiler-core/graph/onnx/operators/index.ts'

const head = `# ONNX operators

What \`heddle\` imports of ONNX: operators of the default domain, in opsets 1 and 6 to 26, each by the rules of its opset. This page is made
of the table of the import; \`npm run operators\` writes it.

Elements have one of the types FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT8 to INT64, UINT8 to UINT64 and BOOL. All extents are known once free
ones are bound (\`--bind batch=1\`), and what only depends on them, on constants and on attributes is computed while compiling. "Inputs" below
are those of the model. A model with anything else is refused as a whole, with every operator that is not supported named at once.

| operator | opsets | not supported |
|---|---|---|
`

export function operatorsPage(): string {
  const entries = Object.entries({ ...operatorTable, If: ifEntry })
  const rows = entries.toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, { opsets: [first, last], limits = '' }]) =>
    `| ${name} | ${first === last ? first : `${first} to ${last}`} | ${limits} |\n`)
  return `${head}${rows.join('')}`
}
