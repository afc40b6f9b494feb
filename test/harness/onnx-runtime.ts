// ONNX Runtime as an oracle, in a process of its own:
//
//   const oracle = openOnnxRuntime()
//   const { y } = await oracle.run(bytes, { x })
//   oracle.close()
import path from 'node:path'
import type { TensorData } from '../../compiler-core/graph/tensor-data.ts'
import { createPool } from '../../compiler-core/runtime/conformance/pool.ts'

type Tensors = Readonly<Record<string, TensorData>>

export interface OnnxRuntime {
  /** Results by name. Rejects where ONNX Runtime refuses the model, or dies of it. */
  run(model: Uint8Array, inputs: Tensors): Promise<Tensors>
  close(): void
}

export function openOnnxRuntime(): OnnxRuntime {
  const pool = createPool<{ model: Uint8Array; inputs: Tensors }, Tensors | { readonly problem: string }>({
    size: 1, file: path.join(import.meta.dirname, 'onnx-runtime-child.mjs'), args: [], limitSeconds: 60, mostBytes: 2 ** 30
  })
  return {
    async run(model, inputs) {
      const outcome = await pool.run({ model, inputs })
      if (outcome.kind === 'lost') throw new Error(outcome.reason)
      const { result } = outcome
      if (typeof result['problem'] === 'string') throw new Error(result['problem'])
      return result as Tensors
    },
    close: () => { pool.close() }
  }
}
