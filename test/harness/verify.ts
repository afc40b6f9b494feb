/** Verifies in this thread, with the interpreter alone: it needs nothing of the machine. */
import type { Engine, Outcome } from '../../compiler-core/verify/engine.ts'
import { interpreter } from '../../compiler-core/verify/interpreter/interpreter.ts'
import { verify, type Job, type Verification } from '../../compiler-core/verify/verify.ts'

const absent: Engine = () => Promise.resolve<Outcome>({ kind: 'unavailable', message: 'not asked' })

export function verifyHere(job: Job): Promise<Verification> {
  return verify(job, {
    engines: { interpreter, cpu: absent },
    assemble: () => Promise.resolve({ kind: 'absent', message: 'not asked' })
  })
}
