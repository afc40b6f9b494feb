/**
 * Random programs that are correct by grammar (not by meaning), each from a seed. They use every construct, words of
 * the field as names wherever the grammar lets them, and one blank between any two tokens: what layout means is then
 * decided by whoever uses them.
 */
import { contextualWords, reservedWords } from '../../../../compiler-core/language/syntax/lexer.ts'
import { type Random, createRandom } from './random.ts'

/** `size` declarations, one statement a line. */
export function randomProgram(seed: number, size = 5): string {
  const g = createRandom(seed)
  const imports = repeated(g, 0, 2, () => 'import "std/prelude"')
  return [...imports, ...Array.from({ length: size }, () => declaration(g))].join('\n') + '\n'
}

const plainNames = ['a', 'b', 'c', 'i', 'j', 'k', 'n', 'm', 'x', 'y', 'T', 'acc', 'tile', 'block_k', 'sum', 'max', '_', 'f32', 'spatial', 'repeat']
const freeWords = contextualWords.filter(word => word !== 'global')        // as a type, `global` before a name is a scope
const name = (g: Random): string => g.chance(0.15) ? g.pick(freeWords) : g.pick(plainNames)
const some = (g: Random, least: number, most: number): number => least + g.below(most - least + 1)
const repeated = (g: Random, least: number, most: number, item: () => string): string[] =>
  Array.from({ length: some(g, least, most) }, item)
const commas = (items: readonly string[]): string => items.join(' , ')
const listed = (g: Random, least: number, most: number, item: () => string): string => {
  const items = repeated(g, least, most, item)
  return commas(items) + (items.length > 0 && g.chance(0.1) ? ' ,' : '')
}
const maybe = (g: Random, p: number, text: () => string): string => g.chance(p) ? ` ${text()}` : ''
const body = (items: readonly string[]): string => items.length === 0 ? '{ }' : `{\n${items.join('\n')}\n}`

// ---------------------------------------------------------------- declarations

function declaration(g: Random): string {
  const doc = g.chance(0.2) ? '/// About what follows.\n' : ''
  return doc + g.pick([letLine, fn, device, customMapping, operator, operator, schedule, schedule, graph, instance])(g)
}
const letLine = (g: Random): string => `let ${pattern(g, 2)} = ${expression(g, 2)}`
const signature = (g: Random): string => `${name(g)}${typeParams(g)} ( ${listed(g, 0, 3, () => param(g))} )${maybe(g, 0.6, () => `-> ${type(g, 2)}`)}`
const fn = (g: Random): string => `fn ${signature(g)}${g.pick([() => ` = ${expression(g, 2)}`, () => ` ${block(g, 2)}`, () => ''])()}`
const device = (g: Random): string => `device ${signature(g)}${maybe(g, 0.8, () => block(g, 2))}`
const customMapping = (g: Random): string =>
  `mapping ${name(g)} ( ${binder(g)} ) -> ( ${listed(g, 1, 3, () => expression(g, 1))} ) = ${comprehension(g, 3)}`
const typeParams = (g: Random): string => g.chance(0.6) ? '' : ` < ${listed(g, 1, 2, () =>
  name(g) + maybe(g, 0.6, () => `: ${repeated(g, 1, 3, () => name(g)).join(' | ')}`))} >`
const param = (g: Random): string => `${name(g)} : ${type(g, 2)}${maybe(g, 0.3, () => `= ${expression(g, 2)}`)}`

function operator(g: Random): string {
  const result = g.chance(0.3) ? `( ${listed(g, 1, 3, () => param(g))} )` : param(g)
  const members = repeated(g, 0, 4, () => g.pick([definition, definition, stage, letLine, requirement, inverse])(g))
  return `operator ${name(g)}${typeParams(g)} ( ${listed(g, 0, 3, () => param(g))} ) -> ${result}${wheres(g)} ${body(members)}`
}
const wheres = (g: Random): string => maybe(g, 0.25, () => `where ${commas(repeated(g, 1, 3, () => `${pattern(g, 2)} = ${expression(g, 2)}`))}`)
const axes = (g: Random): string => `[ ${listed(g, 1, 3, () => (g.chance(0.2) ? '... ' : '') + name(g))} ]`
const definition = (g: Random): string => `${name(g)} ${axes(g)} = ${expression(g, 2)}${wheres(g)}`
const stage = (g: Random): string => `let ${name(g)} [ ${listed(g, 1, 2, () => binder(g))} ] = ${expression(g, 2)}${wheres(g)}`
const inverse = (g: Random): string => `inverse ${name(g)} ${axes(g)} -> [ ${listed(g, 1, 3, () => subscript(g, 2))} ]`
const requirement = (g: Random): string => `require ${expression(g, 2)}${maybe(g, 0.5, () => ', "why\\" not"')}`

