/**
 * Values for which the facts hold, to see quickly that something cannot be proved: a bound that fails for some of them
 * is no bound. A model that breaks a fact costs strength only: it is used to give up, never to answer.
 *
 *     bi * 64 + i < m        m = 7, bi = 0, i = 63        not for all
 */
import { memoOf, type Facts, type Model } from './knowledge.ts'
import { isBroken, type Atom, type Polynomial } from './polynomial.ts'

type Kind = Pick<Model, 'size' | 'choice'>

const kinds: readonly Kind[] = [
  { size: 7, choice: 'high' }, { size: 1000, choice: 'low' }, { size: 1, choice: 'high' }, { size: 1021, choice: 'high' },
  { size: 64, choice: 'middle' }, { size: 64, choice: 'even' }, { size: 64, choice: 'odd' }
]

/** Is the polynomial negative in a model of the facts? */
export function isRefuted(facts: Facts, p: Polynomial): boolean {
  return modelsOf(facts).some(model => valueIn(facts, model, p) < 0)
}

function modelsOf(facts: Facts): readonly Model[] {
  const memo = memoOf(facts)
  return memo.models ??= kinds.map((kind): Model => ({ ...kind, values: new Map() })).filter(model =>
    facts.inequalities.every(p => !(valueIn(facts, model, p) < 0))
    && [...facts.intervals].every(([product, { low, high }]) => {
      const value = product.atoms.reduce((all, atom) => all * atomIn(facts, model, atom), 1)
      return !(value < low || value > high)
    }))
}

/** NaN: not known. */
function valueIn(facts: Facts, model: Model, p: Polynomial): number {
  if (isBroken(p)) return Number.NaN
  let sum = p.constant
  for (const { coefficient, product } of p.terms) {
    let value = coefficient
    for (const atom of product.atoms) value *= atomIn(facts, model, atom)
    sum += value
  }
  return Math.abs(sum) <= Number.MAX_SAFE_INTEGER ? sum : Number.NaN
}

function atomIn(facts: Facts, model: Model, atom: Atom): number {
  const known = model.values.get(atom)
  if (known !== undefined) return known
  model.values.set(atom, Number.NaN)
  const value = find(facts, model, atom)
  model.values.set(atom, value)
  return value
}

function find(facts: Facts, model: Model, atom: Atom): number {
  switch (atom.kind) {
    case 'variable': return ofVariable(facts, model, atom)
    case 'quotient': return Math.floor(valueIn(facts, model, atom.base) / valueIn(facts, model, atom.divisor))
    case 'remainder': {
      const base = valueIn(facts, model, atom.base), by = valueIn(facts, model, atom.divisor)
      return base - Math.floor(base / by) * by
    }
    case 'min': return Math.min(valueIn(facts, model, atom.left), valueIn(facts, model, atom.right))
    case 'max': return Math.max(valueIn(facts, model, atom.left), valueIn(facts, model, atom.right))
    case '&': case '|': case '^':
      return bits(atom.kind, valueIn(facts, model, atom.left), valueIn(facts, model, atom.right))
    case 'select': return Number.NaN
    case 'opaque': return chosen(model, atom, atom.low, atom.high)
  }
}

function bits(operator: '&' | '|' | '^', a: number, b: number): number {
  if (!(a >= 0 && b >= 0 && a < 2 ** 31 && b < 2 ** 31)) return Number.NaN
  return operator === '&' ? a & b : operator === '|' ? a | b : a ^ b
}

function ofVariable(facts: Facts, model: Model, atom: Atom & { kind: 'variable' }): number {
  const { variable } = atom
  const known = facts.variables.get(variable)
  if (known?.sum) return valueIn(facts, model, known.sum)
  const low = Math.max(known?.low ?? -Infinity, ...known?.lows.map(p => valueIn(facts, model, p)) ?? [])
  const high = Math.min(known?.high ?? Infinity, ...known?.highs.map(p => valueIn(facts, model, p)) ?? [])
  if (variable.role !== 'extent') return low <= high ? chosen(model, atom, low, high) : Number.NaN
  const step = facts.multiples.get(facts.table.single.get(atom)!) ?? 1
  const size = Math.ceil(model.size / step) * step
  return Math.min(Math.max(size, low), high)
}

/** A number of the range: an end of it that is one, or something moderate. */
function chosen({ choice, size }: Model, { id }: Atom, low: number, high: number): number {
  if (choice === 'middle' && high - low < 2 ** 40) return Math.floor((low + high) / 2)
  const great = choice === 'high' || choice === (id % 2 === 0 ? 'even' : 'odd')
  const moderate = great ? size : 0
  const value = great ? high : low
  return Number.isFinite(value) && Math.abs(value) < 2 ** 40 ? value : Math.min(Math.max(moderate, low), high)
}
