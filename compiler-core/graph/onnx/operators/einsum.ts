/**
 * Einsum as transpositions, sums and matrix products of two operands at a time.
 *
 *     'bij,bjk->bik'     contracted j, in both and in the result b: a matrix product for each b
 *     '...ii->...i'      a diagonal
 */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { multiply, product, reduce, transpose } from './arithmetic.ts'
import { matmul } from './matrix.ts'

export const einsum: OperatorTable = {
  Einsum: { opsets: [12, 26], convert: node => [contracted(node)] }
}

/** A tensor whose dimensions have names: letters, or numbers that count the dimensions of `...` from the last one. */
interface Named { readonly x: Buffer; readonly names: readonly string[] }

function contracted(node: NodeContext): Buffer {
  const [left = '', right] = node.string('equation').replaceAll(' ', '').split('->')
  const terms = left.split(','), inputs = node.allInputs()
  if (terms.length !== inputs.length) node.invalid(`The equation has ${terms.length} operands; there are ${inputs.length}.`, 'equation')
  const given = inputs.map((x, i): Named => ({ x, names: namesOf(node, terms[i]!, node.shape(x).length) }))
  const to = right === undefined ? impliedBy(given) : namesOf(node, right, 26, given)
  const [start, ...others] = given.map(o => withoutRepeats(node, o)) as [Named, ...Named[]]
  const all = others.reduce((a, b, i) => {
    const later = new Set([...to, ...others.slice(i + 1).flatMap(o => o.names)])
    const left = summed(node, a, name => later.has(name) || b.names.includes(name))
    return pair(node, left, summed(node, b, name => later.has(name) || a.names.includes(name)), later)
  }, start)
  const { x, names } = summed(node, all, name => to.includes(name))
  if (to.some(name => !names.includes(name))) node.invalid('The result has a dimension that no operand has.', 'equation')
  return transpose(node, x, to.map(name => names.indexOf(name)))
}

/** `...` stands for the dimensions that the letters leave; in the result for those of all operands. */
function namesOf(node: NodeContext, term: string, rank: number, operands?: readonly Named[]): readonly string[] {
  const [before = '', after, ...more] = term.split('...'), letters = before + (after ?? '')
  if (more.length > 0 || !/^[A-Za-z]*$/.test(letters)) return node.invalid(`\`${term}\` is no list of dimensions.`, 'equation')
  const rest = operands ? Math.max(0, ...operands.map(o => o.names.filter(isDots).length)) : rank - letters.length
  if (rest < 0 || (after === undefined && rest > 0 && !operands)) {
    return node.invalid(`\`${term}\` does not name the ${rank} dimensions of its operand.`, 'equation')
  }
  const dots = Array.from({ length: after === undefined ? 0 : rest }, (_, i) => String(rest - 1 - i))
  return [...before, ...dots, ...after ?? '']
}

function isDots(name: string): boolean {
  return /^\d/.test(name)
}

/** Without a result the letters that occur once, in the order of the alphabet, behind those of `...`. */
function impliedBy(operands: readonly Named[]): readonly string[] {
  const all = operands.flatMap(o => o.names), letters = all.filter(name => !isDots(name))
  const dots = [...new Set(all.filter(isDots))].toSorted((a, b) => Number(b) - Number(a))
  return [...dots, ...letters.filter(name => letters.filter(n => n === name).length === 1).toSorted()]
}

/** A name that occurs twice is a diagonal. */
function withoutRepeats(node: NodeContext, { x, names }: Named): Named {
  const again = names.findIndex((name, d) => names.indexOf(name) < d)
  if (again < 0) return { x, names }
  const a = names.indexOf(names[again]!)
  return withoutRepeats(node, { x: node.apply('diagonal', { x, a, b: again }), names: names.filter((_, d) => d !== again) })
}

/** Summed over the dimensions that nobody needs. */
function summed(node: NodeContext, { x, names }: Named, isNeeded: (name: string) => boolean): Named {
  const axes = names.flatMap((name, d) => isNeeded(name) ? [] : [d])
  return { x: reduce(node, x, axes, 'sum', false), names: names.filter(isNeeded) }
}

/** The product of two operands, summed over what both have and nobody needs later. */
function pair(node: NodeContext, a: Named, b: Named, later: ReadonlySet<string>): Named {
  const extent = (o: Named, name: string) => node.shape(o.x)[o.names.indexOf(name)]!
  const both = a.names.filter(name => b.names.includes(name))
  const batch = both.filter(name => later.has(name)), inner = both.filter(name => !later.has(name))
  const rows = a.names.filter(name => !both.includes(name)), columns = b.names.filter(name => !both.includes(name))
  if (inner.some(name => extent(a, name) !== extent(b, name))) {
    node.invalid('Dimensions of one name differ in their extents.', 'equation')
  }
  const sizes = (o: Named, names: readonly string[]) => names.map(name => extent(o, name))
  /** In the order of the names, with one dimension for each group behind those of the batch. */
  const ordered = (o: Named, groups: readonly (readonly string[])[]) => node.reshape(
    transpose(node, o.x, [...batch, ...groups.flat()].map(name => o.names.indexOf(name))),
    [...sizes(o, batch), ...groups.map(group => product(sizes(o, group)))]
  )
  const left = ordered(a, [rows, inner]), right = ordered(b, [inner, columns])
  const x = inner.length === 0 ? multiply(node, left, right) : matmul(node, left, right)
  const shared = batch.map(name => Math.max(extent(a, name), extent(b, name)))
  const names = [...batch, ...rows, ...columns]
  return { x: node.reshape(x, [...shared, ...sizes(a, rows), ...sizes(b, columns)]), names }
}
