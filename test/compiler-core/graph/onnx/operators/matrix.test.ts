import { cases, constant, scalar, signed, type Case } from '../oracle.ts'
import { numbers, some } from '../support.ts'

const error = 1e-6

cases('matrix products', ([
  [[3, 4], [4, 5]], [[4], [4]], [[4], [4, 5]], [[3, 4], [4]], [[2, 3, 4], [4, 5]], [[2, 3, 4], [2, 4, 5]],
  [[2, 3, 4], [4]], [[4], [2, 4, 5]], [[3, 4], [2, 4, 5]], [[2, 1, 3, 4], [3, 4, 5]], [[2, 3, 1, 4], [2, 1, 4, 5]],
  [[1, 1, 1, 4], [2, 3, 4, 1]]
] as const).map(([a, b]): Case => ['MatMul', [signed(a), signed(b)], { error }]))

cases('of whole numbers', [
  ['MatMul', [some('i32', [2, 3]), some('i32', [3, 2], -1)]],
  ['MatMulInteger', [some('u8', [2, 3]), some('u8', [3, 4]), scalar(3, 'u8'), scalar(5, 'u8')]],
  ['MatMulInteger', [some('u8', [2, 3]), some('i8', [3, 4]), constant(numbers([3], 'u8'))]]
])

cases('Gemm', [
  ...[0, 1].flatMap(transA => [0, 1].map((transB): Case => ['Gemm', [
    signed(transA === 1 ? [4, 3] : [3, 4]), signed(transB === 1 ? [5, 4] : [4, 5]), signed([5])
  ], { attributes: { transA, transB }, error }])),
  ...[[5], [1, 5], [3, 5], [3, 1], [1], []].map((c): Case => ['Gemm', [signed([3, 4]), signed([4, 5]), signed(c)], { error }]),
  ['Gemm', [signed([3, 4]), signed([4, 5]), constant(signed([5]))], { attributes: { alpha: { float: 0.5 }, beta: { float: -2 } }, error }],
  ['Gemm', [signed([3, 4]), signed([4, 5])], { error }]
])

cases('Einsum', [
  ['ij->ji', [3, 4]], ['ij->', [3, 4]], ['ij->i', [3, 4]], ['ii', [3, 3]], ['ii->i', [3, 3]], ['...ii->...i', [2, 3, 3]], ['ji', [3, 4]],
  ['ij,jk->ik', [2, 3], [3, 4]], ['bij,bjk->bik', [2, 3, 4], [2, 4, 2]], ['bij,bkj->bik', [2, 3, 4], [2, 2, 4]],
  ['...ij,...jk->...ik', [2, 3, 4], [2, 4, 2]], ['i,j->ij', [3], [4]], ['i,i', [3], [3]], ['ab,ab->a', [2, 3], [2, 3]],
  ['bhid,bhjd->bhij', [2, 2, 3, 4], [2, 2, 2, 4]], ['abc,cd,db->a', [2, 3, 4], [4, 2], [2, 3]], ['ij , kj', [2, 3], [4, 3]]
].map(([equation, ...shapes]): Case =>
  ['Einsum', shapes.map(shape => signed(shape as readonly number[])), { attributes: { equation: equation as string }, error }]))