function schedule(g: Random): string {
  const head = g.pick([() => name(g), () => `pointwise ${g.pick(plainNames)}`, () => `reduction ${g.pick(plainNames)}`])()
  const given = maybe(g, 0.3, () => `given ${commas(repeated(g, 1, 2, () => name(g)))}`)
  const applies = maybe(g, 0.3, () => `applies when ${expression(g, 2)}`)
  const kinds = [tune, tune, requirement, letLine, workspace, deviceWithBody, kernel]
  const members = repeated(g, 0, 4, () => g.pick(kinds)(g))
  return `schedule ${name(g)} for ${head}${given}${applies} ${body(members)}`
}
const levels = (g: Random): string => repeated(g, 0, 3, () => `level ${g.below(4)} ${expression(g, 2)}`).join(g.chance(0.3) ? '\n' : ' ')
const tune = (g: Random): string => `tune ${name(g)} = ${expression(g, 2)} ${g.chance(0.3) ? `in ${expression(g, 2)}` : levels(g)}`
const workspace = (g: Random): string => `workspace ${name(g)} : ${type(g, 2)}${maybe(g, 0.3, () => `= ${expression(g, 2)}`)}`
const deviceWithBody = (g: Random): string => `device ${signature(g)} ${block(g, 1)}`
const kernel = (g: Random): string => `kernel ${name(g)} ( ${listed(g, 0, 3, () => argument(g, 2))} ) ${block(g, 3)}`

function graph(g: Random): string {
  const head = g.chance(0.4) ? `for ${name(g)}` : `( ${listed(g, 0, 3, () => param(g))} )`
  const lets = repeated(g, 0, 3, () => letLine(g))
  return `graph ${name(g)} ${head} ${body([...lets, `return ${commas(repeated(g, 1, 2, () => expression(g, 2)))}`])}`
}
const instance = (g: Random): string => `instance ${name(g)} = ${name(g)} . ${name(g)} ( ${listed(g, 0, 3, () => argument(g, 2))} )`

// ---------------------------------------------------------------- types, patterns

function type(g: Random, depth: number): string {
  if (depth > 0 && g.chance(0.15)) return `( ${listed(g, 1, 3, () => type(g, depth - 1))} )`
  const scope = g.pick(['', '', '', 'shared ', 'register ', 'global '])
  const shape = g.chance(0.4) ? '' : ` [ ${listed(g, 1, 3, () => (g.chance(0.2) ? '... ' : '') + arithmetic(g, 1))} ]`
  return `${scope}${name(g)}${shape}${maybe(g, 0.15, () => `in ${expression(g, 2)}`)}`
}
const pattern = (g: Random, depth: number): string =>
  depth > 0 && g.chance(0.25) ? `( ${listed(g, 1, 3, () => pattern(g, depth - 1))} )` : name(g)
const binder = (g: Random): string => `${g.chance(0.2) ? '... ' : ''}${name(g)} < ${arithmetic(g, 1)}`

// ---------------------------------------------------------------- statements

function block(g: Random, depth: number): string {
  const statements = repeated(g, 0, depth > 0 ? 3 : 1, () => statement(g, depth) + (g.chance(0.1) ? ' ;' : ''))
  if (g.chance(0.1)) statements.push(`return${maybe(g, 0.6, () => expression(g, 2))}`)
  return body(statements)
}
function statement(g: Random, depth: number): string {
  const simple = [letLine, variable, allocation, assignment, assignment, assignment, call, jump]
  const nested = depth > 0 ? [loop, loop, whileLoop, conditional, (g: Random) => deviceWithBody(g)] : []
  return g.pick([...simple, ...nested])(g, depth - 1)
}
const variable = (g: Random): string => `var ${name(g)}${maybe(g, 0.5, () => `: ${type(g, 1)}`)} = ${expression(g, 2)}`
const allocation = (g: Random): string =>
  `${g.pick(['shared', 'register'])} ${name(g)} : ${type(g, 1)}${maybe(g, 0.2, () => `reuses ${commas(repeated(g, 1, 2, () => name(g)))}`)}${
    maybe(g, 0.4, () => `= ${expression(g, 2)}`)}`
const assignment = (g: Random): string =>
  `${designator(g)} ${g.pick(['=', '=?', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^='])} ${expression(g, 2)}`
const call = (g: Random): string => `${designator(g)} ( ${listed(g, 0, 3, () => argument(g, 2))} )`
const jump = (g: Random): string => g.pick(['break', 'continue'])
const loop = (g: Random, depth: number): string =>
  `${g.pick(['', '', 'async ', 'parallel ', 'unroll ', 'unroll 2 ', `unroll ${name(g)} `])}for ${pattern(g, 2)} in ${iteration(g, 2)} ${block(g, depth)}`
