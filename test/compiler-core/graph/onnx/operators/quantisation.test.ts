import { cases, constant, scalar, signed, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const x = numbers([-200, -3, -2.5, -0.5, 0, 0.5, 1.5, 2.5, 3, 1000, 126.5, -128.5], 'f32', [3, 4])

cases('there and back', (['u8', 'i8'] as const).flatMap((element): readonly Case[] => [
  ['QuantizeLinear', [x, constant(scalar(1)), scalar(7, element)], { opset: 13 }],
  ['QuantizeLinear', [x, numbers([1, 2, 0.5, 4]), numbers([0, 1, 2, 3], element)], { opset: 13 }],
  ['QuantizeLinear', [x, numbers([1, 2, 0.5]), numbers([0, 1, 2], element)], { attributes: { axis: 0 }, opset: 13 }],
  ['DequantizeLinear', [some(element, [3, 4]), constant(scalar(0.25)), scalar(7, element)], { opset: 13 }],
  ['DequantizeLinear', [some(element, [3, 4]), numbers([1, 2, 0.5]), numbers([0, 1, 2], element)], { attributes: { axis: -2 }, opset: 13 }],
  ['DequantizeLinear', [some(element, [5, 4]), signed([3, 4])], { attributes: { axis: 0, block_size: 2 }, opset: 21 }]
]))

cases('without a zero point', [
  ['QuantizeLinear', [x, scalar(2)], { opset: 13 }],
  ['DequantizeLinear', [numbers([-70000, 5, 70000], 'i32'), scalar(0.5)], { opset: 13 }],
  ['QuantizeLinear', [x, scalar(2), scalar(300, 'u16')], { opset: 21 }]
])

cases('by the range of the numbers', ([x, some('f32', [5]), some('f32', [5], -1), numbers([0, 0])]).map((data): Case =>
  ['DynamicQuantizeLinear', [data], { opset: 11, results: 3 }]))

cases('matrix products', (['u8', 'i8'] as const).map((element): Case => ['QLinearMatMul', [
  some('u8', [2, 3, 4]), scalar(0.1), scalar(3, 'u8'), some(element, [4, 5]), scalar(0.2), scalar(1, element), scalar(0.75), scalar(20, 'u8')
]]))
