/** Whether the CUDA toolkit, where there is one, takes the text: cicc and ptxas, or nvcc. */
import { compileCuda } from '../toolchain/compile-cuda.ts'
import { findToolkit } from '../toolchain/toolkit.ts'
import type { Subject } from './engine.ts'
import type { Acceptance } from './verify.ts'

/** The toolkit is looked up once. */
export function assembler(
  environment: NodeJS.ProcessEnv = process.env
): (subject: Subject, signal: AbortSignal | undefined) => Promise<Acceptance> {
  const searching = findToolkit(environment)
  return async ({ cuda, architecture }, signal) => {
    const search = await searching
    if (search.kind === 'missing') return { kind: 'absent', message: search.message }
    const { toolkit } = search
    const compiled = await compileCuda(toolkit, cuda.text, { name: 'kernel', architecture: architecture.name, signal })
    switch (compiled.kind) {
      case 'compiled': return { kind: 'accepted', toolkit: toolkit.version }
      case 'rejected': return { kind: 'rejected', message: compiled.message }
      case 'cancelled': return { kind: 'absent', message: 'It was cancelled.' }
      case 'too-slow': case 'failed': return { kind: 'absent', message: compiled.message }
    }
  }
}
