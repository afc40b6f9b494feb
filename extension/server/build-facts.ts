/** What the CUDA toolkit of this machine says about a subject's kernels, in words. */
import { compile } from '../../compiler-core/compile/compile.ts'
import type { Program } from '../../compiler-core/language/program.ts'
import { compileCuda } from '../../compiler-core/toolchain/compile-cuda.ts'
import type { KernelFacts } from '../../compiler-core/toolchain/ptxas-report.ts'
import { findToolkit, type ToolkitSearch } from '../../compiler-core/toolchain/toolkit.ts'
import type { CudaParams, BuildFactsAnswer } from './protocol.ts'

/** A machine gets no other toolkit while a server runs. */
let search: Promise<ToolkitSearch> | undefined

export async function buildFacts(
  program: Program, uri: string, { subject, candidate }: CudaParams, signal: AbortSignal,
): Promise<BuildFactsAnswer> {
  const { cuda, architecture } = compile(program, uri, subject, { candidate })
  if (cuda === undefined || architecture === undefined) return { kind: 'none' }
  const found = await (search ??= findToolkit())
  if (found.kind === 'missing') return found
  const name = subject.replace(/\W/g, '_')
  const made = await compileCuda(found.toolkit, cuda.text, { name, architecture: architecture.name, signal })
  switch (made.kind) {
    case 'compiled': {
      const kernels = made.kernels.map(k => ({ name: k.name, text: textOf(k) }))
      return { kind: 'facts', toolkit: found.toolkit.version, kernels }
    }
    case 'rejected': return { kind: 'rejected', message: made.message }
    case 'too-slow': case 'cancelled': case 'failed': return { kind: 'none' }
  }
}

/** `96 registers, 2,048 bytes of shared memory, no spills` */
function textOf({ registers, shared_bytes, stack_bytes, spill_store_bytes, spill_load_bytes }: KernelFacts): string {
  const bytes = (n: number): string => `${n.toLocaleString('en')} bytes`
  return [
    `${registers} registers`,
    ...shared_bytes === 0 ? [] : [`${bytes(shared_bytes)} of shared memory`],
    ...stack_bytes === 0 ? [] : [`${bytes(stack_bytes)} of stack`],
    spill_store_bytes + spill_load_bytes === 0 ? 'no spills' : `${bytes(spill_store_bytes + spill_load_bytes)} spilled`,
  ].join(', ')
}
