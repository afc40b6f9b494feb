// Broken programs through the whole compiler: whatever the text, problems whose ranges lie inside of the file or a
// trace whose regions lie inside of the CUDA text, in bounded time.
import { compile, subjectsOf } from '../../compiler-core/compile/compile.ts'
import type { Region } from '../../compiler-core/codegen/trace.ts'
import { createProgram } from '../../compiler-core/language/program.ts'
import { brokenLibrary } from './broken-library.ts'

const uri = 'file:///w/main.heddle'

export function attempt(seed: number): void {
  const text = brokenLibrary(seed)
  const program = createProgram({ read: u => u === uri ? text : undefined, roots: ['file:///w/'] })
  const start = performance.now()
  const analysis = program.analyse(uri)
  if (!analysis) throw new Error('no analysis')
  for (const subject of subjectsOf(analysis)) {
    const { cuda, problems } = compile(program, uri, subject.name)
    if (!cuda && problems.length === 0) throw new Error(`${subject.name} has neither CUDA nor a problem`)
    for (const { diagnostic: d } of problems) {
      if (!(0 <= d.span.start && d.span.start <= d.span.end && d.span.end <= text.length)) throw new Error(`${d.code} lies outside of the file`)
    }
    for (const region of cuda?.trace.regions ?? []) checkRegion(region, 0, cuda?.text.length ?? 0)
  }
  if (performance.now() - start > 20_000) throw new Error('compiling takes too long')
}

function checkRegion({ span, children }: Region, low: number, high: number): void {
  if (!(low <= span.start && span.start <= span.end && span.end <= high)) throw new Error('a region lies outside of the one around it')
  for (const child of children) checkRegion(child, span.start, span.end)
}
