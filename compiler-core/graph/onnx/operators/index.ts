/**
 * The ONNX operators that can be imported. `docs/operators.md` is made of this table.
 */
import type { OperatorTable } from '../conversion.ts'
import { attention } from './attention.ts'
import { convolution } from './convolution.ts'
import { einsum } from './einsum.ts'
import { elementwiseOperators } from './elementwise.ts'
import { indexOperators } from './indexing.ts'
import { matrix } from './matrix.ts'
import { normalisation } from './normalisation.ts'
import { pooling } from './pooling.ts'
import { quantisation } from './quantisation.ts'
import { recurrent } from './recurrent.ts'
import { reduction } from './reduction.ts'
import { resize } from './resize.ts'
import { shapeOperators } from './shape.ts'
import { softmax } from './softmax.ts'

export const operatorTable: OperatorTable = {
  ...attention, ...convolution, ...einsum, ...elementwiseOperators, ...indexOperators, ...matrix,
  ...normalisation, ...pooling, ...quantisation, ...recurrent, ...reduction, ...resize, ...shapeOperators,
  ...softmax
}
