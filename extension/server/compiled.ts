/**
 * What only compiling finds: an access that may leave its tensor, a barrier that some threads miss, more shared memory
 * than the target has.
 *
 * Compiling takes longer than a keystroke allows, so it waits for a moment of quiet and takes one subject at a time; a
 * change starts it anew.
 */
import { compile, subjectsOf } from '../../compiler-core/compile/compile.ts'
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
      const waiting = [...subjectsOf(analysis)], diagnostics: Diagnostic[] = []
      const next = (): void => {
        const subject = waiting.shift()
        if (subject === undefined) {
          timers.delete(uri)
          found(unique(diagnostics, analysis))
          return
        }
        try {
          const { problems } = compile(program, uri, subject.name)
          diagnostics.push(...problems.filter(p => p.uri === uri).map(p => p.diagnostic))
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

/** Each place and message once, without what the analysis says itself. */
function unique(diagnostics: readonly Diagnostic[], analysis: Analysis): readonly Diagnostic[] {
  const keyOf = (d: Diagnostic): string => `${d.code} ${d.span.start} ${d.span.end} ${d.message}`
  const known = new Set(analysis.diagnostics.map(keyOf))
  return diagnostics.filter(d => {
    const key = keyOf(d)
    if (known.has(key)) return false
    known.add(key)
    return true
  })
}
