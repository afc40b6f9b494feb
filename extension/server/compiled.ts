/**
 * What only compiling finds: an access that may leave its tensor, a barrier that some threads miss, more shared memory
 * than the target has.
 *
 * Compiling takes longer than a keystroke allows, so it waits for a moment of quiet and takes one subject at a time; a
 * change starts it anew.
 */
import { compile, subjectsOf, unrepeated, type Problem } from '../../compiler-core/compile/compile.ts'
import type { Diagnostic } from '../../compiler-core/language/diagnostics.ts'
import type { Analysis, Program } from '../../compiler-core/language/program.ts'

/** Milliseconds without a change before anything is compiled. */
const quiet = 250

export interface CompiledDiagnostics {
  /** Compiles the subjects of a file as it is now; `found` is called once, unless the file changes before. */
  start(
    uri: string, analysis: Analysis, program: Program,
    found: (diagnostics: readonly Diagnostic[]) => void, failed: (error: unknown) => void
  ): void
  stop(uri: string): void
}

export function createCompiledDiagnostics(): CompiledDiagnostics {
  const timers = new Map<string, NodeJS.Timeout>()
  const stop = (uri: string): void => {
    clearTimeout(timers.get(uri))
    timers.delete(uri)
  }
  const later = (uri: string, milliseconds: number, f: () => void): void => {
    timers.set(uri, setTimeout(f, milliseconds))
  }
  return {
    stop,
    start: (uri, analysis, program, found, failed) => {
      stop(uri)
      const waiting = [...subjectsOf(analysis)], problems: Problem[] = []
      const next = (): void => {
        const subject = waiting.shift()
        if (subject === undefined) {
          timers.delete(uri)
          const said = analysis.diagnostics.map((diagnostic): Problem => ({ uri, diagnostic }))
          found(unrepeated(problems, said).filter(p => p.uri === uri).map(p => p.diagnostic))
          return
        }
        try {
          problems.push(...compile(program, uri, subject.name).problems)
        } catch (error) {
          failed(error)
        }
        later(uri, 0, next)
      }
      if (waiting.length > 0) later(uri, quiet, next)
      else found([])
    },
  }
}
