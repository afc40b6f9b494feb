/** What a conversion may ask of its node (conversion.ts), answered from the file and the work so far. */
import { AttributeProto_AttributeType as AttributeType, type AttributeProto, type NodeProto } from 'onnx-buf'
import type { Buffer } from '../../ir/ir.ts'
import { extentsOf, type Arguments } from '../builder.ts'
import { countOf, dataOf, holdsWholes, numberAt, numbersOf, type TensorData } from '../tensor-data.ts'
import {
  ConversionProblem, type GivenAttribute, type NodeContext, type Operand, type OperatorTable
} from './conversion.ts'
import { nodeName } from './order.ts'
import { dataTypeName, elementOf, mostDimensions, readTensor, type ExternalData } from './tensor-proto.ts'
import { emptyData, mostElements, mostKnown, mostListed, sameShape, shapeText, type Work } from './work.ts'

export interface Surroundings {
  readonly work: Work
  readonly table: OperatorTable
  readonly opset: number
  readonly external: ExternalData | undefined
  /** Whether a name is read by a node, or is a result of the graph. */
  readonly isRead: (name: string) => boolean
}

/** `inputs`: the tensors of the names that the node has, undefined where the name is empty. */
export function nodeContext(
  around: Surroundings, node: NodeProto, inputs: readonly (Buffer | undefined)[]
): NodeContext {
  const outputs = node.output.slice(0, node.output.findLastIndex(name => name !== '') + 1)
  return context(around, {
    type: node.opType, sources: [nodeName(node)], inputs, outputCount: outputs.length,
    wants: i => outputs[i] !== undefined && outputs[i] !== '' && around.isRead(outputs[i]),
    attributes: attributesOf(node)
  })
}

interface Call {
  readonly type: string
  readonly sources: readonly string[]
  readonly inputs: readonly (Buffer | undefined)[]
  readonly outputCount: number
  readonly wants: (output: number) => boolean
  readonly attributes: ReadonlyMap<string, AttributeProto | GivenAttribute>
}

