import { cases, constant, signed, type Case, type More } from '../oracle.ts'

const error = 2e-6, steps = 3, batch = 2, features = 3, hidden = 4

/** `given`: bias, first states (hidden and memory), peepholes. */
function recurrent(
  type: string, gates: number, attributes: NonNullable<More['attributes']>, given: readonly ('bias' | 'states' | 'peepholes')[] = []
): Case {
  const directions = attributes['direction'] === 'bidirectional' ? 2 : 1, isLstm = type === 'LSTM'
  const state = () => given.includes('states') ? signed([directions, batch, hidden]) : undefined
  const weights = (columns: number) => constant(signed([directions, gates * hidden, columns]))
  return [type, [
    signed([steps, batch, features]), weights(features), weights(hidden),
    given.includes('bias') ? constant(signed([directions, 2 * gates * hidden])) : undefined, undefined, state(),
    ...isLstm ? [state(), given.includes('peepholes') ? signed([directions, 3 * hidden]) : undefined] : []
  ], { attributes: { hidden_size: hidden, ...attributes }, opset: 14, results: isLstm ? 3 : 2, error }]
}

cases('recurrent cells', ([['RNN', 1], ['GRU', 3], ['LSTM', 4]] as const).flatMap(([type, gates]) => [
  recurrent(type, gates, {}),
  recurrent(type, gates, { direction: 'reverse' }, ['bias', 'states']),
  recurrent(type, gates, { direction: 'bidirectional', clip: { float: 0.5 } }, ['bias', 'peepholes'])
]))

cases('and their own attributes', [
  recurrent('RNN', 1, { activations: { strings: ['Relu'] } }, ['bias']),
  recurrent('GRU', 3, { linear_before_reset: 1 }, ['bias', 'states']),
  recurrent('LSTM', 4, { activations: { strings: ['Sigmoid', 'Relu', 'Softsign'] } }, ['bias', 'states', 'peepholes'])
])
