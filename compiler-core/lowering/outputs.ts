/** A program stores to each of its outputs: whether every element is written shows when it runs. */
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Program } from '../ir/ir.ts'
import { forEachStmt } from '../ir/visit.ts'

/** Before lowering. Errors: `never-written`, at the first kernel. */
export function checkOutputs(program: Program): readonly Finding[] {
  const stored = new Set<Buffer>()
  for (const kernel of program.kernels) {
    forEachStmt(kernel.body, s => {
      if (s.kind === 'store' || (s.kind === 'effect' && s.effect === 'atomic_add')) stored.add(s.buffer)
    })
  }
  return program.parameters.filter(b => b.scope === 'output' && !stored.has(b)).map((b): Finding => ({
    code: 'never-written', severity: 'error', related: [], origins: program.kernels[0]?.origins ?? program.origins,
    message: `No kernel stores to \`${b.name}\`, a result of \`${program.name}\`.`
  }))
}