function context(around: Surroundings, call: Call): NodeContext {
  const { work } = around, { type, sources, attributes } = call
  const inputs = call.inputs.slice(0, call.inputs.findLastIndex(i => i !== undefined) + 1)

  function refuse(message: string, attribute?: string): never {
    throw new ConversionProblem('unsupported', message, attribute)
  }

  function invalid(message: string, attribute?: string): never {
    throw new ConversionProblem('invalid', message, attribute)
  }

  const shape = (tensor: Buffer) => extentsOf(tensor)
  const countIn = (tensor: Buffer) => countOf(shape(tensor))

  function input(index: number): Buffer {
    return inputs[index] ?? invalid(`Its input ${index} is absent.`)
  }

  function data(tensor: Buffer): TensorData | undefined {
    return countIn(tensor) <= mostKnown ? work.data(tensor) : undefined
  }

  function known(index: number, what: string): readonly number[] {
    const tensor = input(index), count = countIn(tensor)
    if (count > mostListed) return refuse(`Its input ${index} has ${count} elements; at most ${mostListed} are supported.`)
    const found = data(tensor)
    if (found) return numbersOf(found)
    return refuse(`${what[0]!.toUpperCase()}${what.slice(1)} must be known while compiling; here it depends on inputs of the model.`)
  }

  function operand(tensor: Buffer, other?: Buffer): Operand {
    const extents = shape(tensor)
    if (countOf(extents) !== 1 || tensor.element === 'bool' || !work.isConstant(tensor)) return tensor
    if (other ? extents.length > shape(other).length : extents.length > 0) return tensor
    const found = data(tensor)
    const number = found ? numberAt(found, 0) : Number.NaN
    const isWritten = Number.isFinite(number) && (!holdsWholes(tensor.element) || Number.isSafeInteger(number))
    return isWritten ? number : tensor
  }

  function applyAll(operator: string, args: Arguments): readonly Buffer[] {
    for (const argument of Object.values(args)) {
      if (typeof argument === 'object' && 'scope' in argument && countIn(argument) === 0) {
        refuse(`A tensor of the shape ${shapeText(shape(argument))} has no elements, which is not supported here.`)
      }
    }
    const results = work.apply(operator, args, sources)
    if ('problem' in results) return invalid(results.problem)
    for (const result of results) checkSize(shape(result))
    return results
  }

  function checkSize(extents: readonly number[]): void {
    if (extents.length > mostDimensions) refuse(`A tensor of ${extents.length} dimensions is not supported; ${mostDimensions} are.`)
    const isLarge = countOf(extents) > mostElements || extents.some(n => n >= 2 ** 31)
    if (isLarge) refuse(`A tensor of the shape ${shapeText(extents)} is too large.`)
  }

  function one(operator: string, args: Arguments): Buffer {
    const results = applyAll(operator, args)
    return results.length === 1 ? results[0]! : invalid(`\`${operator}\` has ${results.length} results.`)
  }

  const constant = (value: TensorData) => work.constant(sources[0] ?? type, value)

  function value<T>(
    name: string, byDefault: T | undefined, read: (a: AttributeProto | GivenAttribute) => T | undefined, kind: string
  ): T {
    const attribute = attributes.get(name)
    if (!attribute) return byDefault ?? invalid(`The attribute \`${name}\` is absent.`, name)
    return read(attribute) ?? invalid(`The attribute \`${name}\` is no ${kind}.`, name)
  }

  const int = (name: string, byDefault?: number) => value(name, byDefault, intOf, 'whole number')
  const list = <T>(name: string, read: (a: AttributeProto | GivenAttribute) => T | undefined, kind: string) =>
    attributes.has(name) ? value(name, undefined, read, kind) : undefined

  return {
    opset: around.opset, type, inputCount: inputs.length, outputCount: call.outputCount, wants: call.wants,
    input, optional: index => inputs[index],
    allInputs: () => inputs.map((_, i) => input(i)),
    shape, isConstant: tensor => work.isConstant(tensor), data, known, operand,
    knownIfGiven: (index, what) => inputs[index] ? known(index, what) : undefined,

    has: name => attributes.has(name),
    int,
    float: (name, byDefault) => value(name, byDefault, floatOf, 'number'),
    flag: (name, byDefault) => int(name, byDefault ? 1 : 0) !== 0,
    string: (name, byDefault) => value(name, byDefault, stringOf, 'text'),
    ints: name => list(name, intsOf, 'list of whole numbers'),
    floats: name => list(name, floatsOf, 'list of numbers'),
    strings: name => list(name, a => '$typeName' in a ? a.strings.map(text) : undefined, 'list of texts'),
    tensor: name => list(name, attribute => {
      if (!('$typeName' in attribute) || !attribute.t) return undefined
      const read = readTensor(attribute.t, around.external)
      if (!('problem' in read)) return read
      const message = `The tensor in the attribute \`${name}\` ${read.problem}.`
      return read.code === 'unsupported-type' ? refuse(message, name) : invalid(message, name)
    }, 'tensor'),
    elementType(name, byDefault) {
      if (!attributes.has(name) && byDefault) return byDefault
      const number = int(name)
      return elementOf(number) ?? refuse(`Elements of the type ${dataTypeName(number)} are not supported.`, name)
    },

    apply: one, applyAll, constant,
    constantOf(element, extents, numbers) {
      const wrong = holdsWholes(element) ? numbers.find(n => !Number.isInteger(n)) : undefined
      if (wrong !== undefined) invalid(`${wrong} is no element of type ${element}.`)
      return constant(dataOf(element, extents, numbers))
    },
    reshape(tensor, to) {
      if (countIn(tensor) !== countOf(to)) {
        invalid(`A tensor of the shape ${shapeText(shape(tensor))} cannot have the shape ${shapeText(to)}.`)
      }
      checkSize(to)
      if (countIn(tensor) > 0) {
        const result = work.reshape(tensor, to, sources)
        return 'problem' in result ? invalid(result.problem) : result
      }
      return sameShape(shape(tensor), to) ? tensor : constant(emptyData(tensor.element, to))
    },
    cast(tensor, element) {
      if (tensor.element === element) return tensor
      return countIn(tensor) === 0
        ? constant(emptyData(element, shape(tensor)))
        : one('cast', { x: tensor, U: { dtype: element } })
    },
    by(other, otherInputs, given = {}) {
      const entry = around.table[other] ?? refuse(`The operator ${other} is not supported.`)
      const results = entry.convert(context(around, {
        type: other, sources, inputs: otherInputs, outputCount: 1, wants: i => i === 0,
        attributes: new Map(Object.entries(given))
      }))
      return results.map((result, i) => result ?? invalid(`${other} has no result ${i}.`))
    },

    refuse, invalid,
    axis(number, rank, attribute = 'axis') {
      if (Number.isInteger(number) && number >= -rank && number < rank) return number < 0 ? number + rank : number
      return invalid(`The axis ${number} is outside of a tensor with ${rank} dimensions.`, attribute)
    }
  }
}

// ---------------------------------------------------------------- attributes

function attributesOf(node: NodeProto): ReadonlyMap<string, AttributeProto> {
  return new Map(node.attribute.map(a => [a.name, a]))
}

/** Files of old writers do not say which kind an attribute is. */
function isKind(a: AttributeProto, kind: AttributeType): boolean {
  return a.type === kind || a.type === AttributeType.UNDEFINED
}

function intOf(a: AttributeProto | GivenAttribute): number | undefined {
  if (!('$typeName' in a)) return 'int' in a ? a.int : undefined
  return isKind(a, AttributeType.INT) ? Number(a.i) : undefined
}

function floatOf(a: AttributeProto | GivenAttribute): number | undefined {
  if (!('$typeName' in a)) return 'float' in a ? a.float : undefined
  return isKind(a, AttributeType.FLOAT) ? a.f : undefined
}

function stringOf(a: AttributeProto | GivenAttribute): string | undefined {
  if (!('$typeName' in a)) return 'string' in a ? a.string : undefined
  return isKind(a, AttributeType.STRING) ? text(a.s) : undefined
}

function intsOf(a: AttributeProto | GivenAttribute): readonly number[] | undefined {
  if (!('$typeName' in a)) return 'ints' in a ? a.ints : undefined
  return isKind(a, AttributeType.INTS) ? a.ints.map(Number) : undefined
}

function floatsOf(a: AttributeProto | GivenAttribute): readonly number[] | undefined {
  if (!('$typeName' in a)) return 'floats' in a ? a.floats : undefined
  return isKind(a, AttributeType.FLOATS) ? a.floats : undefined
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
