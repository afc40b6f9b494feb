/** Recurrent cells, written out step by step. */
import type { Buffer } from '../../../ir/ir.ts'
import type { NodeContext, OperatorTable } from '../conversion.ts'
import { add, each, multiply, part, subtract, transpose } from './arithmetic.ts'
import { matmul } from './matrix.ts'

const mostSteps = 64
const limits = `more than ${mostSteps} steps, sequences of different lengths, \`input_forget\`, parameters of activations`

export const recurrent: OperatorTable = {
  GRU: { opsets: [7, 26], limits, convert: node => unrolled(node, gru, ['Sigmoid', 'Tanh']) },
  LSTM: { opsets: [7, 26], limits, convert: node => unrolled(node, lstm, ['Sigmoid', 'Tanh', 'Tanh']) },
  RNN: { opsets: [7, 26], limits, convert: node => unrolled(node, rnn, ['Tanh']) }
}

/** What a step hands to the next one, each (batch, hidden): the output, and the memory of an LSTM. */
interface State { readonly hidden: Buffer; readonly memory: Buffer | undefined }

interface Cell {
  /** Gates, in the order in which the weights have them. */
  readonly gates: number
  readonly hasMemory: boolean
  step(node: NodeContext, state: State, given: Step): State
}

interface Step {
  readonly hidden: number
  /** What the input gives each gate, its bias included: (batch, gates * hidden). */
  readonly input: Buffer
  /** (hidden, gates * hidden) */
  readonly recurrent: Buffer
  /** (gates * hidden) */
  readonly recurrentBias: Buffer | undefined
  readonly peepholes: Buffer | undefined
  readonly activations: readonly ((x: Buffer) => Buffer)[]
}

const rnn: Cell = {
  gates: 1, hasMemory: false,
  step(node, { hidden: before }, { input, recurrent, recurrentBias, activations: [f] }) {
    const all = biased(node, add(node, input, matmul(node, before, recurrent)), recurrentBias)
    return { hidden: f!(all), memory: undefined }
  }
}

/** Gates z, r, h. */
const gru: Cell = {
  gates: 3, hasMemory: false,
  step(node, { hidden: before }, { hidden: n, input, recurrent, recurrentBias, activations: [f, g] }) {
    const of = (x: Buffer, from: number, to: number) => part(node, x, node.shape(x).length - 1, from * n, to * n)
    const bias = (from: number, to: number) => recurrentBias && of(recurrentBias, from, to)
    const gates = add(node, of(input, 0, 2), matmul(node, before, of(recurrent, 0, 2)))
    const both = f!(biased(node, gates, bias(0, 2)))
    const z = of(both, 0, 1), r = of(both, 1, 2)
    const candidate = node.flag('linear_before_reset', false)
      ? multiply(node, r, biased(node, matmul(node, before, of(recurrent, 2, 3)), bias(2, 3)))
      : biased(node, matmul(node, multiply(node, r, before), of(recurrent, 2, 3)), bias(2, 3))
    const h = g!(add(node, of(input, 2, 3), candidate))
    return { hidden: add(node, h, multiply(node, z, subtract(node, before, h))), memory: undefined }
  }
}

/** Gates i, o, f, c. */
const lstm: Cell = {
  gates: 4, hasMemory: true,
  step(node, { hidden: before, memory }, given) {
    const { hidden: n, input, recurrent, recurrentBias, peepholes, activations: [f, g, h] } = given
    const all = biased(node, add(node, input, matmul(node, before, recurrent)), recurrentBias)
    const gate = (index: number) => part(node, all, 1, index * n, (index + 1) * n)
    const peep = (x: Buffer, index: number, c: Buffer) =>
      peepholes ? add(node, x, multiply(node, c, part(node, peepholes, 0, index * n, (index + 1) * n))) : x
    const i = f!(peep(gate(0), 0, memory!)), forget = f!(peep(gate(2), 2, memory!))
    const next = add(node, multiply(node, forget, memory!), multiply(node, i, g!(gate(3))))
    const o = f!(peep(gate(1), 1, next))
    return { hidden: multiply(node, o, h!(next)), memory: next }
  }
}

function biased(node: NodeContext, x: Buffer, bias: Buffer | undefined): Buffer {
  return bias ? add(node, x, bias) : x
}