const whileLoop = (g: Random, depth: number): string => `while ${expression(g, 2)} ${block(g, depth)}`
const conditional = (g: Random, depth: number): string =>
  `if ${expression(g, 2)} ${block(g, depth)}${repeated(g, 0, 2, () => ` else if ${expression(g, 2)} ${block(g, depth)}`).join('')}${
    maybe(g, 0.4, () => `else ${block(g, depth)}`)}`
const designator = (g: Random): string => name(g) + repeated(g, 0, 2, () => trailer(g, 1)).join('')

// ---------------------------------------------------------------- expressions

function expression(g: Random, depth: number): string {
  if (depth > 0 && g.chance(0.1)) return `if ${expression(g, depth - 1)} then ${expression(g, depth - 1)} else ${expression(g, depth - 1)}`
  return chain(g, 0.25, ['||', '&&', '==', '!=', '<', '<=', '>', '>='], () => arithmetic(g, depth))
}
const arithmetic = (g: Random, depth: number): string =>
  chain(g, 0.3, ['+', '-', '<<', '>>', '&', '^', '|'], () => depth > 0 && g.chance(0.12) ? reduction(g, depth - 1) : product(g, depth))
const product = (g: Random, depth: number): string => chain(g, 0.3, ['*', '/', '%'], () => unary(g, depth))
function chain(g: Random, p: number, signs: readonly string[], operand: () => string): string {
  let text = operand()
  while (g.chance(p)) text += ` ${g.pick(signs)} ${operand()}`
  return text
}
const reduction = (g: Random, depth: number): string => `${name(g)} [ ${listed(g, 1, 2, () => binder(g))} ] ${product(g, depth)}`
function unary(g: Random, depth: number): string {
  if (g.chance(0.1)) return `${g.pick(['-', '!', '~'])} ${unary(g, depth)}`
  return postfix(g, depth) + (g.chance(0.1) ? ` ?? ${unary(g, depth - 1)}` : '')
}
function postfix(g: Random, depth: number): string {
  if (depth <= 0 || g.chance(0.5)) return primary(g, depth)
  const head = g.chance(0.9) ? name(g) : `( ${expression(g, depth - 1)} )`
  return head + repeated(g, 0, 2, () => trailer(g, depth - 1)).join('')
}
const trailer = (g: Random, depth: number): string => g.pick([
  () => ` . ${name(g)}`,
  () => ` ( ${listed(g, 0, 3, () => argument(g, depth))} )`,
  () => ` [ ${listed(g, 1, 3, () => subscript(g, depth))} ]`,
])()
function primary(g: Random, depth: number): string {
  const simple = [() => name(g), () => name(g), () => g.pick(['0', '42', '1_024', '0xff', '0.5', '1e-5', 'true', 'false', '"text"'])]
  const nested = depth <= 0 ? [] : [
    () => `( ${expression(g, depth - 1)} )`, () => `( ${expression(g, depth - 1)} , )`, () => '( )',
    () => `( ${expression(g, depth - 1)} , ${listed(g, 1, 2, () => expression(g, depth - 1))} )`,
    () => `[ ${listed(g, 0, 3, () => expression(g, depth - 1))} ]`, () => comprehension(g, depth),
  ]
  return g.pick([...simple, ...nested])()
}
const comprehension = (g: Random, depth: number): string =>
  `[ ${expression(g, depth - 1)} ${repeated(g, 1, 2, () => `for ${pattern(g, 1)} in ${iteration(g, depth - 1)}`).join(' ')} ]`
const iteration = (g: Random, depth: number): string => expression(g, depth) + (g.chance(0.4) ? ` .. ${expression(g, depth)}` : '')
const argument = (g: Random, depth: number): string => maybe(g, 0.3, () => `${name(g)} : `) + (g.chance(0.1) ? '... ' : '') + expression(g, depth)
function subscript(g: Random, depth: number): string {
  const index = (): string => arithmetic(g, depth)
  return g.pick([index, index, index, () => '..', () => `... ${index()}`, () => `${index()} .. ${index()}`, () => `${index()} ..+ ${index()}`])()
}

/** Words and signs of the language, for soup and for damage. */
export const anyToken: readonly string[] = [
  ...reservedWords, ...contextualWords, ...plainNames, '0', '42', '0.5', '"s"', '"open', '// c\n', '/// d\n', '\n', '§', 'é', '/*',
  ...'..+ ... .. -> ?? && || << >> += -= != <= >= == =? - + * / % & | ^ ~ ! < > = ( ) { } [ ] , ; : . ( ) { } [ ]'.split(' '),
]
