/** All passes behind fusion, in order, each with the program that it leaves. */
import type { Finding } from '../ir/finding.ts'
import type { Program } from '../ir/ir.ts'
import { asynchronousCopies, asynchronousStores } from './async.ts'
import { flattenAccesses } from './flatten.ts'
import { simplifyProgram } from './simplify-program.ts'
import { lowerTasks } from './tasks.ts'
import { dropUnusedNames, tidyNames } from './tidy.ts'
import { checkBarriers } from './uniform.ts'
import { vectoriseLoops } from './vectorise.ts'
import { decideWidths } from './widths.ts'

export interface Stage { readonly name: string; readonly program: Program }

/** An architecture is one. */
interface Target { readonly compute_capability: number }

/**
 * From a program with explicit bounds (guards.ts) to one that is printed as CUDA: loops, offsets into cells, wide
 * accesses, the target's asynchronous copies, C's whole numbers. With an error among the findings it ends at the pass
 * that found it.
 */
export function lower(
  program: Program, target: Target
): { readonly program: Program; readonly findings: readonly Finding[]; readonly stages: readonly Stage[] } {
  const findings: Finding[] = [...checkBarriers(program)], stages: Stage[] = []
  let now = program
  for (const [name, pass] of passes) {
    if (findings.some(f => f.severity === 'error')) break
    const result = pass(now, target)
    now = result.program
    findings.push(...result.findings)
    stages.push({ name, program: now })
  }
  return { program: now, findings, stages }
}

type Pass = (program: Program, target: Target) => { readonly program: Program; readonly findings: readonly Finding[] }

const passes: ReadonlyArray<readonly [name: string, pass: Pass]> = [
  ['asynchronous stores', (program, target) => ({ program: asynchronousStores(program, target), findings: [] })],
  ['loops', lowerTasks],
  ['offsets', flattenAccesses],
  ['names', program => ({ program: tidyNames(program), findings: [] })],
  ['simplified', program => ({ program: simplifyProgram(program), findings: [] })],
  ['wide accesses', program => {
    const { program: wide, findings } = vectoriseLoops(program)
    return { program: dropUnusedNames(wide), findings }
  }],
  ['asynchronous copies', program => ({ program: asynchronousCopies(program), findings: [] })],
  ['widths', program => ({ program: decideWidths(program), findings: [] })]
]