/** `x` (steps, batch, features), or the first two the other way round with `layout` 1. */
function unrolled(node: NodeContext, cell: Cell, defaults: readonly string[]): readonly (Buffer | undefined)[] {
  const isBatchFirst = node.flag('layout', false), x = transpose(node, node.input(0), isBatchFirst ? [1, 0, 2] : [0, 1, 2])
  const [steps, batch] = node.shape(x) as readonly [number, number, number]
  if (steps > mostSteps) node.refuse(`${steps} steps are too many to write out; the limit is ${mostSteps}.`)
  if (node.flag('input_forget', false)) node.refuse('Coupled gates are not supported.', 'input_forget')
  if (node.knownIfGiven(4, 'the lengths of the sequences')?.some(n => n !== steps)) {
    node.refuse('Sequences of different lengths are not supported.')
  }
  const direction = node.string('direction', 'forward'), directions = direction === 'bidirectional' ? 2 : 1
  const runs = Array.from({ length: directions }, (_, d) => {
    const isReverse = direction === 'reverse' || d === 1
    const states = run(node, cell, x, { d, isReverse, isBatchFirst, activations: activationsOf(node, defaults, d) })
    const outputs = states.map(s => s.hidden)
    return { outputs: isReverse ? outputs.toReversed() : outputs, last: states.at(-1)! }
  })
  const hidden = node.shape(runs[0]!.last.hidden)[1]!
  const along = (tensors: readonly Buffer[], shape: readonly number[], axis: number) =>
    tensors.map(t => node.reshape(t, shape)).reduce((a, b) => node.apply('concat', { a, b, axis }))
  const ends = (tensors: readonly Buffer[]) =>
    isBatchFirst ? along(tensors, [batch, 1, hidden], 1) : along(tensors, [1, batch, hidden], 0)
  const outputs = () => isBatchFirst
    ? along(runs.map(r => along(r.outputs, [batch, 1, 1, hidden], 1)), [batch, steps, 1, hidden], 2)
    : along(runs.map(r => along(r.outputs, [1, 1, batch, hidden], 0)), [steps, 1, batch, hidden], 1)
  return [
    node.wants(0) ? outputs() : undefined, node.wants(1) ? ends(runs.map(r => r.last.hidden)) : undefined,
    node.wants(2) ? ends(runs.map(r => r.last.memory!)) : undefined
  ]
}

interface Direction {
  readonly d: number
  readonly isReverse: boolean
  readonly isBatchFirst: boolean
  readonly activations: readonly ((x: Buffer) => Buffer)[]
}

/** The states after each step, in the order of the steps. */
function run(
  node: NodeContext, cell: Cell, x: Buffer, { d, isReverse, isBatchFirst, activations }: Direction
): readonly State[] {
  const [steps, batch, features] = node.shape(x) as readonly [number, number, number]
  /** The part of a direction, without that dimension. */
  const own = (tensor: Buffer, axis = 0): Buffer => {
    const one = part(node, tensor, axis, d, d + 1)
    return node.reshape(one, node.shape(one).filter((_, e) => e !== axis))
  }
  const w = own(node.input(1)), r = own(node.input(2)), bias = node.optional(3) && own(node.optional(3)!)
  const hidden = node.shape(r)[1]!, width = cell.gates * hidden
  const all = matmul(node, node.reshape(x, [steps * batch, features]), transpose(node, w, [1, 0]))
  const inputs = node.reshape(bias ? add(node, all, part(node, bias, 0, 0, width)) : all, [steps, batch, width])
  const initial = (index: number) => {
    const given = node.optional(index)
    if (given) return own(given, isBatchFirst ? 1 : 0)
    return node.constantOf(x.element, [batch, hidden], new Array<number>(batch * hidden).fill(0))
  }
  const given = {
    hidden, recurrent: transpose(node, r, [1, 0]), recurrentBias: bias && part(node, bias, 0, width, 2 * width),
    peepholes: cell.hasMemory && node.optional(7) ? own(node.optional(7)!) : undefined, activations
  }
  const states: State[] = []
  let state: State = { hidden: initial(5), memory: cell.hasMemory ? initial(6) : undefined }
  for (let step = 0; step < steps; step++) {
    const at = isReverse ? steps - 1 - step : step
    state = cell.step(node, state, { ...given, input: node.reshape(part(node, inputs, 0, at, at + 1), [batch, width]) })
    states.push(state)
  }
  return states
}

/** Of a direction. `clip` bounds what those of the gates take; not, as in ONNX Runtime, that of an LSTM's memory. */
function activationsOf(
  node: NodeContext, defaults: readonly string[], d: number
): readonly ((x: Buffer) => Buffer)[] {
  const names = node.strings('activations')?.slice(d * defaults.length, (d + 1) * defaults.length) ?? defaults
  const parameters = ['activation_alpha', 'activation_beta'].find(name => node.has(name))
  if (parameters !== undefined) node.refuse('Parameters of activations are not supported.', parameters)
  const clip = node.float('clip', 0)
  return names.map((name, i) => {
    const operator = activations[name.toLowerCase()] ?? node.refuse(`The activation ${name} is not supported.`, 'activations')
    return x => each(node, operator, clip > 0 && i < 2 ? each(node, 'clip', x, { low: -clip, high: clip }) : x)
  })
}

const activations: Readonly<Record<string, string>> = {
  relu: 'relu', sigmoid: 'sigmoid', softplus: 'softplus', softsign: 'softsign', tanh: 'hyperbolic_tangent'
}
