/** `heddle doctor`: which tools of this machine Heddle can use, and what is missing without the others. */
import { findTools } from '../toolchain/tools.ts'
import { cpuSupport } from '../verify/cpu/engine.ts'
import type { DoctorOutput } from '../view/output.ts'
import type { Report } from './report.ts'

export async function doctorReport(version: string): Promise<Report> {
  const [tools, cpu] = await Promise.all([findTools(), cpuSupport()])
  const lines = tools.map(tool => tool.path === undefined
    ? `  missing  ${tool.name.padEnd(11)} ${tool.purpose}\n`
    : `  found    ${tool.name.padEnd(11)} ${tool.purpose}: ${tool.path}${tool.version === undefined ? '' : ` (${tool.version})`}\n`)
  const engines: DoctorOutput['engines'] = [
    { engine: 'interpreter', works: true, message: 'runs programs before lowering; needs nothing' },
    { engine: 'cpu', works: cpu.works, message: cpu.works ? `runs the CUDA text, compiled by ${cpu.compiler}` : cpu.message }
  ]
  const engineLines = engines.map(e => `  ${(e.works ? 'works' : 'missing').padEnd(8)} ${e.engine.padEnd(11)} ${e.message}\n`)
  const machine = `heddle ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`
  const json: DoctorOutput = {
    version, node: process.versions.node, platform: `${process.platform}-${process.arch}`,
    tools: tools.map(t => ({ name: t.name, purpose: t.purpose, path: t.path ?? null, version: t.version ?? null })),
    engines
  }
  const text = `${machine}\n${lines.join('')}Engines of \`heddle verify\`:\n${engineLines.join('')}`
    + 'Describing, checking and formatting programs needs none of these.\n'
  return { status: 0, text, errors: '', json }
}
